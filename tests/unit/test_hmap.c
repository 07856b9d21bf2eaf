/*
 * The hash map and SipHash.
 */
#include "lib/hmap.h"

#include "lib/list.h"
#include "tests/unit/unit.h"

/* Key 00 01 .. 0f, input 00 01 .. of that length. */
static const struct {
	size_t len;
	uint64_t want24;
} sip_rows[] = {
	{ 0, 0x726fdb47dd0e0e31u },
	{ 1, 0x74f839c593dc67fdu },
	{ 7, 0xab0200f58b01d137u },
	{ 8, 0x93f5f5799a932462u },
	{ 15, 0xa129ca6149be45e5u }, /* the example of the paper's appendix A */
	{ 63, 0x958a324ceb064572u },
};

START_TEST(siphash_vectors)
{
	static const uint64_t key[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
	uint8_t in[64];

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	ck_assert_uint_eq(siphash24(key, in, sip_rows[_i].len), sip_rows[_i].want24);
	ck_assert_uint_ne(siphash13(key, in, sip_rows[_i].len), sip_rows[_i].want24);
}
END_TEST

struct thing {
	struct hmap_node node;
	unsigned key;
};

static const uint64_t secret[2] = { 1, 2 };

static struct thing *
find(const struct hmap *h, unsigned key)
{
	struct hmap_node *n = hmap_first_with(h, hmap_hash(h, &key, sizeof(key)));

	for (; n; n = hmap_next_with(n))
		if (container_of(n, struct thing, node)->key == key)
			return container_of(n, struct thing, node);
	return NULL;
}

static void
add(struct hmap *h, struct thing *t, unsigned key)
{
	t->key = key;
	hmap_insert(h, &t->node, hmap_hash(h, &key, sizeof(key)));
}

START_TEST(insert_find_remove)
{
	static struct thing t[3000];
	struct hmap h;

	hmap_init(&h, secret);
	ck_assert_ptr_null(find(&h, 0));
	ck_assert_ptr_null(hmap_first(&h));
	for (unsigned i = 0; i < 3000; i++)
		add(&h, &t[i], i);
	ck_assert_uint_eq(h.n, 3000);
	for (unsigned i = 0; i < 3000; i += 2)
		hmap_remove(&h, &t[i].node);
	for (unsigned i = 0; i < 3000; i++)
		ck_assert_ptr_eq(find(&h, i), i % 2 ? &t[i] : NULL);
	ck_assert_uint_eq(h.n, 1500);
	hmap_free(&h);
	ck_assert_ptr_null(find(&h, 1));
}
END_TEST

/* Entries of one hash are all found, and no others with them. */
START_TEST(same_hash)
{
	struct thing t[20];
	struct hmap_node *n;
	struct hmap h;
	int seen = 0;

	hmap_init(&h, secret);
	for (unsigned i = 0; i < 20; i++)
		hmap_insert(&h, &t[i].node, i % 2 ? 5 : 5 + 1024);
	for (n = hmap_first_with(&h, 5); n; n = hmap_next_with(n))
		seen++;
	ck_assert_int_eq(seen, 10);
	ck_assert_ptr_null(hmap_first_with(&h, 5 + 2048));
	hmap_free(&h);
}
END_TEST

START_TEST(removes_while_walking)
{
	static struct thing t[500];
	struct hmap_node *n, *tmp;
	struct hmap h;
	unsigned seen = 0;

	hmap_init(&h, secret);
	for (unsigned i = 0; i < 500; i++)
		add(&h, &t[i], i);
	HMAP_FOREACH(n, &h) { /* removed, and still good for the next step */
		seen++;
		if (container_of(n, struct thing, node)->key % 2)
			hmap_remove(&h, n);
	}
	ck_assert_uint_eq(seen, 500);
	ck_assert_uint_eq(h.n, 250);
	HMAP_FOREACH_SAFE(n, tmp, &h) {
		hmap_remove(&h, n);
		memset(container_of(n, struct thing, node), 0xff, sizeof(struct thing));
	}
	ck_assert_uint_eq(h.n, 0);
	hmap_free(&h);
}
END_TEST

/* After most are gone, the next insert gives memory back, and nothing is lost. */
START_TEST(shrinks)
{
	static struct thing t[4000];
	struct thing last;
	struct hmap h;
	size_t before;

	hmap_init(&h, secret);
	for (unsigned i = 0; i < 4000; i++)
		add(&h, &t[i], i);
	before = h.mask;
	for (unsigned i = 10; i < 4000; i++)
		hmap_remove(&h, &t[i].node);
	add(&h, &last, 5000);
	ck_assert_uint_lt(h.mask, before);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_ptr_eq(find(&h, i), &t[i]);
	ck_assert_ptr_eq(find(&h, 5000), &last);
	hmap_free(&h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hmap");
	TCase *tc = unit_case(s, "hmap");

	tcase_add_loop_test(tc, siphash_vectors, 0, NROWS(sip_rows));
	tcase_add_test(tc, insert_find_remove);
	tcase_add_test(tc, same_hash);
	tcase_add_test(tc, removes_while_walking);
	tcase_add_test(tc, shrinks);
	return unit_run(s);
}
