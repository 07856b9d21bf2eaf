/*
 * The agent's routing state: composition, configuration, intents of bgpd, and what
 * follows when next hops change; see fib.h and fib_priv.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/fib_priv.h"
#include "agent/core/plan.h"
#include "lib/mem.h"

/* ---- events -------------------------------------------------------------- */

void
fib_event(struct fib *f, enum ipc_level level, const char *name, const char *fmt, ...)
{
	struct fib_event *ev;
	va_list ap;

	if (f->nevents >= FIB_EVENTS_MAX)
		return;
	ev = mem_zalloc(sizeof(*ev));
	ev->e.level = (uint8_t)level;
	snprintf(ev->e.name, sizeof(ev->e.name), "%s", name);
	va_start(ap, fmt);
	vsnprintf(ev->e.text, sizeof(ev->e.text), fmt, ap);
	va_end(ap);
	list_push_back(&f->events, &ev->link);
	f->nevents++;
}

void
fib_gather(struct fib *f, enum fib_agg kind, const struct ip_prefix *p, uint32_t by, int err,
    const char *text)
{
	struct agg *a = &f->agg[kind];

	if (a->n++ == 0) {
		a->first = *p;
		a->by = by;
		a->err = err;
		a->due = mono_add_us(f->now, FIB_AGG_US);
		snprintf(a->text, sizeof(a->text), "%s", text ? text : "");
	}
}

/* "pid 4711", "the kernel". */
static const char *
by_text(uint32_t by, char *buf, size_t cap)
{
	if (by == 0 || by == FIB_BY_DUMP)
		return "unknown";
	snprintf(buf, cap, "pid %u", by);
	return buf;
}

static void
agg_say(struct fib *f, enum fib_agg kind)
{
	static const struct {
		const char *name, *what;
		enum ipc_level level;
	} desc[AGG_N] = {
		[AGG_LOST] = { "routes-lost", "deleted by somebody else, put back at once",
		    IPC_LVL_WARN },
		[AGG_FIGHT] = { "routes-fight", "deleted again and again, put back with delay",
		    IPC_LVL_WARN },
		[AGG_CHANGED] = { "routes-changed", "changed by somebody else, set right",
		    IPC_LVL_WARN },
		[AGG_FOREIGN] = { "routes-foreign", "somebody else's route is in the place",
		    IPC_LVL_WARN },
		[AGG_FAILED] = { "routes-failed", "the kernel refuses them", IPC_LVL_ERR },
		[AGG_NEXTHOP] = { "nexthops-lost", "nexthop objects deleted or changed, set again",
		    IPC_LVL_WARN },
		[AGG_DISCARD] = { "discard-refused", "discard route not installed", IPC_LVL_WARN },
	};
	struct agg *a = &f->agg[kind];
	char p[IP_PREFIX_STRLEN], by[24];

	if (kind == AGG_FAILED || kind == AGG_DISCARD)
		fib_event(f, desc[kind].level, desc[kind].name,
		    "count=%u first=%s error=%d why=\"%s\"", a->n, ip_prefix_str(&a->first, p),
		    a->err, a->text[0] ? a->text : desc[kind].what);
	else if (kind == AGG_FOREIGN)
		fib_event(f, desc[kind].level, desc[kind].name, "count=%u first=%s why=\"%s\"",
		    a->n, ip_prefix_str(&a->first, p), desc[kind].what);
	else if (kind == AGG_NEXTHOP)
		fib_event(f, desc[kind].level, desc[kind].name, "count=%u by=\"%s\" why=\"%s\"",
		    a->n, by_text(a->by, by, sizeof(by)), desc[kind].what);
	else
		fib_event(f, desc[kind].level, desc[kind].name,
		    "count=%u first=%s by=\"%s\" times=%u why=\"%s\"", a->n,
		    ip_prefix_str(&a->first, p), by_text(a->by, by, sizeof(by)),
		    a->most ? a->most : 1, desc[kind].what);
	memset(a, 0, sizeof(*a));
}

static void
aggs_due(struct fib *f)
{
	int k;

	for (k = 0; k < AGG_N; k++) {
		if (f->agg[k].n > 0 && mono_reached(f->now, f->agg[k].due))
			agg_say(f, (enum fib_agg)k);
	}
}

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
	struct trie_node *n, *tmp;
	int k;

	for (k = 0; k < FIB_NKINDS; k++) {
		TRIE_FOREACH_SAFE(n, tmp, &f->tree[k])
			entry_judge(f, container_of(n, struct fib_entry, node));
	}
	f->limit_at = MONO_NEVER;
}

void
fib_judge_covering(struct fib *f, const struct ip_prefix *p)
{
	struct trie_node *n = trie_covering(&f->tree[FIB_LEARNED], p), *up;

	for (; n; n = up) {
		up = trie_lpm_next_shorter(&f->tree[FIB_LEARNED], n);
		entry_judge(f, container_of(n, struct fib_entry, node));
	}
	if (trie_covering(&f->tree[FIB_DISCARD], p))
		local_configure(f);
}

/* There may be room again for routes that the limit kept out. */
static void
judge_limited(struct fib *f)
{
	struct trie_node *n, *tmp;

	f->limit_at = MONO_NEVER;
	TRIE_FOREACH_SAFE(n, tmp, &f->tree[FIB_LEARNED]) {
		struct fib_entry *e = container_of(n, struct fib_entry, node);

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
	list_push_back(&f->all_sets, &s->all);
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
	nht_set_fini(&f->nht, &s->nhs);
	hops_put(&f->hops, s->want[0]);
	hops_put(&f->hops, s->want[1]);
	set_drop_obj(f, s);
	f->setv[s->self] = NULL;
	ring_push(&f->free_sets, s->self);
	list_remove(&s->all);
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

	if (n->nlegs == 0 || !use_objects(f)) {
		set_drop_obj(f, s);
		return;
	}
	s->group |= n->nlegs > 1 || n->n > 1 || n->backup;
	if (!s->group) {
		s->obj = nhobj_leg(&f->objs, &n->leg[0]);
		nhobj_unuse(&f->objs, was);
	} else if (!o || !o->group) {
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
	struct kern_route r;

	if (s->nhs.nlegs == 0 || (af == IP6 && s->nhs.has4))
		return 0;
	r.type = KERN_UNICAST;
	r.nhid = s->obj;
	r.prefsrc = (struct ip_addr){ 0 };
	if (src->af == af && kern_addr_usable(&f->kern, src))
		r.prefsrc = *src;
	r.nlegs = s->nhs.nlegs;
	memcpy(r.leg, s->nhs.leg, r.nlegs * sizeof(r.leg[0]));
	return hops_get(&f->hops, &r, true);
}

static void
set_eval_entries(struct fib *f, const struct fib_set *s)
{
	uint32_t i, next;

	for (i = s->first; i != 0; i = next) {
		next = entry_at(f, i)->next;
		trouble_new_chance(f, entry_at(f, i));
		entry_eval(f, entry_at(f, i));
	}
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
		set_eval_entries(f, s);
	return changed;
}

/* Routes of s that cover a next hop of s: whether they may be used can have changed. */
static void
set_eval_covering(struct fib *f, const struct fib_set *s)
{
	uint16_t i;

	for (i = 0; i < s->nhs.n; i++) {
		struct trie_node *n = trie_lpm(&f->tree[FIB_LEARNED], &s->nhs.ref[i].nh->addr), *up;

		for (; n; n = up) {
			struct fib_entry *e = container_of(n, struct fib_entry, node);

			up = trie_lpm_next_shorter(&f->tree[FIB_LEARNED], n);
			if (e->set == s->self)
				entry_eval(f, e);
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
	const struct trie *t = &f->tree[FIB_LEARNED];
	struct trie_node *n;

	for (n = trie_lpm(t, a); n; n = trie_lpm_next_shorter(t, n)) {
		const struct fib_entry *e = container_of(n, struct fib_entry, node);

		if (n->prefix.len >= below || !e->usable)
			continue;
		ret->prefix = n->prefix;
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
		set_eval_entries(f, s);
	else
		set_eval_covering(f, s);
}

static void
on_nh_changed(void *ctx, struct nh *nh)
{
	struct fib *f = ctx;
	struct ip_prefix p = ip_prefix_from_addr(&nh->addr);

	if (nh->watched && !list_is_linked(&nh->report_link))
		list_push_back(&f->nh_reports, &nh->report_link);
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
	list_init(&f->strays);
	list_init(&f->nh_reports);
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

/* Everything we have is in a former place now: made anew here, then deleted there. */
static void
place_move(struct fib *f, const struct place *to)
{
	struct trie_node *n, *tmp;
	int k;

	if (f->nold == FIB_TABLES_MAX - 2) {
		memmove(&f->old[0], &f->old[1], sizeof(f->old[0]) * (f->nold - 1));
		f->nold--;
	}
	f->old[f->nold++] = f->place;
	for (k = 0; k < FIB_NKINDS; k++) {
		TRIE_FOREACH_SAFE(n, tmp, &f->tree[k]) {
			struct fib_entry *e = container_of(n, struct fib_entry, node);
			struct stray *s;

			if (e->have == 0)
				continue;
			if (f->place.metric[k] == to->metric[k] && f->place.table == to->table &&
			    f->place.protocol == to->protocol)
				continue;
			s = mem_zalloc(sizeof(*s));
			s->prefix = n->prefix;
			s->table = f->place.table;
			s->metric = f->place.metric[k];
			s->protocol = f->place.protocol;
			s->hops = e->have;
			hops_ref(&f->hops, s->hops);
			list_push_back(&f->strays, &s->link);
			e->adopted = 0;
			entry_set_have(f, e, 0);
			entry_eval(f, e);
		}
	}
	f->place = *to;
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

/* Objects carry the protocol number, too: the same content is set again under the new one. */
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
	fib_set_refresh_all(f);
	LIST_FOREACH(l, &f->all_sets)
		nht_touch_set(&f->nht, &container_of(l, struct fib_set, all)->nhs);
	local_configure(f);
	fib_judge_all(f);
}

/* ---- intents ------------------------------------------------------------- */

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
	if (have) {
		nht_set_members(&f->nht, &have->nhs, s->member, s->n, b);
	} else {
		have = set_new(f, s->id);
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
fib_route(struct fib *f, struct mono_us now, uint32_t set, const struct ip_prefix *p,
    const char **ret_why)
{
	struct fib_set *s = set_find(f, set);
	struct fib_entry *e;

	f->now = now;
	if (!s) {
		*ret_why = "ROUTE that names an unknown set";
		return false;
	}
	if (f->ready && (!list_is_empty(&f->nht.dirty) || !list_is_empty(&f->nht.dirty_sets)))
		fib_settle(f); /* a set is known by its legs before routes use it */
	e = entry_get(f, FIB_LEARNED, p);
	e->fresh = 1;
	e->adopted = 0;
	if (e->set != s->self)
		trouble_new_chance(f, e);
	entry_join(f, e, s);
	if (e->usable)
		nht_touch(&f->nht, p); /* another set behind the same prefix */
	entry_report(f, e);
	entry_judge(f, e);
	return true;
}

static void
unroute(struct fib *f, struct fib_entry *e)
{
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
	struct trie_node *n;

	TRIE_FOREACH(n, &f->tree[FIB_LEARNED])
		container_of(n, struct fib_entry, node)->fresh = 0;
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
	struct trie_node *n, *tmp;
	int k;

	f->now = now;
	f->stale = false;
	TRIE_FOREACH_SAFE(n, tmp, &f->tree[FIB_LEARNED]) {
		struct fib_entry *e = container_of(n, struct fib_entry, node);

		if (!e->fresh)
			unroute(f, e);
	}
	for (k = FIB_BLOCK; k < FIB_NKINDS; k++) {
		TRIE_FOREACH_SAFE(n, tmp, &f->tree[k]) {
			struct fib_entry *e = container_of(n, struct fib_entry, node);

			e->adopted = 0;
			entry_eval(f, e);
		}
	}
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

void
fib_watch(struct fib *f, struct mono_us now, const struct ip_addr *nh, bool on)
{
	f->now = now;
	nht_watch(&f->nht, nh, on);
}

uint64_t
fib_flush(struct fib *f, struct mono_us now)
{
	struct trie_node *n, *tmp;
	int k;

	f->now = now;
	f->flushed = true;
	f->flush_said = false;
	f->stale = false;
	fib_set_refresh_all(f); /* bgpd's sets stay known: only their objects go */
	for (k = 0; k < FIB_NKINDS; k++) {
		TRIE_FOREACH_SAFE(n, tmp, &f->tree[k]) {
			struct fib_entry *e = container_of(n, struct fib_entry, node);

			e->adopted = 0;
			entry_judge(f, e);
		}
	}
	nhobj_flush(&f->objs);
	return f->nhave;
}

/* ---- time ---------------------------------------------------------------- */

void
fib_want_dump(struct fib *f, enum kern_what what)
{
	f->dump_want[what] = true;
}

void
fib_overflow(struct fib *f, struct mono_us now)
{
	int w;

	f->now = now;
	fib_event(f, IPC_LVL_WARN, "kernel-overflow",
	    "why=\"messages from the kernel were lost: everything is read again\"");
	for (w = 0; w < KERN_NWHAT; w++)
		fib_want_dump(f, (enum kern_what)w);
}

static bool
dump_running(const struct fib *f)
{
	int w;

	for (w = 0; w < KERN_NWHAT; w++) {
		if (f->dumping[w] || f->dump_asked[w])
			return true;
	}
	return false;
}

/* The next dump that may start: one at a time, with a gap. */
static bool
dump_next(struct fib *f, struct fib_kop *ret)
{
	int w;

	if (!f->ready || dump_running(f) || mono_before(f->now, f->dump_at))
		return false;
	for (w = 0; w < KERN_NWHAT; w++) {
		if (!f->dump_want[w])
			continue;
		f->dump_want[w] = false;
		f->dump_asked[w] = true;
		ret->kind = FIB_OP_DUMP;
		ret->what = (enum kern_what)w;
		ret->token = 0;
		return true;
	}
	return false;
}

struct mono_us
fib_deadline(const struct fib *f)
{
	struct mono_us d = heap_deadline(&f->trouble_heap);
	bool want = false;
	int i;

	d = mono_min(d, heap_deadline(&f->obj_heap));
	d = mono_min(d, f->limit_at);
	for (i = 0; i < KERN_NWHAT; i++)
		want |= f->dump_want[i];
	if (want && f->ready && !dump_running(f))
		d = mono_min(d, f->dump_at);
	for (i = 0; i < AGG_N; i++) {
		if (f->agg[i].n > 0)
			d = mono_min(d, f->agg[i].due);
	}
	if (!list_is_empty(&f->nht.dirty) || !list_is_empty(&f->nht.dirty_sets))
		d = f->ready && !f->flushed ? mono_min(d, f->now) : d;
	return d;
}

static void
trouble_due(struct fib *f, struct trouble *t)
{
	struct fib_entry *e = entry_at(f, t->entry);

	if (!t->waiting) { /* calm for long */
		if (t->failures == 0)
			trouble_free(f, e);
		return;
	}
	t->waiting = false;
	entry_eval(f, e);
}

void
fib_timeout(struct fib *f, struct mono_us now)
{
	struct heap_node *h;

	f->now = now;
	while ((h = heap_pop_due(&f->trouble_heap, now)))
		trouble_due(f, container_of(h, struct trouble, heap));
	while ((h = heap_pop_due(&f->obj_heap, now)))
		nhobj_again(&f->objs, container_of(h, struct nhobj, retry));
	aggs_due(f);
	if (mono_reached(now, f->limit_at))
		judge_limited(f);
	fib_settle(f);
}

/* ---- operations ---------------------------------------------------------- */

static uint32_t
flight_take(struct fib *f, enum fib_op_kind op, struct fib_kop *ret)
{
	uint32_t i = f->free_flight;
	struct flight *x = &f->flight[i];

	f->free_flight = x->next_free;
	f->nflight++;
	*x = (struct flight){ .op = (uint8_t)op, .serial = ++f->serial };
	ret->kind = op;
	ret->token = (uint64_t)x->serial << 32 | i;
	f->ops++;
	return i;
}

static void
fill_route(const struct fib *f, const struct fib_entry *e, uint32_t hops, struct kern_route *r)
{
	r->prefix = e->node.prefix;
	r->table = f->place.table;
	r->metric = entry_metric(f, e);
	r->protocol = f->place.protocol;
	r->replaced = false;
	hops_to_route(hops_at(&f->hops, hops), r);
}

/* Emit the operation that e needs. False: none. */
static bool
entry_op(struct fib *f, struct fib_entry *e, struct fib_kop *ret)
{
	enum fib_state state;
	uint16_t code;
	struct trouble *t = trouble_find(f, e);
	struct plan_in in = {
		.want = entry_want(f, e, &state, &code),
		.have = e->have,
		.busy = e->busy,
		.waiting = t && t->waiting,
	};
	enum fib_op_kind op = FIB_OP_ROUTE_ADD;
	uint32_t i, hops = in.want;

	if (in.have != 0 && in.want != in.have)
		in.foreign = kern_route_at(&f->kern, &e->node.prefix, f->place.table,
		    entry_metric(f, e)) != NULL;
	switch (plan_route(&in)) {
	case PLAN_NOTHING:
		return false;
	case PLAN_ADD:
		break;
	case PLAN_REPLACE:
		op = FIB_OP_ROUTE_REPLACE;
		break;
	case PLAN_DEL:
		op = FIB_OP_ROUTE_DEL;
		hops = in.have;
		break;
	}
	i = flight_take(f, op, ret);
	f->flight[i].entry = e->self;
	f->flight[i].hops = hops;
	hops_ref(&f->hops, hops);
	e->busy = 1;
	fill_route(f, e, hops, &ret->route);
	return true;
}

static bool
stray_op(struct fib *f, struct fib_kop *ret)
{
	struct list *l = list_pop_front(&f->strays);
	struct stray *s;
	uint32_t i;

	if (!l)
		return false;
	s = container_of(l, struct stray, link);
	i = flight_take(f, FIB_OP_ROUTE_DEL, ret);
	f->flight[i].stray = true;
	f->flight[i].hops = s->hops;
	ret->route.prefix = s->prefix;
	ret->route.table = s->table;
	ret->route.metric = s->metric;
	ret->route.protocol = s->protocol;
	hops_to_route(hops_at(&f->hops, s->hops), &ret->route);
	mem_free(s);
	return true;
}

static bool
object_op(struct fib *f, bool deletes, struct fib_kop *ret)
{
	uint32_t i;

	if (!nhobj_next_op(&f->objs, deletes, ret))
		return false;
	i = flight_take(f, ret->kind, ret);
	f->flight[i].nhid = ret->nexthop.id;
	return true;
}

bool
fib_next_op(struct fib *f, struct mono_us now, struct fib_kop *ret)
{
	uint32_t idx;

	f->now = now;
	fib_settle(f);
	if (dump_next(f, ret))
		return true;
	if (!f->ready || f->free_flight == 0)
		return false;
	if (object_op(f, false, ret))
		return true;
	while (ring_pop(&f->work, &idx)) {
		struct fib_entry *e = entry_at(f, idx);

		e->queued = 0;
		if (entry_op(f, e, ret))
			return true;
		entry_gc(f, e);
	}
	if (stray_op(f, ret))
		return true;
	return object_op(f, true, ret);
}

/* ---- answers ------------------------------------------------------------- */

static void
entry_wait(struct fib *f, struct fib_entry *e, struct trouble *t, uint64_t us)
{
	t->waiting = true;
	heap_set(&f->trouble_heap, &t->heap, mono_add_us(f->now, us));
}

/*
 * A refusal that most likely passes by itself: a route in the place that nobody has
 * told of (ours, lost in our books only), or a nexthop object that is not there (being
 * deleted just now). A look at the kernel says more.
 */
static bool
is_puzzling(struct fib *f, const struct fib_entry *e, uint32_t hops, int err, bool other)
{
	const struct hops *h = hops_at(&f->hops, hops);

	if (err == EEXIST && !other) {
		fib_want_dump(f, e->node.prefix.af == IP4 ? KERN_ROUTES4 : KERN_ROUTES6);
		return true;
	}
	if (err == EINVAL && h && h->nhid != 0) {
		fib_want_dump(f, KERN_NEXTHOPS);
		return true;
	}
	return false;
}

/* An exclusive create found a route there, or the kernel said no. */
static void
entry_failed(struct fib *f, struct fib_entry *e, uint32_t hops, int err, const char *text)
{
	struct trouble *t = trouble_get(f, e);
	bool other = err == EEXIST &&
	    kern_route_at(&f->kern, &e->node.prefix, f->place.table, entry_metric(f, e));
	bool puzzling = is_puzzling(f, e, hops, err, other);

	t->failures++;
	snprintf(t->text, sizeof(t->text), "%s", text);
	entry_wait(f, e, t, plan_retry_delay_us(t->failures));
	if (puzzling && t->failures < 3)
		return;
	if (t->failures == (puzzling ? 3 : 1))
		fib_gather(f, err == EEXIST ? AGG_FOREIGN : AGG_FAILED, &e->node.prefix, 0, err,
		    text);
	entry_set_state(f, e, err == EEXIST ? FIB_ST_FOREIGN : FIB_ST_FAILED, (uint16_t)err);
}

static void
result_route(struct fib *f, struct flight *x, int err, const char *text)
{
	struct fib_entry *e = entry_at(f, x->entry);
	bool missing = err == ENOENT || err == ESRCH;

	e->busy = 0;
	e->seen = 1; /* newer than any dump that is under way */
	switch ((enum fib_op_kind)x->op) {
	case FIB_OP_ROUTE_ADD:
	case FIB_OP_ROUTE_REPLACE:
		if (err == 0) {
			hops_ref(&f->hops, x->hops);
			entry_set_have(f, e, x->hops);
		} else if (x->op == FIB_OP_ROUTE_REPLACE && missing) {
			entry_set_have(f, e, 0);
		} else if (e->set != 0 || e->wanted) {
			entry_failed(f, e, x->hops, err, text);
		}
		break;
	case FIB_OP_ROUTE_DEL:
		if (err == 0 || missing)
			entry_set_have(f, e, 0);
		else
			entry_failed(f, e, x->hops, err, text);
		break;
	case FIB_OP_NH_ADD:
	case FIB_OP_NH_REPLACE:
	case FIB_OP_NH_DEL:
	case FIB_OP_DUMP:
		break;
	}
	entry_eval(f, e);
}

/* Routes that failed for want of that object may be tried at once. */
static void
object_recovered(struct fib *f, uint32_t id)
{
	struct list *l;

	LIST_FOREACH(l, &f->all_sets) {
		const struct fib_set *s = container_of(l, struct fib_set, all);

		if (s->obj == id)
			set_eval_entries(f, s);
	}
}

static void
result_object(struct fib *f, struct flight *x, int err, const char *text)
{
	struct nhobj *o = nhobj_find(&f->objs, x->nhid);
	uint64_t us;

	if (o)
		heap_remove(&f->obj_heap, &o->retry);
	switch (nhobj_result(&f->objs, x->nhid, (enum fib_op_kind)x->op, err, &us)) {
	case NHOBJ_OK:
		if (err != 0)
			fib_objects_lost(f, FIB_BY_DUMP);
		break;
	case NHOBJ_RECOVERED:
		object_recovered(f, x->nhid);
		break;
	case NHOBJ_RETRY:
		if (o->tries == 3) /* what it leans on may have been under way before */
			fib_event(f, IPC_LVL_WARN, "nexthop-failed", "id=%u error=%d why=\"%s\"",
			    x->nhid, err, text);
		if (err == EEXIST || err == EINVAL)
			fib_want_dump(f, KERN_NEXTHOPS);
		heap_set(&f->obj_heap, &o->retry, mono_add_us(f->now, us));
		break;
	case NHOBJ_GONE:
		break;
	}
}

void
fib_result(struct fib *f, struct mono_us now, uint64_t token, int err, const char *text)
{
	uint32_t i = (uint32_t)token;
	struct flight x;

	f->now = now;
	if (i == 0 || i >= FIB_WINDOW || f->flight[i].serial != (uint32_t)(token >> 32))
		return;
	x = f->flight[i];
	f->flight[i].serial = 0;
	f->flight[i].next_free = f->free_flight;
	f->free_flight = i;
	f->nflight--;
	f->op_errors += err != 0;
	if (x.stray)
		;
	else if (x.nhid != 0)
		result_object(f, &x, err, text ? text : "");
	else
		result_route(f, &x, err, text ? text : "");
	hops_put(&f->hops, x.hops);
}

/* ---- reports ------------------------------------------------------------- */

static bool
report_nh(struct fib *f, struct fib_report *ret)
{
	struct list *l;

	while (f->ready && (l = list_pop_front(&f->nh_reports))) {
		const struct nh *nh = container_of(l, struct nh, report_link);

		if (!nh->watched)
			continue;
		ret->kind = FIB_REP_NH_STATE;
		memset(&ret->nh, 0, sizeof(ret->nh));
		ret->nh.addr = nh->addr;
		ret->nh.resolved = nh->resolved;
		ret->nh.onlink = nh->onlink;
		ret->nh.metric = nh->metric;
		ret->nh.ifindex = nh->ifindex;
		ret->nh.gen = nh->gen;
		nht_why_text(&f->nht, nh, ret->nh.why, sizeof(ret->nh.why));
		return true;
	}
	return false;
}

static enum ipc_verdict_state
verdict_state(const struct fib_entry *e)
{
	switch ((enum fib_state)e->state) {
	case FIB_ST_PENDING:
	case FIB_ST_STALE:
	case FIB_ST_REMOVING:
		return IPC_V_PENDING;
	case FIB_ST_INSTALLED:
		return IPC_V_INSTALLED;
	case FIB_ST_REFUSED:
		return e->code == IPC_REF_OWN_PREFIX ? IPC_V_SHADOWED : IPC_V_REFUSED;
	case FIB_ST_FAILED:
		return IPC_V_FAILED;
	case FIB_ST_FOREIGN:
		return IPC_V_FOREIGN;
	case FIB_ST_HELD:
		return IPC_V_HELD;
	}
	return IPC_V_PENDING;
}

static bool
report_verdict(struct fib *f, struct fib_report *ret)
{
	uint32_t idx;

	while (f->ready && ring_pop(&f->reports, &idx)) {
		struct fib_entry *e = entry_at(f, idx);

		e->report = 0;
		if (e->set == 0 || e->state == FIB_ST_PENDING) {
			entry_gc(f, e);
			continue; /* said when there is something to say */
		}
		ret->kind = FIB_REP_VERDICT;
		ret->verdict.prefix = e->node.prefix;
		ret->verdict.state = (uint8_t)verdict_state(e);
		ret->verdict.code = (uint16_t)e->code;
		return true;
	}
	return false;
}

static bool
report_flushed(struct fib *f, struct fib_report *ret)
{
	if (!f->flushed || f->flush_said || f->nhave > 0 || f->nflight > 0 || f->objs.n > 0 ||
	    !list_is_empty(&f->strays))
		return false;
	f->flush_said = true;
	ret->kind = FIB_REP_FLUSHED;
	return true;
}

bool
fib_next_report(struct fib *f, struct fib_report *ret)
{
	struct list *l;

	fib_settle(f);
	if (f->ready && !f->adopted_said) {
		f->adopted_said = true;
		ret->kind = FIB_REP_ADOPTED;
		ret->adopted[0] = f->adopted[0];
		ret->adopted[1] = f->adopted[1];
		return true;
	}
	if (report_nh(f, ret) || local_next_report(f, ret) || report_verdict(f, ret))
		return true;
	l = list_pop_front(&f->events);
	if (l) {
		struct fib_event *ev = container_of(l, struct fib_event, link);

		f->nevents--;
		ret->kind = FIB_REP_EVENT;
		ret->event = ev->e;
		mem_free(ev);
		return true;
	}
	return report_flushed(f, ret);
}
