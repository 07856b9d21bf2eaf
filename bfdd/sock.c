/*
 * Packets: what the kernel says about one that arrived, and what it is told
 * about one that leaves.
 *
 * All sessions of a family leave by one socket, from one port: RFC 5881
 * section 4 would like one for each, but replies are told apart by their
 * discriminator, and no port has to be asked for when a session begins.
 * Sources: recvmmsg(2), ip(7), ipv6(7).
 */
#include "bfdd/bfdd.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/clock.h"
#include "lib/mem.h"

#define BATCH	     32
#define OCTETS_MAX   128 /* longer ones are nobody's */
#define CONTROL_MAX  128

struct rx_batch {
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_storage from[BATCH];
	uint8_t octets[BATCH][OCTETS_MAX];
	_Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_MAX];
};

struct rx_batch *
sock_batch_new(void)
{
	return mem_zalloc(sizeof(struct rx_batch));
}

void
sock_batch_free(struct rx_batch *rx)
{
	mem_free(rx);
}

/* ---- in ------------------------------------------------------------------- */

static void
batch_prepare(struct rx_batch *rx)
{
	for (int i = 0; i < BATCH; i++) {
		rx->iov[i] = (struct iovec){ rx->octets[i], OCTETS_MAX };
		rx->msg[i].msg_hdr = (struct msghdr){
			.msg_name = &rx->from[i],
			.msg_namelen = sizeof(rx->from[i]),
			.msg_iov = &rx->iov[i],
			.msg_iovlen = 1,
			.msg_control = rx->control[i],
			.msg_controllen = CONTROL_MAX,
		};
	}
}

static struct ip_addr
addr_of(const struct sockaddr_storage *sa)
{
	if (sa->ss_family == AF_INET)
		return ip_addr_from_bytes(IP4,
		    (const uint8_t *)&((const struct sockaddr_in *)sa)->sin_addr);
	return ip_addr_from_bytes(IP6, (const uint8_t *)&((const struct sockaddr_in6 *)sa)->sin6_addr);
}

/* One thing that the kernel says about a packet; others are passed over. */
static void
note_cmsg(const struct cmsghdr *c, struct bfd_meta *m)
{
	int hops;

	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo pi;

		memcpy(&pi, CMSG_DATA(c), sizeof(pi));
		m->dst = ip_addr_from_bytes(IP4, (const uint8_t *)&pi.ipi_addr);
		m->ifindex = (uint32_t)pi.ipi_ifindex;
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo pi;

		memcpy(&pi, CMSG_DATA(c), sizeof(pi));
		m->dst = ip_addr_from_bytes(IP6, (const uint8_t *)&pi.ipi6_addr);
		m->ifindex = pi.ipi6_ifindex;
	} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
		memcpy(&hops, CMSG_DATA(c), sizeof(hops));
		m->ttl = (uint8_t)hops;
	}
}

static void
take(struct bfdd *b, struct mono_us now, int i, bool multihop)
{
	struct rx_batch *rx = b->rx;
	struct msghdr *h = &rx->msg[i].msg_hdr;
	struct bfd_meta m = { .src = addr_of(&rx->from[i]), .multihop = multihop };

	if (h->msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		note_cmsg(c, &m);
	bfd_input(b->engine, now, rx->octets[i], rx->msg[i].msg_len, &m);
}

bool
sock_read(struct bfdd *b, enum launch_bfd_fd which)
{
	bool multihop = which == LAUNCH_BFD_MULTI4 || which == LAUNCH_BFD_MULTI6;
	struct mono_us now;
	int n;

	batch_prepare(b->rx);
	n = recvmmsg(b->sock[which], b->rx->msg, BATCH, MSG_DONTWAIT, NULL);
	now = clock_mono();
	for (int i = 0; i < n; i++)
		take(b, now, i, multihop);
	return n == BATCH;
}

/* ---- out ------------------------------------------------------------------ */

/* The source address and, where one is given, the interface. */
static void
put_pktinfo(struct msghdr *h, const struct bfd_out *out)
{
	struct in_pktinfo pi4 = { .ipi_ifindex = (int)out->ifindex };
	struct in6_pktinfo pi6 = { .ipi6_ifindex = out->ifindex };
	bool v6 = out->dst.af == IP6;
	struct cmsghdr *c = CMSG_FIRSTHDR(h);

	if (!c)
		return;
	if (v6)
		memcpy(&pi6.ipi6_addr, out->src.b, 16);
	else
		memcpy(&pi4.ipi_spec_dst, out->src.b, 4);
	c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = v6 ? CMSG_LEN(sizeof(pi6)) : CMSG_LEN(sizeof(pi4));
	memcpy(CMSG_DATA(c), v6 ? (void *)&pi6 : (void *)&pi4, v6 ? sizeof(pi6) : sizeof(pi4));
	h->msg_controllen = v6 ? CMSG_SPACE(sizeof(pi6)) : CMSG_SPACE(sizeof(pi4));
}

static socklen_t
put_addr(struct sockaddr_storage *sa, const struct bfd_out *out)
{
	uint16_t port = out->multihop ? BFD_PORT_MULTIHOP : BFD_PORT_SINGLE_HOP;
	struct sockaddr_in *a4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof(*sa));
	if (out->dst.af == IP4) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons(port);
		memcpy(&a4->sin_addr, out->dst.b, 4);
		return sizeof(*a4);
	}
	a6->sin6_family = AF_INET6;
	a6->sin6_port = htons(port);
	memcpy(&a6->sin6_addr, out->dst.b, 16);
	if (ip_addr_is_link_local(&out->dst))
		a6->sin6_scope_id = out->dst.ifindex ? out->dst.ifindex : out->ifindex;
	return sizeof(*a6);
}

void
sock_send(struct bfdd *b, const struct bfd_out *out)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_MAX] = { 0 };
	struct sockaddr_storage to;
	struct iovec iov = { (void *)(uintptr_t)out->octets, out->len };
	struct msghdr h = { .msg_name = &to, .msg_namelen = put_addr(&to, out), .msg_iov = &iov,
		.msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };

	put_pktinfo(&h, out);
	(void)sendmsg(b->sock[out->dst.af == IP6 ? LAUNCH_BFD_SEND6 : LAUNCH_BFD_SEND4], &h,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
}
