/*
 * What is told of a peer: the words for every way of not being up, its row, and
 * the event of its end.  RFC 4271 section 4.5, RFC 9003.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/peerrig.h"
#include "tests/unit/unit.h"

/* ---- reasons in words ------------------------------------------------------------------------------------------ */

static const struct {
	int err;
	const char *said, *why;
} connect_cases[] = {
	{ ECONNREFUSED, "", "connect refused: nothing listens on 10.0.0.2" },
	{ ETIMEDOUT, NULL, "connect timed out: no answer from 10.0.0.2" },
	{ EHOSTUNREACH, "", "no route to host 10.0.0.2" },
	{ ENETUNREACH, "", "no route to the network of 10.0.0.2" },
	{ EADDRNOTAVAIL, "", "our source address is not on this host, for the connect to 10.0.0.2" },
	{ ECONNRESET, "", "connect reset by 10.0.0.2" },
	{ EPIPE, "", "connect broken off by 10.0.0.2" },
	{ 4711, "", "connect to 10.0.0.2 failed with error 4711" },
	{ ECONNREFUSED, "the secret of this peer is missing", "the secret of this peer is missing" },
};

START_TEST(why_connects_fail)
{
	char want[IPC_TEXT_MAX];

	rig_start(&r);
	fail_connect(connect_cases[_i].err, connect_cases[_i].said);
	ck_assert_str_eq(r.p->reason, connect_cases[_i].why);
	ck_assert_str_eq(r.last_event, "peer-failed");
	snprintf(want, sizeof(want), "state=Connect why=\"%s\"", connect_cases[_i].why);
	ck_assert_str_eq(r.last_text, want);
}
END_TEST

static const struct {
	enum fsm_state state;
	int err;
	const char *why;
} closed_cases[] = {
	{ FSM_OPENSENT, 0, "the peer closed the connection before its OPEN: it may not expect one from "
			   "10.0.0.1" },
	{ FSM_OPENCONFIRM, 0, "the peer closed the connection after its OPEN" },
	{ FSM_ESTABLISHED, 0, "the peer closed the connection" },
	{ FSM_OPENSENT, ECONNRESET, "the peer closed the connection before its OPEN: it may not expect "
				    "one from 10.0.0.1" }, /* with our OPEN unread */
	{ FSM_OPENSENT, EPIPE, "connection lost: the peer has closed it" },
	{ FSM_OPENCONFIRM, ECONNRESET, "connection lost: reset by the peer" },
	{ FSM_OPENCONFIRM, ETIMEDOUT, "connection lost: the peer's host does not answer" },
	{ FSM_ESTABLISHED, ECONNREFUSED, "connection lost: refused" },
	{ FSM_ESTABLISHED, ETIMEDOUT, "connection lost: the peer's host does not answer" },
	{ FSM_ESTABLISHED, EHOSTUNREACH, "connection lost: no route to host" },
	{ FSM_ESTABLISHED, ENETUNREACH, "connection lost: no route to its network" },
	{ FSM_ESTABLISHED, EADDRNOTAVAIL, "connection lost: our address is gone from this host" },
	{ FSM_ESTABLISHED, ECONNRESET, "connection lost: reset by the peer" },
	{ FSM_ESTABLISHED, EPIPE, "connection lost: the peer has closed it" },
	{ FSM_ESTABLISHED, 4711, "connection lost: error 4711" },
};

START_TEST(why_connections_end)
{
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	if (closed_cases[_i].state >= FSM_OPENCONFIRM)
		rig_send_open(&r, c, &theirs);
	if (closed_cases[_i].state == FSM_ESTABLISHED)
		rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), closed_cases[_i].state);
	r.ntodo = 0;
	peer_conn_closed(&r.env, r.now, c, closed_cases[_i].err);
	ck_assert_str_eq(r.p->last_error, closed_cases[_i].why);
	ck_assert_uint_eq(r.p->errors, closed_cases[_i].state != FSM_OPENSENT);
	ck_assert(!rig_take(&r, TODO_CLOSE, NULL)); /* the shell knows */
	ck_assert_uint_eq(peer_env_conns(&r.env), 0);
}
END_TEST

static const struct {
	uint8_t code, sub;
	const uint8_t *data;
	size_t octets;
	const char *why;
} notification_cases[] = {
	{ 2, 1, HEX(0, 3), "peer says OPEN Message Error, Unsupported Version Number (2/1): it does not "
			   "speak BGP-4" },
	{ 2, 2, NULL, 0, "peer says OPEN Message Error, Bad Peer AS (2/2): it does not expect AS 65001 "
			 "here" },
	{ 2, 3, NULL, 0, "peer says OPEN Message Error, Bad BGP Identifier (2/3): it does not accept our "
			 "BGP identifier 10.0.0.1, which may be its own" },
	{ 2, 4, NULL, 0, "peer says OPEN Message Error, Unsupported Optional Parameter (2/4): it refuses "
			 "optional parameters" },
	{ 2, 6, NULL, 0, "peer says OPEN Message Error, Unacceptable Hold Time (2/6): it does not accept "
			 "our hold time of 9 s" },
	{ 2, 7, NULL, 0, "peer says OPEN Message Error, Unsupported Capability (2/7): it wants a "
			 "capability that we do not offer" },
	{ 2, 7, HEX(1, 4, 0, 2, 0, 1, 65, 4, 0, 0, 0, 1, 200, 0), "peer says OPEN Message Error, "
	    "Unsupported Capability (2/7): it wants a capability that we do not offer: multiprotocol "
	    "(1), 4-octet-as (65), unknown (200)" },
	{ 2, 7, HEX(6, 0, 5, 0, 69, 0, 70, 0, 71, 0), "peer says OPEN Message Error, Unsupported "
	    "Capability (2/7): it wants a capability that we do not offer: extended-message (6), "
	    "extended-next-hop (5), add-path (69), enhanced-route-refresh (70)" },
	{ 2, 7, HEX(1, 200, 0), "peer says OPEN Message Error, Unsupported Capability (2/7): it wants a "
				"capability that we do not offer: multiprotocol (1)" },
	{ 2, 7, HEX(1), "peer says OPEN Message Error, Unsupported Capability (2/7): it wants a "
			"capability that we do not offer" },
	{ 2, 11, NULL, 0, "peer says OPEN Message Error, Role Mismatch (2/11): it wants our role, and none is "
	  "configured here" },
	{ 3, 11, HEX(1, 2, 3), "peer says UPDATE Message Error, Malformed AS_PATH (3/11)" },
	{ 4, 0, NULL, 0, "peer says Hold Timer Expired (4/0): it heard nothing from us in time" },
	{ 6, 0, NULL, 0, "peer says Cease (6/0)" },
	{ 6, 1, NULL, 0, "peer says Cease, Maximum Number of Prefixes Reached (6/1): we announce more "
			 "prefixes than it allows" },
	{ 6, 1, HEX(0, 2, 1, 0, 0, 1, 0), "peer says Cease, Maximum Number of Prefixes Reached (6/1): we "
	    "announce more prefixes than it allows, which is 256 of ipv6-unicast" },
	{ 6, 1, HEX(0, 25, 70, 0, 0, 1, 0), "peer says Cease, Maximum Number of Prefixes Reached (6/1): "
	    "we announce more prefixes than it allows" },
	{ 6, 3, NULL, 0, "peer says Cease, Peer De-configured (6/3): it has no configuration for us any "
			 "more" },
	{ 6, 5, NULL, 0, "peer says Cease, Connection Rejected (6/5): it does not take a connection from "
			 "us now" },
	{ 6, 6, HEX(3, 'a', 'b', 'c'), "peer says Cease, Other Configuration Change (6/6)" },
	{ 8, 0, NULL, 0, "peer says Send Hold Timer Expired (8/0): we did not read what it sent in time" },
	{ 99, 9, NULL, 0, "peer says Unknown, Unknown (99/9)" },
	/* RFC 9003 section 2 */
	{ 6, 2, NULL, 0, "peer says Cease, Administrative Shutdown (6/2)" },
	{ 6, 2, HEX(0), "peer says Cease, Administrative Shutdown (6/2)" },
	{ 6, 2, HEX(3, 'a', 'b', 'c'), "peer says Cease, Administrative Shutdown (6/2): \"abc\"" },
	{ 6, 4, HEX(3, 'a', 'b', 'c'), "peer says Cease, Administrative Reset (6/4): \"abc\"" },
	{ 6, 2, HEX(2, 'a', 'b', 'c'), "peer says Cease, Administrative Shutdown (6/2): \"ab\"" },
	{ 6, 2, HEX(4, 'a', 'b', 'c'), "peer says Cease, Administrative Shutdown (6/2)" },
	{ 6, 2, HEX(3, 0xe2, 0x82, 0xac), "peer says Cease, Administrative Shutdown (6/2): \"\xe2\x82\xac\"" },
	{ 6, 2, HEX(4, 'a', 0xff, 0xe2, 0x82), "peer says Cease, Administrative Shutdown (6/2): \"a???\"" },
	{ 6, 2, HEX(4, 'a', '\n', 0x1b, 'b'), "peer says Cease, Administrative Shutdown (6/2): \"a??b\"" },
};

START_TEST(why_the_peer_says_no)
{
	conn_id c;

	r.pconf.passive = true;
	rig_start(&r);
	c = rig_accept(&r);
	rig_send_notification(&r, c, notification_cases[_i].code, notification_cases[_i].sub,
	    notification_cases[_i].data, notification_cases[_i].octets);
	ck_assert_str_eq(r.p->last_error, notification_cases[_i].why);
	ck_assert_str_eq(r.p->reason, notification_cases[_i].why);
	ck_assert_uint_eq(r.p->connect_retries, /* NotifMsgVerErr does not count */
	    notification_cases[_i].code != ERR_OPEN || notification_cases[_i].sub != OPEN_BAD_VERSION);
}
END_TEST

/* The longest text is cut to what a row holds. */
START_TEST(long_texts_are_cut)
{
	uint8_t data[256];
	conn_id c;

	memset(data, 'x', sizeof(data));
	data[0] = 255;
	rig_start(&r);
	c = rig_accept(&r);
	rig_send_notification(&r, c, ERR_CEASE, CEASE_ADMIN_SHUTDOWN, data, 256);
	ck_assert_uint_eq(strlen(r.p->last_error), IPC_TEXT_MAX - 1);
	ck_assert_int_eq(r.p->last_error[IPC_TEXT_MAX - 2], 'x');
	ck_assert_uint_eq(strlen(rig_reason(&r)), IPC_TEXT_MAX - 1);
}
END_TEST

/* ---- rows -------------------------------------------------------------------------------------------------------- */

START_TEST(row_through_a_life)
{
	struct ipc_row_peer got;
	struct ipc_endpoints ep = rig_ep();
	conn_id c;

	rig_start(&r);
	rig_pass_us(&r, 1 * S);
	got = row();
	ck_assert_uint_eq(got.id, 7);
	ck_assert_uint_eq(got.state, IPC_CONNECT);
	ck_assert_uint_eq(got.state_age_us, 1 * S);
	ck_assert_uint_eq(got.local_asn, 65001);
	ck_assert_uint_eq(got.remote_asn, 65002);
	ck_assert_uint_eq(got.remote_id, 0);
	ck_assert_uint_eq(got.hold_left_us, 0);
	ck_assert_str_eq(got.last_error, "");
	ck_assert(!got.internal && !got.fam[0].negotiated);

	c = rig_accept(&r);
	rig_send_open(&r, c, &theirs);
	rig_pass_us(&r, 10);
	ck_assert_uint_eq(row().state, IPC_OPENCONFIRM);
	ck_assert_uint_eq(row().state_age_us, 10);
	rig_send_keepalive(&r, c);
	rig_pass_us(&r, 2 * S);
	got = row();
	ck_assert_uint_eq(got.state, IPC_ESTABLISHED);
	ck_assert_uint_eq(got.state_age_us, 2 * S);
	ck_assert_uint_eq(got.hold_left_us, 7 * S);
	ck_assert_str_eq(got.reason, "");
	ck_assert_uint_eq(got.remote_id, 0x0a000002);
	ck_assert_uint_eq(got.established_count, 1);
	ck_assert_uint_eq(got.flaps, 0);
	ck_assert_uint_eq(got.msgs_in[0], 2);
	ck_assert_uint_eq(got.msgs_in[BGP_OPEN], 1);
	ck_assert_uint_eq(got.msgs_out[BGP_KEEPALIVE], 1);
	ck_assert(ip_addr_eq(&got.ep.remote, &ep.remote));
	ck_assert_uint_eq(got.ep.local_port, ep.local_port);
	ck_assert(got.fam[0].negotiated && got.fam[1].negotiated);

	rig_send_notification(&r, c, ERR_CEASE, CEASE_ADMIN_SHUTDOWN, "\3bye", 4);
	rig_pass_us(&r, 5);
	got = row();
	ck_assert_uint_eq(got.state, IPC_IDLE);
	ck_assert_uint_eq(got.state_age_us, 5);
	ck_assert_str_eq(got.last_error, "peer says Cease, Administrative Shutdown (6/2): \"bye\"");
	ck_assert_uint_eq(got.last_error_age_us, 5);
	ck_assert_str_eq(got.reason, "peer says Cease, Administrative Shutdown (6/2): \"bye\"; next "
				     "attempt in 1 s");
	ck_assert_uint_eq(got.flaps, 1);
	ck_assert_uint_eq(got.hold_left_us, 0);
	ck_assert(!got.fam[0].negotiated);

	c = rig_accept(&r); /* up again: how the last session ended stays to be seen */
	up(c);
	rig_pass_us(&r, 5);
	got = row();
	ck_assert_str_eq(got.reason, "");
	ck_assert_str_eq(got.last_error, "peer says Cease, Administrative Shutdown (6/2): \"bye\"");
	ck_assert_uint_eq(got.last_error_age_us, 10);
	ck_assert_uint_eq(got.established_count, 2);
	ck_assert_uint_eq(got.flaps, 1);
}
END_TEST

/* The state shown is the farther one; below OpenSent the one that dials, unless passive. */
START_TEST(state_shown)
{
	conn_id c;

	rig_start(&r);
	ck_assert_uint_eq(row().state, IPC_CONNECT); /* SESSION_IN is Active */
	fail_connect(ECONNREFUSED, "");
	rig_pass_us(&r, 7);
	ck_assert_uint_eq(row().state, IPC_IDLE);
	ck_assert_uint_eq(row().state_age_us, 7);
	c = rig_accept(&r);
	rig_pass_us(&r, 3);
	ck_assert_uint_eq(row().state, IPC_OPENSENT);
	ck_assert_uint_eq(row().state_age_us, 3);
	peer_conn_closed(&r.env, r.now, c, 0);
	ck_assert_uint_eq(row().state, IPC_IDLE);
	ck_assert_uint_eq(row().state_age_us, 0); /* it was OpenSent a moment ago */
}
END_TEST

START_TEST(down_is_told)
{
	conn_id c;

	r.gr = theirs.caps.gr = (struct cap_gr){ .present = true, .time_s = 120, .families = 3 };
	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	peer_conn_closed(&r.env, r.now, c, _i ? ECONNRESET : 0);
	ck_assert_str_eq(r.last_event, "peer-down");
	ck_assert_int_eq(r.last_level, LOG_NOTICE);
	ck_assert_str_eq(r.last_text, _i ? "why=\"connection lost: reset by the peer\" routes=stale"
					 : "why=\"the peer closed the connection\" routes=stale");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peer_why");
	TCase *tc = unit_case(s, "words");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, why_connects_fail, 0, NROWS(connect_cases));
	tcase_add_loop_test(tc, why_connections_end, 0, NROWS(closed_cases));
	tcase_add_loop_test(tc, why_the_peer_says_no, 0, NROWS(notification_cases));
	tcase_add_test(tc, long_texts_are_cut);

	tc = unit_case(s, "rows");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, row_through_a_life);
	tcase_add_test(tc, state_shown);
	tcase_add_loop_test(tc, down_is_told, 0, 2);
	return unit_run(s);
}
