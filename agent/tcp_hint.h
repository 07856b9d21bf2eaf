/*
 * Why a session does not come up, as far as only the node's side can tell: the
 * link, the address, and packets that the kernel drops before anybody reads them.
 */
#ifndef AGENT_TCP_HINT_H
#define AGENT_TCP_HINT_H

#include <stddef.h>
#include <stdint.h>

#include "agent/core/fib.h"
#include "agent/tcp.h"
#include "lib/mono.h"

/* Segments the kernel drops, of all peers together: TcpExt in /proc/net/netstat. */
enum tcp_drop {
	DROP_MD5_WRONG,	     /* signed with another key than ours */
	DROP_MD5_MISSING,    /* not signed, and we have a key */
	DROP_MD5_UNEXPECTED, /* signed, and we have no key */
	DROP_HOP_LIMIT,	     /* below what ttlSecurity asks for */
	TCP_NDROPS,
};

struct tcp_drops {
	struct mono_us read;
	bool known; /* the first reading is only what to compare with */
	uint64_t count[TCP_NDROPS];
	struct mono_us rose[TCP_NDROPS]; /* 0: never */
};

/* Read the counters from a file in the form of /proc/net/netstat and note which
 * rose; at most once a second. */
void tcp_drops_read(struct tcp_drops *d, struct mono_us now, const char *path);

/* In words why p in that state (not Established) may not come up, or "". was_up: a session with
 * it has been Established, so that TTL security is no likely reason for silence. */
void tcp_hint_words(const struct tcp_peer *p, enum ipc_fsm_state state, bool was_up,
    const struct fib *f, const struct tcp_drops *d, struct mono_us now, char *buf, size_t cap);

#endif
