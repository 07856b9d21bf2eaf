/*
 * The ordered prefix set: exact and longest match, walks, removal while walking,
 * resumption by key. Random sequences against a naive list are in prop/prop_lib.c.
 */
#include "lib/trie.h"

#include "lib/list.h"
#include "lib/mem.h"
#include "tests/unit/unit.h"

struct entry {
	struct trie_node node;
};

static const char *const texts[] = { "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.0/32",
	"10.0.0.255/32", "10.0.1.0/24", "10.128.0.0/9", "192.0.2.0/24", "::/0", "fd00::/8",
	"fd00:1::/32", "fd00:1::/64", "fd00:1:0:1::/64" };

static const char *
text_of(const struct trie_node *n)
{
	static char buf[IP_PREFIX_STRLEN];

	return n ? ip_prefix_str(&n->prefix, buf) : "-";
}

/* All texts but the one named, inserted last first. */
static void
fill(struct trie *t, struct entry *e, const char *but)
{
	struct ip_prefix p;

	trie_init(t);
	for (int i = NROWS(texts) - 1; i >= 0; i--) {
		if (but && strcmp(texts[i], but) == 0)
			continue;
		p = px(texts[i]);
		ck_assert_ptr_null(trie_insert(t, &e[i].node, &p));
	}
}

START_TEST(empty)
{
	struct trie t;
	struct ip_prefix p = px("10.0.0.0/8");
	struct ip_addr a = ip_prefix_addr(&p), none = { 0 };

	trie_init(&t);
	ck_assert_ptr_null(trie_first(&t));
	ck_assert_ptr_null(trie_last(&t));
	ck_assert_ptr_null(trie_find(&t, &p));
	ck_assert_ptr_null(trie_lpm(&t, &a));
	ck_assert_ptr_null(trie_lpm(&t, &none));
	ck_assert_ptr_null(trie_covering(&t, &p));
	ck_assert_ptr_null(trie_after(&t, &p));
	ck_assert_ptr_null(trie_first_below(&t, &p));
}
END_TEST

START_TEST(insert_and_find)
{
	struct entry e[NROWS(texts)], twice;
	struct trie t;

	fill(&t, e, NULL);
	ck_assert_uint_eq(t.n, (size_t)NROWS(texts));
	for (int i = 0; i < NROWS(texts); i++) {
		struct ip_prefix p = px(texts[i]);

		ck_assert_ptr_eq(trie_find(&t, &p), &e[i].node);
		ck_assert_ptr_eq(container_of(trie_find(&t, &p), struct entry, node), &e[i]);
		ck_assert_ptr_eq(trie_insert(&t, &twice.node, &p), &e[i].node);
	}
	ck_assert_uint_eq(t.n, (size_t)NROWS(texts));
}
END_TEST

START_TEST(walks_in_order)
{
	struct entry e[NROWS(texts)];
	struct trie_node *n;
	struct trie t;
	int i = 0;

	fill(&t, e, NULL);
	TRIE_FOREACH(n, &t)
		ck_assert_str_eq(text_of(n), texts[i++]);
	ck_assert_int_eq(i, NROWS(texts));
	for (n = trie_last(&t); n; n = trie_prev(n))
		ck_assert_str_eq(text_of(n), texts[--i]);
	ck_assert_int_eq(i, 0);
}
END_TEST

static const struct {
	const char *addr, *match; /* then ever shorter ones, separated by spaces */
} lpm_rows[] = {
	{ "10.0.0.0", "10.0.0.0/32 10.0.0.0/24 10.0.0.0/8 0.0.0.0/0 -" },
	{ "10.0.0.1", "10.0.0.0/24 10.0.0.0/8 0.0.0.0/0 -" },
	{ "10.0.2.1", "10.0.0.0/8 0.0.0.0/0 -" },
	{ "10.255.255.255", "10.128.0.0/9 10.0.0.0/8 0.0.0.0/0 -" },
	{ "255.255.255.255", "0.0.0.0/0 -" },
	{ "0.0.0.0", "0.0.0.0/0 -" },
	{ "::", "::/0 -" },
	{ "fd00:1::5", "fd00:1::/64 fd00:1::/32 fd00::/8 ::/0 -" },
	{ "fd00:1:0:2::5", "fd00:1::/32 fd00::/8 ::/0 -" },
	{ "ffff::", "::/0 -" },
};

START_TEST(longest_match)
{
	struct entry e[NROWS(texts)];
	char got[256] = "";
	struct trie_node *n;
	struct ip_addr a;
	struct trie t;

	fill(&t, e, NULL);
	ck_assert(ip_addr_parse(lpm_rows[_i].addr, &a));
	for (n = trie_lpm(&t, &a); n; n = trie_lpm_next_shorter(&t, n)) {
		strcat(got, text_of(n));
		strcat(got, " ");
	}
	strcat(got, "-");
	ck_assert_str_eq(got, lpm_rows[_i].match);
}
END_TEST

START_TEST(no_match)
{
	struct entry e[NROWS(texts)];
	struct ip_prefix wide = px("0.0.0.0/1"), v6 = px("2001:db8::/32");
	struct ip_addr a = ip_addr_from_v4(0xffffffff);
	struct trie t;

	fill(&t, e, "0.0.0.0/0");
	ck_assert_ptr_null(trie_lpm(&t, &a));
	ck_assert_ptr_null(trie_covering(&t, &wide)); /* longer ones inside do not count */
	fill(&t, e, "::/0");
	ck_assert_ptr_null(trie_covering(&t, &v6)); /* IPv4's default is no answer for IPv6 */
}
END_TEST

static const struct {
	const char *below, *want;
} below_rows[] = {
	{ "10.0.0.0/8", "10.0.0.0/8 10.0.0.0/24 10.0.0.0/32 10.0.0.255/32 10.0.1.0/24 "
			"10.128.0.0/9 " },
	{ "10.0.0.0/16", "10.0.0.0/24 10.0.0.0/32 10.0.0.255/32 10.0.1.0/24 " },
	{ "10.0.0.255/32", "10.0.0.255/32 " },
	{ "10.1.0.0/16", "" },
	{ "255.0.0.0/8", "" },
	{ "fd00:1::/48", "fd00:1::/64 fd00:1:0:1::/64 " },
	{ "::/0", "::/0 fd00::/8 fd00:1::/32 fd00:1::/64 fd00:1:0:1::/64 " },
};

START_TEST(subtrees)
{
	struct ip_prefix below = px(below_rows[_i].below);
	struct entry e[NROWS(texts)];
	char got[256] = "";
	struct trie_node *n;
	struct trie t;

	fill(&t, e, NULL);
	for (n = trie_first_below(&t, &below); n; n = trie_next_below(n, &below)) {
		strcat(got, text_of(n));
		strcat(got, " ");
	}
	ck_assert_str_eq(got, below_rows[_i].want);
}
END_TEST

/* A walk resumed by key goes on after it, whether its entry is still there or not. */
START_TEST(resumes_by_key)
{
	struct entry e[NROWS(texts)];
	struct trie t;

	for (int i = 0; i < NROWS(texts); i++) {
		struct ip_prefix p = px(texts[i]);
		const char *want = i + 1 < NROWS(texts) ? texts[i + 1] : "-";

		fill(&t, e, NULL);
		ck_assert_str_eq(text_of(trie_after(&t, &p)), want);
		trie_remove(&t, &e[i].node);
		ck_assert_ptr_null(trie_find(&t, &p));
		ck_assert_str_eq(text_of(trie_after(&t, &p)), want);
	}
}
END_TEST

/* Every second entry is removed and freed on the way; the others stay. */
START_TEST(removes_while_walking)
{
	struct trie_node *n, *tmp;
	struct trie t;
	int i = 0;

	trie_init(&t);
	for (i = 0; i < NROWS(texts); i++) {
		struct entry *e = mem_zalloc(sizeof(*e));
		struct ip_prefix p = px(texts[i]);

		ck_assert_ptr_null(trie_insert(&t, &e->node, &p));
	}
	i = 0;
	TRIE_FOREACH_SAFE(n, tmp, &t) {
		ck_assert_str_eq(text_of(n), texts[i]);
		if (i++ % 2 == 0) {
			trie_remove(&t, n);
			mem_free(container_of(n, struct entry, node));
		}
	}
	i = 1;
	TRIE_FOREACH_SAFE(n, tmp, &t) {
		ck_assert_str_eq(text_of(n), texts[i]);
		i += 2;
		trie_remove(&t, n);
		mem_free(container_of(n, struct entry, node));
	}
	ck_assert_uint_eq(t.n, 0);
	ck_assert_ptr_null(t.root);
}
END_TEST

/* What a route costs: a million of them have to fit (see trie.h). */
START_TEST(node_is_small)
{
	ck_assert_uint_le(sizeof(struct trie_node), 48);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trie");
	TCase *tc = unit_case(s, "trie");

	tcase_add_test(tc, empty);
	tcase_add_test(tc, insert_and_find);
	tcase_add_test(tc, walks_in_order);
	tcase_add_loop_test(tc, longest_match, 0, NROWS(lpm_rows));
	tcase_add_test(tc, no_match);
	tcase_add_loop_test(tc, subtrees, 0, NROWS(below_rows));
	tcase_add_test(tc, resumes_by_key);
	tcase_add_test(tc, removes_while_walking);
	tcase_add_test(tc, node_is_small);
	return unit_run(s);
}
