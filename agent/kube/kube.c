/*
 * Starts and stops what follows the cluster; see kube.h for the parts.
 *
 * Settings that change, and all notices to the parts, take effect in the loop, not within the call:
 * a part may cause them from its own functions.
 */
#include "agent/kube/kube.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "agent/events.h"
#include "agent/kube/apicall.h"
#include "agent/kube/keep.h"
#include "agent/kube/kview.h"
#include "agent/kube/nodes.h"
#include "agent/kube/pools.h"
#include "agent/kube/services.h"
#include "agent/kube/config.h"
#include "agent/kube/recorder.h"
#include "agent/kube/secrets.h"
#include "agent/kube/leave.h"
#include "agent/kube/status.h"
#include "agent/launcher.h"
#include "agent/source.h"
#include "lib/mem.h"

/* One row for each part, in the order in which they are started. */
static const struct kube_part *const parts[] = {
	&kube_nodes_part, /* first: others look at the cluster */
	&kube_pools_part,
	&kube_recorder_part,
	&kube_config_part,
	&kube_secrets_part,
	&kube_status_part,
	&kube_leave_part,
	&kube_part_services, /* behind what the configuration comes from */
	&kube_keep_part,     /* last: it looks at all of them */
	NULL,
};
#define PARTS_MAX 16

struct kube {
	struct agent *a;
	struct api *api; /* NULL: not enabled */
	char *kubeconfig, *server, *namespace; /* it was made with */
	void *part[PARTS_MAX];
	struct event *settle_ev, *cluster_ev, *peers_ev;
};

/* ---- what the client is given --------------------------------------------- */

static const char *
env(void *ctx, const char *name)
{
	return getenv(name);
}

/* Through weftd: the files are root's. */
static char *
read_file(void *ctx, const char *path, size_t *ret_len, char *why)
{
	struct kube *k = ctx;
	char words[LAUNCH_TEXT_MAX] = "", *buf = NULL;
	size_t n = 0, cap = 0;
	ssize_t r = 1;
	int fd = launcher_open_secret(k->a->launcher, path, words);

	if (fd < 0) {
		snprintf(why, CREDS_WHY_MAX, "%.100s: %s", path, words[0] ? words : strerror(-fd));
		return NULL;
	}
	while (r > 0 && n < CREDS_FILE_MAX) {
		if (cap - n < 2048)
			buf = mem_realloc(buf, cap = cap * 2 + 4096);
		r = read(fd, buf + n, cap - n - 1);
		n += r > 0 ? (size_t)r : 0;
	}
	close(fd);
	if (r != 0 || memchr(buf, '\0', n)) {
		snprintf(why, CREDS_WHY_MAX, "%.100s: %s", path,
		    r < 0 ? strerror(errno) : r > 0 ? "too long" : "not a text");
		mem_free(buf);
		return NULL;
	}
	buf[n] = '\0';
	*ret_len = n;
	return buf;
}

static void
reached(void *ctx, const char *server)
{
	struct kube *k = ctx;

	events_addf(k->a->events, IPC_LVL_NOTICE, "kube-connected", "server=%s", server);
}

static void
lost(void *ctx, const char *why)
{
	struct kube *k = ctx;

	events_addf(k->a->events, IPC_LVL_WARN, "kube-lost", "why=\"%s\" known=kept", why);
}

/* Its routes must not be taken away (kernel.protect). */
static void
moved(void *ctx)
{
	struct kube *k = ctx;

	source_protect_again(k->a);
}

/* ---- parts ------------------------------------------------------------------- */

static void
start(struct kube *k, const struct conf_kube *c)
{
	struct api_env e = {
		.base = k->a->base,
		.creds = { .env = env, .read = read_file, .ctx = k },
		.reached = reached,
		.lost = lost,
		.moved = moved,
		.ctx = k,
	};

	k->kubeconfig = c->kubeconfig ? mem_strdup(c->kubeconfig) : NULL;
	k->server = c->server ? mem_strdup(c->server) : NULL;
	k->namespace = c->namespace ? mem_strdup(c->namespace) : NULL;
	e.creds.kubeconfig = k->kubeconfig;
	e.creds.server = k->server;
	e.creds.namespace = k->namespace;
	if (getrandom(&e.seed, sizeof e.seed, 0) != (ssize_t)sizeof e.seed)
		e.seed = agent_now().us;
	k->api = api_new(&e);
	for (size_t i = 0; parts[i]; i++)
		k->part[i] = parts[i]->start(k);
}

static void
stop(struct kube *k)
{
	for (size_t i = PARTS_MAX; i-- > 0;) {
		if (k->part[i])
			parts[i]->stop(k->part[i]);
		k->part[i] = NULL;
	}
	api_free(k->api);
	k->api = NULL;
	mem_free(k->kubeconfig);
	mem_free(k->server);
	mem_free(k->namespace);
	k->kubeconfig = k->server = k->namespace = NULL;
}

static bool
same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool
kube_is_wanted(struct kube *k, const struct conf *conf)
{
	struct creds_source s = { .env = env, .ctx = k };
	const struct conf_kube *c = &conf->kube;

	return c->enabled == CONF_ON || (c->enabled == CONF_AUTO && (c->kubeconfig ||
		creds_in_cluster(&s)));
}

/* The configuration in force decides, however often it has changed meanwhile. */
static void
settle(evutil_socket_t fd, short what, void *arg)
{
	struct kube *k = arg;
	const struct conf *c = k->a->conf;
	bool want = c && kube_is_wanted(k, c);

	if (k->api && (!want || !same(k->kubeconfig, c->kube.kubeconfig) ||
			  !same(k->server, c->kube.server) || !same(k->namespace, c->kube.namespace)))
		stop(k);
	if (want && !k->api)
		start(k, &c->kube);
	for (size_t i = 0; k->api && parts[i]; i++)
		if (k->part[i] && parts[i]->conf)
			parts[i]->conf(k->part[i], c);
}

void
kube_apply(struct kube *k, const struct conf *c)
{
	event_active(k->settle_ev, EV_TIMEOUT, 0);
}

static void
tell_cluster(evutil_socket_t fd, short what, void *arg)
{
	struct kube *k = arg;

	for (size_t i = 0; k->api && parts[i]; i++)
		if (k->part[i] && parts[i]->cluster)
			parts[i]->cluster(k->part[i]);
}

static void
tell_peers(evutil_socket_t fd, short what, void *arg)
{
	struct kube *k = arg;

	for (size_t i = 0; k->api && parts[i]; i++)
		if (k->part[i] && parts[i]->peers)
			parts[i]->peers(k->part[i]);
}

void
kube_cluster_changed(struct kube *k)
{
	event_active(k->cluster_ev, EV_TIMEOUT, 0);
}

void
kube_peers_changed(struct kube *k)
{
	if (k && k->api)
		event_active(k->peers_ev, EV_TIMEOUT, 0);
}

/* ---- the whole ------------------------------------------------------------------ */

struct kube *
kube_new(struct agent *a)
{
	struct kube *k = mem_zalloc(sizeof *k);

	k->a = a;
	k->settle_ev = event_new(a->base, -1, 0, settle, k);
	k->cluster_ev = event_new(a->base, -1, 0, tell_cluster, k);
	k->peers_ev = event_new(a->base, -1, 0, tell_peers, k);
	return k;
}

void
kube_free(struct kube *k)
{
	if (!k)
		return;
	stop(k);
	event_free(k->settle_ev);
	event_free(k->cluster_ev);
	event_free(k->peers_ev);
	mem_free(k);
}

bool
kube_is_on(const struct kube *k)
{
	return k && k->api;
}

struct agent *
kube_agent(struct kube *k)
{
	return k->a;
}

struct api *
kube_api(struct kube *k)
{
	return k->api;
}

const char *
kube_namespace(const struct kube *k)
{
	struct api_view v;

	if (!k->api)
		return "";
	api_look(k->api, &v);
	return v.namespace;
}

void *
kube_part_find(struct kube *k, const char *name)
{
	for (size_t i = 0; parts[i]; i++)
		if (strcmp(parts[i]->name, name) == 0)
			return k->part[i];
	return NULL;
}

bool
kube_awaits_nodes(const struct kube *k)
{
	struct kube *me = (struct kube *)(uintptr_t)k;

	return k && k->a->conf && kube_is_wanted(me, k->a->conf) &&
	    (!k->a->cluster || kube_config_is_awaited(kube_part_find(me, "config")));
}

bool
kube_is_synced(const struct kube *k)
{
	for (size_t i = 0; parts[i]; i++)
		if (k->part[i] && parts[i]->synced)
			return parts[i]->synced(k->part[i]);
	return false;
}

const char *
kube_time_str(char buf[KUBE_TIME_STRLEN])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(buf, KUBE_TIME_STRLEN, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

bool
kube_look_kept(const struct kube *k, struct kube_kept *ret)
{
	const struct keep *p = k && k->api ? kube_part_find((struct kube *)(uintptr_t)k, "keep") : NULL;

	return p && kube_keep_look(p, ret);
}

bool
kube_look(const struct kube *k, struct api_view *ret)
{
	if (!k || !k->api)
		return false;
	api_look(k->api, ret);
	return true;
}

bool
kube_next_watch(const struct kube *k, size_t *pos, struct reflector_view *ret)
{
	const struct list *n;
	size_t i = 0;

	if (!k || !k->api)
		return false;
	LIST_FOREACH(n, api_reflectors(k->api)) {
		if (i++ < *pos)
			continue;
		reflector_look(n, ret);
		++*pos;
		return true;
	}
	return false;
}

size_t
kube_server_addresses(const struct kube *k, struct ip_addr *ret, size_t cap)
{
	return k && k->api ? api_addresses(k->api, ret, cap) : 0;
}
