/*
 * Plain-text tables. See out.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/out.h"

/* Room for text that grows. */
struct text {
	char *buf;
	size_t len, cap;
};

static void
text_put(struct text *t, const char *s, size_t n)
{
	if (t->cap - t->len <= n) {
		t->cap = 2 * t->cap + n + 64;
		t->buf = mem_realloc(t->buf, t->cap);
	}
	memcpy(t->buf + t->len, s, n);
	t->len += n;
	t->buf[t->len] = '\0';
}

static void
text_spaces(struct text *t, size_t n)
{
	while (n-- > 0)
		text_put(t, " ", 1);
}

/* Replace what could move the cursor: control characters (C0, DEL, C1) and bad UTF-8. */
static char *
tame(char *s)
{
	size_t left = strlen(s), n;

	for (char *p = s; left > 0; p += n, left -= n) {
		n = utf8_len(p, left);
		if (n == 0 || (n == 1 && ((unsigned char)*p < ' ' || *p == 0x7f))) {
			*p = '?';
			n = 1;
		} else if (n == 2 && (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0) {
			p[0] = p[1] = '?';
		}
	}
	return s;
}

/* Takes s over. */
static void
add(struct table *t, char *s)
{
	if (t->ncells == t->cap) {
		t->cap = t->cap > 0 ? 2 * t->cap : 64;
		t->cell = mem_realloc_array(t->cell, t->cap, sizeof(*t->cell));
	}
	t->cell[t->ncells++] = tame(s);
}

void
table_init(struct table *t, const struct table_col *col, size_t ncols, bool wide)
{
	*t = (struct table){ .col = col, .ncols = ncols, .wide = wide };
}

void
table_free(struct table *t)
{
	for (size_t i = 0; i < t->ncells; i++)
		mem_free(t->cell[i]);
	mem_free(t->cell);
	table_init(t, t->col, t->ncols, t->wide);
}

void
table_cell(struct table *t, const char *s)
{
	add(t, mem_strdup(s && s[0] != '\0' ? s : "-"));
}

void
table_cellf(struct table *t, const char *fmt, ...)
{
	char *s;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	table_cell(t, s);
	free(s);
}

void
table_blank(struct table *t)
{
	add(t, mem_strdup(""));
}

void
table_end_row(struct table *t)
{
	while (t->ncells % t->ncols != 0)
		table_blank(t);
}

size_t
table_rows(const struct table *t)
{
	return t->ncells / t->ncols;
}

static bool
is_shown(const struct table *t, size_t c)
{
	return t->wide || !t->col[c].wide;
}

/* The text of column c: its head for row -1. */
static const char *
cell_at(const struct table *t, ptrdiff_t row, size_t c)
{
	return row < 0 ? t->col[c].head : t->cell[(size_t)row * t->ncols + c];
}

static size_t
column_width(const struct table *t, size_t c, ptrdiff_t first)
{
	size_t width = 0, w;

	for (ptrdiff_t row = first; row < (ptrdiff_t)table_rows(t); row++) {
		w = utf8_width(cell_at(t, row, c));
		width = w > width ? w : width;
	}
	return width;
}

/* One line. Spaces are written only when text follows them. */
static void
render_row(const struct table *t, ptrdiff_t row, const size_t *width, struct text *out)
{
	size_t pending = 0, fill;
	const char *s;

	for (size_t c = 0; c < t->ncols; c++) {
		if (!is_shown(t, c))
			continue;
		s = cell_at(t, row, c);
		fill = width[c] - utf8_width(s);
		if (s[0] == '\0') {
			pending += fill + 2;
			continue;
		}
		text_spaces(out, pending + (t->col[c].right ? fill : 0));
		text_put(out, s, strlen(s));
		pending = 2 + (t->col[c].right ? 0 : fill);
	}
	text_put(out, "\n", 1);
}

char *
table_render(const struct table *t, bool heads)
{
	ptrdiff_t first = heads ? -1 : 0;
	struct text out = { 0 };
	size_t *width;

	text_put(&out, "", 0);
	if (table_rows(t) == 0)
		return out.buf;
	width = mem_zalloc_array(t->ncols, sizeof(*width));
	for (size_t c = 0; c < t->ncols; c++)
		width[c] = column_width(t, c, first);
	for (ptrdiff_t row = first; row < (ptrdiff_t)table_rows(t); row++)
		render_row(t, row, width, &out);
	mem_free(width);
	return out.buf;
}
