/*
 * Netlink sockets; see nlsock.h.
 */
#include "agent/nlsock.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

/* Absent in old kernels, which only means less text and more octets. */
static void
set_option(const struct nlsock *s, int option)
{
	int one = 1;

	setsockopt(s->fd, SOL_NETLINK, option, &one, sizeof one);
}

int
nlsock_open(struct nlsock *s)
{
	return nlsock_open_for(s, NETLINK_ROUTE);
}

int
nlsock_open_for(struct nlsock *s, int family)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof a;
	int err;

	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, family);
	if (s->fd < 0)
		return -errno;
	if (bind(s->fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&a, &len) < 0) {
		err = -errno;
		nlsock_close(s);
		return err;
	}
	s->port = a.nl_pid;
	set_option(s, NETLINK_EXT_ACK);
	set_option(s, NETLINK_CAP_ACK);
	return 0;
}

void
nlsock_close(struct nlsock *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void
nlsock_set_rcvbuf(const struct nlsock *s, size_t octets)
{
	int n = (int)octets;

	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof n) < 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof n);
}

int
nlsock_send(const struct nlsock *s, const void *p, size_t len)
{
	struct iovec v = { .iov_base = (void *)(uintptr_t)p, .iov_len = len };

	return nlsock_sendv(s, &v, 1);
}

int
nlsock_sendv(const struct nlsock *s, const struct iovec *v, size_t n)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr h = { .msg_name = &kernel,
		.msg_namelen = sizeof kernel,
		.msg_iov = (struct iovec *)(uintptr_t)v,
		.msg_iovlen = n };
	ssize_t sent;

	do
		sent = sendmsg(s->fd, &h, 0);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

ssize_t
nlsock_recv(const struct nlsock *s, void *p, size_t cap)
{
	struct iovec iov = { .iov_base = p, .iov_len = cap };
	struct sockaddr_nl from = { 0 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	for (;;) {
		h.msg_name = &from;
		h.msg_namelen = sizeof from;
		n = recvmsg(s->fd, &h, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (from.nl_pid != 0)
			continue; /* not the kernel's */
		return h.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
	}
}
