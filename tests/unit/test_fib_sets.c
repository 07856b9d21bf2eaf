/*
 * Sets of next hops: their objects in the kernel, how few messages it takes when a next
 * hop dies, sets that discard, and sets that lead through each other.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "tests/unit/fibrig.h"
#include "tests/unit/unit.h"

/* ---- nexthop objects ------------------------------------------------------------------------- */

static void
with_objects(void)
{
	conf.nhobj = FIB_NHOBJ_AUTO;
	fib_configure(f, now, &conf);
	fib_sync_end(f, now); /* objects without users are kept before */
}

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

/* ---- addresses that go down ------------------------------------------------------------------ */

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

/* ---- members, and sets that change ----------------------------------------------------------- */

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

int
main(void)
{
	Suite *s = suite_create("fib_sets");
	TCase *tc = unit_case(s, "objects");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nexthop_objects_before_routes);
	tcase_add_test(tc, best_to_backup_is_one_message);
	tcase_add_test(tc, kernel_without_nexthop_objects);

	tc = unit_case(s, "addresses down");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, address_down_is_one_message);
	tcase_add_test(tc, leg_that_stays_is_taken_out_of_its_group);
	tcase_add_test(tc, leg_in_use_is_not_cut);
	tcase_add_test(tc, address_down_to_backup_is_one_message);
	tcase_add_test(tc, many_lost_routes_keep_no_group_waiting);
	tcase_add_test(tc, message_is_out_in_10_ms);
	tcase_add_test(tc, address_down_without_objects);
	tcase_add_test(tc, address_down_is_remembered);

	tc = unit_case(s, "sets");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, members_share_by_weight);
	tcase_add_loop_test(tc, set_that_discards, 0, 2);
	tcase_add_test(tc, sets_that_come_full_circle);
	tcase_add_test(tc, sets_with_many_ways);
	return unit_run(s);
}
