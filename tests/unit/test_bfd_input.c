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
	{ "5880 s6.8.6: Length 25 with A", 3, 25, 0, BFD_RX_OVERRUN },
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

static Suite *
suite(void)
{
	Suite *s = suite_create("bfd_input");
	TCase *tc = unit_case(s, "all");

	tcase_add_loop_test(tc, rules_of_section_6_8_6, 0, NROWS(rule_cases));
	tcase_add_loop_test(tc, demultiplexing, 0, NROWS(demux_cases));
	return s;
}

int
main(void)
{
	return unit_run(suite());
}
