/*
 * One TCP connection with TLS on it, as a state machine that is stepped whenever the socket can be
 * read or written.
 */
#include "agent/kube/conn.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"

#define READ_MAX	16384 /* a TLS record */
#define READS_PER_TURN	16
#define KEEPALIVE_S	15 /* of silence, then every KEEPALIVE_GAP_S */
#define KEEPALIVE_GAP_S 5
#define KEEPALIVE_N	3
#define USER_TIMEOUT_MS 20000 /* that what we sent is not acknowledged */

enum state { ST_CONNECT, ST_HANDSHAKE, ST_UP, ST_LOST };

struct conn {
	int fd, err; /* err: of socket() or connect(), told from the loop */
	enum state state;
	const struct tls_ops *tls;
	struct tls *ssl;
	struct evbuffer *out;
	struct event *readable, *writable, *timer;
	const struct conn_ops *ops;
	void *ctx;
	bool stepping, freed;
};

static void
lose(struct conn *c, enum conn_end how, const char *why)
{
	if (c->state == ST_LOST)
		return;
	c->state = ST_LOST;
	event_del(c->readable);
	event_del(c->writable);
	event_del(c->timer);
	c->ops->lost(c->ctx, how, why);
}

static void
lose_errno(struct conn *c, int err)
{
	lose(c, c->state == ST_UP ? CONN_CUT : CONN_NO_SERVER, strerror(err));
}

/* What the TLS module answered that is not TLS_OK. True: wait for the socket. */
static bool
wait_tls(struct conn *c, enum tls_io io)
{
	switch (io) {
	case TLS_OK:
	case TLS_WANT_READ:
		return true;
	case TLS_WANT_WRITE:
		event_add(c->writable, NULL);
		return true;
	case TLS_END:
		lose(c, CONN_CLOSED, "the server closed the connection");
		return false;
	case TLS_CUT:
		lose(c, c->state == ST_UP ? CONN_CUT : CONN_NO_SERVER, "the connection was cut");
		return false;
	case TLS_FAIL:
		lose(c, c->state == ST_UP ? CONN_CUT : CONN_TLS, c->tls->why(c->ssl));
		return false;
	}
	return false;
}

static void
up(struct conn *c)
{
	c->state = ST_UP;
	event_del(c->timer);
	c->ops->up(c->ctx);
}

/* connect() has come to an end. */
static void
connected(struct conn *c)
{
	int err = c->err;
	socklen_t n = sizeof err;

	if (err == 0 && getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n) != 0)
		err = errno;
	if (err != 0)
		lose_errno(c, err);
	else if (c->ssl)
		c->state = ST_HANDSHAKE;
	else
		up(c);
}

/* True: go on. */
static bool
flush(struct conn *c)
{
	while (evbuffer_get_length(c->out) > 0) {
		struct evbuffer_iovec v;
		size_t n = 0;

		evbuffer_peek(c->out, -1, NULL, &v, 1);
		if (c->ssl) {
			enum tls_io io = c->tls->write(c->ssl, v.iov_base, v.iov_len, &n);

			if (io != TLS_OK)
				return wait_tls(c, io);
		} else {
			ssize_t r = send(c->fd, v.iov_base, v.iov_len, MSG_NOSIGNAL);

			if (r < 0 && (errno == EAGAIN || errno == EINTR)) {
				event_add(c->writable, NULL);
				return true;
			}
			if (r < 0) {
				lose_errno(c, errno);
				return false;
			}
			n = (size_t)r;
		}
		evbuffer_drain(c->out, n);
	}
	return true;
}

/* Octets, at least one: true. */
static bool
read_some(struct conn *c, uint8_t *buf, size_t *ret_n)
{
	ssize_t r;

	if (c->ssl) {
		enum tls_io io = c->tls->read(c->ssl, buf, READ_MAX, ret_n);

		if (io != TLS_OK)
			wait_tls(c, io);
		return io == TLS_OK;
	}
	r = recv(c->fd, buf, READ_MAX, 0);
	if (r == 0)
		lose(c, CONN_CLOSED, "the server closed the connection");
	else if (r < 0 && errno != EAGAIN && errno != EINTR)
		lose_errno(c, errno);
	*ret_n = r > 0 ? (size_t)r : 0;
	return r > 0;
}

/* A server that sends much does not keep the loop from everything else. */
static void
take(struct conn *c)
{
	uint8_t buf[READ_MAX];
	size_t n;

	for (int i = 0; i < READS_PER_TURN; i++) {
		if (c->freed || c->state != ST_UP || !read_some(c, buf, &n))
			return;
		c->ops->octets(c->ctx, buf, n);
	}
	if (!c->freed && c->state == ST_UP)
		event_active(c->readable, EV_READ, 0);
}

static void
destroy(struct conn *c)
{
	event_free(c->readable);
	event_free(c->writable);
	event_free(c->timer);
	if (c->ssl)
		c->tls->close(c->ssl);
	if (c->fd >= 0)
		close(c->fd);
	evbuffer_free(c->out);
	mem_free(c);
}

static void
step(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	c->stepping = true;
	if (c->state == ST_CONNECT && (what & (EV_WRITE | EV_TIMEOUT)))
		connected(c);
	if (c->state == ST_HANDSHAKE && !c->freed) {
		enum tls_io io = c->tls->handshake(c->ssl);

		if (io == TLS_OK)
			up(c);
		else
			wait_tls(c, io);
	}
	if (c->state == ST_UP && !c->freed && flush(c) && !c->freed)
		take(c);
	c->stepping = false;
	if (c->freed)
		destroy(c);
}

static void
too_slow(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	if (c->err) { /* failed at once: told from here */
		step(fd, what, arg);
		return;
	}
	lose(c, CONN_NO_SERVER, c->state == ST_CONNECT ?
		"no answer to the connection attempt" : "no answer to TLS's handshake");
}

static void
set_options(int fd)
{
	static const struct {
		int level, option, value;
	} set[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_GAP_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_N },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
	};

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		(void)setsockopt(fd, set[i].level, set[i].option, &set[i].value, sizeof(int));
}

/* 0, or the errno of what failed at once. */
static int
begin(struct conn *c, const struct conn_to *to)
{
	c->fd = socket(to->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return errno;
	set_options(c->fd);
	if (connect(c->fd, (const struct sockaddr *)&to->addr, to->addr_len) != 0 &&
	    errno != EINPROGRESS)
		return errno;
	if (to->tls)
		c->ssl = to->tls->open(to->ctx, c->fd, to->name);
	return to->tls && !c->ssl ? ENOMEM : 0;
}

struct conn *
conn_new(struct event_base *base, const struct conn_to *to, const struct conn_ops *ops, void *ctx)
{
	struct conn *c = mem_zalloc(sizeof *c);
	struct timeval limit = { to->connect_ms / 1000, to->connect_ms % 1000 * 1000 };
	static const struct timeval now = { 0, 0 };

	c->ops = ops;
	c->ctx = ctx;
	c->tls = to->tls;
	c->out = evbuffer_new();
	c->err = begin(c, to);
	c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, step, c);
	c->writable = event_new(base, c->fd, EV_WRITE, step, c);
	c->timer = event_new(base, -1, 0, too_slow, c);
	event_add(c->timer, c->err ? &now : &limit);
	if (c->err == 0) {
		event_add(c->readable, NULL);
		event_add(c->writable, NULL);
	}
	return c;
}

void
conn_free(struct conn *c)
{
	if (!c)
		return;
	if (!c->stepping) {
		destroy(c);
		return;
	}
	c->freed = true;
	event_del(c->readable);
	event_del(c->writable);
	event_del(c->timer);
}

void
conn_write(struct conn *c, const void *p, size_t n)
{
	evbuffer_add(c->out, p, n);
	if (c->state == ST_UP)
		event_active(c->writable, EV_WRITE, 0);
}
