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
#include "lib/conf.h"
#include "lib/mem.h"

#define PREPARED_S	60 /* how long `weft prepare-restart` holds */
#define CLOSE_LIMIT_S	5  /* for bgpd to close its sessions */
#define FLUSH_LIMIT_S	20 /* for the kernel to take everything away */

enum step { STEP_NONE, STEP_CLOSING, STEP_FLUSHING };

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

void
lifecycle_stop(struct agent *a)
{
	struct lifecycle *lc = lifecycle(a);
	struct mono_us now = agent_now();
	bool restart = mono_before(now, a->restart_prepared_until);
	struct ipc_msg m = { .type = IPC_SHUTDOWN };

	if (a->stopping)
		return;
	a->stopping = true;
	lc->keep = restart || !a->conf || a->conf->kernel.on_stop == CONF_STOP_KEEP;
	events_addf(a->events, IPC_LVL_NOTICE, restart ? "restarting" : "stopping", "routes=%s",
	    lc->keep ? "kept" : "removed");
	start_step(lc, STEP_CLOSING, CLOSE_LIMIT_S);
	if (!bgpd_attached(a->bgpd)) {
		lifecycle_sessions_closed(a);
		return;
	}
	m.shutdown = (struct ipc_shutdown){ .mode = restart ? IPC_SHUT_RESTART : IPC_SHUT_STOP,
		.text = "weft is stopping" };
	bgpd_send(a->bgpd, &m, -1);
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
