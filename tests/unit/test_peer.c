/*
 * A peer in virtual time: commands, what a change of its configuration does, and
 * its end.  Timers to the microsecond.
 * RFC 4486, RFC 8538, RFC 9003, RFC 9384.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/peerrig.h"
#include "tests/unit/unit.h"

/* ---- commands ------------------------------------------------------------------------------------------- */

/* Nothing is sent, as there is nobody to hear it; the peer may be restarting. */
START_TEST(link_is_lost)
{
	conn_id c = up_with_n_bit();
	struct todo t;

	(void)c;
	peer_link_lost(r.p, r.now, "interface eth0 has no carrier");
	ck_assert_int_eq(r.down_how, PEER_DOWN_KEEP);
	ck_assert_str_eq(r.down_why, "link lost: interface eth0 has no carrier");
	ck_assert(rig_take(&r, TODO_ABORT, &t));
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
	ck_assert_str_eq(rig_reason(&r),
	    "link lost: interface eth0 has no carrier; next attempt in 1 s");
	peer_link_lost(r.p, r.now, "again"); /* there is nothing left to end */
	ck_assert(!rig_take(&r, TODO_ABORT, &t));
}
END_TEST

/* RFC 9384: the session ends at once, and is tried again as after any failure. */
START_TEST(bfd_says_down)
{
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	discard(c);
	peer_bfd_down(r.p, r.now, "no packet for 150 ms");
	expect_notification(c, ERR_CEASE, CEASE_BFD_DOWN, NULL, 0);
	ck_assert_int_eq(r.down_how, PEER_DOWN_FLUSH);
	ck_assert_str_eq(r.p->last_error, "BFD: no packet for 150 ms");
	ck_assert(!r.p->admin_down);
}
END_TEST

static void
expect_text(conn_id c, uint8_t sub, const char *text)
{
	uint8_t data[256];

	data[0] = (uint8_t)strlen(text);
	memcpy(data + 1, text, data[0]);
	expect_notification(c, ERR_CEASE, sub, data, *text ? data[0] + 1u : 0);
}

START_TEST(admin_down_and_up)
{
	static const char *const texts[] = { "new cables", "", NULL };
	const char *text = texts[_i], *words = text && *text ? text : "by command";
	struct ipc_endpoints ep = rig_ep();
	char want[128];
	const char *why;
	conn_id c;

	rig_start(&r);
	c = rig_connect(&r);
	up(c);
	peer_admin_down(r.p, r.now, text);
	ck_assert(rig_take(&r, TODO_CLOSE, NULL));
	expect_text(c, CEASE_ADMIN_SHUTDOWN, text ? text : "");
	snprintf(want, sizeof(want), "administratively down: %s", words);
	ck_assert_str_eq(rig_reason(&r), want);
	ck_assert_str_eq(r.down_why, want);
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
	ck_assert_uint_eq(peer_conn_accepted(r.p, r.now, &ep, &why), 0);
	ck_assert_str_eq(why, "administratively down");
	r.ntodo = 0;
	rig_pass_us(&r, 3600 * S);
	ck_assert_uint_eq(r.ntodo, 0);
	peer_admin_up(r.p, r.now);
	ck_assert(rig_take(&r, TODO_CONNECT, NULL)); /* at once */
	ck_assert_str_eq(rig_reason(&r), "connecting to 10.0.0.2");
	ck_assert_str_eq(row().last_error, want);
	ck_assert_uint_eq(r.p->connect_retries, 0);
}
END_TEST

/* Down while it dials: the connect is cancelled. */
START_TEST(admin_down_cancels)
{
	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, NULL));
	peer_admin_down(r.p, r.now, "");
	ck_assert(rig_take(&r, TODO_CANCEL, NULL));
	ck_assert_str_eq(rig_reason(&r), "administratively down: by command");
	ck_assert_uint_eq(r.timers.n, 1);
	rig_pass_us(&r, 60 * S);
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_uint_eq(r.timers.n, 0);
}
END_TEST

START_TEST(admin_reset)
{
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	r.p->errors = 9;
	r.p->no_params = true;
	peer_admin_reset(r.p, r.now, "new filters");
	expect_text(c, CEASE_ADMIN_RESET, "new filters");
	ck_assert_str_eq(r.down_why, "reset by command");
	ck_assert(rig_take(&r, TODO_CONNECT, NULL)); /* at once */
	ck_assert_uint_eq(r.p->errors, 0);
	ck_assert(!r.p->no_params);
	ck_assert_int_eq(in()->state, FSM_ACTIVE);
}
END_TEST

/* A command ends a wait, whatever it was for. */
START_TEST(commands_end_waiting)
{
	conn_id c;

	rig_start(&r);
	c = rig_connect(&r);
	if (_i != 1) {
		rig_send_notification(&r, c, ERR_CEASE, CEASE_REJECTED, NULL, 0);
		ck_assert(runs(out(), TIMER_IDLE_HOLD));
	} else {
		peer_end(r.p, r.now, ERR_CEASE, CEASE_MAX_PREFIXES, NULL, 0, "x", UINT64_MAX);
	}
	ck_assert(!rig_take(&r, TODO_CONNECT, NULL));
	if (_i == 2)
		peer_admin_up(r.p, r.now);
	else
		peer_admin_reset(r.p, r.now, NULL);
	ck_assert(rig_take(&r, TODO_CONNECT, NULL));
}
END_TEST

/* A limit of the RIB: down for a time, then at once up again. */
START_TEST(held_down)
{
	static const uint8_t data[] = { 0, 1, 1, 0, 0, 0, 9 };
	struct ipc_endpoints ep = rig_ep();
	const char *why;
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	peer_end(r.p, r.now, ERR_CEASE, CEASE_MAX_PREFIXES, data, sizeof(data), "more than 9 prefixes",
	    60 * S);
	expect_notification(c, ERR_CEASE, CEASE_MAX_PREFIXES, data, sizeof(data));
	ck_assert_str_eq(rig_reason(&r), "more than 9 prefixes; next attempt in 60 s");
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
	ck_assert_int_eq(in()->state, FSM_IDLE);
	ck_assert_uint_eq(peer_conn_accepted(r.p, r.now, &ep, &why), 0);
	ck_assert_str_eq(why, "held down after an error");
	r.ntodo = 0;
	rig_pass_us(&r, 59 * S);
	ck_assert_str_eq(rig_reason(&r), "more than 9 prefixes; next attempt in 1 s");
	rig_pass_us(&r, 1 * S - 1);
	ck_assert_str_eq(rig_reason(&r), "more than 9 prefixes; next attempt in 1 s");
	ck_assert_uint_eq(r.ntodo, 0);
	rig_pass_us(&r, 1);
	ck_assert(rig_take(&r, TODO_CONNECT, NULL));
	ck_assert_int_eq(in()->state, FSM_ACTIVE);
	ck_assert_str_eq(rig_reason(&r), "more than 9 prefixes; connecting again");
}
END_TEST

/* For good: until a command, or the configuration, enables it again. */
START_TEST(held_down_for_good)
{
	struct ipc_conf_peer conf = r.pconf;
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	peer_end(r.p, r.now, ERR_CEASE, CEASE_MAX_PREFIXES, NULL, 0, "more than 9 prefixes", UINT64_MAX);
	ck_assert_str_eq(rig_reason(&r),
	    "more than 9 prefixes; stays down until it is reset by command");
	r.ntodo = 0;
	rig_pass_us(&r, 1000000 * S);
	ck_assert_uint_eq(r.ntodo, 0);
	switch (_i) {
	case 0:
		peer_admin_up(r.p, r.now);
		break;
	case 1:
		conf.hold_s = 30;
		ck_assert(!peer_configure(r.p, r.now, &conf)); /* there was no session to reset */
		break;
	case 2:
		conf.enabled = false;
		ck_assert(!peer_configure(r.p, r.now, &conf));
		ck_assert_str_eq(rig_reason(&r), "disabled by the configuration");
		conf.enabled = true;
		ck_assert(!peer_configure(r.p, r.now, &conf));
		break;
	case 3:
		peer_speaker_changed(r.p, r.now);
		break;
	}
	ck_assert(rig_take(&r, TODO_CONNECT, NULL));
}
END_TEST

/* Whoever is down by command has no next attempt. */
START_TEST(admin_down_while_held_down)
{
	rig_start(&r);
	up(rig_accept(&r));
	peer_end(r.p, r.now, ERR_CEASE, CEASE_MAX_PREFIXES, NULL, 0, "x", 60 * S);
	peer_admin_down(r.p, r.now, "");
	ck_assert_str_eq(rig_reason(&r), "administratively down: by command");
	r.ntodo = 0;
	rig_pass_us(&r, 61 * S);
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_str_eq(rig_reason(&r), "administratively down: by command");
}
END_TEST

/* ---- configuration ---------------------------------------------------------------------------------------- */

static void set_addr(struct ipc_conf_peer *c) { ck_assert(ip_addr_parse("10.0.0.3", &c->addr)); }
static void set_mode(struct ipc_conf_peer *c) { c->asn_mode = IPC_ASN_EXTERNAL; }
static void set_asn(struct ipc_conf_peer *c) { c->asn = 65009; }
static void set_local_asn(struct ipc_conf_peer *c) { c->local_asn = 65100; }
static void set_families(struct ipc_conf_peer *c) { c->families = 1; }
static void set_hold(struct ipc_conf_peer *c) { c->hold_s = 10; }
static void set_keepalive(struct ipc_conf_peer *c) { c->keepalive_s = 1; }
static void set_gr(struct ipc_conf_peer *c) { c->gr_enabled = false; }
static void set_ext_msg(struct ipc_conf_peer *c) { c->ext_msg = !c->ext_msg; }
static void set_ext_next_hop(struct ipc_conf_peer *c) { c->ext_next_hop = IPC_OFF; }
static void set_given(struct ipc_conf_peer *c) { c->next_hop[0].af = IP4; }
static void set_send_hold(struct ipc_conf_peer *c) { c->send_hold_s = 30; }
static void set_transport(struct ipc_conf_peer *c) { c->transport++; }
static void set_nothing(struct ipc_conf_peer *c) { }
static void set_name(struct ipc_conf_peer *c) { strcpy(c->name, "tor9"); }
static void set_passive(struct ipc_conf_peer *c) { c->passive = true; }
static void set_onlink(struct ipc_conf_peer *c) { c->onlink = true; }
static void set_client(struct ipc_conf_peer *c) { c->rr_client = true; }
static void set_import(struct ipc_conf_peer *c) { c->import_all = true; }
static void set_export(struct ipc_conf_peer *c) { c->export_all = true; }
static void set_next_hop(struct ipc_conf_peer *c) { c->next_hop_mode = IPC_NEXTHOP_SELF; }
static void set_addpath_rx(struct ipc_conf_peer *c) { c->addpath_receive = true; }
static void set_addpath_tx(struct ipc_conf_peer *c) { c->addpath_send = IPC_ADDPATH_ALL; }
static void set_addpath_max(struct ipc_conf_peer *c) { c->addpath_max = 9; }
static void set_retry(struct ipc_conf_peer *c) { c->connect_retry_ms = 9000; }
static void set_maxpfx(struct ipc_conf_peer *c) { c->maxpfx[1].limit = 5; }

static const struct {
	void (*set)(struct ipc_conf_peer *c);
	bool resets;
} settings[] = {
	{ set_addr, true }, { set_mode, true }, { set_asn, true }, { set_local_asn, true },
	{ set_families, true }, { set_hold, true }, { set_keepalive, true }, { set_gr, true },
	{ set_transport, true }, { set_ext_msg, true }, { set_ext_next_hop, true },
	{ set_given, false }, { set_send_hold, false },
	{ set_addpath_rx, true }, { set_addpath_tx, true }, { set_addpath_max, false },
	{ set_nothing, false }, { set_name, false }, { set_passive, false }, { set_onlink, false },
	{ set_client, false }, { set_import, false }, { set_export, false },
	{ set_next_hop, false }, { set_retry, false }, { set_maxpfx, false },
};

/* RFC 4486: Other Configuration Change. */
START_TEST(configure_while_up)
{
	struct ipc_conf_peer conf = r.pconf;
	bool resets = settings[_i].resets;
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	r.p->errors = 5;
	r.p->no_params = true;
	settings[_i].set(&conf);
	ck_assert_int_eq(peer_configure(r.p, r.now, &conf), resets);
	ck_assert_mem_eq(&r.p->conf, &conf, sizeof(conf));
	ck_assert_uint_eq(r.downs, resets);
	if (!resets) {
		ck_assert_uint_eq(r.ntodo, 0);
		ck_assert_uint_eq(r.p->errors, 5);
		ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
		return;
	}
	ck_assert(rig_take(&r, TODO_CLOSE, NULL));
	expect_notification(c, ERR_CEASE, CEASE_OTHER_CHANGE, NULL, 0);
	ck_assert_str_eq(r.down_why, "its configuration has changed");
	ck_assert(rig_take(&r, TODO_CONNECT, NULL)); /* at once */
	ck_assert_uint_eq(r.p->errors, 0);
	ck_assert(!r.p->no_params);
	ck_assert(!peer_configure(r.p, r.now, &conf) || r.ntodo == 0);
}
END_TEST

/* Without a session: what is under way starts again, and whether there was something is told. */
START_TEST(configure_while_not_up)
{
	struct ipc_conf_peer conf = r.pconf;
	struct todo was, t;
	conn_id c;

	conf.hold_s = 30;
	rig_start(&r);
	switch (_i) {
	case 0: /* dialling */
		ck_assert(rig_take(&r, TODO_CONNECT, &was));
		ck_assert(peer_configure(r.p, r.now, &conf));
		ck_assert(rig_take(&r, TODO_CANCEL, &t));
		ck_assert_uint_eq(t.token, was.token);
		break;
	case 1: /* damped */
		c = rig_connect(&r);
		rig_send_notification(&r, c, ERR_CEASE, CEASE_REJECTED, NULL, 0);
		ck_assert(!peer_configure(r.p, r.now, &conf));
		break;
	case 2: /* OpenSent, dialled by the peer */
		ck_assert(rig_take(&r, TODO_CONNECT, &was));
		peer_conn_failed(r.p, r.now, was.token, ECONNREFUSED, "");
		c = rig_accept(&r);
		ck_assert(peer_configure(r.p, r.now, &conf));
		expect_notification(c, ERR_CEASE, CEASE_OTHER_CHANGE, NULL, 0);
		break;
	}
	ck_assert(rig_take(&r, TODO_CONNECT, NULL)); /* at once */
	ck_assert(!rig_take(&r, TODO_CONNECT, NULL));
	ck_assert_int_eq(in()->state, FSM_ACTIVE);
}
END_TEST

/* Other settings of the same neighbour keep its routes, another neighbour's do not. */
START_TEST(configuration_with_n_bit)
{
	struct ipc_conf_peer conf = r.pconf;

	up_with_n_bit();
	if (_i)
		set_asn(&conf);
	else
		set_hold(&conf);
	ck_assert(peer_configure(r.p, r.now, &conf));
	ck_assert_int_eq(r.down_how, _i ? PEER_DOWN_FLUSH : PEER_DOWN_KEEP);
}
END_TEST

START_TEST(disabled_by_configuration)
{
	struct ipc_conf_peer conf = r.pconf;
	struct ipc_endpoints ep = rig_ep();
	const char *why;
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	conf.enabled = false;
	ck_assert(peer_configure(r.p, r.now, &conf));
	expect_notification(c, ERR_CEASE, CEASE_ADMIN_SHUTDOWN, NULL, 0);
	ck_assert_str_eq(r.down_why, "disabled by the configuration");
	ck_assert_str_eq(rig_reason(&r), "disabled by the configuration");
	ck_assert(!peer_configure(r.p, r.now, &conf));
	ck_assert_uint_eq(peer_conn_accepted(r.p, r.now, &ep, &why), 0);
	ck_assert_str_eq(why, "disabled by the configuration");
	r.ntodo = 0;
	rig_pass_us(&r, 60 * S);
	ck_assert_uint_eq(r.ntodo, 0);
	peer_admin_up(r.p, r.now); /* the configuration says no */
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_str_eq(rig_reason(&r), "disabled by the configuration");
	conf.enabled = true;
	ck_assert(!peer_configure(r.p, r.now, &conf));
	ck_assert(rig_take(&r, TODO_CONNECT, NULL));
	ck_assert_str_eq(rig_reason(&r), "connecting to 10.0.0.2");
	ck_assert_str_eq(row().last_error, "disabled by the configuration");
}
END_TEST

START_TEST(enabled_again_forgets_why_it_was_off)
{
	struct ipc_conf_peer conf = r.pconf;

	rig_start(&r);
	conf.enabled = false;
	ck_assert(peer_configure(r.p, r.now, &conf));
	ck_assert_str_eq(rig_reason(&r), "disabled by the configuration");
	conf.enabled = true;
	r.ntodo = 0;
	ck_assert(!peer_configure(r.p, r.now, &conf));
	ck_assert(rig_take(&r, TODO_CONNECT, NULL));
	ck_assert_str_eq(rig_reason(&r), "connecting to 10.0.0.2");
}
END_TEST

/* Made disabled: nothing happens until it is enabled. */
START_TEST(starts_disabled)
{
	r.pconf.enabled = false;
	rig_start(&r);
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_str_eq(rig_reason(&r), "disabled by the configuration");
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
	r.pconf.enabled = true;
	ck_assert(!peer_configure(r.p, r.now, &r.pconf));
	ck_assert(rig_take(&r, TODO_CONNECT, NULL));
}
END_TEST

START_TEST(speaker_changed)
{
	uint8_t buf[4096];
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	r.conf.router_id = 0x0a0000ff;
	peer_speaker_changed(r.p, r.now);
	expect_notification(c, ERR_CEASE, CEASE_OTHER_CHANGE, NULL, 0);
	c = rig_connect(&r);
	ck_assert_uint_gt(rig_output(&r, c, buf, sizeof(buf)), 28);
	ck_assert_mem_eq(buf + 24, ((uint8_t[]){ 10, 0, 0, 255 }), 4);
}
END_TEST

/* ---- the end ------------------------------------------------------------------------------------------------ */

/* RFC 4486: Peer De-configured; its connection says so after the peer is gone. */
START_TEST(removed)
{
	struct todo t;
	conn_id c;

	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	peer_remove(r.p, r.now);
	r.p = NULL;
	ck_assert_uint_eq(r.downs, 1);
	ck_assert_int_eq(r.down_how, PEER_DOWN_FLUSH);
	ck_assert_str_eq(r.down_why, "removed from the configuration");
	ck_assert(rig_take(&r, TODO_CLOSE, &t));
	ck_assert_uint_eq(t.conn, c);
	ck_assert_ptr_null(peer_conn_owner(&r.env, c));
	expect_notification(c, ERR_CEASE, CEASE_DECONFIGURED, NULL, 0);
	ck_assert_uint_eq(peer_env_conns(&r.env), 0);
	ck_assert(!rig_take(&r, TODO_CONNECT, NULL));
}
END_TEST

START_TEST(removed_while_dialling)
{
	struct todo was, t;

	rig_start(&r);
	ck_assert(rig_take(&r, TODO_CONNECT, &was));
	peer_remove(r.p, r.now);
	r.p = NULL;
	ck_assert(rig_take(&r, TODO_CANCEL, &t));
	ck_assert_uint_eq(t.token, was.token);
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_uint_eq(r.downs, 0);
}
END_TEST

/* The speaker ends: with a Cease, or, to be back soon, without a word (RFC 4724 section 4). */
START_TEST(shutdown_modes)
{
	struct ipc_endpoints ep = rig_ep();
	uint8_t buf[4096];
	struct todo t;
	const char *why;
	conn_id c;

	rig_start(&r);
	c = rig_connect(&r);
	up(c);
	peer_shutdown(r.p, r.now, _i ? IPC_SHUT_STOP : IPC_SHUT_RESTART, "upgrade");
	ck_assert(rig_take(&r, _i ? TODO_CLOSE : TODO_ABORT, &t));
	ck_assert(!rig_take(&r, _i ? TODO_ABORT : TODO_CLOSE, NULL));
	ck_assert_uint_eq(t.conn, c);
	if (_i)
		expect_text(c, CEASE_ADMIN_SHUTDOWN, "upgrade");
	ck_assert_uint_eq(rig_output(&r, c, buf, sizeof(buf)), 0);
	ck_assert_uint_eq(peer_env_conns(&r.env), 0);
	ck_assert_uint_eq(r.p->msgs_out[BGP_NOTIFICATION], (unsigned)_i);
	ck_assert_str_eq(r.down_why, "this speaker ends");
	ck_assert_uint_eq(peer_conn_accepted(r.p, r.now, &ep, &why), 0);
	ck_assert_str_eq(why, "shut down");
	ck_assert_str_eq(rig_reason(&r), "shut down");
	r.ntodo = 0;
	rig_pass_us(&r, 600 * S);
	ck_assert_uint_eq(r.ntodo, 0);
}
END_TEST

/* Freed in every state without a word. */
START_TEST(freed)
{
	rig_start(&r);
	if (_i == 1)
		rig_accept(&r);
	if (_i >= 2)
		up(rig_connect(&r));
	if (_i == 3)
		peer_admin_reset(r.p, r.now, "x"); /* with a connection that lingers */
	r.ntodo = 0;
	peer_free(r.p);
	r.p = NULL;
	ck_assert_uint_eq(r.ntodo, 0);
	ck_assert_uint_eq(r.downs, _i == 3);
	ck_assert_uint_eq(peer_env_conns(&r.env), _i == 3);
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
	TCase *tc = unit_case(s, "commands");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, link_is_lost);
	tcase_add_test(tc, bfd_says_down);
	tcase_add_loop_test(tc, admin_down_and_up, 0, 3);
	tcase_add_test(tc, admin_down_cancels);
	tcase_add_test(tc, admin_reset);
	tcase_add_loop_test(tc, commands_end_waiting, 0, 3);
	tcase_add_test(tc, held_down);
	tcase_add_loop_test(tc, held_down_for_good, 0, 4);
	tcase_add_test(tc, admin_down_while_held_down);

	tc = unit_case(s, "configuration");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, configure_while_up, 0, NROWS(settings));
	tcase_add_loop_test(tc, configure_while_not_up, 0, 3);
	tcase_add_loop_test(tc, configuration_with_n_bit, 0, 2);
	tcase_add_test(tc, disabled_by_configuration);
	tcase_add_test(tc, enabled_again_forgets_why_it_was_off);
	tcase_add_test(tc, starts_disabled);
	tcase_add_test(tc, speaker_changed);

	tc = unit_case(s, "the end");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, removed);
	tcase_add_test(tc, removed_while_dialling);
	tcase_add_loop_test(tc, shutdown_modes, 0, 2);
	tcase_add_loop_test(tc, freed, 0, 4);
	tcase_add_test(tc, peers_are_small);
	return unit_run(s);
}
