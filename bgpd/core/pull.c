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

/* Destinations looked at in one flush, and flushes in one pull without anything to send. */
#define FLUSH_MAX  4096
#define ROUNDS_MAX 64

/* End-of-RIB waits no longer than this for decisions and changes to come to rest. */
#define EOR_PATIENCE_US 1000000

/* ---- from destinations to the table -------------------------------------------- */

/* What the group should announce; false: to be left as it is for now. */
static bool
wanted(struct speaker *sp, const struct group *g, uint32_t dest, const struct attrs **ret_attrs,
    uint16_t *ret_vis)
{
	unsigned i = AF_IDX(g->af);
	struct dest *d = rib_dest(&sp->rib[i], dest);
	enum fib_gate gate = FIB_GATE_OPEN;
	struct ip_prefix prefix;
	const struct path *p;

	*ret_attrs = NULL;
	*ret_vis = VIS_NONE;
	if (bitq_has(&sp->decide[i], dest)) {
		d->flags |= DEST_SKIPPED;
		return false;
	}
	if (!rib_is_dest(&sp->rib[i], dest) || d->used == 0)
		return true;
	p = rib_path(&sp->rib[i], d->paths);
	if (!adjin_live(sp, i, p))
		return false; /* its sweep will have it decided again */
	*ret_vis = p->peer;
	if (p->peer == RIB_LOCAL_PEER) {
		prefix = rib_prefix(&sp->rib[i], dest);
		*ret_vis = vis_of_local(sp, &prefix);
	} else {
		gate = sp->gr.deferring ? FIB_GATE_WAIT : fib_gate(sp, i, dest);
	}
	if (gate == FIB_GATE_WAIT)
		return false;
	if (gate == FIB_GATE_OPEN && *ret_vis != VIS_NONE &&
	    policy_exportable(&g->policy, &sp->peer[p->peer]->src, p->attrs) == EXPORT_YES)
		*ret_attrs = p->attrs;
	return true;
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

static void
tell_walkers(struct group *g, uint32_t dest)
{
	struct list *l;

	if (g->nsynced == g->nmembers)
		return;
	LIST_FOREACH(l, &g->members) {
		struct member *m = container_of(l, struct member, node);

		if (!m->at)
			bitq_add(&m->todo, dest);
	}
}

static void
flush_dest(struct speaker *sp, struct group *g, struct batch *b, uint32_t dest)
{
	uint64_t old = outtable_get(&g->out, dest), word;
	uint16_t old_vis = old ? outword_vis(old) : VIS_NONE, vis;
	const struct attrs *attrs;
	bool same;

	if (!wanted(sp, g, dest, &attrs, &vis))
		return;
	word = outword(attrs, vis);
	if (word == old)
		return;
	same = old && attrs && same_announcement(sp, g, old, attrs, vis);
	attrs_ref(attrs);
	attrs_unref(sp->pool, outword_attrs(old));
	outtable_set(&g->out, dest, word);
	if (same && vis == old_vis)
		return;
	tell_walkers(g, dest);
	batch_add(b, dest, attrs, attrs ? vis : old_vis, same, old_vis);
}

/* ---- from the batch to the log ----------------------------------------------------- */

/* A next hop of zeros, as long as each member's own. */
static struct update_nh
next_hop_slot(const struct export_policy *policy)
{
	struct update_nh nh = { .nh.af = policy->af };

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
	outlog_append(&g->log, proto);
}

static void
log_withdraw(struct group *g, const struct batch *b, size_t at, size_t n)
{
	uint8_t buf[BGP_MAX_OCTETS];
	size_t took;

	while (at < n) {
		struct chunk proto = { .vis = VIS_NONE };
		struct wr w = wr_init(buf, sizeof(buf));

		took = update_encode_unreach(&w, &g->ctx, g->af, b->nlri + at, n - at);
		log_append(g, b, at, took, &proto, &w);
		at += took;
	}
}

/* Attributes that do not fit into a message: not announced, and said so, but not to a flood. */
static void
too_large(struct speaker *sp, const struct batch *b, size_t at)
{
	char prefix[IP_PREFIX_STRLEN];
	uint32_t dropped;

	if (!log_limit_pass(&sp->groups.too_large, sp->now, &dropped))
		return;
	speaker_event(sp, LOG_WARN, NULL, "update-too-large", "prefix=%s why=\"%s\" suppressed=%u",
	    ip_prefix_str(&b->nlri[at].prefix, prefix),
	    "its attributes do not fit into an UPDATE: not announced", dropped);
}

static void
log_announce(struct speaker *sp, struct group *g, const struct batch *b,
    const struct batch_bucket *k, size_t n)
{
	const struct attrs *x =
	    policy_export(sp->pool, &g->policy, vis_source(sp, k->vis), k->attrs);
	struct chunk proto = { .vis = k->vis, .same = k->same, .attrs = x };
	struct update_nh nh = { 0 };
	uint8_t buf[BGP_MAX_OCTETS];
	uint16_t off, octets;
	size_t at = 0, took;

	if (x)
		nh.nh = attrs_next_hop(x);
	if (x && nh.nh.af == IP_NONE)
		nh = next_hop_slot(&g->policy);
	while (x && at < n) {
		struct wr w = wr_init(buf, sizeof(buf));

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
	too_large(sp, b, at);
	log_withdraw(g, b, at, n);
}

/* The slowest readers leave a log that has grown too long. */
static void
bound_log(struct speaker *sp, struct group *g)
{
	struct list *l;

	while (g->log.octets > sp->groups.log_octets || g->log.chunks > sp->groups.log_chunks) {
		uint64_t limit = g->log.oldest->seq + g->log.chunks / 2;

		LIST_FOREACH(l, &g->members) {
			struct member *m = container_of(l, struct member, node);

			if (m->at && m->at->seq <= limit)
				member_detach(sp, m);
		}
	}
}

/* Look at some changed destinations; what comes of it goes into the log and to the walkers. */
static void
flush(struct speaker *sp, struct group *g)
{
	struct batch *b = sp->groups.batch;
	unsigned looked = 0;
	uint32_t dest;
	uint16_t k;

	batch_clear(b);
	while (!batch_full(b) && looked++ < FLUSH_MAX && bitq_pop(&g->dirty, &dest))
		flush_dest(sp, g, b, dest);
	if (g->dirty.count == 0 || g->dirty.laps != g->build_lap)
		g->built = true;
	if (b->nitems == 0 || g->nsynced == 0)
		return;
	for (k = 0; k < b->nbuckets; k++) {
		size_t n = batch_load(b, &b->bucket[k], &sp->rib[AF_IDX(g->af)]);

		if (b->bucket[k].attrs)
			log_announce(sp, g, b, &b->bucket[k], n);
		else
			log_withdraw(g, b, 0, n);
	}
	g->kick = g->nmembers > 1;
	bound_log(sp, g);
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
		b->nlri[n++] = (struct nlri){ .prefix = rib_prefix(rib, c->id[k]) };
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

	if (n == 0)
		return;
	if (see) {
		nh = member_next_hop(m, c->attrs);
		update_encode_reach(w, &m->g->ctx, c->attrs, m->g->af, &nh, nlri, n, NULL, NULL);
	} else if (c->attrs == NULL && n == c->n) {
		copy_chunk(w, m, c);
	} else {
		update_encode_unreach(w, &m->g->ctx, m->g->af, nlri, n);
	}
}

static void
read_log(struct member *m, struct wr *w)
{
	const struct chunk *c;
	bool see;

	while ((c = outlog_next(m->at)) && wr_room(w) >= BGP_MAX_OCTETS) {
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
	if ((loc_busy(sp) || m->g->dirty.count > 0) && waited_us < EOR_PATIENCE_US)
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
	if (m->g->dirty.count > 0 && group_ready(rp->sp, m->g, now))
		return true;
	return eor_due(m, now);
}

size_t
groups_fill(struct rpeer *rp, struct mono_us now, unsigned i, uint8_t *buf, size_t cap)
{
	struct member *m = rp->af[i].member;
	struct wr w = wr_init(buf, cap);
	unsigned rounds = 0;

	if (m && refresh_due(m))
		member_refresh(m);
	while (m && rounds++ < ROUNDS_MAX) {
		if (m->at)
			read_log(m, &w);
		else if (m->g->built)
			member_walk(m, &w);
		if (wr_room(&w) < BGP_MAX_OCTETS)
			break;
		write_eor(m, &w, now);
		if (m->g->dirty.count == 0 && m->at)
			break;
		if (m->g->dirty.count > 0 && !group_ready(rp->sp, m->g, now)) {
			m->g->kick = true;
			break;
		}
		flush(rp->sp, m->g);
	}
	return wr_len(&w);
}
