/*
 * Log lines: one event name and key=value fields, as text or as one JSON object.
 *
 *	log_to(log, LOG_INFO, "peer-up", "peer=%s as=%u why=\"%s\"", name, asn, why);
 *	  text  info peer-up peer=tor1 as=65000 why="hold timer expired"
 *	  JSON  {"level":"info","event":"peer-up","peer":"tor1","as":65000,"why":"hold ..."}
 *
 * The format is read as words `key=value` separated by single spaces; a value may
 * be wrapped in \" and may mix text and conversions (code=%u/%u); a word that is no
 * key=value becomes the value of "note". Conversions: d i u x X o c s p m f e g and %%
 * with the length modifiers hh h l ll z j t (none for f e g), flags, width and
 * precision (also `*`); any other aborts. errno is left as it was. Whatever a conversion brings in
 * stays inside its value: spaces make it quoted, quotes, backslashes and control
 * characters are escaped, invalid UTF-8 is replaced. A value that is one decimal
 * integer conversion is a number in JSON. A line has at most LOG_LINE_MAX octets: the
 * value that does not fit is cut and the rest left out, marked by " ..." at the end,
 * in JSON by "cut":true.
 *
 * No globals here: a core gets a `struct log *` (NULL is silent). The process-wide
 * log of the shells is lib/logmain.h. Do not include <syslog.h> beside this.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mono.h"

#define LOG_LINE_MAX 1024

enum log_level {
	LOG_ERR,    /* our fault, or the system's */
	LOG_WARN,   /* a peer's fault */
	LOG_NOTICE, /* what an operator wants to see in any case */
	LOG_INFO,   /* changes of state */
	LOG_DEBUG,
};

struct log {
	enum log_level level; /* the least important level that is written */
	bool json;
	const char *proc; /* who speaks, before the level (text) or as "proc" (JSON); NULL: nobody */
	void *ctx; /* for the callbacks */
	/* Writes one line of len octets, NUL-terminated, without a newline. */
	void (*sink)(void *ctx, enum log_level level, const char *line, size_t len);
	/* Optional: writes a time stamp of at most cap - 1 characters and a NUL to buf. */
	void (*stamp)(void *ctx, char *buf, size_t cap);
};

/* "err", "warn", "notice", "info", "debug", and back; false leaves *ret alone. */
const char *log_level_str(enum log_level level);
bool log_level_parse(const char *s, enum log_level *ret);

/* Would a line of that level be written? To save the work of preparing its values. */
bool log_wants(const struct log *l, enum log_level level);

/* Write one line; nothing when l is NULL or does not want the level. fmt may be "". */
void log_to(const struct log *l, enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void log_vto(const struct log *l, enum log_level level, const char *event, const char *fmt,
    va_list ap) __attribute__((format(printf, 4, 0)));

/*
 * Token bucket: `burst` lines at once, one more every interval_us. All zeros but
 * these two is the full bucket.
 */
struct log_limit {
	uint32_t burst;
	uint64_t interval_us;
	uint32_t used;
	uint32_t dropped; /* since the last line that passed */
	struct mono_us last;
};

/* May one line pass now? When yes, *ret_dropped (may be NULL) says how many did not before it. */
bool log_limit_pass(struct log_limit *b, struct mono_us now, uint32_t *ret_dropped);

#endif
