/*
 * AS_PATH counted and rewritten, one row per rule.
 * RFC 4271 section 9.1.2, RFC 5065 section 4, RFC 6996.
 */
#include "bgpd/core/aspath.h"

#include <stdlib.h>

#include "bgpd/core/bgp.h"
#include "tests/unit/unit.h"

static struct attrs_pool *pool;

static void
setup(void)
{
	uint64_t key[2] = { 1, 2 };

	pool = attrs_pool_new(key);
}

static void
teardown(void)
{
	attrs_pool_free(pool);
}

/* "7 8 {9} (10) [11]" as attrs_str_as_path() writes it, into wire form. */
static void
path_of(const char *text, struct wr *w)
{
	static const struct {
		char open, close;
		uint8_t seg;
	} kinds[] = { { '{', '}', SEG_SET }, { '(', ')', SEG_CONFED_SEQUENCE },
		{ '[', ']', SEG_CONFED_SET } };
	size_t count_at = 0;
	uint8_t seg = 0, in = 0;

	for (; *text; text += *text != '\0') {
		char *end;

		for (unsigned i = 0; i < NROWS(kinds); i++) {
			if (*text == kinds[i].open)
				in = kinds[i].seg;
			if (*text == kinds[i].close)
				in = seg = 0;
		}
		if (*text < '0' || *text > '9')
			continue;
		if (seg != (in ? in : SEG_SEQUENCE)) {
			seg = in ? in : SEG_SEQUENCE;
			wr_u8(w, seg);
			count_at = wr_len(w);
			wr_u8(w, 0);
		}
		wr_u32(w, (uint32_t)strtoul(text, &end, 10));
		w->base[count_at]++;
		text = end - 1;
	}
}

static const struct attrs *
make(const char *text)
{
	uint8_t buf[256];
	struct wr w = wr_init(buf, sizeof(buf));
	struct attrs_build b = { 0 };

	path_of(text, &w);
	b.part[ATTRS_AS_PATH] = (struct attrs_view){ buf, (uint16_t)wr_len(&w) };
	return attrs_intern(pool, &b);
}

#define WHOLE	.private_as = IPC_PRIVATE_WHOLE
#define LEADING .private_as = IPC_PRIVATE_LEADING
#define ALL	.private_as = IPC_PRIVATE_ALL
#define REPLACE .private_as = IPC_PRIVATE_REPLACE, .own = 1

static const struct {
	const char *what;
	struct aspath_edit e;
	const char *path, *want;
} edits[] = {
	{ "confederation segments go: 5065 s4", { .drop_confed = true }, "(65001 65002) 7 8", "7 8" },
	{ "all of them", { .drop_confed = true }, "(65001) [65002 65003] {9}", "{9}" },
	{ "none is left", { .drop_confed = true }, "(65001)", "" },
	{ "none there", { .drop_confed = true }, "7", "7" },
	{ "override", { .override = true, .own = 1, .peer = 8 }, "8 7 8 {8 9}", "1 7 1 {1 9}" },
	{ "override, not in the confederation", { .override = true, .own = 1, .peer = 8 }, "(8) 8",
	    "(8) 1" },
	{ "onlyPrivate, all are", { WHOLE }, "64512 65534 4200000000 4294967294", "" },
	{ "onlyPrivate, one is public", { WHOLE }, "64512 7 65000", "64512 7 65000" },
	{ "onlyPrivate, a public one in a set", { WHOLE }, "64512 {7}", "64512 {7}" },
	{ "onlyPrivate, the confederation apart", { WHOLE }, "(7) 64512", "(7)" },
	{ "onlyPrivate, the peer's stays", { WHOLE, .peer = 65009 }, "64512 65009", "65009" },
	{ "leading", { LEADING }, "64512 65000 7 65000", "7 65000" },
	{ "leading, none", { LEADING }, "7 65000", "7 65000" },
	{ "leading, the peer's ends it", { LEADING, .peer = 65009 }, "64512 65009 65000",
	    "65009 65000" },
	{ "all", { ALL }, "64512 7 65000 {65001} {65002 9} 8", "7 {9} 8" },
	{ "all, the peer's stays", { ALL, .peer = 65009 }, "65009 65000 7 65009", "65009 7 65009" },
	{ "replace", { REPLACE }, "64512 7 65000 {65001}", "1 7 1 {1}" },
	{ "replace, the peer's stays", { REPLACE, .peer = 65009 }, "65009 65000", "65009 1" },
	{ "override before private", { ALL, .override = true, .own = 64999, .peer = 65009 },
	    "65009 65000 7", "64999 7" },
	{ "around the ranges: 6996 s5", { ALL }, "64511 65535 4199999999 4294967295",
	    "64511 65535 4199999999 4294967295" },
	{ "nothing to do with an empty path", { ALL, .drop_confed = true }, "", "" },
};

START_TEST(edit)
{
	const struct attrs *a = make(edits[_i].path), *x;
	uint8_t scratch[256];
	struct attrs_build b;
	char buf[128];

	attrs_to_build(a, &b);
	ck_assert(aspath_edits(&edits[_i].e));
	ck_assert(aspath_apply(&edits[_i].e, &b, scratch, sizeof(scratch)));
	x = attrs_intern(pool, &b);
	ck_assert_msg(strcmp(attrs_str_as_path(x, buf, sizeof(buf)), edits[_i].want) == 0, "%s: %s",
	    edits[_i].what, buf);
	attrs_unref(pool, x);
	attrs_unref(pool, a);
}
END_TEST

/* Scratch that is too small: nothing is changed, and nothing written beyond it. */
START_TEST(edit_without_room)
{
	const struct aspath_edit e = { .override = true, .own = 1, .peer = 8 };
	const struct attrs *a = make("7 8 {9 8} 8");
	uint8_t scratch[64];
	struct attrs_build b;
	size_t cap, need = attrs_part(a, ATTRS_AS_PATH).octets;

	for (cap = 0; cap < need; cap++) {
		attrs_to_build(a, &b);
		memset(scratch, 0xaa, sizeof(scratch));
		ck_assert(!aspath_apply(&e, &b, scratch, cap));
		ck_assert_ptr_eq(b.part[ATTRS_AS_PATH].p, attrs_part(a, ATTRS_AS_PATH).p);
		ck_assert_uint_eq(scratch[cap], 0xaa);
	}
	ck_assert(aspath_apply(&e, &b, scratch, need));
	ck_assert(!aspath_edits(&(struct aspath_edit){ .own = 1, .peer = 2 }));
	attrs_unref(pool, a);
}
END_TEST

START_TEST(counting)
{
	const struct attrs *a = make("(5 5 6) 5 7 {5}"), *set = make("{5}"), *none = make("");

	ck_assert_uint_eq(aspath_count(a, 5), 2);
	ck_assert_uint_eq(aspath_count_confed(a, 5), 2);
	ck_assert_uint_eq(aspath_count(a, 6), 0);
	ck_assert_uint_eq(aspath_count_confed(a, 7), 0);
	ck_assert_uint_eq(aspath_first(a, 0), 0); /* a confederation's segment is no AS_SEQUENCE */
	ck_assert_uint_eq(aspath_first(set, 0), 0);
	ck_assert_uint_eq(aspath_first(none, 0), 0);
	attrs_unref(pool, a);
	a = make("5 7 {9}");
	ck_assert_uint_eq(aspath_first(a, 0), 5);
	ck_assert_uint_eq(aspath_first(a, 1), 7);
	ck_assert_uint_eq(aspath_first(a, 2), 0);
	attrs_unref(pool, a);
	attrs_unref(pool, set);
	attrs_unref(pool, none);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("aspath");
	TCase *t = unit_case(s, "aspath");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, edit, 0, NROWS(edits));
	tcase_add_test(t, edit_without_room);
	tcase_add_test(t, counting);
	return unit_run(s);
}
