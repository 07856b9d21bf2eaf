/*
 * One address family's table: destinations and the paths to them.
 *
 * It is Adj-RIB-In and Loc-RIB in one (RFC 4271 section 3.2): a destination
 * has a list of paths, one per peer (with add-path several, told apart by their
 * path ids), rejected ones included; after a decision the used ones lead the
 * list, the best first.  A path's attributes are those after import policy;
 * where they are others than received, the received ones are in a table beside.
 *
 * Made small, for a million destinations: both are numbered slots, a
 * destination takes 12 octets (IPv4) or 16, a path 24.  What only some have is in
 * tables beside, which take no memory as long as nobody has it: the second half of
 * an IPv6 address (prefixes longer than /64), and what the agent was told and has
 * answered.  Destinations are found by an index that never stops to rehash
 * (idx.h), and the hash is keyed, so a peer cannot choose colliding prefixes.
 * Prefixes of one length that differ in their last two bits only, such as those that
 * a node or an AS has in a row and announces together, are neighbours in the index,
 * too: four of them share a line of the cache, and cost one hash.
 *
 * In a large table every look costs a few accesses to memory that is in no cache.
 * Who has several prefixes at hand asks for all of their places first
 * (rib_seek()), so that the accesses overlap.
 */
#ifndef BGPD_CORE_RIB_H
#define BGPD_CORE_RIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bgpd/core/attrs.h"
#include "bgpd/core/bitq.h"
#include "bgpd/core/idx.h"
#include "bgpd/core/outtable.h"
#include "bgpd/core/slots.h"
#include "lib/ip.h"

#define RIB_LOCAL_PEER 0 /* index of the peer that own prefixes belong to */

/* Of an IPv6 address: a destination has the first half, the other one is beside. */
#define RIB_HALF_BITS	64
#define RIB_HALF_OCTETS 8

enum dest_flag {
	DEST_LIVE = 1 << 0,    /* the slot is a destination */
	DEST_SKIPPED = 1 << 1, /* a group looked while a decision was due: look again after it */
	DEST_BEST = 1 << 2,    /* there was a best path after the last decision */
};

struct dest {
	uint32_t paths;	/* first path, 0: none */
	uint8_t flags;	/* enum dest_flag */
	uint8_t used;	/* so many of the first paths are used; 0: unreachable */
	uint8_t len;
	uint8_t buried; /* of its paths; UINT8_MAX: that many, or more, or fewer by now */
	uint8_t addr[];	/* 4 octets (IPv4) or the first 8 */
};

/* How far a destination's route is on its way into the kernel (fibout.c). */
struct dest_fib {
	unsigned int set : 17;	/* next-hop set that the agent was told; 0: no route */
	unsigned int code : 12; /* of its verdict */
	unsigned int state : 3; /* enum ipc_verdict_state */
};
#define DEST_FIB_SET_MAX  ((1u << 17) - 1)
#define DEST_FIB_CODE_MAX ((1u << 12) - 1) /* the kernel's errors are no greater */

enum path_flag {
	PATH_GEN = 3 << 0,     /* generation of the peer's session it was learned in (gr.h) */
	PATH_GSHUT = 1 << 2,   /* GRACEFUL_SHUTDOWN: LOCAL_PREF 0 (RFC 8326) */
	PATH_NH_LL = 1 << 3,   /* its next hop is the link-local one (RFC 2545) */
	PATH_CHANGED = 1 << 4, /* since the last decision */
	PATH_BEST = 1 << 5,    /* the best one; counted with its peer */
	PATH_EDITED = 1 << 6,  /* import policy changed its attributes (rib_path_received()) */
	PATH_LLGR_STALE = 1 << 7, /* least preferred: LLGR_STALE (RFC 9494) */
	PATH_REASON_SHIFT = 8, /* from here on: enum reject_reason (policy.h), 0: accepted */
};

struct path {
	const struct attrs *attrs; /* after import policy; NULL: the slot is free */
	uint32_t next;		   /* of the same destination */
	uint32_t dest;
	uint32_t since_s;	   /* when it came or changed, seconds of the speaker's time */
	uint16_t peer;		   /* index */
	uint16_t flags;		   /* enum path_flag */
};

static inline uint8_t
path_reason(const struct path *p)
{
	return (uint8_t)(p->flags >> PATH_REASON_SHIFT);
}

/* What not all destinations, or paths, have, by their number: pages only where somebody has it. */
struct beside {
	uint8_t **page;	 /* NULL: all zeros */
	uint32_t npages;
	uint32_t octets; /* of one */
};

struct rib {
	uint8_t af;	/* enum ip_af */
	uint8_t octets; /* that a destination has of its address */
	struct slots dests, paths;
	struct beside tails; /* by destination: the other 8 octets of addresses longer than /64 */
	struct beside fibs;  /* by destination: struct dest_fib */
	struct beside ids;   /* by path: the path id it was received with (RFC 7911) */
	uint32_t nburied;
	struct out_table received; /* by path: attributes before import policy, of edited paths */
	struct idx index; /* of destinations */
	uint64_t key[2];  /* of its hash */
	struct attrs_pool *pool; /* borrowed */
};

/* An empty table of a family; pool is borrowed, key seeds the hash. */
void rib_init(struct rib *rib, uint8_t af, struct attrs_pool *pool, const uint64_t key[2]);

/* Drops every path (and its reference) and gives the memory back. */
void rib_free(struct rib *rib);

/* The destination of a prefix: 0 when there is none; rib_get() makes it. */
uint32_t rib_find(const struct rib *rib, const struct ip_prefix *prefix);
uint32_t rib_get(struct rib *rib, const struct ip_prefix *prefix);
/* rib_find() for who has a guess, any number: when it is right the index is not looked at. */
uint32_t rib_find_guess(const struct rib *rib, const struct ip_prefix *prefix, uint32_t guess);

/* A block of neighbours, for who looks for several in a row (rib_seek()); all zeros: none yet. */
struct rib_block {
	uint64_t hi, lo; /* its address */
	uint32_t hash;
	uint8_t len;	 /* of its prefixes */
	bool is_known;
};

/*
 * The same in steps. rib_seek(): where to look for a prefix, a number that is good for
 * this prefix as long as the table lives; has the processor fetch what will be looked at
 * first, unless it is in the block of the one looked for before. rib_approach(): a little
 * later, the same for what is behind that; the destination that it will most likely be, 0:
 * none. rib_find_at() looks, that guess first, whatever has become of it; rib_add_at() makes
 * the destination, of which it was seen that there is none.
 */
uint32_t rib_seek(
    const struct rib *rib, const struct ip_prefix *prefix, struct rib_block *last);
uint32_t rib_approach(const struct rib *rib, uint32_t place);
uint32_t rib_find_at(
    const struct rib *rib, const struct ip_prefix *prefix, uint32_t place, uint32_t guess);
uint32_t rib_add_at(struct rib *rib, const struct ip_prefix *prefix, uint32_t place);

/* The longest prefix in the table that contains p and for which want(ctx, id); 0: none. */
uint32_t rib_longest(const struct rib *rib, const struct ip_prefix *p,
    bool (*want)(void *ctx, uint32_t id), void *ctx);

/* Forget a destination that has no paths; its id may be used again at once. */
void rib_drop(struct rib *rib, uint32_t id);

static inline struct dest *
rib_dest(const struct rib *rib, uint32_t id)
{
	return slots_at(&rib->dests, id);
}

static inline struct path *
rib_path(const struct rib *rib, uint32_t id)
{
	return slots_at_sized(&rib->paths, id, sizeof(struct path));
}

/* Is this id, below slots_end(), a destination? */
static inline bool
rib_is_dest(const struct rib *rib, uint32_t id)
{
	return id && id < slots_end(&rib->dests) && (rib_dest(rib, id)->flags & DEST_LIVE);
}

/* NULL: zeros. Borrowed until something is put in. */
static inline const void *
beside_at(const struct beside *b, uint32_t id)
{
	uint32_t at = id >> SLOTS_PAGE_BITS;

	if (at >= b->npages || !b->page[at])
		return NULL;
	return b->page[at] + (size_t)(id & (SLOTS_PAGE - 1)) * b->octets;
}

/* What the agent was told of a destination, and its verdict; zeros: nothing. */
static inline struct dest_fib
rib_fib(const struct rib *rib, uint32_t dest)
{
	const struct dest_fib *fib = beside_at(&rib->fibs, dest);

	return fib ? *fib : (struct dest_fib){ 0 };
}

/* Note it; all zeros where set is 0. */
void rib_fib_set(struct rib *rib, uint32_t dest, struct dest_fib fib);

/* A destination's prefix, right to where it is wanted: to copy what was just written is slow. */
static inline void
rib_prefix_to(const struct rib *rib, uint32_t id, struct ip_prefix *ret)
{
	const struct dest *d = rib_dest(rib, id);
	const void *tail;

	ret->af = rib->af;
	ret->len = d->len;
	if (rib->af == IP4) {
		ip_put_four(ret->b, d->addr);
		return;
	}
	memset(ret->b, 0, sizeof(ret->b));
	memcpy(ret->b, d->addr, RIB_HALF_OCTETS);
	tail = d->len > RIB_HALF_BITS ? beside_at(&rib->tails, id) : NULL;
	if (tail)
		memcpy(ret->b + RIB_HALF_OCTETS, tail, RIB_HALF_OCTETS);
}

static inline struct ip_prefix
rib_prefix(const struct rib *rib, uint32_t id)
{
	struct ip_prefix p;

	rib_prefix_to(rib, id, &p);
	return p;
}

/* The path id that a path came with; 0 without add-path. */
static inline uint32_t
rib_path_id(const struct rib *rib, uint32_t path)
{
	const uint32_t *path_id = beside_at(&rib->ids, path);

	return path_id ? *path_id : 0;
}

/* The peer's path of that path id to a destination; 0 when it has none. */
uint32_t rib_path_find(const struct rib *rib, uint32_t dest, uint16_t peer, uint32_t path_id);

/*
 * A new path, behind the used ones of its destination or, where the order of the others
 * matters, last; takes a reference to attrs of its own.
 */
uint32_t rib_path_add(struct rib *rib, uint32_t dest, uint16_t peer, uint32_t path_id,
    const struct attrs *attrs, bool last);

/* Give a path other attributes (new reference before the old one goes). */
void rib_path_replace(struct rib *rib, uint32_t path, const struct attrs *attrs);

/* The path's attributes before import policy. Borrowed. */
static inline const struct attrs *
rib_path_received(const struct rib *rib, uint32_t path)
{
	const struct path *p = rib_path(rib, path);

	return p->flags & PATH_EDITED ? outword_attrs(outtable_get(&rib->received, path)) :
					p->attrs;
}

/*
 * Keep what was received of a path (NULL: it is what the path has), with a
 * reference of its own; PATH_EDITED is the caller's to set.
 */
void rib_path_keep(struct rib *rib, uint32_t path, const struct attrs *received);

/* Unlink and free a path.  A used one leaves dest->used one less. */
void rib_path_del(struct rib *rib, uint32_t path);

/*
 * The same, but its slot stays, and with it the destination, until
 * rib_path_forget(): somebody still knows the path by the slot's number
 * (group.h).  A buried path has no attributes and is in no list.
 */
void rib_path_bury(struct rib *rib, uint32_t path);
void rib_path_forget(struct rib *rib, uint32_t path);

static inline bool
rib_path_is_buried(const struct rib *rib, uint32_t path)
{
	return !rib_path(rib, path)->attrs && rib_path(rib, path)->dest != 0;
}

/* Are there buried paths of the destination?  It has to stay, then. */
bool rib_has_buried(const struct rib *rib, uint32_t dest);

/* Put the destination's n paths, all of them, into the order of v; the first `used` are used. */
void rib_reorder(struct rib *rib, uint32_t dest, const uint32_t *v, size_t n, size_t used);

/* Octets allocated, for the statistics. */
size_t rib_octets(const struct rib *rib);

#endif
