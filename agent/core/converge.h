/*
 * Has this node got its routes?  From then on pods may be started on it.
 *
 * Converged is a node whose own prefixes are announced, whose peers that are up have told all
 * their routes (End-of-RIB, RFC 4724 section 2), and whose kernel has what came of them; or one for
 * which a time-out has passed.  A peer that does not come is not waited for, and once converged is
 * converged: neither a dead peer nor a new configuration sets it back.
 *
 * Pure: the caller tells of sessions and of the rest, and asks with the time.
 */
#ifndef AGENT_CORE_CONVERGE_H
#define AGENT_CORE_CONVERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/idmap.h"
#include "lib/ipcmsg.h"
#include "lib/mono.h"

#define CONVERGE_COME_US  3000000 /* configured peers are given to come up */
#define CONVERGE_ALONE_US 1000000 /* a configuration without peers is given to get some */
#define CONVERGE_PLAIN_US 1000000 /* a peer that promises no End-of-RIB is given to tell its routes */

enum converge_wait {
	CONVERGE_UNKNOWN, /* configuration or own prefixes are not known; this has no time-out */
	CONVERGE_OWN,	  /* own prefixes are not announced yet */
	CONVERGE_PEERS,	  /* sessions are still coming up */
	CONVERGE_EOR,	  /* a session that is up has not told all its routes */
	CONVERGE_BGPD,	  /* bgpd has not gone through them */
	CONVERGE_KERNEL,  /* the kernel does not have them */
	CONVERGE_NWAITS,
	CONVERGE_NOTHING = CONVERGE_NWAITS
};

/* What is so at the moment, beside sessions. */
struct converge_facts {
	bool known;	 /* there is a configuration, and it is known which prefixes are ours */
	bool own;	 /* bgpd was given each of them */
	bool bgpd;	 /* bgpd has nothing to do: no deferral, no routes that it owes the agent */
	bool kernel;	 /* the kernel has all that is wanted, or nothing is to be installed */
	uint32_t peers;	 /* that should come up: enabled, without a problem, not drained */
};

struct converge_peer {
	uint32_t id;
	uint8_t session; /* enum ipc_session */
	struct mono_us since; /* Established */
};

struct converge {
	bool begun, done, timed_out;
	struct mono_us began; /* everything was known */
	struct mono_us at;    /* done */
	uint64_t timeout_us;
	enum converge_wait wait; /* as of the last converge_next() */
	struct converge_peer *peer; /* those that are up */
	size_t npeers, cap;
	struct idmap places; /* in peer, by id */
};

/* All zeros is one that has not begun; this frees what it holds. */
void converge_free(struct converge *c);

/* A session came up, went down, or has told all. */
void converge_session(struct converge *c, struct mono_us now, const struct ipc_peer_session *m);
/* Peers are no more: that one, all of them (bgpd has ended). */
void converge_forget(struct converge *c, uint32_t peer);
void converge_forget_all(struct converge *c);

/* True exactly once: the node has converged now. */
bool converge_next(struct converge *c, struct mono_us now, const struct converge_facts *f);
/* When converge_next() is to be asked at the latest, if nothing is told before; MONO_NEVER. */
struct mono_us converge_deadline(const struct converge *c, struct mono_us now);

/* A peer that End-of-RIB is awaited of: id, or IPC_PEER_NONE; *ret_n, if not NULL, how many. */
uint32_t converge_awaited(const struct converge *c, struct mono_us now, size_t *ret_n);

/* How long it has taken; until it is done, how long it takes already. Microseconds. */
uint64_t converge_took_us(const struct converge *c, struct mono_us now);

#endif
