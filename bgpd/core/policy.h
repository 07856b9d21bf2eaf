/*
 * Policy: may a path be used, and what is said about it to whom.
 *
 * Pure functions with a reason for every refusal.  The part of the import
 * verdict that looks at the attributes alone is apart from the part that looks
 * at the prefix, so that the caller asks it once for all prefixes of an UPDATE.
 * Export is a function of the path, its source and the export policy; peers
 * with equal export policies share an update group (group.h).
 *
 * "External" below is a peer outside of our confederation, or of our AS where
 * there is none: ebgp and not confed (RFC 5065).
 *
 * RFC 4271 sections 5.1, 9.1.2 and 9.2, RFC 1997, RFC 3765, RFC 4456, RFC 5065,
 * RFC 7999, RFC 8212, RFC 8326, RFC 9234, RFC 9494.
 */
#ifndef BGPD_CORE_POLICY_H
#define BGPD_CORE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/attrs.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/filter.h"
#include "lib/ip.h"
#include "lib/ipcmsg.h"
#include "lib/trie.h"

enum reject_reason {
	REJECT_NONE, /* accepted */
	REJECT_AS_LOOP,
	REJECT_ORIGINATOR,
	REJECT_CLUSTER,
	REJECT_FIRST_AS,
	REJECT_OWN_NEXT_HOP,
	REJECT_NO_PERMIT,
	REJECT_NOT_PERMITTED,
	REJECT_LEAK_UP,	  /* Only to Customer from a customer or a client of our route server */
	REJECT_LEAK_PEER, /* Only to Customer of another AS from a peer */
	REJECT_BLACKHOLE,
	REJECT_BLACKHOLE_WIDE,
	REJECT_NOT_UNICAST, /* a multicast or link-local prefix: RFC 4271 section 6.3 */
	REJECT_FILTER, /* a rule of a filter did (filter.h) */
	REJECT_NREASONS
};

/* What import from one peer is held against. */
struct import_policy {
	bool ebgp, confed, import_all;
	bool any_first_as;
	bool prepend;	      /* local_asn goes in front of what is received */
	bool accept_blackhole;
	uint8_t allow_as_in;
	uint8_t role;	      /* enum ipc_role: ours */
	uint32_t local_asn, speaker_asn, remote_asn;
	uint32_t confed_id;   /* 0: no confederation; else speaker_asn is a Member-AS */
	uint32_t router_id, cluster_id;
	const struct trie *permit;	/* borrowed */
	const struct ipc_endpoints *ep; /* borrowed: own addresses of the session; NULL: none */
	const struct filter_chain *chain[2]; /* borrowed; IPv4 and IPv6; NULL: no rules */
};

/*
 * What the session's role adds to what is received, before it is interned: Only
 * to Customer (RFC 9234 section 5).  Doing it again changes the verdict of no path.
 */
void policy_receive(const struct import_policy *ip, struct attrs_build *b);

/* The verdict on the attributes alone. */
enum reject_reason policy_import_attrs(const struct import_policy *ip, const struct attrs *a);

/*
 * The verdict on the prefix: from external peers it needs permission (RFC 8212)
 * unless import_all; BLACKHOLE is for host routes only.
 */
enum reject_reason policy_import_prefix(const struct import_policy *ip, const struct attrs *a,
    const struct ip_prefix *prefix);

/*
 * The whole verdict on one prefix of an UPDATE: filters, then permission, unless
 * a filter accepted it.  of_attrs: policy_import_attrs()'s.  *ret_attrs: the
 * attributes as they are used from here on, a reference; as received when
 * rejected.
 */
enum reject_reason policy_import(struct filters *fs, struct attrs_pool *pool,
    const struct import_policy *ip, const struct ip_prefix *prefix, const struct attrs *received,
    enum reject_reason of_attrs, const struct attrs **ret_attrs);

/* How import's filters see a route. */
struct filter_route policy_import_route(const struct import_policy *ip,
    const struct ip_prefix *prefix);

/* A sentence for views. Static. */
const char *policy_reject_text(enum reject_reason reason);

/*
 * What is common to all members of an update group.  Compared octet by octet:
 * make it with all zeros first.
 */
struct export_policy {
	uint8_t af;	      /* enum ip_af */
	uint8_t next_hop_mode; /* enum ipc_nexthop_mode */
	uint8_t self_octets;  /* of the next hop "self": 4, 16, 32; 0: there is none */
	bool ebgp;
	bool all;	      /* routes of others, too */
	bool transit;	      /* eBGP: those of other eBGP peers among them */
	bool rr_client;
	bool as4;
	uint8_t addpath;      /* enum ipc_addpath; not NONE: prefixes go with path ids */
	uint8_t addpath_max;  /* paths of one prefix */
	uint16_t max_octets;  /* of a message: RFC 8654 */
	bool llgr;	      /* LLGR_STALE means something to it: RFC 9494 */
	bool ext_next_hop;    /* IPv4 with IPv6 next hops: RFC 8950 */
	bool confed;	      /* with ebgp: to another Member-AS */
	bool no_client_to_client;
	uint8_t role;	      /* enum ipc_role: ours */
	bool as_override;
	uint8_t private_as;   /* enum ipc_private */
	bool drop_confed;     /* confederation segments may be there and must not leave */
	uint32_t local_asn, cluster_id;
	uint32_t inner_asn;   /* behind local_asn in the AS_PATH; 0: none */
	uint32_t peer_asn;    /* where as_override or private_as look at it, else 0 */
	uint32_t chain; /* filter_chain_id() */
	bool gshut;	/* all that is announced carries GRACEFUL_SHUTDOWN (RFC 8326 section 4.2) */
	bool silent;	/* nothing is announced */
	bool observe;	/* nor to anybody else */
};

/* Where a path to be exported comes from. */
struct export_source {
	bool local, ebgp, rr_client;
	bool confed;	    /* with ebgp: from another Member-AS */
	bool ignore_gshut;
	bool draining;	    /* its session is about to be closed here: RFC 8326 section 4.2 */
	bool onlink;	    /* its peer is on a link of ours: next hops are, too */
	uint32_t router_id; /* of its peer */
};

/*
 * LOCAL_PREF that counts: 0 for GRACEFUL_SHUTDOWN from external peers and for all of
 * a peer that is being drained, else the set's (from inside, or a filter's), else 100.
 */
uint32_t policy_local_pref(const struct export_source *src, const struct attrs *a);

enum export_reason {
	EXPORT_YES,
	EXPORT_NOT_OWN,	      /* the peer is sent own prefixes only */
	EXPORT_NO_TRANSIT,    /* from eBGP to eBGP */
	EXPORT_IBGP_LEARNED,  /* RFC 4271 section 9.2: not from iBGP to iBGP */
	EXPORT_NO_ADVERTISE,
	EXPORT_NO_EXPORT,
	EXPORT_NO_EXPORT_SUBCONFED,
	EXPORT_NO_PEER,
	EXPORT_BLACKHOLE,
	EXPORT_CLIENT_TO_CLIENT, /* bgp.clientToClientReflection is off */
	EXPORT_LLGR_STALE,    /* the peer is outside and has no long-lived graceful restart */
	EXPORT_OTC,	      /* it was to go to customers only */
	EXPORT_FILTER,	      /* a rule of a filter rejects it */
	EXPORT_NEXT_HOP_FAMILY, /* an IPv6 next hop, which the peer does not take for IPv4 */
	EXPORT_NO_SELF,	      /* no address of ours for NEXT_HOP on that session */
	EXPORT_OBSERVE,	      /* this speaker only observes */
	EXPORT_DRAINED,	      /* the peer is being drained, and everything is withdrawn */
	EXPORT_NREASONS
};

/* May a path go to that group as it is, and if not, why not? */
enum export_reason policy_exportable(const struct export_policy *ep,
    const struct export_source *src, const struct attrs *a);

/*
 * The same with filters (chain's id is ep's): a rule that accepts stands for the
 * permission to send what others announce; *ret_attrs: the attributes after the
 * filters, a reference, NULL unless EXPORT_YES.  policy_export() makes of them
 * what is sent.
 */
enum export_reason policy_filter_export(struct filters *fs, struct attrs_pool *pool,
    const struct export_policy *ep, const struct filter_chain *chain,
    const struct export_source *src, const struct ip_prefix *prefix, const struct attrs *a,
    const struct attrs **ret_attrs);

/* How export's filters see a route. */
struct filter_route policy_export_route(const struct export_policy *ep,
    const struct export_source *src, const struct ip_prefix *prefix);

/* A sentence for views. Static. */
const char *policy_export_text(enum export_reason reason);

/* Will it be announced with this node as next hop? */
bool policy_next_hop_self(const struct export_policy *ep, const struct export_source *src,
    const struct attrs *a);

/*
 * The attributes as they are announced: a new reference.  No next hop when
 * that is "self"; NULL when what has to be added does not fit.  Only for paths
 * that policy_exportable() lets through.  policy_export_once(): a set of its own
 * (attrs_make()), for what is encoded and compared with nothing.
 */
const struct attrs *policy_export_once(struct attrs_pool *pool, const struct export_policy *ep,
    const struct export_source *src, const struct attrs *a);
const struct attrs *policy_export(struct attrs_pool *pool, const struct export_policy *ep,
    const struct export_source *src, const struct attrs *a);

#endif
