/*
 * Fast fallover: a session whose link or address is gone ends at once, not when its hold
 * time is over (`fastFallover`).
 *
 * The fib follows the addresses of peers on a link (external ones one hop away, and
 * link-local ones) and says when one is there no longer; here the other end is kept, the
 * own address of each session, whichever way it takes.
 */
#ifndef AGENT_FALLOVER_H
#define AGENT_FALLOVER_H

#include <stddef.h>
#include <stdint.h>

#include "agent/agent.h"

struct fallover;

/* Nothing known; and its end (NULL is fine). */
struct fallover *fallover_new(void);
void fallover_free(struct fallover *o);

/* Addresses for the fib to follow, into ret, which has room for all peers. Returns how many. */
size_t fallover_follow(const struct agent *a, struct ip_addr *ret);

/* A connection with that peer stands, from this address of ours. */
void fallover_connected(struct agent *a, uint32_t peer, const struct ip_addr *local);

/* Addresses may have changed: end the sessions of those that are gone. */
void fallover_check_addresses(struct agent *a);

/* FIB_REP_LINK_LOST: end that peer's session. */
void fallover_link_lost(struct agent *a, const struct fib_report *r);

#endif
