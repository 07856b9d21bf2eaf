/*
 * Monitoring feeds: queues, the shell's view of them, and who is told what
 * happened.  See feed.h.
 */
#include "bgpd/core/feed.h"

#include <string.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/bmp.h"
#include "bgpd/core/mrt.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

#define OUTQ_MIN 4096

/* ---- queues --------------------------------------------------------------------- */

/* Move what is queued to the front of a buffer of at least n octets more. */
static void
outq_grow(struct outq *q, size_t n)
{
	size_t cap = q->cap ? q->cap : OUTQ_MIN;
	uint8_t *buf;

	while (cap < q->len + n)
		cap *= 2;
	if (cap == q->cap) {
		memmove(q->buf, q->buf + q->head, q->len);
	} else {
		buf = mem_alloc(cap);
		if (q->len > 0)
			memcpy(buf, q->buf + q->head, q->len);
		mem_free(q->buf);
		q->buf = buf;
		q->cap = cap;
	}
	q->head = 0;
}

uint8_t *
outq_room(struct outq *q, size_t n)
{
	if (n > q->max || q->len > q->max - n)
		return NULL;
	if (q->cap - q->head - q->len < n)
		outq_grow(q, n);
	return q->buf + q->head + q->len;
}

void
outq_commit(struct outq *q, size_t n)
{
	q->len += n;
}

size_t
outq_take(struct outq *q, uint8_t *buf, size_t cap)
{
	size_t n = q->len < cap ? q->len : cap;

	if (n == 0)
		return 0;
	memcpy(buf, q->buf + q->head, n);
	q->head += n;
	q->len -= n;
	if (q->len == 0)
		outq_free(q);
	return n;
}

void
outq_free(struct outq *q)
{
	mem_free(q->buf);
	*q = (struct outq){ .max = q->max };
}

/* ---- feeds ------------------------------------------------------------------------- */

void
feeds_init(struct speaker *sp)
{
	list_init(&sp->feeds.open);
	list_init(&sp->feeds.collectors);
	list_init(&sp->feeds.mrts);
}

static void
feed_free(struct feed *f)
{
	list_remove(&f->node);
	outq_free(&f->q);
	mem_free(f);
}

void
feeds_free(struct speaker *sp)
{
	bmp_free(sp);
	mrt_free(sp);
	while (!list_is_empty(&sp->feeds.open))
		feed_free(container_of(list_first(&sp->feeds.open), struct feed, node));
}

static struct feed *
feed_find(const struct speaker *sp, uint32_t id)
{
	struct list *l;

	LIST_FOREACH(l, &sp->feeds.open)
		if (container_of(l, struct feed, node)->id == id)
			return container_of(l, struct feed, node);
	return NULL;
}

struct feed *
feed_new(struct speaker *sp, const struct feed_ops *ops, void *owner, size_t max)
{
	struct feed *f = mem_zalloc(sizeof(*f));

	do {
		sp->feeds.last_id++;
	} while (sp->feeds.last_id == 0 || feed_find(sp, sp->feeds.last_id));
	f->id = sp->feeds.last_id;
	f->sp = sp;
	f->ops = ops;
	f->owner = owner;
	f->q.max = max;
	list_init(&f->node);
	list_push_back(&sp->feeds.open, &f->node);
	return f;
}

static void
feed_todo(struct feed *f, enum todo_kind kind)
{
	struct todo t = { .kind = kind, .conn = f->id };

	speaker_todo(f->sp, &t);
}

void
feed_kick(struct feed *f)
{
	if (f->write_asked)
		return;
	f->write_asked = true;
	feed_todo(f, TODO_FEED_WRITE);
}

void
feed_end(struct feed *f)
{
	f->ending = true;
	feed_kick(f);
}

void
feed_close(struct feed *f)
{
	f->owner = NULL;
	f->ending = true;
	feed_todo(f, TODO_FEED_CLOSE);
}

void
feed_abort(struct feed *f)
{
	feed_todo(f, TODO_FEED_ABORT);
	feed_free(f);
}

uint64_t
feed_wall_us(const struct speaker *sp, struct mono_us t)
{
	return t.us + (uint64_t)sp->feeds.wall_offset_us;
}

/* ---- the shell's view ------------------------------------------------------------------ */

void
speaker_wall(struct speaker *sp, int64_t offset_us)
{
	sp->feeds.wall_offset_us = offset_us;
}

size_t
speaker_feed_output(struct speaker *sp, struct mono_us now, uint32_t feed, uint8_t *buf, size_t cap)
{
	struct feed *f = feed_find(sp, feed);

	sp->now = now;
	if (!f)
		return 0;
	f->write_asked = false;
	return f->owner ? f->ops->pull(f, now, buf, cap) : outq_take(&f->q, buf, cap);
}

bool
speaker_feed_pending(const struct speaker *sp, uint32_t feed)
{
	const struct feed *f = feed_find(sp, feed);

	return f && (f->q.len > 0 || (f->owner && f->ops->wants(f)));
}

bool
speaker_feed_ended(const struct speaker *sp, uint32_t feed)
{
	const struct feed *f = feed_find(sp, feed);

	return !f || (f->ending && f->q.len == 0);
}

void
speaker_feed_blocked(struct speaker *sp, struct mono_us now, uint32_t feed, struct mono_us since)
{
	struct feed *f = feed_find(sp, feed);

	sp->now = now;
	if (f && f->owner && f->ops->blocked)
		f->ops->blocked(f, now, since);
}

void
speaker_feed_closed(struct speaker *sp, struct mono_us now, uint32_t feed, int err)
{
	struct feed *f = feed_find(sp, feed);

	sp->now = now;
	if (!f)
		return;
	if (f->owner)
		f->ops->closed(f, now, err);
	feed_free(f);
}

/* ---- what happened ----------------------------------------------------------------------- */

/* The NOTIFICATION that ends the session: a Peer Down carries it. */
static void
keep_notification(struct rpeer *rp, bool sent, const uint8_t *msg, size_t octets)
{
	mem_free(rp->notification.p);
	rp->notification.p = mem_dup(msg, octets);
	rp->notification.octets = (uint16_t)octets;
	rp->notification.sent = sent;
}

void
feeds_message(struct peer *p, const struct conn *c, bool sent, const uint8_t *msg, size_t octets)
{
	struct speaker *sp = peer_speaker(p);
	struct rpeer *rp = p->rib;
	uint8_t type = msg[BGP_HEADER_OCTETS - 1];

	if (!list_is_empty(&sp->feeds.collectors) && p->up && p->up->conn == c) {
		if (type == BGP_NOTIFICATION)
			keep_notification(rp, sent, msg, octets);
		else if (type == BGP_UPDATE && sent)
			bmp_sent(rp, msg, octets);
	}
	if (!list_is_empty(&sp->feeds.mrts))
		mrt_message(p, c, sent, msg, octets);
}

void
feeds_state(struct peer *p, enum fsm_state was, enum fsm_state now)
{
	if (!list_is_empty(&peer_speaker(p)->feeds.mrts))
		mrt_state(p, was, now);
}

void
feeds_up(struct rpeer *rp)
{
	bmp_up(rp);
}

void
feeds_down(struct rpeer *rp)
{
	bmp_down(rp);
	mem_free(rp->notification.p);
	rp->notification.p = NULL;
	rp->notification.octets = 0;
}

void
feeds_end_of_rib(struct rpeer *rp, unsigned i)
{
	bmp_end_of_rib(rp, i);
}

void
feeds_path(struct speaker *sp, unsigned i, uint32_t path, bool was_accepted)
{
	if (!list_is_empty(&sp->feeds.collectors))
		bmp_path(sp, i, path, was_accepted);
}

void
feeds_path_gone(struct speaker *sp, unsigned i, uint32_t path)
{
	if (!list_is_empty(&sp->feeds.collectors))
		bmp_path_gone(sp, i, path);
}

void
feeds_decided(struct speaker *sp, unsigned i, uint32_t dest, bool changed)
{
	struct dest *d = rib_dest(&sp->rib[i], dest);
	bool had = d->flags & DEST_BEST, has = d->used > 0;

	d->flags = (uint8_t)((d->flags & ~DEST_BEST) | (has ? DEST_BEST : 0));
	if (list_is_empty(&sp->feeds.collectors))
		return;
	if (has && (changed || !had))
		bmp_best(sp, i, dest);
	else if (!has && had)
		bmp_best_gone(sp, i, dest);
}

void
feeds_shutdown(struct speaker *sp, struct mono_us now)
{
	bmp_shutdown(sp, now);
	mrt_shutdown(sp, now);
}
