/*
 * `weft policy test FILE --route ROUTE`: run a route through filters of a
 * configuration file, with the code that bgpd runs, and say which rule did what.
 *
 * Needs no agent.  With --peer the peer's filters are asked, and what no rule
 * decides is settled as for that peer; with --filter that filter alone is, as
 * for an external peer.  Loop checks and what the session itself does to a route
 * (next hop, own AS number) are not part of it.
 */
#include "ctl/policy.h"

#include <stdio.h>
#include <string.h>

#include "bgpd/core/filter.h"
#include "bgpd/core/policy.h"
#include "ctl/ctl.h"
#include "lib/conf_filter.h"
#include "lib/mem.h"
#include "lib/out.h"
#include "lib/trie.h"

#define CHANGES_MAX 16
#define VALUE_MAX   1024

struct test {
	struct ctl *c;
	const struct conf *conf;
	const struct conf_peer *peer; /* NULL: a filter alone */
	bool export, external;
	struct policy_route route;
	struct filter_db *db;
	struct filters filters;
	struct attrs_pool *pool;
	const struct filter_chain *chain;
	const struct attrs *attrs;
	struct out *json; /* NULL: text */

	enum filter_action action;
	bool accepted;
	char reason[IPC_TEXT_MAX];
	const struct attrs *result;
};

/* ---- attributes by name -------------------------------------------------------------- */

static char *
show_number(bool there, uint32_t v, char *buf)
{
	if (there)
		snprintf(buf, VALUE_MAX, "%u", v);
	else
		buf[0] = '\0';
	return buf;
}

static char *
show_as_path(const struct attrs *a, char *buf)
{
	return attrs_str_as_path(a, buf, VALUE_MAX);
}

static char *
show_next_hop(const struct attrs *a, char *buf)
{
	struct ip_addr nh = attrs_next_hop(a);

	if (a->marks & ATTRS_MARK_NH_SELF)
		snprintf(buf, VALUE_MAX, "self");
	else if (nh.af)
		ip_addr_str(&nh, buf);
	else
		buf[0] = '\0';
	return buf;
}

static char *
show_local_pref(const struct attrs *a, char *buf)
{
	return show_number(a->flags & ATTRS_LOCAL_PREF, a->local_pref, buf);
}

static char *
show_med(const struct attrs *a, char *buf)
{
	return show_number(a->flags & ATTRS_MED, a->med, buf);
}

static char *
show_weight(const struct attrs *a, char *buf)
{
	return show_number(a->weight != 0, a->weight, buf);
}

static char *
show_origin(const struct attrs *a, char *buf)
{
	static const char *const name[] = { "igp", "egp", "incomplete" };

	snprintf(buf, VALUE_MAX, "%s", a->origin < 3 ? name[a->origin] : "unknown");
	return buf;
}

static char *
show_communities(const struct attrs *a, char *buf)
{
	return attrs_str_communities(a, buf, VALUE_MAX);
}

static char *
show_large(const struct attrs *a, char *buf)
{
	return attrs_str_large(a, buf, VALUE_MAX);
}

static char *
show_ext(const struct attrs *a, char *buf)
{
	return attrs_str_ext(a, buf, VALUE_MAX);
}

static const struct {
	const char *name, *label;
	char *(*show)(const struct attrs *a, char *buf);
} shown[] = {
	{ "as_path", "AS path", show_as_path },
	{ "next_hop", "next hop", show_next_hop },
	{ "origin", "origin", show_origin },
	{ "local_pref", "local pref", show_local_pref },
	{ "med", "MED", show_med },
	{ "weight", "weight", show_weight },
	{ "communities", "communities", show_communities },
	{ "large_communities", "large", show_large },
	{ "ext_communities", "extended", show_ext },
};
#define NSHOWN (sizeof(shown) / sizeof(shown[0]))

/* ---- rules as they are asked ---------------------------------------------------------- */

static const char *
action_word(enum filter_action a)
{
	return a == FILTER_ACCEPT ? "accepted" : a == FILTER_REJECT ? "rejected" : "goes on";
}

/* Every attribute that differs, to put(): its row and both values. */
static void
each_change(const struct attrs *before, const struct attrs *after, struct test *t,
    void (*put)(struct test *t, size_t row, const char *was, const char *is))
{
	char was[VALUE_MAX], is[VALUE_MAX];

	for (size_t i = 0; i < NSHOWN; i++)
		if (strcmp(shown[i].show(before, was), shown[i].show(after, is)) != 0)
			put(t, i, was, is);
}

static void
put_change_text(struct test *t, size_t row, const char *was, const char *is)
{
	print_clean(t->c->out, "      %-12s %s -> %s\n", shown[row].label, *was ? was : "none",
	    *is ? is : "none");
}

static void
put_change_json(struct test *t, size_t row, const char *was, const char *is)
{
	out_open(t->json, NULL);
	out_str(t->json, "attribute", shown[row].name);
	out_str(t->json, "before", *was ? was : NULL);
	out_str(t->json, "after", *is ? is : NULL);
	out_close(t->json);
}

static void
rule_text(void *ctx, const struct filter_rule *r, const char *failed, const struct attrs *before,
    const struct attrs *after)
{
	char name[2 * IPC_NAME_MAX];
	struct test *t = ctx;

	filter_rule_text(r, name, sizeof(name));
	if (failed) {
		print_clean(t->c->out, "  %s: does not hold: %s\n", name, failed);
		return;
	}
	print_clean(t->c->out, "  %s: %s%s\n", name, before != after ? "changed, " : "",
	    action_word(filter_rule_action(r)));
	each_change(before, after, t, put_change_text);
}

static void
rule_json(void *ctx, const struct filter_rule *r, const char *failed, const struct attrs *before,
    const struct attrs *after)
{
	static const char *const action[] = { [FILTER_NONE] = "continue", [FILTER_ACCEPT] = "accept",
		[FILTER_REJECT] = "reject" };
	char name[2 * IPC_NAME_MAX];
	struct test *t = ctx;

	out_open(t->json, NULL);
	out_str(t->json, "rule", filter_rule_text(r, name, sizeof(name)));
	out_bool(t->json, "holds", !failed);
	out_str(t->json, "failed_condition", failed);
	out_str(t->json, "action", failed ? NULL : action[filter_rule_action(r)]);
	out_open_array(t->json, "changes");
	each_change(before, after, t, put_change_json);
	out_close(t->json);
	out_close(t->json);
}

/* ---- what is left undecided --------------------------------------------------------------- */

static void
settle_import(struct test *t)
{
	const struct conf_prefixes *permit = &t->conf->kernel.permit;
	struct trie_node *node = mem_zalloc_array(permit->n + 1, sizeof(*node));
	struct trie trie;
	struct import_policy ip = { .ebgp = t->external,
		.import_all = t->peer->import == CONF_IMPORT_ALL,
		.permit = &trie };
	enum reject_reason r;

	trie_init(&trie);
	for (size_t i = 0; i < permit->n; i++)
		if (!trie_find(&trie, &permit->v[i]))
			trie_insert(&trie, &node[i], &permit->v[i]);
	r = policy_import_prefix(&ip, t->result, &t->route.prefix);
	t->accepted = r == REJECT_NONE;
	snprintf(t->reason, sizeof(t->reason), "no rule decides: import: %s%s%s",
	    ip.import_all ? "all" : "permitted", r ? ": " : "", policy_reject_text(r));
	mem_free(node);
}

/* Also of accepted routes: what filters cannot let pass. */
static void
settle_export(struct test *t)
{
	struct export_policy ep = { .af = t->route.prefix.af,
		.ebgp = t->external,
		.all = t->peer && t->peer->export == CONF_EXPORT_ALL,
		.transit = t->conf->bgp.transit,
		.rr_client = t->peer && t->peer->rr_client,
		.self_octets = 4,
		.chain = filter_chain_id(t->chain) };
	struct export_source src = { .local = t->route.source == IPC_SOURCE_LOCAL,
		.ebgp = t->route.source == IPC_SOURCE_PEER };
	const struct attrs *after;
	enum export_reason r = policy_filter_export(&t->filters, t->pool, &ep, t->chain, &src,
	    &t->route.prefix, t->attrs, &after);

	attrs_unref(t->pool, after);
	t->accepted = r == EXPORT_YES;
	if (t->action == FILTER_NONE)
		snprintf(t->reason, sizeof(t->reason), "no rule decides: export: %s%s%s",
		    ep.all ? "all" : "own", r ? ": " : "", policy_export_text(r));
	else if (t->action == FILTER_ACCEPT && r != EXPORT_YES)
		snprintf(t->reason, sizeof(t->reason), "%s", policy_export_text(r));
}

static void
settle(struct test *t)
{
	t->accepted = t->action == FILTER_ACCEPT;
	if (t->export && (t->peer || t->action != FILTER_NONE))
		settle_export(t);
	else if (t->action == FILTER_NONE && t->peer)
		settle_import(t);
	else if (t->action == FILTER_NONE)
		snprintf(t->reason, sizeof(t->reason),
		    "no rule decides: %s of the peer does", t->export ? "export" : "import");
}

/* ---- the answer ---------------------------------------------------------------------------- */

static const char *
verdict(const struct test *t)
{
	if (t->action == FILTER_NONE && !t->peer)
		return "undecided";
	return t->accepted ? "accepted" : "rejected";
}

static void
print_head(struct test *t)
{
	static const char *const from[] = { "?", "this node", "an iBGP peer", "an eBGP peer" };
	char prefix[IP_PREFIX_STRLEN];

	print_clean(t->c->out, "%s from %s%s%s, %s by %s %s%s\n",
	    ip_prefix_str(&t->route.prefix, prefix), from[t->route.source & 3],
	    *t->route.from ? " " : "", t->route.from, t->export ? "exported" : "imported",
	    t->peer ? "the filters of" : "filter", t->peer ? t->peer->name : t->c->filter,
	    t->chain ? "" : ": no rules");
}

static void
print_text(struct test *t)
{
	char value[VALUE_MAX];

	print_clean(t->c->out, "%s%s%s\n", verdict(t), t->reason[0] ? ": " : "", t->reason);
	for (size_t i = 0; i < NSHOWN; i++)
		if (*shown[i].show(t->result, value))
			print_clean(t->c->out, "  %-12s %s\n", shown[i].label, value);
}

static void
print_json(struct test *t)
{
	char value[VALUE_MAX];

	out_close(t->json); /* rules */
	out_str(t->json, "verdict", verdict(t));
	out_str(t->json, "reason", t->reason[0] ? t->reason : NULL);
	out_open(t->json, "attributes");
	for (size_t i = 0; i < NSHOWN; i++)
		out_str(t->json, shown[i].name, *shown[i].show(t->result, value) ? value : NULL);
	out_close(t->json);
	out_close(t->json);
	out_close(t->json);
	fprintf(t->c->out, "%s\n", out_text(t->json));
}

static void
begin(struct test *t, struct out *o)
{
	char prefix[IP_PREFIX_STRLEN];

	if (t->c->format != CTL_JSON) {
		print_head(t);
		return;
	}
	t->json = o;
	out_init(o, true);
	out_open(o, NULL);
	out_open(o, "policy");
	out_str(o, "prefix", ip_prefix_str(&t->route.prefix, prefix));
	out_str(o, "direction", t->export ? "export" : "import");
	out_str(o, "peer", t->peer ? t->peer->name : NULL);
	out_str(o, "filter", t->peer ? NULL : t->c->filter);
	out_open_array(o, "rules");
}

/* ---- running --------------------------------------------------------------------------------- */

static void
load_filters(struct test *t)
{
	struct ipc_conf_filter *m = mem_zalloc(sizeof(*m));
	const struct conf_filters *fs = &t->conf->filters;

	for (size_t i = 0; i < fs->n; i++)
		for (unsigned l = 0; l < CONF_FILTER_NLISTS; l++)
			for (size_t k = 0; k < fs->v[i].rules[l].n; k++) {
				conf_filter_message(t->conf, &fs->v[i], (enum conf_filter_list)l, k,
				    (uint32_t)i + 1, m);
				filter_db_add(t->db, m);
			}
	mem_free(m);
}

static void
get_chain(struct test *t)
{
	uint32_t id[IPC_FILTERS_MAX];
	size_t n = 0;

	if (!t->peer)
		id[n++] = conf_filter_id(t->conf, t->c->filter);
	for (size_t i = 0; t->peer && i < t->peer->filters.n && n < IPC_FILTERS_MAX; i++)
		id[n++] = conf_filter_id(t->conf, t->peer->filters.v[i]);
	t->chain =
	    filter_chain_get(&t->filters, t->db, id, n, t->export, t->route.prefix.af);
}

static bool
is_external(const struct conf *c, const struct conf_peer *p)
{
	return !conf_peer_is_ibgp(c, p) && !conf_peer_is_confed(c, p);
}

/* Where the route comes from, when it was not said: from the peer, or for export from here. */
static void
find_source(struct test *t)
{
	const struct conf_peer *from =
	    *t->route.from ? conf_peer_find(t->conf, t->route.from) : t->export ? NULL : t->peer;

	t->external = !t->peer || is_external(t->conf, t->peer);
	if (from)
		t->route.source = is_external(t->conf, from) ? IPC_SOURCE_PEER : IPC_SOURCE_MESH;
	else if (!t->route.source)
		t->route.source = t->export ? IPC_SOURCE_LOCAL : IPC_SOURCE_PEER;
	if (t->route.source == IPC_SOURCE_LOCAL && !(t->route.attrs.marks >> ATTRS_MARK_TYPE_SHIFT))
		t->route.attrs.marks = IPC_ROUTE_TYPE_PREFIX << ATTRS_MARK_TYPE_SHIFT;
}

static int
run(struct test *t)
{
	struct filter_route route = { .prefix = &t->route.prefix,
		.source = t->route.source,
		.ebgp = t->external,
		.export = t->export };
	struct filter_trace trace = { .rule = rule_text, .ctx = t };
	struct filter_result res;
	struct out json;

	t->attrs = attrs_intern(t->pool, &t->route.attrs);
	load_filters(t);
	get_chain(t);
	begin(t, &json);
	if (t->json)
		trace.rule = rule_json;
	filter_run(t->pool, t->chain, &route, t->attrs, &trace, &res);
	t->action = res.action;
	t->result = res.attrs;
	settle(t);
	if (t->json)
		print_json(t);
	else
		print_text(t);
	if (t->json)
		out_free(t->json);
	attrs_unref(t->pool, res.attrs);
	attrs_unref(t->pool, t->attrs);
	filter_chain_put(&t->filters, t->chain);
	return strcmp(verdict(t), "rejected") == 0 ? CTL_DOWN : CTL_OK;
}

static int
test_route(struct ctl *c, const struct conf *conf)
{
	struct test *t = mem_zalloc(sizeof(*t));
	char why[512], text[600];
	int status = CTL_USAGE;

	t->c = c;
	t->conf = conf;
	t->peer = c->peer ? conf_peer_find(conf, c->peer) : NULL;
	t->export = c->direction && strcmp(c->direction, "export") == 0;
	if (c->peer && !t->peer) {
		snprintf(text, sizeof(text), "no peer has the name \"%s\"", c->peer);
		status = render_error(c, CTL_USAGE, text);
	} else if (c->filter && !conf_filter_find(conf, c->filter)) {
		snprintf(text, sizeof(text), "no filter has the name \"%s\"", c->filter);
		status = render_error(c, CTL_USAGE, text);
	} else if (!policy_route_parse(conf, c->route, &t->route, why, sizeof(why))) {
		snprintf(text, sizeof(text), "--route: %s", why);
		status = render_error(c, CTL_USAGE, text);
	} else {
		find_source(t);
		t->pool = attrs_pool_new((const uint64_t[]){ 1, 2 });
		t->db = filter_db_new();
		filters_init(&t->filters);
		status = run(t);
		filter_db_free(t->db);
		filters_free(&t->filters, t->pool);
		attrs_pool_free(t->pool);
	}
	mem_free(t);
	return status;
}

int
cmd_policy(struct ctl *c)
{
	struct conf *conf;
	int status;

	if (strcmp(c->arg[0], "test") != 0)
		return usage_error(c, "policy: unknown word \"%s\"; did you mean test?", c->arg[0]);
	if (c->nargs < 2 || !c->route || !c->peer == !c->filter)
		return usage_error(c, "usage: weft policy %s", c->cmd->args);
	conf = check_load(c, c->arg[1]);
	if (!conf)
		return CTL_USAGE;
	status = test_route(c, conf);
	conf_free(conf);
	return status;
}
