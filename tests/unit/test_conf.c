/*
 * What loading a configuration promises beyond single values: effective values,
 * inheritance, limits, duplicates, the diff of a reload. Messages are held by
 * tests/conf/.
 */
#include <stdio.h>

#include "lib/conf.h"
#include "lib/conf_community.h"
#include "lib/conf_suggest.h"
#include "lib/conf_type.h"
#include "lib/mem.h"
#include "tests/conf/testconf.h"
#include "tests/unit/unit.h"

#define BASE "bgp: {asNumber: 64512}\nkernel: {permit: [10.244.0.0/16]}\n"
#define FILTERED "peers: [{name: p, peerIP: 10.0.0.1, asNumber: 65000, filters: [f]}]\n"
#define PEER "{name: p, peerIP: 10.0.0.1, asNumber: 65000}"

/* Load or fail the test; findings to standard error. */
static struct conf *
load(const char *text)
{
	struct conf_errs errs = { 0 };
	struct conf *c = conf_load(&testconf_env, "t.yaml", text, strlen(text), &errs);

	if (!c)
		conf_errs_print(&errs, stderr);
	conf_errs_free(&errs);
	ck_assert_ptr_nonnull(c);
	return c;
}

/* How many errors a text has. */
static size_t
errors(const char *text, size_t len)
{
	struct conf_errs errs = { 0 };
	struct conf *c = conf_load(&testconf_env, "t.yaml", text, len, &errs);
	size_t n = errs.nerrors;

	ck_assert(n == 0 ? c != NULL : c == NULL);
	conf_free(c);
	conf_errs_free(&errs);
	return n;
}

/* Short, in full, and among other peers: all of them are peers, in the order peers, uplinks. */
START_TEST(uplinks_are_peers)
{
	struct conf *c = load(BASE
	    "uplinks: [eth0, {interface: eth1, asNumber: internal, name: tor2, timers: {hold: 3s}}]\n"
	    "peers: [" PEER ", {interface: eth3}]\n");
	const struct conf_peer *v = c->peers.v;
	char *wrong;

	ck_assert_uint_eq(c->uplinks.n, 0);
	ck_assert_uint_eq(c->peers.n, 4);
	ck_assert(!conf_peer_is_unnumbered(&v[0]) && conf_peer_is_unnumbered(&v[1]));
	ck_assert(conf_peer_is_unnumbered(&v[2]) && conf_peer_is_unnumbered(&v[3]));
	ck_assert_str_eq(v[1].name, "eth3");
	ck_assert_str_eq(v[2].name, "eth0");
	ck_assert_str_eq(v[2].ifname, "eth0");
	ck_assert_int_eq(v[2].remote_as.how, CONF_AS_EXTERNAL);
	ck_assert_int_eq(v[2].import, CONF_IMPORT_PERMITTED);
	ck_assert_uint_eq(v[2].timers.hold_s, 9);
	ck_assert_str_eq(v[3].name, "tor2");
	ck_assert_int_eq(v[3].remote_as.how, CONF_AS_INTERNAL);
	ck_assert_uint_eq(v[3].timers.hold_s, 3);
	ck_assert_uint_eq(c->advertisements.n, 2);
	ck_assert_int_eq(c->advertisements.v[1].type, CONF_ADV_NODE_IP);
	wrong = testconf_round_trip(c);
	ck_assert_msg(!wrong, "%s", wrong);
	conf_free(c);
	c = load(BASE "peers: [{peerIP: \"fe80::1%eth0\", asNumber: 1}]\n");
	ck_assert(!conf_has_unnumbered(c));
	ck_assert_uint_eq(c->advertisements.n, 1);
	conf_free(c);
}
END_TEST

START_TEST(defaults)
{
	struct conf *c = load(BASE "peers: [" PEER "]\n");
	const struct conf_peer *p = &c->peers.v[0];

	ck_assert_str_eq(c->node.name, "host1");
	ck_assert_uint_eq(c->node.ip.n, 1);
	ck_assert_int_eq(c->node.ip.v[0].how, CONF_IP_AUTO);
	ck_assert_uint_eq(c->node.pod_cidrs.n, 0);
	ck_assert_int_eq(c->bgp.router_id.af, IP_NONE);
	ck_assert(c->bgp.listen.enabled);
	ck_assert_uint_eq(c->bgp.listen.port, 179);
	ck_assert(!c->bgp.transit);
	ck_assert_uint_eq(p->timers.hold_s, 9);
	ck_assert_uint_eq(p->timers.keepalive_s, 0);
	ck_assert_uint_eq(p->timers.connect_retry_ms, 2000);
	ck_assert_uint_eq(p->port, 179);
	ck_assert_uint_eq(p->families, CONF_FAMILY(IP4) | CONF_FAMILY(IP6));
	ck_assert_uint_eq(p->max[0].limit, 100000);
	ck_assert_uint_eq(p->max[1].warn_pct, 80);
	ck_assert_uint_eq(p->max[1].after_s, 300);
	ck_assert_uint_eq(p->ttl_security, 0);
	ck_assert(p->gr.enabled);
	ck_assert_uint_eq(p->gr.restart_s, 120);
	ck_assert_int_eq(p->import, CONF_IMPORT_PERMITTED); /* RFC 8212 */
	ck_assert_int_eq(p->export, CONF_EXPORT_OWN);
	ck_assert_uint_eq(c->advertisements.n, 1);
	ck_assert_int_eq(c->advertisements.v[0].type, CONF_ADV_POD_CIDR);
	ck_assert_uint_eq(c->kernel.table, 254);
	ck_assert_uint_eq(c->kernel.protocol, 212);
	ck_assert_uint_eq(c->kernel.metric, 20);
	ck_assert(conf_protects(c, CONF_PROTECT_DEFAULT));
	ck_assert(conf_protects(c, CONF_PROTECT_BGP_NEXTHOPS));
	ck_assert(!c->kernel.protect_given && c->kernel.permit_given);
	ck_assert_int_eq(c->kernel.on_stop, CONF_STOP_FLUSH);
	ck_assert_uint_eq(c->ops.metrics.port, 9179);
	conf_free(c);
}
END_TEST

START_TEST(peers_inherit)
{
	struct conf *c = load(
	    "bgp: {asNumber: 64512, timers: {hold: 30s, keepalive: 5s},\n"
	    "      gracefulRestart: {enabled: false, restartTime: 60s}}\n"
	    "kernel: {install: false}\n"
	    "peers:\n"
	    "  - " PEER "\n"
	    "  - {name: q, peerIP: 10.0.0.2, asNumber: internal, timers: {hold: 6s},\n"
	    "     gracefulRestart: {enabled: true}, maxPrefixes: {limit: 7, ipv6: {limit: 9}}}\n");
	const struct conf_peer *p = conf_peer_find(c, "p"), *q = conf_peer_find(c, "q");

	ck_assert_ptr_null(conf_peer_find(c, "r"));
	ck_assert_uint_eq(p->timers.hold_s, 30);
	ck_assert_uint_eq(p->timers.keepalive_s, 5);
	ck_assert(!p->gr.enabled && q->gr.enabled);
	ck_assert_uint_eq(q->gr.restart_s, 60);
	/* bgp's keepalive belongs to bgp's hold. */
	ck_assert_uint_eq(q->timers.hold_s, 6);
	ck_assert_uint_eq(q->timers.keepalive_s, 0);
	ck_assert_uint_eq(q->max[0].limit, 7);
	ck_assert_uint_eq(q->max[1].limit, 9);
	ck_assert_uint_eq(q->remote_as.asn, 64512);
	ck_assert(conf_peer_is_ibgp(c, q) && !conf_peer_is_ibgp(c, p));
	ck_assert_int_eq(q->import, CONF_IMPORT_ALL);
	ck_assert_int_eq(q->export, CONF_EXPORT_ALL);
	conf_free(c);
}
END_TEST

/* Every way to write an address; where port and interface end up. */
static const struct {
	const char *text, *addr, *ifname;
	uint32_t port;
} addresses[] = {
	{ "10.0.0.1", "10.0.0.1", "", 179 },
	{ "\"10.0.0.1:1179\"", "10.0.0.1", "", 1179 },
	{ "2001:db8::1", "2001:db8::1", "", 179 },
	{ "\"[2001:db8::1]\"", "2001:db8::1", "", 179 },
	{ "\"[2001:db8::1]:1\"", "2001:db8::1", "", 1 },
	{ "fe80::1%eth0", "fe80::1", "eth0", 179 },
	{ "\"[fe80::1%eth0.5]:65535\"", "fe80::1", "eth0.5", 65535 },
};

START_TEST(peer_addresses)
{
	char text[256], buf[IP_ADDR_STRLEN];
	struct conf *c;

	snprintf(
	    text, sizeof(text), BASE "peers: [{peerIP: %s, asNumber: 1}]\n", addresses[_i].text);
	c = load(text);
	ck_assert_str_eq(ip_addr_str(&c->peers.v[0].addr, buf), addresses[_i].addr);
	ck_assert_uint_eq(c->peers.v[0].addr.ifindex, 0);
	ck_assert_str_eq(c->peers.v[0].ifname, addresses[_i].ifname);
	ck_assert_uint_eq(c->peers.v[0].port, addresses[_i].port);
	conf_free(c);
}
END_TEST

/* RFC 5396 asdot; RFC 4271, 6793, 7300, 7607 reserved ones are in tests/conf/. */
static const struct {
	const char *text;
	uint32_t asn;
} as_numbers[] = {
	{ "1", 1 },
	{ "64512", 64512 },
	{ "\"64512\"", 64512 },
	{ "4200000001", 4200000001 },
	{ "0.1", 1 },
	{ "1.0", 65536 },
	{ "64086.59905", 4200000001 },
	{ "65535.65534", 4294967294 },
};

START_TEST(as_number)
{
	char text[128];
	struct conf *c;

	snprintf(text, sizeof(text), "bgp: {asNumber: %s}\n", as_numbers[_i].text);
	c = load(text);
	ck_assert_uint_eq(c->bgp.asn, as_numbers[_i].asn);
	conf_free(c);
}
END_TEST

START_TEST(communities_are_resolved_sorted_and_unique)
{
	struct conf *c = load(
	    BASE "peers: [" PEER "]\n"
		 "advertisements: [{type: PodCIDR, communities: [\"1:2:3\", pods, \"64512:100\",\n"
		 "                  no-export, \"1:1\"]}]\n"
		 "communities: [{name: pods, value: \"64512:100\"}]\n");
	const struct conf_community_values *v = &c->advertisements.v[0].communities;

	ck_assert_uint_eq(v->n, 4);
	ck_assert_uint_eq(v->v[0].v[0], 1u << 16 | 1);
	ck_assert_uint_eq(v->v[1].v[0], 64512u << 16 | 100);
	ck_assert_uint_eq(v->v[2].v[0], 0xffffff01);   /* RFC 1997, NO_EXPORT */
	ck_assert(v->v[3].large && v->v[3].v[2] == 3); /* RFC 8092 */
	conf_free(c);
}
END_TEST

START_TEST(kernel_source)
{
	struct conf *c = load("bgp: {asNumber: 1}\nkernel: {sourceAddress: [fd00::5, 10.0.0.5]}\n");
	char buf[IP_ADDR_STRLEN];

	ck_assert_int_eq(c->kernel.source_how, CONF_SOURCE_ADDR);
	ck_assert_str_eq(ip_addr_str(&c->kernel.source[0], buf), "10.0.0.5");
	ck_assert_str_eq(ip_addr_str(&c->kernel.source[1], buf), "fd00::5");
	conf_free(c);
}
END_TEST

/* ---- limits -------------------------------------------------------------- */

START_TEST(findings_are_bounded_and_counted)
{
	struct conf_errs errs = { 0 };
	char text[8192] = "peers:\n", *all;
	struct conf *c;

	for (size_t i = 0; i < 200; i++)
		strcat(text, "  - {peerIP: x, asNumber: 1}\n");
	c = conf_load(&testconf_env, "t.yaml", text, strlen(text), &errs);
	ck_assert_ptr_null(c);
	ck_assert_uint_eq(errs.n, CONF_ERRS_MAX);
	ck_assert_uint_eq(errs.nerrors, 201); /* bgp.asNumber is missing, too */
	all = conf_errs_text(&errs);
	ck_assert_ptr_nonnull(strstr(all, "t.yaml: and "));
	mem_free(all);
	conf_errs_free(&errs);
}
END_TEST

/* A listener takes so many keys and no more (lib/conf.h). */
START_TEST(passwords_are_counted)
{
	static char text[200000];
	int n = CONF_KEYS_MAX + _i, len;
	struct conf_errs errs = { 0 };
	struct conf *c;

	len = snprintf(text, sizeof(text), BASE "peers:\n");
	for (int i = 0; i < n; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
		    "  - {peerIP: 10.0.%d.%d, asNumber: 1, password: {file: k}}\n", i / 256, i % 256);
	c = conf_load(&testconf_env, "t.yaml", text, (size_t)len, &errs);
	ck_assert_uint_eq(errs.nerrors, (size_t)_i);
	if (_i)
		ck_assert_ptr_nonnull(strstr(errs.v[0].wanted, "password number 964"));
	conf_free(c);
	conf_errs_free(&errs);
}
END_TEST

START_TEST(errors_take_the_place_of_warnings)
{
	struct conf_errs errs = { 0 };
	char text[8192] =
	    "bgp: {asNumber: 1}\nkernel:\n  sourceAddress: [none, nodeIP]\n  permit:\n";
	struct conf *c;
	size_t i = 0;

	for (size_t n = 0; n < 100; n++)
		strcat(text, "  - 10.0.0.0/8\n"); /* warnings, found before the error */
	c = conf_load(&testconf_env, "t.yaml", text, strlen(text), &errs);
	ck_assert_ptr_null(c);
	ck_assert_uint_eq(errs.n, CONF_ERRS_MAX);
	ck_assert_uint_eq(errs.nerrors, 1);
	while (i < errs.n && errs.v[i].warning)
		i++;
	ck_assert_uint_lt(i, errs.n);
	ck_assert_str_eq(errs.v[i].path, "kernel.sourceAddress[1]");
	conf_errs_free(&errs);
}
END_TEST

START_TEST(nesting_is_bounded)
{
	char text[1024] = "bgp: ";

	for (size_t i = 0; i < 200; i++)
		strcat(text, "[");
	for (size_t i = 0; i < 200; i++)
		strcat(text, "]");
	ck_assert_uint_eq(errors(text, strlen(text)), 1);
}
END_TEST

START_TEST(size_is_bounded)
{
	size_t len = CONF_TEXT_MAX + 1;
	char *text = mem_alloc(len);

	memset(text, '#', len);
	ck_assert_uint_eq(errors(text, len), 1);
	mem_free(text);
}
END_TEST

/* The text has a length: what is behind it, and NULs in it, are not the parser's. */
START_TEST(text_has_a_length)
{
	static const char text[] = "bgp: {asNumber: 1}\n}}}}";

	ck_assert_uint_eq(errors(text, strlen(text) - 4), 0);
	ck_assert_uint_eq(errors("bgp: {asNumber: 1}\0", 19), 1);
	ck_assert_uint_eq(errors("bgp: {asNumber: \"1\\0\"}", 22), 1);
	ck_assert_uint_eq(errors("", 0), 1);
}
END_TEST

START_TEST(no_environment_and_no_hostname)
{
	struct conf_errs errs = { 0 };
	static const char text[] = "bgp: {asNumber: 1}\n";

	ck_assert_ptr_null(conf_load(NULL, "t.yaml", text, strlen(text), &errs));
	ck_assert_uint_eq(errs.nerrors, 1);
	ck_assert_str_eq(errs.v[errs.n - 1].path, "kernel.permit");
	conf_errs_free(&errs);
}
END_TEST

START_TEST(a_password_in_clear_is_not_echoed)
{
	static const char text[] =
	    BASE "peers: [{peerIP: 10.0.0.1, asNumber: 1, password: s3cret}]";
	struct conf_errs errs = { 0 };
	char *all;

	ck_assert_ptr_null(conf_load(&testconf_env, "t.yaml", text, strlen(text), &errs));
	all = conf_errs_text(&errs);
	ck_assert_ptr_null(strstr(all, "s3cret"));
	ck_assert_ptr_nonnull(strstr(all, "peers[0].password"));
	mem_free(all);
	conf_errs_free(&errs);
}
END_TEST

/* ---- diff ---------------------------------------------------------------- */

/* What each change of a peer (or of what it depends on) costs. */
static const struct {
	const char *was, *now;
	enum conf_change change;
	const char *why;
} changes[] = {
	{ BASE "peers: [" PEER "]", BASE "# a comment\npeers: [" PEER "]", CONF_SAME, NULL },
	{ BASE "peers: [" PEER "]",
	    BASE "peers: [{name: p, peerIP: 10.0.0.1, asNumber: 65000, description: x}]", CONF_LIVE,
	    "peers[].description" },
	{ BASE "peers: [" PEER "]",
	    BASE "peers: [{name: p, peerIP: 10.0.0.1, asNumber: 65000, import: all}]", CONF_POLICY,
	    "peers[].import" },
	{ BASE "peers: [" PEER "]",
	    BASE "peers: [{name: p, peerIP: 10.0.0.1, asNumber: 65000, maxPrefixes: {limit: 5}}]",
	    CONF_POLICY, "peers[].maxPrefixes.ipv4.limit" },
	{ BASE "peers: [" PEER "]", BASE "peers: [{name: p, peerIP: 10.0.0.2, asNumber: 65000}]",
	    CONF_SESSION, "peers[].peerIP" },
	/* Inherited from bgp, so the same to the peer. */
	{ BASE "peers: [" PEER "]",
	    "bgp: {asNumber: 64512, timers: {hold: 3s}}\n"
	    "kernel: {permit: [10.244.0.0/16]}\npeers: [" PEER "]",
	    CONF_SESSION, "peers[].timers.hold" },
	{ BASE "peers: [" PEER "]",
	    "bgp: {asNumber: 64513}\nkernel: {permit: [10.244.0.0/16]}\npeers: [" PEER "]",
	    CONF_SESSION, "bgp.asNumber" },
	{ BASE "peers: [" PEER "]",
	    "bgp: {asNumber: 64512}\nkernel: {permit: [10.245.0.0/16]}\npeers: [" PEER "]",
	    CONF_POLICY, "kernel.permit" },
	{ BASE "peers: [" PEER "]",
	    "bgp: {asNumber: 64512, listen: {port: 1179}}\n"
	    "kernel: {permit: [10.244.0.0/16], metric: 30}\npeers: [" PEER "]",
	    CONF_SAME, NULL },
	/* What its filters say counts, not how; and only of those it has. */
	{ BASE FILTERED "filters: {f: {import: [{action: Accept}]}}",
	    BASE FILTERED "filters: {f: {import: [{action: Reject}]}}", CONF_POLICY, "filters" },
	{ BASE FILTERED "filters: {f: {import: [{action: Accept}]}}",
	    BASE FILTERED "filters: {f: {importV4: [{action: Accept}]}}", CONF_POLICY, "filters" },
	{ BASE FILTERED "filters: {f: {import: [{action: Accept}]}}",
	    BASE FILTERED "filters: {g: {import: [{action: Reject}]}, f: {import: "
			  "[{matchOperator: In, cidr: 0.0.0.0/0, action: Reject}]}}",
	    CONF_POLICY, "filters" },
	{ BASE FILTERED "filters: {f: {import: [{action: Accept}]}}",
	    BASE FILTERED "filters: {g: {import: [{action: Reject}]}, f: {import: [{source: any, "
			  "action: Accept}]}}",
	    CONF_SAME, NULL },
	{ BASE FILTERED "communities: [{name: c, value: '1:1'}]\n"
			"filters: {f: {import: [{communities: {any: c}, action: Accept}]}}",
	    BASE FILTERED "communities: [{name: c, value: '1:2'}]\n"
			  "filters: {f: {import: [{communities: {any: c}, action: Accept}]}}",
	    CONF_POLICY, "filters" },
	{ BASE FILTERED "filters: {f: {import: [{action: Accept}]}, g: {}}",
	    BASE "peers: [{name: p, peerIP: 10.0.0.1, asNumber: 65000, filters: [f, g]}]\n"
		 "filters: {f: {import: [{action: Accept}]}, g: {}}",
	    CONF_POLICY, "peers[].filters" },
	{ BASE, BASE "peers: [" PEER "]", CONF_ADDED, NULL },
	{ BASE "peers: [" PEER "]", BASE, CONF_REMOVED, NULL },
};

START_TEST(diff_of_a_peer)
{
	struct conf *was = load(changes[_i].was), *now = load(changes[_i].now);
	struct conf_diff *d = conf_diff(was, now);

	ck_assert_uint_eq(d->n, 1);
	ck_assert_str_eq(d->v[0].name, "p");
	ck_assert_int_eq(d->v[0].change, changes[_i].change);
	if (changes[_i].why)
		ck_assert_str_eq(d->v[0].why, changes[_i].why);
	else
		ck_assert_ptr_null(d->v[0].why);
	conf_diff_free(d);
	conf_free(was);
	conf_free(now);
}
END_TEST

START_TEST(diff_of_the_rest)
{
	struct conf *was = load(BASE "peers: [" PEER "]");
	struct conf *now = load("bgp: {asNumber: 64512}\n"
				"kernel: {permit: [10.244.0.0/16], table: 100}\n"
				"node: {podCIDRs: 10.244.1.0/24}\n"
				"advertisements: [{type: PodCIDR, med: 5}]\n"
				"ops: {log: {level: debug}}\n"
				"peers: [" PEER "]");
	struct conf_diff *d = conf_diff(was, now);

	ck_assert(d->node && d->kernel && d->ops && d->advertisements && !d->bgp);
	ck_assert_int_eq(d->v[0].change, CONF_SAME);
	conf_diff_free(d);
	conf_free(was);
	conf_free(now);
}
END_TEST

/* ---- parts --------------------------------------------------------------- */

static const struct {
	const char *a, *b;
	unsigned dist;
} distances[] = {
	{ "", "", 0 },
	{ "hold", "hold", 0 },
	{ "Hold", "hold", 0 },
	{ "hodl", "hold", 1 },
	{ "hol", "hold", 1 },
	{ "hould", "hold", 1 },
	{ "held", "hold", 1 },
	{ "", "hold", 4 },
	{ "kitten", "sitting", 3 },
};

START_TEST(edit_distance)
{
	ck_assert_uint_eq(conf_edit_distance(distances[_i].a, distances[_i].b), distances[_i].dist);
	ck_assert_uint_eq(conf_edit_distance(distances[_i].b, distances[_i].a), distances[_i].dist);
}
END_TEST

START_TEST(suggestions_are_near)
{
	struct conf_suggest s = conf_suggest_for("holt");

	conf_suggest_offer(&s, "keepalive");
	ck_assert_ptr_null(conf_suggest_best(&s));
	conf_suggest_offer(&s, "hold");
	ck_assert_str_eq(conf_suggest_best(&s), "hold");
	s = conf_suggest_for("x");
	conf_suggest_offer(&s, "y");
	ck_assert_ptr_null(conf_suggest_best(&s)); /* no letter in common */
}
END_TEST

/* Rows are right by themselves: defaults parse, parents stand before members, and so on. */
START_TEST(table_rows)
{
	const struct opt *o = NULL, *up;
	char *parent;

	while ((o = opt_next(o))) {
		ck_assert_msg(o->brief && o->brief[0], "%s has no text", o->path);
		ck_assert_msg(o->brief[strlen(o->brief) - 1] != '.', "%s: full stop", o->path);
		ck_assert_ptr_eq(opt_find(o->path), o); /* no path twice */
		ck_assert_msg(opt_index(o) < 64 * sizeof(struct conf_set) / sizeof(uint64_t),
		    "%s: struct conf_set is too small", o->path);
		parent = mem_strdup(o->path);
		if (strrchr(parent, '.')) {
			*strrchr(parent, '.') = '\0';
			if (parent[strlen(parent) - 1] == ']')
				parent[strlen(parent) - 2] = '\0';
			up = opt_find(parent);
			ck_assert_msg(up && opt_index(up) < opt_index(o), "%s: no parent", o->path);
			ck_assert_ptr_eq(opt_child(up, opt_key(o), NULL), o);
		}
		mem_free(parent);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("conf");
	TCase *tc = unit_case(s, "values");

	tcase_add_test(tc, uplinks_are_peers);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, peers_inherit);
	tcase_add_loop_test(tc, peer_addresses, 0, NROWS(addresses));
	tcase_add_loop_test(tc, as_number, 0, NROWS(as_numbers));
	tcase_add_test(tc, communities_are_resolved_sorted_and_unique);
	tcase_add_test(tc, kernel_source);
	tc = unit_case(s, "limits");
	tcase_add_test(tc, findings_are_bounded_and_counted);
	tcase_add_loop_test(tc, passwords_are_counted, 0, 2);
	tcase_add_test(tc, errors_take_the_place_of_warnings);
	tcase_add_test(tc, nesting_is_bounded);
	tcase_add_test(tc, size_is_bounded);
	tcase_add_test(tc, text_has_a_length);
	tcase_add_test(tc, no_environment_and_no_hostname);
	tcase_add_test(tc, a_password_in_clear_is_not_echoed);
	tc = unit_case(s, "diff");
	tcase_add_loop_test(tc, diff_of_a_peer, 0, NROWS(changes));
	tcase_add_test(tc, diff_of_the_rest);
	tc = unit_case(s, "parts");
	tcase_add_loop_test(tc, edit_distance, 0, NROWS(distances));
	tcase_add_test(tc, suggestions_are_near);
	tcase_add_test(tc, table_rows);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}
