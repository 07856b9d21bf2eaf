/*
 * What scenarios with a kernel have in common: the monitor in the daemon's namespace,
 * and waiting for it.
 */
#ifndef LOAD_FIB_H
#define LOAD_FIB_H

#include "tests/bench/load/kernmon.h"
#include "tests/bench/load/pool.h"
#include "tests/bench/load/stream.h"

struct fib {
	struct watch watch; /* first: the callback gets this; in the loop only when asked */
	struct kernmon *mon;
};

/* The monitor of the options, for the routes of one pool or of two (v6 may be NULL). */
void fib_open(struct fib *f, struct load *l, const struct pool *a, const struct pool *b);
void fib_close(struct fib *f);

/*
 * Have the loop read notifications as they come: exact, and as dear as a wake-up for each.
 * Without it fib_until() reads them once in a millisecond.
 */
void fib_watch(struct fib *f, struct load *l);

/*
 * Serve sessions and read notifications every `us` microseconds until done(l), or the run
 * has failed, or --timeout is over, which fails it: `what` is what did not come.
 */
bool fib_until(
    struct fib *f, struct load *l, uint64_t us, bool (*done)(struct load *l), const char *what);

/* Sleep for less than a second. */
void fib_nap(uint64_t us);

/* Serve until nothing has changed in the kernel for that long; false when the run has failed. */
bool fib_quiet(struct fib *f, struct load *l, uint64_t us);

/* Look at every route once; what is wrong fails the run. The judge's argument is the run. */
void fib_check(struct fib *f, struct load *l, kernmon_judge *judge);

/* Add to the result what was counted so far. */
void fib_figures(struct fib *f, struct load *l);

/* Append n prefixes of the pool from `lo` in sets of --per-set, as session s says them. */
void fib_announce(
    struct stream *st, const struct pool *pool, const struct sess *s, uint32_t lo, uint32_t hi);

/* A peer of whom nothing but its routes is wanted: what it gets must be well formed. */
void fib_ignore_update(struct sess *s, const uint8_t *body, size_t len);

#endif
