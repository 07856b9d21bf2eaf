/*
 * Deadlines: a binary heap keyed by time, intrusive, no clock inside.
 *
 * The caller embeds a `struct heap_node` (all zeros: not queued) and owns it; the
 * heap owns the array of pointers. Every node knows its place, so moving or
 * removing one costs O(log n).
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/mono.h"

struct heap_node {
	struct mono_us when;
	size_t pos; /* place in the array plus one; 0 when not queued */
};

struct heap {
	struct heap_node **v;
	size_t n, cap;
};

/* An empty heap (all zeros is one, too). */
void heap_init(struct heap *h);

/* Give the array back; nodes still queued are marked as not queued. */
void heap_free(struct heap *h);

/* Queue n for `when`, or move it there; MONO_NEVER takes it out. */
void heap_set(struct heap *h, struct heap_node *n, struct mono_us when);

/* Take n out; nothing when it is not queued. */
void heap_remove(struct heap *h, struct heap_node *n);

/* The earliest node, or NULL. */
struct heap_node *heap_min(const struct heap *h);

/* Its time; MONO_NEVER when the heap is empty. */
struct mono_us heap_deadline(const struct heap *h);

/* Take out and return the earliest node if its time has come, else NULL. */
struct heap_node *heap_pop_due(struct heap *h, struct mono_us now);

static inline bool
heap_is_queued(const struct heap_node *n)
{
	return n->pos != 0;
}

#endif
