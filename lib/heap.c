/*
 * Binary heap of deadlines. See heap.h.
 */
#include "lib/heap.h"

#include "lib/mem.h"

/* Write node n into slot i (from 0). */
static void
put(struct heap *h, size_t i, struct heap_node *n)
{
	h->v[i] = n;
	n->pos = i + 1;
}

/* Move the node in slot i towards the root while it is earlier than its parent. */
static void
sift_up(struct heap *h, size_t i)
{
	struct heap_node *n = h->v[i];

	while (i > 0 && mono_before(n->when, h->v[(i - 1) / 2]->when)) {
		put(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(h, i, n);
}

/* Move the node in slot i away from the root while a child is earlier. */
static void
sift_down(struct heap *h, size_t i)
{
	struct heap_node *n = h->v[i];
	size_t kid;

	while ((kid = 2 * i + 1) < h->n) {
		if (kid + 1 < h->n && mono_before(h->v[kid + 1]->when, h->v[kid]->when))
			kid++;
		if (!mono_before(h->v[kid]->when, n->when))
			break;
		put(h, i, h->v[kid]);
		i = kid;
	}
	put(h, i, n);
}

void
heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void
heap_free(struct heap *h)
{
	for (size_t i = 0; i < h->n; i++)
		h->v[i]->pos = 0;
	mem_free(h->v);
	heap_init(h);
}

void
heap_set(struct heap *h, struct heap_node *n, struct mono_us when)
{
	if (mono_is_never(when)) {
		heap_remove(h, n);
		return;
	}
	n->when = when;
	if (n->pos == 0) {
		if (h->n == h->cap) {
			h->cap = h->cap > 0 ? 2 * h->cap : 16;
			h->v = mem_realloc_array(h->v, h->cap, sizeof(*h->v));
		}
		put(h, h->n++, n);
	}
	sift_up(h, n->pos - 1);
	sift_down(h, n->pos - 1);
}

void
heap_remove(struct heap *h, struct heap_node *n)
{
	size_t i = n->pos - 1;
	struct heap_node *last;

	if (n->pos == 0)
		return;
	n->pos = 0;
	last = h->v[--h->n];
	if (last == n)
		return;
	put(h, i, last);
	sift_up(h, i);
	sift_down(h, last->pos - 1);
}

struct heap_node *
heap_min(const struct heap *h)
{
	return h->n > 0 ? h->v[0] : NULL;
}

struct mono_us
heap_deadline(const struct heap *h)
{
	return h->n > 0 ? h->v[0]->when : MONO_NEVER;
}

struct heap_node *
heap_pop_due(struct heap *h, struct mono_us now)
{
	struct heap_node *n = heap_min(h);

	if (!n || !mono_reached(now, n->when))
		return NULL;
	heap_remove(h, n);
	return n;
}
