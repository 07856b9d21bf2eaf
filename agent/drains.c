/*
 * Drains: their peers, their file, their watchers.  See drains.h.
 */
#include "agent/drains.h"

#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/bgpd.h"
#include "agent/source.h"
#include "lib/clock.h"
#include "lib/list.h"
#include "lib/mem.h"

#define FILE_NAME "drained.json"

struct item {
	struct list link;
	char name[IPC_NAME_MAX]; /* of a peer; "": the node */
	struct drain d;
	struct list watches;
};

struct drains_watch {
	struct list link;
	void (*step)(void *ctx, const struct drains_report *r);
	void *ctx;
};

struct drains {
	struct agent *a;
	struct item node;
	struct list peers; /* struct item */
	struct event *timer;
	void (*stopped)(struct agent *a); /* the node is drained in order to stop; NULL: it is not */
	bool over; /* the rest is the stop's */
	bool loaded; /* and bgpd has not been asked since: nothing goes on before */
	uint32_t *ids; /* scratch */
	uint64_t begun; /* drains of the node, in this life */
};

/* ---- finding -------------------------------------------------------------------- */

static bool
is_node(const struct item *it)
{
	return it->name[0] == '\0';
}

static bool
is_on(const struct item *it)
{
	return it->d.step != DRAIN_OFF;
}

static struct item *
item_find(const struct drains *ds, const char *name)
{
	struct list *n;

	if (!*name)
		return (struct item *)&ds->node;
	LIST_FOREACH(n, &ds->peers)
		if (strcmp(container_of(n, struct item, link)->name, name) == 0)
			return container_of(n, struct item, link);
	return NULL;
}

static void
item_init(struct item *it, const char *name)
{
	memset(it, 0, sizeof *it);
	snprintf(it->name, sizeof it->name, "%s", name);
	list_init(&it->link);
	list_init(&it->watches);
}

static struct item *
item_get(struct drains *ds, const char *name)
{
	struct item *it = item_find(ds, name);

	if (it)
		return it;
	it = mem_zalloc(sizeof *it);
	item_init(it, name);
	list_push_back(&ds->peers, &it->link);
	return it;
}

static void
item_free(struct item *it)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &it->watches)
		drains_unwatch(container_of(n, struct drains_watch, link));
	drain_free(&it->d);
	list_remove(&it->link);
	mem_free(it);
}

const struct drain *
drains_find(const struct drains *ds, const char *name)
{
	const struct item *it = ds ? item_find(ds, name) : NULL;

	return it && is_on(it) ? &it->d : NULL;
}

const struct drain *
drains_of_peer(const struct drains *ds, const struct agent_peer *p, bool *ret_node)
{
	const struct drain *node = drains_find(ds, ""), *own = drains_find(ds, p->conf->name);
	bool by_node = node && (!own || drain_phase(node) >= drain_phase(own));

	if (ret_node)
		*ret_node = by_node;
	return by_node ? node : own;
}

/* ---- the file ---------------------------------------------------------------------- */

static json_t *
item_to_json(const struct item *it)
{
	int64_t since = (int64_t)it->d.since.us + clock_wall_offset();

	return json_pack("{s:s, s:s, s:I, s:b, s:b, s:I, s:b}", "name", it->name, "reason", it->d.reason,
	    "since_us", (json_int_t)since, "done", it->d.step >= DRAIN_CLOSE, "gshut", it->d.gshut,
	    "settle_us", (json_int_t)it->d.settle_us, "by_cluster", it->d.by_cluster);
}

/* Written whole and renamed: what is there is always readable. */
static bool
file_write(const char *text)
{
	FILE *f = fopen(FILE_NAME ".new", "w");
	bool ok = f && fputs(text, f) >= 0;

	ok = f && fclose(f) == 0 && ok;
	return ok && rename(FILE_NAME ".new", FILE_NAME) == 0;
}

static void
save(struct drains *ds)
{
	json_t *all = json_array();
	struct list *n;
	char *text;

	if (is_on(&ds->node))
		json_array_append_new(all, item_to_json(&ds->node));
	LIST_FOREACH(n, &ds->peers)
		if (is_on(container_of(n, struct item, link)))
			json_array_append_new(all, item_to_json(container_of(n, struct item, link)));
	if (json_array_size(all) == 0) {
		unlink(FILE_NAME);
	} else {
		text = json_dumps(all, JSON_INDENT(1));
		if (!text || !file_write(text))
			events_addf(ds->a->events, IPC_LVL_WARN, "drain-not-kept",
			    "file=%s why=\"%s\"", FILE_NAME, strerror(errno));
		free(text);
	}
	json_decref(all);
}

static struct mono_us
since_mono(int64_t wall_us, struct mono_us now)
{
	int64_t us = wall_us - clock_wall_offset();
	struct mono_us then = { us < 0 ? 0 : (uint64_t)us };

	return mono_min(then, now);
}

static void
item_load(struct drains *ds, json_t *v)
{
	struct mono_us now = agent_now();
	const char *name, *reason;
	json_int_t since, settle;
	int done, gshut, by_cluster = 0;
	struct item *it;

	if (json_unpack(v, "{s:s, s:s, s:I, s:b, s:b, s:I, s?b}", "name", &name, "reason", &reason,
		"since_us", &since, "done", &done, "gshut", &gshut, "settle_us", &settle,
		"by_cluster", &by_cluster) < 0 ||
	    strlen(name) >= IPC_NAME_MAX || settle < 0)
		return;
	it = item_get(ds, name);
	drain_begin(&it->d, since_mono(since, now), gshut, (uint64_t)settle, reason);
	drain_resume(&it->d, now, done);
	it->d.by_cluster = by_cluster;
	events_addf(ds->a->events, IPC_LVL_NOTICE, done ? "still-drained" : "drain-resumed",
	    "%s%s", *name ? "peer=" : "node", name);
}

static void
load(struct drains *ds)
{
	json_t *all = json_load_file(FILE_NAME, 0, NULL), *v;
	size_t i;

	json_array_foreach(all, i, v)
		item_load(ds, v);
	json_decref(all);
}

/* ---- words ---------------------------------------------------------------------------- */

/* A reason within an event's text has no quotes of its own. */
static char *
reason_clean(const struct drain *d, char buf[IPC_DRAIN_TEXT_MAX])
{
	memcpy(buf, d->reason, IPC_DRAIN_TEXT_MAX);
	for (char *c = buf; *c; c++)
		if (*c == '"')
			*c = '\'';
	return buf;
}

static double
pause_s(const struct drain *d)
{
	return (double)mono_diff_us(d->until, d->step_since) / 1e6;
}

const char *
drains_text(const struct drain *d, char *buf, size_t cap)
{
	double s = pause_s(d);

	switch (d->step) {
	case DRAIN_OFF:
		snprintf(buf, cap, "not drained");
		break;
	case DRAIN_SIGNAL:
		snprintf(buf, cap, "%sannouncing everything with GRACEFUL_SHUTDOWN",
		    d->resumed ? "again after a restart: " : "");
		break;
	case DRAIN_SETTLE:
		if (s > 0)
			snprintf(buf, cap, "announced; %g s for traffic to move", s);
		else
			snprintf(buf, cap, "no peer that is up is told of a prefix: nothing to move");
		break;
	case DRAIN_WITHDRAW:
		snprintf(buf, cap, "withdrawing everything");
		break;
	case DRAIN_LINGER:
		snprintf(buf, cap, "withdrawn%s", s > 0 ? "" : ", nothing is on its way here");
		if (s > 0)
			snprintf(buf, cap, "withdrawn; %g s for packets on their way", s);
		break;
	case DRAIN_CLOSE:
		snprintf(buf, cap, "closing sessions");
		break;
	case DRAIN_DONE:
		snprintf(buf, cap, "drained%s", d->slow ? " (some peers did not keep up)" : "");
		break;
	case DRAIN_NSTEPS:
		break;
	}
	return buf;
}

/* ---- steps ----------------------------------------------------------------------------- */

static void
tell_event(struct drains *ds, const struct item *it)
{
	static const char *const name[DRAIN_NSTEPS] = {
		[DRAIN_OFF] = "undrained",
		[DRAIN_SIGNAL] = "drain-signal",
		[DRAIN_SETTLE] = "drain-settle",
		[DRAIN_WITHDRAW] = "drain-withdraw",
		[DRAIN_LINGER] = "drain-linger",
		[DRAIN_CLOSE] = "drain-close",
		[DRAIN_DONE] = "drained",
	};
	struct ipc_event e = { .level = IPC_LVL_NOTICE };
	const struct agent_peer *p = is_node(it) ? NULL : agent_peer_by_name(ds->a, it->name);
	char what[128], reason[IPC_DRAIN_TEXT_MAX];
	bool first = it->d.step != DRAIN_OFF && it->d.step_since.us == it->d.since.us;

	e.peer = p ? p->id : IPC_PEER_NONE;
	snprintf(e.name, sizeof e.name, "%s", name[it->d.step]);
	drains_text(&it->d, what, sizeof what);
	if ((first || it->d.step == DRAIN_DONE) && it->d.reason[0])
		snprintf(e.text, sizeof e.text, "what=%s why=\"%s\" reason=\"%.100s\"",
		    is_node(it) ? "node" : "peer", what, reason_clean(&it->d, reason));
	else
		snprintf(e.text, sizeof e.text, "what=%s why=\"%s\"", is_node(it) ? "node" : "peer",
		    what);
	events_add(ds->a->events, "agent", &e, is_node(it) ? NULL : it->name);
}

static void
tell_watches(struct item *it)
{
	char text[128];
	struct drains_report r = { .step = it->d.step,
		.elapsed_us = mono_diff_us(agent_now(), it->d.since),
		.text = drains_text(&it->d, text, sizeof text) };
	bool last = it->d.step == DRAIN_OFF || it->d.step == DRAIN_DONE;
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &it->watches) {
		struct drains_watch *w = container_of(n, struct drains_watch, link);
		void (*step)(void *, const struct drains_report *) = w->step;
		void *ctx = w->ctx;

		if (last)
			drains_unwatch(w);
		step(ctx, &r);
	}
}

static bool
concerns(const struct item *it, const struct agent_peer *p)
{
	return is_node(it) || strcmp(it->name, p->conf->name) == 0;
}

/* Ask bgpd for the step; those whom another drain has farther already are not waited for. */
static void
ask(struct drains *ds, struct item *it)
{
	struct agent *a = ds->a;
	enum ipc_drain phase = drain_phase(&it->d);
	size_t n = 0;

	ds->ids = mem_realloc_array(ds->ids, a->npeers + 1, sizeof *ds->ids);
	for (size_t i = 0; i < a->npeers; i++) {
		const struct agent_peer *p = &a->peers[i];

		if (!concerns(it, p))
			continue;
		if (source_send_peer(a, p) && drain_phase(drains_of_peer(ds, p, NULL)) == phase)
			ds->ids[n++] = p->id;
	}
	drain_expect(&it->d, ds->ids, n);
}

/* For views, which see peers only. */
static void
mark(struct drains *ds)
{
	for (size_t i = 0; i < ds->a->npeers; i++) {
		const struct drain *d = drains_of_peer(ds, &ds->a->peers[i], NULL);

		ds->a->peers[i].drain = d ? (uint8_t)drain_phase(d) : IPC_DRAIN_NONE;
	}
}

static bool
is_for_stop(const struct drains *ds)
{
	return ds->stopped && ds->node.d.step >= DRAIN_CLOSE;
}

/* A step has begun. */
static void
entered(struct drains *ds, struct item *it)
{
	if (is_for_stop(ds))
		return; /* how sessions end is the stop's matter */
	mark(ds);
	ask(ds, it);
	if (!ds->stopped)
		save(ds);
	tell_event(ds, it);
	tell_watches(it);
}

static void
arm(struct drains *ds)
{
	struct mono_us next = drain_deadline(&ds->node.d), now = agent_now();
	struct timeval tv;
	struct list *n;
	uint64_t us;

	LIST_FOREACH(n, &ds->peers)
		next = mono_min(next, drain_deadline(&container_of(n, struct item, link)->d));
	if (mono_is_never(next)) {
		event_del(ds->timer);
		return;
	}
	us = mono_diff_us(next, now);
	tv = (struct timeval){ (time_t)(us / 1000000), us % 1000000 };
	event_add(ds->timer, &tv);
}

/* A watcher may end or begin a drain while it is told: look again from the start then. */
static void
advance(struct drains *ds)
{
	bool again = !ds->over && !ds->loaded;
	struct list *n;

	while (again && !is_for_stop(ds)) {
		again = drain_next(&ds->node.d, agent_now());
		if (again)
			entered(ds, &ds->node);
		LIST_FOREACH(n, &ds->peers) {
			if (!drain_next(&container_of(n, struct item, link)->d, agent_now()))
				continue;
			entered(ds, container_of(n, struct item, link));
			again = true;
			break;
		}
	}
	if (ds->over || ds->loaded)
		return;
	arm(ds);
	if (is_for_stop(ds)) {
		ds->over = true;
		event_del(ds->timer);
		ds->stopped(ds->a);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	advance(arg);
}

/* ---- orders ------------------------------------------------------------------------------ */

static void
begin(struct drains *ds, struct item *it, bool gshut, uint64_t settle_us, const char *reason)
{
	/* Without time to move there is no use in saying that it should. */
	drain_begin(&it->d, agent_now(), gshut && settle_us > 0, settle_us, reason);
	if (!bgpd_attached(ds->a->bgpd))
		it->d.resumed = true;
	entered(ds, it);
}

bool
drains_start(struct drains *ds, const char *name, uint64_t settle_us, const char *reason)
{
	struct item *it = item_get(ds, name);

	if (is_on(it)) { /* the operator's from now on */
		it->d.by_cluster = false;
		save(ds);
		return false;
	}
	ds->loaded = false;
	begin(ds, it, ds->a->conf->drain.gshut, settle_us, reason);
	ds->begun += is_node(it);
	advance(ds);
	return true;
}

bool
drains_by_cluster(struct drains *ds, uint64_t settle_us, const char *reason)
{
	if (is_on(&ds->node) || !drains_start(ds, "", settle_us, reason))
		return false;
	ds->node.d.by_cluster = true;
	save(ds);
	return true;
}

bool
drains_undo_by_cluster(struct drains *ds)
{
	return is_on(&ds->node) && ds->node.d.by_cluster && drains_undo(ds, "");
}

uint64_t
drains_begun(const struct drains *ds)
{
	return ds->begun;
}

bool
drains_undo(struct drains *ds, const char *name)
{
	struct item *it = item_find(ds, name);

	if (!it || !is_on(it))
		return false;
	drain_end(&it->d);
	mark(ds);
	for (size_t i = 0; i < ds->a->npeers; i++)
		if (concerns(it, &ds->a->peers[i]))
			source_send_peer(ds->a, &ds->a->peers[i]);
	tell_event(ds, it);
	tell_watches(it);
	if (!is_node(it))
		item_free(it);
	save(ds);
	advance(ds);
	return true;
}

void
drains_stop(struct drains *ds, bool gshut, uint64_t settle_us, const char *reason,
    void (*done)(struct agent *a))
{
	struct item *it = &ds->node;

	if (ds->stopped) {
		drain_hurry(&it->d, agent_now());
	} else {
		ds->stopped = done;
		ds->loaded = false;
		if (!is_on(it))
			begin(ds, it, gshut, settle_us, reason);
		else if (settle_us < it->d.settle_us)
			drain_hurry(&it->d, agent_now());
	}
	advance(ds);
}

void
drains_discard(struct drains *ds)
{
	unlink(FILE_NAME);
}

/* ---- bgpd ---------------------------------------------------------------------------------- */

void
drains_fill(const struct drains *ds, const struct agent_peer *p, struct ipc_conf_peer *to)
{
	bool node;
	const struct drain *d = drains_of_peer(ds, p, &node);

	if (!d)
		return;
	to->drain = (uint8_t)drain_phase(d);
	to->drain_alone = !node;
	memcpy(to->drain_text, d->reason, sizeof to->drain_text);
}

void
drains_told(struct drains *ds, const struct ipc_drained *m)
{
	const struct agent_peer *p = agent_peer_by_id(ds->a, m->peer);
	struct list *n;

	if (!p)
		return;
	drain_told(&ds->node.d, m);
	LIST_FOREACH(n, &ds->peers)
		if (concerns(container_of(n, struct item, link), p))
			drain_told(&container_of(n, struct item, link)->d, m);
	advance(ds);
}

static void
restarted(struct item *it)
{
	if (drain_is_under_way(&it->d) && it->d.step != DRAIN_CLOSE)
		drain_resume(&it->d, agent_now(), false);
}

void
drains_bgpd_new(struct drains *ds)
{
	struct list *n;

	restarted(&ds->node);
	LIST_FOREACH(n, &ds->peers)
		restarted(container_of(n, struct item, link));
}

/* The new bgpd is asked for the step that the old one may not have said. */
static void
again(struct drains *ds, struct item *it)
{
	if (!drain_is_under_way(&it->d))
		return;
	ask(ds, it);
	tell_event(ds, it);
	tell_watches(it);
}

void
drains_bgpd_greeted(struct drains *ds)
{
	struct list *n;

	ds->loaded = false;
	again(ds, &ds->node);
	LIST_FOREACH(n, &ds->peers)
		again(ds, container_of(n, struct item, link));
	advance(ds);
}

static void
drop_gone(struct drains *ds, struct item *it)
{
	for (size_t i = it->d.nwait; i-- > 0;)
		if (!agent_peer_by_id(ds->a, it->d.wait[i]))
			drain_forget(&it->d, it->d.wait[i]);
}

void
drains_peers_changed(struct drains *ds)
{
	struct list *n;

	mark(ds);
	drop_gone(ds, &ds->node);
	LIST_FOREACH(n, &ds->peers)
		drop_gone(ds, container_of(n, struct item, link));
	event_active(ds->timer, EV_TIMEOUT, 0);
}

/* ---- watching -------------------------------------------------------------------------------- */

struct drains_watch *
drains_watch(struct drains *ds, const char *name,
    void (*step)(void *ctx, const struct drains_report *r), void *ctx)
{
	struct drains_watch *w = mem_zalloc(sizeof *w);

	w->step = step;
	w->ctx = ctx;
	list_init(&w->link);
	list_push_back(&item_get(ds, name)->watches, &w->link);
	return w;
}

void
drains_unwatch(struct drains_watch *w)
{
	list_remove(&w->link);
	mem_free(w);
}

/* ---- life -------------------------------------------------------------------------------------- */

struct drains *
drains_new(struct agent *a)
{
	struct drains *ds = mem_zalloc(sizeof *ds);

	ds->a = a;
	item_init(&ds->node, "");
	list_init(&ds->peers);
	ds->timer = event_new(a->base, -1, 0, on_timer, ds);
	load(ds);
	ds->loaded = is_on(&ds->node) || !list_is_empty(&ds->peers);
	return ds;
}

void
drains_free(struct drains *ds)
{
	struct list *n, *tmp;

	if (!ds)
		return;
	LIST_FOREACH_SAFE(n, tmp, &ds->peers)
		item_free(container_of(n, struct item, link));
	LIST_FOREACH_SAFE(n, tmp, &ds->node.watches)
		drains_unwatch(container_of(n, struct drains_watch, link));
	drain_free(&ds->node.d);
	event_free(ds->timer);
	mem_free(ds->ids);
	mem_free(ds);
}
