/*
 * What `weft kube`, `weft status` and the metrics show of the connection to the API server.
 */
#ifndef AGENT_KUBE_KVIEW_H
#define AGENT_KUBE_KVIEW_H

#include "agent/kube/apicall.h"
#include "agent/kube/keep.h"
#include "agent/kube/reflector.h"

struct kube;

/* False: the cluster is not watched; k may be NULL. Texts are borrowed until the loop's next turn. */
bool kube_look(const struct kube *k, struct api_view *ret);

/* What is in force of a former life, as the API server has not told all of it yet; false: nothing. */
bool kube_look_kept(const struct kube *k, struct kube_kept *ret);

/* The next watch after *pos, which starts at 0; false at the end. */
bool kube_next_watch(const struct kube *k, size_t *pos, struct reflector_view *ret);

#endif
