/*
 * Option rows under `natOutgoing`: which packets of pods get the node's address.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf, nat.member)

static const struct opt rows[] = {
	{
	    .path = "natOutgoing",
	    .type = OPT_MAP,
	    .scalar = "natOutgoing.enabled",
	    .brief = "pods reach the outside with the node's address",
	    .doc =
		"For networks that do not know the way back to pods. `natOutgoing: true` is the same "
		"as {enabled: true}. What this node's pods (node.podCIDRs) send to destinations "
		"outside is masqueraded by one nftables table of weft's own, `inet weft`; pod to "
		"pod, to a node, and to an address that `exclude` names never is. The inside is "
		"kernel.permit (but 0.0.0.0/0 and ::/0), node.podCIDRs, the addresses of peers and "
		"the next hops of routes in use, addresses and podCIDRs of the cluster's Nodes, and "
		"`exclude`. The table stays when weft is restarted and is put back when somebody "
		"changes it; kernel.onStop says whether a stop removes it. See weft nat.",
	},
	{
	    .path = "natOutgoing.enabled",
	    AT(enabled),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_LIVE,
	    .brief = "translate",
	    .doc = "When off, there is no such table and nothing is ever translated.",
	},
	{
	    .path = "natOutgoing.exclude",
	    AT(exclude),
	    .type = OPT_PREFIX_OR_ADDR,
	    .flags = OPT_F_MANY | OPT_F_DUMP_SET,
	    .max = 1024,
	    .effect = OPT_LIVE,
	    .brief = "destinations that see the pod's own address",
	    .doc = "Networks that have routes to the pods, nodes without a session with this one, and "
		   "ranges of services.",
	},
};

const struct opt_section conf_opts_nat = OPT_SECTION(rows);
