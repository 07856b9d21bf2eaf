/*
 * The connection to the API server.
 */
#include "ctl/ctl.h"

#include <string.h>

#define COLS(narrow) \
	{ "WATCH", false, false }, { "STATE", false, false }, { "SYNCED", false, false }, \
	    { "OBJECTS", true, false }, { "EVENTS", true, narrow }, { "HEARD", true, false }, \
	    { "LISTS", true, true }, { "RESTARTS", true, narrow }, { "GONE", true, true }, \
	{ \
		"PROBLEM", false, narrow \
	}

static const struct table_col cols[] = { COLS(false) };
/* Problems stand below the table there. */
static const struct table_col narrow_cols[] = { COLS(true) };

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

/* What is watched: its path, which is shortened where it is not to be shown as a whole. */
static const char *
watch_name(const json_t *w, bool whole, char *buf, size_t cap)
{
	static const char one[] = "fieldSelector=metadata.name%3D";
	const char *path = js_str(w, "path"), *query = js_has(w, "query") ? js_str(w, "query") : "";
	bool named = strncmp(query, one, strlen(one)) == 0;

	if (whole) {
		snprintf(buf, cap, "%s%s%s", path, *query ? "?" : "", query);
		return buf;
	}
	if (strncmp(path, "/apis/", 6) == 0)
		path += 6;
	else if (strncmp(path, "/api/v1/", 8) == 0)
		path += 8;
	snprintf(buf, cap, "%s%s%s", path, named ? "/" : "", named ? query + strlen(one) : "");
	return buf;
}

/* The problems below a table that has no room for them. */
static void
problems(struct ctl *c, const json_t *watches)
{
	char name[512];
	size_t i;
	json_t *w;

	json_array_foreach(watches, i, w) {
		if (!js_has(w, "problem"))
			continue;
		watch_name(w, false, name, sizeof(name));
		print_clean(c->out, "\n%s:\n  ", name);
		put_wrapped(c->out, js_str(w, "problem"), 2, c->columns);
	}
}

static void
watch_cells(struct ctl *c, struct table *t, const json_t *w)
{
	char age[UPTIME_STRLEN], name[512];

	table_cell(t, watch_name(w, c->format == CTL_WIDE, name, sizeof(name)));
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
	bool below;
	size_t i;
	json_t *w;

	if (!js_bool(r, "enabled")) {
		fputs("no cluster is watched (kubernetes.enabled)\n", c->out);
		return;
	}
	server(c, r);
	below = is_narrow(c) && c->format != CTL_WIDE;
	table_init(&t, below ? narrow_cols : cols, sizeof(cols) / sizeof(cols[0]), c->format == CTL_WIDE);
	json_array_foreach(js_obj(r, "watches"), i, w)
		watch_cells(c, &t, w);
	print_table(c, &t, true);
	if (below)
		problems(c, js_obj(r, "watches"));
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
