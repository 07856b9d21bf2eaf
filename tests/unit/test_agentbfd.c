/*
 * What the agent makes of states of BFD (agent/bfd.c), told by a bfdd that means
 * harm or about a peer that does: this program plays everything around it.
 */
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>

#include "agent/bfd.h"
#include "agent/bfdd.h"
#include "agent/launcher.h"
#include "agent/nl.h"
#include "agent/source.h"
#include "tests/unit/unit.h"

#define FLAPS	1000
#define START_S 100

static struct conf_peer conf_peer = { .name = "tor", .enabled = true };
static const struct conf_bfd profile = { .name = "fast", .rx_ms = 50, .tx_ms = 50, .multiplier = 3 };
static struct agent_peer peer = { .id = 1, .conf = &conf_peer };
static struct conf conf;
static struct agent agent = { .conf = &conf, .peers = &peer, .npeers = 1 };
static const struct bfdd_ops *ops; /* the agent's, as given to bfdd_new() */
static void *ops_ctx;
static struct mono_us now;
static uint32_t id; /* of the session sent last */
static uint32_t query;
static bool is_down; /* the peer's address */
static struct ip_addr moved_from;
static unsigned downs, cmds, events;

/* ---- what is around it ---- */

struct mono_us
agent_now(void)
{
	return now;
}

void
agent_kick(struct agent *a)
{
}

const struct agent_peer *
agent_peer_by_id(const struct agent *a, uint32_t want)
{
	return want == peer.id ? &peer : NULL;
}

bool
agent_peer_cmd(struct agent *a, const struct ipc_peer_cmd *cmd)
{
	cmds++;
	return true;
}

struct bfdd *
bfdd_new(struct event_base *base, const struct bfdd_ops *given, void *ctx)
{
	ops = given;
	ops_ctx = ctx;
	return NULL;
}

void
bfdd_free(struct bfdd *d)
{
}

int
bfdd_attach(struct bfdd *d, int fd)
{
	return 0;
}

bool
bfdd_attached(const struct bfdd *d)
{
	return true;
}

void
bfdd_detach(struct bfdd *d)
{
}

void
bfdd_send(struct bfdd *d, const struct ipc_msg *m)
{
	if (m->type == IPC_BFD_SESSION)
		id = m->bfd_session.id;
	if (m->type == IPC_BFD_QUERY)
		query = m->bfd_query.query;
}

const struct conf_bfd *
conf_peer_bfd(const struct conf *c, const struct conf_peer *p)
{
	return &profile;
}

void
events_add(struct events *ev, const char *who, const struct ipc_event *e, const char *name)
{
	events++;
}

void
events_addf(struct events *ev, enum ipc_level level, const char *name, const char *fmt, ...)
{
	events++;
}

void
fib_addr_down(struct fib *f, struct mono_us at, const struct ip_addr *a, bool down)
{
	ck_assert_msg(ip_addr_eq(a, moved_from.af ? &moved_from : &peer.addr), "an address that nobody has");
	is_down = down;
	downs += down;
}

bool
fib_next_addr(const struct fib *f, size_t *pos, struct kern_addr *ret)
{
	return false;
}

uint32_t
fib_onlink_ifindex(const struct fib *f, const struct ip_addr *a)
{
	return 2;
}

void
launcher_want_bfdd(struct launcher *l, bool want)
{
}

void
launcher_restart_bfdd(struct launcher *l, const char *why)
{
}

void
nl_kick(struct nl *nl)
{
}

struct ip_addr
source_local_address(const struct agent *a, const struct agent_peer *p)
{
	return ad("10.0.0.1");
}

bool
source_secret(struct agent *a, const struct source_secret *from, uint8_t ret[SOURCE_SECRET_MAX],
    size_t *ret_len, char *ret_problem, bool *ret_later)
{
	return false;
}

/* ---- the tests ---- */

static void
setup(void)
{
	now = (struct mono_us){ START_S * 1000000ull };
	peer.addr = ad("10.0.0.2");
	agent.base = event_base_new();
	agent.bfd = bfd_new(&agent);
	bfd_apply(agent.bfd);
	ck_assert_uint_ne(id, 0);
}

static void
teardown(void)
{
	bfd_free(agent.bfd);
	event_base_free(agent.base);
}

/* A state with the diagnostic of a Detection Time that is over. */
static void
say(uint32_t session, enum ipc_bfd_state state, enum ipc_bfd_state remote)
{
	struct ipc_msg m = { .type = IPC_BFD_STATE };

	m.bfd_state.id = session;
	m.bfd_state.state = (uint8_t)state;
	m.bfd_state.remote_state = (uint8_t)remote;
	m.bfd_state.diag = state == IPC_BFD_DOWN;
	ops->message(ops_ctx, &m);
}

static void
done(void *ctx, bool late)
{
}

static void
path_fails(void)
{
	say(id, IPC_BFD_UP, IPC_BFD_UP);
	say(id, IPC_BFD_DOWN, IPC_BFD_UP);
}

START_TEST(failure_and_return)
{
	path_fails();
	ck_assert(is_down);
	ck_assert_uint_eq(cmds, 1);
	say(id, IPC_BFD_UP, IPC_BFD_UP);
	ck_assert(!is_down);
}
END_TEST

/* A session without an address has id 0, and is nobody's. */
START_TEST(state_of_no_session)
{
	peer.addr = (struct ip_addr){ 0 };
	bfd_apply(agent.bfd);
	say(0, IPC_BFD_UP, IPC_BFD_UP);
	say(0, IPC_BFD_DOWN, IPC_BFD_UP);
	ck_assert(!is_down);
	ck_assert_uint_eq(cmds, 0);
}
END_TEST

/* A thousand times in a second: routes move, and lines are written, a few times only. */
START_TEST(flapping)
{
	for (unsigned i = 0; i < FLAPS; i++, now.us += 1000)
		path_fails();
	ck_assert(is_down);
	ck_assert_uint_le(downs, 20);
	ck_assert_uint_le(cmds, 20);
	ck_assert_uint_le(events, 50);
}
END_TEST

/* One that has flapped is trusted again once it has stayed up for a while. */
START_TEST(flapping_ends)
{
	for (unsigned i = 0; i < FLAPS; i++, now.us += 1000)
		path_fails();
	say(id, IPC_BFD_UP, IPC_BFD_UP);
	ck_assert(is_down);
	while (is_down)
		event_base_loop(agent.base, EVLOOP_ONCE);
}
END_TEST

/* Failures of hours ago count for nothing. */
START_TEST(failures_now_and_then)
{
	for (unsigned i = 0; i < 100; i++, now.us += 60 * 1000000ull) {
		path_fails();
		say(id, IPC_BFD_UP, IPC_BFD_UP);
		ck_assert(!is_down);
	}
	ck_assert_uint_eq(downs, 100);
}
END_TEST

/* An operator who takes BFD down says nothing about the path: the address is not left out for ever. */
START_TEST(taken_down_while_down)
{
	path_fails();
	ck_assert(is_down);
	bfd_peer_admin(agent.bfd, peer.id, true);
	say(id, IPC_BFD_ADMIN_DOWN, IPC_BFD_DOWN);
	ck_assert(!is_down);
}
END_TEST

/* By the peer's operator: bfdd tells it when it is asked. */
START_TEST(peer_takes_it_down_while_down)
{
	struct ipc_msg m = { .type = IPC_ROW_BFD };

	path_fails();
	bfd_ask(agent.bfd, done, NULL);
	m.row_bfd.query = query;
	m.row_bfd.s.id = id;
	m.row_bfd.s.state = IPC_BFD_DOWN;
	m.row_bfd.s.remote_state = IPC_BFD_ADMIN_DOWN;
	ops->message(ops_ctx, &m);
	ck_assert(!is_down);
}
END_TEST

START_TEST(removed_while_down)
{
	path_fails();
	bfd_peer_gone(agent.bfd, peer.id);
	ck_assert(!is_down);
}
END_TEST

/* Another router on the link: the address of the former one is told, not that of the new one. */
START_TEST(moved_while_down)
{
	path_fails();
	moved_from = peer.addr;
	peer.addr = ad("10.0.0.3");
	bfd_apply(agent.bfd);
	ck_assert(!is_down);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("agentbfd");
	TCase *tc = unit_case(s, "states");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, failure_and_return);
	tcase_add_test(tc, state_of_no_session);
	tcase_add_test(tc, flapping);
	tcase_add_test(tc, flapping_ends);
	tcase_add_test(tc, failures_now_and_then);
	tcase_add_test(tc, taken_down_while_down);
	tcase_add_test(tc, peer_takes_it_down_while_down);
	tcase_add_test(tc, removed_while_down);
	tcase_add_test(tc, moved_while_down);
	return unit_run(s);
}
