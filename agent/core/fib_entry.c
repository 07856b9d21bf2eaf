/*
 * Entries: memory, evaluation, and the troubles of those that have any.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/core/fib_priv.h"
#include "agent/core/plan.h"
#include "lib/mem.h"

#define CHUNKS_FIRST 16

/* ---- rings --------------------------------------------------------------- */

void
ring_grow(struct ring *r)
{
	size_t cap = r->cap == 0 ? 64 : r->cap * 2, i;
	uint32_t *w = mem_alloc(cap * sizeof(*w));

	for (i = 0; i < r->n; i++)
		w[i] = ring_at(r, i);
	mem_free(r->v);
	r->v = w;
	r->cap = cap;
	r->head = 0;
}

void
ring_emptied(struct ring *r)
{
	if (r->cap <= 4096)
		return;
	mem_free(r->v); /* a burst is over */
	memset(r, 0, sizeof(*r));
}

/* ---- memory -------------------------------------------------------------- */

static void
prefix_of(const void *ctx, uint32_t idx, struct ip_prefix *ret)
{
	entry_prefix_to(entry_at(ctx, idx), ret);
}

/* What a pool's entries keep of an address; the rest is zeros. */
static uint32_t
addr_octets(uint32_t pool)
{
	if (!(pool & FIB_POOL_V6))
		return 4;
	return pool & FIB_POOL_LONG ? 16 : 8;
}

void
entries_init(struct fib *f)
{
	uint32_t i;
	int k, v6;

	for (i = 0; i < FIB_NPOOLS; i++)
		f->pool[i].octets = offsetof(struct fib_entry, addr) + addr_octets(i);
	for (k = 0; k < FIB_NKINDS; k++)
		for (v6 = 0; v6 < 2; v6++)
			ptree_init(&f->tree[k][v6], prefix_of, f);
}

/* Which pool has entries of that prefix. */
static uint32_t
pool_for(const struct ip_prefix *p)
{
	if (p->af == IP4)
		return 0;
	return p->len > 64 ? FIB_POOL_V6 | FIB_POOL_LONG : FIB_POOL_V6;
}

/* By halves: a list that moved with every chunk would leave holes that no chunk fits into. */
static void
chunks_grow(struct fib_pool *pool)
{
	if (pool->nchunks < pool->cap)
		return;
	pool->cap = pool->cap ? pool->cap + pool->cap / 2 : CHUNKS_FIRST;
	pool->chunk = mem_realloc_array(pool->chunk, pool->cap, sizeof(*pool->chunk));
}

static void
chunk_add(struct fib *f, uint32_t which)
{
	struct fib_pool *pool = &f->pool[which];
	uint32_t base = pool->nchunks << FIB_CHUNK_BITS, i;

	if ((base + FIB_CHUNK) << FIB_POOL_BITS > 1u << PTREE_NO_BITS)
		abort(); /* twice FIB_ROUTES_MAX: entry_fits() was not asked */
	chunks_grow(pool);
	pool->chunk[pool->nchunks++] = mem_zalloc_array(FIB_CHUNK, pool->octets);
	for (i = FIB_CHUNK; i-- > 0;) {
		uint32_t idx = (base + i) << FIB_POOL_BITS | which;

		if (idx == 0)
			continue; /* 0 is "none" */
		entry_at(f, idx)->next = pool->free;
		pool->free = idx;
	}
}

struct fib_entry *
entry_find(const struct fib *f, enum fib_kind kind, const struct ip_prefix *p)
{
	uint32_t idx = ptree_find(&f->tree[kind][p->af == IP6], p);

	return idx ? entry_at(f, idx) : NULL;
}

struct fib_entry *
entry_covering(const struct fib *f, enum fib_kind kind, const struct ip_prefix *p)
{
	uint32_t idx = ptree_covering(&f->tree[kind][p->af == IP6], p);

	return idx ? entry_at(f, idx) : NULL;
}

struct fib_entry *
entry_shorter(const struct fib *f, enum fib_kind kind, const struct ip_prefix *p)
{
	struct ip_prefix q = *p;

	if (q.len == 0)
		return NULL;
	q.len--;
	ip_prefix_mask(&q);
	return entry_covering(f, kind, &q);
}

struct fib_entry *
entry_after(const struct fib *f, enum fib_kind kind, const struct ip_prefix *p)
{
	const struct ptree *t = f->tree[kind];
	uint32_t idx;

	if (p->af == IP6)
		idx = ptree_after(&t[1], p);
	else
		idx = p->af == IP4 ? ptree_after(&t[0], p) : ptree_first(&t[0]);
	if (idx == 0 && p->af != IP6)
		idx = ptree_first(&t[1]);
	return idx ? entry_at(f, idx) : NULL;
}

static void
count_state(struct fib *f, const struct fib_entry *e, int by)
{
	if (e->kind == FIB_LEARNED)
		f->nstate[e->state][entry_is6(e)] += (uint64_t)by;
}

bool
entry_fits(struct fib *f, const struct ip_prefix *p)
{
	if (f->nentries < FIB_ROUTES_MAX)
		return true;
	fib_gather(f, AGG_LIMIT, p, 0, 0, NULL);
	return false;
}

struct fib_entry *
entry_get(struct fib *f, enum fib_kind kind, const struct ip_prefix *p)
{
	uint32_t which = pool_for(p), idx, have;
	struct fib_pool *pool = &f->pool[which];
	struct fib_entry *e;

	if (pool->free == 0)
		chunk_add(f, which);
	idx = pool->free;
	have = ptree_put(&f->tree[kind][p->af == IP6], p, idx);
	if (have != 0)
		return entry_at(f, have);
	e = entry_at(f, idx);
	pool->free = e->next;
	memset(e, 0, pool->octets);
	e->self = idx;
	e->len = p->len;
	memcpy(e->addr, p->b, addr_octets(which));
	e->kind = (unsigned int)kind;
	e->state = FIB_ST_PENDING;
	f->nentries++;
	count_state(f, e, 1);
	return e;
}

void
entry_drop(struct fib *f, struct fib_entry *e)
{
	struct fib_pool *pool = &f->pool[e->self & (FIB_NPOOLS - 1)];
	struct ip_prefix p = entry_prefix(e);

	count_state(f, e, -1);
	trouble_free(f, e);
	ptree_remove(&f->tree[e->kind][entry_is6(e)], &p);
	e->next = pool->free;
	pool->free = e->self;
	f->nentries--;
}

void
entries_free(struct fib *f)
{
	uint32_t i, k;

	for (i = 0; i < FIB_NPOOLS; i++) {
		for (k = 0; k < f->pool[i].nchunks; k++)
			mem_free(f->pool[i].chunk[k]);
		mem_free(f->pool[i].chunk);
	}
	for (k = 0; k < FIB_NKINDS; k++) {
		ptree_free(&f->tree[k][0]);
		ptree_free(&f->tree[k][1]);
	}
	mem_free(f->work.v);
	mem_free(f->reports.v);
	mem_free(f->leaving.v);
	mem_free(f->leaving_ms.v);
}

void
entry_set_have(struct fib *f, struct fib_entry *e, uint32_t hops)
{
	uint32_t was = e->have;

	e->have = hops;
	f->nhave += (hops != 0) - (was != 0);
	hops_put(&f->hops, was);
}

void
entry_join(struct fib *f, struct fib_entry *e, struct fib_set *s)
{
	struct fib_set *was = e->set ? f->setv[e->set] : NULL;

	if (was == s)
		return;
	if (was) {
		if (e->prev)
			entry_at(f, e->prev)->next = e->next;
		else
			was->first = e->next;
		if (e->next)
			entry_at(f, e->next)->prev = e->prev;
		if (f->eval_at == e->self)
			f->eval_at = e->next;
		was->n--;
		f->nwanted[entry_is6(e)]--;
	}
	e->next = e->prev = 0;
	e->set = s ? s->self : 0;
	if (s) {
		e->next = s->first;
		if (s->first)
			entry_at(f, s->first)->prev = e->self;
		s->first = e->self;
		s->n++;
		f->nwanted[entry_is6(e)]++;
	}
	if (was)
		fib_set_gc(f, was);
}

/* ---- troubles ------------------------------------------------------------ */

struct trouble *
trouble_find(const struct fib *f, const struct fib_entry *e)
{
	struct hmap_node *n;

	if (!e->trouble)
		return NULL;
	for (n = hmap_first_with(&f->troubles, e->self); n; n = hmap_next_with(n)) {
		struct trouble *t = container_of(n, struct trouble, node);

		if (t->entry == e->self)
			return t;
	}
	return NULL;
}

struct trouble *
trouble_get(struct fib *f, struct fib_entry *e)
{
	struct trouble *t = trouble_find(f, e);

	if (t)
		return t;
	t = mem_zalloc(sizeof(*t));
	t->entry = e->self;
	e->trouble = 1;
	hmap_insert(&f->troubles, &t->node, e->self); /* our own number: nobody chooses it */
	return t;
}

void
trouble_free(struct fib *f, struct fib_entry *e)
{
	struct trouble *t = trouble_find(f, e);

	if (!t)
		return;
	e->trouble = 0;
	heap_remove(&f->trouble_heap, &t->heap);
	hmap_remove(&f->troubles, &t->node);
	mem_free(t);
}

void
trouble_end_wait(struct fib *f, struct fib_entry *e)
{
	struct trouble *t = trouble_find(f, e);

	if (!t || !t->waiting)
		return;
	t->waiting = false;
	heap_remove(&f->trouble_heap, &t->heap);
}

void
trouble_new_chance(struct fib *f, struct fib_entry *e)
{
	struct trouble *t = trouble_find(f, e);

	if (!t || t->failures == 0)
		return;
	t->failures = 0;
	trouble_end_wait(f, e);
}

/* It is in the kernel as wanted: forget failures at once, losses after a calm time. */
static void
trouble_over(struct fib *f, struct fib_entry *e)
{
	struct trouble *t = trouble_find(f, e);

	if (!t)
		return;
	t->failures = 0;
	t->waiting = false;
	if (t->losses == 0)
		trouble_free(f, e);
	else
		heap_set(&f->trouble_heap, &t->heap, mono_add_us(t->last_loss, FIB_CALM_US));
}

/* ---- evaluation ---------------------------------------------------------- */

static uint32_t
refuse(enum ipc_refusal why, enum fib_state *ret_state, uint16_t *ret_code)
{
	*ret_state = FIB_ST_REFUSED;
	*ret_code = (uint16_t)why;
	return 0;
}

static uint32_t
want_learned(const struct fib *f, const struct fib_entry *e, enum fib_state *ret_state,
    uint16_t *ret_code)
{
	struct ip_prefix p;
	const struct fib_set *s;

	if (e->leaving && (e->set == 0 || !f->guard.holding)) {
		*ret_state = f->guard.holding ? FIB_ST_HELD : FIB_ST_REMOVING;
		return f->guard.holding ? e->have : 0;
	}
	if (e->set == 0) {
		*ret_state = e->adopted && f->stale ? FIB_ST_STALE : FIB_ST_REMOVING;
		return e->adopted && f->stale ? e->have : 0;
	}
	s = f->setv[e->set];
	if (!e->admitted)
		return refuse((enum ipc_refusal)e->code, ret_state, ret_code);
	if (entry_is6(e) && s->nhs.has4)
		return refuse(IPC_REF_FAMILY, ret_state, ret_code);
	entry_prefix_to(e, &p);
	if (nht_covers_self(&f->nht, &s->nhs, &p))
		return refuse(IPC_REF_VIA_SELF, ret_state, ret_code);
	if (s->nhs.nlegs == 0) {
		*ret_state = FIB_ST_HELD;
		return 0;
	}
	*ret_state = e->leaving ? FIB_ST_HELD : FIB_ST_PENDING;
	return s->want[entry_is6(e)];
}

uint32_t
entry_want(const struct fib *f, const struct fib_entry *e, enum fib_state *ret_state,
    uint16_t *ret_code)
{
	*ret_state = FIB_ST_PENDING;
	*ret_code = 0;
	if (f->flushed) {
		*ret_state = e->set || e->wanted ? FIB_ST_HELD : FIB_ST_REMOVING;
		return 0;
	}
	switch ((enum fib_kind)e->kind) {
	case FIB_LEARNED:
		return want_learned(f, e, ret_state, ret_code);
	case FIB_BLOCK:
	case FIB_DISCARD:
		if (e->wanted)
			return e->kind == FIB_BLOCK ? f->block_hops : f->discard_hops;
		*ret_state = e->adopted && f->stale ? FIB_ST_STALE : FIB_ST_REMOVING;
		return e->adopted && f->stale ? e->have : 0;
	case FIB_NKINDS:
		break;
	}
	return 0;
}

void
entry_report(struct fib *f, struct fib_entry *e)
{
	if (e->report || e->kind != FIB_LEARNED || e->set == 0 || e->leaving)
		return;
	e->report = 1;
	ring_push(&f->reports, e->self);
}

void
entry_set_state(struct fib *f, struct fib_entry *e, enum fib_state state, uint16_t code)
{
	bool changed = e->state != state || (state != FIB_ST_PENDING && e->code != code);

	/* A refused entry keeps its refusal in code: entry_want() reads it. */
	if (e->admitted || e->kind != FIB_LEARNED || e->set == 0)
		e->code = code;
	if (!changed)
		return;
	count_state(f, e, -1);
	e->state = (unsigned int)state;
	count_state(f, e, 1);
	if (state != FIB_ST_PENDING)
		entry_report(f, e);
	if (state == FIB_ST_INSTALLED || state == FIB_ST_FOREIGN || state == FIB_ST_FAILED)
		local_entry_installed(f, e);
}

void
entry_eval(struct fib *f, struct fib_entry *e)
{
	const struct trouble *t = e->trouble ? trouble_find(f, e) : NULL;
	enum fib_state state;
	uint16_t code;
	uint32_t want = entry_want(f, e, &state, &code);
	bool usable = e->kind == FIB_LEARNED && e->set != 0 && want != 0;

	if (e->usable != usable) {
		struct ip_prefix p;

		entry_prefix_to(e, &p);
		e->usable = usable;
		nht_touch(&f->nht, &p);
	}
	if (want == 0) {
		if (t)
			trouble_end_wait(f, e);
		entry_set_state(f, e, state, code);
	} else if (want == e->have) {
		if (t)
			trouble_over(f, e);
		entry_set_state(f, e, state == FIB_ST_PENDING ? FIB_ST_INSTALLED : state, code);
	} else if (!t || (!t->waiting && t->failures == 0)) {
		entry_set_state(f, e, state, code);
	}
	if (want != e->have && !e->busy && !e->queued) {
		e->queued = 1;
		ring_push(&f->work, e->self);
	}
	entry_gc(f, e);
}

void
entry_judge(struct fib *f, struct fib_entry *e)
{
	struct ip_prefix p;
	struct admit a;
	enum ipc_refusal r;

	if (e->set == 0) {
		if (e->admitted)
			f->nadmitted--;
		e->admitted = 0;
		entry_eval(f, e);
		return;
	}
	if (e->admitted)
		f->nadmitted--;
	else if (e->code == IPC_REF_LIMIT && f->nlimited > 0)
		f->nlimited--;
	a = fib_admit(f);
	entry_prefix_to(e, &p);
	r = admit_learned(&a, &p);
	e->admitted = r == IPC_REF_NONE;
	if (e->admitted) {
		f->nadmitted++;
	} else {
		if (e->code != (uint16_t)r)
			entry_report(f, e);
		e->code = (uint16_t)r;
		f->nlimited += r == IPC_REF_LIMIT;
	}
	entry_eval(f, e);
}
