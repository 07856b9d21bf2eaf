/*
 * The event loop: epoll with level triggers, a look at the sessions' timers every
 * few milliseconds, and the lines that the runner reads.
 */
#include "tests/bench/load/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/sess.h"
#include "tests/bench/measure.h"

#define MSG_MAX	   4096
#define NEVENTS	   256
#define RESULT_CAP 8192

void
load_init(struct load *l, const struct opts *o)
{
	memset(l, 0, sizeof(*l));
	l->opt = o;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	l->now = clock_mono();
	l->end = mono_add_s(l->now, o->timeout_s);
	l->in = mem_alloc(LOAD_IN + MSG_MAX);
	l->result = mem_zalloc(RESULT_CAP);
	l->listener = (struct watch){ .fd = -1, .l = l };
	l->corrupt = o->expect_wrong;
	if (l->epfd < 0)
		load_fail(l, "epoll_create1: %s", strerror(errno));
}

void
load_fini(struct load *l)
{
	sess_free_all(l);
	mem_free(l->in);
	mem_free(l->result);
	close(l->epfd);
}

void
load_watch(struct load *l, struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };
	int op = !w->events ? EPOLL_CTL_ADD : !events ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

	if (w->events == events)
		return;
	w->l = l;
	w->events = events;
	if (epoll_ctl(l->epfd, op, w->fd, &ev) != 0)
		load_fail(l, "epoll_ctl: %s", strerror(errno));
}

void
load_fail(struct load *l, const char *fmt, ...)
{
	va_list ap;

	if (l->failed)
		return;
	l->failed = true;
	va_start(ap, fmt);
	vsnprintf(l->why, sizeof(l->why), fmt, ap);
	va_end(ap);
}

void
load_late(struct load *l, struct mono_us since, const char *what)
{
	if (l->failed || !mono_reached(l->now, l->end))
		return;
	l->late = true;
	l->late_s = load_seconds(since, l->now);
	load_fail(l, "%s: not within %.1f s", what, l->late_s);
}

/* ---- waiting ---- */

/* How long to sleep: sessions' timers are looked at when the loop wakes up, so in time for them. */
static struct timespec
step_timeout(const struct load *l, uint64_t us)
{
	uint64_t timers = mono_diff_us(l->scan_at, l->now);

	us = us < timers ? us : timers;
	return (struct timespec){ .tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000 };
}

void
load_step(struct load *l, uint64_t us)
{
	struct epoll_event ev[NEVENTS];
	struct timespec sleep;
	int n;

	l->now = clock_mono();
	sleep = step_timeout(l, us);
	n = epoll_pwait2(l->epfd, ev, NEVENTS, &sleep, NULL);
	l->now = clock_mono();
	for (int i = 0; i < n && !l->failed; i++) {
		struct watch *w = ev[i].data.ptr;

		if (w->events)
			w->cb(w, ev[i].events);
	}
	if (mono_reached(l->now, l->scan_at))
		l->scan_at = sess_timers(l);
	else if (l->dial_more)
		sess_dial_more(l);
}

bool
load_until(struct load *l, bool (*done)(struct load *l), const char *what)
{
	struct mono_us since = clock_mono();

	while (!l->failed && !done(l)) {
		load_step(l, mono_diff_us(l->end, l->now));
		if (!done(l))
			load_late(l, since, what);
	}
	return !l->failed;
}

bool
load_serve(struct load *l, uint64_t us)
{
	struct mono_us end = mono_add_us(clock_mono(), us);

	do
		load_step(l, mono_diff_us(end, l->now));
	while (!l->failed && !mono_reached(l->now, end));
	return !l->failed;
}

double
load_seconds(struct mono_us a, struct mono_us b)
{
	return (double)mono_diff_us(b, a) / 1e6;
}

double
load_cpu(void)
{
	return measure_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

/* ---- the runner ---- */

void
load_event(struct load *l, const char *name, const char *fmt, ...)
{
	uint64_t us = clock_mono().us;
	va_list ap;

	(void)l;
	printf("EVENT %s t=%llu.%06llu", name, (unsigned long long)(us / 1000000),
	    (unsigned long long)(us % 1000000));
	if (*fmt) {
		putchar(' ');
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
	}
	putchar('\n');
	fflush(stdout);
}

struct pause {
	struct watch watch;
	bool over;
};

/* A line or the end of the file has come: both mean to go on. */
static void
pause_read(struct watch *w, uint32_t events)
{
	struct pause *p = (struct pause *)w;
	char c = '\n';
	ssize_t n;

	(void)events;
	do
		n = read(w->fd, &c, 1);
	while (n == 1 && c != '\n');
	load_watch(w->l, w, 0);
	p->over = true;
}

void
load_pause(struct load *l, const char *name)
{
	struct pause p = { .watch = { .fd = STDIN_FILENO, .cb = pause_read, .l = l } };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &p.watch };

	if (l->failed)
		return;
	load_event(l, "pause", "name=%s", name);
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, STDIN_FILENO, &ev) != 0)
		return; /* a file, such as /dev/null: nobody is there */
	p.watch.events = EPOLLIN;
	while (!l->failed && !p.over)
		load_step(l, 1000000);
	if (!p.over)
		load_watch(l, &p.watch, 0);
}

static void
result_add(struct load *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->result + l->result_len, RESULT_CAP - l->result_len, fmt, ap);
	va_end(ap);
	if (n > 0 && l->result_len + (size_t)n < RESULT_CAP)
		l->result_len += (size_t)n;
}

void
load_result_num(struct load *l, const char *key, double v)
{
	if (v == (double)(int64_t)v)
		result_add(l, ",\"%s\":%lld", key, (long long)v);
	else
		result_add(l, ",\"%s\":%.6f", key, v);
}

void
load_result_text(struct load *l, const char *key, const char *v)
{
	result_add(l, ",\"%s\":\"%s\"", key, v);
}

void
load_result_print(struct load *l, const char *scenario)
{
	load_result_num(l, "generator_cpu", load_cpu());
	load_result_num(l, "updates", (double)l->count.updates);
	load_result_num(l, "prefixes_received", (double)l->count.prefixes);
	load_result_num(l, "withdrawals", (double)l->count.withdrawn);
	load_result_num(l, "octets", (double)l->count.octets);
	load_result_num(l, "others", (double)l->count.others);
	load_result_num(l, "checks", (double)l->count.checks);
	load_result_num(l, "lost_early", (double)l->count.lost_early);
	load_result_num(l, "refused", (double)l->count.refused);
	if (l->late)
		load_result_num(l, "late", l->late_s);
	printf("RESULT {\"scenario\":\"%s\"%s,\"ok\":%s,\"why\":\"%s\"}\n", scenario, l->result,
	    l->failed ? "false" : "true", l->why);
	fflush(stdout);
}
