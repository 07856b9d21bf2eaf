/*
 * A crit-bit tree of prefixes.  See ptree.h.
 *
 * A walk down looks at bits only and ends at some leaf; the leaf's prefix and the one
 * looked for then tell the first bit in which they differ, and so where on the way the
 * tree has nothing for it.  Neighbours follow from the way that was taken.
 */
#include "agent/core/ptree.h"

#include "lib/mem.h"

/*
 * A node: the kid for 0 in the lowest 25 bits, the one for 1 in the next, and above both the
 * first bit in which what is below differs. A kid is a node, or, with LEAF, a number.
 */
#define LEAF	  (1u << PTREE_NO_BITS)
#define KID_BITS  (PTREE_NO_BITS + 1)
#define KID_MASK  ((1u << KID_BITS) - 1)
#define NBITS	  PTREE_BITS
#define CAP_FIRST 64

static uint32_t
kid_of(const struct ptree *t, uint32_t node, unsigned side)
{
	return (uint32_t)(t->node[node] >> side * KID_BITS) & KID_MASK;
}

static unsigned
bit_at(const struct ptree *t, uint32_t node)
{
	return (unsigned)(t->node[node] >> 2 * KID_BITS);
}

static void
set_kid(struct ptree *t, uint32_t node, unsigned side, uint32_t kid)
{
	uint64_t was = t->node[node] & ~((uint64_t)KID_MASK << side * KID_BITS);

	t->node[node] = was | (uint64_t)kid << side * KID_BITS;
}

static struct ptree_key
key_of(const struct ip_prefix *p)
{
	uint64_t len = p->len;

	if (p->af == IP4)
		return (struct ptree_key){ { ip_word(p->b) | len << 24 } };
	return (struct ptree_key){ { ip_word(p->b), ip_word(p->b + 8), len << 56 } };
}

static unsigned
bit_of(const struct ptree_key *k, unsigned i)
{
	return k->w[i >> 6] >> (63 - (i & 63)) & 1;
}

/* The first bit in which they differ; NBITS: none. */
static unsigned
first_difference(const struct ptree_key *a, const struct ptree_key *b)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		if (a->w[i] != b->w[i])
			return i * 64 + (unsigned)__builtin_clzll(a->w[i] ^ b->w[i]);
	return NBITS;
}

static struct ptree_key
leaf_key(const struct ptree *t, uint32_t leaf)
{
	struct ip_prefix p;

	t->prefix(t->ctx, leaf, &p);
	return key_of(&p);
}

void
ptree_init(
    struct ptree *t, void (*prefix)(const void *ctx, uint32_t no, struct ip_prefix *ret), void *ctx)
{
	*t = (struct ptree){ .prefix = prefix, .ctx = ctx };
	t->last = mem_zalloc(sizeof(*t->last));
}

void
ptree_free(struct ptree *t)
{
	mem_free(t->node);
	mem_free(t->last);
	*t = (struct ptree){ 0 };
}

/* ---- ways ------------------------------------------------------------------------ */

/* From depth n, where w has come to `at`, down to the leaf that the bits of k lead to. */
static void
walk_on(const struct ptree *t, const struct ptree_key *k, struct ptree_way *w, unsigned n, uint32_t at)
{
	while (!(at & LEAF)) {
		unsigned side = bit_of(k, bit_at(t, at));

		w->node[n] = at;
		w->kid[n++] = (uint8_t)side;
		at = kid_of(t, at, side);
	}
	w->n = n;
	w->leaf = at & ~LEAF;
}

/* The whole way; the tree is not empty. */
static void
walk(const struct ptree *t, const struct ptree_key *k, struct ptree_way *w)
{
	walk_on(t, k, w, 0, t->root);
}

/* How many nodes of the way look at bits before d. */
static unsigned
depth_of(const struct ptree *t, const struct ptree_way *w, unsigned d)
{
	unsigned n = w->n;

	if (n > 0 && bit_at(t, w->node[n / 2]) >= d)
		n /= 2;
	while (n > 0 && bit_at(t, w->node[n - 1]) >= d)
		n--;
	return n;
}

/* What hangs at depth n of the way. */
static uint32_t
hangs_at(const struct ptree_way *w, unsigned n)
{
	if (n < w->n)
		return w->node[n];
	return w->leaf | LEAF;
}

/* The last way leads to where k is, or would be. */
static struct ptree_way *
way_to(const struct ptree *t, const struct ptree_key *k)
{
	struct ptree_last *last = t->last;
	struct ptree_way *w = &last->way;
	unsigned n = 0;

	if (last->known && w->n > 0)
		n = depth_of(t, w, first_difference(k, &last->key));
	walk_on(t, k, w, n, n > 0 ? hangs_at(w, n) : t->root);
	last->known = true;
	last->key = *k;
	return w;
}

/* The outermost leaf of that side below. */
static uint32_t
outermost(const struct ptree *t, uint32_t at, unsigned side)
{
	while (!(at & LEAF))
		at = kid_of(t, at, side);
	return at & ~LEAF;
}

/* The leaf next to all that hangs at depth n of the way, on that side; 0: none. */
static uint32_t
beside(const struct ptree *t, const struct ptree_way *w, unsigned n, unsigned side)
{
	while (n-- > 0)
		if (w->kid[n] != side)
			return outermost(t, kid_of(t, w->node[n], side), !side);
	return 0;
}

/* ---- changes ----------------------------------------------------------------------- */

static uint32_t
node_take(struct ptree *t)
{
	uint32_t i = t->free;

	if (i != 0) {
		t->free = kid_of(t, i, 0);
		return i;
	}
	if (t->used + 1 >= t->cap) { /* node 0 is none */
		t->cap = t->cap ? t->cap + t->cap / 2 : CAP_FIRST;
		t->node = mem_realloc_array(t->node, t->cap, sizeof *t->node);
	}
	return ++t->used;
}

/* Let `now` hang where depth n of the way leads. */
static void
hang(struct ptree *t, const struct ptree_way *w, unsigned n, uint32_t now)
{
	if (n == 0)
		t->root = now;
	else
		set_kid(t, w->node[n - 1], w->kid[n - 1], now);
}

/* Put it in at the first bit in which it differs from the leaf at the way's end. */
static void
put_at(struct ptree *t, struct ptree_way *w, const struct ptree_key *k, unsigned d, uint32_t no)
{
	unsigned n = depth_of(t, w, d), side = bit_of(k, d);
	uint32_t i = node_take(t);

	t->node[i] = (uint64_t)d << 2 * KID_BITS;
	set_kid(t, i, side, no | LEAF);
	set_kid(t, i, !side, hangs_at(w, n));
	hang(t, w, n, i);
	w->node[n] = i;
	w->kid[n] = (uint8_t)side;
	w->n = n + 1;
	w->leaf = no;
}

uint32_t
ptree_put(struct ptree *t, const struct ip_prefix *p, uint32_t no)
{
	struct ptree_key k = key_of(p), have;
	struct ptree_way *w;
	unsigned d;

	if (t->n == 0) {
		t->root = no | LEAF;
		t->n = 1;
		return 0;
	}
	w = way_to(t, &k);
	have = leaf_key(t, w->leaf);
	d = first_difference(&k, &have);
	if (d == NBITS)
		return w->leaf;
	put_at(t, w, &k, d, no);
	t->n++;
	return 0;
}

bool
ptree_remove(struct ptree *t, const struct ip_prefix *p)
{
	struct ptree_key k = key_of(p), have;
	struct ptree_way *w;
	uint32_t up, other;

	if (t->n == 0)
		return false;
	w = way_to(t, &k);
	have = leaf_key(t, w->leaf);
	if (first_difference(&k, &have) != NBITS)
		return false;
	t->n--;
	if (w->n == 0) {
		t->last->known = false;
		return true;
	}
	up = w->node[w->n - 1];
	other = kid_of(t, up, !w->kid[w->n - 1]);
	hang(t, w, w->n - 1, other);
	walk_on(t, &k, w, w->n - 1, other);
	t->node[up] = t->free;
	t->free = up;
	return true;
}

/* ---- looking ------------------------------------------------------------------------- */

uint32_t
ptree_find(const struct ptree *t, const struct ip_prefix *p)
{
	struct ptree_key k = key_of(p), have;
	uint32_t at = t->root;

	if (t->n == 0)
		return 0;
	while (!(at & LEAF))
		at = kid_of(t, at, bit_of(&k, bit_at(t, at)));
	have = leaf_key(t, at & ~LEAF);
	return first_difference(&k, &have) == NBITS ? at & ~LEAF : 0;
}

uint32_t
ptree_first(const struct ptree *t)
{
	return t->n == 0 ? 0 : outermost(t, t->root, 0);
}

uint32_t
ptree_after(const struct ptree *t, const struct ip_prefix *p)
{
	struct ptree_key k = key_of(p), have;
	const struct ptree_way *w;
	unsigned d, n;

	if (t->n == 0)
		return 0;
	w = way_to(t, &k);
	have = leaf_key(t, w->leaf);
	d = first_difference(&k, &have);
	if (d == NBITS)
		return beside(t, w, w->n, 1);
	n = depth_of(t, w, d);
	if (bit_of(&k, d) == 0) /* all that hangs there comes after it */
		return outermost(t, hangs_at(w, n), 0);
	return beside(t, w, n, 1);
}

/* The last one at or before k. */
static uint32_t
floor_of(const struct ptree *t, const struct ptree_key *k)
{
	struct ptree_key have;
	struct ptree_way w;
	unsigned d, n;

	walk(t, k, &w);
	have = leaf_key(t, w.leaf);
	d = first_difference(k, &have);
	if (d == NBITS)
		return w.leaf;
	n = depth_of(t, &w, d);
	if (bit_of(k, d) == 1)
		return outermost(t, hangs_at(&w, n), 1);
	return beside(t, &w, n, 0);
}

/* As lib/trie: the floor is the answer, or the answer is no longer than what they share. */
uint32_t
ptree_covering(const struct ptree *t, const struct ip_prefix *p)
{
	struct ip_prefix cut = *p, have;
	uint32_t no;

	while (t->n > 0) {
		struct ptree_key k = key_of(&cut);

		no = floor_of(t, &k);
		if (no == 0)
			return 0;
		t->prefix(t->ctx, no, &have);
		if (ip_prefix_contains(&have, &cut))
			return no;
		cut.len = ip_common_bits(have.b, cut.b, cut.len);
		ip_prefix_mask(&cut);
	}
	return 0;
}
