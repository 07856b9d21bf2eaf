/*
 * What the agent is told: next-hop sets and the routes that go by them.
 *
 * A set is interned by its members, sorted; it is told (NHSET) before the
 * first route that uses it and taken back (NHSET_DEL) after the last one left.
 * Destinations with news are queued, one bit each; what is told is made when
 * it is asked for, so only the newest state ever goes out.
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

enum fib_sync { FIB_SYNC_NEEDED, FIB_SYNC_BODY, FIB_SYNC_DONE };

struct fib {
	struct slots sets;	/* struct fib_set: its id is the set's */
	struct hmap map;	/* the same, by members */
	uint32_t dead;		/* told sets that no route uses: to be taken back */
	uint32_t next_set;	/* told for a route that was not told yet: holds a reference */
	struct bitq dirty[AF_COUNT];
	uint8_t turn;		/* family served last */
	enum fib_sync sync;
	uint32_t waiting;	/* routes told, and no verdict yet */
	struct ipc_nhset scratch, out;
};

/* Nothing told yet (key seeds the hash of sets); and give all memory back. */
void fib_init(struct speaker *sp, const uint64_t key[2]);
void fib_free(struct speaker *sp);

/* The destination was decided: queue it if its route changes. i: index of the family. */
void fib_update(struct speaker *sp, unsigned i, uint32_t dest);

/* The agent's channel is new: tell everything again. */
void fib_reset(struct speaker *sp);

/* The next operation for the agent, as speaker_next_fib(); false when there is none now. */
bool fib_next(struct speaker *sp, struct fib_op *ret);

/* What became of a route; true when its destination's verdict changed. */
bool fib_verdict(struct speaker *sp, const struct ipc_verdict *v, unsigned *ret_i,
    uint32_t *ret_dest);

/* Where a learned route stands, for its announcement to others. */
enum fib_gate { FIB_GATE_OPEN, FIB_GATE_WAIT, FIB_GATE_SHUT };
enum fib_gate fib_gate(const struct speaker *sp, unsigned i, uint32_t dest);

/* Destinations and withdrawals of sets not told yet. */
uint64_t fib_pending(const struct speaker *sp);

#endif
