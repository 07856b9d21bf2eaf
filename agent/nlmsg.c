/*
 * Builders of netlink route messages; see nlmsg.h. By hand: libnl 3.7 has no nexthop
 * objects and no RTA_NH_ID, and its helpers take longer for a route than all else does.
 *
 * Facts this rests on (kernel 6.1 to 6.18, checked by tests/unit/test_nl.c):
 * - CREATE|EXCL is refused with EEXIST when any route with that prefix, table and
 *   metric is there, whatever its protocol, in both families.
 * - REPLACE without CREATE is refused with ENOENT when nothing is there.
 * - A deletion matches what it names: protocol and metric, and for IPv6 the legs;
 *   without legs IPv6 deletes all siblings, among them legs that others appended.
 * - RTM_DELNEXTHOP must have a zero header but for the family.
 */
#include "agent/nlmsg.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* A message under way; full: it did not fit, and nothing more is written. */
struct out {
	uint8_t *base;
	size_t len, cap;
	bool full;
};

static int
family_of(uint8_t af)
{
	return af == IP4 ? AF_INET : af == IP6 ? AF_INET6 : AF_UNSPEC;
}

/* n more octets, aligned; the last ones, which only fill up, are zero. NULL: they do not fit. */
static inline void *
room(struct out *o, size_t n)
{
	size_t all = NLMSG_ALIGN(n);
	void *at = o->base + o->len;

	if (o->full || o->cap - o->len < all) {
		o->full = true;
		return NULL;
	}
	o->len += all;
	if (all > n)
		memset((uint8_t *)at + n, 0, all - n);
	return at;
}

/* The length of what starts at octet `at` is known now. */
static void
close_nest(struct out *o, size_t at)
{
	struct rtattr *a = (struct rtattr *)(void *)(o->base + at);

	a->rta_len = (uint16_t)(o->len - at);
}

static void
put(struct out *o, uint16_t type, const void *data, size_t n)
{
	struct rtattr *a = room(o, sizeof(*a) + n);

	if (!a)
		return;
	a->rta_type = type;
	a->rta_len = (uint16_t)(sizeof(*a) + n);
	memcpy(a + 1, data, n);
}

/* The same for what most messages have: four octets, and sixteen. */
static inline void
put4(struct out *o, uint16_t type, const void *v)
{
	struct rtattr *a = room(o, sizeof(*a) + 4);

	if (!a)
		return;
	a->rta_type = type;
	a->rta_len = sizeof(*a) + 4;
	memcpy(a + 1, v, 4);
}

static inline void
put16(struct out *o, uint16_t type, const void *v)
{
	struct rtattr *a = room(o, sizeof(*a) + 16);

	if (!a)
		return;
	a->rta_type = type;
	a->rta_len = sizeof(*a) + 16;
	memcpy(a + 1, v, 16);
}

static void
put_u32(struct out *o, uint16_t type, uint32_t v)
{
	put4(o, type, &v);
}

static void
put_addr(struct out *o, uint16_t type, uint8_t af, const uint8_t *b)
{
	if (af == IP4)
		put4(o, type, b);
	else
		put16(o, type, b);
}

/* The header, and the body that every message of its type has. */
static inline void
begin(struct out *o, uint16_t type, uint16_t flags, uint32_t seq, const void *body, size_t len)
{
	struct nlmsghdr *h = room(o, NLMSG_HDRLEN + len);

	if (!h)
		return;
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = seq;
	h->nlmsg_pid = 0;
	memcpy(NLMSG_DATA(h), body, len);
}

/* Its length, 0 where it does not fit. */
static size_t
end(struct out *o)
{
	if (o->full)
		return 0;
	((struct nlmsghdr *)(void *)o->base)->nlmsg_len = (uint32_t)o->len;
	return o->len;
}

/* RTA_GATEWAY, or RTA_VIA where the gateway is of the other family (RFC 8950). */
static void
put_gateway(struct out *o, uint8_t route_af, const struct ip_addr *gw)
{
	struct {
		uint16_t family;
		uint8_t b[16];
	} via = { .family = (uint16_t)family_of(gw->af) };

	if (gw->af == IP_NONE)
		return;
	if (gw->af == route_af) {
		put_addr(o, RTA_GATEWAY, gw->af, gw->b);
		return;
	}
	memcpy(via.b, gw->b, ip_af_octets(gw->af));
	put(o, RTA_VIA, &via, 2u + ip_af_octets(gw->af));
}

static void
put_leg(struct out *o, uint8_t af, const struct kern_leg *leg)
{
	size_t at = o->len;
	struct rtnexthop *nh = room(o, sizeof(*nh));

	if (!nh)
		return;
	nh->rtnh_flags = leg->onlink ? RTNH_F_ONLINK : 0;
	nh->rtnh_hops = leg->weight ? (uint8_t)(leg->weight - 1) : 0;
	nh->rtnh_ifindex = (int)leg->ifindex;
	put_gateway(o, af, &leg->gw);
	nh->rtnh_len = (uint16_t)(o->len - at);
}

static void
put_legs(struct out *o, const struct kern_route *r)
{
	size_t at = o->len;
	uint16_t i;

	if (r->nlegs == 1) {
		put_gateway(o, r->prefix.af, &r->leg[0].gw);
		put_u32(o, RTA_OIF, r->leg[0].ifindex);
		return;
	}
	put(o, RTA_MULTIPATH, "", 0);
	for (i = 0; i < r->nlegs; i++)
		put_leg(o, r->prefix.af, &r->leg[i]);
	if (!o->full)
		close_nest(o, at);
}

static uint8_t
rtn_type(enum kern_type t)
{
	switch (t) {
	case KERN_UNICAST:
		return RTN_UNICAST;
	case KERN_BLACKHOLE:
		return RTN_BLACKHOLE;
	case KERN_UNREACHABLE:
		return RTN_UNREACHABLE;
	case KERN_PROHIBIT:
		return RTN_PROHIBIT;
	case KERN_LOCAL:
	case KERN_OTHER:
		break;
	}
	return RTN_UNSPEC;
}

static void
put_place(struct out *o, const struct kern_route *r)
{
	put_addr(o, RTA_DST, r->prefix.af, r->prefix.b);
	if (r->table >= 256)
		put_u32(o, RTA_TABLE, r->table);
	put_u32(o, RTA_PRIORITY, r->metric);
}

static uint8_t
table_octet(uint32_t table)
{
	return table < 256 ? (uint8_t)table : RT_TABLE_COMPAT;
}

static size_t
build_route(struct out *o, const struct kern_route *r, uint16_t flags, uint32_t seq)
{
	struct rtmsg rt = {
		.rtm_family = (uint8_t)family_of(r->prefix.af),
		.rtm_dst_len = r->prefix.len,
		.rtm_table = table_octet(r->table),
		.rtm_protocol = r->protocol,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = rtn_type(r->type),
	};

	if (r->type == KERN_UNICAST && r->nhid == 0 && r->nlegs == 1) {
		if (r->leg[0].gw.af == IP_NONE && r->prefix.af == IP4)
			rt.rtm_scope = RT_SCOPE_LINK;
		if (r->leg[0].onlink)
			rt.rtm_flags |= RTNH_F_ONLINK;
	}
	begin(o, RTM_NEWROUTE, flags, seq, &rt, sizeof(rt));
	put_place(o, r);
	if (r->prefsrc.af != IP_NONE)
		put_addr(o, RTA_PREFSRC, r->prefsrc.af, r->prefsrc.b);
	if (r->type == KERN_UNICAST && r->nhid != 0)
		put_u32(o, RTA_NH_ID, r->nhid);
	else if (r->type == KERN_UNICAST && r->nlegs > 0)
		put_legs(o, r);
	else if (r->type == KERN_UNICAST)
		return 0;
	return end(o);
}

/* Type and scope unspecified match any; the protocol makes sure that it is ours. */
static size_t
build_route_del(struct out *o, const struct kern_route *r, uint32_t seq)
{
	struct rtmsg rt = {
		.rtm_family = (uint8_t)family_of(r->prefix.af),
		.rtm_dst_len = r->prefix.len,
		.rtm_table = table_octet(r->table),
		.rtm_protocol = r->protocol,
		.rtm_scope = RT_SCOPE_NOWHERE,
		.rtm_type = RTN_UNSPEC,
	};

	begin(o, RTM_DELROUTE, 0, seq, &rt, sizeof(rt));
	put_place(o, r);
	if (r->prefix.af == IP6 && r->type == KERN_UNICAST && r->nhid == 0 && r->nlegs > 0)
		put_legs(o, r);
	return end(o);
}

/* Without a gateway: IPv6, which routes of both families may use. */
static uint8_t
nexthop_family(const struct kern_nexthop *n)
{
	if (n->ngroup > 0)
		return AF_UNSPEC;
	return n->leg.gw.af == IP4 ? AF_INET : AF_INET6;
}

static void
put_group(struct out *o, const struct kern_nexthop *n)
{
	struct nexthop_grp grp[IPC_MEMBERS_MAX];
	uint16_t i;

	memset(grp, 0, n->ngroup * sizeof(grp[0]));
	for (i = 0; i < n->ngroup; i++) {
		grp[i].id = n->group[i].id;
		grp[i].weight = n->group[i].weight ? (uint8_t)(n->group[i].weight - 1) : 0;
	}
	put(o, NHA_GROUP, grp, n->ngroup * sizeof(grp[0]));
}

static size_t
build_nexthop(struct out *o, const struct kern_nexthop *n, uint16_t flags, uint32_t seq)
{
	struct nhmsg nh = {
		.nh_family = nexthop_family(n),
		.nh_protocol = n->protocol,
		.nh_flags = n->ngroup == 0 && n->leg.onlink ? RTNH_F_ONLINK : 0,
	};

	begin(o, RTM_NEWNEXTHOP, flags, seq, &nh, sizeof(nh));
	put_u32(o, NHA_ID, n->id);
	if (n->ngroup > 0) {
		put_group(o, n);
		return end(o);
	}
	put_u32(o, NHA_OIF, n->leg.ifindex);
	if (n->leg.gw.af != IP_NONE)
		put_addr(o, NHA_GATEWAY, n->leg.gw.af, n->leg.gw.b);
	return end(o);
}

static size_t
build_nexthop_del(struct out *o, uint32_t id, uint32_t seq)
{
	struct nhmsg nh = { .nh_family = AF_UNSPEC };

	begin(o, RTM_DELNEXTHOP, 0, seq, &nh, sizeof(nh));
	put_u32(o, NHA_ID, id);
	return end(o);
}

size_t
nl_build_op(void *buf, size_t cap, const struct fib_kop *op, uint32_t seq)
{
	struct out o = { .base = buf, .cap = cap };

	switch (op->kind) {
	case FIB_OP_ROUTE_ADD:
		return build_route(&o, &op->route, NLM_F_CREATE | NLM_F_EXCL, seq);
	case FIB_OP_ROUTE_REPLACE:
		return build_route(&o, &op->route, NLM_F_REPLACE, seq);
	case FIB_OP_ROUTE_DEL:
		return build_route_del(&o, &op->route, seq);
	case FIB_OP_NH_ADD:
		return build_nexthop(&o, &op->nexthop, NLM_F_CREATE | NLM_F_EXCL, seq);
	case FIB_OP_NH_REPLACE:
		return build_nexthop(&o, &op->nexthop, NLM_F_REPLACE, seq);
	case FIB_OP_NH_DEL:
		return build_nexthop_del(&o, op->nexthop.id, seq);
	case FIB_OP_DUMP:
		break;
	}
	return 0;
}

static size_t
build_dump(struct out *o, uint16_t type, uint32_t seq, const void *body, size_t len)
{
	begin(o, type, NLM_F_DUMP, seq, body, len);
	return end(o);
}

static size_t
build_dump_routes(struct out *o, int family, uint32_t table, uint32_t seq)
{
	struct rtmsg rt = { .rtm_family = (uint8_t)family };

	begin(o, RTM_GETROUTE, NLM_F_DUMP, seq, &rt, sizeof(rt));
	put_u32(o, RTA_TABLE, table);
	return end(o);
}

static size_t
build_dump_links(struct out *o, uint32_t seq)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };

	begin(o, RTM_GETLINK, NLM_F_DUMP, seq, &ifi, sizeof(ifi));
	put_u32(o, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return end(o);
}

size_t
nl_build_dump(void *buf, size_t cap, enum kern_what what, uint32_t table, uint32_t seq)
{
	struct out o = { .base = buf, .cap = cap };
	struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };
	struct nhmsg nh = { .nh_family = AF_UNSPEC };

	switch (what) {
	case KERN_LINKS:
		return build_dump_links(&o, seq);
	case KERN_ADDRS:
		return build_dump(&o, RTM_GETADDR, seq, &ifa, sizeof(ifa));
	case KERN_NEXTHOPS:
		return build_dump(&o, RTM_GETNEXTHOP, seq, &nh, sizeof(nh));
	case KERN_ROUTES4:
		return build_dump_routes(&o, AF_INET, table, seq);
	case KERN_ROUTES6:
		return build_dump_routes(&o, AF_INET6, table, seq);
	case KERN_NWHAT:
		break;
	}
	return 0;
}
