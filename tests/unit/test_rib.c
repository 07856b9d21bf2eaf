/*
 * Slots, bit queues, the RIB's tables and the next hops: against naive models
 * where there is one.
 */
#include "bgpd/core/bitq.h"
#include "bgpd/core/nht.h"
#include "bgpd/core/rib.h"
#include "bgpd/core/slots.h"
#include "lib/rng.h"
#include "tests/unit/unit.h"

static const uint64_t key[2] = { 1, 2 };

/* ---- slots ------------------------------------------------------------------------- */

struct thing {
	uint32_t link, value;
};

START_TEST(slots_hand_out_and_take_back)
{
	struct slots s;
	uint32_t id, n = 3 * SLOTS_PAGE;

	slots_init(&s, sizeof(struct thing), 0);
	ck_assert_uint_eq(slots_end(&s), 1);
	for (id = 1; id <= n; id++) {
		ck_assert_uint_eq(slots_take(&s), id);
		((struct thing *)slots_at(&s, id))->value = id;
	}
	ck_assert_uint_eq(s.live, n);
	ck_assert_uint_eq(slots_end(&s), n + 1);
	for (id = 1; id <= n; id++)
		ck_assert_uint_eq(((struct thing *)slots_at(&s, id))->value, id);
	slots_give(&s, 5);
	slots_give(&s, 700);
	ck_assert_uint_eq(s.live, n - 2);
	ck_assert_uint_eq(((struct thing *)slots_at(&s, 700))->value, 0);
	ck_assert_uint_eq(slots_take(&s), 700);
	ck_assert_uint_eq(slots_take(&s), 5);
	ck_assert_uint_eq(((struct thing *)slots_at(&s, 5))->link, 0);
	ck_assert_uint_eq(slots_take(&s), n + 1);
	slots_free(&s);
	ck_assert_uint_eq(s.live, 0);
	ck_assert_uint_eq(slots_take(&s), 1);
	slots_free(&s);
}
END_TEST

/* ---- bit queues --------------------------------------------------------------------- */

/* Everything once in eight laps, and those side by side far apart while many wait. */
static void
spreads_many(enum bitq_order order, uint32_t side_by_side)
{
	const uint32_t many = 64 * 1024;
	struct bitq q = { 0 };
	uint32_t n, last = 0, near = 0, left = many;

	for (n = 0; n < many; n++)
		bitq_add(&q, n);
	for (; bitq_peek_spread(&q, order, &n); last = n, left--) {
		near += left > BITQ_SPREAD_MIN && n == last + 1;
		ck_assert(bitq_has(&q, n) && bitq_del(&q, n));
	}
	ck_assert_uint_eq(left, 0);
	ck_assert_uint_le(q.laps, 8);
	ck_assert_uint_le(near, side_by_side);
	/* Few in a large space are not looked for eight times. */
	q.pos = q.laps = 0;
	ck_assert(bitq_add(&q, 9) && bitq_add(&q, 60000));
	ck_assert(bitq_peek_spread(&q, order, &n) && n == 9 && bitq_del(&q, n));
	ck_assert(bitq_peek_spread(&q, order, &n) && n == 60000 && q.laps == 0);
	bitq_free(&q);
}

START_TEST(bitq_spreads_many)
{
	spreads_many(BITQ_ROWS, 64 * 1024 / 8 * 7);
	spreads_many(BITQ_SINGLE, 0);
}
END_TEST

START_TEST(bitq_goes_round)
{
	struct bitq q = { 0 };
	uint32_t n;

	ck_assert(!bitq_pop(&q, &n) && !bitq_peek(&q, &n) && !bitq_del(&q, 9));
	ck_assert(bitq_add(&q, 300) && bitq_add(&q, 0) && bitq_add(&q, 63) && bitq_add(&q, 64));
	ck_assert(!bitq_add(&q, 64));
	ck_assert_uint_eq(q.count, 4);
	ck_assert(bitq_has(&q, 63) && !bitq_has(&q, 62) && !bitq_has(&q, 1u << 30));
	ck_assert(bitq_pop(&q, &n) && n == 0);
	ck_assert(bitq_peek(&q, &n) && n == 63);
	ck_assert(bitq_pop(&q, &n) && n == 63);
	ck_assert(bitq_add(&q, 1)); /* behind: has to wait for the next lap */
	ck_assert(bitq_pop(&q, &n) && n == 64);
	ck_assert(bitq_pop(&q, &n) && n == 300);
	ck_assert_uint_eq(q.laps, 0);
	ck_assert(bitq_pop(&q, &n) && n == 1);
	ck_assert_uint_eq(q.laps, 1);
	ck_assert(!bitq_pop(&q, &n));
	ck_assert(bitq_add(&q, 5) && bitq_del(&q, 5) && !bitq_del(&q, 5));
	ck_assert_uint_eq(q.count, 0);
	bitq_free(&q);
}
END_TEST

/* ---- destinations -------------------------------------------------------------------- */

static struct ip_prefix
nth(uint32_t n, uint8_t len)
{
	struct ip_prefix p = {
		.af = IP4, .len = len, .b = { 10, (uint8_t)(n >> 8), (uint8_t)n, 0 }
	};

	return p;
}

START_TEST(destinations_are_found_whatever_the_size)
{
	struct attrs_pool *pool = attrs_pool_new(key);
	struct rib rib;
	struct ip_prefix p, q;
	uint32_t n;

	rib_init(&rib, IP4, pool, key);
	for (n = 0; n < 5000; n++) {
		p = nth(n, 24);
		ck_assert_uint_eq(rib_find(&rib, &p), 0);
		ck_assert_uint_eq(rib_get(&rib, &p), n + 1);
		ck_assert_uint_eq(rib_get(&rib, &p), n + 1);
	}
	ck_assert_uint_eq(rib.dests.live, 5000);
	p = nth(77, 23);
	ck_assert_uint_eq(rib_find(&rib, &p), 0); /* the length is part of the name */
	for (n = 0; n < 5000; n++) {
		p = nth(n, 24);
		q = rib_prefix(&rib, rib_find(&rib, &p));
		ck_assert(ip_prefix_eq(&p, &q));
		if (n % 3)
			rib_drop(&rib, rib_find(&rib, &p));
	}
	for (n = 0; n < 5000; n++) {
		p = nth(n, 24);
		ck_assert_int_eq(rib_find(&rib, &p) != 0, n % 3 == 0);
	}
	ck_assert(!rib_is_dest(&rib, 0) && rib_is_dest(&rib, 1) && !rib_is_dest(&rib, 2) &&
	    !rib_is_dest(&rib, slots_end(&rib.dests)));
	ck_assert_uint_lt(rib_octets(&rib), 5000 * 32 + 2 * SLOTS_PAGE * 32);
	rib_free(&rib);
	attrs_pool_free(pool);
}
END_TEST

/* Of 8 first halves, each with every length of len6[]; what is longer than a /64 differs behind it. */
static struct ip_prefix
nth6(uint32_t n)
{
	static const uint8_t len6[] = { 60, 64, 65, 96, 128, 128, 128 };
	struct ip_prefix p = { .af = IP6, .len = len6[n / 8 % 7],
		.b = { 0xfd, [7] = (uint8_t)(n % 8 * 16), [8] = n / 8 % 7 / 2 == 1 ? 0 : 0x80,
		    [15] = (uint8_t)(n / 8) } };

	ip_prefix_mask(&p);
	return p;
}

START_TEST(ipv6_destinations_of_all_lengths)
{
	struct attrs_pool *pool = attrs_pool_new(key);
	struct rib rib;
	struct ip_prefix p, q;
	uint32_t n, turn;

	rib_init(&rib, IP6, pool, key);
	for (n = 0; n < 16; n++) {
		p = nth6(n);
		ck_assert_uint_ne(rib_get(&rib, &p), 0);
	}
	ck_assert_uint_eq(rib.tails.npages, 0); /* up to a /64 nothing is beside */
	for (turn = 0; turn < 3; turn++) {
		for (n = 0; n < 56; n++) { /* places are used again by other lengths */
			p = nth6(turn == 1 ? 55 - n : n);
			q = rib_prefix(&rib, rib_get(&rib, &p));
			ck_assert(ip_prefix_eq(&p, &q));
		}
		ck_assert_uint_eq(rib.dests.live, 56);
		for (n = 0; n < 56; n++) {
			p = nth6(n);
			ck_assert_uint_ne(rib_find(&rib, &p), 0);
			rib_drop(&rib, rib_find(&rib, &p));
			ck_assert_uint_eq(rib_find(&rib, &p), 0);
		}
	}
	rib_free(&rib);
	attrs_pool_free(pool);
}
END_TEST

/* A prefix of any length; every few of them are neighbours of the one before. */
static void
any_prefix(struct rng *r, uint8_t af, struct ip_prefix *p)
{
	uint64_t v = rng_u64(r);
	unsigned bit, k;

	if (p->len == 0 || v % 3 == 0) {
		*p = (struct ip_prefix){ .af = af, .len = (uint8_t)((v >> 8) % (ip_af_bits(af) + 1u)) };
		for (k = 0; k < ip_af_octets(af); k++)
			p->b[k] = (uint8_t)rng_u64(r);
		ip_prefix_mask(p);
		return;
	}
	bit = p->len - 1u - (unsigned)(v >> 8) % (p->len < 4 ? p->len : 4);
	p->b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

/* Asked for one by one, or in a row from where the one before stands. */
START_TEST(neighbours_stand_side_by_side)
{
	uint8_t af = _i == 0 ? IP4 : IP6;
	struct attrs_pool *pool = attrs_pool_new(key);
	struct rib_block block = { 0 };
	struct ip_prefix p = { 0 }, q;
	struct rng r;
	struct rib rib;
	uint32_t n, id, place;

	rib_init(&rib, af, pool, key);
	rng_seed(&r, 3);
	for (n = 0; n < 20000; n++) {
		any_prefix(&r, af, &p);
		place = rib_seek(&rib, &p, &block);
		id = rib_find(&rib, &p);
		ck_assert_uint_eq(rib_find_at(&rib, &p, place, rib_approach(&rib, place)), id);
		/* A guess that is wrong, as a rule. */
		ck_assert_uint_eq(rib_find_at(&rib, &p, place, n % slots_end(&rib.dests)), id);
		ck_assert_uint_eq(rib_find_guess(&rib, &p, n % slots_end(&rib.dests)), id);
		ck_assert_uint_eq(rib_find_guess(&rib, &p, (uint32_t)rng_u64(&r)), id); /* any number */
		ck_assert_uint_eq(rib_find_guess(&rib, &p, id), id);
		if (!id)
			id = rib_add_at(&rib, &p, place);
		ck_assert_uint_eq(rib_find(&rib, &p), id);
		q = rib_prefix(&rib, id);
		ck_assert(ip_prefix_eq(&p, &q));
	}
	for (id = 1; id < slots_end(&rib.dests); id++) {
		q = rib_prefix(&rib, id);
		ck_assert_uint_eq(rib_find(&rib, &q), id);
	}
	rib_free(&rib);
	attrs_pool_free(pool);
}
END_TEST

static bool
not_that(void *ctx, uint32_t id)
{
	return id != *(uint32_t *)ctx;
}

START_TEST(longest_match)
{
	struct attrs_pool *pool = attrs_pool_new(key);
	struct ip_prefix a = { .af = IP4, .len = 8, .b = { 10 } };
	struct ip_prefix b = { .af = IP4, .len = 24, .b = { 10, 1, 2 } };
	struct ip_prefix host = { .af = IP4, .len = 32, .b = { 10, 1, 2, 3 } };
	struct ip_prefix other = { .af = IP4, .len = 32, .b = { 11, 1, 2, 3 } };
	uint32_t ida, idb, none = 0;
	struct rib rib;

	rib_init(&rib, IP4, pool, key);
	ida = rib_get(&rib, &a);
	idb = rib_get(&rib, &b);
	ck_assert_uint_eq(rib_longest(&rib, &host, not_that, &none), idb);
	ck_assert_uint_eq(rib_longest(&rib, &b, not_that, &none), idb);
	ck_assert_uint_eq(rib_longest(&rib, &host, not_that, &idb), ida);
	ck_assert_uint_eq(rib_longest(&rib, &other, not_that, &none), 0);
	other = (struct ip_prefix){ .af = IP4 };
	ida = rib_get(&rib, &other); /* the default route */
	other = (struct ip_prefix){ .af = IP4, .len = 32, .b = { 11 } };
	ck_assert_uint_eq(rib_longest(&rib, &other, not_that, &none), ida);
	rib_free(&rib);
	attrs_pool_free(pool);
}
END_TEST

START_TEST(paths_of_a_destination)
{
	struct attrs_pool *pool = attrs_pool_new(key);
	const struct attrs *a = attrs_intern(pool, &(struct attrs_build){ .origin = 1 });
	const struct attrs *b = attrs_intern(pool, &(struct attrs_build){ .origin = 2 });
	struct ip_prefix p = nth(1, 24);
	uint32_t dest, p1, p2, p3;
	struct rib rib;

	rib_init(&rib, IP4, pool, key);
	dest = rib_get(&rib, &p);
	p1 = rib_path_add(&rib, dest, 1, 0, a, true);
	p2 = rib_path_add(&rib, dest, 2, 0, a, true);
	p3 = rib_path_add(&rib, dest, 3, 0, a, true);
	ck_assert_uint_eq(a->refs, 4);
	ck_assert_uint_eq(rib_path_find(&rib, dest, 2, 0), p2);
	ck_assert_uint_eq(rib_path_find(&rib, dest, 4, 0), 0);
	rib_path_replace(&rib, p2, b);
	rib_path_replace(&rib, p2, b);
	ck_assert_uint_eq(a->refs, 3);
	ck_assert_uint_eq(b->refs, 2);
	rib_reorder(&rib, dest, (uint32_t[]){ p3, p1, p2 }, 3, 2);
	ck_assert_uint_eq(rib_dest(&rib, dest)->paths, p3);
	ck_assert_uint_eq(rib_path(&rib, p3)->next, p1);
	ck_assert_uint_eq(rib_path(&rib, p2)->next, 0);
	rib_path_del(&rib, p2); /* the third: not used */
	ck_assert_uint_eq(rib_dest(&rib, dest)->used, 2);
	rib_path_del(&rib, p1);
	ck_assert_uint_eq(rib_dest(&rib, dest)->used, 1);
	ck_assert_uint_eq(rib_path(&rib, p3)->next, 0);
	ck_assert_uint_eq(b->refs, 1);
	rib_free(&rib);
	attrs_unref(pool, a);
	attrs_unref(pool, b);
	attrs_pool_free(pool);
}
END_TEST

/* ---- next hops ----------------------------------------------------------------------- */

START_TEST(next_hops_are_watched_while_used)
{
	static const struct ip_addr a = { .af = IP4, .b = { 192, 0, 2, 1 } };
	struct ipc_nh_state st = { .addr = a, .resolved = true, .metric = 5, .gen = 10 };
	struct ip_addr addr;
	struct nht t;
	bool on;

	nht_init(&t, key);
	ck_assert(!nht_next_watch(&t, &addr, &on));
	nht_ref(&t, &a);
	nht_ref(&t, &a);
	ck_assert_uint_eq(t.unanswered, 1);
	ck_assert(nht_next_watch(&t, &addr, &on) && on && ip_addr_eq(&addr, &a));
	ck_assert(!nht_next_watch(&t, &addr, &on));
	ck_assert_int_eq(nht_state(&t, &st), NHT_CHANGED);
	ck_assert_uint_eq(t.unanswered, 0);
	ck_assert(nht_find(&t, &a)->changed && t.any_changed);
	nht_clear_changed(&t);
	ck_assert(!nht_find(&t, &a)->changed && !t.any_changed);
	st.gen = 11;
	ck_assert_int_eq(nht_state(&t, &st), NHT_NO_NEWS); /* the same again */
	st.resolved = false;
	st.gen = 10;
	ck_assert_int_eq(nht_state(&t, &st), NHT_NO_NEWS); /* older news */
	ck_assert(nht_find(&t, &a)->resolved);
	st.gen = 12;
	strcpy(st.why, "gone");
	ck_assert_int_eq(nht_state(&t, &st), NHT_CHANGED);
	ck_assert_str_eq(nht_find(&t, &a)->why, "gone");
	st.metric = 6;
	st.gen = 13;
	ck_assert_int_eq(nht_state(&t, &st), NHT_CHANGED); /* a metric counts, too */
	nht_unref(&t, &a);
	ck_assert(!nht_next_watch(&t, &addr, &on));
	nht_unref(&t, &a);
	ck_assert(nht_next_watch(&t, &addr, &on) && !on);
	ck_assert_ptr_null(nht_find(&t, &a));
	nht_free(&t);
}
END_TEST

/* Those who wait for the first answer are all known, or not at all. */
START_TEST(users_wait_for_the_first_answer)
{
	static const uint32_t many[] = { 0, 1, 2, 3, 500, NHT_WAITING_MAX, NHT_WAITING_MAX + 1, 3000 };
	static const struct ip_addr a = { .af = IP4, .b = { 192, 0, 2, 1 } };
	struct ipc_nh_state st = { .addr = a, .resolved = true, .gen = 1 };
	struct nh_user u;
	struct nht t;

	for (int k = 0; k < NROWS(many); k++) {
		uint32_t n = many[k], left = n;
		struct nh *nh;

		nht_init(&t, key);
		nh = nht_ref(&t, &a);
		for (uint32_t d = 1; d <= n; d++) {
			nht_wait(nh, d & 1, d);
			nht_wait(nh, d & 1, d); /* once more: the same */
		}
		st.gen++;
		ck_assert_int_eq(nht_state(&t, &st),
		    n > 0 && n <= NHT_WAITING_MAX ? NHT_FIRST : NHT_CHANGED);
		if (n <= NHT_WAITING_MAX)
			for (; nht_next_waiting(&t, &a, &u); left--)
				ck_assert(u.dest == left && u.i == (left & 1));
		ck_assert(n > NHT_WAITING_MAX || left == 0);
		ck_assert(!nht_next_waiting(&t, &a, &u));
		nht_wait(nh, 0, 7); /* nobody waits any more */
		ck_assert(!nht_next_waiting(&t, &a, &u));
		st.gen++;
		st.metric++;
		ck_assert_int_eq(nht_state(&t, &st), NHT_CHANGED);
		nht_free(&t);
	}
}
END_TEST

/* They stay known while the object is there, whatever becomes of them and of the agent. */
START_TEST(users_that_wait_come_and_go)
{
	static const struct ip_addr a = { .af = IP4, .b = { 192, 0, 2, 1 } };
	struct ipc_nh_state st = { .addr = a, .resolved = true, .gen = 1 };
	struct ip_addr addr;
	struct nh_user u;
	struct nht t;
	bool on;

	nht_init(&t, key);
	nht_wait(nht_ref(&t, &a), 0, 5);
	ck_assert(nht_next_watch(&t, &addr, &on));
	nht_unref(&t, &a);
	nht_wait(nht_ref(&t, &a), 1, 6);
	nht_reset(&t);
	ck_assert_int_eq(nht_state(&t, &st), NHT_FIRST);
	ck_assert(nht_next_waiting(&t, &a, &u) && u.i == 1 && u.dest == 6);
	ck_assert(nht_next_waiting(&t, &a, &u) && u.dest == 5); /* it is decided on for nothing */
	ck_assert(!nht_next_waiting(&t, &a, &u));
	nht_free(&t);

	nht_init(&t, key);
	nht_wait(nht_ref(&t, &a), 0, 5);
	nht_next_watch(&t, &addr, &on);
	nht_unref(&t, &a);
	ck_assert_int_eq(nht_state(&t, &st), NHT_NO_NEWS); /* nobody is left */
	ck_assert(!nht_next_waiting(&t, &a, &u));
	nht_wait(nht_ref(&t, &a), 0, 7); /* answered */
	ck_assert(!nht_next_waiting(&t, &a, &u));
	nht_free(&t);

	nht_init(&t, key);
	nht_wait(nht_ref(&t, &a), 0, 5);
	nht_free(&t); /* with what it remembers */
}
END_TEST

START_TEST(next_hop_comes_back_before_the_agent_heard)
{
	static const struct ip_addr a = { .af = IP4, .b = { 192, 0, 2, 1 } };
	struct ipc_nh_state st = { .addr = a, .resolved = true, .gen = 1 };
	struct ip_addr addr;
	struct nht t;
	bool on;

	nht_init(&t, key);
	nht_ref(&t, &a);
	nht_unref(&t, &a); /* never told: forgotten at once */
	ck_assert_ptr_null(nht_find(&t, &a));
	ck_assert_uint_eq(t.unanswered, 0);
	nht_ref(&t, &a);
	nht_next_watch(&t, &addr, &on);
	nht_unref(&t, &a);
	ck_assert_int_eq(nht_state(&t, &st), NHT_NO_NEWS); /* nobody is to be told, but it is remembered */
	nht_ref(&t, &a);
	ck_assert(!nht_next_watch(&t, &addr, &on));
	ck_assert(nht_find(&t, &a)->resolved);
	ck_assert_uint_eq(t.unanswered, 0);
	nht_reset(&t);
	ck_assert(nht_next_watch(&t, &addr, &on) && on);
	ck_assert(nht_find(&t, &a)->resolved);
	nht_free(&t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rib");
	TCase *t = unit_case(s, "tables");

	tcase_add_test(t, slots_hand_out_and_take_back);
	tcase_add_test(t, bitq_goes_round);
	tcase_add_test(t, bitq_spreads_many);
	tcase_add_test(t, destinations_are_found_whatever_the_size);
	tcase_add_test(t, ipv6_destinations_of_all_lengths);
	tcase_add_loop_test(t, neighbours_stand_side_by_side, 0, 2);
	tcase_add_test(t, longest_match);
	tcase_add_test(t, paths_of_a_destination);
	tcase_add_test(t, next_hops_are_watched_while_used);
	tcase_add_test(t, users_wait_for_the_first_answer);
	tcase_add_test(t, users_that_wait_come_and_go);
	tcase_add_test(t, next_hop_comes_back_before_the_agent_heard);
	return unit_run(s);
}
