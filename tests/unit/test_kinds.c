/*
 * What kind of peer the other side is: roles, members of our confederation,
 * and which of our AS numbers it is shown.
 * RFC 5065 section 4, RFC 7705 section 4, RFC 9234 section 4.
 */
#include <stdio.h>

#include "bgpd/core/peer_int.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

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

/* ---- roles: RFC 9234 section 4 -------------------------------------------------------- */

#define NOT_TOLD -1

static const struct {
	const char *what;
	enum ipc_role mine;
	int theirs; /* as on the wire */
	bool strict;
	const char *why; /* NULL: Established */
} roles[] = {
	{ "provider and customer: 9234 s4.2", IPC_ROLE_PROVIDER, 3, true, NULL },
	{ "customer and provider: 9234 s4.2", IPC_ROLE_CUSTOMER, 0, true, NULL },
	{ "route server and client: 9234 s4.2", IPC_ROLE_RS, 2, true, NULL },
	{ "client and route server: 9234 s4.2", IPC_ROLE_RS_CLIENT, 1, true, NULL },
	{ "peers: 9234 s4.2", IPC_ROLE_PEER, 4, true, NULL },
	{ "two providers: 9234 s4.2", IPC_ROLE_PROVIDER, 0, false,
	    "we are provider to it, so it has to be customer, its OPEN says provider (0)" },
	{ "two customers: 9234 s4.2", IPC_ROLE_CUSTOMER, 3, false,
	    "we are customer to it, so it has to be provider, its OPEN says customer (3)" },
	{ "peer and provider: 9234 s4.2", IPC_ROLE_PEER, 0, false,
	    "we are peer to it, so it has to be peer, its OPEN says provider (0)" },
	{ "two route servers: 9234 s4.2", IPC_ROLE_RS, 1, false,
	    "we are rs-server to it, so it has to be rs-client, its OPEN says rs-server (1)" },
	{ "two clients: 9234 s4.2", IPC_ROLE_RS_CLIENT, 2, false,
	    "we are rs-client to it, so it has to be rs-server, its OPEN says rs-client (2)" },
	{ "a role nobody knows: 9234 s4.2", IPC_ROLE_PROVIDER, 5, false,
	    "we are provider to it, so it has to be customer, its OPEN says unknown (5)" },
	{ "none told: 9234 s4.2", IPC_ROLE_PROVIDER, NOT_TOLD, false, NULL },
	{ "none told, strict: 9234 s4.2", IPC_ROLE_PROVIDER, NOT_TOLD, true,
	    "we are provider to it and want to be told its role (strictRole), its OPEN tells none" },
	{ "none here", IPC_ROLE_NONE, 0, false, NULL },
	{ "none here, a role nobody knows", IPC_ROLE_NONE, 200, false, NULL },
};

START_TEST(role_pairs)
{
	struct msg_notification n;
	uint8_t data[256];
	conn_id c;

	r.pconf.role = roles[_i].mine;
	r.pconf.strict_role = roles[_i].strict;
	theirs.caps.role = roles[_i].theirs != NOT_TOLD;
	theirs.caps.role_value = (uint8_t)roles[_i].theirs;
	rig_start(&r);
	c = rig_connect(&r);
	rig_send_open(&r, c, &theirs);
	n = rig_notification(&r, c, data);
	if (roles[_i].why) {
		ck_assert_msg(n.code == ERR_OPEN && n.sub == OPEN_ROLE_MISMATCH, "%s: %u/%u",
		    roles[_i].what, n.code, n.sub);
		ck_assert_uint_eq(n.data_octets, 0);
		ck_assert_str_eq(r.p->last_error, roles[_i].why);
		return;
	}
	ck_assert_msg(n.code == 0, "%s: %u/%u", roles[_i].what, n.code, n.sub);
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert_uint_eq(r.p->neg.role, roles[_i].mine);
	ck_assert_uint_eq(r.p->neg.peer_role,
	    roles[_i].theirs >= 0 && roles[_i].theirs < 5 ? roles[_i].theirs + 1 : 0);
}
END_TEST

/* RFC 9234 section 4.2: several capabilities with one value are one, with others a mismatch. */
START_TEST(several_roles)
{
	static const struct {
		uint8_t first, second;
		bool fine;
	} twice[] = { { 3, 3, true }, { 3, 4, false }, { 4, 3, false } };
	uint8_t buf[256], data[256];
	struct wr w = wr_init(buf, sizeof(buf));
	size_t mark = msg_open(&w, BGP_OPEN);
	struct msg_notification n;
	conn_id c;

	wr_u8(&w, 4);
	wr_u16(&w, 65002);
	wr_u16(&w, 9);
	wr_u32(&w, 0x0a000002);
	wr_u8(&w, 10);
	wr_u8(&w, BGP_PARAM_CAPABILITIES);
	wr_u8(&w, 3);
	wr_u8(&w, CAP_ROLE);
	wr_u8(&w, 1);
	wr_u8(&w, twice[_i].first);
	wr_u8(&w, BGP_PARAM_CAPABILITIES);
	wr_u8(&w, 3);
	wr_u8(&w, CAP_ROLE);
	wr_u8(&w, 1);
	wr_u8(&w, twice[_i].second);
	msg_close(&w, mark);
	r.pconf.role = IPC_ROLE_PROVIDER;
	rig_start(&r);
	c = rig_connect(&r);
	rig_input(&r, c, buf, wr_len(&w));
	n = rig_notification(&r, c, data);
	ck_assert_uint_eq(n.sub, twice[_i].fine ? 0 : OPEN_ROLE_MISMATCH);
	if (!twice[_i].fine)
		ck_assert_str_eq(r.p->last_error, "its OPEN tells several roles that differ");
}
END_TEST

/* RFC 9234 section 4.1: code 9, one octet; none without a role. */
START_TEST(role_in_our_open)
{
	struct msg_open o;
	bool params;

	r.pconf.role = (uint8_t)_i;
	rig_start(&r);
	peer_make_open(&r.p->s[SESSION_OUT], &o, &params);
	ck_assert_int_eq(o.caps.role, _i != IPC_ROLE_NONE);
	if (_i != IPC_ROLE_NONE)
		ck_assert_int_eq(o.caps.role_value, _i - 1);
}
END_TEST

START_TEST(role_refused_by_the_peer)
{
	r.pconf.role = IPC_ROLE_CUSTOMER;
	rig_start(&r);
	rig_send_notification(&r, rig_connect(&r), ERR_OPEN, OPEN_ROLE_MISMATCH, NULL, 0);
	ck_assert_str_eq(r.p->last_error, "peer says OPEN Message Error, Role Mismatch (2/11): it "
					  "does not accept that we are customer to it");
}
END_TEST

/* ---- confederations: RFC 5065 section 4 ------------------------------------------------- */

/* Our member is 65001 of confederation 64496; 65005 is another member. */
static const struct {
	const char *what;
	enum ipc_asn_mode mode;
	uint32_t asn, local_asn, their_asn;
	uint32_t shown; /* to the peer */
	bool ebgp, confed;
	const char *why;
} members[] = {
	{ "iBGP: our member's number", IPC_ASN_INTERNAL, 0, 0, 65001, 65001, false, true, NULL },
	{ "iBGP by number", IPC_ASN_NUMBER, 65001, 0, 65001, 65001, false, true, NULL },
	{ "another member: 5065 s4", IPC_ASN_NUMBER, 65005, 0, 65005, 65001, true, true, NULL },
	{ "outside: the identifier, 5065 s4", IPC_ASN_NUMBER, 65002, 0, 65002, 64496, true, false, NULL },
	{ "outside, any AS", IPC_ASN_EXTERNAL, 0, 0, 65002, 64496, true, false, NULL },
	{ "outside, with a local AS", IPC_ASN_NUMBER, 65002, 64500, 65002, 64500, true, false, NULL },
	{ "a member where an outsider is expected", IPC_ASN_EXTERNAL, 0, 0, 65005, 64496, true, false,
	    "we expect an external peer, its OPEN says our confederation's member AS 65005" },
	{ "our member where an outsider is expected", IPC_ASN_EXTERNAL, 0, 0, 65001, 64496, true,
	    false, "we expect an external peer, its OPEN says our confederation's member AS 65001" },
};

START_TEST(confederation_members)
{
	struct msg_open o;
	bool params;
	conn_id c;

	r.conf.confed_id = 64496;
	r.conf.member[r.conf.nmembers++] = 65005;
	r.pconf.asn_mode = members[_i].mode;
	r.pconf.asn = members[_i].asn;
	r.pconf.local_asn = members[_i].local_asn;
	theirs.asn = theirs.caps.asn = members[_i].their_asn;
	rig_start(&r);
	peer_make_open(&r.p->s[SESSION_OUT], &o, &params);
	ck_assert_msg(o.asn == members[_i].shown && o.caps.asn == o.asn, "%s: %u",
	    members[_i].what, o.asn);
	c = rig_connect(&r);
	rig_send_open(&r, c, &theirs);
	if (members[_i].why) {
		ck_assert_str_eq(r.p->last_error, members[_i].why);
		return;
	}
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert_int_eq(r.p->neg.ebgp, members[_i].ebgp);
	ck_assert_int_eq(r.p->neg.confed, members[_i].confed);
	ck_assert_int_eq(r.p->ctx.confed, members[_i].confed);
}
END_TEST

/* ---- dualAs --------------------------------------------------------------------------------- */

static uint32_t
asn_of_our_open(void)
{
	struct msg_open o;
	bool params;

	peer_make_open(&r.p->s[SESSION_OUT], &o, &params);
	ck_assert_uint_eq(o.asn, o.caps.asn);
	return o.asn;
}

START_TEST(the_other_number_is_tried)
{
	conn_id c;

	r.pconf.local_asn = 64500;
	r.pconf.local_as_mode = IPC_LOCAL_AS_DUAL;
	rig_start(&r);
	ck_assert_uint_eq(asn_of_our_open(), 64500);
	rig_send_notification(&r, rig_connect(&r), ERR_OPEN, OPEN_BAD_PEER_AS, NULL, 0);
	ck_assert_str_eq(r.p->last_error,
	    "peer says OPEN Message Error, Bad Peer AS (2/2): it does not expect AS 64500 here");
	ck_assert_uint_eq(asn_of_our_open(), 65001);
	c = rig_connect(&r); /* at once */
	rig_send_open(&r, c, &theirs);
	rig_send_keepalive(&r, c);
	ck_assert_int_eq(peer_state(r.p), FSM_ESTABLISHED);
	ck_assert_uint_eq(r.p->neg.local_asn, 65001);
	rig_send_notification(&r, c, ERR_CEASE, CEASE_ADMIN_RESET, NULL, 0);
	ck_assert_uint_eq(asn_of_our_open(), 65001); /* what was right stays */
}
END_TEST

START_TEST(both_numbers_are_refused)
{
	r.pconf.local_asn = 64500;
	r.pconf.local_as_mode = IPC_LOCAL_AS_DUAL;
	rig_start(&r);
	rig_send_notification(&r, rig_connect(&r), ERR_OPEN, OPEN_BAD_PEER_AS, NULL, 0);
	rig_send_notification(&r, rig_connect(&r), ERR_OPEN, OPEN_BAD_PEER_AS, NULL, 0);
	ck_assert_uint_eq(r.p->errors, 1);
	ck_assert(!rig_take(&r, TODO_CONNECT, NULL)); /* not in a loop without a pause */
	ck_assert_uint_eq(asn_of_our_open(), 64500);
}
END_TEST

START_TEST(other_modes_show_one_number)
{
	r.pconf.local_asn = 64500;
	r.pconf.local_as_mode = (uint8_t)_i;
	rig_start(&r);
	rig_send_notification(&r, rig_connect(&r), ERR_OPEN, OPEN_BAD_PEER_AS, NULL, 0);
	ck_assert_uint_eq(asn_of_our_open(), 64500);
	ck_assert_uint_eq(r.p->errors, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kinds");
	TCase *t = unit_case(s, "kinds");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, role_pairs, 0, NROWS(roles));
	tcase_add_loop_test(t, several_roles, 0, 3);
	tcase_add_loop_test(t, role_in_our_open, IPC_ROLE_NONE, IPC_ROLE_PEER + 1);
	tcase_add_test(t, role_refused_by_the_peer);
	tcase_add_loop_test(t, confederation_members, 0, NROWS(members));
	tcase_add_test(t, the_other_number_is_tried);
	tcase_add_test(t, both_numbers_are_refused);
	tcase_add_loop_test(t, other_modes_show_one_number, IPC_LOCAL_AS_REPLACE, IPC_LOCAL_AS_DUAL);
	return unit_run(s);
}
