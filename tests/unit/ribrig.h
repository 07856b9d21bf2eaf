/*
 * A speaker whose peers are declared up and down, for tests of the routing
 * half: UPDATEs go in and come out as octets, no session runs.
 */
#ifndef TESTS_UNIT_RIBRIG_H
#define TESTS_UNIT_RIBRIG_H

#include "bgpd/core/speaker_priv.h"

#define RIG_PEERS 8
#define RIG_AS	  65000u

/* What a peer was told of one prefix, or of a family's end. */
struct rig_said {
	enum { SAID_ANNOUNCE, SAID_WITHDRAW, SAID_EOR, SAID_REFRESH } what;
	struct ip_prefix prefix; /* EOR, REFRESH: only af */
	uint32_t path_id;	 /* 0 without add-path */
	uint8_t subtype;	 /* REFRESH */
	unsigned message;	 /* number of the message it was in */
	char text[256];		 /* ANNOUNCE: "AS_PATH|next hop|med|local pref|communities" */
};

struct rig {
	struct speaker *sp;
	struct mono_us now;
	struct attrs_pool *pool; /* for decoding what comes out */
	struct ipc_conf_speaker conf;
	struct ipc_conf_peer peer[RIG_PEERS + 1]; /* [0] is not used */
	unsigned npeers;
	struct ip_prefix permit[4];
	size_t npermit;
	bool unresolved; /* next hops do not resolve */
	bool off_link;	 /* they do, on no link of ours */
	uint8_t addpath_rx[RIG_PEERS + 1], addpath_tx[RIG_PEERS + 1]; /* from and to a peer: AF_BIT()s */
	uint32_t llgr_s[RIG_PEERS + 1]; /* a peer's Long-Lived Stale Time, both families; 0: none */
	unsigned llgr_lost, n_bit, no_gr; /* bit k: its F bit is clear, N bit set, it has no restart */
	uint32_t path_id; /* of what such a peer announces and withdraws */
	unsigned members; /* bit k: peer k is in our confederation; it announces AS_CONFED_SEQUENCEs */
	bool over6;	 /* sessions run over IPv6, with RFC 8950 agreed on */
	uint32_t gen;

	struct rig_said said[4096]; /* by the last rig_pull() */
	unsigned nsaid, messages;
};

/* n peers, not up: 1 to n, eBGP with AS 65000 + number, importing everything. Change conf before up. */
void rig_init(struct rig *r, unsigned n, const struct ipc_hello *hello);
void rig_free(struct rig *r);
void rig_configure(struct rig *r, struct ipc_conf_applied *ret);

struct rpeer *rig_peer(struct rig *r, unsigned k);
/* Established; with asn RIG_AS it is iBGP. self6: there is a global IPv6 address. */
void rig_up(struct rig *r, unsigned k, uint32_t asn, bool self6);
void rig_down(struct rig *r, unsigned k, enum peer_down how);

/*
 * Peer k announces the prefix (text). path: AS numbers up to a 0, its own AS
 * first for eBGP; nh: last octet of the next hop; b (may be NULL) has the rest.
 */
void rig_announce(struct rig *r, unsigned k, const char *prefix, const uint32_t *path, uint8_t nh,
    const struct attrs_build *b);
void rig_withdraw(struct rig *r, unsigned k, const char *prefix);
void rig_eor(struct rig *r, unsigned k, uint8_t af);
void rig_originate(struct rig *r, const char *prefix, const struct ipc_originate *o);

/* Work until there is none, next hops answered. FIB operations stay where they are. */
void rig_work(struct rig *r);

/* Everything that peer k is told now, into r->said; returns how many. cap as for output. */
unsigned rig_pull(struct rig *r, unsigned k, size_t cap);
/* One pull of it, into r->said, and nothing begun beyond `want` octets; returns how many octets. */
size_t rig_pull_some(struct rig *r, unsigned k, size_t cap, size_t want);
/* What was said of the prefix last; NULL: nothing. */
const struct rig_said *rig_said_of(const struct rig *r, const char *prefix);

/* Time passes; timers fire. */
void rig_pass(struct rig *r, uint64_t us);

struct ip_prefix rig_prefix(const char *text);

/* Rows of a view of one prefix (NULL: all); the first one into *ret (may be NULL). */
size_t rig_rows(struct rig *r, uint8_t view, uint8_t match, uint32_t peer, const char *prefix,
    struct ipc_row_path *ret);

#endif
