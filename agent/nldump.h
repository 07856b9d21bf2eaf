/*
 * Dumps of kernel tables into the fib, one at a time, a slice in each turn of the
 * event loop.
 */
#ifndef AGENT_NLDUMP_H
#define AGENT_NLDUMP_H

#include "agent/nlmsg.h"

struct nl_sock;
struct nldump;

struct nldump_stats {
	uint64_t dumps, retries;
};

struct nldump *nldump_new(struct nl_sock *sk, struct fib *f, struct mono_us (*now)(void));
void nldump_free(struct nldump *d);

/* Dump that kind when those before it are done. */
void nldump_want(struct nldump *d, enum kern_what what);
/* Start the next wanted dump if none is under way. */
void nldump_start(struct nldump *d);
bool nldump_busy(const struct nldump *d);
/* The socket is readable: read a slice. True: the fib was fed. */
bool nldump_read(struct nldump *d);
void nldump_stats(const struct nldump *d, struct nldump_stats *ret);

#endif
