/*
 * A speaker without RIBs; see rig.h.
 */
#include "tests/unit/rig.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct rig *
rig_of(const struct peer *p)
{
	return p->env->ctx;
}

static void
op_up(struct peer *p, struct mono_us now)
{
	rig_of(p)->ups++;
}

static void
op_down(struct peer *p, struct mono_us now, enum peer_down how, const char *why)
{
	struct rig *r = rig_of(p);

	r->downs++;
	r->down_how = how;
	snprintf(r->down_why, sizeof(r->down_why), "%s", why);
}

static void
op_update(struct peer *p, struct mono_us now, const struct update *u)
{
	static const uint8_t limit[] = { 0, 1, 1, 0, 0, 0, 9 };
	struct rig *r = rig_of(p);

	r->updates++;
	r->update_act = u->err.act;
	r->update_prefixes = u->n_nlri + u->n_mp_reach;
	if (r->end_on_update)
		peer_end(p, now, ERR_CEASE, CEASE_MAX_PREFIXES, limit, sizeof(limit),
		    "more than 9 prefixes", 60000000);
}

static void
op_refresh(struct peer *p, struct mono_us now, uint8_t af, uint8_t subtype)
{
	struct rig *r = rig_of(p);

	r->refreshes++;
	r->refresh_af = af;
	r->refresh_subtype = subtype;
}

static size_t
op_fill(struct peer *p, struct mono_us now, uint8_t *buf, size_t cap, size_t want)
{
	struct rig *r = rig_of(p);
	size_t n = r->fill_octets;

	ck_assert_uint_ge(cap, 4096);
	ck_assert_uint_gt(want, 0);
	memcpy(buf, r->fill, n);
	r->fill_octets = 0;
	return n;
}

static bool
op_wants_fill(const struct peer *p)
{
	return rig_of(p)->fill_octets > 0;
}

static void
op_todo(struct peer *p, const struct todo *t)
{
	struct rig *r = rig_of(p);

	ck_assert_uint_lt(r->ntodo, RIG_TODOS);
	r->todo[r->ntodo++] = *t;
}

static void op_event(struct peer *p, enum log_level level, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void
op_event(struct peer *p, enum log_level level, const char *name, const char *fmt, ...)
{
	struct rig *r = rig_of(p);
	va_list ap;

	r->events++;
	if (level == LOG_DEBUG)
		return;
	r->warnings += level <= LOG_WARN;
	r->last_level = level;
	snprintf(r->last_event, sizeof(r->last_event), "%s", name);
	va_start(ap, fmt);
	vsnprintf(r->last_text, sizeof(r->last_text), fmt, ap);
	va_end(ap);
}

static void
op_gr_caps(const struct peer *p, struct cap_gr *ret)
{
	*ret = rig_of(p)->gr;
}

static const struct peer_ops ops = {
	.up = op_up,
	.down = op_down,
	.update = op_update,
	.refresh = op_refresh,
	.fill = op_fill,
	.wants_fill = op_wants_fill,
	.todo = op_todo,
	.event = op_event,
	.gr_caps = op_gr_caps,
};

void
rig_init(struct rig *r, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	r->env = (struct peer_env){ .ops = &ops, .ctx = r, .conf = &r->conf, .timers = &r->timers,
		.rng = &r->rng };
	r->conf = (struct ipc_conf_speaker){ .asn = 65001, .router_id = 0x0a000001,
		.multipath = 1, .gr_enabled = true, .gr_restart_time_s = 120 };
	r->pconf = (struct ipc_conf_peer){ .id = 7, .name = "tor1", .asn_mode = IPC_ASN_NUMBER,
		.asn = 65002, .enabled = true, .gr_enabled = true, .families = 3, .hold_s = 9,
		.connect_retry_ms = 2000 };
	ck_assert(ip_addr_parse("10.0.0.2", &r->pconf.addr));
	r->now = (struct mono_us){ 1000000 };
	rng_seed(&r->rng, seed);
	heap_init(&r->timers);
	peer_env_init(&r->env, seed);
}

void
rig_start(struct rig *r)
{
	r->p = peer_new(&r->env, r->now, &r->pconf, 0);
	peer_start(r->p, r->now);
}

void
rig_free(struct rig *r)
{
	if (r->p)
		peer_free(r->p);
	peer_env_free(&r->env);
	ck_assert_uint_eq(r->timers.n, 0);
	heap_free(&r->timers);
}

bool
rig_take(struct rig *r, enum todo_kind kind, struct todo *ret)
{
	for (unsigned i = 0; i < r->ntodo; i++) {
		if (r->todo[i].kind != kind)
			continue;
		if (ret)
			*ret = r->todo[i];
		memmove(&r->todo[i], &r->todo[i + 1], (--r->ntodo - i) * sizeof(r->todo[0]));
		return true;
	}
	return false;
}

void
rig_pass_us(struct rig *r, uint64_t us)
{
	struct mono_us end = mono_add_us(r->now, us);

	while (mono_reached(end, heap_deadline(&r->timers))) {
		if (mono_before(r->now, heap_deadline(&r->timers)))
			r->now = heap_deadline(&r->timers);
		timers_run(&r->timers, r->now, 1);
	}
	r->now = end;
}

struct ipc_endpoints
rig_ep(void)
{
	struct ipc_endpoints ep = { .local_port = 40000, .remote_port = 179 };

	ck_assert(ip_addr_parse("10.0.0.1", &ep.local));
	ck_assert(ip_addr_parse("10.0.0.2", &ep.remote));
	ep.self4 = ep.local;
	return ep;
}

conn_id
rig_connect(struct rig *r)
{
	struct ipc_endpoints ep = rig_ep();
	const char *why;
	struct todo t;

	ck_assert(rig_take(r, TODO_CONNECT, &t));
	return peer_conn_connected(r->p, r->now, t.token, &ep, &why);
}

conn_id
rig_accept(struct rig *r)
{
	struct ipc_endpoints ep = rig_ep();
	const char *why;

	return peer_conn_accepted(r->p, r->now, &ep, &why);
}

size_t
rig_output(struct rig *r, conn_id conn, uint8_t *buf, size_t cap)
{
	return peer_conn_output(&r->env, r->now, conn, buf, cap, cap);
}

uint8_t
rig_type(const uint8_t *buf, size_t octets)
{
	return octets < BGP_HEADER_OCTETS ? 0 : buf[18];
}

struct msg_notification
rig_notification(struct rig *r, conn_id conn, uint8_t *ret_data)
{
	struct msg_notification n = { 0 };
	uint8_t buf[8192];
	struct rd in = rd_init(buf, rig_output(r, conn, buf, sizeof(buf)));

	while (rd_left(&in) > 0) {
		uint16_t octets;
		uint8_t type;
		struct rd body;

		rd_skip(&in, BGP_MARKER_OCTETS);
		octets = rd_u16(&in);
		type = rd_u8(&in);
		body = rd_sub(&in, octets - BGP_HEADER_OCTETS);
		if (type != BGP_NOTIFICATION)
			continue;
		msg_decode_notification(body.p, rd_left(&body), &n);
		ck_assert_uint_le(n.data_octets, 256);
		memcpy(ret_data, n.data, n.data_octets);
		n.data = ret_data;
		ck_assert_uint_eq(rd_left(&in), 0); /* nothing follows it */
	}
	ck_assert(!in.bad);
	return n;
}

size_t
rig_input(struct rig *r, conn_id conn, const uint8_t *in, size_t octets)
{
	return peer_conn_input(&r->env, r->now, conn, in, octets);
}

struct msg_open
rig_their_open(void)
{
	return (struct msg_open){
		.asn = 65002,
		.hold_s = 9,
		.id = 0x0a000002,
		.caps = { .mp = true, .families = 3, .refresh = true, .as4 = true, .asn = 65002 },
	};
}

static void
send_wr(struct rig *r, conn_id conn, const struct wr *w)
{
	ck_assert(!w->full);
	ck_assert_uint_eq(rig_input(r, conn, w->base, wr_len(w)), wr_len(w));
}

void
rig_send_open(struct rig *r, conn_id conn, const struct msg_open *o)
{
	uint8_t buf[4096];
	struct wr w = wr_init(buf, sizeof(buf));

	msg_encode_open(&w, o, true);
	send_wr(r, conn, &w);
}

void
rig_send_keepalive(struct rig *r, conn_id conn)
{
	uint8_t buf[32];
	struct wr w = wr_init(buf, sizeof(buf));

	msg_encode_keepalive(&w);
	send_wr(r, conn, &w);
}

void
rig_send_notification(struct rig *r, conn_id conn, uint8_t code, uint8_t sub, const void *data,
    size_t octets)
{
	struct msg_notification n = { .code = code, .sub = sub, .data = data,
		.data_octets = (uint16_t)octets };
	uint8_t buf[4096];
	struct wr w = wr_init(buf, sizeof(buf));

	msg_encode_notification(&w, &n);
	send_wr(r, conn, &w);
}

conn_id
rig_establish(struct rig *r)
{
	struct msg_open o = rig_their_open();
	conn_id c = rig_accept(r);
	uint8_t buf[8192];

	ck_assert_uint_ne(c, 0);
	rig_send_open(r, c, &o);
	rig_send_keepalive(r, c);
	ck_assert_int_eq(peer_state(r->p), FSM_ESTABLISHED);
	rig_output(r, c, buf, sizeof(buf));
	r->ntodo = 0;
	return c;
}

const char *
rig_reason(struct rig *r)
{
	static struct ipc_row_peer row;

	memset(&row, 0, sizeof(row));
	peer_fill_row(r->p, r->now, &row);
	return row.reason;
}
