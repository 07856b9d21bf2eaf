/*
 * The speaker: life, connections, work in slices, todos, own prefixes.
 * See speaker.h for the contract and speaker_priv.h for who does what.
 */
#include "bgpd/core/speaker.h"

#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/drain.h"
#include "bgpd/core/loc.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/crashpage.h"
#include "lib/mem.h"

/* Timers fired in one call. */
#define TIMERS_MAX 256

/* ---- life ---------------------------------------------------------------------- */

/* The node itself, at index 0. */
static void
add_local(struct speaker *sp)
{
	unsigned i;

	sp->local = mem_zalloc(sizeof(*sp->local));
	sp->local->sp = sp;
	sp->local->up_since = MONO_NEVER;
	sp->local->src.local = true;
	for (i = 0; i < AF_COUNT; i++)
		sp->local->af[i].keep = 1;
	sp->peer = mem_zalloc(sizeof(*sp->peer));
	sp->peer[0] = sp->local;
	sp->npeers = 1;
}

struct speaker *
speaker_new(struct mono_us now, const struct ipc_hello *hello, struct log *log)
{
	struct speaker *sp = mem_zalloc(sizeof(*sp));
	uint64_t key[2];
	unsigned i;

	sp->log = log;
	sp->start = sp->now = now;
	rng_seed(&sp->rng, hello->seed);
	key[0] = rng_u64(&sp->rng);
	key[1] = rng_u64(&sp->rng);
	sp->pool = attrs_pool_new(key);
	filters_init(&sp->filters);
	heap_init(&sp->timers);
	list_init(&sp->todos);
	feeds_init(sp);
	unnumbered_init(sp);
	add_local(sp);
	for (i = 0; i < AF_COUNT; i++)
		rib_init(&sp->rib[i], AF_OF(i), sp->pool, key);
	nht_init(&sp->nht, key);
	trie_init(&sp->permit);
	hmap_init(&sp->origs, key);
	hmap_init(&sp->by_addr, key);
	sp->loc = mem_zalloc(sizeof(*sp->loc));
	fib_init(sp, key);
	groups_init(sp);
	gr_init(sp, hello);
	sp->env = (struct peer_env){
		.ops = &speaker_peer_ops, .ctx = sp, .conf = &sp->conf, .timers = &sp->timers, .rng = &sp->rng
	};
	peer_env_init(&sp->env, rng_u64(&sp->rng));
	return sp;
}

void
speaker_free(struct speaker *sp)
{
	struct todo t;
	unsigned i;

	feeds_free(sp);
	rpeers_free(sp);
	peer_env_free(&sp->env);
	groups_free(sp);
	fib_free(sp);
	nht_free(&sp->nht);
	for (i = 0; i < AF_COUNT; i++) {
		rib_free(&sp->rib[i]);
		bitq_free(&sp->decide[i]);
	}
	mem_free(sp->permit_nodes);
	mem_free(sp->loc->cand);
	mem_free(sp->loc->order);
	mem_free(sp->loc);
	while (speaker_pop_todo(sp, &t))
		;
	timer_stop(&sp->timers, &sp->gr.timer);
	unnumbered_free(sp);
	heap_free(&sp->timers);
	filter_db_free(sp->filter_db);
	filters_free(&sp->filters, sp->pool);
	attrs_pool_free(sp->pool);
	mem_free(sp);
}

/* ---- own prefixes ----------------------------------------------------------------- */

static void
put_communities(struct wr *w, const struct ipc_originate *o)
{
	uint16_t k;

	for (k = 0; k < o->ncomm && k < IPC_COMM_MAX; k++)
		wr_u32(w, o->comm[k]);
}

static void
put_large(struct wr *w, const struct ipc_originate *o)
{
	unsigned part;
	uint16_t k;

	for (k = 0; k < o->nlarge && k < IPC_COMM_MAX; k++)
		for (part = 0; part < 3; part++)
			wr_u32(w, o->large[k][part]);
}

void
speaker_aggregator(const struct speaker *sp, struct attrs_build *b)
{
	b->flags |= ATTRS_ATOMIC | ATTRS_AGGREGATOR;
	b->aggregator_asn = sp->conf.confed_id ? sp->conf.confed_id : sp->conf.asn;
	b->aggregator_id = sp->conf.router_id;
}

static const struct attrs *
originate_attrs(struct speaker *sp, const struct ipc_originate *o)
{
	uint8_t comm[IPC_COMM_MAX * 4], large[IPC_COMM_MAX * 12];
	struct wr wc = wr_init(comm, sizeof(comm)), wl = wr_init(large, sizeof(large));
	struct attrs_build b = { .origin = ORIGIN_IGP };

	if (o->has_med) {
		b.flags |= ATTRS_MED;
		b.med = o->med;
	}
	if (o->has_local_pref) {
		b.flags |= ATTRS_LOCAL_PREF;
		b.local_pref = o->local_pref;
	}
	if (o->aggregate)
		speaker_aggregator(sp, &b);
	b.marks = (uint8_t)((o->kind + IPC_ROUTE_TYPE_PODCIDR) << ATTRS_MARK_TYPE_SHIFT);
	put_communities(&wc, o);
	put_large(&wl, o);
	b.part[ATTRS_COMMUNITIES] = (struct attrs_view){ comm, (uint16_t)wr_len(&wc) };
	b.part[ATTRS_LARGE] = (struct attrs_view){ large, (uint16_t)wr_len(&wl) };
	return attrs_intern(sp->pool, &b);
}

void
speaker_originate(struct speaker *sp, struct mono_us now, const struct ipc_originate *o)
{
	const struct attrs *a;
	uint16_t vis;

	sp->now = now;
	if (o->prefix.af != IP4 && o->prefix.af != IP6)
		return;
	vis = vis_only(sp, o->only, o->nonly);
	if (vis == VIS_NONE)
		speaker_event(sp, LOG_ERR, NULL, "too-many-peer-lists",
		    "limit=%d why=\"a prefix for some peers only is announced to nobody\"",
		    VIS_LISTS_MAX);
	vis_set_local(sp, &o->prefix, vis);
	a = originate_attrs(sp, o);
	adjin_local(sp, now, &o->prefix, a);
	attrs_unref(sp->pool, a);
}

void
speaker_unoriginate(struct speaker *sp, struct mono_us now, const struct ip_prefix *prefix)
{
	sp->now = now;
	if (prefix->af != IP4 && prefix->af != IP6)
		return;
	adjin_local_del(sp, prefix);
	vis_set_local(sp, prefix, VIS_LOCAL);
}

void
speaker_set_crash_page(struct speaker *sp, struct crash_page *page)
{
	crash_page_leave(page);
	sp->env.crash = page;
}

void
speaker_originate_end(struct speaker *sp, struct mono_us now)
{
	sp->now = now;
	sp->originate_end = true;
	groups_kick(sp);
}

/* ---- connections ---------------------------------------------------------------------- */

conn_id
speaker_conn_connected(struct speaker *sp, struct mono_us now, uint32_t peer, uint32_t token,
    const struct ipc_endpoints *ep, const char **ret_why)
{
	struct rpeer *rp = speaker_peer(sp, peer);

	sp->now = now;
	if (!rp) {
		*ret_why = "there is no such peer any more";
		return 0;
	}
	return peer_conn_connected(rp->peer, now, token, ep, ret_why);
}

conn_id
speaker_conn_accepted(struct speaker *sp, struct mono_us now, const struct ipc_endpoints *ep,
    const char **ret_why)
{
	struct rpeer *rp = rpeer_from(sp, ep);

	sp->now = now;
	if (!rp)
		rp = unnumbered_accept(sp, now, &ep->remote, ret_why);
	return rp ? peer_conn_accepted(rp->peer, now, ep, ret_why) : 0;
}

void
speaker_conn_failed(struct speaker *sp, struct mono_us now, uint32_t peer, uint32_t token, int err,
    const char *why)
{
	struct rpeer *rp = speaker_peer(sp, peer);

	sp->now = now;
	if (!rp)
		return;
	peer_conn_failed(rp->peer, now, token, err, why);
	gr_peer_failed(rp, now);
}

size_t
speaker_conn_input(struct speaker *sp, struct mono_us now, conn_id conn, const uint8_t *in,
    size_t len)
{
	sp->now = now;
	return peer_conn_input(&sp->env, now, conn, in, len);
}

void
speaker_conn_closed(struct speaker *sp, struct mono_us now, conn_id conn, int err)
{
	const struct peer *p = peer_conn_owner(&sp->env, conn);

	sp->now = now;
	if (p)
		gr_peer_hung_up(p->rib, now);
	peer_conn_closed(&sp->env, now, conn, err);
}

size_t
speaker_conn_output(struct speaker *sp, struct mono_us now, conn_id conn, uint8_t *buf, size_t cap,
    size_t want)
{
	sp->now = now;
	return peer_conn_output(&sp->env, now, conn, buf, cap, want);
}

bool
speaker_conn_pending(const struct speaker *sp, conn_id conn)
{
	return peer_conn_pending(&sp->env, conn);
}

void
speaker_conn_blocked(struct speaker *sp, struct mono_us now, conn_id conn, struct mono_us since)
{
	sp->now = now;
	peer_conn_blocked(&sp->env, now, conn, since);
}

uint32_t
speaker_conn_peer(const struct speaker *sp, conn_id conn)
{
	const struct peer *p = peer_conn_owner(&sp->env, conn);

	return p ? p->conf.id : IPC_PEER_NONE;
}

/* ---- timers and work ---------------------------------------------------------------------- */

static bool
work_left(const struct speaker *sp)
{
	return loc_busy(sp) || adjin_walking(sp) || groups_busy(sp, sp->now);
}

struct mono_us
speaker_deadline(const struct speaker *sp)
{
	return work_left(sp) ? sp->now : heap_deadline(&sp->timers);
}

void
speaker_timeout(struct speaker *sp, struct mono_us now)
{
	sp->now = now;
	timers_run(&sp->timers, now, TIMERS_MAX);
}

bool
speaker_work(struct speaker *sp, struct mono_us now, uint32_t budget_us)
{
	int units = budget_us < 1000000 ? (int)budget_us : 1000000, half = units / 2 + 1;
	bool walking = adjin_walking(sp), deciding;
	unsigned i;

	sp->now = now;
	for (i = 0; i < AF_COUNT; i++)
		adjin_walk(sp, i, &half);
	if (walking && !adjin_walking(sp))
		rpeers_reap(sp);
	units -= units / 2 + 1 - half;
	deciding = loc_busy(sp);
	for (i = 0; i < AF_COUNT; i++)
		loc_work(sp, i, &units);
	if (deciding && !loc_busy(sp))
		groups_decided(sp);
	groups_work(sp, now, &units);
	drain_work(sp);
	return work_left(sp);
}

/* ---- what to do ----------------------------------------------------------------------------- */

bool
speaker_next_todo(struct speaker *sp, struct todo *ret)
{
	if (speaker_pop_todo(sp, ret))
		return true;
	*ret = (struct todo){ .kind = TODO_NH_WATCH };
	if (nht_next_watch(&sp->nht, &ret->nh, &ret->on))
		return true;
	if (!sp->shutting_down || sp->shutdown_said || peer_env_conns(&sp->env) > 0)
		return false;
	sp->shutdown_said = true;
	ret->kind = TODO_SHUTDOWN_DONE;
	return true;
}

bool
speaker_next_fib(struct speaker *sp, struct fib_op *ret)
{
	return fib_next(sp, ret);
}

bool
speaker_fib_urgent(const struct speaker *sp)
{
	return sp->fib.again != 0;
}

void
speaker_fib_reset(struct speaker *sp)
{
	nht_reset(&sp->nht);
	fib_reset(sp);
}

void
speaker_nh_state(struct speaker *sp, struct mono_us now, const struct ipc_nh_state *st)
{
	struct nh_user u;
	unsigned i;

	sp->now = now;
	switch (nht_state(&sp->nht, st)) {
	case NHT_NO_NEWS:
		break;
	case NHT_FIRST:
		while (nht_next_waiting(&sp->nht, &st->addr, &u))
			if (rib_is_dest(&sp->rib[u.i], u.dest)) /* or it is gone again */
				loc_touch(sp, u.i, u.dest);
		break;
	case NHT_CHANGED:
		for (i = 0; i < AF_COUNT; i++)
			adjin_walk_request(sp, i);
		break;
	}
}

void
speaker_verdict(struct speaker *sp, struct mono_us now, const struct ipc_verdict *v)
{
	uint32_t dest;
	unsigned i;

	sp->now = now;
	if (!fib_verdict(sp, v, &i, &dest))
		return;
	if (sp->conf.install)
		groups_touch(sp, i, dest);
}

static void
refresh_in(struct rpeer *rp, struct mono_us now)
{
	unsigned i;

	for (i = 0; i < AF_COUNT; i++)
		if (rp->af[i].active && !peer_send_refresh(rp->peer, now, AF_OF(i), REFRESH_REQUEST))
			speaker_event(rp->sp, LOG_NOTICE, rp, "no-refresh",
			    "why=\"the peer cannot ROUTE-REFRESH: reset the session instead\"");
}

bool
speaker_peer_cmd(struct speaker *sp, struct mono_us now, const struct ipc_peer_cmd *cmd)
{
	struct rpeer *rp = speaker_peer(sp, cmd->peer);
	unsigned i;

	sp->now = now;
	if (!rp)
		return false;
	switch ((enum ipc_peer_cmd_kind)cmd->cmd) {
	case IPC_CMD_RESET:
		peer_admin_reset(rp->peer, now, cmd->text);
		break;
	case IPC_CMD_DOWN:
		peer_admin_down(rp->peer, now, cmd->text);
		gr_check(sp, now);
		break;
	case IPC_CMD_UP:
		peer_admin_up(rp->peer, now);
		break;
	case IPC_CMD_REFRESH_IN:
		refresh_in(rp, now);
		break;
	case IPC_CMD_BFD_DOWN:
		peer_bfd_down(rp->peer, now, cmd->text);
		gr_check(sp, now);
		break;
	case IPC_CMD_REFRESH_OUT:
		for (i = 0; i < AF_COUNT; i++)
			groups_refresh(rp, now, i);
		break;
	case IPC_CMD_LINK_LOST:
		peer_link_lost(rp->peer, now, cmd->text);
		unnumbered_cut(rp, now);
		break;
	}
	return true;
}

void
speaker_shutdown(struct speaker *sp, struct mono_us now, enum ipc_shutdown_mode mode,
    const char *text)
{
	uint16_t k;

	sp->now = now;
	sp->shutting_down = true;
	for (k = 1; k < sp->npeers; k++)
		if (sp->peer[k] && sp->peer[k]->peer)
			peer_shutdown(sp->peer[k]->peer, now, mode, text);
	feeds_shutdown(sp, now);
}
