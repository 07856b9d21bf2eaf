/*
 * The Node objects as the model of the cluster (agent/core/cluster.h), which the configuration is
 * expanded with (agent/source.h).
 *
 * A Node that is deleted takes its sessions with it at once; an API server that errs, hangs or is
 * gone takes nothing: what is known stays.
 *
 * Needs: get, list, watch of nodes.
 */
#ifndef AGENT_KUBE_NODES_H
#define AGENT_KUBE_NODES_H

#include "agent/kube/kube.h"

extern const struct kube_part kube_nodes_part;

#endif
