/*
 * Calico's resources (projectcalico.org/v3, crd.projectcalico.org/v1).
 */
#include "ctl/convert.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

static bool
is_word(const struct ynode *v, const char *word)
{
	return v->kind == YNODE_SCALAR && strcmp(v->text, word) == 0;
}

static const char *
text_of(const struct ynode *v)
{
	return v->kind == YNODE_SCALAR ? v->text : "";
}

/* ---- BGPConfiguration ------------------------------------------------------------------- */

static void
log_level(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	static const char *const words[][2] = { { "Debug", "debug" }, { "Info", "info" },
		{ "Warning", "warn" }, { "Error", "error" }, { "Fatal", "error" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(v, words[i][0]))
			ytree_set(c->to, r->arg, words[i][1]);
}

/* The one advertisement of Services, made when the first kind of address is met. */
static struct ytree *
service_adv(struct conv *c)
{
	struct ytree *list = ytree_list(c->root, "advertisements"), *t;

	for (size_t i = 0; i < list->n; i++) {
		const struct ytree *type = ytree_get(list->item[i].val, "type");

		if (type && strcmp(type->text, "Service") == 0)
			return list->item[i].val;
	}
	t = ytree_add_map(list);
	ytree_set(t, "type", "PodCIDR");
	t = ytree_add_map(list);
	ytree_set(t, "type", "Service");
	return t;
}

static void
service_addresses(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (!v->n)
		return;
	ytree_add(ytree_list(service_adv(c), "addresses"), r->arg);
	conv_note(c, "each address is announced where its Service is, not the whole block; the blocks "
		     "limit nothing");
}

static void
prefix_advertisements(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	struct ytree *rules = NULL, *rule, *list;
	const struct ynode *names;

	for (size_t i = 0; v->kind == YNODE_SEQ && i < v->n; i++) {
		const char *cidr = conv_str(v->item[i], "cidr");

		names = conv_get(v->item[i], "communities");
		if (!cidr || !names || names->kind != YNODE_SEQ)
			continue;
		if (!rules)
			rules = ytree_list(c->root, "filters.prefix-advertisements.export");
		rule = ytree_add_map(rules);
		ytree_set(rule, "cidr", cidr);
		ytree_set(rule, "matchOperator", "In");
		list = ytree_list(ytree_add_map(ytree_list(rule, "operations")), "addCommunities");
		for (size_t j = 0; j < names->n; j++)
			ytree_put(list, NULL, ytree_scalar(text_of(names->item[j]), true));
	}
	if (rules)
		ytree_add(ytree_list(c->root, "bgp.filters"), "prefix-advertisements");
}

static void
bind_mode(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (is_word(v, "NodeIP"))
		conv_lost(c, "weft listens on all addresses; bgp.listen.addresses takes a list");
}

static const struct conv_rule configuration[] = {
	{ "spec.asNumber", conv_take, "bgp.asNumber", false },
	{ "spec.nodeToNodeMeshEnabled", conv_take, "bgp.nodeToNodeMeshEnabled", false },
	{ "spec.logSeverityScreen", log_level, "ops.log.level", false },
	{ "spec.listenPort", conv_take, "bgp.listen.port", false },
	{ "spec.bindMode", bind_mode, NULL, false },
	{ "spec.communities", conv_communities, NULL, false },
	{ "spec.prefixAdvertisements", prefix_advertisements, NULL, false },
	{ "spec.serviceClusterIPs", service_addresses, "ClusterIP", false },
	{ "spec.serviceExternalIPs", service_addresses, "ExternalIP", false },
	{ "spec.serviceLoadBalancerIPs", service_addresses, "LoadBalancerIP", false },
	{ "spec.serviceLoadBalancerAggregation", conv_drop,
	    "one host route for each address, unless the advertisement has aggregationLength", false },
	{ "spec.nodeMeshPassword.secretKeyRef", conv_take, "bgp.mesh.password.secretKeyRef", false },
	{ "spec.nodeMeshMaxRestartTime", conv_duration, "bgp.gracefulRestart.restartTime", false },
	{ "spec.ignoredInterfaces", conv_drop, "weft announces no interface that it is not told to",
	    false },
};

/* Settings of one node are for that node's own file. */
static void
begin_configuration(struct conv *c)
{
	if (strcmp(c->name, "default") == 0)
		return;
	conv_note(c, "it is for one node only; here its settings are for all");
}

/* ---- BGPPeer ------------------------------------------------------------------------------- */

static void
begin_peer(struct conv *c)
{
	c->to = conv_element(c, "peers", c->name);
}

static void
keep_next_hop(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (is_word(v, "true"))
		ytree_set(c->to, r->arg, "keep");
}

static void
source_address(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	ytree_set(c->to, r->arg, is_word(v, "None") ? "none" : "nodeIP");
}

static void
as_number(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (!is_word(v, "0"))
		conv_take(c, r, v);
}

static void
restart_time(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	conv_lost(c, "the restart time is one for all peers: bgp.gracefulRestart.restartTime");
}

static void
detection(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (!is_word(v, "None"))
		ytree_set(c->to, r->arg, "default");
}

/* The name of a filter as a key: with dots it would be a path. */
static char *
filter_name(const char *name)
{
	char *s = mem_strdup(name);

	for (char *p = s; *p; p++)
		if (*p == '.')
			*p = '-';
	return s;
}

static void
peer_filters(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	for (size_t i = 0; v->kind == YNODE_SEQ && i < v->n; i++) {
		char *name = filter_name(text_of(v->item[i]));

		ytree_put(ytree_list(c->to, r->arg), NULL, ytree_scalar(name, true));
		mem_free(name);
	}
}

static const struct conv_rule peer[] = {
	{ "spec.node", conv_take, "node", false },
	{ "spec.nodeSelector", conv_take, "nodeSelector", false },
	{ "spec.peerIP", conv_take, "peerIP", false },
	{ "spec.asNumber", as_number, "asNumber", false },
	{ "spec.peerSelector", conv_take, "peerSelector", false },
	{ "spec.keepOriginalNextHop", keep_next_hop, "nextHopMode", false },
	{ "spec.nextHopMode", conv_decapitalise, "nextHopMode", false },
	{ "spec.password.secretKeyRef", conv_take, "password.secretKeyRef", false },
	{ "spec.sourceAddress", source_address, "sourceAddress", false },
	{ "spec.failureDetectionMode", detection, "bfd", false },
	{ "spec.maxRestartTime", restart_time, NULL, false },
	{ "spec.keepaliveTime", conv_duration, "timers.keepalive", false },
	{ "spec.numAllowedLocalASNumbers", conv_take, "allowAsIn", false },
	{ "spec.localASNumber", conv_take, "localAS", false },
	{ "spec.ttlSecurity", conv_take, "ttlSecurity", false },
	{ "spec.filters", peer_filters, "filters", false },
	{ "spec.reachableBy", conv_drop,
	    "next hops are looked up in the kernel's routes; a peer behind others needs ebgpMultihop",
	    false },
	{ "spec.reversePeering", conv_drop, "each node has the peers that its own selectors name", false },
};

/* ---- BGPFilter ------------------------------------------------------------------------------- */

static void
filter_communities(struct ytree *rule, const struct ynode *m)
{
	const struct ynode *values = conv_get(m, "values");

	for (size_t i = 0; values && values->kind == YNODE_SEQ && i < values->n; i++)
		ytree_put(ytree_list(rule, "communities.any"), NULL,
		    ytree_scalar(text_of(values->item[i]), true));
}

/* prependASPath: a list of numbers to ours, which prepends one number several times. */
static void
prepend(struct conv *c, struct ytree *ops, const struct ynode *prefix)
{
	char times[24];
	size_t i = prefix->n, run;

	while (i > 0) { /* the last is prepended first */
		struct ytree *op = ytree_map(ytree_add_map(ops), "prependASPath");

		for (run = 1; run < i && is_word(prefix->item[i - 1 - run], text_of(prefix->item[i - 1])); run++)
			;
		ytree_set(op, "as", text_of(prefix->item[i - 1]));
		snprintf(times, sizeof(times), "%zu", run);
		ytree_set(op, "times", times);
		i -= run;
	}
}

static void
filter_operation(struct conv *c, struct ytree *ops, const struct ynode *o)
{
	const char *community = conv_str(o, "addCommunity.value");
	const struct ynode *prefix = conv_get(o, "prependASPath.prefix");

	if (community)
		ytree_put(ytree_list(ytree_add_map(ops), "addCommunities"), NULL,
		    ytree_scalar(community, true));
	else if (prefix && prefix->kind == YNODE_SEQ)
		prepend(c, ops, prefix);
	else if (conv_get(o, "setPriority"))
		conv_lost(c, "a route's metric in the kernel is kernel.metric for all");
	else
		conv_lost(c, "unknown operation");
}

static void
filter_member(struct conv *c, struct ytree *rule, const char *key, const struct ynode *v)
{
	static const char *const same[] = { "cidr", "matchOperator", "action", "prefixLength",
		"asPathPrefix" };

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (strcmp(key, same[i]) == 0) {
			ytree_put(rule, key, conv_tree(v));
			return;
		}
	if (strcmp(key, "source") == 0)
		ytree_set(rule, "source", "RemotePeers");
	else if (strcmp(key, "peerType") == 0)
		ytree_set(rule, "peerType", is_word(v, "eBGP") ? "eBGP" : "iBGP");
	else if (strcmp(key, "communities") == 0)
		filter_communities(rule, v);
	else if (strcmp(key, "operations") == 0)
		for (size_t i = 0; v->kind == YNODE_SEQ && i < v->n; i++)
			filter_operation(c, ytree_list(rule, "operations"), v->item[i]);
	else if (strcmp(key, "interface") == 0)
		conv_lost(c, "rules do not look at interfaces; the rule is left out");
	else
		conv_lost(c, "rules have nothing like it; the rule is left out");
}

/* Without one of its conditions a rule would match more than it did: such a rule is not made. */
static bool
is_whole(const struct ynode *rule)
{
	static const char *const known[] = { "cidr", "matchOperator", "action", "prefixLength",
		"asPathPrefix", "source", "peerType", "communities", "operations" };

	for (size_t i = 0; i < rule->n; i++) {
		size_t k;

		for (k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			if (strcmp(rule->pair[i].key, known[k]) == 0)
				break;
		if (k == sizeof(known) / sizeof(known[0]))
			return false;
	}
	return true;
}

static void
filter_rules(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	struct ytree *scratch = ytree_new(), *to;

	for (size_t i = 0; v->kind == YNODE_SEQ && i < v->n; i++) {
		const struct ynode *rule = v->item[i];

		if (rule->kind != YNODE_MAP)
			continue;
		to = is_whole(rule) ? ytree_add_map(ytree_list(c->to, r->arg)) : scratch;
		for (size_t j = 0; j < rule->n; j++)
			filter_member(c, to, rule->pair[j].key, rule->pair[j].val);
	}
	ytree_free(scratch);
}

static void
begin_filter(struct conv *c)
{
	char *name = filter_name(c->name);

	if (strcmp(name, c->name) != 0)
		conv_note(c, "dots in its name are dashes here");
	c->to = ytree_map(ytree_map(c->root, "filters"), name);
	mem_free(name);
}

/* What no rule matches is accepted by Calico. */
static void
end_filter(struct conv *c)
{
	static const char *const lists[] = { "importV4", "exportV4", "importV6", "exportV6" };

	for (size_t i = 0; i < 4; i++)
		if (ytree_get(c->to, lists[i]))
			ytree_set(ytree_add_map(ytree_list(c->to, lists[i])), "action", "Accept");
}

static const struct conv_rule filter[] = {
	{ "spec.importV4", filter_rules, "importV4", false },
	{ "spec.exportV4", filter_rules, "exportV4", false },
	{ "spec.importV6", filter_rules, "importV6", false },
	{ "spec.exportV6", filter_rules, "exportV6", false },
};

/* ---- IPPool --------------------------------------------------------------------------------- */

static void
no_overlay(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (!is_word(v, "Never"))
		conv_lost(c, "weft has no overlay: the underlay must carry pod addresses, or let nodes in "
			     "other subnets peer through routers that do");
}

static void
nat_outgoing(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (is_word(v, "true"))
		ytree_set(c->root, "natOutgoing", "true");
}

static void
pool_cidr(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	ytree_add(ytree_list(c->root, "kernel.permit"), text_of(v));
}

static const struct conv_rule pool[] = {
	{ "spec.cidr", pool_cidr, NULL, false },
	{ "spec.natOutgoing", nat_outgoing, NULL, false },
	{ "spec.ipipMode", no_overlay, NULL, false },
	{ "spec.vxlanMode", no_overlay, NULL, false },
	{ "spec.blockSize", conv_skip, NULL, false },
	{ "spec.nodeSelector", conv_drop,
	    "addresses are the node's pod CIDRs, which the controller manager gives out", false },
	{ "spec.disabled", conv_skip, NULL, false },
	{ "spec.allowedUses", conv_skip, NULL, false },
	{ "spec.assignmentMode", conv_skip, NULL, false },
	{ "spec.disableBGPExport", conv_drop, "an export filter that rejects its CIDR does this", false },
};

/* ---- Node ------------------------------------------------------------------------------------- */

static void
node_annotation(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	char *why = mem_printf("run: kubectl annotate node %s %s=%s", c->name, r->arg, text_of(v));

	conv_note(c, why);
	mem_free(why);
}

static const struct conv_rule node[] = {
	{ "spec.bgp.asNumber", node_annotation, "weft.dev/as-number", false },
	{ "spec.bgp.routeReflectorClusterID", node_annotation, "weft.dev/cluster-id", false },
	{ "spec.bgp.ipv4Address", conv_skip, NULL, false }, /* the Node's InternalIP */
	{ "spec.bgp.ipv6Address", conv_skip, NULL, false },
	{ "spec.bgp.ipv4IPIPTunnelAddr", conv_skip, NULL, false },
	{ "spec.addresses", conv_skip, NULL, false },
	{ "spec.orchRefs", conv_skip, NULL, false },
	{ "spec.ipv4VXLANTunnelAddr", conv_skip, NULL, false },
	{ "spec.vxlanTunnelMACAddr", conv_skip, NULL, false },
};

#define POLICY "weft does no network policy"
#define IPAM   "addresses of pods are host-local's affair, out of the node's pod CIDRs"

static const struct conv_kind kinds[] = {
	{ CONV_KIND("BGPConfiguration", configuration), .begin = begin_configuration },
	{ CONV_KIND("BGPPeer", peer), .begin = begin_peer },
	{ CONV_KIND("BGPFilter", filter), .begin = begin_filter, .end = end_filter },
	{ CONV_KIND("IPPool", pool) },
	{ CONV_KIND("Node", node) },
	{ .kind = "IPReservation", .lost = IPAM },
	{ .kind = "BlockAffinity", .lost = IPAM },
	{ .kind = "IPAMConfig", .lost = IPAM },
	{ .kind = "IPAMConfiguration", .lost = IPAM },
	{ .kind = "NetworkPolicy", .lost = POLICY },
	{ .kind = "GlobalNetworkPolicy", .lost = POLICY },
	{ .kind = "GlobalNetworkSet", .lost = POLICY },
	{ .kind = "NetworkSet", .lost = POLICY },
	{ .kind = "HostEndpoint", .lost = POLICY },
	{ .kind = "FelixConfiguration", .lost = "Felix's settings are about policy and tunnels" },
};

static const char *const groups[] = { "projectcalico.org", "crd.projectcalico.org", NULL };

static const char *const hints[] = {
	"Pods get addresses of blocks out of IP pools; with weft of the node's own podCIDRs.",
	"To eBGP peers go routes of all nodes; weft announces this node's own (peers[].export: all "
	"changes it).",
	"Hold time is 90s there unless told otherwise, 9s here (bgp.timers).",
	NULL,
};

/* A number that nobody wrote. */
static void
finish(struct conv *c)
{
	if (!ytree_get(ytree_map(c->root, "bgp"), "asNumber"))
		ytree_set(c->root, "bgp.asNumber", "64512");
}

const struct conv_product conv_calico = {
	.finish = finish,
	.name = "calico",
	.kind = kinds,
	.nkinds = sizeof(kinds) / sizeof(kinds[0]),
	.groups = groups,
	.hints = hints,
};
