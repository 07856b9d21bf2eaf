/*
 * The table of paths, and one destination in full.
 *
 * Up to SORT_MAX rows are sorted by prefix and aligned as one table; what goes
 * beyond is printed as it comes, CHUNK rows aligned together, so that a full table
 * needs no gigabytes.
 */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ip.h"
#include "lib/mem.h"

#define SORT_MAX 100000
#define CHUNK	 10000

/* ---- one path in words -------------------------------------------------------------- */

static bool
is_refused(const json_t *row)
{
	const char *state = js_str(js_obj(row, "fib"), "state");

	return js_bool(row, "rejected") || strcmp(state, "refused") == 0 ||
	    strcmp(state, "failed") == 0 || strcmp(state, "foreign") == 0;
}

const char *
path_flags(const json_t *row, bool wide, char buf[4])
{
	bool refused = is_refused(row);

	buf[0] = refused ? '!' : js_bool(row, "stale") ? 'S' : js_bool(row, "valid") ? '*' : ' ';
	buf[1] = refused ? ' ' : js_bool(row, "best") ? '>' : js_bool(row, "multipath") ? '=' : ' ';
	buf[2] = !wide ? '\0' : strcmp(js_str(row, "type"), "ebgp") == 0 ? 'e' : ' ';
	buf[3] = '\0';
	return buf;
}

const char *
path_as(const json_t *row, char *buf, size_t cap)
{
	const char *path = js_str(row, "as_path"), *origin = js_str(row, "origin");

	snprintf(buf, cap, "%s%s%s", path, *path ? " " : "",
	    strcmp(origin, "igp") == 0 ? "i" : strcmp(origin, "egp") == 0 ? "e" : "?");
	return buf;
}

/* "stale, 89s left", "stale, 01:01:59 left", "stale, 23:47:27 of 24h left" */
const char *
stale_words(const json_t *row, char *buf, size_t cap)
{
	uint64_t left = js_u64(row, "stale_left_s"), of = js_u64(row, "stale_of_s");
	char up[UPTIME_STRLEN];

	if (of == 0 && left < 600)
		snprintf(buf, cap, "stale, %llus left", (unsigned long long)left);
	else if (of == 0)
		snprintf(buf, cap, "stale, %s left", text_uptime(left, up));
	else
		snprintf(buf, cap, "stale, %s of %llu%s left", text_uptime(left, up),
		    (unsigned long long)(of % 3600 == 0 ? of / 3600 : of % 60 == 0 ? of / 60 : of),
		    of % 3600 == 0 ? "h" : of % 60 == 0 ? "m" : "s");
	return buf;
}

const char *
path_fate(const json_t *row, char *buf, size_t cap)
{
	const json_t *fib = js_obj(row, "fib");
	const char *state = js_str(fib, "state"), *reason = js_str(fib, "reason");
	char stale[STALE_STRLEN];

	stale_words(row, stale, sizeof(stale));
	if (js_bool(row, "rejected"))
		snprintf(buf, cap, "not accepted: %s", js_str(row, "reject_reason"));
	else if (js_has(row, "next_hop_reason"))
		snprintf(buf, cap, "next hop: %s", js_str(row, "next_hop_reason"));
	else if (!*state)
		snprintf(buf, cap, "%s", js_bool(row, "stale") ? stale : "-");
	else if (js_bool(row, "stale") && strcmp(state, "stale") == 0)
		snprintf(buf, cap, "%s", stale);
	else if (js_bool(row, "stale"))
		snprintf(buf, cap, "%s (%s)", state, stale);
	else
		snprintf(buf, cap, "%s%s%s", state, *reason ? ": " : "", reason);
	return buf;
}

/* A next hop, or for an own prefix what its local route does. */
static const char *
path_next_hop(const json_t *row, char *buf, size_t cap)
{
	const char *route = js_str(js_obj(row, "fib"), "route");
	int word = (int)strcspn(route, " ");

	if (js_has(row, "next_hop") && strcmp(js_str(row, "from"), "local") != 0)
		snprintf(buf, cap, "%s", js_str(row, "next_hop"));
	else if (strncmp(route, "blackhole", 9) == 0 || strncmp(route, "unreachable", 11) == 0)
		snprintf(buf, cap, "%.*s", word, route);
	else
		snprintf(buf, cap, "local");
	return buf;
}

/* ---- the table -------------------------------------------------------------------------- */

enum { COL_PREFIX, COL_NEXT_HOP, COL_DEV, COL_FROM, COL_PATH_ID, COL_LPREF, COL_MED, COL_ASPATH, COL_AGE,
	COL_COMM, COL_DECISION, COL_FIB, NCOLS };

struct route_row {
	struct ip_prefix prefix;
	uint8_t rank; /* best first */
	uint32_t seq;
	char *cells; /* NCOLS strings one after the other */
};

struct routes {
	struct ctl *c;
	bool advertised, streaming;
	bool path_ids; /* a row had one */
	struct route_row *row;
	size_t n, cap, total, prefixes;
	struct ip_prefix last;
};

static void *
routes_begin(struct ctl *c)
{
	struct routes *r = mem_zalloc(sizeof(*r));

	r->c = c;
	r->advertised = c->view && strcmp(c->view, "advertised") == 0;
	return r;
}

/* Cells of a row, each a string; one block of memory. */
struct cells {
	char buf[8192];
	size_t len;
};

static void
cell(struct cells *k, const char *s)
{
	size_t n = strlen(s);

	if (k->len + n + NCOLS + 1 > sizeof(k->buf))
		n = 0; /* attributes beyond all measure: -o json shows them */
	memcpy(k->buf + k->len, s, n);
	k->len += n;
	k->buf[k->len++] = '\0';
}

static void
cell_u64(struct cells *k, const json_t *row, const char *key, const char *absent)
{
	char num[24];

	snprintf(num, sizeof(num), "%llu", (unsigned long long)js_u64(row, key));
	cell(k, js_has(row, key) ? num : absent ? absent : "");
}

static void
cells_of(struct routes *r, const json_t *row, struct cells *k)
{
	char flags[4], text[4096];

	/* Here an absent LOCAL_PREF counts as 100 and an absent MED as 0 (RFC 4271 section 9.1). */
	snprintf(text, sizeof(text), "%s %s",
	    r->advertised ? "  " : path_flags(row, r->c->format == CTL_WIDE, flags),
	    js_str(row, "prefix"));
	cell(k, r->advertised ? js_str(row, "prefix") : text);
	cell(k, r->advertised ? js_str(row, "next_hop") : path_next_hop(row, text, sizeof(text)));
	cell(k, js_str(row, "dev"));
	cell(k, r->advertised ? js_str(row, "peer") : js_str(row, "from"));
	cell_u64(k, row, "path_id", NULL);
	cell_u64(k, row, "local_pref", r->advertised ? NULL : "100");
	cell_u64(k, row, "med", r->advertised ? NULL : "0");
	cell(k, path_as(row, text, sizeof(text)));
	cell(k, js_uptime(row, "age_s", text));
	cell(k, js_list(row, "communities", " ", text, sizeof(text)));
	cell(k, js_str(row, "decision"));
	cell(k, path_fate(row, text, sizeof(text)));
}

static void
routes_cols(const struct routes *r, struct table_col cols[NCOLS])
{
	bool narrow = is_narrow(r->c), wide = r->c->format == CTL_WIDE;
	const struct table_col all[NCOLS] = {
		[COL_PREFIX] = { r->advertised ? "PREFIX" : wide ? "    PREFIX" : "   PREFIX", false,
		    false },
		[COL_NEXT_HOP] = { "NEXT HOP", false, false },
		[COL_DEV] = { "DEV", false, r->advertised },
		[COL_FROM] = { r->advertised ? "TO" : "FROM", false, false },
		[COL_PATH_ID] = { "PATH ID", false, !r->path_ids },
		[COL_LPREF] = { "LPREF", false, narrow },
		[COL_MED] = { "MED", false, narrow },
		[COL_ASPATH] = { "ASPATH", false, false },
		[COL_AGE] = { "AGE", false, narrow || r->advertised },
		[COL_COMM] = { "COMMUNITIES", false, !r->advertised },
		[COL_DECISION] = { "DECISION", false, true },
		[COL_FIB] = { "FIB", false, r->advertised },
	};

	memcpy(cols, all, sizeof(all));
}

static int
by_prefix(const void *va, const void *vb)
{
	const struct route_row *a = va, *b = vb;
	int d = ip_prefix_cmp(&a->prefix, &b->prefix);

	if (!d)
		d = (int)a->rank - (int)b->rank;
	return d ? d : a->seq < b->seq ? -1 : 1;
}

/* Print the rows held. */
static void
routes_print(struct routes *r)
{
	struct table_col cols[NCOLS];
	struct table t;
	const char *s;

	if (!r->streaming)
		qsort(r->row, r->n, sizeof(*r->row), by_prefix);
	routes_cols(r, cols);
	table_init(&t, cols, NCOLS, r->c->format == CTL_WIDE);
	for (size_t i = 0; i < r->n; i++) {
		s = r->row[i].cells;
		for (size_t k = 0; k < NCOLS; k++, s += strlen(s) + 1)
			table_cell(&t, s);
		mem_free(r->row[i].cells);
	}
	print_table(r->c, &t, !r->streaming);
	r->n = 0;
}

static void
routes_row(void *ctx, json_t *row)
{
	struct routes *r = ctx;
	struct route_row *to;
	struct cells k = { .len = 0 };

	if (r->n == (r->streaming ? CHUNK : SORT_MAX)) {
		routes_print(r);
		r->streaming = true;
	}
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->row = mem_realloc_array(r->row, r->cap, sizeof(*r->row));
	}
	to = &r->row[r->n++];
	*to = (struct route_row){ .seq = (uint32_t)r->n,
		.rank = js_bool(row, "best") ? 0 : js_bool(row, "multipath") ? 1 : 2 };
	ip_prefix_parse(js_str(row, "prefix"), &to->prefix, NULL);
	r->path_ids |= js_has(row, "path_id");
	cells_of(r, row, &k);
	to->cells = mem_dup(k.buf, k.len);
	r->prefixes += !r->total++ || !ip_prefix_eq(&r->last, &to->prefix);
	r->last = to->prefix;
}

static void
routes_none(const struct routes *r)
{
	const struct ctl *c = r->c;

	print_clean(c->out, "no %s%sroutes%s%s%s%s\n", c->view ? c->view : "", c->view ? " " : "",
	    c->nargs ? " inside " : "", c->nargs ? c->arg[0] : "", c->peer ? " of peer " : "",
	    c->peer ? c->peer : "");
}

static void
routes_end(void *ctx, const struct client_end *e)
{
	struct routes *r = ctx;

	if (r->n)
		routes_print(r);
	if (!r->total && !e->error)
		routes_none(r);
	else if (r->total && !r->c->no_headers)
		fprintf(r->c->out, "%zu path%s to %zu prefix%s\n", r->total,
		    r->total == 1 ? "" : "s", r->prefixes, r->prefixes == 1 ? "" : "es");
	mem_free(r->row);
	mem_free(r);
}

const struct render render_routes = {
	.key = "routes",
	.list = true,
	.begin = routes_begin,
	.row = routes_row,
	.end = routes_end,
};

/* ---- one destination ------------------------------------------------------------------------ */

static void detail(struct ctl *c, unsigned indent, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* "indent label  text", wrapped; nothing for an empty text. */
static void
detail(struct ctl *c, unsigned indent, const char *label, const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!*text)
		return;
	fprintf(c->out, "%*s%-12s ", (int)indent, "", label);
	put_wrapped(c->out, text, indent + 13, c->columns);
}

static void
route_fib(struct ctl *c, const json_t *fib)
{
	const char *state = js_str(fib, "state"), *reason = js_str(fib, "reason");

	if (!fib || json_is_null(fib)) {
		detail(c, 2, "kernel", "nothing there of ours");
		return;
	}
	detail(c, 2, "kernel", "%s%s%s (%s)", state, *reason ? ": " : "", reason,
	    js_str(fib, "kind"));
	if (js_bool(fib, "differs") || !js_has(fib, "have"))
		detail(c, 2, "  wanted", "%s", js_str(fib, "want"));
	detail(c, 2, "  has", "%s", js_str(fib, "have"));
	if (js_u64(fib, "repairs"))
		detail(c, 2, "  repaired", "%llu time%s, after somebody else had changed it",
		    (unsigned long long)js_u64(fib, "repairs"), text_s(js_u64(fib, "repairs")));
}

static void
route_sent(struct ctl *c, const json_t *row)
{
	char list[2048], comm[512];
	size_t i, n = 0;
	json_t *to;

	list[0] = '\0';
	json_array_foreach(js_obj(row, "advertised_to"), i, to) {
		js_list(to, "communities", " ", comm, sizeof(comm));
		if (js_has(to, "withheld"))
			continue;
		if (n < sizeof(list))
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s (next hop %s%s%s%s%s)",
			    n ? ", " : "", js_str(to, "peer"), js_str(to, "next_hop"),
			    *js_str(to, "as_path") ? ", AS path " : "", js_str(to, "as_path"),
			    *comm ? ", communities " : "", comm);
	}
	detail(c, 2, "sent to", "%s", n ? list : "nobody");
	json_array_foreach(js_obj(row, "advertised_to"), i, to)
		if (js_has(to, "withheld"))
			detail(c, 2, "not sent to", "%s: %s", js_str(to, "peer"), js_str(to, "withheld"));
		else if (js_has(to, "policy"))
			detail(c, 2, "export", "to %s: %s", js_str(to, "peer"), js_str(to, "policy"));
}

static void
path_head(struct ctl *c, const json_t *path)
{
	char flags[4], nh[128], age[UPTIME_STRLEN];
	bool local = strcmp(js_str(path, "from"), "local") == 0;

	path_next_hop(path, nh, sizeof(nh));
	if (local)
		print_clean(c->out, "  %s own prefix (%s), for %s\n",
		    path_flags(path, false, flags), nh, js_uptime(path, "age_s", age));
	else
		print_clean(c->out, "  %s via %s from %s (%s), for %s\n",
		    path_flags(path, false, flags), nh, js_str(path, "from"), js_str(path, "type"),
		    js_uptime(path, "age_s", age));
}

static void
path_attributes(struct ctl *c, const json_t *path)
{
	char text[4096], med[32] = "", pref[32] = "", weight[32] = "";

	if (js_has(path, "local_pref"))
		snprintf(pref, sizeof(pref), ", local pref %llu",
		    (unsigned long long)js_u64(path, "local_pref"));
	if (js_has(path, "med"))
		snprintf(med, sizeof(med), ", MED %llu", (unsigned long long)js_u64(path, "med"));
	if (js_u64(path, "weight"))
		snprintf(weight, sizeof(weight), ", weight %llu",
		    (unsigned long long)js_u64(path, "weight"));
	detail(c, 5, "AS path", "%s%s%s%s", path_as(path, text, sizeof(text)), pref, med, weight);
	detail(c, 5, "communities", "%s", js_list(path, "communities", " ", text, sizeof(text)));
	detail(c, 5, "large", "%s", js_list(path, "large_communities", " ", text, sizeof(text)));
	detail(c, 5, "extended", "%s", js_list(path, "ext_communities", " ", text, sizeof(text)));
	if (js_has(path, "aggregator"))
		detail(c, 5, "aggregator", "%s%s", js_str(path, "aggregator"),
		    js_bool(path, "atomic_aggregate") ? ", atomic" : "");
	if (js_has(path, "originator_id"))
		detail(c, 5, "reflected", "originator %s, clusters %s",
		    js_str(path, "originator_id"),
		    js_list(path, "cluster_list", " ", text, sizeof(text)));
	if (js_has(path, "path_id"))
		detail(c, 5, "path id", "%llu", (unsigned long long)js_u64(path, "path_id"));
	if (js_has(path, "only_to_customer"))
		detail(c, 5, "only to", "customers, says AS %llu (RFC 9234)",
		    (unsigned long long)js_u64(path, "only_to_customer"));
	detail(c, 5, "unknown", "%s", js_str(path, "unknown_attributes"));
}

static void
path_verdicts(struct ctl *c, const json_t *path)
{
	bool said = strcmp(js_str(path, "policy"), js_str(path, "reject_reason")) == 0;
	char text[STALE_STRLEN];

	if (js_bool(path, "rejected"))
		detail(c, 5, "import", "not accepted: %s", js_str(path, "reject_reason"));
	else if (strcmp(js_str(path, "from"), "local") != 0)
		detail(c, 5, "import", "accepted");
	if (js_has(path, "policy") && !said)
		detail(c, 5, "policy", "%s", js_str(path, "policy"));
	if (js_has(path, "next_hop_reason"))
		detail(c, 5, "next hop", "unresolved: %s", js_str(path, "next_hop_reason"));
	if (js_bool(path, "stale"))
		detail(c, 5, "stale", "%s; %s", js_has(path, "stale_of_s") ?
		    "its peer stays away: kept as a last resort" : "its peer restarts",
		    stale_words(path, text, sizeof(text)));
	else if (js_bool(path, "long_lived_stale"))
		detail(c, 5, "stale", "kept by somebody else as a last resort (llgr-stale)");
	if (js_has(path, "decision"))
		detail(c, 5, js_bool(path, "best") ? "best" :
		    js_bool(path, "multipath") ? "used too" : "not best", "%s",
		    js_str(path, "decision"));
}

static void
route_nexthops(struct ctl *c, const json_t *row)
{
	size_t i;
	json_t *nh;

	json_array_foreach(js_obj(row, "next_hops"), i, nh)
		detail(c, 2, i ? "" : "next hops", "%s %s %s", js_str(nh, "next_hop"),
		    js_bool(nh, "resolved") ? "resolved:" : "unresolved:",
		    js_bool(nh, "resolved") ? js_str(nh, "via") : js_str(nh, "reason"));
}

/* Whose address was asked for. */
static void
route_service(struct ctl *c, const json_t *s)
{
	if (js_has(s, "service"))
		detail(c, 2, "service", "%s (%s): %s", js_str(s, "service"), js_str(s, "kind"),
		    js_str(s, "why"));
}

static void
route_row(void *ctx, json_t *row)
{
	struct ctl *c = ctx;
	const char *prefix = js_str(row, "prefix"), *query = js_str(row, "query");
	const json_t *paths = js_obj(row, "paths");
	size_t i;
	json_t *path;

	print_clean(c->out, "%s", prefix);
	if (strcmp(prefix, query) != 0)
		print_clean(c->out, ", the longest match for %s", query);
	fputc('\n', c->out);
	route_fib(c, js_obj(row, "fib"));
	route_nexthops(c, row);
	route_sent(c, row);
	route_service(c, js_obj(row, "service"));
	if (!json_array_size(paths))
		fputs("\n  no path: no peer announces it, and neither does this node\n", c->out);
	json_array_foreach(paths, i, path) {
		fputc('\n', c->out);
		path_head(c, path);
		path_attributes(c, path);
		path_verdicts(c, path);
	}
	if (js_bool(row, "truncated"))
		fputs("\n  there are more paths than shown: see weft routes PREFIX\n", c->out);
}

static void *
route_begin(struct ctl *c)
{
	return c;
}

static void
route_end(void *ctx, const struct client_end *e)
{
}

const struct render render_route = {
	.key = "route",
	.begin = route_begin,
	.row = route_row,
	.end = route_end,
};
