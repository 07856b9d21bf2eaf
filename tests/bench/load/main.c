/*
 * weft-load: a load generator and monitor for a BGP speaker.
 *
 *	weft-load SCENARIO [--key=value ...]
 *
 * It plays the peers of the daemon under test: dials from (or listens on) the peers'
 * addresses, sends UPDATEs made beforehand, and checks every prefix and every attribute
 * set that it gets: what is wrong, missing or too much fails the run. It says
 *
 *	EVENT name t=SECONDS key=value ...	(CLOCK_MONOTONIC)
 *	EVENT pause name=... t=SECONDS		and waits for a line on standard input
 *	RESULT {json}				at the end
 *
 * and exits with 0 only if all checks passed, 1 if not, 2 when it was called wrongly.
 *
 * By hand: two network namespaces D (10.99.0.1/16, fd99::1/64) and G with a veth between
 * them; in G the addresses 10.99.1.1 and on (fd99::1:1 and on), one per peer; in D the daemon,
 * with those peers, AS 65000, its peers' ASes 65001 and on. Then, in G:
 *
 *	weft-load s1 --prefixes=100000 </dev/null
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/load/scenario.h"

static const struct scenario scenarios[] = {
	{ "s1", "one eBGP sender of 1,000,000 prefixes, one eBGP receiver", s1_run },
	{ "s2", "20 eBGP senders of the same prefixes, one receiver, until best paths", s2_run },
	{ "s3", "200,000 /24 (--v6: /64) into the kernel, and away", s3_run },
	{ "s4", "a route reflector and its clients, all to all", s4_run },
	{ "s5", "one of two routers with the same 100,000 routes closes its session", s5_run },
	{ "s6", "from the daemon's start to working; then idle for --seconds", s6_run },
	{ "s7", "churn in a closed loop", s7_run },
	{ "s8", "a full mesh of 1,000 peers with two prefixes each, into the kernel", s8_run },
	{ "s9", "one route from the wire into the kernel, --rounds (1,000) times", s9_run },
	{ "s11", "a real table (--mrt) from one eBGP sender to one receiver", s11_run },
	{ "self-test", "do the checks find what is wrong? without a network", selftest_run },
};

#define NSCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static int
usage(void)
{
	fprintf(stderr, "weft-load SCENARIO [--key=value ...]\n");
	for (size_t i = 0; i < NSCENARIOS; i++)
		fprintf(stderr, "  %-9s %s\n", scenarios[i].name, scenarios[i].what);
	opts_help(stderr);
	return 2;
}

static const struct scenario *
scenario_find(const char *name)
{
	for (size_t i = 0; i < NSCENARIOS; i++)
		if (!strcmp(scenarios[i].name, name))
			return &scenarios[i];
	return NULL;
}

/* A session is a descriptor: as many as we may have. */
static void
files_max(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

int
main(int argc, char **argv)
{
	const struct scenario *sc = argc > 1 ? scenario_find(argv[1]) : NULL;
	struct opts o;
	struct load l;
	bool ok;

	if (!sc || !opts_parse(&o, argc, argv))
		return usage();
	signal(SIGPIPE, SIG_IGN);
	files_max();
	load_init(&l, &o);
	sc->run(&l);
	load_result_print(&l, sc->name);
	ok = !l.failed;
	load_fini(&l);
	return ok ? 0 : 1;
}
