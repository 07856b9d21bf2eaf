/*
 * Authentication of BFD packets: RFC 5880 sections 4.3, 4.4, 6.7.3 and 6.7.4.
 */
#include "tests/unit/bfdrig.h"
#include "tests/unit/unit.h"

static struct bfdrig rig;

static const struct kind {
	enum bfd_auth_type type;
	size_t octets;
	bool meticulous;
} kinds[] = {
	{ BFD_AUTH_MD5, 24, false },
	{ BFD_AUTH_METICULOUS_MD5, 24, true },
	{ BFD_AUTH_SHA1, 28, false },
	{ BFD_AUTH_METICULOUS_SHA1, 28, true },
};

static void
begin(enum bfd_auth_type type)
{
	struct bfd_conf conf = bfdrig_conf();

	conf.auth = bfdrig_auth(type, 5, "a secret");
	bfdrig_init(&rig, &conf, NULL, 0);
	bfdrig_up(&rig);
}

/* Sign with the session's key, that number and other key, id or type as in a. */
static size_t
signed_octets(const struct bfd_auth *a, uint32_t seq, uint8_t *buf, size_t cap)
{
	struct bfd_pkt p = bfdrig_pkt(BFD_UP, bfdrig_view(&rig).discr);
	struct wr w = wr_init(buf, cap);

	p.has_auth = true;
	p.length += bfd_auth_octets(a->type);
	bfd_pkt_encode(&p, &w);
	bfd_auth_append(a, &bfdrig_ops, seq, &w);
	return wr_len(&w);
}

static enum bfd_rx
input_seq(uint32_t seq)
{
	uint8_t buf[BFD_OCTETS_MAX];
	size_t len = signed_octets(&rig.conf.auth, seq, buf, sizeof(buf));

	return bfdrig_octets(&rig, buf, len);
}

/* A number as the session sends it. */
static uint32_t
sent_seq(void)
{
	struct rd r = rd_init(rig.out.octets, rig.out.len);

	rd_skip(&r, BFD_OCTETS_MIN + 4);
	return rd_u32(&r);
}

/* Every bit of a packet is covered: change any one, and it is refused. */
START_TEST(every_bit_counts)
{
	uint8_t buf[BFD_OCTETS_MAX];
	size_t len;

	begin(kinds[_i].type);
	len = signed_octets(&rig.conf.auth, rig.peer_seq + 1, buf, sizeof(buf));
	ck_assert_uint_eq(len, BFD_OCTETS_MIN + kinds[_i].octets);
	for (unsigned bit = 0; bit < 8 * len; bit++) {
		buf[bit / 8] ^= 1 << bit % 8;
		ck_assert_msg(bfdrig_octets(&rig, buf, len) != BFD_RX_OK, "bit %u", bit);
		buf[bit / 8] ^= 1 << bit % 8;
	}
	ck_assert_uint_eq(bfdrig_octets(&rig, buf, len), BFD_RX_OK);
	bfdrig_free(&rig);
}
END_TEST

/* What we send is what we would take. */
START_TEST(sent_packets_verify)
{
	const struct bfd_auth *a = &rig.conf.auth;
	struct bfd_auth_rx rx = { 0 };

	begin(kinds[_i].type);
	for (unsigned i = 0; i < 5; i++) {
		uint32_t before = rx.seq;

		bfdrig_say(&rig, BFD_UP);
		rig.now = bfd_deadline(rig.e);
		ck_assert(bfdrig_output(&rig));
		ck_assert_uint_eq(rig.out.len, BFD_OCTETS_MIN + kinds[_i].octets);
		ck_assert_uint_eq(
		    bfd_auth_check(a, &bfdrig_ops, &rig.sent, rig.out.octets, &rx), BFD_RX_OK);
		/* the first ones differ in the P bit */
		if (i > 1)
			ck_assert_uint_eq(rx.seq - before, kinds[_i].meticulous);
	}
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 sections 6.7.3, 6.7.4: keyed numbers go up when the contents are new. */
START_TEST(number_changes_with_contents)
{
	uint32_t seq;

	begin(BFD_AUTH_SHA1);
	bfdrig_say(&rig, BFD_UP);
	rig.now = bfd_deadline(rig.e);
	ck_assert(bfdrig_output(&rig));
	seq = sent_seq();
	rig.conf.detect_mult = 4;
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(bfdrig_output(&rig));
	ck_assert_uint_eq(sent_seq(), seq + 1);
	bfdrig_free(&rig);
}
END_TEST

/* Packets whose digests another implementation of MD5 and SHA1 made: key "secret", id 7. */
static const struct vector_case {
	enum bfd_auth_type type;
	const uint8_t *octets;
	size_t len;
} vector_cases[] = {
	{ BFD_AUTH_MD5,
	    HEX(0x20, 0xc4, 0x03, 0x30, 0xaa, 0xbb, 0xcc, 0xdd, 0x11, 0x22, 0x33, 0x44, 0x00, 0x00,
		0xc3, 0x50, 0x00, 0x00, 0xea, 0x60, 0x00, 0x00, 0x00, 0x00, 0x02, 0x18, 0x07, 0x00,
		0x01, 0x02, 0x03, 0x04, 0x8b, 0x06, 0x81, 0xa6, 0xd3, 0x1a, 0xa5, 0x95, 0xdd, 0x8a,
		0x1b, 0x58, 0xbb, 0x50, 0x05, 0xb2) },
	{ BFD_AUTH_METICULOUS_SHA1,
	    HEX(0x20, 0xc4, 0x03, 0x34, 0xaa, 0xbb, 0xcc, 0xdd, 0x11, 0x22, 0x33, 0x44, 0x00, 0x00,
		0xc3, 0x50, 0x00, 0x00, 0xea, 0x60, 0x00, 0x00, 0x00, 0x00, 0x05, 0x1c, 0x07, 0x00,
		0x01, 0x02, 0x03, 0x04, 0x99, 0xb9, 0x8e, 0x99, 0x3a, 0xf6, 0x7b, 0xb3, 0x57, 0x43,
		0x45, 0x82, 0x36, 0x5e, 0x40, 0xcc, 0x19, 0x0b, 0xfb, 0x3f) },
};

START_TEST(vectors)
{
	const struct vector_case *c = &vector_cases[_i];
	struct bfd_auth a = bfdrig_auth(c->type, 7, "secret");
	struct bfd_auth_rx rx = { 0 };
	struct bfd_pkt p;

	ck_assert_uint_eq(bfd_pkt_decode(c->octets, c->len, &p), BFD_RX_OK);
	ck_assert_uint_eq(bfd_auth_check(&a, &bfdrig_ops, &p, c->octets, &rx), BFD_RX_OK);
	ck_assert(rx.known && rx.seq == 0x01020304);
	a.key[0]++;
	rx.known = false;
	ck_assert_uint_eq(bfd_auth_check(&a, &bfdrig_ops, &p, c->octets, &rx), BFD_RX_AUTH_DIGEST);
	ck_assert(!rx.known);
}
END_TEST

/* The rules in their order: what the peer uses, what comes of it. */
static const struct rule_case {
	const char *clause;
	enum bfd_auth_type ours, theirs;
	uint8_t key_id;
	const char *key;
	enum bfd_rx want;
} rule_cases[] = {
	{ "right", BFD_AUTH_SHA1, BFD_AUTH_SHA1, 5, "a secret", BFD_RX_OK },
	{ "5880 s6.8.6: A set, none in use", BFD_AUTH_NONE, BFD_AUTH_SHA1, 5, "a secret",
	    BFD_RX_AUTH_UNWANTED },
	{ "5880 s6.7.4: another type", BFD_AUTH_SHA1, BFD_AUTH_METICULOUS_SHA1, 5, "a secret",
	    BFD_RX_AUTH_TYPE },
	{ "5880 s6.7.4: MD5 for SHA1", BFD_AUTH_SHA1, BFD_AUTH_MD5, 5, "a secret",
	    BFD_RX_AUTH_TYPE },
	{ "5880 s6.7.4: another key id", BFD_AUTH_SHA1, BFD_AUTH_SHA1, 6, "a secret",
	    BFD_RX_AUTH_KEY_ID },
	{ "5880 s6.7.4: another key", BFD_AUTH_SHA1, BFD_AUTH_SHA1, 5, "a secreT",
	    BFD_RX_AUTH_DIGEST },
	{ "5880 s4.4: a key is padded with zeros", BFD_AUTH_SHA1, BFD_AUTH_SHA1, 5, "a secret ",
	    BFD_RX_AUTH_DIGEST },
	{ "5880 s6.7.3: another MD5 key", BFD_AUTH_MD5, BFD_AUTH_MD5, 5, "", BFD_RX_AUTH_DIGEST },
};

START_TEST(rules)
{
	const struct rule_case *c = &rule_cases[_i];
	struct bfd_auth theirs = bfdrig_auth(c->theirs, c->key_id, c->key);
	uint8_t buf[BFD_OCTETS_MAX];
	struct bfd_conf conf = bfdrig_conf();
	size_t len;

	if (c->ours != BFD_AUTH_NONE)
		conf.auth = bfdrig_auth(c->ours, 5, "a secret");
	bfdrig_init(&rig, &conf, NULL, 0);
	bfdrig_up(&rig);
	len = signed_octets(&theirs, rig.peer_seq + 1, buf, sizeof(buf));
	ck_assert_msg(bfdrig_octets(&rig, buf, len) == c->want, "%s", c->clause);
	ck_assert_uint_eq(bfdrig_view(&rig).n.drops[c->want], c->want != BFD_RX_OK);
	bfdrig_free(&rig);
}
END_TEST

START_TEST(missing)
{
	struct bfd_pkt p;

	begin(BFD_AUTH_SHA1);
	p = bfdrig_pkt(BFD_UP, bfdrig_view(&rig).discr);
	ck_assert_uint_eq(bfdrig_input(&rig, &p), BFD_RX_AUTH_MISSING);
	bfdrig_free(&rig);
}
END_TEST

/* A section that does not fit: Length, Auth Len, what was received. */
static const struct length_case {
	const char *clause;
	uint8_t length, auth_len;
	size_t len;
	enum bfd_rx want;
} length_cases[] = {
	{ "5880 s6.8.6: Length 24 with A", 24, 28, 52, BFD_RX_LENGTH },
	{ "5880 s6.8.6: Length 25 with A", 25, 28, 52, BFD_RX_LENGTH },
	{ "two octets of a section", 26, 28, 52, BFD_RX_AUTH_LENGTH },
	{ "one octet missing", 51, 28, 52, BFD_RX_AUTH_LENGTH },
	{ "5880 s6.7.4: Auth Len 27", 52, 27, 52, BFD_RX_AUTH_LENGTH },
	{ "5880 s6.7.4: Auth Len 29", 52, 29, 52, BFD_RX_AUTH_LENGTH },
	{ "5880 s6.7.4: Auth Len 0", 52, 0, 52, BFD_RX_AUTH_LENGTH },
	{ "5880 s6.8.6: Length beyond what came", 52, 28, 51, BFD_RX_OVERRUN },
	{ "nothing of it came", 52, 28, 24, BFD_RX_OVERRUN },
};

START_TEST(lengths)
{
	const struct length_case *c = &length_cases[_i];
	uint8_t buf[BFD_OCTETS_MAX];

	begin(BFD_AUTH_SHA1);
	signed_octets(&rig.conf.auth, rig.peer_seq + 1, buf, sizeof(buf));
	buf[3] = c->length;
	buf[BFD_OCTETS_MIN + 1] = c->auth_len;
	ck_assert_msg(bfdrig_octets(&rig, buf, c->len) == c->want, "%s", c->clause);
	bfdrig_free(&rig);
}
END_TEST

/* Octets after the section are the peer's business, as long as the digest covers them. */
START_TEST(longest_packet)
{
	uint8_t buf[255] = { 0 }, want[20];
	struct bfd_pkt p;
	struct wr w = wr_init(buf, sizeof(buf));

	begin(BFD_AUTH_SHA1);
	p = bfdrig_pkt(BFD_UP, bfdrig_view(&rig).discr);
	p.has_auth = true;
	p.length = 255;
	bfd_pkt_encode(&p, &w);
	bfd_auth_append(&rig.conf.auth, &bfdrig_ops, rig.peer_seq + 1, &w);
	ck_assert_uint_eq(bfdrig_octets(&rig, buf, sizeof(buf)), BFD_RX_AUTH_DIGEST);
	memset(buf + 32, 0, 20);
	memcpy(buf + 32, rig.conf.auth.key, rig.conf.auth.key_len);
	bfdrig_ops.digest(NULL, BFD_DIGEST_SHA1, buf, sizeof(buf), want);
	memcpy(buf + 32, want, sizeof(want));
	ck_assert_uint_eq(bfdrig_octets(&rig, buf, sizeof(buf)), BFD_RX_OK);
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.7.3: the window above the last number, which wraps. Multiplier 3. */
static const struct window_case {
	bool meticulous;
	uint32_t last;
	int ahead;
	enum bfd_rx want;
} window_cases[] = {
	{ false, 1000, 0, BFD_RX_OK },
	{ false, 1000, -1, BFD_RX_AUTH_SEQUENCE },
	{ false, 1000, 9, BFD_RX_OK },
	{ false, 1000, 10, BFD_RX_AUTH_SEQUENCE },
	{ true, 1000, 0, BFD_RX_AUTH_SEQUENCE },
	{ true, 1000, 1, BFD_RX_OK },
	{ true, 1000, 9, BFD_RX_OK },
	{ true, 1000, 10, BFD_RX_AUTH_SEQUENCE },
	{ true, 0xfffffffe, 4, BFD_RX_OK },
	{ true, 0xfffffffe, 10, BFD_RX_AUTH_SEQUENCE },
	{ false, 0, -1, BFD_RX_AUTH_SEQUENCE },
};

START_TEST(window)
{
	const struct window_case *c = &window_cases[_i];
	struct bfd_conf conf = bfdrig_conf();

	conf.auth = bfdrig_auth(c->meticulous ? BFD_AUTH_METICULOUS_SHA1 : BFD_AUTH_SHA1, 5, "key");
	bfdrig_init(&rig, &conf, NULL, 0);
	rig.peer_seq = c->last - 3;
	bfdrig_up(&rig); /* with three packets */
	ck_assert_uint_eq(rig.peer_seq, c->last);
	ck_assert_uint_eq(input_seq(c->last + (uint32_t)c->ahead), c->want);
	ck_assert_uint_eq(input_seq(c->last + (uint32_t)c->ahead),
	    c->meticulous ? BFD_RX_AUTH_SEQUENCE : c->want);
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.8.1: any number after twice the Detection Time without a packet. */
START_TEST(number_is_forgotten)
{
	begin(BFD_AUTH_METICULOUS_SHA1);
	ck_assert_uint_eq(input_seq(500), BFD_RX_AUTH_SEQUENCE);
	bfdrig_pass(&rig, 599 * MS);
	ck_assert_uint_eq(input_seq(500), BFD_RX_AUTH_SEQUENCE);
	bfdrig_pass(&rig, 1 * MS);
	ck_assert_uint_eq(input_seq(500), BFD_RX_OK);
	ck_assert_uint_eq(input_seq(500), BFD_RX_AUTH_SEQUENCE);
	bfdrig_free(&rig);
}
END_TEST

/* A number is believed only with its digest: nobody else can move the window. */
START_TEST(wrong_digest_moves_no_window)
{
	struct bfd_auth other;
	uint8_t buf[BFD_OCTETS_MAX];
	size_t len;

	begin(BFD_AUTH_METICULOUS_SHA1);
	other = bfdrig_auth(BFD_AUTH_METICULOUS_SHA1, 5, "guessed");
	len = signed_octets(&other, rig.peer_seq + 9, buf, sizeof(buf));
	ck_assert_uint_eq(bfdrig_octets(&rig, buf, len), BFD_RX_AUTH_DIGEST);
	ck_assert_uint_eq(input_seq(rig.peer_seq + 1), BFD_RX_OK);
	bfdrig_free(&rig);
}
END_TEST

/* Another key on a session that lives, whatever is new about it: numbers start anew. */
START_TEST(key_changed)
{
	static const struct bfd_auth others[] = {
		{ BFD_AUTH_METICULOUS_SHA1, 6, 8, "a secret" },
		{ BFD_AUTH_METICULOUS_SHA1, 5, 7, "a secret" },
		{ BFD_AUTH_METICULOUS_SHA1, 5, 8, "A secret" },
		{ BFD_AUTH_SHA1, 5, 8, "a secret" },
	};

	begin(BFD_AUTH_METICULOUS_SHA1);
	rig.conf.auth = others[_i];
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert_uint_eq(input_seq(77), BFD_RX_OK);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_UP);
	bfdrig_free(&rig);
}
END_TEST

/* The same key again, as every reload brings it: numbers are not forgotten. */
START_TEST(key_confirmed)
{
	begin(BFD_AUTH_METICULOUS_SHA1);
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert_uint_eq(input_seq(rig.peer_seq), BFD_RX_AUTH_SEQUENCE);
	bfdrig_free(&rig);
}
END_TEST

START_TEST(keys)
{
	struct bfd_auth a = bfdrig_auth(BFD_AUTH_SHA1, 1, "12345678901234567890");

	ck_assert(bfd_auth_is_valid(&a));
	a.type = BFD_AUTH_MD5;
	ck_assert(!bfd_auth_is_valid(&a));
	a.key_len = 16;
	ck_assert(bfd_auth_is_valid(&a));
	a.key_len = 0;
	ck_assert(!bfd_auth_is_valid(&a));
	a.type = BFD_AUTH_NONE;
	ck_assert(bfd_auth_is_valid(&a));
	a = bfdrig_auth(1, 1, "password");
	ck_assert(!bfd_auth_is_valid(&a));
	a.type = 6;
	ck_assert(!bfd_auth_is_valid(&a));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bfd_auth");
	TCase *tc = unit_case(s, "all");

	tcase_add_loop_test(tc, every_bit_counts, 0, NROWS(kinds));
	tcase_add_loop_test(tc, sent_packets_verify, 0, NROWS(kinds));
	tcase_add_test(tc, number_changes_with_contents);
	tcase_add_loop_test(tc, vectors, 0, NROWS(vector_cases));
	tcase_add_loop_test(tc, rules, 0, NROWS(rule_cases));
	tcase_add_test(tc, missing);
	tcase_add_loop_test(tc, lengths, 0, NROWS(length_cases));
	tcase_add_test(tc, longest_packet);
	tcase_add_loop_test(tc, window, 0, NROWS(window_cases));
	tcase_add_test(tc, number_is_forgotten);
	tcase_add_test(tc, wrong_digest_moves_no_window);
	tcase_add_loop_test(tc, key_changed, 0, 4);
	tcase_add_test(tc, key_confirmed);
	tcase_add_test(tc, keys);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}
