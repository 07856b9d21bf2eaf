/*
 * The netlink shell: three sockets that join agent/core/fib.h to the kernel.
 *
 *	request	operations in batches; an answer for each (nlbatch.c)
 *	dump	tables, read in slices so that nothing else waits (nldump.c)
 *	monitor	what changes, by whomever; an overflow means dump and compare (nlmon.c)
 *
 * Messages are built and parsed here (nlmsg.c, nlparse.c): libnl's route cache is
 * not to be trusted and libnl 3.7 has no nexthop objects. Of libnl only what walks
 * messages and attributes is used; the sockets are plain (nlsock.c).
 *
 * Needs CAP_NET_ADMIN for changes. One event loop, no thread, nothing blocks but
 * the kernel's own work on a batch.
 */
#ifndef AGENT_NL_H
#define AGENT_NL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct fib;
struct log;
struct nl;

struct nl_conf {
	struct event_base *base; /* borrowed, as are fib and log, until nl_shutdown() */
	struct fib *fib;
	struct log *log;
	/* Called after the fib was fed or time passed in it: drain fib_next_report() there. */
	void (*changed)(void *ctx);
	void *ctx;
	size_t monitor_octets; /* receive buffer of the monitor; 0: 16 MB, or what the kernel allows */
};

/*
 * Open the three sockets in the caller's network namespace and listen for
 * changes. NULL with a text in err (errcap octets) when that fails.
 */
struct nl *nl_open(const struct nl_conf *c, char *err, size_t errcap);

/* Start the first dumps; the loop does the rest (FIB_REP_ADOPTED comes when they are complete). */
void nl_start(struct nl *nl);

/* The fib was given intents or a configuration: send what it wants sent, arm its next deadline. */
void nl_kick(struct nl *nl);

/* Stop and free; the kernel's routes stay. NULL is fine. */
void nl_shutdown(struct nl *nl);

struct nl_stats {
	uint64_t batches, messages, errors; /* requests */
	uint64_t dumps, dump_retries;	    /* interrupted by changes, done again */
	uint64_t notifications, overflows;
};
/* Counts since nl_open(), all sockets together. */
void nl_stats(const struct nl *nl, struct nl_stats *ret);

#endif
