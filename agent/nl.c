/*
 * The netlink shell: composition and the loop; see nl.h.
 *
 * Everything happens in turn(): what the monitor has, time, a slice of a dump, then
 * operations for some milliseconds. It runs when the monitor has something, when
 * the fib's deadline or a dump is due, and after nl_kick(), which only makes its event
 * active: so the fib is never entered while it is in use. That is before the loop looks for
 * other events, since an idle node's one route should not wait for that; when a turn has left
 * work over, the next one comes after it, so that nobody else has to wait for all of it.
 *
 * Operations go out only when the monitor is empty: what the fib decides upon is
 * then not older than what the kernel has told.
 */
#include "agent/nl.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/fib.h"
#include "agent/nlbatch.h"
#include "agent/nldump.h"
#include "agent/nlmon.h"
#include "agent/procs.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"

/* Time for operations in one turn: two batches or so. */
#define OPS_US 4000
#define NAME_US 1000000 /* between two looks at the name of one program */
/* So many operations without a pause are many; for those to come it pays to be told first. */
#define MANY	 2048
#define RENEW_US 10000000 /* between two times that this is seen to */

struct nl {
	struct nl_conf conf;
	struct event *turn_ev, *monitor_ev;
	struct nlbatch *batch;
	struct nldump dump;
	struct nlmon mon;
	uint8_t *recv;	    /* one for all three sockets: used by one at a time */
	struct fib_kop op;  /* scratch */
	struct mono_us now; /* of this turn, brought up to date in long loops */
	bool fed;	    /* something was said to the fib in this turn */
	bool in_turn, kicked;
	bool rest; /* of work is left: the next turn is due, after other events */
	struct log_limit dump_log;
	uint32_t named, named_well; /* port whose name was looked up last, and had one */
	struct mono_us named_at;
	uint64_t batches, messages, errors;
	uint32_t in_a_row; /* operations */
	struct mono_us renew_at; /* not before */
};

/* ---- what goes into the fib ---------------------------------------------- */

/*
 * It may end any moment, so its name is asked for when its message comes; not for each
 * of a routing daemon's, though.
 */
static void
name_process(struct nl *nl, uint32_t port)
{
	char name[PROC_NAME_MAX];

	if (port == nl->named && mono_diff_us(nl->now, nl->named_at) < NAME_US)
		return;
	nl->named = port;
	nl->named_at = nl->now;
	if (!proc_name(port, name) && port == nl->named_well)
		return; /* it has ended since */
	nl->named_well = name[0] ? port : 0;
	fib_see_process(nl->conf.fib, port, name);
}

static void
on_change(void *ctx, const struct nl_seen *o, uint32_t port)
{
	struct nl *nl = ctx;

	nl->fed = true;
	bool self = port == nlbatch_port(nl->batch);

	if (!self && port != 0 && (o->what == KERN_ROUTES4 || o->what == KERN_ROUTES6 ||
	    o->what == KERN_NEXTHOPS))
		name_process(nl, port);
	nl_feed(nl->conf.fib, nl->now, o, self ? FIB_BY_SELF : port);
}

static void
on_lost(void *ctx)
{
	struct nl *nl = ctx;

	nl->fed = true;
	fib_overflow(nl->conf.fib, nl->now);
}

static const struct nlmon_ops mon_ops = { .object = on_change, .lost = on_lost };

static void
on_dump_begin(void *ctx, enum kern_what what)
{
	struct nl *nl = ctx;

	fib_dump_begin(nl->conf.fib, nl->now, what);
}

static void
on_dump_object(void *ctx, const struct nl_seen *o)
{
	struct nl *nl = ctx;

	nl_feed(nl->conf.fib, nl->now, o, FIB_BY_DUMP);
}

static void
on_dump_end(void *ctx, enum kern_what what)
{
	struct nl *nl = ctx;

	nl->fed = true;
	fib_dump_end(nl->conf.fib, nl->now, what);
}

static void
on_nexthops(void *ctx, bool known)
{
	struct nl *nl = ctx;

	fib_nexthop_support(nl->conf.fib, nl->now, known);
}

static size_t
on_tables(void *ctx, uint32_t ret[FIB_TABLES_MAX])
{
	return fib_tables(((struct nl *)ctx)->conf.fib, ret);
}

static bool
on_catch_up(void *ctx)
{
	return nlmon_read(&((struct nl *)ctx)->mon);
}

static void
on_dump_failed(void *ctx, enum kern_what what, int err, const char *text)
{
	static const char *const names[KERN_NWHAT] = {
		[KERN_LINKS] = "links",
		[KERN_ADDRS] = "addresses",
		[KERN_NEXTHOPS] = "nexthops",
		[KERN_ROUTES4] = "ipv4-routes",
		[KERN_ROUTES6] = "ipv6-routes",
	};
	struct nl *nl = ctx;

	if (log_limit_pass(&nl->dump_log, nl->now, NULL))
		log_to(nl->conf.log, LOG_ERR, "netlink-dump", "of=%s error=\"%s\" why=\"%s\"",
		    names[what], strerror(err), text);
}

static const struct nldump_ops dump_ops = {
	.begin = on_dump_begin,
	.object = on_dump_object,
	.end = on_dump_end,
	.nexthops = on_nexthops,
	.tables = on_tables,
	.catch_up = on_catch_up,
	.failed = on_dump_failed,
};

/* ---- what comes out ------------------------------------------------------ */

static void
flush(struct nl *nl)
{
	size_t n = nlbatch_count(nl->batch);
	bool lost;

	if (n == 0)
		return;
	nl->fed = true;
	nl->batches++;
	nl->messages += n;
	nl->errors += nlbatch_send(nl->batch, nl->conf.fib, clock_mono, &lost);
	nl->now = clock_mono();
	if (lost)
		on_lost(nl);
}

static void
send_op(struct nl *nl)
{
	if (nlbatch_add(nl->batch, &nl->op))
		return;
	flush(nl);
	nlbatch_add(nl->batch, &nl->op);
}

/* One batch, or less; false: nothing is left to do. */
static bool
send_batch(struct nl *nl)
{
	bool more = true;
	int i;

	for (i = 0; i < NLBATCH_OPS && more; i++) {
		more = fib_next_op(nl->conf.fib, nl->now, &nl->op);
		if (more && nl->op.kind == FIB_OP_DUMP)
			nldump_want(&nl->dump, nl->op.what);
		else if (more)
			send_op(nl);
	}
	flush(nl);
	return more;
}

/* While many operations go out, their notifications should not be copied for us. */
static void
listen_first(struct nl *nl)
{
	if (nl->in_a_row < MANY || mono_before(nl->now, nl->renew_at))
		return;
	nl->in_a_row = 0;
	event_del(nl->monitor_ev);
	if (nlmon_renew(&nl->mon))
		nl->renew_at = mono_add_us(nl->now, RENEW_US);
	event_add(nl->monitor_ev, NULL);
}

/* True: there may be more to send. */
static bool
send_ops(struct nl *nl)
{
	struct mono_us start = nl->now;

	while (send_batch(nl)) {
		nl->in_a_row += NLBATCH_OPS;
		listen_first(nl);
		if (mono_diff_us(nl->now, start) >= OPS_US || !nlmon_read(&nl->mon))
			return true;
	}
	nl->in_a_row = 0;
	return false;
}

/* ---- the loop ------------------------------------------------------------ */

static void
arm(struct nl *nl, struct mono_us at)
{
	uint64_t us = mono_diff_us(at, clock_mono());
	struct timeval tv = { .tv_sec = (time_t)(us / 1000000u),
		.tv_usec = (suseconds_t)(us % 1000000u) };

	if (mono_is_never(at))
		event_del(nl->turn_ev);
	else
		event_add(nl->turn_ev, &tv);
}

static void
pass_time(struct nl *nl)
{
	if (!mono_reached(nl->now, fib_deadline(nl->conf.fib)))
		return;
	nl->fed = true;
	fib_timeout(nl->conf.fib, nl->now);
}

/* All the work of a turn; true: there is more at once. */
static bool
work(struct nl *nl)
{
	if (!nlmon_read(&nl->mon))
		return true;
	pass_time(nl);
	nldump_step(&nl->dump, nl->now);
	return send_ops(nl);
}

static void
turn(evutil_socket_t fd, short what, void *arg)
{
	struct nl *nl = arg;
	bool more;

	nl->now = clock_mono();
	nl->in_turn = true;
	nl->fed = nl->kicked = false;
	more = work(nl);
	nl->in_turn = false;
	nl->rest = more || nl->kicked || nl->fed; /* what is fed now comes after a look at other events */
	if (nl->rest)
		arm(nl, nl->now);
	else
		arm(nl, mono_min(fib_deadline(nl->conf.fib), nldump_due(&nl->dump)));
	if (nl->fed)
		nl->conf.changed(nl->conf.ctx);
}

void
nl_kick(struct nl *nl)
{
	nl->kicked = true;
	if (!nl->in_turn && !nl->rest)
		event_active(nl->turn_ev, EV_TIMEOUT, 0);
}

void
nl_start(struct nl *nl)
{
	int w;

	for (w = 0; w < KERN_NWHAT; w++)
		nldump_want(&nl->dump, (enum kern_what)w);
	nl_kick(nl);
}

/* ---- life ---------------------------------------------------------------- */

static bool
open_sockets(struct nl *nl, char *err, size_t errcap)
{
	const char *which = "request";
	int rc = 0;

	nl->batch = nlbatch_new(nl->recv);
	if (!nl->batch)
		rc = -errno;
	if (rc == 0) {
		which = "dump";
		rc = nldump_open(&nl->dump, nl->recv, &dump_ops, nl);
	}
	if (rc == 0) {
		which = "monitor";
		rc = nlmon_open(&nl->mon, nl->recv, nl->conf.monitor_octets,
		    nlbatch_port(nl->batch), &mon_ops, nl);
	}
	if (rc < 0)
		snprintf(err, errcap, "netlink %s socket: %s", which, strerror(-rc));
	return rc == 0;
}

struct nl *
nl_open(const struct nl_conf *c, char *err, size_t errcap)
{
	struct nl *nl = mem_zalloc(sizeof *nl);

	nl->conf = *c;
	nl->dump_log = (struct log_limit){ .burst = 5, .interval_us = 1000000 };
	nl->recv = mem_alloc(NLSOCK_DATAGRAM);
	nl->dump.sock.fd = nl->mon.sock.fd = -1;
	if (!open_sockets(nl, err, errcap)) {
		nl_shutdown(nl);
		return NULL;
	}
	nl->turn_ev = event_new(c->base, -1, 0, turn, nl);
	nl->monitor_ev = event_new(c->base, nl->mon.sock.fd, EV_READ | EV_PERSIST, turn, nl);
	event_add(nl->monitor_ev, NULL);
	return nl;
}

void
nl_shutdown(struct nl *nl)
{
	if (!nl)
		return;
	if (nl->turn_ev)
		event_free(nl->turn_ev);
	if (nl->monitor_ev)
		event_free(nl->monitor_ev);
	nlmon_close(&nl->mon);
	nldump_close(&nl->dump);
	nlbatch_free(nl->batch);
	mem_free(nl->recv);
	mem_free(nl);
}

void
nl_stats(const struct nl *nl, struct nl_stats *ret)
{
	*ret = (struct nl_stats){
		.batches = nl->batches,
		.messages = nl->messages,
		.errors = nl->errors,
		.dumps = nl->dump.dumps,
		.dump_retries = nl->dump.retries,
		.notifications = nl->mon.notifications,
		.overflows = nl->mon.overflows,
	};
}
