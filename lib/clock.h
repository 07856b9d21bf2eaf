/*
 * The clock, for the shells only: a core is given the time.
 */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include "lib/mono.h"

/* CLOCK_MONOTONIC; never fails, never goes back. */
struct mono_us clock_mono(void);

#endif
