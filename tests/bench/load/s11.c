/*
 * S11: a real table (--mrt=FILE) from one eBGP peer to one receiver.
 *
 * Seconds: `complete` from the first octet of an UPDATE sent until the receiver has every
 * prefix, each with the attributes of the file but for what eBGP changes.
 */
#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/mrt.h"
#include "tests/bench/load/recv.h"
#include "tests/bench/load/scenario.h"

struct s11 {
	struct mrt mrt;
	struct receiver rx;
	struct wanted want;
};

static const char *
s11_expect(struct receiver *rx, const struct update *u, uint32_t i, struct expected *ret)
{
	struct s11 *t = rx->l->own;

	(void)u;
	mrt_wanted(&t->mrt, &t->want, t->mrt.set_of[i]);
	t->want.sender = &rx->l->sess[0];
	*ret = (struct expected){ &t->want, t->want.k, 1 };
	return NULL;
}

static void
s11_update(struct sess *s, const uint8_t *body, size_t len)
{
	struct s11 *t = s->l->own;

	if (s->i == 1)
		receiver_update(&t->rx, s, body, len);
	else
		sess_no_routes(s, &t->mrt.pool, body, len);
}

static const struct sess_ops s11_ops = { .update = s11_update };

static bool
s11_complete(struct load *l)
{
	struct s11 *t = l->own;

	return t->rx.have == t->mrt.pool.n;
}

static void
s11_measure(struct load *l, struct s11 *t)
{
	struct mono_us sent, done;

	if (!phase_up(l))
		return;
	sent = clock_mono();
	load_event(l, "send", "octets=%zu sets=%u", t->mrt.stream.len, t->mrt.nsets);
	sess_send(&l->sess[0], t->mrt.stream.p, t->mrt.stream.len);
	if (!load_until(l, s11_complete, "all prefixes at the receiver"))
		return;
	done = clock_mono();
	load_event(l, "complete", "prefixes=%u", t->rx.have);
	phase_quiet(l);
	if (!l->failed && t->rx.have != t->mrt.pool.n)
		load_fail(l, "%u prefixes withdrawn afterwards", t->mrt.pool.n - t->rx.have);
	load_result_num(l, "seconds_complete", load_seconds(sent, done));
}

/* The first that never came: the runner's reader wants to know what was special about it. */
static void
s11_missing(struct load *l, struct s11 *t)
{
	char text[IP_PREFIX_STRLEN];
	struct ip_prefix p;

	for (uint32_t i = 0; i < t->mrt.pool.n; i++)
		if (!t->rx.cur[i]) {
			p = pool_prefix(&t->mrt.pool, i);
			load_result_text(l, "first_missing", ip_prefix_str(&p, text));
			return;
		}
}

void
s11_run(struct load *l)
{
	struct s11 *t = mem_zalloc(sizeof(*t));

	l->own = t;
	sess_make(l, 2, &s11_ops);
	if (mrt_load(&t->mrt, &l->sess[0], l->opt->mrt)) {
		receiver_init(&t->rx, l, &t->mrt.pool, s11_expect);
		s11_measure(l, t);
		s11_missing(l, t);
		load_result_num(l, "missing", t->mrt.pool.n - t->rx.have);
	}
	load_result_num(l, "prefixes", t->mrt.pool.n);
	load_result_num(l, "sets", t->mrt.nsets);
	load_result_num(l, "redundant", (double)(t->rx.announced - t->rx.have));
	receiver_fini(&t->rx);
	mrt_free(&t->mrt);
	mem_free(t);
}
