/*
 * A peer in virtual time: dialling and damping, which OPENs it accepts, what
 * commands and configuration do, connections beside an Established session,
 * and the reason in words for everything that is not Established.
 * RFC 4271 sections 6.2, 6.8 and 8, RFC 4486, RFC 4724 sections 4.2 and 5,
 * RFC 5492, RFC 6286, RFC 9003.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

static struct rig r;
static uint8_t buf[8192], data[256];

static void
setup(void)
{
	rig_init(&r, 2);
}

static void
teardown(void)
{
	rig_free(&r);
}

static struct session *
out(void)
{
	return &r.p->s[SESSION_OUT];
}

static struct session *
in(void)
{
	return &r.p->s[SESSION_IN];
}

static void
start_passive(void)
{
	r.pconf.passive = true;
	rig_start(&r);
}

/* Our dial, answered, to Established; output is discarded. */
static conn_id
establish_out(void)
{
	struct msg_open o = rig_their_open();
	conn_id c = rig_connect(&r);

	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	rig_output(&r, c, buf, sizeof(buf));
	r.ntodo = 0;
	return c;
}

static uint64_t
idle_us(void)
{
	struct mono_us t = out()->deadline[TIMER_IDLE_HOLD];

	ck_assert(!mono_is_never(t));
	return mono_diff_us(t, r.now);
}

/* ---- dialling ------------------------------------------------------------------------------- */

START_TEST(dials_at_once)
{
	struct todo t;

	rig_start(&r);
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	ck_assert_uint_eq(t.peer, 7);
	ck_assert_uint_ne(t.token, 0);
	ck_assert_int_eq(in()->state, FSM_ACTIVE); /* and listens */
	ck_assert_str_eq(rig_reason(&r), "connecting to 10.0.0.2");
}
END_TEST

START_TEST(passive_never_dials)
{
	start_passive();
	rig_pass_us(&r, 3600000000);
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_ACTIVE);
	ck_assert_str_eq(rig_reason(&r), "waiting for the peer to connect (passive)");
}
END_TEST

/* ConnectRetryTimer, jittered: the old connect is cancelled, a new one asked for. */
START_TEST(no_answer)
{
	struct todo first, second, cancelled;
	struct mono_us began;

	rig_start(&r);
	began = r.now;
	ck_assert(rig_take(&r, TODO_CONNECT, &first));
	rig_pass_us(&r, 1499999);
	ck_assert_uint_eq(r.ntodo, 0);
	rig_pass_us(&r, 500001);
	ck_assert(rig_take(&r, TODO_CANCEL, &cancelled));
	ck_assert_uint_eq(cancelled.token, first.token);
	ck_assert(rig_take(&r, TODO_CONNECT, &second));
	ck_assert_uint_ne(second.token, first.token);
	ck_assert_uint_le(mono_diff_us(r.now, began), 2000000);
	ck_assert_str_eq(rig_reason(&r), "no answer from 10.0.0.2 to our connects; connecting to "
					 "10.0.0.2");
	/* the answer to the first one is no longer wanted */
	peer_conn_failed(r.p, r.now, first.token, ECONNREFUSED, "");
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT);
}
END_TEST

START_TEST(stale_connect_is_not_wanted)
{
	struct ipc_endpoints ep = rig_ep();
	const char *why = NULL;
	struct todo t;

	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	ck_assert_uint_eq(peer_conn_connected(r.p, r.now, t.token + 1, &ep, &why), 0);
	ck_assert_str_eq(why, "that connect is no longer wanted");
	ck_assert_uint_eq(peer_conn_connected(r.p, r.now, 0, &ep, &why), 0);
	ck_assert_uint_ne(peer_conn_connected(r.p, r.now, t.token, &ep, &why), 0);
	ck_assert_uint_eq(peer_conn_connected(r.p, r.now, t.token, &ep, &why), 0);
}
END_TEST

struct connect_case {
	int err;
	const char *said, *reason;
};

static const struct connect_case connect_cases[] = {
	{ ECONNREFUSED, "", "connect refused: nothing listens on 10.0.0.2" },
	{ ETIMEDOUT, NULL, "connect timed out: no answer from 10.0.0.2" },
	{ EHOSTUNREACH, "", "no route to host 10.0.0.2" },
	{ ENETUNREACH, "", "no route to the network of 10.0.0.2" },
	{ EADDRNOTAVAIL, "",
	    "our source address is not on this host, for the connect to 10.0.0.2" },
	{ 9999, "", "connect to 10.0.0.2 failed with error 9999" },
	{ ECONNREFUSED, "the agent's own words", "the agent's own words" },
};

/* A connect that failed is tried again after the ConnectRetryTime, for ever, without backing off. */
START_TEST(connect_fails)
{
	const struct connect_case *c = &connect_cases[_i];
	char want[IPC_TEXT_MAX];
	struct todo t;

	rig_start(&r);
	for (int i = 0; i < 10; i++) {
		ck_assert(rig_take(&r, TODO_CONNECT, &t));
		peer_conn_failed(r.p, r.now, t.token, c->err, c->said);
		ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
		ck_assert_uint_ge(idle_us(), 1500000);
		ck_assert_uint_le(idle_us(), 2000000);
		snprintf(want, sizeof(want), "%s; next attempt in 2 s", c->reason);
		ck_assert_str_eq(rig_reason(&r), want);
		rig_pass_us(&r, idle_us());
		ck_assert_int_eq(peer_state(r.p), FSM_CONNECT);
	}
	ck_assert_uint_eq(r.warnings, 1); /* the same again is no news */
	ck_assert_uint_eq(r.p->errors, 0);
}
END_TEST

START_TEST(own_connect_retry)
{
	struct todo t;

	r.pconf.connect_retry_ms = 10000;
	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	peer_conn_failed(r.p, r.now, t.token, ECONNREFUSED, "");
	ck_assert_uint_ge(idle_us(), 7500000);
	ck_assert_uint_le(idle_us(), 10000000);
}
END_TEST

/* Errors: 1, 2, 4, 8, 16, 30, 30 s, jittered to 75 to 100 %. */
START_TEST(damping)
{
	static const unsigned s[] = { 1, 2, 4, 8, 16, 30, 30 };

	rig_start(&r);
	for (int i = 0; i < NROWS(s); i++) {
		conn_id c = rig_connect(&r);

		rig_send_notification(&r, c, ERR_OPEN, OPEN_BAD_PEER_AS, NULL, 0);
		ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
		ck_assert_msg(idle_us() >= s[i] * 750000ul && idle_us() <= s[i] * 1000000ul,
		    "%d: %u", i, (unsigned)idle_us());
		rig_pass_us(&r, idle_us());
	}
}
END_TEST

/* A session that lasted clears the record, one that did not does not. */
START_TEST(damping_forgets)
{
	rig_start(&r);
	for (int i = 0; i < 3; i++) {
		rig_send_notification(&r, rig_connect(&r), 6, 8, NULL, 0);
		rig_pass_us(&r, idle_us());
	}
	ck_assert_uint_eq(r.p->errors, 3);
	rig_send_notification(&r, establish_out(), 6, 8, NULL, 0);
	ck_assert_uint_eq(r.p->errors, 4);
	rig_pass_us(&r, idle_us());
	{
		conn_id c = establish_out();

		for (int i = 0; i < 29; i++) {
			rig_pass_us(&r, 1000000);
			rig_send_keepalive(&r, c);
			rig_output(&r, c, buf, sizeof(buf));
		}
		rig_pass_us(&r, 1000000);
		rig_send_notification(&r, c, 6, 8, NULL, 0);
	}
	ck_assert_uint_eq(r.p->errors, 1);
	ck_assert_uint_le(idle_us(), 1000000);
}
END_TEST

/* Damped or not: what the peer dials is taken at once. */
START_TEST(peer_is_welcome_while_we_wait)
{
	struct todo t;

	rig_start(&r);
	for (int i = 0; i < 6; i++) {
		rig_send_notification(&r, rig_connect(&r), 2, 2, NULL, 0);
		if (i < 5)
			rig_pass_us(&r, idle_us());
	}
	ck_assert_uint_gt(idle_us(), 20000000);
	rig_establish(&r);
	ck_assert(mono_is_never(out()->deadline[TIMER_IDLE_HOLD]));
	rig_pass_us(&r, 8000000);
	ck_assert(!rig_take(&r, TODO_CONNECT, &t));
}
END_TEST

/* An incoming session stops our dial; its end starts it again. */
START_TEST(one_session_is_enough)
{
	struct todo first, t;
	conn_id c;

	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &first));
	c = rig_establish(&r);
	ck_assert_int_eq(out()->state, FSM_IDLE);
	ck_assert_uint_eq(out()->token, 0);
	peer_conn_closed(&r.env, r.now, c, 0);
	ck_assert_uint_le(idle_us(), 1000000);
	rig_pass_us(&r, idle_us());
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
}
END_TEST

START_TEST(dial_is_cancelled_when_the_peer_was_faster)
{
	struct msg_open o = rig_their_open();
	struct todo first, t;
	conn_id c;

	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &first));
	c = rig_accept(&r);
	ck_assert(!rig_take(&r, TODO_CANCEL, &t)); /* it may still fail */
	rig_send_open(&r, c, &o);
	ck_assert(rig_take(&r, TODO_CANCEL, &t));
	ck_assert_uint_eq(t.token, first.token);
}
END_TEST

/* The peer closed our connection at once: RFC 4271 section 8.2.2, OpenSent, event 18. */
START_TEST(closed_in_opensent)
{
	conn_id c;
	struct todo t;

	rig_start(&r);
	c = rig_connect(&r);
	peer_conn_closed(&r.env, r.now, c, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_ACTIVE);
	ck_assert_str_eq(rig_reason(&r), "the peer closed the connection before its OPEN: it may not "
					 "expect one from 10.0.0.1; about to connect again");
	ck_assert(!rig_take(&r, TODO_CLOSE, &t)); /* the shell knows */
	rig_pass_us(&r, 2000000);
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
}
END_TEST

/* ---- what is offered and agreed -------------------------------------------------- */

#define MARKER                                                                                     \
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  \
	    0xff

static conn_id
passive_accept(void)
{
	start_passive();
	return rig_accept(&r);
}

START_TEST(our_open_says_what_we_are)
{
	struct bgp_err e = { 0 };
	struct msg_open o;
	conn_id c;
	size_t n;

	r.conf.asn = 4200000001;
	r.gr = (struct cap_gr){ .present = true, .restarting = true, .time_s = 120, .families = 3,
		.forwarding = 3 };
	r.pconf.families = AF_BIT(IP6);
	r.pconf.hold_s = 30;
	c = passive_accept();
	n = rig_output(&r, c, buf, sizeof(buf));
	msg_decode_open(buf + 19, n - 19, &o, &e);
	ck_assert_int_eq(e.act, ACT_NONE);
	ck_assert_uint_eq(o.asn2, BGP_AS_TRANS);
	ck_assert_uint_eq(o.asn, 4200000001);
	ck_assert_uint_eq(o.hold_s, 30);
	ck_assert_uint_eq(o.id, 0x0a000001);
	ck_assert_uint_eq(o.caps.families, AF_BIT(IP6));
	ck_assert(o.caps.refresh && o.caps.as4 && o.caps.gr.present && o.caps.gr.restarting);
	ck_assert(!o.caps.enhanced_refresh && !o.caps.ext_msg);
	ck_assert_uint_eq(o.caps.gr.families, AF_BIT(IP6)); /* what we do not speak is not kept */
	ck_assert_uint_eq(o.caps.gr.forwarding, AF_BIT(IP6));
}
END_TEST

START_TEST(own_as_per_peer_and_no_graceful_restart)
{
	struct bgp_err e = { 0 };
	struct msg_open o;
	conn_id c;
	size_t n;

	r.pconf.local_asn = 64999;
	r.pconf.gr_enabled = false;
	r.gr = (struct cap_gr){ .present = true, .families = 3 };
	c = passive_accept();
	n = rig_output(&r, c, buf, sizeof(buf));
	msg_decode_open(buf + 19, n - 19, &o, &e);
	ck_assert_uint_eq(o.asn, 64999);
	ck_assert_uint_eq(o.asn2, 64999);
	ck_assert(!o.caps.gr.present);
}
END_TEST

START_TEST(capabilities_are_negotiated)
{
	struct msg_open o = rig_their_open();
	conn_id c;

	r.gr = (struct cap_gr){ .present = true, .time_s = 120, .families = 3 };
	c = passive_accept();
	o.caps.families = AF_BIT(IP6);
	o.caps.gr = (struct cap_gr){ .present = true, .restarting = true, .notification = true,
		.time_s = 77, .families = 3, .forwarding = 3 };
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	ck_assert(r.p->neg.ebgp && r.p->neg.as4 && r.p->neg.refresh && r.p->neg.gr);
	ck_assert(r.p->neg.gr_restarting && !r.p->neg.gr_notification); /* N needs both sides */
	ck_assert_uint_eq(r.p->neg.families, AF_BIT(IP6));
	ck_assert_uint_eq(r.p->neg.gr_families, AF_BIT(IP6));
	ck_assert_uint_eq(r.p->neg.gr_forwarding, AF_BIT(IP6));
	ck_assert_uint_eq(r.p->neg.gr_time_s, 77);
	ck_assert_uint_eq(r.p->neg.remote_asn, 65002);
	ck_assert_uint_eq(r.p->neg.remote_id, 0x0a000002);
	ck_assert_uint_eq(r.p->neg.local_asn, 65001);
	ck_assert(r.p->ctx.as4 && r.p->ctx.ebgp);
	ck_assert_uint_eq(r.p->ctx.families, AF_BIT(IP6));
	ck_assert_uint_eq(r.p->ctx.max_octets, 4096);
	ck_assert_ptr_eq(r.p->ctx.ep, &r.p->ep);
}
END_TEST

/* A speaker of before the capabilities: RFC 5492, RFC 4760 section 8, RFC 6793. */
START_TEST(a_peer_without_capabilities)
{
	struct msg_open o = { .asn = 65002, .hold_s = 9, .id = 0x0a000002 };
	conn_id c = passive_accept();

	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert(!r.p->neg.as4 && !r.p->neg.refresh && !r.p->neg.gr);
	ck_assert_uint_eq(r.p->neg.families, AF_BIT(IP4));
	ck_assert(!peer_send_refresh(r.p, r.now, IP4, REFRESH_REQUEST));
}
END_TEST

/* A family that the session does not use. */
START_TEST(refresh_of_a_family_not_in_use)
{
	static const uint8_t v4[] = { MARKER, 0, 23, 5, 0, 1, 0, 1 };
	struct msg_open o = rig_their_open();
	conn_id c = passive_accept();

	o.caps.families = AF_BIT(IP6);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	rig_input(&r, c, v4, sizeof(v4));
	ck_assert_uint_eq(r.refreshes, 0);
	ck_assert(!peer_send_refresh(r.p, r.now, IP4, REFRESH_REQUEST));
}
END_TEST

/* ---- OPENs ---------------------------------------------------------------------------------------- */

struct open_case {
	const char *name;
	uint8_t mode;
	uint32_t conf_asn, their_asn, their_id;
	uint8_t our_families, their_families; /* 0: no capability */
	uint8_t sub;			      /* 0: accepted */
	const char *why;
};

static const struct open_case open_cases[] = {
	{ "as expected", IPC_ASN_NUMBER, 65002, 65002, 2, 3, 3, 0, NULL },
	{ "another AS: 4271 s6.2", IPC_ASN_NUMBER, 65100, 65000, 2, 3, 3, OPEN_BAD_PEER_AS,
	    "we expect AS 65100, its OPEN says 65000" },
	{ "wide AS", IPC_ASN_NUMBER, 4200000001, 4200000001, 2, 3, 3, 0, NULL },
	{ "internal", IPC_ASN_INTERNAL, 0, 65001, 2, 3, 3, 0, NULL },
	{ "internal, other AS", IPC_ASN_INTERNAL, 0, 65002, 2, 3, 3, OPEN_BAD_PEER_AS,
	    "we expect an internal peer (AS 65001), its OPEN says AS 65002" },
	{ "external", IPC_ASN_EXTERNAL, 0, 65009, 2, 3, 3, 0, NULL },
	{ "external, own AS", IPC_ASN_EXTERNAL, 0, 65001, 2, 3, 3, OPEN_BAD_PEER_AS,
	    "we expect an external peer, its OPEN says our own AS 65001" },
	{ "internal, own identifier: 6286 s2.2", IPC_ASN_INTERNAL, 0, 65001, 0x0a000001, 3, 3,
	    OPEN_BAD_ID, "its BGP identifier 10.0.0.1 is our own" },
	{ "external, own identifier: 6286 s2.2", IPC_ASN_NUMBER, 65002, 65002, 0x0a000001, 3, 3, 0,
	    NULL },
	{ "no family in common: 5492 s5", IPC_ASN_NUMBER, 65002, 65002, 2, 2, 1,
	    OPEN_BAD_CAPABILITY, "no address family in common: we want ipv6-unicast" },
	{ "no multiprotocol, IPv6 wanted", IPC_ASN_NUMBER, 65002, 65002, 2, 2, 0,
	    OPEN_BAD_CAPABILITY, "no address family in common: we want ipv6-unicast" },
	{ "one family in common", IPC_ASN_NUMBER, 65002, 65002, 2, 3, 2, 0, NULL },
	{ "no multiprotocol, IPv4 wanted", IPC_ASN_NUMBER, 65002, 65002, 2, 3, 0, 0, NULL },
};

START_TEST(open_judged)
{
	const struct open_case *c = &open_cases[_i];
	struct msg_open o = { .asn = c->their_asn, .hold_s = 9, .id = c->their_id,
		.caps = { .as4 = true, .asn = c->their_asn } };
	struct msg_notification n;
	conn_id id;

	r.pconf.asn_mode = c->mode;
	r.pconf.asn = c->conf_asn;
	r.pconf.families = c->our_families;
	if (c->their_families) {
		o.caps.mp = true;
		o.caps.families = c->their_families;
	}
	start_passive();
	id = rig_accept(&r);
	rig_send_open(&r, id, &o);
	if (c->sub == 0) {
		ck_assert_msg(peer_state(r.p) == FSM_OPENCONFIRM, "%s", c->name);
		rig_send_keepalive(&r, id);
		ck_assert_uint_eq(r.p->neg.ebgp, c->their_asn != 65001);
		ck_assert_uint_eq(r.p->neg.families,
		    c->our_families & (c->their_families ? c->their_families : 1));
		return;
	}
	ck_assert_msg(peer_state(r.p) == FSM_ACTIVE, "%s", c->name);
	n = rig_notification(&r, id, data);
	ck_assert_msg(n.code == ERR_OPEN && n.sub == c->sub, "%s: %u/%u", c->name, n.code, n.sub);
	ck_assert_str_eq(r.p->last_error, c->why);
	if (c->sub == OPEN_BAD_CAPABILITY) { /* what we miss: RFC 5492 section 5 */
		ck_assert_uint_eq(n.data_octets, 6);
		ck_assert_mem_eq(n.data, "\1\4\0\2\0\1", 6);
	} else {
		ck_assert_uint_eq(n.data_octets, 0);
	}
}
END_TEST

START_TEST(both_families_missing)
{
	struct msg_open o = rig_their_open();
	struct msg_notification n;
	conn_id c;

	start_passive();
	c = rig_accept(&r);
	o.caps.families = 0;
	rig_send_open(&r, c, &o); /* mp without any instance reads as none: IPv4 */
	ck_assert_int_eq(peer_state(r.p), FSM_OPENCONFIRM);
	c = rig_accept(&r);
	{
		/* Multiprotocol for a family nobody knows, alone. */
		static const uint8_t open[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 37, 1, 4, 0xfd, 0xea,
			0, 9, 10, 0, 0, 2, 8, 2, 6, 1, 4, 0, 25, 0, 70 };

		rig_input(&r, c, open, sizeof(open));
	}
	n = rig_notification(&r, c, data);
	ck_assert(n.code == ERR_OPEN && n.sub == OPEN_BAD_CAPABILITY);
	ck_assert_uint_eq(n.data_octets, 12);
	ck_assert_str_eq(r.p->last_error,
	    "no address family in common: we want ipv4-unicast or ipv6-unicast");
}
END_TEST

/* Unsupported Optional Parameter: once more without any, at once. RFC 5492 section 3. */
START_TEST(retry_without_parameters)
{
	struct msg_open o = { .asn = 65002, .hold_s = 9, .id = 2 };
	struct bgp_err e = { 0 };
	struct msg_open ours;
	struct todo t;
	conn_id c;
	size_t n;

	rig_start(&r);
	rig_send_notification(&r, rig_connect(&r), ERR_OPEN, OPEN_BAD_PARAMETER, NULL, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT); /* no waiting */
	ck_assert_uint_eq(r.p->errors, 0);
	c = rig_connect(&r);
	n = rig_output(&r, c, buf, sizeof(buf));
	ck_assert_uint_eq(n, 29);
	msg_decode_open(buf + 19, n - 19, &ours, &e);
	ck_assert(!ours.caps.any);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert(!r.p->neg.as4 && !r.p->neg.refresh);
	ck_assert_uint_eq(r.p->neg.families, AF_BIT(IP4));
	/* the next session offers them again */
	rig_send_notification(&r, c, 6, 4, NULL, 0);
	rig_pass_us(&r, idle_us());
	c = rig_connect(&r);
	ck_assert_uint_gt(rig_output(&r, c, buf, sizeof(buf)), 29);
	ck_assert(!rig_take(&r, TODO_CONNECT, &t));
}
END_TEST

/* Refused in that form, too: back to the usual one, damped. */
START_TEST(retry_without_parameters_is_refused)
{
	conn_id c;

	rig_start(&r);
	rig_send_notification(&r, rig_connect(&r), ERR_OPEN, OPEN_BAD_PARAMETER, NULL, 0);
	rig_send_notification(&r, rig_connect(&r), ERR_OPEN, OPEN_BAD_PARAMETER, NULL, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
	ck_assert_uint_eq(r.p->errors, 1);
	rig_pass_us(&r, idle_us());
	c = rig_connect(&r);
	ck_assert_uint_gt(rig_output(&r, c, buf, sizeof(buf)), 29);
}
END_TEST

/* Without IPv4 a session without capabilities is of no use. */
START_TEST(no_retry_without_parameters_for_ipv6)
{
	r.pconf.families = AF_BIT(IP6);
	rig_start(&r);
	rig_send_notification(&r, rig_connect(&r), ERR_OPEN, OPEN_BAD_PARAMETER, NULL, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
	ck_assert(!r.p->no_params);
}
END_TEST

/* ---- reasons -------------------------------------------------------------------------------------- */

struct notif_case {
	uint8_t code, sub;
	const uint8_t *data;
	size_t octets;
	const char *why;
};

static const struct notif_case notif_cases[] = {
	{ 2, 1, HEX(0, 4), "peer says OPEN Message Error, Unsupported Version Number (2/1): it does "
			   "not speak BGP-4" },
	{ 2, 2, HEX(0), "peer says OPEN Message Error, Bad Peer AS (2/2): it does not expect AS 65001 "
			"here" },
	{ 2, 3, HEX(0), "peer says OPEN Message Error, Bad BGP Identifier (2/3): it does not accept "
			"our BGP identifier 10.0.0.1" },
	{ 2, 6, HEX(0), "peer says OPEN Message Error, Unacceptable Hold Time (2/6): it does not "
			"accept our hold time of 9 s" },
	{ 2, 7, HEX(0), "peer says OPEN Message Error, Unsupported Capability (2/7): it wants a "
			"capability that we do not offer" },
	{ 2, 7, HEX(69, 4, 0, 1, 1, 3, 200, 0), "peer says OPEN Message Error, Unsupported Capability "
						"(2/7): it wants a capability that we do not offer: "
						"add-path (69), unknown (200)" },
	{ 3, 5, HEX(0), "peer says UPDATE Message Error, Attribute Length Error (3/5)" },
	{ 4, 0, HEX(0), "peer says Hold Timer Expired (4/0): it heard nothing from us in time" },
	{ 6, 1, HEX(0), "peer says Cease, Maximum Number of Prefixes Reached (6/1): we announce more "
			"prefixes than it allows" },
	{ 6, 2, HEX(0), "peer says Cease, Administrative Shutdown (6/2)" },
	{ 6, 2, HEX(5, 'l', 'u', 'n', 'c', 'h'),
	    "peer says Cease, Administrative Shutdown (6/2): \"lunch\"" },
	{ 6, 3, HEX(0), "peer says Cease, Peer De-configured (6/3): it has no configuration for us "
			"any more" },
	{ 6, 4, HEX(3, 'n', 'e', 'w'), "peer says Cease, Administrative Reset (6/4): \"new\"" },
	{ 6, 5, HEX(0), "peer says Cease, Connection Rejected (6/5): it does not take a connection "
			"from us now" },
	{ 6, 6, HEX(0), "peer says Cease, Other Configuration Change (6/6)" },
	{ 8, 0, HEX(0), "peer says Send Hold Timer Expired (8/0): we did not read what it sent in "
			"time" },
};

START_TEST(notification_in_words)
{
	const struct notif_case *c = &notif_cases[_i];
	char want[IPC_TEXT_MAX + 64];
	struct ipc_row_peer row;
	conn_id id;

	rig_start(&r);
	id = establish_out();
	rig_send_notification(&r, id, c->code, c->sub, c->data, c->octets);
	ck_assert_str_eq(r.down_why, c->why);
	ck_assert_int_eq(r.down_how, PEER_DOWN_FLUSH);
	snprintf(want, sizeof(want), "%s; next attempt in 1 s", c->why);
	ck_assert_str_eq(rig_reason(&r), want);
	memset(&row, 0, sizeof(row));
	rig_pass_us(&r, 500000);
	peer_fill_row(r.p, r.now, &row);
	ck_assert_str_eq(row.last_error, c->why);
	ck_assert_uint_eq(row.last_error_age_us, 500000);
}
END_TEST

struct closed_case {
	int err;
	const char *why;
};

static const struct closed_case closed_cases[] = {
	{ 0, "the peer closed the connection" },
	{ ECONNRESET, "connection lost: reset by the peer" },
	{ ETIMEDOUT, "connection lost: the peer's host does not answer" },
	{ EHOSTUNREACH, "connection lost: no route to host" },
	{ 9999, "connection lost: error 9999" },
};

START_TEST(closed_in_words)
{
	rig_start(&r);
	peer_conn_closed(&r.env, r.now, establish_out(), closed_cases[_i].err);
	ck_assert_str_eq(r.down_why, closed_cases[_i].why);
	ck_assert_int_eq(r.down_how, PEER_DOWN_FLUSH); /* no graceful restart agreed */
}
END_TEST

START_TEST(states_in_words)
{
	struct msg_open o = rig_their_open();
	conn_id c;

	rig_start(&r);
	c = rig_connect(&r);
	ck_assert_str_eq(rig_reason(&r), "connected, waiting for its OPEN");
	rig_send_open(&r, c, &o);
	ck_assert_str_eq(rig_reason(&r), "OPENs agree, waiting for its first KEEPALIVE");
	peer_conn_closed(&r.env, r.now, c, 0);
	ck_assert_str_eq(rig_reason(&r),
	    "the peer closed the connection after its OPEN; next attempt in 1 s");
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	ck_assert_str_eq(rig_reason(&r), "");
}
END_TEST

/* ---- graceful restart: RFC 4724 ------------------------------------------------------------------------ */

static void
with_gr(struct msg_open *o)
{
	r.gr = (struct cap_gr){ .present = true, .time_s = 120, .families = 3 };
	*o = rig_their_open();
	o->caps.gr = (struct cap_gr){ .present = true, .time_s = 90, .families = AF_BIT(IP4),
		.forwarding = AF_BIT(IP4) };
}

static conn_id
establish_gr(void)
{
	struct msg_open o;
	conn_id c;

	with_gr(&o);
	start_passive();
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	rig_output(&r, c, buf, sizeof(buf));
	r.ntodo = 0;
	return c;
}

START_TEST(tcp_loss_keeps_routes)
{
	conn_id c = establish_gr();

	peer_conn_closed(&r.env, r.now, c, _i ? ECONNRESET : 0);
	ck_assert_int_eq(r.down_how, PEER_DOWN_KEEP);
	ck_assert_uint_eq(r.p->neg.gr_families, AF_BIT(IP4));
}
END_TEST

/* RFC 4724 section 4.2 knows TCP's end only; RFC 4271's errors remove routes. */
START_TEST(errors_do_not_keep_routes)
{
	static const uint8_t bad[] = { 0 };
	conn_id c = establish_gr();

	if (_i == 0)
		rig_send_notification(&r, c, 6, 4, NULL, 0);
	else if (_i == 1)
		rig_pass_us(&r, 9000000);
	else
		rig_input(&r, c, bad, 1);
	ck_assert_uint_eq(r.downs, 1);
	ck_assert_int_eq(r.down_how, PEER_DOWN_FLUSH);
}
END_TEST

/* The capability without any family: nothing is kept. */
START_TEST(restart_capability_without_families)
{
	struct msg_open o;
	conn_id c;

	with_gr(&o);
	o.caps.gr.families = o.caps.gr.forwarding = 0;
	start_passive();
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	ck_assert(r.p->neg.gr);
	peer_conn_closed(&r.env, r.now, c, 0);
	ck_assert_int_eq(r.down_how, PEER_DOWN_FLUSH);
}
END_TEST

/* A new connection while the old one seems fine: the peer has restarted. RFC 4724 section 5. */
START_TEST(peer_restarted_unnoticed)
{
	conn_id old = establish_gr(), c;
	struct msg_open o;
	struct todo t;

	with_gr(&o);
	rig_pass_us(&r, 5000000);
	r.ntodo = 0;
	c = rig_accept(&r);
	ck_assert_uint_ne(c, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED); /* until its OPEN is there */
	rig_send_open(&r, c, &o);
	ck_assert_uint_eq(r.downs, 1);
	ck_assert_int_eq(r.down_how, PEER_DOWN_KEEP);
	ck_assert(rig_take(&r, TODO_ABORT, &t)); /* no NOTIFICATION on the old one */
	ck_assert_uint_eq(t.conn, old);
	ck_assert_uint_eq(rig_output(&r, old, buf, sizeof(buf)), 0);
	rig_send_keepalive(&r, c);
	ck_assert_uint_eq(r.ups, 2);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert_uint_eq(peer_env_conns(&r.env), 1);
}
END_TEST

/* A wrong OPEN does not harm the session that stands. */
START_TEST(wrong_open_beside_a_session)
{
	conn_id old = establish_gr(), c;
	struct msg_open o;

	with_gr(&o);
	o.caps.asn = 65003;
	rig_pass_us(&r, 5000000);
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	ck_assert_uint_eq(rig_notification(&r, c, data).sub, OPEN_BAD_PEER_AS);
	ck_assert_uint_eq(r.downs, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert_str_eq(rig_reason(&r), "");
	ck_assert_ptr_eq(peer_conn_owner(&r.env, old), r.p);
}
END_TEST

/* Without graceful restart: the old one is asked whether it lives, the new one waits a second. */
START_TEST(new_connection_without_graceful_restart)
{
	struct msg_open o = rig_their_open();
	conn_id old, c;

	start_passive();
	old = rig_establish(&r);
	rig_pass_us(&r, 1500000);
	r.ntodo = 0;
	c = rig_accept(&r);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c); /* early: it counts when the OPEN does */
	ck_assert_uint_eq(rig_output(&r, old, buf, sizeof(buf)), 19); /* a KEEPALIVE */
	ck_assert_uint_eq(r.downs, 0);
	if (_i == 0) { /* the old one is alive: the new one is refused */
		rig_pass_us(&r, 999999);
		ck_assert_uint_eq(peer_env_conns(&r.env), 2);
		rig_pass_us(&r, 1);
		ck_assert_uint_eq(rig_notification(&r, c, data).sub, CEASE_COLLISION);
		ck_assert_ptr_eq(peer_conn_owner(&r.env, old), r.p);
		ck_assert_uint_eq(r.downs, 0);
	} else { /* it answers with a reset */
		peer_conn_closed(&r.env, r.now, old, ECONNRESET);
		ck_assert_uint_eq(r.downs, 1);
		ck_assert_uint_eq(r.ups, 2);
		ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
		ck_assert_ptr_eq(peer_conn_owner(&r.env, c), r.p);
	}
}
END_TEST

/* A third connection replaces the second while one is Established; none is refused for long. */
START_TEST(a_third_connection)
{
	conn_id old, second, third;

	start_passive();
	old = rig_establish(&r);
	second = rig_accept(&r);
	ck_assert_uint_ne(second, 0);
	third = rig_accept(&r);
	ck_assert_uint_ne(third, 0);
	ck_assert_ptr_null(peer_conn_owner(&r.env, second));
	ck_assert_uint_eq(rig_notification(&r, second, data).sub, CEASE_COLLISION);
	ck_assert_ptr_eq(peer_conn_owner(&r.env, third), r.p);
	ck_assert_ptr_eq(peer_conn_owner(&r.env, old), r.p);
	ck_assert_uint_eq(r.downs, 0);
}
END_TEST

/* The peer dialled again before its first connection said anything. */
START_TEST(a_newer_connection_replaces_an_older)
{
	conn_id first, second;

	start_passive();
	first = rig_accept(&r);
	second = rig_accept(&r);
	ck_assert_ptr_null(peer_conn_owner(&r.env, first));
	ck_assert_ptr_eq(peer_conn_owner(&r.env, second), r.p);
	ck_assert_uint_eq(rig_notification(&r, first, data).sub, CEASE_COLLISION);
	ck_assert_int_eq(peer_state(r.p), FSM_OPENSENT);
	ck_assert_uint_ne(first, second);
}
END_TEST

/* ---- commands, limits, configuration --------------------------------------------------------------------- */

START_TEST(admin_reset)
{
	struct msg_notification n;
	char text[64];
	struct todo t;
	conn_id c;

	rig_start(&r);
	c = establish_out();
	peer_admin_reset(r.p, r.now, "again");
	n = rig_notification(&r, c, data);
	ck_assert(n.code == ERR_CEASE && n.sub == CEASE_ADMIN_RESET);
	ck_assert_str_eq(msg_shutdown_text(&n, text, sizeof(text)), "again");
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT); /* at once */
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	ck_assert_str_eq(r.down_why, "reset by command");
	ck_assert_uint_eq(r.p->errors, 0);
}
END_TEST

/* A reset also ends waiting. */
START_TEST(admin_reset_while_damped)
{
	rig_start(&r);
	for (int i = 0; i < 4; i++) {
		rig_send_notification(&r, rig_connect(&r), 2, 2, NULL, 0);
		if (i < 3)
			rig_pass_us(&r, idle_us());
	}
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
	peer_admin_reset(r.p, r.now, NULL);
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT);
}
END_TEST

START_TEST(admin_down_and_up)
{
	struct ipc_endpoints ep = rig_ep();
	struct msg_notification n;
	const char *why;
	struct todo t;
	conn_id c;

	rig_start(&r);
	c = establish_out();
	peer_admin_down(r.p, r.now, _i ? "maintenance" : "");
	n = rig_notification(&r, c, data);
	ck_assert(n.code == ERR_CEASE && n.sub == CEASE_ADMIN_SHUTDOWN);
	ck_assert_uint_eq(n.data_octets, _i ? 12 : 0);
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
	ck_assert_str_eq(rig_reason(&r),
	    _i ? "administratively down: maintenance" : "administratively down: by command");
	r.ntodo = 0;
	rig_pass_us(&r, 3600000000);
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_uint_eq(peer_conn_accepted(r.p, r.now, &ep, &why), 0);
	ck_assert_str_eq(why, "administratively down");
	peer_admin_up(r.p, r.now);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	ck_assert_str_eq(rig_reason(&r), "connecting to 10.0.0.2");
}
END_TEST

/* Down while only a dial is under way. */
START_TEST(admin_down_cancels_the_dial)
{
	struct todo t, c;

	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	peer_admin_down(r.p, r.now, "");
	ck_assert(rig_take(&r, TODO_CANCEL, &c));
	ck_assert_uint_eq(c.token, t.token);
	ck_assert_uint_eq(r.ntodo, 0);
}
END_TEST

START_TEST(held_down_for_a_limit)
{
	static const uint8_t limit[] = { 0, 1, 1, 0, 0, 0, 100 };
	struct ipc_endpoints ep = rig_ep();
	struct msg_notification n;
	const char *why;
	struct todo t;
	conn_id c;

	rig_start(&r);
	c = establish_out();
	peer_end(r.p, r.now, ERR_CEASE, CEASE_MAX_PREFIXES, limit, sizeof(limit),
	    "more than 100 ipv4 prefixes", _i ? UINT64_MAX : 60000000);
	n = rig_notification(&r, c, data);
	ck_assert(n.code == ERR_CEASE && n.sub == CEASE_MAX_PREFIXES);
	ck_assert_mem_eq(n.data, limit, sizeof(limit));
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
	ck_assert_uint_eq(peer_conn_accepted(r.p, r.now, &ep, &why), 0);
	ck_assert_str_eq(why, "held down after an error");
	ck_assert_str_eq(rig_reason(&r),
	    _i ? "more than 100 ipv4 prefixes; stays down until it is enabled again"
	       : "more than 100 ipv4 prefixes; next attempt in 60 s");
	r.ntodo = 0;
	rig_pass_us(&r, 59999999);
	ck_assert_uint_eq(r.ntodo, 0);
	rig_pass_us(&r, 1);
	ck_assert_uint_eq(rig_take(&r, TODO_CONNECT, &t), _i == 0);
	if (_i) {
		peer_admin_up(r.p, r.now);
		ck_assert(rig_take(&r, TODO_CONNECT, &t));
	}
}
END_TEST

/* Ended without a hold: the usual damping. */
START_TEST(ended_by_the_rib)
{
	rig_start(&r);
	establish_out();
	peer_end(r.p, r.now, ERR_CEASE, CEASE_RESOURCES, NULL, 0, "no memory", 0);
	ck_assert_uint_le(idle_us(), 1000000);
	ck_assert_str_eq(rig_reason(&r), "no memory; next attempt in 1 s");
}
END_TEST

START_TEST(shutdown)
{
	struct ipc_endpoints ep = rig_ep();
	struct msg_notification n;
	const char *why;
	struct todo t;
	conn_id c;

	rig_start(&r);
	c = establish_out();
	peer_shutdown(r.p, r.now, _i ? IPC_SHUT_STOP : IPC_SHUT_RESTART, "upgrade");
	ck_assert_uint_eq(r.downs, 1);
	if (_i) {
		ck_assert(rig_take(&r, TODO_CLOSE, &t));
		n = rig_notification(&r, c, data);
		ck_assert(n.code == ERR_CEASE && n.sub == CEASE_ADMIN_SHUTDOWN && n.data_octets == 8);
	} else { /* the peer keeps our routes: RFC 4724 */
		ck_assert(rig_take(&r, TODO_ABORT, &t));
		ck_assert_uint_eq(rig_output(&r, c, buf, sizeof(buf)), 0);
	}
	ck_assert_uint_eq(peer_env_conns(&r.env), 0);
	r.ntodo = 0;
	rig_pass_us(&r, 60000000);
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_uint_eq(peer_conn_accepted(r.p, r.now, &ep, &why), 0);
	ck_assert_str_eq(why, "shut down");
	ck_assert_str_eq(rig_reason(&r), "shut down");
}
END_TEST

/* Which settings need a new session: RFC 4486, Other Configuration Change. */
static void
change(struct ipc_conf_peer *c, int i)
{
	switch (i) {
	case 0: ck_assert(ip_addr_parse("10.0.0.3", &c->addr)); break;
	case 1: c->asn_mode = IPC_ASN_EXTERNAL; break;
	case 2: c->asn = 65003; break;
	case 3: c->local_asn = 64999; break;
	case 4: c->families = AF_BIT(IP4); break;
	case 5: c->hold_s = 30; break;
	case 6: c->keepalive_s = 2; break;
	case 7: c->gr_enabled = false; break;
	/* these do not */
	case 8: c->connect_retry_ms = 500; break;
	case 9: c->maxpfx[0].limit = 5; break;
	case 10: c->import_all = true; break;
	case 11: c->passive = true; break;
	case 12: c->rr_client = true; break;
	default: ck_abort();
	}
}

START_TEST(configuration_changes)
{
	struct ipc_conf_peer conf = r.pconf;
	conn_id c;
	bool reset;

	rig_start(&r);
	c = establish_out();
	change(&conf, _i);
	reset = peer_configure(r.p, r.now, &conf);
	ck_assert_uint_eq(reset, _i < 8);
	ck_assert_uint_eq(r.downs, _i < 8);
	ck_assert_mem_eq(&r.p->conf, &conf, sizeof(conf));
	if (_i < 8) {
		ck_assert_uint_eq(rig_notification(&r, c, data).sub, CEASE_OTHER_CHANGE);
		ck_assert_int_eq(peer_state(r.p), FSM_CONNECT);
		ck_assert_str_eq(r.down_why, "its configuration has changed");
	}
}
END_TEST

START_TEST(configuration_without_a_session)
{
	struct ipc_conf_peer conf = r.pconf;
	struct todo t;

	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	peer_conn_failed(r.p, r.now, t.token, ECONNREFUSED, "");
	conf.hold_s = 30;
	ck_assert(!peer_configure(r.p, r.now, &conf)); /* nothing was reset */
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT); /* tried with the new settings at once */
	conf.passive = true;
	ck_assert(!peer_configure(r.p, r.now, &conf));
	ck_assert_int_eq(peer_state(r.p), FSM_ACTIVE);
	ck_assert(rig_take(&r, TODO_CANCEL, &t));
	conf.passive = false;
	ck_assert(!peer_configure(r.p, r.now, &conf));
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT);
}
END_TEST

START_TEST(disabled_by_configuration)
{
	struct ipc_conf_peer conf = r.pconf;
	conn_id c;

	rig_start(&r);
	c = establish_out();
	conf.enabled = false;
	ck_assert(peer_configure(r.p, r.now, &conf));
	ck_assert_uint_eq(rig_notification(&r, c, data).sub, CEASE_ADMIN_SHUTDOWN);
	ck_assert_str_eq(rig_reason(&r), "disabled by the configuration");
	ck_assert(!peer_configure(r.p, r.now, &conf));
	ck_assert_uint_eq(rig_accept(&r), 0);
	conf.enabled = true;
	ck_assert(!peer_configure(r.p, r.now, &conf));
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT);
}
END_TEST

START_TEST(starts_disabled)
{
	r.pconf.enabled = false;
	rig_start(&r);
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
}
END_TEST

START_TEST(speaker_changed)
{
	conn_id c;

	rig_start(&r);
	c = establish_out();
	r.conf.router_id = 99;
	peer_speaker_changed(r.p, r.now);
	ck_assert_uint_eq(rig_notification(&r, c, data).sub, CEASE_OTHER_CHANGE);
	c = rig_connect(&r);
	rig_output(&r, c, buf, sizeof(buf));
	ck_assert_mem_eq(buf + 24, "\0\0\0\143", 4);
}
END_TEST

START_TEST(removed)
{
	struct todo t;
	conn_id c;

	rig_start(&r);
	c = establish_out();
	peer_remove(r.p, r.now);
	r.p = NULL;
	ck_assert_uint_eq(r.downs, 1);
	ck_assert(rig_take(&r, TODO_CLOSE, &t));
	ck_assert_uint_eq(rig_notification(&r, c, data).sub, CEASE_DECONFIGURED);
	ck_assert_uint_eq(peer_env_conns(&r.env), 0);
}
END_TEST

/* Freed in every state without a word. */
START_TEST(freed)
{
	rig_start(&r);
	if (_i == 1)
		rig_accept(&r);
	if (_i == 2)
		establish_out();
	if (_i == 3) {
		establish_out();
		peer_admin_reset(r.p, r.now, "x"); /* with a connection that lingers */
	}
	r.ntodo = 0;
	peer_free(r.p);
	r.p = NULL;
	ck_assert_uint_eq(r.ntodo, 0);
}
END_TEST

/* ---- rows ---------------------------------------------------------------------------------------------------- */

START_TEST(row_of_a_session)
{
	struct ipc_row_peer row = { .query = 5 };
	struct msg_open o;
	conn_id c;

	with_gr(&o);
	rig_start(&r);
	c = rig_connect(&r);
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	rig_pass_us(&r, 1000000);
	peer_fill_row(r.p, r.now, &row);
	ck_assert_uint_eq(row.query, 5);
	ck_assert_uint_eq(row.id, 7);
	ck_assert_uint_eq(row.state, IPC_ESTABLISHED);
	ck_assert_str_eq(row.reason, "");
	ck_assert_str_eq(row.last_error, "");
	ck_assert_uint_eq(row.last_error_age_us, UINT64_MAX);
	ck_assert_uint_eq(row.state_age_us, 1000000);
	ck_assert_uint_eq(row.remote_asn, 65002);
	ck_assert_uint_eq(row.local_asn, 65001);
	ck_assert_uint_eq(row.remote_id, 0x0a000002);
	ck_assert(!row.internal && row.as4 && row.refresh && row.gr && !row.gr_notification);
	ck_assert(!row.enhanced_refresh && !row.ext_msg && !row.peer_restarting);
	ck_assert_uint_eq(row.gr_peer_time_s, 90);
	ck_assert_uint_eq(row.hold_s, 9);
	ck_assert_uint_eq(row.keepalive_s, 3);
	ck_assert_uint_eq(row.hold_left_us, 8000000);
	ck_assert_uint_eq(row.msgs_in[0], 2);
	ck_assert_uint_eq(row.msgs_in[BGP_OPEN], 1);
	ck_assert_uint_eq(row.msgs_out[BGP_OPEN], 1);
	ck_assert_uint_eq(row.msgs_out[BGP_KEEPALIVE], 1);
	ck_assert_uint_eq(row.established_count, 1);
	ck_assert_uint_eq(row.flaps, 0);
	ck_assert_uint_eq(row.ep.remote_port, 179);
	ck_assert(row.fam[0].negotiated && row.fam[1].negotiated);
	ck_assert(row.fam[0].gr_forwarding && !row.fam[1].gr_forwarding);
	peer_conn_closed(&r.env, r.now, c, 0);
	peer_fill_row(r.p, r.now, &row);
	ck_assert_uint_eq(row.state, IPC_IDLE);
	ck_assert_uint_eq(row.flaps, 1);
	ck_assert_uint_eq(row.state_age_us, 0);
	ck_assert_uint_eq(row.hold_left_us, 0);
	ck_assert(!row.fam[0].negotiated);
	ck_assert_uint_eq(row.connect_retries, 1);
}
END_TEST

START_TEST(row_before_a_session)
{
	struct ipc_row_peer row = { 0 };

	r.pconf.asn_mode = _i == 0 ? IPC_ASN_NUMBER : _i == 1 ? IPC_ASN_INTERNAL : IPC_ASN_EXTERNAL;
	rig_start(&r);
	rig_pass_us(&r, 250000);
	peer_fill_row(r.p, r.now, &row);
	ck_assert_uint_eq(row.remote_asn, _i == 0 ? 65002 : _i == 1 ? 65001 : 0);
	ck_assert_uint_eq(row.internal, _i == 1);
	ck_assert_uint_eq(row.state, IPC_CONNECT);
	ck_assert_uint_eq(row.state_age_us, 250000);
	ck_assert_uint_eq(row.last_error_age_us, UINT64_MAX);
}
END_TEST

/* Small enough for thousands of peers. */
START_TEST(peers_are_small)
{
	ck_assert_uint_lt(sizeof(struct peer) + sizeof(struct conn), 1600);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peer");
	TCase *tc = unit_case(s, "peer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, dials_at_once);
	tcase_add_test(tc, passive_never_dials);
	tcase_add_test(tc, no_answer);
	tcase_add_test(tc, stale_connect_is_not_wanted);
	tcase_add_loop_test(tc, connect_fails, 0, NROWS(connect_cases));
	tcase_add_test(tc, own_connect_retry);
	tcase_add_test(tc, damping);
	tcase_add_test(tc, damping_forgets);
	tcase_add_test(tc, peer_is_welcome_while_we_wait);
	tcase_add_test(tc, one_session_is_enough);
	tcase_add_test(tc, dial_is_cancelled_when_the_peer_was_faster);
	tcase_add_test(tc, closed_in_opensent);
	tcase_add_test(tc, our_open_says_what_we_are);
	tcase_add_test(tc, own_as_per_peer_and_no_graceful_restart);
	tcase_add_test(tc, capabilities_are_negotiated);
	tcase_add_test(tc, a_peer_without_capabilities);
	tcase_add_test(tc, refresh_of_a_family_not_in_use);
	tcase_add_loop_test(tc, open_judged, 0, NROWS(open_cases));
	tcase_add_test(tc, both_families_missing);
	tcase_add_test(tc, retry_without_parameters);
	tcase_add_test(tc, retry_without_parameters_is_refused);
	tcase_add_test(tc, no_retry_without_parameters_for_ipv6);
	tcase_add_loop_test(tc, notification_in_words, 0, NROWS(notif_cases));
	tcase_add_loop_test(tc, closed_in_words, 0, NROWS(closed_cases));
	tcase_add_test(tc, states_in_words);
	tcase_add_loop_test(tc, tcp_loss_keeps_routes, 0, 2);
	tcase_add_loop_test(tc, errors_do_not_keep_routes, 0, 3);
	tcase_add_test(tc, restart_capability_without_families);
	tcase_add_test(tc, peer_restarted_unnoticed);
	tcase_add_test(tc, wrong_open_beside_a_session);
	tcase_add_loop_test(tc, new_connection_without_graceful_restart, 0, 2);
	tcase_add_test(tc, a_third_connection);
	tcase_add_test(tc, a_newer_connection_replaces_an_older);
	tcase_add_test(tc, admin_reset);
	tcase_add_test(tc, admin_reset_while_damped);
	tcase_add_loop_test(tc, admin_down_and_up, 0, 2);
	tcase_add_test(tc, admin_down_cancels_the_dial);
	tcase_add_loop_test(tc, held_down_for_a_limit, 0, 2);
	tcase_add_test(tc, ended_by_the_rib);
	tcase_add_loop_test(tc, shutdown, 0, 2);
	tcase_add_loop_test(tc, configuration_changes, 0, 13);
	tcase_add_test(tc, configuration_without_a_session);
	tcase_add_test(tc, disabled_by_configuration);
	tcase_add_test(tc, starts_disabled);
	tcase_add_test(tc, speaker_changed);
	tcase_add_test(tc, removed);
	tcase_add_loop_test(tc, freed, 0, 4);
	tcase_add_test(tc, row_of_a_session);
	tcase_add_loop_test(tc, row_before_a_session, 0, 3);
	tcase_add_test(tc, peers_are_small);
	return unit_run(s);
}
