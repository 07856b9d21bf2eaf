/*
 * For main.c of the programs that change their user or capabilities: a build
 * with sanitizers must not look for leaks in them at exit.  LeakSanitizer
 * stops its own process by ptrace(2), which such a process refuses, and then
 * turns a good exit into a failed one.  Leaks are looked for in the unit,
 * property and simulation tests, where the same code runs.
 */
#ifndef LIB_SANITIZED_H
#define LIB_SANITIZED_H

#include "config.h"

#ifdef WEFT_SANITIZED
/* Read by AddressSanitizer before main(); $ASAN_OPTIONS goes on top. Static text. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

#endif
