/*
 * One Node object; see nodeparse.h.
 */
#include "agent/kube/nodeparse.h"

#include <stdint.h>
#include <string.h>

#include "agent/kube/jget.h"
#include "lib/conf_expand.h"
#include "lib/mem.h"

#define OURS	  "weft.dev/" /* annotations of ours */
#define TEXT_MAX  320	      /* octets of a label's key or value: Kubernetes' are shorter */

const char *const node_unwanted[] = { "metadata.managedFields", "status.allocatable", "status.capacity",
	"status.daemonEndpoints", "status.declaredFeatures", "status.features",
	"status.images", "status.nodeInfo", "status.runtimeHandlers", "status.volumesAttached",
	"status.volumesInUse", NULL };

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
	    conf_is_pod_cidr(&p))
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

bool
node_put(struct cluster *c, const char *name, const json_t *obj)
{
	struct cluster_node n = { .name = name, .cordoned = jget_bool(obj, "spec.unschedulable", false),
		.deleting = jget_str(obj, "metadata.deletionTimestamp") != NULL,
		.shutting_down = is_shutting_down(obj) };
	const json_t *v = jget(obj, "status.addresses"), *entry;
	struct label *labels, *notes, *taints;
	bool changed;
	size_t i;

	if (!*name || !is_text(name))
		return false;
	labels = labels_of(jget(obj, "metadata.labels"), "", &n.labels);
	notes = labels_of(jget(obj, "metadata.annotations"), OURS, &n.annotations);
	taints = taints_of(jget(obj, "spec.taints"), &n.taints);
	json_array_foreach (v, i, entry)
		put_address(&n, entry);
	put_cidrs(&n, obj);
	changed = cluster_put(c, &n);
	mem_free(labels);
	mem_free(notes);
	mem_free(taints);
	return changed;
}
