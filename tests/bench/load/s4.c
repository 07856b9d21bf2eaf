/*
 * S4: a route reflector and --peers (300) iBGP clients, each with --each (4) prefixes of
 * one attribute set; S4k is the same with --peers=1000.
 *
 * Seconds: `up` until all sessions are up; `complete` from the first client's sending
 * until every client has all of the others' prefixes, with the right ORIGINATOR_ID and
 * CLUSTER_LIST. A client's own prefixes must not come back to it, unless --own-back=ok.
 */
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/recv.h"
#include "tests/bench/load/scenario.h"

struct s4 {
	struct pool pool;
	struct stream *stream; /* of each client */
	struct receiver *rx;
	struct wanted *want; /* what each client sends */
	uint64_t have, own_back;
	unsigned n;
};

static const char *
s4_expect(struct receiver *rx, const struct update *u, uint32_t i, struct expected *ret)
{
	struct s4 *t = rx->l->own;
	uint32_t client = i / rx->l->opt->each;
	bool own = rx->self == client;

	(void)u;
	if (own && strcmp(rx->l->opt->own_back, "ok") != 0)
		return "receiver: it is the client's own";
	t->own_back += own;
	rx->rules.originator = rx->l->sess[0].id + client;
	*ret = (struct expected){ &t->want[client], client, !own };
	return NULL;
}

static void
s4_update(struct sess *s, const uint8_t *body, size_t len)
{
	struct s4 *t = s->l->own;
	struct receiver *rx = &t->rx[s->i];

	t->have -= rx->have;
	receiver_update(rx, s, body, len);
	t->have += rx->have;
}

static const struct sess_ops s4_ops = { .update = s4_update };

static uint64_t
s4_total(const struct s4 *t)
{
	return (uint64_t)(t->n - 1) * t->pool.n;
}

static bool
s4_complete(struct load *l)
{
	struct s4 *t = l->own;

	return t->have == s4_total(t);
}

static void
s4_prepare(struct load *l, struct s4 *t)
{
	const struct opts *o = l->opt;
	struct path p;

	l->own = t;
	t->n = or_default(o->peers, 300);
	sess_make(l, t->n, &s4_ops);
	t->pool = pool_of(o, t->n * o->each);
	t->stream = mem_zalloc_array(t->n, sizeof(*t->stream));
	t->rx = mem_zalloc_array(t->n, sizeof(*t->rx));
	t->want = mem_zalloc_array(t->n, sizeof(*t->want));
	for (uint32_t i = 0; i < t->n; i++) {
		path_make(&p, &l->sess[i], i);
		stream_announce(&t->stream[i], &t->pool, &p, i * o->each, (i + 1) * o->each);
		wanted_make(&t->want[i], &l->sess[i], i);
		receiver_init(&t->rx[i], l, &t->pool, s4_expect);
		t->rx[i].self = i;
	}
}

static void
s4_measure(struct load *l, struct s4 *t)
{
	struct mono_us sent, done;

	if (!phase_up(l))
		return;
	sent = clock_mono();
	load_event(l, "send", "clients=%u", t->n);
	for (unsigned i = 0; i < t->n && !l->failed; i++)
		sess_send(&l->sess[i], t->stream[i].p, t->stream[i].len);
	if (!load_until(l, s4_complete, "all prefixes at all clients"))
		return;
	done = clock_mono();
	load_event(l, "complete", "prefixes=%llu", (unsigned long long)t->have);
	phase_quiet(l);
	if (!l->failed && t->have != s4_total(t))
		load_fail(l, "prefixes withdrawn afterwards");
	load_result_num(l, "seconds_complete", load_seconds(sent, done));
}

static void
s4_free(struct s4 *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		stream_free(&t->stream[i]);
		receiver_fini(&t->rx[i]);
	}
	mem_free(t->stream);
	mem_free(t->rx);
	mem_free(t->want);
	mem_free(t);
}

void
s4_run(struct load *l)
{
	struct s4 *t = mem_zalloc(sizeof(*t));
	uint64_t announced = 0;

	s4_prepare(l, t);
	s4_measure(l, t);
	for (unsigned i = 0; i < t->n; i++)
		announced += t->rx[i].announced;
	load_result_num(l, "prefixes", (double)s4_total(t));
	load_result_num(l, "missing", (double)(s4_total(t) - t->have));
	load_result_num(l, "own_back", (double)t->own_back);
	load_result_num(l, "redundant", (double)(announced - t->have - t->own_back));
	s4_free(t);
}
