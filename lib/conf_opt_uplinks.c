/*
 * The option row `uplinks`: peers that are found by themselves. Their entries have
 * the options of `peers[]` and become peers; what is special about them is said here.
 */
#include "lib/conf_opts.h"

static const struct opt rows[] = {
	{
	    .path = "uplinks",
	    .type = OPT_LIST,
	    .off = offsetof(struct conf, uplinks),
	    .elem = sizeof(struct conf_peer),
	    .flags = OPT_F_NODUMP,
	    .like = "peers",
	    .scalar = "peers[].interface",
	    .max = 64,
	    .effect = OPT_SESSION,
	    .brief = "interfaces that lead to top-of-rack routers, without addresses",
	    .doc =
		"As [eth0, eth1], or a list of maps with `interface` and the options of `peers[]`; "
		"each becomes a peer called by its interface. The router at the other end is found "
		"by router advertisements, which both sides send, and the session runs between the "
		"link-local addresses; IPv4 routes go over them, too (RFC 8950), so that the links "
		"need no addresses at all. `asNumber` is `external` unless it is given. The node's "
		"own address belongs on `lo`: it is preferred as `node.ip` there and announced (see "
		"`advertisements`). Routes of all uplinks are used side by side (`bgp.multipath`). "
		"Loopback and pod ranges of other nodes are named in `kernel.permit`.",
	},
};

const struct opt_section conf_opts_uplinks = OPT_SECTION(rows);
