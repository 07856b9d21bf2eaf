/*
 * What bfdd is given: the memory with the state of its sessions and its
 * sockets.
 *
 * Both are weftd's, so that they outlive a bfdd: the next one finds the state,
 * the same source ports, and the packets that came meanwhile.
 *
 * Sources: RFC 5881 sections 4 and 5 (ports, hop limit 255), RFC 5883
 * section 5; ip(7), ipv6(7), memfd_create(2).
 */
#include "launch/weftd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/ipcsock.h"

#define PORT_SINGLE    3784
#define PORT_MULTI     4784
#define PORT_SEND      49152u /* the first of the range to send from (RFC 5881 section 4) */
#define PORT_SEND_N    16384u
#define BIND_ATTEMPTS  64
#define TOS_CS6	       0xc0
#define PRIORITY_CS6   6
#define RCVBUF_OCTETS  (256 * 1024)

struct option_row {
	int level, name, value;
};

static const struct option_row options4[] = {
	{ IPPROTO_IP, IP_TTL, 255 },
	{ IPPROTO_IP, IP_TOS, TOS_CS6 },
	{ IPPROTO_IP, IP_RECVTTL, 1 },
	{ IPPROTO_IP, IP_PKTINFO, 1 },
	{ SOL_SOCKET, SO_PRIORITY, PRIORITY_CS6 },
	{ 0, 0, 0 },
};
static const struct option_row options6[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255 },
	{ IPPROTO_IPV6, IPV6_TCLASS, TOS_CS6 },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1 },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
	{ SOL_SOCKET, SO_PRIORITY, PRIORITY_CS6 },
	{ 0, 0, 0 },
};

static int
bind_wildcard(int fd, bool v6, uint16_t port)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	return v6 ? bind(fd, (struct sockaddr *)&a6, sizeof(a6))
		  : bind(fd, (struct sockaddr *)&a4, sizeof(a4));
}

/* From a random start, so that another speaker on the node does not meet us there. */
static int
bind_sender(int fd, bool v6)
{
	uint32_t at = 0;

	if (getrandom(&at, sizeof(at), 0) != (ssize_t)sizeof(at))
		at = (uint32_t)getpid();
	for (unsigned i = 0; i < BIND_ATTEMPTS; i++)
		if (bind_wildcard(fd, v6, (uint16_t)(PORT_SEND + (at + i) % PORT_SEND_N)) == 0)
			return 0;
		else if (errno != EADDRINUSE)
			return -1;
	return -1;
}

/* A socket at that port (0: one to send from), or -errno; -EAFNOSUPPORT: no such family here. */
static int
open_socket(bool v6, uint16_t port)
{
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	const int room = RCVBUF_OCTETS;
	int err;

	if (fd < 0)
		return -errno;
	for (const struct option_row *o = v6 ? options6 : options4; o->name != 0; o++)
		if (setsockopt(fd, o->level, o->name, &o->value, sizeof(o->value)) != 0)
			goto fail;
	/* Less room is no reason to do without. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if ((port ? bind_wildcard(fd, v6, port) : bind_sender(fd, v6)) == 0)
		return fd;
fail:
	err = errno;
	close(fd);
	return -err;
}

/* Sealed: a bfdd gone astray neither takes it away under the next one's feet nor fills memory with it. */
static int
open_state(void)
{
	int fd = memfd_create("weft-bfd", MFD_CLOEXEC | MFD_ALLOW_SEALING), err;

	if (fd >= 0 && ftruncate(fd, LAUNCH_BFD_STATE_OCTETS) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	err = errno;
	if (fd >= 0)
		close(fd);
	return -err;
}

int
bfd_open(int fds[LAUNCH_BFD_NFDS], char ret_why[LAUNCH_TEXT_MAX])
{
	static const struct {
		bool v6;
		uint16_t port;
	} row[LAUNCH_BFD_NFDS] = {
		[LAUNCH_BFD_SINGLE4] = { false, PORT_SINGLE },
		[LAUNCH_BFD_SINGLE6] = { true, PORT_SINGLE },
		[LAUNCH_BFD_MULTI4] = { false, PORT_MULTI },
		[LAUNCH_BFD_MULTI6] = { true, PORT_MULTI },
		[LAUNCH_BFD_SEND4] = { false, 0 },
		[LAUNCH_BFD_SEND6] = { true, 0 },
	};

	memset(fds, -1, LAUNCH_BFD_NFDS * sizeof(fds[0]));
	for (int i = 0; i < LAUNCH_BFD_NFDS; i++) {
		int fd = i == LAUNCH_BFD_STATE ? open_state() : open_socket(row[i].v6, row[i].port);

		if (fd >= 0)
			fds[i] = fd;
		if (fd >= 0 || fd == -EAFNOSUPPORT)
			continue;
		snprintf(ret_why, LAUNCH_TEXT_MAX, "BFD, UDP port %u: %s", row[i].port, strerror(-fd));
		ipcsock_close_all(fds, LAUNCH_BFD_NFDS);
		return fd;
	}
	return 0;
}

void
bfd_forget(int fds[LAUNCH_BFD_NFDS])
{
	int fd = open_state();

	if (fd < 0)
		return;
	close(fds[LAUNCH_BFD_STATE]);
	fds[LAUNCH_BFD_STATE] = fd;
}
