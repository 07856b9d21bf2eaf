/*
 * Scenarios with a kernel; see fib.h.
 */
#include "tests/bench/load/fib.h"

#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "lib/clock.h"
#include "tests/bench/load/sess.h"

/* Leg 0 of a family: the first peer. Peers have both addresses, with equal numbers. */
static struct ip_addr
first_gateway(const struct opts *o, uint8_t af)
{
	struct ip_addr a;

	if (o->first_peer.af == af)
		return o->first_peer;
	ip_addr_parse(af == IP6 ? "fd99::1:1" : "10.99.1.1", &a);
	return a;
}

static struct kernmon_want
want_make(const struct load *l, const struct pool *p)
{
	return (struct kernmon_want){ .first = pool_prefix(p, 0),
		.n = p->n,
		.gateway = first_gateway(l->opt, p->af),
		.legs = l->nsess };
}

void
fib_open(struct fib *f, struct load *l, const struct pool *a, const struct pool *b)
{
	struct kernmon_want want[2] = { { .n = 0 }, { .n = 0 } };

	want[a->af == IP6] = want_make(l, a);
	if (b)
		want[b->af == IP6] = want_make(l, b);
	f->mon = kernmon_open(
	    l->opt->dut_netns, want[0].n ? &want[0] : NULL, want[1].n ? &want[1] : NULL);
	f->watch = (struct watch){ .fd = -1, .l = l };
}

void
fib_close(struct fib *f)
{
	if (f->mon)
		kernmon_close(f->mon);
}

static void
fib_event(struct watch *w, uint32_t events)
{
	(void)events;
	kernmon_read(((struct fib *)w)->mon);
}

void
fib_watch(struct fib *f, struct load *l)
{
	f->watch.fd = kernmon_fd(f->mon);
	f->watch.cb = fib_event;
	load_watch(l, &f->watch, EPOLLIN);
}

void
fib_nap(uint64_t us)
{
	struct timespec ts = { .tv_nsec = (long)us * 1000 };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

/*
 * Once round: the loop sleeps by itself when it is woken by notifications. Else they are
 * left to gather, whatever came: reading them one by one would take a processor.
 */
static void
fib_step(struct fib *f, struct load *l, uint64_t us)
{
	if (f->watch.events) {
		load_step(l, us);
		return;
	}
	load_step(l, 0);
	kernmon_read(f->mon);
	fib_nap(us);
}

bool
fib_until(
    struct fib *f, struct load *l, uint64_t us, bool (*done)(struct load *l), const char *what)
{
	struct mono_us since = clock_mono();

	while (!l->failed && !done(l)) {
		fib_step(f, l, us);
		if (!done(l))
			load_late(l, since, what);
	}
	return !l->failed;
}

bool
fib_quiet(struct fib *f, struct load *l, uint64_t us)
{
	struct mono_us since = clock_mono(), last = since;
	uint64_t seen = kernmon_counts(f->mon)->messages;

	while (!l->failed && mono_diff_us(clock_mono(), last) < us) {
		fib_step(f, l, 1000);
		if (kernmon_counts(f->mon)->messages != seen)
			last = kernmon_time(f->mon);
		seen = kernmon_counts(f->mon)->messages;
		load_late(l, since, "the end of changes in the kernel");
	}
	return !l->failed;
}

void
fib_check(struct fib *f, struct load *l, kernmon_judge *judge)
{
	char why[128] = "";
	uint32_t wrong;

	if (l->failed)
		return;
	if (l->corrupt)
		kernmon_spoil(f->mon);
	wrong = kernmon_check(f->mon, judge, l, why, sizeof why);
	l->count.checks += kernmon_wanted(f->mon);
	if (wrong)
		load_fail(l, "%u wrong in the kernel, such as: %s", wrong, why);
}

void
fib_figures(struct fib *f, struct load *l)
{
	const struct kernmon_counts *c = kernmon_counts(f->mon);

	load_result_num(l, "kernel_writes", (double)c->written);
	load_result_num(l, "kernel_messages", (double)c->messages);
	load_result_num(l, "monitor_overflows", (double)c->overflows);
}

void
fib_announce(
    struct stream *st, const struct pool *pool, const struct sess *s, uint32_t lo, uint32_t hi)
{
	uint32_t per_set = s->l->opt->per_set;
	struct path p;

	for (uint32_t i = lo; i < hi; i += per_set) {
		path_make(&p, s, i / per_set);
		if (pool->af != p.next_hop.af) {
			struct ip_addr first = first_gateway(s->l->opt, pool->af);

			p.next_hop = sess_addr_add(&first, s->i);
		}
		stream_announce(st, pool, &p, i, i + per_set < hi ? i + per_set : hi);
	}
}

void
fib_ignore_update(struct sess *s, const uint8_t *body, size_t len)
{
	struct update u;
	const char *why = update_read(&u, body, len);

	if (why)
		sess_fail(s, "%s", why);
}
