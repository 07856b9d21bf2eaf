/*
 * The cluster takes this node out of service: it is drained (agent/core/leaving.h, drains.h).
 *
 * What counts is in the configuration: drain.onTaints, drain.onCordon; and that the Node is deleted,
 * or that its kubelet says it shuts down.  Nothing is decided before the cluster is known.
 */
#ifndef AGENT_KUBE_LEAVE_H
#define AGENT_KUBE_LEAVE_H

#include "agent/kube/kube.h"

#define LEAVE_WHY_MAX 160

extern const struct kube_part kube_leave_part;

/*
 * Is this node leaving at all: drained by whomever, cordoned, deleted, shutting down?  Then why has
 * the reason in words (LEAVE_WHY_MAX octets).
 */
bool leave_is_due(const struct agent *a, char *ret_why);

#endif
