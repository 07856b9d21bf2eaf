/*
 * The typed messages between weft-agent and weft-bgpd, and between weft-agent
 * and weft-bfdd: the one header that they share.
 *
 * Three SOCK_SEQPACKET channels join the two processes (control, routes,
 * queries), so that none delays another.  A message is its type (2 octets,
 * network order) and the fields of its struct in order, written with lib/wire.
 * One table, ipc_desc[], holds for every type who may send it, on which
 * channel, its shortest and longest form, and whether a descriptor comes with
 * it.  Anything unknown, too short, too long, on another channel or from the
 * wrong sender closes the channels, and the launcher restarts the child.
 *
 * One more channel (IPC_CHAN_BFD) joins agent and bfdd, with messages of its own.
 *
 * Messages are intents and observations, never netlink octets; keys (MD5) and
 * passwords never cross, but for those of BFD, which signs its packets itself.  Every struct below is plain data that owns nothing:
 * decoding copies into it.  Texts are NUL-terminated, at most their array's
 * size less one; the receiver treats them as untrusted and escapes them.
 *
 * The core of bgpd uses the same structs as its configuration and its views,
 * so that nothing is described twice.
 */
#ifndef LIB_IPCMSG_H
#define LIB_IPCMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"

#define IPC_VERSION	  1
#define IPC_MAX_OCTETS	  32768 /* longest message on any channel */
#define IPC_NAME_MAX	  64	/* peer names, event names */
#define IPC_TEXT_MAX	  256	/* reasons and event texts */
#define IPC_DRAIN_TEXT_MAX 129 /* why a peer is drained: what RFC 8203 allowed, and NUL */
#define IPC_PATH_TEXT_MAX 1024	/* AS_PATH or a community list as text */
#define IPC_PREFIXES_MAX  1024	/* prefixes in one ROUTE, ROUTE_DEL or CONF_PERMIT */
#define IPC_VERDICTS_MAX  512
#define IPC_MEMBERS_MAX	  64 /* next hops of one set */
#define IPC_COMM_MAX	  64 /* communities on one announcement of ours */
#define IPC_ONLY_MAX	  64 /* peers that one announcement is restricted to */
#define IPC_GONE_MAX	  256 /* peers in one CONF_OTHERS */
#define IPC_CONFED_MAX	  256 /* other Member-ASes of a confederation (RFC 5065) */
#define IPC_FILTERS_MAX	  16 /* filters of one peer */
#define IPC_FILTER_VALUES_MAX 64 /* communities or AS numbers in one condition or operation */
#define IPC_FILTER_OPS_MAX 16 /* operations of one rule */
#define IPC_BFD_KEY_MAX	  20 /* octets of a BFD key (RFC 5880 section 4.4) */
#define IPC_IFNAME_MAX	  16
#define IPC_PEER_NONE	  0  /* peer ids start at 1; 0 is "local" or "any" */

enum ipc_side { IPC_AGENT, IPC_BGPD, IPC_BFDD };
enum ipc_chan {
	IPC_CHAN_CONTROL,
	IPC_CHAN_ROUTES,
	IPC_CHAN_QUERIES,
	IPC_NCHANS,		   /* of bgpd */
	IPC_CHAN_BFD = IPC_NCHANS, /* the only one of bfdd */
};

enum ipc_type {
	/* control channel */
	IPC_HELLO = 1,	   /* both ways, first on the control channel */
	IPC_CONF_BEGIN,	   /* agent: a whole configuration follows */
	IPC_CONF_SPEAKER,  /* agent */
	IPC_CONF_PEER,	   /* agent, one for each peer */
	IPC_CONF_PERMIT,   /* agent, none or more: prefixes that import accepts */
	IPC_CONF_FILTER,   /* agent, one for each rule of each filter, in their order */
	IPC_CONF_END,	   /* agent: apply it, all at once */
	IPC_CONF_APPLIED,  /* bgpd */
	IPC_ORIGINATE,	   /* agent: announce this prefix (its local route is there) */
	IPC_ORIGINATE_DEL, /* agent: and no longer */
	IPC_ORIGINATE_END, /* agent: everything known at start has been sent */
	IPC_CONN_REQ,	   /* bgpd: connect to that peer */
	IPC_CONN_CANCEL,   /* bgpd: no longer wanted */
	IPC_CONN_DONE,	   /* agent: connected (with the descriptor) or failed */
	IPC_CONN_IN,	   /* agent: accepted (with the descriptor) */
	IPC_PEER_ADD,	   /* agent: a dynamic peer, or a changed one, at any time after CONF_END */
	IPC_PEER_GONE,	   /* bgpd: that dynamic peer is forgotten */
	IPC_CONN_LEND,	   /* agent: lend me that peer's connections */
	IPC_CONN_LENT,	   /* bgpd: one of them, with its descriptor */
	IPC_PEER_CMD,	   /* agent: an operator's command for one peer */
	IPC_SHUTDOWN,	   /* agent: close everything */
	IPC_SHUTDOWN_DONE, /* bgpd: everything is closed */
	IPC_EVENT,	   /* bgpd: something for the log and the event table */
	IPC_CONF_BMP,	   /* agent, one for each collector, before CONF_END */
	IPC_BMP_REQ,	   /* bgpd: connect to that collector */
	IPC_BMP_DONE,	   /* agent: connected (with the descriptor) or failed */
	IPC_MRT_START,	   /* agent: write MRT records into that pipe (with the descriptor) */
	IPC_MRT_STOP,	   /* agent: that is enough */
	IPC_MRT_DONE,	   /* bgpd: all is written, or nothing more can be */
	IPC_DRAINED,	   /* bgpd: a peer was sent all of a step of its drain */
	/* routes channel */
	IPC_NHSET,	/* bgpd: names a next-hop set */
	IPC_NHSET_DEL,	/* bgpd: no route refers to it any more */
	IPC_ROUTE,	/* bgpd: these prefixes go by that set */
	IPC_ROUTE_DEL,	/* bgpd */
	IPC_SYNC_BEGIN, /* bgpd: a full state follows */
	IPC_SYNC_END,	/* bgpd: what was not named since SYNC_BEGIN goes */
	IPC_NH_WATCH,	/* bgpd: tell me about this next hop, or no longer */
	IPC_NH_STATE,	/* agent: the answer, and every change of it */
	IPC_VERDICT,	/* agent: what became of routes */
	/* queries channel */
	IPC_QUERY,	  /* agent */
	IPC_QUERY_CREDIT, /* agent: room for so many more rows */
	IPC_QUERY_CANCEL, /* agent */
	IPC_ROW_PEER,	  /* bgpd */
	IPC_ROW_PATH,	  /* bgpd */
	IPC_ROW_STATS,	  /* bgpd */
	IPC_QUERY_END,	  /* bgpd */
	IPC_ROW_BMP,	  /* bgpd */
	/* channel of bfdd */
	IPC_BFD_BEGIN,	 /* agent: all sessions follow */
	IPC_BFD_SESSION, /* agent: have this session so, whether it is new or not */
	IPC_BFD_DEL,	 /* agent: no longer */
	IPC_BFD_END,	 /* agent: sessions not named since BFD_BEGIN go, too */
	IPC_BFD_STATE,	 /* bfdd: a change of state; after BFD_END also what each session is in */
	IPC_BFD_QUERY,	 /* agent */
	IPC_ROW_BFD,	 /* bfdd: one for each session */
	IPC_BFD_STATS,	 /* bfdd: ends the rows of a query */
	/* control channel again */
	IPC_RA_SOCKET,	  /* agent: router advertisements come and go here (with the descriptor) */
	IPC_PEER_ADDR,	  /* bgpd: who was found at an unnumbered peer's interface */
	IPC_PEER_SESSION, /* bgpd: a session came up, has told all of its routes, or went down */
	IPC_CONF_OTHERS,  /* agent, before CONF_END: peers that are not named stay, but these */
	IPC_NTYPES
};

/* ---- control ------------------------------------------------------------- */

struct ipc_hello {
	uint16_t version; /* IPC_VERSION; anything else ends the child */
	/* The rest from the agent only. */
	bool restarting;     /* forwarding state was kept: set the R bit (RFC 4724 section 3) */
	uint32_t adopted[2]; /* routes found in the kernel, IPv4 and IPv6: the F bit per family */
	uint64_t seed;	     /* for jitter and hashes */
};

struct ipc_conf_begin {
	uint32_t gen; /* generation of the configuration, rises */
};

enum ipc_asn_mode { IPC_ASN_NUMBER, IPC_ASN_INTERNAL, IPC_ASN_EXTERNAL };
enum ipc_nexthop_mode { IPC_NEXTHOP_AUTO, IPC_NEXTHOP_SELF, IPC_NEXTHOP_KEEP };
enum ipc_maxpfx_action { IPC_MAXPFX_RESTART, IPC_MAXPFX_WARN, IPC_MAXPFX_DISCARD, IPC_MAXPFX_IDLE };


/* What AS_PATHs show of local_asn. */
enum ipc_local_as_mode {
	IPC_LOCAL_AS_REPLACE,	 /* sent: local_asn alone */
	IPC_LOCAL_AS_NO_PREPEND, /* sent: local_asn in front of the speaker's AS */
	IPC_LOCAL_AS_PREPEND,	 /* the same; received: local_asn in front */
	IPC_LOCAL_AS_DUAL,	 /* as REPLACE; OPENs show it and the speaker's AS in turns */
};

/* Private AS numbers (RFC 6996) in AS_PATHs sent. */
enum ipc_private {
	IPC_PRIVATE_KEEP,
	IPC_PRIVATE_WHOLE,   /* removed when there is no public one */
	IPC_PRIVATE_LEADING, /* removed in front of the first public one */
	IPC_PRIVATE_ALL,     /* removed */
	IPC_PRIVATE_REPLACE, /* replaced by our own */
};

/* Our role towards a peer: that of RFC 9234 section 4.1, plus one. */
enum ipc_role {
	IPC_ROLE_NONE,
	IPC_ROLE_PROVIDER,
	IPC_ROLE_RS,
	IPC_ROLE_RS_CLIENT,
	IPC_ROLE_CUSTOMER,
	IPC_ROLE_PEER,
};

struct ipc_conf_speaker {
	uint32_t asn;
	uint32_t router_id;  /* host order, not 0 (RFC 6286) */
	uint32_t cluster_id; /* host order, 0: the router id (RFC 4456) */
	uint8_t multipath;   /* equal paths used, 1 to 64 */
	bool weighted;	     /* by their link bandwidths (RFC 10005) */
	bool transit;	     /* pass eBGP routes on to other eBGP peers that have export_all */
	bool install;	     /* the agent installs routes: wait for its verdict before re-announcing */
	bool observe;	     /* announce nothing, claim no forwarding state */
	bool gr_enabled;     /* RFC 4724 */
	uint16_t gr_restart_time_s;  /* 0 to 4095 */
	uint32_t gr_deferral_ms;     /* without progress; 120 s in any case */
	bool no_client_to_client;    /* a reflector keeps clients' routes from clients (RFC 4456) */
	uint32_t confed_id;	     /* RFC 5065: shown outside, asn is our Member-AS; 0: none */
	uint16_t nmembers;
	uint32_t member[IPC_CONFED_MAX]; /* Member-ASes; asn may be among them */
	bool no_routes; /* the agent would refuse every route: it is told of none */
};

struct ipc_maxpfx {
	uint32_t limit;	  /* paths of that family kept, rejected ones included; 0: no limit */
	uint8_t warn_pct; /* 0 to 100; 0: no warning */
	uint8_t action;	  /* enum ipc_maxpfx_action */
	uint32_t after_s; /* RESTART: idle that long */
};

/* Which paths of a prefix a peer is sent (RFC 7911). */
enum ipc_addpath {
	IPC_ADDPATH_NONE,  /* the best one, without a path id */
	IPC_ADDPATH_ALL,   /* every usable one */
	IPC_ADDPATH_EQUAL, /* the best one and those used beside it */
};

enum ipc_auto { IPC_AUTO, IPC_ON, IPC_OFF };

/* Steps of a drain (RFC 8326 section 4.2), in their order. */
enum ipc_drain {
	IPC_DRAIN_NONE,
	IPC_DRAIN_SIGNAL,   /* all that is announced carries GRACEFUL_SHUTDOWN */
	IPC_DRAIN_WITHDRAW, /* nothing is announced any more */
	IPC_DRAIN_DOWN,	    /* Cease, Administrative Shutdown with the text (RFC 9003) */
};

struct ipc_conf_peer {
	uint32_t id;	      /* from 1, given by the agent, stays with the name */
	char name[IPC_NAME_MAX];
	struct ip_addr addr;  /* with ifindex for link-local addresses */
	bool unnumbered;      /* addr is IPv6, unspecified, and the ifindex only: whoever sends router
			       * advertisements there is the peer */
	char ifname[IPC_IFNAME_MAX]; /* of such a peer, for words */
	uint8_t asn_mode;     /* enum ipc_asn_mode */
	uint32_t asn;	      /* for IPC_ASN_NUMBER */
	uint32_t local_asn;   /* 0: the speaker's */
	bool passive;	      /* never connect */
	bool enabled;	      /* false: administratively down */
	bool dynamic;	      /* forgotten when it was unused for forget_ms: PEER_GONE */
	uint32_t forget_ms;
	uint32_t transport;   /* another number: what the agent alone knows (source address, hop limits,
			       * keys) has changed, so that the session starts again */
	uint32_t range;	      /* what announcements may name it by beside its id; 0: nothing */
	bool onlink;	      /* eBGP and not multihop: next hops are on the shared link */
	bool rr_client;	      /* RFC 4456 */
	bool import_all;      /* accept everything; else what CONF_PERMIT covers (RFC 8212) */
	bool export_all;      /* announce everything that the type of peer allows, else own routes */
	bool gr_enabled;
	uint32_t llgr_time_s[2]; /* RFC 9494: offered, and at most granted, by family; 0: none, else < 2^24 */
	bool llgr_alone;      /* last known good: granted whatever the peer offers or says */
	bool ext_msg;	      /* offer extended messages (RFC 8654) */
	uint8_t ext_next_hop; /* enum ipc_auto: IPv4 over IPv6 next hops (RFC 8950); auto: on IPv6 */
	struct ip_addr next_hop[2]; /* announced as "self": [0] IPv4, [1] IPv6; af 0: own addresses */
	uint8_t families;     /* bit 0 IPv4, bit 1 IPv6 unicast */
	uint8_t next_hop_mode; /* enum ipc_nexthop_mode */
	bool addpath_receive;  /* RFC 7911: several paths per prefix */
	uint8_t addpath_send;  /* enum ipc_addpath */
	uint8_t addpath_max;   /* paths sent per prefix at most, from 1 */
	uint16_t hold_s;      /* 0, or 3 to 65535 (RFC 4271 section 4.2) */
	uint16_t keepalive_s; /* 0: a third of the negotiated hold time */
	uint16_t send_hold_s; /* 0: the greater of 8 minutes and twice the hold time (RFC 9687) */
	uint32_t connect_retry_ms;
	struct ipc_maxpfx maxpfx[2];
	uint8_t local_as_mode; /* enum ipc_local_as_mode */
	uint8_t allow_as_in;   /* own AS numbers tolerated in a received AS_PATH */
	bool as_override;      /* the peer's AS becomes ours in what it is sent */
	uint8_t private_as;    /* enum ipc_private */
	bool any_first_as;     /* eBGP: AS_PATH need not begin with the peer's AS */
	uint8_t role;	       /* enum ipc_role */
	bool strict_role;      /* a peer that tells no role is refused */
	bool accept_blackhole; /* RFC 7999 */
	bool ignore_gshut;     /* GRACEFUL_SHUTDOWN says nothing (RFC 8326) */
	uint8_t drain;	       /* enum ipc_drain; every message with one is answered by DRAINED */
	bool drain_alone;      /* it is drained, the node is not: its routes are left as well */
	char drain_text[IPC_DRAIN_TEXT_MAX]; /* the reason, for NOTIFICATION and views; "": none given */
	uint16_t nfilters;
	uint32_t filter[IPC_FILTERS_MAX]; /* ids of CONF_FILTER, in the order of asking */
};

enum ipc_comm_kind { IPC_COMM_STD, IPC_COMM_EXT, IPC_COMM_LARGE };
struct ipc_comm {
	uint8_t kind;  /* enum ipc_comm_kind */
	uint32_t v[3]; /* 1, 2 or 3 of them, else 0 */
};
struct ipc_comms {
	uint16_t n;
	struct ipc_comm v[IPC_FILTER_VALUES_MAX];
};
struct ipc_asns {
	uint16_t n;
	uint32_t v[IPC_FILTER_VALUES_MAX];
};

enum ipc_match_op {
	IPC_MATCH_OP_IN,
	IPC_MATCH_OP_NOT_IN,
	IPC_MATCH_OP_EQUAL,
	IPC_MATCH_OP_NOT_EQUAL,
};
enum ipc_rule_source {
	IPC_SOURCE_ANY,
	IPC_SOURCE_LOCAL,  /* announced by this node */
	IPC_SOURCE_MESH,   /* learned by iBGP, or from another Member-AS */
	IPC_SOURCE_PEER,   /* learned by eBGP */
	IPC_SOURCE_REMOTE, /* either */
};
enum ipc_rule_peer { IPC_PEER_TYPE_ANY, IPC_PEER_TYPE_EBGP, IPC_PEER_TYPE_IBGP };
enum ipc_rule_route {
	IPC_ROUTE_TYPE_ANY,
	IPC_ROUTE_TYPE_PODCIDR,
	IPC_ROUTE_TYPE_INTERFACE,
	IPC_ROUTE_TYPE_PREFIX,
	IPC_ROUTE_TYPE_SERVICE,
	IPC_ROUTE_TYPE_BGP,
};
enum ipc_rule_action { IPC_RULE_CONTINUE, IPC_RULE_ACCEPT, IPC_RULE_REJECT };
enum ipc_filter_op_kind {
	IPC_OP_SET_LOCAL_PREF, /* value */
	IPC_OP_ADD_LOCAL_PREF,
	IPC_OP_SUB_LOCAL_PREF,
	IPC_OP_SET_MED,
	IPC_OP_ADD_MED,
	IPC_OP_REMOVE_MED,
	IPC_OP_ADD_COMMUNITIES, /* comms */
	IPC_OP_REMOVE_COMMUNITIES,
	IPC_OP_SET_COMMUNITIES,
	IPC_OP_PREPEND,	 /* value: the AS number, times */
	IPC_OP_NEXT_HOP, /* addr; none: self */
	IPC_OP_WEIGHT,	 /* value */
	IPC_NOPS
};
struct ipc_filter_op {
	uint8_t kind; /* enum ipc_filter_op_kind */
	uint8_t times;
	uint32_t value;
	struct ip_addr addr;
	struct ipc_comms comms;
};

/* One rule of a filter.  A condition that is left out (none, 0 to the most, any) always holds. */
struct ipc_conf_filter {
	uint32_t id; /* of the filter, from 1 */
	char name[IPC_NAME_MAX];
	bool export;
	uint8_t af;    /* of the list it stands in; IP_NONE: both families */
	uint16_t rule; /* place in that list, from 1 */
	struct ip_prefix cidr;
	uint8_t match_op; /* enum ipc_match_op */
	uint8_t len_min, len_max;
	struct ipc_comms any, all;
	struct ipc_asns as_prefix, as_contains, origin_as;
	uint16_t hops_min, hops_max;
	struct ip_prefix next_hop;
	uint8_t source, peer_type, route_type; /* enum ipc_rule_... */
	uint8_t action;			       /* enum ipc_rule_action */
	uint16_t nops;
	struct ipc_filter_op op[IPC_FILTER_OPS_MAX];
};

/* Of some thousand peers only those that change are named. */
struct ipc_conf_others {
	uint16_t n;
	uint32_t gone[IPC_GONE_MAX];
};

struct ipc_peer_gone {
	uint32_t peer;
};

struct ipc_peer_addr {
	uint32_t peer;
	struct ip_addr addr; /* link-local with ifindex; af 0: nobody any more */
};

/* How far a session is. */
enum ipc_session {
	IPC_SESSION_DOWN,
	IPC_SESSION_UP,	    /* Established; End-of-RIB (RFC 4724 section 2) is owed for a family */
	IPC_SESSION_PLAIN,  /* Established; the peer has not said that it sends End-of-RIB */
	IPC_SESSION_SYNCED, /* End-of-RIB has come for all families */
};

struct ipc_peer_session {
	uint32_t peer;
	uint8_t session; /* enum ipc_session */
};

struct ipc_drained {
	uint32_t peer;
	uint8_t drain;	/* enum ipc_drain: the step */
	bool up;	/* its session is up */
	bool announced; /* it was sent prefixes before the step */
};

struct ipc_prefixes { /* CONF_PERMIT and ROUTE_DEL */
	uint16_t n;
	struct ip_prefix prefix[IPC_PREFIXES_MAX];
};

struct ipc_conf_applied {
	uint32_t gen;
	uint16_t added, removed, reset, changed; /* peers */
};

enum ipc_origin_kind { IPC_ORIG_PODCIDR, IPC_ORIG_INTERFACE, IPC_ORIG_PREFIX, IPC_ORIG_SERVICE };

struct ipc_originate {
	struct ip_prefix prefix;
	uint8_t kind; /* enum ipc_origin_kind */
	bool has_local_pref, has_med;
	uint32_t local_pref, med;
	bool aggregate; /* stands for longer prefixes (RFC 4271 sections 5.1.6 and 5.1.7) */
	uint16_t ncomm, nlarge, nonly;
	uint32_t comm[IPC_COMM_MAX];	 /* RFC 1997 */
	uint32_t large[IPC_COMM_MAX][3]; /* RFC 8092 */
	uint32_t only[IPC_ONLY_MAX];	 /* ids of peers, or of their ranges, it is restricted to */
};

struct ipc_prefix { /* ORIGINATE_DEL */
	struct ip_prefix prefix;
};

struct ipc_conn_req { /* CONN_REQ and CONN_CANCEL */
	uint32_t peer;
	uint32_t token; /* given by bgpd; the answer carries it */
};

/* Both ends of a connection and what bgpd needs to know of the interface. */
struct ipc_endpoints {
	struct ip_addr local, remote; /* link-local addresses with ifindex */
	uint16_t local_port, remote_port;
	uint32_t ifindex;	/* where the remote address is on the link, else 0 */
	struct ip_addr self4;	/* next hop "self" for IPv4; af 0: none */
	struct ip_addr self6;	/* global IPv6 next hop; af 0: none */
	struct ip_addr self6ll; /* link-local of that interface (RFC 2545); af 0: none */
};

struct ipc_conn_done {
	uint32_t peer, token;
	int32_t err; /* 0: a descriptor comes along; else an errno */
	char why[IPC_TEXT_MAX]; /* the failure in words */
	struct ipc_endpoints ep;
};

struct ipc_conn_in {
	struct ipc_endpoints ep;
};

/* To change the key of a connection that is up: keys never cross, descriptors do. */
struct ipc_conn_lend { /* CONN_LEND and CONN_LENT */
	uint32_t peer;
};

enum ipc_peer_cmd_kind {
	IPC_CMD_RESET,	      /* Cease, Administrative Reset (RFC 4486) */
	IPC_CMD_DOWN,	      /* Cease, Administrative Shutdown, with the text (RFC 9003) */
	IPC_CMD_UP,
	IPC_CMD_REFRESH_IN,   /* ROUTE-REFRESH to the peer (RFC 2918) */
	IPC_CMD_REFRESH_OUT,  /* announce everything again */
	IPC_CMD_LINK_LOST,    /* the session's link or address is gone (text: why): as if TCP were lost */
	IPC_CMD_BFD_DOWN,     /* Cease, BFD Down (RFC 9384); the text says why */
};

struct ipc_peer_cmd {
	uint32_t peer;
	uint8_t cmd; /* enum ipc_peer_cmd_kind */
	char text[IPC_TEXT_MAX];
};

enum ipc_shutdown_mode {
	IPC_SHUT_RESTART, /* peers shall keep our routes: Cease, Administrative Reset to those that
			   * take it so (RFC 8538); TCP of others is closed without (RFC 4724) */
	IPC_SHUT_STOP,	  /* withdraw, then Cease, Administrative Shutdown with the text */
};

struct ipc_shutdown {
	uint8_t mode; /* enum ipc_shutdown_mode */
	char text[IPC_TEXT_MAX];
};

enum ipc_level { IPC_LVL_ERR, IPC_LVL_WARN, IPC_LVL_NOTICE, IPC_LVL_INFO, IPC_LVL_DEBUG };

struct ipc_event {
	uint8_t level; /* enum ipc_level, same order as lib/log.h */
	uint32_t peer; /* IPC_PEER_NONE: not about one peer */
	char name[IPC_NAME_MAX]; /* "peer-up", "update-error", ... */
	char text[IPC_TEXT_MAX]; /* key=value pairs, or a sentence in why="" */
};

/* What a BMP collector is sent: bits (RFC 7854 section 5, RFC 8671, RFC 9069). */
enum ipc_bmp_rib {
	IPC_BMP_IN_PRE = 1 << 0,
	IPC_BMP_IN_POST = 1 << 1,
	IPC_BMP_OUT_POST = 1 << 2,
	IPC_BMP_LOC_RIB = 1 << 3,
};

struct ipc_conf_bmp {
	uint32_t id; /* from 1, given by the agent, stays with the name */
	char name[IPC_NAME_MAX];
	struct ip_addr addr, source; /* of a change of these bgpd makes a new connection */
	uint16_t port;
	uint8_t ribs;	   /* enum ipc_bmp_rib */
	uint32_t stats_s;  /* between Statistics Reports; 0: none */
	uint32_t retry_ms; /* before the first new attempt to connect; doubles up to 16 times that */
	uint32_t stall_ms; /* a collector that takes nothing for so long is given up */
	char sys_name[IPC_NAME_MAX], sys_descr[IPC_NAME_MAX];
};

struct ipc_bmp_req {
	uint32_t id;
	uint32_t token; /* the answer carries it */
};

struct ipc_bmp_done {
	uint32_t id, token;
	int32_t err; /* 0: a descriptor comes along; else an errno */
	char why[IPC_TEXT_MAX];
};

enum ipc_mrt_kind { IPC_MRT_RIB, IPC_MRT_RECORD };

struct ipc_mrt_start {
	uint32_t id;   /* given by the agent */
	uint8_t kind;  /* enum ipc_mrt_kind */
	uint32_t peer; /* RECORD: IPC_PEER_NONE: all */
};

struct ipc_mrt_stop {
	uint32_t id;
};

struct ipc_mrt_done {
	uint32_t id;
	int32_t err; /* of writing; 0: everything that was to be written is */
	uint64_t records, octets;
	uint64_t lost; /* records that were thrown away because the reader was slow */
	char why[IPC_TEXT_MAX]; /* refused, or ended early: the reason; "" otherwise */
};

/* ---- routes -------------------------------------------------------------- */

struct ipc_nh_member {
	struct ip_addr addr; /* BGP next hop, link-local with ifindex */
	uint8_t weight;	     /* 1 to 255, relative */
};

struct ipc_nhset {
	uint32_t id;	 /* from 1; a known id is given new members */
	uint32_t backup; /* set to fall back to when no member is left; 0: none */
	bool discard;	 /* packets are to be dropped here (RFC 7999), not sent on to the members */
	uint16_t n;	 /* 1 to IPC_MEMBERS_MAX; sorted, no duplicates */
	struct ipc_nh_member member[IPC_MEMBERS_MAX];
};

struct ipc_nhset_del {
	uint32_t id;
};

struct ipc_route {
	uint32_t set;
	uint16_t n;
	struct ip_prefix prefix[IPC_PREFIXES_MAX];
};

struct ipc_sync {
	uint32_t gen;
};

struct ipc_nh_watch {
	struct ip_addr addr;
	bool on;
};

struct ipc_nh_state {
	struct ip_addr addr;
	bool resolved;	  /* some usable route leads there */
	bool onlink;	  /* directly connected */
	uint32_t metric;  /* IGP metric for the decision process: the kernel route's */
	uint32_t ifindex; /* outgoing interface, 0 when unresolved or several */
	uint32_t gen;	  /* rises with every change; older ones are out of date */
	char why[IPC_TEXT_MAX]; /* unresolved: the reason in words */
};

enum ipc_verdict_state {
	IPC_V_PENDING,
	IPC_V_INSTALLED,
	IPC_V_REFUSED, /* by admission: code is enum ipc_refusal */
	IPC_V_FAILED,  /* by the kernel: code is the errno */
	IPC_V_FOREIGN, /* somebody else's route holds the place: left alone */
	IPC_V_SHADOWED, /* a local announcement of this node has that prefix */
	IPC_V_HELD,    /* not now: restart under way, next hop unresolved */
};

/* Why admission refuses a route (design: agent/core/admit). */
enum ipc_refusal {
	IPC_REF_NONE,
	IPC_REF_INSTALL_OFF,	/* kernel.install is false */
	IPC_REF_NO_PERMIT,	/* kernel.permit is not set */
	IPC_REF_NOT_PERMITTED,	/* outside kernel.permit */
	IPC_REF_DEFAULT,	/* the default route is not permitted */
	IPC_REF_OWN_ADDRESS,	/* covers an address of this node as specifically as its route */
	IPC_REF_PEER_ADDRESS,	/* the same for a BGP peer or next hop */
	IPC_REF_PROTECTED,	/* the same for an address under kernel.protect */
	IPC_REF_OWN_PREFIX,	/* is, or lies within, a prefix this node announces itself */
	IPC_REF_VIA_SELF,	/* its next hop would resolve through itself */
	IPC_REF_MARTIAN,	/* loopback, multicast, link-local, unspecified */
	IPC_REF_LIMIT,		/* kernel.maxRoutes is reached */
	IPC_REF_FAMILY,		/* that family of next hop cannot be used here */
	IPC_NREFUSALS
};

struct ipc_verdict {
	struct ip_prefix prefix;
	uint8_t state; /* enum ipc_verdict_state */
	uint16_t code;
};

struct ipc_verdicts {
	uint16_t n;
	struct ipc_verdict v[IPC_VERDICTS_MAX];
};

/* ---- queries ------------------------------------------------------------- */

enum ipc_query_kind { IPC_Q_PEERS, IPC_Q_PATHS, IPC_Q_STATS, IPC_Q_BMP };
enum ipc_view {
	IPC_VIEW_ALL,	     /* every path of a destination */
	IPC_VIEW_RECEIVED,   /* Adj-RIB-In before policy */
	IPC_VIEW_ACCEPTED,   /* after import policy */
	IPC_VIEW_BEST,	     /* Loc-RIB: best and its equals */
	IPC_VIEW_ADVERTISED, /* Adj-RIB-Out of one peer */
	IPC_VIEW_REJECTED,   /* kept but not accepted */
};
enum ipc_match {
	IPC_MATCH_ANY,
	IPC_MATCH_EXACT,   /* that prefix */
	IPC_MATCH_WITHIN,  /* that prefix and everything inside */
	IPC_MATCH_LONGEST, /* the longest prefix that covers that one or that address */
};

struct ipc_query {
	uint32_t id;
	uint8_t kind, view, match;
	uint32_t peer; /* IPC_PEER_NONE: all */
	uint8_t af;    /* 0: both */
	struct ip_prefix prefix;
	uint32_t credit; /* rows that may be sent before the next QUERY_CREDIT */
};

struct ipc_query_credit {
	uint32_t id;
	uint32_t credit; /* added; 0 in QUERY_CANCEL */
};

enum ipc_fsm_state { /* RFC 4271 section 8.2.2 */
	IPC_IDLE,
	IPC_CONNECT,
	IPC_ACTIVE,
	IPC_OPENSENT,
	IPC_OPENCONFIRM,
	IPC_ESTABLISHED,
};

struct ipc_peer_family {
	bool negotiated;
	bool eor_received, eor_sent;
	bool gr_forwarding; /* F bit that the peer sent */
	bool llgr_forwarding; /* the same in its long-lived capability */
	uint32_t llgr_offered_s, llgr_peer_s; /* Long-Lived Stale Time: ours, the peer's; 0: none */
	bool long_lived;    /* its stale paths are past the restart time (RFC 9494) */
	uint32_t stale_left_s, stale_of_s; /* until they go; of so long in all, 0: a restart's */
	uint32_t received, accepted, rejected, stale, best, advertised; /* paths now */
	bool addpath_rx, addpath_tx; /* several paths per prefix, from and to the peer (RFC 7911) */
};

struct ipc_row_peer {
	uint32_t query;
	uint32_t id;
	uint8_t state;		 /* enum ipc_fsm_state */
	char reason[IPC_TEXT_MAX];     /* not Established: why, in words */
	char last_error[IPC_TEXT_MAX]; /* last session's end, kept while Established */
	uint64_t last_error_age_us;    /* UINT64_MAX: never */
	uint64_t state_age_us;	 /* in this state */
	uint32_t remote_asn;	 /* from its OPEN, else configured, else 0 */
	uint32_t local_asn;
	uint32_t remote_id;	 /* BGP Identifier, host order, 0 when unknown */
	bool internal;		 /* iBGP */
	bool confed;		 /* another Member-AS of our confederation (RFC 5065) */
	uint8_t role, peer_role; /* enum ipc_role: ours, and what its OPEN says (RFC 9234) */
	uint64_t leaks;		 /* announcements rejected as route leaks */
	bool as4, refresh, enhanced_refresh, ext_msg, ext_next_hop, gr, gr_notification, llgr; /* in use on the session */
	bool peer_restarting;	 /* R bit in its OPEN */
	uint16_t gr_peer_time_s;
	uint32_t stale_left_s;	 /* while its paths are stale */
	uint16_t hold_s, keepalive_s; /* negotiated, 0: none */
	uint64_t hold_left_us;
	uint64_t msgs_in[6], msgs_out[6]; /* by message type 1..5; [0] the sum */
	uint64_t updates_in_withdraw_errs; /* treated as withdraw (RFC 7606) */
	uint32_t established_count, flaps;
	uint64_t connect_retries;
	struct ipc_endpoints ep; /* of the session's connection */
	struct ipc_peer_family fam[2];
};

enum ipc_path_flag {
	IPC_PATH_VALID = 1 << 0,     /* eligible: accepted, next hop resolved, no loop */
	IPC_PATH_BEST = 1 << 1,
	IPC_PATH_MULTIPATH = 1 << 2, /* used beside the best */
	IPC_PATH_STALE = 1 << 3,     /* RFC 4724 */
	IPC_PATH_REJECTED = 1 << 4,  /* by import policy or a loop check */
	IPC_PATH_LOCAL = 1 << 5,     /* announced by this node */
	IPC_PATH_INTERNAL = 1 << 6,  /* learned by iBGP */
	IPC_PATH_ADVERTISED = 1 << 7, /* row of an Adj-RIB-Out */
	IPC_PATH_LLGR = 1 << 9,	     /* least preferred: long-lived stale, here or before (RFC 9494) */
	IPC_PATH_CONFED = 1 << 8,    /* learned from another Member-AS (RFC 5065) */
};

struct ipc_row_path {
	uint32_t query;
	struct ip_prefix prefix;
	uint32_t peer; /* IPC_PEER_NONE: local; for an Adj-RIB-Out row the peer it goes to */
	uint32_t path_id; /* RFC 7911, 0: none */
	uint32_t flags;	  /* enum ipc_path_flag */
	uint32_t remote_id;
	uint64_t age_us;
	struct ip_addr next_hop, next_hop_ll;
	uint8_t origin; /* 0 IGP, 1 EGP, 2 incomplete */
	bool has_med, has_local_pref, atomic_aggregate;
	uint32_t med, local_pref;
	uint32_t aggregator_asn, aggregator_id, originator_id; /* 0: none */
	uint32_t otc; /* Only to Customer (RFC 9234): the AS that said so, 0: none */
	uint32_t igp_metric;
	uint16_t weight;
	uint8_t fib_state;     /* enum ipc_verdict_state as bgpd knows it */
	uint16_t fib_code;
	uint32_t stale_left_s, stale_of_s; /* as in ipc_peer_family */
	char decision[IPC_NAME_MAX]; /* the step that decided against (or for) it */
	char rejected[IPC_TEXT_MAX]; /* why policy or a check refused it */
	char policy[IPC_TEXT_MAX];   /* what rules of filters did: filter x, rule 2: accepted */
	char nh_why[IPC_TEXT_MAX];   /* why its next hop does not resolve */
	char as_path[IPC_PATH_TEXT_MAX];
	char communities[IPC_PATH_TEXT_MAX];
	char large_communities[IPC_PATH_TEXT_MAX];
	char ext_communities[IPC_PATH_TEXT_MAX];
	char cluster_list[IPC_TEXT_MAX];
	char unknown[IPC_TEXT_MAX]; /* types of unknown attributes carried along */
};

struct ipc_row_stats {
	uint32_t query;
	uint64_t uptime_us;
	uint32_t peers, established;
	uint64_t destinations[2], paths[2], best[2];
	uint64_t attr_sets, update_groups;
	uint64_t updates_in, updates_out, msgs_in, msgs_out;
	uint64_t decisions; /* runs of the decision process */
	uint64_t fib_pending;
	bool deferring; /* restart: selection deferred (RFC 4724 section 4.1) */
	char deferring_for[IPC_TEXT_MAX];
};

enum ipc_bmp_state {
	IPC_BMP_WAITING, /* before the next attempt to connect */
	IPC_BMP_CONNECTING,
	IPC_BMP_DUMPING, /* connected: what is there is being sent */
	IPC_BMP_UP,	 /* the same, and only changes are sent from now on */
};

struct ipc_row_bmp {
	uint32_t query;
	uint32_t id;
	uint8_t state; /* enum ipc_bmp_state */
	uint64_t state_age_us;
	char reason[IPC_TEXT_MAX]; /* not connected: why, in words */
	uint64_t messages, octets; /* sent */
	uint64_t dropped;	   /* messages thrown away with a connection */
	uint64_t queued_octets;	   /* waiting now */
	uint32_t connects, overflows; /* connections made; given up because it read too slowly */
	uint32_t peers;		   /* it was told of and are up */
};

struct ipc_query_end {
	uint32_t id;
	uint8_t status; /* 0: complete, 1: cancelled, 2: nothing by that name */
};

/* ---- BFD ------------------------------------------------------------------ */

struct ipc_bfd_begin {
	uint16_t version; /* IPC_VERSION */
};

enum ipc_bfd_auth { /* the numbers of RFC 5880 section 4.1 */
	IPC_BFD_AUTH_NONE = 0,
	IPC_BFD_AUTH_MD5 = 2,
	IPC_BFD_AUTH_METICULOUS_MD5 = 3,
	IPC_BFD_AUTH_SHA1 = 4,
	IPC_BFD_AUTH_METICULOUS_SHA1 = 5,
};

struct ipc_bfd_session {
	uint32_t id; /* the agent's */
	struct ip_addr remote, local; /* link-local ones with ifindex; local of no family: any */
	uint32_t ifindex;	      /* single hop: the interface; 0: any */
	bool multihop;		      /* RFC 5883, else RFC 5881 */
	uint32_t rx_us, tx_us;	      /* at least 1 */
	uint8_t detect_mult;	      /* at least 1 */
	uint8_t min_ttl;	      /* multihop: the least that is taken */
	bool passive;
	bool admin_down; /* held down, which the peer is told */
	uint8_t auth;	 /* enum ipc_bfd_auth */
	uint8_t key_id, key_len;
	uint8_t key[IPC_BFD_KEY_MAX];
};

struct ipc_bfd_del {
	uint32_t id;
	bool tell; /* the peer, that this is no failure (AdminDown) */
};

enum ipc_bfd_state { /* RFC 5880 section 4.1 */
	IPC_BFD_ADMIN_DOWN,
	IPC_BFD_DOWN,
	IPC_BFD_INIT,
	IPC_BFD_UP,
};

struct ipc_bfd_state_msg {
	uint32_t id;
	uint8_t was, state;    /* enum ipc_bfd_state; equal: nothing changed */
	uint8_t remote_state;  /* as the peer last said */
	bool remote_independent; /* its C bit */
	uint8_t diag, remote_diag;
	char diag_text[IPC_NAME_MAX]; /* ours in words */
	char remote_diag_text[IPC_NAME_MAX];
	uint64_t silent_us; /* since the last good packet; UINT64_MAX: there was none */
	uint32_t detect_us; /* detection time; 0: not known yet */
};

struct ipc_bfd_query {
	uint32_t query;
};

struct ipc_row_bfd {
	uint32_t query;
	struct ipc_bfd_state_msg s; /* was is what state is */
	uint64_t state_age_us;
	uint32_t discr, remote_discr;
	uint32_t tx_us;		    /* between our packets; 0: none are sent */
	uint32_t remote_tx_us, remote_rx_us;
	uint8_t remote_mult;
	bool remote_demand, polling, resumed, leaving;
	uint64_t last_down_age_us; /* UINT64_MAX: never */
	char last_down[IPC_NAME_MAX]; /* the diagnostic of that time */
	uint64_t rx, tx, ups, downs;
	char drops[IPC_TEXT_MAX]; /* packets refused, by reason: "ttl=3 auth-digest=12" */
};

struct ipc_bfd_stats {
	uint32_t query;
	uint32_t sessions, resumed; /* now; taken over by this process */
	uint64_t uptime_us;
	uint64_t late_us;	  /* the most that a turn came after its time, since the last query */
	char drops[IPC_TEXT_MAX]; /* packets of no session, by reason */
};

/* One message, decoded. */
struct ipc_msg {
	enum ipc_type type;
	union {
		struct ipc_hello hello;
		struct ipc_conf_begin conf_begin; /* also CONF_END */
		struct ipc_conf_speaker conf_speaker;
		struct ipc_conf_peer conf_peer; /* also PEER_ADD */
		struct ipc_peer_gone peer_gone;
		struct ipc_conf_others conf_others;
		struct ipc_peer_addr peer_addr;
		struct ipc_conf_filter conf_filter;
		struct ipc_prefixes prefixes; /* CONF_PERMIT, ROUTE_DEL */
		struct ipc_conf_applied conf_applied;
		struct ipc_originate originate;
		struct ipc_prefix prefix; /* ORIGINATE_DEL */
		struct ipc_conn_req conn_req; /* also CONN_CANCEL */
		struct ipc_conn_done conn_done;
		struct ipc_conn_in conn_in;
		struct ipc_conn_lend conn_lend; /* also CONN_LENT */
		struct ipc_peer_cmd peer_cmd;
		struct ipc_shutdown shutdown;
		struct ipc_event event;
		struct ipc_conf_bmp conf_bmp;
		struct ipc_bmp_req bmp_req;
		struct ipc_bmp_done bmp_done;
		struct ipc_mrt_start mrt_start;
		struct ipc_mrt_stop mrt_stop;
		struct ipc_mrt_done mrt_done;
		struct ipc_drained drained;
		struct ipc_peer_session peer_session;
		struct ipc_nhset nhset;
		struct ipc_nhset_del nhset_del;
		struct ipc_route route;
		struct ipc_sync sync; /* SYNC_BEGIN, SYNC_END */
		struct ipc_nh_watch nh_watch;
		struct ipc_nh_state nh_state;
		struct ipc_verdicts verdicts;
		struct ipc_query query;
		struct ipc_query_credit query_credit; /* also QUERY_CANCEL */
		struct ipc_row_peer row_peer;
		struct ipc_row_path row_path;
		struct ipc_row_stats row_stats;
		struct ipc_query_end query_end;
		struct ipc_row_bmp row_bmp;
		struct ipc_bfd_begin bfd_begin;
		struct ipc_bfd_session bfd_session;
		struct ipc_bfd_del bfd_del;
		struct ipc_bfd_state_msg bfd_state;
		struct ipc_bfd_query bfd_query;
		struct ipc_row_bfd row_bfd;
		struct ipc_bfd_stats bfd_stats;
	};
};

/* A row of the message table. */
struct ipc_desc {
	const char *name;
	enum ipc_side sender; /* HELLO alone may come from both */
	bool both;
	enum ipc_chan chan;
	uint16_t min, max; /* octets, type field included */
	bool fd;	   /* a descriptor may come along */
};
extern const struct ipc_desc ipc_desc[IPC_NTYPES];

/*
 * Write msg into buf.  Returns the octets written, or 0 when cap is too small
 * or msg breaks a bound of its type (a programming error of the caller).
 */
size_t ipcmsg_encode(const struct ipc_msg *msg, uint8_t *buf, size_t cap);

/*
 * Read one message that came from side `from` on channel chan.
 * Returns NULL and fills *ret, or a static text that says what is wrong with
 * it; *ret is then undefined.  Borrows nothing from buf.
 */
const char *ipcmsg_decode(enum ipc_side from, enum ipc_chan chan, const uint8_t *buf, size_t len,
    struct ipc_msg *ret);

/* Names for logs and JSON: static, lower case, "unknown" outside the enum. */
const char *ipc_fsm_state_name(enum ipc_fsm_state s); /* RFC spelling: "Established" */
const char *ipc_role_name(enum ipc_role r); /* RFC 9234: "provider", "rs-server", ...; "" for none */
const char *ipc_verdict_name(enum ipc_verdict_state s); /* "installed", "refused", ... */
const char *ipc_refusal_text(enum ipc_refusal r); /* a sentence for the CLI */
const char *ipc_bmp_state_name(enum ipc_bmp_state s); /* "waiting", "up", ... */
const char *ipc_bfd_state_name(enum ipc_bfd_state s); /* RFC 5880's: "AdminDown", "Up", ... */

#endif
