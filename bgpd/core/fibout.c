/*
 * Next-hop sets and route intents.  See fibout.h.
 *
 * dest->fib_set is what the agent was told last.  The members a destination
 * wants are made from its used paths whenever they are needed, so there is
 * nothing to keep up to date.  References to a set: destinations told, and
 * fib.next_set, which bridges the time between its NHSET and the ROUTE.
 */
#include "bgpd/core/fibout.h"

#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/loc.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

struct fib_set {
	struct hmap_node node;
	uint32_t id, refs;
	uint32_t next_dead; /* also links free slots */
	bool told, on_dead, discard;
	uint16_t n;
	struct ipc_nh_member *member;
};

static struct fib_set *
set_at(const struct fib *f, uint32_t id)
{
	return slots_at(&f->sets, id);
}

void
fib_init(struct speaker *sp, const uint64_t key[2])
{
	sp->fib = (struct fib){ 0 };
	slots_init(&sp->fib.sets, sizeof(struct fib_set), offsetof(struct fib_set, next_dead));
	hmap_init(&sp->fib.map, key);
}

/* ---- sets -------------------------------------------------------------------- */

static void
set_free(struct fib *f, struct fib_set *s)
{
	uint32_t id = s->id;

	hmap_remove(&f->map, &s->node);
	mem_free(s->member);
	slots_give(&f->sets, id);
}

void
fib_free(struct speaker *sp)
{
	struct fib *f = &sp->fib;
	struct hmap_node *n, *tmp;
	unsigned i;

	HMAP_FOREACH_SAFE(n, tmp, &f->map)
		set_free(f, container_of(n, struct fib_set, node));
	hmap_free(&f->map);
	slots_free(&f->sets);
	for (i = 0; i < AF_COUNT; i++)
		bitq_free(&f->dirty[i]);
}

static bool
same_members(const struct fib_set *s, const struct ipc_nhset *w)
{
	uint16_t k;

	if (s->n != w->n || s->discard != w->discard)
		return false;
	for (k = 0; k < s->n; k++)
		if (!ip_addr_eq(&s->member[k].addr, &w->member[k].addr) ||
		    s->member[k].weight != w->member[k].weight)
			return false;
	return true;
}

static uint64_t
members_hash(const struct fib *f, const struct ipc_nhset *w)
{
	uint8_t buf[1 + IPC_MEMBERS_MAX * 22], *p = buf;
	uint16_t k;

	*p++ = w->discard;
	for (k = 0; k < w->n; k++) {
		*p++ = w->member[k].addr.af;
		memcpy(p, &w->member[k].addr.ifindex, 4);
		memcpy(p + 4, w->member[k].addr.b, 16);
		p[20] = w->member[k].weight;
		p += 21;
	}
	return hmap_hash(&f->map, buf, (size_t)(p - buf));
}

/* The set with these members, one reference more. */
static struct fib_set *
set_intern(struct fib *f, const struct ipc_nhset *w)
{
	uint64_t hash = members_hash(f, w);
	struct hmap_node *n;
	struct fib_set *s;
	uint32_t id;

	for (n = hmap_first_with(&f->map, hash); n; n = hmap_next_with(n)) {
		s = container_of(n, struct fib_set, node);
		if (same_members(s, w)) {
			s->refs++;
			return s;
		}
	}
	id = slots_take(&f->sets);
	s = set_at(f, id);
	s->id = id;
	s->refs = 1;
	s->discard = w->discard;
	s->n = w->n;
	s->member = mem_dup(w->member, w->n * sizeof(*w->member));
	hmap_insert(&f->map, &s->node, hash);
	return s;
}

/* One reference less: the last one leaves it to be taken back. id 0: nothing. */
static void
set_unref(struct fib *f, uint32_t id)
{
	struct fib_set *s;

	if (id == 0)
		return;
	s = set_at(f, id);
	if (--s->refs > 0 || s->on_dead)
		return;
	if (!s->told) {
		set_free(f, s);
		return;
	}
	s->on_dead = true;
	s->next_dead = f->dead;
	f->dead = id;
}

/* A set to take back; false when there is none. */
static bool
next_dead(struct fib *f, struct fib_op *ret)
{
	while (f->dead) {
		struct fib_set *s = set_at(f, f->dead);

		f->dead = s->next_dead;
		s->next_dead = 0;
		s->on_dead = false;
		if (s->refs > 0) /* in use again */
			continue;
		*ret = (struct fib_op){ .kind = FIB_NHSET_DEL, .set = s->id };
		set_free(f, s);
		return true;
	}
	return false;
}

/* ---- what a destination wants ------------------------------------------------- */

/*
 * Put one in, sorted by address.  Who told a next hop does not count: when one of two
 * reflectors is lost, the set stays the same, and nobody hears of it.
 */
static void
add_member(struct ipc_nhset *w, const struct ip_addr *addr)
{
	uint16_t k = w->n;
	int cmp = 1;

	while (k > 0 && (cmp = ip_addr_cmp(&w->member[k - 1].addr, addr)) > 0)
		k--;
	if (k > 0 && cmp == 0)
		return;
	memmove(&w->member[k + 1], &w->member[k], (w->n - k) * sizeof(w->member[0]));
	w->member[k] = (struct ipc_nh_member){ .addr = *addr, .weight = 1 };
	w->n++;
}

/* An external peer asked for it, and may: RFC 7999 section 3.3. */
static bool
asks_for_blackhole(const struct speaker *sp, const struct path *p)
{
	const struct import_policy *imp = &sp->peer[p->peer]->imp;

	return imp->accept_blackhole && imp->ebgp && !imp->confed &&
	    attrs_has_community(p->attrs, COMM_BLACKHOLE);
}

/* n 0: no route (unreachable, or the agent has its own). */
static void
wanted_members(const struct speaker *sp, unsigned i, uint32_t dest, struct ipc_nhset *w)
{
	const struct rib *rib = &sp->rib[i];
	const struct dest *d = rib_dest(rib, dest);
	uint32_t id = d->paths;
	unsigned k;

	w->n = 0;
	w->discard = false;
	for (k = 0; k < d->used && w->n < IPC_MEMBERS_MAX; k++, id = rib_path(rib, id)->next) {
		const struct path *p = rib_path(rib, id);
		struct ip_addr addr = adjin_next_hop(p);

		if (p->peer == RIB_LOCAL_PEER)
			break;
		w->discard |= k == 0 && asks_for_blackhole(sp, p);
		add_member(w, &addr);
	}
}

/* The agent has been told just what the destination wants. */
static bool
is_told(const struct fib *f, const struct dest *d, const struct ipc_nhset *w)
{
	if (d->fib_set == 0)
		return w->n == 0;
	return same_members(set_at(f, d->fib_set), w);
}

/* No news after all: announcements that waited for the news need wait no more. */
static void
drop_news(struct speaker *sp, unsigned i, uint32_t dest)
{
	if (bitq_del(&sp->fib.dirty[i], dest))
		groups_touch(sp, i, dest);
}

void
fib_update(struct speaker *sp, unsigned i, uint32_t dest)
{
	struct fib *f = &sp->fib;

	wanted_members(sp, i, dest, &f->scratch);
	if (is_told(f, rib_dest(&sp->rib[i], dest), &f->scratch))
		drop_news(sp, i, dest);
	else
		bitq_add(&f->dirty[i], dest);
}

/* ---- telling -------------------------------------------------------------------- */

/* The only writer of a destination's FIB state; keeps count of those without a verdict. */
static void
set_state(struct fib *f, struct dest *d, uint32_t set, uint8_t state, uint16_t code)
{
	bool was = d->fib_set && d->fib_state == IPC_V_PENDING;
	bool is = set && state == IPC_V_PENDING;

	d->fib_set = set;
	d->fib_state = state;
	d->fib_code = code;
	f->waiting += is - was;
}

void
fib_reset(struct speaker *sp)
{
	struct fib *f = &sp->fib;
	struct hmap_node *n;
	unsigned i;
	uint32_t id;

	HMAP_FOREACH(n, &f->map)
		container_of(n, struct fib_set, node)->told = false;
	for (i = 0; i < AF_COUNT; i++)
		for (id = 1; id < slots_end(&sp->rib[i].dests); id++) {
			struct dest *d = rib_dest(&sp->rib[i], id);
			uint32_t set = d->fib_set;

			if (!rib_is_dest(&sp->rib[i], id))
				continue;
			set_state(f, d, 0, IPC_V_PENDING, 0);
			set_unref(f, set);
			fib_update(sp, i, id);
		}
	while (f->dead) { /* the new agent never heard of them */
		struct fib_set *s = set_at(f, f->dead);

		f->dead = s->next_dead;
		s->on_dead = false;
		if (s->refs == 0)
			set_free(f, s);
	}
	set_unref(f, f->next_set);
	f->next_set = 0;
	f->sync = FIB_SYNC_NEEDED;
}

/* Turn one queued destination into an operation; false when it has no news after all. */
static bool
tell_dest(struct speaker *sp, unsigned i, uint32_t dest, struct fib_op *ret)
{
	struct fib *f = &sp->fib;
	struct dest *d = rib_dest(&sp->rib[i], dest);
	uint32_t old = d->fib_set;
	struct fib_set *s;

	wanted_members(sp, i, dest, &f->scratch);
	*ret = (struct fib_op){ .kind = FIB_ROUTE_DEL, .prefix = rib_prefix(&sp->rib[i], dest) };
	if (is_told(f, d, &f->scratch)) {
		drop_news(sp, i, dest);
		return false;
	}
	if (f->scratch.n == 0) {
		bitq_del(&f->dirty[i], dest);
		set_state(f, d, 0, IPC_V_PENDING, 0);
		set_unref(f, old);
		return true;
	}
	s = set_intern(f, &f->scratch);
	ret->set = s->id;
	if (!s->told) { /* the route follows with the next call */
		s->told = true;
		ret->kind = FIB_NHSET;
		f->out = f->scratch;
		f->out.id = s->id;
		f->out.backup = 0;
		ret->nhset = &f->out;
		f->next_set = s->id;
		return true;
	}
	bitq_del(&f->dirty[i], dest);
	ret->kind = FIB_ROUTE;
	set_state(f, d, s->id, IPC_V_PENDING, 0);
	set_unref(f, old);
	return true;
}

static bool
next_dest(struct speaker *sp, struct fib_op *ret)
{
	struct fib *f = &sp->fib;
	uint32_t held = f->next_set, dest;
	unsigned tries, i = f->turn;
	bool found = false;

	f->next_set = 0;
	for (tries = 0; tries < AF_COUNT && !found; tries++) {
		while (!found && bitq_peek(&f->dirty[i], &dest))
			found = tell_dest(sp, i, dest, ret);
		if (!found)
			i = (i + 1) % AF_COUNT;
	}
	f->turn = (uint8_t)i;
	set_unref(f, held);
	return found;
}

/* Everything known has been told, and nothing that is known now waits to become a route. */
static bool
sync_complete(const struct speaker *sp)
{
	return !loc_busy(sp) && !adjin_walking(sp) && gr_next_hops_known(sp);
}

bool
fib_next(struct speaker *sp, struct fib_op *ret)
{
	struct fib *f = &sp->fib;

	if (f->sync == FIB_SYNC_NEEDED) {
		f->sync = FIB_SYNC_BODY;
		*ret = (struct fib_op){ .kind = FIB_SYNC_BEGIN };
		return true;
	}
	if (sp->gr.deferring)
		return false;
	if (next_dest(sp, ret) || next_dead(f, ret))
		return true;
	if (f->sync == FIB_SYNC_BODY && sync_complete(sp)) {
		f->sync = FIB_SYNC_DONE;
		*ret = (struct fib_op){ .kind = FIB_SYNC_END };
		gr_synced(sp);
		return true;
	}
	return false;
}

/* ---- verdicts --------------------------------------------------------------------- */

bool
fib_verdict(struct speaker *sp, const struct ipc_verdict *v, unsigned *ret_i, uint32_t *ret_dest)
{
	struct dest *d;

	if (v->prefix.af != IP4 && v->prefix.af != IP6)
		return false;
	*ret_i = AF_IDX(v->prefix.af);
	*ret_dest = rib_find(&sp->rib[*ret_i], &v->prefix);
	if (*ret_dest == 0)
		return false;
	d = rib_dest(&sp->rib[*ret_i], *ret_dest);
	if (d->fib_set == 0 || (d->fib_state == v->state && d->fib_code == v->code))
		return false;
	set_state(&sp->fib, d, d->fib_set, v->state, v->code);
	return true;
}

enum fib_gate
fib_gate(const struct speaker *sp, unsigned i, uint32_t dest)
{
	const struct dest *d = rib_dest(&sp->rib[i], dest);

	if (!sp->conf.install)
		return FIB_GATE_OPEN;
	if (bitq_has(&sp->fib.dirty[i], dest))
		return FIB_GATE_WAIT;
	switch ((enum ipc_verdict_state)d->fib_state) {
	case IPC_V_INSTALLED:
		return FIB_GATE_OPEN;
	case IPC_V_PENDING:
	case IPC_V_HELD:
		return FIB_GATE_WAIT;
	case IPC_V_REFUSED:
	case IPC_V_FAILED:
	case IPC_V_FOREIGN:
	case IPC_V_SHADOWED:
		break;
	}
	return FIB_GATE_SHUT;
}

uint64_t
fib_pending(const struct speaker *sp)
{
	return (uint64_t)sp->fib.dirty[0].count + sp->fib.dirty[1].count;
}
