/*
 * Addresses and prefixes of both families, in network order.
 *
 * `af` holds the AFI number of RFC 4760 (1 IPv4, 2 IPv6), 0 for "none". Unused
 * octets of b are zero always, so that a whole-array compare is right; every
 * function here keeps it so, and ip_prefix_mask() does it for prefixes filled by
 * hand. A struct of all zeros is the "none" address or prefix.
 */
#ifndef LIB_IP_H
#define LIB_IP_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum ip_af {
	IP_NONE = 0,
	IP4 = 1, /* AFI 1 */
	IP6 = 2, /* AFI 2 */
};

struct ip_addr {
	uint8_t af;
	uint32_t ifindex; /* scope of an IPv6 link-local address; else 0 */
	uint8_t b[16];
};

struct ip_prefix {
	uint8_t af;
	uint8_t len; /* bits */
	uint8_t b[16];
};

/* Room for the longest text with its NUL: an IPv6 address, '%' and a 32-bit number. */
#define IP_ADDR_STRLEN	 57
#define IP_PREFIX_STRLEN 50

/* Bits (octets) of an address of that family: 32, 128 (4, 16); 0 for none. */
static inline uint8_t
ip_af_bits(uint8_t af)
{
	return af == IP4 ? 32 : af == IP6 ? 128 : 0;
}

static inline uint8_t
ip_af_octets(uint8_t af)
{
	return ip_af_bits(af) / 8;
}

/* "ipv4", "ipv6", "none". */
const char *ip_af_str(uint8_t af);

/*
 * Text to address. Strict: dotted quad without leading zeros, RFC 4291 text for
 * IPv6 with an optional "%NUMBER" scope (an interface index, 1 to 2^32-1), nothing
 * before or after. No names, no interface names. False leaves *ret alone.
 */
bool ip_addr_parse(const char *s, struct ip_addr *ret);

/*
 * Address to text in buf (IP_ADDR_STRLEN octets), which is returned. IPv6 as
 * RFC 5952; "%IFINDEX" is appended when ifindex is not 0 (IPv6 only). "none"
 * for family none.
 */
char *ip_addr_str(const struct ip_addr *a, char *buf);
/* The same without "%IFINDEX", for sentences: the number says nothing to people. */
char *ip_addr_bare_str(const struct ip_addr *a, char *buf);

/*
 * Text "ADDRESS/LENGTH" to prefix; the length is required, without leading zeros.
 * With ret_host_bits: bits set beyond the length are cleared and reported there.
 * With ret_host_bits NULL such bits make the text invalid. False leaves *ret alone.
 */
bool ip_prefix_parse(const char *s, struct ip_prefix *ret, bool *ret_host_bits);

/* Prefix to text in buf (IP_PREFIX_STRLEN octets), which is returned; "none" for family none. */
char *ip_prefix_str(const struct ip_prefix *p, char *buf);

/* Address from its octets in network order: 4 for IP4, 16 for IP6. */
struct ip_addr ip_addr_from_bytes(uint8_t af, const void *b);

/* IPv4 address from and to a number in host order. */
struct ip_addr ip_addr_from_v4(uint32_t v);
uint32_t ip_addr_v4(const struct ip_addr *a);

/* Equal in family, octets and scope. */
bool ip_addr_eq(const struct ip_addr *a, const struct ip_addr *b);

/* Total order: family, octets, scope. Below, at or above 0 as memcmp(). */
int ip_addr_cmp(const struct ip_addr *a, const struct ip_addr *b);

bool ip_addr_is_unspec(const struct ip_addr *a);     /* 0.0.0.0, :: */
bool ip_addr_is_loopback(const struct ip_addr *a);   /* 127.0.0.0/8, ::1 */
bool ip_addr_is_multicast(const struct ip_addr *a);  /* 224.0.0.0/4, ff00::/8 */
bool ip_addr_is_link_local(const struct ip_addr *a); /* 169.254.0.0/16, fe80::/10 */
bool ip_addr_is_v4mapped(const struct ip_addr *a);   /* ::ffff:0:0/96 */

/* The same of octets. */
static inline bool
ip_is_multicast(uint8_t af, const uint8_t *b)
{
	return af == IP4 ? (b[0] & 0xf0) == 0xe0 : af == IP6 && b[0] == 0xff;
}

static inline bool
ip_is_link_local(uint8_t af, const uint8_t *b)
{
	if (af == IP4)
		return b[0] == 169 && b[1] == 254;
	return af == IP6 && b[0] == 0xfe && (b[1] & 0xc0) == 0x80;
}

/* The IPv4 address inside a v4-mapped one; any other address as it is. */
struct ip_addr ip_addr_unmap(const struct ip_addr *a);

/* The host prefix (/32, /128) of an address; its scope is dropped. */
struct ip_prefix ip_prefix_from_addr(const struct ip_addr *a);

/* The first len bits of an address as a prefix; len is cut to the family's bits. */
struct ip_prefix ip_prefix_of(const struct ip_addr *a, uint8_t len);

/* The first address of a prefix. */
struct ip_addr ip_prefix_addr(const struct ip_prefix *p);

/* Clear the bits beyond p->len; a length beyond the family's bits is cut to them. */
void ip_prefix_mask(struct ip_prefix *p);

/* Octets an NLRI of that length takes after its length octet: RFC 4271 section 4.3. */
static inline uint8_t
ip_prefix_octets(uint8_t len_bits)
{
	return (uint8_t)((len_bits + 7u) / 8u);
}

/* Eight octets as a number whose highest bit is the first. */
static inline uint64_t
ip_word(const uint8_t *b)
{
	uint64_t v;

	memcpy(&v, b, sizeof(v));
	return be64toh(v);
}

/*
 * Four octets, and twelve of zeros behind them: written as whole words, because that is how they
 * are read, and a processor waits for a word that was written in pieces a moment ago.
 */
static inline void
ip_put_four(uint8_t to[16], const uint8_t *from)
{
	uint64_t w[2] = { 0 };
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	w[0] = htobe64((uint64_t)be32toh(v) << 32);
	memcpy(to, w, sizeof(w));
}

/* a and b (16 octets each) have the first len bits (at most 128) in common. */
static inline bool
ip_same_bits(const uint8_t *a, const uint8_t *b, uint8_t len)
{
	uint64_t high = ip_word(a) ^ ip_word(b);

	if (len <= 64)
		return len == 0 || high >> (64 - len) == 0;
	return high == 0 && (ip_word(a + 8) ^ ip_word(b + 8)) >> (128 - len) == 0;
}

/* a contains b: same family, a not longer, same leading bits. Equal prefixes contain each other. */
static inline bool
ip_prefix_contains(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->af == b->af && a->len <= b->len && ip_same_bits(a->b, b->b, a->len);
}

/* The address lies in the prefix (its scope does not matter). */
static inline bool
ip_prefix_has_addr(const struct ip_prefix *p, const struct ip_addr *a)
{
	return p->af == a->af && p->af != IP_NONE && ip_same_bits(p->b, a->b, p->len);
}

/* One contains the other. */
bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b);

/* Same family, length and octets; both masked (ip_prefix_mask()). */
static inline bool
ip_prefix_eq(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/*
 * Total order: family, octets, then length, shorter first; so a prefix comes
 * right before everything it contains. Below, at or above 0 as memcmp().
 */
static inline int
ip_prefix_cmp(const struct ip_prefix *a, const struct ip_prefix *b)
{
	uint64_t x = ip_word(a->b), y = ip_word(b->b);

	if (a->af != b->af)
		return a->af < b->af ? -1 : 1;
	if (x == y) {
		x = ip_word(a->b + 8);
		y = ip_word(b->b + 8);
	}
	return x != y ? (x < y ? -1 : 1) : (int)a->len - (int)b->len;
}

bool ip_prefix_is_default(const struct ip_prefix *p); /* 0.0.0.0/0, ::/0 */
bool ip_prefix_is_host(const struct ip_prefix *p);    /* /32, /128 */

/* Leading bits that a and b (16 octets each) have in common, at most max. */
uint8_t ip_common_bits(const uint8_t *a, const uint8_t *b, uint8_t max);

#endif
