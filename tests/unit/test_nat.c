/*
 * natOutgoing: ranges out of prefixes, and what they translate.
 */
#include "agent/core/nat.h"
#include "lib/rng.h"
#include "tests/unit/unit.h"

static struct nat_sets sets;

static void
teardown(void)
{
	nat_sets_free(&sets);
}

static void
add(enum nat_set set, const char *text)
{
	struct ip_prefix p;

	ck_assert(ip_prefix_parse(text, &p, NULL));
	nat_sets_add(&sets, set, &p);
}

static const struct {
	const char *in[4], *out[3];
} table[] = {
	{ { NULL }, { NULL } },
	{ { "10.0.0.0/8" }, { "10.0.0.0/8" } },
	{ { "10.1.0.0/16", "10.0.0.0/8" }, { "10.0.0.0/8" } },
	{ { "10.0.1.0/24", "10.0.0.0/24" }, { "10.0.0.0/23" } }, /* they touch */
	{ { "10.0.2.0/24", "10.0.1.0/24" }, { "10.0.1.0-10.0.2.255" } },
	{ { "10.0.2.0/24", "10.0.0.0/24" }, { "10.0.0.0/24", "10.0.2.0/24" } },
	{ { "10.0.0.7/32", "10.0.0.7/32" }, { "10.0.0.7/32" } },
	{ { "255.0.0.0/8", "255.255.255.255/32", "1.0.0.0/8" }, { "1.0.0.0/8", "255.0.0.0/8" } },
	{ { "0.0.0.0/0", "10.0.0.0/8" }, { "0.0.0.0/0" } },
	{ { "10.0.255.0/24", "10.1.0.0/24" }, { "10.0.255.0-10.1.0.255" } }, /* over an octet */
};

START_TEST(ranges_are_apart)
{
	char buf[NAT_RANGE_STRLEN];
	size_t n = 0;

	for (size_t i = 0; i < 4 && table[_i].in[i]; i++)
		add(NAT_INSIDE, table[_i].in[i]);
	nat_sets_settle(&sets);
	while (n < 3 && table[_i].out[n])
		n++;
	ck_assert_uint_eq(sets.n[NAT_INSIDE][0], n);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(nat_range_str(&sets.v[NAT_INSIDE][0][i], buf), table[_i].out[i]);
	ck_assert_uint_eq(sets.n[NAT_INSIDE][1] + sets.n[NAT_PODS][0], 0);
}
END_TEST

static const struct {
	const char *from, *to;
	bool translated;
} packets[] = {
	{ "10.244.1.2", "203.0.113.9", true },
	{ "10.244.1.2", "10.244.2.2", false }, /* pod to pod */
	{ "10.244.1.2", "10.0.1.12", false },  /* to a node */
	{ "10.244.1.2", "10.0.1.13", true },
	{ "10.244.2.2", "203.0.113.9", false }, /* not a pod of this node */
	{ "10.0.1.11", "203.0.113.9", false },	/* the node itself */
	{ "fd00:1::2", "2001:db8::1", true },
	{ "fd00:1::2", "fd00:2::2", false },
};

START_TEST(only_pods_to_the_outside)
{
	struct ip_addr from, to;

	add(NAT_PODS, "10.244.1.0/24");
	add(NAT_PODS, "fd00:1::/64");
	add(NAT_INSIDE, "10.244.0.0/16");
	add(NAT_INSIDE, "10.0.1.12/32");
	add(NAT_INSIDE, "fd00::/16");
	nat_sets_settle(&sets);
	ck_assert(ip_addr_parse(packets[_i].from, &from) && ip_addr_parse(packets[_i].to, &to));
	ck_assert_int_eq(nat_sets_translates(&sets, &from, &to), packets[_i].translated);
}
END_TEST

/* Any prefixes: an address is in a range exactly when one of them has it. */
START_TEST(ranges_are_the_prefixes)
{
	struct ip_prefix p[12];
	struct ip_addr a = { .af = IP4 }, pod = { .af = IP4 };
	struct rng r;

	rng_seed(&r, (uint64_t)_i + 1);
	add(NAT_PODS, "0.0.0.0/0");
	for (size_t i = 0; i < 12; i++) {
		uint8_t len = (uint8_t)rng_range(&r, 20, 32);

		a = ip_addr_from_v4((uint32_t)rng_below(&r, 1 << 16) << 4);
		p[i] = ip_prefix_of(&a, len);
		nat_sets_add(&sets, NAT_INSIDE, &p[i]);
	}
	nat_sets_settle(&sets);
	for (int k = 0; k < 2000; k++) {
		bool inside = false;

		a = ip_addr_from_v4((uint32_t)rng_below(&r, 1 << 20));
		for (size_t i = 0; i < 12; i++)
			inside |= ip_prefix_has_addr(&p[i], &a);
		ck_assert_int_eq(nat_sets_translates(&sets, &pod, &a), !inside);
	}
	for (size_t i = 1; i < sets.n[NAT_INSIDE][0]; i++) {
		ck_assert(nat_addr_next(&sets.v[NAT_INSIDE][0][i - 1].last, &a));
		ck_assert_int_lt(ip_addr_cmp(&a, &sets.v[NAT_INSIDE][0][i].first), 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("nat");
	TCase *tc = unit_case(s, "nat");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(tc, ranges_are_apart, 0, NROWS(table));
	tcase_add_loop_test(tc, only_pods_to_the_outside, 0, NROWS(packets));
	tcase_add_loop_test(tc, ranges_are_the_prefixes, 0, 20);
	return unit_run(s);
}
