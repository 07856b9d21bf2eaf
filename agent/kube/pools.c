/*
 * LoadBalancer addresses, the shell; see pools.h.
 *
 * Statuses are written by merge patches that name the version of the Service they are made for; 409
 * means that it has changed, which the watch tells. A few are under way at a time. When the lead is
 * lost those under way are ended and everything is forgotten.
 */
#include "agent/kube/pools.h"

#include <stdio.h>
#include <string.h>

#include "agent/kube/api.h"
#include "agent/kube/apicall.h"
#include "agent/kube/backoff.h"
#include "agent/kube/jget.h"
#include "agent/kube/lease.h"
#include "agent/kube/recorder.h"
#include "agent/kube/reflector.h"
#include "agent/kube/svcpool.h"
#include "lib/hmap.h"
#include "lib/list.h"
#include "lib/mem.h"

#define LEASE_NAME   "weft-load-balancer"
#define WRITES_MAX   8	/* under way */
#define RETRY_MS     500
#define RETRY_MOST_MS 30000

/* A Service as it was read last: what requests about it need. */
struct known {
	struct hmap_node node;
	struct list again; /* in kube_pools.again: a write has failed */
	struct kube_pools *kp;
	char *key, *version, *uid;
	uint32_t request; /* under way, 0: none */
	bool gone;	  /* and it waits for that request's end */
};

struct kube_pools {
	struct kube *k;
	struct agent *a;
	struct kube_lease *lease; /* NULL: no pools are configured */
	uint32_t lease_ms;
	char *class; /* as of when we began to lead */
	struct reflector *services; /* while we lead */
	struct pools *model;	    /* the same */
	struct hmap known;
	struct list again;
	struct api_timer *work, *retry;
	struct backoff backoff;
	unsigned writing;
	struct selector **selectors;
	size_t nselectors;
	bool synced;
	uint64_t writes, failures;
	char problem[IPC_TEXT_MAX], watch_problem[IPC_TEXT_MAX];
};

/* ---- Services that are known --------------------------------------------------- */

static struct known *
known_find(const struct kube_pools *kp, const char *key)
{
	uint64_t h = hmap_hash(&kp->known, key, strlen(key));

	for (struct hmap_node *n = hmap_first_with(&kp->known, h); n; n = hmap_next_with(n))
		if (strcmp(container_of(n, struct known, node)->key, key) == 0)
			return container_of(n, struct known, node);
	return NULL;
}

static struct known *
known_get(struct kube_pools *kp, const char *key)
{
	struct known *s = known_find(kp, key);

	if (s)
		return s;
	s = mem_zalloc(sizeof *s);
	s->kp = kp;
	s->key = mem_strdup(key);
	list_init(&s->again);
	hmap_insert(&kp->known, &s->node, hmap_hash(&kp->known, key, strlen(key)));
	return s;
}

static void
known_free(struct known *s)
{
	hmap_remove(&s->kp->known, &s->node);
	if (list_is_linked(&s->again))
		list_remove(&s->again);
	mem_free(s->key);
	mem_free(s->version);
	mem_free(s->uid);
	mem_free(s);
}

static void
set_text(char **to, const char *s)
{
	mem_free(*to);
	*to = s ? mem_strdup(s) : NULL;
}

/* ---- writing statuses ------------------------------------------------------------ */

static void
tell_later(struct kube_pools *kp)
{
	api_timer_set(kp->work, 0);
}

static void
note_problem(struct kube_pools *kp, const char *why)
{
	if (strcmp(kp->problem, why) == 0)
		return;
	snprintf(kp->problem, sizeof kp->problem, "%s", why);
	if (*why)
		events_addf(kp->a->events, IPC_LVL_WARN, "load-balancer-problem", "why=\"%.200s\"", why);
}

/* Whatever it was, the Service is asked about again: 409 after the watch has told of the change. */
static void
written(void *ctx, const struct api_answer *ans)
{
	struct known *s = ctx;
	struct kube_pools *kp = s->kp;

	s->request = 0;
	kp->writing--;
	if (ans->status / 100 == 2) {
		kp->writes++;
		backoff_reset(&kp->backoff);
		note_problem(kp, "");
	} else if (!s->gone && ans->status != 404) {
		kp->failures++;
		if (ans->status != 409)
			note_problem(kp, ans->why);
		if (list_is_empty(&kp->again))
			api_timer_set(kp->retry, ans->retry_after_ms ? ans->retry_after_ms :
				backoff_next(&kp->backoff));
		if (!list_is_linked(&s->again))
			list_push_back(&kp->again, &s->again);
	}
	if (s->gone)
		known_free(s);
	tell_later(kp);
}

static void
on_retry(void *ctx)
{
	struct kube_pools *kp = ctx;
	struct list *l;

	while ((l = list_pop_front(&kp->again)))
		pools_again(kp->model, container_of(l, struct known, again)->key);
	tell_later(kp);
}

static json_t *
ingress(const struct pools_todo *t)
{
	json_t *v = json_array();
	char buf[IP_ADDR_STRLEN];

	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(v, json_pack("{s:s}", "ip", ip_addr_str(&t->addr[i], buf)));
	return v;
}

static void
write_status(struct kube_pools *kp, struct known *s, const struct pools_todo *t)
{
	size_t ns = strcspn(s->key, "/");
	char *path = mem_printf("/api/v1/namespaces/%.*s/services/%s/status", (int)ns, s->key,
	    s->key + ns + (s->key[ns] == '/'));
	json_t *list = t->n ? ingress(t) : json_null();
	json_t *body = json_pack("{s:{s:s}, s:{s:{s:o}}}", "metadata", "resourceVersion",
	    s->version ? s->version : "", "status", "loadBalancer", "ingress", list);
	struct api_req r = { .method = "PATCH", .path = path, .type = "application/merge-patch+json",
		.body = body };

	s->request = api_send(kube_api(kp->k), &r, written, s);
	kp->writing++;
	json_decref(body);
	mem_free(path);
}

/* One that is being written is asked about again when that is done. */
static void
write_all(struct kube_pools *kp)
{
	struct pools_todo t;
	struct known *s;

	while (kp->writing < WRITES_MAX && pools_next_todo(kp->model, &t)) {
		s = known_find(kp, t.key);
		if (s && s->request && !list_is_linked(&s->again))
			list_push_back(&kp->again, &s->again);
		else if (s && !s->request && !list_is_linked(&s->again))
			write_status(kp, s, &t);
	}
	if (!list_is_empty(&kp->again) && kp->writing == 0)
		api_timer_set(kp->retry, RETRY_MS);
}

/* ---- Events ------------------------------------------------------------------------- */

static void
tell(struct kube_pools *kp, const struct pools_event *e)
{
	size_t ns = strcspn(e->key, "/");
	char *space = mem_strndup(e->key, ns);
	const struct known *s = known_find(kp, e->key);
	struct kube_ref ref = { .api_version = "v1", .kind = "Service", .namespace = space,
		.name = e->key + ns + (e->key[ns] == '/'), .uid = s ? s->uid : NULL };

	events_addf(kp->a->events, e->warning ? IPC_LVL_WARN : IPC_LVL_INFO, "load-balancer",
	    "service=%.120s reason=%s what=\"%.160s\"", e->key, e->reason, e->text);
	kube_event(kp->k, &ref, e->warning, e->reason, e->text);
	mem_free(space);
}

static void
work(void *ctx)
{
	struct kube_pools *kp = ctx;
	struct pools_event e;

	if (!kp->model || !kube_lease_is_held(kp->lease) || agent_observes(kp->a))
		return;
	write_all(kp);
	while (pools_next_event(kp->model, &e))
		tell(kp, &e);
}

/* ---- the watch -------------------------------------------------------------------------- */

static void
on_object(void *ctx, const char *key, const json_t *obj)
{
	struct kube_pools *kp = ctx;
	struct known *s = known_get(kp, key);
	struct svcpool p;

	s->gone = false;
	set_text(&s->version, jget_str(obj, "metadata.resourceVersion"));
	set_text(&s->uid, jget_str(obj, "metadata.uid"));
	svcpool_parse(key, obj, kp->class, &p);
	pools_put(kp->model, &p.s);
	svcpool_clear(&p);
	tell_later(kp);
}

static void
on_deleted(void *ctx, const char *key)
{
	struct kube_pools *kp = ctx;
	struct known *s = known_find(kp, key);

	pools_remove(kp->model, key);
	if (s && s->request)
		s->gone = true;
	else if (s)
		known_free(s);
	tell_later(kp);
}

static void
on_synced(void *ctx)
{
	struct kube_pools *kp = ctx;

	if (!kp->synced)
		pools_synced(kp->model);
	kp->synced = true;
	tell_later(kp);
}

static void
on_problem(void *ctx, const char *why)
{
	struct kube_pools *kp = ctx;

	snprintf(kp->watch_problem, sizeof kp->watch_problem, "%s", why);
}

static const struct reflector_ops services_ops = { on_object, on_deleted, on_synced, on_problem };

/* ---- the configuration -------------------------------------------------------------------- */

static void
forget_selectors(struct kube_pools *kp)
{
	for (size_t i = 0; i < kp->nselectors; i++)
		selector_free(kp->selectors[i]);
	mem_free(kp->selectors);
	kp->selectors = NULL;
	kp->nselectors = 0;
}

static void
configure(struct kube_pools *kp, const struct conf *c)
{
	const struct conf_pools *from = &c->pools;
	struct pool_conf *v = mem_zalloc_array(from->n + 1, sizeof *v);
	struct selector **old = kp->selectors;
	size_t nold = kp->nselectors;

	kp->selectors = mem_zalloc_array(from->n + 1, sizeof *kp->selectors);
	kp->nselectors = from->n;
	for (size_t i = 0; i < from->n; i++) {
		const struct conf_pool *p = &from->v[i];

		kp->selectors[i] = p->selector ? selector_parse(p->selector, NULL, NULL) : NULL;
		v[i] = (struct pool_conf){ .name = p->name, .ranges = p->addresses.v,
			.nranges = p->addresses.n, .auto_assign = p->auto_assign,
			.avoid_buggy = p->avoid_buggy, .selector = kp->selectors[i],
			.namespaces = (const char *const *)p->namespaces.v, .nnamespaces = p->namespaces.n };
	}
	pools_configure(kp->model, v, from->n, c->load_balancer.reclaim);
	mem_free(v);
	for (size_t i = 0; i < nold; i++)
		selector_free(old[i]);
	mem_free(old);
	tell_later(kp);
}

/* ---- leading --------------------------------------------------------------------------------- */

static void
lead(struct kube_pools *kp)
{
	static const struct reflector_spec spec = { .path = "/api/v1/services" };

	set_text(&kp->class, kp->a->conf->load_balancer.class);
	kp->model = pools_new(api_seed(kube_api(kp->k)));
	configure(kp, kp->a->conf);
	kp->services = reflector_new(kube_api(kp->k), &spec, &services_ops, kp);
}

static void
on_won(void *ctx)
{
	struct kube_pools *kp = ctx;

	events_addf(kp->a->events, IPC_LVL_NOTICE, "load-balancer-lead", "lease=" LEASE_NAME);
	lead(kp);
}

/* Requests under way are ended: what they asked for may still come to pass, over a version that
 * the next one to lead finds. */
static void
forget_all(struct kube_pools *kp)
{
	struct hmap_node *n, *tmp;

	reflector_free(kp->services);
	kp->services = NULL;
	HMAP_FOREACH_SAFE(n, tmp, &kp->known) {
		struct known *s = container_of(n, struct known, node);

		if (s->request)
			api_cancel(kube_api(kp->k), s->request);
		known_free(s);
	}
	kp->writing = 0;
	pools_free(kp->model);
	kp->model = NULL;
	kp->synced = false;
	forget_selectors(kp);
	api_timer_stop(kp->retry);
	kp->problem[0] = kp->watch_problem[0] = '\0';
}

static void
on_lost(void *ctx)
{
	struct kube_pools *kp = ctx;

	events_addf(kp->a->events, IPC_LVL_WARN, "load-balancer-lead-lost", "lease=" LEASE_NAME " holder=%.100s%s",
	    kube_lease_holder(kp->lease),
	    kube_lease_is_ours(kp->lease) ? " why=\"it could not be renewed in time\"" : "");
	forget_all(kp);
}

static const struct kube_lease_ops lease_ops = { on_won, on_lost };

/* ---- the part --------------------------------------------------------------------------------- */

static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void
pools_conf(void *part, const struct conf *c)
{
	struct kube_pools *kp = part;
	bool want = c->pools.n > 0 && !c->observe;

	if (kp->lease && (!want || kp->lease_ms != c->load_balancer.lease_ms)) {
		if (kp->model)
			forget_all(kp);
		kube_lease_free(kp->lease);
		kp->lease = NULL;
	}
	if (want && !kp->lease) {
		kp->lease_ms = c->load_balancer.lease_ms;
		kp->lease = kube_lease_new(kp->k, LEASE_NAME, kp->lease_ms, &lease_ops, kp);
	} else if (kp->model && !same_text(kp->class, c->load_balancer.class)) {
		forget_all(kp); /* others are ours: begin anew */
		lead(kp);
	} else if (kp->model) {
		configure(kp, c);
	}
}

static void *
pools_start(struct kube *k)
{
	struct kube_pools *kp = mem_zalloc(sizeof *kp);
	uint64_t key[2] = { api_seed(kube_api(k)), api_seed(kube_api(k)) };

	kp->k = k;
	kp->a = kube_agent(k);
	hmap_init(&kp->known, key);
	list_init(&kp->again);
	backoff_init(&kp->backoff, RETRY_MS, RETRY_MOST_MS, api_seed(kube_api(k)));
	kp->work = api_timer_new(kube_api(k), work, kp);
	kp->retry = api_timer_new(kube_api(k), on_retry, kp);
	return kp;
}

static void
pools_stop(void *part)
{
	struct kube_pools *kp = part;

	forget_all(kp);
	kube_lease_free(kp->lease);
	api_timer_free(kp->work);
	api_timer_free(kp->retry);
	hmap_free(&kp->known);
	mem_free(kp->class);
	mem_free(kp);
}

const struct kube_part kube_pools_part = {
	.name = "pools",
	.start = pools_start,
	.stop = pools_stop,
	.conf = pools_conf,
};

void
kube_pools_look(const struct kube_pools *kp, struct kube_pools_view *ret)
{
	*ret = (struct kube_pools_view){ .holder = "", .problem = "" };
	if (!kp || !kp->lease)
		return;
	ret->configured = true;
	ret->leads = kp->model != NULL;
	ret->synced = kp->synced;
	ret->holder = kube_lease_holder(kp->lease);
	ret->problem = kp->problem[0] ? kp->problem : kp->watch_problem[0] ? kp->watch_problem :
	    kube_lease_problem(kp->lease);
	if (!*ret->problem && !ret->leads && kube_lease_is_ours(kp->lease))
		ret->problem = "the API server does not take the renewal of the Lease: nobody gives addresses "
			       "out until it does, or until another agent has the Lease";
	ret->model = kp->model;
	ret->writes = kp->writes;
	ret->failures = kp->failures;
}
