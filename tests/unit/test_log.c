/*
 * Log lines: what a value brings in stays inside it; lines are bounded; the limiter.
 */
#include "lib/logmain.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static char got[LOG_LINE_MAX + 1];
static unsigned nlines;

static void
sink(void *ctx, enum log_level level, const char *line, size_t len)
{
	ck_assert_uint_le(len, LOG_LINE_MAX);
	ck_assert_uint_eq(strlen(line), len);
	memcpy(got, line, len + 1);
	nlines++;
}

static void
stamp(void *ctx, char *buf, size_t cap)
{
	ck_assert_uint_ge(cap, 32);
	strcpy(buf, "12:00:00");
}

static const struct log text = { .level = LOG_INFO, .sink = sink };
static const struct log json = { .level = LOG_INFO, .sink = sink, .json = true };

/* The same line as text and as JSON. */
#define BOTH(want_text, want_json, ...)                                                            \
	do {                                                                                       \
		log_to(&text, LOG_WARN, "ev", __VA_ARGS__);                                        \
		ck_assert_str_eq(got, "warn ev" want_text);                                        \
		log_to(&json, LOG_WARN, "ev", __VA_ARGS__);                                        \
		ck_assert_str_eq(got, "{\"level\":\"warn\",\"event\":\"ev\"" want_json "}");       \
	} while (0)

START_TEST(fields)
{
	BOTH("", "", " ");
	BOTH(" peer=tor1 as=65000", ",\"peer\":\"tor1\",\"as\":65000", "peer=%s as=%u", "tor1",
	    65000u);
	BOTH(" code=3/6 n=-1", ",\"code\":\"3/6\",\"n\":-1", "code=%u/%u n=%d", 3u, 6u, -1);
	BOTH(" why=\"a b\"", ",\"why\":\"a b\"", "why=\"%s\"", "a b");
	BOTH(" why=\"a b\"", ",\"why\":\"a b\"", "why=%s", "a b");
	BOTH(" why=\"\"", ",\"why\":\"\"", "why=%s", "");
	BOTH(" pct=7%", ",\"pct\":\"7%\"", "pct=%d%%", 7);
	BOTH(" a=\"x y 1\" b=2", ",\"a\":\"x y 1\",\"b\":2", "a=\"x y %d\" b=%d", 1, 2);
	BOTH(" note=word k=v", ",\"note\":\"word\",\"k\":\"v\"", "%s k=v", "word");
}
END_TEST

START_TEST(conversions)
{
	BOTH(" a=255 b=ff c=377 d=-1 e=x", ",\"a\":255,\"b\":\"ff\",\"c\":\"377\",\"d\":-1,\"e\":\"x\"",
	    "a=%hhu b=%x c=%o d=%hd e=%c", (unsigned char)255, 255u, 255u, (short)-1, 'x');
	BOTH(" a=18446744073709551615 b=-9223372036854775808",
	    ",\"a\":18446744073709551615,\"b\":-9223372036854775808", "a=%llu b=%lld", ULLONG_MAX,
	    LLONG_MIN);
	BOTH(" a=5 b=6 c=7 d=8", ",\"a\":5,\"b\":6,\"c\":7,\"d\":8", "a=%zu b=%jd c=%td d=%lu",
	    (size_t)5, (intmax_t)6, (ptrdiff_t)7, 8ul);
	BOTH(" a=abc b=00a5 c=abcd", ",\"a\":\"abc\",\"b\":\"00a5\",\"c\":\"abcd\"",
	    "a=%.*s b=%04x c=%.*s", 3, "abcdef", 0xa5u, -1, "abcd");
	BOTH(" a=1.5 b=0.25", ",\"a\":\"1.5\",\"b\":\"0.25\"", "a=%.1f b=%g", 1.5, 0.25);
}
END_TEST

START_TEST(hostile_values)
{
	BOTH(" why=\"x\\nerr peer-down peer=a\"", ",\"why\":\"x\\nerr peer-down peer=a\"",
	    "why=%s", "x\nerr peer-down peer=a");
	BOTH(" why=\"a\\\" as=\\\"1\"", ",\"why\":\"a\\\" as=\\\"1\"", "why=\"%s\"",
	    "a\" as=\"1");
	BOTH(" why=\"a=b\" c=d", ",\"why\":\"a=b\",\"c\":\"d\"", "why=%s c=d", "a=b");
	BOTH(" why=\"\\u001b[2J\\\\\"", ",\"why\":\"\\u001b[2J\\\\\"", "why=%s", "\x1b[2J\\");
	BOTH(" why=\"\xef\xbf\xbd\"", ",\"why\":\"\xef\xbf\xbd\"", "why=%s", "\xff");
	BOTH(" why=\"\\u009b\"", ",\"why\":\"\\u009b\"", "why=%s", "\xc2\x9b"); /* a C1 control */
	BOTH(" why=\"gr\xc3\xbc\xc3\x9f\"", ",\"why\":\"gr\xc3\xbc\xc3\x9f\"", "why=%s",
	    "gr\xc3\xbc\xc3\x9f");
	BOTH(" why=%s", ",\"why\":\"%s\"", "why=%s", "%s");
}
END_TEST

/* Values of every length around the limit: bounded, marked, and JSON to the end. */
START_TEST(long_lines)
{
	static const char fill[] = "a\n\"\xc3\xbc\xff";
	char big[LOG_LINE_MAX + 8];
	json_t *j;

	for (size_t n = 0; n < sizeof(big); n++) {
		for (size_t i = 0; i < n; i++)
			big[i] = fill[(i + n) % (sizeof(fill) - 1)];
		big[n] = '\0';
		log_to(&text, LOG_INFO, "ev", "a=%s b=%s", big, "tail");
		ck_assert(strstr(got, " b=tail") ||
		    strcmp(got + strlen(got) - 4, " ...") == 0);
		log_to(&json, LOG_INFO, "ev", "a=%s b=%s", big, "tail");
		j = json_loads(got, 0, NULL);
		ck_assert_msg(j != NULL, "%s", got);
		ck_assert(json_object_get(j, "b") != NULL || json_object_get(j, "cut") != NULL);
		ck_assert_ptr_nonnull(json_object_get(j, "event"));
		json_decref(j);
	}
	ck_assert_ptr_null(strstr(got, "tail"));
}
END_TEST

START_TEST(head)
{
	struct log l = { .level = LOG_DEBUG, .sink = sink, .stamp = stamp, .proc = "weft-bgpd" };

	log_to(&l, LOG_DEBUG, "ev", "a=1");
	ck_assert_str_eq(got, "12:00:00 weft-bgpd debug ev a=1");
	log_to(&l, LOG_ERR, "two words", "a=1"); /* a name that came from elsewhere */
	ck_assert_str_eq(got, "12:00:00 weft-bgpd err \"two words\" a=1");
	l.json = true;
	log_to(&l, LOG_ERR, "ev", "a=1");
	ck_assert_str_eq(got, "{\"time\":\"12:00:00\",\"proc\":\"weft-bgpd\",\"level\":\"err\","
			      "\"event\":\"ev\",\"a\":\"1\"}");
}
END_TEST

START_TEST(levels)
{
	struct log l = { .level = LOG_NOTICE, .sink = sink };
	enum log_level level;

	nlines = 0;
	log_to(NULL, LOG_ERR, "ev", "a=%d", 1); /* silent */
	log_to(&l, LOG_INFO, "ev", "a=%d", 1);
	ck_assert_uint_eq(nlines, 0);
	ck_assert(!log_wants(&l, LOG_INFO) && log_wants(&l, LOG_NOTICE) && !log_wants(NULL, LOG_ERR));
	log_to(&l, LOG_NOTICE, "ev", "a=%d", 1);
	ck_assert_uint_eq(nlines, 1);
	for (int i = LOG_ERR; i <= LOG_DEBUG; i++) {
		ck_assert(log_level_parse(log_level_str((enum log_level)i), &level));
		ck_assert_int_eq((int)level, i);
	}
	ck_assert(!log_level_parse("error", &level));
}
END_TEST

START_TEST(errno_kept)
{
	errno = ENOENT;
	log_to(&text, LOG_INFO, "ev", "why=\"%m\"");
	ck_assert_str_eq(got, "info ev why=\"No such file or directory\"");
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(limit)
{
	struct log_limit b = { .burst = 3, .interval_us = 10 };
	struct mono_us t = { 1000 };
	uint32_t dropped = 99;

	for (int i = 0; i < 3; i++)
		ck_assert(log_limit_pass(&b, t, &dropped));
	ck_assert_uint_eq(dropped, 0);
	ck_assert(!log_limit_pass(&b, t, &dropped));
	ck_assert(!log_limit_pass(&b, (struct mono_us){ 1009 }, NULL));
	ck_assert(log_limit_pass(&b, (struct mono_us){ 1010 }, &dropped));
	ck_assert_uint_eq(dropped, 2);
	ck_assert(!log_limit_pass(&b, (struct mono_us){ 1019 }, NULL));
	ck_assert(log_limit_pass(&b, (struct mono_us){ 1020 }, &dropped));
	ck_assert_uint_eq(dropped, 1);
	for (int i = 0; i < 3; i++) /* a long pause: the full burst again, and no more */
		ck_assert(log_limit_pass(&b, (struct mono_us){ 100000 }, &dropped));
	ck_assert(!log_limit_pass(&b, (struct mono_us){ 100000 }, NULL));
}
END_TEST

/* One line of the process's log, as it reaches stderr. */
static const char *
stderr_line(bool as_json, bool journal)
{
	static char buf[512];
	int pipes[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	if (journal)
		setenv("JOURNAL_STREAM", "8:1", 1);
	else
		unsetenv("JOURNAL_STREAM");
	log_main_init("weft", LOG_NOTICE, as_json);
	ck_assert_int_eq(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	log_event(LOG_INFO, "hidden", "a=%d", 1);
	log_event(LOG_WARN, "shown", "a=%d", 1);
	dup2(saved, STDERR_FILENO);
	n = read(pipes[0], buf, sizeof(buf) - 1);
	ck_assert_int_gt((int)n, 0);
	buf[n] = '\0';
	close(saved);
	close(pipes[0]);
	close(pipes[1]);
	return buf;
}

START_TEST(process_log)
{
	const char *s = stderr_line(false, true);
	unsigned ms;
	struct tm tm;

	ck_assert_str_eq(s, "<4>weft warn shown a=1\n");
	s = strptime(stderr_line(false, false), "%Y-%m-%dT%H:%M:%S", &tm);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(sscanf(s, ".%3uZ", &ms), 1);
	ck_assert_str_eq(s + 5, " weft warn shown a=1\n");
	ck_assert_str_eq(stderr_line(true, true),
	    "<4>{\"proc\":\"weft\",\"level\":\"warn\",\"event\":\"shown\",\"a\":1}\n");
}
END_TEST

/* Nobody reads: lines are dropped instead of waited for, and counted. */
START_TEST(stuck_reader)
{
	char fill[4096] = "", buf[8192];
	int pipes[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	setenv("JOURNAL_STREAM", "8:1", 1);
	log_main_init("weft", LOG_NOTICE, false);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(fcntl(pipes[1], F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(write(pipes[1], fill, sizeof(fill)), (int)sizeof(fill));
	dup2(pipes[1], STDERR_FILENO);
	for (int i = 0; i < 3; i++)
		log_event(LOG_WARN, "dropped", "a=%d", i);
	n = read(pipes[0], buf, sizeof(buf));
	log_event(LOG_WARN, "shown", "a=%d", 3);
	dup2(saved, STDERR_FILENO);
	close(saved);
	ck_assert_int_eq((int)n, (int)sizeof(fill));
	n = read(pipes[0], buf, sizeof(buf) - 1);
	ck_assert_int_gt((int)n, 0);
	buf[n] = '\0';
	ck_assert_str_eq(buf, "<4>weft warn log-lines-lost count=3\n<4>weft warn shown a=3\n");
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *tc = unit_case(s, "log");

	tcase_add_test(tc, fields);
	tcase_add_test(tc, conversions);
	tcase_add_test(tc, hostile_values);
	tcase_add_test(tc, long_lines);
	tcase_add_test(tc, head);
	tcase_add_test(tc, levels);
	tcase_add_test(tc, errno_kept);
	tcase_add_test(tc, limit);
	tcase_add_test(tc, process_log);
	tcase_add_test(tc, stuck_reader);
	return unit_run(s);
}
