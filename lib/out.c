/*
 * The JSON writer and the UTF-8 it needs. See out.h.
 */
#include "lib/out.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* ---- UTF-8 ---- */

/* The code point of a valid sequence of n octets. */
static uint32_t
code_point(const unsigned char *s, size_t n)
{
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t v = s[0] & mask[n];

	for (size_t i = 1; i < n; i++)
		v = v << 6 | (s[i] & 0x3fu);
	return v;
}

/* Octets of the sequence that c begins, 0 when it begins none. */
static size_t
lead_len(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xc0)
		return 0;
	return c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
}

size_t
utf8_len(const char *s, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	size_t len = lead_len(u[0]);
	uint32_t v;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	v = code_point(u, len);
	return v < least[len] || (v >= 0xd800 && v < 0xe000) || v > 0x10ffff ? 0 : len;
}

size_t
utf8_width(const char *s)
{
	size_t width = 0, left = strlen(s), n;

	for (; left > 0; s += n, left -= n, width++) {
		n = utf8_len(s, left);
		n = n > 0 ? n : 1;
	}
	return width;
}

/* ---- escaping ---- */

/*
 * One character at s, n > 0, as it stands in a JSON string: into dst, at most six
 * octets, their number returned; *ret_used says how many octets of s it took.
 */
static size_t
escape_one(const char *s, size_t n, char dst[8], size_t *ret_used)
{
	static const char two[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
		['\r'] = 'r', ['"'] = '"', ['\\'] = '\\' };
	unsigned char c = (unsigned char)s[0];
	size_t len = utf8_len(s, n);
	uint32_t v;

	*ret_used = len > 0 ? len : 1;
	if (len == 0) {
		memcpy(dst, "\xef\xbf\xbd", 3); /* U+FFFD */
		return 3;
	}
	if (c < sizeof(two) && two[c] != '\0') {
		dst[0] = '\\';
		dst[1] = two[c];
		return 2;
	}
	v = code_point((const unsigned char *)s, len);
	if (v < 0x20 || (v >= 0x7f && v < 0xa0)) /* C0, DEL, C1 */
		return (size_t)snprintf(dst, 8, "\\u%04x", v);
	memcpy(dst, s, len);
	return len;
}

size_t
out_escape(char *dst, size_t cap, const char *s, size_t n, bool *ret_cut)
{
	char one[8];
	size_t len = 0, m, used;

	for (; n > 0; s += used, n -= used) {
		m = escape_one(s, n, one, &used);
		if (len + m + 1 > cap)
			break;
		memcpy(dst + len, one, m);
		len += m;
	}
	if (cap > 0)
		dst[len] = '\0';
	if (ret_cut)
		*ret_cut = n > 0;
	return len;
}

/* ---- the buffer ---- */

static void
put(struct out *o, const char *s, size_t n)
{
	if (o->cap - o->len <= n) {
		while (o->cap - o->len <= n)
			o->cap = o->cap > 0 ? 2 * o->cap : 256;
		o->buf = mem_realloc(o->buf, o->cap);
	}
	if (n > 0)
		memcpy(o->buf + o->len, s, n);
	o->len += n;
	o->buf[o->len] = '\0';
}

static void
put_quoted(struct out *o, const char *s, size_t n)
{
	char one[8];
	size_t m, used, plain = 0;

	put(o, "\"", 1);
	while (plain < n) {
		if (s[plain] >= ' ' && s[plain] < 0x7f && s[plain] != '"' && s[plain] != '\\') {
			plain++;
			continue;
		}
		put(o, s, plain);
		m = escape_one(s + plain, n - plain, one, &used);
		put(o, one, m);
		s += plain + used;
		n -= plain + used;
		plain = 0;
	}
	put(o, s, n);
	put(o, "\"", 1);
}

static void
newline(struct out *o)
{
	if (!o->indent)
		return;
	put(o, "\n", 1);
	for (unsigned i = 0; i < o->depth; i++)
		put(o, "  ", 2);
}

static bool
in_array(const struct out *o)
{
	return o->depth > 0 && (o->arrays >> (o->depth - 1) & 1) != 0;
}

/* What comes before a value: comma, newline, key. A key too many or too few aborts. */
static void
begin(struct out *o, const char *key)
{
	bool wants_key = o->depth > 0 && !in_array(o);

	if (wants_key != (key != NULL) || (o->depth == 0 && o->comma))
		abort();
	if (o->comma)
		put(o, ",", 1);
	if (o->depth > 0)
		newline(o);
	o->comma = true;
	if (!key)
		return;
	put_quoted(o, key, strlen(key));
	put(o, ": ", o->indent ? 2 : 1);
}

static void
open_container(struct out *o, const char *key, bool array)
{
	begin(o, key);
	if (o->depth == OUT_DEPTH_MAX)
		abort();
	if (array)
		o->arrays |= (uint32_t)1 << o->depth;
	else
		o->arrays &= ~((uint32_t)1 << o->depth);
	o->depth++;
	o->comma = false;
	put(o, array ? "[" : "{", 1);
}

/* ---- interface ---- */

void
out_init(struct out *o, bool indent)
{
	*o = (struct out){ .indent = indent };
}

void
out_free(struct out *o)
{
	mem_free(o->buf);
	out_init(o, o->indent);
}

void
out_reset(struct out *o)
{
	o->len = 0;
	o->depth = 0;
	o->comma = false;
	if (o->buf)
		o->buf[0] = '\0';
}

void
out_open(struct out *o, const char *key)
{
	open_container(o, key, false);
}

void
out_open_array(struct out *o, const char *key)
{
	open_container(o, key, true);
}

void
out_close(struct out *o)
{
	const char *end = in_array(o) ? "]" : "}";

	if (o->depth == 0)
		abort();
	o->depth--;
	if (o->comma)
		newline(o);
	put(o, end, 1);
	o->comma = true;
}

void
out_raw(struct out *o, const char *key, const char *json)
{
	begin(o, key);
	put(o, json, strlen(json));
}

void
out_str(struct out *o, const char *key, const char *s)
{
	if (s)
		out_strn(o, key, s, strlen(s));
	else
		out_null(o, key);
}

void
out_strn(struct out *o, const char *key, const char *s, size_t n)
{
	begin(o, key);
	put_quoted(o, s, n);
}

void
out_fmt(struct out *o, const char *key, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = mem_vprintf(fmt, ap);
	va_end(ap);
	out_str(o, key, s);
	mem_free(s);
}

void
out_u64(struct out *o, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)v);
	out_raw(o, key, text);
}

void
out_i64(struct out *o, const char *key, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%jd", (intmax_t)v);
	out_raw(o, key, text);
}

void
out_bool(struct out *o, const char *key, bool v)
{
	out_raw(o, key, v ? "true" : "false");
}

void
out_null(struct out *o, const char *key)
{
	out_raw(o, key, "null");
}

void
out_double(struct out *o, const char *key, double v)
{
	char text[32];

	if (!isfinite(v)) {
		out_null(o, key);
		return;
	}
	snprintf(text, sizeof(text), "%.15g", v); /* short where that is exact */
	if (strtod(text, NULL) != v)
		snprintf(text, sizeof(text), "%.17g", v);
	out_raw(o, key, text);
}

void
out_lit(struct out *o, const char *s)
{
	if (o->depth > 0)
		abort();
	put(o, s, strlen(s));
	o->comma = false;
}

const char *
out_text(const struct out *o)
{
	return o->buf ? o->buf : "";
}

char *
out_take(struct out *o, size_t *ret_len)
{
	char *ret = o->buf ? o->buf : mem_strdup("");

	if (ret_len)
		*ret_len = o->len;
	out_init(o, o->indent);
	return ret;
}
