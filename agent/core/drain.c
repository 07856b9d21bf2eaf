/*
 * The steps of a drain.  See drain.h.
 */
#include "agent/core/drain.h"

#include <string.h>

#include "lib/mem.h"

#define TELL_LIMIT_S  10 /* for bgpd to write what a step says; slow readers are left behind */
#define CLOSE_LIMIT_S 5
#define LINGER_MAX_US 1000000
#define RESUME_MIN_US 5000000 /* sessions come up again within it */

static const struct {
	const char *name;
	uint8_t phase;	  /* enum ipc_drain */
	bool tells;	  /* peers have to be told */
	uint8_t limit_s;
} steps[DRAIN_NSTEPS] = {
	[DRAIN_OFF] = { "off", IPC_DRAIN_NONE, false, 0 },
	[DRAIN_SIGNAL] = { "signal", IPC_DRAIN_SIGNAL, true, TELL_LIMIT_S },
	[DRAIN_SETTLE] = { "settle", IPC_DRAIN_SIGNAL, false, 0 },
	[DRAIN_WITHDRAW] = { "withdraw", IPC_DRAIN_WITHDRAW, true, TELL_LIMIT_S },
	[DRAIN_LINGER] = { "linger", IPC_DRAIN_WITHDRAW, false, 0 },
	[DRAIN_CLOSE] = { "close", IPC_DRAIN_DOWN, true, CLOSE_LIMIT_S },
	[DRAIN_DONE] = { "done", IPC_DRAIN_DOWN, false, 0 },
};

const char *
drain_step_name(enum drain_step step)
{
	return step < DRAIN_NSTEPS ? steps[step].name : "unknown";
}

enum ipc_drain
drain_phase(const struct drain *d)
{
	return (enum ipc_drain)steps[d->step].phase;
}

bool
drain_is_under_way(const struct drain *d)
{
	return d->step != DRAIN_OFF && d->step != DRAIN_DONE;
}

static void
stop_waiting(struct drain *d)
{
	mem_free(d->wait);
	d->wait = NULL;
	d->nwait = 0;
}

void
drain_free(struct drain *d)
{
	stop_waiting(d);
}

/* Both times that traffic is given; without a signal the second one is the whole. */
static uint64_t
pause_us(const struct drain *d, enum drain_step step)
{
	uint64_t us = d->settle_us;

	if (!d->moving && !d->resumed)
		return 0;
	if (step == DRAIN_LINGER && d->gshut)
		return us / 10 < LINGER_MAX_US ? us / 10 : LINGER_MAX_US;
	return d->resumed && us > 0 && us < RESUME_MIN_US ? RESUME_MIN_US : us;
}

static void
enter(struct drain *d, struct mono_us now, enum drain_step step)
{
	stop_waiting(d);
	d->step = step;
	d->step_since = now;
	if (step == DRAIN_SETTLE || step == DRAIN_LINGER)
		d->until = mono_add_us(now, pause_us(d, step));
	else if (steps[step].tells)
		d->until = mono_add_s(now, steps[step].limit_s);
	else
		d->until = MONO_NEVER;
}

void
drain_begin(struct drain *d, struct mono_us now, bool gshut, uint64_t settle_us,
    const char *reason)
{
	size_t n = strnlen(reason, sizeof(d->reason) - 1);

	stop_waiting(d);
	*d = (struct drain){ .gshut = gshut, .settle_us = settle_us, .since = now };
	memcpy(d->reason, reason, n);
	enter(d, now, gshut ? DRAIN_SIGNAL : DRAIN_WITHDRAW);
}

void
drain_resume(struct drain *d, struct mono_us now, bool done)
{
	d->resumed = !done;
	enter(d, now, done ? DRAIN_DONE : d->gshut ? DRAIN_SIGNAL : DRAIN_WITHDRAW);
}

void
drain_end(struct drain *d)
{
	stop_waiting(d);
	*d = (struct drain){ 0 };
}

void
drain_expect(struct drain *d, const uint32_t *id, size_t n)
{
	stop_waiting(d);
	if (!steps[d->step].tells || n == 0)
		return;
	d->wait = mem_zalloc_array(n, sizeof(*d->wait));
	memcpy(d->wait, id, n * sizeof(*d->wait));
	d->nwait = n;
}

void
drain_forget(struct drain *d, uint32_t peer)
{
	size_t i;

	for (i = 0; i < d->nwait; i++)
		if (d->wait[i] == peer) {
			d->wait[i] = d->wait[--d->nwait];
			return;
		}
}

void
drain_told(struct drain *d, const struct ipc_drained *m)
{
	if (!steps[d->step].tells || m->drain < steps[d->step].phase)
		return;
	d->moving |= m->up && m->announced;
	drain_forget(d, m->peer);
}

void
drain_hurry(struct drain *d, struct mono_us now)
{
	d->settle_us = 0;
	d->resumed = false;
	if (d->step == DRAIN_SETTLE || d->step == DRAIN_LINGER)
		d->until = now;
}

bool
drain_next(struct drain *d, struct mono_us now)
{
	bool late = mono_reached(now, d->until);

	if (!drain_is_under_way(d) || (!late && (!steps[d->step].tells || d->nwait > 0)))
		return false;
	d->slow |= steps[d->step].tells && d->nwait > 0;
	enter(d, now, d->step + 1);
	return true;
}

struct mono_us
drain_deadline(const struct drain *d)
{
	return drain_is_under_way(d) ? d->until : MONO_NEVER;
}
