/*
 * A peer: life, connections, when to dial, what becomes of its routes.
 *
 * Owns: the two sessions, the reasons, damping.  peer_schedule() alone decides
 * whether SESSION_OUT dials and SESSION_IN listens; it runs after every event,
 * so that no path through the code can leave a peer asleep.
 *
 * Damping (RFC 4271 section 8.1, DampPeerOscillations): after an error we wait
 * 1, 2, 4 ... 30 s before we dial again, jittered; a session that lasted 30 s
 * clears the record.  A connect that merely failed is tried again after the
 * ConnectRetryTime.  The peer's own connections are always welcome.
 *
 * RFC 4271 sections 6 and 8, RFC 4486, RFC 4724 section 4.2, RFC 9003.
 */
#include "bgpd/core/peer.h"

#include <stdio.h>
#include <string.h>

#include "bgpd/core/attr.h"
#include "bgpd/core/peer_int.h"
#include "lib/list.h"
#include "lib/mem.h"

#define BESIDE_HOLD_S	  15 /* for the OPEN on a connection beside an Established session */
#define DAMP_MAX_S	  30
#define LASTING_S	  30
#define FAULT_KEPT_S	  300 /* routers close all connections up to so long after an error */
#define SEND_HOLD_MIN_S	  480 /* RFC 9687 section 3: 8 minutes */
#define CONNECT_RETRY_MS  2000

/* ---- what all peers share -------------------------------------------------------------- */

void
peer_env_init(struct peer_env *env, uint64_t seed)
{
	uint64_t key[2] = { seed, ~seed };

	hmap_init(&env->conns, key);
	env->last_conn = env->last_token = 0;
	env->update = mem_alloc(sizeof(*env->update));
}

void
peer_env_free(struct peer_env *env)
{
	struct hmap_node *n;

	while ((n = hmap_first(&env->conns)))
		conn_free(container_of(n, struct conn, node));
	hmap_free(&env->conns);
	mem_free(env->update);
	env->update = NULL;
}

size_t
peer_env_conns(const struct peer_env *env)
{
	return env->conns.n;
}

/* ---- reasons ------------------------------------------------------------------------------ */

static void
text_set(char **field, const char *text)
{
	char *copy = text ? mem_strdup(text) : NULL; /* text may be *field */

	mem_free(*field);
	*field = copy;
}

static bool
text_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

const char *
peer_stopped_why(const struct peer *p)
{
	if (!p->started)
		return "shut down";
	if (p->admin_down)
		return "administratively down";
	if (p->drained)
		return "drained";
	if (!p->conf.enabled)
		return "disabled by the configuration";
	if (p->idle_until.us > 0)
		return "held down after an error";
	return NULL;
}

/* ---- scheduling ------------------------------------------------------------------------------ */

/* Do we connect by ourselves? */
bool
peer_dials(const struct peer *p)
{
	return !p->conf.passive && p->addr.af != IP_NONE;
}

static bool
is_taken(const struct peer *p)
{
	return p->s[SESSION_OUT].state >= FSM_OPENCONFIRM || p->s[SESSION_IN].state >= FSM_OPENCONFIRM;
}

void
peer_schedule(struct peer *p, struct mono_us now)
{
	struct session *out = &p->s[SESSION_OUT], *in = &p->s[SESSION_IN];

	if (peer_stopped_why(p)) {
		session_arm(out, TIMER_IDLE_HOLD, MONO_NEVER);
		return;
	}
	if (in->state == FSM_IDLE)
		session_event(in, now, EV_AUTO_START_DAMP_PASSIVE, NULL);
	if (!peer_dials(p) || is_taken(p)) {
		session_arm(out, TIMER_IDLE_HOLD, MONO_NEVER);
		if (!out->conn && out->state != FSM_IDLE)
			session_event(out, now, EV_MANUAL_STOP, NULL); /* no dialling */
	} else if (out->state == FSM_IDLE && mono_is_never(out->deadline[TIMER_IDLE_HOLD])) {
		session_event(out, now, EV_AUTO_START, NULL);
	}
}

uint64_t
peer_retry_us(const struct peer *p)
{
	uint64_t ms = p->conf.connect_retry_ms ? p->conf.connect_retry_ms : CONNECT_RETRY_MS;

	return ms * 1000;
}

static uint64_t
damp_us(struct peer *p)
{
	unsigned s = p->errors < 5 ? 1u << p->errors : DAMP_MAX_S;

	if (p->errors < UINT8_MAX)
		p->errors++;
	return (uint64_t)s * 1000000;
}

/*
 * Before SESSION_OUT dials again.  Collisions and connects that failed are no
 * errors; nor is a refusal that a second try without parameters may heal, nor
 * that the session without a connection ends beside the one that had it.
 */
void
peer_session_damp(struct session *s, struct mono_us now, enum fsm_state was, enum fsm_event ev)
{
	struct peer *p = s->peer;
	struct session *out = &p->s[SESSION_OUT];
	bool harmless = ev == EV_COLLISION_DUMP || (ev == EV_TCP_FAILS && was < FSM_OPENCONFIRM) ||
	    (ev == EV_AUTO_STOP && was < FSM_OPENSENT);
	uint64_t us = harmless ? peer_retry_us(p) : damp_us(p);

	if (out->state != FSM_IDLE || !mono_is_never(out->deadline[TIMER_IDLE_HOLD]))
		return;
	session_arm(out, TIMER_IDLE_HOLD, mono_add_us(now, rng_jitter_us(p->env->rng, us, 75, 100)));
}

/* ---- up, down, changed ----------------------------------------------------------------------- */

static void
ctx_fill(struct peer *p)
{
	p->ctx = (struct update_ctx){
		.as4 = p->neg.as4,
		.ebgp = p->neg.ebgp,
		.confed = p->neg.confed,
		.families = p->neg.families,
		.addpath_rx = p->neg.addpath_rx,
		.addpath_tx = p->neg.addpath_tx,
		.ext_next_hop = p->neg.ext_next_hop,
		.max_octets = peer_max_octets(&p->neg),
		.ep = &p->ep,
	};
}

void
peer_session_up(struct session *s, struct mono_us now)
{
	struct peer *p = s->peer;
	struct ip_addr id = ip_addr_from_v4(s->neg.remote_id);
	char text[IP_ADDR_STRLEN];

	p->up = s;
	p->neg = s->neg;
	p->ep = s->conn->ep;
	ctx_fill(p);
	peer_collision_up(s, now);
	p->up_since = now;
	p->established_count++;
	text_set(&p->reason, NULL);
	p->env->ops->event(p, LOG_NOTICE, "peer-up", "as=%u id=%s families=%s%s%s hold_s=%u dir=%s",
	    p->neg.remote_asn, ip_addr_str(&id, text),
	    p->neg.families & AF_BIT(IP4) ? afi_desc[0].name : "",
	    p->neg.families == (AF_BIT(IP4) | AF_BIT(IP6)) ? "," : "",
	    p->neg.families & AF_BIT(IP6) ? afi_desc[1].name : "", p->neg.hold_s,
	    s->conn->incoming ? "in" : "out");
	p->env->ops->up(p, now);
}

/*
 * Without the N bit the loss of TCP alone keeps routes (RFC 4724 section 4.2),
 * with it every end but a Hard Reset, whichever side it comes from (RFC 8538
 * section 4).
 */
static enum peer_down
down_how(const struct peer *p, enum fsm_event ev, const struct session_cause *cause)
{
	bool graceful = ev == EV_TCP_FAILS || (p->neg.gr_notification && !cause->hard);
	bool ours = ev == EV_MANUAL_STOP || ev == EV_AUTO_STOP;

	if (graceful && (p->neg.gr_families | p->neg.llgr_families))
		return PEER_DOWN_KEEP;
	return ours || cause->hard ? PEER_DOWN_FLUSH : PEER_DOWN_LOST;
}

/* What the event says that becomes of the routes. */
static const char *
routes_word(const struct peer *p, enum peer_down how)
{
	bool kept = how == PEER_DOWN_KEEP || (how == PEER_DOWN_LOST && p->conf.llgr_alone);

	return kept ? "stale" : "removed";
}

void
peer_session_down(struct session *s, struct mono_us now, enum fsm_event ev,
    const struct session_cause *cause)
{
	struct peer *p = s->peer;
	enum peer_down how = down_how(p, ev, cause);
	const char *why = cause->why ? cause->why : fsm_event_name(ev);

	p->up = NULL;
	p->down_event = (uint8_t)ev;
	p->flaps++;
	p->no_params = false;
	if (mono_reached(now, mono_add_s(p->up_since, LASTING_S)))
		p->errors = 0;
	text_set(&p->last_error, why);
	p->last_error_at = now;
	p->env->ops->event(p, LOG_NOTICE, "peer-down", "why=\"%s\" routes=%s", why,
	    routes_word(p, how));
	p->env->ops->down(p, now, how, why);
}

void
peer_session_update(struct session *s, struct mono_us now, const struct update *u)
{
	struct peer *p = s->peer;
	uint32_t dropped;

	p->withdraw_errs += u->err.act == ACT_WITHDRAW;
	p->discard_errs += u->err.act == ACT_ATTR_DISCARD;
	if (u->err.act != ACT_NONE && log_limit_pass(&p->update_log, now, &dropped))
		p->env->ops->event(p, LOG_WARN, "update-error",
		    "action=%s attr=%s off=%u code=%u/%u prefixes=%u why=\"%s\" suppressed=%u",
		    bgp_act_name(u->err.act), u->err.attr ? attr_name(u->err.attr) : "none",
		    u->err.off, u->err.code, u->err.sub, u->n_nlri + u->n_mp_reach, u->err.why,
		    dropped);
	p->env->ops->update(p, now, u);
}

/* One side refused what the other said, and told so. */
static bool
is_fault(enum fsm_event ev)
{
	return ev == EV_HEADER_ERR || ev == EV_OPEN_MSG_ERR || ev == EV_UPDATE_MSG_ERR ||
	    ev == EV_NOTIF_VERSION || ev == EV_NOTIF_MSG;
}

/*
 * A connection that ends before an OPEN says nothing. Many routers close all of them for a
 * while after they found fault with an OPEN or were told of one: that fault is still the reason.
 */
static bool
tells_nothing_new(const struct peer *p, struct mono_us now, enum fsm_state was, enum fsm_event ev)
{
	return ev == EV_TCP_FAILS && was == FSM_OPENSENT && p->fault &&
	    !mono_reached(now, mono_add_s(p->last_error_at, FAULT_KEPT_S));
}

/* A session or an attempt failed, and no other one is under way: keep why, log what is new. */
static void
failed(struct session *s, struct mono_us now, enum fsm_state was, enum fsm_event ev,
    const struct session_cause *cause)
{
	struct peer *p = s->peer;
	const char *why = cause->why;
	bool known, ours = ev == EV_MANUAL_STOP;

	if (tells_nothing_new(p, now, was, ev))
		why = p->last_error;
	else if (was >= FSM_OPENSENT)
		p->last_error_at = now;
	known = text_same(p->reason, why);
	text_set(&p->reason, why);
	if (was >= FSM_OPENSENT) {
		text_set(&p->last_error, why);
		p->fault = is_fault(ev) || why != cause->why;
	}
	if (was == FSM_CONNECT || was == FSM_OPENSENT || was == FSM_OPENCONFIRM)
		p->env->ops->event(p, known ? LOG_DEBUG : ours ? LOG_INFO : LOG_WARN,
		    "peer-failed", "state=%s why=\"%s\"", fsm_state_name(was), p->reason);
}

static void
tell_state(struct peer *p)
{
	enum fsm_state was = (enum fsm_state)p->shown_state, is = peer_state(p);

	if (was == is)
		return;
	p->shown_state = (uint8_t)is;
	if (p->env->ops->state)
		p->env->ops->state(p, was, is);
}

void
peer_session_changed(struct session *s, struct mono_us now, enum fsm_state was, enum fsm_event ev,
    const struct session_cause *cause)
{
	struct peer *p = s->peer;
	struct session *o = session_other(s);

	if (was == s->state && was >= FSM_OPENSENT) /* the common case */
		return;
	tell_state(p);
	if (was != s->state)
		p->env->ops->event(p, LOG_DEBUG, "session-state", "dir=%s from=%s to=%s event=%s",
		    s->dir == SESSION_OUT ? "out" : "in", fsm_state_name(was),
		    fsm_state_name((enum fsm_state)s->state), fsm_event_name(ev));
	if (cause->why && s->state < FSM_OPENSENT && ev != EV_COLLISION_DUMP &&
	    o->state < FSM_OPENCONFIRM)
		failed(s, now, was, ev, cause);
	if (!s->conn && session_is_parked(o))
		session_proceed(o, now);
	peer_schedule(p, now);
}

/* ---- timers --------------------------------------------------------------------------------- */

static void
peer_rearm(struct peer *p)
{
	struct mono_us min = MONO_NEVER;

	for (unsigned d = 0; d < SESSION_NDIRS; d++)
		min = mono_min(min, session_deadline(&p->s[d]));
	if (p->idle_until.us > 0)
		min = mono_min(min, p->idle_until);
	timer_set(p->env->timers, &p->timer, min);
}

static void
peer_timer_fire(struct timer *t, struct mono_us now)
{
	struct peer *p = container_of(t, struct peer, timer);

	for (unsigned d = 0; d < SESSION_NDIRS; d++)
		session_timeout(&p->s[d], now);
	if (p->idle_until.us > 0 && mono_reached(now, p->idle_until)) {
		p->idle_until = (struct mono_us){ 0 };
		peer_schedule(p, now);
	}
	peer_rearm(p);
}

/* ---- life ------------------------------------------------------------------------------------ */

/* The peer's address as far as the configuration has it. */
static struct ip_addr
known_addr(const struct ipc_conf_peer *conf)
{
	struct ip_addr none = { 0 };

	return conf->unnumbered ? none : conf->addr;
}

struct peer *
peer_new(struct peer_env *env, struct mono_us now, const struct ipc_conf_peer *conf, uint16_t index)
{
	struct peer *p = mem_zalloc(sizeof(*p));

	p->env = env;
	p->conf = *conf;
	p->addr = known_addr(conf);
	p->unheard_since = now;
	p->index = index;
	p->timer.fire = peer_timer_fire;
	p->update_log = (struct log_limit){ .burst = 10, .interval_us = 10000000 };
	for (unsigned d = 0; d < SESSION_NDIRS; d++)
		session_init(&p->s[d], now, p, (enum session_dir)d);
	return p;
}

void
peer_start(struct peer *p, struct mono_us now)
{
	p->started = true;
	peer_schedule(p, now);
}

void
peer_free(struct peer *p)
{
	for (unsigned d = 0; d < SESSION_NDIRS; d++)
		if (p->s[d].conn)
			conn_free(p->s[d].conn);
	timer_stop(p->env->timers, &p->timer);
	mem_free(p->reason);
	mem_free(p->last_error);
	mem_free(p);
}

/* End whatever the sessions do; flags that keep them down are set before. */
static void
stop_sessions(struct peer *p, struct mono_us now, enum fsm_event ev,
    const struct session_cause *cause)
{
	for (unsigned d = 0; d < SESSION_NDIRS; d++)
		session_event(&p->s[d], now, ev, cause);
	if (p->env->ops->stopped && cause->hard)
		p->env->ops->stopped(p, now);
	peer_schedule(p, now);
}

void
peer_remove(struct peer *p, struct mono_us now)
{
	struct session_cause cause = { .code = ERR_CEASE, .sub = CEASE_DECONFIGURED,
		.why = "removed from the configuration", .hard = true };

	p->started = false;
	stop_sessions(p, now, EV_MANUAL_STOP, &cause);
	peer_free(p);
}

static bool
is_in_use(const struct peer *p)
{
	return p->s[SESSION_OUT].conn || p->s[SESSION_IN].conn || p->s[SESSION_OUT].token;
}

bool
peer_is_unused(const struct peer *p)
{
	return !is_in_use(p) && !p->admin_down && !p->drained && p->idle_until.us == 0;
}

/* What earlier sessions have taught us does not count any more: no wait, the usual OPEN. */
static void
forget(struct peer *p)
{
	p->errors = 0;
	p->no_params = p->show_own_asn = p->fault = false;
	p->idle_until = (struct mono_us){ 0 };
	session_arm(&p->s[SESSION_OUT], TIMER_IDLE_HOLD, MONO_NEVER);
}

/* Other settings of the session than before: start from scratch. RFC 4486 section 4. */
static bool
reset_for_change(struct peer *p, struct mono_us now, bool hard)
{
	struct session_cause cause = { .code = ERR_CEASE, .sub = CEASE_OTHER_CHANGE,
		.why = "its configuration has changed", .hard = hard };
	bool was = is_in_use(p);

	forget(p);
	stop_sessions(p, now, EV_MANUAL_STOP, &cause);
	return was;
}

static bool
needs_reset(const struct ipc_conf_peer *a, const struct ipc_conf_peer *b)
{
	return !ip_addr_eq(&a->addr, &b->addr) || a->unnumbered != b->unnumbered || a->asn_mode != b->asn_mode || a->asn != b->asn ||
	    a->local_asn != b->local_asn || a->families != b->families || a->hold_s != b->hold_s ||
	    a->keepalive_s != b->keepalive_s || a->gr_enabled != b->gr_enabled ||
	    a->llgr_time_s[0] != b->llgr_time_s[0] || a->llgr_time_s[1] != b->llgr_time_s[1] ||
	    a->addpath_receive != b->addpath_receive ||
	    (a->addpath_send == IPC_ADDPATH_NONE) != (b->addpath_send == IPC_ADDPATH_NONE) ||
	    a->ext_msg != b->ext_msg || a->ext_next_hop != b->ext_next_hop ||
	    a->local_as_mode != b->local_as_mode || a->role != b->role ||
	    a->strict_role != b->strict_role || a->transport != b->transport;
}

/* Do they speak of another neighbour, or of one whose routes mean something else? */
static bool
is_another(const struct ipc_conf_peer *a, const struct ipc_conf_peer *b)
{
	return !ip_addr_eq(&a->addr, &b->addr) || a->asn_mode != b->asn_mode || a->asn != b->asn ||
	    a->local_asn != b->local_asn || a->local_as_mode != b->local_as_mode ||
	    a->families != b->families || a->gr_enabled != b->gr_enabled || a->role != b->role;
}

bool
peer_configure(struct peer *p, struct mono_us now, const struct ipc_conf_peer *conf)
{
	struct session_cause off = { .code = ERR_CEASE, .sub = CEASE_ADMIN_SHUTDOWN,
		.why = "disabled by the configuration", .hard = true };
	bool reset = needs_reset(&p->conf, conf), another = is_another(&p->conf, conf);
	bool enabled = conf->enabled && !p->conf.enabled, was;
	bool moved = !ip_addr_eq(&p->conf.addr, &conf->addr) || p->conf.unnumbered != conf->unnumbered;

	p->conf = *conf;
	if (moved) {
		p->addr = known_addr(conf);
		p->unheard_since = now;
	}
	if (enabled) {
		forget(p);
		text_set(&p->reason, NULL);
	}
	if (!conf->enabled) {
		was = is_in_use(p);
		stop_sessions(p, now, EV_MANUAL_STOP, &off);
		return was;
	}
	if (reset)
		return reset_for_change(p, now, another);
	peer_schedule(p, now);
	return false;
}

void
peer_found(struct peer *p, struct mono_us now, const struct ip_addr *addr)
{
	struct session_cause moved = { .code = ERR_CEASE, .sub = CEASE_OTHER_CHANGE,
		.why = "another router is on the link now" };
	bool same = ip_addr_eq(&p->addr, addr);

	p->addr = *addr;
	if (addr->af == IP_NONE)
		p->unheard_since = now;
	else if (!same)
		forget(p);
	if (addr->af != IP_NONE && !same && is_in_use(p))
		stop_sessions(p, now, EV_MANUAL_STOP, &moved);
	else
		peer_schedule(p, now);
}

void
peer_speaker_changed(struct peer *p, struct mono_us now)
{
	reset_for_change(p, now, true);
}

/* ---- commands ----------------------------------------------------------------------------------- */

void
peer_end(struct peer *p, struct mono_us now, uint8_t code, uint8_t sub, const void *data,
    size_t data_octets, const char *why, uint64_t idle_us)
{
	struct session_cause cause = { .code = code, .sub = sub, .data = data,
		.data_octets = data_octets, .why = why,
		.hard = code == ERR_CEASE && sub == CEASE_MAX_PREFIXES };

	if (idle_us > 0) {
		p->idle_until = mono_add_us(now, idle_us);
		timer_set_earlier(p->env->timers, &p->timer, p->idle_until);
	}
	stop_sessions(p, now, EV_AUTO_STOP, &cause);
}

void
peer_admin_reset(struct peer *p, struct mono_us now, const char *text)
{
	struct session_cause cause = { .code = ERR_CEASE, .sub = CEASE_ADMIN_RESET, .text = text,
		.why = "reset by command", .hard = true };

	forget(p);
	stop_sessions(p, now, EV_MANUAL_STOP, &cause);
}

void
peer_link_lost(struct peer *p, struct mono_us now, const char *why)
{
	char words[WHY_MAX];
	struct session_cause cause = { .why = words, .silent = true };

	snprintf(words, sizeof(words), "link lost: %s", why);
	for (unsigned d = 0; d < SESSION_NDIRS; d++)
		if (p->s[d].conn || p->s[d].token)
			session_event(&p->s[d], now, EV_TCP_FAILS, &cause);
}

void
peer_bfd_down(struct peer *p, struct mono_us now, const char *text)
{
	char why[IPC_TEXT_MAX];
	struct session_cause cause = { .code = ERR_CEASE, .sub = CEASE_BFD_DOWN, .why = why,
		.hard = true };

	snprintf(why, sizeof(why), "BFD: %s", text);
	stop_sessions(p, now, EV_AUTO_STOP, &cause);
}

/* Down with a text for the peer; the flag that keeps it down is set. */
static void
shut_down(struct peer *p, struct mono_us now, const char *what, const char *words,
    const char *text)
{
	char why[IPC_TEXT_MAX];
	struct session_cause cause = { .code = ERR_CEASE, .sub = CEASE_ADMIN_SHUTDOWN,
		.text = text, .why = why, .hard = true };

	snprintf(why, sizeof(why), "%s: %s", what, words);
	stop_sessions(p, now, EV_MANUAL_STOP, &cause);
	text_set(&p->reason, words);
}

void
peer_admin_down(struct peer *p, struct mono_us now, const char *text)
{
	p->admin_down = true;
	shut_down(p, now, "administratively down", text && *text ? text : "by command", text);
}

void
peer_drain(struct peer *p, struct mono_us now, const char *text)
{
	p->drained = true;
	shut_down(p, now, "drained", *text ? text : "by command", *text ? text : "drained");
}

void
peer_undrain(struct peer *p, struct mono_us now)
{
	p->drained = false;
	forget(p);
	text_set(&p->reason, NULL);
	peer_schedule(p, now);
}

void
peer_admin_up(struct peer *p, struct mono_us now)
{
	p->admin_down = false;
	forget(p);
	text_set(&p->reason, NULL);
	peer_schedule(p, now);
}

void
peer_shutdown(struct peer *p, struct mono_us now, enum ipc_shutdown_mode mode, const char *text)
{
	bool restart = mode == IPC_SHUT_RESTART;
	struct session_cause cause = { .code = ERR_CEASE,
		.sub = restart ? CEASE_ADMIN_RESET : CEASE_ADMIN_SHUTDOWN,
		.text = text, .why = "this speaker ends",
		.silent = restart && !(p->up && p->neg.gr_notification), .hard = !restart };

	p->started = false;
	stop_sessions(p, now, EV_MANUAL_STOP, &cause);
}

bool
peer_send_refresh(struct peer *p, struct mono_us now, uint8_t af, uint8_t subtype)
{
	if (!p->up || !p->neg.refresh || !(p->neg.families & AF_BIT(af)))
		return false;
	if (subtype != REFRESH_REQUEST && !p->neg.enhanced_refresh)
		return false;
	return session_send_refresh(p->up, af, subtype);
}

void
peer_kick(struct peer *p)
{
	if (p->up)
		conn_ask_write(p->up->conn, p);
}

/* ---- connections ---------------------------------------------------------------------------------- */

conn_id
peer_conn_connected(struct peer *p, struct mono_us now, uint32_t token,
    const struct ipc_endpoints *ep, const char **ret_why)
{
	struct session *s = &p->s[SESSION_OUT];
	struct conn *c;
	conn_id id;

	if (token == 0 || s->token != token) {
		*ret_why = "that connect is no longer wanted";
		return 0;
	}
	s->token = 0;
	c = session_attach(s, now, false, ep);
	id = c->id;
	session_event(s, now, EV_TCP_ACKED, NULL);
	return id;
}

/*
 * Which session takes a connection that the peer dialled: SESSION_IN, where it
 * replaces one that is not up (the peer gave that one up).  Beside one that is
 * up, SESSION_OUT tracks it until its OPEN decides.
 */
static struct session *
accept_slot(struct peer *p)
{
	struct session *in = &p->s[SESSION_IN], *out = &p->s[SESSION_OUT];

	if (in->state != FSM_ESTABLISHED)
		return in;
	return !out->conn || out->conn->incoming ? out : NULL;
}

conn_id
peer_conn_accepted(struct peer *p, struct mono_us now, const struct ipc_endpoints *ep,
    const char **ret_why)
{
	struct session_cause again = { .code = ERR_CEASE, .sub = CEASE_COLLISION,
		.why = "the peer has opened another connection" };
	struct session *s = accept_slot(p);
	struct conn *c;
	conn_id id;

	*ret_why = peer_stopped_why(p);
	if (!*ret_why && !s)
		*ret_why = "a session is up and another connection is being examined";
	if (*ret_why)
		return 0;
	if (s->conn)
		session_event(s, now, EV_COLLISION_DUMP, &again);
	c = session_attach(s, now, true, ep);
	id = c->id;
	if (s->state == FSM_IDLE)
		session_event(s, now, EV_AUTO_START_DAMP_PASSIVE, NULL);
	session_event(s, now, EV_TCP_CONFIRMED, NULL);
	if (s->dir == SESSION_OUT) /* it must not keep us from dialling for long */
		session_arm(s, TIMER_HOLD, mono_add_s(now, BESIDE_HOLD_S));
	return id;
}

void
peer_conn_failed(struct peer *p, struct mono_us now, uint32_t token, int err, const char *why)
{
	struct session *s = &p->s[SESSION_OUT];
	char buf[WHY_MAX];
	struct session_cause cause = { .why = why_connect(p, err, why, buf) };

	if (token == 0 || s->token != token)
		return;
	s->token = 0;
	session_event(s, now, EV_TCP_FAILS, &cause);
}

struct peer *
peer_conn_owner(const struct peer_env *env, conn_id conn)
{
	const struct conn *c = conn_find(env, conn);

	return c && c->s ? c->s->peer : NULL;
}

size_t
peer_conn_input(struct peer_env *env, struct mono_us now, conn_id conn, const uint8_t *in,
    size_t len)
{
	const struct conn *c = conn_find(env, conn);

	return c && c->s ? session_input(c->s, now, in, len) : len;
}

void
peer_conn_closed(struct peer_env *env, struct mono_us now, conn_id conn, int err)
{
	struct conn *c = conn_find(env, conn);
	struct session_cause cause = { 0 };
	char buf[WHY_MAX];
	struct session *s;

	if (!c)
		return;
	s = c->s;
	if (s) {
		cause.why = why_closed(s, err, buf);
		s->conn = NULL;
	}
	conn_free(c);
	if (s)
		session_event(s, now, EV_TCP_FAILS, &cause);
}

/* Count the messages of buf, which fill() wrote, and show them to those who watch. */
static void
count_out(struct peer *p, const uint8_t *buf, size_t octets)
{
	struct rd r = rd_init(buf, octets);

	while (rd_left(&r) > 0) {
		const uint8_t *msg = r.p;
		uint16_t length;
		uint8_t type;

		rd_skip(&r, BGP_MARKER_OCTETS);
		length = rd_u16(&r);
		type = rd_u8(&r);
		rd_skip(&r, length > BGP_HEADER_OCTETS ? length - (size_t)BGP_HEADER_OCTETS : 0);
		if (p->env->ops->message && !r.bad)
			p->env->ops->message(p, p->up->conn, true, msg, (size_t)(r.p - msg));
		p->msgs_out[type == BGP_ROUTE_REFRESH ? BGP_ROUTE_REFRESH : BGP_UPDATE]++;
		p->msgs_out[0]++;
	}
}

static size_t
fill(struct peer *p, struct mono_us now, uint8_t *buf, size_t cap, size_t want)
{
	uint16_t keepalive_s = p->neg.keepalive_s;
	size_t n = p->env->ops->fill(p, now, buf, cap, want);

	if (n == 0)
		return 0;
	count_out(p, buf, n);
	if (keepalive_s) /* an UPDATE serves as a KEEPALIVE: RFC 4271 section 4.4 */
		session_arm(p->up, TIMER_KEEPALIVE,
		    mono_add_us(now,
			rng_jitter_us(p->env->rng, (uint64_t)keepalive_s * 1000000, 75, 100)));
	return n;
}

size_t
peer_conn_output(struct peer_env *env, struct mono_us now, conn_id conn, uint8_t *buf, size_t cap,
    size_t want)
{
	struct conn *c = conn_find(env, conn);
	struct session *s;
	size_t n;

	if (!c)
		return 0;
	s = c->s;
	c->write_asked = false;
	n = conn_take(c, buf, cap);
	if (s && s->state == FSM_ESTABLISHED && n < want && cap - n >= BGP_MAX_OCTETS)
		n += fill(s->peer, now, buf + n, cap - n, want - n);
	return n;
}

bool
peer_conn_pending(const struct peer_env *env, conn_id conn)
{
	const struct conn *c = conn_find(env, conn);

	if (!c)
		return false;
	return c->out_octets > 0 ||
	    (c->s && c->s->state == FSM_ESTABLISHED && env->ops->wants_fill(c->s->peer));
}

static uint32_t
send_hold_s(const struct session *s)
{
	uint32_t twice_s = s->neg.hold_s * 2u;

	if (s->peer->conf.send_hold_s > 0)
		return s->peer->conf.send_hold_s;
	return twice_s > SEND_HOLD_MIN_S ? twice_s : SEND_HOLD_MIN_S;
}

void
peer_conn_blocked(struct peer_env *env, struct mono_us now, conn_id conn, struct mono_us since)
{
	const struct conn *c = conn_find(env, conn);

	if (!c || !c->s || c->s->state != FSM_ESTABLISHED || c->s->neg.hold_s == 0)
		return;
	session_arm(c->s, TIMER_SEND_HOLD,
	    mono_add_s(since, send_hold_s(c->s))); /* NEVER stays NEVER */
}

/* ---- NOTIFICATIONs of the peer ----------------------------------------------------------------------- */

/*
 * Some speakers refuse an OPEN with optional parameters: RFC 5492 section 3.  One
 * that sent capabilities itself is none of them.
 */
static bool
try_without_params(struct session *s, const struct msg_notification *n)
{
	struct peer *p = s->peer;

	if (n->code != ERR_OPEN || n->sub != OPEN_BAD_PARAMETER || s->state == FSM_ESTABLISHED ||
	    (s->have_open && s->neg.caps) || !(p->conf.families & AF_BIT(IP4)))
		return false;
	p->no_params = !p->no_params; /* refused again: back to the usual OPEN */
	return p->no_params;
}

/* With dualAs the peer that refuses one of our numbers is shown the other one. */
static bool
try_other_asn(struct session *s, const struct msg_notification *n)
{
	struct peer *p = s->peer;

	if (n->code != ERR_OPEN || n->sub != OPEN_BAD_PEER_AS || s->state == FSM_ESTABLISHED ||
	    !p->conf.local_asn || p->conf.local_as_mode != IPC_LOCAL_AS_DUAL)
		return false;
	p->show_own_asn = !p->show_own_asn;
	return p->show_own_asn; /* both refused: the pause of every refusal first */
}

void
peer_got_notification(struct session *s, struct mono_us now, const struct msg_notification *n)
{
	struct peer *p = s->peer;
	bool version = n->code == ERR_OPEN && n->sub == OPEN_BAD_VERSION;
	bool collision = n->code == ERR_CEASE && n->sub == CEASE_COLLISION;
	uint8_t errors = p->errors;
	char buf[WHY_MAX];
	struct msg_notification inner;
	struct session_cause cause = { .why = why_notification(p, n, buf),
		.hard = msg_hard_reset(n, &inner) };
	bool again = try_without_params(s, n) || try_other_asn(s, n);

	session_event(s, now, version ? EV_NOTIF_VERSION : EV_NOTIF_MSG, &cause);
	if (again || collision)
		p->errors = errors;
	if (again && p->s[SESSION_OUT].state == FSM_IDLE) {
		session_arm(&p->s[SESSION_OUT], TIMER_IDLE_HOLD, MONO_NEVER);
		peer_schedule(p, now);
	}
}

/* ---- views ---------------------------------------------------------------------------------------------- */

enum fsm_state
peer_state(const struct peer *p)
{
	const struct session *out = &p->s[SESSION_OUT], *in = &p->s[SESSION_IN];
	uint8_t max = out->state > in->state ? out->state : in->state;

	if (max >= FSM_OPENSENT)
		return (enum fsm_state)max;
	return (enum fsm_state)(peer_dials(p) ? out->state : in->state);
}

static void
fill_neg(const struct peer *p, struct ipc_row_peer *ret)
{
	const struct peer_neg *n = &p->neg;

	ret->remote_id = n->remote_id;
	ret->confed = n->confed && n->ebgp;
	ret->peer_role = n->peer_role;
	ret->as4 = n->as4;
	ret->refresh = n->refresh;
	ret->enhanced_refresh = n->enhanced_refresh;
	ret->ext_msg = n->ext_msg;
	ret->ext_next_hop = n->ext_next_hop;
	ret->gr = n->gr;
	ret->gr_notification = n->gr_notification;
	ret->peer_restarting = n->gr_restarting;
	ret->gr_peer_time_s = n->gr_time_s;
	ret->llgr = n->llgr;
	ret->hold_s = n->hold_s;
	ret->keepalive_s = n->keepalive_s;
	ret->ep = p->ep;
	for (unsigned i = 0; i < AF_COUNT; i++) {
		ret->fam[i].negotiated = p->up && n->families & AF_BIT(AF_OF(i));
		ret->fam[i].gr_forwarding = n->gr_forwarding & AF_BIT(AF_OF(i));
		ret->fam[i].llgr_offered_s = p->conf.gr_enabled ? p->conf.llgr_time_s[i] : 0;
		ret->fam[i].llgr_peer_s = n->llgr_time_s[i];
		ret->fam[i].llgr_forwarding = n->llgr_forwarding & AF_BIT(AF_OF(i));
		ret->fam[i].addpath_rx = n->addpath_rx & AF_BIT(AF_OF(i));
		ret->fam[i].addpath_tx = n->addpath_tx & AF_BIT(AF_OF(i));
	}
}

static const struct session *
shown_session(const struct peer *p)
{
	const struct session *out = &p->s[SESSION_OUT], *in = &p->s[SESSION_IN];
	enum fsm_state state = peer_state(p);

	return out->state == state && peer_dials(p) ? out : in->state == state ? in : out;
}

/* A peer is Idle since the later of its two sessions is. */
static struct mono_us
shown_since(const struct peer *p)
{
	const struct session *out = &p->s[SESSION_OUT], *in = &p->s[SESSION_IN];

	if (peer_state(p) == FSM_IDLE)
		return mono_before(out->since, in->since) ? in->since : out->since;
	return shown_session(p)->since;
}

static void
text_copy(char *dst, const char *src)
{
	snprintf(dst, IPC_TEXT_MAX, "%s", src ? src : "");
}

void
peer_fill_row(const struct peer *p, struct mono_us now, struct ipc_row_peer *ret)
{
	char why[WHY_MAX];

	ret->id = p->conf.id;
	ret->state = (uint8_t)peer_state(p); /* the enums agree: RFC 4271's order */
	text_copy(ret->reason, p->up ? NULL : why_not_up(p, now, why));
	text_copy(ret->last_error, p->last_error);
	ret->last_error_age_us =
	    p->last_error ? mono_diff_us(now, p->last_error_at) : UINT64_MAX;
	ret->state_age_us = mono_diff_us(now, shown_since(p));
	ret->local_asn = peer_local_asn(p);
	ret->remote_asn = p->neg.remote_asn ? p->neg.remote_asn
	    : p->conf.asn_mode == IPC_ASN_INTERNAL ? ret->local_asn
	    : p->conf.asn_mode == IPC_ASN_NUMBER   ? p->conf.asn
						   : 0;
	ret->internal = ret->remote_asn == ret->local_asn;
	ret->role = p->conf.role;
	fill_neg(p, ret);
	ret->hold_left_us =
	    p->up && p->neg.hold_s ? mono_diff_us(p->up->deadline[TIMER_HOLD], now) : 0;
	for (unsigned i = 0; i < BGP_NMSG; i++) {
		ret->msgs_in[i] = p->msgs_in[i];
		ret->msgs_out[i] = p->msgs_out[i];
	}
	ret->updates_in_withdraw_errs = p->withdraw_errs;
	ret->established_count = p->established_count;
	ret->flaps = p->flaps;
	ret->connect_retries = p->connect_retries;
}
