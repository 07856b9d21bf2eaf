/*
 * Next hops: users, watches, answers.  See nht.h.
 *
 * An object without users stays until the end of its watch was told; one that
 * finds a new user before that was never unwatched.
 */
#include "bgpd/core/nht.h"

#include <assert.h>
#include <string.h>

#include "lib/mem.h"

void
nht_init(struct nht *t, const uint64_t key[2])
{
	*t = (struct nht){ 0 };
	t->memo = mem_zalloc_array(NHT_MEMO, sizeof(struct nh *));
	hmap_init(&t->map, key);
	list_init(&t->pending);
}

/* Where a next hop is kept in mind. */
static struct nh **
memo_of(const struct nht *t, const struct ip_addr *addr)
{
	return &t->memo[nht_memo_at(addr->af, addr->b)];
}

static void
nh_free(struct nht *t, struct nh *nh)
{
	struct nh **memo = memo_of(t, &nh->addr);

	if (*memo == nh)
		*memo = NULL;
	list_remove(&nh->pending);
	hmap_remove(&t->map, &nh->node);
	mem_free(nh->waiting);
	mem_free(nh->why);
	mem_free(nh);
}

void
nht_free(struct nht *t)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &t->map)
		nh_free(t, container_of(n, struct nh, node));
	hmap_free(&t->map);
	mem_free(t->memo);
}

static uint64_t
nh_hash(const struct nht *t, const struct ip_addr *addr)
{
	uint8_t key[21];

	key[0] = addr->af;
	memcpy(key + 1, addr->b, 16);
	memcpy(key + 17, &addr->ifindex, 4);
	return hmap_hash(&t->map, key, sizeof(key));
}

static struct nh *
find_hashed(const struct nht *t, const struct ip_addr *addr, uint64_t hash)
{
	struct hmap_node *n;

	for (n = hmap_first_with(&t->map, hash); n; n = hmap_next_with(n)) {
		struct nh *nh = container_of(n, struct nh, node);

		if (ip_addr_eq(&nh->addr, addr))
			return nh;
	}
	return NULL;
}

struct nh *
nht_find(const struct nht *t, const struct ip_addr *addr)
{
	struct nh **memo = memo_of(t, addr), *nh = *memo;

	if (nh && ip_addr_eq(&nh->addr, addr))
		return nh;
	nh = find_hashed(t, addr, nh_hash(t, addr));
	if (nh)
		*memo = nh;
	return nh;
}

/* There is something to tell unless the agent knows already. */
static void
update_pending(struct nht *t, struct nh *nh)
{
	bool wanted = nh->users > 0;

	list_remove(&nh->pending);
	if (wanted != nh->told)
		list_push_back(&t->pending, &nh->pending);
}

struct nh *
nht_ref(struct nht *t, const struct ip_addr *addr)
{
	struct nh *nh = nht_find(t, addr);

	if (!nh) {
		nh = mem_zalloc(sizeof(*nh));
		nh->addr = *addr;
		list_init(&nh->pending);
		hmap_insert(&t->map, &nh->node, nh_hash(t, addr));
	}
	if (nh->users++ == 0) {
		if (!nh->answered)
			t->unanswered++;
		update_pending(t, nh);
	}
	return nh;
}

void
nht_unref(struct nht *t, const struct ip_addr *addr)
{
	nht_leave(t, nht_find(t, addr));
}

void
nht_leave(struct nht *t, struct nh *nh)
{
	assert(nh && nh->users > 0);
	if (--nh->users > 0)
		return;
	if (!nh->answered)
		t->unanswered--;
	if (!nh->told)
		nh_free(t, nh);
	else
		update_pending(t, nh);
}

static void
forget_waiting(struct nh *nh)
{
	mem_free(nh->waiting);
	nh->waiting = NULL;
	nh->nwaiting = 0;
}

void
nht_wait(struct nh *nh, unsigned i, uint32_t dest)
{
	uint32_t n = nh->nwaiting;

	if (nh->answered || n > NHT_WAITING_MAX)
		return;
	if (n > 0 && nh->waiting[n - 1].dest == dest && nh->waiting[n - 1].i == i)
		return;
	if (n == NHT_WAITING_MAX)
		forget_waiting(nh);
	else if ((n & (n - 1)) == 0) /* full: a power of two */
		nh->waiting = mem_realloc_array(nh->waiting, n ? 2u * n : 1, sizeof(*nh->waiting));
	if (n < NHT_WAITING_MAX)
		nh->waiting[n] = (struct nh_user){ dest, (uint8_t)i };
	nh->nwaiting = n + 1;
}

bool
nht_next_waiting(struct nht *t, const struct ip_addr *addr, struct nh_user *ret)
{
	struct nh *nh = nht_find(t, addr);

	if (!nh || nh->nwaiting == 0)
		return false;
	*ret = nh->waiting[--nh->nwaiting];
	if (nh->nwaiting == 0)
		forget_waiting(nh);
	return true;
}

static bool
same_answer(const struct nh *nh, const struct ipc_nh_state *st)
{
	return nh->answered && nh->resolved == st->resolved && nh->onlink == st->onlink &&
	    nh->metric == st->metric && nh->ifindex == st->ifindex;
}

static void
take_answer(struct nh *nh, const struct ipc_nh_state *st)
{
	nh->answered = true;
	nh->resolved = st->resolved;
	nh->onlink = st->onlink;
	nh->metric = st->metric;
	nh->ifindex = st->ifindex;
}

enum nht_news
nht_state(struct nht *t, const struct ipc_nh_state *st)
{
	struct nh *nh = nht_find(t, &st->addr);
	bool all_known;

	if (!nh || (nh->answered && (int32_t)(st->gen - nh->gen) < 0))
		return NHT_NO_NEWS;
	nh->gen = st->gen;
	mem_free(nh->why);
	nh->why = st->why[0] ? mem_strdup(st->why) : NULL;
	if (same_answer(nh, st))
		return NHT_NO_NEWS;
	if (!nh->answered && nh->users > 0)
		t->unanswered--;
	all_known = !nh->answered && nh->nwaiting > 0 && nh->nwaiting <= NHT_WAITING_MAX;
	take_answer(nh, st);
	if (nh->users > 0 && all_known)
		return NHT_FIRST;
	forget_waiting(nh);
	if (nh->users == 0) /* its watch is about to end, unless somebody comes back to it */
		return NHT_NO_NEWS;
	nh->changed = t->any_changed = true;
	return NHT_CHANGED;
}

void
nht_clear_changed(struct nht *t)
{
	struct hmap_node *n;

	if (!t->any_changed)
		return;
	t->any_changed = false;
	HMAP_FOREACH(n, &t->map)
		container_of(n, struct nh, node)->changed = false;
}

bool
nht_next_watch(struct nht *t, struct ip_addr *ret_addr, bool *ret_on)
{
	struct list *l = list_pop_front(&t->pending);
	struct nh *nh;

	if (!l)
		return false;
	nh = container_of(l, struct nh, pending);
	nh->told = nh->users > 0;
	*ret_addr = nh->addr;
	*ret_on = nh->told;
	if (!nh->told)
		nh_free(t, nh);
	return true;
}

void
nht_reset(struct nht *t)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &t->map) {
		struct nh *nh = container_of(n, struct nh, node);

		nh->told = false;
		nh->gen = 0;
		if (nh->users == 0)
			nh_free(t, nh);
		else
			update_pending(t, nh);
	}
}
