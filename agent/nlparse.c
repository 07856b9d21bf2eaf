/*
 * Parsers of netlink route messages; see nlmsg.h.
 *
 * Every attribute passes nla_parse() with a policy that gives its shortest length;
 * nested next hops are walked here, bounded by their attribute.
 */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/nlmsg.h"

static uint8_t
af_of(int family)
{
	return family == AF_INET ? IP4 : family == AF_INET6 ? IP6 : IP_NONE;
}

/* An address attribute of exactly that family's length. */
static bool
get_addr(const struct nlattr *a, uint8_t af, struct ip_addr *ret)
{
	if (!a || af == IP_NONE || nla_len(a) != ip_af_octets(af))
		return false;
	*ret = ip_addr_from_bytes(af, nla_data(a));
	return true;
}

static bool
parse_body(const struct nlmsghdr *h, size_t body, struct nlattr **tb, int max,
    const struct nla_policy *policy)
{
	struct nlmsghdr *m = (struct nlmsghdr *)(uintptr_t)h; /* libnl's helpers know no const */

	if (h->nlmsg_len < NLMSG_HDRLEN + body)
		return false;
	return nlmsg_parse(m, (int)body, tb, max, (struct nla_policy *)(uintptr_t)policy) >= 0;
}

/* ---- links and addresses ------------------------------------------------- */

static bool
parse_link(const struct nlmsghdr *h, struct nl_seen *ret)
{
	static const struct nla_policy policy[IFLA_MAX + 1] = {
		[IFLA_IFNAME] = { .type = NLA_STRING, .maxlen = IFNAMSIZ },
		[IFLA_MTU] = { .type = NLA_U32 },
		[IFLA_CARRIER_DOWN_COUNT] = { .type = NLA_U32 },
	};
	const struct ifinfomsg *ifi = nlmsg_data(h);
	struct nlattr *tb[IFLA_MAX + 1];
	struct kern_link *l = &ret->link;

	/* A port leaving a bridge is told by a DELLINK of family bridge. */
	if (!parse_body(h, sizeof(*ifi), tb, IFLA_MAX, policy) || ifi->ifi_family != AF_UNSPEC ||
	    !tb[IFLA_IFNAME] || !tb[IFLA_MTU])
		return false; /* without these: an event of a wireless driver, not a state */
	memset(l, 0, sizeof(*l));
	l->ifindex = (uint32_t)ifi->ifi_index;
	nla_strlcpy(l->name, tb[IFLA_IFNAME], sizeof(l->name));
	l->up = ifi->ifi_flags & IFF_UP;
	l->carrier = ifi->ifi_flags & (IFF_LOWER_UP | IFF_RUNNING); /* as the kernel's own fib does */
	l->loopback = ifi->ifi_flags & IFF_LOOPBACK;
	l->mtu = nla_get_u32(tb[IFLA_MTU]);
	l->carrier_downs =
	    tb[IFLA_CARRIER_DOWN_COUNT] ? nla_get_u32(tb[IFLA_CARRIER_DOWN_COUNT]) : 0;
	return l->ifindex != 0;
}

static bool
parse_addr(const struct nlmsghdr *h, struct nl_seen *ret)
{
	static const struct nla_policy policy[IFA_MAX + 1] = {
		[IFA_FLAGS] = { .type = NLA_U32 },
	};
	const struct ifaddrmsg *ifa = nlmsg_data(h);
	struct nlattr *tb[IFA_MAX + 1];
	struct kern_addr *a = &ret->addr;
	struct ip_addr far = { 0 };
	uint32_t flags;
	uint8_t af;

	if (!parse_body(h, sizeof(*ifa), tb, IFA_MAX, policy))
		return false;
	memset(a, 0, sizeof(*a));
	af = af_of(ifa->ifa_family);
	if (!get_addr(tb[IFA_ADDRESS], af, &far) && !tb[IFA_LOCAL])
		return false;
	a->plen = ifa->ifa_prefixlen;
	if (!tb[IFA_LOCAL])
		a->addr = far;
	else if (!get_addr(tb[IFA_LOCAL], af, &a->addr))
		return false;
	else if (!ip_addr_eq(&a->addr, &far))
		a->plen = ip_af_bits(af); /* point to point: the subnet is the other end's */
	flags = tb[IFA_FLAGS] ? nla_get_u32(tb[IFA_FLAGS]) : ifa->ifa_flags;
	a->ifindex = ifa->ifa_index;
	a->deprecated = flags & IFA_F_DEPRECATED;
	a->tentative = flags & IFA_F_DADFAILED ||
	    ((flags & IFA_F_TENTATIVE) && !(flags & IFA_F_OPTIMISTIC));
	if (af == IP6 && ip_addr_is_link_local(&a->addr))
		a->addr.ifindex = a->ifindex;
	return ifa->ifa_prefixlen <= ip_af_bits(af);
}

/* ---- routes -------------------------------------------------------------- */

static const struct nla_policy route_policy[RTA_MAX + 1] = {
	[RTA_OIF] = { .type = NLA_U32 },
	[RTA_PRIORITY] = { .type = NLA_U32 },
	[RTA_TABLE] = { .type = NLA_U32 },
	[RTA_NH_ID] = { .type = NLA_U32 },
	[RTA_VIA] = { .minlen = 2 },
	[RTA_MULTIPATH] = { .minlen = sizeof(struct rtnexthop) },
};

static enum kern_type
kern_type_of(uint8_t rtn)
{
	switch (rtn) {
	case RTN_UNICAST:
		return KERN_UNICAST;
	case RTN_BLACKHOLE:
		return KERN_BLACKHOLE;
	case RTN_UNREACHABLE:
		return KERN_UNREACHABLE;
	case RTN_PROHIBIT:
		return KERN_PROHIBIT;
	case RTN_LOCAL:
		return KERN_LOCAL;
	default: /* the kernel's enum, not ours: throw, broadcast, multicast, ... */
		return KERN_OTHER;
	}
}

/* The gateway of one leg, from RTA_GATEWAY or RTA_VIA; none is fine. */
static bool
get_gateway(struct nlattr **tb, uint8_t af, struct ip_addr *ret)
{
	const uint8_t *via;
	uint16_t family;
	uint8_t via_af;

	memset(ret, 0, sizeof(*ret));
	if (tb[RTA_GATEWAY])
		return get_addr(tb[RTA_GATEWAY], af, ret);
	if (!tb[RTA_VIA])
		return true;
	via = nla_data(tb[RTA_VIA]);
	memcpy(&family, via, sizeof(family));
	via_af = af_of(family);
	if (via_af == IP_NONE || nla_len(tb[RTA_VIA]) != 2 + ip_af_octets(via_af))
		return false;
	*ret = ip_addr_from_bytes(via_af, via + 2);
	return true;
}

static bool
leg_from_attrs(struct nlattr **tb, uint8_t af, uint32_t ifindex, unsigned int flags,
    struct kern_leg *leg)
{
	if (!get_gateway(tb, af, &leg->gw))
		return false;
	leg->ifindex = ifindex;
	leg->weight = 1;
	leg->onlink = flags & RTNH_F_ONLINK;
	leg->dead = flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN);
	return true;
}

static bool
parse_multipath(const struct nlattr *mp, struct kern_route *r)
{
	const struct rtnexthop *nh = nla_data(mp);
	size_t left = (size_t)nla_len(mp);

	while (left >= sizeof(*nh) && nh->rtnh_len >= sizeof(*nh) && nh->rtnh_len <= left) {
		struct nlattr *tb[RTA_MAX + 1];
		size_t step = NLA_ALIGN(nh->rtnh_len);

		if (r->nlegs >= IPC_MEMBERS_MAX)
			return true;
		if (nla_parse(tb, RTA_MAX, (struct nlattr *)(uintptr_t)(nh + 1),
			(int)(nh->rtnh_len - sizeof(*nh)),
			(struct nla_policy *)(uintptr_t)route_policy) < 0 ||
		    !leg_from_attrs(tb, r->prefix.af, (uint32_t)nh->rtnh_ifindex, nh->rtnh_flags,
			&r->leg[r->nlegs]))
			return false;
		r->leg[r->nlegs].weight = nh->rtnh_hops == 255 ? 255 : (uint8_t)(nh->rtnh_hops + 1);
		r->nlegs++;
		if (step >= left)
			return true;
		left -= step;
		nh = (const struct rtnexthop *)(const void *)((const char *)nh + step);
	}
	return left == 0;
}

static bool
parse_legs(struct nlattr **tb, unsigned int flags, struct kern_route *r)
{
	r->nlegs = 0;
	if (r->type != KERN_UNICAST)
		return true;
	if (tb[RTA_MULTIPATH])
		return parse_multipath(tb[RTA_MULTIPATH], r);
	if (!tb[RTA_OIF])
		return true; /* all there is may be the nexthop object's number */
	r->nlegs = 1;
	return leg_from_attrs(tb, r->prefix.af, nla_get_u32(tb[RTA_OIF]), flags, &r->leg[0]);
}

static bool
parse_route(const struct nlmsghdr *h, struct nl_seen *ret)
{
	const struct rtmsg *rt = nlmsg_data(h);
	struct nlattr *tb[RTA_MAX + 1];
	struct kern_route *r = &ret->route;
	struct ip_addr dst;
	uint8_t af;

	if (!parse_body(h, sizeof(*rt), tb, RTA_MAX, route_policy))
		return false;
	af = af_of(rt->rtm_family);
	if (af == IP_NONE || rt->rtm_dst_len > ip_af_bits(af) || rt->rtm_src_len != 0 ||
	    rt->rtm_tos != 0 || rt->rtm_flags & RTM_F_CLONED)
		return false;
	memset(r, 0, offsetof(struct kern_route, leg));
	r->prefix.af = af;
	r->prefix.len = rt->rtm_dst_len;
	if (get_addr(tb[RTA_DST], af, &dst))
		r->prefix = ip_prefix_of(&dst, rt->rtm_dst_len);
	else if (rt->rtm_dst_len != 0)
		return false;
	r->table = tb[RTA_TABLE] ? nla_get_u32(tb[RTA_TABLE]) : rt->rtm_table;
	r->metric = tb[RTA_PRIORITY] ? nla_get_u32(tb[RTA_PRIORITY]) : 0;
	r->protocol = rt->rtm_protocol;
	r->type = kern_type_of(rt->rtm_type);
	r->nhid = tb[RTA_NH_ID] ? nla_get_u32(tb[RTA_NH_ID]) : 0;
	if (!get_addr(tb[RTA_PREFSRC], af, &r->prefsrc))
		memset(&r->prefsrc, 0, sizeof(r->prefsrc));
	r->replaced = h->nlmsg_flags & NLM_F_REPLACE;
	ret->what = af == IP4 ? KERN_ROUTES4 : KERN_ROUTES6;
	return parse_legs(tb, rt->rtm_flags, r);
}

/* ---- nexthop objects ----------------------------------------------------- */

static void
parse_group(const struct nlattr *a, struct kern_nexthop *n)
{
	struct nexthop_grp g;
	size_t left = (size_t)nla_len(a), off = 0;

	while (left - off >= sizeof(g) && n->ngroup < IPC_MEMBERS_MAX) {
		memcpy(&g, (const char *)nla_data(a) + off, sizeof(g));
		n->group[n->ngroup].id = g.id;
		n->group[n->ngroup++].weight = g.weight == 255 ? 255 : (uint8_t)(g.weight + 1);
		off += sizeof(g);
	}
}

static bool
parse_nexthop(const struct nlmsghdr *h, struct nl_seen *ret)
{
	static const struct nla_policy policy[NHA_MAX + 1] = {
		[NHA_ID] = { .type = NLA_U32 },
		[NHA_OIF] = { .type = NLA_U32 },
		[NHA_GROUP] = { .minlen = sizeof(struct nexthop_grp) },
	};
	const struct nhmsg *nh = nlmsg_data(h);
	struct nlattr *tb[NHA_MAX + 1];
	struct kern_nexthop *n = &ret->nexthop;

	if (!parse_body(h, sizeof(*nh), tb, NHA_MAX, policy) || !tb[NHA_ID])
		return false;
	memset(n, 0, offsetof(struct kern_nexthop, group));
	n->id = nla_get_u32(tb[NHA_ID]);
	n->protocol = nh->nh_protocol;
	n->blackhole = tb[NHA_BLACKHOLE] != NULL;
	n->leg.weight = 1;
	n->leg.onlink = nh->nh_flags & RTNH_F_ONLINK;
	n->leg.dead = nh->nh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN);
	if (tb[NHA_GROUP])
		parse_group(tb[NHA_GROUP], n);
	if (tb[NHA_OIF])
		n->leg.ifindex = nla_get_u32(tb[NHA_OIF]);
	if (tb[NHA_GATEWAY])
		return get_addr(tb[NHA_GATEWAY], af_of(nh->nh_family), &n->leg.gw);
	return true;
}

/* ---- any message --------------------------------------------------------- */

bool
nl_parse(const struct nlmsghdr *h, struct nl_seen *ret)
{
	ret->gone = (h->nlmsg_type - RTM_BASE) % 4 == 1; /* NEW, DEL, GET, SET of each kind */
	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		ret->what = KERN_LINKS;
		return parse_link(h, ret);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		ret->what = KERN_ADDRS;
		return parse_addr(h, ret);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return parse_route(h, ret);
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		ret->what = KERN_NEXTHOPS;
		return parse_nexthop(h, ret);
	default: /* message types are the kernel's */
		return false;
	}
}

void
nl_feed(struct fib *f, struct mono_us now, const struct nl_seen *s, uint32_t by)
{
	switch (s->what) {
	case KERN_LINKS:
		fib_see_link(f, now, &s->link, s->gone);
		break;
	case KERN_ADDRS:
		fib_see_addr(f, now, &s->addr, s->gone);
		break;
	case KERN_NEXTHOPS:
		fib_see_nexthop(f, now, &s->nexthop, s->gone, by);
		break;
	case KERN_ROUTES4:
	case KERN_ROUTES6:
		fib_see_route(f, now, &s->route, s->gone, by);
		break;
	case KERN_NWHAT:
		break;
	}
}

int
nl_parse_error(const struct nlmsghdr *h, char *text, size_t cap)
{
	const struct nlmsgerr *e = nlmsg_data(h); /* of NLMSG_DONE: the error only */
	size_t left, skip = h->nlmsg_type == NLMSG_DONE ? sizeof(e->error) : sizeof(*e);
	struct nlattr *a;

	text[0] = '\0';
	if (h->nlmsg_len < NLMSG_HDRLEN + skip)
		return h->nlmsg_type == NLMSG_DONE ? 0 : EBADMSG;
	left = h->nlmsg_len - NLMSG_HDRLEN;
	if (h->nlmsg_type == NLMSG_ERROR && !(h->nlmsg_flags & NLM_F_CAPPED) && e->error != 0 &&
	    e->msg.nlmsg_len > NLMSG_HDRLEN)
		skip += NLMSG_ALIGN((size_t)e->msg.nlmsg_len) - NLMSG_HDRLEN; /* the request's body */
	if ((h->nlmsg_flags & NLM_F_ACK_TLVS) && skip < left) {
		a = nla_find((struct nlattr *)(uintptr_t)((const char *)e + skip),
		    (int)(left - skip), NLMSGERR_ATTR_MSG);
		if (a)
			nla_strlcpy(text, a, cap);
	}
	if (e->error > 0 || e->error < -4095)
		return EBADMSG;
	return -e->error;
}
