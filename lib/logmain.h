/*
 * The process-wide log of a shell. Never used by a core: it is a global variable.
 *
 * Written to stderr, one write per line, with an RFC 3339 time stamp in UTC unless
 * $JOURNAL_STREAM says that the journal stamps the lines itself (then with the
 * journal's <N> priority prefix instead).
 *
 * Who reads the log must not be able to stop routing: a line that stderr does not
 * take at once is lost, and the next one that it takes says how many were.
 */
#ifndef LIB_LOGMAIN_H
#define LIB_LOGMAIN_H

#include "lib/log.h"

/* The log itself: to be given to a core. Level info and text until set otherwise. */
extern struct log log_main;

/* Start over with these settings; proc (borrowed) says which process speaks. */
void log_main_init(const char *proc, enum log_level level, bool json);

/* One line to log_main. */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
