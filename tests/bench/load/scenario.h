/*
 * The scenarios; the table is in main.c.
 */
#ifndef LOAD_SCENARIO_H
#define LOAD_SCENARIO_H

#include "tests/bench/load/load.h"

/*
 * Each runs to its end or to the first failure, and adds its figures to the result.
 * What it measures is said above it, and in the table.
 */
void s1_run(struct load *l);
void s2_run(struct load *l);
void s3_run(struct load *l);
void s4_run(struct load *l);
void s5_run(struct load *l);
void s6_run(struct load *l);
void s7_run(struct load *l);
void s8_run(struct load *l);
void s9_run(struct load *l);
void s11_run(struct load *l);
void selftest_run(struct load *l);

/*
 * The beginning of every scenario: all sessions up, EVENT up, pause "up", and seconds_up
 * (from the first connection that was there) in the result. False when the run has failed.
 */
bool phase_up(struct load *l);

/* The end, after EVENT complete: pause "complete", then serve a while; nothing more should come. */
void phase_quiet(struct load *l);

/* The option, or what the scenario takes when it is not given. */
static inline uint32_t
or_default(uint32_t option, uint32_t usual)
{
	return option ? option : usual;
}

#endif
