/*
 * Loc-RIB.  See loc.h.
 *
 * A path that is the best carries PATH_BEST until the next decision, so a
 * decision knows whether the best is another one, even when it was deleted.
 */
#include "bgpd/core/loc.h"

#include "bgpd/core/adjin.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

void
loc_touch(struct speaker *sp, unsigned i, uint32_t dest)
{
	bitq_add(&sp->decide[i], dest);
}

void
loc_touch_all(struct speaker *sp, unsigned i)
{
	uint32_t id;

	for (id = 1; id < slots_end(&sp->rib[i].dests); id++)
		if (rib_is_dest(&sp->rib[i], id))
			loc_touch(sp, i, id);
}

bool
loc_busy(const struct speaker *sp)
{
	return sp->decide[0].count > 0 || sp->decide[1].count > 0;
}

/*
 * From an external peer one hop away the next hop is the peer itself or an
 * address of a link that is ours, too; else it could have our packets sent
 * anywhere.  RFC 4271 sections 5.1.3 and 6.3.
 */
bool
loc_next_hop_shared(const struct rpeer *rp, const struct nh *nh)
{
	return !rp->src.ebgp || rp->src.confed || !rp->conf.onlink || nh->onlink || ip_addr_eq(&nh->addr, &rp->addr);
}

/* May the path be used?  *ret_nh: its next hop, NULL for an own prefix. */
static inline bool
is_usable(const struct speaker *sp, unsigned i, const struct path *p, const struct nh **ret_nh)
{
	const struct nh *nh;

	*ret_nh = NULL;
	if (!adjin_live(sp, i, p) || path_reason(p) != REJECT_NONE)
		return false;
	if (p->peer == RIB_LOCAL_PEER)
		return true;
	*ret_nh = nh = adjin_nh(sp, p);
	return nh && nh->answered && nh->resolved && loc_next_hop_shared(sp->peer[p->peer], nh);
}

/* Fill *c and return true when the path may be used. */
static bool
candidate(const struct speaker *sp, unsigned i, uint32_t id, struct decide_cand *c)
{
	const struct path *p = rib_path(&sp->rib[i], id);
	const struct rpeer *rp = sp->peer[p->peer];
	bool local = p->peer == RIB_LOCAL_PEER;
	const struct nh *nh;

	if (!is_usable(sp, i, p, &nh))
		return false;
	*c = (struct decide_cand){ .attrs = p->attrs,
		.peer_addr = &rp->addr,
		.local_pref =
		    p->flags & PATH_GSHUT ? 0 : policy_local_pref(&rp->src, p->attrs),
		.igp_metric = nh ? nh->metric : 0,
		.router_id = rp->src.router_id,
		.local = local,
		.llgr_stale = p->flags & PATH_LLGR_STALE,
		.draining = rp->src.draining,
		.ebgp = rp->src.ebgp && !rp->src.confed,
		.path_id = rib_path_id(&sp->rib[i], id),
		.path = id,
		.nh = nh };
	return true;
}

bool
loc_eligible(const struct speaker *sp, unsigned i, uint32_t path)
{
	struct decide_cand c;

	return candidate(sp, i, path, &c);
}

static void
reserve(struct loc_scratch *s, size_t n)
{
	if (n <= s->cap)
		return;
	s->cap = n + n / 2 + 8;
	s->cand = mem_realloc_array(s->cand, s->cap, sizeof(*s->cand));
	s->order = mem_realloc_array(s->order, s->cap, sizeof(*s->order));
}

/* The usable paths into cand, the others' ids to the end of order; *ret_n: all of them. */
static size_t
gather(struct speaker *sp, unsigned i, uint32_t dest, size_t *ret_n)
{
	struct loc_scratch *s = sp->loc;
	uint32_t id;
	size_t n = 0, usable = 0, unusable = 0;

	for (id = rib_dest(&sp->rib[i], dest)->paths; id; id = rib_path(&sp->rib[i], id)->next) {
		__builtin_prefetch(rib_path(&sp->rib[i], id)->attrs);
		n++;
	}
	reserve(s, n);
	for (id = rib_dest(&sp->rib[i], dest)->paths; id; id = rib_path(&sp->rib[i], id)->next)
		if (candidate(sp, i, id, &s->cand[usable]))
			usable++;
		else
			s->order[n - ++unusable] = id;
	*ret_n = n;
	return usable;
}

size_t
loc_explain(struct speaker *sp, unsigned i, uint32_t dest, size_t *ret_used)
{
	size_t n, usable = gather(sp, i, dest, &n);

	*ret_used = decide_best(sp->loc->cand, usable, sp->conf.multipath);
	return usable;
}

/* Move PATH_BEST to the first path; true when the best, or what it says, is another. */
static bool
mark_best(struct speaker *sp, unsigned i, uint32_t dest)
{
	const struct dest *d = rib_dest(&sp->rib[i], dest);
	bool changed = true;
	uint32_t id;

	for (id = d->paths; id; id = rib_path(&sp->rib[i], id)->next) {
		struct path *p = rib_path(&sp->rib[i], id);
		bool was = p->flags & PATH_BEST, is = id == d->paths && d->used > 0;

		if (is && was && !(p->flags & PATH_CHANGED))
			changed = false;
		if (is != was)
			sp->peer[p->peer]->af[i].best += is ? 1u : -1u;
		p->flags &= (uint16_t)~(PATH_CHANGED | PATH_BEST);
		if (is)
			p->flags |= PATH_BEST;
	}
	return changed;
}

/* Order the destination's paths; how many there are. */
static size_t
order_paths(struct speaker *sp, unsigned i, uint32_t dest)
{
	size_t k, n, used, usable = gather(sp, i, dest, &n);

	used = decide_best(sp->loc->cand, usable, sp->conf.multipath);
	if (sp->conf.install) /* the next best is the backup */
		decide_rest(sp->loc->cand, usable, used);
	for (k = 0; k < usable; k++)
		sp->loc->order[k] = sp->loc->cand[k].path;
	rib_reorder(&sp->rib[i], dest, sp->loc->order, n, used);
	return n;
}

/* Most destinations have one path, or none: there is nothing to put into order. */
static size_t
order_few(struct speaker *sp, unsigned i, struct dest *d)
{
	const struct nh *nh;

	d->used = d->paths && is_usable(sp, i, rib_path(&sp->rib[i], d->paths), &nh);
	return d->paths != 0;
}

/* Returns the number of its paths. */
static size_t
decide(struct speaker *sp, unsigned i, uint32_t dest)
{
	struct dest *d = rib_dest(&sp->rib[i], dest);
	bool skipped = d->flags & DEST_SKIPPED, changed;
	size_t n;

	sp->decisions++;
	if (!d->paths || !rib_path(&sp->rib[i], d->paths)->next)
		n = order_few(sp, i, d);
	else
		n = order_paths(sp, i, dest);
	d->flags &= (uint8_t)~DEST_SKIPPED;
	fib_update(sp, i, dest);
	changed = mark_best(sp, i, dest);
	if (changed || skipped)
		groups_touch(sp, i, dest);
	else
		groups_touch_paths(sp, i, dest);
	feeds_decided(sp, i, dest, changed);
	if (n == 0)
		reap_dying(sp, REAP_DESTS + i, dest);
	return n;
}

void
loc_work(struct speaker *sp, unsigned i, int *units)
{
	uint32_t dest;

	while (*units > 0 && bitq_pop(&sp->decide[i], &dest)) {
		if (rib_is_dest(&sp->rib[i], dest))
			*units -= (int)decide(sp, i, dest);
		--*units;
	}
}
