/*
 * The transition table against RFC 4271 section 8.2.2: every state and every
 * event, written down from the text as what happens, not as the table's bits.
 */
#include "bgpd/core/fsm.h"
#include "tests/unit/unit.h"

/*
 * One letter per thing that the text asks for, in any order:
 *  N NOTIFICATION of the cause    F FSM Error NOTIFICATION   X drop the connection
 *  D routes of the session go     z counter to zero          + counter incremented
 *  d damping, IdleHoldTimer       C initiate TCP             O send OPEN
 *  K send KEEPALIVE               r start ConnectRetryTimer  s stop ConnectRetryTimer
 *  L HoldTimer at 4 minutes       H HoldTimer as negotiated  k start KeepaliveTimer
 *  U session is up                u process the UPDATE       f process the refresh
 *  t stop all timers
 */
static const struct {
	char letter;
	uint32_t bit;
} letters[] = {
	{ 'N', DO_NOTIFY }, { 'F', DO_NOTIFY_FSM }, { 'X', DO_DROP }, { 'D', DO_DOWN },
	{ 'z', DO_ZERO_RETRIES }, { '+', DO_COUNT_RETRY }, { 'd', DO_DAMP }, { 'C', DO_CONNECT },
	{ 'O', DO_SEND_OPEN }, { 'K', DO_SEND_KEEPALIVE }, { 'r', DO_ARM_RETRY },
	{ 's', DO_STOP_RETRY }, { 'L', DO_ARM_HOLD_LARGE }, { 'H', DO_ARM_HOLD },
	{ 'k', DO_ARM_KEEPALIVE }, { 'U', DO_UP }, { 'u', DO_UPDATE }, { 'f', DO_REFRESH },
	{ 't', DO_STOP_TIMERS },
};

/* What an event leads to: next state and letters.  Rows in the order of the events, 1 to 31. */
struct cell {
	enum fsm_state next;
	const char *does;
};

#define I  FSM_IDLE
#define C  FSM_CONNECT
#define A  FSM_ACTIVE
#define OS FSM_OPENSENT
#define OC FSM_OPENCONFIRM
#define E  FSM_ESTABLISHED

static const struct cell expected[FSM_NEVENTS][FSM_NSTATES] = {
	/*      Idle             Connect          Active           OpenSent         OpenConfirm      Established */
	[1] = { { C, "zrC" },    { C, "" },       { A, "" },       { OS, "" },      { OC, "" },      { E, "" } },
	[2] = { { I, "" },       { I, "tXz" },    { I, "tXz" },    { I, "tNXz" },   { I, "tNXz" },   { I, "tNDXz" } },
	[3] = { { C, "zrC" },    { C, "" },       { A, "" },       { OS, "" },      { OC, "" },      { E, "" } },
	[4] = { { A, "zr" },     { C, "" },       { A, "" },       { OS, "" },      { OC, "" },      { E, "" } },
	[5] = { { A, "zr" },     { C, "" },       { A, "" },       { OS, "" },      { OC, "" },      { E, "" } },
	[6] = { { C, "rC" },     { C, "" },       { A, "" },       { OS, "" },      { OC, "" },      { E, "" } },
	[7] = { { A, "r" },      { C, "" },       { A, "" },       { OS, "" },      { OC, "" },      { E, "" } },
	[8] = { { I, "" },       { I, "tX+d" },   { I, "tX+d" },   { I, "tNX+d" },  { I, "tNX+d" },  { I, "tNDX+d" } },
	[9] = { { I, "" },       { C, "XrC" },    { C, "rC" },     { I, "tFX+d" },  { I, "tFX+d" },  { I, "tFDX+d" } },
	[10] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tNX+d" },  { I, "tNX+d" },  { I, "tNDX+d" } },
	[11] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tFX+d" },  { OC, "Kk" },    { E, "Kk" } },
	[12] = { { I, "" },      { OS, "OL" },    { OS, "OL" },    { I, "tFX+d" },  { I, "tFX+d" },  { I, "tFDX+d" } },
	[13] = { { C, "rC" },    { I, "tX+d" },   { I, "tX+d" },   { I, "tFX+d" },  { I, "tFX+d" },  { I, "tFDX+d" } },
	[14] = { { I, "" },      { C, "" },       { A, "" },       { OS, "" },      { OC, "" },      { E, "" } },
	[15] = { { I, "" },      { C, "" },       { A, "" },       { OS, "" },      { OC, "" },      { E, "" } },
	[16] = { { I, "" },      { OS, "sOL" },   { OS, "sOL" },   { OS, "" },      { OC, "" },      { E, "" } },
	[17] = { { I, "" },      { OS, "sOL" },   { OS, "sOL" },   { OS, "" },      { OC, "" },      { E, "" } },
	[18] = { { I, "" },      { I, "tXd" },    { I, "tX+d" },   { A, "tXr" },    { I, "tX+d" },   { I, "tDX+d" } },
	[19] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { OC, "sKkH" },  { I, "tFX+d" },  { I, "tFDX+d" } },
	[20] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tFX+d" },  { I, "tFX+d" },  { I, "tFDX+d" } },
	[21] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tNX+d" },  { I, "tNX+d" },  { I, "tNDX+d" } },
	[22] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tNX+d" },  { I, "tNX+d" },  { I, "tFDX+d" } },
	[23] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tNX+d" },  { I, "tNX+d" },  { I, "tNDX+d" } },
	[24] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tXd" },    { I, "tXd" },    { I, "tDX+d" } },
	[25] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tX+d" },   { I, "tX+d" },   { I, "tDX+d" } },
	[26] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tFX+d" },  { E, "HU" },     { E, "H" } },
	[27] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tFX+d" },  { I, "tFX+d" },  { E, "Hu" } },
	[28] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tFX+d" },  { I, "tFX+d" },  { I, "tNDX+d" } },
	[29] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tFX+d" },  { I, "tFX+d" },  { I, "tNDX+d" } },
	[30] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tFX+d" },  { I, "tFX+d" },  { E, "f" } },
	[31] = { { I, "" },      { I, "tX+d" },   { I, "tX+d" },   { I, "tFX+d" },  { I, "tFX+d" },  { I, "tNDX+d" } },
};

static uint32_t
bits_of(const char *does)
{
	uint32_t bits = 0;

	for (; *does; does++)
		for (int i = 0; i < NROWS(letters); i++)
			bits |= letters[i].letter == *does ? letters[i].bit : 0;
	return bits;
}

START_TEST(every_state_and_event)
{
	for (unsigned s = 0; s < FSM_NSTATES; s++) {
		const struct fsm_rule *r = fsm_rule((enum fsm_state)s, (enum fsm_event)_i);
		const struct cell *c = &expected[_i][s];

		ck_assert_msg(r->next == c->next, "event %d (%s) in %s leads to %s", _i,
		    fsm_event_name((enum fsm_event)_i), fsm_state_name((enum fsm_state)s),
		    fsm_state_name((enum fsm_state)r->next));
		ck_assert_msg(r->todo == bits_of(c->does), "event %d (%s) in %s does %#x", _i,
		    fsm_event_name((enum fsm_event)_i), fsm_state_name((enum fsm_state)s), r->todo);
	}
}
END_TEST

/* Nothing that has a connection may forget it, and nothing may stay in Idle with timers. */
START_TEST(the_table_is_sound)
{
	for (unsigned s = 0; s < FSM_NSTATES; s++)
		for (unsigned e = 1; e < FSM_NEVENTS; e++) {
			const struct fsm_rule *r = fsm_rule((enum fsm_state)s, (enum fsm_event)e);

			if (s != FSM_IDLE && r->next == FSM_IDLE) {
				ck_assert(r->todo & DO_DROP);
				ck_assert(r->todo & DO_STOP_TIMERS);
			}
			ck_assert(!(r->todo & DO_DOWN) == !(s == FSM_ESTABLISHED && r->next == I));
			ck_assert(!(r->todo & DO_UP) == !(s != FSM_ESTABLISHED && r->next == E));
			if (r->todo & (DO_NOTIFY | DO_NOTIFY_FSM))
				ck_assert(s >= FSM_OPENSENT && r->next == FSM_IDLE);
			ck_assert((r->todo & (DO_NOTIFY | DO_NOTIFY_FSM)) !=
			    (DO_NOTIFY | DO_NOTIFY_FSM));
		}
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(fsm_state_name(FSM_IDLE), "Idle");
	ck_assert_str_eq(fsm_state_name(FSM_OPENCONFIRM), "OpenConfirm");
	ck_assert_str_eq(fsm_state_name(FSM_ESTABLISHED), "Established");
	ck_assert_str_eq(fsm_state_name(FSM_NSTATES), "unknown");
	ck_assert_str_eq(fsm_event_name(EV_HOLD_TIMER), "HoldTimer_Expires");
	ck_assert_str_eq(fsm_event_name(EV_REFRESH_MSG_ERR), "RouteRefreshMsgErr");
	ck_assert_str_eq(fsm_event_name(FSM_NEVENTS), "unknown");
	for (unsigned e = 1; e < FSM_NEVENTS; e++)
		ck_assert_str_ne(fsm_event_name((enum fsm_event)e), "unknown");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fsm");
	TCase *tc = unit_case(s, "fsm");

	tcase_add_loop_test(tc, every_state_and_event, 1, FSM_NEVENTS);
	tcase_add_test(tc, the_table_is_sound);
	tcase_add_test(tc, names);
	return unit_run(s);
}
