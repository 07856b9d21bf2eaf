/*
 * Destinations and paths of one address family.  See rib.h.
 */
#include "bgpd/core/rib.h"

#include <endian.h>
#include <limits.h>
#include <string.h>

#include "lib/hmap.h"
#include "lib/mem.h"

/* ---- tables beside --------------------------------------------------------------- */

static struct beside
beside_of(size_t octets)
{
	return (struct beside){ .octets = (uint32_t)octets };
}

static void
beside_free(struct beside *b)
{
	uint32_t i;

	for (i = 0; i < b->npages; i++)
		mem_free(b->page[i]);
	mem_free(b->page);
}

/* Put one in; zeros take no memory. */
static void
beside_put(struct beside *b, uint32_t id, const void *what, bool zeros)
{
	uint32_t at = id >> SLOTS_PAGE_BITS;

	if (zeros && !beside_at(b, id))
		return;
	if (at >= b->npages) {
		b->page = mem_realloc_array(b->page, at + 1u, sizeof(*b->page));
		memset(b->page + b->npages, 0, (at + 1 - b->npages) * sizeof(*b->page));
		b->npages = at + 1;
	}
	if (!b->page[at])
		b->page[at] = mem_zalloc_array(SLOTS_PAGE, b->octets);
	memcpy(b->page[at] + (size_t)(id & (SLOTS_PAGE - 1)) * b->octets, what, b->octets);
}

static size_t
beside_octets(const struct beside *b)
{
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < b->npages; i++)
		n += b->page[i] ? SLOTS_PAGE * (size_t)b->octets : 0;
	return n;
}

/* ---- addresses --------------------------------------------------------------------- */

static void
set_prefix(struct rib *rib, uint32_t id, const struct ip_prefix *p)
{
	static const uint8_t zeros[RIB_HALF_OCTETS];
	struct dest *d = rib_dest(rib, id);

	d->len = p->len;
	if (rib->af == IP4) { /* sizes that the compiler knows */
		memcpy(d->addr, p->b, 4);
		return;
	}
	memcpy(d->addr, p->b, RIB_HALF_OCTETS);
	if (p->len > RIB_HALF_BITS)
		beside_put(&rib->tails, id, p->b + RIB_HALF_OCTETS,
		    memcmp(p->b + RIB_HALF_OCTETS, zeros, sizeof(zeros)) == 0);
}

/* ---- destinations -------------------------------------------------------------------- */

void
rib_init(struct rib *rib, uint8_t af, struct attrs_pool *pool, const uint64_t key[2])
{
	*rib = (struct rib){ .af = af, .octets = af == IP4 ? 4 : RIB_HALF_OCTETS, .pool = pool };
	memcpy(rib->key, key, sizeof(rib->key));
	rib->tails = beside_of(RIB_HALF_OCTETS);
	rib->fibs = beside_of(sizeof(struct dest_fib));
	rib->ids = beside_of(sizeof(uint32_t));
	slots_init(&rib->dests, offsetof(struct dest, addr) + rib->octets,
	    offsetof(struct dest, addr));
	slots_init(&rib->paths, sizeof(struct path), offsetof(struct path, next));
	idx_init(&rib->index);
}

void
rib_free(struct rib *rib)
{
	uint32_t id;

	for (id = 1; id < slots_end(&rib->paths); id++)
		attrs_unref(rib->pool, rib_path(rib, id)->attrs);
	beside_free(&rib->tails);
	beside_free(&rib->fibs);
	beside_free(&rib->ids);
	outtable_free(&rib->received, rib->pool);
	slots_free(&rib->paths);
	slots_free(&rib->dests);
	idx_free(&rib->index);
}

/* Prefixes that differ in so many last bits only are neighbours: a block. */
#define NEAR_BITS 2
#define NEAR	  ((1u << NEAR_BITS) - 1)

/* The block of a prefix, but for its hash; the prefix's number in it is returned. */
static inline uint32_t
block_of(const struct ip_prefix *prefix, struct rib_block *ret)
{
	unsigned len = prefix->len, k = len > 64, shift = 64 * (k + 1) - len;
	uint32_t near = 0;
	uint64_t w[2];

	memcpy(w, prefix->b, sizeof(w));
	w[0] = be64toh(w[0]);
	w[1] = be64toh(w[1]);
	if (len > 0) {
		near = w[k] >> shift & NEAR;
		w[k] &= ~((uint64_t)NEAR << shift);
	}
	*ret = (struct rib_block){ .hi = w[0], .lo = w[1], .len = prefix->len, .is_known = true };
	return near;
}

/* Its hash has no last bits: there the prefix's number comes. */
static uint32_t
block_hash(const struct rib *rib, const struct rib_block *b)
{
	uint64_t key[3] = { b->hi | (rib->af == IP4 ? b->len : 0), b->lo, b->len };
	uint64_t hash = rib->af == IP4 ? siphash13(rib->key, key, sizeof(key[0])) :
					 siphash13(rib->key, key, sizeof(key));

	return (uint32_t)hash & ~NEAR;
}

static uint32_t
hash_of(const struct rib *rib, const struct ip_prefix *prefix)
{
	struct rib_block b;
	uint32_t near = block_of(prefix, &b);

	return block_hash(rib, &b) | near;
}

uint32_t
rib_seek(const struct rib *rib, const struct ip_prefix *prefix, struct rib_block *last)
{
	struct rib_block b;
	uint32_t near = block_of(prefix, &b);

	if (last->is_known && b.hi == last->hi && b.lo == last->lo && b.len == last->len)
		return last->hash | near;
	b.hash = block_hash(rib, &b);
	*last = b;
	idx_fetch(&rib->index, b.hash);
	return b.hash | near;
}

uint32_t
rib_approach(const struct rib *rib, uint32_t place)
{
	uint32_t id = idx_guess(&rib->index, place);

	if (id)
		__builtin_prefetch(rib_dest(rib, id));
	return id;
}

static bool
is_dest_of(const struct rib *rib, uint32_t id, const struct ip_prefix *prefix)
{
	const struct dest *d = rib_dest(rib, id);
	struct ip_prefix p;

	if (d->len != prefix->len || !(d->flags & DEST_LIVE))
		return false;
	if (rib->af == IP4)
		return memcmp(d->addr, prefix->b, 4) == 0;
	if (d->len <= RIB_HALF_BITS)
		return memcmp(d->addr, prefix->b, RIB_HALF_OCTETS) == 0;
	p = rib_prefix(rib, id);
	return memcmp(p.b, prefix->b, sizeof(p.b)) == 0;
}

/* Look for it whatever was there a moment ago. */
static uint32_t
find(const struct rib *rib, const struct ip_prefix *prefix, uint32_t place)
{
	struct idx_walk w = idx_walk(&rib->index, place);
	uint32_t id;

	do {
		id = idx_next(&w);
	} while (id && !is_dest_of(rib, id, prefix));
	return id;
}

uint32_t
rib_find_at(const struct rib *rib, const struct ip_prefix *prefix, uint32_t place, uint32_t guess)
{
	if (guess && is_dest_of(rib, guess, prefix))
		return guess;
	return find(rib, prefix, place);
}

uint32_t
rib_add_at(struct rib *rib, const struct ip_prefix *prefix, uint32_t place)
{
	uint32_t id = slots_take(&rib->dests);

	rib_dest(rib, id)->flags = DEST_LIVE;
	set_prefix(rib, id, prefix);
	idx_add(&rib->index, place, id);
	return id;
}

uint32_t
rib_find(const struct rib *rib, const struct ip_prefix *prefix)
{
	return find(rib, prefix, hash_of(rib, prefix));
}

uint32_t
rib_find_guess(const struct rib *rib, const struct ip_prefix *prefix, uint32_t guess)
{
	if (guess && guess < slots_end(&rib->dests) && is_dest_of(rib, guess, prefix))
		return guess;
	return rib_find(rib, prefix);
}

uint32_t
rib_get(struct rib *rib, const struct ip_prefix *prefix)
{
	uint32_t place = hash_of(rib, prefix);
	uint32_t id = find(rib, prefix, place);

	return id ? id : rib_add_at(rib, prefix, place);
}

uint32_t
rib_longest(const struct rib *rib, const struct ip_prefix *p, bool (*want)(void *ctx, uint32_t id),
    void *ctx)
{
	struct ip_prefix q = *p;
	uint32_t id;
	int len;

	for (len = p->len; len >= 0; len--) {
		q.len = (uint8_t)len;
		ip_prefix_mask(&q);
		id = rib_find(rib, &q);
		if (id && want(ctx, id))
			return id;
	}
	return 0;
}

void
rib_drop(struct rib *rib, uint32_t id)
{
	struct ip_prefix prefix = rib_prefix(rib, id);

	idx_del(&rib->index, hash_of(rib, &prefix), id);
	rib_fib_set(rib, id, (struct dest_fib){ 0 });
	slots_give(&rib->dests, id);
}

void
rib_fib_set(struct rib *rib, uint32_t dest, struct dest_fib fib)
{
	beside_put(&rib->fibs, dest, &fib, fib.set == 0);
}

/* ---- paths ------------------------------------------------------------------------- */

uint32_t
rib_path_find(const struct rib *rib, uint32_t dest, uint16_t peer, uint32_t path_id)
{
	uint32_t id = rib_dest(rib, dest)->paths;

	while (id && (rib_path(rib, id)->peer != peer || rib_path_id(rib, id) != path_id))
		id = rib_path(rib, id)->next;
	return id;
}

uint32_t
rib_path_add(struct rib *rib, uint32_t dest, uint16_t peer, uint32_t path_id,
    const struct attrs *attrs, bool last)
{
	uint32_t id = slots_take(&rib->paths), *link = &rib_dest(rib, dest)->paths;
	unsigned before = last ? UINT_MAX : rib_dest(rib, dest)->used;
	struct path *p = rib_path(rib, id);

	p->attrs = attrs_ref(attrs);
	p->dest = dest;
	p->peer = peer;
	if (path_id != 0 || rib->ids.npages > 0)
		beside_put(&rib->ids, id, &path_id, path_id == 0);
	for (; before > 0 && *link; before--)
		link = &rib_path(rib, *link)->next;
	p->next = *link;
	*link = id;
	return id;
}

void
rib_path_replace(struct rib *rib, uint32_t path, const struct attrs *attrs)
{
	struct path *p = rib_path(rib, path);
	const struct attrs *old = p->attrs;

	p->attrs = attrs_ref(attrs);
	attrs_unref(rib->pool, old);
}

void
rib_path_keep(struct rib *rib, uint32_t path, const struct attrs *received)
{
	uint64_t old = outtable_get(&rib->received, path), word = outword(received, 0);

	if (word == old)
		return;
	attrs_ref(received);
	outtable_set(&rib->received, path, word);
	attrs_unref(rib->pool, outword_attrs(old));
}

/* Out of its destination's list, without attributes. */
static void
unlink_path(struct rib *rib, uint32_t path)
{
	struct path *p = rib_path(rib, path);
	struct dest *d = rib_dest(rib, p->dest);
	uint32_t *link = &d->paths;
	unsigned place = 0;

	for (; *link != path; link = &rib_path(rib, *link)->next)
		place++;
	*link = p->next;
	if (place < d->used)
		d->used--;
	if (p->flags & PATH_EDITED)
		rib_path_keep(rib, path, NULL);
	attrs_unref(rib->pool, p->attrs);
	p->attrs = NULL;
}

void
rib_path_del(struct rib *rib, uint32_t path)
{
	unlink_path(rib, path);
	slots_give(&rib->paths, path);
}

void
rib_path_bury(struct rib *rib, uint32_t path)
{
	struct dest *d = rib_dest(rib, rib_path(rib, path)->dest);

	unlink_path(rib, path);
	rib->nburied++;
	if (d->buried < UINT8_MAX)
		d->buried++;
}

void
rib_path_forget(struct rib *rib, uint32_t path)
{
	struct dest *d = rib_dest(rib, rib_path(rib, path)->dest);

	rib->nburied--;
	if (d->buried < UINT8_MAX)
		d->buried--;
	slots_give(&rib->paths, path);
}

bool
rib_has_buried(const struct rib *rib, uint32_t dest)
{
	uint8_t n = rib_dest(rib, dest)->buried;

	return n == UINT8_MAX ? rib->nburied > 0 : n > 0;
}

void
rib_reorder(struct rib *rib, uint32_t dest, const uint32_t *v, size_t n, size_t used)
{
	struct dest *d = rib_dest(rib, dest);
	uint32_t *link = &d->paths;
	size_t i;

	for (i = 0; i < n; i++) {
		*link = v[i];
		link = &rib_path(rib, v[i])->next;
	}
	*link = 0;
	d->used = (uint8_t)used;
}

size_t
rib_octets(const struct rib *rib)
{
	return beside_octets(&rib->tails) + beside_octets(&rib->fibs) + beside_octets(&rib->ids) +
	    (size_t)rib->dests.npages * SLOTS_PAGE * rib->dests.octets +
	    (size_t)rib->paths.npages * SLOTS_PAGE * rib->paths.octets +
	    (size_t)rib->received.npages * OUT_PAGE * sizeof(uint64_t) +
	    idx_octets(&rib->index);
}
