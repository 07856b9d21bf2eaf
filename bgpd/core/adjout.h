/*
 * Batches of changes on their way into UPDATEs.
 *
 * Whoever has something to announce (an update group with changed
 * destinations, or a member that walks the table) fills a batch with
 * destinations; those with the same attributes and the same audience gather
 * in one bucket and leave in as few messages as possible, in the order in
 * which the buckets came up.
 */
#ifndef BGPD_CORE_ADJOUT_H
#define BGPD_CORE_ADJOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/attrs.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/nlri.h"
#include "bgpd/core/rib.h"

#define BATCH_MAX   1024
#define BATCH_INDEX (2 * BATCH_MAX)

struct batch_item {
	uint32_t id;	/* destination, or path (group.h) */
	uint16_t old;	/* vis of what was announced before */
	uint16_t next;	/* in the bucket; BATCH_MAX: last */
};

struct batch_bucket {
	const struct attrs *attrs; /* of the source, borrowed; NULL: withdrawals */
	uint16_t vis, n, first, last;
	bool same; /* only who may see it changed */
};

struct batch {
	uint16_t nitems, nbuckets;
	struct batch_item item[BATCH_MAX];
	struct batch_bucket bucket[BATCH_MAX];
	uint16_t index[BATCH_INDEX]; /* hash of a bucket's key to its number plus one */
	/* The last answer of policy_exportable(): prefixes come in runs of one set. */
	const struct attrs *asked;
	uint16_t asked_of;
	bool exportable;
	/* One bucket at a time, as the encoder and the log want it. */
	struct nlri nlri[BATCH_MAX];
	uint32_t id[BATCH_MAX];
	uint16_t old[BATCH_MAX];
	/* An UPDATE of it: here, as so much stack would cost more than encoding one. */
	uint8_t msg[BGP_MAX_EXT_OCTETS];
};

/* Empty it. */
void batch_clear(struct batch *b);

static inline bool
batch_full(const struct batch *b)
{
	return b->nitems == BATCH_MAX;
}

/*
 * A destination whose announcement becomes attrs as seen by vis (attrs NULL:
 * nothing; vis then tells former audiences apart). The batch must not be full.
 */
void batch_add(struct batch *b, uint32_t id, const struct attrs *attrs, uint16_t vis, bool same,
    uint16_t old);

/* The bucket's items into b->nlri, b->id and b->old, in order; returns how many. */
size_t batch_load(struct batch *b, const struct batch_bucket *k, const struct rib *rib,
    bool by_path);

#endif
