/*
 * See status.h.
 *
 * The Node is read, one thing that is not as it should be is patched, and it is read again, with a
 * delay in between that grows, until everything is right: whatever else happens to the Node
 * meanwhile, or is done against it, makes this neither wrong nor fast.  Taints are one list, which a
 * patch replaces: it carries the resourceVersion that it was made from, and a conflict (409) means
 * to read again, so that nobody else's taint is lost.
 */
#include "agent/kube/status.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/cluster.h"
#include "agent/events.h"
#include "agent/kube/api.h"
#include "agent/kube/backoff.h"
#include "agent/kube/jget.h"
#include "agent/routed.h"
#include "lib/mem.h"

#define CONDITION   "NetworkUnavailable"
#define MERGE	    "application/merge-patch+json"
#define STRATEGIC   "application/strategic-merge-patch+json"
#define LEAST_MS    100
#define MOST_MS	    30000
#define CHECK_MS    600000 /* is it still right? */
#define PATH_OCTETS 320

struct status {
	struct kube *k;
	struct event *ev;
	struct backoff delay;
	uint32_t req; /* under way; 0: none */
	bool again;   /* something has changed meanwhile */
	bool right;   /* the Node was as it should be, for `routed` */
	bool routed;  /* as of the last look */
	bool seen;    /* the cluster has our Node */
	const char *doing; /* what the patch under way is for */
	char problem[256];
};

/* ---- the Node as it is ----------------------------------------------------------- */

static const json_t *
condition(const json_t *node)
{
	const json_t *list = jget(node, "status.conditions");
	const char *type;

	for (size_t i = 0; i < json_array_size(list); i++) {
		type = jget_str(json_array_get(list, i), "type");
		if (type && strcmp(type, CONDITION) == 0)
			return json_array_get(list, i);
	}
	return NULL;
}

static bool
says(const json_t *cond, const char *key, const char *what)
{
	const char *v = jget_str(cond, key);

	return v && strcmp(v, what) == 0;
}

static bool
is_our_taint(const json_t *taint)
{
	return says(taint, "key", STATUS_TAINT);
}

static bool
has_our_taint(const json_t *node)
{
	const json_t *list = jget(node, "spec.taints");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (is_our_taint(json_array_get(list, i)))
			return true;
	return false;
}

/* ---- patches ------------------------------------------------------------------------ */

/* The time of the last change stays while the condition says the same. */
static json_t *
condition_patch(const json_t *was, bool routed)
{
	const char *status = routed ? "False" : "True";
	const char *since = says(was, "status", status) ? jget_str(was, "lastTransitionTime") : NULL;
	char now[KUBE_TIME_STRLEN];

	kube_time_str(now);
	return json_pack("{s:{s:[{s:s, s:s, s:s, s:s, s:s, s:s}]}}", "status", "conditions", "type",
	    CONDITION, "status", status, "reason", routed ? "WeftReady" : "WeftConverging", "message",
	    routed ? "weft has this node's routes" : "weft waits for this node's routes",
	    "lastHeartbeatTime", now, "lastTransitionTime", since ? since : now);
}

/* All taints but ours, as they are. */
static json_t *
taint_patch(const json_t *node)
{
	const json_t *list = jget(node, "spec.taints");
	const char *version = jget_str(node, "metadata.resourceVersion");
	json_t *rest = json_array();

	for (size_t i = 0; i < json_array_size(list); i++)
		if (!is_our_taint(json_array_get(list, i)))
			json_array_append_new(rest, json_deep_copy(json_array_get(list, i)));
	return json_pack("{s:{s:s}, s:{s:o}}", "metadata", "resourceVersion", version ? version : "",
	    "spec", "taints", rest);
}

/* ---- one step after the other ---------------------------------------------------------- */

static void answered(void *ctx, const struct api_answer *ans);
static void patched(void *ctx, const struct api_answer *ans);

/* "/api/v1/nodes/NAME" and what follows; false: the name is none that a Node can have. */
static bool
path_of(const struct status *s, const char *more, char path[PATH_OCTETS])
{
	const struct conf *c = kube_agent(s->k)->conf;
	const char *name = c ? c->node.name : NULL;
	size_t n = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") : 0;

	if (n == 0 || name[n] || n > 253)
		return false;
	snprintf(path, PATH_OCTETS, "/api/v1/nodes/%s%s", name, more);
	return true;
}

static void
later(struct status *s, uint32_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(s->ev, &tv);
}

static void
is_right(struct status *s)
{
	s->right = true;
	s->problem[0] = '\0';
	backoff_reset(&s->delay);
	later(s, CHECK_MS);
}

/* Not found is what a Node is that the kubelet has not made yet. */
static void
failed(struct status *s, const struct api_answer *ans)
{
	uint32_t ms = backoff_next(&s->delay);

	if (ans->status != 409 && ans->status != 404 && strcmp(s->problem, ans->why) != 0)
		events_addf(kube_agent(s->k)->events, IPC_LVL_WARN, "node-status-failed",
		    "status=%d why=\"%s\"", ans->status, ans->why);
	if (ans->status != 409)
		snprintf(s->problem, sizeof s->problem, "%s", ans->why);
	later(s, ms > ans->retry_after_ms ? ms : ans->retry_after_ms);
}

/* Takes body. */
static void
patch(struct status *s, const char *more, const char *type, json_t *body)
{
	char path[PATH_OCTETS];
	struct api_req req = { .method = "PATCH", .path = path, .type = type, .body = body };

	if (body && path_of(s, more, path))
		s->req = api_send(kube_api(s->k), &req, patched, s);
	else
		later(s, backoff_next(&s->delay));
	json_decref(body);
}

/* What is not as it should be, one thing at a time. */
static void
mend(struct status *s, const json_t *node)
{
	const json_t *cond = condition(node);

	s->routed = routed_is_done(kube_agent(s->k)->routed);
	if (s->routed ? !says(cond, "status", "False") || !says(cond, "reason", "WeftReady") : !cond) {
		s->doing = s->routed ? CONDITION " is False" : CONDITION " is True";
		patch(s, "/status", STRATEGIC, condition_patch(cond, s->routed));
	} else if (s->routed && has_our_taint(node)) {
		s->doing = "taint " STATUS_TAINT " removed";
		patch(s, "", MERGE, taint_patch(node));
	} else {
		is_right(s);
	}
}

static void
look(evutil_socket_t fd, short what, void *arg)
{
	struct status *s = arg;
	char path[PATH_OCTETS];
	struct api_req req = { .method = "GET", .path = path };

	s->again = s->req != 0;
	if (s->again || agent_observes(kube_agent(s->k)) || !path_of(s, "", path))
		return;
	event_del(s->ev);
	s->right = false;
	s->req = api_send(kube_api(s->k), &req, answered, s);
}

static void
answered(void *ctx, const struct api_answer *ans)
{
	struct status *s = ctx;

	s->req = 0;
	if (ans->status == 200 && json_is_object(ans->body))
		mend(s, ans->body);
	else
		failed(s, ans);
	if (s->again && s->req == 0)
		later(s, LEAST_MS);
}

/* Read again: is there more, and did it stay? */
static void
patched(void *ctx, const struct api_answer *ans)
{
	struct status *s = ctx;

	s->req = 0;
	if (ans->status < 200 || ans->status > 299) {
		failed(s, ans);
		return;
	}
	events_addf(kube_agent(s->k)->events, IPC_LVL_NOTICE, "node-status", "what=\"%s\"", s->doing);
	later(s, backoff_next(&s->delay));
}

/* ---- what causes a look ------------------------------------------------------------------- */

/* While something has failed, or was patched, the next look is on its way already. */
static void
peers(void *part)
{
	struct status *s = part;

	if (routed_is_done(kube_agent(s->k)->routed) && !s->routed && s->delay.attempts == 0)
		look(-1, 0, s);
}

/* The Node was made anew, or has the taint again. */
static void
cluster(void *part)
{
	struct status *s = part;
	const struct agent *a = kube_agent(s->k);
	const struct cluster_node *own = a->cluster ? cluster_own(a->cluster) : NULL;

	bool new = own && !s->seen;

	s->seen = own != NULL;
	if (new || (own && s->right && s->routed && labels_get(&own->taints, STATUS_TAINT)))
		look(-1, 0, s);
}

static void *
start(struct kube *k)
{
	struct status *s = mem_zalloc(sizeof *s);

	s->k = k;
	s->ev = event_new(kube_agent(k)->base, -1, 0, look, s);
	backoff_init(&s->delay, LEAST_MS, MOST_MS, agent_now().us);
	later(s, LEAST_MS);
	return s;
}

static void
stop(void *part)
{
	struct status *s = part;

	if (s->req)
		api_cancel(kube_api(s->k), s->req);
	event_free(s->ev);
	mem_free(s);
}

const struct kube_part kube_status_part = {
	.name = "status",
	.start = start,
	.stop = stop,
	.cluster = cluster,
	.peers = peers,
};

const char *
status_problem(const struct agent *a)
{
	const struct status *s = a->kube ? kube_part_find(a->kube, "status") : NULL;

	return s ? s->problem : "";
}
