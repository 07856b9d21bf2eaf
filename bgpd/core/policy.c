/*
 * Import verdicts and export results.  See policy.h.
 *
 * Next hop towards iBGP, mode auto: RFC 4271 section 5.1.3 keeps that of eBGP
 * routes; we do so for multihop peers.  From a peer on one of our links the
 * next hop is an address of that link, which other nodes need not know: there,
 * and for link-local ones always, auto means self.  A reflector never changes
 * the next hop of what it reflects (RFC 4456 section 10).
 */
#include "bgpd/core/policy.h"

#include "bgpd/core/aspath.h"
#include "bgpd/core/nlri.h"

#define DEFAULT_LOCAL_PREF 100

/* Where AS_PATH and CLUSTER_LIST are rewritten, from one half into the other, and COMMUNITIES. */
struct scratch {
	uint8_t *half[2], *comm[2];
	size_t cap;
};

#define SHORT_OCTETS	 512
#define LONG_OCTETS	 (UINT16_MAX + 16) /* whatever a set can hold */
#define PREPENDED_OCTETS 32 /* at most two numbers, each with a segment of its own */

static bool
is_own_address(const struct ipc_endpoints *ep, const struct ip_addr *nh)
{
	return ep && nh->af != IP_NONE &&
	    (ip_addr_eq(nh, &ep->local) || ip_addr_eq(nh, &ep->self4) ||
		ip_addr_eq(nh, &ep->self6));
}

static bool
from_external(const struct import_policy *ip)
{
	return ip->ebgp && !ip->confed;
}

/* Are we that kind of neighbour to the peer, so that what it sends came down or across? */
static bool
role_is_below(uint8_t role)
{
	return role == IPC_ROLE_CUSTOMER || role == IPC_ROLE_PEER || role == IPC_ROLE_RS_CLIENT;
}

/* Ingress rule 3. */
void
policy_receive(const struct import_policy *ip, struct attrs_build *b)
{
	if (!role_is_below(ip->role) || b->flags & ATTRS_OTC)
		return;
	b->flags |= ATTRS_OTC;
	b->otc = ip->remote_asn;
}

/*
 * RFC 4271 section 9.1.2.  In a confederation our Member-AS counts in its own
 * segments, the confederation's number in the others: RFC 5065 section 4.
 */
static bool
has_loop(const struct import_policy *ip, const struct attrs *a)
{
	bool member = ip->confed_id && ip->local_asn == ip->speaker_asn;
	unsigned allowed = ip->allow_as_in;

	if (!member && aspath_count(a, ip->local_asn) > allowed + ip->prepend)
		return true;
	if (ip->confed_id)
		return aspath_count(a, ip->confed_id) > allowed ||
		    aspath_count_confed(a, ip->speaker_asn) > allowed;
	return ip->speaker_asn != ip->local_asn && aspath_count(a, ip->speaker_asn) > allowed;
}

/* RFC 9234 section 5, ingress rules 1 and 2. */
static enum reject_reason
check_leak(const struct import_policy *ip, const struct attrs *a)
{
	if (!(a->flags & ATTRS_OTC))
		return REJECT_NONE;
	if (ip->role == IPC_ROLE_PROVIDER || ip->role == IPC_ROLE_RS)
		return REJECT_LEAK_UP;
	if (ip->role == IPC_ROLE_PEER && attrs_rare(a).otc != ip->remote_asn)
		return REJECT_LEAK_PEER;
	return REJECT_NONE;
}

static enum reject_reason
check_external(const struct import_policy *ip, const struct attrs *a)
{
	if (!ip->any_first_as && aspath_first(a, ip->prepend) != ip->remote_asn)
		return REJECT_FIRST_AS;
	if (!ip->accept_blackhole && attrs_has_community(a, COMM_BLACKHOLE))
		return REJECT_BLACKHOLE;
	return check_leak(ip, a);
}

enum reject_reason
policy_import_attrs(const struct import_policy *ip, const struct attrs *a)
{
	struct ip_addr nh = attrs_next_hop(a);
	enum reject_reason r;

	if (has_loop(ip, a))
		return REJECT_AS_LOOP;
	if (!ip->ebgp && (a->flags & ATTRS_ORIGINATOR) && a->originator_id == ip->router_id)
		return REJECT_ORIGINATOR;
	if (!ip->ebgp && attrs_has_cluster(a, ip->cluster_id))
		return REJECT_CLUSTER;
	r = from_external(ip) ? check_external(ip, a) : REJECT_NONE;
	if (r != REJECT_NONE)
		return r;
	return is_own_address(ip->ep, &nh) ? REJECT_OWN_NEXT_HOP : REJECT_NONE;
}

/* IPv4 link-local ranges are somebody's pod ranges, IPv6 ones never leave a link. */
static bool
is_unicast(const struct ip_prefix *p)
{
	if (p->af == IP4)
		return !ip_is_multicast(p->af, p->b);
	return !ip_is_multicast(p->af, p->b) && !ip_is_link_local(p->af, p->b);
}

enum reject_reason
policy_import_prefix(const struct import_policy *ip, const struct attrs *a,
    const struct ip_prefix *prefix)
{
	if (!is_unicast(prefix))
		return REJECT_NOT_UNICAST;
	if (!from_external(ip))
		return REJECT_NONE;
	if (ip->accept_blackhole && !ip_prefix_is_host(prefix) &&
	    attrs_has_community(a, COMM_BLACKHOLE))
		return REJECT_BLACKHOLE_WIDE;
	if (ip->import_all)
		return REJECT_NONE;
	if (ip->permit->n == 0)
		return REJECT_NO_PERMIT;
	return trie_covering(ip->permit, prefix) ? REJECT_NONE : REJECT_NOT_PERMITTED;
}

/* Of a path's source and of a group: outside of our confederation, or AS. */
static bool
is_external_source(const struct export_source *src)
{
	return src->ebgp && !src->confed;
}

static bool
is_external_group(const struct export_policy *ep)
{
	return ep->ebgp && !ep->confed;
}

struct filter_route
policy_import_route(const struct import_policy *ip, const struct ip_prefix *prefix)
{
	return (struct filter_route){ .prefix = prefix,
		.source = from_external(ip) ? IPC_SOURCE_PEER : IPC_SOURCE_MESH,
		.ebgp = from_external(ip) };
}

enum reject_reason
policy_import(struct filters *fs, struct attrs_pool *pool, const struct import_policy *ip,
    const struct ip_prefix *prefix, const struct attrs *received, enum reject_reason of_attrs,
    const struct attrs **ret_attrs)
{
	const struct filter_chain *chain = ip->chain[prefix->af - 1];
	struct filter_result res = { 0 };
	enum reject_reason r = of_attrs;
	struct filter_route route;
	struct ip_addr nh;

	if (r == REJECT_NONE && chain) {
		route = policy_import_route(ip, prefix);
		filter_run_memo(fs, pool, chain, &route, received, &res);
	}
	if (res.action == FILTER_REJECT)
		r = REJECT_FILTER;
	else if (r == REJECT_NONE)
		r = policy_import_prefix(ip, received, prefix);
	if (res.action == FILTER_ACCEPT && (r == REJECT_NO_PERMIT || r == REJECT_NOT_PERMITTED))
		r = REJECT_NONE;
	if (r == REJECT_NONE && res.attrs && res.attrs != received) {
		nh = attrs_next_hop(res.attrs);
		if (is_own_address(ip->ep, &nh))
			r = REJECT_OWN_NEXT_HOP;
	}
	*ret_attrs = attrs_ref(r == REJECT_NONE && res.attrs ? res.attrs : received);
	attrs_unref(pool, res.attrs);
	return r;
}

uint32_t
policy_local_pref(const struct export_source *src, const struct attrs *a)
{
	if (src->draining)
		return 0;
	if (is_external_source(src) && !src->ignore_gshut &&
	    attrs_has_community(a, COMM_GRACEFUL_SHUTDOWN))
		return 0;
	return a->flags & ATTRS_LOCAL_PREF ? a->local_pref : DEFAULT_LOCAL_PREF;
}

const char *
policy_reject_text(enum reject_reason reason)
{
	static const char *const text[REJECT_NREASONS] = {
		[REJECT_NONE] = "",
		[REJECT_AS_LOOP] = "AS loop: our own AS is in its AS_PATH",
		[REJECT_ORIGINATOR] = "loop: its ORIGINATOR_ID is this node",
		[REJECT_CLUSTER] = "loop: our cluster id is in its CLUSTER_LIST",
		[REJECT_FIRST_AS] = "the first AS of its AS_PATH is not the peer's",
		[REJECT_OWN_NEXT_HOP] = "its next hop is an address of this node",
		[REJECT_NO_PERMIT] = "no policy: kernel.permit names no prefix (RFC 8212)",
		[REJECT_NOT_PERMITTED] = "outside kernel.permit (RFC 8212)",
		[REJECT_LEAK_UP] =
		    "route leak: from a customer, but marked Only to Customer (RFC 9234)",
		[REJECT_LEAK_PEER] =
		    "route leak: from a peer, but marked Only to Customer by another AS (RFC 9234)",
		[REJECT_BLACKHOLE] =
		    "community blackhole, and acceptBlackhole is off for this peer (RFC 7999)",
		[REJECT_BLACKHOLE_WIDE] = "community blackhole is for host routes (RFC 7999)",
		[REJECT_NOT_UNICAST] = "its prefix is multicast or link-local (RFC 4271 section 6.3)",
		[REJECT_FILTER] = "a rule of a filter rejects it",
	};

	return reason < REJECT_NREASONS ? text[reason] : "unknown";
}

/* Between speakers inside, mode auto keeps the next hop: RFC 5065 section 4, RFC 4456 section 10. */
bool
policy_next_hop_self(const struct export_policy *ep, const struct export_source *src,
    const struct attrs *a)
{
	struct ip_addr nh = attrs_next_hop(a);

	if (a->marks & ATTRS_MARK_NH_SELF)
		return true;
	if ((a->marks & ATTRS_MARK_NH_GIVEN) && (nh.af == ep->af || ep->ext_next_hop))
		return false;
	if (src->local || nh.af == IP_NONE || ip_addr_is_unspec(&nh) ||
	    (nh.af == IP6 && ip_addr_is_link_local(&nh)))
		return true;
	if (!ep->ebgp && !src->ebgp)
		return false;
	if (ep->next_hop_mode == IPC_NEXTHOP_AUTO)
		return is_external_group(ep) || (is_external_source(src) && src->onlink);
	return ep->next_hop_mode == IPC_NEXTHOP_SELF;
}

/* RFC 1997, RFC 3765, RFC 7999, RFC 9494 section 4.3: what the communities leave open. */
static enum export_reason
check_communities(const struct export_policy *ep, const struct export_source *src,
    const struct attrs *a)
{
	if (a->part_octets[ATTRS_COMMUNITIES] == 0)
		return EXPORT_YES;
	if (attrs_has_community(a, COMM_NO_ADVERTISE))
		return EXPORT_NO_ADVERTISE;
	if (ep->ebgp && attrs_has_community(a, COMM_NO_EXPORT_SUBCONFED))
		return EXPORT_NO_EXPORT_SUBCONFED;
	if (!is_external_group(ep))
		return EXPORT_YES;
	if (attrs_has_community(a, COMM_NO_EXPORT))
		return EXPORT_NO_EXPORT;
	if (!ep->llgr && attrs_has_community(a, COMM_LLGR_STALE))
		return EXPORT_LLGR_STALE;
	if (ep->role == IPC_ROLE_PEER && attrs_has_community(a, COMM_NO_PEER))
		return EXPORT_NO_PEER;
	if (!src->local && attrs_has_community(a, COMM_BLACKHOLE))
		return EXPORT_BLACKHOLE;
	return EXPORT_YES;
}

/*
 * RFC 4271 section 9.2, RFC 4456 section 6, RFC 9234 section 5 (egress rule 2).
 * decided: a filter stands for what the peer is sent by default, and with
 * transit for what it gets of other external peers.
 */
static enum export_reason
check_direction(const struct export_policy *ep, const struct export_source *src,
    const struct attrs *a, bool decided, bool transit)
{
	if (!src->local && !ep->all && !decided)
		return EXPORT_NOT_OWN;
	if (is_external_group(ep)) {
		if (is_external_source(src) && !ep->transit && !transit)
			return EXPORT_NO_TRANSIT;
		return role_is_below(ep->role) && a->flags & ATTRS_OTC ? EXPORT_OTC : EXPORT_YES;
	}
	if (ep->ebgp || src->local || src->ebgp)
		return EXPORT_YES;
	if (!src->rr_client && !ep->rr_client)
		return EXPORT_IBGP_LEARNED;
	if (src->rr_client && ep->rr_client && ep->no_client_to_client)
		return EXPORT_CLIENT_TO_CLIENT;
	return EXPORT_YES;
}

/* What may be sent as far as the route itself goes. */
static enum export_reason
sendable(const struct export_policy *ep, const struct export_source *src, const struct attrs *a,
    bool decided, bool transit)
{
	enum export_reason r;

	if (ep->observe)
		return EXPORT_OBSERVE;
	r = ep->silent ? EXPORT_DRAINED : check_communities(ep, src, a);

	return r == EXPORT_YES ? check_direction(ep, src, a, decided, transit) : r;
}

static enum export_reason
check_next_hop(const struct export_policy *ep, const struct export_source *src,
    const struct attrs *a)
{
	if (policy_next_hop_self(ep, src, a))
		return ep->self_octets == 0 ? EXPORT_NO_SELF : EXPORT_YES;
	return a->nh_af == ep->af || ep->ext_next_hop ? EXPORT_YES : EXPORT_NEXT_HOP_FAMILY;
}

enum export_reason
policy_exportable(const struct export_policy *ep, const struct export_source *src,
    const struct attrs *a)
{
	enum export_reason r = sendable(ep, src, a, false, false);

	return r == EXPORT_YES ? check_next_hop(ep, src, a) : r;
}

struct filter_route
policy_export_route(const struct export_policy *ep, const struct export_source *src,
    const struct ip_prefix *prefix)
{
	return (struct filter_route){ .prefix = prefix,
		.source = src->local		? IPC_SOURCE_LOCAL :
		    is_external_source(src) ? IPC_SOURCE_PEER :
					      IPC_SOURCE_MESH,
		.ebgp = is_external_group(ep),
		.export = true };
}

enum export_reason
policy_filter_export(struct filters *fs, struct attrs_pool *pool, const struct export_policy *ep,
    const struct filter_chain *chain, const struct export_source *src,
    const struct ip_prefix *prefix, const struct attrs *a, const struct attrs **ret_attrs)
{
	struct filter_route route = policy_export_route(ep, src, prefix);
	struct filter_result res;
	enum export_reason r;

	filter_run_memo(fs, pool, chain, &route, a, &res);
	r = sendable(ep, src, a, res.action != FILTER_NONE,
	    res.action != FILTER_NONE &&
		(res.action == FILTER_REJECT || filter_rule_names_remote(res.rule)));
	if (r == EXPORT_YES && res.action == FILTER_REJECT)
		r = EXPORT_FILTER;
	else if (r == EXPORT_YES)
		r = check_next_hop(ep, src, res.attrs);
	*ret_attrs = r == EXPORT_YES ? attrs_ref(res.attrs) : NULL;
	attrs_unref(pool, res.attrs);
	return r;
}

const char *
policy_export_text(enum export_reason reason)
{
	static const char *const text[EXPORT_NREASONS] = {
		[EXPORT_YES] = "",
		[EXPORT_NOT_OWN] = "not announced: only own prefixes go to this peer (export: own)",
		[EXPORT_NO_TRANSIT] =
		    "not announced: eBGP peers get other eBGP peers' routes only with bgp.transit",
		[EXPORT_IBGP_LEARNED] = "not announced: learned by iBGP, and the peer is no client",
		[EXPORT_NO_ADVERTISE] = "not announced: community no-advertise",
		[EXPORT_NO_EXPORT] = "not announced: community no-export",
		[EXPORT_NO_EXPORT_SUBCONFED] = "not announced: community no-export-subconfed",
		[EXPORT_NO_PEER] = "not announced: community no-peer, and our role is peer",
		[EXPORT_BLACKHOLE] = "not announced: community blackhole stays within the AS",
		[EXPORT_CLIENT_TO_CLIENT] =
		    "not announced: from one client to another, clientToClientReflection is off",
		[EXPORT_LLGR_STALE] = "not announced: long-lived stale, and the peer is outside and "
				      "has no long-lived graceful restart (RFC 9494)",
		[EXPORT_OTC] = "not announced: Only to Customer, and the peer is none (RFC 9234)",
		[EXPORT_FILTER] = "not announced: a rule of a filter rejects it",
		[EXPORT_NEXT_HOP_FAMILY] = "not announced: its next hop is an IPv6 address, which the "
					   "peer does not take for IPv4 (RFC 8950)",
		[EXPORT_NO_SELF] =
		    "not announced: no own address of that family on the session's interface",
		[EXPORT_OBSERVE] = "not announced: observe is on",
		[EXPORT_DRAINED] = "not announced: the peer is being drained",
	};

	return reason < EXPORT_NREASONS ? text[reason] : "unknown";
}

/* What only iBGP peers are told: RFC 4456 section 8. */
static void
drop_reflection(struct attrs_build *b)
{
	b->flags &= (uint16_t)~ATTRS_ORIGINATOR;
	b->part[ATTRS_CLUSTER_LIST].octets = 0;
}

/* Egress rule 1: RFC 9234 section 5. */
static void
mark_otc(struct attrs_build *b, const struct export_policy *ep)
{
	bool down = ep->role == IPC_ROLE_PROVIDER || ep->role == IPC_ROLE_PEER ||
	    ep->role == IPC_ROLE_RS;

	if (!down || b->flags & ATTRS_OTC)
		return;
	b->flags |= ATTRS_OTC;
	b->otc = ep->local_asn;
}

/* The AS_PATH towards another AS: RFC 4271 section 5.1.2, RFC 5065 section 4 (c). */
static bool
path_to_external(struct attrs_build *b, const struct export_policy *ep,
    struct scratch *s)
{
	struct aspath_edit e = { .drop_confed = ep->drop_confed,
		.override = ep->as_override,
		.private_as = ep->private_as,
		.own = ep->local_asn,
		.peer = ep->peer_asn };
	unsigned k = 0;

	if (aspath_edits(&e) && !aspath_apply(&e, b, s->half[k++ & 1], s->cap))
		return false;
	if (ep->inner_asn && !attrs_prepend(b, ep->inner_asn, 1, s->half[k++ & 1], s->cap))
		return false;
	return attrs_prepend(b, ep->local_asn, 1, s->half[k & 1], s->cap);
}

/* RFC 4271 sections 5.1.2, 5.1.4 and 5.1.5: what changes towards another AS. */
static bool
export_external(struct attrs_build *b, const struct export_policy *ep,
    const struct export_source *src, struct scratch *s)
{
	b->flags &= (uint16_t)~ATTRS_LOCAL_PREF;
	if (!src->local && !(b->marks & ATTRS_MARK_MED))
		b->flags &= (uint16_t)~ATTRS_MED;
	drop_reflection(b);
	mark_otc(b, ep);
	return path_to_external(b, ep, s);
}

/* RFC 4456 section 8: a reflector says who brought it in, and that it passed here. */
static bool
export_reflected(struct attrs_build *b, const struct export_policy *ep,
    const struct export_source *src, struct scratch *s)
{
	if (!(b->flags & ATTRS_ORIGINATOR)) {
		b->flags |= ATTRS_ORIGINATOR;
		b->originator_id = src->router_id;
	}
	return attrs_prepend_cluster(b, ep->cluster_id, s->half[0], s->cap);
}

/*
 * To a speaker inside that does not know what LLGR_STALE means: the lowest
 * LOCAL_PREF, and no way out of here (RFC 9494 section 4.6).
 */
static bool
export_stale(struct attrs_build *b, const struct attrs *a, struct scratch *s)
{
	b->local_pref = 0;
	return attrs_has_community(a, COMM_NO_EXPORT) ||
	    attrs_add_community(b, COMM_NO_EXPORT, s->comm[0], s->cap);
}

/* To a speaker inside: iBGP, or another Member-AS (RFC 5065 section 4 (b)). */
static bool
export_inside(struct attrs_build *b, const struct export_policy *ep,
    const struct export_source *src, const struct attrs *a, struct scratch *s)
{
	b->flags |= ATTRS_LOCAL_PREF;
	b->local_pref = ep->gshut ? 0 : policy_local_pref(src, a);
	if (!ep->llgr && attrs_has_community(a, COMM_LLGR_STALE) && !export_stale(b, a, s))
		return false;
	if (ep->ebgp) {
		drop_reflection(b);
		return attrs_prepend_confed(b, ep->local_asn, s->half[0], s->cap);
	}
	if (!src->local && !src->ebgp)
		return export_reflected(b, ep, src, s);
	b->flags &= (uint16_t)~ATTRS_ORIGINATOR;
	return true;
}

/* RFC 8326 section 4.2: what goes out over the session, or came in by it, is marked. */
static bool
wants_gshut(const struct export_policy *ep, const struct export_source *src,
    const struct attrs *a)
{
	return (ep->gshut || src->draining) && !attrs_has_community(a, COMM_GRACEFUL_SHUTDOWN);
}

/* attrs_intern() or attrs_make() */
typedef const struct attrs *(*attrs_maker)(struct attrs_pool *pool, const struct attrs_build *b);

static inline const struct attrs *
export_with(struct attrs_pool *pool, const struct export_policy *ep,
    const struct export_source *src, const struct attrs *a, struct scratch *s, attrs_maker maker)
{
	struct attrs_build b;
	bool fits;

	attrs_to_build(a, &b);
	b.flags &= (uint16_t)~ATTRS_NH_LL;
	if (policy_next_hop_self(ep, src, a))
		b.next_hop = (struct ip_addr){ 0 };
	b.weight = 0;
	fits = is_external_group(ep) ? export_external(&b, ep, src, s)
				     : export_inside(&b, ep, src, a, s);
	if (fits && wants_gshut(ep, src, a))
		fits = attrs_add_community(&b, COMM_GRACEFUL_SHUTDOWN, s->comm[1], s->cap);
	b.marks = 0;
	return fits ? maker(pool, &b) : NULL;
}

/* Apart, so that only paths that need it pay for that much stack. */
static __attribute__((noinline)) const struct attrs *
export_long(struct attrs_pool *pool, const struct export_policy *ep,
    const struct export_source *src, const struct attrs *a, attrs_maker maker)
{
	uint8_t buf[4][LONG_OCTETS];
	struct scratch s = { { buf[0], buf[1] }, { buf[2], buf[3] }, sizeof(buf[0]) };

	return export_with(pool, ep, src, a, &s, maker);
}

static inline const struct attrs *
export_by(struct attrs_pool *pool, const struct export_policy *ep, const struct export_source *src,
    const struct attrs *a, attrs_maker maker)
{
	uint8_t buf[4][SHORT_OCTETS];
	struct scratch s = { { buf[0], buf[1] }, { buf[2], buf[3] }, sizeof(buf[0]) };

	if (a->part_octets[ATTRS_AS_PATH] > SHORT_OCTETS - PREPENDED_OCTETS ||
	    a->part_octets[ATTRS_CLUSTER_LIST] > SHORT_OCTETS - PREPENDED_OCTETS ||
	    a->part_octets[ATTRS_COMMUNITIES] > SHORT_OCTETS - PREPENDED_OCTETS)
		return export_long(pool, ep, src, a, maker);
	return export_with(pool, ep, src, a, &s, maker);
}

const struct attrs *
policy_export(struct attrs_pool *pool, const struct export_policy *ep,
    const struct export_source *src, const struct attrs *a)
{
	return export_by(pool, ep, src, a, attrs_intern);
}

const struct attrs *
policy_export_once(struct attrs_pool *pool, const struct export_policy *ep,
    const struct export_source *src, const struct attrs *a)
{
	return export_by(pool, ep, src, a, attrs_make);
}
