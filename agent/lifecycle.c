/*
 * How the agent ends, and `weft flush`.
 *
 * Each step waits for the one before it with a limit: bgpd may be stuck, the
 * kernel may refuse; the agent still ends.
 */
#include "agent/lifecycle.h"

#include <event2/event.h>
#include <stdlib.h>

#include "agent/bgpd.h"
#include "agent/drains.h"
#include "agent/loops.h"
#include "agent/nat.h"
#include "lib/conf.h"
#include "lib/mem.h"

#define STOP_TEXT	"weft is stopping"
#define PREPARED_S	60 /* how long `weft prepare-restart` holds */
#define CLOSE_LIMIT_S	5  /* for bgpd to close its sessions */
#define FLUSH_LIMIT_S	20 /* for the kernel to take everything away */

#define STOP_SETTLE_S	20 /* of drain.settle at most: weftd waits 60 s for everything */

enum step { STEP_NONE, STEP_DRAINING, STEP_CLOSING, STEP_FLUSHING };

struct lifecycle {
	struct agent *agent;
	struct event *limit;
	enum step step;
	bool keep; /* leave the kernel as it is */
	void (*flush_done)(void *ctx, uint64_t removed);
	void *flush_ctx;
	uint64_t flush_n;
};

static void on_limit(evutil_socket_t fd, short what, void *arg);

static struct lifecycle *
lifecycle(struct agent *a)
{
	if (!a->lifecycle) {
		a->lifecycle = mem_zalloc(sizeof *a->lifecycle);
		a->lifecycle->agent = a;
		a->lifecycle->limit = event_new(a->base, -1, 0, on_limit, a->lifecycle);
	}
	return a->lifecycle;
}

static void
finish(struct lifecycle *lc)
{
	lc->step = STEP_NONE;
	event_base_loopbreak(lc->agent->base);
}

static void
start_step(struct lifecycle *lc, enum step step, int limit_s)
{
	struct timeval tv = { limit_s, 0 };

	lc->step = step;
	event_add(lc->limit, &tv);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct lifecycle *lc = arg;

	if (lc->step == STEP_CLOSING) {
		events_addf(lc->agent->events, IPC_LVL_WARN, "stop-slow",
		    "why=\"bgpd did not close its sessions within %d s\"", CLOSE_LIMIT_S);
		lifecycle_sessions_closed(lc->agent);
	} else if (lc->step == STEP_FLUSHING) {
		events_addf(lc->agent->events, IPC_LVL_ERR, "flush-slow",
		    "why=\"routes are still there after %d s\"", FLUSH_LIMIT_S);
		finish(lc);
	}
}

/* The sessions' end. */
static void
close_sessions(struct agent *a, enum ipc_shutdown_mode mode)
{
	struct ipc_msg m = { .type = IPC_SHUTDOWN };

	a->stopping = true;
	start_step(lifecycle(a), STEP_CLOSING, CLOSE_LIMIT_S);
	if (!bgpd_attached(a->bgpd)) {
		lifecycle_sessions_closed(a);
		return;
	}
	m.shutdown = (struct ipc_shutdown){ .mode = (uint8_t)mode, .text = STOP_TEXT };
	bgpd_send(a->bgpd, &m, -1);
}

static void
drained(struct agent *a)
{
	close_sessions(a, IPC_SHUT_STOP);
}

/* Peers are told before anything is taken from them: RFC 8326. Asked for again, it hurries. */
static void
drain(struct agent *a)
{
	const struct conf_drain *c = &a->conf->drain;
	uint64_t settle_us = (uint64_t)c->settle_ms * 1000;

	if (settle_us > STOP_SETTLE_S * 1000000)
		settle_us = STOP_SETTLE_S * 1000000;
	if (c->on_sigterm == CONF_SIGTERM_STOP)
		settle_us = 0;
	drains_stop(a->drains, c->gshut, settle_us, STOP_TEXT, drained);
}

void
lifecycle_stop(struct agent *a)
{
	struct lifecycle *lc = lifecycle(a);
	bool restart = mono_before(agent_now(), a->restart_prepared_until) ||
	    (a->conf && a->conf->drain.on_sigterm == CONF_SIGTERM_RESTART);

	if (a->stopping)
		return;
	if (lc->step == STEP_DRAINING) {
		drain(a);
		return;
	}
	lc->keep = restart || !a->conf || agent_observes(a) || a->conf->kernel.on_stop == CONF_STOP_KEEP;
	events_addf(a->events, IPC_LVL_NOTICE, restart ? "restarting" : "stopping", "routes=%s",
	    lc->keep ? "kept" : "removed");
	if (!restart)
		drains_discard(a->drains);
	if (restart || !a->conf || !bgpd_attached(a->bgpd)) {
		close_sessions(a, restart ? IPC_SHUT_RESTART : IPC_SHUT_STOP);
		return;
	}
	lc->step = STEP_DRAINING;
	drain(a);
}

bool
lifecycle_bgpd_lost(struct agent *a)
{
	struct lifecycle *lc = lifecycle(a);

	if (lc->step == STEP_DRAINING)
		close_sessions(a, IPC_SHUT_STOP); /* it has, by its end */
	else if (a->stopping)
		lifecycle_sessions_closed(a);
	return a->stopping;
}

void
lifecycle_sessions_closed(struct agent *a)
{
	struct lifecycle *lc = lifecycle(a);

	if (!a->stopping || lc->step != STEP_CLOSING)
		return;
	if (lc->keep || !a->kernel_seen) {
		finish(lc);
		return;
	}
	start_step(lc, STEP_FLUSHING, FLUSH_LIMIT_S);
	nat_flush(a->nat);
	loops_flush(a->loops);
	fib_flush(a->fib, agent_now());
	agent_kick(a);
}

void
lifecycle_flushed(struct agent *a)
{
	struct lifecycle *lc = lifecycle(a);
	void (*done)(void *, uint64_t) = lc->flush_done;

	if (a->stopping) {
		finish(lc);
		return;
	}
	events_addf(a->events, IPC_LVL_NOTICE, "flushed", "routes=%llu", (unsigned long long)lc->flush_n);
	lc->flush_done = NULL;
	if (done)
		done(lc->flush_ctx, lc->flush_n);
}

void
agent_flush(struct agent *a, void (*done)(void *ctx, uint64_t removed), void *ctx)
{
	struct lifecycle *lc = lifecycle(a);

	if (lc->flush_done) /* one after the other: the earlier one is answered now */
		lifecycle_flushed(a);
	lc->flush_done = done;
	lc->flush_ctx = ctx;
	nat_flush(a->nat);
	loops_flush(a->loops);
	lc->flush_n = fib_flush(a->fib, agent_now());
	agent_kick(a);
}

void
agent_prepare_restart(struct agent *a)
{
	a->restart_prepared_until = mono_add_s(agent_now(), PREPARED_S);
	events_addf(a->events, IPC_LVL_NOTICE, "restart-prepared", "for-s=%d", PREPARED_S);
}

void
lifecycle_free(struct agent *a)
{
	if (!a->lifecycle)
		return;
	event_free(a->lifecycle->limit);
	mem_free(a->lifecycle);
	a->lifecycle = NULL;
}
