/*
 * A fib on the real kernel; see nlrig.h.
 */
#include "tests/unit/nlrig.h"

#include <check.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool
nlrig_usable(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) == 0 &&
			    system("ip link add p0 type veth peer name p1 2>/dev/null") == 0
			? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0;
}

void
sh(const char *fmt, ...)
{
	char cmd[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	ck_assert_msg(system(cmd) == 0, "failed: %s", cmd);
}

const char *
sh_out(const char *fmt, ...)
{
	static char out[65536];
	char cmd[2048];
	va_list ap;
	FILE *p;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	p = popen(cmd, "r");
	ck_assert_ptr_nonnull(p);
	n = fread(out, 1, sizeof(out) - 1, p);
	out[n] = '\0';
	pclose(p);
	if (n > 0 && out[n - 1] == '\n')
		out[n - 1] = '\0';
	return out;
}

int
sh_lines(const char *fmt, ...)
{
	char cmd[1900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return atoi(sh_out("(%s) | wc -l", cmd));
}

uint64_t
nlrig_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static struct mono_us
now(void)
{
	return (struct mono_us){ nlrig_now_us() };
}

void
nlrig_netns(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	/* The other ends have their indexes far away: the kernel's linkwatch is late else. */
	sh("ip link set lo up;"
	   "ip link add v0 index 10 type veth peer name v1 index 110 &&"
	   "ip link add w0 index 11 type veth peer name w1 index 111 &&"
	   "for l in v0 v1 w0 w1; do ip link set $l up || exit 1; done;"
	   "ip addr add 10.0.0.1/24 dev v0 && ip addr add 10.0.1.1/24 dev w0 &&"
	   "ip -6 addr add fd00::1/64 dev v0 nodad && ip -6 addr add fd01::1/64 dev w0 nodad");
}

struct ip_prefix
nlrig_prefix(const char *s)
{
	struct ip_prefix p;

	ck_assert_msg(ip_prefix_parse(s, &p, NULL), "bad prefix %s", s);
	return p;
}

static void
take_report(struct nlrig *r, const struct fib_report *rep)
{
	switch (rep->kind) {
	case FIB_REP_VERDICT:
		r->verdicts[rep->verdict.state]++;
		if (ip_prefix_eq(&rep->verdict.prefix, &r->watch))
			r->last = rep->verdict;
		break;
	case FIB_REP_NH_STATE:
		r->nh_states++;
		r->nh = rep->nh;
		break;
	case FIB_REP_LOCAL_READY:
		r->ready++;
		break;
	case FIB_REP_LOCAL_LOST:
		r->ready--;
		break;
	case FIB_REP_EVENT:
		r->events++;
		strncat(r->event_names, rep->event.name,
		    sizeof(r->event_names) - strlen(r->event_names) - 2);
		strcat(r->event_names, " ");
		break;
	case FIB_REP_ADOPTED:
		memcpy(r->adopted, rep->adopted, sizeof(r->adopted));
		break;
	case FIB_REP_FLUSHED:
		r->flushed++;
		break;
	}
}

static void
on_changed(void *ctx)
{
	struct nlrig *r = ctx;
	struct fib_report rep;

	while (fib_next_report(r->fib, &rep))
		take_report(r, &rep);
}

void
nlrig_start(struct nlrig *r, enum fib_nhobj_mode nhobj, size_t monitor_octets)
{
	struct nl_conf nc = { .changed = on_changed, .ctx = r, .monitor_octets = monitor_octets };
	char err[256] = "";

	memset(r, 0, sizeof(*r));
	r->permit[0] = nlrig_prefix("10.64.0.0/10");
	r->permit[1] = nlrig_prefix("fd64::/16");
	r->conf = (struct fib_conf){
		.install = true,
		.table = 254,
		.protocol = RIG_PROTO,
		.metric = RIG_METRIC,
		.multipath = 16,
		.nhobj = nhobj,
		.own_block = FIB_BLOCK_BLACKHOLE,
		.protect_node = true,
		.protect_peers = true,
		.permit = r->permit,
		.npermit = 2,
	};
	r->base = event_base_new();
	r->fib = fib_new(now(), 42, NULL);
	fib_configure(r->fib, now(), &r->conf);
	nc.base = r->base;
	nc.fib = r->fib;
	r->nl = nl_open(&nc, err, sizeof(err));
	ck_assert_msg(r->nl != NULL, "nl_open: %s", err);
	nl_start(r->nl);
	nlrig_settle(r);
}

void
nlrig_stop(struct nlrig *r)
{
	nl_shutdown(r->nl);
	fib_free(r->fib);
	event_base_free(r->base);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
}

bool
nlrig_until(struct nlrig *r, bool (*cond)(struct nlrig *r), unsigned int ms)
{
	uint64_t end = nlrig_now_us() + (uint64_t)ms * 1000;
	struct event *wake = evtimer_new(r->base, on_wake, NULL);
	struct timeval tick = { 0, 2000 };
	bool ok;

	nl_kick(r->nl);
	on_changed(r);
	while (!(ok = cond(r)) && nlrig_now_us() < end) {
		event_add(wake, &tick);
		event_base_loop(r->base, EVLOOP_ONCE);
	}
	event_free(wake);
	return ok;
}

bool
nlrig_synced(struct nlrig *r)
{
	struct fib_stats st;
	struct nl_stats ns;

	fib_stats(r->fib, &st);
	nl_stats(r->nl, &ns);
	return ns.dumps >= 5 && st.synced;
}

static bool
never(struct nlrig *r)
{
	return false;
}

void
nlrig_run(struct nlrig *r, unsigned int ms)
{
	nlrig_until(r, never, ms);
}

void
nlrig_settle(struct nlrig *r)
{
	ck_assert_msg(nlrig_until(r, nlrig_synced, 5000), "the kernel does not become what is wanted");
}

void
nlrig_set(struct nlrig *r, uint32_t id, uint32_t backup, const char *const *nh)
{
	struct ipc_nhset s = { .id = id, .backup = backup };
	const char *why = NULL;

	for (; *nh; nh++) {
		ck_assert_msg(ip_addr_parse(*nh, &s.member[s.n].addr), "bad address %s", *nh);
		s.member[s.n++].weight = 1;
	}
	ck_assert_msg(fib_nhset(r->fib, now(), &s, &why), "%s", why);
}

void
nlrig_route(struct nlrig *r, uint32_t set, const char *prefix)
{
	struct ip_prefix p = nlrig_prefix(prefix);
	const char *why = NULL;

	ck_assert_msg(fib_route(r->fib, now(), set, &p, &why), "%s", why);
}

struct ip_prefix
nlrig_nth(uint8_t af, uint32_t i)
{
	struct ip_prefix p = { .af = af, .len = af == IP4 ? 24 : 48 };

	if (af == IP4) {
		p.b[0] = 10;
		p.b[1] = (uint8_t)(64 + (i >> 8));
		p.b[2] = (uint8_t)i;
	} else {
		p.b[0] = 0xfd;
		p.b[1] = 0x64;
		p.b[3] = (uint8_t)(i >> 16);
		p.b[4] = (uint8_t)(i >> 8);
		p.b[5] = (uint8_t)i;
	}
	return p;
}

void
nlrig_routes(struct nlrig *r, uint32_t set, uint8_t af, uint32_t n)
{
	const char *why = NULL;
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct ip_prefix p = nlrig_nth(af, i);

		ck_assert_msg(fib_route(r->fib, now(), set, &p, &why), "%s", why);
	}
}
