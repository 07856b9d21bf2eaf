/*
 * Admission: may this route be installed at all?  A pure function of the prefix and
 * of tables that others keep.
 *
 * bgpd is the process that reads what strangers send; whatever it asks for, the
 * agent installs nothing outside kernel.permit, no default route that the permit
 * list does not name, nothing that takes the traffic for the node's own addresses,
 * for BGP peers or for configured addresses away from the route that serves it now,
 * nothing within a block of the node's own, and not more than the limit.
 * The remaining rule (a route's own next hop) needs the set: nht_covers_self().
 */
#ifndef AGENT_CORE_ADMIT_H
#define AGENT_CORE_ADMIT_H

#include "agent/core/fib.h"
#include "agent/core/kern.h"
#include "lib/list.h"
#include "lib/trie.h"

/* An address or prefix to keep out of reach of learned routes. */
struct guard {
	struct trie_node node;
	int served; /* length of the foreign route that serves it now; -1: none */
};

/* A prefix that this node announces. */
struct local {
	struct trie_node node;
	bool block; /* a pod CIDR: nothing inside is learned, and a local route stands for it */
	bool cover; /* an aggregate: such a route, too, but others' prefixes inside are learned */
	bool ready, said;
	struct list say; /* in local.c's list while a report is due */
};

struct admit {
	bool install;
	bool permit_default4, permit_default6, protect_default;
	bool protect_node, protect_peers;
	uint32_t max_routes; /* 0: no limit */
	uint32_t routes;     /* admitted now, without the one in question */
	const struct ip_prefix *permit;
	size_t npermit;
	const struct trie *own;	    /* struct kaddr */
	const struct trie *peers;   /* struct guard, host prefixes */
	const struct trie *protect; /* struct guard */
	const struct trie *nexthops; /* struct nh: those on a link are protected with the peers */
	const struct trie *locals;  /* struct local */
};

/* A learned route. IPC_REF_NONE: it may be installed. */
enum ipc_refusal admit_learned(const struct admit *a, const struct ip_prefix *p);

/* The unreachable route for a permitted range: the same protections, no permit, no limit. */
enum ipc_refusal admit_discard(const struct admit *a, const struct ip_prefix *p);

/* Loopback, multicast, link-local, unspecified, v4-mapped (RFC 6890's tables, as far as routing goes). */
bool admit_is_martian(const struct ip_prefix *p);

#endif
