/*
 * Network layer reachability information: prefixes on the wire.
 *
 * One row per address family (afi_desc[]), one reader, one writer.  A prefix
 * may carry a path id (RFC 7911).
 */
#ifndef BGPD_CORE_NLRI_H
#define BGPD_CORE_NLRI_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/err.h"
#include "lib/ip.h"
#include "lib/wire.h"

/* Families by index 0 (IPv4 unicast) and 1 (IPv6 unicast); sets of them as bits. */
#define AF_COUNT    2
#define AF_IDX(af)  ((unsigned)(af) - 1)
#define AF_BIT(af)  (1u << AF_IDX(af))
#define AF_OF(idx)  ((uint8_t)((idx) + 1))

struct afi_desc {
	uint8_t af; /* enum ip_af, the AFI number */
	uint8_t safi;
	uint8_t max_bits;
	const char *name; /* "ipv4-unicast" */
};
extern const struct afi_desc afi_desc[AF_COUNT];

/* The family (enum ip_af) of an AFI and SAFI from the wire; 0 when we do not speak it. */
uint8_t afi_known(uint16_t afi, uint8_t safi);

struct nlri {
	struct ip_prefix prefix;
	uint32_t path_id; /* 0 without add-path */
};

/*
 * The next prefix of an NLRI field; false at its end, or with e set: a length
 * over the family's bits or octets missing is ACT_RESET 3/10 (RFC 4271 section
 * 6.3, RFC 7606 section 5.3).  Bits beyond the length are cleared.
 */
bool nlri_next(struct rd *r, uint8_t af, bool addpath, struct nlri *ret, struct bgp_err *e);

/* Read a copy of r to its end; e tells what is wrong with it. Returns the number of prefixes. */
uint32_t nlri_check(struct rd r, uint8_t af, bool addpath, struct bgp_err *e);

/* Append one prefix; w turns full when it does not fit (the caller rewinds). */
void nlri_put(struct wr *w, bool addpath, const struct nlri *n);

/* Octets nlri_put() writes. */
size_t nlri_octets(bool addpath, const struct nlri *n);

#endif
