/*
 * Requests to the API server: connections, credentials, time-outs, and whether it is there.
 *
 * A call waits in a queue until there is a connection for it: a kept one, or a new one. Plain
 * requests share at most CONNS_MAX connections, so that a start with many lists costs bounded
 * memory; a watch has one of its own. A call on a kept connection that turns out to be closed is
 * sent once more, as nobody has read it (RFC 9112 section 9.3.1).
 */
#include <config.h> /* the build's, not agent/kube/config.h */

#include "agent/kube/apicall.h"

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kube/backoff.h"
#include "agent/kube/conn.h"
#include "agent/kube/http1.h"
#include "agent/kube/jget.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define CONNS_MAX	4
#define CONNECT_MS	5000
#define HEAD_MS		30000
#define SEND_IDLE_MS	30000
#define BODY_MAX	(4u << 20)
#define ERROR_BODY_MAX	(64u << 10)
#define CREDS_AGAIN_S	60
#define CREDS_SOON_MS	2000 /* after there were none, or after a 401 */
#define PROBE_LEAST_MS	100
#define PROBE_MOST_MS	1000
#define PROBE_HEAD_MS	5000
#define PROBES_SOON	120 /* of a server that answers, but not well; then seldom */
#define PROBE_SLOWER	10
#define RESOLVED_MAX	8
#define RESOLVE_MS	5000
#define RETRY_MOST_S	300

struct wire;

struct call {
	struct list link; /* in api->waiting or api->running */
	struct api *api;
	uint32_t id;
	char *method, *path, *type, *body;
	size_t body_len;
	bool stream, probe, has_head, resent, refused_creds;
	uint32_t head_ms, idle_ms;
	const struct api_call_ops *ops;
	void *ctx;
	struct wire *wire;
	struct http1 http;
	struct event *timer;
	char *error; /* body of an answer that is not 2xx */
	size_t error_len;
};

struct wire {
	struct list link; /* in api->wires */
	struct api *api;
	struct conn *conn;
	struct call *call; /* NULL: idle */
	bool stream;
	uint32_t used;	    /* answers read */
	uint32_t creds_gen; /* it was made with */
	uint32_t rounds;    /* of the housekeeping that it was idle for */
};

struct api_timer {
	struct event *ev;
	void (*fn)(void *ctx);
	void *ctx;
};

struct api {
	struct api_env env;
	char *kubeconfig, *server, *namespace;
	struct creds creds;
	bool have_creds, refused; /* refused: by a 401 since they were read */
	uint32_t creds_gen;
	char url[300];
	const struct tls_ops *tls;
	struct tls_ctx *tls_ctx;
	struct evdns_base *dns;
	struct evdns_getaddrinfo_request *resolving;
	struct api_timer *resolve_timer;
	struct sockaddr_storage addr[RESOLVED_MAX];
	socklen_t addr_len[RESOLVED_MAX];
	size_t naddrs, addr_at;
	struct ip_addr place[RESOLVED_MAX]; /* the same, kept while it is asked for again */
	size_t nplaces;
	struct list waiting, running, wires;
	struct wire *reading; /* whose octets are being told; NULL once it is gone */
	struct event *pump_ev, *creds_ev;
	uint32_t next_id;
	struct rng rng;

	enum api_health health, told; /* told: by env.reached or env.lost last */
	struct mono_us since;
	char why[CREDS_WHY_MAX]; /* of credentials, or why the server is not there */
	struct backoff probe_backoff;
	struct api_timer *probe_timer;
	uint32_t probe; /* its id, 0: none under way */
	struct list listeners, reflectors;
	struct api_view st;
};

static void probe_later(struct api *api);

/* ---- time ------------------------------------------------------------------- */

static void
timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct api_timer *t = arg;

	t->fn(t->ctx);
}

struct api_timer *
api_timer_new(struct api *api, void (*fn)(void *ctx), void *ctx)
{
	struct api_timer *t = mem_zalloc(sizeof *t);

	t->fn = fn;
	t->ctx = ctx;
	t->ev = event_new(api->env.base, -1, 0, timer_fired, t);
	return t;
}

void
api_timer_free(struct api_timer *t)
{
	if (!t)
		return;
	event_free(t->ev);
	mem_free(t);
}

static void
arm(struct event *ev, uint32_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(ev, &tv);
}

void
api_timer_set(struct api_timer *t, uint32_t ms)
{
	arm(t->ev, ms);
}

void
api_timer_stop(struct api_timer *t)
{
	event_del(t->ev);
}

struct mono_us
api_now(const struct api *api)
{
	return clock_mono();
}

uint64_t
api_seed(struct api *api)
{
	return rng_u64(&api->rng);
}

/* ---- is it there? ----------------------------------------------------------- */

void
api_listen(struct api *api, struct api_listener *l)
{
	list_push_back(&api->listeners, &l->link);
}

void
api_unlisten(struct api_listener *l)
{
	list_remove(&l->link);
}

bool
api_may_ask(const struct api *api)
{
	return api->health != API_DOWN;
}

const char *
api_why(const struct api *api)
{
	return api->why;
}

static void
tell_listeners(struct api *api, bool up)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &api->listeners) {
		struct api_listener *l = container_of(n, struct api_listener, link);

		l->changed(l->ctx, up);
	}
}

static void
set_health(struct api *api, enum api_health h, const char *why)
{
	enum api_health was = api->health;

	if (h == API_UP)
		api->why[0] = '\0';
	else if (why != api->why)
		snprintf(api->why, sizeof api->why, "%s", why);
	if (h == was)
		return;
	api->health = h;
	api->since = api_now(api);
	if (h != API_SICK && h != api->told) {
		api->told = h;
		api->st.losses += h == API_DOWN;
		if (h == API_UP)
			api->env.reached(api->env.ctx, api->url);
		else
			api->env.lost(api->env.ctx, api->why);
	}
	if (h == API_UP || was == API_DOWN)
		backoff_reset(&api->probe_backoff);
	if (h != API_UP)
		probe_later(api);
	if (h == API_DOWN || was == API_DOWN || h == API_UP)
		tell_listeners(api, h != API_DOWN);
}

/* What a call's end says about the server. */
static void
judge(struct api *api, const struct call *c, const struct api_end *e)
{
	if (e->kind == API_NO_SERVER || (c->probe && (e->kind == API_CUT || e->kind == API_BAD)))
		set_health(api, API_DOWN, e->why); /* TLS 1.3 refuses us after its handshake */
	else if (e->kind == API_TIMEOUT && api->health != API_DOWN)
		set_health(api, API_SICK, e->why);
	else if (e->status >= 500 && e->status != 504 && e->status != 501)
		set_health(api, API_SICK, e->why);
	else if (c->probe && e->status != 0)
		set_health(api, API_UP, "");
	else if (e->status != 0 && api->health != API_SICK)
		set_health(api, API_UP, "");
}

/* A watch's answer has begun: whatever comes of it, the server is there. */
static void
judge_head(struct api *api, const struct call *c)
{
	if (c->stream && c->http.status < 300 && api->health != API_SICK)
		set_health(api, API_UP, "");
}

static void
probe_end(void *ctx, const struct api_end *e)
{
	struct api *api = ctx;

	api->probe = 0;
	if (api->health == API_DOWN || api->health == API_SICK)
		probe_later(api);
}

static const struct api_call_ops probe_ops = { NULL, NULL, probe_end };

static void
probe_now(void *ctx)
{
	static const struct api_call_spec spec = {
		.req = { .method = "GET", .path = "/readyz" },
		.head_ms = PROBE_HEAD_MS,
		.idle_ms = PROBE_HEAD_MS,
	};
	struct api *api = ctx;
	struct call *c;

	if (api->probe)
		return;
	api->probe = api_call(api, &spec, &probe_ops, api);
	c = container_of(list_last(&api->waiting), struct call, link);
	c->probe = true;
	list_remove(&c->link);
	list_push_front(&api->waiting, &c->link);
}

static void
probe_later(struct api *api)
{
	uint32_t ms = backoff_next(&api->probe_backoff);

	if (api->health == API_SICK && api->probe_backoff.attempts > PROBES_SOON)
		ms *= PROBE_SLOWER;
	if (!api->probe)
		api_timer_set(api->probe_timer, ms);
}

const char *
api_health_str(enum api_health h)
{
	static const char *const words[] = { "connecting", "connected", "not ready", "lost" };

	return words[h];
}

/* ---- the ends of calls --------------------------------------------------------- */

static void
count_code(struct api *api, int code)
{
	size_t i = 0;

	while (i < api->st.ncodes && api->st.code[i].code != code)
		i++;
	if (i == API_CODES_MAX)
		return;
	if (i == api->st.ncodes)
		api->st.code[api->st.ncodes++].code = code;
	api->st.code[i].n++;
}

static void
call_free(struct call *c)
{
	list_remove(&c->link);
	event_free(c->timer);
	mem_free(c->method);
	mem_free(c->path);
	mem_free(c->type);
	mem_free(c->body);
	mem_free(c->error);
	mem_free(c);
}

static void
wire_free(struct wire *w)
{
	if (w->api->reading == w)
		w->api->reading = NULL;
	list_remove(&w->link);
	w->api->st.connections--;
	conn_free(w->conn);
	mem_free(w);
}

/* The wire of a call that has come to its end: kept when it may be used again. */
static void
wire_release(struct wire *w, bool keep)
{
	w->call = NULL;
	w->used++;
	w->rounds = 0;
	w->stream = false;
	if (!keep || w->creds_gen != w->api->creds_gen)
		wire_free(w);
}

static void
pump_soon(struct api *api)
{
	event_active(api->pump_ev, EV_TIMEOUT, 0);
}

static void
finish(struct call *c, struct api_end *e)
{
	struct api *api = c->api;
	json_t *body = NULL;
	char why[CREDS_WHY_MAX];
	const char *words;

	if (c->wire)
		wire_release(c->wire, e->kind <= API_REFUSED && c->http.keep_alive);
	c->wire = NULL;
	if (c->error)
		body = json_loadb(c->error, c->error_len, JSON_DISABLE_EOF_CHECK, NULL);
	if (e->kind == API_REFUSED) {
		words = jget_str(body, "message");
		snprintf(why, sizeof why, "the server answered %d%s%.160s", e->status, words ? ": " : "",
		    words ? words : "");
		e->why = why;
		e->body = body;
	}
	list_remove(&c->link); /* nobody finds it any more */
	if (e->kind == API_OK && !c->probe)
		api->refused = false;
	count_code(api, e->status);
	judge(api, c, e);
	c->ops->end(c->ctx, e);
	json_decref(body);
	call_free(c);
	pump_soon(api);
}

static void
end_call(struct call *c, enum api_end_kind kind, const char *why)
{
	struct api_end e = { .kind = kind, .why = why };

	if (c->has_head) {
		uint32_t s = c->http.retry_after_s;

		e.status = c->http.status;
		e.retry_after = c->http.retry_after;
		e.retry_after_ms = (s < RETRY_MOST_S ? s : RETRY_MOST_S) * 1000;
	}
	if (e.status == 401 && !c->api->refused) {
		c->api->refused = true;
		arm(c->api->creds_ev, 0);
	}
	finish(c, &e);
}

/* ---- reading answers ------------------------------------------------------------ */

static void
keep_error(struct call *c, const uint8_t *p, size_t n)
{
	if (n > ERROR_BODY_MAX - c->error_len)
		n = ERROR_BODY_MAX - c->error_len;
	c->error = mem_realloc(c->error, c->error_len + n + 1);
	memcpy(c->error + c->error_len, p, n);
	c->error_len += n;
}

static bool
is_2xx(const struct call *c)
{
	return c->http.status >= 200 && c->http.status < 300;
}

static void
wire_octets(void *ctx, const uint8_t *p, size_t n)
{
	struct wire *w = ctx;
	struct api *api = w->api;
	struct call *c = w->call;
	struct http1_event e;

	if (!c) { /* unasked: a 408 before closing */
		wire_free(w);
		return;
	}
	api->reading = w;
	for (;;) {
		e = http1_next(&c->http, &p, &n);
		if (e.kind == HTTP1_HEAD) {
			c->has_head = true;
			judge_head(api, c);
			if (is_2xx(c) && c->ops->head)
				c->ops->head(c->ctx);
		} else if (e.kind == HTTP1_BODY && !is_2xx(c))
			keep_error(c, e.p, e.n);
		else if (e.kind == HTTP1_BODY && c->ops->octets)
			c->ops->octets(c->ctx, e.p, e.n);
		if (!api->reading)
			return; /* cancelled meanwhile */
		if (e.kind == HTTP1_END) {
			end_call(c, is_2xx(c) ? API_OK : API_REFUSED, "");
			return;
		}
		if (e.kind == HTTP1_BAD) {
			end_call(c, API_BAD, e.why);
			return;
		}
		if (e.kind == HTTP1_MORE && n == 0)
			break;
	}
	if (c->has_head && c->idle_ms)
		arm(c->timer, c->idle_ms);
	else if (c->has_head)
		event_del(c->timer);
}

static void
request_write(struct wire *w, struct call *c)
{
	const struct creds *k = &w->api->creds;
	bool v6 = strchr(k->host, ':') != NULL;
	char *head = mem_printf("%s %s%s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUser-Agent: weft/%s\r\n"
				"Accept: application/json\r\n%s%s%s%s%s%s",
	    c->method, k->base, c->path, v6 ? "[" : "", k->host, v6 ? "]" : "", k->port,
	    PACKAGE_VERSION, k->token ? "Authorization: Bearer " : "", k->token ? k->token : "",
	    k->token ? "\r\n" : "", c->body ? "Content-Type: " : "", c->body ? c->type : "",
	    c->body ? "\r\n" : "");
	char len[64];

	conn_write(w->conn, head, strlen(head));
	explicit_bzero(head, strlen(head));
	mem_free(head);
	if (c->body || strcmp(c->method, "GET") != 0)
		snprintf(len, sizeof len, "Content-Length: %zu\r\n\r\n", c->body_len);
	else
		snprintf(len, sizeof len, "\r\n");
	conn_write(w->conn, len, strlen(len));
	if (c->body)
		conn_write(w->conn, c->body, c->body_len);
}

static void
wire_up(void *ctx)
{
	struct wire *w = ctx;

	w->api->st.connects++;
}

/* A kept connection that the server had closed already: nobody has read the request. */
static bool
send_again(struct wire *w, struct call *c)
{
	if (w->used == 0 || c->has_head || c->resent || strcmp(c->method, "GET") != 0)
		return false;
	c->resent = true;
	c->wire = NULL;
	event_del(c->timer);
	list_remove(&c->link);
	list_push_front(&c->api->waiting, &c->link);
	pump_soon(c->api);
	return true;
}

static void
wire_lost(void *ctx, enum conn_end how, const char *why)
{
	static const enum api_end_kind kinds[] = { API_CUT, API_CUT, API_NO_SERVER, API_NO_SERVER };
	struct wire *w = ctx;
	struct api *api = w->api;
	struct call *c = w->call;

	if (how == CONN_NO_SERVER && api->naddrs > 0)
		api->addr_at = (api->addr_at + 1) % api->naddrs;
	if (how == CONN_NO_SERVER && api->addr_at == 0)
		api->naddrs = 0; /* all were tried: where is it now? */
	if (how == CONN_CUT && api->health == API_UP && !api->probe)
		api_timer_set(api->probe_timer, PROBE_LEAST_MS); /* is it that connection, or the server? */
	w->call = NULL;
	if (c && how == CONN_CLOSED && c->has_head && http1_end_of_input(&c->http)) {
		c->wire = NULL;
		wire_free(w);
		end_call(c, is_2xx(c) ? API_OK : API_REFUSED, "");
	} else if (c && !send_again(w, c)) {
		c->wire = NULL;
		end_call(c, kinds[how], how == CONN_CLOSED ? "the connection was closed within the answer" :
			why);
		wire_free(w);
	} else {
		wire_free(w);
	}
}

static const struct conn_ops wire_ops = { wire_up, wire_octets, wire_lost };

static void
call_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct call *c = arg;

	end_call(c, API_TIMEOUT, c->has_head ? "the server stopped in the middle of its answer" :
		"the server does not answer");
}

/* ---- starting calls ---------------------------------------------------------------- */

static struct wire *
wire_idle(struct api *api)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &api->wires) {
		struct wire *w = container_of(n, struct wire, link);

		if (!w->call && w->creds_gen == api->creds_gen)
			return w;
		if (!w->call)
			wire_free(w);
	}
	return NULL;
}

static size_t
wires_busy(const struct api *api)
{
	const struct list *n;
	size_t busy = 0;

	LIST_FOREACH(n, &api->wires) {
		const struct wire *w = container_of(n, const struct wire, link);

		busy += w->call && !w->stream;
	}
	return busy;
}

static struct wire *
wire_new(struct api *api)
{
	struct wire *w = mem_zalloc(sizeof *w);
	struct conn_to to = { .connect_ms = CONNECT_MS, .name = api->creds.name };

	to.addr = api->addr[api->addr_at];
	to.addr_len = api->addr_len[api->addr_at];
	to.tls = api->creds.tls ? api->tls : NULL;
	to.ctx = api->tls_ctx;
	w->api = api;
	w->creds_gen = api->creds_gen;
	w->conn = conn_new(api->env.base, &to, &wire_ops, w);
	list_push_back(&api->wires, &w->link);
	api->st.connections++;
	return w;
}

static void
call_start(struct api *api, struct call *c)
{
	struct wire *w = wire_idle(api);

	if (!w)
		w = wire_new(api);
	list_remove(&c->link);
	list_push_back(&api->running, &c->link);
	w->call = c;
	w->stream = c->stream;
	c->wire = w;
	http1_init(&c->http);
	request_write(w, c);
	arm(c->timer, c->head_ms);
}

/* Those that wait now, not those that the answers bring. */
static void
fail_waiting(struct api *api, const char *why)
{
	uint32_t last = api->next_id;
	char words[CREDS_WHY_MAX];
	struct list *n;

	snprintf(words, sizeof words, "%s", why);
	while ((n = list_first(&api->waiting))) {
		struct call *c = container_of(n, struct call, link);

		if ((int32_t)(c->id - last) > 0)
			return;
		end_call(c, API_NO_SERVER, words);
	}
}

static struct ip_addr
place_of(const struct sockaddr *sa)
{
	struct ip_addr a = { .af = sa->sa_family == AF_INET ? IP4 : IP6 };

	if (a.af == IP4)
		memcpy(a.b, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	else
		memcpy(a.b, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	return a;
}

size_t
api_addresses(const struct api *api, struct ip_addr *ret, size_t cap)
{
	size_t n = api->nplaces < cap ? api->nplaces : cap;

	memcpy(ret, api->place, n * sizeof *ret);
	return n;
}

static void
add_address(struct api *api, const struct sockaddr *sa, socklen_t len)
{
	if (api->naddrs == RESOLVED_MAX || len > sizeof api->addr[0])
		return;
	memcpy(&api->addr[api->naddrs], sa, len);
	api->addr_len[api->naddrs++] = len;
	api->place[api->nplaces++] = place_of(sa);
}

static void
take_addresses(struct api *api, const struct evutil_addrinfo *res)
{
	struct ip_addr was[RESOLVED_MAX];
	size_t nwas = api->nplaces;
	bool same;

	memcpy(was, api->place, sizeof was);
	api->naddrs = api->addr_at = api->nplaces = 0;
	for (const struct evutil_addrinfo *r = res; r; r = r->ai_next)
		if (r->ai_family == AF_INET || r->ai_family == AF_INET6)
			add_address(api, r->ai_addr, r->ai_addrlen);
	same = nwas == api->nplaces;
	for (size_t i = 0; same && i < nwas; i++)
		same = ip_addr_eq(&was[i], &api->place[i]);
	if (api->env.moved && !same)
		api->env.moved(api->env.ctx);
}

static void
resolved(int err, struct evutil_addrinfo *res, void *arg)
{
	struct api *api = arg;
	char why[128];

	if (err == EVUTIL_EAI_CANCEL)
		return;
	api->resolving = NULL;
	api_timer_stop(api->resolve_timer);
	if (err == 0)
		take_addresses(api, res);
	if (res)
		evutil_freeaddrinfo(res);
	if (api->naddrs == 0) {
		snprintf(why, sizeof why, "cannot find %.60s: %s", api->creds.host,
		    err ? evutil_gai_strerror(err) : "no address");
		fail_waiting(api, why);
	}
	pump_soon(api);
}

static void
resolve_stop(struct api *api)
{
	api_timer_stop(api->resolve_timer);
	if (api->resolving)
		evdns_getaddrinfo_cancel(api->resolving);
	api->resolving = NULL;
}

static void
resolve_late(void *ctx)
{
	struct api *api = ctx;
	char why[128];

	resolve_stop(api);
	snprintf(why, sizeof why, "cannot find %.60s: no name server answers", api->creds.host);
	fail_waiting(api, why);
}

/* Trouble with name servers is told by resolved() and resolve_late(). */
static void
ignore_words(int severity, const char *msg)
{
}

static struct evdns_base *
dns_new(struct event_base *base)
{
	struct evdns_base *dns;

	evdns_set_log_fn(ignore_words);
	dns = evdns_base_new(base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	return dns ? dns : evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE); /* no resolv.conf */
}

/* Is the address known? If not, it will be asked for. */
static bool
resolve(struct api *api)
{
	struct evutil_addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC };
	char port[8];

	if (api->naddrs > 0)
		return true;
	if (api->resolving)
		return false;
	if (!api->dns)
		api->dns = dns_new(api->env.base);
	api_timer_set(api->resolve_timer, RESOLVE_MS);
	snprintf(port, sizeof port, "%u", api->creds.port);
	api->resolving = evdns_getaddrinfo(api->dns, api->creds.host, port, &hints, resolved, api);
	return api->naddrs > 0; /* an address in words is resolved at once */
}

static void
pump(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;
	struct list *n, *tmp;
	size_t busy = wires_busy(api);

	if (list_is_empty(&api->waiting))
		return;
	if (!api->have_creds) {
		fail_waiting(api, api->why);
		return;
	}
	if (!resolve(api))
		return;
	LIST_FOREACH_SAFE(n, tmp, &api->waiting) {
		struct call *c = container_of(n, struct call, link);

		if (!c->stream && !c->probe && busy >= CONNS_MAX)
			continue;
		busy += !c->stream;
		call_start(api, c);
	}
}

/* A path goes into the request line: it is one word. */
static char *
path_dup(const char *path)
{
	char *p = mem_strdup(path);

	for (char *s = p; *s; s++)
		if (*s <= ' ' || *s == 0x7f)
			*s = '_'; /* our own mistake; the server answers that there is no such thing */
	return p;
}

uint32_t
api_call(struct api *api, const struct api_call_spec *spec, const struct api_call_ops *ops, void *ctx)
{
	struct call *c = mem_zalloc(sizeof *c);

	c->api = api;
	c->id = ++api->next_id ? api->next_id : ++api->next_id;
	c->method = mem_strdup(spec->req.method);
	c->path = path_dup(spec->req.path);
	c->type = mem_strdup(spec->req.type ? spec->req.type : "application/json");
	if (spec->req.body) {
		char *text = json_dumps(spec->req.body, JSON_COMPACT);

		c->body = mem_strdup(text ? text : "null");
		c->body_len = strlen(c->body);
		free(text);
	}
	c->stream = spec->stream;
	c->head_ms = spec->head_ms ? spec->head_ms : HEAD_MS;
	c->idle_ms = spec->idle_ms;
	c->ops = ops;
	c->ctx = ctx;
	c->timer = event_new(api->env.base, -1, 0, call_timeout, c);
	list_push_back(&api->waiting, &c->link);
	pump_soon(api);
	return c->id;
}

static struct call *
call_find(struct list *l, uint32_t id)
{
	struct list *n;

	LIST_FOREACH(n, l)
		if (container_of(n, struct call, link)->id == id)
			return container_of(n, struct call, link);
	return NULL;
}

static void send_forget(struct call *c);

void
api_cancel(struct api *api, uint32_t id)
{
	struct call *c = call_find(&api->running, id);

	if (!c)
		c = call_find(&api->waiting, id);
	if (!c)
		return;
	send_forget(c);
	if (c->wire)
		wire_release(c->wire, false);
	call_free(c);
	pump_soon(api);
}

/* ---- api_send() --------------------------------------------------------------------- */

struct send {
	void (*done)(void *ctx, const struct api_answer *ans);
	void *ctx;
	char *body;
	size_t len, cap;
	bool too_long;
};

static void
send_octets(void *ctx, const uint8_t *p, size_t n)
{
	struct send *s = ctx;

	if (s->too_long || n > BODY_MAX - s->len) {
		s->too_long = true;
		return;
	}
	if (s->len + n > s->cap) {
		s->cap = (s->len + n) * 2;
		s->body = mem_realloc(s->body, s->cap);
	}
	memcpy(s->body + s->len, p, n);
	s->len += n;
}

static void
send_free(struct send *s)
{
	if (s->body)
		explicit_bzero(s->body, s->len); /* of a Secret, perhaps */
	mem_free(s->body);
	mem_free(s);
}

static void
send_end(void *ctx, const struct api_end *e)
{
	struct send *s = ctx;
	struct api_answer a = { .why = e->why, .retry_after_ms = e->retry_after ? e->retry_after_ms : 0 };
	json_t *body = NULL;

	if (e->kind == API_OK || e->kind == API_REFUSED)
		a.status = e->status;
	if (e->kind == API_OK && s->too_long) {
		a.status = 0;
		a.why = "the answer is too long";
	} else if (e->kind == API_OK && s->len > 0) {
		body = json_loadb(s->body, s->len, 0, NULL);
	}
	a.body = body ? body : e->body;
	s->done(s->ctx, &a);
	json_decref(body);
	send_free(s);
}

static const struct api_call_ops send_ops = { NULL, send_octets, send_end };

static void
send_forget(struct call *c)
{
	if (c->ops == &send_ops)
		send_free(c->ctx);
}

uint32_t
api_send(struct api *api, const struct api_req *req,
    void (*done)(void *ctx, const struct api_answer *ans), void *ctx)
{
	struct api_call_spec spec = { .req = *req, .idle_ms = SEND_IDLE_MS };
	struct send *s = mem_zalloc(sizeof *s);

	s->done = done;
	s->ctx = ctx;
	return api_call(api, &spec, &send_ops, s);
}

/* ---- credentials ------------------------------------------------------------------------ */

/* TLS for these credentials; false: the reason is in api->why. */
static bool
trust(struct api *api, const struct creds *k)
{
	struct tls_trust t = { .ca = k->ca, .cert = k->cert, .key = k->key };
	struct tls_ctx *ctx;
	char why[TLS_WHY_MAX];

	if (!k->tls)
		return true;
	if (!api->tls)
		api->tls = tls_load(why);
	ctx = api->tls ? api->tls->ctx_new(&t, why) : NULL;
	if (!ctx) {
		snprintf(api->why, sizeof api->why, "%s", why);
		return false;
	}
	if (api->tls_ctx)
		api->tls->ctx_free(api->tls_ctx);
	api->tls_ctx = ctx;
	return true;
}

/* Another server, or another identity: connections made before are not used again. */
static void
adopt(struct api *api, struct creds *k)
{
	bool moved = !api->have_creds || strcmp(api->creds.host, k->host) != 0 ||
		     api->creds.port != k->port;

	creds_free(&api->creds);
	api->creds = *k;
	api->have_creds = true;
	api->refused = false;
	api->creds_gen++;
	if (moved) {
		resolve_stop(api);
		api->naddrs = api->addr_at = 0;
	}
	snprintf(api->url, sizeof api->url, strchr(k->host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
	    k->tls ? "https" : "http", k->host, k->port);
}

/* Read everything again; what cannot be read leaves what we have. */
static void
load_creds(struct api *api)
{
	struct creds k;
	char why[CREDS_WHY_MAX];

	if (!creds_load(&api->env.creds, &k, why)) {
		if (!api->have_creds)
			snprintf(api->why, sizeof api->why, "%s", why);
	} else if (api->have_creds && creds_equal(&api->creds, &k)) {
		creds_free(&k);
	} else if (api->have_creds && creds_same_server(&api->creds, &k)) {
		adopt(api, &k); /* a new token */
		tell_listeners(api, true);
	} else if (trust(api, &k)) {
		adopt(api, &k);
		tell_listeners(api, true);
	} else {
		creds_free(&k);
	}
}

static void
close_idle(struct api *api)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &api->wires) {
		struct wire *w = container_of(n, struct wire, link);

		if (!w->call && w->rounds++ > 0)
			wire_free(w);
	}
}

static void
creds_again(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;

	bool soon;

	load_creds(api);
	close_idle(api);
	soon = !api->have_creds || api->refused;
	arm(api->creds_ev, soon ? CREDS_SOON_MS : CREDS_AGAIN_S * 1000);
	pump_soon(api);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static char *
dup_or_null(const char *s)
{
	return s ? mem_strdup(s) : NULL;
}

struct api *
api_new(const struct api_env *env)
{
	struct api *api = mem_zalloc(sizeof *api);

	api->env = *env;
	api->env.creds.kubeconfig = api->kubeconfig = dup_or_null(env->creds.kubeconfig);
	api->env.creds.server = api->server = dup_or_null(env->creds.server);
	api->env.creds.namespace = api->namespace = dup_or_null(env->creds.namespace);
	list_init(&api->waiting);
	list_init(&api->running);
	list_init(&api->wires);
	list_init(&api->listeners);
	list_init(&api->reflectors);
	rng_seed(&api->rng, env->seed);
	backoff_init(&api->probe_backoff, PROBE_LEAST_MS, PROBE_MOST_MS, api_seed(api));
	api->pump_ev = event_new(env->base, -1, 0, pump, api);
	api->creds_ev = event_new(env->base, -1, 0, creds_again, api);
	api->probe_timer = api_timer_new(api, probe_now, api);
	api->resolve_timer = api_timer_new(api, resolve_late, api);
	api->since = api_now(api);
	load_creds(api);
	arm(api->creds_ev, api->have_creds ? CREDS_AGAIN_S * 1000 : CREDS_SOON_MS);
	api_timer_set(api->probe_timer, 0);
	return api;
}

static void
drop_calls(struct list *l)
{
	struct list *n;

	while ((n = list_first(l))) {
		struct call *c = container_of(n, struct call, link);

		send_forget(c);
		call_free(c);
	}
}

void
api_free(struct api *api)
{
	struct list *n;

	if (!api)
		return;
	drop_calls(&api->waiting);
	drop_calls(&api->running);
	while ((n = list_first(&api->wires)))
		wire_free(container_of(n, struct wire, link));
	resolve_stop(api);
	if (api->dns)
		evdns_base_free(api->dns, 0);
	api_timer_free(api->probe_timer);
	api_timer_free(api->resolve_timer);
	event_free(api->pump_ev);
	event_free(api->creds_ev);
	if (api->tls_ctx)
		api->tls->ctx_free(api->tls_ctx);
	creds_free(&api->creds);
	mem_free(api->kubeconfig);
	mem_free(api->server);
	mem_free(api->namespace);
	mem_free(api);
}

void
api_look(const struct api *api, struct api_view *ret)
{
	*ret = api->st;
	ret->health = api->health;
	ret->since = api->since;
	ret->server = api->url;
	ret->credentials = api->have_creds ? creds_kind_str(&api->creds) : "";
	ret->namespace = api->have_creds ? api->creds.namespace : "";
	ret->why = api->why;
}

const char *
api_ca(const struct api *api)
{
	return api->have_creds ? api->creds.ca : NULL;
}

struct list *
api_reflectors(struct api *api)
{
	return &api->reflectors;
}
