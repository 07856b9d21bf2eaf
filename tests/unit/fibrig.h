/*
 * What tests of the agent's routing state share: one fib through its public contract alone,
 * intents and observations in, operations, verdicts and events out. Every other line of a
 * test asks one of these, hence the short names.
 */
#ifndef TESTS_UNIT_FIBRIG_H
#define TESTS_UNIT_FIBRIG_H

#include "agent/core/fib.h"

#define PROTO  212
#define METRIC 20

extern struct fib *f;
extern struct mono_us now;
extern struct fib_conf conf; /* for a test to change, and to configure again with */
extern struct ip_prefix permit[3]; /* of conf: 10.64.0.0/10, fd64::/16, and room for one more */
extern struct fib_kop op; /* by the last expect(), run() or fib_next_op() */
extern struct fib_report rep; /* by the last fib_next_report() */
extern const char *why;

/* A fib that has seen nothing yet; with everything dumped, as the fixture of every test has it. */
void make(void);
void setup(void);
void teardown(void);

/* A route of somebody else's: protocol 3 by a gateway, 2 (the kernel) without one (NULL). */
struct kern_route foreign(const char *prefix, const char *gw, uint32_t ifindex, uint32_t metric);

/* What the kernel tells: that route of somebody else's, a link, an address. */
void see(const char *prefix, const char *gw, uint32_t ifindex, uint32_t metric, bool gone);
void see_link(uint32_t ifindex, bool up, bool carrier);
void see_addr(const char *a, uint8_t plen, uint32_t ifindex, bool tentative, bool gone);

/* Dump everything: links 2 and 3 with 10.0.0.1/24 and 10.0.1.1/24; extra (may be NULL) is there, too. */
void dump_all(const struct kern_route *extra);

/* What bgpd wants: a set of one or two (b may be NULL) next hops, a route by it. */
void set(uint32_t id, uint32_t backup, const char *a, const char *b);
void route(uint32_t s, const char *p);

/* What BFD says of an address. */
void addr_down(const char *a, bool down);

/* The next operation must be of that kind; there must be none; its answer is this errno. */
void expect(enum fib_op_kind kind);
void expect_none(void);
void answer(int err);

/* Do everything, all of it well. Returns the number of operations but dumps. */
unsigned int run(void);

/* Time passes; what is due is done. */
void later_ms(uint64_t ms);

/* The latest verdict for p, state 255: none. */
struct ipc_verdict verdict(const char *p);

/* Was there an event of that name? Reports are taken. */
bool event(const char *name);

/* What is shown of p, which must be known. */
struct fib_view view(const char *p);

#endif
