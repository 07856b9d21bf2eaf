/*
 * Adj-RIB-In.  See adjin.h.
 *
 * Paths are kept after policy, with what was received beside where that is
 * something else (rib.h), so that another policy starts from what was received.
 * Whether a path counts is told by its generation (gr.h): keep has a bit for
 * each generation that does.  Counters are per generation, so that a session's
 * end moves them with one assignment.  The walk goes by path id, so it may
 * stop anywhere; a request while it runs makes it go on for one full round.
 */
#include "bgpd/core/adjin.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/loc.h"
#include "bgpd/core/speaker_priv.h"

/* Paths looked at for one unit of work. */
#define WALK_PER_UNIT 16

static unsigned
path_gen(const struct path *p)
{
	return p->flags & PATH_GEN;
}

bool
adjin_live(const struct speaker *sp, unsigned i, const struct path *p)
{
	return sp->peer[p->peer]->af[i].keep >> path_gen(p) & 1;
}

bool
adjin_stale(const struct speaker *sp, unsigned i, const struct path *p)
{
	return adjin_live(sp, i, p) && path_gen(p) != sp->peer[p->peer]->af[i].gen;
}

struct ip_addr
adjin_next_hop(const struct path *p)
{
	return p->flags & PATH_NH_LL ? attrs_next_hop_ll(p->attrs) : attrs_next_hop(p->attrs);
}

struct nh *
adjin_nh(const struct speaker *sp, const struct path *p)
{
	const struct attrs *a = p->attrs;
	struct nh *nh = NULL;
	struct ip_addr addr;

	/* Every prefix comes by here: without making an address of it, if that can be. */
	if (!(p->flags & PATH_NH_LL) && !(a->flags & ATTRS_RARE) && a->nh_af)
		nh = nht_recall(&sp->nht, a->nh_af, a->data);
	if (nh)
		return nh;
	addr = adjin_next_hop(p);
	return nht_find(&sp->nht, &addr);
}

/* The path, of that family, becomes a user of its next hop, which is returned. */
static struct nh *
use_next_hop(struct speaker *sp, unsigned i, const struct path *p)
{
	struct nh *nh = adjin_nh(sp, p);
	struct ip_addr addr;

	if (nh && nh->users > 0) {
		nh->users++;
	} else {
		addr = adjin_next_hop(p);
		nh = nht_ref(&sp->nht, &addr);
	}
	if (!nh->answered)
		nht_wait(nh, i, p->dest);
	return nh;
}

static uint32_t
sum_kept(const struct rpeer_af *a, const uint32_t *v)
{
	uint32_t sum = 0;
	unsigned g;

	for (g = 0; g < GR_GENS; g++)
		if (a->keep >> g & 1)
			sum += v[g];
	return sum;
}

uint32_t
adjin_count(const struct rpeer *rp, unsigned i)
{
	return sum_kept(&rp->af[i], rp->af[i].paths);
}

uint32_t
adjin_rejected(const struct rpeer *rp, unsigned i)
{
	return sum_kept(&rp->af[i], rp->af[i].rejected);
}

/* ---- one path ------------------------------------------------------------- */

/* What is common to all prefixes of one announcement. */
struct intake {
	struct rpeer *rp;
	struct mono_us now;
	uint32_t since_s; /* the same, as paths have it */
	unsigned i;
	const struct attrs *attrs;
	struct nh *nh; /* their next hop, as soon as a path is its user */
	enum reject_reason reason; /* of the attributes alone */
	bool long_lived; /* the path is to carry LLGR_STALE (RFC 9494) */
	uint16_t flags; /* of the path, as long as policy changes nothing */
};

/*
 * Where many peers tell of the same destinations, to see that one of them has no path yet
 * meant to walk all of the others': a bit for each, as far as that is little memory.
 */
#define ADJIN_MAY_HAVE_MAX (1u << 17)

static bool
may_have(const struct rpeer *rp, unsigned i, uint32_t dest)
{
	return dest >= ADJIN_MAY_HAVE_MAX || bitq_has(&rp->af[i].may_have, dest);
}

/* The peer's path to a destination (0: there is none of that prefix); 0: it has none. */
static uint32_t
path_of(const struct rpeer *rp, unsigned i, uint32_t dest, uint32_t path_id)
{
	if (!dest || !may_have(rp, i, dest))
		return 0;
	return rib_path_find(&rp->sp->rib[i], dest, rp->index, path_id);
}

static void
note_path(struct rpeer *rp, unsigned i, uint32_t dest)
{
	if (dest < ADJIN_MAY_HAVE_MAX)
		bitq_add(&rp->af[i].may_have, dest);
}

/* A path is no more: the only one of the peer's, if there are no path ids at all. */
static void
forget_path(struct rpeer *rp, unsigned i, uint32_t dest)
{
	uint32_t left = 0;
	unsigned g;

	for (g = 0; g < GR_GENS; g++)
		left += rp->af[i].paths[g];
	if (left == 0)
		bitq_free(&rp->af[i].may_have);
	else if (rp->sp->rib[i].ids.npages == 0)
		bitq_del(&rp->af[i].may_have, dest);
}

static void
account(struct rpeer *rp, unsigned i, const struct path *p, int by)
{
	rp->af[i].paths[path_gen(p)] += (uint32_t)by;
	if (path_reason(p) != REJECT_NONE)
		rp->af[i].rejected[path_gen(p)] += (uint32_t)by;
}

/* Accepted paths of peers are users of their next hop. */
static bool
uses_next_hop(const struct path *p)
{
	return p->peer != RIB_LOCAL_PEER && path_reason(p) == REJECT_NONE;
}

static void
path_set(struct rpeer *rp, struct mono_us now, unsigned i, uint32_t id, const struct attrs *attrs,
    const struct attrs *received, uint16_t flags)
{
	struct speaker *sp = rp->sp;
	struct path *p = rib_path(&sp->rib[i], id);
	struct nh *old_nh = uses_next_hop(p) ? adjin_nh(sp, p) : NULL;
	bool was_accepted = path_reason(p) == REJECT_NONE;

	account(rp, i, p, -1);
	if (p->attrs != attrs) {
		rib_path_replace(&sp->rib[i], id, attrs);
		p->since_s = speaker_seconds(sp, now);
	}
	if ((p->flags | flags) & PATH_EDITED)
		rib_path_keep(&sp->rib[i], id, flags & PATH_EDITED ? received : NULL);
	p->flags = flags | PATH_CHANGED | (p->flags & PATH_BEST);
	account(rp, i, p, 1);
	if (uses_next_hop(p))
		use_next_hop(sp, i, p);
	if (old_nh)
		nht_leave(&sp->nht, old_nh);
	feeds_path(sp, i, id, was_accepted);
	loc_touch(sp, i, p->dest);
}

/* The same for a new path; what prefixes of one announcement have in common is asked once. */
static void
use_same_next_hop(struct speaker *sp, struct intake *in, const struct path *p)
{
	if (!in->nh || p->attrs != in->attrs) {
		struct nh *nh = use_next_hop(sp, in->i, p);

		if (p->attrs == in->attrs)
			in->nh = nh;
		return;
	}
	in->nh->users++;
	if (!in->nh->answered)
		nht_wait(in->nh, in->i, p->dest);
}

static void
path_add(struct intake *in, uint32_t dest, uint32_t path_id, const struct attrs *attrs,
    uint16_t flags)
{
	struct rpeer *rp = in->rp;
	struct speaker *sp = rp->sp;
	uint32_t id = rib_path_add(&sp->rib[in->i], dest, rp->index, path_id, attrs,
	    sp->conf.install); /* backups are in order */
	struct path *p = rib_path(&sp->rib[in->i], id);

	note_path(rp, in->i, dest);
	p->since_s = in->since_s;
	p->flags = flags | PATH_CHANGED;
	if (flags & PATH_EDITED)
		rib_path_keep(&sp->rib[in->i], id, in->attrs);
	account(rp, in->i, p, 1);
	if (uses_next_hop(p))
		use_same_next_hop(sp, in, p);
	feeds_path(sp, in->i, id, false);
	loc_touch(sp, in->i, dest);
}

static void
path_remove(struct speaker *sp, unsigned i, uint32_t id)
{
	struct path *p = rib_path(&sp->rib[i], id);
	struct rpeer *rp = sp->peer[p->peer];
	uint32_t dest = p->dest;

	feeds_path_gone(sp, i, id);
	account(rp, i, p, -1);
	if (p->flags & PATH_BEST)
		rp->af[i].best--;
	if (uses_next_hop(p))
		nht_leave(&sp->nht, adjin_nh(sp, p));
	if (groups_know_paths(sp, i)) {
		rib_path_bury(&sp->rib[i], id);
		groups_path_gone(sp, i, id);
	} else {
		rib_path_del(&sp->rib[i], id);
	}
	forget_path(rp, i, dest);
	loc_touch(sp, i, dest);
}

/* ---- prefix limits ---------------------------------------------------------- */

/* RFC 4486 section 4: the family and the limit go with the Cease. */
static void
limit_end(struct rpeer *rp, struct mono_us now, unsigned i, const struct ipc_maxpfx *lim)
{
	uint8_t data[7] = { 0, AF_OF(i), BGP_SAFI_UNICAST, (uint8_t)(lim->limit >> 24),
		(uint8_t)(lim->limit >> 16), (uint8_t)(lim->limit >> 8), (uint8_t)lim->limit };
	uint64_t idle_us =
	    lim->action == IPC_MAXPFX_IDLE ? UINT64_MAX : (uint64_t)lim->after_s * 1000000;
	char why[IPC_TEXT_MAX];

	snprintf(why, sizeof(why), "prefix limit: it announces more than our limit of %" PRIu32 " %s "
	    "prefixes", lim->limit, afi_desc[i].name);
	peer_end(rp->peer, now, ERR_CEASE, CEASE_MAX_PREFIXES, data, sizeof(data), why, idle_us);
}

/* There are more than the limit. */
static void
limit_passed(struct rpeer *rp, struct mono_us now, unsigned i)
{
	const struct ipc_maxpfx *lim = &rp->conf.maxpfx[i];
	static const char *const action[] = {
		[IPC_MAXPFX_RESTART] = "session ends and is tried again later",
		[IPC_MAXPFX_WARN] = "only this warning",
		[IPC_MAXPFX_DISCARD] = "further prefixes are dropped",
		[IPC_MAXPFX_IDLE] = "session ends",
	};

	if (!rp->af[i].full) {
		rp->af[i].full = true;
		speaker_event(rp->sp, LOG_WARN, rp, "prefix-limit",
		    "family=%s limit=%" PRIu32 " action=\"%s\"", afi_desc[i].name, lim->limit,
		    action[lim->action & 3]);
	}
	if (lim->action == IPC_MAXPFX_RESTART || lim->action == IPC_MAXPFX_IDLE)
		limit_end(rp, now, i, lim);
}

/* Do the family's prefixes come with path ids? */
static bool
has_path_ids(const struct rpeer *rp, unsigned i)
{
	return rp->peer->ctx.addpath_rx & AF_BIT(AF_OF(i));
}

/*
 * Does the path count for limits?  Path ids need not survive a restart (RFC 7911
 * section 5): what is stale then is not replaced one by one, and is left out, so
 * that a peer that comes back with as many as before is not over its limit.  In a
 * refresh it counts, or Begin-of-RR after Begin-of-RR would let a peer fill us.
 */
static bool
is_counted(const struct rpeer *rp, unsigned i, const struct path *p)
{
	if (!adjin_live(rp->sp, i, p))
		return false;
	return !has_path_ids(rp, i) || path_gen(p) == rp->af[i].gen || gr_is_refreshing(rp, i);
}

static uint32_t
limit_count(const struct rpeer *rp, unsigned i)
{
	const struct rpeer_af *a = &rp->af[i];

	return has_path_ids(rp, i) && !gr_is_refreshing(rp, i) ? a->paths[a->gen] :
								 adjin_count(rp, i);
}

/* May one path more be kept?  False too when the session had to be ended. */
static bool
limit_admits(struct rpeer *rp, struct mono_us now, unsigned i)
{
	const struct ipc_maxpfx *lim = &rp->conf.maxpfx[i];
	uint64_t n;

	if (lim->limit == 0)
		return true;
	n = limit_count(rp, i) + (uint64_t)1;
	if (lim->warn_pct && !rp->af[i].warned && n * 100 >= (uint64_t)lim->limit * lim->warn_pct) {
		rp->af[i].warned = true;
		speaker_event(rp->sp, LOG_WARN, rp, "prefix-limit-near",
		    "family=%s prefixes=%" PRIu64 " limit=%" PRIu32, afi_desc[i].name, n,
		    lim->limit);
	}
	if (n <= lim->limit)
		return true;
	limit_passed(rp, now, i);
	return lim->action == IPC_MAXPFX_WARN;
}

void
adjin_limit_changed(struct rpeer *rp, struct mono_us now, unsigned i)
{
	const struct ipc_maxpfx *lim = &rp->conf.maxpfx[i];

	rp->af[i].warned = rp->af[i].full = false;
	if (rp->af[i].active && lim->limit && limit_count(rp, i) > lim->limit)
		limit_passed(rp, now, i);
}

/* ---- UPDATEs ------------------------------------------------------------------ */

/* RFC 2545 section 3: the link-local next hop, on a session over link-local addresses. */
static bool
wants_link_local(const struct rpeer *rp, const struct attrs *a)
{
	struct ip_addr nh;

	if (!(a->flags & ATTRS_NH_LL))
		return false;
	nh = attrs_next_hop(a);
	return (rp->addr.af == IP6 && ip_addr_is_link_local(&rp->addr)) || ip_addr_is_unspec(&nh);
}

static uint16_t
attrs_flags(const struct rpeer *rp, const struct attrs *a)
{
	uint16_t flags = 0;

	if (rp->imp.ebgp && !rp->imp.confed && !rp->src.ignore_gshut &&
	    attrs_has_community(a, COMM_GRACEFUL_SHUTDOWN))
		flags |= PATH_GSHUT;
	if (wants_link_local(rp, a))
		flags |= PATH_NH_LL;
	if (attrs_has_community(a, COMM_LLGR_STALE))
		flags |= PATH_LLGR_STALE;
	return flags;
}

/* Paths of the peer to the destination that count for limits. */
static unsigned
paths_now(const struct rpeer *rp, unsigned i, uint32_t dest)
{
	const struct rib *rib = &rp->sp->rib[i];
	uint32_t id = rib_dest(rib, dest)->paths;
	unsigned n = 0;

	for (; id; id = rib_path(rib, id)->next)
		n += rib_path(rib, id)->peer == rp->index && is_counted(rp, i, rib_path(rib, id));
	return n;
}

/*
 * Add-path: so many paths of one peer to one destination, and no more, so that
 * nobody makes looking for one of them, or a decision, arbitrarily long.
 */
static bool
count_admits(struct rpeer *rp, unsigned i, uint32_t dest, const struct ip_prefix *prefix)
{
	char text[IP_PREFIX_STRLEN];

	if (!dest || !has_path_ids(rp, i) ||
	    paths_now(rp, i, dest) < ADJIN_PATHS_MAX)
		return true;
	if (!rp->af[i].crowded)
		speaker_event(rp->sp, LOG_WARN, rp, "too-many-paths",
		    "family=%s prefix=%s limit=%d action=\"further paths are dropped\"",
		    afi_desc[i].name, ip_prefix_str(prefix, text), ADJIN_PATHS_MAX);
	rp->af[i].crowded = true;
	return false;
}

/* What an intake starts with; attrs: as received, borrowed. */
static struct intake
intake_begin(struct rpeer *rp, struct mono_us now, unsigned i, uint16_t gen,
    const struct attrs *attrs)
{
	return (struct intake){ .rp = rp,
		.now = now,
		.since_s = speaker_seconds(rp->sp, now),
		.i = i,
		.attrs = attrs,
		.reason = policy_import_attrs(&rp->imp, attrs),
		.flags = (uint16_t)(gen | attrs_flags(rp, attrs)) };
}

/* Mark what import has made of it (a reference, which is replaced). */
static void
mark_long_lived(struct speaker *sp, const struct attrs **attrs)
{
	const struct attrs *was = *attrs;

	*attrs = attrs_with_community(sp->pool, was, COMM_LLGR_STALE);
	attrs_unref(sp->pool, was);
}

/* The path's flags and, in *ret_attrs, its attributes (a reference) after import policy. */
static uint16_t
import(const struct intake *in, const struct ip_prefix *prefix, const struct attrs **ret_attrs)
{
	struct speaker *sp = in->rp->sp;
	enum reject_reason r = policy_import(&sp->filters, sp->pool, &in->rp->imp, prefix, in->attrs,
	    in->reason, ret_attrs);
	uint16_t flags = in->flags;

	if (in->long_lived && r == REJECT_NONE)
		mark_long_lived(sp, ret_attrs);
	if (*ret_attrs != in->attrs)
		flags = (uint16_t)((flags & PATH_GEN) | attrs_flags(in->rp, *ret_attrs) |
		    PATH_EDITED);
	return (uint16_t)(r << PATH_REASON_SHIFT | flags);
}

/* Would path_set() change nothing? */
static bool
is_same(const struct rib *rib, uint32_t id, const struct attrs *attrs, const struct attrs *received,
    uint16_t flags)
{
	const struct path *p = rib_path(rib, id);

	return p->attrs == attrs && (p->flags & ~(PATH_BEST | PATH_CHANGED)) == flags &&
	    rib_path_received(rib, id) == received;
}

static void
count_reason(struct rpeer_counts *n, uint16_t flags)
{
	enum reject_reason r = (enum reject_reason)(flags >> PATH_REASON_SHIFT);

	n->rejected += r != REJECT_NONE;
	n->as_loop += r == REJECT_AS_LOOP;
	n->originator += r == REJECT_ORIGINATOR;
	n->cluster_loop += r == REJECT_CLUSTER;
}

/* False: the session was ended over it. */
static bool
announce(struct intake *in, const struct spot *s, const struct attrs *attrs, uint16_t flags)
{
	const struct ip_prefix *prefix = &s->n.prefix;
	struct rpeer *rp = in->rp;
	struct rib *rib = &rp->sp->rib[in->i];
	uint32_t dest = rib_find_at(rib, prefix, s->place, s->guess), id;

	count_reason(&rp->counts, flags);
	id = path_of(rp, in->i, dest, s->n.path_id);
	if (id && is_counted(rp, in->i, rib_path(rib, id))) {
		if (!is_same(rib, id, attrs, in->attrs, flags))
			path_set(rp, in->now, in->i, id, attrs, in->attrs, flags);
		else
			rp->counts.dup_prefix++;
		return true;
	}
	if (!count_admits(rp, in->i, dest, prefix))
		return true;
	if (!limit_admits(rp, in->now, in->i))
		return rp->af[in->i].active;
	if (!dest)
		dest = rib_add_at(rib, prefix, s->place);
	if (id)
		path_set(rp, in->now, in->i, id, attrs, in->attrs, flags);
	else
		path_add(in, dest, s->n.path_id, attrs, flags);
	return true;
}

static bool
announce_one(struct intake *in, const struct spot *s)
{
	const struct attrs *attrs;
	uint16_t flags = import(in, &s->n.prefix, &attrs);
	bool goes_on = announce(in, s, attrs, flags);

	attrs_unref(in->rp->sp->pool, attrs);
	return goes_on;
}

static void
announce_all(struct rpeer *rp, struct mono_us now, unsigned i, struct rd r,
    const struct attrs_build *b)
{
	struct speaker *sp = rp->sp;
	struct spots *s = &sp->spots;
	const struct attrs *attrs;
	struct attrs_sought sought;
	bool goes_on = true;
	struct intake in;
	size_t k;

	/* What these need of memory is fetched meanwhile, and all of it at the same time. */
	sought = attrs_seek(sp->pool, b);
	if (!spots_are_of(s, &sp->rib[i], &r))
		spots_begin(s, &sp->rib[i], r, has_path_ids(rp, i));
	spots_approach(s);
	attrs_approach(sp->pool, &sought);
	attrs = attrs_settle(sp->pool, &sought);
	in = intake_begin(rp, now, i, rp->af[i].gen, attrs);
	rp->leaks += in.reason == REJECT_LEAK_UP || in.reason == REJECT_LEAK_PEER;
	while (s->n > 0 && goes_on) {
		for (k = 0; k < s->n && goes_on; k++)
			goes_on = announce_one(&in, &s->v[k]);
		spots_next(s);
		spots_approach(s);
	}
	spots_end(s);
	attrs_unref(sp->pool, attrs);
}

void
adjin_ahead(struct rpeer *rp, const struct rd *nlri)
{
	struct speaker *sp = rp->sp;
	unsigned i = AF_IDX(IP4);

	spots_end(&sp->spots);
	if (rp->af[i].active)
		spots_begin(&sp->spots, &sp->rib[i], *nlri, has_path_ids(rp, i));
}

static void
withdraw_one(struct rpeer *rp, unsigned i, const struct spot *s)
{
	struct rib *rib = &rp->sp->rib[i];
	uint32_t dest = rib_find_at(rib, &s->n.prefix, s->place, s->guess);
	uint32_t id = path_of(rp, i, dest, s->n.path_id);

	if (id)
		path_remove(rp->sp, i, id);
	else
		rp->counts.dup_withdraw++;
}

static void
withdraw_all(struct rpeer *rp, unsigned i, struct rd r)
{
	struct spots *s = &rp->sp->spots;
	size_t k;

	if (rd_left(&r) == 0)
		return;
	for (spots_begin(s, &rp->sp->rib[i], r, has_path_ids(rp, i)); s->n > 0; spots_next(s)) {
		spots_approach(s);
		for (k = 0; k < s->n; k++)
			withdraw_one(rp, i, &s->v[k]);
	}
	spots_end(s);
}

/* With our local AS in front (RFC 7705): apart, because it takes so much stack. */
static __attribute__((noinline)) void
announce_prepended(struct rpeer *rp, struct mono_us now, unsigned i, struct rd r,
    struct attrs_build *b)
{
	uint8_t scratch[UINT16_MAX + 16];

	attrs_prepend(b, rp->imp.local_asn, 1, scratch, sizeof(scratch));
	announce_all(rp, now, i, r, b);
}

static void
reach(struct rpeer *rp, struct mono_us now, const struct update *u, bool mp)
{
	unsigned i = mp ? AF_IDX(u->mp_reach_af) : AF_IDX(IP4);
	struct rd r = mp ? u->mp_reach : u->nlri;
	struct attrs_build b;

	if (!rp->af[i].active || rd_left(&r) == 0)
		return;
	if (u->err.act >= ACT_WITHDRAW) {
		withdraw_all(rp, i, r);
		return;
	}
	update_attrs(u, mp, &b);
	policy_receive(&rp->imp, &b);
	if (rp->imp.prepend)
		announce_prepended(rp, now, i, r, &b);
	else
		announce_all(rp, now, i, r, &b);
}

void
adjin_update(struct rpeer *rp, struct mono_us now, const struct update *u)
{
	unsigned i;

	rp->sp->updates_in++;
	gr_progress(rp->sp, now);
	if (rp->af[AF_IDX(IP4)].active)
		withdraw_all(rp, AF_IDX(IP4), u->withdrawn);
	if (u->mp_unreach_af && rp->af[AF_IDX(u->mp_unreach_af)].active)
		withdraw_all(rp, AF_IDX(u->mp_unreach_af), u->mp_unreach);
	reach(rp, now, u, false);
	if (u->mp_reach_af)
		reach(rp, now, u, true);
	for (i = 0; i < AF_COUNT; i++)
		if ((u->eor & AF_BIT(AF_OF(i))) && rp->af[i].active) {
			gr_end_of_rib(rp, now, i);
			feeds_end_of_rib(rp, i);
		}
}

/* ---- own prefixes ---------------------------------------------------------------- */

void
adjin_local(struct speaker *sp, struct mono_us now, const struct ip_prefix *prefix,
    const struct attrs *attrs)
{
	unsigned i = AF_IDX(prefix->af);
	uint32_t dest = rib_get(&sp->rib[i], prefix);
	uint32_t id = rib_path_find(&sp->rib[i], dest, RIB_LOCAL_PEER, 0);
	struct intake in = { .rp = sp->local,
		.now = now,
		.since_s = speaker_seconds(sp, now),
		.i = i,
		.attrs = attrs };

	if (!id)
		path_add(&in, dest, 0, attrs, 0);
	else
		path_set(sp->local, now, i, id, attrs, attrs, 0);
}

void
adjin_local_del(struct speaker *sp, const struct ip_prefix *prefix)
{
	unsigned i = AF_IDX(prefix->af);
	uint32_t dest = rib_find(&sp->rib[i], prefix);
	uint32_t id = dest ? rib_path_find(&sp->rib[i], dest, RIB_LOCAL_PEER, 0) : 0;

	if (id)
		path_remove(sp, i, id);
}

/* ---- the walk ---------------------------------------------------------------------- */

void
adjin_walk_request(struct speaker *sp, unsigned i)
{
	struct path_walk *w = &sp->walk[i];

	if (w->pos == 0 || w->pos >= slots_end(&sp->rib[i].paths))
		w->pos = 1;
	w->stop = w->pos;
	w->running = true;
	w->wrapped = false;
}

bool
adjin_walking(const struct speaker *sp)
{
	return sp->walk[0].running || sp->walk[1].running;
}

/* Has its peer been away for longer than its restart was to take? */
static bool
is_long_lived(const struct rpeer *rp, unsigned i, const struct path *p)
{
	return adjin_stale(rp->sp, i, p) && gr_long_lived(rp, i, NULL);
}

static void
reimport(struct rpeer *rp, struct mono_us now, unsigned i, uint32_t id)
{
	struct rib *rib = &rp->sp->rib[i];
	const struct attrs *received = rib_path_received(rib, id), *attrs;
	const struct path *p = rib_path(rib, id);
	struct ip_prefix prefix = rib_prefix(rib, p->dest);
	struct intake in = intake_begin(rp, now, i, (uint16_t)path_gen(p), received);
	uint16_t flags;

	in.long_lived = is_long_lived(rp, i, p);
	flags = import(&in, &prefix, &attrs);
	attrs_ref(received);
	if (!is_same(rib, id, attrs, received, flags))
		path_set(rp, now, i, id, attrs, received, flags);
	attrs_unref(rp->sp->pool, received);
	attrs_unref(rp->sp->pool, attrs);
}

/* RFC 9494 section 4.2: as the peer sent it, or as import made it. */
static bool
is_unwanted(const struct speaker *sp, unsigned i, const struct path *p)
{
	return attrs_has_community(p->attrs, COMM_NO_LLGR) &&
	    is_long_lived(sp->peer[p->peer], i, p);
}

static void
visit(struct speaker *sp, unsigned i, uint32_t id)
{
	const struct path *p = rib_path(&sp->rib[i], id);
	const struct nh *nh;

	if (!p->attrs)
		return;
	if (!adjin_live(sp, i, p) || is_unwanted(sp, i, p)) {
		path_remove(sp, i, id);
		return;
	}
	if (sp->peer[p->peer]->reimport && p->peer != RIB_LOCAL_PEER)
		reimport(sp->peer[p->peer], sp->now, i, id);
	if (!sp->nht.any_changed || !uses_next_hop(p))
		return;
	nh = adjin_nh(sp, p);
	if (nh && nh->changed)
		loc_touch(sp, i, p->dest);
}

/* Every path of both families was seen since the last request. */
static void
walks_done(struct speaker *sp)
{
	uint16_t k;

	nht_clear_changed(&sp->nht);
	for (k = 0; k < sp->npeers; k++)
		if (sp->peer[k])
			sp->peer[k]->reimport = false;
}

void
adjin_walk(struct speaker *sp, unsigned i, int *units)
{
	struct path_walk *w = &sp->walk[i];
	unsigned n = 0;

	while (w->running && *units > 0) {
		if (w->pos >= slots_end(&sp->rib[i].paths)) {
			w->pos = 1;
			w->wrapped = true;
		}
		if (w->wrapped && w->pos >= w->stop) {
			w->running = false;
			if (!adjin_walking(sp))
				walks_done(sp);
			return;
		}
		visit(sp, i, w->pos++);
		if (++n % WALK_PER_UNIT == 0)
			--*units;
	}
}

/* ---- generations --------------------------------------------------------------------- */

/* Something waits to be swept. */
static bool
has_dead(const struct rpeer_af *a)
{
	unsigned g;

	for (g = 0; g < GR_GENS; g++)
		if (!(a->keep >> g & 1) && a->paths[g] > 0)
			return true;
	return false;
}

/* Other generations count now: have those that do not swept, and move traffic before that. */
static void
let_go(struct rpeer *rp, unsigned i)
{
	if (!has_dead(&rp->af[i]))
		return;
	adjin_walk_request(rp->sp, i);
	if (adjin_count(rp, i) == 0)
		fib_peer_lost(rp);
}

/* keep: bit per older generation whose paths stay. */
static void
new_generation(struct rpeer *rp, unsigned i, uint8_t keep)
{
	struct rpeer_af *a = &rp->af[i];
	uint8_t fresh = (uint8_t)((a->gen + 1) % GR_GENS);
	int units = INT_MAX;

	if (a->paths[fresh] > 0) { /* not even swept since its last use: now, then */
		a->keep &= (uint8_t)~(1u << fresh);
		adjin_walk_request(rp->sp, i);
		adjin_walk(rp->sp, i, &units);
	}
	a->gen = fresh;
	a->keep = (uint8_t)(1u << fresh | keep);
	let_go(rp, i);
}

void
adjin_new_generation(struct rpeer *rp, unsigned i, bool keep_old)
{
	new_generation(rp, i, keep_old ? (uint8_t)(1u << rp->af[i].gen) : 0);
}

/* Paths of older generations that count go to one of them, which leaves the others free. */
static void
merge_stale(struct rpeer *rp, unsigned i, uint8_t into)
{
	struct rpeer_af *a = &rp->af[i];
	struct rib *rib = &rp->sp->rib[i];
	uint32_t id;

	for (id = 1; id < slots_end(&rib->paths); id++) {
		struct path *p = rib_path(rib, id);

		if (!p->attrs || p->peer != rp->index || !adjin_stale(rp->sp, i, p))
			continue;
		account(rp, i, p, -1);
		p->flags = (uint16_t)((p->flags & ~PATH_GEN) | into);
		account(rp, i, p, 1);
	}
	a->keep = (uint8_t)(1u << a->gen | 1u << into);
}

void
adjin_mark_long_lived(struct rpeer *rp, unsigned i)
{
	rp->reimport = true;
	adjin_walk_request(rp->sp, i);
}

bool
adjin_mark_needs_walk(const struct rpeer *rp, unsigned i)
{
	const struct rpeer_af *a = &rp->af[i];
	uint8_t next = (uint8_t)((a->gen + 1) % GR_GENS);

	return a->paths[a->gen] > 0 && (a->keep >> next & 1 || a->paths[next] > 0);
}

/*
 * A new generation beside all that count.  Should none be free, the stale ones
 * become one first.
 */
void
adjin_mark_stale(struct rpeer *rp, unsigned i)
{
	struct rpeer_af *a = &rp->af[i];
	uint8_t next = (uint8_t)((a->gen + 1) % GR_GENS);

	if (a->paths[a->gen] == 0)
		return;
	if (a->keep >> next & 1)
		merge_stale(rp, i, (uint8_t)((a->gen + GR_GENS - 1) % GR_GENS));
	new_generation(rp, i, a->keep);
}

void
adjin_sweep(struct rpeer *rp, unsigned i)
{
	struct rpeer_af *a = &rp->af[i];

	a->keep = (uint8_t)(1u << a->gen);
	let_go(rp, i);
}
