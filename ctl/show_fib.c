/*
 * Kernel routes against wanted ones, and next hops.
 */
#include "ctl/ctl.h"

#include <string.h>

#include "lib/mem.h"

#define CHUNK 10000 /* rows aligned together */

struct rows {
	struct ctl *c;
	struct table t;
	bool heads;
	size_t total, bad;
};

static struct rows *
rows_new(struct ctl *c, const struct table_col *cols, size_t ncols)
{
	struct rows *r = mem_zalloc(sizeof(*r));

	r->c = c;
	r->heads = true;
	table_init(&r->t, cols, ncols, c->format == CTL_WIDE);
	return r;
}

static void
rows_flush(struct rows *r)
{
	const struct table_col *cols = r->t.col;
	size_t ncols = r->t.ncols;

	print_table(r->c, &r->t, r->heads);
	r->heads = false;
	table_init(&r->t, cols, ncols, r->c->format == CTL_WIDE);
}

static void
rows_free(struct rows *r)
{
	table_free(&r->t);
	mem_free(r);
}

/* ---- fib ------------------------------------------------------------------------------- */

static const struct table_col fib_cols[] = {
	{ "PREFIX", false, false },
	{ "KIND", false, false },
	{ "STATE", false, false },
	{ "REPAIRS", true, true },
	{ "SET", true, true },
	{ "NHID", true, true },
	{ "ROUTE", false, false },
};
#define FIB_NCOLS (sizeof(fib_cols) / sizeof(fib_cols[0]))

static void *
fib_begin(struct ctl *c)
{
	return rows_new(c, fib_cols, FIB_NCOLS);
}

static void
cell_opt(struct table *t, const json_t *row, const char *key)
{
	if (js_has(row, key))
		table_cellf(t, "%llu", (unsigned long long)js_u64(row, key));
	else
		table_cell(t, "-");
}

/* A further line of the same row: only its last cell. */
static void
more_line(struct table *t, const char *head, const char *text)
{
	for (size_t i = 0; i + 1 < FIB_NCOLS; i++)
		table_blank(t);
	table_cellf(t, "%s%s", head, text);
}

static void
fib_row(void *ctx, json_t *row)
{
	struct rows *r = ctx;
	const char *reason = js_str(row, "reason"), *want = js_str(row, "want");
	const char *have = js_str(row, "have");
	bool differs = js_bool(row, "differs");

	if (r->total && r->total % CHUNK == 0)
		rows_flush(r);
	r->total++;
	r->bad += strcmp(js_str(row, "state"), "installed") != 0;
	table_cell(&r->t, js_str(row, "prefix"));
	table_cell(&r->t, js_str(row, "kind"));
	table_cell(&r->t, js_str(row, "state"));
	cell_opt(&r->t, row, "repairs");
	cell_opt(&r->t, row, "set");
	cell_opt(&r->t, row, "nhid");
	if (differs) {
		table_cellf(&r->t, "wanted: %s", *want ? want : "nothing");
		more_line(&r->t, "kernel: ", *have ? have : "nothing");
	} else {
		table_cell(&r->t, *have ? have : want);
	}
	if (*reason)
		more_line(&r->t, "reason: ", reason);
}

static void
fib_end(void *ctx, const struct client_end *e)
{
	struct rows *r = ctx;

	rows_flush(r);
	if (e->error)
		;
	else if (!r->total && r->c->diff)
		fputs("the kernel has what is wanted\n", r->c->out);
	else if (!r->total)
		fputs("no routes of weft in the kernel, and none wanted\n", r->c->out);
	else if (!r->c->no_headers && r->c->diff)
		fprintf(r->c->out, "%zu difference%s\n", r->total, r->total == 1 ? "" : "s");
	else if (!r->c->no_headers)
		fprintf(r->c->out, "%zu route%s: %zu installed, %zu not\n", r->total,
		    r->total == 1 ? "" : "s", r->total - r->bad, r->bad);
	rows_free(r);
}

const struct render render_fib = {
	.key = "fib",
	.list = true,
	.begin = fib_begin,
	.row = fib_row,
	.end = fib_end,
};

/* ---- next hops --------------------------------------------------------------------------- */

static const struct table_col nh_cols[] = {
	{ "NEXT HOP", false, false },
	{ "STATE", false, false },
	{ "METRIC", true, false },
	{ "ROUTES", true, false },
	{ "WATCHED", false, true },
	{ "VIA", false, false },
};

static void *
nexthops_begin(struct ctl *c)
{
	return rows_new(c, nh_cols, sizeof(nh_cols) / sizeof(nh_cols[0]));
}

static void
nexthops_row(void *ctx, json_t *row)
{
	struct rows *r = ctx;
	bool resolved = js_bool(row, "resolved");

	if (r->total && r->total % CHUNK == 0)
		rows_flush(r);
	r->total++;
	r->bad += !resolved;
	table_cell(&r->t, js_str(row, "next_hop"));
	table_cell(&r->t, !resolved ? "unresolved" : js_bool(row, "onlink") ? "connected" :
	    "recursive");
	cell_opt(&r->t, row, "metric");
	cell_opt(&r->t, row, "routes");
	table_cell(&r->t, js_bool(row, "watched") ? "yes" : "no");
	table_cell(&r->t, resolved ? js_str(row, "via") : js_str(row, "reason"));
}

static void
nexthops_end(void *ctx, const struct client_end *e)
{
	struct rows *r = ctx;

	rows_flush(r);
	if (!r->total && !e->error)
		fputs("no next hops: no peer has announced a route\n", r->c->out);
	else if (r->total && !r->c->no_headers)
		fprintf(r->c->out, "%zu next hop%s: %zu resolved, %zu not\n", r->total,
		    r->total == 1 ? "" : "s", r->total - r->bad, r->bad);
	rows_free(r);
}

const struct render render_nexthops = {
	.key = "nexthops",
	.list = true,
	.begin = nexthops_begin,
	.row = nexthops_row,
	.end = nexthops_end,
};
