/*
 * Reading the kernel's tables, in slices.
 *
 * Kinds are queued and run one after another, in the order of enum kern_what.
 * Routes are asked for table by table where the kernel filters (strict checking).
 * A dump that a change interrupted is done again; one that fails, a little later.
 */
#ifndef AGENT_NLDUMP_H
#define AGENT_NLDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/core/fib.h"
#include "agent/nlmsg.h"
#include "agent/nlsock.h"
#include "lib/mono.h"

/* What a dump says, and asks, of its user; ctx is the user's. */
struct nldump_ops {
	void (*begin)(void *ctx, enum kern_what what); /* again, when it starts anew */
	void (*object)(void *ctx, const struct nl_seen *o);
	void (*end)(void *ctx, enum kern_what what);
	/* The kernel has nexthop objects or not; before the end of their dump. */
	void (*nexthops)(void *ctx, bool known);
	/* The tables whose routes are wanted. */
	size_t (*tables)(void *ctx, uint32_t ret[FIB_TABLES_MAX]);
	/* Take in the changes that came before what is read next; false: not all yet. */
	bool (*catch_up)(void *ctx);
	void (*failed)(void *ctx, enum kern_what what, int err, const char *text);
};

struct nldump {
	struct nlsock sock;
	const struct nldump_ops *ops;
	void *ctx;
	uint8_t *recv; /* NLSOCK_DATAGRAM octets, borrowed, not used between two calls */
	bool strict;   /* the kernel filters */
	bool wanted[KERN_NWHAT];
	bool running, asked, interrupted;
	enum kern_what what;
	uint32_t table[FIB_TABLES_MAX];
	size_t ntables, at; /* tables left to ask: from at */
	uint32_t seq, tries;
	struct mono_us retry_at;
	uint64_t dumps, retries;
	struct nl_seen seen; /* scratch */
};

/* recv (aligned to 8), ops and ctx are borrowed until nldump_close(). 0 or -errno. */
int nldump_open(struct nldump *d, uint8_t *recv, const struct nldump_ops *ops, void *ctx);
void nldump_close(struct nldump *d);

/* Queue a dump of that kind; it runs again when it is under way. */
void nldump_want(struct nldump *d, enum kern_what what);

/* Work for one slice. */
void nldump_step(struct nldump *d, struct mono_us now);

/* When the next slice is due: {0} at once, MONO_NEVER: nothing to do. */
struct mono_us nldump_due(const struct nldump *d);

#endif
