/*
 * One connection's FSM instance; see session.h.
 *
 * Owns: the state of a session, its timers, the framing of its input, and the
 * connection objects with their control output.  Assumes that peer.c answers
 * what depends on configuration or on the other session.
 *
 * session_event() may be entered again from its own actions (the RIB ends the
 * session from within an UPDATE): such a nested event is always the last thing
 * its action does, and whoever loops over messages looks at s->conn again.
 *
 * RFC 4271 sections 6, 8 and 10; RFC 6608; RFC 9687.
 */
#include "bgpd/core/session.h"

#include <stdio.h>
#include <string.h>

#include "bgpd/core/attr.h"
#include "bgpd/core/peer_int.h"
#include "lib/crashpage.h"
#include "lib/list.h"
#include "lib/mem.h"

#define HOLD_LARGE_S	   240 /* RFC 4271 section 8.2.2: "4 minutes is suggested" */
#define LINGER_US	   2000000
#define SLICE_MESSAGES	   128
#define SLICE_OCTETS	   16384

/* ---- connections and their output ------------------------------------------------- */

static struct conn *
conn_of(struct hmap_node *n)
{
	return container_of(n, struct conn, node);
}

struct conn *
conn_find(const struct peer_env *env, uint32_t id)
{
	struct hmap_node *n = hmap_first_with(&env->conns, hmap_hash(&env->conns, &id, sizeof(id)));

	for (; n; n = hmap_next_with(n))
		if (conn_of(n)->id == id)
			return conn_of(n);
	return NULL;
}

void
conn_free(struct conn *c)
{
	timer_stop(c->env->timers, &c->linger);
	hmap_remove(&c->env->conns, &c->node);
	mem_free(c->out);
	mem_free(c->open_in.p);
	mem_free(c->open_out.p);
	mem_free(c);
}

static void
conn_linger_fire(struct timer *t, struct mono_us now)
{
	conn_free(container_of(t, struct conn, linger));
}

struct conn *
session_attach(struct session *s, struct mono_us now, bool incoming, const struct ipc_endpoints *ep)
{
	struct peer_env *env = s->peer->env;
	struct conn *c = mem_zalloc(sizeof(*c));

	do {
		env->last_conn++;
	} while (env->last_conn == 0 || conn_find(env, env->last_conn));
	c->id = env->last_conn;
	c->env = env;
	c->s = s;
	c->incoming = incoming;
	c->since = now;
	c->linger.fire = conn_linger_fire;
	c->ep = *ep;
	hmap_insert(&env->conns, &c->node, hmap_hash(&env->conns, &c->id, sizeof(c->id)));
	s->conn = c;
	return c;
}

void
conn_ask_write(struct conn *c, struct peer *p)
{
	struct todo t = { .kind = TODO_WRITE, .peer = p->conf.id, .conn = c->id };

	if (c->write_asked)
		return;
	c->write_asked = true;
	p->env->ops->todo(p, &t);
}

size_t
conn_take(struct conn *c, uint8_t *buf, size_t cap)
{
	size_t n = c->out_octets < cap ? c->out_octets : cap;

	if (n == 0)
		return 0;
	memcpy(buf, c->out, n);
	memmove(c->out, c->out + n, c->out_octets - n);
	c->out_octets -= n;
	c->keepalive_waits = false;
	if (c->out_octets > 0)
		return n;
	mem_free(c->out);
	c->out = NULL;
	if (!c->s)
		conn_free(c);
	return n;
}

/* A message for those who watch; the first OPEN each way is kept for them, too. */
static void
tell_message(struct session *s, bool sent, uint8_t type, const uint8_t *msg, size_t octets)
{
	struct conn_open *open = sent ? &s->conn->open_out : &s->conn->open_in;

	if (type == BGP_OPEN && !open->p) {
		open->p = mem_dup(msg, octets);
		open->octets = (uint16_t)octets;
	}
	if (s->peer->env->ops->message)
		s->peer->env->ops->message(s->peer, s->conn, sent, msg, octets);
}

/* Append a message to its connection's output; false, and nothing done, when it did not fit into w. */
static bool
out_add(struct session *s, const struct wr *w, uint8_t type)
{
	struct conn *c = s->conn;

	if (w->full)
		return false;
	tell_message(s, true, type, w->base, wr_len(w));
	c->out = mem_realloc(c->out, c->out_octets + wr_len(w));
	memcpy(c->out + c->out_octets, w->base, wr_len(w));
	c->out_octets += wr_len(w);
	c->keepalive_waits = type == BGP_KEEPALIVE;
	s->peer->msgs_out[type]++;
	s->peer->msgs_out[0]++;
	conn_ask_write(c, s->peer);
	return true;
}

bool
session_send_refresh(struct session *s, uint8_t af, uint8_t subtype)
{
	uint8_t buf[BGP_ROUTE_REFRESH_OCTETS];
	struct wr w = wr_init(buf, sizeof(buf));

	if (!s->conn || s->conn->out_octets + sizeof(buf) > CONN_OUT_OCTETS)
		return false;
	msg_encode_refresh(&w, af, subtype);
	return out_add(s, &w, BGP_ROUTE_REFRESH);
}

/* Of what may come and go on its connection now. */
static uint16_t
session_max_octets(const struct session *s)
{
	return s->have_open ? peer_max_octets(&s->neg) : BGP_MAX_OCTETS;
}

/* What would be sent without it goes as the data of a Hard Reset: RFC 8538 section 3.1. */
static void
encode_hard_reset(struct wr *w, const struct session_cause *cause,
    const struct msg_notification *n)
{
	uint8_t data[SHUTDOWN_OCTETS];
	struct msg_notification inner = *n;

	if (cause->text) {
		inner.data = data;
		inner.data_octets = msg_shutdown_data(cause->text, data);
	}
	msg_encode_hard_reset(w, &inner);
}

/* As long as the peer takes: RFC 8654 section 5. */
static void
send_notification(struct session *s, const struct session_cause *cause)
{
	struct msg_notification n = { .code = cause->code, .sub = cause->sub, .data = cause->data,
		.data_octets = cause->data_octets > UINT16_MAX ? UINT16_MAX
							       : (uint16_t)cause->data_octets };
	uint8_t buf[BGP_MAX_EXT_OCTETS];
	struct wr w = wr_init(buf, session_max_octets(s));

	if (!s->conn || cause->silent)
		return;
	if (cause->hard && s->have_open && s->neg.gr_notification)
		encode_hard_reset(&w, cause, &n);
	else if (cause->text)
		msg_encode_shutdown(&w, cause->sub, cause->text);
	else
		msg_encode_notification(&w, &n);
	out_add(s, &w, BGP_NOTIFICATION);
}

/* ---- timers ------------------------------------------------------------------------ */

void
session_arm(struct session *s, enum session_timer t, struct mono_us when)
{
	s->deadline[t] = when;
	if (!mono_is_never(when))
		timer_set_earlier(s->peer->env->timers, &s->peer->timer, when);
}

struct mono_us
session_deadline(const struct session *s)
{
	struct mono_us min = MONO_NEVER;

	for (unsigned t = 0; t < SESSION_NTIMERS; t++)
		min = mono_min(min, s->deadline[t]);
	return min;
}

static struct mono_us
after_s(struct mono_us now, uint16_t s)
{
	return s == 0 ? MONO_NEVER : mono_add_s(now, s);
}

static void
hold_fired(struct session *s, struct mono_us now)
{
	char why[WHY_MAX];
	struct session_cause cause = { .code = ERR_HOLD_TIMER, .why = why };

	if (s->state == FSM_OPENSENT)
		snprintf(why, sizeof(why), "hold timer expired: no OPEN came for %u s",
		    (unsigned)(mono_diff_us(now, s->since) / 1000000));
	else
		snprintf(why, sizeof(why), "hold timer expired: nothing heard for %u s",
		    s->neg.hold_s);
	session_event(s, now, EV_HOLD_TIMER, &cause);
}

static void
send_hold_fired(struct session *s, struct mono_us now)
{
	struct session_cause cause = { .code = ERR_SEND_HOLD_TIMER,
		.why = "send hold timer expired: the peer has stopped reading" };

	session_event(s, now, EV_SEND_HOLD_TIMER, &cause);
}

static void
retry_fired(struct session *s, struct mono_us now)
{
	char addr[IP_ADDR_STRLEN], why[WHY_MAX];
	struct session_cause cause = { .why = why };

	snprintf(why, sizeof(why), "no answer from %s to our connects",
	    ip_addr_bare_str(&s->peer->addr, addr));
	session_event(s, now, EV_CONNECT_RETRY_TIMER, s->state == FSM_CONNECT ? &cause : NULL);
}

static void
timer_fired(struct session *s, struct mono_us now, enum session_timer t)
{
	switch (t) {
	case TIMER_RETRY:
		retry_fired(s, now);
		break;
	case TIMER_HOLD:
		hold_fired(s, now);
		break;
	case TIMER_KEEPALIVE:
		session_event(s, now, EV_KEEPALIVE_TIMER, NULL);
		break;
	case TIMER_IDLE_HOLD:
		session_event(s, now, EV_IDLE_HOLD_TIMER, NULL);
		break;
	case TIMER_SEND_HOLD:
		send_hold_fired(s, now);
		break;
	case TIMER_COLLISION:
		peer_collision_timeout(s, now);
		break;
	case SESSION_NTIMERS:
		break;
	}
}

void
session_timeout(struct session *s, struct mono_us now)
{
	for (unsigned t = 0; t < SESSION_NTIMERS; t++) {
		if (!mono_reached(now, s->deadline[t]))
			continue;
		s->deadline[t] = MONO_NEVER;
		timer_fired(s, now, (enum session_timer)t);
	}
}

/* ---- what the FSM's table asks for ---------------------------------------------------- */

struct step {
	struct session *s;
	struct mono_us now;
	enum fsm_state was;
	enum fsm_event ev;
	const struct session_cause *cause; /* never NULL */
};

static void
do_stop_timers(const struct step *st)
{
	for (unsigned t = 0; t < SESSION_NTIMERS; t++)
		st->s->deadline[t] = MONO_NEVER;
}

static void
do_notify(const struct step *st)
{
	send_notification(st->s, st->cause);
}

/* RFC 6608 section 4: the data is the type of the unexpected message. */
static void
do_notify_fsm(const struct step *st)
{
	struct session_cause cause = *st->cause;

	cause.code = ERR_FSM;
	cause.sub = st->was == FSM_OPENSENT ? FSM_UNEXPECTED_OPENSENT
	    : st->was == FSM_OPENCONFIRM    ? FSM_UNEXPECTED_OPENCONFIRM
					    : FSM_UNEXPECTED_ESTABLISHED;
	send_notification(st->s, &cause);
}

static void
todo_conn(struct peer *p, enum todo_kind kind, uint32_t conn)
{
	struct todo t = { .kind = kind, .peer = p->conf.id, .conn = conn };

	p->env->ops->todo(p, &t);
}

static void
cancel_connect(struct session *s)
{
	struct todo t = { .kind = TODO_CANCEL, .peer = s->peer->conf.id, .token = s->token };

	if (s->token == 0)
		return;
	s->token = 0;
	s->peer->env->ops->todo(s->peer, &t);
}

static void
do_drop(const struct step *st)
{
	struct conn *c = st->s->conn;

	cancel_connect(st->s);
	st->s->have_open = st->s->early_keepalive = false;
	if (!c)
		return;
	st->s->conn = NULL;
	c->s = NULL;
	todo_conn(st->s->peer, st->cause->silent ? TODO_ABORT : TODO_CLOSE, c->id);
	if (st->cause->silent || c->out_octets == 0)
		conn_free(c);
	else
		timer_set(c->env->timers, &c->linger, mono_add_us(st->now, LINGER_US));
}

static void
do_down(const struct step *st)
{
	peer_session_down(st->s, st->now, st->ev, st->cause);
}

static void
do_zero_retries(const struct step *st)
{
	st->s->peer->connect_retries = 0;
}

static void
do_count_retry(const struct step *st)
{
	st->s->peer->connect_retries++;
}

static void
do_damp(const struct step *st)
{
	peer_session_damp(st->s, st->now, st->was, st->ev);
}

static void
do_connect(const struct step *st)
{
	struct peer *p = st->s->peer;
	struct todo t = { .kind = TODO_CONNECT, .peer = p->conf.id };

	if (++p->env->last_token == 0)
		p->env->last_token = 1;
	t.token = st->s->token = p->env->last_token;
	p->env->ops->todo(p, &t);
}

static void
do_send_open(const struct step *st)
{
	uint8_t buf[BGP_MAX_OCTETS];
	struct wr w = wr_init(buf, sizeof(buf));
	struct msg_open o;
	bool params;

	if (!st->s->conn)
		return;
	peer_make_open(st->s, &o, &params);
	msg_encode_open(&w, &o, params);
	out_add(st->s, &w, BGP_OPEN);
}

/* One that the shell has not taken yet says as much as two. */
static void
do_send_keepalive(const struct step *st)
{
	uint8_t buf[BGP_KEEPALIVE_OCTETS];
	struct wr w = wr_init(buf, sizeof(buf));
	const struct conn *c = st->s->conn;

	if (!c || c->keepalive_waits)
		return;
	msg_encode_keepalive(&w);
	out_add(st->s, &w, BGP_KEEPALIVE);
}

/* Jitter: RFC 4271 section 10. A session that only listens has no ConnectRetryTimer. */
static void
do_arm_retry(const struct step *st)
{
	struct peer *p = st->s->peer;

	if (st->s->dir == SESSION_OUT && peer_dials(p))
		session_arm(st->s, TIMER_RETRY,
		    mono_add_us(st->now, rng_jitter_us(p->env->rng, peer_retry_us(p), 75, 100)));
}

static void
do_stop_retry(const struct step *st)
{
	session_arm(st->s, TIMER_RETRY, MONO_NEVER);
}

static void
do_arm_hold_large(const struct step *st)
{
	session_arm(st->s, TIMER_HOLD, mono_add_s(st->now, HOLD_LARGE_S));
}

static void
do_arm_hold(const struct step *st)
{
	session_arm(st->s, TIMER_HOLD, after_s(st->now, st->s->neg.hold_s));
}

static void
do_arm_keepalive(const struct step *st)
{
	uint64_t us = (uint64_t)st->s->neg.keepalive_s * 1000000;

	session_arm(st->s, TIMER_KEEPALIVE,
	    us == 0 ? MONO_NEVER
		    : mono_add_us(st->now, rng_jitter_us(st->s->peer->env->rng, us, 75, 100)));
}

static void
do_up(const struct step *st)
{
	peer_session_up(st->s, st->now);
}

static void
do_update(const struct step *st)
{
	peer_session_update(st->s, st->now, st->cause->update);
}

/* Unknown subtypes are ignored and told of: RFC 7313 section 5. */
static void
note_subtype(const struct step *st, uint8_t subtype)
{
	struct peer *p = st->s->peer;
	uint32_t dropped;

	if (log_limit_pass(&p->update_log, st->now, &dropped))
		p->env->ops->event(p, LOG_WARN, "refresh-error",
		    "action=ignored subtype=%u why=\"an unknown ROUTE-REFRESH subtype\" suppressed=%u",
		    subtype, dropped);
}

/* A family that is not in use is ignored: RFC 2918 section 4. */
static void
do_refresh(const struct step *st)
{
	const struct msg_refresh *m = st->cause->refresh;
	struct peer *p = st->s->peer;

	if (m->subtype > REFRESH_EORR)
		note_subtype(st, m->subtype);
	else if (m->af && st->s->neg.families & AF_BIT(m->af))
		p->env->ops->refresh(p, st->now, m->af, m->subtype);
}

static const struct {
	uint32_t bit;
	void (*run)(const struct step *st);
} steps[] = { /* in the order of the bits */
	{ DO_STOP_TIMERS, do_stop_timers },
	{ DO_NOTIFY, do_notify },
	{ DO_NOTIFY_FSM, do_notify_fsm },
	{ DO_DROP, do_drop },
	{ DO_DOWN, do_down },
	{ DO_ZERO_RETRIES, do_zero_retries },
	{ DO_COUNT_RETRY, do_count_retry },
	{ DO_DAMP, do_damp },
	{ DO_CONNECT, do_connect },
	{ DO_SEND_OPEN, do_send_open },
	{ DO_SEND_KEEPALIVE, do_send_keepalive },
	{ DO_ARM_RETRY, do_arm_retry },
	{ DO_STOP_RETRY, do_stop_retry },
	{ DO_ARM_HOLD_LARGE, do_arm_hold_large },
	{ DO_ARM_HOLD, do_arm_hold },
	{ DO_ARM_KEEPALIVE, do_arm_keepalive },
	{ DO_UP, do_up },
	{ DO_UPDATE, do_update },
	{ DO_REFRESH, do_refresh },
};

void
session_event(struct session *s, struct mono_us now, enum fsm_event ev,
    const struct session_cause *cause)
{
	static const struct session_cause none;
	const struct fsm_rule *rule = fsm_rule((enum fsm_state)s->state, ev);
	struct step st = { .s = s, .now = now, .was = (enum fsm_state)s->state, .ev = ev,
		.cause = cause ? cause : &none };

	if (rule->next != s->state) {
		s->state = rule->next;
		s->since = now;
	}
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (rule->todo & steps[i].bit)
			steps[i].run(&st);
	peer_session_changed(s, now, st.was, ev, st.cause);
}

void
session_init(struct session *s, struct mono_us now, struct peer *p, enum session_dir dir)
{
	*s = (struct session){ .peer = p, .dir = (uint8_t)dir, .since = now };
	for (unsigned t = 0; t < SESSION_NTIMERS; t++)
		s->deadline[t] = MONO_NEVER;
}

/* ---- input ----------------------------------------------------------------------------- */

/* An event for a message that a decoder refused. */
static void
refuse(struct session *s, struct mono_us now, enum fsm_event ev, const struct bgp_err *e,
    const char *what)
{
	char why[WHY_MAX];
	struct session_cause cause = { .code = e->code, .sub = e->sub, .data = e->data,
		.data_octets = e->data_octets, .why = why };

	snprintf(why, sizeof(why), "%s (octet %u): %s%s%s", what, e->off,
	    e->attr ? attr_name(e->attr) : "", e->attr ? ": " : "", e->why);
	session_event(s, now, ev, &cause);
}

/* A message whose type alone makes the event. */
static void
plain_event(struct session *s, struct mono_us now, enum fsm_event ev, uint8_t type)
{
	char why[WHY_MAX];
	struct session_cause cause = { .data = &type, .data_octets = 1, .why = why };

	snprintf(why, sizeof(why), "it sent %s in state %s", msg_type_name(type),
	    fsm_state_name((enum fsm_state)s->state));
	session_event(s, now, ev, &cause);
}

static void
rx_open(struct session *s, struct mono_us now, const uint8_t *msg, size_t octets)
{
	struct bgp_err e = { 0 };
	struct msg_open o;

	if (s->state != FSM_OPENSENT || s->have_open) {
		plain_event(s, now, EV_BGP_OPEN_DELAYED, BGP_OPEN);
		return;
	}
	msg_decode_open(msg + BGP_HEADER_OCTETS, octets - BGP_HEADER_OCTETS, &o, &e);
	if (e.act == ACT_RESET)
		refuse(s, now, EV_OPEN_MSG_ERR, &e, "we refuse its OPEN");
	else
		peer_got_open(s, now, &o);
}

static void
rx_update(struct session *s, struct mono_us now, const uint8_t *msg, size_t octets)
{
	struct peer *p = s->peer;
	struct update *u = p->env->update;
	struct session_cause cause = { .update = u };
	struct rd nlri;

	if (s->state != FSM_ESTABLISHED) {
		plain_event(s, now, EV_UPDATE_MSG, BGP_UPDATE);
		return;
	}
	if (p->env->ops->ahead) {
		nlri = update_nlri(msg + BGP_HEADER_OCTETS, octets - BGP_HEADER_OCTETS);
		p->env->ops->ahead(p, &nlri);
	}
	update_decode(&p->ctx, msg + BGP_HEADER_OCTETS, octets - BGP_HEADER_OCTETS, u);
	if (u->err.act == ACT_RESET)
		refuse(s, now, EV_UPDATE_MSG_ERR, &u->err, "malformed UPDATE");
	else
		session_event(s, now, EV_UPDATE_MSG, &cause);
}

static void
rx_notification(struct session *s, struct mono_us now, const uint8_t *msg, size_t octets)
{
	struct msg_notification n;

	msg_decode_notification(msg + BGP_HEADER_OCTETS, octets - BGP_HEADER_OCTETS, &n);
	peer_got_notification(s, now, &n);
}

static void
rx_keepalive(struct session *s, struct mono_us now, const uint8_t *msg, size_t octets)
{
	if (s->state == FSM_OPENSENT && s->have_open)
		s->early_keepalive = true; /* peer.c raises the event when the OPEN counts */
	else if (s->state == FSM_ESTABLISHED)
		session_event(s, now, EV_KEEPALIVE_MSG, NULL);
	else
		plain_event(s, now, EV_KEEPALIVE_MSG, BGP_KEEPALIVE);
}

static void
rx_refresh(struct session *s, struct mono_us now, const uint8_t *msg, size_t octets)
{
	struct bgp_err e = { 0 };
	struct msg_refresh m;
	struct session_cause cause = { .refresh = &m };

	if (s->state != FSM_ESTABLISHED) {
		plain_event(s, now, EV_REFRESH_MSG, BGP_ROUTE_REFRESH);
		return;
	}
	msg_decode_refresh(msg, octets, s->neg.enhanced_refresh, &m, &e);
	if (e.act == ACT_RESET)
		refuse(s, now, EV_REFRESH_MSG_ERR, &e, "malformed ROUTE-REFRESH");
	else
		session_event(s, now, EV_REFRESH_MSG, &cause);
}

static void (*const rx[BGP_NMSG])(struct session *s, struct mono_us now, const uint8_t *msg,
    size_t octets) = {
	[BGP_OPEN] = rx_open,
	[BGP_UPDATE] = rx_update,
	[BGP_NOTIFICATION] = rx_notification,
	[BGP_KEEPALIVE] = rx_keepalive,
	[BGP_ROUTE_REFRESH] = rx_refresh,
};

/* The peer is heard although its messages wait for a later slice: it is not dead. */
static void
hold_extend(struct session *s, struct mono_us now)
{
	if (s->state >= FSM_OPENCONFIRM && !mono_is_never(s->deadline[TIMER_HOLD]))
		session_arm(s, TIMER_HOLD, after_s(now, s->neg.hold_s));
}

size_t
session_input(struct session *s, struct mono_us now, const uint8_t *in, size_t len)
{
	struct crash_page *crash = s->peer->env->crash;
	const struct conn *c = s->conn;
	unsigned messages = 0;
	size_t used = 0;

	while (used < len && messages < SLICE_MESSAGES && used < SLICE_OCTETS) {
		struct bgp_err e = { 0 };
		struct msg_header h;

		switch (msg_frame(in + used, len - used, session_max_octets(s), &h, &e)) {
		case MSG_PARTIAL:
			return used;
		case MSG_BAD:
			refuse(s, now, EV_HEADER_ERR, &e, "bad message header");
			return len;
		case MSG_WHOLE:
			break;
		}
		s->peer->msgs_in[h.type]++;
		s->peer->msgs_in[0]++;
		crash_page_enter(crash, s->peer->conf.id, in + used, h.octets);
		tell_message(s, false, h.type, in + used, h.octets);
		rx[h.type](s, now, in + used, h.octets);
		crash_page_leave(crash);
		used += h.octets;
		messages++;
		if (s->conn != c) /* closed: what follows is of no interest */
			return len;
	}
	if (used < len || len == 0)
		hold_extend(s, now);
	return used;
}
