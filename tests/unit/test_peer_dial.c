/*
 * When a peer is dialled and how often, what comes of its own connections, and two
 * connections at once.  Timers to the microsecond.
 * RFC 4271 sections 6.8, 8 and 10, RFC 4724 section 5.
 */
#include <errno.h>

#include "tests/unit/peerrig.h"
#include "tests/unit/unit.h"

/* ---- dialling ------------------------------------------------------------------------------------ */

START_TEST(connects_at_once)
{
	struct todo t;

	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	ck_assert_uint_eq(t.peer, 7);
	ck_assert_uint_ne(t.token, 0);
	ck_assert(!rig_take(&r, TODO_CONNECT, NULL));
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT);
	ck_assert_int_eq(in()->state, FSM_ACTIVE); /* listens, too */
	ck_assert_str_eq(rig_reason(&r), "connecting to 10.0.0.2");
	ck_assert_uint_eq(r.timers.n, 1);
}
END_TEST

/* A connect that nobody answers is cancelled and made again: 75 to 100 per cent of the time. */
START_TEST(connect_without_answer)
{
	static const uint32_t retry_ms[] = { 2000, 10000, 0 };
	uint64_t want = retry_ms[_i] ? retry_ms[_i] * 1000ull : 2 * S, us;
	uint64_t min = UINT64_MAX, max = 0;
	struct todo was, t;

	r.pconf.connect_retry_ms = retry_ms[_i];
	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &was));
	for (unsigned i = 0; i < 200; i++) {
		us = left_us(out(), TIMER_RETRY);
		min = us < min ? us : min;
		max = us > max ? us : max;
		rig_pass_us(&r, us - 1);
		ck_assert_uint_eq(r.ntodo, 0);
		rig_pass_us(&r, 1);
		ck_assert(rig_take(&r, TODO_CANCEL, &t));
		ck_assert_uint_eq(t.token, was.token);
		ck_assert_uint_eq(t.peer, 7);
		ck_assert(rig_take(&r, TODO_CONNECT, &was));
		ck_assert_uint_ne(t.token, was.token);
		ck_assert_uint_eq(r.ntodo, 0);
	}
	ck_assert_uint_ge(min, want / 4 * 3);
	ck_assert_uint_lt(min, want / 100 * 77);
	ck_assert_uint_le(max, want);
	ck_assert_uint_gt(max, want / 100 * 98);
	ck_assert_str_eq(rig_reason(&r),
	    "no answer from 10.0.0.2 to our connects; connecting again");
	ck_assert_uint_eq(r.warnings, 1); /* what is known is not logged again */
}
END_TEST

/* A connect that fails is no error: the next one comes after the same time. */
START_TEST(connect_fails)
{
	rig_start(&r);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t us;

		fail_connect(ECONNREFUSED, "");
		ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
		us = left_us(out(), TIMER_IDLE_HOLD);
		ck_assert_uint_ge(us, 1500000);
		ck_assert_uint_le(us, 2000000);
		ck_assert_str_eq(rig_reason(&r),
		    "connect refused: nothing listens on 10.0.0.2; next attempt in 2 s");
		rig_pass_us(&r, us - 1);
		ck_assert(!rig_take(&r, TODO_CONNECT, NULL));
		rig_pass_us(&r, 1);
		ck_assert_str_eq(rig_reason(&r), "connect refused: nothing listens on 10.0.0.2; "
						 "connecting again");
	}
	ck_assert_uint_eq(r.p->errors, 0);
	ck_assert_uint_eq(r.p->connect_retries, 0);
	ck_assert_uint_eq(r.warnings, 1);
	ck_assert_ptr_null(r.p->last_error); /* there was no session */
	ck_assert_uint_eq(row().last_error_age_us, UINT64_MAX);
}
END_TEST

START_TEST(answers_for_old_connects)
{
	struct ipc_endpoints ep = rig_ep();
	struct todo old, t;
	const char *why = NULL;

	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &old));
	rig_pass_us(&r, 2 * S);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	ck_assert_uint_eq(peer_conn_connected(r.p, r.now, old.token, &ep, &why), 0);
	ck_assert_str_eq(why, "that connect is no longer wanted");
	peer_conn_failed(r.p, r.now, old.token, ECONNREFUSED, "");
	peer_conn_failed(r.p, r.now, 0, ECONNREFUSED, "");
	ck_assert_int_eq(peer_state(r.p), FSM_CONNECT);
	ck_assert_uint_ne(peer_conn_connected(r.p, r.now, t.token, &ep, &why), 0);
	ck_assert_int_eq(peer_state(r.p), FSM_OPENSENT);
	ck_assert_uint_eq(peer_conn_connected(r.p, r.now, t.token, &ep, &why), 0); /* said twice */
	ck_assert_uint_eq(peer_conn_connected(r.p, r.now, 0, &ep, &why), 0);
	peer_conn_failed(r.p, r.now, 0, ECONNREFUSED, "");
	peer_conn_failed(r.p, r.now, t.token, ECONNREFUSED, "");
	ck_assert_int_eq(peer_state(r.p), FSM_OPENSENT);
}
END_TEST

/* After errors: 1, 2, 4, 8, 16, 30, 30 ... s, jittered. */
START_TEST(damping_grows_and_is_capped)
{
	static const unsigned seconds[] = { 1, 2, 4, 8, 16, 30, 30 };

	rig_start(&r);
	for (unsigned i = 0; i < 400; i++) {
		uint64_t want = seconds[i < 6 ? i : 6] * S, us;
		conn_id c = rig_connect(&r);

		ck_assert_uint_ne(c, 0);
		if (i >= 300) /* the first step of 30 s, often enough for its jitter */
			r.p->errors = 5;
		rig_send_notification(&r, c, ERR_CEASE, CEASE_REJECTED, NULL, 0);
		us = left_us(out(), TIMER_IDLE_HOLD);
		ck_assert_uint_ge(us, want / 4 * 3);
		ck_assert_uint_le(us, want);
		ck_assert_uint_eq(r.p->connect_retries, i + 1);
		r.ntodo = 0;
		rig_pass_us(&r, us - 1);
		ck_assert(!rig_take(&r, TODO_CONNECT, NULL));
		rig_pass_us(&r, 1);
	}
}
END_TEST

static void
pass_with_keepalives(conn_id c, unsigned s)
{
	while (s-- > 0) {
		rig_pass_us(&r, 1 * S);
		rig_send_keepalive(&r, c);
		discard(c);
	}
}

/* Errors, then a session of that length: how long is the wait? */
START_TEST(lasting_session_clears_damping)
{
	uint64_t us;
	conn_id c;

	rig_start(&r);
	for (unsigned i = 0; i < 3; i++) {
		c = rig_accept(&r);
		rig_send_notification(&r, c, ERR_CEASE, CEASE_REJECTED, NULL, 0);
	}
	ck_assert_uint_eq(r.p->errors, 3);
	c = rig_accept(&r);
	up(c);
	pass_with_keepalives(c, 29);
	rig_pass_us(&r, 1 * S - (_i ? 0 : 1));
	rig_send_notification(&r, c, ERR_CEASE, CEASE_REJECTED, NULL, 0);
	us = left_us(out(), TIMER_IDLE_HOLD);
	ck_assert_uint_ge(us, _i ? 750000 : 6 * S);
	ck_assert_uint_le(us, _i ? 1 * S : 8 * S);
	ck_assert_uint_eq(r.p->errors, _i ? 1 : 4);
}
END_TEST

/* Ended by us before it was up: one error, too. */
START_TEST(an_end_before_the_session_is_one_error)
{
	rig_start(&r);
	rig_accept(&r);
	peer_end(r.p, r.now, ERR_CEASE, CEASE_RESOURCES, NULL, 0, "test", 0);
	ck_assert_uint_eq(r.p->errors, 1);
}
END_TEST

/* What one connection suffers is not told while another one is agreed on. */
START_TEST(the_better_connection_counts)
{
	conn_id o, i;

	r.conf.router_id = 0x0a000009;
	rig_start(&r);
	o = rig_connect(&r);
	i = rig_accept(&r);
	rig_send_open(&r, i, &theirs);
	rig_pass_us(&r, 300000);
	ck_assert_int_eq(in()->state, FSM_OPENCONFIRM);
	r.warnings = 0;
	peer_conn_closed(&r.env, r.now, o, ECONNRESET);
	ck_assert_ptr_null(r.p->last_error);
	ck_assert_ptr_null(r.p->reason);
	ck_assert_uint_eq(r.warnings, 0);
}
END_TEST

/* A lost collision is no error. */
START_TEST(collisions_do_not_damp)
{
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	rig_send_notification(&r, c, ERR_CEASE, CEASE_COLLISION, NULL, 0);
	ck_assert_uint_eq(r.p->errors, 0);
	ck_assert_uint_ne(rig_accept(&r), 0);
	ck_assert_uint_ne(rig_accept(&r), 0); /* replaces the one before */
	ck_assert_uint_eq(r.p->errors, 0);
}
END_TEST

/* The end of a session is one error, whichever side had dialled. */
START_TEST(one_end_is_one_error)
{
	uint64_t us;
	conn_id c;

	rig_start(&r);
	c = _i & 1 ? rig_connect(&r) : rig_accept(&r);
	up(c);
	if (_i & 2)
		end_session(c, END_OURS);
	else
		end_session(c, END_NOTIFICATION);
	ck_assert_uint_eq(r.p->errors, 1);
	us = left_us(out(), TIMER_IDLE_HOLD);
	ck_assert_uint_ge(us, 750000);
	ck_assert_uint_le(us, 1 * S);
	ck_assert_int_eq(in()->state, FSM_ACTIVE);
}
END_TEST

/* Unsupported Version Number does not count as a retry: RFC 4271 section 8.2.2, event 24. */
START_TEST(version_refused_is_not_counted)
{
	rig_start(&r);
	rig_send_notification(&r, rig_connect(&r), ERR_OPEN, _i ? OPEN_BAD_VERSION : OPEN_BAD_PEER_AS,
	    NULL, 0);
	ck_assert_uint_eq(r.p->connect_retries, _i ? 0 : 1);
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
}
END_TEST

START_TEST(incoming_is_welcome_while_damped)
{
	conn_id c;

	rig_start(&r);
	c = rig_connect(&r);
	rig_send_notification(&r, c, ERR_CEASE, CEASE_REJECTED, NULL, 0);
	ck_assert(runs(out(), TIMER_IDLE_HOLD));
	r.ntodo = 0;
	c = rig_accept(&r);
	ck_assert_uint_ne(c, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_OPENSENT);
	ck_assert_str_eq(rig_reason(&r), "connected, waiting for its OPEN");
	rig_send_open(&r, c, &theirs);
	ck_assert_str_eq(rig_reason(&r), "OPENs agree, waiting for its first KEEPALIVE");
	ck_assert(!runs(out(), TIMER_IDLE_HOLD)); /* one session is enough */
	rig_send_keepalive(&r, c);
	ck_assert_str_eq(rig_reason(&r), "");
	pass_with_keepalives(c, 60);
	ck_assert(!rig_take(&r, TODO_CONNECT, NULL));
}
END_TEST

/* Our connect is given up when the peer's own connection gets as far as OpenConfirm. */
START_TEST(incoming_cancels_our_connect)
{
	struct todo t, cancel;
	conn_id c;

	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	c = rig_accept(&r);
	ck_assert(!rig_take(&r, TODO_CANCEL, NULL));
	rig_send_open(&r, c, &theirs);
	ck_assert(rig_take(&r, TODO_CANCEL, &cancel));
	ck_assert_uint_eq(cancel.token, t.token);
	ck_assert(!runs(out(), TIMER_RETRY));
	ck_assert_int_eq(out()->state, FSM_IDLE);
	peer_conn_closed(&r.env, r.now, c, 0);
	rig_pass_us(&r, 2 * S);
	ck_assert(rig_take(&r, TODO_CONNECT, NULL)); /* and made again when that one ends */
}
END_TEST

/* Active: TCP ended in OpenSent, the next connect comes with the ConnectRetryTimer. */
START_TEST(connection_ends_before_open)
{
	uint64_t us;
	conn_id c;

	rig_start(&r);
	c = rig_connect(&r);
	peer_conn_closed(&r.env, r.now, c, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_ACTIVE);
	ck_assert_str_eq(rig_reason(&r), "the peer closed the connection before its OPEN: it may not "
					 "expect one from 10.0.0.1; about to connect again");
	us = left_us(out(), TIMER_RETRY);
	ck_assert_uint_ge(us, 1500000);
	ck_assert_uint_le(us, 2000000);
	rig_pass_us(&r, us - 1);
	ck_assert(!rig_take(&r, TODO_CONNECT, NULL));
	rig_pass_us(&r, 1);
	ck_assert(rig_take(&r, TODO_CONNECT, NULL));
	ck_assert(!rig_take(&r, TODO_CANCEL, NULL));
	ck_assert_uint_eq(r.p->errors, 0);
}
END_TEST

START_TEST(passive_never_connects)
{
	struct ipc_conf_peer conf;
	conn_id c;

	r.pconf.passive = true;
	rig_start(&r);
	rig_pass_us(&r, 3600 * S);
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_ACTIVE);
	ck_assert_str_eq(rig_reason(&r), "waiting for the peer to connect (passive)");
	c = rig_accept(&r);
	rig_send_notification(&r, c, ERR_CEASE, CEASE_REJECTED, NULL, 0);
	r.ntodo = 0;
	ck_assert_int_eq(peer_state(r.p), FSM_ACTIVE);
	ck_assert_str_eq(rig_reason(&r), "peer says Cease, Connection Rejected (6/5): it does not take a "
					 "connection from us now; waiting for the peer to connect (passive)");
	rig_pass_us(&r, 3600 * S);
	ck_assert_uint_eq(r.ntodo, 0);
	up(rig_accept(&r));

	conf = r.pconf; /* not passive any more: no reset; dials when the session ends */
	conf.passive = false;
	ck_assert(!peer_configure(r.p, r.now, &conf));
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_uint_eq(r.downs, 0);
}
END_TEST

START_TEST(passive_by_configuration)
{
	struct ipc_conf_peer conf = r.pconf;
	struct todo t, cancel;

	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	conf.passive = true;
	ck_assert(!peer_configure(r.p, r.now, &conf));
	ck_assert(rig_take(&r, TODO_CANCEL, &cancel));
	ck_assert_uint_eq(cancel.token, t.token);
	rig_pass_us(&r, 60 * S);
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_int_eq(peer_state(r.p), FSM_ACTIVE);
	conf.passive = false;
	ck_assert(!peer_configure(r.p, r.now, &conf));
	ck_assert(rig_take(&r, TODO_CONNECT, NULL)); /* at once */
}
END_TEST

/* ---- two connections (test_collision has every order of messages; here the times) --------------------- */

/* Ours ought to win but has not shown its OPEN: 300 ms, then the other one goes on. */
START_TEST(parked_until_the_other_open)
{
	conn_id o, i;

	r.conf.router_id = 0x0a000009;
	rig_start(&r);
	o = rig_connect(&r);
	i = rig_accept(&r);
	rig_send_open(&r, i, &theirs);
	ck_assert_int_eq(in()->state, FSM_OPENSENT);
	ck_assert_uint_eq(left_us(in(), TIMER_COLLISION), 300000);
	rig_pass_us(&r, 299999);
	ck_assert_int_eq(in()->state, FSM_OPENSENT);
	if (_i == 0) { /* time is up */
		rig_pass_us(&r, 1);
		ck_assert_int_eq(in()->state, FSM_OPENCONFIRM);
		ck_assert_int_eq(out()->state, FSM_OPENSENT);
		rig_send_keepalive(&r, i);
		ck_assert_ptr_eq(r.p->up, in());
	} else if (_i == 1) { /* the OPEN comes: the identifiers decide */
		rig_send_open(&r, o, &theirs);
		ck_assert_int_eq(out()->state, FSM_OPENCONFIRM);
		ck_assert_int_eq(in()->state, FSM_ACTIVE);
		expect_notification(i, ERR_CEASE, CEASE_COLLISION, NULL, 0);
	} else { /* it ends: the parked one goes on at once, with the KEEPALIVE that came early */
		rig_send_keepalive(&r, i);
		ck_assert_int_eq(in()->state, FSM_OPENSENT);
		peer_conn_closed(&r.env, r.now, o, 0);
		ck_assert_ptr_eq(r.p->up, in());
		ck_assert(!runs(in(), TIMER_COLLISION));
	}
	ck_assert_uint_eq(r.p->errors, 0);
}
END_TEST

/* The other one ought to lose but is in OpenConfirm: 100 ms. */
START_TEST(parked_while_the_other_confirms)
{
	conn_id o, i;

	rig_start(&r);
	o = rig_connect(&r);
	rig_send_open(&r, o, &theirs);
	ck_assert_int_eq(out()->state, FSM_OPENCONFIRM);
	i = rig_accept(&r);
	rig_send_open(&r, i, &theirs);
	ck_assert_uint_eq(left_us(in(), TIMER_COLLISION), 100000);
	if (_i == 0) {
		rig_pass_us(&r, 99999);
		ck_assert_int_eq(out()->state, FSM_OPENCONFIRM);
		rig_pass_us(&r, 1);
		expect_notification(o, ERR_CEASE, CEASE_COLLISION, NULL, 0);
		ck_assert_int_eq(in()->state, FSM_OPENCONFIRM);
		return;
	}
	rig_send_keepalive(&r, o); /* it comes up: now the peer has a second */
	ck_assert_ptr_eq(r.p->up, out());
	ck_assert_uint_eq(left_us(in(), TIMER_COLLISION), 1 * S);
	rig_pass_us(&r, 1 * S - 1);
	ck_assert_int_eq(in()->state, FSM_OPENSENT);
	rig_pass_us(&r, 1);
	ck_assert_int_eq(in()->state, FSM_ACTIVE);
	expect_notification(i, ERR_CEASE, CEASE_COLLISION, NULL, 0);
	ck_assert_ptr_eq(r.p->up, out());
	ck_assert_uint_eq(r.downs, 0);
}
END_TEST

/* A new connection beside a session that is up: which is which, by age. */
static const struct {
	const char *name;
	uint64_t age_us; /* of the session */
	uint32_t our_id;
	bool gr;
	enum { DUMPED, PARKED, REPLACED, PROBED } want;
} late_cases[] = {
	{ "start-up, the new one loses", 1 * S - 1, 0x0a000009, false, DUMPED },
	{ "start-up, the new one wins", 1 * S - 1, 0x0a000001, false, PARKED },
	{ "start-up, graceful restart", 1 * S - 1, 0x0a000009, true, DUMPED },
	{ "later, graceful restart: RFC 4724 section 5", 1 * S, 0x0a000009, true, REPLACED },
	{ "later, without", 1 * S, 0x0a000009, false, PROBED },
};

START_TEST(late_connection)
{
	uint8_t buf[4096];
	conn_id o, i;

	r.conf.router_id = late_cases[_i].our_id;
	if (late_cases[_i].gr)
		r.gr = theirs.caps.gr = (struct cap_gr){ .present = true, .time_s = 120,
			.families = 3 };
	rig_start(&r);
	o = rig_connect(&r);
	up(o);
	rig_pass_us(&r, late_cases[_i].age_us);
	i = rig_accept(&r);
	rig_pass_us(&r, 100);
	rig_send_open(&r, i, &theirs);
	ck_assert_uint_eq(r.downs, late_cases[_i].want == REPLACED);
	switch (late_cases[_i].want) {
	case DUMPED:
		expect_notification(i, ERR_CEASE, CEASE_COLLISION, NULL, 0);
		ck_assert_ptr_eq(r.p->up, out());
		break;
	case PARKED:
		ck_assert_uint_eq(left_us(in(), TIMER_COLLISION), 1 * S);
		ck_assert_uint_eq(rig_output(&r, o, buf, sizeof(buf)), 0);
		break;
	case REPLACED:
		ck_assert_int_eq(r.down_how, PEER_DOWN_KEEP);
		ck_assert_str_eq(r.down_why, "the peer opened a new connection: it has lost the old one");
		ck_assert(rig_take(&r, TODO_ABORT, NULL));
		ck_assert_uint_eq(rig_output(&r, o, buf, sizeof(buf)), 0);
		ck_assert_int_eq(in()->state, FSM_OPENCONFIRM);
		break;
	case PROBED:
		ck_assert_uint_eq(left_us(in(), TIMER_COLLISION), 1 * S);
		ck_assert_int_eq(rig_type(buf, rig_output(&r, o, buf, sizeof(buf))), BGP_KEEPALIVE);
		if (_i & 1)
			break;
		peer_conn_closed(&r.env, r.now, o, ECONNRESET);
		ck_assert_int_eq(in()->state, FSM_OPENCONFIRM);
		break;
	}
}
END_TEST

/* Two that the peer dialled: the newer one is not put off by the identifiers. */
START_TEST(two_of_the_peers)
{
	conn_id a, b;

	r.conf.router_id = _i ? 0x0a000009 : 0x0a000001;
	rig_start(&r);
	a = rig_accept(&r);
	up(a);
	rig_pass_us(&r, 500000);
	b = rig_accept(&r);
	rig_send_open(&r, b, &theirs);
	ck_assert_uint_eq(left_us(out(), TIMER_COLLISION), 1 * S);
	peer_conn_closed(&r.env, r.now, a, 0);
	ck_assert_int_eq(out()->state, FSM_OPENCONFIRM);
}
END_TEST

/* One connection at most is examined beside the session; a newer one of the peer's replaces it. */
START_TEST(third_connection)
{
	struct ipc_endpoints ep = rig_ep();
	const char *why = NULL;
	conn_id a, b, c;

	rig_start(&r);
	a = rig_accept(&r);
	up(a);
	b = rig_accept(&r);
	ck_assert_uint_ne(b, 0);
	ck_assert_ptr_eq(r.p->up, in());
	ck_assert_int_eq(out()->state, FSM_OPENSENT);
	c = rig_accept(&r);
	ck_assert_uint_ne(c, 0);
	expect_notification(b, ERR_CEASE, CEASE_COLLISION, NULL, 0);
	ck_assert_uint_eq(out()->conn->id, c);
	ck_assert_ptr_eq(peer_conn_owner(&r.env, c), r.p);
	peer_conn_closed(&r.env, r.now, c, 0);
	ck_assert_int_eq(out()->state, FSM_IDLE);
	rig_free(&r);

	rig_init(&r, 1); /* one that we dialled stays until it is decided */
	r.conf.router_id = 0x0a000009;
	rig_start(&r);
	rig_connect(&r);
	a = rig_accept(&r);
	rig_send_open(&r, a, &theirs);
	rig_pass_us(&r, 300000);
	rig_send_keepalive(&r, a);
	ck_assert_ptr_eq(r.p->up, in());
	ck_assert_uint_eq(peer_conn_accepted(r.p, r.now, &ep, &why), 0);
	ck_assert_str_eq(why, "a session is up and another connection is being examined");
}
END_TEST

/* A wrong OPEN does not harm the session that stands, however old. */
START_TEST(wrong_open_beside_a_session)
{
	conn_id c;

	r.gr = theirs.caps.gr = (struct cap_gr){ .present = true, .time_s = 120, .families = 3 };
	rig_start(&r);
	up(rig_connect(&r));
	rig_pass_us(&r, 5 * S);
	c = rig_accept(&r);
	theirs.asn = theirs.caps.asn = 65003;
	rig_send_open(&r, c, &theirs);
	expect_notification(c, ERR_OPEN, OPEN_BAD_PEER_AS, NULL, 0);
	ck_assert_uint_eq(r.downs, 0);
	ck_assert_ptr_eq(r.p->up, out());
	ck_assert_str_eq(rig_reason(&r), "");
	ck_assert_str_eq(row().last_error, "");
}
END_TEST

/* A silent connection beside a session is given up soon: it would keep us from dialling. */
START_TEST(silent_connection_beside_a_session)
{
	conn_id up, silent;

	rig_start(&r);
	up = rig_establish(&r);
	silent = rig_accept(&r);
	ck_assert_uint_ne(silent, 0);
	peer_conn_closed(&r.env, r.now, up, 0);
	r.ntodo = 0;
	rig_pass_us(&r, 14999999);
	ck_assert_ptr_eq(peer_conn_owner(&r.env, silent), r.p);
	rig_pass_us(&r, 1);
	ck_assert_ptr_null(peer_conn_owner(&r.env, silent));
	ck_assert_str_eq(r.p->last_error, "hold timer expired: no OPEN came for 15 s");
	rig_pass_us(&r, 2000000);
	ck_assert(rig_take(&r, TODO_CONNECT, NULL));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peer_dial");
	TCase *tc = unit_case(s, "dialling");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, connects_at_once);
	tcase_add_loop_test(tc, connect_without_answer, 0, 3);
	tcase_add_test(tc, connect_fails);
	tcase_add_test(tc, answers_for_old_connects);
	tcase_add_test(tc, damping_grows_and_is_capped);
	tcase_add_loop_test(tc, lasting_session_clears_damping, 0, 2);
	tcase_add_test(tc, an_end_before_the_session_is_one_error);
	tcase_add_test(tc, the_better_connection_counts);
	tcase_add_test(tc, collisions_do_not_damp);
	tcase_add_loop_test(tc, one_end_is_one_error, 0, 4);
	tcase_add_loop_test(tc, version_refused_is_not_counted, 0, 2);
	tcase_add_test(tc, incoming_is_welcome_while_damped);
	tcase_add_test(tc, incoming_cancels_our_connect);
	tcase_add_test(tc, connection_ends_before_open);
	tcase_add_test(tc, passive_never_connects);
	tcase_add_test(tc, passive_by_configuration);

	tc = unit_case(s, "two connections");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, parked_until_the_other_open, 0, 3);
	tcase_add_loop_test(tc, parked_while_the_other_confirms, 0, 2);
	tcase_add_loop_test(tc, late_connection, 0, NROWS(late_cases));
	tcase_add_loop_test(tc, two_of_the_peers, 0, 2);
	tcase_add_test(tc, third_connection);
	tcase_add_test(tc, wrong_open_beside_a_session);
	tcase_add_test(tc, silent_connection_beside_a_session);
	return unit_run(s);
}
