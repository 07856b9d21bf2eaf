/*
 * The reaper of destinations.  See reap.h.
 */
#include "bgpd/core/reap.h"

#include "bgpd/core/speaker_priv.h"

/* Destinations looked at for one unit of work. */
#define REAP_PER_UNIT 4

/* Has every log moved past the place it had when limbo was filled? */
static bool
logs_passed(const struct speaker *sp)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all) {
		const struct group *g = container_of(l, struct group, node);

		if (g->log.oldest->seq < g->limbo_seq)
			return false;
	}
	return true;
}

/* Look again later when there is something to look at. */
static void
arm(struct speaker *sp)
{
	struct reaper *r = &sp->groups.reaper;

	if (!reap_busy(r) && (r->dying[0].count || r->dying[1].count || r->state == REAP_WAIT))
		timer_set_earlier(&sp->timers, &r->timer, mono_add_us(sp->now, REAP_EVERY_US));
}

static void
reap_fire(struct timer *t, struct mono_us now)
{
	struct groups *gs = container_of(t, struct groups, reaper.timer);
	struct speaker *sp = container_of(gs, struct speaker, groups);
	struct reaper *r = &gs->reaper;
	unsigned i;

	if (r->state == REAP_WAIT) {
		if (logs_passed(sp))
			r->state = REAP_EMPTY;
		else
			arm(sp);
		return;
	}
	r->state = REAP_FILL;
	for (i = 0; i < AF_COUNT; i++)
		r->left[i] = r->dying[i].count;
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
	unsigned i;

	timer_stop(&sp->timers, &r->timer);
	for (i = 0; i < AF_COUNT; i++) {
		bitq_free(&r->dying[i]);
		bitq_free(&r->limbo[i]);
	}
}

void
reap_dying(struct speaker *sp, unsigned i, uint32_t dest)
{
	bitq_del(&sp->groups.reaper.limbo[i], dest);
	bitq_add(&sp->groups.reaper.dying[i], dest);
	arm(sp);
}

/* Does a group, or one of its walking members, refer to the destination? */
static bool
group_refers(const struct group *g, uint32_t dest)
{
	struct list *l;

	if (outtable_get(&g->out, dest) != 0 || bitq_has(&g->dirty, dest))
		return true;
	LIST_FOREACH(l, &g->members) {
		const struct member *m = container_of(l, struct member, node);

		if (bitq_has(&m->todo, dest) || bitq_has(&m->has, dest))
			return true;
	}
	return false;
}

static bool
referred_to(const struct speaker *sp, unsigned i, uint32_t dest)
{
	struct list *l;

	if (rib_dest(&sp->rib[i], dest)->fib_set != 0 || bitq_has(&sp->fib.dirty[i], dest) ||
	    bitq_has(&sp->decide[i], dest))
		return true;
	LIST_FOREACH(l, &sp->groups.all) {
		const struct group *g = container_of(l, struct group, node);

		if (AF_IDX(g->af) == i && group_refers(g, dest))
			return true;
	}
	return false;
}

static bool
is_reapable(const struct speaker *sp, unsigned i, uint32_t dest)
{
	return rib_is_dest(&sp->rib[i], dest) && rib_dest(&sp->rib[i], dest)->paths == 0;
}

/* Free what is in limbo; one that somebody refers to again goes back to the dying. */
static void
empty_limbo(struct speaker *sp, unsigned i, int *units)
{
	struct reaper *r = &sp->groups.reaper;
	uint32_t dest;

	while (*units > 0 && bitq_pop(&r->limbo[i], &dest)) {
		--*units;
		if (!is_reapable(sp, i, dest))
			continue;
		if (referred_to(sp, i, dest))
			bitq_add(&r->dying[i], dest);
		else
			rib_drop(&sp->rib[i], dest);
	}
}

/* Move what only the logs may refer to from dying to limbo. */
static void
fill_limbo(struct speaker *sp, unsigned i, int *units)
{
	struct reaper *r = &sp->groups.reaper;
	uint32_t dest, n = 0;

	while (*units > 0 && r->left[i] > 0 && bitq_pop(&r->dying[i], &dest)) {
		r->left[i]--;
		if (++n % REAP_PER_UNIT == 0)
			--*units;
		if (is_reapable(sp, i, dest))
			bitq_add(referred_to(sp, i, dest) ? &r->dying[i] : &r->limbo[i], dest);
	}
}

static void
mark_logs(struct speaker *sp)
{
	struct list *l;

	LIST_FOREACH(l, &sp->groups.all) {
		struct group *g = container_of(l, struct group, node);

		g->limbo_seq = g->log.newest->seq;
	}
}

static void
fill(struct speaker *sp, int *units)
{
	struct reaper *r = &sp->groups.reaper;
	unsigned i;

	for (i = 0; i < AF_COUNT; i++)
		fill_limbo(sp, i, units);
	if (*units <= 0)
		return;
	mark_logs(sp);
	r->state = r->limbo[0].count || r->limbo[1].count ? REAP_WAIT : REAP_REST;
	if (r->state == REAP_WAIT && logs_passed(sp))
		r->state = REAP_EMPTY;
}

void
reap_work(struct speaker *sp, int *units)
{
	struct reaper *r = &sp->groups.reaper;
	unsigned i;

	if (r->state == REAP_FILL)
		fill(sp, units);
	if (r->state == REAP_EMPTY) {
		for (i = 0; i < AF_COUNT; i++)
			empty_limbo(sp, i, units);
		if (*units > 0)
			r->state = REAP_REST;
	}
	arm(sp);
}
