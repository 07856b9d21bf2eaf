/*
 * natOutgoing: what is translated.
 */
#include "ctl/ctl.h"

#include "lib/mem.h"

static const struct table_col cols[] = {
	{ "FAMILY", false, false },
	{ "STATE", false, false },
	{ "CONNECTIONS", true, false },
	{ "REPAIRS", true, true },
	{ "PODS", false, false },
	{ "NOT TRANSLATED TO", false, false },
};

struct view {
	struct ctl *c;
	struct table t;
	size_t total;
	char *why;
};

static void *
begin(struct ctl *c)
{
	struct view *v = mem_zalloc(sizeof(*v));

	v->c = c;
	table_init(&v->t, cols, sizeof(cols) / sizeof(cols[0]), c->format == CTL_WIDE);
	return v;
}

/* Ranges in the last columns, one line for each; there may be thousands of nodes. */
#define RANGES_SHOWN 16

static const char *
nth(const json_t *list, size_t i, bool all)
{
	const char *s = json_string_value(json_array_get(list, i));

	if (!all && i == RANGES_SHOWN && json_array_size(list) > RANGES_SHOWN + 1)
		return "... (see: -o wide)";
	return s ? s : i == 0 ? "-" : "";
}

static size_t
lines_of(const json_t *list, bool all)
{
	size_t n = json_array_size(list);

	return !all && n > RANGES_SHOWN + 1 ? RANGES_SHOWN + 1 : n;
}

static void
row(void *ctx, json_t *r)
{
	struct view *v = ctx;
	const json_t *pods = js_obj(r, "pods"), *inside = js_obj(r, "not_translated");
	bool all = v->c->format == CTL_WIDE;
	size_t a = lines_of(pods, all), b = lines_of(inside, all), n = a > b ? a : b;

	if (v->total++ == 0 && js_has(r, "why"))
		v->why = mem_strdup(js_str(r, "why"));
	table_cell(&v->t, js_str(r, "family"));
	table_cell(&v->t, js_str(r, "state"));
	table_cellf(&v->t, "%llu", (unsigned long long)js_u64(r, "flows"));
	table_cellf(&v->t, "%llu", (unsigned long long)js_u64(r, "repairs"));
	table_cell(&v->t, nth(pods, 0, all));
	table_cell(&v->t, nth(inside, 0, all));
	for (size_t i = 1; i < n; i++) {
		for (size_t k = 0; k < 4; k++)
			table_blank(&v->t);
		table_cell(&v->t, nth(pods, i, all));
		table_cell(&v->t, nth(inside, i, all));
	}
}

static void
end(void *ctx, const struct client_end *e)
{
	struct view *v = ctx;

	end_table(v->c, &v->t, v->total, e, "natOutgoing is off: nothing is translated\n");
	if (v->why)
		print_clean(v->c->out, "nothing is translated: %s\n", v->why);
	mem_free(v->why);
	mem_free(v);
}

const struct render render_nat = {
	.key = "nat",
	.list = true,
	.begin = begin,
	.row = row,
	.end = end,
};
