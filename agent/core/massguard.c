/*
 * Mass-withdraw guard; see massguard.h.
 */
#include "agent/core/massguard.h"

/* Nothing is remembered of a hold that is over: what it held goes now, and is no new mass. */
static enum massguard_turn
end(struct massguard *g)
{
	g->holding = false;
	g->n = 0;
	return MASSGUARD_END;
}

enum massguard_turn
massguard_withdrawn(struct massguard *g, struct mono_us now, uint32_t installed)
{
	uint64_t of;

	g->n++;
	if (g->holding) {
		if (g->n > g->most)
			g->most = g->n;
		return MASSGUARD_SAME;
	}
	of = (uint64_t)installed + g->n;
	if (g->n < MASSGUARD_MIN || (uint64_t)g->n * 100 <= of * g->conf.threshold_pct)
		return MASSGUARD_SAME;
	g->holding = true;
	g->until = mono_add_us(now, g->conf.hold_us);
	g->most = g->n;
	g->of = (uint32_t)of;
	g->returned = 0;
	g->holds++;
	return MASSGUARD_BEGIN;
}

enum massguard_turn
massguard_returned(struct massguard *g)
{
	if (g->n > 0)
		g->n--;
	g->returned += g->holding;
	return g->holding && g->n == 0 ? end(g) : MASSGUARD_SAME;
}

void
massguard_forgotten(struct massguard *g)
{
	if (g->n > 0)
		g->n--;
}

enum massguard_turn
massguard_timeout(struct massguard *g, struct mono_us now)
{
	return g->holding && mono_reached(now, g->until) ? end(g) : MASSGUARD_SAME;
}

enum massguard_turn
massguard_configure(struct massguard *g, const struct massguard_conf *c)
{
	g->conf = *c;
	return c->threshold_pct == 0 && (g->holding || g->n > 0) ? end(g) : MASSGUARD_SAME;
}

uint64_t
massguard_left_us(const struct massguard *g, struct mono_us now)
{
	return g->holding ? mono_diff_us(g->until, now) : 0;
}
