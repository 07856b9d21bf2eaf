/*
 * Views: peers, paths, what is advertised, statistics.
 *
 * A cursor holds a destination's id and the place in its list, so a walk may
 * stop anywhere and the tables may change meanwhile.  Reasons come from the
 * code that decides: the decision process is run again on the destination,
 * the export policy is asked again.
 */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/loc.h"
#include "bgpd/core/speaker_priv.h"

/* ---- rows of paths -------------------------------------------------------------- */

static void
fill_attrs(const struct attrs *a, struct ipc_row_path *r)
{
	r->next_hop = attrs_next_hop(a);
	r->next_hop_ll = attrs_next_hop_ll(a);
	r->origin = a->origin;
	r->has_med = a->flags & ATTRS_MED;
	r->med = a->med;
	r->has_local_pref = a->flags & ATTRS_LOCAL_PREF;
	r->local_pref = a->local_pref;
	r->weight = a->weight;
	r->atomic_aggregate = a->flags & ATTRS_ATOMIC;
	r->aggregator_asn = attrs_rare(a).aggregator_asn;
	r->aggregator_id = attrs_rare(a).aggregator_id;
	r->originator_id = a->originator_id;
	r->otc = attrs_rare(a).otc;
	attrs_str_as_path(a, r->as_path, sizeof(r->as_path));
	attrs_str_communities(a, r->communities, sizeof(r->communities));
	attrs_str_large(a, r->large_communities, sizeof(r->large_communities));
	attrs_str_ext(a, r->ext_communities, sizeof(r->ext_communities));
	attrs_str_cluster_list(a, r->cluster_list, sizeof(r->cluster_list));
	attrs_str_unknown(a, r->unknown, sizeof(r->unknown));
}

static void
fill_next_hop(const struct speaker *sp, const struct path *p, struct ipc_row_path *r)
{
	struct ip_addr addr = adjin_next_hop(p);
	const struct nh *nh = nht_find(&sp->nht, &addr);

	if (!nh || path_reason(p) != REJECT_NONE)
		return;
	r->igp_metric = nh->metric;
	if (!nh->answered)
		snprintf(r->nh_why, sizeof(r->nh_why), "not looked up yet");
	else if (!nh->resolved)
		snprintf(r->nh_why, sizeof(r->nh_why), "%s", nh->why ? nh->why : "no route to it");
	else if (!loc_next_hop_shared(sp->peer[p->peer], nh))
		snprintf(r->nh_why, sizeof(r->nh_why),
		    "it is on no link shared with this external peer (RFC 4271 5.1.3)");
}

/* How the decision process saw the path: its place and the step. */
static void
fill_decision(struct speaker *sp, unsigned i, uint32_t id, struct ipc_row_path *r)
{
	size_t used, k, n = loc_explain(sp, i, rib_path(&sp->rib[i], id)->dest, &used);
	const struct decide_cand *c = sp->loc->cand;
	const char *text;

	for (k = 0; k < n && c[k].path != id; k++)
		;
	if (k == n) {
		snprintf(r->decision, sizeof(r->decision), "%s",
		    r->rejected[0] ? "rejected" : "next hop is not usable");
		return;
	}
	text = decide_step_text((enum decide_step)c[k].step);
	r->flags |= IPC_PATH_VALID;
	if (k == 0)
		r->flags |= IPC_PATH_BEST;
	else if (k < used) {
		r->flags |= IPC_PATH_MULTIPATH;
		text = "equal to the best";
	}
	snprintf(r->decision, sizeof(r->decision), "%s", text);
}

static void
fill_fib(const struct speaker *sp, unsigned i, uint32_t dest, struct ipc_row_path *r)
{
	struct dest_fib fib = rib_fib(&sp->rib[i], dest);

	if (!(r->flags & (IPC_PATH_BEST | IPC_PATH_MULTIPATH)) || (r->flags & IPC_PATH_LOCAL) ||
	    bitq_has(&sp->fib.dirty[i], dest))
		return;
	if (sp->conf.no_routes) { /* the agent is not even asked */
		fib.state = IPC_V_REFUSED;
		fib.code = IPC_REF_INSTALL_OFF;
	}
	r->fib_state = fib.state;
	r->fib_code = fib.code;
}

/* What import's filters did, by running them again. */
static void
fill_policy(struct speaker *sp, unsigned i, uint32_t id, struct ipc_row_path *r)
{
	const struct path *p = rib_path(&sp->rib[i], id);
	const struct import_policy *imp = &sp->peer[p->peer]->imp;
	const struct attrs *received = rib_path_received(&sp->rib[i], id);
	struct filter_route route = policy_import_route(imp, &r->prefix);

	if (p->peer == RIB_LOCAL_PEER || policy_import_attrs(imp, received) != REJECT_NONE)
		return;
	filter_explain(sp->pool, imp->chain[i], &route, received, r->policy, sizeof(r->policy));
}

static void
fill_rejected(const struct path *p, struct ipc_row_path *r)
{
	enum reject_reason reason = (enum reject_reason)path_reason(p);

	if (reason == REJECT_NONE)
		return;
	r->flags |= IPC_PATH_REJECTED;
	snprintf(r->rejected, sizeof(r->rejected), "%s",
	    reason == REJECT_FILTER && r->policy[0] ? r->policy : policy_reject_text(reason));
}

static void
fill_path(struct speaker *sp, struct mono_us now, unsigned i, uint32_t id, bool raw,
    struct ipc_row_path *r)
{
	const struct path *p = rib_path(&sp->rib[i], id);
	const struct rpeer *rp = sp->peer[p->peer];
	uint32_t age_s = speaker_seconds(sp, now) - p->since_s;

	memset(r, 0, sizeof(*r));
	r->prefix = rib_prefix(&sp->rib[i], p->dest);
	r->peer = rp->id;
	r->path_id = rib_path_id(&sp->rib[i], id);
	r->remote_id = rp->src.router_id;
	r->age_us = (uint64_t)age_s * 1000000;
	fill_attrs(raw ? rib_path_received(&sp->rib[i], id) : p->attrs, r);
	if (!raw) {
		r->has_local_pref = true;
		r->local_pref =
		    p->flags & PATH_GSHUT ? 0 : policy_local_pref(&rp->src, p->attrs);
	}
	if (p->peer == RIB_LOCAL_PEER)
		r->flags |= IPC_PATH_LOCAL;
	else if (!rp->src.ebgp)
		r->flags |= IPC_PATH_INTERNAL;
	else if (rp->src.confed)
		r->flags |= IPC_PATH_CONFED;
	if (adjin_stale(sp, i, p)) {
		r->flags |= IPC_PATH_STALE;
		r->stale_left_s = gr_stale_left_s(rp, now, i);
		gr_long_lived(rp, i, &r->stale_of_s);
	}
	if (p->flags & PATH_LLGR_STALE)
		r->flags |= IPC_PATH_LLGR;
	fill_policy(sp, i, id, r);
	fill_rejected(p, r);
	fill_next_hop(sp, p, r);
	fill_decision(sp, i, id, r);
	fill_fib(sp, i, p->dest, r);
}

/* ---- rows of Adj-RIB-Out -------------------------------------------------------------- */

static void
fill_advertised_head(struct speaker *sp, const struct rpeer *to, unsigned i, uint32_t dest,
    struct ipc_row_path *r)
{
	memset(r, 0, sizeof(*r));
	r->prefix = rib_prefix(&sp->rib[i], dest);
	r->peer = to->id;
	r->remote_id = to->src.router_id;
}

/* What export's filters did with the best path, by running them again. */
static void
fill_export_policy(struct speaker *sp, const struct group *g, const struct path *p,
    struct ipc_row_path *r)
{
	struct filter_route route =
	    policy_export_route(&g->policy, &sp->peer[p->peer]->src, &r->prefix);

	filter_explain(sp->pool, g->chain, &route, p->attrs, r->policy, sizeof(r->policy));
}

/*
 * It could be announced but for the FIB: the reason, or NULL. That it waits for the kernel, which
 * is soon over, is said only where one prefix is asked for.
 */
static const char *
fib_withholds(const struct speaker *sp, unsigned i, uint32_t dest, bool one)
{
	const struct rib *rib = &sp->rib[i];

	if (rib_path(rib, rib_dest(rib, dest)->paths)->peer == RIB_LOCAL_PEER ||
	    (!one && fib_gate(sp, i, dest) != FIB_GATE_SHUT))
		return NULL;
	return fib_gate_text(sp, i, dest);
}

/*
 * Not announced only because of the address to announce it with, because the kernel
 * does not have the route, or, asked for that one prefix, because of a filter: shown,
 * with the reason.
 */
static bool
fill_withheld(struct speaker *sp, const struct rpeer *to, unsigned i, uint32_t dest, bool one,
    struct ipc_row_path *r)
{
	const struct dest *d = rib_dest(&sp->rib[i], dest);
	const struct attrs *attrs;
	enum export_reason why;
	const struct path *p;
	const struct group *g;
	const char *fib;
	bool shown;

	if (!to->af[i].member || d->used == 0)
		return false;
	g = to->af[i].member->g;
	p = rib_path(&sp->rib[i], d->paths);
	fill_advertised_head(sp, to, i, dest, r);
	why = policy_filter_export(&sp->filters, sp->pool, &g->policy, g->chain,
	    &sp->peer[p->peer]->src, &r->prefix, p->attrs, &attrs);
	attrs_unref(sp->pool, attrs);
	fib = why == EXPORT_YES ? fib_withholds(sp, i, dest, one) : NULL;
	shown = why == EXPORT_NO_SELF || why == EXPORT_NEXT_HOP_FAMILY ||
	    (why == EXPORT_FILTER && one) || fib;
	if (p->peer == to->index || !shown)
		return false;
	fill_attrs(p->attrs, r);
	r->flags = IPC_PATH_REJECTED;
	fill_export_policy(sp, g, p, r);
	if (why == EXPORT_FILTER)
		snprintf(r->rejected, sizeof(r->rejected), "not announced: %.*s",
		    (int)(sizeof(r->rejected) - sizeof("not announced: ")), r->policy);
	else
		snprintf(r->rejected, sizeof(r->rejected), "%s",
		    fib ? fib : policy_export_text(why));
	return true;
}

/* id: what the peer's group knows it by, the destination or one of its paths. */
static bool
fill_advertised(struct speaker *sp, const struct rpeer *to, unsigned i, uint32_t dest, uint32_t id,
    struct ipc_row_path *r)
{
	const struct export_source *src;
	const struct attrs *a, *x;
	uint16_t vis;

	a = groups_advertised(to, i, id, &vis);
	if (!a)
		return false;
	src = vis_source(sp, vis);
	x = src ? policy_export(sp->pool, &to->af[i].member->g->policy, src, a) : NULL;
	if (!x)
		return false;
	fill_advertised_head(sp, to, i, dest, r);
	fill_attrs(x, r);
	r->next_hop = member_next_hop(to->af[i].member, x).nh;
	r->next_hop_ll = member_next_hop(to->af[i].member, x).ll;
	r->flags = IPC_PATH_ADVERTISED | (src->local ? IPC_PATH_LOCAL : 0);
	if (group_by_path(to->af[i].member->g)) {
		r->path_id = id;
		fill_export_policy(sp, to->af[i].member->g, rib_path(&sp->rib[i], id), r);
	} else if (rib_dest(&sp->rib[i], dest)->used > 0) {
		fill_export_policy(sp, to->af[i].member->g,
		    rib_path(&sp->rib[i], rib_dest(&sp->rib[i], dest)->paths), r);
	}
	attrs_unref(sp->pool, x);
	return true;
}

/* With add-path: the next path that the peer is told about, from the place on. */
static bool
fill_advertised_path(struct speaker *sp, const struct rpeer *to, unsigned i, uint32_t dest,
    uint32_t *place, struct ipc_row_path *r)
{
	uint32_t id = rib_dest(&sp->rib[i], dest)->paths, k;

	for (k = 0; id; k++, id = rib_path(&sp->rib[i], id)->next)
		if (k >= *place && fill_advertised(sp, to, i, dest, id, r)) {
			*place = k + 1;
			return true;
		}
	return false;
}

/* ---- walking ---------------------------------------------------------------------------- */

static bool
path_matches(const struct speaker *sp, const struct ipc_query *q, unsigned i, const struct path *p,
    unsigned place)
{
	const struct rpeer *rp = sp->peer[p->peer];
	const struct dest *d = rib_dest(&sp->rib[i], p->dest);
	bool local = p->peer == RIB_LOCAL_PEER, accepted = path_reason(p) == REJECT_NONE;

	if (!adjin_live(sp, i, p) || (q->peer != IPC_PEER_NONE && rp->id != q->peer))
		return false;
	switch ((enum ipc_view)q->view) {
	case IPC_VIEW_ALL:
		return true;
	case IPC_VIEW_RECEIVED:
		return !local;
	case IPC_VIEW_ACCEPTED:
		return !local && accepted;
	case IPC_VIEW_REJECTED:
		return !accepted;
	case IPC_VIEW_BEST:
		return place < d->used;
	case IPC_VIEW_ADVERTISED:
		break;
	}
	return false;
}

/* The next matching path of the destination, from the cursor's place on. */
static bool
path_row(struct speaker *sp, struct mono_us now, struct speaker_cursor *c, unsigned i,
    uint32_t dest, struct ipc_row_path *ret)
{
	const struct rib *rib = &sp->rib[i];
	uint32_t id = rib_dest(rib, dest)->paths;
	unsigned place;

	for (place = 0; id; place++, id = rib_path(rib, id)->next) {
		if (place < c->sub || !path_matches(sp, &c->q, i, rib_path(rib, id), place))
			continue;
		fill_path(sp, now, i, id, c->q.view == IPC_VIEW_RECEIVED, ret);
		c->sub = place + 1;
		return true;
	}
	return false;
}

/* The next row about one peer: its only one without add-path.  one: asked for that one prefix. */
static bool
advertised_to(struct speaker *sp, const struct rpeer *to, unsigned i, uint32_t dest, bool one,
    uint32_t *place, struct ipc_row_path *ret)
{
	const struct member *m = to->af[i].member;

	if (m && group_by_path(m->g)) {
		if (fill_advertised_path(sp, to, i, dest, place, ret))
			return true;
	} else if (*place == 0 && fill_advertised(sp, to, i, dest, dest, ret)) {
		*place = 1;
		return true;
	}
	if (*place > 0 || !fill_withheld(sp, to, i, dest, one, ret))
		return false;
	*place = UINT32_MAX;
	return true;
}

/* The next announcement of the destination, from the cursor's place on. */
static bool
advertised_row(struct speaker *sp, struct speaker_cursor *c, unsigned i, uint32_t dest,
    struct ipc_row_path *ret)
{
	for (; c->sub < sp->npeers; c->sub++, c->place = 0) {
		const struct rpeer *rp = sp->peer[c->sub];

		if (!rp || !rp->peer || (c->q.peer != IPC_PEER_NONE && rp->id != c->q.peer))
			continue;
		if (advertised_to(sp, rp, i, dest, c->q.match == IPC_MATCH_EXACT, &c->place, ret))
			return true;
	}
	return false;
}

static bool
dest_row(struct speaker *sp, struct mono_us now, struct speaker_cursor *c, unsigned i,
    uint32_t dest, struct ipc_row_path *ret)
{
	bool found = c->q.view == IPC_VIEW_ADVERTISED ? advertised_row(sp, c, i, dest, ret) :
							path_row(sp, now, c, i, dest, ret);

	if (found)
		ret->query = c->q.id;
	return found;
}

struct longest_ctx {
	struct speaker *sp;
	struct speaker_cursor *c;
	unsigned i;
};

/* Would the destination give a row? */
static bool
has_row(void *ctx, uint32_t dest)
{
	const struct longest_ctx *l = ctx;
	struct speaker_cursor probe = *l->c;
	struct ipc_row_path row;

	return dest_row(l->sp, l->sp->now, &probe, l->i, dest, &row);
}

/* Begin: a longest match becomes the exact match of what it finds. */
static void
start(struct speaker *sp, struct speaker_cursor *c)
{
	struct longest_ctx l = { .sp = sp, .c = c, .i = AF_IDX(c->q.prefix.af) };
	uint32_t id;

	c->started = true;
	c->pos = 1;
	c->sub = c->place = 0;
	if (c->q.match != IPC_MATCH_ANY) {
		if (c->q.prefix.af != IP4 && c->q.prefix.af != IP6) {
			c->pos = UINT64_MAX;
			return;
		}
		ip_prefix_mask(&c->q.prefix);
		c->q.af = c->q.prefix.af;
	}
	if (c->q.match != IPC_MATCH_LONGEST)
		return;
	id = rib_longest(&sp->rib[l.i], &c->q.prefix, has_row, &l);
	c->q.match = IPC_MATCH_EXACT;
	if (id)
		c->q.prefix = rib_prefix(&sp->rib[l.i], id);
	else
		c->pos = UINT64_MAX;
}

/* One destination is all there is. */
static bool
exact_row(struct speaker *sp, struct mono_us now, struct speaker_cursor *c,
    struct ipc_row_path *ret)
{
	unsigned i = AF_IDX(c->q.prefix.af);
	uint32_t id = rib_find(&sp->rib[i], &c->q.prefix);

	if (id && dest_row(sp, now, c, i, id, ret))
		return true;
	c->pos = UINT64_MAX;
	return false;
}

static bool
is_within(const struct speaker *sp, const struct ipc_query *q, unsigned i, uint32_t dest)
{
	struct ip_prefix p;

	if (!rib_is_dest(&sp->rib[i], dest))
		return false;
	p = rib_prefix(&sp->rib[i], dest);
	return q->match == IPC_MATCH_ANY || ip_prefix_contains(&q->prefix, &p);
}

/* Look at the cursor's destination, and move on when it has no more rows. */
static bool
step(struct speaker *sp, struct mono_us now, struct speaker_cursor *c, struct ipc_row_path *ret)
{
	unsigned i = (unsigned)(c->pos >> 32);
	uint32_t dest = (uint32_t)c->pos;

	if ((c->q.af && c->q.af != AF_OF(i)) || dest >= slots_end(&sp->rib[i].dests)) {
		c->pos = i + 1 < AF_COUNT ? (uint64_t)(i + 1) << 32 | 1 : UINT64_MAX;
		c->sub = c->place = 0;
		return false;
	}
	if (is_within(sp, &c->q, i, dest) && dest_row(sp, now, c, i, dest, ret))
		return true;
	c->pos++;
	c->sub = c->place = 0;
	return false;
}

bool
speaker_next_path(struct speaker *sp, struct mono_us now, struct speaker_cursor *c,
    uint32_t max_steps, struct ipc_row_path *ret, bool *ret_more)
{
	sp->now = now;
	*ret_more = false;
	if (!c->started)
		start(sp, c);
	for (; max_steps > 0 && c->pos != UINT64_MAX; max_steps--)
		if (c->q.match == IPC_MATCH_EXACT ? exact_row(sp, now, c, ret) :
						    step(sp, now, c, ret)) {
			*ret_more = true;
			return true;
		}
	*ret_more = c->pos != UINT64_MAX;
	return false;
}

/* ---- peers and statistics ---------------------------------------------------------------- */

static void
fill_family(const struct rpeer *rp, struct mono_us now, unsigned i, struct ipc_peer_family *f)
{
	f->stale = gr_stale(rp, i);
	f->long_lived = f->stale > 0 && gr_long_lived(rp, i, &f->stale_of_s);
	f->stale_left_s = gr_stale_left_s(rp, now, i);
	f->eor_received = rp->af[i].eor_received;
	f->eor_sent = rp->af[i].eor_sent;
	f->received = adjin_count(rp, i);
	f->rejected = adjin_rejected(rp, i);
	f->accepted = f->received - f->rejected;
	f->best = rp->af[i].best;
	f->advertised = groups_count(rp, i);
}

bool
speaker_next_peer(struct speaker *sp, struct mono_us now, struct speaker_cursor *c,
    struct ipc_row_peer *ret)
{
	unsigned i;

	sp->now = now;
	if (!c->started) {
		c->started = true;
		c->pos = 1;
	}
	while (c->pos < sp->npeers) {
		const struct rpeer *rp = sp->peer[c->pos++];

		if (!rp || !rp->peer || (c->q.peer != IPC_PEER_NONE && rp->id != c->q.peer))
			continue;
		memset(ret, 0, sizeof(*ret));
		ret->query = c->q.id;
		ret->id = rp->id;
		peer_fill_row(rp->peer, now, ret);
		ret->leaks = rp->leaks;
		for (i = 0; i < AF_COUNT; i++)
			fill_family(rp, now, i, &ret->fam[i]);
		ret->stale_left_s = ret->fam[0].stale_left_s > ret->fam[1].stale_left_s ?
		    ret->fam[0].stale_left_s : ret->fam[1].stale_left_s;
		return true;
	}
	return false;
}

static void
add_peer_stats(const struct rpeer *rp, struct ipc_row_stats *ret)
{
	const struct peer *p = rp->peer;

	ret->peers++;
	ret->established += !mono_is_never(rp->up_since);
	ret->msgs_in += p->msgs_in[0];
	ret->msgs_out += p->msgs_out[0];
	ret->updates_in += p->msgs_in[BGP_UPDATE];
	ret->updates_out += p->msgs_out[BGP_UPDATE];
}

void
speaker_stats(const struct speaker *sp, struct mono_us now, struct ipc_row_stats *ret)
{
	unsigned i;
	uint16_t k;

	memset(ret, 0, sizeof(*ret));
	ret->uptime_us = mono_diff_us(now, sp->start);
	for (k = 0; k < sp->npeers; k++) {
		const struct rpeer *rp = sp->peer[k];

		for (i = 0; rp && i < AF_COUNT; i++)
			ret->best[i] += rp->af[i].best;
		if (rp && rp->peer)
			add_peer_stats(rp, ret);
	}
	for (i = 0; i < AF_COUNT; i++) {
		ret->destinations[i] = sp->rib[i].dests.live;
		ret->paths[i] = sp->rib[i].paths.live - sp->rib[i].nburied;
	}
	ret->attr_sets = attrs_pool_live(sp->pool);
	ret->update_groups = sp->groups.n;
	ret->decisions = sp->decisions;
	ret->fib_pending = fib_pending(sp);
	ret->deferring = sp->gr.deferring;
	if (sp->gr.deferring)
		gr_waiting_for(sp, now, ret->deferring_for, sizeof(ret->deferring_for));
}
