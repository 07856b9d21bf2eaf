/*
 * The agent's beat, and by it whether bgpd is alive: one that does not turn its
 * loop and answers nothing for so many beats is taken for hung, killed and started again.
 *
 * How long a beat is weftd says (LAUNCH_PING).  Beats are counted rather than
 * seconds, so that a node that was suspended, or an agent that was, kills nobody for it.
 */
#ifndef AGENT_WATCH_H
#define AGENT_WATCH_H

#include "agent/agent.h"

struct watch;

/* Borrows a, which outlives it, and calls beat with it; watch_free(NULL) is fine. */
struct watch *watch_new(struct agent *a, void (*beat)(void *a));
void watch_free(struct watch *w);

/* Beats from now on, every interval_ms; one that is the same already goes on as it is. */
void watch_start(struct watch *w, uint32_t interval_ms);

/* Another bgpd: what was asked of the last one is forgotten. */
void watch_reset(struct watch *w);

#endif
