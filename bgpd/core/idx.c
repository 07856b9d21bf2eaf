/*
 * Extendible hashing.  See idx.h.
 *
 * A segment grows in steps of a half to SEG_MAX buckets, and is split then, into halves
 * that are one step from there: the whole is never less than about half full.  The upper bits of a
 * hash say which segment, those that follow where in it.
 */
#include "bgpd/core/idx.h"

#include <stdbool.h>
#include <string.h>

#include "lib/mem.h"

#define SEG_MIN	 2 /* buckets: 2, 3, 4, 6, 9 and so on */
#define SEG_HALF 52
#define SEG_MAX	 78
/* With as many upper bits in common hashes are none any more: a segment grows beyond SEG_MAX then. */
#define DEPTH_MAX 20

static struct idx_seg
seg_new(uint32_t size, uint8_t depth)
{
	return (struct idx_seg){
		.bucket = mem_zalloc_lines(size, sizeof(struct idx_bucket)),
		.size = size & 0xffffff,
		.depth = depth,
	};
}

void
idx_init(struct idx *x)
{
	*x = (struct idx){ .dir = mem_zalloc_array(1, sizeof(*x->dir)) };
	x->dir[0] = seg_new(SEG_MIN, 0);
}

/* Places of the directory that are the segment in place k. */
static uint32_t
span_of(const struct idx *x, uint32_t k)
{
	return 1u << (x->depth - x->dir[k].depth);
}

/* The first of them, for a hash: there its entries are counted. */
static uint32_t
first_of(const struct idx *x, uint32_t hash)
{
	uint32_t k = (uint32_t)((uint64_t)hash >> (32 - x->depth));

	return k & ~(span_of(x, k) - 1);
}

void
idx_free(struct idx *x)
{
	uint32_t k, next;

	for (k = 0; x->dir && k < 1u << x->depth; k = next) {
		next = k + span_of(x, k);
		mem_free(x->dir[k].bucket);
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
		octets += x->dir[k].size * sizeof(struct idx_bucket);
	return octets;
}

static uint32_t
after(const struct idx_seg *s, uint32_t k)
{
	return k + 1 < s->size ? k + 1 : 0;
}

static bool
bucket_is_full(const struct idx_bucket *b)
{
	return b->id[IDX_BUCKET - 1] != 0;
}

/* Some bucket is not full. */
static void
seg_put(struct idx_seg *s, uint32_t hash, uint32_t id)
{
	uint32_t k = idx_home(s, hash);
	struct idx_bucket *b;
	unsigned i;

	while (bucket_is_full(&s->bucket[k]))
		k = after(s, k);
	b = &s->bucket[k];
	i = (unsigned)__builtin_ctz(idx_match(b->ids, 0));
	b->hash[i] = hash;
	b->id[i] = id;
	s->n++;
}

/* A segment that another's entries are dealt to: how full each bucket is stands beside. */
struct fresh {
	struct idx_seg s;
	uint8_t *fill;
};

static struct fresh
fresh_new(uint32_t size, uint8_t depth)
{
	return (struct fresh){ seg_new(size, depth), mem_zalloc(size) };
}

/* The segment, with so many entries. */
static struct idx_seg
fresh_end(struct fresh *h, uint32_t n)
{
	mem_free(h->fill);
	h->s.n = n;
	return h->s;
}

static inline void
fresh_put(struct fresh *h, uint32_t hash, uint32_t id)
{
	uint32_t k = idx_home(&h->s, hash);
	struct idx_bucket *b;
	unsigned i;

	while (h->fill[k] == IDX_BUCKET)
		k = after(&h->s, k);
	b = &h->s.bucket[k];
	i = h->fill[k]++;
	b->hash[i] = hash;
	b->id[i] = id;
}

/* All of a segment's entries, to that of two which a bit of their hash says. */
static void
seg_deal(const struct idx_seg *s, struct fresh *to[2], unsigned shift)
{
	const struct idx_bucket *b;
	unsigned i;

	for (b = s->bucket; b < s->bucket + s->size; b++)
		for (i = 0; i < IDX_BUCKET && b->id[i]; i++)
			fresh_put(to[b->hash[i] >> shift & 1], b->hash[i], b->id[i]);
}

/* Have a segment in n places of the directory, from `from` on. */
static void
dir_set(struct idx *x, uint32_t from, uint32_t n, struct idx_seg s)
{
	while (n-- > 0)
		x->dir[from++] = s;
}

static void
dir_double(struct idx *x)
{
	uint32_t n = 1u << x->depth, k;
	struct idx_seg *dir = mem_zalloc_array(2 * (size_t)n, sizeof(*dir));

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
	struct idx_seg old = x->dir[k];
	uint32_t more = old.size + old.size / 2;
	struct fresh h = fresh_new(old.size < SEG_MAX && more > SEG_MAX ? SEG_MAX : more, old.depth);

	seg_deal(&old, (struct fresh *[2]){ &h, &h }, 0);
	dir_set(x, k, span_of(x, k), fresh_end(&h, old.n));
	mem_free(old.bucket);
}

/* Entries of a segment whose hash has that bit. */
static uint32_t
count_bit(const struct idx_seg *s, unsigned shift)
{
	uint32_t k, n = 0;
	unsigned i;

	for (k = 0; k < s->size; k++)
		for (i = 0; i < IDX_BUCKET; i++) /* free places have hash 0 */
			n += s->bucket[k].hash[i] >> shift & 1;
	return n;
}

/* Buckets for the half that has so many entries: with room, however uneven the halves are. */
static uint32_t
size_for(uint32_t n)
{
	uint32_t least = (n + n / 2) / IDX_BUCKET + SEG_MIN;

	return least > SEG_HALF ? least : SEG_HALF;
}

/* The same in two halves. */
static void
seg_split(struct idx *x, uint32_t k)
{
	struct idx_seg old = x->dir[k];
	uint8_t depth = (uint8_t)(old.depth + 1);
	uint32_t span = span_of(x, k), n = count_bit(&old, 32u - depth);
	struct fresh zero = fresh_new(size_for(old.n - n), depth), one = fresh_new(size_for(n), depth);

	seg_deal(&old, (struct fresh *[2]){ &zero, &one }, 32u - depth);
	dir_set(x, k, span / 2, fresh_end(&zero, old.n - n));
	dir_set(x, k + span / 2, span / 2, fresh_end(&one, n));
	mem_free(old.bucket);
}

/* A segment is never more than 13 sixteenths full: buckets in a row that are full cost looks. */
static bool
is_full(const struct idx_seg *s)
{
	return s->n >= 13u * IDX_BUCKET * s->size / 16;
}

/* A step towards room in the segment in place k, which is the first of its span. */
static void
make_room(struct idx *x, uint32_t k)
{
	const struct idx_seg *s = &x->dir[k];

	if (s->size < SEG_MAX)
		seg_grow(x, k);
	else if (s->depth < x->depth)
		seg_split(x, k);
	else if (x->depth < DEPTH_MAX)
		dir_double(x);
	else
		seg_grow(x, k);
}

void
idx_add(struct idx *x, uint32_t hash, uint32_t id)
{
	uint32_t k;

	while (is_full(&x->dir[k = first_of(x, hash)]))
		make_room(x, k);
	seg_put(&x->dir[k], hash, id);
}

/* Steps from one bucket to another. */
static uint32_t
distance(const struct idx_seg *s, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + s->size - from;
}

/* Take an entry out of a bucket: the last one takes its place. */
static void
bucket_del(struct idx_bucket *b, unsigned i)
{
	unsigned last = IDX_BUCKET - 1;

	while (!b->id[last])
		last--;
	b->hash[i] = b->hash[last];
	b->id[i] = b->id[last];
	b->hash[last] = b->id[last] = 0;
}

/* An entry of bucket k that could as well stand in an earlier one; IDX_BUCKET: none. */
static unsigned
find_displaced(const struct idx_seg *s, uint32_t k, uint32_t earlier)
{
	const struct idx_bucket *b = &s->bucket[k];
	unsigned i;

	for (i = 0; i < IDX_BUCKET && b->id[i]; i++)
		if (distance(s, idx_home(s, b->hash[i]), k) >= distance(s, earlier, k))
			return i;
	return IDX_BUCKET;
}

/*
 * Bucket k was full and has a free place: what stands further on because of that comes
 * back, and so on.  No marks are left (Knuth, The Art of Computer Programming 3, 6.4).
 */
static void
fill_gap(struct idx_seg *s, uint32_t k)
{
	uint32_t at = k;
	bool was_full;
	unsigned i;

	do {
		at = after(s, at);
		was_full = bucket_is_full(&s->bucket[at]);
		i = find_displaced(s, at, k);
		if (i == IDX_BUCKET)
			continue;
		s->bucket[k].hash[IDX_BUCKET - 1] = s->bucket[at].hash[i];
		s->bucket[k].id[IDX_BUCKET - 1] = s->bucket[at].id[i];
		bucket_del(&s->bucket[at], i);
		k = at;
	} while (was_full);
}

void
idx_del(struct idx *x, uint32_t hash, uint32_t id)
{
	struct idx_seg *s = &x->dir[first_of(x, hash)];
	uint32_t k = idx_home(s, hash);
	bool was_full;
	unsigned i;

	for (;; k = after(s, k)) {
		for (i = 0; i < IDX_BUCKET && s->bucket[k].id[i] != id;)
			i++;
		if (i < IDX_BUCKET)
			break;
	}
	was_full = bucket_is_full(&s->bucket[k]);
	bucket_del(&s->bucket[k], i);
	s->n--;
	if (was_full)
		fill_gap(s, k);
}
