/*
 * Admission: one row for each rule.
 */
#include "agent/core/admit.h"

#include "agent/core/nht.h"
#include "lib/mem.h"
#include "tests/unit/unit.h"

/* The node: 10.0.0.1/24 and 2001:db8::1/64 on link 2, loopback 192.0.2.1/32, default route foreign. */
static struct hops_pool pool;
static struct kern kern;
static struct trie peers, protect, locals;
static struct nht nht;
static struct ip_prefix permit[8];
static struct admit in;

static void
own(const char *addr, uint8_t plen)
{
	struct kern_addr a = { .ifindex = 2, .addr = ad(addr), .plen = plen };
	bool was;

	kern_see_addr(&kern, &a, false, &was);
}

static void
guard(struct trie *t, const char *p, int served)
{
	struct guard *g = mem_zalloc(sizeof(*g));
	struct ip_prefix q = px(p);

	g->served = served;
	trie_insert(t, &g->node, &q);
}

static void
local(const char *p, bool block)
{
	struct local *l = mem_zalloc(sizeof(*l));
	struct ip_prefix q = px(p);

	l->block = block;
	trie_insert(&locals, &l->node, &q);
}

static bool
no_own(void *ctx, const struct ip_addr *a, int below, struct nht_own *ret)
{
	return false;
}

static void
no_set(void *ctx, struct nhset *s, unsigned int change)
{
}

static void
no_nh(void *ctx, struct nh *nh)
{
}

static const struct nht_ops ops = { no_own, no_set, no_nh };

static void
setup(void)
{
	static const char *const permits[] = { "10.64.0.0/10", "192.168.0.0/16", "fd64::/16",
		"10.0.0.0/16", "198.51.100.0/24", "127.0.0.0/8", "2001:db8::/32" };
	uint64_t key[2] = { 1, 2 };
	struct kern_link l = { .ifindex = 2, .up = true, .carrier = true };
	struct kern_route conn = { .table = 254, .protocol = 2, .nlegs = 1 };
	struct ip_addr nh = ad("10.0.0.77");
	size_t i;

	hops_init(&pool, key);
	kern_init(&kern, &pool, key);
	kern_see_link(&kern, &l, false);
	conn.prefix = px("10.0.0.0/24");
	conn.leg[0] = (struct kern_leg){ .ifindex = 2, .weight = 1 };
	kern_see_route(&kern, &conn, false, false);
	own("10.0.0.1", 24);
	own("2001:db8::1", 64);
	own("192.0.2.1", 32);
	guard(&peers, "10.0.0.254/32", 24);
	guard(&peers, "198.51.100.9/32", 0);  /* behind the default route, in a named range */
	guard(&peers, "203.0.113.9/32", 0);   /* behind the default route */
	guard(&peers, "198.18.0.9/32", -1);   /* nothing leads there */
	guard(&protect, "192.168.9.9/32", 16);
	guard(&protect, "192.168.128.0/17", 16);
	local("10.65.1.0/24", true);
	local("10.66.0.0/16", false);
	nht_init(&nht, &kern, &ops, NULL);
	nht_watch(&nht, &nh, true);
	nht_settle(&nht);
	for (i = 0; i < sizeof(permits) / sizeof(permits[0]); i++)
		permit[i] = px(permits[i]);
	in = (struct admit){ .install = true, .protect_node = true, .protect_peers = true,
		.permit = permit, .npermit = i, .own = &kern.addrs, .peers = &peers,
		.protect = &protect, .nexthops = &nht.trie, .locals = &locals };
}

static const struct {
	const char *rule, *prefix;
	enum ipc_refusal want;
} learned[] = {
	{ "inside permit", "10.64.3.0/24", IPC_REF_NONE },
	{ "permit itself", "10.64.0.0/10", IPC_REF_NONE },
	{ "host route inside permit", "10.64.3.1/32", IPC_REF_NONE },
	{ "IPv6 inside permit", "fd64:3::/48", IPC_REF_NONE },
	{ "outside permit", "172.16.0.0/24", IPC_REF_NOT_PERMITTED },
	{ "wider than permit", "10.0.0.0/9", IPC_REF_NOT_PERMITTED },
	{ "IPv6 outside permit", "fd65::/48", IPC_REF_NOT_PERMITTED },
	{ "half a default route", "0.0.0.0/1", IPC_REF_NOT_PERMITTED },
	{ "default route", "0.0.0.0/0", IPC_REF_DEFAULT },
	{ "IPv6 default route", "::/0", IPC_REF_DEFAULT },
	{ "loopback, though permitted", "127.0.0.0/24", IPC_REF_MARTIAN },
	{ "multicast", "224.0.0.0/8", IPC_REF_MARTIAN },
	{ "IPv6 link-local", "fe80::/64", IPC_REF_MARTIAN },
	{ "IPv6 loopback", "::1/128", IPC_REF_MARTIAN },
	{ "v4-mapped", "::ffff:10.0.0.0/120", IPC_REF_MARTIAN },
	{ "link-local", "169.254.1.0/24", IPC_REF_MARTIAN },
	{ "own address", "10.0.0.1/32", IPC_REF_OWN_ADDRESS },
	{ "own subnet", "10.0.0.0/24", IPC_REF_OWN_ADDRESS },
	{ "half of own subnet with own address", "10.0.0.0/25", IPC_REF_OWN_ADDRESS },
	{ "half of own subnet with peer", "10.0.0.128/25", IPC_REF_PEER_ADDRESS },
	{ "wider than own subnet", "10.0.0.0/16", IPC_REF_NONE },
	{ "own IPv6 subnet", "2001:db8::/64", IPC_REF_OWN_ADDRESS },
	{ "peer's address", "10.0.0.254/32", IPC_REF_PEER_ADDRESS },
	{ "next hop on the link", "10.0.0.77/32", IPC_REF_PEER_ADDRESS },
	{ "neither, on the link", "10.0.0.99/32", IPC_REF_NONE },
	{ "peer behind the default route, named range", "198.51.100.9/32", IPC_REF_NONE },
	{ "protected address", "192.168.9.9/32", IPC_REF_PROTECTED },
	{ "as specific as what serves the protected", "192.168.0.0/16", IPC_REF_PROTECTED },
	{ "inside a protected prefix", "192.168.200.0/24", IPC_REF_PROTECTED },
	{ "beside the protected", "192.168.1.0/24", IPC_REF_NONE },
	{ "own block", "10.65.1.0/24", IPC_REF_OWN_PREFIX },
	{ "inside own block", "10.65.1.128/25", IPC_REF_OWN_PREFIX },
	{ "around own block", "10.65.0.0/16", IPC_REF_NONE },
	{ "what we announce", "10.66.0.0/16", IPC_REF_OWN_PREFIX },
	{ "inside what we announce, no block", "10.66.7.0/24", IPC_REF_NONE },
};

START_TEST(learned_rows)
{
	struct ip_prefix p = px(learned[_i].prefix);

	ck_assert_msg(admit_learned(&in, &p) == learned[_i].want, "%s: %s: got %d, want %d",
	    learned[_i].rule, learned[_i].prefix, admit_learned(&in, &p), learned[_i].want);
}
END_TEST

START_TEST(switches)
{
	struct ip_prefix def = px("0.0.0.0/0"), p = px("10.64.3.0/24"), peer = px("10.0.0.254/32"),
			 me = px("10.0.0.1/32"), any = px("172.16.0.0/24"), v6 = px("::/0"),
			 far = px("203.0.113.9/32");

	in.permit_default4 = true;
	permit[in.npermit++] = px("0.0.0.0/0");
	ck_assert_int_eq(admit_learned(&in, &def), IPC_REF_PEER_ADDRESS); /* 203.0.113.9 */
	ck_assert_int_eq(admit_learned(&in, &v6), IPC_REF_DEFAULT);
	ck_assert_int_eq(admit_learned(&in, &any), IPC_REF_NONE);
	ck_assert_int_eq(admit_learned(&in, &peer), IPC_REF_PEER_ADDRESS);
	ck_assert_int_eq(admit_learned(&in, &far), IPC_REF_PEER_ADDRESS);
	in.protect_default = true;
	ck_assert_int_eq(admit_learned(&in, &def), IPC_REF_DEFAULT);
	in.protect_default = in.protect_peers = false;
	ck_assert_int_eq(admit_learned(&in, &def), IPC_REF_NONE);
	ck_assert_int_eq(admit_learned(&in, &peer), IPC_REF_NONE);
	in.protect_node = false;
	ck_assert_int_eq(admit_learned(&in, &me), IPC_REF_NONE);
	in.max_routes = 5;
	in.routes = 4;
	ck_assert_int_eq(admit_learned(&in, &p), IPC_REF_NONE);
	in.routes = 5;
	ck_assert_int_eq(admit_learned(&in, &p), IPC_REF_LIMIT);
	in.npermit = 0;
	ck_assert_int_eq(admit_learned(&in, &p), IPC_REF_NO_PERMIT);
	in.install = false;
	ck_assert_int_eq(admit_learned(&in, &p), IPC_REF_INSTALL_OFF);
}
END_TEST

/* A discard route must not cut off what only a wider route serves. */
static const struct {
	const char *prefix;
	enum ipc_refusal want;
} discards[] = {
	{ "10.64.0.0/10", IPC_REF_NONE },
	{ "10.0.0.0/16", IPC_REF_NONE },
	{ "10.0.0.0/24", IPC_REF_OWN_ADDRESS },
	{ "198.51.100.0/24", IPC_REF_PEER_ADDRESS },
	{ "198.18.0.0/15", IPC_REF_NONE }, /* that peer is out of reach anyway */
	{ "192.168.0.0/16", IPC_REF_PROTECTED },
	{ "0.0.0.0/0", IPC_REF_DEFAULT },
	{ "fe80::/10", IPC_REF_MARTIAN },
};

START_TEST(discard_rows)
{
	struct ip_prefix p = px(discards[_i].prefix);

	ck_assert_msg(admit_discard(&in, &p) == discards[_i].want, "%s: got %d",
	    discards[_i].prefix, admit_discard(&in, &p));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("admit");
	TCase *tc = unit_case(s, "rules");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, learned_rows, 0, NROWS(learned));
	tcase_add_loop_test(tc, discard_rows, 0, NROWS(discards));
	tcase_add_test(tc, switches);
	return unit_run(s);
}
