/*
 * The peers that connections may be had with: by id, by address, by link.
 *
 * No two have one id. Pointers to one are good until it is removed. They hold keys: whatever is no longer needed is wiped before it is given back.
 */
#ifndef AGENT_TCP_PEERS_H
#define AGENT_TCP_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/tcp.h"
#include "lib/hmap.h"
#include "lib/ip.h"
#include "lib/list.h"

struct tcp_peers {
	struct list all; /* struct tcp_entry, in the order in which they were added */
	struct hmap by_id, by_addr;
};

struct tcp_entry {
	struct list node;
	struct hmap_node by_id, by_addr;
	struct tcp_peer peer; /* id and address are changed by tcp_peers_*() alone */
};

#define TCP_PEERS_FOREACH(n, s) LIST_FOREACH(n, &(s)->all)

static inline const struct tcp_peer *
tcp_peer_at(const struct list *n)
{
	return &container_of(n, const struct tcp_entry, node)->peer;
}

/* An empty one, whose maps have that secret; and its end (NULL: nothing). */
struct tcp_peers *tcp_peers_new(const uint64_t key[2]);
void tcp_peers_free(struct tcp_peers *s);

/* One more (copied); one less; another address for one (af 0: none). */
void tcp_peers_add(struct tcp_peers *s, const struct tcp_peer *p);
void tcp_peers_remove(struct tcp_peers *s, uint32_t id);
void tcp_peers_move(struct tcp_peers *s, uint32_t id, const struct ip_addr *addr);

/*
 * NULL: none. Of several that are found at one address (an unnumbered peer's router may be one of
 * a range, too) the configured one counts, then the one with the lowest id.
 */
const struct tcp_peer *tcp_peers_by_id(const struct tcp_peers *s, uint32_t id);
const struct tcp_peer *tcp_peers_by_addr(const struct tcp_peers *s, const struct ip_addr *a);
/* The unnumbered peer of the link that a link-local address is on. */
const struct tcp_peer *tcp_peers_by_link(const struct tcp_peers *s, const struct ip_addr *a);

/*
 * Has a peer of that very address (a whole prefix; on any interface) an MD5 key that listeners
 * were given for it? Those of dynamic peers are their range's.
 */
bool tcp_peers_have_key(const struct tcp_peers *s, const struct ip_prefix *host);

/* The prefix of an address alone. */
struct ip_prefix tcp_host_prefix(const struct ip_addr *a);

#endif
