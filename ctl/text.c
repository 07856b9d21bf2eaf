/*
 * Times and texts for people.  Names, reasons and attributes are written by other
 * machines: nothing of theirs reaches a terminal before it is cleaned here or by
 * lib/out's tables.
 */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <string.h>

#include "lib/mem.h"

const char *
text_uptime(uint64_t s, char buf[UPTIME_STRLEN])
{
	unsigned long long days = s / 86400;
	unsigned rest = (unsigned)(s % 86400);

	if (days)
		snprintf(buf, UPTIME_STRLEN, "%llud%02uh", days, rest / 3600);
	else
		snprintf(buf, UPTIME_STRLEN, "%02u:%02u:%02u", rest / 3600, rest / 60 % 60,
		    rest % 60);
	return buf;
}

const char *
js_uptime(const json_t *row, const char *key, char buf[UPTIME_STRLEN])
{
	return js_has(row, key) ? text_uptime(js_u64(row, key), buf) : "-";
}

const char *
text_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* One character at s: its octets, 0 when it is not to be shown. */
static size_t
clean_len(const char *s, size_t left)
{
	unsigned char c = (unsigned char)*s;
	size_t n = utf8_len(s, left);

	if (c < ' ' || c == 0x7f)
		return 0;
	if (n == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0) /* C1 controls */
		return 0;
	return n;
}

void
put_clean(FILE *f, const char *s)
{
	size_t n, left = strlen(s);

	for (; left; s += n, left -= n) {
		n = clean_len(s, left);
		if (n)
			fwrite(s, 1, n, f);
		else
			fputc('?', f);
		n = n ? n : 1;
	}
}

char *
text_clean(char *s)
{
	size_t n, left = strlen(s);
	char *p = s;

	for (; left; p += n, left -= n) {
		n = clean_len(p, left);
		if (!n)
			*p = '?';
		n = n ? n : 1;
	}
	return s;
}

void
print_clean(FILE *f, const char *fmt, ...)
{
	char *text, *line, *end;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = mem_alloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		put_clean(f, line);
		fputc('\n', f);
	}
	put_clean(f, line);
	mem_free(text);
}

void
put_wrapped(FILE *f, const char *text, unsigned indent, unsigned width)
{
	char *copy = text_clean(mem_strdup(text)), *word = copy;
	unsigned at = indent, w;
	size_t n;
	bool first = true;

	for (; *word; word += n) {
		word += strspn(word, " ");
		n = strcspn(word, " ");
		if (!n)
			break;
		char keep = word[n];

		word[n] = '\0';
		w = (unsigned)utf8_width(word);
		if (!first && width && at + 1 + w > width) {
			fprintf(f, "\n%*s", (int)indent, "");
			at = indent;
			first = true;
		}
		fprintf(f, "%s%s", first ? "" : " ", word);
		at += w + !first;
		first = false;
		word[n] = keep;
	}
	fputc('\n', f);
	mem_free(copy);
}
