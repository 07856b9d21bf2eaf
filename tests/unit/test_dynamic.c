/*
 * Peers out of a listenRange (agent/dynamic.c): which range an address belongs
 * to, and what a new configuration makes of the peers that are there.
 */
#include <stdio.h>

#include "agent/dynamic.h"
#include "tests/unit/unit.h"

#define NODE "node: {name: n}\nbgp: {asNumber: 64512}\nkernel: {permit: [10.0.0.0/8]}\npeers:\n"

static struct conf *
load(const char *peers)
{
	struct conf_errs errs = { 0 };
	char text[2048];
	struct conf *c;

	snprintf(text, sizeof text, NODE "%s", peers);
	c = conf_load(NULL, "t", text, strlen(text), &errs);
	if (!c)
		conf_errs_print(&errs, stderr);
	conf_errs_free(&errs);
	ck_assert(c != NULL);
	return c;
}

#define RANGES                                                                                     \
	"  - {name: wide, listenRange: [10.0.0.0/8, \"fd00::/16\"], asNumber: 1}\n"              \
	"  - {name: rack, listenRange: 10.1.0.0/16, asNumber: 2, forgetAfter: 5s}\n"               \
	"  - {name: ll0, listenRange: \"fe80::/10\", interface: eth0, asNumber: 3}\n"              \
	"  - {name: ll1, listenRange: \"fe80::/10\", interface: eth1, asNumber: 4}\n"              \
	"  - {name: tor, peerIP: 10.1.0.1, asNumber: 5}\n"

static const struct {
	const char *addr, *ifname, *range;
} places[] = {
	{ "10.2.0.1", NULL, "wide" },
	{ "10.1.0.1", NULL, "rack" }, /* longest prefix; that "tor" has it is for the caller to see */
	{ "10.1.255.255", "", "rack" },
	{ "11.0.0.1", NULL, NULL },
	{ "fd00::1", NULL, "wide" },
	{ "fd01::1", NULL, NULL },
	{ "fe80::1", "eth0", "ll0" },
	{ "fe80::1", "eth1", "ll1" },
	{ "fe80::1", "eth2", NULL },
	{ "fe80::1", NULL, NULL },
};

START_TEST(place)
{
	struct conf *c = load(RANGES);
	struct ip_addr a = ad(places[_i].addr);
	const struct conf_peer *p = dynamic_range(c, &a, places[_i].ifname);

	if (places[_i].range)
		ck_assert(p && strcmp(p->name, places[_i].range) == 0);
	else
		ck_assert(p == NULL);
	conf_free(c);
}
END_TEST

static struct dynamic_peer *
come(struct dynamic *d, const struct conf *c, const char *text, const char *ifname, uint32_t id)
{
	struct ip_addr a = ad(text);
	const struct conf_peer *range = dynamic_range(c, &a, ifname);

	ck_assert(range != NULL);
	a.ifindex = ifname ? 7 : 0;
	return dynamic_add(d, range, &a, id);
}

START_TEST(settings)
{
	struct conf *c = load(RANGES);
	struct dynamic d;
	struct dynamic_peer *p, *ll;

	dynamic_init(&d);
	p = come(&d, c, "10.1.0.7", NULL, 9);
	ll = come(&d, c, "fe80::7", "eth1", 10);
	ck_assert_str_eq(p->conf.name, "rack/10.1.0.7");
	ck_assert_uint_eq(p->conf.remote_as.asn, 2);
	ck_assert_uint_eq(p->conf.forget_s, 5);
	ck_assert_uint_eq(p->conf.ranges.n, 0);
	ck_assert(p->conf.passive);
	ck_assert_str_eq(ll->conf.name, "ll1/fe80::7%eth1");
	ck_assert_uint_eq(ll->conf.addr.ifindex, 0);
	ck_assert_uint_eq(ll->addr.ifindex, 7);
	ck_assert_uint_eq(dynamic_count(&d, "rack"), 1);
	ck_assert_uint_eq(dynamic_count(&d, "rac"), 0);
	ck_assert(dynamic_find(&d, 10) == ll);
	ck_assert(dynamic_find(&d, 11) == NULL);
	dynamic_remove(&d, p);
	ck_assert_uint_eq(dynamic_count(&d, "rack"), 0);
	dynamic_free(&d);
	conf_free(c);
}
END_TEST

static const struct {
	const char *now;
	const char *name; /* of the peer at 10.1.0.7 afterwards; NULL: gone */
	uint32_t asn;
} reviews[] = {
	{ RANGES, "rack/10.1.0.7", 2 },
	{ "  - {name: rack, listenRange: 10.1.0.0/24, asNumber: 20}\n", "rack/10.1.0.7", 20 },
	{ "  - {name: rack, listenRange: 10.1.1.0/24, asNumber: 2}\n", NULL, 0 },
	{ "  - {name: other, listenRange: 10.1.0.0/16, asNumber: 2}\n", NULL, 0 },
	{ RANGES "  - {name: near, listenRange: 10.1.0.0/29, asNumber: 9}\n", NULL, 0 },
	{ RANGES "  - {name: it, peerIP: 10.1.0.7, asNumber: 2}\n", NULL, 0 },
};

START_TEST(review)
{
	struct conf *c = load(RANGES), *now = load(reviews[_i].now);
	struct dynamic d;
	struct dynamic_peer *p, *out;

	dynamic_init(&d);
	p = come(&d, c, "10.1.0.7", NULL, 9);
	out = dynamic_review(&d, now);
	ck_assert(out == (reviews[_i].name ? NULL : p));
	if (out)
		dynamic_remove(&d, out);
	ck_assert(dynamic_review(&d, now) == NULL);
	conf_free(c);
	if (!out) {
		ck_assert_str_eq(p->conf.name, reviews[_i].name);
		ck_assert_uint_eq(p->conf.remote_as.asn, reviews[_i].asn);
	}
	dynamic_free(&d);
	conf_free(now);
}
END_TEST

static const struct {
	const char *peer, *range;
} names[] = { { "rack/10.0.0.7", "rack" }, { "10.0.0.0/8/10.0.0.7", "10.0.0.0/8" }, { "tor", "" } };

START_TEST(range_name)
{
	char buf[64];

	ck_assert_str_eq(dynamic_range_name(names[_i].peer, buf, sizeof buf), names[_i].range);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dynamic");
	TCase *t = unit_case(s, "ranges");

	tcase_add_loop_test(t, place, 0, NROWS(places));
	tcase_add_test(t, settings);
	tcase_add_loop_test(t, review, 0, NROWS(reviews));
	tcase_add_loop_test(t, range_name, 0, NROWS(names));
	return unit_run(s);
}
