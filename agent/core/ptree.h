/*
 * Prefixes of one family in order, by number: for tables with hundreds of thousands.
 *
 * The caller has the prefixes, in whatever it keeps under a number; the tree has the
 * numbers, and 8 octets for each.  It asks for the prefix of a number once in each
 * operation, which makes it cheaper than lib/trie, where each step compares prefixes.
 *
 * A crit-bit tree over the address and, behind it, the length: in that order a prefix
 * comes right before all that it contains, as with ip_prefix_cmp().  Nothing recurses;
 * no operation takes more than one step for each bit in which entries differ on the way.
 *
 * A walk keeps the last prefix by value and goes on with ptree_after(); entries may come
 * and go meanwhile.
 */
#ifndef AGENT_CORE_PTREE_H
#define AGENT_CORE_PTREE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ip.h"

#define PTREE_BITS 136 /* of the longest key: an IPv6 address and a length */

/* Bit 0 is the highest of the first word. */
struct ptree_key {
	uint64_t w[3];
};

/* The nodes from the root to a leaf, and which kid was taken at each. */
struct ptree_way {
	uint32_t node[PTREE_BITS];
	uint8_t kid[PTREE_BITS];
	unsigned n;
	uint32_t leaf; /* number */
};

/*
 * The way that was gone last, which is most of the next one's: prefixes are put in, walked
 * over, and taken out mostly in order.
 */
struct ptree_last {
	struct ptree_way way;
	struct ptree_key key;
	bool known;
};

#define PTREE_NO_BITS 24 /* of a number of the caller's */

struct ptree {
	uint64_t *node;	/* two kids and a bit; see ptree.c */
	uint32_t root, n, cap, used, free; /* used: nodes ever taken; free: list, by the first kid */
	struct ptree_last *last; /* of ptree_put(), ptree_remove() and ptree_after() */
	void *ctx;
	void (*prefix)(const void *ctx, uint32_t no, struct ip_prefix *ret);
};

/* Nothing in it. prefix() gives the prefix of a number that is in the tree; ctx is borrowed. */
void ptree_init(
    struct ptree *t, void (*prefix)(const void *ctx, uint32_t no, struct ip_prefix *ret), void *ctx);
void ptree_free(struct ptree *t);

/*
 * Put p (masked) in under no, which is 1 to 2^PTREE_NO_BITS - 1. Returns 0 when done, or the number
 * that has p already, and then nothing has changed.
 */
uint32_t ptree_put(struct ptree *t, const struct ip_prefix *p, uint32_t no);
/* Take p out; its number must still have its prefix. False: it is not there. */
bool ptree_remove(struct ptree *t, const struct ip_prefix *p);

/* All of these return a number, or 0 when there is none. */
uint32_t ptree_find(const struct ptree *t, const struct ip_prefix *p);
uint32_t ptree_first(const struct ptree *t);
/* The first above p in prefix order, whether p itself is there or not. */
uint32_t ptree_after(const struct ptree *t, const struct ip_prefix *p);
/* The longest that contains p; p itself counts. */
uint32_t ptree_covering(const struct ptree *t, const struct ip_prefix *p);

#endif
