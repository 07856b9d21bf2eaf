/*
 * Option rows under `peers[]`: one BGP peer each. What stands under `bgp`, too, is
 * inherited from there.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf_peer, member)

/*
 * maxPrefixes stands in three places with the same members: for both families
 * together, and for each of them, which inherit from the common one.
 */
#define MAX_PREFIXES(where, member, common, hide, what)                                            \
	{                                                                                          \
		.path = where,                                                                     \
		.flags = hide,                                                                     \
		.type = OPT_MAP,                                                                   \
		.brief = "limit on received prefixes" what,                                        \
	},                                                                                         \
	    {                                                                                      \
		    .path = where ".limit",                                                        \
		    AT(member.limit),                                                              \
		    .type = OPT_UINT,                                                              \
		    .flags = hide,                                                                 \
		    .min = 1,                                                                      \
		    .max = UINT32_MAX,                                                             \
		    .zero = "off",                                                                 \
		    common(".limit", "100000"),                                                    \
		    .effect = OPT_POLICY,                                                          \
		    .brief = "prefixes a peer may send, per address family",                       \
		    .doc = "Rejected ones count as well. `off` sets no limit.",                    \
	    },                                                                                     \
	    {                                                                                      \
		    .path = where ".warnAt",                                                       \
		    AT(member.warn_pct),                                                           \
		    .type = OPT_PERCENT,                                                           \
		    .flags = hide,                                                                 \
		    .min = 1,                                                                      \
		    .max = 100,                                                                    \
		    .zero = "off",                                                                 \
		    common(".warnAt", "80%"),                                                      \
		    .effect = OPT_POLICY,                                                          \
		    .brief = "share of the limit that is worth a warning",                         \
	    },                                                                                     \
	    {                                                                                      \
		    .path = where ".action",                                                       \
		    AT(member.action),                                                             \
		    .type = OPT_ENUM,                                                              \
		    .flags = hide,                                                                 \
		    .words = OPT_WORDS("restart", "warn", "discard", "idle"),                      \
		    common(".action", "restart"),                                                  \
		    .effect = OPT_POLICY,                                                          \
		    .brief = "what happens beyond the limit",                                      \
		    .doc = "`restart` closes the session and opens it again after `after`; "       \
			   "`idle` closes "                                                        \
			   "it until somebody resets the peer; `discard` keeps the session and "   \
			   "drops "                                                                \
			   "what is over the limit; `warn` only says so.",                         \
	    },                                                                                     \
	{                                                                                          \
		.path = where ".after", AT(member.after_s), .type = OPT_DURATION, .flags = hide,   \
		.min = 1000, .max = UINT64_C(86400) * 1000, .scale = 1000, common(".after", "5m"), \
		.effect = OPT_POLICY, .brief = "pause before the session is opened again",         \
	}
#define MAX_DEFAULT(key, text) .dflt = text
#define MAX_INHERIT(key, text) .inherit = "peers[].maxPrefixes" key

static const struct opt rows[] = {
	{
	    .path = "peers",
	    .type = OPT_LIST,
	    .off = offsetof(struct conf, peers),
	    .elem = sizeof(struct conf_peer),
	    .max = 10000,
	    .brief = "the BGP peers",
	    .doc =
		"Routes to and from eBGP peers follow RFC 8212: nothing passes that was not asked "
		"for. By default a node sends what `advertisements` names and accepts what lies "
		"inside `kernel.permit`; `import` and `export` widen that.",
	},
	{
	    .path = "peers[].name",
	    AT(name),
	    .type = OPT_NAME,
	    .max = 63,
	    .effect = OPT_LIVE,
	    .brief = "name of the peer",
	    .doc = "Unique, without blanks. The default is the peer's address. A peer that changes "
		   "its name is another peer.",
	},
	{
	    .path = "peers[].description",
	    AT(description),
	    .type = OPT_TEXT,
	    .max = 255,
	    .effect = OPT_LIVE,
	    .brief = "free text, shown with the peer",
	},
	{
	    .path = "peers[].enabled",
	    AT(enabled),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_SESSION,
	    .brief = "false keeps the peer down",
	},
	{
	    .path = "peers[].peerIP",
	    AT(peer),
	    .type = OPT_PEER_ADDR,
	    .flags = OPT_F_REQUIRED,
	    .instead = { "peers[].listenRange", "peers[].interface", "peers[].peerSelector" },
	    .aliases = OPT_WORDS("peerAddress", "address"),
	    .effect = OPT_SESSION,
	    .brief = "address of the peer",
	    .doc =
		"An IPv4 or IPv6 address; with a port as 192.0.2.1:1179 or [2001:db8::1]:1179. A "
		"link-local address needs its interface, as fe80::1%eth0 or in `interface`. "
		"`listenRange`, `interface` or `peerSelector` may stand in its place.",
	},
	{
	    .path = "peers[].node",
	    AT(node),
	    .type = OPT_NAME,
	    .max = 253,
	    .effect = OPT_LIVE,
	    .brief = "the one node that has this peer",
	    .doc = "Its `node.name`: that of the Kubernetes Node, or the host's. The default is every "
		   "node.",
	},
	{
	    .path = "peers[].nodeSelector",
	    AT(node_selector),
	    .type = OPT_SELECTOR,
	    .aliases = OPT_WORDS("nodeSelectors"),
	    .effect = OPT_LIVE,
	    .brief = "which nodes have this peer",
	    .doc = "By the labels of the Kubernetes Node: an expression such as "
		   "`rack == \"r1\" && !has(spare)` with `all()`, `has(KEY)`, `==`, `!=`, `in`, `not in`, "
		   "`contains`, `starts with`, `ends with`, `!`, `&&`, `||` and parentheses, or a mapping "
		   "of labels, or Kubernetes' `matchLabels` and `matchExpressions`. The default is every "
		   "node; until the node's labels are known it has no such peer.",
	},
	{
	    .path = "peers[].peerSelector",
	    AT(peer_selector),
	    .type = OPT_SELECTOR,
	    .effect = OPT_LIVE,
	    .brief = "nodes of the cluster that are peers",
	    .doc = "Each node whose labels match, but this one, becomes a peer with the other options "
		   "of this entry, called by the node's name; address and AS number are those of "
		   "`bgp.mesh`. Both ends need it: a node that should answer has such an entry, too.",
	},
	{
	    .path = "peers[].listenRange",
	    AT(ranges),
	    .type = OPT_PREFIX,
	    .flags = OPT_F_MANY | OPT_F_NONEMPTY,
	    .max = 256,
	    .effect = OPT_SESSION,
	    .brief = "prefixes from which peers may connect",
	    .doc =
		"In place of `peerIP`: whoever connects from one of these prefixes becomes a peer "
		"of its own with the settings of this entry, and is called by the entry's name and "
		"its address, as rack/10.0.0.7. weft never connects to such a peer. A peer with "
		"that very `peerIP` comes first, then the longest prefix. Link-local prefixes need "
		"`interface`. A name may have 20 octets here.",
	},
	{
	    .path = "peers[].maxPeers",
	    AT(max_peers),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 10000,
	    .dflt = "100",
	    .needs = "peers[].listenRange",
	    .effect = OPT_LIVE,
	    .brief = "peers that `listenRange` may have at a time",
	    .doc = "Connections beyond it are refused, with an event.",
	},
	{
	    .path = "peers[].forgetAfter",
	    AT(forget_s),
	    .type = OPT_DURATION,
	    .min = 1000,
	    .max = UINT64_C(86400) * 1000,
	    .scale = 1000,
	    .dflt = "1m",
	    .needs = "peers[].listenRange",
	    .effect = OPT_LIVE,
	    .brief = "how long a peer of `listenRange` is kept without a connection",
	    .doc = "So long it is shown, with the reason, and counts for `maxPeers`. One that was "
		   "shut down by command, that waits after a prefix limit, or whose routes are kept "
		   "by graceful restart stays longer.",
	},
	{
	    .path = "peers[].interface",
	    AT(ifname),
	    .type = OPT_IFNAME,
	    .effect = OPT_SESSION,
	    .brief = "interface the peer is on",
	    .doc = "For link-local addresses, which need it. Without `peerIP` and `listenRange` the "
		   "peer is whoever sends router advertisements on this link, and the session runs "
		   "between the link-local addresses: see `uplinks`.",
	},
	{
	    .path = "peers[].port",
	    AT(port),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 65535,
	    .dflt = "179",
	    .effect = OPT_SESSION,
	    .brief = "TCP port to connect to",
	},
	{
	    .path = "peers[].asNumber",
	    AT(remote_as),
	    .type = OPT_REMOTE_AS,
	    .flags = OPT_F_REQUIRED,
	    .instead = { "peers[].interface", "peers[].peerSelector" },
	    .aliases = OPT_WORDS("peerASN"),
	    .effect = OPT_SESSION,
	    .brief = "AS number of the peer",
	    .doc =
		"A number as for `bgp.asNumber`, `internal` (the same as ours) or `external` (any "
		"but ours). A peer that is found on its `interface` is `external` unless something "
		"else stands here, and those of a `peerSelector` have their node's number.",
	},
	{
	    .path = "peers[].localAS",
	    AT(local_as),
	    .type = OPT_ASN,
	    .zero = "off",
	    .aliases = OPT_WORDS("localAs", "localASNumber"),
	    .effect = OPT_SESSION,
	    .brief = "AS number used towards this peer in place of bgp.asNumber",
	    .doc = "For eBGP peers only. The default, `off`, uses `bgp.asNumber`. See "
		   "`localASMode` for what AS paths show.",
	},
	{
	    .path = "peers[].localASMode",
	    AT(local_as_mode),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("replaceAs", "noPrepend", "prepend", "dualAs"),
	    .dflt = "replaceAs",
	    .aliases = OPT_WORDS("localAsMode"),
	    .effect = OPT_SESSION,
	    .brief = "what AS paths show of localAS",
	    .doc =
		"`replaceAs`: paths sent to the peer begin with `localAS` alone. `noPrepend`: they "
		"begin with `localAS` and `bgp.asNumber`. `prepend`: the same, and paths received "
		"from the peer get `localAS` in front. `dualAs`: as `replaceAs`, and a peer that "
		"refuses `localAS` in our OPEN is offered `bgp.asNumber` next, in turns.",
	},
	{
	    .path = "peers[].allowAsIn",
	    AT(allow_as_in),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 10,
	    .zero = "off",
	    .dflt = "off",
	    .aliases = OPT_WORDS("allowASIn"),
	    .effect = OPT_POLICY,
	    .brief = "accept AS paths that hold our own AS number up to so many times",
	    .doc = "For sites of one AS that reach each other through another one. The default, "
		   "`off`, rejects them as loops (RFC 4271 section 9.1.2).",
	},
	{
	    .path = "peers[].asOverride",
	    AT(as_override),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_POLICY,
	    .brief = "write our AS number over the peer's in AS paths sent to it",
	    .doc = "For eBGP peers: sites of one AS accept each other's routes through this node. "
		   "It disarms the peer's own loop check.",
	},
	{
	    .path = "peers[].removePrivate",
	    AT(remove_private),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("off", "onlyPrivate", "leading", "all", "replace"),
	    .dflt = "off",
	    .aliases = OPT_WORDS("removePrivateAS"),
	    .effect = OPT_POLICY,
	    .brief = "take private AS numbers out of AS paths sent to this peer",
	    .doc =
		"For eBGP peers. Private are 64512 to 65534 and 4200000000 to 4294967294 (RFC "
		"6996). `onlyPrivate` takes all of them out of paths that hold no public number, "
		"`leading` those in front of the first public number, `all` every one, and "
		"`replace` writes our own number in the place of every one. The peer's own number "
		"stays in any case, else it could not see a loop; ours is put in front afterwards.",
	},
	{
	    .path = "peers[].enforceFirstAs",
	    AT(enforce_first_as),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .aliases = OPT_WORDS("enforceFirstAS"),
	    .effect = OPT_POLICY,
	    .brief = "reject routes of an eBGP peer whose AS path does not begin with its AS",
	    .doc = "`false` for route servers, which leave their own number out (RFC 7947 section "
		   "2.2.2.1).",
	},
	{
	    .path = "peers[].role",
	    AT(role),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("off", "provider", "rs-server", "rs-client", "customer", "peer"),
	    .dflt = "off",
	    .effect = OPT_SESSION,
	    .brief = "our role towards this eBGP peer (RFC 9234)",
	    .doc =
		"What this node is to the peer: `customer` on an uplink to a provider, `provider` "
		"towards a customer, `peer` between equals, `rs-server` and `rs-client` for route "
		"servers. Both sides tell each other; a session between roles that do not fit is "
		"refused. Routes then carry Only to Customer (OTC) and do not leak: what came from "
		"a provider, a peer or a route server goes to customers only.",
	},
	{
	    .path = "peers[].strictRole",
	    AT(strict_role),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_SESSION,
	    .brief = "refuse a peer that does not tell its role",
	},
	{
	    .path = "peers[].passive",
	    AT(passive),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_SESSION,
	    .brief = "wait for the peer to connect",
	},
	{
	    .path = "peers[].sourceAddress",
	    AT(source),
	    .type = OPT_PEER_SOURCE,
	    .dflt = "nodeIP",
	    .aliases = OPT_WORDS("localAddress"),
	    .effect = OPT_SESSION,
	    .brief = "own address of the connection",
	    .doc =
		"`nodeIP` (see `node.ip`; towards link-local peers the link-local address of the "
		"interface), `none` (the kernel chooses), an address, or the name of an interface "
		"whose address is used.",
	},
	{
	    .path = "peers[].ebgpMultihop",
	    AT(multihop_ttl),
	    .type = OPT_MULTIHOP,
	    .zero = "false",
	    .dflt = "false",
	    .effect = OPT_SESSION,
	    .brief = "the eBGP peer is not on a shared link",
	    .doc = "`true`, or the TTL to send. Without it packets to eBGP peers leave with TTL 1.",
	},
	{
	    .path = "peers[].ttlSecurity",
	    AT(ttl_security),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 254,
	    .zero = "off",
	    .dflt = "off",
	    .effect = OPT_SESSION,
	    .brief = "refuse packets from farther away than so many hops (GTSM, RFC 5082)",
	    .doc = "1 for a peer on the link. Sends TTL 255 and wants at least 255 minus the hops, "
		   "plus one. Both sides must do it: BIRD, FRR and most routers send TTL 1 to eBGP "
		   "peers unless told otherwise, and such a session would never come up, therefore "
		   "the default is `off`. Not together with `ebgpMultihop`.",
	},
	{
	    .path = "peers[].password",
	    .type = OPT_MAP,
	    .brief = "TCP MD5 password (RFC 2385)",
	    .doc = "Never in the configuration itself. A missing or empty secret keeps this peer "
		   "down, with the reason, and no other. A reload reads it again, and a new one is "
		   "given to the session as it is: change the peer's within its hold time and the "
		   "session stays up. With `listenRange` the kernel wants the password from everybody "
		   "in the prefixes who has none of his own. At most 963 peers and prefixes of a "
		   "family can have one.",
	},
	{
	    .path = "peers[].password.file",
	    AT(password_file),
	    .type = OPT_FILE,
	    .max = 4095,
	    .effect = OPT_LIVE,
	    .brief = "file that holds the password and nothing else",
	    .doc =
		"At most 80 octets without the line end. A relative path starts at the "
		"configuration's directory. The file lies below that directory, /etc/weft or one "
		"that weftd was started with (--secret-dir).",
	},
	{
	    .path = "peers[].password.env",
	    AT(password_env),
	    .type = OPT_ENVNAME,
	    .max = 255,
	    .effect = OPT_LIVE,
	    .brief = "environment variable of weftd with the password",
	},
	{
	    .path = "peers[].password.secretKeyRef",
	    .type = OPT_MAP,
	    .brief = "key of a Secret of Kubernetes",
	    .doc = "The Secret is watched by its name (kubernetes.namespace): "
		   "a change is given to the session as it is, a Secret"
		   " or key that is not there keeps this peer down, with the reason. "
		   "While the API server is away what was read last counts.",
	},
	{
	    .path = "peers[].password.secretKeyRef.name",
	    AT(password_secret),
	    .type = OPT_NAME,
	    .max = 253,
	    .effect = OPT_LIVE,
	    .brief = "name of the Secret, in the namespace of weft's own",
	},
	{
	    .path = "peers[].password.secretKeyRef.key",
	    AT(password_key),
	    .type = OPT_NAME,
	    .max = 253,
	    .effect = OPT_LIVE,
	    .brief = "key in its data",
	},
	{
	    .path = "peers[].tcpAO",
	    AT(ao_names),
	    .type = OPT_NAME,
	    .flags = OPT_F_MANY | OPT_F_NONEMPTY,
	    .max = 63,
	    .effect = OPT_SESSION,
	    .brief = "TCP-AO keys (RFC 5925), by their names in tcpAOKeys",
	    .doc = "At most four. The first one is sent with, any of them is accepted. In place of `password`. A "
		   "kernel without TCP-AO (before Linux 6.7, or without CONFIG_TCP_AO) keeps this "
		   "peer down, with that reason, and no other.",
	},
	{
	    .path = "peers[].timers",
	    .type = OPT_MAP,
	    .brief = "timers of this peer",
	},
	{
	    .path = "peers[].timers.connectRetry",
	    AT(timers.connect_retry_ms),
	    .type = OPT_DURATION,
	    .min = 100,
	    .max = 3600 * 1000,
	    .scale = 1,
	    .inherit = "bgp.timers.connectRetry",
	    .effect = OPT_LIVE,
	    .brief = "time between attempts to connect",
	},
	{
	    .path = "peers[].timers.hold",
	    AT(timers.hold_s),
	    .type = OPT_DURATION,
	    .min = 3 * 1000,
	    .max = 65535 * 1000,
	    .scale = 1000,
	    .zero = "0",
	    .inherit = "bgp.timers.hold",
	    .effect = OPT_SESSION,
	    .brief = "hold time offered to this peer",
	},
	{
	    .path = "peers[].timers.keepalive",
	    AT(timers.keepalive_s),
	    .type = OPT_DURATION,
	    .min = 1000,
	    .max = 21845 * 1000,
	    .scale = 1000,
	    .zero = "auto",
	    .inherit = "bgp.timers.keepalive",
	    .effect = OPT_SESSION,
	    .brief = "time between keepalives to this peer",
	    .doc = "A peer that sets `hold` and not this one gets `auto`.",
	},
	{
	    .path = "peers[].timers.sendHold",
	    AT(timers.send_hold_s),
	    .type = OPT_DURATION,
	    .min = 3 * 1000,
	    .max = 65535 * 1000,
	    .scale = 1000,
	    .zero = "auto",
	    .inherit = "bgp.timers.sendHold",
	    .effect = OPT_LIVE,
	    .brief = "how long this peer may take nothing of what it is sent",
	},
	{
	    .path = "peers[].families",
	    AT(families),
	    .type = OPT_FLAGS,
	    .flags = OPT_F_NONEMPTY,
	    .max = 8,
	    .words = OPT_WORDS("ipv4", "ipv6"),
	    .dflt = "ipv4 ipv6",
	    .effect = OPT_SESSION,
	    .brief = "address families on this session",
	    .doc = "Both run on one session, whatever family it is connected with, if the peer "
		   "offers them, too.",
	},
	MAX_PREFIXES(
	    "peers[].maxPrefixes", max_common, MAX_DEFAULT, OPT_F_NODUMP, " of either family"),
	MAX_PREFIXES("peers[].maxPrefixes.ipv4", max[0], MAX_INHERIT, 0, ", IPv4 alone"),
	MAX_PREFIXES("peers[].maxPrefixes.ipv6", max[1], MAX_INHERIT, 0, ", IPv6 alone"),
	{
	    .path = "peers[].nextHopMode",
	    AT(next_hop_mode),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("auto", "self", "keep"),
	    .dflt = "auto",
	    .effect = OPT_POLICY,
	    .brief = "next hop of routes sent to this peer",
	    .doc =
		"`self` announces this node, `keep` leaves the next hop as it was learned; own "
		"routes carry this node always. `auto` is `self` to eBGP peers and `keep` to iBGP "
		"peers, but for routes of an eBGP peer on a link of this node, whose next hop "
		"other nodes need not know: those carry this node.",
	},
	{
	    .path = "peers[].nextHop",
	    .type = OPT_MAP,
	    .brief = "addresses announced in place of this node's own",
	    .doc =
		"For every route that would carry this node as next hop (see `nextHopMode`), such as "
		"a service address or the address of a router that leads here.",
	},
	{
	    .path = "peers[].nextHop.ipv4",
	    AT(next_hop[0]),
	    .type = OPT_ADDR,
	    .min = 4,
	    .effect = OPT_POLICY,
	    .brief = "next hop of IPv4 routes",
	},
	{
	    .path = "peers[].nextHop.ipv6",
	    AT(next_hop[1]),
	    .type = OPT_ADDR,
	    .min = 6,
	    .effect = OPT_POLICY,
	    .brief = "next hop of IPv6 routes",
	},
	{
	    .path = "peers[].extendedNextHop",
	    AT(ext_next_hop),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("auto", "true", "false"),
	    .dflt = "auto",
	    .effect = OPT_SESSION,
	    .brief = "IPv4 routes with IPv6 next hops (RFC 8950)",
	    .doc = "`auto` offers it on sessions over IPv6. When the peer offers it, too, IPv4 "
		   "routes on such a session carry this node's IPv6 address, so that links need "
		   "no IPv4 addresses.",
	},
	{
	    .path = "peers[].routeReflectorClient",
	    AT(rr_client),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_SESSION,
	    .brief =
		"reflect routes of other iBGP peers to this one and its routes to them (RFC 4456)",
	},
	{
	    .path = "peers[].addPath",
	    .type = OPT_MAP,
	    .brief = "several paths per prefix (RFC 7911)",
	},
	{
	    .path = "peers[].addPath.receive",
	    AT(addpath.receive),
	    .type = OPT_BOOL,
	    .inherit = "bgp.addPath.receive",
	    .effect = OPT_SESSION,
	    .brief = "accept several paths per prefix from this peer",
	},
	{
	    .path = "peers[].addPath.send",
	    AT(addpath.send),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("none", "all", "equal"),
	    .inherit = "bgp.addPath.send",
	    .effect = OPT_SESSION,
	    .brief = "which paths of a prefix this peer is sent",
	    .doc = "See `bgp.addPath.send`.",
	},
	{
	    .path = "peers[].addPath.maxPaths",
	    AT(addpath.max_paths),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 255,
	    .inherit = "bgp.addPath.maxPaths",
	    .effect = OPT_POLICY,
	    .brief = "paths of one prefix that this peer is sent at most",
	},
	{
	    .path = "peers[].gracefulRestart",
	    .type = OPT_MAP,
	    .brief = "graceful restart with this peer",
	},
	{
	    .path = "peers[].gracefulRestart.enabled",
	    AT(gr.enabled),
	    .type = OPT_BOOL,
	    .inherit = "bgp.gracefulRestart.enabled",
	    .effect = OPT_SESSION,
	    .brief = "offer it to this peer and keep its routes while it restarts",
	},
	{
	    .path = "peers[].gracefulRestart.longLived",
	    AT(gr.longlived_s),
	    .type = OPT_DURATION,
	    .max = 16777215 * 1000ull,
	    .scale = 1000,
	    .zero = "off",
	    .inherit = "bgp.gracefulRestart.longLived",
	    .effect = OPT_SESSION,
	    .brief = "how long routes of a peer that does not come back stay as a last resort (RFC 9494)",
	},
	{
	    .path = "peers[].gracefulRestart.longLivedFamilies",
	    AT(gr.longlived_families),
	    .type = OPT_FLAGS,
	    .flags = OPT_F_NONEMPTY,
	    .max = 8,
	    .words = OPT_WORDS("ipv4", "ipv6"),
	    .inherit = "bgp.gracefulRestart.longLivedFamilies",
	    .effect = OPT_SESSION,
	    .brief = "address families in which routes stay that long",
	},
	{
	    .path = "peers[].gracefulRestart.longLivedWithoutPeer",
	    AT(gr.longlived_alone),
	    .type = OPT_BOOL,
	    .inherit = "bgp.gracefulRestart.longLivedWithoutPeer",
	    .effect = OPT_LIVE,
	    .brief = "last known good: keep them whatever the peer grants or says",
	},
	{
	    .path = "peers[].extendedMessages",
	    AT(ext_msg),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_SESSION,
	    .brief = "offer messages of up to 65535 octets (RFC 8654)",
	    .doc = "Used when the peer offers them, too. A route whose attributes do not fit into "
		   "4096 octets is not announced to peers without, and an event says so.",
	},
	{
	    .path = "peers[].import",
	    AT(import),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("permitted", "all"),
	    .effect = OPT_POLICY,
	    .brief = "which of the peer's routes are accepted",
	    .doc =
		"`permitted` accepts what lies inside `kernel.permit`, `all` everything; into the "
		"kernel goes only what is permitted, in either case. The default is `permitted` "
		"for eBGP and `all` for iBGP peers.",
	},
	{
	    .path = "peers[].export",
	    AT(export),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("own", "all"),
	    .effect = OPT_POLICY,
	    .brief = "which routes the peer is sent",
	    .doc =
		"`own` sends what `advertisements` names, `all` every best route that BGP's rules "
		"allow; routes of eBGP peers reach other eBGP peers only with `bgp.transit`. The "
		"default is `own` for eBGP and `all` for iBGP peers.",
	},
	{
	    .path = "peers[].acceptBlackhole",
	    AT(accept_blackhole),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_POLICY,
	    .brief = "accept host routes with the community blackhole from this eBGP peer",
	    .doc =
		"RFC 7999. `false`, the default, rejects routes that ask for it. With `true` host "
		"routes that `import` accepts are taken: a blackhole route goes into the kernel, "
		"within `kernel.permit` as for all routes, and no other AS is told of it.",
	},
	{
	    .path = "peers[].honorGracefulShutdown",
	    AT(honor_graceful_shutdown),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .aliases = OPT_WORDS("honourGracefulShutdown"),
	    .effect = OPT_POLICY,
	    .brief = "use routes with the community graceful-shutdown last (RFC 8326)",
	    .doc = "Routes of an eBGP peer that carry it get local preference 0.",
	},
	{
	    .path = "peers[].bfd",
	    AT(bfd),
	    .type = OPT_BFD,
	    .max = CONF_NAME_MAX,
	    .effect = OPT_LIVE,
	    .brief = "notice a dead path to the peer by BFD (RFC 5880)",
	    .doc = "The name of a profile of `bfdProfiles`; `true` is the one called default, or one "
		   "packet each 300 ms and three that may be missing. `false` is none. The default is "
		   "`bgp.bfd`. A BGP session comes up without BFD, too: the peer may learn it later.",
	},
	{
	    .path = "peers[].bfdMultihop",
	    AT(bfd_multihop),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("auto", "true", "false"),
	    .dflt = "auto",
	    .effect = OPT_LIVE,
	    .brief = "BFD over routers (RFC 5883) in place of BFD on the link (RFC 5881)",
	    .doc = "`auto` looks whether the peer's address is on a link of this node. Both sides "
		   "have to agree: they are different UDP ports.",
	},
	{
	    .path = "peers[].fastFallover",
	    AT(fast_fallover),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_LIVE,
	    .brief = "end the session at once when its link is lost",
	    .doc = "An eBGP peer on the link, or a link-local one, is given up when its interface "
		   "loses its carrier, goes down, or loses the subnet; any peer, when this node loses "
		   "the session's own address. Otherwise, and with `false`, the session lasts until "
		   "its hold time is over. Routes by a lost link are never kept in use, either way.",
	},
	{
	    .path = "peers[].filters",
	    AT(filters),
	    .type = OPT_NAME,
	    .flags = OPT_F_MANY,
	    .max = CONF_NAME_MAX,
	    .effect = OPT_POLICY,
	    .brief = "names of the filters for this peer's routes, in their order",
	    .doc = "The rules of all of them are one list for each direction and family; a route "
		   "that none of them accepts or rejects is treated as `import` and `export` say. "
		   "The default is `bgp.filters`; an empty list is none.",
	},
};

#undef AT
#define AT(member) .off = offsetof(struct conf_ao_key, member)

static const struct opt ao_rows[] = {
	{
	    .path = "tcpAOKeys",
	    .type = OPT_LIST,
	    .off = offsetof(struct conf, ao_keys),
	    .elem = sizeof(struct conf_ao_key),
	    .max = 1000,
	    .effect = OPT_SESSION,
	    .brief = "keys for TCP-AO (RFC 5925): master key tuples",
	    .doc = "Which peers use them is in `peers[].tcpAO`.",
	},
	{
	    .path = "tcpAOKeys[].name",
	    AT(name),
	    .type = OPT_NAME,
	    .flags = OPT_F_REQUIRED,
	    .max = 63,
	    .effect = OPT_SESSION,
	    .brief = "name of the key, for peers[].tcpAO",
	},
	{
	    .path = "tcpAOKeys[].sendID",
	    AT(send_id),
	    .type = OPT_UINT,
	    .flags = OPT_F_REQUIRED,
	    .max = 255,
	    .effect = OPT_SESSION,
	    .brief = "KeyID of segments sent with it: the peer's recvID",
	},
	{
	    .path = "tcpAOKeys[].recvID",
	    AT(recv_id),
	    .type = OPT_UINT,
	    .flags = OPT_F_REQUIRED,
	    .max = 255,
	    .effect = OPT_SESSION,
	    .brief = "KeyID of segments received with it: the peer's sendID",
	},
	{
	    .path = "tcpAOKeys[].algorithm",
	    AT(algorithm),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("hmac-sha1", "aes-128-cmac"),
	    .dflt = "hmac-sha1",
	    .effect = OPT_SESSION,
	    .brief = "how segments are signed (RFC 5926)",
	},
	{
	    .path = "tcpAOKeys[].file",
	    AT(file),
	    .type = OPT_FILE,
	    .flags = OPT_F_REQUIRED,
	    .max = 4095,
	    .effect = OPT_SESSION,
	    .brief = "file that holds the key and nothing else",
	    .doc = "As for `peers[].password.file`.",
	},
};

const struct opt_section conf_opts_peers = OPT_SECTION(rows);
const struct opt_section conf_opts_ao_keys = OPT_SECTION(ao_rows);
