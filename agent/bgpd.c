/*
 * The three channels to weft-bgpd.
 *
 * bgpd reads what strangers send, so everything it says is bounded by the
 * message table and judged by agent/core; here it is only taken apart.  Nobody
 * blocks: a channel that is full waits for its write event.
 *
 * Nor can bgpd make this process grow: what waits for a bgpd that does not read
 * has a limit, rows come only as far as they were asked for, and what is kept of
 * next hops, sets and routes is limited by agent/core (FIB_*_MAX in fib.h).
 */
#include "agent/bgpd.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/ipcsock.h"
#include "lib/list.h"
#include "lib/mem.h"

#define READ_BATCH 64 /* messages taken from one channel in one turn of the loop */

/*
 * Octets that wait for a bgpd that does not read: on the control channel a whole
 * configuration of any size, on the others a few answers.
 */
static const size_t waiting_max[IPC_NCHANS] = {
	[IPC_CHAN_CONTROL] = 32u << 20,
	[IPC_CHAN_ROUTES] = 4u << 20,
	[IPC_CHAN_QUERIES] = 4u << 20,
};
#define WAITING_CONNS_MAX 512 /* descriptors with them, before connections of peers are turned away */

struct chan {
	struct bgpd *bgpd;
	enum ipc_chan which;
	int fd;
	struct event *rd, *wr;
};

/* An encoded message that waits for room. */
struct waiting {
	struct list link;
	int fd; /* -1: none */
	size_t len;
	uint8_t buf[];
};

struct query {
	struct list link;
	uint32_t id;
	uint32_t credit; /* rows that may still come */
	const struct query_ops *ops;
	void *ctx;
};

struct bgpd {
	struct agent *agent;
	const struct bgpd_ops *ops;
	struct chan chan[IPC_NCHANS];
	bool attached;
	bool failing; /* lost() is being called */
	bool overrun; /* more waits for it than may: it is given up in the next turn of the loop */
	struct list waiting[IPC_NCHANS];
	size_t waiting_octets[IPC_NCHANS], waiting_fds;
	struct list queries, orphans; /* orphans: asked while nobody was there */
	struct event *orphan_ev;
	uint32_t next_query;
	struct ipc_msg *in, *out; /* scratch, one each */
	uint8_t *buf;		  /* IPC_MAX_OCTETS */
};

static void fail(struct bgpd *b, const char *why, bool violation);

/* ---- sending ---------------------------------------------------------------- */

static void
waiting_free(struct bgpd *b, enum ipc_chan which, struct waiting *w)
{
	list_remove(&w->link);
	b->waiting_octets[which] -= sizeof *w + w->len;
	if (w->fd >= 0) {
		b->waiting_fds--;
		close(w->fd);
	}
	mem_free(w);
}

static void
waiting_add(struct bgpd *b, enum ipc_chan which, size_t len, int fd)
{
	struct waiting *w = mem_alloc(sizeof *w + len);

	w->fd = fd;
	w->len = len;
	memcpy(w->buf, b->buf, len);
	list_init(&w->link);
	list_push_back(&b->waiting[which], &w->link);
	b->waiting_octets[which] += sizeof *w + len;
	b->waiting_fds += fd >= 0;
}

bool
bgpd_conns_wait(const struct bgpd *b)
{
	return b->waiting_fds >= WAITING_CONNS_MAX / 2;
}

/* As if the listener's queue were full: peers try again. */
static bool
turned_away(const struct bgpd *b, const struct ipc_msg *m)
{
	return m->type == IPC_CONN_IN && b->waiting_fds >= WAITING_CONNS_MAX;
}

/*
 * Send what waits on a channel until it is full.  A channel that broke is left
 * to its read event, so that nobody's callback runs inside a caller's call.
 */
static void
flush_waiting(struct bgpd *b, enum ipc_chan which)
{
	struct chan *c = &b->chan[which];
	struct list *n;

	while ((n = list_first(&b->waiting[which])) != NULL) {
		struct waiting *w = container_of(n, struct waiting, link);
		int r = ipcsock_send(c->fd, w->buf, w->len, &w->fd, w->fd >= 0);

		if (r == -EAGAIN) {
			event_add(c->wr, NULL);
			return;
		}
		if (r < 0 && r != -EMSGSIZE) {
			event_active(c->rd, EV_READ, 0);
			return;
		}
		waiting_free(b, which, w);
	}
}

static void
enqueue(struct bgpd *b, enum ipc_chan which, const struct ipc_msg *m, int fd)
{
	size_t len = b->attached && !b->overrun ? ipcmsg_encode(m, b->buf, IPC_MAX_OCTETS) : 0;

	if (len == 0 || turned_away(b, m)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	waiting_add(b, which, len, fd);
	flush_waiting(b, which);
	if (b->waiting_octets[which] > waiting_max[which]) {
		b->overrun = true;
		event_active(b->chan[which].rd, EV_READ, 0);
	}
}

void
bgpd_send(struct bgpd *b, const struct ipc_msg *m, int fd)
{
	enqueue(b, IPC_CHAN_CONTROL, m, fd);
}

/* ---- reports of the fib -------------------------------------------------------- */

static bool
routes_have_room(const struct bgpd *b)
{
	return !b->attached || list_is_empty(&b->waiting[IPC_CHAN_ROUTES]);
}

static void
send_verdicts(struct bgpd *b, struct ipc_verdicts *v)
{
	if (v->n > 0 && b->attached)
		enqueue(b, IPC_CHAN_ROUTES, b->out, -1);
	v->n = 0;
}

void
bgpd_pump(struct bgpd *b)
{
	struct fib_report rep;
	struct ipc_verdicts *v = &b->out->verdicts;

	while (fib_next_link_lost(b->agent->fib, &rep))
		b->ops->report(b->agent, &rep);
	b->out->type = IPC_VERDICT;
	v->n = 0;
	while (routes_have_room(b) && fib_next_report(b->agent->fib, &rep)) {
		switch (rep.kind) {
		case FIB_REP_VERDICT:
			v->v[v->n++] = rep.verdict;
			if (v->n == IPC_VERDICTS_MAX)
				send_verdicts(b, v);
			break;
		case FIB_REP_NH_STATE: {
			struct ipc_msg m = { .type = IPC_NH_STATE };

			m.nh_state = rep.nh;
			enqueue(b, IPC_CHAN_ROUTES, &m, -1);
			break;
		}
		case FIB_REP_LOCAL_READY:
		case FIB_REP_LOCAL_LOST:
		case FIB_REP_EVENT:
		case FIB_REP_ADOPTED:
		case FIB_REP_FLUSHED:
		case FIB_REP_LINK_LOST:
			b->ops->report(b->agent, &rep);
			b->out->type = IPC_VERDICT;
			break;
		}
	}
	send_verdicts(b, v);
}

/* ---- receiving ------------------------------------------------------------------- */

/* There is no place to remember that route in: its verdict is all that becomes of it. */
static void
refuse_route(struct bgpd *b, const struct ip_prefix *p)
{
	struct ipc_verdicts *v = &b->out->verdicts;

	b->out->type = IPC_VERDICT;
	v->n = 1;
	v->v[0] = (struct ipc_verdict){ .prefix = *p, .state = IPC_V_REFUSED,
		.code = IPC_REF_LIMIT };
	send_verdicts(b, v);
}

static bool
take_route(struct bgpd *b, const struct ipc_msg *m, struct mono_us now, const char **why)
{
	struct fib *f = b->agent->fib;

	for (uint16_t i = 0; i < m->route.n; i++) {
		const struct ip_prefix *p = &m->route.prefix[i];

		if (!fib_route_fits(f, p))
			refuse_route(b, p);
		else if (!fib_route(f, now, m->route.set, p, why))
			return false;
	}
	return true;
}

/* Nor for that next hop: it counts as not resolved. */
static void
take_watch(struct bgpd *b, const struct ipc_nh_watch *w, struct mono_us now)
{
	struct ipc_msg m = { .type = IPC_NH_STATE };

	if (fib_watch(b->agent->fib, now, &w->addr, w->on))
		return;
	m.nh_state.addr = w->addr;
	snprintf(m.nh_state.why, sizeof m.nh_state.why, "more than %u next hops are followed",
	    FIB_NEXTHOPS_MAX);
	enqueue(b, IPC_CHAN_ROUTES, &m, -1);
}

static bool
take_routes_msg(struct bgpd *b, const struct ipc_msg *m, const char **why)
{
	struct fib *f = b->agent->fib;
	struct mono_us now = agent_now();

	if (b->agent->stopping) /* bgpd empties its RIB: what stays in the kernel is decided here */
		return true;
	switch ((int)m->type) {
	case IPC_NHSET:
		return fib_nhset(f, now, &m->nhset, why);
	case IPC_NHSET_DEL:
		return fib_nhset_del(f, now, m->nhset_del.id, why);
	case IPC_ROUTE:
		return take_route(b, m, now, why);
	case IPC_ROUTE_DEL:
		for (uint16_t i = 0; i < m->prefixes.n; i++)
			fib_route_del(f, now, &m->prefixes.prefix[i]);
		return true;
	case IPC_SYNC_BEGIN:
		fib_sync_begin(f, now);
		return true;
	case IPC_SYNC_END:
		fib_sync_end(f, now);
		return true;
	case IPC_NH_WATCH:
		take_watch(b, &m->nh_watch, now);
		return true;
	default: /* ipcmsg_decode() lets nothing else through on this channel */
		*why = "a message that does not belong on the routes channel";
		return false;
	}
}

static struct query *
find_query(struct bgpd *b, uint32_t id)
{
	struct list *n;

	LIST_FOREACH(n, &b->queries)
		if (container_of(n, struct query, link)->id == id)
			return container_of(n, struct query, link);
	return NULL;
}

static void
end_query(struct query *q, uint8_t status, bool lost)
{
	list_remove(&q->link);
	q->ops->end(q->ctx, status, lost);
	mem_free(q);
}

/* The query a message belongs to; its id stands first in every row. */
static uint32_t
row_query(const struct ipc_msg *m)
{
	return m->type == IPC_ROW_PEER	 ? m->row_peer.query
	       : m->type == IPC_ROW_PATH ? m->row_path.query
	       : m->type == IPC_ROW_STATS ? m->row_stats.query
					 : m->query_end.id;
}

static bool
take_query_msg(struct bgpd *b, const struct ipc_msg *m, const char **why)
{
	struct query *q = find_query(b, row_query(m));

	if (!q)
		return true; /* cancelled while the row was under way */
	if (m->type == IPC_QUERY_END) {
		end_query(q, m->query_end.status, false);
		return true;
	}
	if (q->credit == 0) {
		*why = "a row beyond what was asked for";
		return false;
	}
	q->credit--;
	q->ops->row(q->ctx, m);
	return true;
}

static bool
take(struct bgpd *b, enum ipc_chan which, const struct ipc_msg *m, int fd, const char **why)
{
	if (fd >= 0 && !ipc_desc[m->type].fd) {
		close(fd);
		*why = "a descriptor where none belongs";
		return false;
	}
	switch (which) {
	case IPC_CHAN_CONTROL:
		b->ops->control(b->agent, m, fd);
		return true;
	case IPC_CHAN_ROUTES:
		return take_routes_msg(b, m, why);
	case IPC_CHAN_QUERIES:
		return take_query_msg(b, m, why);
	case IPC_NCHANS:
		break;
	}
	return false;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct chan *c = arg;
	struct bgpd *b = c->bgpd;
	const char *why = NULL;

	if (b->overrun) {
		fail(b, "bgpd does not read its channels", true);
		return;
	}
	for (int i = 0; i < READ_BATCH && b->attached; i++) {
		size_t nfds;
		int got = -1;
		ssize_t n = ipcsock_recv(c->fd, b->buf, IPC_MAX_OCTETS, &got, 1, &nfds);

		if (n == -EAGAIN)
			break;
		if (n <= 0) {
			fail(b, n == 0 ? "bgpd has ended" : strerror((int)-n), n == -EMSGSIZE);
			return;
		}
		b->agent->bgpd_child.silent = false;
		b->agent->bgpd_child.heard++;
		why = ipcmsg_decode(IPC_BGPD, c->which, b->buf, (size_t)n, b->in);
		if (why && nfds > 0)
			close(got);
		if (why || !take(b, c->which, b->in, nfds > 0 ? got : -1, &why)) {
			fail(b, why ? why : "a broken intent", true);
			return;
		}
	}
	b->ops->fib_changed(b->agent);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct chan *c = arg;

	flush_waiting(c->bgpd, c->which);
	c->bgpd->ops->fib_changed(c->bgpd->agent);
}

/* ---- life -------------------------------------------------------------------------- */

static void
detach(struct bgpd *b)
{
	b->attached = b->overrun = false;
	for (int i = 0; i < IPC_NCHANS; i++) {
		struct chan *c = &b->chan[i];
		struct list *n;

		if (c->rd)
			event_free(c->rd);
		if (c->wr)
			event_free(c->wr);
		c->rd = c->wr = NULL;
		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
		while ((n = list_first(&b->waiting[i])) != NULL)
			waiting_free(b, c->which, container_of(n, struct waiting, link));
	}
}

static void
fail(struct bgpd *b, const char *why, bool violation)
{
	struct list *n;

	if (b->failing)
		return;
	b->failing = true;
	detach(b);
	while ((n = list_first(&b->queries)) != NULL)
		end_query(container_of(n, struct query, link), 0, true);
	b->ops->lost(b->agent, why, violation);
	b->failing = false;
}

int
bgpd_attach(struct bgpd *b, const int fds[IPC_NCHANS])
{
	int err = 0;

	detach(b);
	for (int i = 0; i < IPC_NCHANS; i++) {
		struct chan *c = &b->chan[i];
		int r = ipcsock_adopt(fds[i]);

		c->fd = fds[i];
		if (r < 0 && err == 0)
			err = r;
	}
	if (err < 0) {
		detach(b);
		return err;
	}
	for (int i = 0; i < IPC_NCHANS; i++) {
		struct chan *c = &b->chan[i];

		c->rd = event_new(b->agent->base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
		c->wr = event_new(b->agent->base, c->fd, EV_WRITE, on_writable, c);
		event_add(c->rd, NULL);
	}
	b->attached = true;
	return 0;
}

bool
bgpd_attached(const struct bgpd *b)
{
	return b->attached;
}

static void
end_orphans(evutil_socket_t fd, short what, void *arg)
{
	struct bgpd *b = arg;
	struct list *n;

	while ((n = list_first(&b->orphans)) != NULL)
		end_query(container_of(n, struct query, link), 0, true);
}

struct bgpd *
bgpd_new(struct agent *a, const struct bgpd_ops *ops)
{
	struct bgpd *b = mem_zalloc(sizeof *b);

	b->agent = a;
	b->ops = ops;
	b->in = mem_zalloc(sizeof *b->in);
	b->out = mem_zalloc(sizeof *b->out);
	b->buf = mem_alloc(IPC_MAX_OCTETS);
	list_init(&b->queries);
	list_init(&b->orphans);
	for (int i = 0; i < IPC_NCHANS; i++) {
		b->chan[i] = (struct chan){ .bgpd = b, .which = (enum ipc_chan)i, .fd = -1 };
		list_init(&b->waiting[i]);
	}
	b->orphan_ev = event_new(a->base, -1, 0, end_orphans, b);
	return b;
}

void
bgpd_free(struct bgpd *b)
{
	struct list *n, *tmp;

	if (!b)
		return;
	detach(b);
	LIST_FOREACH_SAFE(n, tmp, &b->queries)
		mem_free(container_of(n, struct query, link));
	LIST_FOREACH_SAFE(n, tmp, &b->orphans)
		mem_free(container_of(n, struct query, link));
	event_free(b->orphan_ev);
	mem_free(b->in);
	mem_free(b->out);
	mem_free(b->buf);
	mem_free(b);
}

/* ---- queries ------------------------------------------------------------------------- */

uint32_t
agent_query(struct agent *a, const struct ipc_query *question, const struct query_ops *ops,
    void *ctx)
{
	struct bgpd *b = a->bgpd;
	struct query *q = mem_zalloc(sizeof *q);
	struct ipc_msg m = { .type = IPC_QUERY };

	q->id = ++b->next_query;
	q->credit = question->credit;
	q->ops = ops;
	q->ctx = ctx;
	list_init(&q->link);
	if (!b->attached) {
		list_push_back(&b->orphans, &q->link);
		event_active(b->orphan_ev, EV_TIMEOUT, 0);
		return q->id;
	}
	list_push_back(&b->queries, &q->link);
	m.query = *question;
	m.query.id = q->id;
	enqueue(b, IPC_CHAN_QUERIES, &m, -1);
	return b->next_query;
}

void
agent_query_more(struct agent *a, uint32_t id, uint32_t credit)
{
	struct ipc_msg m = { .type = IPC_QUERY_CREDIT };
	struct query *q = find_query(a->bgpd, id);

	if (q)
		q->credit = q->credit > UINT32_MAX - credit ? UINT32_MAX : q->credit + credit;
	m.query_credit = (struct ipc_query_credit){ id, credit };
	enqueue(a->bgpd, IPC_CHAN_QUERIES, &m, -1);
}

static void
forget(struct list *queries, uint32_t id)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, queries) {
		struct query *q = container_of(n, struct query, link);

		if (q->id == id) {
			list_remove(&q->link);
			mem_free(q);
		}
	}
}

void
agent_query_cancel(struct agent *a, uint32_t id)
{
	struct ipc_msg m = { .type = IPC_QUERY_CANCEL };

	forget(&a->bgpd->queries, id);
	forget(&a->bgpd->orphans, id);
	m.query_credit = (struct ipc_query_credit){ id, 0 };
	enqueue(a->bgpd, IPC_CHAN_QUERIES, &m, -1);
}
