/*
 * See nodes.h.
 *
 * The model becomes the agent's (a->cluster) when the first list is complete, and stays its own when
 * the connection's settings change, until the next list is: a part of the nodes is never taken for
 * all of them.
 */
#include "agent/kube/nodes.h"

#include <stdio.h>
#include <string.h>

#include "agent/core/cluster.h"
#include "agent/kube/jget.h"
#include "agent/kube/reflector.h"
#include "agent/source.h"
#include "lib/conf.h"
#include "lib/mem.h"

#define OURS	  "weft.dev/" /* annotations of ours */
#define TEXT_MAX  320	      /* octets of a label's key or value: Kubernetes' are shorter */

struct nodes {
	struct kube *k;
	struct agent *a;
	struct cluster *listing; /* not complete yet; NULL: it is the agent's */
	struct reflector *r;
	char why[IPC_TEXT_MAX];
};

/* ---- one object -------------------------------------------------------------------- */

static void
put_address(struct cluster_node *n, const json_t *entry)
{
	const char *type = jget_str(entry, "type"), *text = jget_str(entry, "address");
	struct ip_addr a;

	if (!type || !text || strcmp(type, "InternalIP") != 0 || n->naddrs == CLUSTER_ADDRS_MAX)
		return;
	if (!ip_addr_parse(text, &a) || ip_addr_is_unspec(&a) || ip_addr_is_loopback(&a) ||
	    ip_addr_is_multicast(&a) || ip_addr_is_link_local(&a))
		return;
	n->addrs[n->naddrs++] = a;
}

static void
put_cidr(struct cluster_node *n, const char *text)
{
	struct ip_prefix p;

	if (text && n->ncidrs < CLUSTER_CIDRS_MAX && ip_prefix_parse(text, &p, NULL) &&
	    !ip_prefix_is_default(&p))
		n->cidrs[n->ncidrs++] = p;
}

static void
put_cidrs(struct cluster_node *n, const json_t *obj)
{
	const json_t *v = jget(obj, "spec.podCIDRs"), *entry;
	size_t i;

	json_array_foreach (v, i, entry)
		put_cidr(n, json_string_value(entry));
	if (n->ncidrs == 0)
		put_cidr(n, jget_str(obj, "spec.podCIDR"));
}

static bool
is_text(const char *s)
{
	return s && strlen(s) <= TEXT_MAX;
}

/* Texts are borrowed; the list is the caller's to mem_free(). */
static struct label *
labels_of(const json_t *map, const char *prefix, struct labels *ret)
{
	size_t n = json_object_size(map);
	struct label *v = mem_zalloc_array((n < CLUSTER_LABELS_MAX ? n : CLUSTER_LABELS_MAX) + 1, sizeof *v);
	const char *key;
	json_t *value;

	*ret = (struct labels){ .v = v };
	json_object_foreach ((json_t *)(uintptr_t)map, key, value)
		if (ret->n < CLUSTER_LABELS_MAX && strncmp(key, prefix, strlen(prefix)) == 0 && is_text(key) &&
		    is_text(json_string_value(value)))
			v[ret->n++] = (struct label){ key, json_string_value(value) };
	return v;
}

static struct label *
taints_of(const json_t *list, struct labels *ret)
{
	size_t n = json_array_size(list), i;
	struct label *v = mem_zalloc_array((n < CLUSTER_LABELS_MAX ? n : CLUSTER_LABELS_MAX) + 1, sizeof *v);
	const json_t *entry;

	*ret = (struct labels){ .v = v };
	json_array_foreach (list, i, entry)
		if (ret->n < CLUSTER_LABELS_MAX && is_text(jget_str(entry, "key")) &&
		    is_text(jget_str(entry, "effect")))
			v[ret->n++] = (struct label){ jget_str(entry, "key"), jget_str(entry, "effect") };
	return v;
}

/* The kubelet's last word before the machine goes: Ready is False, and says why. */
static bool
is_shutting_down(const json_t *obj)
{
	const json_t *list = jget(obj, "status.conditions"), *c;
	const char *type, *status, *text;
	size_t i;

	json_array_foreach (list, i, c) {
		type = jget_str(c, "type");
		if (!type || strcmp(type, "Ready") != 0)
			continue;
		status = jget_str(c, "status");
		text = jget_str(c, "message");
		return status && strcmp(status, "False") == 0 && text &&
		    strstr(text, "node is shutting down");
	}
	return false;
}

static bool
put_object(struct cluster *c, const char *name, const json_t *obj)
{
	struct cluster_node n = { .name = name, .cordoned = jget_bool(obj, "spec.unschedulable", false),
		.deleting = jget_str(obj, "metadata.deletionTimestamp") != NULL,
		.shutting_down = is_shutting_down(obj) };
	struct label *labels = labels_of(jget(obj, "metadata.labels"), "", &n.labels);
	struct label *notes = labels_of(jget(obj, "metadata.annotations"), OURS, &n.annotations);
	struct label *taints = taints_of(jget(obj, "spec.taints"), &n.taints);
	const json_t *v = jget(obj, "status.addresses"), *entry;
	bool changed;
	size_t i;

	json_array_foreach (v, i, entry)
		put_address(&n, entry);
	put_cidrs(&n, obj);
	changed = cluster_put(c, &n);
	mem_free(labels);
	mem_free(notes);
	mem_free(taints);
	return changed;
}

/* ---- following ------------------------------------------------------------------------ */

static struct cluster *
model(struct nodes *n)
{
	return n->listing ? n->listing : n->a->cluster;
}

static void
changed(struct nodes *n)
{
	if (n->listing)
		return; /* when it is complete */
	source_again(n->a);
	kube_cluster_changed(n->k);
}

static void
on_object(void *ctx, const char *key, const json_t *obj)
{
	struct nodes *n = ctx;

	if (key[0] && is_text(key) && put_object(model(n), key, obj))
		changed(n);
}

static void
on_deleted(void *ctx, const char *key)
{
	struct nodes *n = ctx;

	if (cluster_remove(model(n), key))
		changed(n);
}

static void
on_synced(void *ctx)
{
	struct nodes *n = ctx;

	if (!n->listing)
		return;
	cluster_free(n->a->cluster);
	n->a->cluster = n->listing;
	n->listing = NULL;
	if (!cluster_own(n->a->cluster))
		events_addf(n->a->events, IPC_LVL_WARN, "node-unknown",
		    "name=%s why=\"no Node has that name: set node.name\"", n->a->conf->node.name);
	changed(n);
}

static void
on_problem(void *ctx, const char *why)
{
	struct nodes *n = ctx;

	if (why[0] && strcmp(why, n->why) != 0)
		events_addf(n->a->events, IPC_LVL_WARN, "nodes-unknown", "why=\"%s\" known=kept", why);
	snprintf(n->why, sizeof n->why, "%s", why);
}

static const struct reflector_ops ops = { on_object, on_deleted, on_synced, on_problem };

/* Most of a Node, and what changes every 10 s. */
static const char *const unwanted[] = { "metadata.managedFields", "status.allocatable", "status.capacity",
	"status.conditions", "status.daemonEndpoints", "status.declaredFeatures", "status.features",
	"status.images", "status.nodeInfo", "status.runtimeHandlers", "status.volumesAttached",
	"status.volumesInUse", NULL };

static void *
start(struct kube *k)
{
	static const struct reflector_spec spec = { .path = "/api/v1/nodes", .skip = unwanted };
	struct nodes *n = mem_zalloc(sizeof *n);

	n->k = k;
	n->a = kube_agent(k);
	n->listing = cluster_new(n->a->conf->node.name);
	n->r = reflector_new(kube_api(k), &spec, &ops, n);
	return n;
}

static void
stop(void *part)
{
	struct nodes *n = part;

	reflector_free(n->r);
	cluster_free(n->listing);
	mem_free(n);
}

/* Another name is another node. */
static void
on_conf(void *part, const struct conf *c)
{
	struct nodes *n = part;

	if (cluster_rename(model(n), c->node.name))
		changed(n);
}

static bool
is_synced(void *part)
{
	struct nodes *n = part;

	return !n->listing;
}

const struct kube_part kube_nodes_part = {
	.name = "nodes",
	.start = start,
	.stop = stop,
	.conf = on_conf,
	.synced = is_synced,
};
