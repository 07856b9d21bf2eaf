/*
 * Ranges of addresses; see iprange.h.
 */
#include "lib/iprange.h"

#include <stdio.h>
#include <string.h>

struct ip_range
ip_range_of(const struct ip_prefix *p)
{
	struct ip_range r = { ip_prefix_addr(p), ip_prefix_addr(p) };

	for (unsigned bit = p->len; bit < ip_af_bits(p->af); bit++)
		r.last.b[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	return r;
}

/* One end: n octets of text, with blanks around them. */
static bool
parse_end(const char *s, size_t n, struct ip_addr *ret)
{
	char buf[IP_ADDR_STRLEN];

	while (n > 0 && *s == ' ') {
		s++;
		n--;
	}
	while (n > 0 && s[n - 1] == ' ')
		n--;
	if (n >= sizeof buf)
		return false;
	memcpy(buf, s, n);
	buf[n] = '\0';
	return ip_addr_parse(buf, ret) && ret->ifindex == 0;
}

bool
ip_range_parse(const char *s, struct ip_range *ret)
{
	const char *dash = strchr(s, '-');
	struct ip_prefix p;
	struct ip_range r;

	if (!dash && ip_prefix_parse(s, &p, NULL)) {
		*ret = ip_range_of(&p);
		return true;
	}
	if (!parse_end(s, dash ? (size_t)(dash - s) : strlen(s), &r.first))
		return false;
	r.last = r.first;
	if (dash && !parse_end(dash + 1, strlen(dash + 1), &r.last))
		return false;
	if (r.first.af != r.last.af || ip_addr_cmp(&r.first, &r.last) > 0)
		return false;
	*ret = r;
	return true;
}

char *
ip_range_str(const struct ip_range *r, char *buf)
{
	uint8_t len = ip_common_bits(r->first.b, r->last.b, ip_af_bits(r->first.af));
	struct ip_prefix p = ip_prefix_of(&r->first, len);
	struct ip_range whole = ip_range_of(&p);
	char a[IP_ADDR_STRLEN], b[IP_ADDR_STRLEN];

	if (ip_addr_eq(&whole.first, &r->first) && ip_addr_eq(&whole.last, &r->last))
		return ip_prefix_str(&p, buf);
	snprintf(buf, IP_RANGE_STRLEN, "%s-%s", ip_addr_str(&r->first, a), ip_addr_str(&r->last, b));
	return buf;
}

bool
ip_range_has(const struct ip_range *r, const struct ip_addr *a)
{
	return a->af == r->first.af && ip_addr_cmp(a, &r->first) >= 0 && ip_addr_cmp(a, &r->last) <= 0;
}

bool
ip_range_overlaps(const struct ip_range *a, const struct ip_range *b)
{
	return ip_range_has(a, &b->first) || ip_range_has(b, &a->first);
}
