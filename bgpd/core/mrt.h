/*
 * MRT: dumps of the RIB, and recordings of sessions.
 *
 * A dump walks the tables when it is pulled and ends by itself; paths that
 * import accepted are in it, own ones included.  A recording takes every
 * message read and sent and every change of state, until it is stopped; what
 * waits for its reader is bounded, and records that find no room are counted
 * and lost.  RFC 6396, RFC 8050; octets: mrt_enc.h.
 */
#ifndef BGPD_CORE_MRT_H
#define BGPD_CORE_MRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/fsm.h"
#include "lib/mono.h"

#define MRT_QUEUE_OCTETS (4u << 20)
#define MRT_MAX		 8 /* dumps and recordings at a time */

struct conn;
struct peer;
struct speaker;

/* End of the speaker: forget them, or finish what is being written. */
void mrt_free(struct speaker *sp);
void mrt_shutdown(struct speaker *sp, struct mono_us now);

/* What happened; as feed.h says. */
void mrt_message(struct peer *p, const struct conn *c, bool sent, const uint8_t *msg,
    size_t octets);
void mrt_state(struct peer *p, enum fsm_state was, enum fsm_state now);

#endif
