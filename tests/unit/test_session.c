/*
 * One session in virtual time: the OPEN exchange, and timers to the microsecond.
 * The peer around it is real, its RIB is the rig's.
 * RFC 4271 sections 4.2, 4.4, 8 and 10, RFC 9494, RFC 9687.
 */
#include "tests/unit/peerrig.h"
#include "tests/unit/unit.h"

/* ---- OPEN ------------------------------------------------------------------------------ */

START_TEST(open_exchange)
{
	static const uint8_t open[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 53, 1, 4, 0xfd, 0xe9, 0, 9, 10, 0, 0, 1, 24,
		2, 22, 1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 2, 0, 65, 4, 0, 0, 0xfd, 0xe9, 70, 0 };
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
	send_message(c, BGP_UPDATE, eor, sizeof(eor));
	ck_assert_uint_eq(r.updates, 1);
	ck_assert_uint_eq(left_us(in(), TIMER_HOLD), 9 * S);
	rig_pass_us(&r, 5 * S);
	send_message(c, BGP_ROUTE_REFRESH, v4_refresh, sizeof(v4_refresh));
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

/* ---- timers of a speaker --------------------------------------------------------------------- */

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

int
main(void)
{
	Suite *s = suite_create("session");
	TCase *tc = unit_case(s, "open");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, open_exchange);
	tcase_add_loop_test(tc, hold_time_is_negotiated, 0, NROWS(hold_cases));
	tcase_add_loop_test(tc, long_lived_restart_is_agreed, 0,
	    sizeof(llgr_cases) / sizeof(llgr_cases[0]));

	tc = unit_case(s, "timers");
	tcase_add_checked_fixture(tc, setup, teardown);
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

	tc = unit_case(s, "heap");
	tcase_add_test(tc, timer_heap);
	return unit_run(s);
}
