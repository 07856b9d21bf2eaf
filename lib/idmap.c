/*
 * See idmap.h.
 */
#include "lib/idmap.h"

#include <string.h>

#include "lib/mem.h"

static void
reserve(struct idmap *m, uint32_t id)
{
	size_t n = id + (size_t)id / 2 + 16;

	m->at = mem_realloc_array(m->at, n, sizeof *m->at);
	memset(m->at + m->n, 0, (n - m->n) * sizeof *m->at);
	m->n = n;
}

void
idmap_set(struct idmap *m, uint32_t id, size_t place)
{
	if (id >= m->n) {
		if (place == IDMAP_NONE)
			return;
		reserve(m, id);
	}
	m->at[id] = place == IDMAP_NONE ? 0 : (uint32_t)(place + 1);
}

void
idmap_free(struct idmap *m)
{
	mem_free(m->at);
	*m = (struct idmap){ 0 };
}
