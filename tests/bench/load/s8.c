/*
 * S8: one node in a full mesh of --peers (1,000), each of which announces one IPv4 and one
 * IPv6 prefix as soon as its session is up, into the kernel. Sessions carry both families.
 *
 * Seconds: `up` from the first connection attempt to the last session up, `complete` from
 * there until the kernel has told of the last route, `all` from begin to end.
 */
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/fib.h"
#include "tests/bench/load/scenario.h"
#include "tests/bench/load/sess.h"

#define LOOK_US	 1000
#define QUIET_US 500000

struct s8 {
	struct pool pool[2]; /* IPv4, IPv6 */
	struct stream *stream;
	struct fib fib;
	struct mono_us last_up;
};

static void
s8_up(struct sess *s)
{
	struct s8 *t = s->l->own;

	t->last_up = s->up_at;
	sess_send(s, t->stream[s->i].p, t->stream[s->i].len);
}

static const struct sess_ops s8_ops = { .up = s8_up, .update = fib_ignore_update };

static bool
s8_complete(struct load *l)
{
	struct s8 *t = l->own;

	return sess_all_up(l) && kernmon_there(t->fib.mon, IP4) == t->pool[0].n &&
	       kernmon_there(t->fib.mon, IP6) == t->pool[1].n;
}

/* Prefix i is peer i's. */
static bool
s8_judge(void *arg, uint8_t af, uint32_t i, const uint32_t *legs, size_t n)
{
	(void)arg;
	(void)af;
	return n == 1 && legs[0] == i;
}

static void
s8_prepare(struct load *l, struct s8 *t)
{
	uint32_t n = or_default(l->opt->peers, 1000);

	l->own = t;
	if (!l->opt->families || strcmp(l->opt->families, "46") != 0)
		load_fail(l, "this needs --families=46");
	sess_make(l, n, &s8_ops);
	t->pool[0] = pool_make(IP4, 24, n);
	t->pool[1] = pool_make(IP6, 64, n);
	t->stream = mem_zalloc_array(n, sizeof *t->stream);
	for (uint32_t i = 0; i < n; i++)
		for (unsigned f = 0; f < 2; f++) {
			fib_announce(&t->stream[i], &t->pool[f], &l->sess[i], i, i + 1);
			stream_end_of_rib(&t->stream[i], t->pool[f].af);
		}
	fib_open(&t->fib, l, &t->pool[0], &t->pool[1]);
}

static void
s8_measure(struct load *l, struct s8 *t)
{
	struct mono_us begin = clock_mono(), done;

	load_pause(l, "begin");
	load_event(l, "start", "%s", "");
	begin = clock_mono();
	sess_start_all(l);
	if (!fib_until(
		&t->fib, l, LOOK_US, s8_complete, "all sessions up, all routes in the kernel"))
		return;
	done = kernmon_time(t->fib.mon);
	if (mono_before(done, t->last_up))
		done = t->last_up;
	load_event(l, "complete", "sessions=%u", l->nup);
	load_pause(l, "complete");
	load_result_num(l, "seconds_up", load_seconds(begin, t->last_up));
	load_result_num(l, "seconds_complete", load_seconds(t->last_up, done));
	load_result_num(l, "seconds_all", load_seconds(begin, done));
	fib_quiet(&t->fib, l, QUIET_US);
	load_pause(l, "quiet");
	fib_check(&t->fib, l, s8_judge);
	fib_figures(&t->fib, l);
}

void
s8_run(struct load *l)
{
	struct s8 *t = mem_zalloc(sizeof *t);

	s8_prepare(l, t);
	s8_measure(l, t);
	fib_close(&t->fib);
	for (unsigned i = 0; i < l->nsess; i++)
		stream_free(&t->stream[i]);
	mem_free(t->stream);
	mem_free(t);
}
