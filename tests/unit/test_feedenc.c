/*
 * BMP messages and MRT records, octet by octet as the figures of the RFCs have
 * them.  RFC 7854 section 4, RFC 8671, RFC 9069, RFC 6396 section 4, RFC 8050.
 */
#include "bgpd/core/bgp.h"
#include "bgpd/core/bmp_enc.h"
#include "bgpd/core/mrt_enc.h"
#include "tests/unit/unit.h"

static uint8_t buf[8192];
static struct wr w;

static void
setup(void)
{
	memset(buf, 0xee, sizeof(buf));
	w = wr_init(buf, sizeof(buf));
}

static void
check_octets(const uint8_t *want, size_t octets)
{
	ck_assert(!w.full);
	ck_assert_uint_eq(wr_len(&w), octets);
	for (size_t k = 0; k < octets; k++)
		ck_assert_msg(buf[k] == want[k], "octet %zu: %02x, want %02x", k, buf[k], want[k]);
}

static struct bmp_peer
peer4(uint8_t flags)
{
	return (struct bmp_peer){ .flags = flags, .addr = ad("192.0.2.1"), .asn = 65551,
		.id = 0x0a000001, .wall_us = UINT64_C(0x12345678) * 1000000 + 7 };
}

/* The per-peer header of peer4(), with these flags. */
#define PEER4(flags)                                                                               \
	0, (flags), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1, 0,   \
	    1, 0, 15, 10, 0, 0, 1, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 7

/* ---- BMP ---------------------------------------------------------------------- */

START_TEST(initiation)
{
	bmp_encode_initiation(&w, "weft", "n1");
	check_octets(HEX(3, 0, 0, 0, 20, 4, 0, 1, 0, 4, 'w', 'e', 'f', 't', 0, 2, 0, 2, 'n', '1'));
}
END_TEST

START_TEST(termination)
{
	bmp_encode_termination(&w, BMP_TERM_ADMIN, "bye");
	check_octets(HEX(3, 0, 0, 0, 19, 5, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 'b', 'y', 'e'));
}
END_TEST

START_TEST(termination_without_words)
{
	bmp_encode_termination(&w, BMP_TERM_UNSPECIFIED, NULL);
	check_octets(HEX(3, 0, 0, 0, 12, 5, 0, 1, 0, 2, 0, 1));
}
END_TEST

START_TEST(route_monitoring)
{
	struct bmp_peer p = peer4(BMP_F_POST | BMP_F_ADJ_OUT);

	bmp_encode_route(&w, &p, "\1\2\3", 3);
	check_octets(HEX(3, 0, 0, 0, 51, 0, PEER4(0x50), 1, 2, 3));
}
END_TEST

START_TEST(peer_of_ipv6)
{
	struct bmp_peer p = { .flags = BMP_F_POST, .addr = ad("2001:db8::9"), .asn = 1, .id = 2 };

	bmp_put_peer(&w, &p);
	check_octets(HEX(0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0,
	    0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0));
}
END_TEST

START_TEST(peer_up)
{
	struct bmp_peer p = peer4(0);
	struct ip_addr local = ad("192.0.2.2");
	struct bmp_open_msg sent = { (const uint8_t *)"sent", 4 },
			    received = { (const uint8_t *)"got", 3 };

	bmp_encode_peer_up(&w, &p, &local, 179, 40000, sent, received, NULL);
	check_octets(HEX(3, 0, 0, 0, 75, 3, PEER4(0), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0,
	    2, 2, 0, 179, 0x9c, 0x40, 's', 'e', 'n', 't', 'g', 'o', 't'));
}
END_TEST

START_TEST(loc_rib_up_and_down)
{
	struct bmp_peer p = { .type = BMP_PEER_LOC_RIB, .asn = 65000, .id = 0x0a000001 };
	struct ip_addr none = { 0 };
	struct bmp_open_msg open = { (const uint8_t *)"o", 1 };
	size_t octets;

	bmp_encode_peer_up(&w, &p, &none, 0, 0, open, open, "global");
	octets = wr_len(&w);
	ck_assert_uint_eq(octets, 6 + 42 + 20 + 2 + 10);
	ck_assert_uint_eq(buf[4], octets);
	ck_assert_uint_eq(buf[6], 3); /* peer type */
	ck_assert_uint_eq(buf[7], 0); /* not filtered */
	ck_assert_int_eq(memcmp(buf + octets - 10, "\0\3\0\6global", 10), 0);
	setup();
	bmp_encode_loc_rib_down(&w, &p, "global");
	octets = wr_len(&w);
	ck_assert_uint_eq(octets, 6 + 42 + 1 + 10);
	ck_assert_uint_eq(buf[48], 6);
	ck_assert_int_eq(memcmp(buf + 49, "\0\3\0\6global", 10), 0);
}
END_TEST

START_TEST(peer_down)
{
	struct bmp_peer p = peer4(0);

	bmp_encode_peer_down(&w, &p, BMP_DOWN_LOCAL_EVENT, "\0\x0a", 2);
	check_octets(HEX(3, 0, 0, 0, 51, 2, PEER4(0), 2, 0, 10));
}
END_TEST

START_TEST(statistics)
{
	struct bmp_peer p = peer4(0);
	struct bmp_stat_value v[] = { { .stat = BMP_STAT_REJECTED, .value = 3 },
		{ .stat = BMP_STAT_ADJ_IN, .value = UINT64_C(1) << 32 },
		{ .stat = BMP_STAT_LOC_RIB_AF, .af = IP6, .value = 5 } };

	bmp_encode_stats(&w, &p, v, 3);
	check_octets(HEX(3, 0, 0, 0, 87, 1, PEER4(0), 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 3, 0, 7, 0,
	    8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 10, 0, 11, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 5));
}
END_TEST

START_TEST(no_room_is_full)
{
	struct bmp_peer p = peer4(0);

	w = wr_init(buf, 50);
	bmp_encode_route(&w, &p, "123", 3);
	ck_assert(w.full);
}
END_TEST

/* ---- MRT ------------------------------------------------------------------------ */

static const uint64_t noon_us = UINT64_C(0x01020304) * 1000000 + 0x0506;
static const struct mrt_session session = { .peer_asn = 65551, .local_asn = 65000, .ifindex = 2,
	.peer = { .af = IP4, .b = { 192, 0, 2, 1 } }, .local = { .af = IP4, .b = { 192, 0, 2, 2 } } };

START_TEST(message_with_4_octet_numbers)
{
	struct mrt_session s = session;

	s.as4 = true;
	mrt_encode_message(&w, noon_us, &s, false, "abc", 3);
	check_octets(HEX(1, 2, 3, 4, 0, 17, 0, 4, 0, 0, 0, 27, 0, 0, 5, 6, 0, 1, 0, 15, 0, 0, 0xfd,
	    0xe8, 0, 2, 0, 1, 192, 0, 2, 1, 192, 0, 2, 2, 'a', 'b', 'c'));
}
END_TEST

START_TEST(message_with_2_octet_numbers)
{
	mrt_encode_message(&w, noon_us, &session, true, "abc", 3);
	check_octets(HEX(1, 2, 3, 4, 0, 17, 0, 6, 0, 0, 0, 23, 0, 0, 5, 6, 0x5b, 0xa0, 0xfd, 0xe8,
	    0, 2, 0, 1, 192, 0, 2, 1, 192, 0, 2, 2, 'a', 'b', 'c'));
}
END_TEST

static const struct {
	bool as4, sent, addpath;
	uint8_t subtype;
} subtypes[] = {
	{ false, false, false, 1 },
	{ true, false, false, 4 },
	{ false, true, false, 6 },
	{ true, true, false, 7 },
	{ false, false, true, 8 },
	{ true, false, true, 9 },
	{ false, true, true, 10 },
	{ true, true, true, 11 },
};

START_TEST(message_subtypes)
{
	struct mrt_session s = session;

	s.as4 = subtypes[_i].as4;
	s.addpath = subtypes[_i].addpath;
	mrt_encode_message(&w, 0, &s, subtypes[_i].sent, "", 0);
	ck_assert_uint_eq(buf[7], subtypes[_i].subtype);
}
END_TEST

START_TEST(state_change)
{
	struct mrt_session s = session;

	s.local = (struct ip_addr){ 0 };
	mrt_encode_state(&w, noon_us, &s, 5, 6);
	check_octets(HEX(1, 2, 3, 4, 0, 17, 0, 5, 0, 0, 0, 28, 0, 0, 5, 6, 0, 1, 0, 15, 0, 0, 0xfd,
	    0xe8, 0, 2, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 5, 0, 6));
}
END_TEST

START_TEST(peer_index_table)
{
	struct mrt_mark m = mrt_peers_open(&w, noon_us, 0x0a000001, "v");
	struct mrt_peer p4 = { 0x0a000002, 65551, ad("192.0.2.1") },
			p6 = { 0x0a000003, 1, ad("2001:db8::1") };

	mrt_peers_add(&w, &m, &p4);
	mrt_peers_add(&w, &m, &p6);
	mrt_peers_close(&w, &m);
	check_octets(HEX(1, 2, 3, 4, 0, 13, 0, 1, 0, 0, 0, 47, 10, 0, 0, 1, 0, 1, 'v', 0, 2, 2, 10,
	    0, 0, 2, 192, 0, 2, 1, 0, 1, 0, 15, 3, 10, 0, 0, 3, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0,
	    0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1));
}
END_TEST

/* ORIGIN, AS_PATH 65551 and, for IPv4, NEXT_HOP; without LOCAL_PREF, which the set does not have. */
static const struct attrs *
some_attrs(struct attrs_pool *pool, const char *nh, const char *ll)
{
	static const uint8_t path[] = { SEG_SEQUENCE, 1, 0, 1, 0, 15 };
	struct attrs_build b = { .next_hop = ad(nh), .next_hop_ll = ad(ll) };

	b.flags = ll ? ATTRS_NH_LL : 0;
	b.part[ATTRS_AS_PATH] = (struct attrs_view){ path, sizeof(path) };
	return attrs_intern(pool, &b);
}

START_TEST(rib_ipv4)
{
	struct attrs_pool *pool = attrs_pool_new((uint64_t[]){ 1, 2 });
	struct mrt_path p = { .peer = 1, .since_s = 9, .path_id = 5 };
	struct ip_prefix prefix = px("10.1.0.0/17");
	struct mrt_mark m = mrt_rib_open(&w, noon_us, 3, &prefix, false);

	p.attrs = some_attrs(pool, "192.0.2.1", NULL);
	ck_assert(mrt_rib_add(&w, &m, IP4, false, &p));
	mrt_rib_close(&w, &m);
	check_octets(HEX(1, 2, 3, 4, 0, 13, 0, 2, 0, 0, 0, 38, 0, 0, 0, 3, 17, 10, 1, 0, 0, 1, 0, 1,
	    0, 0, 0, 9, 0, 20, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 1, 0, 15, 0x40, 3, 4, 192, 0, 2,
	    1));
	attrs_unref(pool, p.attrs);
	attrs_pool_free(pool);
}
END_TEST

START_TEST(rib_ipv6_with_path_ids)
{
	struct attrs_pool *pool = attrs_pool_new((uint64_t[]){ 1, 2 });
	struct mrt_path p = { .peer = 1, .since_s = 9, .path_id = 5 };
	struct ip_prefix prefix = px("2001:db8::/32");
	struct mrt_mark m = mrt_rib_open(&w, noon_us, 3, &prefix, true);

	p.attrs = some_attrs(pool, "2001:db8::1", "fe80::1");
	ck_assert(mrt_rib_add(&w, &m, IP6, true, &p));
	mrt_rib_close(&w, &m);
	check_octets(HEX(1, 2, 3, 4, 0, 13, 0, 10, 0, 0, 0, 72, 0, 0, 0, 3, 32, 0x20, 1, 0x0d, 0xb8,
	    0, 1, 0, 1, 0, 0, 0, 9, 0, 0, 0, 5, 0, 49, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 1, 0, 15,
	    0x80, 14, 33, 32, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xfe, 0x80,
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
	attrs_unref(pool, p.attrs);
	attrs_pool_free(pool);
}
END_TEST

START_TEST(path_without_room_leaves_the_record)
{
	struct attrs_pool *pool = attrs_pool_new((uint64_t[]){ 1, 2 });
	struct mrt_path p = { .peer = 1 };
	struct ip_prefix prefix = px("10.0.0.0/8");
	struct mrt_mark m;
	size_t was;

	p.attrs = some_attrs(pool, "192.0.2.1", NULL);
	w = wr_init(buf, 60);
	m = mrt_rib_open(&w, noon_us, 3, &prefix, false);
	ck_assert(mrt_rib_add(&w, &m, IP4, false, &p));
	was = wr_len(&w);
	ck_assert(!mrt_rib_add(&w, &m, IP4, false, &p));
	ck_assert_uint_eq(wr_len(&w), was);
	mrt_rib_close(&w, &m);
	ck_assert_uint_eq(buf[19], 1);
	ck_assert_uint_eq(buf[11], was - 12);
	attrs_unref(pool, p.attrs);
	attrs_pool_free(pool);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("feedenc");
	TCase *bmp = unit_case(s, "bmp"), *mrt = unit_case(s, "mrt");

	tcase_add_checked_fixture(bmp, setup, NULL);
	tcase_add_test(bmp, initiation);
	tcase_add_test(bmp, termination);
	tcase_add_test(bmp, termination_without_words);
	tcase_add_test(bmp, route_monitoring);
	tcase_add_test(bmp, peer_of_ipv6);
	tcase_add_test(bmp, peer_up);
	tcase_add_test(bmp, loc_rib_up_and_down);
	tcase_add_test(bmp, peer_down);
	tcase_add_test(bmp, statistics);
	tcase_add_test(bmp, no_room_is_full);
	tcase_add_checked_fixture(mrt, setup, NULL);
	tcase_add_test(mrt, message_with_4_octet_numbers);
	tcase_add_test(mrt, message_with_2_octet_numbers);
	tcase_add_loop_test(mrt, message_subtypes, 0, NROWS(subtypes));
	tcase_add_test(mrt, state_change);
	tcase_add_test(mrt, peer_index_table);
	tcase_add_test(mrt, rib_ipv4);
	tcase_add_test(mrt, rib_ipv6_with_path_ids);
	tcase_add_test(mrt, path_without_room_leaves_the_record);
	return unit_run(s);
}
