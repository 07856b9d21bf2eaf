/*
 * S2: --peers (20) eBGP senders, each with the same --prefixes (100,000) by paths of
 * different lengths, and one receiver, which is the last peer.
 *
 * For each attribute set one sender has the shortest path and so the best one (RFC 4271
 * section 9.1.2.2 a), spread evenly over the senders. Seconds: `complete` from the first
 * octet sent until the receiver has the final best path of every prefix. Redundant are
 * announcements beyond one per prefix. Senders may get routes, too; those have to be
 * right, and are counted as `back`.
 */
#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/recv.h"
#include "tests/bench/load/scenario.h"

struct s2 {
	struct pool pool;
	unsigned n; /* senders */
	struct stream *stream;
	struct receiver *rx; /* of all peers, the senders too */
	struct wanted *want; /* of each sender: its set that was looked at last */
	uint32_t won;	     /* prefixes with their best path at the receiver */
};

static uint32_t
s2_winner(const struct load *l, uint32_t k)
{
	return k % (l->nsess - 1);
}

/* Two ASes for the winner of set k, three to six for the others. */
static void
s2_path(struct path *p, const struct sess *s, uint32_t k)
{
	uint32_t x = (k * 40503u) ^ (s->i * 2654435761u);

	p->nas = s2_winner(s->l, k) == s->i ? 2 : 3 + (x >> 16) % 4;
	p->as[0] = s->as;
	p->as[1] = 100000 + k % 50021;
	for (unsigned i = 2; i < p->nas; i++)
		p->as[i] = 200000 + (x >> i) % 997;
}

/* Whose path it is says the AS behind the daemon's own. */
static struct sess *
s2_sender(struct load *l, const struct update *u)
{
	const struct span *p = &u->attrs.v[ATTR_AS_PATH];
	struct rd r = rd_init(p->p, p->len);
	uint32_t as;

	rd_skip(&r, 6);
	as = rd_u32(&r);
	for (unsigned i = 0; i + 1 < l->nsess && !r.bad; i++)
		if (l->sess[i].as == as)
			return &l->sess[i];
	return NULL;
}

static const char *
s2_expect(struct receiver *rx, const struct update *u, uint32_t i, struct expected *ret)
{
	struct s2 *t = rx->l->own;
	struct sess *s = s2_sender(rx->l, u);

	if (!s)
		return "sender: the path is of none of them";
	wanted_make(&t->want[s->i], s, i / rx->l->opt->per_set);
	*ret = (struct expected){ &t->want[s->i], i / rx->l->opt->per_set, (uint8_t)(s->i + 1) };
	return NULL;
}

static void
s2_moved(struct receiver *rx, uint32_t i, uint8_t was, uint8_t is)
{
	struct s2 *t = rx->l->own;
	uint8_t best = (uint8_t)(s2_winner(rx->l, i / rx->l->opt->per_set) + 1);

	t->won += (is == best) - (was == best);
}

static void
s2_update(struct sess *s, const uint8_t *body, size_t len)
{
	struct s2 *t = s->l->own;

	receiver_update(&t->rx[s->i], s, body, len);
}

static const struct sess_ops s2_ops = { .update = s2_update };

static bool
s2_complete(struct load *l)
{
	struct s2 *t = l->own;

	return t->won == t->pool.n;
}

static void
s2_prepare(struct load *l, struct s2 *t)
{
	const struct opts *o = l->opt;

	l->own = t;
	l->path = s2_path;
	sess_make(l, or_default(o->peers, 21), &s2_ops);
	t->n = l->nsess - 1;
	if (o->same_as || t->n < 1 || t->n > 254) {
		load_fail(l, "S2 takes 2 to 255 peers, each of its own AS");
		t->n = 0;
	}
	t->pool = pool_of(o, or_default(o->prefixes, 100000));
	t->stream = mem_zalloc_array(t->n, sizeof(*t->stream));
	t->want = mem_zalloc_array(t->n, sizeof(*t->want));
	t->rx = mem_zalloc_array(l->nsess, sizeof(*t->rx));
	for (unsigned i = 0; i < t->n; i++)
		stream_table(&t->stream[i], &t->pool, &l->sess[i]);
	for (unsigned i = 0; i < l->nsess; i++)
		receiver_init(&t->rx[i], l, &t->pool, s2_expect);
	t->rx[l->nsess - 1].moved = s2_moved;
}

static void
s2_measure(struct load *l, struct s2 *t)
{
	struct mono_us sent, done;

	if (l->failed || !phase_up(l))
		return;
	sent = clock_mono();
	load_event(l, "send", "senders=%u", t->n);
	for (unsigned i = 0; i < t->n && !l->failed; i++)
		sess_send(&l->sess[i], t->stream[i].p, t->stream[i].len);
	if (!load_until(l, s2_complete, "all best paths at the receiver"))
		return;
	done = clock_mono();
	load_event(l, "complete", "prefixes=%u", t->won);
	load_until(l, sess_all_sent, "the rest of what is sent");
	phase_quiet(l);
	if (!l->failed && t->won != t->pool.n)
		load_fail(l, "best paths left afterwards");
	load_result_num(l, "seconds_complete", load_seconds(sent, done));
}

static void
s2_figures(struct load *l, struct s2 *t)
{
	uint64_t back = 0;

	for (unsigned i = 0; i < t->n; i++)
		back += t->rx[i].announced;
	load_result_num(l, "prefixes", t->pool.n);
	load_result_num(l, "missing", t->pool.n - t->won);
	load_result_num(l, "back", (double)back);
	load_result_num(l, "redundant",
	    (double)t->rx[l->nsess - 1].announced - (double)t->pool.n);
}

void
s2_run(struct load *l)
{
	struct s2 *t = mem_zalloc(sizeof(*t));

	s2_prepare(l, t);
	s2_measure(l, t);
	s2_figures(l, t);
	for (unsigned i = 0; i < t->n; i++)
		stream_free(&t->stream[i]);
	for (unsigned i = 0; i < l->nsess; i++)
		receiver_fini(&t->rx[i]);
	mem_free(t->stream);
	mem_free(t->want);
	mem_free(t->rx);
	mem_free(t);
}
