/*
 * BMP collectors: configuration, connections, timers, views.  See bmp.h.
 *
 * A lost connection is tried again after retry_ms, then twice that and so on
 * up to 16 times that; a connection that lasted a minute clears the record
 * (RFC 7854 section 3.2 asks for a backoff).
 */
#include "bgpd/core/bmp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/core/bmp_int.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

#define BACKOFF_MAX 4 /* doublings */
#define LASTING_S   60

static struct collector *
collector_of(struct list *l)
{
	return container_of(l, struct collector, node);
}

static struct collector *
collector_find(const struct speaker *sp, uint32_t id)
{
	struct list *l;

	LIST_FOREACH(l, &sp->feeds.collectors)
		if (collector_of(l)->conf.id == id)
			return collector_of(l);
	return NULL;
}

static void
set_state(struct collector *c, struct mono_us now, enum ipc_bmp_state state)
{
	c->state = (uint8_t)state;
	c->since = now;
}

/* ---- connecting ------------------------------------------------------------------ */

static void
connect_now(struct collector *c, struct mono_us now)
{
	struct todo t = { .kind = TODO_BMP_CONNECT, .peer = c->conf.id };

	if (++c->sp->env.last_token == 0)
		c->sp->env.last_token = 1;
	t.token = c->token = c->sp->env.last_token;
	set_state(c, now, IPC_BMP_CONNECTING);
	speaker_todo(c->sp, &t);
}

static void
retry_fire(struct timer *t, struct mono_us now)
{
	connect_now(container_of(t, struct collector, retry), now);
}

/* Without a connection: try again after a pause. */
static void
wait_to_retry(struct collector *c, struct mono_us now)
{
	unsigned doublings = c->failures < BACKOFF_MAX ? c->failures : BACKOFF_MAX;
	uint64_t us = ((uint64_t)c->conf.retry_ms * 1000) << doublings;

	if (c->failures < UINT8_MAX)
		c->failures++;
	c->token = 0;
	set_state(c, now, IPC_BMP_WAITING);
	timer_set(&c->sp->timers, &c->retry,
	    mono_add_us(now, rng_jitter_us(&c->sp->rng, us, 75, 100)));
}

/* Keep why; true when that is news. */
static bool
set_reason(struct collector *c, const char *why)
{
	bool news = strcmp(c->reason, why) != 0;

	snprintf(c->reason, sizeof(c->reason), "%s", why);
	return news;
}

/* ---- connected -------------------------------------------------------------------- */

/* Forget the connection; the feed itself is the caller's business. */
static void
let_go(struct collector *c)
{
	timer_stop(&c->sp->timers, &c->stats);
	timer_stop(&c->sp->timers, &c->stall);
	c->dropped += c->waiting;
	c->waiting = 0;
	c->feed = NULL;
	bmp_tell_clear(c);
}

static void
lost(struct collector *c, struct mono_us now, const char *why)
{
	let_go(c);
	if (c->state >= IPC_BMP_DUMPING && mono_reached(now, mono_add_s(c->since, LASTING_S)))
		c->failures = 0;
	set_reason(c, why);
	speaker_event(c->sp, LOG_WARN, NULL, "bmp-down", "collector=%s why=\"%s\"", c->conf.name,
	    why);
	wait_to_retry(c, now);
}

static void
give_up(struct collector *c, struct mono_us now, const char *why)
{
	struct feed *f = c->feed;

	c->overflows++;
	lost(c, now, why);
	feed_abort(f);
}

void
bmp_overflow(struct collector *c)
{
	char why[IPC_TEXT_MAX];

	snprintf(why, sizeof(why), "it reads too slowly: %zu octets waited for it", c->feed->q.len);
	give_up(c, c->sp->now, why);
}

static void
stall_fire(struct timer *t, struct mono_us now)
{
	struct collector *c = container_of(t, struct collector, stall);
	char why[IPC_TEXT_MAX];

	snprintf(why, sizeof(why), "it has stopped reading: nothing was taken for %" PRIu32 " ms",
	    c->conf.stall_ms);
	give_up(c, now, why);
}

static void
stats_arm(struct collector *c, struct mono_us now)
{
	if (c->conf.stats_s > 0)
		timer_set(&c->sp->timers, &c->stats, mono_add_s(now, c->conf.stats_s));
}

static void
stats_fire(struct timer *t, struct mono_us now)
{
	struct collector *c = container_of(t, struct collector, stats);

	stats_arm(c, now);
	bmp_tell_stats(c, now);
}

static void
on_blocked(struct feed *f, struct mono_us now, struct mono_us since)
{
	struct collector *c = f->owner;

	timer_set(&c->sp->timers, &c->stall, /* NEVER stays NEVER */
	    mono_add_ms(since, c->conf.stall_ms));
}

static void
on_closed(struct feed *f, struct mono_us now, int err)
{
	char why[IPC_TEXT_MAX];

	if (err == 0)
		snprintf(why, sizeof(why), "it has closed the connection");
	else
		snprintf(why, sizeof(why), "the connection failed (errno %d)", err);
	lost(f->owner, now, why);
}

static const struct feed_ops ops = {
	.pull = bmp_pull,
	.wants = bmp_wants,
	.blocked = on_blocked,
	.closed = on_closed,
};

uint32_t
speaker_bmp_connected(struct speaker *sp, struct mono_us now, uint32_t id, uint32_t token)
{
	struct collector *c = collector_find(sp, id);

	sp->now = now;
	if (!c || token == 0 || c->token != token || sp->shutting_down)
		return 0;
	c->token = 0;
	c->connects++;
	c->reason[0] = '\0';
	set_state(c, now, IPC_BMP_DUMPING);
	c->feed = feed_new(sp, &ops, c, BMP_QUEUE_OCTETS);
	bmp_tell_begin(c);
	stats_arm(c, now);
	speaker_event(sp, LOG_NOTICE, NULL, "bmp-up", "collector=%s", c->conf.name);
	feed_kick(c->feed);
	return c->feed->id;
}

void
speaker_bmp_failed(struct speaker *sp, struct mono_us now, uint32_t id, uint32_t token, int err,
    const char *why)
{
	struct collector *c = collector_find(sp, id);

	sp->now = now;
	if (!c || token == 0 || c->token != token)
		return;
	if (set_reason(c, why))
		speaker_event(sp, LOG_WARN, NULL, "bmp-failed", "collector=%s errno=%d why=\"%s\"",
		    c->conf.name, err, why);
	wait_to_retry(c, now);
}

/* ---- configuration -------------------------------------------------------------------- */

/* Say goodbye, if there is somebody to say it to; what is queued is still sent. */
static void
disconnect(struct collector *c)
{
	struct feed *f = c->feed;

	if (f)
		bmp_tell_end(c);
	if (!c->feed) /* there was none, or not even that fitted in */
		return;
	c->messages += c->waiting;
	c->octets += f->q.len;
	c->waiting = 0;
	let_go(c);
	feed_close(f);
}

static void
collector_free(struct collector *c)
{
	timer_stop(&c->sp->timers, &c->retry);
	let_go(c);
	list_remove(&c->node);
	mem_free(c);
}

static void
collector_stop(struct collector *c)
{
	disconnect(c);
	collector_free(c);
}

static void
collector_start(struct speaker *sp, struct mono_us now, const struct ipc_conf_bmp *conf)
{
	struct collector *c = mem_zalloc(sizeof(*c));

	c->sp = sp;
	c->conf = *conf;
	c->asn = sp->conf.asn;
	c->router_id = sp->conf.router_id;
	c->kept = true;
	c->retry.fire = retry_fire;
	c->stats.fire = stats_fire;
	c->stall.fire = stall_fire;
	list_init(&c->node);
	list_push_back(&sp->feeds.collectors, &c->node);
	connect_now(c, now);
}

/* Would its connection be another one? */
static bool
is_same(const struct collector *c, const struct ipc_conf_bmp *conf)
{
	return memcmp(&c->conf, conf, sizeof(*conf)) == 0 && c->asn == c->sp->conf.asn &&
	    c->router_id == c->sp->conf.router_id;
}

void
speaker_bmp_configure(struct speaker *sp, struct mono_us now, const struct ipc_conf_bmp *v,
    size_t n)
{
	struct list *l, *tmp;
	size_t k;

	sp->now = now;
	LIST_FOREACH(l, &sp->feeds.collectors)
		collector_of(l)->kept = false;
	for (k = 0; k < n; k++) {
		struct collector *c = collector_find(sp, v[k].id);

		if (c && is_same(c, &v[k])) {
			c->kept = true;
			continue;
		}
		if (c)
			collector_stop(c);
		collector_start(sp, now, &v[k]);
	}
	LIST_FOREACH_SAFE(l, tmp, &sp->feeds.collectors)
		if (!collector_of(l)->kept)
			collector_stop(collector_of(l));
}

/* ---- the end ------------------------------------------------------------------------------ */

void
bmp_shutdown(struct speaker *sp, struct mono_us now)
{
	struct list *l;

	LIST_FOREACH(l, &sp->feeds.collectors) {
		struct collector *c = collector_of(l);

		disconnect(c);
		timer_stop(&sp->timers, &c->retry);
		c->token = 0;
		set_reason(c, "this speaker ends");
		set_state(c, now, IPC_BMP_WAITING);
	}
}

void
bmp_free(struct speaker *sp)
{
	while (!list_is_empty(&sp->feeds.collectors))
		collector_free(collector_of(list_first(&sp->feeds.collectors)));
}

/* ---- views ---------------------------------------------------------------------------------- */

/* The collector of the smallest id from pos on. */
static const struct collector *
collector_from(const struct speaker *sp, uint64_t pos)
{
	const struct collector *best = NULL;
	struct list *l;

	LIST_FOREACH(l, &sp->feeds.collectors) {
		const struct collector *c = collector_of(l);

		if (c->conf.id >= pos && (!best || c->conf.id < best->conf.id))
			best = c;
	}
	return best;
}

bool
speaker_next_bmp(struct speaker *sp, struct mono_us now, struct speaker_cursor *cur,
    struct ipc_row_bmp *ret)
{
	const struct collector *c = collector_from(sp, cur->pos);

	sp->now = now;
	if (!c)
		return false;
	cur->pos = c->conf.id + UINT64_C(1);
	memset(ret, 0, sizeof(*ret));
	ret->query = cur->q.id;
	ret->id = c->conf.id;
	ret->state = c->state;
	ret->state_age_us = mono_diff_us(now, c->since);
	snprintf(ret->reason, sizeof(ret->reason), "%s", c->reason);
	ret->messages = c->messages;
	ret->octets = c->octets;
	ret->dropped = c->dropped;
	ret->queued_octets = c->feed ? c->feed->q.len : 0;
	ret->connects = c->connects;
	ret->overflows = c->overflows;
	ret->peers = bmp_told_peers(c);
	return true;
}
