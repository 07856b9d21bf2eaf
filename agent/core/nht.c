/*
 * Next-hop tracking; see nht.h.
 *
 * Marked next hops and sets sit in two lists.  Evaluating a next hop may mark the
 * sets it is a member of; evaluating a set may mark the next hops that resolve
 * through it, and, by the callback, those that its routes begin or cease to cover.
 */
#include "agent/core/nht.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

/* What evaluating one next hop found. */
struct result {
	bool resolved, onlink, cut;
	uint8_t depth, why, protocol;
	uint32_t why_ifindex, metric, ifindex;
	struct ip_prefix through;
	struct nhset *via;
	uint16_t nlegs;
	struct kern_leg leg[IPC_MEMBERS_MAX];
};

void
nht_init(struct nht *t, const struct kern *k, const struct nht_ops *ops, void *ctx)
{
	memset(t, 0, sizeof(*t));
	t->kern = k;
	t->ops = ops;
	t->ctx = ctx;
	t->multipath = IPC_MEMBERS_MAX;
	list_init(&t->dirty);
	list_init(&t->dirty_sets);
}

/* ---- next hops ----------------------------------------------------------- */

static void
nh_mark(struct nht *t, struct nh *nh)
{
	if (!nh->dirty) {
		nh->dirty = true;
		list_push_back(&t->dirty, &nh->dirty_link);
	}
}

static struct nh *
nh_first(const struct nht *t, const struct ip_addr *a)
{
	struct ip_prefix p = ip_prefix_from_addr(a);
	struct trie_node *n = trie_find(&t->trie, &p);

	return n ? container_of(n, struct nh, node) : NULL;
}

struct nh *
nht_find(const struct nht *t, const struct ip_addr *a)
{
	struct nh *nh;

	for (nh = nh_first(t, a); nh; nh = nh->next) {
		if (nh->addr.ifindex == a->ifindex)
			return nh;
	}
	return NULL;
}

static void
nh_link(struct nht *t, struct nh *nh)
{
	struct ip_prefix p = ip_prefix_from_addr(&nh->addr);
	struct nh *first = nh_first(t, &nh->addr), **pp;

	if (first && first->addr.ifindex < nh->addr.ifindex) {
		for (pp = &first->next; *pp && (*pp)->addr.ifindex < nh->addr.ifindex;
		     pp = &(*pp)->next)
			;
		nh->next = *pp;
		*pp = nh;
		return;
	}
	if (first)
		trie_remove(&t->trie, &first->node);
	nh->next = first;
	trie_insert(&t->trie, &nh->node, &p);
}

static void
nh_unlink(struct nht *t, struct nh *nh)
{
	struct ip_prefix p = ip_prefix_from_addr(&nh->addr);
	struct nh *first = nh_first(t, &nh->addr), **pp;

	if (first == nh) {
		trie_remove(&t->trie, &nh->node);
		if (nh->next)
			trie_insert(&t->trie, &nh->next->node, &p);
		return;
	}
	for (pp = &first->next; *pp != nh; pp = &(*pp)->next)
		;
	*pp = nh->next;
}

static struct nh *
nh_get(struct nht *t, const struct ip_addr *a)
{
	struct nh *nh = nht_find(t, a);

	if (nh)
		return nh;
	nh = mem_zalloc(sizeof(*nh));
	nh->addr = *a;
	nh->why = NH_PENDING;
	list_init(&nh->users);
	list_init(&nh->dirty_link);
	list_init(&nh->via_link);
	list_init(&nh->report_link);
	list_init(&nh->lost_link);
	nh_link(t, nh);
	t->n++;
	nh_mark(t, nh);
	return nh;
}

static void
nh_unuse(struct nht *t, struct nh *nh)
{
	if (nh->refs > 0 || nh->watched || nh->followed)
		return;
	list_remove(&nh->dirty_link);
	list_remove(&nh->via_link);
	list_remove(&nh->report_link);
	list_remove(&nh->lost_link);
	nh_unlink(t, nh);
	t->n--;
	mem_free(nh->leg);
	mem_free(nh);
}

void
nht_fini(struct nht *t)
{
	struct trie_node *n;

	while ((n = trie_first(&t->trie))) {
		struct nh *nh = container_of(n, struct nh, node);

		nh->watched = nh->followed = false;
		nh->refs = 0;
		nh_unuse(t, nh);
	}
	nhdown_free(&t->downs);
}

void
nht_watch(struct nht *t, const struct ip_addr *a, bool on)
{
	struct nh *nh = on ? nh_get(t, a) : nht_find(t, a);

	if (!nh)
		return;
	nh->watched = on;
	if (!on)
		nh_unuse(t, nh);
	else if (nh->dirty)
		nh->report = true; /* said when it has been evaluated */
	else
		t->ops->nh_changed(t->ctx, nh);
}

static void
unfollow_all(struct nht *t)
{
	struct trie_node *n;

	TRIE_FOREACH(n, &t->trie) {
		struct nh *nh = container_of(n, struct nh, node);

		for (; nh; nh = nh->next)
			nh->followed = false;
	}
}

static void
unuse_all(struct nht *t)
{
	struct trie_node *n, *tmp;

	TRIE_FOREACH_SAFE(n, tmp, &t->trie) {
		struct nh *nh = container_of(n, struct nh, node), *next;

		for (; nh; nh = next) {
			next = nh->next;
			nh_unuse(t, nh);
		}
	}
}

void
nht_follow(struct nht *t, const struct ip_addr *v, size_t n)
{
	size_t i;

	unfollow_all(t);
	for (i = 0; i < n; i++) {
		struct nh *nh = nh_get(t, &v[i]);

		nh->followed = true;
		nh->linked = nh->resolved && nh->onlink;
	}
	unuse_all(t);
}

bool
nht_is_next_hop(const struct nh *nh)
{
	return nh->watched || nh->refs > 0;
}

/* ---- sets ---------------------------------------------------------------- */

void
nht_touch_set(struct nht *t, struct nhset *s)
{
	if (s->live && !s->dirty) {
		s->dirty = true;
		list_push_back(&t->dirty_sets, &s->dirty_link);
	}
}

static void
set_release(struct nht *t, struct nh_ref *ref, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++) {
		list_remove(&ref[i].link);
		ref[i].nh->refs--;
		nh_unuse(t, ref[i].nh);
	}
	mem_free(ref);
}

static bool
has_member(const struct nh_ref *ref, uint16_t n, const struct nh *nh)
{
	uint16_t i;

	for (i = 0; i < n && ref[i].nh != nh; i++)
		;
	return i < n;
}

/* What leads through s is looked for again: with other members it could lead in a circle. */
static void
cut_dependents(struct nht *t, struct nhset *s)
{
	struct list *l;

	while ((l = list_pop_front(&s->dependents))) {
		struct nh *nh = container_of(l, struct nh, via_link);

		nh->via = NULL;
		nh_mark(t, nh);
	}
}

void
nht_set_members(struct nht *t, struct nhset *s, const struct ipc_nh_member *m, uint16_t n,
    struct nhset *backup)
{
	struct nh_ref *was = s->ref;
	bool more = backup && backup != s->backup;
	uint16_t was_n = s->n, i;

	s->ref = mem_zalloc(n * sizeof(*s->ref));
	s->n = n;
	for (i = 0; i < n; i++) {
		struct nh_ref *r = &s->ref[i];

		r->nh = nh_get(t, &m[i].addr);
		r->nh->refs++;
		r->set = s;
		r->weight = m[i].weight ? m[i].weight : 1;
		list_push_back(&r->nh->users, &r->link);
		more |= !has_member(was, was_n, r->nh);
	}
	if (more)
		cut_dependents(t, s);
	set_release(t, was, was_n); /* after the new ones: shared next hops stay */
	list_remove(&s->backup_link);
	s->backup = backup;
	if (backup)
		list_push_back(&backup->backup_of, &s->backup_link);
	nht_touch_set(t, s);
}

void
nht_set_init(struct nht *t, struct nhset *s, const struct ipc_nh_member *m, uint16_t n,
    struct nhset *backup)
{
	s->live = true;
	list_init(&s->backup_of);
	list_init(&s->backup_link);
	list_init(&s->dependents);
	list_init(&s->dirty_link);
	nht_set_members(t, s, m, n, backup);
}

void
nht_set_fini(struct nht *t, struct nhset *s)
{
	struct list *l;

	s->live = false;
	list_remove(&s->dirty_link);
	s->dirty = false;
	list_remove(&s->backup_link);
	while ((l = list_pop_front(&s->backup_of))) {
		struct nhset *b = container_of(l, struct nhset, backup_link);

		b->backup = NULL;
		nht_touch_set(t, b);
	}
	cut_dependents(t, s);
	set_release(t, s->ref, s->n);
	mem_free(s->leg);
	s->ref = NULL;
	s->leg = NULL;
	s->n = s->nlegs = 0;
}

/* ---- marking ------------------------------------------------------------- */

void
nht_touch(struct nht *t, const struct ip_prefix *p)
{
	struct trie_node *n;

	for (n = trie_first_below(&t->trie, p); n; n = trie_next_below(n, p)) {
		struct nh *nh = container_of(n, struct nh, node);

		for (; nh; nh = nh->next)
			nh_mark(t, nh);
	}
}

void
nht_touch_all(struct nht *t)
{
	struct trie_node *n;

	TRIE_FOREACH(n, &t->trie) {
		struct nh *nh = container_of(n, struct nh, node);

		for (; nh; nh = nh->next)
			nh_mark(t, nh);
	}
}

/* Its legs come through the set that resolves it, if one does: that one is marked. */
static bool
goes_by(const struct nh *nh, const struct ip_addr *a)
{
	uint16_t i;

	if (nh->addr.af == a->af && memcmp(nh->addr.b, a->b, sizeof(a->b)) == 0)
		return true;
	for (i = 0; i < nh->nlegs; i++) {
		const struct ip_addr *gw = &nh->leg[i].gw;

		if (gw->af == a->af && memcmp(gw->b, a->b, sizeof(a->b)) == 0)
			return true;
	}
	return false;
}

void
nht_addr_down(struct nht *t, const struct ip_addr *a, bool down)
{
	struct trie_node *n;

	if (!nhdown_set(&t->downs, a, down))
		return;
	TRIE_FOREACH(n, &t->trie) {
		struct nh *nh = container_of(n, struct nh, node);

		for (; nh; nh = nh->next) {
			if (goes_by(nh, a) || nh->cut)
				nh_mark(t, nh);
		}
	}
}

/* ---- evaluating a next hop ----------------------------------------------- */

/* Does s lead, by any way, through nh? Each set is looked at once in a walk, which has a number. */
static bool
depends_on(struct nhset *s, const struct nh *nh, uint32_t walk)
{
	uint16_t i;

	if (s->walk == walk)
		return false;
	s->walk = walk;
	for (i = 0; i < s->n; i++) {
		const struct nh *m = s->ref[i].nh;

		if (m == nh || (m->via && depends_on(m->via, nh, walk)))
			return true;
	}
	return s->backup && depends_on(s->backup, nh, walk);
}

static uint8_t
link_why(const struct nht *t, uint32_t ifindex)
{
	const struct klink *l = kern_link(t->kern, ifindex);

	return !l ? NH_NO_LINK : !l->l.up ? NH_LINK_DOWN : NH_NO_CARRIER;
}

static void
resolve_link_local(const struct nht *t, const struct ip_addr *a, struct result *r)
{
	r->why_ifindex = a->ifindex;
	if (a->ifindex == 0 || !kern_link(t->kern, a->ifindex)) {
		r->why = NH_NO_LINK;
	} else if (!kern_link_usable(t->kern, a->ifindex)) {
		r->why = link_why(t, a->ifindex);
	} else if (!kern_has_link_local(t->kern, a->ifindex)) {
		r->why = NH_NO_ADDRESS;
	} else {
		r->why = NH_OK;
		r->resolved = r->onlink = true;
		r->depth = 1;
		r->ifindex = a->ifindex;
		r->nlegs = 1;
		r->leg[0] = (struct kern_leg){ .gw = *a, .ifindex = a->ifindex, .weight = 1 };
		r->leg[0].gw.ifindex = 0;
	}
}

/* By one foreign route; false: r->why says why not. */
static bool
resolve_foreign(const struct nht *t, const struct nh *nh, const struct kroute *kr,
    struct result *r)
{
	const struct hops *h = hops_at(t->kern->hops, kr->hops);
	struct kern_leg leg[IPC_MEMBERS_MAX];
	uint16_t n, i;

	if (h->type != KERN_UNICAST) {
		r->why = NH_DISCARDED;
		return false;
	}
	n = kern_route_legs(t->kern, kr, leg, IPC_MEMBERS_MAX);
	r->nlegs = 0;
	r->onlink = false;
	r->why = NH_NO_LINK;
	for (i = 0; i < n; i++) {
		if (!kern_link_usable(t->kern, leg[i].ifindex)) {
			r->why = link_why(t, leg[i].ifindex);
			r->why_ifindex = leg[i].ifindex;
			continue;
		}
		if (leg[i].gw.af == IP_NONE) {
			leg[i].gw = nh->addr;
			leg[i].gw.ifindex = 0;
			r->onlink = true;
		}
		if (nhdown_has(&t->downs, &leg[i].gw, leg[i].ifindex)) {
			r->why = NH_BFD_DOWN;
			r->cut = true;
			continue;
		}
		r->leg[r->nlegs++] = leg[i];
	}
	if (r->nlegs == 0 && !t->any)
		return false;
	r->why = NH_OK;
	r->resolved = true;
	r->depth = 1;
	r->metric = kr->metric;
	r->protocol = kr->protocol;
	return true;
}

static void
resolve_own(const struct nht_own *o, struct result *r)
{
	r->why = NH_OK;
	r->resolved = true;
	r->onlink = false;
	r->via = o->set;
	r->depth = (uint8_t)(o->set->depth + 1);
	r->metric = o->set->metric;
	r->nlegs = o->set->nlegs;
	memcpy(r->leg, o->set->leg, r->nlegs * sizeof(r->leg[0]));
}

/* Our route o as a way for nh: usable, or (false) to be passed over for the reason in *why. */
static bool
own_fits(struct nht *t, const struct nh *nh, const struct nht_own *o, uint8_t *why)
{
	if (depends_on(o->set, nh, ++t->walk)) {
		*why = NH_LOOP;
		return false;
	}
	if (o->set->depth + 1 > NHT_DEPTH_MAX) {
		*why = NH_TOO_DEEP;
		return false;
	}
	return true;
}

/* The link where it was once is there and cannot be used: that is why it is not there now. */
static bool
home_down(const struct nht *t, const struct nh *nh)
{
	return nh->home != 0 && kern_link(t->kern, nh->home) && !kern_link_usable(t->kern, nh->home);
}

/* By the routes at the longest prefix of foreign ones: the lowest metric whose link is usable. */
static void
resolve_foreign_any(const struct nht *t, const struct nh *nh, const struct kroute *kr,
    const struct ip_prefix *p, struct result *r)
{
	r->through = *p;
	if (p->len == 0 && nh->home != 0 && kern_link(t->kern, nh->home)) {
		r->why = home_down(t, nh) ? link_why(t, nh->home) : NH_LEFT_LINK;
		r->why_ifindex = nh->home;
		return;
	}
	for (; kr; kr = kern_route_live(kr->next)) {
		if (resolve_foreign(t, nh, kr, r) || r->why == NH_DISCARDED)
			return;
	}
}

static void
resolve(struct nht *t, const struct nh *nh, struct result *r)
{
	const struct kroute *kr = kern_lpm(t->kern, &nh->addr);
	struct ip_prefix kp = kern_lpm_prefix(t->kern, &nh->addr);
	uint8_t why = NH_NO_ROUTE;
	struct nht_own o;
	int below = 256;

	if (kern_is_own(t->kern, &nh->addr)) {
		r->why = NH_OWN_ADDRESS;
		return;
	}
	if (nhdown_has(&t->downs, &nh->addr, nh->addr.ifindex)) {
		r->why = NH_BFD_DOWN;
		r->cut = true;
		return;
	}
	if (nh->addr.af == IP6 && ip_addr_is_link_local(&nh->addr)) {
		resolve_link_local(t, &nh->addr, r);
		return;
	}
	while (t->ops->own(t->ctx, &nh->addr, below, &o)) {
		bool longer = !kr || o.prefix.len > kp.len ||
		    (o.prefix.len == kp.len && o.metric < kr->metric);

		if (!longer)
			break;
		if (own_fits(t, nh, &o, &why)) {
			r->through = o.prefix;
			resolve_own(&o, r);
			return;
		}
		below = o.prefix.len;
	}
	if (kr) {
		resolve_foreign_any(t, nh, kr, &kp, r);
	} else if (why == NH_NO_ROUTE && home_down(t, nh)) {
		r->why = link_why(t, nh->home);
		r->why_ifindex = nh->home;
	} else {
		r->why = why;
	}
}

static uint32_t
single_ifindex(const struct result *r)
{
	uint16_t i;

	for (i = 1; i < r->nlegs; i++) {
		if (r->leg[i].ifindex != r->leg[0].ifindex)
			return 0;
	}
	return r->nlegs > 0 ? r->leg[0].ifindex : 0;
}

static void
nh_set_via(struct nh *nh, struct nhset *via)
{
	if (nh->via == via)
		return;
	list_remove(&nh->via_link);
	nh->via = via;
	if (via)
		list_push_back(&via->dependents, &nh->via_link);
}

static void
nh_evaluate(struct nht *t, struct nh *nh)
{
	struct result r = { .why = NH_NO_ROUTE };
	bool said, legs;
	struct list *l;

	resolve(t, nh, &r);
	if (!r.resolved)
		r.nlegs = 0, r.onlink = false;
	r.ifindex = single_ifindex(&r);
	said = nh->resolved != r.resolved || nh->onlink != r.onlink || nh->metric != r.metric ||
	    nh->ifindex != r.ifindex || nh->why != r.why;
	legs = !legs_eq(nh->leg, nh->nlegs, r.leg, r.nlegs) || nh->depth != r.depth ||
	    nh->metric != r.metric || !ip_prefix_eq(&nh->through, &r.through);
	nh->resolved = r.resolved;
	nh->onlink = r.onlink;
	nh->cut = r.cut;
	nh->depth = r.depth;
	nh->why = r.why;
	nh->why_ifindex = r.why_ifindex;
	nh->protocol = r.protocol;
	nh->metric = r.metric;
	nh->ifindex = r.ifindex;
	nh->through = r.through;
	if (r.onlink)
		nh->home = r.ifindex;
	nh_set_via(nh, r.via);
	if (legs) {
		nh->nlegs = r.nlegs;
		nh->leg = mem_realloc(nh->leg, r.nlegs * sizeof(r.leg[0]));
		memcpy(nh->leg, r.leg, r.nlegs * sizeof(r.leg[0]));
		LIST_FOREACH(l, &nh->users)
			nht_touch_set(t, container_of(l, struct nh_ref, link)->set);
	}
	if (said || nh->report) {
		nh->gen = ++t->gen;
		nh->report = false;
		t->ops->nh_changed(t->ctx, nh);
	}
}

/* ---- evaluating a set ---------------------------------------------------- */

static unsigned int
gcd(unsigned int a, unsigned int b)
{
	while (b != 0) {
		unsigned int r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* Weights as small as they can be, at most 255. */
static void
weights_reduce(struct kern_leg *leg, const unsigned int *w, uint16_t n)
{
	unsigned int g = 0, max = 1;
	uint16_t i;

	for (i = 0; i < n; i++)
		g = gcd(w[i], g);
	for (i = 0; i < n; i++)
		max = w[i] / g > max ? w[i] / g : max;
	for (i = 0; i < n; i++) {
		unsigned int v = w[i] / g;

		if (max > 255)
			v = v * 255 / max;
		leg[i].weight = v == 0 ? 1 : (uint8_t)v;
	}
}

/* 0: not resolved, or without legs. */
static unsigned int
weight_sum(const struct nh *nh)
{
	unsigned int sum = 0;
	uint16_t i;

	for (i = 0; nh->resolved && i < nh->nlegs; i++)
		sum += nh->leg[i].weight;
	return sum;
}

/*
 * The legs of all resolved members. A member with several legs shares its weight
 * among them, so that each member keeps its part of the traffic.
 */
static uint16_t
set_gather(const struct nht *t, const struct nhset *s, struct kern_leg *ret, uint8_t *ret_depth,
    uint32_t *ret_metric)
{
	unsigned int w[IPC_MEMBERS_MAX], share = 1;
	uint16_t i, j, n = 0;

	*ret_depth = 0;
	*ret_metric = 0;
	for (i = 0; i < s->n && share < 65536; i++) {
		unsigned int sum = weight_sum(s->ref[i].nh);

		if (sum > 0)
			share = share / gcd(share, sum) * sum;
	}
	for (i = 0; i < s->n; i++) {
		const struct nh *m = s->ref[i].nh;
		unsigned int sum = weight_sum(m);

		if (sum == 0)
			continue;
		*ret_depth = m->depth > *ret_depth ? m->depth : *ret_depth;
		*ret_metric = m->metric > *ret_metric ? m->metric : *ret_metric;
		for (j = 0; j < m->nlegs && n < IPC_MEMBERS_MAX; j++) {
			w[n] = share < sum ? 1 : share / sum * s->ref[i].weight * m->leg[j].weight;
			ret[n++] = m->leg[j];
		}
	}
	weights_reduce(ret, w, n);
	n = legs_sort(ret, n);
	for (i = 0; i < n; i++)
		w[i] = ret[i].weight;
	if (n > t->multipath)
		n = t->multipath;
	weights_reduce(ret, w, n);
	return n;
}

static void
set_evaluate(struct nht *t, struct nhset *s)
{
	struct kern_leg leg[IPC_MEMBERS_MAX];
	unsigned int change = NHT_THROUGH;
	const struct nhset *from = s;
	uint32_t metric;
	uint8_t depth;
	uint16_t n, i;
	struct list *l;

	n = set_gather(t, s, leg, &depth, &metric);
	if (n == 0 && s->backup) {
		from = s->backup;
		n = set_gather(t, from, leg, &depth, &metric);
	}
	if (!legs_eq(s->leg, s->nlegs, leg, n))
		change |= NHT_LEGS;
	if ((s->nlegs > 0) != (n > 0))
		change |= NHT_USABLE;
	if (change & NHT_LEGS || s->depth != depth || s->metric != metric) {
		LIST_FOREACH(l, &s->dependents)
			nh_mark(t, container_of(l, struct nh, via_link));
		LIST_FOREACH(l, &s->backup_of)
			nht_touch_set(t, container_of(l, struct nhset, backup_link));
	}
	s->depth = depth;
	s->metric = metric;
	s->nlegs = n;
	s->leg = mem_realloc(s->leg, n * sizeof(leg[0]));
	memcpy(s->leg, leg, n * sizeof(leg[0]));
	s->has4 = false;
	for (i = 0; i < n; i++)
		s->has4 |= leg[i].gw.af == IP4;
	t->ops->set_changed(t->ctx, s, change);
}

bool
nht_settle(struct nht *t)
{
	size_t budget = 16 * (t->n + 64);
	struct list *l;

	while (budget-- > 0) {
		if ((l = list_pop_front(&t->dirty))) {
			struct nh *nh = container_of(l, struct nh, dirty_link);

			nh->dirty = false;
			nh_evaluate(t, nh);
		} else if ((l = list_pop_front(&t->dirty_sets))) {
			struct nhset *s = container_of(l, struct nhset, dirty_link);

			s->dirty = false;
			set_evaluate(t, s);
		} else {
			return true;
		}
	}
	return false;
}

bool
nht_covers_self(const struct nht *t, const struct nhset *s, const struct ip_prefix *p)
{
	uint16_t i;

	for (i = 0; i < s->n; i++) {
		const struct nh *m = s->ref[i].nh;
		struct ip_prefix served;

		if (!ip_prefix_has_addr(p, &m->addr))
			continue;
		if (m->resolved && m->through.len > p->len)
			continue;
		served = kern_lpm_prefix(t->kern, &m->addr);
		if (served.af != IP_NONE && p->len >= served.len)
			return true;
		if (!m->resolved && m->why == NH_LOOP)
			return true;
	}
	return false;
}

/* ---- views --------------------------------------------------------------- */

const struct nh *
nht_after(const struct nht *t, const struct ip_addr *after)
{
	struct ip_prefix p;
	struct trie_node *n;
	const struct nh *nh;

	if (!after || after->af == IP_NONE) {
		n = trie_first(&t->trie);
		return n ? container_of(n, struct nh, node) : NULL;
	}
	for (nh = nh_first(t, after); nh; nh = nh->next) {
		if (nh->addr.ifindex > after->ifindex)
			return nh;
	}
	p = ip_prefix_from_addr(after);
	n = trie_after(&t->trie, &p);
	return n ? container_of(n, struct nh, node) : NULL;
}

static const char *
link_name(const struct nht *t, uint32_t ifindex, char *buf, size_t cap)
{
	const struct klink *l = kern_link(t->kern, ifindex);

	if (l)
		return l->l.name;
	snprintf(buf, cap, "if%u", ifindex);
	return buf;
}

/* Whose the route is (rtm_protocol): names as ip-route(8) writes them, else the number. */
static const char *
proto_str(uint8_t protocol, char num[4])
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} names[] = { { 2, "kernel" }, { 3, "boot" }, { 4, "static" }, { 9, "ra" }, { 11, "zebra" },
		{ 12, "bird" }, { 16, "dhcp" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].protocol == protocol)
			return names[i].name;
	snprintf(num, 4, "%u", protocol);
	return num;
}

void
nht_via_text(const struct nht *t, const struct nh *nh, char *buf, size_t cap)
{
	char name[16], gw[IP_ADDR_STRLEN], p[IP_PREFIX_STRLEN], num[4];
	size_t off = 0;
	uint16_t i;
	int n;

	buf[0] = '\0';
	for (i = 0; i < nh->nlegs && off < cap; i++) {
		const struct kern_leg *l = &nh->leg[i];
		const char *dev = link_name(t, l->ifindex, name, sizeof(name));

		if (nh->onlink)
			n = snprintf(buf + off, cap - off, "%sdev %s", i ? ", " : "", dev);
		else
			n = snprintf(buf + off, cap - off, "%svia %s dev %s", i ? ", " : "",
			    ip_addr_str(&l->gw, gw), dev);
		if (n < 0)
			return;
		off += (size_t)n;
	}
	if (nh->resolved && nh->through.af != IP_NONE && off < cap) {
		if (nh->via)
			snprintf(buf + off, cap - off, " through %s (learned)",
			    ip_prefix_str(&nh->through, p));
		else
			snprintf(buf + off, cap - off, " through %s (protocol %s)",
			    ip_prefix_str(&nh->through, p), proto_str(nh->protocol, num));
	}
}

void
nht_why_text(const struct nht *t, const struct nh *nh, char *buf, size_t cap)
{
	char name[16], p[IP_PREFIX_STRLEN];
	const char *dev = link_name(t, nh->why_ifindex, name, sizeof(name));

	buf[0] = '\0';
	switch ((enum nh_why)nh->why) {
	case NH_OK:
		break;
	case NH_PENDING:
		snprintf(buf, cap, "not looked at yet");
		break;
	case NH_NO_ROUTE:
		snprintf(buf, cap, "no route leads there");
		break;
	case NH_OWN_ADDRESS:
		snprintf(buf, cap, "it is an address of this node");
		break;
	case NH_NO_LINK:
		snprintf(buf, cap, "its interface is not known");
		break;
	case NH_LINK_DOWN:
		snprintf(buf, cap, "interface %s is down", dev);
		break;
	case NH_NO_CARRIER:
		snprintf(buf, cap, "interface %s has no carrier", dev);
		break;
	case NH_NO_ADDRESS:
		snprintf(buf, cap, "interface %s has no usable link-local address", dev);
		break;
	case NH_DISCARDED:
		snprintf(buf, cap, "the route %s discards",
		    ip_prefix_str(&nh->through, p));
		break;
	case NH_LOOP:
		snprintf(buf, cap, "only routes that depend on it lead there");
		break;
	case NH_TOO_DEEP:
		snprintf(buf, cap, "more than %d routes in a chain", NHT_DEPTH_MAX);
		break;
	case NH_LEFT_LINK:
		snprintf(buf, cap, "no longer on interface %s, only the default route leads there",
		    dev);
		break;
	case NH_BFD_DOWN:
		snprintf(buf, cap, "BFD says that %s down",
		    nhdown_has(&t->downs, &nh->addr, nh->addr.ifindex) ? "it is"
								       : "its gateway is");
		break;
	}
}
