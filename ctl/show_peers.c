/*
 * The table of peers, and one peer in detail.
 *
 * A session that is not Established always carries its reason: at the end of its
 * line, or below the table where the terminal is too narrow for that.
 */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <string.h>

#include "lib/mem.h"

#define INFO_MAX 640
#define INFO_MIN 30 /* columns that INFO needs; else reasons stand below the table */

enum { COL_PEER, COL_ADDRESS, COL_AS, COL_TYPE, COL_STATE, COL_UPTIME, COL_FAMILY, COL_RECEIVED,
	COL_ACCEPTED, COL_ADVERTISED, COL_BFD, COL_REJECTED, COL_ROUTER_ID, COL_HOLD, COL_FLAPS,
	COL_INFO, NCOLS };

struct peers {
	struct ctl *c;
	json_t *rows;
	struct table_col cols[NCOLS];
};

static void *
peers_begin(struct ctl *c)
{
	struct peers *p = mem_zalloc(sizeof(*p));

	p->c = c;
	p->rows = json_array();
	return p;
}

static void
peers_row(void *ctx, json_t *row)
{
	struct peers *p = ctx;

	json_array_append(p->rows, row);
}

static bool
is_up(const json_t *row)
{
	return strcmp(js_str(row, "state"), "Established") == 0;
}

/* An Established peer of which nothing is of use looks healthy otherwise. */
static size_t
accepts_none(const json_t *row, char *buf, size_t cap)
{
	uint64_t received = 0, accepted = 0;
	const json_t *fam;
	const char *key;

	json_object_foreach((json_t *)js_obj(row, "families"), key, fam) {
		received += js_u64(fam, "received");
		accepted += js_u64(fam, "accepted");
	}
	if (!is_up(row) || !received || accepted)
		return 0;
	if (received == 1)
		return (size_t)snprintf(buf, cap, "its one route is not accepted (weft routes --rejected)");
	return (size_t)snprintf(buf, cap, "accepts none of its %llu routes (weft routes --rejected)",
	    (unsigned long long)received);
}

/* Established and on its way out of service; afterwards the reason says so. */
static size_t
draining(const json_t *row, char *buf, size_t cap, bool more)
{
	const json_t *d = js_obj(row, "drain");

	if (!is_up(row) || !js_has(row, "drain"))
		return 0;
	return (size_t)snprintf(buf, cap, "%sdraining: %s%s%s%s", more ? "; " : "", js_str(d, "text"),
	    js_has(d, "reason") ? " (" : "", js_str(d, "reason"), js_has(d, "reason") ? ")" : "");
}

/* With actions warn and discard the session goes on, and routes may be missing. */
static size_t
full_families(const json_t *row, char *buf, size_t cap, bool more)
{
	const json_t *fam;
	const char *name;
	uint64_t max;
	size_t n = 0;

	json_object_foreach((json_t *)js_obj(row, "families"), name, fam) {
		max = js_u64(fam, "max_prefixes");
		if (!is_up(row) || !max || js_u64(fam, "received") < max || n >= cap)
			continue;
		n += (size_t)snprintf(buf + n, cap - n, "%s%s at the limit of %llu prefix%s",
		    n || more ? "; " : "", name, (unsigned long long)max, max == 1 ? "" : "es");
	}
	return n;
}

/* What stands under INFO. */
static const char *
peer_info(const json_t *row, char *buf, size_t cap)
{
	const json_t *fam, *longest = NULL;
	const char *last = js_str(row, "last_error"), *why = js_str(row, "reason"), *key;
	char age[UPTIME_STRLEN];
	char words[STALE_STRLEN];
	uint64_t stale = 0;
	size_t n;

	json_object_foreach((json_t *)js_obj(row, "families"), key, fam) {
		stale += js_u64(fam, "stale");
		if (!longest || js_u64(fam, "stale_left_s") > js_u64(longest, "stale_left_s"))
			longest = fam;
	}
	n = (size_t)snprintf(buf, cap, "%s", why);
	if (n < cap)
		n += accepts_none(row, buf + n, cap - n);
	if (n < cap)
		n += full_families(row, buf + n, cap - n, n != 0);
	/* The reason is within the error, or the other way round: it is said once. */
	if (!is_up(row) && *last && !strstr(why, last) && strncmp(last, why, strlen(why)) != 0 && n < cap)
		n += (size_t)snprintf(buf + n, cap - n, " (last: %s %s ago)", last,
		    js_uptime(row, "last_error_s", age));
	if (n < cap)
		n += draining(row, buf + n, cap - n, n != 0);
	if (stale && n < cap)
		snprintf(buf + n, cap - n, "%s%llu %s", n ? "; " : "", (unsigned long long)stale,
		    js_u64(longest, "stale_left_s") ?
			stale_words(longest, words, sizeof(words)) : "stale");
	return buf;
}

/* ---- the table ------------------------------------------------------------------------ */

static const struct table_col full_cols[NCOLS] = {
	[COL_PEER] = { "PEER", false, false },
	[COL_ADDRESS] = { "ADDRESS", false, false },
	[COL_AS] = { "AS", false, false },
	[COL_TYPE] = { "TYPE", false, false },
	[COL_STATE] = { "STATE", false, false },
	[COL_UPTIME] = { "UPTIME", false, false },
	[COL_FAMILY] = { "FAMILY", false, false },
	[COL_RECEIVED] = { "RECEIVED", true, false },
	[COL_ACCEPTED] = { "ACCEPTED", true, false },
	[COL_ADVERTISED] = { "ADVERTISED", true, false },
	[COL_BFD] = { "BFD", false, false },
	[COL_REJECTED] = { "REJECTED", true, true },
	[COL_ROUTER_ID] = { "ROUTER ID", false, true },
	[COL_HOLD] = { "HOLD", true, true },
	[COL_FLAPS] = { "FLAPS", true, true },
	[COL_INFO] = { "INFO", false, false },
};

/* Where that does not fit: shorter heads; the type is left out, the reasons go below. */
static const struct table_col narrow_cols[NCOLS] = {
	[COL_PEER] = { "PEER", false, false },
	[COL_ADDRESS] = { "ADDRESS", false, false },
	[COL_AS] = { "AS", false, false },
	[COL_TYPE] = { "TYPE", false, true },
	[COL_STATE] = { "STATE", false, false },
	[COL_UPTIME] = { "UPTIME", false, false },
	[COL_FAMILY] = { "FAMILY", false, false },
	[COL_RECEIVED] = { "RECV", true, false },
	[COL_ACCEPTED] = { "ACPT", true, false },
	[COL_ADVERTISED] = { "ADVT", true, false },
	[COL_BFD] = { "BFD", false, false },
	[COL_REJECTED] = { "REJECTED", true, true },
	[COL_ROUTER_ID] = { "ROUTER ID", false, true },
	[COL_HOLD] = { "HOLD", true, true },
	[COL_FLAPS] = { "FLAPS", true, true },
	[COL_INFO] = { "INFO", false, true },
};

static void
cell_u64(struct table *t, const json_t *row, const char *key)
{
	if (js_has(row, key))
		table_cellf(t, "%llu", (unsigned long long)js_u64(row, key));
	else
		table_cell(t, "-");
}

/* bfd: what stands in that column, on the peer's first line. */
static void
cell_family(struct table *t, const char *name, const json_t *f, const char *bfd)
{
	table_cell(t, name);
	cell_u64(t, f, "received");
	cell_u64(t, f, "accepted");
	cell_u64(t, f, "advertised");
	if (*bfd)
		table_cell(t, bfd);
	else
		table_blank(t);
	cell_u64(t, f, "rejected");
}

static const char *
bfd_word(const json_t *row)
{
	return !js_has(row, "bfd") ? "-" : strcmp(js_str(js_obj(row, "bfd"), "state"), "Up") == 0
	    ? "up" : "down";
}

static void
cells_peer(struct table *t, const json_t *row)
{
	char up[UPTIME_STRLEN];

	table_cell(t, js_str(row, "name"));
	table_cell(t, js_str(row, "address"));
	if (js_u64(row, "as"))
		table_cellf(t, "%llu", (unsigned long long)js_u64(row, "as"));
	else
		table_cell(t, "-");
	table_cell(t, js_str(row, "type"));
	table_cell(t, js_str(row, "state"));
	table_cell(t, js_uptime(row, "uptime_s", up));
}

static void
cells_tail(struct table *t, const json_t *row, bool info)
{
	char buf[INFO_MAX];

	table_cell(t, js_str(row, "router_id"));
	cell_u64(t, row, "hold_s");
	cell_u64(t, row, "flaps");
	if (info && *peer_info(row, buf, sizeof(buf)))
		table_cell(t, buf);
	else
		table_blank(t);
}

/* A line for each family in use; one line with dashes while there is none. */
static void
rows_peer(struct table *t, const json_t *row, bool info)
{
	bool first = true;
	const json_t *f;
	const char *name;

	json_object_foreach((json_t *)js_obj(row, "families"), name, f) {
		if (!is_up(row) || !js_bool(f, "negotiated"))
			continue;
		if (first)
			cells_peer(t, row);
		for (size_t i = 0; !first && i < COL_FAMILY; i++)
			table_blank(t);
		cell_family(t, name, f, first ? bfd_word(row) : "");
		if (first)
			cells_tail(t, row, info);
		else
			table_end_row(t);
		first = false;
	}
	if (!first)
		return;
	cells_peer(t, row);
	cell_family(t, "-", NULL, bfd_word(row));
	cells_tail(t, row, info);
}

/* Columns that the table takes without INFO. */
static size_t
width_of(const struct table *t)
{
	char *text = table_render(t, true);
	size_t width = strcspn(text, "\n") - strlen("INFO");

	mem_free(text);
	return width;
}

/* BFD has a column where somebody has it. */
static void
peers_table(struct peers *p, struct table *t, const struct table_col *cols, bool info)
{
	bool bfd = false;
	size_t i;
	json_t *row;

	json_array_foreach(p->rows, i, row)
		bfd |= js_has(row, "bfd");
	memcpy(p->cols, cols, sizeof(p->cols));
	p->cols[COL_BFD].wide = !bfd;
	table_init(t, p->cols, NCOLS, p->c->format == CTL_WIDE);
	json_array_foreach(p->rows, i, row)
		rows_peer(t, row, info);
}

/* The reasons below a table that has no room for them. */
static void
print_reasons(const struct peers *p)
{
	char buf[INFO_MAX];
	const char *name;
	bool any = false;
	size_t i;
	json_t *row;

	json_array_foreach(p->rows, i, row) {
		if (!*peer_info(row, buf, sizeof(buf)))
			continue;
		if (!any)
			fputc('\n', p->c->out);
		any = true;
		name = js_str(row, "name");
		print_clean(p->c->out, "%s: ", name);
		put_wrapped(p->c->out, buf, (unsigned)utf8_width(name) + 2, p->c->columns);
	}
	if (any)
		fputc('\n', p->c->out);
}

static void
print_summary(const struct peers *p)
{
	size_t i, up = 0, disabled = 0, drained = 0, n = json_array_size(p->rows), down;
	json_t *row;

	json_array_foreach(p->rows, i, row) {
		up += is_up(row);
		disabled += !is_up(row) && !js_bool(row, "enabled");
		drained += !is_up(row) && js_bool(row, "enabled") && js_has(row, "drain");
	}
	down = n - up - disabled - drained;
	fprintf(p->c->out, "%zu peer%s: %zu established", n, n == 1 ? "" : "s", up);
	if (down)
		fprintf(p->c->out, ", %zu down", down);
	if (disabled)
		fprintf(p->c->out, ", %zu disabled", disabled);
	if (drained)
		fprintf(p->c->out, ", %zu drained", drained);
	fputc('\n', p->c->out);
}

static void
print_peers(struct peers *p)
{
	bool below;
	struct table t;

	peers_table(p, &t, full_cols, true);
	below = p->c->columns && width_of(&t) + INFO_MIN > p->c->columns;
	if (below) {
		table_free(&t);
		peers_table(p, &t, narrow_cols, false);
	}
	print_table(p->c, &t, true);
	if (below)
		print_reasons(p);
	if (!p->c->no_headers)
		print_summary(p);
}

static void
peers_end(void *ctx, const struct client_end *e)
{
	struct peers *p = ctx;

	if (json_array_size(p->rows))
		print_peers(p);
	else if (e->exit != CTL_UNREACHABLE && !e->error)
		fputs("no peers configured; add one to the configuration and `weft reload`:\n\n"
		      "  peers:\n"
		      "    - {name: tor1, peerIP: 10.0.0.1, asNumber: 65000}\n",
		    p->c->out);
	json_decref(p->rows);
	mem_free(p);
}

const struct render render_peers = {
	.key = "peers",
	.list = true,
	.begin = peers_begin,
	.row = peers_row,
	.end = peers_end,
};

/* ---- one peer ------------------------------------------------------------------------------ */

#define LABEL "  %-13s "
#define LABEL_COLUMNS 16

static void
line(struct ctl *c, const char *label, const char *text)
{
	if (!*text)
		return;
	fprintf(c->out, LABEL, label);
	put_wrapped(c->out, text, LABEL_COLUMNS, c->columns);
}

static void linef(struct ctl *c, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));


static void
linef(struct ctl *c, const char *label, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line(c, label, text);
}

static void
peer_session(struct ctl *c, const json_t *row)
{
	char age[UPTIME_STRLEN];

	if (is_up(row))
		linef(c, "state", "Established for %s", js_uptime(row, "uptime_s", age));
	else if (js_has(row, "state_s"))
		linef(c, "state", "%s for %s: %s", js_str(row, "state"),
		    js_uptime(row, "state_s", age), js_str(row, "reason"));
	else
		linef(c, "state", "%s: %s", js_str(row, "state"), js_str(row, "reason"));
	if (js_has(row, "drain"))
		linef(c, js_str(js_obj(row, "drain"), "state"), "%s, since %s%s%s%s",
		    js_str(js_obj(row, "drain"), "text"),
		    js_uptime(js_obj(row, "drain"), "since_s", age),
		    strcmp(js_str(js_obj(row, "drain"), "of"), "node") == 0 ? ", with the node" : "",
		    js_has(js_obj(row, "drain"), "reason") ? ": " : "",
		    js_str(js_obj(row, "drain"), "reason"));
	if (js_has(row, "last_error"))
		linef(c, "last error", "%s, %s ago", js_str(row, "last_error"),
		    js_uptime(row, "last_error_s", age));
	line(c, "description", js_str(row, "description"));
	line(c, "router id", js_str(row, "router_id"));
	if (js_has(row, "local_address"))
		linef(c, "connection", "%s port %llu, here %s port %llu", js_str(row, "address"),
		    (unsigned long long)js_u64(row, "remote_port"), js_str(row, "local_address"),
		    (unsigned long long)js_u64(row, "local_port"));
	if (js_has(row, "hold_left_s"))
		linef(c, "timers", "hold %llus, keepalive %llus, hold expires in %llus",
		    (unsigned long long)js_u64(row, "hold_s"),
		    (unsigned long long)js_u64(row, "keepalive_s"),
		    (unsigned long long)js_u64(row, "hold_left_s"));
	linef(c, "sessions", "%llu established, %llu lost, %llu connect retr%s",
	    (unsigned long long)js_u64(row, "established_count"),
	    (unsigned long long)js_u64(row, "flaps"),
	    (unsigned long long)js_u64(row, "connect_retries"),
	    js_u64(row, "connect_retries") == 1 ? "y" : "ies");
	if (js_has(row, "role"))
		linef(c, "role", "we are %s to it%s%s", js_str(row, "role"),
		    js_has(row, "peer_role") ? ", it says it is " : is_up(row) ? ", it tells none" : "",
		    js_str(row, "peer_role"));
	if (js_u64(row, "route_leaks"))
		linef(c, "route leaks", "%llu announcement%s rejected (RFC 9234)",
		    (unsigned long long)js_u64(row, "route_leaks"), text_s(js_u64(row, "route_leaks")));
	if (js_u64(row, "errors_treated_as_withdraw"))
		linef(c, "bad updates", "%llu treated as withdraw (RFC 7606)",
		    (unsigned long long)js_u64(row, "errors_treated_as_withdraw"));
}

/* One line for the state, one for what was agreed on, and what went wrong. */
static void
peer_bfd(struct ctl *c, const json_t *row)
{
	const json_t *b = js_obj(row, "bfd"), *n;
	char age[UPTIME_STRLEN], tx[32], det[32], text[256] = "";
	const char *name;
	size_t len = 0;

	if (!js_has(row, "bfd"))
		return;
	linef(c, "bfd", "%s%s%s%s%s%s", js_str(b, "state"), js_has(b, "since_s") ? " for " : "",
	    js_has(b, "since_s") ? js_uptime(b, "since_s", age) : "",
	    js_has(b, "reason") ? ": " : "", js_str(b, "reason"),
	    js_bool(b, "address_down") ? "; its routes are not used" : "");
	if (js_has(b, "detection_us"))
		linef(c, "", "a packet each %s, dead after %s; %llu in, %llu out%s",
		    text_ms(b, "transmit_us", tx, sizeof(tx)), text_ms(b, "detection_us", det, sizeof(det)),
		    (unsigned long long)js_u64(b, "packets_in"),
		    (unsigned long long)js_u64(b, "packets_out"),
		    js_bool(b, "multihop") ? "; multihop" : "");
	if (js_has(b, "last_down_s"))
		linef(c, "", "last down %s ago: %s", js_uptime(b, "last_down_s", age),
		    js_str(b, "last_down_diagnostic"));
	json_object_foreach((json_t *)js_obj(b, "drops"), name, n)
		if (len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %lld", len ? ", " : "",
			    name, (long long)json_integer_value(n));
	if (len)
		linef(c, "", "packets refused: %s", text);
}

/* Families with several paths per prefix in that direction, with a word in front. */
static void
add_path_line(struct ctl *c, const json_t *row, const char *key, const char *label,
    const char *what)
{
	char text[64] = "";
	size_t n = 0;
	const char *name;
	json_t *f;

	json_object_foreach((json_t *)js_obj(row, "families"), name, f)
		if (js_bool(f, key) && n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
			    name);
	if (n)
		linef(c, label, "several paths per prefix %s (%s)", what, text);
}

static const char *
time_or_none(const json_t *f, const char *key, char buf[UPTIME_STRLEN])
{
	return js_has(f, key) ? js_uptime(f, key, buf) : "none";
}

/* Long-Lived Stale Times, both ways (RFC 9494). */
static void
long_lived_lines(struct ctl *c, const json_t *row)
{
	char ours[UPTIME_STRLEN], theirs[UPTIME_STRLEN];
	const json_t *f;
	const char *name;
	bool lost;

	json_object_foreach((json_t *)js_obj(row, "families"), name, f) {
		lost = js_has(f, "llgr_peer_s") && !js_bool(f, "llgr_forwarding");
		if (js_has(f, "llgr_offered_s") || js_has(f, "llgr_peer_s"))
			linef(c, "long-lived", "%s: ours %s, the peer's %s%s", name,
			    time_or_none(f, "llgr_offered_s", ours),
			    time_or_none(f, "llgr_peer_s", theirs),
			    lost ? " (forwarding state not kept)" : "");
	}
}

static void
stale_lines(struct ctl *c, const json_t *row)
{
	char words[STALE_STRLEN];
	const json_t *f;
	const char *name;

	json_object_foreach((json_t *)js_obj(row, "families"), name, f)
		if (js_u64(f, "stale") && js_u64(f, "stale_left_s"))
			linef(c, "stale", "%s: %llu %s, %s", name,
			    (unsigned long long)js_u64(f, "stale"),
			    js_u64(f, "stale") == 1 ? "route" : "routes",
			    stale_words(f, words, sizeof(words)));
}

static void
peer_capabilities(struct ctl *c, const json_t *row)
{
	static const struct {
		const char *key, *text;
	} caps[] = { { "as4", "4-octet AS numbers" }, { "route_refresh", "route refresh" },
		{ "enhanced_route_refresh", "enhanced route refresh" },
		{ "extended_message", "long messages" },
		{ "extended_next_hop", "IPv6 next hops for IPv4" },
		{ "graceful_restart", "graceful restart" },
		{ "long_lived_graceful_restart", "long-lived graceful restart" } };
	const json_t *o = js_obj(row, "capabilities"), *gr = js_obj(row, "gr");
	char text[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		if (js_bool(o, caps[i].key))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
			    caps[i].text);
	line(c, "in use", text);
	add_path_line(c, row, "add_path_receive", "add-path in", "from the peer");
	add_path_line(c, row, "add_path_send", "add-path out", "to the peer");
	if (js_bool(gr, "enabled"))
		linef(c, "restart", "routes are kept for %llus when the peer restarts%s%s",
		    (unsigned long long)js_u64(gr, "peer_time_s"),
		    js_bool(gr, "notification") ? ", after a NOTIFICATION as well" : "",
		    js_bool(gr, "peer_restarting") ? "; it has just restarted" : "");
	long_lived_lines(c, row);
	stale_lines(c, row);
}

static void
peer_families(struct ctl *c, const json_t *row)
{
	static const struct table_col cols[] = { { "  FAMILY", false, false },
		{ "RECEIVED", true, false }, { "ACCEPTED", true, false },
		{ "REJECTED", true, false }, { "STALE", true, false }, { "BEST", true, false },
		{ "ADVERTISED", true, false }, { "END-OF-RIB", false, false } };
	static const char *const keys[] = { "received", "accepted", "rejected", "stale", "best",
		"advertised" };
	struct table t;
	const char *name;
	json_t *f;

	table_init(&t, cols, 8, false);
	json_object_foreach((json_t *)js_obj(row, "families"), name, f) {
		bool in = js_bool(f, "eor_received"), out = js_bool(f, "eor_sent");

		if (!js_bool(f, "configured") && !js_bool(f, "negotiated"))
			continue;
		table_cellf(&t, "  %s", name);
		for (size_t i = 0; i < 6; i++)
			cell_u64(&t, f, keys[i]);
		table_cell(&t, !js_bool(f, "negotiated") ? "not negotiated" :
		    in && out ? "received, sent" : in ? "received" : out ? "sent" : "-");
	}
	if (table_rows(&t))
		fputc('\n', c->out);
	print_table(c, &t, true);
}

static void
peer_messages(struct ctl *c, const json_t *row)
{
	static const struct table_col cols[] = { { "  MESSAGES", false, false },
		{ "OPEN", true, false }, { "UPDATE", true, false }, { "NOTIFICATION", true, false },
		{ "KEEPALIVE", true, false }, { "REFRESH", true, false }, { "TOTAL", true, false } };
	static const char *const keys[] = { "open", "update", "notification", "keepalive",
		"route_refresh", "total" };
	static const char *const ways[] = { "in", "out" };
	const json_t *m = js_obj(row, "messages");
	struct table t;

	table_init(&t, cols, 7, false);
	for (size_t w = 0; w < 2; w++) {
		table_cellf(&t, "  %s", ways[w]);
		for (size_t i = 0; i < 6; i++)
			cell_u64(&t, js_obj(m, ways[w]), keys[i]);
	}
	fputc('\n', c->out);
	print_table(c, &t, true);
}

static void
peer_row(void *ctx, json_t *row)
{
	struct ctl *c = ctx;

	print_clean(c->out, "%s (%s), ", js_str(row, "name"), js_str(row, "address"));
	if (js_u64(row, "as"))
		fprintf(c->out, "AS %llu, ", (unsigned long long)js_u64(row, "as"));
	fprintf(c->out, "%s%s%s\n", js_str(row, "type"), js_bool(row, "passive") ? ", passive" : "",
	    js_bool(row, "enabled") ? "" : ", disabled in the configuration");
	peer_session(c, row);
	peer_bfd(c, row);
	peer_capabilities(c, row);
	if (!js_u64(row, "established_count"))
		return; /* nothing has been exchanged yet */
	peer_families(c, row);
	peer_messages(c, row);
}

static void *
peer_begin(struct ctl *c)
{
	return c;
}

static void
peer_end(void *ctx, const struct client_end *e)
{
}

const struct render render_peer = {
	.key = "peer",
	.begin = peer_begin,
	.row = peer_row,
	.end = peer_end,
};
