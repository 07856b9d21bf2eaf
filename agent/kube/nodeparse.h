/*
 * A Node object as the model of the cluster takes it (agent/core/cluster.h). Nothing of it is trusted
 * to be there, nor to be of any type: what is not understood is left out.
 */
#ifndef AGENT_KUBE_NODEPARSE_H
#define AGENT_KUBE_NODEPARSE_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/core/cluster.h"

/* What can be left out before (agent/kube/jskim.h): most of a Node. */
extern const char *const node_unwanted[];

/* New or changed; all of it is copied. True: something differs from what was known. */
bool node_put(struct cluster *c, const char *name, const json_t *obj);

#endif
