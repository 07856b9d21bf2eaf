/*
 * Commands that show what the cluster has to do with this node: the API server, nodes, Services,
 * pools of their addresses, the file by which container runtimes make pods.
 */
#include "agent/control_cmd.h"

#include <stdio.h>
#include <string.h>

#include "agent/cni.h"
#include "agent/core/cluster.h"
#include "agent/kube/kube.h"
#include "agent/kube/pools.h"
#include "agent/kube/services.h"
#include "lib/mem.h"

#define POOL_PROBLEMS_MAX 1000 /* Services without an address that are shown */

/* ---- kube ------------------------------------------------------------------ */

void
control_cmd_kube(struct control_req *r)
{
	view_kube(control_row(r), r->a);
	control_row_end(r);
	control_end(r, view_kube_is_bad(r->a) ? CONTROL_DOWN : CONTROL_OK, NULL);
}

/* ---- nodes ----------------------------------------------------------------- */

static void
nodes_session(struct control_req *r, const struct ipc_msg *msg)
{
	struct view_session *s;

	if (msg->type != IPC_ROW_PEER)
		return;
	r->st.sessions = mem_realloc_array(r->st.sessions, r->st.nsessions + 1, sizeof *s);
	s = &r->st.sessions[r->st.nsessions++];
	*s = (struct view_session){ .peer = msg->row_peer.id, .state = msg->row_peer.state };
	snprintf(s->reason, sizeof s->reason, "%s", msg->row_peer.reason);
}

static const struct cluster_node *
next_node(const struct agent *a, const char *after)
{
	const struct cluster_node *n = NULL;

	if (!a->cluster || !a->conf)
		return NULL;
	while ((n = cluster_next(a->cluster, n)))
		if (!after || strcmp(n->name, after) > 0)
			return n;
	return NULL;
}

/* st.rows: those without a session that should have one. */
static enum control_more
nodes_pull(struct control_req *r)
{
	const struct cluster_node *n;

	while (control_has_room(r)) {
		n = next_node(r->a, r->st.service);
		if (!n) {
			control_end(r, r->st.rows ? CONTROL_DOWN : CONTROL_OK, NULL);
			return CONTROL_DONE;
		}
		r->st.rows += !view_node(control_row(r), r->a, n, r->st.sessions, r->st.nsessions);
		control_row_end(r);
		mem_free(r->st.service);
		r->st.service = mem_strdup(n->name);
	}
	return CONTROL_MORE;
}

static void
nodes_asked(struct control_req *r, uint8_t status, bool lost)
{
	if (lost)
		control_warn_lost(r);
	control_pull(r, nodes_pull);
}

void
control_cmd_nodes(struct control_req *r)
{
	struct ipc_query q = { .kind = IPC_Q_PEERS };

	if (!r->a->cluster)
		control_warn(r, kube_awaits_nodes(r->a->kube) ? "the cluster's nodes are not known yet"
			: "no cluster is followed (see kubernetes in weft.yaml(5))");
	control_query(r, &q, nodes_session, nodes_asked);
}

/* ---- Services -------------------------------------------------------------- */

struct kube_services *
control_services_part(const struct control_req *r)
{
	return r->a->kube ? kube_part_find(r->a->kube, "services") : NULL;
}

static void
services_show(struct control_req *r, const struct kube_services *p, const struct service_view *v)
{
	view_service(control_row(r), p, v);
	control_row_end(r);
	mem_free(r->st.service);
	r->st.service = mem_strdup(v->key);
}

static enum control_more
services_pull(struct control_req *r)
{
	const struct kube_services *p = control_services_part(r); /* it may have gone meanwhile */
	const struct services *model = p ? kube_services_model(p) : NULL;
	struct service_view v;

	while (control_has_room(r)) {
		if (!model || !services_next(model, r->st.service, &v)) {
			control_end(r, r->st.rows ? CONTROL_DOWN : CONTROL_OK, NULL);
			return CONTROL_DONE;
		}
		services_show(r, p, &v);
	}
	return CONTROL_MORE;
}

/* st.rows: something is wrong. */
void
control_cmd_services(struct control_req *r)
{
	const struct kube_services *p = control_services_part(r);
	struct kube_services_status st = { .problem = "" };

	if (p)
		kube_services_status(p, &st);
	if (!p)
		control_warn(r, "no cluster is followed (see kubernetes in weft.yaml(5))");
	else if (!st.watching)
		control_warn(r, "no advertisement has type Service (see advertisements in weft.yaml(5))");
	else if (!st.synced)
		control_warn(r, "not all Services and EndpointSlices are known yet%s%s",
		    st.problem[0] ? ": " : "", st.problem);
	else if (st.problem[0])
		control_warn(r, "%s; shown and announced is what was known last", st.problem);
	r->st.rows = st.watching && (!st.synced || st.problem[0]);
	control_pull(r, services_pull);
}

/* ---- pools ----------------------------------------------------------------- */

static void
pools_rows(struct control_req *r, const struct kube_pools_view *v)
{
	const struct conf_pools *ps = &r->a->conf->pools;
	struct pools_service_view s;
	struct pools_view p;
	size_t pos = 0;

	for (size_t i = 0; i < ps->n; i++) {
		bool known = v->synced && pools_view(v->model, i, &p);

		view_pool(control_row(r), v, &ps->v[i], known ? &p : NULL);
		control_row_end(r);
	}
	while (v->synced && pos < POOL_PROBLEMS_MAX && pools_next_waiting(v->model, &pos, &s)) {
		view_pool_service(control_row(r), &s);
		control_row_end(r);
	}
}

void
control_cmd_pools(struct control_req *r)
{
	struct kube_pools_view v;

	kube_pools_look(r->a->kube ? kube_part_find(r->a->kube, "pools") : NULL, &v);
	if (r->a->conf)
		pools_rows(r, &v);
	if (v.problem[0])
		control_warn(r, "%s", v.problem);
	control_end(r, v.problem[0] ? CONTROL_DOWN : CONTROL_OK, NULL);
}

/* ---- CNI ------------------------------------------------------------------- */

void
control_cmd_cni(struct control_req *r)
{
	enum cni_state s = cni_view(r->a->cni).state;

	view_cni(control_row(r), r->a);
	control_row_end(r);
	control_end(r, s == CNI_WRITTEN || s == CNI_OFF ? CONTROL_OK : CONTROL_DOWN, NULL);
}
