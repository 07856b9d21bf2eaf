/*
 * The cluster this node is in: what the agent knows of it and tells it.
 *
 * kube.c holds the connection's settings and starts the parts when `kubernetes` is enabled:
 *   nodes.c     Node objects -> struct cluster (agent/core/cluster.h) -> peers, own pod CIDRs
 *   config.c    custom resources -> configuration (the same keys, the same code as the file)
 *   secrets.c   named Secrets -> passwords
 *   services.c  Services and EndpointSlices -> announced addresses
 *   pools.c     LoadBalancer addresses, by whoever holds the Lease
 *   status.c    the node's network condition, its start-up taint
 *   recorder.c  Events
 *   keep.c      what is known, in a file for the next life
 * Each part has a row in the table of kube.c and knows the others by their headers only.
 */
#ifndef AGENT_KUBE_KUBE_H
#define AGENT_KUBE_KUBE_H

#include "agent/agent.h"

struct kube;
struct api;
struct cluster;

/* What a part gives kube.c; any function but start and stop may be NULL. */
struct kube_part {
	const char *name;
	void *(*start)(struct kube *k);	/* the API can be used */
	void (*stop)(void *part);	/* frees it */
	void (*conf)(void *part, const struct conf *c); /* a configuration was put in force */
	void (*cluster)(void *part);	/* something of the nodes changed (labels, addresses, ...) */
	bool (*synced)(void *part);	/* of nodes.c: see kube_is_synced() */
	void (*peers)(void *part);	/* a session came up, went down or sent its End-of-RIB */
};

/* Not connected; borrows a, which outlives it. NULL is fine for kube_free(). */
struct kube *kube_new(struct agent *a);
void kube_free(struct kube *k);

/* A configuration was put in force: connect, or stop, and tell the parts. */
void kube_apply(struct kube *k, const struct conf *c);

/* Does that configuration ask for a cluster, and is there one to ask? */
bool kube_is_wanted(struct kube *k, const struct conf *conf);
/* Is the cluster followed, or will be? NULL is fine. */
bool kube_is_on(const struct kube *k);
/* The API server's addresses, as far as they are known: at most cap; returns how many. k may be NULL. */
size_t kube_server_addresses(const struct kube *k, struct ip_addr *ret, size_t cap);

/* For the parts. */
struct agent *kube_agent(struct kube *k);
struct api *kube_api(struct kube *k);
/* Now, in RFC 3339 as the API's Time has it: UTC, whole seconds. Returns buf. */
#define KUBE_TIME_STRLEN 32
const char *kube_time_str(char buf[KUBE_TIME_STRLEN]);
/* The part of that name, NULL when it does not run. */
void *kube_part_find(struct kube *k, const char *name);
/* Tell all parts (see struct kube_part); in this turn of the loop, once for many calls. */
void kube_cluster_changed(struct kube *k);
void kube_peers_changed(struct kube *k);
/* The namespace of what is weft's own (kubernetes.namespace, else as the credentials say); borrowed,
 * "" while it is not known. */
const char *kube_namespace(const struct kube *k);
/* Is there a cluster whose nodes or custom resources are not known yet? k may be NULL. */
bool kube_awaits_nodes(const struct kube *k);
/* Is the whole cluster known: has every Node been listed once? */
bool kube_is_synced(const struct kube *k);

#endif
