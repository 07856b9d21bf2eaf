/*
 * The netlink shell and the agent's core on the real kernel, each test in a network
 * namespace of its own. Skipped (77) without root or iproute2.
 */
#include "tests/unit/nlrig.h"

#include <stdio.h>

#include "tests/unit/unit.h"

#define V4ONE (const char *const[]){ "10.0.0.2", NULL }
/* Ours alone: the kernel adds and removes link-local routes in its own time. */
#define KERNEL_STATE \
	"(ip -d route show proto 212; ip -d -6 route show proto 212; ip nexthop) | md5sum"
#define V4TWO (const char *const[]){ "10.0.0.2", "10.0.1.2", NULL }
#define V6ONE (const char *const[]){ "fd00::2", NULL }
#define V6TWO (const char *const[]){ "fd00::2", "fd01::2", NULL }

static struct nlrig rig;

static int
ours(const char *family)
{
	return sh_lines("ip -o %s route show proto %d metric %d type unicast", family, RIG_PROTO, RIG_METRIC);
}

static void
setup(void)
{
	nlrig_netns();
}

static void
teardown(void)
{
	if (rig.nl)
		nlrig_stop(&rig);
	rig.nl = NULL;
}

static bool
diff_is_empty(void)
{
	struct fib_cursor cur = { 0 };
	struct fib_view v;

	while (fib_next_view(rig.fib, &cur, &v)) {
		if (v.differs)
			return false;
	}
	return true;
}

/* ---- installing ---------------------------------------------------------- */

START_TEST(install_two_thousand_one_refused)
{
	struct ip_prefix odd = nlrig_prefix("10.66.6.0/24");

	/* A foreign route in the place of one of them: the other 1,999 are installed. */
	sh("ip route add 10.66.6.0/24 via 10.0.1.9 metric %d proto 50", RIG_METRIC);
	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	rig.watch = odd;
	nlrig_set(&rig, 1, 0, V4ONE);
	nlrig_routes(&rig, 1, IP4, 2000);
	nlrig_run(&rig, 300);
	ck_assert_int_eq(ours(""), 1999);
	ck_assert_uint_eq(rig.verdicts[IPC_V_INSTALLED], 1999);
	ck_assert_uint_eq(rig.last.state, IPC_V_FOREIGN);
	ck_assert_str_eq(sh_out("ip route show 10.66.6.0/24"),
	    "10.66.6.0/24 via 10.0.1.9 dev w0 proto 50 metric 20 ");
	/* It goes: ours takes the place. */
	sh("ip route del 10.66.6.0/24");
	nlrig_settle(&rig);
	ck_assert_int_eq(ours(""), 2000);
	ck_assert_uint_eq(rig.last.state, IPC_V_INSTALLED);
	ck_assert(diff_is_empty());
}
END_TEST

static void
foreign_case(const char *fam, enum fib_nhobj_mode mode, const char *prefix, const char *theirs,
    const char *const *two)
{
	char before[4096];

	sh("ip %s route add %s via %s metric %d proto 50", fam, prefix, theirs, RIG_METRIC);
	snprintf(before, sizeof(before), "%s", sh_out("ip -d %s route show %s", fam, prefix));
	nlrig_start(&rig, mode, 0);
	rig.watch = nlrig_prefix(prefix);
	nlrig_set(&rig, 1, 0, two);
	nlrig_route(&rig, 1, prefix);
	nlrig_run(&rig, 100);
	ck_assert_uint_eq(rig.last.state, IPC_V_FOREIGN);
	ck_assert_str_eq(sh_out("ip -d %s route show %s", fam, prefix), before);
	fib_flush(rig.fib, (struct mono_us){ nlrig_now_us() });
	nlrig_run(&rig, 50);
	ck_assert_uint_eq(rig.flushed, 1);
	ck_assert_str_eq(sh_out("ip -d %s route show %s", fam, prefix), before);
	teardown();
	sh("ip %s route del %s", fam, prefix);
}

START_TEST(foreign_route_in_the_same_place)
{
	foreign_case("", FIB_NHOBJ_AUTO, "10.70.0.0/16", "10.0.0.9", V4TWO);
	foreign_case("", FIB_NHOBJ_OFF, "10.70.0.0/16", "10.0.0.9", V4TWO);
	foreign_case("-6", FIB_NHOBJ_AUTO, "fd64:70::/32", "fd00::9", V6TWO);
	foreign_case("-6", FIB_NHOBJ_OFF, "fd64:70::/32", "fd00::9", V6TWO);
}
END_TEST

/* Somebody appends to our place: deleting ours leaves theirs. */
static void
appended_case(const char *fam, enum fib_nhobj_mode mode, const char *prefix, const char *theirs,
    const char *const *nh)
{
	struct ip_prefix p = nlrig_prefix(prefix);

	nlrig_start(&rig, mode, 0);
	nlrig_set(&rig, 1, 0, nh);
	nlrig_route(&rig, 1, prefix);
	nlrig_settle(&rig);
	sh("ip %s route append %s via %s metric %d proto 50", fam, prefix, theirs, RIG_METRIC);
	nlrig_run(&rig, 50);
	fib_route_del(rig.fib, (struct mono_us){ nlrig_now_us() }, &p);
	nlrig_run(&rig, 50);
	ck_assert_int_eq(sh_lines("ip %s route show %s | grep -c 'via %s' | grep 1", fam, prefix, theirs), 1);
	ck_assert_int_eq(ours(fam), 0);
	teardown();
	sh("ip %s route flush %s", fam, prefix);
}

START_TEST(foreign_route_appended_to_ours)
{
	appended_case("", FIB_NHOBJ_AUTO, "10.70.0.0/16", "10.0.0.9", V4ONE);
	appended_case("", FIB_NHOBJ_OFF, "10.70.0.0/16", "10.0.0.9", V4ONE);
	appended_case("-6", FIB_NHOBJ_AUTO, "fd64:70::/32", "fd00::9", V6ONE);
}
END_TEST

START_TEST(multipath_both_families)
{
	const enum fib_nhobj_mode mode[] = { FIB_NHOBJ_AUTO, FIB_NHOBJ_OFF };

	nlrig_start(&rig, mode[_i], 0);
	nlrig_set(&rig, 1, 0, V4TWO);
	nlrig_set(&rig, 2, 0, V6TWO);
	nlrig_route(&rig, 1, "10.64.9.0/24");
	nlrig_route(&rig, 2, "fd64:9::/32");
	nlrig_route(&rig, 2, "10.64.10.0/24"); /* IPv4 by IPv6 next hops: RFC 8950 */
	nlrig_settle(&rig);
	ck_assert_int_eq(sh_lines("ip route show 10.64.9.0/24 | grep nexthop"), 2);
	ck_assert_int_eq(sh_lines("ip -6 route show fd64:9::/32 | grep nexthop"), 2);
	ck_assert_int_eq(sh_lines("ip route show 10.64.10.0/24 | grep inet6"), 2);
	/* One leg is left: still one message, the route follows. */
	nlrig_set(&rig, 1, 0, V4ONE);
	nlrig_settle(&rig);
	ck_assert_int_eq(sh_lines("ip route show 10.64.9.0/24 | grep 'via 10.0.0.2'"), 1);
	ck_assert_int_eq(sh_lines("ip route show 10.64.9.0/24 | grep 'via 10.0.1.2'"), 0);
	ck_assert(diff_is_empty());
}
END_TEST

START_TEST(family_is_refused)
{
	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	rig.watch = nlrig_prefix("fd64:1::/32");
	nlrig_set(&rig, 1, 0, V4ONE);
	nlrig_route(&rig, 1, "fd64:1::/32");
	nlrig_run(&rig, 50);
	ck_assert_uint_eq(rig.last.state, IPC_V_REFUSED);
	ck_assert_uint_eq(rig.last.code, IPC_REF_FAMILY);
}
END_TEST

/* ---- losses -------------------------------------------------------------- */

static bool
v4_back(struct nlrig *r)
{
	struct fib_stats st;

	fib_stats(r->fib, &st);
	return st.repairs >= 1000 && st.synced;
}

START_TEST(deleted_routes_come_back)
{
	const enum fib_nhobj_mode mode[] = { FIB_NHOBJ_AUTO, FIB_NHOBJ_OFF };
	uint64_t start;
	int i;

	nlrig_start(&rig, mode[_i], 0);
	nlrig_set(&rig, 1, 0, V4TWO);
	nlrig_routes(&rig, 1, IP4, 1000);
	nlrig_settle(&rig);
	sh("for i in $(seq 0 255); do for h in 64 65 66 67; do echo route del 10.$h.$i.0/24; done; done "
	   "> /tmp/weft-del.$$; ip -force -batch /tmp/weft-del.$$ 2>/dev/null; rm /tmp/weft-del.$$");
	ck_assert_int_eq(ours(""), 0);
	start = nlrig_now_us();
	ck_assert(nlrig_until(&rig, v4_back, 2000));
	ck_assert_uint_lt(nlrig_now_us() - start, 200000);
	ck_assert_int_eq(ours(""), 1000);
	for (i = 0; i < 2; i++) { /* the second and third time at once, too */
		sh("ip route del 10.64.0.0/24");
		nlrig_run(&rig, 50);
		ck_assert_int_eq(ours(""), 1000);
	}
	sh("ip route del 10.64.0.0/24");
	nlrig_run(&rig, 100);
	ck_assert_int_eq(ours(""), 999); /* now with delay */
	nlrig_run(&rig, 600);
	ck_assert_int_eq(ours(""), 1000);
	ck_assert_ptr_nonnull(strstr(rig.event_names, "routes-lost"));
	ck_assert_ptr_nonnull(strstr(rig.event_names, "routes-fight"));
	ck_assert(diff_is_empty());
}
END_TEST

static bool
in_kernel_600(struct nlrig *r)
{
	return nlrig_synced(r) && ours("") == 300 && ours("-6") == 300 && diff_is_empty();
}

static void
start_600(enum fib_nhobj_mode mode)
{
	nlrig_start(&rig, mode, 0);
	nlrig_set(&rig, 1, 0, V4TWO);
	nlrig_set(&rig, 2, 0, V6TWO);
	nlrig_set(&rig, 3, 0, V4ONE);
	nlrig_routes(&rig, 1, IP4, 300);
	nlrig_routes(&rig, 2, IP6, 300);
	nlrig_routes(&rig, 3, IP4, 100); /* the first hundred have one leg only */
	ck_assert(nlrig_until(&rig, in_kernel_600, 2000));
}

START_TEST(nexthop_flush)
{
	start_600(FIB_NHOBJ_AUTO);
	sh("ip nexthop flush >/dev/null 2>&1");
	ck_assert_int_eq(ours(""), 0);
	ck_assert(nlrig_until(&rig, in_kernel_600, 1000));
	nlrig_run(&rig, 150); /* events of one kind are gathered for 100 ms */
	ck_assert_ptr_nonnull(strstr(rig.event_names, "nexthops-lost"));
}
END_TEST

START_TEST(nexthop_group_deleted)
{
	start_600(FIB_NHOBJ_AUTO);
	sh("for i in $(ip nexthop show groups | cut -d' ' -f2); do ip nexthop del id $i; done");
	ck_assert(nlrig_until(&rig, in_kernel_600, 1000));
}
END_TEST

static bool
one_leg(struct nlrig *r)
{
	return nlrig_synced(r) && sh_lines("ip route show | grep 'via 10.0.0.2'") == 0 &&
	    sh_lines("ip -6 route show | grep 'via fd00::2'") == 0 &&
	    ours("") == 200 && ours("-6") == 300;
}

static const struct {
	const char *down, *up;
	enum fib_nhobj_mode mode;
} flaps[] = {
	{ "ip link set v0 down", "ip link set v0 up", FIB_NHOBJ_AUTO },
	{ "ip link set v1 down", "ip link set v1 up", FIB_NHOBJ_AUTO }, /* carrier only */
	{ "ip link set v0 down", "ip link set v0 up", FIB_NHOBJ_OFF },
	{ "ip link set v1 down", "ip link set v1 up", FIB_NHOBJ_OFF },
};

START_TEST(link_down_and_up)
{
	start_600(flaps[_i].mode);
	sh("%s", flaps[_i].down);
	ck_assert(nlrig_until(&rig, one_leg, 1500));
	sh("%s", flaps[_i].up);
	sh("ip -6 addr replace fd00::1/64 dev v0 nodad"); /* admin-down took it away */
	ck_assert(nlrig_until(&rig, in_kernel_600, 1500));
	ck_assert_ptr_null(strstr(rig.event_names, "routes-lost")); /* nobody's doing */
}
END_TEST

/* Down and up again before anybody looked. */
START_TEST(link_flaps_unseen)
{
	start_600(flaps[_i].mode);
	sh("%s; %s; ip -6 addr replace fd00::1/64 dev v0 nodad", flaps[_i].down, flaps[_i].up);
	ck_assert(nlrig_until(&rig, in_kernel_600, 2500));
}
END_TEST

START_TEST(monitor_overflows)
{
	struct nl_stats st;

	nlrig_start(&rig, FIB_NHOBJ_AUTO, 4096);
	nlrig_set(&rig, 1, 0, V4TWO);
	nlrig_routes(&rig, 1, IP4, 1000);
	nlrig_run(&rig, 300);
	sh("ip route flush proto %d metric %d; for i in $(seq 1 200); do echo route add 10.200.$i.0/24 via 10.0.0.9 proto 50; done"
	   " | ip -batch -", RIG_PROTO, RIG_METRIC);
	nlrig_run(&rig, 300);
	nl_stats(rig.nl, &st);
	ck_assert_uint_gt(st.overflows, 0);
	nlrig_settle(&rig);
	ck_assert_int_eq(ours(""), 1000);
	ck_assert(diff_is_empty());
	ck_assert_ptr_nonnull(strstr(rig.event_names, "kernel-overflow"));
}
END_TEST

/* 1,000 routes installed and moved: few system calls, and no message for each of them. */
static bool
two_legs6(struct nlrig *r)
{
	return nlrig_synced(r) && sh_lines("ip -6 route show fd64:9::/32 | grep nexthop") == 2;
}

/* IPv6 tells the loss of one leg by the same message as that of the whole route. */
START_TEST(one_leg_deleted_by_somebody)
{
	nlrig_start(&rig, FIB_NHOBJ_OFF, 0);
	nlrig_set(&rig, 2, 0, V6TWO);
	nlrig_route(&rig, 2, "fd64:9::/32");
	ck_assert(nlrig_until(&rig, two_legs6, 1000));
	sh("ip -6 route del fd64:9::/32 via fd01::2 dev w0 metric %d", RIG_METRIC);
	ck_assert(nlrig_until(&rig, two_legs6, 1000));
	ck_assert(diff_is_empty());
}
END_TEST

START_TEST(own_doings_make_no_noise)
{
	struct nl_stats a, b;

	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	nl_stats(rig.nl, &a);
	nlrig_set(&rig, 1, 0, V4TWO);
	nlrig_routes(&rig, 1, IP4, 1000);
	nlrig_settle(&rig);
	nl_stats(rig.nl, &b);
	ck_assert_uint_ge(b.messages - a.messages, 1000);
	ck_assert_uint_le(b.batches - a.batches, 12);
	nlrig_set(&rig, 1, 0, V4ONE);
	nlrig_settle(&rig);
	ck_assert_int_eq(sh_lines("ip route show proto %d | grep 'via 10.0.0.2'", RIG_PROTO), 1000);
	nlrig_run(&rig, 20);
	nl_stats(rig.nl, &b);
	ck_assert_uint_le(b.notifications - a.notifications, 20);
	ck_assert_uint_eq(b.overflows, 0);
	ck_assert(diff_is_empty());
}
END_TEST

START_TEST(foreign_replace_over_ours)
{
	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	rig.watch = nlrig_prefix("10.64.0.0/24");
	nlrig_set(&rig, 1, 0, V4ONE);
	nlrig_routes(&rig, 1, IP4, 3);
	nlrig_settle(&rig);
	sh("ip route replace 10.64.0.0/24 via 10.0.1.9 metric %d proto 50", RIG_METRIC);
	nlrig_run(&rig, 400);
	ck_assert_uint_eq(rig.last.state, IPC_V_FOREIGN);
	ck_assert_int_eq(sh_lines("ip route show 10.64.0.0/24"), 1);
	ck_assert_int_eq(sh_lines("ip route show 10.64.0.0/24 proto 50"), 1);
}
END_TEST

/* ---- next hops ----------------------------------------------------------- */

START_TEST(recursive_next_hops)
{
	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	sh("ip route add 192.0.2.0/24 via 10.0.1.2");
	nlrig_set(&rig, 1, 0, (const char *const[]){ "192.0.2.7", NULL });
	nlrig_route(&rig, 1, "10.64.1.0/24");
	nlrig_run(&rig, 50);
	nlrig_settle(&rig);
	ck_assert_int_eq(sh_lines("ip route show 10.64.1.0/24 | grep 'via 10.0.1.2 dev w0'"), 1);
	/* Through our own: a loopback that we learned. */
	nlrig_set(&rig, 2, 0, (const char *const[]){ "10.64.1.77", NULL });
	nlrig_route(&rig, 2, "10.64.2.0/24");
	nlrig_settle(&rig);
	ck_assert_int_eq(sh_lines("ip route show 10.64.2.0/24 | grep 'via 10.0.1.2 dev w0'"), 1);
	sh("ip route replace 192.0.2.0/24 via 10.0.0.2");
	nlrig_run(&rig, 50);
	nlrig_settle(&rig);
	ck_assert_int_eq(sh_lines("ip route show 10.64.1.0/24 | grep 'via 10.0.0.2 dev v0'"), 1);
	ck_assert_int_eq(sh_lines("ip route show 10.64.2.0/24 | grep 'via 10.0.0.2 dev v0'"), 1);
	sh("ip route del 192.0.2.0/24");
	nlrig_run(&rig, 50);
	ck_assert_int_eq(ours(""), 0);
	ck_assert_uint_gt(rig.verdicts[IPC_V_HELD], 0);
}
END_TEST

START_TEST(link_local_next_hop)
{
	struct ip_addr a;
	char ll[64], text[80];

	/* Give DAD its time: the address is usable when it is. */
	sh("for i in $(seq 1 60); do ip -6 addr show dev v0 scope link | grep -q tentative || exit 0; sleep 0.05; done; exit 1");
	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	snprintf(ll, sizeof(ll), "%s", sh_out("ip -6 -o addr show dev v1 scope link | tr -s ' ' | cut -d' ' -f4 | cut -d/ -f1"));
	snprintf(text, sizeof(text), "%s%%10", ll);
	ck_assert(ip_addr_parse(text, &a));
	nlrig_set(&rig, 1, 0, (const char *const[]){ text, NULL });
	nlrig_route(&rig, 1, "10.64.1.0/24");
	nlrig_route(&rig, 1, "fd64:1::/32");
	nlrig_settle(&rig);
	ck_assert_int_eq(sh_lines("ip route show 10.64.1.0/24 | grep 'inet6 %s dev v0'", ll), 1);
	ck_assert_int_eq(sh_lines("ip -6 route show fd64:1::/32 | grep 'via %s dev v0'", ll), 1);
	fib_watch(rig.fib, (struct mono_us){ nlrig_now_us() }, &a, true);
	nlrig_run(&rig, 20);
	ck_assert(rig.nh.resolved && rig.nh.onlink);
	ck_assert_uint_eq(rig.nh.ifindex, 10);
	sh("ip link set v0 down");
	nlrig_run(&rig, 50);
	ck_assert(!rig.nh.resolved);
	ck_assert_str_eq(rig.nh.why, "interface v0 is down");
}
END_TEST

START_TEST(source_address_comes_and_goes)
{
	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	ck_assert(ip_addr_parse("10.99.0.1", &rig.conf.source4));
	ck_assert(ip_addr_parse("fd99::1", &rig.conf.source6));
	fib_configure(rig.fib, (struct mono_us){ nlrig_now_us() }, &rig.conf);
	nlrig_set(&rig, 1, 0, V4ONE);
	nlrig_set(&rig, 2, 0, V6ONE);
	nlrig_routes(&rig, 1, IP4, 50);
	nlrig_routes(&rig, 2, IP6, 50);
	nlrig_settle(&rig);
	ck_assert_int_eq(sh_lines("ip route show proto %d | grep 'src 10.99'", RIG_PROTO), 0);
	sh("ip addr add 10.99.0.1/32 dev lo && ip -6 addr add fd99::1/128 dev lo");
	nlrig_run(&rig, 50);
	nlrig_settle(&rig);
	ck_assert_int_eq(sh_lines("ip route show proto %d | grep 'src 10.99.0.1'", RIG_PROTO), 50);
	ck_assert_int_eq(sh_lines("ip -6 route show proto %d | grep 'src fd99::1'", RIG_PROTO), 50);
	sh("ip addr del 10.99.0.1/32 dev lo && ip -6 addr del fd99::1/128 dev lo");
	nlrig_run(&rig, 200);
	nlrig_settle(&rig);
	ck_assert_int_eq(ours(""), 50);
	ck_assert_int_eq(ours("-6"), 50);
	ck_assert(diff_is_empty());
}
END_TEST

/* ---- own blocks, restart, flush ------------------------------------------ */

START_TEST(own_block_before_announcing)
{
	struct ip_prefix p4 = nlrig_prefix("10.65.1.0/24"), p6 = nlrig_prefix("fd64:65::/64");
	struct ip_prefix host = nlrig_prefix("192.0.2.1/32");
	struct mono_us t = { nlrig_now_us() };

	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	rig.conf.discard_permit = true;
	fib_configure(rig.fib, t, &rig.conf);
	fib_local_set(rig.fib, t, &p4, FIB_OWN_BLOCK);
	fib_local_set(rig.fib, t, &p6, FIB_OWN_BLOCK);
	fib_local_set(rig.fib, t, &host, FIB_OWN_BLOCK);
	nlrig_settle(&rig);
	nlrig_run(&rig, 10);
	ck_assert_uint_eq(rig.ready, 3);
	ck_assert_str_eq(sh_out("ip route show type blackhole"),
	    "blackhole 10.65.1.0/24 proto 212 metric 4294967293 ");
	ck_assert_int_eq(sh_lines("ip -6 route show type blackhole | grep fd64:65::/64"), 1);
	ck_assert_str_eq(sh_out("ip route show type unreachable"),
	    "unreachable 10.64.0.0/10 proto 212 metric 4294967294 ");
	ck_assert_int_eq(sh_lines("ip -6 route show type unreachable | grep fd64::/16"), 1);
	ck_assert(diff_is_empty());
}
END_TEST

START_TEST(adoption_after_restart)
{
	const enum fib_nhobj_mode mode[] = { FIB_NHOBJ_AUTO, FIB_NHOBJ_OFF };
	struct fib_stats st;
	uint64_t ops;
	char before[64];

	nlrig_start(&rig, mode[_i], 0);
	nlrig_set(&rig, 1, 0, V4TWO);
	nlrig_set(&rig, 2, 0, V6ONE);
	nlrig_routes(&rig, 1, IP4, 200);
	nlrig_routes(&rig, 2, IP6, 100);
	nlrig_settle(&rig);
	teardown();
	snprintf(before, sizeof(before), "%s", sh_out(KERNEL_STATE));

	nlrig_start(&rig, mode[_i], 0);
	ck_assert_uint_eq(rig.adopted[0], 200);
	ck_assert_uint_eq(rig.adopted[1], 100);
	fib_sync_begin(rig.fib, (struct mono_us){ nlrig_now_us() });
	nlrig_set(&rig, 7, 0, V4TWO); /* other ids, in another order */
	nlrig_set(&rig, 5, 0, V6ONE);
	nlrig_routes(&rig, 7, IP4, 150);
	nlrig_routes(&rig, 5, IP6, 100);
	nlrig_settle(&rig);
	fib_stats(rig.fib, &st);
	ops = st.ops;
	ck_assert_uint_eq(ops, 0); /* nothing differs: nothing is touched */
	ck_assert_str_eq(sh_out(KERNEL_STATE), before);
	fib_sync_end(rig.fib, (struct mono_us){ nlrig_now_us() });
	nlrig_settle(&rig);
	ck_assert_int_eq(ours(""), 150);
	ck_assert_int_eq(ours("-6"), 100);
	fib_stats(rig.fib, &st);
	ck_assert_uint_eq(st.ops, 50);
	ck_assert(diff_is_empty());
}
END_TEST

START_TEST(bgpd_comes_back)
{
	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	nlrig_set(&rig, 1, 0, V4TWO);
	nlrig_routes(&rig, 1, IP4, 200);
	nlrig_settle(&rig);
	fib_sync_end(rig.fib, (struct mono_us){ nlrig_now_us() });
	nlrig_settle(&rig);
	fib_bgpd_gone(rig.fib, (struct mono_us){ nlrig_now_us() });
	nlrig_settle(&rig);
	ck_assert_int_eq(ours(""), 200);
	sh("ip link set w0 down"); /* sets of the past life still follow their links */
	nlrig_run(&rig, 100);
	nlrig_settle(&rig);
	ck_assert_int_eq(ours(""), 200);
	ck_assert_int_eq(sh_lines("ip route show | grep 'via 10.0.1.2'"), 0);
	fib_sync_begin(rig.fib, (struct mono_us){ nlrig_now_us() });
	nlrig_set(&rig, 1, 0, V4TWO);
	nlrig_routes(&rig, 1, IP4, 100);
	fib_sync_end(rig.fib, (struct mono_us){ nlrig_now_us() });
	nlrig_settle(&rig);
	ck_assert_int_eq(ours(""), 100);
	ck_assert(diff_is_empty());
}
END_TEST

START_TEST(flush_removes_everything)
{
	struct ip_prefix p = nlrig_prefix("10.65.1.0/24");

	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	fib_local_set(rig.fib, (struct mono_us){ nlrig_now_us() }, &p, FIB_OWN_BLOCK);
	nlrig_set(&rig, 1, 0, V4TWO);
	nlrig_routes(&rig, 1, IP4, 200);
	nlrig_settle(&rig);
	fib_flush(rig.fib, (struct mono_us){ nlrig_now_us() });
	nlrig_run(&rig, 200);
	ck_assert_uint_eq(rig.flushed, 1);
	ck_assert_int_eq(sh_lines("ip route show proto %d; ip -6 route show proto %d; ip nexthop",
	    RIG_PROTO, RIG_PROTO), 0);
}
END_TEST

START_TEST(place_moves_with_the_configuration)
{
	nlrig_start(&rig, FIB_NHOBJ_AUTO, 0);
	nlrig_set(&rig, 1, 0, V4TWO);
	nlrig_routes(&rig, 1, IP4, 100);
	nlrig_settle(&rig);
	rig.conf.metric = 30;
	rig.conf.table = 100;
	fib_configure(rig.fib, (struct mono_us){ nlrig_now_us() }, &rig.conf);
	nlrig_settle(&rig);
	ck_assert_int_eq(ours(""), 0);
	ck_assert_int_eq(sh_lines("ip -o route show table 100 proto %d metric 30", RIG_PROTO), 100);
	ck_assert(diff_is_empty());
}
END_TEST

START_TEST(idle_is_idle)
{
	struct nl_stats a, b;

	start_600(FIB_NHOBJ_AUTO);
	nlrig_run(&rig, 200);
	nl_stats(rig.nl, &a);
	nlrig_run(&rig, 500);
	nl_stats(rig.nl, &b);
	ck_assert_uint_eq(a.messages, b.messages);
	ck_assert_uint_eq(a.dumps, b.dumps);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("nl");
	TCase *tc = unit_case(s, "kernel");

	if (!nlrig_usable()) {
		printf("needs root, network namespaces and iproute2\n");
		return 77;
	}
	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, install_two_thousand_one_refused);
	tcase_add_test(tc, foreign_route_in_the_same_place);
	tcase_add_test(tc, foreign_route_appended_to_ours);
	tcase_add_loop_test(tc, multipath_both_families, 0, 2);
	tcase_add_test(tc, family_is_refused);
	tcase_add_loop_test(tc, deleted_routes_come_back, 0, 2);
	tcase_add_test(tc, nexthop_flush);
	tcase_add_test(tc, nexthop_group_deleted);
	tcase_add_loop_test(tc, link_down_and_up, 0, NROWS(flaps));
	tcase_add_loop_test(tc, link_flaps_unseen, 0, NROWS(flaps));
	tcase_add_test(tc, monitor_overflows);
	tcase_add_test(tc, one_leg_deleted_by_somebody);
	tcase_add_test(tc, own_doings_make_no_noise);
	tcase_add_test(tc, foreign_replace_over_ours);
	tcase_add_test(tc, recursive_next_hops);
	tcase_add_test(tc, link_local_next_hop);
	tcase_add_test(tc, source_address_comes_and_goes);
	tcase_add_test(tc, own_block_before_announcing);
	tcase_add_loop_test(tc, adoption_after_restart, 0, 2);
	tcase_add_test(tc, bgpd_comes_back);
	tcase_add_test(tc, flush_removes_everything);
	tcase_add_test(tc, place_moves_with_the_configuration);
	tcase_add_test(tc, idle_is_idle);
	return unit_run(s);
}
