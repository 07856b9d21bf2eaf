/*
 * Exponential backoff with jitter.
 */
#include "agent/kube/backoff.h"

void
backoff_init(struct backoff *b, uint32_t least_ms, uint32_t most_ms, uint64_t seed)
{
	rng_seed(&b->rng, seed);
	b->least_ms = least_ms;
	b->most_ms = most_ms;
	backoff_reset(b);
}

uint32_t
backoff_next(struct backoff *b)
{
	uint32_t base = b->next_ms ? b->next_ms : b->least_ms;

	if (base > b->most_ms)
		base = b->most_ms;
	b->next_ms = base > b->most_ms / 2 ? b->most_ms : base * 2;
	b->attempts++;
	return (uint32_t)rng_range(&b->rng, (base + 1) / 2, base);
}

void
backoff_reset(struct backoff *b)
{
	b->next_ms = 0;
	b->attempts = 0;
}
