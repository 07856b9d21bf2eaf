/*
 * Addresses for load balancers: the pools, and Services that have none.
 */
#include "ctl/ctl.h"

#include <string.h>

#include "lib/mem.h"

static const struct table_col cols[] = {
	{ "POOL", false, false },
	{ "ADDRESSES", false, false },
	{ "USED", true, false },
	{ "FREE", true, false },
	{ "SERVICES", true, false },
	{ "CONFLICTS", true, false },
};

static const struct table_col service_cols[] = {
	{ "SERVICE", false, false },
	{ "STATE", false, false },
	{ "ADDRESSES", false, false },
	{ "WHY", false, false },
};

struct view {
	struct ctl *c;
	struct table t, services;
	size_t pools, lacking;
	bool leads;
	char *holder;
};

static void *
begin(struct ctl *c)
{
	struct view *v = mem_zalloc(sizeof(*v));

	v->c = c;
	table_init(&v->t, cols, sizeof(cols) / sizeof(cols[0]), c->format == CTL_WIDE);
	table_init(&v->services, service_cols, sizeof(service_cols) / sizeof(service_cols[0]),
	    c->format == CTL_WIDE);
	return v;
}

/* "12", "12+3" with IPv6 behind; "many" for more than a number holds. */
static void
cell_both(struct table *t, const json_t *r, const char *key4, const char *key6, bool has4, bool has6)
{
	char text[2][24];
	const char *keys[2] = { key4, key6 };

	for (int f = 0; f < 2; f++) {
		uint64_t n = js_u64(r, keys[f]);

		if (n > UINT32_MAX)
			snprintf(text[f], sizeof(text[f]), "many");
		else
			snprintf(text[f], sizeof(text[f]), "%llu", (unsigned long long)n);
	}
	table_cellf(t, "%s%s%s", has4 ? text[0] : "", has4 && has6 ? "+" : "", has6 ? text[1] : "");
}

static void
pool_row(struct view *v, const json_t *r)
{
	bool has4 = js_u64(r, "ipv4") > 0, has6 = js_u64(r, "ipv6") > 0;
	char list[512];

	v->pools++;
	v->leads = js_bool(r, "leads");
	if (!v->holder && js_has(r, "holder"))
		v->holder = mem_strdup(js_str(r, "holder"));
	table_cell(&v->t, js_str(r, "pool"));
	table_cell(&v->t, js_list(r, "addresses", ", ", list, sizeof(list)));
	if (!js_has(r, "services")) {
		for (int i = 0; i < 4; i++)
			table_cell(&v->t, "-");
		return;
	}
	cell_both(&v->t, r, "used_ipv4", "used_ipv6", has4, has6);
	cell_both(&v->t, r, "free_ipv4", "free_ipv6", has4, has6);
	table_cellf(&v->t, "%llu", (unsigned long long)js_u64(r, "services"));
	table_cellf(&v->t, "%llu", (unsigned long long)js_u64(r, "conflicts"));
}

static void
row(void *ctx, json_t *r)
{
	struct view *v = ctx;
	char list[160];

	if (!js_has(r, "service")) {
		pool_row(v, r);
		return;
	}
	v->lacking++;
	table_cell(&v->services, js_str(r, "service"));
	table_cell(&v->services, js_str(r, "state"));
	js_list(r, "addresses", ", ", list, sizeof(list));
	table_cell(&v->services, *list ? list : "-");
	table_cell(&v->services, js_str(r, "why"));
}

static void
end(void *ctx, const struct client_end *e)
{
	struct view *v = ctx;

	if (v->pools)
		print_table(v->c, &v->t, true);
	else
		table_free(&v->t);
	if (v->lacking) {
		fputs("\n", v->c->out);
		print_table(v->c, &v->services, true);
	} else {
		table_free(&v->services);
	}
	if (!v->pools && !e->error)
		fputs("no loadBalancerPools are configured\n", v->c->out);
	else if (v->pools && !v->c->no_headers)
		print_clean(v->c->out, "given out by %s%s\n", v->leads ? "this node, " : "",
		    v->holder ? v->holder : "nobody: no agent has the Lease");
	mem_free(v->holder);
	mem_free(v);
}

const struct render render_pools = {
	.key = "pools",
	.list = true,
	.begin = begin,
	.row = row,
	.end = end,
};
