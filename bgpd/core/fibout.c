/*
 * Next-hop sets and route intents.  See fibout.h.
 *
 * rib_fib() of a destination is what the agent was told last.  The members a destination
 * wants are made from its used paths whenever they are needed, so there is
 * nothing to keep up to date.  References to a set: destinations told, sets
 * whose backup it is, and fib.next_set, which bridges the time between its NHSET
 * and the ROUTE.
 *
 * Only sets of several next hops, or with a backup, are ever told again with others;
 * so a set that is a backup stays as it is.  Two sets may become equal by that.
 */
#include "bgpd/core/fibout.h"

#include <stdlib.h>
#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/linkbw.h"
#include "bgpd/core/loc.h"
#include "bgpd/core/speaker_priv.h"
#include "lib/mem.h"

/* Sets there may be before none with several members is added; the agent keeps more. */
#define FIB_MULTI_SETS_MAX 8192u

struct fib_set {
	struct hmap_node node;
	uint32_t id, refs;
	uint32_t next_dead; /* also links free slots */
	uint32_t backup; /* id of another, 0: none */
	bool told, on_dead, discard, again;
	uint16_t n;
	struct ipc_nh_member *member;
	uint16_t (*from)[AF_COUNT]; /* n + 1: of each member, and of the backup; 0: nobody yet */
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
	mem_free(s->from);
	slots_give(&f->sets, id);
	if (f->recent == id)
		f->recent = 0;
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

static struct ip_addr
backup_of(const struct fib *f, const struct fib_set *s)
{
	return s->backup ? set_at(f, s->backup)->member[0].addr : (struct ip_addr){ 0 };
}

static bool
same_set(const struct fib *f, const struct fib_set *s, const struct fib_want *want)
{
	const struct ipc_nhset *w = &want->set;
	struct ip_addr backup = backup_of(f, s);
	uint16_t k;

	if (s->n != w->n || s->discard != w->discard || !ip_addr_eq(&backup, &want->backup))
		return false;
	for (k = 0; k < s->n; k++)
		if (!ip_addr_eq(&s->member[k].addr, &w->member[k].addr) ||
		    s->member[k].weight != w->member[k].weight)
			return false;
	return true;
}

static uint8_t *
put_addr(uint8_t *p, const struct ip_addr *a)
{
	*p = a->af;
	memcpy(p + 1, &a->ifindex, 4);
	memcpy(p + 5, a->b, 16);
	return p + 21;
}

static uint64_t
set_hash(const struct fib *f, const struct fib_want *want)
{
	uint8_t buf[1 + (IPC_MEMBERS_MAX + 1) * 22], *p = buf;
	uint16_t k;

	*p++ = want->set.discard;
	for (k = 0; k < want->set.n; k++) {
		p = put_addr(p, &want->set.member[k].addr);
		*p++ = want->set.member[k].weight;
	}
	p = put_addr(p, &want->backup);
	return hmap_hash(&f->map, buf, (size_t)(p - buf));
}

static struct fib_set *
set_find(const struct fib *f, const struct fib_want *w, uint64_t hash)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&f->map, hash); n; n = hmap_next_with(n)) {
		struct fib_set *s = container_of(n, struct fib_set, node);

		if (same_set(f, s, w))
			return s;
	}
	return NULL;
}

static struct fib_set *
set_new(struct fib *f, const struct fib_want *w, uint64_t hash)
{
	uint32_t id = slots_take(&f->sets);
	struct fib_set *s = set_at(f, id);

	if (id > DEST_FIB_SET_MAX)
		abort(); /* the agent ends the channel at half of them */
	s->id = id;
	s->discard = w->set.discard;
	s->n = w->set.n;
	s->member = mem_dup(w->set.member, w->set.n * sizeof(*w->set.member));
	s->from = mem_zalloc_array(w->set.n + 1u, sizeof(*s->from));
	hmap_insert(&f->map, &s->node, hash);
	return s;
}

static struct fib_set *set_intern(struct fib *f, const struct fib_want *w);

/* The set with this content; a new one has a reference to its backup. */
static struct fib_set *
set_get(struct fib *f, const struct fib_want *w)
{
	uint64_t hash = set_hash(f, w);
	struct fib_set *s = set_find(f, w, hash);
	struct fib_want *b;

	if (s)
		return s;
	s = set_new(f, w, hash);
	if (w->backup.af != IP_NONE) {
		b = mem_zalloc(sizeof(*b));
		b->set.n = 1;
		b->set.member[0] = (struct ipc_nh_member){ .addr = w->backup, .weight = 1 };
		s->backup = set_intern(f, b)->id;
		mem_free(b);
	}
	return s;
}

/* The same, one reference more. */
static struct fib_set *
set_intern(struct fib *f, const struct fib_want *w)
{
	struct fib_set *s = f->recent ? set_at(f, f->recent) : NULL;

	if (!s || !same_set(f, s, w))
		s = set_get(f, w);
	f->recent = s->id;
	s->refs++;
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
		uint32_t backup = s->backup;

		set_free(f, s);
		set_unref(f, backup);
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
		s->told = false;
		s->refs = 1;
		set_unref(f, s->id);
		return true;
	}
	return false;
}

/* ---- what a destination wants ------------------------------------------------- */

/* *from is from that peer, too. */
static void
mix(uint16_t *from, uint16_t peer)
{
	if (*from == 0)
		*from = peer;
	else if (*from != peer)
		*from = FIB_FROM_MANY;
}

/*
 * Put one in, sorted by address.  Who told a next hop does not count: when one of two
 * reflectors is lost, the set stays the same, and nobody hears of it.
 */
static void
add_member(struct fib_want *want, const struct ip_addr *addr, uint16_t peer)
{
	struct ipc_nhset *w = &want->set;
	uint16_t k = w->n;
	int cmp = 1;

	while (k > 0 && (cmp = ip_addr_cmp(&w->member[k - 1].addr, addr)) > 0)
		k--;
	if (k > 0 && cmp == 0) {
		mix(&want->from[k - 1], peer);
		return;
	}
	memmove(&w->member[k + 1], &w->member[k], (w->n - k) * sizeof(w->member[0]));
	memmove(&want->from[k + 1], &want->from[k], (w->n - k) * sizeof(want->from[0]));
	w->member[k] = (struct ipc_nh_member){ .addr = *addr, .weight = 1 };
	want->from[k] = peer;
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

/* Where w has that next hop from; NULL: it has not. */
static uint16_t *
from_of(struct fib_want *w, const struct ip_addr *addr)
{
	uint16_t k;

	for (k = 0; k < w->set.n; k++)
		if (ip_addr_eq(&w->set.member[k].addr, addr))
			return &w->from[k];
	return w->backup.af != IP_NONE && ip_addr_eq(&w->backup, addr) ? &w->backup_from : NULL;
}

/*
 * Paths that are not used, the best first: others to the same next hops, and the backup.
 * Where all that were used are of sessions that just ended, the best of the others is what
 * the decision will come to.
 */
static void
look_beyond(const struct speaker *sp, unsigned i, uint32_t id, struct fib_want *w)
{
	const struct rib *rib = &sp->rib[i];

	for (; id; id = rib_path(rib, id)->next) {
		const struct path *p = rib_path(rib, id);
		struct ip_addr addr = adjin_next_hop(p);
		uint16_t *from = from_of(w, &addr);

		if (from) {
			mix(from, p->peer);
		} else if (w->set.n == 0 && loc_eligible(sp, i, id)) {
			add_member(w, &addr, p->peer);
		} else if (w->set.n == 1 && w->backup.af == IP_NONE && !w->set.discard &&
		    loc_eligible(sp, i, id)) {
			w->backup = addr;
			w->backup_from = p->peer;
		}
	}
}

/*
 * Peers could make sets without end, one for each choice among their next hops, but the
 * agent keeps only so many: then the best path is used alone, unless that set is there.
 */
static void
keep_to_limit(const struct fib *f, const struct ip_addr *best, struct fib_want *w)
{
	const uint16_t *from = from_of(w, best);
	uint16_t peer;

	if ((w->set.n <= 1 && w->backup.af == IP_NONE) || f->map.n < FIB_MULTI_SETS_MAX ||
	    set_find(f, w, set_hash(f, w)))
		return;
	w->backup = (struct ip_addr){ 0 };
	if (w->set.n <= 1 || !from)
		return;
	peer = *from;
	w->set.n = 0;
	add_member(w, best, peer);
}

/*
 * Weights by bandwidth, if each of the k used paths has one: RFC 10005. Of a next hop that
 * several peers tell of the best path's counts.
 */
static void
weigh(const struct speaker *sp, unsigned i, const struct dest *d, struct fib_want *w)
{
	const struct rib *rib = &sp->rib[i];
	float bw[IPC_MEMBERS_MAX] = { 0 };
	uint8_t weight[IPC_MEMBERS_MAX];
	uint32_t id = d->paths;
	uint16_t n;
	unsigned k;

	for (k = 0; k < d->used; k++, id = rib_path(rib, id)->next) {
		const struct path *p = rib_path(rib, id);
		struct ip_addr addr = adjin_next_hop(p);
		const uint16_t *from = from_of(w, &addr);
		float rate = linkbw_of(p->attrs);

		if (!from)
			continue; /* its session has ended, or there is no room for it */
		if (rate <= 0)
			return;
		if (bw[from - w->from] <= 0)
			bw[from - w->from] = rate;
	}
	linkbw_weights(bw, w->set.n, weight);
	for (n = 0; n < w->set.n; n++)
		w->set.member[n].weight = weight[n];
}

/*
 * What the destination wants.  Nothing where the agent would refuse it all: it need not know
 * a million routes for that.  Until the next decision used paths of an ended session are there.
 */
static void
wanted(const struct speaker *sp, unsigned i, uint32_t dest, struct fib_want *w)
{
	const struct rib *rib = &sp->rib[i];
	const struct dest *d = rib_dest(rib, dest);
	struct ip_addr best = { 0 };
	uint32_t id = d->paths;
	unsigned k;

	w->set.n = 0;
	w->set.discard = false;
	w->backup = (struct ip_addr){ 0 };
	if (sp->conf.no_routes)
		return;
	for (k = 0; k < d->used && w->set.n < IPC_MEMBERS_MAX; k++, id = rib_path(rib, id)->next) {
		const struct path *p = rib_path(rib, id);
		struct ip_addr addr = adjin_next_hop(p);

		if (p->peer == RIB_LOCAL_PEER)
			return;
		if (sp->conf.install && !adjin_live(sp, i, p))
			continue;
		w->set.discard |= w->set.n == 0 && asks_for_blackhole(sp, p);
		if (w->set.n == 0)
			best = addr;
		add_member(w, &addr, p->peer);
	}
	if (sp->conf.weighted && w->set.n > 1)
		weigh(sp, i, d, w);
	if (sp->conf.install && d->used > 0)
		look_beyond(sp, i, id, w);
	keep_to_limit(&sp->fib, &best, w);
}

/* Note in the set whom the destination has its next hops from. */
static void
note_from(struct fib_set *s, unsigned i, const struct fib_want *w)
{
	uint16_t k;

	for (k = 0; k < s->n; k++)
		mix(&s->from[k][i], w->from[k]);
	if (s->backup)
		mix(&s->from[s->n][i], w->backup_from);
}

/* The agent has been told just what the destination wants. */
static bool
is_told(const struct fib *f, uint32_t set, unsigned i, const struct fib_want *w)
{
	struct fib_set *s;

	if (set == 0)
		return w->set.n == 0;
	s = set_at(f, set);
	if (!same_set(f, s, w))
		return false;
	note_from(s, i, w);
	return true;
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

	wanted(sp, i, dest, &f->scratch);
	if (is_told(f, rib_fib(&sp->rib[i], dest).set, i, &f->scratch))
		drop_news(sp, i, dest);
	else
		bitq_add(&f->dirty[i], dest);
}

/* ---- telling -------------------------------------------------------------------- */

/*
 * The only writer of a destination's FIB state; keeps count of those without a verdict.  After a
 * restart End-of-RIB waits for the last of them.
 */
static void
set_state(struct speaker *sp, unsigned i, uint32_t dest, struct dest_fib fib)
{
	struct dest_fib old = rib_fib(&sp->rib[i], dest);
	bool was = old.set && old.state == IPC_V_PENDING;
	bool is = fib.set && fib.state == IPC_V_PENDING;

	rib_fib_set(&sp->rib[i], dest, fib);
	sp->fib.waiting += is - was;
	if (was && !is && sp->fib.waiting == 0)
		groups_kick(sp);
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
			uint32_t set = rib_fib(&sp->rib[i], id).set;

			if (!rib_is_dest(&sp->rib[i], id))
				continue;
			set_state(sp, i, id, (struct dest_fib){ .state = IPC_V_PENDING });
			set_unref(f, set);
			fib_update(sp, i, id);
		}
	while (f->dead) { /* the new agent never heard of them */
		struct fib_set *s = set_at(f, f->dead);

		f->dead = s->next_dead;
		s->on_dead = false;
		s->refs++;
		set_unref(f, s->id);
	}
	set_unref(f, f->next_set);
	f->next_set = 0;
	f->sync = FIB_SYNC_NEEDED;
}

static void
tell_set(struct fib *f, struct fib_set *s, struct fib_op *ret)
{
	s->told = true;
	f->out = (struct ipc_nhset){ .id = s->id, .backup = s->backup, .discard = s->discard,
		.n = s->n };
	memcpy(f->out.member, s->member, s->n * sizeof(s->member[0]));
	*ret = (struct fib_op){ .kind = FIB_NHSET, .set = s->id, .nhset = &f->out };
}

/* Turn one queued destination into an operation; false when it has no news after all. */
static bool
tell_dest(struct speaker *sp, unsigned i, uint32_t dest, struct fib_op *ret)
{
	struct fib *f = &sp->fib;
	uint32_t old = rib_fib(&sp->rib[i], dest).set;
	struct fib_set *s;

	wanted(sp, i, dest, &f->scratch);
	*ret = (struct fib_op){ .kind = FIB_ROUTE_DEL, .prefix = rib_prefix(&sp->rib[i], dest) };
	if (is_told(f, old, i, &f->scratch)) {
		drop_news(sp, i, dest);
		return false;
	}
	if (f->scratch.set.n == 0) {
		bitq_del(&f->dirty[i], dest);
		set_state(sp, i, dest, (struct dest_fib){ .state = IPC_V_PENDING });
		set_unref(f, old);
		return true;
	}
	s = set_intern(f, &f->scratch);
	ret->set = s->id;
	if (!s->told) { /* the backup first; the route follows with the next call */
		f->next_set = s->id;
		if (s->backup && !set_at(f, s->backup)->told)
			s = set_at(f, s->backup);
		tell_set(f, s, ret);
		return true;
	}
	bitq_del(&f->dirty[i], dest);
	note_from(s, i, &f->scratch);
	ret->kind = FIB_ROUTE;
	set_state(sp, i, dest, (struct dest_fib){ .set = s->id, .state = IPC_V_PENDING });
	set_unref(f, old);
	return true;
}

/*
 * The kernel's tree for IPv4 grows and shrinks by doubling. Full on one side and empty on the
 * other, which is how sorted tables come, it is taken apart and put together at every step:
 * half again as much time for all, and three times as much when they are removed. Every
 * eighth is best for it, as no small nodes are made that the root takes in later; rows of
 * eight leave together what has one attribute set, for the UPDATEs to others that follow.
 */
static bool
next_dirty(struct speaker *sp, unsigned i, uint32_t *ret)
{
	struct bitq *q = &sp->fib.dirty[i];

	if (i != AF_IDX(IP4))
		return bitq_peek(q, ret);
	return bitq_peek_spread(q, sp->groups.members[i] > 1 ? BITQ_ROWS : BITQ_SINGLE, ret);
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
		while (!found && next_dirty(sp, i, &dest))
			found = tell_dest(sp, i, dest, ret);
		if (!found)
			i = (i + 1) % AF_COUNT;
	}
	f->turn = (uint8_t)i;
	set_unref(f, held);
	return found;
}

/* A set that is to be told again; false when there is none. */
static bool
next_again(struct fib *f, struct fib_op *ret)
{
	for (; f->again && f->again < slots_end(&f->sets); f->again++) {
		struct fib_set *s = set_at(f, f->again);

		if (!s->again)
			continue;
		s->again = false;
		tell_set(f, s, ret);
		return true;
	}
	f->again = 0;
	return false;
}

/* Everything known has been told, and nothing that is known now waits to become a route. */
static bool
sync_complete(const struct speaker *sp)
{
	return fib_pending(sp) == 0 && !loc_busy(sp) && !adjin_walking(sp) && gr_next_hops_known(sp);
}

/*
 * Enough routes are with the agent. The others are better here, where only their newest state
 * is told, and where a set that changed is not behind them. One that only observes gives no
 * verdicts.
 */
static bool
agent_busy(const struct speaker *sp)
{
	return sp->conf.install && !sp->conf.observe && sp->fib.waiting >= FIB_WAITING_MAX;
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
	if (next_again(f, ret) || (!agent_busy(sp) && next_dest(sp, ret)) || next_dead(f, ret))
		return true;
	if (f->sync == FIB_SYNC_BODY && sync_complete(sp)) {
		f->sync = FIB_SYNC_DONE;
		*ret = (struct fib_op){ .kind = FIB_SYNC_END };
		gr_synced(sp);
		return true;
	}
	return false;
}

/* ---- a peer is lost --------------------------------------------------------------- */

/* Only that peer's paths led there, and those count no longer in the families of the mask. */
static bool
is_lost(const uint16_t from[AF_COUNT], uint16_t peer, unsigned mask)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < AF_COUNT; i++) {
		if (from[i] == 0)
			continue;
		if (from[i] != peer || !(mask >> i & 1))
			return false;
		any = true;
	}
	return any;
}

/* The set has other contents now; the agent is to hear of it. */
static void
set_changed(struct fib *f, struct fib_set *s)
{
	struct fib_want *w = mem_zalloc(sizeof(*w));

	w->set.n = s->n;
	w->set.discard = s->discard;
	memcpy(w->set.member, s->member, s->n * sizeof(s->member[0]));
	w->backup = backup_of(f, s);
	hmap_remove(&f->map, &s->node);
	hmap_insert(&f->map, &s->node, set_hash(f, w));
	mem_free(w);
	s->again = true;
	f->again = 1;
}

static void
drop_backup(struct fib *f, struct fib_set *s)
{
	uint32_t backup = s->backup;

	s->backup = 0;
	memset(s->from[s->n], 0, sizeof(s->from[0]));
	set_unref(f, backup);
}

/* Members that are lost go, or, when all are, the backup takes their place if there is one. */
static void
set_lose(struct fib *f, struct fib_set *s, uint16_t peer, unsigned mask)
{
	bool no_backup = !s->backup || is_lost(s->from[s->n], peer, mask);
	uint16_t k, n = 0;

	for (k = 0; k < s->n; k++)
		n += !is_lost(s->from[k], peer, mask);
	if (n == s->n ? no_backup == !s->backup : n == 0 && no_backup)
		return;
	if (n == 0) {
		s->member[0] = set_at(f, s->backup)->member[0];
		memcpy(s->from[0], s->from[s->n], sizeof(s->from[0]));
		no_backup = true;
		s->n = 1;
	}
	for (k = 0, n = 0; k < s->n; k++) {
		if (is_lost(s->from[k], peer, mask))
			continue;
		s->member[n] = s->member[k];
		memmove(s->from[n++], s->from[k], sizeof(s->from[0]));
	}
	memmove(s->from[n], s->from[s->n], sizeof(s->from[0]));
	s->n = n;
	if (no_backup && s->backup)
		drop_backup(f, s);
	set_changed(f, s);
}

void
fib_peer_lost(struct rpeer *rp)
{
	struct fib *f = &rp->sp->fib;
	unsigned mask = 0, i;
	uint32_t id;

	if (!rp->sp->conf.install)
		return;
	for (i = 0; i < AF_COUNT; i++)
		mask |= (unsigned)(adjin_count(rp, i) == 0) << i;
	for (id = 1; id < slots_end(&f->sets); id++) {
		struct fib_set *s = set_at(f, id);

		if (s->refs > 0 && s->told && (s->n > 1 || s->backup))
			set_lose(f, s, rp->index, mask);
	}
}

/* ---- verdicts --------------------------------------------------------------------- */

/*
 * Verdicts come in the order in which routes were told, and that goes through the destinations,
 * mostly in equal steps: the distance between the last two is the guess for the next. A wrong
 * guess costs one look.
 */
static uint32_t
find_next(struct fib_trail *t, const struct rib *rib, const struct ip_prefix *p)
{
	uint32_t dest = rib_find_guess(rib, p, t->last + t->step);

	if (dest) {
		t->step = dest - t->last;
		t->last = dest;
	}
	return dest;
}

bool
fib_verdict(struct speaker *sp, const struct ipc_verdict *v, unsigned *ret_i, uint32_t *ret_dest)
{
	uint16_t code = v->code < DEST_FIB_CODE_MAX ? v->code : DEST_FIB_CODE_MAX;
	struct dest_fib fib;

	if (v->prefix.af != IP4 && v->prefix.af != IP6)
		return false;
	*ret_i = AF_IDX(v->prefix.af);
	*ret_dest = find_next(&sp->fib.trail[*ret_i], &sp->rib[*ret_i], &v->prefix);
	if (*ret_dest == 0)
		return false;
	fib = rib_fib(&sp->rib[*ret_i], *ret_dest);
	if (fib.set == 0 || (fib.state == v->state && fib.code == code))
		return false;
	fib.state = v->state;
	fib.code = code;
	set_state(sp, *ret_i, *ret_dest, fib);
	return true;
}

enum fib_gate
fib_gate(const struct speaker *sp, unsigned i, uint32_t dest)
{
	if (!sp->conf.install)
		return FIB_GATE_OPEN;
	if (bitq_has(&sp->fib.dirty[i], dest))
		return FIB_GATE_WAIT;
	switch ((enum ipc_verdict_state)rib_fib(&sp->rib[i], dest).state) {
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

const char *
fib_gate_text(const struct speaker *sp, unsigned i, uint32_t dest)
{
	static const char *const shut[] = {
		[IPC_V_REFUSED] = "not announced: its route must not be installed here",
		[IPC_V_FAILED] = "not announced: the kernel refuses its route",
		[IPC_V_FOREIGN] = "not announced: somebody else's route has its place in the kernel",
		[IPC_V_SHADOWED] = "not announced: it lies within an own prefix",
	};

	switch (fib_gate(sp, i, dest)) {
	case FIB_GATE_OPEN:
		return NULL;
	case FIB_GATE_WAIT:
		return "not announced: its route is not in the kernel yet";
	case FIB_GATE_SHUT:
		break;
	}
	return shut[rib_fib(&sp->rib[i], dest).state];
}

uint64_t
fib_pending(const struct speaker *sp)
{
	return (uint64_t)sp->fib.dirty[0].count + sp->fib.dirty[1].count;
}
