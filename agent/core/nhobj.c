/*
 * Nexthop objects; see nhobj.h.
 */
#include "agent/core/nhobj.h"

#include <errno.h>
#include <string.h>

#include "agent/core/plan.h"
#include "lib/mem.h"

static uint64_t
hash_id(const struct nhobj_table *t, uint32_t id)
{
	return hmap_hash(&t->by_id, &id, sizeof(id));
}

static uint64_t
hash_leg(const struct nhobj_table *t, const struct kern_leg *leg)
{
	uint8_t key[22];

	key[0] = leg->gw.af;
	memcpy(key + 1, leg->gw.b, 16);
	memcpy(key + 17, &leg->ifindex, 4);
	key[21] = leg->onlink;
	return hmap_hash(&t->by_leg, key, sizeof(key));
}

static bool
leg_same(const struct kern_leg *a, const struct kern_leg *b)
{
	return a->ifindex == b->ifindex && a->onlink == b->onlink && a->gw.af == b->gw.af &&
	    memcmp(a->gw.b, b->gw.b, 16) == 0;
}

void
nhobj_init(struct nhobj_table *t, const uint64_t key[2], uint8_t protocol,
    bool (*foreign)(void *ctx, uint32_t id), void *ctx)
{
	memset(t, 0, sizeof(*t));
	hmap_init(&t->by_id, key);
	hmap_init(&t->by_leg, key);
	list_init(&t->urgent);
	list_init(&t->legs);
	list_init(&t->groups);
	list_init(&t->doomed);
	t->protocol = protocol;
	t->keep = true;
	t->next = NHOBJ_FIRST;
	t->foreign = foreign;
	t->ctx = ctx;
}

static void
obj_free(struct nhobj_table *t, struct nhobj *o)
{
	hmap_remove(&t->by_id, &o->by_id);
	if (!o->group && !o->placeholder)
		hmap_remove(&t->by_leg, &o->by_leg);
	if (o->group && !o->owned)
		t->nfree--;
	list_remove(&o->link);
	t->n--;
	mem_free(o->want);
	mem_free(o->have);
	mem_free(o);
}

void
nhobj_fini(struct nhobj_table *t)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &t->by_id)
		obj_free(t, container_of(n, struct nhobj, by_id));
	hmap_free(&t->by_id);
	hmap_free(&t->by_leg);
}

struct nhobj *
nhobj_find(const struct nhobj_table *t, uint32_t id)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&t->by_id, hash_id(t, id)); n; n = hmap_next_with(n)) {
		struct nhobj *o = container_of(n, struct nhobj, by_id);

		if (o->id == id)
			return o;
	}
	return NULL;
}

static struct nhobj *
obj_new(struct nhobj_table *t, uint32_t id)
{
	struct nhobj *o = mem_zalloc(sizeof(*o));

	o->id = id;
	o->placeholder = true;
	list_init(&o->link);
	hmap_insert(&t->by_id, &o->by_id, hash_id(t, id));
	t->n++;
	return o;
}

static void
obj_become_leg(struct nhobj_table *t, struct nhobj *o, const struct kern_leg *leg)
{
	o->placeholder = false;
	o->leg = *leg;
	o->leg.weight = 1;
	o->leg.dead = false;
	o->leg.gw.ifindex = 0;
	hmap_insert(&t->by_leg, &o->by_leg, hash_leg(t, &o->leg));
}

static void
obj_become_group(struct nhobj_table *t, struct nhobj *o, bool owned)
{
	o->placeholder = false;
	o->group = true;
	o->owned = owned;
	if (!owned)
		t->nfree++;
}

/* A number that neither we nor others use; 0: none is left. */
static uint32_t
number_take(struct nhobj_table *t)
{
	uint32_t i;

	for (i = 0; i < NHOBJ_COUNT; i++) {
		uint32_t id = t->next;

		t->next = id + 1 < NHOBJ_FIRST + NHOBJ_COUNT ? id + 1 : NHOBJ_FIRST;
		if (!nhobj_find(t, id) && !(t->foreign && t->foreign(t->ctx, id)))
			return id;
	}
	return 0;
}

/* ---- queues -------------------------------------------------------------- */

static bool
members_eq(const struct nhobj_member *a, uint16_t na, const struct nhobj_member *b, uint16_t nb)
{
	uint16_t i;

	for (i = 0; na == nb && i < nb; i++) {
		if (a[i].id != b[i].id || a[i].weight != b[i].weight)
			return false;
	}
	return na == nb;
}

/* The members of a group that the kernel has, or will have when the request reaches it. */
static uint16_t
members_ready(const struct nhobj_table *t, const struct nhobj *o, struct nhobj_member *ret)
{
	uint16_t i, n = 0;

	for (i = 0; i < o->nwant; i++) {
		const struct nhobj *leg = nhobj_find(t, o->want[i].id);

		if (leg && (leg->known || (leg->busy && !leg->cut)))
			ret[n++] = o->want[i];
	}
	return n;
}

/* A group that waits for legs counts as incomplete: legs that appear look for such. */
static bool
needs_set(struct nhobj_table *t, const struct nhobj *o)
{
	struct nhobj_member m[IPC_MEMBERS_MAX];
	uint16_t n;

	if (o->users == 0)
		return false;
	if (!o->group)
		return !o->known || o->differs;
	if (members_eq(o->want, o->nwant, o->have, o->nhave))
		return !o->known || o->differs;
	if (list_is_empty(&t->legs)) {
		n = members_ready(t, o, m);
		t->incomplete |= n < o->nwant;
		return n > 0 && (!o->known || o->differs || !members_eq(m, n, o->have, o->nhave));
	}
	return true; /* legs go first: see then */
}

static bool
has_member(const struct nhobj_member *m, uint16_t n, uint32_t id)
{
	uint16_t i;

	for (i = 0; i < n && m[i].id != id; i++)
		;
	return i < n;
}

/* The kernel has it with a member that it must not have, and all that it needs instead. */
static bool
is_urgent(const struct nhobj_table *t, const struct nhobj *o)
{
	struct nhobj_member m[IPC_MEMBERS_MAX];
	uint16_t i;

	if (!o->group || !o->known || o->nwant == 0 || members_ready(t, o, m) < o->nwant)
		return false;
	for (i = 0; i < o->nhave; i++) {
		if (!has_member(o->want, o->nwant, o->have[i].id))
			return true;
	}
	return false;
}

static struct list *
queue_of(struct nhobj_table *t, const struct nhobj *o)
{
	if (is_urgent(t, o))
		return &t->urgent;
	return o->group ? &t->groups : &t->legs;
}

/* Put o where it belongs now: to be set, to be deleted, freed, or nowhere. */
static void
obj_queue(struct nhobj_table *t, struct nhobj *o)
{
	if (o->busy) {
		o->redo = true;
		return;
	}
	list_remove(&o->link);
	if (o->users == 0 && o->refs == 0) {
		if (!o->known && !heap_is_queued(&o->retry))
			obj_free(t, o);
		else if (o->known && !t->keep)
			list_push_back(&t->doomed, &o->link);
		return;
	}
	if (needs_set(t, o) && !heap_is_queued(&o->retry))
		list_push_back(queue_of(t, o), &o->link);
}

void
nhobj_unuse(struct nhobj_table *t, uint32_t id)
{
	struct nhobj *o = nhobj_find(t, id);
	uint16_t i;

	if (!o || o->users == 0)
		return;
	if (--o->users > 0)
		return;
	for (i = 0; i < o->nwant; i++)
		nhobj_unuse(t, o->want[i].id);
	o->nwant = 0;
	if (o->owned) {
		o->owned = false;
		t->nfree++;
	}
	obj_queue(t, o);
}

void
nhobj_ref(struct nhobj_table *t, uint32_t id)
{
	struct nhobj *o = nhobj_find(t, id);

	if (!o)
		o = obj_new(t, id);
	o->refs++;
}

void
nhobj_unref(struct nhobj_table *t, uint32_t id)
{
	struct nhobj *o = nhobj_find(t, id);

	if (o && o->refs > 0 && --o->refs == 0)
		obj_queue(t, o);
}

/* ---- legs and groups ----------------------------------------------------- */

uint32_t
nhobj_leg(struct nhobj_table *t, const struct kern_leg *leg)
{
	struct hmap_node *n;
	struct nhobj *o;
	uint32_t id;

	for (n = hmap_first_with(&t->by_leg, hash_leg(t, leg)); n; n = hmap_next_with(n)) {
		o = container_of(n, struct nhobj, by_leg);
		if (leg_same(&o->leg, leg) && !o->differs) {
			o->users++;
			obj_queue(t, o);
			return o->id;
		}
	}
	id = number_take(t);
	if (id == 0)
		return 0;
	o = obj_new(t, id);
	obj_become_leg(t, o, leg);
	o->users = 1;
	obj_queue(t, o);
	return id;
}

static int
member_cmp(const struct nhobj_member *a, const struct nhobj_member *b)
{
	return (a->id > b->id) - (a->id < b->id);
}

static void
members_sort(struct nhobj_member *m, uint16_t n)
{
	uint16_t i, j;

	for (i = 1; i < n; i++) {
		struct nhobj_member x = m[i];

		for (j = i; j > 0 && member_cmp(&m[j - 1], &x) > 0; j--)
			m[j] = m[j - 1];
		m[j] = x;
	}
}

/* Uses one object for each leg. Returns their number. */
static uint16_t
members_get(struct nhobj_table *t, const struct kern_leg *leg, uint16_t n,
    struct nhobj_member *ret)
{
	uint16_t i, out = 0;

	for (i = 0; i < n; i++) {
		uint32_t id = nhobj_leg(t, &leg[i]);

		if (id != 0)
			ret[out++] = (struct nhobj_member){ id, leg[i].weight };
	}
	members_sort(ret, out);
	return out;
}

static void
members_set(struct nhobj_member **dst, uint16_t *dst_n, const struct nhobj_member *src, uint16_t n)
{
	*dst = mem_realloc(*dst, n * sizeof(*src));
	if (n > 0)
		memcpy(*dst, src, n * sizeof(*src));
	*dst_n = n;
}

/* A group without an owner that leads where m does. */
static struct nhobj *
group_claim(const struct nhobj_table *t, const struct nhobj_member *m, uint16_t n)
{
	struct hmap_node *h;

	if (t->nfree == 0)
		return NULL;
	HMAP_FOREACH(h, &t->by_id) {
		struct nhobj *o = container_of(h, struct nhobj, by_id);

		if (!o->group || o->owned || o->differs)
			continue;
		if (o->users > 0 ? members_eq(o->want, o->nwant, m, n)
				 : o->known && members_eq(o->have, o->nhave, m, n))
			return o;
	}
	return NULL;
}

static void
group_want(struct nhobj_table *t, struct nhobj *o, const struct nhobj_member *m, uint16_t n)
{
	struct nhobj_member *was = o->want;
	uint16_t was_n = o->nwant, i;

	o->want = NULL;
	members_set(&o->want, &o->nwant, m, n);
	obj_queue(t, o);
	for (i = 0; i < was_n; i++)
		nhobj_unuse(t, was[i].id);
	mem_free(was);
}

uint32_t
nhobj_group(struct nhobj_table *t, const struct kern_leg *leg, uint16_t n)
{
	struct nhobj_member m[IPC_MEMBERS_MAX];
	uint16_t got = members_get(t, leg, n, m), i;
	struct nhobj *o = group_claim(t, m, got);
	uint32_t id;

	if (o) {
		o->owned = true;
		t->nfree--;
	} else {
		id = got > 0 ? number_take(t) : 0;
		if (id == 0) {
			for (i = 0; i < got; i++)
				nhobj_unuse(t, m[i].id);
			return 0;
		}
		o = obj_new(t, id);
		obj_become_group(t, o, true);
	}
	o->users++;
	group_want(t, o, m, got);
	return o->id;
}

void
nhobj_group_set(struct nhobj_table *t, uint32_t id, const struct kern_leg *leg, uint16_t n)
{
	struct nhobj *o = nhobj_find(t, id);
	struct nhobj_member m[IPC_MEMBERS_MAX];
	uint16_t got;

	if (!o || !o->group)
		return;
	got = members_get(t, leg, n, m);
	if (got > 0)
		group_want(t, o, m, got);
}

void
nhobj_disown(struct nhobj_table *t, uint32_t id)
{
	struct nhobj *o = nhobj_find(t, id);

	if (o && o->group && o->owned) {
		o->owned = false;
		t->nfree++;
	}
}

void
nhobj_release(struct nhobj_table *t)
{
	struct hmap_node *n, *tmp;

	t->keep = false;
	HMAP_FOREACH_SAFE(n, tmp, &t->by_id) {
		struct nhobj *o = container_of(n, struct nhobj, by_id);

		if (o->users == 0 && o->refs == 0)
			obj_queue(t, o);
	}
}

/* ---- operations ---------------------------------------------------------- */

static size_t groups_shrink(struct nhobj_table *t);

static void
op_leg(const struct nhobj_table *t, const struct nhobj *o, struct fib_kop *ret)
{
	ret->nexthop.id = o->id;
	ret->nexthop.protocol = t->protocol;
	ret->nexthop.blackhole = false;
	ret->nexthop.ngroup = 0;
	ret->nexthop.leg = o->leg;
}

/* The group with those members that there are. False: none. */
static bool
op_group(struct nhobj_table *t, struct nhobj *o, struct fib_kop *ret)
{
	struct nhobj_member m[IPC_MEMBERS_MAX];
	uint16_t i, n = members_ready(t, o, m);

	op_leg(t, o, ret);
	ret->nexthop.ngroup = n;
	for (i = 0; i < n; i++) {
		ret->nexthop.group[i].id = m[i].id;
		ret->nexthop.group[i].weight = m[i].weight;
	}
	t->incomplete |= n < o->nwant;
	if (n > 0)
		members_set(&o->have, &o->nhave, m, n);
	return n > 0;
}

static void
obj_send(struct nhobj *o, struct fib_kop *ret, enum fib_op_kind kind)
{
	ret->kind = kind;
	o->busy = true;
	o->redo = false;
}

/* The first group of that queue that needs to be set. */
static bool
group_op(struct nhobj_table *t, struct list *queue, struct fib_kop *ret)
{
	struct list *l;

	while ((l = list_pop_front(queue))) {
		struct nhobj *o = container_of(l, struct nhobj, link);

		if (!needs_set(t, o) || !op_group(t, o, ret))
			continue; /* set when one of its legs is there */
		obj_send(o, ret, o->known ? FIB_OP_NH_REPLACE : FIB_OP_NH_ADD);
		return true;
	}
	return false;
}

/* Every group in the kernel that has this leg has another one that it wants, too. */
static bool
may_cut(const struct nhobj_table *t, const struct nhobj *leg)
{
	struct hmap_node *n;

	HMAP_FOREACH(n, &t->by_id) {
		const struct nhobj *g = container_of(n, const struct nhobj, by_id);
		uint16_t i;

		if (!g->group || !has_member(g->have, g->nhave, leg->id))
			continue;
		for (i = 0; i < g->nhave; i++) {
			if (g->have[i].id != leg->id && has_member(g->want, g->nwant, g->have[i].id))
				break;
		}
		if (g->busy || i == g->nhave)
			return false;
	}
	return true;
}

/* A leg that a group has to lose, and that nobody else wants or names. */
static struct nhobj *
leg_to_cut(const struct nhobj_table *t, const struct nhobj *g)
{
	uint16_t i;

	for (i = 0; i < g->nhave; i++) {
		struct nhobj *leg = nhobj_find(t, g->have[i].id);

		if (leg && !leg->group && leg->known && !leg->busy && leg->users == 0 && leg->refs == 0 &&
		    !has_member(g->want, g->nwant, leg->id) && may_cut(t, leg))
			return leg;
	}
	return NULL;
}

/*
 * The kernel takes a leg that is deleted out of all groups, and tells about the groups alone.  To
 * replace a group it tells about every route of it where net.ipv4.nexthop_compat_mode is on, which
 * takes longer than all else when there are many.
 */
static bool
cut_op(struct nhobj_table *t, struct fib_kop *ret)
{
	struct list *l = list_first(&t->urgent);
	struct nhobj *leg = l ? leg_to_cut(t, container_of(l, struct nhobj, link)) : NULL;

	if (!leg)
		return false;
	list_remove(&leg->link);
	op_leg(t, leg, ret);
	obj_send(leg, ret, FIB_OP_NH_DEL);
	leg->cut = true;
	leg->known = false;
	groups_shrink(t);
	return true;
}

bool
nhobj_pending(const struct nhobj_table *t)
{
	return !list_is_empty(&t->urgent) || !list_is_empty(&t->legs) || !list_is_empty(&t->groups) ||
	    !list_is_empty(&t->doomed);
}

bool
nhobj_next_op(struct nhobj_table *t, bool deletes, struct fib_kop *ret)
{
	struct list *l;

	if (!nhobj_pending(t))
		return false;
	if (cut_op(t, ret) || group_op(t, &t->urgent, ret))
		return true;
	while ((l = list_pop_front(&t->legs))) {
		struct nhobj *o = container_of(l, struct nhobj, link);

		if (!needs_set(t, o))
			continue;
		op_leg(t, o, ret);
		obj_send(o, ret, o->known ? FIB_OP_NH_REPLACE : FIB_OP_NH_ADD);
		return true;
	}
	if (group_op(t, &t->groups, ret))
		return true;
	while (deletes && (l = list_pop_front(&t->doomed))) {
		struct nhobj *o = container_of(l, struct nhobj, link);

		op_leg(t, o, ret);
		obj_send(o, ret, FIB_OP_NH_DEL);
		return true;
	}
	return false;
}

/* A leg is there after trouble: groups that want it may be short of it. */
static void
groups_requeue(struct nhobj_table *t, uint32_t leg)
{
	struct hmap_node *n;
	uint16_t i;

	HMAP_FOREACH(n, &t->by_id) {
		struct nhobj *o = container_of(n, struct nhobj, by_id);

		for (i = 0; o->group && i < o->nwant; i++) {
			if (o->want[i].id == leg && needs_set(t, o)) {
				obj_queue(t, o);
				break;
			}
		}
	}
}

static void
obj_lost(struct nhobj_table *t, struct nhobj *o)
{
	o->known = o->differs = false;
	o->nhave = 0;
	o->lost = true;
	obj_queue(t, o);
}

/* Take members without an object in the kernel out of what o is known to have. */
static bool
group_shrink(const struct nhobj_table *t, struct nhobj *o)
{
	uint16_t i, n = 0;

	for (i = 0; i < o->nhave; i++) {
		const struct nhobj *leg = nhobj_find(t, o->have[i].id);

		if (leg && leg->known)
			o->have[n++] = o->have[i];
	}
	if (n == o->nhave)
		return false;
	o->nhave = n;
	return true;
}

/* Legs were lost: the kernel took them out of all groups, and dropped the groups left empty. */
static size_t
groups_shrink(struct nhobj_table *t)
{
	struct hmap_node *n, *tmp;
	size_t lost = 0;

	HMAP_FOREACH_SAFE(n, tmp, &t->by_id) {
		struct nhobj *o = container_of(n, struct nhobj, by_id);

		if (!o->group || !group_shrink(t, o))
			continue;
		lost++;
		if (o->nhave == 0)
			obj_lost(t, o);
		else
			obj_queue(t, o);
	}
	return lost;
}

/* What groups have is not known any more: all of them are set again. */
static void
groups_forget(struct nhobj_table *t)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &t->by_id) {
		struct nhobj *o = container_of(n, struct nhobj, by_id);

		if (!o->group)
			continue;
		o->nhave = 0;
		obj_queue(t, o);
	}
}

static enum nhobj_outcome
result_del(struct nhobj_table *t, struct nhobj *o, int err, uint64_t *ret_retry_us)
{
	if (err == 0 || err == ENOENT || err == ESRCH) {
		o->known = o->differs = o->cut = false;
		o->nhave = 0;
		if (o->users == 0 && o->refs == 0) {
			obj_free(t, o);
			return NHOBJ_GONE;
		}
		obj_queue(t, o);
		return NHOBJ_OK;
	}
	if (o->cut) /* still in groups that seemed to have lost it */
		groups_forget(t);
	o->cut = false;
	o->known = true;
	*ret_retry_us = plan_retry_delay_us(++o->tries);
	return NHOBJ_RETRY;
}

enum nhobj_outcome
nhobj_result(struct nhobj_table *t, uint32_t id, enum fib_op_kind kind, int err,
    uint64_t *ret_retry_us)
{
	struct nhobj *o = nhobj_find(t, id);
	bool trouble, redo, leg;

	*ret_retry_us = 0;
	if (!o)
		return NHOBJ_OK;
	trouble = o->tries > 0;
	redo = o->redo;
	o->busy = o->redo = false;
	if (kind == FIB_OP_NH_DEL)
		return result_del(t, o, err, ret_retry_us);
	if (err == 0) {
		o->tries = 0;
		o->differs = false;
		o->known = !redo || !o->lost; /* lost while on its way: not to be trusted */
		obj_queue(t, o);
		if (!o->group && (trouble || t->incomplete))
			groups_requeue(t, id);
		return trouble ? NHOBJ_RECOVERED : NHOBJ_OK;
	}
	o->nhave = 0;
	if (kind == FIB_OP_NH_REPLACE && err == ENOENT) {
		leg = !o->group;
		obj_lost(t, o);
		if (leg)
			groups_shrink(t);
		return NHOBJ_OK;
	}
	if (o->users == 0 && o->refs == 0 && !o->known) {
		obj_free(t, o);
		return NHOBJ_GONE;
	}
	*ret_retry_us = plan_retry_delay_us(++o->tries);
	return NHOBJ_RETRY;
}

void
nhobj_again(struct nhobj_table *t, struct nhobj *o)
{
	obj_queue(t, o);
}

/* ---- observations -------------------------------------------------------- */


static bool
see_group(struct nhobj_table *t, struct nhobj *o, const struct kern_nexthop *n)
{
	struct nhobj_member m[IPC_MEMBERS_MAX];
	bool same;
	uint16_t i;

	for (i = 0; i < n->ngroup; i++)
		m[i] = (struct nhobj_member){ n->group[i].id, n->group[i].weight };
	members_sort(m, n->ngroup);
	same = o->known && members_eq(o->have, o->nhave, m, n->ngroup);
	members_set(&o->have, &o->nhave, m, n->ngroup);
	o->known = true;
	obj_queue(t, o);
	return !same && needs_set(t, o);
}

bool
nhobj_see(struct nhobj_table *t, const struct kern_nexthop *n, bool gone)
{
	struct nhobj *o = nhobj_find(t, n->id);
	bool was_known, in_use, leg, appeared, differs;

	if (gone) {
		if (!o || !o->known || o->busy)
			return false;
		in_use = o->users > 0;
		leg = !o->group;
		obj_lost(t, o); /* may free it */
		if (leg)
			groups_shrink(t);
		return in_use;
	}
	if (!o)
		o = obj_new(t, n->id);
	o->seen = true;
	if (o->busy)
		return false; /* the answer says more */
	if (o->placeholder && n->ngroup > 0)
		obj_become_group(t, o, false);
	else if (o->placeholder)
		obj_become_leg(t, o, &n->leg);
	if (o->group)
		return see_group(t, o, n);
	was_known = o->known && !o->differs;
	appeared = !o->known;
	o->known = true;
	o->differs = n->ngroup > 0 || n->blackhole || !leg_same(&o->leg, &n->leg);
	in_use = o->users > 0;
	differs = o->differs;
	obj_queue(t, o);
	if (appeared && t->incomplete)
		groups_requeue(t, n->id);
	return was_known && differs && in_use;
}

void
nhobj_dump_begin(struct nhobj_table *t)
{
	struct hmap_node *n;

	HMAP_FOREACH(n, &t->by_id)
		container_of(n, struct nhobj, by_id)->seen = false;
}

size_t
nhobj_dump_end(struct nhobj_table *t)
{
	struct hmap_node *n, *tmp;
	size_t lost = 0;

	HMAP_FOREACH_SAFE(n, tmp, &t->by_id) {
		struct nhobj *o = container_of(n, struct nhobj, by_id);

		if (o->seen || !o->known || o->busy)
			continue;
		lost++;
		obj_lost(t, o);
	}
	if (lost > 0)
		groups_shrink(t);
	return lost;
}

size_t
nhobj_link_down(struct nhobj_table *t, uint32_t ifindex)
{
	struct hmap_node *n, *tmp;
	size_t lost = 0;

	HMAP_FOREACH_SAFE(n, tmp, &t->by_id) {
		struct nhobj *o = container_of(n, struct nhobj, by_id);

		if (o->group || o->leg.ifindex != ifindex || !(o->known || o->busy))
			continue;
		lost++;
		obj_lost(t, o);
	}
	return lost > 0 ? lost + groups_shrink(t) : 0;
}

void
nhobj_clear_lost(struct nhobj_table *t)
{
	struct hmap_node *n;

	HMAP_FOREACH(n, &t->by_id)
		container_of(n, struct nhobj, by_id)->lost = false;
}

void
nhobj_flush(struct nhobj_table *t)
{
	struct hmap_node *n, *tmp;

	t->keep = false;
	HMAP_FOREACH_SAFE(n, tmp, &t->by_id) {
		struct nhobj *o = container_of(n, struct nhobj, by_id);

		if (o->users == 0 && o->refs == 0)
			obj_queue(t, o);
	}
}
