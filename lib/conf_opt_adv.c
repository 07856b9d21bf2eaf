/*
 * Option rows under `advertisements[]` and `communities[]`: what this node says of
 * itself.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf_adv, member)

static const struct opt adv_rows[] = {
	{
	    .path = "advertisements",
	    .type = OPT_LIST,
	    .off = offsetof(struct conf, advertisements),
	    .elem = sizeof(struct conf_adv),
	    .max = 1000,
	    .effect = OPT_POLICY,
	    .brief = "what this node announces",
	    .doc = "The default is the node's pod CIDRs, as [{type: PodCIDR}], with `uplinks` its "
		   "own address as well, as [{type: PodCIDR}, {type: NodeIP}]; an empty list "
		   "announces nothing. A prefix that two entries name gets the attributes of the "
		   "first.",
	},
	{
	    .path = "advertisements[].type",
	    AT(type),
	    .type = OPT_ENUM,
	    .flags = OPT_F_REQUIRED,
	    .words = OPT_WORDS("PodCIDR", "Interface", "Prefix", "NodeIP", "Service"),
	    .effect = OPT_POLICY,
	    .brief = "kind of prefixes",
	    .doc =
		"`PodCIDR` is `node.podCIDRs`, `Interface` the addresses of interfaces, `Prefix` "
		"prefixes as written, `NodeIP` the node's own addresses (`node.ip`) as host routes, "
		"as far as they are on a loopback interface: others belong to a link, which is known "
		"by itself. `Service` is addresses of Kubernetes Services, as host routes: those of "
		"Services that `selector` selects, as long as packets to them find a ready endpoint. "
		"With externalTrafficPolicy (for cluster addresses: internalTrafficPolicy) Local that "
		"is one on this node.",
	},
	{
	    .path = "advertisements[].interface",
	    AT(interfaces),
	    .type = OPT_IFSTR,
	    .flags = OPT_F_MANY,
	    .max = 64,
	    .aliases = OPT_WORDS("interfaces"),
	    .effect = OPT_POLICY,
	    .brief = "interfaces whose addresses are announced",
	    .doc =
		"For `type: Interface`; one name or a list. Every global address becomes a host "
		"route, followed as addresses come and go. Loopback addresses of the node are best "
		"put on `lo`.",
	},
	{
	    .path = "advertisements[].subnet",
	    AT(subnet),
	    .type = OPT_BOOL,
	    .flags = OPT_F_DUMP_SET,
	    .dflt = "false",
	    .effect = OPT_POLICY,
	    .brief = "announce the connected subnets in place of host routes",
	},
	{
	    .path = "advertisements[].prefixes",
	    AT(prefixes),
	    .type = OPT_PREFIX,
	    .flags = OPT_F_MANY,
	    .max = 10000,
	    .aliases = OPT_WORDS("prefix"),
	    .effect = OPT_POLICY,
	    .brief = "prefixes to announce",
	    .doc = "For `type: Prefix`; one or a list.",
	},
	{
	    .path = "advertisements[].addresses",
	    AT(addresses),
	    .type = OPT_FLAGS,
	    .flags = OPT_F_NONEMPTY,
	    .max = 3,
	    .words = OPT_WORDS("LoadBalancerIP", "ExternalIP", "ClusterIP"),
	    .effect = OPT_POLICY,
	    .brief = "which addresses of Services are announced",
	    .doc = "For `type: Service`. `LoadBalancerIP` is what stands in the status of a Service "
		   "of type LoadBalancer (unless its loadBalancerClass is neither `loadBalancer.class` nor "
		   "begins with `weft.dev/`), "
		   "`ExternalIP` its externalIPs, `ClusterIP` its clusterIPs. The first two are not "
		   "announced by nodes with the label "
		   "`node.kubernetes.io/exclude-from-external-load-balancers`.",
	},
	{
	    .path = "advertisements[].selector",
	    AT(selector),
	    .type = OPT_SELECTOR,
	    .effect = OPT_POLICY,
	    .brief = "which Services, by their labels",
	    .doc =
		"For `type: Service`; the default is all of them. Every Service has the labels "
		"`io.kubernetes.service.namespace` and `io.kubernetes.service.name`, too, also by the "
		"names `projectcalico.org/namespace` and `projectcalico.org/name`.",
	},
	{
	    .path = "advertisements[].namespaces",
	    AT(namespaces),
	    .type = OPT_NAME,
	    .flags = OPT_F_MANY,
	    .max = 63,
	    .aliases = OPT_WORDS("namespace"),
	    .effect = OPT_POLICY,
	    .brief = "which Services, by their namespaces",
	    .doc = "For `type: Service`; one or a list. The default, an empty list, is all of them.",
	},
	{
	    .path = "advertisements[].ranges",
	    AT(ranges),
	    .type = OPT_PREFIX,
	    .flags = OPT_F_MANY,
	    .max = 1000,
	    .aliases = OPT_WORDS("range"),
	    .effect = OPT_POLICY,
	    .brief = "which addresses of Services, by the prefixes they are in",
	    .doc = "For `type: Service`; one or a list. The default, an empty list, is all of them. "
		   "Whoever may edit a Service writes its externalIPs: with `ExternalIP` name here what "
		   "they may be. One that belongs to a node, its pods, a peer or the API server is never "
		   "announced.",
	},
	{
	    .path = "advertisements[].serviceAnnotations",
	    AT(annotations),
	    .type = OPT_BOOL,
	    .flags = OPT_F_DUMP_SET,
	    .dflt = "true",
	    .effect = OPT_POLICY,
	    .brief = "Services may add communities and set their local preference",
	    .doc = "For `type: Service`. The annotation `weft.dev/communities` adds communities, "
		   "which are written as here, with commas between; `weft.dev/local-pref` is a "
		   "local preference. Whoever may edit a Service may do so.",
	},
	{
	    .path = "advertisements[].communities",
	    AT(community_names),
	    .type = OPT_COMMUNITY,
	    .flags = OPT_F_MANY,
	    .max = 64,
	    .effect = OPT_POLICY,
	    .brief = "communities to attach",
	    .doc =
		"Each is a name from `communities`, a value as 64512:100, a large one as "
		"64512:1:2, or a well-known name: `no-export`, `no-advertise`, "
		"`no-export-subconfed`, `no-peer`, `blackhole`, `graceful-shutdown`, `accept-own`, "
		"`llgr-stale`, `no-llgr`.",
	},
	{
	    .path = "advertisements[].peers",
	    AT(peers),
	    .type = OPT_NAME,
	    .flags = OPT_F_MANY,
	    .max = 64,
	    .effect = OPT_POLICY,
	    .brief = "names of the peers that get it",
	    .doc = "The default, an empty list, is all of them.",
	},
	{
	    .path = "advertisements[].localPref",
	    AT(local_pref),
	    .type = OPT_UINT,
	    .max = UINT32_MAX,
	    .effect = OPT_POLICY,
	    .brief = "local preference, sent to iBGP peers",
	    .doc = "100 when it is not given.",
	},
	{
	    .path = "advertisements[].med",
	    AT(med),
	    .type = OPT_UINT,
	    .max = UINT32_MAX,
	    .effect = OPT_POLICY,
	    .brief = "MULTI_EXIT_DISC",
	    .doc = "None when it is not given.",
	},
	{
	    .path = "advertisements[].aggregationLength",
	    AT(aggregate[0]),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 32,
	    .zero = "off",
	    .dflt = "off",
	    .aliases = OPT_WORDS("aggregationLengthIPv4"),
	    .effect = OPT_POLICY,
	    .brief = "announce IPv4 prefixes that are longer as one prefix of this length",
	    .doc = "The covering prefix is announced in place of the longer ones, with "
		   "ATOMIC_AGGREGATE and AGGREGATOR, as long as there is at least one of them. It "
		   "gets a blackhole route first, as `kernel.ownBlock` says for pod CIDRs. With "
		   "`type: Service` two policy routing rules (priorities 32700 and 32701) take the place "
		   "of the route, as that would cut off the node's own processes from Services; "
		   "addresses with policy Local, and those of Services with attributes of their own, are "
		   "announced beside it.",
	},
	{
	    .path = "advertisements[].aggregationLengthIPv6",
	    AT(aggregate[1]),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 128,
	    .zero = "off",
	    .dflt = "off",
	    .aliases = OPT_WORDS("aggregationLengthV6"),
	    .effect = OPT_POLICY,
	    .brief = "the same for IPv6",
	},
};

#undef AT
#define AT(member) .off = offsetof(struct conf_community, member)

static const struct opt community_rows[] = {
	{
	    .path = "communities",
	    .type = OPT_LIST,
	    .off = offsetof(struct conf, communities),
	    .elem = sizeof(struct conf_community),
	    .max = 1000,
	    .effect = OPT_POLICY,
	    .brief = "names for communities",
	},
	{
	    .path = "communities[].name",
	    AT(name),
	    .type = OPT_NAME,
	    .flags = OPT_F_REQUIRED,
	    .max = 63,
	    .effect = OPT_POLICY,
	    .brief = "the name",
	},
	{
	    .path = "communities[].value",
	    AT(value),
	    .type = OPT_COMMUNITY_VALUE,
	    .flags = OPT_F_REQUIRED,
	    .effect = OPT_POLICY,
	    .brief = "what it stands for",
	    .doc = "64512:100 (RFC 1997), 64512:1:2 (large, RFC 8092), or a well-known name.",
	},
};

const struct opt_section conf_opts_advertisements = OPT_SECTION(adv_rows);
const struct opt_section conf_opts_communities = OPT_SECTION(community_rows);
