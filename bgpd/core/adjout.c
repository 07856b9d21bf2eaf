/*
 * Batches of changes.  See adjout.h.
 *
 * Buckets are found by an open-addressed table, twice as large as a batch can
 * ever fill; they keep the order in which they came up, so that the output
 * depends on the input only, not on addresses of memory.
 */
#include "bgpd/core/adjout.h"

#include <string.h>

#include "bgpd/core/group.h"

#define NO_ITEM BATCH_MAX

void
batch_clear(struct batch *b)
{
	b->nitems = b->nbuckets = 0;
	b->asked = NULL;
	memset(b->index, 0, sizeof(b->index));
}

static bool
is_bucket(const struct batch_bucket *k, const struct attrs *attrs, uint16_t vis, bool same)
{
	return k->attrs == attrs && k->vis == vis && k->same == same;
}

static struct batch_bucket *
find_bucket(struct batch *b, const struct attrs *attrs, uint16_t vis, bool same)
{
	uint32_t h = (attrs ? (uint32_t)attrs->node.hash : 0) + vis * 31u + same;
	struct batch_bucket *k;

	for (h %= BATCH_INDEX; b->index[h]; h = (h + 1) % BATCH_INDEX) {
		k = &b->bucket[b->index[h] - 1];
		if (is_bucket(k, attrs, vis, same))
			return k;
	}
	k = &b->bucket[b->nbuckets++];
	b->index[h] = b->nbuckets;
	*k = (struct batch_bucket){
		.attrs = attrs, .vis = vis, .same = same, .first = NO_ITEM, .last = NO_ITEM
	};
	return k;
}

void
batch_add(struct batch *b, uint32_t id, const struct attrs *attrs, uint16_t vis, bool same,
    uint16_t old)
{
	struct batch_bucket *k = find_bucket(b, attrs, vis, same);
	uint16_t at = b->nitems++;

	b->item[at] = (struct batch_item){ .id = id, .old = old, .next = NO_ITEM };
	if (k->first == NO_ITEM)
		k->first = at;
	else
		b->item[k->last].next = at;
	k->last = at;
	k->n++;
}

size_t
batch_load(struct batch *b, const struct batch_bucket *k, const struct rib *rib, bool by_path)
{
	uint16_t at;
	size_t n = 0;

	for (at = k->first; at != NO_ITEM; at = b->item[at].next, n++) {
		b->id[n] = b->item[at].id;
		b->old[n] = b->item[at].old;
		group_nlri(rib, by_path, b->item[at].id, &b->nlri[n]);
	}
	return n;
}
