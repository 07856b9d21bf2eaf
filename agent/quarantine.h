/*
 * Peers whose messages crash bgpd are kept away (agent/core/poison.h).
 *
 * Reads the page in which bgpd keeps whose message it handles
 * (lib/crashpage.h) when bgpd has died by a fault: a crash signal, or the
 * watchdog's kill.  Somebody's kill -9 and an ordinary exit say nothing about
 * a message.
 */
#ifndef AGENT_QUARANTINE_H
#define AGENT_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/agent.h"

struct quarantine;

/*
 * Takes over fd, the page; -1 or another descriptor than one: nothing is ever quarantined.
 * Borrows a, which outlives it; quarantine_free(NULL) is fine.
 */
struct quarantine *quarantine_new(struct agent *a, int fd);
void quarantine_free(struct quarantine *q);

/* bgpd has ended (status as from waitpid()), and the next one has not been greeted. */
void quarantine_bgpd_ended(struct quarantine *q, int status, bool hung);

/* Turns of bgpd's loop, over and over from 0, as bgpd tells; 0 without a page (or q is NULL). */
uint32_t quarantine_bgpd_turns(const struct quarantine *q);

/* Why the peer with that address is kept away, in words; NULL: it is not (or q is NULL). */
const char *quarantine_why(const struct quarantine *q, const struct ip_addr *addr, char *buf,
    size_t cap);

/* An operator lets it come again; false: it was not kept away. */
bool quarantine_lift(struct quarantine *q, const struct ip_addr *addr);

#endif
