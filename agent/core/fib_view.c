/*
 * Views of the routing state, for the CLI, metrics and configuration.
 */
#include <stdio.h>
#include <string.h>

#include "agent/core/fib_priv.h"

static const char *
kind_name(const struct fib_entry *e)
{
	if (e->adopted && e->set == 0 && !e->wanted)
		return "adopted";
	switch ((enum fib_kind)e->kind) {
	case FIB_LEARNED:
		return "learned";
	case FIB_BLOCK:
		return "own-block";
	case FIB_DISCARD:
		return "discard";
	case FIB_NKINDS:
		break;
	}
	return "unknown";
}

static void
held_reason(const struct fib *f, const struct fib_set *s, char *buf, size_t cap)
{
	char a[IP_ADDR_STRLEN], why[IPC_TEXT_MAX - 80];
	uint16_t i;

	for (i = 0; i < s->nhs.n; i++) {
		const struct nh *nh = s->nhs.ref[i].nh;

		if (nh->resolved)
			continue;
		nht_why_text(&f->nht, nh, why, sizeof(why));
		snprintf(buf, cap, "next hop %s: %s", ip_addr_str(&nh->addr, a), why);
		return;
	}
	snprintf(buf, cap, "its next hops are not resolved yet");
}

static void
fill_reason(const struct fib *f, const struct fib_entry *e, char *buf, size_t cap)
{
	const struct trouble *t = trouble_find(f, e);
	struct ip_prefix p = entry_prefix(e);
	const struct kroute *r;

	buf[0] = '\0';
	switch ((enum fib_state)e->state) {
	case FIB_ST_REFUSED:
		snprintf(buf, cap, "%s", ipc_refusal_text((enum ipc_refusal)e->code));
		break;
	case FIB_ST_FAILED:
		snprintf(buf, cap, "the kernel says %s (error %u)%s", t && t->text[0] ? t->text : "no",
		    e->code, t && t->waiting ? ", will try again" : "");
		break;
	case FIB_ST_FOREIGN:
		r = kern_route_at(&f->kern, &p, f->place.table, entry_metric(f, e));
		if (r)
			snprintf(buf, cap, "a route of protocol %u with the same metric is there",
			    r->protocol);
		else
			snprintf(buf, cap, "somebody else's route with the same metric is there");
		break;
	case FIB_ST_HELD:
		if (e->leaving && f->guard.holding)
			snprintf(buf, cap, "withdrawn with many others: kernel.massWithdrawGuard keeps it");
		else if (f->flushed)
			snprintf(buf, cap, "removed by `weft flush`; `weft reload` installs it again");
		else if (e->set)
			held_reason(f, f->setv[e->set], buf, cap);
		break;
	case FIB_ST_STALE:
		snprintf(buf, cap, "kept from before the restart");
		break;
	case FIB_ST_REMOVING:
		snprintf(buf, cap, "no longer wanted");
		break;
	case FIB_ST_PENDING:
		if (f->conf.observe)
			snprintf(buf, cap, "observe is on: nothing is put into the kernel");
		else if (t && t->waiting)
			snprintf(buf, cap, "deleted %u times by somebody else, put back with delay",
			    t->repairs);
		break;
	case FIB_ST_INSTALLED:
		break;
	}
}

static void
fill_route(const struct fib *f, const struct fib_entry *e, uint32_t hops, struct kern_route *r)
{
	const struct hops *h = hops_at(&f->hops, hops);

	memset(r, 0, sizeof(*r));
	r->prefix = entry_prefix(e);
	r->table = f->place.table;
	r->metric = entry_metric(f, e);
	r->protocol = f->place.protocol;
	if (h)
		hops_to_route(h, r);
}

/* The legs behind a nexthop object, for people. */
static void
fill_object_legs(const struct fib *f, struct kern_route *r, bool known)
{
	const struct nhobj *o = r->nhid ? nhobj_find(&f->objs, r->nhid) : NULL;
	const struct nhobj_member *m;
	uint16_t i, n;

	if (!o)
		return;
	if (!o->group) {
		r->leg[0] = o->leg;
		r->nlegs = 1;
		return;
	}
	m = known ? o->have : o->want;
	n = known ? o->nhave : o->nwant;
	for (i = 0; i < n && r->nlegs < IPC_MEMBERS_MAX; i++) {
		const struct nhobj *leg = nhobj_find(&f->objs, m[i].id);

		if (!leg)
			continue;
		r->leg[r->nlegs] = leg->leg;
		r->leg[r->nlegs++].weight = m[i].weight;
	}
}

static bool
object_differs(const struct fib *f, uint32_t nhid)
{
	const struct nhobj *o = nhid ? nhobj_find(&f->objs, nhid) : NULL;
	uint16_t i;

	if (!o)
		return false;
	if (!o->known || o->differs || o->nwant != (o->group ? o->nhave : 0))
		return true;
	for (i = 0; i < o->nwant; i++) {
		if (o->want[i].id != o->have[i].id || o->want[i].weight != o->have[i].weight)
			return true;
	}
	return false;
}

static void
fill_view(const struct fib *f, const struct fib_entry *e, struct fib_view *v)
{
	const struct trouble *t = trouble_find(f, e);
	enum fib_state state;
	uint16_t code;
	uint32_t want = entry_want(f, e, &state, &code);

	v->prefix = entry_prefix(e);
	v->state = (enum fib_state)e->state;
	if (v->state == FIB_ST_INSTALLED && f->stale && e->kind == FIB_LEARNED && !e->fresh)
		v->state = FIB_ST_STALE;
	v->kind = kind_name(e);
	fill_reason(f, e, v->reason, sizeof(v->reason));
	v->in_kernel = e->have != 0;
	v->wanted = want != 0;
	fill_route(f, e, want, &v->want);
	fill_route(f, e, e->have, &v->have);
	v->nhid = e->have ? v->have.nhid : v->want.nhid;
	fill_object_legs(f, &v->want, false);
	fill_object_legs(f, &v->have, true);
	v->differs = want != e->have || (want != 0 && object_differs(f, v->want.nhid));
	v->set = e->set ? f->setv[e->set]->id : 0;
	v->repairs = t ? t->repairs : 0;
	v->held_until = e->leaving && f->guard.holding ? f->guard.until : (struct mono_us){ 0 };
}

bool
fib_next_view(const struct fib *f, struct fib_cursor *cur, struct fib_view *ret)
{
	struct fib_entry *best = NULL, *e;
	struct ip_prefix first = { 0 }, p;
	int k;

	for (k = 0; k < FIB_NKINDS; k++) {
		e = k > cur->kind && cur->after.af != IP_NONE
		    ? entry_find(f, (enum fib_kind)k, &cur->after) : NULL;
		if (!e)
			e = entry_after(f, (enum fib_kind)k, &cur->after);
		if (!e)
			continue;
		p = entry_prefix(e);
		if (!best || ip_prefix_cmp(&p, &first) < 0) {
			best = e;
			first = p;
		}
	}
	if (!best)
		return false;
	cur->after = first;
	cur->kind = best->kind;
	fill_view(f, best, ret);
	return true;
}

bool
fib_view_lookup(const struct fib *f, const struct ip_prefix *p, bool longest, struct fib_view *ret)
{
	struct fib_entry *best = NULL, *e;
	int k;

	for (k = 0; k < FIB_NKINDS; k++) {
		e = longest ? entry_covering(f, (enum fib_kind)k, p)
			    : entry_find(f, (enum fib_kind)k, p);
		if (e && (!best || e->len > best->len))
			best = e;
	}
	if (best)
		fill_view(f, best, ret);
	return best != NULL;
}

bool
fib_next_nh_view(const struct fib *f, const struct ip_addr *after, struct fib_nh_view *ret)
{
	const struct nh *nh = nht_after(&f->nht, after);
	struct list *l;

	while (nh && !nht_is_next_hop(nh))
		nh = nht_after(&f->nht, &nh->addr);
	if (!nh)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->nh = nh->addr;
	ret->watched = nh->watched;
	ret->resolved = nh->resolved;
	ret->onlink = nh->onlink;
	ret->metric = nh->metric;
	LIST_FOREACH(l, &nh->users) {
		const struct nh_ref *r = container_of(l, struct nh_ref, link);

		ret->users += container_of(r->set, struct fib_set, nhs)->n;
	}
	nht_via_text(&f->nht, nh, ret->via, sizeof(ret->via));
	nht_why_text(&f->nht, nh, ret->why, sizeof(ret->why));
	return true;
}

void
fib_stats(const struct fib *f, struct fib_stats *ret)
{
	int i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < 2; i++) {
		ret->wanted[i] = f->nwanted[i] - f->nleaving[i];
		ret->installed[i] = f->nstate[FIB_ST_INSTALLED][i] + f->nstate[FIB_ST_STALE][i];
		ret->refused += f->nstate[FIB_ST_REFUSED][i];
		ret->failed += f->nstate[FIB_ST_FAILED][i];
		ret->foreign += f->nstate[FIB_ST_FOREIGN][i];
		ret->held += f->nstate[FIB_ST_HELD][i];
	}
	ret->flushed = f->flushed;
	ret->hold_n = f->guard.holding ? f->guard.n : 0;
	ret->hold_of = f->guard.holding ? f->guard.of : 0;
	ret->hold_until = f->guard.holding ? f->guard.until : (struct mono_us){ 0 };
	ret->holds = f->guard.holds;
	ret->ops = f->ops;
	ret->op_errors = f->op_errors;
	ret->repairs = f->repairs;
	ret->dumps = f->dumps;
	ret->nh_objects = f->objs.n;
	ret->synced = f->ready && f->work.n == 0 && f->nflight == 0 && !nhobj_pending(&f->objs) &&
	    f->eval_at == 0 && list_is_empty(&f->evals) && list_is_empty(&f->strays) && list_is_empty(&f->nht.dirty) &&
	    list_is_empty(&f->nht.dirty_sets) && ret->failed == 0 && ret->foreign == 0;
	ret->stale = f->stale;
}

const struct kern_link *
fib_link(const struct fib *f, uint32_t ifindex)
{
	const struct klink *l = kern_link(&f->kern, ifindex);

	return l ? &l->l : NULL;
}

const struct kern_link *
fib_link_by_name(const struct fib *f, const char *name)
{
	const struct klink *l = kern_link_by_name(&f->kern, name);

	return l ? &l->l : NULL;
}

bool
fib_next_addr(const struct fib *f, size_t *pos, struct kern_addr *ret)
{
	struct trie_node *n;
	size_t i = 0;

	TRIE_FOREACH(n, &f->kern.addrs) {
		const struct kaddr *a = container_of(n, struct kaddr, node);

		for (; a; a = a->next) {
			if (a->a.tentative || i++ < *pos)
				continue;
			*pos = i;
			*ret = a->a;
			return true;
		}
	}
	return false;
}

uint32_t
fib_onlink_ifindex(const struct fib *f, const struct ip_addr *a)
{
	const struct kroute *r;
	struct kern_leg leg[1];

	if (a->af == IP6 && ip_addr_is_link_local(a))
		return a->ifindex;
	r = kern_lpm(&f->kern, a);
	if (!r || kern_route_legs(&f->kern, r, leg, 1) == 0)
		return 0;
	return leg[0].gw.af == IP_NONE ? leg[0].ifindex : 0;
}

bool
fib_has_addr(const struct fib *f, const struct ip_addr *a)
{
	return kern_addr_usable(&f->kern, a);
}

uint64_t
fib_addr_gen(const struct fib *f)
{
	return f->addr_gen;
}
