/*
 * Prefixes in a height-balanced tree (AVL), ordered by ip_prefix_cmp(). See trie.h.
 *
 * Longest match without branch nodes: let f be the last entry at or before the
 * key in prefix order. Every entry that contains the key sorts at or before f and
 * contains f, too. So f is the answer, or the answer is no longer than what f and
 * the key have in common: cut the key to that and ask again. Each round shortens
 * the key, so there are at most as many as the key has bits; routes as they occur
 * need two or three.
 */
#include "lib/trie.h"

/* node->tilt is -1, 0 or 1 between the operations. */

void
trie_init(struct trie *t)
{
	*t = (struct trie){ 0 };
}

/* Make `now` take the place of `was` under was's parent. */
static void
replace_in_parent(struct trie *t, struct trie_node *was, struct trie_node *now)
{
	struct trie_node *up = was->up;

	if (!up)
		t->root = now;
	else
		up->kid[up->kid[1] == was] = now;
	if (now)
		now->up = up;
}

/* Rotate n down to side d; its other child, which must exist, takes its place. */
static struct trie_node *
rotate(struct trie *t, struct trie_node *n, int d)
{
	struct trie_node *top = n->kid[!d], *middle = top->kid[d];

	replace_in_parent(t, n, top);
	n->kid[!d] = middle;
	if (middle)
		middle->up = n;
	top->kid[d] = n;
	n->up = top;
	return top;
}

/*
 * n leans by two to side d: rotate until it is balanced again, and return the root
 * of this subtree. Its tilt tells whether the subtree became lower: 0 if so.
 */
static struct trie_node *
rebalance(struct trie *t, struct trie_node *n, int d)
{
	int8_t lean = d ? 1 : -1;
	struct trie_node *kid = n->kid[d], *top;

	if (kid->tilt != -lean) { /* one rotation */
		n->tilt = kid->tilt == 0 ? lean : 0;
		kid->tilt = kid->tilt == 0 ? (int8_t)-lean : 0;
		return rotate(t, n, !d);
	}
	top = rotate(t, kid, d);
	n->tilt = top->tilt == lean ? (int8_t)-lean : 0;
	kid->tilt = top->tilt == -lean ? lean : 0;
	top->tilt = 0;
	return rotate(t, n, !d);
}

/* The subtree at side d of n became one higher: go up until no height changes. */
static void
grown(struct trie *t, struct trie_node *n, int d)
{
	for (; n; d = n->up && n->up->kid[1] == n, n = n->up) {
		n->tilt = (int8_t)(n->tilt + (d ? 1 : -1));
		if (n->tilt == 0)
			return;
		if (n->tilt == 2 || n->tilt == -2) {
			rebalance(t, n, d);
			return;
		}
	}
}

/* The subtree at side d of n became one lower: go up until no height changes. */
static void
shrunk(struct trie *t, struct trie_node *n, int d)
{
	for (; n; d = n->up && n->up->kid[1] == n, n = n->up) {
		n->tilt = (int8_t)(n->tilt - (d ? 1 : -1));
		if (n->tilt == 2 || n->tilt == -2)
			n = rebalance(t, n, !d);
		if (n->tilt != 0)
			return;
	}
}

struct trie_node *
trie_insert(struct trie *t, struct trie_node *n, const struct ip_prefix *p)
{
	struct trie_node *up = NULL, *at = t->root;
	int c, d = 0;

	while (at) {
		c = ip_prefix_cmp(p, &at->prefix);
		if (c == 0)
			return at;
		up = at;
		d = c > 0;
		at = at->kid[d];
	}
	*n = (struct trie_node){ .up = up, .prefix = *p };
	if (up)
		up->kid[d] = n;
	else
		t->root = n;
	t->n++;
	grown(t, up, d);
	return NULL;
}

/* Let `heir`, n's successor taken out of the tree before, take n's place and tilt. */
static void
inherit(struct trie *t, struct trie_node *n, struct trie_node *heir)
{
	replace_in_parent(t, n, heir);
	heir->tilt = n->tilt;
	for (int d = 0; d < 2; d++) {
		heir->kid[d] = n->kid[d];
		if (heir->kid[d])
			heir->kid[d]->up = heir;
	}
}

void
trie_remove(struct trie *t, struct trie_node *n)
{
	struct trie_node *gone = n, *up, *only;
	int d;

	if (n->kid[0] && n->kid[1]) /* the successor, which has no left child */
		for (gone = n->kid[1]; gone->kid[0];)
			gone = gone->kid[0];
	only = gone->kid[0] ? gone->kid[0] : gone->kid[1];
	up = gone->up;
	d = up && up->kid[1] == gone;
	replace_in_parent(t, gone, only);
	if (gone != n) {
		inherit(t, n, gone);
		if (up == n)
			up = gone;
	}
	shrunk(t, up, d);
	t->n--;
	n->up = n->kid[0] = n->kid[1] = NULL;
}

struct trie_node *
trie_find(const struct trie *t, const struct ip_prefix *p)
{
	struct trie_node *n = t->root;
	int c;

	while (n && (c = ip_prefix_cmp(p, &n->prefix)) != 0)
		n = n->kid[c > 0];
	return n;
}

/* The last entry at or before p, or NULL. */
static struct trie_node *
floor_of(const struct trie *t, const struct ip_prefix *p)
{
	struct trie_node *n = t->root, *best = NULL;
	int c;

	while (n) {
		c = ip_prefix_cmp(p, &n->prefix);
		if (c == 0)
			return n;
		if (c > 0)
			best = n;
		n = n->kid[c > 0];
	}
	return best;
}

struct trie_node *
trie_covering(const struct trie *t, const struct ip_prefix *p)
{
	struct ip_prefix key = *p;
	struct trie_node *f;

	while ((f = floor_of(t, &key)) && f->prefix.af == key.af) {
		if (ip_prefix_contains(&f->prefix, &key))
			return f;
		key.len = ip_common_bits(f->prefix.b, key.b, key.len);
		ip_prefix_mask(&key);
	}
	return NULL;
}

struct trie_node *
trie_lpm(const struct trie *t, const struct ip_addr *a)
{
	struct ip_prefix host = ip_prefix_from_addr(a);

	return a->af == IP_NONE ? NULL : trie_covering(t, &host);
}

struct trie_node *
trie_lpm_next_shorter(const struct trie *t, const struct trie_node *n)
{
	struct ip_prefix shorter = n->prefix;

	if (shorter.len == 0)
		return NULL;
	shorter.len--;
	ip_prefix_mask(&shorter);
	return trie_covering(t, &shorter);
}

/* The outermost entry of side d at or below n, or NULL. */
static struct trie_node *
outermost(struct trie_node *n, int d)
{
	while (n && n->kid[d])
		n = n->kid[d];
	return n;
}

struct trie_node *
trie_first(const struct trie *t)
{
	return outermost(t->root, 0);
}

struct trie_node *
trie_last(const struct trie *t)
{
	return outermost(t->root, 1);
}

/* The neighbour of n on side d in prefix order, or NULL. */
static struct trie_node *
neighbour(const struct trie_node *n, int d)
{
	if (n->kid[d])
		return outermost(n->kid[d], !d);
	while (n->up && n->up->kid[d] == n)
		n = n->up;
	return n->up;
}

struct trie_node *
trie_next(const struct trie_node *n)
{
	return neighbour(n, 1);
}

struct trie_node *
trie_prev(const struct trie_node *n)
{
	return neighbour(n, 0);
}

struct trie_node *
trie_after(const struct trie *t, const struct ip_prefix *p)
{
	struct trie_node *f = floor_of(t, p);

	return f ? trie_next(f) : trie_first(t);
}

/* n if it lies inside p, else NULL. */
static struct trie_node *
inside(struct trie_node *n, const struct ip_prefix *p)
{
	return n && ip_prefix_contains(p, &n->prefix) ? n : NULL;
}

struct trie_node *
trie_first_below(const struct trie *t, const struct ip_prefix *p)
{
	struct trie_node *f = floor_of(t, p);

	if (f && ip_prefix_eq(&f->prefix, p))
		return f;
	return inside(f ? trie_next(f) : trie_first(t), p);
}

struct trie_node *
trie_next_below(const struct trie_node *n, const struct ip_prefix *p)
{
	return inside(trie_next(n), p);
}
