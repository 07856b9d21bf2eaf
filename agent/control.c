/*
 * The control socket: connections, lines, who may do what, and back-pressure.
 *
 * One JSON object on a line is a request; the answer is lines of JSON, the last of
 * them {"end":...}; see weft(8), CONTROL PROTOCOL.  A client has one request at a
 * time; further ones wait in its input buffer.
 *
 * Nobody here is trusted more than file mode 0660 says: requests and clients are
 * bounded, a half request is given CONTROL_IDLE_S, and what a slow reader has not
 * taken stays below OUT_HIGH plus one row: rows are produced only while there is
 * room, and bgpd gets credit for more of them only then, so that a stalled pager
 * stalls its own query and nothing else.
 */
#include "agent/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "agent/control_req.h"
#include "lib/list.h"
#include "lib/mem.h"
#include "lib/userdb.h"

#define OUT_HIGH   (256u << 10) /* no more rows while so much is unread */
#define OUT_LOW	   (64u << 10)	/* rows again */
#define CREDIT	   64		/* rows of a query on their way at most */
#define ERROR_MAX  512

struct control {
	struct agent *a;
	int fd;
	struct event *accept_ev;
	struct list clients;
	unsigned nclients;
	uid_t owner;
	gid_t admin;
	bool has_admin;
};

struct control_client {
	struct list node;
	struct control *c;
	struct bufferevent *bev;
	struct event *idle; /* fires when no whole request came */
	struct event *late; /* fires when bgpd has not answered */
	struct event *fd_ev; /* waits for a descriptor; NULL: does not */
	void (*got_fd)(struct control_req *r, int fd);
	struct event *next; /* looks for the next request from a fresh stack */
	uid_t uid;
	bool may_change;
	bool eof;     /* it sends nothing more */
	bool closing; /* flush what is written, then close */

	/* the request being answered */
	bool busy;
	struct control_req req;
	struct out out;
	struct control_ticket *ticket;
	enum control_more (*pull)(struct control_req *r);
	bool in_pull;
	bool query_on;
	uint32_t query, credit; /* rows that may still come */
	void (*row)(struct control_req *r, const struct ipc_msg *msg);
	void (*end)(struct control_req *r, uint8_t status, bool lost);
};

struct control_ticket {
	struct control_client *cl; /* NULL: it has left */
};


/* ---- the end of things ---------------------------------------------------- */

static void
request_free(struct control_client *cl)
{
	if (!cl->busy)
		return;
	if (cl->query_on)
		agent_query_cancel(cl->c->a, cl->query);
	cl->query_on = false;
	event_del(cl->late);
	cl->pull = NULL;
	if (cl->fd_ev)
		event_free(cl->fd_ev);
	cl->fd_ev = NULL;
	if (cl->ticket)
		cl->ticket->cl = NULL;
	cl->ticket = NULL;
	control_cmd_free(&cl->req);
	cl->busy = false;
}

static void
client_free(struct control_client *cl)
{
	request_free(cl);
	list_remove(&cl->node);
	cl->c->nclients--;
	event_free(cl->idle);
	event_free(cl->late);
	event_free(cl->next);
	bufferevent_free(cl->bev);
	out_free(&cl->out);
	mem_free(cl);
}

/* Go on in the next turn of the loop: from a fresh stack, after everybody else's input. */
static void
client_wake(struct control_client *cl)
{
	static const struct timeval now = { 0 };

	event_add(cl->next, &now);
}

/* ---- writing -------------------------------------------------------------- */

static size_t
client_unread(const struct control_client *cl)
{
	return evbuffer_get_length(bufferevent_get_output(cl->bev));
}

/* Send the finished line in cl->out. */
static void
client_send(struct control_client *cl)
{
	out_lit(&cl->out, "\n");
	bufferevent_write(cl->bev, out_text(&cl->out), cl->out.len);
	out_reset(&cl->out);
}

struct out *
control_row(struct control_req *r)
{
	struct out *o = &r->client->out;

	out_open(o, NULL);
	out_open(o, "row");
	return o;
}

void
control_row_end(struct control_req *r)
{
	out_close(&r->client->out);
	out_close(&r->client->out);
	client_send(r->client);
}

void
control_row_raw(struct control_req *r, const char *json)
{
	struct out *o = &r->client->out;

	out_open(o, NULL);
	out_raw(o, "row", json);
	out_close(o);
	client_send(r->client);
}

void
control_warn(struct control_req *r, const char *fmt, ...)
{
	struct out *o = &r->client->out;
	char text[ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_open(o, NULL);
	out_str(o, "warning", text);
	out_close(o);
	client_send(r->client);
}

static void
client_send_end(struct control_client *cl, enum control_exit status, const char *error)
{
	struct out *o = &cl->out;

	out_open(o, NULL);
	out_open(o, "end");
	out_u64(o, "exit", (uint64_t)status);
	out_str(o, "error", error);
	out_close(o);
	out_close(o);
	client_send(cl);
}

void
control_end(struct control_req *r, enum control_exit status, const char *error)
{
	struct control_client *cl = r->client;

	client_send_end(cl, status, error);
	request_free(cl);
	client_wake(cl);
}

void
control_endf(struct control_req *r, enum control_exit status, const char *fmt, ...)
{
	char text[ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	control_end(r, status, text);
}

bool
control_has_room(const struct control_req *r)
{
	return client_unread(r->client) < OUT_HIGH;
}

/* ---- flow ----------------------------------------------------------------- */

static void
client_pull(struct control_client *cl)
{
	enum control_more more;

	if (cl->in_pull || !cl->busy || !cl->pull || client_unread(cl) >= OUT_HIGH)
		return;
	cl->in_pull = true;
	more = cl->pull(&cl->req);
	cl->in_pull = false;
	if (more == CONTROL_MORE)
		client_wake(cl);
}

void
control_pull(struct control_req *r, enum control_more (*fn)(struct control_req *r))
{
	r->client->pull = fn;
	client_pull(r->client);
}

/* While bgpd has credit, it owes a row or the end. */
static void
query_await(struct control_client *cl)
{
	static const struct timeval limit = { .tv_sec = CONTROL_ANSWER_S };

	if (cl->query_on && cl->credit)
		event_add(cl->late, &limit);
	else
		event_del(cl->late);
}

static void
query_refill(struct control_client *cl)
{
	uint32_t more = CREDIT - cl->credit;

	if (!cl->query_on || cl->credit > CREDIT / 2 || client_unread(cl) >= OUT_HIGH)
		return;
	cl->credit = CREDIT;
	agent_query_more(cl->c->a, cl->query, more);
}

static void
query_row(void *ctx, const struct ipc_msg *msg)
{
	struct control_client *cl = ctx;

	if (cl->credit)
		cl->credit--;
	cl->row(&cl->req, msg);
	query_refill(cl);
	query_await(cl);
}

static void
query_end(void *ctx, uint8_t status, bool lost)
{
	struct control_client *cl = ctx;

	cl->query_on = false;
	event_del(cl->late);
	cl->end(&cl->req, status, lost);
}

static void
on_late(evutil_socket_t fd, short what, void *ctx)
{
	struct control_client *cl = ctx;

	if (!cl->query_on)
		return;
	cl->c->a->bgpd_child.silent = true;
	agent_query_cancel(cl->c->a, cl->query);
	query_end(cl, 0, true);
}

void
control_query(struct control_req *r, const struct ipc_query *q,
    void (*row)(struct control_req *r, const struct ipc_msg *msg),
    void (*end)(struct control_req *r, uint8_t status, bool lost))
{
	static const struct query_ops ops = { .row = query_row, .end = query_end };
	struct control_client *cl = r->client;
	struct ipc_query mine = *q;

	mine.credit = cl->credit = CREDIT;
	cl->row = row;
	cl->end = end;
	cl->query_on = true;
	cl->query = agent_query(cl->c->a, &mine, &ops, cl);
	query_await(cl);
}

struct control_ticket *
control_ticket(struct control_req *r)
{
	struct control_ticket *t = mem_zalloc(sizeof(*t));

	t->cl = r->client;
	r->client->ticket = t;
	return t;
}

struct control_req *
control_redeem(struct control_ticket *t)
{
	struct control_client *cl = t->cl;

	mem_free(t);
	if (!cl)
		return NULL;
	cl->ticket = NULL;
	return &cl->req;
}

/* ---- a descriptor from the client ------------------------------------------- */

/* The one octet with a descriptor; -1: without one. False: the client is gone. */
static bool
fd_recv(int sock, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} ctl;
	char octet;
	struct iovec iov = { &octet, 1 };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.buf,
		.msg_controllen = sizeof(ctl.buf) };
	const struct cmsghdr *c;

	*ret_fd = -1;
	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0)
		return false;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return true;
}

static void
on_fd(evutil_socket_t sock, short what, void *ctx)
{
	struct control_client *cl = ctx;
	int fd;

	if ((what & EV_TIMEOUT) || !fd_recv(sock, &fd)) {
		client_free(cl);
		return;
	}
	event_free(cl->fd_ev);
	cl->fd_ev = NULL;
	bufferevent_enable(cl->bev, EV_READ);
	cl->got_fd(&cl->req, fd);
}

void
control_take_fd(struct control_req *r, void (*got)(struct control_req *r, int fd))
{
	static const struct timeval limit = { .tv_sec = CONTROL_IDLE_S };
	struct control_client *cl = r->client;

	bufferevent_disable(cl->bev, EV_READ); /* it would read the octet and drop the descriptor */
	cl->got_fd = got;
	cl->fd_ev = event_new(cl->c->a->base, bufferevent_getfd(cl->bev), EV_READ, on_fd, cl);
	event_add(cl->fd_ev, &limit);
	out_bool(control_row(r), "ready", true);
	control_row_end(r);
}

/* ---- reading -------------------------------------------------------------- */

static void
client_request(struct control_client *cl, const char *line, size_t len)
{
	char err[ERROR_MAX];
	enum control_exit status = CONTROL_USAGE;

	event_del(cl->idle);
	cl->busy = true;
	cl->req = (struct control_req){ .a = cl->c->a, .client = cl,
		.uid = cl->uid };
	if (!control_cmd_start(&cl->req, line, len, cl->may_change, err, sizeof(err), &status))
		control_end(&cl->req, status, err);
}

/* Flush and close: after an error that leaves the line structure unknown. */
static void
client_bye(struct control_client *cl, enum control_exit status, const char *why)
{
	bufferevent_disable(cl->bev, EV_READ);
	client_send_end(cl, status, why);
	cl->closing = true;
}

/* The next request out of the input buffer, if it is whole. */
static void
client_next(struct control_client *cl)
{
	static const struct timeval idle = { .tv_sec = CONTROL_IDLE_S };
	struct evbuffer *in = bufferevent_get_input(cl->bev);
	size_t len;
	char *line;

	if (cl->busy || cl->closing)
		return;
	line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
	if (line) {
		if (len > CONTROL_REQUEST_MAX)
			client_bye(cl, CONTROL_USAGE, "the request is longer than 65536 octets");
		else
			client_request(cl, line, len);
		free(line);
		return;
	}
	if (evbuffer_get_length(in) > CONTROL_REQUEST_MAX) {
		client_bye(cl, CONTROL_USAGE, "the request is longer than 65536 octets");
		return;
	}
	if (!cl->eof) {
		event_add(cl->idle, &idle);
		return;
	}
	cl->closing = true;
	if (!client_unread(cl))
		client_free(cl);
}

static void
on_next(evutil_socket_t fd, short what, void *ctx)
{
	struct control_client *cl = ctx;

	if (cl->busy)
		client_pull(cl);
	else
		client_next(cl);
}

static void
on_idle(evutil_socket_t fd, short what, void *ctx)
{
	client_free(ctx);
}

static void
on_read(struct bufferevent *bev, void *ctx)
{
	client_next(ctx);
}

/* The output buffer ran low. */
static void
on_write(struct bufferevent *bev, void *ctx)
{
	struct control_client *cl = ctx;

	if (cl->closing && !client_unread(cl)) {
		client_free(cl);
		return;
	}
	query_refill(cl);
	query_await(cl);
	client_pull(cl);
}

static void
on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct control_client *cl = ctx;

	if ((what & BEV_EVENT_EOF) && cl->busy && cl->req.on_eof) {
		cl->eof = true;
		cl->req.on_eof(&cl->req);
		return;
	}
	if (!(what & BEV_EVENT_EOF) || cl->closing ||
	    (cl->busy && cl->req.args.follow)) {
		client_free(cl);
		return;
	}
	/* Half closed, as `nc -N` does: it still gets its answers. */
	cl->eof = true;
	if (!cl->busy)
		client_next(cl);
}

/* ---- who ------------------------------------------------------------------ */

bool
control_may_change(const struct control_cred *cred, uid_t owner, const gid_t *admin)
{
	if (cred->uid == 0 || cred->uid == owner)
		return true;
	if (!admin)
		return false;
	if (cred->gid == *admin)
		return true;
	for (size_t i = 0; i < cred->ngroups; i++)
		if (cred->groups[i] == *admin)
			return true;
	return false;
}

/* False: the kernel does not say, so nothing is allowed that needs a right. */
static bool
cred_of(int fd, struct control_cred *ret)
{
	struct ucred uc;
	socklen_t len = sizeof(uc);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &uc, &len) < 0)
		return false;
	ret->uid = uc.uid;
	ret->gid = uc.gid;
	len = sizeof(ret->groups);
	/* Somebody in more groups than fit is judged by the first group alone. */
	ret->ngroups = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, ret->groups, &len) == 0 ?
	    len / sizeof(gid_t) : 0;
	return true;
}

/* ---- accepting ------------------------------------------------------------ */

static void
client_new(struct control *c, int fd)
{
	static const struct timeval stalled = { .tv_sec = CONTROL_STALLED_S };
	struct control_client *cl = mem_zalloc(sizeof(*cl));
	struct control_cred cred;

	cl->c = c;
	cl->bev = bufferevent_socket_new(c->a->base, fd, BEV_OPT_CLOSE_ON_FREE);
	cl->idle = event_new(c->a->base, -1, 0, on_idle, cl);
	cl->late = event_new(c->a->base, -1, 0, on_late, cl);
	cl->next = event_new(c->a->base, -1, 0, on_next, cl);
	out_init(&cl->out, false);
	cl->may_change = cred_of(fd, &cred) &&
	    control_may_change(&cred, c->owner, c->has_admin ? &c->admin : NULL);
	cl->uid = cl->may_change ? cred.uid : (uid_t)-1;
	list_push_back(&c->clients, &cl->node);
	c->nclients++;
	bufferevent_setcb(cl->bev, on_read, on_write, on_event, cl);
	bufferevent_setwatermark(cl->bev, EV_READ, 0, CONTROL_REQUEST_MAX + 1);
	bufferevent_setwatermark(cl->bev, EV_WRITE, OUT_LOW, 0);
	bufferevent_set_timeouts(cl->bev, NULL, &stalled);
	bufferevent_enable(cl->bev, EV_READ | EV_WRITE);
	client_next(cl);
}

static void
on_accept(evutil_socket_t lfd, short what, void *ctx)
{
	static const char full[] =
	    "{\"end\":{\"exit\":3,\"error\":\"too many clients on the control socket\"}}\n";
	struct control *c = ctx;
	/* cppcheck-suppress nullPointer ; accept(2): nothing is filled in then */
	int fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return; /* gone again, or out of descriptors: the next event tries again */
	if (c->nclients >= CONTROL_CLIENTS_MAX) {
		(void)!send(fd, full, sizeof(full) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	client_new(c, fd);
}

static void
on_new_event(void *ctx)
{
	struct control *c = ctx;
	struct control_client *cl;
	struct list *n;

	LIST_FOREACH(n, &c->clients) {
		cl = container_of(n, struct control_client, node);
		if (cl->busy && cl->req.args.follow)
			event_active(cl->next, EV_TIMEOUT, 0);
	}
}

/* ---- the listener ---------------------------------------------------------- */

/* 0 or -errno. */
static int
control_listen(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = CONTROL_SOCKET };
	int fd, err;
	mode_t old;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	unlink(CONTROL_SOCKET); /* a predecessor's: weftd lets one live in a run directory */
	old = umask(0117);
	err = bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 || listen(fd, 64) < 0 ? errno : 0;
	umask(old);
	if (err) {
		close(fd);
		return -err;
	}
	return fd;
}

/* Give the socket to group weft, if it exists and we may; otherwise our own group has it. */
static void
control_groups(struct control *c)
{
	uint32_t gid, admin = 0;

	if (userdb_find(USERDB_GROUP, CONTROL_GROUP, 0, &gid, NULL) && chown(CONTROL_SOCKET, (uid_t)-1, gid) < 0)
		events_addf(c->a->events, IPC_LVL_WARN, "control-group",
		    "why=\"cannot give %s to group %s: %s\"", CONTROL_SOCKET, CONTROL_GROUP,
		    strerror(errno));
	c->has_admin = userdb_find(USERDB_GROUP, CONTROL_ADMIN_GROUP, 0, &admin, NULL);
	c->admin = admin;
}

struct control *
control_new(struct agent *a, int *ret_err)
{
	struct control *c;
	int fd = control_listen();

	*ret_err = fd < 0 ? -fd : 0;
	if (fd < 0)
		return NULL;
	c = mem_zalloc(sizeof(*c));
	c->a = a;
	c->fd = fd;
	c->owner = geteuid();
	list_init(&c->clients);
	control_groups(c);
	c->accept_ev = event_new(a->base, fd, EV_READ | EV_PERSIST, on_accept, c);
	event_add(c->accept_ev, NULL);
	events_set_notify(a->events, on_new_event, c);
	return c;
}

void
control_free(struct control *c)
{
	struct list *n, *tmp;

	if (!c)
		return;
	events_set_notify(c->a->events, NULL, NULL);
	LIST_FOREACH_SAFE(n, tmp, &c->clients)
		client_free(container_of(n, struct control_client, node));
	event_free(c->accept_ev);
	close(c->fd);
	unlink(CONTROL_SOCKET);
	mem_free(c);
}
