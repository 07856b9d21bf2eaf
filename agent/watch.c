/*
 * Is bgpd alive; see watch.h.
 *
 * Whatever it says counts, not only the answer: one that is busy speaks.  Its
 * slices are bounded, so that silence over several beats is not work.
 */
#include "agent/watch.h"

#include "agent/bgpd.h"
#include "agent/launcher.h"
#include "lib/mem.h"

struct watch {
	struct agent *agent;
	uint32_t query;	  /* under way, 0: none */
	uint64_t heard;	  /* bgpd's messages at the last beat */
	unsigned silent;  /* beats */
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
give_up(struct watch *w, uint32_t interval_ms)
{
	struct agent *a = w->agent;

	events_addf(a->events, IPC_LVL_ERR, "bgpd-hung", "pid=%d why=\"no answer for %u s\"",
	    (int)a->bgpd_child.pid, (interval_ms * LAUNCH_PINGS_MISSED + 999) / 1000);
	a->bgpd_child.hung = true;
	launcher_restart_bgpd(a->launcher, "no answer for too long");
	w->silent = 0;
}

void
watch_beat(struct watch *w, uint32_t interval_ms)
{
	struct agent *a = w->agent;

	if (a->stopping || !a->kernel_seen || !bgpd_attached(a->bgpd)) {
		watch_reset(w);
		return;
	}
	w->silent = w->heard == a->bgpd_child.heard ? w->silent + 1 : 0;
	w->heard = a->bgpd_child.heard;
	if (w->silent >= LAUNCH_PINGS_MISSED)
		give_up(w, interval_ms);
	else
		ask(w);
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
watch_new(struct agent *a)
{
	struct watch *w = mem_zalloc(sizeof *w);

	w->agent = a;
	w->heard = UINT64_MAX;
	return w;
}

void
watch_free(struct watch *w)
{
	mem_free(w);
}
