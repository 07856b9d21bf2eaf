/*
 * A session in memory that outlives the process: struct bfd_saved and its contents.
 */
#ifndef BFDD_CORE_SAVED_H
#define BFDD_CORE_SAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bfdd/core/auth.h"
#include "bfdd/core/bfd.h"
#include "lib/mono.h"

/* What the peer said last. */
struct bfd_remote {
	uint32_t discr;	       /* 0: not known */
	uint32_t tx_us, rx_us; /* Desired Min TX, Required Min RX */
	uint8_t mult;	       /* 0: nothing heard yet */
	uint8_t diag;
	enum bfd_state state;
	bool demand, independent;
};

/* Intervals in microseconds: bfd.DesiredMinTxInterval and bfd.RequiredMinRxInterval. */
struct bfd_timing {
	uint32_t tx_us, rx_us;
};

/* A Poll Sequence: RFC 5880 sections 6.5 and 6.8.3. */
enum bfd_poll {
	POLL_NONE,
	POLL_ACTIVE, /* P bit set until an F bit comes */
	POLL_AGAIN,  /* the same, and something changed meanwhile */
	POLL_WAIT,   /* ended; the next one begins after a packet without F bit */
};

/* Everything that a new process needs to go on. */
struct bfd_record {
	uint32_t id;
	struct bfd_conf conf;
	uint32_t discr;
	enum bfd_state state;
	enum bfd_diag diag;
	struct bfd_remote remote;
	struct bfd_timing used;
	enum bfd_poll poll;
	uint32_t xmit_seq;
	struct bfd_auth_rx rcv_seq;
	struct mono_us seq_at, since, last_down;
	enum bfd_diag last_down_diag;
	uint8_t last_down_remote_diag;
	uint64_t ups, downs;
};

/* Which slot a session has, and how often it was written. */
struct bfd_place {
	struct bfd_saved *slot; /* NULL: none */
	uint64_t generation;
};

/*
 * Write r as the next generation. A process killed at any moment of it leaves
 * a slot that reads as r or as what it held before.
 */
void bfd_saved_write(struct bfd_place *p, const struct bfd_record *r);

/*
 * Read the newest whole copy, whatever the memory holds. False when there is none
 * of this version whose values are all in range.
 */
bool bfd_saved_read(struct bfd_saved *slot, struct bfd_record *ret, uint64_t *ret_generation);

/* Make it empty. */
void bfd_saved_clear(struct bfd_saved *slot);

#endif
