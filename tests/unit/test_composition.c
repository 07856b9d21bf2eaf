/*
 * The texts of the configuration: what is good stays through changes, deletions and new ages; a
 * file that is not whole waits.
 */
#include <check.h>
#include <stdio.h>

#include "agent/composition.h"
#include "lib/mem.h"
#include "tests/unit/unit.h"

#define FILE_TEXT "bgp: {asNumber: 64512}\nkernel: {permit: [10.244.0.0/16]}\n"
#define TOR1 "{\"peerIP\":\"10.0.0.1\",\"asNumber\":1}"
#define TOR2 "{\"peerIP\":\"10.0.0.2\",\"asNumber\":1}"
#define BAD  "{\"peerIP\":\"x\",\"asNumber\":1}"

static const struct conf_env env = { .hostname = "node" };
static struct composition *c;
static char *errors, *warnings;

static void
setup(void)
{
	c = composition_new();
	composition_set_file(c, "weft.yaml", FILE_TEXT, strlen(FILE_TEXT));
}

static void
teardown(void)
{
	composition_free(c);
}

static void
set(const char *name, const char *age, const char *text)
{
	ck_assert(composition_set(c, CONF_PART_PEER, name, age, text));
}

/* Load; how many peers there are, -1: no configuration. */
static int
load(void)
{
	struct conf *conf = composition_load(c, &env, &errors, &warnings);
	int n = conf ? (int)conf->peers.n : -1;

	mem_free(errors);
	mem_free(warnings);
	conf_free(conf);
	return n;
}

static enum conf_verdict
verdict(const char *name)
{
	struct composition_result r;

	ck_assert(composition_result(c, CONF_PART_PEER, name, &r));
	return r.verdict;
}

START_TEST(the_good_one_stays)
{
	set("a", "1", TOR1);
	ck_assert_int_eq(load(), 1);
	ck_assert_int_eq(verdict("a"), CONF_TAKEN);
	ck_assert(!composition_set(c, CONF_PART_PEER, "a", "1", TOR1));
	set("a", "1", BAD);
	ck_assert_int_eq(load(), 1);
	ck_assert_int_eq(verdict("a"), CONF_KEPT);
	ck_assert_int_eq(load(), 1); /* and once more */
	ck_assert_int_eq(verdict("a"), CONF_KEPT);
	set("a", "1", TOR2);
	ck_assert_int_eq(load(), 1);
	ck_assert_int_eq(verdict("a"), CONF_TAKEN);
	ck_assert(composition_remove(c, CONF_PART_PEER, "a"));
	ck_assert(!composition_remove(c, CONF_PART_PEER, "a"));
	ck_assert_int_eq(load(), 0);
	ck_assert(!composition_result(c, CONF_PART_PEER, "a", &(struct composition_result){ 0 }));
}
END_TEST

START_TEST(the_older_one_counts)
{
	set("a", "2026-01-02", TOR1);
	set("b", "2026-01-01", TOR1);
	ck_assert_int_eq(load(), 1);
	ck_assert_int_eq(verdict("a"), CONF_LEFT_OUT);
	ck_assert_int_eq(verdict("b"), CONF_TAKEN);
	/* deleted and made again while nobody looked: what was good stays good */
	set("b", "2026-01-03", TOR1);
	ck_assert_int_eq(load(), 1);
	ck_assert_int_eq(verdict("b"), CONF_TAKEN);
	ck_assert(composition_remove(c, CONF_PART_PEER, "b"));
	ck_assert_int_eq(load(), 1);
	ck_assert_int_eq(verdict("a"), CONF_TAKEN);
}
END_TEST

START_TEST(a_bad_one_that_goes_leaves_nothing)
{
	set("a", "1", BAD);
	ck_assert_int_eq(load(), 0);
	ck_assert_int_eq(verdict("a"), CONF_LEFT_OUT);
	ck_assert(composition_remove(c, CONF_PART_PEER, "a"));
	ck_assert(!composition_result(c, CONF_PART_PEER, "a", &(struct composition_result){ 0 }));
	ck_assert_int_eq(load(), 0);
}
END_TEST

static bool
is_b(void *ctx, const char *element)
{
	return strcmp(element, "b") == 0;
}

START_TEST(deletions_nobody_saw)
{
	set("a", "1", TOR1);
	set("b", "1", TOR2);
	ck_assert_int_eq(load(), 2);
	ck_assert(composition_sweep(c, CONF_PART_PEER, is_b, NULL));
	ck_assert(!composition_sweep(c, CONF_PART_FILTER, is_b, NULL));
	ck_assert_int_eq(load(), 1);
}
END_TEST

START_TEST(a_file_that_waits)
{
	static const char text[] = "kernel: {install: false}\npeers: [{peerIP: 10.0.0.9, asNumber: 1}]\n";
	struct conf *conf;

	composition_set_file(c, "weft.yaml", text, strlen(text));
	ck_assert(composition_is_file(c, text, strlen(text)));
	ck_assert_int_eq(load(), -1);
	conf = composition_load_waiting(c, &env);
	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(conf->peers.n, 1);
	ck_assert(!conf->peers.v[0].enabled);
	conf_free(conf);
	ck_assert(composition_set(c, CONF_PART_DEFAULT, "default", "1", "{\"bgp\":{\"asNumber\":64512}}"));
	ck_assert_int_eq(load(), 1);
	composition_set_file(c, "weft.yaml", "peers: x\n", 9);
	ck_assert_int_eq(load(), 1); /* the last good file */
	composition_free(c);
	c = composition_new();
	composition_set_file(c, "weft.yaml", "peers: x\n", 9);
	ck_assert_int_eq(load(), -1);
	ck_assert_ptr_null(composition_load_waiting(c, &env));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("composition");
	TCase *tc = unit_case(s, "composition");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_good_one_stays);
	tcase_add_test(tc, the_older_one_counts);
	tcase_add_test(tc, a_bad_one_that_goes_leaves_nothing);
	tcase_add_test(tc, deletions_nobody_saw);
	tcase_add_test(tc, a_file_that_waits);
	return unit_run(s);
}
