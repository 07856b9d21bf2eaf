/*
 * A configuration of all nodes on one of them: a cluster and a text give peers.
 */
#include <stdio.h>

#include "lib/conf.h"
#include "lib/conf_expand.h"
#include "lib/mem.h"
#include "tests/unit/unit.h"

/* ---- a cluster ------------------------------------------------------------------- */

#define NODES_MAX 8

struct cluster_rig {
	struct conf_node_view v[NODES_MAX];
	struct ip_addr addr[NODES_MAX][2];
	struct ip_prefix cidr[NODES_MAX][2];
	struct label label[NODES_MAX][2], note[NODES_MAX][2];
	struct labels labels[NODES_MAX], notes[NODES_MAX];
	size_t n;
};

/* "rack=r1" or NULL. */
static void
put_label(struct label *to, struct labels *l, char *text)
{
	char *value = text ? strchr(text, '=') : NULL;

	*l = (struct labels){ .v = to };
	if (!value)
		return;
	*value = '\0';
	*to = (struct label){ text, value + 1 };
	l->n = 1;
}

struct node_row {
	const char *name, *addr, *addr2, *label, *note;
};

/* Node i has 10.244.i.0/24. */
static void
put_node(struct cluster_rig *r, const struct node_row *row)
{
	size_t i = r->n++;
	char cidr[32];

	r->addr[i][0] = ad(row->addr);
	r->addr[i][1] = ad(row->addr2);
	snprintf(cidr, sizeof cidr, "10.244.%zu.0/24", i);
	r->cidr[i][0] = px(cidr);
	put_label(r->label[i], &r->labels[i], row->label ? mem_strdup(row->label) : NULL);
	put_label(r->note[i], &r->notes[i], row->note ? mem_strdup(row->note) : NULL);
	r->v[i] = (struct conf_node_view){ .name = row->name, .addrs = r->addr[i],
		.naddrs = row->addr2 ? 2 : row->addr ? 1 : 0, .cidrs = r->cidr[i], .ncidrs = 1,
		.labels = &r->labels[i], .annotations = &r->notes[i] };
}

static void
rig_free(struct cluster_rig *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->labels[i].n)
			mem_free((char *)(uintptr_t)r->label[i][0].key);
		if (r->notes[i].n)
			mem_free((char *)(uintptr_t)r->note[i][0].key);
	}
}

/* ---- what comes out ---------------------------------------------------------------- */

static void
say(char **all, const char *line)
{
	char *more = mem_printf("%s%s%s", *all, (*all)[0] ? "; " : "", line);

	mem_free(*all);
	*all = more;
}

/* "b 10.0.0.2 64512 ibgp client; ..." */
static char *
peers_text(const struct conf *c)
{
	char *all = mem_strdup(""), *line, buf[IP_ADDR_STRLEN];

	for (size_t i = 0; i < c->peers.n; i++) {
		const struct conf_peer *p = &c->peers.v[i];

		line = mem_printf("%s %s %u%s%s", p->name, ip_addr_str(&p->addr, buf), p->remote_as.asn,
		    conf_peer_is_ibgp(c, p) ? "" : p->multihop_ttl ? " multihop" : " ebgp",
		    p->rr_client ? " client" : "");
		say(&all, line);
		mem_free(line);
	}
	return all;
}

static char *
prefixes_text(const struct conf_prefixes *ps)
{
	char *all = mem_strdup(""), buf[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < ps->n; i++)
		say(&all, ip_prefix_str(&ps->v[i], buf));
	return all;
}

static struct conf *
load(const char *text, const char *own, uint32_t asn)
{
	struct conf_env env = { .hostname = own, .asn = asn };
	struct conf_errs errs = { 0 };
	struct conf *c = conf_load(&env, "x", text, strlen(text), &errs);
	char *why = conf_errs_text(&errs);

	ck_assert_msg(c, "%s: %s", text, why);
	mem_free(why);
	conf_errs_free(&errs);
	return c;
}

/* As the agent does it: the own AS number is known before. */
static struct conf *
expand(const char *text, struct cluster_rig *r, const char *own, const struct conf_keep *keep)
{
	struct conf_cluster_view view = { .v = r->v, .n = r->n, .keep = keep };
	struct conf *c;

	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].name, own) == 0)
			view.own = &r->v[i];
	c = load(text, own, view.own ? conf_node_asn(view.own) : 0);
	conf_expand(c, r->n > 0 ? &view : NULL);
	return c;
}

static void
check_text(const char *what, const char *conf, char *got, const char *want)
{
	ck_assert_msg(strcmp(got, want) == 0, "%s\n%s: %s\nwant: %s", conf, what, got, want);
	mem_free(got);
}

/* ---- the tables -------------------------------------------------------------------- */

static const struct node_row plain[] = {
	{ "a", "10.0.0.1", NULL, "rack=r1", NULL },
	{ "b", "10.0.0.2", NULL, "rack=r1", NULL },
	{ "c", "10.0.0.3", NULL, "rack=r2", NULL },
	{ "d", "10.0.0.4", NULL, "rr=1", NULL },
};
static const struct node_row two_rr[] = {
	{ "a", "10.0.0.1", NULL, NULL, NULL },
	{ "b", "10.0.0.2", NULL, NULL, NULL },
	{ "r1", "10.0.0.3", NULL, "rr=1", "weft.dev/cluster-id=10.9.9.9" },
	{ "r2", "10.0.0.4", NULL, "rr=1", NULL },
};
static const struct node_row numbers[] = {
	{ "a", "10.0.0.1", NULL, NULL, "weft.dev/as-number=64601" },
	{ "b", "10.0.0.2", NULL, NULL, "weft.dev/as-number=64602" },
	{ "c", "10.0.0.3", NULL, NULL, "weft.dev/as-number=0" },
	{ "d", "10.0.0.4", NULL, NULL, NULL },
};
static const struct node_row odd[] = {
	{ "a", "10.0.0.1", "2001:db8::1", NULL, NULL },
	{ "b", "2001:db8::2", "10.0.0.2", NULL, NULL },
	{ "c", "2001:db8::3", NULL, NULL, NULL },
	{ "d", NULL, NULL, NULL, NULL },
	{ "e", "10.0.0.1", NULL, NULL, NULL },	/* our own */
	{ "f", "10.0.0.2", NULL, NULL, NULL },	/* b's */
	{ "g.a-very-long-name-as-some-clouds-have-them.eu-west-1.compute.example.net", "10.0.0.7", NULL,
	    NULL, NULL },
};

#define BGP "bgp: {asNumber: 64512}\n"
#define RR  "bgp: {asNumber: 64512, routeReflector: {selector: has(rr), clusterID: 10.0.0.255}}\n"

static const struct {
	const struct node_row *nodes;
	int n;
	const char *own, *conf, *peers;
} rows[] = {
	/* The mesh. */
	{ plain, 4, "a", BGP, "b 10.0.0.2 64512; c 10.0.0.3 64512; d 10.0.0.4 64512" },
	{ plain, 4, "c", BGP, "a 10.0.0.1 64512; b 10.0.0.2 64512; d 10.0.0.4 64512" },
	{ plain, 1, "a", BGP, "" },
	{ plain, 4, "a", "bgp: {asNumber: 64512, nodeToNodeMeshEnabled: false}", "" },
	{ plain, 4, "nobody", BGP, "" }, /* our own Node is not known yet */
	{ plain, 0, "a", BGP, "" },	 /* a plain host */
	/* Reflectors. */
	{ two_rr, 4, "a", RR, "r1 10.0.0.3 64512; r2 10.0.0.4 64512" },
	{ two_rr, 4, "r1", RR, "a 10.0.0.1 64512 client; b 10.0.0.2 64512 client; r2 10.0.0.4 64512" },
	{ two_rr, 4, "b",
	    "bgp: {asNumber: 64512, nodeToNodeMeshEnabled: true, routeReflector: {selector: has(rr)}}",
	    "a 10.0.0.1 64512; r1 10.0.0.3 64512; r2 10.0.0.4 64512" },
	{ two_rr, 2, "a", RR, "" },
	/* AS numbers of nodes; one that is not valid is none. */
	{ numbers, 4, "a", BGP, "b 10.0.0.2 64602 multihop; c 10.0.0.3 64512 multihop; d 10.0.0.4 64512 multihop" },
	{ numbers, 4, "d", BGP, "a 10.0.0.1 64601 multihop; b 10.0.0.2 64602 multihop; c 10.0.0.3 64512" },
	{ numbers, 2, "a", "bgp: {asNumber: 64512, mesh: {ttlSecurity: 1}}", "b 10.0.0.2 64602 ebgp" },
	/* Addresses. */
	{ odd, 7, "a", BGP,
	    "b 10.0.0.2 64512; c 2001:db8::3 64512; "
	    "g.a-very-long-name-as-some-clouds-have-them.eu-west-1.~6c889f39 10.0.0.7 64512" },
	{ odd, 3, "a", "bgp: {asNumber: 64512, mesh: {families: [ipv6]}}",
	    "b 2001:db8::2 64512; c 2001:db8::3 64512" },
	{ odd, 3, "c", BGP, "a 2001:db8::1 64512; b 2001:db8::2 64512" },
	/* What is written goes before what is made; names stay unique. */
	{ plain, 3, "a", BGP "peers: [{name: x, peerIP: 10.0.0.2, asNumber: 1}]",
	    "x 10.0.0.2 1 ebgp; c 10.0.0.3 64512" },
	{ plain, 3, "a", BGP "peers: [{name: b, peerIP: 10.9.0.2, asNumber: 1}]",
	    "b 10.9.0.2 1 ebgp; b~b0bb2797 10.0.0.2 64512; c 10.0.0.3 64512" },
	/* Peers of some nodes. */
	{ plain, 1, "a", BGP "peers: [{name: x, peerIP: 10.9.0.1, asNumber: 1, node: a}, "
			     "{name: y, peerIP: 10.9.0.1, asNumber: 2, node: b}]",
	    "x 10.9.0.1 1 ebgp" },
	{ plain, 1, "a", BGP "peers: [{name: x, peerIP: 10.9.0.1, asNumber: 1, nodeSelector: {rack: r2}}, "
			     "{name: y, peerIP: 10.9.0.1, asNumber: 2, nodeSelector: rack == 'r1'}]",
	    "y 10.9.0.1 2 ebgp" },
	{ plain, 1, "a", BGP "peers: [{name: x, peerIP: 10.9.0.1, asNumber: 1}, "
			     "{name: y, peerIP: 10.9.0.1, asNumber: 2, nodeSelector: rack == 'r1'}]",
	    "x 10.9.0.1 1 ebgp" },
	{ plain, 1, "a", BGP "peers: [{name: x, peerIP: 10.9.0.1, asNumber: 1, nodeSelector: rack == 'r1'}, "
			     "{name: y, peerIP: 10.9.0.1, asNumber: 2}, {name: z, peerIP: 10.9.0.2, asNumber: 3}]",
	    "x 10.9.0.1 1 ebgp; z 10.9.0.2 3 ebgp" },
	{ plain, 0, "a", BGP "peers: [{name: x, peerIP: 10.9.0.1, asNumber: 1, nodeSelector: all()}, "
			     "{name: y, peerIP: 10.9.0.2, asNumber: 2, node: a}]",
	    "y 10.9.0.2 2 ebgp" },
	{ plain, 0, "a", BGP "peers: [{peerSelector: all()}]", "" },
	/* Nodes as peers. */
	{ plain, 4, "a", "bgp: {asNumber: 64512, nodeToNodeMeshEnabled: false}\n"
			 "peers: [{peerSelector: {rack: r1}}, {peerSelector: has(rr), routeReflectorClient: true}]",
	    "b 10.0.0.2 64512; d 10.0.0.4 64512 client" },
	{ plain, 4, "a", "bgp: {asNumber: 64512, nodeToNodeMeshEnabled: false}\n"
			 "peers: [{peerSelector: all(), asNumber: 7, nodeSelector: {rack: r1}}]",
	    "b 10.0.0.2 7 multihop; c 10.0.0.3 7 multihop; d 10.0.0.4 7 multihop" },
	{ plain, 4, "c", "bgp: {asNumber: 64512, nodeToNodeMeshEnabled: false}\n"
			 "peers: [{peerSelector: all(), asNumber: 7, nodeSelector: {rack: r1}}]", "" },
	/* One of both is enough. */
	{ plain, 4, "a", BGP "peers: [{peerSelector: {rack: r1}, asNumber: 9}]",
	    "b 10.0.0.2 9 multihop; c 10.0.0.3 64512; d 10.0.0.4 64512" },
};

START_TEST(peers)
{
	struct cluster_rig r = { .n = 0 };
	struct conf *c;

	for (int i = 0; i < rows[_i].n; i++)
		put_node(&r, &rows[_i].nodes[i]);
	c = expand(rows[_i].conf, &r, rows[_i].own, NULL);
	check_text("peers", rows[_i].conf, peers_text(c), rows[_i].peers);
	conf_free(c);
	rig_free(&r);
}
END_TEST

static struct conf *
expand_rows(const char *text, const struct node_row *nodes, int n, const char *own, const struct conf_keep *keep)
{
	struct cluster_rig r = { .n = 0 };
	struct conf *c;

	for (int i = 0; i < n; i++)
		put_node(&r, &nodes[i]);
	c = expand(text, &r, own, keep);
	rig_free(&r);
	return c;
}

/* Settings of the mesh, and what follows from the kind of session. */
START_TEST(settings)
{
	struct conf *c = expand_rows("bgp: {asNumber: 64512, mesh: {bfd: true, password: {file: /k}, "
				     "filters: [f], timers: {hold: 30s}, import: permitted}}\n"
				     "filters: {f: {import: [{action: Accept}]}}",
	    numbers, 4, "d", NULL);
	const struct conf_peer *a = conf_peer_find(c, "a"), *b = conf_peer_find(c, "c");

	ck_assert_str_eq(a->bfd, CONF_BFD_DEFAULT);
	ck_assert_str_eq(a->password_file, "/k");
	ck_assert_uint_eq(a->filters.n, 1);
	ck_assert_uint_eq(a->timers.hold_s, 30);
	ck_assert_str_eq(a->of_node, "a");
	ck_assert_int_eq(a->origin, CONF_PEER_MESH);
	ck_assert_int_eq(a->export, CONF_EXPORT_OWN); /* eBGP, RFC 8212 */
	ck_assert_int_eq(b->export, CONF_EXPORT_ALL);
	ck_assert_int_eq(b->import, CONF_IMPORT_PERMITTED);
	ck_assert_uint_eq(b->multihop_ttl, 0);
	conf_free(c);
}
END_TEST

START_TEST(pod_ranges)
{
	static const char *const given = "bgp: {asNumber: 1}\nnode: {podCIDRs: 10.1.0.0/24}\n"
					 "kernel: {permit: [10.1.0.0/16]}";
	struct conf *c = expand_rows(BGP, plain, 3, "c", NULL);

	check_text("own", BGP, prefixes_text(&c->node.pod_cidrs), "10.244.2.0/24");
	check_text("permit", BGP, prefixes_text(&c->kernel.permit), "10.244.0.0/23; 10.244.2.0/24");
	conf_free(c);
	c = expand_rows(given, plain, 3, "c", NULL);
	check_text("own", given, prefixes_text(&c->node.pod_cidrs), "10.1.0.0/24");
	check_text("permit", given, prefixes_text(&c->kernel.permit), "10.1.0.0/16");
	conf_free(c);
	c = expand_rows(BGP, plain, 4, "nobody", NULL);
	check_text("permit", BGP, prefixes_text(&c->kernel.permit), "10.244.0.0/22");
	ck_assert_uint_eq(c->node.pod_cidrs.n, 0);
	conf_free(c);
}
END_TEST

/* A Node object says what its kubelet wrote: it does not open the kernel to half the world. */
START_TEST(wide_pod_ranges)
{
	static const char *const own[] = { "a", "c" };
	static const char *const pods[] = { "", "10.244.2.0/24" };
	struct cluster_rig r = { .n = 0 };
	struct conf *c;

	for (int i = 0; i < 3; i++)
		put_node(&r, &plain[i]);
	r.cidr[0][0] = px("10.0.0.0/11");
	r.cidr[1][0] = px("2000::/16");
	for (int i = 0; i < 2; i++) {
		c = expand(BGP, &r, own[i], NULL);
		check_text("permit", BGP, prefixes_text(&c->kernel.permit), "10.244.2.0/24");
		check_text("own", BGP, prefixes_text(&c->node.pod_cidrs), pods[i]);
		conf_free(c);
	}
	rig_free(&r);
}
END_TEST

START_TEST(merging)
{
	struct ip_prefix v[] = { px("10.0.3.0/24"), px("10.0.0.0/24"), px("2001:db8::/64"), px("10.0.1.0/24"),
		px("10.0.2.0/24"), px("10.0.1.128/25"), px("10.0.1.0/24"), px("10.0.5.0/24"),
		px("2001:db8:0:1::/64"), px("10.0.6.0/24") };
	struct ip_prefix halves[] = { px("0.0.0.0/1"), px("128.0.0.0/1") };
	struct conf_prefixes ps = { v, conf_merge_prefixes(v, NROWS(v)) };

	check_text("merged", "", prefixes_text(&ps),
	    "10.0.0.0/22; 10.0.5.0/24; 10.0.6.0/24; 2001:db8::/63");
	ck_assert_uint_eq(conf_merge_prefixes(halves, 2), 2); /* never the whole */
	ck_assert_uint_eq(conf_merge_prefixes(v, 0), 0);
}
END_TEST

START_TEST(cluster_ids)
{
	static const struct {
		const char *own, *id;
	} row[] = { { "a", "none" }, { "r1", "10.9.9.9" }, { "r2", "10.0.0.255" } };
	char buf[IP_ADDR_STRLEN];

	for (int i = 0; i < NROWS(row); i++) {
		struct conf *c = expand_rows(RR, two_rr, 4, row[i].own, NULL);

		ck_assert_str_eq(ip_addr_str(&c->bgp.cluster_id, buf), row[i].id);
		conf_free(c);
	}
}
END_TEST

static bool
keep_b(void *ctx, const char *node)
{
	return strcmp(node, "b") == 0;
}

/* Make before break: what was stays as long as it is asked to. */
START_TEST(kept)
{
	struct conf_keep keep = { .peer = keep_b }, serve = { .reflector = true };
	struct conf *c = expand_rows(RR, two_rr, 4, "a", &keep);

	check_text("peers", RR, peers_text(c), "b 10.0.0.2 64512; r1 10.0.0.3 64512; r2 10.0.0.4 64512");
	conf_free(c);
	c = expand_rows(BGP, two_rr, 4, "r1", &serve);
	check_text("peers", BGP, peers_text(c),
	    "a 10.0.0.1 64512 client; b 10.0.0.2 64512 client; r2 10.0.0.4 64512 client");
	conf_free(c);
	/* A node that is gone is nobody's peer. */
	c = expand_rows(RR, two_rr, 1, "a", &keep);
	check_text("peers", RR, peers_text(c), "");
	conf_free(c);
}
END_TEST

START_TEST(roles)
{
	struct cluster_rig r = { .n = 0 };
	struct conf *c = load(RR, "a", 0), *m = load(BGP, "a", 0);

	put_node(&r, &two_rr[0]);
	put_node(&r, &two_rr[2]);
	ck_assert_str_eq(conf_node_role_str(conf_node_role(c, &r.v[0])), "client");
	ck_assert_str_eq(conf_node_role_str(conf_node_role(c, &r.v[1])), "reflector");
	ck_assert_str_eq(conf_node_role_str(conf_node_role(m, &r.v[1])), "mesh");
	conf_free(c);
	conf_free(m);
	rig_free(&r);
}
END_TEST

/* What is expanded can be written down and is the same when it is read. */
START_TEST(dump)
{
	struct conf *c = expand_rows(BGP "peers: [{peerSelector: {rack: r1}, asNumber: 9}]", plain, 4, "a", NULL), *d;
	char *text = conf_dump(c), *again;

	d = load(text, "a", 0);
	conf_expand(d, NULL);
	again = conf_dump(d);
	ck_assert_str_eq(again, text);
	mem_free(text);
	mem_free(again);
	conf_free(c);
	conf_free(d);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("expand");
	TCase *tc = unit_case(s, "expand");

	tcase_add_loop_test(tc, peers, 0, NROWS(rows));
	tcase_add_test(tc, settings);
	tcase_add_test(tc, pod_ranges);
	tcase_add_test(tc, wide_pod_ranges);
	tcase_add_test(tc, merging);
	tcase_add_test(tc, cluster_ids);
	tcase_add_test(tc, kept);
	tcase_add_test(tc, roles);
	tcase_add_test(tc, dump);
	return unit_run(s);
}
