/*
 * xoshiro256** seeded by splitmix64. See rng.h.
 */
#include "lib/rng.h"

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t
rotl(uint64_t v, unsigned k)
{
	return v << k | v >> (64 - k);
}

void
rng_seed(struct rng *r, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++)
		r->s[i] = splitmix64(&seed);
}

uint64_t
rng_u64(struct rng *r)
{
	uint64_t *s = r->s, ret = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return ret;
}

uint64_t
rng_below(struct rng *r, uint64_t n)
{
	uint64_t skip, v;

	if (n == 0)
		return 0;
	skip = (0 - n) % n; /* 2^64 mod n values at the bottom would come too often */
	do {
		v = rng_u64(r);
	} while (v < skip);
	return v % n;
}

uint64_t
rng_range(struct rng *r, uint64_t lo, uint64_t hi)
{
	if (hi <= lo)
		return lo;
	if (hi - lo == UINT64_MAX)
		return rng_u64(r);
	return lo + rng_below(r, hi - lo + 1);
}

bool
rng_chance(struct rng *r, unsigned pct)
{
	return rng_below(r, 100) < pct;
}

void
rng_fill(struct rng *r, void *buf, unsigned n)
{
	uint8_t *p = buf;

	for (unsigned i = 0; i < n; i++)
		p[i] = (uint8_t)(rng_u64(r) >> 56);
}

uint64_t
rng_jitter_us(struct rng *r, uint64_t base_us, unsigned lo_pct, unsigned hi_pct)
{
	uint64_t lo = base_us / 100 * lo_pct + base_us % 100 * lo_pct / 100;
	uint64_t hi = base_us / 100 * hi_pct + base_us % 100 * hi_pct / 100;

	return rng_range(r, lo, hi);
}
