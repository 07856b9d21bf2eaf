/*
 * Cilium's BGP control plane: cilium.io/v2 and v2alpha1.
 */
#include "ctl/convert.h"

#include <string.h>

#include "lib/mem.h"

static const char *
text_of(const struct ynode *v)
{
	return v && v->kind == YNODE_SCALAR ? v->text : "";
}

static void
take_as(struct conv *c, const char *path, const struct ynode *v)
{
	conv_take(c, &(struct conv_rule){ .arg = path }, v);
}

/* Seconds as a plain number. */
static void
seconds(struct conv *c, const char *path, const struct ynode *v)
{
	conv_duration(c, &(struct conv_rule){ .arg = path }, v);
}

static void
local_as(struct conv *c, const char *asn)
{
	struct ytree *bgp = ytree_map(c->root, "bgp");
	const struct ytree *have = ytree_get(bgp, "asNumber");

	if (!have)
		ytree_set(bgp, "asNumber", asn);
	else if (strcmp(have->text, asn) != 0 && c->to != c->root)
		ytree_set(c->to, "localAS", asn);
}

/* The selector of nodes is of the whole object; each peer gets it. */
static void
node_selector(struct conv *c)
{
	const struct ynode *sel = conv_get(c->obj, "spec.nodeSelector");

	if (sel)
		conv_selector(c, &(struct conv_rule){ .arg = "nodeSelector" }, sel);
}

/* ---- a peer's settings, wherever they stand ----------------------------------------------- */

struct setting {
	const char *path, *to;
	void (*take)(struct conv *c, const char *to, const struct ynode *v);
};

static void
secret(struct conv *c, const char *to, const struct ynode *v)
{
	ytree_put(ytree_map(c->to, to), "name", ytree_scalar(text_of(v), true));
	ytree_set(ytree_map(c->to, to), "key", "password");
	conv_note(c, "the Secret must be in weft's namespace");
}

static void
multihop(struct conv *c, const char *to, const struct ynode *v)
{
	if (strcmp(text_of(v), "1") != 0)
		take_as(c, to, v);
}

static void
families(struct conv *c, const char *to, const struct ynode *v)
{
	for (size_t i = 0; v->kind == YNODE_SEQ && i < v->n; i++) {
		const char *afi = conv_str(v->item[i], "afi"), *safi = conv_str(v->item[i], "safi");

		if (!afi || !safi)
			continue;
		if (strcmp(safi, "unicast") != 0 || strncmp(afi, "ipv", 3) != 0)
			conv_lost(c, "weft speaks IPv4 and IPv6 unicast");
		else
			ytree_add(ytree_list(c->to, to), afi);
	}
}

static const struct setting settings[] = {
	{ "timers.connectRetryTimeSeconds", "timers.connectRetry", seconds },
	{ "timers.holdTimeSeconds", "timers.hold", seconds },
	{ "timers.keepAliveTimeSeconds", "timers.keepalive", seconds },
	{ "connectRetryTimeSeconds", "timers.connectRetry", seconds },
	{ "holdTimeSeconds", "timers.hold", seconds },
	{ "keepAliveTimeSeconds", "timers.keepalive", seconds },
	{ "transport.peerPort", "port", take_as },
	{ "peerPort", "port", take_as },
	{ "authSecretRef", "password.secretKeyRef", secret },
	{ "gracefulRestart.enabled", "gracefulRestart.enabled", take_as },
	{ "ebgpMultihop", "ebgpMultihop", multihop },
	{ "eBGPMultihopTTL", "ebgpMultihop", multihop },
	{ "families", "families", families },
};

static void
take_settings(struct conv *c, const struct ynode *from)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const struct ynode *v = conv_get(from, settings[i].path);

		if (v)
			settings[i].take(c, settings[i].to, v);
	}
	if (conv_get(from, "gracefulRestart.restartTimeSeconds"))
		conv_lost(c, "gracefulRestart.restartTimeSeconds: the restart time is one for all peers: "
			     "bgp.gracefulRestart.restartTime");
}

/* ---- CiliumBGPClusterConfig ------------------------------------------------------------------ */

static void
cluster_peer(struct conv *c, const char *asn, const struct ynode *p)
{
	const char *name = conv_str(p, "name"), *ref = conv_str(p, "peerConfigRef.name");
	const struct ynode *addr = conv_get(p, "peerAddress"), *as = conv_get(p, "peerASN");
	const struct ynode *ifname = conv_get(p, "autoDiscovery.unnumbered.interface");
	const struct ynode *config;

	c->to = conv_element(c, "peers", name ? name : "peer");
	node_selector(c);
	local_as(c, asn);
	if (addr)
		take_as(c, "peerIP", addr);
	if (ifname)
		take_as(c, "interface", ifname);
	else if (conv_get(p, "autoDiscovery"))
		conv_lost(c, "weft finds peers on links (interface, uplinks), not by the default route");
	ytree_set(c->to, "asNumber", as && strcmp(text_of(as), "0") != 0 ? text_of(as) : "external");
	config = ref ? conv_find(c, "CiliumBGPPeerConfig", ref) : NULL;
	if (config)
		take_settings(c, conv_get(config, "spec"));
	else if (ref)
		conv_lost(c, "its peerConfigRef is not in the file");
}

static void
instances(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	for (size_t i = 0; v->kind == YNODE_SEQ && i < v->n; i++) {
		const struct ynode *peers = conv_get(v->item[i], "peers"), *port = conv_get(v->item[i], "localPort");
		const char *asn = conv_str(v->item[i], "localASN");

		if (port)
			ytree_set(c->root, "bgp.listen.port", text_of(port));
		if (!asn)
			conv_lost(c, "an instance has no localASN: set bgp.asNumber");
		else
			local_as(c, asn);
		for (size_t j = 0; peers && peers->kind == YNODE_SEQ && j < peers->n; j++)
			cluster_peer(c, asn ? asn : "0", peers->item[j]);
		if (i)
			conv_note(c, "instances share one speaker here: one router id, one table");
	}
}

static const struct conv_rule cluster[] = {
	{ "spec.nodeSelector", conv_skip, NULL, false },
	{ "spec.bgpInstances", instances, NULL, false },
};

/* ---- CiliumBGPPeeringPolicy ------------------------------------------------------------------- */

static void
policy_peer(struct conv *c, const char *asn, const struct ynode *p)
{
	const char *addr = conv_str(p, "peerAddress");
	const struct ynode *as = conv_get(p, "peerASN");
	char *ip;

	if (!addr)
		return;
	ip = mem_strndup(addr, strcspn(addr, "/")); /* written as a host prefix */
	c->to = conv_element(c, "peers", ip);
	ytree_put(c->to, "peerIP", ytree_scalar(ip, true));
	mem_free(ip);
	node_selector(c);
	local_as(c, asn);
	if (as)
		take_as(c, "asNumber", as);
	if (conv_get(p, "advertisedPathAttributes"))
		conv_lost(c, "advertisedPathAttributes: write them into the advertisement");
	take_settings(c, p);
}

static void
policy_services(struct conv *c, const struct ynode *vr)
{
	const struct ynode *sel = conv_get(vr, "serviceSelector"), *what = conv_get(vr, "serviceAdvertisements");

	if (!sel)
		return;
	c->to = ytree_add_map(ytree_list(c->root, "advertisements"));
	ytree_set(c->to, "type", "Service");
	if (what)
		take_as(c, "addresses", what);
	else
		ytree_add(ytree_list(c->to, "addresses"), "LoadBalancerIP");
	conv_selector(c, &(struct conv_rule){ .arg = "selector" }, sel);
}

static void
routers(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	for (size_t i = 0; v->kind == YNODE_SEQ && i < v->n; i++) {
		const struct ynode *vr = v->item[i], *peers = conv_get(vr, "neighbors");
		const char *asn = conv_str(vr, "localASN"), *pods = conv_str(vr, "exportPodCIDR");

		c->to = c->root;
		if (asn)
			local_as(c, asn);
		for (size_t j = 0; peers && peers->kind == YNODE_SEQ && j < peers->n; j++)
			policy_peer(c, asn ? asn : "0", peers->item[j]);
		if (pods && strcmp(pods, "true") == 0)
			ytree_set(ytree_add_map(ytree_list(c->root, "advertisements")), "type", "PodCIDR");
		policy_services(c, vr);
		if (conv_get(vr, "podIPPoolSelector"))
			conv_lost(c, "podIPPoolSelector: pods have addresses of the node's pod CIDRs only");
	}
	c->to = c->root;
}

static const struct conv_rule policy[] = {
	{ "spec.nodeSelector", conv_skip, NULL, false },
	{ "spec.virtualRouters", routers, NULL, false },
};

/* ---- CiliumBGPAdvertisement ------------------------------------------------------------------- */

static void
add_communities(struct conv *c, const struct ynode *from, const char *path)
{
	const struct ynode *v = conv_get(from, path);

	for (size_t i = 0; v && v->kind == YNODE_SEQ && i < v->n; i++)
		ytree_put(ytree_list(c->to, "communities"), NULL, ytree_scalar(text_of(v->item[i]), true));
}

static void
one_adv(struct conv *c, const struct ynode *a)
{
	static const char *const same[][2] = { { "service.addresses", "addresses" },
		{ "service.aggregationLengthIPv4", "aggregationLength" },
		{ "service.aggregationLengthIPv6", "aggregationLengthIPv6" },
		{ "attributes.localPreference", "localPref" }, { "interface.name", "interface" } };
	const char *type = conv_str(a, "advertisementType");
	const struct ynode *sel = conv_get(a, "selector"), *v;

	if (!type || strcmp(type, "CiliumPodIPPool") == 0) {
		conv_lost(c, "pods have addresses of the node's pod CIDRs only");
		return;
	}
	c->to = ytree_add_map(ytree_list(c->root, "advertisements"));
	ytree_set(c->to, "type", type);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if ((v = conv_get(a, same[i][0])))
			take_as(c, same[i][1], v);
	add_communities(c, a, "attributes.communities.standard");
	add_communities(c, a, "attributes.communities.large");
	add_communities(c, a, "attributes.communities.wellKnown");
	if (sel && strcmp(type, "Service") == 0)
		conv_selector(c, &(struct conv_rule){ .arg = "selector" }, sel);
}

static void
advs(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	for (size_t i = 0; v->kind == YNODE_SEQ && i < v->n; i++)
		one_adv(c, v->item[i]);
	conv_note(c, "it goes to all peers; there only to those whose families select it by label");
	c->to = c->root;
}

static const struct conv_rule adv[] = {
	{ "spec.advertisements", advs, NULL, false },
};

/* ---- CiliumLoadBalancerIPPool --------------------------------------------------------------------- */

static void
begin_pool(struct conv *c)
{
	c->to = conv_element(c, "loadBalancerPools", c->name);
}

static void
blocks(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	struct ytree *list = ytree_list(c->to, "addresses");

	for (size_t i = 0; v->kind == YNODE_SEQ && i < v->n; i++) {
		const char *cidr = conv_str(v->item[i], "cidr"), *start = conv_str(v->item[i], "start");
		const char *stop = conv_str(v->item[i], "stop");
		char *text;

		if (!cidr && !start)
			continue;
		text = cidr ? mem_strdup(cidr) : mem_printf("%s-%s", start, stop ? stop : start);
		ytree_put(list, NULL, ytree_scalar(text, true));
		mem_free(text);
	}
}

static void
disabled(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	if (strcmp(text_of(v), "true") == 0)
		ytree_set(c->to, "autoAssign", "false");
}

static const struct conv_rule pool[] = {
	{ "spec.blocks", blocks, NULL, false },
	{ "spec.cidrs", blocks, NULL, false },
	{ "spec.serviceSelector", conv_selector, "serviceSelector", false },
	{ "spec.disabled", disabled, NULL, false },
	{ "spec.allowFirstLastIPs", conv_drop, "all addresses of a pool are given out", false },
};

static const struct conv_rule nothing[] = {
	{ "spec", conv_skip, NULL, false }, /* taken by the peers that refer to it */
};

static const struct conv_kind kinds[] = {
	{ CONV_KIND("CiliumBGPClusterConfig", cluster) },
	{ CONV_KIND("CiliumBGPPeerConfig", nothing) },
	{ CONV_KIND("CiliumBGPAdvertisement", adv) },
	{ CONV_KIND("CiliumBGPPeeringPolicy", policy) },
	{ CONV_KIND("CiliumLoadBalancerIPPool", pool), .begin = begin_pool },
	{ .kind = "CiliumBGPNodeConfigOverride",
	    .lost = "settings of one node are for that node's own file" },
	{ .kind = "CiliumBGPNodeConfig", .lost = "it is made by Cilium's operator itself" },
	{ .kind = "CiliumNetworkPolicy", .lost = "weft does no network policy" },
	{ .kind = "CiliumClusterwideNetworkPolicy", .lost = "weft does no network policy" },
	{ .kind = "CiliumL2AnnouncementPolicy",
	    .lost = "weft answers no ARP or ND for service addresses: it routes" },
	{ .kind = "CiliumPodIPPool", .lost = "pods have addresses of the node's pod CIDRs only" },
};

static const char *const groups[] = { "cilium.io", NULL };

static const char *const hints[] = {
	"Received routes are ignored there; weft installs those inside kernel.permit.",
	"Nothing is announced there that no advertisement selects; here advertisements are for all peers "
	"unless they name some.",
	"Hold time is 90s there unless told otherwise, 9s here (bgp.timers).",
	NULL,
};

const struct conv_product conv_cilium = {
	.name = "cilium",
	.kind = kinds,
	.nkinds = sizeof(kinds) / sizeof(kinds[0]),
	.groups = groups,
	.hints = hints,
};
