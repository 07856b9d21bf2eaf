/*
 * Filters: contradictions in rules, names that lead nowhere, and rules as messages.
 * See conf_filter.h.
 */
#include "lib/conf_filter.h"

#include <stdio.h>
#include <string.h>

#include "lib/conf_check.h"
#include "lib/conf_suggest.h"
#include "lib/mem.h"

#define RULE "filters[].import[]."
#define OP   "filters[].import[].operations[]."

static const struct {
	bool export;
	uint8_t af;
} lists[CONF_FILTER_NLISTS] = {
	[CONF_FILTER_IMPORT] = { false, IP_NONE },
	[CONF_FILTER_EXPORT] = { true, IP_NONE },
	[CONF_FILTER_IMPORT4] = { false, IP4 },
	[CONF_FILTER_EXPORT4] = { true, IP4 },
	[CONF_FILTER_IMPORT6] = { false, IP6 },
	[CONF_FILTER_EXPORT6] = { true, IP6 },
};

bool
conf_filter_list_is_export(enum conf_filter_list list)
{
	return lists[list].export;
}

uint8_t
conf_filter_list_af(enum conf_filter_list list)
{
	return lists[list].af;
}

uint32_t
conf_filter_id(const struct conf *c, const char *name)
{
	const struct conf_filter *f = conf_filter_find(c, name);

	return f ? (uint32_t)(f - c->filters.v) + 1 : 0;
}

void
conf_filters_clear(struct conf_filters *fs)
{
	for (size_t i = 0; i < fs->n; i++)
		for (unsigned l = 0; l < CONF_FILTER_NLISTS; l++)
			for (size_t k = 0; k < fs->v[i].rules[l].n; k++) {
				struct conf_rule *r = &fs->v[i].rules[l].v[k];

				mem_free(r->any.v);
				mem_free(r->all.v);
				for (size_t o = 0; o < r->ops.n; o++)
					mem_free(r->ops.v[o].communities.v);
			}
}

/* ---- checks -------------------------------------------------------------- */

/* A rule and where it stands. */
struct place {
	struct conf_ctx *ctx;
	struct conf_rule *r;
	bool export;
	uint8_t af; /* of the list */
	bool last;  /* of its list */
};

/* One finding about one rule; other: what else of the rule it depends on. */
#define CLASH(at, option, other_option, ...)                                                       \
	conf_clash((at)->ctx,                                                                      \
	    &(struct conf_clash){                                                                  \
		.base = (at)->r, .path = RULE option, .item = -1, .other = (other_option) },       \
	    __VA_ARGS__)

static bool
has(const void *base, const char *path)
{
	return opt_is_set(base, opt_find(path));
}

static void
check_prefix_length(const struct place *at, uint8_t af)
{
	const struct conf_rule *r = at->r;
	bool min = has(r, RULE "prefixLength.min"), max = has(r, RULE "prefixLength.max");

	if (min && max && r->len_min > r->len_max)
		CLASH(at, "prefixLength.min", RULE "prefixLength.max", "%u is more than max, %u",
		    r->len_min, r->len_max);
	else if (af == IP4 && min && r->len_min > 32)
		CLASH(at, "prefixLength.min", NULL, "an IPv4 prefix has no more than 32 bits");
	else if (af == IP4 && max && r->len_max > 32)
		CLASH(at, "prefixLength.max", NULL, "an IPv4 prefix has no more than 32 bits");
}

static void
check_cidr(const struct place *at)
{
	const struct conf_rule *r = at->r;
	bool outside = r->len_min > r->cidr.len || r->len_max < r->cidr.len;

	check_prefix_length(at, r->cidr.af ? r->cidr.af : at->af);
	if (r->cidr.af == IP_NONE) {
		if (has(r, RULE "matchOperator") && !has(r, RULE "cidr"))
			CLASH(at, "matchOperator", NULL, "there is no cidr to compare with");
		return;
	}
	if (at->af && r->cidr.af != at->af)
		CLASH(at, "cidr", NULL, "an %s prefix in a list for %s routes",
		    ip_af_str(r->cidr.af), ip_af_str(at->af));
	if (r->match_op == CONF_MATCH_EQUAL && outside)
		CLASH(at, "prefixLength", RULE "cidr",
		    "no prefix is equal to cidr and of such a length");
	else if (r->match_op == CONF_MATCH_IN && r->len_max < r->cidr.len)
		CLASH(at, "prefixLength", RULE "cidr", "no prefix inside cidr is so short");
}

static void
check_source(const struct place *at)
{
	const struct conf_rule *r = at->r;
	bool own = r->route_type != CONF_RULE_ANY_ROUTE && r->route_type != CONF_RULE_BGP;
	bool remote = r->source != CONF_RULE_ANY_SOURCE && r->source != CONF_RULE_LOCAL;

	if (!at->export && r->source == CONF_RULE_LOCAL)
		CLASH(at, "source", NULL, "what a peer announces is never local");
	else if (!at->export && own)
		CLASH(at, "routeType", NULL, "what a peer announces is of type BGP");
	else if (own && remote)
		CLASH(at, "routeType", RULE "source",
		    "this type is of this node's own routes, and source names peers'");
	else if (r->route_type == CONF_RULE_BGP && r->source == CONF_RULE_LOCAL)
		CLASH(at, "routeType", RULE "source", "a local route is not of type BGP");
	else if (!at->export && ((r->source == CONF_RULE_MESH && r->peer_type == CONF_RULE_EBGP) ||
				    (r->source == CONF_RULE_PEER && r->peer_type == CONF_RULE_IBGP)))
		CLASH(at, "peerType", RULE "source", "it contradicts source");
}

/* Conditions hold for every route. */
static bool
holds_always(const struct conf_rule *r)
{
	return !has(r, RULE "cidr") && !has(r, RULE "matchOperator") && r->len_min == 0 &&
	       r->len_max == 128 &&
	       r->any_names.n == 0 && r->all_names.n == 0 && r->as_prefix.n == 0 &&
	       r->as_contains.n == 0 && r->origin_as.n == 0 && r->hops_min == 0 &&
	       r->hops_max == 65535 && r->next_hop.af == IP_NONE &&
	       r->source == CONF_RULE_ANY_SOURCE && r->peer_type == CONF_RULE_ANY_PEER &&
	       r->route_type == CONF_RULE_ANY_ROUTE;
}

static void
check_action(const struct place *at)
{
	const struct conf_rule *r = at->r;
	struct conf_clash unreached = {
		.base = r, .path = RULE "action", .item = -1, .warning = true
	};

	if (r->action == CONF_RULE_CONTINUE && r->ops.n == 0)
		CLASH(at, "action", RULE "operations",
		    "the rule does nothing: want action, or operations, or both");
	else if (r->action == CONF_RULE_REJECT && r->ops.n > 0)
		CLASH(at, "operations", RULE "action", "a route that is rejected is not changed");
	else if (r->action != CONF_RULE_CONTINUE && !at->last && holds_always(r))
		conf_clash(at->ctx, &unreached,
		    "this rule holds for every route: those behind it are never asked");
}

/* Resolve names into values; returns them, owned by the caller. */
static struct conf_community_values
resolve_all(const struct place *at, const void *base, const char *path, bool ext,
    const struct conf_strs *names)
{
	struct conf_clash where = { .base = base, .path = path };
	struct conf_community_values to = { 0 };

	to.v = mem_zalloc_array(names->n + 1, sizeof(to.v[0]));
	for (size_t i = 0; i < names->n; i++) {
		where.item = (int)i;
		to.n += conf_resolve_community(at->ctx, &where, names->v[i], ext, &to.v[to.n]);
	}
	return to;
}

static void
check_conditions(const struct place *at)
{
	struct conf_rule *r = at->r;

	check_cidr(at);
	check_source(at);
	if (has(r, RULE "asPathLength.min") && has(r, RULE "asPathLength.max") &&
	    r->hops_min > r->hops_max)
		CLASH(at, "asPathLength.min", RULE "asPathLength.max", "%u is more than max, %u",
		    r->hops_min, r->hops_max);
	if (at->af == IP6 && r->next_hop.af == IP4)
		CLASH(at, "nextHop", NULL, "an IPv6 route has no IPv4 next hop");
	r->any = resolve_all(at, r, RULE "communities.any", true, &r->any_names);
	r->all = resolve_all(at, r, RULE "communities.all", true, &r->all_names);
}

/* ---- operations ---------------------------------------------------------- */

static const struct {
	const char *path;
	enum ipc_filter_op_kind kind;
} ops[] = {
	{ OP "setLocalPref", IPC_OP_SET_LOCAL_PREF },
	{ OP "addLocalPref", IPC_OP_ADD_LOCAL_PREF },
	{ OP "subLocalPref", IPC_OP_SUB_LOCAL_PREF },
	{ OP "setMED", IPC_OP_SET_MED },
	{ OP "addMED", IPC_OP_ADD_MED },
	{ OP "removeMED", IPC_OP_REMOVE_MED },
	{ OP "addCommunities", IPC_OP_ADD_COMMUNITIES },
	{ OP "removeCommunities", IPC_OP_REMOVE_COMMUNITIES },
	{ OP "setCommunities", IPC_OP_SET_COMMUNITIES },
	{ OP "prependASPath", IPC_OP_PREPEND },
	{ OP "setNextHop", IPC_OP_NEXT_HOP },
	{ OP "setWeight", IPC_OP_WEIGHT },
};
#define NOPS (sizeof(ops) / sizeof(ops[0]))

/* The operation that was written, NOPS when there is none; *ret_second: another one, or NOPS. */
static size_t
which_op(const struct conf_op *op, size_t *ret_second)
{
	size_t first = NOPS;

	*ret_second = NOPS;
	for (size_t i = 0; i < NOPS; i++) {
		if (!has(op, ops[i].path))
			continue;
		if (first == NOPS)
			first = i;
		else if (*ret_second == NOPS)
			*ret_second = i;
	}
	return first;
}

static void
check_next_hop(const struct place *at, const struct conf_op *op)
{
	struct conf_clash where = { .base = op, .path = OP "setNextHop", .item = -1 };

	if (!at->export && op->next_hop.af == IP_NONE)
		conf_clash(at->ctx, &where, "self is for export: an imported route does not lead here");
	else if (at->af && op->next_hop.af && op->next_hop.af != at->af)
		conf_clash(at->ctx, &where, "an %s address in a list for %s routes",
		    ip_af_str(op->next_hop.af), ip_af_str(at->af));
	else if (op->next_hop.af == IP6 && ip_addr_is_link_local(&op->next_hop))
		conf_clash(at->ctx, &where, "this address is no next hop");
}

static void
check_op(const struct place *at, struct conf_op *op)
{
	struct conf_clash where = { .base = op, .path = OP "setWeight", .item = -1 };
	const char *key = opt_key(opt_find(RULE "operations"));
	size_t second, first = which_op(op, &second);

	op->communities = resolve_all(at, op,
	    op->add_names.n   ? OP "addCommunities"
	    : op->set_names.n ? OP "setCommunities"
			      : OP "removeCommunities",
	    op->remove_names.n > 0,
	    op->add_names.n   ? &op->add_names
	    : op->set_names.n ? &op->set_names
			      : &op->remove_names);
	if (first < NOPS && ops[first].kind == IPC_OP_PREPEND)
		opt_mark_set(op, opt_find(OP "prependASPath.times"));
	if (first == NOPS || second < NOPS) {
		where.path = second < NOPS ? ops[second].path : ops[0].path;
		conf_clash(at->ctx, &where, "want exactly one change in each element of %s", key);
		return;
	}
	if (ops[first].kind == IPC_OP_WEIGHT && at->export)
		conf_clash(at->ctx, &where, "a weight is for import: it never leaves this node");
	if (ops[first].kind == IPC_OP_NEXT_HOP)
		check_next_hop(at, op);
}

static void
check_list(struct conf_ctx *ctx, struct conf_filter *f, enum conf_filter_list list)
{
	struct conf_rules *rules = &f->rules[list];

	for (size_t i = 0; i < rules->n; i++) {
		struct place at = { .ctx = ctx,
			.r = &rules->v[i],
			.export = lists[list].export,
			.af = lists[list].af,
			.last = i + 1 == rules->n };

		check_conditions(&at);
		check_action(&at);
		for (size_t k = 0; k < at.r->ops.n; k++)
			check_op(&at, &at.r->ops.v[k]);
	}
}

/* ---- who names filters --------------------------------------------------- */

static void
check_names(struct conf_ctx *ctx, const void *base, const char *path, const struct conf_strs *names)
{
	struct conf_clash at = { .base = base, .path = path };
	struct conf_suggest s;

	if (names->n > IPC_FILTERS_MAX) {
		at.item = IPC_FILTERS_MAX;
		conf_clash(ctx, &at, "a peer has no more than %d filters", IPC_FILTERS_MAX);
	}
	for (size_t i = 0; i < names->n; i++) {
		at.item = (int)i;
		for (size_t k = 0; k < i; k++)
			if (strcmp(names->v[k], names->v[i]) == 0)
				conf_clash(ctx, &at, "\"%s\" stands here twice", names->v[i]);
		if (conf_filter_find(ctx->c, names->v[i]))
			continue;
		s = conf_suggest_for(names->v[i]);
		for (size_t k = 0; k < ctx->c->filters.n; k++)
			conf_suggest_offer(&s, ctx->c->filters.v[k].name);
		conf_clash_name(ctx, at, conf_suggest_best(&s), "filter", names->v[i]);
	}
}

void
conf_check_filters(struct conf_ctx *ctx)
{
	struct conf *c = ctx->c;
	const struct opt *o = opt_find("peers[].filters");

	for (size_t i = 0; i < c->filters.n; i++)
		for (unsigned l = 0; l < CONF_FILTER_NLISTS; l++)
			check_list(ctx, &c->filters.v[i], (enum conf_filter_list)l);
	check_names(ctx, c, "bgp.filters", &c->bgp.filters);
	for (size_t i = 0; i < c->peers.n; i++)
		if (conf_is_written(ctx, &c->peers.v[i], o))
			check_names(ctx, &c->peers.v[i], o->path, &c->peers.v[i].filters);
	for (size_t i = 0; i < c->bgp.mesh.n; i++)
		if (conf_is_written(ctx, &c->bgp.mesh.v[i], o))
			check_names(ctx, &c->bgp.mesh.v[i], o->path, &c->bgp.mesh.v[i].filters);
}

/* ---- messages ------------------------------------------------------------ */

static void
put_communities(const struct conf_community_values *from, struct ipc_comms *to)
{
	for (size_t i = 0; i < from->n && to->n < IPC_FILTER_VALUES_MAX; i++) {
		struct ipc_comm *c = &to->v[to->n++];

		c->kind = from->v[i].ext ? IPC_COMM_EXT : from->v[i].large ? IPC_COMM_LARGE
									 : IPC_COMM_STD;
		memcpy(c->v, from->v[i].v, sizeof(c->v));
	}
}

static void
put_asns(const struct conf_asns *from, struct ipc_asns *to)
{
	for (size_t i = 0; i < from->n && to->n < IPC_FILTER_VALUES_MAX; i++)
		to->v[to->n++] = from->v[i];
}

static void
put_op(const struct conf *c, const struct conf_op *from, struct ipc_filter_op *to)
{
	size_t second, which = which_op(from, &second);
	const uint32_t value[] = {
		[IPC_OP_SET_LOCAL_PREF] = from->set_local_pref,
		[IPC_OP_ADD_LOCAL_PREF] = from->add_local_pref,
		[IPC_OP_SUB_LOCAL_PREF] = from->sub_local_pref,
		[IPC_OP_SET_MED] = from->set_med,
		[IPC_OP_ADD_MED] = from->add_med,
		[IPC_OP_PREPEND] = from->prepend_asn ? from->prepend_asn : c->bgp.asn,
		[IPC_OP_WEIGHT] = from->weight,
	};

	to->kind = ops[which].kind;
	if (to->kind < sizeof(value) / sizeof(value[0]))
		to->value = value[to->kind];
	if (to->kind == IPC_OP_PREPEND)
		to->times = (uint8_t)from->prepend_times;
	if (to->kind == IPC_OP_NEXT_HOP)
		to->addr = from->next_hop;
	put_communities(&from->communities, &to->comms);
}

void
conf_filter_message(const struct conf *c, const struct conf_filter *f, enum conf_filter_list list,
    size_t i, uint32_t id, struct ipc_conf_filter *ret)
{
	static const uint8_t match[] = { [CONF_MATCH_IN] = IPC_MATCH_OP_IN,
		[CONF_MATCH_NOT_IN] = IPC_MATCH_OP_NOT_IN,
		[CONF_MATCH_EQUAL] = IPC_MATCH_OP_EQUAL,
		[CONF_MATCH_NOT_EQUAL] = IPC_MATCH_OP_NOT_EQUAL };
	const struct conf_rule *r = &f->rules[list].v[i];

	memset(ret, 0, sizeof(*ret));
	ret->id = id;
	snprintf(ret->name, sizeof(ret->name), "%s", f->name);
	ret->export = lists[list].export;
	ret->af = lists[list].af;
	ret->rule = (uint16_t)(i + 1);
	ret->cidr = r->cidr;
	ret->match_op = match[r->match_op];
	ret->len_min = (uint8_t)r->len_min;
	ret->len_max = (uint8_t)r->len_max;
	put_communities(&r->any, &ret->any);
	put_communities(&r->all, &ret->all);
	put_asns(&r->as_prefix, &ret->as_prefix);
	put_asns(&r->as_contains, &ret->as_contains);
	put_asns(&r->origin_as, &ret->origin_as);
	ret->hops_min = (uint16_t)r->hops_min;
	ret->hops_max = (uint16_t)r->hops_max;
	ret->next_hop = r->next_hop;
	ret->source = (uint8_t)r->source;
	ret->peer_type = (uint8_t)r->peer_type;
	ret->route_type = (uint8_t)r->route_type;
	ret->action = (uint8_t)r->action;
	for (size_t k = 0; k < r->ops.n && ret->nops < IPC_FILTER_OPS_MAX; k++)
		put_op(c, &r->ops.v[k], &ret->op[ret->nops++]);
}
