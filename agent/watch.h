/*
 * bgpd is asked something now and then: one that answers nothing for so many
 * beats is taken for hung, killed and started again.
 *
 * The beat is weftd's (LAUNCH_PING).  Beats are counted rather than seconds, so
 * that a node that was suspended, or an agent that was, kills nobody for it.
 */
#ifndef AGENT_WATCH_H
#define AGENT_WATCH_H

#include "agent/agent.h"

struct watch;

/* Borrows a, which outlives it; watch_free(NULL) is fine. */
struct watch *watch_new(struct agent *a);
void watch_free(struct watch *w);

/* A beat; interval_ms is the time between two. */
void watch_beat(struct watch *w, uint32_t interval_ms);

/* Another bgpd: what was asked of the last one is forgotten. */
void watch_reset(struct watch *w);

#endif
