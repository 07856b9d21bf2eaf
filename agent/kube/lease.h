/*
 * A Lease in the cluster: who of all agents does what only one may do (agent/core/lease.h).
 *
 * Needs: coordination.k8s.io leases: get, create, patch in our namespace.
 */
#ifndef AGENT_KUBE_LEASE_H
#define AGENT_KUBE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

struct kube;
struct kube_lease;

struct kube_lease_ops {
	void (*won)(void *ctx);	 /* we lead from now on */
	void (*lost)(void *ctx); /* no longer: begin nothing, and end what is under way */
};

/*
 * Ask for the Lease of that name (copied) until freed. ops are called from the loop only. When freed
 * while held it is not given back: others wait until it runs out.
 */
struct kube_lease *kube_lease_new(struct kube *k, const char *name, uint32_t duration_ms,
    const struct kube_lease_ops *ops, void *ctx);
/* NULL is fine; lost() is not called. */
void kube_lease_free(struct kube_lease *l);

/* Do we lead at this very moment? */
bool kube_lease_is_held(const struct kube_lease *l);
/* Is the last holder that the server told of this agent? Also when it does not lead any more. */
bool kube_lease_is_ours(const struct kube_lease *l);
/* Who has it as far as is known, "" nobody; what is wrong with our requests, "" nothing. */
const char *kube_lease_holder(const struct kube_lease *l);
const char *kube_lease_problem(const struct kube_lease *l);

#endif
