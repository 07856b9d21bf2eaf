/*
 * The monitor; see nlmon.h.
 *
 * When the buffer has overflowed, recv() says ENOBUFS once and the queued rest is
 * still there: it is read to its end, and then everything is dumped and compared.
 */
#include "agent/nlmon.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include "lib/mem.h"

#define READS_A_TURN 512
#define MON_OCTETS   16384

struct nlmon {
	struct nl_sock *sk;
	struct fib *fib;
	uint32_t self;
	struct mono_us (*now)(void);
	bool overflow;
	struct nlmon_stats stats;
	struct nl_seen seen; /* scratch */
	char buf[MON_OCTETS] __attribute__((aligned(8)));
};

static const enum rtnetlink_groups groups[] = {
	RTNLGRP_LINK,	     RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
	RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV6_ROUTE,  RTNLGRP_NEXTHOP,
};

static int
join(struct nl_sock *sk)
{
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		/* A kernel before 5.3 has no group for nexthop objects. */
		if (nl_socket_add_membership(sk, (int)groups[i]) < 0 &&
		    groups[i] != RTNLGRP_NEXTHOP)
			return -1;
	}
	return 0;
}

static void
set_buffer(struct nl_sock *sk, size_t octets)
{
	int fd = nl_socket_get_fd(sk), v = (int)(octets / 2); /* the kernel doubles it */

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &v, sizeof(v)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &v, sizeof(v));
}

struct nlmon *
nlmon_new(struct nl_sock *sk, struct fib *f, uint32_t self, size_t octets,
    struct mono_us (*now)(void))
{
	struct nlmon *m;

	set_buffer(sk, octets);
	if (join(sk) < 0)
		return NULL;
	m = mem_zalloc(sizeof(*m));
	m->sk = sk;
	m->fib = f;
	m->self = self;
	m->now = now;
	return m;
}

void
nlmon_free(struct nlmon *m)
{
	mem_free(m);
}

void
nlmon_stats(const struct nlmon *m, struct nlmon_stats *ret)
{
	*ret = m->stats;
}

static void
take(struct nlmon *m, const struct nlmsghdr *h, struct mono_us t)
{
	uint32_t by = h->nlmsg_pid == m->self ? FIB_BY_SELF : h->nlmsg_pid;

	m->stats.messages++;
	if (nl_parse(h, &m->seen))
		nl_feed(m->fib, t, &m->seen, by);
}

bool
nlmon_read(struct nlmon *m)
{
	struct mono_us t = m->now();
	bool fed = false;
	int reads;

	for (reads = 0; reads < READS_A_TURN; reads++) {
		ssize_t got = recv(nl_socket_get_fd(m->sk), m->buf, sizeof(m->buf), MSG_DONTWAIT);
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)m->buf;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == ENOBUFS) {
			m->stats.overflows++;
			m->overflow = true;
			continue;
		}
		if (got <= 0) {
			if (m->overflow) {
				m->overflow = false;
				fib_overflow(m->fib, t);
				fed = true;
			}
			break;
		}
		fed = true;
		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			take(m, h, t);
	}
	return fed;
}
