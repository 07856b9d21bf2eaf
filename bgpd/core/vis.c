/*
 * Visibility of announcements.  See vis.h.
 */
#include "bgpd/core/vis.h"

#include <string.h>

#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

/* An own prefix that is announced to some peers only; others have no entry. */
struct orig {
	struct hmap_node node;
	struct ip_prefix prefix;
	uint16_t vis;
};

static uint16_t
sort_ids(uint32_t *dst, const uint32_t *id, uint16_t n)
{
	uint16_t i, k, used = 0;

	for (i = 0; i < n; i++) {
		for (k = used; k > 0 && dst[k - 1] > id[i]; k--)
			;
		if (k > 0 && dst[k - 1] == id[i])
			continue;
		memmove(dst + k + 1, dst + k, (size_t)(used - k) * sizeof(*dst));
		dst[k] = id[i];
		used++;
	}
	return used;
}

uint16_t
vis_only(struct speaker *sp, const uint32_t *id, uint16_t n)
{
	struct groups *gs = &sp->groups;
	uint32_t sorted[IPC_ONLY_MAX + 1];
	uint16_t k;

	if (n == 0)
		return VIS_LOCAL;
	n = sort_ids(sorted, id, n > IPC_ONLY_MAX ? IPC_ONLY_MAX : n);
	for (k = 0; k < gs->nonly; k++)
		if (gs->only[k].n == n && memcmp(gs->only[k].id, sorted, n * sizeof(*id)) == 0)
			return VIS_ONLY + k;
	if (gs->nonly == VIS_LISTS_MAX)
		return VIS_NONE;
	gs->only = mem_realloc_array(gs->only, gs->nonly + 1u, sizeof(*gs->only));
	gs->only[gs->nonly] = (struct only_set){ n, mem_dup(sorted, n * sizeof(*id)) };
	return VIS_ONLY + gs->nonly++;
}

void
vis_free(struct speaker *sp)
{
	struct hmap_node *n, *tmp;
	uint16_t k;

	for (k = 0; k < sp->groups.nonly; k++)
		mem_free(sp->groups.only[k].id);
	mem_free(sp->groups.only);
	HMAP_FOREACH_SAFE(n, tmp, &sp->origs) {
		hmap_remove(&sp->origs, n);
		mem_free(container_of(n, struct orig, node));
	}
	hmap_free(&sp->origs);
}

static bool
in_list(const struct only_set *o, uint32_t id)
{
	uint16_t lo = 0, hi = o->n;

	while (lo < hi) {
		uint16_t mid = (uint16_t)((lo + hi) / 2);

		if (o->id[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < o->n && o->id[lo] == id;
}

bool
vis_sees(const struct speaker *sp, uint16_t vis, const struct rpeer *rp)
{
	if (vis < VIS_ONLY)
		return vis != rp->index;
	if (vis == VIS_NONE)
		return false;
	if (vis == VIS_GONE)
		return true;
	return in_list(&sp->groups.only[vis - VIS_ONLY], rp->id) ||
	    (rp->conf.range && in_list(&sp->groups.only[vis - VIS_ONLY], rp->conf.range));
}

const struct export_source *
vis_source(const struct speaker *sp, uint16_t vis)
{
	if (vis >= VIS_GONE)
		return NULL;
	return &sp->peer[vis >= VIS_ONLY ? RIB_LOCAL_PEER : vis]->src;
}

static struct orig *
orig_find(const struct speaker *sp, const struct ip_prefix *prefix, uint64_t hash)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&sp->origs, hash); n; n = hmap_next_with(n))
		if (ip_prefix_eq(&container_of(n, struct orig, node)->prefix, prefix))
			return container_of(n, struct orig, node);
	return NULL;
}

static uint64_t
orig_hash(const struct speaker *sp, const struct ip_prefix *prefix)
{
	uint8_t key[18];

	key[0] = prefix->af;
	key[1] = prefix->len;
	memcpy(key + 2, prefix->b, 16);
	return hmap_hash(&sp->origs, key, sizeof(key));
}

uint16_t
vis_of_local(const struct speaker *sp, const struct ip_prefix *prefix)
{
	const struct orig *o;

	if (sp->origs.n == 0)
		return VIS_LOCAL;
	o = orig_find(sp, prefix, orig_hash(sp, prefix));
	return o ? o->vis : VIS_LOCAL;
}

void
vis_set_local(struct speaker *sp, const struct ip_prefix *prefix, uint16_t vis)
{
	uint64_t hash = orig_hash(sp, prefix);
	struct orig *o = orig_find(sp, prefix, hash);

	if (o && vis == VIS_LOCAL) {
		hmap_remove(&sp->origs, &o->node);
		mem_free(o);
	} else if (o) {
		o->vis = vis;
	} else if (vis != VIS_LOCAL) {
		o = mem_zalloc(sizeof(*o));
		o->prefix = *prefix;
		o->vis = vis;
		hmap_insert(&sp->origs, &o->node, hash);
	}
}
