/*
 * Is the cluster taking this node out of service?  Then it is drained, and put back when the cluster
 * has changed its mind.
 *
 * Only what the cluster has changed counts: a drain that an operator has ended while the cause
 * goes on does not begin again, and one that an operator has begun is not ended.  Pure.
 */
#ifndef AGENT_CORE_LEAVING_H
#define AGENT_CORE_LEAVING_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/core/cluster.h"

#define LEAVING_TEXT_MAX 128

struct leaving_rules {
	const char *const *taints; /* keys of taints that say so */
	size_t ntaints;
	bool cordon; /* spec.unschedulable does */
};

struct leaving {
	bool known; /* there was a Node */
	bool going;
};

enum leaving_act { LEAVING_NOTHING, LEAVING_DRAIN, LEAVING_UNDRAIN };

/*
 * Why that Node is leaving, in words (LEAVING_TEXT_MAX octets); false: it is not. own NULL: there is
 * none, which says so only if there was one (known).
 */
bool leaving_why(const struct cluster_node *own, bool known, const struct leaving_rules *rules,
    char *ret_why);

/*
 * What is to be done about the Node as it is now, which must be known: when nothing has been
 * heard of the cluster yet, do not ask.  why as above, filled for LEAVING_DRAIN.
 */
enum leaving_act leaving_next(struct leaving *l, const struct cluster_node *own,
    const struct leaving_rules *rules, char *ret_why);

#endif
