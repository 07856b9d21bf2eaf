/*
 * `weft status`: this node on one screen.
 */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <string.h>

#include "lib/mem.h"

#define LABEL_COLUMNS 14

static void item(struct ctl *c, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
item(struct ctl *c, const char *label, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(c->out, "  %-11s ", label);
	put_wrapped(c->out, text, LABEL_COLUMNS, c->columns);
}

static unsigned long long
num(const json_t *row, const char *key)
{
	return js_u64(row, key);
}

static void
status_identity(struct ctl *c, const json_t *row)
{
	char up[UPTIME_STRLEN], addrs[256];

	print_clean(c->out, "%s  AS %llu  weft %s  up %s\n", js_str(row, "node"), num(row, "as"),
	    js_str(row, "version"), js_uptime(row, "uptime_s", up));
	js_list(row, "addresses", ", ", addrs, sizeof(addrs));
	if (js_bool(row, "observe"))
		item(c, "OBSERVE", "nothing is announced, nothing is changed on this node");
	item(c, "identity", "router id %s, node address %s",
	    js_has(row, "router_id") ? js_str(row, "router_id") : "unknown",
	    *addrs ? addrs : "unknown");
}

static void
status_sessions(struct ctl *c, const json_t *row)
{
	const json_t *s = js_obj(row, "sessions"), *b = js_obj(row, "bgpd");
	unsigned long long down = num(s, "down"), n = num(s, "configured");
	char text[64] = "";

	if (!js_bool(b, "running"))
		snprintf(text, sizeof(text), "; weft-bgpd is not running");
	else if (down)
		snprintf(text, sizeof(text), ", %llu down (see: weft peers)", down);
	if (n)
		item(c, "sessions", "%llu of %llu established%s", num(s, "established"), n, text);
	else
		item(c, "sessions", "no peers configured%s", text);
	s = js_obj(row, "bfd");
	if (num(s, "sessions"))
		item(c, "bfd", "%llu of %llu up%s", num(s, "up"), num(s, "sessions"),
		    num(s, "up") < num(s, "sessions") ? " (see: weft bfd)" : "");
}

static void
status_routes(struct ctl *c, const json_t *row)
{
	static const struct table_col cols[] = { { "  routes", false, false },
		{ "FAMILY", false, false }, { "RECEIVED", true, false }, { "ACCEPTED", true, false },
		{ "BEST", true, false }, { "STALE", true, false }, { "INSTALLED", true, false },
		{ "ADVERTISED", true, false } };
	static const char *const keys[] = { "received", "accepted", "best", "stale", "installed",
		"advertised" };
	struct table t;
	const char *name;
	json_t *f;

	table_init(&t, cols, 8, false);
	json_object_foreach((json_t *)js_obj(row, "families"), name, f) {
		table_cell(&t, "            ");
		table_cell(&t, name);
		for (size_t i = 0; i < 6; i++)
			table_cellf(&t, "%llu", num(f, keys[i]));
	}
	print_table(c, &t, true);
}

static void
status_kernel(struct ctl *c, const json_t *row)
{
	static const struct {
		const char *key, *text;
	} kinds[] = { { "refused", "refused" }, { "failed", "rejected by the kernel" },
		{ "foreign", "left to somebody else's route" }, { "held", "held back" } };
	const json_t *f = js_obj(row, "fib");
	char text[256] = "";
	size_t n = 0;

	if (js_bool(row, "observe")) {
		item(c, "kernel", "nothing is changed: observe is on (see: weft fib --diff)");
		return;
	}
	if (!js_bool(f, "install")) {
		item(c, "kernel", "nothing is installed: kernel.install is false");
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (num(f, kinds[i].key))
			n += (size_t)snprintf(text + n, sizeof(text) - n, ", %llu %s",
			    num(f, kinds[i].key), kinds[i].text);
	if (num(f, "repairs"))
		snprintf(text + n, sizeof(text) - n, ", %llu repaired", num(f, "repairs"));
	item(c, "kernel", "%s%s%s", js_bool(f, "synced") ? "in sync" :
	    "not in sync (see: weft fib --diff)", js_bool(f, "stale") ?
	    ", routes are stale until weft-bgpd has told all" : "", text);
}

static void
status_nat(struct ctl *c, const json_t *row)
{
	const json_t *n = js_obj(row, "nat");

	if (js_bool(n, "on"))
		item(c, "outgoing", "pods are translated (natOutgoing): %s%s%s (see: weft nat)",
		    js_str(n, "state"), js_has(n, "why") ? ": " : "", js_str(n, "why"));
}

static void
status_convergence(struct ctl *c, const json_t *row)
{
	const json_t *v = js_obj(row, "convergence");

	if (!js_bool(v, "converged"))
		item(c, "routes", "not complete yet: %s", js_str(v, "text"));
	else if (js_bool(v, "timed_out"))
		item(c, "routes", "were not complete after %llus: %s", num(v, "took_ms") / 1000,
		    js_str(v, "text"));
}

static void
status_kube(struct ctl *c, const json_t *row)
{
	const json_t *k = js_obj(row, "kubernetes");
	char age[UPTIME_STRLEN];

	if (js_has(row, "kubernetes"))
		item(c, "kubernetes", "%s for %s%s%s, %llu of %llu watches synced (see: weft kube)",
		    js_str(k, "state"), js_uptime(k, "since_s", age), js_has(k, "server") ? ", " : "",
		    js_str(k, "server"), num(k, "synced"), num(k, "watches"));
	if (js_has(row, "kubernetes") && js_has(k, "kept"))
		item(c, "cluster", "as it was known %s ago; the API server has not told all since (see: weft kube)",
		    js_uptime(js_obj(k, "kept"), "age_s", age));
}

static void
status_restart(struct ctl *c, const json_t *row)
{
	const json_t *r = js_obj(row, "restart");

	if (js_bool(r, "deferring"))
		item(c, "restart", "waiting for routes of %s before anything is changed",
		    js_has(r, "deferring_for") ? js_str(r, "deferring_for") : "the peers");
	if (js_has(r, "prepared_s"))
		item(c, "restart", "prepared: a stop within %llus keeps all routes",
		    num(r, "prepared_s"));
}

static void
status_drain(struct ctl *c, const json_t *row)
{
	const json_t *d = js_obj(row, "drain");
	unsigned long long n = num(js_obj(row, "sessions"), "drained");
	char age[UPTIME_STRLEN];

	if (js_has(row, "drain"))
		item(c, js_str(d, "state"), "%s, since %s%s%s (weft undrain ends it%s)",
		    js_str(d, "text"), js_uptime(d, "since_s", age), js_has(d, "reason") ? ": " : "",
		    js_str(d, "reason"), strcmp(js_str(d, "by"), "cluster") == 0 ?
		    ", and so does the cluster" : "");
	else if (n)
		item(c, "drained", "%llu peer%s (see: weft peers)", n, text_s(n));
}

static void
status_config(struct ctl *c, const json_t *row)
{
	const json_t *f = js_obj(row, "config");
	char age[UPTIME_STRLEN], more[96] = "";
	unsigned long long n = num(f, "reloads"), bad = num(f, "failures");

	if (n || bad)
		snprintf(more, sizeof(more), ", %llu reload%s, %llu failed", n, text_s(n), bad);
	item(c, "config", "%s, loaded %s ago%s", js_str(f, "file"), js_uptime(f, "loaded_s", age),
	    more);
}

static void
status_last(struct ctl *c, const json_t *row)
{
	const json_t *e = js_obj(row, "last_change");
	char age[UPTIME_STRLEN];

	if (!js_has(row, "last_change"))
		return;
	item(c, "last change", "%s ago: %s%s%s %s", js_uptime(e, "age_s", age), js_str(e, "event"),
	    js_has(e, "peer") ? " " : "", js_str(e, "peer"), js_str(e, "text"));
}

static void
status_warnings(struct ctl *c, const json_t *row)
{
	size_t i;
	json_t *w;

	json_array_foreach(js_obj(row, "warnings"), i, w) {
		fprintf(c->out, "  %-11s ! ", i ? "" : "warnings");
		put_wrapped(c->out, json_string_value(w) ? json_string_value(w) : "",
		    LABEL_COLUMNS + 2, c->columns);
	}
}

static void
status_row(void *ctx, json_t *row)
{
	struct ctl *c = ctx;

	status_identity(c, row);
	status_sessions(c, row);
	status_routes(c, row);
	status_kernel(c, row);
	status_nat(c, row);
	status_convergence(c, row);
	status_kube(c, row);
	status_drain(c, row);
	status_restart(c, row);
	status_config(c, row);
	status_last(c, row);
	status_warnings(c, row);
}

static void *
status_begin(struct ctl *c)
{
	return c;
}

static void
status_end(void *ctx, const struct client_end *e)
{
}

const struct render render_status = {
	.key = "status",
	.begin = status_begin,
	.row = status_row,
	.end = status_end,
};
