/*
 * Seeded property tests. Each runs from a seed that is printed when it fails; the
 * same seed repeats it: PROP_SEED=N. PROP_RUNS=N changes how many seeds are tried.
 */
#ifndef TESTS_PROP_PROP_H
#define TESTS_PROP_PROP_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/rng.h"

/* The seed under test, for PROP(). */
extern uint64_t prop_seed;

/* Fails the program, naming the place and the seed. */
#define PROP(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s: not so for PROP_SEED=%" PRIu64 "\n", __FILE__, \
			    __LINE__, #cond, prop_seed);                                           \
			exit(EXIT_FAILURE);                                                        \
		}                                                                                  \
	} while (0)

/* Run `property` for `runs` seeds from 1 on, or as the environment says. */
static inline void
prop_run(const char *name, unsigned runs, void (*property)(struct rng *r))
{
	const char *seed = getenv("PROP_SEED"), *many = getenv("PROP_RUNS");
	uint64_t first = seed ? strtoull(seed, NULL, 10) : 1;
	struct rng r;

	if (many)
		runs = (unsigned)strtoul(many, NULL, 10);
	if (seed)
		runs = 1;
	for (unsigned i = 0; i < runs; i++) {
		prop_seed = first + i;
		rng_seed(&r, prop_seed);
		property(&r);
	}
	printf("%s: %u seeds\n", name, runs);
}

#endif
