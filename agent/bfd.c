/*
 * BFD sessions of peers; see bfd.h.
 *
 * What follows from a change of state (RFC 5882 sections 3 and 4):
 *   Up to Down  nothing gets to the peer: address out, BGP session closed
 *   AdminDown   the peer (or we) took BFD down: says nothing about the path
 *   Up          the address is back; after many failures only once it has stayed up
 * A peer whose BFD shares the fate of its control plane (C bit clear) and that
 * restarts loses both at once: while its routes are kept by graceful restart, its
 * BFD says nothing either (section 4.3).
 */
#include "agent/bfd.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "agent/bfdd.h"
#include "agent/launcher.h"
#include "agent/nl.h"
#include "agent/source.h"
#include "lib/list.h"
#include "lib/mem.h"

#define ASK_LIMIT_S	1
#define WATCH_S		5 /* between questions that only see whether bfdd answers */
#define HUNG_AFTER	2 /* of them without an answer, in a row */
#define ROUTERS_S	5 /* for routers to be found before sessions of a former agent end */
#define IGNORED_AFTER_S 5 /* BGP is up that long, BFD is not: it does not run on the peer's side */
#define FAILURES_BURST	10 /* of one session; more, and it has to stay up before it is believed */
#define FAILURES_US	10000000u /* one more in that time */
#define STEADY_S	5
#define LINES_BURST	20 /* about one session */
#define LINES_US	5000000u

struct session {
	struct bfd *bfd;
	uint32_t peer;
	char profile[IPC_NAME_MAX];
	char problem[IPC_TEXT_MAX];
	bool wanted;	  /* by the configuration that is being applied */
	bool holds_down;  /* fib_addr_down() was told */
	uint64_t failures;
	struct ipc_bfd_session sent; /* id 0: nothing */
	bool unfound; /* a peer on a link whose router is not known yet */
	bool known;
	struct ipc_bfd_state_msg state;
	struct mono_us since;
	bool has_row;
	struct ipc_row_bfd row;
	struct event *ignored; /* time is up for a session that stays down while BGP is up */
	struct log_limit often, lines;
	bool flaps;	      /* it failed too often lately */
	struct event *steady; /* it has stayed up for long enough */
};

/* What is known of a peer, by its id, whether it has a session or not. */
struct note {
	struct session *session; /* NULL: none */
	bool admin_down;	 /* by an operator */
	bool bgp_up;
	bool is_stale;		/* BGP is down, and graceful restart keeps the peer's routes */
	struct ip_addr learned; /* own address of a connection; af 0: not known */
};

struct asker {
	struct list link;
	void (*done)(void *ctx, bool late);
	void *ctx;
};

struct bfd {
	struct agent *a;
	struct bfdd *bfdd;
	struct session **v;
	size_t n;
	struct note *note;
	size_t nnotes;
	uint32_t next_id;
	bool asked_for; /* weftd was told that bfdd is wanted */
	bool told;	/* weftd was told one or the other */
	char problem[LAUNCH_TEXT_MAX];
	struct list askers;
	struct event *ask_limit, *watch;
	struct event *whole; /* pending: BFD_END waits for routers that are not found yet */
	unsigned unanswered; /* questions of the watch, in a row */
	uint32_t query;
	bool has_stats;
	struct ipc_bfd_stats stats;
};

/* ---- finding ------------------------------------------------------------------- */

/* Ids of peers are small and used again: see source.c. */
static struct note *
note_of(struct bfd *b, uint32_t peer)
{
	size_t n = peer + 1;

	if (n > b->nnotes) {
		b->note = mem_realloc_array(b->note, n, sizeof *b->note);
		memset(b->note + b->nnotes, 0, (n - b->nnotes) * sizeof *b->note);
		b->nnotes = n;
	}
	return &b->note[peer];
}

static struct session *
by_peer(const struct bfd *b, uint32_t peer)
{
	return peer < b->nnotes ? b->note[peer].session : NULL;
}

static struct session *
by_id(const struct bfd *b, uint32_t id)
{
	for (size_t i = 0; id != 0 && i < b->n; i++)
		if (b->v[i]->sent.id == id)
			return b->v[i];
	return NULL; /* 0 is that of sessions that have not begun */
}

static const char *
name_of(const struct session *s)
{
	const struct agent_peer *p = agent_peer_by_id(s->bfd->a, s->peer);

	return p && p->conf ? p->conf->name : "?";
}

/* An event about a session's peer. */
static void __attribute__((format(printf, 4, 5)))
tell(const struct session *s, enum ipc_level level, const char *name, const char *fmt, ...)
{
	struct ipc_event e = { .level = (uint8_t)level, .peer = s->peer };
	va_list ap;

	snprintf(e.name, sizeof e.name, "%s", name);
	va_start(ap, fmt);
	vsnprintf(e.text, sizeof e.text, fmt, ap);
	va_end(ap);
	events_add(s->bfd->a->events, "agent", &e, name_of(s));
}

/* ---- what a state means ----------------------------------------------------------- */

/* The kernel is asked before this returns: nothing comes in between. */
static void
hold_down(struct session *s, bool down)
{
	struct agent *a = s->bfd->a;

	if (s->holds_down == down)
		return;
	s->holds_down = down;
	fib_addr_down(a->fib, agent_now(), &s->sent.remote, down);
	nl_kick(a->nl);
	agent_kick(a);
}

static void
watch_ignored(struct session *s)
{
	struct timeval tv = { IGNORED_AFTER_S, 0 };

	if (s->holds_down && s->state.state != IPC_BFD_UP && note_of(s->bfd, s->peer)->bgp_up)
		event_add(s->ignored, &tv);
	else
		event_del(s->ignored);
}

static void
on_ignored(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	if (!s->holds_down || !note_of(s->bfd, s->peer)->bgp_up)
		return;
	tell(s, IPC_LVL_WARN, "bfd-ignored",
	    "why=\"the BGP session is up again and BFD is not: its routes are used without it\"");
	hold_down(s, false);
}

static void
on_steady(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	if (s->known && s->state.state == IPC_BFD_UP)
		hold_down(s, false);
}

/* Both ends in few words: "no packet for 151 ms, 150 ms are allowed", "the peer says: ...". */
static const char *
why_down(const struct session *s, char *buf, size_t cap)
{
	const struct ipc_bfd_state_msg *m = &s->state;

	if (m->remote_state == IPC_BFD_ADMIN_DOWN)
		snprintf(buf, cap, "the peer has taken BFD down");
	else if (m->state == IPC_BFD_ADMIN_DOWN)
		snprintf(buf, cap, "taken down here");
	else if (m->diag == 1 && m->silent_us != UINT64_MAX) /* RFC 5880: Detection Time Expired */
		snprintf(buf, cap, "no packet for %" PRIu64 " ms, %u ms are allowed",
		    m->silent_us / 1000, m->detect_us / 1000);
	else if (m->diag == 3) /* Neighbor Signaled Session Down */
		snprintf(buf, cap, "the peer says that it is down: %s", m->remote_diag_text);
	else
		snprintf(buf, cap, "%s", m->diag_text);
	return buf;
}

/* Is this about the path, and not about BFD itself or a peer that restarts? */
static bool
is_failure(const struct session *s)
{
	const struct ipc_bfd_state_msg *m = &s->state;

	return m->state != IPC_BFD_ADMIN_DOWN && m->remote_state != IPC_BFD_ADMIN_DOWN && m->diag != 0 &&
	    (!note_of(s->bfd, s->peer)->is_stale || m->remote_independent);
}

/*
 * The address goes at once, however often.  BGP is told once for each time, not for
 * each failure of one that flaps.
 */
static void
failed(struct session *s, const char *why)
{
	struct ipc_peer_cmd cmd = { .peer = s->peer, .cmd = IPC_CMD_BFD_DOWN };
	bool is_news = !s->holds_down || note_of(s->bfd, s->peer)->bgp_up;

	hold_down(s, true);
	s->failures++;
	s->flaps = !log_limit_pass(&s->often, agent_now(), NULL);
	snprintf(cmd.text, sizeof cmd.text, "%s", why);
	if (is_news)
		agent_peer_cmd(s->bfd->a, &cmd);
}

static void
went_down(struct session *s)
{
	bool failure = is_failure(s);
	char why[IPC_TEXT_MAX - 80];
	uint32_t dropped;

	why_down(s, why, sizeof why);
	event_del(s->steady);
	if (failure)
		failed(s, why);
	if (!log_limit_pass(&s->lines, agent_now(), &dropped))
		return;
	tell(s, failure ? IPC_LVL_WARN : IPC_LVL_NOTICE, "bfd-down",
	    "why=\"%s\" effect=%s suppressed=%" PRIu32, why,
	    !failure ? "none" : note_of(s->bfd, s->peer)->bgp_up ? "session-closed" : "address-down",
	    dropped);
}

static void
went_up(struct session *s)
{
	struct timeval tv = { STEADY_S, 0 };
	uint32_t dropped;

	event_del(s->ignored);
	if (s->flaps && s->holds_down)
		event_add(s->steady, &tv);
	else
		hold_down(s, false);
	if (log_limit_pass(&s->lines, agent_now(), &dropped))
		tell(s, IPC_LVL_NOTICE, "bfd-up", "detection-ms=%u effect=%s suppressed=%" PRIu32,
		    s->state.detect_us / 1000, s->holds_down ? "address-down-while-it-flaps" : "none",
		    dropped);
}

/* Of either end, also after a failure: from then on BFD says nothing about the path. */
static void
look_for_admin_down(struct session *s, const struct ipc_bfd_state_msg *m)
{
	if (m->state == IPC_BFD_ADMIN_DOWN || m->remote_state == IPC_BFD_ADMIN_DOWN)
		hold_down(s, false);
}

static void
take_state(struct bfd *b, const struct ipc_bfd_state_msg *m)
{
	struct session *s = by_id(b, m->id);
	bool was_up, is_up = m->state == IPC_BFD_UP;

	if (!s)
		return; /* removed meanwhile */
	was_up = s->known && s->state.state == IPC_BFD_UP;
	if (!s->known || s->state.state != m->state)
		s->since = agent_now();
	s->known = true;
	s->state = *m;
	if (is_up && !was_up)
		went_up(s);
	else if (!is_up && was_up)
		went_down(s);
	look_for_admin_down(s, m);
}

/* ---- sessions as they are wanted --------------------------------------------------- */

static struct session *
session_new(struct bfd *b, uint32_t peer)
{
	struct session *s = mem_zalloc(sizeof *s);

	s->bfd = b;
	s->peer = peer;
	s->ignored = event_new(b->a->base, -1, 0, on_ignored, s);
	s->steady = event_new(b->a->base, -1, 0, on_steady, s);
	s->often = (struct log_limit){ .burst = FAILURES_BURST, .interval_us = FAILURES_US };
	s->lines = (struct log_limit){ .burst = LINES_BURST, .interval_us = LINES_US };
	note_of(b, peer)->session = s;
	b->v = mem_realloc_array(b->v, b->n + 1, sizeof *b->v);
	b->v[b->n++] = s;
	return s;
}

/* The key, too. */
static void
wipe(struct session *s)
{
	const struct ipc_bfd_session none = { 0 };

	explicit_bzero(s->sent.key, sizeof s->sent.key);
	s->sent = none;
}

/* bfdd tells the peer that this is no failure. */
static void
session_withdraw(struct session *s)
{
	struct ipc_msg m = { .type = IPC_BFD_DEL };

	if (s->sent.id == 0)
		return;
	hold_down(s, false);
	event_del(s->ignored);
	event_del(s->steady);
	m.bfd_del = (struct ipc_bfd_del){ s->sent.id, true };
	bfdd_send(s->bfd->bfdd, &m);
	wipe(s);
	s->known = s->has_row = false;
}

static void
session_free(struct session *s)
{
	session_withdraw(s);
	note_of(s->bfd, s->peer)->session = NULL;
	event_free(s->ignored);
	event_free(s->steady);
	mem_free(s);
}

static void
session_send(struct session *s)
{
	struct ipc_msg m = { .type = IPC_BFD_SESSION };

	m.bfd_session = s->sent;
	bfdd_send(s->bfd->bfdd, &m);
	explicit_bzero(&m, sizeof m);
}

/* All that was wanted has been named: what else bfdd has goes. */
static void
send_end(struct bfd *b)
{
	struct ipc_msg m = { .type = IPC_BFD_END };

	event_del(b->whole);
	bfdd_send(b->bfdd, &m);
}

static void
on_whole(evutil_socket_t fd, short what, void *arg)
{
	send_end(arg);
}

/*
 * The bfdd of a former agent may have a session with a router that this one has yet to find.
 * Ended now, and made anew when it is found, it would have the router close BGP.
 */
static bool
awaits_routers(const struct bfd *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i]->unfound)
			return true;
	return false;
}

/* The address of ours whose subnet holds the peer's, or of its link where that is link-local. */
static struct ip_addr
local_on_link(const struct fib *f, const struct ip_addr *remote, uint32_t ifindex)
{
	struct kern_addr ka;
	size_t pos = 0;
	bool ll = remote->af == IP6 && ip_addr_is_link_local(remote);

	while (fib_next_addr(f, &pos, &ka)) {
		struct ip_prefix net = ip_prefix_of(&ka.addr, ka.plen);
		struct ip_addr plain = *remote;

		plain.ifindex = 0;
		if (ka.ifindex != ifindex || ka.addr.af != remote->af || ka.tentative)
			continue;
		if (ll ? ip_addr_is_link_local(&ka.addr) : ip_prefix_has_addr(&net, &plain)) {
			ka.addr.ifindex = ll ? ifindex : 0;
			return ka.addr;
		}
	}
	return (struct ip_addr){ 0 };
}

static bool
is_multihop(const struct conf_peer *c, const struct ip_addr *remote, uint32_t ifindex)
{
	if (c->bfd_multihop != CONF_AUTO)
		return c->bfd_multihop == CONF_ON;
	return !ifindex && !(remote->af == IP6 && ip_addr_is_link_local(remote)) &&
	    (c->multihop_ttl > 0 || c->remote_as.how != CONF_AS_EXTERNAL);
}

/* Where it runs between; false with the reason in s->problem. */
static bool
find_ends(struct session *s, const struct agent_peer *p, struct ipc_bfd_session *to)
{
	const struct agent *a = s->bfd->a;
	uint32_t ifindex = p->addr.ifindex ? p->addr.ifindex : fib_onlink_ifindex(a->fib, &p->addr);

	s->unfound = p->addr.af == IP_NONE;
	if (s->unfound) {
		snprintf(s->problem, sizeof s->problem, "no router was found on %s yet", p->conf->ifname);
		return false;
	}
	to->remote = p->addr;
	to->multihop = is_multihop(p->conf, &p->addr, ifindex);
	to->ifindex = p->addr.ifindex;
	to->local = source_local_address(a, p);
	if (!to->local.af && ifindex)
		to->local = local_on_link(a->fib, &p->addr, ifindex);
	if (!to->local.af)
		to->local = note_of(s->bfd, s->peer)->learned;
	if (!to->local.af)
		snprintf(s->problem, sizeof s->problem,
		    "own address towards the peer is not known before a BGP connection was made");
	return to->local.af;
}

static void
put_profile(const struct conf_bfd *c, struct ipc_bfd_session *to)
{
	static const uint8_t auth[] = {
		[CONF_BFD_AUTH_NONE] = IPC_BFD_AUTH_NONE,
		[CONF_BFD_AUTH_MD5] = IPC_BFD_AUTH_MD5,
		[CONF_BFD_AUTH_METICULOUS_MD5] = IPC_BFD_AUTH_METICULOUS_MD5,
		[CONF_BFD_AUTH_SHA1] = IPC_BFD_AUTH_SHA1,
		[CONF_BFD_AUTH_METICULOUS_SHA1] = IPC_BFD_AUTH_METICULOUS_SHA1,
	};

	to->rx_us = c->rx_ms * 1000;
	to->tx_us = c->tx_ms * 1000;
	to->detect_mult = (uint8_t)c->multiplier;
	to->min_ttl = (uint8_t)c->min_ttl;
	to->passive = c->passive;
	to->auth = auth[c->auth];
	to->key_id = (uint8_t)c->key_id;
}

/* A key that cannot be had keeps the session away: never fall back to none. */
static bool
put_key(struct session *s, const struct conf_bfd *c, struct ipc_bfd_session *to)
{
	bool md5 = c->auth == CONF_BFD_AUTH_MD5 || c->auth == CONF_BFD_AUTH_METICULOUS_MD5;
	struct source_secret from = { c->password_file, c->password_env, c->password_secret,
		c->password_key };
	size_t most = md5 ? 16 : IPC_BFD_KEY_MAX, len = 0;
	uint8_t key[SOURCE_SECRET_MAX];
	bool ok;

	if (c->auth == CONF_BFD_AUTH_NONE)
		return true;
	ok = source_secret(s->bfd->a, &from, key, &len, s->problem, NULL);
	if (ok && len > most) {
		snprintf(s->problem, sizeof s->problem,
		    "BFD password of profile %s: want 1 to %zu octets, got %zu", c->name, most, len);
		ok = false;
	}
	if (ok) {
		memcpy(to->key, key, len);
		to->key_len = (uint8_t)len;
	}
	explicit_bzero(key, sizeof key);
	return ok;
}

static bool
same_ends(const struct ipc_bfd_session *a, const struct ipc_bfd_session *b)
{
	return ip_addr_eq(&a->remote, &b->remote) && ip_addr_eq(&a->local, &b->local) &&
	    a->ifindex == b->ifindex && a->multihop == b->multihop;
}

/* Have it as its peer wants it. */
static void
session_update(struct session *s, const struct agent_peer *p, const struct conf_bfd *c)
{
	struct ipc_bfd_session now = { .admin_down = note_of(s->bfd, s->peer)->admin_down };
	char before[IPC_TEXT_MAX];

	memcpy(before, s->problem, sizeof before);
	s->problem[0] = '\0';
	snprintf(s->profile, sizeof s->profile, "%s", c->name);
	put_profile(c, &now);
	if (!find_ends(s, p, &now) || !put_key(s, c, &now)) {
		session_withdraw(s);
		if (strcmp(before, s->problem) != 0)
			tell(s, IPC_LVL_NOTICE, "bfd-problem", "why=\"%s\"", s->problem);
		return;
	}
	if (s->sent.id && !same_ends(&s->sent, &now))
		session_withdraw(s);
	now.id = s->sent.id ? s->sent.id : s->bfd->next_id++;
	if (memcmp(&now, &s->sent, sizeof now) != 0) {
		s->sent = now;
		session_send(s);
	}
	if (event_pending(s->bfd->whole, EV_TIMEOUT, NULL) && !awaits_routers(s->bfd))
		send_end(s->bfd);
	explicit_bzero(&now, sizeof now);
}

static void
apply_peer(struct bfd *b, const struct agent_peer *p)
{
	const struct conf_bfd *c = p->conf->enabled && !p->problem[0]
	    ? conf_peer_bfd(b->a->conf, p->conf) : NULL;
	struct session *s = by_peer(b, p->id);

	if (!c)
		return;
	if (!s)
		s = session_new(b, p->id);
	s->wanted = true;
	session_update(s, p, c);
}

/* The peer of a session again: settings as now. */
static void
again(struct session *s)
{
	const struct agent_peer *p = agent_peer_by_id(s->bfd->a, s->peer);

	if (p)
		apply_peer(s->bfd, p);
}

/* bfdd runs while there are sessions. */
static void
want_bfdd(struct bfd *b)
{
	bool want = b->n > 0;

	if (b->told && want == b->asked_for)
		return;
	b->told = true;
	b->asked_for = want;
	launcher_want_bfdd(b->a->launcher, want);
	if (want)
		event_add(b->watch, &(struct timeval){ WATCH_S, 0 });
	else
		event_del(b->watch);
	if (!want)
		b->problem[0] = '\0';
}

static void
remove_at(struct bfd *b, size_t i)
{
	session_free(b->v[i]);
	b->n--;
	memmove(&b->v[i], &b->v[i + 1], (b->n - i) * sizeof *b->v);
}

void
bfd_apply(struct bfd *b)
{
	const struct agent *a = b->a;

	if (!a->conf)
		return;
	for (size_t i = 0; i < b->n; i++)
		b->v[i]->wanted = false;
	for (size_t i = 0; i < a->npeers; i++)
		apply_peer(b, &a->peers[i]);
	for (size_t i = b->n; i-- > 0;)
		if (!b->v[i]->wanted)
			remove_at(b, i);
	want_bfdd(b);
}

void
bfd_check_addresses(struct bfd *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i]->problem[0])
			again(b->v[i]);
}

void
bfd_peer_added(struct bfd *b, const struct agent_peer *p)
{
	apply_peer(b, p);
	want_bfdd(b);
}

void
bfd_peer_gone(struct bfd *b, uint32_t peer)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i]->peer == peer) {
			remove_at(b, i);
			break;
		}
	*note_of(b, peer) = (struct note){ 0 };
	want_bfdd(b);
}

void
bfd_endpoints(struct bfd *b, uint32_t peer, const struct ipc_endpoints *ep)
{
	struct note *n = note_of(b, peer);

	n->learned = ep->local;
	if (n->session && n->session->sent.id == 0)
		again(n->session);
}

void
bfd_peer_admin(struct bfd *b, uint32_t peer, bool down)
{
	struct note *n = note_of(b, peer);

	if (n->admin_down == down)
		return;
	n->admin_down = down;
	if (n->session)
		again(n->session);
}

void
bfd_peer_bgp(struct bfd *b, uint32_t peer, bool up, bool stale)
{
	struct note *n = note_of(b, peer);

	n->bgp_up = up;
	n->is_stale = stale;
	if (n->session)
		watch_ignored(n->session);
}

void
bfd_bgpd_gone(struct bfd *b)
{
	for (uint32_t peer = 1; peer < b->nnotes; peer++) {
		bfd_peer_bgp(b, peer, false, false);
		bfd_peer_admin(b, peer, false);
	}
}

/* ---- bfdd --------------------------------------------------------------------------- */

static void
answer(struct bfd *b, bool late)
{
	struct list *n;

	event_del(b->ask_limit);
	while ((n = list_pop_front(&b->askers)) != NULL) {
		struct asker *k = container_of(n, struct asker, link);

		k->done(k->ctx, late);
		mem_free(k);
	}
}

static void
on_ask_limit(evutil_socket_t fd, short what, void *arg)
{
	answer(arg, true);
}

void
bfd_ask(struct bfd *b, void (*done)(void *ctx, bool late), void *ctx)
{
	struct timeval tv = { bfdd_attached(b->bfdd) ? ASK_LIMIT_S : 0, 0 };
	struct ipc_msg m = { .type = IPC_BFD_QUERY };
	bool first = list_is_empty(&b->askers);
	struct asker *k = mem_zalloc(sizeof *k);

	k->done = done;
	k->ctx = ctx;
	list_init(&k->link);
	list_push_back(&b->askers, &k->link);
	if (!first)
		return;
	m.bfd_query.query = ++b->query;
	bfdd_send(b->bfdd, &m);
	event_add(b->ask_limit, &tv);
}

/* One that hangs does not send either: the next one goes on with its sessions. */
static void
watched(void *ctx, bool late)
{
	struct bfd *b = ctx;

	if (!late || !bfdd_attached(b->bfdd)) {
		b->unanswered = 0;
		return;
	}
	if (++b->unanswered < HUNG_AFTER)
		return;
	b->unanswered = 0;
	events_addf(b->a->events, IPC_LVL_ERR, "bfdd-hung", "why=\"it does not answer\"");
	launcher_restart_bfdd(b->a->launcher, "does not answer");
}

static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct bfd *b = arg;

	if (bfdd_attached(b->bfdd))
		bfd_ask(b, watched, b);
}

static void
take_row(struct bfd *b, const struct ipc_row_bfd *row)
{
	struct session *s = by_id(b, row->s.id);

	if (!s || row->query != b->query)
		return;
	s->row = *row;
	s->has_row = true;
	look_for_admin_down(s, &row->s); /* the peer's is no change of state, and told only here */
}

static void
message(void *ctx, const struct ipc_msg *m)
{
	struct bfd *b = ctx;

	if (m->type == IPC_BFD_STATE) {
		take_state(b, &m->bfd_state);
	} else if (m->type == IPC_ROW_BFD) {
		take_row(b, &m->row_bfd);
	} else if (m->type == IPC_BFD_STATS && m->bfd_stats.query == b->query) {
		b->stats = m->bfd_stats;
		b->has_stats = true;
		answer(b, false);
	}
}

/* Sessions stay as they were last known: the next bfdd goes on with them. */
static void
lost(void *ctx, const char *why, bool violation)
{
	struct bfd *b = ctx;

	event_del(b->whole);
	answer(b, true);
	if (violation) {
		events_addf(b->a->events, IPC_LVL_ERR, "bfdd-channel", "why=\"%s\"", why);
		launcher_restart_bfdd(b->a->launcher, why);
	}
}

static const struct bfdd_ops bfdd_ops = { message, lost };

static void
send_all(struct bfd *b)
{
	struct ipc_msg m = { .type = IPC_BFD_BEGIN, .bfd_begin = { IPC_VERSION } };

	bfdd_send(b->bfdd, &m);
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i]->sent.id)
			session_send(b->v[i]);
	if (awaits_routers(b))
		event_add(b->whole, &(struct timeval){ ROUTERS_S, 0 });
	else
		send_end(b);
}

void
bfd_started(struct bfd *b, const struct launch_msg *m, int fd)
{
	struct agent_child *c = &b->a->bfdd_child;
	int err = fd < 0 ? m->err : -bfdd_attach(b->bfdd, fd);

	if (err != 0) {
		if (strcmp(b->problem, m->text) != 0 || fd >= 0)
			events_addf(b->a->events, IPC_LVL_ERR, "bfdd-failed", "why=\"%s\"",
			    m->text[0] ? m->text : strerror(err));
		snprintf(b->problem, sizeof b->problem, "%s", m->text);
		return;
	}
	b->problem[0] = '\0';
	c->running = true;
	c->pid = m->pid;
	c->restarts = m->restarts;
	c->since = agent_now();
	send_all(b);
}

void
bfd_ended(struct bfd *b, const struct launch_msg *m)
{
	struct agent_child *c = &b->a->bfdd_child;
	int st = m->status;

	bfdd_detach(b->bfdd);
	event_del(b->whole);
	answer(b, true);
	c->running = false;
	c->restarts = m->restarts;
	c->last_status = st;
	c->since = agent_now();
	if (!b->asked_for)
		return;
	events_addf(b->a->events, IPC_LVL_ERR, "bfdd-ended", "%s=%d restart-in-ms=%u",
	    WIFSIGNALED(st) ? "signal" : "exit", WIFSIGNALED(st) ? WTERMSIG(st) : WEXITSTATUS(st),
	    m->delay_ms);
}

/* ---- views ---------------------------------------------------------------------------- */

static void
view(const struct session *s, struct bfd_view *ret)
{
	*ret = (struct bfd_view){
		.peer = s->peer,
		.conf = &s->sent,
		.profile = s->profile,
		.known = s->known,
		.state = &s->state,
		.state_age_us = mono_diff_us(agent_now(), s->since),
		.row = s->has_row ? &s->row : NULL,
		.holds_down = s->holds_down,
		.failures = s->failures,
		.problem = s->problem,
	};
}

bool
bfd_of_peer(const struct bfd *b, uint32_t peer, struct bfd_view *ret)
{
	const struct session *s = b ? by_peer(b, peer) : NULL;

	if (s)
		view(s, ret);
	return s;
}

bool
bfd_next(const struct bfd *b, size_t *pos, struct bfd_view *ret)
{
	if (!b || *pos >= b->n)
		return false;
	view(b->v[(*pos)++], ret);
	return true;
}

const struct ipc_bfd_stats *
bfd_stats(const struct bfd *b)
{
	return b->has_stats ? &b->stats : NULL;
}

const char *
bfd_problem(const struct bfd *b, char *buf, size_t cap)
{
	if (!b || b->n == 0 || bfdd_attached(b->bfdd))
		return NULL;
	if (b->problem[0])
		snprintf(buf, cap, "weft-bfdd cannot run: %s", b->problem);
	else
		snprintf(buf, cap, "weft-bfdd is not running");
	return buf;
}

/* ---- life ------------------------------------------------------------------------------ */

struct bfd *
bfd_new(struct agent *a)
{
	struct bfd *b = mem_zalloc(sizeof *b);

	b->a = a;
	b->bfdd = bfdd_new(a->base, &bfdd_ops, b);
	b->ask_limit = event_new(a->base, -1, 0, on_ask_limit, b);
	b->watch = event_new(a->base, -1, EV_PERSIST, on_watch, b);
	b->whole = event_new(a->base, -1, 0, on_whole, b);
	list_init(&b->askers);
	/* Ids of another agent before this one would mean other sessions. */
	if (getrandom(&b->next_id, sizeof b->next_id, 0) != (ssize_t)sizeof b->next_id)
		b->next_id = (uint32_t)agent_now().us;
	b->next_id = (b->next_id & 0x7fffffff) + 1;
	return b;
}

void
bfd_free(struct bfd *b)
{
	if (!b)
		return;
	bfdd_detach(b->bfdd); /* sessions go on: weftd says when they end */
	answer(b, true);
	for (size_t i = b->n; i-- > 0;) {
		b->v[i]->holds_down = false; /* the fib ends, too */
		session_free(b->v[i]);
	}
	mem_free(b->v);
	mem_free(b->note);
	bfdd_free(b->bfdd);
	event_free(b->ask_limit);
	event_free(b->watch);
	event_free(b->whole);
	mem_free(b);
}
