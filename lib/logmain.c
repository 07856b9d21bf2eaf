/*
 * The process-wide log: lines to stderr. See logmain.h.
 */
#include "lib/logmain.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static unsigned lost; /* lines in a row */

/* Will a line be taken at once? A pipe that polls as writable has room for PIPE_BUF octets. */
static bool
has_room(void)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&pfd, 1, 0) != 0;
}

/* Write prefix, line and newline at once, so that lines of several processes do not mix. */
static void
write_line(const char *prefix, size_t prefix_len, const char *line, size_t len)
{
	struct iovec iov[] = { { (void *)(uintptr_t)prefix, prefix_len },
		{ (void *)(uintptr_t)line, len }, { (void *)(uintptr_t) "\n", 1 } };
	unsigned n_lost = lost;
	ssize_t n;

	if (!has_room()) {
		lost++;
		return;
	}
	lost = 0;
	if (n_lost)
		log_event(LOG_WARN, "log-lines-lost", "count=%u", n_lost);
	do {
		n = writev(STDERR_FILENO, iov, 3);
	} while (n < 0 && errno == EINTR);
	/* What stderr does not take is lost: there is nowhere to say so. */
}

static void
sink_plain(void *ctx, enum log_level level, const char *line, size_t len)
{
	write_line("", 0, line, len);
}

/* The journal reads the priority from "<N>": sd-daemon(3). */
static void
sink_journal(void *ctx, enum log_level level, const char *line, size_t len)
{
	static const char *const prio[] = {
		[LOG_ERR] = "<3>",
		[LOG_WARN] = "<4>",
		[LOG_NOTICE] = "<5>",
		[LOG_INFO] = "<6>",
		[LOG_DEBUG] = "<7>",
	};

	write_line(prio[level], 3, line, len);
}

/* RFC 3339, UTC, milliseconds. */
static void
stamp_utc(void *ctx, char *buf, size_t cap)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, cap, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, cap - n, ".%03ldZ", ts.tv_nsec / 1000000);
}

struct log log_main = { .level = LOG_INFO, .sink = sink_plain, .stamp = stamp_utc };

void
log_main_init(const char *proc, enum log_level level, bool json)
{
	bool journal = getenv("JOURNAL_STREAM") != NULL;

	log_main = (struct log){
		.level = level,
		.json = json,
		.proc = proc,
		.sink = journal ? sink_journal : sink_plain,
		.stamp = journal ? NULL : stamp_utc,
	};
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vto(&log_main, level, event, fmt, ap);
	va_end(ap);
}
