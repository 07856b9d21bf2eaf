/*
 * See leave.h.
 */
#include "agent/kube/leave.h"

#include <stdio.h>

#include "agent/core/cluster.h"
#include "agent/core/leaving.h"
#include "agent/drains.h"
#include "lib/mem.h"

struct leave {
	struct kube *k;
	struct leaving l;
};

static struct leaving_rules
rules_of(const struct conf *c)
{
	return (struct leaving_rules){ .taints = (const char *const *)c->drain.on_taints.v,
		.ntaints = c->drain.on_taints.n,
		.cordon = c->drain.on_cordon };
}

static void
look(void *part)
{
	struct leave *l = part;
	struct agent *a = kube_agent(l->k);
	struct leaving_rules rules;
	char why[LEAVING_TEXT_MAX];

	if (!a->conf || !a->cluster || !kube_is_synced(l->k) || a->stopping || agent_observes(a))
		return;
	rules = rules_of(a->conf);
	switch (leaving_next(&l->l, cluster_own(a->cluster), &rules, why)) {
	case LEAVING_NOTHING:
		break;
	case LEAVING_DRAIN:
		drains_by_cluster(a->drains, (uint64_t)a->conf->drain.settle_ms * 1000, why);
		break;
	case LEAVING_UNDRAIN:
		drains_undo_by_cluster(a->drains);
		break;
	}
}

static void
conf(void *part, const struct conf *c)
{
	look(part);
}

static void *
start(struct kube *k)
{
	struct leave *l = mem_zalloc(sizeof *l);
	const struct drain *d = drains_find(kube_agent(k)->drains, "");

	l->k = k;
	l->l.going = l->l.known = d && d->by_cluster; /* in an earlier life */
	return l;
}

static void
stop(void *part)
{
	mem_free(part);
}

const struct kube_part kube_leave_part = {
	.name = "leave",
	.start = start,
	.stop = stop,
	.conf = conf,
	.cluster = look,
};

bool
leave_is_due(const struct agent *a, char *ret_why)
{
	const struct drain *d = drains_find(a->drains, "");
	const struct leave *l = a->kube ? kube_part_find(a->kube, "leave") : NULL;
	struct leaving_rules rules;
	char why[LEAVING_TEXT_MAX];
	bool due;

	ret_why[0] = '\0';
	if (d)
		snprintf(ret_why, LEAVE_WHY_MAX, "%s", d->reason[0] ? d->reason : "the node is drained");
	if (d || !l || !a->conf || !a->cluster || !kube_is_synced(l->k))
		return d;
	rules = rules_of(a->conf);
	rules.cordon = true;
	due = leaving_why(cluster_own(a->cluster), l->l.known, &rules, why);
	snprintf(ret_why, LEAVE_WHY_MAX, "%s", why);
	return due;
}
