/*
 * S1: one eBGP sender of --prefixes (1,000,000), --per-set (8) to an attribute set,
 * and one eBGP receiver. With --v6 it is the first half of S10.
 *
 * Seconds: `up` from the first connection to both sessions up; `complete` from the first
 * octet of an UPDATE sent, which is right after that, until the receiver has every prefix.
 * After that it stays for a while: nothing more may come.
 */
#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/recv.h"
#include "tests/bench/load/scenario.h"

struct s1 {
	struct pool pool;
	struct stream stream;
	struct receiver rx;
	struct wanted want;
};

static const char *
s1_expect(struct receiver *rx, const struct update *u, uint32_t i, struct expected *ret)
{
	struct load *l = rx->l;
	struct s1 *t = l->own;

	(void)u;
	wanted_make(&t->want, &l->sess[0], i / l->opt->per_set);
	*ret = (struct expected){ &t->want, i / rx->l->opt->per_set, 1 };
	return NULL;
}

static void
s1_update(struct sess *s, const uint8_t *body, size_t len)
{
	struct s1 *t = s->l->own;

	if (s->i == 1)
		receiver_update(&t->rx, s, body, len);
	else
		sess_no_routes(s, &t->pool, body, len);
}

static const struct sess_ops s1_ops = { .update = s1_update };

static bool
s1_complete(struct load *l)
{
	struct s1 *t = l->own;

	return t->rx.have == t->pool.n;
}

static void
s1_prepare(struct load *l, struct s1 *t)
{
	const struct opts *o = l->opt;
	uint32_t n = or_default(o->prefixes, 1000000);

	l->own = t;
	sess_make(l, 2, &s1_ops);
	t->pool = pool_of(o, n);
	stream_table(&t->stream, &t->pool, &l->sess[0]);
	receiver_init(&t->rx, l, &t->pool, s1_expect);
}

static void
s1_measure(struct load *l, struct s1 *t)
{
	struct mono_us sent, done;

	if (!phase_up(l))
		return;
	sent = clock_mono();
	load_event(l, "send", "octets=%zu", t->stream.len);
	sess_send(&l->sess[0], t->stream.p, t->stream.len);
	if (!load_until(l, s1_complete, "all prefixes at the receiver"))
		return;
	done = clock_mono();
	load_event(l, "complete", "prefixes=%u", t->rx.have);
	phase_quiet(l);
	if (!l->failed && t->rx.have != t->pool.n)
		load_fail(l, "%u prefixes withdrawn afterwards", t->pool.n - t->rx.have);
	load_result_num(l, "seconds_complete", load_seconds(sent, done));
}

void
s1_run(struct load *l)
{
	struct s1 *t = mem_zalloc(sizeof(*t));

	s1_prepare(l, t);
	s1_measure(l, t);
	load_result_num(l, "prefixes", t->pool.n);
	load_result_num(l, "missing", t->pool.n - t->rx.have);
	load_result_num(l, "redundant", (double)(t->rx.announced - t->rx.have));
	receiver_fini(&t->rx);
	stream_free(&t->stream);
	mem_free(t);
}
