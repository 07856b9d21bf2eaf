/*
 * The speaker as its shell sees it: views with their reasons, configuration,
 * commands, events, slices.
 */
#include <stdio.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/loc.h"
#include "tests/unit/ribrig.h"
#include "tests/unit/unit.h"

static struct rig rig;

static void
setup(void)
{
	rig_init(&rig, 3, NULL);
	rig.peer[2].export_all = true;
	rig_configure(&rig, NULL);
	speaker_originate_end(rig.sp, rig.now);
	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 2, RIG_AS, true);
}

static void
teardown(void)
{
	rig_free(&rig);
}

static void
from1(const char *prefix, uint8_t nh)
{
	rig_announce(&rig, 1, prefix, (uint32_t[]){ 65001, 7, 0 }, nh, NULL);
}

static void
from2(const char *prefix, uint8_t nh)
{
	struct attrs_build b = { .flags = ATTRS_LOCAL_PREF, .local_pref = 50 };

	rig_announce(&rig, 2, prefix, (uint32_t[]){ 9, 0 }, nh, &b);
}

/* ---- views ----------------------------------------------------------------------- */

START_TEST(rows_say_what_was_received_and_decided)
{
	struct ipc_row_path row;

	from1("10.9.0.0/16", 1);
	from2("10.9.0.0/16", 2);
	rig_work(&rig);
	rig_pass(&rig, 5000000);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 1, "10.9.0.0/16", &row), 1);
	ck_assert_uint_eq(row.peer, 1);
	ck_assert_uint_eq(row.flags, IPC_PATH_VALID | IPC_PATH_BEST);
	ck_assert_str_eq(row.decision, "higher LOCAL_PREF");
	ck_assert_str_eq(row.as_path, "65001 7");
	ck_assert(row.has_local_pref && row.local_pref == 100);
	ck_assert_uint_eq(row.age_us, 5000000);
	ck_assert_uint_eq(row.remote_id, 0x0a000001);
	ck_assert_uint_eq(row.next_hop.b[3], 1);
	ck_assert_uint_eq(row.prefix.len, 16);
	rig_rows(&rig, IPC_VIEW_RECEIVED, IPC_MATCH_EXACT, 1, "10.9.0.0/16", &row);
	ck_assert(!row.has_local_pref); /* as received */
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 2, "10.9.0.0/16", &row), 1);
	ck_assert_uint_eq(row.flags, IPC_PATH_VALID | IPC_PATH_INTERNAL);
	ck_assert_str_eq(row.decision, "higher LOCAL_PREF");
	ck_assert_uint_eq(row.local_pref, 50);
	rig_withdraw(&rig, 2, "10.9.0.0/16");
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row);
	ck_assert_str_eq(row.decision, "only path");
}
END_TEST

START_TEST(equals_are_marked)
{
	struct ipc_row_path row;

	rig_up(&rig, 3, 65003, true);
	from1("10.9.0.0/16", 1);
	rig_announce(&rig, 3, "10.9.0.0/16", (uint32_t[]){ 65003, 7, 0 }, 3, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row), 2);
	ck_assert_str_eq(row.decision, "lower router id");
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 3, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.flags, IPC_PATH_VALID | IPC_PATH_MULTIPATH);
	ck_assert_str_eq(row.decision, "equal to the best");
}
END_TEST

/* Which rows belong to which view: own 1, accepted 2 (one unresolved), rejected 1. */
START_TEST(views_select)
{
	static const struct {
		uint8_t view;
		size_t rows;
	} want[] = { { IPC_VIEW_ALL, 5 }, { IPC_VIEW_RECEIVED, 4 }, { IPC_VIEW_ACCEPTED, 3 },
		{ IPC_VIEW_BEST, 3 }, { IPC_VIEW_REJECTED, 1 } };
	struct ipc_row_path row;
	size_t k;

	rig_originate(&rig, "10.1.0.0/16", NULL);
	from1("10.9.0.0/16", 1);
	from2("10.9.0.0/16", 2);
	from2("fd00::/48", 2);
	rig_announce(&rig, 2, "10.7.0.0/16", (uint32_t[]){ RIG_AS, 0 }, 2, NULL);
	rig_work(&rig);
	for (k = 0; k < sizeof(want) / sizeof(want[0]); k++)
		ck_assert_uint_eq(rig_rows(&rig, want[k].view, IPC_MATCH_ANY, 0, NULL, &row),
		    want[k].rows);
	ck_assert_uint_eq(row.flags, IPC_PATH_REJECTED | IPC_PATH_INTERNAL);
	ck_assert_str_eq(row.rejected, "AS loop: our own AS is in its AS_PATH");
	ck_assert_str_eq(row.decision, "rejected");
	rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 0, "10.1.0.0/16", &row);
	ck_assert_uint_eq(row.flags, IPC_PATH_VALID | IPC_PATH_BEST | IPC_PATH_LOCAL);
	ck_assert_uint_eq(row.peer, IPC_PEER_NONE);
	/* to the eBGP peer: own; to the iBGP peer: own and the eBGP route */
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_ANY, 0, NULL, NULL), 0);
	rig_pull(&rig, 1, 4096);
	rig_pull(&rig, 2, 4096);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_ANY, 1, NULL, &row), 1);
	ck_assert_uint_eq(row.flags, IPC_PATH_ADVERTISED | IPC_PATH_LOCAL);
	ck_assert_str_eq(row.as_path, "65000");
	ck_assert_uint_eq(row.next_hop.b[3], 201);
	ck_assert_uint_eq(row.peer, 1);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_ANY, 2, NULL, NULL), 2);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_ANY, 0, NULL, NULL), 3);
}
END_TEST

START_TEST(matching_prefixes)
{
	struct ipc_row_path row;

	from1("10.0.0.0/8", 1);
	from1("10.9.0.0/16", 1);
	from1("10.9.1.0/24", 1);
	from1("11.0.0.0/8", 1);
	from1("fd00::/48", 1);
	rig_work(&rig);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_WITHIN, 0, "10.9.0.0/16", NULL), 2);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_WITHIN, 0, "0.0.0.0/0", NULL), 4);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 0, "10.9.0.0/17", NULL), 0);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_ANY, 0, NULL, NULL), 5);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_ANY, 3, NULL, NULL), 0);
	ck_assert_uint_eq(
	    rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_LONGEST, 0, "10.9.1.7/32", &row), 1);
	ck_assert_uint_eq(row.prefix.len, 24);
	ck_assert_uint_eq(
	    rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_LONGEST, 0, "10.9.2.7/32", &row), 1);
	ck_assert_uint_eq(row.prefix.len, 16);
	ck_assert_uint_eq(
	    rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_LONGEST, 0, "12.0.0.0/32", &row), 0);
	ck_assert_uint_eq(
	    rig_rows(&rig, IPC_VIEW_REJECTED, IPC_MATCH_LONGEST, 0, "10.9.1.7/32", &row), 0);
}
END_TEST

/* A cursor's slice: it never looks at more than it may, and says whether there is more. */
START_TEST(views_come_in_slices)
{
	struct speaker_cursor c = { .q = { .kind = IPC_Q_PATHS, .view = IPC_VIEW_ALL } };
	struct ipc_row_path row;
	unsigned k, rows = 0, calls = 0;
	char text[32];
	bool more = true;

	for (k = 0; k < 20; k++) {
		sprintf(text, "10.%u.0.0/16", k);
		from1(text, 1);
	}
	rig_work(&rig);
	while (more) {
		rows += speaker_next_path(rig.sp, rig.now, &c, 1, &row, &more);
		if (++calls == 10) { /* the table changes under the walk */
			rig_withdraw(&rig, 1, "10.3.0.0/16");
			rig_withdraw(&rig, 1, "10.19.0.0/16");
			rig_work(&rig);
		}
	}
	ck_assert_uint_eq(rows, 19);
	ck_assert_uint_ge(calls, 20);
	c = (struct speaker_cursor){ .q = { .kind = IPC_Q_PATHS, .view = IPC_VIEW_ALL, .af = IP6 } };
	ck_assert(!speaker_next_path(rig.sp, rig.now, &c, 100, &row, &more) && !more);
}
END_TEST

START_TEST(statistics)
{
	struct ipc_row_stats st;

	rig_originate(&rig, "10.1.0.0/16", NULL);
	from1("10.9.0.0/16", 1);
	from2("10.9.0.0/16", 2);
	from1("fd00::/48", 1);
	rig_work(&rig);
	rig.now.us += 3;
	speaker_stats(rig.sp, rig.now, &st);
	ck_assert_uint_eq(st.uptime_us, 3);
	ck_assert_uint_eq(st.peers, 3);
	ck_assert_uint_eq(st.established, 2);
	ck_assert_uint_eq(st.destinations[0], 2);
	ck_assert_uint_eq(st.destinations[1], 1);
	ck_assert_uint_eq(st.paths[0], 3);
	ck_assert_uint_eq(st.paths[1], 1);
	ck_assert_uint_eq(st.best[0], 2);
	ck_assert_uint_eq(st.best[1], 1);
	ck_assert_uint_eq(st.update_groups, 4);
	ck_assert_uint_eq(st.fib_pending, 2);
	ck_assert_uint_ge(st.decisions, 3);
	ck_assert(!st.deferring);
	ck_assert_uint_eq(st.attr_sets, 4);
}
END_TEST

START_TEST(peer_rows_count)
{
	struct speaker_cursor c = { .q = { .id = 4 } };
	struct ipc_row_peer row;
	unsigned n = 0;

	from1("10.9.0.0/16", 1);
	rig_announce(&rig, 1, "10.8.0.0/16", (uint32_t[]){ 65001, RIG_AS, 0 }, 1, NULL);
	rig_work(&rig);
	rig_pull(&rig, 2, 4096);
	while (speaker_next_peer(rig.sp, rig.now, &c, &row)) {
		ck_assert_uint_eq(row.query, 4);
		ck_assert_uint_eq(row.id, ++n);
		if (n == 1) {
			ck_assert_uint_eq(row.fam[0].received, 2);
			ck_assert_uint_eq(row.fam[0].accepted, 1);
			ck_assert_uint_eq(row.fam[0].rejected, 1);
			ck_assert_uint_eq(row.fam[0].best, 1);
			ck_assert_uint_eq(row.fam[0].advertised, 0);
		} else if (n == 2) {
			ck_assert_uint_eq(row.fam[0].received, 0);
			ck_assert_uint_eq(row.fam[0].advertised, 1);
			ck_assert(row.fam[0].eor_sent && !row.fam[0].eor_received);
		}
	}
	ck_assert_uint_eq(n, 3);
}
END_TEST

/* ---- configuration -------------------------------------------------------------------- */

START_TEST(configuration_is_compared)
{
	struct ipc_conf_applied ret;

	rig_configure(&rig, &ret);
	ck_assert(ret.added == 0 && ret.removed == 0 && ret.reset == 0 && ret.changed == 0);
	rig.peer[1].next_hop_mode = IPC_NEXTHOP_SELF;
	rig_configure(&rig, &ret);
	ck_assert(ret.changed == 1 && ret.reset == 0);
	rig.npeers = 2;
	rig_configure(&rig, &ret);
	ck_assert(ret.removed == 1 && ret.added == 0);
	ck_assert_ptr_null(speaker_peer(rig.sp, 3));
	rig.npeers = 3;
	rig_configure(&rig, &ret);
	ck_assert(ret.added == 1 && ret.removed == 0);
	ck_assert_ptr_null(speaker_peer(rig.sp, IPC_PEER_NONE));
}
END_TEST

/* A removed peer's paths go in slices; only then its index is used again. */
START_TEST(removed_peers_leave_nothing)
{
	struct ipc_row_stats st;
	uint16_t index = rig_peer(&rig, 2)->index;

	from2("10.9.0.0/16", 2);
	rig_work(&rig);
	speaker_peer_ops.down(rig_peer(&rig, 2)->peer, rig.now, PEER_DOWN_FLUSH, "removed");
	rig.peer[2].id = 9;
	rig_configure(&rig, NULL);
	ck_assert_uint_ne(rig_peer(&rig, 9)->index, index);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_ANY, 0, NULL, NULL), 0);
	rig_work(&rig);
	speaker_stats(rig.sp, rig.now, &st);
	ck_assert_uint_eq(st.paths[0], 0);
	ck_assert_ptr_null(rig.sp->peer[index]);
	rig.npeers = 4;
	rig.peer[4] = rig.peer[3];
	rig.peer[4].id = 10;
	rig.peer[4].addr.b[3] = 99;
	rig_configure(&rig, NULL);
	ck_assert_uint_eq(rig_peer(&rig, 10)->index, index);
}
END_TEST

/* The best of a removed source is replaced although its index is another peer's by then. */
START_TEST(an_index_used_again_is_another_source)
{
	rig.peer[3].export_all = rig.conf.transit = true;
	rig_configure(&rig, NULL);
	rig_up(&rig, 3, 65003, true);
	rig_pull(&rig, 3, 4096);
	from1("10.9.0.0/16", 1);
	rig_work(&rig);
	rig_pull(&rig, 3, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.9.0.0/16")->what, SAID_ANNOUNCE);
	speaker_peer_ops.down(rig_peer(&rig, 1)->peer, rig.now, PEER_DOWN_FLUSH, "removed");
	rig.peer[1].id = RIG_PEERS;
	rig_configure(&rig, NULL);
	rig_work(&rig); /* nobody pulls */
	rig_configure(&rig, NULL);
	rig_up(&rig, RIG_PEERS, RIG_AS, true);
	rig_announce(&rig, RIG_PEERS, "10.9.0.0/16", (uint32_t[]){ 65001, 7, 0 }, 1, NULL);
	rig_work(&rig);
	rig_pull(&rig, 3, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.9.0.0/16")->what, SAID_ANNOUNCE);
}
END_TEST

/* The kernel's verdict belongs to what is used, not to every path of the prefix. */
START_TEST(verdicts_of_paths)
{
	struct ipc_verdict v = { .prefix = rig_prefix("10.9.0.0/16"), .state = IPC_V_FAILED, .code = 22 };
	struct ipc_row_path row;
	struct fib_op op;

	rig_announce(&rig, 1, "10.9.0.0/16", (uint32_t[]){ 65001, 0 }, 1, NULL);
	rig_announce(&rig, 2, "10.9.0.0/16", (uint32_t[]){ 65002, 7, 0 }, 2, NULL);
	rig_work(&rig);
	while (speaker_next_fib(rig.sp, &op))
		;
	speaker_verdict(rig.sp, rig.now, &v);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 1, "10.9.0.0/16", &row), 1);
	ck_assert_uint_eq(row.fib_state, IPC_V_FAILED);
	ck_assert_uint_eq(row.fib_code, 22);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 2, "10.9.0.0/16", &row), 1);
	ck_assert_uint_eq(row.flags & (IPC_PATH_BEST | IPC_PATH_MULTIPATH), 0);
	ck_assert_uint_eq(row.fib_state, IPC_V_PENDING);
	ck_assert_uint_eq(row.fib_code, 0);
}
END_TEST

/* RFC 4456: what a client says goes to everybody; no longer a client, only to clients. */
START_TEST(a_client_no_longer)
{
	rig.peer[1].rr_client = true;
	rig.peer[1].export_all = rig.peer[2].export_all = true;
	rig_configure(&rig, NULL);
	rig_down(&rig, 1, PEER_DOWN_FLUSH); /* setup() had it external */
	rig_up(&rig, 1, RIG_AS, true);
	rig_pull(&rig, 2, 4096);
	rig_announce(&rig, 1, "10.9.0.0/16", (uint32_t[]){ 65009, 0 }, 1, NULL);
	rig_work(&rig);
	rig_pull(&rig, 2, 4096);
	ck_assert_ptr_nonnull(rig_said_of(&rig, "10.9.0.0/16"));
	ck_assert_int_eq(rig_said_of(&rig, "10.9.0.0/16")->what, SAID_ANNOUNCE);
	rig.peer[1].rr_client = false;
	rig_configure(&rig, NULL);
	rig_work(&rig);
	rig_pull(&rig, 2, 4096);
	ck_assert_ptr_nonnull(rig_said_of(&rig, "10.9.0.0/16"));
	ck_assert_int_eq(rig_said_of(&rig, "10.9.0.0/16")->what, SAID_WITHDRAW);
}
END_TEST

START_TEST(accepting_connections)
{
	struct ipc_endpoints ep = { .remote = { .af = IP4, .b = { 192, 0, 2, 77 } } };
	const char *why = NULL;
	conn_id id;

	ck_assert_uint_eq(speaker_conn_accepted(rig.sp, rig.now, &ep, &why), 0);
	ck_assert_str_eq(why, "no peer is configured with that address");
	ck_assert_uint_eq(speaker_conn_connected(rig.sp, rig.now, 77, 1, &ep, &why), 0);
	ck_assert_str_eq(why, "there is no such peer any more");
	/* v4-mapped, as a dual-stack listener says it */
	ep.remote = (struct ip_addr){ .af = IP6, .b = { [10] = 0xff, 0xff, 192, 0, 2, 3 } };
	id = speaker_conn_accepted(rig.sp, rig.now, &ep, &why);
	ck_assert_uint_ne(id, 0);
	speaker_conn_closed(rig.sp, rig.now, id, 0);
	/* link-local addresses belong to their interface */
	rig.peer[3].addr = (struct ip_addr){ .af = IP6, .ifindex = 4, .b = { 0xfe, 0x80, [15] = 3 } };
	rig_configure(&rig, NULL);
	ep.remote = rig.peer[3].addr;
	ep.remote.ifindex = 5;
	ck_assert_uint_eq(speaker_conn_accepted(rig.sp, rig.now, &ep, &why), 0);
	ep.remote.ifindex = 0;
	ep.ifindex = 4;
	ck_assert_uint_ne(speaker_conn_accepted(rig.sp, rig.now, &ep, &why), 0);
}
END_TEST

START_TEST(commands)
{
	struct ipc_peer_cmd cmd = { .peer = 1, .cmd = IPC_CMD_REFRESH_OUT };

	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_work(&rig);
	rig_pull(&rig, 1, 4096);
	ck_assert(speaker_peer_cmd(rig.sp, rig.now, &cmd));
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 1);
	cmd.peer = 77;
	ck_assert(!speaker_peer_cmd(rig.sp, rig.now, &cmd));
	cmd.peer = 3; /* is not up: nobody to say it to */
	ck_assert(speaker_peer_cmd(rig.sp, rig.now, &cmd));
	cmd.cmd = IPC_CMD_DOWN;
	ck_assert(speaker_peer_cmd(rig.sp, rig.now, &cmd));
	ck_assert(rig_peer(&rig, 3)->peer->admin_down);
	cmd.cmd = IPC_CMD_UP;
	ck_assert(speaker_peer_cmd(rig.sp, rig.now, &cmd));
	ck_assert(!rig_peer(&rig, 3)->peer->admin_down);
}
END_TEST

/* Todos of one kind in the next s seconds; everything else is dropped. */
static unsigned
todos_within(uint64_t s, enum todo_kind kind, uint32_t *ret_peer)
{
	unsigned n = 0;
	struct todo t;

	rig.now = mono_add_s(rig.now, (uint32_t)s);
	speaker_timeout(rig.sp, rig.now);
	while (speaker_next_todo(rig.sp, &t)) {
		if (t.kind != kind)
			continue;
		n++;
		*ret_peer = t.peer;
	}
	return n;
}

/* A dynamic peer goes when nobody has used it for a while; a session and a command keep it. */
START_TEST(dynamic_peers_are_forgotten)
{
	struct ipc_conf_peer conf = rig.peer[1];
	struct ipc_peer_cmd cmd = { .peer = 50, .cmd = IPC_CMD_DOWN };
	struct ipc_endpoints ep = { 0 };
	const char *why = NULL;
	uint32_t gone = 0;

	conf.id = 50;
	conf.dynamic = conf.passive = true;
	conf.forget_ms = 10000;
	ck_assert(ip_addr_parse("10.9.9.9", &conf.addr));
	ep.remote = conf.addr;
	ck_assert_uint_eq(speaker_conn_accepted(rig.sp, rig.now, &ep, &why), 0);
	speaker_peer_add(rig.sp, rig.now, &conf);
	ck_assert_uint_ne(speaker_conn_accepted(rig.sp, rig.now, &ep, &why), 0);
	ck_assert_uint_eq(todos_within(15, TODO_PEER_GONE, &gone), 0); /* its connection is there still */
	ck_assert(speaker_peer_cmd(rig.sp, rig.now, &cmd));
	ck_assert_uint_eq(todos_within(60, TODO_PEER_GONE, &gone), 0);
	ck_assert(rig_peer(&rig, 50)->peer->admin_down);
	cmd.cmd = IPC_CMD_UP;
	ck_assert(speaker_peer_cmd(rig.sp, rig.now, &cmd));
	ck_assert_uint_eq(todos_within(20, TODO_PEER_GONE, &gone), 1);
	ck_assert_uint_eq(gone, 50);
	ck_assert(!speaker_peer_cmd(rig.sp, rig.now, &cmd));
	rig_work(&rig);
	ck_assert_uint_eq(speaker_conn_accepted(rig.sp, rig.now, &ep, &why), 0);
}
END_TEST

/* ---- what peers say ---------------------------------------------------------------------- */

/* RFC 7606 section 2, treat-as-withdraw: what was announced before goes, too. */
START_TEST(malformed_updates_withdraw)
{
	static struct update u;
	uint8_t msg[] = { 0, 0, 0, 18, 0x40, 1, 1, 9, /* ORIGIN 9 */
		0x40, 2, 4, 2, 0, 0, 0, /* AS_PATH that does not add up */
		0x40, 3, 4, 198, 51, 100, 1, 16, 10, 9 };
	struct peer *p = rig_peer(&rig, 1)->peer;

	from1("10.9.0.0/16", 1);
	from1("10.8.0.0/16", 1);
	rig_work(&rig);
	msg[3] = sizeof(msg) - 4 - 3;
	update_decode(&p->ctx, msg, sizeof(msg), &u);
	ck_assert_int_eq(u.err.act, ACT_WITHDRAW);
	speaker_peer_ops.update(p, rig.now, &u);
	rig_work(&rig);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 0, "10.9.0.0/16", NULL), 0);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 0, "10.8.0.0/16", NULL), 1);
}
END_TEST

/* RFC 8326: a path to be shut down loses against every other one. */
START_TEST(graceful_shutdown_is_honoured)
{
	static const uint8_t gshut[4] = { 0xff, 0xff, 0, 0 };
	struct attrs_build b = { .part[ATTRS_COMMUNITIES] = { gshut, 4 } };
	struct ipc_row_path row;

	rig_announce(&rig, 1, "10.9.0.0/16", (uint32_t[]){ 65001, 0 }, 1, &b);
	from2("10.9.0.0/16", 2); /* LOCAL_PREF 50, longer AS_PATH */
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.peer, 2);
	rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 1, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.local_pref, 0);
}
END_TEST

/* A next hop's metric moves the best; its loss takes the routes. */
START_TEST(next_hops_decide)
{
	struct ipc_nh_state st = { .addr = { .af = IP4, .b = { 198, 51, 100, 1 } },
		.resolved = true, .metric = 20, .gen = 100 };
	struct ipc_row_path row;

	rig_up(&rig, 3, 65003, true);
	from1("10.9.0.0/16", 1);
	rig_announce(&rig, 3, "10.9.0.0/16", (uint32_t[]){ 65003, 7, 0 }, 3, NULL);
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.peer, 1);
	speaker_nh_state(rig.sp, rig.now, &st);
	ck_assert(adjin_walking(rig.sp));
	rig_work(&rig);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row), 1);
	ck_assert_uint_eq(row.peer, 3);
	ck_assert_str_eq(row.decision, "nearer next hop");
	rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 1, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.igp_metric, 20);
	st = (struct ipc_nh_state){ .addr = { .af = IP4, .b = { 198, 51, 100, 3 } },
		.gen = 101, .why = "link is down" };
	speaker_nh_state(rig.sp, rig.now, &st);
	rig_work(&rig);
	rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_EXACT, 0, "10.9.0.0/16", &row);
	ck_assert_uint_eq(row.peer, 1);
	rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 3, "10.9.0.0/16", &row);
	ck_assert_str_eq(row.nh_why, "link is down");
}
END_TEST

/* Work comes in slices: a small budget decides a few destinations, and says there is more. */
START_TEST(work_is_bounded)
{
	char text[32];
	unsigned k;

	for (k = 0; k < 100; k++) {
		sprintf(text, "10.%u.0.0/16", k);
		rig_originate(&rig, text, NULL);
	}
	ck_assert(loc_busy(rig.sp));
	ck_assert_uint_eq(speaker_deadline(rig.sp).us, rig.now.us);
	ck_assert(speaker_work(rig.sp, rig.now, 10));
	ck_assert_uint_le(rig.sp->decisions, 10);
	for (k = 0; speaker_work(rig.sp, rig.now, 10); k++)
		;
	ck_assert_uint_ge(k, 8);
	ck_assert_uint_eq(rig.sp->decisions, 100);
	ck_assert(!speaker_work(rig.sp, rig.now, 10));
}
END_TEST

/* ---- events --------------------------------------------------------------------------------- */

static char line[512];

static void
sink(void *ctx, enum log_level level, const char *text, size_t len)
{
	snprintf(line, sizeof(line), "%s", text);
}

START_TEST(events_are_escaped_and_logged)
{
	struct log log = { .level = LOG_DEBUG, .sink = sink };
	struct rpeer *rp = rig_peer(&rig, 1);
	struct todo t;

	rig.sp->log = &log;
	snprintf(rp->conf.name, sizeof(rp->conf.name), "a%%s \"b");
	rig_work(&rig);
	speaker_event(rig.sp, LOG_WARN, rp, "thing", "why=\"%s\" n=%d", "x\" y=\"z", 5);
	ck_assert(speaker_next_todo(rig.sp, &t));
	ck_assert_int_eq(t.kind, TODO_EVENT);
	ck_assert_uint_eq(t.event.peer, 1);
	ck_assert_uint_eq(t.event.level, IPC_LVL_WARN);
	ck_assert_str_eq(t.event.name, "thing");
	ck_assert_str_eq(t.event.text, "why=\"x\\\" y=\\\"z\" n=5");
	ck_assert_str_eq(line, "warn thing peer=a_s__b why=\"x\\\" y=\\\"z\" n=5");
	speaker_event(rig.sp, LOG_DEBUG, NULL, "quiet", "n=%d", 1);
	ck_assert_str_eq(line, "debug quiet n=1");
	ck_assert(!speaker_next_todo(rig.sp, &t)); /* not worth the agent's table */
	rig.sp->log = NULL;
}
END_TEST

/* ---- limits ------------------------------------------------------------------------------------ */

static unsigned
events_named(const char *name)
{
	struct todo t;
	unsigned n = 0;

	while (speaker_next_todo(rig.sp, &t))
		n += t.kind == TODO_EVENT && strcmp(t.event.name, name) == 0;
	return n;
}

/* Rejected paths count; the warning comes once, at its percentage; replacing is no growth. */
START_TEST(limits_count_what_is_kept)
{
	char text[32];
	unsigned k;

	rig.peer[1].maxpfx[0] = (struct ipc_maxpfx){ .limit = 5, .warn_pct = 80,
		.action = IPC_MAXPFX_DISCARD };
	rig_configure(&rig, NULL);
	for (k = 0; k < 3; k++) {
		sprintf(text, "10.%u.0.0/16", k);
		rig_announce(&rig, 1, text, (uint32_t[]){ 65001, RIG_AS, 0 }, 1, NULL);
	}
	ck_assert_uint_eq(events_named("prefix-limit-near"), 0);
	from1("10.3.0.0/16", 1);
	ck_assert_uint_eq(events_named("prefix-limit-near"), 1);
	from1("10.4.0.0/16", 1);
	from1("10.4.0.0/16", 2);
	ck_assert_uint_eq(events_named("prefix-limit"), 0);
	from1("10.5.0.0/16", 1);
	from1("10.6.0.0/16", 1);
	ck_assert_uint_eq(events_named("prefix-limit"), 1);
	ck_assert_uint_eq(adjin_count(rig_peer(&rig, 1), 0), 5);
	rig_withdraw(&rig, 1, "10.0.0.0/16");
	from1("10.6.0.0/16", 1);
	ck_assert_uint_eq(adjin_count(rig_peer(&rig, 1), 0), 5);
	from1("fd00::/48", 1); /* the other family has its own limit */
	ck_assert_uint_eq(adjin_count(rig_peer(&rig, 1), 1), 1);
	rig.peer[1].maxpfx[0].limit = 5 + 1; /* raised: no news */
	rig_configure(&rig, NULL);
	rig.peer[1].maxpfx[0].limit = 5;
	rig_configure(&rig, NULL);
	ck_assert_uint_eq(events_named("prefix-limit"), 0);
	rig.peer[1].maxpfx[0].limit = 4; /* lowered below what is there */
	rig_configure(&rig, NULL);
	ck_assert_uint_eq(events_named("prefix-limit"), 1);
}
END_TEST

/* A path's age counts from when it came, an own one's, too. */
START_TEST(ages)
{
	struct ipc_row_path row;

	rig_pass(&rig, UINT64_C(1000) * 1000000);
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_work(&rig);
	ck_assert_uint_ge(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 0, "10.1.0.0/16", &row), 1);
	ck_assert_uint_eq(row.age_us, 0);
	rig_pass(&rig, UINT64_C(5) * 1000000);
	ck_assert_uint_ge(rig_rows(&rig, IPC_VIEW_ALL, IPC_MATCH_EXACT, 0, "10.1.0.0/16", &row), 1);
	ck_assert_uint_eq(row.age_us, 5000000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("speaker");
	TCase *t = unit_case(s, "speaker");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, rows_say_what_was_received_and_decided);
	tcase_add_test(t, equals_are_marked);
	tcase_add_test(t, views_select);
	tcase_add_test(t, ages);
	tcase_add_test(t, matching_prefixes);
	tcase_add_test(t, views_come_in_slices);
	tcase_add_test(t, statistics);
	tcase_add_test(t, peer_rows_count);
	tcase_add_test(t, configuration_is_compared);
	tcase_add_test(t, removed_peers_leave_nothing);
	tcase_add_test(t, an_index_used_again_is_another_source);
	tcase_add_test(t, verdicts_of_paths);
	tcase_add_test(t, a_client_no_longer);
	tcase_add_test(t, accepting_connections);
	tcase_add_test(t, commands);
	tcase_add_test(t, dynamic_peers_are_forgotten);
	tcase_add_test(t, malformed_updates_withdraw);
	tcase_add_test(t, graceful_shutdown_is_honoured);
	tcase_add_test(t, next_hops_decide);
	tcase_add_test(t, work_is_bounded);
	tcase_add_test(t, events_are_escaped_and_logged);
	tcase_add_test(t, limits_count_what_is_kept);
	return unit_run(s);
}
