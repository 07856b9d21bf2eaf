/*
 * The planner: every combination that matters.
 */
#include "agent/core/plan.h"

#include "tests/unit/unit.h"

static const struct {
	const char *what;
	struct plan_in in;
	enum plan_act act;
} rows[] = {
	{ "nothing wanted, nothing there", { 0 }, PLAN_NOTHING },
	{ "as wanted", { .want = 3, .have = 3 }, PLAN_NOTHING },
	{ "missing", { .want = 3 }, PLAN_ADD },
	{ "differs", { .want = 3, .have = 4 }, PLAN_REPLACE },
	{ "differs beside a foreign route", { .want = 3, .have = 4, .foreign = true }, PLAN_DEL },
	{ "missing beside a foreign route: the kernel decides", { .want = 3, .foreign = true },
	    PLAN_ADD },
	{ "not wanted", { .have = 4 }, PLAN_DEL },
	{ "not wanted, beside a foreign route", { .have = 4, .foreign = true }, PLAN_DEL },
	{ "busy", { .want = 3, .have = 4, .busy = true }, PLAN_NOTHING },
	{ "busy, not wanted", { .have = 4, .busy = true }, PLAN_NOTHING },
	{ "backing off: add", { .want = 3, .waiting = true }, PLAN_NOTHING },
	{ "backing off: replace", { .want = 3, .have = 4, .waiting = true }, PLAN_NOTHING },
	{ "backing off: removing does not wait", { .have = 4, .waiting = true }, PLAN_DEL },
};

START_TEST(plan_rows)
{
	ck_assert_msg(plan_route(&rows[_i].in) == rows[_i].act, "%s", rows[_i].what);
}
END_TEST

START_TEST(delays)
{
	ck_assert_uint_eq(plan_repair_delay_us(1), 0);
	ck_assert_uint_eq(plan_repair_delay_us(3), 0);
	ck_assert_uint_eq(plan_repair_delay_us(4), 500000);
	ck_assert_uint_eq(plan_repair_delay_us(5), 1000000);
	ck_assert_uint_eq(plan_repair_delay_us(100), 10000000);
	ck_assert_uint_eq(plan_retry_delay_us(1), 20000);
	ck_assert_uint_eq(plan_retry_delay_us(2), 100000);
	ck_assert_uint_eq(plan_retry_delay_us(3), 500000);
	ck_assert_uint_eq(plan_retry_delay_us(4), 1000000);
	ck_assert_uint_eq(plan_retry_delay_us(UINT32_MAX), 10000000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("plan");
	TCase *tc = unit_case(s, "plan");

	tcase_add_loop_test(tc, plan_rows, 0, NROWS(rows));
	tcase_add_test(tc, delays);
	return unit_run(s);
}
