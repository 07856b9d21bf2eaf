/*
 * What is observed of the kernel, and what follows from it.
 *
 * The kernel drops IPv4 routes, nexthop objects and members of groups without a
 * message when a link goes down or loses its carrier, and IPv4 routes when their
 * source address or their link's last address goes.  So an event of that sort is
 * taken as the loss itself, what is wanted is set again at once, and a dump (one at
 * a time) confirms or corrects it.
 */
#include <string.h>

#include "agent/core/fib_priv.h"
#include "agent/core/plan.h"
#include "lib/mem.h"

/* ---- losses -------------------------------------------------------------- */

static bool
is_somebody(uint32_t by)
{
	return by != 0 && by != FIB_BY_SELF;
}

/*
 * One flush of nexthop objects takes a route several times, with its group and with
 * the legs that the group loses: that counts once.
 */
static bool
is_same_loss(const struct fib *f, struct trouble *t, bool object)
{
	bool soon = t->losses > 0 && mono_diff_us(f->now, t->last_loss) < FIB_BURST_US;

	if (!soon)
		t->burst = 0;
	return object && soon && t->burst++ < FIB_BURST_MAX;
}

/* Count a loss or change by somebody, and wait when it happens again and again. */
static void
entry_fought(struct fib *f, struct fib_entry *e, uint32_t by, bool changed, bool object)
{
	struct ip_prefix p = entry_prefix(e);
	struct trouble *t = trouble_get(f, e);
	uint64_t us;
	enum fib_agg kind;

	t->repairs++;
	f->repairs++;
	if (is_same_loss(f, t, object))
		return;
	t->losses++;
	t->last_loss = f->now;
	if (by == FIB_BY_DUMP)
		conflict_removed(&f->conflict, f->now, 0, "", t->losses);
	else
		conflict_removed(&f->conflict, f->now, by, fib_process_name(f, by), t->losses);
	us = plan_repair_delay_us(t->losses);
	kind = us > 0 ? AGG_FIGHT : changed ? AGG_CHANGED : AGG_LOST;
	fib_gather(f, kind, &p, by, 0, NULL);
	if (t->losses > f->agg[kind].most)
		f->agg[kind].most = t->losses;
	if (us > 0) {
		t->waiting = true;
		heap_set(&f->trouble_heap, &t->heap, mono_add_us(f->now, us));
	}
}

void
fib_entry_lost(struct fib *f, struct fib_entry *e, uint32_t by, bool object)
{
	bool asked = e->set != 0 || e->wanted;

	entry_set_have(f, e, 0);
	if (!asked)
		e->adopted = 0;
	else if (is_somebody(by))
		entry_fought(f, e, by, false, object);
	entry_eval(f, e);
}

void
fib_objects_lost(struct fib *f, uint32_t by)
{
	struct list *l;
	uint32_t i, next;

	LIST_FOREACH(l, &f->all_sets) {
		const struct fib_set *s = container_of(l, struct fib_set, all);

		for (i = s->first; i != 0; i = next) {
			struct fib_entry *e = entry_at(f, i);
			const struct hops *h = hops_at(&f->hops, e->have);
			const struct nhobj *o = h && h->nhid ? nhobj_find(&f->objs, h->nhid) : NULL;

			next = e->next;
			if (s->obj != 0 && h && h->nhid == s->obj && !(o && o->lost))
				break; /* this set is well: the others are on their way to it */
			if (o && o->lost && !e->busy)
				fib_entry_lost(f, e, by, true);
		}
	}
	nhobj_clear_lost(&f->objs);
	/* Routes on their way from one set to another are found by this. */
	fib_want_dump(f, KERN_ROUTES4);
	fib_want_dump(f, KERN_ROUTES6);
}

/* ---- links --------------------------------------------------------------- */

static bool
set_on_link(const struct fib_set *s, uint32_t ifindex)
{
	uint16_t i;

	for (i = 0; i < s->nhs.nlegs; i++) {
		if (s->nhs.leg[i].ifindex == ifindex)
			return true;
	}
	return false;
}

/* Does a route of ours go by that link, or one that is still to be replaced? */
static bool
link_matters(const struct fib *f, uint32_t ifindex)
{
	struct list *l;

	LIST_FOREACH(l, &f->all_sets) {
		if (set_on_link(container_of(l, struct fib_set, all), ifindex))
			return true;
	}
	return hops_on_link(&f->hops, ifindex);
}

/* Without nexthop objects: IPv4 routes all of whose legs were on that link are gone. */
static void
plain_routes_lost(struct fib *f, uint32_t ifindex)
{
	struct list *l;
	uint32_t i, next;

	LIST_FOREACH(l, &f->all_sets) {
		const struct fib_set *s = container_of(l, struct fib_set, all);

		if (s->obj != 0 || !set_on_link(s, ifindex))
			continue;
		for (i = s->first; i != 0; i = next) {
			struct fib_entry *e = entry_at(f, i);
			const struct hops *h = hops_at(&f->hops, e->have);
			uint16_t k, other = 0;

			next = e->next;
			for (k = 0; h && k < h->nlegs; k++)
				other += h->leg[k].ifindex != ifindex;
			if (h && other == 0 && !e->busy && !entry_is6(e))
				fib_entry_lost(f, e, 0, false);
		}
	}
}

static void foreign_changed(struct fib *f, const struct ip_prefix *p, bool gone);

static void
on_drop(void *ctx, const struct ip_prefix *p)
{
	foreign_changed(ctx, p, true);
}

static void
link_down(struct fib *f, uint32_t ifindex, bool admin)
{
	bool matters = link_matters(f, ifindex);

	if (nhobj_link_down(&f->objs, ifindex) > 0) {
		fib_objects_lost(f, 0);
		matters = true;
	}
	if (admin) {
		kern_drop_down(&f->kern, ifindex, on_drop, f);
		if (matters)
			plain_routes_lost(f, ifindex);
	}
	if (!matters)
		return;
	f->link_trouble = true;
	fib_want_dump(f, KERN_NEXTHOPS);
	fib_want_dump(f, KERN_ROUTES4);
	fib_want_dump(f, KERN_ROUTES6);
}

void
fib_see_link(struct fib *f, struct mono_us now, const struct kern_link *l, bool gone)
{
	unsigned int change = kern_see_link(&f->kern, l, gone);

	f->now = now;
	f->addr_gen += change != 0;
	if (change == 0 || !f->ready)
		return;
	if (change & KLINK_DOWN)
		link_down(f, l->ifindex, change & KLINK_ADMIN_DOWN);
	nht_touch_all(&f->nht);
}

/* ---- addresses ----------------------------------------------------------- */

static bool
has_ipv4(const struct fib *f, uint32_t ifindex)
{
	struct trie_node *n;

	TRIE_FOREACH(n, &f->kern.addrs) {
		const struct kaddr *a = container_of(n, struct kaddr, node);

		for (; n->prefix.af == IP4 && a; a = a->next) {
			if (a->a.ifindex == ifindex)
				return true;
		}
	}
	return false;
}

static bool
is_source(const struct fib *f, const struct ip_addr *a)
{
	return ip_addr_eq(a, &f->conf.source4) || ip_addr_eq(a, &f->conf.source6);
}

static void
addr_changed(struct fib *f, const struct kern_addr *a, bool gone)
{
	struct ip_prefix p = ip_prefix_from_addr(&a->addr);

	if (ip_addr_is_link_local(&a->addr))
		nht_touch_all(&f->nht);
	else
		nht_touch(&f->nht, &p);
	fib_judge_covering(f, &p);
	if (is_source(f, &a->addr)) {
		fib_set_refresh_all(f);
		if (gone) {
			f->link_trouble = true;
			fib_want_dump(f, a->addr.af == IP4 ? KERN_ROUTES4 : KERN_ROUTES6);
		}
	}
	if (gone && a->addr.af == IP4 && !has_ipv4(f, a->ifindex)) {
		if (link_matters(f, a->ifindex)) {
			f->link_trouble = true;
			fib_want_dump(f, KERN_NEXTHOPS);
			fib_want_dump(f, KERN_ROUTES4);
		} else {
			kern_drop_down(&f->kern, a->ifindex, on_drop, f);
		}
	}
}

void
fib_see_addr(struct fib *f, struct mono_us now, const struct kern_addr *a, bool gone)
{
	bool was;

	f->now = now;
	if (!kern_see_addr(&f->kern, a, gone, &was))
		return;
	f->addr_gen++;
	if (f->ready)
		addr_changed(f, a, gone);
}

/* ---- nexthop objects ----------------------------------------------------- */

static bool
is_former_protocol(const struct fib *f, uint8_t protocol)
{
	size_t i;

	for (i = 0; i < f->nold && f->old[i].protocol != protocol; i++)
		;
	return i < f->nold;
}

static bool
object_is_ours(const struct fib *f, const struct kern_nexthop *n, bool gone)
{
	if (n->id - NHOBJ_FIRST >= NHOBJ_COUNT)
		return false;
	if (n->protocol == f->objs.protocol)
		return true;
	if (!f->ready)
		return is_former_protocol(f, n->protocol);
	return nhobj_find(&f->objs, n->id) && (gone || is_former_protocol(f, n->protocol));
}

/* Objects keep the number that they were made with: one of a former number is not used again. */
static void
object_outdate(struct fib *f, uint32_t id)
{
	struct nhobj *o = nhobj_find(&f->objs, id);

	if (o && o->known)
		o->differs = true;
}

static void
objects_fought(struct fib *f, uint32_t by)
{
	struct ip_prefix none = { 0 };

	if (is_somebody(by) && by != FIB_BY_DUMP)
		fib_gather(f, AGG_NEXTHOP, &none, by, 0, NULL);
	fib_objects_lost(f, by);
}

void
fib_see_nexthop(struct fib *f, struct mono_us now, const struct kern_nexthop *n, bool gone,
    uint32_t by)
{
	f->now = now;
	if (!object_is_ours(f, n, gone)) {
		if (by == FIB_BY_SELF)
			return;
		kern_see_nexthop(&f->kern, n, gone);
		if (by != FIB_BY_DUMP && f->ready)
			nht_touch_all(&f->nht);
		return;
	}
	if (by != FIB_BY_SELF && nhobj_see(&f->objs, n, gone) && f->ready)
		objects_fought(f, by);
	if (!gone && n->protocol != f->objs.protocol)
		object_outdate(f, n->id);
}

/* ---- routes -------------------------------------------------------------- */

static void
guard_fresh(struct fib *f, struct guard *g, bool judge)
{
	struct ip_addr a = ip_prefix_addr(&g->node.prefix);
	struct ip_prefix p = kern_lpm_prefix(&f->kern, &a);
	int served = p.af == IP_NONE ? -1 : p.len;

	if (served == g->served)
		return;
	g->served = served;
	if (judge)
		fib_judge_covering(f, &g->node.prefix);
}

void
fib_guards_fresh(struct fib *f)
{
	struct trie_node *n;

	TRIE_FOREACH(n, &f->peers)
		guard_fresh(f, container_of(n, struct guard, node), false);
	TRIE_FOREACH(n, &f->protect)
		guard_fresh(f, container_of(n, struct guard, node), false);
}

static void
guards_below(struct fib *f, const struct trie *t, const struct ip_prefix *p)
{
	struct trie_node *n;

	for (n = trie_first_below(t, p); n; n = trie_next_below(n, p))
		guard_fresh(f, container_of(n, struct guard, node), true);
}

/* A foreign route at p came, changed or went (gone: it may still be in the table). */
static void
foreign_changed(struct fib *f, const struct ip_prefix *p, bool gone)
{
	int k;

	if (!f->ready)
		return;
	nht_touch(&f->nht, p);
	guards_below(f, &f->peers, p);
	guards_below(f, &f->protect, p);
	for (k = 0; k < FIB_NKINDS; k++) {
		struct fib_entry *e = entry_find(f, (enum fib_kind)k, p);

		if (!e)
			continue;
		if (gone && e->state == FIB_ST_FOREIGN)
			trouble_end_wait(f, e); /* the place may be free */
		entry_eval(f, e);
	}
}

/* Of routes in that place with that metric. */
static enum fib_kind
kind_at(const struct place *at, const struct kern_route *r)
{
	int k;

	for (k = 0; k < FIB_NKINDS; k++) {
		if (r->table == at->table && r->metric == at->metric[k])
			return (enum fib_kind)k;
	}
	return FIB_NKINDS;
}

/*
 * Ours under a former number: as the first dump finds it, and what we have not replaced since.
 * Whatever else has that number is somebody's who uses it now.
 */
static bool
is_former(const struct fib *f, const struct kern_route *r, enum fib_kind kind)
{
	const struct fib_entry *e;
	const struct hops *h;

	if (!f->ready)
		return is_former_protocol(f, r->protocol);
	e = entry_find(f, kind, &r->prefix);
	h = e ? hops_at(&f->hops, e->have) : NULL;
	return h && h->former == r->protocol;
}

/* The kind whose place that route is in, or FIB_NKINDS: foreign. */
static enum fib_kind
ours_kind(const struct fib *f, const struct kern_route *r)
{
	enum fib_kind kind = kind_at(&f->place, r);

	if (kind == FIB_NKINDS || r->protocol == f->place.protocol || is_former(f, r, kind))
		return kind;
	return FIB_NKINDS;
}

/* In the first dump: a route of ours elsewhere, by a former configuration. */
static bool
see_former_place(struct fib *f, const struct kern_route *r)
{
	size_t i;

	for (i = 0; i < f->nold; i++) {
		enum fib_kind kind = kind_at(&f->old[i], r);

		if (kind == FIB_NKINDS || r->protocol != f->old[i].protocol)
			continue;
		fib_stray_add(f, &r->prefix, &f->old[i], kind, hops_get(&f->hops, r, true));
		f->adopted[r->prefix.af == IP6]++;
		return true;
	}
	return false;
}

static uint32_t
former_hops(struct fib *f, const struct kern_route *r)
{
	struct kern_route ours = *r;

	ours.former = r->protocol;
	return hops_get(&f->hops, &ours, true);
}

static void
ours_new(struct fib *f, enum fib_kind kind, const struct kern_route *r, uint32_t by)
{
	struct fib_entry *e = entry_find(f, kind, &r->prefix);
	uint32_t hops;
	bool first = !e;

	if (e && (e->busy || (by == FIB_BY_DUMP && e->seen))) {
		e->seen = 1; /* an answer or a notification has said more */
		return;
	}
	if (first && !entry_fits(f, &r->prefix))
		return; /* it stays in the kernel, unknown */
	hops = r->protocol == f->place.protocol ? hops_get(&f->hops, r, true) : former_hops(f, r);
	if (f->ready && is_somebody(by) && by != FIB_BY_DUMP)
		conflict_second(&f->conflict, f->now, by, fib_process_name(f, by), &r->prefix);
	if (first) {
		e = entry_get(f, kind, &r->prefix);
		e->adopted = 1;
		if (f->stale && !f->ready)
			f->adopted[r->prefix.af == IP6]++;
	} else if (f->ready && e->have != 0 && e->have != hops && (e->set || e->wanted) &&
	    is_somebody(by)) {
		entry_fought(f, e, by, true, false);
	}
	e->seen = 1;
	if (!first && e->have == 0 && e->state == FIB_ST_FOREIGN)
		trouble_end_wait(f, e);
	entry_set_have(f, e, hops);
	entry_eval(f, e);
}

static void
ours_gone(struct fib *f, enum fib_kind kind, const struct kern_route *r, uint32_t by)
{
	struct fib_entry *e = entry_find(f, kind, &r->prefix);
	const struct hops *h;
	uint16_t i, up = 0;

	if (!e || e->have == 0 || e->busy)
		return;
	e->seen = 1;
	h = hops_at(&f->hops, e->have);
	for (i = 0; i < r->nlegs; i++)
		up += kern_link_usable(&f->kern, r->leg[i].ifindex);
	if (h->type == KERN_UNICAST && r->nlegs > 0 && up == 0)
		by = 0; /* its links are down: the kernel's doing */
	fib_entry_lost(f, e, by, false);
}

static bool
table_matters(const struct fib *f, uint32_t table)
{
	uint32_t t[FIB_TABLES_MAX];
	size_t n = fib_tables(f, t), i;

	for (i = 0; i < n; i++) {
		if (t[i] == table)
			return true;
	}
	return false;
}

/* A foreign route took the place of whatever was there first: perhaps of ours. */
static void
place_taken(struct fib *f, const struct kern_route *r)
{
	int k;

	for (k = 0; k < FIB_NKINDS; k++) {
		const struct fib_entry *e;

		if (r->table != f->place.table || r->metric != f->place.metric[k])
			continue;
		e = entry_find(f, (enum fib_kind)k, &r->prefix);
		if (e && e->have != 0)
			fib_want_dump(f, r->prefix.af == IP4 ? KERN_ROUTES4 : KERN_ROUTES6);
	}
}

void
fib_see_route(struct fib *f, struct mono_us now, const struct kern_route *r, bool gone,
    uint32_t by)
{
	enum fib_kind kind = ours_kind(f, r);

	f->now = now;
	if (!table_matters(f, r->table))
		return;
	if (kind != FIB_NKINDS) {
		if (by == FIB_BY_SELF)
			return;
		if (gone)
			ours_gone(f, kind, r, by);
		else
			ours_new(f, kind, r, by);
		return;
	}
	if (by == FIB_BY_SELF && !gone)
		return;
	if (by == FIB_BY_DUMP && !f->ready && see_former_place(f, r))
		return;
	if (kern_see_route(&f->kern, r, gone, by == FIB_BY_DUMP)) {
		if (r->replaced)
			place_taken(f, r);
		foreign_changed(f, &r->prefix, gone);
	}
}

/* ---- dumps --------------------------------------------------------------- */

static bool
is_routes(enum kern_what what)
{
	return what == KERN_ROUTES4 || what == KERN_ROUTES6;
}

static void
entries_unsee(struct fib *f, uint8_t af)
{
	struct fib_entry *e;
	struct ip_prefix at;
	int k;

	for (k = 0; k < FIB_NKINDS; k++) {
		FIB_FOREACH(f, (enum fib_kind)k, e, &at) {
			if (at.af == af)
				e->seen = 0;
		}
	}
}

void
fib_dump_begin(struct fib *f, struct mono_us now, enum kern_what what)
{
	f->now = now;
	f->dumping[what] = true;
	f->dump_at = mono_add_us(now, FIB_DUMP_GAP_US);
	f->dumps++;
	kern_dump_begin(&f->kern, what);
	if (what == KERN_NEXTHOPS)
		nhobj_dump_begin(&f->objs);
	else if (is_routes(what))
		entries_unsee(f, what == KERN_ROUTES4 ? IP4 : IP6);
}

static void
on_sweep(void *ctx, enum kern_what what, const void *obj)
{
	struct fib *f = ctx;

	if (!f->ready)
		return;
	if (what == KERN_LINKS) {
		link_down(f, ((const struct kern_link *)obj)->ifindex, true);
		nht_touch_all(&f->nht);
	} else if (what == KERN_ADDRS) {
		addr_changed(f, obj, true);
	} else if (is_routes(what)) {
		foreign_changed(f, obj, true);
	}
}

/* Entries that a dump did not show are lost. */
static void
entries_sweep(struct fib *f, uint8_t af)
{
	uint32_t by = f->link_trouble ? 0 : FIB_BY_DUMP;
	struct fib_entry *e;
	struct ip_prefix at;
	int k;

	for (k = 0; k < FIB_NKINDS; k++) {
		FIB_FOREACH(f, (enum fib_kind)k, e, &at) {
			if (at.af == af && e->have != 0 && !e->seen && !e->busy)
				fib_entry_lost(f, e, by, false);
		}
	}
}

static bool
all_dumped(const struct fib *f)
{
	int w;

	for (w = 0; w < KERN_NWHAT; w++) {
		if (!f->dump_done[w])
			return false;
	}
	return true;
}

/* Everything is known: judge, resolve and install for the first time. */
static void
become_ready(struct fib *f)
{
	f->ready = true;
	fib_guards_fresh(f);
	nht_touch_all(&f->nht);
	fib_set_refresh_all(f);
	local_configure(f);
	fib_judge_all(f);
	fib_settle(f);
}

void
fib_dump_end(struct fib *f, struct mono_us now, enum kern_what what)
{
	f->now = now;
	f->dumping[what] = f->dump_asked[what] = false;
	f->addr_gen += what == KERN_LINKS || what == KERN_ADDRS; /* what went unseen is gone now */
	kern_dump_end(&f->kern, what, on_sweep, f);
	if (what == KERN_NEXTHOPS && nhobj_dump_end(&f->objs) > 0 && f->ready)
		fib_objects_lost(f, f->link_trouble ? 0 : FIB_BY_DUMP);
	else if (is_routes(what))
		entries_sweep(f, what == KERN_ROUTES4 ? IP4 : IP6);
	if (what == KERN_ROUTES6)
		f->link_trouble = f->dump_want[KERN_ROUTES4] || f->dump_want[KERN_ROUTES6];
	f->dump_done[what] = true;
	if (!f->ready && f->configured && all_dumped(f))
		become_ready(f);
}

void
fib_nexthop_support(struct fib *f, struct mono_us now, bool yes)
{
	f->now = now;
	if (f->no_nhobj == !yes)
		return;
	f->no_nhobj = !yes;
	if (f->ready)
		fib_set_refresh_all(f);
}

size_t
fib_tables(const struct fib *f, uint32_t ret[FIB_TABLES_MAX])
{
	size_t n = 0, i, j;

	ret[n++] = 254; /* RT_TABLE_MAIN */
	if (f->place.table != 254 && f->place.table != 0)
		ret[n++] = f->place.table;
	for (i = 0; i < f->nold; i++) {
		for (j = 0; j < n && ret[j] != f->old[i].table; j++)
			;
		if (j == n && n < FIB_TABLES_MAX)
			ret[n++] = f->old[i].table;
	}
	return n;
}
