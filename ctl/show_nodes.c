/*
 * The cluster's nodes, and the sessions with them.
 */
#include "ctl/ctl.h"

#include <string.h>

#include "lib/mem.h"

static const struct table_col cols[] = {
	{ "NAME", false, false },
	{ "ADDRESS", false, false },
	{ "POD CIDRS", false, false },
	{ "AS", true, false },
	{ "ROLE", false, false },
	{ "SESSION", false, false },
	{ "WHY", false, false },
};

struct view {
	struct ctl *c;
	struct table t;
	size_t nodes, peers, up;
	char stale[UPTIME_STRLEN]; /* "" when it is how things are */
};

static void *
begin(struct ctl *c)
{
	struct view *v = mem_zalloc(sizeof(*v));

	v->c = c;
	table_init(&v->t, cols, sizeof(cols) / sizeof(cols[0]), c->format == CTL_WIDE);
	return v;
}

/* Texts with blanks between, or "-". */
static void
cell_list(struct table *t, const json_t *list)
{
	char *all = mem_strdup(""), *more;

	for (size_t i = 0; i < json_array_size(list); i++) {
		more = mem_printf("%s%s%s", all, i > 0 ? " " : "", json_string_value(json_array_get(list, i)));
		mem_free(all);
		all = more;
	}
	table_cell(t, *all ? all : "-");
	mem_free(all);
}

static void
row(void *ctx, json_t *r)
{
	struct view *v = ctx;

	v->nodes++;
	if (js_has(r, "stale_s"))
		js_uptime(r, "stale_s", v->stale);
	v->peers += js_has(r, "peer");
	v->up += js_has(r, "peer") && strcmp(js_str(r, "session"), "Established") == 0;
	table_cell(&v->t, js_str(r, "name"));
	cell_list(&v->t, js_obj(r, "addresses"));
	cell_list(&v->t, js_obj(r, "pod_cidrs"));
	table_cellf(&v->t, "%llu", (unsigned long long)js_u64(r, "as"));
	table_cell(&v->t, js_str(r, "role"));
	table_cell(&v->t, js_has(r, "session") ? js_str(r, "session") : "-");
	table_cell(&v->t, js_has(r, "why") ? js_str(r, "why") : "");
}

static void
end(void *ctx, const struct client_end *e)
{
	struct view *v = ctx;

	end_table(v->c, &v->t, v->nodes, e, "no node of a cluster is known\n");
	if (v->nodes && !v->c->no_headers)
		fprintf(v->c->out, "%zu node%s: %zu %s, %zu established\n", v->nodes, v->nodes == 1 ? "" : "s",
		    v->peers, v->peers == 1 ? "is a peer" : "are peers", v->up);
	if (v->stale[0] && !v->c->no_headers)
		fprintf(v->c->out, "as known %s ago: the API server has not told them since\n", v->stale);
	mem_free(v);
}

const struct render render_nodes = {
	.key = "nodes",
	.list = true,
	.begin = begin,
	.row = row,
	.end = end,
};
