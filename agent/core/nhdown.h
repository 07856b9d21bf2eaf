/*
 * Addresses that BFD says are down: neither next hops nor gateways while they are here.
 *
 * Kept apart from next hops, which come and go with the sets that name them.  A global
 * address counts on whatever interface it is reached; a link-local one only on its own.
 */
#ifndef AGENT_CORE_NHDOWN_H
#define AGENT_CORE_NHDOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/trie.h"

struct nhdown { /* all zeros: none */
	struct trie trie;
};

/* a is down, or no longer. True: it was not so before. */
bool nhdown_set(struct nhdown *d, const struct ip_addr *a, bool down);
/* a is down on that interface; a->ifindex is not looked at. */
bool nhdown_has(const struct nhdown *d, const struct ip_addr *a, uint32_t ifindex);
/* None any more. */
void nhdown_free(struct nhdown *d);

#endif
