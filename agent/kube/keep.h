/*
 * What is known of the cluster, in the file kept-cluster of the run directory: for a start while the
 * API server is away.
 *
 * Kept are Nodes (struct cluster_node), the custom resources in force, and the announced addresses of
 * Services; never a Secret. The file is written KEEP_S after a change at the soonest, and every
 * FRESH_S while the server is there, so that its age is that of the knowledge; a status update is no
 * change. Once the server has told something, that is what counts of it.
 *
 * Needs nothing of the API.
 */
#ifndef AGENT_KUBE_KEEP_H
#define AGENT_KUBE_KEEP_H

#include "agent/kube/kube.h"

struct keep;

extern const struct kube_part kube_keep_part;

/* Something that is kept has changed; NULL is fine. */
void kube_keep_soon(struct keep *p);

/* What of a former life is in force. */
struct kube_kept {
	uint64_t age_s; /* since the API server was there */
	size_t nodes, objects, services; /* that were taken from the file */
};
/* False: nothing is. */
bool kube_keep_look(const struct keep *p, struct kube_kept *ret);

#endif
