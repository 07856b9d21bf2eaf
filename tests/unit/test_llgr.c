/*
 * Long-lived graceful restart, rule by rule: RFC 9494.  What a peer that stays
 * away has left behind, who prefers it, and who is told of it; and last known
 * good, which grants the same to peers without.
 */
#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "tests/unit/ribrig.h"
#include "tests/unit/unit.h"

#define SECOND	 1000000ull
#define RESTART	 (100 * SECOND) /* the rig's peers' restart time */
#define LONG_S	 3600u
#define LONG	 (LONG_S * SECOND)
#define PREFIX	 "10.9.0.0/16"
#define PREFIX6	 "fd00::/48"
#define OTHER	 "10.8.0.0/16"

static struct rig rig;

/* The peers have LLST LONG_S; so do we, and peer 4 alone has no such thing. */
static void
setup(void)
{
	static const struct ipc_hello plain = { .seed = 1 };
	unsigned k;

	rig_init(&rig, 5, &plain);
	for (k = 1; k <= 5; k++) {
		rig.peer[k].llgr_time_s[0] = rig.peer[k].llgr_time_s[1] = LONG_S;
		rig.llgr_s[k] = k == 4 ? 0 : LONG_S;
		rig.peer[k].export_all = true;
	}
	rig.conf.transit = true;
}

static void
start(void)
{
	rig_configure(&rig, NULL);
	speaker_originate_end(rig.sp, rig.now);
	rig_work(&rig);
}

static void
teardown(void)
{
	rig_free(&rig);
}

static void
up(unsigned k)
{
	rig_peer(&rig, k)->peer->neg.gr_forwarding = 3;
	rig_up(&rig, k, 65000 + k, true);
	rig_work(&rig);
}

static void
announce_with(unsigned k, const char *prefix, const uint8_t *communities, uint16_t octets)
{
	struct attrs_build b = { .part[ATTRS_COMMUNITIES] = { communities, octets } };

	rig_announce(&rig, k, prefix, (uint32_t[]){ 65000 + k, 0 }, (uint8_t)k, &b);
	rig_work(&rig);
}

static void
announce(unsigned k, const char *prefix)
{
	announce_with(k, prefix, NULL, 0);
}

static void
eor(unsigned k)
{
	rig_eor(&rig, k, IP4);
	rig_eor(&rig, k, IP6);
	rig_work(&rig);
}

static void
down(unsigned k, enum peer_down how)
{
	rig_down(&rig, k, how);
	rig_work(&rig);
}

static void
pass(uint64_t us)
{
	rig_pass(&rig, us);
	rig_work(&rig);
}

static uint32_t
id_of(unsigned k)
{
	return rig_peer(&rig, k)->id;
}

/* Peer k's path to the prefix; false: there is none. */
static bool
path(unsigned k, const char *prefix, struct ipc_row_path *ret)
{
	memset(ret, 0, sizeof(*ret));
	return rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, id_of(k), prefix, ret) == 1;
}

static bool
is_there(unsigned k, const char *prefix)
{
	struct ipc_row_path row;

	return path(k, prefix, &row);
}

static bool
is_marked(unsigned k, const char *prefix)
{
	struct ipc_row_path row;

	ck_assert(path(k, prefix, &row));
	ck_assert_int_eq(!!(row.flags & IPC_PATH_LLGR), !!strstr(row.communities, "llgr-stale"));
	return row.flags & IPC_PATH_LLGR;
}

static bool
is_best(unsigned k, const char *prefix)
{
	struct ipc_row_path row;

	return path(k, prefix, &row) && row.flags & IPC_PATH_BEST;
}

/* Peer 1 with a path of each family is gone for longer than its restart was to take. */
static void
long_gone(void)
{
	start();
	up(1);
	announce(1, PREFIX);
	announce(1, PREFIX6);
	eor(1);
	down(1, PEER_DOWN_KEEP);
	pass(RESTART);
}

/* ---- section 4.2: how long ---------------------------------------------------------- */

START_TEST(restart_time_then_long_lived)
{
	struct ipc_row_path row;

	start();
	up(1);
	announce(1, PREFIX);
	eor(1);
	down(1, PEER_DOWN_KEEP);
	ck_assert(!is_marked(1, PREFIX));
	path(1, PREFIX, &row);
	ck_assert_uint_eq(row.stale_left_s, 100 + LONG_S);
	ck_assert_uint_eq(row.stale_of_s, 0);
	pass(RESTART - 1);
	ck_assert(!is_marked(1, PREFIX));
	pass(1);
	ck_assert(is_marked(1, PREFIX));
	path(1, PREFIX, &row);
	ck_assert(row.flags & IPC_PATH_STALE && row.flags & IPC_PATH_BEST);
	ck_assert_uint_eq(row.stale_left_s, LONG_S);
	ck_assert_uint_eq(row.stale_of_s, LONG_S);
	pass(LONG - 1);
	ck_assert(is_best(1, PREFIX));
	pass(1);
	ck_assert(!is_there(1, PREFIX));
}
END_TEST

/* Ours bounds the peer's, and none of either side's means none. */
START_TEST(the_shorter_time_counts)
{
	rig.peer[1].llgr_time_s[0] = 50;
	rig.llgr_s[1] = _i ? 3600 : 20;
	long_gone();
	pass((_i ? 50 : 20) * SECOND - 1);
	ck_assert(is_there(1, PREFIX));
	pass(1);
	ck_assert(!is_there(1, PREFIX));
	ck_assert_int_eq(is_there(1, PREFIX6), _i); /* every family has its own time */
}
END_TEST

START_TEST(not_unless_both_sides_have_it)
{
	if (_i)
		rig.llgr_s[1] = 0;
	else
		rig.peer[1].llgr_time_s[0] = rig.peer[1].llgr_time_s[1] = 0;
	long_gone();
	ck_assert(!is_there(1, PREFIX));
	ck_assert(!is_there(1, PREFIX6));
}
END_TEST

/* A family that the peer's GR capability does not list has a restart time of 0. */
START_TEST(family_without_restart)
{
	start();
	up(1);
	announce(1, PREFIX);
	announce(1, PREFIX6);
	rig_peer(&rig, 1)->peer->neg.gr_families = AF_BIT(IP4);
	down(1, PEER_DOWN_KEEP);
	ck_assert(!is_marked(1, PREFIX));
	ck_assert(is_marked(1, PREFIX6));
	pass(RESTART);
	ck_assert(is_marked(1, PREFIX));
}
END_TEST

START_TEST(no_llgr_goes)
{
	static const uint8_t no_llgr[] = { 0xff, 0xff, 0, 7 };

	start();
	up(1);
	announce(1, PREFIX);
	announce_with(1, OTHER, no_llgr, sizeof(no_llgr));
	down(1, PEER_DOWN_KEEP);
	pass(RESTART - 1);
	ck_assert(is_there(1, OTHER));
	pass(1);
	ck_assert(!is_there(1, OTHER));
	ck_assert(is_marked(1, PREFIX));
}
END_TEST

/* The time is not changed by sessions that do not tell everything, nor are paths lost to them. */
START_TEST(sessions_in_between)
{
	int k;

	long_gone();
	for (k = 0; k < 6; k++) {
		up(1);
		ck_assert(is_marked(1, PREFIX));
		if (k & 1) {
			announce(1, OTHER);
			ck_assert(!is_marked(1, OTHER));
		}
		pass(10 * SECOND);
		down(1, PEER_DOWN_KEEP);
		ck_assert(is_marked(1, PREFIX));
		if (k > 0)
			ck_assert(is_marked(1, OTHER));
		pass(10 * SECOND);
	}
	pass(LONG - 120 * SECOND - 1);
	ck_assert(is_there(1, PREFIX));
	pass(1);
	ck_assert(!is_there(1, PREFIX));
	ck_assert(!is_there(1, OTHER));
}
END_TEST

/*
 * With path ids nothing is replaced one by one, so a peer that flaps could pile up paths
 * without end beside its limit: there is one, and the last session's are what stays.
 */
START_TEST(path_ids_in_between)
{
	static struct ipc_row_path row[1000];
	unsigned n = 0;

	rig.addpath_rx[1] = 3;
	rig.peer[1].maxpfx[0] = (struct ipc_maxpfx){ .limit = 2, .action = IPC_MAXPFX_DISCARD };
	long_gone();
	for (rig.path_id = 1; rig.path_id <= 100; rig.path_id++) {
		up(1);
		announce(1, PREFIX);
		down(1, PEER_DOWN_KEEP);
		n = rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, id_of(1), PREFIX, row);
		ck_assert_uint_ge(n, 1);
		ck_assert_uint_le(n, 10);
		pass(_i ? RESTART : SECOND);
	}
}
END_TEST

/*
 * Over while the session comes back: what was not sent again goes then, and the rest with the
 * session, if that is lost before End-of-RIB.
 */
START_TEST(time_over_during_synchronisation)
{
	long_gone();
	pass(LONG - SECOND);
	up(1);
	announce(1, OTHER);
	pass(SECOND - 1);
	ck_assert(is_marked(1, PREFIX));
	pass(1);
	ck_assert(!is_there(1, PREFIX));
	pass(10 * SECOND);
	ck_assert(is_there(1, OTHER));
	ck_assert(!is_marked(1, OTHER));
	if (_i)
		eor(1);
	down(1, PEER_DOWN_KEEP);
	ck_assert_int_eq(is_there(1, OTHER), _i);
}
END_TEST

START_TEST(announced_again)
{
	struct ipc_row_path row;

	long_gone();
	up(1);
	announce(1, PREFIX);
	ck_assert(!is_marked(1, PREFIX));
	ck_assert(is_marked(1, PREFIX6));
	eor(1);
	ck_assert(!is_there(1, PREFIX6));
	path(1, PREFIX, &row);
	ck_assert(!(row.flags & IPC_PATH_STALE));
	ck_assert_uint_eq(row.stale_left_s, 0);
	pass(2 * LONG);
	ck_assert(is_best(1, PREFIX));
}
END_TEST

/* F bit clear, the family or the capability missing in the new session: at once. */
START_TEST(back_without_state)
{
	long_gone();
	if (_i)
		rig.llgr_s[1] = 0;
	else
		rig.llgr_lost = 1 << 1;
	up(1);
	ck_assert(!is_there(1, PREFIX));
	ck_assert(!is_there(1, PREFIX6));
}
END_TEST

START_TEST(stopped_here)
{
	struct ipc_peer_cmd cmd = { .cmd = IPC_CMD_DOWN };

	long_gone();
	cmd.peer = id_of(1);
	if (_i == 0)
		ck_assert(speaker_peer_cmd(rig.sp, rig.now, &cmd));
	rig.peer[1].llgr_time_s[0] = 0; /* switched off, for one family */
	if (_i == 1)
		rig_configure(&rig, NULL);
	rig_work(&rig);
	ck_assert(!is_there(1, PREFIX));
	ck_assert_int_eq(is_there(1, PREFIX6), _i == 1);
}
END_TEST

/* Another import policy does not take the mark away. */
START_TEST(import_again)
{
	long_gone();
	rig.peer[1].import_all = false;
	rig.permit[rig.npermit++] = rig_prefix("10.0.0.0/8");
	rig_configure(&rig, NULL);
	rig_work(&rig);
	ck_assert(is_marked(1, PREFIX));
}
END_TEST

/* ---- section 4.3: least preferred ------------------------------------------------------ */

START_TEST(any_other_route_wins_at_once)
{
	struct attrs_build b = { .flags = ATTRS_MED, .med = 4000000000u, .origin = 2 };

	long_gone();
	ck_assert(is_best(1, PREFIX));
	up(2);
	rig_announce(&rig, 2, PREFIX, (uint32_t[]){ 65002, 1, 2, 3, 4, 5, 6, 0 }, 2, &b);
	rig_work(&rig);
	ck_assert(is_best(2, PREFIX));
	rig_withdraw(&rig, 2, PREFIX);
	rig_work(&rig);
	ck_assert(is_best(1, PREFIX));
}
END_TEST

/* A route that somebody else has kept is least preferred here, too; of two the usual rules decide. */
START_TEST(marked_by_others)
{
	static const uint8_t stale[] = { 0xff, 0xff, 0, 6 };

	start();
	up(1);
	up(2);
	announce_with(1, PREFIX, stale, sizeof(stale));
	ck_assert(is_marked(1, PREFIX));
	rig_announce(&rig, 2, PREFIX, (uint32_t[]){ 65002, 7, 8, 0 }, 2, NULL);
	rig_work(&rig);
	ck_assert(is_best(2, PREFIX));
	announce_with(2, PREFIX, stale, sizeof(stale));
	rig_withdraw(&rig, 2, PREFIX);
	up(3);
	announce_with(3, PREFIX, stale, sizeof(stale));
	rig_announce(&rig, 1, PREFIX, (uint32_t[]){ 65001, 9, 0 }, 1,
	    &(struct attrs_build){ .part[ATTRS_COMMUNITIES] = { stale, 4 } });
	rig_work(&rig);
	ck_assert(is_best(3, PREFIX));
}
END_TEST

/* ---- sections 4.3 and 4.6: who is told -------------------------------------------------- */

static const char *
told(unsigned k, const char *prefix)
{
	const struct rig_said *s;

	rig_pull(&rig, k, 65535);
	s = rig_said_of(&rig, prefix);
	return !s ? "nothing" : s->what == SAID_WITHDRAW ? "withdrawn" : s->text;
}

START_TEST(told_on)
{
	start();
	up(1);
	up(3);
	up(4);
	rig.peer[5].asn = RIG_AS;
	rig_up(&rig, 5, RIG_AS, true);
	rig_work(&rig);
	rig_peer(&rig, 5)->peer->neg.llgr = false;
	announce(1, PREFIX);
	told(3, PREFIX);
	told(4, PREFIX);
	told(5, PREFIX);
	down(1, PEER_DOWN_KEEP);
	ck_assert_str_eq(told(3, PREFIX), "nothing");
	pass(RESTART);
	ck_assert_ptr_nonnull(strstr(told(3, PREFIX), "llgr-stale"));
	ck_assert_str_eq(told(4, PREFIX), "withdrawn");
	pass(LONG);
	ck_assert_str_eq(told(3, PREFIX), "withdrawn");
	ck_assert_str_eq(told(4, PREFIX), "nothing");
}
END_TEST

/* A peer that has the capability is told of stale routes, also where we do not offer it (section 4.3). */
START_TEST(told_to_who_has_it_alone)
{
	rig.peer[3].llgr_time_s[0] = rig.peer[3].llgr_time_s[1] = 0;
	start();
	up(1);
	up(3);
	up(4);
	announce_with(1, PREFIX, (const uint8_t[]){ 0xff, 0xff, 0, 6 }, 4);
	ck_assert_ptr_nonnull(strstr(told(3, PREFIX), "llgr-stale"));
	ck_assert_str_eq(told(4, PREFIX), "nothing");
}
END_TEST

/* Inside, to a speaker that does not know the mark: LOCAL_PREF 0 and NO_EXPORT. */
START_TEST(told_inside)
{
	const char *text;

	rig.llgr_s[5] = _i ? LONG_S : 0;
	rig.peer[5].asn = RIG_AS;
	start();
	up(1);
	rig_up(&rig, 5, RIG_AS, true);
	announce(1, PREFIX);
	ck_assert_ptr_nonnull(strstr(told(5, PREFIX), "|100|"));
	down(1, PEER_DOWN_KEEP);
	pass(RESTART);
	text = told(5, PREFIX);
	ck_assert_msg(strstr(text, "llgr-stale"), "%s", text);
	ck_assert_msg(!!strstr(text, "no-export") == !_i, "%s", text);
	ck_assert_msg(!!strstr(text, _i ? "|100|" : "|0|"), "%s", text);
}
END_TEST

/* ---- last known good ---------------------------------------------------------------------- */

/* A peer without any graceful restart is lost, silent or with a word: kept as a last resort at once. */
START_TEST(alone)
{
	rig.no_gr = 1 << 1;
	rig.llgr_s[1] = 0;
	rig.peer[1].llgr_alone = true;
	start();
	up(1);
	announce(1, PREFIX);
	eor(1);
	down(1, PEER_DOWN_LOST);
	ck_assert(is_marked(1, PREFIX));
	ck_assert(is_best(1, PREFIX));
	pass(LONG - SECOND);
	ck_assert(is_best(1, PREFIX));
	up(1); /* it says nothing about its state: what comes next counts */
	ck_assert(is_best(1, PREFIX));
	announce(1, OTHER);
	ck_assert(is_best(1, PREFIX));
	eor(1);
	ck_assert(!is_there(1, PREFIX));
	ck_assert(is_best(1, OTHER));
	down(1, PEER_DOWN_LOST);
	pass(LONG);
	ck_assert(!is_there(1, OTHER));
}
END_TEST

/* It does not outlast what we do, nor the end of the option. */
START_TEST(alone_until_we_end_it)
{
	rig.no_gr = 1 << 1;
	rig.llgr_s[1] = 0;
	rig.peer[1].llgr_alone = true;
	start();
	up(1);
	announce(1, PREFIX);
	down(1, _i == 0 ? PEER_DOWN_FLUSH : PEER_DOWN_LOST);
	if (_i == 1) {
		rig.peer[1].llgr_alone = false;
		rig_configure(&rig, NULL);
	}
	rig_work(&rig);
	ck_assert_int_eq(is_there(1, PREFIX), _i == 2);
}
END_TEST

/* More than the peer grants: its restart time first, then ours; F bits clear change nothing. */
START_TEST(alone_with_restart)
{
	rig.llgr_s[1] = 5;
	rig.llgr_lost = 1 << 1;
	rig.peer[1].llgr_alone = true;
	long_gone();
	ck_assert(is_marked(1, PREFIX));
	pass(LONG - SECOND);
	rig_peer(&rig, 1)->peer->neg.gr_forwarding = 0;
	rig_up(&rig, 1, 65001, true);
	rig_work(&rig);
	ck_assert(is_best(1, PREFIX));
	eor(1);
	ck_assert(!is_there(1, PREFIX));
}
END_TEST

static bool
deferring(void)
{
	struct ipc_row_stats st;

	speaker_stats(rig.sp, rig.now, &st);
	return st.deferring;
}

/* We restart, and nobody is there: what the kernel has stays for that time, or until one is. */
START_TEST(alone_over_our_restart)
{
	static const struct ipc_hello restarting = { .seed = 1, .restarting = true,
		.adopted = { 5, 0 } };
	unsigned k;

	rig_free(&rig);
	rig_init(&rig, 2, &restarting);
	for (k = 1; k <= 2; k++) {
		rig.peer[k].llgr_time_s[0] = LONG_S;
		rig.peer[k].llgr_alone = _i > 0;
	}
	start();
	pass(LONG - 1);
	ck_assert_int_eq(deferring(), _i > 0);
	if (_i == 1) {
		pass(1);
	} else if (_i == 2) {
		rig_peer(&rig, 2)->peer->established_count++;
		up(2);
		ck_assert(deferring());
		eor(2);
		ck_assert(deferring()); /* the other one has its three seconds */
		pass(3 * SECOND);
	}
	ck_assert(!deferring());
}
END_TEST

/* The other peer leaves the configuration meanwhile: the time is that of the one that stays. */
START_TEST(alone_while_a_peer_is_removed)
{
	static const struct ipc_hello restarting = { .seed = 1, .restarting = true,
		.adopted = { 5, 0 } };

	rig_free(&rig);
	rig_init(&rig, 2, &restarting);
	rig.peer[1].llgr_time_s[0] = LONG_S;
	rig.peer[2].llgr_time_s[0] = 2 * LONG_S;
	rig.peer[1].llgr_alone = rig.peer[2].llgr_alone = true;
	start();
	pass(LONG / 2);
	rig.npeers = 1;
	start();
	pass(LONG / 2 - 1);
	ck_assert(deferring());
	pass(LONG + 1);
	ck_assert(!deferring());
}
END_TEST

/* ---- RFC 8538 section 4.1 ------------------------------------------------------------------- */

/* With the N bit consecutive restarts do not delete what was stale before, up to a bound. */
START_TEST(n_bit_keeps_older_ones)
{
	unsigned n = 0;

	rig.llgr_s[1] = 0;
	rig.n_bit = _i ? 1 << 1 : 0;
	start();
	up(1);
	announce(1, PREFIX);
	eor(1);
	down(1, PEER_DOWN_KEEP);
	up(1);
	down(1, PEER_DOWN_KEEP);
	ck_assert_int_eq(is_there(1, PREFIX), _i);
	for (; is_there(1, PREFIX) && n < 100; n++) {
		pass(30 * SECOND);
		up(1);
		announce(1, OTHER);
		down(1, PEER_DOWN_KEEP);
		ck_assert(is_there(1, OTHER));
	}
	ck_assert_uint_le(n * 30, _i ? GR_STALE_MAX_S + 130 : 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("llgr");
	TCase *tc = tcase_create("llgr");

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, restart_time_then_long_lived);
	tcase_add_loop_test(tc, the_shorter_time_counts, 0, 2);
	tcase_add_loop_test(tc, not_unless_both_sides_have_it, 0, 2);
	tcase_add_test(tc, family_without_restart);
	tcase_add_test(tc, no_llgr_goes);
	tcase_add_test(tc, sessions_in_between);
	tcase_add_loop_test(tc, path_ids_in_between, 0, 2);
	tcase_add_loop_test(tc, time_over_during_synchronisation, 0, 2);
	tcase_add_test(tc, announced_again);
	tcase_add_loop_test(tc, back_without_state, 0, 2);
	tcase_add_loop_test(tc, stopped_here, 0, 2);
	tcase_add_test(tc, import_again);
	tcase_add_test(tc, any_other_route_wins_at_once);
	tcase_add_test(tc, marked_by_others);
	tcase_add_test(tc, told_on);
	tcase_add_test(tc, told_to_who_has_it_alone);
	tcase_add_loop_test(tc, told_inside, 0, 2);
	tcase_add_test(tc, alone);
	tcase_add_loop_test(tc, alone_until_we_end_it, 0, 3);
	tcase_add_test(tc, alone_with_restart);
	tcase_add_loop_test(tc, alone_over_our_restart, 0, 3);
	tcase_add_test(tc, alone_while_a_peer_is_removed);
	tcase_add_loop_test(tc, n_bit_keeps_older_ones, 0, 2);
	return unit_run(s);
}
