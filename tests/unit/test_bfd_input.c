/*
 * BFD packets as they arrive: every rule of RFC 5880 section 6.8.6, demultiplexing, TTL.
 */
#include "tests/unit/bfdrig.h"
#include "tests/unit/unit.h"

static struct bfdrig rig;

/* One fault in an otherwise good packet of a session that is Up. */
static const struct rule_case {
	const char *clause;
	uint8_t at, octet; /* this octet is set so */
	size_t len;	   /* 0: all of it */
	enum bfd_rx want;
} rule_cases[] = {
	{ "nothing wrong", 0, 0x20, 0, BFD_RX_OK },
	{ "5880 s6.8.6: version 0", 0, 0x00, 0, BFD_RX_VERSION },
	{ "5880 s6.8.6: version 2", 0, 0x40, 0, BFD_RX_VERSION },
	{ "5880 s6.8.6: Length 23", 3, 23, 0, BFD_RX_LENGTH },
	{ "5880 s6.8.6: Length 0", 3, 0, 0, BFD_RX_LENGTH },
	{ "5880 s6.8.6: Length above the payload", 3, 25, 0, BFD_RX_OVERRUN },
	{ "5880 s6.8.6: Length 255", 3, 255, 0, BFD_RX_OVERRUN },
	{ "payload of 23 octets", 0, 0x20, 23, BFD_RX_SHORT },
	{ "payload of 1 octet", 0, 0x20, 1, BFD_RX_SHORT },
	{ "5880 s6.8.6: Detect Mult 0", 2, 0, 0, BFD_RX_MULTIPLIER },
	{ "5880 s6.8.6: M bit", 1, 0xc1, 0, BFD_RX_MULTIPOINT },
	{ "5880 s6.5: P and F", 1, 0xf0, 0, BFD_RX_POLL_FINAL },
	{ "5880 s6.8.6: A bit, no authentication in use; Length 24", 1, 0xc4, 0, BFD_RX_LENGTH },
	{ "D bit is the peer's wish", 1, 0xc2, 0, BFD_RX_OK },
	{ "C bit is the peer's wish", 1, 0xc8, 0, BFD_RX_OK },
	{ "5880 s6.8.6: My Discriminator 0", 6, 0, 0, BFD_RX_MY_DISCR },
};

static void
check_counts(enum bfd_rx want)
{
	struct bfd_view v = bfdrig_view(&rig);

	for (unsigned i = 0; i < BFD_RX_N; i++)
		ck_assert_uint_eq(v.n.drops[i], i == want && want != BFD_RX_OK);
}

START_TEST(rules_of_section_6_8_6)
{
	const struct rule_case *c = &rule_cases[_i];
	struct bfd_pkt p;
	uint8_t buf[BFD_OCTETS_MIN];
	struct wr w = wr_init(buf, sizeof(buf));
	uint64_t rx;

	bfdrig_init(&rig, NULL, NULL, 0);
	bfdrig_up(&rig);
	rx = bfdrig_view(&rig).n.rx;
	p = bfdrig_pkt(BFD_UP, bfdrig_view(&rig).discr);
	p.my_discr = 0x1100; /* so that one octet can make it 0 */
	bfd_pkt_encode(&p, &w);
	buf[c->at] = c->octet;
	ck_assert_msg(
	    bfdrig_octets(&rig, buf, c->len ? c->len : sizeof(buf)) == c->want, "%s", c->clause);
	check_counts(c->want);
	ck_assert_uint_eq(bfdrig_view(&rig).n.rx, rx + (c->want == BFD_RX_OK));
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_UP);
	bfdrig_free(&rig);
}
END_TEST

/* Your Discriminator and the state decide which session is looked for. */
static const struct demux_case {
	const char *clause;
	int your; /* 0, 1: the session's, 2: another */
	enum bfd_state state;
	const char *src, *dst;
	enum bfd_rx want;
} demux_cases[] = {
	{ "5880 s6.8.6: by discriminator", 1, BFD_UP, "10.0.0.2", "10.0.0.1", BFD_RX_OK },
	{ "5880 s6.3: by discriminator, other source", 1, BFD_UP, "10.0.0.9", "10.0.0.8",
	    BFD_RX_OK },
	{ "5880 s6.8.6: nobody's", 2, BFD_UP, "10.0.0.2", "10.0.0.1", BFD_RX_NO_DISCR },
	{ "5880 s6.8.6: nobody's, Down", 2, BFD_DOWN, "10.0.0.2", "10.0.0.1", BFD_RX_NO_DISCR },
	{ "5880 s6.8.6: 0 and Down", 0, BFD_DOWN, "10.0.0.2", "10.0.0.1", BFD_RX_OK },
	{ "5880 s6.8.6: 0 and AdminDown", 0, BFD_ADMIN_DOWN, "10.0.0.2", "10.0.0.1", BFD_RX_OK },
	{ "5880 s6.8.6: 0 and Init", 0, BFD_INIT, "10.0.0.2", "10.0.0.1", BFD_RX_YOUR_DISCR },
	{ "5880 s6.8.6: 0 and Up", 0, BFD_UP, "10.0.0.2", "10.0.0.1", BFD_RX_YOUR_DISCR },
	{ "5880 s6.8.6: 0, stranger", 0, BFD_DOWN, "10.0.0.3", "10.0.0.1", BFD_RX_NO_SESSION },
	{ "5880 s6.8.6: 0, other address", 0, BFD_DOWN, "10.0.0.2", "10.0.0.9", BFD_RX_NO_SESSION },
};

START_TEST(demultiplexing)
{
	const struct demux_case *c = &demux_cases[_i];
	struct bfd_pkt p;

	bfdrig_init(&rig, NULL, NULL, 0);
	bfdrig_up(&rig);
	p = bfdrig_pkt(c->state, 0);
	if (c->your)
		p.your_discr = bfdrig_view(&rig).discr + (c->your == 2);
	rig.meta.src = ad(c->src);
	rig.meta.dst = ad(c->dst);
	ck_assert_msg(bfdrig_input(&rig, &p) == c->want, "%s", c->clause);
	if (c->want == BFD_RX_NO_SESSION || c->want == BFD_RX_NO_DISCR)
		ck_assert_uint_eq(bfd_stray_drops(rig.e)[c->want], 1);
	bfdrig_free(&rig);
}
END_TEST

/* TTL and port against the kind of the session. */
static const struct path_case {
	const char *clause;
	bool multihop, arrives_multihop;
	uint8_t min_ttl, ttl;
	enum bfd_rx want;
} path_cases[] = {
	{ "5881 s5: 255", false, false, 0, 255, BFD_RX_OK },
	{ "5881 s5: 254", false, false, 0, 254, BFD_RX_TTL },
	{ "5881 s5: 0", false, false, 0, 0, BFD_RX_TTL },
	{ "5883 s5: any TTL", true, true, 0, 1, BFD_RX_OK },
	{ "minimum TTL: at it", true, true, 250, 250, BFD_RX_OK },
	{ "minimum TTL: below", true, true, 250, 249, BFD_RX_MIN_TTL },
	{ "single hop at the multihop port", false, true, 0, 255, BFD_RX_HOPS },
	{ "multihop at the single hop port", true, false, 0, 255, BFD_RX_HOPS },
};

START_TEST(ttl_and_port)
{
	const struct path_case *c = &path_cases[_i];
	struct bfd_conf conf = bfdrig_conf();

	conf.key.multihop = c->multihop;
	conf.min_ttl = c->min_ttl;
	bfdrig_init(&rig, &conf, NULL, 0);
	bfdrig_up(&rig);
	rig.meta.multihop = c->arrives_multihop;
	rig.meta.ttl = c->ttl;
	ck_assert_msg(bfdrig_say(&rig, BFD_UP) == c->want, "%s", c->clause);
	check_counts(c->want);
	bfdrig_free(&rig);
}
END_TEST

/* The first packets are for the session of these addresses that fits best. */
static const struct key_case {
	const char *clause;
	const char *local, *remote;
	uint32_t ifindex;
	bool multihop;
	const char *dst, *src;
	uint32_t arrives_at;
	enum bfd_rx want;
} key_cases[] = {
	{ "any interface", "10.0.0.1", "10.0.0.2", 0, false, "10.0.0.1", "10.0.0.2", 9, BFD_RX_OK },
	{ "5881 s3: its interface", "10.0.0.1", "10.0.0.2", 9, false, "10.0.0.1", "10.0.0.2", 9,
	    BFD_RX_OK },
	{ "5881 s3: another one", "10.0.0.1", "10.0.0.2", 9, false, "10.0.0.1", "10.0.0.2", 8,
	    BFD_RX_NO_SESSION },
	{ "any own address", NULL, "10.0.0.2", 0, false, "10.0.0.77", "10.0.0.2", 9, BFD_RX_OK },
	{ "any own address, its interface", NULL, "10.0.0.2", 9, false, "10.0.0.77", "10.0.0.2", 9,
	    BFD_RX_OK },
	{ "5883 s4: multihop at any interface", "fd00::1", "fd00::2", 0, true, "fd00::1", "fd00::2",
	    5, BFD_RX_OK },
	{ "link-local", "fe80::1%9", "fe80::2%9", 9, false, "fe80::1%9", "fe80::2%9", 9,
	    BFD_RX_OK },
	{ "link-local at another interface", "fe80::1%9", "fe80::2%9", 9, false, "fe80::1%8",
	    "fe80::2%8", 8, BFD_RX_NO_SESSION },
};

START_TEST(sessions_by_addresses)
{
	const struct key_case *c = &key_cases[_i];
	struct bfd_conf conf = bfdrig_conf();
	struct bfd_pkt p = bfdrig_pkt(BFD_DOWN, 0);

	conf.key = (struct bfd_key){ ad(c->remote), ad(c->local), c->ifindex, c->multihop };
	bfdrig_init(&rig, &conf, NULL, 0);
	rig.meta = (struct bfd_meta){ ad(c->src), ad(c->dst), c->arrives_at, 255, c->multihop };
	ck_assert_msg(bfdrig_input(&rig, &p) == c->want, "%s", c->clause);
	if (c->want == BFD_RX_OK)
		ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_INIT);
	bfdrig_free(&rig);
}
END_TEST

/* Of several the one that says most: own address and interface, then either, then neither. */
START_TEST(closest_session_wins)
{
	static const struct {
		const char *local;
		uint32_t ifindex;
	} keys[] = { { "10.0.0.1", 7 }, { NULL, 7 }, { "10.0.0.1", 0 }, { NULL, 0 } };
	struct bfd_pkt p = bfdrig_pkt(BFD_DOWN, 0);

	bfdrig_init_empty(&rig, NULL, NULL, 0);
	for (uint32_t i = 0; i < 4; i++) {
		struct bfd_conf conf = bfdrig_conf();

		conf.key.local = ad(keys[i].local);
		conf.key.ifindex = keys[i].ifindex;
		ck_assert(bfd_session_set(rig.e, rig.now, i + 1, &conf));
	}
	ck_assert_uint_eq(bfd_count(rig.e), 4);
	for (uint32_t i = 0; i < 4; i++) {
		struct bfd_event ev;

		ck_assert_uint_eq(bfdrig_input(&rig, &p), BFD_RX_OK);
		ck_assert(bfd_event_next(rig.e, &ev));
		ck_assert_uint_eq(ev.id, i + 1);
		bfd_session_remove(rig.e, rig.now, i + 1, false);
	}
	ck_assert_uint_eq(bfdrig_input(&rig, &p), BFD_RX_NO_SESSION);
	ck_assert(bfd_is_empty(rig.e));
	bfdrig_free(&rig);
}
END_TEST

/* A single hop and a multihop session to one address do not mix. */
START_TEST(both_kinds_to_one_peer)
{
	struct bfd_conf conf = bfdrig_conf();
	struct bfd_pkt p = bfdrig_pkt(BFD_DOWN, 0);
	struct bfd_view v;

	bfdrig_init(&rig, NULL, NULL, 0);
	conf.key.multihop = true;
	ck_assert(bfd_session_set(rig.e, rig.now, 2, &conf));
	rig.meta.multihop = true;
	ck_assert_uint_eq(bfdrig_input(&rig, &p), BFD_RX_OK);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_DOWN);
	ck_assert(bfd_view(rig.e, 2, &v));
	ck_assert_uint_eq(v.state, BFD_INIT);
	bfdrig_free(&rig);
}
END_TEST

/* What was refused is said by name, each one its own. */
START_TEST(names)
{
	ck_assert_str_eq(bfd_state_str(BFD_ADMIN_DOWN), "AdminDown");
	ck_assert_str_eq(bfd_state_str(BFD_UP), "Up");
	ck_assert_str_eq(bfd_state_str(9), "unknown");
	ck_assert_str_eq(bfd_diag_str(1), "Control Detection Time Expired");
	ck_assert_str_eq(bfd_diag_str(8), "Reverse Concatenated Path Down");
	ck_assert_str_eq(bfd_diag_str(9), "Reserved");
	ck_assert_str_eq(bfd_auth_str(BFD_AUTH_METICULOUS_SHA1), "meticulous keyed SHA1");
	ck_assert_str_eq(bfd_auth_str(1), "unknown");
	ck_assert_str_eq(bfd_auth_str(6), "unknown");
	ck_assert_str_eq(bfd_rx_name(BFD_RX_N), "unknown");
	ck_assert_str_eq(bfd_rx_str(BFD_RX_N), "unknown");
	for (unsigned i = 0; i < BFD_RX_N; i++)
		for (unsigned k = 0; k < i; k++) {
			ck_assert_str_ne(bfd_rx_name(i), bfd_rx_name(k));
			ck_assert_str_ne(bfd_rx_str(i), bfd_rx_str(k));
		}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bfd_input");
	TCase *tc = unit_case(s, "all");

	tcase_add_loop_test(tc, rules_of_section_6_8_6, 0, NROWS(rule_cases));
	tcase_add_loop_test(tc, demultiplexing, 0, NROWS(demux_cases));
	tcase_add_loop_test(tc, ttl_and_port, 0, NROWS(path_cases));
	tcase_add_loop_test(tc, sessions_by_addresses, 0, NROWS(key_cases));
	tcase_add_test(tc, closest_session_wins);
	tcase_add_test(tc, both_kinds_to_one_peer);
	tcase_add_test(tc, names);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}
