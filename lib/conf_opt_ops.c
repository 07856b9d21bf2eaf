/*
 * Option rows under `ops`: running it.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf, member)

static const struct opt rows[] = {
	{
	    .path = "ops",
	    .type = OPT_MAP,
	    .brief = "operation",
	},
	{
	    .path = "ops.metrics",
	    AT(ops.metrics),
	    .type = OPT_ENDPOINT,
	    .zero = "off",
	    .dflt = "127.0.0.1:9179",
	    .effect = OPT_LIVE,
	    .brief = "address and port of /metrics, /livez and /readyz",
	    .doc = "IPv6 as [::1]:9179. Anybody who reaches it can read it: it listens on loopback "
		   "unless another address is written here. `off` serves nothing.",
	},
	{
	    .path = "ops.log",
	    .type = OPT_MAP,
	    .brief = "the log, on standard error",
	},
	{
	    .path = "ops.log.level",
	    AT(ops.log_level),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("error", "warn", "info", "debug"),
	    .dflt = "info",
	    .effect = OPT_LIVE,
	    .brief = "least level that is logged",
	},
	{
	    .path = "ops.log.format",
	    AT(ops.log_format),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("text", "json"),
	    .dflt = "text",
	    .effect = OPT_LIVE,
	    .brief = "form of a line",
	},
	{
	    .path = "ops.followConfig",
	    AT(ops.follow),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("auto", "true", "false"),
	    .dflt = "auto",
	    .effect = OPT_LIVE,
	    .brief = "load the file again when it changes",
	    .doc = "`auto` does so in a Kubernetes cluster, where the file is a ConfigMap that nobody "
		   "sends a signal for. The file is looked at every second; a text with a mistake "
		   "changes nothing, as with `weft reload`.",
	},
	{
	    .path = "ops.ready",
	    .type = OPT_MAP,
	    .brief = "when /readyz says yes",
	},
	{
	    .path = "ops.ready.minPeers",
	    AT(ops.ready_min_peers),
	    .type = OPT_UINT,
	    .max = 10000,
	    .dflt = "1",
	    .effect = OPT_LIVE,
	    .brief = "established peers that make a node ready",
	    .doc = "One dead peer never makes a node unready that has so many others.",
	},
	{
	    .path = "ops.ready.convergedTimeout",
	    AT(ops.converged_timeout_ms),
	    .type = OPT_DURATION,
	    .min = 1000,
	    .max = 3600 * 1000,
	    .scale = 1,
	    .dflt = "30s",
	    .effect = OPT_LIVE,
	    .brief = "how long a node waits at most for its routes",
	    .doc = "A node has its routes when its own prefixes are announced, the peers that are up "
		   "have sent End-of-RIB (RFC 4724), and the kernel has what came of it; then /readyz "
		   "may say yes, the CNI file is written (see `cni`), and pods may start. Peers that do "
		   "not come are waited for 3s. After this time it is as if it had them; it never "
		   "counts as without them again.",
	},
};

const struct opt_section conf_opts_ops = OPT_SECTION(rows);
