/*
 * Peers that are not written one by one: out of listenRanges, and at interfaces.
 */
#include "agent/source_priv.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "agent/bfd.h"
#include "agent/bgpd.h"
#include "agent/drains.h"
#include "agent/nat.h"
#include "agent/quarantine.h"
#include "lib/conf.h"
#include "lib/mem.h"

#define FOUND_DELAY_US 10000 /* before the rest of the agent learns of a neighbour */
#define GUARD_DELAY_S 2 /* a rack that boots brings many peers at once */

void
source_on_guard(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;

	if (!a->conf)
		return;
	source_apply_fib(a);
	nat_apply(a->nat);
	agent_kick(a);
}

static void
start_dynamic(struct agent *a, struct dynamic_peer *d)
{
	static const struct timeval soon = { GUARD_DELAY_S, 0 };
	struct ipc_msg m = { .type = IPC_PEER_ADD };
	struct peer_slot *slot = mem_zalloc(sizeof *slot);
	struct agent_peer *p;

	d->slot = slot;
	slot->id = d->id;
	p = source_add_dynamic(a, d);
	source_resolve_dynamic(a, p, &slot->tcp);
	tcp_add(a->tcp, &slot->tcp);
	source_fill_peer(a, p, &m.conf_peer);
	slot->sent = source_hash_peer(a->source, &m.conf_peer);
	bgpd_send(a->bgpd, &m, -1);
	bfd_peer_added(a->bfd, p);
	if (!event_pending(a->source->guard_ev, EV_TIMEOUT, NULL))
		event_add(a->source->guard_ev, &soon);
}

bool
source_admit(struct agent *a, const struct ip_addr *remote, char *ret_why, size_t cap)
{
	struct source *s = a->source;
	const struct kern_link *l = remote->ifindex ? fib_link(a->fib, remote->ifindex) : NULL;
	const struct conf_peer *c = a->conf ? dynamic_range(a->conf, remote, l ? l->name : NULL) : NULL;
	struct range *r = c ? source_range(s, c->name) : NULL;

	if (!r)
		snprintf(ret_why, cap, "no peer has that address");
	else if (r->problem[0])
		snprintf(ret_why, cap, "listenRange %s: %s", c->name, r->problem);
	else if (!c->enabled)
		snprintf(ret_why, cap, "listenRange %s is administratively down", c->name);
	else if (quarantine_why(a->quarantine, remote, ret_why, cap))
		return false;
	else if (dynamic_count(&s->dynamic, c->name) >= c->max_peers)
		snprintf(ret_why, cap, "listenRange %s has %u peer%s already (maxPeers)", c->name,
		    c->max_peers, c->max_peers == 1 ? "" : "s");
	else if (!s->greeted || !bgpd_attached(a->bgpd))
		snprintf(ret_why, cap, "weft-bgpd is not running");
	else {
		start_dynamic(a, dynamic_add(&s->dynamic, c, remote, source_take_id(s)));
		return true;
	}
	return false;
}

/* bgpd reads what strangers send: the address must be one of that very link. */
void
source_peer_addr(struct agent *a, uint32_t id, const struct ip_addr *addr)
{
	static const struct timeval soon = { 0, FOUND_DELAY_US };

	for (size_t i = 0; i < a->npeers; i++) {
		struct agent_peer *p = &a->peers[i];

		if (p->id != id || !conf_peer_is_unnumbered(p->conf))
			continue;
		if (addr->af && (addr->af != IP6 || !ip_addr_is_link_local(addr) ||
				    addr->ifindex != p->link))
			continue;
		p->addr = p->slot->neighbour = p->slot->tcp.addr = *addr;
		tcp_set_addr(a->tcp, id, addr);
		if (!event_pending(a->source->found_ev, EV_TIMEOUT, NULL))
			event_add(a->source->found_ev, &soon);
	}
}

/* Links to be followed, addresses to be guarded, BFD: in one go, however often bgpd changes its mind. */
void
source_on_found(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;

	if (!a->conf)
		return;
	source_apply_fib(a);
	for (size_t i = 0; i < a->npeers; i++)
		if (conf_peer_is_unnumbered(a->peers[i].conf))
			bfd_peer_added(a->bfd, &a->peers[i]);
	agent_kick(a);
}

void
source_peer_gone(struct agent *a, uint32_t id)
{
	struct source *s = a->source;
	struct dynamic_peer *d = dynamic_find(&s->dynamic, id);

	if (!d)
		return;
	source_drop_peer(a, id);
	tcp_remove(a->tcp, id);
	bfd_peer_gone(a->bfd, id);
	drains_peers_changed(a->drains);
	source_slot_free(d->slot);
	dynamic_remove(&s->dynamic, d);
	source_give_id(s, id);
}

struct ip_addr
source_local_address(const struct agent *a, const struct agent_peer *p)
{
	return p->slot->tcp.source;
}

uint32_t
source_range_id(const struct agent *a, const char *name)
{
	const struct range *r = source_range(a->source, name);

	return r ? r->id : IPC_PEER_NONE;
}

size_t
source_range_peers(const struct agent *a, const char *name)
{
	return dynamic_count(&a->source->dynamic, name);
}
