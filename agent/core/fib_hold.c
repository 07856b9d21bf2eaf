/*
 * Routes that were withdrawn and are remembered, or held, by the mass-withdraw guard
 * (massguard.h).
 *
 * Such an entry stays in its set, marked as leaving: while there is no hold nothing is
 * wanted of it and it goes from the kernel at once; when a hold begins it is wanted as
 * before, so that what has gone a moment ago is put back. A next hop that is dead
 * leaves its set without legs, hold or not. A new route for the prefix ends all that.
 */
#include <stdio.h>
#include <string.h>

#include "agent/core/fib_priv.h"

static uint32_t
now_ms(const struct fib *f)
{
	return (uint32_t)(f->now.us / 1000);
}

static void
count_leaving(struct fib *f, const struct fib_entry *e, uint32_t by)
{
	if (e->set != 0)
		f->nleaving[entry_is6(e)] += by;
}

/* It is withdrawn for good. */
static void
let_go(struct fib *f, struct fib_entry *e)
{
	count_leaving(f, e, UINT32_MAX);
	e->leaving = 0;
	entry_join(f, e, NULL);
	e->adopted = 0;
	entry_judge(f, e);
}

static void
pop(struct fib *f, uint32_t *ret_entry)
{
	uint32_t at;

	ring_pop(&f->leaving, ret_entry);
	ring_pop(&f->leaving_ms, &at);
}

static void
hold_ends(struct fib *f)
{
	const struct massguard *g = &f->guard;
	uint32_t idx, gone = 0;

	while (f->leaving.n > 0) {
		struct fib_entry *e;

		pop(f, &idx);
		e = entry_at(f, idx);
		if (!e->leaving)
			continue;
		let_go(f, e);
		gone++;
	}
	fib_event(f, IPC_LVL_NOTICE, "withdrawals-over", "held=%u returned=%u removed=%u", g->most,
	    g->returned, gone);
}

static void
hold_begins(struct fib *f)
{
	const struct massguard *g = &f->guard;
	uint32_t i;

	fib_event(f, IPC_LVL_WARN, "withdrawals-held",
	    "count=%u of=%u hold-s=%llu why=\"more than %u%% of the routes were withdrawn within %llu ms: "
	    "they are kept for a while\"",
	    g->n, g->of, (unsigned long long)(g->conf.hold_us / 1000000), g->conf.threshold_pct,
	    (unsigned long long)(g->conf.within_us / 1000));
	for (i = 0; i < f->leaving.n; i++) {
		struct fib_entry *e = entry_at(f, ring_at(&f->leaving, i));

		if (e->leaving)
			entry_eval(f, e);
	}
}

/* Learned routes that the kernel has and nobody withdrew, without e. */
static uint32_t
installed_beside(const struct fib *f, const struct fib_entry *e)
{
	uint64_t n = f->nstate[FIB_ST_INSTALLED][0] + f->nstate[FIB_ST_INSTALLED][1] +
	    f->nstate[FIB_ST_STALE][0] + f->nstate[FIB_ST_STALE][1];

	return (uint32_t)n - (e->state == FIB_ST_INSTALLED || e->state == FIB_ST_STALE);
}

bool
fib_hold_takes(struct fib *f, struct fib_entry *e)
{
	if (e->leaving)
		return true;
	if (f->guard.conf.threshold_pct == 0 || !f->ready || f->flushed || e->have == 0)
		return false;
	if (e->set != 0 && f->setv[e->set]->nhs.nlegs == 0)
		return false; /* its next hops are dead */
	e->leaving = 1;
	count_leaving(f, e, 1);
	ring_push(&f->leaving, e->self);
	ring_push(&f->leaving_ms, now_ms(f));
	if (massguard_withdrawn(&f->guard, f->now, installed_beside(f, e)) == MASSGUARD_BEGIN)
		hold_begins(f);
	else
		entry_eval(f, e);
	return true;
}

void
fib_hold_returned(struct fib *f, struct fib_entry *e)
{
	if (!e->leaving)
		return;
	count_leaving(f, e, UINT32_MAX);
	e->leaving = 0;
	if (massguard_returned(&f->guard) == MASSGUARD_END)
		hold_ends(f);
}

void
fib_hold_configure(struct fib *f, const struct massguard_conf *c)
{
	bool held = f->guard.holding;

	if (massguard_configure(&f->guard, c) != MASSGUARD_END)
		return;
	if (held)
		hold_ends(f);
	else
		fib_hold_timeout(f);
}

/* How long ago the oldest one that is remembered was withdrawn. */
static uint64_t
oldest_us(const struct fib *f)
{
	return (uint64_t)(uint32_t)(now_ms(f) - ring_at(&f->leaving_ms, 0)) * 1000;
}

void
fib_hold_timeout(struct fib *f)
{
	uint32_t idx;

	if (massguard_timeout(&f->guard, f->now) == MASSGUARD_END)
		hold_ends(f);
	while (!f->guard.holding && f->leaving.n > 0 && oldest_us(f) >= f->guard.conf.within_us) {
		struct fib_entry *e;

		pop(f, &idx);
		e = entry_at(f, idx);
		if (!e->leaving)
			continue;
		massguard_forgotten(&f->guard);
		let_go(f, e);
	}
}

struct mono_us
fib_hold_deadline(const struct fib *f)
{
	uint64_t age;

	if (f->guard.holding)
		return f->guard.until;
	if (f->leaving.n == 0)
		return MONO_NEVER;
	age = oldest_us(f);
	return mono_add_us(f->now, age < f->guard.conf.within_us ? f->guard.conf.within_us - age : 0);
}
