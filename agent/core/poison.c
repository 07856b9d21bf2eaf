/*
 * Poison messages; see poison.h.
 */
#include "agent/core/poison.h"

#include <string.h>

static struct poison_peer *
row_of(struct poison *p, const struct ip_addr *addr)
{
	for (size_t i = 0; i < POISON_MAX; i++)
		if (p->peer[i].addr.af != 0 && ip_addr_eq(&p->peer[i].addr, addr))
			return &p->peer[i];
	return NULL;
}

/* A free row, or the one that crashed bgpd least recently. */
static struct poison_peer *
row_new(struct poison *p, const struct ip_addr *addr)
{
	struct poison_peer *r = &p->peer[0];

	for (size_t i = 0; i < POISON_MAX && r->addr.af != 0; i++)
		if (p->peer[i].addr.af == 0 || mono_before(p->peer[i].last, r->last))
			r = &p->peer[i];
	*r = (struct poison_peer){ .addr = *addr };
	return r;
}

static void
find_same(const struct poison *p, struct mono_us now, const struct poison_peer *row, uint64_t hash,
    struct ip_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < POISON_MAX; i++) {
		const struct poison_peer *r = &p->peer[i];

		if (r != row && r->addr.af != 0 && r->hash == hash &&
		    mono_before(now, mono_add_s(r->last, POISON_HOLD_S)))
			*ret = r->addr;
	}
}

enum poison_verdict
poison_crash(struct poison *p, struct mono_us now, const struct ip_addr *addr, uint64_t hash,
    struct ip_addr *ret_same)
{
	struct poison_peer *r = row_of(p, addr);
	bool again = r && mono_before(now, mono_add_s(r->last, POISON_WINDOW_S));

	if (!r)
		r = row_new(p, addr);
	find_same(p, now, r, hash, ret_same);
	r->hash = hash;
	r->last = now;
	r->until = again ? mono_add_s(now, POISON_HOLD_S) : (struct mono_us){ 0 };
	return again ? POISON_QUARANTINED : POISON_NOTED;
}

const struct poison_peer *
poison_find(const struct poison *p, struct mono_us now, const struct ip_addr *addr)
{
	for (size_t i = 0; i < POISON_MAX; i++) {
		const struct poison_peer *r = &p->peer[i];

		if (r->addr.af != 0 && ip_addr_eq(&r->addr, addr))
			return mono_before(now, r->until) ? r : NULL;
	}
	return NULL;
}

bool
poison_lift(struct poison *p, struct mono_us now, const struct ip_addr *addr)
{
	struct poison_peer *r = poison_find(p, now, addr) ? row_of(p, addr) : NULL;

	if (r)
		*r = (struct poison_peer){ 0 };
	return r != NULL;
}

bool
poison_expire(struct poison *p, struct mono_us now, struct ip_addr *ret)
{
	for (size_t i = 0; i < POISON_MAX; i++) {
		struct poison_peer *r = &p->peer[i];

		if (r->addr.af == 0 || r->until.us == 0 || mono_before(now, r->until))
			continue;
		*ret = r->addr;
		*r = (struct poison_peer){ 0 };
		return true;
	}
	return false;
}

struct mono_us
poison_deadline(const struct poison *p)
{
	struct mono_us min = MONO_NEVER;

	for (size_t i = 0; i < POISON_MAX; i++)
		if (p->peer[i].addr.af != 0 && p->peer[i].until.us != 0)
			min = mono_min(min, p->peer[i].until);
	return min;
}
