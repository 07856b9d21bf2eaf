/*
 * Prefixes on the wire: RFC 4271 section 4.3 (<length, prefix>), RFC 4760
 * section 5, RFC 7911 section 3 (path id in front).
 */
#include "bgpd/core/nlri.h"

#include <endian.h>
#include <string.h>

#include "bgpd/core/bgp.h"

const struct afi_desc afi_desc[AF_COUNT] = {
	{ IP4, BGP_SAFI_UNICAST, 32, "ipv4-unicast" },
	{ IP6, BGP_SAFI_UNICAST, 128, "ipv6-unicast" },
};

uint8_t
afi_known(uint16_t afi, uint8_t safi)
{
	for (unsigned i = 0; i < AF_COUNT; i++)
		if (afi_desc[i].af == afi && afi_desc[i].safi == safi)
			return afi_desc[i].af;
	return 0;
}

/* n octets, at most 8, as a number whose upper octets they are. */
static inline uint64_t
upper_octets(const uint8_t *p, size_t n)
{
	uint16_t first2, last2;
	uint32_t first, last;

	/* Both ends of them: octets that overlap are the same. */
	if (n >= 4) {
		memcpy(&first, p, 4);
		memcpy(&last, p + n - 4, 4);
		return (uint64_t)be32toh(first) << 32 | (uint64_t)be32toh(last) << (64 - 8 * n);
	}
	if (n >= 2) {
		memcpy(&first2, p, 2);
		memcpy(&last2, p + n - 2, 2);
		return (uint64_t)be16toh(first2) << 48 | (uint64_t)be16toh(last2) << (64 - 8 * n);
	}
	return n == 1 ? (uint64_t)p[0] << 56 : 0;
}

/* The first `bits` of the number. */
static inline uint64_t
upper_bits(uint64_t v, unsigned bits)
{
	return bits == 0 ? 0 : bits >= 64 ? v : v & ~(uint64_t)0 << (64 - bits);
}

/* A prefix's octets; bits past its length are noise on the wire. */
static inline void
prefix_fill(struct ip_prefix *prefix, const uint8_t *p, size_t octets)
{
	unsigned len = prefix->len;
	uint64_t hi = upper_bits(upper_octets(p, octets < 8 ? octets : 8), len);
	uint64_t lo = octets > 8 ? upper_bits(upper_octets(p + 8, octets - 8), len - 64) : 0;

	hi = htobe64(hi);
	lo = htobe64(lo);
	memcpy(prefix->b, &hi, 8);
	memcpy(prefix->b + 8, &lo, 8);
}

bool
nlri_next(struct rd *r, uint8_t af, bool addpath, struct nlri *ret, struct bgp_err *e)
{
	size_t off = BGP_HEADER_OCTETS + rd_pos(r), octets;
	uint32_t path_id = 0;
	const uint8_t *p = NULL;
	uint8_t len;

	if (rd_left(r) == 0)
		return false;
	if (addpath)
		path_id = rd_u32(r);
	len = rd_u8(r);
	octets = ip_prefix_octets(len);
	if (len <= ip_af_bits(af))
		p = rd_view(r, octets);
	if (!p || r->bad) {
		bgp_fail(e, ACT_RESET, ERR_UPDATE, UPD_NETWORK, 0, off,
		    len > ip_af_bits(af) ? "prefix length over the family's bits"
					 : "prefix runs over the end of its field");
		return false;
	}
	ret->path_id = path_id;
	ret->prefix.af = af;
	ret->prefix.len = len;
	prefix_fill(&ret->prefix, p, octets);
	return true;
}

/* Says what is wrong with the field, which is: the first prefix that does not read. */
static void
nlri_fail(struct rd r, uint8_t af, bool addpath, struct bgp_err *e)
{
	struct nlri n;

	while (nlri_next(&r, af, addpath, &n, e))
		;
}

uint32_t
nlri_check(struct rd r, uint8_t af, bool addpath, struct bgp_err *e)
{
	uint8_t bits = ip_af_bits(af), len;
	const struct rd first = r;
	uint32_t count = 0;

	for (; rd_left(&r) > 0; count++) {
		if (addpath)
			rd_skip(&r, sizeof(uint32_t));
		len = rd_u8(&r);
		if (len > bits || !rd_skip(&r, ip_prefix_octets(len))) {
			nlri_fail(first, af, addpath, e);
			return count;
		}
	}
	return count;
}

void
nlri_put(struct wr *w, bool addpath, const struct nlri *n)
{
	if (addpath)
		wr_u32(w, n->path_id);
	wr_u8(w, n->prefix.len);
	wr_bytes(w, n->prefix.b, ip_prefix_octets(n->prefix.len));
}

size_t
nlri_octets(bool addpath, const struct nlri *n)
{
	return (addpath ? 4u : 0u) + 1u + ip_prefix_octets(n->prefix.len);
}
