/*
 * The node's own blocks and aggregates: a route of their own first, then they are
 * announced.
 */
#include <errno.h>

#include "tests/unit/fibrig.h"
#include "tests/unit/unit.h"

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

/* An aggregate: its own route first, and what others announce inside is learned all the same. */
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

int
main(void)
{
	Suite *s = suite_create("fib_own");
	TCase *tc = unit_case(s, "own blocks");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, block_first_then_ready);
	tcase_add_test(tc, block_that_cannot_be_put_back);
	tcase_add_test(tc, cover_lets_others_in);
	return unit_run(s);
}
