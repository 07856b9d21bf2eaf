/*
 * The agent's routing state: composition, configuration, intents of bgpd, and what
 * follows when next hops change; see fib.h and fib_priv.h.
 */
#include <string.h>

#include "agent/core/fib_priv.h"
#include "lib/mem.h"

/* ---- admission ----------------------------------------------------------- */

struct admit
fib_admit(const struct fib *f)
{
	const struct fib_conf *c = &f->conf;

	return (struct admit){
		.install = c->install,
		.permit_default4 = c->permit_default4,
		.permit_default6 = c->permit_default6,
		.protect_default = c->protect_default,
		.protect_node = c->protect_node,
		.protect_peers = c->protect_peers,
		.max_routes = c->max_routes,
		.routes = f->nadmitted,
		.permit = c->permit,
		.npermit = c->npermit,
		.own = &f->kern.addrs,
		.peers = &f->peers,
		.protect = &f->protect,
		.nexthops = &f->nht.trie,
		.locals = &f->locals,
	};
}

void
fib_judge_all(struct fib *f)
{
	struct fib_entry *e;
	struct ip_prefix at;
	int k;

	for (k = 0; k < FIB_NKINDS; k++) {
		FIB_FOREACH(f, (enum fib_kind)k, e, &at)
			entry_judge(f, e);
	}
	f->limit_at = MONO_NEVER;
}

void
fib_judge_covering(struct fib *f, const struct ip_prefix *p)
{
	struct fib_entry *e = entry_covering(f, FIB_LEARNED, p);

	while (e) {
		struct ip_prefix at = entry_prefix(e);

		entry_judge(f, e);
		e = entry_shorter(f, FIB_LEARNED, &at);
	}
	if (entry_covering(f, FIB_DISCARD, p))
		local_configure(f);
}

void
fib_judge_limited(struct fib *f)
{
	struct fib_entry *e;
	struct ip_prefix at;

	f->limit_at = MONO_NEVER;
	FIB_FOREACH(f, FIB_LEARNED, e, &at) {
		if (f->nadmitted >= f->conf.max_routes)
			return;
		if (e->set != 0 && !e->admitted && e->code == IPC_REF_LIMIT)
			entry_judge(f, e);
	}
}

/* ---- sets ---------------------------------------------------------------- */

static uint64_t
hash_set_id(const struct fib *f, uint32_t id)
{
	return hmap_hash(&f->sets, &id, sizeof(id));
}

static struct fib_set *
set_find(const struct fib *f, uint32_t id)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&f->sets, hash_set_id(f, id)); n; n = hmap_next_with(n)) {
		struct fib_set *s = container_of(n, struct fib_set, by_id);

		if (s->id == id)
			return s;
	}
	return NULL;
}

static struct fib_set *
set_new(struct fib *f, uint32_t id)
{
	struct fib_set *s = mem_zalloc(sizeof(*s));

	s->id = id;
	s->live = true;
	if (!ring_pop(&f->free_sets, &s->self)) {
		s->self = f->nsetv++;
		if ((s->self & (s->self - 1)) == 0)
			f->setv = mem_realloc_array(f->setv, (size_t)s->self * 2, sizeof(*f->setv));
	}
	list_init(&s->eval);
	list_push_back(&f->all_sets, &s->all);
	f->nsets++;
	f->setv[s->self] = s;
	hmap_insert(&f->sets, &s->by_id, hash_set_id(f, id));
	return s;
}

static void
set_drop_obj(struct fib *f, struct fib_set *s)
{
	if (s->obj != 0)
		nhobj_unuse(&f->objs, s->obj);
	s->obj = 0;
}

static void
set_free(struct fib *f, struct fib_set *s)
{
	f->nsets--;
	f->nmembers -= s->nhs.n;
	nht_set_fini(&f->nht, &s->nhs);
	hops_put(&f->hops, s->want[0]);
	hops_put(&f->hops, s->want[1]);
	set_drop_obj(f, s);
	f->setv[s->self] = NULL;
	ring_push(&f->free_sets, s->self);
	list_remove(&s->all);
	list_remove(&s->eval);
	mem_free(s);
}

void
fib_set_gc(struct fib *f, struct fib_set *s)
{
	if (!s->live && s->n == 0)
		set_free(f, s);
}

/* No longer known by its id; routes that use it keep it alive. */
static void
set_retire(struct fib *f, struct fib_set *s)
{
	hmap_remove(&f->sets, &s->by_id);
	s->live = false;
	if (f->routed == s)
		f->routed = NULL;
	if (s->obj != 0)
		nhobj_disown(&f->objs, s->obj);
	fib_set_gc(f, s);
}

static bool
use_objects(const struct fib *f)
{
	return f->conf.install && !f->flushed && f->conf.nhobj != FIB_NHOBJ_OFF && !f->no_nhobj;
}

/* Give s the nexthop object that its legs call for. */
static void
set_object(struct fib *f, struct fib_set *s)
{
	const struct nhset *n = &s->nhs;
	struct nhobj *o = s->obj ? nhobj_find(&f->objs, s->obj) : NULL;
	uint32_t was = s->obj;

	if (n->nlegs == 0 || s->discard || !use_objects(f)) {
		set_drop_obj(f, s);
		return;
	}
	s->group |= n->nlegs > 1 || n->n > 1 || n->backup;
	if (!s->group) {
		s->obj = nhobj_leg(&f->objs, &n->leg[0]);
		nhobj_unuse(&f->objs, was);
	} else if (!o || !o->group || o->differs) {
		s->obj = nhobj_group(&f->objs, n->leg, n->nlegs);
		nhobj_unuse(&f->objs, was);
	} else if (s->live || !o->owned) { /* else: its new owner sees to it */
		nhobj_group_set(&f->objs, s->obj, n->leg, n->nlegs);
	}
}

/* The hops number for routes of that family by s; 0: none. */
static uint32_t
set_hops(struct fib *f, const struct fib_set *s, uint8_t af)
{
	const struct ip_addr *src = af == IP4 ? &f->conf.source4 : &f->conf.source6;
	struct kern_route r, hole = { .type = KERN_BLACKHOLE };

	if (s->nhs.nlegs == 0 || (af == IP6 && s->nhs.has4))
		return 0;
	if (s->discard)
		return hops_get(&f->hops, &hole, true);
	r.type = KERN_UNICAST;
	r.former = 0;
	r.nhid = s->obj;
	r.prefsrc = (struct ip_addr){ 0 };
	if (src->af == af && kern_addr_usable(&f->kern, src))
		r.prefsrc = *src;
	r.nlegs = s->nhs.nlegs;
	memcpy(r.leg, s->nhs.leg, r.nlegs * sizeof(r.leg[0]));
	return hops_get(&f->hops, &r, true);
}

void
fib_set_eval(struct fib *f, struct fib_set *s)
{
	if (s->n > 0 && !list_is_linked(&s->eval))
		list_push_back(&f->evals, &s->eval);
}

bool
fib_eval_some(struct fib *f, unsigned int n)
{
	struct list *l;

	if (f->eval_at == 0 && list_is_empty(&f->evals))
		return false;
	while (n-- > 0) {
		struct fib_entry *e;

		if (f->eval_at == 0) {
			l = list_pop_front(&f->evals);
			if (!l)
				break;
			f->eval_at = container_of(l, struct fib_set, eval)->first;
			continue;
		}
		e = entry_at(f, f->eval_at);
		f->eval_at = e->next;
		trouble_new_chance(f, e);
		entry_eval(f, e);
	}
	return true;
}

bool
fib_set_refresh(struct fib *f, struct fib_set *s)
{
	uint32_t want[2];
	bool changed;

	set_object(f, s);
	want[0] = set_hops(f, s, IP4);
	want[1] = set_hops(f, s, IP6);
	changed = want[0] != s->want[0] || want[1] != s->want[1];
	hops_put(&f->hops, s->want[0]);
	hops_put(&f->hops, s->want[1]);
	s->want[0] = want[0];
	s->want[1] = want[1];
	if (changed)
		fib_set_eval(f, s);
	return changed;
}

/* Routes of s that cover a next hop of s: whether they may be used can have changed. */
static void
set_eval_covering(struct fib *f, const struct fib_set *s)
{
	uint16_t i;

	for (i = 0; i < s->nhs.n; i++) {
		struct ip_prefix at = ip_prefix_from_addr(&s->nhs.ref[i].nh->addr);
		struct fib_entry *e = entry_covering(f, FIB_LEARNED, &at);

		while (e) {
			at = entry_prefix(e);
			if (e->set == s->self)
				entry_eval(f, e);
			e = entry_shorter(f, FIB_LEARNED, &at);
		}
	}
}

void
fib_set_refresh_all(struct fib *f)
{
	struct list *l;

	LIST_FOREACH(l, &f->all_sets)
		fib_set_refresh(f, container_of(l, struct fib_set, all));
}

/* ---- what next-hop tracking asks and says -------------------------------- */

static bool
on_own(void *ctx, const struct ip_addr *a, int below, struct nht_own *ret)
{
	struct fib *f = ctx;
	struct ip_prefix at = ip_prefix_from_addr(a);
	const struct fib_entry *e = entry_covering(f, FIB_LEARNED, &at);

	for (; e; e = entry_shorter(f, FIB_LEARNED, &at)) {
		at = entry_prefix(e);
		if (e->len >= below || !e->usable || f->setv[e->set]->discard)
			continue;
		if (f->setv[e->set]->nhs.nlegs == 0)
			continue; /* not usable, only not evaluated yet */
		ret->prefix = at;
		ret->set = &f->setv[e->set]->nhs;
		ret->metric = f->conf.metric;
		return true;
	}
	return false;
}

static void
on_set_changed(void *ctx, struct nhset *n, unsigned int change)
{
	struct fib *f = ctx;
	struct fib_set *s = container_of(n, struct fib_set, nhs);

	if ((change & NHT_LEGS) && fib_set_refresh(f, s))
		return;
	if (change & NHT_USABLE)
		fib_set_eval(f, s);
	else
		set_eval_covering(f, s);
}

/* Whether a peer is on a link; what BFD says of it is not about the link. */
static void
follow(struct fib *f, struct nh *nh)
{
	bool on = nh->resolved && nh->onlink;

	if (nh->why == NH_BFD_DOWN)
		return;
	if (nh->linked && !on && !list_is_linked(&nh->lost_link))
		list_push_back(&f->lost, &nh->lost_link);
	nh->linked = on;
}

static void
on_nh_changed(void *ctx, struct nh *nh)
{
	struct fib *f = ctx;
	struct ip_prefix p = ip_prefix_from_addr(&nh->addr);

	if (nh->watched && !list_is_linked(&nh->report_link))
		list_push_back(&f->nh_reports, &nh->report_link);
	if (nh->followed)
		follow(f, nh);
	if (f->ready)
		fib_judge_covering(f, &p); /* an address on a link is protected */
}

static const struct nht_ops nht_callbacks = {
	.own = on_own,
	.set_changed = on_set_changed,
	.nh_changed = on_nh_changed,
};

void
fib_settle(struct fib *f)
{
	if (!f->ready || f->flushed)
		return;
	if (!nht_is_settled(&f->nht))
		nht_settle(&f->nht); /* what is left over comes with the next call */
	if (f->nlimited > 0 && f->nadmitted < f->conf.max_routes && mono_is_never(f->limit_at))
		f->limit_at = mono_add_us(f->now, FIB_LIMIT_US);
}

/* ---- life ---------------------------------------------------------------- */

static void
on_first(void *ctx, uint32_t nhid)
{
	nhobj_ref(&((struct fib *)ctx)->objs, nhid);
}

static void
on_last(void *ctx, uint32_t nhid)
{
	nhobj_unref(&((struct fib *)ctx)->objs, nhid);
}

static bool
on_foreign_id(void *ctx, uint32_t id)
{
	return kern_nexthop(&((struct fib *)ctx)->kern, id) != NULL;
}

struct fib *
fib_new(struct mono_us now, uint64_t seed, struct log *log)
{
	struct fib *f = mem_zalloc(sizeof(*f));
	struct kern_route r = { .type = KERN_UNREACHABLE };
	uint64_t key[2] = { seed, ~seed * 0x9e3779b97f4a7c15u };
	uint32_t i;

	f->now = now;
	f->log = log;
	f->stale = true;
	f->dump_at = now;
	f->limit_at = MONO_NEVER;
	f->nsetv = 1;
	f->setv = mem_zalloc(sizeof(*f->setv) * 2);
	entries_init(f);
	hops_init(&f->hops, key);
	f->hops.ctx = f;
	f->hops.first = on_first;
	f->hops.last = on_last;
	kern_init(&f->kern, &f->hops, key);
	nht_init(&f->nht, &f->kern, &nht_callbacks, f);
	nhobj_init(&f->objs, key, 0, on_foreign_id, f);
	hmap_init(&f->sets, key);
	hmap_init(&f->troubles, key);
	heap_init(&f->trouble_heap);
	heap_init(&f->obj_heap);
	list_init(&f->all_sets);
	list_init(&f->evals);
	list_init(&f->strays);
	list_init(&f->former_strays);
	list_init(&f->nh_reports);
	list_init(&f->lost);
	list_init(&f->local_reports);
	list_init(&f->events);
	for (i = FIB_WINDOW; i-- > 1;) { /* 0 is "none" */
		f->flight[i].next_free = f->free_flight;
		f->free_flight = i;
	}
	f->discard_hops = hops_get(&f->hops, &r, true);
	return f;
}

static void
guards_free(struct trie *t)
{
	struct trie_node *n;

	while ((n = trie_first(t))) {
		trie_remove(t, n);
		mem_free(container_of(n, struct guard, node));
	}
}

static void
conf_free(struct fib_conf *c)
{
	mem_free((void *)(uintptr_t)c->permit);
	mem_free((void *)(uintptr_t)c->protect);
	mem_free((void *)(uintptr_t)c->peers);
}

/* What an earlier life left elsewhere is not needed any more. */
static void
former_strays_go(struct fib *f)
{
	struct list *l;

	while ((l = list_pop_front(&f->former_strays)))
		list_push_back(&f->strays, l);
}

void
fib_free(struct fib *f)
{
	struct hmap_node *n, *tmp;
	struct list *l;

	if (!f)
		return;
	f->hops.first = f->hops.last = NULL;
	while ((l = list_first(&f->all_sets)))
		set_free(f, container_of(l, struct fib_set, all));
	HMAP_FOREACH_SAFE(n, tmp, &f->troubles) {
		struct trouble *t = container_of(n, struct trouble, node);

		heap_remove(&f->trouble_heap, &t->heap);
		hmap_remove(&f->troubles, n);
		mem_free(t);
	}
	heap_free(&f->trouble_heap);
	heap_free(&f->obj_heap);
	nht_fini(&f->nht);
	kern_fini(&f->kern);
	nhobj_fini(&f->objs);
	entries_free(f);
	locals_free(f);
	guards_free(&f->peers);
	guards_free(&f->protect);
	former_strays_go(f);
	while ((l = list_pop_front(&f->strays)))
		mem_free(container_of(l, struct stray, link));
	while ((l = list_pop_front(&f->events)))
		mem_free(container_of(l, struct fib_event, link));
	hmap_free(&f->sets);
	hmap_free(&f->troubles);
	hops_fini(&f->hops);
	conf_free(&f->conf);
	mem_free(f->setv);
	mem_free(f->free_sets.v);
	mem_free(f);
}

/* ---- configuration ------------------------------------------------------- */

static void
guard_add(struct fib *f, struct trie *t, const struct ip_prefix *p)
{
	struct guard *g;

	if (p->af == IP_NONE || trie_find(t, p))
		return;
	g = mem_zalloc(sizeof(*g));
	g->served = -1;
	trie_insert(t, &g->node, p);
}

static void
guards_configure(struct fib *f)
{
	const struct fib_conf *c = &f->conf;
	size_t i;

	guards_free(&f->peers);
	guards_free(&f->protect);
	for (i = 0; i < c->npeers; i++) {
		struct ip_prefix p = ip_prefix_from_addr(&c->peers[i]);

		guard_add(f, &f->peers, &p);
	}
	for (i = 0; i < c->nprotect; i++)
		guard_add(f, &f->protect, &c->protect[i]);
	fib_guards_fresh(f);
}

static struct place
place_of(const struct fib_conf *c)
{
	return (struct place){
		.table = c->table,
		.protocol = c->protocol,
		.metric = {
			[FIB_LEARNED] = c->metric,
			[FIB_BLOCK] = FIB_METRIC_BLOCK,
			[FIB_DISCARD] = FIB_METRIC_DISCARD,
		},
	};
}

static bool
place_eq(const struct place *a, const struct place *b)
{
	return a->table == b->table && a->protocol == b->protocol &&
	    memcmp(a->metric, b->metric, sizeof(a->metric)) == 0;
}

uint32_t
entry_metric(const struct fib *f, const struct fib_entry *e)
{
	return f->place.metric[e->kind];
}

/* Under another number in the same place: it is replaced there, without a gap. */
static void
entry_rename(struct fib *f, struct fib_entry *e)
{
	struct kern_route r = { 0 };

	hops_to_route(hops_at(&f->hops, e->have), &r);
	if (r.former == 0)
		r.former = f->place.protocol;
	entry_set_have(f, e, hops_get(&f->hops, &r, true));
	entry_eval(f, e);
}

static void
place_remember(struct fib *f, const struct place *p)
{
	if (f->nold == FIB_TABLES_MAX - 2) {
		memmove(&f->old[0], &f->old[1], sizeof(f->old[0]) * (f->nold - 1));
		f->nold--;
	}
	f->old[f->nold++] = *p;
}

void
fib_stray_add(struct fib *f, const struct ip_prefix *p, const struct place *at, enum fib_kind kind,
    uint32_t hops)
{
	struct stray *s = mem_zalloc(sizeof(*s));

	s->prefix = *p;
	s->table = at->table;
	s->metric = at->metric[kind];
	s->protocol = at->protocol;
	s->hops = hops;
	list_push_back(f->ready ? &f->strays : &f->former_strays, &s->link);
}

/* Everything we have is in a former place now: made anew here, then deleted there. */
static void
place_move(struct fib *f, const struct place *to)
{
	struct fib_entry *e;
	struct ip_prefix at;
	int k;

	place_remember(f, &f->place);
	for (k = 0; k < FIB_NKINDS; k++) {
		FIB_FOREACH(f, (enum fib_kind)k, e, &at) {
			bool moved = f->place.metric[k] != to->metric[k] || f->place.table != to->table;

			if (e->have == 0 || (!moved && f->place.protocol == to->protocol))
				continue;
			if (!moved) {
				entry_rename(f, e);
				continue;
			}
			hops_ref(&f->hops, e->have);
			fib_stray_add(f, &at, &f->place, (enum fib_kind)k, e->have);
			e->adopted = 0;
			entry_set_have(f, e, 0);
			entry_eval(f, e);
		}
	}
	f->place = *to;
}

void
fib_former_place(struct fib *f, const struct fib_place *p)
{
	struct fib_conf c = { .protocol = p->protocol, .table = p->table, .metric = p->metric };
	struct place at = place_of(&c);

	if (!f->ready && f->nold < FIB_TABLES_MAX - 2 && !place_eq(&at, &f->place))
		place_remember(f, &at);
}

static void *
copy_array(const void *p, size_t n, size_t size)
{
	return n > 0 ? mem_dup(p, n * size) : NULL;
}

static void
conf_copy(struct fib *f, const struct fib_conf *c)
{
	struct fib_conf old = f->conf;

	f->conf = *c;
	f->conf.permit = copy_array(c->permit, c->npermit, sizeof(*c->permit));
	f->conf.protect = copy_array(c->protect, c->nprotect, sizeof(*c->protect));
	f->conf.peers = copy_array(c->peers, c->npeers, sizeof(*c->peers));
	conf_free(&old);
}

/*
 * Objects carry the protocol number, too, and a replaced one keeps the number it was made with:
 * those that differ are not used again, so all are made anew.
 */
static void
objs_protocol(struct fib *f, uint8_t protocol)
{
	struct hmap_node *n;

	f->objs.protocol = protocol;
	HMAP_FOREACH(n, &f->objs.by_id) {
		struct nhobj *o = container_of(n, struct nhobj, by_id);

		if (o->known)
			o->differs = true;
		nhobj_again(&f->objs, o);
	}
}

void
fib_configure(struct fib *f, struct mono_us now, const struct fib_conf *c)
{
	struct place to = place_of(c);
	struct kern_route block = { .type = c->own_block == FIB_BLOCK_UNREACHABLE
		    ? KERN_UNREACHABLE : KERN_BLACKHOLE };
	uint32_t was_block = f->block_hops;
	struct list *l;

	f->now = now;
	f->flushed = f->flush_said = false;
	conf_copy(f, c);
	if (f->configured && !place_eq(&f->place, &to))
		place_move(f, &to);
	if (f->configured && f->objs.protocol != c->protocol)
		objs_protocol(f, c->protocol);
	f->place = to;
	f->objs.protocol = c->protocol;
	f->configured = true;
	f->block_hops = hops_get(&f->hops, &block, true);
	hops_put(&f->hops, was_block);
	f->nht.multipath = c->multipath ? c->multipath : 1;
	if (f->nht.any == c->install)
		nht_touch_all(&f->nht);
	f->nht.any = !c->install;
	guards_configure(f);
	nht_follow(&f->nht, c->follow, c->nfollow);
	f->conf.follow = NULL; /* the table has them */
	f->conf.nfollow = 0;
	fib_set_refresh_all(f);
	LIST_FOREACH(l, &f->all_sets)
		nht_touch_set(&f->nht, &container_of(l, struct fib_set, all)->nhs);
	local_configure(f);
	fib_judge_all(f);
	fib_hold_configure(f, &(struct massguard_conf){ c->guard_pct,
	    (uint64_t)c->guard_within_ms * 1000, (uint64_t)c->guard_hold_ms * 1000 });
}

/* ---- intents ------------------------------------------------------------- */

/*
 * Is there room for that set?  Those that bgpd no longer names, or an earlier bgpd had
 * named, live on as long as routes use them: twice as many sets in all.
 */
static bool
set_fits(const struct fib *f, const struct fib_set *have, const struct ipc_nhset *s)
{
	uint32_t was = have ? have->nhs.n : 0;

	return (have || (f->sets.n < FIB_SETS_MAX && f->nsets < 2 * FIB_SETS_MAX)) &&
	    f->nmembers - was + s->n <= FIB_MEMBERS_MAX &&
	    f->nht.n < FIB_NEXTHOPS_MAX + FIB_NEXTHOPS_MORE;
}

bool
fib_nhset(struct fib *f, struct mono_us now, const struct ipc_nhset *s, const char **ret_why)
{
	struct fib_set *have = set_find(f, s->id), *backup = NULL;
	struct nhset *b = NULL;

	f->now = now;
	if (s->id == 0 || s->n == 0 || s->n > IPC_MEMBERS_MAX) {
		*ret_why = "NHSET without id or with a bad number of members";
		return false;
	}
	if (s->backup != 0) {
		backup = set_find(f, s->backup);
		if (!backup || backup == have || backup->nhs.backup) {
			*ret_why = "NHSET whose backup is unknown, itself, or has a backup";
			return false;
		}
		b = &backup->nhs;
	}
	if (b && have && !list_is_empty(&have->nhs.backup_of)) {
		*ret_why = "NHSET with a backup that is a backup itself";
		return false;
	}
	if (!set_fits(f, have, s)) {
		*ret_why = "more next-hop sets, members or next hops than there is room for";
		return false;
	}
	f->nmembers += s->n - (have ? have->nhs.n : 0u);
	if (have) {
		have->discard = s->discard;
		nht_set_members(&f->nht, &have->nhs, s->member, s->n, b);
		fib_set_refresh(f, have);
	} else {
		have = set_new(f, s->id);
		have->discard = s->discard;
		nht_set_init(&f->nht, &have->nhs, s->member, s->n, b);
	}
	return true;
}

bool
fib_nhset_del(struct fib *f, struct mono_us now, uint32_t id, const char **ret_why)
{
	struct fib_set *s = set_find(f, id);

	f->now = now;
	if (!s) {
		*ret_why = "NHSET_DEL of an unknown set";
		return false;
	}
	set_retire(f, s);
	return true;
}

bool
fib_route_fits(struct fib *f, const struct ip_prefix *p)
{
	return (f->nentries >= FIB_ROUTES_MAX && entry_find(f, FIB_LEARNED, p)) || entry_fits(f, p);
}

bool
fib_route(struct fib *f, struct mono_us now, uint32_t set, const struct ip_prefix *p,
    const char **ret_why)
{
	struct fib_set *s = f->routed && f->routed->id == set ? f->routed : set_find(f, set);
	struct fib_entry *e;

	f->now = now;
	f->routed = s;
	if (!s) {
		*ret_why = "ROUTE that names an unknown set";
		return false;
	}
	if (f->ready && !nht_is_settled(&f->nht))
		fib_settle(f); /* a set is known by its legs before routes use it */
	e = entry_get(f, FIB_LEARNED, p);
	fib_hold_returned(f, e);
	e->fresh = 1;
	e->adopted = 0;
	if (e->set != s->self)
		trouble_new_chance(f, e);
	entry_join(f, e, s);
	if (e->usable)
		nht_touch(&f->nht, p); /* another set behind the same prefix */
	entry_judge(f, e);
	if (e->state != FIB_ST_PENDING) /* else when there is something to say */
		entry_report(f, e);
	return true;
}

static void
unroute(struct fib *f, struct fib_entry *e)
{
	if (fib_hold_takes(f, e))
		return;
	entry_join(f, e, NULL);
	e->adopted = 0;
	entry_judge(f, e);
}

void
fib_route_del(struct fib *f, struct mono_us now, const struct ip_prefix *p)
{
	struct fib_entry *e = entry_find(f, FIB_LEARNED, p);

	f->now = now;
	if (e)
		unroute(f, e);
}

static void
unfresh_all(struct fib *f)
{
	struct fib_entry *e;
	struct ip_prefix at;

	FIB_FOREACH(f, FIB_LEARNED, e, &at)
		e->fresh = 0;
}

void
fib_sync_begin(struct fib *f, struct mono_us now)
{
	f->now = now;
	unfresh_all(f);
}

void
fib_sync_end(struct fib *f, struct mono_us now)
{
	struct fib_entry *e;
	struct ip_prefix at;
	int k;

	f->now = now;
	f->stale = false;
	FIB_FOREACH(f, FIB_LEARNED, e, &at) {
		if (!e->fresh)
			unroute(f, e);
	}
	for (k = FIB_BLOCK; k < FIB_NKINDS; k++) {
		FIB_FOREACH(f, (enum fib_kind)k, e, &at) {
			e->adopted = 0;
			entry_eval(f, e);
		}
	}
	former_strays_go(f);
	nhobj_release(&f->objs);
}

void
fib_bgpd_gone(struct fib *f, struct mono_us now)
{
	struct hmap_node *n, *tmp;
	struct trie_node *t, *tt;

	f->now = now;
	f->stale = true;
	f->objs.keep = true;
	unfresh_all(f);
	HMAP_FOREACH_SAFE(n, tmp, &f->sets)
		set_retire(f, container_of(n, struct fib_set, by_id));
	TRIE_FOREACH_SAFE(t, tt, &f->nht.trie) {
		struct nh *nh = container_of(t, struct nh, node), *next;

		for (; nh; nh = next) {
			struct ip_addr a = nh->addr;

			next = nh->next;
			nht_watch(&f->nht, &a, false);
		}
	}
}

bool
fib_watch(struct fib *f, struct mono_us now, const struct ip_addr *nh, bool on)
{
	f->now = now;
	if (on && f->nht.n >= FIB_NEXTHOPS_MAX && !nht_find(&f->nht, nh)) {
		struct ip_prefix p = ip_prefix_from_addr(nh);

		fib_gather(f, AGG_LIMIT, &p, 0, 0, NULL);
		return false;
	}
	nht_watch(&f->nht, nh, on);
	return true;
}

void
fib_addr_down(struct fib *f, struct mono_us now, const struct ip_addr *a, bool down)
{
	f->now = now;
	nht_addr_down(&f->nht, a, down);
}

uint64_t
fib_flush(struct fib *f, struct mono_us now)
{
	struct fib_entry *e;
	struct ip_prefix at;
	int k;

	f->now = now;
	f->flushed = true;
	f->flush_said = false;
	f->stale = false;
	fib_set_refresh_all(f); /* bgpd's sets stay known: only their objects go */
	for (k = 0; k < FIB_NKINDS; k++) {
		FIB_FOREACH(f, (enum fib_kind)k, e, &at) {
			e->adopted = 0;
			entry_judge(f, e);
		}
	}
	former_strays_go(f);
	nhobj_flush(&f->objs);
	return f->nhave;
}
