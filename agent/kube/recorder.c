/*
 * See recorder.h. Requests go one after the other; the server's refusal is the end of that Event.
 */
#include "agent/kube/recorder.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/kube/api.h"
#include "agent/kube/apicall.h"
#include "lib/conf.h"
#include "lib/mem.h"
#include "lib/mono.h"

#define KEPT	    32 /* Events that are counted when they come again */
#define BURST	    20
#define REFILL_US   10000000
#define AGAIN_US    30000000 /* least time between two writes of one Event */
#define MESSAGE_MAX 1024 /* octets the API server takes */
#define TRIES	    4

struct record {
	char *namespace, *name; /* of the Event; name NULL: a free place */
	char *key;		/* what makes two of them the same */
	json_t *body;		/* as it was or will be created */
	uint32_t count;
	bool created, dirty;
	unsigned tries;
	struct mono_us next, seen;
};

struct recorder {
	struct kube *k;
	struct record v[KEPT];
	struct record *sent; /* under way */
	uint32_t call;
	uint32_t tokens;
	struct mono_us refilled;
	uint64_t made; /* for names */
	struct event *ev;
};

static void run(struct recorder *r);

/* ---- texts ---------------------------------------------------------------------- */

/* At most MESSAGE_MAX octets, cut before a character. */
static char *
message_text(const char *s)
{
	size_t n = strlen(s);

	if (n > MESSAGE_MAX)
		for (n = MESSAGE_MAX; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
			n--;
	return mem_strndup(s, n);
}

static json_t *
body_of(struct recorder *r, const struct record *rec, const struct kube_ref *ref, bool warning,
    const char *reason, const char *message)
{
	const char *node = kube_agent(r->k)->conf ? kube_agent(r->k)->conf->node.name : "";
	char now[KUBE_TIME_STRLEN], *text = message_text(message);
	json_t *involved = json_pack("{s:s, s:s, s:s}", "apiVersion", ref->api_version, "kind", ref->kind,
	    "name", ref->name);
	json_t *j;

	kube_time_str(now);
	if (ref->namespace)
		json_object_set_new(involved, "namespace", json_string(ref->namespace));
	if (ref->uid)
		json_object_set_new(involved, "uid", json_string(ref->uid));
	j = json_pack("{s:s, s:s, s:{s:s, s:s}, s:o, s:s, s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:i, s:s, s:s}",
	    "apiVersion", "v1", "kind", "Event", "metadata", "name", rec->name, "namespace",
	    rec->namespace, "involvedObject", involved, "reason", reason, "message", text, "type",
	    warning ? "Warning" : "Normal", "source", "component", "weft", "host", node,
	    "firstTimestamp", now, "lastTimestamp", now, "count", 1, "reportingComponent",
	    "weft.dev/agent", "reportingInstance", node);
	mem_free(text);
	return j ? j : json_object(); /* a text that is not UTF-8: the server refuses that */
}

/* ---- places ---------------------------------------------------------------------- */

static void
record_clear(struct record *rec)
{
	mem_free(rec->namespace);
	mem_free(rec->name);
	mem_free(rec->key);
	json_decref(rec->body);
	memset(rec, 0, sizeof *rec);
}

static struct record *
find(struct recorder *r, const char *key)
{
	for (size_t i = 0; i < KEPT; i++)
		if (r->v[i].name && strcmp(r->v[i].key, key) == 0)
			return &r->v[i];
	return NULL;
}

/* A free place, or the one that was not seen for the longest time; NULL: all of them wait. */
static struct record *
place(struct recorder *r)
{
	struct record *best = NULL;

	for (size_t i = 0; i < KEPT; i++) {
		struct record *rec = &r->v[i];

		if (!rec->name)
			return rec;
		if (!rec->dirty && rec != r->sent && (!best || mono_diff_us(best->seen, rec->seen) > 0))
			best = rec;
	}
	if (best)
		record_clear(best);
	return best;
}

static bool
take_token(struct recorder *r)
{
	struct mono_us now = agent_now();

	while (r->tokens < BURST && mono_diff_us(now, r->refilled) >= REFILL_US) {
		r->refilled = mono_add_us(r->refilled, REFILL_US);
		r->tokens++;
	}
	if (r->tokens == BURST)
		r->refilled = now;
	if (r->tokens == 0)
		return false;
	r->tokens--;
	return true;
}

/* ---- sending --------------------------------------------------------------------- */

static void
give_up(struct record *rec)
{
	record_clear(rec);
}

static void
done(void *ctx, const struct api_answer *ans)
{
	struct recorder *r = ctx;
	struct record *rec = r->sent;
	uint64_t wait_us = (uint64_t)ans->retry_after_ms * 1000;

	r->call = 0;
	r->sent = NULL;
	if (ans->status >= 200 && ans->status < 300) {
		rec->created = true;
		rec->tries = 0;
	} else if (ans->status == 404 && rec->created) {
		rec->created = false; /* it has expired: a new one */
		rec->dirty = true;
	} else if ((ans->status == 0 || ans->status == 429 || ans->status >= 500) &&
	    ++rec->tries < TRIES) {
		rec->dirty = true;
		wait_us = wait_us ? wait_us : (uint64_t)1000000 << (2 * rec->tries);
		rec->next = mono_add_us(agent_now(), wait_us);
	} else {
		give_up(rec);
	}
	run(r);
}

static void
write_event(struct recorder *r, struct record *rec)
{
	json_t *change = NULL;
	struct api_req req = { .method = "POST", .body = rec->body };
	char *path, now[KUBE_TIME_STRLEN];

	kube_time_str(now);
	json_object_set_new(rec->body, "count", json_integer(rec->count));
	json_object_set_new(rec->body, "lastTimestamp", json_string(now));
	path = mem_printf("/api/v1/namespaces/%s/events", rec->namespace);
	if (rec->created) {
		mem_free(path);
		path = mem_printf("/api/v1/namespaces/%s/events/%s", rec->namespace, rec->name);
		change = json_pack("{s:i, s:s}", "count", (int)rec->count, "lastTimestamp", now);
		req = (struct api_req){ .method = "PATCH", .type = "application/merge-patch+json",
			.body = change };
	}
	req.path = path;
	rec->dirty = false;
	rec->next = mono_add_us(agent_now(), AGAIN_US);
	r->sent = rec;
	r->call = api_send(kube_api(r->k), &req, done, r);
	json_decref(change);
	mem_free(path);
}

/* Send what is due, one at a time. */
static void
run(struct recorder *r)
{
	struct mono_us now = agent_now(), soonest = MONO_NEVER;
	struct timeval tv;
	int64_t left;

	if (r->sent)
		return;
	for (size_t i = 0; i < KEPT; i++) {
		struct record *rec = &r->v[i];

		if (!rec->name || !rec->dirty)
			continue;
		if (mono_reached(now, rec->next)) {
			write_event(r, rec);
			return;
		}
		soonest = mono_min(soonest, rec->next);
	}
	if (soonest.us == MONO_NEVER.us)
		return;
	left = mono_diff_us(soonest, now);
	tv = (struct timeval){ left / 1000000, left % 1000000 };
	event_add(r->ev, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	run(arg);
}

/* ---- the part --------------------------------------------------------------------- */

void
kube_event(struct kube *k, const struct kube_ref *ref, bool warning, const char *reason,
    const char *message)
{
	struct recorder *r = kube_part_find(k, "recorder");
	struct record *rec;
	char *key;

	if (!r || agent_observes(kube_agent(k)))
		return;
	if (ref->name[strspn(ref->name, "abcdefghijklmnopqrstuvwxyz0123456789-.")] != '\0')
		return;
	key = mem_printf("%s|%s|%s|%s|%s|%s", ref->kind, ref->namespace ? ref->namespace : "", ref->name,
	    ref->uid ? ref->uid : "", reason, message);
	rec = find(r, key);
	if (rec) {
		mem_free(key);
		rec->count++;
	} else {
		rec = take_token(r) ? place(r) : NULL;
		if (!rec) {
			mem_free(key);
			return;
		}
		rec->key = key;
		rec->namespace = mem_strdup(ref->namespace ? ref->namespace : "default");
		rec->name = mem_printf("%.200s.%llx%04llx", ref->name, (unsigned long long)time(NULL),
		    (unsigned long long)(++r->made & 0xffff));
		rec->count = 1;
		rec->next = agent_now();
		rec->body = body_of(r, rec, ref, warning, reason, message);
	}
	rec->seen = agent_now();
	rec->dirty = true;
	run(r);
}

static void *
start(struct kube *k)
{
	struct recorder *r = mem_zalloc(sizeof *r);

	r->k = k;
	r->made = api_seed(kube_api(k)); /* other nodes make names in the same second */
	r->tokens = BURST;
	r->refilled = agent_now();
	r->ev = event_new(kube_agent(k)->base, -1, 0, on_timer, r);
	return r;
}

static void
stop(void *part)
{
	struct recorder *r = part;

	if (r->call)
		api_cancel(kube_api(r->k), r->call);
	for (size_t i = 0; i < KEPT; i++)
		if (r->v[i].name)
			record_clear(&r->v[i]);
	event_free(r->ev);
	mem_free(r);
}

const struct kube_part kube_recorder_part = { .name = "recorder", .start = start, .stop = stop };
