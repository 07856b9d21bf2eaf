/*
 * The steps of a drain: which comes when, and who is waited for.
 */
#include "agent/core/drain.h"

#include "tests/unit/unit.h"

#define MS(n) ((uint64_t)(n) * 1000)
#define S(n)  ((uint64_t)(n) * 1000000)

static struct drain d;
static struct mono_us now;

static void
setup(void)
{
	now = (struct mono_us){ S(100) };
	d = (struct drain){ 0 };
}

static void
teardown(void)
{
	drain_free(&d);
}

static void
begin(bool gshut, uint64_t settle_us)
{
	drain_begin(&d, now, gshut, settle_us, "new kernel");
	drain_expect(&d, (uint32_t[]){ 1, 2 }, 2);
}

static void
told(uint32_t peer, bool up, bool announced)
{
	drain_told(&d, &(struct ipc_drained){ .peer = peer,
		.drain = (uint8_t)drain_phase(&d),
		.up = up,
		.announced = announced });
}

/* The next step begins now, and not before. */
static void
next(enum drain_step want)
{
	ck_assert(drain_next(&d, now));
	ck_assert_msg(d.step == want, "%s, not %s", drain_step_name(d.step), drain_step_name(want));
	drain_expect(&d, (uint32_t[]){ 1, 2 }, 2);
}

static void
pass(uint64_t us)
{
	now = mono_add_us(now, us - 1);
	ck_assert(!drain_next(&d, now));
	now = mono_add_us(now, 1);
}

START_TEST(all_steps)
{
	ck_assert_int_eq(drain_phase(&d), IPC_DRAIN_NONE);
	ck_assert(!drain_next(&d, now));
	begin(true, S(10));
	ck_assert_int_eq(drain_phase(&d), IPC_DRAIN_SIGNAL);
	ck_assert_str_eq(d.reason, "new kernel");
	told(1, true, true);
	ck_assert(!drain_next(&d, now)); /* the other one is waited for */
	told(2, false, false);
	next(DRAIN_SETTLE);
	ck_assert_uint_eq(drain_deadline(&d).us, now.us + S(10));
	pass(S(10));
	next(DRAIN_WITHDRAW);
	ck_assert_int_eq(drain_phase(&d), IPC_DRAIN_WITHDRAW);
	told(2, true, true);
	told(1, true, true);
	next(DRAIN_LINGER);
	pass(S(1)); /* a tenth, one second at most */
	next(DRAIN_CLOSE);
	ck_assert_int_eq(drain_phase(&d), IPC_DRAIN_DOWN);
	told(1, false, false);
	told(2, false, false);
	next(DRAIN_DONE);
	ck_assert(!drain_is_under_way(&d) && !d.slow);
	ck_assert(mono_is_never(drain_deadline(&d)));
	ck_assert(!drain_next(&d, mono_add_s(now, 1000)));
	drain_end(&d);
	ck_assert_int_eq(d.step, DRAIN_OFF);
}
END_TEST

/* Without GRACEFUL_SHUTDOWN traffic moves by the withdrawal, and has its time after it. */
START_TEST(without_signal)
{
	begin(false, S(10));
	ck_assert_int_eq(d.step, DRAIN_WITHDRAW);
	told(1, true, true);
	told(2, true, true);
	next(DRAIN_LINGER);
	pass(S(10));
	next(DRAIN_CLOSE);
}
END_TEST

/* No peer that is up was told of a prefix: there is nothing to wait for. */
static const struct {
	bool gshut, up1, announced1;
	bool waits;
} nothing[] = {
	{ true, false, false, false },
	{ true, true, false, false },
	{ true, false, true, false },
	{ true, true, true, true },
	{ false, true, false, false },
	{ false, true, true, true },
};

START_TEST(nothing_to_move)
{
	begin(nothing[_i].gshut, S(10));
	told(1, nothing[_i].up1, nothing[_i].announced1);
	told(2, true, false);
	next(nothing[_i].gshut ? DRAIN_SETTLE : DRAIN_LINGER);
	ck_assert(drain_next(&d, now) != nothing[_i].waits);
}
END_TEST

/* Who does not read is left behind. */
START_TEST(limits)
{
	begin(true, MS(500));
	told(1, true, true);
	pass(S(10));
	next(DRAIN_SETTLE);
	ck_assert(d.slow);
	pass(MS(500));
	next(DRAIN_WITHDRAW);
	pass(S(10));
	next(DRAIN_LINGER);
	pass(MS(50));
	next(DRAIN_CLOSE);
	pass(S(5));
	next(DRAIN_DONE);
}
END_TEST

/* A peer that is no more is nobody to wait for; an answer to an earlier step is none. */
START_TEST(waiting_for_the_right_ones)
{
	begin(true, 0);
	drain_forget(&d, 2);
	told(1, true, true);
	next(DRAIN_SETTLE);
	next(DRAIN_WITHDRAW);
	drain_told(&d, &(struct ipc_drained){ .peer = 1, .drain = IPC_DRAIN_SIGNAL, .up = true });
	ck_assert_uint_eq(d.nwait, 2);
	told(7, true, true);
	ck_assert_uint_eq(d.nwait, 2);
	told(1, true, true);
	told(2, true, true);
	next(DRAIN_LINGER);
}
END_TEST

/* A second SIGTERM. */
START_TEST(hurry)
{
	begin(true, S(600));
	told(1, true, true);
	told(2, true, true);
	next(DRAIN_SETTLE);
	pass(S(1));
	drain_hurry(&d, now);
	next(DRAIN_WITHDRAW);
	told(1, true, true);
	told(2, true, true);
	next(DRAIN_LINGER);
	next(DRAIN_CLOSE);
	begin(true, S(600));
	drain_hurry(&d, now);
	told(1, true, true);
	told(2, true, true);
	next(DRAIN_SETTLE);
	next(DRAIN_WITHDRAW);
}
END_TEST

/* After a restart nobody is up at first: the time is taken all the same. */
START_TEST(resumed)
{
	begin(true, S(2));
	told(1, true, true);
	told(2, true, true);
	next(DRAIN_SETTLE);
	now = mono_add_s(now, 1);
	drain_resume(&d, now, false);
	drain_expect(&d, (uint32_t[]){ 1, 2 }, 2);
	ck_assert_int_eq(d.step, DRAIN_SIGNAL);
	told(1, false, false);
	told(2, false, false);
	next(DRAIN_SETTLE);
	pass(S(5)); /* at least so long, as sessions have to come up */
	next(DRAIN_WITHDRAW);
	drain_resume(&d, now, true);
	ck_assert_int_eq(d.step, DRAIN_DONE);
	ck_assert_uint_eq(d.since.us, S(100));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("drain");
	TCase *tc = unit_case(s, "steps");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_steps);
	tcase_add_test(tc, without_signal);
	tcase_add_loop_test(tc, nothing_to_move, 0, NROWS(nothing));
	tcase_add_test(tc, limits);
	tcase_add_test(tc, waiting_for_the_right_ones);
	tcase_add_test(tc, hurry);
	tcase_add_test(tc, resumed);
	return unit_run(s);
}
