/*
 * Addresses of load balancers: which Service gets which, out of configured pools.
 *
 * Pure: Services go in as their watch tells them; what has to be written to status.loadBalancer and
 * what has to be told in an Event comes out. What stands in a status is adopted before anything is
 * given away, so another leader, or the next life, decides the same. Among several that want one
 * address the older Service has it, then the one whose key sorts first.
 *
 * An address is kept as long as the Service still asks for what it is: families, the address or
 * pool it requests, a pool that is for it. One that lies in no pool any more stays and is reported,
 * unless `reclaim`: taking it away would cut off its users.
 *
 * Two Services share an address only when both name the same sharing key, no port of one is a port
 * of the other, and packets for both find their way: both have externalTrafficPolicy Cluster, or
 * the same pods behind them.
 */
#ifndef AGENT_CORE_POOLS_H
#define AGENT_CORE_POOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/iprange.h"
#include "lib/selector.h"

#define POOLS_REQUESTS_MAX 2 /* addresses of one Service: one of each family */
#define POOLS_TEXT_MAX	   256

struct pools;

struct pool_conf {
	const char *name;
	const struct ip_range *ranges;
	size_t nranges;
	bool auto_assign;  /* also for Services that do not ask for this pool or its addresses */
	bool avoid_buggy;  /* never .0 and .255 of IPv4 */
	const struct selector *selector; /* of Services; NULL: every one */
	const char *const *namespaces;	 /* n == 0: all */
	size_t nnamespaces;
};

enum pools_kind {
	POOLS_MINE,   /* type LoadBalancer, of our class, not being deleted */
	POOLS_OTHERS, /* of somebody else's class: never touched */
	POOLS_NONE,   /* of another type, or being deleted */
};

enum pools_policy { POOLS_SINGLE, POOLS_PREFER_DUAL, POOLS_REQUIRE_DUAL };

struct pool_port {
	uint16_t port;
	uint8_t protocol; /* IP's number: 6, 17, 132 */
};

/* A Service, as far as this goes. Borrowed for the call. */
struct pool_service {
	const char *key; /* "namespace/name" */
	uint8_t kind;	 /* enum pools_kind */
	uint64_t created; /* seconds; older ones come first */
	struct labels labels;
	uint8_t policy;	   /* enum pools_policy */
	uint8_t family;	   /* the first, or only one: IP4 or IP6 */
	struct ip_addr requested[POOLS_REQUESTS_MAX]; /* at most one of each family */
	size_t nrequested;
	bool bad_request;     /* it asks for addresses in a way nobody understands */
	const char *pool;     /* requested; NULL: none */
	const char *sharing;  /* key; NULL: shares with nobody */
	bool local;	      /* externalTrafficPolicy Local */
	const char *backends; /* its pod selector as text: equal texts are equal pods */
	const struct pool_port *ports;
	size_t nports;
	struct ip_addr status[POOLS_REQUESTS_MAX]; /* what stands there, at most one of each family */
	size_t nstatus;
	bool odd_status; /* more stands there than that: names, a second address of a family */
};

enum pools_why {
	POOLS_ASSIGNED,
	POOLS_PENDING,	   /* not looked at yet */
	POOLS_NOT_MINE,
	POOLS_NO_POOL,	   /* none is for it */
	POOLS_EXHAUSTED,
	POOLS_UNKNOWN_POOL,
	POOLS_POOL_DENIED, /* the pool it requests is not for it */
	POOLS_TAKEN,	   /* the address it requests is another one's */
	POOLS_NOT_IN_POOL, /* the address it requests is in no pool that is for it */
	POOLS_WRONG_FAMILY, /* the address it requests is of a family that it does not have */
	POOLS_BAD_REQUEST,
	POOLS_OUTSIDE,	   /* it keeps an address that is in no pool for it any more */
	POOLS_HALF,	   /* one of the two families it would like has nothing free */
};

/* Nothing configured, nothing known; seed keys the hashes. */
struct pools *pools_new(uint64_t seed);
/* NULL is fine. */
void pools_free(struct pools *p);

/* Everything is copied but selectors, which stay valid until the next call. */
void pools_configure(struct pools *p, const struct pool_conf *v, size_t n, bool reclaim);

/* New or changed; all of it is copied. */
void pools_put(struct pools *p, const struct pool_service *s);
/* It is deleted: what it has is free. */
void pools_remove(struct pools *p, const char *key);
/*
 * All Services have been told once: from now on addresses are given away. Before that nothing comes
 * out. To be called once.
 */
void pools_synced(struct pools *p);

/* A Service whose status is not what it should be. */
struct pools_todo {
	const char *key; /* valid until the next call of anything here */
	struct ip_addr addr[POOLS_REQUESTS_MAX]; /* in the order of its families */
	size_t n;	 /* 0: nothing may stand there */
};
/* The next one; each is told once, until it is put again or pools_again(). False: none. */
bool pools_next_todo(struct pools *p, struct pools_todo *ret);
/* Writing its status has failed: tell it again. */
void pools_again(struct pools *p, const char *key);

/* Something to be told about a Service, once. */
struct pools_event {
	const char *key; /* valid until the next call of anything here */
	bool warning;
	const char *reason; /* one word: AddressAssigned, AddressConflict, ... */
	char text[POOLS_TEXT_MAX];
};
bool pools_next_event(struct pools *p, struct pools_event *ret);

/* ---- views ------------------------------------------------------------------ */

struct pools_view {
	const char *name;
	uint64_t size[2]; /* addresses: [0] IPv4, [1] IPv6; UINT64_MAX: that many or more */
	uint64_t used[2];
	uint32_t services;  /* with an address of it */
	uint32_t conflicts; /* that ask for one which another Service has */
};
/* The pools in the order of their configuration; false: i is no index of one. */
bool pools_view(const struct pools *p, size_t i, struct pools_view *ret);

struct pools_service_view {
	const char *key, *pool; /* pool NULL: none */
	struct ip_addr addr[POOLS_REQUESTS_MAX];
	size_t n;
	enum pools_why why;
	char text[POOLS_TEXT_MAX];
};
/* What is known of a Service; false: nothing. */
bool pools_service(const struct pools *p, const char *key, struct pools_service_view *ret);
/* Those that have less than they ask for; *pos starts at 0; false: no more. Not across changes. */
bool pools_next_waiting(const struct pools *p, size_t *pos, struct pools_service_view *ret);

/* "assigned", "exhausted", ...: static. */
const char *pools_why_word(enum pools_why why);

#endif
