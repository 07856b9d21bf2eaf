/*
 * The commands of the control socket: requests in, rows out.
 *
 * Two tables: the arguments with their parsers, and the commands with the
 * arguments they take.  What is not in a table is an error that names it.  Rows
 * are written by views.c; nothing here knows a key of theirs.
 *
 * What bgpd knows is asked with a query.  While bgpd is down the answer is made of
 * what the agent knows, with a warning, and exit status 1.
 */
#include "config.h"

#include "agent/control_cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "agent/bfd.h"
#include "agent/bmp.h"
#include "agent/cni.h"
#include "agent/control.h"
#include "agent/core/cluster.h"
#include "agent/drains.h"
#include "agent/events.h"
#include "agent/http.h"
#include "agent/kube/kube.h"
#include "agent/kube/pools.h"
#include "agent/kube/services.h"
#include "agent/kube/leave.h"
#include "agent/mrt.h"
#include "agent/nat.h"
#include "agent/source.h"
#include "lib/mem.h"

#define PATHS_MAX   512	 /* of one destination, in `route` */
#define SLICE_ROWS  512	 /* entries looked at in one turn */
#define FOLLOW_TAIL 10	 /* events shown before following */
#define PREPARED_S  60
#define POOL_PROBLEMS_MAX 1000 /* Services without an address that are shown */

#define A(arg) (1u << (arg)) /* takes, needs */

/* ---- shared by commands ---------------------------------------------------- */

/* Find the peer that args name; without one the answer has been ended. */
static const struct agent_peer *
need_peer(struct control_req *r)
{
	const struct agent_peer *p = agent_peer_by_name(r->a, r->args.peer_name);

	if (p)
		r->args.peer = p->id;
	else if (source_range_id(r->a, r->args.peer_name) != IPC_PEER_NONE)
		control_endf(r, CONTROL_DOWN,
		    "%s is a listenRange and has %zu peers now; name one of them: %s/ADDRESS (see: weft "
		    "peers)", r->args.peer_name, source_range_peers(r->a, r->args.peer_name),
		    r->args.peer_name);
	else
		control_endf(r, CONTROL_DOWN, "no peer \"%s\" is configured (see: weft peers)",
		    r->args.peer_name);
	return p;
}

static void
end_lost(struct control_req *r)
{
	char why[IPC_TEXT_MAX];

	if (!view_bgpd_problem(r->a, why, sizeof(why)))
		snprintf(why, sizeof(why), "weft-bgpd ended while it was asked; try again");
	control_end(r, CONTROL_DOWN, why);
}

static void
warn_lost(struct control_req *r)
{
	char why[IPC_TEXT_MAX];

	control_warn(r, "%s; shown is what the agent knows without it",
	    view_bgpd_problem(r->a, why, sizeof(why)) ? why : "weft-bgpd ended while it was asked");
}

static void
mark_seen(struct control_req *r, uint32_t id)
{
	size_t need = id / 8 + 1;

	if (need > (1u << 20)) /* no peer of ours */
		return;
	if (need > r->st.nseen) {
		r->st.seen = mem_realloc(r->st.seen, need);
		memset(r->st.seen + r->st.nseen, 0, need - r->st.nseen);
		r->st.nseen = need;
	}
	r->st.seen[id / 8] |= (uint8_t)(1u << (id % 8));
}

static bool
was_seen(const struct control_req *r, uint32_t id)
{
	return id / 8 < r->st.nseen && (r->st.seen[id / 8] & (1u << (id % 8)));
}

/* ---- peers ----------------------------------------------------------------- */

static void
peer_out(struct control_req *r, const struct agent_peer *p, const struct ipc_row_peer *row)
{
	struct out *o = control_row(r);

	view_peer(o, r->a, p, row, r->args.af);
	control_row_end(r);
	view_totals_add(&r->st.totals, p, row);
}

static void
peers_row(struct control_req *r, const struct ipc_msg *msg)
{
	const struct agent_peer *p;

	if (msg->type != IPC_ROW_PEER)
		return;
	p = agent_peer_by_id(r->a, msg->row_peer.id);
	if (!p) /* removed by a reload just now */
		return;
	mark_seen(r, p->id);
	peer_out(r, p, &msg->row_peer);
}

/* Those that bgpd does not know; st.rows counts through the agent's peers. */
static enum control_more
peers_rest(struct control_req *r)
{
	const struct agent_peer *p;

	for (; r->st.rows < r->a->npeers; r->st.rows++) {
		if (!control_has_room(r))
			return CONTROL_MORE;
		p = &r->a->peers[r->st.rows];
		if (!was_seen(r, p->id) && (!r->args.peer || r->args.peer == p->id))
			peer_out(r, p, NULL);
	}
	control_end(r, r->st.totals.down || !r->a->bgpd_child.running || r->a->bgpd_child.silent ?
	    CONTROL_DOWN : CONTROL_OK, NULL);
	return CONTROL_DONE;
}

static void
peers_end(struct control_req *r, uint8_t status, bool lost)
{
	if (lost)
		warn_lost(r);
	control_pull(r, peers_rest);
}

static void
cmd_peers(struct control_req *r)
{
	struct ipc_query q = { .kind = IPC_Q_PEERS, .peer = r->args.peer };

	control_query(r, &q, peers_row, peers_end);
}

/* BFD's figures are new. */
static void
peer_bfd_answered(void *ctx, bool late)
{
	struct control_req *r = control_redeem(ctx);

	if (r)
		cmd_peers(r);
}

static void
cmd_peer(struct control_req *r)
{
	const struct agent_peer *p = need_peer(r);
	struct bfd_view v;

	if (p && bfd_of_peer(r->a->bfd, p->id, &v))
		bfd_ask(r->a->bfd, peer_bfd_answered, control_ticket(r));
	else if (p)
		cmd_peers(r);
}

static void
cmd_peer_command(struct control_req *r)
{
	const struct agent_peer *p = need_peer(r);
	struct ipc_peer_cmd cmd = { .cmd = r->args.command };
	struct out *o;

	if (!p)
		return;
	cmd.peer = p->id;
	snprintf(cmd.text, sizeof(cmd.text), "%s", r->args.reason);
	if (!agent_peer_release(r->a, &cmd) && p->problem[0]) {
		control_endf(r, CONTROL_DOWN, "peer %s cannot be started: %s", p->conf->name,
		    p->problem);
		return;
	}
	if (!agent_peer_cmd(r->a, &cmd)) {
		end_lost(r);
		return;
	}
	o = control_row(r);
	out_str(o, "peer", p->conf->name);
	out_str(o, "command", control_peer_command(cmd.cmd));
	control_row_end(r);
	control_end(r, CONTROL_OK, NULL);
}

/* ---- status ---------------------------------------------------------------- */

static void
status_finish(struct control_req *r)
{
	struct out *o;

	for (size_t i = 0; i < r->a->npeers; i++)
		if (!was_seen(r, r->a->peers[i].id))
			view_totals_add(&r->st.totals, &r->a->peers[i], NULL);
	o = control_row(r);
	view_status(o, r->a, &r->st.totals, r->st.have_stats ? &r->st.stats : NULL,
	    http_problem(r->a->http));
	control_row_end(r);
	control_end(r, view_status_is_bad(r->a, &r->st.totals) ? CONTROL_DOWN : CONTROL_OK, NULL);
}

static void
status_peer_row(struct control_req *r, const struct ipc_msg *msg)
{
	const struct agent_peer *p;

	if (msg->type != IPC_ROW_PEER)
		return;
	p = agent_peer_by_id(r->a, msg->row_peer.id);
	if (!p)
		return;
	mark_seen(r, p->id);
	view_totals_add(&r->st.totals, p, &msg->row_peer);
}

static void
status_peers_end(struct control_req *r, uint8_t status, bool lost)
{
	status_finish(r);
}

static void
status_stats_row(struct control_req *r, const struct ipc_msg *msg)
{
	if (msg->type != IPC_ROW_STATS)
		return;
	r->st.stats = msg->row_stats;
	r->st.have_stats = true;
}

static void
status_stats_end(struct control_req *r, uint8_t status, bool lost)
{
	static const struct ipc_query q = { .kind = IPC_Q_PEERS };

	if (lost)
		status_finish(r);
	else
		control_query(r, &q, status_peer_row, status_peers_end);
}

static void
cmd_status(struct control_req *r)
{
	static const struct ipc_query q = { .kind = IPC_Q_STATS };

	control_query(r, &q, status_stats_row, status_stats_end);
}

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
		end_lost(r);
	else
		control_end(r, CONTROL_OK, NULL);
}

static void
cmd_routes(struct control_req *r)
{
	struct ipc_query q = { .kind = IPC_Q_PATHS, .view = r->args.view, .af = r->args.af };

	if (control_given(r, ARG_PEER) && !need_peer(r))
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

static struct kube_services *
services_part(const struct control_req *r)
{
	return r->a->kube ? kube_part_find(r->a->kube, "services") : NULL;
}

/* Whose address it is, and why it is announced or not; false: no Service's. */
static bool
route_service(const struct control_req *r, struct service_addr_view *ret, const char **ret_key)
{
	const struct kube_services *p = services_part(r);
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
		end_lost(r);
	else
		route_finish(r, r->st.rows > PATHS_MAX);
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
		end_lost(r);
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
	r->st.rows = r->st.rows > PATHS_MAX ? PATHS_MAX + 1 : 0;
	q.prefix = r->st.prefix;
	control_query(r, &q, route_adv_row, route_adv_end);
}

static void
cmd_route(struct control_req *r)
{
	out_init(&r->st.doc, false);
	r->st.have_doc = true;
	out_open(&r->st.doc, NULL);
	out_str(&r->st.doc, "query", r->args.destination);
	out_open_array(&r->st.doc, "paths");
	route_ask(r, r->args.host ? IPC_MATCH_LONGEST : IPC_MATCH_EXACT);
}

/* ---- fib, nexthops ---------------------------------------------------------- */

static enum control_more
fib_pull(struct control_req *r)
{
	struct fib_view v;

	for (unsigned i = 0; i < SLICE_ROWS && control_has_room(r); i++) {
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

static void
cmd_fib(struct control_req *r)
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

	for (unsigned i = 0; i < SLICE_ROWS && control_has_room(r); i++) {
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

static void
cmd_nexthops(struct control_req *r)
{
	control_pull(r, nexthops_pull);
}

/* ---- pools ------------------------------------------------------------------ */

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

static void
cmd_pools(struct control_req *r)
{
	struct kube_pools_view v;

	kube_pools_look(r->a->kube ? kube_part_find(r->a->kube, "pools") : NULL, &v);
	if (r->a->conf)
		pools_rows(r, &v);
	if (v.problem[0])
		control_warn(r, "%s", v.problem);
	control_end(r, v.problem[0] ? CONTROL_DOWN : CONTROL_OK, NULL);
}

/* ---- nat -------------------------------------------------------------------- */

static void
cmd_nat(struct control_req *r)
{
	struct nat_view v;

	nat_view(r->a->nat, true, &v);
	for (uint8_t af = IP4; v.state != NAT_OFF && af <= IP6; af++) {
		view_nat(control_row(r), af, &v);
		control_row_end(r);
	}
	control_end(r, v.state == NAT_OFF || v.state == NAT_INSTALLED ? CONTROL_OK : CONTROL_DOWN, NULL);
}

/* ---- Kubernetes --------------------------------------------------------------- */

static void
cmd_kube(struct control_req *r)
{
	view_kube(control_row(r), r->a);
	control_row_end(r);
	control_end(r, view_kube_is_bad(r->a) ? CONTROL_DOWN : CONTROL_OK, NULL);
}

/* ---- events ----------------------------------------------------------------- */

static bool
event_wanted(const struct control_req *r, const struct event_row *row)
{
	uint64_t since_us = r->args.since_s * 1000000;

	if (r->args.peer_name[0] && strcmp(row->peer_name, r->args.peer_name) != 0)
		return false;
	return !control_given(r, ARG_SINCE) || mono_diff_us(agent_now(), row->at) <= since_us;
}

static enum control_more
events_pull(struct control_req *r)
{
	struct event_row row;

	for (unsigned i = 0; i < SLICE_ROWS && control_has_room(r); i++) {
		if (!events_next(r->a->events, r->st.seq, &row)) {
			if (r->args.follow)
				return CONTROL_WAIT;
			control_end(r, CONTROL_OK, NULL);
			return CONTROL_DONE;
		}
		if (r->st.seq && row.seq > r->st.seq + 1)
			control_warn(r, "%llu events were lost: this reader is too slow",
			    (unsigned long long)(row.seq - r->st.seq - 1));
		r->st.seq = row.seq;
		if (!event_wanted(r, &row))
			continue;
		view_event(control_row(r), &row);
		control_row_end(r);
	}
	return CONTROL_MORE;
}

static void
cmd_events(struct control_req *r)
{
	const struct agent_peer *p = agent_peer_by_name(r->a, r->args.peer_name);
	uint64_t last = events_last(r->a->events);

	/* The table may know peers that the configuration no longer has. */
	if (p && p->conf)
		snprintf(r->args.peer_name, sizeof(r->args.peer_name), "%s", p->conf->name);
	if (r->args.follow && !control_given(r, ARG_SINCE) && last > FOLLOW_TAIL)
		r->st.seq = last - FOLLOW_TAIL;
	control_pull(r, events_pull);
}

/* ---- monitoring feeds --------------------------------------------------------- */

static void
bmp_out(struct control_req *r, const struct conf_bmp *c, const struct ipc_row_bmp *row)
{
	view_bmp(control_row(r), r->a, c, row);
	control_row_end(r);
	r->st.rows += !row || row->state < IPC_BMP_DUMPING;
}

static void
bmp_row(struct control_req *r, const struct ipc_msg *msg)
{
	const struct conf_bmp *c;

	if (msg->type != IPC_ROW_BMP)
		return;
	c = bmp_by_id(r->a->bmp, msg->row_bmp.id);
	if (!c) /* removed by a reload just now */
		return;
	mark_seen(r, msg->row_bmp.id);
	bmp_out(r, c, &msg->row_bmp);
}

/* Those that bgpd does not know come last; st.rows counts those that are not connected. */
static void
bmp_end(struct control_req *r, uint8_t status, bool lost)
{
	const struct conf *c = r->a->conf;

	if (lost)
		warn_lost(r);
	for (size_t i = 0; c && i < c->bmp.n; i++)
		if (!was_seen(r, bmp_id(r->a->bmp, i)))
			bmp_out(r, &c->bmp.v[i], NULL);
	control_end(r, r->st.rows || lost ? CONTROL_DOWN : CONTROL_OK, NULL);
}

static void
cmd_bmp(struct control_req *r)
{
	static const struct ipc_query q = { .kind = IPC_Q_BMP };

	control_query(r, &q, bmp_row, bmp_end);
}

/* ---- CNI ------------------------------------------------------------------------ */

static void
cmd_cni(struct control_req *r)
{
	enum cni_state s = cni_view(r->a->cni).state;

	view_cni(control_row(r), r->a);
	control_row_end(r);
	control_end(r, s == CNI_WRITTEN || s == CNI_OFF ? CONTROL_OK : CONTROL_DOWN, NULL);
}

/* ---- BFD ------------------------------------------------------------------------ */

/* st.rows counts those that are not up. */
static enum control_more
bfd_pull(struct control_req *r)
{
	struct bfd_view v;

	while (control_has_room(r)) {
		if (!bfd_next(r->a->bfd, &r->st.at, &v)) {
			control_end(r, r->st.rows ? CONTROL_DOWN : CONTROL_OK, NULL);
			return CONTROL_DONE;
		}
		view_bfd(control_row(r), r->a, &v);
		control_row_end(r);
		r->st.rows += !v.known || v.state->state != IPC_BFD_UP;
	}
	return CONTROL_MORE;
}

static void
bfd_answered(void *ctx, bool late)
{
	struct control_req *r = control_redeem(ctx);
	char why[IPC_TEXT_MAX];

	if (!r)
		return;
	if (bfd_problem(r->a->bfd, why, sizeof(why)))
		control_warn(r, "%s; shown is what was known last", why);
	else if (late)
		control_warn(r, "weft-bfdd did not answer in time; shown is what was known last");
	control_pull(r, bfd_pull);
}

static void
cmd_bfd(struct control_req *r)
{
	bfd_ask(r->a->bfd, bfd_answered, control_ticket(r));
}

/* ---- nodes ------------------------------------------------------------------------- */

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
		warn_lost(r);
	control_pull(r, nodes_pull);
}

static void
cmd_nodes(struct control_req *r)
{
	struct ipc_query q = { .kind = IPC_Q_PEERS };

	if (!r->a->cluster)
		control_warn(r, kube_awaits_nodes(r->a->kube) ? "the cluster's nodes are not known yet"
			: "no cluster is followed (see kubernetes in weft.yaml(5))");
	control_query(r, &q, nodes_session, nodes_asked);
}

/* ---- Services --------------------------------------------------------------------- */

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
	const struct kube_services *p = services_part(r); /* it may have gone meanwhile */
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
static void
cmd_services(struct control_req *r)
{
	const struct kube_services *p = services_part(r);
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

static void
mrt_finished(void *ctx, const struct ipc_mrt_done *done)
{
	struct control_req *r = ctx;
	struct out *o = control_row(r);

	r->st.mrt = 0;
	out_u64(o, "records", done->records);
	out_u64(o, "octets", done->octets);
	out_u64(o, "lost", done->lost);
	control_row_end(r);
	if (done->why[0])
		control_end(r, CONTROL_DOWN, done->why);
	else if (done->err)
		control_endf(r, CONTROL_DOWN, "the records could not be passed on: %s",
		    strerror(done->err));
	else
		control_end(r, CONTROL_OK, NULL);
}

static void
mrt_begin(struct control_req *r, int fd, enum ipc_mrt_kind kind)
{
	const char *why;

	if (fd < 0) {
		control_end(r, CONTROL_USAGE, "want a descriptor with that octet");
		return;
	}
	r->st.mrt = mrt_start(r->a->mrts, kind, r->args.peer, fd, mrt_finished, r, &why);
	if (!r->st.mrt)
		control_end(r, CONTROL_DOWN, why);
}

static void
mrt_rib(struct control_req *r, int fd)
{
	mrt_begin(r, fd, IPC_MRT_RIB);
}

static void
mrt_record(struct control_req *r, int fd)
{
	mrt_begin(r, fd, IPC_MRT_RECORD);
}

static void
mrt_eof(struct control_req *r)
{
	mrt_stop(r->a->mrts, r->st.mrt);
}

static void
cmd_mrt_rib(struct control_req *r)
{
	r->on_eof = mrt_eof;
	control_take_fd(r, mrt_rib);
}

static void
cmd_mrt_record(struct control_req *r)
{
	if (control_given(r, ARG_PEER) && !need_peer(r))
		return;
	r->on_eof = mrt_eof;
	control_take_fd(r, mrt_record);
}

/* ---- commands that change something ------------------------------------------ */

static void
out_lines(struct out *o, const char *key, const char *text)
{
	size_t n;

	out_open_array(o, key);
	for (; text && *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n)
			out_strn(o, NULL, text, n);
	}
	out_close(o);
}

/* An error of one or more lines; the last one ends without a newline, as other errors do. */
static void
end_with_lines(struct control_req *r, const char *lines)
{
	size_t n = strlen(lines);
	char *text = mem_strndup(lines, n && lines[n - 1] == '\n' ? n - 1 : n);

	control_end(r, CONTROL_USAGE, text);
	mem_free(text);
}

static void
reload_done(void *ctx, const char *errors, const char *warnings, const char *summary)
{
	struct control_req *r = control_redeem(ctx);
	struct out *o;

	if (!r)
		return;
	if (errors) {
		end_with_lines(r, errors);
		return;
	}
	o = control_row(r);
	out_str(o, "summary", summary);
	out_lines(o, "warnings", warnings);
	control_row_end(r);
	control_end(r, CONTROL_OK, NULL);
}

static void
cmd_reload(struct control_req *r)
{
	agent_reload(r->a, reload_done, control_ticket(r));
}

static void
cmd_prepare_restart(struct control_req *r)
{
	struct out *o;

	agent_prepare_restart(r->a);
	o = control_row(r);
	out_u64(o, "prepared_s", PREPARED_S);
	control_row_end(r);
	control_end(r, CONTROL_OK, NULL);
}

static void
flush_done(void *ctx, uint64_t removed)
{
	struct control_req *r = control_redeem(ctx);

	if (!r)
		return;
	out_u64(control_row(r), "removed", removed);
	control_row_end(r);
	control_end(r, CONTROL_OK, NULL);
}

static void
cmd_flush(struct control_req *r)
{
	if (agent_observes(r->a))
		control_end(r, CONTROL_DOWN, "observe is on: nothing is removed");
	else
		agent_flush(r->a, flush_done, control_ticket(r));
}

/* ---- drain -------------------------------------------------------------------- */

static void
drain_row(struct control_req *r, enum drain_step step, uint64_t elapsed_us, const char *text)
{
	struct out *o = control_row(r);

	out_str(o, "peer", r->args.peer_name[0] ? r->args.peer_name : NULL);
	out_str(o, "step", drain_step_name(step));
	out_str(o, "text", text);
	out_u64(o, "elapsed_ms", elapsed_us / 1000);
	control_row_end(r);
}

static void
pre_stop_row(struct control_req *r, const char *step, const char *text)
{
	struct out *o = control_row(r);

	out_null(o, "peer");
	out_str(o, "step", step);
	out_str(o, "text", text);
	out_u64(o, "elapsed_ms", 0);
	control_row_end(r);
}

static void
drain_step(void *ctx, const struct drains_report *rep)
{
	struct control_req *r = ctx;

	drain_row(r, rep->step, rep->elapsed_us, rep->text);
	if (rep->step != DRAIN_DONE && rep->step != DRAIN_OFF)
		return;
	r->st.drain = NULL; /* that was its last report */
	if (rep->step == DRAIN_DONE)
		control_end(r, CONTROL_OK, NULL);
	else
		control_end(r, CONTROL_DOWN, "undrained meanwhile");
}

/* Where it stands; then its steps, if they are wanted and there are more. */
static void
drain_follow(struct control_req *r)
{
	const struct drain *d = drains_find(r->a->drains, r->args.peer_name);
	bool wait = !control_given(r, ARG_WAIT) || r->args.wait;
	char text[128];

	if (!d) {
		control_end(r, CONTROL_DOWN, "undrained meanwhile");
		return;
	}
	drain_row(r, d->step, mono_diff_us(agent_now(), d->since),
	    drains_text(d, text, sizeof(text)));
	if (!wait || !drain_is_under_way(d))
		control_end(r, CONTROL_OK, NULL);
	else
		r->st.drain = drains_watch(r->a->drains, r->args.peer_name, drain_step, r);
}

/* The drain's name out of --peer: "" is the node's. False: the answer has been ended. */
static bool
drain_name(struct control_req *r)
{
	const struct agent_peer *p;

	if (!control_given(r, ARG_PEER))
		return true;
	if (drains_find(r->a->drains, r->args.peer_name))
		return true; /* of a peer that may have gone */
	p = need_peer(r);
	if (p)
		snprintf(r->args.peer_name, sizeof(r->args.peer_name), "%s", p->conf->name);
	return p;
}

static void
cmd_drain(struct control_req *r)
{
	const struct conf *c = r->a->conf;
	const struct drain *d;

	if (strlen(r->args.reason) >= IPC_DRAIN_TEXT_MAX) {
		control_endf(r, CONTROL_USAGE, "drain: reason: want a text of at most %d octets",
		    IPC_DRAIN_TEXT_MAX - 1);
		return;
	}
	if (!drain_name(r))
		return;
	if (!c) {
		control_end(r, CONTROL_DOWN, "no configuration is in force");
		return;
	}
	if (!control_given(r, ARG_SETTLE))
		r->args.settle_ms = c->drain.settle_ms;
	if (!drains_start(r->a->drains, r->args.peer_name, r->args.settle_ms * 1000, r->args.reason)) {
		d = drains_find(r->a->drains, r->args.peer_name);
		control_warn(r, "%s already%s%s", d->step == DRAIN_DONE ? "drained" : "being drained",
		    d->reason[0] ? ": " : "", d->reason);
	}
	drain_follow(r);
}

static void
cmd_undrain(struct control_req *r)
{
	bool was;

	if (!drain_name(r))
		return;
	was = drains_undo(r->a->drains, r->args.peer_name);
	drain_row(r, DRAIN_OFF, 0, was ? "undrained: sessions may come up again" : "not drained");
	if (r->args.peer_name[0] && drains_find(r->a->drains, ""))
		control_warn(r, "the node is drained, this peer with it (see: weft undrain)");
	control_end(r, CONTROL_OK, NULL);
}

static void
pre_stop_restart(struct control_req *r)
{
	char text[96];

	agent_prepare_restart(r->a);
	snprintf(text, sizeof(text), "the next stop within %d s keeps all routes", PREPARED_S);
	pre_stop_row(r, "restart", text);
	control_end(r, CONTROL_OK, NULL);
}

/* What a pod's preStop hook asks for: a node that stays is to come back, one that leaves is drained
 * before its end. */
static void
cmd_pre_stop(struct control_req *r)
{
	const struct conf *c = r->a->conf;
	char why[LEAVE_WHY_MAX];

	if (!leave_is_due(r->a, why) || !c) {
		pre_stop_restart(r);
		return;
	}
	pre_stop_row(r, "drain", why);
	drains_by_cluster(r->a->drains, (uint64_t)c->drain.settle_ms * 1000, why);
	drain_follow(r);
}

static void
cmd_version(struct control_req *r)
{
	struct out *o = control_row(r);

	out_str(o, "version", PACKAGE_VERSION);
	control_row_end(r);
	control_end(r, CONTROL_OK, NULL);
}

/* ---- the table ---------------------------------------------------------------- */

static const struct control_cmd cmds[] = {
	{ "status", 0, 0, false, cmd_status },
	{ "peers", A(ARG_FAMILY), 0, false, cmd_peers },
	{ "peer", A(ARG_NAME), A(ARG_NAME), false, cmd_peer },
	{ "peer-command", A(ARG_NAME) | A(ARG_COMMAND) | A(ARG_REASON), A(ARG_NAME) | A(ARG_COMMAND),
	    true, cmd_peer_command },
	{ "routes", A(ARG_VIEW) | A(ARG_PREFIX) | A(ARG_PEER) | A(ARG_FAMILY), 0, false,
	    cmd_routes },
	{ "route", A(ARG_DESTINATION), A(ARG_DESTINATION), false, cmd_route },
	{ "fib", A(ARG_DIFF) | A(ARG_FAMILY), 0, false, cmd_fib },
	{ "nexthops", A(ARG_FAMILY), 0, false, cmd_nexthops },
	{ "pools", 0, 0, false, cmd_pools },
	{ "nat", 0, 0, false, cmd_nat },
	{ "kube", 0, 0, false, cmd_kube },
	{ "events", A(ARG_FOLLOW) | A(ARG_SINCE) | A(ARG_PEER), 0, false, cmd_events },
	{ "bmp", 0, 0, false, cmd_bmp },
	{ "bfd", 0, 0, false, cmd_bfd },
	{ "cni", 0, 0, false, cmd_cni },
	{ "nodes", 0, 0, false, cmd_nodes },
	{ "services", 0, 0, false, cmd_services },
	{ "mrt-rib", 0, 0, true, cmd_mrt_rib },
	{ "mrt-record", A(ARG_PEER), 0, true, cmd_mrt_record },
	{ "reload", 0, 0, true, cmd_reload },
	{ "prepare-restart", 0, 0, true, cmd_prepare_restart },
	{ "pre-stop", 0, 0, true, cmd_pre_stop },
	{ "flush", 0, 0, true, cmd_flush },
	{ "drain", A(ARG_PEER) | A(ARG_REASON) | A(ARG_WAIT) | A(ARG_SETTLE), 0, true, cmd_drain },
	{ "undrain", A(ARG_PEER), 0, true, cmd_undrain },
	{ "version", 0, 0, false, cmd_version },
};

static const struct control_cmd *
cmd_find(const char *name)
{
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		if (strcmp(cmds[i].name, name) == 0)
			return &cmds[i];
	return NULL;
}

/* The command and its arguments out of the request; false with a text in err. */
static bool
request_parse(struct control_req *r, json_t *root, char *err, size_t cap)
{
	const char *name = json_string_value(json_object_get(root, "cmd")), *key;
	json_t *v;

	if (!name) {
		snprintf(err, cap, "want an object with \"cmd\"");
		return false;
	}
	json_object_foreach(root, key, v) {
		if (strcmp(key, "cmd") != 0 && strcmp(key, "args") != 0) {
			snprintf(err, cap, "unknown key \"%.40s\": want \"cmd\" and \"args\"", key);
			return false;
		}
	}
	r->cmd = cmd_find(name);
	if (!r->cmd) {
		snprintf(err, cap, "unknown command \"%.40s\"", name);
		return false;
	}
	return control_args_parse(r, json_object_get(root, "args"), err, cap);
}

bool
control_cmd_parse(struct control_req *r, const char *line, size_t len, char *err, size_t cap)
{
	json_error_t je;
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je);
	bool ok = root != NULL;

	if (!ok)
		snprintf(err, cap, "not JSON: %s at column %d", je.text, je.column);
	else
		ok = request_parse(r, root, err, cap);
	json_decref(root);
	return ok;
}

bool
control_cmd_start(struct control_req *r, const char *line, size_t len, bool may_change, char *err,
    size_t cap, enum control_exit *ret_exit)
{
	bool ok = control_cmd_parse(r, line, len, err, cap);

	*ret_exit = CONTROL_USAGE;
	if (ok && r->cmd->changes && !may_change) {
		*ret_exit = CONTROL_DOWN;
		snprintf(err, cap, "%s is for root, the agent's own user and members of group %s",
		    r->cmd->name, CONTROL_ADMIN_GROUP);
		ok = false;
	}
	if (!ok)
		return false;
	if (r->cmd->changes)
		events_addf(r->a->events, IPC_LVL_NOTICE, "operator-command",
		    "command=%s uid=%u%s%s", r->cmd->name, (unsigned)r->uid,
		    r->args.peer_name[0] ? " name=" : "", r->args.peer_name);
	r->cmd->start(r);
	return true;
}

void
control_cmd_free(struct control_req *r)
{
	mem_free(r->st.seen);
	mem_free(r->st.service);
	mem_free(r->st.sessions);
	if (r->st.mrt)
		mrt_drop(r->a->mrts, r->st.mrt);
	r->st.mrt = 0;
	if (r->st.drain)
		drains_unwatch(r->st.drain);
	r->st.drain = NULL;
	if (r->st.have_doc)
		out_free(&r->st.doc);
}
