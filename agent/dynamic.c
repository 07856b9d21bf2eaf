/*
 * Peers out of a listenRange.  See dynamic.h.
 *
 * The entry of a range stays what it is in the configuration; a peer's conf is
 * a shallow copy of it, so that everything that reads a peer's settings reads
 * those of dynamic peers in the same way.
 */
#include "agent/dynamic.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

void
dynamic_init(struct dynamic *d)
{
	list_init(&d->peers);
	d->n = 0;
}

void
dynamic_remove(struct dynamic *d, struct dynamic_peer *p)
{
	list_remove(&p->link);
	d->n--;
	mem_free(p->name);
	mem_free(p);
}

void
dynamic_free(struct dynamic *d)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &d->peers)
		dynamic_remove(d, container_of(n, struct dynamic_peer, link));
}

/* ---- ranges --------------------------------------------------------------- */

static bool
is_ll(const struct ip_addr *a)
{
	return a->af == IP6 && ip_addr_is_link_local(a);
}

const struct conf_peer *
dynamic_range(const struct conf *c, const struct ip_addr *addr, const char *ifname)
{
	const struct conf_peer *best = NULL;
	unsigned best_len = 0;

	for (size_t i = 0; i < c->peers.n; i++) {
		const struct conf_peer *p = &c->peers.v[i];

		if (is_ll(addr) && strcmp(p->ifname, ifname ? ifname : "") != 0)
			continue;
		for (size_t k = 0; k < p->ranges.n; k++) {
			if (!ip_prefix_has_addr(&p->ranges.v[k], addr))
				continue;
			if (best && p->ranges.v[k].len <= best_len)
				continue;
			best = p;
			best_len = p->ranges.v[k].len;
		}
	}
	return best;
}

char *
dynamic_range_name(const char *peer, char *buf, size_t cap)
{
	const char *slash = strrchr(peer, '/');

	snprintf(buf, cap, "%.*s", slash ? (int)(slash - peer) : 0, peer);
	return buf;
}

static bool
is_out_of(const struct dynamic_peer *p, const char *range)
{
	size_t n = strlen(range);

	return strncmp(p->name, range, n) == 0 && p->name[n] == '/' && !strchr(p->name + n + 1, '/');
}

size_t
dynamic_count(const struct dynamic *d, const char *range)
{
	struct list *n;
	size_t found = 0;

	LIST_FOREACH(n, &d->peers)
		found += is_out_of(container_of(n, struct dynamic_peer, link), range);
	return found;
}

/* ---- peers ---------------------------------------------------------------- */

/* The entry's settings under the peer's own name and address. */
static void
take_settings(struct dynamic_peer *p, const struct conf_peer *range)
{
	p->conf = *range;
	p->conf.name = p->name;
	p->conf.addr = p->addr;
	p->conf.addr.ifindex = 0;
	p->conf.ranges = (struct conf_prefixes){ 0 };
}

struct dynamic_peer *
dynamic_add(struct dynamic *d, const struct conf_peer *range, const struct ip_addr *addr, uint32_t id)
{
	struct dynamic_peer *p = mem_zalloc(sizeof *p);
	struct ip_addr bare = *addr;
	char text[IP_ADDR_STRLEN];

	bare.ifindex = 0;
	p->id = id;
	p->addr = *addr;
	p->name = mem_printf("%s/%s%s%s", range->name, ip_addr_str(&bare, text),
	    is_ll(addr) ? "%" : "", is_ll(addr) ? range->ifname : "");
	take_settings(p, range);
	list_push_back(&d->peers, &p->link);
	d->n++;
	return p;
}

struct dynamic_peer *
dynamic_find(const struct dynamic *d, uint32_t id)
{
	struct list *n;

	LIST_FOREACH(n, &d->peers)
		if (container_of(n, struct dynamic_peer, link)->id == id)
			return container_of(n, struct dynamic_peer, link);
	return NULL;
}

static bool
is_configured(const struct conf *c, const struct dynamic_peer *p)
{
	for (size_t i = 0; i < c->peers.n; i++) {
		const struct conf_peer *q = &c->peers.v[i];

		if (q->addr.af != IP_NONE && ip_addr_eq(&q->addr, &p->conf.addr) &&
		    strcmp(q->ifname, p->conf.ifname) == 0)
			return true;
	}
	return false;
}

struct dynamic_peer *
dynamic_review(struct dynamic *d, const struct conf *c)
{
	struct list *n;

	LIST_FOREACH(n, &d->peers) {
		struct dynamic_peer *p = container_of(n, struct dynamic_peer, link);
		const struct conf_peer *range = dynamic_range(c, &p->conf.addr, p->conf.ifname);

		if (!range || !is_out_of(p, range->name) || is_configured(c, p))
			return p;
		take_settings(p, range);
	}
	return NULL;
}
