/*
 * Bounded reader and writer for octets in network order.
 *
 * Reader: `struct rd` looks at memory it does not own. Errors are sticky: the
 * first read past the end turns the reader bad, every later read gives zeros,
 * and rd_left() is 0, so loops end. Straight code therefore needs one rd_done()
 * at its end, which also catches octets nobody read. A value is only a number
 * until rd_done() says yes: never index, allocate or loop by it before.
 * A TLV is always rd_sub().
 *
 * Writer: `struct wr` fills memory it does not own. It is sticky too: the first
 * write that does not fit turns it full and writes nothing more. Length fields
 * are reserved with wr_open16() and back-patched with wr_close16(); whoever
 * finds that the last item did not fit undoes it with wr_rewind().
 *
 * rd_take() and wr_take() are the only places that compare a bound.
 */
#ifndef LIB_WIRE_H
#define LIB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *p, *end;
	const uint8_t *base; /* where rd_pos() counts from */
	bool bad;
};

struct wr {
	uint8_t *base, *p, *end;
	bool full;
};

/* A reader over len octets at buf, which must outlive it; buf may be NULL when len is 0. */
struct rd rd_init(const void *buf, size_t len);

/*
 * The bound check: n octets and move on, or NULL with the reader turned bad.
 * For n 0 the result may be NULL for an empty reader; ask r->bad, not the pointer.
 */
static inline const uint8_t *
rd_take(struct rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || n > (size_t)(r->end - r->p)) {
		r->bad = true;
		return NULL;
	}
	if (n > 0)
		r->p += n;
	return p;
}

/* The next octet; 0 on underrun. */
static inline uint8_t
rd_u8(struct rd *r)
{
	const uint8_t *p = rd_take(r, 1);

	return p ? p[0] : 0;
}

/* The next two octets in network order; 0 on underrun. */
static inline uint16_t
rd_u16(struct rd *r)
{
	const uint8_t *p = rd_take(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

/* The next four octets in network order; 0 on underrun. */
static inline uint32_t
rd_u32(struct rd *r)
{
	const uint8_t *p = rd_take(r, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

/* The next eight octets in network order; 0 on underrun. */
uint64_t rd_u64(struct rd *r);

/* Copy n octets to dst; on underrun dst is filled with zeros and the answer is false. */
bool rd_copy(struct rd *r, void *dst, size_t n);

/* The next n octets in place (borrowed); NULL on underrun. For n 0 ask r->bad. */
const uint8_t *rd_view(struct rd *r, size_t n);

/* Step over n octets; false on underrun. */
bool rd_skip(struct rd *r, size_t n);

/*
 * Carve the next n octets off r into a reader of their own.
 * r moves past them, so a decoder given the child cannot read its neighbour.
 * Underrun: r turns bad and the child is born bad and empty; no octet is
 * consumed by anybody. The child borrows r's memory and owns nothing; its
 * rd_pos() goes on counting from where r's does.
 * For TLVs: RFC 4271 section 4.3 (attributes), RFC 5492 section 4 (capabilities).
 */
struct rd rd_sub(struct rd *r, size_t n);

/* Octets not read yet; 0 once bad, so loops end. */
static inline size_t
rd_left(const struct rd *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}

/* Not bad, and nothing left over. */
static inline bool
rd_done(const struct rd *r)
{
	return !r->bad && r->p == r->end;
}

/* Octets between the start of the outermost reader's memory and the next octet to be read. */
static inline size_t
rd_pos(const struct rd *r)
{
	return (size_t)(r->p - r->base);
}

/* A writer into cap octets at buf, which must outlive it. */
struct wr wr_init(void *buf, size_t cap);

/* The bound check: room for n octets and move on, or NULL with the writer turned full. */
static inline uint8_t *
wr_take(struct wr *w, size_t n)
{
	uint8_t *p = w->p;

	if (w->full || n > (size_t)(w->end - w->p)) {
		w->full = true;
		return NULL;
	}
	if (n > 0)
		w->p += n;
	return p;
}

/* Append one octet; nothing once full. */
static inline void
wr_u8(struct wr *w, uint8_t v)
{
	uint8_t *p = wr_take(w, 1);

	if (p)
		p[0] = v;
}

/* Append two octets in network order; nothing once full. */
static inline void
wr_u16(struct wr *w, uint16_t v)
{
	uint8_t *p = wr_take(w, 2);

	if (p) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
	}
}

/* Append four octets in network order; nothing once full. */
static inline void
wr_u32(struct wr *w, uint32_t v)
{
	uint8_t *p = wr_take(w, 4);

	if (p) {
		p[0] = (uint8_t)(v >> 24);
		p[1] = (uint8_t)(v >> 16);
		p[2] = (uint8_t)(v >> 8);
		p[3] = (uint8_t)v;
	}
}

/* Append eight octets in network order; nothing once full. */
void wr_u64(struct wr *w, uint64_t v);

/* Append n octets from src (may be NULL when n is 0): all of them or, once full, none. */
void wr_bytes(struct wr *w, const void *src, size_t n);

/* Append n zero octets. */
void wr_zero(struct wr *w, size_t n);

/*
 * Reserve a length field of two (one) octets; returns the mark to close it with.
 * Pairs may nest.
 */
size_t wr_open16(struct wr *w);
size_t wr_open8(struct wr *w);

/*
 * Write the number of octets that followed the field into it. More octets than
 * the field can say turns the writer full. Nothing once full.
 */
void wr_close16(struct wr *w, size_t mark);
void wr_close8(struct wr *w, size_t mark);

/* Octets written so far. */
static inline size_t
wr_len(const struct wr *w)
{
	return (size_t)(w->p - w->base);
}

/* Octets that still fit; 0 once full. */
static inline size_t
wr_room(const struct wr *w)
{
	return w->full ? 0 : (size_t)(w->end - w->p);
}

/*
 * Go back to len octets (a former wr_len()) and be writable again: undo the item
 * that did not fit. A len beyond what was written is a programming error: abort.
 */
void wr_rewind(struct wr *w, size_t len);

#endif
