/*
 * The agent's ends of the channels (agent/bgpd.c) and a bgpd that means harm: what it
 * says is judged, and neither what it says nor what it does not read makes the agent
 * grow beyond a bound.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/bgpd.h"
#include "lib/clock.h"
#include "lib/ipcsock.h"
#include "lib/wire.h"
#include "tests/unit/unit.h"

static struct agent agent;
static int evil[IPC_NCHANS]; /* bgpd's ends */
static struct {
	unsigned n;
	bool violation;
	char why[IPC_TEXT_MAX];
} lost;
static unsigned controls, rows, ends;

/* The only thing of agent.c that is needed here. */
struct mono_us
agent_now(void)
{
	return clock_mono();
}

static void
on_control(struct agent *a, const struct ipc_msg *m, int fd)
{
	(void)a;
	(void)m;
	controls++;
	if (fd >= 0)
		close(fd);
}

static void
on_report(struct agent *a, const struct fib_report *r)
{
	(void)a;
	(void)r;
}

static void
on_changed(struct agent *a)
{
	(void)a;
}

static void
on_lost(struct agent *a, const char *why, bool violation)
{
	(void)a;
	lost.n++;
	lost.violation = violation;
	snprintf(lost.why, sizeof(lost.why), "%s", why);
}

static const struct bgpd_ops ops = { on_control, on_report, on_changed, on_lost };

static void
setup(void)
{
	int fds[IPC_NCHANS];

	memset(&agent, 0, sizeof(agent));
	memset(&lost, 0, sizeof(lost));
	controls = rows = ends = 0;
	agent.base = event_base_new();
	agent.fib = fib_new(agent_now(), 1, NULL);
	agent.bgpd = bgpd_new(&agent, &ops);
	for (int i = 0; i < IPC_NCHANS; i++) {
		int pair[2];

		ck_assert_int_eq(ipcsock_pair(pair), 0);
		fds[i] = pair[0];
		evil[i] = pair[1];
	}
	ck_assert_int_eq(bgpd_attach(agent.bgpd, fds), 0);
}

static void
teardown(void)
{
	ipcsock_close_all(evil, IPC_NCHANS);
	bgpd_free(agent.bgpd);
	fib_free(agent.fib);
	event_base_free(agent.base);
}

/* Everything that is under way is taken. */
static void
turn(void)
{
	for (int i = 0; i < 20; i++)
		event_base_loop(agent.base, EVLOOP_NONBLOCK);
}

static void
say_raw(enum ipc_chan chan, const void *buf, size_t len, const int *fds, size_t nfds)
{
	int r;

	while ((r = ipcsock_send(evil[chan], buf, len, fds, nfds)) == -EAGAIN && lost.n == 0)
		event_base_loop(agent.base, EVLOOP_NONBLOCK);
	ck_assert_msg(r == 0 || lost.n > 0, "send: %d", r);
}

static void
say(enum ipc_chan chan, const struct ipc_msg *m)
{
	static uint8_t buf[IPC_MAX_OCTETS];
	size_t len = ipcmsg_encode(m, buf, sizeof(buf));

	ck_assert_uint_gt(len, 0);
	say_raw(chan, buf, len, NULL, 0);
}

/* ---- broken messages --------------------------------------------------------- */

static const struct {
	const char *what;
	enum ipc_chan chan;
	const uint8_t *octets;
	size_t len;
} broken[] = {
	{ "one octet", IPC_CHAN_CONTROL, HEX(0) },
	{ "type 0", IPC_CHAN_CONTROL, HEX(0, 0) },
	{ "type 65535", IPC_CHAN_ROUTES, HEX(0xff, 0xff, 1, 2, 3) },
	{ "the agent's message", IPC_CHAN_CONTROL, HEX(0, IPC_CONF_BEGIN, 0, 0, 0, 1) },
	{ "a verdict", IPC_CHAN_ROUTES, HEX(0, IPC_VERDICT, 0, 0) },
	{ "a question", IPC_CHAN_QUERIES, HEX(0, IPC_QUERY_CANCEL, 0, 0, 0, 1, 0, 0, 0, 0) },
	{ "on another channel", IPC_CHAN_CONTROL, HEX(0, IPC_NHSET_DEL, 0, 0, 0, 1) },
	{ "sync among queries", IPC_CHAN_QUERIES, HEX(0, IPC_SYNC_END, 0, 0, 0, 1) },
	{ "cut off", IPC_CHAN_ROUTES, HEX(0, IPC_SYNC_END, 0, 0, 0) },
	{ "too long", IPC_CHAN_ROUTES, HEX(0, IPC_SYNC_END, 0, 0, 0, 1, 0) },
	{ "an unknown set deleted", IPC_CHAN_ROUTES, HEX(0, IPC_NHSET_DEL, 0, 0, 0, 9) },
	{ "more prefixes than there are", IPC_CHAN_ROUTES,
	    HEX(0, IPC_ROUTE_DEL, 0x03, 0xe8, 1, 8, 10, 0, 0, 0) },
	{ "version 2", IPC_CHAN_CONTROL, HEX(0, IPC_HELLO, 0, 2) },
};

START_TEST(broken_message)
{
	say_raw(broken[_i].chan, broken[_i].octets, broken[_i].len, NULL, 0);
	turn();
	ck_assert_msg(lost.n == 1 && lost.violation, "%s: lost %u \"%s\"", broken[_i].what, lost.n,
	    lost.why);
	ck_assert(!bgpd_attached(agent.bgpd));
}
END_TEST

START_TEST(route_by_unknown_set)
{
	static struct ipc_msg m = { .type = IPC_ROUTE };

	m.route.set = 7;
	m.route.n = 1;
	m.route.prefix[0] = px("10.244.2.0/24");
	say(IPC_CHAN_ROUTES, &m);
	turn();
	ck_assert(lost.n == 1 && lost.violation);
}
END_TEST

START_TEST(longer_than_any_message)
{
	static uint8_t big[IPC_MAX_OCTETS + 1] = { 0, IPC_ROUTE_DEL };

	say_raw(IPC_CHAN_ROUTES, big, sizeof(big), NULL, 0);
	turn();
	ck_assert(lost.n == 1 && lost.violation);
}
END_TEST

/* _i: descriptors that come along. */
START_TEST(descriptor_where_none_belongs)
{
	static const uint8_t sync[] = { 0, IPC_SYNC_BEGIN, 0, 0, 0, 1 };
	int fds[3] = { dup(0), dup(0), dup(0) }, before = dup(0), after;

	say_raw(IPC_CHAN_ROUTES, sync, sizeof(sync), fds, (size_t)_i);
	ipcsock_close_all(fds, 3);
	turn();
	ck_assert(lost.n == 1 && lost.violation);
	close(before);
	after = dup(0);
	ck_assert_int_le(after, before); /* none of them was kept */
	close(after);
}
END_TEST

/* Nonsense in a good form changes nothing. */
START_TEST(nonsense)
{
	static struct ipc_msg m;

	m = (struct ipc_msg){ .type = IPC_SYNC_END };
	say(IPC_CHAN_ROUTES, &m);
	m = (struct ipc_msg){ .type = IPC_ROUTE_DEL };
	m.prefixes.n = 1;
	m.prefixes.prefix[0] = px("0.0.0.0/0");
	say(IPC_CHAN_ROUTES, &m);
	m = (struct ipc_msg){ .type = IPC_NH_WATCH };
	m.nh_watch.addr = ad("192.0.2.1");
	say(IPC_CHAN_ROUTES, &m);
	m = (struct ipc_msg){ .type = IPC_QUERY_END };
	m.query_end.id = 77;
	say(IPC_CHAN_QUERIES, &m);
	m = (struct ipc_msg){ .type = IPC_ROW_STATS };
	m.row_stats.query = 78;
	say(IPC_CHAN_QUERIES, &m);
	m = (struct ipc_msg){ .type = IPC_CONF_APPLIED };
	say(IPC_CHAN_CONTROL, &m);
	turn();
	ck_assert_msg(lost.n == 0, "%s", lost.why);
	ck_assert_uint_eq(controls, 1);
}
END_TEST

/* ---- bounds -------------------------------------------------------------------- */

/* Whatever is sent to one that does not read. */
START_TEST(does_not_read)
{
	struct ipc_msg m = { .type = IPC_PEER_CMD };
	unsigned sent = 0;

	memset(m.peer_cmd.text, 'x', sizeof(m.peer_cmd.text) - 1);
	for (; lost.n == 0 && sent < 1000000; sent++) {
		bgpd_send(agent.bgpd, &m, -1);
		ck_assert_uint_eq(lost.n, 0); /* never from within the call */
		if (sent % 100 == 0)
			event_base_loop(agent.base, EVLOOP_NONBLOCK);
	}
	ck_assert(lost.violation);
	ck_assert_uint_lt(sent, 200000);
	ck_assert_uint_gt(sent, 20000); /* it may be busy for a while */
}
END_TEST

START_TEST(does_not_take_connections)
{
	struct ipc_msg m = { .type = IPC_CONN_IN };
	int highest = 0, fd;

	m.conn_in.ep.local = ad("192.0.2.1");
	m.conn_in.ep.remote = ad("192.0.2.2");
	for (unsigned sent = 0; sent < 5000; sent++) {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		if (fd > highest)
			highest = fd;
		bgpd_send(agent.bgpd, &m, fd);
		event_base_loop(agent.base, EVLOOP_NONBLOCK);
	}
	ck_assert_int_lt(highest, 600);
	ck_assert_int_gt(highest, 500);
	ck_assert_msg(lost.n == 0, "%s", lost.why);
}
END_TEST

static void
on_row(void *ctx, const struct ipc_msg *m)
{
	(void)ctx;
	(void)m;
	rows++;
}

static void
on_end(void *ctx, uint8_t status, bool was_lost)
{
	(void)ctx;
	(void)status;
	(void)was_lost;
	ends++;
}

START_TEST(rows_beyond_credit)
{
	static const struct query_ops q_ops = { on_row, on_end };
	struct ipc_query q = { .kind = IPC_Q_STATS, .credit = 3 };
	uint32_t id = agent_query(&agent, &q, &q_ops, NULL);
	static struct ipc_msg m = { .type = IPC_ROW_STATS };

	m.row_stats.query = id;
	for (int i = 0; i < 3; i++)
		say(IPC_CHAN_QUERIES, &m);
	turn();
	ck_assert_uint_eq(rows, 3);
	agent_query_more(&agent, id, 1);
	say(IPC_CHAN_QUERIES, &m);
	turn();
	ck_assert_uint_eq(rows, 4);
	ck_assert_uint_eq(lost.n, 0);
	say(IPC_CHAN_QUERIES, &m);
	turn();
	ck_assert(lost.n == 1 && lost.violation);
	ck_assert_uint_eq(rows, 4);
	ck_assert_uint_eq(ends, 1);
}
END_TEST

static struct ip_addr
nth(uint32_t i)
{
	return ip_addr_from_v4(0x0a000000u + i);
}

/* Read what the agent says on the routes channel: answers that refuse a next hop. */
static unsigned
refused_next_hops(void)
{
	static uint8_t buf[IPC_MAX_OCTETS];
	static struct ipc_msg m;
	unsigned found = 0;
	size_t nfds;
	ssize_t n;

	while ((n = ipcsock_recv(evil[IPC_CHAN_ROUTES], buf, sizeof(buf), NULL, 0, &nfds)) > 0) {
		ck_assert_ptr_null(ipcmsg_decode(IPC_AGENT, IPC_CHAN_ROUTES, buf, (size_t)n, &m));
		found += m.type == IPC_NH_STATE && !m.nh_state.resolved &&
		    strncmp(m.nh_state.why, "more than ", 10) == 0;
	}
	return found;
}

START_TEST(next_hops_without_end)
{
	struct ipc_msg m = { .type = IPC_NH_WATCH };

	m.nh_watch.on = true;
	for (uint32_t i = 0; i < FIB_NEXTHOPS_MAX + 5; i++) {
		m.nh_watch.addr = nth(i);
		say(IPC_CHAN_ROUTES, &m);
	}
	turn();
	ck_assert_uint_eq(refused_next_hops(), 5);
	m.nh_watch.addr = nth(0); /* known already: one more time is no more */
	say(IPC_CHAN_ROUTES, &m);
	m.nh_watch.on = false;
	say(IPC_CHAN_ROUTES, &m);
	m.nh_watch.addr = nth(FIB_NEXTHOPS_MAX);
	m.nh_watch.on = true;
	say(IPC_CHAN_ROUTES, &m); /* in its place */
	turn();
	ck_assert_uint_eq(refused_next_hops(), 0);
	ck_assert_msg(lost.n == 0, "%s", lost.why);
	while (lost.n == 0) { /* the answers are not read */
		m.nh_watch.addr = nth(FIB_NEXTHOPS_MAX + 1);
		say(IPC_CHAN_ROUTES, &m);
		event_base_loop(agent.base, EVLOOP_NONBLOCK);
	}
	ck_assert(lost.violation);
}
END_TEST

static void
nhset(uint32_t id, uint32_t first, uint16_t n)
{
	static struct ipc_msg m = { .type = IPC_NHSET };

	m.nhset.id = id;
	m.nhset.n = n;
	for (uint16_t i = 0; i < n; i++)
		m.nhset.member[i] = (struct ipc_nh_member){ nth(first + i), 1 };
	say(IPC_CHAN_ROUTES, &m);
}

START_TEST(sets_without_end)
{
	for (uint32_t id = 1; id <= FIB_SETS_MAX; id++)
		nhset(id, id % 1000, 1);
	turn();
	ck_assert_msg(lost.n == 0, "%s", lost.why);
	nhset(7, 20, 2); /* a known one changes */
	turn();
	ck_assert_uint_eq(lost.n, 0);
	nhset(FIB_SETS_MAX + 1, 1, 1);
	turn();
	ck_assert(lost.n == 1 && lost.violation);
}
END_TEST

START_TEST(members_without_end)
{
	uint32_t id = 1;

	for (; lost.n == 0 && id < FIB_SETS_MAX; id++)
		nhset(id, id % 1000, IPC_MEMBERS_MAX);
	ck_assert_msg(lost.violation, "%s", lost.why);
	ck_assert_uint_le(id, FIB_MEMBERS_MAX / IPC_MEMBERS_MAX + 200); /* some are under way */
}
END_TEST

START_TEST(set_members_without_watches)
{
	uint32_t id = 1;

	for (; lost.n == 0 && id < 4000; id++)
		nhset(id, id * IPC_MEMBERS_MAX, IPC_MEMBERS_MAX);
	ck_assert_msg(lost.violation, "%s", lost.why);
	ck_assert_uint_le(id, FIB_NEXTHOPS_MAX / IPC_MEMBERS_MAX + 300);
}
END_TEST

/* What it had is forgotten with it: the next bgpd finds room. */
START_TEST(next_bgpd_has_room)
{
	struct ipc_msg m = { .type = IPC_NH_WATCH };

	m.nh_watch.on = true;
	for (uint32_t i = 0; i < FIB_NEXTHOPS_MAX; i++) {
		m.nh_watch.addr = nth(i);
		say(IPC_CHAN_ROUTES, &m);
	}
	for (uint32_t id = 1; id <= 1000; id++)
		nhset(id, id, 3);
	turn();
	ck_assert_msg(lost.n == 0, "%s", lost.why);
	fib_bgpd_gone(agent.fib, agent_now());
	m.nh_watch.addr = nth(FIB_NEXTHOPS_MAX + 9);
	say(IPC_CHAN_ROUTES, &m);
	turn();
	ck_assert_uint_eq(refused_next_hops(), 0);
}
END_TEST

START_TEST(routes_without_end)
{
	static struct ipc_msg m = { .type = IPC_ROUTE };
	struct ip_prefix far = px("192.0.2.0/24");

	nhset(1, 1, 1);
	m.route.set = 1;
	m.route.n = IPC_PREFIXES_MAX;
	for (uint32_t i = 0; i < FIB_ROUTES_MAX; i += IPC_PREFIXES_MAX) {
		for (uint32_t k = 0; k < IPC_PREFIXES_MAX; k++) {
			struct ip_addr a = nth(i + k);

			m.route.prefix[k] = ip_prefix_from_addr(&a);
		}
		say(IPC_CHAN_ROUTES, &m);
	}
	turn();
	ck_assert_msg(lost.n == 0, "%s", lost.why);
	ck_assert(fib_route_fits(agent.fib, &m.route.prefix[0]));
	ck_assert(!fib_route_fits(agent.fib, &far));
	m.route.n = 1;
	m.route.prefix[0] = far;
	say(IPC_CHAN_ROUTES, &m);
	turn();
	ck_assert_uint_eq(lost.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("agentchan");
	TCase *tc = unit_case(s, "agentchan");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, broken_message, 0, NROWS(broken));
	tcase_add_test(tc, route_by_unknown_set);
	tcase_add_test(tc, longer_than_any_message);
	tcase_add_loop_test(tc, descriptor_where_none_belongs, 1, 4);
	tcase_add_test(tc, nonsense);
	tcase_add_test(tc, does_not_read);
	tcase_add_test(tc, does_not_take_connections);
	tcase_add_test(tc, rows_beyond_credit);
	tcase_add_test(tc, next_hops_without_end);
	tcase_add_test(tc, sets_without_end);
	tcase_add_test(tc, members_without_end);
	tcase_add_test(tc, set_members_without_watches);
	tcase_add_test(tc, next_bgpd_has_room);
	tcase_add_test(tc, routes_without_end);
	return unit_run(s);
}
