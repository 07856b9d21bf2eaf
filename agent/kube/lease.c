/*
 * A Lease in the cluster; see lease.h.
 *
 * Written by merge patches (RFC 7396) that name the version they are made over, so of two who
 * write at once the server refuses one with 409.
 */
#include "agent/kube/lease.h"

#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "agent/core/lease.h"
#include "agent/kube/api.h"
#include "agent/kube/apicall.h"
#include "agent/kube/jget.h"
#include "agent/kube/kube.h"
#include "lib/mem.h"

#define NAMESPACE_ASK_MS 500 /* between questions until it is known in whose namespace we are */

struct kube_lease {
	struct kube *k;
	struct api *api;
	char *name;
	const struct kube_lease_ops *ops;
	void *ctx;
	struct api_timer *timer;
	uint32_t request, asking; /* under way, of the Lease and for the namespace; 0: none */
	struct lease l;
	bool told; /* that we lead */
	char problem[IPC_TEXT_MAX];
};

static void work(void *ctx);

/* MicroTime of the API: for people, nobody computes with it. */
static const char *
wall_time(char *buf, size_t cap)
{
	struct timeval tv;
	struct tm tm;
	size_t n;

	gettimeofday(&tv, NULL);
	gmtime_r(&tv.tv_sec, &tm);
	n = strftime(buf, cap, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, cap - n, ".%06uZ", (unsigned)tv.tv_usec);
	return buf;
}

/* ---- reading ----------------------------------------------------------------- */

static void
copy_text(char *to, const json_t *j, const char *path)
{
	const char *s = jget_str(j, path);

	snprintf(to, LEASE_TEXT_MAX, "%s", s ? s : "");
}

static bool
read_lease(const json_t *j, struct lease_seen *ret)
{
	memset(ret, 0, sizeof *ret); /* compared as octets */
	if (!j)
		return false;
	copy_text(ret->holder, j, "spec.holderIdentity");
	copy_text(ret->renewed, j, "spec.renewTime");
	copy_text(ret->version, j, "metadata.resourceVersion");
	ret->duration_s = (uint32_t)jget_int(j, "spec.leaseDurationSeconds", 0, INT32_MAX, 0);
	ret->transitions = (uint32_t)jget_int(j, "spec.leaseTransitions", 0, INT32_MAX, 0);
	return true;
}

/* ---- who leads ------------------------------------------------------------------ */

static void
arm(struct kube_lease *kl, struct mono_us now)
{
	struct mono_us d = lease_deadline(&kl->l);

	if (mono_is_never(d))
		api_timer_stop(kl->timer);
	else
		api_timer_set(kl->timer, (uint32_t)(mono_diff_us(d, now) / 1000 + 1));
}

static void
tell(struct kube_lease *kl, struct mono_us now)
{
	bool held = lease_is_held(&kl->l, now);

	if (held == kl->told)
		return;
	kl->told = held;
	if (held)
		kl->ops->won(kl->ctx);
	else
		kl->ops->lost(kl->ctx);
}

static void
answered(void *ctx, const struct api_answer *ans)
{
	struct kube_lease *kl = ctx;
	struct lease_seen s;
	bool there = ans->status / 100 == 2 && read_lease(ans->body, &s);

	kl->request = 0;
	snprintf(kl->problem, sizeof kl->problem, "%s",
	    ans->status / 100 == 2 || ans->status == 404 || ans->status == 409 ? "" : ans->why);
	lease_answer(&kl->l, api_now(kl->api), ans->status, there ? &s : NULL);
	work(kl);
}

/* ---- writing --------------------------------------------------------------------- */

static json_t *
spec(const struct kube_lease *kl)
{
	char now[64];
	json_t *s = json_pack("{s:s, s:i, s:s}", "holderIdentity", kl->l.conf.identity,
	    "leaseDurationSeconds", (int)((kl->l.conf.duration_ms + 999) / 1000), "renewTime",
	    wall_time(now, sizeof now));

	if (lease_takes_over(&kl->l)) {
		json_object_set_new(s, "acquireTime", json_string(now));
		json_object_set_new(s, "leaseTransitions",
		    json_integer(kl->l.known ? (json_int_t)kl->l.seen.transitions + 1 : 0));
	}
	return s;
}

static void
send(struct kube_lease *kl, enum lease_do what)
{
	const char *ns = kube_namespace(kl->k);
	char *all = mem_printf("/apis/coordination.k8s.io/v1/namespaces/%s/leases", ns);
	char *one = mem_printf("%s/%s", all, kl->name);
	struct api_req r = { .method = "GET", .path = one };
	json_t *body = NULL;

	if (what == LEASE_CREATE) {
		body = json_pack("{s:s, s:s, s:{s:s, s:s}, s:o}", "apiVersion", "coordination.k8s.io/v1",
		    "kind", "Lease", "metadata", "name", kl->name, "namespace", ns, "spec", spec(kl));
		r.method = "POST";
		r.path = all;
	} else if (what == LEASE_RENEW) {
		body = json_pack("{s:{s:s}, s:o}", "metadata", "resourceVersion", kl->l.seen.version,
		    "spec", spec(kl));
		r.method = "PATCH";
		r.type = "application/merge-patch+json";
	}
	r.body = body;
	kl->request = api_send(kl->api, &r, answered, kl);
	json_decref(body);
	mem_free(all);
	mem_free(one);
}

/* Any answer will do: credentials were read for it. */
static void
asked(void *ctx, const struct api_answer *ans)
{
	struct kube_lease *kl = ctx;

	kl->asking = 0;
}

/*
 * Runs while a request is under way, too: a lead ends even if no answer comes, and a timer that
 * fired early must be set again.
 */
static void
work(void *ctx)
{
	struct kube_lease *kl = ctx;
	struct mono_us now = api_now(kl->api);
	enum lease_do what;

	tell(kl, now);
	if (!*kube_namespace(kl->k)) {
		if (!kl->asking)
			kl->asking = api_send(kl->api,
			    &(struct api_req){ .method = "GET", .path = "/version" }, asked, kl);
		api_timer_set(kl->timer, NAMESPACE_ASK_MS);
		return;
	}
	what = lease_next(&kl->l, now);
	if (what != LEASE_WAIT)
		send(kl, what);
	arm(kl, now);
}

/* ---- life -------------------------------------------------------------------------- */

struct kube_lease *
kube_lease_new(struct kube *k, const char *name, uint32_t duration_ms, const struct kube_lease_ops *ops,
    void *ctx)
{
	struct kube_lease *kl = mem_zalloc(sizeof *kl);
	struct agent *a = kube_agent(k);
	struct lease_conf c = { .duration_ms = duration_ms };

	kl->k = k;
	kl->api = kube_api(k);
	kl->name = mem_strdup(name);
	kl->ops = ops;
	kl->ctx = ctx;
	snprintf(c.identity, sizeof c.identity, "%.80s_%08x",
	    a->conf && a->conf->node.name ? a->conf->node.name : a->hostname, (unsigned)api_seed(kl->api));
	lease_init(&kl->l, &c, api_seed(kl->api), api_now(kl->api));
	kl->timer = api_timer_new(kl->api, work, kl);
	api_timer_set(kl->timer, 0);
	return kl;
}

void
kube_lease_free(struct kube_lease *kl)
{
	if (!kl)
		return;
	if (kl->request)
		api_cancel(kl->api, kl->request);
	if (kl->asking)
		api_cancel(kl->api, kl->asking);
	api_timer_free(kl->timer);
	mem_free(kl->name);
	mem_free(kl);
}

bool
kube_lease_is_held(const struct kube_lease *kl)
{
	return lease_is_held(&kl->l, api_now(kl->api));
}

const char *
kube_lease_holder(const struct kube_lease *kl)
{
	return kl->l.known ? kl->l.seen.holder : "";
}

bool
kube_lease_is_ours(const struct kube_lease *kl)
{
	return strcmp(kube_lease_holder(kl), kl->l.conf.identity) == 0;
}

const char *
kube_lease_problem(const struct kube_lease *kl)
{
	return kl->problem;
}
