/*
 * Filters: every condition and operation alone, order, chains, and filters in a
 * speaker: import, export, a change on a live session, views.
 */
#include "bgpd/core/filter.h"

#include <stdio.h>

#include "bgpd/core/bgp.h"
#include "tests/unit/ribrig.h"
#include "tests/unit/unit.h"

static struct attrs_pool *pool;
static struct filters filters;

static void
setup(void)
{
	pool = attrs_pool_new((uint64_t[]){ 1, 2 });
	filters_init(&filters);
}

static void
teardown(void)
{
	filters_free(&filters, pool);
	attrs_pool_free(pool);
}

#define RULE(...) { __VA_ARGS__ }
#define STD(v)	 { 1, { { IPC_COMM_STD, { (v) } } } }
#define LARGE(a, b, c) { 1, { { IPC_COMM_LARGE, { (a), (b), (c) } } } }
#define EXT(a, b) { 1, { { IPC_COMM_EXT, { (a), (b) } } } }
#define OP(...)	 .nops = 1, .op = { { __VA_ARGS__ } }

/*
 * The route: 10.1.0.0/16, path 65001 65002 {65003 65004} 65005, next hop
 * 192.0.2.9, communities 65001:1 65001:2, large 1:2:3, extended rt:65001:7.
 */
static const struct attrs *
given(uint16_t flags, uint32_t med, uint32_t local_pref)
{
	static const uint8_t path[] = { SEG_SEQUENCE, 2, 0, 0, 0xfd, 0xe9, 0, 0, 0xfd, 0xea,
		SEG_SET, 2, 0, 0, 0xfd, 0xeb, 0, 0, 0xfd, 0xec, SEG_SEQUENCE, 1, 0, 0, 0xfd, 0xed };
	static const uint8_t comm[] = { 0xfd, 0xe9, 0, 1, 0xfd, 0xe9, 0, 2 };
	static const uint8_t large[] = { 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3 };
	static const uint8_t ext[] = { 0, 2, 0xfd, 0xe9, 0, 0, 0, 7 };
	struct attrs_build b = { .flags = flags,
		.med = med,
		.local_pref = local_pref,
		.next_hop = { .af = IP4, .b = { 192, 0, 2, 9 } },
		.part = { [ATTRS_AS_PATH] = { path, sizeof(path) },
		    [ATTRS_COMMUNITIES] = { comm, sizeof(comm) },
		    [ATTRS_LARGE] = { large, sizeof(large) },
		    [ATTRS_EXT] = { ext, sizeof(ext) } } };

	return attrs_intern(pool, &b);
}

/* What a rule of a test leaves out: filter "f" with the id 1, and conditions that hold. */
static struct ipc_conf_filter
whole(const struct ipc_conf_filter *given)
{
	struct ipc_conf_filter f = *given;

	f.id = f.id ? f.id : 1;
	f.rule = f.rule ? f.rule : 1;
	f.len_max = f.len_max ? f.len_max : 128;
	f.hops_max = f.hops_max ? f.hops_max : UINT16_MAX;
	if (!f.name[0])
		snprintf(f.name, sizeof(f.name), "f");
	return f;
}

static struct filter_db *
db_of(const struct ipc_conf_filter *f, size_t n)
{
	struct filter_db *db = filter_db_new();
	struct ipc_conf_filter rule;
	size_t k;

	for (k = 0; k < n; k++) {
		rule = whole(&f[k]);
		filter_db_add(db, &rule);
	}
	return db;
}

static const struct filter_chain *
chain_of(const struct ipc_conf_filter *f, size_t n)
{
	static const uint32_t id[] = { 1, 2, 3 };
	struct filter_db *db = db_of(f, n);
	const struct filter_chain *c;

	c = filter_chain_get(&filters, db, id, 3, f[0].export, IP4);
	filter_db_free(db);
	return c;
}

/* ---- conditions ------------------------------------------------------------------------ */

static const struct {
	const char *what;
	struct ipc_conf_filter rule;
	bool holds;
} conditions[] = {
	{ "none", RULE(.action = 1), true },
	{ "in", RULE(.cidr = { IP4, 8, { 10 } }), true },
	{ "in itself", RULE(.cidr = { IP4, 16, { 10, 1 } }), true },
	{ "not in", RULE(.cidr = { IP4, 24, { 10, 1 } }), false },
	{ "in, another family", RULE(.cidr = { .af = IP6 }), false },
	{ "NotIn holds", RULE(.cidr = { IP4, 8, { 11 } }, .match_op = IPC_MATCH_OP_NOT_IN), true },
	{ "NotIn", RULE(.cidr = { IP4, 8, { 10 } }, .match_op = IPC_MATCH_OP_NOT_IN), false },
	{ "NotIn, another family", RULE(.cidr = { .af = IP6 }, .match_op = IPC_MATCH_OP_NOT_IN),
	    false },
	{ "Equal holds", RULE(.cidr = { IP4, 16, { 10, 1 } }, .match_op = IPC_MATCH_OP_EQUAL), true },
	{ "Equal", RULE(.cidr = { IP4, 8, { 10 } }, .match_op = IPC_MATCH_OP_EQUAL), false },
	{ "NotEqual holds", RULE(.cidr = { IP4, 8, { 10 } }, .match_op = IPC_MATCH_OP_NOT_EQUAL),
	    true },
	{ "NotEqual", RULE(.cidr = { IP4, 16, { 10, 1 } }, .match_op = IPC_MATCH_OP_NOT_EQUAL),
	    false },
	{ "length at min", RULE(.len_min = 16), true },
	{ "length below min", RULE(.len_min = 17), false },
	{ "length at max", RULE(.len_max = 16), true },
	{ "length above max", RULE(.len_max = 15), false },
	{ "any community, second", RULE(.any = { 2, { { 0, { 7 } }, { 0, { 0xfde90002 } } } }), true },
	{ "any community", RULE(.any = STD(0xfde90003)), false },
	{ "any large", RULE(.any = LARGE(1, 2, 3)), true },
	{ "any other large", RULE(.any = LARGE(1, 2, 4)), false },
	{ "any extended", RULE(.any = EXT(0x0002fde9, 7)), true },
	{ "any other extended", RULE(.any = EXT(0x0003fde9, 7)), false },
	{ "all communities", RULE(.all = { 2, { { 0, { 0xfde90001 } }, { 0, { 0xfde90002 } } } }),
	    true },
	{ "not all", RULE(.all = { 2, { { 0, { 0xfde90001 } }, { 0, { 7 } } } }), false },
	{ "AS path prefix", RULE(.as_prefix = { 2, { 65001, 65002 } }), true },
	{ "AS path prefix, other", RULE(.as_prefix = { 2, { 65001, 65003 } }), false },
	{ "AS path prefix into a set", RULE(.as_prefix = { 3, { 65001, 65002, 65003 } }), false },
	{ "AS path contains, in a set", RULE(.as_contains = { 2, { 1, 65004 } }), true },
	{ "AS path contains", RULE(.as_contains = { 2, { 1, 2 } }), false },
	{ "origin AS", RULE(.origin_as = { 2, { 1, 65005 } }), true },
	{ "origin AS, other", RULE(.origin_as = { 1, { 65002 } }), false },
	{ "AS path length, set counts one", RULE(.hops_min = 4, .hops_max = 4),
	    true },
	{ "AS path too short", RULE(.hops_min = 5), false },
	{ "AS path too long", RULE(.hops_max = 3), false },
	{ "next hop", RULE(.next_hop = { IP4, 32, { 192, 0, 2, 9 } }), true },
	{ "next hop inside", RULE(.next_hop = { IP4, 24, { 192, 0, 2 } }), true },
	{ "next hop, other", RULE(.next_hop = { IP4, 32, { 192, 0, 2, 8 } }), false },
	{ "next hop of another family", RULE(.next_hop = { .af = IP6 }), false },
	{ "source peer", RULE(.source = IPC_SOURCE_PEER), true },
	{ "source remote", RULE(.source = IPC_SOURCE_REMOTE), true },
	{ "source mesh", RULE(.source = IPC_SOURCE_MESH), false },
	{ "source local", RULE(.source = IPC_SOURCE_LOCAL), false },
	{ "peer type eBGP", RULE(.peer_type = IPC_PEER_TYPE_EBGP), true },
	{ "peer type iBGP", RULE(.peer_type = IPC_PEER_TYPE_IBGP), false },
	{ "route type BGP", RULE(.route_type = IPC_ROUTE_TYPE_BGP), true },
	{ "route type", RULE(.route_type = IPC_ROUTE_TYPE_PODCIDR), false },
};

static const struct ip_prefix prefix = { IP4, 16, { 10, 1 } };

START_TEST(condition)
{
	struct ipc_conf_filter rule = conditions[_i].rule;
	const struct filter_chain *c;
	struct filter_route route = { .prefix = &prefix, .source = IPC_SOURCE_PEER, .ebgp = true };
	const struct attrs *a = given(0, 0, 0);
	struct filter_result res;

	rule.action = IPC_RULE_REJECT;
	c = chain_of(&rule, 1);
	filter_run(pool, c, &route, a, NULL, &res);
	ck_assert_msg((res.action == FILTER_REJECT) == conditions[_i].holds, "%s",
	    conditions[_i].what);
	ck_assert_ptr_eq(res.attrs, a);
	attrs_unref(pool, res.attrs);
	attrs_unref(pool, a);
	filter_chain_put(&filters, c);
}
END_TEST

START_TEST(route_types_of_own_prefixes)
{
	const struct ipc_conf_filter rule = RULE(.export = true, .action = IPC_RULE_ACCEPT,
	    .route_type = IPC_ROUTE_TYPE_INTERFACE);
	const struct filter_chain *c = chain_of(&rule, 1);
	struct filter_route route = { .prefix = &prefix, .source = IPC_SOURCE_LOCAL, .export = true };
	struct attrs_build b = { 0 };
	struct filter_result res;
	uint8_t type;

	for (type = IPC_ROUTE_TYPE_PODCIDR; type <= IPC_ROUTE_TYPE_SERVICE; type++) {
		const struct attrs *a;

		b.marks = (uint8_t)(type << ATTRS_MARK_TYPE_SHIFT);
		a = attrs_intern(pool, &b);
		filter_run(pool, c, &route, a, NULL, &res);
		ck_assert_int_eq(res.action == FILTER_ACCEPT, type == IPC_ROUTE_TYPE_INTERFACE);
		attrs_unref(pool, res.attrs);
		attrs_unref(pool, a);
	}
	filter_chain_put(&filters, c);
}
END_TEST

/* ---- operations ----------------------------------------------------------------------------- */

/* All that operations may change, as a text. */
static char *
summary(const struct attrs *a, char *buf, size_t cap)
{
	char path[128], comm[128], large[128], ext[128], nh[IP_ADDR_STRLEN];
	struct ip_addr hop = attrs_next_hop(a);

	snprintf(buf, cap, "%s|%s|%s|%s|%s|lp %d:%u|med %d:%u|w %u|marks %u",
	    attrs_str_as_path(a, path, sizeof(path)), ip_addr_str(&hop, nh),
	    attrs_str_communities(a, comm, sizeof(comm)), attrs_str_large(a, large, sizeof(large)),
	    attrs_str_ext(a, ext, sizeof(ext)), (a->flags & ATTRS_LOCAL_PREF) != 0, a->local_pref,
	    (a->flags & ATTRS_MED) != 0, a->med, a->weight, a->marks);
	return buf;
}

#define PATH  "65001 65002 {65003 65004} 65005"
#define COMMS "65001:1 65001:2"
#define REST  "|65001:1 65001:2|1:2:3|rt:65001:7|"

static const struct {
	const char *what;
	struct ipc_conf_filter rule;
	bool bare; /* the route has neither MED nor LOCAL_PREF; else 50 and 90 */
	const char *want;
} operations[] = {
	{ "setLocalPref", RULE(OP(.kind = IPC_OP_SET_LOCAL_PREF, .value = 7)), false,
	    PATH "|192.0.2.9" REST "lp 1:7|med 1:50|w 0|marks 0" },
	{ "addLocalPref", RULE(OP(.kind = IPC_OP_ADD_LOCAL_PREF, .value = 7)), false,
	    PATH "|192.0.2.9" REST "lp 1:97|med 1:50|w 0|marks 0" },
	{ "addLocalPref to the default", RULE(OP(.kind = IPC_OP_ADD_LOCAL_PREF, .value = 7)), true,
	    PATH "|192.0.2.9" REST "lp 1:107|med 0:0|w 0|marks 0" },
	{ "addLocalPref stops at the most", RULE(OP(.kind = IPC_OP_ADD_LOCAL_PREF, .value = UINT32_MAX)),
	    false, PATH "|192.0.2.9" REST "lp 1:4294967295|med 1:50|w 0|marks 0" },
	{ "subLocalPref", RULE(OP(.kind = IPC_OP_SUB_LOCAL_PREF, .value = 80)), false,
	    PATH "|192.0.2.9" REST "lp 1:10|med 1:50|w 0|marks 0" },
	{ "subLocalPref stops at 0", RULE(OP(.kind = IPC_OP_SUB_LOCAL_PREF, .value = 91)), false,
	    PATH "|192.0.2.9" REST "lp 1:0|med 1:50|w 0|marks 0" },
	{ "setMED", RULE(OP(.kind = IPC_OP_SET_MED, .value = 7)), false,
	    PATH "|192.0.2.9" REST "lp 1:90|med 1:7|w 0|marks 0" },
	{ "setMED for export", RULE(.export = true, OP(.kind = IPC_OP_SET_MED, .value = 7)), false,
	    PATH "|192.0.2.9" REST "lp 1:90|med 1:7|w 0|marks 1" },
	{ "addMED", RULE(OP(.kind = IPC_OP_ADD_MED, .value = 7)), false,
	    PATH "|192.0.2.9" REST "lp 1:90|med 1:57|w 0|marks 0" },
	{ "addMED to none", RULE(OP(.kind = IPC_OP_ADD_MED, .value = 7)), true,
	    PATH "|192.0.2.9" REST "lp 0:0|med 1:7|w 0|marks 0" },
	{ "removeMED", RULE(OP(.kind = IPC_OP_REMOVE_MED)), false,
	    PATH "|192.0.2.9" REST "lp 1:90|med 0:0|w 0|marks 0" },
	{ "addCommunities, one is there", RULE(OP(.kind = IPC_OP_ADD_COMMUNITIES,
	    .comms = { 3, { { 0, { 0xfde90001 } }, { 0, { 0xfde90009 } },
	    { IPC_COMM_LARGE, { 4, 5, 6 } } } })), true, PATH "|192.0.2.9|" COMMS
	    " 65001:9|1:2:3 4:5:6|rt:65001:7|lp 0:0|med 0:0|w 0|marks 0" },
	{ "addCommunities, one twice", RULE(OP(.kind = IPC_OP_ADD_COMMUNITIES,
	    .comms = { 2, { { 0, { 7 } }, { 0, { 7 } } } })), true, PATH "|192.0.2.9|" COMMS
	    " 0:7|1:2:3|rt:65001:7|lp 0:0|med 0:0|w 0|marks 0" },
	{ "removeCommunities", RULE(OP(.kind = IPC_OP_REMOVE_COMMUNITIES,
	    .comms = { 3, { { 0, { 0xfde90001 } }, { IPC_COMM_LARGE, { 1, 2, 3 } },
	    { IPC_COMM_EXT, { 0x0002fde9, 7 } } } })), true,
	    PATH "|192.0.2.9|65001:2|||lp 0:0|med 0:0|w 0|marks 0" },
	{ "removeCommunities, none is there", RULE(OP(.kind = IPC_OP_REMOVE_COMMUNITIES,
	    .comms = STD(9))), true, PATH "|192.0.2.9" REST "lp 0:0|med 0:0|w 0|marks 0" },
	{ "setCommunities", RULE(OP(.kind = IPC_OP_SET_COMMUNITIES, .comms = STD(0xffffff01))), true,
	    PATH "|192.0.2.9|no-export||rt:65001:7|lp 0:0|med 0:0|w 0|marks 0" },
	{ "setCommunities to none", RULE(OP(.kind = IPC_OP_SET_COMMUNITIES)), true,
	    PATH "|192.0.2.9|||rt:65001:7|lp 0:0|med 0:0|w 0|marks 0" },
	{ "prependASPath", RULE(OP(.kind = IPC_OP_PREPEND, .value = 9, .times = 2)), true,
	    "9 9 " PATH "|192.0.2.9" REST "lp 0:0|med 0:0|w 0|marks 0" },
	{ "setNextHop", RULE(OP(.kind = IPC_OP_NEXT_HOP, .addr = { .af = IP4, .b = { 10, 9, 9, 9 } })),
	    true, PATH "|10.9.9.9" REST "lp 0:0|med 0:0|w 0|marks 0" },
	{ "setNextHop for export", RULE(.export = true, OP(.kind = IPC_OP_NEXT_HOP,
	    .addr = { .af = IP4, .b = { 10, 9, 9, 9 } })), true,
	    PATH "|10.9.9.9" REST "lp 0:0|med 0:0|w 0|marks 2" },
	{ "setNextHop of another family", RULE(OP(.kind = IPC_OP_NEXT_HOP,
	    .addr = { .af = IP6, .b = { 1 } })), true,
	    PATH "|192.0.2.9" REST "lp 0:0|med 0:0|w 0|marks 0" },
	{ "setNextHop self", RULE(.export = true, OP(.kind = IPC_OP_NEXT_HOP)), true,
	    PATH "|192.0.2.9" REST "lp 0:0|med 0:0|w 0|marks 4" },
	{ "setWeight", RULE(OP(.kind = IPC_OP_WEIGHT, .value = 65535)), true,
	    PATH "|192.0.2.9" REST "lp 0:0|med 0:0|w 65535|marks 0" },
};

START_TEST(operation)
{
	const struct filter_chain *c = chain_of(&operations[_i].rule, 1);
	struct filter_route route = { .prefix = &prefix, .source = IPC_SOURCE_PEER, .ebgp = true,
		.export = operations[_i].rule.export };
	const struct attrs *a = operations[_i].bare ?
	    given(0, 0, 0) :
	    given(ATTRS_MED | ATTRS_LOCAL_PREF, 50, 90);
	struct filter_result res;
	char got[600];

	filter_run(pool, c, &route, a, NULL, &res);
	ck_assert_int_eq(res.action, FILTER_NONE);
	ck_assert_ptr_null(res.rule);
	summary(res.attrs, got, sizeof(got));
	ck_assert_msg(strcmp(got, operations[_i].want) == 0, "%s: got %s, wanted %s",
	    operations[_i].what, got, operations[_i].want);
	attrs_unref(pool, res.attrs);
	attrs_unref(pool, a);
	filter_chain_put(&filters, c);
}
END_TEST

/* ---- order, chains ---------------------------------------------------------------------- */

START_TEST(rules_in_their_order)
{
	struct ipc_conf_filter rule[] = {
		RULE(.id = 2, .name = "second", .action = IPC_RULE_REJECT),
		RULE(OP(.kind = IPC_OP_ADD_COMMUNITIES, .comms = STD(7))),
		RULE(.rule = 2, .any = STD(8), .action = IPC_RULE_REJECT),
		RULE(.rule = 3, .any = STD(7), .action = IPC_RULE_ACCEPT,
		    OP(.kind = IPC_OP_SET_MED, .value = 1)),
		RULE(.rule = 1, .af = IP4, .any = STD(7), .action = IPC_RULE_REJECT),
		RULE(.rule = 1, .af = IP6, .action = IPC_RULE_REJECT),
		RULE(.rule = 1, .export = true, .action = IPC_RULE_REJECT),
	};
	const struct filter_chain *c = chain_of(rule, 7);
	struct filter_route route = { .prefix = &prefix, .source = IPC_SOURCE_PEER, .ebgp = true };
	const struct attrs *a = given(0, 0, 0);
	struct filter_result res;
	char text[IPC_TEXT_MAX];

	filter_run(pool, c, &route, a, NULL, &res);
	ck_assert_int_eq(res.action, FILTER_ACCEPT);
	ck_assert_str_eq(filter_rule_text(res.rule, text, sizeof(text)), "filter f, rule 3");
	ck_assert(attrs_has_community(res.attrs, 7));
	ck_assert_uint_eq(res.attrs->med, 1);
	filter_explain(pool, c, &route, a, text, sizeof(text));
	ck_assert_str_eq(text, "filter f, rule 1: changed; filter f, rule 3: changed and accepted");
	filter_explain(pool, c, &route, a, text, 20);
	ck_assert_str_eq(text, "filter f, rule 1: c");
	attrs_unref(pool, res.attrs);
	attrs_unref(pool, a);
	filter_chain_put(&filters, c);
}
END_TEST

START_TEST(no_rules)
{
	struct filter_route route = { .prefix = &prefix };
	const struct attrs *a = given(0, 0, 0);
	struct filter_db *db = filter_db_new();
	struct filter_result res;

	ck_assert_ptr_null(filter_chain_get(&filters, NULL, NULL, 0, false, IP4));
	ck_assert_ptr_null(filter_chain_get(&filters, db, (uint32_t[]){ 1 }, 1, false, IP4));
	filter_db_free(db);
	filter_run_memo(&filters, pool, NULL, &route, a, &res);
	ck_assert_int_eq(res.action, FILTER_NONE);
	ck_assert_ptr_eq(res.attrs, a);
	ck_assert_uint_eq(filter_chain_id(NULL), 0);
	attrs_unref(pool, res.attrs);
	attrs_unref(pool, a);
}
END_TEST

/* Equal rules are one chain, whatever the filter's id; what differs is another, and ids are new. */
START_TEST(chains_are_shared)
{
	struct ipc_conf_filter rule = RULE(.action = IPC_RULE_ACCEPT), other = rule, renamed = rule;
	const struct filter_chain *a = chain_of(&rule, 1), *b, *c, *d;
	uint32_t id = filter_chain_id(a);

	other.id = 2;
	b = chain_of(&other, 1);
	ck_assert_ptr_eq(a, b);
	snprintf(renamed.name, sizeof(renamed.name), "g");
	c = chain_of(&renamed, 1);
	ck_assert_ptr_ne(a, c);
	ck_assert(!filter_chain_by_prefix(a));
	rule.len_min = 3;
	d = chain_of(&rule, 1);
	ck_assert_uint_ne(filter_chain_id(d), id);
	ck_assert(filter_chain_by_prefix(d));
	filter_chain_put(&filters, a);
	filter_chain_put(&filters, b);
	filter_chain_put(&filters, c);
	filter_chain_put(&filters, d);
	a = chain_of(&other, 1);
	ck_assert_uint_gt(filter_chain_id(a), id + 2);
	filter_chain_put(&filters, a);
}
END_TEST

/* ---- in a speaker ----------------------------------------------------------------------- */

static struct rig rig;
static const uint32_t path1[] = { 65001, 0 }, path2[] = { 65002, 0 };

/* Peers 1 and 2: eBGP, importing what is permitted, sent own prefixes. */
static void
rig_setup(void)
{
	unsigned k;

	rig_init(&rig, 3, NULL);
	for (k = 1; k <= 3; k++) {
		rig.peer[k].import_all = rig.peer[k].export_all = false;
		rig.peer[k].nfilters = 1;
		rig.peer[k].filter[0] = k;
	}
	rig.permit[0] = rig_prefix("10.244.0.0/16");
	rig.npermit = 1;
}

static void
rig_teardown(void)
{
	rig_free(&rig);
}

static void
configure(const struct ipc_conf_filter *rule, size_t n)
{
	struct ipc_conf_applied applied;

	speaker_set_filters(rig.sp, db_of(rule, n));
	rig_configure(&rig, &applied);
	ck_assert_uint_eq(applied.reset, 0);
	rig_work(&rig);
}

static void
all_up(void)
{
	speaker_originate_end(rig.sp, rig.now);
	rig_up(&rig, 1, 65001, false);
	rig_up(&rig, 2, 65002, false);
	rig_work(&rig);
}

static struct ipc_row_path
row(uint8_t view, uint32_t peer, const char *p)
{
	struct ipc_row_path r = { 0 };

	rig_rows(&rig, view, IPC_MATCH_EXACT, peer, p, &r);
	return r;
}

/* Many prefixes with the same attributes: rules run once for each kind of prefix. */
START_TEST(rules_run_once_for_prefixes_alike)
{
	static const struct ipc_conf_filter rules[] = {
		RULE(.cidr = { IP4, 16, { 10, 244 } }, OP(.kind = IPC_OP_SET_MED, .value = 7)),
		RULE(.rule = 2, .len_min = 25, .action = IPC_RULE_REJECT),
		RULE(.rule = 3, .action = IPC_RULE_ACCEPT),
	};
	const uint64_t *runs = &rig.sp->filters.runs;
	uint64_t before;
	char text[32];
	unsigned k;

	configure(rules, 3);
	all_up();
	before = *runs;
	for (k = 0; k < 240; k++) {
		snprintf(text, sizeof(text), "10.%d.%u.0/%d", k & 1 ? 244 : 9, k,
		    k & 2 ? 24 : 26);
		rig_announce(&rig, 1, text, path1, 9, NULL);
	}
	rig_work(&rig);
	ck_assert_uint_le(*runs - before, 4);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ACCEPTED, IPC_MATCH_ANY, 1, NULL, NULL), 120);
	ck_assert_uint_eq(row(IPC_VIEW_BEST, 1, "10.244.3.0/24").med, 7);
	ck_assert(!row(IPC_VIEW_BEST, 1, "10.9.2.0/24").has_med);
}
END_TEST

START_TEST(import_in_a_speaker)
{
	static const struct ipc_conf_filter rules[] = {
		RULE(.cidr = { IP4, 8, { 192 } }, .action = IPC_RULE_ACCEPT,
		    OP(.kind = IPC_OP_SET_LOCAL_PREF, .value = 300)),
		RULE(.rule = 2, .cidr = { IP4, 24, { 10, 244, 9 } }, .action = IPC_RULE_REJECT),
		RULE(.rule = 3, OP(.kind = IPC_OP_ADD_COMMUNITIES, .comms = STD(0xfde90001))),
	};
	struct ipc_row_path r;

	configure(rules, 3);
	all_up();
	rig_announce(&rig, 1, "192.0.2.0/24", path1, 9, NULL);	 /* outside permit */
	rig_announce(&rig, 1, "10.244.9.0/24", path1, 9, NULL);	 /* inside */
	rig_announce(&rig, 1, "10.244.8.0/24", path1, 9, NULL);
	rig_announce(&rig, 1, "172.16.0.0/24", path1, 9, NULL);
	rig_work(&rig);
	r = row(IPC_VIEW_BEST, 1, "192.0.2.0/24");
	ck_assert_uint_eq(r.local_pref, 300);
	ck_assert_str_eq(r.policy, "filter f, rule 1: changed and accepted");
	r = row(IPC_VIEW_RECEIVED, 1, "192.0.2.0/24");
	ck_assert(!r.has_local_pref);
	r = row(IPC_VIEW_REJECTED, 1, "10.244.9.0/24");
	ck_assert_str_eq(r.rejected, "filter f, rule 2: rejected");
	r = row(IPC_VIEW_BEST, 1, "10.244.8.0/24");
	ck_assert_str_eq(r.communities, "65001:1");
	ck_assert_str_eq(r.policy, "filter f, rule 3: changed");
	r = row(IPC_VIEW_REJECTED, 1, "172.16.0.0/24"); /* left without a verdict */
	ck_assert_str_eq(r.rejected, "outside kernel.permit (RFC 8212)");
	ck_assert_str_eq(r.communities, "");
}
END_TEST

/* Lists for one family, and a next hop of one. */
START_TEST(families_apart)
{
	static const struct ipc_conf_filter rules[] = {
		RULE(.af = IP6, OP(.kind = IPC_OP_SET_MED, .value = 6)),
		RULE(.af = IP4, OP(.kind = IPC_OP_SET_MED, .value = 4)),
		RULE(OP(.kind = IPC_OP_NEXT_HOP, .addr = { .af = IP6, .b = { 0x20, 1, [15] = 0x77 } })),
		RULE(.rule = 2, .cidr = { .af = IP6, .len = 16, .b = { 0xfd } }, .action = IPC_RULE_ACCEPT),
		RULE(.rule = 3, .cidr = { IP4, 8, { 192 } }, .action = IPC_RULE_ACCEPT),
	};
	struct ip_addr six = { .af = IP6, .b = { 0x20, 1, [15] = 0x77 } };
	struct ipc_row_path r;

	configure(rules, 5);
	all_up();
	rig_announce(&rig, 1, "192.0.2.0/24", path1, 9, NULL);
	rig_announce(&rig, 1, "fd00:1::/32", path1, 9, NULL);
	rig_work(&rig);
	r = row(IPC_VIEW_BEST, 1, "192.0.2.0/24");
	ck_assert_uint_eq(r.med, 4);
	ck_assert_int_eq(r.next_hop.af, IP4);
	r = row(IPC_VIEW_ACCEPTED, 1, "fd00:1::/32");
	ck_assert_uint_eq(r.med, 6);
	ck_assert(ip_addr_eq(&r.next_hop, &six));
	ck_assert_str_eq(r.policy, "filter f, importV6 rule 1: changed; filter f, rule 1: changed; "
				   "filter f, rule 2: accepted");
}
END_TEST

START_TEST(weight_comes_first)
{
	static const struct ipc_conf_filter rules[] = {
		RULE(.action = IPC_RULE_ACCEPT, OP(.kind = IPC_OP_SET_LOCAL_PREF, .value = 300)),
		RULE(.id = 2, .action = IPC_RULE_ACCEPT, OP(.kind = IPC_OP_WEIGHT, .value = 1)),
	};
	struct ipc_row_path r;

	configure(rules, 2);
	all_up();
	rig_announce(&rig, 1, "192.0.2.0/24", path1, 9, NULL);
	rig_announce(&rig, 2, "192.0.2.0/24", path2, 8, NULL);
	rig_work(&rig);
	r = row(IPC_VIEW_BEST, IPC_PEER_NONE, "192.0.2.0/24");
	ck_assert_uint_eq(r.peer, 2);
	ck_assert_uint_eq(r.weight, 1);
	ck_assert_str_eq(r.decision, "greater weight");
}
END_TEST

/* Other rules on a live session: everything starts again from what was received. */
START_TEST(live_change)
{
	static const struct ipc_conf_filter first[] = {
		RULE(.action = IPC_RULE_ACCEPT, OP(.kind = IPC_OP_ADD_MED, .value = 5)),
		RULE(.id = 2, .export = true, .source = IPC_SOURCE_PEER, .action = IPC_RULE_ACCEPT),
	};
	static const struct ipc_conf_filter second[] = {
		RULE(.action = IPC_RULE_ACCEPT, OP(.kind = IPC_OP_ADD_MED, .value = 7)),
		RULE(.id = 2, .export = true, .source = IPC_SOURCE_PEER, .action = IPC_RULE_REJECT),
	};
	struct attrs_build med = { .flags = ATTRS_MED, .med = 10 };
	struct ipc_row_path r;

	configure(first, 2);
	all_up();
	rig_announce(&rig, 1, "192.0.2.0/24", path1, 9, &med);
	rig_work(&rig);
	ck_assert_uint_eq(row(IPC_VIEW_BEST, 1, "192.0.2.0/24").med, 15);
	rig_pull(&rig, 2, 65536);
	ck_assert_int_eq(rig_said_of(&rig, "192.0.2.0/24")->what, SAID_ANNOUNCE);
	configure(second, 2);
	ck_assert_uint_eq(row(IPC_VIEW_BEST, 1, "192.0.2.0/24").med, 17);
	ck_assert_uint_eq(row(IPC_VIEW_RECEIVED, 1, "192.0.2.0/24").med, 10);
	rig_pull(&rig, 2, 65536);
	ck_assert_int_eq(rig_said_of(&rig, "192.0.2.0/24")->what, SAID_WITHDRAW);
	r = row(IPC_VIEW_ADVERTISED, 2, "192.0.2.0/24");
	ck_assert_str_eq(r.rejected, "not announced: filter f, rule 1: rejected");
	configure(NULL, 0);
	r = row(IPC_VIEW_REJECTED, 1, "192.0.2.0/24");
	ck_assert_uint_eq(r.med, 10);
	ck_assert_str_eq(r.rejected, "outside kernel.permit (RFC 8212)");
	configure(first, 2);
	ck_assert_uint_eq(row(IPC_VIEW_BEST, 1, "192.0.2.0/24").med, 15);
	rig_pull(&rig, 2, 65536);
	ck_assert_int_eq(rig_said_of(&rig, "192.0.2.0/24")->what, SAID_ANNOUNCE);
	rig_withdraw(&rig, 1, "192.0.2.0/24");
	rig_work(&rig);
	ck_assert_uint_eq(attrs_pool_live(rig.sp->pool) > 0, true); /* what is remembered */
	configure(NULL, 0);
	rig_pull(&rig, 2, 65536);
	rig_work(&rig);
	ck_assert_uint_eq(attrs_pool_live(rig.sp->pool), 0);
}
END_TEST

/* What export rules may send, and what they set. */
static const struct {
	const char *what;
	struct ipc_conf_filter rule;
	const char *want; /* of the route of peer 1; NULL: not sent */
} exports[] = {
	{ "nothing by default", RULE(.id = 2, .export = true, .len_min = 99), NULL },
	{ "no transit by an Accept of everything", RULE(.id = 2, .export = true,
	    .action = IPC_RULE_ACCEPT), NULL },
	{ "nor of that prefix", RULE(.id = 2, .export = true, .cidr = { IP4, 8, { 192 } },
	    .action = IPC_RULE_ACCEPT), NULL },
	{ "transit by name", RULE(.id = 2, .export = true, .source = IPC_SOURCE_PEER,
	    .action = IPC_RULE_ACCEPT), "65000 65001|192.0.2.202|-1|-1|" },
	{ "or as remote", RULE(.id = 2, .export = true, .source = IPC_SOURCE_REMOTE,
	    .action = IPC_RULE_ACCEPT), "65000 65001|192.0.2.202|-1|-1|" },
	{ "MED set for eBGP", RULE(.id = 2, .export = true, .source = IPC_SOURCE_PEER,
	    .action = IPC_RULE_ACCEPT, OP(.kind = IPC_OP_SET_MED, .value = 3)),
	    "65000 65001|192.0.2.202|3|-1|" },
	{ "next hop given", RULE(.id = 2, .export = true, .source = IPC_SOURCE_PEER,
	    .action = IPC_RULE_ACCEPT, OP(.kind = IPC_OP_NEXT_HOP,
	    .addr = { .af = IP4, .b = { 192, 0, 2, 77 } })), "65000 65001|192.0.2.77|-1|-1|" },
	{ "prepended behind the own AS", RULE(.id = 2, .export = true, .source = IPC_SOURCE_PEER,
	    .action = IPC_RULE_ACCEPT, OP(.kind = IPC_OP_PREPEND, .value = 9, .times = 2)),
	    "65000 9 9 65001|192.0.2.202|-1|-1|" },
	{ "no LOCAL_PREF to eBGP", RULE(.id = 2, .export = true, .source = IPC_SOURCE_PEER,
	    .action = IPC_RULE_ACCEPT, OP(.kind = IPC_OP_SET_LOCAL_PREF, .value = 9)),
	    "65000 65001|192.0.2.202|-1|-1|" },
	{ "no-export added is sent", RULE(.id = 2, .export = true, .source = IPC_SOURCE_PEER,
	    .action = IPC_RULE_ACCEPT, OP(.kind = IPC_OP_ADD_COMMUNITIES, .comms = STD(COMM_NO_EXPORT))),
	    "65000 65001|192.0.2.202|-1|-1|no-export" },
};

START_TEST(export_in_a_speaker)
{
	struct ipc_conf_filter rules[] = { RULE(.action = IPC_RULE_ACCEPT), exports[_i].rule };
	const struct rig_said *said;

	configure(rules, 2);
	all_up();
	rig_announce(&rig, 1, "192.0.2.0/24", path1, 9, NULL);
	rig_work(&rig);
	rig_pull(&rig, 2, 65536);
	said = rig_said_of(&rig, "192.0.2.0/24");
	if (!exports[_i].want) {
		ck_assert_msg(!said, "%s", exports[_i].what);
		return;
	}
	ck_assert_msg(said && strcmp(said->text, exports[_i].want) == 0, "%s: got %s, wanted %s",
	    exports[_i].what, said ? said->text : "nothing", exports[_i].want);
}
END_TEST

/* A community that forbids it is obeyed before any filter is asked. */
START_TEST(no_export_is_not_for_filters)
{
	static const struct ipc_conf_filter rules[] = {
		RULE(.action = IPC_RULE_ACCEPT),
		RULE(.id = 2, .export = true, .source = IPC_SOURCE_PEER, .action = IPC_RULE_ACCEPT,
		    OP(.kind = IPC_OP_SET_COMMUNITIES)),
	};
	static const uint8_t no_export[] = { 0xff, 0xff, 0xff, 1 };
	struct attrs_build b = { .part = { [ATTRS_COMMUNITIES] = { no_export, 4 } } };

	configure(rules, 2);
	all_up();
	rig_announce(&rig, 1, "192.0.2.0/24", path1, 9, &b);
	rig_work(&rig);
	rig_pull(&rig, 2, 65536);
	ck_assert_ptr_null(rig_said_of(&rig, "192.0.2.0/24"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("filter");
	TCase *t = unit_case(s, "rules");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, condition, 0, NROWS(conditions));
	tcase_add_test(t, route_types_of_own_prefixes);
	tcase_add_loop_test(t, operation, 0, NROWS(operations));
	tcase_add_test(t, rules_in_their_order);
	tcase_add_test(t, no_rules);
	tcase_add_test(t, chains_are_shared);
	t = unit_case(s, "speaker");
	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, import_in_a_speaker);
	tcase_add_test(t, rules_run_once_for_prefixes_alike);
	tcase_add_test(t, families_apart);
	tcase_add_test(t, weight_comes_first);
	tcase_add_test(t, live_change);
	tcase_add_loop_test(t, export_in_a_speaker, 0, NROWS(exports));
	tcase_add_test(t, no_export_is_not_for_filters);
	return unit_run(s);
}
