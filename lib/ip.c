/*
 * Addresses and prefixes. See ip.h.
 *
 * Text for both families is read and written by inet_pton() and inet_ntop(),
 * which are pure; the scope and the prefix length are read here.
 */
#include "lib/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Decimal digits without leading zeros, the whole of s, at most max. */
static bool
parse_number(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s[0] == '\0' || (s[0] == '0' && s[1] != '\0'))
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > max)
			return false;
	}
	*ret = v;
	return true;
}

const char *
ip_af_str(uint8_t af)
{
	return af == IP4 ? "ipv4" : af == IP6 ? "ipv6" : "none";
}

/* An address without scope from n characters at s. */
static bool
parse_plain(const char *s, size_t n, struct ip_addr *ret)
{
	char text[INET6_ADDRSTRLEN];

	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	*ret = (struct ip_addr){ .af = strchr(text, ':') ? IP6 : IP4 };
	return inet_pton(ret->af == IP6 ? AF_INET6 : AF_INET, text, ret->b) == 1;
}

bool
ip_addr_parse(const char *s, struct ip_addr *ret)
{
	size_t n = strcspn(s, "%");
	struct ip_addr a;
	uint64_t scope = 0;

	if (!parse_plain(s, n, &a))
		return false;
	if (s[n] == '%' && (a.af != IP6 || !parse_number(s + n + 1, UINT32_MAX, &scope) || scope == 0))
		return false;
	a.ifindex = (uint32_t)scope;
	*ret = a;
	return true;
}

/* The 4 or 16 octets as text at buf; "none" for family none. */
static char *
bytes_str(uint8_t af, const uint8_t *b, char *buf, size_t cap)
{
	if (ip_af_bits(af) == 0)
		snprintf(buf, cap, "none");
	else
		inet_ntop(af == IP6 ? AF_INET6 : AF_INET, b, buf, (socklen_t)cap);
	return buf;
}

char *
ip_addr_str(const struct ip_addr *a, char *buf)
{
	size_t n;

	bytes_str(a->af, a->b, buf, IP_ADDR_STRLEN);
	n = strlen(buf);
	if (a->af == IP6 && a->ifindex != 0)
		snprintf(buf + n, IP_ADDR_STRLEN - n, "%%%u", a->ifindex);
	return buf;
}

char *
ip_addr_bare_str(const struct ip_addr *a, char *buf)
{
	struct ip_addr bare = *a;

	bare.ifindex = 0;
	return ip_addr_str(&bare, buf);
}

bool
ip_prefix_parse(const char *s, struct ip_prefix *ret, bool *ret_host_bits)
{
	size_t n = strcspn(s, "/");
	struct ip_prefix p, masked;
	struct ip_addr a;
	uint64_t len;
	bool host_bits;

	if (!parse_plain(s, n, &a) || s[n] != '/' ||
	    !parse_number(s + n + 1, ip_af_bits(a.af), &len))
		return false;
	p = ip_prefix_from_addr(&a);
	masked = ip_prefix_of(&a, (uint8_t)len);
	host_bits = memcmp(p.b, masked.b, sizeof(p.b)) != 0;
	if (host_bits && !ret_host_bits)
		return false;
	if (ret_host_bits)
		*ret_host_bits = host_bits;
	*ret = masked;
	return true;
}

char *
ip_prefix_str(const struct ip_prefix *p, char *buf)
{
	size_t n;

	bytes_str(p->af, p->b, buf, IP_PREFIX_STRLEN);
	n = strlen(buf);
	if (ip_af_bits(p->af) != 0)
		snprintf(buf + n, IP_PREFIX_STRLEN - n, "/%u", p->len);
	return buf;
}

struct ip_addr
ip_addr_from_bytes(uint8_t af, const void *b)
{
	struct ip_addr a = { .af = af };

	memcpy(a.b, b, ip_af_octets(af));
	return a;
}

struct ip_addr
ip_addr_from_v4(uint32_t v)
{
	return (struct ip_addr){ .af = IP4,
		.b = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v } };
}

uint32_t
ip_addr_v4(const struct ip_addr *a)
{
	return (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 | a->b[3];
}

bool
ip_addr_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return ip_addr_cmp(a, b) == 0;
}

int
ip_addr_cmp(const struct ip_addr *a, const struct ip_addr *b)
{
	int c;

	if (a->af != b->af)
		return a->af < b->af ? -1 : 1;
	c = memcmp(a->b, b->b, sizeof(a->b));
	if (c != 0)
		return c;
	return a->ifindex < b->ifindex ? -1 : a->ifindex > b->ifindex;
}

bool
ip_addr_is_unspec(const struct ip_addr *a)
{
	static const uint8_t zero[16];

	return a->af != IP_NONE && memcmp(a->b, zero, sizeof(zero)) == 0;
}

bool
ip_addr_is_loopback(const struct ip_addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->af == IP4 ? a->b[0] == 127 : a->af == IP6 && memcmp(a->b, one, 16) == 0;
}

bool
ip_addr_is_multicast(const struct ip_addr *a)
{
	return ip_is_multicast(a->af, a->b);
}

bool
ip_addr_is_link_local(const struct ip_addr *a)
{
	return ip_is_link_local(a->af, a->b);
}

bool
ip_addr_is_v4mapped(const struct ip_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return a->af == IP6 && memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

struct ip_addr
ip_addr_unmap(const struct ip_addr *a)
{
	return ip_addr_is_v4mapped(a) ? ip_addr_from_bytes(IP4, a->b + 12) : *a;
}

struct ip_prefix
ip_prefix_from_addr(const struct ip_addr *a)
{
	return ip_prefix_of(a, 128);
}

struct ip_prefix
ip_prefix_of(const struct ip_addr *a, uint8_t len)
{
	struct ip_prefix p = { .af = a->af, .len = len };

	memcpy(p.b, a->b, sizeof(p.b));
	ip_prefix_mask(&p);
	return p;
}

struct ip_addr
ip_prefix_addr(const struct ip_prefix *p)
{
	return ip_addr_from_bytes(p->af, p->b);
}

static void
mask_word(uint8_t *b, unsigned keep)
{
	uint64_t v = htobe64(keep == 0 ? 0 : ip_word(b) & ~(uint64_t)0 << (64 - keep));

	memcpy(b, &v, sizeof(v));
}

void
ip_prefix_mask(struct ip_prefix *p)
{
	if (p->len > ip_af_bits(p->af))
		p->len = ip_af_bits(p->af);
	mask_word(p->b, p->len < 64 ? p->len : 64);
	mask_word(p->b + 8, p->len < 64 ? 0 : p->len - 64u);
}

bool
ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return ip_prefix_contains(a, b) || ip_prefix_contains(b, a);
}

bool
ip_prefix_is_default(const struct ip_prefix *p)
{
	return p->af != IP_NONE && p->len == 0;
}

bool
ip_prefix_is_host(const struct ip_prefix *p)
{
	return p->af != IP_NONE && p->len == ip_af_bits(p->af);
}

uint8_t
ip_common_bits(const uint8_t *a, const uint8_t *b, uint8_t max)
{
	uint64_t high = ip_word(a) ^ ip_word(b), low = ip_word(a + 8) ^ ip_word(b + 8);
	unsigned n = 128;

	if (high != 0)
		n = (unsigned)__builtin_clzll(high);
	else if (low != 0)
		n = 64 + (unsigned)__builtin_clzll(low);
	return (uint8_t)(n < max ? n : max);
}
