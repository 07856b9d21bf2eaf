/*
 * Option rows under `ops` and `drain`: running it.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf, member)

static const struct opt ops_rows[] = {
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
};

static const struct opt drain_rows[] = {
	{
	    .path = "drain",
	    .type = OPT_MAP,
	    .brief = "leaving without loss",
	},
	{
	    .path = "drain.settle",
	    AT(drain.settle_ms),
	    .type = OPT_DURATION,
	    .max = 600 * 1000,
	    .scale = 1,
	    .dflt = "2s",
	    .effect = OPT_LIVE,
	    .brief = "time others get to move away",
	    .doc =
		"When weft is stopped it first marks its routes with GRACEFUL_SHUTDOWN (RFC 8326), "
		"waits so long, and only then withdraws them.",
	},
};

const struct opt_section conf_opts_ops = OPT_SECTION(ops_rows);
const struct opt_section conf_opts_drain = OPT_SECTION(drain_rows);
