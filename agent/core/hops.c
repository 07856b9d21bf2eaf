/*
 * Interned contents of routes; see hops.h.
 *
 * The key is written octet by octet into a buffer (structs have padding), hashed
 * with the pool's secret.  Numbers are reused, smallest memory first.
 */
#include "agent/core/hops.h"

#include <string.h>

#include "lib/list.h"
#include "lib/mem.h"

#define LEG_KEY	 23
#define HEAD_KEY 24
#define KEY_MAX	 (HEAD_KEY + IPC_MEMBERS_MAX * LEG_KEY)

static int
leg_cmp(const struct kern_leg *a, const struct kern_leg *b)
{
	int d = ip_addr_cmp(&a->gw, &b->gw);

	return d != 0 ? d : (a->ifindex > b->ifindex) - (a->ifindex < b->ifindex);
}

uint16_t
legs_sort(struct kern_leg *leg, uint16_t n)
{
	uint16_t i, j, out = 0;

	for (i = 1; i < n; i++) { /* few, and mostly sorted already */
		struct kern_leg l = leg[i];

		for (j = i; j > 0 && leg_cmp(&leg[j - 1], &l) > 0; j--)
			leg[j] = leg[j - 1];
		leg[j] = l;
	}
	for (i = 0; i < n; i++) {
		if (out > 0 && leg_cmp(&leg[out - 1], &leg[i]) == 0) {
			unsigned int w = leg[out - 1].weight + (unsigned int)leg[i].weight;

			leg[out - 1].weight = w > 255 ? 255 : (uint8_t)w;
		} else {
			leg[out++] = leg[i];
		}
	}
	return out;
}

bool
legs_eq(const struct kern_leg *a, uint16_t na, const struct kern_leg *b, uint16_t nb)
{
	uint16_t i;

	if (na != nb)
		return false;
	for (i = 0; i < na; i++) {
		if (leg_cmp(&a[i], &b[i]) != 0 || a[i].weight != b[i].weight ||
		    a[i].onlink != b[i].onlink)
			return false;
	}
	return true;
}

static uint8_t *
put_u32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
	return p + 4;
}

static uint8_t *
put_addr(uint8_t *p, const struct ip_addr *a)
{
	*p++ = a->af;
	memcpy(p, a->b, 16);
	return p + 16;
}

/* r in canonical form: sorts its legs. */
static void
canonical(struct kern_route *r, bool ours)
{
	uint16_t i;

	if (r->type != KERN_UNICAST || (ours && r->nhid != 0))
		r->nlegs = 0;
	for (i = 0; i < r->nlegs; i++) {
		r->leg[i].dead = false;
		r->leg[i].gw.ifindex = 0; /* the leg names its interface */
		if (r->nlegs == 1)
			r->leg[i].weight = 1; /* means nothing alone */
	}
	if (r->nlegs > 1)
		r->nlegs = legs_sort(r->leg, r->nlegs);
}

static size_t
make_key(const struct kern_route *r, bool ours, uint8_t buf[KEY_MAX])
{
	uint8_t *p = buf;
	uint16_t i;

	*p++ = (uint8_t)r->type;
	*p++ = ours;
	*p++ = r->former;
	p = put_u32(p, r->nhid);
	p = put_addr(p, &r->prefsrc);
	for (i = 0; i < r->nlegs; i++) {
		p = put_addr(p, &r->leg[i].gw);
		p = put_u32(p, r->leg[i].ifindex);
		*p++ = r->leg[i].weight;
		*p++ = r->leg[i].onlink;
	}
	return (size_t)(p - buf);
}

static bool
same(const struct hops *h, const struct kern_route *r, bool ours)
{
	return h->type == r->type && h->ours == ours && h->former == r->former && h->nhid == r->nhid &&
	    ip_addr_eq(&h->prefsrc, &r->prefsrc) && legs_eq(h->leg, h->nlegs, r->leg, r->nlegs);
}

void
hops_init(struct hops_pool *p, const uint64_t key[2])
{
	memset(p, 0, sizeof(*p));
	hmap_init(&p->map, key);
}

void
hops_fini(struct hops_pool *p)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &p->map) {
		struct hops *h = container_of(n, struct hops, node);

		hmap_remove(&p->map, n);
		mem_free(h);
	}
	hmap_free(&p->map);
	mem_free(p->v);
}

static uint32_t
number_take(struct hops_pool *p, struct hops *h)
{
	uint32_t idx = p->free;

	if (idx != 0) {
		p->free = (uint32_t)(uintptr_t)p->v[idx];
	} else {
		if (p->n == 0)
			p->n = 1;
		if (p->n >= p->cap) {
			p->cap = p->cap == 0 ? 16 : p->cap * 2;
			p->v = mem_realloc_array(p->v, p->cap, sizeof(*p->v));
			p->v[0] = NULL;
		}
		idx = p->n++;
	}
	p->v[idx] = h;
	return idx;
}

static struct hops *
lookup(const struct hops_pool *p, const struct kern_route *r, bool ours, uint64_t *ret_hash)
{
	uint8_t key[KEY_MAX];
	size_t len = make_key(r, ours, key);
	struct hmap_node *n;

	*ret_hash = hmap_hash(&p->map, key, len);
	for (n = hmap_first_with(&p->map, *ret_hash); n; n = hmap_next_with(n)) {
		struct hops *h = container_of(n, struct hops, node);

		if (same(h, r, ours))
			return h;
	}
	return NULL;
}

static void
copy_canonical(struct kern_route *dst, const struct kern_route *src, bool ours)
{
	dst->type = src->type;
	dst->nhid = src->nhid;
	dst->former = src->former;
	dst->prefsrc = src->prefsrc;
	dst->prefsrc.ifindex = 0;
	dst->nlegs = src->nlegs > IPC_MEMBERS_MAX ? IPC_MEMBERS_MAX : src->nlegs;
	memcpy(dst->leg, src->leg, dst->nlegs * sizeof(dst->leg[0]));
	canonical(dst, ours);
}

uint32_t
hops_find(const struct hops_pool *p, const struct kern_route *r, bool ours)
{
	struct kern_route c;
	struct hops *h;
	uint64_t hash;

	copy_canonical(&c, r, ours);
	h = lookup(p, &c, ours, &hash);
	return h ? h->idx : 0;
}

uint32_t
hops_get(struct hops_pool *p, const struct kern_route *r, bool ours)
{
	struct kern_route c;
	struct hops *h;
	uint64_t hash;

	copy_canonical(&c, r, ours);
	h = lookup(p, &c, ours, &hash);
	if (h) {
		h->refs++;
		return h->idx;
	}
	h = mem_zalloc(sizeof(*h) + c.nlegs * sizeof(h->leg[0]));
	h->refs = 1;
	h->type = (uint8_t)c.type;
	h->ours = ours;
	h->former = c.former;
	h->nhid = c.nhid;
	h->prefsrc = c.prefsrc;
	h->nlegs = c.nlegs;
	memcpy(h->leg, c.leg, c.nlegs * sizeof(h->leg[0]));
	h->idx = number_take(p, h);
	hmap_insert(&p->map, &h->node, hash);
	if (ours && h->nhid != 0 && p->first)
		p->first(p->ctx, h->nhid);
	return h->idx;
}

const struct hops *
hops_at(const struct hops_pool *p, uint32_t idx)
{
	return idx == 0 ? NULL : p->v[idx];
}

void
hops_ref(struct hops_pool *p, uint32_t idx)
{
	if (idx != 0)
		p->v[idx]->refs++;
}

void
hops_put(struct hops_pool *p, uint32_t idx)
{
	struct hops *h;

	if (idx == 0)
		return;
	h = p->v[idx];
	if (--h->refs > 0)
		return;
	hmap_remove(&p->map, &h->node);
	p->v[idx] = (struct hops *)(uintptr_t)p->free;
	p->free = idx;
	if (h->ours && h->nhid != 0 && p->last)
		p->last(p->ctx, h->nhid);
	mem_free(h);
}

bool
hops_on_link(const struct hops_pool *p, uint32_t ifindex)
{
	struct hmap_node *n;
	uint16_t i;

	HMAP_FOREACH(n, &p->map) {
		const struct hops *h = container_of(n, struct hops, node);

		for (i = 0; h->ours && i < h->nlegs; i++) {
			if (h->leg[i].ifindex == ifindex)
				return true;
		}
	}
	return false;
}

void
hops_to_route(const struct hops *h, struct kern_route *r)
{
	r->type = (enum kern_type)h->type;
	r->nhid = h->nhid;
	r->former = h->former;
	r->prefsrc = h->prefsrc;
	r->nlegs = h->nlegs;
	if (h->nlegs > 0)
		memcpy(r->leg, h->leg, h->nlegs * sizeof(h->leg[0]));
}
