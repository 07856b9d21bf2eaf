/*
 * What the kernel has that is not ours: links, addresses, routes and nexthop
 * objects of other programs, as last observed.
 *
 * Fed by fib_see_*(); read by next-hop resolution, admission and the planner.
 * Nothing here decides.  Foreign routes are kept for the tables in question only.
 *
 * A dump marks what it sees; kern_dump_end_*() drops the rest.  A route deleted by
 * notification while a dump is under way stays as a tombstone until its end, since
 * a row read later may be older than the notification.
 */
#ifndef AGENT_CORE_KERN_H
#define AGENT_CORE_KERN_H

#include "agent/core/fib.h"
#include "agent/core/hops.h"
#include "lib/hmap.h"
#include "lib/trie.h"

struct klink {
	struct hmap_node node;
	struct kern_link l;
	uint32_t nroutes; /* foreign IPv4 routes with a leg here */
	bool seen;
};

struct kaddr {
	struct trie_node node; /* host prefix; in the trie only for the first of its address */
	struct kaddr *next;    /* same address, another interface or length */
	struct kern_addr a;
	bool seen;
};

/* A foreign route. */
struct kroute {
	struct trie_node node; /* in the trie only for the first of its prefix */
	struct kroute *next;   /* same prefix, ascending metric */
	uint32_t metric, table;
	uint32_t hops;
	uint8_t protocol;
	bool seen, gone; /* gone: tombstone */
};

/* A foreign nexthop object. */
struct knexthop {
	struct hmap_node node;
	uint32_t id;
	bool seen;
	uint8_t protocol;
	uint16_t ngroup;
	struct kern_leg leg;
	uint32_t group[]; /* ids */
};

struct kern {
	struct hmap links, nexthops;
	struct trie addrs, routes;
	struct hops_pool *hops; /* borrowed */
	bool dumping[KERN_NWHAT];
	size_t nroutes;
};

/* Nothing known. hops is borrowed and outlives k; key seeds the hashes. */
void kern_init(struct kern *k, struct hops_pool *hops, const uint64_t key[2]);
/* Frees what is known. */
void kern_fini(struct kern *k);

/* ---- links ---- */

/* What changed about a link, as bits. */
enum kern_link_change {
	KLINK_NEW = 1 << 0,
	KLINK_DOWN = 1 << 1, /* admin-down, carrier lost, flapped, or deleted: the kernel dropped things */
	KLINK_UP = 1 << 2,   /* usable again */
	KLINK_GONE = 1 << 3,
	KLINK_ADMIN_DOWN = 1 << 4, /* with KLINK_DOWN: IPv4 routes went silently */
	KLINK_MTU = 1 << 5,
};
unsigned int kern_see_link(struct kern *k, const struct kern_link *l, bool gone);
const struct klink *kern_link(const struct kern *k, uint32_t ifindex);
const struct klink *kern_link_by_name(const struct kern *k, const char *name);
/* Up and with carrier. */
bool kern_link_usable(const struct kern *k, uint32_t ifindex);

/* ---- addresses ---- */

/* True when something changed. ret_was_usable: it was there and usable before. */
bool kern_see_addr(struct kern *k, const struct kern_addr *a, bool gone, bool *ret_was_usable);
/* The node has this address, on any interface (link-local: on a->ifindex) and finished DAD. */
bool kern_addr_usable(const struct kern *k, const struct ip_addr *a);
bool kern_is_own(const struct kern *k, const struct ip_addr *a);
/* A usable link-local address on that interface. */
bool kern_has_link_local(const struct kern *k, uint32_t ifindex);

/* ---- foreign routes ---- */

/* True when something changed. A route is known by prefix, table, metric and protocol. */
bool kern_see_route(struct kern *k, const struct kern_route *r, bool gone, bool dump);
/* Routes of the longest foreign prefix that holds a, lowest metric first; and that prefix (af 0: none). */
const struct kroute *kern_lpm(const struct kern *k, const struct ip_addr *a);
struct ip_prefix kern_lpm_prefix(const struct kern *k, const struct ip_addr *a);
/* The next one at the same prefix that is no tombstone; r may be one. */
const struct kroute *kern_route_live(const struct kroute *r);
/* Somebody's route at that very place. */
const struct kroute *kern_route_at(const struct kern *k, const struct ip_prefix *p, uint32_t table,
    uint32_t metric);
/* The legs of a route, through nexthop objects if need be; at most max. */
uint16_t kern_route_legs(const struct kern *k, const struct kroute *r, struct kern_leg *ret,
    uint16_t max);
/*
 * Link ifindex went down: drop the IPv4 routes none of whose legs is left, as the
 * kernel did without a word. cb gets each prefix before the route goes.
 */
void kern_drop_down(struct kern *k, uint32_t ifindex,
    void (*cb)(void *ctx, const struct ip_prefix *p), void *ctx);

/* ---- foreign nexthop objects ---- */

/*
 * Somebody's object, new, changed or gone; and by its id (NULL: not known; valid until seen
 * again).
 */
void kern_see_nexthop(struct kern *k, const struct kern_nexthop *n, bool gone);
const struct knexthop *kern_nexthop(const struct kern *k, uint32_t id);

/* ---- dumps ---- */

/* What is known of that kind counts as not seen until the dump shows it. */
void kern_dump_begin(struct kern *k, enum kern_what what);
/*
 * What was not seen goes. cb gets each link (struct kern_link) and address (struct kern_addr)
 * after it went, and the prefix of each route (struct ip_prefix) before.
 */
void kern_dump_end(struct kern *k, enum kern_what what,
    void (*cb)(void *ctx, enum kern_what what, const void *obj), void *ctx);

#endif
