/*
 * Looking for conflicts; see lookout.h.
 *
 * The kernel tells when forwarding or rp_filter changes (RTM_NEWNETCONF); it does not for other
 * settings, so all are read every ten seconds: a dozen small files. Processes are looked through
 * once a minute, and soon after somebody took routes away.
 */
#include "agent/lookout.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/core/conflict.h"
#include "agent/nlsock.h"
#include "agent/procs.h"
#include "agent/sysctl.h"
#include "lib/mem.h"

#define LOOK_S	      10
#define LATE_S	      1 /* later than that, as the beat saves waking up for this alone */
#define EARLY_S	      3 /* before it is due a beat will do */
#define SOON_US	      100000  /* sessions and routes come up first */
#define TOLD_GAP_US   1000000 /* between two looks because the kernel has told something */
#define PROCS_S	      60
#define PROCS_SOON_S  5 /* when routes were taken away: not more often than that */
#define TOLD_MAX      64      /* messages taken in one turn of the loop */
#define NM_DEVICES    "/run/NetworkManager/devices"

struct lookout {
	struct agent *a;
	struct event *ev;
	struct mono_us looked_at; /* MONO_NEVER: not yet */
	struct mono_us due;	  /* MONO_NEVER: nobody waits for it */
	struct nlsock sock;	  /* on which the kernel tells */
	struct event *told;	  /* NULL: it does not */
	struct sysctls *sysctls;
	struct procs procs;
	bool networkd_foreign;
	struct mono_us procs_at; /* when they were looked through */
	bool procs_known;
	uint64_t repairs; /* as of then */
	struct log_limit failures;
};

/* ---- files --------------------------------------------------------------- */

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
	procs_look(&w->procs, !w->procs_known || st.repairs != w->repairs);
	w->networkd_foreign = w->procs.networkd != 0 && procs_networkd_foreign("");
	w->procs_at = agent_now();
	w->procs_known = true;
	w->repairs = st.repairs;
}

static void
look_at_iface(struct lookout *w, struct conflict_iface *i, bool network_manager)
{
	if (i->uplink) {
		i->rp_filter = larger(
		    sysctls_number(w->sysctls, "net/ipv4/conf/%s/rp_filter", i->name),
		    sysctls_number(w->sysctls, "net/ipv4/conf/%s/rp_filter", "all"));
		i->accept_ra = sysctls_number(w->sysctls, "net/ipv6/conf/%s/accept_ra", i->name);
		i->forward6 = sysctls_number(w->sysctls, "net/ipv6/conf/%s/forwarding", i->name);
	}
	i->nm = network_manager && i->pods && nm_manages(i->ifindex);
}

static void
gather(struct lookout *w, struct conflict_facts *f)
{
	fib_facts(w->a->fib, agent_now(), f);
	look_at_procs(w);
	sysctls_begin(w->sysctls);
	f->forward[0] = sysctls_number(w->sysctls, "net/ipv4/%s", "ip_forward");
	f->forward[1] = sysctls_number(w->sysctls, "net/ipv6/conf/%s/forwarding", "all");
	f->hash[0] = sysctls_number(w->sysctls, "net/ipv4/%s", "fib_multipath_hash_policy");
	f->hash[1] = sysctls_number(w->sysctls, "net/ipv6/%s", "fib_multipath_hash_policy");
	f->networkd = w->procs.networkd != 0;
	f->networkd_foreign = w->networkd_foreign;
	f->network_manager = w->procs.network_manager != 0;
	for (size_t i = 0; i < f->n; i++)
		look_at_iface(w, &f->iface[i], f->network_manager);
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

/* ---- when ---------------------------------------------------------------------- */

static void
arm(struct lookout *w, uint64_t us)
{
	struct timeval tv = { .tv_sec = (time_t)(us / 1000000), .tv_usec = us % 1000000 };

	w->due = mono_add_us(agent_now(), us);
	event_add(w->ev, &tv);
}

static void
look(struct lookout *w)
{
	struct agent *a = w->a;
	struct conflict_facts f;

	w->looked_at = agent_now();
	arm(w, (LOOK_S + LATE_S) * 1000000);
	if (!a->kernel_seen || !a->conf || a->stopping)
		return;
	gather(w, &f);
	if (!agent_observes(a) && a->conf->kernel.install && a->conf->kernel.sysctls == CONF_SYSCTLS_MANAGE &&
	    set_sysctls(w, &f))
		gather(w, &f);
	if (fib_look(a->fib, agent_now(), &f))
		agent_kick(a);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	look(arg);
}

/* Soon, but not more often than that, as interfaces come and go with pods. */
static void
look_within(struct lookout *w, uint64_t us, uint64_t gap_us)
{
	uint64_t age = mono_is_never(w->looked_at) ? gap_us : mono_diff_us(agent_now(), w->looked_at);
	uint64_t wait = age + us < gap_us ? gap_us - age : us;

	if (mono_before(mono_add_us(agent_now(), wait), w->due))
		arm(w, wait);
}

/* What it says is read from the files: only that it says something counts. */
static void
on_told(evutil_socket_t fd, short what, void *arg)
{
	struct lookout *w = arg;
	char octets[512];

	for (int i = 0; i < TOLD_MAX && nlsock_recv(&w->sock, octets, sizeof octets) != 0; i++)
		;
	if (!mono_is_never(w->looked_at))
		look_within(w, SOON_US, TOLD_GAP_US);
}

static void
listen_to_kernel(struct lookout *w)
{
	static const int groups[] = { RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF };

	if (nlsock_open(&w->sock) < 0)
		return;
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
		setsockopt(w->sock.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof groups[i]);
	w->told = event_new(w->a->base, w->sock.fd, EV_READ | EV_PERSIST, on_told, w);
	event_add(w->told, NULL);
}

void
lookout_now(struct lookout *w)
{
	look_within(w, SOON_US, 0);
}

void
lookout_beat(struct lookout *w)
{
	if (!mono_is_never(w->due) && mono_reached(mono_add_s(agent_now(), EARLY_S), w->due))
		look(w);
}

/* ---- life ---------------------------------------------------------------------- */

struct lookout *
lookout_new(struct agent *a)
{
	struct lookout *w = mem_zalloc(sizeof *w);

	w->a = a;
	w->looked_at = w->due = MONO_NEVER;
	w->ev = event_new(a->base, -1, 0, on_time, w);
	w->failures = (struct log_limit){ .burst = 4, .interval_us = 600000000 };
	w->sysctls = sysctls_new();
	w->sock.fd = -1;
	listen_to_kernel(w);
	return w;
}

void
lookout_free(struct lookout *w)
{
	if (!w)
		return;
	if (w->told)
		event_free(w->told);
	nlsock_close(&w->sock);
	sysctls_free(w->sysctls);
	event_free(w->ev);
	mem_free(w);
}
