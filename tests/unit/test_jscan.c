/*
 * Single JSON values out of a stream: each case whole and cut in two everywhere; and paths into values.
 */
#include <stdio.h>

#include "agent/kube/jget.h"
#include "agent/kube/jscan.h"
#include "tests/unit/unit.h"

/* Values as "item:TEXT|" or "KEY:TEXT|", then "END", "BAD" or "MORE". */
static void
scan(struct jscan *s, char *out, const char *in, size_t n)
{
	const uint8_t *p = (const uint8_t *)in;
	struct jscan_event e;

	while ((e = jscan_next(s, &p, &n)).kind == JSCAN_VALUE)
		sprintf(out + strlen(out), "%s:%.*s|", e.item ? "item" : e.key, (int)e.len, e.text);
	if (e.kind == JSCAN_BAD && !strstr(out, "BAD"))
		strcat(out, "BAD");
	if (e.kind == JSCAN_END && !strstr(out, "END"))
		strcat(out, "END");
}

static const struct {
	const char *name;
	enum jscan_mode mode;
	const char *in, *out;
	bool partial;
} cases[] = {
	{ "lines", JSCAN_LINES, "{\"a\":1}\n{\"b\":[2,{}]}\n", "item:{\"a\":1}|item:{\"b\":[2,{}]}|", false },
	{ "no newline between", JSCAN_LINES, "{}{}", "item:{}|item:{}|", false },
	{ "brackets in strings", JSCAN_LINES, "{\"a\":\"}]\\\"{\\\\\"}\n", "item:{\"a\":\"}]\\\"{\\\\\"}|", false },
	{ "cut in mid-word", JSCAN_LINES, "{}\n{\"type\":\"MODI", "item:{}|", true },
	{ "blank lines", JSCAN_LINES, "\n\r\n{}\n\n", "item:{}|", false },
	{ "does not match", JSCAN_LINES, "{]\n", "BAD", true },
	{ "closes nothing", JSCAN_LINES, "}\n", "BAD", true },
	{ "list", JSCAN_LIST,
	    "{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{\"n\":1}, {\"n\":2}]}\n",
	    "kind:\"L\"|metadata:{\"resourceVersion\":\"7\"}|item:{\"n\":1}|item:{\"n\":2}|END", false },
	{ "metadata behind", JSCAN_LIST, "{ \"items\" : [ 1 , \"x,]\" , [] ] , \"metadata\" : {} }",
	    "item:1|item:\"x,]\"|item:[]|metadata:{}|END", false },
	{ "no items", JSCAN_LIST, "{\"items\":[],\"a\":-1.5e3}", "a:-1.5e3|END", false },
	{ "items null", JSCAN_LIST, "{\"items\":null}", "items:null|END", false },
	{ "items deeper are no items", JSCAN_LIST, "{\"a\":{\"items\":[1]}}", "a:{\"items\":[1]}|END", false },
	{ "empty", JSCAN_LIST, "{}", "END", false },
	{ "cut", JSCAN_LIST, "{\"items\":[{},{", "item:{}|", true },
	{ "no list", JSCAN_LIST, "[1]", "BAD", true },
	{ "text", JSCAN_LIST, "Too many requests", "BAD", true },
	{ "no colon", JSCAN_LIST, "{\"a\" 1}", "BAD", true },
	{ "no comma", JSCAN_LIST, "{\"items\":[{}{}]}", "item:{}|BAD", true },
	{ "no comma after", JSCAN_LIST, "{\"items\":[] \"a\":1}", "BAD", true },
	{ "a long name", JSCAN_LIST, "{\"0123456789012345678901234567890123456789\":1}",
	    "0123456789012345678901234567890:1|END", false },
	{ "an escaped name", JSCAN_LIST, "{\"a\\\"b\":1}", "a\\\"b:1|END", false },
};

START_TEST(values)
{
	const char *in = cases[_i].in;
	size_t n = strlen(in);

	for (size_t cut = 0; cut <= n; cut++) {
		char out[512] = "";
		struct jscan s;

		jscan_init(&s, cases[_i].mode);
		scan(&s, out, in, cut);
		scan(&s, out, in + cut, n - cut);
		ck_assert_msg(strcmp(out, cases[_i].out) == 0, "%s, cut at %zu: %s", cases[_i].name, cut, out);
		ck_assert_msg(jscan_is_partial(&s) == cases[_i].partial, "%s, cut at %zu", cases[_i].name, cut);
		jscan_free(&s);
	}
}
END_TEST

/* Feeds c again and again; what came of it. */
static enum jscan_kind
flood(const char *start, const char *c, size_t times)
{
	enum jscan_kind last = JSCAN_MORE;
	struct jscan s;

	jscan_init(&s, JSCAN_LINES);
	for (size_t i = 0; i <= times && last != JSCAN_BAD; i++) {
		const char *text = i ? c : start;
		const uint8_t *p = (const uint8_t *)text;
		size_t n = strlen(text);

		last = jscan_next(&s, &p, &n).kind;
		ck_assert_uint_le(s.cap, JSCAN_VALUE_MAX);
	}
	jscan_free(&s);
	return last;
}

START_TEST(bounds)
{
	static char kb[1025];

	memset(kb, 'x', 1024);
	ck_assert_int_eq(flood("{\"a\":\"", kb, JSCAN_VALUE_MAX / 1024 - 1), JSCAN_MORE);
	ck_assert_int_eq(flood("{\"a\":\"", kb, JSCAN_VALUE_MAX / 1024), JSCAN_BAD);
	ck_assert_int_eq(flood("[", "[", JSCAN_DEPTH_MAX - 1), JSCAN_MORE);
	ck_assert_int_eq(flood("[", "[", JSCAN_DEPTH_MAX), JSCAN_BAD);
}
END_TEST

/* A large value's buffer is not kept for the small ones that follow. */
START_TEST(gives_memory_back)
{
	static char big[1 << 20];
	const uint8_t *p = (const uint8_t *)big;
	size_t n = sizeof big;
	struct jscan s;

	memset(big, ' ', sizeof big);
	big[0] = '{';
	big[sizeof big - 1] = '}';
	jscan_init(&s, JSCAN_LINES);
	ck_assert_int_eq(jscan_next(&s, &p, &n).kind, JSCAN_VALUE);
	p = (const uint8_t *)"{}";
	n = 2;
	ck_assert_int_eq(jscan_next(&s, &p, &n).kind, JSCAN_VALUE);
	ck_assert_uint_lt(s.cap, 1 << 15);
	jscan_free(&s);
}
END_TEST

static const struct {
	const char *path, *want; /* NULL: none */
} paths[] = {
	{ "spec.podCIDRs[0]", "10.244.1.0/24" },
	{ "spec.podCIDRs[1]", "fd00::/64" },
	{ "spec.podCIDRs[2]", NULL },
	{ "spec.podCIDRs[99999999999999]", NULL },
	{ "spec.podCIDRs[x]", NULL },
	{ "spec.podCIDRs[", NULL },
	{ "spec.podCIDRs.0", NULL },
	{ "spec", NULL },
	{ "spec.n", NULL },
	{ "spec.n.x", NULL },
	{ "metadata.annotations['weft.dev/as-number']", "65001" },
	{ "metadata.annotations['weft.dev/as-number", NULL },
	{ "metadata.annotations['']", "empty" },
	{ "status.addresses[1].address", "10.0.0.1" },
	{ "nothing.at.all", NULL },
	{ "..", NULL },
};

START_TEST(path)
{
	json_t *j = json_loads("{\"spec\":{\"podCIDRs\":[\"10.244.1.0/24\",\"fd00::/64\"],\"n\":7,\"b\":true},"
			       "\"metadata\":{\"annotations\":{\"weft.dev/as-number\":\"65001\",\"\":\"empty\"}},"
			       "\"status\":{\"addresses\":[null,{\"address\":\"10.0.0.1\"}]}}", 0, NULL);
	const char *got = jget_str(j, paths[_i].path);

	if (paths[_i].want)
		ck_assert_pstr_eq(got, paths[_i].want);
	else
		ck_assert_ptr_null(got);
	ck_assert_int_eq(jget_int(j, "spec.n", 0, 10, -1), 7);
	ck_assert_int_eq(jget_int(j, "spec.n", 0, 6, -1), -1);
	ck_assert_int_eq(jget_int(j, "spec.podCIDRs", 0, 6, -1), -1);
	ck_assert(jget_bool(j, "spec.b", false));
	ck_assert(jget_bool(j, "spec.n", true));
	ck_assert_uint_eq(jget_len(j, "spec.podCIDRs"), 2);
	ck_assert_uint_eq(jget_len(j, "spec"), 3);
	ck_assert_uint_eq(jget_len(j, "spec.n"), 0);
	ck_assert_uint_eq(jget_len(NULL, "spec"), 0);
	ck_assert_ptr_null(jget(NULL, "a"));
	json_decref(j);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("jscan");
	TCase *tc = unit_case(s, "jscan");

	tcase_add_loop_test(tc, values, 0, NROWS(cases));
	tcase_add_test(tc, bounds);
	tcase_add_test(tc, gives_memory_back);
	tcase_add_loop_test(tc, path, 0, NROWS(paths));
	return unit_run(s);
}
