/*
 * See tcp_peers.h.
 */
#include "agent/tcp_peers.h"

#include <string.h>

#include "lib/mem.h"

struct ip_prefix
tcp_host_prefix(const struct ip_addr *a)
{
	return ip_prefix_of(a, a->af == IP4 ? 32 : 128);
}

struct tcp_peers *
tcp_peers_new(const uint64_t key[2])
{
	struct tcp_peers *s = mem_zalloc(sizeof *s);

	list_init(&s->all);
	hmap_init(&s->by_id, key);
	hmap_init(&s->by_addr, key);
	return s;
}

/* ---- hashes ------------------------------------------------------------------- */

static uint64_t
id_hash(const struct tcp_peers *s, uint32_t id)
{
	return hmap_hash(&s->by_id, &id, sizeof id);
}

/* The interface does not count: the kernel's keys know of none. */
static uint64_t
addr_hash(const struct tcp_peers *s, uint8_t af, const uint8_t b[16])
{
	uint8_t octets[17] = { af };

	memcpy(octets + 1, b, 16);
	return hmap_hash(&s->by_addr, octets, sizeof octets);
}

static void
link_addr(struct tcp_peers *s, struct tcp_entry *e)
{
	const struct ip_addr *a = &e->peer.addr;

	if (a->af != IP_NONE)
		hmap_insert(&s->by_addr, &e->by_addr, addr_hash(s, a->af, a->b));
}

static void
unlink_addr(struct tcp_peers *s, struct tcp_entry *e)
{
	if (e->peer.addr.af != IP_NONE)
		hmap_remove(&s->by_addr, &e->by_addr);
}

/* ---- finding ------------------------------------------------------------------ */

static struct tcp_entry *
entry_of(const struct tcp_peers *s, uint32_t id)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&s->by_id, id_hash(s, id)); n; n = hmap_next_with(n))
		if (container_of(n, struct tcp_entry, by_id)->peer.id == id)
			return container_of(n, struct tcp_entry, by_id);
	return NULL;
}

const struct tcp_peer *
tcp_peers_by_id(const struct tcp_peers *s, uint32_t id)
{
	const struct tcp_entry *e = entry_of(s, id);

	return e ? &e->peer : NULL;
}

static bool
goes_before(const struct tcp_peer *p, const struct tcp_peer *q)
{
	return p->dynamic != q->dynamic ? q->dynamic : p->id < q->id;
}

const struct tcp_peer *
tcp_peers_by_addr(const struct tcp_peers *s, const struct ip_addr *a)
{
	const struct tcp_peer *found = NULL;
	struct hmap_node *n;

	for (n = hmap_first_with(&s->by_addr, addr_hash(s, a->af, a->b)); n; n = hmap_next_with(n)) {
		const struct tcp_peer *p = &container_of(n, struct tcp_entry, by_addr)->peer;

		if (ip_addr_eq(&p->addr, a) && (!found || goes_before(p, found)))
			found = p;
	}
	return found;
}

const struct tcp_peer *
tcp_peers_by_link(const struct tcp_peers *s, const struct ip_addr *a)
{
	struct list *n;

	if (a->af != IP6 || !ip_addr_is_link_local(a))
		return NULL;
	TCP_PEERS_FOREACH(n, s) {
		const struct tcp_peer *p = tcp_peer_at(n);

		if (p->link && p->link == a->ifindex)
			return p;
	}
	return NULL;
}

bool
tcp_peers_have_key(const struct tcp_peers *s, const struct ip_prefix *host)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&s->by_addr, addr_hash(s, host->af, host->b)); n;
	     n = hmap_next_with(n)) {
		const struct tcp_peer *p = &container_of(n, struct tcp_entry, by_addr)->peer;
		struct ip_prefix its = tcp_host_prefix(&p->addr);

		if (p->key_len && !p->dynamic && ip_prefix_eq(&its, host))
			return true;
	}
	return false;
}

/* ---- changing ----------------------------------------------------------------- */

void
tcp_peers_add(struct tcp_peers *s, const struct tcp_peer *p)
{
	struct tcp_entry *e = mem_zalloc(sizeof *e);

	e->peer = *p;
	list_push_back(&s->all, &e->node);
	hmap_insert(&s->by_id, &e->by_id, id_hash(s, p->id));
	link_addr(s, e);
}

static void
entry_free(struct tcp_peers *s, struct tcp_entry *e)
{
	unlink_addr(s, e);
	hmap_remove(&s->by_id, &e->by_id);
	list_remove(&e->node);
	explicit_bzero(e, sizeof *e);
	mem_free(e);
}

void
tcp_peers_remove(struct tcp_peers *s, uint32_t id)
{
	struct tcp_entry *e = entry_of(s, id);

	if (e)
		entry_free(s, e);
}

void
tcp_peers_move(struct tcp_peers *s, uint32_t id, const struct ip_addr *addr)
{
	struct tcp_entry *e = entry_of(s, id);

	if (!e)
		return;
	unlink_addr(s, e);
	e->peer.addr = *addr;
	link_addr(s, e);
}

void
tcp_peers_free(struct tcp_peers *s)
{
	struct list *n, *tmp;

	if (!s)
		return;
	LIST_FOREACH_SAFE(n, tmp, &s->all)
		entry_free(s, container_of(n, struct tcp_entry, node));
	hmap_free(&s->by_id);
	hmap_free(&s->by_addr);
	mem_free(s);
}
