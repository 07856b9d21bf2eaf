/*
 * MRT dumps and recordings.  See mrt.h.
 *
 * The PEER_INDEX_TABLE of a dump has this node first (its own routes), then the
 * peers known at its begin; who comes later is not in it.  A destination with
 * more paths than one record holds gets several records.
 */
#include "bgpd/core/mrt.h"

#include <stdio.h>
#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/feed.h"
#include "bgpd/core/mrt_enc.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

#define VIEW_NAME  "weft"
#define STEPS_MAX  8192 /* destinations looked at in one pull */
#define RECORD_MIN 4096 /* room for a record of a few paths */

struct mrt {
	struct list node;
	struct speaker *sp;
	struct feed *feed;
	uint32_t id;
	uint8_t kind;  /* enum ipc_mrt_kind */
	uint32_t peer; /* RECORD: of the configuration; IPC_PEER_NONE: all */
	uint64_t records, octets, lost;
	char why[IPC_TEXT_MAX]; /* it ends early: the reason */

	/* RIB */
	uint32_t *peers; /* by index: id of the configuration at the begin, 0: not in the table */
	uint16_t npeers;
	uint16_t *place; /* by index: in the PEER_INDEX_TABLE */
	unsigned i;	 /* family; AF_COUNT: done */
	uint32_t dest, path; /* where the walk stands; path 0: at the destination's first */
	uint32_t seq;
};

/* ---- the RIB ------------------------------------------------------------------------ */

static void
queue_peers(struct mrt *m)
{
	struct speaker *sp = m->sp;
	size_t cap = 64 + (size_t)sp->npeers * MRT_PEER_OCTETS;
	struct wr w = wr_init(outq_room(&m->feed->q, cap), cap);
	struct mrt_mark t =
	    mrt_peers_open(&w, feed_wall_us(sp, sp->now), sp->conf.router_id, VIEW_NAME);
	struct mrt_peer own = { .id = sp->conf.router_id, .asn = sp->conf.asn };
	uint16_t k;

	m->npeers = sp->npeers;
	m->peers = mem_zalloc_array(m->npeers, sizeof(*m->peers));
	m->place = mem_zalloc_array(m->npeers, sizeof(*m->place));
	mrt_peers_add(&w, &t, &own);
	for (k = 1; k < m->npeers; k++) {
		const struct rpeer *rp = sp->peer[k];
		struct mrt_peer p;

		if (!rp || !rp->peer)
			continue;
		m->peers[k] = rp->id;
		m->place[k] = t.n;
		p = (struct mrt_peer){ rp->src.router_id, rp->peer->neg.remote_asn, rp->addr };
		if (p.asn == 0) /* never up */
			p.asn = rp->conf.asn;
		mrt_peers_add(&w, &t, &p);
	}
	mrt_peers_close(&w, &t);
	outq_commit(&m->feed->q, wr_len(&w));
	m->records++;
}

/* Is the path one for the dump? */
static bool
is_dumped(const struct mrt *m, const struct path *p)
{
	const struct rpeer *rp;

	if (path_reason(p) != REJECT_NONE || !adjin_live(m->sp, m->i, p))
		return false;
	if (p->peer == RIB_LOCAL_PEER)
		return true;
	rp = m->sp->peer[p->peer];
	return p->peer < m->npeers && m->peers[p->peer] != 0 && m->peers[p->peer] == rp->id;
}

/* The path to go on with; one that has gone meanwhile: 0, the rest is not in the dump. */
static uint32_t
dump_from(const struct mrt *m)
{
	const struct rib *rib = &m->sp->rib[m->i];
	const struct path *p;

	if (m->path == 0)
		return rib_dest(rib, m->dest)->paths;
	p = rib_path(rib, m->path);
	return p->attrs && p->dest == m->dest ? m->path : 0;
}

/*
 * The paths of the destination from m->path on, as one record; m->path 0 afterwards: that was
 * all. False: not even one fits in, again with all of the buffer.
 */
static bool
put_dest(struct mrt *m, struct wr *w, bool addpath)
{
	struct speaker *sp = m->sp;
	const struct rib *rib = &sp->rib[m->i];
	struct ip_prefix prefix = rib_prefix(rib, m->dest);
	uint32_t id = dump_from(m);
	struct mrt_mark mark =
	    mrt_rib_open(w, feed_wall_us(sp, sp->now), m->seq, &prefix, addpath);

	m->path = 0;
	for (; id; id = rib_path(rib, id)->next) {
		const struct path *p = rib_path(rib, id);
		struct mrt_path e = { .peer = m->place[p->peer < m->npeers ? p->peer : 0],
			.since_s = (uint32_t)(feed_wall_us(sp, mono_add_s(sp->start, p->since_s)) /
					      1000000),
			.path_id = rib_path_id(rib, id),
			.attrs = p->attrs };

		if (!is_dumped(m, p))
			continue;
		if (mrt_rib_add(w, &mark, rib->af, addpath, &e))
			continue;
		if (mark.n == 0 && mark.start == 0) { /* into no record at all */
			m->lost++;
			continue;
		}
		m->path = id;
		break;
	}
	if (mark.n == 0) {
		wr_rewind(w, mark.start);
		return m->path == 0;
	}
	mrt_rib_close(w, &mark);
	m->seq++;
	m->records++;
	return true;
}

/* Did a peer send several paths (RFC 7911)? Then the record has their ids. */
static bool
has_path_ids(const struct rib *rib, uint32_t dest)
{
	uint32_t id = rib_dest(rib, dest)->paths;

	while (id && rib_path_id(rib, id) == 0)
		id = rib_path(rib, id)->next;
	return id != 0;
}

/* Move on unless the destination has more paths than went into the record. False: buffer full. */
static bool
dump_step(struct mrt *m, struct wr *w)
{
	const struct rib *rib = &m->sp->rib[m->i];

	if (m->dest >= slots_end(&rib->dests)) {
		m->i++;
		m->dest = 1;
		return true;
	}
	if (rib_is_dest(rib, m->dest) && !put_dest(m, w, has_path_ids(rib, m->dest)))
		return false;
	if (m->path == 0)
		m->dest++;
	return true;
}

static void
dump(struct mrt *m, struct wr *w)
{
	int steps = STEPS_MAX;

	while (m->i < AF_COUNT && steps-- > 0 && wr_room(w) >= RECORD_MIN && dump_step(m, w))
		;
	if (m->i == AF_COUNT)
		feed_end(m->feed);
}

/* ---- recordings ---------------------------------------------------------------------------- */

/* False: no room, and it is lost. */
static bool
record_begin(struct mrt *m, size_t n, struct wr *ret)
{
	uint8_t *room = m->feed->ending ? NULL : outq_room(&m->feed->q, n);

	if (!room) {
		m->lost += !m->feed->ending;
		return false;
	}
	*ret = wr_init(room, n);
	return true;
}

static void
record_end(struct mrt *m, const struct wr *w)
{
	outq_commit(&m->feed->q, wr_len(w));
	m->records++;
	feed_kick(m->feed);
}

static struct mrt_session
session_of(const struct peer *p, const struct ipc_endpoints *ep, bool sent)
{
	uint32_t remote = p->neg.remote_asn ? p->neg.remote_asn : p->conf.asn;
	struct mrt_session s = { .peer_asn = remote,
		.local_asn = p->conf.local_asn ? p->conf.local_asn : p->env->conf->asn,
		.peer = p->addr.af != IP_NONE ? p->addr : p->conf.addr,
		.as4 = !p->up || p->neg.as4 };

	if (ep) {
		s.peer = ep->remote;
		s.local = ep->local;
		s.ifindex = ep->ifindex <= UINT16_MAX ? (uint16_t)ep->ifindex : 0;
	}
	if (p->up)
		s.addpath = (sent ? p->ctx.addpath_tx : p->ctx.addpath_rx) != 0;
	return s;
}

static bool
is_recorded(const struct mrt *m, const struct peer *p)
{
	return m->kind == IPC_MRT_RECORD && (m->peer == IPC_PEER_NONE || m->peer == p->conf.id);
}

void
mrt_message(struct peer *p, const struct conn *c, bool sent, const uint8_t *msg, size_t octets)
{
	struct speaker *sp = peer_speaker(p);
	struct mrt_session s = session_of(p, &c->ep, sent);
	struct list *l;
	struct wr w;

	LIST_FOREACH(l, &sp->feeds.mrts) {
		struct mrt *m = container_of(l, struct mrt, node);

		if (!is_recorded(m, p) || !record_begin(m, MRT_MESSAGE_OCTETS + octets, &w))
			continue;
		mrt_encode_message(&w, feed_wall_us(sp, sp->now), &s, sent, msg, octets);
		record_end(m, &w);
	}
}

void
mrt_state(struct peer *p, enum fsm_state was, enum fsm_state now)
{
	struct speaker *sp = peer_speaker(p);
	struct mrt_session s = session_of(p, p->ep.remote.af ? &p->ep : NULL, false);
	struct list *l;
	struct wr w;

	LIST_FOREACH(l, &sp->feeds.mrts) {
		struct mrt *m = container_of(l, struct mrt, node);

		if (!is_recorded(m, p) || !record_begin(m, MRT_MESSAGE_OCTETS, &w))
			continue;
		mrt_encode_state(&w, feed_wall_us(sp, sp->now), &s, (uint16_t)was + 1,
		    (uint16_t)now + 1); /* ours begin at 0 */
		record_end(m, &w);
	}
}

/* ---- life --------------------------------------------------------------------------------------- */

static void
tell_done(struct speaker *sp, const struct mrt *m, int err)
{
	struct todo t = { .kind = TODO_MRT_DONE };

	t.mrt = (struct ipc_mrt_done){ .id = m->id,
		.err = err,
		.records = m->records,
		.octets = m->octets,
		.lost = m->lost };
	snprintf(t.mrt.why, sizeof(t.mrt.why), "%s", m->why);
	speaker_todo(sp, &t);
}

static void
mrt_destroy(struct mrt *m)
{
	list_remove(&m->node);
	mem_free(m->peers);
	mem_free(m->place);
	mem_free(m);
}

static size_t
on_pull(struct feed *f, struct mono_us now, uint8_t *buf, size_t cap)
{
	struct mrt *m = f->owner;
	size_t n = outq_take(&f->q, buf, cap);
	struct wr w = wr_init(buf, cap);

	if (n == 0 && m->kind == IPC_MRT_RIB && !f->ending) {
		dump(m, &w);
		n = wr_len(&w);
	}
	m->octets += n;
	return n;
}

static bool
on_wants(const struct feed *f)
{
	const struct mrt *m = f->owner;

	return m->kind == IPC_MRT_RIB && !f->ending;
}

static void
on_closed(struct feed *f, struct mono_us now, int err)
{
	struct mrt *m = f->owner;

	if (err != 0 || !f->ending)
		speaker_event(m->sp, LOG_WARN, NULL, "mrt-broken", "errno=%d records=%llu", err,
		    (unsigned long long)m->records);
	tell_done(m->sp, m, err);
	mrt_destroy(m);
}

static const struct feed_ops ops = { .pull = on_pull, .wants = on_wants, .closed = on_closed };

static struct mrt *
mrt_find(const struct speaker *sp, uint32_t id)
{
	struct list *l;

	LIST_FOREACH(l, &sp->feeds.mrts)
		if (container_of(l, struct mrt, node)->id == id)
			return container_of(l, struct mrt, node);
	return NULL;
}

static unsigned
mrt_count(const struct speaker *sp)
{
	struct list *l;
	unsigned n = 0;

	LIST_FOREACH(l, &sp->feeds.mrts)
		n++;
	return n;
}

uint32_t
speaker_mrt_start(struct speaker *sp, struct mono_us now, const struct ipc_mrt_start *conf)
{
	struct mrt *m = mem_zalloc(sizeof(*m));

	sp->now = now;
	m->sp = sp;
	m->id = conf->id;
	m->kind = conf->kind;
	m->peer = conf->peer;
	m->dest = 1;
	list_init(&m->node);
	if (sp->shutting_down || mrt_count(sp) >= MRT_MAX || mrt_find(sp, conf->id)) {
		snprintf(m->why, sizeof(m->why), "%s",
		    sp->shutting_down ? "weft-bgpd is ending" : "too many dumps and recordings at a time");
		tell_done(sp, m, 0);
		mrt_destroy(m);
		return 0;
	}
	list_push_back(&sp->feeds.mrts, &m->node);
	m->feed = feed_new(sp, &ops, m, MRT_QUEUE_OCTETS);
	if (m->kind == IPC_MRT_RIB)
		queue_peers(m);
	speaker_event(sp, LOG_INFO, NULL, "mrt-start", "kind=%s",
	    m->kind == IPC_MRT_RIB ? "rib" : "record");
	feed_kick(m->feed);
	return m->feed->id;
}

void
speaker_mrt_stop(struct speaker *sp, struct mono_us now, uint32_t id)
{
	struct mrt *m = mrt_find(sp, id);

	sp->now = now;
	if (m)
		feed_end(m->feed);
}

/* A second for what is left; then the end is told like any other. */
void
mrt_shutdown(struct speaker *sp, struct mono_us now)
{
	struct list *l;

	LIST_FOREACH(l, &sp->feeds.mrts) {
		struct mrt *m = container_of(l, struct mrt, node);
		struct todo t = { .kind = TODO_FEED_CLOSE, .conn = m->feed->id };

		snprintf(m->why, sizeof(m->why), "weft-bgpd is ending");
		feed_end(m->feed);
		speaker_todo(sp, &t);
	}
}

void
mrt_free(struct speaker *sp)
{
	while (!list_is_empty(&sp->feeds.mrts)) {
		struct mrt *m = container_of(list_first(&sp->feeds.mrts), struct mrt, node);

		m->feed->owner = NULL;
		mrt_destroy(m);
	}
}
