/*
 * AS_PATH: what is counted in one, and how one is rewritten before it is sent.
 *
 * Pure functions over the wire form with 4-octet numbers (attrs.h).  A build
 * borrows its AS_PATH, so every change is written into scratch of the caller
 * and the build then points there.
 *
 * RFC 4271 sections 5.1.2 and 9.1.2, RFC 5065 sections 4 and 5, RFC 6996,
 * RFC 7705 (local AS).
 */
#ifndef BGPD_CORE_ASPATH_H
#define BGPD_CORE_ASPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/attrs.h"
#include "lib/ipcmsg.h"

/* How often is the number in the AS_SEQUENCEs and AS_SETs; in the confederation segments? */
unsigned aspath_count(const struct attrs *a, uint32_t asn);
unsigned aspath_count_confed(const struct attrs *a, uint32_t asn);

/* The n-th number of the leading AS_SEQUENCE, from 0; 0: there is none. */
uint32_t aspath_first(const struct attrs *a, unsigned n);

/* 64512 to 65534 and 4200000000 to 4294967294: RFC 6996 section 5. */
bool aspath_is_private(uint32_t asn);

/* What is to become of a path that leaves the AS. */
struct aspath_edit {
	bool drop_confed;   /* confederation segments go: RFC 5065 section 4 (c) */
	bool override;	    /* peer becomes own */
	uint8_t private_as; /* enum ipc_private */
	uint32_t own, peer; /* peer's number stays, whatever private_as says */
};

/* Does the edit change any path at all? */
static inline bool
aspath_edits(const struct aspath_edit *e)
{
	return e->drop_confed || e->override || e->private_as != IPC_PRIVATE_KEEP;
}

/*
 * Rewrite b's AS_PATH into scratch (cap octets, apart from what b borrows).
 * Segments that become empty go.  False, and b unchanged, when cap is too small.
 */
bool aspath_apply(const struct aspath_edit *e, struct attrs_build *b, uint8_t *scratch, size_t cap);

#endif
