/*
 * Option rows under `loadBalancer` and `loadBalancerPools[]`: addresses for Services.
 */
#include "lib/conf_opts.h"

#define LB(member) .off = offsetof(struct conf, load_balancer.member)
#define AT(member) .off = offsetof(struct conf_pool, member)

static const struct opt rows[] = {
	{
	    .path = "loadBalancer",
	    .type = OPT_MAP,
	    .brief = "how Services of type LoadBalancer get their addresses",
	    .doc = "Only with loadBalancerPools. One agent of the cluster gives addresses out, the one "
		   "that has the Lease `weft-load-balancer`; all have to be configured alike.",
	},
	{
	    .path = "loadBalancer.class",
	    LB(class),
	    .type = OPT_NAME,
	    .max = 253,
	    .effect = OPT_LIVE,
	    .brief = "loadBalancerClass of the Services to serve",
	    .doc = "Without it those without a class, and those whose class begins with `weft.dev/`. "
		   "Others are never touched.",
	},
	{
	    .path = "loadBalancer.reclaim",
	    LB(reclaim),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_LIVE,
	    .brief = "take addresses away that are in no pool any more",
	    .doc = "By default a Service keeps such an address, which an Event and weft pools report.",
	},
	{
	    .path = "loadBalancer.leaseDuration",
	    LB(lease_ms),
	    .type = OPT_DURATION,
	    .min = 1000,
	    .max = 600 * 1000,
	    .scale = 1,
	    .dflt = "15s",
	    .effect = OPT_LIVE,
	    .brief = "after how long without a renewal another agent takes over",
	},
	{
	    .path = "loadBalancerPools",
	    .type = OPT_LIST,
	    .off = offsetof(struct conf, pools),
	    .elem = sizeof(struct conf_pool),
	    .max = 256,
	    .effect = OPT_LIVE,
	    .brief = "addresses for Services of type LoadBalancer",
	    .doc = "Each Service gets one address of each of its families, out of the first pool that "
		   "has it. It may ask for addresses (annotation `weft.dev/load-balancer-ips`, or "
		   "spec.loadBalancerIP), for a pool (`weft.dev/load-balancer-pool`), and to share its "
		   "address with others that name the same key (`weft.dev/allow-shared-ip`), have "
		   "other ports, and have externalTrafficPolicy Cluster or the same pods. What is in a "
		   "status already is kept. They are announced by an advertisement of type Service.",
	},
	{
	    .path = "loadBalancerPools[].name",
	    AT(name),
	    .type = OPT_NAME,
	    .flags = OPT_F_REQUIRED,
	    .max = CONF_NAME_MAX,
	    .effect = OPT_LIVE,
	    .brief = "name of the pool",
	},
	{
	    .path = "loadBalancerPools[].addresses",
	    AT(addresses),
	    .type = OPT_RANGE,
	    .flags = OPT_F_MANY | OPT_F_REQUIRED | OPT_F_NONEMPTY,
	    .max = 256,
	    .effect = OPT_LIVE,
	    .brief = "its addresses: prefixes, ranges FIRST-LAST, or single ones",
	    .doc = "Of both families in one pool, if Services have both. No two pools overlap.",
	},
	{
	    .path = "loadBalancerPools[].autoAssign",
	    AT(auto_assign),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_LIVE,
	    .brief = "for Services that do not ask for this pool, too",
	},
	{
	    .path = "loadBalancerPools[].avoidBuggyIPs",
	    AT(avoid_buggy),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_LIVE,
	    .brief = "leave out IPv4 addresses that end in .0 or .255",
	    .doc = "Some old devices take them for addresses of networks.",
	},
	{
	    .path = "loadBalancerPools[].serviceSelector",
	    AT(selector),
	    .type = OPT_SELECTOR,
	    .max = 1024,
	    .effect = OPT_LIVE,
	    .brief = "for Services with these labels only",
	},
	{
	    .path = "loadBalancerPools[].namespaces",
	    AT(namespaces),
	    .type = OPT_NAME,
	    .flags = OPT_F_MANY,
	    .max = 256,
	    .effect = OPT_LIVE,
	    .brief = "for Services of these namespaces only",
	},
};

const struct opt_section conf_opts_pools = OPT_SECTION(rows);
