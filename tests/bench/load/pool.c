/*
 * Prefixes by number.
 */
#include "tests/bench/load/pool.h"

#include <string.h>

struct pool
pool_make(uint8_t af, uint8_t len, uint32_t n)
{
	struct pool p = { .af = af, .len = len, .n = n };

	p.base = af == IP4 ? 0x10000000u >> (32 - len) : 0;
	return p;
}

struct pool
pool_of(const struct opts *o, uint32_t n)
{
	struct pool p = pool_make(o->v6 ? IP6 : IP4, (uint8_t)o->prefix_len, n);

	p.base += o->first_prefix;
	return p;
}

struct ip_prefix
pool_prefix(const struct pool *p, uint32_t i)
{
	struct ip_prefix px = { .af = p->af, .len = p->len };
	uint32_t v = p->base + i;

	if (p->prefix)
		return p->prefix(p, i);
	if (p->af == IP6) {
		px.b[0] = 0x2a;
	} else
		v <<= 32 - p->len;
	for (unsigned k = 0; k < 4; k++)
		px.b[(p->af == IP4 ? 0 : p->len / 8 - 4) + k] = (uint8_t)(v >> (24 - 8 * k));
	return px;
}

size_t
pool_nlri_len(const struct pool *p)
{
	return 1 + p->len / 8;
}

void
pool_put(const struct pool *p, struct wr *w, uint32_t i)
{
	struct ip_prefix px = pool_prefix(p, i);

	wr_u8(w, p->len);
	wr_bytes(w, px.b, p->len / 8);
}

uint32_t
pool_get(const struct pool *p, struct rd *r)
{
	size_t n, head = p->af == IP4 ? 0 : p->len / 8 - 4;
	const uint8_t *b;
	uint32_t v = 0;
	uint8_t len;

	if (p->get)
		return p->get(p, r);
	len = rd_u8(r);
	b = rd_take(r, n = (len + 7u) / 8);
	if (len > (p->af == IP4 ? 32 : 128))
		r->bad = true;
	if (!b || r->bad || len != p->len || (head && (b[0] != 0x2a || b[1] != 0)))
		return POOL_FOREIGN;
	for (size_t k = 2; k < head; k++)
		if (b[k])
			return POOL_FOREIGN;
	for (size_t k = head; k < n; k++)
		v = v << 8 | b[k];
	return v - p->base < p->n ? v - p->base : POOL_FOREIGN;
}
