/*
 * Raw rtnetlink for the bench: messages written into a buffer of the caller, sockets in
 * another network namespace, answers.
 *
 * Nothing here is shared with the daemons, so that what checks them cannot have their
 * mistakes. Whatever goes wrong with a socket of our own ends the program: there is
 * nothing to measure without it.
 */
#ifndef BENCH_LOAD_RTNL_H
#define BENCH_LOAD_RTNL_H

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message under construction; the buffer is the caller's and is never overrun. */
struct rtnl_msg {
	struct nlmsghdr *h;
	size_t cap; /* octets of the buffer */
};

/*
 * Begin a message in buf (aligned to 4, of cap octets) with a fixed header of len octets
 * copied from head. NLM_F_REQUEST is added to flags. Aborts when it does not fit.
 */
struct rtnl_msg rtnl_begin(
    void *buf, size_t cap, uint16_t type, uint16_t flags, const void *head, size_t len);

/* Append an attribute; returns where its value is in the buffer. Aborts when it does not fit. */
void *rtnl_put(struct rtnl_msg *m, uint16_t type, const void *value, size_t len);
void *rtnl_put_u32(struct rtnl_msg *m, uint16_t type, uint32_t value);

/* Begin and end an attribute that holds others. */
struct rtattr *rtnl_open(struct rtnl_msg *m, uint16_t type);
void rtnl_close(struct rtnl_msg *m, struct rtattr *a);

/*
 * A netlink route socket in the namespace that is current (netns NULL) or has that name
 * in /run/netns; the program is in its own namespace again afterwards. groups: RTNLGRP_*
 * numbers, ended by 0, or NULL. rcvbuf: octets (SO_RCVBUFFORCE), 0 for the default.
 * Non-blocking when told so. Ends the program with a text when it cannot be had.
 */
int rtnl_socket(const char *netns, const unsigned *groups, int rcvbuf, bool nonblocking);

/* Run fn(arg) in the network namespace of that name (NULL: here); its result. */
int rtnl_in_netns(const char *netns, int (*fn)(void *arg), void *arg);

/* Index of the interface of that name in the socket's namespace; 0 when there is none. */
uint32_t rtnl_ifindex(int fd, const char *name);

/*
 * Send one or more messages of len octets, the last of which has sequence number seq and
 * asks for an ACK, and read until that is there. 0, or the first refusal as -errno.
 */
int rtnl_talk(int fd, const void *buf, size_t len, uint32_t seq);

/*
 * Ask for a dump with the request of len octets, and give each message of the answer to fn.
 * False when the kernel says that it changed meanwhile: what fn saw may not be whole.
 */
bool rtnl_dump(int fd, const void *req, size_t len, void (*fn)(const struct nlmsghdr *h, void *arg),
    void *arg);

/* Attribute of that type in the octets from a, or NULL; its own length is inside them. */
const struct rtattr *rtnl_find(const struct rtattr *a, int octets, uint16_t type);

#endif
