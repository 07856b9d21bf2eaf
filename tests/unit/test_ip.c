/*
 * Addresses and prefixes: text both ways, masks, containment, order, classes.
 */
#include "lib/ip.h"
#include "tests/unit/unit.h"

/* text, and how it is printed; NULL when it is no address */
static const struct {
	const char *in, *out;
	uint32_t ifindex;
} addr_rows[] = {
	{ "0.0.0.0", "0.0.0.0", 0 },
	{ "255.255.255.255", "255.255.255.255", 0 },
	{ "10.0.0.1", "10.0.0.1", 0 },
	{ "10.0.0.01", NULL, 0 },
	{ "010.0.0.1", NULL, 0 },
	{ "10.0.0.256", NULL, 0 },
	{ "10.0.1", NULL, 0 },
	{ "10.0.0.1.2", NULL, 0 },
	{ "10.0.0.1 ", NULL, 0 },
	{ " 10.0.0.1", NULL, 0 },
	{ "10.0.0.1/32", NULL, 0 },
	{ "10.0.0.1%1", NULL, 0 },
	{ "0x0a.0.0.1", NULL, 0 },
	{ "", NULL, 0 },
	{ "localhost", NULL, 0 },
	{ "::", "::", 0 },
	{ "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1", 0 }, /* RFC 5952 section 4.2.3 */
	{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", 0 }, /* RFC 5952 section 4.2.2 */
	{ "::ffff:192.0.2.1", "::ffff:192.0.2.1", 0 },
	{ "fe80::1%7", "fe80::1%7", 7 },
	{ "fe80::1%4294967295", "fe80::1%4294967295", UINT32_MAX },
	{ "fe80::1%4294967296", NULL, 0 },
	{ "fe80::1%0", NULL, 0 },
	{ "fe80::1%07", NULL, 0 },
	{ "fe80::1%", NULL, 0 },
	{ "fe80::1%eth0", NULL, 0 },
	{ "1::2::3", NULL, 0 },
	{ "12345::", NULL, 0 },
	{ ":", NULL, 0 },
	{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL, 0 },
};

START_TEST(addr_text)
{
	struct ip_addr a = { .af = 99 };
	char buf[IP_ADDR_STRLEN];

	if (!addr_rows[_i].out) {
		ck_assert_msg(!ip_addr_parse(addr_rows[_i].in, &a), "%s", addr_rows[_i].in);
		ck_assert_uint_eq(a.af, 99); /* left alone */
		return;
	}
	ck_assert_msg(ip_addr_parse(addr_rows[_i].in, &a), "%s", addr_rows[_i].in);
	ck_assert_str_eq(ip_addr_str(&a, buf), addr_rows[_i].out);
	ck_assert_uint_eq(a.ifindex, addr_rows[_i].ifindex);
}
END_TEST

static const struct {
	const char *in, *out; /* NULL: no prefix */
	bool host_bits;
} prefix_rows[] = {
	{ "10.0.0.0/8", "10.0.0.0/8", false },
	{ "0.0.0.0/0", "0.0.0.0/0", false },
	{ "192.0.2.1/32", "192.0.2.1/32", false },
	{ "192.0.2.1/24", "192.0.2.0/24", true },
	{ "192.0.2.129/25", "192.0.2.128/25", true },
	{ "128.0.0.0/1", "128.0.0.0/1", false },
	{ "10.0.0.0/33", NULL, false },
	{ "10.0.0.0/08", NULL, false },
	{ "10.0.0.0/", NULL, false },
	{ "10.0.0.0", NULL, false },
	{ "10.0.0.0/8/8", NULL, false },
	{ "10.0.0.0/-1", NULL, false },
	{ "10.0.0.0/8 ", NULL, false },
	{ "10.0.0.0/99999999999999999999", NULL, false },
	{ "/8", NULL, false },
	{ "::/0", "::/0", false },
	{ "fd00::/8", "fd00::/8", false },
	{ "fd00:1::1/32", "fd00:1::/32", true },
	{ "fd00::1/128", "fd00::1/128", false },
	{ "fd00::/129", NULL, false },
	{ "fe80::1%1/64", NULL, false },
};

START_TEST(prefix_text)
{
	struct ip_prefix p = { .af = 99 };
	char buf[IP_PREFIX_STRLEN];
	bool host_bits = false;

	if (!prefix_rows[_i].out) {
		ck_assert_msg(!ip_prefix_parse(prefix_rows[_i].in, &p, &host_bits), "%s",
		    prefix_rows[_i].in);
		ck_assert_uint_eq(p.af, 99);
		return;
	}
	ck_assert(ip_prefix_parse(prefix_rows[_i].in, &p, &host_bits));
	ck_assert_str_eq(ip_prefix_str(&p, buf), prefix_rows[_i].out);
	ck_assert_int_eq(host_bits, prefix_rows[_i].host_bits);
	ck_assert_int_eq(ip_prefix_parse(prefix_rows[_i].in, &p, NULL), !host_bits);
}
END_TEST

/* In prefix order; each row says which earlier row is its closest container, -1 for none. */
static const struct {
	const char *text;
	int inside;
} order_rows[] = {
	{ "0.0.0.0/0", -1 },
	{ "0.0.0.0/1", 0 },
	{ "10.0.0.0/8", 1 },
	{ "10.0.0.0/16", 2 },
	{ "10.0.0.0/32", 3 },
	{ "10.0.0.1/32", 3 },
	{ "10.1.0.0/16", 2 },
	{ "128.0.0.0/1", 0 },
	{ "::/0", -1 },
	{ "::/128", 8 },
};

START_TEST(prefix_order)
{
	bool want;

	for (int i = 0; i < NROWS(order_rows); i++)
		for (int j = 0; j < NROWS(order_rows); j++) {
			struct ip_prefix a = px(order_rows[i].text),
					 b = px(order_rows[j].text);
			int cmp = ip_prefix_cmp(&a, &b), k = j;

			ck_assert_int_eq((cmp > 0) - (cmp < 0), (i > j) - (i < j));
			ck_assert_int_eq(ip_prefix_eq(&a, &b), i == j);
			while (k > i)
				k = order_rows[k].inside;
			want = k == i;
			ck_assert_msg(ip_prefix_contains(&a, &b) == want, "%s %s",
			    order_rows[i].text, order_rows[j].text);
		}
}
END_TEST

START_TEST(contains_and_overlaps)
{
	struct ip_prefix v4 = px("10.0.0.0/8"), in = px("10.1.0.0/16"),
			 out = px("11.0.0.0/16"), v6 = px("::/0"), all = px("0.0.0.0/0");
	struct ip_addr a = ad("10.255.0.1"), b = ad("11.0.0.1"), c = ad("fd00::1");
	struct ip_addr none = { 0 };
	struct ip_prefix no_prefix = { 0 };

	ck_assert(ip_prefix_overlaps(&v4, &in) && ip_prefix_overlaps(&in, &v4));
	ck_assert(!ip_prefix_overlaps(&out, &v4) && !ip_prefix_overlaps(&v6, &v4));
	ck_assert(ip_prefix_has_addr(&v4, &a) && !ip_prefix_has_addr(&v4, &b));
	ck_assert(ip_prefix_has_addr(&v6, &c) && !ip_prefix_has_addr(&all, &c));
	ck_assert(!ip_prefix_has_addr(&no_prefix, &none));
	ck_assert(ip_prefix_is_default(&all) && ip_prefix_is_default(&v6));
	ck_assert(!ip_prefix_is_default(&v4) && !ip_prefix_is_default(&no_prefix));
	ck_assert(!ip_prefix_is_host(&v4) && !ip_prefix_is_host(&no_prefix));
	v4 = ip_prefix_from_addr(&a);
	ck_assert(ip_prefix_is_host(&v4));
	ck_assert_uint_eq(v4.len, 32);
}
END_TEST

/* u unspecified, o loopback, m multicast, l link-local, 4 mapped */
static const struct {
	const char *text, *is;
} class_rows[] = {
	{ "0.0.0.0", "u" },	      { "::", "u" },
	{ "0.0.0.1", "" },	      { "127.0.0.1", "o" },
	{ "127.255.255.255", "o" },   { "128.0.0.1", "" },
	{ "::1", "o" },		      { "::2", "" },
	{ "223.255.255.255", "" },    { "224.0.0.0", "m" },
	{ "239.255.255.255", "m" },   { "240.0.0.0", "" },
	{ "ff02::1", "m" },	      { "fe00::1", "" },
	{ "169.254.0.1", "l" },	      { "169.253.0.1", "" },
	{ "169.255.0.1", "" },	      { "fe80::1", "l" },
	{ "febf::1", "l" },	      { "fec0::1", "" },
	{ "fe7f::1", "" },	      { "::ffff:10.0.0.1", "4" },
	{ "::fffe:10.0.0.1", "" },    { "::1:ffff:10.0.0.1", "" },
};

START_TEST(addr_classes)
{
	struct ip_addr a = ad(class_rows[_i].text), plain;
	const char *is = class_rows[_i].is;

	ck_assert_int_eq(ip_addr_is_unspec(&a), strchr(is, 'u') != NULL);
	ck_assert_int_eq(ip_addr_is_loopback(&a), strchr(is, 'o') != NULL);
	ck_assert_int_eq(ip_addr_is_multicast(&a), strchr(is, 'm') != NULL);
	ck_assert_int_eq(ip_addr_is_link_local(&a), strchr(is, 'l') != NULL);
	ck_assert_int_eq(ip_addr_is_v4mapped(&a), strchr(is, '4') != NULL);
	plain = ip_addr_unmap(&a);
	ck_assert_uint_eq(plain.af, strchr(is, '4') ? IP4 : a.af);
}
END_TEST

START_TEST(masks)
{
	struct ip_addr a = ad("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	uint8_t want;

	for (unsigned len = 0; len <= 128; len++) {
		struct ip_prefix p = ip_prefix_of(&a, (uint8_t)len);

		for (unsigned bit = 0; bit < 128; bit++) {
			want = bit < len;
			ck_assert_uint_eq(p.b[bit / 8] >> (7 - bit % 8) & 1, want);
		}
	}
	a = ad("255.255.255.255");
	ck_assert_uint_eq(ip_prefix_of(&a, 200).len, 32);
	ck_assert_uint_eq(ip_prefix_octets(0), 0);
	ck_assert_uint_eq(ip_prefix_octets(1), 1);
	ck_assert_uint_eq(ip_prefix_octets(8), 1);
	ck_assert_uint_eq(ip_prefix_octets(9), 2);
	ck_assert_uint_eq(ip_prefix_octets(128), 16);
}
END_TEST

START_TEST(four_octets_and_zeros)
{
	const uint8_t from[] = { 10, 200, 3, 255, 7 }, want[16] = { 10, 200, 3, 255 };
	uint8_t to[16];

	memset(to, 0xff, sizeof to);
	ip_put_four(to, from);
	ck_assert_mem_eq(to, want, sizeof want);
}
END_TEST

START_TEST(numbers_and_order)
{
	struct ip_addr a = ip_addr_from_v4(0x0a000001), b = ad("fe80::1%1"), c = ad("fe80::1%2");
	struct ip_addr none = { 0 };
	struct ip_prefix host = ip_prefix_from_addr(&c);
	struct ip_addr back = ip_prefix_addr(&host);
	char buf[IP_ADDR_STRLEN];

	ck_assert_str_eq(ip_addr_str(&a, buf), "10.0.0.1");
	ck_assert_uint_eq(ip_addr_v4(&a), 0x0a000001);
	ck_assert(ip_addr_cmp(&a, &b) < 0 && ip_addr_cmp(&b, &a) > 0);
	ck_assert(ip_addr_cmp(&b, &c) < 0 && ip_addr_cmp(&c, &b) > 0);
	ck_assert(!ip_addr_eq(&b, &c) && ip_addr_eq(&b, &b));
	ck_assert_uint_eq(back.ifindex, 0); /* a prefix has no scope */
	ck_assert_str_eq(ip_addr_str(&none, buf), "none");
	ck_assert_str_eq(ip_addr_bare_str(&none, buf), "none");
	ck_assert_str_eq(ip_addr_str(&c, buf), "fe80::1%2");
	ck_assert_str_eq(ip_addr_bare_str(&c, buf), "fe80::1");
	ck_assert_str_eq(ip_af_str(IP6), "ipv6");
	ck_assert_str_eq(ip_af_str(7), "none");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ip");
	TCase *tc = unit_case(s, "ip");

	tcase_add_loop_test(tc, addr_text, 0, NROWS(addr_rows));
	tcase_add_loop_test(tc, prefix_text, 0, NROWS(prefix_rows));
	tcase_add_test(tc, prefix_order);
	tcase_add_test(tc, contains_and_overlaps);
	tcase_add_loop_test(tc, addr_classes, 0, NROWS(class_rows));
	tcase_add_test(tc, masks);
	tcase_add_test(tc, four_octets_and_zeros);
	tcase_add_test(tc, numbers_and_order);
	return unit_run(s);
}
