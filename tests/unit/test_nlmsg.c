/*
 * Netlink messages: what is built for an operation is parsed back as the same, and
 * nothing that arrives is read beyond its end (each message lies right before a page
 * that must not be touched).
 */
#include "agent/nlmsg.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/rng.h"
#include "tests/unit/unit.h"

#define TABLE 254
#define PROTO 212

static struct nl_msg *msg;
static struct nl_seen seen;
static struct fib_kop op;
static uint8_t *page_end; /* the forbidden page starts here */

static void
setup(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert(p != MAP_FAILED);
	page_end = p + 2 * page;
	ck_assert_int_eq(mprotect(page_end, page, PROT_NONE), 0);
	msg = nlmsg_alloc_size(NL_OP_OCTETS);
	memset(&op, 0, sizeof op);
	memset(&seen, 0xa5, sizeof seen);
}

static void
teardown(void)
{
	nlmsg_free(msg);
}

/* A copy of m whose last octet is the last that may be read. */
static struct nlmsghdr *
at_the_edge(const struct nlmsghdr *m, size_t len)
{
	uint8_t *p = page_end - NLMSG_ALIGN(len);

	memcpy(p, m, NLMSG_ALIGN(len));
	((struct nlmsghdr *)(void *)p)->nlmsg_len = (uint32_t)len;
	return (struct nlmsghdr *)(void *)p;
}

static void
leg_eq(const struct kern_leg *a, const struct kern_leg *b)
{
	ck_assert(ip_addr_eq(&a->gw, &b->gw));
	ck_assert_uint_eq(a->ifindex, b->ifindex);
	ck_assert_uint_eq(a->weight, b->weight);
	ck_assert_int_eq(a->onlink, b->onlink);
}

static void
route_eq(const struct kern_route *a, const struct kern_route *b)
{
	uint16_t i;

	ck_assert(ip_prefix_eq(&a->prefix, &b->prefix));
	ck_assert_uint_eq(a->table, b->table);
	ck_assert_uint_eq(a->metric, b->metric);
	ck_assert_uint_eq(a->protocol, b->protocol);
	ck_assert_int_eq(a->type, b->type);
	ck_assert_uint_eq(a->nhid, b->nhid);
	ck_assert(ip_addr_eq(&a->prefsrc, &b->prefsrc));
	ck_assert_uint_eq(a->nlegs, b->nlegs);
	for (i = 0; i < a->nlegs; i++)
		leg_eq(&a->leg[i], &b->leg[i]);
}

/* ---- routes -------------------------------------------------------------- */

struct leg_row {
	const char *gw;
	uint32_t ifindex;
	uint8_t weight;
	bool onlink;
};

static const struct route_row {
	const char *name, *prefix, *prefsrc;
	enum kern_type type;
	uint32_t nhid, table;
	uint16_t nlegs;
	struct leg_row leg[3];
	uint8_t scope; /* on the wire */
} route_rows[] = {
	{ "by nexthop object", "10.64.1.0/24", NULL, KERN_UNICAST, 7, TABLE, 0, { { 0 } }, 0 },
	{ "one leg", "10.64.1.0/24", "10.0.0.1", KERN_UNICAST, 0, TABLE, 1,
	    { { "10.0.0.2", 3, 1, false } }, 0 },
	{ "on link gateway", "10.64.1.0/24", NULL, KERN_UNICAST, 0, TABLE, 1,
	    { { "10.9.9.9", 3, 1, true } }, 0 },
	{ "directly on the link: link scope", "10.64.1.0/24", NULL, KERN_UNICAST, 0, TABLE, 1,
	    { { NULL, 3, 1, false } }, RT_SCOPE_LINK },
	{ "IPv4 by IPv6: RFC 8950", "10.64.1.0/24", NULL, KERN_UNICAST, 0, TABLE, 1,
	    { { "fe80::2", 3, 1, false } }, 0 },
	{ "legs with weights, of both families", "10.64.1.0/24", NULL, KERN_UNICAST, 0, 100000, 3,
	    { { "10.0.0.2", 3, 1, false }, { "fe80::2", 4, 255, false }, { "10.9.9.9", 5, 2, true } }, 0 },
	{ "default route", "0.0.0.0/0", NULL, KERN_UNICAST, 0, 200, 1, { { "10.0.0.2", 3, 1, false } }, 0 },
	{ "host route", "192.0.2.1/32", NULL, KERN_UNICAST, 9, TABLE, 0, { { 0 } }, 0 },
	{ "blackhole", "10.64.1.0/24", NULL, KERN_BLACKHOLE, 0, TABLE, 0, { { 0 } }, 0 },
	{ "unreachable", "10.64.0.0/10", NULL, KERN_UNREACHABLE, 0, TABLE, 0, { { 0 } }, 0 },
	{ "IPv6 legs", "fd64:1::/48", "fd00::1", KERN_UNICAST, 0, TABLE, 2,
	    { { "fd00::2", 3, 1, false }, { "fe80::3", 4, 3, false } }, 0 },
	{ "IPv6 default by object", "::/0", NULL, KERN_UNICAST, UINT32_MAX, TABLE, 0, { { 0 } }, 0 },
	{ "IPv6 unreachable", "fd64::/16", NULL, KERN_UNREACHABLE, 0, TABLE, 0, { { 0 } }, 0 },
};

static void
make_route(const struct route_row *row, struct kern_route *r)
{
	uint16_t i;

	*r = (struct kern_route){ .prefix = px(row->prefix), .table = row->table, .metric = 20,
		.protocol = PROTO, .type = row->type, .nhid = row->nhid, .nlegs = row->nlegs,
		.prefsrc = ad(row->prefsrc) };
	for (i = 0; i < row->nlegs; i++)
		r->leg[i] = (struct kern_leg){ .gw = ad(row->leg[i].gw),
			.ifindex = row->leg[i].ifindex, .weight = row->leg[i].weight,
			.onlink = row->leg[i].onlink };
}

static const struct nlmsghdr *
build(enum fib_op_kind kind)
{
	op.kind = kind;
	ck_assert(nl_build_op(nlmsg_hdr(msg), NL_OP_OCTETS, &op, 42));
	ck_assert_uint_eq(nlmsg_hdr(msg)->nlmsg_seq, 42);
	ck_assert(nlmsg_hdr(msg)->nlmsg_flags & NLM_F_REQUEST);
	ck_assert(!(nlmsg_hdr(msg)->nlmsg_flags & (NLM_F_ACK | NLM_F_APPEND)));
	return nlmsg_hdr(msg);
}

static bool
parses(const struct nlmsghdr *h)
{
	return nl_parse(at_the_edge(h, h->nlmsg_len), &seen);
}

START_TEST(route_round_trip)
{
	const struct route_row *row = &route_rows[_i];
	const struct nlmsghdr *h;
	const struct rtmsg *rt;

	make_route(row, &op.route);
	h = build(FIB_OP_ROUTE_ADD);
	rt = nlmsg_data(h);
	ck_assert_uint_eq(h->nlmsg_type, RTM_NEWROUTE);
	ck_assert_uint_eq(h->nlmsg_flags & 0xf00, NLM_F_CREATE | NLM_F_EXCL);
	ck_assert_uint_eq(rt->rtm_scope, row->scope);
	ck_assert(parses(h));
	ck_assert(!seen.gone && !seen.route.replaced);
	ck_assert_int_eq(seen.what, op.route.prefix.af == IP4 ? KERN_ROUTES4 : KERN_ROUTES6);
	route_eq(&seen.route, &op.route);

	h = build(FIB_OP_ROUTE_REPLACE); /* never creates: what is gone is looked at first */
	ck_assert_uint_eq(h->nlmsg_flags & 0xf00, NLM_F_REPLACE);
	ck_assert(parses(h));
	ck_assert(seen.route.replaced);
	route_eq(&seen.route, &op.route);
}
END_TEST

/* A deletion names all that makes a route ours. */
START_TEST(route_deletion_names_the_place)
{
	const struct nlmsghdr *h;

	make_route(&route_rows[_i], &op.route);
	h = build(FIB_OP_ROUTE_DEL);
	ck_assert_uint_eq(h->nlmsg_type, RTM_DELROUTE);
	ck_assert(parses(h));
	ck_assert(seen.gone);
	ck_assert(ip_prefix_eq(&seen.route.prefix, &op.route.prefix));
	ck_assert_uint_eq(seen.route.table, op.route.table);
	ck_assert_uint_eq(seen.route.metric, op.route.metric);
	ck_assert_uint_eq(seen.route.protocol, PROTO);
}
END_TEST

START_TEST(the_longest_route_fits)
{
	uint16_t i;

	make_route(&route_rows[5], &op.route);
	op.route.prefsrc = ad("10.0.0.1");
	op.route.nlegs = IPC_MEMBERS_MAX;
	for (i = 0; i < IPC_MEMBERS_MAX; i++)
		op.route.leg[i] = (struct kern_leg){ .gw = ad("fe80::1"), .ifindex = i + 1u,
			.weight = (uint8_t)(i + 1) };
	ck_assert(parses(build(FIB_OP_ROUTE_ADD)));
	route_eq(&seen.route, &op.route);
}
END_TEST

START_TEST(dump_is_no_operation)
{
	op.kind = FIB_OP_DUMP;
	ck_assert(!nl_build_op(nlmsg_hdr(msg), NL_OP_OCTETS, &op, 1));
}
END_TEST

/* ---- nexthop objects ----------------------------------------------------- */

static void
nexthop_eq(const struct kern_nexthop *a, const struct kern_nexthop *b)
{
	uint16_t i;

	ck_assert_uint_eq(a->id, b->id);
	ck_assert_uint_eq(a->protocol, b->protocol);
	ck_assert_int_eq(a->blackhole, b->blackhole);
	ck_assert_uint_eq(a->ngroup, b->ngroup);
	for (i = 0; i < a->ngroup; i++) {
		ck_assert_uint_eq(a->group[i].id, b->group[i].id);
		ck_assert_uint_eq(a->group[i].weight, b->group[i].weight);
	}
	if (a->ngroup == 0)
		leg_eq(&a->leg, &b->leg);
}

static const struct {
	struct leg_row leg;
	uint8_t family;
} leg_rows[] = {
	{ { "10.0.0.2", 3, 1, false }, AF_INET },
	{ { "fe80::2", 3, 1, false }, AF_INET6 },
	{ { "10.9.9.9", 3, 1, true }, AF_INET },
	{ { NULL, 3, 1, false }, AF_INET6 }, /* routes of both families may use it */
};

START_TEST(nexthop_round_trip)
{
	const struct leg_row *l = &leg_rows[_i].leg;
	const struct nlmsghdr *h;
	const struct nhmsg *nh;

	op.nexthop = (struct kern_nexthop){ .id = 77, .protocol = PROTO,
		.leg = { .gw = ad(l->gw), .ifindex = l->ifindex, .weight = 1, .onlink = l->onlink } };
	h = build(FIB_OP_NH_ADD);
	nh = nlmsg_data(h);
	ck_assert_uint_eq(h->nlmsg_type, RTM_NEWNEXTHOP);
	ck_assert_uint_eq(h->nlmsg_flags & 0xf00, NLM_F_CREATE | NLM_F_EXCL);
	ck_assert_uint_eq(nh->nh_family, leg_rows[_i].family);
	ck_assert(parses(h));
	ck_assert_int_eq(seen.what, KERN_NEXTHOPS);
	nexthop_eq(&seen.nexthop, &op.nexthop);
	h = build(FIB_OP_NH_REPLACE);
	ck_assert_uint_eq(h->nlmsg_flags & 0xf00, NLM_F_REPLACE);
}
END_TEST

START_TEST(nexthop_group_round_trip)
{
	const struct nlmsghdr *h;
	uint16_t i;

	op.nexthop = (struct kern_nexthop){ .id = 1u << 30, .protocol = PROTO,
		.ngroup = IPC_MEMBERS_MAX };
	for (i = 0; i < IPC_MEMBERS_MAX; i++) {
		op.nexthop.group[i].id = 1000u + i;
		op.nexthop.group[i].weight = i == 0 ? 255 : (uint8_t)i;
	}
	ck_assert(parses(build(FIB_OP_NH_ADD)));
	nexthop_eq(&seen.nexthop, &op.nexthop);
	h = build(FIB_OP_NH_DEL);
	ck_assert_uint_eq(h->nlmsg_type, RTM_DELNEXTHOP);
	ck_assert(parses(h));
	ck_assert(seen.gone);
	ck_assert_uint_eq(seen.nexthop.id, 1u << 30);
}
END_TEST

/* ---- what the kernel tells ----------------------------------------------- */

static void
begin(int type, int flags, const void *body, size_t len)
{
	nlmsg_free(msg);
	msg = nlmsg_alloc_size(NL_OP_OCTETS);
	ck_assert_ptr_nonnull(nlmsg_put(msg, 0, 1, type, 0, flags));
	ck_assert_int_eq(nlmsg_append(msg, (void *)(uintptr_t)body, len, NLMSG_ALIGNTO), 0);
}

static void
put_addr(int type, const char *s)
{
	struct ip_addr a = ad(s);

	nla_put(msg, type, ip_af_octets(a.af), a.b);
}

static void
make_link(uint8_t family, unsigned int flags, bool whole)
{
	struct ifinfomsg ifi = { .ifi_family = family, .ifi_index = 4, .ifi_flags = flags };

	begin(RTM_NEWLINK, 0, &ifi, sizeof ifi);
	nla_put_string(msg, IFLA_IFNAME, "eth0123456789ab");
	if (!whole)
		return;
	nla_put_u32(msg, IFLA_MTU, 9000);
	nla_put_u32(msg, IFLA_CARRIER_DOWN_COUNT, 5);
}

START_TEST(links)
{
	make_link(AF_UNSPEC, IFF_UP | IFF_LOWER_UP, true);
	ck_assert(parses(nlmsg_hdr(msg)));
	ck_assert_int_eq(seen.what, KERN_LINKS);
	ck_assert_uint_eq(seen.link.ifindex, 4);
	ck_assert_str_eq(seen.link.name, "eth0123456789ab");
	ck_assert(seen.link.up && seen.link.carrier && !seen.link.loopback);
	ck_assert_uint_eq(seen.link.mtu, 9000);
	ck_assert_uint_eq(seen.link.carrier_downs, 5);
	make_link(AF_UNSPEC, IFF_UP | IFF_LOOPBACK, true);
	ck_assert(parses(nlmsg_hdr(msg)));
	ck_assert(seen.link.up && !seen.link.carrier && seen.link.loopback);
	/* A port of a bridge; a wireless event without state. */
	make_link(AF_BRIDGE, IFF_UP, true);
	ck_assert(!parses(nlmsg_hdr(msg)));
	make_link(AF_UNSPEC, IFF_UP, false);
	ck_assert(!parses(nlmsg_hdr(msg)));
}
END_TEST

static const struct {
	const char *local, *address;
	uint8_t family, plen;
	uint32_t flags;
	bool tentative, deprecated;
} addr_rows[] = {
	{ "10.0.0.1", "10.0.0.1", AF_INET, 24, IFA_F_PERMANENT, false, false },
	{ "10.0.0.1", "10.0.0.9", AF_INET, 32, 0, false, false }, /* point to point */
	{ NULL, "fd00::1", AF_INET6, 24, IFA_F_TENTATIVE, true, false },
	{ NULL, "fd00::1", AF_INET6, 24, IFA_F_TENTATIVE | IFA_F_DADFAILED, true, false },
	{ NULL, "fd00::1", AF_INET6, 24, IFA_F_DEPRECATED, false, true },
	{ NULL, "fe80::1", AF_INET6, 24, IFA_F_PERMANENT, false, false },
};

START_TEST(addresses)
{
	struct ifaddrmsg ifa = { .ifa_family = addr_rows[_i].family, .ifa_prefixlen = 24,
		.ifa_index = 4 };
	struct ip_addr want = ad(addr_rows[_i].local ? addr_rows[_i].local : addr_rows[_i].address);

	begin(RTM_DELADDR, 0, &ifa, sizeof ifa);
	put_addr(IFA_ADDRESS, addr_rows[_i].address);
	if (addr_rows[_i].local)
		put_addr(IFA_LOCAL, addr_rows[_i].local);
	nla_put_u32(msg, IFA_FLAGS, addr_rows[_i].flags);
	ck_assert(parses(nlmsg_hdr(msg)));
	ck_assert_int_eq(seen.what, KERN_ADDRS);
	ck_assert(seen.gone);
	ck_assert_mem_eq(seen.addr.addr.b, want.b, 16);
	ck_assert_uint_eq(seen.addr.ifindex, 4);
	ck_assert_uint_eq(seen.addr.addr.ifindex, addr_rows[_i].family == AF_INET6 &&
	    ip_addr_is_link_local(&want) ? 4 : 0);
	ck_assert_uint_eq(seen.addr.plen, addr_rows[_i].plen);
	ck_assert_int_eq(seen.addr.tentative, addr_rows[_i].tentative);
	ck_assert_int_eq(seen.addr.deprecated, addr_rows[_i].deprecated);
}
END_TEST

static const struct {
	const char *name;
	struct rtmsg rt;
	bool shown;
	enum kern_type type;
} kind_rows[] = {
	{ "local", { .rtm_family = AF_INET, .rtm_type = RTN_LOCAL }, true, KERN_LOCAL },
	{ "broadcast", { .rtm_family = AF_INET, .rtm_type = RTN_BROADCAST }, true, KERN_OTHER },
	{ "throw", { .rtm_family = AF_INET, .rtm_type = RTN_THROW }, true, KERN_OTHER },
	{ "prohibit", { .rtm_family = AF_INET, .rtm_type = RTN_PROHIBIT }, true, KERN_PROHIBIT },
	{ "cloned", { .rtm_family = AF_INET6, .rtm_type = RTN_UNICAST, .rtm_flags = RTM_F_CLONED },
	    false, KERN_OTHER },
	{ "by source", { .rtm_family = AF_INET6, .rtm_type = RTN_UNICAST, .rtm_src_len = 64 }, false,
	    KERN_OTHER },
	{ "by service", { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST, .rtm_tos = 4 }, false,
	    KERN_OTHER },
	{ "multicast forwarding", { .rtm_family = RTNL_FAMILY_IPMR, .rtm_type = RTN_MULTICAST }, false,
	    KERN_OTHER },
	{ "MPLS", { .rtm_family = 28, .rtm_type = RTN_UNICAST }, false, KERN_OTHER },
	{ "longer than its family", { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST,
	    .rtm_dst_len = 33 }, false, KERN_OTHER },
	{ "without its destination", { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST,
	    .rtm_dst_len = 8 }, false, KERN_OTHER },
};

START_TEST(kinds_of_routes)
{
	begin(RTM_NEWROUTE, NLM_F_MULTI, &kind_rows[_i].rt, sizeof kind_rows[_i].rt);
	nla_put_u32(msg, RTA_OIF, 3);
	ck_assert_int_eq(parses(nlmsg_hdr(msg)), kind_rows[_i].shown);
	if (kind_rows[_i].shown)
		ck_assert_int_eq(seen.route.type, kind_rows[_i].type);
}
END_TEST

START_TEST(other_messages)
{
	static const int types[] = { NLMSG_NOOP, NLMSG_DONE, RTM_NEWNEIGH, RTM_NEWRULE, RTM_GETROUTE,
		UINT16_MAX };
	struct rtmsg rt = { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST };

	begin(types[_i], 0, &rt, sizeof rt);
	ck_assert(!parses(nlmsg_hdr(msg)));
}
END_TEST

/* ---- answers ------------------------------------------------------------- */

static const char words[] = "Nexthop has invalid gateway";

static int
error_of(int type, int flags, int err, size_t request, bool with_text, char *text)
{
	struct nlmsgerr e = { .error = err, .msg.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + request) };
	static const uint8_t zeros[64];

	if (type == NLMSG_DONE)
		begin(type, flags, &err, sizeof err);
	else
		begin(type, flags, &e, sizeof e);
	if (request > 0 && !(flags & NLM_F_CAPPED))
		nlmsg_append(msg, (void *)(uintptr_t)zeros, request, NLMSG_ALIGNTO);
	if (with_text)
		nla_put_string(msg, NLMSGERR_ATTR_MSG, words);
	return nl_parse_error(at_the_edge(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len), text, 64);
}

START_TEST(answers)
{
	const int tlvs = NLM_F_ACK_TLVS, capped = NLM_F_CAPPED | NLM_F_ACK_TLVS;
	char text[64];

	ck_assert_int_eq(error_of(NLMSG_ERROR, NLM_F_CAPPED, 0, 28, false, text), 0);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(error_of(NLMSG_ERROR, capped, -EINVAL, 28, true, text), EINVAL);
	ck_assert_str_eq(text, words);
	ck_assert_int_eq(error_of(NLMSG_ERROR, tlvs, -EINVAL, 28, true, text), EINVAL);
	ck_assert_str_eq(text, words);
	ck_assert_int_eq(error_of(NLMSG_DONE, tlvs, -EOPNOTSUPP, 0, true, text), EOPNOTSUPP);
	ck_assert_str_eq(text, words);
	ck_assert_int_eq(error_of(NLMSG_DONE, 0, 0, 0, false, text), 0);
	ck_assert_int_eq(error_of(NLMSG_ERROR, 0, 5, 0, false, text), EBADMSG);
	ck_assert_int_eq(error_of(NLMSG_ERROR, 0, INT32_MIN, 0, false, text), EBADMSG);
}
END_TEST

/* ---- hostile octets ------------------------------------------------------ */

static void
check_sane(void)
{
	uint16_t i;

	switch (seen.what) {
	case KERN_LINKS:
		ck_assert(memchr(seen.link.name, '\0', sizeof seen.link.name));
		break;
	case KERN_ADDRS:
		ck_assert_uint_le(seen.addr.plen, ip_af_bits(seen.addr.addr.af));
		break;
	case KERN_ROUTES4:
	case KERN_ROUTES6:
		ck_assert_uint_le(seen.route.nlegs, IPC_MEMBERS_MAX);
		ck_assert_uint_le(seen.route.prefix.len, ip_af_bits(seen.route.prefix.af));
		for (i = 0; i < seen.route.nlegs; i++)
			ck_assert_uint_ge(seen.route.leg[i].weight, 1);
		break;
	case KERN_NEXTHOPS:
		ck_assert_uint_le(seen.nexthop.ngroup, IPC_MEMBERS_MAX);
		break;
	case KERN_NWHAT:
		ck_abort();
	}
}

static void
feed(const struct nlmsghdr *h, size_t len)
{
	struct nlmsghdr *m = at_the_edge(h, len);
	char text[32];

	if (nl_parse(m, &seen))
		check_sane();
	nl_parse_error(m, text, sizeof text);
	ck_assert(memchr(text, '\0', sizeof text));
}

/* Message n of a small collection, in msg. */
static void
make_seed(int n)
{
	char text[64];

	if (n < NROWS(route_rows)) {
		make_route(&route_rows[n], &op.route);
		op.kind = FIB_OP_ROUTE_ADD;
		nl_build_op(nlmsg_hdr(msg), NL_OP_OCTETS, &op, 1);
	} else if (n == NROWS(route_rows)) {
		make_link(AF_UNSPEC, IFF_UP, true);
	} else if (n == NROWS(route_rows) + 1) {
		error_of(NLMSG_ERROR, NLM_F_ACK_TLVS, -EINVAL, 28, true, text);
	} else {
		op.kind = FIB_OP_NH_ADD;
		op.nexthop = (struct kern_nexthop){ .id = 5, .ngroup = 3 };
		nl_build_op(nlmsg_hdr(msg), NL_OP_OCTETS, &op, 1);
	}
}

START_TEST(cut_anywhere)
{
	size_t len;

	make_seed(_i);
	for (len = NLMSG_HDRLEN; len <= nlmsg_hdr(msg)->nlmsg_len; len++)
		feed(nlmsg_hdr(msg), len);
}
END_TEST

START_TEST(flipped_anywhere)
{
	_Alignas(8) uint8_t buf[NL_OP_OCTETS];
	struct rng rng;
	size_t len;
	int i, k;

	rng_seed(&rng, 4711u + (unsigned int)_i);
	make_seed(_i);
	len = nlmsg_hdr(msg)->nlmsg_len;
	for (i = 0; i < 20000; i++) {
		memcpy(buf, nlmsg_hdr(msg), len);
		for (k = (int)rng_below(&rng, 4); k >= 0; k--)
			buf[4 + rng_below(&rng, len - 4)] = (uint8_t)rng_u64(&rng);
		feed((struct nlmsghdr *)(void *)buf, len);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("nlmsg");
	TCase *tc = unit_case(s, "messages");
	const int seeds = NROWS(route_rows) + 3;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, route_round_trip, 0, NROWS(route_rows));
	tcase_add_loop_test(tc, route_deletion_names_the_place, 0, NROWS(route_rows));
	tcase_add_test(tc, the_longest_route_fits);
	tcase_add_test(tc, dump_is_no_operation);
	tcase_add_loop_test(tc, nexthop_round_trip, 0, NROWS(leg_rows));
	tcase_add_test(tc, nexthop_group_round_trip);
	tcase_add_test(tc, links);
	tcase_add_loop_test(tc, addresses, 0, NROWS(addr_rows));
	tcase_add_loop_test(tc, kinds_of_routes, 0, NROWS(kind_rows));
	tcase_add_loop_test(tc, other_messages, 0, 6);
	tcase_add_test(tc, answers);
	tcase_add_loop_test(tc, cut_anywhere, 0, seeds);
	tcase_add_loop_test(tc, flipped_anywhere, 0, seeds);
	return unit_run(s);
}
