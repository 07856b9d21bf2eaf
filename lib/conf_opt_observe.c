/*
 * Option row of `observe`: look, and write nothing.
 */
#include "lib/conf_opts.h"

static const struct opt rows[] = {
	{
	    .path = "observe",
	    .off = offsetof(struct conf, observe),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_POLICY,
	    .brief = "learn and show everything, announce and change nothing",
	    .doc = "For a first look beside another product. Sessions come up and receive; nothing is "
		   "announced over them, and forwarding state is never claimed to have been kept "
		   "(RFC 4724). No route, nexthop object, nftables table, setting, file of the CNI or "
		   "object of the cluster is made, changed or removed, what an earlier run left "
		   "included. weft routes, weft route and weft explain show everything learned, weft "
		   "fib --diff what would be changed. weftd --observe switches it on whatever stands "
		   "here. Switched off by weft reload everything is installed and announced.",
	},
};

const struct opt_section conf_opts_observe = OPT_SECTION(rows);
