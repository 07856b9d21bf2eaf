/*
 * An answer as a JSON document, or handed row by row to what draws the table.
 */
#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#define LAST_MIN 16 /* columns that wrapped text needs to be readable */

/* ---- JSON members ----------------------------------------------------------------- */

const char *
js_str(const json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s ? s : "";
}

uint64_t
js_u64(const json_t *row, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(row, key));

	return v > 0 ? (uint64_t)v : 0;
}

bool
js_bool(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key));
}

bool
js_has(const json_t *row, const char *key)
{
	const json_t *v = json_object_get(row, key);

	return v && !json_is_null(v);
}

const json_t *
js_obj(const json_t *row, const char *key)
{
	return json_object_get(row, key);
}

const char *
js_list(const json_t *row, const char *key, const char *sep, char *buf, size_t cap)
{
	size_t i, len = 0;
	json_t *v;
	int n;

	buf[0] = '\0';
	json_array_foreach(json_object_get(row, key), i, v) {
		n = snprintf(buf + len, cap - len, "%s%s", i ? sep : "",
		    json_is_string(v) ? json_string_value(v) : "?");
		if (n < 0 || (size_t)n >= cap - len)
			break;
		len += (size_t)n;
	}
	return buf;
}

/* ---- tables ------------------------------------------------------------------------ */

bool
is_narrow(const struct ctl *c)
{
	return c->columns && c->columns < 100;
}

/* Columns that the shown ones before the last take, with the gaps; *ret_last: the last shown. */
static size_t
width_before_last(const struct table *t, size_t *ret_last)
{
	size_t width = 0, max, w, last = 0;

	for (size_t c = 0; c < t->ncols; c++)
		if (t->wide || !t->col[c].wide)
			last = c;
	for (size_t c = 0; c < last; c++) {
		if (!t->wide && t->col[c].wide)
			continue;
		max = utf8_width(t->col[c].head);
		for (size_t i = c; i < t->ncells; i += t->ncols) {
			w = utf8_width(t->cell[i]);
			max = w > max ? w : max;
		}
		width += max + 2;
	}
	*ret_last = last;
	return width;
}

/* Octets of s that fit into width columns, up to a space if there is one. */
static size_t
part_that_fits(const char *s, size_t width)
{
	size_t n = 0, cut = 0, k, left = strlen(s);

	for (size_t col = 0; n < left && col < width; col++, n += k) {
		k = utf8_len(s + n, left - n);
		k = k ? k : 1;
		if (s[n] == ' ' && n)
			cut = n;
	}
	return n == left || s[n] == ' ' ? n : cut ? cut : n;
}

/* Give the last cell of a row, wrapped into rows of its own that are blank before it. */
static void
add_wrapped(struct table *to, const char *s, size_t last, size_t width)
{
	size_t n, indent = strspn(s, " ");
	bool first = true;

	for (;;) {
		n = part_that_fits(s, width);
		table_cellf(to, "%*s%.*s", first ? 0 : (int)indent, "", (int)n, s);
		table_end_row(to);
		s += n + strspn(s + n, " ");
		if (!*s)
			return;
		if (first && indent + 24 < width)
			width -= indent;
		first = false;
		for (size_t i = 0; i < last; i++)
			table_blank(to);
	}
}

/* Wrap what stands in the last column, when that is what makes the table too wide. */
static void
wrap_last(const struct ctl *c, struct table *t)
{
	size_t last, before = width_before_last(t, &last);
	struct table to;

	if (!c->columns || before + LAST_MIN > c->columns)
		return;
	table_init(&to, t->col, t->ncols, t->wide);
	for (size_t i = 0; i < t->ncells; i += t->ncols) {
		for (size_t k = 0; k < last; k++) {
			if (*t->cell[i + k])
				table_cell(&to, t->cell[i + k]);
			else
				table_blank(&to);
		}
		if (*t->cell[i + last])
			add_wrapped(&to, t->cell[i + last], last, c->columns - before);
		else
			table_end_row(&to);
	}
	table_free(t);
	*t = to;
}

void
print_table(struct ctl *c, struct table *t, bool heads)
{
	char *text;

	wrap_last(c, t);
	text = table_render(t, heads && !c->no_headers);
	fputs(text, c->out);
	mem_free(text);
	table_free(t);
}

void
end_table(struct ctl *c, struct table *t, bool rows, const struct client_end *e, const char *none)
{
	if (rows) {
		print_table(c, t, true);
		return;
	}
	table_free(t);
	if (!e->error)
		fputs(none, c->out);
}

/* ---- JSON documents ------------------------------------------------------------------ */

struct document {
	struct ctl *c;
	const struct render *r;
	size_t rows;
	json_t *warnings;
};

static bool
doc_row(void *ctx, json_t *row, const char *raw, size_t len)
{
	struct document *d = ctx;

	if (d->r->lines) {
		fprintf(d->c->out, "%.*s\n", (int)len, raw);
		fflush(d->c->out);
		return true;
	}
	if (!d->rows)
		fprintf(d->c->out, "{\"%s\":%s", d->r->key, d->r->list ? "[\n" : "");
	else
		fputs(",\n", d->c->out);
	fwrite(raw, 1, len, d->c->out);
	d->rows++;
	return true;
}

static void
doc_warning(void *ctx, const char *text)
{
	struct document *d = ctx;

	json_array_append_new(d->warnings, json_string(text));
}

static void
doc_member(FILE *f, bool *comma, const char *key, const json_t *v)
{
	char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

	fprintf(f, "%s\"%s\":%s", *comma ? "," : "", key, text);
	*comma = true;
	free(text);
}

static void
doc_end(struct document *d, const struct client_end *e)
{
	FILE *f = d->c->out;
	bool comma = true;
	json_t *v;

	if (d->r->lines && !e->error)
		return;
	if (d->rows && !d->r->lines) {
		fputs(d->r->list ? "\n]" : "", f);
	} else if (d->r->list && !d->r->lines && e->exit != CTL_UNREACHABLE) {
		fprintf(f, "{\"%s\":[]", d->r->key);
	} else {
		fputc('{', f);
		comma = false;
	}
	if (json_array_size(d->warnings))
		doc_member(f, &comma, "warnings", d->warnings);
	if (e->error) {
		v = json_string(e->error);
		doc_member(f, &comma, "error", v);
		json_decref(v);
		v = json_integer(e->exit);
		doc_member(f, &comma, "exit", v);
		json_decref(v);
	}
	fputs("}\n", f);
}

static int
render_json(struct ctl *c, json_t *request, const struct render *r)
{
	static const struct client_ops ops = { .row = doc_row, .warning = doc_warning };
	struct document d = { .c = c, .r = r, .warnings = json_array() };
	struct client_end e;

	client_ask(c, request, false, &ops, &d, &e);
	doc_end(&d, &e);
	json_decref(d.warnings);
	mem_free(e.error);
	return e.exit;
}

/* ---- text ----------------------------------------------------------------------------- */

struct drawing {
	struct ctl *c;
	const struct render *r;
	void *ctx;
};

static bool
draw_row(void *ctx, json_t *row, const char *raw, size_t len)
{
	struct drawing *d = ctx;

	d->r->row(d->ctx, row);
	return true;
}

static void
draw_warning(void *ctx, const char *text)
{
	struct drawing *d = ctx;

	print_clean(d->c->err, "weft: warning: %s\n", text);
}

static int
render_text(struct ctl *c, json_t *request, const struct render *r)
{
	static const struct client_ops ops = { .row = draw_row, .warning = draw_warning };
	struct drawing d = { .c = c, .r = r, .ctx = r->begin(c) };
	struct client_end e;

	client_ask(c, request, true, &ops, &d, &e);
	r->end(d.ctx, &e);
	if (e.error) {
		fflush(c->out);
		print_clean(c->err, "weft: %s\n", e.error);
	}
	mem_free(e.error);
	return e.exit;
}

int
render(struct ctl *c, json_t *request, const struct render *r)
{
	return c->format == CTL_JSON ? render_json(c, request, r) : render_text(c, request, r);
}

int
render_error(struct ctl *c, enum ctl_exit status, const char *error)
{
	json_t *v;
	char *text;

	if (c->format == CTL_JSON) {
		v = json_string(error);
		text = v ? json_dumps(v, JSON_ENCODE_ANY) : NULL;
		fprintf(c->out, "{\"error\":%s,\"exit\":%d}\n", text ? text : "\"?\"", status);
		free(text);
		json_decref(v);
	} else {
		print_clean(c->err, "weft: %s\n", error);
	}
	return status;
}
