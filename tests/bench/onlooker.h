/*
 * Somebody who listens to what the kernel tells of routes, in a process beside, just as the
 * load generator does while a daemon works: every notification is read and counted, once in
 * a millisecond all that have gathered.
 */
#ifndef BENCH_ONLOOKER_H
#define BENCH_ONLOOKER_H

#include <stdint.h>

#include "tests/bench/load/kernmon.h"

struct onlooker;

/*
 * Begin in this namespace; as kernmon_open() for what is expected. Ready when it returns,
 * and it ends with us at the latest. Ends the program when that cannot be done.
 */
struct onlooker *onlooker_start(const struct kernmon_want *v4, const struct kernmon_want *v6);
void onlooker_stop(struct onlooker *o);

/*
 * Wait until it knows of n expected routes of the family (IP4, IP6); when it had read the
 * last message about them, in seconds of CLOCK_MONOTONIC.
 */
double onlooker_wait(const struct onlooker *o, uint8_t af, uint32_t n);

#endif
