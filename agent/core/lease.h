/*
 * Who leads, by a Lease (coordination.k8s.io/v1): the thinking. Pure.
 *
 * The Lease has a holder who renews it. Clocks of nodes are not compared: whoever wants it measures,
 * with its own monotonic clock, since when nothing of it has changed, and takes it over when that is
 * longer than the holder promised. The holder stops to believe in its own lead earlier than that,
 * counted from when it had sent its last successful renewal: so there are never two who lead, and
 * what the holder begins in time has some seconds to arrive.
 */
#ifndef AGENT_CORE_LEASE_H
#define AGENT_CORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/mono.h"
#include "lib/rng.h"

#define LEASE_TEXT_MAX 128

struct lease_conf {
	char identity[LEASE_TEXT_MAX]; /* of this process and no other, restarts included */
	uint32_t duration_ms; /* what we promise: nobody takes it over for so long */
};

/* The Lease as it was read; texts that do not fit are cut. */
struct lease_seen {
	char holder[LEASE_TEXT_MAX], renewed[LEASE_TEXT_MAX], version[LEASE_TEXT_MAX];
	uint32_t duration_s;	/* 0: not said */
	uint32_t transitions;
};

enum lease_do { LEASE_WAIT, LEASE_GET, LEASE_CREATE, LEASE_RENEW };

struct lease {
	struct lease_conf conf;
	struct rng rng;
	struct lease_seen seen;
	bool known;		 /* seen is what was there last */
	bool held;
	struct mono_us changed;	 /* when seen was seen to change */
	struct mono_us until;	 /* held: believed until then */
	struct mono_us due;	 /* of what is next */
	struct mono_us sent;
	enum lease_do next, doing; /* doing WAIT: nothing is under way */
};

/* Nothing is known; the first look is due at once. c is copied; seed: for jitter. */
void lease_init(struct lease *l, const struct lease_conf *c, uint64_t seed, struct mono_us now);

/*
 * What to ask the server now; also ends a lead whose time is over, so that lease_deadline() is
 * later than now afterwards. WAIT: nothing, before that deadline. Anything else is under way
 * until lease_answer(). RENEW writes holder, renewal time and duration over the version in
 * l->seen, and when that is another's (lease_takes_over()) one more transition.
 */
enum lease_do lease_next(struct lease *l, struct mono_us now);
/* The answer: HTTP's status (0: none came) and what it showed; seen NULL: nothing. */
void lease_answer(struct lease *l, struct mono_us now, int status, const struct lease_seen *seen);
/* When lease_next() or lease_is_held() may say something else. */
struct mono_us lease_deadline(const struct lease *l);

/* Do we lead? False from the moment on that another one might. */
bool lease_is_held(const struct lease *l, struct mono_us now);
bool lease_takes_over(const struct lease *l);

#endif
