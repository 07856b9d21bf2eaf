/*
 * Announced addresses of Services: the two watches around agent/core/services.
 *
 * Owns the model, the rules made of the configuration's advertisements of type Service, and which
 * API version the server has EndpointSlices in: it is asked for one of v1, and has v1beta1 when it
 * does not know that (404).  When something is wrong later on it is asked again, as a cluster may
 * have been upgraded meanwhile; the slices known stay in force until they have been listed in the
 * new version.
 */
#include "agent/kube/services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <event2/event.h>

#include "agent/announce.h"
#include "agent/core/cluster.h"
#include "agent/kube/api.h"
#include "agent/kube/apicall.h"
#include "agent/kube/config.h"
#include "agent/kube/keep.h"
#include "agent/kube/reflector.h"
#include "agent/kube/svcparse.h"
#include "agent/source.h"
#include "lib/conf_community.h"
#include "lib/mem.h"
#include "lib/out.h"

#define SYNC_WAIT_S 10
#define SERVERS_MAX 8
#define PAGE	    200 /* objects are small, and a restart waits for all of them */
#define ASK_AGAIN_S 1  /* which version, while none is known */
#define ASK_LATER_S 15 /* while one is, and does not work */

#define EXCLUDED "node.kubernetes.io/exclude-from-external-load-balancers"

#define V1	"/apis/discovery.k8s.io/v1/endpointslices"
#define V1BETA1 "/apis/discovery.k8s.io/v1beta1/endpointslices"
#define NO_HEADLESS "labelSelector=%21service.kubernetes.io%2Fheadless"

/* What a rule adds to the prefixes that it selects. */
struct rule_from {
	size_t adv; /* index of the advertisement */
	bool annotations;
	struct ipc_originate attributes;
};

struct rules {
	struct service_rule *v;
	struct rule_from *from; /* of each */
	size_t n;
	char *text; /* all that decides, but for `from`: to find out whether something changed */
};

struct kube_services {
	struct kube *k;
	struct agent *a;
	struct services *model;
	struct reflector *services, *slices;
	const char *slices_path;
	bool have_services, have_slices; /* listed */
	bool told;			 /* both: what follows is announced */
	char problem[2][IPC_TEXT_MAX];
	uint32_t asked; /* request under way */
	struct event *ask_ev, *wait_ev;
	struct rules rules;
	char *class; /* loadBalancer.class as Services were read with */
	struct kube_services_delay delay;
};

/* ---- how long it takes --------------------------------------------------------------- */

static const uint64_t buckets_us[SERVICES_NBUCKETS] = { 250, 500, 1000, 2000, 5000, 10000, 20000, 50000,
	250000, UINT64_MAX };

uint64_t
kube_services_bucket_us(size_t i)
{
	return buckets_us[i];
}

/* Since the loop woke up for what it is working on: what was read was there by then. */
static uint64_t
since_read_us(struct kube_services *p)
{
	struct timeval then, now;
	int64_t us;

	if (event_base_gettimeofday_cached(p->a->base, &then) != 0)
		return 0;
	gettimeofday(&now, NULL);
	us = (int64_t)(now.tv_sec - then.tv_sec) * 1000000 + now.tv_usec - then.tv_usec;
	return us > 0 ? (uint64_t)us : 0;
}

static void
note_delay(struct kube_services *p)
{
	uint64_t us = since_read_us(p);
	size_t i = 0;

	while (us > buckets_us[i])
		i++;
	p->delay.n[i]++;
	p->delay.count++;
	p->delay.sum_us += us;
}

/* ---- announcing ---------------------------------------------------------------------- */

size_t
kube_services_adv(const struct kube_services *p, size_t rule)
{
	return rule < p->rules.n ? p->rules.from[rule].adv : SIZE_MAX;
}

static struct announce *
announcer(const struct kube_services *p)
{
	return source_announce(p->a);
}

static void
announce(struct kube_services *p, const struct service_change *c)
{
	const struct rule_from *from = &p->rules.from[c->rule];
	struct ipc_originate o;
	char why[IPC_TEXT_MAX];

	memcpy(&o, &from->attributes, sizeof(o)); /* padding too */
	o.aggregate = c->aggregate;
	if (from->annotations && !svc_parse_notes(p->a->conf, c->communities, c->local_pref, &o, why))
		events_addf(p->a->events, IPC_LVL_WARN, "service-annotation", "service=%s why=\"%s\"",
		    c->key, why);
	announce_service_set(announcer(p), &c->prefix, &o);
}

/* What has changed, but nothing out of half a list. */
static bool
publish(struct kube_services *p)
{
	struct service_change c;
	bool any = false;

	while (p->told && services_next_change(p->model, &c)) {
		any = true;
		if (c.on)
			announce(p, &c);
		else
			announce_service_clear(announcer(p), &c.prefix);
	}
	if (any)
		kube_keep_soon(kube_part_find(p->k, "keep"));
	return any;
}

static void
tell(struct kube_services *p)
{
	p->told = true;
	publish(p);
	announce_services_end(announcer(p));
	announce_service_wait(announcer(p), false);
	events_addf(p->a->events, IPC_LVL_INFO, "services-known", "services=%zu announced=%zu",
	    services_count(p->model), services_announced(p->model));
}

/* Not before this node's labels are known: they may exclude it. */
static void
maybe_tell(struct kube_services *p)
{
	bool nodes = p->a->cluster || !kube_part_find(p->k, "nodes");

	if (!p->told && p->have_services && p->have_slices && nodes)
		tell(p);
}

static void
on_wait(int fd, short what, void *ctx)
{
	struct kube_services *p = ctx;

	if (!p->told && p->have_services && p->have_slices)
		tell(p); /* only the nodes are not known: there may be no right to see them */
	if (p->model && !p->told)
		events_addf(p->a->events, IPC_LVL_WARN, "services-unknown",
		    "waited_s=%d why=\"addresses of Services are not announced until the API server has told them\"",
		    SYNC_WAIT_S);
	announce_service_wait(announcer(p), false);
}

/* ---- the two watches ------------------------------------------------------------------- */

static void
on_service(void *ctx, const char *key, const json_t *obj)
{
	struct kube_services *p = ctx;
	struct svc_parsed *v = mem_alloc(sizeof(*v));

	svc_parse(key, obj, p->class, v);
	services_put(p->model, &v->service);
	mem_free(v);
	publish(p);
}

static void
on_service_gone(void *ctx, const char *key)
{
	struct kube_services *p = ctx;

	services_remove(p->model, key);
	publish(p);
}

static void
on_services_synced(void *ctx)
{
	struct kube_services *p = ctx;

	p->have_services = true;
	maybe_tell(p);
}

static void
note_problem(struct kube_services *p, int which, const char *why)
{
	snprintf(p->problem[which], sizeof(p->problem[which]), "%s", why);
}

static void
on_services_problem(void *ctx, const char *why)
{
	note_problem(ctx, 0, why);
}

static const struct cluster_node *
own_node(const struct kube_services *p)
{
	return p->a->cluster ? cluster_own(p->a->cluster) : NULL;
}

static void
on_slice(void *ctx, const char *key, const json_t *obj)
{
	struct kube_services *p = ctx;
	const struct cluster_node *own = own_node(p);
	char service[SVC_KEY_MAX];
	struct service_slice sl;

	if (svc_parse_slice(key, obj, p->a->conf->node.name,
		own ? labels_get(&own->labels, "kubernetes.io/hostname") : NULL, service, &sl))
		services_put_slice(p->model, &sl);
	else
		services_remove_slice(p->model, key);
	if (publish(p))
		note_delay(p);
}

static void
on_slice_gone(void *ctx, const char *key)
{
	struct kube_services *p = ctx;

	services_remove_slice(p->model, key);
	publish(p);
}

static void
on_slices_synced(void *ctx)
{
	struct kube_services *p = ctx;

	services_slices_end(p->model);
	p->have_slices = true;
	publish(p);
	maybe_tell(p);
}

/* Which version? */

static void
ask_in(struct kube_services *p, long s)
{
	struct timeval tv = { .tv_sec = s };

	if (!event_pending(p->ask_ev, EV_TIMEOUT, NULL))
		event_add(p->ask_ev, &tv);
}

static void
on_slices_problem(void *ctx, const char *why)
{
	struct kube_services *p = ctx;

	note_problem(p, 1, why);
	if (why[0])
		ask_in(p, ASK_LATER_S);
	else
		event_del(p->ask_ev);
}

static const struct reflector_ops services_ops = { on_service, on_service_gone, on_services_synced,
	on_services_problem };
static const struct reflector_ops slices_ops = { on_slice, on_slice_gone, on_slices_synced,
	on_slices_problem };

static void
watch_slices(struct kube_services *p, const char *path)
{
	struct reflector_spec spec = { .path = path, .query = NO_HEADLESS, .page = PAGE };

	if (p->slices_path && strcmp(p->slices_path, path) == 0)
		return;
	reflector_free(p->slices);
	services_slices_again(p->model);
	p->slices_path = path;
	p->slices = reflector_new(kube_api(p->k), &spec, &slices_ops, p);
}

static void
on_version(void *ctx, const struct api_answer *ans)
{
	struct kube_services *p = ctx;

	p->asked = 0;
	if (ans->status == 200 || (ans->status == 403 && !p->slices)) {
		watch_slices(p, V1); /* not allowed: the watch says so, and goes on when it is */
	} else if (ans->status == 404) {
		watch_slices(p, V1BETA1);
	} else if (!p->slices) {
		note_problem(p, 1, ans->why);
		ask_in(p, ASK_AGAIN_S);
		return;
	}
	if (p->problem[1][0] && reflector_is_synced(p->slices))
		ask_in(p, ASK_LATER_S);
}

static void
on_ask(int fd, short what, void *ctx)
{
	struct kube_services *p = ctx;
	struct api_req q = { .method = "GET", .path = V1 "?limit=1" };

	if (!p->asked)
		p->asked = api_send(kube_api(p->k), &q, on_version, p);
}

/* ---- the configuration -------------------------------------------------------------------- */

static void
rules_free(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++) {
		selector_free((struct selector *)r->v[i].selector);
		for (size_t k = 0; k < r->v[i].nnamespaces; k++)
			mem_free((void *)r->v[i].namespaces[k]);
		mem_free((void *)r->v[i].namespaces);
		mem_free((void *)r->v[i].ranges);
	}
	mem_free(r->v);
	mem_free(r->from);
	mem_free(r->text);
	*r = (struct rules){ .v = NULL };
}

static const char *const *
copy_names(const struct conf_strs *from)
{
	const char **v = mem_zalloc_array(from->n, sizeof(v[0]));

	for (size_t i = 0; i < from->n; i++)
		v[i] = mem_strdup(from->v[i]);
	return v;
}

/* Nothing of the configuration is kept: another one may be in force before we are told. */
static void
add_rule(const struct agent *a, struct rules *r, const struct conf_adv *adv, size_t index)
{
	size_t i = r->n++;

	r->v = mem_realloc_array(r->v, r->n, sizeof(r->v[0]));
	r->from = mem_realloc_array(r->from, r->n, sizeof(r->from[0]));
	memset(&r->from[i], 0, sizeof(r->from[i]));
	r->from[i].adv = index;
	r->from[i].annotations = adv->annotations;
	announce_attributes(a, adv, &r->from[i].attributes);
	r->from[i].attributes.kind = IPC_ORIG_SERVICE;
	r->v[i] = (struct service_rule){
		.kinds = adv->addresses,
		.selector = adv->selector ? selector_parse(adv->selector, NULL, NULL) : NULL,
		.namespaces = copy_names(&adv->namespaces),
		.nnamespaces = adv->namespaces.n,
		.ranges = adv->ranges.n ? mem_dup(adv->ranges.v, adv->ranges.n * sizeof(adv->ranges.v[0])) : NULL,
		.nranges = adv->ranges.n,
		.aggregate = { (uint8_t)adv->aggregate[0], (uint8_t)adv->aggregate[1] },
	};
}

/* Everything of an advertisement that decides which addresses it selects. */
static void
put_selection(struct out *o, const struct conf_adv *adv)
{
	char buf[IP_PREFIX_STRLEN];

	out_u64(o, NULL, adv->addresses);
	out_str(o, NULL, adv->selector);
	out_open_array(o, NULL);
	for (size_t i = 0; i < adv->namespaces.n; i++)
		out_str(o, NULL, adv->namespaces.v[i]);
	out_close(o);
	out_open_array(o, NULL);
	for (size_t i = 0; i < adv->ranges.n; i++)
		out_str(o, NULL, ip_prefix_str(&adv->ranges.v[i], buf));
	out_close(o);
	out_u64(o, NULL, adv->aggregate[0]);
	out_u64(o, NULL, adv->aggregate[1]);
}

/* The names that annotations may use. */
static void
put_communities(struct out *o, const struct conf *c)
{
	for (size_t i = 0; i < c->communities.n; i++) {
		char *text = conf_community_text(&c->communities.v[i].value);

		out_str(o, NULL, c->communities.v[i].name);
		out_str(o, NULL, text);
		mem_free(text);
	}
}

static struct rules
make_rules(const struct agent *a, const struct conf *c)
{
	struct rules r = { .v = NULL };
	struct out o;

	out_init(&o, false);
	out_open_array(&o, NULL);
	for (size_t i = 0; i < c->advertisements.n; i++) {
		if (c->advertisements.v[i].type != CONF_ADV_SERVICE)
			continue;
		add_rule(a, &r, &c->advertisements.v[i], i);
		put_selection(&o, &c->advertisements.v[i]);
	}
	put_communities(&o, c);
	out_close(&o);
	r.text = out_take(&o, NULL);
	out_free(&o);
	return r;
}

static bool
rules_equal(const struct rules *a, const struct rules *b)
{
	return a->n == b->n && a->text && b->text && strcmp(a->text, b->text) == 0 &&
	    memcmp(a->from, b->from, a->n * sizeof(a->from[0])) == 0;
}

/* The configuration is applied often where nodes are peers: mostly there is nothing to do. */
static void
apply_rules(struct kube_services *p, const struct conf *c)
{
	struct rules r = make_rules(p->a, c);

	if (rules_equal(&r, &p->rules)) {
		rules_free(&r);
		return;
	}
	services_set_rules(p->model, NULL, 0);
	rules_free(&p->rules);
	p->rules = r;
	services_set_rules(p->model, r.v, r.n);
	services_touch(p->model);
}

static bool
is_wanted(const struct conf *c)
{
	for (size_t i = 0; i < c->advertisements.n; i++)
		if (c->advertisements.v[i].type == CONF_ADV_SERVICE)
			return true;
	return false;
}

/* bgpd must not take what it was told for everything: for a while. */
static void
hold(struct kube_services *p)
{
	struct timeval tv = { .tv_sec = SYNC_WAIT_S };

	announce_service_wait(announcer(p), true);
	event_add(p->wait_ev, &tv);
}

static void
watch(struct kube_services *p, const struct conf *c)
{
	struct reflector_spec spec = { .path = "/api/v1/services", .page = PAGE };

	p->model = services_new();
	p->class = c->load_balancer.class ? mem_strdup(c->load_balancer.class) : NULL;
	announce_services_again(announcer(p));
	hold(p);
	p->services = reflector_new(kube_api(p->k), &spec, &services_ops, p);
	on_ask(-1, 0, p);
}

static void
unwatch(struct kube_services *p)
{
	reflector_free(p->services);
	reflector_free(p->slices);
	if (p->asked)
		api_cancel(kube_api(p->k), p->asked);
	event_del(p->ask_ev);
	event_del(p->wait_ev);
	services_free(p->model);
	mem_free(p->class);
	p->class = NULL;
	rules_free(&p->rules);
	p->services = p->slices = NULL;
	p->slices_path = NULL;
	p->asked = 0;
	p->model = NULL;
	p->have_services = p->have_slices = p->told = false;
	p->problem[0][0] = p->problem[1][0] = '\0';
	if (!p->a->stopping)
		announce_service_wait(announcer(p), false);
}

static bool
same_class(const struct kube_services *p, const struct conf *c)
{
	const char *class = c->load_balancer.class;

	return p->class && class ? strcmp(p->class, class) == 0 : !p->class && !class;
}

static void
clear_all(struct kube_services *p)
{
	announce_services_again(announcer(p));
	announce_services_end(announcer(p));
}

/* A list of prefixes that grows. */
struct prefixes {
	struct ip_prefix *v;
	size_t n, room;
};

static void
prefixes_add(struct prefixes *to, struct ip_prefix p)
{
	if (p.af == IP_NONE)
		return;
	if (to->n == to->room) {
		to->room = to->room ? to->room * 2 : 64;
		to->v = mem_realloc_array(to->v, to->room, sizeof(to->v[0]));
	}
	to->v[to->n++] = p;
}

static void
reserve_nodes(const struct cluster *c, struct prefixes *to)
{
	for (const struct cluster_node *n = c ? cluster_next(c, NULL) : NULL; n; n = cluster_next(c, n)) {
		for (size_t i = 0; i < n->naddrs; i++)
			prefixes_add(to, ip_prefix_from_addr(&n->addrs[i]));
		for (size_t i = 0; i < n->ncidrs; i++)
			prefixes_add(to, n->cidrs[i]);
	}
}

/* What is somebody's already is no Service's. */
static void
reserve(struct kube_services *p)
{
	const struct conf *c = p->a->conf;
	struct ip_addr server[SERVERS_MAX];
	size_t n = kube_server_addresses(p->k, server, SERVERS_MAX);
	struct prefixes all = { .v = NULL };

	reserve_nodes(p->a->cluster, &all);
	for (size_t i = 0; i < n; i++)
		prefixes_add(&all, ip_prefix_from_addr(&server[i]));
	for (size_t i = 0; c && i < c->peers.n; i++)
		if (c->peers.v[i].addr.af != IP_NONE)
			prefixes_add(&all, ip_prefix_from_addr(&c->peers.v[i].addr));
	services_set_reserved(p->model, all.v, all.n);
	mem_free(all.v);
}

static void
services_cluster(void *part)
{
	struct kube_services *p = part;
	const struct cluster_node *own = own_node(p);

	if (!p->model)
		return;
	reserve(p);
	services_set_excluded(p->model, own && labels_get(&own->labels, EXCLUDED));
	publish(p);
	maybe_tell(p);
}

static void
services_conf(void *part, const struct conf *c)
{
	struct kube_services *p = part;

	if (!is_wanted(c)) {
		if (p->model)
			unwatch(p);
		clear_all(p);
		if (kube_config_is_loaded(kube_part_find(p->k, "config")))
			announce_service_wait(announcer(p), false);
		return;
	}
	if (p->model && !same_class(p, c))
		unwatch(p);
	if (!p->model)
		watch(p, c);
	apply_rules(p, c);
	services_cluster(p);
}

void
kube_services_remember(
    struct kube_services *p, const struct ip_prefix *prefix, const struct ipc_originate *o)
{
	if (p->model && !p->told)
		announce_service_set(announcer(p), prefix, o);
}

/* The list will find out which of them are no more (tell()). */
bool
kube_services_remembered(struct kube_services *p)
{
	if (!p->model || p->told)
		return false;
	announce_services_again(announcer(p));
	announce_service_wait(announcer(p), false);
	return true;
}

/* ---- views ----------------------------------------------------------------------------------- */

/* Of the watches, or of the way to the server: then they do not even ask. */
static const char *
problem(const struct kube_services *p)
{
	struct api_view v;

	if (p->problem[0][0] || p->problem[1][0])
		return p->problem[p->problem[0][0] ? 0 : 1];
	api_look(kube_api(p->k), &v);
	return v.why;
}

void
kube_services_status(const struct kube_services *p, struct kube_services_status *ret)
{
	*ret = (struct kube_services_status){
		.watching = p->model != NULL,
		.synced = p->told,
		.problem = problem(p),
		.slices = !p->slices_path ? "" : strcmp(p->slices_path, V1) == 0 ? "v1" : "v1beta1",
	};
}

const struct services *
kube_services_model(const struct kube_services *p)
{
	return p->model;
}

bool
kube_services_note(const struct kube_services *p, const struct service_view *v, size_t rule, char *why)
{
	struct ipc_originate o = { .ncomm = 0 };

	return rule < p->rules.n && p->rules.from[rule].annotations &&
	    !svc_parse_notes(p->a->conf, v->communities, v->local_pref, &o, why);
}

const struct kube_services_delay *
kube_services_delay(const struct kube_services *p)
{
	return &p->delay;
}

/* ---- life --------------------------------------------------------------------------------------- */

static void *
services_start(struct kube *k)
{
	struct kube_services *p = mem_zalloc(sizeof(*p));

	p->k = k;
	p->a = kube_agent(k);
	p->ask_ev = event_new(p->a->base, -1, 0, on_ask, p);
	p->wait_ev = event_new(p->a->base, -1, 0, on_wait, p);
	hold(p); /* the advertisement may be an object that is not known yet */
	if (p->a->conf)
		services_conf(p, p->a->conf);
	return p;
}

static bool
is_disabled(const struct conf_kube *c)
{
	return c->enabled == CONF_OFF ||
	    (c->enabled == CONF_AUTO && !c->kubeconfig && !getenv("KUBERNETES_SERVICE_HOST"));
}

/* What is announced stays if there will be a next start: it finds out what has changed. */
static void
services_stop(void *part)
{
	struct kube_services *p = part;

	if (p->model)
		unwatch(p);
	if (!p->a->stopping && p->a->conf && is_disabled(&p->a->conf->kube))
		clear_all(p);
	event_free(p->ask_ev);
	event_free(p->wait_ev);
	mem_free(p);
}

const struct kube_part kube_part_services = {
	.name = "services",
	.start = services_start,
	.stop = services_stop,
	.conf = services_conf,
	.cluster = services_cluster,
};
