/*
 * BFD sessions without input, output or clock: RFC 5880, over UDP as in RFC 5881
 * (single hop) and RFC 5883 (multihop).
 *
 * The engine owns the sessions. Its owner, the shell, gives it packets and the
 * time, asks it for packets until there are no more, pulls events, and calls
 * again at bfd_deadline(). After every call into the engine the shell does:
 *
 *	while (bfd_output(e, now, &out))
 *		send it;
 *	while (bfd_event_next(e, &ev))
 *		tell the agent;
 *	wait until a socket is readable or bfd_deadline(e);
 *
 * When the deadline has come, sockets are read *before* bfd_output() is called: a
 * packet that waits in a socket counts as received, so that a process that got
 * the processor late does not take a living session down.
 *
 * Times are microseconds of one monotonic clock that outlives the process
 * (CLOCK_MONOTONIC), because saved sessions carry some.
 */
#ifndef BFDD_CORE_BFD_H
#define BFDD_CORE_BFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/mono.h"

#define BFD_PORT_SINGLE_HOP 3784  /* RFC 5881 section 4 */
#define BFD_PORT_MULTIHOP   4784  /* RFC 5883 section 5 */
#define BFD_PORT_SRC_MIN    49152 /* RFC 5881 section 4: where packets are sent from */
#define BFD_PORT_SRC_MAX    65535
#define BFD_TTL		    255 /* of every packet sent: RFC 5881 section 5 */

#define BFD_OCTETS_MIN 24 /* the mandatory section: RFC 5880 section 4.1 */
#define BFD_OCTETS_MAX 52 /* with the largest authentication section, SHA1: section 4.4 */
#define BFD_KEY_MAX    20 /* octets of a SHA1 key: RFC 5880 section 4.4 */

#define BFD_SLOW_US 1000000u /* least transmit interval while not Up: RFC 5880 section 6.8.3 */

/* RFC 5880 section 4.1, the numbers of the wire. */
enum bfd_state {
	BFD_ADMIN_DOWN = 0,
	BFD_DOWN = 1,
	BFD_INIT = 2,
	BFD_UP = 3,
};
#define BFD_NSTATES 4

/* RFC 5880 section 4.1, the numbers of the wire; a peer may send others up to 31. */
enum bfd_diag {
	BFD_DIAG_NONE = 0,
	BFD_DIAG_EXPIRED = 1,
	BFD_DIAG_ECHO_FAILED = 2,
	BFD_DIAG_NEIGHBOR_DOWN = 3,
	BFD_DIAG_PLANE_RESET = 4,
	BFD_DIAG_PATH_DOWN = 5,
	BFD_DIAG_CONCAT_DOWN = 6,
	BFD_DIAG_ADMIN_DOWN = 7,
	BFD_DIAG_REV_CONCAT_DOWN = 8,
};

/* RFC 5880 section 4.1, the numbers of the wire. Simple passwords (1) are not supported. */
enum bfd_auth_type {
	BFD_AUTH_NONE = 0,
	BFD_AUTH_MD5 = 2,
	BFD_AUTH_METICULOUS_MD5 = 3,
	BFD_AUTH_SHA1 = 4,
	BFD_AUTH_METICULOUS_SHA1 = 5,
};

/*
 * What became of a packet, in the order in which it is asked. Everything but
 * BFD_RX_OK leaves the session as it was, except BFD_RX_ADMIN_DOWN: the peer's
 * parameters are noted, its state is not acted on (RFC 5880 section 6.8.6).
 */
enum bfd_rx {
	BFD_RX_OK,
	BFD_RX_TTL,	      /* single hop, not 255: RFC 5881 section 5 */
	BFD_RX_SHORT,	      /* below 24 octets */
	BFD_RX_VERSION,	      /* not 1 */
	BFD_RX_LENGTH,	      /* Length below 24, or 26 with the A bit */
	BFD_RX_OVERRUN,	      /* Length above what was received */
	BFD_RX_MULTIPLIER,    /* Detect Mult 0 */
	BFD_RX_MULTIPOINT,    /* M bit set */
	BFD_RX_POLL_FINAL,    /* P and F set, which section 6.5 forbids */
	BFD_RX_MY_DISCR,      /* My Discriminator 0 */
	BFD_RX_NO_DISCR,      /* Your Discriminator is nobody's here */
	BFD_RX_YOUR_DISCR,    /* Your Discriminator 0 in state Init or Up */
	BFD_RX_NO_SESSION,    /* no session of these addresses */
	BFD_RX_HOPS,	      /* arrived at the port of the other kind of session */
	BFD_RX_MIN_TTL,	      /* multihop, below the session's minimum */
	BFD_RX_AUTH_UNWANTED, /* A bit set, the session uses none */
	BFD_RX_AUTH_MISSING,  /* A bit clear, the session uses it */
	BFD_RX_AUTH_TYPE,     /* another type than the session's */
	BFD_RX_AUTH_LENGTH,   /* wrong for its type, or beyond Length */
	BFD_RX_AUTH_KEY_ID,   /* unknown key */
	BFD_RX_AUTH_SEQUENCE, /* outside of the window: replayed, or too many lost */
	BFD_RX_AUTH_DIGEST,   /* does not match */
	BFD_RX_ADMIN_DOWN,    /* the session is administratively down */
};
#define BFD_RX_N (BFD_RX_ADMIN_DOWN + 1)

struct bfd_auth {
	enum bfd_auth_type type;
	uint8_t key_id;
	uint8_t key_len; /* octets of key: 1 to 20 for SHA1, to 16 for MD5 */
	uint8_t key[BFD_KEY_MAX];
};

/*
 * What makes a session unique: there is one per remote address, local address,
 * interface and kind (RFC 5881 section 3, RFC 5883 section 4).
 */
struct bfd_key {
	struct ip_addr remote; /* a link-local one with its ifindex */
	struct ip_addr local;  /* IP_NONE: whatever the kernel chooses, and any is taken */
	uint32_t ifindex;      /* single hop: the interface; 0: any. Multihop: 0 */
	bool multihop;
};

struct bfd_conf {
	struct bfd_key key;
	uint32_t rx_us;	     /* Required Min RX Interval; at least 1 */
	uint32_t tx_us;	     /* Desired Min TX Interval, while Up; at least 1 */
	uint8_t detect_mult; /* at least 1 */
	uint8_t min_ttl;     /* multihop: the least TTL that is taken; 0 or 1: any */
	bool passive;	     /* does not send before the peer did: RFC 5880 section 6.1 */
	bool admin_down;     /* held in AdminDown, which it says to the peer */
	struct bfd_auth auth;
};

enum bfd_digest {
	BFD_DIGEST_MD5,	 /* gives 16 octets */
	BFD_DIGEST_SHA1, /* gives 20 octets */
};

/* What the engine needs from outside. */
struct bfd_ops {
	void *ctx;
	/* The digest of len octets; only asked for sessions with authentication. */
	void (*digest)(
	    void *ctx, enum bfd_digest kind, const void *octets, size_t len, uint8_t *ret);
};

/* How a packet arrived. */
struct bfd_meta {
	struct ip_addr src, dst; /* scope of link-local ones as you like: ifindex counts */
	uint32_t ifindex;	 /* arrived here */
	uint8_t ttl;		 /* or hop limit */
	bool multihop;		 /* arrived at port 4784 */
};

/* A packet to be sent, with TTL 255, from a port between 49152 and 65535. */
struct bfd_out {
	uint32_t id; /* the session's: RFC 5881 section 4 wants one source port per session */
	struct ip_addr src; /* IP_NONE: the kernel's choice */
	struct ip_addr dst;
	uint32_t ifindex; /* 0: as the routes say */
	bool multihop;	  /* to port 4784, else 3784 */
	size_t len;
	uint8_t octets[BFD_OCTETS_MAX];
};

/* A session changed state. Resuming is no change; what was configured is reported by bfd_view(). */
struct bfd_event {
	uint32_t id;
	enum bfd_state was, state;
	enum bfd_diag diag;  /* why: the local diagnostic */
	uint8_t remote_diag; /* as the peer last said: see bfd_diag_str() */
	enum bfd_state remote_state;
	struct mono_us when;
	struct bfd_key key;
};

struct bfd_counters {
	uint64_t rx;		  /* packets accepted */
	uint64_t tx;		  /* packets handed out */
	uint64_t drops[BFD_RX_N]; /* by reason */
	uint64_t ups, downs;	  /* arrivals in Up, and departures from it */
};

/* A session as it is now. */
struct bfd_view {
	uint32_t id;
	struct bfd_conf conf;
	enum bfd_state state, remote_state;
	enum bfd_diag diag;
	uint8_t remote_diag;
	uint32_t discr, remote_discr; /* remote 0: not known */
	uint32_t tx_us;	    /* interval between our packets, before jitter; 0: none are sent */
	uint32_t detect_us; /* Detection Time; 0 before the peer's first packet */
	uint32_t remote_tx_us, remote_rx_us; /* the peer's Desired Min TX and Required Min RX */
	uint8_t remote_mult;
	bool remote_demand, remote_independent; /* the peer's D and C bits */
	bool polling;				/* a Poll Sequence is under way */
	bool resumed;		  /* taken over from a former process, not changed since */
	bool leaving;		  /* removed; says so to the peer for a Detection Time */
	struct mono_us since;	  /* in this state; taken over with the session */
	struct mono_us last_down; /* left Up; MONO_NEVER: did not */
	struct mono_us last_rx;	  /* a packet was accepted; MONO_NEVER: none was */
	enum bfd_diag last_down_diag;
	uint8_t last_down_remote_diag;
	struct bfd_counters n; /* since this process knows the session */
};

/*
 * A place for one session in memory that outlives the process. The contents are
 * the core's business: two copies, each with a version, a generation and a
 * checksum, so that a write cut short leaves the one before. It holds the
 * session's key: only the launcher and bfdd may see it. All zeros is an empty one.
 */
#define BFD_SAVED_OCTETS 512
struct bfd_saved {
	uint8_t octets[BFD_SAVED_OCTETS];
};

struct bfd_engine;

/*
 * An engine with no session. `slots` (may be NULL with n 0) must outlive it and are
 * only read by bfd_resume() and written by sessions; a session that finds no free
 * one works, but cannot be resumed. seed: for discriminators, sequence numbers
 * and jitter; unpredictable in the shell. ops is copied.
 */
struct bfd_engine *bfd_engine_new(
    const struct bfd_ops *ops, uint64_t seed, struct bfd_saved *slots, size_t n);

/* Give everything back without a word to anybody; the slots stay as they are. */
void bfd_engine_free(struct bfd_engine *e);

/*
 * Take sessions over from the slots: called once, first. Those that were Up go on being Up
 * with what was negotiated, the same discriminators and a fresh Detection Time,
 * and send at once; others begin in Down. Slots that cannot be read are emptied; from number n
 * on nothing has ever been written, and nothing is looked at. No events. Returns how many are Up.
 */
size_t bfd_resume(struct bfd_engine *e, size_t n, struct mono_us now);

/*
 * Have this session, as configured here: a new one, or the one of this key
 * (resumed, leaving, or known by another id) changed without being taken down
 * (RFC 5880 section 6.8.3). Another session of this id is removed without a word.
 * False, with nothing done, when conf is not valid: see bfd_conf_valid().
 */
bool bfd_session_set(
    struct bfd_engine *e, struct mono_us now, uint32_t id, const struct bfd_conf *conf);

/* NULL when conf is valid, else what is wrong with it (static text). */
const char *bfd_conf_valid(const struct bfd_conf *conf);

/*
 * Remove a session; nothing when there is none of this id. With `tell` one that is
 * Up or Init says AdminDown to the peer for a Detection Time of the peer, and any that
 * was heard stays so for a Detection Time after the peer's last packet (RFC 5880 section
 * 6.8.1), at most 5 s; its id is free at once. Otherwise it is gone at once. No event.
 */
void bfd_session_remove(struct bfd_engine *e, struct mono_us now, uint32_t id, bool tell);

/*
 * A whole configuration begins, perhaps that of another agent: sessions named by
 * bfd_session_set() from now on are wanted. bfd_sweep() ends it and removes the others,
 * telling their peers.
 */
void bfd_mark(struct bfd_engine *e);
void bfd_sweep(struct bfd_engine *e, struct mono_us now);

/* A planned stop: remove all sessions, telling the peers. bfd_is_empty() says when it is done. */
void bfd_stop(struct bfd_engine *e, struct mono_us now);

/* No session left, not even one that is leaving. */
bool bfd_is_empty(const struct bfd_engine *e);

/*
 * The path of a session is known to be dead (carrier lost): Up or Init becomes Down
 * at once with diagnostic Path Down (RFC 5880 section 4.1). Nothing in other states.
 */
void bfd_path_down(struct bfd_engine *e, struct mono_us now, uint32_t id);

/* A UDP payload of len octets arrived. Constant time but for the heap; no allocation. */
enum bfd_rx bfd_input(struct bfd_engine *e, struct mono_us now, const void *octets, size_t len,
    const struct bfd_meta *meta);

/*
 * Do what is due at `now`, and give the next packet to be sent. False when there is
 * none: everything due is done then.
 */
bool bfd_output(struct bfd_engine *e, struct mono_us now, struct bfd_out *ret);

/* When to call bfd_output() next; in the past when now; MONO_NEVER when nothing will be due. */
struct mono_us bfd_deadline(const struct bfd_engine *e);

/* The oldest event not yet pulled; false when there is none. */
bool bfd_event_next(struct bfd_engine *e, struct bfd_event *ret);

/* The session of this id as it is; false when there is none. */
bool bfd_view(const struct bfd_engine *e, uint32_t id, struct bfd_view *ret);

/*
 * Every session in no order, also those that are leaving: *cursor is NULL at first
 * and moved on. False after the last one. No session may be set or removed meanwhile.
 */
bool bfd_view_next(const struct bfd_engine *e, const void **cursor, struct bfd_view *ret);

/* Sessions, also those that are leaving; and packets that belonged to none, by reason. */
size_t bfd_count(const struct bfd_engine *e);
const uint64_t *bfd_stray_drops(const struct bfd_engine *e);

/*
 * Names as in RFC 5880 section 4.1: "AdminDown", "Down", "Init", "Up"; "No
 * Diagnostic", "Control Detection Time Expired", ..., "Reserved".
 */
const char *bfd_state_str(enum bfd_state state);
const char *bfd_diag_str(uint8_t diag);

/* "none", "keyed SHA1", "meticulous keyed SHA1", ... */
const char *bfd_auth_str(enum bfd_auth_type type);

/* Words for a verdict, such as "TTL is not 255"; and its name for programs, "ttl". */
const char *bfd_rx_str(enum bfd_rx rx);
const char *bfd_rx_name(enum bfd_rx rx);

#endif
