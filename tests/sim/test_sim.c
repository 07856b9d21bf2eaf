/*
 * Speakers in virtual time: small networks that have to come to rest in the
 * right state, whatever the seed.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/simnet.h"

#define SECOND 1000000ull

static struct sim *net;
static int prop_seed; /* of the property under test, for its message */

static void
setup(void)
{
	net = mem_alloc(sizeof(*net));
	sim_init(net, 1);
}

static void
teardown(void)
{
	sim_free(net);
	mem_free(net);
}

static char *
pod(unsigned node, char *buf)
{
	sprintf(buf, "10.244.%u.0/24", node);
	return buf;
}

static char *
pod6(unsigned node, char *buf)
{
	sprintf(buf, "fd00:244:%x::/64", node + 1);
	return buf;
}

/* n nodes, every pair of them peers; every one with a prefix of each family. */
static void
mesh(unsigned n, bool ebgp)
{
	char buf[64];
	unsigned a, b;

	for (a = 0; a < n; a++) {
		sim_add(net, ebgp ? 64512 + a : 64512);
		sim_own(&net->node[a], pod(a, buf));
		sim_own(&net->node[a], pod6(a, buf));
	}
	for (a = 0; a < n; a++)
		for (b = 0; b < a; b++)
			sim_peer(&net->node[a], &net->node[b]);
}

static void
start_all(void)
{
	unsigned k;

	for (k = 0; k < net->nnodes; k++)
		sim_start(&net->node[k], false);
}

/* Every node has a route to every other one's prefixes, straight there. */
static bool
mesh_complete(void *ctx)
{
	const struct ipc_nhset *s;
	char buf[64];
	unsigned a, b;

	for (a = 0; a < net->nnodes; a++)
		for (b = 0; b < net->nnodes && net->node[a].up; b++) {
			if (a == b || !net->node[b].up)
				continue;
			s = sim_route(&net->node[a], pod(b, buf));
			if (!s || s->n != 1 || !ip_addr_eq(&s->member[0].addr, &net->node[b].addr4))
				return false;
			s = sim_route(&net->node[a], pod6(b, buf));
			if (!s || s->n != 1 || !ip_addr_eq(&s->member[0].addr, &net->node[b].addr6))
				return false;
		}
	return true;
}

START_TEST(two_nodes_learn_each_other)
{
	struct ipc_row_peer row;
	char buf[64];

	mesh(2, true);
	start_all();
	ck_assert(sim_until(net, 5 * SECOND, sim_all_established, net));
	ck_assert(sim_until(net, SECOND, mesh_complete, NULL));
	sim_run(net, SECOND / 10);
	sim_peer_row(&net->node[0], &net->node[1], &row);
	ck_assert_uint_eq(row.fam[0].received, 1);
	ck_assert_uint_eq(row.fam[0].accepted, 1);
	ck_assert_uint_eq(row.fam[0].best, 1);
	ck_assert_uint_eq(row.fam[0].advertised, 1);
	ck_assert_uint_eq(row.fam[1].received, 1);
	ck_assert(row.fam[0].eor_received && row.fam[0].eor_sent);
	ck_assert(row.fam[1].eor_received && row.fam[1].eor_sent);
	sim_disown(&net->node[1], pod(1, buf));
	sim_run(net, SECOND / 10);
	ck_assert(sim_route(&net->node[0], pod(1, buf)) == NULL);
	ck_assert(sim_route(&net->node[0], pod6(1, buf)) != NULL);
}
END_TEST

/* Any seed, iBGP and eBGP. */
START_TEST(mesh_of_eight)
{
	rng_seed(&net->rng, (uint64_t)_i);
	mesh(8, _i & 1);
	start_all();
	ck_assert(sim_until(net, 20 * SECOND, sim_all_established, net));
	ck_assert(sim_until(net, SECOND, mesh_complete, NULL));
}
END_TEST

/* ---- route reflection --------------------------------------------------------------- */

/* Nodes 0 to nrr - 1 reflect for the clients, who know nobody else. */
static void
reflected(unsigned nrr, unsigned nclients)
{
	char buf[64];
	unsigned a, b;

	for (a = 0; a < nrr + nclients; a++) {
		sim_add(net, 64512);
		sim_own(&net->node[a], pod(a, buf));
		sim_own(&net->node[a], pod6(a, buf));
	}
	for (a = 0; a < nrr; a++)
		for (b = a + 1; b < nrr + nclients; b++) {
			sim_peer(&net->node[a], &net->node[b]);
			sim_peer_conf(&net->node[a], &net->node[b])->rr_client = b >= nrr;
		}
}

START_TEST(reflector_with_twenty_clients)
{
	struct ipc_row_path row;
	char buf[64];

	rng_seed(&net->rng, (uint64_t)_i);
	reflected(1, 20);
	start_all();
	ck_assert(sim_until(net, 20 * SECOND, mesh_complete, NULL));
	ck_assert_uint_eq(sim_paths(&net->node[5], IPC_VIEW_BEST, 0, pod(9, buf), &row), 1);
	ck_assert_uint_eq(row.originator_id, net->node[9].conf.router_id);
	ck_assert_str_eq(row.cluster_list, "10.0.0.1");
	ck_assert(ip_addr_eq(&row.next_hop, &net->node[9].addr4));
	ck_assert_uint_eq(row.flags,
	    IPC_PATH_VALID | IPC_PATH_BEST | IPC_PATH_INTERNAL);
	sim_disown(&net->node[9], pod(9, buf));
	sim_run(net, SECOND);
	ck_assert(sim_route(&net->node[5], pod(9, buf)) == NULL);
}
END_TEST

/* With two reflectors the loss of one moves nothing. */
START_TEST(one_of_two_reflectors_dies)
{
	uint64_t ops[SIM_NODES];
	unsigned k;

	reflected(2, 8);
	for (k = 0; k < net->nnodes; k++)
		net->node[k].conf.gr_enabled = false;
	start_all();
	ck_assert(sim_until(net, 20 * SECOND, mesh_complete, NULL));
	sim_run(net, SECOND);
	for (k = 2; k < net->nnodes; k++) {
		sim_disown(&net->node[k], pod(k, (char[64]){ 0 }));
		sim_own(&net->node[k], pod(k, (char[64]){ 0 }));
	}
	sim_run(net, 5 * SECOND);
	ck_assert(mesh_complete(NULL));
	for (k = 2; k < net->nnodes; k++)
		ops[k] = net->node[k].route_ops;
	sim_kill(&net->node[1]);
	sim_run(net, 30 * SECOND);
	ck_assert(mesh_complete(NULL));
	for (k = 2; k < net->nnodes; k++) /* but for the dead one's own prefixes */
		ck_assert_uint_le(net->node[k].route_ops - ops[k], 2);
}
END_TEST

/* Nodes of the cluster that announce one prefix together, and everybody else uses all of them. */
#define ANYCAST	  "10.243.0.0/24"
#define ANYCASTER(k) ((k) >= 2 && (k) < 6)

static bool
anycast_shared(void *ctx)
{
	const struct ipc_nhset *s;
	unsigned a, b, want = 0;

	for (b = 2; b < net->nnodes; b++)
		want += ANYCASTER(b) && net->node[b].up;
	for (a = 2; a < net->nnodes; a++) {
		if (ANYCASTER(a) || !net->node[a].up)
			continue;
		s = sim_route(&net->node[a], ANYCAST);
		if (want == 0 ? s != NULL : !s || s->n != want)
			return false;
		for (b = 0; s && b < s->n; b++) /* sorted, as the addresses are */
			if (b > 0 && ip_addr_cmp(&s->member[b - 1].addr, &s->member[b].addr) >= 0)
				return false;
	}
	return true;
}

/* Two reflectors with add-path (RFC 7911); nodes die and come back, links break. */
START_TEST(clients_get_every_equal_path)
{
	struct sim_node *a;
	unsigned k, j;

	rng_seed(&net->rng, (uint64_t)_i + 300);
	reflected(2, 7);
	for (k = 0; k < net->nnodes; k++) {
		if (ANYCASTER(k))
			sim_own(&net->node[k], ANYCAST);
		for (j = 0; j < net->node[k].npeers; j++) {
			net->node[k].peer[j].addpath_receive = true;
			net->node[k].peer[j].addpath_max = 16;
			net->node[k].peer[j].addpath_send = k >= 2 ? IPC_ADDPATH_NONE :
			    _i % 2			       ? IPC_ADDPATH_ALL :
								 IPC_ADDPATH_EQUAL;
		}
	}
	start_all();
	ck_assert(sim_until(net, 20 * SECOND, anycast_shared, NULL));
	for (k = 0; k < 15; k++) {
		a = &net->node[rng_below(&net->rng, 7)];
		if (!a->up)
			sim_start(a, false);
		else if (rng_chance(&net->rng, 50))
			sim_kill(a);
		else
			sim_cut(a, &net->node[a->no == 0], rng_chance(&net->rng, 50));
		sim_run(net, rng_below(&net->rng, 8 * SECOND));
	}
	for (k = 0; k < 7; k++) {
		a = &net->node[k];
		sim_cut(a, &net->node[k == 0], false);
		if (!a->up)
			sim_start(a, false);
	}
	ck_assert(sim_until(net, 300 * SECOND, sim_all_established, net));
	ck_assert(sim_until(net, 200 * SECOND, anycast_shared, NULL));
	ck_assert(sim_until(net, 200 * SECOND, mesh_complete, NULL));
}
END_TEST

/* ---- two uplinks ------------------------------------------------------------------------ */

/* Node 0 between ToRs 1 and 2, which announce the same and one prefix each of their own. */
static void
two_uplinks(void)
{
	unsigned k;

	for (k = 0; k < 3; k++)
		sim_add(net, 64512 + k);
	sim_own(&net->node[0], "10.244.0.0/24");
	for (k = 1; k < 3; k++) {
		sim_own(&net->node[k], "10.99.0.0/16");
		sim_own(&net->node[k], k == 1 ? "10.101.0.0/16" : "10.102.0.0/16");
		sim_peer(&net->node[0], &net->node[k]);
	}
}

static bool
both_legs(void *ctx)
{
	const struct ipc_nhset *s = sim_route(&net->node[0], "10.99.0.0/16");

	return s && s->n == 2;
}

static bool
one_leg(void *ctx)
{
	const struct ipc_nhset *s = sim_route(&net->node[0], "10.99.0.0/16");

	return s && s->n == 1;
}

START_TEST(two_uplinks_share_and_never_transit)
{
	two_uplinks();
	net->node[0].conf.gr_enabled = false;
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, both_legs, NULL));
	sim_run(net, SECOND);
	ck_assert(sim_route(&net->node[1], "10.244.0.0/24") != NULL);
	ck_assert(sim_route(&net->node[2], "10.101.0.0/16") == NULL);
	ck_assert(sim_route(&net->node[1], "10.102.0.0/16") == NULL);
	ck_assert_uint_eq(sim_paths(&net->node[0], IPC_VIEW_ADVERTISED, 2, NULL, NULL), 1);
	sim_cut(&net->node[0], &net->node[1], true);
	ck_assert(sim_until(net, SECOND, one_leg, NULL));
	ck_assert(sim_route(&net->node[0], "10.101.0.0/16") == NULL);
	sim_cut(&net->node[0], &net->node[1], false);
	ck_assert(sim_until(net, 60 * SECOND, both_legs, NULL));
}
END_TEST

/* Export of everything, and the routes behind wait for the kernel's verdict. */
START_TEST(transit_on_request)
{
	struct ipc_row_path row;

	two_uplinks();
	net->node[0].conf.transit = true;
	net->node[0].conf.install = true;
	sim_peer_conf(&net->node[0], &net->node[1])->export_all = true;
	sim_peer_conf(&net->node[0], &net->node[2])->export_all = true;
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, both_legs, NULL));
	sim_run(net, SECOND);
	ck_assert(sim_route(&net->node[2], "10.101.0.0/16") != NULL);
	ck_assert_uint_eq(sim_paths(&net->node[2], IPC_VIEW_BEST, 0, "10.101.0.0/16", &row), 1);
	ck_assert_str_eq(row.as_path, "64512 64513");
	ck_assert(ip_addr_eq(&row.next_hop, &net->node[0].addr4));
	ck_assert_uint_eq(sim_paths(&net->node[0], IPC_VIEW_BEST, 2, "10.101.0.0/16", &row), 1);
	ck_assert_uint_eq(row.fib_state, IPC_V_INSTALLED);
}
END_TEST

/* What import accepts changes: the session does not notice, the routes do. */
START_TEST(permit_changes_on_a_live_session)
{
	struct ipc_conf_applied applied;
	struct ipc_row_peer peer;
	struct ipc_row_path row;

	two_uplinks();
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, both_legs, NULL));
	net->node[0].npermit = 0;
	sim_reconfigure(&net->node[0], &applied);
	ck_assert_uint_eq(applied.reset, 0);
	sim_run(net, SECOND / 10);
	ck_assert(sim_route(&net->node[0], "10.99.0.0/16") == NULL);
	ck_assert_uint_eq(sim_paths(&net->node[0], IPC_VIEW_REJECTED, 2, "10.99.0.0/16", &row), 1);
	ck_assert_str_eq(row.rejected, "no policy: kernel.permit names no prefix (RFC 8212)");
	net->node[0].permit[0] = (struct ip_prefix){ .af = IP4, .len = 16, .b = { 10, 101 } };
	net->node[0].npermit = 1;
	sim_reconfigure(&net->node[0], NULL);
	sim_run(net, SECOND / 10);
	ck_assert(sim_route(&net->node[0], "10.99.0.0/16") == NULL);
	ck_assert(sim_route(&net->node[0], "10.101.0.0/16") != NULL);
	sim_paths(&net->node[0], IPC_VIEW_REJECTED, 2, "10.99.0.0/16", &row);
	ck_assert_str_eq(row.rejected, "outside kernel.permit (RFC 8212)");
	sim_peer_conf(&net->node[0], &net->node[2])->import_all = true;
	sim_reconfigure(&net->node[0], &applied);
	ck_assert_uint_eq(applied.changed, 1);
	sim_run(net, SECOND / 10);
	ck_assert(one_leg(NULL));
	sim_peer_row(&net->node[0], &net->node[1], &peer);
	ck_assert_uint_eq(peer.established_count, 1);
	ck_assert_uint_eq(peer.fam[0].received, 2);
	ck_assert_uint_eq(peer.fam[0].accepted, 1);
	ck_assert_uint_eq(peer.fam[0].rejected, 1);
}
END_TEST

/* ---- graceful restart ---------------------------------------------------------------------- */

static bool
is_synced(void *node)
{
	return ((struct sim_node *)node)->synced;
}

/* The helper keeps a restarting peer's routes; what it does not announce again goes. */
START_TEST(peer_restarts_gracefully)
{
	struct sim_node *a, *b;
	struct ipc_row_path row;
	struct ipc_row_peer peer;
	uint64_t ops;
	char buf[64];

	mesh(2, true);
	a = &net->node[0];
	b = &net->node[1];
	sim_own(b, "10.244.77.0/24");
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, mesh_complete, NULL));
	sim_run(net, SECOND);
	ops = a->route_ops;
	sim_kill(b);
	sim_run(net, 5 * SECOND);
	ck_assert_uint_eq(sim_paths(a, IPC_VIEW_BEST, 2, pod(1, buf), &row), 1);
	ck_assert(row.flags & IPC_PATH_STALE);
	ck_assert_uint_ge(row.stale_left_s, 114);
	ck_assert_uint_le(row.stale_left_s, 116);
	sim_peer_row(a, b, &peer);
	ck_assert_uint_eq(peer.fam[0].stale, 2);
	ck_assert_uint_eq(peer.fam[0].received, 2);
	sim_disown(b, "10.244.77.0/24");
	sim_start(b, true);
	ck_assert(sim_until(net, 30 * SECOND, is_synced, b));
	sim_run(net, SECOND);
	ck_assert(sim_route(a, pod(1, buf)) != NULL);
	ck_assert(sim_route(a, "10.244.77.0/24") == NULL);
	ck_assert_uint_eq(a->route_ops - ops, 1);
	sim_peer_row(a, b, &peer);
	ck_assert_uint_eq(peer.fam[0].stale, 0);
	ck_assert_uint_eq(peer.fam[0].received, 1);
	ck_assert_uint_eq(peer.stale_left_s, 0);
	ck_assert(peer.peer_restarting);
}
END_TEST

/* It does not come back: the routes go when its restart time is over. */
START_TEST(peer_does_not_come_back)
{
	char buf[64];

	mesh(2, true);
	net->node[1].conf.gr_restart_time_s = 40;
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, mesh_complete, NULL));
	sim_run(net, SECOND);
	sim_kill(&net->node[1]);
	sim_run(net, 39 * SECOND);
	ck_assert(sim_route(&net->node[0], pod(1, buf)) != NULL);
	sim_run(net, 2 * SECOND);
	ck_assert(sim_route(&net->node[0], pod(1, buf)) == NULL);
	ck_assert(sim_route(&net->node[0], pod6(1, buf)) == NULL);
}
END_TEST

/* It comes back having lost its forwarding state: RFC 4724 section 4.2, F bit clear. */
START_TEST(peer_comes_back_without_state)
{
	char buf[64];

	mesh(2, true);
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, mesh_complete, NULL));
	sim_run(net, SECOND);
	sim_kill(&net->node[1]);
	sim_run(net, SECOND);
	sim_disown(&net->node[1], pod(1, buf));
	ck_assert(sim_route(&net->node[0], pod(1, buf)) != NULL);
	sim_start(&net->node[1], false);
	ck_assert(sim_until(net, 30 * SECOND, sim_all_established, net));
	sim_run(net, 1000);
	ck_assert(sim_route(&net->node[0], pod(1, buf)) == NULL);
}
END_TEST

/* ---- long-lived stale routes (RFC 9494) ---------------------------------------------------- */

#define RESTART_S 10
#define LONG_S	  30

/* What node 0 sees of node 1, and the bounds that follow for the route to its prefix. */
struct watch {
	struct mono_us first_loss; /* of the sessions since the last one that told everything */
	struct mono_us last_loss;
	bool was_up, was_synced;
};

/* Since less than the times granted: the route is there.  For longer than these: it is not. */
static void
check_last_resort(struct watch *w)
{
	const uint64_t limit = (RESTART_S + LONG_S) * SECOND, slack = 2 * SECOND;
	struct sim_node *a = &net->node[0];
	struct ipc_row_peer row;
	char buf[64];
	bool up, synced, there, due;

	sim_peer_row(a, &net->node[1], &row);
	up = row.state == IPC_ESTABLISHED;
	synced = up && row.fam[0].eor_received && row.fam[0].stale == 0;
	if (w->was_up && !up)
		w->last_loss = net->now;
	w->was_up = up;
	if (synced)
		w->first_loss = MONO_NEVER;
	else if (mono_is_never(w->first_loss))
		w->first_loss = net->now;
	there = sim_route(a, pod(1, buf)) != NULL;
	due = synced ? w->was_synced : mono_diff_us(net->now, w->first_loss) > SECOND / 10 &&
		mono_diff_us(net->now, w->first_loss) + slack < limit;
	w->was_synced = synced;
	if (due)
		ck_assert_msg(there, "seed %d, %.3f s: the last good path was lost", prop_seed,
		    (double)net->now.us / 1e6);
	if (!up && mono_diff_us(net->now, w->last_loss) > limit + slack)
		ck_assert_msg(!there, "seed %d, %.3f s: a stale path outlives its time", prop_seed,
		    (double)net->now.us / 1e6);
}

static void
trouble_of_two(struct watch *w, struct sim_node *a, struct sim_node *b)
{
	switch (rng_below(&net->rng, 8)) {
	case 0:
		sim_cut(a, b, true);
		break;
	case 1:
		sim_cut(a, b, false);
		sim_stick(b, a, false);
		break;
	case 2:
		if (b->up)
			sim_kill(b);
		break;
	case 3:
		if (!b->up)
			sim_start(b, true);
		break;
	case 4:
		sim_stick(b, a, true);
		break;
	default: /* a session that ends before it has told everything */
		if (!b->up)
			sim_start(b, true);
		sim_cut(a, b, false);
		sim_stick(b, a, false);
		if (!sim_until(net, 9 * SECOND, sim_all_established, net))
			break;
		check_last_resort(w);
		sim_cut(a, b, true);
		break;
	}
}

/* However a peer comes and goes, no good path is lost before its time, and none outlives it. */
START_TEST(last_resort_keeps_its_times)
{
	struct watch w = { .first_loss = MONO_NEVER };
	struct sim_node *a, *b;
	unsigned k, s, i;

	prop_seed = _i;
	rng_seed(&net->rng, (uint64_t)_i + 500);
	mesh(2, _i & 1);
	a = &net->node[0];
	b = &net->node[1];
	for (i = 0; i < 2; i++) {
		net->node[i].conf.gr_restart_time_s = RESTART_S;
		sim_peer_conf(a, b)->llgr_time_s[i] = sim_peer_conf(b, a)->llgr_time_s[i] = LONG_S;
	}
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, mesh_complete, NULL));
	sim_run(net, SECOND);
	for (k = 0; k < 60; k++) {
		trouble_of_two(&w, a, b);
		for (s = 1 + rng_below(&net->rng, 50); s > 0; s--) {
			sim_run(net, rng_below(&net->rng, SECOND));
			check_last_resort(&w);
		}
	}
}
END_TEST

/* Every reflector is gone: nodes keep each other's routes, and a new path wins at once. */
START_TEST(reflectors_stay_dead)
{
	struct ipc_row_path row;
	char buf[64];
	unsigned k, i;

	reflected(2, 3);
	for (k = 0; k < net->nnodes; k++) {
		net->node[k].conf.gr_restart_time_s = RESTART_S;
		for (i = 0; i < net->node[k].npeers; i++)
			net->node[k].peer[i].llgr_time_s[0] = LONG_S;
	}
	start_all();
	ck_assert(sim_until(net, 20 * SECOND, sim_all_established, net));
	sim_run(net, 2 * SECOND);
	sim_kill(&net->node[0]);
	sim_kill(&net->node[1]);
	sim_run(net, (RESTART_S + LONG_S - 1) * SECOND);
	ck_assert(sim_route(&net->node[2], pod(3, buf)) != NULL);
	ck_assert(sim_route(&net->node[2], pod6(3, buf)) == NULL); /* not configured for IPv6 */
	ck_assert_uint_ge(sim_paths(&net->node[2], IPC_VIEW_BEST, IPC_PEER_NONE, pod(3, buf), &row), 1);
	ck_assert(row.flags & IPC_PATH_LLGR);
	ck_assert_uint_eq(row.stale_of_s, LONG_S);
	sim_start(&net->node[0], true);
	sim_run(net, 6 * SECOND);
	ck_assert_uint_ge(sim_paths(&net->node[2], IPC_VIEW_BEST, IPC_PEER_NONE, pod(3, buf), &row), 1);
	ck_assert(!(row.flags & IPC_PATH_LLGR));
	sim_run(net, 2 * LONG_S * SECOND);
	ck_assert_uint_eq(sim_paths(&net->node[2], IPC_VIEW_ALL, IPC_PEER_NONE, pod(3, buf), &row), 1);
	ck_assert(sim_route(&net->node[2], pod6(3, buf)) != NULL);
}
END_TEST

/* We restart: the kernel's routes stay until everything is known, then what is gone goes. */
START_TEST(own_restart_defers)
{
	struct sim_node *n = &net->node[0];
	uint64_t flaps;
	char buf[64];

	mesh(4, true);
	n->conf.install = true;
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, mesh_complete, NULL));
	sim_run(net, SECOND);
	sim_kill(n);
	sim_disown(&net->node[2], pod(2, buf));
	sim_run(net, SECOND);
	flaps = n->flaps;
	sim_start(n, true);
	sim_run(net, 600); /* connects are still under way */
	ck_assert(!n->synced);
	ck_assert(sim_route(n, pod(2, buf)) != NULL);
	ck_assert(sim_until(net, 3 * SECOND, is_synced, n));
	ck_assert(sim_route(n, pod(2, buf)) == NULL);
	ck_assert(sim_route(n, pod(1, buf)) != NULL);
	ck_assert(sim_route(n, pod(3, buf)) != NULL);
	ck_assert_uint_eq(n->flaps, flaps);
	sim_run(net, SECOND);
	ck_assert(sim_route(&net->node[1], pod(0, buf)) != NULL);
	ck_assert_uint_eq(net->node[1].flaps, 1); /* what node 2 withdrew, and nothing else */
}
END_TEST

/* Peers that are down never hold it up: refused at once, silent ones 3 s. */
START_TEST(dead_peers_do_not_hold_up_a_restart)
{
	struct sim_node *n = &net->node[0];
	struct mono_us began;
	bool silent = _i == 1;

	mesh(3, true);
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, mesh_complete, NULL));
	sim_kill(n);
	sim_kill(&net->node[2]);
	net->silent[0][2] = silent;
	began = net->now;
	sim_start(n, true);
	ck_assert(sim_until(net, 30 * SECOND, is_synced, n));
	if (silent) {
		ck_assert_uint_ge(mono_diff_us(net->now, began), 3 * SECOND);
		ck_assert_uint_le(mono_diff_us(net->now, began), 3 * SECOND + SECOND / 10);
		ck_assert_str_eq(n->last_event, "deferral-end");
	} else {
		ck_assert_uint_le(mono_diff_us(net->now, began), 3 * SECOND);
	}
}
END_TEST

/* ---- trouble ------------------------------------------------------------------------------------ */

/* Links break, nodes die and come back, prefixes come and go; in the end all is well. */
START_TEST(chaos_comes_to_rest)
{
	struct sim_node *a, *b;
	char buf[64];
	int k;

	rng_seed(&net->rng, (uint64_t)_i + 100);
	mesh(6, _i & 1);
	start_all();
	for (k = 0; k < 40; k++) {
		a = &net->node[rng_below(&net->rng, 6)];
		b = &net->node[(a->no + 1 + rng_below(&net->rng, 5)) % 6];
		switch (rng_below(&net->rng, 6)) {
		case 0:
			sim_cut(a, b, true);
			break;
		case 1:
			sim_cut(a, b, false);
			break;
		case 2:
			if (a->up)
				sim_kill(a);
			break;
		case 3:
			if (!a->up)
				sim_start(a, rng_chance(&net->rng, 50));
			break;
		case 4:
			sim_stick(a, b, rng_chance(&net->rng, 50));
			break;
		case 5:
			sim_disown(a, pod(a->no, buf));
			sim_own(a, pod(a->no, buf));
			break;
		}
		sim_run(net, rng_below(&net->rng, 8 * SECOND));
	}
	for (k = 0; k < 36; k++) {
		a = &net->node[k / 6];
		b = &net->node[k % 6];
		sim_cut(a, b, false);
		sim_stick(a, b, false);
		if (!a->up)
			sim_start(a, false);
	}
	ck_assert(sim_until(net, 300 * SECOND, sim_all_established, net));
	ck_assert(sim_until(net, 200 * SECOND, mesh_complete, NULL));
}
END_TEST

/* A day passes and no session notices; keepalives are all that happens. */
START_TEST(a_day_of_timers)
{
	struct ipc_row_peer row;
	unsigned a, b;

	mesh(3, true);
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, mesh_complete, NULL));
	sim_run(net, 24 * 3600 * SECOND);
	for (a = 0; a < 3; a++)
		for (b = 0; b < 3; b++) {
			if (a == b)
				continue;
			sim_peer_row(&net->node[a], &net->node[b], &row);
			ck_assert_uint_eq(row.state, IPC_ESTABLISHED);
			ck_assert_uint_eq(row.established_count, 1);
			ck_assert_uint_le(row.msgs_out[4], 24 * 3600 / 2 + 100);
			ck_assert_uint_ge(row.msgs_out[4], 24 * 3600 / 3 - 100);
			ck_assert_uint_le(row.msgs_out[2], 8);
		}
}
END_TEST

/* A node that stops for good tells everybody; its routes go although restarts are graceful. */
START_TEST(stopping_withdraws)
{
	char buf[64];

	mesh(3, true);
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, mesh_complete, NULL));
	sim_run(net, SECOND);
	sim_shutdown(&net->node[1], IPC_SHUT_STOP);
	sim_run(net, SECOND);
	ck_assert(net->node[1].shutdown_done);
	ck_assert(sim_route(&net->node[0], pod(1, buf)) == NULL);
	ck_assert(sim_route(&net->node[2], pod(1, buf)) == NULL);
	ck_assert(sim_route(&net->node[0], pod(2, buf)) != NULL);
}
END_TEST

/* And before a restart it says nothing: its routes stay. */
START_TEST(restarting_does_not_withdraw)
{
	char buf[64];

	mesh(3, true);
	start_all();
	ck_assert(sim_until(net, 10 * SECOND, mesh_complete, NULL));
	sim_run(net, SECOND);
	sim_shutdown(&net->node[1], IPC_SHUT_RESTART);
	sim_run(net, SECOND);
	ck_assert(net->node[1].shutdown_done);
	ck_assert(sim_route(&net->node[0], pod(1, buf)) != NULL);
	ck_assert_uint_eq(net->node[0].flaps, 0);
}
END_TEST

/* ---- prefix limits ------------------------------------------------------------------------------- */

static void
limited(uint8_t action, uint32_t limit)
{
	char buf[64];
	unsigned k;

	mesh(2, true);
	for (k = 0; k < 9; k++)
		sim_own(&net->node[1], pod(20 + k, buf));
	sim_peer_conf(&net->node[0], &net->node[1])->maxpfx[0] =
	    (struct ipc_maxpfx){ .limit = limit, .warn_pct = 80, .action = action, .after_s = 60 };
	start_all();
	sim_run(net, 10 * SECOND);
}

START_TEST(limit_not_reached)
{
	struct ipc_row_peer row;

	limited(IPC_MAXPFX_RESTART, 10);
	sim_peer_row(&net->node[0], &net->node[1], &row);
	ck_assert_uint_eq(row.state, IPC_ESTABLISHED);
	ck_assert_uint_eq(row.fam[0].received, 10);
	ck_assert_str_eq(net->node[0].last_event, "prefix-limit-near");
	ck_assert_str_eq(net->node[0].last_event_text, "family=ipv4-unicast prefixes=8 limit=10");
}
END_TEST

START_TEST(limit_restarts)
{
	struct ipc_row_peer row;

	limited(IPC_MAXPFX_RESTART, 9);
	sim_peer_row(&net->node[0], &net->node[1], &row);
	ck_assert_uint_ne(row.state, IPC_ESTABLISHED);
	ck_assert_uint_eq(row.established_count, 1);
	ck_assert_str_eq(row.last_error, "prefix limit: it announces more than our limit of 9 ipv4-unicast prefixes");
	sim_disown(&net->node[1], "10.244.20.0/24");
	sim_run(net, 45 * SECOND);
	sim_peer_row(&net->node[0], &net->node[1], &row);
	ck_assert_uint_ne(row.state, IPC_ESTABLISHED);
	sim_run(net, 60 * SECOND);
	sim_peer_row(&net->node[0], &net->node[1], &row);
	ck_assert_uint_eq(row.state, IPC_ESTABLISHED);
	ck_assert_uint_eq(row.fam[0].received, 9);
}
END_TEST

START_TEST(limit_warns_or_discards)
{
	struct ipc_row_peer row;

	limited(_i ? IPC_MAXPFX_WARN : IPC_MAXPFX_DISCARD, 9);
	sim_peer_row(&net->node[0], &net->node[1], &row);
	ck_assert_uint_eq(row.state, IPC_ESTABLISHED);
	ck_assert_uint_eq(row.fam[0].received, _i ? 10 : 9);
	ck_assert_str_eq(net->node[0].last_event, "prefix-limit");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sim");
	TCase *t = tcase_create("networks");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, two_nodes_learn_each_other);
	tcase_add_loop_test(t, mesh_of_eight, 0, 4);
	tcase_add_loop_test(t, reflector_with_twenty_clients, 0, 2);
	tcase_add_test(t, one_of_two_reflectors_dies);
	tcase_add_loop_test(t, clients_get_every_equal_path, 0, 6);
	tcase_add_test(t, two_uplinks_share_and_never_transit);
	tcase_add_test(t, transit_on_request);
	tcase_add_test(t, permit_changes_on_a_live_session);
	tcase_add_test(t, peer_restarts_gracefully);
	tcase_add_test(t, peer_does_not_come_back);
	tcase_add_test(t, peer_comes_back_without_state);
	tcase_add_loop_test(t, last_resort_keeps_its_times, 0, 30);
	tcase_add_test(t, reflectors_stay_dead);
	tcase_add_test(t, own_restart_defers);
	tcase_add_loop_test(t, dead_peers_do_not_hold_up_a_restart, 0, 2);
	tcase_add_loop_test(t, chaos_comes_to_rest, 0, 6);
	tcase_add_test(t, a_day_of_timers);
	tcase_add_test(t, stopping_withdraws);
	tcase_add_test(t, restarting_does_not_withdraw);
	tcase_add_test(t, limit_not_reached);
	tcase_add_test(t, limit_restarts);
	tcase_add_loop_test(t, limit_warns_or_discards, 0, 2);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
