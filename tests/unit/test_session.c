/*
 * One session in virtual time: octets in, octets out, timers to the
 * microsecond.  The peer around it is real, its RIB is the rig's.
 * RFC 4271 sections 4, 6, 8 and 10, RFC 2918, RFC 6608, RFC 9003, RFC 9687.
 */
#include <stdio.h>

#include "bgpd/core/peer_int.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define S 1000000ull

static struct rig r;

static void
setup(void)
{
	rig_init(&r, 1);
}

static void
teardown(void)
{
	rig_free(&r);
}

/* ---- helpers -------------------------------------------------------------------------- */

/* Types of all messages in a connection's output, as digits: "14" is OPEN, KEEPALIVE. */
static const char *
out_types(conn_id c)
{
	static char types[512];
	uint8_t buf[8192];
	size_t len = rig_output(&r, c, buf, sizeof(buf)), off = 0, n = 0;

	while (off < len) {
		ck_assert_uint_lt(n, sizeof(types) - 1);
		types[n++] = (char)('0' + buf[off + 18]);
		off += (size_t)(buf[off + 16] << 8 | buf[off + 17]);
	}
	ck_assert_uint_eq(off, len);
	types[n] = '\0';
	return types;
}

/* An accepted connection brought to a state of OpenSent to Established; its output is taken. */
static conn_id
conn_in(enum fsm_state state)
{
	struct msg_open o = rig_their_open();
	conn_id c = rig_accept(&r);

	ck_assert_uint_ne(c, 0);
	if (state >= FSM_OPENCONFIRM)
		rig_send_open(&r, c, &o);
	if (state == FSM_ESTABLISHED)
		rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), state);
	out_types(c);
	r.ntodo = 0;
	return c;
}

static struct session *
in(void)
{
	return &r.p->s[SESSION_IN];
}

/* The connection's last word is this NOTIFICATION; nothing else is left to take. */
static void
expect_notification(conn_id c, uint8_t code, uint8_t sub, const uint8_t *data, size_t octets)
{
	uint8_t got[256];
	struct msg_notification n = rig_notification(&r, c, got);

	ck_assert_msg(n.code == code && n.sub == sub, "%u/%u, not %u/%u", n.code, n.sub, code, sub);
	ck_assert_uint_eq(n.data_octets, octets);
	if (octets)
		ck_assert_mem_eq(got, data, octets);
}

static void
expect_closed(conn_id c)
{
	struct todo t;

	ck_assert(rig_take(&r, TODO_CLOSE, &t));
	ck_assert_uint_eq(t.conn, c);
	ck_assert_uint_eq(t.peer, 7);
	ck_assert(!in()->conn);
	ck_assert_int_lt(in()->state, FSM_OPENSENT);
}

static uint64_t
left_us(const struct session *s, enum session_timer t)
{
	ck_assert(!mono_is_never(s->deadline[t]));
	return mono_diff_us(s->deadline[t], r.now);
}

static bool
runs(const struct session *s, enum session_timer t)
{
	return !mono_is_never(s->deadline[t]);
}

/* A message of that type: header, body. */
static size_t
message(uint8_t *buf, uint8_t type, const void *body, size_t octets)
{
	struct wr w = wr_init(buf, BGP_MAX_EXT_OCTETS);
	size_t mark = msg_open(&w, type);

	wr_bytes(&w, body, octets);
	msg_close(&w, mark);
	ck_assert(!w.full);
	return wr_len(&w);
}

static void
send(conn_id c, uint8_t type, const void *body, size_t octets)
{
	static uint8_t buf[BGP_MAX_EXT_OCTETS];
	size_t n = message(buf, type, body, octets);

	ck_assert_uint_eq(rig_input(&r, c, buf, n), n);
}

static const uint8_t eor[4];	 /* body of an empty UPDATE */
static const uint8_t v4_refresh[] = { 0, 1, 0, 1 };

/* ---- OPEN ------------------------------------------------------------------------------ */

START_TEST(open_exchange)
{
	static const uint8_t open[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 53, 1, 4, 0xfd, 0xe9, 0, 9, 10, 0, 0, 1, 24,
		2, 22, 1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 2, 0, 65, 4, 0, 0, 0xfd, 0xe9, 70, 0 };
	struct msg_open theirs = rig_their_open();
	uint8_t buf[4096];
	struct todo t;
	conn_id c;

	rig_start(&r);
	c = rig_connect(&r);
	ck_assert_uint_ne(c, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_OPENSENT);
	ck_assert(rig_take(&r, TODO_WRITE, &t));
	ck_assert_uint_eq(t.conn, c);
	ck_assert(!rig_take(&r, TODO_WRITE, NULL));
	ck_assert(peer_conn_pending(&r.env, c));
	ck_assert_uint_eq(rig_output(&r, c, buf, sizeof(buf)), sizeof(open));
	ck_assert_mem_eq(buf, open, sizeof(open));
	ck_assert(!peer_conn_pending(&r.env, c));

	rig_send_open(&r, c, &theirs);
	ck_assert_int_eq(peer_state(r.p), FSM_OPENCONFIRM);
	ck_assert_str_eq(out_types(c), "4");
	ck_assert_uint_eq(r.ups, 0);
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert_ptr_eq(r.p->up, &r.p->s[SESSION_OUT]);
	ck_assert_str_eq(out_types(c), "");
	ck_assert_uint_eq(r.p->msgs_out[BGP_OPEN], 1);
	ck_assert_uint_eq(r.p->msgs_out[BGP_KEEPALIVE], 1);
	ck_assert_uint_eq(r.p->msgs_out[0], 2);
	ck_assert_uint_eq(r.p->msgs_in[BGP_OPEN], 1);
	ck_assert_uint_eq(r.p->msgs_in[BGP_KEEPALIVE], 1);
	ck_assert_uint_eq(r.p->msgs_in[0], 2);
}
END_TEST

/* The smaller of two hold times; a third of it, or less if configured: RFC 4271 4.2, 4.4. */
static const struct {
	uint16_t ours, theirs, keepalive;
	uint16_t hold_s, keepalive_s;
} hold_cases[] = {
	{ 9, 9, 0, 9, 3 },
	{ 9, 90, 0, 9, 3 },
	{ 90, 9, 0, 9, 3 },
	{ 3, 180, 0, 3, 1 },
	{ 180, 30, 5, 30, 5 },
	{ 90, 90, 29, 90, 29 },
	{ 90, 90, 30, 90, 30 },
	{ 90, 90, 31, 90, 30 },
	{ 10, 11, 0, 10, 3 },
	{ 65535, 65535, 0, 65535, 21845 },
	{ 0, 9, 0, 0, 0 },
	{ 9, 0, 0, 0, 0 },
	{ 0, 0, 1, 0, 0 },
};

START_TEST(hold_time_is_negotiated)
{
	struct msg_open o = rig_their_open();
	struct ipc_row_peer row = { 0 };
	uint64_t keepalive_us = hold_cases[_i].keepalive_s * S;
	conn_id c;

	r.pconf.hold_s = hold_cases[_i].ours;
	r.pconf.keepalive_s = hold_cases[_i].keepalive;
	o.hold_s = hold_cases[_i].theirs;
	rig_start(&r);
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	ck_assert_uint_eq(in()->neg.hold_s, hold_cases[_i].hold_s);
	ck_assert_uint_eq(in()->neg.keepalive_s, hold_cases[_i].keepalive_s);
	ck_assert_int_eq(runs(in(), TIMER_HOLD), hold_cases[_i].hold_s > 0);
	ck_assert_int_eq(runs(in(), TIMER_KEEPALIVE), hold_cases[_i].keepalive_s > 0);
	if (hold_cases[_i].hold_s) {
		ck_assert_uint_eq(left_us(in(), TIMER_HOLD), hold_cases[_i].hold_s * S);
		ck_assert_uint_ge(left_us(in(), TIMER_KEEPALIVE), keepalive_us / 4 * 3);
		ck_assert_uint_le(left_us(in(), TIMER_KEEPALIVE), keepalive_us);
	}
	rig_send_keepalive(&r, c);
	peer_fill_row(r.p, r.now, &row);
	ck_assert_uint_eq(row.hold_s, hold_cases[_i].hold_s);
	ck_assert_uint_eq(row.keepalive_s, hold_cases[_i].keepalive_s);
	ck_assert_uint_eq(row.hold_left_us, hold_cases[_i].hold_s * S);
}
END_TEST

/* ---- timers ------------------------------------------------------------------------------ */

static void
expect_hold_expiry(conn_id c, uint64_t us, enum fsm_state state, const char *why)
{
	rig_pass_us(&r, us - 1);
	ck_assert_int_eq(peer_state(r.p), state);
	ck_assert_ptr_nonnull(in()->conn);
	rig_pass_us(&r, 1);
	expect_closed(c);
	expect_notification(c, ERR_HOLD_TIMER, 0, NULL, 0);
	ck_assert_str_eq(r.p->last_error, why);
	for (unsigned t = 0; t < SESSION_NTIMERS; t++)
		ck_assert(!runs(in(), (enum session_timer)t));
}

START_TEST(hold_expires_in_established)
{
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	expect_hold_expiry(c, 9 * S, FSM_ESTABLISHED, "hold timer expired: nothing heard for 9 s");
	ck_assert_uint_eq(r.downs, 1);
	ck_assert_int_eq(r.down_how, PEER_DOWN_LOST);
	ck_assert_str_eq(r.down_why, "hold timer expired: nothing heard for 9 s");
}
END_TEST

START_TEST(hold_expires_in_openconfirm)
{
	conn_id c;

	r.pconf.hold_s = 7;
	rig_start(&r);
	c = conn_in(FSM_OPENCONFIRM);
	expect_hold_expiry(c, 7 * S, FSM_OPENCONFIRM, "hold timer expired: nothing heard for 7 s");
	ck_assert_uint_eq(r.downs, 0);
}
END_TEST

/* Until the OPEN is there the hold time is 4 minutes: RFC 4271 section 8.2.2. */
START_TEST(hold_expires_in_opensent)
{
	conn_id c;

	r.pconf.hold_s = _i ? 3 : 0;
	r.pconf.passive = true; /* no connects of ours in between */
	rig_start(&r);
	c = conn_in(FSM_OPENSENT);
	expect_hold_expiry(c, 240 * S, FSM_OPENSENT,
	    "hold timer expired: no OPEN came for 240 s");
}
END_TEST

/* Only whole KEEPALIVEs and UPDATEs restart it, and that the socket was readable. */
START_TEST(hold_restarts)
{
	static const uint8_t half[10] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	rig_pass_us(&r, 5 * S);
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 4 * S);
	rig_send_keepalive(&r, c);
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 9 * S);
	rig_pass_us(&r, 5 * S);
	send(c, BGP_UPDATE, eor, sizeof(eor));
	ck_assert_uint_eq(r.updates, 1);
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 9 * S);
	rig_pass_us(&r, 5 * S);
	send(c, BGP_ROUTE_REFRESH, v4_refresh, sizeof(v4_refresh));
	ck_assert_uint_eq(r.refreshes, 1);
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 4 * S);
	ck_assert_uint_eq(rig_input(&r, c, half, sizeof(half)), 0);
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 4 * S);
	ck_assert_uint_eq(rig_input(&r, c, NULL, 0), 0); /* readable: more waits in the shell */
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 9 * S);
	rig_pass_us(&r, 2 * S);
	out_types(c);
	expect_hold_expiry(c, 7 * S, FSM_ESTABLISHED, "hold timer expired: nothing heard for 9 s");
}
END_TEST

/* Being readable restarts the hold timer neither in OpenSent nor when there is none. */
START_TEST(hold_is_not_restarted_by_reading)
{
	struct msg_open o = rig_their_open();
	conn_id c;

	r.pconf.passive = true;
	rig_start(&r);
	c = conn_in(FSM_OPENSENT);
	rig_pass_us(&r, 100 * S);
	rig_input(&r, c, NULL, 0);
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 140 * S);
	o.hold_s = 0;
	rig_send_open(&r, c, &o);
	rig_input(&r, c, NULL, 0);
	ck_assert(!runs(in(), TIMER_HOLD));
}
END_TEST

START_TEST(reading_counts_in_openconfirm)
{
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_OPENCONFIRM);
	rig_pass_us(&r, 4 * S);
	rig_input(&r, c, NULL, 0);
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 9 * S);
}
END_TEST

/* 75 to 100 per cent of the keepalive time, drawn anew each time: RFC 4271 section 10. */
START_TEST(keepalives_are_jittered)
{
	uint64_t min = UINT64_MAX, max = 0;
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	for (unsigned i = 0; i < 500; i++) {
		uint64_t us = left_us(in(), TIMER_KEEPALIVE);

		min = us < min ? us : min;
		max = us > max ? us : max;
		rig_pass_us(&r, us - 1);
		ck_assert(!rig_take(&r, TODO_WRITE, NULL));
		rig_pass_us(&r, 1);
		ck_assert(rig_take(&r, TODO_WRITE, NULL));
		ck_assert_str_eq(out_types(c), "4");
		rig_send_keepalive(&r, c);
	}
	ck_assert_uint_ge(min, 2250000);
	ck_assert_uint_lt(min, 2270000);
	ck_assert_uint_le(max, 3000000);
	ck_assert_uint_gt(max, 2980000);
}
END_TEST

/* In OpenConfirm, too; and one that nobody has taken is not doubled. */
START_TEST(keepalives_in_openconfirm)
{
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_OPENCONFIRM);
	rig_pass_us(&r, 3 * S);
	ck_assert_str_eq(out_types(c), "4");
	rig_pass_us(&r, 5900000);
	ck_assert_int_eq(peer_state(r.p), FSM_OPENCONFIRM);
	ck_assert_str_eq(out_types(c), "4");
	ck_assert_uint_eq(r.p->msgs_out[BGP_KEEPALIVE], 3);
}
END_TEST

START_TEST(no_keepalives_without_hold_time)
{
	struct msg_open o = rig_their_open();
	conn_id c;

	o.hold_s = 0;
	rig_start(&r);
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	ck_assert_str_eq(out_types(c), "14");
	rig_pass_us(&r, 100000 * S);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert_str_eq(out_types(c), "");
	rig_send_keepalive(&r, c);
	ck_assert(!runs(in(), TIMER_HOLD));
	r.fill_octets = message(r.fill, BGP_UPDATE, eor, sizeof(eor));
	ck_assert_str_eq(out_types(c), "2");
	ck_assert(!runs(in(), TIMER_KEEPALIVE));
}
END_TEST

/* UPDATEs out serve as KEEPALIVEs: RFC 4271 section 4.4. */
START_TEST(update_out_restarts_keepalive_timer)
{
	conn_id c;
	uint64_t min = UINT64_MAX, max = 0;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	for (unsigned i = 0; i < 300; i++) {
		uint64_t us;

		rig_pass_us(&r, 2 * S);
		rig_send_keepalive(&r, c);
		r.fill_octets = message(r.fill, BGP_UPDATE, eor, sizeof(eor));
		r.fill_octets += message(r.fill + r.fill_octets, BGP_UPDATE, eor, sizeof(eor));
		ck_assert(peer_conn_pending(&r.env, c));
		ck_assert_str_eq(out_types(c), "22");
		ck_assert(!peer_conn_pending(&r.env, c));
		us = left_us(in(), TIMER_KEEPALIVE);
		min = us < min ? us : min;
		max = us > max ? us : max;
	}
	ck_assert_uint_ge(min, 2250000);
	ck_assert_uint_lt(min, 2270000);
	ck_assert_uint_le(max, 3000000);
	ck_assert_uint_gt(max, 2980000);
	ck_assert_uint_eq(r.p->msgs_out[BGP_UPDATE], 600);
	ck_assert_uint_eq(r.p->msgs_out[BGP_KEEPALIVE], 1);
	ck_assert_uint_eq(r.p->msgs_out[0], 602);
	rig_pass_us(&r, 1 * S);
	ck_assert_str_eq(out_types(c), ""); /* nothing out: the timer is left alone */
	ck_assert_uint_lt(left_us(in(), TIMER_KEEPALIVE), 2000001);
}
END_TEST

/* fill() is asked only with room for a whole message, behind what waits, and only when up. */
START_TEST(fill_follows_control_messages)
{
	uint8_t buf[BGP_MAX_OCTETS + 18];
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_OPENCONFIRM);
	r.fill_octets = message(r.fill, BGP_UPDATE, eor, sizeof(eor));
	ck_assert(!peer_conn_pending(&r.env, c));
	ck_assert_str_eq(out_types(c), "");
	rig_send_keepalive(&r, c);
	rig_pass_us(&r, 3 * S);
	ck_assert(peer_conn_pending(&r.env, c));
	ck_assert_uint_eq(rig_output(&r, c, buf, sizeof(buf)), 19);
	ck_assert_int_eq(rig_type(buf, 19), BGP_KEEPALIVE);
	ck_assert(peer_conn_pending(&r.env, c));
	ck_assert_uint_eq(rig_output(&r, c, buf, BGP_MAX_OCTETS), 23);
	ck_assert_int_eq(rig_type(buf, 23), BGP_UPDATE);
	ck_assert(!peer_conn_pending(&r.env, c));
	rig_pass_us(&r, 2900000);
	r.fill_octets = message(r.fill, BGP_UPDATE, eor, sizeof(eor));
	ck_assert_str_eq(out_types(c), "42");
	ck_assert(!peer_conn_pending(&r.env, c + 1));
	ck_assert_uint_eq(rig_output(&r, c + 1, buf, sizeof(buf)), 0);
}
END_TEST

/* RFC 9687 section 3: the greater of 8 minutes and twice the hold time. */
static const struct {
	uint16_t hold_s;
	uint32_t send_hold_s; /* configured */
	uint32_t expires_s;   /* 0: never */
} send_hold_cases[] = {
	{ 9, 0, 480 },
	{ 240, 0, 480 },
	{ 241, 0, 482 },
	{ 300, 0, 600 },
	{ 9, 10, 10 },
	{ 0, 0, 0 },
	{ 0, 10, 0 },
};

START_TEST(send_hold)
{
	struct msg_open o = rig_their_open();
	struct mono_us since;
	conn_id c;

	r.pconf.hold_s = o.hold_s = send_hold_cases[_i].hold_s;
	r.pconf.send_hold_s = send_hold_cases[_i].send_hold_s;
	rig_start(&r);
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	peer_conn_blocked(&r.env, r.now, c, r.now); /* only in Established */
	ck_assert(!runs(in(), TIMER_SEND_HOLD));
	rig_send_keepalive(&r, c);
	out_types(c);
	since = r.now;
	rig_pass_us(&r, 1 * S);
	peer_conn_blocked(&r.env, r.now, c, since);
	peer_conn_blocked(&r.env, r.now, c + 1, since); /* nobody */
	if (send_hold_cases[_i].expires_s == 0) {
		ck_assert(!runs(in(), TIMER_SEND_HOLD));
		return;
	}
	ck_assert_uint_eq(left_us(in(), TIMER_SEND_HOLD), (send_hold_cases[_i].expires_s - 1) * S);
	for (unsigned s = 1; s < send_hold_cases[_i].expires_s - 1; s++) {
		rig_pass_us(&r, 1 * S);
		rig_send_keepalive(&r, c);
	}
	rig_pass_us(&r, 1 * S - 1);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	r.ntodo = 0;
	rig_pass_us(&r, 1);
	expect_closed(c);
	expect_notification(c, ERR_SEND_HOLD_TIMER, 0, NULL, 0);
	ck_assert_str_eq(r.down_why, "send hold timer expired: the peer has stopped reading");
	ck_assert_int_eq(r.down_how, PEER_DOWN_LOST);
}
END_TEST

START_TEST(send_hold_ends_when_the_socket_takes_something)
{
	conn_id c;

	r.pconf.send_hold_s = 8;
	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	peer_conn_blocked(&r.env, r.now, c, r.now);
	rig_pass_us(&r, 7 * S);
	rig_send_keepalive(&r, c);
	peer_conn_blocked(&r.env, r.now, c, MONO_NEVER);
	ck_assert(!runs(in(), TIMER_SEND_HOLD));
	rig_pass_us(&r, 8 * S);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
}
END_TEST

/* ---- headers and messages that do not belong -------------------------------------------------- */

static const enum fsm_state open_states[] = { FSM_OPENSENT, FSM_OPENCONFIRM, FSM_ESTABLISHED };
#define NSTATES NROWS(open_states)

/* RFC 4271 section 6.1. */
static const struct {
	uint8_t marker0, marker15;
	uint16_t length;
	uint8_t type;
	uint8_t sub;
	const uint8_t *data;
	size_t octets;
	const char *why;
} header_cases[] = {
	{ 0, 0xff, 19, 4, 1, NULL, 0, "bad message header (octet 0): the marker is not all ones" },
	{ 0xff, 0xfe, 19, 4, 1, NULL, 0, "bad message header (octet 15): the marker is not all ones" },
	{ 0xff, 0xff, 18, 4, 2, HEX(0, 18),
	    "bad message header (octet 16): the message length is out of bounds" },
	{ 0xff, 0xff, 4097, 2, 2, HEX(0x10, 1),
	    "bad message header (octet 16): the message length is out of bounds" },
	{ 0xff, 0xff, 28, 1, 2, HEX(0, 28),
	    "bad message header (octet 16): the message length does not fit its type" },
	{ 0xff, 0xff, 22, 2, 2, HEX(0, 22),
	    "bad message header (octet 16): the message length does not fit its type" },
	{ 0xff, 0xff, 20, 3, 2, HEX(0, 20),
	    "bad message header (octet 16): the message length does not fit its type" },
	{ 0xff, 0xff, 20, 4, 2, HEX(0, 20),
	    "bad message header (octet 16): the message length does not fit its type" },
	{ 0xff, 0xff, 19, 0, 3, HEX(0), "bad message header (octet 18): the message type is unknown" },
	{ 0xff, 0xff, 19, 6, 3, HEX(6), "bad message header (octet 18): the message type is unknown" },
	{ 0xff, 0xff, 4096, 255, 3, HEX(255),
	    "bad message header (octet 18): the message type is unknown" },
};

START_TEST(bad_header)
{
	int k = _i / NSTATES;
	uint8_t buf[64];
	conn_id c;

	rig_start(&r);
	c = conn_in(open_states[_i % NSTATES]);
	message(buf, header_cases[k].type, NULL, 0);
	message(buf + 19, BGP_KEEPALIVE, NULL, 0);
	buf[0] = header_cases[k].marker0;
	buf[15] = header_cases[k].marker15;
	buf[16] = (uint8_t)(header_cases[k].length >> 8);
	buf[17] = (uint8_t)header_cases[k].length;
	ck_assert_uint_eq(rig_input(&r, c, buf, 38), 38);
	expect_closed(c);
	expect_notification(c, ERR_HEADER, header_cases[k].sub, header_cases[k].data,
	    header_cases[k].octets);
	ck_assert_str_eq(r.p->last_error, header_cases[k].why);
	ck_assert_uint_eq(r.p->msgs_out[BGP_NOTIFICATION], 1);
	ck_assert_uint_eq(r.downs, open_states[_i % NSTATES] == FSM_ESTABLISHED);
}
END_TEST

/* Every type in every state: RFC 6608 section 4, the data is the type. sub 0: it belongs. */
static const struct {
	uint8_t type;
	enum fsm_state state;
	uint8_t sub;
	const char *why;
} misplaced[] = {
	{ BGP_OPEN, FSM_OPENSENT, 0, NULL },
	{ BGP_OPEN, FSM_OPENCONFIRM, 2, "it sent OPEN in state OpenConfirm" },
	{ BGP_OPEN, FSM_ESTABLISHED, 3, "it sent OPEN in state Established" },
	{ BGP_UPDATE, FSM_OPENSENT, 1, "it sent UPDATE in state OpenSent" },
	{ BGP_UPDATE, FSM_OPENCONFIRM, 2, "it sent UPDATE in state OpenConfirm" },
	{ BGP_UPDATE, FSM_ESTABLISHED, 0, NULL },
	{ BGP_KEEPALIVE, FSM_OPENSENT, 1, "it sent KEEPALIVE in state OpenSent" },
	{ BGP_KEEPALIVE, FSM_OPENCONFIRM, 0, NULL },
	{ BGP_KEEPALIVE, FSM_ESTABLISHED, 0, NULL },
	{ BGP_ROUTE_REFRESH, FSM_OPENSENT, 1, "it sent ROUTE-REFRESH in state OpenSent" },
	{ BGP_ROUTE_REFRESH, FSM_OPENCONFIRM, 2, "it sent ROUTE-REFRESH in state OpenConfirm" },
	{ BGP_ROUTE_REFRESH, FSM_ESTABLISHED, 0, NULL },
};

static void
send_valid(conn_id c, uint8_t type)
{
	struct msg_open o = rig_their_open();

	switch (type) {
	case BGP_OPEN:
		rig_send_open(&r, c, &o);
		break;
	case BGP_UPDATE:
		send(c, type, eor, sizeof(eor));
		break;
	case BGP_KEEPALIVE:
		rig_send_keepalive(&r, c);
		break;
	case BGP_ROUTE_REFRESH:
		send(c, type, v4_refresh, sizeof(v4_refresh));
		break;
	}
}

START_TEST(message_in_state)
{
	enum fsm_state state = misplaced[_i].state;
	conn_id c;

	rig_start(&r);
	c = conn_in(state);
	send_valid(c, misplaced[_i].type);
	if (misplaced[_i].sub == 0) {
		ck_assert_ptr_nonnull(in()->conn);
		ck_assert_int_ge(peer_state(r.p), state);
		return;
	}
	expect_closed(c);
	expect_notification(c, ERR_FSM, misplaced[_i].sub, &misplaced[_i].type, 1);
	ck_assert_str_eq(r.p->last_error, misplaced[_i].why);
	ck_assert_uint_eq(r.updates + r.refreshes, 0);
}
END_TEST

/* A second OPEN while a collision is being settled: still OpenSent. */
START_TEST(second_open_while_parked)
{
	static const uint8_t type = BGP_OPEN;
	struct msg_open o = rig_their_open();
	conn_id c;

	r.conf.router_id = 0x0a000009;
	rig_start(&r);
	rig_connect(&r);
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	ck_assert(session_is_parked(in()));
	rig_send_open(&r, c, &o);
	ck_assert(!in()->conn);
	expect_notification(c, ERR_FSM, FSM_UNEXPECTED_OPENSENT, &type, 1);
}
END_TEST

/* A NOTIFICATION ends every state and is never answered: RFC 4271 section 6.4. */
START_TEST(notification_in_state)
{
	conn_id c;

	rig_start(&r);
	c = conn_in(open_states[_i % NSTATES]);
	rig_send_notification(&r, c, _i < NSTATES ? ERR_CEASE : ERR_OPEN, _i < NSTATES ? 5 : 1, NULL, 0);
	ck_assert_uint_eq(r.p->msgs_out[BGP_NOTIFICATION], 0);
	ck_assert_uint_eq(peer_env_conns(&r.env), 0);
	expect_closed(c);
	ck_assert_uint_eq(r.downs, open_states[_i % NSTATES] == FSM_ESTABLISHED);
	/* NotifMsgVerErr does not count, unless the session was up */
	ck_assert_uint_eq(r.p->connect_retries,
	    _i < NSTATES || open_states[_i % NSTATES] == FSM_ESTABLISHED);
}
END_TEST

/* ---- slices ----------------------------------------------------------------------------------- */

static const struct msg_open *
their_open(void)
{
	static struct msg_open o;

	o = rig_their_open();
	return &o;
}

/* OPEN, KEEPALIVE, UPDATE, ROUTE-REFRESH, KEEPALIVE. */
static size_t
whole_stream(uint8_t *buf, size_t cap)
{
	struct wr w = wr_init(buf, cap);
	size_t n;

	msg_encode_open(&w, their_open(), true);
	msg_encode_keepalive(&w);
	n = wr_len(&w);
	n += message(buf + n, BGP_UPDATE, eor, sizeof(eor));
	n += message(buf + n, BGP_ROUTE_REFRESH, v4_refresh, sizeof(v4_refresh));
	n += message(buf + n, BGP_KEEPALIVE, NULL, 0);
	return n;
}

static void
expect_stream_taken(void)
{
	static const uint64_t types[BGP_NMSG] = { 5, 1, 1, 0, 2, 1 };

	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert_uint_eq(r.updates, 1);
	ck_assert_uint_eq(r.refreshes, 1);
	for (unsigned i = 0; i < BGP_NMSG; i++)
		ck_assert_uint_eq(r.p->msgs_in[i], types[i]);
}

/* In two pieces, split at every octet. */
START_TEST(split_in_two)
{
	uint8_t buf[BGP_MAX_EXT_OCTETS];
	size_t n = whole_stream(buf, sizeof(buf));

	for (size_t k = 0; k <= n; k++) {
		size_t used;
		conn_id c;

		rig_start(&r);
		c = rig_accept(&r);
		used = rig_input(&r, c, buf, k);
		ck_assert_uint_le(used, k);
		ck_assert_uint_eq(rig_input(&r, c, buf + used, n - used), n - used);
		expect_stream_taken();
		peer_free(r.p);
		r.p = NULL;
		r.ntodo = r.updates = r.refreshes = 0;
	}
}
END_TEST

/* Octet by octet: a message counts with its last octet, and not before. */
START_TEST(split_at_every_octet)
{
	uint8_t buf[BGP_MAX_EXT_OCTETS];
	size_t n = whole_stream(buf, sizeof(buf)), have = 0, off = 0, messages = 0;
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	while (off + have < n) {
		size_t want = (size_t)(buf[off + 16] << 8 | buf[off + 17]), used;

		used = rig_input(&r, c, buf + off, ++have);
		ck_assert_uint_eq(used, have == want ? want : 0);
		messages += used > 0;
		ck_assert_uint_eq(r.p->msgs_in[0], messages);
		off += used;
		have -= used;
	}
	expect_stream_taken();
}
END_TEST

/* 128 messages a slice; the peer counts as heard while the rest waits. */
START_TEST(slice_of_messages)
{
	static uint8_t buf[300 * 19];
	size_t n = 0, used;
	conn_id c;

	while (n < sizeof(buf))
		n += message(buf + n, BGP_KEEPALIVE, NULL, 0);
	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	used = rig_input(&r, c, buf, n);
	ck_assert_uint_eq(used, 128 * 19);
	ck_assert_uint_eq(r.p->msgs_in[BGP_KEEPALIVE], 129);
	rig_pass_us(&r, 4 * S);
	used += rig_input(&r, c, buf + used, n - used);
	ck_assert_uint_eq(used, 256 * 19);
	used += rig_input(&r, c, buf + used, n - used);
	ck_assert_uint_eq(used, n);
	ck_assert_uint_eq(r.p->msgs_in[BGP_KEEPALIVE], 301);
}
END_TEST

/* The longest UPDATE there is, withdrawing 1,018 prefixes and the default route. */
static size_t
long_update(uint8_t *buf)
{
	uint8_t body[4077] = { 4073 >> 8, 4073 & 0xff };

	for (unsigned i = 0; i < 1018; i++) {
		body[2 + 4 * i] = 24;
		body[3 + 4 * i] = 10;
		body[4 + 4 * i] = (uint8_t)(i >> 8);
		body[5 + 4 * i] = (uint8_t)i;
	}
	return message(buf, BGP_UPDATE, body, sizeof(body));
}

START_TEST(slice_of_octets)
{
	static uint8_t buf[8 * 4096];
	size_t n = 0;
	conn_id c;

	for (unsigned i = 0; i < 8; i++)
		n += long_update(buf + n);
	ck_assert_uint_eq(n, sizeof(buf));
	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	ck_assert_uint_eq(rig_input(&r, c, buf, n), 16384);
	ck_assert_uint_eq(r.updates, 4);
	ck_assert_uint_eq(rig_input(&r, c, buf + 16384, n - 16384), 16384);
	ck_assert_uint_eq(r.updates, 8);
	ck_assert_int_eq(r.update_act, ACT_NONE);
}
END_TEST

/* What waits for the next slice has been heard. */
START_TEST(waiting_messages_extend_hold)
{
	static uint8_t buf[200 * 23];
	size_t n = 0;
	conn_id c;

	while (n < sizeof(buf))
		n += message(buf + n, BGP_ROUTE_REFRESH, v4_refresh, sizeof(v4_refresh));
	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	rig_pass_us(&r, 4 * S);
	ck_assert_uint_eq(rig_input(&r, c, buf, n), 128 * 23);
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 9 * S);
	rig_pass_us(&r, 4 * S);
	ck_assert_uint_eq(rig_input(&r, c, buf, 72 * 23), 72 * 23); /* all of it: refreshes do not count */
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 5 * S);
}
END_TEST

/* Behind the message that ends the session nothing is read. */
START_TEST(nothing_is_read_after_the_end)
{
	uint8_t buf[BGP_MAX_EXT_OCTETS];
	size_t n = whole_stream(buf, sizeof(buf));
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	ck_assert_uint_eq(rig_input(&r, c, buf, n), n);
	expect_closed(c);
	ck_assert_uint_eq(r.updates, 0);
	ck_assert_uint_eq(r.p->msgs_in[0], 3);
	ck_assert_uint_eq(rig_input(&r, c, buf, n), n); /* closing: taken and dropped */
	ck_assert_uint_eq(r.p->msgs_in[0], 3);
	ck_assert_ptr_null(peer_conn_owner(&r.env, c));
}
END_TEST

/* The RIB ends the session in the middle of an UPDATE. */
START_TEST(update_ends_its_session)
{
	static const uint8_t limit[] = { 0, 1, 1, 0, 0, 0, 9 };
	uint8_t buf[128];
	size_t n;
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	r.end_on_update = true;
	n = message(buf, BGP_UPDATE, eor, sizeof(eor));
	n += message(buf + n, BGP_UPDATE, eor, sizeof(eor));
	ck_assert_uint_eq(rig_input(&r, c, buf, n), n);
	ck_assert_uint_eq(r.updates, 1);
	ck_assert_uint_eq(r.downs, 1);
	expect_closed(c);
	expect_notification(c, ERR_CEASE, CEASE_MAX_PREFIXES, limit, sizeof(limit));
}
END_TEST

/* ---- UPDATE, ROUTE-REFRESH -------------------------------------------------------------------- */

/* ORIGIN igp, AS_PATH (65002), NEXT_HOP 10.0.0.2, 10.1.0.0/16: then one thing made wrong. */
static const struct {
	const char *name;
	const uint8_t *body;
	size_t octets;
	enum bgp_act act;
	uint8_t sub; /* ACT_RESET */
} update_cases[] = {
	{ "fine", HEX(0, 0, 0, 20, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xea, 0x40, 3, 4, 10, 0,
	      0, 2, 16, 10, 1), ACT_NONE, 0 },
	{ "ORIGIN 3: RFC 7606 section 7.1", HEX(0, 0, 0, 20, 0x40, 1, 1, 3, 0x40, 2, 6, 2, 1, 0, 0, 0xfd,
	      0xea, 0x40, 3, 4, 10, 0, 0, 2, 16, 10, 1), ACT_WITHDRAW, 0 },
	{ "ATOMIC_AGGREGATE of 1 octet: RFC 7606 section 7.6", HEX(0, 0, 0, 24, 0x40, 1, 1, 0, 0x40, 2,
	      6, 2, 1, 0, 0, 0xfd, 0xea, 0x40, 3, 4, 10, 0, 0, 2, 0x40, 6, 1, 0, 16, 10, 1),
	    ACT_ATTR_DISCARD, 0 },
	{ "withdrawn too long: RFC 4271 section 6.3", HEX(0, 9, 0, 0), ACT_RESET, 1 },
	{ "prefix of 33 bits: RFC 4271 section 6.3", HEX(0, 6, 33, 10, 0, 0, 0, 0, 0, 0), ACT_RESET, 10 },
};

START_TEST(update_verdicts)
{
	enum bgp_act act = update_cases[_i].act;
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	r.warnings = 0;
	send(c, BGP_UPDATE, update_cases[_i].body, update_cases[_i].octets);
	ck_assert_uint_eq(r.updates, act != ACT_RESET);
	if (act != ACT_RESET)
		ck_assert_int_eq(r.update_act, act);
	ck_assert_uint_eq(r.p->withdraw_errs, act == ACT_WITHDRAW);
	ck_assert_uint_eq(r.p->discard_errs, act == ACT_ATTR_DISCARD);
	ck_assert_uint_eq(r.warnings, act == ACT_WITHDRAW || act == ACT_ATTR_DISCARD);
	if (act == ACT_WITHDRAW) {
		ck_assert_str_eq(r.last_event, "update-error");
		ck_assert_ptr_nonnull(strstr(r.last_text, "action=treat-as-withdraw attr=ORIGIN "));
		ck_assert_ptr_nonnull(strstr(r.last_text, " prefixes=1 "));
	}
	if (act != ACT_RESET) {
		ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
		return;
	}
	expect_closed(c);
	expect_notification(c, ERR_UPDATE, update_cases[_i].sub, NULL, 0);
	ck_assert_int_eq(strncmp(r.down_why, "malformed UPDATE (octet ", 24), 0);
}
END_TEST

/* Malformed UPDATEs are logged ten times in 10 s; all of them are counted. */
START_TEST(update_log_is_limited)
{
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	r.warnings = 0;
	for (unsigned i = 0; i < 50; i++)
		send(c, BGP_UPDATE, update_cases[1].body, update_cases[1].octets);
	ck_assert_uint_eq(r.warnings, 10);
	ck_assert_uint_eq(r.p->withdraw_errs, 50);
}
END_TEST

/* RFC 2918 section 4: what is not in use is ignored; octet 3 is reserved. */
static const struct {
	const char *name;
	const uint8_t *body;
	size_t octets;
	uint8_t families; /* of the peer */
	uint8_t af;	  /* 0: ignored */
	bool reset;
} refresh_cases[] = {
	{ "IPv4", HEX(0, 1, 0, 1), 3, 1, false },
	{ "IPv6", HEX(0, 2, 0, 1), 3, 2, false },
	{ "reserved octet set", HEX(0, 1, 77, 1), 3, 1, false },
	{ "IPv6 is not in use", HEX(0, 2, 0, 1), 1, 0, false },
	{ "IPv4 is not in use", HEX(0, 1, 0, 1), 2, 0, false },
	{ "multicast", HEX(0, 1, 0, 2), 3, 0, false },
	{ "AFI 3", HEX(0, 3, 0, 1), 3, 0, false },
	{ "an octet short", HEX(0, 1, 0), 3, 0, true },
	{ "an octet more", HEX(0, 1, 0, 1, 0), 3, 0, true },
	{ "header alone", NULL, 0, 3, 0, true },
};

START_TEST(refresh_in)
{
	struct msg_open o = rig_their_open();
	uint8_t length[2] = { 0, (uint8_t)(19 + refresh_cases[_i].octets) };
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	o.caps.families = refresh_cases[_i].families;
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	out_types(c);
	send(c, BGP_ROUTE_REFRESH, refresh_cases[_i].body, refresh_cases[_i].octets);
	if (refresh_cases[_i].reset) {
		expect_closed(c);
		expect_notification(c, ERR_HEADER, HDR_BAD_LENGTH, length, 2);
		ck_assert_str_eq(r.down_why,
		    "malformed ROUTE-REFRESH (octet 16): a ROUTE-REFRESH must have 23 octets");
	} else {
		ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	}
	ck_assert_uint_eq(r.refreshes, refresh_cases[_i].af != 0);
	ck_assert_uint_eq(r.refresh_af, refresh_cases[_i].af);
	ck_assert_uint_eq(r.refresh_subtype, REFRESH_REQUEST);
}
END_TEST

/* With enhanced refresh: subtypes, and errors of their own (RFC 7313 sections 4 and 5). */
START_TEST(enhanced_refresh_in)
{
	uint8_t msg[24], body[] = { 0, 1, 0, 1, 0 };
	size_t n = message(msg, BGP_ROUTE_REFRESH, body, sizeof(body));
	conn_id c;

	struct msg_open o = rig_their_open();

	o.caps.enhanced_refresh = true;
	rig_start(&r);
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	out_types(c);
	r.ntodo = 0;
	for (uint8_t sub = 0; sub < 4; sub++) {
		body[2] = sub;
		send(c, BGP_ROUTE_REFRESH, body, 4);
		ck_assert_uint_eq(r.refreshes, sub < 3 ? sub + 1u : 3u); /* others are ignored */
		ck_assert_uint_eq(r.refresh_subtype, sub < 3 ? sub : 2);
	}
	ck_assert_str_eq(r.last_event, "refresh-error"); /* and told of */
	ck_assert_uint_eq(rig_input(&r, c, msg, n), n);
	expect_closed(c);
	expect_notification(c, ERR_ROUTE_REFRESH, REFRESH_BAD_LENGTH, msg, n);
}
END_TEST

START_TEST(refresh_out)
{
	uint8_t buf[4096];
	conn_id c;

	rig_start(&r);
	ck_assert(!peer_send_refresh(r.p, r.now, IP4, REFRESH_REQUEST));
	c = conn_in(FSM_OPENCONFIRM);
	ck_assert(!peer_send_refresh(r.p, r.now, IP4, REFRESH_REQUEST));
	rig_send_keepalive(&r, c);
	out_types(c);
	ck_assert(peer_send_refresh(r.p, r.now, IP6, REFRESH_REQUEST));
	ck_assert_uint_eq(rig_output(&r, c, buf, sizeof(buf)), 23);
	ck_assert_mem_eq(buf + 16, ((uint8_t[]){ 0, 23, 5, 0, 2, 0, 1 }), 7);
	ck_assert(!peer_send_refresh(r.p, r.now, IP4, REFRESH_BORR)); /* RFC 7313: not negotiated */
	r.p->neg.enhanced_refresh = true;
	ck_assert(peer_send_refresh(r.p, r.now, IP4, REFRESH_EORR));
	ck_assert_uint_eq(rig_output(&r, c, buf, sizeof(buf)), 23);
	ck_assert_mem_eq(buf + 16, ((uint8_t[]){ 0, 23, 5, 0, 1, 2, 1 }), 7);
	r.p->neg.families = AF_BIT(IP4);
	ck_assert(!peer_send_refresh(r.p, r.now, IP6, REFRESH_REQUEST));
	r.p->neg.refresh = false;
	ck_assert(!peer_send_refresh(r.p, r.now, IP4, REFRESH_REQUEST));
	ck_assert_uint_eq(r.p->msgs_out[BGP_ROUTE_REFRESH], 2);
	ck_assert(!session_send_refresh(&r.p->s[SESSION_OUT], IP4, REFRESH_REQUEST)); /* no connection */
}
END_TEST

/* ---- NOTIFICATIONs out ------------------------------------------------------------------------------ */

/* However much waits there is room for a NOTIFICATION with 255 octets of text. */
START_TEST(room_is_kept_for_a_notification)
{
	char text[256];
	uint8_t buf[4096];
	size_t len;
	unsigned sent = 0;
	conn_id c;

	memset(text, 'x', 255);
	text[255] = '\0';
	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	while (peer_send_refresh(r.p, r.now, IP4, REFRESH_REQUEST))
		sent++;
	ck_assert_uint_eq(sent, 6);
	ck_assert_uint_eq(r.p->msgs_out[BGP_ROUTE_REFRESH], 6);
	peer_admin_down(r.p, r.now, text);
	len = rig_output(&r, c, buf, sizeof(buf));
	ck_assert_uint_eq(len, 6 * 23 + 21 + 256);
	ck_assert_mem_eq(buf + 6 * 23 + 16, ((uint8_t[]){ 1, 21, 3, 6, 2, 255, 'x' }), 7);
}
END_TEST

/* RFC 9003 section 2: at most 255 octets, cut between characters. */
START_TEST(long_text_is_cut_at_a_character)
{
	static const char euro[] = "\xe2\x82\xac";
	char text[512] = "";
	uint8_t got[256];
	struct msg_notification n;
	size_t lead = (size_t)_i;
	conn_id c;

	memset(text, 'x', lead);
	for (unsigned i = 0; i < 100; i++)
		memcpy(text + lead + 3 * i, euro, 4);
	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	peer_admin_down(r.p, r.now, text);
	n = rig_notification(&r, c, got);
	ck_assert_uint_eq(n.code, ERR_CEASE);
	ck_assert_uint_eq(n.sub, CEASE_ADMIN_SHUTDOWN);
	ck_assert_uint_eq(got[0], lead + (255 - lead) / 3 * 3);
	ck_assert_uint_eq(n.data_octets, got[0] + 1u);
	ck_assert_mem_eq(got + 1, text, got[0]);
}
END_TEST

/*
 * Echoed data goes whole, cut only to the longest message that the peer takes:
 * RFC 4271 section 4.5, RFC 8654 section 5.
 */
static const struct {
	size_t octets, expect;
	bool ext_msg;
} echo_cases[] = {
	{ 1000, 1021, false },
	{ 4075, 4096, false },
	{ 4076, 4096, false },
	{ 70000, 4096, false },
	{ 4076, 4097, true },
	{ 70000, 65535, true },
};

START_TEST(echoed_data_is_clipped)
{
	static uint8_t data[70000], buf[1 << 17];
	struct msg_open o = rig_their_open();
	size_t len;
	conn_id c;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	r.pconf.ext_msg = true;
	o.caps.ext_msg = echo_cases[_i].ext_msg;
	rig_start(&r);
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	out_types(c);
	peer_end(r.p, r.now, ERR_UPDATE, UPD_ATTR_LIST, data, echo_cases[_i].octets, "test", 0);
	len = rig_output(&r, c, buf, sizeof(buf));
	ck_assert_uint_eq(len, echo_cases[_i].expect);
	ck_assert_uint_eq((size_t)(buf[16] << 8 | buf[17]), len);
	ck_assert_mem_eq(buf + 18, ((uint8_t[]){ 3, 3, 1 }), 3);
	ck_assert_mem_eq(buf + 21, data, len - 21);
}
END_TEST

/* ---- long-lived graceful restart: RFC 9494 ---------------------------------------------------- */

/* Both sides for routes to stay; who may be told of stale ones is the peer's say alone (section 4.3). */
static const struct {
	const char *name;
	bool mine, theirs, both, peer;
} llgr_cases[] = {
	{ "nobody", false, false, false, false },
	{ "we alone", true, false, false, false },
	{ "the peer alone", false, true, false, true },
	{ "both", true, true, true, true },
};

START_TEST(long_lived_restart_is_agreed)
{
	struct msg_open o = rig_their_open();
	conn_id c;

	r.gr = (struct cap_gr){ .present = true, .families = 3 };
	r.pconf.llgr_time_s[0] = llgr_cases[_i].mine ? 3600 : 0;
	o.caps.gr = (struct cap_gr){ .present = true, .families = 3 };
	o.caps.llgr = (struct cap_llgr){ .present = llgr_cases[_i].theirs, .families = 3,
		.time_s = { 60, 60 } };
	rig_start(&r);
	c = rig_accept(&r);
	ck_assert_uint_ne(c, 0);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert_msg(r.p->neg.llgr == llgr_cases[_i].both, "%s", llgr_cases[_i].name);
	ck_assert_msg(r.p->neg.peer_llgr == llgr_cases[_i].peer, "%s", llgr_cases[_i].name);
}
END_TEST

/* ---- extended messages: RFC 8654 ----------------------------------------------------------------- */

/* A message of that many octets, of type UPDATE unless said otherwise. */
static const struct {
	const char *name;
	uint8_t type;
	size_t octets;
	bool mine, theirs, ok;
} ext_cases[] = {
	{ "4096 without it", BGP_UPDATE, 4096, false, false, true },
	{ "4097 without it", BGP_UPDATE, 4097, false, false, false },
	{ "4097, we alone offer it", BGP_UPDATE, 4097, true, false, false },
	{ "4097, the peer alone offers it", BGP_UPDATE, 4097, false, true, false },
	{ "4097 with it", BGP_UPDATE, 4097, true, true, true },
	{ "65535 with it", BGP_UPDATE, 65535, true, true, true },
	{ "18 with it", BGP_UPDATE, 18, true, true, false },
	{ "OPEN of 4097 with it", BGP_OPEN, 4097, true, true, false },
	{ "KEEPALIVE of 20 with it", BGP_KEEPALIVE, 20, true, true, false },
	{ "KEEPALIVE of 4097 with it", BGP_KEEPALIVE, 4097, true, true, false },
};

START_TEST(extended_messages_in)
{
	static uint8_t msg[BGP_MAX_EXT_OCTETS];
	struct msg_open o = rig_their_open();
	size_t octets = ext_cases[_i].octets;
	uint8_t length[2] = { (uint8_t)(octets >> 8), (uint8_t)octets };
	struct wr w = wr_init(msg, sizeof(msg));
	conn_id c;

	memset(msg, 0, sizeof(msg));
	r.pconf.ext_msg = ext_cases[_i].mine;
	o.caps.ext_msg = ext_cases[_i].theirs;
	rig_start(&r);
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	out_types(c);
	msg_open(&w, ext_cases[_i].type);
	memcpy(msg + 16, length, 2);
	msg[19 + 4] = 0xc0; /* an unknown attribute that fills it */
	msg[19 + 4] |= ATTR_F_EXT_LEN;
	msg[19 + 5] = 99;
	if (octets > 27) {
		msg[19 + 2] = (uint8_t)((octets - 23) >> 8), msg[19 + 3] = (uint8_t)(octets - 23);
		msg[19 + 6] = (uint8_t)((octets - 27) >> 8), msg[19 + 7] = (uint8_t)(octets - 27);
	}
	ck_assert_uint_eq(rig_input(&r, c, msg, octets), octets);
	if (ext_cases[_i].ok) {
		ck_assert_msg(peer_state(r.p) == FSM_ESTABLISHED, "%s", ext_cases[_i].name);
		ck_assert_uint_eq(r.updates, 1);
		ck_assert_int_eq(r.update_act, ACT_NONE);
	} else {
		expect_closed(c);
		expect_notification(c, ERR_HEADER, HDR_BAD_LENGTH, length, 2);
	}
}
END_TEST

/* Before both OPENs are there no message is longer than 4096 octets. */
START_TEST(extended_messages_after_the_open)
{
	uint8_t head[19];
	struct wr w = wr_init(head, sizeof(head));
	conn_id c;

	r.pconf.ext_msg = true;
	rig_start(&r);
	c = rig_accept(&r);
	out_types(c);
	msg_open(&w, BGP_UPDATE);
	head[16] = 0x10, head[17] = 0x01;
	rig_input(&r, c, head, sizeof(head));
	expect_notification(c, ERR_HEADER, HDR_BAD_LENGTH, head + 16, 2);
}
END_TEST

/* ---- connections ---------------------------------------------------------------------------------- */

/* A closing connection lives until its octets are taken, or 2 s. */
START_TEST(closing_connections)
{
	uint8_t buf[4096];
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	peer_end(r.p, r.now, ERR_CEASE, 0, NULL, 0, "test", 0);
	ck_assert_uint_eq(peer_env_conns(&r.env), 1);
	ck_assert(peer_conn_pending(&r.env, c));
	ck_assert_uint_eq(peer_conn_output(&r.env, r.now, c, buf, 5, 5), 5);
	ck_assert_uint_eq(peer_env_conns(&r.env), 1);
	ck_assert_uint_eq(peer_conn_output(&r.env, r.now, c, buf + 5, 15, 15), 15);
	ck_assert(peer_conn_pending(&r.env, c));
	ck_assert_uint_eq(peer_conn_output(&r.env, r.now, c, buf + 20, 100, 100), 1);
	ck_assert_uint_eq(buf[18], BGP_NOTIFICATION);
	ck_assert_uint_eq(peer_env_conns(&r.env), 0);
	ck_assert(!peer_conn_pending(&r.env, c));

	c = conn_in(FSM_ESTABLISHED);
	peer_end(r.p, r.now, ERR_CEASE, 0, NULL, 0, "test", 0);
	rig_pass_us(&r, 2 * S - 1);
	ck_assert(peer_conn_pending(&r.env, c));
	rig_pass_us(&r, 1);
	ck_assert(!peer_conn_pending(&r.env, c));

	c = conn_in(FSM_ESTABLISHED);
	peer_end(r.p, r.now, ERR_CEASE, 0, NULL, 0, "test", 0);
	peer_conn_closed(&r.env, r.now, c, 0); /* the peer is faster */
	ck_assert(!peer_conn_pending(&r.env, c));
	peer_conn_closed(&r.env, r.now, c, 0); /* said twice */
	ck_assert_uint_eq(r.downs, 3);
}
END_TEST

/* A connection that is closing has nothing of the RIB's any more. */
START_TEST(closing_connection_is_not_filled)
{
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	r.fill_octets = message(r.fill, BGP_UPDATE, eor, sizeof(eor));
	peer_end(r.p, r.now, ERR_CEASE, 0, NULL, 0, "test", 0);
	peer_conn_blocked(&r.env, r.now, c, r.now);
	ck_assert_str_eq(out_types(c), "3");
	ck_assert(!peer_conn_pending(&r.env, c));
}
END_TEST

/* Ids and tokens skip 0 when they wrap; an id in use is not given again. */
START_TEST(ids_wrap)
{
	struct ipc_endpoints ep = rig_ep();
	struct todo t;
	const char *why;
	conn_id c;

	r.env.last_token = UINT32_MAX;
	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	ck_assert_uint_eq(t.token, 1);
	r.env.last_conn = UINT32_MAX - 1;
	c = rig_accept(&r);
	ck_assert_uint_eq(c, UINT32_MAX);
	ck_assert_uint_eq(peer_conn_connected(r.p, r.now, 1, &ep, &why), 1);
	r.env.last_conn = UINT32_MAX - 1;
	peer_conn_closed(&r.env, r.now, 1, 0);
	c = rig_accept(&r); /* the old one is closing with its OPEN and a Cease: its id is taken */
	ck_assert_uint_eq(c, 1);
}
END_TEST

/* One TODO_WRITE until the output is asked for. */
START_TEST(write_is_asked_for_once)
{
	conn_id c;

	rig_start(&r);
	c = conn_in(FSM_ESTABLISHED);
	peer_kick(r.p);
	peer_kick(r.p);
	peer_send_refresh(r.p, r.now, IP4, REFRESH_REQUEST);
	ck_assert(rig_take(&r, TODO_WRITE, NULL));
	ck_assert(!rig_take(&r, TODO_WRITE, NULL));
	ck_assert_str_eq(out_types(c), "5");
	peer_kick(r.p);
	ck_assert(rig_take(&r, TODO_WRITE, NULL));
	peer_conn_closed(&r.env, r.now, c, 0);
	peer_kick(r.p);
	ck_assert(!rig_take(&r, TODO_WRITE, NULL));
}
END_TEST

/* ---- timers of a speaker, verdicts ------------------------------------------------------------------- */

static unsigned fired[4], nfired;
static struct timer timers[4];

static void
note(struct timer *t, struct mono_us now)
{
	fired[nfired++] = (unsigned)(t - timers);
}

START_TEST(timer_heap)
{
	struct heap h;

	heap_init(&h);
	nfired = 0;
	for (unsigned i = 0; i < 4; i++)
		timers[i] = (struct timer){ .fire = note };
	timer_set(&h, &timers[0], (struct mono_us){ 30 });
	timer_set(&h, &timers[1], (struct mono_us){ 10 });
	timer_set(&h, &timers[2], (struct mono_us){ 20 });
	timer_set_earlier(&h, &timers[3], (struct mono_us){ 40 });
	timer_set_earlier(&h, &timers[3], (struct mono_us){ 50 }); /* no: later */
	ck_assert_uint_eq(timers[3].node.when.us, 40);
	timer_set_earlier(&h, &timers[3], (struct mono_us){ 39 });
	ck_assert_uint_eq(timers[3].node.when.us, 39);
	timer_set(&h, &timers[1], (struct mono_us){ 25 });
	ck_assert(!timers_run(&h, (struct mono_us){ 19 }, 9));
	ck_assert_uint_eq(nfired, 0);
	ck_assert(timers_run(&h, (struct mono_us){ 30 }, 2));
	ck_assert_uint_eq(nfired, 2);
	ck_assert_uint_eq(fired[0], 2);
	ck_assert_uint_eq(fired[1], 1);
	ck_assert(!timer_armed(&timers[1]));
	ck_assert(timer_armed(&timers[0]));
	ck_assert(!timers_run(&h, (struct mono_us){ 30 }, 2));
	ck_assert_uint_eq(fired[2], 0);
	timer_set(&h, &timers[3], MONO_NEVER);
	ck_assert(!timer_armed(&timers[3]));
	timer_set(&h, &timers[0], (struct mono_us){ 60 });
	timer_stop(&h, &timers[0]);
	timer_stop(&h, &timers[0]);
	ck_assert(!timers_run(&h, (struct mono_us){ 100 }, 9));
	ck_assert_uint_eq(nfired, 3);
	heap_free(&h);
}
END_TEST

/* RFC 7606 section 3 (h): the strongest counts, of equals the first. */
START_TEST(verdicts_merge)
{
	static uint8_t data[70000];
	struct bgp_err e = { 0 };

	bgp_fail(&e, ACT_ATTR_DISCARD, 3, 5, 6, 40, "a");
	bgp_fail(&e, ACT_ATTR_DISCARD, 3, 9, 7, 50, "b");
	ck_assert_str_eq(e.why, "a");
	ck_assert_uint_eq(e.off, 40);
	bgp_fail(&e, ACT_WITHDRAW, 3, 6, 1, 70000, "c");
	ck_assert_str_eq(e.why, "c");
	ck_assert_uint_eq(e.off, 65535);
	ck_assert_uint_eq(e.sub, 6);
	ck_assert_uint_eq(e.attr, 1);
	bgp_fail(&e, ACT_NONE, 3, 1, 0, 1, "d");
	ck_assert_int_eq(e.act, ACT_WITHDRAW);
	bgp_fail_data(&e, ACT_RESET, 3, 10, 0, 65535, data, sizeof(data), "e");
	bgp_fail_data(&e, ACT_RESET, 1, 2, 0, 16, data + 1, 2, "f");
	ck_assert_uint_eq(e.code, 3);
	ck_assert_uint_eq(e.data_octets, 65535);
	ck_assert_ptr_eq(e.data, data);
	ck_assert_str_eq(bgp_act_name(ACT_NONE), "none");
	ck_assert_str_eq(bgp_act_name(ACT_ATTR_DISCARD), "attribute-discard");
	ck_assert_str_eq(bgp_act_name(ACT_WITHDRAW), "treat-as-withdraw");
	ck_assert_str_eq(bgp_act_name(ACT_AFI_DISABLE), "afi-safi-disable");
	ck_assert_str_eq(bgp_act_name(ACT_RESET), "session-reset");
	ck_assert_str_eq(bgp_act_name((enum bgp_act)99), "unknown");
}
END_TEST

/* The IANA registries' words. */
static const struct {
	uint8_t code, sub;
	const char *words;
} word_cases[] = {
	{ 0, 0, "Unknown (0/0)" },
	{ 1, 0, "Message Header Error (1/0)" },
	{ 1, 1, "Message Header Error, Connection Not Synchronized (1/1)" },
	{ 1, 2, "Message Header Error, Bad Message Length (1/2)" },
	{ 1, 3, "Message Header Error, Bad Message Type (1/3)" },
	{ 1, 4, "Message Header Error, Unknown (1/4)" },
	{ 2, 1, "OPEN Message Error, Unsupported Version Number (2/1)" },
	{ 2, 2, "OPEN Message Error, Bad Peer AS (2/2)" },
	{ 2, 3, "OPEN Message Error, Bad BGP Identifier (2/3)" },
	{ 2, 4, "OPEN Message Error, Unsupported Optional Parameter (2/4)" },
	{ 2, 5, "OPEN Message Error, Authentication Failure (2/5)" },
	{ 2, 6, "OPEN Message Error, Unacceptable Hold Time (2/6)" },
	{ 2, 7, "OPEN Message Error, Unsupported Capability (2/7)" },
	{ 2, 8, "OPEN Message Error, Unknown (2/8)" },
	{ 2, 11, "OPEN Message Error, Role Mismatch (2/11)" },
	{ 2, 12, "OPEN Message Error, Unknown (2/12)" },
	{ 3, 1, "UPDATE Message Error, Malformed Attribute List (3/1)" },
	{ 3, 2, "UPDATE Message Error, Unrecognized Well-known Attribute (3/2)" },
	{ 3, 3, "UPDATE Message Error, Missing Well-known Attribute (3/3)" },
	{ 3, 4, "UPDATE Message Error, Attribute Flags Error (3/4)" },
	{ 3, 5, "UPDATE Message Error, Attribute Length Error (3/5)" },
	{ 3, 6, "UPDATE Message Error, Invalid ORIGIN Attribute (3/6)" },
	{ 3, 7, "UPDATE Message Error, AS Routing Loop (3/7)" },
	{ 3, 8, "UPDATE Message Error, Invalid NEXT_HOP Attribute (3/8)" },
	{ 3, 9, "UPDATE Message Error, Optional Attribute Error (3/9)" },
	{ 3, 10, "UPDATE Message Error, Invalid Network Field (3/10)" },
	{ 3, 11, "UPDATE Message Error, Malformed AS_PATH (3/11)" },
	{ 4, 0, "Hold Timer Expired (4/0)" },
	{ 4, 1, "Hold Timer Expired, Unknown (4/1)" },
	{ 5, 0, "Finite State Machine Error (5/0)" },
	{ 5, 1, "Finite State Machine Error, Receive Unexpected Message in OpenSent State (5/1)" },
	{ 5, 2, "Finite State Machine Error, Receive Unexpected Message in OpenConfirm State (5/2)" },
	{ 5, 3, "Finite State Machine Error, Receive Unexpected Message in Established State (5/3)" },
	{ 6, 0, "Cease (6/0)" },
	{ 6, 1, "Cease, Maximum Number of Prefixes Reached (6/1)" },
	{ 6, 2, "Cease, Administrative Shutdown (6/2)" },
	{ 6, 3, "Cease, Peer De-configured (6/3)" },
	{ 6, 4, "Cease, Administrative Reset (6/4)" },
	{ 6, 5, "Cease, Connection Rejected (6/5)" },
	{ 6, 6, "Cease, Other Configuration Change (6/6)" },
	{ 6, 7, "Cease, Connection Collision Resolution (6/7)" },
	{ 6, 8, "Cease, Out of Resources (6/8)" },
	{ 6, 9, "Cease, Hard Reset (6/9)" },
	{ 6, 10, "Cease, BFD Down (6/10)" },
	{ 6, 11, "Cease, Unknown (6/11)" },
	{ 7, 1, "ROUTE-REFRESH Message Error, Invalid Message Length (7/1)" },
	{ 8, 0, "Send Hold Timer Expired (8/0)" },
	{ 9, 0, "Unknown (9/0)" },
	{ 9, 1, "Unknown, Unknown (9/1)" },
	{ 255, 255, "Unknown, Unknown (255/255)" },
};

START_TEST(error_words)
{
	char buf[BGP_WORDS_MAX];

	ck_assert_str_eq(bgp_err_words(word_cases[_i].code, word_cases[_i].sub, buf),
	    word_cases[_i].words);
	ck_assert_int_eq(*bgp_sub_name(word_cases[_i].code, word_cases[_i].sub) == '\0',
	    word_cases[_i].sub == 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("session");
	TCase *tc = unit_case(s, "session");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, open_exchange);
	tcase_add_loop_test(tc, hold_time_is_negotiated, 0, NROWS(hold_cases));
	tcase_add_test(tc, hold_expires_in_established);
	tcase_add_test(tc, hold_expires_in_openconfirm);
	tcase_add_loop_test(tc, hold_expires_in_opensent, 0, 2);
	tcase_add_test(tc, hold_restarts);
	tcase_add_test(tc, hold_is_not_restarted_by_reading);
	tcase_add_test(tc, reading_counts_in_openconfirm);
	tcase_add_test(tc, keepalives_are_jittered);
	tcase_add_test(tc, keepalives_in_openconfirm);
	tcase_add_test(tc, no_keepalives_without_hold_time);
	tcase_add_test(tc, update_out_restarts_keepalive_timer);
	tcase_add_test(tc, fill_follows_control_messages);
	tcase_add_loop_test(tc, send_hold, 0, NROWS(send_hold_cases));
	tcase_add_test(tc, send_hold_ends_when_the_socket_takes_something);
	tcase_add_loop_test(tc, bad_header, 0, NROWS(header_cases) * NSTATES);
	tcase_add_loop_test(tc, message_in_state, 0, NROWS(misplaced));
	tcase_add_test(tc, second_open_while_parked);
	tcase_add_loop_test(tc, notification_in_state, 0, 2 * NSTATES);
	tcase_add_test(tc, split_in_two);
	tcase_add_test(tc, split_at_every_octet);
	tcase_add_test(tc, slice_of_messages);
	tcase_add_test(tc, slice_of_octets);
	tcase_add_test(tc, waiting_messages_extend_hold);
	tcase_add_test(tc, nothing_is_read_after_the_end);
	tcase_add_test(tc, update_ends_its_session);
	tcase_add_loop_test(tc, update_verdicts, 0, NROWS(update_cases));
	tcase_add_test(tc, update_log_is_limited);
	tcase_add_loop_test(tc, refresh_in, 0, NROWS(refresh_cases));
	tcase_add_test(tc, enhanced_refresh_in);
	tcase_add_test(tc, refresh_out);
	tcase_add_test(tc, room_is_kept_for_a_notification);
	tcase_add_loop_test(tc, long_text_is_cut_at_a_character, 0, 4);
	tcase_add_loop_test(tc, echoed_data_is_clipped, 0, sizeof(echo_cases) / sizeof(echo_cases[0]));
	tcase_add_loop_test(tc, long_lived_restart_is_agreed, 0,
	    sizeof(llgr_cases) / sizeof(llgr_cases[0]));
	tcase_add_loop_test(tc, extended_messages_in, 0, sizeof(ext_cases) / sizeof(ext_cases[0]));
	tcase_add_test(tc, extended_messages_after_the_open);
	tcase_add_test(tc, closing_connections);
	tcase_add_test(tc, closing_connection_is_not_filled);
	tcase_add_test(tc, ids_wrap);
	tcase_add_test(tc, write_is_asked_for_once);

	tc = unit_case(s, "small");
	tcase_add_test(tc, timer_heap);
	tcase_add_test(tc, verdicts_merge);
	tcase_add_loop_test(tc, error_words, 0, NROWS(word_cases));
	return unit_run(s);
}
