/*
 * OPENs: which ones a peer takes, what is agreed on, what our own says, and the
 * second try without optional parameters.
 * RFC 4271 sections 4.2 and 6.2, RFC 4760 section 8, RFC 5492, RFC 6286, RFC 6793,
 * RFC 7607, RFC 7911, RFC 8950.
 */
#include <stdio.h>

#include "tests/unit/peerrig.h"
#include "tests/unit/unit.h"

/* ---- OPENs that are refused ------------------------------------------------------------------- */

struct refusal {
	const char *name;
	uint8_t mode;		     /* enum ipc_asn_mode */
	uint32_t asn, local_asn;     /* configured */
	uint8_t families;	     /* configured */
	const uint8_t *open;	     /* body of theirs */
	size_t open_octets;
	uint8_t sub;
	const uint8_t *data;
	size_t octets;
	const char *why;
};

#define NUM IPC_ASN_NUMBER
#define INT IPC_ASN_INTERNAL
#define EXT IPC_ASN_EXTERNAL

static const struct refusal refusals[] = {
	{ "version 3: RFC 4271 section 6.2", NUM, 65002, 0, 3,
	    HEX(3, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 0), OPEN_BAD_VERSION, HEX(0, 4),
	    "we refuse its OPEN (octet 19): its version is not 4" },
	{ "version 5", NUM, 65002, 0, 3, HEX(5, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 0),
	    OPEN_BAD_VERSION, HEX(0, 4), "we refuse its OPEN (octet 19): its version is not 4" },
	{ "another AS", NUM, 65002, 0, 3, HEX(4, 0xfd, 0xeb, 0, 9, 10, 0, 0, 2, 0),
	    OPEN_BAD_PEER_AS, NULL, 0, "we expect AS 65002, its OPEN says 65003" },
	{ "another AS in the capability: RFC 6793 section 4.1", NUM, 65002, 0, 3,
	    HEX(4, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 8, 2, 6, 65, 4, 0, 1, 0xfd, 0xea),
	    OPEN_BAD_PEER_AS, NULL, 0, "we expect AS 65002, its OPEN says 130538" },
	{ "internal is expected", INT, 0, 0, 3, HEX(4, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 0),
	    OPEN_BAD_PEER_AS, NULL, 0,
	    "we expect an internal peer (AS 65001), its OPEN says AS 65002" },
	{ "internal to the AS that we show it", INT, 0, 65100, 3,
	    HEX(4, 0xfd, 0xe9, 0, 9, 10, 0, 0, 2, 0), OPEN_BAD_PEER_AS, NULL, 0,
	    "we expect an internal peer (AS 65100), its OPEN says AS 65001" },
	{ "external is expected", EXT, 0, 0, 3, HEX(4, 0xfd, 0xe9, 0, 9, 10, 0, 0, 2, 0),
	    OPEN_BAD_PEER_AS, NULL, 0,
	    "we expect an external peer, its OPEN says our own AS 65001" },
	{ "AS 0: RFC 7607 section 2", EXT, 0, 0, 3, HEX(4, 0, 0, 0, 9, 10, 0, 0, 2, 0),
	    OPEN_BAD_PEER_AS, HEX(0, 0), "we refuse its OPEN (octet 20): its AS number is 0" },
	{ "AS 0 in the capability: RFC 7607 section 2", EXT, 0, 0, 3,
	    HEX(4, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 8, 2, 6, 65, 4, 0, 0, 0, 0), OPEN_BAD_PEER_AS,
	    NULL, 0, "we refuse its OPEN (octet 37): the AS number in its capability is 0" },
	{ "identifier 0: RFC 6286 section 2.1", NUM, 65002, 0, 3,
	    HEX(4, 0xfd, 0xea, 0, 9, 0, 0, 0, 0, 0), OPEN_BAD_ID, HEX(0, 0, 0, 0),
	    "we refuse its OPEN (octet 24): its BGP identifier is 0" },
	{ "our own identifier in our AS: RFC 6286 section 2.2", INT, 0, 0, 3,
	    HEX(4, 0xfd, 0xe9, 0, 9, 10, 0, 0, 1, 0), OPEN_BAD_ID, NULL, 0,
	    "its BGP identifier 10.0.0.1 is our own" },
	{ "hold time 1: RFC 4271 section 6.2", NUM, 65002, 0, 3,
	    HEX(4, 0xfd, 0xea, 0, 1, 10, 0, 0, 2, 0), OPEN_BAD_HOLD_TIME, HEX(0, 1),
	    "we refuse its OPEN (octet 22): its hold time is under 3 s and not 0" },
	{ "hold time 2", NUM, 65002, 0, 3, HEX(4, 0xfd, 0xea, 0, 2, 10, 0, 0, 2, 0),
	    OPEN_BAD_HOLD_TIME, HEX(0, 2),
	    "we refuse its OPEN (octet 22): its hold time is under 3 s and not 0" },
	{ "unknown optional parameter: RFC 4271 section 6.2", NUM, 65002, 0, 3,
	    HEX(4, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 2, 1, 0), OPEN_BAD_PARAMETER, NULL, 0,
	    "we refuse its OPEN (octet 29): an optional parameter is unknown" },
	{ "parameters overrun: RFC 4271 section 6.2", NUM, 65002, 0, 3,
	    HEX(4, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 3, 2, 0), OPEN_UNSPECIFIC, NULL, 0, NULL },
	{ "no IPv6: RFC 5492 section 5", NUM, 65002, 0, 2,
	    HEX(4, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 8, 2, 6, 1, 4, 0, 1, 0, 1), OPEN_BAD_CAPABILITY,
	    HEX(1, 4, 0, 2, 0, 1),
	    "no address family in common: we want ipv6-unicast, it offers ipv4-unicast" },
	{ "no IPv4", NUM, 65002, 0, 1,
	    HEX(4, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 8, 2, 6, 1, 4, 0, 2, 0, 1), OPEN_BAD_CAPABILITY,
	    HEX(1, 4, 0, 1, 0, 1),
	    "no address family in common: we want ipv4-unicast, it offers ipv6-unicast" },
	{ "without capabilities it has IPv4 alone: RFC 4760 section 8", NUM, 65002, 0, 2,
	    HEX(4, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 0), OPEN_BAD_CAPABILITY, HEX(1, 4, 0, 2, 0, 1),
	    "no address family in common: we want ipv6-unicast, it offers ipv4-unicast" },
	{ "L2VPN alone", NUM, 65002, 0, 3,
	    HEX(4, 0xfd, 0xea, 0, 9, 10, 0, 0, 2, 8, 2, 6, 1, 4, 0, 25, 0, 70), OPEN_BAD_CAPABILITY,
	    HEX(1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1),
	    "no address family in common: we want ipv4-unicast or ipv6-unicast, it offers neither" },
};

START_TEST(open_is_refused)
{
	const struct refusal *t = &refusals[_i];
	uint8_t buf[128];
	struct wr w = wr_init(buf, sizeof(buf));
	size_t mark = msg_open(&w, BGP_OPEN);
	conn_id c;

	wr_bytes(&w, t->open, t->open_octets);
	msg_close(&w, mark);
	r.pconf.asn_mode = t->mode;
	r.pconf.asn = t->asn;
	r.pconf.local_asn = t->local_asn;
	r.pconf.families = t->families;
	rig_start(&r);
	c = rig_connect(&r);
	ck_assert_uint_eq(rig_input(&r, c, buf, wr_len(&w)), wr_len(&w));
	ck_assert(rig_take(&r, TODO_CLOSE, NULL));
	expect_notification(c, ERR_OPEN, t->sub, t->data, t->octets);
	ck_assert_int_eq(peer_state(r.p), FSM_IDLE);
	ck_assert_uint_eq(r.ups, 0);
	ck_assert_uint_eq(r.p->connect_retries, 1);
	rig_pass_us(&r, 5);
	ck_assert_uint_eq(row().last_error_age_us, 5);
	if (t->why) {
		char want[IPC_TEXT_MAX + 32];

		ck_assert_str_eq(r.p->last_error, t->why);
		snprintf(want, sizeof(want), "%s; next attempt in 1 s", t->why);
		ck_assert_str_eq(rig_reason(&r), want);
		ck_assert_str_eq(r.last_event, "peer-failed");
		snprintf(want, sizeof(want), "state=OpenSent why=\"%s\"", t->why);
		ck_assert_str_eq(r.last_text, want);
		ck_assert_int_eq(r.last_level, LOG_WARN);
	}
}
END_TEST

/* ---- OPENs that are taken ----------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint8_t mode;
	uint32_t asn, local_asn; /* configured */
	uint32_t their_asn, their_id;
	bool as4;
	bool ebgp;
} accepted[] = {
	{ "by number", NUM, 65002, 0, 65002, 0x0a000002, true, true },
	{ "own AS by number", NUM, 65001, 0, 65001, 0x0a000002, true, false },
	{ "internal", INT, 0, 0, 65001, 0x0a000002, true, false },
	{ "internal to local AS", INT, 0, 65100, 65100, 0x0a000002, true, false },
	{ "external", EXT, 0, 0, 65002, 0x0a000002, true, true },
	{ "external to local AS", EXT, 0, 65100, 65001, 0x0a000002, true, true },
	{ "our identifier in another AS: RFC 6286", NUM, 65002, 0, 65002, 0x0a000001, true, true },
	{ "4-octet AS: RFC 6793", NUM, 4200000001, 0, 4200000001, 0x0a000002, true, true },
	{ "2-octet peer", NUM, 65002, 0, 65002, 0x0a000002, false, true },
	{ "2-octet peer in AS_TRANS: RFC 6793 section 9", NUM, 23456, 0, 23456, 0x0a000002, false, true },
	{ "2-octet internal peer", INT, 0, 0, 65001, 0x0a000002, false, false },
};

START_TEST(open_is_taken)
{
	struct ipc_row_peer got;
	conn_id c;

	r.pconf.asn_mode = accepted[_i].mode;
	r.pconf.asn = accepted[_i].asn;
	r.pconf.local_asn = accepted[_i].local_asn;
	theirs.asn = theirs.caps.asn = accepted[_i].their_asn;
	theirs.id = accepted[_i].their_id;
	theirs.caps.as4 = accepted[_i].as4;
	rig_start(&r);
	got = row();
	ck_assert_uint_eq(got.remote_asn, accepted[_i].mode == INT ? got.local_asn : accepted[_i].asn);
	c = rig_accept(&r);
	up(c);
	got = row();
	ck_assert_uint_eq(got.remote_asn, accepted[_i].their_asn);
	ck_assert_uint_eq(got.local_asn, accepted[_i].local_asn ? accepted[_i].local_asn : 65001);
	ck_assert_uint_eq(got.remote_id, accepted[_i].their_id);
	ck_assert_int_eq(got.internal, !accepted[_i].ebgp);
	ck_assert_int_eq(got.as4, accepted[_i].as4);
	ck_assert_int_eq(r.p->neg.ebgp, accepted[_i].ebgp);
	ck_assert_int_eq(r.p->ctx.ebgp, accepted[_i].ebgp);
	ck_assert_int_eq(r.p->ctx.as4, accepted[_i].as4);
	ck_assert_uint_eq(r.p->ctx.max_octets, 4096);
	ck_assert_ptr_eq(r.p->ctx.ep, &r.p->ep);
}
END_TEST

/* What it is told as: no AS at all when any external one is welcome. */
START_TEST(asn_shown_before_a_session)
{
	static const struct {
		uint8_t mode;
		uint32_t asn;
		uint32_t remote;
		bool internal;
	} cases[] = { { NUM, 65002, 65002, false }, { NUM, 65001, 65001, true },
		{ INT, 0, 65001, true }, { EXT, 0, 0, false } };
	struct ipc_row_peer got;

	r.pconf.asn_mode = cases[_i].mode;
	r.pconf.asn = cases[_i].asn;
	rig_start(&r);
	got = row();
	ck_assert_uint_eq(got.remote_asn, cases[_i].remote);
	ck_assert_int_eq(got.internal, cases[_i].internal);
}
END_TEST

/* What two sides offer, and what is used: RFC 4760 section 8, RFC 2918. */
static const struct {
	uint8_t ours, theirs;
	bool mp, refresh;
	uint8_t want;
	const char *event;
} family_cases[] = {
	{ 3, 3, true, true, 3,
	    "as=65002 id=10.0.0.2 families=ipv4-unicast,ipv6-unicast hold_s=9 dir=in" },
	{ 3, 1, true, false, 1, "as=65002 id=10.0.0.2 families=ipv4-unicast hold_s=9 dir=in" },
	{ 2, 3, true, true, 2, "as=65002 id=10.0.0.2 families=ipv6-unicast hold_s=9 dir=in" },
	{ 3, 0, false, true, 1, "as=65002 id=10.0.0.2 families=ipv4-unicast hold_s=9 dir=in" },
};

START_TEST(families_in_common)
{
	struct ipc_row_peer got;

	r.pconf.families = family_cases[_i].ours;
	theirs.caps.mp = family_cases[_i].mp;
	theirs.caps.families = family_cases[_i].theirs;
	theirs.caps.refresh = family_cases[_i].refresh;
	rig_start(&r);
	up(rig_accept(&r));
	got = row();
	ck_assert_uint_eq(r.p->neg.families, family_cases[_i].want);
	ck_assert_uint_eq(r.p->ctx.families, family_cases[_i].want);
	for (unsigned i = 0; i < AF_COUNT; i++)
		ck_assert_int_eq(got.fam[i].negotiated, !!(family_cases[_i].want & 1 << i));
	ck_assert_int_eq(got.refresh, family_cases[_i].refresh);
	ck_assert_str_eq(r.last_event, "peer-up");
	ck_assert_str_eq(r.last_text, family_cases[_i].event);
}
END_TEST

/* Our OPEN: AS_TRANS in the header when the AS has more than 16 bits: RFC 6793 section 4.2.2. */
START_TEST(our_open)
{
	uint8_t buf[4096];
	struct msg_open o;
	struct bgp_err e = { 0 };
	size_t len;

	r.pconf.local_asn = 4200000000;
	r.pconf.hold_s = 180;
	r.pconf.families = 2;
	r.conf.router_id = 0xc0000201;
	r.gr = (struct cap_gr){ .present = true, .restarting = true, .notification = true,
		.time_s = 300, .families = 3, .forwarding = 3 };
	rig_start(&r);
	len = rig_output(&r, rig_accept(&r), buf, sizeof(buf));
	msg_decode_open(buf + 19, len - 19, &o, &e);
	ck_assert_int_eq(e.act, ACT_NONE);
	ck_assert_uint_eq(o.asn2, 23456);
	ck_assert_uint_eq(o.asn, 4200000000);
	ck_assert_uint_eq(o.hold_s, 180);
	ck_assert_uint_eq(o.id, 0xc0000201);
	ck_assert_uint_eq(o.caps.families, 2);
	ck_assert(o.caps.refresh && o.caps.as4 && !o.caps.ext_msg && o.caps.enhanced_refresh);
	ck_assert(o.caps.gr.present && o.caps.gr.restarting && o.caps.gr.notification);
	ck_assert_uint_eq(o.caps.gr.time_s, 300);
	ck_assert_uint_eq(o.caps.gr.families, 2); /* only what is configured */
	ck_assert_uint_eq(o.caps.gr.forwarding, 2);
}
END_TEST

/* RFC 8950 section 4: by itself on sessions over IPv6, and never without IPv4. */
static const struct {
	uint8_t mode, families;
	bool over6, want;
} ext_next_hop_cases[] = {
	{ IPC_AUTO, 3, false, false },
	{ IPC_AUTO, 3, true, true },
	{ IPC_AUTO, 2, true, false },
	{ IPC_ON, 3, false, true },
	{ IPC_ON, 2, false, false },
	{ IPC_OFF, 3, true, false },
};

START_TEST(extended_next_hop_is_offered)
{
	struct ipc_endpoints ep = rig_ep();
	struct msg_open o = theirs;
	uint8_t buf[4096];
	struct bgp_err e = { 0 };
	const char *why;
	conn_id c;
	size_t len;

	if (ext_next_hop_cases[_i].over6) {
		ck_assert(ip_addr_parse("2001:db8::1", &ep.local));
		ck_assert(ip_addr_parse("2001:db8::2", &ep.remote));
	}
	r.pconf.ext_next_hop = ext_next_hop_cases[_i].mode;
	r.pconf.families = ext_next_hop_cases[_i].families;
	rig_start(&r);
	c = peer_conn_accepted(r.p, r.now, &ep, &why);
	len = rig_output(&r, c, buf, sizeof(buf));
	msg_decode_open(buf + 19, len - 19, &o, &e);
	ck_assert_int_eq(e.act, ACT_NONE);
	ck_assert_int_eq(o.caps.ext_next_hop, ext_next_hop_cases[_i].want);
	o = theirs;
	o.caps.ext_next_hop = true;
	rig_send_open(&r, c, &o);
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(r.p->neg.ext_next_hop, ext_next_hop_cases[_i].want);
	ck_assert_int_eq(r.p->ctx.ext_next_hop, ext_next_hop_cases[_i].want);
}
END_TEST

/* Per family and direction: RFC 7911 section 5. */
START_TEST(add_path_is_negotiated)
{
	uint8_t buf[4096];
	struct msg_open o;
	struct bgp_err e = { 0 };
	struct ipc_row_peer got;
	size_t len;

	r.pconf.addpath_receive = _i & 1;
	r.pconf.addpath_send = _i & 2 ? IPC_ADDPATH_EQUAL : IPC_ADDPATH_NONE;
	r.pconf.addpath_max = 4;
	theirs.caps.families = 3;
	theirs.caps.addpath_tx = 1;
	theirs.caps.addpath_rx = 2;
	rig_start(&r);
	len = rig_output(&r, rig_accept(&r), buf, sizeof(buf));
	msg_decode_open(buf + 19, len - 19, &o, &e);
	ck_assert_uint_eq(o.caps.addpath_rx, _i & 1 ? 3 : 0);
	ck_assert_uint_eq(o.caps.addpath_tx, _i & 2 ? 3 : 0);
	up(rig_accept(&r));
	ck_assert_uint_eq(r.p->ctx.addpath_rx, _i & 1 ? 1 : 0);
	ck_assert_uint_eq(r.p->ctx.addpath_tx, _i & 2 ? 2 : 0);
	got = row();
	ck_assert(got.fam[0].addpath_rx == (_i & 1) && !got.fam[0].addpath_tx);
	ck_assert(!got.fam[1].addpath_rx && got.fam[1].addpath_tx == !!(_i & 2));
}
END_TEST

/* ---- optional parameters refused: RFC 5492 section 3 ---------------------------------------------------- */

static bool
open_has_params(conn_id c)
{
	uint8_t buf[4096];
	size_t len = rig_output(&r, c, buf, sizeof(buf));

	ck_assert_int_eq(rig_type(buf, len), BGP_OPEN);
	return buf[28] != 0;
}

START_TEST(fallback_without_parameters)
{
	conn_id c;

	rig_start(&r);
	c = rig_connect(&r);
	ck_assert(open_has_params(c));
	rig_send_notification(&r, c, ERR_OPEN, OPEN_BAD_PARAMETER, NULL, 0);
	ck_assert_str_eq(r.p->last_error, "peer says OPEN Message Error, Unsupported Optional Parameter "
					  "(2/4): it refuses optional parameters");
	c = rig_connect(&r); /* at once */
	ck_assert_uint_eq(r.p->errors, 0);
	ck_assert(!open_has_params(c));
	r.gr = theirs.caps.gr = (struct cap_gr){ .present = true, .time_s = 9, .families = 3 };
	rig_send_open(&r, c, &theirs);
	rig_send_keepalive(&r, c);
	ck_assert_ptr_eq(r.p->up, out());
	ck_assert_uint_eq(r.p->neg.families, AF_BIT(IP4));
	ck_assert(!r.p->neg.as4 && !r.p->neg.refresh && !r.p->neg.gr);
	rig_send_notification(&r, c, ERR_CEASE, CEASE_ADMIN_RESET, NULL, 0);
	c = rig_accept(&r);
	ck_assert(open_has_params(c)); /* after a session: the usual OPEN */
}
END_TEST

START_TEST(fallback_is_refused_too)
{
	conn_id c;

	rig_start(&r);
	c = rig_connect(&r);
	rig_send_notification(&r, c, ERR_OPEN, OPEN_BAD_PARAMETER, NULL, 0);
	c = rig_connect(&r);
	ck_assert(!open_has_params(c));
	rig_send_notification(&r, c, ERR_OPEN, OPEN_BAD_PARAMETER, NULL, 0);
	ck_assert_uint_eq(r.p->errors, 1);
	ck_assert(!rig_take(&r, TODO_CONNECT, NULL));
	ck_assert_uint_ge(left_us(out(), TIMER_IDLE_HOLD), 750000);
	rig_pass_us(&r, 1 * S);
	c = rig_connect(&r);
	ck_assert(open_has_params(c));
}
END_TEST

/*
 * Not without IPv4, which is all that an OPEN without parameters has; not in Established;
 * not for a peer that sent capabilities itself.
 */
START_TEST(no_fallback)
{
	conn_id c;

	r.pconf.families = _i == 0 ? 2 : 3;
	rig_start(&r);
	c = rig_connect(&r);
	if (_i == 1)
		up(c);
	if (_i == 3)
		rig_send_open(&r, c, &theirs);
	rig_send_notification(&r, c, ERR_OPEN, _i == 2 ? OPEN_BAD_CAPABILITY : OPEN_BAD_PARAMETER,
	    NULL, 0);
	ck_assert(!r.p->no_params);
	ck_assert_uint_eq(r.p->errors, 1);
	ck_assert(!rig_take(&r, TODO_CONNECT, NULL));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peer_open");
	TCase *tc = unit_case(s, "refused");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, open_is_refused, 0, NROWS(refusals));

	tc = unit_case(s, "taken");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, open_is_taken, 0, NROWS(accepted));
	tcase_add_loop_test(tc, asn_shown_before_a_session, 0, 4);
	tcase_add_loop_test(tc, families_in_common, 0, NROWS(family_cases));
	tcase_add_test(tc, our_open);
	tcase_add_loop_test(tc, extended_next_hop_is_offered, 0,
	    sizeof(ext_next_hop_cases) / sizeof(ext_next_hop_cases[0]));
	tcase_add_loop_test(tc, add_path_is_negotiated, 0, 4);

	tc = unit_case(s, "fallback");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, fallback_without_parameters);
	tcase_add_test(tc, fallback_is_refused_too);
	tcase_add_loop_test(tc, no_fallback, 0, 4);
	return unit_run(s);
}
