/*
 * The agent's routing state through its public contract alone: intents and
 * observations in, operations, verdicts, next-hop states and events out.
 */
#include "agent/core/fib.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "tests/unit/unit.h"

#define PROTO  212
#define METRIC 20

static struct fib *f;
static struct mono_us now;
static struct fib_conf conf;
static struct ip_prefix permit[3];
static struct fib_kop op;
static struct fib_report rep;
static const char *why;

static struct kern_route
foreign(const char *prefix, const char *gw, uint32_t ifindex, uint32_t metric)
{
	struct kern_route r = { .prefix = px(prefix), .table = 254, .metric = metric,
		.protocol = gw ? 3 : 2, .nlegs = 1 };

	r.leg[0] = (struct kern_leg){ .gw = ad(gw), .ifindex = ifindex, .weight = 1 };
	return r;
}

static struct kern_route
ours(const char *prefix, const char *gw, uint32_t ifindex)
{
	struct kern_route r = foreign(prefix, gw, ifindex, METRIC);

	r.protocol = PROTO;
	return r;
}

static void
see(const char *prefix, const char *gw, uint32_t ifindex, uint32_t metric, bool gone)
{
	struct kern_route r = foreign(prefix, gw, ifindex, metric);

	fib_see_route(f, now, &r, gone, 0);
}

static void
see_link(uint32_t ifindex, bool up, bool carrier)
{
	struct kern_link l = { .ifindex = ifindex, .up = up, .carrier = carrier };

	snprintf(l.name, sizeof(l.name), "e%u", ifindex);
	fib_see_link(f, now, &l, false);
}

static void
see_addr(const char *a, uint8_t plen, uint32_t ifindex, bool tentative, bool gone)
{
	struct kern_addr x = { .ifindex = ifindex, .addr = ad(a), .plen = plen,
		.tentative = tentative };

	fib_see_addr(f, now, &x, gone);
}

/* Dump everything: links 2 and 3 with 10.0.0.1/24 and 10.0.1.1/24; extra (may be NULL) is there, too. */
static void
dump_all(const struct kern_route *extra)
{
	int w;

	for (w = 0; w < KERN_NWHAT; w++) {
		fib_dump_begin(f, now, (enum kern_what)w);
		if (w == KERN_LINKS) {
			see_link(2, true, true);
			see_link(3, true, true);
		} else if (w == KERN_ADDRS) {
			see_addr("10.0.0.1", 24, 2, false, false);
			see_addr("10.0.1.1", 24, 3, false, false);
		} else if (w == KERN_ROUTES4) {
			see("10.0.0.0/24", NULL, 2, 0, false);
			see("10.0.1.0/24", NULL, 3, 0, false);
		} else if (w == KERN_ROUTES6) {
			see("fd00::/64", NULL, 2, 256, false);
		}
		if (extra && w == (extra->prefix.af == IP4 ? KERN_ROUTES4 : KERN_ROUTES6))
			fib_see_route(f, now, extra, false, FIB_BY_DUMP);
		fib_dump_end(f, now, (enum kern_what)w);
	}
}

static void
make(void)
{
	now.us = 5000000;
	f = fib_new(now, 7, NULL);
	permit[0] = px("10.64.0.0/10");
	permit[1] = px("fd64::/16");
	conf = (struct fib_conf){ .install = true, .table = 254, .protocol = PROTO,
		.metric = METRIC, .multipath = 8, .nhobj = FIB_NHOBJ_OFF,
		.own_block = FIB_BLOCK_BLACKHOLE, .protect_node = true, .protect_peers = true,
		.permit = permit, .npermit = 2 };
	fib_configure(f, now, &conf);
}

static void
setup(void)
{
	make();
	dump_all(NULL);
}

static void
teardown(void)
{
	fib_free(f);
}

static void
set(uint32_t id, uint32_t backup, const char *a, const char *b)
{
	struct ipc_nhset s = { .id = id, .backup = backup };

	s.member[s.n].addr = ad(a);
	s.member[s.n++].weight = 1;
	if (b) {
		s.member[s.n].addr = ad(b);
		s.member[s.n++].weight = 1;
	}
	ck_assert_msg(fib_nhset(f, now, &s, &why), "%s", why);
}

static void
route(uint32_t s, const char *p)
{
	struct ip_prefix q = px(p);

	ck_assert_msg(fib_route(f, now, s, &q, &why), "%s", why);
}

/* The next operation must be of that kind. */
static void
expect(enum fib_op_kind kind)
{
	ck_assert_msg(fib_next_op(f, now, &op), "no operation, want %d", kind);
	ck_assert_msg(op.kind == kind, "operation %d, want %d", op.kind, kind);
}

static void
expect_none(void)
{
	ck_assert(!fib_next_op(f, now, &op));
}

static void
answer(int err)
{
	fib_result(f, now, op.token, err, err ? "because" : "");
}

/* Do everything, all of it well. Returns the number of operations but dumps. */
static unsigned int
run(void)
{
	unsigned int n = 0;

	while (fib_next_op(f, now, &op)) {
		if (op.kind == FIB_OP_DUMP)
			break;
		answer(0);
		n++;
	}
	return n;
}

static void
later_ms(uint64_t ms)
{
	now = mono_add_ms(now, ms);
	if (mono_reached(now, fib_deadline(f)))
		fib_timeout(f, now);
}

/* The latest verdict for p. */
static struct ipc_verdict
verdict(const char *p)
{
	struct ip_prefix q = px(p);
	struct ipc_verdict v = { .state = 255 };

	while (fib_next_report(f, &rep)) {
		if (rep.kind == FIB_REP_VERDICT && ip_prefix_eq(&rep.verdict.prefix, &q))
			v = rep.verdict;
	}
	return v;
}

static bool
event(const char *name)
{
	bool got = false;

	while (fib_next_report(f, &rep))
		got |= rep.kind == FIB_REP_EVENT && strcmp(rep.event.name, name) == 0;
	return got;
}

static struct fib_view
view(const char *p)
{
	struct ip_prefix q = px(p);
	struct fib_view v;

	ck_assert(fib_view_lookup(f, &q, false, &v));
	return v;
}

/* ---- installing ---------------------------------------------------------- */

START_TEST(nothing_before_the_first_dump)
{
	teardown();
	make();
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect_none();
	ck_assert(!fib_next_report(f, &rep));
	dump_all(NULL);
	ck_assert(fib_next_report(f, &rep));
	ck_assert_int_eq(rep.kind, FIB_REP_ADOPTED);
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.metric, METRIC);
	ck_assert_uint_eq(op.route.protocol, PROTO);
	ck_assert_uint_eq(op.route.table, 254);
	ck_assert_uint_eq(op.route.nlegs, 1);
	ck_assert_uint_eq(op.route.leg[0].ifindex, 2);
	answer(0);
	expect_none();
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED);
}
END_TEST

START_TEST(broken_intents)
{
	struct ip_prefix p = px("10.64.1.0/24");
	struct ipc_nhset s = { .id = 1, .n = 0 };

	ck_assert(!fib_route(f, now, 9, &p, &why));
	ck_assert(!fib_nhset(f, now, &s, &why));
	s.n = 1;
	s.id = 0;
	ck_assert(!fib_nhset(f, now, &s, &why));
	s.id = 1;
	s.backup = 1;
	ck_assert(!fib_nhset(f, now, &s, &why));
	ck_assert(!fib_nhset_del(f, now, 1, &why));
	set(2, 0, "10.0.0.2", NULL);
	set(3, 2, "10.0.1.2", NULL);
	s = (struct ipc_nhset){ .id = 2, .backup = 3, .n = 1 };
	s.member[0].addr = ad("10.0.0.2");
	ck_assert(!fib_nhset(f, now, &s, &why)); /* a chain of backups */
}
END_TEST

START_TEST(nexthop_objects_before_routes)
{
	conf.nhobj = FIB_NHOBJ_AUTO;
	fib_configure(f, now, &conf);
	fib_sync_end(f, now); /* objects without users are kept before */
	set(1, 0, "10.0.0.2", "10.0.1.2");
	route(1, "10.64.1.0/24");
	expect(FIB_OP_NH_ADD);
	ck_assert_uint_eq(op.nexthop.ngroup, 0);
	answer(0);
	expect(FIB_OP_NH_ADD);
	answer(0);
	expect(FIB_OP_NH_ADD);
	ck_assert_uint_eq(op.nexthop.ngroup, 2);
	answer(0);
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_ne(op.route.nhid, 0);
	answer(0);
	expect_none();
	/* One member is left: the kernel takes the leg that goes out of the group itself. */
	set(1, 0, "10.0.1.2", NULL);
	expect(FIB_OP_NH_DEL);
	ck_assert_uint_eq(op.nexthop.ngroup, 0);
	answer(0);
	expect_none();
}
END_TEST

START_TEST(best_to_backup_is_one_message)
{
	int i;

	conf.nhobj = FIB_NHOBJ_AUTO;
	fib_configure(f, now, &conf);
	set(2, 0, "10.0.1.2", NULL);
	set(1, 2, "10.0.0.2", NULL);
	for (i = 0; i < 50; i++) {
		char p[32];

		snprintf(p, sizeof(p), "10.64.%d.0/24", i);
		route(1, p);
	}
	run();
	see_link(2, true, false);
	expect(FIB_OP_NH_ADD); /* the kernel dropped the group with its only member */
	answer(0);
	ck_assert_uint_eq(run(), 50);
	see_link(2, true, true);
	later_ms(60);
	for (i = 0; fib_next_op(f, now, &op); i++) {
		if (op.kind == FIB_OP_DUMP) {
			i--;
			continue;
		}
		ck_assert(op.kind == FIB_OP_NH_ADD || op.kind == FIB_OP_NH_REPLACE);
		answer(0);
	}
	ck_assert_int_eq(i, 2); /* its leg, and the group */
}
END_TEST

/* n routes by that set, all of 10.64.0.0/10. */
static void
routes(uint32_t s, int n)
{
	char p[32];
	int i;

	for (i = 0; i < n; i++) {
		snprintf(p, sizeof(p), "10.%d.%d.0/24", 64 + i / 256, i % 256);
		route(s, p);
	}
}

static void
addr_down(const char *a, bool down)
{
	struct ip_addr x = ad(a);

	fib_addr_down(f, now, &x, down);
}

static void
with_objects(void)
{
	conf.nhobj = FIB_NHOBJ_AUTO;
	fib_configure(f, now, &conf);
	fib_sync_end(f, now); /* objects without users are kept before */
}

/* Do what is left; every operation must be one on an object. Returns how many. */
static unsigned int
run_objects(void)
{
	unsigned int n;

	for (n = 0; fib_next_op(f, now, &op); n++) {
		ck_assert(op.kind == FIB_OP_NH_ADD || op.kind == FIB_OP_NH_REPLACE ||
		    op.kind == FIB_OP_NH_DEL);
		answer(0);
	}
	return n;
}

/* The group that shrinks comes before routes and legs that wait already, and is all there is. */
START_TEST(address_down_is_one_message)
{
	with_objects();
	set(1, 0, "10.0.0.2", "10.0.1.2");
	routes(1, 500);
	run();
	set(2, 0, "10.0.0.9", "10.0.1.9"); /* legs to be made */
	route(2, "10.70.0.0/24");
	addr_down("10.0.0.2", true);
	expect(FIB_OP_NH_DEL); /* which takes it out of the group, too */
	ck_assert_uint_eq(op.nexthop.ngroup, 0);
	answer(0);
	expect(FIB_OP_NH_ADD);
	answer(0);
	run();
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED);
	addr_down("10.0.0.2", true); /* said again: no news */
	expect_none();
	addr_down("10.0.0.2", false);
	expect(FIB_OP_NH_ADD); /* its leg was removed, as nobody's */
	answer(0);
	expect(FIB_OP_NH_REPLACE);
	ck_assert_uint_eq(op.nexthop.ngroup, 2);
	answer(0);
	expect_none();
}
END_TEST

/* The kernel did not delete it: what groups have is not certain, and all are set again. */
START_TEST(leg_that_stays_is_taken_out_of_its_group)
{
	with_objects();
	set(1, 0, "10.0.0.2", "10.0.1.2");
	routes(1, 500);
	run();
	addr_down("10.0.0.2", true);
	expect(FIB_OP_NH_DEL);
	answer(ENOBUFS);
	expect(FIB_OP_NH_REPLACE);
	ck_assert_uint_eq(op.nexthop.ngroup, 1);
	answer(0);
	run();
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED);
}
END_TEST

/* A leg that a route names by itself, or that is all a group has, is not deleted under them. */
START_TEST(leg_in_use_is_not_cut)
{
	with_objects();
	set(1, 0, "10.0.0.2", "10.0.1.2");
	set(2, 0, "10.0.0.2", NULL);
	routes(1, 500);
	route(2, "10.70.0.0/24");
	run();
	addr_down("10.0.0.2", true);
	expect(FIB_OP_NH_REPLACE);
	ck_assert_uint_eq(op.nexthop.ngroup, 1);
	answer(0);
	expect(FIB_OP_ROUTE_DEL);
	answer(0);
	run();
}
END_TEST

START_TEST(address_down_to_backup_is_one_message)
{
	with_objects();
	set(2, 0, "10.0.1.2", NULL);
	set(1, 2, "10.0.0.2", NULL);
	routes(1, 500);
	run();
	addr_down("10.0.0.2", true);
	expect(FIB_OP_NH_REPLACE);
	ck_assert_uint_eq(op.nexthop.ngroup, 1);
	answer(0);
	expect(FIB_OP_NH_DEL); /* later, when nothing else is to be done */
	answer(0);
	expect_none();
	addr_down("10.0.0.2", false);
	ck_assert_uint_eq(run_objects(), 2);
}
END_TEST

/* Routes that lose their only leg wait behind the group that others need changed. */
START_TEST(many_lost_routes_keep_no_group_waiting)
{
	with_objects();
	set(1, 0, "10.0.0.2", NULL);
	set(2, 0, "10.0.0.2", "10.0.1.2");
	routes(1, 5000);
	route(2, "10.100.0.0/24");
	run();
	addr_down("10.0.0.2", true);
	expect(FIB_OP_NH_REPLACE);
	ck_assert_uint_eq(op.nexthop.ngroup, 1);
	answer(0);
	expect(FIB_OP_ROUTE_DEL);
	answer(0);
	ck_assert_uint_eq(run(), 5000); /* 4999 more, and the leg */
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_HELD);
	addr_down("10.0.0.2", false);
	ck_assert_uint_eq(run(), 5002); /* and the leg, and the group */
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED);
}
END_TEST

/* 100,000 routes that are moved by the message, and as many that lose their only leg. */
START_TEST(message_is_out_in_10_ms)
{
	struct timespec a, b;
	double ms;
	uint32_t i;

	with_objects();
	set(1, 0, "10.0.0.2", NULL);
	set(2, 0, "10.0.0.2", "10.0.1.2");
	for (i = 0; i < 200000; i++) {
		struct ip_prefix p = { .af = IP4, .len = 32,
			.b = { 10, (uint8_t)(64 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i } };

		ck_assert(fib_route(f, now, 1 + (i & 1), &p, &why));
	}
	run();
	clock_gettime(CLOCK_MONOTONIC, &a);
	addr_down("10.0.0.2", true);
	expect(FIB_OP_NH_REPLACE);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
	printf("address down to its message, 200,000 routes: %.3f ms\n", ms);
	ck_assert(ms < 10);
	answer(0);
}
END_TEST

START_TEST(address_down_without_objects)
{
	set(1, 0, "10.0.0.2", "10.0.1.2");
	routes(1, 20);
	run();
	addr_down("10.0.0.2", true);
	expect(FIB_OP_ROUTE_REPLACE);
	ck_assert_uint_eq(op.route.nlegs, 1);
	answer(0);
	ck_assert_uint_eq(run(), 19);
}
END_TEST

/* It was down before anybody asked for it, and its sets come and go meanwhile. */
START_TEST(address_down_is_remembered)
{
	addr_down("10.0.0.2", true);
	set(1, 0, "10.0.0.2", "10.0.1.2");
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.nlegs, 1);
	answer(0);
	fib_bgpd_gone(f, now);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_DEL);
	answer(0);
	addr_down("10.0.0.2", false);
	expect(FIB_OP_ROUTE_ADD);
	answer(0);
}
END_TEST

/* ---- refused, failed, foreign -------------------------------------------- */

START_TEST(refused_with_the_reason)
{
	set(1, 0, "10.0.0.2", NULL);
	route(1, "172.16.0.0/24");
	expect_none();
	ck_assert_uint_eq(verdict("172.16.0.0/24").code, IPC_REF_NOT_PERMITTED);
	ck_assert_int_eq(view("172.16.0.0/24").state, FIB_ST_REFUSED);
	permit[2] = px("172.16.0.0/12");
	conf.npermit = 3;
	fib_configure(f, now, &conf);
	expect(FIB_OP_ROUTE_ADD);
	answer(0);
	ck_assert_uint_eq(verdict("172.16.0.0/24").state, IPC_V_INSTALLED);
	conf.npermit = 2;
	fib_configure(f, now, &conf);
	expect(FIB_OP_ROUTE_DEL);
	answer(0);
	ck_assert_uint_eq(verdict("172.16.0.0/24").state, IPC_V_REFUSED);
}
END_TEST

START_TEST(own_prefix_shadows)
{
	struct ip_prefix p = px("10.64.1.0/24");

	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	run();
	verdict("10.64.1.0/24");
	fib_local_set(f, now, &p, FIB_OWN_BLOCK);
	run();
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_SHADOWED);
	fib_local_del(f, now, &p);
	run();
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED);
}
END_TEST

START_TEST(kernel_refuses_and_is_asked_again)
{
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
	answer(ENETUNREACH);
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_FAILED);
	ck_assert_ptr_nonnull(strstr(view("10.64.1.0/24").reason, "because"));
	expect_none();
	later_ms(15);
	expect_none();
	later_ms(10);
	expect(FIB_OP_ROUTE_ADD);
	answer(ENETUNREACH);
	later_ms(90);
	expect_none();
	later_ms(20);
	expect(FIB_OP_ROUTE_ADD);
	answer(0);
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED);
}
END_TEST

START_TEST(failed_route_with_another_set_is_tried_at_once)
{
	set(1, 0, "10.0.0.2", NULL);
	set(2, 0, "10.0.1.2", NULL);
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
	answer(EINVAL);
	expect_none();
	route(2, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
}
END_TEST

START_TEST(foreign_route_keeps_its_place)
{
	set(1, 0, "10.0.0.2", NULL);
	see("10.64.1.0/24", "10.0.1.9", 3, METRIC, false);
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
	answer(EEXIST);
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_FOREIGN);
	ck_assert_ptr_nonnull(strstr(view("10.64.1.0/24").reason, "protocol 3"));
	expect_none();
	see("10.64.1.0/24", "10.0.1.9", 3, METRIC, true); /* it goes: at once */
	expect(FIB_OP_ROUTE_ADD);
	answer(0);
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED);
	/* It is appended beside ours: ours is never replaced from now on, but deleted. */
	see("10.64.1.0/24", "10.0.1.9", 3, METRIC, false);
	set(1, 0, "10.0.0.3", NULL);
	expect(FIB_OP_ROUTE_DEL);
}
END_TEST

START_TEST(unknown_route_in_the_place_means_look)
{
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
	answer(EEXIST);
	later_ms(60);
	expect(FIB_OP_DUMP);
	ck_assert_int_eq(op.what, KERN_ROUTES4);
}
END_TEST

START_TEST(limit)
{
	struct ip_prefix p = px("10.64.1.0/24");

	conf.max_routes = 2;
	fib_configure(f, now, &conf);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	route(1, "10.64.2.0/24");
	route(1, "10.64.3.0/24");
	ck_assert_uint_eq(run(), 2);
	ck_assert_uint_eq(verdict("10.64.3.0/24").code, IPC_REF_LIMIT);
	fib_route_del(f, now, &p);
	run();
	later_ms(1100);
	run();
	ck_assert_uint_eq(verdict("10.64.3.0/24").state, IPC_V_INSTALLED);
}
END_TEST

/* ---- losses -------------------------------------------------------------- */

START_TEST(three_times_at_once_then_later)
{
	struct kern_route mine;
	int i;

	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
	mine = op.route;
	answer(0);
	for (i = 0; i < 3; i++) {
		fib_see_route(f, now, &mine, true, 4711);
		expect(FIB_OP_ROUTE_ADD);
		answer(0);
	}
	fib_see_route(f, now, &mine, true, 4711);
	expect_none();
	ck_assert_uint_eq(view("10.64.1.0/24").repairs, 4);
	later_ms(150);
	ck_assert(event("routes-fight"));
	later_ms(400);
	expect(FIB_OP_ROUTE_ADD);
	answer(0);
	fib_see_route(f, now, &mine, true, 4711);
	later_ms(600);
	expect_none();
	later_ms(500);
	expect(FIB_OP_ROUTE_ADD);
	answer(0);
	later_ms(61000); /* a calm minute: the count starts again */
	fib_see_route(f, now, &mine, true, 4711);
	expect(FIB_OP_ROUTE_ADD);
}
END_TEST

START_TEST(changed_by_somebody)
{
	struct kern_route mine;

	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
	mine = op.route;
	answer(0);
	mine.leg[0].gw = ad("10.0.0.66");
	fib_see_route(f, now, &mine, false, 4711);
	ck_assert(view("10.64.1.0/24").differs);
	expect(FIB_OP_ROUTE_REPLACE);
	answer(0);
	ck_assert(!view("10.64.1.0/24").differs);
	later_ms(150);
	ck_assert(event("routes-changed"));
}
END_TEST

START_TEST(replaced_by_somebody_elses)
{
	struct kern_route theirs = foreign("10.64.1.0/24", "10.0.1.9", 3, METRIC);

	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	run();
	theirs.replaced = true;
	fib_see_route(f, now, &theirs, false, 4711);
	later_ms(60);
	expect(FIB_OP_DUMP); /* is ours still there? */
	fib_dump_begin(f, now, KERN_ROUTES4);
	fib_see_route(f, now, &theirs, false, FIB_BY_DUMP);
	see("10.0.0.0/24", NULL, 2, 0, false);
	fib_dump_end(f, now, KERN_ROUTES4);
	expect(FIB_OP_ROUTE_ADD); /* exclusive: theirs is safe */
	answer(EEXIST);
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_FOREIGN);
}
END_TEST

START_TEST(overflow_dumps_everything_in_turn)
{
	int w, n = 0;

	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	run();
	fib_overflow(f, now);
	for (w = 0; w < KERN_NWHAT; w++) {
		later_ms(60);
		expect(FIB_OP_DUMP);
		ck_assert_int_eq(op.what, w);
		fib_dump_begin(f, now, op.what);
		expect_none(); /* one at a time */
		if (w == KERN_LINKS)
			see_link(2, true, true), see_link(3, true, true);
		if (w == KERN_ADDRS)
			see_addr("10.0.0.1", 24, 2, false, false);
		if (w == KERN_ROUTES4)
			see("10.0.0.0/24", NULL, 2, 0, false);
		fib_dump_end(f, now, (enum kern_what)w);
		if (w == KERN_ROUTES4) {
			expect(FIB_OP_ROUTE_ADD); /* it was lost meanwhile */
			answer(0);
			n++;
		}
	}
	ck_assert_int_eq(n, 1);
	ck_assert(event("kernel-overflow"));
}
END_TEST

START_TEST(address_goes_and_prefsrc_with_it)
{
	conf.source4 = ad("10.0.0.1");
	fib_configure(f, now, &conf);
	set(1, 0, "10.0.1.2", NULL);
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.prefsrc.af, IP4);
	answer(0);
	see_addr("10.0.0.1", 24, 2, false, true);
	expect(FIB_OP_ROUTE_REPLACE);
	ck_assert_uint_eq(op.route.prefsrc.af, IP_NONE);
	answer(ENOENT); /* the kernel dropped it, silently */
	expect(FIB_OP_ROUTE_ADD);
	answer(0);
	see_addr("10.0.0.1", 24, 2, false, false);
	later_ms(0);
	do
		ck_assert(fib_next_op(f, now, &op));
	while (op.kind == FIB_OP_DUMP);
	ck_assert_int_eq(op.kind, FIB_OP_ROUTE_REPLACE);
	ck_assert_uint_eq(op.route.prefsrc.af, IP4);
}
END_TEST

/* ---- next hops ----------------------------------------------------------- */

static struct ipc_nh_state
nh_state(const char *a)
{
	struct ip_addr x = ad(a);
	struct ipc_nh_state s = { .ifindex = 999 };

	while (fib_next_report(f, &rep)) {
		if (rep.kind == FIB_REP_NH_STATE && ip_addr_eq(&rep.nh.addr, &x))
			s = rep.nh;
	}
	return s;
}

static void
watch(const char *a)
{
	struct ip_addr x = ad(a);

	fib_watch(f, now, &x, true);
}

START_TEST(watched_next_hop_follows_the_kernel)
{
	struct ipc_nh_state s;
	uint32_t gen;

	watch("192.0.2.9");
	s = nh_state("192.0.2.9");
	ck_assert(!s.resolved);
	ck_assert_str_eq(s.why, "no route leads there");
	see("192.0.2.0/24", "10.0.0.9", 2, 50, false);
	s = nh_state("192.0.2.9");
	ck_assert(s.resolved && !s.onlink);
	ck_assert_uint_eq(s.metric, 50);
	ck_assert_uint_eq(s.ifindex, 2);
	gen = s.gen;
	see("192.0.2.0/25", "10.0.1.9", 3, 60, false); /* more specific */
	s = nh_state("192.0.2.9");
	ck_assert_uint_eq(s.ifindex, 3);
	ck_assert_uint_gt(s.gen, gen);
	see("198.51.100.0/24", "10.0.1.9", 3, 60, false); /* not its business */
	ck_assert_uint_eq(nh_state("192.0.2.9").ifindex, 999);
	see_link(3, true, false);
	s = nh_state("192.0.2.9");
	ck_assert(!s.resolved);
	ck_assert_str_eq(s.why, "interface e3 has no carrier");
}
END_TEST

START_TEST(default_route_resolves_but_not_what_was_on_a_link)
{
	watch("192.0.2.9");
	watch("10.0.1.2");
	see("0.0.0.0/0", "10.0.0.254", 2, 100, false);
	ck_assert(nh_state("192.0.2.9").resolved);
	see_link(3, false, false);
	ck_assert(!nh_state("10.0.1.2").resolved);
	see_link(3, true, true); /* back, but its subnet is not */
	nh_state("10.0.1.2");
	fib_dump_begin(f, now, KERN_ROUTES4);
	see("10.0.0.0/24", NULL, 2, 0, false);
	see("0.0.0.0/0", "10.0.0.254", 2, 100, false);
	fib_dump_end(f, now, KERN_ROUTES4);
	ck_assert(!nh_state("10.0.1.2").resolved);
	see("10.0.1.0/24", NULL, 3, 0, false);
	ck_assert(nh_state("10.0.1.2").onlink);
}
END_TEST

START_TEST(gateway_down_takes_its_leg)
{
	watch("192.0.2.9");
	see("192.0.2.0/24", "10.0.0.9", 2, 50, false);
	ck_assert_uint_eq(nh_state("192.0.2.9").ifindex, 2);
	addr_down("10.0.0.9", true);
	ck_assert_str_eq(nh_state("192.0.2.9").why, "BFD says that its gateway is down");
	addr_down("192.0.2.9", true);
	addr_down("10.0.0.9", false);
	watch("192.0.2.9");
	ck_assert_str_eq(nh_state("192.0.2.9").why, "BFD says that it is down");
	addr_down("192.0.2.9", false);
	ck_assert(nh_state("192.0.2.9").resolved);
}
END_TEST

/* The next address that left its link; why in rep.nh.why. */
static bool
lost(const char *a)
{
	struct ip_addr x = ad(a);

	return fib_next_link_lost(f, &rep) && ip_addr_eq(&rep.nh.addr, &x);
}

START_TEST(peers_that_leave_their_link)
{
	struct ip_addr peers[3] = { ad("10.0.0.2"), ad("10.0.1.2"), ad("fe80::2") };

	peers[2].ifindex = 3;
	see_addr("fe80::1", 64, 3, false, false);
	conf.follow = peers;
	conf.nfollow = 3;
	fib_configure(f, now, &conf);
	ck_assert(!fib_next_link_lost(f, &rep));
	fib_configure(f, now, &conf); /* a reload forgets nothing */
	see_link(2, true, false);
	ck_assert(lost("10.0.0.2"));
	ck_assert_str_eq(rep.nh.why, "interface e2 has no carrier");
	ck_assert(!fib_next_link_lost(f, &rep));
	see_link(2, false, false); /* still lost: no news */
	ck_assert(!fib_next_link_lost(f, &rep));
	see_link(2, true, true);
	see("10.0.0.0/24", NULL, 2, 0, false);
	ck_assert(!fib_next_link_lost(f, &rep));
	addr_down("10.0.0.2", true); /* BFD's word is not about the link */
	ck_assert(!fib_next_link_lost(f, &rep));
	addr_down("10.0.0.2", false);
	see("0.0.0.0/0", "10.0.1.254", 3, 100, false);
	see_addr("10.0.0.1", 24, 2, false, true); /* our address, and with it the subnet */
	see("10.0.0.0/24", NULL, 2, 0, true);
	ck_assert(lost("10.0.0.2"));
	ck_assert_str_eq(rep.nh.why,
	    "no longer on interface e2, only the default route leads there");
	conf.nfollow = 0;
	fib_configure(f, now, &conf);
	see_link(3, true, false);
	ck_assert(!fib_next_link_lost(f, &rep));
	ck_assert(!fib_next_nh_view(f, NULL, &(struct fib_nh_view){ 0 }));
}
END_TEST

START_TEST(link_local_peer_leaves_its_link)
{
	struct ip_addr a = ad("fe80::2");

	a.ifindex = 3;
	see_addr("fe80::1", 64, 3, false, false);
	conf.follow = &a;
	conf.nfollow = 1;
	fib_configure(f, now, &conf);
	ck_assert(!fib_next_link_lost(f, &rep));
	see_addr("fe80::1", 64, 3, false, true);
	ck_assert(fib_next_link_lost(f, &rep));
	ck_assert(ip_addr_eq(&rep.nh.addr, &a));
	ck_assert_str_eq(rep.nh.why, "interface e3 has no usable link-local address");
}
END_TEST

/* The same link-local address is a neighbour on two links. */
START_TEST(link_local_down_on_its_link_only)
{
	struct ip_addr a = ad("fe80::2"), b = a;

	a.ifindex = 2;
	b.ifindex = 3;
	see_addr("fe80::1", 64, 2, false, false);
	see_addr("fe80::1", 64, 3, false, false);
	fib_addr_down(f, now, &a, true);
	fib_addr_down(f, now, &b, true);
	fib_addr_down(f, now, &a, false);
	fib_watch(f, now, &a, true);
	ck_assert(fib_next_report(f, &rep));
	while (rep.kind != FIB_REP_NH_STATE)
		ck_assert(fib_next_report(f, &rep));
	ck_assert(rep.nh.resolved);
	fib_watch(f, now, &b, true);
	ck_assert(fib_next_report(f, &rep));
	ck_assert(!rep.nh.resolved);
	ck_assert_str_eq(rep.nh.why, "BFD says that it is down");
}
END_TEST

START_TEST(own_address_is_no_next_hop)
{
	watch("10.0.0.1");
	ck_assert_str_eq(nh_state("10.0.0.1").why, "it is an address of this node");
}
END_TEST

START_TEST(never_through_itself)
{
	/* 10.64.0.0/16 by 10.64.0.9, which nothing else serves. */
	set(1, 0, "10.64.0.9", NULL);
	route(1, "10.64.0.0/16");
	expect_none();
	ck_assert_uint_ne(verdict("10.64.0.0/16").state, IPC_V_INSTALLED);
	/* The default route serves it: ours would take it over. */
	see("0.0.0.0/0", "10.0.0.254", 2, 100, false);
	expect_none();
	ck_assert_uint_eq(verdict("10.64.0.0/16").code, IPC_REF_VIA_SELF);
	/* Something more specific does: fine. */
	see("10.64.0.0/24", "10.0.1.9", 3, 100, false);
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.leg[0].ifindex, 3);
}
END_TEST

START_TEST(two_routes_never_lean_on_each_other)
{
	set(1, 0, "10.65.0.9", NULL);
	set(2, 0, "10.66.0.9", NULL);
	route(2, "10.65.0.0/16");
	route(1, "10.66.0.0/16");
	expect_none();
	see("10.66.0.0/24", "10.0.1.9", 3, 100, false);
	ck_assert_uint_eq(run(), 2); /* 10.65/16 by 10.66.0.9, and then 10.66/16 by 10.65.0.9 */
	see("10.66.0.0/24", "10.0.1.9", 3, 100, true);
	ck_assert_uint_eq(run(), 2); /* both go */
	expect_none();
}
END_TEST

START_TEST(depth_at_most_four)
{
	int i;

	see("10.70.0.0/24", "10.0.0.9", 2, 5, false);
	for (i = 1; i <= 6; i++) {
		char nh[32], p[32];

		snprintf(nh, sizeof(nh), "10.%d.0.1", 69 + i);
		snprintf(p, sizeof(p), "10.%d.0.0/24", 70 + i);
		set((uint32_t)i, 0, nh, NULL);
		route((uint32_t)i, p);
	}
	ck_assert_uint_eq(run(), 4);
	ck_assert_ptr_nonnull(strstr(view("10.75.0.0/24").reason, "more than 4"));
}
END_TEST

START_TEST(members_share_by_weight)
{
	struct kern_route two = foreign("192.0.2.0/24", "10.0.0.8", 2, 5);

	two.nlegs = 2;
	two.leg[1] = (struct kern_leg){ .gw = ad("10.0.1.8"), .ifindex = 3, .weight = 1 };
	fib_see_route(f, now, &two, false, 0);
	set(1, 0, "192.0.2.1", "10.0.0.2");
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.nlegs, 3);
	ck_assert_uint_eq(op.route.leg[0].weight, 2); /* 10.0.0.2: a half */
	ck_assert_uint_eq(op.route.leg[1].weight, 1);
	ck_assert_uint_eq(op.route.leg[2].weight, 1);
}
END_TEST

START_TEST(install_false_takes_any_route)
{
	conf.install = false;
	fib_configure(f, now, &conf);
	see_link(3, true, false);
	watch("10.0.1.2");
	ck_assert(nh_state("10.0.1.2").resolved);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect_none();
	ck_assert_uint_eq(verdict("10.64.1.0/24").code, IPC_REF_INSTALL_OFF);
}
END_TEST

START_TEST(link_local_next_hop)
{
	struct ipc_nh_state s;

	watch("fe80::2%2");
	s = nh_state("fe80::2%2");
	ck_assert_str_eq(s.why, "interface e2 has no usable link-local address");
	see_addr("fe80::1%2", 64, 2, true, false);
	nh_state("fe80::2%2");
	see_addr("fe80::1%2", 64, 2, false, false);
	s = nh_state("fe80::2%2");
	ck_assert(s.resolved && s.onlink);
	ck_assert_uint_eq(s.ifindex, 2);
	watch("fe80::2%9");
	ck_assert_str_eq(nh_state("fe80::2%9").why, "its interface is not known");
	set(1, 0, "fe80::2%2", NULL);
	route(1, "10.64.1.0/24"); /* IPv4 over IPv6: RFC 8950 */
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.leg[0].gw.af, IP6);
	ck_assert_uint_eq(op.route.leg[0].ifindex, 2);
}
END_TEST

START_TEST(discarding_route_resolves_nothing)
{
	struct kern_route r = foreign("192.0.2.0/24", "10.0.0.9", 2, 5);

	r.type = KERN_BLACKHOLE;
	r.nlegs = 0;
	see("0.0.0.0/0", "10.0.0.254", 2, 100, false);
	fib_see_route(f, now, &r, false, 0);
	watch("192.0.2.9");
	ck_assert_str_eq(nh_state("192.0.2.9").why, "the route 192.0.2.0/24 discards");
}
END_TEST

START_TEST(next_hop_rows)
{
	static const struct {
		const char *nh, *via, *why;
	} want[] = {
		{ "10.0.0.2", "dev e2 through 10.0.0.0/24 (protocol kernel)", "" },
		{ "10.64.1.9", "via 10.0.0.2 dev e2 through 10.64.1.0/24 (learned)", "" },
		{ "192.0.2.9", "via 10.0.1.9 dev e3 through 192.0.2.0/24 (protocol boot)", "" },
		{ "198.51.100.9", "", "no route leads there" },
	};
	struct fib_nh_view v;
	struct ip_addr at = { 0 };
	int i;

	see("192.0.2.0/24", "10.0.1.9", 3, 60, false);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	watch("10.64.1.9");
	watch("192.0.2.9");
	watch("198.51.100.9");
	run();
	for (i = 0; fib_next_nh_view(f, i ? &at : NULL, &v); i++) {
		struct ip_addr a = ad(want[i].nh);

		ck_assert_int_lt(i, 4);
		at = v.nh;
		ck_assert(ip_addr_eq(&a, &at));
		ck_assert_str_eq(v.via, want[i].via);
		ck_assert_str_eq(v.why, want[i].why);
	}
	ck_assert_int_eq(i, 4);
	ck_assert(fib_next_nh_view(f, NULL, &v));
	ck_assert_uint_eq(v.users, 1);
}
END_TEST

START_TEST(place_moves)
{
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	run();
	conf.metric = 30;
	conf.table = 100;
	conf.protocol = 199;
	fib_configure(f, now, &conf);
	expect(FIB_OP_ROUTE_ADD); /* the new one first: nothing is without a route */
	ck_assert_uint_eq(op.route.metric, 30);
	ck_assert_uint_eq(op.route.table, 100);
	ck_assert_uint_eq(op.route.protocol, 199);
	answer(0);
	expect(FIB_OP_ROUTE_DEL);
	ck_assert_uint_eq(op.route.metric, METRIC);
	ck_assert_uint_eq(op.route.table, 254);
	ck_assert_uint_eq(op.route.protocol, PROTO);
	answer(0);
	expect_none();
}
END_TEST

/* Another number alone: one message, and the route is never away. */
START_TEST(number_changes_in_place)
{
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	run();
	conf.protocol = 199;
	fib_configure(f, now, &conf);
	expect(FIB_OP_ROUTE_REPLACE);
	ck_assert_uint_eq(op.route.protocol, 199);
	answer(0);
	expect_none();
}
END_TEST

/*
 * Routes of an earlier life with other settings are there until SYNC_END: what is wanted again is
 * replaced in its place or made anew elsewhere first, what is not goes by its own number.
 */
START_TEST(former_places_are_adopted_and_swept)
{
	const struct fib_place number = { .protocol = 199, .table = 254, .metric = METRIC },
		metric = { .protocol = PROTO, .table = 254, .metric = 77 };
	struct kern_route a = ours("10.64.1.0/24", "10.0.0.2", 2), b = ours("10.64.2.0/24",
	    "10.0.0.2", 2), c = a, d = b;
	struct fib_report r = { 0 };
	int w;

	a.protocol = b.protocol = 199;
	c.prefix = px("10.64.3.0/24");
	d.prefix = px("10.64.4.0/24");
	c.metric = d.metric = 77;
	teardown();
	make();
	fib_configure(f, now, &conf);
	fib_former_place(f, &number);
	fib_former_place(f, &metric);
	for (w = 0; w < KERN_NWHAT; w++) {
		fib_dump_begin(f, now, (enum kern_what)w);
		if (w == KERN_LINKS)
			see_link(2, true, true);
		if (w == KERN_ROUTES4) {
			see("10.0.0.0/24", NULL, 2, 0, false);
			fib_see_route(f, now, &a, false, FIB_BY_DUMP);
			fib_see_route(f, now, &b, false, FIB_BY_DUMP);
			fib_see_route(f, now, &c, false, FIB_BY_DUMP);
			fib_see_route(f, now, &d, false, FIB_BY_DUMP);
		}
		fib_dump_end(f, now, (enum kern_what)w);
	}
	while (r.kind != FIB_REP_ADOPTED)
		ck_assert(fib_next_report(f, &r));
	ck_assert_uint_eq(r.adopted[0], 4);
	expect_none();
	fib_sync_begin(f, now);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	route(1, "10.64.3.0/24");
	expect(FIB_OP_ROUTE_REPLACE);
	ck_assert_uint_eq(op.route.protocol, PROTO);
	answer(0);
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.metric, METRIC);
	answer(0);
	expect_none(); /* nothing goes before */
	fib_sync_end(f, now);
	expect(FIB_OP_ROUTE_DEL);
	ck_assert_uint_eq(op.route.protocol, 199);
	ck_assert(ip_prefix_eq(&op.route.prefix, &b.prefix));
	answer(0);
	for (w = 0; w < 2; w++) {
		expect(FIB_OP_ROUTE_DEL);
		ck_assert_uint_eq(op.route.protocol, PROTO);
		ck_assert_uint_eq(op.route.metric, 77);
		answer(0);
	}
	expect_none();
}
END_TEST

START_TEST(peer_is_protected_as_it_is_served)
{
	struct ip_addr peer = ad("10.65.0.9");

	conf.peers = &peer;
	conf.npeers = 1;
	fib_configure(f, now, &conf);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.65.0.0/24");
	ck_assert_uint_eq(run(), 1); /* nothing else leads to the peer: it may come this way */
	see("10.65.0.0/16", "10.0.1.9", 3, 100, false);
	ck_assert_uint_eq(run(), 1); /* now something does, and ours would take over */
	ck_assert_uint_eq(verdict("10.65.0.0/24").code, IPC_REF_PEER_ADDRESS);
	see("10.65.0.0/16", "10.0.1.9", 3, 100, true);
	expect(FIB_OP_ROUTE_ADD);
}
END_TEST

START_TEST(kernel_without_nexthop_objects)
{
	conf.nhobj = FIB_NHOBJ_AUTO;
	fib_configure(f, now, &conf);
	fib_nexthop_support(f, now, false);
	set(1, 0, "10.0.0.2", "10.0.1.2");
	route(1, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.nlegs, 2);
	ck_assert_uint_eq(op.route.nhid, 0);
}
END_TEST

START_TEST(link_and_address_tables)
{
	struct ip_addr on = ad("10.0.1.77"), off = ad("192.0.2.1");
	struct kern_addr a;
	size_t pos = 0;
	int n = 0;

	see_addr("10.0.0.9", 24, 2, true, false); /* tentative: not to be used */
	while (fib_next_addr(f, &pos, &a))
		n++;
	ck_assert_int_eq(n, 2);
	ck_assert_uint_eq(fib_onlink_ifindex(f, &on), 3);
	ck_assert_uint_eq(fib_onlink_ifindex(f, &off), 0);
	ck_assert_uint_eq(fib_link_by_name(f, "e3")->ifindex, 3);
	ck_assert_ptr_null(fib_link(f, 77));
}
END_TEST

START_TEST(objects_found_at_start_are_taken_over)
{
	struct kern_nexthop n = { .id = 0x57460005, .protocol = PROTO,
		.leg = { .ifindex = 2, .weight = 1 } }, unused = n;
	struct kern_route a = ours("10.64.1.0/24", "10.0.0.2", 2);
	int w;

	n.leg.gw = ad("10.0.0.2");
	unused.id = 0x57460006;
	unused.leg.gw = ad("10.0.0.3");
	a.nhid = n.id;
	teardown();
	make();
	conf.nhobj = FIB_NHOBJ_AUTO;
	fib_configure(f, now, &conf);
	for (w = 0; w < KERN_NWHAT; w++) {
		fib_dump_begin(f, now, (enum kern_what)w);
		if (w == KERN_LINKS)
			see_link(2, true, true);
		if (w == KERN_NEXTHOPS) {
			fib_see_nexthop(f, now, &n, false, FIB_BY_DUMP);
			fib_see_nexthop(f, now, &unused, false, FIB_BY_DUMP);
		}
		if (w == KERN_ROUTES4) {
			see("10.0.0.0/24", NULL, 2, 0, false);
			fib_see_route(f, now, &a, false, FIB_BY_DUMP);
		}
		fib_dump_end(f, now, (enum kern_what)w);
	}
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect_none();
	fib_sync_end(f, now);
	expect(FIB_OP_NH_DEL); /* nobody asked for that one */
	ck_assert_uint_eq(op.nexthop.id, unused.id);
	answer(0);
	expect_none();
}
END_TEST

/* ---- restarts ------------------------------------------------------------ */

START_TEST(adopted_is_kept_until_sync_end)
{
	struct kern_route a = ours("10.64.1.0/24", "10.0.0.2", 2);

	teardown();
	make();
	dump_all(&a);
	ck_assert(fib_next_report(f, &rep));
	ck_assert_uint_eq(rep.adopted[0], 1);
	ck_assert_int_eq(view("10.64.1.0/24").state, FIB_ST_STALE);
	ck_assert_str_eq(view("10.64.1.0/24").kind, "adopted");
	expect_none();
	fib_sync_begin(f, now);
	expect_none();
	fib_sync_end(f, now);
	expect(FIB_OP_ROUTE_DEL);
	answer(0);
	expect_none();
}
END_TEST

START_TEST(adopted_is_replaced_only_if_different)
{
	struct kern_route a = ours("10.64.1.0/24", "10.0.0.2", 2);

	teardown();
	make();
	dump_all(&a);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect_none();
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED);
	set(2, 0, "10.0.1.2", NULL);
	route(2, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_REPLACE);
}
END_TEST

START_TEST(bgpd_gone_keeps_everything)
{
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	route(1, "10.64.2.0/24");
	run();
	fib_sync_end(f, now);
	expect_none();
	fib_bgpd_gone(f, now);
	expect_none();
	ck_assert_int_eq(view("10.64.1.0/24").state, FIB_ST_STALE);
	verdict("10.64.1.0/24");
	fib_sync_begin(f, now);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect_none();
	ck_assert_int_eq(view("10.64.1.0/24").state, FIB_ST_INSTALLED);
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED); /* it does not know */
	fib_sync_end(f, now);
	expect(FIB_OP_ROUTE_DEL);
	answer(0);
	expect_none();
}
END_TEST

/* Who tells a route again waits for its verdict again, also when nothing becomes of it. */
START_TEST(told_again_has_a_verdict_again)
{
	static const char *const prefix[] = { "10.64.1.0/24", "172.16.0.0/24", "10.64.2.0/24" };
	static const uint8_t state[] = { IPC_V_INSTALLED, IPC_V_REFUSED, IPC_V_FAILED };

	set(1, 0, "10.0.0.2", NULL);
	route(1, prefix[0]);
	run();
	route(1, prefix[1]);
	route(1, prefix[2]);
	expect(FIB_OP_ROUTE_ADD);
	answer(EINVAL);
	for (int k = 0; k < 3; k++)
		verdict(prefix[k]);
	for (int k = 0; k < 3; k++) {
		route(1, prefix[k]);
		ck_assert_uint_eq(verdict(prefix[k]).state, state[k]);
		ck_assert_uint_eq(verdict(prefix[k]).state, 255); /* once */
	}
}
END_TEST

START_TEST(somebody_uses_our_protocol)
{
	struct kern_route a = ours("10.64.9.0/24", "10.0.0.2", 2);

	fib_sync_end(f, now);
	fib_see_route(f, now, &a, false, 4711);
	expect(FIB_OP_ROUTE_DEL); /* that place is ours, and nobody wants it */
}
END_TEST

/* ---- own blocks ---------------------------------------------------------- */

START_TEST(block_first_then_ready)
{
	struct ip_prefix p = px("10.64.9.0/24"), host = px("10.64.9.1/32");

	while (fib_next_report(f, &rep))
		;
	fib_local_set(f, now, &p, FIB_OWN_BLOCK);
	ck_assert(!fib_next_report(f, &rep));
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_int_eq(op.route.type, KERN_BLACKHOLE);
	ck_assert_uint_eq(op.route.metric, UINT32_MAX - 2);
	answer(0);
	ck_assert(fib_next_report(f, &rep));
	ck_assert_int_eq(rep.kind, FIB_REP_LOCAL_READY);
	fib_local_set(f, now, &host, FIB_OWN_BLOCK); /* a host route never gets one */
	expect_none();
	ck_assert(fib_next_report(f, &rep));
	ck_assert_int_eq(rep.kind, FIB_REP_LOCAL_READY);
	ck_assert(ip_prefix_eq(&rep.prefix, &host));
	fib_local_del(f, now, &p);
	expect(FIB_OP_ROUTE_DEL);
}
END_TEST

/* Taken away, and the kernel does not take it back: withdrawn until it does. */
START_TEST(block_that_cannot_be_put_back)
{
	struct ip_prefix p = px("10.64.9.0/24");
	struct kern_route gone = { .prefix = p, .table = 254, .metric = UINT32_MAX - 2,
		.protocol = PROTO, .type = KERN_BLACKHOLE };

	while (fib_next_report(f, &rep))
		;
	fib_local_set(f, now, &p, FIB_OWN_BLOCK);
	run();
	ck_assert(fib_next_report(f, &rep));
	ck_assert_int_eq(rep.kind, FIB_REP_LOCAL_READY);
	fib_see_route(f, now, &gone, true, 4711);
	ck_assert(!fib_next_report(f, &rep)); /* it is put back at once */
	expect(FIB_OP_ROUTE_ADD);
	answer(ENOMEM);
	ck_assert(fib_next_report(f, &rep));
	ck_assert_int_eq(rep.kind, FIB_REP_LOCAL_LOST);
	ck_assert(ip_prefix_eq(&rep.prefix, &p));
	later_ms(30);
	expect(FIB_OP_ROUTE_ADD);
	answer(0);
	while (fib_next_report(f, &rep) && rep.kind == FIB_REP_EVENT)
		;
	ck_assert_int_eq(rep.kind, FIB_REP_LOCAL_READY);
}
END_TEST

/* RFC 7999: dropped here, with or without nexthop objects; changed and given back like others. */
START_TEST(set_that_discards)
{
	struct ipc_nhset s = { .id = 1, .discard = true, .n = 1,
		.member = { { .addr = ad("10.0.0.2"), .weight = 1 } } };

	conf.nhobj = _i ? FIB_NHOBJ_AUTO : FIB_NHOBJ_OFF;
	fib_configure(f, now, &conf);
	ck_assert(fib_nhset(f, now, &s, &why));
	route(1, "10.64.1.1/32");
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_int_eq(op.route.type, KERN_BLACKHOLE);
	ck_assert_uint_eq(op.route.nlegs, 0);
	ck_assert_uint_eq(op.route.nhid, 0);
	answer(0);
	ck_assert_uint_eq(verdict("10.64.1.1/32").state, IPC_V_INSTALLED);
	s.discard = false;
	ck_assert(fib_nhset(f, now, &s, &why));
	run();
	ck_assert_int_eq(view("10.64.1.1/32").have.type, KERN_UNICAST);
	s.discard = true;
	ck_assert(fib_nhset(f, now, &s, &why));
	run();
	ck_assert_int_eq(view("10.64.1.1/32").have.type, KERN_BLACKHOLE);
}
END_TEST

/* An aggregate: its own route first, and what others announce inside is learned all the same. */
static void
see_many_of_ours(uint32_t n)
{
	struct kern_route r = ours("10.64.0.0/32", "10.0.0.2", 2);
	uint32_t i;

	for (i = 0; i < n; i++) {
		r.prefix.b[1] = (uint8_t)(64 + (i >> 16));
		r.prefix.b[2] = (uint8_t)(i >> 8);
		r.prefix.b[3] = (uint8_t)i;
		fib_see_route(f, now, &r, false, FIB_BY_DUMP);
	}
}

/* A kernel with more routes under our number than there is room for: the others stay, unknown. */
START_TEST(more_routes_found_than_fit)
{
	bool adopted = false, told = false;
	int w;

	teardown();
	make();
	for (w = 0; w < KERN_NWHAT; w++) {
		fib_dump_begin(f, now, (enum kern_what)w);
		if (w == KERN_ROUTES4)
			see_many_of_ours(FIB_ROUTES_MAX + 3);
		fib_dump_end(f, now, (enum kern_what)w);
	}
	later_ms(20000);
	while (fib_next_report(f, &rep)) {
		if (rep.kind == FIB_REP_ADOPTED) {
			adopted = true;
			ck_assert_uint_eq(rep.adopted[0], FIB_ROUTES_MAX);
		} else if (rep.kind == FIB_REP_EVENT && strcmp(rep.event.name, "fib-limit") == 0) {
			told = true;
			ck_assert_ptr_nonnull(strstr(rep.event.text, "count=3 first=10.96.0.0/32"));
		}
	}
	ck_assert(adopted);
	ck_assert(told);
}
END_TEST

START_TEST(cover_lets_others_in)
{
	struct ip_prefix p = px("10.64.0.0/16");

	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	route(1, "10.64.0.0/16");
	run();
	while (fib_next_report(f, &rep))
		;
	fib_local_set(f, now, &p, FIB_OWN_COVER);
	ck_assert_uint_eq(verdict("10.64.0.0/16").state, IPC_V_SHADOWED);
	ck_assert(!fib_next_report(f, &rep)); /* not ready before the route is there */
	run();
	ck_assert(fib_next_report(f, &rep));
	ck_assert_int_eq(rep.kind, FIB_REP_LOCAL_READY);
	ck_assert(!view("10.64.1.0/24").differs && view("10.64.1.0/24").wanted);
	route(1, "10.64.2.0/24");
	run();
	ck_assert_uint_eq(verdict("10.64.2.0/24").state, IPC_V_INSTALLED);
	fib_local_set(f, now, &p, FIB_OWN_BLOCK); /* it became a pod CIDR */
	run();
	ck_assert_uint_eq(verdict("10.64.2.0/24").state, IPC_V_SHADOWED);
}
END_TEST

START_TEST(flush_and_configure_again)
{
	struct fib_stats st;
	struct ip_prefix p = px("10.64.9.0/24");

	conf.nhobj = FIB_NHOBJ_AUTO;
	fib_configure(f, now, &conf);
	fib_local_set(f, now, &p, FIB_OWN_BLOCK);
	set(1, 0, "10.0.0.2", "10.0.1.2");
	route(1, "10.64.1.0/24");
	run();
	while (fib_next_report(f, &rep))
		;
	ck_assert_uint_eq(fib_flush(f, now), 2);
	ck_assert_uint_eq(run(), 5); /* two routes, a group and two legs */
	while (fib_next_report(f, &rep) && rep.kind != FIB_REP_FLUSHED)
		;
	ck_assert_int_eq(rep.kind, FIB_REP_FLUSHED);
	fib_stats(f, &st);
	ck_assert(st.flushed);
	fib_configure(f, now, &conf);
	ck_assert_uint_eq(run(), 5);
	fib_stats(f, &st);
	ck_assert(!st.flushed);
	ck_assert(!view("10.64.1.0/24").differs);
}
END_TEST

START_TEST(rows_come_in_order)
{
	struct fib_cursor cur = { 0 };
	struct ip_prefix p = px("10.64.0.0/10"), last = { 0 };
	struct fib_view v;
	int n = 0;

	conf.discard_permit = true;
	fib_configure(f, now, &conf);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.0.0/10"); /* learned and discard, the same prefix */
	route(1, "10.64.1.0/24");
	fib_local_set(f, now, &p, FIB_OWN_PLAIN);
	for (n = 0; fib_next_view(f, &cur, &v); n++) {
		ck_assert_int_le(ip_prefix_cmp(&last, &v.prefix), 0);
		last = v.prefix;
	}
	ck_assert_int_eq(n, 4);
}
END_TEST

/* ---- sets that change ------------------------------------------------------ */

/*
 * Two routes whose sets come to lead through each other: only a hostile bgpd makes such
 * sets, and no walk along them may go on for ever, nor may they keep each other alive.
 */
START_TEST(sets_that_come_full_circle)
{
	struct ip_addr known = ad("10.64.2.1");

	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	set(2, 0, "10.64.1.1", NULL);
	route(2, "10.64.2.0/24");
	run();
	ck_assert_int_eq(view("10.64.2.0/24").state, FIB_ST_INSTALLED);
	fib_watch(f, now, &known, true);
	run();
	set(1, 0, "10.64.2.1", NULL); /* by way of the second, and that by the first */
	set(3, 0, "10.64.1.9", "10.64.2.9");
	route(3, "10.64.3.0/24");
	run();
	ck_assert(!view("10.64.1.0/24").in_kernel);
	ck_assert(!view("10.64.2.0/24").in_kernel);
	ck_assert(!view("10.64.3.0/24").in_kernel);
	set(1, 0, "10.64.1.1", NULL); /* by way of itself */
	run();
	ck_assert(!view("10.64.1.0/24").in_kernel);
	set(1, 0, "10.0.1.2", NULL);
	run();
	ck_assert_int_eq(view("10.64.1.0/24").state, FIB_ST_INSTALLED);
	ck_assert_int_eq(view("10.64.2.0/24").state, FIB_ST_INSTALLED);
	ck_assert_int_eq(view("10.64.3.0/24").state, FIB_ST_INSTALLED);
}
END_TEST

/* Many ways from one set to another are looked at once each: 64 members, four deep. */
START_TEST(sets_with_many_ways)
{
	struct ipc_nhset s = { .n = IPC_MEMBERS_MAX };
	char text[32];

	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	for (uint32_t id = 2; id < 6; id++) {
		for (uint16_t i = 0; i < s.n; i++) {
			snprintf(text, sizeof(text), "10.64.%u.%u", id - 1, i + 1u);
			s.member[i] = (struct ipc_nh_member){ ad(text), 1 };
		}
		s.id = id;
		ck_assert_msg(fib_nhset(f, now, &s, &why), "%s", why);
		snprintf(text, sizeof(text), "10.64.%u.0/24", id);
		route(id, text);
	}
	run();
	ck_assert_int_eq(view("10.64.4.0/24").state, FIB_ST_INSTALLED);
	ck_assert_int_eq(view("10.64.5.0/24").state, FIB_ST_HELD); /* too deep */
}
END_TEST

/* ---- mass-withdraw guard --------------------------------------------------- */

static char prefix_text[32];

static const char *
nth(unsigned i)
{
	snprintf(prefix_text, sizeof(prefix_text), "10.64.%u.0/24", i);
	return prefix_text;
}

static void
unroute_nth(unsigned i)
{
	struct ip_prefix p = px(nth(i));

	fib_route_del(f, now, &p);
}

/* 100 routes by two next hops, half of them each, and a guard of 50 % in 5 s for 30 s. */
static void
guarded(void)
{
	conf.guard_pct = 50;
	conf.guard_within_ms = 5000;
	conf.guard_hold_ms = 30000;
	fib_configure(f, now, &conf);
	set(1, 0, "10.0.0.2", NULL);
	set(2, 0, "10.0.1.2", NULL);
	for (unsigned i = 0; i < 100; i++)
		route(1 + i % 2, nth(i));
	ck_assert_uint_eq(run(), 100);
}

static uint64_t
installed(void)
{
	struct fib_stats st;

	fib_stats(f, &st);
	return st.installed[0];
}

START_TEST(guard_lets_single_withdrawals_go)
{
	guarded();
	for (unsigned i = 0; i < 50; i++)
		unroute_nth(i);
	ck_assert_uint_eq(run(), 50);
	ck_assert_uint_eq(installed(), 50);
	ck_assert(!event("withdrawals-held"));
	later_ms(5000); /* forgotten */
	for (unsigned i = 50; i < 74; i++)
		unroute_nth(i);
	ck_assert_uint_eq(run(), 24);
	later_ms(5000);
	ck_assert(mono_is_never(fib_deadline(f)));
}
END_TEST

START_TEST(guard_holds_many)
{
	guarded();
	for (unsigned i = 0; i < 90; i++)
		unroute_nth(i);
	ck_assert_uint_eq(run(), 0); /* not one has gone */
	ck_assert(event("withdrawals-held"));
	ck_assert_int_eq(view("10.64.5.0/24").state, FIB_ST_HELD);
	ck_assert(view("10.64.5.0/24").in_kernel && view("10.64.5.0/24").held_until.us != 0);
	ck_assert_int_eq(view("10.64.95.0/24").state, FIB_ST_INSTALLED);
	ck_assert_uint_eq(verdict("10.64.5.0/24").state, 255); /* bgpd asked for it no longer */
	later_ms(29999);
	ck_assert_uint_eq(run(), 0);
	later_ms(1);
	ck_assert_uint_eq(run(), 90);
	ck_assert(event("withdrawals-over"));
	ck_assert_uint_eq(installed(), 10);
}
END_TEST

/* Those that went before it was clear are put back. */
START_TEST(guard_puts_back)
{
	guarded();
	for (unsigned i = 0; i < 40; i++)
		unroute_nth(i);
	ck_assert_uint_eq(run(), 40);
	later_ms(2000);
	for (unsigned i = 40; i < 60; i++)
		unroute_nth(i);
	/* 20 of those had no operation yet; at the 51st, forty come back. */
	ck_assert_uint_eq(run(), 40);
	ck_assert_int_eq(view("10.64.1.0/24").state, FIB_ST_HELD);
	ck_assert(view("10.64.1.0/24").in_kernel);
}
END_TEST

START_TEST(guard_yields_to_new_routes)
{
	guarded();
	for (unsigned i = 0; i < 90; i++)
		unroute_nth(i);
	ck_assert_uint_eq(run(), 0);
	route(2, nth(0)); /* by another next hop: at once */
	expect(FIB_OP_ROUTE_REPLACE);
	answer(0);
	ck_assert_int_eq(view(nth(0)).state, FIB_ST_INSTALLED);
	for (unsigned i = 1; i < 90; i++)
		route(1 + i % 2, nth(i));
	ck_assert_uint_eq(run(), 0);
	ck_assert(event("withdrawals-over")); /* all are back: no need to wait */
	ck_assert_uint_eq(installed(), 100);
	later_ms(31000);
	ck_assert_uint_eq(run(), 0);
}
END_TEST

/* Of the held ones those whose next hop dies go with it. */
START_TEST(guard_holds_nothing_dead)
{
	struct ip_addr dead = ad("10.0.1.2");

	guarded();
	for (unsigned i = 0; i < 90; i++)
		unroute_nth(i);
	ck_assert_uint_eq(run(), 0);
	fib_addr_down(f, now, &dead, true);
	run();
	for (int i = 0; i < 100 && mono_reached(now, fib_deadline(f)); i++) {
		later_ms(1);
		run();
	}
	ck_assert(!view("10.64.1.0/24").in_kernel);
	ck_assert(view("10.64.2.0/24").in_kernel);
	unroute_nth(91); /* its next hop is dead: no case for the guard */
	run();
	later_ms(30000);
	run();
	ck_assert_uint_eq(installed(), 5);
}
END_TEST

/* What bgpd does not name again after its restart counts as withdrawn. */
START_TEST(guard_and_the_sweep)
{
	guarded();
	fib_bgpd_gone(f, now);
	fib_sync_begin(f, now);
	set(11, 0, "10.0.0.2", NULL);
	for (unsigned i = 0; i < 100; i += 20)
		route(11, nth(i));
	fib_sync_end(f, now);
	run();
	ck_assert(event("withdrawals-held"));
	ck_assert(view("10.64.33.0/24").in_kernel);
	later_ms(30000);
	run();
	ck_assert_uint_eq(installed(), 5);
}
END_TEST

START_TEST(guard_switched_off)
{
	guarded();
	for (unsigned i = 0; i < 90; i++)
		unroute_nth(i);
	ck_assert_uint_eq(run(), 0);
	conf.guard_pct = 0;
	fib_configure(f, now, &conf);
	ck_assert_uint_eq(run(), 90);
	for (unsigned i = 90; i < 100; i++)
		unroute_nth(i);
	ck_assert_uint_eq(run(), 10);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fib");
	TCase *tc = unit_case(s, "contract");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_before_the_first_dump);
	tcase_add_test(tc, broken_intents);
	tcase_add_test(tc, nexthop_objects_before_routes);
	tcase_add_test(tc, best_to_backup_is_one_message);
	tcase_add_test(tc, address_down_is_one_message);
	tcase_add_test(tc, leg_that_stays_is_taken_out_of_its_group);
	tcase_add_test(tc, leg_in_use_is_not_cut);
	tcase_add_test(tc, address_down_to_backup_is_one_message);
	tcase_add_test(tc, many_lost_routes_keep_no_group_waiting);
	tcase_add_test(tc, message_is_out_in_10_ms);
	tcase_add_test(tc, address_down_without_objects);
	tcase_add_test(tc, address_down_is_remembered);
	tcase_add_test(tc, gateway_down_takes_its_leg);
	tcase_add_test(tc, link_local_down_on_its_link_only);
	tcase_add_test(tc, peers_that_leave_their_link);
	tcase_add_test(tc, link_local_peer_leaves_its_link);
	tcase_add_test(tc, refused_with_the_reason);
	tcase_add_test(tc, own_prefix_shadows);
	tcase_add_test(tc, kernel_refuses_and_is_asked_again);
	tcase_add_test(tc, failed_route_with_another_set_is_tried_at_once);
	tcase_add_test(tc, foreign_route_keeps_its_place);
	tcase_add_test(tc, unknown_route_in_the_place_means_look);
	tcase_add_test(tc, limit);
	tcase_add_test(tc, three_times_at_once_then_later);
	tcase_add_test(tc, changed_by_somebody);
	tcase_add_test(tc, replaced_by_somebody_elses);
	tcase_add_test(tc, overflow_dumps_everything_in_turn);
	tcase_add_test(tc, address_goes_and_prefsrc_with_it);
	tcase_add_test(tc, watched_next_hop_follows_the_kernel);
	tcase_add_test(tc, default_route_resolves_but_not_what_was_on_a_link);
	tcase_add_test(tc, own_address_is_no_next_hop);
	tcase_add_test(tc, never_through_itself);
	tcase_add_test(tc, two_routes_never_lean_on_each_other);
	tcase_add_test(tc, depth_at_most_four);
	tcase_add_test(tc, members_share_by_weight);
	tcase_add_test(tc, install_false_takes_any_route);
	tcase_add_test(tc, link_local_next_hop);
	tcase_add_test(tc, discarding_route_resolves_nothing);
	tcase_add_test(tc, next_hop_rows);
	tcase_add_test(tc, place_moves);
	tcase_add_test(tc, number_changes_in_place);
	tcase_add_test(tc, former_places_are_adopted_and_swept);
	tcase_add_test(tc, peer_is_protected_as_it_is_served);
	tcase_add_test(tc, kernel_without_nexthop_objects);
	tcase_add_test(tc, link_and_address_tables);
	tcase_add_test(tc, objects_found_at_start_are_taken_over);
	tcase_add_test(tc, adopted_is_kept_until_sync_end);
	tcase_add_test(tc, adopted_is_replaced_only_if_different);
	tcase_add_test(tc, bgpd_gone_keeps_everything);
	tcase_add_test(tc, told_again_has_a_verdict_again);
	tcase_add_test(tc, somebody_uses_our_protocol);
	tcase_add_test(tc, block_first_then_ready);
	tcase_add_test(tc, block_that_cannot_be_put_back);
	tcase_add_loop_test(tc, set_that_discards, 0, 2);
	tcase_add_test(tc, more_routes_found_than_fit);
	tcase_add_test(tc, cover_lets_others_in);
	tcase_add_test(tc, flush_and_configure_again);
	tcase_add_test(tc, rows_come_in_order);
	tcase_add_test(tc, sets_that_come_full_circle);
	tcase_add_test(tc, sets_with_many_ways);
	tcase_add_test(tc, guard_lets_single_withdrawals_go);
	tcase_add_test(tc, guard_holds_many);
	tcase_add_test(tc, guard_puts_back);
	tcase_add_test(tc, guard_yields_to_new_routes);
	tcase_add_test(tc, guard_holds_nothing_dead);
	tcase_add_test(tc, guard_and_the_sweep);
	tcase_add_test(tc, guard_switched_off);
	return unit_run(s);
}
