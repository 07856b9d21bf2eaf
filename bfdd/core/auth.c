/*
 * Keyed and meticulous keyed MD5 and SHA1: one table row per type.
 *
 * The digest covers the whole packet with the key, padded with zeros, where the digest
 * will be (RFC 5880 sections 4.3 and 4.4). A sequence number must lie at or, meticulous,
 * above the last one, by at most three times Detect Mult (sections 6.7.3 and 6.7.4).
 * The number of a packet counts only once its digest is right: the RFC notes the first
 * one earlier, which would let anybody choose it.
 */
#include "bfdd/core/auth.h"

#include <string.h>

#define DIGEST_MAX 20
#define PACKET_MAX UINT8_MAX /* what Length can say */
#define HEAD	   8	     /* type, length, key id, reserved, sequence number */

struct kind {
	uint8_t digest_octets; /* 0: not supported */
	enum bfd_digest digest;
	bool meticulous;
};

static const struct kind kinds[] = {
	[BFD_AUTH_MD5] = { 16, BFD_DIGEST_MD5, false },
	[BFD_AUTH_METICULOUS_MD5] = { 16, BFD_DIGEST_MD5, true },
	[BFD_AUTH_SHA1] = { 20, BFD_DIGEST_SHA1, false },
	[BFD_AUTH_METICULOUS_SHA1] = { 20, BFD_DIGEST_SHA1, true },
};

static const struct kind *
kind_of(unsigned type)
{
	static const struct kind none = { 0 };

	return type < sizeof(kinds) / sizeof(kinds[0]) ? &kinds[type] : &none;
}

bool
bfd_auth_is_valid(const struct bfd_auth *a)
{
	return a->type == BFD_AUTH_NONE ||
	       (a->key_len > 0 && a->key_len <= kind_of(a->type)->digest_octets);
}

bool
bfd_auth_is_meticulous(enum bfd_auth_type type)
{
	return kind_of(type)->meticulous;
}

uint8_t
bfd_auth_octets(enum bfd_auth_type type)
{
	uint8_t n = kind_of(type)->digest_octets;

	return n ? n + HEAD : 0;
}

/* What an authentication section says, read from r. */
struct section {
	uint8_t type, len, key_id;
	uint32_t seq;
	uint8_t digest[DIGEST_MAX];
};

static bool
section_read(struct rd r, size_t digest_octets, struct section *ret)
{
	ret->type = rd_u8(&r);
	ret->len = rd_u8(&r);
	ret->key_id = rd_u8(&r);
	rd_skip(&r, 1);
	ret->seq = rd_u32(&r);
	return rd_copy(&r, ret->digest, digest_octets);
}

static bool
is_in_window(const struct bfd_auth_rx *rx, uint32_t seq, uint8_t mult, bool meticulous)
{
	uint32_t ahead = seq - rx->seq; /* wraps with the number */

	return !rx->known || (ahead >= (meticulous ? 1 : 0) && ahead <= 3u * mult);
}

/* The digest of len octets with the key at the place of the digest. */
static void
compute(const struct bfd_auth *a, const struct bfd_ops *ops, const uint8_t *buf, size_t len,
    uint8_t ret[DIGEST_MAX])
{
	const struct kind *k = kind_of(a->type);
	uint8_t copy[PACKET_MAX];

	memcpy(copy, buf, len);
	memset(copy + BFD_OCTETS_MIN + HEAD, 0, k->digest_octets);
	memcpy(copy + BFD_OCTETS_MIN + HEAD, a->key, a->key_len);
	ops->digest(ops->ctx, k->digest, copy, len, ret);
}

/* Without a hint by its time how many octets were right. */
static bool
is_same(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint8_t diff = 0;

	while (n-- > 0)
		diff |= a[n] ^ b[n];
	return diff == 0;
}

enum bfd_rx
bfd_auth_check(const struct bfd_auth *a, const struct bfd_ops *ops, const struct bfd_pkt *p,
    const void *buf, struct bfd_auth_rx *rx)
{
	const struct kind *k = kind_of(a->type);
	uint8_t want[DIGEST_MAX];
	struct section sec = { 0 };
	bool whole;

	if (p->has_auth != (a->type != BFD_AUTH_NONE))
		return p->has_auth ? BFD_RX_AUTH_UNWANTED : BFD_RX_AUTH_MISSING;
	if (!p->has_auth)
		return BFD_RX_OK;
	whole = section_read(p->auth, k->digest_octets, &sec);
	if (sec.type != a->type)
		return BFD_RX_AUTH_TYPE;
	if (!whole || sec.len != k->digest_octets + HEAD)
		return BFD_RX_AUTH_LENGTH;
	if (sec.key_id != a->key_id)
		return BFD_RX_AUTH_KEY_ID;
	if (!is_in_window(rx, sec.seq, p->mult, k->meticulous))
		return BFD_RX_AUTH_SEQUENCE;
	compute(a, ops, buf, p->length, want);
	if (!is_same(want, sec.digest, k->digest_octets))
		return BFD_RX_AUTH_DIGEST;
	*rx = (struct bfd_auth_rx){ .seq = sec.seq, .known = true };
	return BFD_RX_OK;
}

void
bfd_auth_append(const struct bfd_auth *a, const struct bfd_ops *ops, uint32_t seq, struct wr *w)
{
	const struct kind *k = kind_of(a->type);
	uint8_t digest[DIGEST_MAX];
	size_t mark;

	wr_u8(w, a->type);
	wr_u8(w, bfd_auth_octets(a->type));
	wr_u8(w, a->key_id);
	wr_u8(w, 0);
	wr_u32(w, seq);
	mark = wr_len(w);
	wr_zero(w, k->digest_octets);
	compute(a, ops, w->base, wr_len(w), digest);
	wr_rewind(w, mark);
	wr_bytes(w, digest, k->digest_octets);
}
