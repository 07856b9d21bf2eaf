/*
 * The world of a running weft: connections are TCP connections to it, from the
 * addresses of this lane, and time is the clock's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/mem.h"
#include "tests/vectors/vec.h"

#define CONNS_MAX 16

struct tcp {
	struct tcp_conn {
		struct vec_conn *c;
		int fd;
	} conn[CONNS_MAX];
};

static uint64_t
now_us(struct vec_world *w)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
read_some(struct tcp_conn *tc)
{
	static uint8_t buf[1 << 17];
	ssize_t n = recv(tc->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0)
		vec_conn_append(tc->c, buf, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		tc->c->closed = true;
}

static void
pump(struct vec_world *w)
{
	struct tcp *t = w->ctx;
	struct pollfd p[CONNS_MAX];
	nfds_t n = 0;

	for (unsigned i = 0; i < CONNS_MAX; i++)
		if (t->conn[i].c && !t->conn[i].c->closed)
			p[n++] = (struct pollfd){ .fd = t->conn[i].fd, .events = POLLIN };
	if (poll(p, n, 20) <= 0)
		return;
	for (unsigned i = 0; i < CONNS_MAX; i++)
		for (nfds_t k = 0; k < n; k++)
			if (t->conn[i].c && t->conn[i].fd == p[k].fd && p[k].revents)
				read_some(&t->conn[i]);
}

static int
connect_from(const struct ip_addr *from)
{
	struct sockaddr_in me = { .sin_family = AF_INET }, weft = { .sin_family = AF_INET,
		.sin_port = htons(179) };
	struct ip_addr to = vec_weft_addr(IP4);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	memcpy(&me.sin_addr, from->b, 4);
	memcpy(&weft.sin_addr, to.b, 4);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&me, sizeof(me)) == 0 &&
	    connect(fd, (struct sockaddr *)&weft, sizeof(weft)) == 0)
		return fd;
	close(fd);
	return -1;
}

static struct vec_conn *
dial(struct vec_world *w, enum vec_kind kind)
{
	struct tcp *t = w->ctx;
	struct ip_addr from = vec_peer_addr(kind, w->lane, IP4);
	int fd = connect_from(&from);
	unsigned i = 0;

	if (fd < 0)
		return NULL;
	while (t->conn[i].c)
		i++;
	t->conn[i] = (struct tcp_conn){ .c = mem_zalloc(sizeof(struct vec_conn)), .fd = fd };
	t->conn[i].c->id = i;
	return t->conn[i].c;
}

/* Whatever the socket does not take at once waits for it; the other side may close meanwhile. */
static void
send_octets(struct vec_world *w, struct vec_conn *c, const uint8_t *buf, size_t n)
{
	struct tcp *t = w->ctx;
	ssize_t k;

	while (n > 0 && !c->closed) {
		k = send(t->conn[c->id].fd, buf, n, MSG_NOSIGNAL);
		if (k < 0)
			return; /* reading tells what became of it */
		buf += k;
		n -= (size_t)k;
	}
}

static void
finish(struct vec_world *w, struct vec_conn *c)
{
	struct tcp *t = w->ctx;

	shutdown(t->conn[c->id].fd, SHUT_WR);
}

static void
hang_up(struct vec_world *w, struct vec_conn *c)
{
	struct tcp *t = w->ctx;

	close(t->conn[c->id].fd);
	t->conn[c->id].c = NULL;
	mem_free(c->in);
	mem_free(c);
}

void
vec_tcp_open(struct vec_world *w, unsigned lane)
{
	*w = (struct vec_world){ .lane = lane, .ctx = mem_zalloc(sizeof(struct tcp)), .dial = dial,
		.send = send_octets, .finish = finish, .hang_up = hang_up, .pump = pump, .now_us = now_us };
}

void
vec_tcp_close(struct vec_world *w)
{
	mem_free(w->ctx);
}
