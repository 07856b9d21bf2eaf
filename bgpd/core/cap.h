/*
 * Capabilities: what an OPEN offers, and what two OPENs have in common.
 *
 * One row per capability in cap.c: name, decode, encode.  Unknown ones are
 * skipped.  RFC 5492; each capability's RFC is named with its row.
 */
#ifndef BGPD_CORE_CAP_H
#define BGPD_CORE_CAP_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/err.h"
#include "bgpd/core/nlri.h"
#include "lib/wire.h"

/* Graceful Restart Capability: RFC 4724 section 3, RFC 8538 section 2. */
struct cap_gr {
	bool present;
	bool restarting;     /* R: has restarted */
	bool notification;   /* N: RFC 8538 */
	uint16_t time_s;     /* 0 to 4095 */
	uint8_t families;    /* AF_BIT()s listed */
	uint8_t forwarding;  /* AF_BIT()s with F: forwarding state was kept */
};

/* Long-Lived Graceful Restart Capability: RFC 9494 section 3.1. */
struct cap_llgr {
	bool present;
	uint8_t families;   /* AF_BIT()s listed */
	uint8_t forwarding; /* AF_BIT()s with F */
	uint32_t time_s[AF_COUNT]; /* Long-Lived Stale Time, 24 bits */
};

/* What one OPEN offers.  All zeros: no capability at all. */
struct caps {
	bool any;	     /* there was a capability, known or not */
	bool mp;	     /* Multiprotocol Extensions were offered for some family, known or not */
	uint8_t families;    /* AF_BIT()s of Multiprotocol Extensions (RFC 4760 section 8) */
	bool refresh;	     /* RFC 2918, or its pre-standard code */
	bool enhanced_refresh; /* RFC 7313 */
	bool ext_msg;	     /* RFC 8654 */
	bool ext_next_hop;   /* IPv4 unicast with IPv6 next hops (RFC 8950); others are not looked at */
	bool as4;	     /* RFC 6793 */
	uint32_t asn;	     /* with as4 */
	uint8_t addpath_rx;  /* AF_BIT()s with several paths per prefix: able to receive them, */
	uint8_t addpath_tx;  /* and to send them (RFC 7911 section 4) */
	bool role, roles_differ; /* RFC 9234: offered; several that contradict each other */
	uint8_t role_value;  /* as on the wire, also one that nobody knows */
	struct cap_gr gr;
	struct cap_llgr llgr; /* counts only with gr (RFC 9494 section 4.5) */
	uint32_t codes[8];   /* bit n of word n / 32: code n was there (for views) */
};

/*
 * Read a Capabilities Optional Parameter's value into *ret, which may already
 * hold those of an earlier parameter (RFC 5492 section 4 allows several).
 * e: ACT_RESET 2/0 for a capability that overruns the parameter or has a
 * length that its RFC does not allow.
 */
void caps_decode(struct rd *r, struct caps *ret, struct bgp_err *e);

/* Append every capability that c offers, without the parameter's header. */
void caps_encode(struct wr *w, const struct caps *c);

/* Families both sides offer; without Multiprotocol Extensions: IPv4 (RFC 4760 section 8). */
uint8_t caps_common_families(const struct caps *mine, const struct caps *theirs);

/* Families in which the one side may send several paths per prefix to the other (RFC 7911 section 5). */
uint8_t caps_addpath(const struct caps *sender, const struct caps *receiver);

/* Name of a capability code for texts; "unknown" when we do not know it. */
const char *cap_name(uint8_t code);

#endif
