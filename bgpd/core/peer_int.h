/*
 * What the files of a peer share: peer.c (life, connections, scheduling),
 * peer_open.c (OPENs and collisions), peer_why.c (reasons in words).
 */
#ifndef BGPD_CORE_PEER_INT_H
#define BGPD_CORE_PEER_INT_H

#include "bgpd/core/peer.h"

#define WHY_MAX IPC_TEXT_MAX

static inline struct session *
session_other(struct session *s)
{
	return &s->peer->s[s->dir == SESSION_OUT ? SESSION_IN : SESSION_OUT];
}

/* The AS number we show this peer. */
uint32_t peer_local_asn(const struct peer *p);

/* Do we connect by ourselves? Not to a passive peer, nor to one that was not found yet. */
bool peer_dials(const struct peer *p);

/* ConnectRetryTime before jitter. */
uint64_t peer_retry_us(const struct peer *p);

/* May there be a session now?  NULL, or why not (static text). */
const char *peer_stopped_why(const struct peer *p);

/* Start, stop or leave alone what the sessions do by themselves. */
void peer_schedule(struct peer *p, struct mono_us now);

/* A collision that is being settled on s is over: its OPEN counts. */
bool session_is_parked(const struct session *s);
void session_proceed(struct session *s, struct mono_us now);

/* s has become Established: how long another connection may wait for the peer's decision. */
void peer_collision_up(struct session *s, struct mono_us now);

/* ---- reasons: each writes a sentence without full stop into buf (WHY_MAX) and returns it - */

/* A NOTIFICATION of the peer. */
char *why_notification(const struct peer *p, const struct msg_notification *n, char *buf);
/* A connect that failed with an errno; said: the agent's words, may be empty. */
char *why_connect(const struct peer *p, int err, const char *said, char *buf);
/* The TCP connection of s ended: err 0 is the peer's FIN. */
char *why_closed(const struct session *s, int err, char *buf);
/* What the row shows while not Established. */
char *why_not_up(const struct peer *p, struct mono_us now, char *buf);

#endif
