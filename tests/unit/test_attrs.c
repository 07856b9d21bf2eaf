/*
 * Attribute sets: one object per content, counted; what is asked of AS_PATH;
 * changes; texts.  And prefixes on the wire (nlri.c).
 */
#include <stdio.h>

#include "bgpd/core/attrs.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/nlri.h"
#include "bgpd/core/timer.h"
#include "lib/list.h"
#include "tests/unit/unit.h"

static const uint64_t seed[2] = { 5, 6 };
static struct attrs_pool *pool;

static void
setup(void)
{
	pool = attrs_pool_new(seed);
}

static void
teardown(void)
{
	ck_assert_uint_eq(attrs_pool_live(pool), 0);
	ck_assert_uint_eq(attrs_pool_octets(pool), 0);
	attrs_pool_free(pool);
}

static struct attrs_view
view(const uint8_t *p, size_t octets)
{
	return (struct attrs_view){ .p = p, .octets = (uint16_t)octets };
}

#define VIEW(...) view(HEX(__VA_ARGS__))

static const struct attrs *
with_path(const uint8_t *p, size_t octets)
{
	struct attrs_build b = { .part[ATTRS_AS_PATH] = view(p, octets) };

	return attrs_intern(pool, &b);
}

/* ---- identity ------------------------------------------------------------------------------ */

static struct attrs_build
sample(void)
{
	static const uint8_t path[] = { 2, 1, 0, 0, 0, 1 }, comm[] = { 0, 1, 0, 2 };
	static const uint8_t unknown[] = { 0xe0, 99, 0 };
	struct attrs_build b = { .flags = ATTRS_MED | ATTRS_NH_LL, .origin = ORIGIN_EGP, .med = 7 };

	ck_assert(ip_addr_parse("2001:db8::1", &b.next_hop));
	ck_assert(ip_addr_parse("fe80::1%4", &b.next_hop_ll));
	b.part[ATTRS_AS_PATH] = view(path, sizeof(path));
	b.part[ATTRS_COMMUNITIES] = view(comm, sizeof(comm));
	b.part[ATTRS_UNKNOWN] = view(unknown, sizeof(unknown));
	return b;
}

START_TEST(equal_content_is_one_object)
{
	struct attrs_build b = sample();
	const struct attrs *a = attrs_intern(pool, &b), *again = attrs_intern(pool, &b);

	ck_assert_ptr_eq(a, again);
	ck_assert_uint_eq(a->refs, 2);
	ck_assert_uint_eq(attrs_pool_live(pool), 1);
	ck_assert_uint_gt(attrs_pool_octets(pool), 80);
	ck_assert_ptr_eq(attrs_ref(a), a);
	attrs_unref(pool, a);
	attrs_unref(pool, a);
	ck_assert_uint_eq(attrs_pool_live(pool), 1);
	attrs_unref(pool, a);
	attrs_unref(pool, NULL);
	ck_assert_ptr_null(attrs_ref(NULL));
}
END_TEST

static void
change(struct attrs_build *b, int i)
{
	static const uint8_t path[] = { 2, 1, 0, 0, 0, 2 }, comm[] = { 0, 1, 0, 3 };

	switch (i) {
	case 0: b->origin = ORIGIN_IGP; break;
	case 1: b->med = 8; break;
	case 2: b->flags &= (uint16_t)~ATTRS_MED; break;
	case 3: b->flags |= ATTRS_ATOMIC; break;
	case 4: b->flags |= ATTRS_LOCAL_PREF; break;
	case 5: b->next_hop.b[15] = 2; break;
	case 6: b->next_hop_ll.b[15] = 2; break;
	case 7: b->next_hop_ll.ifindex = 5; break;
	case 8: b->flags &= (uint16_t)~ATTRS_NH_LL; break;
	case 9: b->part[ATTRS_AS_PATH] = view(path, sizeof(path)); break;
	case 10: b->part[ATTRS_COMMUNITIES] = view(comm, sizeof(comm)); break;
	case 11: b->part[ATTRS_COMMUNITIES].octets = 0; break;
	case 12: /* the same octets in another part */
		b->part[ATTRS_EXT] = b->part[ATTRS_COMMUNITIES];
		b->part[ATTRS_COMMUNITIES].octets = 0;
		break;
	case 13: b->part[ATTRS_UNKNOWN].octets = 0; break;
	case 14: b->flags |= ATTRS_AGGREGATOR; b->aggregator_asn = 1; break;
	case 15: b->flags |= ATTRS_ORIGINATOR; b->originator_id = 1; break;
	case 16: b->flags |= ATTRS_COMM_PARTIAL; break;
	default: ck_abort();
	}
}
#define NCHANGES 17

START_TEST(any_difference_is_another_object)
{
	struct attrs_build b = sample(), c = b;
	const struct attrs *a = attrs_intern(pool, &b), *other;

	change(&c, _i);
	other = attrs_intern(pool, &c);
	ck_assert_ptr_ne(a, other);
	ck_assert_uint_eq(attrs_pool_live(pool), 2);
	attrs_unref(pool, a);
	attrs_unref(pool, other);
}
END_TEST

/* Values whose flag is not set do not count. */
START_TEST(values_without_flag_do_not_count)
{
	struct attrs_build b = { 0 }, c = { .med = 1, .local_pref = 2, .aggregator_asn = 3,
		.aggregator_id = 4, .originator_id = 5 };
	const struct attrs *a, *same;

	ck_assert(ip_addr_parse("2001:db8::1", &b.next_hop));
	c.next_hop = b.next_hop;
	c.next_hop.ifindex = 9; /* not link-local: no scope */
	ck_assert(ip_addr_parse("fe80::1%4", &c.next_hop_ll));
	a = attrs_intern(pool, &b);
	same = attrs_intern(pool, &c);
	ck_assert_ptr_eq(a, same);
	attrs_unref(pool, a);
	attrs_unref(pool, same);
}
END_TEST

START_TEST(there_and_back)
{
	struct attrs_build b = sample(), back;
	const struct attrs *a = attrs_intern(pool, &b), *again;
	char text[IP_ADDR_STRLEN];
	struct ip_addr ll = attrs_next_hop_ll(a), nh = attrs_next_hop(a);

	ck_assert_str_eq(ip_addr_str(&nh, text), "2001:db8::1");
	ck_assert_str_eq(ip_addr_str(&ll, text), "fe80::1%4");
	attrs_to_build(a, &back);
	again = attrs_intern(pool, &back);
	ck_assert_ptr_eq(a, again);
	attrs_unref(pool, again);
	back.med = 8;
	again = attrs_intern(pool, &back);
	ck_assert_uint_eq(again->med, 8);
	ck_assert_mem_eq(attrs_part(again, ATTRS_UNKNOWN).p, b.part[ATTRS_UNKNOWN].p, 3);
	attrs_unref(pool, again);
	attrs_unref(pool, a);
}
END_TEST

START_TEST(link_local_alone_keeps_its_scope)
{
	struct attrs_build b = { 0 }, back;
	const struct attrs *a;
	struct ip_addr nh, ll;

	ck_assert(ip_addr_parse("fe80::1%4", &b.next_hop));
	a = attrs_intern(pool, &b);
	nh = attrs_next_hop(a);
	ll = attrs_next_hop_ll(a);
	ck_assert(ip_addr_eq(&nh, &b.next_hop));
	ck_assert_uint_eq(ll.af, IP_NONE);
	attrs_to_build(a, &back);
	ck_assert_uint_eq(back.next_hop.ifindex, 4);
	attrs_unref(pool, a);
}
END_TEST

/* Many sets: the table grows, and every one is found again. */
START_TEST(many_sets)
{
	static const struct attrs *v[5000];

	for (uint32_t i = 0; i < 5000; i++) {
		struct attrs_build b = { .flags = ATTRS_MED, .med = i };

		v[i] = attrs_intern(pool, &b);
	}
	ck_assert_uint_eq(attrs_pool_live(pool), 5000);
	for (uint32_t i = 0; i < 5000; i++) {
		struct attrs_build b = { .flags = ATTRS_MED, .med = i };

		ck_assert_ptr_eq(attrs_intern(pool, &b), v[i]);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		attrs_unref(pool, v[i]);
		attrs_unref(pool, v[i]);
	}
}
END_TEST

/* ---- AS_PATH ---------------------------------------------------------------------------------- */

struct path_case {
	const char *name;
	const uint8_t *path;
	size_t octets;
	uint16_t hops;
	uint32_t first, origin;
	const char *text;
};

#define AS(n) 0, 0, 0, n

static const struct path_case path_cases[] = {
	{ "empty", (const uint8_t *)"", 0, 0, 0, 0, "" },
	{ "one", HEX(2, 1, AS(1)), 1, 1, 1, "1" },
	{ "three", HEX(2, 3, AS(1), AS(2), AS(3)), 3, 1, 3, "1 2 3" },
	{ "a set counts one: 4271 s9.1.2.2", HEX(2, 1, AS(1), 1, 3, AS(2), AS(3), AS(4)), 2, 1, 0,
	    "1 {2 3 4}" },
	{ "a leading set: no first AS", HEX(1, 2, AS(2), AS(3), 2, 1, AS(9)), 2, 0, 9, "{2 3} 9" },
	{ "confederation counts nothing: 5065 s5.3", HEX(3, 2, AS(7), AS(8), 2, 2, AS(1), AS(2)), 2,
	    1, 2, "(7 8) 1 2" },
	{ "confederation set", HEX(4, 2, AS(7), AS(8)), 0, 0, 0, "[7 8]" },
	{ "two sequences", HEX(2, 1, AS(1), 2, 1, AS(2)), 2, 1, 2, "1 2" },
	{ "4 octets", HEX(2, 1, 0xff, 0xff, 0xff, 0xff), 1, 4294967295, 4294967295, "4294967295" },
};

START_TEST(path_facts)
{
	const struct path_case *c = &path_cases[_i];
	const struct attrs *a = with_path(c->path, c->octets);
	char text[64];

	ck_assert_msg(a->as_path_hops == c->hops, "%s: %u", c->name, a->as_path_hops);
	ck_assert_msg(a->first_asn == c->first, "%s: first %u", c->name, a->first_asn);
	ck_assert_msg(a->origin_asn == c->origin, "%s: origin %u", c->name, a->origin_asn);
	ck_assert_str_eq(attrs_str_as_path(a, text, sizeof(text)), c->text);
	attrs_unref(pool, a);
}
END_TEST

START_TEST(asns_are_found)
{
	const struct attrs *a = with_path(HEX(2, 2, AS(1), AS(2), 1, 2, AS(2), AS(3)));
	static const uint32_t want[] = { 1, 2, 2, 3 };
	struct as_path_iter it = as_path_iter(a);
	uint32_t asn;
	uint8_t seg;

	ck_assert(attrs_has_asn(a, 1) && attrs_has_asn(a, 3) && !attrs_has_asn(a, 4));
	ck_assert_uint_eq(attrs_count_asn(a, 2), 2);
	ck_assert_uint_eq(attrs_count_asn(a, 9), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert(as_path_next(&it, &asn, &seg));
		ck_assert_uint_eq(asn, want[i]);
		ck_assert_uint_eq(seg, i < 2 ? SEG_SEQUENCE : SEG_SET);
	}
	ck_assert(!as_path_next(&it, &asn, NULL));
	attrs_unref(pool, a);
}
END_TEST

START_TEST(communities_and_clusters_are_found)
{
	struct attrs_build b = { 0 };
	const struct attrs *a;

	b.part[ATTRS_COMMUNITIES] = VIEW(0, 1, 0, 2, 0xff, 0xff, 0xff, 1);
	b.part[ATTRS_CLUSTER_LIST] = VIEW(1, 2, 3, 4);
	a = attrs_intern(pool, &b);
	ck_assert(attrs_has_community(a, 0x00010002));
	ck_assert(attrs_has_community(a, COMM_NO_EXPORT));
	ck_assert(!attrs_has_community(a, 0x01020304));
	ck_assert(attrs_has_cluster(a, 0x01020304));
	ck_assert(!attrs_has_cluster(a, 0x00010002));
	attrs_unref(pool, a);
}
END_TEST

/* ---- prepending: RFC 4271 section 5.1.2 -------------------------------------------------------- */

static const char *
prepended(struct attrs_build *b, uint32_t asn, unsigned n)
{
	static uint8_t scratch[8192];
	static char text[4096];
	const struct attrs *a;

	ck_assert(attrs_prepend(b, asn, n, scratch, sizeof(scratch)));
	a = attrs_intern(pool, b);
	attrs_str_as_path(a, text, sizeof(text));
	attrs_unref(pool, a);
	return text;
}

START_TEST(prepend)
{
	struct attrs_build b = { 0 };

	ck_assert_str_eq(prepended(&b, 65001, 1), "65001");
	b.part[ATTRS_AS_PATH] = VIEW(2, 1, AS(2));
	ck_assert_str_eq(prepended(&b, 65001, 3), "65001 65001 65001 2");
	ck_assert_uint_eq(b.part[ATTRS_AS_PATH].p[1], 4); /* one segment */
	b.part[ATTRS_AS_PATH] = VIEW(1, 1, AS(2));
	ck_assert_str_eq(prepended(&b, 65001, 1), "65001 {2}");
	b.part[ATTRS_AS_PATH] = VIEW(2, 1, AS(2));
	ck_assert_str_eq(prepended(&b, 65001, 0), "2");
}
END_TEST

/* A segment holds at most 255 numbers; the next one begins in front of it. */
START_TEST(prepend_over_a_full_segment)
{
	static uint8_t path[2 + 255 * 4], scratch[8192];
	struct attrs_build b = { 0 };

	path[0] = 2;
	path[1] = 254;
	b.part[ATTRS_AS_PATH] = view(path, 2 + 254 * 4);
	ck_assert(attrs_prepend(&b, 9, 1, scratch, sizeof(scratch)));
	ck_assert_uint_eq(scratch[1], 255);
	ck_assert_uint_eq(b.part[ATTRS_AS_PATH].octets, 2 + 255 * 4);
	path[1] = 255;
	b.part[ATTRS_AS_PATH] = view(path, sizeof(path));
	ck_assert(attrs_prepend(&b, 9, 1, scratch, sizeof(scratch)));
	ck_assert(scratch[0] == 2 && scratch[1] == 1 && scratch[5] == 9);
	ck_assert(scratch[6] == 2 && scratch[7] == 255);
	ck_assert_uint_eq(b.part[ATTRS_AS_PATH].octets, 6 + sizeof(path));
	path[1] = 254;
	b.part[ATTRS_AS_PATH] = view(path, 2 + 254 * 4);
	ck_assert(attrs_prepend(&b, 9, 300, scratch, sizeof(scratch)));
	ck_assert_uint_eq(scratch[1], 255); /* 299 in front: 255 and 44, the last joins */
	ck_assert_uint_eq(scratch[2 + 255 * 4 + 1], 44);
	ck_assert_uint_eq(b.part[ATTRS_AS_PATH].octets, 2 + 255 * 4 + 2 + 44 * 4 + 2 + 255 * 4);
}
END_TEST

START_TEST(prepend_needs_room)
{
	uint8_t scratch[16];
	struct attrs_build b = { .part[ATTRS_AS_PATH] = VIEW(2, 1, AS(2)) }, was = b;

	ck_assert(!attrs_prepend(&b, 9, 1, scratch, 9));
	ck_assert_mem_eq(&b, &was, sizeof(b));
	ck_assert(attrs_prepend(&b, 9, 1, scratch, 10));
	b = was;
	ck_assert(!attrs_prepend(&b, 9, 70000, scratch, sizeof(scratch)));
	ck_assert(!attrs_prepend_cluster(&b, 1, scratch, 3));
	ck_assert(attrs_prepend_cluster(&b, 0x01020304, scratch, 4));
	ck_assert_mem_eq(b.part[ATTRS_CLUSTER_LIST].p, "\1\2\3\4", 4);
	was = b;
	ck_assert(attrs_prepend_cluster(&was, 0x05060708, scratch + 4, 8));
	ck_assert_uint_eq(was.part[ATTRS_CLUSTER_LIST].octets, 8);
	ck_assert_mem_eq(was.part[ATTRS_CLUSTER_LIST].p, "\5\6\7\10\1\2\3\4", 8);
}
END_TEST

/* ---- texts ------------------------------------------------------------------------------------------- */

START_TEST(texts)
{
	struct attrs_build b = { 0 };
	const struct attrs *a;
	char text[256];

	b.part[ATTRS_COMMUNITIES] = VIEW(0xfd, 0xe9, 0, 5, 0xff, 0xff, 0, 0, 0xff, 0xff, 2, 0x9a, 0xff,
	    0xff, 0xff, 2, 0xff, 0xff, 0xff, 3, 0xff, 0xff, 0xff, 4);
	b.part[ATTRS_EXT] = VIEW(0, 2, 0xfd, 0xe9, 0, 0, 0, 1, 1, 2, 10, 0, 0, 1, 0, 7, 2, 3, 0, 1,
	    0, 1, 0, 8, 0x40, 2, 0, 1, 0, 0, 0, 2, 6, 0, 0, 0, 0, 0, 0, 1, 2, 9, 0, 0, 0, 0, 0, 2);
	b.part[ATTRS_LARGE] = VIEW(0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, 0, 0,
	    0, 0, 0, 0, 0, 1);
	b.part[ATTRS_CLUSTER_LIST] = VIEW(10, 0, 0, 1, 10, 0, 0, 2);
	a = attrs_intern(pool, &b);
	ck_assert_str_eq(attrs_str_communities(a, text, sizeof(text)),
	    "65001:5 graceful-shutdown blackhole no-advertise no-export-subconfed no-peer");
	ck_assert_str_eq(attrs_str_ext(a, text, sizeof(text)),
	    "rt:65001:1 rt:10.0.0.1:7 so:65537:8 rt:1:2 0x0600000000000001 "
	    "0x0209000000000002");
	ck_assert_str_eq(attrs_str_large(a, text, sizeof(text)), "1:2:3 4294967295:0:1");
	ck_assert_str_eq(attrs_str_cluster_list(a, text, sizeof(text)), "10.0.0.1 10.0.0.2");
	ck_assert_str_eq(attrs_str_unknown(a, text, sizeof(text)), "");
	ck_assert_str_eq(attrs_str_as_path(a, text, sizeof(text)), "");
	attrs_unref(pool, a);
}
END_TEST

/* A text that does not fit ends in "..." and stays inside its buffer. */
START_TEST(texts_are_cut)
{
	const struct attrs *a = with_path(HEX(2, 3, AS(100), AS(200), AS(50)));
	char text[16];

	memset(text, 'x', sizeof(text));
	ck_assert_str_eq(attrs_str_as_path(a, text, 11), "100 200 50");
	ck_assert_str_eq(attrs_str_as_path(a, text, 10), "100 20...");
	ck_assert_str_eq(attrs_str_as_path(a, text, 9), "100 2...");
	ck_assert_str_eq(attrs_str_as_path(a, text, 4), "...");
	ck_assert_str_eq(attrs_str_as_path(a, text, 1), "");
	ck_assert_int_eq(text[11], 'x');
	attrs_unref(pool, a);
}
END_TEST

/* ---- NLRI -------------------------------------------------------------------------------------------- */

struct nlri_case {
	const char *name;
	uint8_t af;
	bool addpath;
	const uint8_t *in;
	size_t octets;
	uint32_t count;
	const char *last;
	uint32_t path_id;
	const char *why; /* NULL: fine */
	uint16_t off;
};

static const struct nlri_case nlri_cases[] = {
	{ "none", IP4, false, (const uint8_t *)"", 0, 0, "none", 0, NULL, 0 },
	{ "default", IP4, false, HEX(0), 1, "0.0.0.0/0", 0, NULL, 0 },
	{ "/1", IP4, false, HEX(1, 0x80), 1, "128.0.0.0/1", 0, NULL, 0 },
	{ "/9: two octets", IP4, false, HEX(9, 10, 0x80), 1, "10.128.0.0/9", 0, NULL, 0 },
	{ "/32", IP4, false, HEX(32, 1, 2, 3, 4), 1, "1.2.3.4/32", 0, NULL, 0 },
	{ "noise behind the length: 4271 s4.3", IP4, false, HEX(7, 0xff), 1, "254.0.0.0/7", 0, NULL,
	    0 },
	{ "two", IP4, false, HEX(8, 10, 8, 11), 2, "11.0.0.0/8", 0, NULL, 0 },
	{ "/33", IP4, false, HEX(33, 1, 2, 3, 4, 5), 0, "none", 0,
	    "prefix length over the family's bits", 19 },
	{ "second overruns", IP4, false, HEX(8, 10, 9, 11), 1, "10.0.0.0/8", 0,
	    "prefix runs over the end of its field", 21 },
	{ "/128", IP6, false, HEX(128, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16), 1,
	    "102:304:506:708:90a:b0c:d0e:f10/128", 0, NULL, 0 },
	{ "/129", IP6, false, HEX(129, 1), 0, "none", 0, "prefix length over the family's bits",
	    19 },
	{ "path id", IP4, true, HEX(1, 2, 3, 4, 8, 10), 1, "10.0.0.0/8", 0x01020304, NULL, 0 },
	{ "path id cut off", IP4, true, HEX(1, 2, 3), 0, "none", 0,
	    "prefix runs over the end of its field", 19 },
	{ "path id without prefix", IP4, true, HEX(1, 2, 3, 4), 0, "none", 0,
	    "prefix runs over the end of its field", 19 },
};

START_TEST(nlri)
{
	const struct nlri_case *c = &nlri_cases[_i];
	struct rd r = rd_init(c->in, c->octets);
	struct bgp_err e = { 0 }, again = { 0 };
	struct nlri one = { 0 };
	char text[IP_PREFIX_STRLEN];
	uint32_t n = 0;

	while (nlri_next(&r, c->af, c->addpath, &one, &e))
		n++;
	ck_assert_msg(n == c->count, "%s: %u", c->name, n);
	ck_assert_str_eq(ip_prefix_str(&one.prefix, text), c->last);
	ck_assert_uint_eq(one.path_id, c->path_id);
	ck_assert_msg((e.why == NULL) == (c->why == NULL), "%s: %s", c->name, e.why);
	if (c->why) {
		ck_assert_str_eq(e.why, c->why);
		ck_assert(e.act == ACT_RESET && e.code == ERR_UPDATE && e.sub == UPD_NETWORK);
		ck_assert_uint_eq(e.off, c->off);
	}
	r = rd_init(c->in, c->octets);
	ck_assert_uint_eq(nlri_check(r, c->af, c->addpath, &again), c->count);
	ck_assert_int_eq(again.act, e.act);
}
END_TEST

START_TEST(nlri_is_written)
{
	static const char *const prefixes[] = { "0.0.0.0/0", "10.128.0.0/9", "1.2.3.4/32", "::/0",
		"2001:db8::/33", "::1/128" };

	for (int i = 0; i < NROWS(prefixes) * 2; i++) {
		struct nlri n = { .path_id = 77 }, back;
		struct bgp_err e = { 0 };
		uint8_t buf[32];
		struct wr w = wr_init(buf, sizeof(buf));
		struct rd r;
		bool addpath = i % 2;

		ck_assert(ip_prefix_parse(prefixes[i / 2], &n.prefix, NULL));
		nlri_put(&w, addpath, &n);
		ck_assert_uint_eq(wr_len(&w), nlri_octets(addpath, &n));
		r = rd_init(buf, wr_len(&w));
		ck_assert(nlri_next(&r, n.prefix.af, addpath, &back, &e));
		ck_assert(rd_done(&r) && ip_prefix_eq(&n.prefix, &back.prefix));
		ck_assert_uint_eq(back.path_id, addpath ? 77 : 0);
	}
}
END_TEST

START_TEST(families)
{
	ck_assert_uint_eq(afi_known(1, 1), IP4);
	ck_assert_uint_eq(afi_known(2, 1), IP6);
	ck_assert_uint_eq(afi_known(1, 2), 0);
	ck_assert_uint_eq(afi_known(3, 1), 0);
	ck_assert_uint_eq(afi_known(257, 1), 0);
	ck_assert_uint_eq(AF_BIT(IP6), 2);
	ck_assert_uint_eq(AF_OF(1), IP6);
	ck_assert_str_eq(afi_desc[AF_IDX(IP6)].name, "ipv6-unicast");
}
END_TEST

/* ---- timers --------------------------------------------------------------------------------------------- */

struct alarm {
	struct timer t;
	struct heap *h;
	unsigned fired;
	bool again;
	struct mono_us at;
};

static void
alarm_fire(struct timer *t, struct mono_us now)
{
	struct alarm *a = container_of(t, struct alarm, t);

	ck_assert(!timer_armed(t));
	a->fired++;
	a->at = now;
	if (a->again)
		timer_set(a->h, t, now);
}

START_TEST(timers)
{
	struct heap h = { 0 };
	struct alarm a = { .t.fire = alarm_fire, .h = &h }, b = a;

	timer_set(&h, &a.t, (struct mono_us){ 100 });
	timer_set_earlier(&h, &a.t, (struct mono_us){ 200 });
	ck_assert_uint_eq(heap_deadline(&h).us, 100);
	timer_set_earlier(&h, &a.t, (struct mono_us){ 50 });
	timer_set_earlier(&h, &b.t, (struct mono_us){ 70 });
	ck_assert(timer_armed(&a.t));
	ck_assert(!timers_run(&h, (struct mono_us){ 49 }, 10));
	ck_assert_uint_eq(a.fired, 0);
	ck_assert(timers_run(&h, (struct mono_us){ 70 }, 1));
	ck_assert(a.fired == 1 && b.fired == 0);
	ck_assert(!timers_run(&h, (struct mono_us){ 70 }, 1));
	ck_assert(b.fired == 1 && b.at.us == 70);
	a.again = true; /* one that arms itself anew does not hang the loop */
	timer_set(&h, &a.t, (struct mono_us){ 80 });
	ck_assert(timers_run(&h, (struct mono_us){ 80 }, 5));
	ck_assert_uint_eq(a.fired, 6);
	timer_stop(&h, &a.t);
	ck_assert(!timer_armed(&a.t));
	ck_assert(mono_is_never(heap_deadline(&h)));
	heap_free(&h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("attrs");
	TCase *tc = unit_case(s, "attrs");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, equal_content_is_one_object);
	tcase_add_loop_test(tc, any_difference_is_another_object, 0, NCHANGES);
	tcase_add_test(tc, values_without_flag_do_not_count);
	tcase_add_test(tc, there_and_back);
	tcase_add_test(tc, link_local_alone_keeps_its_scope);
	tcase_add_test(tc, many_sets);
	tcase_add_loop_test(tc, path_facts, 0, NROWS(path_cases));
	tcase_add_test(tc, asns_are_found);
	tcase_add_test(tc, communities_and_clusters_are_found);
	tcase_add_test(tc, prepend);
	tcase_add_test(tc, prepend_over_a_full_segment);
	tcase_add_test(tc, prepend_needs_room);
	tcase_add_test(tc, texts);
	tcase_add_test(tc, texts_are_cut);
	tcase_add_loop_test(tc, nlri, 0, NROWS(nlri_cases));
	tcase_add_test(tc, nlri_is_written);
	tcase_add_test(tc, families);
	tcase_add_test(tc, timers);
	return unit_run(s);
}
