/*
 * Timers of a speaker on one heap; see timer.h.
 */
#include "bgpd/core/timer.h"

#include "lib/list.h"

void
timer_set(struct heap *h, struct timer *t, struct mono_us when)
{
	heap_set(h, &t->node, when);
}

void
timer_set_earlier(struct heap *h, struct timer *t, struct mono_us when)
{
	if (!heap_is_queued(&t->node) || mono_before(when, t->node.when))
		heap_set(h, &t->node, when);
}

void
timer_stop(struct heap *h, struct timer *t)
{
	heap_remove(h, &t->node);
}

bool
timer_armed(const struct timer *t)
{
	return heap_is_queued(&t->node);
}

bool
timers_run(struct heap *h, struct mono_us now, unsigned max)
{
	struct heap_node *n;

	while (max-- > 0 && (n = heap_pop_due(h, now))) {
		struct timer *t = container_of(n, struct timer, node);

		t->fire(t, now);
	}
	return mono_reached(now, heap_deadline(h));
}
