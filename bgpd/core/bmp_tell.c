/*
 * What BMP collectors are told.  See bmp.h.
 *
 * Order, for one collector: the queue; Peer Ups that are due; paths of
 * Adj-RIB-In, best paths, and Adj-RIB-Outs, first what changed behind a walk,
 * then the walk; End-of-RIBs when the walks are over.  A walk goes by number of
 * path or destination.  What changes ahead of it needs no telling: it will come
 * there.  So a bit is set, and a withdrawal queued, only behind it.
 *
 * UPDATEs are made anew from attribute sets, with 4-octet AS numbers whatever
 * the session speaks; only those of an Adj-RIB-Out are passed on as they were
 * sent once its walk is over, and they may come while it is under way: what
 * was said last counts, and the walk says what is in the table now.
 */
#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/bmp_int.h"
#include "bgpd/core/msg.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

#define TABLE_NAME "global" /* RFC 9069 section 5.2.1 */
#define STEPS_MAX  8192	    /* paths or destinations looked at in one pull */
#define PACK_MAX   256	    /* prefixes in one UPDATE */

#define BMP_IN (IPC_BMP_IN_PRE | IPC_BMP_IN_POST)

#define ROUTE_OCTETS (BMP_HEADER_OCTETS + BMP_PEER_OCTETS + BGP_MAX_OCTETS)
#define UP_OCTETS    (BMP_HEADER_OCTETS + BMP_PEER_OCTETS + 20 + 2 * BGP_MAX_OCTETS + 16)

/* ---- who it is about ----------------------------------------------------------- */

static struct bmp_peer
header_of(const struct collector *c, uint16_t peer, uint8_t flags, uint64_t wall_us)
{
	const struct rpeer *rp = c->sp->peer[peer];

	if (peer == RIB_LOCAL_PEER)
		return (struct bmp_peer){ .type = BMP_PEER_LOC_RIB,
			.asn = c->asn,
			.id = c->router_id,
			.wall_us = wall_us };
	return (struct bmp_peer){ .type = BMP_PEER_GLOBAL,
		.flags = flags,
		.addr = rp->addr,
		.asn = rp->peer->neg.remote_asn,
		.id = rp->peer->neg.remote_id,
		.wall_us = wall_us };
}

static uint64_t
wall_now(const struct collector *c)
{
	return feed_wall_us(c->sp, c->sp->now);
}

/* When a path came, as far as the seconds kept with it tell. */
static uint64_t
wall_of_path(const struct collector *c, const struct path *p)
{
	return feed_wall_us(c->sp, mono_add_s(c->sp->start, p->since_s));
}

static bool
was_told(const struct collector *c, uint16_t peer)
{
	return c->feed && bitq_has(&c->told, peer);
}

/* ---- the queue ------------------------------------------------------------------- */

/* Room in the queue for a message of at most n octets; false: the connection was given up. */
static bool
queue_begin(struct collector *c, size_t n, struct wr *ret)
{
	uint8_t *room = outq_room(&c->feed->q, n);

	if (!room) {
		bmp_overflow(c);
		return false;
	}
	*ret = wr_init(room, n);
	return true;
}

static void
queue_end(struct collector *c, const struct wr *w)
{
	outq_commit(&c->feed->q, wr_len(w));
	c->waiting++;
	feed_kick(c->feed);
}

/* ---- withdrawals ------------------------------------------------------------------- */

static struct update_ctx
ctx_of(const struct collector *c, uint16_t peer)
{
	const struct rpeer *rp = c->sp->peer[peer];
	const struct peer *p = rp ? rp->peer : NULL;

	return (struct update_ctx){ .as4 = true,
		.as_is = true,
		.families = AF_BIT(IP4) | AF_BIT(IP6),
		.addpath_tx = p ? p->ctx.addpath_rx : 0,
		.max_octets = BGP_MAX_EXT_OCTETS };
}

/* The prefixes that gathered, as withdrawals from one RIB. False: the connection was given up. */
static bool
gone_queue(struct collector *c, uint8_t flags)
{
	const struct bmp_gone *g = &c->gone;
	struct update_ctx ctx = ctx_of(c, g->peer); /* room is for BGP_MAX_OCTETS */
	struct bmp_peer head = header_of(c, g->peer, flags, wall_now(c));
	size_t at = 0, mark;
	struct wr w;

	while (at < g->n) {
		if (!queue_begin(c, ROUTE_OCTETS, &w))
			return false;
		mark = bmp_open(&w, BMP_ROUTE);
		bmp_put_peer(&w, &head);
		at += update_encode_unreach(&w, &ctx, g->af, g->v + at, g->n - at);
		bmp_close(&w, mark);
		queue_end(c, &w);
	}
	return true;
}

/* Queue the withdrawals that gathered. False: the connection was given up. */
static bool
gone_flush(struct collector *c)
{
	struct bmp_gone *g = &c->gone;

	if (!c->feed)
		return false;
	if (g->n == 0)
		return true;
	if ((g->ribs & (IPC_BMP_IN_PRE | IPC_BMP_LOC_RIB)) && !gone_queue(c, 0))
		return false;
	if ((g->ribs & IPC_BMP_IN_POST) && !gone_queue(c, BMP_F_POST))
		return false;
	g->n = 0;
	return true;
}

static void
gone_add(struct collector *c, uint16_t peer, unsigned i, uint8_t ribs, const struct nlri *n)
{
	struct bmp_gone *g = &c->gone;
	bool other = g->peer != peer || g->af != AF_OF(i) || g->ribs != ribs;

	if (ribs == 0 || ((g->n == BMP_GONE_MAX || other) && !gone_flush(c)))
		return;
	g->peer = peer;
	g->af = AF_OF(i);
	g->ribs = ribs;
	g->v[g->n++] = *n;
	feed_kick(c->feed);
}

/* ---- what happened ------------------------------------------------------------------- */

#define EACH_COLLECTOR(c, l, sp)                                                                   \
	LIST_FOREACH (l, &(sp)->feeds.collectors)                                                  \
		if (((c) = container_of(l, struct collector, node))->feed)

static struct nlri
nlri_of(const struct rib *rib, uint32_t dest)
{
	return (struct nlri){ .prefix = rib_prefix(rib, dest) };
}

/* The same with the id that the peer gave the path. */
static struct nlri
nlri_of_path(const struct rib *rib, uint32_t id)
{
	return (struct nlri){ .prefix = rib_prefix(rib, rib_path(rib, id)->dest),
		.path_id = rib_path_id(rib, id) };
}

void
bmp_path(struct speaker *sp, unsigned i, uint32_t id, bool was_accepted)
{
	const struct path *p = rib_path(&sp->rib[i], id);
	bool rejected = path_reason(p) != REJECT_NONE;
	struct collector *c;
	struct nlri n;
	struct list *l;

	EACH_COLLECTOR(c, l, sp) {
		if (p->peer == RIB_LOCAL_PEER || !(c->conf.ribs & BMP_IN) ||
		    !(was_told(c, p->peer) || bitq_has(&c->due, p->peer)) ||
		    id >= c->af[i].path_at)
			continue;
		bitq_add(&c->af[i].paths, id);
		feed_kick(c->feed);
		if (!was_accepted || !rejected || !was_told(c, p->peer))
			continue;
		n = nlri_of_path(&sp->rib[i], id);
		gone_add(c, p->peer, i, c->conf.ribs & IPC_BMP_IN_POST, &n);
	}
}

void
bmp_path_gone(struct speaker *sp, unsigned i, uint32_t id)
{
	const struct path *p = rib_path(&sp->rib[i], id);
	uint8_t ribs = path_reason(p) == REJECT_NONE ? IPC_BMP_IN_PRE | IPC_BMP_IN_POST
						     : IPC_BMP_IN_PRE;
	struct nlri n = nlri_of_path(&sp->rib[i], id);
	struct collector *c;
	struct list *l;

	EACH_COLLECTOR(c, l, sp) {
		bitq_del(&c->af[i].paths, id);
		if (p->peer != RIB_LOCAL_PEER && was_told(c, p->peer) && id < c->af[i].path_at)
			gone_add(c, p->peer, i, c->conf.ribs & ribs, &n);
	}
}

void
bmp_best(struct speaker *sp, unsigned i, uint32_t dest)
{
	struct collector *c;
	struct list *l;

	EACH_COLLECTOR(c, l, sp) {
		if (!(c->conf.ribs & IPC_BMP_LOC_RIB) || dest >= c->af[i].dest_at)
			continue;
		bitq_add(&c->af[i].dests, dest);
		feed_kick(c->feed);
	}
}

void
bmp_best_gone(struct speaker *sp, unsigned i, uint32_t dest)
{
	struct nlri n = nlri_of(&sp->rib[i], dest);
	struct collector *c;
	struct list *l;

	EACH_COLLECTOR(c, l, sp) {
		bitq_del(&c->af[i].dests, dest);
		if (was_told(c, RIB_LOCAL_PEER) && dest < c->af[i].dest_at)
			gone_add(c, RIB_LOCAL_PEER, i, c->conf.ribs & IPC_BMP_LOC_RIB, &n);
	}
}

/* AS_PATHs in what we send to the peer have 2-octet numbers unless both sides know others. */
static uint8_t
out_flags(const struct rpeer *rp)
{
	return BMP_F_POST | BMP_F_ADJ_OUT | (rp->peer->ctx.as4 ? 0 : BMP_F_AS2);
}

void
bmp_sent(struct rpeer *rp, const uint8_t *msg, size_t octets)
{
	struct collector *c;
	struct bmp_peer head;
	struct list *l;
	struct wr w;

	EACH_COLLECTOR(c, l, rp->sp) {
		if (!(c->conf.ribs & IPC_BMP_OUT_POST) || !was_told(c, rp->index))
			continue;
		if (!queue_begin(c, BMP_HEADER_OCTETS + BMP_PEER_OCTETS + octets, &w))
			continue;
		head = header_of(c, rp->index, out_flags(rp), wall_now(c));
		bmp_encode_route(&w, &head, msg, octets);
		queue_end(c, &w);
	}
}

void
bmp_up(struct rpeer *rp)
{
	struct collector *c;
	struct list *l;

	EACH_COLLECTOR(c, l, rp->sp) {
		if (c->conf.ribs == IPC_BMP_LOC_RIB)
			continue;
		bitq_add(&c->due, rp->index);
		feed_kick(c->feed);
	}
}

/* RFC 7854 section 4.9: who ended it, and how. */
static void
queue_down(struct collector *c, const struct rpeer *rp)
{
	struct bmp_peer head = header_of(c, rp->index, 0, wall_now(c));
	uint8_t event[2] = { 0, rp->peer->down_event };
	size_t octets = BMP_HEADER_OCTETS + BMP_PEER_OCTETS + 3 + rp->notification.octets;
	struct wr w;

	if (!gone_flush(c) || !queue_begin(c, octets, &w))
		return;
	if (rp->notification.p)
		bmp_encode_peer_down(&w, &head,
		    rp->notification.sent ? BMP_DOWN_LOCAL_NOTIFICATION
					  : BMP_DOWN_REMOTE_NOTIFICATION,
		    rp->notification.p, rp->notification.octets);
	else if (rp->peer->down_event == EV_TCP_FAILS)
		bmp_encode_peer_down(&w, &head, BMP_DOWN_REMOTE, NULL, 0);
	else
		bmp_encode_peer_down(&w, &head, BMP_DOWN_LOCAL_EVENT, event, sizeof(event));
	queue_end(c, &w);
}

void
bmp_down(struct rpeer *rp)
{
	struct collector *c;
	struct list *l;
	unsigned i;

	EACH_COLLECTOR(c, l, rp->sp) {
		bitq_del(&c->due, rp->index);
		for (i = 0; i < AF_COUNT; i++) {
			bitq_del(&c->af[i].eor_in, rp->index);
			bitq_del(&c->af[i].eor_out, rp->index);
		}
		if (!was_told(c, rp->index))
			continue;
		queue_down(c, rp);
		bitq_del(&c->told, rp->index);
	}
}

void
bmp_end_of_rib(struct rpeer *rp, unsigned i)
{
	struct collector *c;
	struct list *l;

	EACH_COLLECTOR(c, l, rp->sp) {
		bitq_add(&c->af[i].eor_in, rp->index);
		feed_kick(c->feed);
	}
}

/* ---- Peer Up -------------------------------------------------------------------------- */

/* The Loc-RIB's two OPENs are made up: RFC 9069 section 5.1. */
static void
put_loc_rib_up(struct collector *c, struct wr *w)
{
	struct bmp_peer head = header_of(c, RIB_LOCAL_PEER, 0, feed_wall_us(c->sp, c->sp->start));
	struct msg_open o = { .version = BGP_VERSION, .asn = c->asn, .id = c->router_id };
	uint8_t buf[256];
	struct wr wo = wr_init(buf, sizeof(buf));
	struct ip_addr none = { 0 };
	struct bmp_open_msg open;

	o.caps = (struct caps){ .mp = true,
		.families = AF_BIT(IP4) | AF_BIT(IP6),
		.as4 = true,
		.asn = c->asn };
	msg_encode_open(&wo, &o, true);
	open = (struct bmp_open_msg){ buf, wr_len(&wo) };
	bmp_encode_peer_up(w, &head, &none, 0, 0, open, open, TABLE_NAME);
}

static void
put_up(struct collector *c, struct wr *w, const struct rpeer *rp)
{
	struct bmp_peer head = header_of(c, rp->index, 0, feed_wall_us(c->sp, rp->up_since));
	const struct conn *conn = rp->peer->up ? rp->peer->up->conn : NULL;
	const struct ipc_endpoints *ep = &rp->peer->ep;
	struct bmp_open_msg sent = { 0 }, received = { 0 };

	if (conn) {
		sent = (struct bmp_open_msg){ conn->open_out.p, conn->open_out.octets };
		received = (struct bmp_open_msg){ conn->open_in.p, conn->open_in.octets };
	}
	bmp_encode_peer_up(w, &head, &ep->local, ep->local_port, ep->remote_port, sent, received,
	    NULL);
}

static void
tell_peers(struct collector *c, struct wr *w)
{
	uint32_t k;

	while (wr_room(w) >= UP_OCTETS && bitq_pop(&c->due, &k)) {
		const struct rpeer *rp = c->sp->peer[k];

		if (k == RIB_LOCAL_PEER)
			put_loc_rib_up(c, w);
		else if (rp && rp->peer && !mono_is_never(rp->up_since))
			put_up(c, w, rp);
		else
			continue;
		c->messages++;
		bitq_add(&c->told, k);
	}
}

/* ---- announcements --------------------------------------------------------------------- */

/* Prefixes that go into one UPDATE. */
struct pack {
	const struct attrs *attrs, *post; /* received; after policy, NULL: rejected */
	uint64_t wall_us;
	uint16_t peer, n;
	uint16_t vis; /* Adj-RIB-Out: of what is announced */
	uint8_t af;
	uint32_t id[PACK_MAX]; /* path or destination */
	struct nlri nlri[PACK_MAX];
};

/* Own routes have no next hop: zeros. */
static struct update_nh
next_hop_of(const struct attrs *a, uint8_t af)
{
	struct update_nh nh = { .nh = attrs_next_hop(a), .ll = attrs_next_hop_ll(a) };

	if (nh.nh.af == IP_NONE)
		nh.nh.af = af;
	return nh;
}

/* One UPDATE of the pack's prefixes from `at` on: an extended message only where it must be. */
static uint16_t
put_update(struct wr *w, const struct pack *k, uint16_t at, struct update_ctx *ctx,
    const struct attrs *a, const struct update_nh *nh)
{
	uint16_t max_octets = ctx->max_octets;
	size_t took;

	ctx->max_octets = BGP_MAX_OCTETS;
	took = update_encode_reach(w, ctx, a, k->af, nh, k->nlri + at, k->n - at, NULL, NULL);
	ctx->max_octets = max_octets;
	if (took == 0)
		took = update_encode_reach(w, ctx, a, k->af, nh, k->nlri + at, k->n - at, NULL,
		    NULL);
	return (uint16_t)took;
}

/*
 * The pack's prefixes with these attributes; how many of them went in. Those whose
 * attributes fit into no message are dropped, and count as gone in.
 */
static uint16_t
put_routes(struct collector *c, struct wr *w, const struct pack *k, const struct bmp_peer *head,
    struct update_ctx *ctx, const struct attrs *a, const struct update_nh *nh)
{
	uint16_t at = 0, took;

	while (at < k->n && wr_room(w) >= ROUTE_OCTETS) {
		size_t mark = bmp_open(w, BMP_ROUTE);

		bmp_put_peer(w, head);
		took = put_update(w, k, at, ctx, a, nh);
		if (took == 0) {
			wr_rewind(w, mark);
			if (mark > 0) /* again, with all of the buffer */
				return at;
			c->dropped++;
			return k->n;
		}
		bmp_close(w, mark);
		c->messages++;
		at += took;
	}
	return at;
}

static uint16_t
put_plain(struct collector *c, struct wr *w, const struct pack *k, uint8_t flags,
    const struct attrs *a)
{
	struct bmp_peer head = header_of(c, k->peer, flags, k->wall_us);
	struct update_ctx ctx = ctx_of(c, k->peer);
	struct update_nh nh = next_hop_of(a, k->af);

	return put_routes(c, w, k, &head, &ctx, a, &nh);
}

/* What found no room comes again. */
static void
pack_in_flush(struct collector *c, struct wr *w, struct pack *k)
{
	uint16_t pre = k->n, post = k->n, done;

	if (k->n > 0 && (c->conf.ribs & IPC_BMP_IN_PRE))
		pre = put_plain(c, w, k, 0, k->attrs);
	if (k->n > 0 && (c->conf.ribs & IPC_BMP_IN_POST) && k->post)
		post = put_plain(c, w, k, BMP_F_POST, k->post);
	for (done = pre < post ? pre : post; done < k->n; done++)
		bitq_add(&c->af[AF_IDX(k->af)].paths, k->id[done]);
	k->n = 0;
}

static bool
next_path(struct collector *c, unsigned i, uint32_t *ret)
{
	struct bmp_af *a = &c->af[i];

	if (bitq_pop(&a->paths, ret))
		return true;
	if (a->path_at >= slots_end(&c->sp->rib[i].paths))
		a->path_at = BMP_DONE;
	if (a->path_at == BMP_DONE)
		return false;
	*ret = a->path_at++;
	return true;
}

static void
pack_path(struct collector *c, struct wr *w, struct pack *k, uint32_t id)
{
	unsigned i = AF_IDX(k->af);
	const struct path *p = rib_path(&c->sp->rib[i], id);
	const struct attrs *received, *post;

	if (!p->attrs || p->peer == RIB_LOCAL_PEER || !was_told(c, p->peer) ||
	    !adjin_live(c->sp, i, p))
		return;
	received = rib_path_received(&c->sp->rib[i], id);
	post = path_reason(p) == REJECT_NONE ? p->attrs : NULL;
	if (k->n == PACK_MAX ||
	    (k->n > 0 && (k->peer != p->peer || k->attrs != received || k->post != post)))
		pack_in_flush(c, w, k);
	k->peer = p->peer;
	k->attrs = received;
	k->post = post;
	k->wall_us = wall_of_path(c, p);
	k->id[k->n] = id;
	k->nlri[k->n++] = nlri_of_path(&c->sp->rib[i], id);
}

/* Twice: before and after policy, and those of a flush before the last. */
static bool
has_room(const struct wr *w)
{
	return wr_room(w) >= 3 * ROUTE_OCTETS;
}

static void
tell_paths(struct collector *c, struct wr *w, unsigned i, int *steps)
{
	struct pack k = { .af = AF_OF(i) };
	uint32_t id;

	if (!(c->conf.ribs & BMP_IN))
		c->af[i].path_at = BMP_DONE;
	while (*steps > 0 && has_room(w) && next_path(c, i, &id)) {
		pack_path(c, w, &k, id);
		--*steps;
	}
	pack_in_flush(c, w, &k);
}

/* ---- the Loc-RIB -------------------------------------------------------------------------- */

static void
pack_loc_flush(struct collector *c, struct wr *w, struct pack *k)
{
	uint16_t done = k->n > 0 ? put_plain(c, w, k, 0, k->attrs) : 0;

	for (; done < k->n; done++)
		bitq_add(&c->af[AF_IDX(k->af)].dests, k->id[done]);
	k->n = 0;
}

static bool
next_dest(struct collector *c, unsigned i, uint32_t *ret)
{
	struct bmp_af *a = &c->af[i];

	if (bitq_pop(&a->dests, ret))
		return true;
	if (a->dest_at >= slots_end(&c->sp->rib[i].dests))
		a->dest_at = BMP_DONE;
	if (a->dest_at == BMP_DONE)
		return false;
	*ret = a->dest_at++;
	return true;
}

static void
pack_dest(struct collector *c, struct wr *w, struct pack *k, uint32_t dest)
{
	const struct rib *rib = &c->sp->rib[AF_IDX(k->af)];
	const struct path *p;

	if (!rib_is_dest(rib, dest) || rib_dest(rib, dest)->used == 0)
		return;
	p = rib_path(rib, rib_dest(rib, dest)->paths);
	if (k->n == PACK_MAX || (k->n > 0 && k->attrs != p->attrs))
		pack_loc_flush(c, w, k);
	k->attrs = p->attrs;
	k->wall_us = wall_of_path(c, p);
	k->id[k->n] = dest;
	k->nlri[k->n++] = nlri_of(rib, dest);
}

static void
tell_loc_rib(struct collector *c, struct wr *w, unsigned i, int *steps)
{
	struct pack k = { .af = AF_OF(i), .peer = RIB_LOCAL_PEER };
	uint32_t dest;

	if (!(c->conf.ribs & IPC_BMP_LOC_RIB))
		c->af[i].dest_at = BMP_DONE;
	while (*steps > 0 && has_room(w) && next_dest(c, i, &dest)) {
		pack_dest(c, w, &k, dest);
		--*steps;
	}
	pack_loc_flush(c, w, &k);
}

/* ---- Adj-RIB-Out ----------------------------------------------------------------------------- */

/* The walk goes back to the first that found no room. */
static void
pack_out_flush(struct collector *c, struct wr *w, struct pack *k)
{
	struct speaker *sp = c->sp;
	unsigned i = AF_IDX(k->af);
	const struct rpeer *rp = sp->peer[k->peer];
	const struct export_source *src = k->n > 0 ? vis_source(sp, k->vis) : NULL;
	const struct member *m = k->n > 0 ? rp->af[i].member : NULL;
	const struct attrs *x = m && src ? policy_export(sp->pool, &m->g->policy, src, k->attrs) : NULL;
	uint16_t done = k->n;

	if (x) {
		struct bmp_peer head = header_of(c, k->peer, out_flags(rp), wall_now(c));
		struct update_nh nh = member_next_hop(m, x);
		struct update_ctx ctx = m->g->ctx;

		done = put_routes(c, w, k, &head, &ctx, x, &nh);
	}
	if (done < k->n)
		c->af[i].out_at = k->id[done];
	attrs_unref(sp->pool, x);
	k->n = 0;
}

/* The next destination (or path) of the peer that the walk stands at; false when it has no more. */
static bool
next_out(struct collector *c, unsigned i, uint32_t *ret)
{
	struct bmp_af *a = &c->af[i];
	const struct rpeer *rp = c->sp->peer[a->out_peer];
	const struct member *m = rp ? rp->af[i].member : NULL;

	if (!m || !was_told(c, a->out_peer) || a->out_at >= outtable_end(&m->g->out))
		return false;
	*ret = a->out_at++;
	return true;
}

static void
pack_out(struct collector *c, struct wr *w, struct pack *k, uint32_t id)
{
	unsigned i = AF_IDX(k->af);
	uint16_t vis;
	const struct rpeer *rp = c->sp->peer[c->af[i].out_peer];
	const struct attrs *a = groups_advertised(rp, i, id, &vis);

	if (!a)
		return;
	if (k->n == PACK_MAX || (k->n > 0 && (k->attrs != a || k->vis != vis))) {
		pack_out_flush(c, w, k);
		if (c->af[i].out_at <= id) /* it went back */
			return;
	}
	k->peer = c->af[i].out_peer;
	k->attrs = a;
	k->vis = vis;
	k->id[k->n] = id;
	group_nlri(&c->sp->rib[i], group_by_path(rp->af[i].member->g), id, &k->nlri[k->n++]);
}

/* One peer after the other. */
static void
tell_adj_out(struct collector *c, struct wr *w, unsigned i, int *steps)
{
	struct bmp_af *a = &c->af[i];
	struct pack k = { .af = AF_OF(i) };
	uint32_t dest;

	if (!(c->conf.ribs & IPC_BMP_OUT_POST))
		a->out_at = BMP_DONE;
	while (a->out_at != BMP_DONE && *steps > 0 && has_room(w)) {
		--*steps;
		if (next_out(c, i, &dest)) {
			pack_out(c, w, &k, dest);
			continue;
		}
		dest = a->out_at;
		pack_out_flush(c, w, &k);
		if (a->out_at < dest) /* it went back */
			continue;
		a->out_at = 1;
		if (++a->out_peer >= c->sp->npeers)
			a->out_at = BMP_DONE;
	}
	pack_out_flush(c, w, &k);
}

/* ---- End-of-RIB ----------------------------------------------------------------------------------- */

static bool
walks_over(const struct bmp_af *a)
{
	return a->path_at == BMP_DONE && a->dest_at == BMP_DONE && a->out_at == BMP_DONE &&
	    a->paths.count == 0 && a->dests.count == 0;
}

/* The first walks are over: everybody who was told up is complete. RFC 7854 section 9. */
static void
queue_eors(struct collector *c, unsigned i)
{
	uint32_t k;

	for (k = 0; k < c->sp->npeers; k++) {
		const struct rpeer *rp = c->sp->peer[k];

		if (!was_told(c, (uint16_t)k) || (k != RIB_LOCAL_PEER && !rp->af[i].active))
			continue;
		bitq_add(&c->af[i].eor_in, k);
		if (k != RIB_LOCAL_PEER)
			bitq_add(&c->af[i].eor_out, k);
	}
	c->af[i].eor_queued = true;
}

static void
put_eor(struct collector *c, struct wr *w, unsigned i, uint16_t peer, uint8_t flags)
{
	struct bmp_peer head = header_of(c, peer, flags, wall_now(c));
	size_t mark = bmp_open(w, BMP_ROUTE);

	bmp_put_peer(w, &head);
	update_encode_eor(w, AF_OF(i));
	bmp_close(w, mark);
	c->messages++;
}

static void
tell_eors(struct collector *c, struct wr *w, unsigned i)
{
	struct bmp_af *a = &c->af[i];
	uint32_t k;

	if (!walks_over(a))
		return;
	if (!a->eor_queued)
		queue_eors(c, i);
	while (has_room(w) && bitq_pop(&a->eor_in, &k)) {
		if (!was_told(c, (uint16_t)k))
			continue;
		if (k == RIB_LOCAL_PEER || (c->conf.ribs & IPC_BMP_IN_PRE))
			put_eor(c, w, i, (uint16_t)k, 0);
		if (k != RIB_LOCAL_PEER && (c->conf.ribs & IPC_BMP_IN_POST))
			put_eor(c, w, i, (uint16_t)k, BMP_F_POST);
	}
	while (has_room(w) && bitq_pop(&a->eor_out, &k))
		if ((c->conf.ribs & IPC_BMP_OUT_POST) && was_told(c, (uint16_t)k))
			put_eor(c, w, i, (uint16_t)k, out_flags(c->sp->peer[k]));
}

/* ---- pulling ------------------------------------------------------------------------------------------ */

/* Everything was told once. */
static bool
is_complete(const struct collector *c)
{
	unsigned i;

	for (i = 0; i < AF_COUNT; i++)
		if (!c->af[i].eor_queued || c->af[i].eor_in.count || c->af[i].eor_out.count)
			return false;
	return true;
}

static void
tell(struct collector *c, struct wr *w)
{
	int steps = STEPS_MAX;
	unsigned i;

	tell_peers(c, w);
	if (c->due.count > 0)
		return;
	for (i = 0; i < AF_COUNT; i++) {
		tell_paths(c, w, i, &steps);
		tell_loc_rib(c, w, i, &steps);
		tell_adj_out(c, w, i, &steps);
		tell_eors(c, w, i);
	}
	if (c->state == IPC_BMP_DUMPING && is_complete(c)) {
		c->state = IPC_BMP_UP;
		c->since = c->sp->now;
	}
}

size_t
bmp_pull(struct feed *f, struct mono_us now, uint8_t *buf, size_t cap)
{
	struct collector *c = f->owner;
	struct wr w = wr_init(buf, cap);
	size_t n;

	if (!gone_flush(c)) /* f is gone with the connection */
		return 0;
	n = outq_take(&f->q, buf, cap);
	if (f->q.len == 0) {
		c->messages += c->waiting;
		c->waiting = 0;
	}
	if (n == 0) {
		tell(c, &w);
		n = wr_len(&w);
	}
	c->octets += n;
	return n;
}

bool
bmp_wants(const struct feed *f)
{
	const struct collector *c = f->owner;
	unsigned i;

	if (c->gone.n > 0 || c->due.count > 0)
		return true;
	for (i = 0; i < AF_COUNT; i++)
		if (!walks_over(&c->af[i]) || c->af[i].eor_in.count || c->af[i].eor_out.count ||
		    !c->af[i].eor_queued)
			return true;
	return false;
}

/* ---- begin, statistics, end ------------------------------------------------------------------------------ */

void
bmp_tell_begin(struct collector *c)
{
	uint32_t k;
	unsigned i;
	struct wr w;

	for (i = 0; i < AF_COUNT; i++) {
		c->af[i].path_at = c->af[i].dest_at = c->af[i].out_at = 1;
		c->af[i].out_peer = 1;
		if (c->sp->npeers <= 1)
			c->af[i].out_at = BMP_DONE;
	}
	if (queue_begin(c, ROUTE_OCTETS, &w)) {
		bmp_encode_initiation(&w, c->conf.sys_descr, c->conf.sys_name);
		queue_end(c, &w);
	}
	if (c->conf.ribs & IPC_BMP_LOC_RIB)
		bitq_add(&c->due, RIB_LOCAL_PEER);
	if (c->conf.ribs == IPC_BMP_LOC_RIB)
		return;
	for (k = 1; k < c->sp->npeers; k++)
		if (c->sp->peer[k] && !mono_is_never(c->sp->peer[k]->up_since))
			bitq_add(&c->due, k);
}

void
bmp_tell_clear(struct collector *c)
{
	unsigned i;

	bitq_free(&c->due);
	bitq_free(&c->told);
	for (i = 0; i < AF_COUNT; i++) {
		bitq_free(&c->af[i].paths);
		bitq_free(&c->af[i].dests);
		bitq_free(&c->af[i].eor_in);
		bitq_free(&c->af[i].eor_out);
		c->af[i] = (struct bmp_af){ 0 };
	}
	c->gone.n = 0;
}

static size_t
peer_stats(const struct rpeer *rp, struct bmp_stat_value *v)
{
	const struct rpeer_counts *n = &rp->counts;
	uint64_t in4 = adjin_count(rp, AF_IDX(IP4)), in6 = adjin_count(rp, AF_IDX(IP6));
	struct bmp_stat_value all[] = {
		{ .stat = BMP_STAT_REJECTED, .value = n->rejected },
		{ .stat = BMP_STAT_DUP_PREFIX, .value = n->dup_prefix },
		{ .stat = BMP_STAT_DUP_WITHDRAW, .value = n->dup_withdraw },
		{ .stat = BMP_STAT_CLUSTER_LOOP, .value = n->cluster_loop },
		{ .stat = BMP_STAT_AS_LOOP, .value = n->as_loop },
		{ .stat = BMP_STAT_ORIGINATOR, .value = n->originator },
		{ .stat = BMP_STAT_ADJ_IN, .value = in4 + in6 },
		{ .stat = BMP_STAT_ADJ_IN_AF, .af = IP4, .value = in4 },
		{ .stat = BMP_STAT_ADJ_IN_AF, .af = IP6, .value = in6 },
		{ .stat = BMP_STAT_WITHDRAW_ERRS, .value = rp->peer->withdraw_errs },
	};

	memcpy(v, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static size_t
loc_rib_stats(const struct speaker *sp, struct bmp_stat_value *v)
{
	uint64_t best[AF_COUNT] = { 0 };
	unsigned i;
	uint16_t k;

	for (k = 0; k < sp->npeers; k++)
		for (i = 0; sp->peer[k] && i < AF_COUNT; i++)
			best[i] += sp->peer[k]->af[i].best;
	v[0] = (struct bmp_stat_value){ .stat = BMP_STAT_LOC_RIB, .value = best[0] + best[1] };
	for (i = 0; i < AF_COUNT; i++)
		v[1 + i] = (struct bmp_stat_value){ .stat = BMP_STAT_LOC_RIB_AF,
			.af = AF_OF(i),
			.value = best[i] };
	return 1 + AF_COUNT;
}

void
bmp_tell_stats(struct collector *c, struct mono_us now)
{
	struct bmp_stat_value v[16];
	struct bmp_peer head;
	uint16_t k;
	size_t n;
	struct wr w;

	for (k = 0; c->feed && k < c->sp->npeers; k++) {
		if (!was_told(c, k))
			continue;
		n = k == RIB_LOCAL_PEER ? loc_rib_stats(c->sp, v) : peer_stats(c->sp->peer[k], v);
		if (!queue_begin(c, 512, &w))
			return;
		head = header_of(c, k, 0, feed_wall_us(c->sp, now));
		bmp_encode_stats(&w, &head, v, n);
		queue_end(c, &w);
	}
}

void
bmp_tell_end(struct collector *c)
{
	struct bmp_peer head = header_of(c, RIB_LOCAL_PEER, 0, wall_now(c));
	struct wr w;

	if (!gone_flush(c) || !queue_begin(c, 512, &w))
		return;
	if (was_told(c, RIB_LOCAL_PEER)) {
		bmp_encode_loc_rib_down(&w, &head, TABLE_NAME);
		c->waiting++;
	}
	bmp_encode_termination(&w, BMP_TERM_ADMIN, NULL);
	queue_end(c, &w);
}

uint32_t
bmp_told_peers(const struct collector *c)
{
	return c->told.count - (bitq_has(&c->told, RIB_LOCAL_PEER) ? 1 : 0);
}
