/*
 * Next-hop tracking: which legs (gateway and interface) lead to a BGP next hop, and
 * so to a set of them.
 *
 * A next hop resolves through the longest route that holds it: a foreign one
 * (connected or with a gateway) or one of ours, whose set has legs of its own
 * (recursion, depth at most 4).  A route never resolves what it depends on itself
 * (RFC 4271 section 9.1.2.1: a route is unusable when its next hop resolves through
 * it): such a route is passed over for the next shorter one.  The assignment is kept
 * free of cycles at every single step.  A link without carrier resolves nothing, and a
 * next hop that once was on a link is never looked for behind a default route.  An
 * address that BFD says is down resolves nothing, neither itself nor as a gateway.
 *
 * Changes mark what they may touch; nht_settle() evaluates each marked next hop and
 * set once, until nothing changes any more.
 */
#ifndef AGENT_CORE_NHT_H
#define AGENT_CORE_NHT_H

#include "agent/core/kern.h"
#include "agent/core/nhdown.h"
#include "lib/list.h"

#define NHT_DEPTH_MAX 4

enum nh_why {
	NH_OK,
	NH_PENDING,	/* not looked at yet */
	NH_NO_ROUTE,
	NH_OWN_ADDRESS, /* it is this node's */
	NH_NO_LINK,	/* link-local without a known interface */
	NH_LINK_DOWN,
	NH_NO_CARRIER,
	NH_NO_ADDRESS,	/* no usable link-local address of our own there yet */
	NH_DISCARDED,	/* a blackhole, unreachable or prohibit route */
	NH_LOOP,	/* only through routes that depend on it */
	NH_TOO_DEEP,
	NH_LEFT_LINK,	/* was on a link, now only the default route leads there */
	NH_BFD_DOWN,	/* BFD says so of it, or of every gateway that leads there */
};

struct nhset;

struct nh {
	struct trie_node node; /* in the trie only for the first of its address */
	struct nh *next;       /* same address, higher interface index */
	struct ip_addr addr;
	bool watched, dirty, report;
	bool followed, linked; /* by the agent itself: a peer; linked: it was on a link when last seen */
	uint32_t refs;	       /* memberships in sets */
	struct list users;     /* struct nh_ref */
	struct list dirty_link;
	struct list report_link, lost_link; /* for the owner of the table */
	/* The resolution */
	bool resolved, onlink;
	bool cut;	       /* a leg or more is left out: its gateway is down */
	uint8_t depth;	       /* 1: by a foreign route */
	uint8_t why;	       /* enum nh_why */
	uint8_t protocol;      /* of the foreign route */
	uint32_t why_ifindex, home; /* home: link it was on when it last resolved directly */
	uint32_t metric, ifindex, gen;
	struct ip_prefix through;
	struct nhset *via;     /* our route's set, NULL: foreign */
	struct list via_link;  /* in via->dependents */
	uint16_t nlegs;
	struct kern_leg *leg;
};

struct nh_ref {
	struct list link; /* in nh->users */
	struct nh *nh;
	struct nhset *set;
	uint8_t weight;
};

struct nhset {
	uint16_t n, nlegs;
	uint8_t depth;	/* of its deepest member */
	uint32_t walk;	/* that came by last, of nht.walk */
	bool dirty, live; /* live: between nht_set_init() and _fini() */
	bool has4;	/* a leg has an IPv4 gateway: no use for IPv6 routes */
	uint32_t metric;
	struct nh_ref *ref;
	struct kern_leg *leg;
	struct nhset *backup;
	struct list backup_of;	 /* sets whose backup this is */
	struct list backup_link;
	struct list dependents; /* struct nh */
	struct list dirty_link;
};

/* A route of ours as a way to a next hop. */
struct nht_own {
	struct ip_prefix prefix;
	struct nhset *set;
	uint32_t metric;
};

enum nht_change {
	NHT_USABLE = 1 << 0, /* legs appeared or are all gone */
	NHT_LEGS = 1 << 1,
	NHT_THROUGH = 1 << 2, /* a member resolves through another route than before */
};

struct nht_ops {
	/* Our longest usable learned route that holds a, shorter than `below` bits. */
	bool (*own)(void *ctx, const struct ip_addr *a, int below, struct nht_own *ret);
	/* s has other legs; s->leg holds the new ones. May call nht_touch(). */
	void (*set_changed)(void *ctx, struct nhset *s, unsigned int change);
	/* What bgpd should hear about, or onlink, changed. */
	void (*nh_changed)(void *ctx, struct nh *nh);
};

struct nht {
	struct trie trie;
	const struct kern *kern;
	const struct nht_ops *ops;
	void *ctx;
	struct nhdown downs;
	struct list dirty, dirty_sets;
	size_t n;
	uint32_t gen, walk;
	uint8_t multipath; /* legs of one set at most */
	bool any;	   /* kernel.install false: any route will do */
};

/* Nothing to resolve. k, ops and ctx are borrowed and outlive t. */
void nht_init(struct nht *t, const struct kern *k, const struct nht_ops *ops, void *ctx);
void nht_fini(struct nht *t); /* all sets must be finished before */

/*
 * bgpd asks for that next hop (on), or no longer: nh_changed() tells its state now and at
 * each change.
 */
void nht_watch(struct nht *t, const struct ip_addr *a, bool on);

/*
 * Just these addresses are those of peers on a link: nh_changed() tells of them, too, watched
 * or not.
 */
void nht_follow(struct nht *t, const struct ip_addr *v, size_t n);
/* Somebody but ourselves asks for it: it is a next hop. */
bool nht_is_next_hop(const struct nh *nh);

/* s is zeroed memory of the caller, which stays where it is until nht_set_fini(). */
void nht_set_init(struct nht *t, struct nhset *s, const struct ipc_nh_member *m, uint16_t n,
    struct nhset *backup);
/* Other members for s; it is evaluated at the next nht_settle(). */
void nht_set_members(struct nht *t, struct nhset *s, const struct ipc_nh_member *m, uint16_t n,
    struct nhset *backup);
void nht_set_fini(struct nht *t, struct nhset *s);

/* Next hops inside p may resolve otherwise now. */
void nht_touch(struct nht *t, const struct ip_prefix *p);
/* A link or address changed: all of them. */
void nht_touch_all(struct nht *t);
void nht_touch_set(struct nht *t, struct nhset *s);
/*
 * Nothing leads to that address, nor by it as a gateway, or (down false) it may again: marks
 * just those next hops that it concerns. Known until said otherwise, whoever names it when.
 */
void nht_addr_down(struct nht *t, const struct ip_addr *a, bool down);

/* Evaluate what is marked. False: stopped after too many rounds, call again later. */
bool nht_settle(struct nht *t);
/* Nothing is marked. */
static inline bool
nht_is_settled(const struct nht *t)
{
	return list_is_empty(&t->dirty) && list_is_empty(&t->dirty_sets);
}

/* The prefix covers a next hop of the set as specifically as the foreign route that serves that one. */
bool nht_covers_self(const struct nht *t, const struct nhset *s, const struct ip_prefix *p);

/* That very address and interface, or NULL. */
struct nh *nht_find(const struct nht *t, const struct ip_addr *a);
/* In order of address and interface after *after (NULL: the first); NULL at the end. */
const struct nh *nht_after(const struct nht *t, const struct ip_addr *after);
/* Words for the CLI, at most cap octets. */
void nht_via_text(const struct nht *t, const struct nh *nh, char *buf, size_t cap);
void nht_why_text(const struct nht *t, const struct nh *nh, char *buf, size_t cap);

#endif
