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
#include "agent/kube/nodeparse.h"
#include "agent/kube/reflector.h"
#include "agent/source.h"
#include "lib/conf.h"
#include "lib/mem.h"

struct nodes {
	struct kube *k;
	struct agent *a;
	struct cluster *listing; /* not complete yet; NULL: it is the agent's */
	struct reflector *r;
	char why[IPC_TEXT_MAX];
};

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

	if (node_put(model(n), key, obj))
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

static void *
start(struct kube *k)
{
	static const struct reflector_spec spec = { .path = "/api/v1/nodes", .skip = node_unwanted };
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

	if (n->listing && n->a->cluster)
		cluster_rename(n->a->cluster, c->node.name);
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
