/*
 * Which addresses of Services this node announces, and why or why not.
 *
 * Pure: Services and EndpointSlices go in as their watches tell them, prefixes to announce and to
 * withdraw come out. An event costs work for its own Service only.
 *
 * An address is announced when a rule (an advertisement of type Service) selects it and packets to
 * it find an endpoint:
 *   policy Cluster   a ready endpoint exists anywhere. Every node announces.
 *   policy Local     a ready endpoint is on this node. externalTrafficPolicy counts for load
 *                    balancer and external addresses, internalTrafficPolicy for cluster addresses.
 * A terminating endpoint is no longer ready, so its node withdraws before the endpoint is gone.
 * When no ready endpoint is left in the whole cluster, those that still serve while they terminate
 * count as ready: kube-proxy uses them, too (KEP-1669). Endpoints count by family, as kube-proxy
 * has no other ones for an address.
 *
 * With an aggregation length the covering prefix is announced as long as one of its members is. It
 * hides them, but for those that other nodes do not announce (Local) or that have attributes of
 * their own: they are announced beside it.
 */
#ifndef AGENT_CORE_SERVICES_H
#define AGENT_CORE_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/selector.h"

#define SERVICES_ADDRS_MAX 64 /* of one Service; more are not looked at */
#define SERVICES_WHY_MAX   96
#define SERVICES_NOTE_MAX  1024 /* octets of an annotation; of a longer one only that it is longer */

struct services;

enum service_kind { SERVICE_LB_IP, SERVICE_EXTERNAL_IP, SERVICE_CLUSTER_IP, SERVICE_NKINDS };

/* An advertisement of type Service. */
struct service_rule {
	uint32_t kinds;			 /* bits 1 << enum service_kind */
	const struct selector *selector; /* NULL: every Service */
	const char *const *namespaces;	 /* n == 0: all */
	size_t nnamespaces;
	const struct ip_prefix *ranges; /* of the addresses; nranges == 0: all */
	size_t nranges;
	uint8_t aggregate[2]; /* [0] IPv4, [1] IPv6; 0: off */
};

struct service_addr {
	struct ip_addr addr;
	uint8_t kind; /* enum service_kind */
	bool proxied; /* ipMode Proxy: no node delivers what comes to it */
};

struct service {
	const char *key; /* "namespace/name" */
	struct labels labels;
	const struct service_addr *addrs;
	size_t naddrs;
	bool external_local, internal_local; /* externalTrafficPolicy, internalTrafficPolicy Local */
	bool foreign_class;		     /* loadBalancerClass is somebody else's */
	bool deleting;
	/* Annotations as they stand, NULL: none. Whoever sends them out reads them. */
	const char *communities, *local_pref;
};

/* What is counted of endpoints: [0] on all nodes, [1] on this one. */
struct service_count {
	uint32_t ready[2];
	uint32_t leaving[2]; /* terminating and still serving */
};

struct service_slice {
	const char *key;     /* "namespace/name" of the slice */
	const char *service; /* "namespace/name" of its Service */
	uint8_t af;
	struct service_count count;
};

/* Conditions of an endpoint, with what their absence stands for filled in. */
struct service_endpoint {
	bool ready, serving, terminating;
	bool here; /* it is on this node */
};
void service_count_add(struct service_count *c, const struct service_endpoint *e);

/* A prefix that has to be announced with these attributes, or to be withdrawn. */
struct service_change {
	struct ip_prefix prefix;
	bool on;
	size_t rule;
	bool aggregate;
	const char *key;		      /* the Service; NULL for aggregates */
	const char *communities, *local_pref; /* its annotations; NULL: none */
};

enum service_why {
	SERVICE_ANNOUNCED,
	SERVICE_LEAVING,    /* announced for endpoints that terminate: there are no other ones */
	SERVICE_AGGREGATED, /* announced by a shorter prefix */
	SERVICE_UNSELECTED,
	SERVICE_BAD_ADDRESS,
	SERVICE_RESERVED,
	SERVICE_OUTSIDE,
	SERVICE_PROXIED,
	SERVICE_FOREIGN,
	SERVICE_DELETING,
	SERVICE_EXCLUDED,
	SERVICE_NO_ENDPOINT,
	SERVICE_NO_LOCAL,
};

struct service_addr_view {
	struct ip_addr addr;
	enum service_kind kind;
	bool local; /* policy */
	enum service_why why;
	struct ip_prefix by; /* what is announced for it, af 0: nothing */
	size_t rule;	     /* SIZE_MAX: none */
};

struct service_view {
	const char *key;
	const char *communities, *local_pref;
	struct service_count count[2]; /* [0] IPv4, [1] IPv6 */
	size_t naddrs;
};

/* Nothing known, nothing announced. */
struct services *services_new(void);
void services_free(struct services *s);

/* The rules in their order: the first that selects an address decides. Borrowed until the next call. */
void services_set_rules(struct services *s, const struct service_rule *rules, size_t n);

/* This node is not for load balancers (node.kubernetes.io/exclude-from-external-load-balancers). */
void services_set_excluded(struct services *s, bool excluded);

/*
 * What is somebody else's: nodes, pods, peers, the API server. Whoever may edit a Service may write
 * any external address into it: none within these is announced. Copied.
 */
void services_set_reserved(struct services *s, const struct ip_prefix *v, size_t n);

/* All of it is copied. */
void services_put(struct services *s, const struct service *v);
void services_remove(struct services *s, const char *key);
void services_put_slice(struct services *s, const struct service_slice *sl);
void services_remove_slice(struct services *s, const char *key);

/* All slices will be told again: those that were not until the end are no more. */
void services_slices_again(struct services *s);
void services_slices_end(struct services *s);

/*
 * The next prefix that changed since it was asked for last; false: none. What *ret points to is
 * valid until the next call of anything here.
 */
bool services_next_change(struct services *s, struct service_change *ret);

/* Have every announced prefix told again as a change: the rules' attributes are other ones. */
void services_touch(struct services *s);

/* Services in the order of their keys: the first after that key (NULL: of all); false: none. */
bool services_next(const struct services *s, const char *after, struct service_view *ret);
bool services_addr(const struct services *s, const char *key, size_t i, struct service_addr_view *ret);
/* The first Service, in no order, that announces exactly p or has it as an address; NULL: none. */
const char *services_find(const struct services *s, const struct ip_prefix *p);

/* Services that are known; prefixes that are announced as far as has been asked. */
size_t services_count(const struct services *s);
size_t services_announced(const struct services *s);

/* Is an address with that verdict announced? */
bool service_why_is_on(enum service_why why);
/* The reason in words, in buf (SERVICES_WHY_MAX octets), which is returned. */
const char *service_why_text(const struct service_addr_view *a, char *buf);
/* LoadBalancerIP, ExternalIP, ClusterIP. */
const char *service_kind_text(enum service_kind kind);

#endif
