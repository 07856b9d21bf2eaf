/*
 * Mass-withdraw guard: when more than a share of the installed routes is withdrawn
 * within a short time, hold them for a while.  Pure arithmetic over counts and times;
 * fib_hold.c keeps the routes.
 *
 * A withdrawal is remembered for `within`. When those remembered are more than
 * `threshold` of what was installed before them, and at least MASSGUARD_MIN, a hold
 * begins: it takes in those remembered and all that follow, and ends after `hold`, or
 * when every route has come back.
 */
#ifndef AGENT_CORE_MASSGUARD_H
#define AGENT_CORE_MASSGUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"

/* Fewer are never many, however few routes there are. */
#define MASSGUARD_MIN 10

struct massguard_conf {
	uint32_t threshold_pct; /* 1 to 100; 0: no guard */
	uint64_t within_us, hold_us;
};

struct massguard {
	struct massguard_conf conf;
	bool holding;
	struct mono_us until;  /* of the hold */
	uint32_t n;	       /* withdrawals that are remembered, or held */
	uint32_t most, of;     /* of this hold: held at once, and routes installed before it */
	uint32_t returned;     /* of this hold */
	uint64_t holds;	       /* in all */
};

/* What became of a call. */
enum massguard_turn {
	MASSGUARD_SAME,
	MASSGUARD_BEGIN, /* a hold begins: every withdrawal that is remembered counts again */
	MASSGUARD_END,	 /* it is over: those still held go */
};

/*
 * A route was withdrawn that the kernel has; installed: how many the kernel has without
 * those that are remembered (this one neither). The guard must be on.
 */
enum massguard_turn massguard_withdrawn(struct massguard *g, struct mono_us now, uint32_t installed);
/* One of those remembered was announced again, or is beyond remembering (forgotten). */
enum massguard_turn massguard_returned(struct massguard *g);
void massguard_forgotten(struct massguard *g);
/* Time passes. MASSGUARD_END when the hold is over. */
enum massguard_turn massguard_timeout(struct massguard *g, struct mono_us now);
/* Another configuration; a guard that is off holds nothing. */
enum massguard_turn massguard_configure(struct massguard *g, const struct massguard_conf *c);
/* Time left of the hold, in microseconds; 0: there is none. */
uint64_t massguard_left_us(const struct massguard *g, struct mono_us now);

#endif
