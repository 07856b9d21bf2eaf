/*
 * The clock, for the shells only: a core is given the time.
 */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include "lib/mono.h"

/* CLOCK_MONOTONIC; never fails, never goes back. */
struct mono_us clock_mono(void);

/* Microseconds to be added to it for CLOCK_REALTIME, at this moment. */
int64_t clock_wall_offset(void);

#endif
