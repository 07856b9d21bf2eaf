/*
 * Conflicts as far as the routing state knows of them: who changes our routes, whose
 * routes win over ours, and which interfaces carry what (conflict.h has the rest).
 */
#include <stdio.h>
#include <string.h>

#include "agent/core/fib_priv.h"

#define RT_TABLE_MAIN 254
#define BETTER_TURN   20000 /* foreign routes looked at in one call */
#define LEGS_TURN     4096  /* sets, the same */

/* ---- who ----------------------------------------------------------------- */

void
fib_see_process(struct fib *f, uint32_t by, const char *name)
{
	struct fib_process *p = &f->process[0];
	int i;

	for (i = 0; i < FIB_PROCESSES && f->process[i].by != by; i++)
		;
	if (i < FIB_PROCESSES)
		p = &f->process[i];
	else
		p = &f->process[f->next_process++ % FIB_PROCESSES];
	p->by = by;
	snprintf(p->name, sizeof(p->name), "%s", name);
}

const char *
fib_process_name(const struct fib *f, uint32_t by)
{
	int i;

	for (i = 0; by != 0 && i < FIB_PROCESSES; i++) {
		if (f->process[i].by == by)
			return f->process[i].name;
	}
	return "";
}

void
fib_conflict_events(struct fib *f)
{
	struct ipc_event e;

	while (f->nevents < FIB_EVENTS_MAX && conflict_next_event(&f->conflict, &e))
		fib_event(f, (enum ipc_level)e.level, e.name, "%s", e.text);
}

/* ---- interfaces ---------------------------------------------------------- */

/* The row of that interface; NULL: there are too many, or it is not known. */
static struct conflict_iface *
iface_row(const struct fib *f, struct conflict_facts *ret, uint32_t ifindex)
{
	const struct klink *l;
	struct conflict_iface *i;
	size_t k;

	for (k = 0; k < ret->n; k++) {
		if (ret->iface[k].ifindex == ifindex)
			return &ret->iface[k];
	}
	l = kern_link(&f->kern, ifindex);
	if (!l || l->l.loopback || ret->n == CONFLICT_IFACES_MAX)
		return NULL;
	i = &ret->iface[ret->n++];
	*i = (struct conflict_iface){ .ifindex = ifindex, .mtu = l->l.mtu, .rp_filter = -1,
		.accept_ra = -1, .forward6 = -1 };
	snprintf(i->name, sizeof(i->name), "%s", l->l.name);
	return i;
}

static void
note_legs(struct fib *f, struct conflict_facts *ret)
{
	struct list *l;
	unsigned turn = 0;

	LIST_FOREACH(l, &f->all_sets) {
		const struct fib_set *s = container_of(l, struct fib_set, all);
		uint16_t i;

		if (s->n == 0)
			continue;
		if (++turn > LEGS_TURN)
			break;
		if (s->nhs.nlegs > 1)
			ret->several[entry_is6(entry_at(f, s->first))] = true;
		for (i = 0; i < s->nhs.nlegs; i++) {
			struct conflict_iface *x = iface_row(f, ret, s->nhs.leg[i].ifindex);

			if (!x || x->uplink)
				continue;
			x->uplink = true;
			ret->uplinks++;
		}
	}
}

/* Interfaces that foreign routes without a gateway, inside our own blocks, lead to. */
static void
note_pods_of(struct fib *f, const struct ip_prefix *block, struct conflict_facts *ret)
{
	struct trie_node *n;
	unsigned turn = 0;

	for (n = trie_first_below(&f->kern.routes, block); n && ++turn < BETTER_TURN;
	     n = trie_next_below(n, block)) {
		const struct kroute *r = kern_route_live(container_of(n, struct kroute, node));
		const struct hops *h = r ? hops_at(&f->hops, r->hops) : NULL;
		struct conflict_iface *x;

		if (!h || h->type != KERN_UNICAST || h->nlegs != 1 || h->leg[0].gw.af != IP_NONE)
			continue;
		x = iface_row(f, ret, h->leg[0].ifindex);
		if (x)
			x->pods = true;
	}
}

static void
note_pods(struct fib *f, struct conflict_facts *ret)
{
	struct trie_node *n;

	TRIE_FOREACH(n, &f->locals) {
		if (!container_of(n, struct local, node)->block)
			continue;
		ret->carries[n->prefix.af == IP6] = true;
		note_pods_of(f, &n->prefix, ret);
	}
}

static void
note_addresses(struct fib *f, struct conflict_facts *ret)
{
	struct trie_node *n;

	TRIE_FOREACH(n, &f->kern.addrs) {
		const struct kaddr *a = container_of(n, struct kaddr, node);
		size_t k;

		for (; a && n->prefix.af == IP6; a = a->next) {
			for (k = 0; k < ret->n; k++) {
				if (ret->iface[k].ifindex == a->a.ifindex &&
				    !ip_addr_is_link_local(&a->a.addr))
					ret->iface[k].global6 = true;
			}
		}
	}
}

/* ---- better routes ------------------------------------------------------- */

/* Somebody's route of that prefix that wins over ours; NULL: none. */
static const struct kroute *
better_than(const struct fib *f, const struct kroute *first)
{
	const struct fib_entry *e = entry_find(f, FIB_LEARNED, &first->node.prefix);
	const struct kroute *r;

	if (!e || e->have == 0)
		return NULL;
	for (r = kern_route_live(first); r; r = kern_route_live(r->next)) {
		if (r->table == f->place.table && r->metric < f->place.metric[FIB_LEARNED])
			return r;
	}
	return NULL;
}

/* A part of somebody's routes in each call; what is said is of the last whole round. */
static void
look_for_better(struct fib *f)
{
	struct fib_better *b = &f->better_round;
	struct trie_node *n = b->after.af == IP_NONE ? trie_first(&f->kern.routes)
						     : trie_after(&f->kern.routes, &b->after);
	unsigned turn = 0;

	for (; n && turn < BETTER_TURN; n = trie_next(n), turn++) {
		const struct kroute *r = better_than(f, container_of(n, struct kroute, node));

		b->after = n->prefix;
		if (!r || b->n++ > 0)
			continue;
		b->first = n->prefix;
		b->metric = r->metric;
		b->protocol = r->protocol;
	}
	if (n)
		return;
	f->better = *b;
	memset(b, 0, sizeof(*b));
}

static bool
has_default6(const struct fib *f)
{
	const struct ip_prefix all = { .af = IP6 };
	struct trie_node *n = trie_find(&f->kern.routes, &all);
	const struct kroute *r = n ? kern_route_live(container_of(n, struct kroute, node)) : NULL;
	const struct fib_entry *e = entry_find(f, FIB_LEARNED, &all);

	for (; r; r = r->next ? kern_route_live(r->next) : NULL) {
		if (r->table == RT_TABLE_MAIN)
			return true;
	}
	return e && e->have != 0;
}

/* ---- both ---------------------------------------------------------------- */

void
fib_facts(struct fib *f, struct mono_us now, struct conflict_facts *ret)
{
	f->now = now;
	memset(ret, 0, sizeof(*ret));
	ret->forward[0] = ret->forward[1] = ret->hash[0] = ret->hash[1] = -1;
	if (!f->ready || !f->conf.install)
		return;
	note_legs(f, ret);
	note_pods(f, ret);
	note_addresses(f, ret);
	look_for_better(f);
	ret->carries[0] |= f->nwanted[0] > 0;
	ret->carries[1] |= f->nwanted[1] > 0;
	ret->default6 = has_default6(f);
	ret->nbetter = f->better.n;
	ret->better = f->better.first;
	ret->better_metric = f->better.metric;
	ret->better_protocol = f->better.protocol;
	ret->our_metric = f->place.metric[FIB_LEARNED];
}

bool
fib_look(struct fib *f, struct mono_us now, const struct conflict_facts *facts)
{
	f->now = now;
	if (f->ready)
		conflict_look(&f->conflict, now, facts);
	fib_conflict_events(f);
	return f->nevents > 0;
}

const struct conflict *
fib_conflict(const struct fib *f)
{
	return &f->conflict;
}
