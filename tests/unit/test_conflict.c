/*
 * Conflicts with other programs and settings: when there is one, in which words, when it
 * is told, and that a clean node has none.
 */
#include <stdio.h>

#include "agent/core/conflict.h"
#include "tests/unit/unit.h"

static struct conflict c;
static struct conflict_facts clean;
static struct mono_us now;
static struct ipc_event ev;

static struct conflict_iface *
iface(struct conflict_facts *f, const char *name)
{
	struct conflict_iface *i = &f->iface[f->n++];

	strcpy(i->name, name);
	i->ifindex = (uint32_t)f->n;
	i->mtu = 1500;
	i->rp_filter = 2;
	i->accept_ra = 0;
	i->forward6 = 1;
	return i;
}

/* A node with two uplinks, pods, and everything as it should be. */
static void
setup(void)
{
	conflict_init(&c);
	now = (struct mono_us){ 1000000000 };
	memset(&clean, 0, sizeof(clean));
	clean.carries[0] = clean.carries[1] = clean.several[0] = clean.several[1] = true;
	clean.forward[0] = clean.forward[1] = clean.hash[0] = clean.hash[1] = 1;
	clean.uplinks = 2;
	iface(&clean, "eth0")->uplink = true;
	iface(&clean, "eth1")->uplink = true;
	iface(&clean, "cni0")->pods = true;
}

static void
pass_ms(uint64_t ms)
{
	now = mono_add_ms(now, ms);
}

static unsigned
count_on(void)
{
	unsigned n = 0;

	for (int k = 0; k < CONFLICT_N; k++)
		n += c.item[k].on;
	return n;
}

START_TEST(clean_node)
{
	struct conflict_facts unknown = { .forward = { -1, -1 }, .hash = { -1, -1 } };
	struct conflict_sysctl s;
	size_t pos = 0;

	conflict_look(&c, now, &clean);
	ck_assert_uint_eq(count_on(), 0);
	ck_assert(!conflict_next_event(&c, &ev));
	ck_assert(!conflict_next_sysctl(&clean, &pos, &s));
	conflict_look(&c, now, &unknown);
	ck_assert_uint_eq(count_on(), 0);
	clean.network_manager = clean.networkd = true; /* alone they do no harm */
	conflict_look(&c, now, &clean);
	ck_assert_uint_eq(count_on(), 0);
}
END_TEST

/* One change to a clean node, the one conflict that follows, words in its text and in its cure. */
static void
no_forward4(struct conflict_facts *f)
{
	f->forward[0] = 0;
}

static void
no_forward6(struct conflict_facts *f)
{
	f->forward[1] = 0;
	f->iface[1].accept_ra = 1;
}

static void
networkd(struct conflict_facts *f)
{
	f->networkd = f->networkd_foreign = true;
}

static void
better(struct conflict_facts *f)
{
	f->nbetter = 3;
	f->better = px("10.244.7.0/24");
	f->better_metric = 10;
	f->better_protocol = 4;
	f->our_metric = 20;
}

static void
strict(struct conflict_facts *f)
{
	f->iface[1].rp_filter = 1;
}

static void
small_uplink(struct conflict_facts *f)
{
	f->iface[0].mtu = f->iface[1].mtu = 1400;
}

static void
unequal_legs(struct conflict_facts *f)
{
	f->iface[0].mtu = 9000;
}

static void
managed_pods(struct conflict_facts *f)
{
	f->network_manager = f->iface[2].nm = true;
}

static void
hash4(struct conflict_facts *f)
{
	f->hash[0] = 0;
}

static void
hash6(struct conflict_facts *f)
{
	f->hash[1] = 0;
}

static void
ignored_ra(struct conflict_facts *f)
{
	f->iface[0].accept_ra = 1;
	f->iface[0].global6 = true;
}

static const struct {
	void (*change)(struct conflict_facts *f);
	enum conflict_kind kind;
	const char *text, *fix;
} rows[] = {
	{ no_forward4, CONFLICT_FORWARD4, "ip_forward is 0", "sysctl -w net.ipv4.ip_forward=1" },
	{ no_forward6, CONFLICT_FORWARD6, "forwarding is 0",
	    "sysctl -w net.ipv6.conf.eth1.accept_ra=2 net.ipv6.conf.all.forwarding=1" },
	{ networkd, CONFLICT_NETWORKD, "ManageForeignRoutes=yes", "ManageForeignRoutes=no" },
	{ better, CONFLICT_BETTER, "3 installed routes are not used",
	    "ip route del 10.244.7.0/24 metric 10 proto 4" },
	{ strict, CONFLICT_RP_FILTER, "strict on eth1", "net.ipv4.conf.eth1.rp_filter=2" },
	{ small_uplink, CONFLICT_MTU_PODS, "pods on cni0 send packets of up to 1500",
	    "ip link set eth0 mtu 1500" },
	{ unequal_legs, CONFLICT_MTU_LEGS, "eth0 with MTU 9000 and eth1 with MTU 1500",
	    "ip link set eth1 mtu 9000" },
	{ managed_pods, CONFLICT_NM, "NetworkManager manages cni0", "nmcli device set cni0 managed no" },
	{ hash4, CONFLICT_HASH4, "net.ipv4.fib_multipath_hash_policy is 0",
	    "sysctl -w net.ipv4.fib_multipath_hash_policy=1" },
	{ hash6, CONFLICT_HASH6, "net.ipv6.fib_multipath_hash_policy is 0",
	    "sysctl -w net.ipv6.fib_multipath_hash_policy=1" },
	{ ignored_ra, CONFLICT_RA, "router advertisements are ignored", "eth0.accept_ra=2" },
};

START_TEST(one_of_each)
{
	struct conflict_facts f = clean;
	const struct conflict_item *i = &c.item[rows[_i].kind];

	rows[_i].change(&f);
	conflict_look(&c, now, &f);
	ck_assert_uint_eq(count_on(), 1);
	ck_assert_msg(i->on && strstr(i->text, rows[_i].text), "%s", i->text);
	ck_assert_msg(strstr(i->fix, rows[_i].fix) != NULL, "%s", i->fix);
	ck_assert(conflict_next_event(&c, &ev));
	ck_assert_str_eq(ev.name, "conflict");
	ck_assert_int_eq(ev.level, conflict_is_hint(rows[_i].kind) ? IPC_LVL_NOTICE : IPC_LVL_WARN);
	ck_assert(strstr(ev.text, conflict_name(rows[_i].kind)) && strchr(ev.text, '"') &&
	    ev.text[strlen(ev.text) - 1] == '"');
	pass_ms(5000);
	conflict_look(&c, now, &f); /* told once */
	ck_assert(!conflict_next_event(&c, &ev));
	ck_assert_uint_eq(mono_diff_us(now, i->since), 5000000);
	conflict_look(&c, now, &clean);
	ck_assert_uint_eq(count_on(), 0);
	ck_assert(conflict_next_event(&c, &ev));
	ck_assert_str_eq(ev.name, "conflict-over");
	ck_assert(!conflict_next_event(&c, &ev));
}
END_TEST

/* What does not matter here is no conflict. */
START_TEST(no_false_alarm)
{
	clean.several[0] = clean.several[1] = false;
	clean.uplinks = 1;
	clean.iface[1].uplink = false;
	clean.iface[0].rp_filter = 1;		 /* one uplink: nothing comes in elsewhere */
	clean.hash[0] = clean.hash[1] = 0;	 /* no route has several legs */
	clean.iface[1].mtu = 9000;		 /* no uplink */
	clean.iface[2].mtu = 1450;		 /* pods send less */
	clean.iface[0].nm = true;		 /* an uplink, no interface of pods */
	clean.network_manager = true;
	clean.iface[0].accept_ra = 1;		 /* no address from advertisements */
	clean.carries[1] = false;
	clean.forward[1] = 0;			 /* nothing of IPv6 to forward */
	conflict_look(&c, now, &clean);
	ck_assert_uint_eq(count_on(), 0);
	clean.iface[0].global6 = clean.default6 = true;
	conflict_look(&c, now, &clean);
	ck_assert_uint_eq(count_on(), 0);
}
END_TEST

static void
removals(unsigned occasions, unsigned routes, uint64_t gap_ms, uint32_t by, const char *name)
{
	for (unsigned i = 0; i < occasions; i++, pass_ms(gap_ms))
		for (unsigned k = 0; k < routes; k++)
			conflict_removed(&c, now, by, name, i + 1);
}

START_TEST(removed_again_and_again)
{
	const struct conflict_item *i = &c.item[CONFLICT_REMOVED];

	removals(2, 500, 3000, 4711, "systemd-network");
	ck_assert(!i->on); /* that happens */
	removals(1, 500, 3000, 4711, "systemd-network");
	ck_assert(i->on);
	ck_assert_msg(strstr(i->text, "systemd-network (pid 4711) removed or changed routes of ours 3 "
	    "times in 7 s (1001 routes)") && strstr(i->text, "systemd-networkd with "
	    "ManageForeignRoutes"), "%s", i->text); /* the rest of this occasion comes yet */
	ck_assert(strstr(i->fix, "ManageForeignRoutes=no"));
	ck_assert(conflict_next_event(&c, &ev));
	ck_assert_msg(strstr(ev.text, "kind=removed") && strstr(ev.text, "3 times"), "%s", ev.text);
	ck_assert(!conflict_next_event(&c, &ev));
	removals(2, 1, 1000, 4711, "systemd-network");
	ck_assert(!conflict_next_event(&c, &ev));
	removals(1, 1, 1000, 4711, "systemd-network"); /* twice as many: told again */
	ck_assert(conflict_next_event(&c, &ev));
	ck_assert_msg(strstr(ev.text, "6 times"), "%s", ev.text);
	removals(94, 1, 1000, 4711, "systemd-network");
	for (unsigned told = 0; conflict_next_event(&c, &ev); told++)
		ck_assert_uint_lt(told, 1);
	ck_assert_uint_eq(i->count, 100);
	conflict_look(&c, now, &clean);
	ck_assert(i->on);
	pass_ms(601000);
	conflict_look(&c, now, &clean);
	ck_assert(!i->on);
	ck_assert(conflict_next_event(&c, &ev));
	ck_assert_str_eq(ev.name, "conflict-over");
}
END_TEST

static const struct {
	uint32_t by;
	const char *name;
	bool networkd;
	const char *who, *cause; /* NULL: none */
} culprits[] = {
	{ 77, "weft-agent", false, "weft-agent (pid 77)", "a second weft" },
	{ 77, "NetworkManager", false, "NetworkManager (pid 77)", "NetworkManager" },
	{ 77, "nobody-knows-it", true, "nobody-knows-it (pid 77)", NULL },
	{ 77, "", true, "a program that has ended (pid 77)", NULL },
	{ 0, "", true, "an unknown program", "systemd-networkd" },
	{ 0, "", false, "an unknown program", NULL },
	{ 0xfffff123, "", true, "an unknown program", "systemd-networkd" }, /* a second socket */
};

START_TEST(likely_causes)
{
	const struct conflict_item *i = &c.item[CONFLICT_REMOVED];
	const char *cause;

	clean.networkd = clean.networkd_foreign = culprits[_i].networkd;
	conflict_look(&c, now, &clean);
	cause = conflict_cause(&c, culprits[_i].by, culprits[_i].name);
	ck_assert_msg(culprits[_i].cause ? strstr(cause, culprits[_i].cause) != NULL : !cause[0],
	    "%s", cause);
	removals(3, 1, 1000, culprits[_i].by, culprits[_i].name);
	ck_assert_msg(strstr(i->text, culprits[_i].who) != NULL, "%s", i->text);
	ck_assert_msg(!culprits[_i].cause == !strstr(i->text, "; likely: "), "%s", i->text);
}
END_TEST

/* At once, again and again: the same route is gone each time. */
START_TEST(faster_than_occasions)
{
	removals(3, 100, 1, 7, "bird");
	ck_assert_uint_eq(c.item[CONFLICT_REMOVED].count, 3);
	ck_assert(strstr(c.item[CONFLICT_REMOVED].text, "3 times in 1 s") != NULL);
}
END_TEST

/* Many programs: the one that did nothing for longest is forgotten. */
START_TEST(many_culprits)
{
	char name[16];

	removals(3, 1, 100, 1, "first");
	for (uint32_t k = 0; k < 20; k++) {
		snprintf(name, sizeof(name), "prog%u", k);
		removals(1, 1, 100, 100 + k, name);
	}
	removals(2, 1, 100, 1, "first"); /* from the start */
	ck_assert_uint_eq(c.item[CONFLICT_REMOVED].count, 3);
}
END_TEST

START_TEST(second_writer)
{
	const struct conflict_item *i = &c.item[CONFLICT_SECOND];
	struct ip_prefix p = px("10.244.9.0/24");

	conflict_second(&c, now, 99, "weft-agent", &p);
	conflict_second(&c, now, 99, "weft-agent", &p);
	ck_assert(i->on);
	ck_assert_msg(strstr(i->text, "weft-agent (pid 99)") && strstr(i->text, "10.244.9.0/24"), "%s",
	    i->text);
	ck_assert(conflict_next_event(&c, &ev));
	ck_assert(!conflict_next_event(&c, &ev));
	pass_ms(601000);
	conflict_look(&c, now, &clean);
	ck_assert(!i->on);
}
END_TEST

/* kernel.sysctls: manage; what keeps the default route comes before what would end it. */
START_TEST(settings_in_order)
{
	static const struct {
		const char *name;
		int was, want;
	} want[] = {
		{ "net/ipv6/conf/eth0/accept_ra", 1, 2 },
		{ "net/ipv4/conf/eth1/rp_filter", 1, 2 },
		{ "net/ipv4/ip_forward", 0, 1 },
		{ "net/ipv6/conf/all/forwarding", 0, 1 },
		{ "net/ipv4/fib_multipath_hash_policy", 0, 1 },
		{ "net/ipv6/fib_multipath_hash_policy", 0, 1 },
	};
	struct conflict_sysctl s;
	size_t pos = 0;

	clean.iface[0].accept_ra = 1;
	clean.iface[1].rp_filter = 1;
	clean.forward[0] = clean.forward[1] = clean.hash[0] = clean.hash[1] = 0;
	for (int i = 0; i < NROWS(want); i++) {
		ck_assert(conflict_next_sysctl(&clean, &pos, &s));
		ck_assert_str_eq(s.name, want[i].name);
		ck_assert_int_eq(s.was, want[i].was);
		ck_assert_int_eq(s.want, want[i].want);
	}
	ck_assert(!conflict_next_sysctl(&clean, &pos, &s));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conflict");
	TCase *tc = unit_case(s, "conflict");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, clean_node);
	tcase_add_loop_test(tc, one_of_each, 0, NROWS(rows));
	tcase_add_test(tc, no_false_alarm);
	tcase_add_test(tc, removed_again_and_again);
	tcase_add_loop_test(tc, likely_causes, 0, NROWS(culprits));
	tcase_add_test(tc, faster_than_occasions);
	tcase_add_test(tc, many_culprits);
	tcase_add_test(tc, second_writer);
	tcase_add_test(tc, settings_in_order);
	return unit_run(s);
}
