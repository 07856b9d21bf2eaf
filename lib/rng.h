/*
 * Seeded pseudo-random numbers (xoshiro256**, state filled by splitmix64), so that
 * a run replays from its seed. For jitter and tests, never for secrets.
 * Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018.
 */
#ifndef LIB_RNG_H
#define LIB_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* Any seed will do, 0 too. */
void rng_seed(struct rng *r, uint64_t seed);

/* 64 random bits. */
uint64_t rng_u64(struct rng *r);

/* Uniform in 0 to n - 1; 0 for n 0. */
uint64_t rng_below(struct rng *r, uint64_t n);

/* Uniform in lo to hi, both included; lo when hi is not above it. */
uint64_t rng_range(struct rng *r, uint64_t lo, uint64_t hi);

/* True in about pct of 100 calls. */
bool rng_chance(struct rng *r, unsigned pct);

/* n random octets. */
void rng_fill(struct rng *r, void *buf, unsigned n);

/*
 * A time in microseconds, uniform between lo_pct and hi_pct per cent of base_us:
 * RFC 4271 section 10 asks for 75 to 100.
 */
uint64_t rng_jitter_us(struct rng *r, uint64_t base_us, unsigned lo_pct, unsigned hi_pct);

#endif
