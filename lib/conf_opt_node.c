/*
 * Option rows under `node`: who this machine is.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf, node.member)

static const struct opt rows[] = {
	{
	    .path = "node",
	    .type = OPT_MAP,
	    .brief = "who this node is",
	},
	{
	    .path = "node.name",
	    AT(name),
	    .type = OPT_NAME,
	    .max = 253,
	    .effect = OPT_LIVE,
	    .brief = "name of the node",
	    .doc = "Shown in the command line tool and in logs. The default is the host name.",
	},
	{
	    .path = "node.ip",
	    AT(ip),
	    .type = OPT_IP_RULE,
	    .flags = OPT_F_MANY | OPT_F_NONEMPTY,
	    .max = 16,
	    .dflt = "auto",
	    .effect = OPT_SESSION,
	    .brief = "the node's own address, or how to find it",
	    .doc =
		"One rule or a list of them; for each address family the first rule that gives an "
		"address counts. A rule is `auto` (the address of the interface that the default "
		"route leaves through), an IPv4 or IPv6 address, `interface=NAME` (an address of "
		"that interface), `cidr=PREFIX` (the address inside that prefix) or "
		"`can-reach=ADDRESS` (the source address the kernel would use towards it). The "
		"address is next hop of what the node announces and source address of its "
		"connections and routes.",
	},
	{
	    .path = "node.podCIDRs",
	    AT(pod_cidrs),
	    .type = OPT_PREFIX,
	    .flags = OPT_F_MANY,
	    .max = 64,
	    .zero = "auto",
	    .aliases = OPT_WORDS("podCIDR"),
	    .effect = OPT_POLICY,
	    .brief = "prefixes of the pods on this node",
	    .doc =
		"One prefix or a list, IPv4 and IPv6. They are announced to the peers (see "
		"`advertisements`) and are held in the kernel by a blackhole route (see "
		"`kernel.ownBlock`). `auto`, the default, takes them from the Kubernetes Node, but for "
		"those wider than 12 bits (IPv4) or 32 (IPv6); on a plain host it means none.",
	},
};

const struct opt_section conf_opts_node = OPT_SECTION(rows);
