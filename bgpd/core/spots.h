/*
 * The prefixes of an UPDATE, and where to look for them, some at a time.
 *
 * In a large table a look costs accesses to memory that is in no cache, one after the
 * other, and nothing but to have those of several prefixes overlap makes them cheaper.
 * So it goes in steps, each for all prefixes at hand: their places are computed and
 * asked for (spots_begin(), spots_next()), then what is behind these (spots_approach()),
 * then they are used.  What else there is to do goes in between: the first prefixes of an
 * UPDATE's own field (IPv4) are asked for before its attributes are decoded.
 */
#ifndef BGPD_CORE_SPOTS_H
#define BGPD_CORE_SPOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/nlri.h"
#include "bgpd/core/rib.h"
#include "lib/wire.h"

#define SPOTS 16

struct spot {
	struct nlri n;
	uint32_t place; /* rib_seek() */
	uint32_t guess; /* its destination, most likely (rib_approach()) */
};

struct spots {
	const struct rib *rib;
	const uint8_t *from; /* where the field begins, as the name of what was begun; NULL: nothing */
	struct rd left;	     /* of the field */
	bool path_ids;
	size_t n; /* prefixes at hand; 0: that was the last one, or the next does not read */
	struct spot v[SPOTS];
};

/* The first prefixes of a field, which is borrowed until the last one was used. */
void spots_begin(struct spots *s, const struct rib *rib, struct rd field, bool path_ids);

/* Was that field of that table begun, and nothing else since? */
bool spots_are_of(const struct spots *s, const struct rib *rib, const struct rd *field);

/* The next ones; s->n tells how many. */
void spots_next(struct spots *s);

/* Have the processor fetch what those at hand will need next. */
void spots_approach(struct spots *s);

/* What was begun is of no use any more: the field's memory may become another's. */
void spots_end(struct spots *s);

#endif
