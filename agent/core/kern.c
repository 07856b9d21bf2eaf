/*
 * Tables of foreign kernel objects; see kern.h.
 *
 * Identity of a foreign route: prefix, table, metric, protocol; for IPv6 routes made
 * by the kernel or from router advertisements also the interface, since the kernel
 * keeps fd00::/64 once for each link.  An IPv6 deletion of one leg names that leg
 * only: the others stay.
 */
#include "agent/core/kern.h"

#include <string.h>

#include "lib/list.h"
#include "lib/mem.h"

#define PROTO_KERNEL 2 /* RTPROT_KERNEL */
#define PROTO_RA     9 /* RTPROT_RA */

static uint64_t
hash_u32(const struct hmap *h, uint32_t v)
{
	return hmap_hash(h, &v, sizeof(v));
}

void
kern_init(struct kern *k, struct hops_pool *hops, const uint64_t key[2])
{
	memset(k, 0, sizeof(*k));
	hmap_init(&k->links, key);
	hmap_init(&k->nexthops, key);
	k->hops = hops;
}

static void
route_free(struct kern *k, struct kroute *r)
{
	hops_put(k->hops, r->hops);
	k->nroutes--;
	mem_free(r);
}

void
kern_fini(struct kern *k)
{
	struct trie_node *n, *tmp;
	struct hmap_node *h, *htmp;

	TRIE_FOREACH_SAFE(n, tmp, &k->routes) {
		struct kroute *r = container_of(n, struct kroute, node), *next;

		trie_remove(&k->routes, n);
		for (; r; r = next) {
			next = r->next;
			route_free(k, r);
		}
	}
	TRIE_FOREACH_SAFE(n, tmp, &k->addrs) {
		struct kaddr *a = container_of(n, struct kaddr, node), *next;

		trie_remove(&k->addrs, n);
		for (; a; a = next) {
			next = a->next;
			mem_free(a);
		}
	}
	HMAP_FOREACH_SAFE(h, htmp, &k->links) {
		hmap_remove(&k->links, h);
		mem_free(container_of(h, struct klink, node));
	}
	HMAP_FOREACH_SAFE(h, htmp, &k->nexthops) {
		hmap_remove(&k->nexthops, h);
		mem_free(container_of(h, struct knexthop, node));
	}
	hmap_free(&k->links);
	hmap_free(&k->nexthops);
}

/* ---- links --------------------------------------------------------------- */

static struct klink *
link_find(const struct kern *k, uint32_t ifindex)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&k->links, hash_u32(&k->links, ifindex)); n;
	     n = hmap_next_with(n)) {
		struct klink *l = container_of(n, struct klink, node);

		if (l->l.ifindex == ifindex)
			return l;
	}
	return NULL;
}

const struct klink *
kern_link(const struct kern *k, uint32_t ifindex)
{
	return link_find(k, ifindex);
}

const struct klink *
kern_link_by_name(const struct kern *k, const char *name)
{
	struct hmap_node *n;

	HMAP_FOREACH(n, &k->links) {
		struct klink *l = container_of(n, struct klink, node);

		if (strcmp(l->l.name, name) == 0)
			return l;
	}
	return NULL;
}

bool
kern_link_usable(const struct kern *k, uint32_t ifindex)
{
	const struct klink *l = link_find(k, ifindex);

	return l && l->l.up && l->l.carrier;
}

unsigned int
kern_see_link(struct kern *k, const struct kern_link *l, bool gone)
{
	struct klink *have = link_find(k, l->ifindex);
	unsigned int change = 0;
	bool was, flapped;

	if (gone) {
		if (!have)
			return 0;
		hmap_remove(&k->links, &have->node);
		mem_free(have);
		return KLINK_GONE | KLINK_DOWN | KLINK_ADMIN_DOWN;
	}
	if (!have) {
		have = mem_zalloc(sizeof(*have));
		have->l = *l;
		have->seen = true;
		hmap_insert(&k->links, &have->node, hash_u32(&k->links, l->ifindex));
		return KLINK_NEW | (l->up && l->carrier ? KLINK_UP : 0);
	}
	was = have->l.up && have->l.carrier;
	flapped = was && have->l.carrier_downs != l->carrier_downs;
	if (was && (!l->up || !l->carrier || flapped))
		change |= KLINK_DOWN;
	if (have->l.up && !l->up)
		change |= KLINK_ADMIN_DOWN | KLINK_DOWN;
	if (l->up && l->carrier && (!was || flapped))
		change |= KLINK_UP;
	if (have->l.mtu != l->mtu)
		change |= KLINK_MTU;
	have->l = *l;
	have->seen = true;
	return change;
}

/* ---- addresses ----------------------------------------------------------- */

static struct kaddr *
addr_first(const struct kern *k, const struct ip_addr *a)
{
	struct ip_prefix p = ip_prefix_from_addr(a);
	struct trie_node *n = trie_find(&k->addrs, &p);

	return n ? container_of(n, struct kaddr, node) : NULL;
}

/* Unlink a, whose address's first is `first`. */
static void
addr_unlink(struct kern *k, struct kaddr *first, struct kaddr *a)
{
	struct ip_prefix p = first->node.prefix;
	struct kaddr **pp;

	if (a == first) {
		trie_remove(&k->addrs, &a->node);
		if (a->next)
			trie_insert(&k->addrs, &a->next->node, &p);
	} else {
		for (pp = &first->next; *pp != a; pp = &(*pp)->next)
			;
		*pp = a->next;
	}
}

static bool
addr_is_usable(const struct kern_addr *a)
{
	return !a->tentative;
}

bool
kern_see_addr(struct kern *k, const struct kern_addr *a, bool gone, bool *ret_was_usable)
{
	struct kaddr *first = addr_first(k, &a->addr), *have;
	struct ip_prefix p = ip_prefix_from_addr(&a->addr);

	for (have = first; have; have = have->next) {
		if (have->a.ifindex == a->ifindex && have->a.plen == a->plen)
			break;
	}
	*ret_was_usable = have && addr_is_usable(&have->a);
	if (gone) {
		if (!have)
			return false;
		addr_unlink(k, first, have);
		mem_free(have);
		return true;
	}
	if (have) {
		bool changed = have->a.tentative != a->tentative ||
		    have->a.deprecated != a->deprecated;

		have->a = *a;
		have->seen = true;
		return changed;
	}
	have = mem_zalloc(sizeof(*have));
	have->a = *a;
	have->seen = true;
	if (first) {
		have->next = first->next;
		first->next = have;
	} else {
		trie_insert(&k->addrs, &have->node, &p);
	}
	return true;
}

bool
kern_addr_usable(const struct kern *k, const struct ip_addr *a)
{
	const struct kaddr *x;

	for (x = addr_first(k, a); x; x = x->next) {
		if (addr_is_usable(&x->a) && (a->ifindex == 0 || a->ifindex == x->a.ifindex))
			return true;
	}
	return false;
}

bool
kern_is_own(const struct kern *k, const struct ip_addr *a)
{
	const struct kaddr *x;

	for (x = addr_first(k, a); x; x = x->next) {
		if (a->ifindex == 0 || a->ifindex == x->a.ifindex)
			return true;
	}
	return false;
}

bool
kern_has_link_local(const struct kern *k, uint32_t ifindex)
{
	static const struct ip_prefix ll = { .af = IP6, .len = 10, .b = { 0xfe, 0x80 } };
	struct trie_node *n;

	for (n = trie_first_below(&k->addrs, &ll); n; n = trie_next_below(n, &ll)) {
		const struct kaddr *x = container_of(n, struct kaddr, node);

		for (; x; x = x->next) {
			if (x->a.ifindex == ifindex && addr_is_usable(&x->a))
				return true;
		}
	}
	return false;
}

/* ---- foreign routes ------------------------------------------------------ */

static struct kroute *
route_first(const struct kern *k, const struct ip_prefix *p)
{
	struct trie_node *n = trie_find(&k->routes, p);

	return n ? container_of(n, struct kroute, node) : NULL;
}

static uint32_t
route_scope(const struct ip_prefix *p, uint8_t protocol, const struct kern_leg *leg, uint16_t nlegs)
{
	bool by_link = p->af == IP6 && (protocol == PROTO_KERNEL || protocol == PROTO_RA);

	return by_link && nlegs > 0 ? leg[0].ifindex : 0;
}

static bool
route_same(const struct kern *k, const struct kroute *have, const struct kern_route *r)
{
	const struct hops *h = hops_at(k->hops, have->hops);

	return have->metric == r->metric && have->table == r->table &&
	    have->protocol == r->protocol &&
	    route_scope(&r->prefix, have->protocol, h->leg, h->nlegs) ==
	    route_scope(&r->prefix, r->protocol, r->leg, r->nlegs);
}

static void
route_count_links(struct kern *k, const struct kroute *r, const struct ip_prefix *p, int by)
{
	const struct hops *h = hops_at(k->hops, r->hops);
	uint16_t i;

	if (p->af != IP4)
		return;
	for (i = 0; i < h->nlegs; i++) {
		struct klink *l = link_find(k, h->leg[i].ifindex);

		if (l && (by > 0 || l->nroutes > 0))
			l->nroutes += (uint32_t)by;
	}
}

/* Put r, which is in no list, in its place by metric. */
static void
route_link(struct kern *k, struct kroute *r, const struct ip_prefix *p)
{
	struct kroute *first = route_first(k, p), **pp;

	if (!first) {
		trie_insert(&k->routes, &r->node, p);
		return;
	}
	if (r->metric < first->metric) {
		trie_remove(&k->routes, &first->node);
		r->next = first;
		trie_insert(&k->routes, &r->node, p);
		return;
	}
	for (pp = &first->next; *pp && (*pp)->metric <= r->metric; pp = &(*pp)->next)
		;
	r->next = *pp;
	*pp = r;
}

static void
route_unlink(struct kern *k, struct kroute *r, const struct ip_prefix *p)
{
	struct kroute *first = route_first(k, p), **pp;

	if (r == first) {
		trie_remove(&k->routes, &r->node);
		if (r->next)
			trie_insert(&k->routes, &r->next->node, p);
	} else {
		for (pp = &first->next; *pp != r; pp = &(*pp)->next)
			;
		*pp = r->next;
	}
	r->next = NULL;
}

static void
route_drop(struct kern *k, struct kroute *r, const struct ip_prefix *p)
{
	route_count_links(k, r, p, -1);
	route_unlink(k, r, p);
	route_free(k, r);
}

/* The legs of h that are not in r. Returns their number. */
static uint16_t
legs_without(const struct hops *h, const struct kern_route *r, struct kern_leg *ret)
{
	uint16_t i, j, n = 0;

	for (i = 0; i < h->nlegs; i++) {
		for (j = 0; j < r->nlegs; j++) {
			if (h->leg[i].ifindex == r->leg[j].ifindex &&
			    ip_addr_eq(&h->leg[i].gw, &r->leg[j].gw))
				break;
		}
		if (j == r->nlegs)
			ret[n++] = h->leg[i];
	}
	return n;
}

/* A notification says that r, or some legs of it, are gone. */
static bool
route_gone(struct kern *k, struct kroute *have, const struct kern_route *r)
{
	const struct hops *h = hops_at(k->hops, have->hops);

	if (r->prefix.af == IP6 && r->nhid == 0 && r->nlegs < h->nlegs) {
		struct kern_route rest = *r;
		uint32_t was = have->hops;

		rest.nlegs = legs_without(h, r, rest.leg);
		if (rest.nlegs > 0) {
			have->hops = hops_get(k->hops, &rest, false);
			hops_put(k->hops, was);
			return true;
		}
	}
	if (k->dumping[r->prefix.af == IP4 ? KERN_ROUTES4 : KERN_ROUTES6]) {
		have->gone = true;
		have->seen = true;
	} else {
		route_drop(k, have, &r->prefix);
	}
	return true;
}

bool
kern_see_route(struct kern *k, const struct kern_route *r, bool gone, bool dump)
{
	struct kroute *have;
	uint32_t hops;

	for (have = route_first(k, &r->prefix); have; have = have->next) {
		if (route_same(k, have, r))
			break;
	}
	if (gone)
		return have && !have->gone && route_gone(k, have, r);
	if (have && have->gone && dump)
		return false;
	hops = hops_get(k->hops, r, false);
	if (!have) {
		have = mem_zalloc(sizeof(*have));
		have->metric = r->metric;
		have->table = r->table;
		have->protocol = r->protocol;
		have->hops = hops;
		have->seen = true;
		k->nroutes++;
		route_link(k, have, &r->prefix);
		route_count_links(k, have, &r->prefix, 1);
		return true;
	}
	have->seen = true;
	if (have->hops == hops && !have->gone) {
		hops_put(k->hops, hops);
		return false;
	}
	route_count_links(k, have, &r->prefix, -1);
	hops_put(k->hops, have->hops);
	have->hops = hops;
	have->gone = false;
	route_count_links(k, have, &r->prefix, 1);
	return true;
}

const struct kroute *
kern_route_live(const struct kroute *r)
{
	while (r && r->gone)
		r = r->next;
	return r;
}

const struct kroute *
kern_lpm(const struct kern *k, const struct ip_addr *a)
{
	struct trie_node *n;

	for (n = trie_lpm(&k->routes, a); n; n = trie_lpm_next_shorter(&k->routes, n)) {
		const struct kroute *r = container_of(n, struct kroute, node);

		r = kern_route_live(r);
		if (r)
			return r;
	}
	return NULL;
}

struct ip_prefix
kern_lpm_prefix(const struct kern *k, const struct ip_addr *a)
{
	struct trie_node *n;

	for (n = trie_lpm(&k->routes, a); n; n = trie_lpm_next_shorter(&k->routes, n)) {
		if (kern_route_live(container_of(n, struct kroute, node)))
			return n->prefix;
	}
	return (struct ip_prefix){ 0 };
}

const struct kroute *
kern_route_at(const struct kern *k, const struct ip_prefix *p, uint32_t table, uint32_t metric)
{
	const struct kroute *r;

	for (r = route_first(k, p); r; r = r->next) {
		if (!r->gone && r->table == table && r->metric == metric)
			return r;
	}
	return NULL;
}

uint16_t
kern_route_legs(const struct kern *k, const struct kroute *r, struct kern_leg *ret, uint16_t max)
{
	const struct hops *h = hops_at(k->hops, r->hops);
	const struct knexthop *nh;
	uint16_t i, n = 0;

	if (h->nlegs > 0 || h->nhid == 0) {
		n = h->nlegs < max ? h->nlegs : max;
		memcpy(ret, h->leg, n * sizeof(*ret));
		return n;
	}
	nh = kern_nexthop(k, h->nhid);
	if (!nh)
		return 0;
	if (nh->ngroup == 0 && max > 0)
		ret[n++] = nh->leg;
	for (i = 0; i < nh->ngroup && n < max; i++) {
		const struct knexthop *m = kern_nexthop(k, nh->group[i]);

		if (m && m->ngroup == 0)
			ret[n++] = m->leg;
	}
	return n;
}

void
kern_drop_down(struct kern *k, uint32_t ifindex, void (*cb)(void *ctx, const struct ip_prefix *p),
    void *ctx)
{
	const struct klink *l = link_find(k, ifindex);
	struct trie_node *n, *tmp;

	if (l && l->nroutes == 0)
		return; /* an unimportant link must not cost a walk */
	TRIE_FOREACH_SAFE(n, tmp, &k->routes) {
		struct kroute *r = container_of(n, struct kroute, node), *next;
		struct ip_prefix p = n->prefix;

		if (p.af != IP4)
			break; /* IPv4 sorts first; IPv6 is notified */
		for (; r; r = next) {
			const struct hops *h = hops_at(k->hops, r->hops);
			uint16_t i, up = 0, hit = 0;

			next = r->next;
			for (i = 0; i < h->nlegs; i++) {
				const struct klink *x = link_find(k, h->leg[i].ifindex);

				up += x && x->l.up;
				hit += h->leg[i].ifindex == ifindex;
			}
			if (hit > 0 && up == 0) {
				cb(ctx, &p);
				route_drop(k, r, &p);
			}
		}
	}
}

/* ---- foreign nexthop objects --------------------------------------------- */

static struct knexthop *
nexthop_find(const struct kern *k, uint32_t id)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&k->nexthops, hash_u32(&k->nexthops, id)); n;
	     n = hmap_next_with(n)) {
		struct knexthop *x = container_of(n, struct knexthop, node);

		if (x->id == id)
			return x;
	}
	return NULL;
}

const struct knexthop *
kern_nexthop(const struct kern *k, uint32_t id)
{
	return nexthop_find(k, id);
}

void
kern_see_nexthop(struct kern *k, const struct kern_nexthop *n, bool gone)
{
	struct knexthop *have = nexthop_find(k, n->id);
	uint16_t i;

	if (have) { /* groups differ in size: made anew */
		hmap_remove(&k->nexthops, &have->node);
		mem_free(have);
	}
	if (gone)
		return;
	have = mem_zalloc(sizeof(*have) + n->ngroup * sizeof(have->group[0]));
	have->id = n->id;
	have->seen = true;
	have->protocol = n->protocol;
	have->leg = n->leg;
	have->ngroup = n->ngroup;
	for (i = 0; i < n->ngroup; i++)
		have->group[i] = n->group[i].id;
	hmap_insert(&k->nexthops, &have->node, hash_u32(&k->nexthops, n->id));
}

/* ---- dumps --------------------------------------------------------------- */

static void
routes_unsee(struct kern *k, uint8_t af)
{
	struct trie_node *n;

	TRIE_FOREACH(n, &k->routes) {
		struct kroute *r = container_of(n, struct kroute, node);

		for (; n->prefix.af == af && r; r = r->next)
			r->seen = false;
	}
}

void
kern_dump_begin(struct kern *k, enum kern_what what)
{
	struct hmap_node *n;
	struct trie_node *t;
	struct kaddr *a;

	k->dumping[what] = true;
	switch (what) {
	case KERN_LINKS:
		HMAP_FOREACH(n, &k->links)
			container_of(n, struct klink, node)->seen = false;
		break;
	case KERN_ADDRS:
		TRIE_FOREACH(t, &k->addrs) {
			for (a = container_of(t, struct kaddr, node); a; a = a->next)
				a->seen = false;
		}
		break;
	case KERN_NEXTHOPS:
		HMAP_FOREACH(n, &k->nexthops)
			container_of(n, struct knexthop, node)->seen = false;
		break;
	case KERN_ROUTES4:
		routes_unsee(k, IP4);
		break;
	case KERN_ROUTES6:
		routes_unsee(k, IP6);
		break;
	case KERN_NWHAT:
		break;
	}
}

typedef void sweep_cb(void *ctx, enum kern_what what, const void *obj);

static void
sweep_links(struct kern *k, sweep_cb *cb, void *ctx)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &k->links) {
		struct klink *l = container_of(n, struct klink, node);

		if (!l->seen) {
			struct kern_link was = l->l;

			hmap_remove(&k->links, n);
			mem_free(l);
			cb(ctx, KERN_LINKS, &was);
		}
	}
}

static void
sweep_addrs(struct kern *k, sweep_cb *cb, void *ctx)
{
	struct trie_node *n, *tmp;

	TRIE_FOREACH_SAFE(n, tmp, &k->addrs) {
		struct kaddr *a = container_of(n, struct kaddr, node), *first = a, *next;

		for (; a; a = next) {
			struct kern_addr was = a->a;

			next = a->next;
			if (a->seen)
				continue;
			addr_unlink(k, first, a);
			if (a == first)
				first = next;
			mem_free(a);
			cb(ctx, KERN_ADDRS, &was);
		}
	}
}

static void
sweep_routes(struct kern *k, enum kern_what what, sweep_cb *cb, void *ctx)
{
	uint8_t af = what == KERN_ROUTES4 ? IP4 : IP6;
	struct trie_node *n, *tmp;

	TRIE_FOREACH_SAFE(n, tmp, &k->routes) {
		struct kroute *r = container_of(n, struct kroute, node), *next;
		struct ip_prefix p = n->prefix;

		for (; p.af == af && r; r = next) {
			next = r->next;
			if (r->seen && !r->gone)
				continue;
			cb(ctx, what, &p);
			route_drop(k, r, &p);
		}
	}
}

void
kern_dump_end(struct kern *k, enum kern_what what, sweep_cb *cb, void *ctx)
{
	struct hmap_node *n, *tmp;

	k->dumping[what] = false;
	switch (what) {
	case KERN_LINKS:
		sweep_links(k, cb, ctx);
		break;
	case KERN_ADDRS:
		sweep_addrs(k, cb, ctx);
		break;
	case KERN_NEXTHOPS:
		HMAP_FOREACH_SAFE(n, tmp, &k->nexthops) {
			if (!container_of(n, struct knexthop, node)->seen) {
				hmap_remove(&k->nexthops, n);
				mem_free(container_of(n, struct knexthop, node));
			}
		}
		break;
	case KERN_ROUTES4:
	case KERN_ROUTES6:
		sweep_routes(k, what, cb, ctx);
		break;
	case KERN_NWHAT:
		break;
	}
}
