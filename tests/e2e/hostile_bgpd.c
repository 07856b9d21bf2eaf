/*
 * A program in weft-bgpd's place that means harm: it speaks the messages of
 * lib/ipcmsg.h, and does with them what the first word of the file "mode" beside it
 * says.  Verdicts about routes go to standard error, one line each.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/ipcmsg.h"
#include "lib/ipcsock.h"
#include "lib/launchmsg.h"
#include "lib/rng.h"

#define FLOOD_MS 1500

static struct ipc_msg in, out;
static uint8_t buf[IPC_MAX_OCTETS];
static bool told; /* the agent has said HELLO */
static char words[1 << 16], *rest;

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- both ways --------------------------------------------------------------- */

static void
print_verdicts(const struct ipc_verdicts *v)
{
	char p[IP_PREFIX_STRLEN];

	for (uint16_t i = 0; i < v->n && v->n < 32; i++)
		fprintf(stderr, "verdict %s %s %u\n", ip_prefix_str(&v->v[i].prefix, p),
		    ipc_verdict_name((enum ipc_verdict_state)v->v[i].state), v->v[i].code);
}

/* Questions are answered by nothing at all, so that nobody waits for more. */
static void
end_query(uint32_t id)
{
	const uint8_t end[7] = { 0, IPC_QUERY_END, (uint8_t)(id >> 24), (uint8_t)(id >> 16),
		(uint8_t)(id >> 8), (uint8_t)id, 0 };

	(void)ipcsock_send(LAUNCH_FD_IPC + IPC_CHAN_QUERIES, end, sizeof(end), NULL, 0);
}

/* Take what the agent says, for ms at most; false at the end of a channel. */
static bool
listen_ms(int ms)
{
	struct pollfd p[IPC_NCHANS];
	size_t nfds;
	ssize_t n;
	int fd;

	for (int i = 0; i < IPC_NCHANS; i++)
		p[i] = (struct pollfd){ .fd = LAUNCH_FD_IPC + i, .events = POLLIN };
	if (poll(p, IPC_NCHANS, ms) <= 0)
		return true;
	for (int i = 0; i < IPC_NCHANS; i++) {
		while (p[i].revents &&
		    (n = ipcsock_recv(p[i].fd, buf, sizeof(buf), &fd, 1, &nfds)) != -EAGAIN) {
			if (n <= 0)
				return false;
			if (nfds > 0)
				close(fd);
			if (ipcmsg_decode(IPC_AGENT, (enum ipc_chan)i, buf, (size_t)n, &in))
				return false;
			told |= in.type == IPC_HELLO;
			if (in.type == IPC_QUERY)
				end_query(in.query.id);
			if (in.type == IPC_VERDICT)
				print_verdicts(&in.verdicts);
		}
	}
	return true;
}

static void
listen_forever(void)
{
	while (listen_ms(1000))
		;
	exit(0);
}

/* False: no room now. A channel that ended ends this program. */
static bool
try_raw(int chan, const void *octets, size_t len, const int *fds, size_t nfds)
{
	int r = ipcsock_send(LAUNCH_FD_IPC + chan, octets, len, fds, nfds);

	if (r != 0 && r != -EAGAIN)
		exit(0);
	return r == 0;
}

static bool
try_say(void)
{
	static uint8_t enc[IPC_MAX_OCTETS];
	size_t len = ipcmsg_encode(&out, enc, sizeof(enc));

	if (len == 0)
		abort();
	return try_raw(ipc_desc[out.type].chan, enc, len, NULL, 0);
}

static void
say(void)
{
	while (!try_say())
		if (!listen_ms(1))
			exit(0);
}

static void
say_nhset(uint32_t id, struct ip_addr nh, uint16_t n)
{
	memset(&out, 0, sizeof(out));
	out.type = IPC_NHSET;
	out.nhset.id = id;
	out.nhset.n = n;
	for (uint16_t i = 0; i < n; i++, nh.b[3]++)
		out.nhset.member[i] = (struct ipc_nh_member){ nh, 1 };
	say();
}

static void
say_sync(enum ipc_type type)
{
	memset(&out, 0, sizeof(out));
	out.type = type;
	say();
}

static struct ip_addr
addr_of(const char *s)
{
	struct ip_addr a = { 0 };

	if (!s || !ip_addr_parse(s, &a))
		abort();
	return a;
}

static const char *
word(void)
{
	return strsep(&rest, " \n");
}

/* ---- what it does ---------------------------------------------------------------- */

/* "NEXTHOP PREFIX NEXTHOP PREFIX ...": ask for these routes. */
static void
forbidden(void)
{
	const char *nh, *prefix;
	uint32_t id = 0;

	say_sync(IPC_SYNC_BEGIN);
	while ((nh = word()) && *nh && (prefix = word())) {
		say_nhset(++id, addr_of(nh), 1);
		memset(&out, 0, sizeof(out));
		out.type = IPC_ROUTE;
		out.route.set = id;
		out.route.n = 1;
		if (!ip_prefix_parse(prefix, &out.route.prefix[0], NULL))
			abort();
		say();
	}
	say_sync(IPC_SYNC_END);
	listen_forever();
}

/* "NEXTHOP": host routes without end inside 172.16.0.0/12. */
static void
prefixes(void)
{
	struct ip_addr a = addr_of("172.16.0.0");
	uint32_t host = 0;

	say_nhset(1, addr_of(word()), 1);
	for (int64_t end = now_ms() + FLOOD_MS; now_ms() < end;) {
		memset(&out, 0, sizeof(out));
		out.type = IPC_ROUTE;
		out.route.set = 1;
		out.route.n = IPC_PREFIXES_MAX;
		for (uint16_t i = 0; i < out.route.n; i++, host++) {
			a = ip_addr_from_v4(0xac100000u + (host & 0xfffff));
			out.route.prefix[i] = ip_prefix_from_addr(&a);
		}
		say();
	}
	say_sync(IPC_SYNC_END);
	fprintf(stderr, "asked for %u prefixes\n", host);
	listen_forever();
}

static void
small_talk(uint32_t i)
{
	static const enum ipc_type types[] = { IPC_EVENT, IPC_CONN_REQ, IPC_CONN_CANCEL, IPC_BMP_REQ,
		IPC_MRT_DONE, IPC_PEER_GONE, IPC_CONN_LENT, IPC_SHUTDOWN_DONE, IPC_CONF_APPLIED,
		IPC_HELLO, IPC_ROW_PEER, IPC_ROW_STATS, IPC_ROW_BMP, IPC_QUERY_END, IPC_NH_WATCH,
		IPC_ROUTE_DEL, IPC_SYNC_BEGIN, IPC_SYNC_END, IPC_PEER_ADDR, IPC_PEER_SESSION };

	memset(&out, 0, sizeof(out));
	out.type = types[i % (sizeof(types) / sizeof(types[0]))];
	switch ((int)out.type) {
	case IPC_HELLO:
		out.hello.version = IPC_VERSION;
		break;
	case IPC_EVENT:
		out.event.level = IPC_LVL_ERR;
		out.event.peer = i;
		memset(out.event.name, 'n', sizeof(out.event.name) - 1);
		memset(out.event.text, '"', sizeof(out.event.text) - 1);
		break;
	case IPC_ROUTE_DEL:
		out.prefixes.n = 1;
		out.prefixes.prefix[0] = (struct ip_prefix){ .af = IP4 };
		break;
	case IPC_NH_WATCH:
		out.nh_watch.addr = ip_addr_from_v4(0x0b000000u + i);
		out.nh_watch.on = true;
		break;
	case IPC_CONN_REQ:
	case IPC_CONN_CANCEL:
		out.conn_req.peer = 1 + i / 32 % 3; /* two are peers, one is none */
		out.conn_req.token = i;
		break;
	case IPC_PEER_ADDR: /* of its own interface, of others, of none, and not link-local */
		out.peer_addr.peer = 1 + i / 32 % 4;
		out.peer_addr.addr = addr_of(i % 3 ? "fe80::1" : "fd09:1::2");
		out.peer_addr.addr.b[15] = (uint8_t)i;
		out.peer_addr.addr.ifindex = i / 128 % 40;
		break;
	case IPC_ROW_PEER:
		out.row_peer.query = out.row_peer.id = i + 1;
		break;
	case IPC_ROW_BMP:
		out.row_bmp.query = out.row_bmp.id = i + 1;
		break;
	default: /* an id of nobody */
		out.query_end.id = 0x7fffffffu - i;
	}
}

/* Everything that is well-formed, as fast as the agent takes it; read: its answers, too. */
static void
flood(bool read)
{
	uint32_t i = 0;

	for (int64_t end = now_ms() + FLOOD_MS; now_ms() < end; i++) {
		small_talk(i);
		while (!try_say() && now_ms() < end)
			if (read && !listen_ms(0))
				exit(0);
		if (read && i % 64 == 0 && !listen_ms(0))
			exit(0);
	}
	fprintf(stderr, "said %u things\n", i);
}

static void
talkative(void)
{
	flood(true);
	listen_forever();
}

static void
deaf(void)
{
	flood(false);
	for (;;) /* until it is killed */
		pause();
}

static void
silent(void)
{
	for (;;)
		pause();
}

static void
closing(void)
{
	for (int i = 0; i < IPC_NCHANS; i++)
		close(LAUNCH_FD_IPC + i);
	silent();
}

static void
sets(void)
{
	struct ip_addr a = addr_of("11.0.0.0");

	for (uint32_t id = 1;; id++)
		say_nhset(id, a, 1 + id % IPC_MEMBERS_MAX);
}

/* Another kind of nonsense at each start. */
static void
garbage(void)
{
	struct rng r;
	int fds[4] = { dup(0), dup(1), dup(2), open("/", O_RDONLY | O_CLOEXEC) };

	rng_seed(&r, (uint64_t)getpid());
	for (;;) {
		uint8_t junk[64];
		size_t len = 2 + rng_below(&r, sizeof(junk) - 2);

		for (size_t i = 0; i < len; i++)
			junk[i] = (uint8_t)rng_below(&r, 256);
		junk[0] = 0;
		junk[1] = (uint8_t)rng_below(&r, IPC_NTYPES + 1);
		try_raw((int)rng_below(&r, IPC_NCHANS), junk, len, fds, rng_below(&r, 4));
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
	{ "forbidden", forbidden },
	{ "prefixes", prefixes },
	{ "talkative", talkative },
	{ "deaf", deaf },
	{ "silent", silent },
	{ "closing", closing },
	{ "sets", sets },
	{ "garbage", garbage },
};

/* The file "mode" in this program's folder. */
static bool
read_mode(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 8);
	char *slash;
	FILE *f;
	size_t got;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return false;
	memcpy(slash, "/mode", 6);
	f = fopen(path, "r");
	if (!f)
		return false;
	got = fread(words, 1, sizeof(words) - 1, f);
	words[got] = '\0';
	rest = words;
	fclose(f);
	return true;
}

int
main(void)
{
	const char *mode;

	if (!read_mode())
		return 2;
	for (int i = 0; i < IPC_NCHANS; i++)
		if (ipcsock_adopt(LAUNCH_FD_IPC + i) != 0)
			return 3;
	while (!told && listen_ms(1000))
		;
	mode = word();
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, mode) == 0)
			modes[i].run();
	return 4;
}
