/*
 * Label selectors: what matches, what is refused and where, and text that is read again.
 */
#include "lib/mem.h"
#include "lib/selector.h"
#include "tests/unit/unit.h"

static const struct label some[] = {
	{ "a", "1" },
	{ "kubernetes.io/hostname", "n1" },
	{ "rack", "r1" },
	{ "rr", "" },
	{ "zone", "eu-west-1" },
};
static const struct labels labels = { some, NROWS(some) };

static const struct {
	const char *text;
	bool matches;
} rows[] = {
	{ "all()", true },
	{ " all( ) ", true },
	{ "!all()", false },
	{ "has(rr)", true },
	{ "has( rr )", true },
	{ "has(nothing)", false },
	{ "!has(nothing)", true },
	{ "!!has(rr)", true },
	{ "rack == \"r1\"", true },
	{ "rack=='r1'", true },
	{ "rack == 'r2'", false },
	{ "rr == ''", true },
	{ "nothing == ''", false },
	{ "rack != 'r1'", false },
	{ "rack != 'r2'", true },
	{ "nothing != 'r1'", true },
	{ "! rack == 'r2'", true },
	{ "rack in {'r1'}", true },
	{ "rack in {\"r0\", 'r1'}", true },
	{ "rack in {'r0','r2'}", false },
	{ "nothing in {'r1'}", false },
	{ "rack not in {'r0', 'r2'}", true },
	{ "rack not in {'r1'}", false },
	{ "nothing not in {'r1'}", true },
	{ "zone contains 'west'", true },
	{ "zone contains 'east'", false },
	{ "nothing contains ''", false },
	{ "zone starts with 'eu'", true },
	{ "zone starts with 'west'", false },
	{ "zone ends with '-1'", true },
	{ "zone ends with 'a longer text than that'", false },
	{ "kubernetes.io/hostname == 'n1'", true },
	{ "has(rr) && rack == 'r1' && a == '1'", true },
	{ "has(rr) && rack == 'r2' && a == '1'", false },
	{ "rack == 'r2' || a == '1'", true },
	{ "rack == 'r1' || has(x) && has(y)", true },
	{ "(rack == 'r1' || has(x)) && has(y)", false },
	{ "has(x) && has(y) || has(z) || has(rr)", true },
	{ "!(has(rr) && has(rack))", false },
	{ "((((has(rr)))))", true },
	/* Words are keys, too. */
	{ "not in {'x'}", false },
	{ "all == 'x' || has == 'x' || in in {'x'}", false },
};

START_TEST(matches)
{
	char why[SELECTOR_WHY_MAX] = "", *text, *again;
	size_t at = 0;
	struct selector *s = selector_parse(rows[_i].text, why, &at), *t;

	ck_assert_msg(s, "%s: want %s at %zu", rows[_i].text, why, at);
	ck_assert_msg(selector_match(s, &labels) == rows[_i].matches, "%s", rows[_i].text);
	text = selector_text(s);
	t = selector_parse(text, why, &at);
	ck_assert_msg(t, "%s: want %s at %zu", text, why, at);
	ck_assert_msg(selector_match(t, &labels) == rows[_i].matches, "%s", text);
	again = selector_text(t);
	ck_assert_str_eq(again, text);
	mem_free(again);
	mem_free(text);
	selector_free(t);
	selector_free(s);
}
END_TEST

static const struct {
	const char *text, *why;
	size_t at;
} bad[] = {
	{ "", "a label's key, has(), all(), \"!\" or \"(\"", 0 },
	{ "  ", "a label's key, has(), all(), \"!\" or \"(\"", 2 },
	{ "rack", "==, !=, in, not in, contains, starts with or ends with", 4 },
	{ "rack = 'r1'", "==, !=, in, not in, contains, starts with or ends with", 5 },
	{ "rack not 'r1'", "==, !=, in, not in, contains, starts with or ends with", 5 },
	{ "rack starts 'r1'", "==, !=, in, not in, contains, starts with or ends with", 5 },
	{ "rack == r1", "a value in quotes", 8 },
	{ "rack == 'r1", "a value that ends in the quote it begins with", 8 },
	{ "rack == \"r1'", "a value that ends in the quote it begins with", 8 },
	{ "rack == 'r\t1'", "a value without control characters", 8 },
	{ "rack in 'r1'", "a set: {\"value\", \"value\"}", 8 },
	{ "rack in {}", "a value in quotes", 9 },
	{ "rack in {'a',}", "a value in quotes", 13 },
	{ "rack in {'a' 'b'}", "\",\" or \"}\"", 13 },
	{ "rack in {'a'", "\",\" or \"}\"", 12 },
	{ "has()", "a label's key", 4 },
	{ "has(a", "\")\"", 5 },
	{ "all(", "\")\"", 4 },
	{ "has(a) has(b)", "\"&&\", \"||\" or the end", 7 },
	{ "has(a) & has(b)", "\"&&\", \"||\" or the end", 7 },
	{ "has(a) &&", "a label's key, has(), all(), \"!\" or \"(\"", 9 },
	{ "has(a) || || has(b)", "a label's key, has(), all(), \"!\" or \"(\"", 10 },
	{ "(has(a)", "\"&&\", \"||\" or \")\"", 7 },
	{ "has(a))", "\"&&\", \"||\" or the end", 6 },
	{ "!", "a label's key, has(), all(), \"!\" or \"(\"", 1 },
	{ "()", "a label's key, has(), all(), \"!\" or \"(\"", 1 },
};

START_TEST(refuses)
{
	char why[SELECTOR_WHY_MAX] = "";
	size_t at = 0;

	ck_assert_msg(!selector_parse(bad[_i].text, why, &at), "%s", bad[_i].text);
	ck_assert_msg(strcmp(why, bad[_i].why) == 0, "%s: %s", bad[_i].text, why);
	ck_assert_msg(at == bad[_i].at, "%s: at %zu", bad[_i].text, at);
	ck_assert_ptr_null(selector_parse(bad[_i].text, NULL, NULL));
}
END_TEST

/* n times that octet, then a term. */
static char *
many(size_t n, char c, const char *term)
{
	size_t len = strlen(term);
	char *s = mem_alloc(n + len + 1);

	memset(s, c, n);
	memcpy(s + n, term, len + 1);
	return s;
}

START_TEST(bounds)
{
	static const struct {
		size_t n;
		char c;
		bool good;
	} row[] = {
		{ SELECTOR_DEPTH_MAX, '!', true },
		{ SELECTOR_DEPTH_MAX + 1, '!', false },
		{ SELECTOR_DEPTH_MAX + 1, '(', false },
		{ SELECTOR_LEN_MAX - 6, ' ', true },
		{ SELECTOR_LEN_MAX - 5, ' ', false },
	};
	struct selector *s;
	char *text;

	for (int i = 0; i < NROWS(row); i++) {
		text = many(row[i].n, row[i].c, "has(a)");
		s = selector_parse(text, NULL, NULL);
		ck_assert_msg((s != NULL) == row[i].good, "%d", i);
		selector_free(s);
		mem_free(text);
	}
}
END_TEST

/* As many nodes as fit; a long row does not nest. */
START_TEST(long_rows)
{
	char text[SELECTOR_LEN_MAX + 1] = "x==''";
	size_t len = strlen(text);
	struct selector *s;
	char *again;

	while (len + 7 <= SELECTOR_LEN_MAX) {
		memcpy(text + len, "||a==''", 8);
		len += 7;
	}
	s = selector_parse(text, NULL, NULL);
	ck_assert_ptr_nonnull(s);
	ck_assert(!selector_match(s, &labels));
	again = selector_text(s);
	ck_assert_uint_gt(strlen(again), len);
	mem_free(again);
	selector_free(s);
}
END_TEST

/* Whatever is cut off, nothing is read beyond the end. */
START_TEST(cut_anywhere)
{
	const char *text = "!(rack in {\"a\", 'b'} || zone not in {'c'}) && has(x) && y starts with 'z'";

	for (size_t n = 0; n <= strlen(text); n++) {
		char *cut = mem_strndup(text, n);

		selector_free(selector_parse(cut, NULL, NULL));
		mem_free(cut);
	}
}
END_TEST

START_TEST(lookup)
{
	ck_assert_str_eq(labels_get(&labels, "a"), "1");
	ck_assert_str_eq(labels_get(&labels, "zone"), "eu-west-1");
	ck_assert_str_eq(labels_get(&labels, "rr"), "");
	ck_assert_ptr_null(labels_get(&labels, "b"));
	ck_assert_ptr_null(labels_get(&(struct labels){ NULL, 0 }, "b"));
	ck_assert(selector_match(NULL, &labels));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("selector");
	TCase *tc = unit_case(s, "selector");

	tcase_add_loop_test(tc, matches, 0, NROWS(rows));
	tcase_add_loop_test(tc, refuses, 0, NROWS(bad));
	tcase_add_test(tc, bounds);
	tcase_add_test(tc, long_rows);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, lookup);
	return unit_run(s);
}
