/*
 * Raw rtnetlink for the bench; see rtnl.h.
 */
#include "tests/bench/load/rtnl.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_OCTETS 65536

struct rtnl_msg
rtnl_begin(void *buf, size_t cap, uint16_t type, uint16_t flags, const void *head, size_t len)
{
	struct rtnl_msg m = { buf, cap };

	if (cap < NLMSG_SPACE(len))
		abort();
	memset(buf, 0, NLMSG_SPACE(len));
	memcpy(NLMSG_DATA(m.h), head, len);
	m.h->nlmsg_len = (uint32_t)NLMSG_SPACE(len);
	m.h->nlmsg_type = type;
	m.h->nlmsg_flags = NLM_F_REQUEST | flags;
	return m;
}

void *
rtnl_put(struct rtnl_msg *m, uint16_t type, const void *value, size_t len)
{
	struct rtattr *a = (struct rtattr *)(void *)((char *)m->h + m->h->nlmsg_len);

	if (m->h->nlmsg_len + RTA_SPACE(len) > m->cap)
		abort();
	memset(a, 0, RTA_SPACE(len));
	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), value, len);
	m->h->nlmsg_len += (uint32_t)RTA_SPACE(len);
	return RTA_DATA(a);
}

void *
rtnl_put_u32(struct rtnl_msg *m, uint16_t type, uint32_t value)
{
	return rtnl_put(m, type, &value, sizeof value);
}

struct rtattr *
rtnl_open(struct rtnl_msg *m, uint16_t type)
{
	char *value = rtnl_put(m, type, NULL, 0);

	return (struct rtattr *)(void *)(value - RTA_LENGTH(0));
}

void
rtnl_close(struct rtnl_msg *m, struct rtattr *a)
{
	a->rta_len = (uint16_t)((char *)m->h + m->h->nlmsg_len - (char *)a);
}

int
rtnl_in_netns(const char *netns, int (*fn)(void *arg), void *arg)
{
	char path[256];
	int home, there, ret;

	if (!netns)
		return fn(arg);
	snprintf(path, sizeof path, "/run/netns/%s", netns);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		err(2, "network namespace %s", netns);
	ret = fn(arg);
	if (setns(home, CLONE_NEWNET) < 0)
		err(2, "back from network namespace %s", netns);
	close(home);
	close(there);
	return ret;
}

static int
open_here(void *type)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | *(int *)type, NETLINK_ROUTE);
}

/* Answers without the request's octets, and what the kernel has to say about a refusal. */
static void
set_options(int fd, int rcvbuf)
{
	int one = 1;

	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
	if (rcvbuf && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof rcvbuf) < 0)
		err(2, "netlink receive buffer of %d octets", rcvbuf);
}

int
rtnl_socket(const char *netns, const unsigned *groups, int rcvbuf, bool nonblocking)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	int type = nonblocking ? SOCK_NONBLOCK : 0;
	int fd = rtnl_in_netns(netns, open_here, &type);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0)
		err(2, "netlink socket");
	set_options(fd, rcvbuf);
	for (; groups && *groups; groups++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, groups, sizeof *groups) < 0)
			err(2, "netlink group %u", *groups);
	return fd;
}

const struct rtattr *
rtnl_find(const struct rtattr *a, int octets, uint16_t type)
{
	unsigned len = octets > 0 ? (unsigned)octets : 0;

	for (; RTA_OK(a, len); a = RTA_NEXT(a, len))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}

/* The kernel's words about a refusal, or those of its number. */
static const char *
why(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	const size_t head = NLMSG_LENGTH(sizeof *e);
	const struct rtattr *a = NULL;

	if (h->nlmsg_flags & NLM_F_ACK_TLVS && h->nlmsg_len > head)
		a = rtnl_find((const struct rtattr *)(const void *)((const char *)h + head),
		    (int)(h->nlmsg_len - head), NLMSGERR_ATTR_MSG);
	return a ? (const char *)RTA_DATA(a) : strerror(-e->error);
}

/* Send, and give what comes to take() until that says it was the last. */
static void
talk(int fd, const void *buf, size_t len, bool (*take)(const struct nlmsghdr *h, void *arg),
    void *arg)
{
	static _Alignas(struct nlmsghdr) char in[ANSWER_OCTETS];
	bool done = false;

	if (send(fd, buf, len, 0) != (ssize_t)len)
		err(2, "netlink send");
	while (!done) {
		ssize_t got = recv(fd, in, sizeof in, 0);
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)in;
		unsigned left = (unsigned)got;

		if (got < 0)
			err(2, "netlink receive");
		for (; !done && NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			done = take(h, arg);
	}
}

struct answers {
	uint32_t seq; /* of the last message */
	int first;    /* error */
};

/* One answer; true: it is the ACK of the last message. */
static bool
take_answer(const struct nlmsghdr *h, void *arg)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	struct answers *a = arg;

	if (h->nlmsg_type != NLMSG_ERROR)
		return false;
	if (e->error != 0 && a->first == 0) {
		a->first = e->error;
		warnx("netlink: %s", why(h));
	}
	return h->nlmsg_seq == a->seq;
}

int
rtnl_talk(int fd, const void *buf, size_t len, uint32_t seq)
{
	struct answers a = { seq, 0 };

	talk(fd, buf, len, take_answer, &a);
	return a.first;
}

struct dump {
	bool whole;
	void (*fn)(const struct nlmsghdr *h, void *arg);
	void *arg;
};

/* One message of a dump; true: the last. */
static bool
take_dumped(const struct nlmsghdr *h, void *arg)
{
	struct dump *d = arg;

	d->whole &= !(h->nlmsg_flags & NLM_F_DUMP_INTR);
	if (h->nlmsg_type == NLMSG_DONE)
		return true;
	if (h->nlmsg_type == NLMSG_ERROR)
		errx(2, "netlink dump: %s", why(h));
	d->fn(h, d->arg);
	return false;
}

bool
rtnl_dump(
    int fd, const void *req, size_t len, void (*fn)(const struct nlmsghdr *h, void *arg), void *arg)
{
	struct dump d = { true, fn, arg };

	talk(fd, req, len, take_dumped, &d);
	return d.whole;
}

struct link_query {
	const char *name;
	uint32_t ifindex;
};

static void
take_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *i = NLMSG_DATA(h);
	struct link_query *q = arg;
	const struct rtattr *a = rtnl_find(IFLA_RTA(i), (int)IFLA_PAYLOAD(h), IFLA_IFNAME);

	if (a && strcmp(RTA_DATA(a), q->name) == 0)
		q->ifindex = (uint32_t)i->ifi_index;
}

uint32_t
rtnl_ifindex(int fd, const char *name)
{
	_Alignas(struct nlmsghdr) char buf[256];
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	struct link_query q = { name, 0 };
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, RTM_GETLINK, NLM_F_DUMP, &i, sizeof i);

	rtnl_dump(fd, buf, m.h->nlmsg_len, take_link, &q);
	return q.ifindex;
}
