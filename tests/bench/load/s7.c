/*
 * S7: one eBGP sender of --prefixes (100,000) and one receiver; then in rounds --change
 * (10,000) of them, attribute sets spread evenly over the table, are withdrawn, and as
 * soon as the receiver has seen all of that, announced again, and so on, for --seconds
 * (5) or --rounds. An event is a prefix withdrawn or announced that has arrived.
 *
 * Pauses "up", "loaded" before the first round, "complete" after the last.
 */
#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/recv.h"
#include "tests/bench/load/scenario.h"

struct s7 {
	struct pool pool;
	struct stream all;
	unsigned nparts;       /* the table in so many parts of --change prefixes */
	struct stream *out, *in; /* withdrawal and announcement of each part */
	uint32_t **part, *size;
	uint32_t goal; /* prefixes that the receiver has to have */
	struct receiver rx;
	struct wanted want;
};

static const char *
s7_expect(struct receiver *rx, const struct update *u, uint32_t i, struct expected *ret)
{
	struct s7 *t = rx->l->own;

	(void)u;
	wanted_make(&t->want, &rx->l->sess[0], i / rx->l->opt->per_set);
	*ret = (struct expected){ &t->want, i / rx->l->opt->per_set, 1 };
	return NULL;
}

static void
s7_update(struct sess *s, const uint8_t *body, size_t len)
{
	struct s7 *t = s->l->own;

	if (s->i == 1)
		receiver_update(&t->rx, s, body, len);
	else
		sess_no_routes(s, &t->pool, body, len);
}

static const struct sess_ops s7_ops = { .update = s7_update };

static bool
s7_reached(struct load *l)
{
	struct s7 *t = l->own;

	return t->rx.have == t->goal;
}

/* Set k belongs to part k modulo nparts. */
static void
s7_part(struct load *l, struct s7 *t, unsigned part)
{
	uint32_t per = l->opt->per_set, n = t->pool.n;
	struct path p;

	t->part[part] = mem_zalloc_array(n / t->nparts + per, sizeof(uint32_t));
	for (uint32_t k = part; k * per < n; k += t->nparts) {
		uint32_t hi = (k + 1) * per < n ? (k + 1) * per : n;

		path_make(&p, &l->sess[0], k);
		stream_announce(&t->in[part], &t->pool, &p, k * per, hi);
		for (uint32_t i = k * per; i < hi; i++)
			t->part[part][t->size[part]++] = i;
	}
	stream_withdraw_list(&t->out[part], &t->pool, t->part[part], t->size[part]);
}

static void
s7_prepare(struct load *l, struct s7 *t)
{
	const struct opts *o = l->opt;
	uint32_t n = or_default(o->prefixes, 100000);

	l->own = t;
	sess_make(l, 2, &s7_ops);
	t->pool = pool_of(o, n);
	t->nparts = o->change && o->change < n ? n / o->change : 1;
	t->out = mem_zalloc_array(t->nparts, sizeof(*t->out));
	t->in = mem_zalloc_array(t->nparts, sizeof(*t->in));
	t->part = mem_zalloc_array(t->nparts, sizeof(*t->part));
	t->size = mem_zalloc_array(t->nparts, sizeof(*t->size));
	for (unsigned i = 0; i < t->nparts; i++)
		s7_part(l, t, i);
	stream_table(&t->all, &t->pool, &l->sess[0]);
	receiver_init(&t->rx, l, &t->pool, s7_expect);
}

/* The right ones are gone: as many as that, and each of these. */
static bool
s7_gone(struct load *l, struct s7 *t, unsigned part)
{
	for (uint32_t i = 0; i < t->size[part]; i++)
		if (t->rx.cur[t->part[part][i]]) {
			load_fail(l, "another prefix was withdrawn than should be");
			return false;
		}
	return true;
}

static bool
s7_round(struct load *l, struct s7 *t, unsigned part)
{
	t->goal = t->pool.n - t->size[part];
	sess_send(&l->sess[0], t->out[part].p, t->out[part].len);
	if (!load_until(l, s7_reached, "withdrawals at the receiver") || !s7_gone(l, t, part))
		return false;
	t->goal = t->pool.n;
	sess_send(&l->sess[0], t->in[part].p, t->in[part].len);
	return load_until(l, s7_reached, "announcements at the receiver");
}

static void
s7_churn(struct load *l, struct s7 *t)
{
	uint32_t rounds = l->opt->rounds, done = 0;
	uint64_t us = or_default(l->opt->seconds, rounds ? 86400 : 5) * 1000000ull, events = 0;
	struct mono_us begin = clock_mono(), end = begin;
	double s;

	load_event(l, "churn", "parts=%u", t->nparts);
	while ((!rounds || done < rounds) && mono_diff_us(end, begin) < us) {
		if (!s7_round(l, t, done % t->nparts))
			return;
		events += 2 * t->size[done % t->nparts];
		end = clock_mono();
		done++;
	}
	s = load_seconds(begin, end);
	load_event(l, "complete", "rounds=%u events=%llu", done, (unsigned long long)events);
	phase_quiet(l);
	load_result_num(l, "rounds", done);
	load_result_num(l, "events", (double)events);
	load_result_num(l, "seconds_churn", s);
	load_result_num(l, "events_per_s", s > 0 ? (double)events / s : 0);
}

static void
s7_measure(struct load *l, struct s7 *t)
{
	struct mono_us sent;

	if (!phase_up(l))
		return;
	sent = clock_mono();
	t->goal = t->pool.n;
	load_event(l, "send", "octets=%zu", t->all.len);
	sess_send(&l->sess[0], t->all.p, t->all.len);
	if (!load_until(l, s7_reached, "all prefixes at the receiver"))
		return;
	load_result_num(l, "seconds_loaded", load_seconds(sent, clock_mono()));
	load_event(l, "loaded", "prefixes=%u", t->rx.have);
	load_pause(l, "loaded");
	if (!l->failed)
		s7_churn(l, t);
}

static void
s7_free(struct s7 *t)
{
	for (unsigned i = 0; i < t->nparts; i++) {
		stream_free(&t->out[i]);
		stream_free(&t->in[i]);
		mem_free(t->part[i]);
	}
	mem_free(t->out);
	mem_free(t->in);
	mem_free(t->part);
	mem_free(t->size);
	stream_free(&t->all);
	receiver_fini(&t->rx);
	mem_free(t);
}

void
s7_run(struct load *l)
{
	struct s7 *t = mem_zalloc(sizeof(*t));

	s7_prepare(l, t);
	s7_measure(l, t);
	load_result_num(l, "prefixes", t->pool.n);
	load_result_num(l, "redundant", (double)(t->rx.announced - t->rx.withdrawn - t->rx.have));
	s7_free(t);
}
