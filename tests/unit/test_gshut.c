/*
 * Draining peers: what they are told, what becomes of what they tell, and when
 * the agent hears of it.  RFC 8326 section 4.2.
 */
#include <stdio.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/drain.h"
#include "tests/unit/ribrig.h"
#include "tests/unit/unit.h"

#define OWN "10.244.1.0/24"

static struct rig rig;
static struct ipc_drained told[8];
static unsigned ntold;

/* 1: eBGP; 2: iBGP; 3: eBGP. */
static void
setup(void)
{
	struct ipc_originate o = { .ncomm = 1, .comm = { 65000u << 16 | 7 } };

	rig_init(&rig, 3, NULL);
	rig.peer[2].export_all = true;
	rig_configure(&rig, NULL);
	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 2, RIG_AS, true);
	rig_up(&rig, 3, 65003, true);
	rig_originate(&rig, OWN, &o);
	speaker_originate_end(rig.sp, rig.now);
	rig_work(&rig);
	ntold = 0;
}

static void
teardown(void)
{
	rig_free(&rig);
}

/* What the agent is told, without the rest. */
static void
listen(void)
{
	struct todo t;

	speaker_work(rig.sp, rig.now, 100000);
	while (speaker_next_todo(rig.sp, &t))
		if (t.kind == TODO_DRAINED)
			told[ntold++] = t.drained;
}

static void
drain(unsigned k, enum ipc_drain step, bool alone)
{
	struct ipc_conf_peer c = rig.peer[k];

	c.drain = (uint8_t)step;
	c.drain_alone = alone;
	snprintf(c.drain_text, sizeof(c.drain_text), "new kernel");
	rig.peer[k] = c;
	speaker_peer_add(rig.sp, rig.now, &c);
	listen();
}

/* All that peer k is told now, then what the agent hears of it. */
static const struct rig_said *
pull(unsigned k)
{
	const struct rig_said *s;

	rig_pull(&rig, k, 65535);
	s = rig_said_of(&rig, OWN);
	listen();
	return s;
}

static void
pull_all(void)
{
	for (unsigned k = 1; k <= 3; k++)
		ck_assert_int_eq(pull(k)->what, SAID_ANNOUNCE);
}

/* ---- out ----------------------------------------------------------------------------- */

START_TEST(announcements_are_marked)
{
	const struct rig_said *s;

	pull_all();
	drain(1, IPC_DRAIN_SIGNAL, true);
	drain(2, IPC_DRAIN_SIGNAL, true);
	ck_assert_uint_eq(ntold, 0);
	s = pull(1);
	ck_assert_int_eq(s->what, SAID_ANNOUNCE);
	ck_assert_ptr_nonnull(strstr(s->text, "|-1|65000:7 graceful-shutdown"));
	ck_assert_uint_eq(rig.nsaid, 1); /* replaced, not withdrawn; and no second End-of-RIB */
	ck_assert_uint_eq(ntold, 1);
	ck_assert(told[0].peer == 1 && told[0].drain == IPC_DRAIN_SIGNAL && told[0].up &&
	    told[0].announced);
	s = pull(2);
	ck_assert_ptr_nonnull(strstr(s->text, "|0|65000:7 graceful-shutdown"));
	ck_assert_uint_eq(told[1].peer, 2);
	ck_assert_ptr_null(pull(3)); /* who is not drained hears nothing */
}
END_TEST

START_TEST(withdrawn_then_closed)
{
	pull_all();
	drain(1, IPC_DRAIN_SIGNAL, false);
	pull(1);
	drain(1, IPC_DRAIN_WITHDRAW, false);
	ck_assert_uint_eq(ntold, 1); /* not before it is said */
	ck_assert_int_eq(pull(1)->what, SAID_WITHDRAW);
	ck_assert_uint_eq(ntold, 2);
	ck_assert(told[1].drain == IPC_DRAIN_WITHDRAW && told[1].announced);
	ck_assert(!rig_peer(&rig, 1)->peer->drained);
	drain(1, IPC_DRAIN_DOWN, false);
	ck_assert(rig_peer(&rig, 1)->peer->drained);
	ck_assert_uint_eq(told[2].drain, IPC_DRAIN_DOWN);
	drain(1, IPC_DRAIN_NONE, false);
	ck_assert(!rig_peer(&rig, 1)->peer->drained);
	ck_assert_uint_eq(ntold, 3);
}
END_TEST

/* Changed its mind: everything as before. */
START_TEST(undrained_in_between)
{
	const struct rig_said *s;

	pull_all();
	drain(2, IPC_DRAIN_SIGNAL, true);
	pull(2);
	drain(2, IPC_DRAIN_NONE, true);
	s = pull(2);
	ck_assert_ptr_nonnull(strstr(s->text, "|100|65000:7"));
	ck_assert_ptr_null(strstr(s->text, "graceful"));
	drain(2, IPC_DRAIN_WITHDRAW, true);
	ck_assert_int_eq(pull(2)->what, SAID_WITHDRAW);
	drain(2, IPC_DRAIN_NONE, true);
	ck_assert_int_eq(pull(2)->what, SAID_ANNOUNCE);
}
END_TEST

/* A session that comes up during the drain begins with its step. */
START_TEST(late_sessions)
{
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	drain(1, IPC_DRAIN_SIGNAL, false);
	ck_assert_uint_eq(ntold, 1);
	ck_assert(!told[0].up && !told[0].announced);
	rig_up(&rig, 1, 65001, true);
	rig_work(&rig);
	ck_assert_ptr_nonnull(strstr(pull(1)->text, "graceful-shutdown"));
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	drain(1, IPC_DRAIN_WITHDRAW, false);
	rig_up(&rig, 1, 65001, true);
	rig_work(&rig);
	ck_assert_ptr_null(pull(1));
}
END_TEST

/* The session ends before all was said: nobody waits for it. */
START_TEST(session_lost_meanwhile)
{
	pull_all();
	drain(1, IPC_DRAIN_SIGNAL, false);
	ck_assert_uint_eq(ntold, 0);
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	listen();
	ck_assert_uint_eq(ntold, 1);
	ck_assert(!told[0].up);
}
END_TEST

/* The same step again, as after a reload, is answered again. */
START_TEST(asked_again)
{
	pull_all();
	drain(1, IPC_DRAIN_SIGNAL, false);
	pull(1);
	drain(1, IPC_DRAIN_SIGNAL, false);
	ck_assert_uint_eq(ntold, 2);
	ck_assert_ptr_null(pull(1));
}
END_TEST

/* Nothing is announced to it: that is known, so that nobody waits for traffic to move. */
START_TEST(nothing_to_move)
{
	struct ip_prefix p = rig_prefix(OWN);

	pull_all();
	speaker_unoriginate(rig.sp, rig.now, &p);
	rig_work(&rig);
	ck_assert_int_eq(pull(1)->what, SAID_WITHDRAW);
	drain(1, IPC_DRAIN_SIGNAL, false);
	pull(1);
	ck_assert_uint_eq(ntold, 1);
	ck_assert(told[0].up && !told[0].announced);
}
END_TEST

START_TEST(removed_meanwhile)
{
	pull_all();
	drain(1, IPC_DRAIN_SIGNAL, false);
	ck_assert_uint_eq(rig.sp->ndrains, 1);
	groups_leave(rig_peer(&rig, 1), 0); /* the rig's sessions do not end by themselves */
	groups_leave(rig_peer(&rig, 1), 1);
	rpeer_remove(rig_peer(&rig, 1), rig.now);
	ck_assert_uint_eq(rig.sp->ndrains, 0);
	listen();
	ck_assert_uint_eq(ntold, 0);
}
END_TEST

/* ---- in ------------------------------------------------------------------------------ */

/* Of a peer that is drained alone the routes are left, whatever made them preferred. */
START_TEST(routes_are_left)
{
	struct attrs_build b = { .flags = ATTRS_LOCAL_PREF, .local_pref = 300 };
	struct ipc_row_path row;

	rig_announce(&rig, 2, "10.9.0.0/16", (uint32_t[]){ 9, 0 }, 2, &b);
	rig_announce(&rig, 1, "10.9.0.0/16", (uint32_t[]){ 65001, 7, 9, 0 }, 1, NULL);
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.peer, 2);
	drain(2, IPC_DRAIN_SIGNAL, true);
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.peer, 1);
	rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 2, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.local_pref, 0);
	drain(2, IPC_DRAIN_NONE, true);
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.peer, 2);
}
END_TEST

/* With the whole node there is nothing to choose between. */
START_TEST(routes_stay_with_the_node)
{
	struct attrs_build b = { .flags = ATTRS_LOCAL_PREF, .local_pref = 300 };
	struct ipc_row_path row;

	rig_announce(&rig, 2, "10.9.0.0/16", (uint32_t[]){ 9, 0 }, 2, &b);
	drain(2, IPC_DRAIN_SIGNAL, false);
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 2, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.local_pref, 300);
}
END_TEST

/* What others were told of such routes is said again, marked. */
START_TEST(routes_are_passed_on_marked)
{
	const struct rig_said *s;

	rig_announce(&rig, 1, "10.9.0.0/16", (uint32_t[]){ 65001, 7, 0 }, 1, NULL);
	rig_work(&rig);
	rig_pull(&rig, 2, 65535);
	ck_assert_ptr_nonnull(strstr(rig_said_of(&rig, "10.9.0.0/16")->text, "|100|"));
	drain(1, IPC_DRAIN_SIGNAL, true);
	rig_work(&rig);
	rig_pull(&rig, 2, 65535);
	s = rig_said_of(&rig, "10.9.0.0/16");
	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_nonnull(strstr(s->text, "|0|graceful-shutdown"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("gshut");
	TCase *tc = unit_case(s, "out");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, announcements_are_marked);
	tcase_add_test(tc, withdrawn_then_closed);
	tcase_add_test(tc, undrained_in_between);
	tcase_add_test(tc, late_sessions);
	tcase_add_test(tc, session_lost_meanwhile);
	tcase_add_test(tc, asked_again);
	tcase_add_test(tc, nothing_to_move);
	tcase_add_test(tc, removed_meanwhile);
	tc = unit_case(s, "in");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, routes_are_left);
	tcase_add_test(tc, routes_stay_with_the_node);
	tcase_add_test(tc, routes_are_passed_on_marked);
	return unit_run(s);
}
