/*
 * Option rows under `bmp[]`: collectors that are told of peers and routes.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf_bmp, member)

static const struct opt rows[] = {
	{
	    .path = "bmp",
	    .type = OPT_LIST,
	    .off = offsetof(struct conf, bmp),
	    .elem = sizeof(struct conf_bmp),
	    .max = 16,
	    .brief = "BMP collectors (RFC 7854)",
	    .doc =
		"This node connects to each of them and tells what it knows: sessions, routes, "
		"statistics. A collector that does not read is disconnected, and told everything "
		"again on its next connection; see `weft bmp`.",
	},
	{
	    .path = "bmp[].name",
	    AT(name),
	    .type = OPT_NAME,
	    .max = 63,
	    .effect = OPT_LIVE,
	    .brief = "name of the collector",
	    .doc = "Unique, without blanks. The default is its address.",
	},
	{
	    .path = "bmp[].address",
	    AT(addr),
	    .type = OPT_ADDR,
	    .flags = OPT_F_REQUIRED,
	    .effect = OPT_LIVE,
	    .brief = "address of the collector",
	    .doc = "An IPv4 or IPv6 address, not a link-local one.",
	},
	{
	    .path = "bmp[].port",
	    AT(port),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 65535,
	    .dflt = "11019",
	    .effect = OPT_LIVE,
	    .brief = "TCP port to connect to",
	},
	{
	    .path = "bmp[].sourceAddress",
	    AT(source),
	    .type = OPT_KERNEL_SOURCE,
	    .dflt = "none",
	    .aliases = OPT_WORDS("localAddress"),
	    .effect = OPT_LIVE,
	    .brief = "own address of the connection",
	    .doc = "`none` (the kernel chooses), `nodeIP` (see `node.ip`) or an address.",
	},
	{
	    .path = "bmp[].monitor",
	    AT(monitor),
	    .type = OPT_FLAGS,
	    .flags = OPT_F_NONEMPTY,
	    .max = 8,
	    .words = OPT_WORDS("adj-rib-in-pre", "adj-rib-in-post", "adj-rib-out-post", "loc-rib"),
	    .dflt = "adj-rib-in-pre loc-rib",
	    .effect = OPT_LIVE,
	    .brief = "the tables it is told about",
	    .doc =
		"`adj-rib-in-pre` is what peers say, `adj-rib-in-post` what import accepts and "
		"makes of it (RFC 7854), `adj-rib-out-post` what peers are told (RFC 8671), and "
		"`loc-rib` the best routes, own ones included (RFC 9069).",
	},
	{
	    .path = "bmp[].statsInterval",
	    AT(stats_s),
	    .type = OPT_DURATION,
	    .min = 1000,
	    .max = UINT64_C(86400) * 1000,
	    .scale = 1000,
	    .zero = "off",
	    .dflt = "60s",
	    .effect = OPT_LIVE,
	    .brief = "time between reports of statistics",
	},
	{
	    .path = "bmp[].connectRetry",
	    AT(retry_ms),
	    .type = OPT_DURATION,
	    .min = 100,
	    .max = 3600 * 1000,
	    .scale = 1,
	    .dflt = "10s",
	    .effect = OPT_LIVE,
	    .brief = "pause before a new attempt to connect",
	    .doc = "It doubles with every attempt that fails, up to 16 times that.",
	},
	{
	    .path = "bmp[].stallTimeout",
	    AT(stall_ms),
	    .type = OPT_DURATION,
	    .min = 1000,
	    .max = 3600 * 1000,
	    .scale = 1,
	    .dflt = "30s",
	    .effect = OPT_LIVE,
	    .brief = "a collector that takes nothing for so long is disconnected",
	},
};

const struct opt_section conf_opts_bmp = OPT_SECTION(rows);
