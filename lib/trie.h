/*
 * Prefixes in order, with longest match. Intrusive: the caller embeds a
 * `struct trie_node` in its own struct, owns its memory and comes back from the
 * node with container_of() (lib/list.h).
 *
 * It answers what a prefix trie answers, and is one height-balanced tree in
 * prefix order (ip_prefix_cmp: a prefix comes right before all it contains).
 * A path-compressed trie needs up to one branch node more per route, 48 octets
 * each, which the memory budget of a million routes does not have; a longest
 * match here is a few descents instead of one, each of at most 1.44 log2 n steps.
 *
 * Both families may live in one trie (IPv4 sorts first), or have one each.
 * No recursion; nothing allocates; no operation costs more than O(log n) but the
 * longest match (times the number of bits, in the worst case).
 *
 * Long walks in slices: keep the last prefix handled (by value) and go on with
 * trie_after(); entries may come and go between the slices.
 */
#ifndef LIB_TRIE_H
#define LIB_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"

struct trie_node {
	struct trie_node *up, *kid[2];
	struct ip_prefix prefix; /* set by trie_insert(); read only for the caller */
	int8_t tilt; /* height of kid[1] less height of kid[0] */
};

struct trie {
	struct trie_node *root;
	size_t n; /* entries */
};

/* An empty trie (all zeros is one, too). */
void trie_init(struct trie *t);

/*
 * Put n into t under p (p must be masked; it is copied). Returns NULL when done,
 * or the node that already holds p, and then n is unchanged.
 */
struct trie_node *trie_insert(struct trie *t, struct trie_node *n, const struct ip_prefix *p);

/* Take n, which must be in t, out of it. Other nodes' addresses and prefixes stay. */
void trie_remove(struct trie *t, struct trie_node *n);

/* The node of exactly p, or NULL. */
struct trie_node *trie_find(const struct trie *t, const struct ip_prefix *p);

/* The longest entry that holds the address, or NULL. */
struct trie_node *trie_lpm(const struct trie *t, const struct ip_addr *a);

/* The longest entry that contains p; p itself counts. NULL when none does. */
struct trie_node *trie_covering(const struct trie *t, const struct ip_prefix *p);

/* The next shorter entry that contains n's prefix, or NULL: walks up from trie_lpm(). */
struct trie_node *trie_lpm_next_shorter(const struct trie *t, const struct trie_node *n);

/* The first and last entry, NULL in an empty trie. */
struct trie_node *trie_first(const struct trie *t);
struct trie_node *trie_last(const struct trie *t);

/* The entry after (before) n in prefix order, or NULL. To remove n while walking, ask before. */
struct trie_node *trie_next(const struct trie_node *n);
struct trie_node *trie_prev(const struct trie_node *n);

/* The first entry above p in prefix order, whether p itself is there or not. NULL at the end. */
struct trie_node *trie_after(const struct trie *t, const struct ip_prefix *p);

/* The first entry inside p (p itself counts), and the one after n inside p; NULL at the end. */
struct trie_node *trie_first_below(const struct trie *t, const struct ip_prefix *p);
struct trie_node *trie_next_below(const struct trie_node *n, const struct ip_prefix *p);

/* Every entry in order; the current one must stay in the trie. */
#define TRIE_FOREACH(n, t) for ((n) = trie_first(t); (n); (n) = trie_next(n))

/* The same, where the current entry may be removed and freed. */
#define TRIE_FOREACH_SAFE(n, tmp, t)                                                               \
	for ((n) = trie_first(t); (n) && ((tmp) = trie_next(n), 1); (n) = (tmp))

#endif
