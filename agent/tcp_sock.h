/*
 * Socket options and addresses for agent/tcp.c: the conversions between
 * struct ip_addr and sockaddr, MD5 keys, hop limits, and errno in words.
 */
#ifndef AGENT_TCP_SOCK_H
#define AGENT_TCP_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "agent/tcp.h"
#include "lib/ip.h"

/* Returns the sockaddr's length. */
socklen_t tcp_sockaddr(const struct ip_addr *a, uint16_t port, struct sockaddr_storage *ret);
/* False for a family that is neither IPv4 nor IPv6. IPv4-mapped addresses come out as IPv4. */
bool tcp_from_sockaddr(const struct sockaddr_storage *ss, struct ip_addr *ret, uint16_t *ret_port);

/* Set (len > 0) or remove (len 0) the key towards peer; 0 or -errno. Removing what is not there
 * is no error. */
int tcp_set_md5(int fd, const struct ip_addr *peer, const uint8_t *key, uint8_t len);

/* The same for everybody in a prefix; the longest prefix counts, an address before any. */
int tcp_set_md5_net(int fd, const struct ip_prefix *net, const uint8_t *key, uint8_t len);

/* Outgoing hop limit and lowest accepted one; 0 leaves either as it is. 0 or -errno. */
int tcp_set_ttl(int fd, uint8_t af, uint8_t ttl, uint8_t min_ttl);

/* DSCP CS6, TCP_NODELAY, a bounded TCP_USER_TIMEOUT is bgpd's send hold timer's business. */
void tcp_set_common(int fd, uint8_t af);

/* A failed connect in one sentence: which side, what to look at. */
void tcp_explain(int err, const struct tcp_peer *p, char *buf, size_t cap);

#endif
