/*
 * Arbitrary octets in JSON strings, log lines and table cells: the JSON parses, what
 * was UTF-8 without controls comes back as it was, a line stays one line, and a
 * value adds no field.
 */
#include <jansson.h>
#include <string.h>

#include "lib/log.h"
#include "lib/mem.h"
#include "lib/out.h"
#include "tests/fuzz/fuzz.h"

/* Octets that a terminal or a line-based reader would act upon. */
static int
has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f ||
		    ((unsigned char)s[0] == 0xc2 && (unsigned char)s[1] >= 0x80 &&
			(unsigned char)s[1] < 0xa0))
			return 1;
	return 0;
}

/* Written, parsed, written again: the same text. */
static void
check_json(const char *in, size_t len)
{
	struct out one, two;
	json_t *j;

	out_init(&one, false);
	out_init(&two, false);
	out_strn(&one, NULL, in, len);
	HOLD(!has_control(out_text(&one)));
	j = json_loads(out_text(&one), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	HOLD(json_is_string(j));
	out_strn(&two, NULL, json_string_value(j), json_string_length(j));
	HOLD(strcmp(out_text(&one), out_text(&two)) == 0);
	json_decref(j);
	out_free(&one);
	out_free(&two);
}

static char line[LOG_LINE_MAX + 1];

static void
sink(void *ctx, enum log_level level, const char *s, size_t len)
{
	HOLD(len <= LOG_LINE_MAX && strlen(s) == len);
	memcpy(line, s, len + 1);
}

static void
check_log(const char *in)
{
	struct log l = { .level = LOG_INFO, .sink = sink };
	json_t *j;

	log_to(&l, LOG_INFO, "event", "a=%s b=%d", in, 1);
	HOLD(!has_control(line) && strncmp(line, "info event a=", 13) == 0);
	l.json = true;
	log_to(&l, LOG_INFO, "event", "a=%s b=%d", in, 1);
	HOLD(!has_control(line));
	j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	HOLD(json_object_size(j) == 4); /* level, event, a, and b or cut */
	json_decref(j);
}

static void
check_table(const char *in)
{
	static const struct table_col col[] = { { "A", false, false }, { "B", true, false } };
	struct table t;
	size_t lines = 0;
	char *s;

	table_init(&t, col, 2, false);
	table_cell(&t, in);
	table_cell(&t, in);
	s = table_render(&t, true);
	for (char *p = s; (p = strchr(p, '\n')); p++) {
		*p = ' ';
		lines++;
	}
	HOLD(lines == 2 && !has_control(s));
	mem_free(s);
	table_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	char *text = mem_strndup((const char *)(len > 0 ? in : (const uint8_t *)""), len);

	check_json((const char *)in, len);
	check_log(text);
	check_table(text);
	mem_free(text);
	return 0;
}
