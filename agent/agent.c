/*
 * weft-agent: the order of things.
 *
 * Start: configuration, first look at the kernel, then bgpd learns what was
 * found there (RFC 4724: forwarding state kept or not), the configuration and
 * the local prefixes.  Stop: bgpd closes its sessions, then the kernel is
 * cleaned or left as it is.  In between every part feeds agent/core/fib, and
 * pump() carries its results to the kernel and to bgpd.
 */
#include "agent/agent.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/bfd.h"
#include "agent/bgpd.h"
#include "agent/bmp.h"
#include "agent/claim.h"
#include "agent/cni.h"
#include "agent/composition.h"
#include "agent/core/cluster.h"
#include "agent/drains.h"
#include "agent/fallover.h"
#include "agent/follow.h"
#include "agent/kube/kube.h"
#include "agent/launcher.h"
#include "agent/lifecycle.h"
#include "agent/lookout.h"
#include "agent/loops.h"
#include "agent/mrt.h"
#include "agent/nat.h"
#include "agent/nl.h"
#include "agent/places.h"
#include "agent/quarantine.h"
#include "agent/routed.h"
#include "agent/source.h"
#include "agent/tcp.h"
#include "agent/uplinks.h"
#include "agent/watch.h"
#include "lib/clock.h"
#include "lib/logmain.h"
#include "lib/mem.h"

#define EVENTS_KEPT	  1000
#define BGPD_EVENTS_BURST 5000  /* of bgpd: some for each of a reflector's clients at once, */
#define BGPD_EVENTS_GAP	  50000 /* microseconds; then twenty in a second */
#define BGPD_GONE_S	  1     /* for bgpd to end, once it has closed its channels */

struct mono_us
agent_now(void)
{
	return clock_mono();
}

/* ---- the pump ------------------------------------------------------------------ */

/*
 * Carry what the fib has to say and to do.  Reports may cause operations and
 * the other way round; the kernel's answers call back here.
 */
static void
pump(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;

	bgpd_pump(a->bgpd);
	nl_kick(a->nl);
	source_check_addresses(a);
	routed_look(a->routed);
	cni_look(a->cni);
}

void
agent_kick(struct agent *a)
{
	event_active(a->pump_ev, EV_TIMEOUT, 0);
}

static void
kernel_changed(void *ctx)
{
	agent_kick(ctx);
}

/* ---- bgpd ------------------------------------------------------------------------ */

static uint64_t
random_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		seed = agent_now().us; /* cannot happen for so few octets; jitter needs no secret */
	return seed;
}

/* First message to a new bgpd: was forwarding state kept? */
static void
hello(struct agent *a, uint32_t v4, uint32_t v6)
{
	struct ipc_msg m = { .type = IPC_HELLO };

	if (agent_observes(a)) /* what is there is none of this life's doing */
		v4 = v6 = 0;
	m.hello = (struct ipc_hello){
		.version = IPC_VERSION,
		.restarting = v4 + v6 > 0,
		.adopted = { v4, v6 },
		.seed = random_seed(),
	};
	bgpd_send(a->bgpd, &m, -1);
	source_greet(a);
}

/* One that tells events without end must not wash away the table, nor fill the disk. */
static bool
may_tell(struct agent *a)
{
	uint32_t dropped = 0;

	if (!log_limit_pass(&a->bgpd_events, agent_now(), &dropped))
		return false;
	if (dropped > 0)
		events_addf(a->events, IPC_LVL_WARN, "events-dropped",
		    "count=%u why=\"weft-bgpd told too many at once\"", dropped);
	return true;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* BFD means something else while a peer's routes are only kept. */
static void
note_session(struct agent *a, const struct ipc_event *e)
{
	if (strcmp(e->name, "peer-up") == 0)
		bfd_peer_bgp(a->bfd, e->peer, true, false);
	else if (strcmp(e->name, "peer-down") == 0)
		bfd_peer_bgp(a->bfd, e->peer, false, ends_with(e->text, "routes=stale"));
}

static void
bgpd_event(struct agent *a, const struct ipc_event *e)
{
	const struct agent_peer *p = agent_peer_by_id(a, e->peer);

	if (p)
		note_session(a, e);
	if (!may_tell(a))
		return;
	events_add(a->events, "bgpd", e, p ? p->conf->name : NULL);
}

/* Its key is a new one: where the kernel cannot change it on the session, that ends. */
static void
conn_lent(struct agent *a, uint32_t peer, int fd)
{
	struct ipc_peer_cmd cmd = { .peer = peer, .cmd = IPC_CMD_RESET, .text = "new password" };
	const struct agent_peer *p = agent_peer_by_id(a, peer);
	int err = tcp_rekey(a->tcp, peer, fd);

	if (!p || !may_tell(a))
		return;
	if (err == 0)
		events_addf(a->events, IPC_LVL_NOTICE, "password-changed", "peer=%s session=kept",
		    p->conf->name);
	else if (agent_peer_cmd(a, &cmd))
		events_addf(a->events, IPC_LVL_WARN, "password-changed",
		    "peer=%s session=reset why=\"%s\"", p->conf->name, strerror(-err));
}

static void
take_control(struct agent *a, const struct ipc_msg *m, int fd)
{
	switch ((int)m->type) {
	case IPC_CONN_REQ:
		tcp_connect(a->tcp, m->conn_req.peer, m->conn_req.token);
		break;
	case IPC_CONN_CANCEL:
		tcp_cancel(a->tcp, m->conn_req.peer, m->conn_req.token);
		break;
	case IPC_DRAINED:
		drains_told(a->drains, &m->drained);
		break;
	case IPC_BMP_REQ:
		bmp_connect(a->bmp, m->bmp_req.id, m->bmp_req.token);
		break;
	case IPC_MRT_DONE:
		mrt_done(a->mrts, &m->mrt_done);
		break;
	case IPC_EVENT:
		bgpd_event(a, &m->event);
		break;
	case IPC_CONN_LENT:
		conn_lent(a, m->conn_lend.peer, fd);
		break;
	case IPC_PEER_SESSION:
		routed_session(a->routed, &m->peer_session);
		kube_peers_changed(a->kube);
		break;
	case IPC_PEER_ADDR:
		source_peer_addr(a, m->peer_addr.peer, &m->peer_addr.addr);
		break;
	case IPC_PEER_GONE:
		routed_peer_gone(a->routed, m->peer_gone.peer);
		source_peer_gone(a, m->peer_gone.peer);
		break;
	case IPC_SHUTDOWN_DONE:
		lifecycle_sessions_closed(a);
		break;
	default: /* HELLO and CONF_APPLIED need no answer */
		break;
	}
}

static void
ready_once(struct agent *a)
{
	if (a->ready_told)
		return;
	a->ready_told = true;
	launcher_ready(a->launcher, "serving");
}

static void
take_report(struct agent *a, const struct fib_report *r)
{
	switch (r->kind) {
	case FIB_REP_LOCAL_READY:
	case FIB_REP_LOCAL_LOST:
		source_local(a, &r->prefix, r->kind == FIB_REP_LOCAL_READY);
		break;
	case FIB_REP_EVENT:
		events_add(a->events, "agent", &r->event, NULL);
		break;
	case FIB_REP_ADOPTED:
		if (r->adopted[0] + r->adopted[1] > 0)
			events_addf(a->events, IPC_LVL_NOTICE, "routes-adopted", "ipv4=%u ipv6=%u",
			    r->adopted[0], r->adopted[1]);
		a->kernel_seen = true;
		lookout_now(a->lookout);
		source_resolve(a);
		if (bgpd_attached(a->bgpd))
			hello(a, r->adopted[0], r->adopted[1]);
		ready_once(a);
		break;
	case FIB_REP_FLUSHED:
		lifecycle_flushed(a);
		break;
	case FIB_REP_LINK_LOST:
		fallover_link_lost(a, r);
		break;
	case FIB_REP_VERDICT:
	case FIB_REP_NH_STATE:
		break;
	}
}

/* Without its channels it is of no use, and another one comes only when it has ended. */
static void
on_gone(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;

	if (a->bgpd_child.running && a->bgpd_child.pid == a->gone_pid && !bgpd_attached(a->bgpd))
		launcher_restart_bgpd(a->launcher, "it has closed its channels");
}

static void
bgpd_lost(struct agent *a, const char *why, bool violation)
{
	static const struct timeval grace = { BGPD_GONE_S, 0 };

	tcp_cancel_all(a->tcp);
	bmp_cancel_all(a->bmp);
	mrt_lost(a->mrts);
	bfd_bgpd_gone(a->bfd);
	routed_bgpd_gone(a->routed);
	fib_bgpd_gone(a->fib, agent_now());
	if (lifecycle_bgpd_lost(a))
		return;
	events_addf(a->events, IPC_LVL_ERR, "bgpd-lost", "why=\"%s\" routes=kept", why);
	a->gone_pid = a->bgpd_child.pid;
	if (violation)
		launcher_restart_bgpd(a->launcher, why);
	else
		event_add(a->gone_ev, &grace);
	agent_kick(a);
}

static const struct bgpd_ops bgpd_ops = {
	.control = take_control,
	.report = take_report,
	.fib_changed = agent_kick,
	.lost = bgpd_lost,
};

/* ---- connections -------------------------------------------------------------------- */

static void
connect_done(void *ctx, const struct ipc_conn_done *d, int fd)
{
	struct agent *a = ctx;
	struct ipc_msg m = { .type = IPC_CONN_DONE };

	if (d->err == 0)
		bfd_endpoints(a->bfd, d->peer, &d->ep);
	m.conn_done = *d;
	if (d->err == 0)
		fallover_connected(a, d->peer, &d->ep.local);
	bgpd_send(a->bgpd, &m, fd);
}

static void
accepted(void *ctx, uint32_t peer, const struct ipc_conn_in *in, int fd)
{
	struct agent *a = ctx;
	const struct agent_peer *p = agent_peer_by_id(a, peer);
	struct ipc_msg m = { .type = IPC_CONN_IN };

	if (p && ip_addr_eq(&p->addr, &in->ep.remote)) {
		bfd_endpoints(a->bfd, peer, &in->ep);
		fallover_connected(a, peer, &in->ep.local);
	}
	m.conn_in = *in;
	bgpd_send(a->bgpd, &m, fd);
}

static bool
full(void *ctx)
{
	const struct agent *a = ctx;

	return bgpd_conns_wait(a->bgpd);
}

static void
tcp_event(void *ctx, enum ipc_level level, uint32_t peer, const char *name, const char *text)
{
	struct agent *a = ctx;
	const struct agent_peer *p = agent_peer_by_id(a, peer);
	struct ipc_event e = { .level = (uint8_t)level, .peer = peer };

	snprintf(e.name, sizeof e.name, "%s", name);
	snprintf(e.text, sizeof e.text, "%s", text);
	events_add(a->events, "agent", &e, p ? p->conf->name : NULL);
}

static bool
admit(void *ctx, const struct ip_addr *remote, char *ret_why, size_t cap)
{
	return source_admit(ctx, remote, ret_why, cap);
}

static const struct tcp_ops tcp_ops = { connect_done, accepted, full, admit, tcp_event };

/* ---- the launcher ---------------------------------------------------------------------- */

/* What is done now and then is done in one waking up. */
static void
beat(void *ctx)
{
	struct agent *a = ctx;

	launcher_pong(a->launcher);
	places_tidy(a->places);
	lookout_beat(a->lookout);
}

static void
child_started(struct agent *a, const struct launch_msg *m, const int *fds, size_t nfds)
{
	struct fib_stats st;
	int r;

	a->bgpd_child.running = true;
	a->bgpd_child.silent = false;
	a->bgpd_child.pid = m->pid;
	a->bgpd_child.since = agent_now();
	if (nfds == 0)
		return; /* the first one: its channels were there at start */
	if (nfds != IPC_NCHANS) {
		for (size_t i = 0; i < nfds; i++)
			close(fds[i]);
		return;
	}
	watch_reset(a->watch);
	r = bgpd_attach(a->bgpd, fds);
	if (r < 0) {
		events_addf(a->events, IPC_LVL_ERR, "bgpd-channel", "why=\"%s\"", strerror(-r));
		return;
	}
	fib_stats(a->fib, &st);
	if (a->kernel_seen)
		hello(a, (uint32_t)st.installed[0], (uint32_t)st.installed[1]);
}

static void
child_ended(struct agent *a, const struct launch_msg *m)
{
	int st = m->status;

	if (m->child == LAUNCH_CHILD_AGENT) {
		events_addf(a->events, IPC_LVL_ERR, "agent-restarted", "status=%d restarts=%u", st,
		    m->restarts);
		return;
	}
	if (m->child == LAUNCH_CHILD_BFDD) {
		bfd_ended(a->bfd, m);
		return;
	}
	a->bgpd_child.running = false;
	a->bgpd_child.restarts = m->restarts;
	a->bgpd_child.last_status = st;
	a->bgpd_child.since = agent_now();
	events_addf(a->events, IPC_LVL_ERR, "bgpd-ended", "%s=%d restart-in-ms=%u",
	    WIFSIGNALED(st) ? "signal" : "exit", WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st),
	    m->delay_ms);
	quarantine_bgpd_ended(a->quarantine, st, a->bgpd_child.hung);
	a->bgpd_child.hung = false;
}

static void
reload_done(void *ctx, const char *errors, const char *warnings, const char *summary)
{
	struct agent *a = ctx;

	launcher_ready(a->launcher, errors ? "serving; last reload failed" : "serving");
}

static void
notice(void *ctx, const struct launch_msg *m, const int *fds, size_t nfds)
{
	struct agent *a = ctx;

	switch (m->type) {
	case LAUNCH_BGPD:
		child_started(a, m, fds, nfds);
		return;
	case LAUNCH_BFDD:
		bfd_started(a->bfd, m, nfds == 1 ? fds[0] : -1);
		return;
	case LAUNCH_CHILD:
		child_ended(a, m);
		break;
	case LAUNCH_RELOAD:
		agent_reload(a, reload_done, a);
		break;
	case LAUNCH_STOP:
		lifecycle_stop(a);
		break;
	case LAUNCH_PING:
		launcher_pong(a->launcher);
		watch_start(a->watch, m->delay_ms);
		break;
	default: /* of a newer launcher: nothing we know how to do */
		break;
	}
	for (size_t i = 0; i < nfds; i++)
		close(fds[i]);
}

/* weftd died: leave the kernel as it is, the next one adopts it. */
static void
launcher_lost(void *ctx, const char *why)
{
	struct agent *a = ctx;

	events_addf(a->events, IPC_LVL_ERR, "launcher-lost", "why=\"%s\" routes=kept", why);
	a->exit_status = EXIT_FAILURE;
	event_base_loopbreak(a->base);
}

static const struct launcher_ops launcher_ops = { notice, launcher_lost };

/* ---- commands ------------------------------------------------------------------------------ */

bool
agent_peer_cmd(struct agent *a, const struct ipc_peer_cmd *cmd)
{
	struct ipc_msg m = { .type = IPC_PEER_CMD };

	if (!agent_peer_by_id(a, cmd->peer) || !bgpd_attached(a->bgpd))
		return false;
	if (cmd->cmd == IPC_CMD_DOWN || cmd->cmd == IPC_CMD_UP)
		bfd_peer_admin(a->bfd, cmd->peer, cmd->cmd == IPC_CMD_DOWN);
	m.peer_cmd = *cmd;
	bgpd_send(a->bgpd, &m, -1);
	return true;
}

bool
agent_peer_release(struct agent *a, const struct ipc_peer_cmd *cmd)
{
	const struct agent_peer *p = agent_peer_by_id(a, cmd->peer);

	return p && (cmd->cmd == IPC_CMD_UP || cmd->cmd == IPC_CMD_RESET) &&
	    quarantine_lift(a->quarantine, &p->addr);
}

/* What the lines quote has single quotes there: the event's text is key="value". */
static void
log_lines(struct agent *a, enum ipc_level level, const char *name, const char *lines)
{
	char *copy = mem_strdup(lines), *rest = copy, *line;

	for (char *c = copy; *c; c++)
		if (*c == '"')
			*c = '\'';
	while ((line = strsep(&rest, "\n")))
		if (*line)
			events_addf(a->events, level, name, "why=\"%s\"", line);
	mem_free(copy);
}

void
agent_reload(struct agent *a,
    void (*done)(void *ctx, const char *errors, const char *warnings, const char *summary),
    void *ctx)
{
	char *errors, *warnings, *summary = NULL;
	struct conf *c = source_read(a, &errors, &warnings);

	if (c && !claim_try(a->claim, c, &errors)) {
		conf_free(c);
		c = NULL;
	}
	a->reloads++;
	log_lines(a, IPC_LVL_WARN, "config-warning", warnings);
	if (!c) {
		a->reload_failures++;
		snprintf(a->conf_error, sizeof a->conf_error, "%s", errors);
		log_lines(a, IPC_LVL_ERR, "config-error", errors);
		done(ctx, errors, warnings, NULL);
	} else {
		a->conf_error[0] = '\0';
		source_apply(a, c, &summary);
		agent_serve_http(a);
		lookout_now(a->lookout);
		events_addf(a->events, IPC_LVL_NOTICE, "config-loaded", "generation=%u what=\"%s\"",
		    a->conf_gen, summary);
		done(ctx, NULL, warnings, summary);
		agent_kick(a);
	}
	mem_free(errors);
	mem_free(warnings);
	mem_free(summary);
}

void
agent_serve_http(struct agent *a)
{
	const struct conf_endpoint *m = &a->conf->ops.metrics;
	char addr[IP_ADDR_STRLEN], where[IP_ADDR_STRLEN + 16] = "";
	int err = 0;

	if (m->addr.af)
		snprintf(where, sizeof where, m->addr.af == IP6 ? "[%s]:%u" : "%s:%u",
		    ip_addr_str(&m->addr, addr), m->port);
	if (a->http && strcmp(where, a->http_where) == 0)
		return;
	http_free(a->http);
	a->http = NULL;
	snprintf(a->http_where, sizeof a->http_where, "%s", where);
	if (!where[0])
		return;
	a->http = http_new(a, where, &err);
	if (!a->http)
		events_addf(a->events, IPC_LVL_ERR, "metrics-failed", "address=%s why=\"%s\"", where,
		    strerror(err < 0 ? -err : err));
}

/* ---- start and end ------------------------------------------------------------------------------ */

static bool
first_config(struct agent *a)
{
	char *errors, *warnings;
	struct conf *c = source_read(a, &errors, &warnings);

	fputs(warnings, stderr);
	if (c && !claim_wait(a->claim, c, &errors)) {
		conf_free(c);
		c = NULL;
	}
	if (!c)
		fputs(errors, stderr);
	else
		source_apply(a, c, NULL);
	mem_free(errors);
	mem_free(warnings);
	return c != NULL;
}

static bool
open_kernel(struct agent *a)
{
	struct nl_conf nc = { .base = a->base, .fib = a->fib, .log = &log_main,
		.changed = kernel_changed, .ctx = a };
	char why[256];

	a->nl = nl_open(&nc, why, sizeof why);
	if (!a->nl)
		log_event(LOG_ERR, "netlink-failed", "why=\"%s\"", why);
	return a->nl != NULL;
}

static bool
open_control(struct agent *a)
{
	int err = 0;

	a->control = control_new(a, &err);
	if (!a->control)
		log_event(LOG_ERR, "control-failed", "why=\"%s\"", strerror(err < 0 ? -err : err));
	return a->control != NULL;
}

static bool
open_channels(struct agent *a)
{
	static const int fds[IPC_NCHANS] = { LAUNCH_FD_IPC, LAUNCH_FD_IPC + 1, LAUNCH_FD_IPC + 2 };
	int err;

	a->launcher = launcher_new(a->base, LAUNCH_FD_CHANNEL, &launcher_ops, a, &err);
	if (!a->launcher) {
		fprintf(stderr, "weft-agent: not started by weftd (no channel to it: %s); start weftd\n",
		    strerror(-err));
		return false;
	}
	err = bgpd_attach(a->bgpd, fds);
	if (err < 0)
		fprintf(stderr, "weft-agent: no channels to weft-bgpd: %s\n", strerror(-err));
	return err == 0;
}

static void
agent_init(struct agent *a, const char *config_name, bool observe)
{
	memset(a, 0, sizeof *a);
	a->always_observe = observe;
	a->started = agent_now();
	a->bgpd_child.last_status = a->bfdd_child.last_status = -1;
	snprintf(a->config_name, sizeof a->config_name, "%s", config_name);
	if (gethostname(a->hostname, sizeof a->hostname - 1) < 0)
		a->hostname[0] = '\0';
	a->base = event_base_new();
	event_base_priority_init(a->base, 2); /* one for bfdd before all others */
	a->pump_ev = event_new(a->base, -1, 0, pump, a);
	a->gone_ev = event_new(a->base, -1, 0, on_gone, a);
	a->bgpd_events = (struct log_limit){ .burst = BGPD_EVENTS_BURST,
		.interval_us = BGPD_EVENTS_GAP };
	a->events = events_new(EVENTS_KEPT);
	a->fib = fib_new(a->started, random_seed(), &log_main);
	a->bgpd = bgpd_new(a, &bgpd_ops);
	a->watch = watch_new(a, beat);
	a->places = places_new(a);
	a->composition = composition_new();
	a->source = source_new(a);
	a->bfd = bfd_new(a);
	a->lookout = lookout_new(a);
	a->loops = loops_new(a);
	a->nat = nat_new(a);
	a->kube = kube_new(a);
	a->routed = routed_new(a);
	a->cni = cni_new(a);
	a->follow = follow_new(a);
}

static void
agent_fini(struct agent *a)
{
	http_free(a->http);
	control_free(a->control);
	follow_free(a->follow);
	kube_free(a->kube);
	cluster_free(a->cluster);
	lifecycle_free(a);
	claim_free(a->claim);
	places_free(a->places);
	quarantine_free(a->quarantine);
	watch_free(a->watch);
	lookout_free(a->lookout);
	loops_free(a->loops);
	nat_free(a->nat);
	cni_free(a->cni);
	routed_free(a->routed);
	fallover_free(a->fallover);
	tcp_free(a->tcp);
	bmp_free(a->bmp);
	mrts_free(a->mrts);
	bfd_free(a->bfd);
	uplinks_free(a->uplinks);
	drains_free(a->drains);
	nl_shutdown(a->nl);
	bgpd_free(a->bgpd);
	source_free(a->source);
	composition_free(a->composition);
	launcher_free(a->launcher);
	fib_free(a->fib);
	events_free(a->events);
	conf_free(a->conf);
	mem_free(a->peers);
	idmap_free(&a->peer_places);
	event_free(a->pump_ev);
	event_free(a->gone_ev);
	event_base_free(a->base);
}

int
agent_run(const char *config_name, bool observe)
{
	struct agent a;

	agent_init(&a, config_name, observe);
	if (!open_channels(&a)) {
		a.exit_status = EXIT_FAILURE;
		goto out;
	}
	a.claim = claim_new(&a);
	a.fallover = fallover_new();
	a.quarantine = quarantine_new(&a, LAUNCH_FD_CRASH);
	a.tcp = tcp_new(a.base, a.launcher, a.fib, &tcp_ops, &a);
	a.bmp = bmp_new(&a);
	a.mrts = mrts_new(&a);
	a.uplinks = uplinks_new(&a);
	a.drains = drains_new(&a);
	if (!first_config(&a)) {
		a.exit_status = LAUNCH_EXIT_CONFIG;
		goto out;
	}
	if (!open_kernel(&a) || !open_control(&a)) {
		a.exit_status = EXIT_FAILURE;
		goto out;
	}
	agent_serve_http(&a);
	nl_start(a.nl);
	event_base_dispatch(a.base);
out:
	agent_fini(&a);
	return a.exit_status;
}
