/*
 * Services and EndpointSlices of the cluster -> announced addresses.
 *
 * Both are watched only while an advertisement of type Service is configured. Until both and the nodes
 * have been listed once nothing is announced, and bgpd is not told that it knows everything, for SYNC_WAIT_S
 * at most: after a restart peers keep what the node announced before (RFC 4724) until then. What is
 * announced stays when the API server is gone.
 *
 * Needs: services: list, watch; endpointslices.discovery.k8s.io: list, watch.
 */
#ifndef AGENT_KUBE_SERVICES_H
#define AGENT_KUBE_SERVICES_H

#include <stdint.h>

#include "agent/core/services.h"
#include "agent/kube/kube.h"
#include "lib/ipcmsg.h"

#define SERVICES_NBUCKETS 10 /* of the histogram, the last one without an upper bound */

struct kube_services;

/* The row of kube.c's table. */
extern const struct kube_part kube_part_services;

/* Why nothing can be learned at the moment, "" when all is well, in words. */
struct kube_services_status {
	bool watching; /* an advertisement of type Service is configured */
	bool synced;   /* both were listed */
	const char *problem;
	const char *slices; /* API version of the EndpointSlices, "" when that is not known yet */
};
void kube_services_status(const struct kube_services *p, struct kube_services_status *ret);

/*
 * Announce that until the API server has told of all Services: it was, in a former life. Nothing
 * happens when the configuration has no advertisement of type Service, or they are known.
 * kube_services_remembered(): that was all of them; true: what is announced is what was.
 */
void kube_services_remember(
    struct kube_services *p, const struct ip_prefix *prefix, const struct ipc_originate *o);
bool kube_services_remembered(struct kube_services *p);

/* The model; NULL while nothing is watched. */
const struct services *kube_services_model(const struct kube_services *p);

/* What is wrong with the annotations of that Service: false: nothing. why: IPC_TEXT_MAX octets. */
bool kube_services_note(
    const struct kube_services *p, const struct service_view *v, size_t rule, char *why);

/* The index of the rule's advertisement in the configuration; SIZE_MAX: it has none. */
size_t kube_services_adv(const struct kube_services *p, size_t rule);

/*
 * How long it takes from a change of endpoints (read from the API server) until bgpd has been told
 * what follows from it: the upper bound of a bucket in microseconds, UINT64_MAX for the last one.
 */
struct kube_services_delay {
	uint64_t n[SERVICES_NBUCKETS]; /* not cumulative */
	uint64_t sum_us, count;
};
uint64_t kube_services_bucket_us(size_t i);
const struct kube_services_delay *kube_services_delay(const struct kube_services *p);

#endif
