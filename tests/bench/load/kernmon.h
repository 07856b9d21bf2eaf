/*
 * What the kernel has: a listener for routes and nexthop objects in the namespace of the
 * daemon under test.
 *
 * The expected routes of a family are numbered: route i is the i-th prefix of that length
 * after the first one. A route leads to legs: leg n is the gateway whose address is the
 * first gateway's plus n; it does not matter whether the gateway stands in the route, in
 * a multipath route, in a nexthop object or in a group of such. Only unicast routes of the
 * main table count.
 *
 * It counts by notifications, which are cheap; when the kernel has lost some for us, all
 * is dumped. kernmon_check() dumps in any case and looks at every route once.
 */
#ifndef BENCH_LOAD_KERNMON_H
#define BENCH_LOAD_KERNMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/mono.h"

#define KERNMON_LEGS  64	 /* of one route; more do not fit */
#define KERNMON_OTHER UINT32_MAX /* a gateway that is no leg, or none at all */

/* The routes expected in one family; n 0 for none. */
struct kernmon_want {
	struct ip_prefix first; /* /32 or shorter in IPv4, /64 or shorter in IPv6 */
	uint32_t n;
	struct ip_addr gateway; /* leg 0 */
	uint32_t legs;
};

struct kernmon_counts {
	uint64_t messages;  /* notifications read */
	uint64_t written;   /* of expected routes: each time one was set, the same again too */
	uint64_t overflows; /* times that the kernel had lost some */
	uint64_t foreign;   /* unicast routes that nobody expects: set by notification */
};

struct kernmon;

/*
 * Listen in the namespace of that name in /run/netns (NULL: here), and take in what is
 * there. Ends the program when that cannot be done.
 */
struct kernmon *kernmon_open(
    const char *netns, const struct kernmon_want *v4, const struct kernmon_want *v6);
void kernmon_close(struct kernmon *k);

/* The descriptor that is readable when there is news; for an event loop. */
int kernmon_fd(const struct kernmon *k);

/* Take in what is there now, without waiting; true when there was any. */
bool kernmon_read(struct kernmon *k);

/* Expected routes of a family (IP4, IP6) that are in the kernel. */
uint32_t kernmon_there(const struct kernmon *k, uint8_t af);

/* Whether route i is. */
bool kernmon_has(const struct kernmon *k, uint8_t af, uint32_t i);

/* Expected routes that lead to a leg, alone or among others. */
uint32_t kernmon_using(const struct kernmon *k, uint8_t af, uint32_t leg);

/* Legs of route i, at most KERNMON_LEGS, ascending; 0 when it is not there. */
size_t kernmon_legs(const struct kernmon *k, uint8_t af, uint32_t i, uint32_t *ret);

/* Routes that are expected, of both families. */
uint32_t kernmon_wanted(const struct kernmon *k);

/* When what was read last was there (the clock after reading it). */
struct mono_us kernmon_time(const struct kernmon *k);
const struct kernmon_counts *kernmon_counts(const struct kernmon *k);

/* Does route i lead where it should? legs: n of them, ascending; n 0: it is not there. */
typedef bool kernmon_judge(void *arg, uint8_t af, uint32_t i, const uint32_t *legs, size_t n);

/*
 * Dump everything and look at each expected route once: number of those that the judge
 * does not find right, plus those for which notifications had said something else. why
 * gets a text about the first.
 */
uint32_t kernmon_check(struct kernmon *k, kernmon_judge *judge, void *arg, char *why, size_t len);

/* Overlook one expected route in the next dump: kernmon_check() has to find that. */
void kernmon_spoil(struct kernmon *k);

#endif
