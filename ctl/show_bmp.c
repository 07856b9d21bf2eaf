/*
 * BMP collectors.
 */
#include "ctl/ctl.h"

#include "lib/mem.h"

static const struct table_col cols[] = {
	{ "COLLECTOR", false, false },
	{ "ADDRESS", false, false },
	{ "STATE", false, false },
	{ "SINCE", true, false },
	{ "PEERS", true, false },
	{ "SENT", true, false },
	{ "DROPPED", true, false },
	{ "CONNECTS", true, true },
	{ "TOO SLOW", true, true },
	{ "QUEUED", true, true },
	{ "TABLES OR REASON", false, false },
};

struct view {
	struct ctl *c;
	struct table t;
	size_t total, up;
};

static void *
begin(struct ctl *c)
{
	struct view *v = mem_zalloc(sizeof(*v));

	v->c = c;
	table_init(&v->t, cols, sizeof(cols) / sizeof(cols[0]), c->format == CTL_WIDE);
	return v;
}

static void
cell_number(struct table *t, const json_t *row, const char *key)
{
	if (js_has(row, key))
		table_cellf(t, "%llu", (unsigned long long)js_u64(row, key));
	else
		table_cell(t, "-");
}

static void
row(void *ctx, json_t *r)
{
	struct view *v = ctx;
	char since[UPTIME_STRLEN], tables[128];
	bool connected = js_bool(r, "connected");

	v->total++;
	v->up += connected;
	table_cell(&v->t, js_str(r, "collector"));
	table_cellf(&v->t, "%s port %llu", js_str(r, "address"),
	    (unsigned long long)js_u64(r, "port"));
	table_cell(&v->t, js_str(r, "state"));
	table_cell(&v->t, js_uptime(r, "since_s", since));
	cell_number(&v->t, r, "peers");
	cell_number(&v->t, r, "messages");
	cell_number(&v->t, r, "dropped");
	cell_number(&v->t, r, "connects");
	cell_number(&v->t, r, "overflows");
	cell_number(&v->t, r, "queued_octets");
	table_cell(&v->t,
	    connected ? js_list(r, "monitor", ",", tables, sizeof(tables)) : js_str(r, "reason"));
}

static void
end(void *ctx, const struct client_end *e)
{
	struct view *v = ctx;

	end_table(v->c, &v->t, v->total, e, "no BMP collectors are configured\n");
	if (v->total && !v->c->no_headers)
		fprintf(v->c->out, "%zu of %zu collector%s connected\n", v->up, v->total,
		    v->total == 1 ? "" : "s");
	mem_free(v);
}

const struct render render_bmp = {
	.key = "bmp",
	.list = true,
	.begin = begin,
	.row = row,
	.end = end,
};
