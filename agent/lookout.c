/*
 * Looking for conflicts; see lookout.h.
 *
 * Settings are read every few seconds: a dozen small files. Processes are looked
 * through once a minute, and soon after somebody took routes away.
 */
#include "agent/lookout.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/core/conflict.h"
#include "agent/procs.h"
#include "lib/mem.h"

#define LOOK_S	      5
#define PROCS_S	      60
#define PROCS_SOON_S  5 /* when routes were taken away: not more often than that */
#define NM_DEVICES    "/run/NetworkManager/devices"

struct lookout {
	struct agent *a;
	struct event *ev;
	struct procs procs;
	struct mono_us procs_at; /* when they were looked through */
	bool procs_known;
	uint64_t repairs; /* as of then */
	struct log_limit failures;
};

/* ---- files --------------------------------------------------------------- */

/* The number in that file; -1: there is none. */
static int
read_number(const char *fmt, const char *name)
{
	char path[256], text[16];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof path, fmt, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return atoi(text);
}

/* 0 or -errno. */
static int
write_sysctl(const struct conflict_sysctl *s)
{
	char path[96], text[16];
	int fd, r = 0, n = snprintf(text, sizeof text, "%d\n", s->want);

	snprintf(path, sizeof path, "/proc/sys/%s", s->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)n) != n)
		r = -errno;
	close(fd);
	return r;
}

/* NetworkManager notes there what it manages. */
static bool
nm_manages(uint32_t ifindex)
{
	char path[64], line[128];
	bool managed = false;
	FILE *f;

	snprintf(path, sizeof path, NM_DEVICES "/%u", ifindex);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		managed |= strncmp(line, "managed=true", 12) == 0;
	if (f)
		fclose(f);
	return managed;
}

static int
larger(int a, int b)
{
	return a > b ? a : b;
}

/* ---- facts ----------------------------------------------------------------- */

static void
look_at_procs(struct lookout *w)
{
	uint64_t age_s = mono_diff_us(agent_now(), w->procs_at) / 1000000;
	struct fib_stats st;

	fib_stats(w->a->fib, &st);
	if (w->procs_known && age_s < (st.repairs != w->repairs ? PROCS_SOON_S : PROCS_S))
		return;
	w->procs = procs_look();
	w->procs_at = agent_now();
	w->procs_known = true;
	w->repairs = st.repairs;
}

static void
look_at_iface(struct conflict_iface *i, bool network_manager)
{
	if (i->uplink) {
		i->rp_filter = larger(
		    read_number("/proc/sys/net/ipv4/conf/%s/rp_filter", i->name),
		    read_number("/proc/sys/net/ipv4/conf/%s/rp_filter", "all"));
		i->accept_ra = read_number("/proc/sys/net/ipv6/conf/%s/accept_ra", i->name);
		i->forward6 = read_number("/proc/sys/net/ipv6/conf/%s/forwarding", i->name);
	}
	i->nm = network_manager && i->pods && nm_manages(i->ifindex);
}

static void
gather(struct lookout *w, struct conflict_facts *f)
{
	fib_facts(w->a->fib, agent_now(), f);
	look_at_procs(w);
	f->forward[0] = read_number("/proc/sys/net/ipv4/%s", "ip_forward");
	f->forward[1] = read_number("/proc/sys/net/ipv6/conf/%s/forwarding", "all");
	f->hash[0] = read_number("/proc/sys/net/ipv4/%s", "fib_multipath_hash_policy");
	f->hash[1] = read_number("/proc/sys/net/ipv6/%s", "fib_multipath_hash_policy");
	f->networkd = w->procs.networkd;
	f->networkd_foreign = f->networkd && procs_networkd_foreign("");
	f->network_manager = w->procs.network_manager;
	for (size_t i = 0; i < f->n; i++)
		look_at_iface(&f->iface[i], f->network_manager);
}

/* ---- settings ---------------------------------------------------------------- */

/* True: something is another way now. */
static bool
set_sysctls(struct lookout *w, const struct conflict_facts *f)
{
	struct events *ev = w->a->events;
	struct conflict_sysctl s;
	bool changed = false;
	size_t pos = 0;

	while (conflict_next_sysctl(f, &pos, &s)) {
		int r = write_sysctl(&s);

		changed |= r == 0;
		if (r == 0)
			events_addf(ev, IPC_LVL_NOTICE, "sysctl-set", "name=%s was=%d now=%d",
			    s.name, s.was, s.want);
		else if (log_limit_pass(&w->failures, agent_now(), NULL))
			events_addf(ev, IPC_LVL_ERR, "sysctl-failed", "name=%s value=%d why=\"%s\"",
			    s.name, s.want, strerror(-r));
	}
	return changed;
}

static void
look(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval again = { LOOK_S, 0 };
	struct lookout *w = arg;
	struct agent *a = w->a;
	struct conflict_facts f;

	event_add(w->ev, &again);
	if (!a->kernel_seen || !a->conf || a->stopping)
		return;
	gather(w, &f);
	if (!agent_observes(a) && a->conf->kernel.install && a->conf->kernel.sysctls == CONF_SYSCTLS_MANAGE &&
	    set_sysctls(w, &f))
		gather(w, &f);
	fib_look(a->fib, agent_now(), &f);
	agent_kick(a);
}

/* ---- life ---------------------------------------------------------------------- */

void
lookout_now(struct lookout *w)
{
	static const struct timeval soon = { 0, 100000 }; /* sessions and routes come up first */

	event_add(w->ev, &soon);
}

struct lookout *
lookout_new(struct agent *a)
{
	struct lookout *w = mem_zalloc(sizeof *w);

	w->a = a;
	w->ev = event_new(a->base, -1, 0, look, w);
	w->failures = (struct log_limit){ .burst = 4, .interval_us = 600000000 };
	return w;
}

void
lookout_free(struct lookout *w)
{
	if (!w)
		return;
	event_free(w->ev);
	mem_free(w);
}
