/*
 * Routes that the agent is to install: intents and settings, what is refused or fails and
 * why, and what comes of routes that others change, take away or have in the same place.
 */
#include <errno.h>

#include "tests/unit/fibrig.h"
#include "tests/unit/unit.h"

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

int
main(void)
{
	Suite *s = suite_create("fib");
	TCase *tc = unit_case(s, "installing");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_before_the_first_dump);
	tcase_add_test(tc, broken_intents);
	tcase_add_test(tc, place_moves);
	tcase_add_test(tc, number_changes_in_place);
	tcase_add_test(tc, flush_and_configure_again);
	tcase_add_test(tc, rows_come_in_order);

	tc = unit_case(s, "refused");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, refused_with_the_reason);
	tcase_add_test(tc, own_prefix_shadows);
	tcase_add_test(tc, peer_is_protected_as_it_is_served);
	tcase_add_test(tc, kernel_refuses_and_is_asked_again);
	tcase_add_test(tc, failed_route_with_another_set_is_tried_at_once);
	tcase_add_test(tc, foreign_route_keeps_its_place);
	tcase_add_test(tc, unknown_route_in_the_place_means_look);
	tcase_add_test(tc, limit);

	tc = unit_case(s, "losses");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, three_times_at_once_then_later);
	tcase_add_test(tc, changed_by_somebody);
	tcase_add_test(tc, replaced_by_somebody_elses);
	tcase_add_test(tc, overflow_dumps_everything_in_turn);
	tcase_add_test(tc, address_goes_and_prefsrc_with_it);
	return unit_run(s);
}
