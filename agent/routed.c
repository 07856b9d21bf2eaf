/*
 * See routed.h.
 *
 * bgpd says that a session has told all its routes before it has decided on them: it is asked how
 * much it has left to do until two answers in a row say that nothing was done in between.
 */
#include "agent/routed.h"

#include <event2/event.h>
#include <stdio.h>

#include "agent/bgpd.h"
#include "agent/cni.h"
#include "agent/core/fib.h"
#include "agent/kube/kube.h"
#include "agent/source.h"
#include "lib/mem.h"

#define ASK_US 50000 /* between two looks at what tells nothing by itself */

/*
 * A look goes over all peers: it is for whatever is told meanwhile, and comes the later the more
 * peers there are, so that a thousand that come up do not have it take a part of that time which
 * grows with their number.
 */
#define SOON_US		 2000
#define SOON_US_PER_PEER 10
#define SOON_US_MAX	 100000

struct routed {
	struct agent *a;
	struct converge c;
	struct event *ev, *soon; /* soon: something was told */
	uint32_t query; /* 0: none is under way */
	bool asked;	/* there is an earlier answer */
	uint64_t work;	/* bgpd's decisions and updates as of it */
	bool idle;	/* bgpd has nothing left to do */
};

/* ---- facts --------------------------------------------------------------------- */

static bool
should_come_up(const struct agent_peer *p)
{
	return p->conf && p->conf->enabled && !p->dynamic && !p->problem[0] &&
	       p->drain == IPC_DRAIN_NONE;
}

static bool
kernel_has_all(const struct agent *a)
{
	struct fib_stats st;

	fib_stats(a->fib, &st);
	return !a->conf->kernel.install || (st.synced && !st.stale);
}

static struct converge_facts
facts(const struct routed *r)
{
	const struct agent *a = r->a;
	struct converge_facts f = { .known = a->conf && a->kernel_seen };

	f.known = f.known && (!kube_is_on(a->kube) ||
	    (a->cluster && a->conf->node.pod_cidrs.n > 0));
	if (!f.known)
		return f;
	f.own = source_own_announced(a);
	f.bgpd = r->idle;
	f.kernel = kernel_has_all(a);
	for (size_t i = 0; i < a->npeers; i++)
		f.peers += should_come_up(&a->peers[i]);
	return f;
}

/* ---- bgpd's backlog -------------------------------------------------------------- */

static void
stats_row(void *ctx, const struct ipc_msg *m)
{
	struct routed *r = ctx;
	uint64_t work = m->row_stats.decisions + m->row_stats.updates_in;

	if (m->type != IPC_ROW_STATS)
		return;
	r->idle = r->asked && work == r->work && m->row_stats.fib_pending == 0 &&
	    !m->row_stats.deferring;
	r->work = work;
	r->asked = true;
}

static void
stats_end(void *ctx, uint8_t status, bool lost)
{
	struct routed *r = ctx;

	r->query = 0;
	if (r->idle)
		event_active(r->ev, EV_TIMEOUT, 0);
}

static const struct query_ops stats_ops = { stats_row, stats_end };

static void
ask_bgpd(struct routed *r)
{
	struct ipc_query q = { .kind = IPC_Q_STATS, .credit = 4 };

	if (r->query == 0 && bgpd_attached(r->a->bgpd))
		r->query = agent_query(r->a, &q, &stats_ops, r);
}

static void
bgpd_has_work(struct routed *r)
{
	r->idle = r->asked = false;
}

/* ---- looking ----------------------------------------------------------------------- */

static void
arm(struct routed *r, struct mono_us now)
{
	uint64_t us = mono_diff_us(converge_deadline(&r->c, now), now);
	struct timeval tv;

	if (r->c.wait == CONVERGE_BGPD)
		ask_bgpd(r);
	if (us > ASK_US && r->c.wait >= CONVERGE_BGPD)
		us = ASK_US;
	tv = (struct timeval){ (time_t)(us / 1000000), us % 1000000 };
	if (r->c.done || !r->c.begun)
		event_del(r->ev);
	else
		event_add(r->ev, &tv);
}

static void
done(struct routed *r)
{
	struct agent *a = r->a;
	char text[256];

	events_addf(a->events, r->c.timed_out ? IPC_LVL_WARN : IPC_LVL_NOTICE, "converged",
	    "ms=%llu why=\"%s\"", (unsigned long long)converge_took_us(&r->c, agent_now()) / 1000,
	    routed_text(r, text, sizeof text));
	cni_look(a->cni);
	kube_peers_changed(a->kube);
}

static void
look(evutil_socket_t fd, short what, void *arg)
{
	struct routed *r = arg;
	struct mono_us now = agent_now();
	struct converge_facts f;

	if (r->c.done || r->a->stopping)
		return;
	f = facts(r);
	if (r->a->conf)
		r->c.timeout_us = (uint64_t)r->a->conf->ops.converged_timeout_ms * 1000;
	if (converge_next(&r->c, now, &f))
		done(r);
	arm(r, now);
}

void
routed_look(struct routed *r)
{
	uint64_t us = SOON_US + r->a->npeers * SOON_US_PER_PEER;
	struct timeval soon = { .tv_usec = us < SOON_US_MAX ? (suseconds_t)us : SOON_US_MAX };

	if (!r->c.done && !event_pending(r->soon, EV_TIMEOUT, NULL))
		event_add(r->soon, &soon);
}

void
routed_session(struct routed *r, const struct ipc_peer_session *m)
{
	/* One that has left the configuration ends its session after that. */
	if (m->session != IPC_SESSION_DOWN && !agent_peer_by_id(r->a, m->peer))
		return;
	converge_session(&r->c, agent_now(), m);
	bgpd_has_work(r);
	routed_look(r);
}

void
routed_peer_gone(struct routed *r, uint32_t peer)
{
	converge_forget(&r->c, peer);
	routed_look(r);
}

void
routed_bgpd_gone(struct routed *r)
{
	converge_forget_all(&r->c);
	bgpd_has_work(r);
}

/* ---- words --------------------------------------------------------------------------- */

const struct converge *
routed_state(const struct routed *r)
{
	return &r->c;
}

bool
routed_is_done(const struct routed *r)
{
	return r && r->c.done;
}

static char *
awaited_text(const struct routed *r, char *buf, size_t cap)
{
	size_t n;
	const struct agent_peer *p =
	    agent_peer_by_id(r->a, converge_awaited(&r->c, agent_now(), &n));

	snprintf(buf, cap, "%s has not told all its routes%s", p ? p->conf->name : "a peer",
	    n > 1 ? ", nor have others" : "");
	return buf;
}

char *
routed_text(const struct routed *r, char *buf, size_t cap)
{
	static const char *const text[] = {
		[CONVERGE_UNKNOWN] = "it is not known yet which prefixes are this node's",
		[CONVERGE_OWN] = "own prefixes are not announced yet",
		[CONVERGE_PEERS] = "sessions are coming up",
		[CONVERGE_EOR] = "peers have not told all their routes",
		[CONVERGE_BGPD] = "routes are being decided on",
		[CONVERGE_KERNEL] = "routes are not in the kernel yet",
		[CONVERGE_NOTHING] = "all routes are there",
	};

	if (r->c.wait == CONVERGE_EOR && !r->c.done)
		return awaited_text(r, buf, cap);
	snprintf(buf, cap, "%s%s", r->c.timed_out ? "not waited for any longer: " : "",
	    text[r->c.wait]);
	return buf;
}

/* ---- life ------------------------------------------------------------------------------ */

struct routed *
routed_new(struct agent *a)
{
	struct routed *r = mem_zalloc(sizeof *r);

	r->a = a;
	r->ev = event_new(a->base, -1, 0, look, r);
	r->soon = event_new(a->base, -1, 0, look, r);
	return r;
}

void
routed_free(struct routed *r)
{
	if (!r)
		return;
	if (r->query)
		agent_query_cancel(r->a, r->query);
	converge_free(&r->c);
	event_free(r->ev);
	event_free(r->soon);
	mem_free(r);
}
