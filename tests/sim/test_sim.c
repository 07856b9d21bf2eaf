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
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
