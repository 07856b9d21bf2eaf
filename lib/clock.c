/*
 * The clock: clock_gettime(2).
 */
#include "lib/clock.h"

#include <time.h>

struct mono_us
clock_mono(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono_us){ (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000 };
}

int64_t
clock_wall_offset(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 - (int64_t)clock_mono().us;
}
