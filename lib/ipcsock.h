/*
 * SOCK_SEQPACKET pairs between the processes: the kernel keeps message boundaries,
 * and descriptors travel beside the octets (SCM_RIGHTS). Nobody blocks here.
 *
 * One of the three modules of this library, with clock and logmain, that make system calls; never used by a core.
 */
#ifndef LIB_IPCSOCK_H
#define LIB_IPCSOCK_H

#include <stddef.h>
#include <sys/types.h>

#define IPCSOCK_FDS_MAX 4

/* A connected pair, close-on-exec and non-blocking. 0 or -errno. */
int ipcsock_pair(int ret_fd[2]);

/*
 * Make fd (inherited) close-on-exec and non-blocking, and check that it is a
 * SOCK_SEQPACKET socket of AF_UNIX. 0 or -errno (-EPROTOTYPE: another kind).
 */
int ipcsock_adopt(int fd);

/*
 * Send one message of len octets (at least 1) with nfds (0 to IPCSOCK_FDS_MAX)
 * descriptors, which stay the caller's. All or nothing. 0, -EAGAIN when the other
 * side's queue is full, -EMSGSIZE when the kernel would not take so long a message,
 * -EINVAL for a len or nfds out of range, -EPIPE when nobody listens (no signal is
 * raised), else -errno.
 */
int ipcsock_send(int fd, const void *buf, size_t len, const int *fds, size_t nfds);

/*
 * Receive one message into buf (cap octets) and its descriptors, close-on-exec,
 * into fds (room for max_fds), their number into *ret_nfds (0 on failure).
 * Returns its length, at least 1; 0 at the end (the other side has closed);
 * -EAGAIN when nothing waits; -EMSGSIZE when it was longer than cap or brought more
 * descriptors than max_fds: it is consumed, and all its descriptors are closed;
 * else -errno. fds may be NULL when max_fds is 0.
 */
ssize_t ipcsock_recv(int fd, void *buf, size_t cap, int *fds, size_t max_fds, size_t *ret_nfds);

/* Close n descriptors; those below 0 are skipped. */
void ipcsock_close_all(const int *fds, size_t n);

#endif
