/*
 * Children: start, watch, restart, stop; and the agent's requests.
 *
 * One loop over a signalfd and the agent's channel.  A child that ends is
 * started again at once, then after 1, 5 and 30 s; a minute of life makes it
 * as good as new.  bgpd alone is replaced under a living agent, which gets the
 * other ends of the new channels; without the agent bgpd has no purpose, so
 * both start anew.
 *
 * bfdd runs from the agent's first wish for it on.  It outlives agents, so that
 * no peer sees a failure when one dies: each new one is joined to it.  When it
 * dies itself, the next one takes its sessions over from weftd's memory.
 *
 * The agent ends in order: LAUNCH_STOP, then its exit.  If weftd itself is
 * killed, the children see the end of their channels.
 */
#include "launch/weftd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/crashpage.h"
#include "lib/ipcsock.h"
#include "lib/logmain.h"
#include "lib/privs.h"

#define DECAY_S		60 /* of life, after which earlier failures no longer count */
#define BGPD_GRACE_S	2  /* for bgpd, once the agent is gone */
#define END_GRACE_S	2  /* for the agent to exit, once it has closed its channel */
#define STUCK_S		10 /* after its SIGKILL a child should have ended */
#define HURRY_S		30 /* for the agent, once it was asked to hurry */
#define RELOAD_GRACE_S	30 /* for the agent's LAUNCH_READY after a reload */
#define BFDD_FORGET_MS	5000 /* its peers have missed it by then */
#define BFDD_GRACE_S	2  /* for bfdd to tell its peers, once its channel is closed */
#define BFDD_RETRY_S	5  /* its sockets could not be had */
#define BFDD_NICE	(-15) /* its packets are late by what others run before it */
#define AGENT_AHEAD	5     /* of bgpd: what it has for the kernel is not to wait for that one */
#define BGPD_START_CAPS (PRIVS_CAP(CAP_SYS_CHROOT) | PRIVS_CAP(CAP_SETUID) | PRIVS_CAP(CAP_SETGID))

struct child {
	const char *name;
	pid_t pid; /* 0: not running */
	struct mono_us started;
	struct mono_us start_at; /* MONO_NEVER: not waiting to start */
	struct mono_us kill_at;	 /* MONO_NEVER: may live */
	struct mono_us killed;	 /* and should be gone by now; MONO_NEVER: not */
	unsigned fails;		 /* in a row */
	uint32_t restarts;
	int32_t status;
};

struct weftd {
	const struct launch_opts *o;
	struct rundir *rd;
	int sig_fd;
	int chan; /* to the agent; -1: none */
	int crash_fd; /* page shared by agent and bgpd, above the places of the children */
	int bfd_chan;		     /* to bfdd; -1: none, or it is to end */
	int bfd_fd[LAUNCH_BFD_NFDS]; /* kept from one bfdd to the next */
	bool bfd_open;		     /* they are there */
	bool bfd_wanted;	     /* by the agent */
	struct child child[LAUNCH_NCHILDREN];
	bool ready;    /* an agent has said so, once */
	bool stopping; /* no child is started any more */
	bool hurried;  /* and the agent was asked to hurry */
	bool failed;   /* exit status 1 */
	struct mono_us watchdog_at, reload_at;
	struct mono_us ping_at; /* the agent's next LAUNCH_PING; MONO_NEVER: it is not watched */
	unsigned pings;		/* that it has not answered */
};

/* ---- starting ------------------------------------------------------------- */

/* They must not inherit secrets: of the environment bgpd and bfdd get what names no key. */
static char **
small_environment(void)
{
	static const char *const keep[] = { "JOURNAL_STREAM", "ASAN_OPTIONS", "UBSAN_OPTIONS",
		"GCOV_PREFIX", "TZ" };
	static char *env[sizeof(keep) / sizeof(keep[0]) + 1];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
		for (char **e = environ; *e; e++) {
			size_t len = strlen(keep[i]);

			if (strncmp(*e, keep[i], len) == 0 && (*e)[len] == '=')
				env[n++] = *e;
		}
	env[n] = NULL;
	return env;
}

#define FD_ABOVE 32 /* out of the way of the places that children expect */
#define CHILD_FDS_MAX (1 + LAUNCH_BFD_NFDS)

/*
 * Descriptors to their places from `first` on (/dev/null for -1), /dev/null to
 * stdin; everything else closes at exec.  What lay in those places is overwritten.
 */
static bool
child_place_fds(const int *fds, size_t n, int first)
{
	int tmp[CHILD_FDS_MAX], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		tmp[i] = fcntl(fds[i] < 0 ? null : fds[i], F_DUPFD_CLOEXEC, FD_ABOVE);
		if (tmp[i] < 0)
			return false;
	}
	for (size_t i = 0; i < n; i++)
		if (dup2(tmp[i], first + (int)i) < 0)
			return false;
	return true;
}

/*
 * The page in which bgpd keeps whose message it handles, for the agent.  Sealed: bgpd cannot take
 * it away under the agent's feet.
 */
static int
crash_page_make(void)
{
	int fd = memfd_create("weft-crash", MFD_CLOEXEC | MFD_ALLOW_SEALING), high = -1;

	if (fd >= 0 && ftruncate(fd, CRASH_PAGE_OCTETS) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		high = fcntl(fd, F_DUPFD_CLOEXEC, FD_ABOVE);
	if (high < 0)
		log_event(LOG_ERR, "start-failed", "why=\"crash page: %s\"", strerror(errno));
	if (fd >= 0)
		close(fd);
	return high;
}

/*
 * Where the kernel shares processors out by session first (autogroup), a priority counts among
 * the processes of one session only: weft-bfdd gets one of its own, with that priority.
 */
static void
child_own_session(void)
{
	char text[16];
	int fd = setsid() < 0 ? -1 : open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, sizeof(text), "%d", BFDD_NICE);

	if (fd < 0)
		return;
	if (write(fd, text, (size_t)n) < 0)
		log_event(LOG_WARN, "priority-failed", "autogroup why=\"%s\"", strerror(errno));
	close(fd);
}

/* Before others, and memory that stays in place; as far as weftd may. */
static void
child_hurry(const char *name)
{
	struct rlimit rl;

	child_own_session();
	if (setpriority(PRIO_PROCESS, 0, BFDD_NICE) != 0)
		log_event(LOG_WARN, "priority-failed", "child=%s why=\"%s\"", name, strerror(errno));
	if (getrlimit(RLIMIT_MEMLOCK, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &rl);
	}
}

/* In the child: never returns. */
static void __attribute__((noreturn))
child_run(const struct weftd *w, enum launch_child which, const int *fds, size_t n, int first)
{
	const struct launch_user *u = &w->o->user[which];
	const char *name = w->child[which].name;
	char user[32];
	const char *agent_argv[] = { name, "--config", w->o->config,
		w->o->observe ? "--observe" : NULL, NULL };
	const char *other_argv[] = { name, "--user", user, NULL };
	sigset_t none;
	bool agent = which == LAUNCH_CHILD_AGENT;
	int libexec = fcntl(w->o->libexec_fd, F_DUPFD_CLOEXEC, FD_ABOVE), rc;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (which == LAUNCH_CHILD_BFDD)
		child_hurry(name);
	if (agent) /* stays where it is if weftd may not */
		setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - AGENT_AHEAD);
	setpgid(0, 0); /* the terminal's Ctrl-C is weftd's alone: it stops the agent in order */
	snprintf(user, sizeof(user), "%u:%u", (unsigned)u->uid, (unsigned)u->gid);
	if (libexec < 0 || fchdir(agent ? w->rd->fd : w->rd->root_fd) != 0 ||
	    !child_place_fds(fds, n, first) ||
	    (which != LAUNCH_CHILD_BFDD && dup2(w->crash_fd, LAUNCH_FD_CRASH) < 0))
		rc = -errno;
	else if (agent)
		rc = privs_become(u->uid, u->gid, PRIVS_CAP(CAP_NET_ADMIN));
	else
		rc = privs_limit(BGPD_START_CAPS);
	if (rc == 0) { /* from the directory's descriptor: that user may not get past its parents */
		execveat(libexec, name, (char *const *)(agent ? agent_argv : other_argv),
		    agent ? environ : small_environment(), 0);
		rc = -errno;
	}
	log_event(LOG_ERR, "start-failed", "child=%s path=%s/%s why=\"%s\"", name,
	    w->o->libexec, name, strerror(-rc));
	_exit(127);
}

static void
child_start(struct weftd *w, enum launch_child which, const int *fds, size_t n, int first)
{
	struct child *c = &w->child[which];
	pid_t pid = fork();

	if (pid == 0)
		child_run(w, which, fds, n, first);
	c->start_at = c->kill_at = c->killed = MONO_NEVER;
	if (pid < 0) {
		log_event(LOG_ERR, "start-failed", "child=%s why=\"fork: %s\"", c->name,
		    strerror(errno));
		c->start_at = mono_add_s(clock_mono(), 1);
		return;
	}
	c->pid = pid;
	c->started = clock_mono();
	rundir_write_pid(w->rd, which, pid);
	log_event(LOG_INFO, "child-started", "child=%s pid=%d", c->name, (int)pid);
}

/* The three pairs between agent and bgpd; false when the system has no descriptors left. */
static bool
channels_open(int agent_end[IPC_NCHANS], int bgpd_end[IPC_NCHANS])
{
	memset(agent_end, -1, IPC_NCHANS * sizeof(int));
	memset(bgpd_end, -1, IPC_NCHANS * sizeof(int));
	for (int i = 0; i < IPC_NCHANS; i++) {
		int pair[2], rc = ipcsock_pair(pair);

		if (rc != 0) {
			log_event(LOG_ERR, "start-failed", "why=\"channels: %s\"", strerror(-rc));
			ipcsock_close_all(agent_end, IPC_NCHANS);
			ipcsock_close_all(bgpd_end, IPC_NCHANS);
			return false;
		}
		agent_end[i] = pair[0];
		bgpd_end[i] = pair[1];
	}
	return true;
}

/* ---- the agent's channel --------------------------------------------------- */

static void
child_kill(struct child *c, const char *why)
{
	if (c->pid == 0)
		return;
	if (why)
		log_event(LOG_WARN, "child-killed", "child=%s pid=%d why=\"%s\"", c->name,
		    (int)c->pid, why);
	kill(c->pid, SIGKILL);
	c->killed = mono_min(c->killed, clock_mono());
}

/* An agent that does not take its messages is as good as dead. */
static void
agent_send(struct weftd *w, const struct launch_msg *m, const int *fds, size_t nfds)
{
	int rc = w->chan < 0 ? 0 : ipcsock_send(w->chan, m, sizeof(*m), fds, nfds);

	if (rc != 0 && rc != -EPIPE)
		child_kill(&w->child[LAUNCH_CHILD_AGENT], "does not read its channel");
}

static void
agent_tell_child(struct weftd *w, enum launch_child which, uint32_t delay_ms)
{
	const struct child *c = &w->child[which];
	struct launch_msg m = { .type = LAUNCH_CHILD, .child = which, .status = c->status,
		.restarts = c->restarts, .delay_ms = delay_ms };

	agent_send(w, &m, NULL, 0);
}

static void
agent_tell_bgpd(struct weftd *w, const int *fds, size_t nfds)
{
	struct launch_msg m = { .type = LAUNCH_BGPD, .child = LAUNCH_CHILD_BGPD,
		.pid = w->child[LAUNCH_CHILD_BGPD].pid,
		.restarts = w->child[LAUNCH_CHILD_BGPD].restarts };

	agent_send(w, &m, fds, nfds);
}

/* The agent's end of a channel to bfdd, or (-1) the reason why there is none. */
static void
agent_tell_bfdd(struct weftd *w, int fd, int err, const char *why)
{
	struct launch_msg m = { .type = LAUNCH_BFDD, .child = LAUNCH_CHILD_BFDD, .err = err,
		.pid = w->child[LAUNCH_CHILD_BFDD].pid,
		.restarts = w->child[LAUNCH_CHILD_BFDD].restarts };

	snprintf(m.text, sizeof(m.text), "%s", why);
	agent_send(w, &m, &fd, fd >= 0);
}

static void
agent_answer(struct weftd *w, const struct launch_msg *req)
{
	struct launch_msg m = { .type = LAUNCH_ANSWER, .id = req->id };
	int fd = serve_open(w->o, req, m.text);

	m.err = fd < 0 ? -fd : 0;
	agent_send(w, &m, &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
}

static void
agent_ready(struct weftd *w, const struct launch_msg *m)
{
	w->reload_at = MONO_NEVER;
	if (!w->ready)
		log_event(LOG_INFO, "ready", "status=\"%s\"", m->text);
	w->ready = true;
	notify_send("READY=1\nSTATUS=%s", m->text);
}

/* ---- bfdd ------------------------------------------------------------------- */

/* A new channel between bfdd, which runs, and the agent. */
static void
bfdd_join(struct weftd *w)
{
	struct launch_msg m = { .type = LAUNCH_AGENT };
	int pair[2], rc = ipcsock_pair(pair);

	if (rc != 0) {
		agent_tell_bfdd(w, -1, -rc, "channel");
		return;
	}
	if (ipcsock_send(w->bfd_chan, &m, sizeof(m), &pair[1], 1) == 0)
		agent_tell_bfdd(w, pair[0], 0, "");
	else
		child_kill(&w->child[LAUNCH_CHILD_BFDD], "does not read its channel");
	ipcsock_close_all(pair, 2);
}

static void
start_bfdd(struct weftd *w)
{
	struct child *c = &w->child[LAUNCH_CHILD_BFDD];
	int fds[CHILD_FDS_MAX], pair[2], rc = 0;
	char why[LAUNCH_TEXT_MAX] = "";

	c->start_at = mono_add_s(clock_mono(), BFDD_RETRY_S);
	if (!w->bfd_open && (rc = bfd_open(w->bfd_fd, why)) != 0) {
		log_event(LOG_ERR, "start-failed", "child=%s why=\"%s\"", c->name, why);
		agent_tell_bfdd(w, -1, -rc, why);
		return;
	}
	w->bfd_open = true;
	if (ipcsock_pair(pair) != 0)
		return;
	fds[0] = pair[1];
	memcpy(fds + 1, w->bfd_fd, sizeof(w->bfd_fd));
	child_start(w, LAUNCH_CHILD_BFDD, fds, CHILD_FDS_MAX, LAUNCH_FD_CHANNEL);
	close(pair[1]);
	w->bfd_chan = pair[0];
	if (c->pid != 0) {
		bfdd_join(w);
		return;
	}
	close(w->bfd_chan);
	w->bfd_chan = -1;
}

/* The end of its channel: it tells its peers that this is no failure, and goes. */
static void
stop_bfdd(struct weftd *w)
{
	struct child *c = &w->child[LAUNCH_CHILD_BFDD];

	c->start_at = MONO_NEVER;
	if (w->bfd_chan < 0)
		return;
	close(w->bfd_chan);
	w->bfd_chan = -1;
	c->kill_at = mono_add_s(clock_mono(), BFDD_GRACE_S);
}

/* Start it, or join the agent to the one that runs; one that is ending is followed by another. */
static void
want_bfdd(struct weftd *w, bool wanted)
{
	w->bfd_wanted = wanted;
	if (!wanted)
		stop_bfdd(w);
	else if (w->child[LAUNCH_CHILD_BFDD].pid == 0)
		start_bfdd(w);
	else if (w->bfd_chan >= 0)
		bfdd_join(w);
}

static uint32_t
ping_interval_ms(const struct weftd *w)
{
	return w->o->child_timeout_s * 1000 / LAUNCH_PINGS_MISSED;
}

/* It speaks unasked, too, once an interval: a little later it is asked. */
static void
agent_heard(struct weftd *w)
{
	w->pings = 0;
	if (!mono_is_never(w->ping_at))
		w->ping_at = mono_add_ms(clock_mono(), ping_interval_ms(w) / 10 * 11);
}

static void
agent_request(struct weftd *w, struct launch_msg *m)
{
	agent_heard(w);
	m->text[sizeof(m->text) - 1] = '\0';
	m->text[strcspn(m->text, "\n")] = '\0'; /* one line for the service manager */
	switch (m->type) {
	case LAUNCH_READY:
		agent_ready(w, m);
		break;
	case LAUNCH_STATUS:
		notify_send("STATUS=%s", m->text);
		break;
	case LAUNCH_PONG:
		break;
	case LAUNCH_RESTART_BGPD:
		child_kill(&w->child[LAUNCH_CHILD_BGPD], m->text[0] ? m->text : "asked by the agent");
		break;
	case LAUNCH_START_BFDD:
	case LAUNCH_STOP_BFDD:
		if (!w->stopping)
			want_bfdd(w, m->type == LAUNCH_START_BFDD);
		break;
	case LAUNCH_RESTART_BFDD:
		child_kill(&w->child[LAUNCH_CHILD_BFDD], m->text[0] ? m->text : "asked by the agent");
		break;
	default: /* a number from outside, not our enum */
		agent_answer(w, m);
	}
}

/* A few requests, so that signals are looked at in between. */
static void
agent_read(struct weftd *w)
{
	struct launch_msg m;
	size_t nfds;

	for (int i = 0; i < 16 && w->chan >= 0; i++) {
		ssize_t n = ipcsock_recv(w->chan, &m, sizeof(m), NULL, 0, &nfds);

		if (n == -EAGAIN)
			return;
		if (n != (ssize_t)sizeof(m)) {
			struct child *agent = &w->child[LAUNCH_CHILD_AGENT];

			if (n == 0) /* its end, mostly: it closes the channel before it exits */
				agent->kill_at = mono_min(agent->kill_at,
				    mono_add_s(clock_mono(), END_GRACE_S));
			else
				child_kill(agent, "broken message on its channel");
			close(w->chan);
			w->chan = -1;
			return;
		}
		agent_request(w, &m);
	}
}

/* ---- both, and bgpd alone --------------------------------------------------- */

static void
start_both(struct weftd *w)
{
	int agent_fd[1 + IPC_NCHANS], bgpd_fd[IPC_NCHANS], pair[2];
	struct child *agent = &w->child[LAUNCH_CHILD_AGENT];

	agent->start_at = mono_add_s(clock_mono(), 1);
	if (ipcsock_pair(pair) != 0)
		return;
	w->chan = pair[0];
	agent_fd[0] = pair[1];
	if (!channels_open(agent_fd + 1, bgpd_fd)) {
		ipcsock_close_all(pair, 2);
		w->chan = -1;
		return;
	}
	if (w->o->child_timeout_s > 0) /* its first ping tells it how often to speak */
		w->ping_at = clock_mono();
	/* The agent first: it has more to do until the node works. */
	child_start(w, LAUNCH_CHILD_AGENT, agent_fd, 1 + IPC_NCHANS, LAUNCH_FD_CHANNEL);
	child_start(w, LAUNCH_CHILD_BGPD, bgpd_fd, IPC_NCHANS, LAUNCH_FD_IPC);
	ipcsock_close_all(agent_fd, 1 + IPC_NCHANS);
	ipcsock_close_all(bgpd_fd, IPC_NCHANS);
	if (agent->restarts > 0)
		agent_tell_child(w, LAUNCH_CHILD_AGENT, 0);
	agent_tell_bgpd(w, NULL, 0);
}

static void
start_bgpd(struct weftd *w)
{
	int agent_end[IPC_NCHANS], bgpd_end[IPC_NCHANS];
	struct child *bgpd = &w->child[LAUNCH_CHILD_BGPD];

	bgpd->start_at = mono_add_s(clock_mono(), 1);
	if (!channels_open(agent_end, bgpd_end))
		return;
	child_start(w, LAUNCH_CHILD_BGPD, bgpd_end, IPC_NCHANS, LAUNCH_FD_IPC);
	if (bgpd->pid != 0)
		agent_tell_bgpd(w, agent_end, IPC_NCHANS);
	ipcsock_close_all(agent_end, IPC_NCHANS);
	ipcsock_close_all(bgpd_end, IPC_NCHANS);
}

/* ---- ends ------------------------------------------------------------------- */

static uint32_t
restart_delay_ms(struct child *c, struct mono_us now)
{
	static const uint32_t delay_ms[] = { 0, 1000, 5000, 30000 };
	const unsigned last = sizeof(delay_ms) / sizeof(delay_ms[0]) - 1;
	uint32_t d;

	if (mono_diff_us(now, c->started) >= DECAY_S * 1000000ull)
		c->fails = 0;
	d = delay_ms[c->fails];
	if (c->fails < last)
		c->fails++;
	return d;
}

/* Without its agent bgpd closes its sockets (no NOTIFICATION) and goes. */
static void
agent_ended(struct weftd *w, struct mono_us now, uint32_t delay_ms)
{
	struct child *agent = &w->child[LAUNCH_CHILD_AGENT], *bgpd = &w->child[LAUNCH_CHILD_BGPD];
	bool config = WIFEXITED(agent->status) && WEXITSTATUS(agent->status) == LAUNCH_EXIT_CONFIG;

	if (w->chan >= 0)
		close(w->chan);
	w->chan = -1;
	bgpd->start_at = MONO_NEVER;
	bgpd->kill_at = mono_add_s(now, w->stopping ? BGPD_GRACE_S : 0);
	if (config && !w->ready)
		w->stopping = w->failed = true;
	else if (w->stopping)
		w->failed |= agent->status != 0;
	else
		agent->start_at = mono_add_ms(now, delay_ms);
	if (w->stopping)
		stop_bfdd(w);
}

/* It was killed, or has gone as it was told (then perhaps somebody wants it again). */
static void
bfdd_ended(struct weftd *w, struct mono_us now, bool ordered, uint32_t delay_ms)
{
	struct child *c = &w->child[LAUNCH_CHILD_BFDD];

	if (w->bfd_chan >= 0)
		close(w->bfd_chan);
	w->bfd_chan = -1;
	if (w->bfd_wanted && !w->stopping)
		c->start_at = mono_add_ms(now, ordered ? 0 : delay_ms);
	if (delay_ms < BFDD_FORGET_MS)
		return;
	log_event(LOG_ERR, "state-forgotten",
	    "child=%s why=\"it has ended too often: perhaps because of what the last one left\"", c->name);
	bfd_forget(w->bfd_fd);
}

static void
child_ended(struct weftd *w, enum launch_child which, int status)
{
	struct child *c = &w->child[which];
	struct mono_us now = clock_mono();
	bool with_agent = w->child[LAUNCH_CHILD_AGENT].pid != 0;
	bool follows = which == LAUNCH_CHILD_BGPD   ? !with_agent || w->stopping
		       : which == LAUNCH_CHILD_BFDD ? w->bfd_chan < 0
						    : false;
	uint32_t delay_ms = follows || w->stopping ? 0 : restart_delay_ms(c, now);

	c->pid = 0;
	c->status = status;
	c->kill_at = MONO_NEVER;
	c->restarts += !follows && !w->stopping;
	log_event(follows || (w->stopping && status == 0) ? LOG_INFO : LOG_ERR, "child-ended",
	    "child=%s status=%d signal=%d restart_in_ms=%d", c->name,
	    WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	    follows || w->stopping ? -1 : (int)delay_ms);
	if (which == LAUNCH_CHILD_AGENT) {
		agent_ended(w, now, delay_ms);
		return;
	}
	agent_tell_child(w, which, delay_ms);
	if (which == LAUNCH_CHILD_BFDD)
		bfdd_ended(w, now, follows, delay_ms);
	else if (!follows)
		c->start_at = mono_add_ms(now, delay_ms);
}

/* The agent's end first: that of bgpd may only follow from it. */
static void
children_reap(struct weftd *w)
{
	bool ended[LAUNCH_NCHILDREN] = { false };
	int status[LAUNCH_NCHILDREN], st;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0)
		for (int i = 0; i < LAUNCH_NCHILDREN; i++)
			if (w->child[i].pid == pid) {
				ended[i] = true;
				status[i] = st;
			}
	for (int i = 0; i < LAUNCH_NCHILDREN; i++)
		if (ended[i])
			child_ended(w, (enum launch_child)i, status[i]);
}

/* ---- signals and time -------------------------------------------------------- */

/* The second time the agent is asked to hurry, the third time it is killed. */
static void
stop_again(struct weftd *w, int signo)
{
	struct child *agent = &w->child[LAUNCH_CHILD_AGENT];
	struct launch_msg m = { .type = LAUNCH_STOP };
	struct mono_us now = clock_mono();

	log_event(LOG_WARN, "stop-hurried", "signal=%d", signo);
	if (w->hurried) {
		agent->kill_at = now;
		return;
	}
	w->hurried = true;
	agent->kill_at = mono_min(agent->kill_at, mono_add_s(now, HURRY_S));
	agent_send(w, &m, NULL, 0);
}

static void
stop(struct weftd *w, int signo)
{
	struct child *agent = &w->child[LAUNCH_CHILD_AGENT];
	struct launch_msg m = { .type = LAUNCH_STOP };

	if (w->stopping) {
		stop_again(w, signo);
		return;
	}
	log_event(LOG_NOTICE, "stopping", "signal=%d", signo);
	w->stopping = true;
	w->failed |= agent->pid == 0; /* nobody to end in order */
	for (int i = 0; i < LAUNCH_NCHILDREN; i++)
		w->child[i].start_at = MONO_NEVER;
	agent->kill_at = mono_add_s(clock_mono(), w->o->stop_timeout_s);
	if (agent->pid == 0)
		stop_bfdd(w);
	notify_send("STOPPING=1\nSTATUS=stopping");
	agent_send(w, &m, NULL, 0);
}

static void
reload(struct weftd *w)
{
	struct launch_msg m = { .type = LAUNCH_RELOAD };
	struct mono_us now = clock_mono();

	if (w->stopping || w->chan < 0)
		return;
	notify_send("RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now.us);
	w->reload_at = mono_add_s(now, RELOAD_GRACE_S);
	agent_send(w, &m, NULL, 0);
}

/* Counted by pings rather than time: a weftd that was stopped itself kills nobody for it. */
static void
agent_ping(struct weftd *w, struct mono_us now)
{
	struct launch_msg m = { .type = LAUNCH_PING, .delay_ms = ping_interval_ms(w) };

	w->ping_at = mono_add_ms(now, m.delay_ms);
	if (w->chan < 0 || w->stopping) {
		w->pings = 0;
		return;
	}
	if (w->pings == LAUNCH_PINGS_MISSED) {
		w->pings = 0;
		child_kill(&w->child[LAUNCH_CHILD_AGENT], "no answer for too long");
		return;
	}
	w->pings++;
	agent_send(w, &m, NULL, 0);
}

/* A child that does not even die: whoever watches weftd must know that it cannot help. */
static bool
is_stuck(const struct weftd *w, struct mono_us now)
{
	for (int i = 0; i < LAUNCH_NCHILDREN; i++)
		if (w->child[i].pid != 0 && !mono_is_never(w->child[i].killed) &&
		    mono_diff_us(now, w->child[i].killed) >= STUCK_S * 1000000ull)
			return true;
	return false;
}

static void
signals_read(struct weftd *w)
{
	struct signalfd_siginfo si;

	while (read(w->sig_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		int signo = (int)si.ssi_signo;

		if (signo == SIGCHLD)
			children_reap(w);
		else if (signo == SIGHUP)
			reload(w);
		else
			stop(w, signo);
	}
}

static void
timers_run(struct weftd *w)
{
	struct mono_us now = clock_mono();

	for (int i = 0; i < LAUNCH_NCHILDREN; i++) {
		struct child *c = &w->child[i];

		if (!mono_reached(now, c->kill_at))
			continue;
		child_kill(c, i == LAUNCH_CHILD_AGENT ? "did not stop in time" : NULL);
		w->failed |= i == LAUNCH_CHILD_AGENT;
		c->kill_at = MONO_NEVER;
	}
	if (mono_reached(now, w->child[LAUNCH_CHILD_AGENT].start_at) &&
	    w->child[LAUNCH_CHILD_BGPD].pid == 0)
		start_both(w);
	if (mono_reached(now, w->child[LAUNCH_CHILD_BGPD].start_at))
		start_bgpd(w);
	if (mono_reached(now, w->child[LAUNCH_CHILD_BFDD].start_at))
		start_bfdd(w);
	if (mono_reached(now, w->reload_at)) {
		w->reload_at = MONO_NEVER;
		notify_send("READY=1");
	}
	if (mono_reached(now, w->ping_at))
		agent_ping(w, now);
	if (mono_reached(now, w->watchdog_at)) {
		w->watchdog_at = mono_add_us(now, notify_watchdog_us());
		if (!is_stuck(w, now))
			notify_send("WATCHDOG=1");
	}
}

static void
wait_for_events(struct weftd *w)
{
	struct pollfd p[2] = { { .fd = w->sig_fd, .events = POLLIN },
		{ .fd = w->chan, .events = POLLIN } };
	struct mono_us next = mono_min(mono_min(w->watchdog_at, w->reload_at), w->ping_at);
	struct timespec ts;
	uint64_t us;

	for (int i = 0; i < LAUNCH_NCHILDREN; i++) {
		next = mono_min(next, w->child[i].kill_at);
		/* Both start once bgpd is gone, too, and its end is a signal. */
		if (i != LAUNCH_CHILD_AGENT || w->child[LAUNCH_CHILD_BGPD].pid == 0)
			next = mono_min(next, w->child[i].start_at);
	}
	us = mono_diff_us(next, clock_mono());
	ts = (struct timespec){ .tv_sec = (time_t)(us / 1000000), .tv_nsec = us % 1000000 * 1000 };
	if (ppoll(p, 2, mono_is_never(next) ? NULL : &ts, NULL) <= 0)
		return;
	if (p[0].revents)
		signals_read(w);
	if (p[1].revents && p[1].fd == w->chan)
		agent_read(w);
}

static bool
is_alive(const struct weftd *w)
{
	for (int i = 0; i < LAUNCH_NCHILDREN; i++)
		if (w->child[i].pid != 0)
			return true;
	return false;
}

int
supervise(const struct launch_opts *o, struct rundir *rd)
{
	struct weftd w = { .o = o, .rd = rd, .chan = -1, .bfd_chan = -1, .watchdog_at = MONO_NEVER,
		.reload_at = MONO_NEVER, .ping_at = MONO_NEVER };
	sigset_t set;

	for (int i = 0; i < LAUNCH_NCHILDREN; i++)
		w.child[i].start_at = w.child[i].kill_at = w.child[i].killed = MONO_NEVER;
	w.child[LAUNCH_CHILD_AGENT].name = "weft-agent";
	w.child[LAUNCH_CHILD_BGPD].name = "weft-bgpd";
	w.child[LAUNCH_CHILD_BFDD].name = "weft-bfdd";
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	w.sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w.sig_fd < 0) {
		log_event(LOG_ERR, "start-failed", "why=\"signalfd: %s\"", strerror(errno));
		return 1;
	}
	w.crash_fd = crash_page_make();
	if (w.crash_fd < 0)
		return 1;
	if (notify_watchdog_us() > 0)
		w.watchdog_at = clock_mono();
	start_both(&w);
	while (!w.stopping || is_alive(&w)) {
		wait_for_events(&w);
		timers_run(&w);
	}
	close(w.crash_fd);
	close(w.sig_fd);
	return w.failed;
}
