/*
 * Looks now and then for what of the node works against our routes: settings under
 * /proc/sys, other programs, and what agent/core/conflict.h makes of them. With
 * `kernel.sysctls: manage` it sets what is not as it should be.
 */
#ifndef AGENT_LOOKOUT_H
#define AGENT_LOOKOUT_H

#include "agent/agent.h"

struct lookout;

/* Nothing is looked at before the first lookout_now(). */
struct lookout *lookout_new(struct agent *a);
/* NULL is fine. */
void lookout_free(struct lookout *w);
/* The kernel's state is known, or the configuration is another one: look at once. */
void lookout_now(struct lookout *w);
/* The agent is awake: look now if it were time in a few seconds. */
void lookout_beat(struct lookout *w);

#endif
