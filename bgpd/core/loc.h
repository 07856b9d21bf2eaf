/*
 * Loc-RIB: runs the decision process on queued destinations and tells those
 * who have to know: the FIB and the update groups.
 */
#ifndef BGPD_CORE_LOC_H
#define BGPD_CORE_LOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/decide.h"

struct path;
struct nh;
struct rpeer;
struct speaker;
struct rib;

/* Scratch for one decision, grown to the most paths a destination ever had. */
struct loc_scratch {
	struct decide_cand *cand;
	uint32_t *order;
	size_t cap;
};

/* The destination has to be decided (again). i: index of the family. */
void loc_touch(struct speaker *sp, unsigned i, uint32_t dest);
/* All of them. */
void loc_touch_all(struct speaker *sp, unsigned i);

/* Decide some of what is queued; takes from *units. */
void loc_work(struct speaker *sp, unsigned i, int *units);

/* Is something queued, in any family? */
bool loc_busy(const struct speaker *sp);

/* May that peer name that next hop, as far as links go?  For one that resolves. */
bool loc_next_hop_shared(const struct rpeer *rp, const struct nh *nh);

/* May the path be used at all: accepted, alive, next hop resolved and on a shared link? */
bool loc_eligible(const struct speaker *sp, unsigned i, uint32_t path);

/*
 * The candidates of a destination, ordered by the decision process with their
 * steps, in sp->loc->cand.  Returns how many; *ret_used of them are used.
 * Changes nothing: for views.
 */
size_t loc_explain(struct speaker *sp, unsigned i, uint32_t dest, size_t *ret_used);

#endif
