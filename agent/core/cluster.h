/*
 * The cluster's nodes, as far as routing needs them: a pure model filled from outside.
 *
 * It takes about 1 KB for a node with 15 labels. What a Node object has beside these members
 * (conditions, images, ...) is not kept, and so its changes are none.
 */
#ifndef AGENT_CORE_CLUSTER_H
#define AGENT_CORE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/selector.h"

#define CLUSTER_CIDRS_MAX 4
#define CLUSTER_ADDRS_MAX 4
#define CLUSTER_LABELS_MAX 512 /* of labels, annotations and taints each; more are left out */

/* One Node. What it points to belongs to the cluster and is valid until the next change. */
struct cluster_node {
	const char *name;
	struct ip_addr addrs[CLUSTER_ADDRS_MAX]; /* InternalIPs, in their order */
	size_t naddrs;
	struct ip_prefix cidrs[CLUSTER_CIDRS_MAX]; /* podCIDRs */
	size_t ncidrs;
	struct labels labels;
	struct labels annotations; /* those of ours only */
	struct labels taints;	   /* key -> effect */
	bool cordoned;		   /* spec.unschedulable */
	bool deleting;
	bool shutting_down; /* its kubelet says so */
};

struct cluster;

/* own_name: of the node this agent runs on (copied). */
struct cluster *cluster_new(const char *own_name);
/* Another own name; true: it is one. */
bool cluster_rename(struct cluster *c, const char *own_name);
/* NULL is fine. */
void cluster_free(struct cluster *c);

/*
 * Copies n, whose labels may be in any order (of two with one key the later one counts); true:
 * something differs from what was known (a status update alone does not).
 */
bool cluster_put(struct cluster *c, const struct cluster_node *n);
/* True: it was known. */
bool cluster_remove(struct cluster *c, const char *name);

/* NULL: not known. */
const struct cluster_node *cluster_find(const struct cluster *c, const char *name);
const struct cluster_node *cluster_own(const struct cluster *c);
/* By name; NULL starts, NULL at the end. */
const struct cluster_node *cluster_next(const struct cluster *c, const struct cluster_node *after);
size_t cluster_count(const struct cluster *c);

/* Octets in use for all nodes. */
size_t cluster_octets(const struct cluster *c);

#endif
