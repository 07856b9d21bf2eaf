/*
 * A kernel in 300 lines, for the property test of agent/core: links, connected and
 * foreign routes, nexthop objects, with the real one's manners (facts checked by
 * tests/unit/test_nl.c):
 *
 * - CREATE|EXCL is refused when any route with that prefix and metric is there;
 *   REPLACE hits the first one there, whoever made it; DEL matches the protocol.
 * - Losing carrier flushes the link's nexthop objects and what uses them; going down
 *   takes plain routes, too; IPv4 says nothing about either, IPv6 does.
 * - Notifications queue up in order, and are lost on overflow.
 */
#ifndef TESTS_PROP_FAKEKERN_H
#define TESTS_PROP_FAKEKERN_H

#include "agent/core/fib.h"
#include "lib/rng.h"

#define FK_LINKS    3
#define FK_ROUTES   512
#define FK_NEXTHOPS 512
#define FK_QUEUE    4096
#define FK_PROTO    212
#define FK_BY	    4711

struct fk_note {
	enum kern_what what;
	bool gone;
	uint32_t by;
	union {
		struct kern_link link;
		struct kern_addr addr;
		struct kern_route route;
		struct kern_nexthop nexthop;
	};
};

struct fk {
	struct rng *rng;
	struct kern_link link[FK_LINKS]; /* ifindex 1.. */
	bool addr6[FK_LINKS];		 /* admin-down takes IPv6 addresses away */
	struct kern_route route[FK_ROUTES];
	size_t nroutes;
	struct kern_nexthop nh[FK_NEXTHOPS];
	size_t nnh;
	struct fk_note *queue;
	size_t head, len;
	bool overflow;
	unsigned int fail_pct; /* operations that fail for no reason */
	uint64_t broken;       /* times that an operation of ours hit somebody else's object */
};

void fk_init(struct fk *k, struct rng *rng);
void fk_fini(struct fk *k);
/* The kernel's answer to an operation: 0 or an errno. */
int fk_exec(struct fk *k, const struct fib_kop *op);
/* Deliver one notification. False: none. */
bool fk_deliver(struct fk *k, struct fib *f, struct mono_us now);
void fk_dump(struct fk *k, struct fib *f, struct mono_us now, enum kern_what what);
/* What happens to links, and what others do. */
void fk_link(struct fk *k, unsigned int i, bool up, bool carrier);
void fk_foreign_add(struct fk *k, const struct kern_route *r, bool append);
void fk_route_del(struct fk *k, size_t i, uint32_t by);
void fk_nexthop_del(struct fk *k, size_t i, uint32_t by);
/* Lose what is queued. */
void fk_overflow(struct fk *k);

/* The leg to gateway 10.0.i.x or fd00:i::x; connected legs without a gateway do not occur in ours. */
const struct kern_nexthop *fk_nexthop(const struct fk *k, uint32_t id);
/* The legs of a route, objects expanded, sorted. */
uint16_t fk_legs(const struct fk *k, const struct kern_route *r, struct kern_leg *ret);

#endif
