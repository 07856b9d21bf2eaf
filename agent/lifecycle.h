/*
 * Stopping, restarting and flushing: what of ours stays in the kernel.
 *
 *   stop               drained (drains.h), sessions closed with a reason, routes removed (onStop:
 *                      flush) or kept
 *   prepared restart   everything kept (RFC 4724); Cease, Administrative Reset to peers with the
 *                      N bit (RFC 8538), TCP of others closed without a NOTIFICATION
 *   flush              everything of ours removed while running
 */
#ifndef AGENT_LIFECYCLE_H
#define AGENT_LIFECYCLE_H

#include "agent/agent.h"

/* weftd says stop; said again while peers are given time, that ends. */
void lifecycle_stop(struct agent *a);
/* bgpd is gone; true: that is all right, as the agent is about to end, too. */
bool lifecycle_bgpd_lost(struct agent *a);
/* bgpd has closed its sessions, or is gone. */
void lifecycle_sessions_closed(struct agent *a);
/* Nothing of ours is left in the kernel. */
void lifecycle_flushed(struct agent *a);
void lifecycle_free(struct agent *a);

#endif
