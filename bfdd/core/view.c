/*
 * What the engine tells: events, and sessions as they are.
 */
#include "bfdd/core/bfd_int.h"

#include "lib/mem.h"

#define EVENTS_FIRST 16

/* ---- events ---- */

/* The ring is full: twice as large, the oldest first. */
static void
events_grow(struct bfd_engine *e)
{
	size_t cap = e->cap_events ? 2 * e->cap_events : EVENTS_FIRST;
	struct bfd_event *v = mem_zalloc_array(cap, sizeof(*v));

	for (size_t i = 0; i < e->n_events; i++)
		v[i] = e->events[(e->first_event + i) % e->cap_events];
	mem_free(e->events);
	e->events = v;
	e->cap_events = cap;
	e->first_event = 0;
}

void
engine_event(struct bfd_engine *e, const struct session *s, enum bfd_state was, struct mono_us now)
{
	if (e->n_events == e->cap_events)
		events_grow(e);
	e->events[(e->first_event + e->n_events++) % e->cap_events] = (struct bfd_event){
		.id = s->id,
		.was = was,
		.state = s->state,
		.diag = s->diag,
		.remote_diag = s->remote.diag,
		.remote_state = s->remote.state,
		.when = now,
		.key = s->conf.key,
	};
}

bool
bfd_event_next(struct bfd_engine *e, struct bfd_event *ret)
{
	if (e->n_events == 0)
		return false;
	*ret = e->events[e->first_event];
	e->first_event = (e->first_event + 1) % e->cap_events;
	e->n_events--;
	return true;
}

/* ---- views ---- */

static uint32_t
fit_u32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static void
view(const struct session *s, struct bfd_view *ret)
{
	*ret = (struct bfd_view){
		.id = s->id,
		.conf = s->conf,
		.state = s->state,
		.remote_state = s->remote.state,
		.diag = s->diag,
		.remote_diag = s->remote.diag,
		.discr = s->discr,
		.remote_discr = s->remote.discr,
		.tx_us = fit_u32(s->interval_us),
		.detect_us = fit_u32(session_detect_us(s)),
		.remote_tx_us = s->remote.tx_us,
		.remote_rx_us = s->remote.rx_us,
		.remote_mult = s->remote.mult,
		.remote_demand = s->remote.demand,
		.remote_independent = s->remote.independent,
		.polling = s->poll != POLL_NONE,
		.resumed = s->is_resumed,
		.leaving = session_is_leaving(s),
		.since = s->since,
		.last_down = s->last_down,
		.last_down_diag = s->last_down_diag,
		.last_rx = s->last_rx.us ? s->last_rx : MONO_NEVER,
		.last_down_remote_diag = s->last_down_remote_diag,
		.n = s->n,
	};
}

bool
bfd_view(const struct bfd_engine *e, uint32_t id, struct bfd_view *ret)
{
	const struct session *s = engine_by_id(e, id);

	if (s)
		view(s, ret);
	return s;
}

bool
bfd_view_next(const struct bfd_engine *e, const void **cursor, struct bfd_view *ret)
{
	const struct hmap_node *n =
	    *cursor ? hmap_next(&e->by_key, *cursor) : hmap_first(&e->by_key);

	*cursor = n;
	if (n)
		view(container_of(n, const struct session, by_key), ret);
	return n;
}

size_t
bfd_count(const struct bfd_engine *e)
{
	return e->by_key.n;
}

const uint64_t *
bfd_stray_drops(const struct bfd_engine *e)
{
	return e->stray;
}
