/*
 * Option rows under `kernel`: which routes go where, and what stays alone.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf, kernel.member)

static const struct opt rows[] = {
	{
	    .path = "kernel",
	    .type = OPT_MAP,
	    .brief = "the kernel's routes",
	},
	{
	    .path = "kernel.install",
	    AT(install),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_POLICY,
	    .brief = "put learned routes into the kernel",
	    .doc = "`false` makes a pure speaker or route reflector that leaves the kernel alone.",
	},
	{
	    .path = "kernel.permit",
	    AT(permit),
	    .type = OPT_PREFIX,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET,
	    .max = 1024,
	    .effect = OPT_POLICY,
	    .brief = "ranges from which routes may be installed",
	    .doc =
		"A route is installed when it lies inside one of them: the pod ranges of the "
		"cluster, and loopback ranges of other nodes. Without any, nothing is installed. "
		"0.0.0.0/0 or ::/0 permits everything of its family, the default route too.",
	},
	{
	    .path = "kernel.protect",
	    AT(protect),
	    .type = OPT_PROTECT,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET,
	    .max = 1024,
	    .dflt = "default nodeIP apiServer bgpNextHops",
	    .effect = OPT_POLICY,
	    .brief = "what no learned route may take over",
	    .doc =
		"`default` (the default route, unless `permit` names it exactly), `nodeIP` (own "
		"addresses), `apiServer` (the Kubernetes API server), `bgpNextHops` (peers and BGP "
		"next hops), and addresses or prefixes: a route that covers one of these as "
		"specifically as the route that serves it now, or more so, is refused.",
	},
	{
	    .path = "kernel.table",
	    AT(table),
	    .type = OPT_TABLE,
	    .dflt = "main",
	    .effect = OPT_LIVE,
	    .brief = "routing table",
	    .doc = "`main` or a number; 255 is the kernel's own and refused.",
	},
	{
	    .path = "kernel.protocol",
	    AT(protocol),
	    .type = OPT_PROTOCOL,
	    .dflt = "212",
	    .effect = OPT_LIVE,
	    .brief = "number that marks our routes (rtm_protocol)",
	    .doc = "One that nobody else on the node uses: numbers of the kernel, of FRR, BIRD and "
		   "others are refused, 186 above all, because FRR's zebra deletes every route of "
		   "that number that it did not make.",
	},
	{
	    .path = "kernel.metric",
	    AT(metric),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = UINT32_MAX - 3,
	    .dflt = "20",
	    .effect = OPT_LIVE,
	    .brief = "metric of learned routes",
	    .doc = "The two largest numbers that the kernel has are for `ownBlock` and "
		   "`discardPodRange`.",
	},
	{
	    .path = "kernel.multipath",
	    AT(multipath),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 64,
	    .dflt = "16",
	    .effect = OPT_POLICY,
	    .brief = "next hops of one route at most",
	},
	{
	    .path = "kernel.nexthopObjects",
	    AT(nexthop_objects),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("auto", "on", "off"),
	    .dflt = "auto",
	    .effect = OPT_POLICY,
	    .brief = "use the kernel's nexthop objects",
	    .doc =
		"With them a failed next hop leaves all its routes in one step. `auto` uses them "
		"where the kernel can.",
	},
	{
	    .path = "kernel.sourceAddress",
	    AT(source_items),
	    .type = OPT_KERNEL_SOURCE,
	    .flags = OPT_F_MANY | OPT_F_NONEMPTY,
	    .max = 2,
	    .dflt = "nodeIP",
	    .effect = OPT_POLICY,
	    .brief = "source address hint on learned routes",
	    .doc = "`nodeIP`, `none`, or an address of each family: what the node's own packets "
		   "carry as source when they take such a route.",
	},
	{
	    .path = "kernel.ownBlock",
	    AT(own_block),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("blackhole", "unreachable", "none"),
	    .dflt = "blackhole",
	    .effect = OPT_POLICY,
	    .brief = "route for the node's own pod CIDRs",
	    .doc =
		"At a high metric, made before the CIDR is announced: packets to pods that do not "
		"exist end here and do not loop. Host routes get none.",
	},
	{
	    .path = "kernel.discardPodRange",
	    AT(discard_pod_range),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("unreachable", "none"),
	    .dflt = "unreachable",
	    .effect = OPT_POLICY,
	    .brief = "route for each permitted range at the highest metric",
	    .doc =
		"So that packets to a pod whose route is lost do not leave by the default route.",
	},
	{
	    .path = "kernel.onStop",
	    AT(on_stop),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("flush", "keep"),
	    .dflt = "flush",
	    .effect = OPT_LIVE,
	    .brief = "our routes when weft is stopped",
	    .doc = "`flush` removes them after peers have been told. After `weft prepare-restart`, "
		   "and "
		   "when weft is killed, they stay in any case.",
	},
	{
	    .path = "kernel.maxRoutes",
	    AT(max_routes),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = UINT32_MAX,
	    .zero = "off",
	    .dflt = "off",
	    .effect = OPT_POLICY,
	    .brief = "most routes to install",
	    .doc = "What is over it is refused and shown. `off` sets no limit.",
	},
	{
	    .path = "kernel.sysctls",
	    AT(sysctls),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("warn", "manage"),
	    .dflt = "warn",
	    .effect = OPT_LIVE,
	    .brief = "settings of the kernel that forwarding needs",
	    .doc = "`warn` says which do not fit (`weft status`), `manage` sets them and says so in "
		   "an event: forwarding, `rp_filter` 2 where there are several uplinks, `accept_ra` 2 "
		   "on uplinks that use router advertisements, and `fib_multipath_hash_policy` 1 when "
		   "routes have several next hops. They are not set back.",
	},
	{
	    .path = "kernel.massWithdrawGuard",
	    .type = OPT_MAP,
	    .brief = "hold routes when many are withdrawn at once",
	},
	{
	    .path = "kernel.massWithdrawGuard.threshold",
	    AT(guard.threshold_pct),
	    .type = OPT_PERCENT,
	    .min = 1,
	    .max = 100,
	    .zero = "off",
	    .dflt = "off",
	    .effect = OPT_LIVE,
	    .brief = "share of the installed routes that is many",
	    .doc = "When more than that is withdrawn within `within` (and at least ten routes), all of "
		   "it is kept for `hold`, with an event, and then goes unless it was announced again. "
		   "A new route for such a prefix is used at once; one whose next hop is dead (link "
		   "lost, BFD down, not resolved) is never kept. Routes that are missing after a "
		   "restart, or with a session that ended, count like withdrawn ones.",
	},
	{
	    .path = "kernel.massWithdrawGuard.within",
	    AT(guard.within_ms),
	    .type = OPT_DURATION,
	    .min = 100,
	    .max = 60 * 1000,
	    .scale = 1,
	    .dflt = "5s",
	    .effect = OPT_LIVE,
	    .brief = "time in which they are counted",
	},
	{
	    .path = "kernel.massWithdrawGuard.hold",
	    AT(guard.hold_ms),
	    .type = OPT_DURATION,
	    .min = 1000,
	    .max = 3600 * 1000,
	    .scale = 1,
	    .dflt = "30s",
	    .effect = OPT_LIVE,
	    .brief = "how long they are kept",
	},
};

const struct opt_section conf_opts_kernel = OPT_SECTION(rows);
