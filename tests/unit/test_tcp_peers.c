/*
 * The table of peers that connections may be had with, beside a plain array of the same.
 */
#include "agent/tcp_peers.h"

#include "lib/rng.h"
#include "tests/unit/unit.h"

#define IDS 40 /* few, so that they meet */

static struct tcp_peers *s;
static struct tcp_peer model[IDS + 1]; /* by id; id 0: not there */

static void
setup(void)
{
	s = tcp_peers_new((const uint64_t[2]){ 1, 2 });
	memset(model, 0, sizeof model);
}

static void
teardown(void)
{
	tcp_peers_free(s);
}

static struct tcp_peer
peer(uint32_t id, const char *addr)
{
	return (struct tcp_peer){ .id = id, .addr = ad(addr) };
}

START_TEST(found_by_id_and_address)
{
	struct tcp_peer a = peer(1, "10.0.0.1"), b = peer(2, "fd00::2"), c = peer(9, NULL);

	c.link = 7; /* unnumbered, and nobody found yet */
	tcp_peers_add(s, &a);
	tcp_peers_add(s, &b);
	tcp_peers_add(s, &c);
	ck_assert_uint_eq(tcp_peers_by_id(s, 2)->addr.af, IP6);
	ck_assert_uint_eq(tcp_peers_by_addr(s, &b.addr)->id, 2);
	ck_assert_uint_eq(tcp_peers_by_addr(s, &a.addr)->id, 1);
	ck_assert_ptr_null(tcp_peers_by_id(s, 0));
	ck_assert_ptr_null(tcp_peers_by_id(s, UINT32_MAX));
	ck_assert_ptr_null(tcp_peers_by_addr(s, &(struct ip_addr){ 0 }));
	tcp_peers_remove(s, 1);
	tcp_peers_remove(s, 1);
	ck_assert_ptr_null(tcp_peers_by_addr(s, &a.addr));
	ck_assert_ptr_eq(tcp_peer_at(list_first(&s->all)), tcp_peers_by_id(s, 2)); /* in their order */
}
END_TEST

/* fe80::1 is another one on every link. */
START_TEST(link_local_addresses)
{
	struct tcp_peer a = peer(1, "fe80::1%3"), b = peer(2, "fe80::1%4"), c = peer(3, NULL);
	struct ip_addr other = a.addr;

	c.link = 5;
	tcp_peers_add(s, &a);
	tcp_peers_add(s, &b);
	tcp_peers_add(s, &c);
	ck_assert_uint_eq(tcp_peers_by_addr(s, &a.addr)->id, 1);
	ck_assert_uint_eq(tcp_peers_by_addr(s, &b.addr)->id, 2);
	other.ifindex = 5;
	ck_assert_ptr_null(tcp_peers_by_addr(s, &other));
	ck_assert_uint_eq(tcp_peers_by_link(s, &other)->id, 3);
	ck_assert_ptr_null(tcp_peers_by_link(s, &a.addr)); /* numbered */
	other.b[0] = 0xfd;
	ck_assert_ptr_null(tcp_peers_by_link(s, &other));
}
END_TEST

/* The router of an unnumbered peer may be there as a dynamic peer already. */
START_TEST(two_at_one_address)
{
	struct tcp_peer ranged = peer(1, "fe80::1%3"), b = peer(7, NULL), c = peer(4, NULL);

	ranged.dynamic = true;
	b.link = c.link = 3;
	for (int k = 0; k < 2; k++) { /* in whatever order they come */
		const struct ip_addr at = ranged.addr, none = { 0 };

		if (k == 0)
			tcp_peers_add(s, &ranged);
		tcp_peers_add(s, &b);
		if (k == 1)
			tcp_peers_add(s, &ranged);
		ck_assert_uint_eq(tcp_peers_by_addr(s, &at)->id, 1);
		tcp_peers_move(s, 7, &at);
		ck_assert_uint_eq(tcp_peers_by_addr(s, &at)->id, 7);
		tcp_peers_add(s, &c);
		tcp_peers_move(s, 4, &at);
		ck_assert_uint_eq(tcp_peers_by_addr(s, &at)->id, 4);
		tcp_peers_move(s, 4, &none);
		ck_assert_uint_eq(tcp_peers_by_addr(s, &at)->id, 7);
		tcp_peers_remove(s, 7);
		ck_assert_uint_eq(tcp_peers_by_addr(s, &at)->id, 1);
		tcp_peers_remove(s, 1);
		tcp_peers_remove(s, 4);
		ck_assert_ptr_null(tcp_peers_by_addr(s, &at));
	}
}
END_TEST

START_TEST(keys_of_listeners)
{
	struct tcp_peer a = peer(1, "fe80::1%3"), b = peer(2, "fe80::1%4"), c = peer(3, "10.0.0.3");
	struct ip_prefix ll = tcp_host_prefix(&a.addr), host = tcp_host_prefix(&c.addr);
	struct ip_prefix net = px("10.0.0.0/24");

	b.key_len = c.key_len = 3;
	c.dynamic = true;
	tcp_peers_add(s, &a);
	ck_assert(!tcp_peers_have_key(s, &ll));
	tcp_peers_add(s, &b);
	ck_assert(tcp_peers_have_key(s, &ll)); /* whichever link it is on */
	tcp_peers_add(s, &c);
	ck_assert(!tcp_peers_have_key(s, &host)); /* its range's */
	tcp_peers_remove(s, 3);
	c.dynamic = false;
	tcp_peers_add(s, &c);
	ck_assert(tcp_peers_have_key(s, &host));
	ck_assert(!tcp_peers_have_key(s, &net));
}
END_TEST

static struct ip_addr
some_addr(struct rng *r)
{
	struct ip_addr a = { .af = IP4, .b = { 10, 0, 0, (uint8_t)rng_below(r, IDS) } };

	return rng_chance(r, 20) ? (struct ip_addr){ 0 } : a;
}

static bool
is_taken(const struct ip_addr *a)
{
	for (unsigned k = 1; k <= IDS; k++)
		if (model[k].id && a->af && ip_addr_eq(&model[k].addr, a))
			return true;
	return false;
}

static void
compare(void)
{
	size_t n = 0, there = 0;
	struct list *l;

	for (uint32_t k = 1; k <= IDS; k++) {
		const struct tcp_peer *p = tcp_peers_by_id(s, k);

		ck_assert_int_eq(p != NULL, model[k].id != 0);
		if (!p)
			continue;
		there++;
		ck_assert(ip_addr_eq(&p->addr, &model[k].addr));
		if (p->addr.af)
			ck_assert_ptr_eq(tcp_peers_by_addr(s, &p->addr), p);
	}
	TCP_PEERS_FOREACH(l, s)
		n++;
	ck_assert_uint_eq(n, there);
}

START_TEST(any_order)
{
	struct rng r;

	rng_seed(&r, 42);
	for (unsigned k = 0; k < 4000; k++) {
		uint32_t id = (uint32_t)rng_range(&r, 1, IDS);
		struct ip_addr a = some_addr(&r);

		if (model[id].id && rng_chance(&r, 50)) {
			tcp_peers_remove(s, id);
			model[id].id = 0;
		} else if (!is_taken(&a) && model[id].id) {
			tcp_peers_move(s, id, &a);
			model[id].addr = a;
		} else if (!is_taken(&a)) {
			model[id] = (struct tcp_peer){ .id = id, .addr = a };
			tcp_peers_add(s, &model[id]);
		}
		compare();
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tcp_peers");
	TCase *t = unit_case(suite, "table");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, found_by_id_and_address);
	tcase_add_test(t, link_local_addresses);
	tcase_add_test(t, two_at_one_address);
	tcase_add_test(t, keys_of_listeners);
	tcase_add_test(t, any_order);
	return unit_run(suite);
}
