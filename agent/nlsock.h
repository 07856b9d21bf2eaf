/*
 * A netlink socket: open, send, receive. Never blocks.
 *
 * Plain sockets and not libnl's: its receive loop peeks at each message, its
 * errors lose the errno, and its buffers are small.
 */
#ifndef AGENT_NLSOCK_H
#define AGENT_NLSOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* A datagram of the kernel's has at most 32 KiB (dumps), and more for a huge link. */
#define NLSOCK_DATAGRAM 65536

struct nlsock {
	int fd;	       /* -1: closed */
	uint32_t port; /* our address in nlmsg_pid */
};

/* Bound to a port of its own, with extended ACKs, capped. 0 or -errno (s is closed then). */
int nlsock_open(struct nlsock *s);
/* The same for another family of netlink (NETLINK_NETFILTER, ...). */
int nlsock_open_for(struct nlsock *s, int family);
void nlsock_close(struct nlsock *s);

/* Receive buffer of that many octets: beyond rmem_max where we may, else what is allowed. */
void nlsock_set_rcvbuf(const struct nlsock *s, size_t octets);

/* Send one datagram to the kernel, which handles it before this returns. 0 or -errno. */
int nlsock_send(const struct nlsock *s, const void *p, size_t len);
/* The same for one in n pieces (IOV_MAX at most). */
int nlsock_sendv(const struct nlsock *s, const struct iovec *v, size_t n);

/*
 * Receive one datagram. Its length; 0: none is there; -errno: -ENOBUFS for lost
 * ones, -EMSGSIZE for one that did not fit. Datagrams of other processes are dropped.
 */
ssize_t nlsock_recv(const struct nlsock *s, void *p, size_t cap);

#endif
