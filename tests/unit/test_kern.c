/*
 * Tables of foreign kernel objects, and interned contents of routes.
 */
#include "agent/core/kern.h"

#include "tests/unit/unit.h"

static struct hops_pool pool;
static struct kern k;
static uint64_t key[2] = { 3, 4 };
static unsigned int swept;

static struct kern_route
rt(const char *p, const char *gw, uint32_t ifindex, uint32_t metric, uint8_t protocol)
{
	struct kern_route r = { .prefix = px(p), .table = 254, .metric = metric,
		.protocol = protocol, .nlegs = 1 };

	r.leg[0] = (struct kern_leg){ .gw = ad(gw), .ifindex = ifindex, .weight = 1 };
	return r;
}

static void
link_is(uint32_t ifindex, const char *name, bool up, bool carrier)
{
	struct kern_link l = { .ifindex = ifindex, .up = up, .carrier = carrier };

	strcpy(l.name, name);
	kern_see_link(&k, &l, false);
}

static void
setup(void)
{
	hops_init(&pool, key);
	kern_init(&k, &pool, key);
	swept = 0;
	link_is(2, "eth0", true, true);
	link_is(3, "eth1", true, true);
}

static void
teardown(void)
{
	kern_fini(&k);
	ck_assert_uint_eq(pool.map.n, 0); /* every content was given back */
	hops_fini(&pool);
}

static void
on_sweep(void *ctx, enum kern_what what, const void *obj)
{
	swept++;
}

static void
on_drop(void *ctx, const struct ip_prefix *p)
{
	swept++;
}

/* ---- links --------------------------------------------------------------- */

static const struct {
	const char *what;
	bool up, carrier;
	uint32_t downs;
	unsigned int change;
} links[] = {
	{ "the same", true, true, 0, 0 },
	{ "carrier lost", true, false, 1, KLINK_DOWN },
	{ "admin-down", false, false, 1, KLINK_DOWN | KLINK_ADMIN_DOWN },
	{ "flapped between two messages", true, true, 2, KLINK_DOWN | KLINK_UP },
};

START_TEST(link_changes)
{
	struct kern_link l = { .ifindex = 2, .name = "eth0", .up = links[_i].up,
		.carrier = links[_i].carrier, .carrier_downs = links[_i].downs };

	ck_assert_msg(kern_see_link(&k, &l, false) == links[_i].change, "%s", links[_i].what);
	ck_assert(kern_link_usable(&k, 2) == (l.up && l.carrier));
}
END_TEST

START_TEST(link_goes)
{
	struct kern_link l = { .ifindex = 2 };

	ck_assert_ptr_nonnull(kern_link_by_name(&k, "eth0"));
	ck_assert(kern_see_link(&k, &l, true) & KLINK_GONE);
	ck_assert_uint_eq(kern_see_link(&k, &l, true), 0);
	ck_assert_ptr_null(kern_link_by_name(&k, "eth0"));
}
END_TEST

/* ---- addresses ----------------------------------------------------------- */

START_TEST(one_address_on_many_links)
{
	struct kern_addr a = { .ifindex = 2, .addr = ad("10.244.1.1"), .plen = 32 }, b = a;
	bool was;

	b.ifindex = 3;
	ck_assert(kern_see_addr(&k, &a, false, &was) && !was);
	ck_assert(kern_see_addr(&k, &b, false, &was) && !was);
	ck_assert(!kern_see_addr(&k, &b, false, &was) && was); /* nothing new */
	ck_assert(kern_see_addr(&k, &a, true, &was));
	ck_assert(kern_is_own(&k, &a.addr));
	ck_assert(kern_see_addr(&k, &b, true, &was));
	ck_assert(!kern_is_own(&k, &a.addr));
	ck_assert(!kern_see_addr(&k, &b, true, &was));
}
END_TEST

START_TEST(tentative_is_not_usable)
{
	struct kern_addr a = { .ifindex = 2, .addr = ad("fe80::1%2"), .plen = 64, .tentative = true };
	bool was;

	kern_see_addr(&k, &a, false, &was);
	ck_assert(!kern_has_link_local(&k, 2));
	ck_assert(!kern_addr_usable(&k, &a.addr));
	ck_assert(kern_is_own(&k, &a.addr));
	a.tentative = false;
	ck_assert(kern_see_addr(&k, &a, false, &was) && !was);
	ck_assert(kern_has_link_local(&k, 2));
	ck_assert(!kern_has_link_local(&k, 3));
	a.addr.ifindex = 3;
	ck_assert(!kern_is_own(&k, &a.addr)); /* that is somebody else, on the other link */
}
END_TEST

/* ---- routes -------------------------------------------------------------- */

START_TEST(metrics_in_order)
{
	struct kern_route a = rt("0.0.0.0/0", "10.0.0.1", 2, 200, 3), b = rt("0.0.0.0/0", "10.0.1.1", 3, 100, 16);
	struct kern_route c = rt("0.0.0.0/0", "10.0.1.9", 3, 300, 3);
	struct ip_addr x = ad("192.0.2.1");
	const struct kroute *r;

	ck_assert(kern_see_route(&k, &a, false, false));
	ck_assert(kern_see_route(&k, &b, false, false));
	ck_assert(kern_see_route(&k, &c, false, false));
	ck_assert(!kern_see_route(&k, &c, false, false));
	r = kern_lpm(&k, &x);
	ck_assert_uint_eq(r->metric, 100);
	ck_assert_uint_eq(r->next->metric, 200);
	ck_assert_uint_eq(r->next->next->metric, 300);
	ck_assert(kern_see_route(&k, &b, true, false));
	ck_assert_uint_eq(kern_lpm(&k, &x)->metric, 200);
	ck_assert(kern_see_route(&k, &c, true, false));
	ck_assert_ptr_null(kern_route_at(&k, &c.prefix, 254, 300));
	ck_assert_ptr_nonnull(kern_route_at(&k, &c.prefix, 254, 200));
	ck_assert(kern_see_route(&k, &a, true, false));
	ck_assert(!kern_see_route(&k, &a, true, false));
	ck_assert_ptr_null(kern_lpm(&k, &x));
	ck_assert_uint_eq(k.nroutes, 0);
}
END_TEST

/* The kernel keeps the same IPv6 subnet once for each link. */
START_TEST(ipv6_subnet_on_two_links)
{
	struct kern_route a = rt("fd00::/64", NULL, 2, 256, 2), b = rt("fd00::/64", NULL, 3, 256, 2);

	kern_see_route(&k, &a, false, false);
	kern_see_route(&k, &b, false, false);
	ck_assert_uint_eq(k.nroutes, 2);
	kern_see_route(&k, &a, true, false);
	ck_assert_uint_eq(k.nroutes, 1);
}
END_TEST

START_TEST(ipv6_leg_by_leg)
{
	struct kern_route r = rt("fd00::/64", "fe80::1", 2, 1024, 3), one = r;
	struct kern_leg leg[4];

	r.nlegs = 2;
	r.leg[1] = (struct kern_leg){ .gw = ad("fe80::2"), .ifindex = 3, .weight = 1 };
	kern_see_route(&k, &r, false, false);
	ck_assert(kern_see_route(&k, &one, true, false));
	ck_assert_uint_eq(k.nroutes, 1);
	ck_assert_uint_eq(kern_route_legs(&k, kern_route_at(&k, &r.prefix, 254, 1024), leg, 4), 1);
	ck_assert_uint_eq(leg[0].ifindex, 3);
}
END_TEST

START_TEST(legs_by_nexthop_objects)
{
	struct kern_nexthop a = { .id = 1, .leg = { .gw = ad("10.0.0.1"), .ifindex = 2, .weight = 1 } };
	struct kern_nexthop b = { .id = 2, .leg = { .gw = ad("10.0.1.1"), .ifindex = 3, .weight = 1 } };
	struct kern_nexthop g = { .id = 9, .ngroup = 3 };
	struct kern_route r = rt("10.9.0.0/16", NULL, 0, 5, 3);
	struct kern_leg leg[4];

	g.group[0].id = 1;
	g.group[1].id = 2;
	g.group[2].id = 77; /* unknown */
	kern_see_nexthop(&k, &a, false);
	kern_see_nexthop(&k, &b, false);
	kern_see_nexthop(&k, &g, false);
	r.nlegs = 0;
	r.nhid = 9;
	kern_see_route(&k, &r, false, false);
	ck_assert_uint_eq(kern_route_legs(&k, kern_route_at(&k, &r.prefix, 254, 5), leg, 4), 2);
	kern_see_nexthop(&k, &g, true);
	ck_assert_uint_eq(kern_route_legs(&k, kern_route_at(&k, &r.prefix, 254, 5), leg, 4), 0);
	r.nhid = 1;
	kern_see_route(&k, &r, false, false);
	ck_assert_uint_eq(kern_route_legs(&k, kern_route_at(&k, &r.prefix, 254, 5), leg, 4), 1);
}
END_TEST

START_TEST(dump_sweeps_what_it_did_not_show)
{
	struct kern_route a = rt("10.1.0.0/16", "10.0.0.1", 2, 5, 3), b = rt("10.2.0.0/16", "10.0.0.1", 2, 5, 3);
	struct kern_addr x = { .ifindex = 2, .addr = ad("10.0.0.5"), .plen = 24 };
	struct kern_nexthop n = { .id = 1 };
	bool was;

	kern_see_route(&k, &a, false, false);
	kern_see_route(&k, &b, false, false);
	kern_see_addr(&k, &x, false, &was);
	kern_see_nexthop(&k, &n, false);
	kern_dump_begin(&k, KERN_ROUTES4);
	kern_see_route(&k, &a, false, true);
	kern_dump_end(&k, KERN_ROUTES4, on_sweep, NULL);
	ck_assert_uint_eq(k.nroutes, 1);
	ck_assert_uint_eq(swept, 1);
	kern_dump_begin(&k, KERN_ROUTES6); /* the other family: not its business */
	kern_dump_end(&k, KERN_ROUTES6, on_sweep, NULL);
	ck_assert_uint_eq(k.nroutes, 1);
	kern_dump_begin(&k, KERN_ADDRS);
	kern_dump_end(&k, KERN_ADDRS, on_sweep, NULL);
	kern_dump_begin(&k, KERN_LINKS);
	kern_dump_end(&k, KERN_LINKS, on_sweep, NULL);
	ck_assert_uint_eq(swept, 4); /* an address, two links */
	kern_dump_begin(&k, KERN_NEXTHOPS);
	kern_dump_end(&k, KERN_NEXTHOPS, on_sweep, NULL);
	ck_assert_ptr_null(kern_nexthop(&k, 1));
}
END_TEST

/* A notification is newer than the rows of a dump that began before it. */
START_TEST(deleted_while_dumped)
{
	struct kern_route a = rt("10.1.0.0/16", "10.0.0.1", 2, 5, 3);
	struct ip_addr x = ad("10.1.2.3");

	kern_see_route(&k, &a, false, false);
	kern_dump_begin(&k, KERN_ROUTES4);
	ck_assert(kern_see_route(&k, &a, true, false));
	ck_assert_ptr_null(kern_lpm(&k, &x));
	ck_assert(!kern_see_route(&k, &a, false, true)); /* an old row */
	ck_assert_ptr_null(kern_lpm(&k, &x));
	kern_dump_end(&k, KERN_ROUTES4, on_sweep, NULL);
	ck_assert_uint_eq(k.nroutes, 0);
	/* The same, and then it comes back by notification. */
	kern_see_route(&k, &a, false, false);
	kern_dump_begin(&k, KERN_ROUTES4);
	kern_see_route(&k, &a, true, false);
	ck_assert(kern_see_route(&k, &a, false, false));
	kern_dump_end(&k, KERN_ROUTES4, on_sweep, NULL);
	ck_assert_ptr_nonnull(kern_lpm(&k, &x));
}
END_TEST

START_TEST(link_down_takes_ipv4_silently)
{
	struct kern_route a = rt("10.1.0.0/16", "10.0.0.1", 2, 5, 3), b = rt("10.2.0.0/16", "10.0.1.1", 3, 5, 3);
	struct kern_route two = rt("10.3.0.0/16", "10.0.0.1", 2, 5, 3), six = rt("fd01::/64", "fe80::1", 2, 5, 3);

	two.nlegs = 2;
	two.leg[1] = b.leg[0];
	kern_see_route(&k, &a, false, false);
	kern_see_route(&k, &b, false, false);
	kern_see_route(&k, &two, false, false);
	kern_see_route(&k, &six, false, false);
	link_is(2, "eth0", false, false);
	kern_drop_down(&k, 2, on_drop, NULL);
	ck_assert_uint_eq(swept, 1);
	ck_assert_ptr_null(kern_route_at(&k, &a.prefix, 254, 5));
	ck_assert_ptr_nonnull(kern_route_at(&k, &two.prefix, 254, 5)); /* a leg is left */
	ck_assert_ptr_nonnull(kern_route_at(&k, &six.prefix, 254, 5)); /* will be told */
}
END_TEST

/* ---- contents ------------------------------------------------------------ */

START_TEST(contents_are_canonical)
{
	struct kern_route a = rt("10.1.0.0/16", "10.0.0.1", 2, 5, 3), b = a;
	uint32_t x, y, z;

	a.nlegs = b.nlegs = 2;
	a.leg[1] = (struct kern_leg){ .gw = ad("10.0.1.1"), .ifindex = 3, .weight = 2 };
	b.leg[1] = a.leg[0];
	b.leg[0] = a.leg[1];
	b.leg[0].dead = true; /* in another order, a link down: the same content */
	x = hops_get(&pool, &a, true);
	y = hops_get(&pool, &b, true);
	ck_assert_uint_eq(x, y);
	ck_assert_uint_eq(hops_find(&pool, &a, true), x);
	ck_assert_uint_eq(hops_find(&pool, &a, false), 0); /* foreign ones are apart */
	b.leg[0].weight = 3;
	z = hops_get(&pool, &b, true);
	ck_assert_uint_ne(x, z);
	hops_put(&pool, y);
	hops_put(&pool, z);
	b = a; /* the kernel shows an object's legs beside its number: dropped for ours */
	a.nhid = b.nhid = 9;
	b.nlegs = 0;
	y = hops_get(&pool, &a, true);
	ck_assert_uint_eq(hops_find(&pool, &b, true), y);
	ck_assert(hops_on_link(&pool, 2));
	hops_put(&pool, x);
	ck_assert(!hops_on_link(&pool, 2));
	hops_put(&pool, y);
}
END_TEST

START_TEST(equal_legs_merge)
{
	struct kern_leg leg[3] = {
		{ .gw = ad("10.0.0.2"), .ifindex = 2, .weight = 200 },
		{ .gw = ad("10.0.0.1"), .ifindex = 2, .weight = 1 },
		{ .gw = ad("10.0.0.2"), .ifindex = 2, .weight = 100 },
	};

	ck_assert_uint_eq(legs_sort(leg, 3), 2);
	ck_assert_uint_eq(leg[0].weight, 1);
	ck_assert_uint_eq(leg[1].weight, 255);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kern");
	TCase *tc = unit_case(s, "tables");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, link_changes, 0, NROWS(links));
	tcase_add_test(tc, link_goes);
	tcase_add_test(tc, one_address_on_many_links);
	tcase_add_test(tc, tentative_is_not_usable);
	tcase_add_test(tc, metrics_in_order);
	tcase_add_test(tc, ipv6_subnet_on_two_links);
	tcase_add_test(tc, ipv6_leg_by_leg);
	tcase_add_test(tc, legs_by_nexthop_objects);
	tcase_add_test(tc, dump_sweeps_what_it_did_not_show);
	tcase_add_test(tc, deleted_while_dumped);
	tcase_add_test(tc, link_down_takes_ipv4_silently);
	tcase_add_test(tc, contents_are_canonical);
	tcase_add_test(tc, equal_legs_merge);
	return unit_run(s);
}
