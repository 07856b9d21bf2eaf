/*
 * HTTP on loopback: /metrics, /livez, /readyz.
 *
 * evhttp parses the requests; only GET and HEAD, short headers, no body, and
 * HTTP_REQS_MAX answers under way.  What only bgpd knows is asked for with a query;
 * an answer waits for it ASK_TIMEOUT_S, then says 503 and why.  A port that is in
 * use is an event, a warning in `weft status` and another attempt every RETRY_S,
 * and never the end of the agent.
 *
 *	/livez   200 while bgpd answers, and for GRACE_S after it ended: it is being
 *		 started again, and killing the agent would not help.
 *	/readyz  200 when routes can be relied on: configuration in force, the restart's
 *		 deferral over and its result in the kernel, ops.ready.minPeers sessions.
 */
#include "agent/http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "agent/bmp.h"
#include "agent/metrics.h"
#include "agent/kube/kube.h"
#include "agent/routed.h"
#include "agent/views.h"
#include "lib/list.h"
#include "lib/mem.h"

#define HTTP_REQS_MAX	16
#define HTTP_HEADERS_MAX 8192
#define HTTP_TIMEOUT_S	10
#define ASK_TIMEOUT_S	2
#define RETRY_S		10
#define GRACE_S		60
#define CREDIT		128

enum http_kind { HTTP_METRICS, HTTP_LIVE, HTTP_READY };

struct http {
	struct agent *a;
	char addr[96];
	struct evhttp *ev; /* NULL while the port is in use */
	struct event *retry;
	struct list reqs;
	unsigned nreqs;
	char problem[256];
};

/* A request that waits for bgpd. */
struct http_req {
	struct list node;
	struct http *h;
	struct evhttp_request *req;
	struct evhttp_connection *conn;
	enum http_kind kind;
	struct event *timeout;
	struct metrics *m;
	bool asking;
	uint32_t query, credit;
	struct ipc_row_stats stats;
	bool have_stats;
};

const char *
http_problem(const struct http *h)
{
	return h ? h->problem : "";
}

/* ---- answers --------------------------------------------------------------- */

static void
reply(struct evhttp_request *req, int code, const char *type, const char *text, size_t len)
{
	struct evkeyvalq *head = evhttp_request_get_output_headers(req);
	struct evbuffer *body = NULL;
	char octets[24];

	snprintf(octets, sizeof(octets), "%zu", len);
	evhttp_add_header(head, "Content-Type", type);
	evhttp_add_header(head, "Content-Length", octets);
	evhttp_add_header(head, "Cache-Control", "no-store");
	if (evhttp_request_get_command(req) != EVHTTP_REQ_HEAD)
		body = evbuffer_new();
	if (body)
		evbuffer_add(body, text, len);
	evhttp_send_reply(req, code, NULL, body);
	if (body)
		evbuffer_free(body);
}

static void reply_text(struct evhttp_request *req, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
reply_text(struct evhttp_request *req, int code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	n = n < 0 ? 0 : n < (int)sizeof(text) - 1 ? n : (int)sizeof(text) - 2;
	text[n++] = '\n';
	reply(req, code, "text/plain; charset=utf-8", text, (size_t)n);
}

/* ---- requests that wait ------------------------------------------------------ */

static void
on_conn_closed(struct evhttp_connection *conn, void *ctx)
{
	struct http_req *r = ctx;

	r->req = NULL; /* evhttp frees it */
	r->conn = NULL;
}

static void
req_free(struct http_req *r)
{
	if (r->asking)
		agent_query_cancel(r->h->a, r->query);
	if (r->conn)
		evhttp_connection_set_closecb(r->conn, NULL, NULL);
	list_remove(&r->node);
	r->h->nreqs--;
	event_free(r->timeout);
	metrics_free(r->m);
	mem_free(r);
}

/* Take the request out for its one answer; NULL: its client has left. */
static struct evhttp_request *
req_take(struct http_req *r)
{
	struct evhttp_request *req = r->req;

	r->req = NULL;
	req_free(r);
	return req;
}

static void
on_timeout(evutil_socket_t fd, short what, void *ctx)
{
	struct evhttp_request *req = req_take(ctx);

	if (req)
		reply_text(req, HTTP_SERVUNAVAIL, "weft-bgpd did not answer within %d s",
		    ASK_TIMEOUT_S);
}

static void
finish_metrics(struct http_req *r)
{
	const struct agent *a = r->h->a;
	struct evhttp_request *req;
	size_t len;
	char *text;

	for (size_t i = 0; i < a->npeers; i++)
		if (!metrics_has_peer(r->m, a->peers[i].id))
			metrics_add_peer(r->m, &a->peers[i], NULL);
	text = metrics_text(r->m, &len);
	req = req_take(r);
	if (req)
		reply(req, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, len);
	free(text);
}

static void
finish_live(struct http_req *r)
{
	const struct agent *a = r->h->a;
	uint64_t gone_s = mono_diff_us(agent_now(), a->bgpd_child.since) / 1000000;
	bool answered = r->have_stats;
	struct evhttp_request *req = req_take(r);
	char why[IPC_TEXT_MAX];

	if (!req)
		return;
	if (answered)
		reply_text(req, HTTP_OK, "ok");
	else if (gone_s < GRACE_S)
		reply_text(req, HTTP_OK, "ok, but weft-bgpd is being started again");
	else
		reply_text(req, HTTP_SERVUNAVAIL, "%s", view_bgpd_problem(a, why, sizeof(why)) ?
		    why : "weft-bgpd does not answer");
}

/* A cluster of one node has no peers to wait for. */
static uint32_t
peers_wanted(const struct agent *a)
{
	uint32_t min = a->conf ? a->conf->ops.ready_min_peers : 0;

	return kube_is_on(a->kube) && a->npeers < min ? (uint32_t)a->npeers : min;
}

/* What is missing, or "" when the node is ready. */
static void
ready_missing(const struct http_req *r, char *buf, size_t cap)
{
	const struct agent *a = r->h->a;
	uint32_t min = peers_wanted(a);
	struct fib_stats fs = { 0 };

	buf[0] = '\0';
	if (a->fib)
		fib_stats(a->fib, &fs);
	if (!a->conf)
		snprintf(buf, cap, "no configuration is in force");
	else if (!r->have_stats && !view_bgpd_problem(a, buf, cap))
		snprintf(buf, cap, "weft-bgpd did not answer");
	else if (!r->have_stats)
		return; /* the reason is in buf */
	else if (r->stats.deferring)
		snprintf(buf, cap, "after a restart, waiting for routes of %s",
		    r->stats.deferring_for[0] ? r->stats.deferring_for : "the peers");
	else if (a->conf->kernel.install && fs.stale)
		snprintf(buf, cap, "the first full set of routes is not in the kernel yet");
	else if (r->stats.established < min)
		snprintf(buf, cap, "%u session%s Established, at least %u wanted",
		    r->stats.established, r->stats.established == 1 ? " is" : "s are", min);
	else if (!routed_is_done(a->routed))
		routed_text(a->routed, buf, cap);
}

static void
finish_ready(struct http_req *r)
{
	struct evhttp_request *req;
	char why[512];

	ready_missing(r, why, sizeof(why));
	req = req_take(r);
	if (!req)
		return;
	if (why[0])
		reply_text(req, HTTP_SERVUNAVAIL, "not ready: %s", why);
	else
		reply_text(req, HTTP_OK, "ready");
}

/* ---- asking bgpd --------------------------------------------------------------- */

static void ask_peers(struct http_req *r);
static void ask_bmp(struct http_req *r);

static void
on_row(void *ctx, const struct ipc_msg *msg)
{
	struct http_req *r = ctx;
	const struct agent_peer *p;
	const struct conf_bmp *c;

	if (msg->type == IPC_ROW_STATS) {
		r->stats = msg->row_stats;
		r->have_stats = true;
	} else if (msg->type == IPC_ROW_PEER && r->m) {
		p = agent_peer_by_id(r->h->a, msg->row_peer.id);
		if (p && !metrics_has_peer(r->m, p->id))
			metrics_add_peer(r->m, p, &msg->row_peer);
	} else if (msg->type == IPC_ROW_BMP && r->m) {
		c = bmp_by_id(r->h->a->bmp, msg->row_bmp.id);
		if (c && !metrics_has_bmp(r->m, c->name))
			metrics_add_bmp(r->m, c, &msg->row_bmp);
	}
	if (r->credit && --r->credit == CREDIT / 2) {
		r->credit += CREDIT / 2;
		agent_query_more(r->h->a, r->query, CREDIT / 2);
	}
}

static void
on_stats_end(void *ctx, uint8_t status, bool lost)
{
	struct http_req *r = ctx;

	r->asking = false;
	switch (r->kind) {
	case HTTP_LIVE:
		finish_live(r);
		return;
	case HTTP_READY:
		finish_ready(r);
		return;
	case HTTP_METRICS:
		break;
	}
	if (r->have_stats)
		metrics_add_stats(r->m, &r->stats);
	if (lost)
		finish_metrics(r);
	else
		ask_peers(r);
}

static void
on_peers_end(void *ctx, uint8_t status, bool lost)
{
	struct http_req *r = ctx;

	const struct conf *c = r->h->a->conf;

	r->asking = false;
	if (!lost && c && c->bmp.n > 0)
		ask_bmp(r);
	else
		finish_metrics(r);
}

static void
on_bmp_end(void *ctx, uint8_t status, bool lost)
{
	struct http_req *r = ctx;

	r->asking = false;
	finish_metrics(r);
}

static void
ask(struct http_req *r, uint8_t kind, const struct query_ops *ops)
{
	struct ipc_query q = { .kind = kind, .credit = CREDIT };

	r->credit = CREDIT;
	r->asking = true;
	r->query = agent_query(r->h->a, &q, ops, r);
}

static void
ask_peers(struct http_req *r)
{
	static const struct query_ops ops = { .row = on_row, .end = on_peers_end };

	ask(r, IPC_Q_PEERS, &ops);
}

static void
ask_bmp(struct http_req *r)
{
	static const struct query_ops ops = { .row = on_row, .end = on_bmp_end };

	ask(r, IPC_Q_BMP, &ops);
}

static void
ask_stats(struct http_req *r)
{
	static const struct query_ops ops = { .row = on_row, .end = on_stats_end };

	ask(r, IPC_Q_STATS, &ops);
}

/* ---- the server ------------------------------------------------------------------ */

static void
begin(struct http *h, struct evhttp_request *req, enum http_kind kind)
{
	static const struct timeval timeout = { .tv_sec = ASK_TIMEOUT_S };
	struct http_req *r;

	if (h->nreqs >= HTTP_REQS_MAX) {
		reply_text(req, HTTP_SERVUNAVAIL, "too many requests at the same time");
		return;
	}
	r = mem_zalloc(sizeof(*r));
	r->h = h;
	r->req = req;
	r->kind = kind;
	r->conn = evhttp_request_get_connection(req);
	r->timeout = event_new(h->a->base, -1, 0, on_timeout, r);
	if (kind == HTTP_METRICS)
		r->m = metrics_new(h->a);
	list_push_back(&h->reqs, &r->node);
	h->nreqs++;
	evhttp_connection_set_closecb(r->conn, on_conn_closed, r);
	event_add(r->timeout, &timeout);
	ask_stats(r);
}

static void
on_request(struct evhttp_request *req, void *ctx)
{
	static const struct {
		const char *path;
		enum http_kind kind;
	} paths[] = { { "/metrics", HTTP_METRICS }, { "/livez", HTTP_LIVE },
		{ "/readyz", HTTP_READY } };
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	for (size_t i = 0; path && i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (strcmp(path, paths[i].path) == 0) {
			begin(ctx, req, paths[i].kind);
			return;
		}
	}
	if (path && (!*path || strcmp(path, "/") == 0))
		reply_text(req, HTTP_OK, "weft-agent\n/metrics\n/livez\n/readyz");
	else
		reply_text(req, HTTP_NOTFOUND, "here are /metrics, /livez and /readyz");
}

/* A listening socket, or -errno. */
static int
http_listen(const char *addr)
{
	struct sockaddr_storage ss;
	int fd, err, one = 1, len = sizeof(ss);

	if (evutil_parse_sockaddr_port(addr, (struct sockaddr *)&ss, &len) < 0)
		return -EINVAL;
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&ss, (socklen_t)len) < 0 || listen(fd, 64) < 0) {
		err = errno;
		close(fd);
		return -err;
	}
	return fd;
}

/* 0 or -errno. */
static int
http_start(struct http *h)
{
	int fd = http_listen(h->addr);

	if (fd < 0)
		return fd;
	h->ev = evhttp_new(h->a->base);
	if (!h->ev || evhttp_accept_socket(h->ev, fd) < 0)
		abort(); /* out of memory */
	evhttp_set_allowed_methods(h->ev, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(h->ev, HTTP_HEADERS_MAX);
	evhttp_set_max_body_size(h->ev, 0);
	evhttp_set_timeout(h->ev, HTTP_TIMEOUT_S);
	evhttp_set_gencb(h->ev, on_request, h);
	h->problem[0] = '\0';
	return 0;
}

static void
retry_later(struct http *h)
{
	static const struct timeval later = { .tv_sec = RETRY_S };

	event_add(h->retry, &later);
}

static void
on_retry(evutil_socket_t fd, short what, void *ctx)
{
	struct http *h = ctx;

	if (http_start(h) == 0)
		events_addf(h->a->events, IPC_LVL_NOTICE, "metrics-up", "address=%s", h->addr);
	else
		retry_later(h);
}

struct http *
http_new(struct agent *a, const char *addr, int *ret_err)
{
	struct http *h;
	int rc;

	*ret_err = 0;
	if (!addr || !*addr)
		return NULL;
	h = mem_zalloc(sizeof(*h));
	h->a = a;
	list_init(&h->reqs);
	snprintf(h->addr, sizeof(h->addr), "%s", addr);
	h->retry = event_new(a->base, -1, 0, on_retry, h);
	rc = http_start(h);
	if (rc < 0) {
		*ret_err = -rc;
		snprintf(h->problem, sizeof(h->problem),
		    "no metrics and health checks: ops.metrics: cannot listen on %s: %s", h->addr,
		    strerror(-rc));
		events_addf(a->events, IPC_LVL_WARN, "metrics-down", "address=%s why=\"%s\"",
		    h->addr, strerror(-rc));
		retry_later(h);
	}
	return h;
}

void
http_free(struct http *h)
{
	struct list *n, *tmp;

	if (!h)
		return;
	LIST_FOREACH_SAFE(n, tmp, &h->reqs)
		req_free(container_of(n, struct http_req, node));
	if (h->ev)
		evhttp_free(h->ev);
	event_free(h->retry);
	mem_free(h);
}
