/*
 * The index of numbered things: held against a plain array, with hashes that
 * are spread, and with some that are as bad as can be.
 */
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/idx.h"
#include "lib/mem.h"
#include "lib/rng.h"
#include "tests/unit/unit.h"

#define IDS 20000

static struct idx x;
static uint32_t hash[IDS + 1];
static bool in[IDS + 1];

static void
setup(void)
{
	idx_init(&x);
	memset(in, 0, sizeof(in));
}

static void
teardown(void)
{
	idx_free(&x);
}

static bool
has(uint32_t id)
{
	struct idx_walk w = idx_walk(&x, hash[id]);
	uint32_t found;

	while ((found = idx_next(&w)) != 0)
		if (found == id)
			return true;
	return false;
}

static void
check_all(void)
{
	uint32_t id;

	for (id = 1; id <= IDS; id++)
		ck_assert_msg(has(id) == in[id], "id %u", id);
}

static uint32_t
spread(struct rng *r)
{
	return (uint32_t)rng_u64(r);
}

/* The lower bits tell nothing. */
static uint32_t
crowded(struct rng *r)
{
	return (uint32_t)rng_u64(r) & 0xfff00000u;
}

/* Many with the same hash. */
static uint32_t
alike(struct rng *r)
{
	return (uint32_t)rng_u64(r) & 0xff000003u;
}

/* Things that come together: four in a row, as often as not all of them. */
static uint32_t
near(struct rng *r)
{
	static uint32_t last;
	uint64_t v = rng_u64(r);

	last = last % 4 == 3 || v % 8 == 0 ? (uint32_t)(v >> 32) & ~3u : last + 1;
	return last;
}

static uint32_t (*const kinds[])(struct rng *r) = { spread, crowded, alike, near };

START_TEST(what_was_put_in_is_found)
{
	uint32_t id, k;
	struct rng r;

	rng_seed(&r, 7 + (uint64_t)_i);
	for (id = 1; id <= IDS; id++)
		hash[id] = kinds[_i](&r);
	for (k = 0; k < 3 * IDS; k++) {
		id = 1 + (uint32_t)rng_u64(&r) % IDS;
		in[id] = !in[id];
		if (in[id])
			idx_add(&x, hash[id], id);
		else
			idx_del(&x, hash[id], id);
		if (k % IDS == IDS / 2)
			check_all();
	}
	check_all();
	for (id = 1; id <= IDS; id++)
		if (in[id])
			idx_del(&x, hash[id], id);
	memset(in, 0, sizeof(in));
	check_all();
}
END_TEST

/* An entry takes 8 octets, and a table of some size is at least 44 % full. */
START_TEST(memory_follows_what_is_in)
{
	uint32_t id;
	struct rng r;

	rng_seed(&r, 1);
	ck_assert_uint_lt(idx_octets(&x), 200);
	for (id = 1; id <= IDS; id++) {
		idx_add(&x, spread(&r), id);
		ck_assert_msg(idx_octets(&x) < 400 + 8 * (size_t)id * 100 / 44, "%zu octets for %u",
		    idx_octets(&x), id);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("idx");
	TCase *t = unit_case(s, "index");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, what_was_put_in_is_found, 0, sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(t, memory_follows_what_is_in);
	return unit_run(s);
}
