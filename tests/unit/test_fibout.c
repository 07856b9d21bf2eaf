/*
 * Route intents: sets before routes, the newest state only, verdicts.
 */
#include <stdio.h>

#include "bgpd/core/linkbw.h"
#include "tests/unit/ribrig.h"
#include "tests/unit/unit.h"

static struct rig rig;
static struct fib_op op;

static void
setup(void)
{
	rig_init(&rig, 4, NULL);
	rig_configure(&rig, NULL);
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, FIB_SYNC_BEGIN);
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, FIB_SYNC_END);
	ck_assert(!speaker_next_fib(rig.sp, &op));
	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 2, 65002, true);
}

static void
teardown(void)
{
	rig_free(&rig);
}

static void
expect(enum fib_kind kind, uint32_t set, const char *prefix)
{
	struct ip_prefix p = prefix ? rig_prefix(prefix) : (struct ip_prefix){ 0 };

	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, kind);
	ck_assert_uint_eq(op.set, set);
	ck_assert(!prefix || ip_prefix_eq(&op.prefix, &p));
}

static void
expect_nothing(void)
{
	ck_assert(!speaker_next_fib(rig.sp, &op));
}

static void
announce(unsigned k, const char *prefix, uint8_t nh)
{
	rig_announce(&rig, k, prefix, (uint32_t[]){ 65000 + k, 0 }, nh, NULL);
	rig_work(&rig);
}

static void
verdict(const char *prefix, uint8_t state, uint16_t code)
{
	struct ipc_verdict v = { .prefix = rig_prefix(prefix), .state = state, .code = code };

	speaker_verdict(rig.sp, rig.now, &v);
	rig_work(&rig);
}

static uint32_t
groups_of_dest(const char *prefix)
{
	struct ip_prefix p = rig_prefix(prefix);

	return rig_peer(&rig, 2)->af[0].member->g->dirty.count ? rib_find(&rig.sp->rib[0], &p) : 0;
}

START_TEST(set_before_route)
{
	announce(1, "10.9.0.0/16", 1);
	expect(FIB_NHSET, 1, NULL);
	ck_assert_uint_eq(op.nhset->id, 1);
	ck_assert_uint_eq(op.nhset->n, 1);
	ck_assert_uint_eq(op.nhset->backup, 0);
	ck_assert_uint_eq(op.nhset->member[0].weight, 1);
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 1);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	expect_nothing();
	announce(1, "10.8.0.0/16", 1); /* the same set: told already */
	expect(FIB_ROUTE, 1, "10.8.0.0/16");
	announce(1, "10.8.0.0/16", 1); /* no news */
	expect_nothing();
}
END_TEST

/* Two equal paths make a set of two, sorted by address; when one goes the old set goes last. */
START_TEST(multipath_and_back)
{
	announce(1, "10.9.0.0/16", 9);
	announce(2, "10.9.0.0/16", 5);
	expect(FIB_NHSET, 1, NULL);
	ck_assert_uint_eq(op.nhset->n, 2);
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 5);
	ck_assert_uint_eq(op.nhset->member[1].addr.b[3], 9);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	rig_withdraw(&rig, 1, "10.9.0.0/16");
	rig_work(&rig);
	expect(FIB_NHSET, 2, NULL);
	ck_assert_uint_eq(op.nhset->n, 1);
	expect(FIB_ROUTE, 2, "10.9.0.0/16");
	expect(FIB_NHSET_DEL, 1, NULL);
	expect_nothing();
	rig_withdraw(&rig, 2, "10.9.0.0/16");
	rig_work(&rig);
	expect(FIB_ROUTE_DEL, 0, "10.9.0.0/16");
	expect(FIB_NHSET_DEL, 2, NULL);
	expect_nothing();
}
END_TEST

/*
 * Two peers with a hundred next hops each can make 10,000 sets: beyond a number the best
 * path is used alone, and what was said before goes on being used.
 */
START_TEST(sets_beyond_the_limit)
{
	unsigned several = 0, one = 0, dead = 0, i;
	char prefix[32];

	for (i = 0; i < 10000; i++) {
		snprintf(prefix, sizeof(prefix), "10.%u.%u.0/24", i / 200, i % 200);
		rig_announce(&rig, 1, prefix, (uint32_t[]){ 65001, 0 }, (uint8_t)(1 + i / 100), NULL);
		announce(2, prefix, (uint8_t)(101 + i % 100));
		while (speaker_next_fib(rig.sp, &op)) {
			several += op.kind == FIB_NHSET && op.nhset->n == 2;
			one += op.kind == FIB_NHSET && op.nhset->n == 1;
			dead += op.kind == FIB_NHSET_DEL;
		}
	}
	ck_assert_uint_le(several, 8192);
	ck_assert_uint_ge(several, 8000);
	ck_assert_uint_le(one, 200);
	ck_assert_uint_le(dead, 200);
	announce(1, "10.60.0.0/16", 1);
	announce(2, "10.60.0.0/16", 101); /* a set that is there */
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, FIB_ROUTE);
	ck_assert_uint_eq(op.set, 1);
	announce(1, "10.61.0.0/16", 201);
	announce(2, "10.61.0.0/16", 202);
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, FIB_NHSET);
	ck_assert_uint_eq(op.nhset->n, 1);
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 201);
}
END_TEST

/* One next hop learned from two peers is one member; losing either peer is no news. */
START_TEST(one_next_hop_from_two_peers)
{
	rig_up(&rig, 3, 65003, true);
	announce(2, "10.9.0.0/16", 7);
	announce(1, "10.9.0.0/16", 7);
	announce(3, "10.9.0.0/16", 8);
	expect(FIB_NHSET, 1, NULL);
	ck_assert_uint_eq(op.nhset->n, 2);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	rig_work(&rig);
	expect_nothing();
	rig_down(&rig, 2, PEER_DOWN_FLUSH);
	rig_work(&rig);
	expect(FIB_NHSET, 2, NULL);
	ck_assert_uint_eq(op.nhset->n, 1);
}
END_TEST

/* RFC 7999: a set of its own, with the same next hop; with the option off the route is no more. */
START_TEST(a_blackhole_that_was_agreed_on)
{
	static const uint8_t hole[4] = { 0xff, 0xff, 0x02, 0x9a };
	struct attrs_build b = { .part[ATTRS_COMMUNITIES] = { hole, 4 } };

	rig.peer[1].accept_blackhole = true;
	rig_configure(&rig, NULL);
	announce(1, "10.9.1.1/32", 1);
	expect(FIB_NHSET, 1, NULL);
	ck_assert(!op.nhset->discard);
	expect(FIB_ROUTE, 1, "10.9.1.1/32");
	rig_announce(&rig, 1, "10.9.1.1/32", (uint32_t[]){ 65001, 0 }, 1, &b);
	rig_work(&rig);
	expect(FIB_NHSET, 2, NULL);
	ck_assert(op.nhset->discard);
	ck_assert_uint_eq(op.nhset->n, 1);
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 1);
	expect(FIB_ROUTE, 2, "10.9.1.1/32");
	expect(FIB_NHSET_DEL, 1, NULL);
	rig.peer[1].accept_blackhole = false;
	rig_configure(&rig, NULL);
	rig_work(&rig);
	expect(FIB_ROUTE_DEL, 0, "10.9.1.1/32");
	expect(FIB_NHSET_DEL, 2, NULL);
	expect_nothing();
}
END_TEST

START_TEST(multipath_is_bounded)
{
	unsigned k;

	rig.conf.multipath = 2;
	rig_configure(&rig, NULL);
	for (k = 1; k <= 4; k++) {
		if (k > 2)
			rig_up(&rig, k, 65000 + k, true);
		announce(k, "10.9.0.0/16", (uint8_t)k);
	}
	expect(FIB_NHSET, 1, NULL);
	ck_assert_uint_eq(op.nhset->n, 2);
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 1);
	ck_assert_uint_eq(op.nhset->member[1].addr.b[3], 2);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	rig.conf.multipath = 3; /* from what is stored */
	rig_configure(&rig, NULL);
	rig_work(&rig);
	expect(FIB_NHSET, 2, NULL);
	ck_assert_uint_eq(op.nhset->n, 3);
	expect(FIB_ROUTE, 2, "10.9.0.0/16");
	expect(FIB_NHSET_DEL, 1, NULL);
}
END_TEST

/* What came and went while nobody asked is never told. */
START_TEST(only_the_newest_state_is_told)
{
	announce(1, "10.9.0.0/16", 1);
	rig_withdraw(&rig, 1, "10.9.0.0/16");
	rig_work(&rig);
	expect_nothing();
	announce(1, "10.9.0.0/16", 1);
	expect(FIB_NHSET, 1, NULL);
	announce(1, "10.9.0.0/16", 2); /* before the route of set 1 was told */
	expect(FIB_NHSET, 2, NULL);
	rig_withdraw(&rig, 1, "10.9.0.0/16");
	rig_work(&rig);
	expect(FIB_NHSET_DEL, 2, NULL); /* neither set was ever used */
	expect(FIB_NHSET_DEL, 1, NULL);
	expect_nothing();
	ck_assert_uint_eq(fib_pending(rig.sp), 0);
}
END_TEST

/* Own prefixes are the agent's own business. */
START_TEST(own_prefixes_are_not_told)
{
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_work(&rig);
	expect_nothing();
	announce(1, "10.9.0.0/16", 1);
	expect(FIB_NHSET, 1, NULL);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	rig_originate(&rig, "10.9.0.0/16", NULL);
	rig_work(&rig);
	expect(FIB_ROUTE_DEL, 0, "10.9.0.0/16");
}
END_TEST

START_TEST(unresolved_next_hops_make_no_route)
{
	struct ipc_row_path row;

	rig.unresolved = true;
	announce(1, "10.9.0.0/16", 1);
	expect_nothing();
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row), 1);
	ck_assert_uint_eq(row.flags, 0);
	ck_assert_str_eq(row.nh_why, "no route");
	ck_assert_str_eq(row.decision, "next hop is not usable");
}
END_TEST

/* RFC 4271 section 5.1.3: an external peer one hop away names itself or somebody on the link. */
START_TEST(next_hops_off_the_link_make_no_route)
{
	struct ipc_row_path row;

	rig.off_link = true;
	announce(1, "10.9.0.0/16", 1);
	expect(FIB_NHSET, 1, NULL); /* multihop */
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	rig.peer[1].onlink = true;
	rig_configure(&rig, NULL);
	rig_work(&rig);
	expect(FIB_ROUTE_DEL, 0, "10.9.0.0/16");
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row), 1);
	ck_assert_uint_eq(row.flags, 0);
	ck_assert_ptr_nonnull(strstr(row.nh_why, "no link shared"));
	rig.off_link = false;
	announce(1, "10.9.0.0/16", 2);
	expect(FIB_NHSET, 2, NULL);
	expect(FIB_ROUTE, 2, "10.9.0.0/16");
}
END_TEST

/* With install, what is learned is passed on when the kernel has it. */
START_TEST(announced_when_installed)
{
	rig.conf.install = true;
	rig.peer[2].export_all = rig.conf.transit = true;
	rig_configure(&rig, NULL);
	rig_pull(&rig, 2, 4096);
	announce(1, "10.9.0.0/16", 1);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 0); /* not told yet */
	expect(FIB_NHSET, 1, NULL);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	ck_assert_uint_eq(rig.sp->fib.waiting, 1);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 0); /* no verdict yet */
	verdict("10.9.0.0/16", IPC_V_PENDING, 0);
	verdict("10.8.0.0/16", IPC_V_INSTALLED, 0); /* nobody's */
	ck_assert_uint_eq(groups_of_dest("10.9.0.0/16"), 0);
	verdict("10.9.0.0/16", IPC_V_INSTALLED, 0);
	ck_assert_uint_eq(rig.sp->fib.waiting, 0);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 1);
	ck_assert_int_eq(rig.said[0].what, SAID_ANNOUNCE);
	announce(1, "10.9.0.0/16", 2); /* another next hop: the old word stands until it is in */
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 0);
	expect(FIB_NHSET, 2, NULL);
	expect(FIB_ROUTE, 2, "10.9.0.0/16");
	verdict("10.9.0.0/16", IPC_V_HELD, 0);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 0);
	verdict("10.9.0.0/16", IPC_V_FAILED, 22);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 1);
	ck_assert_int_eq(rig.said[0].what, SAID_WITHDRAW);
}
END_TEST

START_TEST(refusals_are_shown_and_not_announced)
{
	struct ipc_row_path row;
	static const uint8_t bad[] = { IPC_V_REFUSED, IPC_V_FAILED, IPC_V_FOREIGN, IPC_V_SHADOWED };
	static const char *const words[] = {
		"not announced: its route must not be installed here",
		"not announced: the kernel refuses its route",
		"not announced: somebody else's route has its place in the kernel",
		"not announced: it lies within an own prefix",
	};

	rig.conf.install = true;
	rig.peer[2].export_all = rig.conf.transit = true;
	rig_configure(&rig, NULL);
	announce(1, "10.9.0.0/16", 1);
	expect(FIB_NHSET, 1, NULL);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	rig_pull(&rig, 2, 4096);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_EXACT, 2, "10.9.0.0/16", &row),
	    1);
	ck_assert_str_eq(row.rejected, "not announced: its route is not in the kernel yet");
	verdict("10.9.0.0/16", bad[_i], 3);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_EXACT, 2, "10.9.0.0/16", &row),
	    1);
	ck_assert_str_eq(row.rejected, words[_i]);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 0);
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.fib_state, bad[_i]);
	ck_assert_uint_eq(row.fib_code, 3);
	verdict("10.9.0.0/16", bad[_i], UINT16_MAX); /* greater than any there is */
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.fib_state, bad[_i]);
	ck_assert_uint_eq(row.fib_code, DEST_FIB_CODE_MAX);
	rig.conf.install = false; /* a pure speaker: nothing to wait for */
	rig_configure(&rig, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 1);
}
END_TEST

/* A new agent is told everything, between the marks, and asked for every next hop. */
START_TEST(a_new_agent)
{
	struct todo t;
	bool watched = false;
	uint32_t set = 0;
	unsigned k;

	announce(1, "10.9.0.0/16", 1);
	announce(2, "fd00::/48", 2);
	while (speaker_next_fib(rig.sp, &op))
		;
	speaker_fib_reset(rig.sp);
	expect(FIB_SYNC_BEGIN, 0, NULL);
	for (k = 0; k < 4; k++) {
		ck_assert(speaker_next_fib(rig.sp, &op));
		ck_assert_int_eq(op.kind, k & 1 ? FIB_ROUTE : FIB_NHSET);
		ck_assert(k & 1 ? op.set == set : op.set != set);
		set = op.set;
	}
	expect(FIB_SYNC_END, 0, NULL);
	expect_nothing();
	while (speaker_next_todo(rig.sp, &t))
		watched |= t.kind == TODO_NH_WATCH && t.on;
	ck_assert(watched);
}
END_TEST

/* A peer's sessions end: its routes go in slices, and the other's stay. */
START_TEST(peer_down_moves_routes)
{
	announce(1, "10.9.0.0/16", 1);
	announce(2, "10.9.0.0/16", 2);
	announce(1, "10.8.0.0/16", 1);
	while (speaker_next_fib(rig.sp, &op))
		;
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	rig_work(&rig);
	expect(FIB_ROUTE_DEL, 0, "10.8.0.0/16");
	expect(FIB_NHSET, 3, NULL);
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 2);
	expect(FIB_ROUTE, 3, "10.9.0.0/16");
	expect(FIB_NHSET_DEL, 1, NULL);
	expect(FIB_NHSET_DEL, 2, NULL);
	expect_nothing();
}
END_TEST

/* ---- backups, and sets that lose a peer ------------------------------------------- */

static void
take_all(void)
{
	while (speaker_next_fib(rig.sp, &op))
		;
}

static void
installing(void)
{
	rig.conf.install = true;
	rig_configure(&rig, NULL);
	rig_up(&rig, 3, 65003, true);
	take_all();
}

/* Worse than announce(): a longer AS_PATH. */
static void
announce_worse(unsigned k, const char *prefix, uint8_t nh)
{
	rig_announce(&rig, k, prefix, (uint32_t[]){ 65000 + k, 65100, 0 }, nh, NULL);
	rig_work(&rig);
}

/* The next operation tells set id with these next hops (last octets, up to a 0) and backup. */
static void
expect_set(uint32_t id, const uint8_t *nh, uint32_t backup)
{
	uint16_t k;

	expect(FIB_NHSET, id, NULL);
	ck_assert_uint_eq(op.nhset->backup, backup);
	for (k = 0; nh[k]; k++) {
		ck_assert_uint_lt(k, op.nhset->n);
		ck_assert_uint_eq(op.nhset->member[k].addr.b[3], nh[k]);
	}
	ck_assert_uint_eq(op.nhset->n, k);
}

#define NH(...) ((const uint8_t[]){ __VA_ARGS__, 0 })

static struct dest_fib
fib_of(const char *prefix)
{
	struct ip_prefix p = rig_prefix(prefix);

	return rib_fib(&rig.sp->rib[0], rib_find(&rig.sp->rib[0], &p));
}

/* In whatever order verdicts come, and whoever has a destination's number now: each finds its own. */
START_TEST(verdicts_find_their_routes)
{
	static const char *const prefix[] = { "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16" };
	static const uint8_t order[] = { 0, 1, 1, 3, 2, 0, 3 };
	uint16_t code = 0, want[4] = { 0 };

	installing();
	for (int k = 0; k < 4; k++)
		announce(1, prefix[k], 1);
	take_all();
	for (size_t n = 0; n < sizeof order; n++) {
		want[order[n]] = ++code;
		verdict(prefix[order[n]], IPC_V_FAILED, code);
		for (int k = 0; k < 4; k++)
			ck_assert_uint_eq(fib_of(prefix[k]).code, want[k]);
	}
	rig_withdraw(&rig, 1, prefix[1]);
	rig_work(&rig);
	take_all();
	announce(1, "10.5.0.0/16", 1); /* where the second was */
	take_all();
	verdict(prefix[0], IPC_V_INSTALLED, 0);
	verdict(prefix[1], IPC_V_INSTALLED, 0); /* late */
	ck_assert_uint_eq(fib_of("10.5.0.0/16").state, IPC_V_PENDING);
	verdict("10.5.0.0/16", IPC_V_INSTALLED, 0);
	ck_assert_uint_eq(fib_of("10.5.0.0/16").state, IPC_V_INSTALLED);
}
END_TEST

/* A set whose route never went out goes with it; the next one is another. */
START_TEST(set_without_its_route)
{
	installing();
	announce(1, "10.9.0.0/16", 7);
	expect_set(1, NH(7), 0); /* its route would be next */
	rig_withdraw(&rig, 1, "10.9.0.0/16");
	rig_work(&rig);
	speaker_fib_reset(rig.sp);
	expect(FIB_SYNC_BEGIN, 0, NULL);
	expect(FIB_SYNC_END, 0, NULL);
	ck_assert_uint_eq(rig.sp->fib.recent, 0);
	announce(1, "10.9.0.0/16", 8);
	expect_set(1, NH(8), 0);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	expect_nothing();
}
END_TEST

static void
announce_beyond_the_limit(unsigned more)
{
	char prefix[32];
	unsigned i;

	for (i = 0; i < FIB_WAITING_MAX + more; i++) {
		snprintf(prefix, sizeof(prefix), "10.%u.%u.0/24", 10 + i / 250, i % 250);
		announce(1, prefix, 1);
	}
}

/* Take what there is; every route gets its verdict when said. Returns their number. */
static unsigned
take_routes(bool said)
{
	struct ipc_verdict v = { .state = IPC_V_INSTALLED };
	unsigned n = 0;

	while (speaker_next_fib(rig.sp, &op)) {
		ck_assert_int_ne(op.kind, FIB_SYNC_END);
		if (op.kind != FIB_ROUTE)
			continue;
		n++;
		v.prefix = op.prefix;
		if (said)
			speaker_verdict(rig.sp, rig.now, &v);
	}
	return n;
}

/* Routes wait for the verdicts on others; the sets of a lost peer do not. */
START_TEST(routes_wait_for_verdicts)
{
	installing();
	announce_worse(2, "10.9.0.0/16", 2);
	announce(1, "10.9.0.0/16", 1);
	announce_beyond_the_limit(3);
	ck_assert_uint_eq(take_routes(false), FIB_WAITING_MAX);
	ck_assert_uint_eq(rig.sp->fib.waiting, FIB_WAITING_MAX);
	ck_assert_uint_eq(fib_pending(rig.sp), 4);
	verdict("10.10.0.0/24", IPC_V_INSTALLED, 0);
	ck_assert_uint_eq(take_routes(false), 1);
	verdict("10.10.1.0/24", IPC_V_HELD, 0);
	verdict("10.10.2.0/24", IPC_V_FAILED, 22);
	ck_assert_uint_eq(take_routes(false), 2);
	ck_assert_uint_eq(fib_pending(rig.sp), 1);
	expect_nothing();
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	ck_assert(speaker_fib_urgent(rig.sp));
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, FIB_NHSET);
	ck_assert_uint_eq(op.nhset->n, 1);
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 2);
	ck_assert(speaker_next_fib(rig.sp, &op)); /* that set was the backup */
	ck_assert_int_eq(op.kind, FIB_NHSET_DEL);
	expect_nothing();
}
END_TEST

/* A new agent is in step when all is told, not when it has as many as it may have at once. */
START_TEST(no_end_of_sync_while_routes_wait)
{
	installing();
	announce_beyond_the_limit(3);
	ck_assert_uint_eq(take_routes(true), FIB_WAITING_MAX + 3);
	speaker_fib_reset(rig.sp);
	ck_assert_uint_eq(take_routes(false), FIB_WAITING_MAX);
	ck_assert_uint_eq(fib_pending(rig.sp), 3);
	verdict("10.10.0.0/24", IPC_V_INSTALLED, 0);
	verdict("10.10.1.0/24", IPC_V_INSTALLED, 0);
	verdict("10.10.2.0/24", IPC_V_INSTALLED, 0);
	expect(FIB_ROUTE, op.set, NULL);
	expect(FIB_ROUTE, op.set, NULL);
	expect(FIB_ROUTE, op.set, NULL);
	expect(FIB_SYNC_END, 0, NULL);
	expect_nothing();
}
END_TEST

/* An agent that only observes gives no verdicts. */
START_TEST(observers_have_no_verdicts_to_wait_for)
{
	rig.conf.observe = true;
	installing();
	announce_beyond_the_limit(3);
	ck_assert_uint_eq(take_routes(false), FIB_WAITING_MAX + 3);
	rig.conf.observe = false;
	rig_configure(&rig, NULL);
	announce(1, "10.9.0.0/16", 1);
	expect_nothing();
	rig.conf.observe = true;
	rig_configure(&rig, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(take_routes(false), 1);
}
END_TEST

START_TEST(next_best_is_the_backup)
{
	installing();
	announce_worse(2, "10.9.0.0/16", 2);
	expect_set(1, NH(2), 0);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	announce(1, "10.9.0.0/16", 1); /* its backup is a set that is known already */
	expect_set(2, NH(1), 1);
	expect(FIB_ROUTE, 2, "10.9.0.0/16");
	expect_nothing(); /* and stays as such */
	rig_withdraw(&rig, 2, "10.9.0.0/16");
	rig_work(&rig);
	expect_set(3, NH(1), 0);
	expect(FIB_ROUTE, 3, "10.9.0.0/16");
	expect(FIB_NHSET_DEL, 2, NULL);
	expect(FIB_NHSET_DEL, 1, NULL);
	expect_nothing();
	/* One that is new is told first. */
	announce_worse(3, "10.9.0.0/16", 3);
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, FIB_NHSET);
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 3);
	expect_set(op.set == 1 ? 2 : 1, NH(1), op.set);
	take_all();
	rig_withdraw(&rig, 1, "10.9.0.0/16");
	rig_withdraw(&rig, 3, "10.9.0.0/16");
	rig_work(&rig);
	take_all();
	ck_assert_uint_eq(rig.sp->fib.sets.live, 0);
}
END_TEST

/* Neither the same next hop again, nor one that does not resolve, nor for a set of several. */
START_TEST(what_is_no_backup)
{
	installing();
	announce(1, "10.9.0.0/16", 1);
	announce_worse(2, "10.9.0.0/16", 1);
	expect_set(1, NH(1), 0);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	rig.unresolved = true;
	announce_worse(2, "10.9.0.0/16", 2);
	expect_nothing();
	rig.unresolved = false;
	announce(2, "10.9.0.0/16", 4);
	announce_worse(3, "10.9.0.0/16", 3);
	expect_set(2, NH(1, 4), 0);
	expect(FIB_ROUTE, 2, "10.9.0.0/16");
	expect(FIB_NHSET_DEL, 1, NULL);
	expect_nothing();
}
END_TEST

/* The best of several is the backup, whoever came first. */
START_TEST(the_best_backup)
{
	installing();
	announce(1, "10.9.0.0/16", 1);
	rig_announce(&rig, 2, "10.9.0.0/16", (uint32_t[]){ 65002, 65100, 65101, 0 }, 2, NULL);
	announce_worse(3, "10.9.0.0/16", 3);
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 3);
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 1);
	ck_assert_uint_ne(op.nhset->backup, 0);
}
END_TEST

/* An extended community Link Bandwidth: AS 65000, so many octets per second. */
static void
announce_rate(unsigned k, uint8_t nh, float rate)
{
	uint8_t ext[8] = { 0, 4, 0xfd, 0xe8 }; /* transitive: the rig sends over eBGP */
	struct attrs_build b = { .part[ATTRS_EXT] = { ext, 8 } };
	uint32_t bits;

	memcpy(&bits, &rate, sizeof(bits));
	for (unsigned i = 0; i < 4; i++)
		ext[4 + i] = (uint8_t)(bits >> (24 - 8 * i));
	rig_announce(&rig, k, "10.9.0.0/16", (uint32_t[]){ 65000 + k, 0 }, nh, &b);
	rig_work(&rig);
}

static void
expect_weights(unsigned a, unsigned b, unsigned c)
{
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, FIB_NHSET);
	ck_assert_uint_eq(op.nhset->n, 3);
	ck_assert_uint_eq(op.nhset->member[0].weight, a);
	ck_assert_uint_eq(op.nhset->member[1].weight, b);
	ck_assert_uint_eq(op.nhset->member[2].weight, c);
	take_all();
}

/* RFC 10005: in proportion when all have one, else equal. */
START_TEST(weights_by_bandwidth)
{
	rig.conf.weighted = true;
	installing();
	announce_rate(1, 1, 1.25e9f);
	announce_rate(2, 2, 5e9f);
	announce(3, "10.9.0.0/16", 3);
	expect_weights(1, 1, 1);
	announce_rate(3, 3, 1.25e10f);
	expect_weights(1, 4, 10);
	announce_rate(3, 3, 0);
	expect_weights(1, 1, 1);
	announce_rate(3, 3, 1.25e9f);
	expect_weights(1, 4, 1);
	rig.conf.weighted = false; /* from what is stored */
	rig_configure(&rig, NULL);
	rig_work(&rig);
	expect_weights(1, 1, 1);
}
END_TEST

static const struct {
	float bw[3];
	uint8_t want[3];
} weight_cases[] = {
	{ { 1, 1, 1 }, { 1, 1, 1 } },
	{ { 1e9f, 2e9f, 3e9f }, { 1, 2, 3 } },
	{ { 25e9f, 40e9f, 100e9f }, { 5, 8, 20 } },
	{ { 16e9f, 17e9f, 19e9f }, { 16, 17, 19 } },
	{ { 17e9f, 18e9f, 21e9f }, { 206, 219, 255 } }, /* no small numbers will do */
	{ { 1e9f, 1.005e9f, 1e9f }, { 1, 1, 1 } }, /* next to nothing */
	{ { 1, 254.6f, 255 }, { 1, 255, 255 } },
	{ { 1, 1e30f, 4e29f }, { 1, 255, 102 } },
	{ { 1e9f, 300e9f, 7e9f }, { 1, 255, 6 } },
	{ { 1e-45f, 1e-45f, 1e-45f }, { 1, 1, 1 } }, /* the smallest there is */
};

START_TEST(weights_of_bandwidths)
{
	uint8_t got[3];

	linkbw_weights(weight_cases[_i].bw, 3, got);
	ck_assert_mem_eq(got, weight_cases[_i].want, 3);
}
END_TEST

static const struct {
	uint8_t ext[16], octets;
	float want;
} rate_cases[] = {
	{ { 0 }, 0, 0 },
	{ { 0x40, 4, 0, 1, 0x3f, 0x80 }, 8, 1 },
	{ { 0x00, 4, 0, 1, 0x3f, 0x80 }, 8, 1 },		      /* transitive */
	{ { 0x40, 6, 0, 1, 0x3f, 0x80 }, 8, 0 },		      /* another subtype */
	{ { 0x41, 4, 0, 1, 0x3f, 0x80 }, 8, 0 },		      /* another type */
	{ { 0x40, 4, 0, 1, 0xbf, 0x80 }, 8, 0 },		      /* -1 */
	{ { 0x40, 4, 0, 1, 0x7f, 0xc0 }, 8, 0 },		      /* NaN */
	{ { 0x40, 4, 0, 1, 0x7f, 0x80 }, 8, 0 },		      /* infinite */
	{ { 0x40, 4, 0, 1, 0x40, 0, 0, 0, 0x00, 4, 0, 1, 0x3f, 0x80 }, 16, 1 }, /* the lowest */
	{ { 0x40, 4, 0, 1, 0x40, 0, 0, 0, 0x40, 4, 0, 1 }, 16, 0 },
};

START_TEST(rate_of_a_path)
{
	struct attrs_build b = { .part[ATTRS_EXT] = { rate_cases[_i].ext, rate_cases[_i].octets } };
	const struct attrs *a = attrs_intern(rig.pool, &b);

	ck_assert(linkbw_of(a) == rate_cases[_i].want);
	attrs_unref(rig.pool, a);
}
END_TEST

/* The set shrinks before any route is looked at, and then no route has news. */
START_TEST(peer_lost_shrinks_its_sets_first)
{
	installing();
	announce(1, "10.9.0.0/16", 1);
	announce(2, "10.9.0.0/16", 2);
	announce(1, "fd00:9::/32", 1);
	announce(2, "fd00:9::/32", 2);
	announce(1, "10.8.0.0/16", 3);
	announce(3, "10.8.0.0/16", 3); /* this next hop is from others, too */
	announce(2, "10.8.0.0/16", 2);
	take_all();
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	expect_set(1, NH(2), 0);
	expect(FIB_NHSET, 3, NULL); /* IPv6 */
	ck_assert_uint_eq(op.nhset->n, 1);
	expect_nothing();
	rig_work(&rig);
	expect_nothing();
	rig_up(&rig, 1, 65001, true);
	announce(1, "10.9.0.0/16", 1);
	expect_set(4, NH(1, 2), 0);
	expect(FIB_ROUTE, 4, "10.9.0.0/16");
}
END_TEST

/* A dead path is no reason to tell its next hop again, whatever else changes meanwhile. */
START_TEST(route_with_news_while_a_lost_peer_is_swept)
{
	installing();
	announce(1, "10.9.0.0/16", 1);
	announce(2, "10.9.0.0/16", 2);
	take_all();
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	expect_set(1, NH(2), 0);
	fib_update(rig.sp, 0, 1);
	expect_nothing();
	rig_work(&rig);
	expect_nothing();
}
END_TEST

/* A set that shrank is no news to an agent that knows no set: it is told with its route, after its backup. */
START_TEST(a_new_agent_while_a_peer_is_lost)
{
	installing();
	announce(1, "10.9.0.0/16", 1);
	announce(2, "10.9.0.0/16", 2);
	announce_worse(3, "10.9.0.0/16", 3);
	take_all();
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	speaker_fib_reset(rig.sp);
	rig_work(&rig);
	expect(FIB_SYNC_BEGIN, 0, NULL);
	expect_set(2, NH(3), 0);
	expect_set(1, NH(2), 2);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	expect(FIB_SYNC_END, 0, NULL);
	expect_nothing();
}
END_TEST

START_TEST(peer_lost_brings_the_backup)
{
	installing();
	announce(1, "10.9.0.0/16", 1);
	announce_worse(2, "10.9.0.0/16", 2);
	take_all();
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	expect_set(1, NH(2), 0);
	expect(FIB_NHSET_DEL, 2, NULL);
	rig_work(&rig);
	expect_nothing();
}
END_TEST

START_TEST(lost_backup_is_forgotten_at_once)
{
	installing();
	announce(1, "10.9.0.0/16", 1);
	announce_worse(2, "10.9.0.0/16", 2);
	take_all();
	rig_down(&rig, 2, PEER_DOWN_FLUSH);
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, FIB_NHSET);
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 1);
	ck_assert_uint_eq(op.nhset->backup, 0);
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, FIB_NHSET_DEL);
	rig_work(&rig);
	expect_nothing();
}
END_TEST

/* Who else has paths, to other next hops, does not make the lost one's a backup any longer. */
START_TEST(lost_backup_among_several_others)
{
	installing();
	announce(1, "10.9.0.0/16", 1);
	announce_worse(2, "10.9.0.0/16", 2);
	announce_worse(3, "10.9.0.0/16", 3);
	take_all();
	rig_down(&rig, 2, PEER_DOWN_FLUSH);
	ck_assert(speaker_next_fib(rig.sp, &op));
	ck_assert_int_eq(op.kind, FIB_NHSET);
	ck_assert_uint_eq(op.nhset->member[0].addr.b[3], 1);
	ck_assert_uint_eq(op.nhset->backup, 0);
}
END_TEST

static void
no_routes(bool on)
{
	rig.conf.install = !on;
	rig.conf.no_routes = on;
	rig_configure(&rig, NULL);
	rig_work(&rig);
}

/* With kernel.install off the agent hears of no route, and the view says why there is none. */
START_TEST(an_agent_that_installs_nothing)
{
	struct ipc_row_path row;

	no_routes(true);
	announce(1, "10.9.0.0/16", 1);
	expect_nothing();
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 1, "10.9.0.0/16", &row), 1);
	ck_assert_uint_eq(row.fib_state, IPC_V_REFUSED);
	ck_assert_uint_eq(row.fib_code, IPC_REF_INSTALL_OFF);
	no_routes(false);
	expect(FIB_NHSET, 1, NULL);
	expect(FIB_ROUTE, 1, "10.9.0.0/16");
	no_routes(true);
	expect(FIB_ROUTE_DEL, 0, "10.9.0.0/16");
	expect(FIB_NHSET_DEL, 1, NULL);
	expect_nothing();
}
END_TEST

/* Its stale paths count: nothing shrinks before they are given up. */
START_TEST(a_peer_that_restarts_keeps_its_sets)
{
	installing();
	rig_peer(&rig, 1)->peer->neg.gr_families = AF_BIT(IP4) | AF_BIT(IP6);
	rig_peer(&rig, 1)->peer->neg.gr_time_s = 120;
	announce(1, "10.9.0.0/16", 1);
	announce(2, "10.9.0.0/16", 2);
	take_all();
	rig_down(&rig, 1, PEER_DOWN_KEEP);
	rig_work(&rig);
	expect_nothing();
	rig_pass(&rig, 121 * 1000000ull);
	expect_set(1, NH(2), 0);
	rig_work(&rig);
	expect_nothing();
}
END_TEST

#define MANY (BITQ_SPREAD_MIN + 1000)

/* Of the first 900 routes that the agent is told when it comes anew: how many follow their neighbour. */
static unsigned
side_by_side(void)
{
	unsigned n = 0, near = 0, last = 0;

	speaker_fib_reset(rig.sp);
	rig_work(&rig);
	while (speaker_next_fib(rig.sp, &op)) {
		unsigned k = op.prefix.b[1] * 256u + op.prefix.b[2];

		if (op.kind != FIB_ROUTE)
			continue;
		near += n > 0 && n < 900 && k == last + 1;
		last = k;
		n++;
	}
	ck_assert_uint_ge(n, MANY);
	return near;
}

/* One by one for the kernel's tree where nobody else is told, else in rows of eight. */
START_TEST(order_of_many)
{
	char prefix[32];
	unsigned k;

	rig_down(&rig, 2, PEER_DOWN_FLUSH);
	for (k = 0; k < MANY; k++) {
		snprintf(prefix, sizeof(prefix), "10.%u.%u.0/24", k / 256, k % 256);
		announce(1, prefix, 1);
	}
	ck_assert_uint_eq(side_by_side(), 0);
	rig_up(&rig, 2, 65002, true); /* it is told of them, too */
	ck_assert_uint_ge(side_by_side(), 700);
	rig_down(&rig, 2, PEER_DOWN_FLUSH);
	ck_assert_uint_eq(side_by_side(), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fibout");
	TCase *t = unit_case(s, "intents");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, set_before_route);
	tcase_add_test(t, order_of_many);
	tcase_add_test(t, multipath_and_back);
	tcase_add_test(t, sets_beyond_the_limit);
	tcase_add_test(t, one_next_hop_from_two_peers);
	tcase_add_test(t, a_blackhole_that_was_agreed_on);
	tcase_add_test(t, multipath_is_bounded);
	tcase_add_test(t, only_the_newest_state_is_told);
	tcase_add_test(t, own_prefixes_are_not_told);
	tcase_add_test(t, unresolved_next_hops_make_no_route);
	tcase_add_test(t, next_hops_off_the_link_make_no_route);
	tcase_add_test(t, announced_when_installed);
	tcase_add_loop_test(t, refusals_are_shown_and_not_announced, 0, 4);
	tcase_add_test(t, a_new_agent);
	tcase_add_test(t, an_agent_that_installs_nothing);
	tcase_add_test(t, peer_down_moves_routes);
	t = unit_case(s, "failover");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, verdicts_find_their_routes);
	tcase_add_test(t, set_without_its_route);
	tcase_add_test(t, routes_wait_for_verdicts);
	tcase_add_test(t, no_end_of_sync_while_routes_wait);
	tcase_add_test(t, observers_have_no_verdicts_to_wait_for);
	tcase_add_test(t, next_best_is_the_backup);
	tcase_add_test(t, what_is_no_backup);
	tcase_add_test(t, the_best_backup);
	tcase_add_test(t, weights_by_bandwidth);
	tcase_add_loop_test(t, weights_of_bandwidths, 0,
	    sizeof(weight_cases) / sizeof(weight_cases[0]));
	tcase_add_loop_test(t, rate_of_a_path, 0, sizeof(rate_cases) / sizeof(rate_cases[0]));
	tcase_add_test(t, peer_lost_shrinks_its_sets_first);
	tcase_add_test(t, route_with_news_while_a_lost_peer_is_swept);
	tcase_add_test(t, a_new_agent_while_a_peer_is_lost);
	tcase_add_test(t, peer_lost_brings_the_backup);
	tcase_add_test(t, lost_backup_is_forgotten_at_once);
	tcase_add_test(t, lost_backup_among_several_others);
	tcase_add_test(t, a_peer_that_restarts_keeps_its_sets);
	return unit_run(s);
}
