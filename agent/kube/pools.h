/*
 * LoadBalancer addresses: the part of the agent that gives them out, on the node that has the Lease.
 *
 * It follows Services only while it leads, as only then anything is decided; what stands in their
 * status is adopted before anything is given (agent/core/pools.h), and is the only memory there is.
 *
 * Needs: core services: list, watch; core services/status: patch; Events of Services in any
 * namespace (recorder.h); the Lease `weft-load-balancer` (lease.h).
 */
#ifndef AGENT_KUBE_POOLS_H
#define AGENT_KUBE_POOLS_H

#include "agent/core/pools.h"
#include "agent/kube/kube.h"

extern const struct kube_part kube_pools_part;

struct kube_pools;

struct kube_pools_view {
	bool configured;   /* there are pools */
	bool leads;
	bool synced;	   /* leads, and all Services are known */
	const char *holder; /* of the Lease, "" nobody as far as is known */
	const char *problem; /* in words, "" none */
	const struct pools *model; /* NULL while it does not lead */
	uint64_t writes, failures; /* of statuses */
};
/* Borrowed until the next turn of the loop. part NULL: the cluster is not followed. */
void kube_pools_look(const struct kube_pools *part, struct kube_pools_view *ret);

#endif
