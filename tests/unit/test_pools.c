/*
 * Addresses of load balancers: one rule at a time. What holds in any life is in prop/prop_pools.c.
 */
#include <stdio.h>

#include "agent/core/pools.h"
#include "tests/unit/unit.h"

static struct pools *p;
static struct ip_range ranges[4];
static struct pool_conf conf[2];

static struct ip_range
range(const char *s)
{
	struct ip_range r;

	ck_assert_msg(ip_range_parse(s, &r), "%s", s);
	return r;
}

/* Two pools: "one" with .8 to .11 and four IPv6 addresses, "two", on demand, with .128 to .131. */
static void
configure(bool reclaim)
{
	ranges[0] = range("192.0.2.8/30");
	ranges[1] = range("2001:db8::8-2001:db8::b");
	ranges[2] = range("192.0.2.128-192.0.2.131");
	conf[0] = (struct pool_conf){ .name = "one", .ranges = ranges, .nranges = 2, .auto_assign = true };
	conf[1] = (struct pool_conf){ .name = "two", .ranges = &ranges[2], .nranges = 1 };
	pools_configure(p, conf, 2, reclaim);
}

static void
setup(void)
{
	p = pools_new(7);
	configure(false);
	pools_synced(p);
}

static void
teardown(void)
{
	pools_free(p);
}

static struct pool_service
service(const char *key)
{
	return (struct pool_service){ .key = key, .kind = POOLS_MINE, .family = IP4 };
}

/* What it has, as "ADDRESS ADDRESS"; its verdict in *ret. */
static const char *
has(const char *key, enum pools_why *ret)
{
	static char buf[2 * IP_ADDR_STRLEN];
	struct pools_service_view v;
	struct pools_todo t;

	while (pools_next_todo(p, &t))
		;
	ck_assert(pools_service(p, key, &v));
	buf[0] = '\0';
	for (size_t i = 0; i < v.n; i++) {
		char a[IP_ADDR_STRLEN];

		snprintf(buf + strlen(buf), sizeof buf - strlen(buf), "%s%s", i ? " " : "", ip_addr_str(&v.addr[i], a));
	}
	*ret = v.why;
	return buf;
}

static void
expect(const char *key, const char *want, enum pools_why why)
{
	enum pools_why have;
	const char *s = has(key, &have);

	ck_assert_msg(strcmp(s, want) == 0 && have == why, "%s: %s, %s", key, s, pools_why_word(have));
}

static const struct {
	const char *text; /* of one address asked for, NULL: none */
	const char *pool, *want;
	uint8_t policy, family;
	enum pools_why why;
} alone[] = {
	{ NULL, NULL, "192.0.2.8", POOLS_SINGLE, IP4, POOLS_ASSIGNED },
	{ NULL, NULL, "2001:db8::8", POOLS_SINGLE, IP6, POOLS_ASSIGNED },
	{ NULL, NULL, "192.0.2.8 2001:db8::8", POOLS_PREFER_DUAL, IP4, POOLS_ASSIGNED },
	{ NULL, NULL, "192.0.2.8 2001:db8::8", POOLS_REQUIRE_DUAL, IP6, POOLS_ASSIGNED },
	{ "192.0.2.10", NULL, "192.0.2.10", POOLS_SINGLE, IP4, POOLS_ASSIGNED },
	{ "192.0.2.130", NULL, "192.0.2.130", POOLS_SINGLE, IP4, POOLS_ASSIGNED }, /* also of "two" */
	{ "192.0.2.12", NULL, "", POOLS_SINGLE, IP4, POOLS_NOT_IN_POOL },
	{ "2001:db8::8", NULL, "", POOLS_SINGLE, IP4, POOLS_WRONG_FAMILY },
	{ "192.0.2.9", NULL, "192.0.2.9 2001:db8::8", POOLS_PREFER_DUAL, IP4, POOLS_ASSIGNED },
	{ NULL, "two", "192.0.2.128", POOLS_SINGLE, IP4, POOLS_ASSIGNED },
	{ "192.0.2.9", "two", "", POOLS_SINGLE, IP4, POOLS_NOT_IN_POOL },
	{ NULL, "three", "", POOLS_SINGLE, IP4, POOLS_UNKNOWN_POOL },
	{ NULL, "two", "", POOLS_SINGLE, IP6, POOLS_EXHAUSTED },
	{ NULL, "two", "192.0.2.128", POOLS_PREFER_DUAL, IP4, POOLS_HALF },
	{ NULL, "two", "", POOLS_REQUIRE_DUAL, IP4, POOLS_EXHAUSTED },
};

START_TEST(what_it_asks_for)
{
	struct pool_service s = service("a/a");

	s.pool = alone[_i].pool;
	s.policy = alone[_i].policy;
	s.family = alone[_i].family;
	if (alone[_i].text)
		s.requested[s.nrequested++] = ad(alone[_i].text);
	pools_put(p, &s);
	expect("a/a", alone[_i].want, alone[_i].why);
}
END_TEST

static const struct {
	const char *key[2];
	uint16_t port[2];
	bool local[2];
	const char *backends[2];
	bool shared, one_namespace;
} sharing[] = {
	{ { "k", "k" }, { 80, 443 }, { false, false }, { "x", "y" }, true, false },
	{ { "k", "k" }, { 80, 80 }, { false, false }, { "x", "x" }, false, false },
	{ { "k", "m" }, { 80, 443 }, { false, false }, { "x", "x" }, false, false },
	{ { "k", NULL }, { 80, 443 }, { false, false }, { "x", "x" }, false, false },
	{ { "k", "k" }, { 80, 443 }, { true, true }, { "x", "x" }, true, true },
	{ { "k", "k" }, { 80, 443 }, { true, true }, { "x", "x" }, false, false }, /* whose labels are the same */
	{ { "k", "k" }, { 80, 443 }, { true, true }, { "x", "y" }, false, false },
	{ { "k", "k" }, { 80, 443 }, { true, false }, { "x", "x" }, false, false },
};

START_TEST(who_may_share)
{
	const char *second = sharing[_i].one_namespace ? "a/b" : "b/b";
	struct pool_port port[2];

	for (int i = 0; i < 2; i++) {
		struct pool_service s = service(i ? second : "a/a");

		port[i] = (struct pool_port){ sharing[_i].port[i], 6 };
		s.ports = &port[i];
		s.nports = 1;
		s.sharing = sharing[_i].key[i];
		s.local = sharing[_i].local[i];
		s.backends = sharing[_i].backends[i];
		s.requested[s.nrequested++] = ad("192.0.2.9");
		pools_put(p, &s);
	}
	expect("a/a", "192.0.2.9", POOLS_ASSIGNED);
	expect(second, sharing[_i].shared ? "192.0.2.9" : "", sharing[_i].shared ? POOLS_ASSIGNED : POOLS_TAKEN);
}
END_TEST

START_TEST(namespaces_and_labels_say_whose_a_pool_is)
{
	static const char *const names[] = { "shop" };
	const struct label front[] = { { "tier", "front" } };
	struct selector *sel = selector_parse("tier == 'front'", NULL, NULL);
	struct pool_service s = service("shop/a");

	conf[0].namespaces = names;
	conf[0].nnamespaces = 1;
	conf[0].selector = sel;
	pools_configure(p, conf, 2, false);
	pools_put(p, &s);
	expect("shop/a", "", POOLS_NO_POOL);
	s.labels = (struct labels){ front, 1 };
	pools_put(p, &s);
	expect("shop/a", "192.0.2.8", POOLS_ASSIGNED);
	s.key = "shopping/b";
	s.pool = "one";
	pools_put(p, &s);
	expect("shopping/b", "", POOLS_POOL_DENIED);
	configure(false);
	selector_free(sel);
}
END_TEST

/* An address that no pool has any more; with reclaim it goes, and another one comes. */
START_TEST(shrunk)
{
	struct pool_service s = service("a/a");

	s.status[s.nstatus++] = ad("198.51.100.1");
	pools_put(p, &s);
	expect("a/a", "198.51.100.1", POOLS_OUTSIDE);
	configure(true);
	expect("a/a", "192.0.2.8", POOLS_ASSIGNED);
}
END_TEST

START_TEST(asking_for_another_pool_moves)
{
	struct pool_service s = service("a/a");

	pools_put(p, &s);
	expect("a/a", "192.0.2.8", POOLS_ASSIGNED);
	s.pool = "two";
	pools_put(p, &s);
	expect("a/a", "192.0.2.128", POOLS_ASSIGNED);
	s.pool = NULL; /* asking no more is no reason to move */
	pools_put(p, &s);
	expect("a/a", "192.0.2.128", POOLS_ASSIGNED);
}
END_TEST

/* Two statuses have one address: the older Service keeps it, the other one is told and served. */
START_TEST(adopted_twice)
{
	struct pools_event e;
	struct pool_service s = service("a/young");
	bool told = false;

	pools_free(p);
	p = pools_new(8);
	configure(false);
	s.status[s.nstatus++] = ad("192.0.2.9");
	s.created = 200;
	pools_put(p, &s);
	s.key = "b/old";
	s.created = 100;
	pools_put(p, &s);
	ck_assert(!pools_next_todo(p, &(struct pools_todo){ 0 })); /* before all is known nothing comes out */
	pools_synced(p);
	expect("b/old", "192.0.2.9", POOLS_ASSIGNED);
	expect("a/young", "192.0.2.8", POOLS_ASSIGNED);
	while (pools_next_event(p, &e))
		told |= strcmp(e.reason, "AddressConflict") == 0 && strcmp(e.key, "a/young") == 0 && e.warning;
	ck_assert(told);
}
END_TEST

START_TEST(buggy_ones_are_left_out)
{
	struct pool_service s = service("a/a");

	ranges[0] = range("192.0.2.255-192.0.3.1");
	conf[0].avoid_buggy = true;
	pools_configure(p, conf, 1, false);
	pools_put(p, &s);
	expect("a/a", "192.0.3.1", POOLS_ASSIGNED);
	s.key = "a/b";
	pools_put(p, &s);
	expect("a/b", "", POOLS_EXHAUSTED);
}
END_TEST

/* An address that we gave, with a name or another one beside it: written as it should be. */
START_TEST(odd_status)
{
	struct pool_service s = service("a/a");
	struct pools_todo t;

	s.status[s.nstatus++] = ad("192.0.2.8");
	pools_put(p, &s);
	expect("a/a", "192.0.2.8", POOLS_ASSIGNED);
	ck_assert(!pools_next_todo(p, &t));
	s.odd_status = true;
	pools_put(p, &s);
	ck_assert(pools_next_todo(p, &t));
	ck_assert_uint_eq(t.n, 1);
}
END_TEST

/* What is not ours, or is no longer, is written only to take away what came out of a pool. */
START_TEST(what_is_not_ours)
{
	struct pool_service s = service("a/a");
	struct pools_todo t;

	s.kind = POOLS_OTHERS;
	s.status[s.nstatus++] = ad("192.0.2.8");
	pools_put(p, &s);
	ck_assert(!pools_next_todo(p, &t));
	s.kind = POOLS_NONE;
	pools_put(p, &s);
	ck_assert(pools_next_todo(p, &t) && t.n == 0);
	s.status[0] = ad("198.51.100.1");
	pools_put(p, &s);
	ck_assert(!pools_next_todo(p, &t));
}
END_TEST

START_TEST(counts)
{
	struct pools_view v;
	struct pool_service s = service("a/a");

	s.policy = POOLS_REQUIRE_DUAL;
	pools_put(p, &s);
	expect("a/a", "192.0.2.8 2001:db8::8", POOLS_ASSIGNED);
	s.key = "a/b";
	s.policy = POOLS_SINGLE;
	s.requested[s.nrequested++] = ad("192.0.2.8");
	pools_put(p, &s);
	expect("a/b", "", POOLS_TAKEN);
	ck_assert(pools_view(p, 0, &v));
	ck_assert(v.size[0] == 4 && v.size[1] == 4 && v.used[0] == 1 && v.used[1] == 1);
	ck_assert(v.services == 1 && v.conflicts == 1);
	ck_assert(pools_view(p, 1, &v) && v.used[0] == 0 && v.conflicts == 0);
	ck_assert(!pools_view(p, 2, &v));
	ranges[0] = range("2001:db8::/32");
	pools_configure(p, conf, 1, false);
	ck_assert(pools_view(p, 0, &v) && v.size[1] == UINT64_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pools");
	TCase *tc = unit_case(s, "pools");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_it_asks_for, 0, NROWS(alone));
	tcase_add_loop_test(tc, who_may_share, 0, NROWS(sharing));
	tcase_add_test(tc, namespaces_and_labels_say_whose_a_pool_is);
	tcase_add_test(tc, shrunk);
	tcase_add_test(tc, asking_for_another_pool_moves);
	tcase_add_test(tc, adopted_twice);
	tcase_add_test(tc, buggy_ones_are_left_out);
	tcase_add_test(tc, odd_status);
	tcase_add_test(tc, what_is_not_ours);
	tcase_add_test(tc, counts);
	return unit_run(s);
}
