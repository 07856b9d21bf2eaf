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
	size_t by_state[8]; /* fib: as in fib_states[] */
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

/*
 * A route into the last column, its legs on lines of their own below it as ip-route(8) has
 * them; first: the row's other cells stand already, else they are left blank.
 */
static void
cell_route(struct table *t, bool first, const char *head, const char *text)
{
	static const char leg[] = " nexthop ";
	const char *end;

	for (; text; first = false, head = "  ") {
		for (size_t i = 0; !first && i + 1 < FIB_NCOLS; i++)
			table_blank(t);
		end = strstr(text, leg);
		table_cellf(t, "%s%.*s", head, end ? (int)(end - text) : (int)strlen(text), text);
		text = end ? end + 1 : NULL;
	}
}

static const char *const fib_states[8] = { "installed", "pending", "refused", "failed", "foreign",
	"held", "stale", "removing" };

static void
count_state(struct rows *r, const char *state)
{
	for (size_t i = 0; i < 8; i++)
		r->by_state[i] += strcmp(fib_states[i], state) == 0;
}

static void
print_states(const struct rows *r)
{
	bool any = false;

	fprintf(r->c->out, "%zu route%s", r->total, r->total == 1 ? "" : "s");
	for (size_t i = 0; i < 8; i++) {
		if (!r->by_state[i])
			continue;
		fprintf(r->c->out, "%s%zu %s", any ? ", " : ": ", r->by_state[i], fib_states[i]);
		any = true;
	}
	fputc('\n', r->c->out);
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
	count_state(r, js_str(row, "state"));
	table_cell(&r->t, js_str(row, "prefix"));
	table_cell(&r->t, js_str(row, "kind"));
	table_cell(&r->t, js_str(row, "state"));
	cell_opt(&r->t, row, "repairs");
	cell_opt(&r->t, row, "set");
	cell_opt(&r->t, row, "nhid");
	if (differs) {
		cell_route(&r->t, true, "wanted: ", *want ? want : "nothing");
		cell_route(&r->t, false, "kernel: ", *have ? have : "nothing");
	} else {
		cell_route(&r->t, true, "", *have ? have : want);
	}
	if (*reason)
		cell_route(&r->t, false, "reason: ", reason);
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
		print_states(r);
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
