/*
 * What a route leads to, interned: type, nexthop object, source hint, legs.
 *
 * Thousands of routes lead to the same place, so an entry holds a number (4
 * octets) instead of its legs.  Equal contents have equal numbers: comparing what
 * is wanted with what the kernel has is comparing two numbers.
 *
 * Canonical form: legs sorted by gateway and interface; dead flags dropped (the
 * link table knows better); no legs unless the type is unicast; for routes of ours
 * no legs beside a nexthop object (with nexthop_compat_mode the kernel shows the
 * object's content again).
 */
#ifndef AGENT_CORE_HOPS_H
#define AGENT_CORE_HOPS_H

#include "agent/core/fib.h"
#include "lib/hmap.h"

struct hops {
	struct hmap_node node;
	uint32_t idx, refs;
	uint32_t nhid;
	uint8_t type; /* enum kern_type */
	bool ours;
	uint8_t former; /* see struct kern_route */
	uint16_t nlegs;
	struct ip_addr prefsrc;
	struct kern_leg leg[];
};

struct hops_pool {
	struct hmap map;
	struct hops **v; /* by number; v[0] is "none" and NULL */
	uint32_t n, cap, free; /* free: head of the list of unused numbers, kept in v[] */
	void *ctx;
	/* The first reference to a nexthop object by contents of ours, and the last one gone. */
	void (*first)(void *ctx, uint32_t nhid);
	void (*last)(void *ctx, uint32_t nhid);
};

/* An empty pool without callbacks; key seeds its hash. */
void hops_init(struct hops_pool *p, const uint64_t key[2]);
/* Frees what is left, without the callbacks. */
void hops_fini(struct hops_pool *p);

/* The number, from 1, of r's content, with one reference for the caller. r may be in any order. */
uint32_t hops_get(struct hops_pool *p, const struct kern_route *r, bool ours);
/* The number of r's content if it is interned (no reference taken), else 0. */
uint32_t hops_find(const struct hops_pool *p, const struct kern_route *r, bool ours);
void hops_ref(struct hops_pool *p, uint32_t idx); /* 0 is fine for these two */
void hops_put(struct hops_pool *p, uint32_t idx);
/* Valid while referenced; NULL for 0. */
const struct hops *hops_at(const struct hops_pool *p, uint32_t idx);
/* Has any content of ours a leg of its own (not a nexthop object's) on that link? */
bool hops_on_link(const struct hops_pool *p, uint32_t ifindex);
/* Fill r's type, nhid, prefsrc and legs; the rest of r stays. */
void hops_to_route(const struct hops *h, struct kern_route *r);

/* Sort legs by gateway and interface and merge equal ones (weights add up to 255 at most). Returns n. */
uint16_t legs_sort(struct kern_leg *leg, uint16_t n);
bool legs_eq(const struct kern_leg *a, uint16_t na, const struct kern_leg *b, uint16_t nb);

#endif
