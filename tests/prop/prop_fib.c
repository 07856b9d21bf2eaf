/*
 * The agent's core against a fake kernel: whatever bgpd, links, other programs,
 * lost messages, failing operations and restarts do, in any order, in the end the
 * kernel has what is wanted, nobody else's route was touched, and flushing leaves
 * nothing behind.
 */
#include <string.h>

#include "agent/core/fib.h"
#include "agent/core/hops.h"
#include "lib/mem.h"
#include "tests/prop/fakekern.h"
#include "tests/prop/prop.h"

uint64_t prop_seed;

#define NSETS	  8
#define NPREFIXES 48
#define METRIC	  20
#define MEMBERS	  4
#define RECURSIVE 3 /* this prefix serves the next hop 10.64.3.9, and its sets are direct */

static const char *const nexthops[] = {
	"10.0.0.2", "10.0.0.3", "10.0.1.2", "10.0.2.2", "fd00::2", "fd00:1::2", "fd00:2::2",
	"192.0.2.7", "10.64.3.9",
};
#define NDIRECT 7
#define NNH	(sizeof(nexthops) / sizeof(nexthops[0]))

/* What bgpd wants, as told. */
struct book {
	uint8_t n[NSETS + 1];
	uint8_t member[NSETS + 1][MEMBERS]; /* index into nexthops[] */
	uint8_t backup[NSETS + 1];
	uint8_t set[NPREFIXES];
};

struct run {
	struct rng *rng;
	struct fk k;
	struct fib *f;
	struct fib_conf conf;
	struct ip_prefix permit[2], prefix[NPREFIXES];
	struct mono_us now;
	struct book b;
	bool down[NNH]; /* BFD says so */
	bool quiet;   /* nobody else does anything */
	uint32_t id0; /* set ids of bgpd's present life start after this */
};

static struct ip_addr
nh_addr(unsigned int i)
{
	struct ip_addr a = { 0 };

	ip_addr_parse(nexthops[i], &a);
	return a;
}

static struct ip_prefix
prefix_at(unsigned int i)
{
	static const uint8_t len6[] = { 48, 64, 65, 128 };
	struct ip_prefix p = { 0 };

	if (i < 20) { /* 10.64.i.0/24 */
		p = (struct ip_prefix){ .af = IP4, .len = 24, .b = { 10, 64, (uint8_t)i } };
	} else if (i < 26) { /* nested: 10.65.0.0/16 and inside */
		p = (struct ip_prefix){ .af = IP4, .len = (uint8_t)(16 + (i - 20) * 3),
			.b = { 10, 65 } };
	} else if (i < 28) { /* not permitted */
		p = (struct ip_prefix){ .af = IP4, .len = 24, .b = { 172, 16, (uint8_t)i } };
	} else { /* four, each inside the one before */
		p = (struct ip_prefix){ .af = IP6, .len = len6[i % 4],
			.b = { 0xfd, 0x64, 0, 0, 0, (uint8_t)(i / 4), [8] = 0x80, [15] = 1 } };
		ip_prefix_mask(&p);
	}
	return p;
}

/* ---- the oracle ---------------------------------------------------------- */

struct legs {
	uint16_t n;
	unsigned int w[IPC_MEMBERS_MAX];
	struct kern_leg leg[IPC_MEMBERS_MAX];
};

static void oracle_set(const struct run *r, unsigned int s, struct legs *ret);

static bool
usable(const struct run *r, uint32_t ifindex)
{
	return r->k.link[ifindex - 1].up && r->k.link[ifindex - 1].carrier;
}

static bool
gw_down(const struct run *r, const struct ip_addr *gw)
{
	unsigned int i;

	for (i = 0; i < NDIRECT; i++) {
		struct ip_addr a = nh_addr(i);

		if (r->down[i] && ip_addr_eq(&a, gw))
			return true;
	}
	return false;
}

static void
oracle_direct(const struct run *r, const struct ip_addr *a, const struct ip_addr *gw,
    struct legs *ret)
{
	uint32_t ifindex = 1u + (gw->af == IP4 ? gw->b[2] : gw->b[3]);
	(void)a;

	ret->n = 0;
	if (!usable(r, ifindex) || gw_down(r, gw))
		return;
	ret->n = 1;
	ret->w[0] = 1;
	ret->leg[0] = (struct kern_leg){ .gw = *gw, .ifindex = ifindex, .weight = 1 };
}

static void
oracle_nh(const struct run *r, unsigned int i, struct legs *ret)
{
	struct ip_addr a = nh_addr(i), gw = a;
	size_t k;

	ret->n = 0;
	if (r->down[i])
		return;
	if (i < NDIRECT) {
		oracle_direct(r, &a, &gw, ret);
	} else if (i == NDIRECT) { /* 192.0.2.0/24, if somebody has such a route */
		for (k = 0; k < r->k.nroutes; k++) {
			const struct kern_route *x = &r->k.route[k];

			if (x->prefix.af == IP4 && x->prefix.b[0] == 192)
				oracle_direct(r, &a, &x->leg[0].gw, ret);
		}
	} else if (r->b.set[RECURSIVE] != 0) {
		oracle_set(r, r->b.set[RECURSIVE], ret);
	}
}

static unsigned int
gcd(unsigned int a, unsigned int b)
{
	return b == 0 ? a : gcd(b, a % b);
}

static void
add_leg(struct legs *l, const struct kern_leg *leg, unsigned int w)
{
	uint16_t i;

	for (i = 0; i < l->n; i++) {
		if (l->leg[i].ifindex == leg->ifindex && ip_addr_eq(&l->leg[i].gw, &leg->gw)) {
			l->w[i] += w;
			return;
		}
	}
	l->leg[l->n] = *leg;
	l->w[l->n++] = w;
}

static void
reduce(struct legs *l)
{
	unsigned int g = 0;
	uint16_t i;

	for (i = 0; i < l->n; i++)
		g = gcd(g, l->w[i]);
	for (i = 0; i < l->n; i++)
		l->leg[i].weight = (uint8_t)(l->w[i] /= g);
}

/* Each resolved member has an equal part, shared by its legs. */
static void
oracle_members(const struct run *r, unsigned int s, struct legs *ret)
{
	struct legs m[MEMBERS];
	unsigned int share = 1, i;
	uint16_t j;

	ret->n = 0;
	for (i = 0; i < r->b.n[s]; i++) {
		unsigned int sum = 0;

		oracle_nh(r, r->b.member[s][i], &m[i]);
		for (j = 0; j < m[i].n; j++)
			sum += m[i].leg[j].weight;
		if (m[i].n > 0)
			share = share / gcd(share, sum) * sum;
	}
	for (i = 0; i < r->b.n[s]; i++) {
		unsigned int sum = 0;

		for (j = 0; j < m[i].n; j++)
			sum += m[i].leg[j].weight;
		for (j = 0; j < m[i].n; j++)
			add_leg(ret, &m[i].leg[j], share / sum * m[i].leg[j].weight);
	}
	reduce(ret);
}

static void
oracle_set(const struct run *r, unsigned int s, struct legs *ret)
{
	oracle_members(r, s, ret);
	if (ret->n == 0 && r->b.backup[s] != 0)
		oracle_members(r, r->b.backup[s], ret);
}

static bool
oracle_wants(const struct run *r, unsigned int i, struct legs *ret)
{
	uint16_t j;

	ret->n = 0;
	if (r->b.set[i] == 0 || (i >= 26 && i < 28))
		return false;
	oracle_set(r, r->b.set[i], ret);
	for (j = 0; r->prefix[i].af == IP6 && j < ret->n; j++) {
		if (ret->leg[j].gw.af == IP4)
			return false;
	}
	return ret->n > 0;
}

/* ---- checking ------------------------------------------------------------ */

static const struct kern_route *
find_route(const struct run *r, const struct ip_prefix *p, bool ours)
{
	size_t k;

	for (k = 0; k < r->k.nroutes; k++) {
		const struct kern_route *x = &r->k.route[k];

		if (ip_prefix_eq(&x->prefix, p) && x->metric == METRIC &&
		    (x->protocol == FK_PROTO) == ours)
			return x;
	}
	return NULL;
}

/* What the core thinks of it, for whoever reads the failure. */
static void
explain(const struct run *r, unsigned int i)
{
	char p[IP_PREFIX_STRLEN];
	struct fib_view v;

	if (fib_view_lookup(r->f, &r->prefix[i], false, &v))
		fprintf(stderr, "%s: state %d set %u in_kernel %d wanted %d nhid %#x: %s\n",
		    ip_prefix_str(&v.prefix, p), v.state, v.set, v.in_kernel, v.wanted, v.nhid, v.reason);
	else
		fprintf(stderr, "%s: unknown\n", ip_prefix_str(&r->prefix[i], p));
}

/* PROP() with a word about prefix i. */
#define PROP_AT(i, cond)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			explain(r, i);                                                             \
		PROP(cond);                                                                        \
	} while (0)

static void
check_prefix(struct run *r, unsigned int i)
{
	const struct kern_route *have = find_route(r, &r->prefix[i], true);
	const struct kern_route *theirs = find_route(r, &r->prefix[i], false);
	struct kern_leg leg[IPC_MEMBERS_MAX];
	struct legs want;
	uint16_t n;

	if (!oracle_wants(r, i, &want)) {
		PROP_AT(i, !have);
		return;
	}
	if (theirs && !have)
		return; /* the place is taken */
	PROP_AT(i, have);
	n = fk_legs(&r->k, have, leg);
	if (n == 1)
		leg[0].weight = 1;
	want.n = legs_sort(want.leg, want.n);
	PROP_AT(i, legs_eq(leg, n, want.leg, want.n));
}

static void
check(struct run *r)
{
	struct fib_cursor cur = { 0 };
	struct fib_view v;
	unsigned int i;

	PROP(r->k.broken == 0);
	for (i = 0; i < NPREFIXES; i++)
		check_prefix(r, i);
	while (fib_next_view(r->f, &cur, &v))
		PROP(!v.differs || v.state == FIB_ST_FOREIGN);
}

/* ---- running ------------------------------------------------------------- */

static void
drain_reports(struct run *r)
{
	struct fib_report rep;

	while (fib_next_report(r->f, &rep))
		;
}

static void act_meanwhile(struct run *r);

#define BATCH 32

/*
 * A batch as the netlink shell does it: first what the monitor has, then operations,
 * whose answers come when all were worked through; others act meanwhile.
 * True: there was something to do.
 */
static bool
batch(struct run *r, unsigned int n)
{
	struct fib_kop *op = mem_alloc(BATCH * sizeof(*op));
	int err[BATCH];
	unsigned int got = 0, i;
	bool did = false;

	while (fk_deliver(&r->k, r->f, r->now))
		did = true;
	for (i = 0; i < n && i < BATCH && fib_next_op(r->f, r->now, &op[got]); i++) {
		did = true;
		if (op[got].kind == FIB_OP_DUMP)
			fk_dump(&r->k, r->f, r->now, op[got].what);
		else
			got++;
	}
	for (i = 0; i < got; i++) {
		err[i] = fk_exec(&r->k, &op[i]);
		act_meanwhile(r);
	}
	for (i = 0; i < got; i++)
		fib_result(r->f, r->now, op[i].token, err[i], "");
	mem_free(op);
	return did;
}

/* Let the core do about n operations. True: it did some. */
static bool
work(struct run *r, unsigned int n)
{
	bool did = false;

	if (mono_reached(r->now, fib_deadline(r->f)))
		fib_timeout(r->f, r->now);
	while (n > 0 && batch(r, n)) {
		did = true;
		n -= n < BATCH ? n : BATCH;
	}
	drain_reports(r);
	return did;
}

/* Time passes until nothing happens any more, at most two minutes. */
static void
quiesce(struct run *r)
{
	struct mono_us end = mono_add_s(r->now, 120);

	r->k.fail_pct = 0;
	r->quiet = true;
	while (mono_before(r->now, end)) {
		bool did = false;

		while (fk_deliver(&r->k, r->f, r->now))
			did = true;
		did |= work(r, 100000);
		if (did)
			continue;
		if (!mono_before(fib_deadline(r->f), end))
			break;
		r->now = fib_deadline(r->f).us > r->now.us ? fib_deadline(r->f)
							   : mono_add_us(r->now, 1);
	}
	r->quiet = false;
}

static void
tell_set(struct run *r, unsigned int s)
{
	struct ipc_nhset m = { .id = r->id0 + s, .n = r->b.n[s],
		.backup = r->b.backup[s] ? r->id0 + r->b.backup[s] : 0 };
	const char *why;
	unsigned int i;

	for (i = 0; i < r->b.n[s]; i++) {
		m.member[i].addr = nh_addr(r->b.member[s][i]);
		m.member[i].weight = 1;
	}
	PROP(fib_nhset(r->f, r->now, &m, &why));
}

static void
tell_route(struct run *r, unsigned int i)
{
	const char *why;

	if (r->b.set[i] != 0)
		PROP(fib_route(r->f, r->now, r->id0 + r->b.set[i], &r->prefix[i], &why));
	else
		fib_route_del(r->f, r->now, &r->prefix[i]);
}

/* Everything, as after a restart of bgpd. */
static void
tell_all(struct run *r)
{
	unsigned int i;

	fib_sync_begin(r->f, r->now);
	for (i = NSETS; i >= 1; i--) /* backups have the higher numbers */
		tell_set(r, i);
	for (i = 0; i < NPREFIXES; i++) {
		if (r->b.set[i] != 0)
			tell_route(r, i);
		if (rng_chance(r->rng, 10))
			work(r, 20);
	}
	fib_sync_end(r->f, r->now);
}

static void
start(struct run *r)
{
	unsigned int i;
	int w;

	r->f = fib_new(r->now, prop_seed, NULL);
	fib_configure(r->f, r->now, &r->conf);
	r->k.len = 0;
	r->k.overflow = false;
	for (i = 0; i < NNH; i++) {
		struct ip_addr a = nh_addr(i);

		fib_addr_down(r->f, r->now, &a, r->down[i]);
	}
	for (w = 0; w < KERN_NWHAT; w++)
		fk_dump(&r->k, r->f, r->now, (enum kern_what)w);
}

/* ---- what may happen ----------------------------------------------------- */

/* Set s: 1 to 4 direct only; 5 to 7 anything; 8 direct, and the backup of others. */
static void
act_set(struct run *r)
{
	unsigned int s = (unsigned int)rng_range(r->rng, 1, NSETS), i, j;
	bool direct = s <= 4 || s == NSETS;
	uint8_t m;

	r->b.n[s] = 0;
	for (i = (unsigned int)rng_range(r->rng, 1, MEMBERS); i > 0; i--) {
		m = (uint8_t)rng_below(r->rng, direct ? NDIRECT : NNH);
		for (j = 0; j < r->b.n[s] && r->b.member[s][j] != m; j++)
			;
		if (j == r->b.n[s])
			r->b.member[s][r->b.n[s]++] = m;
	}
	r->b.backup[s] = s < NSETS && rng_chance(r->rng, 30) ? NSETS : 0;
	tell_set(r, s);
}

static void
act_route(struct run *r)
{
	unsigned int i = (unsigned int)rng_below(r->rng, NPREFIXES);

	if (rng_chance(r->rng, 25))
		r->b.set[i] = 0;
	else
		r->b.set[i] = (uint8_t)rng_range(r->rng, 1, i == RECURSIVE ? 4 : NSETS);
	tell_route(r, i);
}

static void
act_link(struct run *r)
{
	bool up = rng_chance(r->rng, 60);

	fk_link(&r->k, (unsigned int)rng_below(r->rng, FK_LINKS), up || rng_chance(r->rng, 50), up);
}

static void
act_flap(struct run *r)
{
	unsigned int i = (unsigned int)rng_below(r->rng, FK_LINKS);

	fk_link(&r->k, i, rng_chance(r->rng, 50), false);
	fk_link(&r->k, i, true, true);
}

static void
act_delete(struct run *r)
{
	size_t i = rng_below(r->rng, r->k.nroutes + 1);

	if (i < r->k.nroutes && r->k.route[i].protocol != 2)
		fk_route_del(&r->k, i, FK_BY);
}

static void
act_foreign(struct run *r)
{
	unsigned int i = (unsigned int)rng_below(r->rng, NPREFIXES);
	struct kern_route x = { .prefix = r->prefix[i], .table = 254, .metric = METRIC,
		.protocol = 50, .nlegs = 1 };

	if (i == RECURSIVE)
		return;
	x.leg[0] = (struct kern_leg){ .ifindex = 1, .weight = 1 };
	x.leg[0].gw = nh_addr(x.prefix.af == IP4 ? 0 : 4);
	if (r->k.link[0].up)
		fk_foreign_add(&r->k, &x, rng_chance(r->rng, 50));
}

static void
act_recursive(struct run *r)
{
	struct kern_route x = { .prefix = { .af = IP4, .len = 24, .b = { 192, 0, 2 } },
		.table = 254, .metric = 5, .protocol = 50, .nlegs = 1 };

	x.leg[0] = (struct kern_leg){ .ifindex = 2, .weight = 1 };
	x.leg[0].gw = nh_addr(2);
	if (r->k.link[1].up)
		fk_foreign_add(&r->k, &x, false);
}

static void
act_nexthop(struct run *r)
{
	if (r->k.nnh > 0)
		fk_nexthop_del(&r->k, rng_below(r->rng, r->k.nnh), FK_BY);
}

static void
act_bgpd(struct run *r)
{
	fib_bgpd_gone(r->f, r->now);
	work(r, (unsigned int)rng_below(r->rng, 50));
	r->id0 += rng_chance(r->rng, 50) ? 100 : 0;
	tell_all(r);
}

static void
act_agent(struct run *r)
{
	fib_free(r->f);
	start(r);
	tell_all(r);
}

static void
act_configure(struct run *r)
{
	r->conf.nhobj = rng_chance(r->rng, 70) ? FIB_NHOBJ_AUTO : FIB_NHOBJ_OFF;
	fib_configure(r->f, r->now, &r->conf);
}

static void
act_overflow(struct run *r)
{
	fk_overflow(&r->k);
}

/* Between two operations of one batch. */
static void
act_meanwhile(struct run *r)
{
	if (r->quiet || !rng_chance(r->rng, 3))
		return;
	switch (rng_below(r->rng, 5)) {
	case 0:
		act_link(r);
		break;
	case 1:
		act_flap(r);
		break;
	case 2:
		act_foreign(r);
		break;
	case 3:
		act_nexthop(r);
		break;
	default:
		act_delete(r);
		break;
	}
}

/* BFD's word on a next hop. */
static void
act_addr(struct run *r)
{
	unsigned int i = (unsigned int)rng_below(r->rng, NNH);
	struct ip_addr a = nh_addr(i);

	r->down[i] = rng_chance(r->rng, 60);
	fib_addr_down(r->f, r->now, &a, r->down[i]);
}

/* The routes go by no gateway that is down: by their objects at least. */
static void
check_no_dead_leg(struct run *r, unsigned int i)
{
	const struct kern_route *have = find_route(r, &r->prefix[i], true);
	struct kern_leg leg[IPC_MEMBERS_MAX];
	struct legs want;
	uint16_t n, j;

	if (!have || have->nhid == 0 || !oracle_wants(r, i, &want))
		return;
	n = fk_legs(&r->k, have, leg);
	PROP_AT(i, n > 0);
	for (j = 0; j < n; j++)
		PROP_AT(i, !gw_down(r, &leg[j].gw));
}

/*
 * A gateway is lost while all is quiet.  The operations on objects come before those on
 * routes: when they are done, no route leads by it that has another way.
 */
static void
lose_and_check(struct run *r)
{
	unsigned int groups = 0, i;

	quiesce(r);
	check(r);
	i = (unsigned int)rng_below(r->rng, NDIRECT);
	r->down[i] = true;
	struct ip_addr a = nh_addr(i);
	fib_addr_down(r->f, r->now, &a, true);
	for (i = 0; i < r->k.nnh; i++)
		groups += r->k.nh[i].ngroup > 0;
	r->quiet = true;
	work(r, groups + NDIRECT); /* and legs that were not needed before */
	r->quiet = false;
	for (i = 0; i < NPREFIXES; i++)
		check_no_dead_leg(r, i);
}

static void
act_failing(struct run *r)
{
	r->k.fail_pct = rng_chance(r->rng, 50) ? 20 : 0;
}

static const struct {
	void (*act)(struct run *r);
	unsigned int weight;
} acts[] = {
	{ act_set, 20 }, { act_route, 60 }, { act_link, 12 }, { act_flap, 8 }, { act_delete, 10 },
	{ act_foreign, 8 }, { act_recursive, 4 }, { act_nexthop, 5 }, { act_bgpd, 2 },
	{ act_agent, 2 }, { act_configure, 1 }, { act_overflow, 2 }, { act_failing, 2 },
	{ act_addr, 8 }, { lose_and_check, 2 },
};

static void
act(struct run *r)
{
	unsigned int total = 0, i, x;

	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		total += acts[i].weight;
	x = (unsigned int)rng_below(r->rng, total);
	for (i = 0; x >= acts[i].weight; i++)
		x -= acts[i].weight;
	acts[i].act(r);
}

static void
flush_check(struct run *r)
{
	size_t i;

	fib_flush(r->f, r->now);
	quiesce(r);
	for (i = 0; i < r->k.nroutes; i++)
		PROP(r->k.route[i].protocol != FK_PROTO);
	PROP(r->k.nnh == 0);
	PROP(r->k.broken == 0);
}

static void
init(struct run *r, struct rng *rng)
{
	unsigned int i;

	memset(r, 0, sizeof(*r));
	r->rng = rng;
	r->now.us = 1000000;
	fk_init(&r->k, rng);
	ip_prefix_parse("10.64.0.0/10", &r->permit[0], NULL);
	ip_prefix_parse("fd64::/16", &r->permit[1], NULL);
	r->conf = (struct fib_conf){ .install = true, .table = 254, .protocol = FK_PROTO,
		.metric = METRIC, .multipath = 16, .own_block = FIB_BLOCK_BLACKHOLE,
		.protect_node = true, .protect_peers = true, .permit = r->permit, .npermit = 2 };
	for (i = 0; i < NPREFIXES; i++)
		r->prefix[i] = prefix_at(i);
	for (i = 1; i <= NSETS; i++)
		r->b.n[i] = 1, r->b.member[i][0] = (uint8_t)(i % NDIRECT);
}

static void
becomes_what_is_wanted(struct rng *rng)
{
	struct run *r = mem_alloc(sizeof(*r));
	unsigned int steps = (unsigned int)rng_range(rng, 20, 200), i;

	init(r, rng);
	start(r);
	tell_all(r);
	for (i = 0; i < steps; i++) {
		act(r);
		for (unsigned int n = (unsigned int)rng_below(rng, 20); n > 0; n--)
			fk_deliver(&r->k, r->f, r->now);
		if (rng_chance(rng, 70))
			work(r, (unsigned int)rng_below(rng, 60));
		r->now = mono_add_us(r->now, rng_below(rng, 100000));
		if (rng_chance(rng, 3)) {
			quiesce(r);
			check(r);
		}
	}
	quiesce(r);
	check(r);
	flush_check(r);
	fib_free(r->f);
	fk_fini(&r->k);
	mem_free(r);
}

int
main(void)
{
	prop_run("kernel becomes what is wanted", 400, becomes_what_is_wanted);
	return EXIT_SUCCESS;
}
