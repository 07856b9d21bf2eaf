/*
 * MetalLB's resources (metallb.io), in the modes native, FRR and frr-k8s.
 */
#include "ctl/convert.h"

#include <string.h>

#include "lib/mem.h"

static bool
is_word(const struct ynode *v, const char *word)
{
	return v->kind == YNODE_SCALAR && strcmp(v->text, word) == 0;
}

/* ---- BGPPeer ------------------------------------------------------------------------------- */

static void
begin_peer(struct conv *c)
{
	c->to = conv_element(c, "peers", c->name);
}

/* One AS number for the node; a peer that wants another gets localAS. */
static void
my_asn(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	struct ytree *bgp = ytree_map(c->root, "bgp");
	const struct ytree *have = ytree_get(bgp, "asNumber");

	if (v->kind != YNODE_SCALAR)
		return;
	if (!have)
		ytree_set(bgp, "asNumber", v->text);
	else if (strcmp(have->text, v->text) != 0)
		ytree_set(c->to, "localAS", v->text);
}

static void
multihop(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (is_word(v, "true"))
		ytree_set(c->to, r->arg, "255");
}

static void
graceful_restart(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (!is_word(v, "true"))
		ytree_set(c->to, r->arg, "false");
}

static void
secret(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	const char *name = conv_str(v, "name");

	if (!name)
		return;
	ytree_put(ytree_map(c->to, "password.secretKeyRef"), "name", ytree_scalar(name, true));
	ytree_set(c->to, "password.secretKeyRef.key", "password");
	conv_note(c, "the Secret must be in weft's namespace");
}

static void
plain_password(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (v->kind == YNODE_SCALAR && v->len)
		conv_lost(c, "passwords stand in Secrets: put it into one, and name it by "
			     "password.secretKeyRef");
}

static const struct conv_rule peer[] = {
	{ "spec.myASN", my_asn, NULL, false },
	{ "spec.peerASN", conv_take, "asNumber", false },
	{ "spec.dynamicASN", conv_take, "asNumber", false },
	{ "spec.peerAddress", conv_take, "peerIP", false },
	{ "spec.interface", conv_take, "interface", false },
	{ "spec.sourceAddress", conv_take, "sourceAddress", false },
	{ "spec.peerPort", conv_take, "port", false },
	{ "spec.holdTime", conv_duration, "timers.hold", false },
	{ "spec.keepaliveTime", conv_duration, "timers.keepalive", false },
	{ "spec.connectTime", conv_duration, "timers.connectRetry", false },
	{ "spec.routerID", conv_drop, "the router id is one for the node: bgp.routerID", false },
	{ "spec.nodeSelectors", conv_selector, "nodeSelector", false },
	{ "spec.nodeSelector", conv_selector, "nodeSelector", false },
	{ "spec.password", plain_password, NULL, false },
	{ "spec.passwordSecret", secret, NULL, false },
	{ "spec.bfdProfile", conv_take, "bfd", false },
	{ "spec.enableGracefulRestart", graceful_restart, "gracefulRestart.enabled", false },
	{ "spec.ebgpMultiHop", multihop, "ebgpMultihop", false },
	{ "spec.vrf", conv_drop, "weft speaks BGP in the main routing domain only", false },
	{ "spec.disableMP", conv_drop, "both families go over one session; families takes one", false },
	{ "spec.dualStackAddressFamily", conv_skip, NULL, false },
};

/* ---- addresses ------------------------------------------------------------------------------ */

static void
begin_pool(struct conv *c)
{
	c->to = conv_element(c, "loadBalancerPools", c->name);
}

/* Several selectors, of which one must match, of namespaces or of services. */
static const struct conv_rule pool[] = {
	{ "spec.addresses", conv_take, "addresses", false },
	{ "spec.autoAssign", conv_take, "autoAssign", false },
	{ "spec.avoidBuggyIPs", conv_take, "avoidBuggyIPs", false },
	{ "spec.serviceAllocation.namespaces", conv_take, "namespaces", false },
	{ "spec.serviceAllocation.serviceSelectors", conv_selector, "serviceSelector", false },
	{ "spec.serviceAllocation.namespaceSelectors", conv_drop,
	    "pools look at the names of namespaces, not at their labels", false },
	{ "spec.serviceAllocation.priority", conv_drop, "pools are asked in the order of the file",
	    false },
	{ "spec.serviceAllocation", NULL, NULL, true },
};

/* ---- advertisements --------------------------------------------------------------------------- */

static void
begin_adv(struct conv *c)
{
	c->to = ytree_add_map(ytree_list(c->root, "advertisements"));
	ytree_set(c->to, "type", "Service");
	ytree_add(ytree_list(c->to, "addresses"), "LoadBalancerIP");
}

static void
by_pools(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (v->n)
		conv_lost(c, "advertisements select services by label, not by the pool of their address: "
			     "without a selector this one is for all pools");
}

static void
adv_nodes(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (v->n)
		conv_lost(c, "an advertisement is for all nodes; a BGPAdvertisement's nodes can be limited by "
			     "the nodeSelector of its peers");
}

static const struct conv_rule adv[] = {
	{ "spec.aggregationLength", conv_take, "aggregationLength", false },
	{ "spec.aggregationLengthV6", conv_take, "aggregationLengthIPv6", false },
	{ "spec.localPref", conv_take, "localPref", false },
	{ "spec.communities", conv_take, "communities", false },
	{ "spec.peers", conv_take, "peers", false },
	{ "spec.ipAddressPools", by_pools, NULL, false },
	{ "spec.ipAddressPoolSelectors", by_pools, NULL, false },
	{ "spec.serviceSelectors", conv_selector, "selector", false },
	{ "spec.nodeSelectors", adv_nodes, NULL, false },
};

/* ---- BFD profiles ------------------------------------------------------------------------------- */

static void
begin_bfd(struct conv *c)
{
	c->to = ytree_map(ytree_map(c->root, "bfdProfiles"), c->name);
}

static const struct conv_rule bfd[] = {
	{ "spec.receiveInterval", conv_take, "receiveInterval", false },
	{ "spec.transmitInterval", conv_take, "transmitInterval", false },
	{ "spec.detectMultiplier", conv_take, "detectMultiplier", false },
	{ "spec.passiveMode", conv_take, "passiveMode", false },
	{ "spec.minimumTtl", conv_take, "minimumTtl", false },
	{ "spec.echoInterval", conv_drop, "weft does no BFD Echo", false },
	{ "spec.echoMode", conv_drop, "weft does no BFD Echo", false },
};

static const struct conv_rule community[] = {
	{ "spec.communities", conv_communities, NULL, false },
};

static const struct conv_kind kinds[] = {
	{ CONV_KIND("BGPPeer", peer), .begin = begin_peer },
	{ CONV_KIND("IPAddressPool", pool), .begin = begin_pool },
	{ CONV_KIND("BGPAdvertisement", adv), .begin = begin_adv },
	{ CONV_KIND("BFDProfile", bfd), .begin = begin_bfd },
	{ CONV_KIND("Community", community) },
	{ .kind = "L2Advertisement", .lost = "weft answers no ARP or ND for service addresses: it routes" },
	{ .kind = "AddressPool", .lost = "it is of an old version: write it as IPAddressPool" },
	{ .kind = "FRRConfiguration", .lost = "it is FRR's own configuration" },
};

static const char *const groups[] = { "metallb.io", NULL };

static const char *const hints[] = {
	"It announces services only; weft the node's pod CIDRs, too, unless advertisements are given.",
	"Hold time is 180s there (90s in native mode) unless told otherwise, 9s here (bgp.timers).",
	"Received routes are ignored there; weft installs those inside kernel.permit.",
	NULL,
};

const struct conv_product conv_metallb = {
	.name = "metallb",
	.kind = kinds,
	.nkinds = sizeof(kinds) / sizeof(kinds[0]),
	.groups = groups,
	.hints = hints,
};
