/*
 * An index of numbered things by their hash: what stands behind rib_find().
 *
 * Extendible hashing (Fagin and others, 1979): a directory of segments, each a
 * small table of (hash, id) with linear probing.  A segment that is full is
 * split in two, so nothing but the directory, a few octets for each 512 entries,
 * is ever rehashed as a whole.  As the hashes stand beside the ids, neither a
 * look for something that is not there nor a split touches the things themselves,
 * which in a large table are in no cache.
 *
 * Hashes have to be keyed: whoever could choose them could make a segment's
 * runs long.
 */
#ifndef BGPD_CORE_IDX_H
#define BGPD_CORE_IDX_H

#include <stddef.h>
#include <stdint.h>

struct idx_entry {
	uint32_t hash, id; /* id 0: free */
};

struct idx_seg {
	uint32_t n, size; /* entries in use, and all */
	uint8_t depth;	  /* so many of the hash's upper bits are the same for all */
	struct idx_entry entry[];
};

struct idx {
	struct idx_seg **dir; /* 2^depth, by the hash's upper bits; several may be one segment */
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
	return x->dir[(uint64_t)hash >> (32 - x->depth)];
}

/* Where probing begins: entries stand in the order of their hashes, more or less. */
static inline uint32_t
idx_home(const struct idx_seg *s, uint32_t hash)
{
	return (uint32_t)((uint64_t)(hash << s->depth) * s->size >> 32);
}

/* The id that stands where probing begins, if it has the hash; 0: none does, or it stands elsewhere. */
static inline uint32_t
idx_glance(const struct idx *x, uint32_t hash)
{
	const struct idx_seg *s = idx_seg_of(x, hash);
	const struct idx_entry *e = &s->entry[idx_home(s, hash)];

	return e->hash == hash ? e->id : 0;
}

/* Have the processor fetch what a look for the hash begins with. */
static inline void
idx_fetch(const struct idx *x, uint32_t hash)
{
	const struct idx_seg *s = idx_seg_of(x, hash);

	__builtin_prefetch(&s->entry[idx_home(s, hash)]);
}

/*
 * Ids with just that hash, one after the other; 0: no more. *at is the walk's, 0 at first;
 * nothing may be added or taken out meanwhile.
 */
static inline uint32_t
idx_next(const struct idx *x, uint32_t hash, uint32_t *at)
{
	const struct idx_seg *s = idx_seg_of(x, hash);
	uint32_t k = idx_home(s, hash) + *at;
	const struct idx_entry *e;

	for (;;) {
		if (k >= s->size)
			k -= s->size;
		e = &s->entry[k++];
		++*at;
		if (e->id == 0 || e->hash == hash)
			return e->id;
	}
}

#endif
