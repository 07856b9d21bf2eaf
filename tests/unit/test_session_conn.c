/*
 * The end of a session on the wire: NOTIFICATIONs out, the connection that is closing,
 * and what a connection is called and asked for.
 * RFC 4271 sections 4.5 and 6, RFC 8654 section 5, RFC 9003 section 2.
 */
#include "tests/unit/peerrig.h"
#include "tests/unit/unit.h"

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

int
main(void)
{
	Suite *s = suite_create("session_conn");
	TCase *tc = unit_case(s, "notifications");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, room_is_kept_for_a_notification);
	tcase_add_loop_test(tc, long_text_is_cut_at_a_character, 0, 4);
	tcase_add_loop_test(tc, echoed_data_is_clipped, 0, sizeof(echo_cases) / sizeof(echo_cases[0]));

	tc = unit_case(s, "connections");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, closing_connections);
	tcase_add_test(tc, closing_connection_is_not_filled);
	tcase_add_test(tc, ids_wrap);
	tcase_add_test(tc, write_is_asked_for_once);
	return unit_run(s);
}
