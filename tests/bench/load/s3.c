/*
 * S3: --prefixes (200,000) /24, with --v6 /64, from one peer into the kernel.
 *
 * Seconds: `complete` from the first octet of an UPDATE sent until the kernel has told of
 * the last route; `gone` from the first octet of their withdrawal until the last one is
 * gone. In between every route in the kernel is compared with what it must be.
 */
#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/fib.h"
#include "tests/bench/load/scenario.h"
#include "tests/bench/load/sess.h"

#define LOOK_US	 1000
#define QUIET_US 300000

struct s3 {
	struct pool pool;
	struct stream up, down;
	struct fib fib;
};

static const struct sess_ops s3_ops = { .update = fib_ignore_update };

static bool
s3_complete(struct load *l)
{
	struct s3 *t = l->own;

	return kernmon_there(t->fib.mon, t->pool.af) == t->pool.n;
}

static bool
s3_gone(struct load *l)
{
	struct s3 *t = l->own;

	return kernmon_there(t->fib.mon, t->pool.af) == 0;
}

static bool
s3_judge(void *arg, uint8_t af, uint32_t i, const uint32_t *legs, size_t n)
{
	(void)arg;
	(void)af;
	(void)i;
	return n == 1 && legs[0] == 0;
}

static bool
s3_judge_gone(void *arg, uint8_t af, uint32_t i, const uint32_t *legs, size_t n)
{
	(void)arg;
	(void)af;
	(void)i;
	(void)legs;
	return n == 0;
}

static void
s3_prepare(struct load *l, struct s3 *t)
{
	const struct opts *o = l->opt;
	uint32_t n = or_default(o->prefixes, 200000);
	uint32_t *all = mem_zalloc_array(n, sizeof *all);

	l->own = t;
	sess_make(l, 1, &s3_ops);
	t->pool = pool_make(o->v6 ? IP6 : IP4, o->v6 ? 64 : 24, n);
	fib_announce(&t->up, &t->pool, &l->sess[0], 0, n);
	for (uint32_t i = 0; i < n; i++)
		all[i] = i;
	stream_withdraw_list(&t->down, &t->pool, all, n);
	mem_free(all);
	fib_open(&t->fib, l, &t->pool, NULL);
}

/* One way and the time it took. */
static double
s3_send(struct load *l, const struct stream *st, bool (*done)(struct load *l), const char *what)
{
	struct s3 *t = l->own;
	struct mono_us sent = clock_mono();

	load_event(l, "send", "octets=%zu", st->len);
	sess_send(&l->sess[0], st->p, st->len);
	if (!fib_until(&t->fib, l, LOOK_US, done, what))
		return 0;
	return load_seconds(sent, kernmon_time(t->fib.mon));
}

static void
s3_measure(struct load *l, struct s3 *t)
{
	sess_start_all(l);
	if (!load_until(l, sess_all_up, "session up"))
		return;
	load_event(l, "up", "sessions=%u", l->nup);
	load_pause(l, "up");
	load_result_num(
	    l, "seconds_complete", s3_send(l, &t->up, s3_complete, "all routes in the kernel"));
	load_event(l, "complete", "routes=%u", kernmon_there(t->fib.mon, t->pool.af));
	load_pause(l, "complete");
	fib_quiet(&t->fib, l, QUIET_US);
	fib_check(&t->fib, l, s3_judge);
	fib_figures(&t->fib, l);
}

/* And away again. The figures of the first half are taken before. */
static void
s3_measure_gone(struct load *l, struct s3 *t)
{
	if (l->failed)
		return;
	load_result_num(
	    l, "seconds_gone", s3_send(l, &t->down, s3_gone, "all routes gone from the kernel"));
	fib_quiet(&t->fib, l, QUIET_US);
	fib_check(&t->fib, l, s3_judge_gone);
}

void
s3_run(struct load *l)
{
	struct s3 *t = mem_zalloc(sizeof *t);

	s3_prepare(l, t);
	s3_measure(l, t);
	s3_measure_gone(l, t);
	load_result_num(l, "prefixes", t->pool.n);
	fib_close(&t->fib);
	stream_free(&t->up);
	stream_free(&t->down);
	mem_free(t);
}
