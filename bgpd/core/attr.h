/*
 * Path attributes on the wire: one row per type in attr_desc[].
 *
 * The walk checks what is common to all (framing, flags, duplicates, unknown
 * types) once; a row's decode function reads one value.  Used by update.c
 * alone; a new attribute is a row, a decode function and, if we send it, an
 * encode function.  RFC 4271 sections 4.3 and 5, RFC 7606.
 */
#ifndef BGPD_CORE_ATTR_H
#define BGPD_CORE_ATTR_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/attrs.h"
#include "bgpd/core/update.h"
#include "lib/wire.h"

/* What attr_decode() learned beyond u->attrs. */
struct attr_seen {
	uint32_t types[8]; /* bit n of word n / 32: type n was there */
	bool reach_skipped; /* MP_REACH announced something for a family that is not in use */
	bool cut_off;	    /* the last attribute does not fit: RFC 7606 section 4 */
	struct bgp_err next_hop; /* what is wrong with NEXT_HOP's address: counts with NLRI only */
};

static inline bool
attr_was_seen(const struct attr_seen *s, uint8_t type)
{
	return s->types[type / 32] & 1u << (type % 32);
}

/*
 * Read the path attributes of an UPDATE: fills u->attrs, u->mp_*, u->err.
 * r covers the attributes exactly and counts its positions from the body's
 * first octet.  What is built borrows from r's memory and from u->scratch.
 */
void attr_decode(const struct update_ctx *ctx, struct rd *r, struct update *u,
    struct attr_seen *ret_seen);

/*
 * Write a's attributes in type order, but for MP_REACH, which is update.c's.
 * nh4: the address for NEXT_HOP, NULL: none is written.  lean: without what
 * RFC 7606 allows to discard (RFC 8654 section 4).  *ret_nh_off: where
 * NEXT_HOP's value stands in w; left alone without one.
 */
void attr_encode(struct wr *w, const struct update_ctx *ctx, const struct attrs *a,
    const struct ip_addr *nh4, bool lean, size_t *ret_nh_off);

/* Attribute header; the length gets two octets when it needs them (RFC 4271 section 4.3). */
void attr_put_header(struct wr *w, uint8_t flags, uint8_t type, size_t octets);

/* RFC spelling: "ORIGIN", "AS_PATH"; "unknown". */
const char *attr_name(uint8_t type);

#endif
