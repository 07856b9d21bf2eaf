/*
 * The connection to the API server.
 */
#include "ctl/ctl.h"

static const struct table_col cols[] = {
	{ "WATCH", false, false },
	{ "STATE", false, false },
	{ "SYNCED", false, false },
	{ "OBJECTS", true, false },
	{ "EVENTS", true, false },
	{ "HEARD", true, false },
	{ "LISTS", true, true },
	{ "RESTARTS", true, false },
	{ "GONE", true, true },
	{ "PROBLEM", false, false },
};

static void *
begin(struct ctl *c)
{
	return c;
}

static unsigned long long
num(const json_t *r, const char *key)
{
	return js_u64(r, key);
}

static void
server(struct ctl *c, const json_t *r)
{
	char since[UPTIME_STRLEN];
	const json_t *kept = js_obj(r, "kept");
	size_t i;
	json_t *a;

	print_clean(c->out, "server       %s, %s for %s%s%s\n",
	    js_has(r, "server") ? js_str(r, "server") : "unknown", js_str(r, "state"),
	    js_uptime(r, "since_s", since), js_has(r, "why") ? ": " : "", js_str(r, "why"));
	print_clean(c->out, "credentials  %s, namespace %s\n",
	    js_has(r, "credentials") ? js_str(r, "credentials") : "none",
	    js_has(r, "namespace") ? js_str(r, "namespace") : "unknown");
	print_clean(c->out, "connections  %llu open, %llu made, lost %llu time%s\n", num(r, "connections"),
	    num(r, "connects"), num(r, "losses"), num(r, "losses") == 1 ? "" : "s");
	if (js_has(r, "kept"))
		print_clean(c->out, "kept         as known %s ago: %llu nodes, %llu objects, %llu service prefixes\n",
		    js_uptime(kept, "age_s", since), num(kept, "nodes"), num(kept, "objects"),
		    num(kept, "services"));
	fputs("answers     ", c->out);
	json_array_foreach(js_obj(r, "answers"), i, a) {
		if (num(a, "code"))
			fprintf(c->out, "%s %llu: %llu", i ? "," : "", num(a, "code"), num(a, "count"));
		else
			fprintf(c->out, "%s none: %llu", i ? "," : "", num(a, "count"));
	}
	fputs(i ? "\n\n" : " -\n\n", c->out);
}

static void
watch_cells(struct table *t, const json_t *w)
{
	char age[UPTIME_STRLEN];
	bool query = js_has(w, "query");

	table_cellf(t, "%s%s%s", js_str(w, "path"), query ? "?" : "", query ? js_str(w, "query") : "");
	table_cell(t, js_str(w, "state"));
	table_cell(t, js_bool(w, "synced") ? "yes" : "no");
	table_cellf(t, "%llu", num(w, "objects"));
	table_cellf(t, "%llu", num(w, "events"));
	table_cell(t, js_has(w, "heard_s") ? js_uptime(w, "heard_s", age) : "-");
	table_cellf(t, "%llu", num(w, "lists"));
	table_cellf(t, "%llu", num(w, "restarts"));
	table_cellf(t, "%llu", num(w, "gone"));
	table_cell(t, js_has(w, "problem") ? js_str(w, "problem") : "-");
}

static void
row(void *ctx, json_t *r)
{
	struct ctl *c = ctx;
	struct table t;
	size_t i;
	json_t *w;

	if (!js_bool(r, "enabled")) {
		fputs("no cluster is watched (kubernetes.enabled)\n", c->out);
		return;
	}
	server(c, r);
	table_init(&t, cols, sizeof(cols) / sizeof(cols[0]), c->format == CTL_WIDE);
	json_array_foreach(js_obj(r, "watches"), i, w)
		watch_cells(&t, w);
	print_table(c, &t, true);
}

static void
end(void *ctx, const struct client_end *e)
{
}

const struct render render_kube = {
	.key = "kube",
	.begin = begin,
	.row = row,
	.end = end,
};
