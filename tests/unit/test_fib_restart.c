/*
 * Restarts: what the kernel has from an earlier life of the agent, also with other
 * settings, and what stays while bgpd is away.
 */
#include <errno.h>

#include "tests/unit/fibrig.h"
#include "tests/unit/unit.h"

/* ---- found at start -------------------------------------------------------------------------- */

static struct kern_route
ours(const char *prefix, const char *gw, uint32_t ifindex)
{
	struct kern_route r = foreign(prefix, gw, ifindex, METRIC);

	r.protocol = PROTO;
	return r;
}

START_TEST(adopted_is_kept_until_sync_end)
{
	struct kern_route a = ours("10.64.1.0/24", "10.0.0.2", 2);

	teardown();
	make();
	dump_all(&a);
	ck_assert(fib_next_report(f, &rep));
	ck_assert_uint_eq(rep.adopted[0], 1);
	ck_assert_int_eq(view("10.64.1.0/24").state, FIB_ST_STALE);
	ck_assert_str_eq(view("10.64.1.0/24").kind, "adopted");
	expect_none();
	fib_sync_begin(f, now);
	expect_none();
	fib_sync_end(f, now);
	expect(FIB_OP_ROUTE_DEL);
	answer(0);
	expect_none();
}
END_TEST

START_TEST(adopted_is_replaced_only_if_different)
{
	struct kern_route a = ours("10.64.1.0/24", "10.0.0.2", 2);

	teardown();
	make();
	dump_all(&a);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect_none();
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED);
	set(2, 0, "10.0.1.2", NULL);
	route(2, "10.64.1.0/24");
	expect(FIB_OP_ROUTE_REPLACE);
}
END_TEST

/*
 * Routes of an earlier life with other settings are there until SYNC_END: what is wanted again is
 * replaced in its place or made anew elsewhere first, what is not goes by its own number.
 */
START_TEST(former_places_are_adopted_and_swept)
{
	const struct fib_place number = { .protocol = 199, .table = 254, .metric = METRIC },
		metric = { .protocol = PROTO, .table = 254, .metric = 77 };
	struct kern_route a = ours("10.64.1.0/24", "10.0.0.2", 2), b = ours("10.64.2.0/24",
	    "10.0.0.2", 2), c = a, d = b;
	struct fib_report r = { 0 };
	int w;

	a.protocol = b.protocol = 199;
	c.prefix = px("10.64.3.0/24");
	d.prefix = px("10.64.4.0/24");
	c.metric = d.metric = 77;
	teardown();
	make();
	fib_configure(f, now, &conf);
	fib_former_place(f, &number);
	fib_former_place(f, &metric);
	for (w = 0; w < KERN_NWHAT; w++) {
		fib_dump_begin(f, now, (enum kern_what)w);
		if (w == KERN_LINKS)
			see_link(2, true, true);
		if (w == KERN_ROUTES4) {
			see("10.0.0.0/24", NULL, 2, 0, false);
			fib_see_route(f, now, &a, false, FIB_BY_DUMP);
			fib_see_route(f, now, &b, false, FIB_BY_DUMP);
			fib_see_route(f, now, &c, false, FIB_BY_DUMP);
			fib_see_route(f, now, &d, false, FIB_BY_DUMP);
		}
		fib_dump_end(f, now, (enum kern_what)w);
	}
	while (r.kind != FIB_REP_ADOPTED)
		ck_assert(fib_next_report(f, &r));
	ck_assert_uint_eq(r.adopted[0], 4);
	expect_none();
	fib_sync_begin(f, now);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	route(1, "10.64.3.0/24");
	expect(FIB_OP_ROUTE_REPLACE);
	ck_assert_uint_eq(op.route.protocol, PROTO);
	answer(0);
	expect(FIB_OP_ROUTE_ADD);
	ck_assert_uint_eq(op.route.metric, METRIC);
	answer(0);
	expect_none(); /* nothing goes before */
	fib_sync_end(f, now);
	expect(FIB_OP_ROUTE_DEL);
	ck_assert_uint_eq(op.route.protocol, 199);
	ck_assert(ip_prefix_eq(&op.route.prefix, &b.prefix));
	answer(0);
	for (w = 0; w < 2; w++) {
		expect(FIB_OP_ROUTE_DEL);
		ck_assert_uint_eq(op.route.protocol, PROTO);
		ck_assert_uint_eq(op.route.metric, 77);
		answer(0);
	}
	expect_none();
}
END_TEST

START_TEST(objects_found_at_start_are_taken_over)
{
	struct kern_nexthop n = { .id = 0x57460005, .protocol = PROTO,
		.leg = { .ifindex = 2, .weight = 1 } }, unused = n;
	struct kern_route a = ours("10.64.1.0/24", "10.0.0.2", 2);
	int w;

	n.leg.gw = ad("10.0.0.2");
	unused.id = 0x57460006;
	unused.leg.gw = ad("10.0.0.3");
	a.nhid = n.id;
	teardown();
	make();
	conf.nhobj = FIB_NHOBJ_AUTO;
	fib_configure(f, now, &conf);
	for (w = 0; w < KERN_NWHAT; w++) {
		fib_dump_begin(f, now, (enum kern_what)w);
		if (w == KERN_LINKS)
			see_link(2, true, true);
		if (w == KERN_NEXTHOPS) {
			fib_see_nexthop(f, now, &n, false, FIB_BY_DUMP);
			fib_see_nexthop(f, now, &unused, false, FIB_BY_DUMP);
		}
		if (w == KERN_ROUTES4) {
			see("10.0.0.0/24", NULL, 2, 0, false);
			fib_see_route(f, now, &a, false, FIB_BY_DUMP);
		}
		fib_dump_end(f, now, (enum kern_what)w);
	}
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect_none();
	fib_sync_end(f, now);
	expect(FIB_OP_NH_DEL); /* nobody asked for that one */
	ck_assert_uint_eq(op.nexthop.id, unused.id);
	answer(0);
	expect_none();
}
END_TEST

static void
see_many_of_ours(uint32_t n)
{
	struct kern_route r = ours("10.64.0.0/32", "10.0.0.2", 2);
	uint32_t i;

	for (i = 0; i < n; i++) {
		r.prefix.b[1] = (uint8_t)(64 + (i >> 16));
		r.prefix.b[2] = (uint8_t)(i >> 8);
		r.prefix.b[3] = (uint8_t)i;
		fib_see_route(f, now, &r, false, FIB_BY_DUMP);
	}
}

/* A kernel with more routes under our number than there is room for: the others stay, unknown. */
START_TEST(more_routes_found_than_fit)
{
	bool adopted = false, told = false;
	int w;

	teardown();
	make();
	for (w = 0; w < KERN_NWHAT; w++) {
		fib_dump_begin(f, now, (enum kern_what)w);
		if (w == KERN_ROUTES4)
			see_many_of_ours(FIB_ROUTES_MAX + 3);
		fib_dump_end(f, now, (enum kern_what)w);
	}
	later_ms(20000);
	while (fib_next_report(f, &rep)) {
		if (rep.kind == FIB_REP_ADOPTED) {
			adopted = true;
			ck_assert_uint_eq(rep.adopted[0], FIB_ROUTES_MAX);
		} else if (rep.kind == FIB_REP_EVENT && strcmp(rep.event.name, "fib-limit") == 0) {
			told = true;
			ck_assert_ptr_nonnull(strstr(rep.event.text, "count=3 first=10.96.0.0/32"));
		}
	}
	ck_assert(adopted);
	ck_assert(told);
}
END_TEST

START_TEST(somebody_uses_our_protocol)
{
	struct kern_route a = ours("10.64.9.0/24", "10.0.0.2", 2);

	fib_sync_end(f, now);
	fib_see_route(f, now, &a, false, 4711);
	expect(FIB_OP_ROUTE_DEL); /* that place is ours, and nobody wants it */
}
END_TEST

/* ---- bgpd starts again ----------------------------------------------------------------------- */

START_TEST(bgpd_gone_keeps_everything)
{
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	route(1, "10.64.2.0/24");
	run();
	fib_sync_end(f, now);
	expect_none();
	fib_bgpd_gone(f, now);
	expect_none();
	ck_assert_int_eq(view("10.64.1.0/24").state, FIB_ST_STALE);
	verdict("10.64.1.0/24");
	fib_sync_begin(f, now);
	set(1, 0, "10.0.0.2", NULL);
	route(1, "10.64.1.0/24");
	expect_none();
	ck_assert_int_eq(view("10.64.1.0/24").state, FIB_ST_INSTALLED);
	ck_assert_uint_eq(verdict("10.64.1.0/24").state, IPC_V_INSTALLED); /* it does not know */
	fib_sync_end(f, now);
	expect(FIB_OP_ROUTE_DEL);
	answer(0);
	expect_none();
}
END_TEST

/* Who tells a route again waits for its verdict again, also when nothing becomes of it. */
START_TEST(told_again_has_a_verdict_again)
{
	static const char *const prefix[] = { "10.64.1.0/24", "172.16.0.0/24", "10.64.2.0/24" };
	static const uint8_t state[] = { IPC_V_INSTALLED, IPC_V_REFUSED, IPC_V_FAILED };

	set(1, 0, "10.0.0.2", NULL);
	route(1, prefix[0]);
	run();
	route(1, prefix[1]);
	route(1, prefix[2]);
	expect(FIB_OP_ROUTE_ADD);
	answer(EINVAL);
	for (int k = 0; k < 3; k++)
		verdict(prefix[k]);
	for (int k = 0; k < 3; k++) {
		route(1, prefix[k]);
		ck_assert_uint_eq(verdict(prefix[k]).state, state[k]);
		ck_assert_uint_eq(verdict(prefix[k]).state, 255); /* once */
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fib_restart");
	TCase *tc = unit_case(s, "found");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, adopted_is_kept_until_sync_end);
	tcase_add_test(tc, adopted_is_replaced_only_if_different);
	tcase_add_test(tc, former_places_are_adopted_and_swept);
	tcase_add_test(tc, objects_found_at_start_are_taken_over);
	tcase_add_test(tc, more_routes_found_than_fit);
	tcase_add_test(tc, somebody_uses_our_protocol);

	tc = unit_case(s, "bgpd");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, bgpd_gone_keeps_everything);
	tcase_add_test(tc, told_again_has_a_verdict_again);
	return unit_run(s);
}
