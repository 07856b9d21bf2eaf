/*
 * Services as pools take them: what is written, what is not, and what nobody should have written.
 */
#include <jansson.h>

#include "agent/kube/svcpool.h"
#include "tests/unit/unit.h"

static struct svcpool
parse(const char *text, const char *class, json_t **ret)
{
	struct svcpool p;

	*ret = json_loads(text, 0, NULL);
	ck_assert_msg(*ret != NULL, "%s", text);
	svcpool_parse("ns/name", *ret, class, &p);
	return p;
}

#define TYPE "'type':'LoadBalancer'"

static const struct {
	const char *text, *class;
	int kind;
} kinds[] = {
	{ "{'spec':{" TYPE "}}", NULL, POOLS_MINE },
	{ "{'spec':{" TYPE ",'loadBalancerClass':'weft.dev/x'}}", NULL, POOLS_MINE },
	{ "{'spec':{" TYPE ",'loadBalancerClass':'other.io/x'}}", NULL, POOLS_OTHERS },
	{ "{'spec':{" TYPE ",'loadBalancerClass':'other.io/x'}}", "other.io/x", POOLS_MINE },
	{ "{'spec':{" TYPE "}}", "other.io/x", POOLS_OTHERS },
	{ "{'spec':{'type':'ClusterIP'}}", NULL, POOLS_NONE },
	{ "{'metadata':{'deletionTimestamp':'2026-01-01T00:00:00Z'},'spec':{" TYPE "}}", NULL, POOLS_NONE },
	{ "{}", NULL, POOLS_NONE },
	{ "[]", NULL, POOLS_NONE },
	{ "{'spec':7}", NULL, POOLS_NONE },
	{ "{'spec':{'type':['LoadBalancer']}}", NULL, POOLS_NONE },
};

/* With ' for ". */
static char *
quoted(const char *s, char *buf, size_t cap)
{
	snprintf(buf, cap, "%s", s);
	for (char *c = buf; *c; c++)
		if (*c == '\'')
			*c = '"';
	return buf;
}

START_TEST(whose_it_is)
{
	char buf[2048];
	json_t *j;
	struct svcpool p = parse(quoted(kinds[_i].text, buf, sizeof buf), kinds[_i].class, &j);

	ck_assert_msg(p.s.kind == kinds[_i].kind, "%s: %d", kinds[_i].text, p.s.kind);
	svcpool_clear(&p);
	json_decref(j);
}
END_TEST

START_TEST(everything)
{
	char buf[2048];
	json_t *j;
	struct svcpool p = parse(quoted(
	    "{'metadata':{'creationTimestamp':'2026-11-29T00:00:01Z','labels':{'b':'2','a':'1','c':3},"
	    "'annotations':{'weft.dev/load-balancer-ips':'192.0.2.1, 2001:db8::1',"
	    "'weft.dev/load-balancer-pool':'p','weft.dev/allow-shared-ip':'k'}},"
	    "'spec':{" TYPE ",'ipFamilies':['IPv6','IPv4'],'ipFamilyPolicy':'RequireDualStack',"
	    "'externalTrafficPolicy':'Local','selector':{'y':'2','x':'1'},"
	    "'ports':[{'port':53,'protocol':'UDP'},{'port':80},{'port':'x'}]},"
	    "'status':{'loadBalancer':{'ingress':[{'ip':'2001:db8::1'},{'ip':'192.0.2.1'}]}}}", buf, sizeof buf),
	    NULL, &j);
	const struct pool_service *s = &p.s;

	ck_assert_uint_eq(s->created, 1795910401);
	ck_assert_uint_eq(s->labels.n, 2);
	ck_assert_str_eq(labels_get(&s->labels, "a"), "1");
	ck_assert(s->family == IP6 && s->policy == POOLS_REQUIRE_DUAL && s->local && !s->bad_request);
	ck_assert(s->nrequested == 2 && s->nstatus == 2 && !s->odd_status);
	ck_assert_str_eq(s->pool, "p");
	ck_assert_str_eq(s->sharing, "k");
	ck_assert_str_eq(s->backends, "{\"x\":\"1\",\"y\":\"2\"}");
	ck_assert(s->nports == 3 && s->ports[0].protocol == 17 && s->ports[1].protocol == 6);
	svcpool_clear(&p);
	json_decref(j);
}
END_TEST

static const struct {
	const char *text;
	bool bad_request, odd_status;
	size_t nrequested, nstatus;
} odd[] = {
	{ "{'spec':{" TYPE ",'loadBalancerIP':'192.0.2.1'}}", false, false, 1, 0 },
	{ "{'spec':{" TYPE ",'loadBalancerIP':'nonsense'}}", true, false, 0, 0 },
	{ "{'spec':{" TYPE ",'loadBalancerIP':''}}", false, false, 0, 0 },
	{ "{'spec':{" TYPE ",'loadBalancerIP':7}}", false, false, 0, 0 },
	{ "{'metadata':{'annotations':{'weft.dev/load-balancer-ips':'192.0.2.1,192.0.2.2'}},'spec':{" TYPE "}}",
	    true, false, 1, 0 },
	{ "{'metadata':{'annotations':[]},'spec':{" TYPE ",'ports':{},'ipFamilies':'x','selector':[[]]}}",
	    false, false, 0, 0 },
	{ "{'spec':{" TYPE "},'status':{'loadBalancer':{'ingress':[{'hostname':'x'}]}}}", false, true, 0, 0 },
	{ "{'spec':{" TYPE "},'status':{'loadBalancer':{'ingress':[{'ip':'192.0.2.1'},{'ip':'192.0.2.2'}]}}}",
	    false, true, 0, 1 },
	{ "{'spec':{" TYPE "},'status':{'loadBalancer':{'ingress':'192.0.2.1'}}}", false, false, 0, 0 },
	{ "{'spec':{" TYPE "},'status':{'loadBalancer':{'ingress':[7,null,[]]}}}", false, true, 0, 0 },
};

START_TEST(odd_ones)
{
	char buf[2048];
	json_t *j;
	struct svcpool p = parse(quoted(odd[_i].text, buf, sizeof buf), NULL, &j);

	ck_assert_msg(p.s.bad_request == odd[_i].bad_request && p.s.odd_status == odd[_i].odd_status &&
	    p.s.nrequested == odd[_i].nrequested && p.s.nstatus == odd[_i].nstatus, "%s", odd[_i].text);
	svcpool_clear(&p);
	json_decref(j);
}
END_TEST

/* spec's families, as servers with one or two of them and those before dual stack write them. */
static const struct {
	const char *text;
	uint8_t family, policy;
} families[] = {
	{ "{'spec':{" TYPE ",'ipFamilies':['IPv4'],'ipFamilyPolicy':'SingleStack'}}", IP4, POOLS_SINGLE },
	{ "{'spec':{" TYPE ",'ipFamilies':['IPv6','IPv4'],'ipFamilyPolicy':'PreferDualStack'}}", IP6,
	    POOLS_PREFER_DUAL },
	{ "{'spec':{" TYPE ",'ipFamilies':['IPv4'],'ipFamilyPolicy':'PreferDualStack'}}", IP4, POOLS_SINGLE },
	{ "{'spec':{" TYPE ",'clusterIP':'2001:db8::1'}}", IP6, POOLS_SINGLE },
	{ "{'spec':{" TYPE ",'clusterIP':'None'}}", IP4, POOLS_SINGLE },
};

START_TEST(which_families)
{
	char buf[2048];
	json_t *j;
	struct svcpool p = parse(quoted(families[_i].text, buf, sizeof buf), NULL, &j);

	ck_assert_msg(p.s.family == families[_i].family && p.s.policy == families[_i].policy, "%s",
	    families[_i].text);
	svcpool_clear(&p);
	json_decref(j);
}
END_TEST

/* A long annotation is not kept for as long as the Service is. */
START_TEST(long_notes)
{
	static const char *const names[] = { "weft.dev/load-balancer-pool", "weft.dev/allow-shared-ip" };
	char text[255];

	for (size_t n = 253; n <= 254; n++) {
		struct svcpool p;
		json_t *j;

		memset(text, 'x', n);
		text[n] = '\0';
		j = json_pack("{s:{s:{s:s}}}", "metadata", "annotations", names[_i], text);
		svcpool_parse("ns/name", j, NULL, &p);
		ck_assert_uint_eq(p.s.bad_request, n == 254);
		ck_assert_int_eq(!(_i ? p.s.sharing : p.s.pool), n == 254);
		svcpool_clear(&p);
		json_decref(j);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("svcpool");
	TCase *tc = unit_case(s, "svcpool");

	tcase_add_loop_test(tc, whose_it_is, 0, NROWS(kinds));
	tcase_add_test(tc, everything);
	tcase_add_loop_test(tc, odd_ones, 0, NROWS(odd));
	tcase_add_loop_test(tc, which_families, 0, NROWS(families));
	tcase_add_loop_test(tc, long_notes, 0, 2);
	return unit_run(s);
}
