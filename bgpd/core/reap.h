/*
 * Giving back the ids of destinations that have no paths any more, and of
 * paths that update groups knew by them (RFC 7911, group.h).
 *
 * An id may be used again only when nobody refers to it: no update group
 * announces it or has it queued, no walking member has yet to withdraw it, the
 * agent was told, and no chunk that somebody still reads names it.  A
 * destination outlives its buried paths.  The
 * reaper looks now and then, in slices: first ids become unreferenced but for
 * the logs (limbo), then every log that can name them has to move past the
 * place it had then.  Each kind goes its own pace: a peer that does not read
 * holds up no numbers that it was never told.
 */
#ifndef BGPD_CORE_REAP_H
#define BGPD_CORE_REAP_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/bitq.h"
#include "bgpd/core/timer.h"

struct speaker;

#define REAP_EVERY_US 500000

enum reap_state {
	REAP_REST,
	REAP_FILL,  /* looking over the dying, in slices */
	REAP_WAIT,  /* for the logs */
	REAP_EMPTY, /* freeing what is in limbo, in slices */
};

/* Kinds of ids, of two families each: the index of the family is added.  Paths go first. */
enum reap_kind { REAP_PATHS = 0, REAP_DESTS = 2, REAP_NKINDS = 4 };

struct reaper {
	struct bitq dying[REAP_NKINDS], limbo[REAP_NKINDS];
	uint32_t left[REAP_NKINDS]; /* to be looked at in this REAP_FILL */
	enum reap_state state[REAP_NKINDS];
	struct timer timer; /* of the next look */
};

/* At the speaker's start and end. */
void reap_init(struct speaker *sp);
void reap_free(struct speaker *sp);

/* A destination has lost its last path, or a path was buried. k: kind and family. */
void reap_dying(struct speaker *sp, unsigned k, uint32_t id);

/* Part of a pass that is due; takes from *units. */
void reap_work(struct speaker *sp, int *units);

static inline bool
reap_busy(const struct reaper *r)
{
	unsigned k;

	for (k = 0; k < REAP_NKINDS; k++)
		if (r->state[k] == REAP_FILL || r->state[k] == REAP_EMPTY)
			return true;
	return false;
}

#endif
