/*
 * What changes in the kernel, by whomever: the monitor socket.
 *
 * Routes and nexthop objects that our own requests made are left out in the
 * kernel already: their answers have said it, and a group's change that moves
 * 100,000 routes would be as many messages.
 */
#ifndef AGENT_NLMON_H
#define AGENT_NLMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/nlmsg.h"
#include "agent/nlsock.h"

struct nlmon_ops {
	/* port: who asked for the change, 0: the kernel itself */
	void (*object)(void *ctx, const struct nl_seen *o, uint32_t port);
	void (*lost)(void *ctx); /* messages were dropped: everything may have changed */
};

struct nlmon {
	struct nlsock sock;
	const struct nlmon_ops *ops;
	void *ctx;
	uint8_t *recv; /* NLSOCK_DATAGRAM octets, borrowed, not used between two calls */
	size_t octets; /* of the receive buffer */
	uint32_t self; /* whose own doing is left out */
	uint64_t notifications, overflows;
	struct nl_seen seen; /* scratch */
};

/*
 * Listen for links, addresses, routes and nexthop objects. octets: the receive
 * buffer, 0: 16 MB. self: port of the socket whose own doing is left out. recv
 * (aligned to 8), ops and ctx are borrowed until nlmon_close(). 0 or -errno.
 */
int nlmon_open(struct nlmon *m, uint8_t *recv, size_t octets, uint32_t self,
    const struct nlmon_ops *ops, void *ctx);
void nlmon_close(struct nlmon *m);

/* Take in what is there, within bounds; true: everything. */
bool nlmon_read(struct nlmon *m);

/*
 * Go on with a new socket at the same descriptor, which no event loop may watch meanwhile.
 * Who began to listen last gets the kernel's own message, and all others a copy, which for
 * us is made only to be left out, if anybody came after us. Nothing is lost, and
 * nothing heard twice. False: all is as before, as something came in that moment, or there is no
 * new socket.
 */
bool nlmon_renew(struct nlmon *m);

#endif
