/*
 * A small kernel; see fakekern.h.
 */
#include "tests/prop/fakekern.h"

#include <errno.h>
#include <string.h>

#include "agent/core/hops.h"
#include "lib/mem.h"

static void
note(struct fk *k, const struct fk_note *n)
{
	if (n->by == FIB_BY_SELF)
		return; /* the answer has said it: nlmon.h leaves these out */
	if (k->len == FK_QUEUE) {
		k->overflow = true;
		return;
	}
	k->queue[(k->head + k->len++) % FK_QUEUE] = *n;
}

static void
note_route(struct fk *k, const struct kern_route *r, bool gone, uint32_t by, bool replaced)
{
	struct fk_note n = { .what = r->prefix.af == IP4 ? KERN_ROUTES4 : KERN_ROUTES6,
		.gone = gone, .by = by };

	n.route = *r;
	n.route.replaced = replaced;
	/* nexthop_compat_mode: the object's legs are shown beside its number */
	if (r->nhid != 0)
		n.route.nlegs = fk_legs(k, r, n.route.leg);
	note(k, &n);
}

static void
note_nexthop(struct fk *k, const struct kern_nexthop *nh, bool gone, uint32_t by)
{
	struct fk_note n = { .what = KERN_NEXTHOPS, .gone = gone, .by = by };

	n.nexthop = *nh;
	note(k, &n);
}

static void
note_link(struct fk *k, unsigned int i)
{
	struct fk_note n = { .what = KERN_LINKS };

	n.link = k->link[i];
	note(k, &n);
}

static struct kern_addr
link_addr(unsigned int i, uint8_t af)
{
	struct kern_addr a = { .ifindex = i + 1, .plen = af == IP4 ? 24 : 64 };

	a.addr.af = af;
	if (af == IP4)
		memcpy(a.addr.b, (uint8_t[]){ 10, 0, (uint8_t)i, 1 }, 4);
	else
		memcpy(a.addr.b, (uint8_t[]){ 0xfd, 0, 0, (uint8_t)i, [15] = 1 }, 16);
	return a;
}

static void
note_addr(struct fk *k, unsigned int i, uint8_t af, bool gone)
{
	struct fk_note n = { .what = KERN_ADDRS, .gone = gone };

	n.addr = link_addr(i, af);
	note(k, &n);
}

static struct kern_route
connected(unsigned int i, uint8_t af)
{
	struct kern_addr a = link_addr(i, af);
	struct kern_route r = { .prefix = ip_prefix_of(&a.addr, a.plen), .table = 254,
		.metric = af == IP4 ? 0 : 256, .protocol = 2, .nlegs = 1 };

	r.leg[0].ifindex = i + 1;
	r.leg[0].weight = 1;
	return r;
}

const struct kern_nexthop *
fk_nexthop(const struct fk *k, uint32_t id)
{
	size_t i;

	for (i = 0; i < k->nnh; i++) {
		if (k->nh[i].id == id)
			return &k->nh[i];
	}
	return NULL;
}

uint16_t
fk_legs(const struct fk *k, const struct kern_route *r, struct kern_leg *ret)
{
	const struct kern_nexthop *nh = r->nhid ? fk_nexthop(k, r->nhid) : NULL;
	uint16_t i, n = 0;

	if (!nh) {
		memcpy(ret, r->leg, r->nlegs * sizeof(*ret));
		return legs_sort(ret, r->nlegs);
	}
	if (nh->ngroup == 0)
		ret[n++] = nh->leg;
	for (i = 0; i < nh->ngroup; i++) {
		const struct kern_nexthop *m = fk_nexthop(k, nh->group[i].id);

		if (m) {
			ret[n] = m->leg;
			ret[n++].weight = nh->group[i].weight;
		}
	}
	return legs_sort(ret, n);
}

/* ---- removal ------------------------------------------------------------- */

/* Order matters within one place: "the first one there". */
static void
route_remove_ordered(struct fk *k, size_t i)
{
	memmove(&k->route[i], &k->route[i + 1], (--k->nroutes - i) * sizeof(k->route[0]));
}

static bool
route_has_leg(const struct kern_route *r, uint32_t ifindex, bool all)
{
	uint16_t i, n = 0;

	for (i = 0; i < r->nlegs; i++)
		n += r->leg[i].ifindex == ifindex;
	return all ? n > 0 && n == r->nlegs : n > 0;
}

/* Silent for IPv4. */
static void
routes_drop_nhid(struct fk *k, uint32_t id)
{
	size_t i = 0;

	while (i < k->nroutes) {
		if (k->route[i].nhid != id) {
			i++;
			continue;
		}
		if (k->route[i].prefix.af == IP6)
			note_route(k, &k->route[i], true, 0, false);
		route_remove_ordered(k, i);
	}
}

/* Take the object out of the table, of groups, and its routes with it. */
static void
nexthop_remove(struct fk *k, uint32_t id)
{
	size_t i;
	uint16_t j, n;

	routes_drop_nhid(k, id);
	for (i = 0; i < k->nnh; i++) {
		if (k->nh[i].id == id) {
			k->nh[i] = k->nh[--k->nnh];
			break;
		}
	}
	for (i = 0; i < k->nnh; i++) {
		struct kern_nexthop *g = &k->nh[i];

		for (j = n = 0; j < g->ngroup; j++) {
			if (g->group[j].id != id)
				g->group[n++] = g->group[j];
		}
		if (n == g->ngroup)
			continue;
		g->ngroup = n;
		if (n == 0) {
			nexthop_remove(k, g->id);
			i = (size_t)-1; /* the array has changed */
		}
	}
}

void
fk_nexthop_del(struct fk *k, size_t i, uint32_t by)
{
	struct kern_nexthop nh = k->nh[i];

	note_nexthop(k, &nh, true, by);
	nexthop_remove(k, nh.id);
}

void
fk_route_del(struct fk *k, size_t i, uint32_t by)
{
	note_route(k, &k->route[i], true, by, false);
	route_remove_ordered(k, i);
}

static void
flush_nexthops(struct fk *k, uint32_t ifindex)
{
	size_t i = 0;

	while (i < k->nnh) {
		if (k->nh[i].ngroup == 0 && k->nh[i].leg.ifindex == ifindex) {
			nexthop_remove(k, k->nh[i].id);
			i = 0;
		} else {
			i++;
		}
	}
}

static void
flush_routes(struct fk *k, uint32_t ifindex)
{
	size_t i = 0;

	while (i < k->nroutes) {
		struct kern_route *r = &k->route[i];

		if (r->nhid != 0 || !route_has_leg(r, ifindex, true)) {
			i++;
			continue;
		}
		if (r->prefix.af == IP6)
			note_route(k, r, true, 0, false);
		route_remove_ordered(k, i);
	}
}

static void
connect_link(struct fk *k, unsigned int i, uint8_t af)
{
	struct kern_route r = connected(i, af);

	k->route[k->nroutes++] = r;
	note_route(k, &r, false, 0, false);
}

void
fk_link(struct fk *k, unsigned int i, bool up, bool carrier)
{
	struct kern_link *l = &k->link[i];
	bool was = l->up && l->carrier;

	carrier = carrier && up;
	if (l->up == up && l->carrier == carrier)
		return;
	if (l->carrier && !carrier)
		l->carrier_downs++;
	if (!l->up && up) {
		l->up = true;
		l->carrier = carrier;
		note_link(k, i);
		connect_link(k, i, IP4);
		note_addr(k, i, IP6, false);
		connect_link(k, i, IP6);
		return;
	}
	l->carrier = carrier;
	if (l->up && !up) {
		l->up = false;
		note_link(k, i);
		flush_nexthops(k, i + 1);
		flush_routes(k, i + 1);
		note_addr(k, i, IP6, true);
		return;
	}
	note_link(k, i);
	if (was && !carrier)
		flush_nexthops(k, i + 1);
}

void
fk_foreign_add(struct fk *k, const struct kern_route *r, bool append)
{
	size_t i;

	if (k->nroutes == FK_ROUTES)
		return;
	for (i = 0; i < k->nroutes; i++) {
		const struct kern_route *x = &k->route[i];

		if (!ip_prefix_eq(&x->prefix, &r->prefix) || x->metric != r->metric)
			continue;
		if (!append || x->protocol == r->protocol)
			return;
	}
	k->route[k->nroutes++] = *r;
	note_route(k, r, false, FK_BY, false);
}

/* ---- operations ---------------------------------------------------------- */

static size_t
route_at(const struct fk *k, const struct kern_route *r, bool proto)
{
	size_t i;

	for (i = 0; i < k->nroutes; i++) {
		const struct kern_route *x = &k->route[i];

		if (ip_prefix_eq(&x->prefix, &r->prefix) && x->metric == r->metric &&
		    x->table == r->table && (!proto || x->protocol == r->protocol))
			return i;
	}
	return FK_ROUTES;
}

static int
leg_check(const struct fk *k, const struct kern_leg *leg, bool carrier)
{
	unsigned int i = leg->ifindex - 1;

	if (i >= FK_LINKS || !k->link[i].up || (carrier && !k->link[i].carrier))
		return ENETDOWN;
	return leg->gw.af == IP_NONE ? EINVAL : 0;
}

static int
route_check(const struct fk *k, const struct kern_route *r)
{
	uint16_t i;
	int err;

	if (r->type != KERN_UNICAST)
		return 0;
	if (r->nhid != 0)
		return fk_nexthop(k, r->nhid) ? 0 : EINVAL;
	for (i = 0; i < r->nlegs; i++) {
		err = leg_check(k, &r->leg[i], false);
		if (err != 0)
			return err;
	}
	return r->nlegs > 0 ? 0 : EINVAL;
}

/* Is there word of somebody's doing at p that has not been delivered? */
static bool
is_news(const struct fk *k, const struct ip_prefix *p)
{
	size_t i;

	for (i = 0; i < k->len; i++) {
		const struct fk_note *n = &k->queue[(k->head + i) % FK_QUEUE];

		if (n->what >= KERN_ROUTES4 && n->by == FK_BY && ip_prefix_eq(&n->route.prefix, p))
			return true;
	}
	return k->overflow;
}

static int
exec_route(struct fk *k, const struct fib_kop *op)
{
	const struct kern_route *r = &op->route;
	size_t i = route_at(k, r, op->kind == FIB_OP_ROUTE_DEL);
	int err;

	if (r->protocol != FK_PROTO)
		k->broken++;
	if (op->kind == FIB_OP_ROUTE_DEL) {
		if (i == FK_ROUTES)
			return ESRCH;
		fk_route_del(k, i, FIB_BY_SELF);
		return 0;
	}
	err = route_check(k, r);
	if (err != 0)
		return err;
	if (op->kind == FIB_OP_ROUTE_ADD) {
		if (i != FK_ROUTES)
			return EEXIST;
		if (k->nroutes == FK_ROUTES)
			return ENOBUFS;
		k->route[k->nroutes++] = *r;
		note_route(k, r, false, FIB_BY_SELF, false);
		return 0;
	}
	if (i == FK_ROUTES)
		return ENOENT;
	if (k->route[i].protocol != FK_PROTO) {
		if (is_news(k, &r->prefix))
			return ENOENT; /* changed this instant: nobody could know */
		k->broken++; /* somebody else's, overwritten */
	}
	k->route[i] = *r;
	note_route(k, r, false, FIB_BY_SELF, true);
	return 0;
}

static int
exec_nexthop(struct fk *k, const struct fib_kop *op)
{
	const struct kern_nexthop *n = &op->nexthop;
	size_t at;
	uint16_t i;
	int err;

	for (at = 0; at < k->nnh && k->nh[at].id != n->id; at++)
		;
	if (op->kind == FIB_OP_NH_DEL) {
		if (at == k->nnh)
			return ENOENT;
		fk_nexthop_del(k, at, FIB_BY_SELF);
		return 0;
	}
	if (n->ngroup == 0 && (err = leg_check(k, &n->leg, true)) != 0)
		return err;
	for (i = 0; i < n->ngroup; i++) {
		if (!fk_nexthop(k, n->group[i].id))
			return EINVAL;
	}
	if (op->kind == FIB_OP_NH_ADD && at != k->nnh)
		return EEXIST;
	if (op->kind == FIB_OP_NH_REPLACE && at == k->nnh)
		return ENOENT;
	if (at == k->nnh && k->nnh == FK_NEXTHOPS)
		return ENOBUFS;
	if (at == k->nnh)
		k->nnh++;
	k->nh[at] = *n;
	note_nexthop(k, n, false, FIB_BY_SELF);
	return 0;
}

int
fk_exec(struct fk *k, const struct fib_kop *op)
{
	if (rng_chance(k->rng, k->fail_pct))
		return ENOBUFS;
	switch (op->kind) {
	case FIB_OP_ROUTE_ADD:
	case FIB_OP_ROUTE_REPLACE:
	case FIB_OP_ROUTE_DEL:
		return exec_route(k, op);
	case FIB_OP_NH_ADD:
	case FIB_OP_NH_REPLACE:
	case FIB_OP_NH_DEL:
		return exec_nexthop(k, op);
	case FIB_OP_DUMP:
		break;
	}
	return EINVAL;
}

/* ---- telling ------------------------------------------------------------- */

static void
tell(struct fib *f, struct mono_us now, const struct fk_note *n, uint32_t by)
{
	switch (n->what) {
	case KERN_LINKS:
		fib_see_link(f, now, &n->link, n->gone);
		break;
	case KERN_ADDRS:
		fib_see_addr(f, now, &n->addr, n->gone);
		break;
	case KERN_NEXTHOPS:
		fib_see_nexthop(f, now, &n->nexthop, n->gone, by);
		break;
	case KERN_ROUTES4:
	case KERN_ROUTES6:
		fib_see_route(f, now, &n->route, n->gone, by);
		break;
	case KERN_NWHAT:
		break;
	}
}

bool
fk_deliver(struct fk *k, struct fib *f, struct mono_us now)
{
	struct fk_note n;

	if (k->len == 0) {
		if (!k->overflow)
			return false;
		k->overflow = false;
		fib_overflow(f, now);
		return true;
	}
	n = k->queue[k->head];
	k->head = (k->head + 1) % FK_QUEUE;
	k->len--;
	tell(f, now, &n, n.by);
	return true;
}

void
fk_overflow(struct fk *k)
{
	if (k->len == 0)
		return;
	k->len = 0;
	k->overflow = true;
}

void
fk_dump(struct fk *k, struct fib *f, struct mono_us now, enum kern_what what)
{
	struct fk_note n = { .what = what };
	size_t i;

	fib_dump_begin(f, now, what);
	for (i = 0; what == KERN_LINKS && i < FK_LINKS; i++) {
		n.link = k->link[i];
		tell(f, now, &n, FIB_BY_DUMP);
	}
	for (i = 0; what == KERN_ADDRS && i < FK_LINKS; i++) {
		n.addr = link_addr((unsigned int)i, IP4);
		tell(f, now, &n, FIB_BY_DUMP);
		n.addr = link_addr((unsigned int)i, IP6);
		if (k->link[i].up)
			tell(f, now, &n, FIB_BY_DUMP);
	}
	for (i = 0; what == KERN_NEXTHOPS && i < k->nnh; i++) {
		n.nexthop = k->nh[i];
		tell(f, now, &n, FIB_BY_DUMP);
	}
	for (i = 0; what >= KERN_ROUTES4 && i < k->nroutes; i++) {
		n.route = k->route[i];
		n.route.replaced = false;
		if (n.route.nhid != 0)
			n.route.nlegs = fk_legs(k, &k->route[i], n.route.leg);
		if ((what == KERN_ROUTES4) == (n.route.prefix.af == IP4))
			tell(f, now, &n, FIB_BY_DUMP);
		if (rng_chance(k->rng, 2) && k->len > 0)
			fk_deliver(k, f, now); /* the monitor speaks in between */
	}
	fib_dump_end(f, now, what);
}

void
fk_init(struct fk *k, struct rng *rng)
{
	unsigned int i;

	memset(k, 0, sizeof(*k));
	k->rng = rng;
	k->queue = mem_zalloc_array(FK_QUEUE, sizeof(*k->queue));
	for (i = 0; i < FK_LINKS; i++) {
		k->link[i] = (struct kern_link){ .ifindex = i + 1, .up = true, .carrier = true };
		k->link[i].name[0] = (char)('a' + i);
		k->route[k->nroutes++] = connected(i, IP4);
		k->route[k->nroutes++] = connected(i, IP6);
	}
}

void
fk_fini(struct fk *k)
{
	mem_free(k->queue);
}
