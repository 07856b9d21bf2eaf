/*
 * An index of numbered things by their hash: what stands behind rib_find().
 *
 * Extendible hashing (Fagin and others, 1979): a directory of segments, each a
 * small table of (hash, id).  A segment that is full is split in two, so nothing
 * but the directory, 16 octets for each few hundred entries, is ever rehashed as a whole.
 * As the hashes stand beside the ids, neither a look for something that is not
 * there nor a split touches the things themselves, which in a large table are in
 * no cache; and as the directory has what there is to know of a segment, a look
 * goes from there right to the entry.
 *
 * Entries stand in buckets, each one line of the processor's cache: in the bucket
 * that their hash says, or, when that is full, in the next one that is not.  A hash
 * is compared with the eight of a bucket in a few instructions.  The last bits of a hash
 * have no say in where it stands: things that come together and differ in these
 * alone share a line.
 *
 * Hashes have to be keyed but for these last bits: whoever could choose them could
 * fill as many buckets in a row as they liked.
 */
#ifndef BGPD_CORE_IDX_H
#define BGPD_CORE_IDX_H

#include <stddef.h>
#include <stdint.h>

#define IDX_BUCKET 8

/* GCC's vectors are there for every processor. */
typedef uint32_t idx_four __attribute__((vector_size(16)));

/* Filled in order: when the last id is 0 the bucket is not full. */
struct idx_bucket {
	union {
		uint32_t hash[IDX_BUCKET];
		idx_four hashes[IDX_BUCKET / 4];
	};
	union {
		uint32_t id[IDX_BUCKET]; /* 0: free, and no more after it */
		idx_four ids[IDX_BUCKET / 4];
	};
};

/* A segment, as the directory has it: in `span` places, of which n counts in the first alone. */
struct idx_seg {
	struct idx_bucket *bucket;
	uint32_t n;	   /* entries */
	uint32_t size : 24; /* buckets */
	uint32_t depth : 8; /* so many of the hash's upper bits are the same for all */
};

struct idx {
	struct idx_seg *dir; /* 2^depth, by the hash's upper bits; several may be one segment */
	uint8_t depth;
};

/* An empty index; and give all memory back. */
void idx_init(struct idx *x);
void idx_free(struct idx *x);

/* Put an id (not 0) in under its hash; it must not be in. */
void idx_add(struct idx *x, uint32_t hash, uint32_t id);

/* Take out what idx_add() put in under that hash. */
void idx_del(struct idx *x, uint32_t hash, uint32_t id);

/* Octets allocated. */
size_t idx_octets(const struct idx *x);

static inline const struct idx_seg *
idx_seg_of(const struct idx *x, uint32_t hash)
{
	return &x->dir[(uint64_t)hash >> (32 - x->depth)];
}

/* The bucket where a hash should stand. */
static inline uint32_t
idx_home(const struct idx_seg *s, uint32_t hash)
{
	return (uint32_t)((uint64_t)(hash << s->depth) * s->size >> 32);
}

/*
 * Have the processor fetch what a look for the hash begins with.  Always inline: for GCC a
 * function that does nothing else has no effect, and it leaves out the call.
 */
static inline __attribute__((always_inline)) void
idx_fetch(const struct idx *x, uint32_t hash)
{
	const struct idx_seg *s = idx_seg_of(x, hash);

	__builtin_prefetch(&s->bucket[idx_home(s, hash)]);
}

/* Bits of the places, among eight, with that value. */
static inline unsigned
idx_match(const idx_four v[IDX_BUCKET / 4], uint32_t value)
{
	typedef uint64_t two __attribute__((vector_size(16)));
	const idx_four all = { value, value, value, value };
	two m = (two)((idx_four)(v[0] == all) & (idx_four){ 1, 2, 4, 8 }) |
	    (two)((idx_four)(v[1] == all) & (idx_four){ 16, 32, 64, 128 });
	uint64_t half = m[0] | m[1];

	return (unsigned)(half | half >> 32);
}

/* A walk over the ids that have just one hash; nothing may be added or taken out meanwhile. */
struct idx_walk {
	const struct idx_seg *s;
	uint32_t k, hash;
	unsigned found; /* in bucket k, and not told yet */
};

static inline struct idx_walk
idx_walk(const struct idx *x, uint32_t hash)
{
	const struct idx_seg *s = idx_seg_of(x, hash);
	uint32_t k = idx_home(s, hash);

	return (struct idx_walk){ s, k, hash, idx_match(s->bucket[k].hashes, hash) };
}

/* The next one; 0: no more. */
static inline uint32_t
idx_next(struct idx_walk *w)
{
	unsigned i;

	while (!w->found) {
		if (!w->s->bucket[w->k].id[IDX_BUCKET - 1])
			return 0;
		w->k = w->k + 1 < w->s->size ? w->k + 1 : 0;
		w->found = idx_match(w->s->bucket[w->k].hashes, w->hash);
	}
	i = (unsigned)__builtin_ctz(w->found);
	w->found &= w->found - 1;
	return w->s->bucket[w->k].id[i];
}

/*
 * The first of them in the bucket where it should stand, which is nearly always all; 0: none
 * there.  When that bucket is full the next one is fetched.
 */
static inline uint32_t
idx_guess(const struct idx *x, uint32_t hash)
{
	const struct idx_seg *s = idx_seg_of(x, hash);
	uint32_t k = idx_home(s, hash);
	const struct idx_bucket *b = &s->bucket[k];
	unsigned found = idx_match(b->hashes, hash);

	if (found)
		return b->id[__builtin_ctz(found)];
	if (b->id[IDX_BUCKET - 1])
		__builtin_prefetch(&s->bucket[k + 1 < s->size ? k + 1 : 0]);
	return 0;
}

#endif
