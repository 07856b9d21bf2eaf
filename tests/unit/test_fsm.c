/*
 * The transition table against the text of RFC 4271 section 8.2.2, RFC 9687
 * section 3 and RFC 6608 section 4: every event in every state.
 *
 * rfc[] is written from the text, paragraph by paragraph: a row has the events
 * as the RFC lists them, the next state, and what is to be done as letters
 * (see the table below).  Where we differ on purpose the row says how in
 * `ours`; the last test names every such row, so that no difference is added
 * in silence.
 */
#include <stdio.h>

#include "bgpd/core/fsm.h"
#include "tests/unit/unit.h"

static const struct {
	char letter;
	uint32_t bit;
} letters[] = {
	{ 'T', DO_STOP_TIMERS },	/* releases all BGP resources, timers to zero */
	{ 'N', DO_NOTIFY },		/* sends a NOTIFICATION with the error of the event */
	{ 'F', DO_NOTIFY_FSM },		/* sends a NOTIFICATION, Finite State Machine Error */
	{ 'X', DO_DROP },		/* drops the TCP connection */
	{ 'W', DO_DOWN },		/* deletes all routes of this connection */
	{ 'Z', DO_ZERO_RETRIES },	/* ConnectRetryCounter to zero */
	{ '+', DO_COUNT_RETRY },	/* increments the ConnectRetryCounter by 1 */
	{ 'D', DO_DAMP },		/* performs peer oscillation damping */
	{ 'C', DO_CONNECT },		/* initiates a TCP connection */
	{ 'O', DO_SEND_OPEN },
	{ 'K', DO_SEND_KEEPALIVE },
	{ 'r', DO_ARM_RETRY },		/* (re)starts the ConnectRetryTimer */
	{ 's', DO_STOP_RETRY },		/* stops it, sets it to zero */
	{ 'L', DO_ARM_HOLD_LARGE },	/* HoldTimer to a large value */
	{ 'H', DO_ARM_HOLD },		/* HoldTimer to the negotiated value */
	{ 'k', DO_ARM_KEEPALIVE },	/* (re)starts the KeepaliveTimer */
	{ 'U', DO_UP },
	{ 'u', DO_UPDATE },
	{ 'R', DO_REFRESH },
};

struct row {
	enum fsm_state state;
	const char *events; /* "1, 3-7" */
	enum fsm_state next;
	const char *what;
	const char *ours;   /* NULL: as the RFC has it */
};

#define IDLE	FSM_IDLE
#define CONNECT FSM_CONNECT
#define ACTIVE	FSM_ACTIVE
#define SENT	FSM_OPENSENT
#define CONFIRM FSM_OPENCONFIRM
#define ESTABL	FSM_ESTABLISHED

static const struct row rfc[] = {
	/* Idle */
	{ IDLE, "1, 3", CONNECT, "ZrC", NULL },
	{ IDLE, "2, 8", IDLE, "", NULL },
	{ IDLE, "4, 5", ACTIVE, "Zr", NULL },
	{ IDLE, "6", CONNECT, "rC", "how events 6, 7, 13 damp is outside the RFC's scope" },
	{ IDLE, "7", ACTIVE, "r", "how events 6, 7, 13 damp is outside the RFC's scope" },
	{ IDLE, "13", CONNECT, "rC", "how events 6, 7, 13 damp is outside the RFC's scope" },
	{ IDLE, "9-12, 14-31", IDLE, "", NULL },

	/* Connect */
	{ CONNECT, "1, 3-7", CONNECT, "", NULL },
	{ CONNECT, "2", IDLE, "TXZ", NULL },
	{ CONNECT, "9", CONNECT, "XrC", NULL },
	{ CONNECT, "12", SENT, "OL", NULL },
	{ CONNECT, "14-15", CONNECT, "", NULL },
	{ CONNECT, "16-17", SENT, "sOL", NULL },
	{ CONNECT, "18", IDLE, "TXD", "damped: nobody else would start the peer again" },
	{ CONNECT, "21-22", IDLE, "TX+D", NULL }, /* no SendNOTIFICATIONwithoutOPEN */
	{ CONNECT, "24", IDLE, "TX+D", NULL },	  /* no DelayOpenTimer */
	{ CONNECT, "20", IDLE, "TX+D", "no DelayOpen: a second OPEN, any other event" },
	{ CONNECT, "8, 10-11, 13, 19, 23, 25-28", IDLE, "TX+D", NULL },
	{ CONNECT, "29-31", IDLE, "TX+D", NULL },

	/* Active */
	{ ACTIVE, "1, 3-7", ACTIVE, "", NULL },
	{ ACTIVE, "2", IDLE, "TXZ", NULL },
	{ ACTIVE, "9", CONNECT, "rC", NULL },
	{ ACTIVE, "12", SENT, "OL", NULL },
	{ ACTIVE, "14-15", ACTIVE, "", NULL },
	{ ACTIVE, "16-17", SENT, "sOL", NULL },
	{ ACTIVE, "18", IDLE, "TX+D", NULL },
	{ ACTIVE, "21-22", IDLE, "TX+D", NULL },
	{ ACTIVE, "24", IDLE, "TX+D", NULL },
	{ ACTIVE, "20", IDLE, "TX+D", "no DelayOpen: a second OPEN, any other event" },
	{ ACTIVE, "8, 10-11, 13, 19, 23, 25-28", IDLE, "TX+D", NULL },
	{ ACTIVE, "29-31", IDLE, "TX+D", NULL },

	/* OpenSent */
	{ SENT, "1, 3-7", SENT, "", NULL },
	{ SENT, "2", IDLE, "TNXZ", NULL },
	{ SENT, "8", IDLE, "TNX+D", NULL },
	{ SENT, "10", IDLE, "TNX+D", NULL },
	{ SENT, "14-17", SENT, "", NULL },
	{ SENT, "18", ACTIVE, "TXr", NULL },
	{ SENT, "19", CONFIRM, "sKkH", NULL },
	{ SENT, "21-22", IDLE, "TNX+D", NULL },
	{ SENT, "23", IDLE, "TNX+D", NULL },
	{ SENT, "24", IDLE, "TXD", "damped: nobody else would start the peer again" },
	{ SENT, "25", IDLE, "TX+D", "section 6.4: a NOTIFICATION is not answered with one" },
	{ SENT, "9, 11-13, 20, 26-28", IDLE, "TFX+D", NULL },
	{ SENT, "29-31", IDLE, "TFX+D", NULL },

	/* OpenConfirm */
	{ CONFIRM, "1, 3-7", CONFIRM, "", NULL },
	{ CONFIRM, "2", IDLE, "TNXZ", NULL },
	{ CONFIRM, "8", IDLE, "TNX+D", NULL },
	{ CONFIRM, "10", IDLE, "TNX+D", NULL },
	{ CONFIRM, "11", CONFIRM, "Kk", NULL },
	{ CONFIRM, "14-17", CONFIRM, "", NULL },
	{ CONFIRM, "18, 25", IDLE, "TX+D", NULL },
	{ CONFIRM, "24", IDLE, "TXD", "damped: nobody else would start the peer again" },
	{ CONFIRM, "19", IDLE, "TFX+D", "collisions are event 23 of the other connection" },
	{ CONFIRM, "21-22", IDLE, "TNX+D", NULL },
	{ CONFIRM, "23", IDLE, "TNX+D", NULL },
	{ CONFIRM, "26", ESTABL, "HU", NULL },
	{ CONFIRM, "9, 12-13, 20, 27-28", IDLE, "TFX+D", NULL },
	{ CONFIRM, "29", IDLE, "TFX+D", "the SendHoldTimer runs in Established only" },
	{ CONFIRM, "30-31", IDLE, "TFX+D", NULL },

	/* Established */
	{ ESTABL, "1, 3-7", ESTABL, "", NULL },
	{ ESTABL, "2", IDLE, "TNXWZ", NULL },
	{ ESTABL, "8", IDLE, "TNXW+D", NULL },
	{ ESTABL, "10", IDLE, "TNXW+D", NULL },
	{ ESTABL, "11", ESTABL, "Kk", NULL },
	{ ESTABL, "14-17", ESTABL, "", NULL },
	{ ESTABL, "19", IDLE, "TFXW+D", "collisions are event 23 of the other connection" },
	{ ESTABL, "23", IDLE, "TNXW+D", NULL },
	{ ESTABL, "18, 24-25", IDLE, "TXW+D", "damped: nobody else would start the peer again" },
	{ ESTABL, "26", ESTABL, "H", NULL },
	{ ESTABL, "27", ESTABL, "Hu", NULL },
	{ ESTABL, "28", IDLE, "TNXW+D", NULL },
	{ ESTABL, "21", IDLE, "TNXW+D", "section 6.1: a header error is reported as such" },
	{ ESTABL, "9, 12-13, 20, 22", IDLE, "TFXW+D", NULL },
	{ ESTABL, "29", IDLE, "TNXW+D", NULL }, /* RFC 9687 */
	{ ESTABL, "30", ESTABL, "R", NULL },	/* RFC 2918 section 4 */
	{ ESTABL, "31", IDLE, "TNXW+D", NULL }, /* RFC 7313 section 5 */
};

static uint32_t
bits_of(const char *what)
{
	uint32_t bits = 0;

	for (; *what; what++) {
		uint32_t bit = 0;

		for (int i = 0; i < NROWS(letters); i++)
			if (letters[i].letter == *what)
				bit = letters[i].bit;
		ck_assert_uint_ne(bit, 0);
		bits |= bit;
	}
	return bits;
}

static const char *
letters_of(uint32_t bits)
{
	static char buf[32];
	unsigned n = 0;

	for (int i = 0; i < NROWS(letters); i++)
		if (bits & letters[i].bit)
			buf[n++] = letters[i].letter;
	buf[n] = '\0';
	return buf;
}

/* Is the event on the list "1, 3-7"? */
static bool
listed(const char *list, int ev)
{
	int from, to, n;

	while (*list) {
		ck_assert_int_eq(sscanf(list, "%d%n", &from, &n), 1);
		list += n;
		to = from;
		if (*list == '-') {
			ck_assert_int_eq(sscanf(list + 1, "%d%n", &to, &n), 1);
			list += n + 1;
		}
		if (ev >= from && ev <= to)
			return true;
		while (*list == ',' || *list == ' ')
			list++;
	}
	return false;
}

static const struct row *
row_for(enum fsm_state state, int ev)
{
	const struct row *found = NULL;

	for (int i = 0; i < NROWS(rfc); i++) {
		if (rfc[i].state != state || !listed(rfc[i].events, ev))
			continue;
		ck_assert_msg(!found, "%s: event %d is listed twice", fsm_state_name(state), ev);
		found = &rfc[i];
	}
	ck_assert_msg(found, "%s: event %d is not listed", fsm_state_name(state), ev);
	return found;
}

START_TEST(every_event)
{
	enum fsm_state state = (enum fsm_state)_i;

	for (int ev = 1; ev < FSM_NEVENTS; ev++) {
		const struct fsm_rule *rule = fsm_rule(state, (enum fsm_event)ev);
		const struct row *row = row_for(state, ev);

		ck_assert_msg(rule->next == row->next, "%s, %s: next is %s, not %s",
		    fsm_state_name(state), fsm_event_name((enum fsm_event)ev),
		    fsm_state_name((enum fsm_state)rule->next), fsm_state_name(row->next));
		ck_assert_msg(rule->todo == bits_of(row->what), "%s, %s: does \"%s\", not \"%s\"",
		    fsm_state_name(state), fsm_event_name((enum fsm_event)ev),
		    letters_of(rule->todo), row->what);
	}
}
END_TEST

/* What holds for every rule, however the table is changed. */
START_TEST(rules_are_consistent)
{
	for (unsigned s = 0; s < FSM_NSTATES; s++)
		for (int ev = 1; ev < FSM_NEVENTS; ev++) {
			const struct fsm_rule *r = fsm_rule((enum fsm_state)s, (enum fsm_event)ev);
			bool ends = r->next == FSM_IDLE && s != FSM_IDLE;
			bool starts = s == FSM_IDLE && r->next != FSM_IDLE;

			ck_assert_uint_lt(r->next, FSM_NSTATES);
			/* to Idle: nothing is left over, and automatic ends come back by themselves */
			if (ends) {
				ck_assert(r->todo & DO_STOP_TIMERS && r->todo & DO_DROP);
				ck_assert_int_eq(!(r->todo & DO_DAMP), ev == EV_MANUAL_STOP);
				ck_assert_int_eq(!!(r->todo & DO_ZERO_RETRIES), ev == EV_MANUAL_STOP);
			}
			ck_assert(!(r->todo & DO_NOTIFY) || !(r->todo & DO_NOTIFY_FSM));
			/* routes go exactly when Established is left */
			ck_assert_int_eq(!!(r->todo & DO_DOWN),
			    s == FSM_ESTABLISHED && r->next != FSM_ESTABLISHED);
			ck_assert_int_eq(!!(r->todo & DO_UP),
			    s != FSM_ESTABLISHED && r->next == FSM_ESTABLISHED);
			/* no NOTIFICATION before our OPEN, none in answer to one */
			if (s < FSM_OPENSENT || ev == EV_NOTIF_MSG || ev == EV_NOTIF_VERSION)
				ck_assert(!(r->todo & (DO_NOTIFY | DO_NOTIFY_FSM)));
			ck_assert_int_eq(!!(r->todo & DO_SEND_OPEN),
			    s < FSM_OPENSENT && r->next == FSM_OPENSENT);
			if (starts)
				ck_assert(r->todo & DO_ARM_RETRY);
		}
}
END_TEST

START_TEST(differences_are_few)
{
	static const char *const known[] = {
		"how events 6, 7, 13 damp is outside the RFC's scope",
		"damped: nobody else would start the peer again",
		"no DelayOpen: a second OPEN, any other event",
		"section 6.4: a NOTIFICATION is not answered with one",
		"collisions are event 23 of the other connection",
		"the SendHoldTimer runs in Established only",
		"section 6.1: a header error is reported as such",
	};
	unsigned rows = 0;

	for (int i = 0; i < NROWS(rfc); i++) {
		int k = 0;

		if (!rfc[i].ours)
			continue;
		while (k < NROWS(known) && strcmp(known[k], rfc[i].ours) != 0)
			k++;
		ck_assert_msg(k < NROWS(known), "unknown: %s", rfc[i].ours);
		rows++;
	}
	ck_assert_uint_eq(rows, 14);
}
END_TEST

/* Numbers and spelling of section 8.1. */
START_TEST(names)
{
	static const struct {
		int ev;
		const char *name;
	} events[] = {
		{ 1, "ManualStart" },
		{ 2, "ManualStop" },
		{ 3, "AutomaticStart" },
		{ 4, "ManualStart_with_PassiveTcpEstablishment" },
		{ 5, "AutomaticStart_with_PassiveTcpEstablishment" },
		{ 6, "AutomaticStart_with_DampPeerOscillations" },
		{ 7, "AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment" },
		{ 8, "AutomaticStop" },
		{ 9, "ConnectRetryTimer_Expires" },
		{ 10, "HoldTimer_Expires" },
		{ 11, "KeepaliveTimer_Expires" },
		{ 12, "DelayOpenTimer_Expires" },
		{ 13, "IdleHoldTimer_Expires" },
		{ 14, "TcpConnection_Valid" },
		{ 15, "Tcp_CR_Invalid" },
		{ 16, "Tcp_CR_Acked" },
		{ 17, "TcpConnectionConfirmed" },
		{ 18, "TcpConnectionFails" },
		{ 19, "BGPOpen" },
		{ 20, "BGPOpen with DelayOpenTimer running" },
		{ 21, "BGPHeaderErr" },
		{ 22, "BGPOpenMsgErr" },
		{ 23, "OpenCollisionDump" },
		{ 24, "NotifMsgVerErr" },
		{ 25, "NotifMsg" },
		{ 26, "KeepAliveMsg" },
		{ 27, "UpdateMsg" },
		{ 28, "UpdateMsgErr" },
		{ 29, "SendHoldTimer_Expires" },
		{ 30, "RouteRefreshMsg" },
		{ 31, "RouteRefreshMsgErr" },
		{ 0, "unknown" },
		{ FSM_NEVENTS, "unknown" },
	};
	static const char *const states[] = { "Idle", "Connect", "Active", "OpenSent",
		"OpenConfirm", "Established", "unknown" };

	ck_assert_int_eq(NROWS(events), FSM_NEVENTS + 1);
	for (int i = 0; i < NROWS(events); i++)
		ck_assert_str_eq(fsm_event_name((enum fsm_event)events[i].ev), events[i].name);
	for (int i = 0; i <= FSM_NSTATES; i++)
		ck_assert_str_eq(fsm_state_name((enum fsm_state)i), states[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fsm");
	TCase *tc = unit_case(s, "fsm");

	tcase_add_loop_test(tc, every_event, 0, FSM_NSTATES);
	tcase_add_test(tc, rules_are_consistent);
	tcase_add_test(tc, differences_are_few);
	tcase_add_test(tc, names);
	return unit_run(s);
}
