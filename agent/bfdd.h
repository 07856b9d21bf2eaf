/*
 * The agent's end of the channel to weft-bfdd (lib/ipcmsg.h).
 *
 * Messages wait in order when the channel is full; there are never more of them
 * than sessions.  The end of the channel, or a broken message, is reported once.
 */
#ifndef AGENT_BFDD_H
#define AGENT_BFDD_H

#include <stdbool.h>

#include "lib/ipcmsg.h"

struct event_base;
struct bfdd;

struct bfdd_ops {
	/* BFD_STATE, ROW_BFD or BFD_STATS. */
	void (*message)(void *ctx, const struct ipc_msg *m);
	/* The channel is closed.  violation: bfdd broke the protocol (else it just ended). */
	void (*lost)(void *ctx, const char *why, bool violation);
};

/* Not attached yet; ops and ctx are borrowed. */
struct bfdd *bfdd_new(struct event_base *base, const struct bfdd_ops *ops, void *ctx);
/* NULL is fine. */
void bfdd_free(struct bfdd *d);

/* Take the end of a channel; fd is closed when it is no longer needed.  0 or -errno. */
int bfdd_attach(struct bfdd *d, int fd);
bool bfdd_attached(const struct bfdd *d);
/* Close it without a report. */
void bfdd_detach(struct bfdd *d);

/* Send or keep; dropped when not attached. */
void bfdd_send(struct bfdd *d, const struct ipc_msg *m);

#endif
