/*
 * The mass-withdraw guard: when a hold begins, what it counts, and when it is over.
 */
#include "agent/core/massguard.h"
#include "tests/unit/unit.h"

static struct massguard g;
static struct mono_us now;

static void
setup(void)
{
	const struct massguard_conf c = { 50, 5000000, 30000000 };

	memset(&g, 0, sizeof(g));
	now = (struct mono_us){ 1000000 };
	ck_assert_int_eq(massguard_configure(&g, &c), MASSGUARD_SAME);
}

/* Of `of` routes the first n go; the number of the withdrawal that began a hold, 0: none. */
static unsigned
withdraw(unsigned n, unsigned of)
{
	unsigned began = 0;

	for (unsigned i = 1; i <= n; i++)
		if (massguard_withdrawn(&g, now, of - i) == MASSGUARD_BEGIN)
			began = i;
	return began;
}

static const struct {
	unsigned n, of, began;
} table[] = {
	{ 1, 1, 0 },	    /* single ones never count, nor do a few */
	{ 9, 9, 0 },
	{ 10, 10, 10 },
	{ 50, 100, 0 },	    /* more than half of them */
	{ 51, 100, 51 },
	{ 90, 100, 51 },
	{ 1000, 100000, 0 },
	{ 100000, 100000, 50001 },
};

START_TEST(begins_beyond_the_share)
{
	ck_assert_uint_eq(withdraw(table[_i].n, table[_i].of), table[_i].began);
	ck_assert_int_eq(g.holding, table[_i].began != 0);
	if (g.holding) {
		ck_assert_uint_eq(g.most, table[_i].n);
		ck_assert_uint_eq(g.of, table[_i].of);
		ck_assert_uint_eq(massguard_left_us(&g, now), 30000000);
	}
}
END_TEST

START_TEST(slow_withdrawals_are_forgotten)
{
	for (unsigned i = 1; i <= 90; i++) {
		ck_assert_int_eq(massguard_withdrawn(&g, now, 100 - i), MASSGUARD_SAME);
		if (i > 5)
			massguard_forgotten(&g); /* more than 5 s ago */
	}
	ck_assert_uint_eq(g.holds, 0);
}
END_TEST

START_TEST(ends_by_time)
{
	withdraw(90, 100);
	now = mono_add_us(now, 29999999);
	ck_assert_int_eq(massguard_timeout(&g, now), MASSGUARD_SAME);
	ck_assert_uint_eq(massguard_left_us(&g, now), 1);
	now = mono_add_us(now, 1);
	ck_assert_int_eq(massguard_timeout(&g, now), MASSGUARD_END);
	ck_assert_int_eq(massguard_timeout(&g, now), MASSGUARD_SAME);
	ck_assert_uint_eq(massguard_left_us(&g, now), 0);
	ck_assert_uint_eq(g.n, 0); /* what goes now begins no other hold */
	ck_assert_uint_eq(withdraw(5, 10), 0);
}
END_TEST

START_TEST(ends_when_all_are_back)
{
	withdraw(60, 100);
	for (unsigned i = 0; i < 59; i++)
		ck_assert_int_eq(massguard_returned(&g), MASSGUARD_SAME);
	ck_assert_int_eq(massguard_returned(&g), MASSGUARD_END);
	ck_assert_uint_eq(g.returned, 60);
	ck_assert_uint_eq(g.most, 60);
	ck_assert_int_eq(massguard_returned(&g), MASSGUARD_SAME);
}
END_TEST

START_TEST(switched_off)
{
	const struct massguard_conf off = { 0, 0, 0 };

	withdraw(60, 100);
	ck_assert_int_eq(massguard_configure(&g, &off), MASSGUARD_END);
	ck_assert(!g.holding);
	ck_assert_int_eq(massguard_configure(&g, &off), MASSGUARD_SAME);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("massguard");
	TCase *tc = unit_case(s, "massguard");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, begins_beyond_the_share, 0, NROWS(table));
	tcase_add_test(tc, slow_withdrawals_are_forgotten);
	tcase_add_test(tc, ends_by_time);
	tcase_add_test(tc, ends_when_all_are_back);
	tcase_add_test(tc, switched_off);
	return unit_run(s);
}
