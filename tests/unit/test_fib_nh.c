/*
 * Next hops: what they resolve to, what a watcher is told of them, and peers that leave
 * their link.
 */
#include <stdio.h>

#include "tests/unit/fibrig.h"
#include "tests/unit/unit.h"

/* ---- resolving ------------------------------------------------------------------------------- */

static struct ipc_nh_state
nh_state(const char *a)
{
	struct ip_addr x = ad(a);
	struct ipc_nh_state s = { .ifindex = 999 };

	while (fib_next_report(f, &rep)) {
		if (rep.kind == FIB_REP_NH_STATE && ip_addr_eq(&rep.nh.addr, &x))
			s = rep.nh;
	}
	return s;
}

static void
watch(const char *a)
{
	struct ip_addr x = ad(a);

	fib_watch(f, now, &x, true);
}

START_TEST(watched_next_hop_follows_the_kernel)
{
	struct ipc_nh_state s;
	uint32_t gen;

	watch("192.0.2.9");
	s = nh_state("192.0.2.9");
	ck_assert(!s.resolved);
	ck_assert_str_eq(s.why, "no route leads there");
	see("192.0.2.0/24", "10.0.0.9", 2, 50, false);
	s = nh_state("192.0.2.9");
	ck_assert(s.resolved && !s.onlink);
	ck_assert_uint_eq(s.metric, 50);
	ck_assert_uint_eq(s.ifindex, 2);
	gen = s.gen;
	see("192.0.2.0/25", "10.0.1.9", 3, 60, false); /* more specific */
	s = nh_state("192.0.2.9");
	ck_assert_uint_eq(s.ifindex, 3);
	ck_assert_uint_gt(s.gen, gen);
	see("198.51.100.0/24", "10.0.1.9", 3, 60, false); /* not its business */
	ck_assert_uint_eq(nh_state("192.0.2.9").ifindex, 999);
	see_link(3, true, false);
	s = nh_state("192.0.2.9");
	ck_assert(!s.resolved);
	ck_assert_str_eq(s.why, "interface e3 has no carrier");
}
END_TEST

START_TEST(default_route_resolves_but_not_what_was_on_a_link)
{
	watch("192.0.2.9");
	watch("10.0.1.2");
	see("0.0.0.0/0", "10.0.0.254", 2, 100, false);
	ck_assert(nh_state("192.0.2.9").resolved);
	see_link(3, false, false);
	ck_assert(!nh_state("10.0.1.2").resolved);
	see_link(3, true, true); /* back, but its subnet is not */
	nh_state("10.0.1.2");
	fib_dump_begin(f, now, KERN_ROUTES4);
	see("10.0.0.0/24", NULL, 2, 0, false);
	see("0.0.0.0/0", "10.0.0.254", 2, 100, false);
	fib_dump_end(f, now, KERN_ROUTES4);
	ck_assert(!nh_state("10.0.1.2").resolved);
	see("10.0.1.0/24", NULL, 3, 0, false);
	ck_assert(nh_state("10.0.1.2").onlink);
}
END_TEST

START_TEST(gateway_down_takes_its_leg)
{
	watch("192.0.2.9");
	see("192.0.2.0/24", "10.0.0.9", 2, 50, false);
	ck_assert_uint_eq(nh_state("192.0.2.9").ifindex, 2);
	addr_down("10.0.0.9", true);
	ck_assert_str_eq(nh_state("192.0.2.9").why, "BFD says that its gateway is down");
	addr_down("192.0.2.9", true);
	addr_down("10.0.0.9", false);
	watch("192.0.2.9");
	ck_assert_str_eq(nh_state("192.0.2.9").why, "BFD says that it is down");
	addr_down("192.0.2.9", false);
	ck_assert(nh_state("192.0.2.9").resolved);
}
END_TEST

/* The same link-local address is a neighbour on two links. */
START_TEST(link_local_down_on_its_link_only)
{
	struct ip_addr a = ad("fe80::2"), b = a;

	a.ifindex = 2;
	b.ifindex = 3;
	see_addr("fe80::1", 64, 2, false, false);
	see_addr("fe80::1", 64, 3, false, false);
	fib_addr_down(f, now, &a, true);
	fib_addr_down(f, now, &b, true);
	fib_addr_down(f, now, &a, false);
	fib_watch(f, now, &a, true);
	ck_assert(fib_next_report(f, &rep));
	while (rep.kind != FIB_REP_NH_STATE)
		ck_assert(fib_next_report(f, &rep));
	ck_assert(rep.nh.resolved);
	fib_watch(f, now, &b, true);
	ck_assert(fib_next_report(f, &rep));
	ck_assert(!rep.nh.resolved);
	ck_assert_str_eq(rep.nh.why, "BFD says that it is down");
}
END_TEST

START_TEST(own_address_is_no_next_hop)
{
	watch("10.0.0.1");
	ck_assert_str_eq(nh_state("10.0.0.1").why, "it is an address of this node");
}
END_TEST

START_TEST(never_through_itself)
{
	/* 10.64.0.0/16 by 10.64.0.9, which nothing else serves. */
	set(1, 0, "10.64.0.9", NULL);
	route(1, "10.64.0.0/16");
	expect_none();
	ck_assert_uint_ne(verdict("10.64.0.0/16").state, IPC_V_INSTALLED);
	/* The default route serves it: ours would take it over. */
	see("0.0.0.0/0", "10.0.0.254", 2, 100, false);
	expect_none();
	ck_assert_uint_eq(verdict("10.64.0.0/16").code, IPC_REF_VIA_SELF);
	/* Something more specific does: fine. */
	see("10.64.0.0/24", "10.0.1.9", 3, 100, false);
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.leg[0].ifindex, 3);
}
END_TEST

START_TEST(two_routes_never_lean_on_each_other)
{
	set(1, 0, "10.65.0.9", NULL);
	set(2, 0, "10.66.0.9", NULL);
	route(2, "10.65.0.0/16");
	route(1, "10.66.0.0/16");
	expect_none();
	see("10.66.0.0/24", "10.0.1.9", 3, 100, false);
	ck_assert_uint_eq(run(), 2); /* 10.65/16 by 10.66.0.9, and then 10.66/16 by 10.65.0.9 */
	see("10.66.0.0/24", "10.0.1.9", 3, 100, true);
	ck_assert_uint_eq(run(), 2); /* both go */
	expect_none();
}
END_TEST

START_TEST(depth_at_most_four)
{
	int i;

	see("10.70.0.0/24", "10.0.0.9", 2, 5, false);
	for (i = 1; i <= 6; i++) {
		char nh[32], p[32];

		snprintf(nh, sizeof(nh), "10.%d.0.1", 69 + i);
		snprintf(p, sizeof(p), "10.%d.0.0/24", 70 + i);
		set((uint32_t)i, 0, nh, NULL);
		route((uint32_t)i, p);
	}
	ck_assert_uint_eq(run(), 4);
	ck_assert_ptr_nonnull(strstr(view("10.75.0.0/24").reason, "more than 4"));
}
END_TEST

START_TEST(install_false_takes_any_route)
{
	conf.install = false;
	fib_configure(f, now, &conf);
	see_link(3, true, false);
	watch("10.0.1.2");
	ck_assert(nh_state("10.0.1.2").resolved);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect_none();
	ck_assert_uint_eq(verdict("10.64.1.0/24").code, IPC_REF_INSTALL_OFF);
}
END_TEST

START_TEST(link_local_next_hop)
{
	struct ipc_nh_state s;

	watch("fe80::2%2");
	s = nh_state("fe80::2%2");
	ck_assert_str_eq(s.why, "interface e2 has no usable link-local address");
	see_addr("fe80::1%2", 64, 2, true, false);
	nh_state("fe80::2%2");
	see_addr("fe80::1%2", 64, 2, false, false);
	s = nh_state("fe80::2%2");
	ck_assert(s.resolved && s.onlink);
	ck_assert_uint_eq(s.ifindex, 2);
	watch("fe80::2%9");
	ck_assert_str_eq(nh_state("fe80::2%9").why, "its interface is not known");
	set(1, 0, "fe80::2%2", NULL);
	route(1, "10.64.1.0/24"); /* IPv4 over IPv6: RFC 8950 */
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.leg[0].gw.af, IP6);
	ck_assert_uint_eq(op.route.leg[0].ifindex, 2);
}
END_TEST

START_TEST(discarding_route_resolves_nothing)
{
	struct kern_route r = foreign("192.0.2.0/24", "10.0.0.9", 2, 5);

	r.type = KERN_BLACKHOLE;
	r.nlegs = 0;
	see("0.0.0.0/0", "10.0.0.254", 2, 100, false);
	fib_see_route(f, now, &r, false, 0);
	watch("192.0.2.9");
	ck_assert_str_eq(nh_state("192.0.2.9").why, "the route 192.0.2.0/24 discards");
}
END_TEST

START_TEST(next_hop_rows)
{
	static const struct {
		const char *nh, *via, *why;
	} want[] = {
		{ "10.0.0.2", "dev e2 through 10.0.0.0/24 (protocol kernel)", "" },
		{ "10.64.1.9", "via 10.0.0.2 dev e2 through 10.64.1.0/24 (learned)", "" },
		{ "192.0.2.9", "via 10.0.1.9 dev e3 through 192.0.2.0/24 (protocol boot)", "" },
		{ "198.51.100.9", "", "no route leads there" },
	};
	struct fib_nh_view v;
	struct ip_addr at = { 0 };
	int i;

	see("192.0.2.0/24", "10.0.1.9", 3, 60, false);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	watch("10.64.1.9");
	watch("192.0.2.9");
	watch("198.51.100.9");
	run();
	for (i = 0; fib_next_nh_view(f, i ? &at : NULL, &v); i++) {
		struct ip_addr a = ad(want[i].nh);

		ck_assert_int_lt(i, 4);
		at = v.nh;
		ck_assert(ip_addr_eq(&a, &at));
		ck_assert_str_eq(v.via, want[i].via);
		ck_assert_str_eq(v.why, want[i].why);
	}
	ck_assert_int_eq(i, 4);
	ck_assert(fib_next_nh_view(f, NULL, &v));
	ck_assert_uint_eq(v.users, 1);
}
END_TEST

START_TEST(link_and_address_tables)
{
	struct ip_addr on = ad("10.0.1.77"), off = ad("192.0.2.1");
	struct kern_addr a;
	size_t pos = 0;
	int n = 0;

	see_addr("10.0.0.9", 24, 2, true, false); /* tentative: not to be used */
	while (fib_next_addr(f, &pos, &a))
		n++;
	ck_assert_int_eq(n, 2);
	ck_assert_uint_eq(fib_onlink_ifindex(f, &on), 3);
	ck_assert_uint_eq(fib_onlink_ifindex(f, &off), 0);
	ck_assert_uint_eq(fib_link_by_name(f, "e3")->ifindex, 3);
	ck_assert_ptr_null(fib_link(f, 77));
}
END_TEST

/* ---- peers that leave their link ------------------------------------------------------------- */

/* The next address that left its link; why in rep.nh.why. */
static bool
lost(const char *a)
{
	struct ip_addr x = ad(a);

	return fib_next_link_lost(f, &rep) && ip_addr_eq(&rep.nh.addr, &x);
}

START_TEST(peers_that_leave_their_link)
{
	struct ip_addr peers[3] = { ad("10.0.0.2"), ad("10.0.1.2"), ad("fe80::2") };

	peers[2].ifindex = 3;
	see_addr("fe80::1", 64, 3, false, false);
	conf.follow = peers;
	conf.nfollow = 3;
	fib_configure(f, now, &conf);
	ck_assert(!fib_next_link_lost(f, &rep));
	fib_configure(f, now, &conf); /* a reload forgets nothing */
	see_link(2, true, false);
	ck_assert(lost("10.0.0.2"));
	ck_assert_str_eq(rep.nh.why, "interface e2 has no carrier");
	ck_assert(!fib_next_link_lost(f, &rep));
	see_link(2, false, false); /* still lost: no news */
	ck_assert(!fib_next_link_lost(f, &rep));
	see_link(2, true, true);
	see("10.0.0.0/24", NULL, 2, 0, false);
	ck_assert(!fib_next_link_lost(f, &rep));
	addr_down("10.0.0.2", true); /* BFD's word is not about the link */
	ck_assert(!fib_next_link_lost(f, &rep));
	addr_down("10.0.0.2", false);
	see("0.0.0.0/0", "10.0.1.254", 3, 100, false);
	see_addr("10.0.0.1", 24, 2, false, true); /* our address, and with it the subnet */
	see("10.0.0.0/24", NULL, 2, 0, true);
	ck_assert(lost("10.0.0.2"));
	ck_assert_str_eq(rep.nh.why,
	    "no longer on interface e2, only the default route leads there");
	conf.nfollow = 0;
	fib_configure(f, now, &conf);
	see_link(3, true, false);
	ck_assert(!fib_next_link_lost(f, &rep));
	ck_assert(!fib_next_nh_view(f, NULL, &(struct fib_nh_view){ 0 }));
}
END_TEST

START_TEST(link_local_peer_leaves_its_link)
{
	struct ip_addr a = ad("fe80::2");

	a.ifindex = 3;
	see_addr("fe80::1", 64, 3, false, false);
	conf.follow = &a;
	conf.nfollow = 1;
	fib_configure(f, now, &conf);
	ck_assert(!fib_next_link_lost(f, &rep));
	see_addr("fe80::1", 64, 3, false, true);
	ck_assert(fib_next_link_lost(f, &rep));
	ck_assert(ip_addr_eq(&rep.nh.addr, &a));
	ck_assert_str_eq(rep.nh.why, "interface e3 has no usable link-local address");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fib_nh");
	TCase *tc = unit_case(s, "resolving");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, watched_next_hop_follows_the_kernel);
	tcase_add_test(tc, default_route_resolves_but_not_what_was_on_a_link);
	tcase_add_test(tc, gateway_down_takes_its_leg);
	tcase_add_test(tc, link_local_down_on_its_link_only);
	tcase_add_test(tc, own_address_is_no_next_hop);
	tcase_add_test(tc, never_through_itself);
	tcase_add_test(tc, two_routes_never_lean_on_each_other);
	tcase_add_test(tc, depth_at_most_four);
	tcase_add_test(tc, install_false_takes_any_route);
	tcase_add_test(tc, link_local_next_hop);
	tcase_add_test(tc, discarding_route_resolves_nothing);
	tcase_add_test(tc, next_hop_rows);
	tcase_add_test(tc, link_and_address_tables);

	tc = unit_case(s, "links");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, peers_that_leave_their_link);
	tcase_add_test(tc, link_local_peer_leaves_its_link);
	return unit_run(s);
}
