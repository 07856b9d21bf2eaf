/*
 * BFD sessions.
 */
#include "ctl/ctl.h"

#include <string.h>

#include "lib/mem.h"

static const struct table_col cols[] = {
	{ "PEER", false, false },
	{ "ADDRESS", false, false },
	{ "STATE", false, false },
	{ "SINCE", true, false },
	{ "INTERVAL", true, false },
	{ "DETECTION", true, false },
	{ "DOWNS", true, false },
	{ "LOCAL", false, true },
	{ "KIND", false, true },
	{ "PROFILE", false, true },
	{ "AUTHENTICATION", false, true },
	{ "IN", true, true },
	{ "OUT", true, true },
	{ "DROPPED", true, true },
	{ "REASON", false, false },
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

const char *
text_ms(const json_t *row, const char *key, char *buf, size_t cap)
{
	uint64_t us = js_u64(row, key);

	if (!js_has(row, key))
		return "-";
	if (us % 1000 == 0)
		snprintf(buf, cap, "%llums", (unsigned long long)us / 1000);
	else
		snprintf(buf, cap, "%.3gms", (double)us / 1000);
	return buf;
}

static void
cell_ms(struct table *t, const json_t *row, const char *key)
{
	char buf[32];

	table_cell(t, text_ms(row, key, buf, sizeof(buf)));
}

static void
cell_number(struct table *t, const json_t *row, const char *key)
{
	if (js_has(row, key))
		table_cellf(t, "%llu", (unsigned long long)js_u64(row, key));
	else
		table_cell(t, "-");
}

static uint64_t
dropped(const json_t *row)
{
	const json_t *n;
	const char *key;
	uint64_t sum = 0;

	json_object_foreach((json_t *)js_obj(row, "drops"), key, n)
		sum += (uint64_t)json_integer_value(n);
	return sum;
}

/* Why it is not up; of one that is, what is odd. */
static void
cell_reason(struct table *t, const json_t *row)
{
	if (js_has(row, "reason"))
		table_cellf(t, "%s%s", js_str(row, "reason"),
		    js_bool(row, "address_down") ? "; its routes are not used" : "");
	else if (js_bool(row, "address_down"))
		table_cell(t, "its routes are not used");
	else
		table_blank(t);
}

static void
row(void *ctx, json_t *r)
{
	struct view *v = ctx;
	char since[UPTIME_STRLEN];

	v->total++;
	v->up += strcmp(js_str(r, "state"), "Up") == 0;
	table_cell(&v->t, js_str(r, "peer"));
	table_cell(&v->t, js_has(r, "address") ? js_str(r, "address") : "-");
	table_cell(&v->t, js_str(r, "state"));
	table_cell(&v->t, js_uptime(r, "since_s", since));
	cell_ms(&v->t, r, "transmit_us");
	cell_ms(&v->t, r, "detection_us");
	cell_number(&v->t, r, "downs");
	table_cell(&v->t, js_has(r, "local_address") ? js_str(r, "local_address") : "-");
	table_cell(&v->t, js_bool(r, "multihop") ? "multihop" : "link");
	table_cell(&v->t, js_str(r, "profile"));
	table_cell(&v->t, js_has(r, "authentication") ? js_str(r, "authentication") : "none");
	cell_number(&v->t, r, "packets_in");
	cell_number(&v->t, r, "packets_out");
	table_cellf(&v->t, "%llu", (unsigned long long)dropped(r));
	cell_reason(&v->t, r);
}

static void
end(void *ctx, const struct client_end *e)
{
	struct view *v = ctx;

	end_table(v->c, &v->t, v->total, e, "no peer has BFD (see bfd under peers in weft.yaml(5))\n");
	if (v->total && !v->c->no_headers)
		fprintf(v->c->out, "%zu of %zu session%s up\n", v->up, v->total,
		    v->total == 1 ? "" : "s");
	mem_free(v);
}

const struct render render_bfd = {
	.key = "bfd",
	.list = true,
	.begin = begin,
	.row = row,
	.end = end,
};
