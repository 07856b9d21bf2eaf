/*
 * Router advertisements: what is a proper packet (one row per rule of RFC 4861 section 6.1), who
 * becomes and stays the neighbour, what is sent when; and a speaker with an unnumbered peer.
 */
#include <stdio.h>

#include "bgpd/core/radv.h"
#include "bgpd/core/speaker.h"
#include "tests/unit/unit.h"

#define S(n) ((n) * UINT64_C(1000000))

static const uint8_t plain[RADV_ADVERT_OCTETS] = { RADV_ADVERT };

static struct mono_us
at_s(uint64_t s)
{
	return (struct mono_us){ S(1000 + s) };
}

static struct radv_packet
packet(const uint8_t *p, size_t octets, const char *from)
{
	return (struct radv_packet){ .p = p, .octets = octets, .from = ad(from), .ifindex = 7,
		.hop_limit = RADV_HOP_LIMIT };
}

/* ---- packets ------------------------------------------------------------------------ */

#define ADVERT	134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0
#define SOLICIT 133, 0, 0, 0, 0, 0, 0, 0
#define MAC	1, 1, 2, 0, 0, 0, 0, 1
#define ROUTER	"fe80::1"

static const struct {
	const char *what; /* RFC 4861 */
	const uint8_t *p;
	size_t octets;
	const char *from;
	int hops;
	const char *why; /* begins so; NULL: it is proper */
} packets[] = {
	{ "6.1.2: an advertisement", HEX(ADVERT), ROUTER, 255, NULL },
	{ "4.2: with a link-layer address", HEX(ADVERT, MAC), ROUTER, 255, NULL },
	{ "4.2: with an option nobody knows", HEX(ADVERT, 200, 1, 0, 0, 0, 0, 0, 0, MAC), ROUTER, 255, NULL },
	{ "6.1.2: from a global address", HEX(ADVERT), "2001:db8::1", 255, "a router advertisement that comes from no" },
	{ "6.1.2: from nowhere", HEX(ADVERT), "::", 255, "a router advertisement that comes from no" },
	{ "6.1.2: hop limit 64", HEX(ADVERT), ROUTER, 64, "a hop limit" },
	{ "6.1.2: hop limit 254", HEX(ADVERT), ROUTER, 254, "a hop limit" },
	{ "6.1.2: hop limit not told", HEX(ADVERT), ROUTER, -1, "a hop limit" },
	{ "6.1.2: code 1", HEX(134, 1, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0), ROUTER, 255, "a code" },
	{ "6.1.2: 15 octets", HEX(134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0), ROUTER, 255, "a router advertisement that is too short" },
	{ "6.1.2: an option of length 0", HEX(ADVERT, 1, 0, 2, 0, 0, 0, 0, 1), ROUTER, 255, "a router advertisement with malformed" },
	{ "6.1.2: an option beyond the end", HEX(ADVERT, 1, 2, 2, 0, 0, 0, 0, 1), ROUTER, 255, "a router advertisement with malformed" },
	{ "6.1.2: half an option", HEX(ADVERT, 1, 1, 2), ROUTER, 255, "a router advertisement with malformed" },
	{ "6.1.2: an option's type alone", HEX(ADVERT, 1), ROUTER, 255, "a router advertisement with malformed" },
	{ "6.1.1: a solicitation", HEX(SOLICIT), ROUTER, 255, NULL },
	{ "6.1.1: with a link-layer address", HEX(SOLICIT, MAC), ROUTER, 255, NULL },
	{ "6.1.1: from nowhere", HEX(SOLICIT), "::", 255, NULL },
	{ "6.1.1: from nowhere with a link-layer address", HEX(SOLICIT, MAC), "::", 255, "a router solicitation from nowhere" },
	{ "6.1.1: hop limit 1", HEX(SOLICIT), ROUTER, 1, "a hop limit" },
	{ "6.1.1: code 9", HEX(133, 9, 0, 0, 0, 0, 0, 0), ROUTER, 255, "a code" },
	{ "6.1.1: 7 octets", HEX(133, 0, 0, 0, 0, 0, 0), ROUTER, 255, "a router solicitation that is too short" },
	{ "6.1.1: an option of length 0", HEX(SOLICIT, 1, 0, 2, 0, 0, 0, 0, 1), ROUTER, 255, "a router solicitation with malformed" },
	{ "an echo request", HEX(128, 0, 0, 0, 0, 0, 0, 0), ROUTER, 255, "an ICMPv6 message of another" },
	{ "a neighbour advertisement", HEX(136, 0, 0, 0, 0, 0, 0, 0), ROUTER, 255, "an ICMPv6 message of another" },
	{ "three octets", HEX(134, 0, 0), ROUTER, 255, "an ICMPv6 message that is too short" },
	{ "an IPv4 sender", HEX(ADVERT), "169.254.0.1", 255, "an ICMPv6 message without" },
};

START_TEST(packets_are_judged)
{
	struct radv_packet in = packet(packets[_i].p, packets[_i].octets, packets[_i].from);
	enum radv_type type = 0;
	const char *why;

	in.hop_limit = packets[_i].hops;
	why = radv_decode(&in, &type);
	if (!packets[_i].why) {
		ck_assert_msg(!why, "%s: %s", packets[_i].what, why);
		ck_assert_int_eq((int)type, packets[_i].p[0]);
	} else {
		ck_assert_msg(why && strncmp(why, packets[_i].why, strlen(packets[_i].why)) == 0,
		    "%s: %s", packets[_i].what, why ? why : "taken");
	}
}
END_TEST

START_TEST(nothing_is_no_packet)
{
	struct radv_packet in = packet(NULL, 0, ROUTER);
	enum radv_type type;

	ck_assert_ptr_nonnull(radv_decode(&in, &type));
}
END_TEST

/* Nobody's default router: RFC 4861 section 4.2, Router Lifetime 0. */
START_TEST(ours_are_proper)
{
	static const enum radv_type types[] = { RADV_SOLICIT, RADV_ADVERT };
	uint8_t buf[64];

	for (unsigned i = 0; i < 2; i++) {
		struct wr w = wr_init(buf, sizeof(buf));
		struct radv_packet in;
		enum radv_type type;

		radv_encode(&w, types[i]);
		ck_assert(!w.full);
		in = packet(buf, wr_len(&w), ROUTER);
		ck_assert_ptr_null(radv_decode(&in, &type));
		ck_assert_int_eq((int)type, (int)types[i]);
	}
	ck_assert_uint_eq(buf[6] | buf[7], 0);
}
END_TEST

/* ---- neighbours ------------------------------------------------------------------------- */

struct net {
	struct radv r;
	struct rng rng;
	struct radv_link *l;
};

static struct net net;

static void
setup(void)
{
	rng_seed(&net.rng, 5);
	radv_init(&net.r, &net.rng);
	net.l = radv_add(&net.r, at_s(0), 7);
}

static void
teardown(void)
{
	radv_free(&net.r);
}

static enum radv_news
hear(uint64_t s, const char *from)
{
	struct radv_packet in = packet(plain, sizeof(plain), from);
	struct radv_link *l = NULL;

	return radv_input(&net.r, at_s(s), &in, &l);
}

static void
neighbour_is(const char *want)
{
	char buf[IP_ADDR_STRLEN];
	struct ip_addr bare = net.l->neighbour;

	bare.ifindex = 0;
	ck_assert_str_eq(bare.af ? ip_addr_str(&bare, buf) : "nobody", want);
	ck_assert(!bare.af || net.l->neighbour.ifindex == 7);
}

static void send_for(uint64_t s, uint64_t seconds, unsigned *adverts, unsigned *solicits);

START_TEST(the_first_stays)
{
	ck_assert_int_eq(hear(1, "fe80::1"), RADV_FOUND);
	ck_assert_int_eq(hear(2, "fe80::1"), RADV_NOTHING);
	ck_assert_int_eq(hear(3, "fe80::2"), RADV_OTHER);
	ck_assert_int_eq(hear(4, "fe80::2"), RADV_NOTHING); /* told already */
	ck_assert_int_eq(hear(16, "fe80::3"), RADV_NOTHING);
	neighbour_is("fe80::1");
	ck_assert_int_eq(hear(70, "fe80::1"), RADV_NOTHING);
	ck_assert_int_eq(hear(80, "fe80::2"), RADV_OTHER); /* a minute later it is told again */
}
END_TEST

START_TEST(a_silent_one_is_replaced)
{
	hear(1, "fe80::1");
	ck_assert_int_eq(hear(15, "fe80::2"), RADV_OTHER);
	ck_assert_int_eq(hear(16, "fe80::2"), RADV_FOUND);
	neighbour_is("fe80::2");
}
END_TEST

START_TEST(one_with_a_session_is_not)
{
	hear(1, "fe80::1");
	radv_busy(net.l, at_s(2), true);
	ck_assert_int_eq(hear(500, "fe80::2"), RADV_OTHER);
	ck_assert_ptr_null(radv_expire(&net.r, at_s(1000)));
	radv_busy(net.l, at_s(1000), false);
	ck_assert_int_eq(hear(1000, "fe80::2"), RADV_FOUND); /* silent since 1 s */
}
END_TEST

START_TEST(without_a_session_it_is_forgotten)
{
	hear(1, "fe80::1");
	ck_assert_ptr_null(radv_expire(&net.r, at_s(45)));
	ck_assert_ptr_eq(radv_expire(&net.r, at_s(46)), net.l);
	ck_assert_ptr_null(radv_expire(&net.r, at_s(46)));
	neighbour_is("nobody");
	ck_assert_int_eq(hear(47, "fe80::1"), RADV_FOUND);
	radv_busy(net.l, at_s(48), true);
	radv_busy(net.l, at_s(200), false); /* the session was proof of it until now */
	ck_assert_ptr_null(radv_expire(&net.r, at_s(244)));
	ck_assert_ptr_eq(radv_expire(&net.r, at_s(245)), net.l);
}
END_TEST

START_TEST(a_flood_costs_nothing)
{
	char from[32];

	hear(1, "fe80::1");
	radv_busy(net.l, at_s(1), true);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(from, sizeof(from), "fe80::1:%x", i);
		ck_assert_int_eq(hear(2, from), i == 0 ? RADV_OTHER : RADV_NOTHING);
	}
	neighbour_is("fe80::1");
}
END_TEST

START_TEST(connections_follow_the_same_rule)
{
	struct ip_addr one = ad("fe80::1"), two = ad("fe80::2");

	ck_assert(radv_accept(net.l, at_s(1), &one)); /* it was quicker than its advertisement */
	neighbour_is("fe80::1");
	ck_assert(!radv_accept(net.l, at_s(2), &two));
	ck_assert(radv_accept(net.l, at_s(3), &one));
	ck_assert(radv_accept(net.l, at_s(18), &two));
	radv_cut(net.l, at_s(19));
	neighbour_is("fe80::2");
	ck_assert(radv_accept(net.l, at_s(19), &one));
}
END_TEST

/* The cable may lead elsewhere now; it is asked at once, and the old one is called meanwhile. */
START_TEST(a_cut_link_is_looked_at_again)
{
	unsigned adverts, solicits;

	hear(1, "fe80::1");
	radv_busy(net.l, at_s(2), true);
	send_for(2, 60, &adverts, &solicits);
	radv_busy(net.l, at_s(62), false);
	radv_cut(net.l, at_s(62));
	neighbour_is("fe80::1");
	send_for(62, 5, &adverts, &solicits);
	ck_assert_uint_ge(solicits, 4);
	ck_assert_uint_ge(adverts, 2);
	ck_assert_int_eq(hear(67, "fe80::2"), RADV_FOUND);
	radv_cut(net.l, at_s(68));
	ck_assert_ptr_null(radv_expire(&net.r, at_s(112)));
	ck_assert_ptr_eq(radv_expire(&net.r, at_s(113)), net.l);
}
END_TEST

/* However often the cable moves, and whoever asks meanwhile: RFC 4861 section 6.2.6. */
START_TEST(a_link_that_flaps_is_not_flooded)
{
	static const uint8_t ask[RADV_SOLICIT_OCTETS] = { RADV_SOLICIT };
	struct radv_packet in = packet(ask, sizeof(ask), "fe80::1");
	unsigned adverts, solicits, sum = 0;
	struct radv_link *l;

	hear(1, "fe80::1");
	for (unsigned s = 1; s <= 30; s++) {
		radv_cut(net.l, at_s(s));
		radv_input(&net.r, at_s(s), &in, &l);
		send_for(s, 1, &adverts, &solicits); /* looks at the time between two */
		ck_assert_uint_ge(solicits, 1);
		sum += adverts;
	}
	ck_assert_uint_ge(sum, 9);
	ck_assert_uint_le(sum, 11);
}
END_TEST

START_TEST(other_links_are_nothing)
{
	struct radv_packet in = packet(plain, sizeof(plain), ROUTER);
	struct radv_link *l = NULL;

	in.ifindex = 8;
	ck_assert_int_eq(radv_input(&net.r, at_s(1), &in, &l), RADV_NOTHING);
	ck_assert_ptr_null(l);
	in.ifindex = 7;
	in.hop_limit = 64;
	ck_assert_int_eq(radv_input(&net.r, at_s(1), &in, &l), RADV_NOTHING);
	ck_assert_uint_eq(net.r.refused, 1);
	neighbour_is("nobody");
	ck_assert_ptr_eq(radv_add(&net.r, at_s(2), 7), net.l);
	radv_remove(net.l);
	ck_assert_ptr_null(radv_find(&net.r, 7));
	ck_assert(mono_is_never(radv_deadline(&net.r)));
}
END_TEST

/* ---- what is sent -------------------------------------------------------------------------- */

/* Count what is sent from s on for so many seconds. */
static void
send_for(uint64_t s, uint64_t seconds, unsigned *adverts, unsigned *solicits)
{
	struct mono_us end = at_s(s + seconds), last_advert = net.l->advert_last;
	enum radv_type type;
	uint32_t ifindex;

	*adverts = *solicits = 0;
	for (;;) {
		struct mono_us now = radv_deadline(&net.r);

		if (!mono_before(now, end))
			return;
		if (mono_before(now, at_s(s)))
			now = at_s(s);
		ck_assert_msg(radv_next(&net.r, now, &ifindex, &type), "nothing at the deadline");
		ck_assert_uint_eq(ifindex, 7);
		*adverts += type == RADV_ADVERT;
		*solicits += type == RADV_SOLICIT;
		if (type == RADV_ADVERT && last_advert.us)
			ck_assert_uint_ge(mono_diff_us(now, last_advert), S(3)); /* MIN_DELAY_BETWEEN_RAS */
		if (type == RADV_ADVERT)
			last_advert = now;
	}
}

START_TEST(searching_is_brisk)
{
	unsigned adverts, solicits;

	send_for(0, 30, &adverts, &solicits);
	ck_assert_uint_ge(adverts, 8); /* every 3 to 4 s: RFC 4861 section 6.2.1 */
	ck_assert_uint_le(adverts, 11);
	ck_assert_uint_ge(solicits, 24);
	ck_assert_uint_le(solicits, 31);
	send_for(60, 60, &adverts, &solicits);
	ck_assert_uint_le(solicits, 16); /* slower by now */
	ck_assert_uint_ge(solicits, 11);
}
END_TEST

START_TEST(a_neighbour_makes_it_calm)
{
	unsigned adverts, solicits;

	hear(0, "fe80::1");
	radv_busy(net.l, at_s(0), true);
	send_for(0, 120, &adverts, &solicits);
	ck_assert_uint_eq(solicits, 0);
	ck_assert_uint_ge(adverts, 12); /* three at first, then every 7.5 to 10 s */
	ck_assert_uint_le(adverts, 18);
	radv_busy(net.l, at_s(120), false);
	send_for(120, 24, &adverts, &solicits);
	ck_assert_uint_eq(solicits, 0);
	send_for(145, 19, &adverts, &solicits); /* about to be forgotten: is it there? */
	ck_assert_uint_ge(solicits, 10);
}
END_TEST

START_TEST(solicitations_are_answered)
{
	static const uint8_t ask[RADV_SOLICIT_OCTETS] = { RADV_SOLICIT };
	struct radv_packet in = packet(ask, sizeof(ask), "fe80::1");
	unsigned adverts, solicits;
	struct radv_link *l;

	hear(0, "fe80::1");
	radv_busy(net.l, at_s(0), true);
	send_for(0, 60, &adverts, &solicits);
	net.l->advert_at = at_s(70);
	net.l->advert_last = at_s(58);
	for (unsigned i = 0; i < 100; i++)
		radv_input(&net.r, at_s(61), &in, &l);
	ck_assert_uint_le(mono_diff_us(radv_deadline(&net.r), at_s(61)), 100000);
	net.l->advert_at = at_s(70);
	net.l->advert_last = at_s(60);
	radv_input(&net.r, at_s(61), &in, &l); /* not within 3 s of the last one */
	ck_assert_uint_eq(radv_deadline(&net.r).us, at_s(63).us);
}
END_TEST

/* ---- a speaker ------------------------------------------------------------------------------ */

static struct speaker *sp;
static struct ipc_conf_peer conf;
static struct mono_us now;
static struct todo todos[512];
static unsigned ntodos;

static void
configure(void)
{
	struct ipc_conf_speaker c = { .asn = 65001, .router_id = 1, .multipath = 1 };
	struct ipc_conf_applied ret;

	speaker_configure(sp, now, &c, &conf, conf.id != 0, NULL, 0, &ret);
}

static struct ipc_event event; /* the last one */

static void
take_todos(void)
{
	struct todo t;

	ntodos = 0;
	event = (struct ipc_event){ 0 };
	while (speaker_next_todo(sp, &t))
		if (t.kind == TODO_EVENT)
			event = t.event;
		else if (ntodos < 512)
			todos[ntodos++] = t;
}

static unsigned
count(enum todo_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ntodos; i++)
		n += todos[i].kind == kind;
	return n;
}

static void
pass(uint64_t s)
{
	for (struct mono_us end = mono_add_s(now, s); mono_before(now, end);) {
		struct mono_us next;

		while (speaker_work(sp, now, 1000))
			;
		next = mono_min(speaker_deadline(sp), end);

		now = mono_before(now, next) ? next : now;
		speaker_timeout(sp, now);
	}
}

static void
speaker_setup(void)
{
	struct ipc_hello hello = { .version = IPC_VERSION, .seed = 3 };

	now = at_s(0);
	sp = speaker_new(now, &hello, NULL);
	conf = (struct ipc_conf_peer){ .id = 4, .name = "eth1", .ifname = "eth1", .unnumbered = true,
		.addr = { .af = IP6, .ifindex = 7 }, .asn_mode = IPC_ASN_EXTERNAL, .enabled = true,
		.families = 3, .hold_s = 9, .connect_retry_ms = 2000 };
	configure();
}

static void
speaker_teardown(void)
{
	speaker_free(sp);
}

static void
advert(const char *from)
{
	struct radv_packet in = packet(plain, sizeof(plain), from);

	speaker_ra_input(sp, now, &in);
}

static struct ipc_row_peer
row(void)
{
	struct speaker_cursor c = { .q = { .kind = IPC_Q_PEERS } };
	struct ipc_row_peer r;

	memset(&r, 0, sizeof(r));
	ck_assert(speaker_next_peer(sp, now, &c, &r));
	return r;
}

static struct ipc_endpoints
ends(const char *remote)
{
	struct ipc_endpoints ep = { .local = ad("fe80::ff"), .remote = ad(remote), .ifindex = 7 };

	ep.local.ifindex = ep.remote.ifindex = 7;
	return ep;
}

START_TEST(unheard_is_said_in_words)
{
	struct ipc_row_peer r;

	pass(12);
	take_todos();
	ck_assert_uint_eq(count(TODO_CONNECT), 0);
	ck_assert_uint_ge(count(TODO_RA_SEND), 12);
	ck_assert_uint_eq(todos[0].nh.ifindex, 7);
	r = row();
	ck_assert_int_eq(r.state, IPC_ACTIVE);
	ck_assert_str_eq(r.reason,
	    "no router advertisement heard on eth1 for 12 s; is the router sending them?");
}
END_TEST

START_TEST(found_is_told_then_connected_to)
{
	unsigned told = 0, asked = 0;

	take_todos();
	advert("fe80::1");
	take_todos();
	ck_assert_uint_eq(count(TODO_PEER_ADDR), 1);
	ck_assert_uint_eq(count(TODO_CONNECT), 1);
	for (unsigned i = 0; i < ntodos; i++) {
		told = todos[i].kind == TODO_PEER_ADDR ? i : told;
		asked = todos[i].kind == TODO_CONNECT ? i : asked;
	}
	ck_assert_uint_lt(told, asked);
	ck_assert_uint_eq(todos[told].nh.ifindex, 7);
	ck_assert_uint_eq(todos[told].nh.b[15], 1);
	advert("fe80::1");
	configure(); /* the same again */
	take_todos();
	ck_assert_uint_eq(count(TODO_PEER_ADDR) + count(TODO_CONNECT), 0);
}
END_TEST

/* Solicitations are for who searches; what the log has to say about neighbours. */
START_TEST(neighbours_come_and_go_in_the_log)
{
	unsigned asked = 0;

	pass(3);
	take_todos();
	for (unsigned i = 0; i < ntodos; i++)
		asked += todos[i].kind == TODO_RA_SEND && !todos[i].on;
	ck_assert_uint_gt(asked, 0);
	ck_assert_uint_lt(asked, count(TODO_RA_SEND));
	advert("fe80::1");
	take_todos();
	ck_assert_str_eq(event.name, "neighbour-found");
	ck_assert_str_eq(event.text, "interface=eth1 address=fe80::1");
	advert("fe80::2");
	take_todos();
	ck_assert_str_eq(event.name, "second-router");
	ck_assert(strstr(event.text, "address=fe80::2 ") && strstr(event.text, "fe80::1 stays"));
	pass(10);
	take_todos();
	for (unsigned i = 0; i < ntodos; i++)
		ck_assert(todos[i].kind != TODO_RA_SEND || todos[i].on);
	pass(36);
	take_todos();
	ck_assert_str_eq(event.name, "neighbour-lost");
	ck_assert(strstr(event.text, "address=fe80::1 "));
}
END_TEST

START_TEST(another_router_ends_the_attempt)
{
	struct ipc_endpoints ep = ends("fe80::1");
	const char *why;

	advert("fe80::1");
	take_todos();
	ck_assert_uint_ne(speaker_conn_connected(sp, now, 4, todos[ntodos - 1].token, &ep, &why), 0);
	pass(16);
	take_todos();
	advert("fe80::2");
	take_todos();
	ck_assert_uint_eq(count(TODO_PEER_ADDR), 1);
	ck_assert_uint_eq(count(TODO_CLOSE), 1);
	ck_assert_uint_eq(count(TODO_CONNECT), 1);
}
END_TEST

START_TEST(silence_ends_dialling)
{
	struct ipc_row_peer r;

	advert("fe80::1");
	take_todos();
	pass(46);
	take_todos();
	ck_assert_uint_ge(count(TODO_PEER_ADDR), 1);
	r = row();
	ck_assert(strncmp(r.reason, "no router advertisement heard on eth1 for 1 s", 45) == 0);
	pass(10);
	take_todos();
	ck_assert_uint_eq(count(TODO_CONNECT), 0);
}
END_TEST

START_TEST(who_connects_first_is_taken)
{
	struct ipc_endpoints one = ends("fe80::1"), two = ends("fe80::2"), far = ends("2001:db8::1");
	struct ipc_endpoints elsewhere = ends("fe80::1");
	const char *why = NULL;

	elsewhere.remote.ifindex = elsewhere.ifindex = 8;
	ck_assert_uint_eq(speaker_conn_accepted(sp, now, &far, &why), 0);
	ck_assert_uint_eq(speaker_conn_accepted(sp, now, &elsewhere, &why), 0);
	ck_assert_uint_ne(speaker_conn_accepted(sp, now, &one, &why), 0);
	take_todos();
	ck_assert_uint_eq(count(TODO_PEER_ADDR), 1);
	ck_assert_uint_eq(speaker_conn_accepted(sp, now, &two, &why), 0);
	ck_assert_str_eq(why, "another router on that link is the peer");
	advert("fe80::2");
	take_todos();
	ck_assert_uint_eq(count(TODO_PEER_ADDR), 0);
}
END_TEST

START_TEST(another_interface_is_another_search)
{
	advert("fe80::1");
	take_todos();
	conf.addr.ifindex = 9;
	configure();
	take_todos();
	ck_assert_uint_eq(count(TODO_CANCEL), 1);
	ck_assert_int_eq(row().state, IPC_ACTIVE);
	advert("fe80::1"); /* on 7 */
	pass(1);
	take_todos();
	ck_assert_uint_eq(count(TODO_PEER_ADDR), 0);
	for (unsigned i = 0; i < ntodos; i++)
		ck_assert(todos[i].kind != TODO_RA_SEND || todos[i].nh.ifindex == 9);
	conf.id = 0;
	configure();
	take_todos();
	pass(20);
	take_todos();
	ck_assert_uint_eq(count(TODO_RA_SEND), 0);
}
END_TEST

START_TEST(a_peer_that_is_switched_off_is_not_looked_for)
{
	take_todos();
	conf.enabled = false;
	configure();
	take_todos();
	pass(20);
	take_todos();
	ck_assert_uint_eq(count(TODO_RA_SEND), 0);
	advert("fe80::1");
	conf.enabled = true;
	configure();
	pass(1);
	take_todos();
	ck_assert_uint_ge(count(TODO_RA_SEND), 2);
	ck_assert_uint_eq(count(TODO_CONNECT), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("radv");
	TCase *t = unit_case(s, "packets");

	tcase_add_loop_test(t, packets_are_judged, 0, NROWS(packets));
	tcase_add_test(t, nothing_is_no_packet);
	tcase_add_test(t, ours_are_proper);
	t = unit_case(s, "neighbours");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_first_stays);
	tcase_add_test(t, a_silent_one_is_replaced);
	tcase_add_test(t, one_with_a_session_is_not);
	tcase_add_test(t, without_a_session_it_is_forgotten);
	tcase_add_test(t, a_flood_costs_nothing);
	tcase_add_test(t, connections_follow_the_same_rule);
	tcase_add_test(t, a_cut_link_is_looked_at_again);
	tcase_add_test(t, a_link_that_flaps_is_not_flooded);
	tcase_add_test(t, other_links_are_nothing);
	tcase_add_test(t, searching_is_brisk);
	tcase_add_test(t, a_neighbour_makes_it_calm);
	tcase_add_test(t, solicitations_are_answered);
	t = unit_case(s, "speaker");
	tcase_add_checked_fixture(t, speaker_setup, speaker_teardown);
	tcase_add_test(t, unheard_is_said_in_words);
	tcase_add_test(t, found_is_told_then_connected_to);
	tcase_add_test(t, neighbours_come_and_go_in_the_log);
	tcase_add_test(t, another_router_ends_the_attempt);
	tcase_add_test(t, silence_ends_dialling);
	tcase_add_test(t, who_connects_first_is_taken);
	tcase_add_test(t, another_interface_is_another_search);
	tcase_add_test(t, a_peer_that_is_switched_off_is_not_looked_for);
	return unit_run(s);
}
