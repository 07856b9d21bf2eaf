/*
 * Extendible hashing.  See idx.h.
 *
 * A segment grows in steps of a half to SEG_MAX entries, and is split then, so
 * that the whole is never less than about half full.  The upper bits of a
 * hash say which segment, those that follow where in it.
 */
#include "bgpd/core/idx.h"

#include <string.h>

#include "lib/mem.h"

#define SEG_MIN 16
#define SEG_MAX 512
/* With as many upper bits in common hashes are none any more: a segment grows beyond SEG_MAX then. */
#define DEPTH_MAX 20

static struct idx_seg *
seg_new(uint32_t size, uint8_t depth)
{
	struct idx_seg *s = mem_zalloc(sizeof(*s) + size * sizeof(struct idx_entry));

	s->size = size;
	s->depth = depth;
	return s;
}

void
idx_init(struct idx *x)
{
	*x = (struct idx){ .dir = mem_zalloc_array(1, sizeof(*x->dir)) };
	x->dir[0] = seg_new(SEG_MIN, 0);
}

/* Directory entries that are the segment in place k, from there on. */
static uint32_t
span_of(const struct idx *x, uint32_t k)
{
	return 1u << (x->depth - x->dir[k]->depth);
}

void
idx_free(struct idx *x)
{
	uint32_t k, next;

	for (k = 0; x->dir && k < 1u << x->depth; k = next) {
		next = k + span_of(x, k);
		mem_free(x->dir[k]);
	}
	mem_free(x->dir);
	*x = (struct idx){ 0 };
}

size_t
idx_octets(const struct idx *x)
{
	size_t octets = sizeof(*x->dir) << x->depth;
	uint32_t k;

	for (k = 0; k < 1u << x->depth; k += span_of(x, k))
		octets += sizeof(*x->dir[k]) + x->dir[k]->size * sizeof(struct idx_entry);
	return octets;
}

static uint32_t
after(const struct idx_seg *s, uint32_t at)
{
	return at + 1 < s->size ? at + 1 : 0;
}

/* It is not full. */
static void
seg_put(struct idx_seg *s, struct idx_entry e)
{
	uint32_t at = idx_home(s, e.hash);

	while (s->entry[at].id)
		at = after(s, at);
	s->entry[at] = e;
	s->n++;
}

/* Have a segment in n places of the directory, from `from` on. */
static void
dir_set(struct idx *x, uint32_t from, uint32_t n, struct idx_seg *s)
{
	while (n-- > 0)
		x->dir[from++] = s;
}

static void
dir_double(struct idx *x)
{
	uint32_t n = 1u << x->depth, k;
	struct idx_seg **dir = mem_zalloc_array(2 * (size_t)n, sizeof(*dir));

	for (k = 0; k < n; k++)
		dir[2 * k] = dir[2 * k + 1] = x->dir[k];
	mem_free(x->dir);
	x->dir = dir;
	x->depth++;
}

/* The segment in place k, which is the first of its span, larger by a half. */
static void
seg_grow(struct idx *x, uint32_t k)
{
	struct idx_seg *old = x->dir[k], *s = seg_new(old->size + old->size / 2, old->depth);
	uint32_t i;

	for (i = 0; i < old->size; i++)
		if (old->entry[i].id)
			seg_put(s, old->entry[i]);
	dir_set(x, k, span_of(x, k), s);
	mem_free(old);
}

/* For so many entries, and some more. */
static uint32_t
size_for(uint32_t n)
{
	return n + n / 2 + SEG_MIN;
}

/* The same in two halves. */
static void
seg_split(struct idx *x, uint32_t k)
{
	struct idx_seg *old = x->dir[k], *half[2];
	uint32_t i, span = span_of(x, k), n[2] = { 0 };
	uint8_t depth = (uint8_t)(old->depth + 1);

	for (i = 0; i < old->size; i++)
		if (old->entry[i].id)
			n[old->entry[i].hash >> (32 - depth) & 1]++;
	half[0] = seg_new(size_for(n[0]), depth);
	half[1] = seg_new(size_for(n[1]), depth);
	for (i = 0; i < old->size; i++)
		if (old->entry[i].id)
			seg_put(half[old->entry[i].hash >> (32 - depth) & 1], old->entry[i]);
	dir_set(x, k, span / 2, half[0]);
	dir_set(x, k + span / 2, span / 2, half[1]);
	mem_free(old);
}

/* Room for one more under the hash: a segment is never more than three quarters full. */
static struct idx_seg *
make_room(struct idx *x, uint32_t hash)
{
	struct idx_seg *s = (struct idx_seg *)idx_seg_of(x, hash);
	uint32_t first;

	while (s->n >= s->size - s->size / 4) {
		if (s->size >= SEG_MAX && s->depth == x->depth && x->depth < DEPTH_MAX)
			dir_double(x);
		first = (uint32_t)((uint64_t)hash >> (32 - s->depth)) << (x->depth - s->depth);
		if (s->size < SEG_MAX || s->depth == x->depth)
			seg_grow(x, first);
		else
			seg_split(x, first);
		s = (struct idx_seg *)idx_seg_of(x, hash);
	}
	return s;
}

void
idx_add(struct idx *x, uint32_t hash, uint32_t id)
{
	seg_put(make_room(x, hash), (struct idx_entry){ .hash = hash, .id = id });
}

/* Steps from one place to another. */
static uint32_t
distance(const struct idx_seg *s, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + s->size - from;
}

/*
 * No marks are left where something was: what follows moves up, as far as it may
 * stand there (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
 */
void
idx_del(struct idx *x, uint32_t hash, uint32_t id)
{
	struct idx_seg *s = (struct idx_seg *)idx_seg_of(x, hash);
	uint32_t gap = idx_home(s, hash), at;

	while (s->entry[gap].id != id)
		gap = after(s, gap);
	for (at = after(s, gap); s->entry[at].id; at = after(s, at)) {
		if (distance(s, idx_home(s, s->entry[at].hash), at) < distance(s, gap, at))
			continue; /* it would stand before its home */
		s->entry[gap] = s->entry[at];
		gap = at;
	}
	s->entry[gap] = (struct idx_entry){ 0 };
	s->n--;
}
