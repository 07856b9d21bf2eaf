/*
 * Where things are, by their ids: numbers from 1 that are used again, so that they stay small.
 *
 * One word for each id up to the largest that was ever set: an id from outside is checked before.
 * All zeros is an empty map; the things and their array are the caller's.
 */
#ifndef LIB_IDMAP_H
#define LIB_IDMAP_H

#include <stddef.h>
#include <stdint.h>

#define IDMAP_NONE SIZE_MAX

struct idmap {
	uint32_t *at; /* by id: place + 1; 0: nowhere */
	size_t n;
};

/* The id's place, or IDMAP_NONE; any number may be asked for. */
static inline size_t
idmap_get(const struct idmap *m, uint32_t id)
{
	return id < m->n && m->at[id] ? m->at[id] - 1u : IDMAP_NONE;
}

/* The id is found at that place from now on, below UINT32_MAX; with IDMAP_NONE nowhere. */
void idmap_set(struct idmap *m, uint32_t id, size_t place);

/* Nothing is found any more; memory is given back. */
void idmap_free(struct idmap *m);

#endif
