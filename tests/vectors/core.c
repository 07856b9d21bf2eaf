/*
 * The world of one speaker in this process, in virtual time: octets go in and out
 * by calls, next hops on the peers' link resolve, nothing else does.
 */
#include <string.h>

#include "bgpd/core/speaker.h"
#include "lib/mem.h"
#include "tests/vectors/vec.h"

#define CONNS_MAX 16

struct core {
	struct speaker *sp;
	struct mono_us now;
	unsigned lane;
	uint32_t gen;
	struct core_conn {
		struct vec_conn *c; /* NULL: free, or our end has closed */
		conn_id id;	    /* 0: free, or weft's end has closed */
		uint8_t *pending;   /* octets not consumed yet */
		size_t octets;
		bool deaf;	    /* our end takes nothing */
		struct mono_us since;
	} conn[CONNS_MAX];
	bool moved; /* something happened in this round */
};

void
vec_conn_append(struct vec_conn *c, const uint8_t *buf, size_t n)
{
	if (c->octets + n > c->cap) {
		c->cap = 2 * (c->octets + n);
		c->in = mem_realloc(c->in, c->cap);
	}
	memcpy(c->in + c->octets, buf, n);
	c->octets += n;
}

/* ---- weft's side ---------------------------------------------------------------------- */

/* Our role towards each kind: the other side of what the peer is. */
static const uint8_t roles[VEC_NKINDS] = {
	[VEC_PROVIDER] = IPC_ROLE_CUSTOMER,
	[VEC_CUSTOMER] = IPC_ROLE_PROVIDER,
	[VEC_PEER] = IPC_ROLE_PEER,
	[VEC_RS] = IPC_ROLE_RS_CLIENT,
	[VEC_RS_CLIENT] = IPC_ROLE_RS,
	[VEC_STRICT] = IPC_ROLE_PROVIDER,
};

static struct ipc_conf_peer
conf_of(enum vec_kind kind, unsigned lane)
{
	struct ipc_conf_peer p = { .id = (uint32_t)kind + 1,
		.addr = vec_peer_addr(kind, lane, IP4),
		.asn_mode = IPC_ASN_NUMBER,
		.asn = vec_asn(kind),
		.passive = true,
		.enabled = true,
		.onlink = vec_asn(kind) != VEC_WEFT_AS,
		.rr_client = vec_asn(kind) == VEC_WEFT_AS,
		.import_all = true,
		.export_all = true,
		.gr_enabled = true,
		.llgr_time_s = { 3600, 3600 },
		.ext_msg = true,
		.families = 3,
		.hold_s = 90,
		.addpath_receive = kind == VEC_ADDPATH,
		.addpath_max = 16,
		.ext_next_hop = kind == VEC_NEXTHOP6 || kind == VEC_OBSERVER ? IPC_ON : IPC_OFF,
		.role = roles[kind],
		.strict_role = kind == VEC_STRICT,
		.next_hop_mode = kind == VEC_OBSERVER ? IPC_NEXTHOP_KEEP : IPC_NEXTHOP_AUTO };

	snprintf(p.name, sizeof(p.name), "%s", vec_kinds[kind]);
	return p;
}

static void
originate(struct core *k, const char *prefix)
{
	struct ipc_originate o = { .kind = IPC_ORIG_PODCIDR };

	ip_prefix_parse(prefix, &o.prefix, NULL);
	speaker_originate(k->sp, k->now, &o);
}

static bool
is_on_the_link(const struct ip_addr *a)
{
	struct ip_prefix link4 = { .af = IP4, .len = 16, .b = { 10, 9 } };
	struct ip_prefix link6 = { .af = IP6, .len = 64, .b = { 0xfd, 0x09 } };

	return ip_prefix_has_addr(a->af == IP4 ? &link4 : &link6, a) ||
	    (a->ifindex && ip_addr_is_link_local(a));
}

static struct core_conn *
conn_by_id(struct core *k, conn_id id)
{
	for (unsigned i = 0; i < CONNS_MAX; i++)
		if (k->conn[i].id == id)
			return &k->conn[i];
	return NULL;
}

static void
take_output(struct core *k, struct core_conn *cc)
{
	static uint8_t buf[1 << 17];
	size_t n;

	if (cc->deaf && cc->id && speaker_conn_pending(k->sp, cc->id)) {
		speaker_conn_blocked(k->sp, k->now, cc->id, cc->since);
		return;
	}
	while (cc->id && (n = speaker_conn_output(k->sp, k->now, cc->id, buf, sizeof(buf), sizeof(buf))) > 0) {
		k->moved = true;
		if (cc->c)
			vec_conn_append(cc->c, buf, n);
	}
}

/* Weft's end of a connection goes: what it wrote before has come. */
static void
weft_closes(struct core *k, conn_id id, bool flush)
{
	struct core_conn *cc = conn_by_id(k, id);

	if (!cc || !id)
		return;
	cc->deaf = false;
	if (flush)
		take_output(k, cc);
	cc->id = 0;
	if (cc->c)
		cc->c->closed = true;
	speaker_conn_closed(k->sp, k->now, id, 0);
}

static void
answer_next_hop(struct core *k, const struct todo *t)
{
	bool there = is_on_the_link(&t->nh);
	struct ipc_nh_state st = { .addr = t->nh, .resolved = there, .onlink = there,
		.ifindex = there ? 2 : 0, .gen = ++k->gen, .why = "no route" };

	if (t->on)
		speaker_nh_state(k->sp, k->now, &st);
}

static void
do_todos(struct core *k)
{
	struct fib_op op;
	struct todo t;

	while (speaker_next_todo(k->sp, &t)) {
		k->moved = true;
		if (t.kind == TODO_CLOSE || t.kind == TODO_ABORT)
			weft_closes(k, t.conn, t.kind == TODO_CLOSE);
		else if (t.kind == TODO_NH_WATCH)
			answer_next_hop(k, &t);
	}
	while (speaker_next_fib(k->sp, &op))
		;
}

static void
give_input(struct core *k, struct core_conn *cc)
{
	size_t used;

	if (!cc->id || cc->octets == 0)
		return;
	used = speaker_conn_input(k->sp, k->now, cc->id, cc->pending, cc->octets);
	k->moved |= used > 0;
	cc->octets -= used;
	memmove(cc->pending, cc->pending + used, cc->octets);
}

/* ---- the world's side ------------------------------------------------------------------ */

static void
pump(struct vec_world *w)
{
	struct core *k = w->ctx;
	bool any = false;

	do {
		k->moved = false;
		for (unsigned i = 0; i < CONNS_MAX; i++)
			give_input(k, &k->conn[i]);
		k->moved |= speaker_work(k->sp, k->now, 1000);
		do_todos(k);
		for (unsigned i = 0; i < CONNS_MAX; i++)
			take_output(k, &k->conn[i]);
		any |= k->moved;
	} while (k->moved);
	if (any)
		return;
	k->now = mono_add_ms(k->now, 20);
	speaker_timeout(k->sp, k->now);
}

static struct vec_conn *
dial(struct vec_world *w, enum vec_kind kind)
{
	struct core *k = w->ctx;
	struct core_conn *cc = k->conn;
	struct ipc_endpoints ep = { .local = vec_weft_addr(IP4),
		.remote = vec_peer_addr(kind, k->lane, IP4), .local_port = 179, .remote_port = 40000,
		.ifindex = 2, .self4 = vec_weft_addr(IP4), .self6 = vec_weft_addr(IP6) };
	const char *why;

	while (cc->id || cc->c)
		cc++;
	cc->id = speaker_conn_accepted(k->sp, k->now, &ep, &why);
	if (!cc->id)
		return NULL;
	cc->octets = 0;
	cc->deaf = false;
	cc->c = mem_zalloc(sizeof(*cc->c));
	cc->c->id = (uint32_t)(cc - k->conn);
	return cc->c;
}

static void
send_octets(struct vec_world *w, struct vec_conn *c, const uint8_t *buf, size_t n)
{
	struct core *k = w->ctx;
	struct core_conn *cc = &k->conn[c->id];

	if (!cc->id)
		return;
	cc->pending = mem_realloc(cc->pending, cc->octets + n);
	memcpy(cc->pending + cc->octets, buf, n);
	cc->octets += n;
}

static void
hang_up(struct vec_world *w, struct vec_conn *c)
{
	struct core *k = w->ctx;
	struct core_conn *cc = &k->conn[c->id];

	mem_free(c->in);
	mem_free(c);
	cc->c = NULL;
	if (cc->id) {
		conn_id id = cc->id;

		cc->id = 0;
		speaker_conn_closed(k->sp, k->now, id, 0);
	}
	mem_free(cc->pending);
	cc->pending = NULL;
	cc->octets = 0;
}

/* There is no half of a connection here: what was sent is read, then weft is told of the end. */
static void
finish(struct vec_world *w, struct vec_conn *c)
{
	struct core *k = w->ctx;
	struct core_conn *cc = &k->conn[c->id];

	pump(w);
	weft_closes(k, cc->id, true);
}

/* The socket between is full at once. */
static void
deafen(struct vec_world *w, struct vec_conn *c, bool deaf)
{
	struct core *k = w->ctx;
	struct core_conn *cc = &k->conn[c->id];

	cc->deaf = deaf;
	cc->since = deaf ? k->now : MONO_NEVER;
	if (!deaf && cc->id)
		speaker_conn_blocked(k->sp, k->now, cc->id, MONO_NEVER);
}

static uint64_t
now_us(struct vec_world *w)
{
	return ((struct core *)w->ctx)->now.us;
}

static void
configure(struct core *k, bool confed)
{
	struct ipc_conf_speaker conf = { .asn = VEC_WEFT_AS, .router_id = 0x0a090001, .multipath = 16,
		.gr_enabled = true, .gr_restart_time_s = 120, .gr_deferral_ms = 10000 };
	struct ipc_conf_peer peers[VEC_NKINDS];
	struct ipc_conf_applied applied;
	size_t n = 0;

	if (confed) {
		conf.confed_id = VEC_CONFED_ID;
		conf.nmembers = 2;
		conf.member[0] = VEC_WEFT_AS;
		conf.member[1] = VEC_PEER_AS;
	}
	for (unsigned i = 0; i < VEC_NKINDS; i++)
		if (i == VEC_OBSERVER || vec_is_confed((enum vec_kind)i) == confed)
			peers[n++] = conf_of((enum vec_kind)i, k->lane);
	speaker_configure(k->sp, k->now, &conf, peers, n, NULL, 0, &applied);
	originate(k, "10.244.7.0/24");
	originate(k, "fd00:10:244:7::/64");
	speaker_originate_end(k->sp, k->now);
}

void
vec_core_open(struct vec_world *w, unsigned lane, bool confed)
{
	struct core *k = mem_zalloc(sizeof(*k));
	struct ipc_hello hello = { .seed = 7 };

	k->now.us = 10000000;
	k->lane = lane;
	k->sp = speaker_new(k->now, &hello, NULL);
	configure(k, confed);
	*w = (struct vec_world){ .lane = lane, .ctx = k, .dial = dial, .send = send_octets,
		.finish = finish, .hang_up = hang_up, .deafen = deafen, .pump = pump, .now_us = now_us };
}

void
vec_core_close(struct vec_world *w)
{
	struct core *k = w->ctx;

	for (unsigned i = 0; i < CONNS_MAX; i++)
		mem_free(k->conn[i].pending);
	speaker_free(k->sp);
	mem_free(k);
}
