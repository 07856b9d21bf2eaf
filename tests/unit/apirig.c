/*
 * See apirig.h.
 */
#include "tests/unit/apirig.h"

#include "lib/mem.h"
#include "tests/unit/unit.h"

struct apirig apirig;

uint32_t
apirig_begin(void)
{
	ck_assert_uint_eq(apirig.id, 0); /* one at a time */
	return apirig.id = ++apirig.calls;
}

void
apirig_fire(void)
{
	apirig.timer->at = MONO_NEVER;
	apirig.timer->fn(apirig.timer->ctx);
}

void
api_cancel(struct api *a, uint32_t id)
{
	ck_assert_uint_eq(id, apirig.id);
	apirig.id = 0;
}

struct api_timer *
api_timer_new(struct api *a, void (*fn)(void *ctx), void *ctx)
{
	apirig.timer = mem_zalloc(sizeof *apirig.timer);
	*apirig.timer = (struct api_timer){ fn, ctx, MONO_NEVER };
	return apirig.timer;
}

void
api_timer_free(struct api_timer *t)
{
	mem_free(t);
}

void
api_timer_set(struct api_timer *t, uint32_t ms)
{
	t->at = mono_add_ms(apirig.now, ms);
}

void
api_timer_stop(struct api_timer *t)
{
	t->at = MONO_NEVER;
}

struct mono_us
api_now(const struct api *a)
{
	return apirig.now;
}

uint64_t
api_seed(struct api *a)
{
	return ++apirig.seed;
}
