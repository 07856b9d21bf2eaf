/*
 * Time and memory of bgpd's core alone: sessions of octets in memory, no sockets and
 * no kernel.  What it does depends on nothing but its arguments, so that two runs
 * execute the same instructions: for callgrind, and to train a profile-guided build.  It
 * fails when a session ends, or less is announced or told than there is.
 *
 *	bench_core [LOAD [SIZE]]	LOAD: one of the table at the end, or all;
 *					SIZE: its number of prefixes (reflect: clients)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/speaker.h"
#include "lib/largemem.h"
#include "lib/mem.h"
#include "lib/wire.h"
#include "tests/bench/measure.h"

#define OWN_ASN	   65000u
#define PEERS_MAX  2000u
#define SOCKET	   65536 /* octets that a peer sends or takes at once */
#define SLICE_US   2000
#define TURN_US	   200 /* a turn of bgpd's loop, by the clock that the core is told */

struct bench {
	struct speaker *sp;
	struct largemem mem;
	struct mono_us now;
	bool ibgp;
	uint32_t npeers;
	conn_id conn[PEERS_MAX + 1]; /* by peer, from 1 */
	uint8_t in[SOCKET];	     /* what a peer is about to send */
	struct wr w;
	uint8_t out[SOCKET];
	uint64_t octets, routes; /* announced, and told to the agent */
	double since;
};

static void
require(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "bench_core: %s\n", what);
		exit(EXIT_FAILURE);
	}
}

/* ---- the speaker's surroundings ------------------------------------------------------ */

static void
write_out(struct bench *b, conn_id conn)
{
	size_t n;

	while ((n = speaker_conn_output(b->sp, b->now, conn, b->out, sizeof(b->out), SOCKET)) > 0)
		b->octets += n;
}

static void
resolve(struct bench *b, const struct todo *t)
{
	struct ipc_nh_state st = {
		.addr = t->nh, .gen = 1, .resolved = true, .onlink = true, .ifindex = 2
	};

	if (t->on)
		speaker_nh_state(b->sp, b->now, &st);
}

static void
do_todos(struct bench *b)
{
	struct todo t;

	while (speaker_next_todo(b->sp, &t)) {
		require(t.kind != TODO_CLOSE && t.kind != TODO_ABORT, "a session was closed");
		if (t.kind == TODO_NH_WATCH)
			resolve(b, &t);
		else if (t.kind == TODO_WRITE)
			write_out(b, t.conn);
	}
}

static void
tell_agent(struct bench *b)
{
	struct fib_op op;

	while (speaker_next_fib(b->sp, &op)) {
		struct ipc_verdict v = { .prefix = op.prefix, .state = IPC_V_INSTALLED };

		if (op.kind == FIB_ROUTE)
			speaker_verdict(b->sp, b->now, &v);
		b->routes += op.kind == FIB_ROUTE;
	}
}

/* Turns of the loop until there is nothing left to do. */
static void
settle(struct bench *b)
{
	bool more;

	do {
		largemem_watch(&b->mem);
		b->now = mono_add_us(b->now, TURN_US);
		more = speaker_work(b->sp, b->now, SLICE_US);
		tell_agent(b);
		do_todos(b);
	} while (more);
}

/* ---- what peers say ---------------------------------------------------------------- */

/* The peer's octets so far, as one read of its socket; what waits is offered again. */
static void
say(struct bench *b, uint32_t peer)
{
	size_t len = wr_len(&b->w), at = 0, used;

	require(!b->w.full, "a message too long for its buffer");
	do {
		used = speaker_conn_input(b->sp, b->now, b->conn[peer], b->in + at, len - at);
		at += used;
		settle(b);
	} while (at < len && used > 0);
	require(at == len, "a message was not taken");
	b->w = wr_init(b->in, sizeof(b->in));
}

static size_t
begin(struct bench *b, uint8_t type)
{
	size_t mark;

	for (int i = 0; i < 16; i++)
		wr_u8(&b->w, 0xff);
	mark = wr_len(&b->w);
	wr_u16(&b->w, 0);
	wr_u8(&b->w, type);
	return mark;
}

/* The length counts from the marker on (RFC 4271 section 4.1). */
static void
end(struct bench *b, size_t mark)
{
	size_t len = wr_len(&b->w) - mark + 16;

	b->in[mark] = (uint8_t)(len >> 8);
	b->in[mark + 1] = (uint8_t)len;
}

static uint32_t
asn_of(const struct bench *b, uint32_t peer)
{
	return b->ibgp ? OWN_ASN : OWN_ASN + peer;
}

static void
say_open(struct bench *b, uint32_t peer)
{
	size_t mark = begin(b, BGP_OPEN), opt, caps;

	wr_u8(&b->w, 4);
	wr_u16(&b->w, (uint16_t)asn_of(b, peer));
	wr_u16(&b->w, 90);
	wr_u32(&b->w, 0x0a630000u + peer);
	opt = wr_open8(&b->w);
	wr_u8(&b->w, 2);
	caps = wr_open8(&b->w);
	wr_bytes(&b->w, "\x01\x04\x00\x01\x00\x01\x01\x04\x00\x02\x00\x01\x41\x04", 14);
	wr_u32(&b->w, asn_of(b, peer));
	wr_close8(&b->w, caps);
	wr_close8(&b->w, opt);
	end(b, mark);
	say(b, peer);
	end(b, begin(b, BGP_KEEPALIVE));
	say(b, peer);
}

static struct ip_addr
addr_of(uint32_t peer)
{
	return (struct ip_addr){ .af = IP4, .b = { 10, 99, (uint8_t)(peer >> 8), (uint8_t)peer } };
}

static void
path_attributes(struct bench *b, uint32_t peer, uint32_t set, uint8_t hops)
{
	wr_bytes(&b->w, "\x40\x01\x01\x00\x40\x02", 6);
	wr_u8(&b->w, (uint8_t)(hops ? 2 + 4 * hops : 0));
	if (hops) {
		wr_u8(&b->w, 2);
		wr_u8(&b->w, hops);
		wr_u32(&b->w, asn_of(b, peer));
	}
	for (uint8_t i = 1; i < hops; i++)
		wr_u32(&b->w, i == 1 ? 100000 + set : 3000u + i * 7 + set % 5);
	if (b->ibgp)
		wr_bytes(&b->w, "\x40\x05\x04\x00\x00\x00\x64", 7);
}

static void
communities(struct bench *b, uint32_t set)
{
	size_t mark;

	wr_bytes(&b->w, "\xc0\x08", 2);
	mark = wr_open8(&b->w);
	for (uint32_t i = 0; i <= set % 4; i++)
		wr_u32(&b->w, 65001u << 16 | (set + i) % 1000);
	wr_close8(&b->w, mark);
}

static void
next_hop(struct bench *b, uint32_t peer)
{
	struct ip_addr a = addr_of(peer);

	wr_bytes(&b->w, "\x40\x03\x04", 3);
	wr_bytes(&b->w, a.b, 4);
}

/* Prefix k of a table: of one length, or of many as the Internet's are. */
static void
nlri(struct bench *b, uint32_t k, bool mixed)
{
	static const uint8_t lens[16] = {
		24, 24, 24, 24, 22, 24, 24, 23, 24, 24, 20, 24, 21, 24, 16, 19
	};
	uint8_t len = mixed ? lens[k % 16] : 24;
	uint32_t addr = mixed ? 0x0b000000u + k * 2654435u % 0xb0000000u : 0x0b000000u + (k << 8);

	wr_u8(&b->w, len);
	wr_u8(&b->w, (uint8_t)(addr >> 24));
	wr_u8(&b->w, (uint8_t)(addr >> 16));
	if (len > 16)
		wr_u8(&b->w, (uint8_t)(addr >> 8 & (0xff00u >> (len - 16))));
}

static void
withdraw(struct bench *b, uint32_t peer, uint32_t first, uint32_t n, bool mixed)
{
	size_t msg = begin(b, BGP_UPDATE), mark = wr_open16(&b->w);

	for (uint32_t k = first; k < first + n; k++)
		nlri(b, k, mixed);
	wr_close16(&b->w, mark);
	wr_u16(&b->w, 0);
	end(b, msg);
	if (wr_len(&b->w) > SOCKET - 4096)
		say(b, peer);
}

/* One UPDATE: n prefixes from `first` on with an attribute set of their own. */
static void
announce(struct bench *b, uint32_t peer, uint32_t first, uint32_t n, bool mixed)
{
	uint32_t set = first + peer % 3;
	size_t msg = begin(b, BGP_UPDATE), mark;

	wr_u16(&b->w, 0);
	mark = wr_open16(&b->w);
	path_attributes(b, peer, set, b->ibgp ? 0 : mixed ? (uint8_t)(2 + set % 4) : (uint8_t)(2 + peer % 3));
	next_hop(b, peer);
	if (mixed) {
		wr_bytes(&b->w, "\x80\x04\x04\x00\x00\x00\x0a", 7);
		communities(b, set);
	}
	wr_close16(&b->w, mark);
	for (uint32_t k = first; k < first + n; k++)
		nlri(b, k, mixed);
	end(b, msg);
	if (wr_len(&b->w) > SOCKET - 4096)
		say(b, peer);
}

/* The same with IPv6 /48s (RFC 4760). */
static void
announce6(struct bench *b, uint32_t peer, uint32_t first, uint32_t n)
{
	size_t msg = begin(b, BGP_UPDATE), mark, mp;

	wr_u16(&b->w, 0);
	mark = wr_open16(&b->w);
	path_attributes(b, peer, first, 3);
	wr_bytes(&b->w, "\x90\x0e", 2);
	mp = wr_open16(&b->w);
	wr_bytes(&b->w, "\x00\x02\x01\x10\xfd\x99\0\0\0\0\0\0\0\0\0\0\0\x01\0", 19);
	wr_u16(&b->w, (uint16_t)peer);
	wr_u8(&b->w, 0);
	for (uint32_t k = first; k < first + n; k++) {
		wr_bytes(&b->w, "\x30\x20\x01", 3);
		wr_u32(&b->w, k);
	}
	wr_close16(&b->w, mp);
	wr_close16(&b->w, mark);
	end(b, msg);
	if (wr_len(&b->w) > SOCKET - 4096)
		say(b, peer);
}

static void
end_of_rib(struct bench *b, uint32_t peer)
{
	size_t msg = begin(b, BGP_UPDATE);

	wr_u32(&b->w, 0);
	end(b, msg);
	say(b, peer);
}

/* ---- beginning and end ------------------------------------------------------------- */

/* What was announced since the last phase is so many octets at least; so many routes were told. */
static void
phase(struct bench *b, const char *what, uint64_t octets, uint64_t routes)
{
	double t = measure_seconds(CLOCK_MONOTONIC);

	printf("  %-24s %6.3f s  %6.1f MB  %7.2f MB announced, %" PRIu64 " routes told\n", what,
	    t - b->since, measure_rss_mb(), (double)b->octets / 1e6, b->routes);
	require(b->octets >= octets, "something was not announced");
	require(b->routes == routes, "the routes told are not those expected");
	b->octets = b->routes = 0;
	b->since = measure_seconds(CLOCK_MONOTONIC);
}

static void
accept_peer(struct bench *b, uint32_t id)
{
	struct ipc_endpoints ep = { .local = addr_of(0),
		.remote = addr_of(id),
		.local_port = 179,
		.remote_port = 1024,
		.ifindex = 2,
		.self4 = addr_of(0),
		.self6 = { .af = IP6, .b = { 0xfd, 0x99, [15] = 1 } } };
	const char *why = NULL;

	b->conn[id] = speaker_conn_accepted(b->sp, b->now, &ep, &why);
	require(b->conn[id] != 0, why);
	say_open(b, id);
}

/* npeers sessions, all up. */
static void
start(struct bench *b, uint32_t npeers, bool ibgp, bool install)
{
	struct ipc_hello hello = { .version = IPC_VERSION, .seed = 1 };
	struct ipc_conf_speaker conf = { .asn = OWN_ASN,
		.router_id = 1,
		.multipath = 1,
		.transit = true,
		.install = install,
		.no_routes = !install };
	struct ipc_conf_peer *peer = mem_zalloc_array(npeers, sizeof(*peer));
	struct ipc_conf_applied applied;

	memset(b, 0, sizeof(*b));
	largemem_init(&b->mem);
	b->now.us = 1000000;
	b->ibgp = ibgp;
	b->npeers = npeers;
	b->w = wr_init(b->in, sizeof(b->in));
	b->since = measure_seconds(CLOCK_MONOTONIC);
	for (uint32_t k = 0; k < npeers; k++)
		peer[k] = (struct ipc_conf_peer){ .id = k + 1,
			.addr = addr_of(k + 1),
			.asn = asn_of(b, k + 1),
			.enabled = true,
			.passive = true,
			.onlink = !ibgp,
			.rr_client = ibgp,
			.import_all = true,
			.export_all = true,
			.families = 3,
			.hold_s = 90,
			.connect_retry_ms = 120000 };
	b->sp = speaker_new(b->now, &hello, NULL);
	speaker_configure(b->sp, b->now, &conf, peer, npeers, NULL, 0, &applied);
	speaker_originate_end(b->sp, b->now);
	mem_free(peer);
	for (uint32_t k = 1; k <= npeers; k++)
		accept_peer(b, k);
	settle(b);
	phase(b, "sessions up", 0, 0);
}

/* A peer's TCP connection ends; its routes go. */
static void
lose(struct bench *b, uint32_t peer, uint64_t octets)
{
	speaker_conn_closed(b->sp, b->now, b->conn[peer], 0);
	settle(b);
	phase(b, "one session lost", octets, 0);
}

static void
finish(struct bench *b)
{
	speaker_free(b->sp);
}

/* ---- loads ----------------------------------------------------------------------------- */

#define SENDER	     2u /* 1 announces nothing */
#define V4_OCTETS    4u /* of a /24 in an UPDATE */
#define V6_OCTETS    7u /* of a /48 */
#define SHORTEST     3u /* a sender whose paths are the best when all send the same prefixes */
#define MIXED_OCTETS 10u /* at least, of a mixed table's prefix with its share of an attribute set */

/* The sender's n prefixes, eight to an attribute set. */
static void
announce_table(struct bench *b, uint32_t n)
{
	for (uint32_t k = 0; k + 8 <= n; k += 8)
		announce(b, SENDER, k, 8, false);
	end_of_rib(b, SENDER);
}

/* A table announced to the other peer and lost again, with or without the kernel. */
static void
come_and_go(struct bench *b, uint32_t n, bool install, const char *what)
{
	uint32_t all = n / 8 * 8;

	start(b, 2, false, install);
	announce_table(b, n);
	phase(b, what, all * V4_OCTETS, install ? all : 0);
	lose(b, SENDER, all * V4_OCTETS);
	finish(b);
}

static void
table(struct bench *b, uint32_t n)
{
	come_and_go(b, n, false, "table announced");
}

static void
install(struct bench *b, uint32_t n)
{
	come_and_go(b, n, true, "routes told");
}

static void
table6(struct bench *b, uint32_t n)
{
	start(b, 2, false, false);
	for (uint32_t k = 0; k + 8 <= n; k += 8)
		announce6(b, SENDER, k, 8);
	end_of_rib(b, SENDER);
	phase(b, "IPv6 table announced", n / 8 * 8 * V6_OCTETS, 0);
	lose(b, SENDER, n / 8 * 8 * V6_OCTETS);
	finish(b);
}

static void
mixed(struct bench *b, uint32_t n)
{
	uint32_t many;

	start(b, 2, false, false);
	for (uint32_t k = 0; k < n; k += many) {
		many = 1 + (k * 40503u >> 8) % 13;
		announce(b, SENDER, k, many, true);
	}
	end_of_rib(b, SENDER);
	phase(b, "mixed table announced", n * MIXED_OCTETS, 0);
	lose(b, SENDER, n * MIXED_OCTETS / 3);
	finish(b);
}

static void
choice(struct bench *b, uint32_t n)
{
	uint32_t senders = 20;

	start(b, 1 + senders, false, false);
	for (uint32_t first = 0; first + 800 <= n; first += 800)
		for (uint32_t s = 0; s < senders; s++) {
			for (uint32_t k = first; k < first + 800; k += 8)
				announce(b, SENDER + s, k, 8, false);
			say(b, SENDER + s);
		}
	phase(b, "best paths chosen", n / 800 * 800 * V4_OCTETS, 0);
	lose(b, SHORTEST, n / 800 * 800 * V4_OCTETS);
	finish(b);
}

static void
churn(struct bench *b, uint32_t n)
{
	const uint64_t rounds = 20;

	start(b, 2, false, false);
	announce_table(b, n);
	for (uint64_t round = 0; round < rounds; round++) {
		for (uint32_t k = 0; k + 8 <= n / 10; k += 8)
			withdraw(b, SENDER, k, 8, false);
		say(b, SENDER);
		for (uint32_t k = 0; k + 8 <= n / 10; k += 8)
			announce(b, SENDER, k, 8, false);
		say(b, SENDER);
	}
	phase(b, "withdrawn and back", (n / 8 * 8 + rounds * 2 * (n / 10 / 8 * 8)) * V4_OCTETS, 0);
	finish(b);
}

static void
reflect(struct bench *b, uint32_t clients)
{
	require(clients <= PEERS_MAX, "too many clients");
	start(b, clients, true, false);
	for (uint32_t c = 1; c <= clients; c++) {
		announce(b, c, c * 4, 4, false);
		say(b, c);
	}
	phase(b, "reflected", clients * (clients - 1ull) * 4 * V4_OCTETS, 0);
	lose(b, 1, (clients - 1ull) * 4 * V4_OCTETS);
	finish(b);
}

static const struct load {
	const char *name;
	void (*run)(struct bench *b, uint32_t size);
	uint32_t size; /* when none is given */
} loads[] = {
	{ "table", table, 200000 },
	{ "table6", table6, 80000 },
	{ "mixed", mixed, 120000 },
	{ "choice", choice, 8000 },
	{ "install", install, 40000 },
	{ "churn", churn, 40000 },
	{ "reflect", reflect, 100 },
};

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "all";
	struct bench *b = mem_zalloc(sizeof(*b));
	bool found = false;

	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		if (strcmp(name, "all") != 0 && strcmp(name, loads[i].name) != 0)
			continue;
		found = true;
		printf("%s\n", loads[i].name);
		loads[i].run(b, argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : loads[i].size);
	}
	require(found, "no such load: table, table6, mixed, choice, install, churn, reflect, all");
	mem_free(b);
	return EXIT_SUCCESS;
}
