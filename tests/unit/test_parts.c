/*
 * A configuration of several parts: one tree, findings that name their part, and what was good
 * staying when what is new is wrong. Manifests: which parts are in a file.
 */
#include <stdio.h>

#include "lib/conf_parts.h"
#include "lib/mem.h"
#include "tests/conf/testconf.h"
#include "tests/unit/unit.h"

#define FILE_TEXT "bgp: {asNumber: 64512}\nkernel: {permit: [10.244.0.0/16]}\n"

static struct conf_part
part(enum conf_part_kind kind, const char *element, const char *text)
{
	static char names[16][64];
	static unsigned next;
	char *name = names[next++ % 16];

	snprintf(name, sizeof(names[0]), "%s/%s", kind == CONF_PART_FILE ? "" : conf_part_object(kind),
	    element);
	return (struct conf_part){ .kind = kind, .name = kind == CONF_PART_FILE ? "weft.yaml" : name,
		.element = element, .text = text, .len = strlen(text),
		.no_lines = kind != CONF_PART_FILE };
}

#define WEFT_YAML(text) part(CONF_PART_FILE, "", text)
#define DEFAULT(text)	part(CONF_PART_DEFAULT, "default", text)
#define NODE(text)	part(CONF_PART_NODE, "node.host1", text)
#define FILTER(n, text) part(CONF_PART_FILTER, n, text)
#define PEER(n, text)	part(CONF_PART_PEER, n, text)
#define ADV(n, text)	part(CONF_PART_ADVERTISEMENT, n, text)

static struct conf *
load(const struct conf_part *v, size_t n, const char *findings)
{
	struct conf_errs errs = { 0 };
	struct conf *c = conf_load_parts(&testconf_env, v, n, &errs);
	char *all = mem_strdup(""), *line, *longer;

	for (size_t i = 0; i < errs.n; i++) {
		if (errs.v[i].warning) /* no peers, and the like */
			continue;
		line = conf_err_text(&errs, &errs.v[i]);
		longer = mem_printf("%s%s\n", all, line);
		mem_free(line);
		mem_free(all);
		all = longer;
	}
	ck_assert_str_eq(all, findings);
	ck_assert((c == NULL) == (errs.nerrors > 0));
	mem_free(all);
	conf_errs_free(&errs);
	return c;
}

#define LOAD(findings, ...)                                                                        \
	load((struct conf_part[]){ __VA_ARGS__ },                                                  \
	    sizeof((struct conf_part[]){ __VA_ARGS__ }) / sizeof(struct conf_part), findings)

START_TEST(all_kinds_are_one_configuration)
{
	struct conf *c = LOAD("", WEFT_YAML(FILE_TEXT "peers: [{peerIP: 10.0.0.1, asNumber: 1}]\n"),
	    DEFAULT("{\"bgp\": {\"timers\": {\"hold\": \"30s\"}}, \"communities\": "
		    "[{\"name\": \"c\", \"value\": \"64512:1\"}]}"),
	    FILTER("f", "{\"importV4\": [{\"action\": \"Reject\"}]}"),
	    PEER("tor1", "{\"peerIP\": \"10.0.0.2\", \"asNumber\": 65000, \"filters\": [\"f\"]}"),
	    ADV("a", "{\"type\": \"Prefix\", \"prefixes\": [\"192.0.2.0/24\"], \"communities\": "
		     "[\"c\"]}"));
	const struct conf_peer *p;

	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(c->peers.n, 2);
	p = conf_peer_find(c, "tor1");
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(p->timers.hold_s, 30);
	ck_assert_str_eq(p->filters.v[0], "f");
	ck_assert_uint_eq(c->advertisements.n, 2); /* the default stays */
	ck_assert_int_eq(c->advertisements.v[0].type, CONF_ADV_PREFIX);
	ck_assert_int_eq(c->advertisements.v[1].type, CONF_ADV_POD_CIDR);
	ck_assert_uint_eq(c->advertisements.v[0].communities.n, 1);
	conf_free(c);
}
END_TEST

/* Only a file takes the default away; an object of that type takes its place. */
START_TEST(advertisements_add)
{
	struct conf *c = LOAD("", WEFT_YAML(FILE_TEXT "advertisements: []\n"),
	    ADV("a", "{type: Prefix, prefixes: [192.0.2.0/24]}"));

	ck_assert_uint_eq(c->advertisements.n, 1);
	conf_free(c);
	c = LOAD("", WEFT_YAML(FILE_TEXT), ADV("a", "{type: PodCIDR, med: 7}"));
	ck_assert_uint_eq(c->advertisements.n, 1);
	ck_assert_uint_eq(c->advertisements.v[0].med, 7);
	conf_free(c);
}
END_TEST

START_TEST(the_node_overrides)
{
	struct conf *c = LOAD("", WEFT_YAML("kernel: {permit: [10.244.0.0/16]}\n"),
	    DEFAULT("bgp: {asNumber: 64512, timers: {hold: 30s}, filters: [f]}"),
	    NODE("bgp: {localASN: 64513, filters: []}\nkernel: {permit: [10.1.0.0/16, 10.2.0.0/16]}"),
	    FILTER("f", "importV4: [{action: Reject}]"));

	ck_assert_uint_eq(c->bgp.asn, 64513); /* by its other name */
	ck_assert_uint_eq(c->bgp.timers.hold_s, 30);
	ck_assert_uint_eq(c->bgp.filters.n, 0);
	ck_assert_uint_eq(c->kernel.permit.n, 2);
	conf_free(c);
}
END_TEST

START_TEST(findings_name_their_part)
{
	ck_assert_ptr_null(LOAD(
	    "BGPPeer/tor1: spec.peerIP: want an IPv4 or IPv6 address, got \"10.0.0.\"\n"
	    "BGPPeer/tor2: spec.timers.hold: want 0, or 3s to 65535s, got \"2s\"\n"
	    "BGPPeer/tor2: spec.holdd: want a known key, got \"holdd\"\n"
	    "BGPFilter/f: spec.importV4[0].cidr: want a prefix (address/length), got \"x\"\n",
	    WEFT_YAML(FILE_TEXT), PEER("tor1", "{\"peerIP\": \"10.0.0.\", \"asNumber\": 1}"),
	    PEER("tor2", "{peerIP: 10.0.0.2, asNumber: 1, timers: {hold: 2s}, holdd: 1}"),
	    FILTER("f", "importV4: [{cidr: x, action: Reject}]")));
}
END_TEST

/* Defaults are put behind what objects say: what is wrong in these is found there all the same. */
START_TEST(findings_beside_defaults_name_their_part)
{
	static const char wrong[] = "{type: Prefix, prefixes: [192.0.2.0/24], communities: [nope]}";
	static const char names[][4] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct conf_part v[1 + NROWS(names)];

	v[0] = WEFT_YAML(FILE_TEXT "peers: [{interface: eth0, asNumber: 1}]\n");
	for (int n = 1; n <= NROWS(names); n++) { /* whether or not the list is moved for more */
		char *want = mem_strdup("");

		for (int i = 0; i < n; i++) {
			char *more = mem_printf("%sBGPAdvertisement/%s: spec.communities[0]: \"nope\" is "
						"not among communities\n", want, names[i]);

			mem_free(want);
			want = more;
			v[1 + i] = ADV(names[i], wrong);
		}
		ck_assert_ptr_null(load(v, 1 + (size_t)n, want));
		mem_free(want);
	}
}
END_TEST

START_TEST(what_stands_twice_is_named)
{
	ck_assert_ptr_null(LOAD("BGPConfiguration/default: spec.bgp.asNumber: weft.yaml sets it, "
				"too; keep one of them\n",
	    WEFT_YAML(FILE_TEXT), DEFAULT("bgp: {asNumber: 64513}")));
	ck_assert_ptr_null(LOAD("BGPPeer/tor2: spec.peerIP: 10.0.0.1 is the address of BGPPeer/tor1, "
				"too\n",
	    WEFT_YAML(FILE_TEXT), PEER("tor1", "{peerIP: 10.0.0.1, asNumber: 1}"),
	    PEER("tor2", "{peerIP: 10.0.0.1, asNumber: 1}")));
	ck_assert_ptr_null(LOAD("BGPPeer/a: metadata.name: \"a\" is the name of peers[0], too\n",
	    WEFT_YAML(FILE_TEXT "peers: [{name: a, peerIP: 10.0.0.1, asNumber: 1}]\n"),
	    PEER("a", "{peerIP: 10.0.0.2, asNumber: 1}")));
	ck_assert_ptr_null(LOAD(
	    "BGPFilter/f: metadata.name: weft.yaml has a filter of that name, too\n",
	    WEFT_YAML(FILE_TEXT "filters: {f: {importV4: []}}\n"), FILTER("f", "{}")));
}
END_TEST

START_TEST(objects_have_limits)
{
	ck_assert_ptr_null(LOAD("BGPConfiguration/default: spec.peers: each peer is an object of its "
				"own, kind BGPPeer\n"
				"BGPConfiguration/default: spec.ops: it is about one node's processes: "
				"it stands in the file\n",
	    WEFT_YAML(FILE_TEXT), DEFAULT("{peers: [], ops: {}}")));
	ck_assert_ptr_null(LOAD("BGPPeer/a: spec.name: the name of an object is metadata.name; leave "
				"it out\n",
	    WEFT_YAML(FILE_TEXT), PEER("a", "{name: b, peerIP: 10.0.0.2, asNumber: 1}")));
	ck_assert_ptr_null(LOAD("BGPPeer/a: spec.description: environment variables are for the file "
				"alone; a literal ${ is written as $${\n",
	    WEFT_YAML(FILE_TEXT),
	    PEER("a", "{peerIP: 10.0.0.2, asNumber: 1, description: \"${NODE_IP}\"}")));
	ck_assert_ptr_null(LOAD("BGPPeer/a: spec: a mapping (key: value) is wanted\n",
	    WEFT_YAML(FILE_TEXT), PEER("a", "[1]")));
}
END_TEST

/* ---- keeping what was good ---------------------------------------------------- */

static struct conf_source_part
changed(struct conf_part p, const char *good)
{
	struct conf_source_part s = { .part = p, .good = good, .good_len = good ? strlen(good) : 0 };

	if (p.len == 0)
		s.part.text = NULL;
	return s;
}

static struct conf *
compose(struct conf_source_part *v, size_t n, const char *errors)
{
	char *errs, *warnings;
	struct conf *c = conf_compose(&testconf_env, v, n, &errs, &warnings);

	ck_assert_str_eq(errs, errors);
	mem_free(errs);
	mem_free(warnings);
	return c;
}

static void
forget(struct conf_source_part *v, size_t n, struct conf *c)
{
	for (size_t i = 0; i < n; i++)
		mem_free(v[i].why);
	conf_free(c);
}

#define GOOD1 "{peerIP: 10.0.0.1, asNumber: 1}"
#define GOOD2 "{peerIP: 10.0.0.2, asNumber: 1}"

START_TEST(a_bad_part_is_left_out)
{
	struct conf_source_part v[] = { changed(WEFT_YAML(FILE_TEXT), FILE_TEXT),
		changed(PEER("a", "{peerIP: x, asNumber: 1}"), NULL), changed(PEER("b", GOOD2), NULL),
		changed(PEER("c", "{peerIP: x, asNumber: 1}"), "{peerIP: 10.0.0.3, asNumber: 1}") };
	struct conf *c = compose(v, 4, "BGPPeer/a: spec.peerIP: want an IPv4 or IPv6 address, got \"x\"\n"
				       "BGPPeer/c: spec.peerIP: want an IPv4 or IPv6 address, got \"x\"\n");

	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(c->peers.n, 2);
	ck_assert_ptr_nonnull(conf_peer_find(c, "b"));
	ck_assert_ptr_nonnull(conf_peer_find(c, "c"));
	ck_assert_int_eq(v[0].verdict, CONF_TAKEN);
	ck_assert_int_eq(v[1].verdict, CONF_LEFT_OUT);
	ck_assert_int_eq(v[2].verdict, CONF_TAKEN);
	ck_assert_int_eq(v[3].verdict, CONF_KEPT);
	ck_assert_str_eq(v[2].why, "");
	forget(v, 4, c);
}
END_TEST

/* Whoever came later gives way, whatever its name. */
START_TEST(newcomers_give_way)
{
	struct conf_source_part v[] = { changed(WEFT_YAML(FILE_TEXT), FILE_TEXT),
		changed(PEER("a", GOOD1), NULL), changed(PEER("b", GOOD1), GOOD1) };
	struct conf *c = compose(
	    v, 3, "BGPPeer/a: spec.peerIP: 10.0.0.1 is the address of BGPPeer/b, too\n");

	ck_assert_ptr_nonnull(conf_peer_find(c, "b"));
	ck_assert_uint_eq(c->peers.n, 1);
	ck_assert_int_eq(v[1].verdict, CONF_LEFT_OUT);
	forget(v, 3, c);
}
END_TEST

#define FILTERED "{peerIP: 10.0.0.1, asNumber: 1, filters: [f]}"

/* A filter is deleted that a peer names, while another peer is added. */
START_TEST(a_deletion_that_breaks_waits)
{
	struct conf_source_part v[] = { changed(WEFT_YAML(FILE_TEXT), FILE_TEXT),
		changed(FILTER("f", ""), "{}"), changed(PEER("a", FILTERED), FILTERED),
		changed(PEER("b", GOOD2), NULL) };
	struct conf *c = compose(v, 4, "BGPPeer/a: spec.filters[0]: no filter has the name \"f\"\n");

	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(c->peers.n, 2);
	ck_assert_ptr_nonnull(conf_filter_find(c, "f"));
	ck_assert_int_eq(v[1].verdict, CONF_KEPT);
	ck_assert_int_eq(v[2].verdict, CONF_TAKEN);
	ck_assert_int_eq(v[3].verdict, CONF_TAKEN);
	forget(v, 4, c);
	v[2] = changed(PEER("a", GOOD1), FILTERED);
	c = compose(v, 4, "");
	ck_assert_ptr_null(conf_filter_find(c, "f"));
	ck_assert_int_eq(v[1].verdict, CONF_TAKEN);
	forget(v, 4, c);
}
END_TEST

/* The same with the file: what would break others changes nothing. */
START_TEST(the_file_gives_way_too)
{
	struct conf_source_part v[] = { changed(WEFT_YAML(FILE_TEXT "peers: [{peerIP: 10.0.0.1, "
							 "asNumber: 1}]\n"), FILE_TEXT),
		changed(PEER("a", GOOD1), GOOD1) };
	struct conf *c = compose(
	    v, 2, "BGPPeer/a: spec.peerIP: 10.0.0.1 is the address of peers[0] (10.0.0.1), too\n");

	ck_assert_uint_eq(c->peers.n, 1);
	ck_assert_str_eq(c->peers.v[0].name, "a");
	ck_assert_int_eq(v[0].verdict, CONF_KEPT);
	forget(v, 2, c);
	v[0] = changed(WEFT_YAML("bgp: {asNumber: x}\n"), NULL);
	c = compose(v, 2, "weft.yaml:1:17: bgp.asNumber: want an AS number, 1 to 4294967294, got \"x\"\n");
	ck_assert_ptr_null(c);
	forget(v, 2, c);
	v[0] = changed(WEFT_YAML("kernel: {install: false}\n"), NULL);
	c = compose(v, 2, "weft.yaml:1:1: bgp.asNumber: want an AS number, 1 to 4294967294, got nothing; "
			  "it is required\n");
	ck_assert_ptr_null(c);
	forget(v, 2, c);
}
END_TEST

/* Not one bad object after the other, but all of them at once. */
START_TEST(hundreds_of_bad_parts)
{
	static struct conf_source_part v[301];
	static char text[301][64], name[301][16];
	struct conf *c;
	char *errs, *warnings;

	v[0] = changed(WEFT_YAML(FILE_TEXT), FILE_TEXT);
	for (int i = 1; i <= 300; i++) {
		snprintf(name[i], sizeof(name[i]), "p%d", i);
		snprintf(text[i], sizeof(text[i]), "{peerIP: 10.0.%d.%d%s, asNumber: 1}", i / 200,
		    i % 200, i % 2 ? "" : "x");
		v[i] = changed(PEER(name[i], text[i]), NULL);
		v[i].part.name = name[i];
	}
	c = conf_compose(&testconf_env, v, 301, &errs, &warnings);
	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(c->peers.n, 150);
	mem_free(errs);
	mem_free(warnings);
	forget(v, 301, c);
}
END_TEST

/* ---- manifests ------------------------------------------------------------------ */

static const char manifest[] =
    "# a comment\n"
    "---\n"
    "apiVersion: weft.dev/v1alpha1\n"
    "kind: BGPPeer\n"
    "metadata:\n"
    "  name: tor1\n"
    "spec:\n"
    "  peerIP: 10.0.0.300\n"
    "  asNumber: 65000\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: ConfigMap\n"
    "metadata: {name: weft}\n"
    "data:\n"
    "  weft.yaml: |\n"
    "    bgp: {asNumber: 64512}\n"
    "    kernel: {permit: [10.0.0.0/33]}\n"
    "---\n"
    "apiVersion: apps/v1\n"
    "kind: Deployment\n"
    "---\n"
    "apiVersion: weft.dev/v1alpha1\n"
    "kind: BGPPear\n"
    "---\n"
    "apiVersion: weft.dev/v1alpha1\n"
    "kind: BGPConfiguration\n"
    "metadata: {name: all}\n";

START_TEST(manifests_keep_positions)
{
	struct conf_errs errs = { 0 };
	struct conf_manifest m;
	char *text;

	conf_manifest_read(&m, "m.yaml", manifest, strlen(manifest), &errs);
	text = conf_errs_text(&errs);
	ck_assert_str_eq(text,
	    "m.yaml:23:7: kind: want BGPConfiguration, BGPPeer, BGPFilter or BGPAdvertisement, got "
	    "\"BGPPear\"\n"
	    "m.yaml:27:18: metadata.name: want default, or node. and the name of a node, got \"all\"\n");
	mem_free(text);
	ck_assert(m.objects);
	ck_assert_uint_eq(m.n, 2);
	ck_assert_int_eq(m.part[0].kind, CONF_PART_FILE);
	ck_assert_ptr_null(conf_load_parts(&testconf_env, m.part, m.n, &errs));
	text = conf_errs_text(&errs);
	ck_assert_str_eq(text,
	    "m.yaml:17:23: kernel.permit[0]: want a prefix (address/length), got "
	    "\"10.0.0.0/33\"\n"
	    "m.yaml:8:11: spec.peerIP: want an IPv4 or IPv6 address, got \"10.0.0.300\"\n");
	mem_free(text);
	conf_errs_free(&errs);
	conf_manifest_free(&m);
}
END_TEST

START_TEST(plain_files_are_one_part)
{
	struct conf_errs errs = { 0 };
	struct conf_manifest m;

	conf_manifest_read(&m, "m.yaml", FILE_TEXT, strlen(FILE_TEXT), &errs);
	ck_assert(!m.objects && m.n == 1 && errs.nerrors == 0);
	ck_assert_int_eq(m.part[0].kind, CONF_PART_FILE);
	conf_manifest_free(&m);
	conf_manifest_read(&m, "m.yaml", "", 0, &errs);
	ck_assert(!m.objects && m.n == 1);
	conf_manifest_free(&m);
	conf_errs_free(&errs);
}
END_TEST

/* As `kubectl get -o yaml` and `-o json` print several objects: each finding has its own place. */
static const char *const lists[] = {
	"apiVersion: v1\n"
	"items:\n"
	"- apiVersion: weft.dev/v1alpha1\n"
	"  kind: BGPPeer\n"
	"  metadata:\n"
	"    annotations: {note: \"f\u00fcr \u2026\"}\n"
	"    name: tor1\n"
	"  spec:\n"
	"    asNumber: 65000\n"
	"    peerIP: 10.0.0.300\n"
	"  status: {accepted: true}\n"
	"- apiVersion: v1\n"
	"  kind: Secret\n"
	"- apiVersion: v1\n"
	"  data:\n"
	"    weft.yaml: |\n"
	"      bgp: {asNumber: 64512}\n"
	"      kernel: {permit: [10.0.0.0/33]}\n"
	"  kind: ConfigMap\n"
	"- nothing\n"
	"- apiVersion: weft.dev/v1alpha1\n"
	"  kind: BGPFilter\n"
	"  metadata: {name: f}\n"
	"  spec: {exportV4: [{action: Stop}]}\n"
	"kind: List\n"
	"metadata: {resourceVersion: \"\"}\n",
	"{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n\n\n"
	"{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\",\n"
	"\"data\": {\"weft.yaml\": \"{bgp: {asNumber: 64512}, kernel: {install: false}}\"}}, {\"apiVersion\":\n"
	"\"weft.dev/v1alpha1\", \"kind\": \"BGPPeer\", \"metadata\": {\"labels\": {\"a\":\n"
	"\"\u00fc\"}, \"name\": \"tor1\"}, \"spec\": {\"asNumber\": 65000,\n"
	"  \"peerIP\": \"10.0.0.300\"}}]}\n",
};
static const char *const list_findings[] = {
	"l.yaml:18:25: kernel.permit[0]: want a prefix (address/length), got \"10.0.0.0/33\"\n"
	"l.yaml:24:30: spec.exportV4[0].action: want one of Continue, Accept, Reject, got \"Stop\"\n"
	"l.yaml:10:13: spec.peerIP: want an IPv4 or IPv6 address, got \"10.0.0.300\"\n",
	"l.yaml:8:13: spec.peerIP: want an IPv4 or IPv6 address, got \"10.0.0.300\"\n",
};

START_TEST(lists_hold_objects)
{
	const char *list = lists[_i];
	struct conf_errs form = { 0 }, errs = { 0 };
	struct conf_manifest m;
	char *text;

	conf_manifest_read(&m, "l.yaml", list, strlen(list), &form);
	ck_assert(m.objects && !m.as_number && form.nerrors == 0);
	ck_assert_uint_eq(m.n, _i == 0 ? 3 : 2);
	ck_assert_ptr_null(conf_load_parts(&testconf_env, m.part, m.n, &errs));
	text = conf_errs_text(&errs);
	ck_assert_str_eq(text, list_findings[_i]);
	mem_free(text);
	conf_errs_free(&form);
	conf_errs_free(&errs);
	conf_manifest_free(&m);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("parts");
	TCase *tc = unit_case(s, "parts");

	tcase_add_test(tc, all_kinds_are_one_configuration);
	tcase_add_test(tc, advertisements_add);
	tcase_add_test(tc, the_node_overrides);
	tcase_add_test(tc, findings_name_their_part);
	tcase_add_test(tc, findings_beside_defaults_name_their_part);
	tcase_add_test(tc, what_stands_twice_is_named);
	tcase_add_test(tc, objects_have_limits);
	tcase_add_test(tc, a_bad_part_is_left_out);
	tcase_add_test(tc, newcomers_give_way);
	tcase_add_test(tc, a_deletion_that_breaks_waits);
	tcase_add_test(tc, the_file_gives_way_too);
	tcase_add_test(tc, hundreds_of_bad_parts);
	tcase_add_test(tc, manifests_keep_positions);
	tcase_add_test(tc, plain_files_are_one_part);
	tcase_add_loop_test(tc, lists_hold_objects, 0, 2);
	return unit_run(s);
}
