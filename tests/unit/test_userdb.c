/*
 * Users and groups out of files like /etc/passwd and /etc/group.
 */
#include <fcntl.h>
#include <unistd.h>

#include "lib/userdb.h"
#include "tests/unit/unit.h"

static const char text[] =
    "root:x:0:0:root:/root:/bin/bash\n"
    "# a remark\n"
    "+::::::\n"
    "half:x\n"
    "word:x:many:1::/:\n"
    "tail:x:5x:1::/:\n"
    "huge:x:99999999999999999999:1::/:\n"
    "none:x:4294967295:4294967295::/:\n"
    "weft:x:101:102:Routes:/:/usr/sbin/nologin\n"
    "weft:x:103:104:again:/:/usr/sbin/nologin\n"
    "\n"
    "group:x:105:weft,root\n"
    "last:x:106:107";

static const struct {
	const char *name;
	uint32_t number;
	bool user; /* else a group */
	bool found;
	uint32_t want, group;
} cases[] = {
	{ "root", 1, true, true, 0, 0 },
	{ "weft", 0, true, true, 101, 102 }, /* the first */
	{ NULL, 103, true, true, 103, 104 },
	{ NULL, 104, true, false, 0, 0 },
	{ "group", 0, false, true, 105, 0 },
	{ "group", 0, true, false, 0, 0 }, /* no second number */
	{ "last", 0, true, true, 106, 107 },
	{ "wef", 0, true, false, 0, 0 },
	{ "weft:x", 0, true, false, 0, 0 },
	{ "", 0, true, false, 0, 0 },
	{ "+", 0, true, false, 0, 0 },
	{ "half", 0, false, false, 0, 0 },
	{ "word", 0, true, false, 0, 0 },
	{ "tail", 0, true, false, 0, 0 },
	{ "huge", 0, true, false, 0, 0 },
	{ "none", 0, true, false, 0, 0 },
	{ "# a remark", 0, false, false, 0, 0 },
};

START_TEST(entries)
{
	char path[] = "/tmp/test_userdb.XXXXXX";
	int fd = mkstemp(path);
	uint32_t number = 7, group = 8;
	bool found;

	ck_assert_int_eq(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
	close(fd);
	found = userdb_find(path, cases[_i].name, cases[_i].number, &number,
	    cases[_i].user ? &group : NULL);
	unlink(path);
	ck_assert_int_eq(found, cases[_i].found);
	ck_assert_uint_eq(number, found ? cases[_i].want : 7);
	ck_assert_uint_eq(group, found && cases[_i].user ? cases[_i].group : 8);
}
END_TEST

START_TEST(no_file)
{
	uint32_t number;

	ck_assert(!userdb_find("/nonexistent/passwd", "root", 0, &number, NULL));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("userdb");
	TCase *tc = unit_case(s, "userdb");

	tcase_add_loop_test(tc, entries, 0, NROWS(cases));
	tcase_add_test(tc, no_file);
	return unit_run(s);
}
