/*
 * Events, one line each; the columns of followed ones are fixed, so that they line
 * up with those before.  And the short answers of commands that change something.
 */
#include "ctl/ctl.h"

#include <string.h>
#include <time.h>

#include "lib/mem.h"
#include "lib/out.h"

struct events_ctx {
	struct ctl *c;
	json_t *rows; /* until the end, unless they are followed */
	size_t n;
	unsigned peer_width;
};

static void *
events_begin(struct ctl *c)
{
	struct events_ctx *e = mem_zalloc(sizeof(*e));

	e->c = c;
	e->rows = json_array();
	e->peer_width = is_narrow(c) ? 10 : 12;
	return e;
}

/* "2025-11-23T07:01:02.123Z" in the local time zone; narrow: without year and milliseconds. */
static const char *
local_time(const char *utc, bool narrow, char *buf, size_t cap)
{
	struct tm tm = { 0 };
	const char *rest = strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm);
	time_t t;
	size_t n;

	if (!rest)
		return utc;
	t = timegm(&tm);
	localtime_r(&t, &tm);
	n = strftime(buf, cap, narrow ? "%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M:%S", &tm);
	if (!narrow)
		snprintf(buf + n, cap - n, "%.4s", *rest == '.' ? rest : "");
	return buf;
}

static void
events_line(const struct events_ctx *e, unsigned columns, const char *when, const char *level,
    const char *peer, const char *event, const char *text)
{
	FILE *f = e->c->out;
	int w = (int)e->peer_width;

	if (is_narrow(e->c))
		print_clean(f, "%-14s  %-*s  %-16s  ", when, w, peer, event);
	else
		print_clean(f, "%-23s  %-6s  %-*s  %-18s  ", when, level, w, peer, event);
	put_wrapped(f, text, e->peer_width + (is_narrow(e->c) ? 36 : 55), columns);
}

static void
events_print(struct events_ctx *e, const json_t *row)
{
	char when[64];

	if (!e->n++ && !e->c->no_headers)
		events_line(e, 0, "TIME", "LEVEL", "PEER", "EVENT", "TEXT");
	events_line(e, e->c->columns,
	    local_time(js_str(row, "time"), is_narrow(e->c), when, sizeof(when)),
	    js_str(row, "level"), js_has(row, "peer") ? js_str(row, "peer") : "-",
	    js_str(row, "event"), js_str(row, "text"));
}

static void
events_row(void *ctx, json_t *row)
{
	struct events_ctx *e = ctx;
	unsigned width = (unsigned)utf8_width(js_str(row, "peer"));

	if (!e->c->watch) { /* all of them tell how wide the peers' names are */
		json_array_append(e->rows, row);
		e->peer_width = width > e->peer_width ? width : e->peer_width;
		return;
	}
	events_print(e, row);
	fflush(e->c->out);
}

static void
events_end(void *ctx, const struct client_end *end)
{
	struct events_ctx *e = ctx;
	size_t i;
	json_t *row;

	json_array_foreach(e->rows, i, row)
		events_print(e, row);
	json_decref(e->rows);
	if (!e->n && !end->error)
		fputs(e->c->since || e->c->peer ? "no such events\n" : "no events\n", e->c->out);
	mem_free(e);
}

const struct render render_events = {
	.key = "events",
	.list = true,
	.begin = events_begin,
	.row = events_row,
	.end = events_end,
};

const struct render render_events_follow = {
	.key = "events",
	.lines = true,
	.begin = events_begin,
	.row = events_row,
	.end = events_end,
};

/* ---- short answers ---------------------------------------------------------------------- */

static void *
short_begin(struct ctl *c)
{
	return c;
}

static void
short_end(void *ctx, const struct client_end *end)
{
}

static void
change_row(void *ctx, json_t *row)
{
	struct ctl *c = ctx;

	print_clean(c->out, "%s: %s requested\n", js_str(row, "peer"), js_str(row, "command"));
}

static void
reload_row(void *ctx, json_t *row)
{
	struct ctl *c = ctx;
	size_t i;
	json_t *w;

	print_clean(c->out, "configuration loaded: %s\n",
	    *js_str(row, "summary") ? js_str(row, "summary") : "nothing has changed");
	json_array_foreach(js_obj(row, "warnings"), i, w)
		print_clean(c->err, "warning: %s\n", json_string_value(w));
}

static void
prepare_row(void *ctx, json_t *row)
{
	struct ctl *c = ctx;

	fprintf(c->out, "the next stop within %llus keeps all routes\n",
	    (unsigned long long)js_u64(row, "prepared_s"));
}

static void
flush_row(void *ctx, json_t *row)
{
	struct ctl *c = ctx;
	unsigned long long n = js_u64(row, "removed");

	fprintf(c->out, "%llu route%s removed from the kernel; they stay out until weft reload\n",
	    n, n == 1 ? "" : "s");
}

/* As it happens: a drain takes its time. */
static void
drain_row(void *ctx, json_t *row)
{
	struct ctl *c = ctx;

	fprintf(c->out, "%7.3f s  ", (double)js_u64(row, "elapsed_ms") / 1000);
	if (js_has(row, "peer"))
		print_clean(c->out, "%s: ", js_str(row, "peer"));
	print_clean(c->out, "%s\n", js_str(row, "text"));
	fflush(c->out);
}

const struct render render_drain = { .key = "drain", .list = true, .begin = short_begin,
	.row = drain_row, .end = short_end };
const struct render render_pre_stop = { .key = "pre-stop", .list = true, .begin = short_begin,
	.row = drain_row, .end = short_end };
const struct render render_change = { .key = "peer-command", .begin = short_begin,
	.row = change_row, .end = short_end };
const struct render render_reload = { .key = "reload", .begin = short_begin,
	.row = reload_row, .end = short_end };
const struct render render_prepare = { .key = "prepare-restart", .begin = short_begin,
	.row = prepare_row, .end = short_end };
const struct render render_flush = { .key = "flush", .begin = short_begin,
	.row = flush_row, .end = short_end };
