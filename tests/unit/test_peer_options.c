/*
 * Options of peers where they meet the RIB: what a live configuration changes,
 * who shares an update group, what is told to whom.
 * RFC 4456, RFC 5065, RFC 7999, RFC 8326, RFC 9234.
 */
#include "bgpd/core/bgp.h"
#include "tests/unit/ribrig.h"
#include "tests/unit/unit.h"

static struct rig rig;

/* Four peers, up as eBGP with AS 65001 to 65004 unless a test says otherwise before up(). */
static void
setup(void)
{
	unsigned k;

	rig_init(&rig, 4, NULL);
	rig.conf.transit = true;
	for (k = 1; k <= 4; k++)
		rig.peer[k].export_all = true;
}

static void
up(uint32_t as1, uint32_t as2, uint32_t as3, uint32_t as4)
{
	const uint32_t as[] = { 0, as1, as2, as3, as4 };
	unsigned k;

	rig_configure(&rig, NULL);
	for (k = 1; k <= 4; k++)
		if (as[k])
			rig_up(&rig, k, as[k], true);
	rig_work(&rig);
}

static void
up_all(void)
{
	up(65001, 65002, 65003, 65004);
}

static void
teardown(void)
{
	rig_free(&rig);
}

/* What peer k is told of the prefix: AS path, next hop, MED, LOCAL_PREF, communities. */
static const char *
told(unsigned k, const char *prefix)
{
	const struct rig_said *s;

	rig_work(&rig);
	rig_pull(&rig, k, 65536);
	s = rig_said_of(&rig, prefix);
	return !s ? "nothing" : s->what == SAID_WITHDRAW ? "withdrawn" : s->text;
}

/* Why peer k's path is rejected, "" for accepted. */
static const char *
rejected(unsigned k, const char *prefix)
{
	static struct ipc_row_path row;

	rig_work(&rig);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, k, prefix, &row), 1);
	return row.rejected;
}

static struct attrs_build
with_community(uint8_t *scratch, uint32_t community)
{
	struct wr w = wr_init(scratch, 4);

	wr_u32(&w, community);
	return (struct attrs_build){ .part[ATTRS_COMMUNITIES] = { scratch, 4 } };
}

/* Accepted and rejected again from what is stored; the session is not touched. */
START_TEST(allow_as_in_while_up)
{
	struct ipc_conf_applied applied;

	up_all();
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, RIG_AS, 0 }, 1, NULL);
	ck_assert_str_eq(rejected(1, "10.1.0.0/16"), "AS loop: our own AS is in its AS_PATH");
	rig.peer[1].allow_as_in = 1;
	rig_configure(&rig, &applied);
	ck_assert_uint_eq(applied.reset, 0);
	ck_assert_uint_eq(applied.changed, 1);
	ck_assert_str_eq(rejected(1, "10.1.0.0/16"), "");
	rig.peer[1].allow_as_in = 0;
	rig_configure(&rig, &applied);
	ck_assert_uint_eq(applied.reset, 0);
	ck_assert_str_eq(rejected(1, "10.1.0.0/16"), "AS loop: our own AS is in its AS_PATH");
}
END_TEST

START_TEST(first_as_while_up)
{
	up_all();
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 7, 0 }, 1, NULL);
	ck_assert_str_eq(rejected(1, "10.1.0.0/16"),
	    "the first AS of its AS_PATH is not the peer's");
	rig.peer[1].any_first_as = true;
	rig_configure(&rig, NULL);
	ck_assert_str_eq(rejected(1, "10.1.0.0/16"), "");
}
END_TEST

/* Peers with the same options and different numbers are told different paths. */
START_TEST(override_is_per_peer)
{
	rig.peer[2].as_override = rig.peer[3].as_override = true;
	up_all();
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, 65002, 65003, 0 }, 1, NULL);
	ck_assert_ptr_nonnull(strstr(told(2, "10.1.0.0/16"), "65000 65001 65000 65003|"));
	ck_assert_ptr_nonnull(strstr(told(3, "10.1.0.0/16"), "65000 65001 65002 65000|"));
	ck_assert_ptr_nonnull(strstr(told(4, "10.1.0.0/16"), "65000 65001 65002 65003|"));
	rig.peer[2].as_override = false;
	rig_configure(&rig, NULL);
	ck_assert_ptr_nonnull(strstr(told(2, "10.1.0.0/16"), "65000 65001 65002 65003|"));
}
END_TEST

/* Without a private number of their own peers share what is encoded; with one they do not. */
START_TEST(remove_private_is_shared_where_it_can_be)
{
	rig.peer[2].private_as = rig.peer[3].private_as = rig.peer[4].private_as = IPC_PRIVATE_ALL;
	up(65001, 7, 8, 65004);
	ck_assert_ptr_eq(rig_peer(&rig, 2)->af[0].member->g, rig_peer(&rig, 3)->af[0].member->g);
	ck_assert_ptr_ne(rig_peer(&rig, 2)->af[0].member->g, rig_peer(&rig, 4)->af[0].member->g);
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, 9, 65004, 65002, 0 }, 1, NULL);
	ck_assert_ptr_nonnull(strstr(told(2, "10.1.0.0/16"), "65000 9|"));
	ck_assert_ptr_nonnull(strstr(told(4, "10.1.0.0/16"), "65000 9 65004|"));
}
END_TEST

START_TEST(local_as_in_paths)
{
	rig.peer[1].local_asn = 64500;
	rig.peer[1].local_as_mode = IPC_LOCAL_AS_PREPEND;
	up_all();
	rig_down(&rig, 1, PEER_DOWN_FLUSH);
	rig_up(&rig, 1, 65001, true);
	rig_peer(&rig, 1)->peer->neg.local_asn = 64500;
	rpeer_import_policy(rig_peer(&rig, 1));
	groups_rejoin(rig_peer(&rig, 1), rig.now, 0);
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, 0 }, 1, NULL);
	ck_assert_str_eq(rejected(1, "10.1.0.0/16"), "");
	ck_assert_ptr_nonnull(strstr(told(2, "10.1.0.0/16"), "65000 64500 65001|"));
	rig_announce(&rig, 2, "10.2.0.0/16", (uint32_t[]){ 65002, 0 }, 1, NULL);
	ck_assert_ptr_nonnull(strstr(told(1, "10.2.0.0/16"), "64500 65000 65002|"));
}
END_TEST

static uint32_t
advertised_otc(unsigned k, const char *prefix)
{
	struct ipc_row_path row;

	told(k, prefix);
	ck_assert_uint_eq(
	    rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_EXACT, k, prefix, &row), 1);
	return row.otc;
}

/* RFC 9234: 1 is our provider, 2 our customer, 3 a peer, 4 has no role. */
START_TEST(routes_do_not_leak)
{
	struct ipc_row_peer peer;
	struct speaker_cursor c = { .q = { .peer = 2 } };
	struct attrs_build otc = { .flags = ATTRS_OTC, .otc = 65002 };

	rig.peer[1].role = IPC_ROLE_CUSTOMER;
	rig.peer[2].role = IPC_ROLE_PROVIDER;
	rig.peer[3].role = IPC_ROLE_PEER;
	up_all();
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, 0 }, 1, NULL);
	rig_announce(&rig, 2, "10.2.0.0/16", (uint32_t[]){ 65002, 0 }, 1, NULL);
	rig_announce(&rig, 2, "10.3.0.0/16", (uint32_t[]){ 65002, 0 }, 1, &otc);
	rig_originate(&rig, "10.9.0.0/16", NULL);
	ck_assert_str_eq(rejected(2, "10.3.0.0/16"),
	    "route leak: from a customer, but marked Only to Customer (RFC 9234)");
	ck_assert(speaker_next_peer(rig.sp, rig.now, &c, &peer));
	ck_assert_uint_eq(peer.leaks, 1);
	/* the provider's goes down, and nowhere else */
	ck_assert_ptr_nonnull(strstr(told(2, "10.1.0.0/16"), "65000 65001|"));
	ck_assert_str_eq(told(3, "10.1.0.0/16"), "nothing");
	/* the customer's goes everywhere */
	ck_assert_ptr_nonnull(strstr(told(1, "10.2.0.0/16"), "65000 65002|"));
	ck_assert_uint_eq(advertised_otc(2, "10.1.0.0/16"), 65001); /* ingress rule 3 */
	ck_assert_uint_eq(advertised_otc(3, "10.2.0.0/16"), 65000); /* egress rule 1 */
	ck_assert_uint_eq(advertised_otc(1, "10.2.0.0/16"), 0);
	ck_assert_uint_eq(advertised_otc(2, "10.9.0.0/16"), 65000); /* own ones, too */
	ck_assert_uint_eq(advertised_otc(4, "10.9.0.0/16"), 0);
}
END_TEST

START_TEST(graceful_shutdown_ignored)
{
	uint8_t scratch[4];
	struct attrs_build gshut = with_community(scratch, COMM_GRACEFUL_SHUTDOWN);
	struct ipc_row_path row;

	rig.peer[3].export_all = true;
	up(65001, 65002, RIG_AS, 0);
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, 0 }, 1, &gshut);
	ck_assert_ptr_nonnull(strstr(told(3, "10.1.0.0/16"), "|0|"));
	rig.peer[1].ignore_gshut = true;
	rig_configure(&rig, NULL);
	ck_assert_ptr_nonnull(strstr(told(3, "10.1.0.0/16"), "|100|"));
	rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 1, "10.1.0.0/16", &row);
	ck_assert_uint_eq(row.local_pref, 100);
	rig.peer[1].ignore_gshut = false;
	rig_configure(&rig, NULL);
	ck_assert_ptr_nonnull(strstr(told(3, "10.1.0.0/16"), "|0|"));
}
END_TEST

START_TEST(blackhole_while_up)
{
	uint8_t scratch[4];
	struct attrs_build hole = with_community(scratch, COMM_BLACKHOLE);

	up_all();
	rig_announce(&rig, 1, "10.1.1.1/32", (uint32_t[]){ 65001, 0 }, 1, &hole);
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, 0 }, 1, &hole);
	ck_assert_str_eq(rejected(1, "10.1.1.1/32"),
	    "community blackhole, and acceptBlackhole is off for this peer (RFC 7999)");
	rig.peer[1].accept_blackhole = true;
	rig_configure(&rig, NULL);
	ck_assert_str_eq(rejected(1, "10.1.1.1/32"), "");
	ck_assert_str_eq(rejected(1, "10.1.0.0/16"),
	    "community blackhole is for host routes (RFC 7999)");
	ck_assert_str_eq(told(2, "10.1.1.1/32"), "nothing");
}
END_TEST

/* RFC 4456 section 6: clients that are meshed among themselves. */
START_TEST(clients_among_themselves)
{
	rig.peer[1].rr_client = rig.peer[2].rr_client = true;
	up(RIG_AS, RIG_AS, RIG_AS, 0);
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 7, 0 }, 1, NULL);
	ck_assert_ptr_nonnull(strstr(told(2, "10.1.0.0/16"), "7|"));
	rig.conf.no_client_to_client = true;
	rig_configure(&rig, NULL);
	ck_assert_str_eq(told(2, "10.1.0.0/16"), "withdrawn");
	ck_assert_ptr_nonnull(strstr(told(3, "10.1.0.0/16"), "7|"));
	rig_announce(&rig, 3, "10.3.0.0/16", (uint32_t[]){ 7, 0 }, 1, NULL);
	ck_assert_ptr_nonnull(strstr(told(2, "10.3.0.0/16"), "7|"));
	rig.conf.no_client_to_client = false;
	rig_configure(&rig, NULL);
	ck_assert_ptr_nonnull(strstr(told(2, "10.1.0.0/16"), "7|"));
}
END_TEST

/* Our member is 65000 of 64496; 1 is member 65001, 2 iBGP, 3 outside, 4 member 65004. */
static void
confederation(void)
{
	rig.members = 1 << 1 | 1 << 2 | 1 << 4;
	rig.conf.confed_id = 64496;
	up(65001, RIG_AS, 65003, 65004);
	rig_peer(&rig, 3)->peer->neg.local_asn = 64496;
	rpeer_import_policy(rig_peer(&rig, 3));
	groups_rejoin(rig_peer(&rig, 3), rig.now, 0);
}

/* RFC 5065 section 4: inside everything is kept, at the border it goes. */
START_TEST(confederation_from_end_to_end)
{
	struct attrs_build b = { .flags = ATTRS_LOCAL_PREF | ATTRS_MED, .local_pref = 150, .med = 9 };

	confederation();
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, 65009, 0 }, 1, &b);
	ck_assert_str_eq(told(2, "10.1.0.0/16"), "(65001 65009)|198.51.100.1|9|150|");
	ck_assert_str_eq(told(4, "10.1.0.0/16"), "(65000 65001 65009)|198.51.100.1|9|150|");
	ck_assert_ptr_nonnull(strstr(told(3, "10.1.0.0/16"), "64496|"));
	rig_announce(&rig, 3, "10.3.0.0/16", (uint32_t[]){ 65003, 0 }, 1, NULL);
	ck_assert_ptr_nonnull(strstr(told(1, "10.3.0.0/16"), "(65000) 65003|"));
	ck_assert_ptr_nonnull(strstr(told(2, "10.3.0.0/16"), "65003|"));
	rig_announce(&rig, 4, "10.4.0.0/16", (uint32_t[]){ 65004, RIG_AS, 0 }, 1, NULL);
	ck_assert_str_eq(rejected(4, "10.4.0.0/16"), "AS loop: our own AS is in its AS_PATH");
}
END_TEST

/* RFC 5065 section 5.3: another member's path is internal, and its segments count nothing. */
START_TEST(members_decide_as_one_as)
{
	struct ipc_row_path row;

	confederation();
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, 65007, 65008, 0 }, 1, NULL);
	rig_announce(&rig, 4, "10.1.0.0/16", (uint32_t[]){ 65004, 0 }, 1, NULL);
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 1, "10.1.0.0/16", &row);
	ck_assert_uint_eq(row.peer, 1); /* lower router id: no step before differs */
	ck_assert_str_eq(row.decision, "lower router id");
	ck_assert(row.flags & IPC_PATH_CONFED);
	rig_announce(&rig, 3, "10.1.0.0/16", (uint32_t[]){ 65003, 0 }, 1, NULL);
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 3, "10.1.0.0/16", &row);
	ck_assert_str_eq(row.decision, "shorter AS_PATH");
	ck_assert(!(row.flags & IPC_PATH_CONFED));
}
END_TEST

/* RFC 4271 sections 5.1.6 and 5.1.7. */
START_TEST(covering_prefix)
{
	struct ipc_originate o = { .aggregate = true };
	struct ipc_row_path row;

	up_all();
	rig_originate(&rig, "10.8.0.0/13", &o);
	rig_work(&rig);
	rig_pull(&rig, 1, 65536);
	ck_assert_uint_eq(
	    rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_EXACT, 1, "10.8.0.0/13", &row), 1);
	ck_assert(row.atomic_aggregate);
	ck_assert_uint_eq(row.aggregator_asn, RIG_AS);
	ck_assert_uint_eq(row.aggregator_id, rig.conf.router_id);
	rig.conf.router_id = 0x0a000077; /* it follows us */
	rig_configure(&rig, NULL);
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 0, "10.8.0.0/13", &row);
	ck_assert_uint_eq(row.aggregator_id, 0x0a000077);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peer options");
	TCase *t = unit_case(s, "peer options");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, allow_as_in_while_up);
	tcase_add_test(t, first_as_while_up);
	tcase_add_test(t, override_is_per_peer);
	tcase_add_test(t, remove_private_is_shared_where_it_can_be);
	tcase_add_test(t, local_as_in_paths);
	tcase_add_test(t, routes_do_not_leak);
	tcase_add_test(t, graceful_shutdown_ignored);
	tcase_add_test(t, blackhole_while_up);
	tcase_add_test(t, clients_among_themselves);
	tcase_add_test(t, confederation_from_end_to_end);
	tcase_add_test(t, members_decide_as_one_as);
	tcase_add_test(t, covering_prefix);
	return unit_run(s);
}
