/*
 * The monitor: what the kernel says about links, addresses, routes and nexthop
 * objects, by whomever it was caused.
 */
#ifndef AGENT_NLMON_H
#define AGENT_NLMON_H

#include "agent/nlmsg.h"

struct nl_sock;
struct nlmon;

struct nlmon_stats {
	uint64_t messages, overflows;
};

/*
 * Join the groups on sk and make its buffer that large (or what the kernel allows).
 * self: port of the socket that makes requests, to know their echoes. NULL: errno says why.
 */
struct nlmon *nlmon_new(struct nl_sock *sk, struct fib *f, uint32_t self, size_t octets,
    struct mono_us (*now)(void));
void nlmon_free(struct nlmon *m);

/* The socket is readable: read a slice. True: the fib was fed. */
bool nlmon_read(struct nlmon *m);
void nlmon_stats(const struct nlmon *m, struct nlmon_stats *ret);

#endif
