/*
 * Delays between attempts: they double from least to most, with jitter, so that a thousand nodes
 * do not come back to a server in the same moment. Pure; seeded, so that a test replays.
 */
#ifndef AGENT_KUBE_BACKOFF_H
#define AGENT_KUBE_BACKOFF_H

#include <stdint.h>

#include "lib/rng.h"

struct backoff {
	struct rng rng;
	uint32_t least_ms, most_ms;
	uint32_t next_ms; /* before jitter; 0: the first attempt */
	uint32_t attempts; /* since the last success */
};

/* Any seed will do; least_ms is at least 1. */
void backoff_init(struct backoff *b, uint32_t least_ms, uint32_t most_ms, uint64_t seed);

/* Milliseconds to wait before the next attempt: 50 to 100 per cent of what was doubled. */
uint32_t backoff_next(struct backoff *b);

/* An attempt was a success: begin with the least again. */
void backoff_reset(struct backoff *b);

#endif
