/*
 * The monitor socket; see nlmon.h.
 */
#include "agent/nlmon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* Datagrams (one message each, mostly) taken in one turn of the loop: some 3 ms. */
#define TURN 2048
/* Some 20,000 messages. */
#define RCVBUF (16u << 20)

/*
 * Drop RTM_NEWROUTE and RTM_NEWNEXTHOP that answer to `self`. The filter loads in
 * network order what netlink has in the host's.
 */
static void
filter_own(const struct nlmon *m, uint32_t self)
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
	setsockopt(m->sock.fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog);
}

static int
join_groups(const struct nlmon *m)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP };
	size_t i;

	for (i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		if (setsockopt(m->sock.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
		    sizeof groups[i]) < 0 && groups[i] != RTNLGRP_NEXTHOP) /* since Linux 5.3 */
			return -errno;
	}
	return 0;
}

int
nlmon_open(struct nlmon *m, uint8_t *recv, size_t octets, uint32_t self,
    const struct nlmon_ops *ops, void *ctx)
{
	int err;

	memset(m, 0, sizeof *m);
	m->recv = recv;
	m->ops = ops;
	m->ctx = ctx;
	err = nlsock_open(&m->sock);
	if (err < 0)
		return err;
	nlsock_set_rcvbuf(&m->sock, octets ? octets : RCVBUF);
	filter_own(m, self);
	err = join_groups(m);
	if (err < 0)
		nlmon_close(m);
	return err;
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
