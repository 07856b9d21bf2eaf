/*
 * The configuration: parsed, defaulted and validated.
 *
 * conf_load() turns the text of one YAML file into a `struct conf` in which every
 * option has its effective value: defaults are filled in, what a peer inherits from
 * `bgp` is copied into the peer, aliases and merges are gone. It opens no file and
 * asks no environment itself; the caller gives the text and a `struct conf_env`.
 * Nothing here looks at the machine: `auto`, interface names and the like are
 * stored as they are written, and the agent resolves them.
 *
 * Everything is found in one go: conf_load() collects up to CONF_ERRS_MAX findings,
 * each with file, line, column, option, what was wanted and what was found. With any
 * error there is no configuration; warnings leave it valid.
 *
 * The options themselves (names, ranges, defaults, words) are in one table,
 * lib/conf_table.h; doc/man/weft.yaml.5 is their reference.
 */
#ifndef LIB_CONF_H
#define LIB_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/ip.h"
#include "lib/iprange.h"

#define CONF_IFNAME_LEN 16 /* IFNAMSIZ, with the NUL */
#define CONF_ERRS_MAX	50
#define CONF_TEXT_MAX	(4u << 20) /* octets of one file */
#define CONF_NAME_MAX	63 /* octets of a name */
#define CONF_PORT_BGP	179
#define CONF_TABLE_MAIN 254
#define CONF_KEYS_MAX	963 /* MD5 keys that a listener takes with the kernel's usual memory */
#define CONF_RANGE_NAME_MAX 20 /* octets of a listenRange's name: an address is put behind it */
#define CONF_PROTOCOL	212 /* kernel route protocol: nobody's (not 186: zebra deletes those) */

/* ---- small parts --------------------------------------------------------- */

/* Lists; v is NULL when n is 0. They belong to the struct conf. */
struct conf_strs {
	char **v;
	size_t n;
};
struct conf_addrs {
	struct ip_addr *v;
	size_t n;
};
struct conf_prefixes {
	struct ip_prefix *v;
	size_t n;
};
struct conf_asns {
	uint32_t *v;
	size_t n;
};

/* Which options of a struct were written in the file (or derived); private to lib/conf*. */
struct conf_set {
	uint64_t bits[8];
};

/* Address families as a set: CONF_FAMILY(IP4) | CONF_FAMILY(IP6). */
#define CONF_FAMILY(af) (1u << ((af)-1))

/* How to find an address of the node: node.ip, first rule that gives one wins, per family. */
enum conf_ip_how {
	CONF_IP_AUTO,	   /* the address of the interface the default route leaves through */
	CONF_IP_ADDR,	   /* this address */
	CONF_IP_INTERFACE, /* interface=eth0 */
	CONF_IP_CIDR,	   /* cidr=10.0.0.0/16: the address inside it */
	CONF_IP_CAN_REACH, /* can-reach=10.0.0.1: the source address the kernel would use */
};
struct conf_ip_rule {
	enum conf_ip_how how;
	struct ip_addr addr;	      /* ADDR, CAN_REACH */
	struct ip_prefix cidr;	      /* CIDR */
	char ifname[CONF_IFNAME_LEN]; /* INTERFACE */
};
struct conf_ip_rules {
	struct conf_ip_rule *v;
	size_t n; /* at least 1 */
};

/* Where connections (peers[].sourceAddress) and routes (kernel.sourceAddress) start from. */
enum conf_source_how {
	CONF_SOURCE_NODE_IP,
	CONF_SOURCE_NONE, /* the kernel chooses */
	CONF_SOURCE_ADDR,
	CONF_SOURCE_INTERFACE, /* peers only: an address of that interface */
};
struct conf_source {
	enum conf_source_how how;
	struct ip_addr addr;
	char ifname[CONF_IFNAME_LEN];
};
struct conf_sources {
	struct conf_source *v;
	size_t n;
};

/* Address and port; off: addr.af is IP_NONE. */
struct conf_endpoint {
	struct ip_addr addr;
	uint32_t port;
};

/*
 * A community: RFC 1997 (v[0] holds its 32 bits), large, RFC 8092, or, in filters only,
 * extended, RFC 4360 (v[0] and v[1] hold its 64 bits).
 */
struct conf_community_value {
	bool large, ext;
	uint32_t v[3];
};
struct conf_community_values {
	struct conf_community_value *v;
	size_t n;
};

/* ---- node ---------------------------------------------------------------- */

struct conf_node {
	char *name;
	struct conf_ip_rules ip;
	struct conf_prefixes pod_cidrs; /* n == 0: `auto` (on a plain host: none) */
};

/* ---- kubernetes ---------------------------------------------------------- */

enum conf_auto { CONF_AUTO, CONF_ON, CONF_OFF };

struct conf_kube {
	enum conf_auto enabled;	   /* AUTO: with a kubeconfig, or in a pod with a service account */
	char *kubeconfig;	   /* NULL: the pod's service account; may be relative */
	char *server;		   /* https://HOST[:PORT] in place of what the credentials name; NULL */
	char *namespace;	   /* NULL: as the credentials say */
};

/* ---- bgp ----------------------------------------------------------------- */

struct conf_timers {
	uint32_t connect_retry_ms;
	uint32_t hold_s;      /* 0: no keepalives at all, else 3 to 65535 */
	uint32_t keepalive_s; /* 0: a third of the negotiated hold time */
	uint32_t send_hold_s; /* 0: the greater of 8 minutes and twice the hold time */
};

struct conf_listen {
	bool enabled;
	uint32_t port;		 /* 0: do not listen */
	struct conf_addrs addrs; /* n == 0: wildcard of both families */
};

struct conf_gr {
	bool enabled;
	uint32_t restart_s;   /* restart time we announce, 0 to 4095 */
	uint32_t deferral_ms; /* bgp only: end of deferral without progress */
	uint32_t longlived_s; /* RFC 9494, 0: off */
	uint32_t longlived_families; /* CONF_FAMILY()s */
	bool longlived_alone; /* whatever the peer grants */
};

/* Which paths of a prefix a peer is sent (RFC 7911). */
enum conf_addpath_send {
	CONF_ADDPATH_NONE,  /* the best one, without a path id */
	CONF_ADDPATH_ALL,   /* every usable one */
	CONF_ADDPATH_EQUAL, /* the best one and those used beside it */
};

struct conf_addpath {
	bool receive;
	enum conf_addpath_send send;
	uint32_t max_paths; /* per prefix, 1 to 255 */
};

struct conf_peer;
struct conf_peers {
	struct conf_peer *v;
	size_t n;
};

struct conf_bgp {
	uint32_t asn;	      /* this node's (struct conf_env) */
	uint32_t cluster_asn; /* as written: of nodes that have no other */
	struct ip_addr router_id; /* af IP_NONE: auto */
	struct conf_listen listen;
	struct conf_timers timers; /* already copied into the peers */
	struct conf_gr gr;	   /* enabled and restart_s are copied into the peers */
	struct ip_addr cluster_id; /* af IP_NONE: the router id */
	uint32_t multipath;	   /* equal paths used at most, 1 to 64 */
	bool weighted_multipath;   /* by their link bandwidths (RFC 10005) */
	struct conf_addpath addpath; /* already copied into the peers */
	struct conf_strs filters;  /* already copied into the peers */
	char *bfd;		   /* already copied into the peers */
	bool transit;		   /* pass routes of one eBGP peer on to other eBGP peers */
	bool client_to_client;	   /* reflect routes of clients to other clients (RFC 4456) */
	uint32_t confed_id;	   /* RFC 5065: the confederation's AS number; 0: none */
	struct conf_asns confed_members; /* the other Member-AS numbers */
	enum conf_auto mesh_enabled;	 /* AUTO: in a cluster without reflectors; see conf_expand.h */
	struct conf_peers mesh;		 /* n 1: what mesh peers are made of; 0: of defaults only */
	char *rr_selector;		 /* which nodes are route reflectors; NULL: none */
	struct ip_addr rr_cluster_id;	 /* theirs; af IP_NONE: cluster_id */
};

/* ---- peers --------------------------------------------------------------- */

enum conf_peer_as {
	CONF_AS_NUMBER,
	CONF_AS_INTERNAL, /* ours; asn holds it */
	CONF_AS_EXTERNAL, /* any but ours; asn is 0 */
};

struct conf_remote_as {
	enum conf_peer_as how;
	uint32_t asn;
};

/* peers[].peerIP with what may be written into it. */
struct conf_peer_addr {
	struct ip_addr addr; /* ifindex is 0 always: see ifname */
	uint32_t port;	     /* 0: not given here */
	char ifname[CONF_IFNAME_LEN];
};

enum conf_max_action {
	CONF_MAX_RESTART, /* close the session, try again after after_s */
	CONF_MAX_WARN,	  /* say so and go on */
	CONF_MAX_DISCARD, /* keep the session, drop what is over the limit */
	CONF_MAX_IDLE,	  /* close the session until somebody says otherwise */
};

struct conf_max_prefixes {
	uint32_t limit;	   /* 0: none */
	uint32_t warn_pct; /* warn at this share of the limit, 1 to 100; 0: never */
	enum conf_max_action action;
	uint32_t after_s;
};

enum conf_next_hop_mode {
	CONF_NEXT_HOP_AUTO, /* self to eBGP peers, kept to iBGP peers */
	CONF_NEXT_HOP_SELF,
	CONF_NEXT_HOP_KEEP,
};

/* Which received routes are accepted at all (RFC 8212: nothing by accident). */
enum conf_import {
	CONF_IMPORT_PERMITTED, /* inside kernel.permit; default for eBGP */
	CONF_IMPORT_ALL,       /* default for iBGP */
};

enum conf_export {
	CONF_EXPORT_OWN, /* what `advertisements` names; default for eBGP */
	CONF_EXPORT_ALL, /* every best route; eBGP to eBGP only with bgp.transit; default for iBGP
			  */
};

/* localASMode: who gets to see localAS, and beside which numbers. */
enum conf_local_as_mode {
	CONF_LOCAL_AS_REPLACE,	  /* the peer sees localAS alone */
	CONF_LOCAL_AS_NO_PREPEND, /* the peer sees localAS in front of bgp.asNumber */
	CONF_LOCAL_AS_PREPEND,	  /* the same, and routes of the peer get localAS in front */
	CONF_LOCAL_AS_DUAL,	  /* as REPLACE; a peer that refuses localAS is told bgp.asNumber */
};

/* removePrivate: which private AS numbers (RFC 6996) are taken out of AS_PATHs sent. */
enum conf_remove_private {
	CONF_PRIVATE_KEEP,
	CONF_PRIVATE_WHOLE,   /* all, if no number of the path is public */
	CONF_PRIVATE_LEADING, /* those in front of the first public one */
	CONF_PRIVATE_ALL,
	CONF_PRIVATE_REPLACE, /* all become our own number */
};

/* Our role towards the peer (RFC 9234). */
enum conf_role {
	CONF_ROLE_NONE,
	CONF_ROLE_PROVIDER,
	CONF_ROLE_RS,
	CONF_ROLE_RS_CLIENT,
	CONF_ROLE_CUSTOMER,
	CONF_ROLE_PEER,
};

/* Where a peer comes from. */
enum conf_peer_origin {
	CONF_PEER_WRITTEN,
	CONF_PEER_SELECTED, /* out of a peerSelector */
	CONF_PEER_MESH,	    /* out of the mesh, or between reflectors and their clients */
};

/*
 * A peer that is not WRITTEN owns its name and of_node; everything else that it points to belongs
 * to the template that it was made of, which is among struct conf's templates or bgp.mesh.
 */
struct conf_peer {
	struct conf_set set;
	bool uplink;	   /* written under uplinks; for messages only */
	char *name;	   /* unique, never empty */
	char *description; /* NULL: none */
	bool enabled;
	struct conf_peer_addr peer; /* as written; use addr, port and ifname below */
	struct ip_addr addr;	    /* ifindex 0; scope by ifname */
	uint32_t port;
	char ifname[CONF_IFNAME_LEN]; /* "" but for link-local peers and where it is given; with
				       * neither addr nor ranges: see conf_peer_is_unnumbered() */
	struct conf_prefixes ranges; /* n > 0: a template for peers out of them; addr.af IP_NONE */
	uint32_t max_peers, forget_s; /* of such a template */
	struct conf_remote_as remote_as;
	uint32_t local_as; /* 0: bgp.asn; see conf_peer_local_as() */
	bool passive;
	struct conf_source source;
	uint32_t
	    multihop_ttl; /* eBGP over hops: TTL sent, 1 to 255; 0: directly connected (TTL 1) */
	uint32_t ttl_security; /* GTSM (RFC 5082): hops the peer may be away, 1 to 254; 0: off */
	char *password_file;   /* TCP MD5: at most one of the three; NULL: not there; may be relative */
	char *password_env;
	char *password_secret, *password_key; /* name of a Secret and the key in it */
	struct conf_strs ao_names; /* TCP-AO: names of keys, the one to send with first */
	struct conf_timers timers;
	uint32_t families;		     /* set of CONF_FAMILY() */
	struct conf_max_prefixes max_common; /* private: what max[] inherits */
	struct conf_max_prefixes max[2];     /* [0] IPv4, [1] IPv6 */
	enum conf_next_hop_mode next_hop_mode;
	bool rr_client;
	struct conf_gr gr; /* deferral_ms is unused */
	struct conf_addpath addpath;
	struct ip_addr next_hop[2];  /* "self" is announced as: [0] IPv4, [1] IPv6; af IP_NONE: own */
	enum conf_auto ext_next_hop; /* IPv4 over IPv6 next hops (RFC 8950) */
	bool ext_msg;	   /* extended messages (RFC 8654) */
	enum conf_import import;
	enum conf_export export;
	enum conf_local_as_mode local_as_mode;
	uint32_t allow_as_in; /* own AS numbers tolerated in a received AS_PATH; 0: none */
	bool as_override;     /* the peer's AS in AS_PATHs sent to it becomes ours */
	enum conf_remove_private remove_private;
	bool enforce_first_as;
	enum conf_role role;
	bool strict_role; /* a peer without a role is refused */
	bool accept_blackhole;
	bool honor_graceful_shutdown;
	bool fast_fallover;
	struct conf_strs filters; /* names, in the order in which they are asked */
	char *bfd;		  /* NULL or CONF_BFD_OFF: none; see conf_peer_bfd() */
	enum conf_auto bfd_multihop;
	char *node;	     /* only on the node of that name; NULL: on any */
	char *node_selector; /* only on nodes whose labels match; NULL: on any */
	char *peer_selector; /* a template for peers out of the cluster's nodes; NULL: none */
	enum conf_peer_origin origin;
	char *of_node;	     /* not WRITTEN: name of the cluster's node */
};

/* ---- BFD profiles ---------------------------------------------------------- */

#define CONF_BFD_OFF	 "off"
#define CONF_BFD_DEFAULT "default" /* of that name, else with the defaults of all options */

enum conf_bfd_auth {
	CONF_BFD_AUTH_NONE,
	CONF_BFD_AUTH_MD5,
	CONF_BFD_AUTH_METICULOUS_MD5,
	CONF_BFD_AUTH_SHA1,
	CONF_BFD_AUTH_METICULOUS_SHA1,
};

struct conf_bfd {
	struct conf_set set;
	char *name;
	uint32_t rx_ms, tx_ms, multiplier;
	uint32_t min_ttl; /* multihop only */
	bool passive;
	enum conf_bfd_auth auth;
	uint32_t key_id;
	char *password_file, *password_env; /* as those of a peer */
	char *password_secret, *password_key;
};

struct conf_bfds {
	struct conf_bfd *v;
	size_t n;
};

/* ---- TCP-AO keys ----------------------------------------------------------- */

#define CONF_AO_KEYS_MAX 4 /* of one peer */

enum conf_ao_algorithm { CONF_AO_HMAC_SHA1, CONF_AO_AES_128_CMAC }; /* RFC 5926 */

struct conf_ao_key {
	struct conf_set set;
	char *name;
	uint32_t send_id, recv_id; /* KeyIDs, 0 to 255 */
	enum conf_ao_algorithm algorithm;
	char *file; /* may be relative */
};

struct conf_ao_keys {
	struct conf_ao_key *v;
	size_t n;
};

/* ---- advertisements, communities ----------------------------------------- */

enum conf_adv_type {
	CONF_ADV_POD_CIDR,
	CONF_ADV_INTERFACE,
	CONF_ADV_PREFIX,
	CONF_ADV_NODE_IP,
	CONF_ADV_SERVICE,
};

/* Of Services; numbered as in agent/core/services.h. */
enum conf_service_addr { CONF_LB_IP, CONF_EXTERNAL_IP, CONF_CLUSTER_IP };

struct conf_adv {
	struct conf_set set;
	enum conf_adv_type type;
	struct conf_strs interfaces;		  /* INTERFACE: their addresses as host routes */
	bool subnet;				  /* INTERFACE: the connected subnets instead */
	struct conf_prefixes prefixes;		  /* PREFIX */
	uint32_t addresses;			  /* SERVICE: bits 1 << enum conf_service_addr */
	char *selector;				  /* SERVICE: an expression, NULL: all */
	struct conf_strs namespaces;		  /* SERVICE; n == 0: all */
	struct conf_prefixes ranges;		  /* SERVICE: of the addresses; n == 0: all */
	bool annotations;			  /* SERVICE: theirs count */
	struct conf_strs community_names;	  /* as written */
	struct conf_community_values communities; /* the same, resolved, sorted, once each */
	struct conf_strs peers;			  /* names; n == 0: all */
	bool has_local_pref;
	uint32_t local_pref;
	bool has_med;
	uint32_t med;
	uint32_t aggregate[2]; /* [0] IPv4, [1] IPv6: announce a prefix this short instead; 0: off */
};

struct conf_advs {
	struct conf_adv *v;
	size_t n;
};

struct conf_community {
	struct conf_set set;
	char *name;
	struct conf_community_value value;
};

struct conf_communities {
	struct conf_community *v;
	size_t n;
};

/* ---- filters ------------------------------------------------------------- */

enum conf_match_op { CONF_MATCH_IN, CONF_MATCH_NOT_IN, CONF_MATCH_EQUAL, CONF_MATCH_NOT_EQUAL };
enum conf_rule_source {
	CONF_RULE_ANY_SOURCE,
	CONF_RULE_LOCAL,  /* announced by this node */
	CONF_RULE_MESH,	  /* learned by iBGP */
	CONF_RULE_PEER,	  /* learned by eBGP */
	CONF_RULE_REMOTE, /* learned from any peer */
};
enum conf_rule_peer { CONF_RULE_ANY_PEER, CONF_RULE_EBGP, CONF_RULE_IBGP };
enum conf_rule_route {
	CONF_RULE_ANY_ROUTE,
	CONF_RULE_POD_CIDR,
	CONF_RULE_INTERFACE,
	CONF_RULE_PREFIX,
	CONF_RULE_SERVICE,
	CONF_RULE_BGP,
};
enum conf_rule_action { CONF_RULE_CONTINUE, CONF_RULE_ACCEPT, CONF_RULE_REJECT };

/* One change; exactly one member was written (its option's bit in set). */
struct conf_op {
	struct conf_set set;
	uint32_t set_local_pref, add_local_pref, sub_local_pref;
	uint32_t set_med, add_med;
	bool remove_med;
	struct conf_strs set_names, add_names, remove_names; /* communities as written */
	struct conf_community_values communities;	     /* the same, resolved */
	uint32_t prepend_asn; /* 0: bgp.asNumber */
	uint32_t prepend_times;
	struct ip_addr next_hop; /* af IP_NONE: self */
	uint32_t weight;
};
struct conf_ops_list {
	struct conf_op *v;
	size_t n;
};

struct conf_rule {
	struct conf_set set;
	struct ip_prefix cidr; /* af IP_NONE: any */
	enum conf_match_op match_op;
	uint32_t len_min, len_max; /* of the route's prefix */
	struct conf_strs any_names, all_names;
	struct conf_community_values any, all; /* the same, resolved */
	struct conf_asns as_prefix, as_contains, origin_as;
	uint32_t hops_min, hops_max;
	struct ip_prefix next_hop; /* af IP_NONE: any */
	enum conf_rule_source source;
	enum conf_rule_peer peer_type;
	enum conf_rule_route route_type;
	enum conf_rule_action action;
	struct conf_ops_list ops;
};
struct conf_rules {
	struct conf_rule *v;
	size_t n;
};

/* The lists of a filter: which routes they are for. */
enum conf_filter_list {
	CONF_FILTER_IMPORT,
	CONF_FILTER_EXPORT,
	CONF_FILTER_IMPORT4,
	CONF_FILTER_EXPORT4,
	CONF_FILTER_IMPORT6,
	CONF_FILTER_EXPORT6,
	CONF_FILTER_NLISTS
};

struct conf_filter {
	struct conf_set set;
	char *name;
	struct conf_rules rules[CONF_FILTER_NLISTS];
};

struct conf_filters {
	struct conf_filter *v;
	size_t n;
};

/* ---- kernel -------------------------------------------------------------- */

enum conf_protect_what {
	CONF_PROTECT_DEFAULT,	   /* the default route, unless kernel.permit names it exactly */
	CONF_PROTECT_NODE_IP,	   /* the node's own addresses */
	CONF_PROTECT_API_SERVER,   /* the Kubernetes API server */
	CONF_PROTECT_BGP_NEXTHOPS, /* peers and BGP next hops */
	CONF_PROTECT_PREFIX,	   /* an address or prefix from the list */
};
struct conf_protect_item {
	enum conf_protect_what what;
	struct ip_prefix prefix; /* PREFIX */
};
struct conf_protect {
	struct conf_protect_item *v;
	size_t n;
};

enum conf_own_block { CONF_OWN_BLACKHOLE, CONF_OWN_UNREACHABLE, CONF_OWN_NONE };
enum conf_discard { CONF_DISCARD_UNREACHABLE, CONF_DISCARD_NONE };
enum conf_on_stop { CONF_STOP_FLUSH, CONF_STOP_KEEP };
enum conf_sysctls { CONF_SYSCTLS_WARN, CONF_SYSCTLS_MANAGE };

/* Mass-withdraw guard. */
struct conf_guard {
	uint32_t threshold_pct; /* of the installed routes; 0: off */
	uint32_t within_ms, hold_ms;
};

struct conf_kernel {
	bool install;		     /* false: a pure speaker or route reflector */
	struct conf_prefixes permit; /* a route is admitted when inside one of these */
	bool permit_given;	     /* the option was written, if only as an empty list */
	struct conf_protect protect;
	bool protect_given;
	uint32_t table;	   /* never 0 or 255 (local) */
	uint32_t protocol; /* 1 to 255, never one that others use */
	uint32_t metric;
	uint32_t multipath; /* next hops of one route at most */
	enum conf_auto nexthop_objects;
	struct conf_sources source_items; /* as written; use source_how and source */
	enum conf_source_how source_how;  /* NODE_IP, NONE or ADDR */
	struct ip_addr source[2];	  /* ADDR: [0] IPv4, [1] IPv6; af IP_NONE: the node's */
	enum conf_own_block own_block;
	enum conf_discard discard_pod_range;
	enum conf_on_stop on_stop;
	uint32_t max_routes; /* per family, at most this many; 0: no limit */
	enum conf_sysctls sysctls;
	struct conf_guard guard;
};

/* ---- bmp ----------------------------------------------------------------- */

/* Tables a collector is told about, as bits in conf_bmp.monitor. */
enum conf_bmp_table {
	CONF_BMP_IN_PRE = 1 << 0,
	CONF_BMP_IN_POST = 1 << 1,
	CONF_BMP_OUT_POST = 1 << 2,
	CONF_BMP_LOC_RIB = 1 << 3,
};

struct conf_bmp {
	struct conf_set set;
	char *name; /* unique, never empty */
	struct ip_addr addr;
	uint32_t port;
	struct conf_source source; /* NODE_IP, NONE or ADDR */
	uint32_t monitor;	   /* enum conf_bmp_table */
	uint32_t stats_s;	   /* between reports; 0: none */
	uint32_t retry_ms;
	uint32_t stall_ms; /* disconnected when it takes nothing for so long */
};

struct conf_bmps {
	struct conf_bmp *v;
	size_t n;
};

/* ---- cni ---------------------------------------------------------------- */

enum conf_cni_enabled { CONF_CNI_AUTO, CONF_CNI_ON, CONF_CNI_OFF };
enum conf_cni_version { CONF_CNI_0_3_1, CONF_CNI_0_4_0, CONF_CNI_1_0_0 };
enum conf_cni_plugin { CONF_CNI_PTP, CONF_CNI_BRIDGE };

struct conf_cni {
	enum conf_cni_enabled enabled;
	char *name; /* of the file: ends in -weft.conflist */
	enum conf_cni_version version;
	enum conf_cni_plugin plugin;
	char bridge[CONF_IFNAME_LEN];
	uint32_t mtu; /* 0: that of the uplinks */
	bool portmap, bandwidth;
	char *data_dir;
	bool remove; /* when not enabled */
};

/* ---- drain -------------------------------------------------------------- */

enum conf_sigterm { CONF_SIGTERM_DRAIN, CONF_SIGTERM_RESTART, CONF_SIGTERM_STOP };

struct conf_drain {
	bool gshut; /* announce GRACEFUL_SHUTDOWN before withdrawing (RFC 8326) */
	uint32_t settle_ms; /* for traffic to move */
	enum conf_sigterm on_sigterm;
	struct conf_strs on_taints; /* keys of the Node's taints that drain it */
	bool on_cordon;
};

/* ---- loadBalancerPools --------------------------------------------------- */

struct conf_ranges {
	struct ip_range *v;
	size_t n;
};

struct conf_pool {
	struct conf_set set;
	char *name;
	struct conf_ranges addresses;
	bool auto_assign, avoid_buggy;
	char *selector; /* NULL: every Service */
	struct conf_strs namespaces; /* n == 0: all */
};

struct conf_pools {
	struct conf_pool *v;
	size_t n;
};

struct conf_load_balancer {
	char *class; /* NULL: none, or ours */
	bool reclaim;
	uint32_t lease_ms;
};

/* ---- natOutgoing --------------------------------------------------------- */

struct conf_nat {
	bool enabled;
	struct conf_prefixes exclude; /* destinations that are not translated, besides */
};

/* ---- ops ---------------------------------------------------------------- */

enum conf_log_level { CONF_LOG_ERROR, CONF_LOG_WARN, CONF_LOG_INFO, CONF_LOG_DEBUG };
enum conf_log_format { CONF_LOG_TEXT, CONF_LOG_JSON };

struct conf_ops {
	struct conf_endpoint metrics; /* also /livez and /readyz; addr.af IP_NONE: off */
	enum conf_log_level log_level;
	enum conf_log_format log_format;
	enum conf_auto follow; /* load the file again when it changes; AUTO: in Kubernetes */
	uint32_t ready_min_peers; /* Established peers that make the node ready */
	uint32_t converged_timeout_ms; /* then it has its routes, whatever lacks */
};

/* ---- the whole ----------------------------------------------------------- */

struct conf {
	struct conf_set set;
	struct conf_node node;
	struct conf_kube kube;
	struct conf_bgp bgp;
	struct conf_peers uplinks; /* private: they are among the peers, behind all others */
	struct conf_peers peers;
	struct conf_peers templates; /* private: those with peerSelector, once expanded */
	struct conf_bfds bfd;
	struct conf_ao_keys ao_keys;
	struct conf_advs advertisements; /* at least one unless written as [] */
	struct conf_communities communities;
	struct conf_filters filters;
	struct conf_kernel kernel;
	struct conf_bmps bmp;
	struct conf_cni cni;
	struct conf_drain drain;
	struct conf_load_balancer load_balancer;
	struct conf_pools pools;
	struct conf_nat nat;
	bool observe; /* write nothing: no announcement, nothing into the kernel */
	struct conf_ops ops;
};

/* What the configuration may refer to outside itself; borrowed during conf_load(). */
struct conf_env {
	const char *hostname; /* default of node.name; NULL or "": node.name is required */
	/* Value of an environment variable, or NULL; the function may be NULL: none is set. */
	const char *(*getenv)(void *arg, const char *name);
	void *arg;
	uint32_t asn; /* this node's in place of bgp.asNumber; 0: as written */
	bool clustered; /* for a pod: `kubernetes.enabled: auto` is `true` */
};

/* ---- findings ------------------------------------------------------------ */

struct conf_err {
	bool warning;
	uint32_t part;	    /* where it is: index into the parts; 0 with one file */
	uint32_t line, col; /* from 1; 0: about the file as a whole */
	const char *path;   /* option, e.g. peers[2].timers.hold; NULL: the file's form */
	const char *wanted; /* what was wanted; with found NULL a sentence of its own */
	const char *found;  /* what stands there; NULL: see wanted */
	const char *hint;   /* NULL: none; "did you mean ..." and the like */
};

/* What findings say of a part of the configuration (lib/conf_parts.h). */
struct conf_errs_part {
	char *file;		  /* as messages begin */
	bool no_lines;		  /* nobody has seen its text: no positions are shown */
	size_t nerrors, nwarnings; /* as below */
};

struct conf_errs {
	char *file;	    /* of the first part */
	struct conf_err *v; /* by part, line, then column */
	size_t n;
	size_t nerrors, nwarnings; /* all found, also those beyond CONF_ERRS_MAX */
	struct conf_errs_part *part; /* NULL: there is one only */
	size_t nparts;
};

/* All zeros is an empty list, too. conf_errs_free() leaves an empty list. */
void conf_errs_init(struct conf_errs *errs);
void conf_errs_free(struct conf_errs *errs);

/*
 * One finding as one line without newline, owned by the caller (mem_free()):
 *	weft.yaml:3:16: peers[0].timers.hold: want 0, or 3s to 65535s, got "2"
 */
char *conf_err_text(const struct conf_errs *errs, const struct conf_err *e);

/* All findings as such lines, each with its newline, and how many more there were; owned by the
 * caller (mem_free()). */
char *conf_errs_text(const struct conf_errs *errs);

/* The same to a stream. */
void conf_errs_print(const struct conf_errs *errs, FILE *f);

/* ---- loading ------------------------------------------------------------- */

/*
 * Parse, default and check a configuration. `name` is the file's name for messages;
 * text is UTF-8 and need not end in NUL; env may be NULL. Findings are put into errs
 * (initialised by the caller; what it held before is dropped). Returns the
 * configuration, owned by the caller, or NULL with errs->nerrors > 0.
 */
struct conf *conf_load(const struct conf_env *env, const char *name, const char *text, size_t len,
    struct conf_errs *errs);

/* NULL is fine. */
void conf_free(struct conf *c);

/* The TCP-AO key of that name, or NULL. */
const struct conf_ao_key *conf_ao_key_find(const struct conf *c, const char *name);

/* The peer of that name, or NULL. */
const struct conf_peer *conf_peer_find(const struct conf *c, const char *name);

/* The BFD profile of that name, or NULL. */
const struct conf_bfd *conf_bfd_find(const struct conf *c, const char *name);

/* The BFD profile of a peer; NULL: it has no BFD. */
const struct conf_bfd *conf_peer_bfd(const struct conf *c, const struct conf_peer *p);

/* The filter of that name, or NULL. */
const struct conf_filter *conf_filter_find(const struct conf *c, const char *name);

/* Is the peer found on its interface, by router advertisements (RFC 4861)? */
static inline bool
conf_peer_is_unnumbered(const struct conf_peer *p)
{
	return p->addr.af == IP_NONE && p->ranges.n == 0 && p->ifname[0] != '\0';
}

/* Is there any such peer? */
bool conf_has_unnumbered(const struct conf *c);

/* Is the session with that peer internal (RFC 4271 section 1.1)? */
static inline bool
conf_peer_is_ibgp(const struct conf *c, const struct conf_peer *p)
{
	return p->remote_as.how != CONF_AS_EXTERNAL &&
	       p->remote_as.asn == (p->local_as ? p->local_as : c->bgp.asn);
}

/* Is the peer in another Member-AS of our confederation (RFC 5065)? */
bool conf_peer_is_confed(const struct conf *c, const struct conf_peer *p);

/* The AS number we use towards that peer: outside of a confederation its identifier. */
uint32_t conf_peer_local_as(const struct conf *c, const struct conf_peer *p);

/* Does kernel.protect contain that word? */
bool conf_protects(const struct conf *c, enum conf_protect_what what);

/*
 * The effective configuration as YAML, owned by the caller. Loading it again gives
 * an equal configuration: conf_dump() of that is the same text. No secret is in it:
 * passwords are names of files and variables.
 */
char *conf_dump(const struct conf *c);

/* ---- what a reload changes ----------------------------------------------- */

enum conf_change {
	CONF_SAME,
	CONF_LIVE,    /* takes effect without touching session or routes (description, ...) */
	CONF_POLICY,  /* what is accepted or sent changes; the session stays up */
	CONF_SESSION, /* the session must be closed and opened again */
	CONF_ADDED,
	CONF_REMOVED,
};

struct conf_peer_diff {
	const char *name; /* borrowed from the peer */
	enum conf_change change;
	const char *why;	     /* the option that decided, static; NULL: none */
	const struct conf_peer *was; /* NULL: added */
	const struct conf_peer *now; /* NULL: removed */
};

struct conf_diff {
	struct conf_peer_diff *v; /* every peer of either configuration, new order first */
	size_t n;
	bool node, bgp, advertisements, kernel, bmp, ops; /* anything under these keys differs */
};

/* Compare two configurations; the result borrows from both. */
struct conf_diff *conf_diff(const struct conf *was, const struct conf *now);
void conf_diff_free(struct conf_diff *d);

/* "unchanged", "policy", "session", "added", ... */
const char *conf_change_str(enum conf_change change);

#endif
