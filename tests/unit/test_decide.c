/*
 * The decision process: every step with both orders of arrival, its reason,
 * equals side by side, and MED's independence of order.
 * RFC 4271 section 9.1.2.2, RFC 4456 section 9.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/decide.h"

#define ADDR(n) { .af = IP4, .b = { 192, 0, 2, (n) } }
static const struct ip_addr addr[] = { ADDR(0), ADDR(1), ADDR(2), ADDR(3), ADDR(4) };

/* What makes a candidate differ; 0: LOCAL_PREF 100, router id 9, the peer as the caller says. */
struct side {
	uint32_t local_pref, igp_metric, router_id, path_id;
	bool local, ibgp;
	uint8_t peer;
	const struct attrs *a; /* NULL: all zeros */
};
#define A(...) &(const struct attrs){ __VA_ARGS__ }

static struct decide_cand
cand(const struct side *s, uint32_t path, uint8_t peer)
{
	static const struct attrs none;

	return (struct decide_cand){ .attrs = s->a ? s->a : &none,
		.peer_addr = &addr[s->peer ? s->peer : peer],
		.local_pref = s->local_pref ? s->local_pref : 100,
		.igp_metric = s->igp_metric,
		.router_id = s->router_id ? s->router_id : 9,
		.local = s->local,
		.ebgp = !s->ibgp,
		.path_id = s->path_id,
		.path = path };
}

static const struct {
	const char *what;
	struct side win, lose;
	enum decide_step step;
	size_t used; /* with multipath */
} cases[] = {
	{ "own prefix before all (9.1.2)", { .local = true, .local_pref = 1, .ibgp = true },
	    { .local_pref = 200 }, DECIDE_LOCAL, 1 },
	{ "LOCAL_PREF 101 over 100 (9.1.2.1)", { .local_pref = 101, .a = A(.as_path_hops = 9) },
	    { .local_pref = 100 }, DECIDE_LOCAL_PREF, 1 },
	{ "LOCAL_PREF 2^31 is not negative", { .local_pref = 0x80000000u },
	    { .local_pref = 0x7fffffffu }, DECIDE_LOCAL_PREF, 1 },
	{ "fewer hops (9.1.2.2 a)", { .a = A(.as_path_hops = 1, .origin = 2) },
	    { .a = A(.as_path_hops = 2) }, DECIDE_AS_PATH, 1 },
	{ "IGP before EGP (9.1.2.2 b)", { .a = A(.origin = ORIGIN_IGP, .med = 9, .first_asn = 7) },
	    { .a = A(.origin = ORIGIN_EGP, .first_asn = 7) }, DECIDE_ORIGIN, 1 },
	{ "EGP before incomplete (9.1.2.2 b)", { .a = A(.origin = ORIGIN_EGP) },
	    { .a = A(.origin = ORIGIN_INCOMPLETE) }, DECIDE_ORIGIN, 1 },
	{ "lower MED, same AS (9.1.2.2 c)",
	    { .ibgp = true, .a = A(.med = 5, .flags = ATTRS_MED, .first_asn = 7) },
	    { .a = A(.med = 6, .flags = ATTRS_MED, .first_asn = 7) }, DECIDE_MED, 1 },
	{ "no MED counts as 0 (9.1.2.2 c)", { .router_id = 10, .a = A(.first_asn = 7) },
	    { .a = A(.med = 1, .flags = ATTRS_MED, .first_asn = 7) }, DECIDE_MED, 1 },
	{ "MED of another AS does not count (9.1.2.2 c)",
	    { .a = A(.med = 50, .flags = ATTRS_MED, .first_asn = 7) },
	    { .a = A(.med = 1, .flags = ATTRS_MED, .first_asn = 8) }, DECIDE_PEER_ADDR, 2 },
	{ "eBGP before iBGP (9.1.2.2 d)", { .igp_metric = 9 }, { .ibgp = true }, DECIDE_EBGP, 1 },
	{ "nearer next hop (9.1.2.2 e)", { .igp_metric = 19, .router_id = 10 },
	    { .igp_metric = 20 }, DECIDE_IGP_METRIC, 1 },
	{ "router id (9.1.2.2 f)", { .router_id = 8, .a = A(.part_octets[ATTRS_CLUSTER_LIST] = 8) },
	    { .router_id = 9 }, DECIDE_ROUTER_ID, 2 },
	{ "ORIGINATOR_ID stands in (4456 s9)",
	    { .router_id = 100, .a = A(.flags = ATTRS_ORIGINATOR, .originator_id = 8) },
	    { .router_id = 9 }, DECIDE_ROUTER_ID, 2 },
	{ "shorter CLUSTER_LIST (4456 s9)",
	    { .peer = 4, .a = A(.part_octets[ATTRS_CLUSTER_LIST] = 4) },
	    { .a = A(.part_octets[ATTRS_CLUSTER_LIST] = 8) }, DECIDE_CLUSTER_LIST, 2 },
	{ "lower peer address (9.1.2.2 g)", { .peer = 2, .path_id = 9 }, { .peer = 3 },
	    DECIDE_PEER_ADDR, 2 },
	{ "lower path id (7911)", { .peer = 2, .path_id = 0 }, { .peer = 2, .path_id = 1 },
	    DECIDE_PATH_ID, 2 },
};

START_TEST(one_step_both_orders)
{
	struct decide_cand v[2];
	int swap;

	for (swap = 0; swap < 2; swap++) {
		v[swap] = cand(&cases[_i].win, 1, 2);
		v[!swap] = cand(&cases[_i].lose, 2, 3);
		ck_assert_msg(decide_best(v, 2, 64) == cases[_i].used, "%s: used", cases[_i].what);
		ck_assert_msg(v[0].path == 1, "%s: winner, order %d", cases[_i].what, swap);
		ck_assert_msg(v[0].step == cases[_i].step, "%s: for: %s", cases[_i].what,
		    decide_step_text(v[0].step));
		ck_assert_msg(v[1].step == cases[_i].step, "%s: against: %s", cases[_i].what,
		    decide_step_text(v[1].step));
		ck_assert_msg(decide_best(v, 2, 1) == 1 && v[0].path == 1, "%s: single path",
		    cases[_i].what);
	}
}
END_TEST

START_TEST(nothing_and_one)
{
	static const struct side s = { .peer = 1 };
	struct decide_cand v = cand(&s, 7, 1);

	ck_assert_uint_eq(decide_best(NULL, 0, 8), 0);
	ck_assert_uint_eq(decide_best(&v, 1, 8), 1);
	ck_assert_uint_eq(v.step, DECIDE_NSTEPS);
	ck_assert_str_eq(decide_step_text(v.step), "only path");
	ck_assert_uint_eq(decide_best(&v, 1, 0), 1);
}
END_TEST

/* The textbook circle: without grouping by AS the winner depends on who came first. */
START_TEST(med_does_not_depend_on_order)
{
	const struct side s[3] = {
		{ .local_pref = 100, .router_id = 1, .peer = 1, .igp_metric = 30,
		    .a = A(.first_asn = 7, .med = 10) },
		{ .local_pref = 100, .router_id = 3, .peer = 2, .igp_metric = 20,
		    .a = A(.first_asn = 7, .med = 5) },
		{ .local_pref = 100, .router_id = 2, .peer = 3, .igp_metric = 25,
		    .a = A(.first_asn = 8, .med = 0) },
	};
	static const uint8_t order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
		{ 2, 0, 1 }, { 2, 1, 0 } };
	struct decide_cand v[3];
	int i, k;

	for (i = 0; i < 6; i++) {
		for (k = 0; k < 3; k++)
			v[k] = cand(&s[order[i][k]], order[i][k], 1);
		ck_assert_uint_eq(decide_best(v, 3, 8), 1);
		ck_assert_uint_eq(v[0].path, 1);
		ck_assert_uint_eq(v[0].step, DECIDE_IGP_METRIC);
		for (k = 1; k < 3; k++)
			ck_assert_uint_eq(v[k].step,
			    v[k].path == 0 ? DECIDE_MED : DECIDE_IGP_METRIC);
	}
}
END_TEST

/* Equals come in order of preference, and no more of them than allowed. */
START_TEST(multipath_in_order_and_bounded)
{
	const struct side s[4] = {
		{ .local_pref = 100, .router_id = 4, .peer = 1, .a = A(.first_asn = 1) },
		{ .local_pref = 100, .router_id = 2, .peer = 2, .a = A(.first_asn = 2) },
		{ .local_pref = 100, .router_id = 3, .peer = 3, .a = A(.first_asn = 3) },
		{ .local_pref = 100, .router_id = 1, .peer = 4, .ibgp = true },
	};
	struct decide_cand v[4];
	int k;

	for (k = 0; k < 4; k++)
		v[k] = cand(&s[k], (uint32_t)k, 1);
	ck_assert_uint_eq(decide_best(v, 4, 2), 2);
	ck_assert_uint_eq(v[0].path, 1);
	ck_assert_uint_eq(v[1].path, 2);
	ck_assert_uint_eq(v[0].step, DECIDE_ROUTER_ID);
	for (k = 1; k < 4; k++)
		ck_assert_uint_eq(v[k].step, v[k].path == 3 ? DECIDE_EBGP : DECIDE_ROUTER_ID);
	ck_assert_uint_eq(decide_best(v, 4, 3), 3); /* the iBGP one is never mixed in */
	ck_assert_uint_eq(decide_best(v, 4, 64), 3);
	ck_assert_uint_eq(v[2].path, 0);
}
END_TEST

/* Two reflectors tell of the same next hops: the bound is on these. */
START_TEST(next_hops_are_counted_not_paths)
{
	static const struct side s[5] = { { .router_id = 1, .peer = 1 }, { .router_id = 1, .peer = 2 },
		{ .router_id = 2, .peer = 1, .path_id = 1 }, { .router_id = 2, .peer = 2 },
		{ .router_id = 3, .peer = 3 } };
	static const char nh[3];
	struct decide_cand v[5];
	int k;

	for (k = 0; k < 5; k++) {
		v[k] = cand(&s[4 - k], (uint32_t)(4 - k), 1);
		v[k].nh = &nh[(4 - k) / 2];
	}
	ck_assert_uint_eq(decide_best(v, 5, 1), 1);
	ck_assert_uint_eq(decide_best(v, 5, 2), 4);
	for (k = 0; k < 4; k++)
		ck_assert_uint_eq(v[k].path, (uint32_t)k);
	ck_assert_uint_eq(decide_best(v, 5, 3), 5);
}
END_TEST

START_TEST(used_paths_have_a_bound)
{
	static struct decide_cand v[300];
	static const char nh;
	struct side s = { .peer = 1 };
	uint32_t k;

	for (k = 0; k < 300; k++) {
		s.path_id = 300 - k;
		v[k] = cand(&s, 300 - k, 1);
		v[k].nh = &nh;
	}
	ck_assert_uint_eq(decide_best(v, 300, 2), DECIDE_USED_MAX);
	ck_assert_uint_eq(v[DECIDE_USED_MAX - 1].path, DECIDE_USED_MAX);
}
END_TEST

/* The rest in order: who came farther, then as if the decision went on without MED. */
START_TEST(what_is_left_is_ordered)
{
	const struct side s[5] = { { .peer = 1, .a = A(.as_path_hops = 1) },
		{ .peer = 2, .a = A(.as_path_hops = 2) }, { .peer = 3, .a = A(.as_path_hops = 3) },
		{ .peer = 1, .local_pref = 90 }, { .peer = 2, .local_pref = 90 } };
	struct decide_cand v[5];
	size_t k;

	for (k = 0; k < 5; k++)
		v[k] = cand(&s[4 - k], (uint32_t)(4 - k), 1);
	ck_assert_uint_eq(decide_best(v, 5, 8), 1);
	decide_rest(v, 5, 1);
	for (k = 1; k < 5; k++)
		ck_assert_uint_eq(v[k].path, k);
}
END_TEST

START_TEST(every_step_has_words)
{
	int i, k;

	for (i = 0; i < DECIDE_NSTEPS; i++)
		for (k = 0; k < i; k++)
			ck_assert_str_ne(decide_step_text(i), decide_step_text(k));
	ck_assert_str_eq(decide_step_text(DECIDE_AS_PATH), "shorter AS_PATH");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("decide");
	TCase *t = tcase_create("steps");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, one_step_both_orders, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(t, nothing_and_one);
	tcase_add_test(t, med_does_not_depend_on_order);
	tcase_add_test(t, multipath_in_order_and_bounded);
	tcase_add_test(t, next_hops_are_counted_not_paths);
	tcase_add_test(t, used_paths_have_a_bound);
	tcase_add_test(t, what_is_left_is_ordered);
	tcase_add_test(t, every_step_has_words);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
