/*
 * Peers out of a listenRange: who connects from one of its prefixes is a peer
 * of its own, with the entry's settings, until bgpd has forgotten it.
 *
 * No I/O here: source.c tells bgpd and tcp.c what came of it.
 */
#ifndef AGENT_DYNAMIC_H
#define AGENT_DYNAMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf.h"
#include "lib/ip.h"
#include "lib/list.h"

struct peer_slot;

/* One such peer.  conf is a copy of its range's entry with a name and an address of its own;
 * other texts in it belong to the configuration in force. */
struct dynamic_peer {
	struct list link; /* in the order of arrival */
	uint32_t id;	  /* as of configured peers; given by the caller */
	struct conf_peer conf;
	struct ip_addr addr; /* with ifindex when link-local */
	char *name;	     /* conf.name is this */
	struct peer_slot *slot; /* the caller's */
};

struct dynamic {
	struct list peers; /* struct dynamic_peer */
	size_t n;
};

/* No peers; give all of them back. */
void dynamic_init(struct dynamic *d);
void dynamic_free(struct dynamic *d);

/*
 * The entry whose range holds that address: longest prefix first.  ifname is the interface of a
 * link-local address, else "" or NULL.  NULL: no range has it.
 */
const struct conf_peer *dynamic_range(const struct conf *c, const struct ip_addr *addr,
    const char *ifname);

/* Peers out of that range now. */
size_t dynamic_count(const struct dynamic *d, const char *range);

/* Add the peer of that address (which is none yet) out of range. */
struct dynamic_peer *dynamic_add(struct dynamic *d, const struct conf_peer *range,
    const struct ip_addr *addr, uint32_t id);

/* NULL: none. */
struct dynamic_peer *dynamic_find(const struct dynamic *d, uint32_t id);
void dynamic_remove(struct dynamic *d, struct dynamic_peer *p);

/*
 * A new configuration: peers take its settings; the first one that has no place in it (its
 * range is gone, or another one or a configured peer has its address) is returned for removal,
 * NULL when there is none: call again until then, before the old configuration is freed.
 */
struct dynamic_peer *dynamic_review(struct dynamic *d, const struct conf *c);

/* Name of the range of a dynamic peer's name "rack/10.0.0.7", in buf of cap octets; "" when it is
 * no such name. */
char *dynamic_range_name(const char *peer, char *buf, size_t cap);

#endif
