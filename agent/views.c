/*
 * JSON rows of peers, paths, kernel routes, next hops and events.  The status
 * is in views_status.c.
 */
#include "agent/views.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/drains.h"
#include "agent/kube/pools.h"
#include "agent/nat.h"
#include "agent/tcp.h"

/* ---- texts --------------------------------------------------------------- */

/* NULL, which JSON shows as null, for an empty text. */
static const char *
or_null(const char *s)
{
	return s && *s ? s : NULL;
}

static uint64_t
to_s(uint64_t us)
{
	return us / 1000000;
}

static void
out_age(struct out *o, const char *key, bool known, uint64_t us)
{
	if (known)
		out_u64(o, key, to_s(us));
	else
		out_null(o, key);
}

/* A BGP Identifier or cluster id: host order, shown like an IPv4 address; 0 is unknown. */
static void
out_id(struct out *o, const char *key, uint32_t id)
{
	char buf[IP_ADDR_STRLEN];
	struct ip_addr a = ip_addr_from_v4(id);

	out_str(o, key, id ? ip_addr_str(&a, buf) : NULL);
}

static const char *
if_name(const struct agent *a, uint32_t ifindex, char *buf, size_t cap)
{
	const struct kern_link *l = ifindex && a->fib ? fib_link(a->fib, ifindex) : NULL;

	if (l)
		snprintf(buf, cap, "%s", l->name);
	else
		snprintf(buf, cap, "if%u", ifindex);
	return buf;
}

char *
view_addr(const struct agent *a, const struct ip_addr *addr, char *buf)
{
	struct ip_addr plain = *addr;
	char ifname[24];
	size_t n;

	plain.ifindex = 0;
	ip_addr_str(&plain, buf);
	n = strlen(buf);
	if (addr->ifindex)
		snprintf(buf + n, VIEW_ADDR_STRLEN - n, "%%%s",
		    if_name(a, addr->ifindex, ifname, sizeof(ifname)));
	return buf;
}

static void
out_addr(struct out *o, const char *key, const struct agent *a, const struct ip_addr *addr)
{
	char buf[VIEW_ADDR_STRLEN];

	out_str(o, key, addr->af ? view_addr(a, addr, buf) : NULL);
}

static void
out_prefix(struct out *o, const struct ip_prefix *p)
{
	char buf[IP_PREFIX_STRLEN];

	out_str(o, "prefix", ip_prefix_str(p, buf));
	out_str(o, "family", ip_af_str(p->af));
}

/* A list of texts out of one text with spaces between. */
static void
out_words(struct out *o, const char *key, const char *text)
{
	size_t n;

	out_open_array(o, key);
	for (; *text; text += n) {
		text += strspn(text, " ");
		n = strcspn(text, " ");
		if (n)
			out_strn(o, NULL, text, n);
	}
	out_close(o);
}

const char *
view_bgpd_problem(const struct agent *a, char *buf, size_t cap)
{
	if (a->bgpd_child.running && !a->bgpd_child.silent)
		return NULL;
	if (a->bgpd_child.running)
		snprintf(buf, cap, "weft-bgpd (pid %d) does not answer: it hangs, or is stopped",
		    (int)a->bgpd_child.pid);
	else if (a->bgpd_child.restarts)
		snprintf(buf, cap, "weft-bgpd is not running (started again %u times so far)",
		    a->bgpd_child.restarts);
	else
		snprintf(buf, cap, "weft-bgpd is not running");
	return buf;
}

/* ---- peers --------------------------------------------------------------- */

bool
view_peer_is_down(const struct agent_peer *p, const struct ipc_row_peer *r)
{
	if ((p->conf && !p->conf->enabled) || p->drain != IPC_DRAIN_NONE)
		return false;
	return p->problem[0] || !r || r->state != IPC_ESTABLISHED;
}

void
view_drain(struct out *o, const char *key, const struct drain *d, bool node)
{
	struct mono_us now = agent_now();
	char text[128];

	if (!d) {
		out_null(o, key);
		return;
	}
	out_open(o, key);
	out_str(o, "state", drain_is_under_way(d) ? "draining" : "drained");
	out_str(o, "of", node ? "node" : "peer");
	out_str(o, "step", drain_step_name(d->step));
	out_str(o, "text", drains_text(d, text, sizeof(text)));
	out_str(o, "reason", or_null(d->reason));
	out_str(o, "by", d->by_cluster ? "cluster" : "operator");
	out_u64(o, "since_s", to_s(mono_diff_us(now, d->since)));
	out_age(o, "left_s", d->step == DRAIN_SETTLE, mono_diff_us(d->until, now) + 999999);
	out_close(o);
}

static void
peer_messages(struct out *o, const char *key, const uint64_t n[6])
{
	static const char *const name[6] = { "total", "open", "update", "notification", "keepalive",
		"route_refresh" };

	out_open(o, key);
	for (size_t i = 0; i < 6; i++)
		out_u64(o, name[i], n[i]);
	out_close(o);
}

static void
out_opt_u64(struct out *o, const char *key, bool there, uint64_t v)
{
	if (there)
		out_u64(o, key, v);
	else
		out_null(o, key);
}

static void
peer_family(struct out *o, const char *key, bool configured, uint32_t limit,
    const struct ipc_peer_family *f)
{
	out_open(o, key);
	out_bool(o, "configured", configured);
	out_bool(o, "negotiated", f->negotiated);
	out_u64(o, "received", f->received);
	out_u64(o, "accepted", f->accepted);
	out_u64(o, "rejected", f->rejected);
	out_u64(o, "stale", f->stale);
	out_u64(o, "stale_left_s", f->stale_left_s);
	out_opt_u64(o, "stale_of_s", f->long_lived, f->stale_of_s);
	out_u64(o, "best", f->best);
	out_u64(o, "advertised", f->advertised);
	out_bool(o, "eor_received", f->eor_received);
	out_bool(o, "eor_sent", f->eor_sent);
	out_bool(o, "gr_forwarding", f->gr_forwarding);
	out_bool(o, "llgr_forwarding", f->llgr_forwarding);
	out_opt_u64(o, "llgr_offered_s", f->llgr_offered_s != 0, f->llgr_offered_s);
	out_opt_u64(o, "llgr_peer_s", f->llgr_peer_s != 0, f->llgr_peer_s);
	out_bool(o, "add_path_receive", f->negotiated && f->addpath_rx);
	out_bool(o, "add_path_send", f->negotiated && f->addpath_tx);
	out_opt_u64(o, "max_prefixes", limit != 0, limit);
	out_close(o);
}

static void
peer_families(struct out *o, const struct agent_peer *p, const struct ipc_row_peer *r, uint8_t af)
{
	out_open(o, "families");
	for (uint8_t f = IP4; f <= IP6; f++) {
		if (af && af != f)
			continue;
		peer_family(o, ip_af_str(f), p->conf && (p->conf->families & CONF_FAMILY(f)),
		    p->conf ? p->conf->max[f - 1].limit : 0, &r->fam[f - 1]);
	}
	out_close(o);
}

/* What the two OPEN messages agreed on. */
static void
peer_negotiated(struct out *o, const struct ipc_row_peer *r)
{
	bool open = r->state >= IPC_OPENCONFIRM;

	out_open(o, "capabilities");
	out_bool(o, "as4", open && r->as4);
	out_bool(o, "route_refresh", open && r->refresh);
	out_bool(o, "enhanced_route_refresh", open && r->enhanced_refresh);
	out_bool(o, "extended_message", open && r->ext_msg);
	out_bool(o, "extended_next_hop", open && r->ext_next_hop);
	out_bool(o, "graceful_restart", open && r->gr);
	out_bool(o, "long_lived_graceful_restart", open && r->llgr);
	out_close(o);

	out_open(o, "gr");
	out_bool(o, "enabled", r->gr);
	out_u64(o, "peer_time_s", r->gr_peer_time_s);
	out_bool(o, "peer_restarting", r->peer_restarting);
	out_bool(o, "notification", r->gr_notification);
	out_bool(o, "long_lived", r->llgr);
	out_u64(o, "stale_left_s", r->stale_left_s);
	out_close(o);

	if (open) {
		out_u64(o, "hold_s", r->hold_s);
		out_u64(o, "keepalive_s", r->keepalive_s);
		out_age(o, "hold_left_s", r->hold_s != 0, r->hold_left_us);
	} else {
		out_null(o, "hold_s");
		out_null(o, "keepalive_s");
		out_null(o, "hold_left_s");
	}
}

static void
peer_connection(struct out *o, const struct agent *a, const struct ipc_row_peer *row)
{
	static const struct ipc_row_peer none;
	const struct ipc_row_peer *r = row->state >= IPC_OPENCONFIRM ? row : &none;

	out_addr(o, "local_address", a, &r->ep.local);
	if (r->ep.local_port)
		out_u64(o, "local_port", r->ep.local_port);
	else
		out_null(o, "local_port");
	if (r->ep.remote_port)
		out_u64(o, "remote_port", r->ep.remote_port);
	else
		out_null(o, "remote_port");
}

/* bgpd's reason, and what only the agent's side knows. */
static const char *
down_reason(const struct agent *a, const struct agent_peer *p, const struct ipc_row_peer *r,
    char *buf, size_t cap)
{
	const char *why = r->reason[0] ? r->reason : "no reason is known";
	char hint[256] = "";

	if (a->tcp && p->conf && p->conf->enabled)
		tcp_hint(a->tcp, p->id, (enum ipc_fsm_state)r->state, r->established_count != 0, hint,
		    sizeof(hint));
	if (!hint[0])
		return why;
	snprintf(buf, cap, "%s; %s", why, hint);
	return buf;
}

static const char *
peer_reason(const struct agent *a, const struct agent_peer *p, const struct ipc_row_peer *r,
    char *buf, size_t cap)
{
	const char *why;

	if (p->problem[0])
		return p->problem;
	if (r)
		return r->state == IPC_ESTABLISHED ? NULL : down_reason(a, p, r, buf, cap);
	if (p->conf && !p->conf->enabled)
		return "disabled in the configuration";
	why = view_bgpd_problem(a, buf, cap);
	return why ? why : "not yet handed to weft-bgpd";
}

void
view_peer(struct out *o, const struct agent *a, const struct agent_peer *p,
    const struct ipc_row_peer *r, uint8_t af)
{
	static const struct ipc_row_peer none = { .state = IPC_IDLE,
		.last_error_age_us = UINT64_MAX };
	const struct conf_peer *c = p->conf;
	const struct ipc_row_peer *v = r ? r : &none;
	bool up = v->state == IPC_ESTABLISHED, internal, confed, node = false;
	const struct drain *d;
	uint32_t asn = v->remote_asn;
	char why[2 * IPC_TEXT_MAX];

	internal = r ? r->internal : c && a->conf && conf_peer_is_ibgp(a->conf, c);
	confed = r && up ? r->confed : c && a->conf && conf_peer_is_confed(a->conf, c);
	if (!asn && c)
		asn = c->remote_as.asn;
	out_str(o, "name", c ? c->name : "?");
	out_addr(o, "address", a, &p->addr);
	out_str(o, "description", c ? or_null(c->description) : NULL);
	out_u64(o, "as", asn);
	out_u64(o, "local_as", v->local_asn ? v->local_asn :
	    c && a->conf ? conf_peer_local_as(a->conf, c) : 0);
	out_str(o, "type", internal ? "ibgp" : confed ? "confed" : "ebgp");
	out_str(o, "role", or_null(ipc_role_name((enum ipc_role)v->role)));
	out_str(o, "peer_role", or_null(ipc_role_name((enum ipc_role)v->peer_role)));
	out_bool(o, "enabled", !c || c->enabled);
	out_bool(o, "passive", c && c->passive);
	out_str(o, "state", ipc_fsm_state_name((enum ipc_fsm_state)v->state));
	out_str(o, "reason", peer_reason(a, p, r, why, sizeof(why)));
	d = c ? drains_of_peer(a->drains, p, &node) : NULL;
	view_drain(o, "drain", d, node);
	out_age(o, "uptime_s", up, v->state_age_us);
	out_age(o, "state_s", r != NULL, v->state_age_us);
	out_str(o, "last_error", or_null(v->last_error));
	out_age(o, "last_error_s", v->last_error_age_us != UINT64_MAX, v->last_error_age_us);
	out_id(o, "router_id", v->remote_id);
	peer_connection(o, a, v);
	out_u64(o, "flaps", v->flaps);
	out_u64(o, "established_count", v->established_count);
	out_u64(o, "connect_retries", v->connect_retries);
	out_u64(o, "errors_treated_as_withdraw", v->updates_in_withdraw_errs);
	out_u64(o, "route_leaks", v->leaks);
	peer_negotiated(o, v);
	view_peer_bfd(o, a, p->id);
	out_open(o, "messages");
	peer_messages(o, "in", v->msgs_in);
	peer_messages(o, "out", v->msgs_out);
	out_close(o);
	peer_families(o, p, v, af);
}

/* ---- paths --------------------------------------------------------------- */

static const char *
peer_name(const struct agent *a, uint32_t id, char *buf, size_t cap)
{
	const struct agent_peer *p = agent_peer_by_id(a, id);

	if (p && p->conf)
		snprintf(buf, cap, "%s", p->conf->name);
	else
		snprintf(buf, cap, "peer-%u", id);
	return buf;
}

/* Where a path came from, or in an Adj-RIB-Out goes to. */
static void
path_source(struct out *o, const struct agent *a, const struct ipc_row_path *r)
{
	char name[IPC_NAME_MAX + 16];
	bool local = r->flags & IPC_PATH_LOCAL, out = r->flags & IPC_PATH_ADVERTISED;

	if (r->peer != IPC_PEER_NONE)
		peer_name(a, r->peer, name, sizeof(name));
	out_str(o, "peer", r->peer != IPC_PEER_NONE ? name : NULL);
	out_str(o, "from", local ? "local" : out || r->peer == IPC_PEER_NONE ? NULL : name);
	out_str(o, "type", local ? "local" : r->flags & IPC_PATH_INTERNAL ? "ibgp" :
	    r->flags & IPC_PATH_CONFED ? "confed" : "ebgp");
}

/* The interface towards a next hop, as far as one can be named. */
static void
path_dev(struct out *o, const struct agent *a, const struct ipc_row_path *r,
    const struct fib_view *v)
{
	uint32_t ifindex = r->next_hop.ifindex ? r->next_hop.ifindex : r->next_hop_ll.ifindex;
	const struct kern_route *route;
	char buf[24];

	if (r->flags & (IPC_PATH_LOCAL | IPC_PATH_ADVERTISED)) {
		out_null(o, "dev");
		return;
	}
	if (!ifindex && r->next_hop.af && a->fib)
		ifindex = fib_onlink_ifindex(a->fib, &r->next_hop);
	if (!ifindex && v && (r->flags & IPC_PATH_BEST)) {
		route = v->in_kernel ? &v->have : &v->want;
		if ((v->in_kernel || v->wanted) && route->nlegs == 1)
			ifindex = route->leg[0].ifindex;
	}
	out_str(o, "dev", ifindex ? if_name(a, ifindex, buf, sizeof(buf)) : NULL);
}

static void
path_attrs(struct out *o, const struct ipc_row_path *r)
{
	static const char *const origin[] = { "igp", "egp", "incomplete" };
	char agg[40], id[IP_ADDR_STRLEN];
	struct ip_addr ida = ip_addr_from_v4(r->aggregator_id);

	out_opt_u64(o, "local_pref", r->has_local_pref, r->local_pref);
	out_opt_u64(o, "med", r->has_med, r->med);
	out_u64(o, "weight", r->weight);
	out_str(o, "origin", r->origin < 3 ? origin[r->origin] : NULL);
	out_str(o, "as_path", r->as_path);
	out_words(o, "communities", r->communities);
	out_words(o, "large_communities", r->large_communities);
	out_words(o, "ext_communities", r->ext_communities);
	out_bool(o, "atomic_aggregate", r->atomic_aggregate);
	snprintf(agg, sizeof(agg), "%u %s", r->aggregator_asn, ip_addr_str(&ida, id));
	out_str(o, "aggregator", r->aggregator_asn ? agg : NULL);
	out_id(o, "originator_id", r->originator_id);
	out_words(o, "cluster_list", r->cluster_list);
	out_opt_u64(o, "only_to_customer", r->otc != 0, r->otc);
	out_str(o, "unknown_attributes", or_null(r->unknown));
	out_opt_u64(o, "path_id", r->path_id != 0, r->path_id);
	out_id(o, "router_id", r->remote_id);
	out_u64(o, "igp_metric", r->igp_metric);
}

static void
path_flags(struct out *o, const struct ipc_row_path *r)
{
	bool stale = r->flags & IPC_PATH_STALE;

	out_bool(o, "valid", r->flags & IPC_PATH_VALID);
	out_bool(o, "best", r->flags & IPC_PATH_BEST);
	out_bool(o, "multipath", r->flags & IPC_PATH_MULTIPATH);
	out_bool(o, "stale", stale);
	out_opt_u64(o, "stale_left_s", stale, r->stale_left_s);
	out_opt_u64(o, "stale_of_s", r->stale_of_s != 0, r->stale_of_s);
	out_bool(o, "long_lived_stale", r->flags & IPC_PATH_LLGR);
	out_bool(o, "rejected", r->flags & IPC_PATH_REJECTED);
	out_str(o, "reject_reason", or_null(r->rejected));
	out_str(o, "policy", or_null(r->policy));
	out_str(o, "decision", or_null(r->decision));
	out_str(o, "next_hop_reason", or_null(r->nh_why));
}

/* What bgpd was told last, for a prefix that the agent holds no entry for. */
static void
path_verdict(struct out *o, const struct ipc_row_path *r)
{
	const char *why = NULL;

	if (r->fib_state == IPC_V_REFUSED && r->fib_code < IPC_NREFUSALS)
		why = ipc_refusal_text((enum ipc_refusal)r->fib_code);
	else if (r->fib_state == IPC_V_FAILED)
		why = strerror(r->fib_code);
	out_str(o, "state", ipc_verdict_name((enum ipc_verdict_state)r->fib_state));
	out_str(o, "reason", why);
	out_null(o, "route");
}

static void
path_fib(struct out *o, const struct agent *a, const struct ipc_row_path *r,
    const struct fib_view *v)
{
	char text[VIEW_ROUTE_STRLEN];

	if (!(r->flags & (IPC_PATH_BEST | IPC_PATH_MULTIPATH)) ||
	    (r->flags & IPC_PATH_ADVERTISED) || (a->conf && !a->conf->kernel.install) ||
	    (!v && (r->flags & IPC_PATH_LOCAL))) { /* announced without a route of ours */
		out_null(o, "fib");
		return;
	}
	out_open(o, "fib");
	if (v) {
		out_str(o, "state", view_fib_state(v->state));
		out_str(o, "reason", or_null(v->reason));
		out_str(o, "route", v->in_kernel ?
		    view_kern_route(a, &v->have, text, sizeof(text)) : NULL);
	} else {
		path_verdict(o, r);
	}
	out_close(o);
}

void
view_path(struct out *o, const struct agent *a, const struct ipc_row_path *r)
{
	struct fib_view v;
	bool have_fib = a->fib && fib_view_lookup(a->fib, &r->prefix, false, &v);

	out_prefix(o, &r->prefix);
	path_source(o, a, r);
	out_addr(o, "next_hop", a, &r->next_hop);
	out_addr(o, "next_hop_link_local", a, &r->next_hop_ll);
	path_dev(o, a, r, have_fib ? &v : NULL);
	path_attrs(o, r);
	out_u64(o, "age_s", to_s(r->age_us));
	path_flags(o, r);
	path_fib(o, a, r, have_fib ? &v : NULL);
}

void
view_advertised_to(struct out *o, const struct agent *a, const struct ipc_row_path *r)
{
	char name[IPC_NAME_MAX + 16];

	out_str(o, "peer", peer_name(a, r->peer, name, sizeof(name)));
	out_addr(o, "next_hop", a, &r->next_hop);
	out_str(o, "as_path", r->as_path);
	out_words(o, "communities", r->communities);
	out_str(o, "policy", or_null(r->policy));
	out_str(o, "withheld", or_null(r->rejected));
}

/* ---- kernel routes and next hops ------------------------------------------ */

const char *
view_fib_state(enum fib_state s)
{
	switch (s) {
	case FIB_ST_PENDING:
		return "pending";
	case FIB_ST_INSTALLED:
		return "installed";
	case FIB_ST_REFUSED:
		return "refused";
	case FIB_ST_FAILED:
		return "failed";
	case FIB_ST_FOREIGN:
		return "foreign";
	case FIB_ST_HELD:
		return "held";
	case FIB_ST_STALE:
		return "stale";
	case FIB_ST_REMOVING:
		return "removing";
	}
	return "unknown";
}

/* A text that grows in a fixed buffer and is cut where it does not fit. */
struct text {
	char *buf;
	size_t len, cap;
};

static void text_addf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->cap - t->len ? (size_t)n : t->cap - t->len - 1;
}

static void
text_leg(struct text *t, const struct agent *a, const struct kern_leg *leg, uint8_t route_af)
{
	struct ip_addr gw = leg->gw;
	char buf[IP_ADDR_STRLEN], ifname[24];

	gw.ifindex = 0;
	if (gw.af)
		text_addf(t, "via %s%s ", gw.af != route_af ? "inet6 " : "", ip_addr_str(&gw, buf));
	text_addf(t, "dev %s ", if_name(a, leg->ifindex, ifname, sizeof(ifname)));
	if (leg->onlink)
		text_addf(t, "onlink ");
	if (leg->dead)
		text_addf(t, "dead ");
}

static void
text_legs(struct text *t, const struct agent *a, const struct kern_route *r)
{
	for (uint16_t i = 0; i < r->nlegs && i < IPC_MEMBERS_MAX; i++) {
		text_addf(t, " nexthop ");
		text_leg(t, a, &r->leg[i], r->prefix.af);
		text_addf(t, "weight %u", r->leg[i].weight);
	}
}

static const char *
kern_type_name(enum kern_type type)
{
	switch (type) {
	case KERN_UNICAST:
		return "unicast";
	case KERN_BLACKHOLE:
		return "blackhole";
	case KERN_UNREACHABLE:
		return "unreachable";
	case KERN_PROHIBIT:
		return "prohibit";
	case KERN_LOCAL:
		return "local";
	case KERN_OTHER:
		break;
	}
	return "other";
}

char *
view_kern_route(const struct agent *a, const struct kern_route *r, char *buf, size_t cap)
{
	struct text t = { .buf = buf, .cap = cap };
	char src[IP_ADDR_STRLEN];

	buf[0] = '\0';
	if (r->type != KERN_UNICAST)
		text_addf(&t, "%s ", kern_type_name(r->type));
	else if (r->nlegs == 1)
		text_leg(&t, a, &r->leg[0], r->prefix.af);
	else if (!r->nlegs)
		text_addf(&t, "nhid %u ", r->nhid);
	if (r->table != CONF_TABLE_MAIN && r->table)
		text_addf(&t, "table %u ", r->table);
	if (r->prefsrc.af)
		text_addf(&t, "src %s ", ip_addr_str(&r->prefsrc, src));
	if (r->metric)
		text_addf(&t, "metric %u ", r->metric);
	text_addf(&t, "proto %u", r->protocol);
	if (r->type == KERN_UNICAST && r->nlegs > 1)
		text_legs(&t, a, r);
	return buf;
}

/* While the mass-withdraw guard holds it. */
static uint64_t
held_left_s(const struct fib_view *v)
{
	return (mono_diff_us(v->held_until, agent_now()) + 999999) / 1000000;
}

void
view_fib(struct out *o, const struct agent *a, const struct fib_view *v)
{
	char text[VIEW_ROUTE_STRLEN];

	out_prefix(o, &v->prefix);
	out_str(o, "kind", v->kind);
	out_str(o, "state", view_fib_state(v->state));
	if (v->held_until.us != 0)
		out_fmt(o, "reason", "%s for %llu s more", v->reason,
		    (unsigned long long)held_left_s(v));
	else
		out_str(o, "reason", or_null(v->reason));
	out_bool(o, "in_kernel", v->in_kernel);
	out_bool(o, "differs", v->differs);
	out_str(o, "want", v->wanted ? view_kern_route(a, &v->want, text, sizeof(text)) : NULL);
	out_str(o, "have", v->in_kernel ? view_kern_route(a, &v->have, text, sizeof(text)) : NULL);
	out_opt_u64(o, "set", v->set != 0, v->set);
	out_opt_u64(o, "nhid", v->nhid != 0, v->nhid);
	out_u64(o, "repairs", v->repairs);
	out_opt_u64(o, "held_left_s", v->held_until.us != 0, held_left_s(v));
}

void
view_nexthop(struct out *o, const struct agent *a, const struct fib_nh_view *v)
{
	out_addr(o, "next_hop", a, &v->nh);
	out_bool(o, "resolved", v->resolved);
	out_bool(o, "onlink", v->onlink);
	out_bool(o, "watched", v->watched);
	out_opt_u64(o, "metric", v->resolved, v->metric);
	out_u64(o, "routes", v->users);
	out_str(o, "via", or_null(v->via));
	out_str(o, "reason", or_null(v->why));
}

/* ---- BMP ------------------------------------------------------------------- */

static void
bmp_tables(struct out *o, uint32_t monitor)
{
	static const char *const names[] = { "adj-rib-in-pre", "adj-rib-in-post",
		"adj-rib-out-post", "loc-rib" };

	out_open_array(o, "monitor");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (monitor >> i & 1)
			out_str(o, NULL, names[i]);
	out_close(o);
}

void
view_bmp(struct out *o, const struct agent *a, const struct conf_bmp *c,
    const struct ipc_row_bmp *r)
{
	char why[IPC_TEXT_MAX] = "";

	out_str(o, "collector", c->name);
	out_addr(o, "address", a, &c->addr);
	out_u64(o, "port", c->port);
	out_str(o, "state", r ? ipc_bmp_state_name((enum ipc_bmp_state)r->state) : "unknown");
	out_bool(o, "connected", r && r->state >= IPC_BMP_DUMPING);
	out_opt_u64(o, "since_s", r, r ? r->state_age_us / 1000000 : 0);
	if (!r && !view_bgpd_problem(a, why, sizeof(why)))
		snprintf(why, sizeof(why), "weft-bgpd does not know it yet");
	out_str(o, "reason", or_null(r ? r->reason : why));
	bmp_tables(o, c->monitor);
	out_opt_u64(o, "peers", r, r ? r->peers : 0);
	out_opt_u64(o, "messages", r, r ? r->messages : 0);
	out_opt_u64(o, "octets", r, r ? r->octets : 0);
	out_opt_u64(o, "dropped", r, r ? r->dropped : 0);
	out_opt_u64(o, "queued_octets", r, r ? r->queued_octets : 0);
	out_opt_u64(o, "connects", r, r ? r->connects : 0);
	out_opt_u64(o, "overflows", r, r ? r->overflows : 0);
}

/* ---- events -------------------------------------------------------------- */

static void
pool_counts(struct out *o, const struct pools_view *p)
{
	static const char *const keys[3][2] = { { "ipv4", "ipv6" }, { "used_ipv4", "used_ipv6" },
		{ "free_ipv4", "free_ipv6" } };

	for (unsigned f = 0; f < 2; f++) {
		uint64_t size = p->size[f] > INT64_MAX ? INT64_MAX : p->size[f]; /* JSON has no more */

		out_u64(o, keys[0][f], size);
		out_u64(o, keys[1][f], p->used[f]);
		out_u64(o, keys[2][f], size - p->used[f]);
	}
	out_u64(o, "services", p->services);
	out_u64(o, "conflicts", p->conflicts);
}

void
view_pool(struct out *o, const struct kube_pools_view *v, const struct conf_pool *c,
    const struct pools_view *p)
{
	char buf[IP_RANGE_STRLEN];

	out_str(o, "pool", c->name);
	out_open_array(o, "addresses");
	for (size_t i = 0; i < c->addresses.n; i++)
		out_str(o, NULL, ip_range_str(&c->addresses.v[i], buf));
	out_close(o);
	out_str(o, "holder", v->holder[0] ? v->holder : NULL);
	out_bool(o, "leads", v->leads);
	if (p)
		pool_counts(o, p);
	else
		out_null(o, "services");
}

void
view_pool_service(struct out *o, const struct pools_service_view *s)
{
	char buf[IP_ADDR_STRLEN];

	out_str(o, "service", s->key);
	out_str(o, "pool", s->pool);
	out_open_array(o, "addresses");
	for (size_t i = 0; i < s->n; i++)
		out_str(o, NULL, ip_addr_str(&s->addr[i], buf));
	out_close(o);
	out_str(o, "state", pools_why_word(s->why));
	out_str(o, "why", s->text[0] ? s->text : NULL);
}

static void
nat_ranges(struct out *o, const char *key, const struct nat_sets *s, enum nat_set set, uint8_t af)
{
	char buf[NAT_RANGE_STRLEN];

	out_open_array(o, key);
	for (size_t i = 0; i < s->n[set][af - 1]; i++)
		out_str(o, NULL, nat_range_str(&s->v[set][af - 1][i], buf));
	out_close(o);
}

void
view_nat(struct out *o, uint8_t af, const struct nat_view *v)
{
	out_str(o, "family", ip_af_str(af));
	out_str(o, "state", v->state_name);
	out_str(o, "why", v->why[0] ? v->why : NULL);
	out_u64(o, "repairs", v->repairs);
	out_u64(o, "flows", v->flows[af - 1]);
	out_u64(o, "octets", v->octets[af - 1]);
	nat_ranges(o, "pods", v->sets, NAT_PODS, af);
	nat_ranges(o, "not_translated", v->sets, NAT_INSIDE, af);
}

void
view_event(struct out *o, const struct event_row *row)
{
	time_t sec = (time_t)(row->wall_us / 1000000);
	struct tm tm;
	char stamp[40];

	gmtime_r(&sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	out_u64(o, "seq", row->seq);
	out_fmt(o, "time", "%s.%03dZ", stamp, (int)(row->wall_us % 1000000 / 1000));
	out_str(o, "level", log_level_str((enum log_level)row->level));
	out_str(o, "who", or_null(row->who));
	out_str(o, "peer", or_null(row->peer_name));
	out_str(o, "event", row->name);
	out_str(o, "text", or_null(row->text));
}
