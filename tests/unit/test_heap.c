/*
 * Deadlines, lists, places, random numbers and memory: the small parts.
 */
#include "lib/heap.h"
#include "lib/idmap.h"
#include "lib/list.h"
#include "lib/mem.h"
#include "lib/rng.h"
#include "tests/unit/unit.h"

#define AT(t) ((struct mono_us){ t })

START_TEST(heap_in_order)
{
	struct heap_node n[100] = { 0 }, *got;
	struct heap h;
	struct rng r;
	uint64_t last = 0;

	rng_seed(&r, 1);
	heap_init(&h);
	ck_assert_ptr_null(heap_min(&h));
	ck_assert(mono_is_never(heap_deadline(&h)));
	for (unsigned i = 0; i < 100; i++)
		heap_set(&h, &n[i], AT(rng_below(&r, 50)));
	for (unsigned i = 0; i < 100; i += 3) /* moved both ways */
		heap_set(&h, &n[i], AT(rng_below(&r, 100)));
	for (unsigned i = 0; i < 100; i += 7) {
		heap_remove(&h, &n[i]);
		heap_remove(&h, &n[i]); /* nothing */
		ck_assert(!heap_is_queued(&n[i]));
	}
	ck_assert_uint_eq(h.n, 85);
	while ((got = heap_pop_due(&h, AT(1000)))) {
		ck_assert_uint_ge(got->when.us, last);
		ck_assert(!heap_is_queued(got));
		last = got->when.us;
	}
	ck_assert_uint_eq(h.n, 0);
	heap_free(&h);
}
END_TEST

START_TEST(heap_deadlines)
{
	struct heap_node a = { 0 }, b = { 0 };
	struct heap h;

	heap_init(&h);
	heap_set(&h, &a, AT(20));
	heap_set(&h, &b, AT(10));
	ck_assert_uint_eq(heap_deadline(&h).us, 10);
	ck_assert_ptr_null(heap_pop_due(&h, AT(9)));
	ck_assert_ptr_eq(heap_pop_due(&h, AT(10)), &b);
	heap_set(&h, &a, MONO_NEVER);
	ck_assert(!heap_is_queued(&a));
	ck_assert_ptr_null(heap_pop_due(&h, MONO_NEVER));
	heap_set(&h, &a, AT(1));
	heap_free(&h);
	ck_assert(!heap_is_queued(&a));
}
END_TEST

struct item {
	int v;
	struct list link;
};

START_TEST(list_operations)
{
	struct item it[4] = { { .v = 0 }, { .v = 1 }, { .v = 2 }, { .v = 3 } };
	struct list head, *n, *tmp;
	int want = 0;

	list_init(&head);
	ck_assert(list_is_empty(&head));
	ck_assert_ptr_null(list_first(&head));
	ck_assert_ptr_null(list_last(&head));
	ck_assert_ptr_null(list_pop_front(&head));
	list_push_back(&head, &it[2].link);
	list_push_back(&head, &it[3].link);
	list_push_front(&head, &it[0].link);
	list_insert_after(&it[0].link, &it[1].link);
	LIST_FOREACH(n, &head)
		ck_assert_int_eq(container_of(n, struct item, link)->v, want++);
	ck_assert_int_eq(want, 4);
	ck_assert_ptr_eq(list_last(&head), &it[3].link);
	ck_assert_ptr_eq(list_next(&head, &it[2].link), &it[3].link);
	ck_assert_ptr_null(list_next(&head, &it[3].link));
	LIST_FOREACH_SAFE(n, tmp, &head)
		if (container_of(n, struct item, link)->v % 2)
			list_remove(n);
	ck_assert(!list_is_linked(&it[1].link));
	list_remove(&it[1].link); /* nothing */
	ck_assert_ptr_eq(list_pop_front(&head), &it[0].link);
	ck_assert_ptr_eq(list_pop_front(&head), &it[2].link);
	ck_assert(list_is_empty(&head));
}
END_TEST

/* xoshiro256** from the state 1, 2, 3, 4: the first values worked out by hand. */
START_TEST(rng_vectors)
{
	struct rng r = { { 1, 2, 3, 4 } };

	ck_assert_uint_eq(rng_u64(&r), 11520); /* rotl(2 * 5, 7) * 9 */
	ck_assert_uint_eq(rng_u64(&r), 0);     /* s[1] is 2 ^ 3 ^ 1 now */
}
END_TEST

START_TEST(rng_ranges)
{
	unsigned seen[5] = { 0 }, hits = 0;
	struct rng r, again;
	uint64_t v;

	rng_seed(&r, 7);
	rng_seed(&again, 7);
	ck_assert_uint_eq(rng_u64(&r), rng_u64(&again));
	ck_assert_uint_eq(rng_below(&r, 0), 0);
	ck_assert_uint_eq(rng_range(&r, 9, 3), 9);
	for (unsigned i = 0; i < 1000; i++) {
		v = rng_range(&r, 10, 14);
		ck_assert_uint_ge(v, 10);
		ck_assert_uint_le(v, 14);
		seen[v - 10]++;
		hits += rng_chance(&r, 30);
		v = rng_jitter_us(&r, 90000000, 75, 100); /* RFC 4271 section 10 */
		ck_assert_uint_ge(v, 67500000);
		ck_assert_uint_le(v, 90000000);
	}
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_gt(seen[i], 120);
	ck_assert_uint_gt(hits, 220);
	ck_assert_uint_lt(hits, 380);
	rng_range(&r, 0, UINT64_MAX);
	ck_assert(rng_jitter_us(&r, UINT64_MAX / 2, 100, 100) >= UINT64_MAX / 2 - 1);
}
END_TEST

START_TEST(mem_copies)
{
	char *s = mem_strdup("abc"), *t = mem_strndup("abcdef", 2), *u = mem_printf("%d-%s", 7, s);
	void *p = mem_dup("\1\2", 2), *q = mem_zalloc_array(3, 5), *none = mem_alloc(0);

	ck_assert_str_eq(s, "abc");
	ck_assert_str_eq(t, "ab");
	ck_assert_str_eq(u, "7-abc");
	ck_assert_mem_eq(p, "\1\2", 2);
	ck_assert_mem_eq(q, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
	ck_assert_ptr_nonnull(none);
	s = mem_realloc(s, 100);
	ck_assert_str_eq(s, "abc");
	mem_free(s);
	mem_free(t);
	mem_free(u);
	mem_free(p);
	mem_free(q);
	mem_free(none);
	mem_free(NULL);
}
END_TEST

START_TEST(idmap_places)
{
	struct idmap m = { 0 };

	ck_assert_uint_eq(idmap_get(&m, 0), IDMAP_NONE);
	ck_assert_uint_eq(idmap_get(&m, UINT32_MAX), IDMAP_NONE);
	idmap_set(&m, 1000, IDMAP_NONE); /* nothing to do */
	ck_assert_uint_eq(m.n, 0);
	for (uint32_t id = 1; id <= 1000; id++)
		idmap_set(&m, id, 1000 - id);
	for (uint32_t id = 1; id <= 1000; id++)
		ck_assert_uint_eq(idmap_get(&m, id), 1000 - id);
	ck_assert_uint_eq(idmap_get(&m, 0), IDMAP_NONE);
	ck_assert_uint_eq(idmap_get(&m, 1001), IDMAP_NONE);
	idmap_set(&m, 7, IDMAP_NONE);
	ck_assert_uint_eq(idmap_get(&m, 7), IDMAP_NONE);
	ck_assert_uint_eq(idmap_get(&m, 1000), 0);
	idmap_free(&m);
	ck_assert_uint_eq(idmap_get(&m, 1000), IDMAP_NONE);
}
END_TEST

START_TEST(mem_overflow_aborts)
{
	mem_free(mem_realloc_array(NULL, SIZE_MAX / 2, 3));
}
END_TEST

START_TEST(mono_saturates)
{
	ck_assert(mono_is_never(mono_add_us(AT(UINT64_MAX - 1), 2)));
	ck_assert_uint_eq(mono_diff_us(AT(5), AT(9)), 0);
	ck_assert_uint_eq(mono_add_s(AT(1), 2).us, 2000001);
	ck_assert(mono_reached(AT(5), AT(5)) && !mono_before(AT(5), AT(5)));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("small");
	TCase *tc = unit_case(s, "small");

	tcase_add_test(tc, heap_in_order);
	tcase_add_test(tc, heap_deadlines);
	tcase_add_test(tc, list_operations);
	tcase_add_test(tc, rng_vectors);
	tcase_add_test(tc, rng_ranges);
	tcase_add_test(tc, mem_copies);
	tcase_add_test(tc, idmap_places);
	tcase_add_test_raise_signal(tc, mem_overflow_aborts, 6);
	tcase_add_test(tc, mono_saturates);
	return unit_run(s);
}
