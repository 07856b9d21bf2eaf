/*
 * Time and memory of the routing half, without sessions and kernel; prints
 * seconds and resident memory after each phase.
 *
 *	bench_rib [PREFIXES]	  from one peer to another, eight to an attribute
 *				  set; a million when not given
 *	bench_rib clients N EACH  a route reflector: N clients with EACH prefixes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"
#include "tests/bench/measure.h"

#define PER_SET 8

static struct speaker *sp;
static struct mono_us now = { 1000000 };
static struct peer *in, *out;

static void
phase(const char *what, double *since)
{
	double t = measure_seconds(CLOCK_MONOTONIC);

	printf("%-28s %6.2f s  %7.1f MB\n", what, t - *since, measure_rss_mb());
	*since = measure_seconds(CLOCK_MONOTONIC);
}

static struct peer *
make_peer(uint32_t id, bool ebgp)
{
	struct rpeer *rp = speaker_peer(sp, id);
	struct peer *p = rp->peer;

	p->neg = (struct peer_neg){ .ebgp = ebgp,
		.as4 = true,
		.families = 1,
		.local_asn = 65000,
		.remote_asn = ebgp ? 65000 + id : 65000,
		.remote_id = id };
	p->ep = (struct ipc_endpoints){ .self4 = { .af = IP4, .b = { 10, 0, 0, 254 } } };
	p->ctx = (struct update_ctx){
		.as4 = true, .ebgp = ebgp, .families = 1, .max_octets = BGP_MAX_OCTETS
	};
	speaker_peer_ops.up(p, now);
	return p;
}

static void
answer(void)
{
	struct todo t;

	while (speaker_next_todo(sp, &t)) {
		struct ipc_nh_state st = { .addr = t.nh, .resolved = true, .gen = 1 };

		if (t.kind == TODO_NH_WATCH && t.on)
			speaker_nh_state(sp, now, &st);
	}
}

/* One UPDATE of PER_SET prefixes with an AS_PATH of their own. */
static void
one_update(uint32_t set)
{
	static struct update u;
	uint8_t msg[BGP_MAX_OCTETS];
	struct wr w = wr_init(msg, sizeof(msg));
	size_t mark, k;

	wr_u16(&w, 0);
	mark = wr_open16(&w);
	wr_bytes(&w, "\x40\x01\x01\x00\x40\x02\x12\x02\x04", 9);
	wr_u32(&w, 65001);
	wr_u32(&w, set + 1);
	wr_u32(&w, 3356);
	wr_u32(&w, set % 60000 + 1);
	wr_bytes(&w, "\x40\x03\x04\x0a\x00\x00\x01", 7);
	wr_close16(&w, mark);
	for (k = 0; k < PER_SET; k++) {
		wr_u8(&w, 24);
		wr_u8(&w, (uint8_t)(1 + ((set * PER_SET + k) >> 16)));
		wr_u16(&w, (uint16_t)(set * PER_SET + k));
	}
	update_decode(&in->ctx, msg, wr_len(&w), &u);
	speaker_peer_ops.update(in, now, &u);
}

/* Fill client's buffer until it has nothing more to say. */
static size_t
pull(struct peer *p)
{
	static uint8_t buf[65536];
	size_t n, total = 0;

	while ((n = speaker_peer_ops.fill(p, now, buf, sizeof(buf))) > 0)
		total += n;
	return total;
}

static size_t
drain(void)
{
	while (speaker_work(sp, now, 5000))
		;
	return pull(out);
}

static void
configure(void)
{
	struct ipc_conf_speaker conf = {
		.asn = 65000, .router_id = 1, .multipath = 1, .transit = true
	};
	struct ipc_conf_peer peer[2] = {
		{ .id = 1, .addr = { .af = IP4, .b = { 10, 0, 0, 1 } }, .enabled = true, .passive = true,
		    .import_all = true, .families = 1 },
		{ .id = 2, .addr = { .af = IP4, .b = { 10, 0, 0, 2 } }, .enabled = true, .passive = true,
		    .export_all = true, .families = 1 },
	};
	struct ipc_conf_applied applied;

	speaker_configure(sp, now, &conf, peer, 2, NULL, 0, &applied);
	speaker_originate_end(sp, now);
}

/* Client k announces its prefixes, one to an UPDATE. */
static void
client_says(struct peer *p, uint32_t k, uint32_t each)
{
	static struct update u;
	uint32_t i;

	for (i = 0; i < each; i++) {
		uint8_t msg[64];
		struct wr w = wr_init(msg, sizeof(msg));
		size_t mark;

		wr_u16(&w, 0);
		mark = wr_open16(&w);
		wr_bytes(&w, "\x40\x01\x01\x00\x40\x02\x00\x40\x03\x04\x0a", 11);
		wr_u8(&w, 9);
		wr_u16(&w, (uint16_t)(k + 1));
		wr_bytes(&w, "\x40\x05\x04\x00\x00\x00\x64", 7);
		wr_close16(&w, mark);
		wr_u8(&w, 32);
		wr_u32(&w, 0x0b000000u + k * each + i);
		update_decode(&p->ctx, msg, wr_len(&w), &u);
		speaker_peer_ops.update(p, now, &u);
	}
}

static void
reflect(uint32_t n, uint32_t each)
{
	struct ipc_conf_speaker conf = {
		.asn = 65000, .router_id = 1, .multipath = 1, .transit = true
	};
	struct ipc_conf_peer *conf_peer = mem_zalloc_array(n, sizeof(*conf_peer));
	struct peer **p = mem_zalloc_array(n, sizeof(*p));
	struct ipc_conf_applied applied;
	double since = measure_seconds(CLOCK_MONOTONIC);
	size_t octets = 0;
	uint32_t k, round;

	for (k = 0; k < n; k++)
		conf_peer[k] = (struct ipc_conf_peer){ .id = k + 1, .enabled = true, .passive = true,
			.rr_client = true, .export_all = true, .families = 1,
			.addr = { .af = IP4, .b = { 10, 9, (uint8_t)(k >> 8), (uint8_t)k } } };
	speaker_configure(sp, now, &conf, conf_peer, n, NULL, 0, &applied);
	speaker_originate_end(sp, now);
	for (k = 0; k < n; k++)
		p[k] = make_peer(k + 1, false);
	phase("clients up", &since);
	for (k = 0; k < n; k++) {
		client_says(p[k], k, each);
		answer();
	}
	while (speaker_work(sp, now, 5000))
		answer();
	phase("learned", &since);
	for (round = 0; round < 2; round++)
		for (k = 0; k < n; k++)
			octets += pull(p[k]);
	printf("announced %.1f MB of UPDATEs\n", (double)octets / 1e6);
	phase("announced", &since);
	speaker_peer_ops.down(p[0], now, PEER_DOWN_FLUSH, "bench");
	while (speaker_work(sp, now, 5000))
		;
	for (k = 1; k < n; k++)
		octets += pull(p[k]);
	phase("one client gone", &since);
	speaker_peer_ops.up(p[0], now);
	pull(p[0]);
	phase("and back: its whole table", &since);
	mem_free(conf_peer);
	mem_free(p);
}

static void
one_to_one(uint32_t n)
{
	uint32_t k;
	struct fib_op op;
	double since = measure_seconds(CLOCK_MONOTONIC);
	size_t octets = 0;

	configure();
	in = make_peer(1, true);
	out = make_peer(2, true);
	phase("start", &since);
	for (k = 0; k < n / PER_SET; k++) {
		one_update(k);
		if (k == 0)
			answer();
		if (k % 64 == 63)
			octets += drain();
	}
	octets += drain();
	phase("learn and announce", &since);
	while (speaker_next_fib(sp, &op))
		;
	phase("tell the agent", &since);
	printf("announced %.1f MB of UPDATEs, %zu attribute sets\n", (double)octets / 1e6,
	    attrs_pool_live(sp->pool));
	speaker_peer_ops.down(in, now, PEER_DOWN_FLUSH, "bench");
	octets = drain();
	phase("peer down", &since);
	while (speaker_next_fib(sp, &op))
		;
	for (k = 0; k < 10; k++) {
		now = mono_add_s(now, 1);
		speaker_timeout(sp, now);
		drain();
	}
	phase("ids given back", &since);
}

int
main(int argc, char **argv)
{
	struct ipc_hello hello = { .seed = 1 };

	sp = speaker_new(now, &hello, NULL);
	if (argc == 4)
		reflect((uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]));
	else
		one_to_one(argc > 1 ? (uint32_t)atoi(argv[1]) : 1000000);
	speaker_free(sp);
	return 0;
}
