/*
 * Time of BFD sessions in the core alone: two engines with SESSIONS (1,000) between them
 * at MS (300) x 3, for a minute of virtual time; prints packets, nanoseconds for each
 * (sent by one engine and taken in by the other), and what part of a processor one
 * engine needs for that many sessions.
 *
 *	bench_bfd [SESSIONS [MS [sha1]]]
 */
#include <md5.h>
#include <sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bfdd/core/bfd.h"
#include "lib/mem.h"
#include "tests/bench/measure.h"

#define MINUTE_US 60000000ull

static void
digest(void *ctx, enum bfd_digest kind, const void *octets, size_t len, uint8_t *ret)
{
	SHA1_CTX c;

	SHA1Init(&c);
	SHA1Update(&c, octets, len);
	SHA1Final(ret, &c);
}

static const struct bfd_ops ops = { .digest = digest };
static struct bfd_engine *e[2];

static void
begin(unsigned side, uint32_t n, uint32_t us, bool auth)
{
	struct mono_us now = { 1000000 };

	e[side] = bfd_engine_new(&ops, side, mem_zalloc_array(n, sizeof(struct bfd_saved)), n);
	for (uint32_t i = 0; i < n; i++) {
		struct bfd_conf c = {
			.key = { .local = ip_addr_from_v4((10u + side) << 24 | i),
			    .remote = ip_addr_from_v4((11u - side) << 24 | i) },
			.rx_us = us,
			.tx_us = us,
			.detect_mult = 3,
		};

		if (auth)
			c.auth = (struct bfd_auth){ BFD_AUTH_METICULOUS_SHA1, 1, 3, "key" };
		if (!bfd_session_set(e[side], now, i, &c))
			abort();
	}
}

/* All that one side has to send now, taken in by the other at once. */
static uint64_t
pass(unsigned from, struct mono_us now)
{
	struct bfd_out out;
	uint64_t n = 0;

	for (; bfd_output(e[from], now, &out); n++) {
		struct bfd_meta meta = { .src = out.src, .dst = out.dst, .ifindex = 1, .ttl = 255 };

		if (bfd_input(e[!from], now, out.octets, out.len, &meta) != BFD_RX_OK)
			abort();
	}
	return n;
}

static uint64_t
run(struct mono_us *now, uint64_t us)
{
	struct mono_us end = mono_add_us(*now, us);
	uint64_t n = 0;

	while (mono_before(*now, end)) {
		struct mono_us next = mono_min(bfd_deadline(e[0]), bfd_deadline(e[1]));

		now->us = next.us > now->us ? next.us : now->us;
		n += pass(0, *now) + pass(1, *now);
	}
	return n;
}

int
main(int argc, char **argv)
{
	uint32_t sessions = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
	uint32_t ms = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 300;
	struct mono_us now = { 1000000 };
	struct bfd_event ev;
	double from;
	uint64_t n;

	begin(0, sessions, ms * 1000, argc > 3);
	begin(1, sessions, ms * 1000, argc > 3);
	run(&now, 10000000); /* until they are up */
	while (bfd_event_next(e[0], &ev) || bfd_event_next(e[1], &ev))
		continue;
	from = measure_seconds(CLOCK_PROCESS_CPUTIME_ID);
	n = run(&now, MINUTE_US);
	from = measure_seconds(CLOCK_PROCESS_CPUTIME_ID) - from;
	if (bfd_event_next(e[0], &ev) || bfd_event_next(e[1], &ev))
		abort(); /* nothing may change */
	printf("%u sessions at %u ms: %llu packets in a minute, %.0f ns each, %.4f %% of a "
	       "processor\n",
	    sessions, ms, (unsigned long long)n, from * 1e9 / (double)n, from / 2 / 60 * 100);
	return 0;
}
