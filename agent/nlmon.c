/*
 * The monitor socket; see nlmon.h.
 */
#include "agent/nlmon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Datagrams (one message each, mostly) taken in one turn of the loop: some 3 ms. */
#define TURN 2048
/* Some 20,000 messages. */
#define RCVBUF (16u << 20)

/*
 * Drop RTM_NEWROUTE and RTM_NEWNEXTHOP that answer to `self`. The filter loads in
 * network order what netlink has in the host's.
 */
static void
filter_own(const struct nlsock *s, uint32_t self)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(self), 0, 4),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWNEXTHOP), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog prog = { .len = sizeof code / sizeof code[0], .filter = code };

	/* Without it there is only more to read. */
	setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog);
}

static int
join_groups(const struct nlsock *s)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP };
	size_t i;

	for (i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		if (setsockopt(s->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
		    sizeof groups[i]) < 0 && groups[i] != RTNLGRP_NEXTHOP) /* since Linux 5.3 */
			return -errno;
	}
	return 0;
}

/* A socket that listens. 0 or -errno. */
static int
listen_with(const struct nlmon *m, struct nlsock *s)
{
	int err = nlsock_open(s);

	if (err < 0)
		return err;
	nlsock_set_rcvbuf(s, m->octets);
	filter_own(s, m->self);
	err = join_groups(s);
	if (err < 0)
		nlsock_close(s);
	return err;
}

int
nlmon_open(struct nlmon *m, uint8_t *recv, size_t octets, uint32_t self,
    const struct nlmon_ops *ops, void *ctx)
{
	*m = (struct nlmon){ .recv = recv,
		.ops = ops,
		.ctx = ctx,
		.octets = octets ? octets : RCVBUF,
		.self = self };
	return listen_with(m, &m->sock);
}

void
nlmon_close(struct nlmon *m)
{
	nlsock_close(&m->sock);
}

/* One datagram, or the news that some were lost. */
static void
on_datagram(struct nlmon *m, ssize_t n)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)m->recv;
	int left = (int)n;

	if (n < 0) {
		m->overflows++;
		m->ops->lost(m->ctx);
		return;
	}
	for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		m->notifications++;
		if (nl_parse(h, &m->seen))
			m->ops->object(m->ctx, &m->seen, h->nlmsg_pid);
	}
}

bool
nlmon_read(struct nlmon *m)
{
	int turn;

	for (turn = 0; turn < TURN; turn++) {
		ssize_t n = nlsock_recv(&m->sock, m->recv, NLSOCK_DATAGRAM);

		if (n == 0)
			return true;
		on_datagram(m, n);
	}
	return false;
}

/*
 * What came before the new socket was there has been read, and nothing came since: so whatever
 * comes now is in the new one.
 */
static bool
take_over(struct nlmon *m, struct nlsock *next)
{
	ssize_t n = nlsock_recv(&m->sock, m->recv, NLSOCK_DATAGRAM);

	if (n != 0) { /* perhaps in both */
		on_datagram(m, n);
		return false;
	}
	if (dup3(next->fd, m->sock.fd, O_CLOEXEC) < 0)
		return false;
	m->sock.port = next->port;
	return true;
}

bool
nlmon_renew(struct nlmon *m)
{
	struct nlsock next;
	bool done;

	if (!nlmon_read(m) || listen_with(m, &next) < 0)
		return false;
	done = take_over(m, &next);
	nlsock_close(&next);
	return done;
}
