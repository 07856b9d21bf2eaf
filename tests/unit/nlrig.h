/*
 * A fib and its netlink shell in a network namespace of their own, for tests on the
 * real kernel. Needs root and iproute2; nlrig_usable() says whether it can be had.
 */
#ifndef TESTS_UNIT_NLRIG_H
#define TESTS_UNIT_NLRIG_H

#include <event2/event.h>

#include "agent/core/fib.h"
#include "agent/nl.h"

#define RIG_PROTO  212
#define RIG_METRIC 20

struct nlrig {
	struct event_base *base;
	struct fib *fib;
	struct nl *nl;
	struct fib_conf conf;
	struct ip_prefix permit[4];
	/* What was reported. */
	uint32_t verdicts[8]; /* by state */
	uint32_t adopted[2], ready, events, nh_states, flushed;
	struct ipc_verdict last; /* for the prefix in watch */
	struct ip_prefix watch;
	struct ipc_nh_state nh;
	char event_names[2048];
};

bool nlrig_usable(void);
/* Enter a new namespace: links v0, v1 (two ends) and w0, w1, up, with 10.0.0.1/24 fd00::1/64 and 10.0.1.1/24 fd01::1/64. */
void nlrig_netns(void);
/* Make the fib and start; permit 10.64.0.0/10 and fd64::/16. monitor_octets as in nl.h. */
void nlrig_start(struct nlrig *r, enum fib_nhobj_mode nhobj, size_t monitor_octets);
void nlrig_stop(struct nlrig *r);
/* Give the fib's wishes to the kernel and let the loop run until cond() or ms. */
bool nlrig_until(struct nlrig *r, bool (*cond)(struct nlrig *r), unsigned int ms);
/* Everything known and nothing left to do. */
bool nlrig_synced(struct nlrig *r);
void nlrig_settle(struct nlrig *r); /* until synced, at most 5 s, else the test fails */
/* Run the loop for that long. */
void nlrig_run(struct nlrig *r, unsigned int ms);

/* Set id: next hops from a list of texts, ended by NULL. */
void nlrig_set(struct nlrig *r, uint32_t id, uint32_t backup, const char *const *nh);
void nlrig_route(struct nlrig *r, uint32_t set, const char *prefix);
/* n routes 10.64.0.0/24, 10.64.1.0/24, ... (IPv6: fd64:0:0::/48, ...) by that set. */
void nlrig_routes(struct nlrig *r, uint32_t set, uint8_t af, uint32_t n);
struct ip_prefix nlrig_prefix(const char *s);
struct ip_prefix nlrig_nth(uint8_t af, uint32_t i);
uint64_t nlrig_now_us(void);

/* Run a shell command; it must succeed. */
void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Its output, stripped of the last newline, in a buffer that the next call reuses. */
const char *sh_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Number of lines it prints. */
int sh_lines(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
