/*
 * Option rows under `filters`: named lists of rules for the routes of peers.
 *
 * The members of a rule stand once, under filters[].import[]; the other five lists
 * are like it.
 */
#include "lib/conf_opts.h"

#define AT(member)   .off = offsetof(struct conf_rule, member)
#define OP(member)   .off = offsetof(struct conf_op, member)
#define LIST(which)  .off = offsetof(struct conf_filter, rules[which])
#define RULES_MAX    1000
#define VALUES_MAX   64
#define AS_PATH_MAX  32
#define OPS_MAX	     16
#define LIKE_ANOTHER .type = OPT_LIST, .flags = OPT_F_DUMP_SET, .elem = sizeof(struct conf_rule),  \
		     .max = RULES_MAX, .like = "filters[].import", .effect = OPT_POLICY

static const struct opt rows[] = {
	{
	    .path = "filters",
	    .type = OPT_LIST,
	    .flags = OPT_F_NAMED,
	    .off = offsetof(struct conf, filters),
	    .elem = sizeof(struct conf_filter),
	    .max = 1000,
	    .effect = OPT_POLICY,
	    .brief = "rules for routes from and to peers, by name",
	    .doc =
		"Peers name them in `peers[].filters`. For each direction and family the rules of "
		"all filters of a peer are one list: filter by filter, within each those for the "
		"family before those for both. A route goes through it from the start: a rule "
		"whose conditions all hold changes the route by its `operations`, then accepts or "
		"rejects it, which ends the list, or leaves it to the rules that follow, which see "
		"it changed. A route at the end of the list is treated as `peers[].import` or "
		"`peers[].export` says, with the changes made to it. `Accept` replaces those two, "
		"so it takes in what lies outside `kernel.permit` (the kernel still gets none of "
		"it) and sends what others announce. Loops, well-known communities and what iBGP "
		"forbids are not for filters to decide, and a route of one eBGP peer goes to "
		"another without `bgp.transit` only when the rule that accepts it says `source: "
		"peer` or `source: RemotePeers`. `weft policy test` shows what rules do.",
	},
	{
	    .path = "filters[].import",
	    LIST(CONF_FILTER_IMPORT),
	    .type = OPT_LIST,
	    .flags = OPT_F_DUMP_SET,
	    .elem = sizeof(struct conf_rule),
	    .max = RULES_MAX,
	    .effect = OPT_POLICY,
	    .brief = "rules for routes that peers announce",
	    .doc = "Conditions left out hold for every route.",
	},
	{
	    .path = "filters[].import[].cidr",
	    AT(cidr),
	    .type = OPT_PREFIX,
	    .flags = OPT_F_DUMP_SET,
	    .effect = OPT_POLICY,
	    .brief = "condition: how the route's prefix lies to this one",
	    .doc = "See `matchOperator`. It holds for no route of the other family, however it is "
		   "compared.",
	},
	{
	    .path = "filters[].import[].matchOperator",
	    AT(match_op),
	    .type = OPT_ENUM,
	    .flags = OPT_F_DUMP_SET,
	    .words = OPT_WORDS("In", "NotIn", "Equal", "NotEqual"),
	    .dflt = "In",
	    .effect = OPT_POLICY,
	    .brief = "how the route's prefix is compared with `cidr`",
	    .doc = "`In` holds for `cidr` itself and every prefix inside.",
	},
	{
	    .path = "filters[].import[].prefixLength",
	    .type = OPT_MAP,
	    .effect = OPT_POLICY,
	    .brief = "condition: the length of the route's prefix",
	},
	{
	    .path = "filters[].import[].prefixLength.min",
	    AT(len_min),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .max = 128,
	    .dflt = "0",
	    .effect = OPT_POLICY,
	    .brief = "at least",
	},
	{
	    .path = "filters[].import[].prefixLength.max",
	    AT(len_max),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .max = 128,
	    .dflt = "128",
	    .effect = OPT_POLICY,
	    .brief = "at most",
	},
	{
	    .path = "filters[].import[].communities",
	    .type = OPT_MAP,
	    .effect = OPT_POLICY,
	    .brief = "condition: the route's communities",
	    .doc = "Standard, large and extended ones; names are those of `communities`.",
	},
	{
	    .path = "filters[].import[].communities.any",
	    AT(any_names),
	    .type = OPT_COMMUNITY_ANY,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET | OPT_F_NONEMPTY,
	    .max = VALUES_MAX,
	    .aliases = OPT_WORDS("values"),
	    .effect = OPT_POLICY,
	    .brief = "it carries at least one of these",
	},
	{
	    .path = "filters[].import[].communities.all",
	    AT(all_names),
	    .type = OPT_COMMUNITY_ANY,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET | OPT_F_NONEMPTY,
	    .max = VALUES_MAX,
	    .effect = OPT_POLICY,
	    .brief = "it carries every one of these",
	},
	{
	    .path = "filters[].import[].asPathPrefix",
	    AT(as_prefix),
	    .type = OPT_ASN,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET | OPT_F_NONEMPTY,
	    .max = AS_PATH_MAX,
	    .effect = OPT_POLICY,
	    .brief = "condition: the AS path begins with these, in this order",
	    .doc = "The first is the neighbour's. Rules for export see the path before this "
		   "node's own AS number is put in front.",
	},
	{
	    .path = "filters[].import[].asPathContains",
	    AT(as_contains),
	    .type = OPT_ASN,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET | OPT_F_NONEMPTY,
	    .max = VALUES_MAX,
	    .effect = OPT_POLICY,
	    .brief = "condition: at least one of these is in the AS path",
	},
	{
	    .path = "filters[].import[].originAS",
	    AT(origin_as),
	    .type = OPT_ASN,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET | OPT_F_NONEMPTY,
	    .max = VALUES_MAX,
	    .effect = OPT_POLICY,
	    .brief = "condition: the AS path ends in one of these",
	    .doc = "A path that is empty or ends in a set has no origin.",
	},
	{
	    .path = "filters[].import[].asPathLength",
	    .type = OPT_MAP,
	    .effect = OPT_POLICY,
	    .brief = "condition: the length of the AS path",
	    .doc = "A set counts as one.",
	},
	{
	    .path = "filters[].import[].asPathLength.min",
	    AT(hops_min),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .max = 65535,
	    .dflt = "0",
	    .effect = OPT_POLICY,
	    .brief = "at least",
	},
	{
	    .path = "filters[].import[].asPathLength.max",
	    AT(hops_max),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .max = 65535,
	    .dflt = "65535",
	    .effect = OPT_POLICY,
	    .brief = "at most",
	},
	{
	    .path = "filters[].import[].nextHop",
	    AT(next_hop),
	    .type = OPT_PREFIX_OR_ADDR,
	    .flags = OPT_F_DUMP_SET,
	    .effect = OPT_POLICY,
	    .brief = "condition: the next hop is this address, or inside this prefix",
	},
	{
	    .path = "filters[].import[].source",
	    AT(source),
	    .type = OPT_ENUM,
	    .flags = OPT_F_DUMP_SET,
	    .words = OPT_WORDS("any", "local", "mesh", "peer", "RemotePeers"),
	    .dflt = "any",
	    .effect = OPT_POLICY,
	    .brief = "condition: where the route comes from",
	    .doc = "`local` is what this node announces itself, `mesh` what it learned by iBGP, "
		   "`peer` by eBGP, `RemotePeers` by either.",
	},
	{
	    .path = "filters[].import[].peerType",
	    AT(peer_type),
	    .type = OPT_ENUM,
	    .flags = OPT_F_DUMP_SET,
	    .words = OPT_WORDS("any", "eBGP", "iBGP"),
	    .dflt = "any",
	    .effect = OPT_POLICY,
	    .brief = "condition: the session the filter works for",
	    .doc = "For import the one the route came by, for export the one it would go by.",
	},
	{
	    .path = "filters[].import[].routeType",
	    AT(route_type),
	    .type = OPT_ENUM,
	    .flags = OPT_F_DUMP_SET,
	    .words = OPT_WORDS("any", "PodCIDR", "Interface", "Prefix", "Service", "BGP"),
	    .dflt = "any",
	    .effect = OPT_POLICY,
	    .brief = "condition: the type of advertisement the route is of",
	    .doc = "`BGP` is every route learned from a peer.",
	},
	{
	    .path = "filters[].import[].operations",
	    AT(ops),
	    .type = OPT_LIST,
	    .flags = OPT_F_DUMP_SET,
	    .elem = sizeof(struct conf_op),
	    .max = OPS_MAX,
	    .effect = OPT_POLICY,
	    .brief = "changes to the route, one in each element, in their order",
	},
	{
	    .path = "filters[].import[].operations[].setLocalPref",
	    OP(set_local_pref),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .max = UINT32_MAX,
	    .effect = OPT_POLICY,
	    .brief = "set the local preference",
	    .doc = "Routes of eBGP peers come in with 100. A route with `graceful-shutdown` from an "
		   "eBGP peer counts with 0 whatever is set (RFC 8326), unless the community is "
		   "removed.",
	},
	{
	    .path = "filters[].import[].operations[].addLocalPref",
	    OP(add_local_pref),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .max = UINT32_MAX,
	    .effect = OPT_POLICY,
	    .brief = "make the local preference greater by that much",
	},
	{
	    .path = "filters[].import[].operations[].subLocalPref",
	    OP(sub_local_pref),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .max = UINT32_MAX,
	    .effect = OPT_POLICY,
	    .brief = "make the local preference less by that much, down to 0",
	},
	{
	    .path = "filters[].import[].operations[].setMED",
	    OP(set_med),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .max = UINT32_MAX,
	    .effect = OPT_POLICY,
	    .brief = "set MULTI_EXIT_DISC",
	    .doc = "What a rule for export sets is sent to eBGP peers, too; other routes' goes to "
		   "iBGP peers only (RFC 4271 section 5.1.4).",
	},
	{
	    .path = "filters[].import[].operations[].addMED",
	    OP(add_med),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .max = UINT32_MAX,
	    .effect = OPT_POLICY,
	    .brief = "make MULTI_EXIT_DISC greater by that much",
	    .doc = "A route without one has 0.",
	},
	{
	    .path = "filters[].import[].operations[].removeMED",
	    OP(remove_med),
	    .type = OPT_BOOL,
	    .flags = OPT_F_DUMP_SET,
	    .effect = OPT_POLICY,
	    .brief = "remove MULTI_EXIT_DISC",
	},
	{
	    .path = "filters[].import[].operations[].addCommunities",
	    OP(add_names),
	    .type = OPT_COMMUNITY,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET | OPT_F_NONEMPTY,
	    .max = VALUES_MAX,
	    .effect = OPT_POLICY,
	    .brief = "add standard or large communities that are not there yet",
	},
	{
	    .path = "filters[].import[].operations[].removeCommunities",
	    OP(remove_names),
	    .type = OPT_COMMUNITY_ANY,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET | OPT_F_NONEMPTY,
	    .max = VALUES_MAX,
	    .effect = OPT_POLICY,
	    .brief = "remove communities",
	},
	{
	    .path = "filters[].import[].operations[].setCommunities",
	    OP(set_names),
	    .type = OPT_COMMUNITY,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET,
	    .max = VALUES_MAX,
	    .effect = OPT_POLICY,
	    .brief = "replace all standard and large communities by these",
	    .doc = "An empty list removes them. Extended ones stay.",
	},
	{
	    .path = "filters[].import[].operations[].prependASPath",
	    .type = OPT_MAP,
	    .effect = OPT_POLICY,
	    .brief = "put an AS number in front of the AS path",
	},
	{
	    .path = "filters[].import[].operations[].prependASPath.as",
	    OP(prepend_asn),
	    .type = OPT_ASN,
	    .flags = OPT_F_DUMP_SET,
	    .effect = OPT_POLICY,
	    .brief = "the AS number",
	    .doc = "`bgp.asNumber` when it is not given.",
	},
	{
	    .path = "filters[].import[].operations[].prependASPath.times",
	    OP(prepend_times),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .min = 1,
	    .max = 32,
	    .dflt = "1",
	    .effect = OPT_POLICY,
	    .brief = "how often",
	},
	{
	    .path = "filters[].import[].operations[].setNextHop",
	    OP(next_hop),
	    .type = OPT_ADDR,
	    .flags = OPT_F_DUMP_SET,
	    .zero = "self",
	    .effect = OPT_POLICY,
	    .brief = "set the next hop",
	    .doc = "`self`, for export only, is this node's address on the session. An address is "
		   "for routes of its family; others keep theirs.",
	},
	{
	    .path = "filters[].import[].operations[].setWeight",
	    OP(weight),
	    .type = OPT_UINT,
	    .flags = OPT_F_DUMP_SET,
	    .max = 65535,
	    .effect = OPT_POLICY,
	    .brief = "set the weight, for import only",
	    .doc = "Of two routes learned from peers the one of greater weight is better, before "
		   "anything else is compared. It is 0 otherwise and never leaves this node.",
	},
	{
	    .path = "filters[].import[].action",
	    AT(action),
	    .type = OPT_ENUM,
	    .flags = OPT_F_DUMP_SET,
	    .words = OPT_WORDS("Continue", "Accept", "Reject"),
	    .dflt = "Continue",
	    .effect = OPT_POLICY,
	    .brief = "what becomes of a route for which the conditions hold",
	},
	{
	    .path = "filters[].export",
	    LIST(CONF_FILTER_EXPORT),
	    LIKE_ANOTHER,
	    .brief = "rules for routes that would be sent to peers, as under `import`",
	},
	{
	    .path = "filters[].importV4",
	    LIST(CONF_FILTER_IMPORT4),
	    LIKE_ANOTHER,
	    .brief = "rules for IPv4 routes that peers announce, as under `import`",
	},
	{
	    .path = "filters[].exportV4",
	    LIST(CONF_FILTER_EXPORT4),
	    LIKE_ANOTHER,
	    .brief = "rules for IPv4 routes that would be sent, as under `import`",
	},
	{
	    .path = "filters[].importV6",
	    LIST(CONF_FILTER_IMPORT6),
	    LIKE_ANOTHER,
	    .brief = "rules for IPv6 routes that peers announce, as under `import`",
	},
	{
	    .path = "filters[].exportV6",
	    LIST(CONF_FILTER_EXPORT6),
	    LIKE_ANOTHER,
	    .brief = "rules for IPv6 routes that would be sent, as under `import`",
	},
};

const struct opt_section conf_opts_filters = OPT_SECTION(rows);
