/*
 * The inside of the engine: sessions and what its files share. For bfdd/core only.
 */
#ifndef BFDD_CORE_BFD_INT_H
#define BFDD_CORE_BFD_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bfdd/core/auth.h"
#include "bfdd/core/bfd.h"
#include "bfdd/core/saved.h"
#include "lib/heap.h"
#include "lib/hmap.h"
#include "lib/list.h"
#include "lib/mono.h"
#include "lib/rng.h"

struct session {
	struct hmap_node by_id, by_discr, by_key; /* by_id: not while leaving */
	struct heap_node timer; /* the earliest of tx_at, the end of the Detection Time, leave_at */
	struct list urgent;	/* in the engine's list: has something to send now */
	uint32_t id;
	struct bfd_conf conf;
	uint32_t discr; /* bfd.LocalDiscr */
	enum bfd_state state;
	enum bfd_diag diag;
	struct bfd_remote remote;

	/*
	 * What we advertise and what counts. They differ between a change that must wait for
	 * the peer and the end of the Poll Sequence about it: RFC 5880 section 6.8.3.
	 */
	struct bfd_timing said, used;
	enum bfd_poll poll;
	bool owes_final; /* a Poll was received */
	bool differs;	 /* the next packet says something new */

	uint64_t interval_us;	/* between our packets, before jitter; 0: none are due */
	struct mono_us tx_at;	/* the next periodic packet; MONO_NEVER: none */
	struct mono_us last_tx; /* MONO_NEVER: none yet */
	uint8_t last_sent[BFD_OCTETS_MIN];

	bool is_heard; /* the Detection Time runs */
	struct mono_us last_rx;
	uint32_t xmit_seq; /* of the last packet sent */
	struct bfd_auth_rx rcv_seq;
	struct mono_us seq_at; /* when it was received */

	struct mono_us leave_at; /* MONO_NEVER: not leaving */
	bool is_resumed, is_confirmed;
	struct mono_us since, last_down;
	enum bfd_diag last_down_diag;
	uint8_t last_down_remote_diag;
	struct bfd_counters n;

	struct bfd_place place; /* in the saved memory */
	bool is_dirty;		/* the place does not say what is here */
};

struct bfd_engine {
	struct bfd_ops ops;
	struct rng rng;
	struct hmap by_id, by_discr, by_key;
	struct heap timers;
	struct list urgent;
	struct bfd_event *events; /* a ring of cap places */
	size_t first_event, n_events, cap_events;
	uint64_t stray[BFD_RX_N];
	struct bfd_saved *slots;
	bool *is_taken; /* for each slot */
	size_t n_slots;
};

/* ---- session.c ---- */

/* Is it saying good-bye? */
static inline bool
session_is_leaving(const struct session *s)
{
	return !mono_is_never(s->leave_at);
}

/* Local Detection Time in microseconds; 0 before the peer said anything: RFC 5880 section 6.8.4. */
uint64_t session_detect_us(const struct session *s);

/* Change the state, for this reason; says so to peer and agent. */
void session_change(struct bfd_engine *e, struct session *s, struct mono_us now,
    enum bfd_state state, enum bfd_diag diag);

/* Work out what is advertised from configuration and state; a change starts a Poll Sequence. */
void session_negotiate(struct bfd_engine *e, struct session *s, struct mono_us now);

/* A packet came from the peer with this F bit: end or begin a Poll Sequence. */
void session_poll_heard(struct session *s, bool final);

/* A Poll Sequence is wanted: RFC 5880 section 6.5. */
void session_poll_start(struct session *s);

/* From one periodic packet to the next, in microseconds; the interval must not be 0. */
uint64_t session_jitter_us(struct bfd_engine *e, const struct session *s);

/* The interval may have changed: move the next periodic packet. */
void session_retime(struct bfd_engine *e, struct session *s, struct mono_us now);

/* Send before its time: the contents are new. */
void session_hurry(struct bfd_engine *e, struct session *s);

/* The Detection Time is over: RFC 5880 sections 6.8.1 and 6.8.4. */
void session_expire(struct bfd_engine *e, struct session *s, struct mono_us now);

/* When it ends; MONO_NEVER while it does not run. */
struct mono_us session_expires_at(const struct session *s);

/* After every change: set the timer, and save what is to be saved. */
void session_settle(struct bfd_engine *e, struct session *s);

/* ---- engine.c ---- */

/* The session with this discriminator, id, or addresses; NULL when there is none. */
struct session *engine_by_discr(const struct bfd_engine *e, uint32_t discr);
struct session *engine_by_id(const struct bfd_engine *e, uint32_t id);
struct session *engine_by_meta(const struct bfd_engine *e, const struct bfd_meta *meta);

/* Take a session out of everything and free it; its slot is emptied. */
void engine_drop(struct bfd_engine *e, struct session *s);

/* Append an event about s, which was in state `was`. */
void engine_event(
    struct bfd_engine *e, const struct session *s, enum bfd_state was, struct mono_us now);

#endif
