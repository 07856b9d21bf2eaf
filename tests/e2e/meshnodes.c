/*
 * Many nodes of a cluster in one process, as far as a BGP speaker sees them: whoever connects to
 * port 179 of 10.8.H.L is node N = 256 * H + L of AS 64512, which announces its pod range
 * 10.(128 + N / 256).(N mod 256).0/24 and keeps the session up. For a namespace to which the whole
 * range is local (`ip route add local 10.8.0.0/17 dev lo`).
 *
 * usage: meshnodes
 * Prints "sessions N" whenever a second began with another number of them than the last.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AS	      64512
#define HOLD_S	      90
#define KEEPALIVE_S   3
#define CONNS_MAX     8192
#define HEADER	      19
#define T_OPEN	      1
#define T_UPDATE      2
#define T_KEEPALIVE   4
#define EVENTS	      256

struct conn {
	bool open, up;
	uint8_t addr[4]; /* that was connected to */
	uint8_t in[4096 + HEADER];
	size_t len;
};

static struct conn conns[CONNS_MAX]; /* by descriptor */
static int poll_fd;

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void
drop(int fd)
{
	conns[fd].open = conns[fd].up = false;
	close(fd);
}

/* A message of that type; what does not fit into an empty socket buffer ends the session. */
static void
say(int fd, uint8_t type, const uint8_t *body, size_t len)
{
	uint8_t m[256];
	size_t n = HEADER + len;

	memset(m, 0xff, 16);
	m[16] = (uint8_t)(n >> 8);
	m[17] = (uint8_t)n;
	m[18] = type;
	memcpy(m + HEADER, body, len);
	if (conns[fd].open && send(fd, m, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
		drop(fd);
}

/* RFC 4271 section 4.2, with IPv4 (RFC 4760) and 4-octet AS numbers (RFC 6793). */
static void
say_open(int fd)
{
	uint8_t b[] = { 4, AS >> 8, AS & 255, 0, HOLD_S, 0, 0, 0, 0, 14, 2, 12, 1, 4, 0, 1, 0, 1, 65, 4, 0, 0,
		AS >> 8, AS & 255 };

	memcpy(b + 5, conns[fd].addr, 4);
	say(fd, T_OPEN, b, sizeof(b));
	say(fd, T_KEEPALIVE, b, 0);
}

/* The node's own range: ORIGIN, empty AS_PATH, NEXT_HOP, LOCAL_PREF (section 4.3), End-of-RIB. */
static void
say_routes(int fd)
{
	const uint8_t *a = conns[fd].addr;
	uint8_t b[] = { 0, 0, 0, 21, 0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, a[0], a[1], a[2], a[3], 0x40, 5, 4, 0,
		0, 0, 100, 24, 10, (uint8_t)(128 + a[2]), a[3] };

	say(fd, T_UPDATE, b, sizeof(b));
	memset(b, 0, 4);
	say(fd, T_UPDATE, b, 4);
}

static void
take_messages(int fd)
{
	struct conn *c = &conns[fd];
	size_t n;

	while (c->open && c->len >= HEADER) {
		n = (size_t)c->in[16] << 8 | c->in[17];
		if (n < HEADER || n > sizeof(c->in)) {
			drop(fd);
			return;
		}
		if (c->len < n)
			return;
		if (c->in[18] == T_KEEPALIVE && !c->up) {
			c->up = true;
			say_routes(fd);
		}
		c->len -= n;
		memmove(c->in, c->in + n, c->len);
	}
}

static void
take_input(int fd)
{
	struct conn *c = &conns[fd];
	ssize_t n;

	while (c->open) {
		n = recv(fd, c->in + c->len, sizeof(c->in) - c->len, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			drop(fd);
			return;
		}
		c->len += (size_t)n;
		take_messages(fd);
	}
}

static void
take_connection(int listener)
{
	struct sockaddr_in to;
	socklen_t len = sizeof(to);
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return;
	if (fd >= CONNS_MAX || getsockname(fd, (struct sockaddr *)&to, &len) < 0) {
		close(fd);
		return;
	}
	conns[fd] = (struct conn){ .open = true };
	memcpy(conns[fd].addr, &to.sin_addr, 4);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		fail("epoll_ctl");
	say_open(fd);
}

static int
listen_all(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(179) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 4096) < 0)
		fail("port 179");
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		fail("epoll_ctl");
	return fd;
}

/* Once a second: keepalives, a share of the sessions each time, and the count. */
static void
tick(unsigned second)
{
	static unsigned last;
	unsigned up = 0;

	for (int fd = 0; fd < CONNS_MAX; fd++) {
		if (!conns[fd].up)
			continue;
		up++;
		if ((unsigned)fd % KEEPALIVE_S == second % KEEPALIVE_S)
			say(fd, T_KEEPALIVE, conns[fd].in, 0);
	}
	if (up != last)
		printf("sessions %u\n", up);
	fflush(stdout);
	last = up;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
main(void)
{
	struct epoll_event ev[EVENTS];
	int64_t next = now_ms() + 1000;
	unsigned seconds = 0;
	int listener, n;

	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	listener = listen_all();
	for (;;) {
		int64_t left = next - now_ms();

		n = epoll_wait(poll_fd, ev, EVENTS, left > 0 ? (int)left : 0);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == listener)
				take_connection(listener);
			else
				take_input(ev[i].data.fd);
		}
		if (now_ms() >= next) {
			tick(seconds++);
			next += 1000;
		}
	}
}
