/*
 * The reaper of destinations and paths.  See reap.h.
 */
#include "bgpd/core/reap.h"

#include "bgpd/core/speaker_priv.h"

/* Ids looked at for one unit of work. */
#define REAP_PER_UNIT 4

static bool
is_path(unsigned k)
{
	return k < REAP_DESTS;
}

/* Do the group's table and log know such ids by their numbers? */
static bool
group_knows(const struct group *g, unsigned k)
{
	return AF_IDX(g->af) == k % AF_COUNT && group_by_path(g) == is_path(k);
}

/* Has every log of such ids moved past the place it had when limbo was filled? */
static bool
logs_passed(const struct speaker *sp, unsigned k)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all) {
		const struct group *g = container_of(l, struct group, node);

		if (group_knows(g, k) && g->log.oldest->seq < g->limbo_seq)
			return false;
	}
	return true;
}

/* Is there something to look at later? */
static bool
is_waiting(const struct reaper *r)
{
	unsigned k;

	for (k = 0; k < REAP_NKINDS; k++)
		if (r->dying[k].count || r->state[k] == REAP_WAIT)
			return true;
	return false;
}

static void
arm(struct speaker *sp)
{
	struct reaper *r = &sp->groups.reaper;

	if (!reap_busy(r) && is_waiting(r))
		timer_set_earlier(&sp->timers, &r->timer, mono_add_us(sp->now, REAP_EVERY_US));
}

static void
begin(struct speaker *sp, unsigned k)
{
	struct reaper *r = &sp->groups.reaper;

	if (r->state[k] == REAP_WAIT) {
		if (logs_passed(sp, k))
			r->state[k] = REAP_EMPTY;
	} else if (r->state[k] == REAP_REST && r->dying[k].count) {
		r->state[k] = REAP_FILL;
		r->left[k] = r->dying[k].count;
	}
}

static void
reap_fire(struct timer *t, struct mono_us now)
{
	struct groups *gs = container_of(t, struct groups, reaper.timer);
	struct speaker *sp = container_of(gs, struct speaker, groups);
	unsigned k;

	for (k = 0; k < REAP_NKINDS; k++)
		begin(sp, k);
	arm(sp);
}

void
reap_init(struct speaker *sp)
{
	sp->groups.reaper = (struct reaper){ .timer.fire = reap_fire };
}

void
reap_free(struct speaker *sp)
{
	struct reaper *r = &sp->groups.reaper;
	unsigned k;

	timer_stop(&sp->timers, &r->timer);
	for (k = 0; k < REAP_NKINDS; k++) {
		bitq_free(&r->dying[k]);
		bitq_free(&r->limbo[k]);
	}
}

void
reap_dying(struct speaker *sp, unsigned k, uint32_t id)
{
	bitq_del(&sp->groups.reaper.limbo[k], id);
	bitq_add(&sp->groups.reaper.dying[k], id);
	arm(sp);
}

/* Does a group that knows such ids, or one of its walking members, refer to the id? */
static bool
group_says(const struct group *g, uint32_t id)
{
	struct list *l;

	if (outtable_get(&g->out, id) != 0)
		return true;
	LIST_FOREACH(l, &g->members) {
		const struct member *m = container_of(l, struct member, node);

		if (bitq_has(&m->todo, id) || bitq_has(&m->has, id))
			return true;
	}
	return false;
}

static bool
group_refers(const struct group *g, unsigned k, uint32_t id)
{
	if (AF_IDX(g->af) != k % AF_COUNT)
		return false;
	if (bitq_has(is_path(k) ? &g->gone : &g->dirty, id))
		return true;
	return group_knows(g, k) && group_says(g, id);
}

static bool
referred_to(const struct speaker *sp, unsigned k, uint32_t id)
{
	unsigned i = k % AF_COUNT;
	struct list *l;

	if (!is_path(k) &&
	    (rib_fib(&sp->rib[i], id).set != 0 || bitq_has(&sp->fib.dirty[i], id) ||
		bitq_has(&sp->decide[i], id)))
		return true;
	LIST_FOREACH(l, &sp->groups.all)
		if (group_refers(container_of(l, struct group, node), k, id))
			return true;
	return false;
}

static bool
is_reapable(const struct speaker *sp, unsigned k, uint32_t id)
{
	const struct rib *rib = &sp->rib[k % AF_COUNT];

	if (is_path(k))
		return rib_path_is_buried(rib, id);
	return rib_is_dest(rib, id) && rib_dest(rib, id)->paths == 0;
}

static void
give_back(struct rib *rib, unsigned k, uint32_t id)
{
	if (is_path(k))
		rib_path_forget(rib, id);
	else
		rib_drop(rib, id);
}

/* Free what is in limbo; one that somebody refers to again goes back to the dying. */
static void
empty_limbo(struct speaker *sp, unsigned k, int *units)
{
	struct reaper *r = &sp->groups.reaper;
	struct rib *rib = &sp->rib[k % AF_COUNT];
	uint32_t id;

	while (*units > 0 && bitq_pop(&r->limbo[k], &id)) {
		--*units;
		if (!is_reapable(sp, k, id))
			continue;
		if (referred_to(sp, k, id) || (!is_path(k) && rib_has_buried(rib, id)))
			bitq_add(&r->dying[k], id);
		else
			give_back(rib, k, id);
	}
}

/* Move what only the logs may refer to from dying to limbo. */
static void
fill_limbo(struct speaker *sp, unsigned k, int *units)
{
	struct reaper *r = &sp->groups.reaper;
	uint32_t id, n = 0;

	while (*units > 0 && r->left[k] > 0 && bitq_pop(&r->dying[k], &id)) {
		r->left[k]--;
		if (++n % REAP_PER_UNIT == 0)
			--*units;
		if (is_reapable(sp, k, id))
			bitq_add(referred_to(sp, k, id) ? &r->dying[k] : &r->limbo[k], id);
	}
}

static void
mark_logs(struct speaker *sp, unsigned k)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all) {
		struct group *g = container_of(l, struct group, node);

		if (!group_knows(g, k))
			continue;
		g->limbo_seq = g->log.newest->seq;
		group_forget_replay(g);
	}
}

static void
fill(struct speaker *sp, unsigned k, int *units)
{
	struct reaper *r = &sp->groups.reaper;

	fill_limbo(sp, k, units);
	if (*units <= 0)
		return;
	mark_logs(sp, k);
	r->state[k] = r->limbo[k].count == 0 ? REAP_REST :
	    logs_passed(sp, k)		     ? REAP_EMPTY :
					       REAP_WAIT;
}

void
reap_work(struct speaker *sp, int *units)
{
	struct reaper *r = &sp->groups.reaper;
	unsigned k;

	for (k = 0; k < REAP_NKINDS; k++) {
		if (r->state[k] == REAP_FILL)
			fill(sp, k, units);
		if (r->state[k] != REAP_EMPTY)
			continue;
		empty_limbo(sp, k, units);
		if (*units > 0)
			r->state[k] = REAP_REST;
	}
	arm(sp);
}
