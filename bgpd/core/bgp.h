/*
 * Numbers of BGP-4 as they stand on the wire.
 *
 * Values only: no struct, no function.  Source is named with each block.
 */
#ifndef BGPD_CORE_BGP_H
#define BGPD_CORE_BGP_H

#define BGP_PORT	   179
#define BGP_VERSION	   4
#define BGP_HEADER_OCTETS  19	/* RFC 4271 section 4.1 */
#define BGP_MARKER_OCTETS  16
#define BGP_MAX_OCTETS	   4096 /* RFC 4271 section 4.1 */
#define BGP_MAX_EXT_OCTETS 65535 /* RFC 8654 */
#define BGP_AS_TRANS	   23456 /* RFC 6793 section 9 */

/* Messages: RFC 4271 section 4.1, RFC 2918 section 3. */
enum bgp_msg_type {
	BGP_OPEN = 1,
	BGP_UPDATE = 2,
	BGP_NOTIFICATION = 3,
	BGP_KEEPALIVE = 4,
	BGP_ROUTE_REFRESH = 5,
	BGP_NMSG
};

/* Shortest whole message of each type: RFC 4271 section 4. */
#define BGP_OPEN_MIN_OCTETS	    29
#define BGP_UPDATE_MIN_OCTETS	    23
#define BGP_NOTIFICATION_MIN_OCTETS 21
#define BGP_KEEPALIVE_OCTETS	    19
#define BGP_ROUTE_REFRESH_OCTETS    23

/* Error codes: RFC 4271 section 4.5, RFC 7313 section 5, RFC 9687 section 3. */
enum bgp_err_code {
	ERR_HEADER = 1,
	ERR_OPEN = 2,
	ERR_UPDATE = 3,
	ERR_HOLD_TIMER = 4,
	ERR_FSM = 5,
	ERR_CEASE = 6,
	ERR_ROUTE_REFRESH = 7,
	ERR_SEND_HOLD_TIMER = 8,
};

/* Message Header Error subcodes: RFC 4271 section 6.1. */
enum bgp_hdr_sub {
	HDR_NOT_SYNCHRONIZED = 1,
	HDR_BAD_LENGTH = 2,
	HDR_BAD_TYPE = 3,
};

/* OPEN Message Error subcodes: RFC 4271 section 6.2, RFC 5492 section 5, RFC 9234. */
enum bgp_open_sub {
	OPEN_UNSPECIFIC = 0,
	OPEN_BAD_VERSION = 1,
	OPEN_BAD_PEER_AS = 2,
	OPEN_BAD_ID = 3,
	OPEN_BAD_PARAMETER = 4,
	OPEN_BAD_HOLD_TIME = 6,
	OPEN_BAD_CAPABILITY = 7,
	OPEN_ROLE_MISMATCH = 11,
};

/* UPDATE Message Error subcodes: RFC 4271 section 6.3. */
enum bgp_upd_sub {
	UPD_UNSPECIFIC = 0,
	UPD_ATTR_LIST = 1,
	UPD_UNKNOWN_WELL_KNOWN = 2,
	UPD_MISSING_WELL_KNOWN = 3,
	UPD_ATTR_FLAGS = 4,
	UPD_ATTR_LENGTH = 5,
	UPD_ORIGIN = 6,
	UPD_NEXT_HOP = 8,
	UPD_OPTIONAL = 9,
	UPD_NETWORK = 10,
	UPD_AS_PATH = 11,
};

/* Finite State Machine Error subcodes: RFC 6608 section 3. */
enum bgp_fsm_sub {
	FSM_UNSPECIFIC = 0,
	FSM_UNEXPECTED_OPENSENT = 1,
	FSM_UNEXPECTED_OPENCONFIRM = 2,
	FSM_UNEXPECTED_ESTABLISHED = 3,
};

/* Cease subcodes: RFC 4486 section 3, RFC 8538 section 3.1, RFC 9384 section 3. */
enum bgp_cease_sub {
	CEASE_UNSPECIFIC = 0,
	CEASE_MAX_PREFIXES = 1,
	CEASE_ADMIN_SHUTDOWN = 2,
	CEASE_DECONFIGURED = 3,
	CEASE_ADMIN_RESET = 4,
	CEASE_REJECTED = 5,
	CEASE_OTHER_CHANGE = 6,
	CEASE_COLLISION = 7,
	CEASE_RESOURCES = 8,
	CEASE_HARD_RESET = 9,
	CEASE_BFD_DOWN = 10,
};

/* ROUTE-REFRESH Message Error subcodes and message subtypes: RFC 7313 sections 3.2 and 5. */
enum bgp_refresh_err_sub { REFRESH_BAD_LENGTH = 1 };
enum bgp_refresh_subtype { REFRESH_REQUEST = 0, REFRESH_BORR = 1, REFRESH_EORR = 2 };

/* OPEN: optional parameters, RFC 5492 section 4 and RFC 9072 section 2. */
#define BGP_PARAM_CAPABILITIES 2
#define BGP_PARAM_EXTENDED     255

/* Capability codes: IANA registry; each RFC is named with its row in cap.c. */
enum bgp_cap_code {
	CAP_MP = 1,
	CAP_REFRESH = 2,
	CAP_EXT_NEXT_HOP = 5,
	CAP_EXT_MESSAGE = 6,
	CAP_ROLE = 9,
	CAP_GR = 64,
	CAP_AS4 = 65,
	CAP_ADD_PATH = 69,
	CAP_ENHANCED_REFRESH = 70,
	CAP_LLGR = 71,
	CAP_REFRESH_CISCO = 128,
};

/* Attribute flags: RFC 4271 section 4.3. */
enum bgp_attr_flag {
	ATTR_F_OPTIONAL = 0x80,
	ATTR_F_TRANSITIVE = 0x40,
	ATTR_F_PARTIAL = 0x20,
	ATTR_F_EXT_LEN = 0x10,
};

/* Attribute types: IANA registry; each RFC is named with its row in attr.c. */
enum bgp_attr_type {
	ATTR_ORIGIN = 1,
	ATTR_AS_PATH = 2,
	ATTR_NEXT_HOP = 3,
	ATTR_MED = 4,
	ATTR_LOCAL_PREF = 5,
	ATTR_ATOMIC_AGGREGATE = 6,
	ATTR_AGGREGATOR = 7,
	ATTR_COMMUNITIES = 8,
	ATTR_ORIGINATOR_ID = 9,
	ATTR_CLUSTER_LIST = 10,
	ATTR_MP_REACH = 14,
	ATTR_MP_UNREACH = 15,
	ATTR_EXT_COMMUNITIES = 16,
	ATTR_AS4_PATH = 17,
	ATTR_AS4_AGGREGATOR = 18,
	ATTR_LARGE_COMMUNITIES = 32,
	ATTR_OTC = 35,
};

enum bgp_origin { ORIGIN_IGP = 0, ORIGIN_EGP = 1, ORIGIN_INCOMPLETE = 2 };

/* AS_PATH segments: RFC 4271 section 4.3, RFC 5065 section 3. */
enum bgp_segment { SEG_SET = 1, SEG_SEQUENCE = 2, SEG_CONFED_SEQUENCE = 3, SEG_CONFED_SET = 4 };

/* Well-known communities: RFC 1997, RFC 3765, RFC 7999, RFC 8326, RFC 9494. */
#define COMM_GRACEFUL_SHUTDOWN	 0xffff0000u
#define COMM_LLGR_STALE		 0xffff0006u
#define COMM_NO_LLGR		 0xffff0007u
#define COMM_BLACKHOLE		 0xffff029au
#define COMM_NO_EXPORT		 0xffffff01u
#define COMM_NO_ADVERTISE	 0xffffff02u
#define COMM_NO_EXPORT_SUBCONFED 0xffffff03u
#define COMM_NO_PEER		 0xffffff04u

#define BGP_SAFI_UNICAST 1 /* RFC 4760 section 6 */

#endif
