/*
 * Monotonic time as a type of its own, so that seconds or milliseconds
 * cannot be added to it by mistake.
 *
 * The cores never ask a clock: the shell passes the time into every call.
 */
#ifndef LIB_MONO_H
#define LIB_MONO_H

#include <stdbool.h>
#include <stdint.h>

/* Microseconds since an arbitrary start (CLOCK_MONOTONIC in the shells). */
struct mono_us {
	uint64_t us;
};

/* "No deadline": later than every time that occurs. */
#define MONO_NEVER ((struct mono_us){ UINT64_MAX })

static inline struct mono_us
mono_add_us(struct mono_us t, uint64_t us)
{
	return t.us > UINT64_MAX - us ? MONO_NEVER : (struct mono_us){ t.us + us };
}

static inline struct mono_us
mono_add_ms(struct mono_us t, uint64_t ms)
{
	return mono_add_us(t, ms * 1000);
}

static inline struct mono_us
mono_add_s(struct mono_us t, uint64_t s)
{
	return mono_add_us(t, s * 1000000);
}

/* a - b in microseconds; 0 when b is later. */
static inline uint64_t
mono_diff_us(struct mono_us a, struct mono_us b)
{
	return a.us > b.us ? a.us - b.us : 0;
}

static inline bool
mono_before(struct mono_us a, struct mono_us b)
{
	return a.us < b.us;
}

/* a is at or after b. */
static inline bool
mono_reached(struct mono_us now, struct mono_us deadline)
{
	return now.us >= deadline.us;
}

static inline struct mono_us
mono_min(struct mono_us a, struct mono_us b)
{
	return a.us < b.us ? a : b;
}

static inline bool
mono_is_never(struct mono_us t)
{
	return t.us == UINT64_MAX;
}

#endif
