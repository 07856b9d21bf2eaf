/*
 * See leaving.h.
 */
#include "agent/core/leaving.h"

#include <stdio.h>

static bool
has_taint(const struct cluster_node *own, const struct leaving_rules *rules, char *ret_why)
{
	for (size_t i = 0; i < rules->ntaints; i++) {
		if (!labels_get(&own->taints, rules->taints[i]))
			continue;
		snprintf(ret_why, LEAVING_TEXT_MAX, "the node has the taint %.90s", rules->taints[i]);
		return true;
	}
	return false;
}

bool
leaving_why(const struct cluster_node *own, bool known, const struct leaving_rules *rules,
    char *ret_why)
{
	const char *why = NULL;

	ret_why[0] = '\0';
	if (!own)
		why = known ? "the node was deleted from the cluster" : NULL;
	else if (own->deleting)
		why = "the node is being deleted from the cluster";
	else if (own->shutting_down)
		why = "the node is shutting down";
	else if (has_taint(own, rules, ret_why))
		return true;
	else if (rules->cordon && own->cordoned)
		why = "the node is cordoned";
	if (why)
		snprintf(ret_why, LEAVING_TEXT_MAX, "%s", why);
	return why;
}

enum leaving_act
leaving_next(struct leaving *l, const struct cluster_node *own, const struct leaving_rules *rules,
    char *ret_why)
{
	bool was = l->going;

	l->going = leaving_why(own, l->known, rules, ret_why);
	l->known |= own != NULL;
	if (l->going == was)
		return LEAVING_NOTHING;
	return l->going ? LEAVING_DRAIN : LEAVING_UNDRAIN;
}
