/*
 * A numbered block of prefixes of one length: 16.0.0.0 and on, or 2a00:: and on.
 * Index to NLRI and back are a few shifts, so tables are indexed, never searched.
 */
#ifndef LOAD_POOL_H
#define LOAD_POOL_H

#include "lib/wire.h"
#include "tests/bench/load/load.h"

struct pool {
	uint8_t af;  /* IP4, IP6 */
	uint8_t len; /* bits, a multiple of 8; 8 to 32, or 48 to 64 */
	uint32_t n;
	uint32_t base; /* number of the first one: its last (up to four) octets */
	/* For prefixes of another kind: in place of pool_get() and pool_prefix(). */
	uint32_t (*get)(const struct pool *p, struct rd *r);
	struct ip_prefix (*prefix)(const struct pool *p, uint32_t i);
	void *own;
};

#define POOL_FOREIGN UINT32_MAX

/* n prefixes; IPv4 16.0.0.0 + i, IPv6 2a00:: + i, counted in the last octets of the length. */
struct pool pool_make(uint8_t af, uint8_t len, uint32_t n);

/* n prefixes of the options' family and length, from --first-prefix on. */
struct pool pool_of(const struct opts *o, uint32_t n);

/* Append prefix i as NLRI (RFC 4271 section 4.3). */
void pool_put(const struct pool *p, struct wr *w, uint32_t i);

/* Octets of one NLRI. */
size_t pool_nlri_len(const struct pool *p);

/* The next NLRI's number; POOL_FOREIGN for one of no prefix here (r turns bad if it is no NLRI). */
uint32_t pool_get(const struct pool *p, struct rd *r);

/* Prefix i, for messages and for the kernel. */
struct ip_prefix pool_prefix(const struct pool *p, uint32_t i);

#endif
