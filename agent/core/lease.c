/*
 * Who leads; see lease.h.
 *
 * Times are parts of the promised duration, as Kubernetes' own components have them (15, 10 and 2
 * seconds): the holder believes in its lead for two thirds, and renews or looks every seventh.
 */
#include "agent/core/lease.h"

#include <string.h>

#define DURATION_MAX_S 3600 /* of others: who promises more is not believed */

static uint64_t
retry_us(struct lease *l)
{
	return rng_jitter_us(&l->rng, (uint64_t)l->conf.duration_ms * 1000 / 7, 100, 120);
}

static bool
is_ours(const struct lease *l)
{
	return strcmp(l->seen.holder, l->conf.identity) == 0;
}

void
lease_init(struct lease *l, const struct lease_conf *c, uint64_t seed, struct mono_us now)
{
	memset(l, 0, sizeof *l);
	l->conf = *c;
	rng_seed(&l->rng, seed);
	l->next = LEASE_GET;
	l->due = now;
}

enum lease_do
lease_next(struct lease *l, struct mono_us now)
{
	l->held = lease_is_held(l, now);
	if (l->doing != LEASE_WAIT || mono_before(now, l->due))
		return LEASE_WAIT;
	l->doing = l->next;
	l->sent = now;
	return l->doing;
}

static void
plan(struct lease *l, enum lease_do what, struct mono_us at)
{
	l->next = what;
	l->due = at;
}

static void
see(struct lease *l, struct mono_us now, const struct lease_seen *s)
{
	if (!l->known || memcmp(&l->seen, s, sizeof *s) != 0)
		l->changed = now;
	l->seen = *s;
	l->known = true;
	if (!is_ours(l))
		l->held = false;
}

/* Nobody holds it, we do, or its holder has been silent for longer than it promised. */
static bool
is_free(const struct lease *l, struct mono_us now)
{
	uint64_t promised_us = (uint64_t)l->seen.duration_s * 1000000;

	if (l->seen.holder[0] == '\0' || is_ours(l))
		return true;
	if (promised_us == 0)
		promised_us = (uint64_t)l->conf.duration_ms * 1000;
	if (promised_us > DURATION_MAX_S * UINT64_C(1000000))
		promised_us = DURATION_MAX_S * UINT64_C(1000000);
	return mono_diff_us(now, l->changed) >= promised_us;
}

static void
won(struct lease *l, struct mono_us now, const struct lease_seen *s)
{
	see(l, now, s);
	l->held = is_ours(l);
	l->until = mono_add_us(l->sent, (uint64_t)l->conf.duration_ms * 1000 * 2 / 3);
	plan(l, l->held ? LEASE_RENEW : LEASE_GET, mono_add_us(now, retry_us(l)));
}

static void
looked(struct lease *l, struct mono_us now, int status, const struct lease_seen *s)
{
	if (status == 404) {
		l->known = l->held = false;
		plan(l, LEASE_CREATE, now);
	} else if (status / 100 == 2 && s) {
		see(l, now, s);
		if (is_free(l, now))
			plan(l, LEASE_RENEW, now);
		else
			plan(l, LEASE_GET, mono_add_us(now, retry_us(l)));
	} else {
		plan(l, l->held ? LEASE_RENEW : LEASE_GET, mono_add_us(now, retry_us(l)));
	}
}

/*
 * After a conflict somebody else has written, and whether anything came of a request without an
 * answer is not known: it is looked at. While the lead lasts the holder is us, so it renews then.
 */
static void
wrote(struct lease *l, struct mono_us now, int status, const struct lease_seen *s)
{
	if (status / 100 == 2 && s)
		won(l, now, s);
	else
		plan(l, LEASE_GET, mono_add_us(now, retry_us(l) / (status == 409 ? 4 : 1)));
}

void
lease_answer(struct lease *l, struct mono_us now, int status, const struct lease_seen *seen)
{
	enum lease_do done = l->doing;

	l->doing = LEASE_WAIT;
	if (done == LEASE_GET)
		looked(l, now, status, seen);
	else
		wrote(l, now, status, seen);
}

struct mono_us
lease_deadline(const struct lease *l)
{
	struct mono_us d = l->doing == LEASE_WAIT ? l->due : MONO_NEVER;

	return l->held ? mono_min(d, l->until) : d;
}

bool
lease_is_held(const struct lease *l, struct mono_us now)
{
	return l->held && mono_before(now, l->until);
}

bool
lease_takes_over(const struct lease *l)
{
	return !is_ours(l);
}
