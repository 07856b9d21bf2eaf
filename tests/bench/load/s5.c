/*
 * S5: two routers announce the same --prefixes (100,000), which the node has by both (ECMP);
 * then one of them closes its TCP session.
 *
 * Seconds from the close():
 *	first	the first notification of a route or nexthop
 *	moved	all flows that used the dead router have sent a packet that arrived elsewhere,
 *		and lost none after it: 32 flows of UDP all over the routes, each a packet in a
 *		millisecond, which is how much of the figure may be waiting for the next one
 *	unused	no route in the kernel leads there any more, by whatever object
 *	settled	the last notification before half a second without any
 */
#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/fib.h"
#include "tests/bench/load/scenario.h"
#include "tests/bench/load/sess.h"
#include "tests/bench/load/traffic.h"

#define TORS	  2
#define DYING	  1
#define LOOK_US	  200
#define QUIET_US  500000
#define BEFORE_US 100000

struct s5 {
	struct pool pool;
	struct stream stream[TORS];
	struct fib fib;
	struct traffic *traffic;
	struct mono_us closed, first, unused;
	uint64_t messages; /* read before the close */
};

static const struct sess_ops s5_ops = { .update = fib_ignore_update };

static uint32_t using(struct s5 *t, uint32_t leg)
{
	return kernmon_using(t->fib.mon, t->pool.af, leg);
}

static bool
s5_both(struct load *l)
{
	struct s5 *t = l->own;

	return using(t, 0) == t->pool.n && using(t, DYING) == t->pool.n;
}

static bool
s5_judge_both(void *arg, uint8_t af, uint32_t i, const uint32_t *legs, size_t n)
{
	(void)arg;
	(void)af;
	(void)i;
	return n == 2 && legs[0] == 0 && legs[1] == DYING;
}

static bool
s5_judge_one(void *arg, uint8_t af, uint32_t i, const uint32_t *legs, size_t n)
{
	(void)arg;
	(void)af;
	(void)i;
	return n == 1 && legs[0] != DYING;
}

static void
s5_prepare(struct load *l, struct s5 *t)
{
	const struct opts *o = l->opt;
	uint32_t n = or_default(o->prefixes, 100000);

	l->own = t;
	sess_make(l, TORS, &s5_ops);
	t->pool = pool_make(o->v6 ? IP6 : IP4, o->v6 ? 64 : 24, n);
	for (unsigned i = 0; i < TORS; i++) {
		fib_announce(&t->stream[i], &t->pool, &l->sess[i], 0, n);
		stream_end_of_rib(&t->stream[i], t->pool.af);
	}
	fib_open(&t->fib, l, &t->pool, NULL);
	t->traffic = traffic_open(o->dut_netns, &t->pool);
}

/* Serve everything until then. */
static void
s5_look(struct load *l, struct s5 *t)
{
	load_step(l, 0);
	traffic_send(t->traffic, clock_mono());
	traffic_read(t->traffic);
	if (kernmon_read(t->fib.mon) && !t->first.us && t->closed.us &&
	    kernmon_counts(t->fib.mon)->messages != t->messages)
		t->first = kernmon_time(t->fib.mon);
	if (t->closed.us && !t->unused.us && using(t, DYING) == 0)
		t->unused = kernmon_time(t->fib.mon);
}

static void
s5_run_for(struct load *l, struct s5 *t, uint64_t us)
{
	struct mono_us end = mono_add_us(clock_mono(), us);

	while (!l->failed && !mono_reached(clock_mono(), end)) {
		s5_look(l, t);
		fib_nap(LOOK_US);
	}
}

/* Until the dying router is used no more and everything is quiet. */
static void
s5_run_out(struct load *l, struct s5 *t)
{
	while (!l->failed) {
		struct mono_us now, last = kernmon_time(t->fib.mon);

		s5_look(l, t);
		fib_nap(LOOK_US);
		now = clock_mono();
		if (mono_before(last, t->closed))
			last = t->closed;
		if (t->unused.us && mono_diff_us(now, last) > QUIET_US)
			return;
		load_late(l, t->closed, "no route by the dead router");
	}
}

static void
s5_close(struct load *l, struct s5 *t)
{
	traffic_cut(t->traffic, &l->sess[DYING].self);
	traffic_probe(t->traffic);
	t->messages = kernmon_counts(t->fib.mon)->messages;
	t->closed = clock_mono();
	sess_close(&l->sess[DYING]);
}

static void
s5_figures(struct load *l, struct s5 *t)
{
	const struct traffic_counts *c = traffic_counts(t->traffic);

	load_result_num(l, "seconds_first", load_seconds(t->closed, t->first));
	load_result_num(l, "seconds_moved", load_seconds(t->closed, traffic_moved(t->traffic)));
	load_result_num(l, "seconds_unused", load_seconds(t->closed, t->unused));
	load_result_num(l, "seconds_settled", load_seconds(t->closed, kernmon_time(t->fib.mon)));
	load_result_num(l, "packets_sent", (double)c->sent);
	load_result_num(l, "packets_lost", (double)(c->dead + c->refused));
	load_result_num(l, "packets_refused", (double)c->refused);
	load_result_num(l, "flows_by_dying", c->flows_dead);
	if (!traffic_moved(t->traffic).us)
		load_fail(l, "a flow still loses packets");
	if (c->sent != c->arrived + c->refused)
		load_fail(l, "of %llu packets %llu arrived", (unsigned long long)c->sent,
		    (unsigned long long)c->arrived);
	if (c->flows_dead == 0 || c->flows_dead == TRAFFIC_FLOWS)
		load_fail(l, "%u of %u flows used the dying router: that is no ECMP", c->flows_dead,
		    TRAFFIC_FLOWS);
}

static void
s5_measure(struct load *l, struct s5 *t)
{
	sess_start_all(l);
	if (!load_until(l, sess_all_up, "sessions up"))
		return;
	load_event(l, "up", "sessions=%u", l->nup);
	for (unsigned i = 0; i < TORS; i++)
		sess_send(&l->sess[i], t->stream[i].p, t->stream[i].len);
	if (!fib_until(&t->fib, l, 1000, s5_both, "all routes by both routers"))
		return;
	fib_quiet(&t->fib, l, QUIET_US);
	fib_check(&t->fib, l, s5_judge_both);
	load_pause(l, "both");
	s5_run_for(l, t, BEFORE_US);
	if (l->failed)
		return;
	s5_close(l, t);
	load_event(l, "closed", "%s", "");
	s5_run_out(l, t);
	traffic_read(t->traffic);
	s5_figures(l, t);
	load_pause(l, "complete");
	fib_check(&t->fib, l, s5_judge_one);
	fib_figures(&t->fib, l);
}

void
s5_run(struct load *l)
{
	struct s5 *t = mem_zalloc(sizeof *t);

	s5_prepare(l, t);
	s5_measure(l, t);
	load_result_num(l, "prefixes", t->pool.n);
	fib_close(&t->fib);
	traffic_close(t->traffic);
	for (unsigned i = 0; i < TORS; i++)
		stream_free(&t->stream[i]);
	mem_free(t);
}
