/*
 * The JSON writer and the table.
 */
#include "lib/out.h"

#include <math.h>

#include "lib/mem.h"
#include "tests/unit/unit.h"

static void
sample(struct out *o)
{
	out_open(o, NULL);
	out_str(o, "name", "tor1");
	out_u64(o, "as", UINT64_MAX);
	out_i64(o, "low", INT64_MIN);
	out_bool(o, "up", true);
	out_null(o, "x");
	out_str(o, "y", NULL);
	out_open_array(o, "list");
	out_u64(o, NULL, 1);
	out_open(o, NULL);
	out_close(o);
	out_fmt(o, NULL, "%d\"%s", 1, "z");
	out_close(o);
	out_open_array(o, "empty");
	out_close(o);
	out_raw(o, "raw", "{\"a\":1}");
	out_close(o);
}

START_TEST(compact)
{
	struct out o;

	out_init(&o, false);
	ck_assert_str_eq(out_text(&o), "");
	sample(&o);
	ck_assert_str_eq(out_text(&o),
	    "{\"name\":\"tor1\",\"as\":18446744073709551615,\"low\":-9223372036854775808,"
	    "\"up\":true,\"x\":null,\"y\":null,\"list\":[1,{},\"1\\\"z\"],\"empty\":[],"
	    "\"raw\":{\"a\":1}}");
	out_free(&o);
}
END_TEST

START_TEST(indented)
{
	struct out o;

	out_init(&o, true);
	out_open(&o, NULL);
	out_u64(&o, "a", 1);
	out_open_array(&o, "b");
	out_u64(&o, NULL, 2);
	out_u64(&o, NULL, 3);
	out_close(&o);
	out_open(&o, "c");
	out_close(&o);
	out_close(&o);
	ck_assert_str_eq(out_text(&o), "{\n  \"a\": 1,\n  \"b\": [\n    2,\n    3\n  ],\n  \"c\": {}\n}");
	out_free(&o);
}
END_TEST

START_TEST(several_documents)
{
	struct out o;
	size_t len;
	char *s;

	out_init(&o, false);
	for (int i = 0; i < 2; i++) {
		out_open(&o, NULL);
		out_close(&o);
		out_lit(&o, "\n");
	}
	s = out_take(&o, &len);
	ck_assert_str_eq(s, "{}\n{}\n");
	ck_assert_uint_eq(len, 6);
	mem_free(s);
	ck_assert_str_eq(out_text(&o), "");
	sample(&o);
	out_reset(&o);
	ck_assert_str_eq(out_text(&o), "");
	out_u64(&o, NULL, 7);
	ck_assert_str_eq(out_text(&o), "7");
	out_free(&o);
	s = out_take(&o, NULL);
	ck_assert_str_eq(s, "");
	mem_free(s);
}
END_TEST

#define STR(s) s, sizeof(s) - 1

static const struct {
	const char *in;
	size_t len;
	const char *want;
} escape_rows[] = {
	{ STR("plain"), "plain" },
	{ STR("\"\\/"), "\\\"\\\\/" },
	{ STR("\b\f\n\r\t"), "\\b\\f\\n\\r\\t" },
	{ STR("\0\x01\x1f"), "\\u0000\\u0001\\u001f" },
	{ STR("\x7f\xc2\x80\xc2\x9f\xc2\xa0"), "\\u007f\\u0080\\u009f\xc2\xa0" },
	{ STR("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ STR("\x80"), "\xef\xbf\xbd" },		 /* stray continuation */
	{ STR("\xc3"), "\xef\xbf\xbd" },		 /* cut off */
	{ STR("\xc3x"), "\xef\xbf\xbdx" },
	{ STR("\xc0\x80"), "\xef\xbf\xbd\xef\xbf\xbd" }, /* overlong: RFC 3629 section 3 */
	{ STR("\xe0\x9f\xbf"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ STR("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
	{ STR("\xf4\x90\x80\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ STR("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf" }, /* U+10FFFF is the last one */
	{ STR("\xff"), "\xef\xbf\xbd" },
};

START_TEST(escapes)
{
	char buf[64], *quoted = mem_printf("\"%s\"", escape_rows[_i].want);
	size_t full = strlen(escape_rows[_i].want), n;
	struct out o;
	bool cut;

	out_init(&o, false);
	out_strn(&o, NULL, escape_rows[_i].in, escape_rows[_i].len);
	ck_assert_str_eq(out_text(&o), quoted);
	out_free(&o);
	mem_free(quoted);
	for (size_t cap = 0; cap < sizeof(buf); cap++) {
		n = out_escape(buf, cap, escape_rows[_i].in, escape_rows[_i].len, &cut);
		ck_assert_int_eq(cut, cap <= full);
		ck_assert_uint_le(n, cap > 0 ? cap - 1 : 0);
		ck_assert_mem_eq(buf, escape_rows[_i].want, n);
	}
}
END_TEST

static const struct {
	double v;
	const char *want;
} double_rows[] = {
	{ 0, "0" },
	{ 0.1, "0.1" },
	{ -1.5, "-1.5" },
	{ 1e300, "1e+300" },
	{ 1.0 / 3, "0.33333333333333331" },
	{ NAN, "null" },
	{ -INFINITY, "null" },
};

START_TEST(doubles)
{
	struct out o;

	out_init(&o, false);
	out_double(&o, NULL, double_rows[_i].v);
	ck_assert_str_eq(out_text(&o), double_rows[_i].want);
	out_free(&o);
}
END_TEST

/* A programming error each: no broken JSON leaves the process. */
START_TEST(misuse_aborts)
{
	struct out o;

	out_init(&o, false);
	switch (_i) {
	case 0:
		out_close(&o);
		break;
	case 1:
		out_open(&o, "key");
		break;
	case 2:
		out_open(&o, NULL);
		out_u64(&o, NULL, 1);
		break;
	case 3:
		out_open_array(&o, NULL);
		out_u64(&o, "key", 1);
		break;
	case 4:
		out_u64(&o, NULL, 1);
		out_u64(&o, NULL, 1);
		break;
	case 5:
		out_open(&o, NULL);
		out_lit(&o, "x");
		break;
	case 6:
		for (;;)
			out_open_array(&o, NULL);
	}
}
END_TEST

static const struct table_col cols[] = {
	{ "PEER", false, false },
	{ "AS", true, false },
	{ "ID", false, true },
	{ "INFO", false, false },
};

START_TEST(tables)
{
	struct table t;
	char *s;

	table_init(&t, cols, 4, _i);
	s = table_render(&t, true);
	ck_assert_str_eq(s, ""); /* no rows, no table */
	mem_free(s);
	table_cell(&t, "tor1");
	table_cellf(&t, "%u", 65000u);
	table_cell(&t, "10.0.0.1");
	table_cell(&t, "");
	table_cell(&t, "gr\xc3\xbcn\x1b[2J");
	table_cell(&t, "1");
	table_cell(&t, NULL);
	table_cell(&t, "x");
	table_blank(&t);
	table_end_row(&t);
	ck_assert_uint_eq(table_rows(&t), 3);
	s = table_render(&t, true);
	ck_assert_str_eq(s, _i ? "PEER         AS  ID        INFO\n"
				 "tor1      65000  10.0.0.1  -\n"
				 "gr\xc3\xbcn?[2J      1  -         x\n"
				 "\n" :
				 "PEER         AS  INFO\n"
				 "tor1      65000  -\n"
				 "gr\xc3\xbcn?[2J      1  x\n"
				 "\n");
	mem_free(s);
	s = table_render(&t, false);
	ck_assert_ptr_null(strstr(s, "PEER"));
	ck_assert_ptr_null(strstr(s, " \n"));
	mem_free(s);
	table_free(&t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("out");
	TCase *tc = unit_case(s, "json");

	tcase_add_test(tc, compact);
	tcase_add_test(tc, indented);
	tcase_add_test(tc, several_documents);
	tcase_add_loop_test(tc, escapes, 0, NROWS(escape_rows));
	tcase_add_loop_test(tc, doubles, 0, NROWS(double_rows));
	tcase_add_loop_test_raise_signal(tc, misuse_aborts, 6, 0, 7);
	tc = unit_case(s, "table");
	tcase_add_loop_test(tc, tables, 0, 2);
	return unit_run(s);
}
