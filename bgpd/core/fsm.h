/*
 * The finite state machine as a table: fsm_rules[state][event] = what comes
 * next and what is to be done.  Pure: session.c carries the actions out.
 *
 * States and event numbers are RFC 4271's (sections 8.1 and 8.2.2), with event
 * 29 of RFC 9687.  Optional attributes in use: PassiveTcpEstablishment,
 * DampPeerOscillations, AllowAutomaticStart, CollisionDetectEstablishedState
 * (only for graceful restart); not in use: DelayOpen, TrackTcpState,
 * SendNOTIFICATIONwithoutOPEN.
 */
#ifndef BGPD_CORE_FSM_H
#define BGPD_CORE_FSM_H

#include <stdint.h>

enum fsm_state {
	FSM_IDLE,
	FSM_CONNECT,
	FSM_ACTIVE,
	FSM_OPENSENT,
	FSM_OPENCONFIRM,
	FSM_ESTABLISHED,
	FSM_NSTATES
};

enum fsm_event {
	EV_MANUAL_START = 1,
	EV_MANUAL_STOP = 2,
	EV_AUTO_START = 3,
	EV_MANUAL_START_PASSIVE = 4,
	EV_AUTO_START_PASSIVE = 5,
	EV_AUTO_START_DAMP = 6,
	EV_AUTO_START_DAMP_PASSIVE = 7,
	EV_AUTO_STOP = 8,
	EV_CONNECT_RETRY_TIMER = 9,
	EV_HOLD_TIMER = 10,
	EV_KEEPALIVE_TIMER = 11,
	EV_DELAY_OPEN_TIMER = 12,
	EV_IDLE_HOLD_TIMER = 13,
	EV_TCP_VALID = 14,
	EV_TCP_INVALID = 15,
	EV_TCP_ACKED = 16,
	EV_TCP_CONFIRMED = 17,
	EV_TCP_FAILS = 18,
	EV_BGP_OPEN = 19,
	EV_BGP_OPEN_DELAYED = 20,
	EV_HEADER_ERR = 21,
	EV_OPEN_MSG_ERR = 22,
	EV_COLLISION_DUMP = 23,
	EV_NOTIF_VERSION = 24,
	EV_NOTIF_MSG = 25,
	EV_KEEPALIVE_MSG = 26,
	EV_UPDATE_MSG = 27,
	EV_UPDATE_MSG_ERR = 28,
	EV_SEND_HOLD_TIMER = 29, /* RFC 9687 */
	EV_REFRESH_MSG = 30,	 /* ours: RFC 2918 names no event */
	EV_REFRESH_MSG_ERR = 31, /* ours: RFC 7313 section 5 */
	FSM_NEVENTS
};

/* What a transition does, carried out in the order of the bits. */
enum fsm_do {
	DO_STOP_TIMERS = 1 << 0,    /* every timer of the session */
	DO_NOTIFY = 1 << 1,	    /* send the NOTIFICATION of the cause */
	DO_NOTIFY_FSM = 1 << 2,	    /* send FSM Error with the subcode of the state (RFC 6608) */
	DO_DROP = 1 << 3,	    /* close the connection (after what is pending), release it */
	DO_DOWN = 1 << 4,	    /* routes of the session go (or become stale) */
	DO_ZERO_RETRIES = 1 << 5,   /* ConnectRetryCounter = 0 */
	DO_COUNT_RETRY = 1 << 6,    /* ConnectRetryCounter + 1 */
	DO_DAMP = 1 << 7,	    /* DampPeerOscillations: start the IdleHoldTimer */
	DO_CONNECT = 1 << 8,	    /* initiate a TCP connection */
	DO_SEND_OPEN = 1 << 9,
	DO_SEND_KEEPALIVE = 1 << 10,
	DO_ARM_RETRY = 1 << 11,	    /* ConnectRetryTimer */
	DO_STOP_RETRY = 1 << 12,
	DO_ARM_HOLD_LARGE = 1 << 13, /* HoldTimer at 4 minutes */
	DO_ARM_HOLD = 1 << 14,	     /* HoldTimer at the negotiated value */
	DO_ARM_KEEPALIVE = 1 << 15,
	DO_UP = 1 << 16,
	DO_UPDATE = 1 << 17,	     /* process the UPDATE */
	DO_REFRESH = 1 << 18,	     /* process the ROUTE-REFRESH */
	DO_ACCEPT = 1 << 19,	     /* the connection becomes this session's */
};

struct fsm_rule {
	uint8_t next; /* enum fsm_state */
	uint32_t todo; /* enum fsm_do */
};

/* The rule for an event in a state; never NULL ("any other event" has a rule, too). */
const struct fsm_rule *fsm_rule(enum fsm_state state, enum fsm_event event);

/* RFC spelling: "OpenSent"; "HoldTimer_Expires". */
const char *fsm_state_name(enum fsm_state s);
const char *fsm_event_name(enum fsm_event e);

#endif
