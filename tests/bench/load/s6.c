/*
 * S6: how soon a node works. Two peers wait for it: they dial every --retry-ms (1), or only
 * listen (--dial=no), send --prefixes (1,000) routes, half each, as soon as they may, and
 * want to hear of its own prefix (--own).
 *
 * The runner starts the daemon at the pause "ready". Events: `up` (both sessions), `own`
 * (both peers have heard of the prefix), `kernel` (all routes are there). Then it is left
 * alone for --seconds between the pauses "idle-begin" and "idle-end".
 */
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/fib.h"
#include "tests/bench/load/scenario.h"
#include "tests/bench/load/sess.h"

#define PEERS	 2
#define QUIET_US 300000

struct s6 {
	struct pool pool;
	struct stream stream[PEERS];
	struct fib fib;
	struct ip_prefix own;
	bool has_own[PEERS], said_up, said_own, said_kernel;
	struct mono_us begin;
};

/* Both halves of the routes. */
static uint32_t
s6_middle(const struct s6 *t)
{
	return t->pool.n / PEERS;
}

static void
s6_up(struct sess *s)
{
	struct s6 *t = s->l->own;

	sess_send(s, t->stream[s->i].p, t->stream[s->i].len);
}

/* Whether the prefix is among the NLRI of an UPDATE. */
static bool
has_prefix(const struct update *u, const struct ip_prefix *p)
{
	struct rd r = rd_init(u->nlri.p, u->nlri.len);

	while (u->nlri.p && u->nlri_af == p->af && rd_left(&r) > 0) {
		uint8_t len = rd_u8(&r);
		const uint8_t *b = rd_take(&r, (len + 7u) / 8);

		if (b && len == p->len && !memcmp(b, p->b, (len + 7u) / 8))
			return true;
	}
	return false;
}

/* The node's own prefix comes from itself: the path is its AS (eBGP) or empty. */
static const char *
own_check(const struct sess *s, const struct update *u)
{
	const struct opts *o = s->l->opt;
	const struct span *path = &u->attrs.v[ATTR_AS_PATH];
	const uint8_t as[6] = { 2, 1, (uint8_t)(o->dut_as >> 24), (uint8_t)(o->dut_as >> 16),
		(uint8_t)(o->dut_as >> 8), (uint8_t)o->dut_as };
	size_t len = o->ibgp ? 0 : sizeof as;

	if (path->len != len || (len && memcmp(path->p, as, len) != 0))
		return "AS_PATH of the node's own prefix is not its AS";
	if (u->next_hop.len != ip_af_octets(o->dut.af) ||
	    memcmp(u->next_hop.p, o->dut.b, u->next_hop.len) != 0)
		return "next hop of the node's own prefix is not the node";
	return NULL;
}

static void
s6_update(struct sess *s, const uint8_t *body, size_t len)
{
	struct s6 *t = s->l->own;
	struct update u;
	const char *why = update_read(&u, body, len);

	if (!why && has_prefix(&u, &t->own)) {
		why = own_check(s, &u);
		t->has_own[s->i] = true;
		s->l->count.checks++;
	}
	if (why)
		sess_fail(s, "%s", why);
}

static const struct sess_ops s6_ops = { .up = s6_up, .update = s6_update };

static void
say_once(struct load *l, bool *said, bool now, const char *name)
{
	struct s6 *t = l->own;

	if (*said || !now)
		return;
	*said = true;
	load_event(l, name, "after=%.6f", load_seconds(t->begin, clock_mono()));
}

/* Each is said in the moment when it is found to be so. */
static bool
s6_works(struct load *l)
{
	struct s6 *t = l->own;

	say_once(l, &t->said_up, sess_all_up(l), "up");
	say_once(l, &t->said_own, t->has_own[0] && t->has_own[1], "own");
	say_once(l, &t->said_kernel, kernmon_there(t->fib.mon, t->pool.af) == t->pool.n, "kernel");
	return t->said_up && t->said_own && t->said_kernel;
}

static bool
s6_judge(void *arg, uint8_t af, uint32_t i, const uint32_t *legs, size_t n)
{
	struct load *l = arg;

	(void)af;
	return n == 1 && legs[0] == (i >= s6_middle(l->own));
}

static void
s6_prepare(struct load *l, struct s6 *t)
{
	const struct opts *o = l->opt;
	uint32_t n = or_default(o->prefixes, 1000);
	const char *own = o->own ? o->own : o->v6 ? "fd00:10:244:1::/64" : "10.244.1.0/24";

	l->own = t;
	sess_make(l, PEERS, &s6_ops);
	if (!ip_prefix_parse(own, &t->own, NULL))
		load_fail(l, "--own=%s is no prefix", own);
	t->pool = pool_make(o->v6 ? IP6 : IP4, o->v6 ? 64 : 24, n);
	fib_announce(&t->stream[0], &t->pool, &l->sess[0], 0, s6_middle(t));
	fib_announce(&t->stream[1], &t->pool, &l->sess[1], s6_middle(t), n);
	for (unsigned i = 0; i < PEERS; i++)
		stream_end_of_rib(&t->stream[i], t->pool.af);
	fib_open(&t->fib, l, &t->pool, NULL);
	fib_watch(&t->fib, l);
}

static void
s6_measure(struct load *l, struct s6 *t)
{
	t->begin = clock_mono();
	sess_start_all(l);
	load_pause(l, "ready");
	t->begin = clock_mono();
	if (!load_until(l, s6_works, "sessions, own prefix and routes"))
		return;
	load_event(l, "complete", "routes=%u", t->pool.n);
	fib_quiet(&t->fib, l, QUIET_US);
	fib_check(&t->fib, l, s6_judge);
	fib_figures(&t->fib, l);
	load_pause(l, "complete");
	if (l->failed || !l->opt->seconds)
		return;
	load_pause(l, "idle-begin");
	load_serve(l, l->opt->seconds * 1000000ull);
	if (!l->failed && kernmon_there(t->fib.mon, t->pool.af) != t->pool.n)
		load_fail(l, "routes were lost while idle");
	load_pause(l, "idle-end");
}

void
s6_run(struct load *l)
{
	struct s6 *t = mem_zalloc(sizeof *t);

	s6_prepare(l, t);
	s6_measure(l, t);
	fib_close(&t->fib);
	for (unsigned i = 0; i < PEERS; i++)
		stream_free(&t->stream[i]);
	mem_free(t);
}
