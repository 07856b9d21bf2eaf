/*
 * Services: their addresses, and why each is announced or not.
 */
#include "ctl/ctl.h"

#include "lib/mem.h"

#define COLS(narrow) \
	{ "SERVICE", false, false }, { "ADDRESS", false, false }, { "KIND", false, false }, \
	    { "POLICY", false, narrow }, { "LOCAL", true, narrow }, { "ALL", true, narrow }, \
	    { "ADV", true, true }, { "ANNOUNCED", false, false }, \
	{ \
		"WHY", false, false \
	}

static const struct table_col cols[] = { COLS(false) };
/* With room for WHY. */
static const struct table_col narrow_cols[] = { COLS(true) };

struct view {
	struct ctl *c;
	struct table t;
	size_t services, addresses, announced;
};

static void *
begin(struct ctl *c)
{
	struct view *v = mem_zalloc(sizeof(*v));

	v->c = c;
	table_init(&v->t, is_narrow(c) ? narrow_cols : cols, sizeof(cols) / sizeof(cols[0]), c->format == CTL_WIDE);
	return v;
}

/* What is announced for it: the address itself, or what covers it. */
static const char *
announced(const json_t *a)
{
	return !js_bool(a, "announced") ? "no" : js_has(a, "prefix") ? js_str(a, "prefix") : "yes";
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
address(struct view *v, const json_t *row, const json_t *a)
{
	struct table *t = &v->t;

	v->addresses++;
	v->announced += js_bool(a, "announced");
	table_cellf(t, "%s/%s", js_str(row, "namespace"), js_str(row, "name"));
	table_cell(t, js_str(a, "address"));
	table_cell(t, js_str(a, "kind"));
	table_cell(t, js_str(a, "policy"));
	cell_number(t, a, "ready_local");
	cell_number(t, a, "ready");
	cell_number(t, a, "advertisement");
	table_cell(t, announced(a));
	if (js_has(row, "annotation_problem"))
		table_cellf(t, "%s; ignored: %s", js_str(a, "why"), js_str(row, "annotation_problem"));
	else
		table_cell(t, js_str(a, "why"));
}

static void
row(void *ctx, json_t *r)
{
	struct view *v = ctx;
	const json_t *list = js_obj(r, "addresses");

	v->services++;
	for (size_t i = 0; i < json_array_size(list); i++)
		address(v, r, json_array_get(list, i));
}

static void
end(void *ctx, const struct client_end *e)
{
	struct view *v = ctx;

	end_table(v->c, &v->t, v->addresses, e, "no Service with an address is known\n");
	if (v->addresses && !v->c->no_headers)
		fprintf(v->c->out, "%zu of %zu addresses of %zu Service%s announced\n", v->announced,
		    v->addresses, v->services, v->services == 1 ? "" : "s");
	mem_free(v);
}

const struct render render_services = {
	.key = "services",
	.list = true,
	.begin = begin,
	.row = row,
	.end = end,
};
