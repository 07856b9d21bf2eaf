/*
 * One connection's instance of the FSM: timers, framing, control output.
 *
 * A peer has two: SESSION_OUT dials, SESSION_IN takes what the peer dials.
 * Both may be under way at once until collision detection (RFC 4271 section
 * 6.8, in peer.c) leaves one.  A session holds no big buffer: incomplete
 * messages stay with the shell, and only control messages wait here.
 *
 * session.c carries out what the FSM's table says and turns octets and timers
 * into events; whatever needs the peer's configuration or its other session is
 * asked of peer.c through the functions at the end.
 */
#ifndef BGPD_CORE_SESSION_H
#define BGPD_CORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/cap.h"
#include "bgpd/core/fsm.h"
#include "bgpd/core/msg.h"
#include "bgpd/core/timer.h"
#include "lib/hmap.h"
#include "lib/ipcmsg.h"
#include "lib/mono.h"

struct peer;
struct peer_env;
struct update;

enum session_dir { SESSION_OUT, SESSION_IN, SESSION_NDIRS };
enum session_timer {
	TIMER_RETRY,	 /* ConnectRetryTimer */
	TIMER_HOLD,	 /* HoldTimer */
	TIMER_KEEPALIVE, /* KeepaliveTimer */
	TIMER_IDLE_HOLD, /* IdleHoldTimer */
	TIMER_SEND_HOLD, /* SendHoldTimer, RFC 9687 */
	TIMER_COLLISION, /* ours: the peer has so long to settle a collision */
	SESSION_NTIMERS
};

/* What two OPENs agreed on. */
struct peer_neg {
	bool ebgp;
	bool confed; /* inside our confederation; with ebgp: another Member-AS (RFC 5065) */
	uint8_t role, peer_role; /* enum ipc_role; RFC 9234 */
	bool caps;		/* the peer's OPEN had capabilities */
	bool as4, refresh, enhanced_refresh, ext_msg, ext_next_hop;
	bool gr;		/* both sides have graceful restart */
	bool peer_gr;		/* the peer has it, whatever we offered */
	bool gr_restarting;	/* R bit of the peer's OPEN */
	bool gr_notification;	/* N bit on both sides */
	uint8_t families;	/* AF_BIT()s in use */
	uint8_t addpath_rx;	/* of these: the peer sends several paths per prefix (RFC 7911), */
	uint8_t addpath_tx;	/* and we do */
	uint8_t gr_families;	/* AF_BIT()s in the peer's GR capability and in use */
	uint8_t gr_forwarding;	/* of these: F bit set by the peer */
	uint16_t gr_time_s;	/* the peer's Restart Time */
	bool llgr;		/* both sides have long-lived graceful restart (RFC 9494) */
	bool peer_llgr;		/* the peer has it, whatever we offered */
	uint8_t llgr_families;	/* AF_BIT()s in the peer's capability, with a time, and in use */
	uint8_t llgr_forwarding; /* of those in use: F bit set by the peer */
	uint32_t llgr_time_s[AF_COUNT]; /* the peer's Long-Lived Stale Time */
	uint16_t hold_s, keepalive_s; /* 0: none */
	uint32_t local_asn, remote_asn, remote_id;
};

/* The longest message either side may send once both OPENs are there: RFC 8654 section 4. */
static inline uint16_t
peer_max_octets(const struct peer_neg *n)
{
	return n->ext_msg ? BGP_MAX_EXT_OCTETS : BGP_MAX_OCTETS;
}

/*
 * Control messages that wait: nothing is added to more than so many octets but
 * a NOTIFICATION, which goes out with all its data.
 */
#define CONN_OUT_OCTETS 148

/* An OPEN as it stood on the wire, header included. */
struct conn_open {
	uint8_t *p; /* NULL: none yet */
	uint16_t octets;
};

/* A TCP connection.  Outlives its session until its last octets are taken. */
struct conn {
	struct hmap_node node; /* in env->conns, by id */
	uint32_t id;	       /* conn_id */
	struct peer_env *env;
	struct session *s;     /* NULL: closing, only output is left */
	bool incoming;	       /* the peer dialled */
	bool write_asked;      /* a TODO_WRITE is out since the last output */
	bool keepalive_waits;  /* the output ends with a KEEPALIVE */
	struct mono_us since;
	struct timer linger;   /* closing: forgotten when nobody takes the output */
	struct ipc_endpoints ep;
	uint8_t *out;	       /* control messages, NULL: none */
	size_t out_octets;
	struct conn_open open_in, open_out; /* the peer's and ours, kept for monitoring */
};

struct session {
	struct peer *peer;
	uint8_t dir;	    /* enum session_dir */
	uint8_t state;	    /* enum fsm_state, written by session_event() alone */
	bool have_open;	    /* the peer's OPEN was accepted: neg is filled */
	bool early_keepalive; /* a KEEPALIVE came while a collision is being settled */
	uint32_t token;	    /* of the connect under way, 0: none */
	struct conn *conn;  /* NULL: none */
	struct mono_us deadline[SESSION_NTIMERS]; /* MONO_NEVER: not running */
	struct mono_us since; /* in this state */
	struct peer_neg neg;
};

/* Why an event happened: for the NOTIFICATION, the reason shown, and the log. */
struct session_cause {
	uint8_t code, sub;
	const void *data; /* borrowed for the call */
	size_t data_octets;
	const char *text; /* RFC 9003 shutdown communication, instead of data; may be NULL */
	const char *why;  /* a sentence; NULL: nothing to tell */
	bool silent;	  /* the connection is closed at once, nothing is sent */
	bool hard;	  /* nothing is to be kept of the session, by either side: RFC 8538 */
	const struct update *update; /* EV_UPDATE_MSG */
	const struct msg_refresh *refresh; /* EV_REFRESH_MSG */
};

/* A session in Idle without a connection. */
void session_init(struct session *s, struct mono_us now, struct peer *p, enum session_dir dir);

/*
 * The only function that changes the state: looks the event up and carries out
 * what its rule says.  cause may be NULL where the rule needs none.
 */
void session_event(struct session *s, struct mono_us now, enum fsm_event ev,
    const struct session_cause *cause);

/* Take over a new TCP connection, then EV_TCP_ACKED or EV_TCP_CONFIRMED is due. */
struct conn *session_attach(struct session *s, struct mono_us now, bool incoming,
    const struct ipc_endpoints *ep);

/* Octets from its connection; as peer_conn_input(). */
size_t session_input(struct session *s, struct mono_us now, const uint8_t *in, size_t len);

/* Start a timer, or stop it with MONO_NEVER. */
void session_arm(struct session *s, enum session_timer t, struct mono_us when);

/* The earliest of its timers; raise the events of those that are due. */
struct mono_us session_deadline(const struct session *s);
void session_timeout(struct session *s, struct mono_us now);

/*
 * Append a control message made by put() to the connection's output; false
 * when there is no room but for a NOTIFICATION, or no connection.
 */
bool session_send_refresh(struct session *s, uint8_t af, uint8_t subtype);

/* By id, closing ones included; NULL. */
struct conn *conn_find(const struct peer_env *env, uint32_t id);
/* Take up to cap octets of its output; may free a closing connection. */
size_t conn_take(struct conn *c, uint8_t *buf, size_t cap);
/* Ask the shell to write, once. */
void conn_ask_write(struct conn *c, struct peer *p);
void conn_free(struct conn *c);

/* ---- asked of peer*.c --------------------------------------------------------- */

/* The OPEN to send on this session; *ret_params false: without optional parameters. */
void peer_make_open(struct session *s, struct msg_open *ret, bool *ret_params);

/*
 * A well-formed OPEN arrived in OpenSent: judge it against the configuration,
 * negotiate, settle collisions, and raise what follows from it.
 */
void peer_got_open(struct session *s, struct mono_us now, const struct msg_open *o);

/* A NOTIFICATION arrived: raise its event with the reason in words. */
void peer_got_notification(struct session *s, struct mono_us now,
    const struct msg_notification *n);

/* TIMER_COLLISION: the peer did not settle it. */
void peer_collision_timeout(struct session *s, struct mono_us now);

/* DO_UP, DO_DOWN, DO_UPDATE, DO_DAMP. */
void peer_session_up(struct session *s, struct mono_us now);
void peer_session_down(struct session *s, struct mono_us now, enum fsm_event ev,
    const struct session_cause *cause);
void peer_session_update(struct session *s, struct mono_us now, const struct update *u);
void peer_session_damp(struct session *s, struct mono_us now, enum fsm_state was,
    enum fsm_event ev);

/* An event was carried out: reasons, logs, what the other session should do now. */
void peer_session_changed(struct session *s, struct mono_us now, enum fsm_state was,
    enum fsm_event ev, const struct session_cause *cause);

#endif
