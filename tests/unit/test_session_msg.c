/*
 * Messages that come in: bad headers, what does not belong in a state, streams in any
 * slices, UPDATEs, ROUTE-REFRESH both ways, extended messages.
 * RFC 4271 sections 4.1, 6.1, 6.3 and 6.4, RFC 2918, RFC 6608, RFC 7313, RFC 7606, RFC 8654.
 */
#include "tests/unit/peerrig.h"
#include "tests/unit/unit.h"

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
		send_message(c, type, eor, sizeof(eor));
		break;
	case BGP_KEEPALIVE:
		rig_send_keepalive(&r, c);
		break;
	case BGP_ROUTE_REFRESH:
		send_message(c, type, v4_refresh, sizeof(v4_refresh));
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
	send_message(c, BGP_UPDATE, update_cases[_i].body, update_cases[_i].octets);
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
		send_message(c, BGP_UPDATE, update_cases[1].body, update_cases[1].octets);
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
	send_message(c, BGP_ROUTE_REFRESH, refresh_cases[_i].body, refresh_cases[_i].octets);
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
		send_message(c, BGP_ROUTE_REFRESH, body, 4);
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

int
main(void)
{
	Suite *s = suite_create("session_msg");
	TCase *tc = unit_case(s, "headers and states");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, bad_header, 0, NROWS(header_cases) * NSTATES);
	tcase_add_loop_test(tc, message_in_state, 0, NROWS(misplaced));
	tcase_add_test(tc, second_open_while_parked);
	tcase_add_loop_test(tc, notification_in_state, 0, 2 * NSTATES);

	tc = unit_case(s, "slices");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, split_in_two);
	tcase_add_test(tc, split_at_every_octet);
	tcase_add_test(tc, slice_of_messages);
	tcase_add_test(tc, slice_of_octets);
	tcase_add_test(tc, waiting_messages_extend_hold);
	tcase_add_test(tc, nothing_is_read_after_the_end);
	tcase_add_test(tc, update_ends_its_session);

	tc = unit_case(s, "messages");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, update_verdicts, 0, NROWS(update_cases));
	tcase_add_test(tc, update_log_is_limited);
	tcase_add_loop_test(tc, refresh_in, 0, NROWS(refresh_cases));
	tcase_add_test(tc, enhanced_refresh_in);
	tcase_add_test(tc, refresh_out);

	tc = unit_case(s, "extended messages");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, extended_messages_in, 0, sizeof(ext_cases) / sizeof(ext_cases[0]));
	tcase_add_test(tc, extended_messages_after_the_open);
	return unit_run(s);
}
