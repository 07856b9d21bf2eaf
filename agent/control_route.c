/*
 * Commands that show where packets go: bgpd's paths, all about one destination, our routes in the
 * kernel, their next hops, the table of natOutgoing.
 *
 * `routes` asks bgpd once. `route` asks for paths, then for whom they are advertised to, and makes
 * one row of that and of what the agent knows. The others walk through the agent's tables, a slice
 * at a time.
 */
#include "agent/control_cmd.h"

#include "agent/kube/services.h"
#include "agent/nat.h"

#define PATHS_MAX 512 /* of one destination, in `route` */

/* ---- routes ---------------------------------------------------------------- */

static void
routes_row(struct control_req *r, const struct ipc_msg *msg)
{
	if (msg->type != IPC_ROW_PATH)
		return;
	view_path(control_row(r), r->a, &msg->row_path);
	control_row_end(r);
}

static void
routes_end(struct control_req *r, uint8_t status, bool lost)
{
	if (lost)
		control_end_lost(r);
	else
		control_end(r, CONTROL_OK, NULL);
}

void
control_cmd_routes(struct control_req *r)
{
	struct ipc_query q = { .kind = IPC_Q_PATHS, .view = r->args.view, .af = r->args.af };

	if (control_given(r, ARG_PEER) && !control_need_peer(r))
		return;
	q.peer = r->args.peer;
	q.prefix = r->args.prefix;
	if (control_given(r, ARG_PREFIX))
		q.match = r->args.host ? IPC_MATCH_LONGEST : IPC_MATCH_WITHIN;
	control_query(r, &q, routes_row, routes_end);
}

/* ---- one route ------------------------------------------------------------- */

/* Is that one of the next hops of the paths seen? */
static bool
route_uses(const struct control_req *r, const struct ip_addr *nh)
{
	for (size_t i = 0; i < r->st.nnhs; i++)
		if (ip_addr_eq(&r->st.nhs[i], nh))
			return true;
	return false;
}

static void
route_note_nexthop(struct control_req *r, const struct ip_addr *nh)
{
	if (nh->af && !route_uses(r, nh) && r->st.nnhs < sizeof(r->st.nhs) / sizeof(r->st.nhs[0]))
		r->st.nhs[r->st.nnhs++] = *nh;
}

static void
route_path_row(struct control_req *r, const struct ipc_msg *msg)
{
	const struct ipc_row_path *row = &msg->row_path;

	if (msg->type != IPC_ROW_PATH || r->st.rows++ >= PATHS_MAX)
		return;
	r->st.prefix = row->prefix;
	r->st.have_prefix = true;
	route_note_nexthop(r, &row->next_hop);
	route_note_nexthop(r, &row->next_hop_ll);
	out_open(&r->st.doc, NULL);
	view_path(&r->st.doc, r->a, row);
	out_close(&r->st.doc);
}

static void
route_adv_row(struct control_req *r, const struct ipc_msg *msg)
{
	if (msg->type != IPC_ROW_PATH || r->st.rows++ >= PATHS_MAX)
		return;
	out_open(&r->st.doc, NULL);
	view_advertised_to(&r->st.doc, r->a, &msg->row_path);
	out_close(&r->st.doc);
}

static void
route_nexthops(struct control_req *r)
{
	struct ip_addr at;
	struct fib_nh_view v;
	bool more;

	out_open_array(&r->st.doc, "next_hops");
	for (more = fib_next_nh_view(r->a->fib, NULL, &v); more;
	     at = v.nh, more = fib_next_nh_view(r->a->fib, &at, &v)) {
		if (!route_uses(r, &v.nh))
			continue;
		out_open(&r->st.doc, NULL);
		view_nexthop(&r->st.doc, r->a, &v);
		out_close(&r->st.doc);
	}
	out_close(&r->st.doc);
}

/* Whose address it is, and why it is announced or not; false: no Service's. */
static bool
route_service(const struct control_req *r, struct service_addr_view *ret, const char **ret_key)
{
	const struct kube_services *p = control_services_part(r);
	const struct services *model = p ? kube_services_model(p) : NULL;
	struct ip_addr a = ip_prefix_addr(&r->args.prefix);

	if (!model || !ip_prefix_is_host(&r->args.prefix))
		return false;
	*ret_key = services_find(model, &r->args.prefix);
	for (size_t i = 0; *ret_key && services_addr(model, *ret_key, i, ret); i++)
		if (ip_addr_eq(&ret->addr, &a))
			return true;
	return false;
}

static void
route_put_service(struct control_req *r)
{
	char why[SERVICES_WHY_MAX];
	struct service_addr_view a;
	const char *key;

	if (!route_service(r, &a, &key)) {
		out_null(&r->st.doc, "service");
		return;
	}
	out_open(&r->st.doc, "service");
	out_str(&r->st.doc, "service", key);
	out_str(&r->st.doc, "kind", service_kind_text(a.kind));
	out_bool(&r->st.doc, "announced", service_why_is_on(a.why));
	out_str(&r->st.doc, "why", service_why_text(&a, why));
	out_close(&r->st.doc);
}

static void
route_none(struct control_req *r)
{
	char why[SERVICES_WHY_MAX];
	struct service_addr_view a;
	const char *key;

	if (route_service(r, &a, &key))
		control_endf(r, CONTROL_DOWN, "no route to %s, which is Service %s's: %s",
		    r->args.destination, key, service_why_text(&a, why));
	else
		control_endf(r, CONTROL_DOWN, "no route to %s", r->args.destination);
}

static void
route_finish(struct control_req *r, bool truncated)
{
	struct out *o = &r->st.doc;
	char text[IP_PREFIX_STRLEN];
	struct fib_view v;

	out_close(o); /* advertised_to */
	out_str(o, "prefix", ip_prefix_str(&r->st.prefix, text));
	if (fib_view_lookup(r->a->fib, &r->st.prefix, false, &v)) {
		out_open(o, "fib");
		view_fib(o, r->a, &v);
		out_close(o);
	} else {
		out_null(o, "fib");
	}
	route_nexthops(r);
	route_put_service(r);
	out_bool(o, "truncated", truncated);
	out_close(o);
	control_row_raw(r, out_text(o));
	control_end(r, CONTROL_OK, NULL);
}

static void
route_adv_end(struct control_req *r, uint8_t status, bool lost)
{
	if (lost)
		control_end_lost(r);
	else
		route_finish(r, r->st.truncated || r->st.rows > PATHS_MAX);
}

static void route_paths_end(struct control_req *r, uint8_t status, bool lost);

static void
route_ask(struct control_req *r, enum ipc_match match)
{
	struct ipc_query q = { .kind = IPC_Q_PATHS, .view = IPC_VIEW_ALL, .match = (uint8_t)match,
		.prefix = r->args.prefix };

	control_query(r, &q, route_path_row, route_paths_end);
}

/* After the paths: to whom the destination goes, or another way to find one. */
static void
route_paths_end(struct control_req *r, uint8_t status, bool lost)
{
	struct ipc_query q = { .kind = IPC_Q_PATHS, .view = IPC_VIEW_ADVERTISED,
		.match = IPC_MATCH_EXACT };
	struct fib_view v;

	if (lost) {
		control_end_lost(r);
		return;
	}
	if (!r->st.have_prefix && !r->args.host) {
		r->args.host = true; /* not there as it is: what covers it? */
		route_ask(r, IPC_MATCH_LONGEST);
		return;
	}
	if (!r->st.have_prefix) {
		/* No path, but an unreachable route for the pod range, say. */
		if (!fib_view_lookup(r->a->fib, &r->args.prefix, true, &v)) {
			route_none(r);
			return;
		}
		r->st.prefix = v.prefix;
	}
	out_close(&r->st.doc); /* paths */
	out_open_array(&r->st.doc, "advertised_to");
	r->st.truncated = r->st.rows > PATHS_MAX;
	r->st.rows = 0;
	q.prefix = r->st.prefix;
	control_query(r, &q, route_adv_row, route_adv_end);
}

void
control_cmd_route(struct control_req *r)
{
	out_init(&r->st.doc, false);
	r->st.have_doc = true;
	out_open(&r->st.doc, NULL);
	out_str(&r->st.doc, "query", r->args.destination);
	out_open_array(&r->st.doc, "paths");
	route_ask(r, r->args.host ? IPC_MATCH_LONGEST : IPC_MATCH_EXACT);
}

/* ---- fib, nexthops --------------------------------------------------------- */

static enum control_more
fib_pull(struct control_req *r)
{
	struct fib_view v;

	for (unsigned i = 0; i < CONTROL_SLICE_ROWS && control_has_room(r); i++) {
		if (!fib_next_view(r->a->fib, &r->st.fib, &v)) {
			control_end(r, r->args.diff && r->st.rows ? CONTROL_DOWN : CONTROL_OK,
			    NULL);
			return CONTROL_DONE;
		}
		if ((r->args.af && v.prefix.af != r->args.af) || (r->args.diff && !v.differs))
			continue;
		view_fib(control_row(r), r->a, &v);
		control_row_end(r);
		r->st.rows++;
	}
	return CONTROL_MORE;
}

void
control_cmd_fib(struct control_req *r)
{
	if (agent_observes(r->a))
		control_warn(r, "observe is on: nothing is put into the kernel; --diff shows what would be");
	else if (r->a->conf && !r->a->conf->kernel.install)
		control_warn(r, "kernel.install is false: nothing is put into the kernel");
	control_pull(r, fib_pull);
}

static enum control_more
nexthops_pull(struct control_req *r)
{
	struct fib_nh_view v;

	for (unsigned i = 0; i < CONTROL_SLICE_ROWS && control_has_room(r); i++) {
		if (!fib_next_nh_view(r->a->fib, r->st.have_nh ? &r->st.nh : NULL, &v)) {
			control_end(r, CONTROL_OK, NULL);
			return CONTROL_DONE;
		}
		r->st.nh = v.nh;
		r->st.have_nh = true;
		if (r->args.af && v.nh.af != r->args.af)
			continue;
		view_nexthop(control_row(r), r->a, &v);
		control_row_end(r);
	}
	return CONTROL_MORE;
}

void
control_cmd_nexthops(struct control_req *r)
{
	control_pull(r, nexthops_pull);
}

/* ---- nat ------------------------------------------------------------------- */

void
control_cmd_nat(struct control_req *r)
{
	struct nat_view v;

	nat_view(r->a->nat, true, &v);
	for (uint8_t af = IP4; v.state != NAT_OFF && af <= IP6; af++) {
		view_nat(control_row(r), af, &v);
		control_row_end(r);
	}
	control_end(r, v.state == NAT_OFF || v.state == NAT_INSTALLED ? CONTROL_OK : CONTROL_DOWN, NULL);
}
