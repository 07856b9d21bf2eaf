/*
 * Hash map, intrusive and chained, for keys that come from outside.
 *
 * The caller embeds a `struct hmap_node`, hashes with hmap_hash() (SipHash-1-3
 * keyed with the map's secret, so that a peer cannot choose colliding keys) and
 * compares candidates itself:
 *
 *	for (n = hmap_first_with(h, hash); n; n = hmap_next_with(n))
 *		if (same(container_of(n, struct thing, node), key))
 *
 * The bucket array belongs to the map; the nodes belong to the caller. The array
 * grows and shrinks on insert only, so removing while walking is allowed.
 * SipHash: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
 */
#ifndef LIB_HMAP_H
#define LIB_HMAP_H

#include <stddef.h>
#include <stdint.h>

struct hmap_node {
	struct hmap_node *next;
	uint64_t hash;
};

struct hmap {
	struct hmap_node **bucket;
	size_t mask; /* buckets less one; a power of two less one */
	size_t n;    /* entries */
	uint64_t key[2];
};

/* SipHash with c compression and d finalisation rounds: 1-3 and 2-4. */
uint64_t siphash13(const uint64_t key[2], const void *data, size_t len);
uint64_t siphash24(const uint64_t key[2], const void *data, size_t len);

/* An empty map with its secret (from the shell's random source, or a seed in tests). */
void hmap_init(struct hmap *h, const uint64_t key[2]);

/* Give the bucket array back; the nodes are left alone. The map is empty afterwards. */
void hmap_free(struct hmap *h);

/* The hash of len octets under the map's secret. */
uint64_t hmap_hash(const struct hmap *h, const void *data, size_t len);

/* Insert n under hash. Duplicates are not looked for. No walk may be under way. */
void hmap_insert(struct hmap *h, struct hmap_node *n, uint64_t hash);

/* Take n, which must be in h, out of it. n's fields stay, so hmap_next(h, n) still works. */
void hmap_remove(struct hmap *h, struct hmap_node *n);

/* The first entry, and the next one, with exactly this hash; NULL when there is none. */
struct hmap_node *hmap_first_with(const struct hmap *h, uint64_t hash);
struct hmap_node *hmap_next_with(const struct hmap_node *n);

/* Have the processor fetch what a look for the hash begins with; a little later, what is behind that. */
static inline __attribute__((always_inline)) void
hmap_fetch(const struct hmap *h, uint64_t hash)
{
	if (h->bucket)
		__builtin_prefetch(&h->bucket[hash & h->mask]);
}

static inline __attribute__((always_inline)) void
hmap_fetch_first(const struct hmap *h, uint64_t hash)
{
	if (h->bucket)
		__builtin_prefetch(h->bucket[hash & h->mask]);
}

/* Every entry in no order. n may have been removed from h, but not freed nor re-inserted. */
struct hmap_node *hmap_first(const struct hmap *h);
struct hmap_node *hmap_next(const struct hmap *h, const struct hmap_node *n);

#define HMAP_FOREACH(n, h) for ((n) = hmap_first(h); (n); (n) = hmap_next((h), (n)))

/* The same, where the current entry may be removed and freed. */
#define HMAP_FOREACH_SAFE(n, tmp, h)                                                               \
	for ((n) = hmap_first(h); (n) && ((tmp) = hmap_next((h), (n)), 1); (n) = (tmp))

#endif
