/*
 * The guard against mass withdrawals: what is held for how long, and what ends that.
 */
#include <stdio.h>

#include "tests/unit/fibrig.h"
#include "tests/unit/unit.h"

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
	Suite *s = suite_create("fib_guard");
	TCase *tc = unit_case(s, "guard");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, guard_lets_single_withdrawals_go);
	tcase_add_test(tc, guard_holds_many);
	tcase_add_test(tc, guard_puts_back);
	tcase_add_test(tc, guard_yields_to_new_routes);
	tcase_add_test(tc, guard_holds_nothing_dead);
	tcase_add_test(tc, guard_and_the_sweep);
	tcase_add_test(tc, guard_switched_off);
	return unit_run(s);
}
