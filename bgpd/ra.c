/*
 * The ICMPv6 socket on which router advertisements come and go.
 *
 * weftd opens it and the agent joins groups on it: here it is read and written
 * only.  Hop limit and interface of what comes in stand in control messages
 * (RFC 3542 section 6), the interface of what goes out likewise.  A packet that
 * cannot be sent, because the link is down or its address is not ready yet, is
 * not missed: the next one is due soon.
 */
#include "bgpd/bgpd.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/core/radv.h"

#define READ_BATCH 32 /* packets taken in one turn, whoever floods the link */
#define IN_OCTETS  2048

/* ---- in ------------------------------------------------------------------------------ */

static void
read_cmsgs(struct msghdr *h, struct radv_packet *p)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		struct in6_pktinfo info;
		int hops;

		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		if (c->cmsg_type == IPV6_HOPLIMIT && c->cmsg_len >= CMSG_LEN(sizeof(hops))) {
			memcpy(&hops, CMSG_DATA(c), sizeof(hops));
			p->hop_limit = hops;
		} else if (c->cmsg_type == IPV6_PKTINFO && c->cmsg_len >= CMSG_LEN(sizeof(info))) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			p->ifindex = info.ipi6_ifindex;
		}
	}
}

/* False: nothing is there. */
static bool
read_packet(struct bgpd *b)
{
	uint8_t buf[IN_OCTETS];
	_Alignas(struct cmsghdr) uint8_t ctl[256];
	struct sockaddr_in6 from;
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr h = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
		.msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl) };
	struct radv_packet p = { .p = buf, .hop_limit = -1 };
	ssize_t n = recvmsg(b->ra_fd, &h, MSG_DONTWAIT);

	if (n < 0)
		return false;
	if (h.msg_namelen < sizeof(from) || (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return true;
	p.octets = (size_t)n;
	p.from = ip_addr_from_bytes(IP6, &from.sin6_addr);
	read_cmsgs(&h, &p);
	speaker_ra_input(b->sp, clock_mono(), &p);
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct bgpd *b = arg;

	for (int i = 0; i < READ_BATCH && read_packet(b); i++)
		;
}

/* ---- out ----------------------------------------------------------------------------- */

void
ra_send(struct bgpd *b, uint32_t ifindex, bool advert)
{
	uint8_t buf[RADV_ADVERT_OCTETS];
	_Alignas(struct cmsghdr) uint8_t ctl[CMSG_SPACE(sizeof(struct in6_pktinfo))] = { 0 };
	struct in6_pktinfo info = { .ipi6_ifindex = ifindex };
	/* ff02::1, all nodes, or ff02::2, all routers */
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = ifindex,
		.sin6_addr = { .s6_addr = { 0xff, 0x02, [15] = advert ? 1 : 2 } } };
	struct wr w = wr_init(buf, sizeof(buf));
	struct iovec iov = { .iov_base = buf };
	struct msghdr h = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl, .msg_controllen = sizeof(ctl) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);

	if (b->ra_fd < 0)
		return;
	radv_encode(&w, advert ? RADV_ADVERT : RADV_SOLICIT);
	iov.iov_len = wr_len(&w);
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	(void)sendmsg(b->ra_fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- life ---------------------------------------------------------------------------- */

void
ra_init(struct bgpd *b)
{
	b->ra_fd = -1;
}

void
ra_take(struct bgpd *b, int fd)
{
	ra_free(b);
	b->ra_fd = fd;
	b->ra_ev = event_new(b->base, fd, EV_READ | EV_PERSIST, on_readable, b);
	event_add(b->ra_ev, NULL);
}

void
ra_free(struct bgpd *b)
{
	if (b->ra_fd < 0)
		return;
	event_free(b->ra_ev);
	close(b->ra_fd);
	b->ra_fd = -1;
	b->ra_ev = NULL;
}
