/*
 * S9: wire to kernel. On an idle node one route is announced; how long until the kernel
 * has told of it? --rounds (1,000) samples, and as many for its withdrawal; for a slow daemon
 * as many as --seconds (8) of each allow.
 *
 * A sample is the time from before the send() to after the read of the notification, both
 * here, so waking up is in it twice. Between samples the node is left alone for some
 * milliseconds, no two times the same.
 */
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/rng.h"
#include "tests/bench/load/fib.h"
#include "tests/bench/load/scenario.h"
#include "tests/bench/load/sess.h"

#define PAUSE_US 2000 /* and up to as much again */
#define QUIET_US 300000
#define HALF_S	 8

struct s9 {
	struct pool pool;
	struct fib fib;
	uint32_t rounds, nthere, ngone, i;
	uint64_t half_us;
	double *there, *gone; /* microseconds */
	struct rng rng;
};

static const struct sess_ops s9_ops = { .update = fib_ignore_update };

static bool
s9_has(struct load *l)
{
	struct s9 *t = l->own;

	return kernmon_has(t->fib.mon, t->pool.af, t->i);
}

static bool
s9_has_not(struct load *l)
{
	return !s9_has(l);
}

static bool
s9_none(struct load *l)
{
	struct s9 *t = l->own;

	return kernmon_there(t->fib.mon, t->pool.af) == 0;
}

/* Those that were announced, and no others. */
static bool
s9_judge(void *arg, uint8_t af, uint32_t i, const uint32_t *legs, size_t n)
{
	const struct load *l = arg;
	const struct s9 *t = l->own;

	(void)af;
	return i < t->nthere ? n == 1 && legs[0] == 0 : n == 0;
}

static double
s9_sample(struct load *l, struct stream *st, bool (*done)(struct load *l), const char *what)
{
	struct s9 *t = l->own;
	struct mono_us sent = clock_mono();

	sess_send(&l->sess[0], st->p, st->len);
	load_until(l, done, what);
	sent.us = mono_diff_us(kernmon_time(t->fib.mon), sent);
	load_serve(l, PAUSE_US + rng_below(&t->rng, PAUSE_US));
	return (double)sent.us;
}

static void
s9_round(struct load *l, struct s9 *t, uint32_t i, bool announce)
{
	struct stream st = { 0 };

	t->i = i;
	if (announce) {
		fib_announce(&st, &t->pool, &l->sess[0], i, i + 1);
		t->there[i] = s9_sample(l, &st, s9_has, "the route in the kernel");
	} else {
		stream_withdraw_list(&st, &t->pool, &i, 1);
		t->gone[i] = s9_sample(l, &st, s9_has_not, "the route gone from the kernel");
	}
	stream_free(&st);
}

/* At most n samples; how many there was time for. */
static uint32_t
s9_half(struct load *l, struct s9 *t, uint32_t n, bool announce)
{
	struct mono_us end = mono_add_us(clock_mono(), t->half_us);
	uint32_t i = 0;

	while (i < n && !l->failed && !mono_reached(l->now, end))
		s9_round(l, t, i++, announce);
	return i;
}

/* What there was no time for to withdraw one by one. */
static void
s9_rest(struct load *l, struct s9 *t)
{
	struct stream st = { 0 };

	for (uint32_t i = t->ngone; i < t->nthere; i++)
		stream_withdraw_list(&st, &t->pool, &i, 1);
	if (!l->failed)
		sess_send(&l->sess[0], st.p, st.len);
	load_until(l, s9_none, "all routes gone from the kernel");
	stream_free(&st);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
s9_figures(struct load *l, const char *name, double *v, uint32_t n)
{
	char *key[3] = { mem_printf("us_%s_median", name), mem_printf("us_%s_99", name),
		mem_printf("us_%s_max", name) };

	qsort(v, n, sizeof *v, compare);
	load_result_num(l, key[0], v[n / 2]);
	load_result_num(l, key[1], v[(uint64_t)n * 99 / 100]);
	load_result_num(l, key[2], v[n - 1]);
	for (int i = 0; i < 3; i++)
		mem_free(key[i]);
}

static void
s9_measure(struct load *l, struct s9 *t)
{
	sess_start_all(l);
	if (!load_until(l, sess_all_up, "session up"))
		return;
	load_event(l, "up", "sessions=%u", l->nup);
	load_serve(l, QUIET_US);
	load_pause(l, "up");
	t->nthere = s9_half(l, t, t->rounds, true);
	load_pause(l, "there");
	fib_check(&t->fib, l, s9_judge);
	fib_figures(&t->fib, l);
	t->ngone = s9_half(l, t, t->nthere, false);
	s9_rest(l, t);
	load_pause(l, "gone");
	if (l->failed)
		return;
	s9_figures(l, "there", t->there, t->nthere);
	s9_figures(l, "gone", t->gone, t->ngone);
	load_result_num(l, "samples", t->ngone < t->nthere ? t->ngone : t->nthere);
}

void
s9_run(struct load *l)
{
	struct s9 *t = mem_zalloc(sizeof *t);

	l->own = t;
	t->rounds = or_default(l->opt->rounds, 1000);
	t->half_us = or_default(l->opt->seconds, HALF_S) * 1000000ull;
	t->there = mem_zalloc_array(t->rounds, sizeof *t->there);
	t->gone = mem_zalloc_array(t->rounds, sizeof *t->gone);
	rng_seed(&t->rng, l->opt->seed);
	sess_make(l, 1, &s9_ops);
	t->pool = pool_make(l->opt->v6 ? IP6 : IP4, l->opt->v6 ? 64 : 24, t->rounds);
	fib_open(&t->fib, l, &t->pool, NULL);
	fib_watch(&t->fib, l);
	s9_measure(l, t);
	fib_close(&t->fib);
	mem_free(t->there);
	mem_free(t->gone);
	mem_free(t);
}
