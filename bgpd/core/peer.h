/*
 * A peer: its configuration, its two possible sessions, and everything that
 * decides when to connect, which connection wins, and why it is not up.
 *
 * The speaker owns the peers and gives them a peer_env: the callbacks, the
 * timer heap, randomness.  RIBs are not known here: UPDATEs go up through
 * ops->update() decoded, and come down through ops->fill() as octets.
 * RFC 4271 sections 6, 8 and 10, RFC 4724, RFC 6286, RFC 9687.
 */
#ifndef BGPD_CORE_PEER_H
#define BGPD_CORE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/session.h"
#include "bgpd/core/speaker.h"
#include "bgpd/core/timer.h"
#include "bgpd/core/update.h"
#include "lib/hmap.h"
#include "lib/log.h"
#include "lib/rng.h"

struct crash_page;
struct peer;

/* What becomes of a peer's routes when its session ends. */
enum peer_down {
	PEER_DOWN_FLUSH, /* they go */
	PEER_DOWN_LOST,	 /* the peer's doing: they go unless last known good is asked for (llgr_alone) */
	PEER_DOWN_KEEP,	 /* graceful restart applies: neg.gr_families, llgr_families stay, stale (RFC 4724 4.2, 8538, 9494) */
};

/* Every op is called with p->env->ctx at hand, and none may free p. */
struct peer_ops {
	/* Established: p->neg, p->ctx and p->ep are filled. */
	void (*up)(struct peer *p, struct mono_us now);
	/* No longer Established; p->neg still tells what was agreed.  why is a sentence. */
	void (*down)(struct peer *p, struct mono_us now, enum peer_down how, const char *why);
	/*
	 * Ended by us for good or to start anew, Established or not; after down().  Nothing is
	 * kept of earlier sessions any more.  Not for what a Hard Reset is not sent for (RFC 8538):
	 * other settings of the same neighbour.  May be NULL.
	 */
	void (*stopped)(struct peer *p, struct mono_us now);
	/* An UPDATE comes, with this field of IPv4 NLRI, as long as it proves to be valid. May be NULL. */
	void (*ahead)(struct peer *p, const struct rd *nlri);
	/* An UPDATE that does not reset the session; u->err.act as update.h says. */
	void (*update)(struct peer *p, struct mono_us now, const struct update *u);
	/* A ROUTE-REFRESH for a family in use; subtype is enum bgp_refresh_subtype. */
	void (*refresh)(struct peer *p, struct mono_us now, uint8_t af, uint8_t subtype);
	/*
	 * Write whole UPDATEs into buf; returns octets, 0 when there is nothing to say now.
	 * None is begun once there are `want` octets (not 0); one may go beyond them.
	 */
	size_t (*fill)(struct peer *p, struct mono_us now, uint8_t *buf, size_t cap, size_t want);
	/* Would fill() write something? */
	bool (*wants_fill)(const struct peer *p);
	/* Queue a todo for the shell. */
	void (*todo)(struct peer *p, const struct todo *t);
	/* Log and event table; name like "peer-up", fmt as lib/log.h reads it. */
	void (*event)(struct peer *p, enum log_level level, const char *name, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));
	/* The graceful restart capability to offer this peer; present false: none. */
	void (*gr_caps)(const struct peer *p, struct cap_gr *ret);
	/* A whole message was read from a connection, or will be written to it. May be NULL. */
	void (*message)(struct peer *p, const struct conn *c, bool sent, const uint8_t *msg,
	    size_t octets);
	/* What peer_state() tells has changed. May be NULL. */
	void (*state)(struct peer *p, enum fsm_state was, enum fsm_state now);
};

/* What all peers of a speaker share.  Owned by the speaker; outlives its peers. */
struct peer_env {
	const struct peer_ops *ops;
	void *ctx;			     /* the speaker's, for the ops */
	const struct ipc_conf_speaker *conf; /* current; changed under the peers' feet by the speaker */
	struct heap *timers;
	struct rng *rng;
	struct crash_page *crash; /* where it is kept whose message is handled; may be NULL */

	/* peer.c's own; prepare with peer_env_init(). */
	struct hmap conns;     /* conn_id to connection */
	uint32_t last_conn, last_token;
	struct update *update; /* scratch for decoding, one message at a time */
};

/* The fields above the line are set by the caller; these two fill and empty the rest. */
void peer_env_init(struct peer_env *env, uint64_t seed);
void peer_env_free(struct peer_env *env);

/* Connections that still exist, closing ones with octets to send included. */
size_t peer_env_conns(const struct peer_env *env);

struct peer {
	struct peer_env *env;
	struct ipc_conf_peer conf; /* current */
	struct ip_addr addr;	   /* conf's, or who was found (conf.unnumbered; af IP_NONE: nobody) */
	struct mono_us unheard_since; /* unnumbered and nobody found */
	uint16_t index;		   /* dense, given by the speaker, for the RIB's tables */
	void *rib;		   /* the RIB's state of this peer; not looked at here */

	/* Of the Established session, else of the last one. */
	struct session *up;	    /* NULL: not Established */
	struct peer_neg neg;
	struct update_ctx ctx;	    /* for update_decode() and update_encode_*() */
	struct ipc_endpoints ep;    /* addresses of its connection; ctx.ep points here */
	struct mono_us up_since;

	/* peer*.c's and session.c's own. */
	struct session s[SESSION_NDIRS];
	struct timer timer;	    /* the nearest of the deadlines below and in the sessions */
	struct mono_us idle_until;  /* peer_end(): no session before; 0: not idle */
	bool started;		    /* between peer_start() and the end */
	bool admin_down;	    /* by command; conf.enabled false counts, too */
	bool drained;		    /* peer_drain() */
	bool show_own_asn;	    /* IPC_LOCAL_AS_DUAL: the peer refused local_asn */
	bool no_params;		    /* the peer refuses optional parameters (RFC 5492 section 3) */
	uint8_t errors;		    /* in a row without a lasting session: damping */
	char *reason;		    /* why the last attempt or session failed; NULL: nothing yet */
	char *last_error;	    /* how the last session ended; NULL: never */
	struct mono_us last_error_at;
	bool fault;		    /* last_error is one side's refusal, not just a lost connection */
	struct log_limit update_log; /* malformed UPDATEs */
	uint8_t shown_state;	    /* enum fsm_state, as last told by ops->state() */
	uint8_t down_event;	    /* enum fsm_event that ended the last session */
	uint64_t msgs_in[BGP_NMSG], msgs_out[BGP_NMSG]; /* by type; [0] the sum */
	uint64_t withdraw_errs;	    /* UPDATEs treated as withdraw */
	uint64_t discard_errs;	    /* UPDATEs with attributes discarded */
	uint64_t connect_retries;   /* ConnectRetryCounter */
	uint32_t established_count, flaps;
};

/* ---- life ------------------------------------------------------------------ */

/* A peer in Idle; nothing happens before peer_start(). Copies conf. */
struct peer *peer_new(struct peer_env *env, struct mono_us now, const struct ipc_conf_peer *conf,
    uint16_t index);

/* Start it: connects at once unless passive or administratively down. */
void peer_start(struct peer *p, struct mono_us now);

/*
 * Take changed settings.  True when a session had to be reset for it
 * (Cease/Other Configuration Change, RFC 4486): addresses, AS numbers, timers,
 * families, graceful restart.  The rest is only stored: the speaker applies it.
 */
bool peer_configure(struct peer *p, struct mono_us now, const struct ipc_conf_peer *conf);

/*
 * Who is at an unnumbered peer's interface: another address ends what was under way with the one
 * before, af IP_NONE nothing but dialling.
 */
void peer_found(struct peer *p, struct mono_us now, const struct ip_addr *addr);

/*
 * The speaker's own settings changed in a way that every OPEN shows (AS, router
 * id, graceful restart): reset the session, if there is one.
 */
void peer_speaker_changed(struct peer *p, struct mono_us now);

/*
 * Free the peer: its session ends with Cease/Peer De-configured (ops->down is
 * called first), its connections are closed by todos that follow.
 */
void peer_remove(struct peer *p, struct mono_us now);

/*
 * Does nothing keep it: no connection, no command that holds it down, no pause after a limit?
 */
bool peer_is_unused(const struct peer *p);

/* Free it without a word to anybody (end of the speaker). No op is called. */
void peer_free(struct peer *p);

/* ---- commands --------------------------------------------------------------- */

/*
 * End the session with a NOTIFICATION and, unless idle_us is 0, stay Idle that
 * long (UINT64_MAX: until peer_admin_up()).  For limits of the RIB: Cease,
 * Maximum Number of Prefixes Reached with data AFI, SAFI, limit (RFC 4486
 * section 4).  data is borrowed for the call; why is a sentence for views.
 */
void peer_end(struct peer *p, struct mono_us now, uint8_t code, uint8_t sub, const void *data,
    size_t data_octets, const char *why, uint64_t idle_us);

/* Cease/Administrative Reset with the text, then start again (RFC 4486, RFC 9003). */
void peer_admin_reset(struct peer *p, struct mono_us now, const char *text);
/*
 * BFD says that nothing gets to it any more, with why: Cease/BFD Down (RFC 9384), which keeps no
 * routes; then it is tried again.
 */
void peer_bfd_down(struct peer *p, struct mono_us now, const char *why);
/* Cease/Administrative Shutdown with the text; stays down until peer_admin_up(). */
void peer_admin_down(struct peer *p, struct mono_us now, const char *text);
void peer_admin_up(struct peer *p, struct mono_us now);
/* The same at the end of a drain (drain.h), apart from the command: both have to be lifted. */
void peer_drain(struct peer *p, struct mono_us now, const char *text);
void peer_undrain(struct peer *p, struct mono_us now);

/*
 * The link under its connections, or our address there, is gone: end them as if TCP had said
 * so, without a NOTIFICATION; why is borrowed for the call.
 */
void peer_link_lost(struct peer *p, struct mono_us now, const char *why);

/*
 * The whole speaker ends: as ipc_shutdown_mode says; no new session afterwards.  For a
 * restart peers with the N bit are told (RFC 8538), TCP of the others is just closed.
 */
void peer_shutdown(struct peer *p, struct mono_us now, enum ipc_shutdown_mode mode,
    const char *text);

/* Send a ROUTE-REFRESH; false when not Established or not negotiated for af. */
bool peer_send_refresh(struct peer *p, struct mono_us now, uint8_t af, uint8_t subtype);

/* There is (or may be) something to fill: ask the shell to write, once. */
void peer_kick(struct peer *p);

/* ---- connections: as speaker_conn_*() in speaker.h ----------------------------- */

/*
 * The connect with that token stands. The connection's number, or 0 with the reason (static
 * text) when it is no longer wanted: the shell closes it then.
 */
conn_id peer_conn_connected(struct peer *p, struct mono_us now, uint32_t token,
    const struct ipc_endpoints *ep, const char **ret_why);
/*
 * The peer has opened a connection. As above; 0 also when the peer is stopped, or has two
 * already (collisions: RFC 4271 section 6.8).
 */
conn_id peer_conn_accepted(struct peer *p, struct mono_us now, const struct ipc_endpoints *ep,
    const char **ret_why);
/* The connect with that token failed with err (an errno; 0: see why, borrowed). */
void peer_conn_failed(struct peer *p, struct mono_us now, uint32_t token, int err,
    const char *why);

/* The peer that has this connection; NULL when it is closed or closing. */
struct peer *peer_conn_owner(const struct peer_env *env, conn_id conn);

/*
 * Octets came. How many were used: the rest is to be offered again, and reading pauses. All
 * of them when the connection is closing.
 */
size_t peer_conn_input(struct peer_env *env, struct mono_us now, conn_id conn, const uint8_t *in,
    size_t len);
/* The descriptor is gone: err is an errno, 0 for the peer's orderly end.  The number is free. */
void peer_conn_closed(struct peer_env *env, struct mono_us now, conn_id conn, int err);
/*
 * Fill buf with what is to be written now; how many octets. An UPDATE is only begun with room
 * for all of it (see SPEAKER_OUT_MIN), and when there are less than `want` octets.
 */
size_t peer_conn_output(struct peer_env *env, struct mono_us now, conn_id conn, uint8_t *buf,
    size_t cap, size_t want);
/* Is there something to write? */
bool peer_conn_pending(const struct peer_env *env, conn_id conn);
/*
 * The peer takes nothing since then (MONO_NEVER: it does again): the send hold timer runs
 * (RFC 9687).
 */
void peer_conn_blocked(struct peer_env *env, struct mono_us now, conn_id conn,
    struct mono_us since);

/* ---- views --------------------------------------------------------------------- */

/* The state shown: the farther of the two sessions'. */
enum fsm_state peer_state(const struct peer *p);

/*
 * The session's part of the row: state, reason, errors, negotiated values,
 * counters, endpoints, fam[].negotiated and fam[].gr_forwarding.  The rest of
 * *ret is left alone.
 */
void peer_fill_row(const struct peer *p, struct mono_us now, struct ipc_row_peer *ret);

#endif
