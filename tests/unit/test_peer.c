/*
 * A peer in virtual time: which OPENs it takes, what is agreed on, when it
 * dials, what becomes of its routes, commands, configuration, and the words
 * for every way of not being up.  Timers to the microsecond.
 * RFC 4271 sections 6 and 8, RFC 4486, RFC 4724, RFC 5492, RFC 6286, RFC 6793,
 * RFC 7607, RFC 9003.
 */
#include <errno.h>
#include <stdio.h>

#include "bgpd/core/peer_int.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define S 1000000ull

static struct rig r;
static struct msg_open theirs;

static void
setup(void)
{
	rig_init(&r, 1);
	theirs = rig_their_open();
}

static void
teardown(void)
{
	rig_free(&r);
}

/* ---- helpers ------------------------------------------------------------------------------- */

static struct session *
in(void)
{
	return &r.p->s[SESSION_IN];
}

static struct session *
out(void)
{
	return &r.p->s[SESSION_OUT];
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

static void
discard(conn_id c)
{
	uint8_t buf[8192];

	rig_output(&r, c, buf, sizeof(buf));
}

/* Through `theirs` and a KEEPALIVE to Established. */
static void
up(conn_id c)
{
	ck_assert_uint_ne(c, 0);
	rig_send_open(&r, c, &theirs);
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	discard(c);
	r.ntodo = 0;
}

static void
pass_with_keepalives(conn_id c, unsigned s)
{
	while (s-- > 0) {
		rig_pass_us(&r, 1 * S);
		rig_send_keepalive(&r, c);
		discard(c);
	}
}

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
expect_text(conn_id c, uint8_t sub, const char *text)
{
	uint8_t data[256];

	data[0] = (uint8_t)strlen(text);
	memcpy(data + 1, text, data[0]);
	expect_notification(c, ERR_CEASE, sub, data, *text ? data[0] + 1u : 0);
}

static struct ipc_row_peer
row(void)
{
	struct ipc_row_peer ret = { 0 };

	peer_fill_row(r.p, r.now, &ret);
	return ret;
}

/* An answer for the connect under way: it failed. */
static void
fail_connect(int err, const char *said)
{
	struct todo t;

	ck_assert(rig_take(&r, TODO_CONNECT, &t));
	peer_conn_failed(r.p, r.now, t.token, err, said);
}

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

/* ---- graceful restart: RFC 4724 sections 3 and 4.2 ------------------------------------------------- */

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

static void set_asn(struct ipc_conf_peer *c);
static void set_hold(struct ipc_conf_peer *c);

enum ending { END_FIN, END_RST, END_NOTIFICATION, END_HOLD, END_HEADER, END_ADMIN_RESET, END_OURS,
	END_RECONFIGURED, NENDINGS };

static void
end_session(conn_id c, enum ending how)
{
	struct ipc_conf_peer conf = r.pconf;

	switch (how) {
	case END_FIN:
		peer_conn_closed(&r.env, r.now, c, 0);
		break;
	case END_RST:
		peer_conn_closed(&r.env, r.now, c, ECONNRESET);
		break;
	case END_NOTIFICATION:
		rig_send_notification(&r, c, ERR_CEASE, CEASE_ADMIN_RESET, NULL, 0);
		break;
	case END_HOLD:
		rig_pass_us(&r, 9 * S);
		break;
	case END_HEADER:
		rig_input(&r, c, (const uint8_t *)"x", 1);
		break;
	case END_ADMIN_RESET:
		peer_admin_reset(r.p, r.now, "");
		break;
	case END_OURS:
		peer_end(r.p, r.now, ERR_CEASE, CEASE_MAX_PREFIXES, NULL, 0, "too many", 0);
		break;
	case END_RECONFIGURED:
		conf.hold_s = 30;
		ck_assert(peer_configure(r.p, r.now, &conf));
		break;
	case NENDINGS:
		break;
	}
}

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

static conn_id
up_with_n_bit(void)
{
	conn_id c;

	r.gr = theirs.caps.gr = (struct cap_gr){ .present = true, .notification = true,
		.time_s = 120, .families = 3 };
	rig_start(&r);
	c = rig_accept(&r);
	up(c);
	return c;
}

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

int
main(void)
{
	Suite *s = suite_create("peer");
	TCase *tc = unit_case(s, "open");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, open_is_refused, 0, NROWS(refusals));
	tcase_add_loop_test(tc, open_is_taken, 0, NROWS(accepted));
	tcase_add_loop_test(tc, families_in_common, 0, NROWS(family_cases));
	tcase_add_test(tc, our_open);
	tcase_add_test(tc, no_graceful_restart_for_this_peer);
	tcase_add_loop_test(tc, extended_next_hop_is_offered, 0,
	    sizeof(ext_next_hop_cases) / sizeof(ext_next_hop_cases[0]));
	tcase_add_loop_test(tc, add_path_is_negotiated, 0, 4);
	tcase_add_loop_test(tc, graceful_restart_is_negotiated, 0, 8);
	tcase_add_loop_test(tc, what_becomes_of_routes_with_n_bit, 0, 2 * NENDINGS);
	tcase_add_loop_test(tc, hard_resets, 0, 5);
	tcase_add_loop_test(tc, hard_reset_received, 0, 5);
	tcase_add_test(tc, restart_with_n_bit);
	tcase_add_loop_test(tc, configuration_with_n_bit, 0, 2);
	tcase_add_loop_test(tc, what_becomes_of_routes, 0, 4 * NENDINGS);
	tcase_add_test(tc, fallback_without_parameters);
	tcase_add_test(tc, fallback_is_refused_too);
	tcase_add_loop_test(tc, no_fallback, 0, 4);

	tc = unit_case(s, "dial");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, connects_at_once);
	tcase_add_loop_test(tc, connect_without_answer, 0, 3);
	tcase_add_test(tc, connect_fails);
	tcase_add_test(tc, answers_for_old_connects);
	tcase_add_test(tc, damping_grows_and_is_capped);
	tcase_add_loop_test(tc, lasting_session_clears_damping, 0, 2);
	tcase_add_test(tc, collisions_do_not_damp);
	tcase_add_loop_test(tc, one_end_is_one_error, 0, 4);
	tcase_add_test(tc, an_end_before_the_session_is_one_error);
	tcase_add_test(tc, the_better_connection_counts);
	tcase_add_test(tc, incoming_is_welcome_while_damped);
	tcase_add_test(tc, incoming_cancels_our_connect);
	tcase_add_test(tc, connection_ends_before_open);
	tcase_add_test(tc, passive_never_connects);
	tcase_add_test(tc, passive_by_configuration);
	tcase_add_loop_test(tc, parked_until_the_other_open, 0, 3);
	tcase_add_loop_test(tc, parked_while_the_other_confirms, 0, 2);
	tcase_add_loop_test(tc, late_connection, 0, NROWS(late_cases));
	tcase_add_loop_test(tc, two_of_the_peers, 0, 2);
	tcase_add_test(tc, third_connection);
	tcase_add_test(tc, wrong_open_beside_a_session);

	tcase_add_test(tc, bfd_says_down);
	tc = unit_case(s, "commands");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, link_is_lost);
	tcase_add_loop_test(tc, admin_down_and_up, 0, 3);
	tcase_add_test(tc, admin_down_cancels);
	tcase_add_test(tc, admin_reset);
	tcase_add_loop_test(tc, commands_end_waiting, 0, 3);
	tcase_add_test(tc, held_down);
	tcase_add_loop_test(tc, held_down_for_good, 0, 4);
	tcase_add_test(tc, admin_down_while_held_down);
	tcase_add_loop_test(tc, configure_while_up, 0, NROWS(settings));
	tcase_add_loop_test(tc, configure_while_not_up, 0, 3);
	tcase_add_test(tc, disabled_by_configuration);
	tcase_add_test(tc, enabled_again_forgets_why_it_was_off);
	tcase_add_test(tc, starts_disabled);
	tcase_add_test(tc, speaker_changed);
	tcase_add_test(tc, removed);
	tcase_add_test(tc, removed_while_dialling);
	tcase_add_loop_test(tc, shutdown_modes, 0, 2);
	tcase_add_loop_test(tc, freed, 0, 4);
	tcase_add_test(tc, peers_are_small);

	tc = unit_case(s, "views");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, why_connects_fail, 0, NROWS(connect_cases));
	tcase_add_loop_test(tc, why_connections_end, 0, NROWS(closed_cases));
	tcase_add_loop_test(tc, why_the_peer_says_no, 0, NROWS(notification_cases));
	tcase_add_test(tc, long_texts_are_cut);
	tcase_add_test(tc, row_through_a_life);
	tcase_add_test(tc, state_shown);
	tcase_add_loop_test(tc, asn_shown_before_a_session, 0, 4);
	tcase_add_loop_test(tc, down_is_told, 0, 2);
	tcase_add_test(tc, silent_connection_beside_a_session);
	tcase_add_loop_test(tc, version_refused_is_not_counted, 0, 2);
	return unit_run(s);
}
