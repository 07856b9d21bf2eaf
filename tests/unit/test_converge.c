/*
 * When a node counts as having its routes.
 */
#include "agent/core/converge.h"

#include "tests/unit/unit.h"

#define MS(n) ((uint64_t)(n) * 1000)
#define S(n)  ((uint64_t)(n) * 1000000)

static struct converge c;
static struct converge_facts f;
static struct mono_us now;

static void
setup(void)
{
	now = (struct mono_us){ S(100) };
	c = (struct converge){ .timeout_us = S(30) };
	f = (struct converge_facts){ .known = true, .own = true, .bgpd = true, .kernel = true,
		.peers = 3 };
}

static void
teardown(void)
{
	converge_free(&c);
}

static void
session(uint32_t id, enum ipc_session s)
{
	converge_session(&c, now, &(struct ipc_peer_session){ id, (uint8_t)s });
}

static void
waits(enum converge_wait want)
{
	ck_assert(!converge_next(&c, now, &f));
	ck_assert_int_eq(c.wait, want);
}

/* Not a microsecond before. */
static void
converges_after(uint64_t us, bool timed_out)
{
	struct mono_us then = mono_add_us(now, us);

	now.us = then.us - 1;
	ck_assert(!converge_next(&c, now, &f));
	ck_assert_uint_le(converge_deadline(&c, now).us, then.us);
	now = then;
	ck_assert(converge_next(&c, now, &f));
	ck_assert_int_eq(c.timed_out, timed_out);
	ck_assert(mono_is_never(converge_deadline(&c, now)));
	ck_assert(!converge_next(&c, now, &f)); /* said once */
}

static void
converges(void)
{
	ck_assert_msg(converge_next(&c, now, &f), "waits: %d", c.wait);
	ck_assert(!c.timed_out);
}

START_TEST(when_all_have_told)
{
	size_t n;

	waits(CONVERGE_PEERS);
	session(1, IPC_SESSION_UP);
	session(2, IPC_SESSION_UP);
	session(3, IPC_SESSION_SYNCED);
	waits(CONVERGE_EOR);
	ck_assert_uint_eq(converge_awaited(&c, now, &n), 1);
	ck_assert_uint_eq(n, 2);
	session(2, IPC_SESSION_SYNCED);
	waits(CONVERGE_EOR);
	now = mono_add_us(now, MS(200));
	session(1, IPC_SESSION_SYNCED);
	converges();
	ck_assert_uint_eq(converge_took_us(&c, mono_add_s(now, 9)), MS(200));
}
END_TEST

/* A dead peer is waited for as long as sessions take to come up. */
START_TEST(without_a_dead_peer)
{
	waits(CONVERGE_PEERS);
	session(1, IPC_SESSION_SYNCED);
	session(2, IPC_SESSION_SYNCED);
	converges_after(CONVERGE_COME_US, false);
}
END_TEST

/* One that goes while it is waited for is no longer. */
START_TEST(a_session_that_ends)
{
	waits(CONVERGE_PEERS);
	session(1, IPC_SESSION_SYNCED);
	session(2, IPC_SESSION_UP);
	now = mono_add_us(now, CONVERGE_COME_US);
	waits(CONVERGE_EOR);
	session(2, IPC_SESSION_DOWN);
	converges();
}
END_TEST

/* Those that are left are still known, whichever goes. */
START_TEST(sessions_that_end_in_any_order)
{
	static const uint32_t end[] = { 1, 40, 20, 39, 2, 21 };
	size_t n, left = 40;

	f.peers = 0;
	for (uint32_t id = 1; id <= 40; id++)
		session(id, IPC_SESSION_UP);
	for (int k = 0; k < NROWS(end); k++) {
		session(end[k], IPC_SESSION_DOWN);
		session(end[k], IPC_SESSION_DOWN); /* nothing */
		converge_awaited(&c, now, &n);
		ck_assert_uint_eq(n, --left);
	}
	for (uint32_t id = 1; id <= 40; id++) {
		bool gone = false;

		for (int k = 0; k < NROWS(end); k++)
			gone = gone || end[k] == id;
		if (gone)
			continue;
		waits(CONVERGE_EOR);
		session(id, IPC_SESSION_SYNCED);
		converge_awaited(&c, now, &n);
		ck_assert_uint_eq(n, --left);
	}
	converges();
}
END_TEST

START_TEST(forgotten_peers)
{
	waits(CONVERGE_PEERS);
	session(1, IPC_SESSION_UP);
	session(2, IPC_SESSION_UP);
	converge_forget(&c, 1);
	ck_assert_uint_eq(converge_awaited(&c, now, NULL), 2);
	converge_forget_all(&c);
	ck_assert_uint_eq(converge_awaited(&c, now, NULL), IPC_PEER_NONE);
	waits(CONVERGE_PEERS);
}
END_TEST

/* With no session at all there are no routes: only time helps. */
START_TEST(all_peers_dead)
{
	waits(CONVERGE_PEERS);
	now = mono_add_us(now, CONVERGE_COME_US);
	waits(CONVERGE_PEERS);
	converges_after(S(30) - CONVERGE_COME_US, true);
}
END_TEST

START_TEST(end_of_rib_that_never_comes)
{
	waits(CONVERGE_PEERS);
	for (uint32_t i = 1; i <= 3; i++)
		session(i, IPC_SESSION_UP);
	converges_after(S(30), true);
}
END_TEST

/* It does not say that it sends End-of-RIB: a moment is enough. */
START_TEST(a_peer_that_promises_nothing)
{
	f.peers = 1;
	waits(CONVERGE_PEERS);
	session(1, IPC_SESSION_PLAIN);
	waits(CONVERGE_EOR);
	converges_after(CONVERGE_PLAIN_US, false);
}
END_TEST

/* A cluster of one node. */
START_TEST(without_peers)
{
	f.peers = 0;
	waits(CONVERGE_PEERS);
	converges_after(CONVERGE_ALONE_US, false);
}
END_TEST

static const struct {
	size_t off;
	enum converge_wait wait;
} lacks[] = {
	{ offsetof(struct converge_facts, own), CONVERGE_OWN },
	{ offsetof(struct converge_facts, bgpd), CONVERGE_BGPD },
	{ offsetof(struct converge_facts, kernel), CONVERGE_KERNEL },
};

START_TEST(what_lacks)
{
	bool *fact = (bool *)((char *)&f + lacks[_i].off);

	for (uint32_t i = 1; i <= 3; i++)
		session(i, IPC_SESSION_SYNCED);
	*fact = false;
	waits(lacks[_i].wait);
	now = mono_add_s(now, 29);
	waits(lacks[_i].wait);
	*fact = true;
	converges();
}
END_TEST

START_TEST(what_lacks_for_too_long)
{
	bool *fact = (bool *)((char *)&f + lacks[_i].off);

	for (uint32_t i = 1; i <= 3; i++)
		session(i, IPC_SESSION_SYNCED);
	*fact = false;
	waits(lacks[_i].wait);
	converges_after(S(30), true);
}
END_TEST

/* Who we are has no time-out, and time counts from when it is known. */
START_TEST(unknown)
{
	f.known = false;
	waits(CONVERGE_UNKNOWN);
	now = mono_add_s(now, 3600);
	waits(CONVERGE_UNKNOWN);
	ck_assert(mono_is_never(converge_deadline(&c, now)));
	f.known = true;
	waits(CONVERGE_PEERS);
	now = mono_add_s(now, 20);
	f.known = false; /* it is learned that there is a cluster to ask */
	waits(CONVERGE_UNKNOWN);
	now = mono_add_s(now, 3600);
	f.known = true;
	waits(CONVERGE_PEERS);
	converges_after(S(30), true);
}
END_TEST

/* Nothing sets it back. */
START_TEST(converged_stays_converged)
{
	for (uint32_t i = 1; i <= 3; i++)
		session(i, IPC_SESSION_SYNCED);
	converges();
	for (uint32_t i = 1; i <= 3; i++)
		session(i, IPC_SESSION_DOWN);
	session(4, IPC_SESSION_UP);
	f = (struct converge_facts){ .peers = 9 };
	ck_assert(!converge_next(&c, mono_add_s(now, 100), &f));
	ck_assert(c.done && !c.timed_out);
	ck_assert_int_eq(c.wait, CONVERGE_NOTHING);
	ck_assert_uint_eq(c.npeers, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("converge");
	TCase *tc = unit_case(s, "all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, when_all_have_told);
	tcase_add_test(tc, without_a_dead_peer);
	tcase_add_test(tc, a_session_that_ends);
	tcase_add_test(tc, sessions_that_end_in_any_order);
	tcase_add_test(tc, forgotten_peers);
	tcase_add_test(tc, all_peers_dead);
	tcase_add_test(tc, end_of_rib_that_never_comes);
	tcase_add_test(tc, a_peer_that_promises_nothing);
	tcase_add_test(tc, without_peers);
	tcase_add_loop_test(tc, what_lacks, 0, NROWS(lacks));
	tcase_add_loop_test(tc, what_lacks_for_too_long, 0, NROWS(lacks));
	tcase_add_test(tc, unknown);
	tcase_add_test(tc, converged_stays_converged);
	return unit_run(s);
}
