/*
 * The netlink shell; see nl.h.
 */
#include "agent/nl.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/nlbatch.h"
#include "agent/nldump.h"
#include "agent/nlmon.h"
#include "lib/mem.h"

#define BATCHES_A_TURN 8
#define MONITOR_OCTETS (16 << 20)
#define REQUEST_OCTETS (4 << 20) /* an answer for each message of a batch must fit */

struct nl {
	struct nl_conf c;
	struct nl_sock *req, *dmp, *mon;
	struct nlbatch *batch;
	struct nldump *dump;
	struct nlmon *monitor;
	struct event *dump_ev, *mon_ev, *timer, *again;
	bool pumping, started;
	uint64_t batches, messages, errors;
};

static struct mono_us
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono_us){ (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000 };
}

static void
arm_timer(struct nl *nl)
{
	struct mono_us d = fib_deadline(nl->c.fib);
	struct timeval tv;
	uint64_t us;

	if (mono_is_never(d)) {
		event_del(nl->timer);
		return;
	}
	us = mono_diff_us(d, now());
	tv.tv_sec = (time_t)(us / 1000000);
	tv.tv_usec = (suseconds_t)(us % 1000000);
	event_add(nl->timer, &tv);
}

static void
tell(struct nl *nl)
{
	if (nl->c.changed)
		nl->c.changed(nl->c.ctx);
}

static void
flush(struct nl *nl)
{
	bool lost;

	if (nlbatch_count(nl->batch) == 0)
		return;
	nl->batches++;
	nl->messages += nlbatch_count(nl->batch);
	nl->errors += nlbatch_send(nl->batch, nl->c.fib, now, &lost);
	if (lost)
		fib_overflow(nl->c.fib, now());
}

/* One batch. False: the fib has nothing more to do now. */
static bool
pump_batch(struct nl *nl)
{
	struct fib_kop op;
	bool more = true;
	size_t i;

	for (i = 0; i < NLBATCH_OPS; i++) {
		more = fib_next_op(nl->c.fib, now(), &op);
		if (!more)
			break;
		if (op.kind == FIB_OP_DUMP) {
			nldump_want(nl->dump, op.what);
			continue;
		}
		if (!nlbatch_add(nl->batch, &op)) {
			flush(nl);
			nlbatch_add(nl->batch, &op);
		}
	}
	flush(nl);
	return more;
}

/* Send what the fib wants sent; in several turns when it is much. */
static void
pump(struct nl *nl)
{
	uint64_t was = nl->messages;
	bool more = true;
	int i;

	if (nl->pumping || !nl->started)
		return;
	nl->pumping = true;
	for (i = 0; i < BATCHES_A_TURN && more; i++)
		more = pump_batch(nl);
	nldump_start(nl->dump);
	nl->pumping = false;
	if (more)
		event_active(nl->again, EV_TIMEOUT, 0);
	arm_timer(nl);
	if (nl->messages != was)
		tell(nl);
}

static void
on_monitor(evutil_socket_t fd, short what, void *arg)
{
	struct nl *nl = arg;

	if (nlmon_read(nl->monitor)) {
		pump(nl);
		tell(nl);
	}
}

static void
on_dump(evutil_socket_t fd, short what, void *arg)
{
	struct nl *nl = arg;

	if (nldump_read(nl->dump)) {
		nldump_start(nl->dump);
		pump(nl);
		tell(nl);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct nl *nl = arg;

	fib_timeout(nl->c.fib, now());
	pump(nl);
	tell(nl);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	pump(arg);
}

void
nl_start(struct nl *nl)
{
	int w;

	nl->started = true;
	for (w = 0; w < KERN_NWHAT; w++)
		nldump_want(nl->dump, (enum kern_what)w);
	nldump_start(nl->dump);
}

void
nl_kick(struct nl *nl)
{
	pump(nl);
}

/* ---- opening ------------------------------------------------------------- */

static struct nl_sock *
sock_open(size_t octets)
{
	struct nl_sock *sk = nl_socket_alloc();
	int fd, one = 1, v = (int)octets;

	if (!sk)
		return NULL;
	if (nl_connect(sk, NETLINK_ROUTE) < 0) {
		nl_socket_free(sk);
		return NULL;
	}
	fd = nl_socket_get_fd(sk);
	/* Each of these only helps; kernels before 4.12 and 4.20 do without. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	if (octets > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &v, sizeof(v)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &v, sizeof(v));
	return sk;
}

static bool
open_sockets(struct nl *nl)
{
	size_t octets = nl->c.monitor_octets ? nl->c.monitor_octets : MONITOR_OCTETS;

	nl->req = sock_open(REQUEST_OCTETS);
	nl->dmp = nl->req ? sock_open(0) : NULL;
	nl->mon = nl->dmp ? sock_open(0) : NULL;
	if (!nl->mon)
		return false;
	nl->monitor = nlmon_new(nl->mon, nl->c.fib, nl_socket_get_local_port(nl->req), octets, now);
	if (!nl->monitor)
		return false;
	nl->batch = nlbatch_new(nl->req);
	nl->dump = nldump_new(nl->dmp, nl->c.fib, now);
	return nl->batch != NULL;
}

static struct event *
listen_on(struct nl *nl, struct nl_sock *sk, event_callback_fn cb)
{
	struct event *ev = event_new(nl->c.base, nl_socket_get_fd(sk), EV_READ | EV_PERSIST, cb, nl);

	if (ev)
		event_add(ev, NULL);
	return ev;
}

struct nl *
nl_open(const struct nl_conf *c, char *err, size_t errcap)
{
	struct nl *nl = mem_zalloc(sizeof(*nl));

	nl->c = *c;
	if (!open_sockets(nl)) {
		snprintf(err, errcap, "cannot open netlink sockets: %s", strerror(errno));
		nl_shutdown(nl);
		return NULL;
	}
	nl->dump_ev = listen_on(nl, nl->dmp, on_dump);
	nl->mon_ev = listen_on(nl, nl->mon, on_monitor);
	nl->timer = evtimer_new(c->base, on_timer, nl);
	nl->again = event_new(c->base, -1, 0, on_again, nl);
	if (!nl->dump_ev || !nl->mon_ev || !nl->timer || !nl->again) {
		snprintf(err, errcap, "cannot make events for netlink");
		nl_shutdown(nl);
		return NULL;
	}
	return nl;
}

static void
drop_event(struct event *ev)
{
	if (ev)
		event_free(ev);
}

void
nl_shutdown(struct nl *nl)
{
	if (!nl)
		return;
	drop_event(nl->dump_ev);
	drop_event(nl->mon_ev);
	drop_event(nl->timer);
	drop_event(nl->again);
	nlbatch_free(nl->batch);
	nldump_free(nl->dump);
	nlmon_free(nl->monitor);
	nl_socket_free(nl->req);
	nl_socket_free(nl->dmp);
	nl_socket_free(nl->mon);
	mem_free(nl);
}

void
nl_stats(const struct nl *nl, struct nl_stats *ret)
{
	struct nldump_stats d;
	struct nlmon_stats m;

	nldump_stats(nl->dump, &d);
	nlmon_stats(nl->monitor, &m);
	*ret = (struct nl_stats){
		.batches = nl->batches,
		.messages = nl->messages,
		.errors = nl->errors,
		.dumps = d.dumps,
		.dump_retries = d.retries,
		.notifications = m.messages,
		.overflows = m.overflows,
	};
}
