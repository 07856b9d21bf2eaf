/*
 * Poison messages: which peer's message a dying bgpd was handling, and which
 * peers are kept away for it.
 *
 * A peer in whose message bgpd died twice within POISON_WINDOW_S is
 * quarantined: administratively down, so that the other sessions live.  It
 * comes back by an operator's word, or after POISON_HOLD_S by itself; then
 * what went before is forgotten.  Kept by address, so that a dynamic peer that
 * comes again is known.
 *
 * Everything here is a guess about a process that may have been in a
 * stranger's hands: at most POISON_MAX peers are remembered, the least recent
 * goes first.
 */
#ifndef AGENT_CORE_POISON_H
#define AGENT_CORE_POISON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/mono.h"

#define POISON_WINDOW_S 600
#define POISON_HOLD_S	3600
#define POISON_MAX	64

struct poison_peer {
	struct ip_addr addr;	/* af 0: the place is free */
	uint64_t hash;		/* of the message of the last crash */
	struct mono_us last;	/* crash */
	struct mono_us until;	/* quarantined; us 0: not */
};

struct poison {
	struct poison_peer peer[POISON_MAX];
};

enum poison_verdict {
	POISON_NOTED,	    /* the first within the window */
	POISON_QUARANTINED, /* from now on */
};

/*
 * bgpd died in a message of that peer; hash stands for the message.
 * *ret_same: another peer whose last crash was by the same message, or af 0.
 */
enum poison_verdict poison_crash(struct poison *p, struct mono_us now, const struct ip_addr *addr,
    uint64_t hash, struct ip_addr *ret_same);

/* Its row while it is quarantined, else NULL. */
const struct poison_peer *poison_find(const struct poison *p, struct mono_us now,
    const struct ip_addr *addr);

/* An operator's word; false: it was not quarantined. */
bool poison_lift(struct poison *p, struct mono_us now, const struct ip_addr *addr);

/* One whose time is over, which is forgotten with that; false: none (any more). */
bool poison_expire(struct poison *p, struct mono_us now, struct ip_addr *ret);

/* When the next one is over; MONO_NEVER: none. */
struct mono_us poison_deadline(const struct poison *p);

#endif
