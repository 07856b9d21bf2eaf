/*
 * The model of the cluster's nodes: what is a change, in which order nodes come, how much it takes.
 */
#include <stdio.h>

#include "agent/core/cluster.h"
#include "tests/unit/unit.h"

static struct label two[] = { { "rack", "r1" }, { "zone", "a" } };

static struct cluster_node
node(const char *name)
{
	struct cluster_node n = { .name = name, .naddrs = 1, .ncidrs = 1, .labels = { two, 2 } };

	n.addrs[0] = ad("10.0.0.1");
	n.cidrs[0] = px("10.244.1.0/24");
	return n;
}

START_TEST(order)
{
	static const char *const names[] = { "c", "a", "d", "b" };
	struct cluster *c = cluster_new("b");
	const struct cluster_node *n = NULL;
	char want[2] = "a";

	ck_assert_ptr_null(cluster_next(c, NULL));
	ck_assert_ptr_null(cluster_own(c));
	for (int i = 0; i < NROWS(names); i++) {
		struct cluster_node x = node(names[i]);

		ck_assert(cluster_put(c, &x));
	}
	ck_assert_uint_eq(cluster_count(c), 4);
	while ((n = cluster_next(c, n))) {
		ck_assert_str_eq(n->name, want);
		want[0]++;
	}
	ck_assert_int_eq(want[0], 'e');
	ck_assert_str_eq(cluster_own(c)->name, "b");
	ck_assert(!cluster_rename(c, "b"));
	ck_assert(cluster_rename(c, "c"));
	ck_assert_str_eq(cluster_own(c)->name, "c");
	ck_assert(cluster_rename(c, "b"));
	ck_assert(cluster_remove(c, "b"));
	ck_assert(!cluster_remove(c, "b"));
	ck_assert_ptr_null(cluster_own(c));
	ck_assert_ptr_null(cluster_find(c, "b"));
	ck_assert_str_eq(cluster_next(c, cluster_find(c, "a"))->name, "c");
	cluster_free(c);
	cluster_free(NULL);
}
END_TEST

/* Each of them changes one thing of node("a"). */
static void
other_address(struct cluster_node *n)
{
	n->addrs[0] = ad("10.0.0.2");
}
static void
more_addresses(struct cluster_node *n)
{
	n->addrs[n->naddrs++] = ad("2001:db8::1");
}
static void
other_cidr(struct cluster_node *n)
{
	n->cidrs[0] = px("10.244.2.0/24");
}
static void
no_cidr(struct cluster_node *n)
{
	n->ncidrs = 0;
}
static void
other_label(struct cluster_node *n)
{
	static struct label other[] = { { "rack", "r1" }, { "zone", "b" } };

	n->labels.v = other;
}
static void
other_key(struct cluster_node *n)
{
	static struct label other[] = { { "rack", "r1" }, { "zones", "a" } };

	n->labels.v = other;
}
static void
fewer_labels(struct cluster_node *n)
{
	n->labels.n = 1;
}
static void
annotated(struct cluster_node *n)
{
	n->annotations = (struct labels){ two, 1 };
}
static void
tainted(struct cluster_node *n)
{
	n->taints = (struct labels){ two, 1 };
}
static void
cordoned(struct cluster_node *n)
{
	n->cordoned = true;
}
static void
deleting(struct cluster_node *n)
{
	n->deleting = true;
}
static void
shutting_down(struct cluster_node *n)
{
	n->shutting_down = true;
}

static void (*const changes[])(struct cluster_node *) = { other_address, more_addresses, other_cidr,
	no_cidr, other_label, other_key, fewer_labels, annotated, tainted, cordoned, deleting, shutting_down };

START_TEST(one_change)
{
	struct cluster *c = cluster_new("x");
	struct cluster_node n = node("a"), now = n;
	const struct cluster_node *was;

	ck_assert(cluster_put(c, &n));
	was = cluster_find(c, "a");
	ck_assert(!cluster_put(c, &n));
	ck_assert_ptr_eq(cluster_find(c, "a"), was); /* nothing has moved */
	changes[_i](&now);
	ck_assert(cluster_put(c, &now));
	ck_assert(!cluster_put(c, &now));
	ck_assert(cluster_put(c, &n));
	ck_assert_uint_eq(cluster_count(c), 1);
	cluster_free(c);
}
END_TEST

/* What is given may go, and need not be sorted. */
START_TEST(copies)
{
	char key[] = "z", value[] = "1", name[] = "n1";
	struct label v[] = { { key, value }, { "b", "2" }, { "a", "3" }, { "b", "4" } };
	struct cluster_node n = { .name = name, .labels = { v, 4 } };
	struct cluster *c = cluster_new("n1");
	const struct cluster_node *got;

	ck_assert(cluster_put(c, &n));
	ck_assert(!cluster_put(c, &n));
	key[0] = value[0] = name[0] = '?';
	got = cluster_own(c);
	ck_assert_uint_eq(got->labels.n, 3);
	ck_assert_str_eq(labels_get(&got->labels, "z"), "1");
	ck_assert_str_eq(labels_get(&got->labels, "a"), "3");
	ck_assert_str_eq(labels_get(&got->labels, "b"), "4");
	cluster_free(c);
}
END_TEST

START_TEST(too_many_labels)
{
	static struct label v[CLUSTER_LABELS_MAX + 10];
	static char keys[CLUSTER_LABELS_MAX + 10][8];
	struct cluster_node n = { .name = "a", .labels = { v, CLUSTER_LABELS_MAX + 10 } };
	struct cluster *c = cluster_new("a");

	for (int i = 0; i < NROWS(v); i++) {
		snprintf(keys[i], sizeof keys[i], "k%04d", NROWS(v) - i);
		v[i] = (struct label){ keys[i], "" };
	}
	ck_assert(cluster_put(c, &n));
	ck_assert_uint_eq(cluster_own(c)->labels.n, CLUSTER_LABELS_MAX);
	cluster_free(c);
}
END_TEST

/* 1,000 nodes with 15 labels as clouds have them. */
START_TEST(size)
{
	struct cluster *c = cluster_new("node-1");
	char name[32], key[15][64], value[15][64];
	struct label v[15];
	size_t empty = cluster_octets(c);

	for (unsigned i = 0; i < 1000; i++) {
		struct cluster_node n = node(name);

		snprintf(name, sizeof name, "node-%u.eu-west-1.example.net", i);
		for (unsigned k = 0; k < 15; k++) {
			snprintf(key[k], sizeof key[k], "topology.example.net/label-%02u", k);
			snprintf(value[k], sizeof value[k], "value-%u-%u", k, i);
			v[k] = (struct label){ key[k], value[k] };
		}
		n.labels = (struct labels){ v, 15 };
		ck_assert(cluster_put(c, &n));
	}
	ck_assert_uint_lt(cluster_octets(c), 1500 * 1000);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "node-%u.eu-west-1.example.net", i);
		ck_assert(cluster_remove(c, name));
	}
	ck_assert_uint_lt(cluster_octets(c), empty + 1024 * sizeof(void *) + 1);
	cluster_free(c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cluster");
	TCase *tc = unit_case(s, "cluster");

	tcase_add_test(tc, order);
	tcase_add_loop_test(tc, one_change, 0, NROWS(changes));
	tcase_add_test(tc, copies);
	tcase_add_test(tc, too_many_labels);
	tcase_add_test(tc, size);
	return unit_run(s);
}
