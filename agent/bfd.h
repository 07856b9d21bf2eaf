/*
 * BFD sessions of peers: which there are, and what follows from their state.
 *
 * A session runs as long as its peer is configured and not taken down by an
 * operator, also while BGP is down: under graceful restart it watches the
 * forwarding of the peer.  It is of single hop (RFC 5881) when the peer is on a
 * link, else multihop (RFC 5883), and begins once both addresses are known.
 *
 * When it leaves Up, the peer's address goes out of the next-hop sets first,
 * then bgpd is told, which ends the session with Cease, BFD Down (RFC 9384).
 */
#ifndef AGENT_BFD_H
#define AGENT_BFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/agent.h"
#include "lib/ipcmsg.h"
#include "lib/launchmsg.h"

struct bfd;

/* No sessions.  Borrows a, whose launcher, fib and configuration it uses. */
struct bfd *bfd_new(struct agent *a);
/* NULL is fine; keys are wiped. */
void bfd_free(struct bfd *b);

/* The configuration, the peers or their addresses have changed: have the sessions they want. */
void bfd_apply(struct bfd *b);
/* Addresses of ours may have come: sessions that wait for one may begin. */
void bfd_check_addresses(struct bfd *b);
/* One more peer (a dynamic one), or one less. */
/* Or has another address now. */
void bfd_peer_added(struct bfd *b, const struct agent_peer *p);
void bfd_peer_gone(struct bfd *b, uint32_t peer);

/* Where a connection of that peer runs: BFD runs there, too, when nothing else says where. */
void bfd_endpoints(struct bfd *b, uint32_t peer, const struct ipc_endpoints *ep);
/* An operator takes it down, which its peer is told (AdminDown), or up again. */
void bfd_peer_admin(struct bfd *b, uint32_t peer, bool down);
/* Its BGP session is Established, or no longer; stale: graceful restart keeps its routes. */
void bfd_peer_bgp(struct bfd *b, uint32_t peer, bool up, bool stale);
/* bgpd has ended, and with it what operators told it; its sessions are no longer Established. */
void bfd_bgpd_gone(struct bfd *b);

/* LAUNCH_BFDD: fd (taken over) is the channel, or -1 with the reason in m->text. */
void bfd_started(struct bfd *b, const struct launch_msg *m, int fd);
/* LAUNCH_CHILD about bfdd. */
void bfd_ended(struct bfd *b, const struct launch_msg *m);

/* ---- views ---------------------------------------------------------------- */

struct bfd_view {
	uint32_t peer;
	const struct ipc_bfd_session *conf; /* id 0: it has not begun, see problem */
	const char *profile;
	bool known;			    /* bfdd has said what state it is in */
	const struct ipc_bfd_state_msg *state;
	uint64_t state_age_us;		    /* since the agent was told */
	const struct ipc_row_bfd *row;	    /* as last asked for; NULL: never */
	bool holds_down;		    /* it keeps the peer's address out of routes */
	uint64_t failures;		    /* times it said that the path is dead */
	const char *problem;		    /* why there is none, "" when there is */
};

/* The session of that peer; false: it has no BFD. */
bool bfd_of_peer(const struct bfd *b, uint32_t peer, struct bfd_view *ret);
/* Every session in the order of peers; *pos is 0 at first and moved on. */
bool bfd_next(const struct bfd *b, size_t *pos, struct bfd_view *ret);

/* bfdd's figures as last asked for, NULL: never. */
const struct ipc_bfd_stats *bfd_stats(const struct bfd *b);
/* Why no session can run although there are some, in buf; NULL: all is well. */
const char *bfd_problem(const struct bfd *b, char *buf, size_t cap);

/*
 * Ask bfdd how its sessions are; done is called once, when rows and figures are
 * new, or after a second, or at once when there is nobody to ask (late: true).
 */
void bfd_ask(struct bfd *b, void (*done)(void *ctx, bool late), void *ctx);

#endif
