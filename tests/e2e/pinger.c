/*
 * pinger: counts what a gap in forwarding costs.
 *
 *	pinger ADDRESS [INTERVAL_US [COUNT]]
 *
 * Sends an ICMP or ICMPv6 echo request every INTERVAL_US microseconds (default
 * 1000) until COUNT were sent or SIGTERM or SIGINT arrives, waits up to 500 ms for
 * the answers to the last ones, and prints one line of JSON:
 *
 *	{"sent":N,"received":N,"lost":N,"longest_gap_ms":X,"first_lost":N,"send_errors":N}
 *
 * longest_gap_ms is the longest time between two answers.  A send that the kernel
 * refuses (no route) counts as sent and lost.  iputils' ping spins at this rate and
 * takes a whole processor from the programs under test; this one sleeps.
 * Assumes CAP_NET_RAW and at most MAX_SEQ packets a run.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* ppoll */
#endif
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>

#define MAX_SEQ	  600000u /* ten minutes at 1 kHz */
#define LINGER_US 500000

struct probe {
	int sk;
	int af;
	uint16_t id;
	uint32_t sent, received, send_errors;
	int64_t last_answer_us, longest_gap_us;
	uint8_t *answered; /* by sequence number */
};

/* What an echo request carries: its whole number, as ICMP's own has 16 bits only. */
struct echo {
	uint8_t type, code;
	uint16_t checksum, id, seq16;
	uint32_t seq;
};

static volatile sig_atomic_t stopping;

static void
on_signal(int sig)
{
	(void)sig;
	stopping = 1;
}

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* RFC 1071 over whole 16-bit words; n is even. */
static uint16_t
checksum(const void *data, size_t n)
{
	uint32_t sum = 0;
	uint16_t w;
	size_t i;

	for (i = 0; i < n; i += 2) {
		memcpy(&w, (const uint8_t *)data + i, 2);
		sum += w;
	}
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

static void
probe_send(struct probe *p)
{
	struct echo e = { .id = p->id, .seq16 = htons((uint16_t)p->sent), .seq = p->sent };

	e.type = p->af == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	if (p->af == AF_INET) /* ICMPv6: the kernel's work */
		e.checksum = checksum(&e, sizeof(e));
	if (send(p->sk, &e, sizeof(e), 0) < 0)
		p->send_errors++;
	p->sent++;
}

/* One received packet: ours, an answer, and the first with this number? */
static void
probe_answer(struct probe *p, const uint8_t *buf, size_t n)
{
	size_t skip = p->af == AF_INET && n > 0 ? (buf[0] & 15u) * 4u : 0;
	struct echo e;
	int64_t t = now_us();

	if (n < skip + sizeof(e))
		return;
	memcpy(&e, buf + skip, sizeof(e));
	if (e.type != (p->af == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) || e.id != p->id ||
	    e.seq >= p->sent || p->answered[e.seq])
		return;
	p->answered[e.seq] = 1;
	p->received++;
	if (p->last_answer_us > 0 && t - p->last_answer_us > p->longest_gap_us)
		p->longest_gap_us = t - p->last_answer_us;
	p->last_answer_us = t;
}

/* Take in answers until t_us. */
static void
probe_receive(struct probe *p, int64_t t_us)
{
	struct pollfd pfd = { .fd = p->sk, .events = POLLIN };
	uint8_t buf[2048];
	struct timespec left;
	int64_t d;
	ssize_t n;

	while ((d = t_us - now_us()) > 0) {
		left.tv_sec = d / 1000000;
		left.tv_nsec = d % 1000000 * 1000;
		if (ppoll(&pfd, 1, &left, NULL) <= 0)
			continue;
		n = recv(p->sk, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			probe_answer(p, buf, (size_t)n);
	}
}

static bool
probe_open(struct probe *p, const char *addr)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	int size = 4 << 20;

	p->af = strchr(addr, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(p->af, addr, p->af == AF_INET ? (void *)&a4.sin_addr : &a6.sin6_addr) != 1)
		return false;
	p->sk = socket(p->af, SOCK_RAW, p->af == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	p->id = htons((uint16_t)getpid());
	p->answered = calloc(MAX_SEQ, 1);
	if (p->sk < 0 || p->answered == NULL)
		return false;
	setsockopt(p->sk, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return connect(p->sk, p->af == AF_INET ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6,
		   p->af == AF_INET ? sizeof(a4) : sizeof(a6)) == 0;
}

static void
probe_report(const struct probe *p)
{
	uint32_t i;
	int64_t first_lost = -1;

	for (i = 0; i < p->sent && first_lost < 0; i++)
		if (!p->answered[i])
			first_lost = i;
	printf("{\"sent\":%u,\"received\":%u,\"lost\":%u,\"longest_gap_ms\":%.1f,"
	       "\"first_lost\":%lld,\"send_errors\":%u}\n",
	    p->sent, p->received, p->sent - p->received, p->longest_gap_us / 1000.0,
	    (long long)first_lost, p->send_errors);
}

int
main(int argc, char **argv)
{
	struct probe p = { .sk = -1 };
	int64_t interval_us = argc > 2 ? atoll(argv[2]) : 1000, next, end;
	uint32_t count = argc > 3 ? (uint32_t)atoll(argv[3]) : MAX_SEQ;

	if (argc < 2 || interval_us <= 0 || count > MAX_SEQ || !probe_open(&p, argv[1])) {
		fprintf(stderr, "usage: pinger ADDRESS [INTERVAL_US [COUNT]]: %s\n", strerror(errno));
		return 2;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	for (next = now_us(); !stopping && p.sent < count; next += interval_us) {
		probe_send(&p);
		probe_receive(&p, next + interval_us);
	}
	for (end = now_us() + LINGER_US; p.received < p.sent && now_us() < end;)
		probe_receive(&p, now_us() + 10000);
	probe_report(&p);
	return p.received == p.sent ? 0 : 1;
}
