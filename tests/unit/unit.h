/*
 * What every unit test program shares: running suites, octets in place, and
 * adding a table of cases as one loop test.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ip.h"

/* Octets and their number, for rows of tables: the length always comes from the octets. */
#define HEX(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

#define NROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* A prefix, an address (NULL: none) from text that must be right. */
static inline struct ip_prefix
px(const char *s)
{
	struct ip_prefix p;

	ck_assert_msg(ip_prefix_parse(s, &p, NULL), "%s", s);
	return p;
}

static inline struct ip_addr
ad(const char *s)
{
	struct ip_addr a = { 0 };

	ck_assert_msg(!s || ip_addr_parse(s, &a), "%s", s);
	return a;
}

/* Run the suite; the program's exit status. */
static inline int
unit_run(Suite *s)
{
	SRunner *sr = srunner_create(s);
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A test case of that name in s; check's own 4 s are short for sanitizers on a busy machine. */
static inline TCase *
unit_case(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	return tc;
}

#endif
