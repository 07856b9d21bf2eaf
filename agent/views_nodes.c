/*
 * JSON rows of the cluster's nodes: what each is, and how this node speaks with it.
 */
#include "agent/views.h"

#include <stdio.h>
#include <string.h>

#include "agent/core/cluster.h"
#include "agent/kube/kview.h"
#include "agent/source.h"
#include "lib/conf_expand.h"

static void
out_lists(struct out *o, const struct cluster_node *n)
{
	char text[IP_ADDR_STRLEN];

	out_open_array(o, "addresses");
	for (size_t i = 0; i < n->naddrs; i++)
		out_str(o, NULL, ip_addr_str(&n->addrs[i], text));
	out_close(o);
	out_open_array(o, "pod_cidrs");
	for (size_t i = 0; i < n->ncidrs; i++)
		out_str(o, NULL, ip_prefix_str(&n->cidrs[i], text));
	out_close(o);
}

static struct conf_node_view
view_of(const struct cluster_node *n)
{
	return (struct conf_node_view){ .name = n->name, .addrs = n->addrs, .naddrs = n->naddrs,
		.cidrs = n->cidrs, .ncidrs = n->ncidrs, .labels = &n->labels, .annotations = &n->annotations };
}

static bool
has_addr(const struct cluster_node *n, const struct ip_addr *a)
{
	for (size_t i = 0; i < n->naddrs; i++)
		if (n->addrs[i].af == a->af && memcmp(n->addrs[i].b, a->b, sizeof a->b) == 0)
			return true;
	return false;
}

/* The peer that the node is, made of it or written with its address. */
static const struct agent_peer *
peer_of(const struct agent *a, const struct cluster_node *n)
{
	const struct agent_peer *written = NULL;

	for (size_t i = 0; i < a->npeers; i++) {
		const struct agent_peer *p = &a->peers[i];

		if (p->conf->of_node && strcmp(p->conf->of_node, n->name) == 0)
			return p;
		if (!p->conf->of_node && p->addr.af && has_addr(n, &p->addr))
			written = p;
	}
	return written;
}

/* The other node that has this address, too; NULL: none. */
static const struct cluster_node *
twin_of(const struct agent *a, const struct cluster_node *n, const struct ip_addr *addr)
{
	const struct cluster_node *other = NULL;

	while ((other = cluster_next(a->cluster, other)) != NULL)
		if (other != n && has_addr(other, addr))
			return other;
	return NULL;
}

/* Why a node with addresses, which is to be a peer, is none. */
static const char *
no_address(const struct agent *a, const struct cluster_node *n, char *buf, size_t cap)
{
	const struct cluster_node *twin;
	char addr[IP_ADDR_STRLEN];

	for (size_t i = 0; i < n->naddrs; i++)
		if ((twin = twin_of(a, n, &n->addrs[i])) != NULL) {
			snprintf(buf, cap, "its address %s is also that of node %s",
			    ip_addr_str(&n->addrs[i], addr), twin->name);
			return buf;
		}
	return "no address of a family that both have, or another peer's address";
}

/* Why the node is no peer; buf is for sentences with names. */
static const char *
no_peer(const struct agent *a, const struct cluster_node *n, char *buf, size_t cap)
{
	const struct cluster_node *own = cluster_own(a->cluster);
	struct conf_node_view mine, its = view_of(n);

	if (n == own)
		return "this node";
	if (!own)
		return "this node's own Node is not there: was it deleted, or is node.name wrong?";
	mine = view_of(own);
	if (n->naddrs == 0)
		return "it has no InternalIP";
	if (!conf_mesh_on(a->conf) && a->conf->bgp.rr_selector &&
	    conf_node_role(a->conf, &mine) != CONF_NODE_REFLECTOR &&
	    conf_node_role(a->conf, &its) != CONF_NODE_REFLECTOR)
		return "neither is a route reflector";
	if (!conf_mesh_on(a->conf) && !a->conf->bgp.rr_selector)
		return "there is no mesh, and no peerSelector that means it";
	return no_address(a, n, buf, cap);
}

bool
view_node(struct out *o, const struct agent *a, const struct cluster_node *n,
    const struct view_session *sessions, size_t nsessions)
{
	struct conf_node_view view = view_of(n);
	const struct agent_peer *p = peer_of(a, n);
	uint32_t asn = conf_node_asn(&view);
	enum ipc_fsm_state state = IPC_IDLE;
	struct kube_kept kept;
	char words[512];
	const char *why = p ? NULL : no_peer(a, n, words, sizeof(words));

	for (size_t i = 0; p && i < nsessions; i++)
		if (sessions[i].peer == p->id) {
			state = (enum ipc_fsm_state)sessions[i].state;
			why = state == IPC_ESTABLISHED ? NULL : sessions[i].reason;
		}
	if (p && p->problem[0])
		why = p->problem;
	if (p && !why && state != IPC_ESTABLISHED)
		why = "not yet handed to weft-bgpd";
	if (p && p->conf->of_node && source_is_leaving(a, p->conf->of_node))
		why = "kept until its routes come over others";
	out_str(o, "name", n->name);
	out_bool(o, "own", n == cluster_own(a->cluster));
	out_lists(o, n);
	out_u64(o, "as", asn ? asn : a->conf->bgp.cluster_asn);
	out_str(o, "role", conf_node_role_str(conf_node_role(a->conf, &view)));
	out_str(o, "peer", p ? p->conf->name : NULL);
	out_str(o, "session", p ? ipc_fsm_state_name(state) : NULL);
	out_str(o, "why", why);
	if (kube_look_kept(a->kube, &kept))
		out_u64(o, "stale_s", kept.age_s);
	return !p || state == IPC_ESTABLISHED || !p->conf->enabled;
}

void
view_warn_nodes(struct out *o, const struct agent *a)
{
	const struct cluster_node *n = NULL;
	struct conf_node_view view;

	if (!a->cluster || !cluster_own(a->cluster) || !a->conf->bgp.rr_selector)
		return;
	while ((n = cluster_next(a->cluster, n)) != NULL) {
		view = view_of(n);
		if (conf_node_role(a->conf, &view) == CONF_NODE_REFLECTOR)
			return;
	}
	out_fmt(o, NULL, "bgp.routeReflector: no node of the cluster has labels that match \"%s\", so there is "
	    "no reflector to peer with", a->conf->bgp.rr_selector);
}
