/*
 * UPDATE messages, in and out.
 *
 * update_decode() reads a whole message before anything of it is applied and
 * returns readers over its prefixes, an attribute set under construction and
 * a verdict.  All of it borrows from the message and from the struct itself.
 * RFC 4271 sections 4.3 and 6.3, RFC 4760, RFC 6793, RFC 7606.
 */
#ifndef BGPD_CORE_UPDATE_H
#define BGPD_CORE_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/attrs.h"
#include "bgpd/core/err.h"
#include "bgpd/core/nlri.h"
#include "lib/ip.h"
#include "lib/ipcmsg.h"
#include "lib/wire.h"

/* What the session agreed on: decides how octets are to be read and written. */
struct update_ctx {
	bool as4;	     /* both sides have 4-octet AS numbers (RFC 6793) */
	bool ebgp;
	bool confed;	     /* inside our confederation; with ebgp: another Member-AS (RFC 5065) */
	bool as_is;	     /* encode what a set holds, neither more nor less: for monitoring feeds */
	uint8_t families;    /* AF_BIT()s negotiated: others in MP_REACH/MP_UNREACH are skipped */
	uint8_t addpath_rx;  /* AF_BIT()s with path ids in what we receive (RFC 7911) */
	uint8_t addpath_tx;  /* and in what we send */
	bool ext_next_hop;   /* IPv4 in MP_REACH may have an IPv6 next hop (RFC 8950) */
	uint16_t max_octets; /* of a message we may send: 4096 (RFC 8654: up to 65535) */
	const struct ipc_endpoints *ep; /* own addresses and scope for next hops; may be NULL */
};

/* AS_PATH grown to 4 octets per AS and merged with AS4_PATH; unknown attributes. */
#define UPDATE_SCRATCH_OCTETS (3 * BGP_MAX_EXT_OCTETS)

struct update {
	struct bgp_err err; /* the strongest finding */

	/* Prefixes, whole and valid unless err.act is ACT_RESET; walk copies with nlri_next(). */
	struct rd withdrawn;  /* IPv4, WITHDRAWN ROUTES field */
	struct rd nlri;	      /* IPv4, NLRI field */
	struct rd mp_unreach; /* of family mp_unreach_af; 0: none */
	struct rd mp_reach;   /* of family mp_reach_af; 0: none */
	uint8_t mp_unreach_af, mp_reach_af;
	uint32_t n_withdrawn, n_nlri, n_mp_unreach, n_mp_reach; /* prefixes in each */

	uint8_t eor; /* AF_BIT() of the family this End-of-RIB is for, else 0 (RFC 4724) */

	/* Attributes; next_hop is the NEXT_HOP attribute's. Meaningful with prefixes announced. */
	struct attrs_build attrs;
	struct ip_addr mp_next_hop, mp_next_hop_ll; /* MP_REACH's; af 0: none */

	uint8_t scratch[UPDATE_SCRATCH_OCTETS];
};

/*
 * Decode the body of an UPDATE (what follows the header of 19 octets).
 *
 * u->err says what to do.  ACT_NONE, ACT_ATTR_DISCARD: apply.  ACT_WITHDRAW:
 * withdrawn and mp_unreach as they are, and every prefix of nlri and mp_reach
 * is withdrawn instead of announced.  ACT_RESET: nothing of it may be used.
 * u need not be initialised.
 */
void update_decode(const struct update_ctx *ctx, const uint8_t *body, size_t octets,
    struct update *u);

/* The field of IPv4 NLRI in such a body, borrowed; bad where the lengths before it are. Not checked. */
struct rd update_nlri(const uint8_t *body, size_t octets);

/* The attribute set of the prefixes in nlri (mp false) or in mp_reach (mp true): with its next hop. */
void update_attrs(const struct update *u, bool mp, struct attrs_build *ret);

/* Next hop for encoding: ll.af 0 unless a link-local address goes with it (RFC 2545). */
struct update_nh {
	struct ip_addr nh, ll;
};

/*
 * Append one whole UPDATE (header included) that announces as many of the n
 * prefixes, all of family af, as fit into ctx->max_octets and into w.
 * a gives the attributes but for the next hop, which is nh; an IPv6 one puts
 * IPv4 prefixes into MP_REACH_NLRI (RFC 8950 section 3).  ORIGINATOR_ID
 * and CLUSTER_LIST are written towards iBGP only, LOCAL_PREF also inside a
 * confederation; it is 100 when a has none.  Without ctx->as4 AS_PATH gets 2-octet numbers, with
 * AS4_PATH and AS4_AGGREGATOR as RFC 6793 asks.
 *
 * Returns how many prefixes went in (w is unchanged when 0: the attributes
 * alone do not fit).  *ret_nh_off, *ret_nh_octets (may be NULL): where the
 * next hop stands, counted from the message's first octet, for patching.
 */
size_t update_encode_reach(struct wr *w, const struct update_ctx *ctx, const struct attrs *a,
    uint8_t af, const struct update_nh *nh, const struct nlri *prefixes, size_t n,
    uint16_t *ret_nh_off, uint16_t *ret_nh_octets);

/* Append one whole UPDATE that withdraws as many of the n prefixes as fit; returns how many. */
size_t update_encode_unreach(struct wr *w, const struct update_ctx *ctx, uint8_t af,
    const struct nlri *prefixes, size_t n);

/* Append the End-of-RIB marker of a family (RFC 4724 section 2); w turns full without room. */
void update_encode_eor(struct wr *w, uint8_t af);

/* Octets of the next hop field in MP_REACH, or of NEXT_HOP's value: 4, 16 or 32. */
size_t update_nh_octets(const struct update_nh *nh);

/* The next hop's octets into dst (update_nh_octets() of them), for patching. */
void update_nh_put(uint8_t *dst, const struct update_nh *nh);

#endif
