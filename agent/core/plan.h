/*
 * The planner: from what is wanted and what the kernel is known to have, the one
 * operation that comes next for a route.  A pure function; contents are numbers of
 * interned hops (hops.h), 0 for none.
 */
#ifndef AGENT_CORE_PLAN_H
#define AGENT_CORE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct plan_in {
	uint32_t want, have;
	bool busy;    /* an operation for it is without an answer */
	bool waiting; /* backing off after a failure: adding and replacing wait, removing does not */
	bool foreign; /* somebody else has a route with that prefix, table and metric */
};

enum plan_act {
	PLAN_NOTHING,
	PLAN_ADD,     /* exclusive */
	PLAN_REPLACE, /* never when somebody's route is in the same place: the kernel picks which one goes */
	PLAN_DEL,     /* ours, by protocol */
};

/* The operation that comes next; PLAN_NOTHING also while an answer or a delay is outstanding. */
enum plan_act plan_route(const struct plan_in *in);

/*
 * When to try again after the n-th failure or loss in a row (n from 1), in
 * microseconds. Losses: at once three times, then 0.5 s doubling to 10 s. Failures
 * and foreign routes: 20 ms (what it leans on may be under way), 100 ms, then as losses.
 */
uint64_t plan_repair_delay_us(uint32_t n);
uint64_t plan_retry_delay_us(uint32_t n);

#endif
