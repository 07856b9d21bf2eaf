/*
 * The parts of the bounded reader and writer that are not worth inlining. See wire.h.
 */
#include "lib/wire.h"

#include <stdlib.h>

struct rd
rd_init(const void *buf, size_t len)
{
	const uint8_t *p = buf;

	return (struct rd){ .p = p, .end = buf ? p + len : p, .base = p };
}

uint64_t
rd_u64(struct rd *r)
{
	struct rd eight = rd_sub(r, 8);
	uint64_t hi = rd_u32(&eight);

	return hi << 32 | rd_u32(&eight);
}

bool
rd_copy(struct rd *r, void *dst, size_t n)
{
	const uint8_t *p = rd_take(r, n);

	if (n == 0)
		return !r->bad;
	if (p)
		memcpy(dst, p, n);
	else
		memset(dst, 0, n);
	return p != NULL;
}

const uint8_t *
rd_view(struct rd *r, size_t n)
{
	return rd_take(r, n);
}

bool
rd_skip(struct rd *r, size_t n)
{
	rd_take(r, n);
	return !r->bad;
}

struct rd
rd_sub(struct rd *r, size_t n)
{
	struct rd child = *r;
	const uint8_t *p = rd_take(r, n);

	child.bad = r->bad;
	child.end = p && n > 0 ? p + n : child.p;
	return child;
}

struct wr
wr_init(void *buf, size_t cap)
{
	uint8_t *p = buf;

	return (struct wr){ .base = p, .p = p, .end = buf ? p + cap : p };
}

void
wr_u64(struct wr *w, uint64_t v)
{
	uint8_t *p = wr_take(w, 8);

	for (unsigned i = 0; p && i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

void
wr_bytes(struct wr *w, const void *src, size_t n)
{
	uint8_t *p = wr_take(w, n);

	if (p && n > 0)
		memcpy(p, src, n);
}

void
wr_zero(struct wr *w, size_t n)
{
	uint8_t *p = wr_take(w, n);

	if (p && n > 0)
		memset(p, 0, n);
}

size_t
wr_open16(struct wr *w)
{
	size_t mark = wr_len(w);

	wr_u16(w, 0);
	return mark;
}

size_t
wr_open8(struct wr *w)
{
	size_t mark = wr_len(w);

	wr_u8(w, 0);
	return mark;
}

void
wr_close16(struct wr *w, size_t mark)
{
	size_t n;

	if (w->full)
		return;
	n = wr_len(w) - mark - 2;
	if (n > UINT16_MAX) {
		w->full = true;
		return;
	}
	w->base[mark] = (uint8_t)(n >> 8);
	w->base[mark + 1] = (uint8_t)n;
}

void
wr_close8(struct wr *w, size_t mark)
{
	size_t n;

	if (w->full)
		return;
	n = wr_len(w) - mark - 1;
	if (n > UINT8_MAX) {
		w->full = true;
		return;
	}
	w->base[mark] = (uint8_t)n;
}

void
wr_rewind(struct wr *w, size_t len)
{
	if (len > wr_len(w))
		abort();
	if (len < wr_len(w))
		w->p = w->base + len;
	w->full = false;
}
