/*
 * Monitoring feeds: what goes out to somebody who watches and says nothing:
 * BMP collectors (bmp.c) and MRT dumps and recordings (mrt.c).
 *
 * A feed is a stream of octets that the shell pulls while its descriptor takes
 * them.  What has to be told in order waits in a queue with a bound; what can
 * be told from the tables is made when it is pulled.  So nobody who reads
 * slowly, or not at all, makes the speaker wait or grow.
 *
 * This file also passes on what happens (messages, paths, decisions) to those
 * two; without any feed that costs a look at two empty lists.
 */
#ifndef BGPD_CORE_FEED_H
#define BGPD_CORE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/fsm.h"
#include "bgpd/core/rib.h"
#include "lib/list.h"
#include "lib/mono.h"

struct conn;
struct feed;
struct peer;
struct rpeer;
struct speaker;

/* Octets in order, at most max of them.  All zeros but for max: empty. */
struct outq {
	uint8_t *buf;
	size_t head, len, cap, max;
};

/* Room for n octets behind the others; NULL when that would be more than max. */
uint8_t *outq_room(struct outq *q, size_t n);
/* n octets of that room are in use now. */
void outq_commit(struct outq *q, size_t n);
/* Take up to cap octets out, the oldest first. Gives the memory back with the last one. */
size_t outq_take(struct outq *q, uint8_t *buf, size_t cap);
void outq_free(struct outq *q);

struct feed_ops {
	/* Write up to cap octets (SPEAKER_FEED_MIN at least) that come after the queue's. */
	size_t (*pull)(struct feed *f, struct mono_us now, uint8_t *buf, size_t cap);
	/* Would pull() write, or look for, something? */
	bool (*wants)(const struct feed *f);
	/* The descriptor takes nothing since then (MONO_NEVER: it does again). */
	void (*blocked)(struct feed *f, struct mono_us now, struct mono_us since);
	/* It is gone, the feed will be freed: err is an errno, 0 for an orderly end. */
	void (*closed)(struct feed *f, struct mono_us now, int err);
};

struct feed {
	struct list node;
	uint32_t id;
	struct speaker *sp;
	const struct feed_ops *ops;
	void *owner; /* NULL: nobody's any more, only the queue is left to be sent */
	bool write_asked;
	bool ending; /* once the queue is empty it may be closed */
	struct outq q;
};

struct feeds {
	struct list open;	/* struct feed */
	struct list collectors; /* struct collector, bmp.c */
	struct list mrts;	/* struct mrt, mrt.c */
	uint32_t last_id;
	int64_t wall_offset_us; /* real time less monotonic time */
};

/* None yet; and forget all of them at the speaker's end. */
void feeds_init(struct speaker *sp);
void feeds_free(struct speaker *sp);

/* A feed with an empty queue of at most max octets. */
struct feed *feed_new(struct speaker *sp, const struct feed_ops *ops, void *owner, size_t max);
/* There is (or may be) something to pull: ask the shell, once. */
void feed_kick(struct feed *f);
/* Send what is queued and close it, however long that takes; its owner has left it. */
void feed_end(struct feed *f);
/* The same within the second that a closing connection has. */
void feed_close(struct feed *f);
/* Close it at once. */
void feed_abort(struct feed *f);

/* Microseconds since 1970 at that time. */
uint64_t feed_wall_us(const struct speaker *sp, struct mono_us t);

/* ---- what happened ------------------------------------------------------------- */

/* For peer_ops. */
void feeds_message(struct peer *p, const struct conn *c, bool sent, const uint8_t *msg,
    size_t octets);
void feeds_state(struct peer *p, enum fsm_state was, enum fsm_state now);

/* A session is up; down (before its routes go); the peer has sent End-of-RIB for a family. */
void feeds_up(struct rpeer *rp);
void feeds_down(struct rpeer *rp);
void feeds_end_of_rib(struct rpeer *rp, unsigned i);

/*
 * A path is new or another one: was_accepted says whether import accepted what
 * it was before.  And: it is about to be removed.
 */
void feeds_path(struct speaker *sp, unsigned i, uint32_t path, bool was_accepted);
void feeds_path_gone(struct speaker *sp, unsigned i, uint32_t path);

/* The destination was decided; changed: the best path, or what it says, is another. */
void feeds_decided(struct speaker *sp, unsigned i, uint32_t dest, bool changed);

/* The speaker ends: say so to collectors, and end what is being written. */
void feeds_shutdown(struct speaker *sp, struct mono_us now);

#endif
