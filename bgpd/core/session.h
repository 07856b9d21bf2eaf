/*
 * One connection's instance of the FSM: timers, framing, control output.
 *
 * A peer has two: SESSION_OUT dials, SESSION_IN takes what the peer dials.
 * Both may be under way at once until collision detection (RFC 4271 section
 * 6.8, in peer.c) leaves one.  A session holds no big buffer: incomplete
 * messages stay with the shell, and only control messages wait here.
 */
#ifndef BGPD_CORE_SESSION_H
#define BGPD_CORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/cap.h"
#include "bgpd/core/fsm.h"
#include "bgpd/core/msg.h"
#include "lib/hmap.h"
#include "lib/ipcmsg.h"
#include "lib/mono.h"

struct peer;

enum session_dir { SESSION_OUT, SESSION_IN, SESSION_NDIRS };
enum session_timer {
	TIMER_RETRY,	 /* ConnectRetryTimer */
	TIMER_HOLD,	 /* HoldTimer */
	TIMER_KEEPALIVE, /* KeepaliveTimer */
	TIMER_IDLE_HOLD, /* IdleHoldTimer */
	TIMER_SEND_HOLD, /* SendHoldTimer, RFC 9687 */
	SESSION_NTIMERS
};

/* What two OPENs agreed on. */
struct peer_neg {
	bool ebgp;
	bool as4, refresh, enhanced_refresh, ext_msg;
	bool gr;		/* both sides have graceful restart */
	bool gr_restarting;	/* R bit of the peer's OPEN */
	bool gr_notification;	/* N bit on both sides */
	uint8_t families;	/* AF_BIT()s in use */
	uint8_t gr_families;	/* AF_BIT()s in the peer's GR capability and in use */
	uint8_t gr_forwarding;	/* of these: F bit set by the peer */
	uint16_t gr_time_s;	/* the peer's Restart Time */
	uint16_t hold_s, keepalive_s; /* 0: none */
	uint32_t local_asn, remote_asn, remote_id;
};

struct session {
	struct peer *peer;
	uint8_t dir;		/* enum session_dir */
	uint8_t state;		/* enum fsm_state, written by session_event() alone */
	bool have_open;		/* the peer's OPEN was accepted: neg is filled */
	bool write_asked;	/* a TODO_WRITE is out since the last output */
	uint32_t conn;		/* conn_id, 0: no connection */
	uint32_t token;		/* of the connect under way, 0: none */
	struct hmap_node node;	/* in the env's connections, by conn */
	struct mono_us deadline[SESSION_NTIMERS]; /* MONO_NEVER: not running */
	struct mono_us since;	/* in this state */
	struct peer_neg neg;
	struct ipc_endpoints ep;
	uint8_t *out;		/* control messages not taken yet; allocated while connected */
	uint16_t out_octets;
};

#endif
