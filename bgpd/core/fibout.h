/*
 * What the agent is told: next-hop sets and the routes that go by them.
 *
 * A set is interned by its members, sorted; it is told (NHSET) before the
 * first route that uses it and taken back (NHSET_DEL) after the last one left.
 * Destinations with news are queued, one bit each; what is told is made when
 * it is asked for, so only the newest state ever goes out.
 *
 * A set of one next hop names the next best one as its backup: should the agent
 * lose the first, one message to the kernel moves all its routes.  (Sets of several
 * have each other; a backup for them would cost a set, and a message for each
 * route, whenever the next best path changes.)
 *
 * A peer's session ends: each set is told again by its id, ahead of all routes,
 * without the next hops that only this peer's paths led to.  For that a set knows
 * of each next hop which peer it is from, as long as there is only one.
 */
#ifndef BGPD_CORE_FIBOUT_H
#define BGPD_CORE_FIBOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/bitq.h"
#include "bgpd/core/nlri.h"
#include "bgpd/core/slots.h"
#include "bgpd/core/speaker.h"
#include "lib/hmap.h"

struct rpeer;

#define FIB_FROM_MANY UINT16_MAX /* not the index of a peer: several, now or before */
/* Routes with the agent and without a verdict, before no more are told: some 20 ms of the kernel's time. */
#define FIB_WAITING_MAX 8192u

/* What a destination wants. */
struct fib_want {
	struct ipc_nhset set;	/* but for id and backup; n 0: no route */
	struct ip_addr backup;	/* next hop; af 0: none */
	uint16_t from[IPC_MEMBERS_MAX], backup_from; /* index of the peer, or FIB_FROM_MANY */
};

enum fib_sync { FIB_SYNC_NEEDED, FIB_SYNC_BODY, FIB_SYNC_DONE };

struct fib {
	struct slots sets;	/* struct fib_set: its id is the set's */
	struct hmap map;	/* the same, by members */
	uint32_t dead;		/* told sets that no route uses: to be taken back */
	uint32_t next_set;	/* told for a route that was not told yet: holds a reference */
	struct bitq dirty[AF_COUNT];
	uint8_t turn;		/* family served last */
	enum fib_sync sync;
	uint32_t recent;	/* the set asked for last, most often the next one, too; no reference */
	uint32_t waiting;	/* routes told, and no verdict yet */
	struct fib_trail {
		uint32_t last, step; /* the destination of the last verdict, less the one before */
	} trail[AF_COUNT];
	uint32_t again;		/* sets from this id on are to be told again; 0: none */
	struct fib_want scratch;
	struct ipc_nhset out;
};

/* Nothing told yet (key seeds the hash of sets); and give all memory back. */
void fib_init(struct speaker *sp, const uint64_t key[2]);
void fib_free(struct speaker *sp);

/* The destination was decided: queue it if its route changes. i: index of the family. */
void fib_update(struct speaker *sp, unsigned i, uint32_t dest);

/*
 * The peer's paths count no longer, in families where it has none that do: take what it
 * alone led to out of all sets, or put the backup in its place. Only with install.
 */
void fib_peer_lost(struct rpeer *rp);

/* The agent's channel is new: tell everything again. */
void fib_reset(struct speaker *sp);

/*
 * The next operation for the agent, as speaker_next_fib(); false when there is none now, which
 * with FIB_WAITING_MAX routes without a verdict holds for routes, not for sets.
 */
bool fib_next(struct speaker *sp, struct fib_op *ret);

/* What became of a route; true when its destination's verdict changed. */
bool fib_verdict(struct speaker *sp, const struct ipc_verdict *v, unsigned *ret_i,
    uint32_t *ret_dest);

/* Where a learned route stands, for its announcement to others. */
enum fib_gate { FIB_GATE_OPEN, FIB_GATE_WAIT, FIB_GATE_SHUT };
enum fib_gate fib_gate(const struct speaker *sp, unsigned i, uint32_t dest);
/* Why it is not announced, in words (static); NULL: the gate is open. */
const char *fib_gate_text(const struct speaker *sp, unsigned i, uint32_t dest);

/* Destinations and withdrawals of sets not told yet. */
uint64_t fib_pending(const struct speaker *sp);

#endif
