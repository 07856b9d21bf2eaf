/*
 * Poison messages: when a peer is kept away, and for how long.
 */
#include "agent/core/poison.h"

#include "tests/unit/unit.h"

static struct poison poison;
static struct ip_addr none;

static struct mono_us
at_s(uint64_t s)
{
	return (struct mono_us){ (s + 1000) * 1000000 };
}

static struct ip_addr
peer(uint32_t n)
{
	return ip_addr_from_v4(0x0a000000 + n);
}

static enum poison_verdict
crash(uint64_t s, uint32_t n, uint64_t hash, struct ip_addr *ret_same)
{
	struct ip_addr addr = peer(n), same;

	return poison_crash(&poison, at_s(s), &addr, hash, ret_same ? ret_same : &same);
}

static bool
away(uint64_t s, uint32_t n)
{
	struct ip_addr addr = peer(n);

	return poison_find(&poison, at_s(s), &addr) != NULL;
}

static void
clear(void)
{
	poison = (struct poison){ 0 };
}

START_TEST(second_within_the_window)
{
	ck_assert_int_eq(crash(0, 1, 7, NULL), POISON_NOTED);
	ck_assert(!away(0, 1));
	ck_assert_int_eq(crash(POISON_WINDOW_S - 1, 1, 8, NULL), POISON_QUARANTINED);
	ck_assert(away(POISON_WINDOW_S, 1));
	ck_assert(!away(POISON_WINDOW_S, 2));
}
END_TEST

START_TEST(second_after_the_window)
{
	crash(0, 1, 7, NULL);
	ck_assert_int_eq(crash(POISON_WINDOW_S, 1, 7, NULL), POISON_NOTED);
	ck_assert_int_eq(crash(POISON_WINDOW_S + 1, 1, 7, NULL), POISON_QUARANTINED);
}
END_TEST

START_TEST(two_peers_once_each)
{
	struct ip_addr same = none, first = peer(1);

	ck_assert_int_eq(crash(0, 1, 7, &same), POISON_NOTED);
	ck_assert_int_eq(same.af, 0);
	ck_assert_int_eq(crash(1, 2, 7, &same), POISON_NOTED);
	ck_assert(ip_addr_eq(&same, &first)); /* the same message */
	ck_assert_int_eq(crash(2, 3, 9, &same), POISON_NOTED);
	ck_assert_int_eq(same.af, 0);
}
END_TEST

START_TEST(time_heals)
{
	struct ip_addr addr = peer(1), over = none;

	crash(0, 1, 7, NULL);
	ck_assert(mono_is_never(poison_deadline(&poison)));
	crash(1, 1, 7, NULL);
	ck_assert_uint_eq(poison_deadline(&poison).us, at_s(1 + POISON_HOLD_S).us);
	ck_assert(!poison_expire(&poison, at_s(POISON_HOLD_S), &over));
	ck_assert(away(POISON_HOLD_S, 1));
	ck_assert(poison_expire(&poison, at_s(1 + POISON_HOLD_S), &over));
	ck_assert(ip_addr_eq(&over, &addr));
	ck_assert(!poison_expire(&poison, at_s(1 + POISON_HOLD_S), &over));
	ck_assert_int_eq(crash(2 + POISON_HOLD_S, 1, 7, NULL), POISON_NOTED); /* forgotten */
}
END_TEST

START_TEST(an_operator_lifts_it)
{
	struct ip_addr addr = peer(1);

	crash(0, 1, 7, NULL);
	ck_assert(!poison_lift(&poison, at_s(0), &addr));
	crash(1, 1, 7, NULL);
	ck_assert(poison_lift(&poison, at_s(2), &addr));
	ck_assert(!away(2, 1));
	ck_assert_int_eq(crash(3, 1, 7, NULL), POISON_NOTED);
}
END_TEST

/* A bgpd that names ever other peers costs no memory. */
START_TEST(bounded)
{
	for (uint32_t n = 0; n < 3 * POISON_MAX; n++)
		ck_assert_int_eq(crash(n, n, n, NULL), POISON_NOTED);
	ck_assert_int_eq(crash(3 * POISON_MAX, 3 * POISON_MAX - 1, 1, NULL), POISON_QUARANTINED);
	ck_assert_int_eq(crash(3 * POISON_MAX, 0, 1, NULL), POISON_NOTED); /* the oldest went */
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("poison");
	TCase *tc = unit_case(s, "poison");

	tcase_add_checked_fixture(tc, clear, NULL);
	tcase_add_test(tc, second_within_the_window);
	tcase_add_test(tc, second_after_the_window);
	tcase_add_test(tc, two_peers_once_each);
	tcase_add_test(tc, time_heals);
	tcase_add_test(tc, an_operator_lifts_it);
	tcase_add_test(tc, bounded);
	return unit_run(s);
}
