/*
 * Members that walk the group's table instead of reading its log.
 * See group.h.
 */
#include "bgpd/core/adjout.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/msg.h"
#include "bgpd/core/speaker_priv.h"

/* Octets that one destination is expected to take as long as none was said. */
#define ITEM_OCTETS 16
#define ITEMS_MIN   64

/*
 * What the member was sent up to its cursor: what the table says, but for
 * destinations in chunks it has not read; of those the first chunk tells.
 */
void
member_detach(struct speaker *sp, struct member *m)
{
	struct group *g = m->g;
	const struct chunk *c;
	uint32_t id;
	uint16_t k;

	for (id = 1; id < outtable_end(&g->out); id++) {
		uint64_t word = outtable_get(&g->out, id);

		if (word != 0 && vis_sees(sp, outword_vis(word), m->rp))
			bitq_add(&m->has, id);
	}
	for (c = outlog_next(m->at); c; c = c->next)
		for (k = 0; k < c->n; k++) {
			if (!bitq_add(&m->todo, c->id[k]))
				continue;
			if (vis_sees(sp, c->old[k], m->rp))
				bitq_add(&m->has, c->id[k]);
			else
				bitq_del(&m->has, c->id[k]);
		}
	outlog_leave(&g->log, m->at);
	m->at = NULL;
	g->nsynced--;
	member_ask(sp, m);
}

void
member_walk_all(struct speaker *sp, struct member *m)
{
	uint32_t id;

	for (id = 1; id < outtable_end(&m->g->out); id++)
		if (outtable_get(&m->g->out, id) != 0)
			bitq_add(&m->todo, id);
}

/* The next destinations to say something about, into the batch. */
static void
gather(struct speaker *sp, struct member *m, struct batch *b, uint16_t max)
{
	uint32_t id;

	batch_clear(b);
	while (b->nitems < max && bitq_pop(&m->todo, &id)) {
		uint64_t word = outtable_get(&m->g->out, id);

		if (word != 0 && outword_vis(word) == VIS_GONE)
			continue; /* about to be replaced or withdrawn, which brings it back here */
		if (word != 0 && vis_sees(sp, outword_vis(word), m->rp))
			batch_add(b, id, outword_attrs(word), outword_vis(word), false, VIS_NONE);
		else if (bitq_has(&m->has, id))
			batch_add(b, id, NULL, VIS_NONE, false, VIS_NONE);
	}
}

/*
 * Attributes that cannot be sent: what was sent before has to go, and the rest
 * counts as said (RFC 8654 section 4).
 */
static size_t
say_too_large(struct member *m, struct wr *w, const struct nlri *nlri, uint32_t id)
{
	group_too_large(m->rp->sp, m->g, &nlri->prefix);
	if (bitq_del(&m->has, id))
		update_encode_unreach(w, &m->g->ctx, m->g->af, nlri, 1);
	return 1;
}

/*
 * One message of a bucket, from its item `at`; returns how many items it took,
 * 0 when more room is needed.
 */
static size_t
say(struct member *m, struct wr *w, const struct batch *b, const struct attrs *x, size_t at,
    size_t n)
{
	const struct update_ctx *ctx = &m->g->ctx;
	struct update_nh nh;
	size_t took, k;

	if (!x) {
		took = update_encode_unreach(w, ctx, m->g->af, b->nlri + at, n - at);
		for (k = at; k < at + took; k++)
			bitq_del(&m->has, b->id[k]);
		return took;
	}
	nh = member_next_hop(m, x);
	took = update_encode_reach(w, ctx, x, m->g->af, &nh, b->nlri + at, n - at, NULL, NULL);
	if (took == 0 && wr_room(w) < ctx->max_octets)
		return 0;
	if (took == 0)
		return say_too_large(m, w, b->nlri + at, b->id[at]);
	for (k = at; k < at + took; k++)
		bitq_add(&m->has, b->id[k]);
	return took;
}

/* May one more message be begun? */
static bool
may_say(const struct wr *w, size_t want)
{
	return wr_len(w) < want && wr_room(w) >= BGP_MAX_OCTETS;
}

/* A bucket in as many messages as are wanted; false: the rest goes back to be done. */
static bool
say_bucket(struct member *m, struct wr *w, struct batch *b, const struct batch_bucket *k,
    size_t want)
{
	struct speaker *sp = m->rp->sp;
	size_t n = batch_load(b, k, &sp->rib[AF_IDX(m->g->af)], group_by_path(m->g)), at = 0,
	       took;
	const struct export_source *src = k->attrs ? vis_source(sp, k->vis) : NULL;
	const struct attrs *x = src ? policy_export_once(sp->pool, &m->g->policy, src, k->attrs) : NULL;

	for (took = 1; at < n && took > 0; at += took)
		took = may_say(w, want) ? say(m, w, b, x, at, n) : 0;
	for (; at < n; at++)
		bitq_add(&m->todo, b->id[at]);
	attrs_unref(sp->pool, x);
	return took > 0;
}

/* A batch bucket by bucket, as say_bucket(); without room for one the next are not even looked at. */
static bool
say_batch(struct member *m, struct wr *w, struct batch *b, size_t want)
{
	size_t len = wr_len(w);
	uint32_t left = m->todo.count, said;
	uint16_t k, at;
	bool room = true;

	for (k = 0; k < b->nbuckets && room; k++)
		room = say_bucket(m, w, b, &b->bucket[k], want);
	for (; k < b->nbuckets; k++)
		for (at = b->bucket[k].first; at != BATCH_MAX; at = b->item[at].next)
			bitq_add(&m->todo, b->item[at].id);
	said = b->nitems - (m->todo.count - left);
	if (said > 0)
		m->item_octets = (uint16_t)((wr_len(w) - len) / said);
	return room;
}

/*
 * So many destinations are worth being looked at for what is still wanted: what is gathered
 * and not said has to be gathered again, and too few leave messages short.
 */
static uint16_t
walk_items(const struct member *m, const struct wr *w, size_t want)
{
	size_t left = want - wr_len(w), room = wr_room(w);
	size_t items = (left < room ? left : room) / (m->item_octets ? m->item_octets : ITEM_OCTETS);

	if (items > BATCH_MAX)
		return BATCH_MAX;
	return items < ITEMS_MIN ? ITEMS_MIN : (uint16_t)items;
}

/* Nothing left to look at: say what the walk was for, and read the log from here on. */
static void
walk_done(struct member *m, struct wr *w)
{
	if (m->eorr_due) {
		if (wr_room(w) < BGP_MAX_OCTETS)
			return;
		msg_encode_refresh(w, m->g->af, REFRESH_EORR);
		m->eorr_due = false;
	}
	bitq_free(&m->todo);
	bitq_free(&m->has);
	m->at = outlog_join(&m->g->log);
	m->g->nsynced++;
}

bool
member_walk(struct member *m, struct wr *w, size_t want)
{
	struct batch *b = m->rp->sp->groups.batch;
	bool room = true;

	if (m->borr_due && wr_room(w) >= BGP_MAX_OCTETS) {
		msg_encode_refresh(w, m->g->af, REFRESH_BORR);
		m->borr_due = false;
		m->eorr_due = true;
	}
	while (room && m->todo.count > 0 && may_say(w, want)) {
		gather(m->rp->sp, m, b, walk_items(m, w, want));
		room = say_batch(m, w, b, want);
	}
	if (m->todo.count == 0)
		walk_done(m, w);
	return room;
}
