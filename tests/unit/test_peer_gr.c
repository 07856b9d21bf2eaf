/*
 * Graceful restart as a peer sees it: what is agreed on, and after which ends its
 * routes are kept, gone at once, or lost.  RFC 4724 sections 3 and 4.2, RFC 8538.
 */
#include "tests/unit/peerrig.h"
#include "tests/unit/unit.h"

/* ---- what is agreed on: RFC 4724 section 3 --------------------------------------------------- */

START_TEST(no_graceful_restart_for_this_peer)
{
	uint8_t buf[4096];
	struct msg_open o;
	struct bgp_err e = { 0 };
	size_t len;

	r.gr = (struct cap_gr){ .present = true, .time_s = 120, .families = 3 };
	r.pconf.gr_enabled = false;
	theirs.caps.gr = r.gr;
	rig_start(&r);
	len = rig_output(&r, rig_accept(&r), buf, sizeof(buf));
	msg_decode_open(buf + 19, len - 19, &o, &e);
	ck_assert(!o.caps.gr.present);
	up(rig_accept(&r));
	ck_assert(!r.p->neg.gr);
	ck_assert_uint_eq(r.p->neg.gr_families, 0);
	ck_assert_uint_eq(r.p->neg.gr_time_s, 0);
}
END_TEST

START_TEST(graceful_restart_is_negotiated)
{
	struct ipc_row_peer got;

	r.gr = (struct cap_gr){ .present = true, .time_s = 120, .families = 3,
		.notification = _i & 1 };
	theirs.caps.families = _i & 4 ? 1 : 3;
	theirs.caps.gr = (struct cap_gr){ .present = true, .restarting = _i & 2,
		.notification = true, .time_s = 77, .families = 3, .forwarding = 2 };
	rig_start(&r);
	up(rig_accept(&r));
	got = row();
	ck_assert(got.gr);
	ck_assert_int_eq(got.gr_notification, _i & 1);
	ck_assert_int_eq(got.peer_restarting, !!(_i & 2));
	ck_assert_uint_eq(got.gr_peer_time_s, 77);
	ck_assert(r.p->neg.peer_gr);
	ck_assert_uint_eq(r.p->neg.gr_families, _i & 4 ? 1 : 3); /* only families in use */
	ck_assert_uint_eq(r.p->neg.gr_forwarding, _i & 4 ? 0 : 2);
	ck_assert(!got.fam[0].gr_forwarding);
	ck_assert_int_eq(got.fam[1].gr_forwarding, !(_i & 4));
}
END_TEST

/* ---- ends: RFC 4724 section 4.2 -------------------------------------------------------------- */

static bool
is_ours(enum ending how)
{
	return how == END_ADMIN_RESET || how == END_OURS || how == END_RECONFIGURED;
}

/* Routes are kept when TCP ends, and only then. */
START_TEST(what_becomes_of_routes)
{
	enum ending how = (enum ending)(_i % NENDINGS);
	unsigned gr = (unsigned)_i / NENDINGS; /* 0: neither, 1: ours alone, 2: no family, 3: both */
	bool keep = gr == 3 && (how == END_FIN || how == END_RST);
	conn_id c;

	if (gr > 0)
		r.gr = (struct cap_gr){ .present = true, .time_s = 120, .families = 3 };
	if (gr > 1)
		theirs.caps.gr = (struct cap_gr){ .present = true, .time_s = 60,
			.families = gr == 3 ? 1 : 0 };
	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	end_session(c, how);
	ck_assert_uint_eq(r.downs, 1);
	ck_assert_int_eq(r.down_how, keep ? PEER_DOWN_KEEP : is_ours(how) ? PEER_DOWN_FLUSH :
									    PEER_DOWN_LOST);
	ck_assert_ptr_null(r.p->up);
	ck_assert_uint_eq(r.p->neg.gr_families, gr == 3 ? 1 : 0); /* told until the next session */
	ck_assert_uint_eq(row().flaps, 1);
	ck_assert(!row().fam[0].negotiated);
}
END_TEST

/* ---- the N bit: RFC 8538 --------------------------------------------------------------------- */

/* With the N bit on both sides every end but a Hard Reset keeps them: RFC 8538 section 4. */
START_TEST(what_becomes_of_routes_with_n_bit)
{
	enum ending how = (enum ending)(_i % NENDINGS);
	bool both = _i >= NENDINGS, tcp = how == END_FIN || how == END_RST;
	bool hard = how == END_ADMIN_RESET || how == END_OURS;
	conn_id c;

	r.gr = (struct cap_gr){ .present = true, .notification = true, .time_s = 120,
		.families = 3 };
	theirs.caps.gr = (struct cap_gr){ .present = true, .notification = both, .time_s = 60,
		.families = 1 };
	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	end_session(c, how);
	ck_assert_uint_eq(r.downs, 1);
	ck_assert_int_eq(r.down_how,
	    tcp || (both && !hard) ? PEER_DOWN_KEEP :
	    is_ours(how)	   ? PEER_DOWN_FLUSH :
				     PEER_DOWN_LOST);
}
END_TEST

/* RFC 8538 section 3.1: the original code, subcode and data inside; who is meant for good. */
START_TEST(hard_resets)
{
	static const uint8_t deconfigured[] = { ERR_CEASE, CEASE_DECONFIGURED };
	static const uint8_t full[] = { ERR_CEASE, CEASE_MAX_PREFIXES, 0, 1, 1, 0, 0, 0, 9 };
	static const uint8_t bye[] = { ERR_CEASE, CEASE_ADMIN_SHUTDOWN, 3, 'b', 'y', 'e' };
	static const uint8_t reset[] = { ERR_CEASE, CEASE_ADMIN_RESET };
	static const uint8_t bfd_down[] = { ERR_CEASE, CEASE_BFD_DOWN };
	conn_id c = up_with_n_bit();

	switch (_i) {
	case 0:
		peer_admin_down(r.p, r.now, "bye");
		break;
	case 1:
		peer_shutdown(r.p, r.now, IPC_SHUT_STOP, "bye");
		break;
	case 2:
		peer_admin_reset(r.p, r.now, NULL);
		break;
	case 3:
		peer_end(r.p, r.now, ERR_CEASE, CEASE_MAX_PREFIXES, full + 2, sizeof(full) - 2, "", 0);
		break;
	case 4:
		peer_bfd_down(r.p, r.now, "no packet for 150 ms");
		break;
	default:
		peer_remove(r.p, r.now);
		r.p = NULL;
	}
	ck_assert_int_eq(r.down_how, PEER_DOWN_FLUSH);
	if (_i < 2)
		expect_notification(c, ERR_CEASE, CEASE_HARD_RESET, bye, sizeof(bye));
	else if (_i == 2)
		expect_notification(c, ERR_CEASE, CEASE_HARD_RESET, reset, sizeof(reset));
	else if (_i == 3)
		expect_notification(c, ERR_CEASE, CEASE_HARD_RESET, full, sizeof(full));
	else if (_i == 4)
		expect_notification(c, ERR_CEASE, CEASE_HARD_RESET, bfd_down, sizeof(bfd_down));
	else
		expect_notification(c, ERR_CEASE, CEASE_HARD_RESET, deconfigured,
		    sizeof(deconfigured));
}
END_TEST

/* What is inside a Hard Reset is told; nothing of it is believed. */
START_TEST(hard_reset_received)
{
	static const struct {
		uint8_t data[16];
		size_t octets;
		const char *why;
	} cases[] = {
		{ { ERR_CEASE, CEASE_ADMIN_SHUTDOWN, 3, 'b', 'y', 'e' }, 6,
		    "peer says Cease, Hard Reset (6/9): Cease, Administrative Shutdown (6/2): \"bye\"" },
		{ { 0 }, 0, "peer says Cease, Hard Reset (6/9)" },
		{ { ERR_CEASE }, 1, "peer says Cease, Hard Reset (6/9): Cease (6/0)" },
		{ { ERR_CEASE, CEASE_HARD_RESET, ERR_CEASE, 4 }, 4,
		    "peer says Cease, Hard Reset (6/9)" },
		{ { ERR_HOLD_TIMER, 0 }, 2,
		    "peer says Cease, Hard Reset (6/9): Hold Timer Expired (4/0): it heard nothing from "
		    "us in time" },
	};
	conn_id c = up_with_n_bit();

	rig_send_notification(&r, c, ERR_CEASE, CEASE_HARD_RESET, cases[_i].data, cases[_i].octets);
	ck_assert_int_eq(r.down_how, PEER_DOWN_FLUSH);
	ck_assert_str_eq(r.down_why, cases[_i].why);
}
END_TEST

/* A planned restart is told to those who keep routes over it, and to nobody else. */
START_TEST(restart_with_n_bit)
{
	conn_id c = up_with_n_bit();

	peer_shutdown(r.p, r.now, IPC_SHUT_RESTART, NULL);
	ck_assert_int_eq(r.down_how, PEER_DOWN_KEEP);
	ck_assert(rig_take(&r, TODO_CLOSE, NULL));
	expect_notification(c, ERR_CEASE, CEASE_ADMIN_RESET, NULL, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peer_gr");
	TCase *tc = unit_case(s, "agreed");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, no_graceful_restart_for_this_peer);
	tcase_add_loop_test(tc, graceful_restart_is_negotiated, 0, 8);

	tc = unit_case(s, "ends");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_becomes_of_routes, 0, 4 * NENDINGS);

	tc = unit_case(s, "n bit");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_becomes_of_routes_with_n_bit, 0, 2 * NENDINGS);
	tcase_add_loop_test(tc, hard_resets, 0, 6);
	tcase_add_loop_test(tc, hard_reset_received, 0, 5);
	tcase_add_test(tc, restart_with_n_bit);
	return unit_run(s);
}
