/*
 * Destinations and paths of one address family.  See rib.h.
 */
#include "bgpd/core/rib.h"

#include <limits.h>
#include <string.h>

#include "lib/hmap.h"
#include "lib/mem.h"

void
rib_init(struct rib *rib, uint8_t af, struct attrs_pool *pool, const uint64_t key[2])
{
	*rib = (struct rib){ .af = af, .octets = ip_af_octets(af), .pool = pool };
	memcpy(rib->key, key, sizeof(rib->key));
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
	for (id = 0; id < rib->ids.npages; id++)
		mem_free(rib->ids.page[id]);
	mem_free(rib->ids.page);
	for (id = 0; id < rib->fibs.npages; id++)
		mem_free(rib->fibs.page[id]);
	mem_free(rib->fibs.page);
	outtable_free(&rib->received, rib->pool);
	slots_free(&rib->paths);
	slots_free(&rib->dests);
	idx_free(&rib->index);
}

/* The hash of a prefix's octets and length. */
static uint32_t
hash_of(const struct rib *rib, const uint8_t *addr, uint8_t len)
{
	uint8_t key[17];

	if (rib->af == IP4) { /* sizes that the compiler knows */
		memcpy(key, addr, 4);
		key[4] = len;
		return (uint32_t)siphash13(rib->key, key, 5);
	}
	memcpy(key, addr, 16);
	key[16] = len;
	return (uint32_t)siphash13(rib->key, key, 17);
}

uint32_t
rib_seek(const struct rib *rib, const struct ip_prefix *prefix)
{
	uint32_t hash = hash_of(rib, prefix->b, prefix->len);

	idx_fetch(&rib->index, hash);
	return hash;
}

void
rib_approach(const struct rib *rib, uint32_t place)
{
	uint32_t id = idx_glance(&rib->index, place);

	if (id)
		__builtin_prefetch(rib_dest(rib, id));
}

static bool
is_dest_of(const struct rib *rib, const struct dest *d, const struct ip_prefix *prefix)
{
	if (d->len != prefix->len)
		return false;
	return rib->af == IP4 ? memcmp(d->addr, prefix->b, 4) == 0 :
				memcmp(d->addr, prefix->b, 16) == 0;
}

uint32_t
rib_find_at(const struct rib *rib, const struct ip_prefix *prefix, uint32_t place)
{
	uint32_t at = 0, id;

	do {
		id = idx_next(&rib->index, place, &at);
	} while (id && !is_dest_of(rib, rib_dest(rib, id), prefix));
	return id;
}

uint32_t
rib_add_at(struct rib *rib, const struct ip_prefix *prefix, uint32_t place)
{
	uint32_t id = slots_take(&rib->dests);
	struct dest *d = rib_dest(rib, id);

	d->flags = DEST_LIVE;
	d->len = prefix->len;
	memcpy(d->addr, prefix->b, rib->octets);
	idx_add(&rib->index, place, id);
	return id;
}

uint32_t
rib_find(const struct rib *rib, const struct ip_prefix *prefix)
{
	return rib_find_at(rib, prefix, hash_of(rib, prefix->b, prefix->len));
}

uint32_t
rib_get(struct rib *rib, const struct ip_prefix *prefix)
{
	uint32_t place = hash_of(rib, prefix->b, prefix->len);
	uint32_t id = rib_find_at(rib, prefix, place);

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
	const struct dest *d = rib_dest(rib, id);

	idx_del(&rib->index, hash_of(rib, d->addr, d->len), id);
	rib_fib_set(rib, id, (struct dest_fib){ 0 });
	slots_give(&rib->dests, id);
}

void
rib_fib_set(struct rib *rib, uint32_t dest, struct dest_fib fib)
{
	struct dest_fibs *f = &rib->fibs;
	uint32_t at = dest >> SLOTS_PAGE_BITS;

	if (fib.set == 0 && (at >= f->npages || !f->page[at]))
		return;
	if (at >= f->npages) {
		f->page = mem_realloc_array(f->page, at + 1u, sizeof(*f->page));
		memset(f->page + f->npages, 0, (at + 1 - f->npages) * sizeof(*f->page));
		f->npages = at + 1;
	}
	if (!f->page[at])
		f->page[at] = mem_zalloc_array(SLOTS_PAGE, sizeof(**f->page));
	f->page[at][dest & (SLOTS_PAGE - 1)] = fib;
}

struct ip_prefix
rib_prefix(const struct rib *rib, uint32_t id)
{
	const struct dest *d = rib_dest(rib, id);
	struct ip_prefix p = { .af = rib->af, .len = d->len };

	memcpy(p.b, d->addr, rib->octets);
	return p;
}

uint32_t
rib_path_find(const struct rib *rib, uint32_t dest, uint16_t peer, uint32_t path_id)
{
	uint32_t id = rib_dest(rib, dest)->paths;

	while (id && (rib_path(rib, id)->peer != peer || rib_path_id(rib, id) != path_id))
		id = rib_path(rib, id)->next;
	return id;
}

/* Note a path's id; zeros take no memory. */
static void
set_path_id(struct path_ids *ids, uint32_t path, uint32_t path_id)
{
	uint32_t at = path >> SLOTS_PAGE_BITS;

	if (path_id == 0 && (at >= ids->npages || !ids->page[at]))
		return;
	if (at >= ids->npages) {
		ids->page = mem_realloc_array(ids->page, at + 1u, sizeof(*ids->page));
		memset(ids->page + ids->npages, 0, (at + 1 - ids->npages) * sizeof(*ids->page));
		ids->npages = at + 1;
	}
	if (!ids->page[at])
		ids->page[at] = mem_zalloc_array(SLOTS_PAGE, sizeof(**ids->page));
	ids->page[at][path & (SLOTS_PAGE - 1)] = path_id;
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
	set_path_id(&rib->ids, id, path_id);
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
	size_t beside = 0;
	uint32_t at;

	for (at = 0; at < rib->ids.npages; at++)
		beside += rib->ids.page[at] ? SLOTS_PAGE * sizeof(**rib->ids.page) : 0;
	for (at = 0; at < rib->fibs.npages; at++)
		beside += rib->fibs.page[at] ? SLOTS_PAGE * sizeof(**rib->fibs.page) : 0;
	return beside + (size_t)rib->dests.npages * SLOTS_PAGE * rib->dests.octets +
	    (size_t)rib->paths.npages * SLOTS_PAGE * rib->paths.octets +
	    (size_t)rib->received.npages * OUT_PAGE * sizeof(uint64_t) +
	    idx_octets(&rib->index);
}
