/*
 * What BMP collectors are told, when, and what becomes of those that do not
 * listen.  RFC 7854, RFC 8671, RFC 9069; octets are in test_feedenc.c.
 */
#include <limits.h>
#include <stdio.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/bmp_int.h"
#include "tests/unit/ribrig.h"
#include "tests/unit/unit.h"

#define SECOND	1000000ull
#define ALL	(IPC_BMP_IN_PRE | IPC_BMP_IN_POST | IPC_BMP_OUT_POST | IPC_BMP_LOC_RIB)
#define LINES	8192

static struct rig rig;
static struct ipc_conf_bmp conf;
static uint32_t feed;
static char line[LINES][96]; /* what was told by the last pull */
static unsigned nlines;

/* ---- a collector -------------------------------------------------------------------- */

static void
say(const char *who, const char *what)
{
	ck_assert_uint_lt(nlines, LINES);
	snprintf(line[nlines++], sizeof(line[0]), "%.40s %.50s", who, what);
}

static void
say_prefixes(const char *who, char sign, struct rd r, uint8_t af)
{
	char text[IP_PREFIX_STRLEN], both[IP_PREFIX_STRLEN + 1];
	struct bgp_err e = { 0 };
	struct nlri n;

	while (nlri_next(&r, af, false, &n, &e)) {
		snprintf(both, sizeof(both), "%c%s", sign, ip_prefix_str(&n.prefix, text));
		say(who, both);
	}
}

static void
say_update(const char *who, struct rd *r)
{
	const struct update_ctx ctx = { .as4 = true, .families = 3 };
	static struct update u;
	struct rd msg;

	rd_skip(r, BGP_HEADER_OCTETS);
	msg = rd_sub(r, rd_left(r));
	update_decode(&ctx, msg.p, rd_left(&msg), &u);
	/* Own routes in the Loc-RIB have no next hop: zeros. */
	ck_assert_msg(u.err.act == ACT_NONE || (strcmp(who, "loc") == 0 && u.err.act == ACT_WITHDRAW),
	    "%s: %s", who, u.err.why);
	say_prefixes(who, '-', u.withdrawn, IP4);
	say_prefixes(who, '-', u.mp_unreach, u.mp_unreach_af);
	say_prefixes(who, '+', u.nlri, IP4);
	say_prefixes(who, '+', u.mp_reach, u.mp_reach_af);
	if (u.eor)
		say(who, u.eor == AF_BIT(IP4) ? "eor4" : "eor6");
}

/* "pre 1", "post 1", "out 1", "loc": the RIB, and the last octet of the peer's address. */
static void
say_who(struct rd *r, char *buf, size_t cap)
{
	uint8_t type = rd_u8(r), flags = rd_u8(r), addr[16];

	rd_skip(r, 8);
	rd_copy(r, addr, sizeof(addr));
	rd_skip(r, 16);
	if (type == BMP_PEER_LOC_RIB)
		snprintf(buf, cap, "loc");
	else
		snprintf(buf, cap, "%s %u",
		    flags & BMP_F_ADJ_OUT    ? "out"
			: flags & BMP_F_POST ? "post"
					     : "pre",
		    addr[15]);
}

static void
say_message(uint8_t type, struct rd r)
{
	static const char *const name[] = { "route", "stats", "down", "up", "initiation",
		"termination" };
	char who[16] = "", what[32];

	if (type <= BMP_PEER_UP)
		say_who(&r, who, sizeof(who));
	if (type == BMP_ROUTE) {
		say_update(who, &r);
		return;
	}
	snprintf(what, sizeof(what), "%s", name[type]);
	if (type == BMP_PEER_DOWN)
		snprintf(what, sizeof(what), "down %u", rd_u8(&r));
	say(who, what);
}

/* Take what the collector is told, cap octets at a time, so many times at most; how many octets. */
static size_t
pull_some(size_t cap, unsigned times)
{
	static uint8_t buf[1 << 20];
	size_t n, all = 0;
	struct rd r;

	nlines = 0;
	while (times-- > 0 && speaker_feed_pending(rig.sp, feed)) {
		n = speaker_feed_output(rig.sp, rig.now, feed, buf + all, cap);
		all += n;
		ck_assert_uint_le(all + cap, sizeof(buf));
	}
	r = rd_init(buf, all);
	while (rd_left(&r) > 0) {
		uint8_t version = rd_u8(&r);
		uint32_t octets = rd_u32(&r);
		uint8_t type = rd_u8(&r);
		struct rd body = rd_sub(&r, octets - BMP_HEADER_OCTETS);

		ck_assert_uint_eq(version, 3);
		ck_assert_uint_le(type, BMP_TERMINATION);
		ck_assert(!r.bad);
		say_message(type, body);
	}
	return all;
}

static size_t
pull(size_t cap)
{
	return pull_some(cap, UINT_MAX);
}

/* How often it was said by the last pull; *ret_at: where at last. */
static unsigned
said(const char *text, unsigned *ret_at)
{
	unsigned k, n = 0;

	for (k = 0; k < nlines; k++)
		if (strcmp(line[k], text) == 0) {
			n++;
			if (ret_at)
				*ret_at = k;
		}
	return n;
}

static unsigned
at(const char *text)
{
	unsigned k = 0;

	ck_assert_msg(said(text, &k) == 1, "\"%s\" %u times", text, said(text, NULL));
	return k;
}

static struct collector *
collector(void)
{
	struct list *first = list_first(&rig.sp->feeds.collectors);

	if (!first)
		ck_abort_msg("no collector");
	return container_of(first, struct collector, node);
}

static void
configure(uint8_t ribs)
{
	conf.ribs = ribs;
	speaker_bmp_configure(rig.sp, rig.now, &conf, 1);
}

static void
attach(void)
{
	rig_work(&rig);
	ck_assert_uint_eq(collector()->state, IPC_BMP_CONNECTING);
	feed = speaker_bmp_connected(rig.sp, rig.now, conf.id, collector()->token);
	ck_assert_uint_ne(feed, 0);
}

static void
announce(unsigned k, const char *prefix)
{
	rig_announce(&rig, k, prefix, (uint32_t[]){ 65000 + k, 0 }, (uint8_t)k, NULL);
	rig_work(&rig);
}

static void
setup(void)
{
	rig_init(&rig, 3, NULL);
	rig.peer[3].export_all = rig.conf.transit = true;
	rig_configure(&rig, NULL);
	speaker_originate_end(rig.sp, rig.now);
	conf = (struct ipc_conf_bmp){ .id = 1,
		.name = "c",
		.retry_ms = 1000,
		.stall_ms = 5000,
		.sys_name = "n",
		.sys_descr = "weft" };
	rig_up(&rig, 1, 65001, true);
	rig_work(&rig);
}

static void
teardown(void)
{
	rig_free(&rig);
}

/* ---- what it is told ------------------------------------------------------------------- */

START_TEST(everything_there_is_then_end_of_rib)
{
	rig_up(&rig, 3, 65003, true);
	rig_originate(&rig, "10.0.0.0/24", NULL);
	announce(1, "10.9.0.0/16");
	announce(1, "2001:db8:9::/48");
	rig_pull(&rig, 1, 65536);
	rig_pull(&rig, 3, 65536);
	configure(ALL);
	attach();
	pull(65536);
	ck_assert_uint_eq(at(" initiation"), 0);
	ck_assert_uint_lt(at("pre 1 up"), at("pre 1 +10.9.0.0/16"));
	at("pre 3 up");
	at("loc up");
	at("post 1 +10.9.0.0/16");
	at("pre 1 +2001:db8:9::/48");
	at("loc +10.9.0.0/16");
	at("loc +10.0.0.0/24");
	at("loc +2001:db8:9::/48");
	at("out 3 +10.9.0.0/16");
	at("out 3 +10.0.0.0/24");
	at("out 1 +10.0.0.0/24");
	ck_assert_uint_eq(said("out 1 +10.9.0.0/16", NULL), 0); /* it came from there */
	ck_assert_uint_lt(at("pre 1 +10.9.0.0/16"), at("pre 1 eor4"));
	ck_assert_uint_lt(at("post 1 +10.9.0.0/16"), at("post 1 eor4"));
	ck_assert_uint_lt(at("loc +10.9.0.0/16"), at("loc eor4"));
	ck_assert_uint_lt(at("out 3 +10.9.0.0/16"), at("out 3 eor4"));
	at("pre 3 eor6");
	at("out 1 eor6");
	ck_assert_uint_eq(collector()->state, IPC_BMP_UP);
	pull(65536);
	ck_assert_uint_eq(nlines, 0);
}
END_TEST

static const struct {
	uint8_t ribs;
	const char *told, *not_told;
} chosen[] = {
	{ IPC_BMP_IN_PRE, "pre 1 +10.9.0.0/16", "post 1 +10.9.0.0/16" },
	{ IPC_BMP_IN_POST, "post 1 +10.9.0.0/16", "pre 1 +10.9.0.0/16" },
	{ IPC_BMP_LOC_RIB, "loc +10.9.0.0/16", "pre 1 up" },
	{ IPC_BMP_OUT_POST, "out 3 +10.9.0.0/16", "loc up" },
};

START_TEST(only_what_was_chosen)
{
	rig_up(&rig, 3, 65003, true);
	announce(1, "10.9.0.0/16");
	rig_pull(&rig, 3, 65536);
	configure(chosen[_i].ribs);
	attach();
	pull(65536);
	at(chosen[_i].told);
	ck_assert_uint_eq(said(chosen[_i].not_told, NULL), 0);
	ck_assert_uint_eq(collector()->state, IPC_BMP_UP);
	rig_up(&rig, 2, 65002, true);
	pull(65536);
	ck_assert_uint_eq(said("pre 2 up", NULL), chosen[_i].ribs != IPC_BMP_LOC_RIB);
}
END_TEST

START_TEST(changes_afterwards)
{
	configure(ALL);
	attach();
	pull(65536);
	announce(1, "10.9.0.0/16");
	pull(65536);
	at("pre 1 +10.9.0.0/16");
	at("post 1 +10.9.0.0/16");
	at("loc +10.9.0.0/16");
	rig_withdraw(&rig, 1, "10.9.0.0/16");
	rig_work(&rig);
	pull(65536);
	at("pre 1 -10.9.0.0/16");
	at("post 1 -10.9.0.0/16");
	at("loc -10.9.0.0/16");
	ck_assert_uint_eq(nlines, 3);
}
END_TEST

/* However often it changes while nobody pulls: the newest state, once. */
START_TEST(newest_state_only)
{
	configure(IPC_BMP_IN_PRE | IPC_BMP_LOC_RIB);
	attach();
	pull(65536);
	announce(1, "10.9.0.0/16");
	rig_withdraw(&rig, 1, "10.9.0.0/16");
	rig_work(&rig);
	announce(1, "10.9.0.0/16");
	announce(1, "10.9.0.0/16");
	pull(65536);
	ck_assert_uint_lt(at("pre 1 -10.9.0.0/16"), at("pre 1 +10.9.0.0/16"));
	at("loc +10.9.0.0/16");
}
END_TEST

/* Another best path is told in its place; the old one is not withdrawn from the Loc-RIB. */
START_TEST(another_best_path)
{
	configure(IPC_BMP_LOC_RIB);
	attach();
	rig_up(&rig, 2, 65002, true);
	rig_announce(&rig, 1, "10.9.0.0/16", (uint32_t[]){ 65001, 1, 2, 0 }, 1, NULL);
	rig_work(&rig);
	pull(65536);
	announce(2, "10.9.0.0/16");
	pull(65536);
	at("loc +10.9.0.0/16");
	rig_withdraw(&rig, 2, "10.9.0.0/16");
	rig_work(&rig);
	pull(65536);
	at("loc +10.9.0.0/16");
	ck_assert_uint_eq(said("loc -10.9.0.0/16", NULL), 0);
}
END_TEST

/* Before policy it is there, after policy it is not; and what policy refuses later goes. */
START_TEST(what_policy_refuses)
{
	rig.peer[1].import_all = false;
	rig_configure(&rig, NULL);
	announce(1, "10.9.0.0/16");
	configure(IPC_BMP_IN_PRE | IPC_BMP_IN_POST);
	attach();
	pull(65536);
	at("pre 1 +10.9.0.0/16");
	ck_assert_uint_eq(said("post 1 +10.9.0.0/16", NULL), 0);
	rig.peer[1].import_all = true;
	rig_configure(&rig, NULL);
	rig_work(&rig);
	pull(65536);
	at("post 1 +10.9.0.0/16");
	rig.peer[1].import_all = false;
	rig_configure(&rig, NULL);
	rig_work(&rig);
	pull(65536);
	at("post 1 -10.9.0.0/16");
	ck_assert_uint_eq(said("pre 1 -10.9.0.0/16", NULL), 0);
}
END_TEST

START_TEST(peers_come_and_go)
{
	configure(IPC_BMP_IN_PRE);
	attach();
	announce(1, "10.9.0.0/16");
	pull(65536);
	rig_peer(&rig, 1)->peer->down_event = EV_TCP_FAILS;
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	rig_work(&rig);
	pull(65536);
	at("pre 1 down 4");
	ck_assert_uint_eq(nlines, 1); /* a Peer Down withdraws everything: RFC 7854 section 4.9 */
	rig_up(&rig, 1, 65001, true);
	announce(1, "10.9.0.0/16");
	rig_eor(&rig, 1, IP4);
	pull(65536);
	ck_assert_uint_lt(at("pre 1 up"), at("pre 1 +10.9.0.0/16"));
	ck_assert_uint_lt(at("pre 1 +10.9.0.0/16"), at("pre 1 eor4"));
	rig_peer(&rig, 1)->peer->down_event = EV_HOLD_TIMER;
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	pull(65536);
	at("pre 1 down 2");
}
END_TEST

/* A peer that came and went while nobody pulled is not mentioned. */
START_TEST(peer_that_was_never_told)
{
	configure(IPC_BMP_IN_PRE);
	attach();
	pull(65536);
	rig_up(&rig, 2, 65002, true);
	announce(2, "10.9.0.0/16");
	rig_down(&rig, 2, PEER_DOWN_FLUSH);
	rig_work(&rig);
	pull(65536);
	ck_assert_uint_eq(nlines, 0);
}
END_TEST

/* Paths of a peer that restarts gracefully count again once it has said them again. */
START_TEST(graceful_restart)
{
	configure(IPC_BMP_IN_PRE);
	attach();
	announce(1, "10.9.0.0/16");
	announce(1, "10.8.0.0/16");
	pull(65536);
	rig_down(&rig, 1, PEER_DOWN_KEEP);
	rig_work(&rig);
	pull(65536);
	ck_assert_uint_eq(nlines, 1);
	rig_peer(&rig, 1)->peer->neg.gr_forwarding = 3;
	rig_up(&rig, 1, 65001, true);
	announce(1, "10.9.0.0/16");
	pull(65536);
	at("pre 1 up");
	at("pre 1 +10.9.0.0/16");
	ck_assert_uint_eq(said("pre 1 +10.8.0.0/16", NULL), 0);
}
END_TEST

/* Small pieces, and changes between them: nothing is lost, nothing stays. */
START_TEST(walks_in_slices)
{
	static uint8_t buf[SPEAKER_FEED_MIN];
	char prefix[IP_PREFIX_STRLEN];
	unsigned k;

	for (k = 0; k < 2000; k++) {
		snprintf(prefix, sizeof(prefix), "10.%u.%u.0/24", k / 256, k % 256);
		rig_announce(&rig, 1, prefix, (uint32_t[]){ 65001, 1 + k % 1000, 0 }, 1, NULL);
	}
	rig_work(&rig);
	configure(IPC_BMP_IN_PRE | IPC_BMP_LOC_RIB);
	attach();
	speaker_feed_output(rig.sp, rig.now, feed, buf, sizeof(buf)); /* the Initiation */
	speaker_feed_output(rig.sp, rig.now, feed, buf, sizeof(buf));
	ck_assert_uint_gt(collector()->af[0].path_at, 10);
	ck_assert_uint_lt(collector()->af[0].path_at, 1000);
	rig_withdraw(&rig, 1, "10.7.100.0/24"); /* ahead of the walk */
	rig_withdraw(&rig, 1, "10.0.3.0/24");	/* behind it */
	announce(1, "10.200.0.0/24");
	rig_work(&rig);
	pull(SPEAKER_FEED_MIN);
	ck_assert_uint_eq(said("pre 1 +10.7.100.0/24", NULL), 0);
	ck_assert_uint_eq(said("pre 1 -10.7.100.0/24", NULL), 0);
	at("pre 1 -10.0.3.0/24");
	at("pre 1 +10.200.0.0/24");
	at("pre 1 +10.7.99.0/24");
	at("loc +10.7.99.0/24");
	at("pre 1 eor4");
}
END_TEST

/* The best path that the walk comes to next gets better: that is said once, as it is now. */
START_TEST(change_just_ahead_of_the_walk)
{
	static uint8_t buf[SPEAKER_FEED_MIN];
	char prefix[IP_PREFIX_STRLEN], want[IP_PREFIX_STRLEN + 5];
	struct ip_prefix next;
	unsigned k;

	for (k = 0; k < 2000; k++) {
		snprintf(prefix, sizeof(prefix), "10.%u.%u.0/24", k / 256, k % 256);
		rig_announce(&rig, 1, prefix, (uint32_t[]){ 65001, 1 + k % 1000, 0 }, 1, NULL);
	}
	rig_work(&rig);
	configure(IPC_BMP_LOC_RIB);
	attach();
	speaker_feed_output(rig.sp, rig.now, feed, buf, sizeof(buf)); /* the Initiation */
	speaker_feed_output(rig.sp, rig.now, feed, buf, sizeof(buf));
	ck_assert_uint_gt(collector()->af[0].dest_at, 10);
	ck_assert_uint_lt(collector()->af[0].dest_at, 1000);
	next = rib_prefix(&rig.sp->rib[0], collector()->af[0].dest_at);
	announce(1, ip_prefix_str(&next, prefix));
	pull(SPEAKER_FEED_MIN);
	snprintf(want, sizeof(want), "loc +%s", prefix);
	at(want);
}
END_TEST

START_TEST(statistics)
{
	conf.stats_s = 60;
	configure(IPC_BMP_IN_PRE | IPC_BMP_LOC_RIB);
	attach();
	pull(65536);
	rig_pass(&rig, 60 * SECOND - 1);
	pull(65536);
	ck_assert_uint_eq(nlines, 0);
	rig_pass(&rig, 1);
	pull(65536);
	at("pre 1 stats");
	at("loc stats");
	rig_pass(&rig, 60 * SECOND);
	pull(65536);
	at("pre 1 stats");
}
END_TEST

START_TEST(counts_for_statistics)
{
	const struct rpeer_counts *n = &rig_peer(&rig, 1)->counts;

	announce(1, "10.9.0.0/16");
	announce(1, "10.9.0.0/16");
	rig_withdraw(&rig, 1, "10.8.0.0/16");
	rig_announce(&rig, 1, "10.7.0.0/16", (uint32_t[]){ 65001, RIG_AS, 0 }, 1, NULL);
	ck_assert_uint_eq(n->dup_prefix, 1);
	ck_assert_uint_eq(n->dup_withdraw, 1);
	ck_assert_uint_eq(n->as_loop, 1);
	ck_assert_uint_eq(n->rejected, 1);
}
END_TEST

/* ---- in any order ------------------------------------------------------------------------ */

#define PREFIXES 40
#define PEERS	 3

/* What a collector knows after all it was told. */
static struct {
	bool up[PEERS + 1];
	bool pre[PEERS + 1][PREFIXES], post[PEERS + 1][PREFIXES], loc[PREFIXES];
} known;

static void
learn_route(const char *text)
{
	unsigned k = 0, p;
	char rib[8] = "", sign;

	if (sscanf(text, "loc %c10.0.%u.0/24", &sign, &p) == 2) {
		known.loc[p] = sign == '+';
	} else if (sscanf(text, "%7s %u %c10.0.%u.0/24", rib, &k, &sign, &p) == 4) {
		ck_assert_msg(known.up[k], "%s, and it is not up", text);
		if (strcmp(rib, "pre") == 0)
			known.pre[k][p] = sign == '+';
		else
			known.post[k][p] = sign == '+';
	}
}

static void
learn(void)
{
	unsigned n, k;

	for (n = 0; n < nlines; n++) {
		char what[16] = "";

		if (sscanf(line[n], "pre %u %15s", &k, what) == 2 && strcmp(what, "up") == 0) {
			ck_assert(!known.up[k]);
			known.up[k] = true;
		} else if (strcmp(what, "down") == 0) {
			ck_assert(known.up[k]);
			known.up[k] = false;
			memset(known.pre[k], 0, sizeof(known.pre[k]));
			memset(known.post[k], 0, sizeof(known.post[k]));
		} else {
			learn_route(line[n]);
		}
	}
}

/* The collector has gone and comes again: it knows nothing. */
static void
attach_again(void)
{
	speaker_feed_closed(rig.sp, rig.now, feed, 0);
	memset(&known, 0, sizeof(known));
	while (collector()->state == IPC_BMP_WAITING)
		rig_pass(&rig, SECOND);
	attach();
}

static void
random_change(struct rng *r)
{
	unsigned k = 1 + (unsigned)rng_range(r, 0, PEERS - 1);
	struct rpeer *rp = rig_peer(&rig, k);
	bool up = !mono_is_never(rp->up_since);
	char prefix[IP_PREFIX_STRLEN];

	snprintf(prefix, sizeof(prefix), "10.0.%u.0/24", (unsigned)rng_range(r, 0, PREFIXES - 1));
	switch (rng_range(r, 0, 19)) {
	case 0:
		if (up)
			rig_down(&rig, k, rng_range(r, 0, 1) ? PEER_DOWN_FLUSH : PEER_DOWN_KEEP);
		break;
	case 1:
		rig.peer[k].import_all = !rig.peer[k].import_all;
		rig_configure(&rig, NULL);
		break;
	case 2:
		if (rng_range(r, 0, 3) == 0)
			attach_again();
		break;
	case 3:
		rig_pass(&rig, SECOND * rng_range(r, 0, 200));
		break;
	default:
		if (!up) {
			rp->peer->neg.gr_forwarding = 3;
			rig_up(&rig, k, 65000 + k, true);
		} else if (rng_range(r, 0, 2) == 0) {
			rig_withdraw(&rig, k, prefix);
		} else {
			rig_announce(&rig, k, prefix,
			    (uint32_t[]){ 65000 + k, 1 + (uint32_t)rng_range(r, 0, 2), 0 },
			    (uint8_t)k, NULL);
		}
	}
	if (rng_range(r, 0, 1))
		rig_work(&rig);
}

/* Stale paths may be known or not: they count again once they were said again. */
static void
check_path(unsigned k, unsigned p, uint32_t dest)
{
	const struct rpeer *rp = rig_peer(&rig, k);
	uint32_t id = dest ? rib_path_find(&rig.sp->rib[0], dest, rp->index, 0) : 0;
	const struct path *path = id ? rib_path(&rig.sp->rib[0], id) : NULL;
	bool there = path && !mono_is_never(rp->up_since) && adjin_live(rig.sp, 0, path);

	if (there && adjin_stale(rig.sp, 0, path))
		return;
	ck_assert_msg(known.pre[k][p] == there, "pre %u %u: %d, is %d", k, p, known.pre[k][p], there);
	there = there && path_reason(path) == REJECT_NONE;
	ck_assert_msg(known.post[k][p] == there, "post %u %u: %d, is %d", k, p, known.post[k][p],
	    there);
}

static void
check_known(void)
{
	unsigned k, p;

	for (p = 0; p < PREFIXES; p++) {
		struct ip_prefix prefix = { .af = IP4, .len = 24, .b = { 10, 0, (uint8_t)p } };
		uint32_t dest = rib_find(&rig.sp->rib[0], &prefix);

		for (k = 1; k <= PEERS; k++)
			check_path(k, p, dest);
		ck_assert_msg(known.loc[p] == (dest && rib_dest(&rig.sp->rib[0], dest)->used > 0),
		    "loc %u", p);
	}
}

/* Whatever happens and whenever it is told: what the collector knows in the end is what there is. */
START_TEST(any_order_of_changes)
{
	struct rng r;
	unsigned k, round;

	rng_seed(&r, (uint64_t)_i + 1);
	memset(&known, 0, sizeof(known));
	configure(IPC_BMP_IN_PRE | IPC_BMP_IN_POST | IPC_BMP_LOC_RIB);
	attach();
	for (round = 0; round < 10; round++) {
		for (k = 0; k < 60; k++) {
			random_change(&r);
			if (rng_range(&r, 0, 3) == 0) {
				pull_some(SPEAKER_FEED_MIN, 1 + (unsigned)rng_range(&r, 0, 2));
				learn();
			}
		}
		rig_work(&rig);
		pull(65536);
		learn();
		check_known();
	}
}
END_TEST

/* ---- those that do not listen --------------------------------------------------------------- */

START_TEST(stalled_collector_is_given_up)
{
	configure(IPC_BMP_IN_PRE);
	attach();
	pull(65536);
	speaker_feed_blocked(rig.sp, rig.now, feed, rig.now);
	rig_pass(&rig, 5 * SECOND - 1);
	ck_assert_uint_eq(collector()->state, IPC_BMP_UP);
	speaker_feed_blocked(rig.sp, rig.now, feed, MONO_NEVER);
	rig_pass(&rig, 5 * SECOND);
	ck_assert_uint_eq(collector()->state, IPC_BMP_UP);
	speaker_feed_blocked(rig.sp, rig.now, feed, rig.now);
	rig_pass(&rig, 5 * SECOND);
	ck_assert_uint_ge(collector()->overflows, 1);
	ck_assert_ptr_null(collector()->feed);
	ck_assert_ptr_nonnull(strstr(collector()->reason, "stopped reading"));
	ck_assert(speaker_feed_ended(rig.sp, feed));
}
END_TEST

/* What waits for a collector has a bound, and what waits as a bit costs no more. */
START_TEST(queue_is_bounded)
{
	char prefix[IP_PREFIX_STRLEN];
	unsigned round, k;

	configure(IPC_BMP_IN_PRE);
	attach();
	ck_assert_uint_eq(collector()->feed->q.max, BMP_QUEUE_OCTETS);
	collector()->feed->q.max = 65536; /* a smaller one is sooner full */
	pull(65536);
	for (round = 0; round < 20 && collector()->feed; round++)
		for (k = 0; k < 2000 && collector()->feed; k++) {
			snprintf(prefix, sizeof(prefix), "10.%u.%u.0/24", k / 256, k % 256);
			announce(1, prefix);
			rig_withdraw(&rig, 1, prefix);
			if (collector()->feed)
				ck_assert_uint_le(collector()->feed->q.cap, 65536);
		}
	ck_assert_ptr_null(collector()->feed);
	ck_assert_uint_eq(collector()->overflows, 1);
	ck_assert_uint_gt(collector()->dropped, 0);
	ck_assert_ptr_nonnull(strstr(collector()->reason, "reads too slowly"));
	announce(1, "10.9.0.0/16");
	rig_pass(&rig, SECOND);
	attach();
	pull(65536);
	at("pre 1 up");
	at("pre 1 +10.9.0.0/16");
	ck_assert_uint_eq(said("pre 1 +10.0.0.0/24", NULL), 0);
	at("pre 1 eor4");
}
END_TEST

/* RFC 7854 section 3.2: a backoff. */
START_TEST(pauses_grow)
{
	uint64_t waited[8] = { 0 };
	unsigned k;

	configure(IPC_BMP_IN_PRE);
	for (k = 0; k < 8; k++) {
		rig_work(&rig);
		speaker_bmp_failed(rig.sp, rig.now, 1, collector()->token, 111, "refused");
		ck_assert_uint_eq(collector()->state, IPC_BMP_WAITING);
		for (; collector()->state == IPC_BMP_WAITING; waited[k] += 1000)
			rig_pass(&rig, 1000);
	}
	ck_assert_uint_le(waited[0], SECOND + 1000);
	ck_assert_uint_ge(waited[0], 3 * SECOND / 4);
	ck_assert_uint_ge(waited[1], 2 * 3 * SECOND / 4);
	ck_assert_uint_ge(waited[4], 16 * 3 * SECOND / 4);
	ck_assert_uint_le(waited[7], 16 * SECOND + 1000);
}
END_TEST

START_TEST(lost_connection_is_made_again)
{
	configure(IPC_BMP_IN_PRE);
	attach();
	announce(1, "10.9.0.0/16");
	pull(65536);
	speaker_feed_closed(rig.sp, rig.now, feed, 0);
	ck_assert_str_eq(collector()->reason, "it has closed the connection");
	rig_withdraw(&rig, 1, "10.9.0.0/16");
	announce(1, "10.8.0.0/16");
	rig_pass(&rig, SECOND);
	attach();
	pull(65536);
	at(" initiation");
	at("pre 1 +10.8.0.0/16");
	ck_assert_uint_eq(said("pre 1 +10.9.0.0/16", NULL), 0);
}
END_TEST

/* ---- configuration and the end ------------------------------------------------------------------ */

START_TEST(kept_changed_removed)
{
	uint32_t first;

	configure(IPC_BMP_IN_PRE | IPC_BMP_LOC_RIB);
	attach();
	first = feed;
	pull(65536);
	configure(IPC_BMP_IN_PRE | IPC_BMP_LOC_RIB);
	ck_assert_uint_eq(collector()->state, IPC_BMP_UP);
	configure(IPC_BMP_LOC_RIB);
	pull(65536);
	ck_assert_uint_lt(at("loc down 6"), at(" termination"));
	ck_assert(speaker_feed_ended(rig.sp, first));
	speaker_feed_closed(rig.sp, rig.now, first, 0);
	attach();
	pull(65536);
	speaker_bmp_configure(rig.sp, rig.now, NULL, 0);
	ck_assert(list_is_empty(&rig.sp->feeds.collectors));
	pull(65536);
	at(" termination");
}
END_TEST

START_TEST(shutdown_says_goodbye)
{
	configure(IPC_BMP_IN_PRE);
	attach();
	pull(65536);
	speaker_shutdown(rig.sp, rig.now, IPC_SHUT_STOP, NULL);
	pull(65536);
	at(" termination");
	ck_assert_uint_eq(speaker_bmp_connected(rig.sp, rig.now, 1, collector()->token), 0);
}
END_TEST

START_TEST(stale_token_is_not_wanted)
{
	configure(IPC_BMP_IN_PRE);
	rig_work(&rig);
	ck_assert_uint_eq(speaker_bmp_connected(rig.sp, rig.now, 1, collector()->token + 1), 0);
	ck_assert_uint_eq(speaker_bmp_connected(rig.sp, rig.now, 2, collector()->token), 0);
	ck_assert_uint_eq(collector()->state, IPC_BMP_CONNECTING);
}
END_TEST

START_TEST(row)
{
	struct speaker_cursor c = { .q = { .id = 4, .kind = IPC_Q_BMP } };
	struct ipc_row_bmp r;

	configure(IPC_BMP_IN_PRE | IPC_BMP_LOC_RIB);
	attach();
	announce(1, "10.9.0.0/16");
	pull(65536);
	ck_assert(speaker_next_bmp(rig.sp, rig.now, &c, &r));
	ck_assert_uint_eq(r.query, 4);
	ck_assert_uint_eq(r.id, 1);
	ck_assert_uint_eq(r.state, IPC_BMP_UP);
	ck_assert_uint_eq(r.peers, 1);
	ck_assert_uint_eq(r.connects, 1);
	ck_assert_uint_eq(r.messages, 1 + 2 + 2 + 4); /* initiation, up, routes, End-of-RIB */
	ck_assert(!speaker_next_bmp(rig.sp, rig.now, &c, &r));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bmp");
	TCase *told = unit_case(s, "told"), *deaf = unit_case(s, "deaf"), *life = unit_case(s, "life");

	tcase_add_checked_fixture(told, setup, teardown);
	tcase_add_test(told, everything_there_is_then_end_of_rib);
	tcase_add_loop_test(told, only_what_was_chosen, 0, NROWS(chosen));
	tcase_add_test(told, changes_afterwards);
	tcase_add_test(told, newest_state_only);
	tcase_add_test(told, another_best_path);
	tcase_add_test(told, what_policy_refuses);
	tcase_add_test(told, peers_come_and_go);
	tcase_add_test(told, peer_that_was_never_told);
	tcase_add_test(told, graceful_restart);
	tcase_add_test(told, walks_in_slices);
	tcase_add_test(told, change_just_ahead_of_the_walk);
	tcase_add_test(told, statistics);
	tcase_add_test(told, counts_for_statistics);
	tcase_add_loop_test(told, any_order_of_changes, 0, 40);
	tcase_add_checked_fixture(deaf, setup, teardown);
	tcase_add_test(deaf, stalled_collector_is_given_up);
	tcase_set_timeout(deaf, 60); /* 3 s of work, on a machine that may be busy */
	tcase_add_test(deaf, queue_is_bounded);
	tcase_add_test(deaf, pauses_grow);
	tcase_add_test(deaf, lost_connection_is_made_again);
	tcase_add_checked_fixture(life, setup, teardown);
	tcase_add_test(life, kept_changed_removed);
	tcase_add_test(life, shutdown_says_goodbye);
	tcase_add_test(life, stale_token_is_not_wanted);
	tcase_add_test(life, row);
	return unit_run(s);
}
