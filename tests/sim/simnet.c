/*
 * The simulated network.  See simnet.h.
 */
#include "tests/sim/simnet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/list.h"
#include "lib/mem.h"

#define SIM_CHECK(cond)                                                                            \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define WORK_SLICE_US 1000

/* ---- building ------------------------------------------------------------------- */

void
sim_init(struct sim *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->now.us = 1000000;
	s->latency_us = 500;
	rng_seed(&s->rng, seed);
}

static void
table_free(struct sim_node *n)
{
	struct hmap_node *h, *tmp;

	HMAP_FOREACH_SAFE(h, tmp, &n->routes) {
		hmap_remove(&n->routes, h);
		mem_free(container_of(h, struct sim_route, node));
	}
	hmap_free(&n->routes);
	mem_free(n->set);
	n->set = NULL;
	n->nsets = 0;
}

void
sim_free(struct sim *s)
{
	unsigned k;

	for (k = 0; k < s->nnodes; k++) {
		if (s->node[k].sp)
			speaker_free(s->node[k].sp);
		table_free(&s->node[k]);
	}
	for (k = 0; k < SIM_CONNS; k++)
		mem_free(s->conn[k]);
}

struct sim_node *
sim_add(struct sim *s, uint32_t asn)
{
	struct sim_node *n = &s->node[s->nnodes];
	uint64_t key[2] = { 1, 2 };

	SIM_CHECK(s->nnodes < SIM_NODES);
	n->sim = s;
	n->no = s->nnodes++;
	n->addr4 = (struct ip_addr){ .af = IP4, .b = { 10, 0, n->no, 1 } };
	n->addr6 = (struct ip_addr){ .af = IP6, .b = { 0xfd, 0, 0, n->no, [15] = 1 } };
	n->conf = (struct ipc_conf_speaker){ .asn = asn,
		.router_id = 0x0a000001u + n->no * 256u,
		.multipath = 16,
		.gr_enabled = true,
		.gr_restart_time_s = 120,
		.gr_deferral_ms = 10000 };
	n->permit[0] = (struct ip_prefix){ .af = IP4, .len = 8, .b = { 10 } };
	n->permit[1] = (struct ip_prefix){ .af = IP6, .len = 8, .b = { 0xfd } };
	n->npermit = 2;
	hmap_init(&n->routes, key);
	return n;
}

static void
add_peer_conf(struct sim_node *a, const struct sim_node *b)
{
	struct ipc_conf_peer *p = &a->peer[a->npeers++];

	SIM_CHECK(a->npeers <= SIM_PEERS);
	*p = (struct ipc_conf_peer){ .id = b->no + 1u,
		.addr = b->addr4,
		.asn = b->conf.asn,
		.enabled = true,
		.onlink = a->conf.asn != b->conf.asn,
		.export_all = a->conf.asn == b->conf.asn,
		.gr_enabled = true,
		.families = 3,
		.hold_s = 9,
		.connect_retry_ms = 2000 };
	snprintf(p->name, sizeof(p->name), "node%u", b->no);
}

void
sim_peer(struct sim_node *a, struct sim_node *b)
{
	add_peer_conf(a, b);
	add_peer_conf(b, a);
}

struct ipc_conf_peer *
sim_peer_conf(struct sim_node *a, const struct sim_node *b)
{
	size_t k;

	for (k = 0; k < a->npeers; k++)
		if (a->peer[k].id == b->no + 1u)
			return &a->peer[k];
	abort();
}

static struct ip_prefix
prefix_of(const char *text)
{
	struct ip_prefix p;

	SIM_CHECK(ip_prefix_parse(text, &p, NULL));
	return p;
}

static void
originate(struct sim_node *n, const struct ip_prefix *p)
{
	struct ipc_originate o = { .prefix = *p };

	speaker_originate(n->sp, n->sim->now, &o);
}

void
sim_own(struct sim_node *n, const char *prefix)
{
	struct ip_prefix p = prefix_of(prefix);

	SIM_CHECK(n->nown < SIM_OWN);
	n->own[n->nown++] = p;
	if (n->up)
		originate(n, &p);
}

void
sim_disown(struct sim_node *n, const char *prefix)
{
	struct ip_prefix p = prefix_of(prefix);
	size_t k;

	for (k = 0; k < n->nown && !ip_prefix_eq(&n->own[k], &p); k++)
		;
	SIM_CHECK(k < n->nown);
	n->own[k] = n->own[--n->nown];
	if (n->up)
		speaker_unoriginate(n->sp, n->sim->now, &p);
}

/* ---- life of a node ---------------------------------------------------------------- */

void
sim_reconfigure(struct sim_node *n, struct ipc_conf_applied *ret)
{
	struct ipc_conf_applied applied;

	speaker_configure(n->sp, n->sim->now, &n->conf, n->peer, n->npeers, n->permit, n->npermit,
	    ret ? ret : &applied);
}

void
sim_start(struct sim_node *n, bool restarting)
{
	struct ipc_hello hello = { .version = IPC_VERSION,
		.restarting = restarting,
		.adopted = { restarting, restarting },
		.seed = rng_u64(&n->sim->rng) };
	size_t k;

	SIM_CHECK(!n->up);
	n->sp = speaker_new(n->sim->now, &hello, NULL);
	n->up = true;
	n->syncing = n->synced = n->shutdown_done = false;
	if (n->set)
		memset(n->set, 0, n->nsets * sizeof(*n->set));
	sim_reconfigure(n, NULL);
	for (k = 0; k < n->nown; k++)
		originate(n, &n->own[k]);
	speaker_originate_end(n->sp, n->sim->now);
}

/* One side closes: the other reads a FIN (or an error) after what is under way. */
static void
close_side(struct sim_conn *c, unsigned side, int err)
{
	struct sim_pipe *p = &c->to[!side];

	c->id[side] = 0;
	p->fin = true;
	p->err = err;
	p->want_write = false;
	if (c->id[!side] == 0)
		c->used = false;
}

void
sim_kill(struct sim_node *n)
{
	unsigned k, side;

	for (k = 0; k < SIM_CONNS; k++)
		for (side = 0; side < 2 && n->sim->conn[k] && n->sim->conn[k]->used; side++)
			if (n->sim->conn[k]->node[side] == n->no && n->sim->conn[k]->id[side]) {
				close_side(n->sim->conn[k], side, 0);
				n->sim->conn[k]->to[!side].due = n->sim->now;
			}
	for (k = 0; k < SIM_CONNS; k++)
		if (n->sim->dial[k].from == n->no)
			n->sim->dial[k].used = false;
	speaker_free(n->sp);
	n->sp = NULL;
	n->up = false;
}

void
sim_shutdown(struct sim_node *n, enum ipc_shutdown_mode mode)
{
	speaker_shutdown(n->sp, n->sim->now, mode, "going down");
}

/* ---- the agent -------------------------------------------------------------------------- */

static uint64_t
prefix_hash(const struct sim_node *n, const struct ip_prefix *p)
{
	uint8_t key[18] = { p->af, p->len };

	memcpy(key + 2, p->b, 16);
	return hmap_hash(&n->routes, key, sizeof(key));
}

static struct sim_route *
route_find(const struct sim_node *n, const struct ip_prefix *p)
{
	struct hmap_node *h;

	for (h = hmap_first_with(&n->routes, prefix_hash(n, p)); h; h = hmap_next_with(h))
		if (ip_prefix_eq(&container_of(h, struct sim_route, node)->prefix, p))
			return container_of(h, struct sim_route, node);
	return NULL;
}

static void
route_drop(struct sim_node *n, struct sim_route *r)
{
	hmap_remove(&n->routes, &r->node);
	mem_free(r);
}

static void
agent_nhset(struct sim_node *n, const struct ipc_nhset *s)
{
	uint16_t k;

	if (s->id >= n->nsets) {
		n->set = mem_realloc_array(n->set, s->id + 1, sizeof(*n->set));
		memset(n->set + n->nsets, 0, (s->id + 1 - n->nsets) * sizeof(*n->set));
		n->nsets = s->id + 1;
	}
	SIM_CHECK(s->id > 0 && s->n > 0 && s->n <= IPC_MEMBERS_MAX && n->set[s->id].n == 0);
	for (k = 1; k < s->n; k++)
		SIM_CHECK(ip_addr_cmp(&s->member[k - 1].addr, &s->member[k].addr) < 0);
	n->set[s->id] = *s;
}

static void
agent_nhset_del(struct sim_node *n, uint32_t id)
{
	struct hmap_node *h;

	SIM_CHECK(id < n->nsets && n->set[id].n > 0);
	HMAP_FOREACH(h, &n->routes) {
		const struct sim_route *r = container_of(h, struct sim_route, node);

		SIM_CHECK(r->set != id || (n->syncing && !r->marked));
	}
	n->set[id].n = 0;
}

static void
agent_route(struct sim_node *n, const struct fib_op *op)
{
	struct sim_route *r = route_find(n, &op->prefix);
	struct ipc_verdict v = { .prefix = op->prefix, .state = IPC_V_INSTALLED };

	SIM_CHECK(op->set < n->nsets && n->set[op->set].n > 0);
	n->route_ops++;
	if (!r) {
		r = mem_zalloc(sizeof(*r));
		r->prefix = op->prefix;
		hmap_insert(&n->routes, &r->node, prefix_hash(n, &op->prefix));
	}
	SIM_CHECK(r->set != op->set || (n->syncing && !r->marked)); /* else it was no news */
	r->set = op->set;
	r->marked = true;
	if (n->conf.install)
		speaker_verdict(n->sp, n->sim->now, &v);
}

static void
agent_sync_end(struct sim_node *n)
{
	struct hmap_node *h, *tmp;

	SIM_CHECK(n->syncing);
	HMAP_FOREACH_SAFE(h, tmp, &n->routes)
		if (!container_of(h, struct sim_route, node)->marked)
			route_drop(n, container_of(h, struct sim_route, node));
	n->syncing = false;
	n->synced = true;
}

static void
agent_op(struct sim_node *n, const struct fib_op *op)
{
	struct sim_route *r;
	struct hmap_node *h;

	switch (op->kind) {
	case FIB_NHSET:
		agent_nhset(n, op->nhset);
		break;
	case FIB_NHSET_DEL:
		agent_nhset_del(n, op->set);
		break;
	case FIB_ROUTE:
		agent_route(n, op);
		break;
	case FIB_ROUTE_DEL:
		r = route_find(n, &op->prefix);
		SIM_CHECK(r);
		route_drop(n, r);
		n->route_ops++;
		n->flaps++;
		break;
	case FIB_SYNC_BEGIN:
		HMAP_FOREACH(h, &n->routes)
			container_of(h, struct sim_route, node)->marked = false;
		n->syncing = true;
		break;
	case FIB_SYNC_END:
		agent_sync_end(n);
		break;
	}
}

/* A next hop is a node's address: by its third octet (IPv4), or seventh (IPv6). */
static void
agent_watch(struct sim_node *n, const struct todo *t)
{
	uint8_t no = t->nh.af == IP4 ? t->nh.b[2] : t->nh.b[3];
	struct ipc_nh_state st = { .addr = t->nh, .gen = 1, .onlink = true, .ifindex = 2 };

	if (!t->on)
		return;
	st.resolved = st.onlink = no < SIM_NODES && !n->unreachable[no];
	if (!st.resolved)
		snprintf(st.why, sizeof(st.why), "no route");
	speaker_nh_state(n->sp, n->sim->now, &st);
}

/* ---- connections ---------------------------------------------------------------------------- */

static struct sim_conn *
conn_new(struct sim *s, uint8_t from, uint8_t to)
{
	unsigned k;

	for (k = 0; k < SIM_CONNS && s->conn[k] && s->conn[k]->used; k++)
		;
	SIM_CHECK(k < SIM_CONNS);
	if (!s->conn[k])
		s->conn[k] = mem_zalloc(sizeof(struct sim_conn));
	memset(s->conn[k], 0, sizeof(struct sim_conn));
	s->conn[k]->used = true;
	s->conn[k]->node[0] = from;
	s->conn[k]->node[1] = to;
	s->conn[k]->to[0].due = s->conn[k]->to[1].due = MONO_NEVER;
	return s->conn[k];
}

static struct ipc_endpoints
endpoints(const struct sim_node *local, const struct sim_node *remote)
{
	return (struct ipc_endpoints){ .local = local->addr4,
		.remote = remote->addr4,
		.local_port = 179,
		.remote_port = 179,
		.ifindex = 2,
		.self4 = local->addr4,
		.self6 = local->addr6 };
}

static void
dial_done(struct sim *s, struct sim_dial *d)
{
	struct sim_node *from = &s->node[d->from], *to = &s->node[d->to];
	struct ipc_endpoints mine = endpoints(from, to), theirs = endpoints(to, from);
	struct sim_conn *c;
	const char *why;

	d->used = false;
	if (s->silent[d->from][d->to])
		return;
	if (!to->up || s->cut[d->from][d->to]) {
		speaker_conn_failed(from->sp, s->now, d->peer, d->token, ECONNREFUSED,
		    "connection refused");
		return;
	}
	c = conn_new(s, d->from, d->to);
	c->id[0] = speaker_conn_connected(from->sp, s->now, d->peer, d->token, &mine, &why);
	c->id[1] = speaker_conn_accepted(to->sp, s->now, &theirs, &why);
	if (!c->id[0])
		close_side(c, 0, 0);
	if (!c->id[1])
		close_side(c, 1, 0);
	c->to[0].due = c->to[1].due = s->now;
	if (!c->id[0] && !c->id[1])
		c->used = false;
}

static void
dial(struct sim_node *n, const struct todo *t)
{
	struct sim *s = n->sim;
	unsigned k;

	for (k = 0; k < SIM_CONNS && s->dial[k].used; k++)
		;
	SIM_CHECK(k < SIM_CONNS);
	s->dial[k] = (struct sim_dial){ .used = true,
		.due = mono_add_us(s->now, s->latency_us + rng_below(&s->rng, s->latency_us)),
		.from = n->no,
		.to = (uint8_t)(t->peer - 1),
		.peer = t->peer,
		.token = t->token };
}

static void
dial_cancel(struct sim_node *n, const struct todo *t)
{
	unsigned k;

	for (k = 0; k < SIM_CONNS; k++)
		if (n->sim->dial[k].used && n->sim->dial[k].from == n->no &&
		    n->sim->dial[k].token == t->token)
			n->sim->dial[k].used = false;
}

static struct sim_conn *
conn_of(struct sim_node *n, conn_id id, unsigned *ret_side)
{
	unsigned k, side;

	for (k = 0; k < SIM_CONNS; k++)
		for (side = 0; side < 2 && n->sim->conn[k] && n->sim->conn[k]->used; side++)
			if (n->sim->conn[k]->node[side] == n->no &&
			    n->sim->conn[k]->id[side] == id) {
				*ret_side = side;
				return n->sim->conn[k];
			}
	return NULL;
}

/* Let one side write as much as its socket takes. */
static void
write_side(struct sim *s, struct sim_conn *c, unsigned side)
{
	struct sim_pipe *p = &c->to[!side];
	struct speaker *sp = s->node[c->node[side]].sp;
	size_t n = 1;

	while (c->id[side] && p->want_write && n > 0 &&
	    sizeof(p->buf) - p->flying >= SPEAKER_OUT_MIN) {
		size_t room = sizeof(p->buf) - p->flying;
		size_t cap = SPEAKER_OUT_MIN + rng_below(&s->rng, room - SPEAKER_OUT_MIN + 1);
		size_t want = 1 + rng_below(&s->rng, cap);

		n = speaker_conn_output(sp, s->now, c->id[side], p->buf + p->flying, cap,
		    want);
		SIM_CHECK(n <= cap);
		if (n > 0 && mono_is_never(p->due))
			p->due = mono_add_us(s->now, s->latency_us);
		p->flying += n;
		p->octets += n;
		p->want_write = speaker_conn_pending(sp, c->id[side]);
	}
}

/* The speaker is done with a connection: what it still has to say goes out, then the FIN. */
static void
close_conn(struct sim_node *n, const struct todo *t, bool flush)
{
	unsigned side;
	struct sim_conn *c = conn_of(n, t->conn, &side);
	conn_id id = t->conn;

	if (!c)
		return;
	if (flush) {
		c->to[!side].want_write = true;
		write_side(n->sim, c, side);
	}
	close_side(c, side, flush ? 0 : ECONNRESET);
	if (mono_is_never(c->to[!side].due))
		c->to[!side].due = mono_add_us(n->sim->now, n->sim->latency_us);
	speaker_conn_closed(n->sp, n->sim->now, id, 0);
}

static void
do_todo(struct sim_node *n, const struct todo *t)
{
	struct sim_conn *c;
	unsigned side;

	switch (t->kind) {
	case TODO_CONNECT:
		dial(n, t);
		break;
	case TODO_CANCEL:
		dial_cancel(n, t);
		break;
	case TODO_WRITE:
		c = conn_of(n, t->conn, &side);
		if (c)
			c->to[!side].want_write = true;
		break;
	case TODO_CLOSE:
	case TODO_ABORT:
		close_conn(n, t, t->kind == TODO_CLOSE);
		break;
	case TODO_EVENT:
		snprintf(n->last_event, sizeof(n->last_event), "%s", t->event.name);
		snprintf(n->last_event_text, sizeof(n->last_event_text), "%s", t->event.text);
		if (getenv("SIM_VERBOSE"))
			fprintf(stderr, "%10.3f node%u %s %s\n", (double)n->sim->now.us / 1e6,
			    n->no, t->event.name, t->event.text);
		break;
	case TODO_NH_WATCH:
	case TODO_PEER_GONE:
		agent_watch(n, t);
		break;
	case TODO_SHUTDOWN_DONE:
		n->shutdown_done = true;
		break;
	default: /* nobody here monitors, advertises itself, or waits for drains */
		break;
	}
}

/* ---- time --------------------------------------------------------------------------------------- */

/* Input that waits for a slice: offered again. */
static void
offer_input(struct sim *s, struct sim_conn *c, unsigned side)
{
	struct sim_pipe *p = &c->to[side];
	struct speaker *sp = s->node[c->node[side]].sp;
	size_t used;

	while (c->id[side] && p->unread > 0) {
		used = speaker_conn_input(sp, s->now, c->id[side], p->rx, p->unread);
		SIM_CHECK(used <= p->unread);
		if (used == 0)
			break;
		memmove(p->rx, p->rx + used, p->unread - used);
		p->unread -= used;
	}
}

static void
arrive(struct sim *s, struct sim_conn *c, unsigned side)
{
	struct sim_pipe *p = &c->to[side];
	size_t n = p->flying ? 1 + rng_below(&s->rng, p->flying) : 0;
	conn_id id = c->id[side];

	p->due = MONO_NEVER;
	if (p->stuck)
		return;
	if (n > sizeof(p->rx) - p->unread)
		n = sizeof(p->rx) - p->unread;
	memcpy(p->rx + p->unread, p->buf, n);
	memmove(p->buf, p->buf + n, p->flying - n);
	p->unread += n;
	p->flying -= n;
	offer_input(s, c, side);
	if (p->flying > 0) {
		p->due = mono_add_us(s->now, 1 + rng_below(&s->rng, s->latency_us));
	} else if (p->fin && c->id[side] && !p->fin_seen) {
		p->fin_seen = true;
		close_side(c, side, 0);
		speaker_conn_closed(s->node[c->node[side]].sp, s->now, id, p->err);
	}
}

/* Everything a node can do without time passing. */
static void
node_run(struct sim_node *n)
{
	struct sim *s = n->sim;
	struct fib_op op;
	struct todo t;
	unsigned k, side;
	bool more;

	if (!n->up)
		return;
	if (mono_reached(s->now, speaker_deadline(n->sp)))
		speaker_timeout(n->sp, s->now);
	do {
		more = speaker_work(n->sp, s->now, WORK_SLICE_US);
		while (speaker_next_todo(n->sp, &t))
			do_todo(n, &t);
		while (speaker_next_fib(n->sp, &op))
			agent_op(n, &op);
	} while (more);
	for (k = 0; k < SIM_CONNS; k++)
		for (side = 0; side < 2 && s->conn[k] && s->conn[k]->used; side++)
			if (s->conn[k]->node[side] == n->no)
				write_side(s, s->conn[k], side);
}

static struct mono_us
next_time(const struct sim *s)
{
	struct mono_us t = MONO_NEVER;
	unsigned k, side;

	for (k = 0; k < s->nnodes; k++)
		if (s->node[k].up)
			t = mono_min(t, speaker_deadline(s->node[k].sp));
	for (k = 0; k < SIM_CONNS; k++) {
		if (s->dial[k].used)
			t = mono_min(t, s->dial[k].due);
		for (side = 0; side < 2 && s->conn[k] && s->conn[k]->used; side++)
			t = mono_min(t, s->conn[k]->to[side].due);
	}
	return t;
}

/* The next step unless it is later than end; false when nothing happens before. */
static bool
step(struct sim *s, struct mono_us end)
{
	struct mono_us t;
	unsigned k, side;

	for (k = 0; k < s->nnodes; k++)
		node_run(&s->node[k]);
	t = next_time(s);
	if (mono_before(end, t))
		return false;
	if (mono_before(s->now, t))
		s->now = t;
	s->steps++;
	for (k = 0; k < SIM_CONNS; k++) {
		if (s->dial[k].used && mono_reached(s->now, s->dial[k].due))
			dial_done(s, &s->dial[k]);
		for (side = 0; side < 2 && s->conn[k] && s->conn[k]->used; side++)
			if (mono_reached(s->now, s->conn[k]->to[side].due))
				arrive(s, s->conn[k], side);
	}
	for (k = 0; k < s->nnodes; k++)
		node_run(&s->node[k]);
	return true;
}

void
sim_run(struct sim *s, uint64_t us)
{
	struct mono_us end = mono_add_us(s->now, us);

	while (step(s, end))
		;
	s->now = end;
}

bool
sim_until(struct sim *s, uint64_t us, bool (*done)(void *ctx), void *ctx)
{
	struct mono_us end = mono_add_us(s->now, us);

	while (!done(ctx))
		if (!step(s, end))
			return false;
	return true;
}

void
sim_cut(struct sim_node *a, struct sim_node *b, bool cut)
{
	struct sim *s = a->sim;
	unsigned k, side;

	s->cut[a->no][b->no] = s->cut[b->no][a->no] = cut;
	for (k = 0; cut && k < SIM_CONNS; k++) {
		struct sim_conn *c = s->conn[k];

		if (!c || !c->used || !((c->node[0] == a->no && c->node[1] == b->no) ||
				 (c->node[0] == b->no && c->node[1] == a->no)))
			continue;
		for (side = 0; side < 2; side++) {
			conn_id id = c->id[side];

			c->id[side] = 0;
			if (id)
				speaker_conn_closed(s->node[c->node[side]].sp, s->now, id,
				    ECONNRESET);
		}
		c->used = false;
	}
}

void
sim_stick(struct sim_node *a, struct sim_node *b, bool stuck)
{
	struct sim *s = a->sim;
	unsigned k, side;

	for (k = 0; k < SIM_CONNS; k++)
		for (side = 0; side < 2 && s->conn[k] && s->conn[k]->used; side++)
			if (s->conn[k]->node[side] == b->no && s->conn[k]->node[!side] == a->no) {
				s->conn[k]->to[side].stuck = stuck;
				if (!stuck)
					s->conn[k]->to[side].due = s->now;
			}
}

/* ---- looking ------------------------------------------------------------------------------------------ */

void
sim_peer_row(struct sim_node *n, const struct sim_node *of, struct ipc_row_peer *ret)
{
	struct speaker_cursor c = { .q = { .kind = IPC_Q_PEERS, .peer = of->no + 1u } };

	SIM_CHECK(speaker_next_peer(n->sp, n->sim->now, &c, ret));
}

bool
sim_all_established(void *sim)
{
	struct sim *s = sim;
	struct ipc_row_peer row;
	unsigned k;
	size_t p;

	for (k = 0; k < s->nnodes; k++)
		for (p = 0; s->node[k].up && p < s->node[k].npeers; p++) {
			struct sim_node *o = &s->node[s->node[k].peer[p].id - 1];

			if (!o->up)
				continue;
			sim_peer_row(&s->node[k], o, &row);
			if (row.state != IPC_ESTABLISHED)
				return false;
		}
	return true;
}

const struct ipc_nhset *
sim_route(const struct sim_node *n, const char *prefix)
{
	struct ip_prefix p = prefix_of(prefix);
	const struct sim_route *r = route_find(n, &p);

	return r ? &n->set[r->set] : NULL;
}

size_t
sim_paths(struct sim_node *n, uint8_t view, uint32_t peer, const char *prefix,
    struct ipc_row_path *ret)
{
	struct speaker_cursor c = { .q = { .kind = IPC_Q_PATHS, .view = view, .peer = peer } };
	struct ipc_row_path row;
	size_t rows = 0;
	bool more = true;

	if (prefix) {
		c.q.match = IPC_MATCH_EXACT;
		c.q.prefix = prefix_of(prefix);
	}
	while (more) {
		if (!speaker_next_path(n->sp, n->sim->now, &c, 100, &row, &more))
			continue;
		if (rows++ == 0 && ret)
			*ret = row;
	}
	return rows;
}
