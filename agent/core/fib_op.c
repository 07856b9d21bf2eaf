/*
 * Time, operations and their answers: what fib_next_op() takes from the work ring and
 * the queues, and what becomes of entries and objects when the kernel has answered.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/fib_priv.h"
#include "agent/core/plan.h"
#include "lib/mem.h"

/* Routes evaluated at one time between operations. */
#define EVAL_SLICE 256

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
any_of(const bool what[KERN_NWHAT])
{
	bool any = false;
	int w;

	for (w = 0; w < KERN_NWHAT; w++)
		any |= what[w];
	return any;
}

static bool
dump_running(const struct fib *f)
{
	return any_of(f->dumping) || any_of(f->dump_asked);
}

/* The next dump that may start: one at a time, with a gap. */
static bool
dump_next(struct fib *f, struct fib_kop *ret)
{
	int w;

	if (!any_of(f->dump_want) || !f->ready || dump_running(f) || mono_before(f->now, f->dump_at))
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
	int i;

	d = mono_min(d, heap_deadline(&f->obj_heap));
	d = mono_min(d, f->limit_at);
	d = mono_min(d, fib_hold_deadline(f));
	if (any_of(f->dump_want) && f->ready && !dump_running(f))
		d = mono_min(d, f->dump_at);
	for (i = 0; i < AGG_N; i++) {
		if (f->agg[i].n > 0)
			d = mono_min(d, f->agg[i].due);
	}
	if ((f->eval_at != 0 || !list_is_empty(&f->evals)) && f->ready)
		d = mono_min(d, f->now);
	if (!nht_is_settled(&f->nht))
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
	fib_hold_timeout(f);
	fib_aggs_due(f);
	if (mono_reached(now, f->limit_at))
		fib_judge_limited(f);
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
	entry_prefix_to(e, &r->prefix);
	r->table = f->place.table;
	r->metric = entry_metric(f, e);
	r->protocol = f->place.protocol;
	r->replaced = false;
	hops_to_route(hops_at(&f->hops, hops), r);
	if (r->former != 0)
		r->protocol = r->former; /* a deletion: it has that number still */
}

/* Emit the operation that e needs. False: none. */
static bool
entry_op(struct fib *f, struct fib_entry *e, struct fib_kop *ret)
{
	enum fib_state state;
	uint16_t code;
	const struct trouble *t = e->trouble ? trouble_find(f, e) : NULL;
	struct plan_in in = {
		.want = entry_want(f, e, &state, &code),
		.have = e->have,
		.busy = e->busy,
		.waiting = t && t->waiting,
	};
	enum fib_op_kind op = FIB_OP_ROUTE_ADD;
	uint32_t i, hops = in.want;

	if (in.have != 0 && in.want != in.have) {
		struct ip_prefix p = entry_prefix(e);

		in.foreign = kern_route_at(&f->kern, &p, f->place.table, entry_metric(f, e)) != NULL;
	}
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

/* The next route in the work ring that needs one. */
static bool
work_op(struct fib *f, struct fib_kop *ret)
{
	uint32_t idx;

	while (ring_pop(&f->work, &idx)) {
		struct fib_entry *e = entry_at(f, idx);

		e->queued = 0;
		if (entry_op(f, e, ret))
			return true;
		entry_gc(f, e);
	}
	return false;
}

bool
fib_next_op(struct fib *f, struct mono_us now, struct fib_kop *ret)
{
	f->now = now;
	fib_settle(f);
	if (dump_next(f, ret))
		return true;
	if (!f->ready || f->free_flight == 0)
		return false;
	if (f->conf.observe) { /* what waits is done when that ends */
		fib_eval_some(f, EVAL_SLICE);
		return false;
	}
	while (!object_op(f, false, ret) && !work_op(f, ret)) {
		if (!fib_eval_some(f, EVAL_SLICE))
			return stray_op(f, ret) || object_op(f, true, ret);
		fib_settle(f);
	}
	return true;
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
		fib_want_dump(f, entry_is6(e) ? KERN_ROUTES6 : KERN_ROUTES4);
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
	struct ip_prefix p = entry_prefix(e);
	struct trouble *t = trouble_get(f, e);
	bool other = err == EEXIST &&
	    kern_route_at(&f->kern, &p, f->place.table, entry_metric(f, e));
	bool puzzling = is_puzzling(f, e, hops, err, other);

	t->failures++;
	snprintf(t->text, sizeof(t->text), "%s", text);
	entry_wait(f, e, t, plan_retry_delay_us(t->failures));
	if (puzzling && t->failures < 3)
		return;
	if (t->failures == (puzzling ? 3 : 1))
		fib_gather(f, err == EEXIST ? AGG_FOREIGN : AGG_FAILED, &p, 0, err,
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
		struct fib_set *s = container_of(l, struct fib_set, all);

		if (s->obj == id)
			fib_set_eval(f, s);
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
