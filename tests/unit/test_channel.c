/*
 * weft-bgpd's shell with the real speaker: this test is the agent (three
 * channels) and the peer (a scripted BGP speaker over a socket pair); bgpd runs
 * in a child process without its sandbox, which test_sandbox judges.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bgpd/bgpd.h"
#include "lib/ipcsock.h"
#include "lib/logmain.h"
#include "lib/wire.h"
#include "tests/unit/unit.h"

#define DEADLINE_MS 8000
#define PEER_ID	    1
#define PEER_AS	    65001u
#define OUR_AS	    65000u

static int agent_fd[IPC_NCHANS];
static pid_t bgpd_pid;

/* What the agent has been told. */
static struct {
	unsigned n[IPC_NTYPES];
	unsigned routes, route_dels, rows, ends;
	bool marked; /* a ROUTE had peer_update()'s prefix MARKER */
	uint8_t end_status;
	uint32_t end_id, token;
	struct ipc_route last_route;
	struct ipc_nhset last_set;
	struct ipc_event last_event;
} seen;

static bool mute_routes; /* the agent does not read its routes channel */

/* ---- the agent ------------------------------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
start(void)
{
	int bgpd_fd[IPC_NCHANS];

	for (int i = 0; i < IPC_NCHANS; i++) {
		int pair[2];

		ck_assert_int_eq(ipcsock_pair(pair), 0);
		agent_fd[i] = pair[0];
		bgpd_fd[i] = pair[1];
	}
	bgpd_pid = fork();
	if (bgpd_pid == 0) {
		for (int i = 0; i < IPC_NCHANS; i++)
			close(agent_fd[i]);
		signal(SIGPIPE, SIG_IGN);
		log_main.level = LOG_ERR; /* the agent logs the events */
		_exit(bgpd_run(bgpd_fd, INT_MAX, NULL));
	}
	for (int i = 0; i < IPC_NCHANS; i++)
		close(bgpd_fd[i]);
	memset(&seen, 0, sizeof(seen));
	mute_routes = false;
}

static void
hang_up(void)
{
	for (int i = 0; i < IPC_NCHANS; i++)
		if (agent_fd[i] >= 0)
			close(agent_fd[i]);
	memset(agent_fd, -1, sizeof(agent_fd));
}

static int
ended(void)
{
	int64_t end = now_ms() + DEADLINE_MS;
	int status;

	while (waitpid(bgpd_pid, &status, WNOHANG) == 0) {
		ck_assert_msg(now_ms() < end, "bgpd still runs");
		poll(NULL, 0, 2);
	}
	bgpd_pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void
finish(void)
{
	hang_up();
	if (bgpd_pid > 0)
		ck_assert_int_eq(ended(), 0);
}

static void
tell_fd(enum ipc_chan chan, const struct ipc_msg *m, int fd)
{
	static uint8_t buf[IPC_MAX_OCTETS];
	size_t len = ipcmsg_encode(m, buf, sizeof(buf));

	ck_assert_uint_gt(len, 0);
	ck_assert_int_eq(ipcsock_send(agent_fd[chan], buf, len, &fd, fd >= 0), 0);
}

static void
tell(enum ipc_chan chan, const struct ipc_msg *m)
{
	tell_fd(chan, m, -1);
}

static void
answer_watch(const struct ipc_nh_watch *w)
{
	struct ipc_msg m = { .type = IPC_NH_STATE };

	if (!w->on)
		return;
	m.nh_state.addr = w->addr;
	m.nh_state.resolved = m.nh_state.onlink = true;
	m.nh_state.gen = 1;
	tell(IPC_CHAN_ROUTES, &m);
}

/* A prefix that a peer sends last: bgpd has seen all that was before it. */
#define MARKER 9999u

static bool
has_marker(const struct ipc_route *r)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->prefix[i].b[1] == MARKER >> 8 && r->prefix[i].b[2] == (MARKER & 0xff))
			return true;
	return false;
}

static void
agent_takes(const struct ipc_msg *m)
{
	seen.n[m->type]++;
	if (m->type == IPC_NH_WATCH)
		answer_watch(&m->nh_watch);
	else if (m->type == IPC_ROUTE)
		seen.routes += m->route.n, seen.last_route = m->route, seen.marked |= has_marker(&m->route);
	else if (m->type == IPC_ROUTE_DEL)
		seen.route_dels += m->prefixes.n;
	else if (m->type == IPC_NHSET)
		seen.last_set = m->nhset;
	else if (m->type == IPC_CONN_REQ)
		seen.token = m->conn_req.token;
	else if (m->type == IPC_EVENT)
		seen.last_event = m->event;
	else if (m->type == IPC_ROW_PATH || m->type == IPC_ROW_PEER || m->type == IPC_ROW_STATS)
		seen.rows++;
	else if (m->type == IPC_QUERY_END)
		seen.ends++, seen.end_status = m->query_end.status, seen.end_id = m->query_end.id;
}

/* Read what bgpd says until nothing came for that long. */
static void
listen_ms(int ms)
{
	static uint8_t buf[IPC_MAX_OCTETS];
	static struct ipc_msg m;
	struct pollfd p[IPC_NCHANS];

	for (int i = 0; i < IPC_NCHANS; i++)
		p[i] = (struct pollfd){ .fd = i == IPC_CHAN_ROUTES && mute_routes ? -1 : agent_fd[i],
			.events = POLLIN };
	while (poll(p, IPC_NCHANS, ms) > 0)
		for (int i = 0; i < IPC_NCHANS; i++) {
			size_t nfds;
			ssize_t n = p[i].revents ? ipcsock_recv(p[i].fd, buf, sizeof(buf), NULL, 0, &nfds)
						 : -EAGAIN;
			const char *why;

			if (n == -EAGAIN)
				continue;
			if (n <= 0)
				return;
			why = ipcmsg_decode(IPC_BGPD, (enum ipc_chan)i, buf, (size_t)n, &m);
			ck_assert_msg(why == NULL, "bgpd sent %s", why);
			agent_takes(&m);
		}
}

#define AWAIT(cond)                                                                                \
	do {                                                                                       \
		int64_t await_end = now_ms() + DEADLINE_MS;                                        \
		while (!(cond)) {                                                                  \
			ck_assert_msg(now_ms() < await_end, "never: " #cond " (last event %s: %s)", \
			    seen.last_event.name, seen.last_event.text);                           \
			listen_ms(5);                                                              \
		}                                                                                  \
	} while (0)

static void
tell_hello(void)
{
	struct ipc_msg m = { .type = IPC_HELLO };

	m.hello.version = IPC_VERSION;
	m.hello.seed = 7;
	tell(IPC_CHAN_CONTROL, &m);
	AWAIT(seen.n[IPC_HELLO] == 1);
}

static struct ip_addr
addr(const char *s)
{
	struct ip_addr a;

	ck_assert(ip_addr_parse(s, &a));
	return a;
}

static void
tell_configuration(bool passive)
{
	struct ipc_msg m = { .type = IPC_CONF_BEGIN };

	m.conf_begin.gen = 1;
	tell(IPC_CHAN_CONTROL, &m);
	memset(&m, 0, sizeof(m));
	m.type = IPC_CONF_SPEAKER;
	m.conf_speaker = (struct ipc_conf_speaker){ .asn = OUR_AS, .router_id = 0x0a000001,
		.multipath = 4, .install = true };
	tell(IPC_CHAN_CONTROL, &m);
	memset(&m, 0, sizeof(m));
	m.type = IPC_CONF_PEER;
	m.conf_peer = (struct ipc_conf_peer){ .id = PEER_ID, .name = "p1", .addr = addr("192.0.2.2"),
		.asn_mode = IPC_ASN_EXTERNAL, .passive = passive, .enabled = true, .onlink = true,
		.import_all = true, .families = 1, .hold_s = 9, .connect_retry_ms = 1000 };
	tell(IPC_CHAN_CONTROL, &m);
	memset(&m, 0, sizeof(m));
	m.type = IPC_CONF_END;
	m.conf_begin.gen = 1;
	tell(IPC_CHAN_CONTROL, &m);
	m.type = IPC_ORIGINATE_END;
	tell(IPC_CHAN_CONTROL, &m);
	AWAIT(seen.n[IPC_CONF_APPLIED] == 1);
}

static struct ipc_endpoints
endpoints(void)
{
	return (struct ipc_endpoints){ .local = addr("192.0.2.1"), .remote = addr("192.0.2.2"),
		.local_port = 179, .remote_port = 40000, .self4 = addr("192.0.2.1") };
}

/* ---- the peer --------------------------------------------------------------------- */

/* The peer's end of a connection whose other end goes to bgpd. */
static int
connect_peer(bool asked)
{
	struct ipc_msg m = { .type = asked ? IPC_CONN_DONE : IPC_CONN_IN };
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	if (asked) {
		m.conn_done.peer = PEER_ID;
		m.conn_done.token = seen.token;
		m.conn_done.ep = endpoints();
	} else {
		m.conn_in.ep = endpoints();
	}
	tell_fd(IPC_CHAN_CONTROL, &m, pair[1]);
	close(pair[1]);
	return pair[0];
}

static void
peer_write(int fd, const void *p, size_t len)
{
	const uint8_t *octets = p;
	int64_t end = now_ms() + DEADLINE_MS;

	while (len > 0) { /* bgpd pushes back: the agent listens meanwhile */
		ssize_t n = send(fd, octets, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		ck_assert(n > 0 || (errno == EAGAIN && now_ms() < end));
		octets += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		if (n < 0)
			listen_ms(1);
	}
}

static struct wr
msg_begin(uint8_t *buf, size_t cap, uint8_t type, size_t *ret_mark)
{
	struct wr w = wr_init(buf, cap);

	for (int i = 0; i < 16; i++)
		wr_u8(&w, 0xff);
	*ret_mark = wr_len(&w);
	wr_u16(&w, 0);
	wr_u8(&w, type);
	return w;
}

static void
msg_end(int fd, struct wr *w, size_t mark)
{
	ck_assert(!w->full);
	w->base[mark] = (uint8_t)(wr_len(w) >> 8);
	w->base[mark + 1] = (uint8_t)wr_len(w);
	peer_write(fd, w->base, wr_len(w));
}

static uint16_t peer_hold_s = 9;

static void
peer_open(int fd)
{
	/* capabilities: IPv4 unicast, 4-octet AS */
	static const uint8_t opt[] = { 2, 6, 1, 4, 0, 1, 0, 1, 2, 6, 65, 4, 0, 0, 0xfd, 0xe9 };
	uint8_t buf[128];
	size_t mark;
	struct wr w = msg_begin(buf, sizeof(buf), 1, &mark);

	wr_u8(&w, 4);
	wr_u16(&w, PEER_AS);
	wr_u16(&w, peer_hold_s);
	wr_u32(&w, 0xc0000202);
	wr_u8(&w, sizeof(opt));
	wr_bytes(&w, opt, sizeof(opt));
	msg_end(fd, &w, mark);
}

static void
peer_keepalive(int fd)
{
	uint8_t buf[32];
	size_t mark;
	struct wr w = msg_begin(buf, sizeof(buf), 4, &mark);

	msg_end(fd, &w, mark);
}

/* n routes 10.x.y.0/24 from `first` on; withdraw: the same, gone. */
static void
peer_update(int fd, unsigned first, unsigned n, bool withdraw)
{
	static const uint8_t attrs[] = { 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0x40, 3, 4,
		192, 0, 2, 2 };
	uint8_t buf[4096];
	size_t mark;
	struct wr w = msg_begin(buf, sizeof(buf), 2, &mark);

	wr_u16(&w, (uint16_t)(withdraw ? 4 * n : 0));
	if (!withdraw) {
		wr_u16(&w, sizeof(attrs));
		wr_bytes(&w, attrs, sizeof(attrs));
	}
	for (unsigned i = first; i < first + n; i++) {
		wr_u8(&w, 24);
		wr_u8(&w, 10);
		wr_u16(&w, (uint16_t)i);
	}
	if (withdraw)
		wr_u16(&w, 0);
	msg_end(fd, &w, mark);
}

/* The type of bgpd's next message, 0 at the end of the connection; the agent listens meanwhile. */
static uint8_t
peer_read(int fd)
{
	uint8_t buf[4096];
	size_t have = 0, want = 19;
	int64_t end = now_ms() + DEADLINE_MS;

	while (have < want) {
		ssize_t n = recv(fd, buf + have, want - have, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		ck_assert(n > 0 || now_ms() < end);
		have += n > 0 ? (size_t)n : 0;
		if (have == 19)
			want = (size_t)(buf[16] << 8 | buf[17]);
		if (n < 0)
			listen_ms(1);
	}
	return buf[18];
}

static void
await_message(int fd, uint8_t type)
{
	uint8_t got;

	while ((got = peer_read(fd)) != type)
		ck_assert_msg(got != 0 && got != 3, "message %u instead of %u", got, type);
}

static int
establish(void)
{
	int fd;

	start();
	tell_hello();
	tell_configuration(true);
	fd = connect_peer(false);
	await_message(fd, 1);
	peer_open(fd);
	await_message(fd, 4);
	peer_keepalive(fd);
	return fd;
}

/* ---- tests -------------------------------------------------------------------------- */

START_TEST(ends_with_its_agent)
{
	start();
	tell_hello();
	close(agent_fd[_i]);
	agent_fd[_i] = -1;
	ck_assert_int_eq(ended(), 0);
	finish();
}
END_TEST

struct broken_case {
	const char *what;
	enum ipc_chan chan;
	const char *octets;
	size_t len;
};
static const struct broken_case broken_cases[] = {
	{ "unknown type", IPC_CHAN_CONTROL, "\377\377", 2 },
	{ "one octet", IPC_CHAN_CONTROL, "\0", 1 },
	{ "bgpd's own message", IPC_CHAN_ROUTES, "\0\024\0\0\0\1", 6 },
	{ "wrong channel", IPC_CHAN_QUERIES, "\0\1\0\1", 4 },
	{ "configuration outside BEGIN", IPC_CHAN_CONTROL, "\0\6\0\0\0\1", 6 },
	{ "nothing on queries", IPC_CHAN_QUERIES, "\0\0", 2 },
};

START_TEST(a_broken_message_ends_it)
{
	const struct broken_case *c = &broken_cases[_i];
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), err = dup(STDERR_FILENO);

	dup2(null, STDERR_FILENO); /* it complains, rightly */
	start();
	dup2(err, STDERR_FILENO);
	tell_hello();
	ck_assert_int_eq(ipcsock_send(agent_fd[c->chan], c->octets, c->len, NULL, 0), 0);
	ck_assert_msg(ended() == 1, "%s", c->what);
	finish();
}
END_TEST

START_TEST(hello_comes_first)
{
	struct ipc_msg m = { .type = IPC_ORIGINATE_END };

	start();
	tell(IPC_CHAN_CONTROL, &m);
	ck_assert_int_eq(ended(), 1);
	finish();
}
END_TEST

START_TEST(a_route_comes_and_goes)
{
	int fd = establish();

	peer_update(fd, 7, 1, false);
	AWAIT(seen.routes == 1);
	ck_assert_uint_eq(seen.n[IPC_NHSET], 1);
	ck_assert_uint_eq(seen.last_set.n, 1);
	ck_assert_uint_eq(seen.last_route.set, seen.last_set.id);
	ck_assert_uint_eq(seen.last_route.prefix[0].b[2], 7);
	ck_assert_uint_eq(seen.n[IPC_SYNC_BEGIN], 1);
	ck_assert_uint_eq(seen.n[IPC_SYNC_END], 1);
	peer_update(fd, 7, 1, true);
	AWAIT(seen.route_dels == 1);
	finish();
	close(fd);
}
END_TEST

/* RFC 4724: the peer keeps our routes only if it sees no NOTIFICATION. */
START_TEST(no_notification_when_the_agent_dies)
{
	int fd = establish();
	uint8_t type;

	peer_update(fd, 7, 1, false);
	AWAIT(seen.routes == 1);
	hang_up();
	ck_assert_int_eq(ended(), 0);
	while ((type = peer_read(fd)) != 0)
		ck_assert_uint_ne(type, 3);
	close(fd);
}
END_TEST

START_TEST(an_ordered_stop_says_why)
{
	struct ipc_msg m = { .type = IPC_SHUTDOWN };
	int fd = establish();
	uint8_t type;

	peer_update(fd, 7, 1, false);
	AWAIT(seen.routes == 1);
	m.shutdown.mode = IPC_SHUT_STOP;
	strcpy(m.shutdown.text, "going away");
	tell(IPC_CHAN_CONTROL, &m);
	while ((type = peer_read(fd)) != 3)
		ck_assert_uint_ne(type, 0);
	AWAIT(seen.n[IPC_SHUTDOWN_DONE] == 1);
	ck_assert_uint_eq(peer_read(fd), 0);
	finish();
	close(fd);
}
END_TEST

START_TEST(a_restart_says_nothing)
{
	struct ipc_msg m = { .type = IPC_SHUTDOWN };
	int fd = establish();
	uint8_t type;

	peer_update(fd, 7, 1, false);
	AWAIT(seen.routes == 1);
	m.shutdown.mode = IPC_SHUT_RESTART;
	tell(IPC_CHAN_CONTROL, &m);
	while ((type = peer_read(fd)) != 0)
		ck_assert_uint_ne(type, 3);
	AWAIT(seen.n[IPC_SHUTDOWN_DONE] == 1);
	finish();
	close(fd);
}
END_TEST

/* A peer whose OPEN is nonsense reads the NOTIFICATION, then the end. */
START_TEST(an_error_is_read_to_its_end)
{
	uint8_t junk[64];
	int fd;

	start();
	tell_hello();
	tell_configuration(true);
	fd = connect_peer(false);
	await_message(fd, 1);
	memset(junk, 0, sizeof(junk)); /* no marker */
	peer_write(fd, junk, sizeof(junk));
	ck_assert_uint_eq(peer_read(fd), 3);
	ck_assert_uint_eq(peer_read(fd), 0);
	finish();
	close(fd);
}
END_TEST

START_TEST(connects_when_told_so)
{
	struct ipc_msg m = { .type = IPC_CONN_DONE };
	int fd;

	start();
	tell_hello();
	tell_configuration(false);
	AWAIT(seen.n[IPC_CONN_REQ] == 1);
	m.conn_done = (struct ipc_conn_done){ .peer = PEER_ID, .token = seen.token,
		.err = ECONNREFUSED, .why = "connection refused" };
	tell(IPC_CHAN_CONTROL, &m);
	AWAIT(seen.n[IPC_CONN_REQ] == 2);
	fd = connect_peer(true);
	await_message(fd, 1);
	peer_open(fd);
	await_message(fd, 4);
	finish();
	close(fd);
}
END_TEST

START_TEST(a_stranger_is_turned_away)
{
	struct ipc_msg m = { .type = IPC_CONN_IN };
	int pair[2];

	start();
	tell_hello();
	tell_configuration(true);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	m.conn_in.ep = endpoints();
	m.conn_in.ep.remote = addr("198.51.100.9");
	tell_fd(IPC_CHAN_CONTROL, &m, pair[1]);
	close(pair[1]);
	ck_assert_uint_eq(peer_read(pair[0]), 0);
	close(pair[0]);
	finish();
}
END_TEST

#define MANY  8000u /* below FIB_WAITING_MAX: nobody gives verdicts here */
#define BATCH 800u

/* An agent that does not read for a while costs no route, and gets them many to a message. */
START_TEST(routes_wait_for_a_slow_agent)
{
	int fd = establish();

	peer_update(fd, 0, 1, false);
	AWAIT(seen.routes == 1);
	mute_routes = true;
	for (unsigned i = 0; i < MANY; i += BATCH)
		peer_update(fd, i, BATCH, false);
	for (unsigned i = 0; i < MANY; i += BATCH) /* and half of them are gone before it reads */
		peer_update(fd, i, BATCH / 2, true);
	listen_ms(200);
	mute_routes = false;
	AWAIT(seen.routes - seen.route_dels >= MANY / 2 && seen.n[IPC_ROUTE] > 1);
	listen_ms(100);
	ck_assert_uint_eq(seen.routes - seen.route_dels, MANY / 2);
	ck_assert_uint_lt(seen.n[IPC_ROUTE], 200);
	finish();
	close(fd);
}
END_TEST

/* More messages in one read than a slice takes: held, offered again, none lost, order kept. */
START_TEST(many_small_updates)
{
	int fd = establish();

	for (unsigned i = 0; i < 8000; i++)
		peer_update(fd, i % 4000, 1, i >= 4000 && i % 2 == 0);
	peer_update(fd, MARKER, 1, false);
	AWAIT(seen.marked && seen.routes - seen.route_dels == 2001);
	listen_ms(100);
	ck_assert_uint_eq(seen.routes - seen.route_dels, 2001);
	finish();
	close(fd);
}
END_TEST

/* A process that slept longer than the hold time finds KEEPALIVEs waiting: nobody is dead. */
START_TEST(waiting_keepalives_count)
{
	int fd;

	peer_hold_s = 3;
	fd = establish();
	peer_update(fd, 0, 1, false);
	AWAIT(seen.routes == 1);
	kill(bgpd_pid, SIGSTOP);
	for (int i = 0; i < 4; i++) {
		poll(NULL, 0, 900); /* the time that passes is the point of this test */
		peer_keepalive(fd);
	}
	kill(bgpd_pid, SIGCONT);
	peer_update(fd, 1, 1, false);
	AWAIT(seen.routes == 2);
	ck_assert_uint_eq(seen.route_dels, 0);
	finish();
	close(fd);
}
END_TEST

static void
ask(uint32_t id, enum ipc_query_kind kind, uint32_t credit)
{
	struct ipc_msg m = { .type = IPC_QUERY };

	m.query = (struct ipc_query){ .id = id, .kind = (uint8_t)kind, .view = IPC_VIEW_ALL,
		.match = IPC_MATCH_ANY, .credit = credit };
	tell(IPC_CHAN_QUERIES, &m);
}

static void
give_credit(enum ipc_type type, uint32_t id, uint32_t credit)
{
	struct ipc_msg m = { .type = type };

	m.query_credit = (struct ipc_query_credit){ .id = id, .credit = credit };
	tell(IPC_CHAN_QUERIES, &m);
}

/* One question waits for credit; others are answered meanwhile; then it ends, or is cancelled. */
START_TEST(a_slow_reader_stalls_its_own_question)
{
	int fd = establish();

	peer_update(fd, 0, BATCH, false);
	AWAIT(seen.routes == BATCH);
	ask(1, IPC_Q_PATHS, 10);
	AWAIT(seen.rows == 10);
	listen_ms(50);
	ck_assert_uint_eq(seen.rows, 10);
	ask(2, IPC_Q_STATS, 1);
	AWAIT(seen.ends == 1);
	ck_assert_uint_eq(seen.end_id, 2);
	ask(3, IPC_Q_PEERS, 1); /* exactly as many rows as there are: the end comes by itself */
	AWAIT(seen.ends == 2);
	ck_assert_uint_eq(seen.rows, 12);
	give_credit(IPC_QUERY_CREDIT, 1, 5);
	AWAIT(seen.rows == 17);
	if (_i == 0) {
		give_credit(IPC_QUERY_CANCEL, 1, 0);
		AWAIT(seen.ends == 3);
		ck_assert_uint_eq(seen.end_status, 1);
		ck_assert_uint_eq(seen.rows, 17);
	} else {
		give_credit(IPC_QUERY_CREDIT, 1, UINT32_MAX);
		AWAIT(seen.ends == 3);
		ck_assert_uint_eq(seen.end_status, 0);
		ck_assert_uint_eq(seen.rows, BATCH + 2);
	}
	finish();
	close(fd);
}
END_TEST

static void
teardown(void)
{
	if (bgpd_pid > 0) {
		kill(bgpd_pid, SIGKILL);
		waitpid(bgpd_pid, NULL, 0);
	}
}


int
main(void)
{
	Suite *s = suite_create("channel");
	TCase *t = unit_case(s, "bgpd");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_loop_test(t, ends_with_its_agent, 0, IPC_NCHANS);
	tcase_add_loop_test(t, a_broken_message_ends_it, 0, NROWS(broken_cases));
	tcase_add_test(t, hello_comes_first);
	tcase_add_test(t, a_route_comes_and_goes);
	tcase_add_test(t, no_notification_when_the_agent_dies);
	tcase_add_test(t, an_ordered_stop_says_why);
	tcase_add_test(t, a_restart_says_nothing);
	tcase_add_test(t, an_error_is_read_to_its_end);
	tcase_add_test(t, connects_when_told_so);
	tcase_add_test(t, a_stranger_is_turned_away);
	tcase_add_test(t, routes_wait_for_a_slow_agent);
	tcase_add_test(t, many_small_updates);
	tcase_add_test(t, waiting_keepalives_count);
	tcase_add_loop_test(t, a_slow_reader_stalls_its_own_question, 0, 2);
	return unit_run(s);
}
