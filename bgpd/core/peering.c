/*
 * Between a peer's sessions and the RIB: the speaker's peer_ops, and the RIB's
 * state of each peer.
 */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/drain.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

/* ---- state of a peer ---------------------------------------------------------- */

static uint16_t
free_index(struct speaker *sp)
{
	uint16_t k;

	for (k = 1; k < sp->npeers; k++)
		if (!sp->peer[k])
			return k;
	if (sp->npeers == PEERS_MAX)
		return 0;
	sp->peer = mem_realloc_array(sp->peer, sp->npeers + 1u, sizeof(*sp->peer));
	return sp->npeers++;
}

static bool
has_paths(const struct rpeer *rp)
{
	unsigned i, g;

	for (i = 0; i < AF_COUNT; i++)
		for (g = 0; g < GR_GENS; g++)
			if (rp->af[i].paths[g] > 0)
				return true;
	return false;
}

/* ---- peers by address -------------------------------------------------------------- */

static uint64_t
addr_hash(const struct speaker *sp, const struct ip_addr *a)
{
	return hmap_hash(&sp->by_addr, a->b, sizeof(a->b));
}

void
rpeer_set_conf(struct rpeer *rp, const struct ipc_conf_peer *conf)
{
	struct speaker *sp = rp->sp;

	if (rp->peer)
		hmap_remove(&sp->by_addr, &rp->by_addr);
	rp->conf = *conf;
	hmap_insert(&sp->by_addr, &rp->by_addr, addr_hash(sp, &rp->conf.addr));
}

/* Link-local addresses count together with their interface. */
static bool
is_from(const struct ipc_conf_peer *conf, const struct ip_addr *from, uint32_t ifindex)
{
	return !conf->unnumbered && conf->addr.af == from->af &&
	    memcmp(conf->addr.b, from->b, sizeof(from->b)) == 0 &&
	    (conf->addr.ifindex == 0 || conf->addr.ifindex == ifindex);
}

struct rpeer *
rpeer_from(const struct speaker *sp, const struct ipc_endpoints *ep)
{
	struct ip_addr from = ip_addr_unmap(&ep->remote);
	uint32_t ifindex = from.ifindex ? from.ifindex : ep->ifindex;
	struct hmap_node *n;

	for (n = hmap_first_with(&sp->by_addr, addr_hash(sp, &from)); n; n = hmap_next_with(n))
		if (is_from(&container_of(n, struct rpeer, by_addr)->conf, &from, ifindex))
			return container_of(n, struct rpeer, by_addr);
	return NULL;
}

/* ---- dynamic peers ------------------------------------------------------------- */

void
rpeer_forget_later(struct rpeer *rp, struct mono_us now)
{
	if (rp->conf.dynamic)
		timer_set(&rp->sp->timers, &rp->forget,
		    mono_add_us(now, (uint64_t)rp->conf.forget_ms * 1000));
}

/* Stale paths keep a peer, too: it may come back for them (RFC 4724 section 4.2). */
static void
forget(struct timer *t, struct mono_us now)
{
	struct rpeer *rp = container_of(t, struct rpeer, forget);
	struct todo gone = { .kind = TODO_PEER_GONE, .peer = rp->id };

	if (!peer_is_unused(rp->peer) || has_paths(rp)) {
		rpeer_forget_later(rp, now);
		return;
	}
	speaker_event(rp->sp, LOG_INFO, rp, "peer-forgotten", "unused_s=%u",
	    rp->conf.forget_ms / 1000);
	speaker_todo(rp->sp, &gone);
	rpeer_remove(rp, now);
}

/* ---- life ------------------------------------------------------------------------ */

struct rpeer *
rpeer_new(struct speaker *sp, struct mono_us now, const struct ipc_conf_peer *conf)
{
	uint16_t index = free_index(sp);
	struct rpeer *rp;
	unsigned i;

	if (index == 0)
		return NULL;
	rp = mem_zalloc(sizeof(*rp));
	rp->sp = sp;
	rp->index = index;
	rp->id = conf->id;
	rpeer_set_conf(rp, conf);
	rp->addr = conf->addr;
	rp->up_since = MONO_NEVER;
	rp->forget.fire = forget;
	for (i = 0; i < AF_COUNT; i++)
		rp->af[i].keep = 1;
	sp->peer[index] = rp;
	rpeer_filters(rp);
	gr_peer_init(rp);
	rp->peer = peer_new(&sp->env, now, conf, index);
	rp->peer->rib = rp;
	rpeer_forget_later(rp, now);
	return rp;
}

static void
put_chains(struct rpeer *rp)
{
	unsigned i, k;

	for (i = 0; i < AF_COUNT; i++)
		for (k = 0; k < 2; k++)
			filter_chain_put(&rp->sp->filters, rp->af[i].chain[k]);
}

/* The object and what is its own. */
static void
rpeer_release(struct rpeer *rp)
{
	unsigned i;

	put_chains(rp);
	for (i = 0; i < AF_COUNT; i++)
		bitq_free(&rp->af[i].may_have);
	mem_free(rp->notification.p);
	mem_free(rp);
}

static void
rpeer_free(struct rpeer *rp)
{
	struct speaker *sp = rp->sp;

	groups_source_changed(sp, rp->index);
	sp->peer[rp->index] = NULL;
	rpeer_release(rp);
}

void
rpeer_remove(struct rpeer *rp, struct mono_us now)
{
	struct peer *p = rp->peer;
	unsigned i;

	drain_forget(rp);
	peer_remove(p, now);
	rp->peer = NULL;
	hmap_remove(&rp->sp->by_addr, &rp->by_addr);
	timer_stop(&rp->sp->timers, &rp->forget);
	gr_peer_stop(rp);
	for (i = 0; i < AF_COUNT; i++) {
		rp->af[i].keep = 0;
		adjin_walk_request(rp->sp, i);
	}
}

void
rpeers_reap(struct speaker *sp)
{
	uint16_t k;

	for (k = 1; k < sp->npeers; k++)
		if (sp->peer[k] && !sp->peer[k]->peer && !has_paths(sp->peer[k]))
			rpeer_free(sp->peer[k]);
}

void
rpeers_free(struct speaker *sp)
{
	unsigned i;
	uint16_t k;

	for (k = 1; k < sp->npeers; k++) {
		struct rpeer *rp = sp->peer[k];

		if (!rp)
			continue;
		for (i = 0; i < AF_COUNT; i++)
			groups_leave(rp, i);
		gr_peer_stop(rp);
		timer_stop(&sp->timers, &rp->forget);
		if (rp->peer)
			peer_free(rp->peer);
		rpeer_release(rp);
	}
	hmap_free(&sp->by_addr);
	rpeer_release(sp->local);
	mem_free(sp->peer);
}

struct rpeer *
speaker_peer(const struct speaker *sp, uint32_t id)
{
	uint16_t k;

	if (id < sp->npeers && id > 0 && sp->peer[id] && sp->peer[id]->peer && sp->peer[id]->id == id)
		return sp->peer[id]; /* as long as the configuration is the first */
	for (k = 1; id != IPC_PEER_NONE && k < sp->npeers; k++)
		if (sp->peer[k] && sp->peer[k]->peer && sp->peer[k]->id == id)
			return sp->peer[k];
	return NULL;
}

bool
rpeer_filters(struct rpeer *rp)
{
	struct filters *fs = &rp->sp->filters;
	const struct filter_chain *was;
	bool changed = false;
	unsigned i, export;

	for (i = 0; i < AF_COUNT; i++)
		for (export = 0; export < 2; export++) {
			was = rp->af[i].chain[export];
			rp->af[i].chain[export] = filter_chain_get(fs, rp->sp->filter_db,
			    rp->conf.filter, rp->conf.nfilters, export, AF_OF(i));
			changed |= !export && rp->af[i].chain[export] != was;
			filter_chain_put(fs, was);
			rp->imp.chain[i] = rp->af[i].chain[0];
		}
	return changed;
}

/* ---- the session's ends ---------------------------------------------------------- */

void
rpeer_import_policy(struct rpeer *rp)
{
	const struct speaker *sp = rp->sp;
	const struct peer_neg *neg = &rp->peer->neg;

	rp->imp = (struct import_policy){ .ebgp = neg->ebgp,
		.confed = neg->confed,
		.any_first_as = rp->conf.any_first_as,
		.prepend = rp->conf.local_asn && rp->conf.local_as_mode == IPC_LOCAL_AS_PREPEND,
		.accept_blackhole = rp->conf.accept_blackhole,
		.allow_as_in = rp->conf.allow_as_in,
		.role = neg->ebgp && !neg->confed ? rp->conf.role : IPC_ROLE_NONE,
		.confed_id = sp->conf.confed_id,
		.import_all = rp->conf.import_all,
		.local_asn = neg->local_asn,
		.speaker_asn = sp->conf.asn,
		.remote_asn = neg->remote_asn,
		.router_id = sp->conf.router_id,
		.cluster_id = sp->conf.cluster_id ? sp->conf.cluster_id : sp->conf.router_id,
		.permit = &sp->permit,
		.chain = { rp->af[0].chain[0], rp->af[1].chain[0] },
		.ep = &rp->peer->ep };
}

/* What the export policy sees of the peer's paths. */
static void
learn_source(struct rpeer *rp)
{
	const struct peer_neg *neg = &rp->peer->neg;
	struct export_source src = { .ebgp = neg->ebgp,
		.confed = neg->confed,
		.ignore_gshut = rp->conf.ignore_gshut,
		.draining = drain_is_alone(rp),
		.rr_client = !neg->ebgp && rp->conf.rr_client,
		.onlink = rp->conf.onlink,
		.router_id = neg->remote_id };

	if (src.ebgp == rp->src.ebgp && src.confed == rp->src.confed &&
	    src.ignore_gshut == rp->src.ignore_gshut && src.rr_client == rp->src.rr_client &&
	    src.onlink == rp->src.onlink && src.draining == rp->src.draining &&
	    src.router_id == rp->src.router_id)
		return;
	if (rp->src.router_id != 0) /* else this is its first session: nobody was told of it */
		groups_source_changed(rp->sp, rp->index);
	rp->src = src;
}

static void
on_up(struct peer *p, struct mono_us now)
{
	struct rpeer *rp = p->rib;
	unsigned i;

	rp->up_since = now;
	rp->addr = p->ep.remote;
	learn_source(rp);
	rpeer_import_policy(rp);
	for (i = 0; i < AF_COUNT; i++) {
		rp->af[i].active = p->neg.families & AF_BIT(AF_OF(i));
		rp->af[i].eor_received = rp->af[i].eor_sent = false;
		rp->af[i].warned = rp->af[i].full = rp->af[i].crowded = false;
		if (rp->af[i].active)
			groups_join(rp, now, i);
	}
	unnumbered_session(rp, now, true);
	gr_up(rp, now);
	gr_tell_session(rp);
	feeds_up(rp);
}

static void
on_down(struct peer *p, struct mono_us now, enum peer_down how, const char *why)
{
	struct rpeer *rp = p->rib;
	unsigned i;

	feeds_down(rp);
	rp->up_since = MONO_NEVER;
	for (i = 0; i < AF_COUNT; i++) {
		groups_leave(rp, i);
		rp->af[i].active = false;
	}
	unnumbered_session(rp, now, false);
	gr_down(rp, now, how);
	gr_tell_session(rp);
	drain_work(rp->sp);
	rpeer_forget_later(rp, now);
}

static void
on_stopped(struct peer *p, struct mono_us now)
{
	gr_forget(p->rib, now);
}

static void
on_ahead(struct peer *p, const struct rd *nlri)
{
	adjin_ahead(p->rib, nlri);
}

static void
on_update(struct peer *p, struct mono_us now, const struct update *u)
{
	adjin_update(p->rib, now, u);
}

static void
on_refresh(struct peer *p, struct mono_us now, uint8_t af, uint8_t subtype)
{
	struct rpeer *rp = p->rib;
	unsigned i = AF_IDX(af);

	if (!rp->af[i].active)
		return;
	if (subtype == REFRESH_REQUEST)
		groups_refresh(rp, now, i);
	else if (subtype == REFRESH_BORR)
		gr_refresh_begin(rp, now, i);
	else if (subtype == REFRESH_EORR)
		gr_refresh_end(rp, now, i);
}

/* A family that had no turn, or not the room for a long message, is the next one to be asked. */
static size_t
on_fill(struct peer *p, struct mono_us now, uint8_t *buf, size_t cap, size_t want)
{
	struct rpeer *rp = p->rib;
	unsigned first = rp->fill_first, k, i;
	size_t n = 0, got;
	bool turn;

	rp->fill_first = 0;
	for (k = 0; k < AF_COUNT; k++) {
		i = (first + k) % AF_COUNT;
		turn = n < want && cap - n >= BGP_MAX_OCTETS;
		got = turn ? groups_fill(rp, now, i, buf + n, cap - n, want - n) : 0;
		if (got == 0 && n > 0 && groups_wants_fill(rp, now, i))
			rp->fill_first = (uint8_t)i;
		n += got;
	}
	drain_work(rp->sp);
	return n;
}

static bool
on_wants_fill(const struct peer *p)
{
	const struct rpeer *rp = p->rib;

	return groups_wants_fill(rp, rp->sp->now, 0) || groups_wants_fill(rp, rp->sp->now, 1);
}

static void
on_todo(struct peer *p, const struct todo *t)
{
	speaker_todo(peer_speaker(p), t);
}

static void
on_event(struct peer *p, enum log_level level, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	speaker_vevent(peer_speaker(p), level, p->conf.id, p->conf.name, name, fmt, ap);
	va_end(ap);
}

const struct peer_ops speaker_peer_ops = {
	.up = on_up,
	.down = on_down,
	.stopped = on_stopped,
	.ahead = on_ahead,
	.update = on_update,
	.refresh = on_refresh,
	.fill = on_fill,
	.wants_fill = on_wants_fill,
	.message = feeds_message,
	.state = feeds_state,
	.todo = on_todo,
	.event = on_event,
	.gr_caps = gr_caps,
};
