/*
 * See config.h.
 *
 * Status is written without a leader: every node comes to the same verdict, so each waits a moment
 * of its own and looks at what the watch has brought meanwhile; who finds the status as it would
 * write it has nothing to do. Writing names the resourceVersion it is about (RFC 7232's way of
 * losing no update): 409 means that somebody else was faster. A node that takes an object says
 * nothing against one that does not (their files differ), until that one was silent for a while.
 */
#include "agent/kube/config.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "agent/composition.h"
#include "agent/events.h"
#include "agent/kube/api.h"
#include "agent/kube/jget.h"
#include "agent/kube/recorder.h"
#include "agent/kube/reflector.h"
#include "agent/source.h"
#include "lib/mem.h"
#include "lib/rng.h"

#define ROOT	     "/apis/weft.dev/v1alpha1"
#define API_VERSION  "weft.dev/v1alpha1"
#define JITTER_US    1000000 /* before a status is written */
#define CONTRADICT_US 60000000
#define RETRY_US     2000000
#define RETRY_MOST   5 /* doublings of it */
#define PATIENCE_S   3 /* at the start, before others go on without the objects */
#define MESSAGE_MAX  1024
#define NAME_MAX_OCTETS 253

/* One object. */
struct object {
	struct object *next;
	struct kind *kind;
	enum conf_part_kind part;
	char *name, *uid, *version;
	int64_t generation;
	/* its status, as the server has it */
	int64_t seen_generation;
	char *seen_status, *seen_message; /* "" for none */
	char *seen_since;
	char *told; /* the last reason for which it was not taken, "" */
	bool pending; /* the status is to be written, not before due */
	bool contradicts; /* what another node wrote: due is far away for that */
	struct mono_us due;
	unsigned tries;
};

struct kind {
	struct config *config;
	const char *name, *plural;
	enum conf_part_kind part;
	struct reflector *reflector;
	bool settled; /* its objects are known, or it is not served */
};

struct config {
	struct kube *k;
	struct kind kind[4];
	struct object *objects;
	struct event *status_ev, *patience_ev;
	struct object *sent; /* whose status is under way; gone: NULL */
	uint32_t call;
	bool loaded; /* its objects are in the composition */
	bool late;   /* nobody waits for them any longer */
	struct rng rng;
};

static void plan(struct config *c);

/* ---- objects --------------------------------------------------------------------- */

static struct object *
find(const struct kind *kind, const char *name)
{
	for (struct object *o = kind->config->objects; o; o = o->next)
		if (o->kind == kind && strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static void
object_free(struct object *o)
{
	mem_free(o->name);
	mem_free(o->uid);
	mem_free(o->version);
	mem_free(o->seen_status);
	mem_free(o->seen_message);
	mem_free(o->seen_since);
	mem_free(o->told);
	mem_free(o);
}

static void
drop(struct config *c, struct object *o)
{
	struct object **at = &c->objects;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	if (c->sent == o)
		c->sent = NULL;
	object_free(o);
}

static void
set_text(char **to, const char *text)
{
	mem_free(*to);
	*to = mem_strdup(text ? text : "");
}

/* The condition Accepted, NULL: none. */
static const json_t *
condition(const json_t *obj)
{
	size_t n = jget_len(obj, "status.conditions");
	const json_t *list = jget(obj, "status.conditions"), *c;
	const char *type;

	for (size_t i = 0; i < n && json_is_array(list); i++) {
		c = json_array_get(list, i);
		type = jget_str(c, "type");
		if (type && strcmp(type, "Accepted") == 0)
			return c;
	}
	return NULL;
}

static void
read_object(struct object *o, const json_t *obj)
{
	const json_t *c = condition(obj);

	set_text(&o->uid, jget_str(obj, "metadata.uid"));
	set_text(&o->version, jget_str(obj, "metadata.resourceVersion"));
	o->generation = jget_int(obj, "metadata.generation", 0, INT64_MAX, 0);
	o->seen_generation = jget_int(obj, "status.observedGeneration", 0, INT64_MAX, -1);
	set_text(&o->seen_status, c ? jget_str(c, "status") : "");
	set_text(&o->seen_message, c ? jget_str(c, "message") : "");
	set_text(&o->seen_since, c ? jget_str(c, "lastTransitionTime") : "");
}

/* Which part an object of that name is; false: none of this node's. */
static bool
part_of(const struct kind *kind, const char *name, enum conf_part_kind *ret)
{
	const struct agent *a = kube_agent(kind->config->k);

	*ret = kind->part;
	if (kind->part != CONF_PART_DEFAULT || strcmp(name, "default") == 0)
		return true;
	*ret = CONF_PART_NODE;
	return strncmp(name, "node.", 5) == 0 && a->conf && strcmp(name + 5, a->conf->node.name) == 0;
}

/* A new configuration, once everything that there is has been read; source_again() waits for more. */
static void
load_soon(struct config *c)
{
	for (size_t i = 0; i < 4; i++)
		if (!c->kind[i].settled)
			return;
	c->loaded = true;
	source_again(kube_agent(c->k));
}

/* What the API server lets through (RFC 1123 section 2.1, with dots): it becomes part of a path. */
static bool
is_name(const char *s)
{
	return s[0] != '\0' && strlen(s) <= NAME_MAX_OCTETS &&
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
}

static void
on_object(void *ctx, const char *key, const json_t *obj)
{
	struct kind *kind = ctx;
	struct config *c = kind->config;
	const json_t *spec = jget(obj, "spec");
	const char *age = jget_str(obj, "metadata.creationTimestamp");
	struct object *o = find(kind, key);
	enum conf_part_kind part;
	char *text;

	if (!is_name(key) || !part_of(kind, key, &part))
		return;
	if (!o) {
		o = mem_zalloc(sizeof *o);
		*o = (struct object){ .next = c->objects, .kind = kind, .part = part,
			.name = mem_strdup(key), .told = mem_strdup("") };
		c->objects = o;
	}
	read_object(o, obj);
	text = json_dumps(spec, JSON_COMPACT | JSON_ENCODE_ANY);
	if (composition_set(kube_agent(c->k)->composition, part, key, age ? age : "", text ? text : "{}"))
		load_soon(c);
	else if (c->loaded)
		plan(c);
	free(text);
}

static void
on_deleted(void *ctx, const char *key)
{
	struct kind *kind = ctx;
	struct config *c = kind->config;
	struct object *o = find(kind, key);

	if (!o)
		return;
	if (composition_remove(kube_agent(c->k)->composition, o->part, key))
		load_soon(c);
	drop(c, o);
}

static void
settle(struct kind *kind)
{
	if (kind->settled)
		return;
	kind->settled = true;
	load_soon(kind->config);
}

static bool
is_there(void *ctx, const char *name)
{
	return find(ctx, name) != NULL;
}

/* What was deleted while we did not look is not told of: it is what the list has not. */
static void
on_synced(void *ctx)
{
	struct kind *kind = ctx;
	struct composition *comp = kube_agent(kind->config->k)->composition;
	bool any = composition_sweep(comp, kind->part, is_there, kind);

	if (kind->part == CONF_PART_DEFAULT)
		any |= composition_sweep(comp, CONF_PART_NODE, is_there, kind);
	settle(kind);
	if (any)
		load_soon(kind->config);
}

/* Where the definitions are not installed there are no objects: that is all right. */
static void
on_problem(void *ctx, const char *why)
{
	if (strncmp(why, "not served here", strlen("not served here")) == 0)
		settle(ctx);
}

/* ---- what came of them ------------------------------------------------------------- */

/* The first line; what it quotes has single quotes, as the event's text is key="value". */
static void
tell_refused(struct agent *a, const struct object *o, const struct composition_result *r)
{
	char *why = mem_strndup(r->why, strcspn(r->why, "\n"));

	for (char *p = why; *p; p++)
		if (*p == '"')
			*p = '\'';
	events_addf(a->events, IPC_LVL_ERR, "object-refused", "object=%s/%s in_force=%s why=\"%s\"",
	    o->kind->name, o->name, r->verdict == CONF_KEPT ? "last-good" : "nothing", why);
	mem_free(why);
}

/* What became of each, told when it changes. */
static void
tell(struct config *c)
{
	struct agent *a = kube_agent(c->k);
	struct composition_result r;

	for (struct object *o = c->objects; o; o = o->next) {
		if (!composition_result(a->composition, o->part, o->name, &r))
			continue;
		if (r.verdict == CONF_TAKEN && o->told[0])
			events_addf(a->events, IPC_LVL_NOTICE, "object-taken", "object=%s/%s", o->kind->name,
			    o->name);
		else if (r.verdict != CONF_TAKEN && strcmp(o->told, r.why) != 0)
			tell_refused(a, o, &r);
		set_text(&o->told, r.verdict == CONF_TAKEN ? "" : r.why);
	}
}

/* ---- status ------------------------------------------------------------------------ */

struct wanted {
	bool taken;
	char *message; /* without who says it */
};

/* Lines as one sentence after the other. */
static char *
message_of(const struct composition_result *r)
{
	size_t n = strlen(r->why);
	char *text, *all;

	if (r->verdict == CONF_TAKEN)
		return mem_strdup("in force");
	while (n > 0 && r->why[n - 1] == '\n')
		n--;
	text = mem_strndup(r->why, n < MESSAGE_MAX ? n : MESSAGE_MAX);
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = ';';
	all = mem_printf("%s: %s", r->verdict == CONF_KEPT ? "the last good one stays in force" :
							   "it is left out", text);
	mem_free(text);
	return all;
}

/* What the status is to be; false: nothing is known yet. */
static bool
want(const struct config *c, const struct object *o, struct wanted *ret)
{
	struct composition_result r;

	if (!composition_result(kube_agent(c->k)->composition, o->part, o->name, &r))
		return false;
	*ret = (struct wanted){ .taken = r.verdict == CONF_TAKEN, .message = message_of(&r) };
	return true;
}

/* Does the status say so already, whoever wrote it? */
static bool
is_said(const struct object *o, const struct wanted *w)
{
	size_t n = strlen(w->message);

	if (o->seen_generation != o->generation ||
	    strcmp(o->seen_status, w->taken ? "True" : "False") != 0)
		return false;
	return w->taken || (strncmp(o->seen_message, w->message, n) == 0 &&
			       (o->seen_message[n] == '\0' || strncmp(o->seen_message + n, " (", 2) == 0));
}

/* Did another node find a mistake in what is right here? */
static bool
is_contradicted(const struct config *c, const struct object *o, const struct wanted *w)
{
	char *by = mem_printf(" (%s)", kube_agent(c->k)->conf->node.name);
	size_t n = strlen(by), m = strlen(o->seen_message);
	bool ours = m >= n && strcmp(o->seen_message + m - n, by) == 0;

	mem_free(by);
	return w->taken && o->seen_generation == o->generation && strcmp(o->seen_status, "False") == 0 &&
	    !ours;
}

static json_t *
status_body(const struct config *c, const struct object *o, const struct wanted *w)
{
	const char *status = w->taken ? "True" : "False";
	bool same = strcmp(o->seen_status, status) == 0 && o->seen_since[0];
	char now[KUBE_TIME_STRLEN];
	char *message = w->taken ? mem_strdup(w->message) :
				   mem_printf("%s (%s)", w->message, kube_agent(c->k)->conf->node.name);
	json_t *j = json_pack("{s:{s:s}, s:{s:I, s:[{s:s, s:s, s:s, s:s, s:I, s:s}]}}", "metadata",
	    "resourceVersion", o->version, "status", "observedGeneration", (json_int_t)o->generation,
	    "conditions", "type", "Accepted", "status", status, "reason",
	    w->taken ? "Accepted" : "Invalid", "message", message, "observedGeneration",
	    (json_int_t)o->generation, "lastTransitionTime",
	    same ? o->seen_since : kube_time_str(now));

	mem_free(message);
	return j;
}

static void
refused(struct config *c, struct object *o, const struct api_answer *ans)
{
	uint64_t us = (uint64_t)RETRY_US << (o->tries < RETRY_MOST ? o->tries : RETRY_MOST);

	if (ans->status == 409) { /* the watch brings what somebody else wrote */
		o->pending = false;
		return;
	}
	if (o->tries == 0 && ans->status != 0 && ans->status != 429 && ans->status < 500)
		events_addf(kube_agent(c->k)->events, IPC_LVL_WARN, "status-refused",
		    "object=%s/%s why=\"%s\"", o->kind->name, o->name, ans->why);
	o->tries++;
	if ((uint64_t)ans->retry_after_ms * 1000 > us)
		us = (uint64_t)ans->retry_after_ms * 1000;
	o->due = mono_add_us(agent_now(), us);
}

static void
on_written(void *ctx, const struct api_answer *ans)
{
	struct config *c = ctx;
	struct object *o = c->sent;
	struct kube_ref ref = { .api_version = API_VERSION };
	struct composition_result r;

	c->call = 0;
	c->sent = NULL;
	if (o && ans->status >= 200 && ans->status < 300) {
		o->pending = false;
		o->tries = 0;
		if (ans->body)
			read_object(o, ans->body);
		ref.kind = o->kind->name;
		ref.name = o->name;
		ref.uid = o->uid;
		if (composition_result(kube_agent(c->k)->composition, o->part, o->name, &r) &&
		    r.verdict != CONF_TAKEN) {
			char *text = message_of(&r);

			kube_event(c->k, &ref, true, "Invalid", text);
			mem_free(text);
		}
	} else if (o) {
		refused(c, o, ans);
	}
	plan(c);
}

static void
write_status(struct config *c, struct object *o, const struct wanted *w)
{
	json_t *body = status_body(c, o, w);
	char *path = mem_printf(ROOT "/%s/%s/status", o->kind->plural, o->name);
	struct api_req req = { .method = "PATCH", .path = path,
		.type = "application/merge-patch+json", .body = body };

	c->sent = o;
	c->call = api_send(kube_api(c->k), &req, on_written, c);
	json_decref(body);
	mem_free(path);
}

/* When the status of an object may be written, if it has to be; MONO_NEVER: it has not. */
static struct mono_us
due(struct config *c, struct object *o, struct wanted *w)
{
	bool contradicts;

	if (!want(c, o, w))
		return MONO_NEVER;
	contradicts = is_contradicted(c, o, w);
	if (is_said(o, w)) {
		o->pending = false;
		o->tries = 0;
	} else if (!o->pending || (contradicts && !o->contradicts)) {
		o->pending = true;
		o->due = mono_add_us(agent_now(), rng_below(&c->rng, JITTER_US) +
			(contradicts ? CONTRADICT_US : 0));
	}
	o->contradicts = contradicts;
	return o->pending ? o->due : MONO_NEVER;
}

/* Write the first status that is due, or wait for it; one at a time. */
static void
plan(struct config *c)
{
	struct mono_us soonest = MONO_NEVER, at, now = agent_now();
	struct timeval tv;
	uint64_t left;

	if (c->call || !c->loaded || !kube_agent(c->k)->conf || agent_observes(kube_agent(c->k)))
		return;
	for (struct object *o = c->objects; o && !c->call; o = o->next) {
		struct wanted w = { .message = NULL };

		at = due(c, o, &w);
		if (!mono_is_never(at) && mono_reached(now, at))
			write_status(c, o, &w);
		else
			soonest = mono_min(soonest, at);
		mem_free(w.message);
	}
	if (c->call || mono_is_never(soonest))
		return;
	left = (uint64_t)mono_diff_us(soonest, now);
	tv = (struct timeval){ (time_t)(left / 1000000), (suseconds_t)(left % 1000000) };
	event_add(c->status_ev, &tv);
}

static void
on_status(evutil_socket_t fd, short what, void *arg)
{
	plan(arg);
}

/* ---- the part ------------------------------------------------------------------------ */

static void
on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct config *c = arg;

	c->late = true;
	if (!c->loaded)
		source_again(kube_agent(c->k));
}

static void *
start(struct kube *k)
{
	static const struct timeval patience = { PATIENCE_S, 0 };
	static const struct reflector_ops ops = { .object = on_object, .deleted = on_deleted,
		.synced = on_synced, .problem = on_problem };
	static const struct {
		const char *name, *plural;
		enum conf_part_kind part;
	} kinds[4] = {
		{ "BGPConfiguration", "bgpconfigurations", CONF_PART_DEFAULT },
		{ "BGPFilter", "bgpfilters", CONF_PART_FILTER },
		{ "BGPPeer", "bgppeers", CONF_PART_PEER },
		{ "BGPAdvertisement", "bgpadvertisements", CONF_PART_ADVERTISEMENT },
	};
	struct config *c = mem_zalloc(sizeof *c);
	struct event_base *base = kube_agent(k)->base;
	char path[64];

	c->k = k;
	rng_seed(&c->rng, agent_now().us);
	c->status_ev = event_new(base, -1, 0, on_status, c);
	c->patience_ev = event_new(base, -1, 0, on_patience, c);
	event_add(c->patience_ev, &patience);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof path, ROOT "/%s", kinds[i].plural);
		c->kind[i] = (struct kind){ .config = c, .name = kinds[i].name, .plural = kinds[i].plural,
			.part = kinds[i].part };
		c->kind[i].reflector = reflector_new(
		    kube_api(k), &(struct reflector_spec){ .path = path }, &ops, &c->kind[i]);
	}
	return c;
}

/* What the objects have given stays in force: that the API is no longer used does not undo it. */
static void
stop(void *part)
{
	struct config *c = part;

	if (c->call)
		api_cancel(kube_api(c->k), c->call);
	for (size_t i = 0; i < 4; i++)
		reflector_free(c->kind[i].reflector);
	while (c->objects)
		drop(c, c->objects);
	event_free(c->status_ev);
	event_free(c->patience_ev);
	mem_free(c);
}

/* All texts were put together again: this is what came of them. */
static void
conf(void *part, const struct conf *in_force)
{
	struct config *c = part;

	if (!c->loaded)
		return;
	tell(c);
	plan(c);
}

static const struct kind *
kind_of(const struct config *c, enum conf_part_kind part)
{
	if (part == CONF_PART_NODE)
		part = CONF_PART_DEFAULT;
	for (size_t i = 0; i < 4; i++)
		if (c->kind[i].part == part)
			return &c->kind[i];
	return NULL;
}

/* The first list sweeps away those that it has not (on_synced()). */
void
kube_config_remember(
    void *part, enum conf_part_kind kind, const char *element, const char *age, const char *text)
{
	struct config *c = part;
	const struct kind *k = kind_of(c, kind);

	if (k && !k->settled && !find(k, element) && is_name(element))
		composition_set(kube_agent(c->k)->composition, kind, element, age, text);
}

void
kube_config_go_on(void *part)
{
	struct config *c = part;

	c->late = true;
	source_again(kube_agent(c->k));
}

bool
kube_config_is_awaited(const void *part)
{
	const struct config *c = part;

	return c && !c->loaded && !c->late;
}

bool
kube_config_is_loaded(const void *part)
{
	const struct config *c = part;

	return !c || c->loaded;
}

const struct kube_part kube_config_part = {
	.name = "config", .start = start, .stop = stop, .conf = conf };
