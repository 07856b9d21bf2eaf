/*
 * UPDATE messages: every rule about a malformed one as octets, the clause, and
 * the exact verdict; what is accepted, field by field; and what we write.
 * RFC 4271 sections 4.3 and 6.3, RFC 7606, RFC 4760, RFC 6793, RFC 7607.
 */
#include "bgpd/core/attr.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/update.h"
#include "tests/unit/unit.h"

/* ---- building bodies ----------------------------------------------------------------- */

#define ORIGIN_IGP_TLV 0x40, 1, 1, 0
#define AS_PATH_TLV    0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xea /* 65002, 4 octets */
#define AS_PATH2_TLV   0x40, 2, 4, 2, 1, 0xfd, 0xea	   /* 65002, 2 octets */
#define NEXT_HOP_TLV   0x40, 3, 4, 10, 0, 0, 2
#define PLAIN	       ORIGIN_IGP_TLV, AS_PATH_TLV, NEXT_HOP_TLV /* 20 octets */
#define PLAIN_OCTETS   20
#define NLRI_10	       8, 10

enum kind { EBGP, IBGP, EBGP_AS2, EBGP_IP6_ONLY, EBGP_ADDPATH, EBGP_EXT_NH, MEMBER, IBGP_CONFED };

static struct ipc_endpoints ep;

static void
setup(void)
{
	ep.ifindex = 3;
	ck_assert(ip_addr_parse("10.0.0.1", &ep.local));
	ck_assert(ip_addr_parse("10.9.9.9", &ep.self4));
	ck_assert(ip_addr_parse("2001:db8::1", &ep.self6));
}

static struct update_ctx
ctx_of(enum kind kind)
{
	struct update_ctx ctx = { .as4 = kind != EBGP_AS2, .ebgp = kind != IBGP && kind != IBGP_CONFED,
		.confed = kind == MEMBER || kind == IBGP_CONFED, .families = 3,
		.max_octets = 4096, .ep = &ep };

	if (kind == EBGP_IP6_ONLY)
		ctx.families = AF_BIT(IP6);
	ctx.ext_next_hop = kind == EBGP_EXT_NH;
	if (kind == EBGP_ADDPATH)
		ctx.addpath_rx = ctx.addpath_tx = 3;
	return ctx;
}

/* An UPDATE's body from its path attributes and its NLRI. */
static size_t
body_of(uint8_t *buf, size_t cap, const uint8_t *attrs, size_t attr_octets, const uint8_t *nlri,
    size_t nlri_octets)
{
	struct wr w = wr_init(buf, cap);

	wr_u16(&w, 0);
	wr_u16(&w, (uint16_t)attr_octets);
	wr_bytes(&w, attrs, attr_octets);
	wr_bytes(&w, nlri, nlri_octets);
	ck_assert(!w.full);
	return wr_len(&w);
}

/* ---- malformed attributes ---------------------------------------------------------------- */

struct attr_case {
	const char *name;
	enum kind kind;
	const uint8_t *attrs;
	size_t octets;
	enum bgp_act act;
	uint8_t sub, attr;
	uint16_t off; /* where the attribute stands: 23 is the first */
};

#define FIRST 23 /* octet of the message where the path attributes begin */
#define AFTER (FIRST + PLAIN_OCTETS)

/* With NLRI 10.0.0.0/8 behind them, so that treat-as-withdraw is possible. */
static const struct attr_case attr_cases[] = {
	{ "fine", EBGP, HEX(PLAIN), ACT_NONE, 0, 0, 0 },
	{ "fine: the order is free (RFC 4271 s5)", EBGP,
	    HEX(NEXT_HOP_TLV, AS_PATH_TLV, ORIGIN_IGP_TLV), ACT_NONE, 0, 0, 0 },
	{ "fine: extended length for a short one (4271 s4.3)", EBGP,
	    HEX(0x50, 1, 0, 1, 2, AS_PATH_TLV, NEXT_HOP_TLV), ACT_NONE, 0, 0, 0 },

	{ "origin 3: 7606 s7.1", EBGP, HEX(0x40, 1, 1, 3, AS_PATH_TLV, NEXT_HOP_TLV),
	    ACT_WITHDRAW, UPD_ORIGIN, ATTR_ORIGIN, FIRST },
	{ "origin 255: 7606 s7.1", EBGP, HEX(0x40, 1, 1, 255, AS_PATH_TLV, NEXT_HOP_TLV),
	    ACT_WITHDRAW, UPD_ORIGIN, ATTR_ORIGIN, FIRST },
	{ "origin, 0 octets: 7606 s4", EBGP, HEX(0x40, 1, 0, AS_PATH_TLV, NEXT_HOP_TLV),
	    ACT_WITHDRAW, UPD_ATTR_LENGTH, ATTR_ORIGIN, FIRST },
	{ "origin, 2 octets: 7606 s7.1", EBGP, HEX(0x40, 1, 2, 0, 0, AS_PATH_TLV, NEXT_HOP_TLV),
	    ACT_WITHDRAW, UPD_ATTR_LENGTH, ATTR_ORIGIN, FIRST },
	{ "origin, optional: 7606 s3c", EBGP, HEX(0xc0, 1, 1, 0, AS_PATH_TLV, NEXT_HOP_TLV),
	    ACT_WITHDRAW, UPD_ATTR_FLAGS, ATTR_ORIGIN, FIRST },
	{ "origin, not transitive: 7606 s3c", EBGP, HEX(0x00, 1, 1, 0, AS_PATH_TLV, NEXT_HOP_TLV),
	    ACT_WITHDRAW, UPD_ATTR_FLAGS, ATTR_ORIGIN, FIRST },
	{ "origin, low flag bits: ignored (4271 s4.3)", EBGP,
	    HEX(0x4f, 1, 1, 0, AS_PATH_TLV, NEXT_HOP_TLV), ACT_NONE, 0, 0, 0 },
	{ "origin missing: 7606 s3d", EBGP, HEX(AS_PATH_TLV, NEXT_HOP_TLV), ACT_WITHDRAW,
	    UPD_MISSING_WELL_KNOWN, ATTR_ORIGIN, 19 },
	{ "as_path missing: 7606 s3d", EBGP, HEX(ORIGIN_IGP_TLV, NEXT_HOP_TLV), ACT_WITHDRAW,
	    UPD_MISSING_WELL_KNOWN, ATTR_AS_PATH, 19 },
	{ "next_hop missing: 7606 s3d", EBGP, HEX(ORIGIN_IGP_TLV, AS_PATH_TLV), ACT_WITHDRAW,
	    UPD_MISSING_WELL_KNOWN, ATTR_NEXT_HOP, 19 },
	{ "all missing: the first", EBGP, HEX(0x80, 4, 4, 0, 0, 0, 1), ACT_WITHDRAW,
	    UPD_MISSING_WELL_KNOWN, ATTR_ORIGIN, 19 },

	{ "as_path empty: fine", IBGP, HEX(ORIGIN_IGP_TLV, 0x40, 2, 0, NEXT_HOP_TLV), ACT_NONE, 0,
	    0, 0 },
	{ "as_path, segment empty: 7606 s7.2", EBGP,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 2, 2, 0, NEXT_HOP_TLV), ACT_WITHDRAW, UPD_AS_PATH,
	    ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, segment overruns: 7606 s7.2", EBGP,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 2, 2, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV), ACT_WITHDRAW,
	    UPD_AS_PATH, ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, one octet left over: 7606 s7.2", EBGP,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 7, 2, 1, 0, 0, 0xfd, 0xea, 2, NEXT_HOP_TLV),
	    ACT_WITHDRAW, UPD_AS_PATH, ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, segment type 0: 7606 s7.2", EBGP,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 0, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV), ACT_WITHDRAW,
	    UPD_AS_PATH, ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, segment type 5: 7606 s7.2", EBGP,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 5, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV), ACT_WITHDRAW,
	    UPD_AS_PATH, ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, confed sequence: 5065 s5", EBGP,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 3, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV), ACT_WITHDRAW,
	    UPD_AS_PATH, ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, confed sequence from another member: 5065 s5", MEMBER,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 3, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV), ACT_NONE, 0, 0,
	    0 },
	{ "as_path, confed set behind a sequence: 5065 s3", MEMBER,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 12, 3, 1, 0, 0, 0xfd, 0xea, 4, 1, 0, 0, 0xfd, 0xeb,
		NEXT_HOP_TLV), ACT_NONE, 0, 0, 0 },
	{ "as_path, another member, confed set first: 5065 s5", MEMBER,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 4, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV), ACT_WITHDRAW,
	    UPD_AS_PATH, ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, another member, sequence first: 5065 s5", MEMBER, HEX(PLAIN), ACT_WITHDRAW,
	    UPD_AS_PATH, ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, another member, empty: 5065 s5", MEMBER,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 0, NEXT_HOP_TLV), ACT_WITHDRAW, UPD_AS_PATH, ATTR_AS_PATH,
	    FIRST + 4 },
	{ "as_path, confed segment empty: 7606 s7.2", MEMBER,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 2, 3, 0, NEXT_HOP_TLV), ACT_WITHDRAW, UPD_AS_PATH,
	    ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, confed sequence from our own member: 5065 s4", IBGP_CONFED,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 3, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV), ACT_NONE, 0, 0,
	    0 },
	{ "as_path, from our own member, empty", IBGP_CONFED,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 0, NEXT_HOP_TLV), ACT_NONE, 0, 0, 0 },
	{ "as_path, confed sequence from iBGP without a confederation: 5065 s5", IBGP,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 3, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV), ACT_WITHDRAW,
	    UPD_AS_PATH, ATTR_AS_PATH, FIRST + 4 },
	{ "local_pref from another member: used (5065 s4)", MEMBER,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 3, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV, 0x40, 5, 4, 0, 0, 0,
		1), ACT_NONE, 0, 0, 0 },
	{ "originator_id from another member: 7606 s7.9", MEMBER,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 3, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV, 0x80, 9, 4, 0, 0, 0,
		1), ACT_ATTR_DISCARD, UPD_UNSPECIFIC, ATTR_ORIGINATOR_ID, FIRST + 20 },
	{ "otc: fine", EBGP, HEX(PLAIN, 0xc0, 35, 4, 0, 0, 0xfd, 0xea), ACT_NONE, 0, 0, 0 },
	{ "otc, partial: fine", EBGP, HEX(PLAIN, 0xe0, 35, 4, 0, 0, 0xfd, 0xea), ACT_NONE, 0, 0, 0 },
	{ "otc, 3 octets: 9234 s5", EBGP, HEX(PLAIN, 0xc0, 35, 3, 0, 0xfd, 0xea), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_OTC, AFTER },
	{ "otc, 5 octets: 9234 s5", EBGP, HEX(PLAIN, 0xc0, 35, 5, 0, 0, 0, 0xfd, 0xea),
	    ACT_WITHDRAW, UPD_ATTR_LENGTH, ATTR_OTC, AFTER },
	{ "otc, empty: 9234 s5", EBGP, HEX(PLAIN, 0xc0, 35, 0), ACT_WITHDRAW, UPD_ATTR_LENGTH,
	    ATTR_OTC, AFTER },
	{ "otc, not transitive: 7606 s3c", EBGP, HEX(PLAIN, 0x80, 35, 4, 0, 0, 0xfd, 0xea),
	    ACT_WITHDRAW, UPD_ATTR_FLAGS, ATTR_OTC, AFTER },
	{ "otc, well-known: 7606 s3c", EBGP, HEX(PLAIN, 0x40, 35, 4, 0, 0, 0xfd, 0xea), ACT_WITHDRAW,
	    UPD_ATTR_FLAGS, ATTR_OTC, AFTER },
	{ "otc twice: the first, 7606 s3g", EBGP,
	    HEX(PLAIN, 0xc0, 35, 4, 0, 0, 0xfd, 0xea, 0xc0, 35, 4, 0, 0, 0, 7), ACT_ATTR_DISCARD,
	    UPD_ATTR_LIST, ATTR_OTC, AFTER + 7 },
	{ "as_path, confed set: 5065 s5", EBGP,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 4, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV), ACT_WITHDRAW,
	    UPD_AS_PATH, ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, AS 0: 7607 s2", EBGP,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xea, 0, 0, 0, 0, NEXT_HOP_TLV),
	    ACT_WITHDRAW, UPD_AS_PATH, ATTR_AS_PATH, FIRST + 4 },
	{ "as_path, a set: fine", EBGP,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 6, 1, 1, 0, 0, 0xfd, 0xea, NEXT_HOP_TLV), ACT_NONE, 0, 0,
	    0 },
	{ "as_path of 4 octets on a 2-octet session: 7606 s7.2", EBGP_AS2,
	    HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, NEXT_HOP_TLV), ACT_WITHDRAW, UPD_AS_PATH,
	    ATTR_AS_PATH, FIRST + 4 },
	{ "as_path of 2 octets: fine", EBGP_AS2, HEX(ORIGIN_IGP_TLV, AS_PATH2_TLV, NEXT_HOP_TLV),
	    ACT_NONE, 0, 0, 0 },
	{ "as_path, AS 0 in 2 octets: 7607 s2", EBGP_AS2,
	    HEX(ORIGIN_IGP_TLV, 0x40, 2, 4, 2, 1, 0, 0, NEXT_HOP_TLV), ACT_WITHDRAW, UPD_AS_PATH,
	    ATTR_AS_PATH, FIRST + 4 },

	{ "next_hop, 3 octets: 7606 s7.3", EBGP,
	    HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 3, 10, 0, 0), ACT_WITHDRAW, UPD_ATTR_LENGTH,
	    ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop, 5 octets: 7606 s7.3", EBGP,
	    HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 5, 10, 0, 0, 2, 0), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop 0.0.0.0: 4271 s6.3", EBGP,
	    HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 4, 0, 0, 0, 0), ACT_WITHDRAW, UPD_NEXT_HOP,
	    ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop 0.1.2.3: 4271 s6.3", EBGP,
	    HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 4, 0, 1, 2, 3), ACT_WITHDRAW, UPD_NEXT_HOP,
	    ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop 127.0.0.1", EBGP, HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 4, 127, 0, 0, 1),
	    ACT_WITHDRAW, UPD_NEXT_HOP, ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop 224.0.0.5", EBGP, HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 4, 224, 0, 0, 5),
	    ACT_WITHDRAW, UPD_NEXT_HOP, ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop 239.255.255.255", EBGP,
	    HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 4, 239, 255, 255, 255), ACT_WITHDRAW,
	    UPD_NEXT_HOP, ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop 240.0.0.0", EBGP, HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 4, 240, 0, 0, 0),
	    ACT_WITHDRAW, UPD_NEXT_HOP, ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop 255.255.255.255", EBGP,
	    HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 4, 255, 255, 255, 255), ACT_WITHDRAW,
	    UPD_NEXT_HOP, ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop is our address: 4271 s6.3", EBGP,
	    HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 4, 10, 0, 0, 1), ACT_WITHDRAW, UPD_NEXT_HOP,
	    ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop is our next hop self: 4271 s6.3", EBGP,
	    HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 4, 10, 9, 9, 9), ACT_WITHDRAW, UPD_NEXT_HOP,
	    ATTR_NEXT_HOP, FIRST + 13 },
	{ "next_hop 1.0.0.0, 223.255.255.255: fine", EBGP,
	    HEX(ORIGIN_IGP_TLV, AS_PATH_TLV, 0x40, 3, 4, 223, 255, 255, 255), ACT_NONE, 0, 0, 0 },

	{ "med, 3 octets: 7606 s7.4", EBGP, HEX(PLAIN, 0x80, 4, 3, 0, 0, 1), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_MED, AFTER },
	{ "med, 5 octets: 7606 s7.4", EBGP, HEX(PLAIN, 0x80, 4, 5, 0, 0, 0, 0, 1), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_MED, AFTER },
	{ "med, well-known: 7606 s3c", EBGP, HEX(PLAIN, 0x40, 4, 4, 0, 0, 0, 1), ACT_WITHDRAW,
	    UPD_ATTR_FLAGS, ATTR_MED, AFTER },
	{ "med, transitive: 7606 s3c", EBGP, HEX(PLAIN, 0xc0, 4, 4, 0, 0, 0, 1), ACT_WITHDRAW,
	    UPD_ATTR_FLAGS, ATTR_MED, AFTER },
	{ "local_pref from outside: 7606 s7.5", EBGP, HEX(PLAIN, 0x40, 5, 4, 0, 0, 0, 1),
	    ACT_ATTR_DISCARD, 0, ATTR_LOCAL_PREF, AFTER },
	{ "local_pref from outside, any length: 7606 s7.5", EBGP, HEX(PLAIN, 0x40, 5, 3, 0, 0, 0),
	    ACT_ATTR_DISCARD, 0, ATTR_LOCAL_PREF, AFTER },
	{ "local_pref from inside: fine", IBGP, HEX(PLAIN, 0x40, 5, 4, 0, 0, 0, 1), ACT_NONE, 0, 0,
	    0 },
	{ "local_pref missing from inside: accepted", IBGP, HEX(PLAIN), ACT_NONE, 0, 0, 0 },
	{ "local_pref, 3 octets: 7606 s7.5", IBGP, HEX(PLAIN, 0x40, 5, 3, 0, 0, 0), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_LOCAL_PREF, AFTER },
	{ "local_pref, 5 octets: 7606 s7.5", IBGP, HEX(PLAIN, 0x40, 5, 5, 0, 0, 0, 0, 0),
	    ACT_WITHDRAW, UPD_ATTR_LENGTH, ATTR_LOCAL_PREF, AFTER },
	{ "atomic_aggregate: fine", EBGP, HEX(PLAIN, 0x40, 6, 0), ACT_NONE, 0, 0, 0 },
	{ "atomic_aggregate, 1 octet: 7606 s7.6", EBGP, HEX(PLAIN, 0x40, 6, 1, 0),
	    ACT_ATTR_DISCARD, UPD_ATTR_LENGTH, ATTR_ATOMIC_AGGREGATE, AFTER },
	{ "atomic_aggregate, flags: 7606 s3c", EBGP, HEX(PLAIN, 0xc0, 6, 0), ACT_WITHDRAW,
	    UPD_ATTR_FLAGS, ATTR_ATOMIC_AGGREGATE, AFTER },
	{ "aggregator, 6 octets among 4-octet speakers: 7606 s7.7", EBGP,
	    HEX(PLAIN, 0xc0, 7, 6, 0xfd, 0xea, 10, 0, 0, 2), ACT_ATTR_DISCARD, UPD_ATTR_LENGTH,
	    ATTR_AGGREGATOR, AFTER },
	{ "aggregator, 9 octets: 7606 s7.7", EBGP,
	    HEX(PLAIN, 0xc0, 7, 9, 0, 0, 0xfd, 0xea, 10, 0, 0, 2, 0), ACT_ATTR_DISCARD,
	    UPD_ATTR_LENGTH, ATTR_AGGREGATOR, AFTER },
	{ "aggregator, 8 octets from a 2-octet speaker: 7606 s7.7", EBGP_AS2,
	    HEX(ORIGIN_IGP_TLV, AS_PATH2_TLV, NEXT_HOP_TLV, 0xc0, 7, 8, 0, 0, 0xfd, 0xea, 10, 0, 0,
		2),
	    ACT_ATTR_DISCARD, UPD_ATTR_LENGTH, ATTR_AGGREGATOR, AFTER - 2 },
	{ "aggregator, AS 0: 7607 s2", EBGP, HEX(PLAIN, 0xc0, 7, 8, 0, 0, 0, 0, 10, 0, 0, 2),
	    ACT_ATTR_DISCARD, UPD_OPTIONAL, ATTR_AGGREGATOR, AFTER },
	{ "aggregator, empty: 7606 s4", EBGP, HEX(PLAIN, 0xc0, 7, 0), ACT_ATTR_DISCARD,
	    UPD_ATTR_LENGTH, ATTR_AGGREGATOR, AFTER },

	{ "communities, 3 octets: 7606 s7.8", EBGP, HEX(PLAIN, 0xc0, 8, 3, 0, 0, 0), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_COMMUNITIES, AFTER },
	{ "communities, 6 octets: 7606 s7.8", EBGP, HEX(PLAIN, 0xc0, 8, 6, 0, 1, 0, 1, 0, 1),
	    ACT_WITHDRAW, UPD_ATTR_LENGTH, ATTR_COMMUNITIES, AFTER },
	{ "communities, empty: 7606 s7.8", EBGP, HEX(PLAIN, 0xc0, 8, 0), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_COMMUNITIES, AFTER },
	{ "communities, well-known: 7606 s3c", EBGP, HEX(PLAIN, 0x40, 8, 4, 0, 1, 0, 1),
	    ACT_WITHDRAW, UPD_ATTR_FLAGS, ATTR_COMMUNITIES, AFTER },
	{ "originator_id from outside: 7606 s7.9", EBGP, HEX(PLAIN, 0x80, 9, 4, 1, 1, 1, 1),
	    ACT_ATTR_DISCARD, 0, ATTR_ORIGINATOR_ID, AFTER },
	{ "originator_id, 5 octets: 7606 s7.9", IBGP, HEX(PLAIN, 0x80, 9, 5, 1, 1, 1, 1, 1),
	    ACT_WITHDRAW, UPD_ATTR_LENGTH, ATTR_ORIGINATOR_ID, AFTER },
	{ "cluster_list from outside: 7606 s7.10", EBGP, HEX(PLAIN, 0x80, 10, 4, 1, 1, 1, 1),
	    ACT_ATTR_DISCARD, 0, ATTR_CLUSTER_LIST, AFTER },
	{ "cluster_list, 5 octets: 7606 s7.10", IBGP, HEX(PLAIN, 0x80, 10, 5, 1, 1, 1, 1, 1),
	    ACT_WITHDRAW, UPD_ATTR_LENGTH, ATTR_CLUSTER_LIST, AFTER },
	{ "cluster_list, empty: 7606 s7.10", IBGP, HEX(PLAIN, 0x80, 10, 0), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_CLUSTER_LIST, AFTER },
	{ "extended communities, 7 octets: 7606 s7.14", EBGP,
	    HEX(PLAIN, 0xc0, 16, 7, 0, 2, 0, 1, 0, 0, 0), ACT_WITHDRAW, UPD_ATTR_LENGTH,
	    ATTR_EXT_COMMUNITIES, AFTER },
	{ "extended communities, empty: 7606 s7.14", EBGP, HEX(PLAIN, 0xc0, 16, 0), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_EXT_COMMUNITIES, AFTER },
	{ "large communities, 11 octets: 8092 s6", EBGP,
	    HEX(PLAIN, 0xc0, 32, 11, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_LARGE_COMMUNITIES, AFTER },
	{ "large communities, empty: 8092 s6", EBGP, HEX(PLAIN, 0xc0, 32, 0), ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, ATTR_LARGE_COMMUNITIES, AFTER },

	{ "as4_path among 4-octet speakers: 6793 s4.1", EBGP,
	    HEX(PLAIN, 0xc0, 17, 6, 2, 1, 0, 1, 0, 0), ACT_ATTR_DISCARD, UPD_OPTIONAL,
	    ATTR_AS4_PATH, AFTER },
	{ "as4_aggregator among 4-octet speakers: 6793 s4.1", EBGP,
	    HEX(PLAIN, 0xc0, 18, 8, 0, 1, 0, 0, 1, 1, 1, 1), ACT_ATTR_DISCARD, UPD_OPTIONAL,
	    ATTR_AS4_AGGREGATOR, AFTER },
	{ "as4_path, segment overruns: 6793 s6", EBGP_AS2,
	    HEX(ORIGIN_IGP_TLV, AS_PATH2_TLV, NEXT_HOP_TLV, 0xc0, 17, 6, 2, 2, 0, 1, 0, 0),
	    ACT_ATTR_DISCARD, UPD_OPTIONAL, ATTR_AS4_PATH, AFTER - 2 },
	{ "as4_path, empty: 7606 s4", EBGP_AS2,
	    HEX(ORIGIN_IGP_TLV, AS_PATH2_TLV, NEXT_HOP_TLV, 0xc0, 17, 0), ACT_ATTR_DISCARD,
	    UPD_OPTIONAL, ATTR_AS4_PATH, AFTER - 2 },
	{ "as4_path, AS 0: 7607 s2", EBGP_AS2,
	    HEX(ORIGIN_IGP_TLV, AS_PATH2_TLV, NEXT_HOP_TLV, 0xc0, 17, 6, 2, 1, 0, 0, 0, 0),
	    ACT_ATTR_DISCARD, UPD_OPTIONAL, ATTR_AS4_PATH, AFTER - 2 },
	{ "as4_aggregator, 7 octets: 6793 s6", EBGP_AS2,
	    HEX(ORIGIN_IGP_TLV, AS_PATH2_TLV, NEXT_HOP_TLV, 0xc0, 18, 7, 0, 1, 0, 0, 1, 1, 1),
	    ACT_ATTR_DISCARD, UPD_ATTR_LENGTH, ATTR_AS4_AGGREGATOR, AFTER - 2 },
	{ "as4_aggregator, AS 0: 7607 s2", EBGP_AS2,
	    HEX(ORIGIN_IGP_TLV, AS_PATH2_TLV, NEXT_HOP_TLV, 0xc0, 18, 8, 0, 0, 0, 0, 1, 1, 1, 1),
	    ACT_ATTR_DISCARD, UPD_OPTIONAL, ATTR_AS4_AGGREGATOR, AFTER - 2 },

	{ "unknown well-known: 4271 s6.3", EBGP, HEX(PLAIN, 0x40, 99, 1, 0), ACT_RESET,
	    UPD_UNKNOWN_WELL_KNOWN, 99, AFTER },
	{ "type 0, well-known: 4271 s6.3", EBGP, HEX(PLAIN, 0x40, 0, 1, 0), ACT_RESET,
	    UPD_UNKNOWN_WELL_KNOWN, 0, AFTER },
	{ "unknown optional transitive: fine", EBGP, HEX(PLAIN, 0xc0, 99, 1, 0), ACT_NONE, 0, 0,
	    0 },
	{ "unknown optional, not transitive: fine", EBGP, HEX(PLAIN, 0x80, 99, 1, 0), ACT_NONE, 0,
	    0, 0 },
	{ "unknown, empty: fine", EBGP, HEX(PLAIN, 0xc0, 99, 0), ACT_NONE, 0, 0, 0 },

	{ "origin twice: 7606 s3g", EBGP, HEX(PLAIN, ORIGIN_IGP_TLV), ACT_ATTR_DISCARD,
	    UPD_ATTR_LIST, ATTR_ORIGIN, AFTER },
	{ "second one malformed: not looked at, 7606 s3g", EBGP, HEX(PLAIN, 0xc0, 1, 2, 9, 9),
	    ACT_ATTR_DISCARD, UPD_ATTR_LIST, ATTR_ORIGIN, AFTER },
	{ "unknown twice: 7606 s3g", EBGP, HEX(PLAIN, 0xc0, 99, 0, 0xc0, 99, 0), ACT_ATTR_DISCARD,
	    UPD_ATTR_LIST, 99, AFTER + 3 },

	{ "value overruns the list: 7606 s4", EBGP, HEX(PLAIN, 0xc0, 8, 8, 0, 1, 0, 1),
	    ACT_WITHDRAW, UPD_ATTR_LENGTH, ATTR_COMMUNITIES, AFTER },
	{ "one octet left: 7606 s4", EBGP, HEX(PLAIN, 0xc0), ACT_WITHDRAW, UPD_ATTR_LENGTH, 0,
	    AFTER },
	{ "two octets left: 7606 s4", EBGP, HEX(PLAIN, 0xc0, 8), ACT_WITHDRAW, UPD_ATTR_LENGTH,
	    ATTR_COMMUNITIES, AFTER },
	{ "three octets left, extended length: 7606 s4", EBGP, HEX(PLAIN, 0xd0, 8, 0),
	    ACT_WITHDRAW, UPD_ATTR_LENGTH, ATTR_COMMUNITIES, AFTER },
	{ "mp_unreach cut off: 7606 s3j", EBGP, HEX(PLAIN, 0x80, 15, 9, 0, 2, 1), ACT_RESET,
	    UPD_ATTR_LENGTH, ATTR_MP_UNREACH, AFTER },
	{ "mp_reach cut off: 7606 s3j", EBGP, HEX(PLAIN, 0x80, 14, 9, 0, 2, 1), ACT_RESET,
	    UPD_ATTR_LENGTH, ATTR_MP_REACH, AFTER },

	{ "strongest wins: 7606 s3h", EBGP,
	    HEX(0x40, 6, 1, 0, 0x40, 1, 1, 9, AS_PATH_TLV, NEXT_HOP_TLV), ACT_WITHDRAW, UPD_ORIGIN,
	    ATTR_ORIGIN, FIRST + 4 },
	{ "of equals the first, NEXT_HOP too: 7606 s3h", EBGP,
	    HEX(0x40, 1, 1, 9, AS_PATH_TLV, 0x40, 3, 4, 127, 0, 0, 1), ACT_WITHDRAW, UPD_ORIGIN,
	    ATTR_ORIGIN, FIRST },
	{ "of equals the first: 7606 s3h", EBGP,
	    HEX(0x40, 1, 1, 9, 0x40, 2, 1, 2, NEXT_HOP_TLV), ACT_WITHDRAW, UPD_ORIGIN, ATTR_ORIGIN,
	    FIRST },

	{ "mp_reach, 4 octets: 7606 s5.3", EBGP, HEX(PLAIN, 0x80, 14, 4, 0, 2, 1, 0), ACT_RESET,
	    UPD_OPTIONAL, ATTR_MP_REACH, AFTER },
	{ "mp_reach, next hop overruns: 7606 s7.11", EBGP, HEX(PLAIN, 0x80, 14, 6, 0, 2, 1, 16, 1, 0),
	    ACT_RESET, UPD_OPTIONAL, ATTR_MP_REACH, AFTER },
	{ "mp_reach, next hop of 4 octets for IPv6: 7606 s7.11", EBGP,
	    HEX(PLAIN, 0x80, 14, 9, 0, 2, 1, 4, 1, 1, 1, 1, 0), ACT_RESET, UPD_OPTIONAL,
	    ATTR_MP_REACH, AFTER },
	{ "mp_reach, next hop of 0 octets: 7606 s7.11", EBGP, HEX(PLAIN, 0x80, 14, 5, 0, 2, 1, 0, 0),
	    ACT_RESET, UPD_OPTIONAL, ATTR_MP_REACH, AFTER },
	{ "mp_reach twice: 7606 s3g", EBGP,
	    HEX(PLAIN, 0x80, 14, 5, 0, 3, 1, 0, 0, 0x80, 14, 5, 0, 3, 1, 0, 0), ACT_RESET,
	    UPD_ATTR_LIST, ATTR_MP_REACH, AFTER + 8 },
	{ "mp_unreach twice: 7606 s3g", EBGP,
	    HEX(PLAIN, 0x80, 15, 3, 0, 2, 1, 0x80, 15, 3, 0, 2, 1), ACT_RESET, UPD_ATTR_LIST,
	    ATTR_MP_UNREACH, AFTER + 6 },
	{ "mp_unreach, 2 octets: 7606 s5.3", EBGP, HEX(PLAIN, 0x80, 15, 2, 0, 2), ACT_RESET,
	    UPD_OPTIONAL, ATTR_MP_UNREACH, AFTER },
	{ "mp_unreach, /129: 4760 s7", EBGP, HEX(PLAIN, 0x80, 15, 4, 0, 2, 1, 129), ACT_RESET,
	    UPD_OPTIONAL, ATTR_MP_UNREACH, AFTER },
	{ "mp_unreach, prefix overruns: 4760 s7", EBGP, HEX(PLAIN, 0x80, 15, 5, 0, 2, 1, 64, 1),
	    ACT_RESET, UPD_OPTIONAL, ATTR_MP_UNREACH, AFTER },
	{ "mp_unreach, flags: 7606 s3c", EBGP, HEX(PLAIN, 0xc0, 15, 3, 0, 2, 1), ACT_WITHDRAW,
	    UPD_ATTR_FLAGS, ATTR_MP_UNREACH, AFTER },
	{ "mp_reach of a family we do not speak: skipped", EBGP,
	    HEX(PLAIN, 0x80, 14, 5, 0, 25, 65, 0, 0), ACT_NONE, 0, 0, 0 },
	{ "mp_unreach of a family we do not speak: skipped", EBGP,
	    HEX(PLAIN, 0x80, 15, 4, 0, 2, 2, 200), ACT_NONE, 0, 0, 0 },
};

START_TEST(malformed_attribute)
{
	static const uint8_t nlri[] = { NLRI_10 };
	const struct attr_case *c = &attr_cases[_i];
	struct update_ctx ctx = ctx_of(c->kind);
	static struct update u;
	uint8_t body[512];
	size_t octets = body_of(body, sizeof(body), c->attrs, c->octets, nlri, sizeof(nlri));

	update_decode(&ctx, body, octets, &u);
	ck_assert_msg(u.err.act == c->act, "%s: %s", c->name, bgp_act_name(u.err.act));
	if (c->act == ACT_NONE) {
		ck_assert_msg(!u.err.why && u.n_nlri == 1, "%s", c->name);
		return;
	}
	ck_assert_msg(u.err.code == ERR_UPDATE && u.err.sub == c->sub, "%s: %u/%u", c->name,
	    u.err.code, u.err.sub);
	ck_assert_msg(u.err.attr == c->attr, "%s: attribute %u", c->name, u.err.attr);
	ck_assert_msg(u.err.off == c->off, "%s: octet %u", c->name, u.err.off);
	ck_assert_msg(u.err.why && *u.err.why, "%s", c->name);
	if (c->sub == UPD_MISSING_WELL_KNOWN) { /* the data is the type: RFC 4271 section 6.3 */
		ck_assert_uint_eq(u.err.data_octets, 1);
		ck_assert_uint_eq(u.err.data[0], c->attr);
	} else if (c->sub != UPD_NETWORK) { /* the data is the attribute: RFC 4271 section 6.3 */
		ck_assert_ptr_eq(u.err.data, body + c->off - BGP_HEADER_OCTETS);
		ck_assert_uint_gt(u.err.data_octets, 0);
		ck_assert_uint_le(c->off - BGP_HEADER_OCTETS + u.err.data_octets, octets);
	}
	ck_assert_msg(u.eor == 0, "%s", c->name);
}
END_TEST

/* ---- whole messages -------------------------------------------------------------------------- */

struct body_case {
	const char *name;
	enum kind kind;
	const uint8_t *body;
	size_t octets;
	enum bgp_act act;
	uint8_t sub, attr;
	uint16_t off;
	uint32_t withdrawn, nlri, mp_unreach, mp_reach;
	uint8_t eor;
};

#define NH6 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
#define LL(n)	 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n
#define UNSPEC6	 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

static const struct body_case body_cases[] = {
	{ "End-of-RIB, IPv4: 4724 s2", EBGP, HEX(0, 0, 0, 0), ACT_NONE, 0, 0, 0, 0, 0, 0, 0,
	    AF_BIT(IP4) },
	{ "End-of-RIB, IPv6: 4724 s2", EBGP, HEX(0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1), ACT_NONE, 0, 0,
	    0, 0, 0, 0, 0, AF_BIT(IP6) },
	{ "End-of-RIB, IPv4 in MP_UNREACH", EBGP, HEX(0, 0, 0, 6, 0x80, 15, 3, 0, 1, 1), ACT_NONE,
	    0, 0, 0, 0, 0, 0, 0, AF_BIT(IP4) },
	{ "End-of-RIB of a family not in use", EBGP_IP6_ONLY, HEX(0, 0, 0, 0), ACT_NONE, 0, 0, 0, 0,
	    0, 0, 0, 0 },
	{ "no End-of-RIB: other attributes", EBGP,
	    HEX(0, 0, 0, 10, ORIGIN_IGP_TLV, 0x80, 15, 3, 0, 2, 1), ACT_NONE, 0, 0, 0, 0, 0, 0, 0,
	    0 },
	{ "no End-of-RIB: a prefix in MP_UNREACH", EBGP,
	    HEX(0, 0, 0, 8, 0x80, 15, 5, 0, 2, 1, 8, 0x20), ACT_NONE, 0, 0, 0, 0, 0, 1, 0, 0 },
	{ "no End-of-RIB: withdrawn", EBGP, HEX(0, 2, 8, 10, 0, 0), ACT_NONE, 0, 0, 0, 1, 0, 0, 0,
	    0 },

	{ "no End-of-RIB: the default route withdrawn", EBGP, HEX(0, 1, 0, 0, 0), ACT_NONE, 0, 0, 0,
	    1, 0, 0, 0, 0 },
	{ "withdrawn length too long: 4271 s6.3", EBGP, HEX(0, 3, 0, 0), ACT_RESET, UPD_ATTR_LIST,
	    0, 19, 0, 0, 0, 0, 0 },
	{ "attribute length too long: 4271 s6.3", EBGP, HEX(0, 0, 0, 1), ACT_RESET, UPD_ATTR_LIST,
	    0, 19, 0, 0, 0, 0, 0 },
	{ "no room for the attribute length: 4271 s6.3", EBGP, HEX(0, 1, 0, 0), ACT_RESET,
	    UPD_ATTR_LIST, 0, 19, 0, 0, 0, 0, 0 },
	{ "body of 3 octets", EBGP, HEX(0, 0, 0), ACT_RESET, UPD_ATTR_LIST, 0, 19, 0, 0, 0, 0, 0 },
	{ "withdrawn /33: 7606 s3i", EBGP, HEX(0, 6, 33, 1, 2, 3, 4, 5, 0, 0), ACT_RESET,
	    UPD_NETWORK, 0, 21, 0, 0, 0, 0, 0 },
	{ "withdrawn prefix overruns: 7606 s3i", EBGP, HEX(0, 4, 8, 10, 16, 10, 0, 0), ACT_RESET,
	    UPD_NETWORK, 0, 23, 1, 0, 0, 0, 0 },
	{ "NLRI /33: 4271 s6.3", EBGP, HEX(0, 0, 0, PLAIN_OCTETS, PLAIN, 33, 1, 2, 3, 4, 5),
	    ACT_RESET, UPD_NETWORK, 0, AFTER, 0, 0, 0, 0, 0 },
	{ "NLRI overruns: 4271 s6.3", EBGP, HEX(0, 0, 0, PLAIN_OCTETS, PLAIN, NLRI_10, 24, 10, 1),
	    ACT_RESET, UPD_NETWORK, 0, AFTER + 2, 0, 1, 0, 0, 0 },
	{ "NLRI /32 and /0: fine", EBGP,
	    HEX(0, 0, 0, PLAIN_OCTETS, PLAIN, 32, 1, 2, 3, 4, 0), ACT_NONE, 0, 0, 0, 0, 2, 0, 0,
	    0 },
	{ "withdrawn and NLRI", EBGP, HEX(0, 2, 8, 11, 0, PLAIN_OCTETS, PLAIN, NLRI_10), ACT_NONE,
	    0, 0, 0, 1, 1, 0, 0, 0 },

	{ "error, no prefix announced: 7606 s5.2", EBGP, HEX(0, 0, 0, 4, 0x40, 1, 1, 9), ACT_RESET,
	    UPD_ORIGIN, ATTR_ORIGIN, 23, 0, 0, 0, 0, 0 },
	{ "error, only withdrawn: 7606 s5.2", EBGP, HEX(0, 2, 8, 10, 0, 4, 0x40, 1, 1, 9),
	    ACT_RESET, UPD_ORIGIN, ATTR_ORIGIN, 25, 1, 0, 0, 0, 0 },
	{ "error to be discarded, no prefix: 7606 s5.2", EBGP, HEX(0, 0, 0, 4, 0x40, 6, 1, 0),
	    ACT_ATTR_DISCARD, UPD_ATTR_LENGTH, ATTR_ATOMIC_AGGREGATE, 23, 0, 0, 0, 0, 0 },
	{ "cut off, no prefix: 7606 s5.2", EBGP, HEX(0, 0, 0, 1, 0x40), ACT_RESET, UPD_ATTR_LENGTH,
	    0, 23, 0, 0, 0, 0, 0 },
	{ "flags of MP_UNREACH alone: it is followed", EBGP,
	    HEX(0, 0, 0, 8, 0xc0, 15, 5, 0, 2, 1, 8, 0x20), ACT_WITHDRAW, UPD_ATTR_FLAGS,
	    ATTR_MP_UNREACH, 23, 0, 0, 1, 0, 0 },
	{ "no mandatory ones, no prefix: fine", EBGP, HEX(0, 0, 0, 7, 0x80, 4, 4, 0, 0, 0, 1),
	    ACT_NONE, 0, 0, 0, 0, 0, 0, 0, 0 },

	{ "MP_REACH", EBGP,
	    HEX(0, 0, 0, 40, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 24, 0, 2, 1, 16, NH6, 0, 16,
		0x20, 1),
	    ACT_NONE, 0, 0, 0, 0, 0, 0, 1, 0 },
	{ "MP_REACH without origin: 7606 s3d", EBGP,
	    HEX(0, 0, 0, 36, AS_PATH_TLV, 0x80, 14, 24, 0, 2, 1, 16, NH6, 0, 16, 0x20, 1),
	    ACT_WITHDRAW, UPD_MISSING_WELL_KNOWN, ATTR_ORIGIN, 19, 0, 0, 0, 1, 0 },
	{ "MP_REACH, prefix overruns: 4760 s7", EBGP,
	    HEX(0, 0, 0, 39, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 23, 0, 2, 1, 16, NH6, 0, 16,
		0x20),
	    ACT_RESET, UPD_OPTIONAL, ATTR_MP_REACH, 36, 0, 0, 0, 0, 0 },
	{ "MP_REACH, wrong flags, is located: 7606 s3c", EBGP,
	    HEX(0, 0, 0, 40, ORIGIN_IGP_TLV, AS_PATH_TLV, 0xc0, 14, 24, 0, 2, 1, 16, NH6, 0, 16,
		0x20, 1),
	    ACT_WITHDRAW, UPD_ATTR_FLAGS, ATTR_MP_REACH, 36, 0, 0, 0, 1, 0 },
	{ "MP_REACH, reserved octet not 0: ignored (4760 s3)", EBGP,
	    HEX(0, 0, 0, 40, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 24, 0, 2, 1, 16, NH6, 7, 16,
		0x20, 1),
	    ACT_NONE, 0, 0, 0, 0, 0, 0, 1, 0 },
	{ "MP_REACH, next hop ::", EBGP,
	    HEX(0, 0, 0, 40, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 24, 0, 2, 1, 16, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0x20, 1),
	    ACT_WITHDRAW, UPD_NEXT_HOP, ATTR_MP_REACH, 36, 0, 0, 0, 1, 0 },
	{ "MP_REACH, next hop ff02::1", EBGP,
	    HEX(0, 0, 0, 40, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 24, 0, 2, 1, 16, 0xff, 2, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 16, 0x20, 1),
	    ACT_WITHDRAW, UPD_NEXT_HOP, ATTR_MP_REACH, 36, 0, 0, 0, 1, 0 },
	{ "MP_REACH, next hop is ours", EBGP,
	    HEX(0, 0, 0, 40, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 24, 0, 2, 1, 16, 0x20, 1, 0xd,
		0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 16, 0x20, 1),
	    ACT_WITHDRAW, UPD_NEXT_HOP, ATTR_MP_REACH, 36, 0, 0, 0, 1, 0 },
	{ "MP_REACH for IPv4", EBGP,
	    HEX(0, 0, 0, 27, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 11, 0, 1, 1, 4, 10, 0, 0, 2, 0,
		8, 10),
	    ACT_NONE, 0, 0, 0, 0, 0, 0, 1, 0 },
	{ "MP_REACH for IPv4, next hop of 16 octets", EBGP,
	    HEX(0, 0, 0, 40, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 24, 0, 1, 1, 16, NH6, 0, 16,
		0x20, 1),
	    ACT_RESET, UPD_OPTIONAL, ATTR_MP_REACH, 36, 0, 0, 0, 0, 0 },
	{ "IPv4, IPv6 next hop: 8950 s3", EBGP_EXT_NH,
	    HEX(0, 0, 0, 39, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 23, 0, 1, 1, 16, NH6, 0, 8, 10),
	    ACT_NONE, 0, 0, 0, 0, 0, 0, 1, 0 },
	{ "IPv4, IPv6 next hop and link-local: 8950 s3", EBGP_EXT_NH,
	    HEX(0, 0, 0, 55, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 39, 0, 1, 1, 32, NH6, LL(5), 0,
		8, 10),
	    ACT_NONE, 0, 0, 0, 0, 0, 0, 1, 0 },
	{ "IPv4, IPv4 next hop beside: 8950 s3", EBGP_EXT_NH,
	    HEX(0, 0, 0, 27, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 11, 0, 1, 1, 4, 10, 0, 0, 2, 0,
		8, 10),
	    ACT_NONE, 0, 0, 0, 0, 0, 0, 1, 0 },
	{ "IPv4, next hop of 12 octets: 7606 s7.11", EBGP_EXT_NH,
	    HEX(0, 0, 0, 35, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 19, 0, 1, 1, 12, 1, 2, 3, 4, 5,
		6, 7, 8, 9, 10, 11, 12, 0, 8, 10),
	    ACT_RESET, UPD_OPTIONAL, ATTR_MP_REACH, 36, 0, 0, 0, 0, 0 },
	{ "IPv6, next hop of 4 octets: 7606 s7.11", EBGP_EXT_NH,
	    HEX(0, 0, 0, 28, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 12, 0, 2, 1, 4, 10, 0, 0, 2, 0,
		16, 0x20, 1),
	    ACT_RESET, UPD_OPTIONAL, ATTR_MP_REACH, 36, 0, 0, 0, 0, 0 },
	{ "IPv4, next hop :: 8950", EBGP_EXT_NH,
	    HEX(0, 0, 0, 39, ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, 23, 0, 1, 1, 16, UNSPEC6, 0, 8,
		10),
	    ACT_WITHDRAW, UPD_NEXT_HOP, ATTR_MP_REACH, 36, 0, 0, 0, 1, 0 },
	{ "IPv4 not negotiated: looked at, not used", EBGP_IP6_ONLY,
	    HEX(0, 2, 8, 11, 0, PLAIN_OCTETS, PLAIN, NLRI_10), ACT_NONE, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ "path ids: 7911 s3", EBGP_ADDPATH,
	    HEX(0, 6, 0, 0, 0, 7, 8, 11, 0, PLAIN_OCTETS, PLAIN, 0, 0, 0, 1, 8, 10, 0, 0, 0, 2, 8,
		10),
	    ACT_NONE, 0, 0, 0, 1, 2, 0, 0, 0 },
	{ "path id cut off: 7911 s3", EBGP_ADDPATH,
	    HEX(0, 0, 0, PLAIN_OCTETS, PLAIN, 0, 0, 0), ACT_RESET, UPD_NETWORK, 0, AFTER, 0, 0, 0,
	    0, 0 },
};

START_TEST(whole_message)
{
	const struct body_case *c = &body_cases[_i];
	struct update_ctx ctx = ctx_of(c->kind);
	static struct update u;

	update_decode(&ctx, c->body, c->octets, &u);
	ck_assert_msg(u.err.act == c->act, "%s: %s", c->name, bgp_act_name(u.err.act));
	ck_assert_msg(u.err.sub == c->sub && u.err.attr == c->attr && u.err.off == c->off,
	    "%s: 3/%u attribute %u octet %u", c->name, u.err.sub, u.err.attr, u.err.off);
	ck_assert_msg(u.err.code == (c->act == ACT_NONE ? 0 : ERR_UPDATE), "%s", c->name);
	ck_assert_msg(u.eor == c->eor, "%s: eor %u", c->name, u.eor);
	ck_assert_msg(u.n_withdrawn == c->withdrawn && u.n_nlri == c->nlri &&
		u.n_mp_unreach == c->mp_unreach && u.n_mp_reach == c->mp_reach,
	    "%s: %u %u %u %u", c->name, u.n_withdrawn, u.n_nlri, u.n_mp_unreach, u.n_mp_reach);
}
END_TEST

/* ---- what is read ---------------------------------------------------------------------------------- */

static struct update u;

static const struct attrs *
decode_intern(enum kind kind, const uint8_t *attrs, size_t octets, struct attrs_pool **ret_pool)
{
	static const uint8_t nlri[] = { NLRI_10 };
	static const uint64_t seed[2] = { 1, 2 };
	struct update_ctx ctx = ctx_of(kind);
	struct attrs_build b;
	uint8_t body[1024];
	size_t n = body_of(body, sizeof(body), attrs, octets, nlri, sizeof(nlri));

	update_decode(&ctx, body, n, &u);
	update_attrs(&u, false, &b);
	*ret_pool = attrs_pool_new(seed);
	return attrs_intern(*ret_pool, &b);
}

static const char *
path_text(const struct attrs *a)
{
	static char buf[256];

	return attrs_str_as_path(a, buf, sizeof(buf));
}

START_TEST(every_attribute_is_read)
{
	static const uint8_t octets[] = { 0x40, 1, 1, 2, AS_PATH_TLV, NEXT_HOP_TLV, 0x80, 4, 4, 1,
		2, 3, 4, 0x40, 5, 4, 0, 0, 0, 200, 0x40, 6, 0, 0xe0, 7, 8, 0, 1, 0, 0, 9, 9, 9, 9,
		0xe0, 8, 8, 0xfd, 0xea, 0, 1, 0xff, 0xff, 0xff, 1, 0x80, 9, 4, 7, 7, 7, 7, 0x80, 10,
		8, 1, 0, 0, 1, 1, 0, 0, 2, 0xc0, 16, 8, 0, 2, 0xfd, 0xea, 0, 0, 0, 5, 0xc0, 32, 12,
		0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0xf0, 200, 0, 1, 7, 0xc0, 99, 2, 5, 6, 0x80, 98,
		1, 1 };
	static const uint8_t unknown[] = { 0xe0, 99, 2, 5, 6, 0xe0, 200, 1, 7 };
	struct attrs_pool *pool;
	const struct attrs *a = decode_intern(IBGP, octets, sizeof(octets), &pool);
	struct ip_addr nh = attrs_next_hop(a);
	char text[128];

	ck_assert_int_eq(u.err.act, ACT_NONE);
	ck_assert_uint_eq(a->origin, ORIGIN_INCOMPLETE);
	ck_assert_str_eq(path_text(a), "65002");
	ck_assert_str_eq(ip_addr_str(&nh, text), "10.0.0.2");
	ck_assert_uint_eq(a->med, 0x01020304);
	ck_assert_uint_eq(a->local_pref, 200);
	ck_assert_uint_eq(attrs_rare(a).aggregator_asn, 65536);
	ck_assert_uint_eq(attrs_rare(a).aggregator_id, 0x09090909);
	ck_assert_uint_eq(a->originator_id, 0x07070707);
	ck_assert_uint_eq(a->flags & ~ATTRS_RARE, ATTRS_MED | ATTRS_LOCAL_PREF | ATTRS_ATOMIC | ATTRS_AGGREGATOR |
		ATTRS_ORIGINATOR | ATTRS_COMM_PARTIAL | ATTRS_AGGR_PARTIAL);
	ck_assert_str_eq(attrs_str_communities(a, text, sizeof(text)), "65002:1 no-export");
	ck_assert_str_eq(attrs_str_large(a, text, sizeof(text)), "65536:2:3");
	ck_assert_str_eq(attrs_str_ext(a, text, sizeof(text)), "rt:65002:5");
	ck_assert_str_eq(attrs_str_cluster_list(a, text, sizeof(text)), "1.0.0.1 1.0.0.2");
	ck_assert_str_eq(attrs_str_unknown(a, text, sizeof(text)),
	    "type 99 (2 octets), type 200 (1 octets)");
	ck_assert_mem_eq(attrs_part(a, ATTRS_UNKNOWN).p, unknown, sizeof(unknown));
	attrs_unref(pool, a);
	attrs_pool_free(pool);
}
END_TEST

START_TEST(discarded_attributes_leave_no_trace)
{
	static const uint8_t octets[] = { PLAIN, 0x40, 5, 4, 0, 0, 0, 1, 0x80, 9, 4, 7, 7, 7, 7,
		0x80, 10, 4, 1, 0, 0, 1, 0xc0, 7, 8, 0, 0, 0, 0, 9, 9, 9, 9, 0x40, 6, 1, 0 };
	struct attrs_pool *pool;
	const struct attrs *a = decode_intern(EBGP, octets, sizeof(octets), &pool);

	ck_assert_int_eq(u.err.act, ACT_ATTR_DISCARD);
	ck_assert_uint_eq(a->flags, 0);
	ck_assert_uint_eq(attrs_part(a, ATTRS_CLUSTER_LIST).octets, 0);
	attrs_unref(pool, a);
	attrs_pool_free(pool);
}
END_TEST

/* The second of two is dropped whatever it says: RFC 7606 section 3 (g). */
START_TEST(the_first_of_two_counts)
{
	static const uint8_t octets[] = { PLAIN, 0x80, 4, 4, 0, 0, 0, 1, 0x80, 4, 4, 0, 0, 0, 2 };
	struct attrs_pool *pool;
	const struct attrs *a = decode_intern(EBGP, octets, sizeof(octets), &pool);

	ck_assert_uint_eq(a->med, 1);
	attrs_unref(pool, a);
	attrs_pool_free(pool);
}
END_TEST

struct merge_case {
	const char *name;
	const uint8_t *attrs;
	size_t octets;
	const char *path;
	uint32_t aggregator, hops;
};

#define TRANS	   0x5b, 0xa0 /* 23456 */
#define BIG1	   0, 1, 0, 1 /* 65537 */
#define BIG2	   0, 1, 0, 2
#define HEAD2	   ORIGIN_IGP_TLV, NEXT_HOP_TLV
#define AGGR(...) 0xc0, 7, 6, __VA_ARGS__, 9, 9, 9, 9
#define AS4_AGGR   0xc0, 18, 8, BIG2, 8, 8, 8, 8

/* RFC 6793 section 4.2.3. */
static const struct merge_case merge_cases[] = {
	{ "no AS4_PATH", HEX(HEAD2, 0x40, 2, 6, 2, 2, 0xfd, 0xea, TRANS), "65002 23456", 0, 2 },
	{ "AS4_PATH of equal length", HEX(HEAD2, 0x40, 2, 6, 2, 2, 0xfd, 0xea, TRANS, 0xc0, 17, 10, 2,
					  2, 0, 0, 0xfd, 0xea, BIG1),
	    "65002 65537", 0, 2 },
	{ "shorter AS4_PATH: the head is kept",
	    HEX(HEAD2, 0x40, 2, 8, 2, 3, 0, 5, 0, 6, TRANS, 0xc0, 17, 6, 2, 1, BIG1), "5 6 65537", 0,
	    3 },
	{ "AS4_PATH before AS_PATH",
	    HEX(0xc0, 17, 6, 2, 1, BIG1, HEAD2, 0x40, 2, 6, 2, 2, 0, 5, TRANS), "5 65537", 0, 2 },
	{ "longer AS4_PATH: ignored",
	    HEX(HEAD2, 0x40, 2, 4, 2, 1, TRANS, 0xc0, 17, 10, 2, 2, BIG1, BIG2), "23456", 0, 1 },
	{ "a set counts one",
	    HEX(HEAD2, 0x40, 2, 10, 2, 1, 0, 5, 1, 2, TRANS, TRANS, 0xc0, 17, 10, 1, 2, BIG1, BIG2),
	    "5 {65537 65538}", 0, 2 },
	{ "a set of the head stays whole",
	    HEX(HEAD2, 0x40, 2, 10, 1, 2, 0, 5, 0, 6, 2, 1, TRANS, 0xc0, 17, 6, 2, 1, BIG1),
	    "{5 6} 65537", 0, 2 },
	{ "confederation segments of AS4_PATH are dropped (s6)",
	    HEX(HEAD2, 0x40, 2, 6, 2, 2, 0, 5, TRANS, 0xc0, 17, 12, 3, 1, BIG2, 2, 1, BIG1),
	    "5 65537", 0, 2 },
	{ "AGGREGATOR with AS_TRANS: both are taken",
	    HEX(HEAD2, 0x40, 2, 4, 2, 1, TRANS, AGGR(TRANS), AS4_AGGR, 0xc0, 17, 6, 2, 1, BIG1),
	    "65537", 65538, 1 },
	{ "AGGREGATOR with another AS: both are void",
	    HEX(HEAD2, 0x40, 2, 4, 2, 1, TRANS, AGGR(0xfd, 0xea), AS4_AGGR, 0xc0, 17, 6, 2, 1,
		BIG1),
	    "23456", 65002, 1 },
	{ "AGGREGATOR with another AS alone: AS4_PATH counts",
	    HEX(HEAD2, 0x40, 2, 4, 2, 1, TRANS, AGGR(0xfd, 0xea), 0xc0, 17, 6, 2, 1, BIG1), "65537",
	    65002, 1 },
	{ "AGGREGATOR with AS_TRANS alone: AS4_PATH counts",
	    HEX(HEAD2, 0x40, 2, 4, 2, 1, TRANS, AGGR(TRANS), 0xc0, 17, 6, 2, 1, BIG1), "65537", 23456,
	    1 },
	{ "no AGGREGATOR: AS4_AGGREGATOR is ignored",
	    HEX(HEAD2, 0x40, 2, 4, 2, 1, TRANS, AS4_AGGR, 0xc0, 17, 6, 2, 1, BIG1), "65537", 0, 1 },
	{ "malformed AS4_PATH: as if it were not there",
	    HEX(HEAD2, 0x40, 2, 4, 2, 1, TRANS, 0xc0, 17, 6, 9, 1, BIG1), "23456", 0, 1 },
};

START_TEST(as4_merge)
{
	const struct merge_case *c = &merge_cases[_i];
	struct attrs_pool *pool;
	const struct attrs *a = decode_intern(EBGP_AS2, c->attrs, c->octets, &pool);

	ck_assert_msg(u.err.act <= ACT_ATTR_DISCARD, "%s: %s", c->name, u.err.why);
	ck_assert_msg(strcmp(path_text(a), c->path) == 0, "%s: %s", c->name, path_text(a));
	ck_assert_msg(attrs_rare(a).aggregator_asn == c->aggregator, "%s: %u", c->name, attrs_rare(a).aggregator_asn);
	ck_assert_msg(a->as_path_hops == c->hops, "%s: %u", c->name, a->as_path_hops);
	if (!strchr(c->path, '{')) /* adjacent sequences are one */
		ck_assert_uint_eq(attrs_part(a, ATTRS_AS_PATH).octets, 2 + 4 * c->hops);
	attrs_unref(pool, a);
	attrs_pool_free(pool);
}
END_TEST

/* IPv6 next hops as they are found in the wild: RFC 2545 section 3. */
#define MP6(...) ORIGIN_IGP_TLV, AS_PATH_TLV, 0x80, 14, __VA_ARGS__, 0, 16, 0x20, 1

static const struct {
	const char *name;
	const uint8_t *attrs;
	size_t octets;
	const char *nh, *ll;
} nh6_cases[] = {
	{ "global", HEX(MP6(24, 0, 2, 1, 16, NH6)), "2001:db8::2", "none" },
	{ "global and link-local", HEX(MP6(40, 0, 2, 1, 32, NH6, LL(5))), "2001:db8::2",
	    "fe80::5%3" },
	{ "link-local alone", HEX(MP6(24, 0, 2, 1, 16, LL(5))), "fe80::5%3", "none" },
	{ "unspecified and link-local", HEX(MP6(40, 0, 2, 1, 32, UNSPEC6, LL(5))), "fe80::5%3",
	    "none" },
	{ "link-local twice", HEX(MP6(40, 0, 2, 1, 32, LL(4), LL(5))), "fe80::5%3", "none" },
	{ "second one is not link-local", HEX(MP6(40, 0, 2, 1, 32, NH6, NH6)), "2001:db8::2",
	    "none" },
	{ "second one is unspecified", HEX(MP6(40, 0, 2, 1, 32, NH6, UNSPEC6)), "2001:db8::2",
	    "none" },
};

START_TEST(ipv6_next_hops)
{
	struct update_ctx ctx = ctx_of(EBGP);
	char text[IP_ADDR_STRLEN];
	struct attrs_build b;
	uint8_t body[512];
	size_t n = body_of(body, sizeof(body), nh6_cases[_i].attrs, nh6_cases[_i].octets, NULL, 0);

	update_decode(&ctx, body, n, &u);
	ck_assert_int_eq(u.err.act, ACT_NONE);
	update_attrs(&u, true, &b);
	ck_assert_str_eq(ip_addr_str(&b.next_hop, text), nh6_cases[_i].nh);
	ck_assert_str_eq(ip_addr_str(&b.next_hop_ll, text), nh6_cases[_i].ll);
	ck_assert_uint_eq(b.flags & ATTRS_NH_LL,
	    strcmp(nh6_cases[_i].ll, "none") == 0 ? 0 : ATTRS_NH_LL);
}
END_TEST

/* The next hop of one family does not leak into the other. */
START_TEST(two_families_in_one_message)
{
	static const uint8_t attrs[] = { PLAIN, 0x80, 14, 24, 0, 2, 1, 16, NH6, 0, 16, 0x20, 1 };
	static const uint8_t nlri[] = { NLRI_10, 24, 192, 0, 2 };
	struct update_ctx ctx = ctx_of(EBGP);
	struct bgp_err e = { 0 };
	char text[64];
	struct attrs_build b;
	struct nlri one;
	uint8_t body[512];
	size_t n = body_of(body, sizeof(body), attrs, sizeof(attrs), nlri, sizeof(nlri));

	update_decode(&ctx, body, n, &u);
	ck_assert_int_eq(u.err.act, ACT_NONE);
	update_attrs(&u, false, &b);
	ck_assert_str_eq(ip_addr_str(&b.next_hop, text), "10.0.0.2");
	update_attrs(&u, true, &b);
	ck_assert_str_eq(ip_addr_str(&b.next_hop, text), "2001:db8::2");
	ck_assert_uint_eq(u.mp_reach_af, IP6);
	ck_assert(nlri_next(&u.mp_reach, IP6, false, &one, &e));
	ck_assert_str_eq(ip_prefix_str(&one.prefix, text), "2001::/16");
	ck_assert(nlri_next(&u.nlri, IP4, false, &one, &e));
	ck_assert(nlri_next(&u.nlri, IP4, false, &one, &e));
	ck_assert_str_eq(ip_prefix_str(&one.prefix, text), "192.0.2.0/24");
	ck_assert(!nlri_next(&u.nlri, IP4, false, &one, &e));
	ck_assert_int_eq(e.act, ACT_NONE);
}
END_TEST

/* ---- what is written ------------------------------------------------------------------------------------ */

static struct nlri
prefix(const char *text)
{
	struct nlri n = { 0 };

	ck_assert(ip_prefix_parse(text, &n.prefix, NULL));
	return n;
}

static struct update_nh
nh_of(const char *nh, const char *ll)
{
	struct update_nh r = { 0 };

	ck_assert(ip_addr_parse(nh, &r.nh));
	if (ll)
		ck_assert(ip_addr_parse(ll, &r.ll));
	return r;
}

/* A set with everything in it. */
static const struct attrs *
full_set(struct attrs_pool *pool, uint32_t asn)
{
	static uint8_t path[12], comm[] = { 0xfd, 0xea, 0, 1 }, cluster[] = { 1, 0, 0, 1 };
	static const uint8_t unknown[] = { 0xe0, 0, 0, 0xe0, 20, 0, 0xe0, 99, 1, 7 };
	struct attrs_build b = { .flags = ATTRS_MED | ATTRS_LOCAL_PREF | ATTRS_ATOMIC |
		    ATTRS_AGGREGATOR | ATTRS_ORIGINATOR | ATTRS_COMM_PARTIAL,
		.med = 5, .local_pref = 150, .aggregator_asn = asn, .aggregator_id = 0x01010101,
		.originator_id = 0x02020202 };
	struct wr w = wr_init(path, sizeof(path));

	wr_u8(&w, SEG_SEQUENCE);
	wr_u8(&w, 2);
	wr_u32(&w, 65002);
	wr_u32(&w, asn);
	b.part[ATTRS_AS_PATH] = (struct attrs_view){ path, (uint16_t)wr_len(&w) };
	b.part[ATTRS_COMMUNITIES] = (struct attrs_view){ comm, sizeof(comm) };
	b.part[ATTRS_CLUSTER_LIST] = (struct attrs_view){ cluster, sizeof(cluster) };
	b.part[ATTRS_UNKNOWN] = (struct attrs_view){ unknown, sizeof(unknown) };
	return attrs_intern(pool, &b);
}

static const uint64_t seed[2] = { 3, 4 };

struct encode_case {
	const char *name;
	enum kind kind;
	uint32_t asn;
	const uint8_t *octets; /* behind the header */
	size_t n;
};

static const struct encode_case encode_cases[] = {
	{ "external: no LOCAL_PREF, no reflection", EBGP, 65537,
	    HEX(0, 0, 0, 62, 0xe0, 0, 0, 0x40, 1, 1, 0, 0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xea, 0, 1, 0, 1, 0x40,
		3, 4, 10, 0, 0, 9, 0x80, 4, 4, 0, 0, 0, 5, 0x40, 6, 0, 0xc0, 7, 8, 0, 1, 0, 1, 1, 1,
		1, 1, 0xe0, 8, 4, 0xfd, 0xea, 0, 1, 0xe0, 20, 0, 0xe0, 99, 1, 7, 8, 10) },
	{ "internal: all of it", IBGP, 65537,
	    HEX(0, 0, 0, 83, 0xe0, 0, 0, 0x40, 1, 1, 0, 0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xea, 0, 1, 0, 1, 0x40,
		3, 4, 10, 0, 0, 9, 0x80, 4, 4, 0, 0, 0, 5, 0x40, 5, 4, 0, 0, 0, 150, 0x40, 6, 0,
		0xc0, 7, 8, 0, 1, 0, 1, 1, 1, 1, 1, 0xe0, 8, 4, 0xfd, 0xea, 0, 1, 0x80, 9, 4, 2, 2,
		2, 2, 0x80, 10, 4, 1, 0, 0, 1, 0xe0, 20, 0, 0xe0, 99, 1, 7, 8, 10) },
	{ "2-octet peer, wide AS: AS_TRANS and AS4_*, 6793 s4.2.2", EBGP_AS2, 65537,
	    HEX(0, 0, 0, 80, 0xe0, 0, 0, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 2, 0xfd, 0xea, TRANS, 0x40, 3, 4, 10, 0,
		0, 9, 0x80, 4, 4, 0, 0, 0, 5, 0x40, 6, 0, 0xc0, 7, 6, TRANS, 1, 1, 1, 1, 0xe0, 8, 4,
		0xfd, 0xea, 0, 1, 0xc0, 17, 10, 2, 2, 0, 0, 0xfd, 0xea, 0, 1, 0, 1, 0xc0, 18, 8, 0,
		1, 0, 1, 1, 1, 1, 1, 0xe0, 20, 0, 0xe0, 99, 1, 7, 8, 10) },
	{ "2-octet peer, nothing lost: no AS4_*", EBGP_AS2, 65535,
	    HEX(0, 0, 0, 56, 0xe0, 0, 0, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 2, 0xfd, 0xea, 0xff, 0xff, 0x40, 3, 4,
		10, 0, 0, 9, 0x80, 4, 4, 0, 0, 0, 5, 0x40, 6, 0, 0xc0, 7, 6, 0xff, 0xff, 1, 1, 1, 1,
		0xe0, 8, 4, 0xfd, 0xea, 0, 1, 0xe0, 20, 0, 0xe0, 99, 1, 7, 8, 10) },
};

START_TEST(reach_octets)
{
	const struct encode_case *c = &encode_cases[_i];
	struct update_ctx ctx = ctx_of(c->kind);
	struct attrs_pool *pool = attrs_pool_new(seed);
	const struct attrs *a = full_set(pool, c->asn);
	struct update_nh nh = nh_of("10.0.0.9", NULL);
	struct nlri n = prefix("10.0.0.0/8");
	uint8_t buf[4096];
	struct wr w = wr_init(buf, sizeof(buf));
	uint16_t off = 0, octets = 0;

	ck_assert_uint_eq(update_encode_reach(&w, &ctx, a, IP4, &nh, &n, 1, &off, &octets), 1);
	ck_assert_msg(wr_len(&w) == 19 + c->n, "%s: %zu", c->name, wr_len(&w));
	ck_assert_msg(memcmp(buf + 19, c->octets, c->n) == 0, "%s", c->name);
	ck_assert_uint_eq(buf[16] << 8 | buf[17], wr_len(&w));
	ck_assert_uint_eq(buf[18], BGP_UPDATE);
	ck_assert_uint_eq(octets, 4);
	ck_assert_mem_eq(buf + off, nh.nh.b, 4);
	attrs_unref(pool, a);
	attrs_pool_free(pool);
}
END_TEST

/* MP_REACH stands first: RFC 7606 section 5.1. The next hop can be found and patched. */
START_TEST(ipv6_reach_octets)
{
	static const uint8_t want[] = { 0, 0, 0, 67, 0x90, 14, 0, 49, 0, 2, 1, 32, NH6, LL(9), 0, 32,
		0x20, 1, 0xd, 0xb8, 48, 0x20, 1, 0xd, 0xb8, 0, 1, 0x40, 1, 1, 0, 0x40, 2, 0, 0x40,
		5, 4, 0, 0, 0, 100 };
	struct update_ctx ctx = ctx_of(IBGP);
	struct attrs_pool *pool = attrs_pool_new(seed);
	struct attrs_build empty = { 0 };
	const struct attrs *a = attrs_intern(pool, &empty);
	struct update_nh nh = nh_of("2001:db8::2", "fe80::9");
	struct nlri n[] = { prefix("2001:db8::/32"), prefix("2001:db8:1::/48") };
	uint8_t buf[4096];
	struct wr w = wr_init(buf, sizeof(buf));
	uint16_t off, octets;

	wr_u32(&w, 0xdeadbeef); /* offsets count from the message, not from the buffer */
	ck_assert_uint_eq(update_encode_reach(&w, &ctx, a, IP6, &nh, n, 2, &off, &octets), 2);
	ck_assert_uint_eq(wr_len(&w), 4 + 19 + sizeof(want));
	ck_assert_mem_eq(buf + 23, want, sizeof(want));
	ck_assert_uint_eq(off, 19 + 12);
	ck_assert_uint_eq(octets, 32);
	attrs_unref(pool, a);
	attrs_pool_free(pool);
}
END_TEST

/* IPv4 prefixes with an IPv6 next hop: RFC 8950 section 3. */
START_TEST(ipv4_over_ipv6_octets)
{
	static const uint8_t want[] = { 0, 0, 0, 34, 0x90, 14, 0, 23, 0, 1, 1, 16, NH6, 0, 8, 10, 0x40,
		1, 1, 0, 0x40, 2, 0 };
	struct update_ctx ctx = ctx_of(EBGP_EXT_NH);
	struct attrs_pool *pool = attrs_pool_new(seed);
	struct attrs_build empty = { 0 };
	const struct attrs *a = attrs_intern(pool, &empty);
	struct update_nh nh = nh_of("2001:db8::2", NULL);
	struct nlri n = prefix("10.0.0.0/8");
	uint8_t buf[4096];
	struct wr w = wr_init(buf, sizeof(buf));
	uint16_t off, octets;

	ck_assert_uint_eq(update_encode_reach(&w, &ctx, a, IP4, &nh, &n, 1, &off, &octets), 1);
	ck_assert_uint_eq(wr_len(&w), 19 + sizeof(want));
	ck_assert_mem_eq(buf + 19, want, sizeof(want));
	ck_assert_uint_eq(off, 19 + 12);
	ck_assert_uint_eq(octets, 16);
	attrs_unref(pool, a);
	attrs_pool_free(pool);
}
END_TEST

/* As many as fit, and never one octet more than allowed. */
START_TEST(reach_fills_the_message)
{
	struct update_ctx ctx = ctx_of(EBGP);
	struct attrs_pool *pool = attrs_pool_new(seed);
	struct attrs_build empty = { 0 };
	const struct attrs *a = attrs_intern(pool, &empty);
	struct update_nh nh4 = nh_of("10.0.0.9", NULL), nh6 = nh_of("2001:db8::2", NULL);
	static struct nlri v4[2000], v6[2000];
	uint8_t buf[8192];
	struct wr w = wr_init(buf, sizeof(buf));
	size_t fit;

	for (unsigned i = 0; i < 2000; i++) {
		v4[i] = prefix("10.1.2.0/24");
		v6[i] = prefix("2001:db8:1:2::/64");
	}
	/* 23 + 4 + 3 + 7 = 37; 4 octets each */
	fit = update_encode_reach(&w, &ctx, a, IP4, &nh4, v4, 2000, NULL, NULL);
	ck_assert_uint_eq(fit, (4096 - 37) / 4);
	ck_assert_uint_eq(wr_len(&w), 37 + fit * 4);
	/* 23 + 4 + 3 + 4 + 5 + 16 = 55; 9 octets each */
	w = wr_init(buf, sizeof(buf));
	fit = update_encode_reach(&w, &ctx, a, IP6, &nh6, v6, 2000, NULL, NULL);
	ck_assert_uint_eq(fit, (4096 - 55) / 9);
	ck_assert_uint_eq(wr_len(&w), 55 + fit * 9);
	/* the writer's room counts, too */
	w = wr_init(buf, 45);
	ck_assert_uint_eq(update_encode_reach(&w, &ctx, a, IP4, &nh4, v4, 9, NULL, NULL), 2);
	ck_assert_uint_eq(wr_len(&w), 45);
	w = wr_init(buf, 40);
	ck_assert_uint_eq(update_encode_reach(&w, &ctx, a, IP4, &nh4, v4, 9, NULL, NULL), 0);
	ck_assert_uint_eq(wr_len(&w), 0);
	w = wr_init(buf, 36);
	ck_assert_uint_eq(update_encode_reach(&w, &ctx, a, IP4, &nh4, v4, 9, NULL, NULL), 0);
	ck_assert_uint_eq(wr_len(&w), 0);
	/* path ids cost four octets each: RFC 7911 section 3 */
	ctx = ctx_of(EBGP_ADDPATH);
	w = wr_init(buf, sizeof(buf));
	ck_assert_uint_eq(update_encode_reach(&w, &ctx, a, IP4, &nh4, v4, 2000, NULL, NULL),
	    (4096 - 37) / 8);
	attrs_unref(pool, a);
	attrs_pool_free(pool);
}
END_TEST

START_TEST(unreach_octets)
{
	static const uint8_t want4[] = { 0, 6, 8, 10, 24, 192, 0, 2, 0, 0 };
	static const uint8_t want6[] = { 0, 0, 0, 12, 0x90, 15, 0, 8, 0, 2, 1, 32, 0x20, 1, 0xd,
		0xb8 };
	struct update_ctx ctx = ctx_of(EBGP);
	struct nlri v4[] = { prefix("10.0.0.0/8"), prefix("192.0.2.0/24") };
	struct nlri v6 = prefix("2001:db8::/32");
	uint8_t buf[64];
	struct wr w = wr_init(buf, sizeof(buf));

	ck_assert_uint_eq(update_encode_unreach(&w, &ctx, IP4, v4, 2), 2);
	ck_assert_uint_eq(wr_len(&w), 19 + sizeof(want4));
	ck_assert_mem_eq(buf + 19, want4, sizeof(want4));
	w = wr_init(buf, sizeof(buf));
	ck_assert_uint_eq(update_encode_unreach(&w, &ctx, IP6, &v6, 1), 1);
	ck_assert_uint_eq(wr_len(&w), 19 + sizeof(want6));
	ck_assert_mem_eq(buf + 19, want6, sizeof(want6));
	w = wr_init(buf, 28); /* room for the first only */
	ck_assert_uint_eq(update_encode_unreach(&w, &ctx, IP4, v4, 2), 1);
	ck_assert_uint_eq(wr_len(&w), 25);
	w = wr_init(buf, 24);
	ck_assert_uint_eq(update_encode_unreach(&w, &ctx, IP4, v4, 2), 0);
	w = wr_init(buf, 22);
	ck_assert_uint_eq(update_encode_unreach(&w, &ctx, IP4, v4, 2), 0);
	ck_assert_uint_eq(wr_len(&w), 0);
}
END_TEST

START_TEST(eor_octets)
{
	static const uint8_t want6[] = { 0, 0, 0, 7, 0x90, 15, 0, 3, 0, 2, 1 };
	uint8_t buf[64];
	struct wr w = wr_init(buf, sizeof(buf));

	update_encode_eor(&w, IP4);
	ck_assert_uint_eq(wr_len(&w), 23);
	ck_assert_uint_eq(buf[17], 23);
	w = wr_init(buf, sizeof(buf));
	update_encode_eor(&w, IP6);
	ck_assert_uint_eq(wr_len(&w), 19 + sizeof(want6));
	ck_assert_mem_eq(buf + 19, want6, sizeof(want6));
	w = wr_init(buf, 22);
	update_encode_eor(&w, IP4);
	ck_assert(w.full);
}
END_TEST

/* A long AS_PATH needs the extended length, and 255 communities of 4 octets, too. */
START_TEST(long_attributes)
{
	struct update_ctx ctx = ctx_of(EBGP);
	struct attrs_pool *pool = attrs_pool_new(seed);
	static uint8_t path[2 + 4 * 70], comm[252];
	struct attrs_build b = { 0 };
	const struct attrs *a;
	struct update_nh nh = nh_of("10.0.0.9", NULL);
	struct nlri n = prefix("10.0.0.0/8");
	uint8_t buf[4096];
	struct wr w = wr_init(path, sizeof(path));

	wr_u8(&w, SEG_SEQUENCE);
	wr_u8(&w, 70);
	for (unsigned i = 0; i < 70; i++)
		wr_u32(&w, 70000 + i);
	b.part[ATTRS_AS_PATH] = (struct attrs_view){ path, sizeof(path) };
	b.part[ATTRS_COMMUNITIES] = (struct attrs_view){ comm, sizeof(comm) };
	a = attrs_intern(pool, &b);
	w = wr_init(buf, sizeof(buf));
	ck_assert_uint_eq(update_encode_reach(&w, &ctx, a, IP4, &nh, &n, 1, NULL, NULL), 1);
	ck_assert_uint_eq(buf[27], 0x50);
	ck_assert_uint_eq(buf[28], ATTR_AS_PATH);
	ck_assert_uint_eq(buf[29] << 8 | buf[30], sizeof(path));
	ck_assert_uint_eq(buf[31 + sizeof(path) + 7], 0xc0); /* 252 fit into one octet */
	update_decode(&ctx, buf + 19, wr_len(&w) - 19, &u);
	ck_assert_int_eq(u.err.act, ACT_NONE);
	attrs_unref(pool, a);
	attrs_pool_free(pool);
}
END_TEST

/* Towards whom the second of two extended communities, which is not transitive, goes: 4360 s6. */
START_TEST(ext_communities_end_at_the_border)
{
	static const struct {
		enum kind kind;
		bool confed, as_is;
		uint16_t octets;
	} rows[] = { { EBGP, false, false, 8 }, { IBGP, false, false, 16 }, { EBGP, true, false, 16 },
		{ EBGP, false, true, 16 } };
	static const uint8_t ext[16] = { 0, 2, 0xfd, 0xea, 0, 0, 0, 1, 0x40, 4, 0xfd, 0xea, 1 };
	struct update_ctx ctx = ctx_of(rows[_i].kind);
	struct attrs_pool *pool = attrs_pool_new(seed);
	struct attrs_build b = { .part[ATTRS_EXT] = { ext, sizeof(ext) } };
	const struct attrs *a = attrs_intern(pool, &b);
	struct update_nh nh = nh_of("10.0.0.9", NULL);
	struct nlri n = prefix("10.0.0.0/8");
	uint8_t buf[4096];
	struct wr w = wr_init(buf, sizeof(buf));

	ctx.confed = rows[_i].confed;
	ctx.as_is = rows[_i].as_is;
	ck_assert_uint_eq(update_encode_reach(&w, &ctx, a, IP4, &nh, &n, 1, NULL, NULL), 1);
	ctx = ctx_of(IBGP); /* takes all that may stand beside them */
	update_decode(&ctx, buf + 19, wr_len(&w) - 19, &u);
	ck_assert_int_eq(u.err.act, ACT_NONE);
	ck_assert_uint_eq(u.attrs.part[ATTRS_EXT].octets, rows[_i].octets);
	ck_assert_mem_eq(u.attrs.part[ATTRS_EXT].p, ext, rows[_i].octets);
	attrs_unref(pool, a);
	attrs_pool_free(pool);
}
END_TEST

/* ---- extended messages: RFC 8654 section 4 -------------------------------------------------------- */

/*
 * A set with that many octets of communities and all that may be discarded;
 * 23 + 4 + 3 + 7 + header 4 + communities, NLRI 2; ATOMIC_AGGREGATE 3, AGGREGATOR 11.
 */
static size_t
encoded_octets(uint16_t max, size_t comm_octets, bool as_is, bool *ret_lean)
{
	static uint8_t comm[BGP_MAX_EXT_OCTETS], buf[BGP_MAX_EXT_OCTETS];
	struct update_ctx ctx = ctx_of(EBGP);
	struct attrs_pool *pool = attrs_pool_new(seed);
	struct attrs_build b = { .flags = ATTRS_ATOMIC | ATTRS_AGGREGATOR, .aggregator_asn = 65002,
		.part[ATTRS_COMMUNITIES] = { comm, (uint16_t)comm_octets } };
	const struct attrs *a = attrs_intern(pool, &b);
	struct update_nh nh = nh_of("10.0.0.9", NULL);
	struct nlri n = prefix("10.0.0.0/8");
	struct wr w = wr_init(buf, sizeof(buf));

	ctx.max_octets = max;
	ctx.as_is = as_is;
	if (update_encode_reach(&w, &ctx, a, IP4, &nh, &n, 1, NULL, NULL) > 0) {
		update_decode(&ctx, buf + 19, wr_len(&w) - 19, &u);
		ck_assert_int_eq(u.err.act, ACT_NONE);
		ck_assert_uint_eq(u.attrs.part[ATTRS_COMMUNITIES].octets, comm_octets);
		ck_assert(!(u.attrs.flags & ATTRS_ATOMIC) == !(u.attrs.flags & ATTRS_AGGREGATOR));
		*ret_lean = !(u.attrs.flags & ATTRS_AGGREGATOR);
	}
	attrs_unref(pool, a);
	attrs_pool_free(pool);
	return wr_len(&w);
}

static const struct {
	uint16_t max;
	size_t comm_octets, octets; /* octets 0: does not fit */
	bool lean;
} lean_cases[] = {
	{ 4096, 4036, 37 + 4 + 4036 + 2 + 14, false },
	{ 4096, 4040, 37 + 4 + 4040 + 2, true },
	{ 4096, 4052, 37 + 4 + 4052 + 2, true },
	{ 4096, 4056, 0, false },
	{ 65535, 4056, 37 + 4 + 4056 + 2 + 14, false },
	{ 65535, 65476, 37 + 4 + 65476 + 2 + 14, false },
	{ 65535, 65492, 37 + 4 + 65492 + 2, true },
	{ 65535, 65496, 0, false },
};

START_TEST(discards_what_may_go)
{
	bool lean = false;

	ck_assert_uint_eq(
	    encoded_octets(lean_cases[_i].max, lean_cases[_i].comm_octets, false, &lean),
	    lean_cases[_i].octets);
	ck_assert_int_eq(lean, lean_cases[_i].lean);
	/* a monitoring feed says all or nothing */
	ck_assert_uint_eq(
	    encoded_octets(lean_cases[_i].max, lean_cases[_i].comm_octets, true, &lean),
	    lean_cases[_i].lean ? 0 : lean_cases[_i].octets);
}
END_TEST

/* 2-octet numbers that take more than 65,535 octets with four: RFC 6793 has no way to pass it on. */
START_TEST(as_path_too_long_to_widen)
{
	static uint8_t body[BGP_MAX_EXT_OCTETS];
	static const uint8_t plain[] = { ORIGIN_IGP_TLV, NEXT_HOP_TLV, 0x50, 2 };
	struct update_ctx ctx = ctx_of(EBGP_AS2);
	struct wr w = wr_init(body, sizeof(body));
	size_t mark;

	wr_u16(&w, 0);
	mark = wr_open16(&w);
	wr_bytes(&w, plain, sizeof(plain));
	wr_u16(&w, 65 * 2 * 256);
	for (unsigned i = 0; i < 65; i++) {
		wr_u8(&w, SEG_SET);
		wr_u8(&w, 255);
		for (unsigned k = 0; k < 255; k++)
			wr_u16(&w, 1);
	}
	wr_close16(&w, mark);
	wr_u8(&w, 8);
	wr_u8(&w, 10);
	ck_assert(!w.full);
	update_decode(&ctx, body, wr_len(&w), &u);
	ck_assert_int_eq(u.err.act, ACT_WITHDRAW);
	ck_assert_uint_eq(u.err.sub, UPD_AS_PATH);
	ck_assert_uint_eq(u.n_nlri, 1);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(attr_name(ATTR_ORIGIN), "ORIGIN");
	ck_assert_str_eq(attr_name(ATTR_LARGE_COMMUNITIES), "LARGE_COMMUNITY");
	ck_assert_str_eq(attr_name(99), "unknown");
	ck_assert_str_eq(attr_name(0), "unknown");
	ck_assert_str_eq(attr_name(255), "unknown");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("update");
	TCase *tc = unit_case(s, "update");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, malformed_attribute, 0, NROWS(attr_cases));
	tcase_add_loop_test(tc, whole_message, 0, NROWS(body_cases));
	tcase_add_test(tc, every_attribute_is_read);
	tcase_add_test(tc, discarded_attributes_leave_no_trace);
	tcase_add_test(tc, the_first_of_two_counts);
	tcase_add_loop_test(tc, as4_merge, 0, NROWS(merge_cases));
	tcase_add_loop_test(tc, ipv6_next_hops, 0, NROWS(nh6_cases));
	tcase_add_test(tc, two_families_in_one_message);
	tcase_add_loop_test(tc, reach_octets, 0, NROWS(encode_cases));
	tcase_add_test(tc, ipv6_reach_octets);
	tcase_add_test(tc, reach_fills_the_message);
	tcase_add_test(tc, unreach_octets);
	tcase_add_test(tc, eor_octets);
	tcase_add_test(tc, long_attributes);
	tcase_add_loop_test(tc, ext_communities_end_at_the_border, 0, 4);
	tcase_add_loop_test(tc, discards_what_may_go, 0, sizeof(lean_cases) / sizeof(lean_cases[0]));
	tcase_add_test(tc, as_path_too_long_to_widen);
	tcase_add_test(tc, ipv4_over_ipv6_octets);
	tcase_add_test(tc, names);
	return unit_run(s);
}
