/*
 * Own announcements.
 *
 * Owns the list of prefixes that the configuration names, with the message
 * that announces each.  The first advertisement that names a prefix decides
 * its attributes.  With aggregationLength a shorter prefix is announced for it;
 * the prefix itself then stays here, hidden, because it keeps being ours.
 * RFC 1997 and RFC 8092 for communities, RFC 4271 section 5.1.7 for aggregates.
 *
 * And the addresses of Services, of which there may be tens of thousands: a node in
 * a trie each, with attributes that all that are alike share, packed.
 */
#include "agent/announce.h"

#include <event2/event.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "agent/bgpd.h"
#include "agent/core/fib.h"
#include "agent/loops.h"
#include "agent/source.h"
#include "lib/conf.h"
#include "lib/hmap.h"
#include "lib/list.h"
#include "lib/mem.h"
#include "lib/trie.h"

#define NEW_RANGE_S  5 /* for a new pod range to be in the kernel, */
#define ON_THE_WIRE_S 1 /* and to have been told to the peers */

struct own {
	struct ipc_originate msg;
	uint8_t how; /* enum fib_own */
	bool hidden; /* a shorter one is announced for it */
	bool ready;  /* the fib has confirmed */
	bool sent;   /* bgpd of today has it */
	bool wanted; /* mark and sweep during announce_apply() */
	bool fresh;
};

/* Attributes of Services: the fixed part of a message and the used parts of its lists. */
struct alike {
	struct hmap_node node;
	uint32_t refs;
	uint32_t len;
	uint8_t packed[];
};

struct service_own {
	struct trie_node node;
	struct alike *alike;
	bool sent; /* bgpd of today has it */
	bool told; /* since announce_services_again() */
	bool aggregate;
};

struct announce {
	struct agent *agent;
	struct own **own;
	size_t n;
	struct trie services;
	struct hmap alike;
	struct event *sweep_ev; /* a pod range waits for the one that takes its place, */
	bool impatient;	       /* and no longer */
	bool wait;     /* for Services */
	size_t naggregates;
	bool greeted;  /* bgpd has been greeted */
	bool end_sent; /* ORIGINATE_END */
};

static struct own *
find(const struct announce *an, const struct ip_prefix *p)
{
	for (size_t i = 0; i < an->n; i++)
		if (ip_prefix_eq(&an->own[i]->msg.prefix, p))
			return an->own[i];
	return NULL;
}

static void
send_own(struct announce *an, struct own *o)
{
	struct ipc_msg *m;

	if (o->hidden || agent_observes(an->agent) || !an->greeted || !bgpd_attached(an->agent->bgpd))
		return;
	m = mem_zalloc(sizeof *m);
	m->type = IPC_ORIGINATE;
	m->originate = o->msg;
	bgpd_send(an->agent->bgpd, m, -1);
	mem_free(m);
	o->sent = true;
}

static void
withdraw(struct announce *an, const struct ip_prefix *p)
{
	struct ipc_msg *m = mem_zalloc(sizeof *m);

	m->type = IPC_ORIGINATE_DEL;
	m->prefix.prefix = *p;
	bgpd_send(an->agent->bgpd, m, -1);
	mem_free(m);
}

static void
withdraw_own(struct announce *an, struct own *o)
{
	if (o->sent)
		withdraw(an, &o->msg.prefix);
	o->sent = false;
}

/* After the first round is complete End-of-RIB may follow in bgpd. */
static void
maybe_end(struct announce *an)
{
	struct ipc_msg *m;

	if (!an->greeted || an->end_sent || an->wait)
		return;
	for (size_t i = 0; i < an->n; i++)
		if (!an->own[i]->ready && !agent_observes(an->agent))
			return;
	m = mem_zalloc(sizeof *m);
	m->type = IPC_ORIGINATE_END;
	bgpd_send(an->agent->bgpd, m, -1);
	mem_free(m);
	an->end_sent = true;
}

/* ---- Services ----------------------------------------------------------------- */

#define FIXED offsetof(struct ipc_originate, comm)

static size_t
pack(const struct ipc_originate *o, uint8_t *to)
{
	size_t n = FIXED;

	memcpy(to, o, FIXED);
	memcpy(to + n, o->comm, o->ncomm * sizeof o->comm[0]);
	n += o->ncomm * sizeof o->comm[0];
	memcpy(to + n, o->large, o->nlarge * sizeof o->large[0]);
	n += o->nlarge * sizeof o->large[0];
	memcpy(to + n, o->only, o->nonly * sizeof o->only[0]);
	return n + o->nonly * sizeof o->only[0];
}

static void
unpack(const struct alike *k, struct ipc_originate *o)
{
	const uint8_t *from = k->packed + FIXED;

	memcpy(o, k->packed, FIXED);
	memcpy(o->comm, from, o->ncomm * sizeof o->comm[0]);
	from += o->ncomm * sizeof o->comm[0];
	memcpy(o->large, from, o->nlarge * sizeof o->large[0]);
	from += o->nlarge * sizeof o->large[0];
	memcpy(o->only, from, o->nonly * sizeof o->only[0]);
}

static struct alike *
alike_get(struct announce *an, const struct ipc_originate *o)
{
	uint8_t packed[sizeof *o];
	size_t len = pack(o, packed);
	uint64_t hash = hmap_hash(&an->alike, packed, len);
	struct hmap_node *n = hmap_first_with(&an->alike, hash);
	struct alike *k;

	for (; n; n = hmap_next_with(n)) {
		k = container_of(n, struct alike, node);
		if (k->len == len && memcmp(k->packed, packed, len) == 0) {
			k->refs++;
			return k;
		}
	}
	k = mem_alloc(sizeof *k + len);
	k->refs = 1;
	k->len = (uint32_t)len;
	memcpy(k->packed, packed, len);
	hmap_insert(&an->alike, &k->node, hash);
	return k;
}

static void
alike_put(struct announce *an, struct alike *k)
{
	if (--k->refs > 0)
		return;
	hmap_remove(&an->alike, &k->node);
	mem_free(k);
}

static struct service_own *
service_find(const struct announce *an, const struct ip_prefix *p)
{
	struct trie_node *n = trie_find(&an->services, p);

	return n ? container_of(n, struct service_own, node) : NULL;
}

/* Unless the configuration names the prefix, too: then it is bgpd's by that. */
static void
service_send(struct announce *an, struct service_own *so)
{
	struct own *o = find(an, &so->node.prefix);
	struct ipc_msg *m;

	if ((o && o->wanted && !o->hidden) || agent_observes(an->agent) || !an->greeted ||
	    !bgpd_attached(an->agent->bgpd))
		return;
	m = mem_zalloc(sizeof *m);
	m->type = IPC_ORIGINATE;
	unpack(so->alike, &m->originate);
	m->originate.prefix = so->node.prefix;
	bgpd_send(an->agent->bgpd, m, -1);
	mem_free(m);
	so->sent = true;
}

/* The kernel's rules for aggregates that are announced, and for no others. */
static void
guard(struct announce *an)
{
	struct ip_prefix *v = mem_zalloc_array(an->naggregates, sizeof *v);
	struct trie_node *n;
	size_t k = 0;

	TRIE_FOREACH (n, &an->services)
		if (container_of(n, struct service_own, node)->aggregate && !agent_observes(an->agent))
			v[k++] = n->prefix;
	loops_set(an->agent->loops, v, k);
	mem_free(v);
}

static void
set_aggregate(struct announce *an, struct service_own *so, bool aggregate)
{
	if (so->aggregate == aggregate)
		return;
	so->aggregate = aggregate;
	an->naggregates += aggregate ? 1 : (size_t)-1;
	guard(an);
}

void
announce_service_set(struct announce *an, const struct ip_prefix *p, const struct ipc_originate *o)
{
	struct service_own *so = service_find(an, p);
	struct alike *was;
	struct ipc_originate bare = *o;

	bare.prefix = (struct ip_prefix){ .af = IP_NONE };
	if (!so) {
		so = mem_zalloc(sizeof *so);
		trie_insert(&an->services, &so->node, p);
	}
	was = so->alike;
	so->told = true;
	so->alike = alike_get(an, &bare);
	set_aggregate(an, so, o->aggregate); /* before anybody sends packets here */
	if (was)
		alike_put(an, was);
	if (was != so->alike || !so->sent)
		service_send(an, so);
}

void
announce_service_clear(struct announce *an, const struct ip_prefix *p)
{
	struct service_own *so = service_find(an, p);
	const struct own *o = find(an, p);

	if (!so)
		return;
	if (so->sent && !(o && o->sent))
		withdraw(an, p);
	set_aggregate(an, so, false);
	trie_remove(&an->services, &so->node);
	alike_put(an, so->alike);
	mem_free(so);
}

void
announce_services_again(struct announce *an)
{
	struct trie_node *n;

	TRIE_FOREACH (n, &an->services)
		container_of(n, struct service_own, node)->told = false;
}

void
announce_services_end(struct announce *an)
{
	struct trie_node *n, *next;
	struct ip_prefix p;

	TRIE_FOREACH_SAFE (n, next, &an->services) {
		p = n->prefix;
		if (!container_of(n, struct service_own, node)->told)
			announce_service_clear(an, &p);
	}
	guard(an);
}

void
announce_services_each(const struct announce *an,
    void (*fn)(void *ctx, const struct ip_prefix *p, const struct ipc_originate *o), void *ctx)
{
	const struct trie_node *n;
	struct ipc_originate o;

	TRIE_FOREACH (n, &an->services) {
		unpack(container_of(n, struct service_own, node)->alike, &o);
		fn(ctx, &n->prefix, &o);
	}
}

/* Observing may have begun or ended. */
static void
observe_services(struct announce *an)
{
	struct trie_node *n;

	TRIE_FOREACH (n, &an->services) {
		struct service_own *so = container_of(n, struct service_own, node);

		if (agent_observes(an->agent) && so->sent)
			withdraw(an, &n->prefix);
		if (agent_observes(an->agent))
			so->sent = false;
		else if (!so->sent)
			service_send(an, so);
	}
}

void
announce_service_wait(struct announce *an, bool wait)
{
	an->wait = wait;
	maybe_end(an);
}

/* The configuration no longer names it: withdraw it, unless it is a Service's, too. */
static void
lose_own(struct announce *an, struct own *o)
{
	struct service_own *so = service_find(an, &o->msg.prefix);

	if (so)
		service_send(an, so);
	if (so && so->sent)
		o->sent = false;
	else
		withdraw_own(an, o);
}

/* ---- from the configuration --------------------------------------------------- */

void
announce_attributes(const struct agent *a, const struct conf_adv *adv, struct ipc_originate *o)
{
	memset(o, 0, sizeof *o); /* padding too: messages are compared as octets */
	o->has_local_pref = adv->has_local_pref;
	o->local_pref = adv->local_pref;
	o->has_med = adv->has_med;
	o->med = adv->med;
	for (size_t i = 0; i < adv->communities.n; i++) {
		const struct conf_community_value *c = &adv->communities.v[i];

		if (c->large && o->nlarge < IPC_COMM_MAX)
			memcpy(o->large[o->nlarge++], c->v, sizeof c->v);
		else if (!c->large && o->ncomm < IPC_COMM_MAX)
			o->comm[o->ncomm++] = c->v[0];
	}
	for (size_t i = 0; i < adv->peers.n && o->nonly < IPC_ONLY_MAX; i++) {
		const struct agent_peer *p = agent_peer_by_name(a, adv->peers.v[i]);
		uint32_t id = p ? p->id : source_range_id(a, adv->peers.v[i]);

		if (id != IPC_PEER_NONE)
			o->only[o->nonly++] = id;
	}
}

static struct own *
own_new(struct announce *an, const struct ip_prefix *p)
{
	struct own *o = mem_zalloc(sizeof *o);

	an->own = mem_realloc_array(an->own, an->n + 1, sizeof *an->own);
	an->own[an->n++] = o;
	o->msg.prefix = *p;
	o->fresh = true;
	return o;
}

/* The local route that goes with it. */
static enum fib_own
how_of(const struct ipc_originate *msg)
{
	if (msg->aggregate)
		return FIB_OWN_COVER;
	return msg->kind == IPC_ORIG_PODCIDR ? FIB_OWN_BLOCK : FIB_OWN_PLAIN;
}

/* msg is announced, or with hidden only known to be ours. */
static void
want_msg(struct announce *an, const struct ipc_originate *msg, bool hidden)
{
	struct own *o = find(an, &msg->prefix);
	bool same;

	if (o && o->wanted)
		return; /* an earlier advertisement names it already */
	if (!o)
		o = own_new(an, &msg->prefix);
	o->wanted = true;
	o->fresh |= o->how != how_of(msg);
	o->how = how_of(msg);
	same = memcmp(&o->msg, msg, sizeof *msg) == 0 && o->hidden == hidden;
	memcpy(&o->msg, msg, sizeof *msg);
	o->hidden = hidden;
	if (hidden)
		lose_own(an, o);
	else if (!same && o->ready)
		send_own(an, o);
}

static void
want(struct announce *an, const struct conf_adv *adv, const struct ip_prefix *p, uint8_t kind)
{
	uint32_t len = adv->aggregate[p->af - 1];
	bool longer = len != 0 && p->len > len;
	struct ipc_originate msg;

	announce_attributes(an->agent, adv, &msg);
	msg.prefix = *p;
	msg.kind = kind;
	want_msg(an, &msg, longer);
	if (!longer)
		return;
	msg.prefix.len = (uint8_t)len;
	ip_prefix_mask(&msg.prefix);
	msg.aggregate = true;
	want_msg(an, &msg, false);
}

static void
want_interface(struct announce *an, const struct conf_adv *adv, const char *ifname)
{
	const struct fib *f = an->agent->fib;
	const struct kern_link *l = fib_link_by_name(f, ifname);
	struct kern_addr ka;
	size_t pos = 0;

	while (l && fib_next_addr(f, &pos, &ka)) {
		struct ip_prefix p;

		if (ka.ifindex != l->ifindex || ka.tentative || ip_addr_is_loopback(&ka.addr) ||
		    ip_addr_is_link_local(&ka.addr))
			continue;
		p = ip_prefix_of(&ka.addr, adv->subnet ? ka.plen : ip_af_bits(ka.addr.af));
		want(an, adv, &p, IPC_ORIG_INTERFACE);
	}
}

/* The node's own address, if no link leads to it. */
static void
want_node_ip(struct announce *an, const struct conf_adv *adv, const struct ip_addr *node)
{
	const struct fib *f = an->agent->fib;
	struct kern_addr ka;
	size_t pos = 0;

	while (node->af && fib_next_addr(f, &pos, &ka)) {
		const struct kern_link *l = fib_link(f, ka.ifindex);
		struct ip_prefix p;

		if (!l || !l->loopback || ka.tentative || !ip_addr_eq(&ka.addr, node))
			continue;
		p = ip_prefix_of(node, ip_af_bits(node->af));
		want(an, adv, &p, IPC_ORIG_INTERFACE);
		return;
	}
}

static void
want_adv(struct announce *an, const struct conf *c, const struct conf_adv *adv)
{
	switch (adv->type) {
	case CONF_ADV_POD_CIDR:
		for (size_t i = 0; i < c->node.pod_cidrs.n; i++)
			want(an, adv, &c->node.pod_cidrs.v[i], IPC_ORIG_PODCIDR);
		break;
	case CONF_ADV_INTERFACE:
		for (size_t i = 0; i < adv->interfaces.n; i++)
			want_interface(an, adv, adv->interfaces.v[i]);
		break;
	case CONF_ADV_NODE_IP:
		want_node_ip(an, adv, &an->agent->node4);
		want_node_ip(an, adv, &an->agent->node6);
		break;
	case CONF_ADV_PREFIX:
		for (size_t i = 0; i < adv->prefixes.n; i++)
			want(an, adv, &adv->prefixes.v[i], IPC_ORIG_PREFIX);
		break;
	case CONF_ADV_SERVICE:
		break; /* announce_service_set() */
	}
}

/*
 * A node that gets another pod range announces it before it withdraws the one it had: in which
 * family is there a new one that is not in the kernel yet?
 */
static void
awaited(const struct announce *an, bool ret_af[IP6 + 1])
{
	for (size_t i = 0; i < an->n && !an->impatient; i++) {
		const struct own *o = an->own[i];

		if (o->wanted && !o->ready && !o->hidden && o->msg.kind == IPC_ORIG_PODCIDR)
			ret_af[o->msg.prefix.af] = true;
	}
}

/* Withdraw first, then take the local route away. */
static void
sweep(struct announce *an)
{
	static const struct timeval patience = { NEW_RANGE_S, 0 };
	bool waits[IP6 + 1] = { false };
	size_t kept = 0;

	awaited(an, waits);
	for (size_t i = 0; i < an->n; i++) {
		struct own *o = an->own[i];
		bool later = o->msg.kind == IPC_ORIG_PODCIDR && o->sent && waits[o->msg.prefix.af];

		if (o->wanted || later) {
			if (!o->wanted && !event_pending(an->sweep_ev, EV_TIMEOUT, NULL))
				event_add(an->sweep_ev, &patience);
			an->own[kept++] = o;
			continue;
		}
		lose_own(an, o);
		fib_local_del(an->agent->fib, agent_now(), &o->msg.prefix);
		mem_free(o);
	}
	an->n = kept;
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct announce *an = arg;

	an->impatient = true;
	sweep(an);
	an->impatient = false;
}

void
announce_apply(struct announce *an, const struct conf *c)
{
	for (size_t i = 0; i < an->n; i++)
		an->own[i]->wanted = false;
	for (size_t i = 0; i < c->advertisements.n; i++)
		want_adv(an, c, &c->advertisements.v[i]);
	sweep(an);
	for (size_t i = 0; i < an->n; i++) {
		struct own *o = an->own[i];

		if (o->fresh)
			fib_local_set(an->agent->fib, agent_now(), &o->msg.prefix,
			    (enum fib_own)o->how);
		o->fresh = false;
		if (agent_observes(an->agent))
			withdraw_own(an, o);
		else if (o->ready && !o->sent) /* it was held back by observing */
			send_own(an, o);
	}
	if (an->naggregates > 0)
		guard(an);
	observe_services(an);
	maybe_end(an);
}

void
announce_local(struct announce *an, const struct ip_prefix *p, bool ready)
{
	static const struct timeval soon = { ON_THE_WIRE_S, 0 };
	struct own *o = find(an, p);

	if (!o)
		return;
	o->ready = ready;
	if (ready)
		send_own(an, o);
	else
		withdraw_own(an, o);
	if (ready && event_pending(an->sweep_ev, EV_TIMEOUT, NULL))
		event_add(an->sweep_ev, &soon); /* when it is on the wire, too */
	maybe_end(an);
}

void
announce_greet(struct announce *an)
{
	struct trie_node *n;

	an->greeted = true;
	an->end_sent = false;
	for (size_t i = 0; i < an->n; i++) {
		an->own[i]->sent = false;
		if (an->own[i]->ready)
			send_own(an, an->own[i]);
	}
	TRIE_FOREACH (n, &an->services) {
		struct service_own *so = container_of(n, struct service_own, node);

		so->sent = false;
		service_send(an, so);
	}
	maybe_end(an);
}

bool
announce_is_complete(const struct announce *an)
{
	bool all = an->end_sent;

	for (size_t i = 0; i < an->n && all; i++)
		all = an->own[i]->ready;
	return all;
}

bool
announce_is_awaited(const struct announce *an, const struct ip_prefix *p)
{
	const struct own *o = find(an, p);

	return o && (!o->ready || !(o->sent || o->hidden));
}

bool
announce_view(const struct announce *an, size_t i, struct ipc_originate *ret, bool *ret_ready)
{
	if (i >= an->n)
		return false;
	*ret = an->own[i]->msg;
	*ret_ready = an->own[i]->ready;
	return true;
}

struct announce *
announce_new(struct agent *a)
{
	struct announce *an = mem_zalloc(sizeof *an);
	uint64_t key[2];

	an->agent = a;
	an->sweep_ev = event_new(a->base, -1, 0, on_sweep, an);
	if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
		memcpy(key, &an, sizeof an); /* hashes of our own words: any key will do */
	hmap_init(&an->alike, key);
	return an;
}

void
announce_free(struct announce *an)
{
	struct trie_node *n, *next;

	if (!an)
		return;
	for (size_t i = 0; i < an->n; i++)
		mem_free(an->own[i]);
	TRIE_FOREACH_SAFE (n, next, &an->services) {
		alike_put(an, container_of(n, struct service_own, node)->alike);
		mem_free(container_of(n, struct service_own, node));
	}
	hmap_free(&an->alike);
	event_free(an->sweep_ev);
	mem_free(an->own);
	mem_free(an);
}
