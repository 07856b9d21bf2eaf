/*
 * An answer as a JSON document, or handed row by row to what draws the table.
 */
#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

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

void
print_table(struct ctl *c, struct table *t, bool heads)
{
	char *text = table_render(t, heads && !c->no_headers);

	fputs(text, c->out);
	mem_free(text);
	table_free(t);
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
