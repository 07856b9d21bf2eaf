/*
 * Which addresses of Services are announced: the verdicts, the prefixes that follow from them, and
 * that a random life of many Services ends where a fresh start would have begun.
 */
#include "agent/core/services.h"

#include <stdio.h>

#include "lib/mem.h"
#include "lib/rng.h"
#include "tests/unit/unit.h"

#define ANY ((1u << SERVICE_LB_IP) | (1u << SERVICE_EXTERNAL_IP) | (1u << SERVICE_CLUSTER_IP))

static struct services *s;
static const struct service_rule all_rule = { .kinds = ANY };

static void
setup(void)
{
	s = services_new();
	services_set_rules(s, &all_rule, 1);
}

static void
teardown(void)
{
	services_free(s);
}

static void
put_kind(const char *key, const char *addr, enum service_kind kind, bool local)
{
	struct service_addr a = { .addr = ad(addr), .kind = (uint8_t)kind };

	services_put(s, &(struct service){ .key = key, .addrs = &a, .naddrs = 1,
				.external_local = local, .internal_local = local });
}

static void
put_lb(const char *key, const char *addr, bool local)
{
	put_kind(key, addr, SERVICE_LB_IP, local);
}

static void
slice_of(const char *key, const char *service, uint8_t af, struct service_count c)
{
	services_put_slice(s,
	    &(struct service_slice){ .key = key, .service = service, .af = af, .count = c });
}

/* "all/here" ready and leaving endpoints. */
static struct service_count
counts(uint32_t ready, uint32_t ready_here, uint32_t leaving, uint32_t leaving_here)
{
	return (struct service_count){ { ready, ready_here }, { leaving, leaving_here } };
}

/* All changes since it was asked last, as "+PREFIX -PREFIX ", in their order. */
static const char *
changes(void)
{
	static char text[4096];
	char p[IP_PREFIX_STRLEN];
	struct service_change c;
	size_t n = 0;

	text[0] = '\0';
	while (services_next_change(s, &c))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c%s", n ? " " : "",
		    c.on ? '+' : '-', ip_prefix_str(&c.prefix, p));
	return text;
}

static enum service_why
why_of(const char *key)
{
	struct service_addr_view v;

	ck_assert(services_addr(s, key, 0, &v));
	return v.why;
}

/* ---- endpoints -------------------------------------------------------------- */

static const struct {
	bool ready, serving, terminating;
	uint32_t want_ready, want_leaving;
} endpoints[] = {
	{ true, true, false, 1, 0 },
	{ false, false, false, 0, 0 },
	{ false, true, false, 0, 0 },
	{ false, true, true, 0, 1 },
	{ false, false, true, 0, 0 },
	{ true, true, true, 0, 1 },  /* publishNotReadyAddresses */
	{ true, false, true, 0, 0 }, /* the same, and it does not serve */
};

START_TEST(conditions)
{
	struct service_count c = { 0 };

	service_count_add(&c, &(struct service_endpoint){ endpoints[_i].ready, endpoints[_i].serving,
				  endpoints[_i].terminating, false });
	ck_assert_uint_eq(c.ready[0], endpoints[_i].want_ready);
	ck_assert_uint_eq(c.leaving[0], endpoints[_i].want_leaving);
	ck_assert_uint_eq(c.ready[1] + c.leaving[1], 0);
	service_count_add(&c, &(struct service_endpoint){ endpoints[_i].ready, endpoints[_i].serving,
				  endpoints[_i].terminating, true });
	ck_assert_uint_eq(c.ready[1], endpoints[_i].want_ready);
	ck_assert_uint_eq(c.leaving[1], endpoints[_i].want_leaving);
}
END_TEST

/* ready, leaving: everywhere and here; policy; what is said. */
static const struct {
	struct service_count c;
	bool local;
	enum service_why want;
} policies[] = {
	{ { { 0, 0 }, { 0, 0 } }, false, SERVICE_NO_ENDPOINT },
	{ { { 1, 0 }, { 0, 0 } }, false, SERVICE_ANNOUNCED },
	{ { { 1, 1 }, { 0, 0 } }, false, SERVICE_ANNOUNCED },
	{ { { 0, 0 }, { 1, 0 } }, false, SERVICE_LEAVING },
	{ { { 0, 0 }, { 0, 0 } }, true, SERVICE_NO_ENDPOINT },
	{ { { 1, 0 }, { 0, 0 } }, true, SERVICE_NO_LOCAL },
	{ { { 1, 1 }, { 0, 0 } }, true, SERVICE_ANNOUNCED },
	{ { { 1, 0 }, { 1, 1 } }, true, SERVICE_NO_LOCAL }, /* another node serves: leave at once */
	{ { { 0, 0 }, { 1, 1 } }, true, SERVICE_LEAVING },  /* nobody else can */
	{ { { 0, 0 }, { 1, 0 } }, true, SERVICE_NO_LOCAL },
	{ { { 2, 1 }, { 1, 1 } }, true, SERVICE_ANNOUNCED },
};

static void
check_policy(enum service_kind kind, int i)
{
	bool on = service_why_is_on(policies[i].want);

	put_kind("d/web", "192.0.2.1", kind, policies[i].local);
	slice_of("d/web-1", "d/web", IP4, policies[i].c);
	ck_assert_int_eq(why_of("d/web"), policies[i].want);
	ck_assert_str_eq(changes(), on ? "+192.0.2.1/32" : "");
	services_remove(s, "d/web");
	ck_assert_str_eq(changes(), on ? "-192.0.2.1/32" : "");
}

START_TEST(policy)
{
	check_policy(SERVICE_LB_IP, _i);
	check_policy(SERVICE_EXTERNAL_IP, _i);
	check_policy(SERVICE_CLUSTER_IP, _i);
}
END_TEST

/* externalTrafficPolicy says nothing of cluster addresses, internalTrafficPolicy nothing of others. */
START_TEST(policies_apart)
{
	struct service_addr a[] = { { .addr = ad("192.0.2.1"), .kind = SERVICE_LB_IP },
		{ .addr = ad("10.96.0.1"), .kind = SERVICE_CLUSTER_IP } };

	slice_of("d/web-1", "d/web", IP4, counts(1, 0, 0, 0));
	services_put(s, &(struct service){ .key = "d/web", .addrs = a, .naddrs = 2,
				.external_local = true });
	ck_assert_str_eq(changes(), "+10.96.0.1/32");
	services_put(s, &(struct service){ .key = "d/web", .addrs = a, .naddrs = 2,
				.internal_local = true });
	ck_assert_str_eq(changes(), "+192.0.2.1/32 -10.96.0.1/32");
}
END_TEST

/* The life of a rolling update, policy Local: the node leaves before its endpoint is gone. */
START_TEST(rolling_update)
{
	put_lb("d/web", "192.0.2.1", true);
	slice_of("d/web-1", "d/web", IP4, counts(1, 1, 0, 0));
	ck_assert_str_eq(changes(), "+192.0.2.1/32");
	slice_of("d/web-1", "d/web", IP4, counts(2, 1, 0, 0)); /* the new one, elsewhere */
	ck_assert_str_eq(changes(), "");
	slice_of("d/web-1", "d/web", IP4, counts(1, 0, 1, 1)); /* the old one terminates */
	ck_assert_str_eq(changes(), "-192.0.2.1/32");
	slice_of("d/web-1", "d/web", IP4, counts(1, 0, 0, 0));
	ck_assert_str_eq(changes(), "");
}
END_TEST

/* Several slices are one sum; each family has its own. */
START_TEST(slices)
{
	struct service_addr a[] = { { .addr = ad("192.0.2.1"), .kind = SERVICE_LB_IP },
		{ .addr = ad("2001:db8::1"), .kind = SERVICE_LB_IP } };

	services_put(s, &(struct service){ .key = "d/web", .addrs = a, .naddrs = 2 });
	slice_of("d/web-1", "d/web", IP4, counts(1, 0, 0, 0));
	ck_assert_str_eq(changes(), "+192.0.2.1/32");
	slice_of("d/web-2", "d/web", IP4, counts(1, 0, 0, 0));
	slice_of("d/web-6", "d/web", IP6, counts(1, 0, 0, 0));
	ck_assert_str_eq(changes(), "+2001:db8::1/128");
	services_remove_slice(s, "d/web-1");
	ck_assert_str_eq(changes(), "");
	services_remove_slice(s, "d/web-2");
	services_remove_slice(s, "d/web-2");
	ck_assert_str_eq(changes(), "-192.0.2.1/32");
	slice_of("d/web-6", "d/other", IP6, counts(1, 0, 0, 0)); /* it belongs to somebody else now */
	ck_assert_str_eq(changes(), "-2001:db8::1/128");
	slice_of("d/web-7", "d/web", IP_NONE, counts(1, 0, 0, 0));
	ck_assert_str_eq(changes(), "");
}
END_TEST

/* Slices may come before their Service and stay behind it. */
START_TEST(out_of_step)
{
	struct service_view v;

	slice_of("d/web-1", "d/web", IP4, counts(1, 0, 0, 0));
	ck_assert_uint_eq(services_count(s), 0);
	ck_assert(!services_next(s, NULL, &v));
	put_lb("d/web", "192.0.2.1", false);
	ck_assert_uint_eq(services_count(s), 1);
	ck_assert_str_eq(changes(), "+192.0.2.1/32");
	services_remove(s, "d/web");
	ck_assert_uint_eq(services_count(s), 0);
	ck_assert_str_eq(changes(), "-192.0.2.1/32");
	put_lb("d/web", "192.0.2.1", false);
	ck_assert_str_eq(changes(), "+192.0.2.1/32");
	services_remove_slice(s, "d/web-1");
	services_remove(s, "d/web");
	services_remove(s, "d/web");
	ck_assert_str_eq(changes(), "-192.0.2.1/32");
}
END_TEST

/* A list of slices from elsewhere: only what it does not have goes away, and only at its end. */
START_TEST(slices_told_again)
{
	put_lb("d/a", "192.0.2.1", false);
	put_lb("d/b", "192.0.2.2", false);
	slice_of("d/a-1", "d/a", IP4, counts(1, 0, 0, 0));
	slice_of("d/b-1", "d/b", IP4, counts(1, 0, 0, 0));
	ck_assert_str_eq(changes(), "+192.0.2.1/32 +192.0.2.2/32");
	services_slices_again(s);
	slice_of("d/b-1", "d/b", IP4, counts(1, 0, 0, 0));
	ck_assert_str_eq(changes(), "");
	services_slices_end(s);
	ck_assert_str_eq(changes(), "-192.0.2.1/32");
}
END_TEST

/* ---- reasons ------------------------------------------------------------------ */

static const char *const bad[] = { "0.0.0.0", "127.0.0.1", "224.0.0.1", "169.254.1.1", "::", "::1",
	"fe80::1", "ff02::1", "::ffff:192.0.2.1" };

START_TEST(bad_addresses)
{
	put_lb("d/web", bad[_i], false);
	slice_of("d/web-4", "d/web", IP4, counts(1, 1, 0, 0));
	slice_of("d/web-6", "d/web", IP6, counts(1, 1, 0, 0));
	ck_assert_int_eq(why_of("d/web"), SERVICE_BAD_ADDRESS);
	ck_assert_str_eq(changes(), "");
}
END_TEST

static const struct {
	struct service v;
	struct service_addr a;
	bool excluded, no_rule;
	enum service_why want;
} reasons[] = {
	{ .want = SERVICE_ANNOUNCED },
	{ .v.deleting = true, .want = SERVICE_DELETING },
	{ .v.foreign_class = true, .want = SERVICE_FOREIGN },
	{ .v.foreign_class = true, .a.kind = SERVICE_EXTERNAL_IP, .want = SERVICE_ANNOUNCED },
	{ .a.proxied = true, .want = SERVICE_PROXIED },
	{ .excluded = true, .want = SERVICE_EXCLUDED },
	{ .excluded = true, .a.kind = SERVICE_EXTERNAL_IP, .want = SERVICE_EXCLUDED },
	{ .excluded = true, .a.kind = SERVICE_CLUSTER_IP, .want = SERVICE_ANNOUNCED },
	{ .no_rule = true, .want = SERVICE_UNSELECTED },
};

START_TEST(reason)
{
	struct service_addr a = reasons[_i].a;
	struct service v = reasons[_i].v;
	char text[SERVICES_WHY_MAX];
	struct service_addr_view view;

	a.addr = ad("192.0.2.1");
	v.key = "d/web";
	v.addrs = &a;
	v.naddrs = 1;
	services_set_excluded(s, reasons[_i].excluded);
	if (reasons[_i].no_rule)
		services_set_rules(s, NULL, 0);
	slice_of("d/web-1", "d/web", IP4, counts(1, 1, 0, 0));
	services_put(s, &v);
	ck_assert_int_eq(why_of("d/web"), reasons[_i].want);
	ck_assert_str_eq(changes(), reasons[_i].want == SERVICE_ANNOUNCED ? "+192.0.2.1/32" : "");
	ck_assert(services_addr(s, "d/web", 0, &view));
	ck_assert_uint_gt(strlen(service_why_text(&view, text)), 8);
}
END_TEST

/* The label comes and goes. */
START_TEST(exclusion)
{
	put_lb("d/web", "192.0.2.1", false);
	slice_of("d/web-1", "d/web", IP4, counts(1, 1, 0, 0));
	ck_assert_str_eq(changes(), "+192.0.2.1/32");
	services_set_excluded(s, true);
	services_set_excluded(s, true);
	ck_assert_str_eq(changes(), "-192.0.2.1/32");
	services_set_excluded(s, false);
	ck_assert_str_eq(changes(), "+192.0.2.1/32");
}
END_TEST

/* What somebody wrote into his Service, of what is a node's: nothing else keeps it from everybody. */
static const struct {
	const char *addr;
	enum service_kind kind;
	enum service_why want;
} claimed[] = {
	{ "10.0.0.7", SERVICE_EXTERNAL_IP, SERVICE_RESERVED },
	{ "10.244.1.9", SERVICE_EXTERNAL_IP, SERVICE_RESERVED },
	{ "2001:db8::7", SERVICE_EXTERNAL_IP, SERVICE_RESERVED },
	{ "10.0.0.8", SERVICE_EXTERNAL_IP, SERVICE_ANNOUNCED },
	{ "10.0.0.7", SERVICE_LB_IP, SERVICE_ANNOUNCED },
	{ "10.0.0.7", SERVICE_CLUSTER_IP, SERVICE_ANNOUNCED },
};

START_TEST(addresses_of_others)
{
	const struct ip_prefix v[] = { px("10.0.0.7/32"), px("10.244.1.0/24"), px("10.0.0.7/32"),
		px("2001:db8::7/128") };

	services_set_reserved(s, v, 4);
	put_kind("d/web", claimed[_i].addr, claimed[_i].kind, false);
	slice_of("d/web-4", "d/web", IP4, counts(1, 1, 0, 0));
	slice_of("d/web-6", "d/web", IP6, counts(1, 1, 0, 0));
	ck_assert_int_eq(why_of("d/web"), claimed[_i].want);
	services_set_reserved(s, v, 4);
	services_set_reserved(s, NULL, 0);
	ck_assert_int_eq(why_of("d/web"), SERVICE_ANNOUNCED);
	services_set_reserved(s, v, 1);
	ck_assert_int_eq(why_of("d/web") == SERVICE_RESERVED,
	    claimed[_i].want == SERVICE_RESERVED && strcmp(claimed[_i].addr, "10.0.0.7") == 0);
}
END_TEST

START_TEST(ranges)
{
	const struct ip_prefix v[] = { px("192.0.2.0/25"), px("2001:db8::/64") };
	const struct service_rule rule = { .kinds = ANY, .ranges = v, .nranges = 2 };

	services_set_rules(s, &rule, 1);
	slice_of("d/web-4", "d/web", IP4, counts(1, 1, 0, 0));
	slice_of("d/web-6", "d/web", IP6, counts(1, 1, 0, 0));
	put_kind("d/web", "192.0.2.127", SERVICE_EXTERNAL_IP, false);
	ck_assert_str_eq(changes(), "+192.0.2.127/32");
	put_kind("d/web", "192.0.2.128", SERVICE_EXTERNAL_IP, false);
	ck_assert_int_eq(why_of("d/web"), SERVICE_OUTSIDE);
	ck_assert_str_eq(changes(), "-192.0.2.127/32");
	put_kind("d/web", "2001:db8::1", SERVICE_LB_IP, false);
	ck_assert_str_eq(changes(), "+2001:db8::1/128");
}
END_TEST

/* ---- rules ----------------------------------------------------------------------- */

static struct selector *
sel(const char *text)
{
	char why[SELECTOR_WHY_MAX];
	size_t at;
	struct selector *x = selector_parse(text, why, &at);

	ck_assert_msg(x != NULL, "%s: %s", text, why);
	return x;
}

static const struct {
	const char *selector;
	const char *ns;
	uint32_t kinds;
	bool want;
} selections[] = {
	{ "expose == 'bgp'", NULL, ANY, true },
	{ "expose == 'arp'", NULL, ANY, false },
	{ "zone == 'z' && expose == 'bgp'", NULL, ANY, true },
	{ "io.kubernetes.service.name == 'web'", NULL, ANY, true },
	{ "io.kubernetes.service.name == 'd'", NULL, ANY, false },
	{ "io.kubernetes.service.namespace == 'd'", NULL, ANY, true },
	{ "projectcalico.org/name == 'web' && projectcalico.org/namespace == 'd'", NULL, ANY, true },
	{ "all()", "d", ANY, true },
	{ "all()", "default", ANY, false },
	{ "all()", "", ANY, false },
	{ "all()", NULL, 1u << SERVICE_LB_IP, true },
	{ "all()", NULL, 1u << SERVICE_CLUSTER_IP, false },
};

START_TEST(selection)
{
	struct service_addr a = { .addr = ad("192.0.2.1"), .kind = SERVICE_LB_IP };
	const char *ns[] = { "other", selections[_i].ns };
	struct selector *x = sel(selections[_i].selector);
	struct service_rule r = { .kinds = selections[_i].kinds, .selector = x, .namespaces = ns,
		.nnamespaces = selections[_i].ns ? 2 : 0 };
	/* A label that takes a pseudo-label's name counts for nothing. */
	static const struct label l[] = { { "a", "b" }, { "expose", "bgp" },
		{ "io.kubernetes.service.name", "fake" }, { "zone", "z" } };

	services_set_rules(s, &r, 1);
	slice_of("d/web-1", "d/web", IP4, counts(1, 1, 0, 0));
	services_put(s, &(struct service){ .key = "d/web", .labels = { l, 4 }, .addrs = &a, .naddrs = 1 });
	ck_assert_str_eq(changes(), selections[_i].want ? "+192.0.2.1/32" : "");
	services_set_rules(s, NULL, 0);
	selector_free(x);
}
END_TEST

/* The first rule that selects an address decides; other rules need not withdraw it. */
START_TEST(rules_in_order)
{
	struct service_rule r[] = { { .kinds = 1u << SERVICE_CLUSTER_IP }, { .kinds = ANY },
		{ .kinds = ANY } };
	struct service_change c;

	services_set_rules(s, r, 3);
	put_lb("d/web", "192.0.2.1", false);
	slice_of("d/web-1", "d/web", IP4, counts(1, 1, 0, 0));
	ck_assert(services_next_change(s, &c));
	ck_assert(c.on && c.rule == 1 && !c.aggregate);
	ck_assert_str_eq(c.key, "d/web");
	services_set_rules(s, r + 1, 2);
	ck_assert(services_next_change(s, &c) && c.on && c.rule == 0);
	ck_assert(!services_next_change(s, &c));
	services_touch(s);
	ck_assert(services_next_change(s, &c) && c.on && c.rule == 0);
	services_set_rules(s, NULL, 0);
	ck_assert_str_eq(changes(), "-192.0.2.1/32");
}
END_TEST

/* Annotations are told, and again when they change. */
START_TEST(annotations)
{
	struct service_addr a = { .addr = ad("192.0.2.1"), .kind = SERVICE_LB_IP };
	struct service v = { .key = "d/web", .addrs = &a, .naddrs = 1, .communities = "64512:1" };
	struct service_change c;

	slice_of("d/web-1", "d/web", IP4, counts(1, 1, 0, 0));
	services_put(s, &v);
	ck_assert(services_next_change(s, &c));
	ck_assert_str_eq(c.communities, "64512:1");
	ck_assert_ptr_null(c.local_pref);
	v.communities = NULL;
	v.local_pref = "50";
	services_put(s, &v);
	ck_assert(services_next_change(s, &c));
	ck_assert_ptr_null(c.communities);
	ck_assert_str_eq(c.local_pref, "50");
}
END_TEST

/* They may be as long as objects may: what is kept is enough to see that it is too much. */
START_TEST(annotations_bounded)
{
	static char text[200000];
	struct service_addr a = { .addr = ad("192.0.2.1"), .kind = SERVICE_LB_IP };
	struct service v = { .key = "d/web", .addrs = &a, .naddrs = 1, .communities = text, .local_pref = text };
	struct service_change c;

	memset(text, '1', sizeof text - 1);
	slice_of("d/web-1", "d/web", IP4, counts(1, 1, 0, 0));
	services_put(s, &v);
	ck_assert(services_next_change(s, &c));
	ck_assert_uint_eq(strlen(c.communities), SERVICES_NOTE_MAX + 1);
	ck_assert_uint_eq(strlen(c.local_pref), SERVICES_NOTE_MAX + 1);
}
END_TEST

/* An address that was given out, and somebody who wrote it into his Service: he has no say. */
START_TEST(claimed_address)
{
	struct service_change c;

	slice_of("a/a-1", "a/a", IP4, counts(1, 0, 0, 0));
	slice_of("d/b-1", "d/b", IP4, counts(1, 0, 0, 0));
	put_kind("a/a", "192.0.2.1", SERVICE_EXTERNAL_IP, false);
	ck_assert(services_next_change(s, &c));
	ck_assert_str_eq(c.key, "a/a");
	put_kind("d/b", "192.0.2.1", _i ? SERVICE_LB_IP : SERVICE_CLUSTER_IP, false);
	ck_assert(services_next_change(s, &c));
	ck_assert_str_eq(c.key, "d/b");
	services_remove(s, "a/a");
	put_kind("a/a", "192.0.2.1", SERVICE_EXTERNAL_IP, false);
	ck_assert(!services_next_change(s, &c) || strcmp(c.key, "d/b") == 0);
	services_remove(s, "d/b");
	ck_assert(services_next_change(s, &c) && c.on);
	ck_assert_str_eq(c.key, "a/a");
}
END_TEST

/* Two Services with one address: it stays until the last one goes, by the first key's word. */
START_TEST(shared_address)
{
	struct service_change c;

	put_lb("d/b", "192.0.2.1", false);
	slice_of("d/b-1", "d/b", IP4, counts(1, 0, 0, 0));
	ck_assert(services_next_change(s, &c));
	ck_assert_str_eq(c.key, "d/b");
	put_lb("d/a", "192.0.2.1", false);
	slice_of("d/a-1", "d/a", IP4, counts(1, 0, 0, 0));
	ck_assert(services_next_change(s, &c));
	ck_assert_str_eq(c.key, "d/a");
	ck_assert_str_eq(services_find(s, &c.prefix), "d/a");
	services_remove(s, "d/a");
	ck_assert(services_next_change(s, &c) && c.on);
	ck_assert_str_eq(c.key, "d/b");
	services_remove(s, "d/b");
	ck_assert_str_eq(changes(), "-192.0.2.1/32");
}
END_TEST

/* An address that moves within its Service is told new before old. */
START_TEST(address_changes)
{
	slice_of("d/web-1", "d/web", IP4, counts(1, 0, 0, 0));
	put_lb("d/web", "192.0.2.1", false);
	ck_assert_str_eq(changes(), "+192.0.2.1/32");
	put_lb("d/web", "192.0.2.1", true); /* Local, and nothing is here */
	ck_assert_str_eq(changes(), "-192.0.2.1/32");
	put_lb("d/web", "192.0.2.1", false);
	put_lb("d/web", "192.0.2.9", false);
	ck_assert_str_eq(changes(), "+192.0.2.9/32"); /* what nobody was told is not withdrawn */
}
END_TEST

/* ---- aggregates ---------------------------------------------------------------------- */

static const struct service_rule agg_rule = { .kinds = ANY, .aggregate = { 24, 64 } };

START_TEST(aggregate)
{
	struct service_change c;

	services_set_rules(s, &agg_rule, 1);
	slice_of("d/a-1", "d/a", IP4, counts(1, 0, 0, 0));
	slice_of("d/b-1", "d/b", IP4, counts(1, 0, 0, 0));
	put_lb("d/a", "192.0.2.1", false);
	ck_assert(services_next_change(s, &c));
	ck_assert(c.on && c.aggregate && c.prefix.len == 24 && !c.key);
	ck_assert_int_eq(why_of("d/a"), SERVICE_AGGREGATED);
	put_lb("d/b", "192.0.2.2", false);
	ck_assert_str_eq(changes(), "");
	services_remove(s, "d/a");
	ck_assert_str_eq(changes(), "");
	services_remove_slice(s, "d/b-1");
	ck_assert_str_eq(changes(), "-192.0.2.0/24");
	ck_assert_int_eq(why_of("d/b"), SERVICE_NO_ENDPOINT);
}
END_TEST

/* Local addresses, and those with attributes of their own, stand beside it. */
START_TEST(aggregate_beside)
{
	struct service_addr a = { .addr = ad("192.0.2.2"), .kind = SERVICE_LB_IP };

	services_set_rules(s, &agg_rule, 1);
	slice_of("d/a-1", "d/a", IP4, counts(1, 1, 0, 0));
	slice_of("d/b-1", "d/b", IP4, counts(1, 0, 0, 0));
	put_lb("d/a", "192.0.2.1", true);
	ck_assert_str_eq(changes(), "+192.0.2.1/32 +192.0.2.0/24");
	services_put(s, &(struct service){ .key = "d/b", .addrs = &a, .naddrs = 1, .local_pref = "5" });
	ck_assert_str_eq(changes(), "+192.0.2.2/32");
	slice_of("d/a-1", "d/a", IP4, counts(1, 0, 0, 0));
	ck_assert_str_eq(changes(), "-192.0.2.1/32");
	services_put(s, &(struct service){ .key = "d/b", .addrs = &a, .naddrs = 1 });
	ck_assert_str_eq(changes(), "-192.0.2.2/32");
	services_remove(s, "d/b");
	ck_assert_str_eq(changes(), "-192.0.2.0/24");
}
END_TEST

/* ---- a random life ----------------------------------------------------------------------- */

#define NSVC 12

static struct rng rng;

static const char *
nth(const char *prefix, uint32_t i)
{
	static char text[4][32];
	static unsigned at;

	snprintf(text[at %= 4], sizeof(text[0]), "%s%u", prefix, i);
	return text[at++];
}

struct life {
	bool known[NSVC], has[NSVC];
	struct service v[NSVC];
	struct service_addr a[NSVC][2];
	struct service_slice sl[NSVC];
};

static void
put_random(struct life *l, uint32_t i)
{
	struct service *v = &l->v[i];

	*v = (struct service){ .addrs = l->a[i], .naddrs = rng_below(&rng, 3),
		.external_local = rng_below(&rng, 2), .deleting = rng_below(&rng, 8) == 0,
		.communities = rng_below(&rng, 4) ? NULL : rng_below(&rng, 2) ? "64512:1" : "64512:2" };
	for (size_t k = 0; k < 2; k++)
		l->a[i][k] = (struct service_addr){
			.addr = ad(nth("192.0.2.", rng_below(&rng, 6) + 1)),
			.kind = (uint8_t)rng_below(&rng, SERVICE_NKINDS) };
	l->known[i] = true;
}

static void
tell(struct services *to, struct life *l, uint32_t i)
{
	services_remove(to, nth("d/s", i));
	if (!l->known[i])
		return;
	l->v[i].key = nth("d/s", i);
	services_put(to, &l->v[i]);
}

static void
tell_slice(struct services *to, struct life *l, uint32_t i)
{
	l->sl[i].key = nth("d/l", i);
	l->sl[i].service = nth("d/s", i);
	if (l->has[i])
		services_put_slice(to, &l->sl[i]);
	else
		services_remove_slice(to, l->sl[i].key);
}

static void
step(struct life *l)
{
	uint32_t i = rng_below(&rng, NSVC);

	switch (rng_below(&rng, 3)) {
	case 0:
		l->known[i] = false;
		if (rng_below(&rng, 3))
			put_random(l, i);
		tell(s, l, i);
		break;
	case 1:
		if (!l->known[i])
			break;
		put_random(l, i);
		l->v[i].key = nth("d/s", i);
		services_put(s, &l->v[i]);
		break;
	default:
		l->has[i] = rng_below(&rng, 4) != 0;
		l->sl[i].af = IP4;
		l->sl[i].count = counts(rng_below(&rng, 2), 0, rng_below(&rng, 2), 0);
		l->sl[i].count.ready[1] = rng_below(&rng, l->sl[i].count.ready[0] + 1);
		tell_slice(s, l, i);
	}
}

/* What is announced, sorted, with what decides the attributes. */
struct outcome {
	struct service_change c[16];
	char comm[16][16];
	size_t n;
};

static void
drain_changes(struct services *from, struct outcome *o)
{
	struct service_change c;
	size_t at;

	while (services_next_change(from, &c)) {
		for (at = 0; at < o->n && ip_prefix_cmp(&o->c[at].prefix, &c.prefix) < 0; at++)
			;
		if (at < o->n && ip_prefix_eq(&o->c[at].prefix, &c.prefix)) {
			memmove(&o->c[at], &o->c[at + 1], (o->n - at - 1) * sizeof(c));
			memmove(&o->comm[at], &o->comm[at + 1], (o->n - at - 1) * sizeof(o->comm[0]));
			o->n--;
		} else {
			ck_assert_msg(c.on, "withdrawn without having been announced");
		}
		if (!c.on)
			continue;
		ck_assert_uint_lt(o->n, 16);
		memmove(&o->c[at + 1], &o->c[at], (o->n - at) * sizeof(c));
		memmove(&o->comm[at + 1], &o->comm[at], (o->n - at) * sizeof(o->comm[0]));
		snprintf(o->comm[at], sizeof(o->comm[0]), "%s", c.communities ? c.communities : "-");
		o->c[at] = c;
		o->n++;
	}
}

static void
compare_fresh(struct life *l, const struct service_rule *rules, size_t n, const struct outcome *have)
{
	struct services *fresh = services_new();
	struct outcome want = { .n = 0 };

	services_set_rules(fresh, rules, n);
	for (uint32_t i = NSVC; i-- > 0;) {
		tell(fresh, l, i);
		if (l->has[i])
			tell_slice(fresh, l, i);
	}
	drain_changes(fresh, &want);
	ck_assert_uint_eq(have->n, want.n);
	for (size_t i = 0; i < want.n; i++) {
		ck_assert(ip_prefix_eq(&have->c[i].prefix, &want.c[i].prefix));
		ck_assert_uint_eq(have->c[i].rule, want.c[i].rule);
		ck_assert_int_eq(have->c[i].aggregate, want.c[i].aggregate);
		ck_assert_str_eq(have->comm[i], want.comm[i]);
	}
	ck_assert_uint_eq(services_announced(s), want.n);
	services_free(fresh);
}

START_TEST(random_life)
{
	static const struct service_rule sets[][2] = {
		{ { .kinds = 1u << SERVICE_LB_IP }, { .kinds = ANY, .aggregate = { 30 } } },
		{ { .kinds = ANY, .aggregate = { 30 } }, { .kinds = ANY } },
		{ { .kinds = 1u << SERVICE_CLUSTER_IP, .aggregate = { 31 } },
		    { .kinds = 1u << SERVICE_LB_IP, .aggregate = { 31 } } },
	};
	struct life l = { .known = { false } };
	struct outcome have = { .n = 0 };
	const struct service_rule *rules = sets[0];

	rng_seed(&rng, (uint64_t)_i + 1);
	services_set_rules(s, rules, 2);
	for (int i = 0; i < 400; i++) {
		step(&l);
		if (rng_below(&rng, 20) == 0) {
			rules = sets[rng_below(&rng, 3)];
			services_set_rules(s, rules, 2);
		}
		if (rng_below(&rng, 3) == 0)
			drain_changes(s, &have);
	}
	drain_changes(s, &have);
	compare_fresh(&l, rules, 2, &have);
}
END_TEST

/* ---- views ---------------------------------------------------------------------------------- */

START_TEST(views)
{
	struct service_view v;
	struct service_addr_view a;
	char text[SERVICES_WHY_MAX];

	services_set_rules(s, &agg_rule, 1);
	put_lb("d/b", "192.0.2.1", false);
	slice_of("d/a-1", "d/a", IP4, counts(1, 0, 0, 0)); /* only its slice is known */
	slice_of("d/b-1", "d/b", IP4, counts(3, 2, 1, 0));
	ck_assert(services_next(s, NULL, &v));
	ck_assert_str_eq(v.key, "d/b");
	ck_assert_uint_eq(v.count[0].ready[0], 3);
	ck_assert_uint_eq(v.count[0].ready[1], 2);
	ck_assert_uint_eq(v.naddrs, 1);
	ck_assert(services_addr(s, "d/b", 0, &a));
	ck_assert_str_eq(service_why_text(&a, text), "announced by 192.0.2.0/24");
	ck_assert_str_eq(service_kind_text(a.kind), "LoadBalancerIP");
	ck_assert(!services_addr(s, "d/b", 1, &a));
	ck_assert(!services_addr(s, "d/none", 0, &a));
	ck_assert(!services_next(s, "d/b", &v));
	ck_assert(services_next(s, "d/a", &v));
	ck_assert_ptr_null(services_find(s, &(struct ip_prefix){ .af = IP4, .len = 32 }));
}
END_TEST

/* No more addresses of one Service are kept than SERVICES_ADDRS_MAX, none twice. */
START_TEST(bounded)
{
	static struct service_addr a[SERVICES_ADDRS_MAX * 2];
	struct service_view v;

	for (size_t i = 0; i < SERVICES_ADDRS_MAX * 2; i++)
		a[i] = (struct service_addr){ .addr = ad(nth("192.0.2.", (uint32_t)i / 2)) };
	services_put(s, &(struct service){ .key = "d/a", .addrs = a, .naddrs = 10 });
	ck_assert(services_next(s, NULL, &v));
	ck_assert_uint_eq(v.naddrs, 5);
	for (size_t i = 0; i < SERVICES_ADDRS_MAX * 2; i++)
		a[i] = (struct service_addr){ .addr = ad(nth("192.0.2.", (uint32_t)i)) };
	services_put(s, &(struct service){ .key = "d/a", .addrs = a, .naddrs = SERVICES_ADDRS_MAX * 2 });
	ck_assert(services_next(s, NULL, &v));
	ck_assert_uint_eq(v.naddrs, SERVICES_ADDRS_MAX);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("services");
	TCase *tc = unit_case(suite, "services");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, conditions, 0, NROWS(endpoints));
	tcase_add_loop_test(tc, policy, 0, NROWS(policies));
	tcase_add_test(tc, policies_apart);
	tcase_add_test(tc, rolling_update);
	tcase_add_test(tc, slices);
	tcase_add_test(tc, out_of_step);
	tcase_add_test(tc, slices_told_again);
	tcase_add_loop_test(tc, bad_addresses, 0, NROWS(bad));
	tcase_add_loop_test(tc, reason, 0, NROWS(reasons));
	tcase_add_test(tc, exclusion);
	tcase_add_loop_test(tc, addresses_of_others, 0, NROWS(claimed));
	tcase_add_test(tc, ranges);
	tcase_add_loop_test(tc, selection, 0, NROWS(selections));
	tcase_add_test(tc, rules_in_order);
	tcase_add_test(tc, annotations);
	tcase_add_test(tc, annotations_bounded);
	tcase_add_loop_test(tc, claimed_address, 0, 2);
	tcase_add_test(tc, shared_address);
	tcase_add_test(tc, address_changes);
	tcase_add_test(tc, aggregate);
	tcase_add_test(tc, aggregate_beside);
	tcase_add_loop_test(tc, random_life, 0, 100);
	tcase_add_test(tc, views);
	tcase_add_test(tc, bounded);
	return unit_run(suite);
}
