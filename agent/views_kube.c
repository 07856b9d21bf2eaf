/*
 * The connection to the API server as people and programs see it.
 */
#include "agent/views.h"

#include "agent/kube/kview.h"

static void
out_age(struct out *o, const char *key, struct mono_us since)
{
	if (since.us)
		out_u64(o, key, mono_diff_us(agent_now(), since) / 1000000);
	else
		out_null(o, key);
}

static const char *
or_null(const char *s)
{
	return s[0] ? s : NULL;
}

static void
watch_row(struct out *o, const struct reflector_view *v)
{
	out_open(o, NULL);
	out_str(o, "path", v->path);
	out_str(o, "query", or_null(v->query));
	out_str(o, "state", v->state);
	out_bool(o, "synced", v->synced);
	out_u64(o, "objects", v->objects);
	out_age(o, "heard_s", v->heard);
	out_u64(o, "events", v->events);
	out_u64(o, "lists", v->lists);
	out_u64(o, "restarts", v->restarts);
	out_u64(o, "gone", v->gone);
	out_str(o, "problem", or_null(v->problem));
	out_close(o);
}

static void
count_watches(const struct kube *k, unsigned *ret_n, unsigned *ret_synced)
{
	struct reflector_view v;
	size_t pos = 0;

	*ret_n = *ret_synced = 0;
	while (kube_next_watch(k, &pos, &v)) {
		++*ret_n;
		*ret_synced += v.synced;
	}
}

static void
server_members(struct out *o, const struct api_view *v)
{
	out_str(o, "server", or_null(v->server));
	out_str(o, "state", api_health_str(v->health));
	out_age(o, "since_s", v->since);
	out_str(o, "why", or_null(v->why));
}

/* What is in force of a former life. */
static void
kept_member(struct out *o, const struct agent *a)
{
	struct kube_kept kept;

	if (!kube_look_kept(a->kube, &kept)) {
		out_null(o, "kept");
		return;
	}
	out_open(o, "kept");
	out_u64(o, "age_s", kept.age_s);
	out_u64(o, "nodes", kept.nodes);
	out_u64(o, "objects", kept.objects);
	out_u64(o, "services", kept.services);
	out_close(o);
}

void
view_kube(struct out *o, const struct agent *a)
{
	struct reflector_view w;
	struct api_view v;
	size_t pos = 0;
	bool on = kube_look(a->kube, &v);

	out_bool(o, "enabled", on);
	if (!on)
		return;
	server_members(o, &v);
	out_str(o, "credentials", or_null(v.credentials));
	out_str(o, "namespace", or_null(v.namespace));
	out_u64(o, "connections", v.connections);
	out_u64(o, "connects", v.connects);
	out_u64(o, "losses", v.losses);
	kept_member(o, a);
	out_open_array(o, "answers");
	for (size_t i = 0; i < v.ncodes; i++) {
		out_open(o, NULL);
		out_i64(o, "code", v.code[i].code);
		out_u64(o, "count", v.code[i].n);
		out_close(o);
	}
	out_close(o);
	out_open_array(o, "watches");
	while (kube_next_watch(a->kube, &pos, &w))
		watch_row(o, &w);
	out_close(o);
}

void
view_status_kube(struct out *o, const struct agent *a)
{
	struct api_view v;
	unsigned n, synced;

	if (!kube_look(a->kube, &v)) {
		out_null(o, "kubernetes");
		return;
	}
	count_watches(a->kube, &n, &synced);
	out_open(o, "kubernetes");
	server_members(o, &v);
	out_u64(o, "watches", n);
	out_u64(o, "synced", synced);
	kept_member(o, a);
	out_close(o);
}

void
view_warn_kube(struct out *o, const struct agent *a)
{
	struct api_view v;

	if (!kube_look(a->kube, &v) || !v.why[0])
		return;
	out_fmt(o, NULL, "the API server %s: %s; what is known of the cluster stays in force",
	    v.health == API_SICK ? "is not ready" : "cannot be reached", v.why);
}

bool
view_kube_is_bad(const struct agent *a)
{
	struct reflector_view w;
	struct api_view v;
	bool on = kube_look(a->kube, &v), bad = on && v.health != API_UP;
	size_t pos = 0;

	while (on && !bad && kube_next_watch(a->kube, &pos, &w))
		bad = !w.synced && !w.absent && *w.problem;
	return bad;
}
