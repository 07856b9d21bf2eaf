/*
 * When the cluster's word drains this node, and when it is put back.
 */
#include "agent/core/leaving.h"

#include "tests/unit/unit.h"

#define TAINT(node, l) ((node).taints = (struct labels){ (l), (l) ? 1 : 0 })

static const char *const keys[] = { "weft.dev/drain", "node.kubernetes.io/out-of-service" };
static struct label taint = { "weft.dev/drain", "NoSchedule" };
static struct leaving l;
static struct leaving_rules rules;
static struct cluster_node node;
static char why[LEAVING_TEXT_MAX];

static void
setup(void)
{
	l = (struct leaving){ 0 };
	rules = (struct leaving_rules){ keys, 2, false };
	node = (struct cluster_node){ .name = "a" };
}

static void
next(const struct cluster_node *own, enum leaving_act want)
{
	ck_assert_int_eq(leaving_next(&l, own, &rules, why), want);
}

START_TEST(taint_comes_and_goes)
{
	next(&node, LEAVING_NOTHING);
	TAINT(node, &taint);
	next(&node, LEAVING_DRAIN);
	ck_assert_str_eq(why, "the node has the taint weft.dev/drain");
	next(&node, LEAVING_NOTHING);
	TAINT(node, (struct label *)NULL);
	next(&node, LEAVING_UNDRAIN);
	next(&node, LEAVING_NOTHING);
}
END_TEST

/* A taint of others, a cordon that is not asked about. */
START_TEST(what_does_not_count)
{
	struct label other = { "node.kubernetes.io/not-ready", "NoExecute" };

	TAINT(node, &other);
	node.cordoned = true;
	next(&node, LEAVING_NOTHING);
	rules.cordon = true;
	next(&node, LEAVING_DRAIN);
	ck_assert_str_eq(why, "the node is cordoned");
}
END_TEST

START_TEST(deletion)
{
	next(NULL, LEAVING_NOTHING); /* it has not joined yet */
	next(&node, LEAVING_NOTHING);
	node.deleting = true;
	next(&node, LEAVING_DRAIN);
	next(NULL, LEAVING_NOTHING);
	node.deleting = false; /* made again */
	next(&node, LEAVING_UNDRAIN);
	next(NULL, LEAVING_DRAIN); /* in one step */
	ck_assert_str_eq(why, "the node was deleted from the cluster");
}
END_TEST

START_TEST(shutdown)
{
	node.shutting_down = true;
	next(&node, LEAVING_DRAIN);
	ck_assert_str_eq(why, "the node is shutting down");
}
END_TEST

/* One cause after the other is one drain. */
START_TEST(causes_overlap)
{
	rules.cordon = true;
	node.cordoned = true;
	next(&node, LEAVING_DRAIN);
	TAINT(node, &taint);
	node.cordoned = false;
	next(&node, LEAVING_NOTHING);
	TAINT(node, (struct label *)NULL);
	next(&node, LEAVING_UNDRAIN);
}
END_TEST

/* Drained by the cluster before a restart, and the cause went meanwhile. */
START_TEST(restarted)
{
	l.going = true;
	next(&node, LEAVING_UNDRAIN);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("leaving");
	TCase *tc = unit_case(s, "all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, taint_comes_and_goes);
	tcase_add_test(tc, what_does_not_count);
	tcase_add_test(tc, deletion);
	tcase_add_test(tc, shutdown);
	tcase_add_test(tc, causes_overlap);
	tcase_add_test(tc, restarted);
	return unit_run(s);
}
