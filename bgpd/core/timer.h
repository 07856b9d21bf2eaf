/*
 * Timers of a speaker: one heap of deadlines for all of them.
 *
 * A timer is embedded in its owner, which finds itself with container_of() in
 * fire().  All zeros with fire set: not armed.
 */
#ifndef BGPD_CORE_TIMER_H
#define BGPD_CORE_TIMER_H

#include <stdbool.h>

#include "lib/heap.h"
#include "lib/mono.h"

struct timer {
	struct heap_node node;
	/* Called once with the timer no longer armed; may arm it again or free its owner. */
	void (*fire)(struct timer *t, struct mono_us now);
};

/* Arm for `when` (again); MONO_NEVER stops. */
void timer_set(struct heap *h, struct timer *t, struct mono_us when);

/* Arm for `when` unless it is armed for an earlier time already. */
void timer_set_earlier(struct heap *h, struct timer *t, struct mono_us when);

/* Disarm; fine when it is not armed. */
void timer_stop(struct heap *h, struct timer *t);
/* Will it fire? */
bool timer_armed(const struct timer *t);

/* Fire what is due, earliest first, at most max of them; true when more are due. */
bool timers_run(struct heap *h, struct mono_us now, unsigned max);

#endif
