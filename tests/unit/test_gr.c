/*
 * Graceful restart, both roles, rule by rule; whole restarts are in tests/sim.
 * RFC 4724, RFC 7313.
 */
#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "tests/unit/ribrig.h"
#include "tests/unit/unit.h"

#define SECOND 1000000ull

static struct rig rig;
static const uint32_t path_of_1[] = { 65001, 0 };
static const struct ipc_hello plain = { .seed = 1 };
static const struct ipc_hello restarting = { .seed = 1, .restarting = true, .adopted = { 5, 0 } };

static void
begin(const struct ipc_hello *hello)
{
	rig_init(&rig, 3, hello);
	rig_configure(&rig, NULL);
	speaker_originate_end(rig.sp, rig.now);
	rig_work(&rig);
}

static void
announce(unsigned k, const char *prefix)
{
	rig_announce(&rig, k, prefix, (uint32_t[]){ 65000 + k, 0 }, (uint8_t)k, NULL);
	rig_work(&rig);
}

static size_t
paths(const char *prefix, uint32_t *ret_flags)
{
	struct ipc_row_path row = { 0 };
	size_t n = rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 1, prefix, &row);

	*ret_flags = row.flags;
	return n;
}

/* Until the last of a peer's stale paths go. */
static uint32_t
left_s(unsigned k)
{
	uint32_t v4 = gr_stale_left_s(rig_peer(&rig, k), rig.now, 0);
	uint32_t v6 = gr_stale_left_s(rig_peer(&rig, k), rig.now, 1);

	return v4 > v6 ? v4 : v6;
}

/* Peer 1 with a path of each family goes away; it may come back with F bits fwd. */
static void
restart_peer(uint8_t fwd)
{
	begin(&plain);
	rig_up(&rig, 1, 65001, true);
	announce(1, "10.9.0.0/16");
	announce(1, "fd00::/48");
	rig_down(&rig, 1, PEER_DOWN_KEEP);
	rig_work(&rig);
	rig_peer(&rig, 1)->peer->neg.gr_forwarding = fwd;
}

START_TEST(stale_until_announced_again_and_end_of_rib)
{
	uint32_t flags;

	restart_peer(3);
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 1);
	ck_assert(flags & IPC_PATH_STALE && flags & IPC_PATH_BEST);
	ck_assert_uint_eq(gr_stale(rig_peer(&rig, 1), 0), 1);
	ck_assert_uint_eq(left_s(1), 100);
	rig_pass(&rig, 99 * SECOND);
	rig_up(&rig, 1, 65001, true);
	announce(1, "10.9.0.0/16");
	paths("10.9.0.0/16", &flags);
	ck_assert(!(flags & IPC_PATH_STALE));
	rig_pass(&rig, 50 * SECOND); /* the restart time does not count any more */
	ck_assert_uint_eq(paths("fd00::/48", &flags), 1);
	ck_assert(flags & IPC_PATH_STALE);
	rig_eor(&rig, 1, IP4);
	rig_work(&rig);
	ck_assert_uint_eq(paths("fd00::/48", &flags), 1); /* the other family's business */
	rig_eor(&rig, 1, IP6);
	rig_work(&rig);
	ck_assert_uint_eq(paths("fd00::/48", &flags), 0);
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 1);
	ck_assert_uint_eq(left_s(1), 0);
	rig_free(&rig);
}
END_TEST

/* Another router was found on the link: what came from the former one goes, F bits or not. */
START_TEST(another_router_keeps_nothing)
{
	uint32_t flags;

	restart_peer(3);
	rig.over6 = true; /* another address */
	rig_up(&rig, 1, 65001, true);
	rig_work(&rig);
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 0);
	ck_assert_uint_eq(paths("fd00::/48", &flags), 0);
	rig_free(&rig);
}
END_TEST

START_TEST(stale_no_longer_than_the_restart_time)
{
	uint32_t flags;

	restart_peer(3);
	rig_pass(&rig, 100 * SECOND - 1);
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 1);
	rig_pass(&rig, 1);
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 0);
	ck_assert_uint_eq(paths("fd00::/48", &flags), 0);
	rig_free(&rig);
}
END_TEST

/* A session without End-of-RIB does not keep stale paths for ever. */
START_TEST(stale_no_longer_than_its_bound)
{
	uint32_t flags;

	restart_peer(3);
	rig_up(&rig, 1, 65001, true);
	rig_pass(&rig, GR_STALE_MAX_S * SECOND - 1);
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 1);
	rig_pass(&rig, 1);
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 0);
	rig_free(&rig);
}
END_TEST

/* RFC 4724 section 4.2: F bit clear, or the family missing: deleted at once. */
START_TEST(forwarding_bit_decides)
{
	uint32_t flags;

	restart_peer(AF_BIT(IP6));
	rig_up(&rig, 1, 65001, true);
	rig_work(&rig);
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 0);
	ck_assert_uint_eq(paths("fd00::/48", &flags), 1);
	rig_free(&rig);
}
END_TEST

/* A second restart before the first was over: only what the newest session said is kept. */
START_TEST(consecutive_restarts_keep_the_newest)
{
	uint32_t flags;
	int k;

	restart_peer(3);
	for (k = 0; k < 6; k++) { /* generations are used again */
		rig_up(&rig, 1, 65001, true);
		announce(1, "10.8.0.0/16");
		rig_down(&rig, 1, PEER_DOWN_KEEP);
		rig_work(&rig);
		ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 0);
		ck_assert_uint_eq(paths("10.8.0.0/16", &flags), 1);
		ck_assert(flags & IPC_PATH_STALE);
		ck_assert_uint_eq(adjin_count(rig_peer(&rig, 1), 0), 1);
	}
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	rig_work(&rig);
	ck_assert_uint_eq(paths("10.8.0.0/16", &flags), 0);
	rig_free(&rig);
}
END_TEST

/*
 * Shut down, reset, disabled or made another neighbour here while it restarts: what it has left
 * behind goes; not when its session just gets other settings.
 */
START_TEST(stopped_while_it_restarts)
{
	struct ipc_peer_cmd cmd = { .cmd = _i == 0 ? IPC_CMD_DOWN : IPC_CMD_RESET };
	uint32_t flags;

	restart_peer(3);
	cmd.peer = rig_peer(&rig, 1)->id;
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 1);
	rig.peer[1].enabled = _i != 2;
	rig.peer[1].asn += _i == 3;
	rig.peer[1].hold_s += _i == 4;
	if (_i < 2)
		ck_assert(speaker_peer_cmd(rig.sp, rig.now, &cmd));
	else
		rig_configure(&rig, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), _i == 4);
	ck_assert_uint_eq(paths("fd00::/48", &flags), _i == 4);
	ck_assert_int_eq(left_s(1) > 0, _i == 4);
	rig_free(&rig);
}
END_TEST

/* Six sessions without any work in between: old generations are swept when they come round. */
START_TEST(generations_never_mix)
{
	uint32_t flags;
	int k;

	begin(&plain);
	for (k = 0; k < 6; k++) {
		rig_up(&rig, 1, 65001, true);
		rig_announce(&rig, 1, k & 1 ? "10.8.0.0/16" : "10.9.0.0/16",
		    (uint32_t[]){ 65001, 0 }, 1, NULL);
		rig_down(&rig, 1, PEER_DOWN_FLUSH);
	}
	rig_up(&rig, 1, 65001, true);
	ck_assert_uint_eq(paths("10.8.0.0/16", &flags), 0);
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 0);
	ck_assert_uint_eq(adjin_count(rig_peer(&rig, 1), 0), 0);
	rig_work(&rig);
	ck_assert_uint_eq(rig.sp->rib[0].paths.live, 0);
	rig_free(&rig);
}
END_TEST

/* ---- refreshes: RFC 7313 section 4 ------------------------------------------------------ */

static void
refresh(unsigned k, uint8_t subtype)
{
	speaker_peer_ops.refresh(rig_peer(&rig, k)->peer, rig.now, IP4, subtype);
}

/* Peer 1 has announced these, up to the End-of-RIB. */
static void
table(void)
{
	begin(&plain);
	rig_up(&rig, 1, 65001, true);
	announce(1, "10.9.0.0/16");
	announce(1, "10.8.0.0/16");
	announce(1, "fd00::/48");
	rig_eor(&rig, 1, IP4);
}

static bool
has(const char *prefix)
{
	uint32_t flags;

	return paths(prefix, &flags) == 1;
}

/* Did an event of that name come since the last call? */
static bool
told(const char *name)
{
	bool found = false;
	struct todo t;

	while (speaker_next_todo(rig.sp, &t))
		found |= t.kind == TODO_EVENT && strcmp(t.event.name, name) == 0;
	return found;
}

START_TEST(refresh_markers_sweep)
{
	uint32_t flags;

	table();
	refresh(1, REFRESH_BORR);
	announce(1, "10.9.0.0/16");
	ck_assert_uint_eq(paths("10.8.0.0/16", &flags), 1);
	ck_assert(flags & IPC_PATH_STALE);
	told("");
	refresh(1, REFRESH_EORR);
	ck_assert(told("refresh-removed"));
	rig_work(&rig);
	ck_assert(!has("10.8.0.0/16"));
	ck_assert(has("10.9.0.0/16"));
	ck_assert(has("fd00::/48")); /* the other family's business */
	ck_assert_uint_eq(adjin_count(rig_peer(&rig, 1), 0), 1);
	rig_pass(&rig, 2 * GR_STALE_MAX_S * SECOND); /* no timer is left over */
	ck_assert(has("10.9.0.0/16"));
	rig_free(&rig);
}
END_TEST

/* "MUST ignore any BoRRs [...] before the speaker receives the EoR": of a peer with graceful restart alone. */
START_TEST(refresh_before_end_of_rib)
{
	begin(&plain);
	rig_up(&rig, 1, 65001, true);
	announce(1, "10.9.0.0/16");
	told("");
	refresh(1, REFRESH_BORR);
	ck_assert(told("refresh-ignored"));
	refresh(1, REFRESH_EORR);
	rig_work(&rig);
	ck_assert(has("10.9.0.0/16"));
	rig_peer(&rig, 1)->peer->neg.gr = false; /* we do not offer it: the peer has it still */
	refresh(1, REFRESH_BORR);
	ck_assert(told("refresh-ignored"));
	rig_peer(&rig, 1)->peer->neg.peer_gr = false;
	refresh(1, REFRESH_BORR);
	refresh(1, REFRESH_EORR);
	rig_work(&rig);
	ck_assert(!has("10.9.0.0/16"));
	rig_free(&rig);
}
END_TEST

/* The log has what went stale, be it one path, and nothing of a refresh that said everything. */
START_TEST(stale_is_told_when_there_is_any)
{
	begin(&plain);
	rig_up(&rig, 1, 65001, true);
	rig_eor(&rig, 1, IP4);
	told("");
	rig_down(&rig, 1, PEER_DOWN_KEEP);
	ck_assert(!told("stale"));
	rig_up(&rig, 1, 65001, true);
	announce(1, "10.9.0.0/16");
	rig_eor(&rig, 1, IP4);
	refresh(1, REFRESH_BORR);
	announce(1, "10.9.0.0/16");
	refresh(1, REFRESH_EORR);
	ck_assert(!told("refresh-removed"));
	rig_down(&rig, 1, PEER_DOWN_KEEP);
	ck_assert(told("stale"));
	rig_free(&rig);
}
END_TEST

/* An end without a begin says nothing, also to what is stale for another reason. */
START_TEST(refresh_end_alone)
{
	table();
	refresh(1, REFRESH_EORR);
	rig_work(&rig);
	ck_assert(has("10.9.0.0/16"));
	rig_peer(&rig, 1)->peer->neg.gr_forwarding = 3;
	rig_down(&rig, 1, PEER_DOWN_KEEP);
	rig_up(&rig, 1, 65001, true);
	rig_peer(&rig, 1)->peer->neg.gr_forwarding = 3;
	refresh(1, REFRESH_EORR);
	rig_work(&rig);
	ck_assert(has("10.9.0.0/16"));
	rig_free(&rig);
}
END_TEST

/* A begin while one is under way: everything is stale again, however often. */
START_TEST(refresh_begins_again)
{
	int k;

	table();
	for (k = 0; k < 9; k++) {
		refresh(1, REFRESH_BORR);
		announce(1, k & 1 ? "10.9.0.0/16" : "10.7.0.0/16");
		ck_assert(has("10.7.0.0/16") && has("10.8.0.0/16") && has("10.9.0.0/16"));
		ck_assert_uint_eq(adjin_count(rig_peer(&rig, 1), 0), 3);
		ck_assert_uint_eq(gr_stale(rig_peer(&rig, 1), 0), 2);
	}
	refresh(1, REFRESH_BORR);
	refresh(1, REFRESH_BORR); /* twice without a path in between */
	ck_assert_uint_eq(gr_stale(rig_peer(&rig, 1), 0), 3);
	announce(1, "10.8.0.0/16");
	refresh(1, REFRESH_EORR);
	rig_work(&rig);
	ck_assert(!has("10.7.0.0/16") && has("10.8.0.0/16") && !has("10.9.0.0/16"));
	ck_assert_uint_eq(adjin_count(rig_peer(&rig, 1), 0), 1);
	rig_free(&rig);
}
END_TEST

/* Floods of markers: walks over all paths, and lines, are few; what is sent stays. */
START_TEST(refresh_floods_are_cheap)
{
	unsigned k, said = 0;
	struct todo t;

	table();
	for (k = 0; k < 1000; k++) {
		refresh(1, REFRESH_BORR);
		rig_announce(&rig, 1, k & 1 ? "10.9.0.0/16" : "10.7.0.0/16", path_of_1, 1, NULL);
		if (k % 3 == 2)
			refresh(1, REFRESH_EORR);
	}
	while (speaker_next_todo(rig.sp, &t))
		said += t.kind == TODO_EVENT;
	ck_assert_uint_le(said, 40);
	ck_assert_uint_le(rig.sp->refresh_walks, 10);
	rig_work(&rig);
	ck_assert(has("10.7.0.0/16") && has("10.9.0.0/16"));
	rig_pass(&rig, 20 * SECOND);
	refresh(1, REFRESH_BORR);
	announce(1, "10.9.0.0/16");
	refresh(1, REFRESH_EORR);
	rig_work(&rig);
	ck_assert(!has("10.7.0.0/16") && has("10.9.0.0/16"));
	rig_free(&rig);
}
END_TEST

/* The end never comes: "a locally configurable upper bound". */
/* Who begins again and again does not keep what it never sends for ever. */
START_TEST(refresh_begun_for_ever)
{
	unsigned n = 0;

	table();
	refresh(1, REFRESH_BORR);
	announce(1, "10.9.0.0/16");
	for (; has("10.8.0.0/16") && n < 100; n++) {
		rig_pass(&rig, 60 * SECOND);
		rig_work(&rig);
		announce(1, "10.9.0.0/16");
		if (has("10.8.0.0/16"))
			refresh(1, REFRESH_BORR);
	}
	ck_assert_uint_eq(n, GR_REFRESHES * GR_STALE_MAX_S / 60);
	ck_assert(has("10.9.0.0/16"));
	rig_free(&rig);
}
END_TEST

START_TEST(refresh_no_longer_than_its_bound)
{
	table();
	refresh(1, REFRESH_BORR);
	announce(1, "10.9.0.0/16");
	told("");
	rig_pass(&rig, GR_STALE_MAX_S * SECOND - 1);
	ck_assert(has("10.8.0.0/16"));
	speaker_timeout(rig.sp, rig.now = mono_add_us(rig.now, 1));
	ck_assert(told("refresh-expired"));
	rig_work(&rig);
	ck_assert(!has("10.8.0.0/16") && has("10.9.0.0/16"));
	refresh(1, REFRESH_EORR); /* too late: no begin counts any more */
	rig_work(&rig);
	ck_assert(has("10.9.0.0/16"));
	rig_free(&rig);
}
END_TEST

/* The session is lost in between: RFC 4724 section 4.2 has what was stale already deleted. */
START_TEST(refresh_cut_off_by_a_restart)
{
	uint32_t flags;

	table();
	refresh(1, REFRESH_BORR);
	announce(1, "10.9.0.0/16");
	rig_down(&rig, 1, PEER_DOWN_KEEP);
	rig_work(&rig);
	ck_assert(!has("10.8.0.0/16"));
	ck_assert_uint_eq(paths("10.9.0.0/16", &flags), 1);
	ck_assert(flags & IPC_PATH_STALE);
	rig_peer(&rig, 1)->peer->neg.gr_forwarding = 3;
	rig_up(&rig, 1, 65001, true);
	refresh(1, REFRESH_EORR); /* of a refresh that is over */
	rig_work(&rig);
	ck_assert(has("10.9.0.0/16"));
	rig_free(&rig);
}
END_TEST

/* An End-of-RIB says nothing about a refresh that is under way: its End-of-RR does. */
START_TEST(refresh_outlasts_end_of_rib)
{
	table();
	refresh(1, REFRESH_BORR);
	rig_eor(&rig, 1, IP4);
	rig_eor(&rig, 1, IP6);
	rig_work(&rig);
	ck_assert(has("10.8.0.0/16") && has("10.9.0.0/16"));
	announce(1, "10.9.0.0/16");
	refresh(1, REFRESH_EORR);
	rig_work(&rig);
	ck_assert(!has("10.8.0.0/16") && has("10.9.0.0/16"));
	rig_free(&rig);
}
END_TEST

/* Nor does the bound of another family's stale paths. */
START_TEST(refresh_outlasts_the_stale_timer)
{
	restart_peer(3);
	rig_up(&rig, 1, 65001, true);
	announce(1, "10.9.0.0/16");
	rig_eor(&rig, 1, IP4);
	rig_pass(&rig, GR_STALE_MAX_S * SECOND - 1);
	refresh(1, REFRESH_BORR);
	rig_pass(&rig, 1);
	ck_assert(has("10.9.0.0/16"));
	ck_assert(!has("fd00::/48")); /* no End-of-RIB came for it in time */
	refresh(1, REFRESH_EORR);
	rig_work(&rig);
	ck_assert(!has("10.9.0.0/16"));
	rig_free(&rig);
}
END_TEST

/* ---- our own restart -------------------------------------------------------------------- */

START_TEST(capability)
{
	struct cap_gr cap;

	begin(&plain);
	gr_caps(rig_peer(&rig, 1)->peer, &cap);
	ck_assert(cap.present && !cap.restarting);
	ck_assert_uint_eq(cap.time_s, 120);
	ck_assert_uint_eq(cap.families, 3);
	ck_assert_uint_eq(cap.forwarding, 0);
	ck_assert(cap.notification);
	rig_peer(&rig, 1)->peer->established_count++; /* forwarding goes on since that session */
	gr_caps(rig_peer(&rig, 1)->peer, &cap);
	ck_assert_uint_eq(cap.forwarding, 3);
	rig.conf.observe = true; /* nothing is forwarded by what it learns */
	rig_configure(&rig, NULL);
	gr_caps(rig_peer(&rig, 1)->peer, &cap);
	ck_assert(cap.present && cap.forwarding == 0);
	gr_caps(rig_peer(&rig, 2)->peer, &cap);
	ck_assert_uint_eq(cap.forwarding, 0);
	rig_free(&rig);
	begin(&restarting);
	gr_caps(rig_peer(&rig, 1)->peer, &cap);
	ck_assert(cap.present && cap.restarting);
	ck_assert_uint_eq(cap.forwarding, AF_BIT(IP4));
	rig.peer[1].gr_enabled = false;
	rig_configure(&rig, NULL);
	gr_caps(rig_peer(&rig, 1)->peer, &cap);
	ck_assert(!cap.present);
	rig_pass(&rig, 3 * SECOND); /* deferral over: R goes, F stays true */
	gr_caps(rig_peer(&rig, 2)->peer, &cap);
	ck_assert(cap.present && !cap.restarting);
	rig_free(&rig);
}
END_TEST

static bool
deferring(void)
{
	struct ipc_row_stats st;

	speaker_stats(rig.sp, rig.now, &st);
	return st.deferring;
}

/* Own prefixes are announced meanwhile; what is learned is not, nor is End-of-RIB. */
START_TEST(learned_routes_wait)
{
	struct fib_op op;

	begin(&restarting);
	rig.peer[2].export_all = rig.conf.transit = true;
	rig_configure(&rig, NULL);
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 2, 65002, true);
	announce(1, "10.9.0.0/16");
	ck_assert(deferring());
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 1);
	ck_assert_str_eq(rig.said[0].text, "65000|192.0.2.202|-1|-1|");
	ck_assert(speaker_next_fib(rig.sp, &op) && op.kind == FIB_SYNC_BEGIN);
	ck_assert(!speaker_next_fib(rig.sp, &op));
	rig_eor(&rig, 1, IP4);
	rig_eor(&rig, 1, IP6);
	rig_eor(&rig, 2, IP4);
	ck_assert(deferring());
	rig_eor(&rig, 2, IP6);
	ck_assert(deferring()); /* peer 3 has 3 s to come up */
	rig_pass(&rig, 3 * SECOND - 1);
	ck_assert(deferring());
	rig_pass(&rig, 1);
	ck_assert(!deferring());
	ck_assert(speaker_next_fib(rig.sp, &op) && op.kind == FIB_NHSET);
	ck_assert(speaker_next_fib(rig.sp, &op) && op.kind == FIB_ROUTE);
	ck_assert(speaker_next_fib(rig.sp, &op) && op.kind == FIB_SYNC_END);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 3);
	ck_assert_int_eq(rig.said[0].what, SAID_ANNOUNCE);
	ck_assert_int_eq(rig.said[1].what, SAID_EOR);
	rig_free(&rig);
}
END_TEST

/* All up; who has to be waited for, and how long. */
START_TEST(who_is_waited_for)
{
	struct ipc_row_stats st;
	unsigned k;

	begin(&restarting);
	for (k = 1; k <= 3; k++)
		rig_up(&rig, k, 65000 + k, true);
	rig_peer(&rig, 2)->peer->neg.gr = false; /* cannot say when it is done */
	gr_up(rig_peer(&rig, 2), rig.now);
	rig_peer(&rig, 3)->peer->neg.gr_restarting = true; /* waits for us, too */
	gr_up(rig_peer(&rig, 3), rig.now);
	speaker_stats(rig.sp, rig.now, &st);
	ck_assert_str_eq(st.deferring_for, "p1, p2, p3");
	gr_peer_hung_up(rig_peer(&rig, 2), rig.now); /* a second connection of a peer that is up */
	rig_pass(&rig, 3 * SECOND);
	speaker_stats(rig.sp, rig.now, &st);
	ck_assert_str_eq(st.deferring_for, "p1");
	speaker_conn_failed(rig.sp, rig.now, 1, 0, 111, "refused"); /* a second connection's fate */
	ck_assert(deferring());
	rig_down(&rig, 1, PEER_DOWN_KEEP); /* failed after all */
	ck_assert(!deferring());
	rig_free(&rig);
}
END_TEST

START_TEST(refused_connections_end_it)
{
	unsigned k;

	begin(&restarting);
	for (k = 1; k <= 3; k++) {
		ck_assert(deferring());
		speaker_conn_failed(rig.sp, rig.now, k, 0, 111, "refused");
	}
	ck_assert(!deferring());
	rig_free(&rig);
}
END_TEST

/* A peer that lives but is not ready may take longer than one that does not answer. */
START_TEST(waits_for_those_who_hang_up)
{
	begin(&restarting);
	speaker_conn_failed(rig.sp, rig.now, 2, 0, 111, "refused");
	gr_peer_hung_up(rig_peer(&rig, 2), rig.now); /* it has failed before */
	gr_peer_hung_up(rig_peer(&rig, 3), rig.now);
	rig_pass(&rig, 3 * SECOND);
	ck_assert(deferring()); /* for 3 alone: 1 was not Established in time */
	rig_pass(&rig, 7 * SECOND - 1);
	ck_assert(deferring());
	rig_pass(&rig, 1);
	ck_assert(!deferring());
	rig_free(&rig);
}
END_TEST

START_TEST(no_progress_ends_it)
{
	struct ipc_event ev = { 0 };
	struct todo t;

	begin(&restarting);
	rig_up(&rig, 1, 65001, true);
	rig_pass(&rig, 9 * SECOND);
	announce(1, "10.9.0.0/16");
	rig_pass(&rig, 9 * SECOND);
	announce(1, "10.8.0.0/16");
	rig_pass(&rig, 10 * SECOND - 1);
	ck_assert(deferring());
	while (speaker_next_todo(rig.sp, &t))
		;
	rig.now.us++;
	speaker_timeout(rig.sp, rig.now);
	ck_assert(!deferring());
	while (speaker_next_todo(rig.sp, &t))
		if (t.kind == TODO_EVENT)
			ev = t.event;
	ck_assert_str_eq(ev.name, "deferral-end");
	ck_assert_str_eq(ev.text, "ms=28000 why=\"no progress\" without=\"p1\"");
	rig_free(&rig);
}
END_TEST

START_TEST(two_minutes_in_any_case)
{
	int k;

	begin(&restarting);
	rig_up(&rig, 1, 65001, true);
	for (k = 0; k < 119; k++) {
		rig_pass(&rig, SECOND);
		announce(1, k & 1 ? "10.9.0.0/16" : "10.8.0.0/16");
	}
	ck_assert(deferring());
	rig_pass(&rig, SECOND);
	ck_assert(!deferring());
	rig_free(&rig);
}
END_TEST

/* SYNC_END waits for next hops that were asked for and not answered, at most 5 s. */
START_TEST(sweep_waits_for_next_hops)
{
	struct fib_op op;
	unsigned k;

	begin(&restarting);
	rig_up(&rig, 1, 65001, true);
	rig_announce(&rig, 1, "10.9.0.0/16", (uint32_t[]){ 65001, 0 }, 1, NULL);
	rig_eor(&rig, 1, IP4);
	rig_eor(&rig, 1, IP6);
	for (k = 2; k <= 3; k++)
		speaker_conn_failed(rig.sp, rig.now, k, 0, 111, "refused");
	ck_assert(!deferring());
	while (speaker_work(rig.sp, rig.now, 1000))
		;
	ck_assert(speaker_next_fib(rig.sp, &op) && op.kind == FIB_SYNC_BEGIN);
	ck_assert(!speaker_next_fib(rig.sp, &op));
	rig.now = mono_add_us(rig.now, 5 * SECOND);
	speaker_timeout(rig.sp, rig.now);
	ck_assert(speaker_next_fib(rig.sp, &op) && op.kind == FIB_SYNC_END);
	rig_free(&rig);
}
END_TEST

static void
take_fib_ops(void)
{
	struct fib_op op;

	while (speaker_next_fib(rig.sp, &op))
		;
}

/* Back from a restart with one route learned, not deferring any more, and peer 2 told nothing. */
static void
back_with_a_route(void)
{
	unsigned k;

	rig_init(&rig, 3, &restarting);
	rig.conf.install = rig.conf.transit = rig.peer[2].export_all = true;
	rig_configure(&rig, NULL);
	speaker_originate_end(rig.sp, rig.now);
	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 2, 65002, true);
	announce(1, "10.9.0.0/16");
	for (k = 1; k <= 2; k++) {
		rig_eor(&rig, k, IP4);
		rig_eor(&rig, k, IP6);
	}
	speaker_conn_failed(rig.sp, rig.now, 3, 0, 111, "refused");
	ck_assert(!deferring());
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 0);
	take_fib_ops();
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 0); /* no verdict yet */
}

/* End-of-RIB waits until the kernel has what was kept: with install, for the verdicts. */
START_TEST(end_of_rib_waits_for_verdicts)
{
	struct ipc_verdict v = { .prefix = { .af = IP4, .len = 16, .b = { 10, 9 } },
		.state = IPC_V_INSTALLED };

	back_with_a_route();
	speaker_verdict(rig.sp, rig.now, &v);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 3);
	ck_assert_int_eq(rig.said[0].what, SAID_ANNOUNCE);
	ck_assert_int_eq(rig.said[1].what, SAID_EOR);
	rig_free(&rig);
}
END_TEST

/* The last route that waits for its verdict goes, instead. */
START_TEST(end_of_rib_when_no_verdict_is_awaited)
{
	struct peer *p;

	back_with_a_route();
	p = rig_peer(&rig, 2)->peer;
	p->up = &p->s[SESSION_IN];
	session_attach(p->up, rig.now, true, &p->ep);
	rig_withdraw(&rig, 1, "10.9.0.0/16");
	rig_work(&rig);
	rig_pull(&rig, 2, 4096);
	p->up->conn->write_asked = false;
	take_fib_ops();
	rig_work(&rig);
	ck_assert(p->up->conn->write_asked);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 2);
	ck_assert_int_eq(rig.said[0].what, SAID_EOR);
	rig_free(&rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("gr");
	TCase *t = unit_case(s, "restarts");

	tcase_add_test(t, stale_until_announced_again_and_end_of_rib);
	tcase_add_test(t, another_router_keeps_nothing);
	tcase_add_test(t, stale_no_longer_than_the_restart_time);
	tcase_add_test(t, stale_no_longer_than_its_bound);
	tcase_add_test(t, forwarding_bit_decides);
	tcase_add_test(t, consecutive_restarts_keep_the_newest);
	tcase_add_loop_test(t, stopped_while_it_restarts, 0, 5);
	tcase_add_test(t, generations_never_mix);
	tcase_add_test(t, refresh_markers_sweep);
	tcase_add_test(t, refresh_before_end_of_rib);
	tcase_add_test(t, stale_is_told_when_there_is_any);
	tcase_add_test(t, refresh_end_alone);
	tcase_add_test(t, refresh_begins_again);
	tcase_add_test(t, refresh_floods_are_cheap);
	tcase_add_test(t, refresh_begun_for_ever);
	tcase_add_test(t, refresh_no_longer_than_its_bound);
	tcase_add_test(t, refresh_cut_off_by_a_restart);
	tcase_add_test(t, refresh_outlasts_end_of_rib);
	tcase_add_test(t, refresh_outlasts_the_stale_timer);
	tcase_add_test(t, capability);
	tcase_add_test(t, learned_routes_wait);
	tcase_add_test(t, who_is_waited_for);
	tcase_add_test(t, refused_connections_end_it);
	tcase_add_test(t, waits_for_those_who_hang_up);
	tcase_add_test(t, no_progress_ends_it);
	tcase_add_test(t, two_minutes_in_any_case);
	tcase_add_test(t, sweep_waits_for_next_hops);
	tcase_add_test(t, end_of_rib_waits_for_verdicts);
	tcase_add_test(t, end_of_rib_when_no_verdict_is_awaited);
	return unit_run(s);
}
