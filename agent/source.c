/*
 * The configuration as a source.
 *
 * Owns the ids of peers (kept with the name as long as the agent lives) and
 * what was last given to bgpd and to the other parts, so that a reload changes
 * only what differs.  Everything in the file is checked by lib/conf; what only
 * the machine can tell (interfaces, addresses, password files) is resolved here
 * and reported per peer.
 */
#include "agent/source_priv.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "agent/announce.h"
#include "agent/bfd.h"
#include "agent/bgpd.h"
#include "agent/drains.h"
#include "agent/fallover.h"
#include "agent/follow.h"
#include "agent/identity.h"
#include "agent/kube/kube.h"
#include "agent/moves.h"
#include "agent/nat.h"
#include "agent/quarantine.h"
#include "agent/uplinks.h"
#include "lib/conf.h"
#include "lib/logmain.h"
#include "lib/mem.h"

#define MESH_KEYS_MAX 900 /* beyond, the peers of a mesh share one on listeners */
#define IDS_KEPT_BACK 64 /* ids of peers that are gone */

/* ---- peers -------------------------------------------------------------------- */

struct peer_slot *
source_slot_for(struct source *s, const char *name)
{
	uint64_t hash = hmap_hash(&s->slots, name, strlen(name));
	struct peer_slot *slot;
	struct hmap_node *n;

	for (n = hmap_first_with(&s->slots, hash); n; n = hmap_next_with(n)) {
		slot = container_of(n, struct peer_slot, node);
		if (strcmp(slot->name, name) == 0)
			return slot;
	}
	slot = mem_zalloc(sizeof *slot);
	snprintf(slot->name, sizeof slot->name, "%s", name);
	slot->id = source_take_id(s);
	hmap_insert(&s->slots, &slot->node, hash);
	return slot;
}

/*
 * The one that was given back first, and not before others were: what bgpd and we have on the way
 * about the last one of that id has arrived by then.
 */
uint32_t
source_take_id(struct source *s)
{
	uint32_t id;

	if (s->nfree < IDS_KEPT_BACK)
		return ++s->last_id; /* from 1 */
	id = s->free_id[0];
	memmove(&s->free_id[0], &s->free_id[1], --s->nfree * sizeof *s->free_id);
	return id;
}

void
source_give_id(struct source *s, uint32_t id)
{
	s->free_id = mem_realloc_array(s->free_id, s->nfree + 1, sizeof *s->free_id);
	s->free_id[s->nfree++] = id;
}

void
source_forget(struct source *s, uint32_t id)
{
	s->gone = mem_realloc_array(s->gone, s->ngone + 1, sizeof *s->gone);
	s->gone[s->ngone++] = id;
}

void
source_slot_free(struct peer_slot *slot)
{
	explicit_bzero(slot, sizeof *slot);
	mem_free(slot);
}

static void
hop_limits(const struct conf *c, const struct conf_peer *p, struct tcp_peer *t)
{
	bool ebgp = !conf_peer_is_ibgp(c, p);

	t->multihop = p->multihop_ttl > 0;
	if (p->ttl_security) { /* RFC 5082: send 255, accept 255 less the hops between */
		t->ttl = 255;
		t->min_ttl = (uint8_t)(256 - p->ttl_security);
	} else if (ebgp) {
		t->ttl = p->multihop_ttl ? (uint8_t)p->multihop_ttl : 1;
	}
}

/* The interface of an unnumbered peer, and who was found there; false with the problem in words. */
static bool
resolve_link(struct agent *a, const struct conf_peer *c, struct agent_peer *p, struct tcp_peer *t)
{
	const struct kern_link *l = fib_link_by_name(a->fib, c->ifname);

	p->addr = (struct ip_addr){ 0 };
	p->link = l ? l->ifindex : 0;
	t->link = p->link;
	if (!l) {
		snprintf(p->problem, sizeof p->problem, "interface %s is not there", c->ifname);
		return false;
	}
	if (p->slot->neighbour.ifindex == p->link)
		p->addr = p->slot->neighbour;
	return uplinks_join(a->uplinks, p->link, c->ifname, p->problem);
}

/* The peer as tcp needs it; false with the problem in words when it cannot be started. */
static bool
resolve_peer(struct agent *a, const struct conf_peer *c, struct agent_peer *p, struct tcp_peer *t)
{
	p->addr = c->addr;
	if (conf_peer_is_unnumbered(c) && !resolve_link(a, c, p, t))
		return false;
	if (c->ifname[0] && c->addr.af == IP6 && ip_addr_is_link_local(&c->addr)) {
		const struct kern_link *l = fib_link_by_name(a->fib, c->ifname);

		if (!l) {
			snprintf(p->problem, sizeof p->problem, "interface %s is not there", c->ifname);
			return false;
		}
		p->addr.ifindex = l->ifindex;
	}
	t->addr = p->addr;
	t->port = (uint16_t)c->port;
	hop_limits(a->conf, c, t);
	if (!identity_source(a, c, &p->addr, &t->source, p->problem))
		return false;
	return source_load_key(a, c, &p->slot->tcp, t, p->problem);
}

/* ---- applying ---------------------------------------------------------------------- */

static void
apply_log(const struct conf_ops *o)
{
	static const enum log_level level[] = {
		[CONF_LOG_ERROR] = LOG_ERR,
		[CONF_LOG_WARN] = LOG_WARN,
		[CONF_LOG_INFO] = LOG_INFO,
		[CONF_LOG_DEBUG] = LOG_DEBUG,
	};

	log_main.level = level[o->log_level];
	log_main.json = o->log_format == CONF_LOG_JSON;
}

struct range *
source_range(struct source *s, const char *name)
{
	for (size_t i = 0; i < s->nranges; i++)
		if (strcmp(s->range[i].conf->name, name) == 0)
			return &s->range[i];
	return NULL;
}

static struct agent_peer *
add_peer(struct agent *a, const struct conf_peer *c, struct peer_slot *slot)
{
	struct agent_peer *p;

	a->peers = mem_realloc_array(a->peers, a->npeers + 1, sizeof *a->peers);
	p = &a->peers[a->npeers];
	*p = (struct agent_peer){ .id = slot->id, .slot = slot, .conf = c };
	idmap_set(&a->peer_places, p->id, a->npeers++);
	return p;
}

static void
add_configured(struct agent *a, const struct conf_peer *c)
{
	struct agent_peer *p = add_peer(a, c, source_slot_for(a->source, c->name));

	p->slot->used = true;
	p->slot->made = c->origin != CONF_PEER_WRITTEN;
	p->addr = c->addr;
}

struct agent_peer *
source_add_dynamic(struct agent *a, const struct dynamic_peer *d)
{
	struct agent_peer *p = add_peer(a, &d->conf, d->slot);
	char range[IPC_NAME_MAX];

	p->addr = d->addr;
	p->dynamic = true;
	p->range = source_slot_for(a->source, dynamic_range_name(d->name, range, sizeof range))->id;
	return p;
}

void
source_drop_peer(struct agent *a, uint32_t id)
{
	size_t place = idmap_get(&a->peer_places, id);

	if (place == IDMAP_NONE)
		return;
	idmap_set(&a->peer_places, id, IDMAP_NONE);
	a->npeers--;
	memmove(&a->peers[place], &a->peers[place + 1], (a->npeers - place) * sizeof *a->peers);
	for (; place < a->npeers; place++)
		idmap_set(&a->peer_places, a->peers[place].id, place);
}

static void
add_range(struct source *s, const struct conf_peer *c)
{
	struct range *r;

	s->range = mem_realloc_array(s->range, s->nranges + 1, sizeof *s->range);
	r = &s->range[s->nranges++];
	memset(r, 0, sizeof *r);
	r->conf = c;
	r->id = source_slot_for(s, c->name)->id;
}

/* The configuration in force is about to change: those without a place in it go. */
static void
review_dynamic(struct source *s, const struct conf *c)
{
	struct dynamic_peer *d;

	while ((d = dynamic_review(&s->dynamic, c)) != NULL) {
		source_forget(s, d->slot->id); /* and not used again: bgpd may be about to tell of it */
		source_slot_free(d->slot);
		dynamic_remove(&s->dynamic, d);
	}
}

/* What is no peer any more is told to bgpd; nodes that are gone leave nothing behind. */
static void
review_slots(struct agent *a)
{
	struct source *s = a->source;
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &s->slots) {
		struct peer_slot *slot = container_of(n, struct peer_slot, node);

		if (!slot->used && slot->sent) {
			source_forget(s, slot->id);
			slot->sent = 0;
			memset(&slot->tcp, 0, sizeof slot->tcp);
		}
		if (slot->used || !slot->made)
			continue;
		hmap_remove(&s->slots, n);
		bfd_peer_gone(a->bfd, slot->id);
		source_give_id(s, slot->id);
		source_slot_free(slot);
	}
}

static void
unuse_slots(struct source *s)
{
	struct hmap_node *n;

	HMAP_FOREACH(n, &s->slots)
		container_of(n, struct peer_slot, node)->used = false;
}

/* Peers in the order of the file, then the dynamic ones; those of the same name keep their id. */
static void
rebuild_peers(struct agent *a)
{
	const struct conf_peers *c = &a->conf->peers;
	struct source *s = a->source;
	struct list *n;

	mem_free(a->peers);
	a->peers = NULL;
	a->npeers = 0;
	idmap_free(&a->peer_places);
	s->nranges = 0;
	review_dynamic(s, a->conf);
	unuse_slots(s);
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].ranges.n > 0)
			add_range(s, &c->v[i]);
		else
			add_configured(a, &c->v[i]);
	LIST_FOREACH(n, &s->dynamic.peers)
		source_add_dynamic(a, container_of(n, struct dynamic_peer, link));
	review_slots(a);
	drains_peers_changed(a->drains);
}

/* The same but for the key? */
static bool
same_without_key(const struct tcp_peer *a, const struct tcp_peer *b)
{
	struct tcp_peer x = *a, y = *b;

	explicit_bzero(x.key, sizeof x.key);
	explicit_bzero(y.key, sizeof y.key);
	x.key_len = y.key_len = 0;
	return memcmp(&x, &y, sizeof x) == 0;
}

/*
 * Something that bgpd does not see has changed.  A key is changed on the sockets as they are, for
 * which bgpd lends them; source and hop limit take a new session.
 */
static void
tcp_changed(struct agent *a, struct peer_slot *slot, const struct tcp_peer *now)
{
	struct ipc_msg lend = { .type = IPC_CONN_LEND };

	if (slot->sent == 0 || slot->tcp.id == 0 || memcmp(&slot->tcp, now, sizeof *now) == 0)
		return;
	lend.conn_lend.peer = slot->id;
	if (same_without_key(&slot->tcp, now))
		bgpd_send(a->bgpd, &lend, -1);
	else
		slot->transport++;
}

static void
report_problem(struct agent *a, const struct agent_peer *p, const char *before)
{
	if (p->problem[0] && strcmp(p->problem, before) != 0)
		events_addf(a->events, IPC_LVL_ERR, "peer-problem", "peer=%s why=\"%s\"", p->conf->name,
		    p->problem);
}

/* What all peers of a range share; a problem keeps them away. */
static void
resolve_range(struct agent *a, struct range *r)
{
	struct agent_peer p = { .conf = r->conf };
	char before[IPC_TEXT_MAX];

	memcpy(before, r->problem, sizeof before);
	memset(&r->tcp, 0, sizeof r->tcp);
	snprintf(r->tcp.name, sizeof r->tcp.name, "%s", r->conf->name);
	hop_limits(a->conf, r->conf, &r->tcp);
	r->tcp.enabled = source_load_key(a, r->conf, NULL, &r->tcp, p.problem) && r->conf->enabled;
	memcpy(r->problem, p.problem, sizeof r->problem);
	report_problem(a, &p, before);
}

/* A problem that has been told of by itself. */
static bool
is_quarantined(const struct agent *a, struct agent_peer *p)
{
	return !p->problem[0] &&
	    quarantine_why(a->quarantine, &p->addr, p->problem, sizeof p->problem);
}

/* The same for one of its peers. */
void
source_resolve_dynamic(struct agent *a, struct agent_peer *p, struct tcp_peer *t)
{
	char name[IPC_NAME_MAX];
	struct range *r = source_range(a->source, dynamic_range_name(p->conf->name, name, sizeof name));

	assert(r); /* peers of a range that is gone went with it */
	*t = r->tcp;
	t->id = p->id;
	t->addr = p->addr;
	t->dynamic = true;
	snprintf(t->name, sizeof t->name, "%s", p->conf->name);
	memcpy(p->problem, r->problem, sizeof p->problem);
	t->enabled &= !is_quarantined(a, p);
}

static void
resolve_configured(struct agent *a, struct agent_peer *p, struct tcp_peer *t)
{
	char before[IPC_TEXT_MAX];

	memcpy(before, p->problem, sizeof before);
	p->problem[0] = '\0';
	t->id = p->id;
	snprintf(t->name, sizeof t->name, "%s", p->conf->name);
	t->enabled = resolve_peer(a, p->conf, p, t) && p->conf->enabled;
	report_problem(a, p, before);
	t->enabled &= !is_quarantined(a, p);
}

/* The link-local address of an interface; af 0: none yet. */
static struct ip_addr
link_local_on(const struct fib *f, uint32_t ifindex)
{
	struct kern_addr ka;
	size_t pos = 0;

	while (ifindex && fib_next_addr(f, &pos, &ka))
		if (ka.ifindex == ifindex && ka.addr.af == IP6 && !ka.tentative &&
		    ip_addr_is_link_local(&ka.addr)) {
			ka.addr.ifindex = ifindex;
			return ka.addr;
		}
	return (struct ip_addr){ 0 };
}

/* Where addresses are listened on one by one, those of unnumbered links are among them. */
static size_t
listeners_of_links(const struct agent *a, uint16_t port, struct tcp_listen *tl)
{
	size_t n = 0;

	for (size_t i = 0; i < a->npeers; i++) {
		struct ip_addr ll = link_local_on(a->fib, a->peers[i].link);

		if (ll.af)
			tl[n++] = (struct tcp_listen){ ll, port };
	}
	return n;
}

static size_t
wanted_listeners(const struct agent *a, const struct conf_listen *lc, struct tcp_listen *tl)
{
	size_t n = 0;

	if (!lc->enabled || !lc->port)
		return 0;
	for (size_t i = 0; i < lc->addrs.n; i++)
		tl[n++] = (struct tcp_listen){ lc->addrs.v[i], (uint16_t)lc->port };
	if (lc->addrs.n > 0) {
		n += listeners_of_links(a, (uint16_t)lc->port, tl + n);
	} else {
		tl[n++] = (struct tcp_listen){ { .af = IP4 }, (uint16_t)lc->port };
		tl[n++] = (struct tcp_listen){ { .af = IP6 }, (uint16_t)lc->port };
	}
	return n;
}

/* Every prefix of every range, with its key. */
static struct tcp_range *
wanted_ranges(struct source *s, size_t *ret_n)
{
	struct tcp_range *v;
	size_t n = 0;

	for (size_t i = 0; i < s->nranges; i++)
		n += s->range[i].conf->ranges.n;
	v = mem_zalloc_array(n + 2, sizeof *v); /* and the mesh, by family */
	n = 0;
	for (size_t i = 0; i < s->nranges; i++)
		for (size_t k = 0; k < s->range[i].conf->ranges.n; k++) {
			v[n].prefix = s->range[i].conf->ranges.v[k];
			v[n].gtsm = s->range[i].tcp.min_ttl != 0;
			memcpy(v[n].key, s->range[i].tcp.key, sizeof v[n].key);
			v[n].key_len = s->range[i].tcp.key_len;
			memcpy(v[n].ao, s->range[i].tcp.ao, sizeof v[n].ao);
			v[n++].nao = s->range[i].tcp.nao;
		}
	*ret_n = n;
	return v;
}

/*
 * A listener takes fewer keys than a large mesh has peers: these share one, for the smallest prefix
 * that all of their addresses are in. tp stands beside a->peers.
 */
static void
share_mesh_key(const struct agent *a, struct tcp_peer *tp, uint8_t af, struct tcp_range *v, size_t *n)
{
	struct tcp_range *r = &v[*n];
	size_t keys = 0;

	for (size_t i = 0; i < a->npeers; i++) {
		struct ip_prefix host = ip_prefix_from_addr(&tp[i].addr);

		if (tp[i].addr.af != af || !tp[i].key_len || a->peers[i].conf->origin == CONF_PEER_WRITTEN)
			continue;
		if (keys++ == 0) {
			*r = (struct tcp_range){ .prefix = host, .key_len = tp[i].key_len, .gtsm = tp[i].min_ttl != 0 };
			memcpy(r->key, tp[i].key, sizeof r->key);
		}
		r->prefix.len = ip_common_bits(r->prefix.b, host.b, r->prefix.len);
		ip_prefix_mask(&r->prefix);
	}
	if (keys <= MESH_KEYS_MAX)
		return;
	++*n;
	for (size_t i = 0; i < a->npeers; i++)
		if (tp[i].addr.af == af && a->peers[i].conf->origin != CONF_PEER_WRITTEN &&
		    tp[i].key_len == r->key_len && memcmp(tp[i].key, r->key, sizeof r->key) == 0)
			tp[i].dynamic = true; /* its key is that of a range */
}

static void
apply_tcp(struct agent *a)
{
	const struct conf_listen *lc = &a->conf->bgp.listen;
	struct tcp_peer *tp = mem_zalloc_array(a->npeers ? a->npeers : 1, sizeof *tp);
	struct tcp_listen *tl = mem_zalloc_array(lc->addrs.n + a->npeers + 2, sizeof *tl);
	struct tcp_conf c = { .peer = tp, .npeers = a->npeers, .listen = tl };
	struct tcp_range *tr;

	a->source->key.path = NULL;
	for (size_t i = 0; i < a->source->nranges; i++)
		resolve_range(a, &a->source->range[i]);
	c.range = tr = wanted_ranges(a->source, &c.nranges);
	for (size_t i = 0; i < a->npeers; i++) {
		struct agent_peer *p = &a->peers[i];

		if (p->dynamic)
			source_resolve_dynamic(a, p, &tp[i]);
		else
			resolve_configured(a, p, &tp[i]);
		tcp_changed(a, p->slot, &tp[i]);
		p->slot->tcp = tp[i];
	}
	explicit_bzero(&a->source->key, sizeof a->source->key);
	for (uint8_t af = IP4; af <= IP6; af++)
		share_mesh_key(a, tp, af, tr, &c.nranges);
	c.nlistens = wanted_listeners(a, lc, tl); /* the interfaces are known by now */
	tcp_set_node(a->tcp, &a->node4, &a->node6);
	tcp_configure(a->tcp, &c, NULL);
	explicit_bzero(tp, c.npeers * sizeof *tp);
	explicit_bzero(tr, c.nranges * sizeof *tr);
	mem_free(tp);
	mem_free(tr);
	mem_free(tl);
}

/* Everything that depends on links and addresses, once identity is known. */
static void
apply_resolved(struct agent *a)
{
	apply_tcp(a);
	source_apply_fib(a);
	bfd_apply(a->bfd); /* before bgpd: a peer is told that BFD ends before its session does */
	nat_apply(a->nat);
	announce_apply(a->source->announce, a->conf);
	if (a->source->greeted)
		source_send_conf(a);
	else if (a->source->greet_due)
		source_greet(a);
}

void
source_resolve(struct agent *a)
{
	struct source *s = a->source;

	if (!a->conf)
		return;
	s->resolved = true;
	s->addr_gen = fib_addr_gen(a->fib);
	identity_resolve(a);
	apply_resolved(a);
}

void
source_keys_changed(struct agent *a)
{
	if (a->conf && a->source->resolved && !a->stopping)
		apply_resolved(a);
}

/* Does a change of links or addresses concern this peer's settings? */
static bool
depends_on_links(const struct agent *a, const struct agent_peer *p)
{
	const struct kern_link *l;

	if (p->problem[0] || p->conf->source.how == CONF_SOURCE_INTERFACE)
		return true;
	if (!p->conf->ifname[0])
		return false;
	if (a->conf->bgp.listen.addrs.n > 0) /* among them those of unnumbered links */
		return true;
	l = fib_link_by_name(a->fib, p->conf->ifname);
	return (l ? l->ifindex : 0) != (p->link ? p->link : p->addr.ifindex);
}

/* Every pod that starts adds a link: only what depends on it is done again. */
void
source_check_addresses(struct agent *a)
{
	struct source *s = a->source;
	struct ip_addr was4 = a->node4, was6 = a->node6;
	uint64_t gen = fib_addr_gen(a->fib);
	bool again;

	if (!s->resolved || s->addr_gen == gen)
		return;
	s->addr_gen = gen;
	fallover_check_addresses(a);
	identity_resolve(a);
	again = !ip_addr_eq(&was4, &a->node4) || !ip_addr_eq(&was6, &a->node6);
	for (size_t i = 0; i < a->npeers && !again; i++)
		again = depends_on_links(a, &a->peers[i]);
	for (size_t i = 0; i < s->nranges && !again; i++)
		again = s->range[i].problem[0];
	if (again)
		apply_resolved(a);
	else
		announce_apply(s->announce, a->conf);
	bfd_check_addresses(a->bfd);
}

static char *
summary_text(const struct conf_diff *d)
{
	unsigned n[CONF_REMOVED + 1] = { 0 };

	for (size_t i = 0; i < d->n; i++)
		n[d->v[i].change]++;
	return mem_printf("peers: %u unchanged, %u changed in place, %u reset, %u added, %u removed",
	    n[CONF_SAME], n[CONF_LIVE] + n[CONF_POLICY], n[CONF_SESSION], n[CONF_ADDED],
	    n[CONF_REMOVED]);
}

void
source_apply(struct agent *a, struct conf *c, char **ret_summary)
{
	struct conf *old = a->conf;

	if (ret_summary && old) {
		struct conf_diff *d = conf_diff(old, c);

		*ret_summary = summary_text(d);
		conf_diff_free(d);
	} else if (ret_summary) {
		*ret_summary = mem_printf("peers: %zu", c->peers.n);
	}
	c->observe |= a->always_observe;
	if (c->observe != agent_observes(a))
		events_addf(a->events, IPC_LVL_WARN, c->observe ? "observe" : "observe-ended", "%s", c->observe ?
		    "what=\"nothing is announced, nothing is changed on this node\"" :
		    "what=\"routes are installed and announced from now on\"");
	a->conf = c;
	a->conf_gen++;
	a->conf_loaded = agent_now();
	apply_log(&c->ops);
	if (a->kube)
		kube_apply(a->kube, c);
	if (a->follow)
		follow_apply(a->follow, c);
	rebuild_peers(a);
	nat_resume(a->nat);
	if (a->source->resolved)
		source_resolve(a);
	else
		source_apply_fib(a);
	conf_free(old);
}

void
source_local(struct agent *a, const struct ip_prefix *p, bool ready)
{
	announce_local(a->source->announce, p, ready);
}

bool
source_own_announced(const struct agent *a)
{
	return announce_is_complete(a->source->announce);
}

bool
source_own_awaited(const struct agent *a, const struct ip_prefix *p)
{
	return announce_is_awaited(a->source->announce, p);
}

struct announce *
source_announce(const struct agent *a)
{
	return a->source->announce;
}

struct source *
source_new(struct agent *a)
{
	struct source *s = mem_zalloc(sizeof *s);

	hmap_init(&s->slots, (const uint64_t[2]){ agent_now().us, (uintptr_t)s });
	s->announce = announce_new(a);
	dynamic_init(&s->dynamic);
	s->moves = moves_new(a);
	s->former_ev = event_new(a->base, -1, 0, source_on_again, a);
	s->await_ev = event_new(a->base, -1, 0, source_on_await, a);
	s->again_ev = event_new(a->base, -1, 0, source_on_again, a);
	s->guard_ev = event_new(a->base, -1, 0, source_on_guard, a);
	s->found_ev = event_new(a->base, -1, 0, source_on_found, a);
	return s;
}

void
source_free(struct source *s)
{
	struct hmap_node *h, *tmp;
	struct list *n;

	if (!s)
		return;
	announce_free(s->announce);
	HMAP_FOREACH_SAFE(h, tmp, &s->slots)
		source_slot_free(container_of(h, struct peer_slot, node));
	hmap_free(&s->slots);
	mem_free(s->gone);
	LIST_FOREACH(n, &s->dynamic.peers)
		source_slot_free(container_of(n, struct dynamic_peer, link)->slot);
	dynamic_free(&s->dynamic);
	if (s->range)
		explicit_bzero(s->range, s->nranges * sizeof *s->range);
	mem_free(s->range);
	mem_free(s->free_id);
	moves_free(s->moves);
	mem_free(s->permit.v);
	mem_free(s->former);
	event_free(s->former_ev);
	event_free(s->await_ev);
	event_free(s->again_ev);
	event_free(s->guard_ev);
	event_free(s->found_ev);
	mem_free(s);
}
