/*
 * The planner; see plan.h.
 */
#include "agent/core/plan.h"

enum plan_act
plan_route(const struct plan_in *in)
{
	if (in->busy || in->want == in->have)
		return PLAN_NOTHING;
	if (in->want == 0)
		return PLAN_DEL;
	if (in->waiting)
		return PLAN_NOTHING;
	if (in->have == 0)
		return PLAN_ADD;
	return in->foreign ? PLAN_DEL : PLAN_REPLACE;
}

/* 0.5 s, doubling to 10 s. */
static uint64_t
backoff_us(uint32_t n)
{
	uint64_t us = 500000;

	while (n-- > 1 && us < 10000000)
		us *= 2;
	return us < 10000000 ? us : 10000000;
}

uint64_t
plan_retry_delay_us(uint32_t n)
{
	return n <= 1 ? 20000 : n == 2 ? 100000 : backoff_us(n - 2);
}

uint64_t
plan_repair_delay_us(uint32_t n)
{
	return n <= 3 ? 0 : backoff_us(n - 3);
}
