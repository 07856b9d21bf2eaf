/*
 * Several paths per prefix, RFC 7911: what is kept of a peer that sends them,
 * and what a peer is sent that wants them.
 */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/loc.h"
#include "tests/unit/ribrig.h"
#include "tests/unit/unit.h"

#define P1 "10.1.0.0/16"
#define P6 "2001:db8:1::/48"

static struct rig rig;
static const uint32_t no_path[] = { 0 };

/* 1 and 2: plain clients; 3: sends several paths; 4, 5, 6 (down at first): sent them. */
static void
setup(void)
{
	unsigned k;

	rig_init(&rig, 6, NULL);
	for (k = 1; k <= 6; k++) {
		rig.peer[k].asn = RIG_AS;
		rig.peer[k].rr_client = rig.peer[k].export_all = true;
	}
	rig.addpath_rx[3] = 3;
	rig.addpath_tx[4] = rig.addpath_tx[5] = rig.addpath_tx[6] = 3;
	rig.peer[4].addpath_send = rig.peer[6].addpath_send = IPC_ADDPATH_ALL;
	rig.peer[5].addpath_send = IPC_ADDPATH_EQUAL;
	rig.peer[4].addpath_max = rig.peer[5].addpath_max = rig.peer[6].addpath_max = 16;
	rig_configure(&rig, NULL);
	speaker_originate_end(rig.sp, rig.now);
	for (k = 1; k <= 5; k++)
		rig_up(&rig, k, RIG_AS, true);
	rig_work(&rig);
	for (k = 1; k <= 5; k++)
		rig_pull(&rig, k, 4096);
}

static void
teardown(void)
{
	rig_free(&rig);
}

static void
announce(unsigned k, const char *prefix, uint32_t path_id, uint8_t nh, uint32_t local_pref)
{
	struct attrs_build b = { .flags = ATTRS_LOCAL_PREF, .local_pref = local_pref };

	rig.path_id = path_id;
	rig_announce(&rig, k, prefix, no_path, nh, &b);
}

static void
withdraw(unsigned k, const char *prefix, uint32_t path_id)
{
	rig.path_id = path_id;
	rig_withdraw(&rig, k, prefix);
	rig_work(&rig);
}

static size_t
paths_of(unsigned k)
{
	return rig_rows(&rig, IPC_VIEW_RECEIVED, IPC_MATCH_ANY, k, NULL, NULL);
}

static struct ipc_row_peer
peer_row(unsigned k)
{
	struct speaker_cursor c = { .q = { .id = 1, .kind = IPC_Q_PEERS, .peer = k } };
	struct ipc_row_peer row;

	ck_assert(speaker_next_peer(rig.sp, rig.now, &c, &row));
	return row;
}

static struct ipc_row_stats
stats(void)
{
	struct ipc_row_stats st;

	speaker_stats(rig.sp, rig.now, &st);
	return st;
}

/* What the peer is told now. */
static unsigned
pull(unsigned k)
{
	rig_work(&rig);
	return rig_pull(&rig, k, 4096);
}

/* ---- received ------------------------------------------------------------------------ */

START_TEST(paths_are_told_apart)
{
	struct ipc_row_path row;

	announce(3, P1, 7, 1, 100);
	announce(3, P1, 0, 2, 100); /* 0 is an id like all others */
	announce(3, P1, UINT32_MAX, 3, 90);
	rig_work(&rig);
	ck_assert_uint_eq(paths_of(3), 3);
	ck_assert_uint_eq(stats().destinations[0], 1);
	ck_assert_uint_eq(peer_row(3).fam[0].received, 3);
	ck_assert_uint_eq(peer_row(3).fam[0].best, 1);
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 3, P1, &row);
	ck_assert_uint_eq(row.path_id, 0);
	ck_assert_str_eq(row.decision, "lower path id");

	announce(3, P1, 7, 9, 110); /* replaces its own kind only */
	rig_work(&rig);
	ck_assert_uint_eq(paths_of(3), 3);
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 3, P1, &row);
	ck_assert_uint_eq(row.path_id, 7);
	ck_assert_uint_eq(row.next_hop.b[3], 9);

	withdraw(3, P1, 8); /* not seen before: ignored, section 5 */
	ck_assert_uint_eq(paths_of(3), 3);
	withdraw(3, P1, 0);
	ck_assert_uint_eq(paths_of(3), 2);
	withdraw(3, P1, 7);
	withdraw(3, P1, UINT32_MAX);
	ck_assert_uint_eq(stats().paths[0], 0);
}
END_TEST

/* The other family of the session, and other peers, are as ever. */
START_TEST(only_where_it_was_agreed)
{
	rig_down(&rig, 3, PEER_DOWN_FLUSH);
	rig.addpath_rx[3] = AF_BIT(IP6);
	rig_up(&rig, 3, RIG_AS, true);
	announce(3, P1, 7, 1, 100);
	announce(3, P1, 8, 2, 100);
	announce(3, P6, 7, 1, 100);
	announce(3, P6, 8, 2, 100);
	rig_work(&rig);
	ck_assert_uint_eq(peer_row(3).fam[0].received, 1);
	ck_assert_uint_eq(peer_row(3).fam[1].received, 2);
}
END_TEST

START_TEST(paths_of_one_peer_share_the_traffic)
{
	struct fib_op op;
	unsigned k;

	rig.conf.install = true;
	rig_configure(&rig, NULL);
	announce(3, P1, 1, 30, 100);
	announce(3, P1, 2, 20, 100);
	announce(3, P1, 3, 20, 100); /* the same next hop */
	announce(3, P1, 4, 40, 90);
	rig_work(&rig);
	do
		ck_assert(speaker_next_fib(rig.sp, &op));
	while (op.kind != FIB_NHSET);
	ck_assert_uint_eq(op.nhset->n, 2);
	for (k = 0; k < 2; k++)
		ck_assert_uint_eq(op.nhset->member[k].addr.b[3], 20 + 10 * k);
}
END_TEST

START_TEST(the_prefix_limit_counts_paths)
{
	unsigned k;

	rig.peer[3].maxpfx[0] = (struct ipc_maxpfx){ .limit = 3, .action = IPC_MAXPFX_DISCARD };
	rig_configure(&rig, NULL);
	for (k = 1; k <= 5; k++)
		announce(3, P1, k, (uint8_t)k, 100);
	ck_assert_uint_eq(paths_of(3), 3);
	announce(3, P1, 2, 9, 100);
	ck_assert_uint_eq(paths_of(3), 3);
}
END_TEST

/* As many as before under other ids are not too many while the old ones are stale. */
START_TEST(a_restart_is_not_over_the_limit)
{
	unsigned k;

	rig.peer[3].maxpfx[0] = (struct ipc_maxpfx){ .limit = 3, .action = IPC_MAXPFX_DISCARD };
	rig_configure(&rig, NULL);
	rig_peer(&rig, 3)->peer->neg.gr_forwarding = 3;
	for (k = 1; k <= 3; k++)
		announce(3, P1, k, (uint8_t)k, 100);
	rig_down(&rig, 3, PEER_DOWN_KEEP);
	rig_up(&rig, 3, RIG_AS, true);
	for (k = 11; k <= 14; k++)
		announce(3, P1, k, (uint8_t)k, 100);
	ck_assert_uint_eq(peer_row(3).fam[0].received, 6);
	ck_assert_uint_eq(peer_row(3).fam[0].stale, 3);
	rig_eor(&rig, 3, IP4);
	rig_work(&rig);
	ck_assert_uint_eq(peer_row(3).fam[0].received, 3);
}
END_TEST

/* Stale ones that come again after as many new ones are further paths. */
START_TEST(a_restart_is_no_way_round_the_limit)
{
	unsigned k;

	rig.peer[3].maxpfx[0] = (struct ipc_maxpfx){ .limit = 3, .action = IPC_MAXPFX_DISCARD };
	rig_configure(&rig, NULL);
	rig_peer(&rig, 3)->peer->neg.gr_forwarding = 3;
	for (k = 1; k <= 3; k++)
		announce(3, P1, k, (uint8_t)k, 100);
	rig_down(&rig, 3, PEER_DOWN_KEEP);
	rig_up(&rig, 3, RIG_AS, true);
	for (k = 11; k <= 12; k++)
		announce(3, P1, k, (uint8_t)k, 100);
	for (k = 1; k <= 3; k++)
		announce(3, P1, k, (uint8_t)k, 100);
	rig_eor(&rig, 3, IP4);
	rig_work(&rig);
	ck_assert_uint_eq(peer_row(3).fam[0].received, 3);
}
END_TEST

static void
begin_refresh(unsigned k)
{
	speaker_peer_ops.refresh(rig_peer(&rig, k)->peer, rig.now, IP4, REFRESH_BORR);
}

/* Nor is a refresh, begun again and again with other path ids; _i: the limit of a prefix. */
START_TEST(a_refresh_is_no_way_round_the_limits)
{
	unsigned round, k, most = _i ? ADJIN_PATHS_MAX : 3;

	rig.peer[3].maxpfx[0] = (struct ipc_maxpfx){ .limit = _i ? 0 : most,
		.action = IPC_MAXPFX_DISCARD };
	rig_configure(&rig, NULL);
	rig_eor(&rig, 3, IP4);
	for (round = 0; round < 5; round++) {
		for (k = 0; k < most; k++)
			announce(3, P1, round * most + k, (uint8_t)k, 100);
		rig_work(&rig);
		ck_assert_uint_eq(peer_row(3).fam[0].received, most);
		begin_refresh(3);
	}
	announce(3, P1, 1, 77, 100); /* one that is known comes again */
	speaker_peer_ops.refresh(rig_peer(&rig, 3)->peer, rig.now, IP4, REFRESH_EORR);
	rig_work(&rig);
	ck_assert_uint_eq(peer_row(3).fam[0].received, 1);
}
END_TEST

/* However many ids a peer invents, a destination stays small. */
START_TEST(so_many_paths_and_no_more)
{
	unsigned k;

	for (k = 0; k < ADJIN_PATHS_MAX + 10; k++)
		announce(3, P1, k, (uint8_t)k, 100);
	rig_work(&rig);
	ck_assert_uint_eq(paths_of(3), ADJIN_PATHS_MAX);
	announce(3, P1, 0, 77, 100); /* known */
	withdraw(3, P1, 1);
	announce(3, P1, 1000, 1, 100); /* room again */
	announce(3, P1, 1001, 1, 100);
	announce(3, "10.2.0.0/16", 1001, 1, 100);
	rig_work(&rig);
	ck_assert_uint_eq(paths_of(3), ADJIN_PATHS_MAX + 1);
}
END_TEST

/* Begin-of-RR again and again, with other ids each time: what is stale counts as well. */
START_TEST(endless_refreshes_do_not_pile_up)
{
	unsigned round, k;

	rig_eor(&rig, 3, IP4);
	for (round = 0; round < 6; round++) {
		speaker_peer_ops.refresh(rig_peer(&rig, 3)->peer, rig.now, IP4, REFRESH_BORR);
		for (k = 0; k < ADJIN_PATHS_MAX; k++)
			announce(3, P1, 1000 * round + k, (uint8_t)k, 100);
		rig_work(&rig);
		ck_assert_uint_le(paths_of(3), 2 * ADJIN_PATHS_MAX);
	}
	speaker_peer_ops.refresh(rig_peer(&rig, 3)->peer, rig.now, IP4, REFRESH_EORR);
	rig_work(&rig);
	announce(3, P1, 1, 1, 100);
	rig_work(&rig);
	ck_assert_uint_le(paths_of(3), ADJIN_PATHS_MAX);
}
END_TEST

START_TEST(endless_refreshes_are_over_the_limit)
{
	unsigned round, k;

	rig.peer[3].maxpfx[0] = (struct ipc_maxpfx){ .limit = 3, .action = IPC_MAXPFX_DISCARD };
	rig_configure(&rig, NULL);
	rig_eor(&rig, 3, IP4);
	for (round = 0; round < 6; round++) {
		speaker_peer_ops.refresh(rig_peer(&rig, 3)->peer, rig.now, IP4, REFRESH_BORR);
		for (k = 0; k < 3; k++)
			announce(3, P1, 10 * round + k, (uint8_t)k, 100);
		rig_work(&rig);
		ck_assert_uint_le(paths_of(3), 6);
	}
}
END_TEST

/* Path ids need not survive a restart of the peer (section 5): the old ones are swept. */
START_TEST(a_restart_brings_other_ids)
{
	rig_peer(&rig, 3)->peer->neg.gr_forwarding = 3;
	rig_down(&rig, 3, PEER_DOWN_KEEP);
	rig_up(&rig, 3, RIG_AS, true);
	announce(3, P1, 1, 1, 100);
	announce(3, P1, 2, 2, 100);
	rig_eor(&rig, 3, IP4);
	rig_down(&rig, 3, PEER_DOWN_KEEP);
	rig_work(&rig);
	ck_assert_uint_eq(peer_row(3).fam[0].stale, 2);
	rig_up(&rig, 3, RIG_AS, true);
	announce(3, P1, 2, 2, 100); /* the one that comes again is fresh */
	announce(3, P1, 3, 1, 100);
	rig_work(&rig);
	ck_assert_uint_eq(peer_row(3).fam[0].received, 3);
	ck_assert_uint_eq(peer_row(3).fam[0].stale, 1);
	rig_eor(&rig, 3, IP4);
	rig_work(&rig);
	ck_assert_uint_eq(peer_row(3).fam[0].received, 2);
	ck_assert_uint_eq(peer_row(3).fam[0].stale, 0);
	withdraw(3, P1, 2);
	withdraw(3, P1, 3);
	ck_assert_uint_eq(paths_of(3), 0);
}
END_TEST

/* ---- sent --------------------------------------------------------------------------------- */

/* What was said of a next hop last; 0: withdrawn or nothing. */
static uint32_t
id_of(uint8_t nh)
{
	char text[32];
	unsigned k;

	snprintf(text, sizeof(text), "|198.51.100.%u|", nh);
	for (k = 0; k < rig.nsaid; k++)
		if (rig.said[k].what == SAID_ANNOUNCE && strstr(rig.said[k].text, text))
			return rig.said[k].path_id;
	return 0;
}

START_TEST(all_or_equal_or_one)
{
	announce(1, P1, 0, 1, 100);
	announce(2, P1, 0, 2, 100);
	announce(3, P1, 5, 3, 90);
	ck_assert_uint_eq(pull(4), 3);
	ck_assert(id_of(1) && id_of(2) && id_of(3) && id_of(1) != id_of(2));
	ck_assert_uint_eq(pull(5), 2);
	ck_assert(id_of(1) && id_of(2));
	ck_assert_uint_eq(pull(3), 1); /* the best, without an id */
	ck_assert_uint_eq(rig.said[0].path_id, 0);
	ck_assert_uint_eq(peer_row(4).fam[0].advertised, 3);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_EXACT, 4, P1, NULL), 3);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_EXACT, 5, P1, NULL), 2);
	/* 1 is told of 2's and 2 of 1's */
	ck_assert_uint_eq(
	    rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_EXACT, IPC_PEER_NONE, P1, NULL), 7);
}
END_TEST

START_TEST(ids_last_as_long_as_their_paths)
{
	uint32_t one, two;

	announce(1, P1, 0, 1, 100);
	announce(2, P1, 0, 2, 100);
	pull(4);
	one = id_of(1);
	two = id_of(2);
	announce(1, P1, 0, 9, 200); /* other attributes, best now */
	ck_assert_uint_eq(pull(4), 1);
	ck_assert_uint_eq(id_of(9), one);
	withdraw(1, P1, 0);
	ck_assert_uint_eq(pull(4), 1);
	ck_assert_int_eq(rig.said[0].what, SAID_WITHDRAW);
	ck_assert_uint_eq(rig.said[0].path_id, one);
	announce(1, P1, 0, 1, 100);
	ck_assert_uint_eq(pull(4), 1);
	ck_assert_uint_ne(id_of(1), two);
}
END_TEST

/* A member that has not heard of a path's end keeps its number from being used. */
START_TEST(numbers_are_used_again_late)
{
	uint32_t one;

	announce(1, P1, 0, 1, 100);
	pull(4);
	pull(5);
	one = id_of(1);
	withdraw(1, P1, 0);
	pull(4);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	ck_assert_uint_eq(stats().paths[0], 0);
	ck_assert_uint_eq(stats().destinations[0], 1);
	announce(2, "10.2.0.0/16", 0, 2, 100);
	pull(4);
	ck_assert_uint_ne(id_of(2), one);
	ck_assert_uint_eq(pull(5), 2);
	ck_assert_uint_eq(id_of(2), rig_said_of(&rig, "10.2.0.0/16")->path_id);
	ck_assert_uint_eq(rig_said_of(&rig, P1)->path_id, one);
	pull(1);
	pull(2);
	pull(3);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	ck_assert_uint_eq(stats().destinations[0], 1);
	announce(1, P1, 0, 1, 100);
	pull(4);
	ck_assert_uint_eq(id_of(1), one);
}
END_TEST

/* Path 1 of peer 3 goes and comes under other ids; 4 reads, and time passes. */
static void
churn(unsigned rounds)
{
	uint32_t k;

	for (k = 1; k <= rounds; k++) {
		announce(3, P1, k, (uint8_t)k, 100);
		if (k > 1)
			withdraw(3, P1, k - 1);
		pull(4);
		rig_pass(&rig, REAP_EVERY_US);
	}
}

/*
 * Who does not read holds up no numbers that it was never told: neither a plain
 * peer of the other family (2), nor one that has to walk (6).
 */
START_TEST(a_deaf_peer_costs_nothing)
{
	rig.sp->groups.log_chunks = 4;
	rig_up(&rig, 6, RIG_AS, true);
	rig_work(&rig);
	pull(6);
	announce(3, P6, 1, 1, 100);
	pull(1); /* and not 2 */
	churn(200);
	ck_assert_ptr_null(rig_peer(&rig, 6)->af[0].member->at);
	ck_assert_uint_eq(stats().paths[0], 1);
	ck_assert_uint_lt(rig.sp->rib[0].paths.live, 12);
	pull(6);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	ck_assert_uint_eq(rig.sp->rib[0].nburied, 0);
}
END_TEST

/* Section 5: not to the peer that it came from, and all others are. */
START_TEST(nobody_hears_its_own)
{
	rig_down(&rig, 4, PEER_DOWN_FLUSH);
	rig.addpath_rx[4] = 3;
	rig_up(&rig, 4, RIG_AS, true);
	pull(4);
	announce(4, P1, 1, 1, 200);
	announce(4, P1, 2, 2, 100);
	announce(1, P1, 0, 3, 100);
	ck_assert_uint_eq(pull(4), 1);
	ck_assert(id_of(3));
	ck_assert_uint_eq(pull(5), 1);
	ck_assert(id_of(1));
}
END_TEST

START_TEST(at_most_so_many_the_best_first)
{
	struct ipc_conf_applied applied;

	rig.peer[4].addpath_max = 2;
	rig_configure(&rig, NULL);
	announce(1, P1, 0, 1, 90);
	announce(2, P1, 0, 2, 80);
	announce(3, P1, 1, 3, 100);
	announce(3, P1, 2, 4, 95);
	ck_assert_uint_eq(pull(4), 2);
	ck_assert(id_of(3) && id_of(4));
	withdraw(3, P1, 2);
	ck_assert_uint_eq(pull(4), 2); /* the next one comes for the one that went */
	ck_assert(id_of(1));
	rig.peer[4].addpath_max = 16;
	rig_configure(&rig, &applied);
	ck_assert_uint_eq(applied.reset, 0);
	ck_assert_uint_ge(pull(4), 1);
	ck_assert(id_of(2));
	ck_assert_uint_eq(peer_row(4).fam[0].advertised, 3);
}
END_TEST

/* What several peers say of one next hop is sent once to those who want equals. */
START_TEST(a_next_hop_is_told_once)
{
	announce(1, P1, 0, 1, 100);
	announce(2, P1, 0, 1, 100);
	announce(3, P1, 1, 3, 100);
	announce(3, P1, 2, 3, 100);
	ck_assert_uint_eq(pull(4), 4);
	ck_assert_uint_eq(pull(5), 2);
	ck_assert(id_of(1) && id_of(3));
	withdraw(1, P1, 0); /* another one steps in */
	ck_assert_uint_eq(pull(5), 2);
	ck_assert(id_of(1));
}
END_TEST

/* Enhanced refresh (RFC 7313 section 4): paths left out go, by their ids. */
START_TEST(refreshed_path_by_path)
{
	rig_eor(&rig, 3, IP4);
	rig_peer(&rig, 3)->peer->neg.enhanced_refresh = true;
	announce(3, P1, 1, 1, 100);
	announce(3, P1, 2, 2, 100);
	rig_work(&rig);
	speaker_peer_ops.refresh(rig_peer(&rig, 3)->peer, rig.now, IP4, REFRESH_BORR);
	announce(3, P1, 2, 2, 100);
	announce(3, P1, 9, 9, 100);
	speaker_peer_ops.refresh(rig_peer(&rig, 3)->peer, rig.now, IP4, REFRESH_EORR);
	rig_work(&rig);
	ck_assert_uint_eq(paths_of(3), 2);
	withdraw(3, P1, 2);
	withdraw(3, P1, 9);
	ck_assert_uint_eq(paths_of(3), 0);
}
END_TEST

/* Many paths are looked at in slices; what brings nothing to say does not end it. */
START_TEST(many_paths_take_many_pulls)
{
	static uint8_t buf[4096];
	struct peer *p = rig_peer(&rig, 4)->peer;
	struct ipc_row_stats before;
	char prefix[32];
	unsigned k, d, pulls;

	rig_down(&rig, 5, PEER_DOWN_FLUSH);
	for (d = 0; d < 24; d++) {
		snprintf(prefix, sizeof(prefix), "10.%u.0.0/16", d);
		for (k = 0; k < ADJIN_PATHS_MAX; k++)
			announce(3, prefix, k, (uint8_t)k, 100);
	}
	speaker_work(rig.sp, rig.now, 2000); /* asks for the next hops */
	rig_work(&rig);
	while (speaker_peer_ops.wants_fill(p))
		speaker_peer_ops.fill(p, rig.now, buf, sizeof(buf), sizeof(buf));
	groups_touch_all(rig.sp, 0);
	for (pulls = 0; speaker_peer_ops.wants_fill(p); pulls++) {
		ck_assert_uint_eq(speaker_peer_ops.fill(p, rig.now, buf, sizeof(buf), sizeof(buf)), 0);
		ck_assert(groups_busy(rig.sp, rig.now) || !speaker_peer_ops.wants_fill(p));
	}
	ck_assert_uint_ge(pulls, 2);
	loc_touch_all(rig.sp, 0);
	before = stats();
	speaker_work(rig.sp, rig.now, 2000);
	ck_assert_uint_le(stats().decisions - before.decisions, 2000 / ADJIN_PATHS_MAX + 1);
}
END_TEST

/* Reflection is asked of each path: RFC 4456 section 6. */
START_TEST(only_paths_that_may_go)
{
	rig.peer[1].rr_client = rig.peer[4].rr_client = false;
	rig_configure(&rig, NULL);
	announce(1, P1, 0, 1, 200);
	announce(2, P1, 0, 2, 100);
	ck_assert_uint_ge(pull(4), 1);
	ck_assert(id_of(2) && !id_of(1));
	ck_assert_uint_eq(peer_row(4).fam[0].advertised, 1);
}
END_TEST

/* Section 3 and RFC 4271 section 4.3, octet by octet. */
START_TEST(on_the_wire)
{
	static const uint8_t want4[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 65, 2, 0, 0, 0, 35, 0x40, 1, 1, 0, 0x40, 2, 0,
		0x40, 3, 4, 198, 51, 100, 1, 0x40, 5, 4, 0, 0, 0, 100, 0x80, 9, 4, 10, 0, 0, 1, 0x80,
		10, 4, 10, 0, 0, 0xfe, 0, 0, 0, 1, 16, 10, 1 };
	static const uint8_t gone4[] = { 0, 30, 2, 0, 7, 0, 0, 0, 1, 16, 10, 1, 0, 0 };
	uint8_t buf[8192];
	size_t n;

	announce(1, P1, 0, 1, 100);
	rig_work(&rig);
	n = speaker_peer_ops.fill(rig_peer(&rig, 4)->peer, rig.now, buf, sizeof(buf), sizeof(buf));
	ck_assert_uint_eq(buf[16] << 8 | buf[17], (int)n);
	ck_assert_mem_eq(buf + n - 7, want4 + sizeof(want4) - 7, 7);
	ck_assert_uint_eq(n, sizeof(want4));
	ck_assert_mem_eq(buf + 19, want4 + 19, sizeof(want4) - 19);
	withdraw(1, P1, 0);
	n = speaker_peer_ops.fill(rig_peer(&rig, 4)->peer, rig.now, buf, sizeof(buf), sizeof(buf));
	ck_assert_uint_eq(n, 16 + sizeof(gone4));
	ck_assert_mem_eq(buf + 16, gone4, sizeof(gone4));
}
END_TEST

START_TEST(refresh_and_end_of_rib)
{
	announce(1, P1, 0, 1, 100);
	announce(2, P1, 0, 2, 100);
	pull(4);
	groups_refresh(rig_peer(&rig, 4), rig.now, 0);
	ck_assert_uint_eq(pull(4), 2);
	ck_assert_uint_eq(pull(4), 0);
	rig_down(&rig, 4, PEER_DOWN_FLUSH);
	rig_up(&rig, 4, RIG_AS, true);
	ck_assert_uint_eq(pull(4), 4);
	ck_assert_int_eq(rig.said[2].what, SAID_EOR);
}
END_TEST

/* More paths than a batch holds, of one destination: they all come. */
START_TEST(more_than_one_batch)
{
	static struct rig big;
	unsigned k, x, got = 0, n;

	rig_init(&big, RIG_PEERS, NULL);
	for (k = 1; k <= RIG_PEERS; k++) {
		big.peer[k].asn = RIG_AS;
		big.peer[k].rr_client = big.peer[k].export_all = true;
		big.addpath_rx[k] = 3;
	}
	big.addpath_tx[1] = 3;
	big.peer[1].addpath_send = IPC_ADDPATH_ALL;
	big.peer[1].addpath_max = 255;
	rig_configure(&big, NULL);
	speaker_originate_end(big.sp, big.now);
	for (k = 1; k <= RIG_PEERS; k++)
		rig_up(&big, k, RIG_AS, true);
	for (k = 2; k <= RIG_PEERS; k++)
		for (x = 0; x < 200; x++) {
			struct attrs_build b = { .flags = ATTRS_LOCAL_PREF, .local_pref = 1000 - x };

			big.path_id = x;
			rig_announce(&big, k, P1, no_path, (uint8_t)x, &b);
		}
	rig_work(&big);
	while ((n = rig_pull(&big, 1, 65536)) > 0)
		got += n;
	ck_assert_uint_eq(got, 255 + 2);
	for (k = 2; k <= RIG_PEERS; k++)
		rig_down(&big, k, PEER_DOWN_FLUSH);
	for (got = 0; rig_work(&big), (n = rig_pull(&big, 1, 65536)) > 0;)
		got += n;
	ck_assert_uint_ge(got, 255);
	ck_assert_uint_eq(big.sp->rib[0].paths.live, big.sp->rib[0].nburied);
	rig_free(&big);
}
END_TEST

/* Nothing is paid for by those who do not use it. */
START_TEST(without_it_nothing_is_kept)
{
	static struct rig plain;

	rig_init(&plain, 2, NULL);
	rig_configure(&plain, NULL);
	rig_up(&plain, 1, 65001, true);
	rig_up(&plain, 2, 65002, true);
	rig_announce(&plain, 1, P1, (uint32_t[]){ 65001, 0 }, 1, NULL);
	rig_work(&plain);
	ck_assert_uint_eq(plain.sp->rib[0].ids.npages, 0);
	rig_withdraw(&plain, 1, P1);
	rig_work(&plain);
	ck_assert_uint_eq(plain.sp->rib[0].paths.live, 0);
	ck_assert_uint_eq(sizeof(struct path), 24);
	ck_assert_uint_eq(plain.sp->rib[0].dests.octets, 12);
	rig_free(&plain);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("addpath");
	TCase *t = unit_case(s, "paths");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, paths_are_told_apart);
	tcase_add_test(t, only_where_it_was_agreed);
	tcase_add_test(t, paths_of_one_peer_share_the_traffic);
	tcase_add_test(t, the_prefix_limit_counts_paths);
	tcase_add_test(t, a_restart_is_not_over_the_limit);
	tcase_add_test(t, a_restart_is_no_way_round_the_limit);
	tcase_add_loop_test(t, a_refresh_is_no_way_round_the_limits, 0, 2);
	tcase_add_test(t, so_many_paths_and_no_more);
	tcase_add_test(t, endless_refreshes_do_not_pile_up);
	tcase_add_test(t, endless_refreshes_are_over_the_limit);
	tcase_add_test(t, a_restart_brings_other_ids);
	tcase_add_test(t, all_or_equal_or_one);
	tcase_add_test(t, ids_last_as_long_as_their_paths);
	tcase_add_test(t, numbers_are_used_again_late);
	tcase_add_test(t, a_deaf_peer_costs_nothing);
	tcase_add_test(t, nobody_hears_its_own);
	tcase_add_test(t, at_most_so_many_the_best_first);
	tcase_add_test(t, a_next_hop_is_told_once);
	tcase_add_test(t, refreshed_path_by_path);
	tcase_add_test(t, only_paths_that_may_go);
	tcase_add_test(t, many_paths_take_many_pulls);
	tcase_add_test(t, on_the_wire);
	tcase_add_test(t, refresh_and_end_of_rib);
	tcase_add_test(t, more_than_one_batch);
	tcase_add_test(t, without_it_nothing_is_kept);
	return unit_run(s);
}
