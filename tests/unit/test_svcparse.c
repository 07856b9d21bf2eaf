/*
 * Services and EndpointSlices out of JSON: what the API server says, what it leaves out, and
 * shapes that no API server would send; annotations.
 */
#include "agent/kube/svcparse.h"

#include <stdio.h>

#include "lib/conf.h"
#include "lib/mem.h"
#include "tests/unit/unit.h"

static json_t *
json(const char *text)
{
	json_error_t e;
	char *copy = mem_strdup(text);
	json_t *j;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	j = json_loads(copy, 0, &e);
	ck_assert_msg(j != NULL, "%s: %s", text, e.text);
	mem_free(copy);
	return j;
}

/* ---- Services ------------------------------------------------------------------ */

/* flags: e/i: external/internal policy Local, f: foreign class, d: deleting. */
static const struct {
	const char *json, *addrs, *flags;
} services[] = {
	{ "{'spec': {'type': 'ClusterIP', 'clusterIP': '10.96.0.1', 'clusterIPs': ['10.96.0.1', "
	  "'fd00::1']}}",
	    "ClusterIP=10.96.0.1 ClusterIP=fd00::1", "" },
	{ "{'spec': {'type': 'ClusterIP', 'clusterIP': '10.96.0.1'}}", "ClusterIP=10.96.0.1", "" },
	{ "{'spec': {'clusterIP': 'None', 'clusterIPs': ['None']}}", "", "" },
	{ "{'spec': {'clusterIP': ''}}", "", "" },
	{ "{'spec': {'type': 'ExternalName', 'externalIPs': ['192.0.2.1'], 'externalName': 'x'}}", "",
	    "" },
	{ "{'spec': {'type': 'LoadBalancer', 'externalIPs': ['192.0.2.1'], 'externalTrafficPolicy': "
	  "'Local'}, 'status': {'loadBalancer': {'ingress': [{'ip': '192.0.2.9'}, {'hostname': 'h'}, "
	  "{'ip': '2001:db8::9', 'ipMode': 'VIP'}, {'ip': '192.0.2.8', 'ipMode': 'Proxy'}]}}}",
	    "LoadBalancerIP=192.0.2.9 LoadBalancerIP=2001:db8::9 LoadBalancerIP=192.0.2.8! "
	    "ExternalIP=192.0.2.1",
	    "e" },
	/* What is left over in the status of a Service that is no LoadBalancer any more. */
	{ "{'spec': {'type': 'NodePort', 'internalTrafficPolicy': 'Local'}, 'status': {'loadBalancer': "
	  "{'ingress': [{'ip': '192.0.2.9'}]}}}",
	    "", "i" },
	{ "{'spec': {'loadBalancerClass': 'example.com/lb'}}", "", "f" },
	{ "{'spec': {'loadBalancerClass': 'weft.dev/lb'}}", "", "" },
	{ "{'spec': {'loadBalancerClass': 'example.com/ours'}}", "", "" },
	{ "{'metadata': {'deletionTimestamp': '2026-01-01T00:00:00Z'}, 'spec': "
	  "{'externalTrafficPolicy': 'Cluster', 'internalTrafficPolicy': 'Cluster'}}",
	    "", "d" },
	{ "{'spec': {'type': 7, 'clusterIP': 7, 'clusterIPs': 'x', 'externalIPs': {'a': 1}, "
	  "'externalTrafficPolicy': [], 'loadBalancerClass': {}}, 'status': [], 'metadata': "
	  "{'labels': [], 'annotations': 'x', 'deletionTimestamp': null}}",
	    "", "" },
	{ "{'spec': {'externalIPs': [null, 1, [], {}, 'x', '1.2.3', '192.0.2.1/32', 'fe80::1%3', "
	  "'192.0.2.7']}}",
	    "ExternalIP=192.0.2.7", "" },
	{ "{}", "", "" },
	{ "[]", "", "" },
	{ "{'spec': null, 'status': {'loadBalancer': {'ingress': {}}}}", "", "" },
};

static void
show(const struct service *v, char *to, size_t cap)
{
	char a[IP_ADDR_STRLEN];
	size_t n = 0;

	to[0] = '\0';
	for (size_t i = 0; i < v->naddrs; i++)
		n += (size_t)snprintf(to + n, cap - n, "%s%s=%s%s", n ? " " : "",
		    service_kind_text(v->addrs[i].kind), ip_addr_str(&v->addrs[i].addr, a),
		    v->addrs[i].proxied ? "!" : "");
}

START_TEST(service)
{
	json_t *j = json(services[_i].json);
	static struct svc_parsed v;
	char text[1024], flags[8] = "";

	svc_parse("d/web", j, "example.com/ours", &v);
	show(&v.service, text, sizeof(text));
	ck_assert_str_eq(text, services[_i].addrs);
	strcat(flags, v.service.external_local ? "e" : "");
	strcat(flags, v.service.internal_local ? "i" : "");
	strcat(flags, v.service.foreign_class ? "f" : "");
	strcat(flags, v.service.deleting ? "d" : "");
	ck_assert_str_eq(flags, services[_i].flags);
	ck_assert_str_eq(v.service.key, "d/web");
	json_decref(j);
}
END_TEST

START_TEST(labels)
{
	json_t *j = json("{'metadata': {'labels': {'z': '1', 'a': '2', 'bad': 3, 'm': ''}, 'annotations': "
			 "{'weft.dev/communities': '64512:1', 'weft.dev/local-pref': 7, 'x': 'y'}}}");
	static struct svc_parsed v;

	svc_parse("d/web", j, "example.com/ours", &v);
	ck_assert_uint_eq(v.service.labels.n, 3);
	ck_assert_str_eq(labels_get(&v.service.labels, "z"), "1");
	ck_assert_str_eq(labels_get(&v.service.labels, "a"), "2");
	ck_assert_str_eq(labels_get(&v.service.labels, "m"), "");
	ck_assert_str_eq(v.service.communities, "64512:1");
	ck_assert_ptr_null(v.service.local_pref);
	json_decref(j);
}
END_TEST

/* More than there is room for. */
START_TEST(many)
{
	json_t *j = json_object(), *l = json_object(), *ips = json_array();
	static struct svc_parsed v;
	char text[32];

	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
		json_object_set_new(l, text, json_string(text));
		json_array_append_new(ips, json_string(text));
	}
	json_object_set_new(j, "metadata", json_pack("{s:o}", "labels", l));
	json_object_set_new(j, "spec", json_pack("{s:o}", "externalIPs", ips));
	svc_parse("d/web", j, "example.com/ours", &v);
	ck_assert_uint_eq(v.service.labels.n, SVC_LABELS_MAX);
	ck_assert_uint_eq(v.service.naddrs, SERVICES_ADDRS_MAX);
	json_decref(j);
}
END_TEST

/* ---- EndpointSlices ---------------------------------------------------------------- */

#define OF_WEB "'metadata': {'labels': {'kubernetes.io/service-name': 'web'}}"

static const struct {
	const char *json;
	bool ok;
	struct service_count c;
} slices[] = {
	{ "{" OF_WEB ", 'addressType': 'IPv4', 'endpoints': [{'addresses': ['10.244.0.1'], "
	  "'conditions': {'ready': true}, 'nodeName': 'n1'}, {'conditions': {'ready': true}, "
	  "'nodeName': 'n2'}, {'conditions': {'ready': false}, 'nodeName': 'n1'}]}",
	    true, { { 2, 1 }, { 0, 0 } } },
	/* Absent conditions: ready. */
	{ "{" OF_WEB ", 'addressType': 'IPv4', 'endpoints': [{'nodeName': 'n1'}, {'conditions': {}}]}",
	    true, { { 2, 1 }, { 0, 0 } } },
	{ "{" OF_WEB ", 'addressType': 'IPv4', 'endpoints': [{'nodeName': 'n1', 'conditions': {'ready': "
	  "false, 'serving': true, 'terminating': true}}, {'conditions': {'ready': false, 'serving': "
	  "false, 'terminating': true}}]}",
	    true, { { 0, 0 }, { 1, 1 } } },
	/* serving absent: what ready is, so that one that terminates does not count. */
	{ "{" OF_WEB ", 'addressType': 'IPv4', 'endpoints': [{'nodeName': 'n1', 'conditions': {'ready': "
	  "false, 'terminating': true}}, {'conditions': {'ready': true, 'terminating': true}}]}",
	    true, { { 0, 0 }, { 1, 0 } } },
	/* v1beta1: topology in place of nodeName, no serving. */
	{ "{" OF_WEB ", 'addressType': 'IPv4', 'endpoints': [{'conditions': {'ready': true}, 'topology': "
	  "{'kubernetes.io/hostname': 'n1'}}, {'topology': {'kubernetes.io/hostname': 'host-1'}}, "
	  "{'topology': {'kubernetes.io/hostname': 'n2'}}, {'topology': {}}]}",
	    true, { { 4, 2 }, { 0, 0 } } },
	/* nodeName counts first. */
	{ "{" OF_WEB ", 'addressType': 'IPv4', 'endpoints': [{'nodeName': 'n2', 'topology': "
	  "{'kubernetes.io/hostname': 'n1'}}]}",
	    true, { { 1, 0 }, { 0, 0 } } },
	{ "{" OF_WEB ", 'addressType': 'IPv6', 'endpoints': null}", true, { { 0, 0 }, { 0, 0 } } },
	{ "{" OF_WEB ", 'addressType': 'IPv4'}", true, { { 0, 0 }, { 0, 0 } } },
	{ "{" OF_WEB ", 'addressType': 'FQDN', 'endpoints': [{}]}", false, { { 0, 0 }, { 0, 0 } } },
	{ "{" OF_WEB "}", false, { { 0, 0 }, { 0, 0 } } },
	{ "{'addressType': 'IPv4', 'metadata': {'labels': {'kubernetes.io/service-name': ''}}}", false,
	    { { 0, 0 }, { 0, 0 } } },
	{ "{'addressType': 'IPv4', 'metadata': {'labels': []}}", false, { { 0, 0 }, { 0, 0 } } },
	{ "[]", false, { { 0, 0 }, { 0, 0 } } },
	/* Endpoints of no shape at all: something is there, and ready, as nothing says otherwise. */
	{ "{" OF_WEB ", 'addressType': 'IPv4', 'endpoints': [{'conditions': [], 'nodeName': 5, "
	  "'topology': 'x'}, {'conditions': {'ready': 'no', 'terminating': 'yes'}}]}",
	    true, { { 2, 0 }, { 0, 0 } } },
};

START_TEST(slice)
{
	json_t *j = json(slices[_i].json);
	char name[SVC_KEY_MAX];
	struct service_slice sl;

	ck_assert_int_eq(svc_parse_slice("d/web-1", j, "n1", "host-1", name, &sl), slices[_i].ok);
	if (slices[_i].ok) {
		ck_assert_str_eq(sl.service, "d/web");
		ck_assert_str_eq(sl.key, "d/web-1");
		ck_assert_int_eq(memcmp(&sl.count, &slices[_i].c, sizeof(sl.count)), 0);
	}
	ck_assert(!svc_parse_slice("web-1", j, "n1", NULL, name, &sl)); /* no namespace */
	json_decref(j);
}
END_TEST

START_TEST(long_names)
{
	char key[SVC_KEY_MAX * 2], name[SVC_KEY_MAX];
	json_t *j = json("{" OF_WEB ", 'addressType': 'IPv4'}");
	struct service_slice sl;

	memset(key, 'x', sizeof(key));
	key[sizeof(key) - 1] = '\0';
	key[SVC_KEY_MAX - 2] = '/';
	ck_assert(!svc_parse_slice(key, j, "n1", NULL, name, &sl));
	key[SVC_KEY_MAX - 2] = 'x';
	key[SVC_KEY_MAX + 2] = '/';
	ck_assert(!svc_parse_slice(key, j, "n1", NULL, name, &sl));
	json_decref(j);
}
END_TEST

/* ---- annotations ----------------------------------------------------------------------- */

static const struct {
	const char *communities, *local_pref;
	const char *want; /* "comm,... large,... lp" or "!" and the beginning of the reason */
} notes[] = {
	{ NULL, NULL, "" },
	{ "64512:1", NULL, "64512:1" },
	{ " 64512:1, 64512:1:2 ,no-export,", NULL, "64512:1 65535:65281 64512:1:2" },
	{ "pods", NULL, "64512:100" },
	{ "64512:1,64512:1", NULL, "64512:1" },
	{ "", NULL, "" },
	{ NULL, "0", "lp=0" },
	{ NULL, "4294967295", "lp=4294967295" },
	{ "64512:1", "50", "64512:1 lp=50" },
	{ "64512:1,nothing", NULL, "!weft.dev/communities: \"nothing\" is no community" },
	{ "64512:99999", NULL, "!weft.dev/communities:" },
	{ NULL, "4294967296", "!weft.dev/local-pref: want 0 to 4294967295" },
	{ NULL, "-1", "!weft.dev/local-pref" },
	{ NULL, "", "!weft.dev/local-pref" },
	{ NULL, "1 ", "!weft.dev/local-pref" },
	{ "1:1 1:2 1:3 1:4 1:5 1:6 1:7 1:8 1:9 1:10 1:11 1:12 1:13 1:14 1:15 1:16 1:17", NULL,
	    "!weft.dev/communities: want at most 16" },
};

static void
show_originate(const struct ipc_originate *o, char *to, size_t cap)
{
	size_t n = 0;

	to[0] = '\0';
	for (uint16_t i = 0; i < o->ncomm; i++)
		n += (size_t)snprintf(to + n, cap - n, "%s%u:%u", n ? " " : "", o->comm[i] >> 16,
		    o->comm[i] & 0xffff);
	for (uint16_t i = 0; i < o->nlarge; i++)
		n += (size_t)snprintf(to + n, cap - n, "%s%u:%u:%u", n ? " " : "", o->large[i][0],
		    o->large[i][1], o->large[i][2]);
	if (o->has_local_pref)
		snprintf(to + n, cap - n, "%slp=%u", n ? " " : "", o->local_pref);
}

START_TEST(annotations)
{
	static const char yaml[] = "node: {name: n1}\nbgp: {asNumber: 64512}\n"
				   "communities: [{name: pods, value: '64512:100'}]\n";
	struct conf_errs errs = { 0 };
	struct conf *c = conf_load(NULL, "x", yaml, sizeof(yaml) - 1, &errs);
	struct ipc_originate o = { .ncomm = 0 };
	char why[IPC_TEXT_MAX], text[512];
	bool bad = notes[_i].want[0] == '!';

	ck_assert(c != NULL);
	ck_assert_int_eq(svc_parse_notes(c, notes[_i].communities, notes[_i].local_pref, &o, why), !bad);
	show_originate(&o, text, sizeof(text));
	ck_assert_str_eq(text, bad ? "" : notes[_i].want);
	if (bad)
		ck_assert_msg(strncmp(why, notes[_i].want + 1, strlen(notes[_i].want + 1)) == 0, "%s", why);
	conf_free(c);
	conf_errs_free(&errs);
}
END_TEST

/* No more than a message can carry, whatever the advertisement has already. */
START_TEST(annotations_bounded)
{
	struct conf c = { .communities = { .n = 0 } };
	struct ipc_originate o = { .ncomm = IPC_COMM_MAX };
	char why[IPC_TEXT_MAX], text[2000];

	ck_assert(!svc_parse_notes(&c, "64512:1", NULL, &o, why));
	ck_assert_uint_eq(o.ncomm, IPC_COMM_MAX);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert(!svc_parse_notes(&c, text, NULL, &o, why));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("svcparse");
	TCase *tc = unit_case(suite, "svcparse");

	tcase_add_loop_test(tc, service, 0, NROWS(services));
	tcase_add_test(tc, labels);
	tcase_add_test(tc, many);
	tcase_add_loop_test(tc, slice, 0, NROWS(slices));
	tcase_add_test(tc, long_names);
	tcase_add_loop_test(tc, annotations, 0, NROWS(notes));
	tcase_add_test(tc, annotations_bounded);
	return unit_run(suite);
}
