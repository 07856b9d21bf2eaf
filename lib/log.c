/*
 * Log lines from a format of key=value words. See log.h.
 *
 * The format is walked here, one conversion at a time, rather than handed to
 * vsnprintf() whole: only so is it known where a value begins and ends, whatever
 * is in it, and a peer cannot write fields of its own.
 */
#include "lib/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/out.h"

#define CUT_MARK_MAX 13 /* ,"cut":true} and the NUL */

/* A line under construction. */
struct line {
	char buf[LOG_LINE_MAX + 1];
	size_t len;
	bool json, cut;
};

/* One value: its text, and how it was asked for. */
struct value {
	char text[LOG_LINE_MAX + 1];
	size_t len;
	bool number, quoted;
	int err; /* errno when the line was asked for: %m */
};

/* ---- one conversion of a format ---- */

enum size_mod { SIZE_INT, SIZE_HH, SIZE_H, SIZE_L, SIZE_LL, SIZE_Z, SIZE_J, SIZE_T };

/* The length modifier at *f, which moves past it. */
static enum size_mod
size_mod(const char **f)
{
	static const struct {
		const char *text;
		enum size_mod mod;
	} mods[] = { { "hh", SIZE_HH }, { "h", SIZE_H }, { "ll", SIZE_LL }, { "l", SIZE_L },
		{ "z", SIZE_Z }, { "j", SIZE_J }, { "t", SIZE_T } };
	size_t n;

	for (size_t i = 0; i < sizeof(mods) / sizeof(mods[0]); i++) {
		n = strlen(mods[i].text);
		if (strncmp(*f, mods[i].text, n) == 0) {
			*f += n;
			return mods[i].mod;
		}
	}
	return SIZE_INT;
}

static intmax_t
take_signed(va_list *ap, enum size_mod mod)
{
	switch (mod) {
	case SIZE_HH:
		return (signed char)va_arg(*ap, int);
	case SIZE_H:
		return (short)va_arg(*ap, int);
	case SIZE_L:
		return va_arg(*ap, long);
	case SIZE_LL:
		return va_arg(*ap, long long);
	case SIZE_Z:
	case SIZE_T:
		return va_arg(*ap, ptrdiff_t);
	case SIZE_J:
		return va_arg(*ap, intmax_t);
	case SIZE_INT:
		break;
	}
	return va_arg(*ap, int);
}

static uintmax_t
take_unsigned(va_list *ap, enum size_mod mod)
{
	switch (mod) {
	case SIZE_HH:
		return (unsigned char)va_arg(*ap, unsigned);
	case SIZE_H:
		return (unsigned short)va_arg(*ap, unsigned);
	case SIZE_L:
		return va_arg(*ap, unsigned long);
	case SIZE_LL:
		return va_arg(*ap, unsigned long long);
	case SIZE_Z:
	case SIZE_T:
		return va_arg(*ap, size_t);
	case SIZE_J:
		return va_arg(*ap, uintmax_t);
	case SIZE_INT:
		break;
	}
	return va_arg(*ap, unsigned);
}

/* A width or precision at *f, digits or an int for `*`, appended to spec; false: negative. */
static bool
field_number(const char **f, va_list *ap, char *spec, size_t cap)
{
	size_t n = strlen(spec), digits = strspn(*f, "0123456789");
	int v;

	if (**f == '*') {
		v = va_arg(*ap, int);
		snprintf(spec + n, cap - n, "%d", v);
		(*f)++;
		return v >= 0;
	}
	snprintf(spec + n, cap - n, "%.*s", (int)digits, *f);
	*f += digits;
	return true;
}

/* Flags, width and precision at *f (after the percent sign) into spec. */
static void
conversion_head(const char **f, va_list *ap, char *spec, size_t cap)
{
	size_t n = strspn(*f, "-+ #0");

	snprintf(spec, cap, "%%%.*s", (int)n, *f);
	*f += n;
	field_number(f, ap, spec, cap);
	if (**f == '.') {
		(*f)++;
		n = strlen(spec);
		snprintf(spec + n, cap - n, ".");
		if (!field_number(f, ap, spec, cap))
			spec[n] = '\0'; /* a negative precision is none */
	}
}

/* Carry out the conversion at *f (after the percent sign) and append it to v. */
static void
convert(const char **f, va_list *ap, struct value *v)
{
	char spec[64], *dst = v->text + v->len, c;
	size_t n, room = sizeof(v->text) - v->len;
	enum size_mod mod;
	int len = 0;

	conversion_head(f, ap, spec, sizeof(spec) - 4);
	mod = size_mod(f);
	c = *(*f)++;
	n = strlen(spec);
	snprintf(spec + n, sizeof(spec) - n, strchr("diuxXo", c) ? "j%c" : "%c", c);
	if (c == 'd' || c == 'i')
		len = snprintf(dst, room, spec, take_signed(ap, mod));
	else if (c == 'u' || c == 'x' || c == 'X' || c == 'o')
		len = snprintf(dst, room, spec, take_unsigned(ap, mod));
	else if (c == 's')
		len = snprintf(dst, room, spec, va_arg(*ap, const char *));
	else if (c == 'c')
		len = snprintf(dst, room, spec, va_arg(*ap, int));
	else if (c == 'p')
		len = snprintf(dst, room, spec, va_arg(*ap, void *));
	else if (c == 'm')
		len = snprintf(dst, room, "%s", strerror(v->err));
	else if (c != '\0' && strchr("fgeFGE", c))
		len = snprintf(dst, room, spec, va_arg(*ap, double));
	else
		abort(); /* a conversion this log does not know */
	v->number = v->len == 0 && (strcmp(spec, "%jd") == 0 || strcmp(spec, "%ji") == 0 ||
					   strcmp(spec, "%ju") == 0);
	v->len += len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

/* Append one character of the format itself. */
static void
literal(struct value *v, char c)
{
	v->number = false;
	if (v->len + 1 < sizeof(v->text))
		v->text[v->len++] = c;
	v->text[v->len] = '\0';
}

/* The value at *f up to its end: a space, or the closing quote of one that opens with a quote. */
static void
take_value(const char **f, va_list *ap, struct value *v)
{
	char end = **f == '"' ? '"' : ' ';

	v->len = 0;
	v->text[0] = '\0';
	v->number = false;
	v->quoted = end == '"';
	*f += v->quoted;
	while (**f != '\0' && **f != end) {
		if (**f != '%') {
			literal(v, *(*f)++);
		} else if ((*f)[1] == '%') {
			literal(v, '%');
			*f += 2;
		} else {
			(*f)++;
			convert(f, ap, v);
		}
	}
	*f += **f != '\0' && v->quoted;
}

/* ---- the line ---- */

/* Append n octets if they fit before the room for the cut mark; else mark the line cut. */
static bool
line_put(struct line *l, const char *s, size_t n)
{
	if (l->cut || n + CUT_MARK_MAX > sizeof(l->buf) - l->len) {
		l->cut = true;
		return false;
	}
	memcpy(l->buf + l->len, s, n);
	l->len += n;
	return true;
}

/* Append s escaped and in quotes, cut if need be. At least the quotes must fit, or nothing is written. */
static bool
line_quote(struct line *l, const char *s, size_t n)
{
	size_t room = sizeof(l->buf) - l->len;
	bool cut;

	if (room < CUT_MARK_MAX + 3 || !line_put(l, "\"", 1))
		return false;
	l->len += out_escape(l->buf + l->len, room - CUT_MARK_MAX - 2, s, n, &cut);
	l->buf[l->len++] = '"';
	l->cut = cut;
	return true;
}

/* May this text stand in a line without quotes? */
static bool
is_bare(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' || s[i] == '=')
			return false;
	return n > 0;
}

/* Append one field; a field of which nothing fits is taken back whole. */
static void
line_field(struct line *l, const char *key, size_t key_len, const struct value *v)
{
	size_t before = l->len;
	bool ok;

	if (l->json)
		ok = line_put(l, ",", l->len > 1) && line_quote(l, key, key_len) &&
		    line_put(l, ":", 1);
	else
		ok = line_put(l, " ", l->len > 0) && line_put(l, key, key_len) &&
		    line_put(l, "=", 1);
	if (ok && (l->json ? v->number : !v->quoted && is_bare(v->text, v->len)))
		ok = line_put(l, v->text, v->len);
	else if (ok)
		ok = line_quote(l, v->text, v->len);
	if (!ok) {
		l->len = before;
		l->cut = true;
	}
}

/* Append a field of plain text; in a text line without its key. */
static void
line_head(struct line *l, const char *key, const char *text)
{
	struct value v = { .len = strlen(text) };

	if (!l->json) {
		line_put(l, " ", l->len > 0);
		if (is_bare(text, v.len))
			line_put(l, text, v.len);
		else
			line_quote(l, text, v.len);
		return;
	}
	if (v.len >= sizeof(v.text))
		v.len = sizeof(v.text) - 1;
	memcpy(v.text, text, v.len);
	line_field(l, key, strlen(key), &v);
}

static void
line_fields(struct line *l, const char *f, int err, va_list *ap)
{
	struct value v = { .err = err };
	const char *key;
	size_t n;

	while (*(f += strspn(f, " ")) != '\0') {
		key = f;
		n = strcspn(f, "= %\"");
		if (f[n] == '=') {
			f += n + 1;
		} else {
			key = "note";
			n = strlen(key);
		}
		take_value(&f, ap, &v);
		line_field(l, key, n, &v);
	}
}

static void
line_end(struct line *l)
{
	const char *end = l->json ? l->cut ? ",\"cut\":true}" : "}" : l->cut ? " ..." : "";
	size_t n = strlen(end);

	memcpy(l->buf + l->len, end, n + 1);
	l->len += n;
}

/* ---- interface ---- */

static const char *const level_names[] = {
	[LOG_ERR] = "err",
	[LOG_WARN] = "warn",
	[LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};
#define NLEVELS (sizeof(level_names) / sizeof(level_names[0]))

const char *
log_level_str(enum log_level level)
{
	return (size_t)level < NLEVELS ? level_names[level] : "unknown";
}

bool
log_level_parse(const char *s, enum log_level *ret)
{
	for (size_t i = 0; i < NLEVELS; i++)
		if (strcmp(s, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	return false;
}

bool
log_wants(const struct log *l, enum log_level level)
{
	return l && l->sink && level <= l->level;
}

void
log_to(const struct log *l, enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vto(l, level, event, fmt, ap);
	va_end(ap);
}

void
log_vto(const struct log *l, enum log_level level, const char *event, const char *fmt, va_list ap)
{
	struct line line;
	char stamp[64] = "";
	int err = errno;
	va_list mine;

	if (!log_wants(l, level))
		return;
	line.len = 0;
	line.cut = false;
	line.json = l->json;
	if (line.json)
		line_put(&line, "{", 1);
	if (l->stamp)
		l->stamp(l->ctx, stamp, sizeof(stamp));
	if (stamp[0] != '\0')
		line_head(&line, "time", stamp);
	if (l->proc)
		line_head(&line, "proc", l->proc);
	line_head(&line, "level", log_level_str(level));
	line_head(&line, "event", event);
	va_copy(mine, ap);
	line_fields(&line, fmt, err, &mine);
	va_end(mine);
	line_end(&line);
	l->sink(l->ctx, level, line.buf, line.len);
	errno = err;
}

bool
log_limit_pass(struct log_limit *b, struct mono_us now, uint32_t *ret_dropped)
{
	uint64_t refill =
	    b->interval_us > 0 ? mono_diff_us(now, b->last) / b->interval_us : UINT32_MAX;

	if (refill >= b->used) {
		b->used = 0;
		b->last = now;
	} else {
		b->used -= (uint32_t)refill;
		b->last = mono_add_us(b->last, refill * b->interval_us);
	}
	if (b->used >= b->burst) {
		b->dropped++;
		return false;
	}
	b->used++;
	if (ret_dropped)
		*ret_dropped = b->dropped;
	b->dropped = 0;
	return true;
}
