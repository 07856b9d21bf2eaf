/*
 * Is bgpd alive; see watch.h.
 *
 * Whatever it does counts, not only the answer: one that is busy speaks, and its
 * loop turns.  It is asked only when it has done nothing since the last beat, so
 * that nobody is woken for nothing.  Its slices are bounded, so that silence over
 * several beats is not work.
 */
#include "agent/watch.h"

#include <event2/event.h>

#include "agent/bgpd.h"
#include "agent/launcher.h"
#include "agent/quarantine.h"
#include "lib/mem.h"

struct watch {
	struct agent *agent;
	void (*beat)(void *a);
	struct event *ev;
	uint32_t interval_ms; /* 0: not started */
	uint32_t query;	      /* under way, 0: none */
	uint64_t heard;	      /* bgpd's messages at the last beat */
	uint32_t turns;	      /* and those of its loop */
	unsigned silent;      /* beats */
};

static void
on_row(void *ctx, const struct ipc_msg *msg)
{
}

static void
on_end(void *ctx, uint8_t status, bool lost)
{
	struct watch *w = ctx;

	w->query = 0;
}

static void
ask(struct watch *w)
{
	static const struct query_ops ops = { on_row, on_end };
	const struct ipc_query q = { .kind = IPC_Q_STATS, .credit = 1 };

	if (w->query == 0)
		w->query = agent_query(w->agent, &q, &ops, w);
}

static void
give_up(struct watch *w)
{
	struct agent *a = w->agent;

	events_addf(a->events, IPC_LVL_ERR, "bgpd-hung", "pid=%d why=\"no answer for %u s\"",
	    (int)a->bgpd_child.pid, (w->interval_ms * LAUNCH_PINGS_MISSED + 999) / 1000);
	a->bgpd_child.hung = true;
	launcher_restart_bgpd(a->launcher, "no answer for too long");
	w->silent = 0;
}

static void
look_at_bgpd(struct watch *w)
{
	struct agent *a = w->agent;
	uint32_t turns = quarantine_bgpd_turns(a->quarantine);

	if (a->stopping || !a->kernel_seen || !bgpd_attached(a->bgpd)) {
		watch_reset(w);
		return;
	}
	w->silent = w->heard == a->bgpd_child.heard && w->turns == turns ? w->silent + 1 : 0;
	w->heard = a->bgpd_child.heard;
	w->turns = turns;
	if (w->silent >= LAUNCH_PINGS_MISSED)
		give_up(w);
	else if (w->silent > 0)
		ask(w);
}

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	w->beat(w->agent);
	look_at_bgpd(w);
}

void
watch_start(struct watch *w, uint32_t interval_ms)
{
	struct timeval tv = { .tv_sec = interval_ms / 1000, .tv_usec = interval_ms % 1000 * 1000 };

	if (w->interval_ms == interval_ms)
		return;
	w->interval_ms = interval_ms;
	event_add(w->ev, &tv);
}

void
watch_reset(struct watch *w)
{
	if (w->query != 0)
		agent_query_cancel(w->agent, w->query);
	w->query = 0;
	w->silent = 0;
	w->heard = w->agent->bgpd_child.heard - 1; /* the next beat is the first */
}

struct watch *
watch_new(struct agent *a, void (*beat)(void *a))
{
	struct watch *w = mem_zalloc(sizeof *w);

	w->agent = a;
	w->beat = beat;
	w->heard = UINT64_MAX;
	w->ev = event_new(a->base, -1, EV_PERSIST, on_beat, w);
	return w;
}

void
watch_free(struct watch *w)
{
	if (!w)
		return;
	event_free(w->ev);
	mem_free(w);
}
