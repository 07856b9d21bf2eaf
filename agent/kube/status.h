/*
 * What the cluster is told of this node: that its network can be used.
 *
 * Once the node has its routes (agent/routed.h) its condition NetworkUnavailable becomes False
 * (reason WeftReady), and the start-up taint weft.dev/not-ready goes, with which a Node may be
 * made so that no pod is put there before.  A new Node without that condition is told True
 * (WeftConverging) in the meantime.  Neither is set back by anything that happens later; both are
 * made right again when the Node is made anew, or somebody changes them.
 *
 *	needs	nodes		get, patch	(the taint)
 *		nodes/status	patch		(the condition)
 */
#ifndef AGENT_KUBE_STATUS_H
#define AGENT_KUBE_STATUS_H

#include "agent/kube/kube.h"

#define STATUS_TAINT "weft.dev/not-ready"

extern const struct kube_part kube_status_part;

/* Why the cluster could not be told, in words, borrowed; "": it was, or there is none. */
const char *status_problem(const struct agent *a);

#endif
