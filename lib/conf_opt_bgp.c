/*
 * Option rows under `bgp`: the speaker and what its peers inherit.
 */
#include "lib/conf_opts.h"

#define AT(member) .off = offsetof(struct conf, bgp.member)

static const struct opt rows[] = {
	{
	    .path = "bgp",
	    .type = OPT_MAP,
	    .brief = "the BGP speaker",
	},
	{
	    .path = "bgp.asNumber",
	    AT(asn),
	    .type = OPT_ASN,
	    .flags = OPT_F_REQUIRED,
	    .aliases = OPT_WORDS("localASN"),
	    .effect = OPT_SESSION,
	    .brief = "own AS number",
	    .doc = "A number such as 4200000001 or the same in two halves, 64086.59905 (RFC 5396). "
		   "0, 23456, 65535 and 4294967295 are reserved and refused.",
	},
	{
	    .path = "bgp.routerID",
	    AT(router_id),
	    .type = OPT_ROUTERID,
	    .zero = "auto",
	    .effect = OPT_SESSION,
	    .brief = "BGP identifier",
	    .doc = "Written as an IPv4 address, unique among the speakers of an AS (RFC 6286). "
		   "`auto`, the default, takes the node's IPv4 address, else a hash of its name.",
	},
	{
	    .path = "bgp.listen",
	    .type = OPT_MAP,
	    .brief = "incoming connections",
	},
	{
	    .path = "bgp.listen.enabled",
	    AT(listen.enabled),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_LIVE,
	    .brief = "accept connections at all",
	},
	{
	    .path = "bgp.listen.port",
	    AT(listen.port),
	    .type = OPT_UINT,
	    .max = 65535,
	    .dflt = "179",
	    .effect = OPT_LIVE,
	    .brief = "TCP port to listen on",
	    .doc = "0 does not listen, as `enabled: false`.",
	},
	{
	    .path = "bgp.listen.addresses",
	    AT(listen.addrs),
	    .type = OPT_ADDR,
	    .flags = OPT_F_MANY,
	    .max = 64,
	    .aliases = OPT_WORDS("address"),
	    .effect = OPT_LIVE,
	    .brief = "addresses to listen on",
	    .doc = "They need not exist yet. The default, an empty list, listens on every address "
		   "of both families. Only configured peers are answered in any case.",
	},
	{
	    .path = "bgp.timers",
	    .type = OPT_MAP,
	    .brief = "timers of all peers that do not set their own",
	},
	{
	    .path = "bgp.timers.connectRetry",
	    AT(timers.connect_retry_ms),
	    .type = OPT_DURATION,
	    .min = 100,
	    .max = 3600 * 1000,
	    .scale = 1,
	    .dflt = "2s",
	    .effect = OPT_LIVE,
	    .brief = "time between attempts to connect",
	},
	{
	    .path = "bgp.timers.hold",
	    AT(timers.hold_s),
	    .type = OPT_DURATION,
	    .min = 3 * 1000,
	    .max = 65535 * 1000,
	    .scale = 1000,
	    .zero = "0",
	    .dflt = "9s",
	    .effect = OPT_LIVE,
	    .brief = "hold time offered to peers",
	    .doc = "A peer that is silent for so long is down; the lower offer of the two sides "
		   "counts (RFC 4271 section 4.2). Whole seconds. 0 sends no keepalives and never "
		   "notices.",
	},
	{
	    .path = "bgp.timers.keepalive",
	    AT(timers.keepalive_s),
	    .type = OPT_DURATION,
	    .min = 1000,
	    .max = 21845 * 1000,
	    .scale = 1000,
	    .zero = "auto",
	    .effect = OPT_LIVE,
	    .brief = "time between keepalives",
	    .doc = "Whole seconds, less than `hold`. `auto`, the default, is a third of the hold "
		   "time that was agreed on.",
	},
	{
	    .path = "bgp.timers.sendHold",
	    AT(timers.send_hold_s),
	    .type = OPT_DURATION,
	    .min = 3 * 1000,
	    .max = 65535 * 1000,
	    .scale = 1000,
	    .zero = "auto",
	    .effect = OPT_LIVE,
	    .brief = "how long a peer may take nothing of what it is sent (RFC 9687)",
	    .doc = "A peer that has stopped reading is down then, although it may still send. Whole "
		   "seconds. `auto`, the default, is the greater of 8 minutes and twice the hold "
		   "time; none with a hold time of 0.",
	},
	{
	    .path = "bgp.gracefulRestart",
	    .type = OPT_MAP,
	    .brief = "graceful restart (RFC 4724)",
	},
	{
	    .path = "bgp.gracefulRestart.enabled",
	    AT(gr.enabled),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_LIVE,
	    .brief = "keep forwarding while a speaker restarts",
	    .doc = "Offers graceful restart to the peers, and keeps the routes of a peer that "
		   "restarts, marked stale.",
	},
	{
	    .path = "bgp.gracefulRestart.restartTime",
	    AT(gr.restart_s),
	    .type = OPT_DURATION,
	    .max = 4095 * 1000,
	    .scale = 1000,
	    .dflt = "120s",
	    .effect = OPT_SESSION,
	    .brief = "how long peers wait for this node to come back",
	},
	{
	    .path = "bgp.gracefulRestart.deferral",
	    AT(gr.deferral_ms),
	    .type = OPT_DURATION,
	    .min = 1000,
	    .max = 120 * 1000,
	    .scale = 1,
	    .dflt = "10s",
	    .effect = OPT_LIVE,
	    .brief = "longest wait without progress after an own restart",
	    .doc = "After a restart the node waits until every peer has sent all its routes or has "
		   "failed; so long without any progress, or 120 s in all, ends the wait.",
	},
	{
	    .path = "bgp.gracefulRestart.longLived",
	    AT(gr.longlived_s),
	    .type = OPT_DURATION,
	    .max = 16777215 * 1000ull,
	    .scale = 1000,
	    .zero = "off",
	    .effect = OPT_SESSION,
	    .brief = "how long routes of a peer that does not come back stay as a last resort (RFC 9494)",
	    .doc = "When the restart time of a peer is over, its routes stay so much longer: less "
		   "preferred than any other route, marked with the community llgr-stale, and "
		   "announced to peers that know it (others inside get them with local preference 0 "
		   "and no-export). The peer's own time counts where it is shorter. Routes with the "
		   "community no-llgr go. Off unless asked for, as RFC 9494 requires: what is kept "
		   "may be wrong by then.",
	},
	{
	    .path = "bgp.gracefulRestart.longLivedFamilies",
	    AT(gr.longlived_families),
	    .type = OPT_FLAGS,
	    .flags = OPT_F_NONEMPTY,
	    .max = 8,
	    .words = OPT_WORDS("ipv4", "ipv6"),
	    .dflt = "ipv4 ipv6",
	    .effect = OPT_SESSION,
	    .brief = "address families in which routes stay that long",
	},
	{
	    .path = "bgp.gracefulRestart.longLivedWithoutPeer",
	    AT(gr.longlived_alone),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_LIVE,
	    .brief = "last known good: keep them whatever the peer grants or says",
	    .doc = "For reflectors, which forward nothing themselves: when all of them are gone, "
		   "routes stay for the time of longLived also if the reflector offers no graceful "
		   "restart, a shorter time, or ended the session with a message, other than a Hard "
		   "Reset; over a restart of this node as well, if no peer at all is up. They go "
		   "when it is back and has told its routes, when the time is over, "
		   "or when the peer is reset, stopped or removed here.",
	},
	{
	    .path = "bgp.clusterID",
	    AT(cluster_id),
	    .type = OPT_ROUTERID,
	    .zero = "auto",
	    .effect = OPT_SESSION,
	    .brief = "cluster identifier of a route reflector (RFC 4456)",
	    .doc = "Written as an IPv4 address. `auto`, the default, is the router ID; reflectors "
		   "that serve the same clients may share one.",
	},
	{
	    .path = "bgp.nodeToNodeMeshEnabled",
	    AT(mesh_enabled),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("auto", "true", "false"),
	    .dflt = "auto",
	    .effect = OPT_LIVE,
	    .brief = "peer with every other node of the Kubernetes cluster",
	    .doc = "Sessions are made, changed and removed as nodes come, change and go. `auto`, the "
		   "default, is `true` unless `bgp.routeReflector` names reflectors. On a plain host "
		   "there is no mesh.",
	},
	{
	    .path = "bgp.mesh",
	    AT(mesh),
	    .type = OPT_LIST,
	    .elem = sizeof(struct conf_peer),
	    .flags = OPT_F_ONE,
	    .like = "peers",
	    .max = 1,
	    .effect = OPT_LIVE,
	    .brief = "settings of the peers between nodes",
	    .doc = "The options of `peers[]`, for the peers of the mesh and those between route "
		   "reflectors and their clients: `bfd`, `password`, `filters`, `timers`, `families` "
		   "and so on. What says who the peer is does not stand here: each is called by its "
		   "node's name, has the node's InternalIP (of the first family in `families` that "
		   "both nodes have) and its AS number, which is that of the annotation "
		   "`weft.dev/as-number`, else `bgp.asNumber`. Between nodes of different AS numbers "
		   "`ebgpMultihop` is on unless `ttlSecurity` is. A node whose address `peers` name is "
		   "no peer twice: what stands there counts.",
	},
	{
	    .path = "bgp.routeReflector",
	    .type = OPT_MAP,
	    .brief = "nodes of the cluster that reflect routes (RFC 4456)",
	},
	{
	    .path = "bgp.routeReflector.selector",
	    AT(rr_selector),
	    .type = OPT_SELECTOR,
	    .effect = OPT_LIVE,
	    .brief = "which nodes",
	    .doc = "By their labels, as an expression such as `has(rr)` or a mapping of labels. "
		   "Reflectors peer with each other and with all other nodes, which are their clients "
		   "and peer with reflectors only. While the cluster moves from a mesh to reflectors or "
		   "back, old sessions stay until the routes have come over the new ones.",
	},
	{
	    .path = "bgp.routeReflector.clusterID",
	    AT(rr_cluster_id),
	    .type = OPT_ROUTERID,
	    .zero = "auto",
	    .effect = OPT_POLICY,
	    .brief = "cluster identifier of these reflectors",
	    .doc = "Written as an IPv4 address. A node's annotation `weft.dev/cluster-id` goes before "
		   "it; `auto`, the default, is `bgp.clusterID`.",
	},
	{
	    .path = "bgp.clientToClientReflection",
	    AT(client_to_client),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_POLICY,
	    .brief = "reflect routes of clients to other clients (RFC 4456)",
	    .doc = "`false` where the clients of a reflector have sessions among themselves; "
		   "routes of clients then go to other iBGP peers only.",
	},
	{
	    .path = "bgp.confederation",
	    .type = OPT_MAP,
	    .brief = "AS confederation (RFC 5065)",
	    .doc = "`bgp.asNumber` then is the number of this node's Member-AS, and peers whose "
		   "`asNumber` is another member's are sessions inside the confederation: "
		   "LOCAL_PREF, MED and next hop are kept, and `import` and `export` are `all` by "
		   "default as for iBGP peers.",
	},
	{
	    .path = "bgp.confederation.identifier",
	    AT(confed_id),
	    .type = OPT_ASN,
	    .zero = "off",
	    .effect = OPT_SESSION,
	    .brief = "AS number that peers outside of the confederation see",
	},
	{
	    .path = "bgp.confederation.members",
	    AT(confed_members),
	    .type = OPT_ASN,
	    .flags = OPT_F_MANY,
	    .max = 256,
	    .aliases = OPT_WORDS("peers"),
	    .effect = OPT_SESSION,
	    .brief = "numbers of the Member-ASes",
	    .doc = "The node's own number may be among them or not.",
	},
	{
	    .path = "bgp.multipath",
	    AT(multipath),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 64,
	    .dflt = "16",
	    .effect = OPT_POLICY,
	    .brief = "next hops of equal paths used at once",
	    .doc =
		"Paths that are equal up to the length of their AS path share the traffic; those "
		"with one next hop count once. 1 uses the best one only. See also "
		"`kernel.multipath`.",
	},
	{
	    .path = "bgp.weightedMultipath",
	    AT(weighted_multipath),
	    .type = OPT_BOOL,
	    .dflt = "true",
	    .effect = OPT_POLICY,
	    .brief = "share traffic by link bandwidth (RFC 10005)",
	    .doc = "When every path in use carries the extended community Link Bandwidth, the next "
		   "hops get traffic in proportion to it; `weft route` and `weft fib` show the "
		   "weights. Routers send it only where they were told to, therefore the default is "
		   "`true`. If one path is without it, or has 0, all get the same share.",
	},
	{
	    .path = "bgp.addPath",
	    .type = OPT_MAP,
	    .brief = "several paths per prefix (RFC 7911), for all peers that do not set it",
	},
	{
	    .path = "bgp.addPath.receive",
	    AT(addpath.receive),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_SESSION,
	    .brief = "accept several paths per prefix",
	    .doc = "A peer that offers to send them is then taken at its word. Each path counts "
		   "for `maxPrefixes`; equal ones share the traffic (`bgp.multipath`), as with "
		   "paths of several peers. Of one prefix a peer may have 255 paths; more are "
		   "dropped, and said so.",
	},
	{
	    .path = "bgp.addPath.send",
	    AT(addpath.send),
	    .type = OPT_ENUM,
	    .words = OPT_WORDS("none", "all", "equal"),
	    .dflt = "none",
	    .effect = OPT_SESSION,
	    .brief = "which paths of a prefix peers are sent",
	    .doc = "`none` sends the best one, as BGP without this extension does. `equal` sends "
		   "the best one and those used beside it (`bgp.multipath`), one for each next "
		   "hop: what the clients of a route reflector need for equal-cost multipath. `all` sends every usable one. "
		   "Peers that do not offer to receive several are sent the best one in any case. "
		   "A change between `all` and `equal` leaves the session up.",
	},
	{
	    .path = "bgp.addPath.maxPaths",
	    AT(addpath.max_paths),
	    .type = OPT_UINT,
	    .min = 1,
	    .max = 255,
	    .dflt = "16",
	    .effect = OPT_POLICY,
	    .brief = "paths of one prefix that are sent at most, the best ones first",
	},
	{
	    .path = "bgp.filters",
	    AT(filters),
	    .type = OPT_NAME,
	    .flags = OPT_F_MANY | OPT_F_NODUMP,
	    .max = CONF_NAME_MAX,
	    .effect = OPT_POLICY,
	    .brief = "names of the filters of peers that name none",
	    .doc = "See `peers[].filters`.",
	},
	{
	    .path = "bgp.bfd",
	    AT(bfd),
	    .type = OPT_BFD,
	    .flags = OPT_F_NODUMP,
	    .max = CONF_NAME_MAX,
	    .effect = OPT_LIVE,
	    .brief = "BFD for peers that do not say whether they want it",
	    .doc = "See `peers[].bfd`.",
	},
	{
	    .path = "bgp.transit",
	    AT(transit),
	    .type = OPT_BOOL,
	    .dflt = "false",
	    .effect = OPT_POLICY,
	    .brief = "pass routes of one eBGP peer on to other eBGP peers",
	    .doc = "Also needs `export: all` on the peers that shall get them. With `false`, the "
		   "default, a node with two uplinks never becomes a path between them.",
	},
};

const struct opt_section conf_opts_bgp = OPT_SECTION(rows);
