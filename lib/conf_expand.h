/*
 * A configuration on one node of a cluster.
 *
 * What is written for all nodes becomes what holds on this one: peers that are for other nodes go,
 * `peerSelector`, the mesh and route reflectors become ordinary peers, `node.podCIDRs: auto` and
 * `kernel.permit` get the nodes' pod ranges. Everything behind it (agent, bgpd) sees a
 * configuration as if all that stood in the file.
 *
 * Who peers with whom: with the mesh everybody with everybody. With reflectors and without the mesh
 * reflectors with everybody, others with reflectors only; a session of a reflector with another node
 * of its AS number has that node as its client. The mesh and reflectors together make both. Nodes
 * without pod ranges take part, too: they may reflect.
 */
#ifndef LIB_CONF_EXPAND_H
#define LIB_CONF_EXPAND_H

#include "lib/conf.h"
#include "lib/selector.h"

#define CONF_ANNOTATION_AS	   "weft.dev/as-number"
#define CONF_ANNOTATION_CLUSTER_ID "weft.dev/cluster-id"

/* A node as it is known; all borrowed. */
struct conf_node_view {
	const char *name;
	const struct ip_addr *addrs; /* InternalIPs, the first of a family counts */
	size_t naddrs;
	const struct ip_prefix *cidrs;
	size_t ncidrs;
	const struct labels *labels;
	const struct labels *annotations;
};

enum conf_role_in_cluster { CONF_NODE_MESH, CONF_NODE_REFLECTOR, CONF_NODE_CLIENT };

/* What is kept of before while sessions move (make before break). */
struct conf_keep {
	/* Stays a peer of that node although it would be none any more; NULL: none stay. */
	bool (*peer)(void *ctx, const char *node);
	void *ctx;
	bool reflector; /* this node goes on as a reflector */
};

/* The cluster without (own NULL) or with this node's Node. */
struct conf_cluster_view {
	const struct conf_node_view *v; /* by name */
	size_t n;
	const struct conf_node_view *own; /* one of v */
	const struct conf_keep *keep;	  /* NULL: nothing */
};

/*
 * Expand c, which conf_load() has just given. view NULL: a plain host; of peers with a selector
 * nothing is left then. Errors are none: what does not fit (two peers of one address) is left out,
 * and what was written goes before what is made.
 */
void conf_expand(struct conf *c, const struct conf_cluster_view *view);

/*
 * Is that a range that a node may have? Routes into it are permitted on every node, what is not
 * routed of it is discarded, and nothing in it is translated: no Node object may have that done to
 * much of the address space.
 */
bool conf_is_pod_cidr(const struct ip_prefix *p);

/* The fewest prefixes (from 8 bits on) that cover exactly the same; returns their number. */
size_t conf_merge_prefixes(struct ip_prefix *v, size_t n);

/* The AS number that a node's annotation gives it; 0: none, or it is not valid. */
uint32_t conf_node_asn(const struct conf_node_view *n);

/* What a node is in that configuration. */
enum conf_role_in_cluster conf_node_role(const struct conf *c, const struct conf_node_view *n);

/* "mesh", "reflector", "client". */
const char *conf_node_role_str(enum conf_role_in_cluster role);

/* Is the mesh on, after what `auto` means? */
bool conf_mesh_on(const struct conf *c);

#endif
