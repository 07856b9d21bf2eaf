/*
 * A receiver: which prefixes it has now, each checked when it came.
 */
#ifndef LOAD_RECV_H
#define LOAD_RECV_H

#include "tests/bench/load/sess.h"
#include "tests/bench/load/stream.h"

struct receiver;

/* What the receiver has to get for a prefix that an UPDATE announces. */
struct expected {
	const struct wanted *want; /* the attributes that were sent */
	uint32_t set;		   /* their number: those of one number are compared once */
	uint8_t tag; /* 1 to 255: kept for the prefix, such as its sender's number; 0: not kept */
};

/*
 * Fill in what prefix i of u must carry; NULL, or why it must not come at all.
 * Of tags that differ the scenario may make what it likes.
 */
typedef const char *receiver_expect(struct receiver *rx, const struct update *u, uint32_t i,
    struct expected *ret);

struct receiver {
	struct load *l;
	const struct pool *pool;
	struct rules rules;
	receiver_expect *expect;
	uint8_t *cur;  /* tag of each prefix of the pool; 0: not there */
	uint32_t have; /* prefixes that are there */
	uint64_t announced, withdrawn;
	/* A prefix has another tag than before. May be NULL. */
	void (*moved)(struct receiver *rx, uint32_t i, uint8_t was, uint8_t is);
	uint32_t self; /* the peer, where that matters to expect() */
	void *own;
};

/* A receiver of the pool's prefixes; cur is zeroed. End it with receiver_fini(). */
void receiver_init(struct receiver *rx, struct load *l, const struct pool *pool,
    receiver_expect *expect);
void receiver_fini(struct receiver *rx);

/*
 * Take an UPDATE in: every attribute set and every prefix is checked, and what is
 * wrong fails the run. A withdrawal of what is not there is counted only: RFC 4271
 * allows it.
 */
void receiver_update(struct receiver *rx, struct sess *s, const uint8_t *body, size_t len);

/*
 * For a session that only sends: an UPDATE with prefixes of the pool, which are its own,
 * fails the run unless --own-back=ok, and one with others unless --others=ok.
 */
void sess_no_routes(struct sess *s, const struct pool *pool, const uint8_t *body, size_t len);

#endif
