/*
 * Time and memory of a route's way through the agent, without the kernel and bgpd: IPC octets
 * in, requests out, answers in, verdicts as IPC octets out; prints nanoseconds per route and
 * resident memory after each phase.
 *
 *	bench_fib [ROUTES] [4|6] [ordered|shuffled] [add]
 *
 * 200,000 of IPv4 in order when not given; add: no more than the first phase.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/fib.h"
#include "agent/nlmsg.h"
#include "lib/mem.h"
#include "tests/bench/measure.h"

#define BATCH 256

static struct fib *f;
static struct mono_us now = { 1000000 };
static struct ipc_msg *msg, *verdicts;
static uint8_t octets[IPC_MAX_OCTETS];
static struct fib_kop op;
static uint32_t seq;
static uint64_t told;
static uint32_t *order;

static void
phase(const char *what, uint32_t n, double *since)
{
	double t = measure_seconds(CLOCK_MONOTONIC);

	printf("%-28s %7.0f ns  %7.1f MB\n", what, (t - *since) * 1e9 / n, measure_rss_mb());
	*since = measure_seconds(CLOCK_MONOTONIC);
}

static struct ip_prefix
prefix_at(uint8_t af, uint32_t i)
{
	i = order[i];
	if (af == IP4)
		return (struct ip_prefix){ .af = IP4, .len = 24,
			.b = { 20 + (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
	return (struct ip_prefix){ .af = IP6, .len = 64,
		.b = { 0xfd, 0x20, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
}

/* A fixed order that jumps about. */
static void
make_order(uint32_t n, bool shuffled)
{
	uint64_t x = 88172645463325252u;

	order = mem_alloc(n * sizeof *order);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n - 1; shuffled && i > 0; i--) {
		uint32_t was = order[i], k;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		k = (uint32_t)(x % (i + 1));
		order[i] = order[k];
		order[k] = was;
	}
}

/* ---- the agent -------------------------------------------------------------------- */

static void
start(void)
{
	static const struct ip_prefix permit[] = { { .af = IP4 }, { .af = IP6 } };
	struct fib_conf conf = { .install = true, .table = 254, .protocol = 212, .metric = 20,
		.multipath = 8, .permit = permit, .npermit = 2, .protect_node = true,
		.protect_peers = true };
	struct kern_link eth0 = { .ifindex = 2, .name = "eth0", .up = true, .carrier = true,
		.mtu = 1500 };
	struct kern_addr own = { .ifindex = 2, .addr = { .af = IP4, .b = { 10, 0, 0, 1 } },
		.plen = 24 };
	static struct kern_route on_link = { .prefix = { .af = IP4, .len = 24, .b = { 10 } },
		.table = 254, .protocol = 2, .nlegs = 1, .leg = { { .ifindex = 2, .weight = 1 } } };

	f = fib_new(now, 1, NULL);
	fib_configure(f, now, &conf);
	for (int w = 0; w < KERN_NWHAT; w++) {
		fib_dump_begin(f, now, (enum kern_what)w);
		if (w == KERN_LINKS)
			fib_see_link(f, now, &eth0, false);
		if (w == KERN_ADDRS)
			fib_see_addr(f, now, &own, false);
		if (w == KERN_ROUTES4) {
			fib_see_route(f, now, &on_link, false, FIB_BY_DUMP);
			on_link.prefix = (struct ip_prefix){ .af = IP6, .len = 64, .b = { 0xfd, 1 } };
		}
		if (w == KERN_ROUTES6)
			fib_see_route(f, now, &on_link, false, FIB_BY_DUMP);
		fib_dump_end(f, now, (enum kern_what)w);
	}
}

/* Verdicts as bgpd gets them. */
static void
report(void)
{
	struct fib_report rep;
	struct ipc_verdicts *v = &verdicts->verdicts;
	bool more = true;

	verdicts->type = IPC_VERDICT;
	v->n = 0;
	while (more) {
		more = fib_next_report(f, &rep);
		if (more && rep.kind == FIB_REP_VERDICT)
			v->v[v->n++] = rep.verdict;
		if (v->n > 0 && (v->n == IPC_VERDICTS_MAX || !more)) {
			told += v->n;
			if (ipcmsg_encode(verdicts, octets, sizeof octets) == 0)
				abort();
			v->n = 0;
		}
	}
}

/* As nlbatch does, and every request succeeds. */
static uint32_t
operate(void)
{
	static uint64_t token[BATCH];
	static char batch[65536] __attribute__((aligned(8)));
	size_t n, len, i;
	uint32_t sum = 0;

	do {
		for (n = 0, len = 0; n < BATCH && fib_next_op(f, now, &op);) {
			if (op.kind == FIB_OP_DUMP)
				continue;
			len += nl_build_op(batch + len, sizeof batch - len, &op, ++seq);
			token[n++] = op.token;
		}
		for (i = 0; i < n; i++)
			fib_result(f, now, token[i], 0, "");
		sum += (uint32_t)n;
		report();
	} while (n > 0);
	return sum;
}

static void
set_is(uint32_t id, uint8_t last)
{
	struct ipc_nhset s = { .id = id, .n = 1,
		.member = { { .addr = { .af = IP4, .b = { 10, 0, 0, last } }, .weight = 1 } } };
	const char *why;

	if (last == 0) { /* of the other family */
		s.member[0].addr = (struct ip_addr){ .af = IP6, .b = { 0xfd, 1, [15] = 9 } };
	}
	if (!fib_nhset(f, now, &s, &why))
		abort();
}

/* Intents as bgpd sends them, IPC_PREFIXES_MAX to a message. */
static void
intents(uint8_t af, uint32_t n, uint32_t set, bool del)
{
	struct ipc_msg *m = msg;
	const char *why;

	for (uint32_t i = 0; i < n;) {
		uint16_t k = 0;
		size_t len;

		for (; k < IPC_PREFIXES_MAX && i < n; k++, i++) {
			if (del)
				m->prefixes.prefix[k] = prefix_at(af, i);
			else
				m->route.prefix[k] = prefix_at(af, i);
		}
		m->type = del ? IPC_ROUTE_DEL : IPC_ROUTE;
		if (del) {
			m->prefixes.n = k;
		} else {
			m->route.n = k;
			m->route.set = set;
		}
		len = ipcmsg_encode(m, octets, sizeof octets);
		if (ipcmsg_decode(IPC_BGPD, IPC_CHAN_ROUTES, octets, len, m))
			abort();
		for (k = 0; !del && k < m->route.n; k++)
			if (!fib_route_fits(f, &m->route.prefix[k]) ||
			    !fib_route(f, now, set, &m->route.prefix[k], &why))
				abort();
		for (k = 0; del && k < m->prefixes.n; k++)
			fib_route_del(f, now, &m->prefixes.prefix[k]);
		operate();
	}
}

int
main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200000;
	uint8_t af = argc > 2 && argv[2][0] == '6' ? IP6 : IP4;
	double t;

	msg = mem_zalloc(sizeof *msg);
	verdicts = mem_zalloc(sizeof *verdicts);
	make_order(n, argc > 3 && argv[3][0] == 's');
	start();
	t = measure_seconds(CLOCK_MONOTONIC);
	set_is(1, af == IP4 ? 2 : 0);
	intents(af, n, 1, false);
	phase("announced", n, &t);
	if (argc > 4) {
		printf("verdicts %llu\n", (unsigned long long)told);
		return 0;
	}
	set_is(2, af == IP4 ? 3 : 0);
	intents(af, n, 2, false);
	phase("by another set", n, &t);
	intents(af, n, 2, true);
	phase("withdrawn", n, &t);
	printf("verdicts %llu\n", (unsigned long long)told);
	fib_free(f);
	mem_free(msg);
	mem_free(verdicts);
	mem_free(order);
	return 0;
}
