/*
 * The agent's ends of the three channels to weft-bgpd (lib/ipcmsg.h).
 *
 * Control messages wait in order; verdicts and next-hop states are pulled from
 * agent/core/fib when the routes channel has room, so only the newest of each
 * ever exists; queries have credit windows of their own.  A broken message or
 * the end of a channel is reported once by lost(), and the channels are closed.
 */
#ifndef AGENT_BGPD_H
#define AGENT_BGPD_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"
#include "lib/ipcmsg.h"

struct bgpd_ops {
	/* A control message of bgpd: CONN_REQ, CONN_CANCEL, CONF_APPLIED, SHUTDOWN_DONE, EVENT, HELLO,
	 * PEER_GONE, CONN_LENT; fd (-1: none) is the receiver's. */
	void (*control)(struct agent *a, const struct ipc_msg *m, int fd);
	/* A report of the fib that is not for bgpd: local prefixes, events, adopted, flushed. */
	void (*report)(struct agent *a, const struct fib_report *r);
	/* fib was given something: operations may be waiting. */
	void (*fib_changed)(struct agent *a);
	/* The channels are closed. violation: bgpd broke the protocol (else it just ended). */
	void (*lost)(struct agent *a, const char *why, bool violation);
};

/* Not attached yet. */
struct bgpd *bgpd_new(struct agent *a, const struct bgpd_ops *ops);
void bgpd_free(struct bgpd *b);

/* Take the ends of the channels (in the order of enum ipc_chan). 0 or -errno; the descriptors
 * are closed in any case when they are no longer needed. */
int bgpd_attach(struct bgpd *b, const int fds[IPC_NCHANS]);
bool bgpd_attached(const struct bgpd *b);

/* Queue a control message; fd (or -1) goes along and is closed here. Dropped when not attached. */
void bgpd_send(struct bgpd *b, const struct ipc_msg *m, int fd);

/* Connections of peers wait for bgpd in great numbers: leave further ones in the queue of the listener. */
bool bgpd_conns_wait(const struct bgpd *b);

/* Take what the fib reports: verdicts and states to bgpd as far as there is room, the rest to
 * ops->report. */
void bgpd_pump(struct bgpd *b);

#endif
