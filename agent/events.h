/*
 * The event table in memory, beyond what agent.h says of it.
 */
#ifndef AGENT_EVENTS_H
#define AGENT_EVENTS_H

#include "agent/agent.h"

/* Octets that all rows together may take; the oldest go when it is more. */
#define EVENTS_OCTETS_MAX (256u << 10)

/* seq of the newest row; 0 when there is none. */
uint64_t events_last(const struct events *ev);

/* Put a row in as it is but for its seq: not logged. Followers wake. */
void events_add_row(struct events *ev, const struct event_row *row);

#endif
