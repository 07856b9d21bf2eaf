/*
 * Packets along the daemon's routes; see traffic.h.
 */
#include "tests/bench/load/traffic.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "tests/bench/load/rtnl.h"

#define PORT	40009
#define STEP_US 250
#define PARTS	4 /* steps in which each flow has its turn once */
#define ROOM	128
#define READS	64
#define DEAD_MAC                                                                                   \
	{                                                                                          \
		2, 0, 0, 0, 0, 0xfe                                                                \
	}

struct payload {
	uint32_t magic, flow;
	uint64_t us;
};

#define MAGIC 0x77656674

struct traffic {
	const char *netns;
	uint8_t af;
	int out, in;
	struct sockaddr_storage to[TRAFFIC_FLOWS];
	socklen_t to_len;
	struct mono_us due;
	uint32_t part;
	bool probing;
	uint32_t on_dead; /* bit of each flow seen there while probing */
	struct mono_us
	    good[TRAFFIC_FLOWS]; /* when the first packet after the last bad one was sent */
	struct traffic_counts count;
	uint8_t buf[READS][ROOM];
};

/* ---- making ---- */

static void
destination(struct traffic *t, const struct pool *pool, uint32_t flow)
{
	struct ip_prefix p =
	    pool_prefix(pool, (uint32_t)((uint64_t)pool->n * flow / TRAFFIC_FLOWS));
	struct sockaddr_in *v4 = (struct sockaddr_in *)&t->to[flow];
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&t->to[flow];

	if (pool->af == IP4) {
		*v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(PORT) };
		memcpy(&v4->sin_addr, p.b, 4);
		((uint8_t *)&v4->sin_addr)[3] = (uint8_t)(1 + flow);
		t->to_len = sizeof *v4;
		return;
	}
	*v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	memcpy(&v6->sin6_addr, p.b, 16);
	v6->sin6_addr.s6_addr[15] = (uint8_t)(1 + flow);
	t->to_len = sizeof *v6;
}

static int
open_udp(void *arg)
{
	struct traffic *t = arg;

	return socket(t->af == IP4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* Only UDP to our port: everything else is dropped before it is copied. */
static void
filter(int fd, bool v6)
{
	const uint32_t protocol = v6 ? 14 + 6 : 14 + 9, port = (v6 ? 14 + 40 : 14 + 20) + 2;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v6 ? ETH_P_IPV6 : ETH_P_IP, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, protocol),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, port),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PORT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ROOM),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { sizeof code / sizeof code[0], code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog) < 0)
		err(2, "packet filter");
}

static int
open_packet(const struct traffic *t)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
		.sll_protocol = htons(t->af == IP6 ? ETH_P_IPV6 : ETH_P_IP) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int octets = 8 << 20;

	if (fd < 0)
		err(2, "packet socket");
	filter(fd, t->af == IP6);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof octets);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0)
		err(2, "packet socket");
	return fd;
}

struct traffic *
traffic_open(const char *netns, const struct pool *pool)
{
	struct traffic *t = mem_zalloc(sizeof *t);

	t->netns = netns;
	t->af = pool->af;
	t->due = clock_mono();
	for (uint32_t i = 0; i < TRAFFIC_FLOWS; i++)
		destination(t, pool, i);
	t->in = open_packet(t);
	t->out = rtnl_in_netns(netns, open_udp, t);
	if (t->out < 0)
		err(2, "UDP socket");
	return t;
}

void
traffic_close(struct traffic *t)
{
	close(t->in);
	close(t->out);
	mem_free(t);
}

/* ---- sending ---- */

static void
send_one(struct traffic *t, uint32_t flow)
{
	struct payload p = { MAGIC, flow, clock_mono().us };

	t->count.sent++;
	if (sendto(t->out, &p, sizeof p, 0, (struct sockaddr *)&t->to[flow], t->to_len) >= 0)
		return;
	t->count.refused++;
	t->good[flow].us = 0;
}

bool
traffic_send(struct traffic *t, struct mono_us now)
{
	if (!mono_reached(now, t->due))
		return false;
	for (uint32_t i = t->part; i < TRAFFIC_FLOWS; i += PARTS)
		send_one(t, i);
	t->part = (t->part + 1) % PARTS;
	t->due = mono_add_us(now, STEP_US);
	return true;
}

/* ---- receiving ---- */

static void
take(struct traffic *t, const uint8_t *frame, size_t len)
{
	static const uint8_t dead[ETH_ALEN] = DEAD_MAC;
	size_t head = ETH_HLEN + (t->af == IP6 ? 40 : 20) + 8;
	struct payload p;

	if (len < head + sizeof p)
		return;
	memcpy(&p, frame + head, sizeof p);
	if (p.magic != MAGIC || p.flow >= TRAFFIC_FLOWS)
		return;
	t->count.arrived++;
	if (memcmp(frame, dead, ETH_ALEN) != 0) {
		if (!t->good[p.flow].us)
			t->good[p.flow].us = p.us;
		return;
	}
	t->count.dead++;
	t->good[p.flow].us = 0;
	if (t->probing)
		t->on_dead |= 1u << p.flow;
}

void
traffic_read(struct traffic *t)
{
	struct mmsghdr m[READS];
	struct iovec v[READS];
	int n;

	do {
		memset(m, 0, sizeof m);
		for (int i = 0; i < READS; i++) {
			v[i] = (struct iovec){ t->buf[i], ROOM };
			m[i].msg_hdr.msg_iov = &v[i];
			m[i].msg_hdr.msg_iovlen = 1;
		}
		n = recvmmsg(t->in, m, READS, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			take(t, t->buf[i], m[i].msg_len);
	} while (n == READS);
}

/* ---- the dead leg ---- */

static void
take_oif(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *r = NLMSG_DATA(h);
	const struct rtattr *a = rtnl_find(RTM_RTA(r), (int)RTM_PAYLOAD(h), RTA_OIF);

	if (a)
		memcpy(arg, RTA_DATA(a), sizeof(uint32_t));
}

/* The interface by which the namespace reaches an address. */
static uint32_t
interface_to(int fd, const struct ip_addr *a)
{
	_Alignas(struct nlmsghdr) char buf[128], in[4096];
	struct rtmsg r = { .rtm_family = a->af == IP4 ? AF_INET : AF_INET6,
		.rtm_dst_len = ip_af_bits(a->af) };
	struct rtnl_msg m = rtnl_begin(buf, sizeof buf, RTM_GETROUTE, 0, &r, sizeof r);
	uint32_t ifindex = 0;

	rtnl_put(&m, RTA_DST, a->b, ip_af_octets(a->af));
	if (send(fd, buf, m.h->nlmsg_len, 0) < 0 || recv(fd, in, sizeof in, 0) < 0)
		err(2, "asking for the route to a gateway");
	take_oif((const struct nlmsghdr *)(const void *)in, &ifindex);
	if (!ifindex)
		errx(2, "no route to a gateway");
	return ifindex;
}

void
traffic_cut(struct traffic *t, const struct ip_addr *gateway)
{
	static const uint8_t dead[ETH_ALEN] = DEAD_MAC;
	_Alignas(struct nlmsghdr) char buf[128];
	int fd = rtnl_socket(t->netns, NULL, 0, false);
	struct ndmsg n = { .ndm_family = gateway->af == IP4 ? AF_INET : AF_INET6,
		.ndm_ifindex = (int)interface_to(fd, gateway),
		.ndm_state = NUD_PERMANENT };
	struct rtnl_msg m = rtnl_begin(
	    buf, sizeof buf, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, &n, sizeof n);

	rtnl_put(&m, NDA_DST, gateway->b, ip_af_octets(gateway->af));
	rtnl_put(&m, NDA_LLADDR, dead, sizeof dead);
	m.h->nlmsg_seq = 1;
	if (rtnl_talk(fd, buf, m.h->nlmsg_len, 1) < 0)
		errx(2, "changing a neighbour entry failed");
	close(fd);
}

void
traffic_probe(struct traffic *t)
{
	t->probing = true;
	for (uint32_t i = 0; i < TRAFFIC_FLOWS; i++)
		send_one(t, i);
	traffic_read(t);
	t->probing = false;
	t->count.flows_dead = (uint32_t)__builtin_popcount(t->on_dead);
}

struct mono_us
traffic_moved(const struct traffic *t)
{
	struct mono_us last = { 0 };

	for (uint32_t i = 0; i < TRAFFIC_FLOWS; i++) {
		if (!(t->on_dead & 1u << i))
			continue;
		if (!t->good[i].us)
			return (struct mono_us){ 0 };
		if (mono_before(last, t->good[i]))
			last = t->good[i];
	}
	return last;
}

const struct traffic_counts *
traffic_counts(const struct traffic *t)
{
	return &t->count;
}
