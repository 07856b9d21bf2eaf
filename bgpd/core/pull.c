/*
 * What happens when a member of an update group pulls: changed destinations
 * are encoded into the group's log, the log is copied out, walkers walk.
 * See group.h.
 *
 * Order: what is in the log already, End-of-RIB when due, then changes.  A
 * group's table is always ahead of its log only by what is queued as dirty.
 */
#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/adjout.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/loc.h"
#include "bgpd/core/msg.h"
#include "bgpd/core/speaker_priv.h"

/*
 * What is looked at in one flush, and in one pull without anything to send, in
 * destinations; a path that is chosen among others counts as so many of them.
 */
#define FLUSH_LOOKS 4096
#define PULL_LOOKS  16384
#define PATH_LOOKS  8

/* ---- from destinations to the table -------------------------------------------- */

/* A path as the group would announce it, before policy_export(): a reference, or NULL. */
static const struct attrs *
passed(struct speaker *sp, const struct group *g, const struct path *p)
{
	const struct export_source *src = &sp->peer[p->peer]->src;
	const struct attrs *attrs;
	struct batch *b = sp->groups.batch;
	struct ip_prefix prefix;

	if (!g->chain) {
		if (b->asked != p->attrs || b->asked_of != p->peer) {
			b->asked = p->attrs;
			b->asked_of = p->peer;
			b->exportable = policy_exportable(&g->policy, src, p->attrs) == EXPORT_YES;
		}
		return b->exportable ? attrs_ref(p->attrs) : NULL;
	}
	prefix = rib_prefix(&sp->rib[AF_IDX(g->af)], p->dest);
	policy_filter_export(&sp->filters, sp->pool, &g->policy, g->chain, src, &prefix, p->attrs,
	    &attrs);
	return attrs;
}

/* A destination whose decision is due: to be looked at after it. */
static bool
is_undecided(struct speaker *sp, unsigned i, uint32_t dest)
{
	if (!bitq_has(&sp->decide[i], dest))
		return false;
	rib_dest(&sp->rib[i], dest)->flags |= DEST_SKIPPED;
	return true;
}

/* Does the FIB let paths of peers to the destination pass?  Own prefixes are the agent's matter. */
static enum fib_gate
gate_of(const struct speaker *sp, unsigned i, uint32_t dest)
{
	const struct rib *rib = &sp->rib[i];

	if (sp->gr.deferring)
		return FIB_GATE_WAIT;
	if (rib_path(rib, rib_dest(rib, dest)->paths)->peer == RIB_LOCAL_PEER)
		return FIB_GATE_OPEN;
	return fib_gate(sp, i, dest);
}

/*
 * Is the one that it comes from the only member? A router beside one other has a table of
 * such. Not where paths are chosen among others: who hears of them does not count there.
 */
static bool
goes_unheard(struct group *g, uint16_t vis)
{
	const struct member *m = container_of(list_first(&g->members), struct member, node);

	if (g->nmembers != 1 || group_by_path(g) || m->rp->index != vis)
		return false;
	g->unheard = true;
	return true;
}

/* What the group should announce of a path (a reference); false: to be left as it is for now. */
static bool
wanted_of_path(struct speaker *sp, struct group *g, uint32_t path,
    const struct attrs **ret_attrs, uint16_t *ret_vis)
{
	unsigned i = AF_IDX(g->af);
	const struct path *p = rib_path(&sp->rib[i], path);
	enum fib_gate gate = FIB_GATE_OPEN;
	struct ip_prefix prefix;

	*ret_attrs = NULL;
	*ret_vis = p->peer;
	if (!adjin_live(sp, i, p))
		return false; /* its sweep will have it decided again */
	if (p->peer == RIB_LOCAL_PEER) {
		prefix = rib_prefix(&sp->rib[i], p->dest);
		*ret_vis = vis_of_local(sp, &prefix);
	} else {
		gate = gate_of(sp, i, p->dest);
	}
	if (gate == FIB_GATE_WAIT)
		return false;
	if (gate == FIB_GATE_OPEN && *ret_vis != VIS_NONE && !goes_unheard(g, *ret_vis))
		*ret_attrs = passed(sp, g, p);
	return true;
}

/* The same of a destination. */
static bool
wanted(struct speaker *sp, struct group *g, uint32_t dest, const struct attrs **ret_attrs,
    uint16_t *ret_vis)
{
	unsigned i = AF_IDX(g->af);
	const struct dest *d = rib_dest(&sp->rib[i], dest);

	*ret_attrs = NULL;
	*ret_vis = VIS_NONE;
	if (is_undecided(sp, i, dest))
		return false;
	if (!rib_is_dest(&sp->rib[i], dest) || d->used == 0)
		return true;
	return wanted_of_path(sp, g, d->paths, ret_attrs, ret_vis);
}

/* Do both come out as the same announcement? */
static bool
same_announcement(struct speaker *sp, const struct group *g, uint64_t old,
    const struct attrs *attrs, uint16_t vis)
{
	const struct export_source *src = vis_source(sp, outword_vis(old));
	const struct attrs *a, *b;

	if (!src)
		return false;
	a = policy_export(sp->pool, &g->policy, src, outword_attrs(old));
	b = policy_export(sp->pool, &g->policy, vis_source(sp, vis), attrs);
	attrs_unref(sp->pool, a);
	attrs_unref(sp->pool, b);
	return a == b;
}

/* said: something is announced of it now; else a walker that was told nothing has nothing to do. */
static void
tell_walkers(struct group *g, uint32_t id, bool said)
{
	struct list *l;

	if (g->nsynced == g->nmembers)
		return;
	LIST_FOREACH(l, &g->members) {
		struct member *m = container_of(l, struct member, node);

		if (m->at)
			continue;
		if (said || bitq_has(&m->has, id))
			bitq_add(&m->todo, id);
		else
			bitq_del(&m->todo, id);
	}
}

/* From now on this is announced of the id (a destination's, or a path's); attrs: taken over, NULL: nothing. */
static void
flush_word(struct speaker *sp, struct group *g, struct batch *b, uint32_t id,
    const struct attrs *attrs, uint16_t vis)
{
	uint64_t old = outtable_get(&g->out, id), word = outword(attrs, vis);
	uint16_t old_vis = old ? outword_vis(old) : VIS_NONE;
	bool same;

	if (word == old) {
		attrs_unref(sp->pool, attrs);
		return;
	}
	same = old && attrs && same_announcement(sp, g, old, attrs, vis);
	attrs_unref(sp->pool, outword_attrs(old));
	outtable_set(&g->out, id, word);
	g->words += (word != 0) - (old != 0);
	if (same && vis == old_vis)
		return;
	tell_walkers(g, id, attrs != NULL);
	batch_add(b, id, attrs, attrs ? vis : old_vis, same, old_vis);
}

/* ---- several paths of a destination (RFC 7911) ------------------------------------ */

/* The paths of a destination that a group announces, or leaves as they are. */
struct chosen {
	size_t n;
	struct {
		uint32_t path;
		const struct attrs *attrs; /* a reference; NULL: left as it is */
		const void *nh;
		uint16_t vis;
	} v[UINT8_MAX];
};

/* Is the next hop told already?  For equal paths once is enough. */
static bool
knows_next_hop(const struct chosen *c, const void *nh)
{
	size_t k;

	for (k = 0; k < c->n && nh; k++)
		if (c->v[k].nh == nh)
			return true;
	return false;
}

/*
 * Of the paths that the decision process lets pass, the first so many that may
 * be exported.  Returns how many were asked about.
 */
static size_t
choose_paths(struct speaker *sp, struct group *g, uint32_t dest, struct chosen *c)
{
	size_t used, k, n = loc_explain(sp, AF_IDX(g->af), dest, &used);
	struct decide_cand *cand = sp->loc->cand;
	bool equal = g->policy.addpath == IPC_ADDPATH_EQUAL;
	const struct attrs *attrs;
	uint16_t vis;

	c->n = 0;
	if (equal)
		n = used;
	else
		decide_rest(cand, n, used);
	for (k = 0; k < n && c->n < g->policy.addpath_max; k++) {
		if (equal && knows_next_hop(c, cand[k].nh))
			continue;
		if (wanted_of_path(sp, g, cand[k].path, &attrs, &vis) && !attrs)
			continue;
		c->v[c->n].path = cand[k].path;
		c->v[c->n].attrs = attrs;
		c->v[c->n].nh = cand[k].nh;
		c->v[c->n++].vis = vis;
	}
	return n;
}

static bool
is_chosen(const struct chosen *c, uint32_t path)
{
	size_t k;

	for (k = 0; k < c->n; k++)
		if (c->v[k].path == path)
			return true;
	return false;
}

/* New paths first: the peer is never without one in between.  Returns what it cost, in destinations. */
static unsigned
flush_paths(struct speaker *sp, struct group *g, struct batch *b, uint32_t dest)
{
	const struct rib *rib = &sp->rib[AF_IDX(g->af)];
	struct chosen c;
	uint32_t id;
	size_t k, n;

	if (is_undecided(sp, AF_IDX(g->af), dest) || !rib_is_dest(rib, dest))
		return 1;
	n = choose_paths(sp, g, dest, &c);
	for (k = 0; k < c.n; k++)
		if (c.v[k].attrs && !batch_full(b))
			flush_word(sp, g, b, c.v[k].path, c.v[k].attrs, c.v[k].vis);
		else
			attrs_unref(sp->pool, c.v[k].attrs);
	for (id = rib_dest(rib, dest)->paths; id && !batch_full(b); id = rib_path(rib, id)->next)
		if (outtable_get(&g->out, id) && !is_chosen(&c, id))
			flush_word(sp, g, b, id, NULL, VIS_NONE);
	if (batch_full(b))
		bitq_add(&g->dirty, dest); /* there may be more */
	return 1 + (unsigned)n * PATH_LOOKS;
}

/* Returns what it cost, in destinations. */
static unsigned
flush_dest(struct speaker *sp, struct group *g, struct batch *b, uint32_t dest)
{
	const struct attrs *attrs;
	uint16_t vis;

	if (group_by_path(g))
		return flush_paths(sp, g, b, dest);
	if (wanted(sp, g, dest, &attrs, &vis))
		flush_word(sp, g, b, dest, attrs, vis);
	return 1;
}

/* ---- from the batch to the log ----------------------------------------------------- */

/* A next hop of zeros, as long as each member's own. */
static struct update_nh
next_hop_slot(const struct export_policy *policy)
{
	struct update_nh nh = { .nh.af = policy->self_octets == 4 ? IP4 : IP6 };

	if (policy->self_octets == 32)
		nh.ll.af = IP6;
	return nh;
}

static void
log_append(struct group *g, const struct batch *b, size_t at, size_t n, struct chunk *proto,
    const struct wr *w)
{
	proto->n = (uint16_t)n;
	proto->id = (uint32_t *)(uintptr_t)&b->id[at];
	proto->old = (uint16_t *)(uintptr_t)&b->old[at];
	proto->msg = w->base;
	proto->octets = (uint16_t)wr_len(w);
	g->said += proto->n;
	outlog_append(&g->log, proto);
}

static void
log_withdraw(struct group *g, struct batch *b, size_t at, size_t n)
{
	size_t took;

	while (at < n) {
		struct chunk proto = { .vis = VIS_NONE };
		struct wr w = wr_init(b->msg, sizeof(b->msg));

		took = update_encode_unreach(&w, &g->ctx, g->af, b->nlri + at, n - at);
		log_append(g, b, at, took, &proto, &w);
		at += took;
	}
}

void
group_too_large(struct speaker *sp, const struct group *g, const struct ip_prefix *prefix)
{
	char text[IP_PREFIX_STRLEN];
	uint32_t dropped;

	if (!log_limit_pass(&sp->groups.too_large, sp->now, &dropped))
		return;
	speaker_event(sp, LOG_WARN, NULL, "update-too-large",
	    "prefix=%s octets=%u why=\"its attributes do not fit into an UPDATE: not announced\" "
	    "suppressed=%u", ip_prefix_str(prefix, text), g->ctx.max_octets, dropped);
}

/* What does not fit is withdrawn, if it was announced before: RFC 8654 section 4. */
static void
log_announce(struct speaker *sp, struct group *g, struct batch *b,
    const struct batch_bucket *k, size_t n)
{
	const struct attrs *x =
	    policy_export_once(sp->pool, &g->policy, vis_source(sp, k->vis), k->attrs);
	struct chunk proto = { .vis = k->vis, .same = k->same, .attrs = x };
	struct update_nh nh = { 0 };
	uint16_t off, octets;
	size_t at = 0, took;

	if (x)
		nh.nh = attrs_next_hop(x);
	if (x && nh.nh.af == IP_NONE)
		nh = next_hop_slot(&g->policy);
	while (x && at < n) {
		struct wr w = wr_init(b->msg, sizeof(b->msg));

		took = update_encode_reach(&w, &g->ctx, x, g->af, &nh, b->nlri + at, n - at, &off,
		    &octets);
		if (took == 0)
			break;
		if (!x->nh_af) {
			proto.nh_off = off;
			proto.nh_octets = (uint8_t)octets;
		}
		log_append(g, b, at, took, &proto, &w);
		at += took;
	}
	attrs_unref(sp->pool, x);
	if (at == n)
		return;
	group_too_large(sp, g, &b->nlri[at].prefix);
	log_withdraw(g, b, at, n);
}

/* Would a new member read too much, or too much of it in vain? */
static bool
replay_is_long(const struct speaker *sp, const struct group *g)
{
	return g->log.octets > sp->groups.log_octets / 2 ||
	    g->log.chunks > sp->groups.log_chunks / 2 ||
	    g->said / 2 > g->words + GROUP_REPLAY_MORE;
}

/* The slowest readers leave a log that has grown too long. */
static void
bound_log(struct speaker *sp, struct group *g)
{
	struct list *l;

	if (replay_is_long(sp, g))
		group_forget_replay(g);

	while (g->log.octets > sp->groups.log_octets || g->log.chunks > sp->groups.log_chunks) {
		uint64_t limit = g->log.oldest->seq + g->log.chunks / 2;

		LIST_FOREACH(l, &g->members) {
			struct member *m = container_of(l, struct member, node);

			if (m->at && m->at->seq <= limit)
				member_detach(sp, m);
		}
	}
}

/*
 * Look at some changed destinations; what comes of it goes into the log and to
 * the walkers.  Returns what it cost, in destinations.
 */
static unsigned
flush(struct speaker *sp, struct group *g)
{
	struct batch *b = sp->groups.batch;
	unsigned looked = 0;
	uint32_t id;
	uint16_t k;

	batch_clear(b);
	while (!batch_full(b) && looked < FLUSH_LOOKS && bitq_pop(&g->dirty, &id))
		looked += flush_dest(sp, g, b, id);
	for (; !batch_full(b) && looked < FLUSH_LOOKS && bitq_pop(&g->gone, &id); looked++)
		flush_word(sp, g, b, id, NULL, VIS_NONE);
	if (g->dirty.count == 0 || g->dirty.laps != g->build_lap)
		g->built = true;
	if (b->nitems > 0 && g->nsynced == 0)
		group_forget_replay(g); /* nobody reads, and nothing is logged */
	if (b->nitems == 0 || g->nsynced == 0)
		return looked;
	for (k = 0; k < b->nbuckets; k++) {
		size_t n = batch_load(
		    b, &b->bucket[k], &sp->rib[AF_IDX(g->af)], group_by_path(g));

		if (b->bucket[k].attrs)
			log_announce(sp, g, b, &b->bucket[k], n);
		else
			log_withdraw(g, b, 0, n);
	}
	g->kick = g->nmembers > 1;
	bound_log(sp, g);
	return looked;
}

/* ---- from the log to a member ---------------------------------------------------------- */

/* The entries of a chunk that this member has to hear about, into the batch; how many. */
static size_t
select_entries(struct speaker *sp, const struct member *m, const struct chunk *c, bool see)
{
	struct batch *b = sp->groups.batch;
	const struct rib *rib = &sp->rib[AF_IDX(m->g->af)];
	uint16_t last = VIS_NONE, k;
	bool saw = false;
	size_t n = 0;

	for (k = 0; k < c->n; k++) {
		if (c->old[k] != last) {
			last = c->old[k];
			saw = vis_sees(sp, last, m->rp);
		}
		if (saw == see)
			continue;
		group_nlri(rib, group_by_path(m->g), c->id[k], &b->nlri[n++]);
	}
	return n;
}

static void
copy_chunk(struct wr *w, const struct member *m, const struct chunk *c)
{
	uint8_t *msg = wr_take(w, c->octets);

	if (!msg)
		return;
	memcpy(msg, c->msg, c->octets);
	if (c->nh_octets)
		update_nh_put(msg + c->nh_off, &m->self);
}

/* The next hop that a member is told with these (exported) attributes. */
struct update_nh
member_next_hop(const struct member *m, const struct attrs *x)
{
	struct update_nh nh = { .nh = attrs_next_hop(x) };

	return x->nh_af ? nh : m->self;
}

/* A chunk of which the member is told a part, or the opposite. */
static void
copy_part(struct wr *w, const struct member *m, const struct chunk *c, bool see)
{
	struct speaker *sp = m->rp->sp;
	const struct nlri *nlri = sp->groups.batch->nlri;
	size_t n = select_entries(sp, m, c, see);
	struct update_nh nh;

	if (see) {
		nh = member_next_hop(m, c->attrs);
		update_encode_reach(w, &m->g->ctx, c->attrs, m->g->af, &nh, nlri, n, NULL, NULL);
	} else if (c->attrs == NULL && n == c->n) {
		copy_chunk(w, m, c);
	} else {
		update_encode_unreach(w, &m->g->ctx, m->g->af, nlri, n);
	}
}

/* What a member is told of a chunk, all or a part, is no longer than its message. */
static void
read_log(struct member *m, struct wr *w, size_t want)
{
	const struct chunk *c;
	bool see;

	while (wr_len(w) < want && (c = outlog_next(m->at)) && wr_room(w) >= c->octets) {
		see = c->attrs && vis_sees(m->rp->sp, c->vis, m->rp);
		if (see && !c->same)
			copy_chunk(w, m, c);
		else
			copy_part(w, m, c, see);
		m->at = outlog_advance(&m->g->log, m->at);
	}
}

/* ---- markers ------------------------------------------------------------------------------ */

/* Nothing is left that belongs before End-of-RIB. */
static bool
eor_due(const struct member *m, struct mono_us now)
{
	const struct speaker *sp = m->rp->sp;
	uint64_t waited_us = mono_diff_us(now, m->rp->up_since);

	if (!m->eor_due || !m->at || outlog_next(m->at) || !m->g->built)
		return false;
	if (sp->gr.restarted && mono_diff_us(now, sp->gr.ended) < waited_us)
		waited_us = mono_diff_us(now, sp->gr.ended);
	if ((loc_busy(sp) || group_is_dirty(m->g)) && waited_us < GROUP_EOR_WITHIN_US)
		return false;
	return gr_end_of_rib_ready(sp);
}

static void
write_eor(struct member *m, struct wr *w, struct mono_us now)
{
	if (!eor_due(m, now))
		return;
	update_encode_eor(w, m->g->af);
	m->eor_due = false;
	m->rp->af[AF_IDX(m->g->af)].eor_sent = true;
}

/* ---- pulling --------------------------------------------------------------------------------- */

/* Begin-of-RR never goes ahead of End-of-RIB: RFC 7313 section 4. */
static bool
refresh_due(const struct member *m)
{
	return m->refresh_due && !(m->eor_due && m->rp->peer->neg.enhanced_refresh);
}

bool
groups_wants_fill(const struct rpeer *rp, struct mono_us now, unsigned i)
{
	const struct member *m = rp->af[i].member;

	if (!m)
		return false;
	if (refresh_due(m))
		return true;
	if (m->at ? outlog_next(m->at) != NULL : m->g->built)
		return true;
	if (group_is_dirty(m->g) && group_ready(rp->sp, m->g, now))
		return true;
	return eor_due(m, now);
}

size_t
groups_fill(struct rpeer *rp, struct mono_us now, unsigned i, uint8_t *buf, size_t cap, size_t want)
{
	struct member *m = rp->af[i].member;
	struct wr w = wr_init(buf, cap);
	unsigned looked = 0;
	bool blocked = false;

	if (m && refresh_due(m))
		member_refresh(m);
	while (m && looked < PULL_LOOKS && wr_len(&w) < want) {
		if (m->at)
			read_log(m, &w, want);
		else if (m->g->built)
			blocked = !member_walk(m, &w, want);
		if (blocked || wr_room(&w) < BGP_MAX_OCTETS || (m->at && outlog_next(m->at)))
			break;
		write_eor(m, &w, now);
		if (!group_is_dirty(m->g) && m->at)
			break;
		if (group_is_dirty(m->g) && !group_ready(rp->sp, m->g, now)) {
			m->g->kick = true;
			break;
		}
		looked += flush(rp->sp, m->g);
	}
	if (looked >= PULL_LOOKS)
		m->g->kick = true; /* not the end, also when nothing came of it */
	return wr_len(&w);
}
