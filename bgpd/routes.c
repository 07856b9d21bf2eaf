/*
 * The routes channel: intents out, verdicts and next-hop states in.
 *
 * Consecutive routes with one set become one message, and so do withdrawals.
 * Nothing is pulled from the speaker while a message waits: pending changes
 * coalesce there, per prefix.
 */
#include "bgpd/bgpd.h"

#define SLICE_OPS 4096 /* intents of one turn */

const char *
routes_take(struct bgpd *b, const struct ipc_msg *m)
{
	struct mono_us now = clock_mono();

	if (m->type == IPC_NH_STATE) {
		speaker_nh_state(b->sp, now, &m->nh_state);
		return NULL;
	}
	if (m->type != IPC_VERDICT)
		return "a message that does not belong on the routes channel";
	for (uint16_t i = 0; i < m->verdicts.n; i++)
		speaker_verdict(b->sp, now, &m->verdicts.v[i]);
	return NULL;
}

/* The message being packed in b->out: type, or 0 for none. */
struct pack {
	enum ipc_type type;
	uint16_t n;
};

static void
pack_send(struct bgpd *b, struct pack *p)
{
	if (p->n == 0)
		return;
	b->out->type = p->type;
	if (p->type == IPC_ROUTE)
		b->out->route.n = p->n;
	else
		b->out->prefixes.n = p->n;
	p->n = 0;
	chan_send(b, IPC_CHAN_ROUTES, b->out);
}

static void
pack_route(struct bgpd *b, struct pack *p, const struct fib_op *op)
{
	if (p->n == IPC_PREFIXES_MAX ||
	    (p->n > 0 && (p->type != IPC_ROUTE || b->out->route.set != op->set)))
		pack_send(b, p);
	p->type = IPC_ROUTE;
	b->out->route.set = op->set;
	b->out->route.prefix[p->n++] = op->prefix;
}

static void
pack_route_del(struct bgpd *b, struct pack *p, const struct fib_op *op)
{
	if (p->n == IPC_PREFIXES_MAX || (p->n > 0 && p->type != IPC_ROUTE_DEL))
		pack_send(b, p);
	p->type = IPC_ROUTE_DEL;
	b->out->prefixes.prefix[p->n++] = op->prefix;
}

/* Sets and marks go alone, after what was packed before them. */
static void
send_alone(struct bgpd *b, struct pack *p, const struct fib_op *op)
{
	struct ipc_msg *m = b->out;

	pack_send(b, p);
	switch (op->kind) {
	case FIB_NHSET:
		m->type = IPC_NHSET;
		m->nhset = *op->nhset;
		break;
	case FIB_NHSET_DEL:
		m->type = IPC_NHSET_DEL;
		m->nhset_del.id = op->set;
		break;
	case FIB_SYNC_BEGIN:
	case FIB_SYNC_END:
		m->type = op->kind == FIB_SYNC_BEGIN ? IPC_SYNC_BEGIN : IPC_SYNC_END;
		m->sync.gen = 0;
		break;
	case FIB_ROUTE:
	case FIB_ROUTE_DEL:
		return;
	}
	chan_send(b, IPC_CHAN_ROUTES, m);
}

bool
routes_pump(struct bgpd *b)
{
	struct pack p = { 0 };
	struct fib_op op;
	bool more = false;

	for (int i = 0; i < SLICE_OPS && !b->stop; i++) {
		/* What is packed already goes, whether or not it has to wait. */
		more = chan_has_room(b, IPC_CHAN_ROUTES) && speaker_next_fib(b->sp, &op);
		if (!more)
			break;
		if (op.kind == FIB_ROUTE)
			pack_route(b, &p, &op);
		else if (op.kind == FIB_ROUTE_DEL)
			pack_route_del(b, &p, &op);
		else
			send_alone(b, &p, &op);
	}
	pack_send(b, &p);
	return more;
}
