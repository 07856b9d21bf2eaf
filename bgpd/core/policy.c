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

#include "bgpd/core/bgp.h"
#include "bgpd/core/nlri.h"

#define DEFAULT_LOCAL_PREF 100

/* An AS_PATH or a CLUSTER_LIST of a received message plus what we put in front. */
#define SCRATCH_OCTETS (UINT16_MAX + 16)

static bool
is_own_address(const struct ipc_endpoints *ep, const struct ip_addr *nh)
{
	return ep && nh->af != IP_NONE &&
	    (ip_addr_eq(nh, &ep->local) || ip_addr_eq(nh, &ep->self4) ||
		ip_addr_eq(nh, &ep->self6));
}

enum reject_reason
policy_import_attrs(const struct import_policy *ip, const struct attrs *a)
{
	struct ip_addr nh = attrs_next_hop(a);

	if (attrs_has_asn(a, ip->local_asn) ||
	    (ip->speaker_asn != ip->local_asn && attrs_has_asn(a, ip->speaker_asn)))
		return REJECT_AS_LOOP;
	if (!ip->ebgp && (a->flags & ATTRS_ORIGINATOR) && a->originator_id == ip->router_id)
		return REJECT_ORIGINATOR;
	if (!ip->ebgp && attrs_has_cluster(a, ip->cluster_id))
		return REJECT_CLUSTER;
	if (ip->ebgp && a->first_asn != ip->remote_asn)
		return REJECT_FIRST_AS;
	if (is_own_address(ip->ep, &nh))
		return REJECT_OWN_NEXT_HOP;
	return REJECT_NONE;
}

enum reject_reason
policy_import_prefix(const struct import_policy *ip, const struct ip_prefix *prefix)
{
	if (!ip->ebgp || ip->import_all)
		return REJECT_NONE;
	if (ip->permit->n == 0)
		return REJECT_NO_PERMIT;
	return trie_covering(ip->permit, prefix) ? REJECT_NONE : REJECT_NOT_PERMITTED;
}

uint32_t
policy_local_pref(bool ebgp, const struct attrs *a)
{
	if (ebgp)
		return attrs_has_community(a, COMM_GRACEFUL_SHUTDOWN) ? 0 : DEFAULT_LOCAL_PREF;
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
	};

	return reason < REJECT_NREASONS ? text[reason] : "unknown";
}

bool
policy_next_hop_self(const struct export_policy *ep, const struct export_source *src,
    const struct attrs *a)
{
	struct ip_addr nh = attrs_next_hop(a);

	if (src->local || nh.af != ep->af || ip_addr_is_unspec(&nh) ||
	    (nh.af == IP6 && ip_addr_is_link_local(&nh)))
		return true;
	if (!ep->ebgp && !src->ebgp)
		return false;
	if (ep->next_hop_mode == IPC_NEXTHOP_AUTO)
		return ep->ebgp || src->onlink;
	return ep->next_hop_mode == IPC_NEXTHOP_SELF;
}

/* RFC 1997; RFC 4271 section 9.2; RFC 4456 section 6. */
enum export_reason
policy_exportable(const struct export_policy *ep, const struct export_source *src,
    const struct attrs *a)
{
	if (attrs_has_community(a, COMM_NO_ADVERTISE))
		return EXPORT_NO_ADVERTISE;
	if (ep->ebgp) {
		if (attrs_has_community(a, COMM_NO_EXPORT) ||
		    attrs_has_community(a, COMM_NO_EXPORT_SUBCONFED))
			return EXPORT_NO_EXPORT;
	}
	if (!src->local && !ep->all)
		return EXPORT_NOT_OWN;
	if (ep->ebgp) {
		if (src->ebgp && !ep->transit)
			return EXPORT_NO_TRANSIT;
	} else if (!src->local && !src->ebgp && !src->rr_client && !ep->rr_client) {
		return EXPORT_IBGP_LEARNED;
	}
	if (ep->self_octets == 0 && policy_next_hop_self(ep, src, a))
		return EXPORT_NO_SELF;
	return EXPORT_YES;
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
		[EXPORT_NO_SELF] =
		    "not announced: no own address of that family on the session's interface",
	};

	return reason < EXPORT_NREASONS ? text[reason] : "unknown";
}

/* RFC 4271 sections 5.1.2, 5.1.4 and 5.1.5: what changes towards another AS. */
static bool
export_ebgp(struct attrs_build *b, const struct export_policy *ep, const struct export_source *src,
    uint8_t *scratch)
{
	b->flags &= (uint16_t)~(ATTRS_LOCAL_PREF | ATTRS_ORIGINATOR);
	if (!src->local)
		b->flags &= (uint16_t)~ATTRS_MED;
	b->part[ATTRS_CLUSTER_LIST].octets = 0;
	return attrs_prepend(b, ep->local_asn, 1, scratch, SCRATCH_OCTETS);
}

/* RFC 4456 section 8: a reflector says who brought it in, and that it passed here. */
static bool
export_reflected(struct attrs_build *b, const struct export_policy *ep,
    const struct export_source *src, uint8_t *scratch)
{
	if (!(b->flags & ATTRS_ORIGINATOR)) {
		b->flags |= ATTRS_ORIGINATOR;
		b->originator_id = src->router_id;
	}
	return attrs_prepend_cluster(b, ep->cluster_id, scratch, SCRATCH_OCTETS);
}

const struct attrs *
policy_export(struct attrs_pool *pool, const struct export_policy *ep,
    const struct export_source *src, const struct attrs *a)
{
	uint8_t scratch[SCRATCH_OCTETS];
	struct attrs_build b;
	bool fits = true;

	attrs_to_build(a, &b);
	b.flags &= (uint16_t)~ATTRS_NH_LL;
	if (policy_next_hop_self(ep, src, a))
		b.next_hop = (struct ip_addr){ 0 };
	if (ep->ebgp) {
		fits = export_ebgp(&b, ep, src, scratch);
	} else {
		b.flags |= ATTRS_LOCAL_PREF;
		b.local_pref = policy_local_pref(src->ebgp, a);
		if (!src->local && !src->ebgp)
			fits = export_reflected(&b, ep, src, scratch);
		else
			b.flags &= (uint16_t)~ATTRS_ORIGINATOR;
	}
	return fits ? attrs_intern(pool, &b) : NULL;
}
