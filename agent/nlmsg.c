/*
 * Builders of netlink route messages; see nlmsg.h. By hand on libnl's nlmsg and nla
 * helpers: libnl 3.7 has no nexthop objects and no RTA_NH_ID.
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

#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/socket.h>

static int
family_of(uint8_t af)
{
	return af == IP4 ? AF_INET : af == IP6 ? AF_INET6 : AF_UNSPEC;
}

/* Start m anew with a header. */
static bool
begin(struct nl_msg *m, int type, int flags, uint32_t seq, const void *body, size_t len)
{
	struct nlmsghdr *h = nlmsg_hdr(m);

	memset(h, 0, sizeof(*h));
	h->nlmsg_len = NLMSG_HDRLEN;
	if (!nlmsg_put(m, 0, seq, type, 0, NLM_F_REQUEST | flags))
		return false;
	return nlmsg_append(m, (void *)(uintptr_t)body, len, NLMSG_ALIGNTO) == 0;
}

static bool
put_addr(struct nl_msg *m, int type, const struct ip_addr *a)
{
	return nla_put(m, type, ip_af_octets(a->af), a->b) == 0;
}

/* RTA_GATEWAY, or RTA_VIA where the gateway is of the other family (RFC 8950). */
static bool
put_gateway(struct nl_msg *m, uint8_t route_af, const struct ip_addr *gw)
{
	struct {
		uint16_t family;
		uint8_t b[16];
	} via = { .family = (uint16_t)family_of(gw->af) };

	if (gw->af == IP_NONE)
		return true;
	if (gw->af == route_af)
		return put_addr(m, RTA_GATEWAY, gw);
	memcpy(via.b, gw->b, ip_af_octets(gw->af));
	return nla_put(m, RTA_VIA, 2 + ip_af_octets(gw->af), &via) == 0;
}

static bool
put_leg(struct nl_msg *m, uint8_t af, const struct kern_leg *leg)
{
	struct rtnexthop *nh = nlmsg_reserve(m, sizeof(*nh), NLMSG_ALIGNTO);

	if (!nh)
		return false;
	nh->rtnh_flags = leg->onlink ? RTNH_F_ONLINK : 0;
	nh->rtnh_hops = leg->weight ? (uint8_t)(leg->weight - 1) : 0;
	nh->rtnh_ifindex = (int)leg->ifindex;
	if (!put_gateway(m, af, &leg->gw))
		return false;
	nh->rtnh_len = (uint16_t)((char *)nlmsg_tail(nlmsg_hdr(m)) - (char *)nh);
	return true;
}

static bool
put_legs(struct nl_msg *m, const struct kern_route *r)
{
	struct nlattr *mp;
	uint16_t i;

	if (r->nlegs == 1)
		return put_gateway(m, r->prefix.af, &r->leg[0].gw) &&
		    nla_put_u32(m, RTA_OIF, r->leg[0].ifindex) == 0;
	mp = nla_nest_start(m, RTA_MULTIPATH);
	if (!mp)
		return false;
	for (i = 0; i < r->nlegs; i++) {
		if (!put_leg(m, r->prefix.af, &r->leg[i]))
			return false;
	}
	mp->nla_len = (uint16_t)((char *)nlmsg_tail(nlmsg_hdr(m)) - (char *)mp);
	return true;
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

static bool
put_place(struct nl_msg *m, const struct kern_route *r)
{
	struct ip_addr dst = ip_prefix_addr(&r->prefix);

	return put_addr(m, RTA_DST, &dst) && nla_put_u32(m, RTA_TABLE, r->table) == 0 &&
	    nla_put_u32(m, RTA_PRIORITY, r->metric) == 0;
}

static bool
build_route(struct nl_msg *m, const struct kern_route *r, int flags, uint32_t seq)
{
	struct rtmsg rt = {
		.rtm_family = (uint8_t)family_of(r->prefix.af),
		.rtm_dst_len = r->prefix.len,
		.rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_COMPAT,
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
	if (!begin(m, RTM_NEWROUTE, flags, seq, &rt, sizeof(rt)) || !put_place(m, r))
		return false;
	if (r->prefsrc.af != IP_NONE && !put_addr(m, RTA_PREFSRC, &r->prefsrc))
		return false;
	if (r->type != KERN_UNICAST)
		return true;
	if (r->nhid != 0)
		return nla_put_u32(m, RTA_NH_ID, r->nhid) == 0;
	return r->nlegs > 0 && put_legs(m, r);
}

/* Type and scope unspecified match any; the protocol makes sure that it is ours. */
static bool
build_route_del(struct nl_msg *m, const struct kern_route *r, uint32_t seq)
{
	struct rtmsg rt = {
		.rtm_family = (uint8_t)family_of(r->prefix.af),
		.rtm_dst_len = r->prefix.len,
		.rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_COMPAT,
		.rtm_protocol = r->protocol,
		.rtm_scope = RT_SCOPE_NOWHERE,
		.rtm_type = RTN_UNSPEC,
	};

	if (!begin(m, RTM_DELROUTE, 0, seq, &rt, sizeof(rt)) || !put_place(m, r))
		return false;
	if (r->prefix.af == IP6 && r->type == KERN_UNICAST && r->nhid == 0 && r->nlegs > 0)
		return put_legs(m, r);
	return true;
}

/* Without a gateway: IPv6, which routes of both families may use. */
static uint8_t
nexthop_family(const struct kern_nexthop *n)
{
	if (n->ngroup > 0)
		return AF_UNSPEC;
	return n->leg.gw.af == IP4 ? AF_INET : AF_INET6;
}

static bool
build_nexthop(struct nl_msg *m, const struct kern_nexthop *n, int flags, uint32_t seq)
{
	struct nexthop_grp grp[IPC_MEMBERS_MAX];
	struct nhmsg nh = {
		.nh_family = nexthop_family(n),
		.nh_protocol = n->protocol,
		.nh_flags = n->ngroup == 0 && n->leg.onlink ? RTNH_F_ONLINK : 0,
	};
	uint16_t i;

	if (!begin(m, RTM_NEWNEXTHOP, flags, seq, &nh, sizeof(nh)) ||
	    nla_put_u32(m, NHA_ID, n->id) < 0)
		return false;
	if (n->ngroup == 0)
		return nla_put_u32(m, NHA_OIF, n->leg.ifindex) == 0 &&
		    (n->leg.gw.af == IP_NONE || put_addr(m, NHA_GATEWAY, &n->leg.gw));
	memset(grp, 0, sizeof(grp));
	for (i = 0; i < n->ngroup; i++) {
		grp[i].id = n->group[i].id;
		grp[i].weight = n->group[i].weight ? (uint8_t)(n->group[i].weight - 1) : 0;
	}
	return nla_put(m, NHA_GROUP, n->ngroup * (int)sizeof(grp[0]), grp) == 0;
}

static bool
build_nexthop_del(struct nl_msg *m, uint32_t id, uint32_t seq)
{
	struct nhmsg nh = { .nh_family = AF_UNSPEC };

	return begin(m, RTM_DELNEXTHOP, 0, seq, &nh, sizeof(nh)) &&
	    nla_put_u32(m, NHA_ID, id) == 0;
}

bool
nl_build_op(struct nl_msg *m, const struct fib_kop *op, uint32_t seq)
{
	switch (op->kind) {
	case FIB_OP_ROUTE_ADD:
		return build_route(m, &op->route, NLM_F_CREATE | NLM_F_EXCL, seq);
	case FIB_OP_ROUTE_REPLACE:
		return build_route(m, &op->route, NLM_F_REPLACE, seq);
	case FIB_OP_ROUTE_DEL:
		return build_route_del(m, &op->route, seq);
	case FIB_OP_NH_ADD:
		return build_nexthop(m, &op->nexthop, NLM_F_CREATE | NLM_F_EXCL, seq);
	case FIB_OP_NH_REPLACE:
		return build_nexthop(m, &op->nexthop, NLM_F_REPLACE, seq);
	case FIB_OP_NH_DEL:
		return build_nexthop_del(m, op->nexthop.id, seq);
	case FIB_OP_DUMP:
		break;
	}
	return false;
}

static bool
build_dump_routes(struct nl_msg *m, int family, uint32_t table, uint32_t seq)
{
	struct rtmsg rt = { .rtm_family = (uint8_t)family };

	return begin(m, RTM_GETROUTE, NLM_F_DUMP, seq, &rt, sizeof(rt)) &&
	    nla_put_u32(m, RTA_TABLE, table) == 0;
}

bool
nl_build_dump(struct nl_msg *m, enum kern_what what, uint32_t table, uint32_t seq)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };
	struct nhmsg nh = { .nh_family = AF_UNSPEC };

	switch (what) {
	case KERN_LINKS:
		return begin(m, RTM_GETLINK, NLM_F_DUMP, seq, &ifi, sizeof(ifi)) &&
		    nla_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) == 0;
	case KERN_ADDRS:
		return begin(m, RTM_GETADDR, NLM_F_DUMP, seq, &ifa, sizeof(ifa));
	case KERN_NEXTHOPS:
		return begin(m, RTM_GETNEXTHOP, NLM_F_DUMP, seq, &nh, sizeof(nh));
	case KERN_ROUTES4:
		return build_dump_routes(m, AF_INET, table, seq);
	case KERN_ROUTES6:
		return build_dump_routes(m, AF_INET6, table, seq);
	case KERN_NWHAT:
		break;
	}
	return false;
}
