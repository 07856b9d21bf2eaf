/*
 * Socket details of BGP connections: RFC 2385 keys, RFC 5082 hop limits,
 * and the errno of a connect in words.
 *
 * Kernel facts used: a key for an IPv4 peer on an AF_INET socket takes an
 * AF_INET address; removing a key that is not there answers ENOENT.
 */
#include "agent/tcp_sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif

socklen_t
tcp_sockaddr(const struct ip_addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *s4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *s6 = (struct sockaddr_in6 *)(void *)ret;

	memset(ret, 0, sizeof *ret);
	if (a->af == IP4) {
		s4->sin_family = AF_INET;
		s4->sin_port = htons(port);
		memcpy(&s4->sin_addr, a->b, 4);
		return sizeof *s4;
	}
	s6->sin6_family = AF_INET6;
	s6->sin6_port = htons(port);
	s6->sin6_scope_id = a->ifindex;
	memcpy(&s6->sin6_addr, a->b, 16);
	return sizeof *s6;
}

bool
tcp_from_sockaddr(const struct sockaddr_storage *ss, struct ip_addr *ret, uint16_t *ret_port)
{
	const struct sockaddr_in *s4 = (const struct sockaddr_in *)(const void *)ss;
	const struct sockaddr_in6 *s6 = (const struct sockaddr_in6 *)(const void *)ss;
	struct ip_addr a;

	if (ss->ss_family == AF_INET) {
		*ret = ip_addr_from_bytes(IP4, &s4->sin_addr);
		*ret_port = ntohs(s4->sin_port);
		return true;
	}
	if (ss->ss_family != AF_INET6)
		return false;
	a = ip_addr_from_bytes(IP6, &s6->sin6_addr);
	if (ip_addr_is_link_local(&a))
		a.ifindex = s6->sin6_scope_id;
	*ret = ip_addr_unmap(&a);
	*ret_port = ntohs(s6->sin6_port);
	return true;
}

/* plen < 0: one address. */
static int
set_md5(int fd, const struct ip_addr *addr, int plen, const uint8_t *key, uint8_t len)
{
	struct tcp_md5sig sig;
	struct sockaddr_storage ss;
	int r = 0;

	memset(&sig, 0, sizeof sig);
	tcp_sockaddr(addr, 0, &ss);
	memcpy(&sig.tcpm_addr, &ss, sizeof ss);
	if (plen >= 0) {
		sig.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
		sig.tcpm_prefixlen = (uint8_t)plen;
	}
	sig.tcpm_keylen = len;
	if (len > 0)
		memcpy(sig.tcpm_key, key, len);
	if (setsockopt(fd, IPPROTO_TCP, plen >= 0 ? TCP_MD5SIG_EXT : TCP_MD5SIG, &sig, sizeof sig) < 0)
		r = len == 0 && errno == ENOENT ? 0 : -errno;
	explicit_bzero(&sig, sizeof sig);
	return r;
}

int
tcp_set_md5(int fd, const struct ip_addr *peer, const uint8_t *key, uint8_t len)
{
	return set_md5(fd, peer, -1, key, len);
}

int
tcp_set_md5_net(int fd, const struct ip_prefix *net, const uint8_t *key, uint8_t len)
{
	struct ip_addr addr = ip_addr_from_bytes(net->af, net->b);

	return set_md5(fd, &addr, net->len, key, len);
}

int
tcp_set_ttl(int fd, uint8_t af, uint8_t ttl, uint8_t min_ttl)
{
	int level = af == IP4 ? IPPROTO_IP : IPPROTO_IPV6;
	int out = ttl, in = min_ttl;

	if (ttl && setsockopt(fd, level, af == IP4 ? IP_TTL : IPV6_UNICAST_HOPS, &out, sizeof out) < 0)
		return -errno;
	if (min_ttl &&
	    setsockopt(fd, level, af == IP4 ? IP_MINTTL : IPV6_MINHOPCOUNT, &in, sizeof in) < 0)
		return -errno;
	return 0;
}

void
tcp_set_common(int fd, uint8_t af)
{
	int tos = IPTOS_CLASS_CS6, one = 1;

	/* Marking is a courtesy to the network: without it everything still works. */
	if (af == IP4)
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
	else
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void
tcp_explain(int err, const struct tcp_peer *p, char *buf, size_t cap)
{
	char addr[IP_ADDR_STRLEN], src[IP_ADDR_STRLEN];
	const char *md5 = p->key_len ? "; an MD5 password is set: a wrong one looks the same" : "";

	ip_addr_str(&p->addr, addr);
	ip_addr_str(&p->source, src);
	switch (err) {
	case ECONNREFUSED:
		snprintf(buf, cap, "connection refused: nothing listens on %s port %u", addr, p->port);
		break;
	case ETIMEDOUT:
		snprintf(buf, cap, "no answer to SYN from %s port %u%s", addr, p->port, md5);
		break;
	case EHOSTUNREACH:
		snprintf(buf, cap, "%s does not answer on the link (host unreachable)", addr);
		break;
	case ENETUNREACH:
		snprintf(buf, cap, "no route to %s (network unreachable)", addr);
		break;
	case EADDRNOTAVAIL:
		snprintf(buf, cap, "source address %s is not on this node", src);
		break;
	case ENODEV:
	case ENXIO:
		snprintf(buf, cap, "the interface towards %s is not there", addr);
		break;
	case ECONNRESET:
		snprintf(buf, cap, "%s port %u reset the connection at once", addr, p->port);
		break;
	default: /* any other errno of connect(2) */
		snprintf(buf, cap, "connect to %s port %u: %s", addr, p->port, strerror(err));
		break;
	}
}
