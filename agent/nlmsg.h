/*
 * Netlink route messages: built from operations of the fib, and parsed into its
 * observations. No socket here: tests and fuzzers use these alone.
 */
#ifndef AGENT_NLMSG_H
#define AGENT_NLMSG_H

#include <netlink/msg.h>

#include "agent/core/fib.h"

/* Longest message that nl_build_op() makes: a route with 64 legs. */
#define NL_OP_OCTETS 4096

/*
 * Write the request for op, without NLM_F_ACK, to buf (cap octets, aligned to 4). Returns
 * its length, which is aligned, too; 0: op is no request (FIB_OP_DUMP) or does not fit.
 */
size_t nl_build_op(void *buf, size_t cap, const struct fib_kop *op, uint32_t seq);

/* Longest request for a dump. */
#define NL_DUMP_OCTETS 64
/* The same for a request to dump that kind; table for routes. */
size_t nl_build_dump(void *buf, size_t cap, enum kern_what what, uint32_t table, uint32_t seq);

/* What a message is about. */
struct nl_seen {
	enum kern_what what;
	bool gone; /* RTM_DEL* */
	union {
		struct kern_link link;
		struct kern_addr addr;
		struct kern_route route;
		struct kern_nexthop nexthop;
	};
};

/*
 * Parse one message from the kernel; h->nlmsg_len is within the buffer. False: not
 * of interest (cached or source-specific routes, TOS routes, bridge ports, other
 * types) or malformed. The legs beyond IPC_MEMBERS_MAX are dropped. Only the legs
 * and group members that are there are filled.
 */
bool nl_parse(const struct nlmsghdr *h, struct nl_seen *ret);

/* Hand what a message says to the fib; by: see fib_see_route(). */
void nl_feed(struct fib *f, struct mono_us now, const struct nl_seen *s, uint32_t by);

/*
 * The errno of an NLMSG_ERROR (0: an ACK) or NLMSG_DONE (0: the end of a dump), and
 * the kernel's words ("": none). EBADMSG: broken.
 */
int nl_parse_error(const struct nlmsghdr *h, char *text, size_t cap);

#endif
