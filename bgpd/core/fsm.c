/*
 * The transition table of RFC 4271 section 8.2.2.
 *
 * Unlisted events take fsm_other[state], the "any other event" paragraph of
 * that state.  Where we differ from the text, the row says so:
 *
 *  - a NOTIFICATION is never answered with one (OpenSent, event 25: the RFC's
 *    text lists it under "any other event", section 6.4 says that there is no
 *    way to report an error in it);
 *  - header errors in Established are reported as such (section 6.1), not as
 *    an FSM error;
 *  - a second OPEN on one connection is an FSM error with RFC 6608's subcode:
 *    collisions between two connections are peer.c's, by event 23;
 *  - every automatic return to Idle starts the IdleHoldTimer, because nobody
 *    else would start the peer again.
 */
#include "bgpd/core/fsm.h"

#include <stddef.h>

/* Back to Idle without, and with, a mark against the peer. */
#define CLOSE  (DO_STOP_TIMERS | DO_DROP)
#define FAIL   (CLOSE | DO_COUNT_RETRY | DO_DAMP)
#define STOP   (CLOSE | DO_ZERO_RETRIES)
#define OPENED (DO_STOP_RETRY | DO_SEND_OPEN | DO_ARM_HOLD_LARGE)
#define AGREED (DO_STOP_RETRY | DO_SEND_KEEPALIVE | DO_ARM_KEEPALIVE | DO_ARM_HOLD)

/* "The start events (1, 3 to 7) are ignored." */
#define IGNORE_START(state)                                                                        \
	[EV_MANUAL_START] = { state, 0 }, [EV_AUTO_START] = { state, 0 },                          \
	[EV_MANUAL_START_PASSIVE] = { state, 0 }, [EV_AUTO_START_PASSIVE] = { state, 0 },          \
	[EV_AUTO_START_DAMP] = { state, 0 }, [EV_AUTO_START_DAMP_PASSIVE] = { state, 0 }

/* A second TCP connection is tracked by the peer's other session. */
#define IGNORE_TCP(state)                                                                          \
	[EV_TCP_VALID] = { state, 0 }, [EV_TCP_INVALID] = { state, 0 },                            \
	[EV_TCP_ACKED] = { state, 0 }, [EV_TCP_CONFIRMED] = { state, 0 }

static const struct fsm_rule fsm_rules[FSM_NSTATES][FSM_NEVENTS] = {
	[FSM_IDLE] = {
		[EV_MANUAL_START] = { FSM_CONNECT, DO_ZERO_RETRIES | DO_ARM_RETRY | DO_CONNECT },
		[EV_AUTO_START] = { FSM_CONNECT, DO_ZERO_RETRIES | DO_ARM_RETRY | DO_CONNECT },
		[EV_MANUAL_START_PASSIVE] = { FSM_ACTIVE, DO_ZERO_RETRIES | DO_ARM_RETRY },
		[EV_AUTO_START_PASSIVE] = { FSM_ACTIVE, DO_ZERO_RETRIES | DO_ARM_RETRY },
		/* damped: the count of retries goes on */
		[EV_AUTO_START_DAMP] = { FSM_CONNECT, DO_ARM_RETRY | DO_CONNECT },
		[EV_AUTO_START_DAMP_PASSIVE] = { FSM_ACTIVE, DO_ARM_RETRY },
		[EV_IDLE_HOLD_TIMER] = { FSM_CONNECT, DO_ARM_RETRY | DO_CONNECT },
	},
	[FSM_CONNECT] = {
		IGNORE_START(FSM_CONNECT),
		[EV_MANUAL_STOP] = { FSM_IDLE, STOP },
		[EV_CONNECT_RETRY_TIMER] = { FSM_CONNECT, DO_DROP | DO_ARM_RETRY | DO_CONNECT },
		[EV_DELAY_OPEN_TIMER] = { FSM_OPENSENT, DO_SEND_OPEN | DO_ARM_HOLD_LARGE },
		[EV_TCP_VALID] = { FSM_CONNECT, 0 },
		[EV_TCP_INVALID] = { FSM_CONNECT, 0 },
		[EV_TCP_ACKED] = { FSM_OPENSENT, OPENED },
		[EV_TCP_CONFIRMED] = { FSM_OPENSENT, OPENED },
		[EV_TCP_FAILS] = { FSM_IDLE, CLOSE | DO_DAMP },
	},
	[FSM_ACTIVE] = {
		IGNORE_START(FSM_ACTIVE),
		[EV_MANUAL_STOP] = { FSM_IDLE, STOP },
		[EV_CONNECT_RETRY_TIMER] = { FSM_CONNECT, DO_ARM_RETRY | DO_CONNECT },
		[EV_DELAY_OPEN_TIMER] = { FSM_OPENSENT, DO_SEND_OPEN | DO_ARM_HOLD_LARGE },
		[EV_TCP_VALID] = { FSM_ACTIVE, 0 },
		[EV_TCP_INVALID] = { FSM_ACTIVE, 0 },
		[EV_TCP_ACKED] = { FSM_OPENSENT, OPENED },
		[EV_TCP_CONFIRMED] = { FSM_OPENSENT, OPENED },
		[EV_TCP_FAILS] = { FSM_IDLE, FAIL },
	},
	[FSM_OPENSENT] = {
		IGNORE_START(FSM_OPENSENT),
		IGNORE_TCP(FSM_OPENSENT),
		[EV_MANUAL_STOP] = { FSM_IDLE, DO_NOTIFY | STOP },
		[EV_AUTO_STOP] = { FSM_IDLE, DO_NOTIFY | FAIL },
		[EV_HOLD_TIMER] = { FSM_IDLE, DO_NOTIFY | FAIL },
		[EV_TCP_FAILS] = { FSM_ACTIVE, CLOSE | DO_ARM_RETRY },
		[EV_BGP_OPEN] = { FSM_OPENCONFIRM, AGREED },
		[EV_HEADER_ERR] = { FSM_IDLE, DO_NOTIFY | FAIL },
		[EV_OPEN_MSG_ERR] = { FSM_IDLE, DO_NOTIFY | FAIL },
		[EV_COLLISION_DUMP] = { FSM_IDLE, DO_NOTIFY | FAIL },
		[EV_NOTIF_VERSION] = { FSM_IDLE, CLOSE | DO_DAMP },
		[EV_NOTIF_MSG] = { FSM_IDLE, FAIL }, /* not answered, see above */
	},
	[FSM_OPENCONFIRM] = {
		IGNORE_START(FSM_OPENCONFIRM),
		IGNORE_TCP(FSM_OPENCONFIRM),
		[EV_MANUAL_STOP] = { FSM_IDLE, DO_NOTIFY | STOP },
		[EV_AUTO_STOP] = { FSM_IDLE, DO_NOTIFY | FAIL },
		[EV_HOLD_TIMER] = { FSM_IDLE, DO_NOTIFY | FAIL },
		[EV_KEEPALIVE_TIMER] = { FSM_OPENCONFIRM, DO_SEND_KEEPALIVE | DO_ARM_KEEPALIVE },
		[EV_TCP_FAILS] = { FSM_IDLE, FAIL },
		[EV_HEADER_ERR] = { FSM_IDLE, DO_NOTIFY | FAIL },
		[EV_OPEN_MSG_ERR] = { FSM_IDLE, DO_NOTIFY | FAIL },
		[EV_COLLISION_DUMP] = { FSM_IDLE, DO_NOTIFY | FAIL },
		[EV_NOTIF_VERSION] = { FSM_IDLE, CLOSE | DO_DAMP },
		[EV_NOTIF_MSG] = { FSM_IDLE, FAIL },
		[EV_KEEPALIVE_MSG] = { FSM_ESTABLISHED, DO_ARM_HOLD | DO_UP },
	},
	[FSM_ESTABLISHED] = {
		IGNORE_START(FSM_ESTABLISHED),
		IGNORE_TCP(FSM_ESTABLISHED),
		[EV_MANUAL_STOP] = { FSM_IDLE, DO_NOTIFY | DO_DOWN | STOP },
		[EV_AUTO_STOP] = { FSM_IDLE, DO_NOTIFY | DO_DOWN | FAIL },
		[EV_HOLD_TIMER] = { FSM_IDLE, DO_NOTIFY | DO_DOWN | FAIL },
		[EV_KEEPALIVE_TIMER] = { FSM_ESTABLISHED, DO_SEND_KEEPALIVE | DO_ARM_KEEPALIVE },
		[EV_TCP_FAILS] = { FSM_IDLE, DO_DOWN | FAIL },
		[EV_HEADER_ERR] = { FSM_IDLE, DO_NOTIFY | DO_DOWN | FAIL }, /* section 6.1 */
		[EV_COLLISION_DUMP] = { FSM_IDLE, DO_NOTIFY | DO_DOWN | FAIL },
		[EV_NOTIF_VERSION] = { FSM_IDLE, DO_DOWN | FAIL },
		[EV_NOTIF_MSG] = { FSM_IDLE, DO_DOWN | FAIL },
		[EV_KEEPALIVE_MSG] = { FSM_ESTABLISHED, DO_ARM_HOLD },
		[EV_UPDATE_MSG] = { FSM_ESTABLISHED, DO_ARM_HOLD | DO_UPDATE },
		[EV_UPDATE_MSG_ERR] = { FSM_IDLE, DO_NOTIFY | DO_DOWN | FAIL },
		[EV_SEND_HOLD_TIMER] = { FSM_IDLE, DO_NOTIFY | DO_DOWN | FAIL }, /* RFC 9687 */
		[EV_REFRESH_MSG] = { FSM_ESTABLISHED, DO_REFRESH },
		[EV_REFRESH_MSG_ERR] = { FSM_IDLE, DO_NOTIFY | DO_DOWN | FAIL }, /* RFC 7313 */
	},
};

static const struct fsm_rule fsm_other[FSM_NSTATES] = {
	[FSM_IDLE] = { FSM_IDLE, 0 },
	[FSM_CONNECT] = { FSM_IDLE, FAIL },
	[FSM_ACTIVE] = { FSM_IDLE, FAIL },
	[FSM_OPENSENT] = { FSM_IDLE, DO_NOTIFY_FSM | FAIL },
	[FSM_OPENCONFIRM] = { FSM_IDLE, DO_NOTIFY_FSM | FAIL },
	[FSM_ESTABLISHED] = { FSM_IDLE, DO_NOTIFY_FSM | DO_DOWN | FAIL },
};

const struct fsm_rule *
fsm_rule(enum fsm_state state, enum fsm_event event)
{
	const struct fsm_rule *r = &fsm_rules[state][event];

	/* No listed rule leads to Idle without doing anything, except in Idle. */
	return r->next == FSM_IDLE && r->todo == 0 ? &fsm_other[state] : r;
}

const char *
fsm_state_name(enum fsm_state s)
{
	static const char *const names[FSM_NSTATES] = { "Idle", "Connect", "Active", "OpenSent",
		"OpenConfirm", "Established" };

	return s < FSM_NSTATES ? names[s] : "unknown";
}

const char *
fsm_event_name(enum fsm_event e)
{
	static const char *const names[FSM_NEVENTS] = {
		[EV_MANUAL_START] = "ManualStart",
		[EV_MANUAL_STOP] = "ManualStop",
		[EV_AUTO_START] = "AutomaticStart",
		[EV_MANUAL_START_PASSIVE] = "ManualStart_with_PassiveTcpEstablishment",
		[EV_AUTO_START_PASSIVE] = "AutomaticStart_with_PassiveTcpEstablishment",
		[EV_AUTO_START_DAMP] = "AutomaticStart_with_DampPeerOscillations",
		[EV_AUTO_START_DAMP_PASSIVE] =
		    "AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment",
		[EV_AUTO_STOP] = "AutomaticStop",
		[EV_CONNECT_RETRY_TIMER] = "ConnectRetryTimer_Expires",
		[EV_HOLD_TIMER] = "HoldTimer_Expires",
		[EV_KEEPALIVE_TIMER] = "KeepaliveTimer_Expires",
		[EV_DELAY_OPEN_TIMER] = "DelayOpenTimer_Expires",
		[EV_IDLE_HOLD_TIMER] = "IdleHoldTimer_Expires",
		[EV_TCP_VALID] = "TcpConnection_Valid",
		[EV_TCP_INVALID] = "Tcp_CR_Invalid",
		[EV_TCP_ACKED] = "Tcp_CR_Acked",
		[EV_TCP_CONFIRMED] = "TcpConnectionConfirmed",
		[EV_TCP_FAILS] = "TcpConnectionFails",
		[EV_BGP_OPEN] = "BGPOpen",
		[EV_BGP_OPEN_DELAYED] = "BGPOpen with DelayOpenTimer running",
		[EV_HEADER_ERR] = "BGPHeaderErr",
		[EV_OPEN_MSG_ERR] = "BGPOpenMsgErr",
		[EV_COLLISION_DUMP] = "OpenCollisionDump",
		[EV_NOTIF_VERSION] = "NotifMsgVerErr",
		[EV_NOTIF_MSG] = "NotifMsg",
		[EV_KEEPALIVE_MSG] = "KeepAliveMsg",
		[EV_UPDATE_MSG] = "UpdateMsg",
		[EV_UPDATE_MSG_ERR] = "UpdateMsgErr",
		[EV_SEND_HOLD_TIMER] = "SendHoldTimer_Expires",
		[EV_REFRESH_MSG] = "RouteRefreshMsg",
		[EV_REFRESH_MSG_ERR] = "RouteRefreshMsgErr",
	};

	return e < FSM_NEVENTS && names[e] ? names[e] : "unknown";
}
