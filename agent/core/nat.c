/*
 * natOutgoing, the thinking; see nat.h.
 */
#include "agent/core/nat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

void
nat_sets_add(struct nat_sets *s, enum nat_set set, const struct ip_prefix *p)
{
	uint8_t bits = ip_af_bits(p->af), f = (uint8_t)(p->af - 1);
	struct nat_range r;

	if (bits == 0)
		return;
	r.first = r.last = ip_prefix_addr(p);
	for (unsigned bit = p->len; bit < bits; bit++)
		r.last.b[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	s->v[set][f] = mem_realloc_array(s->v[set][f], s->n[set][f] + 1, sizeof r);
	s->v[set][f][s->n[set][f]++] = r;
}

bool
nat_addr_next(const struct ip_addr *a, struct ip_addr *ret)
{
	unsigned i = ip_af_octets(a->af);

	*ret = *a;
	while (i-- > 0)
		if (++ret->b[i] != 0)
			return true;
	return false;
}

static int
range_cmp(const void *a, const void *b)
{
	const struct nat_range *x = a, *y = b;

	return ip_addr_cmp(&x->first, &y->first);
}

/* Does next, whose start is not before that of r, overlap or touch it? */
static bool
joins(const struct nat_range *r, const struct nat_range *next)
{
	struct ip_addr after;

	return !nat_addr_next(&r->last, &after) || ip_addr_cmp(&next->first, &after) <= 0;
}

static size_t
settle(struct nat_range *v, size_t n)
{
	size_t kept = 0;

	if (n == 0)
		return 0;
	qsort(v, n, sizeof *v, range_cmp);
	for (size_t i = 1; i < n; i++)
		if (!joins(&v[kept], &v[i]))
			v[++kept] = v[i];
		else if (ip_addr_cmp(&v[i].last, &v[kept].last) > 0)
			v[kept].last = v[i].last;
	return kept + 1;
}

void
nat_sets_settle(struct nat_sets *s)
{
	for (int set = 0; set < NAT_NSETS; set++)
		for (int f = 0; f < 2; f++)
			s->n[set][f] = settle(s->v[set][f], s->n[set][f]);
}

static bool
same(const struct nat_range *a, const struct nat_range *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!ip_addr_eq(&a[i].first, &b[i].first) || !ip_addr_eq(&a[i].last, &b[i].last))
			return false;
	return true;
}

bool
nat_sets_eq(const struct nat_sets *a, const struct nat_sets *b)
{
	for (int set = 0; set < NAT_NSETS; set++)
		for (int f = 0; f < 2; f++)
			if (a->n[set][f] != b->n[set][f] ||
			    !same(a->v[set][f], b->v[set][f], a->n[set][f]))
				return false;
	return true;
}

void
nat_sets_free(struct nat_sets *s)
{
	for (int set = 0; set < NAT_NSETS; set++)
		for (int f = 0; f < 2; f++)
			mem_free(s->v[set][f]);
	memset(s, 0, sizeof *s);
}

static bool
has(const struct nat_sets *s, enum nat_set set, const struct ip_addr *a)
{
	for (size_t i = 0; i < s->n[set][a->af - 1]; i++) {
		const struct nat_range *r = &s->v[set][a->af - 1][i];

		if (ip_addr_cmp(a, &r->first) >= 0 && ip_addr_cmp(a, &r->last) <= 0)
			return true;
	}
	return false;
}

bool
nat_sets_translates(const struct nat_sets *s, const struct ip_addr *from, const struct ip_addr *to)
{
	return has(s, NAT_PODS, from) && !has(s, NAT_INSIDE, to);
}

char *
nat_range_str(const struct nat_range *r, char *buf)
{
	uint8_t len = ip_common_bits(r->first.b, r->last.b, ip_af_bits(r->first.af));
	struct ip_prefix p = ip_prefix_of(&r->first, len);
	struct nat_sets whole = { 0 };
	char a[IP_ADDR_STRLEN], b[IP_ADDR_STRLEN];
	bool is_prefix;

	nat_sets_add(&whole, NAT_PODS, &p);
	is_prefix = same(r, whole.v[NAT_PODS][p.af - 1], 1);
	nat_sets_free(&whole);
	if (is_prefix)
		return ip_prefix_str(&p, buf);
	snprintf(buf, NAT_RANGE_STRLEN, "%s-%s", ip_addr_str(&r->first, a), ip_addr_str(&r->last, b));
	return buf;
}
