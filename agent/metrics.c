/*
 * Prometheus text.  One table names every metric with its type, its help and the
 * function that writes its samples; a metric is added as a row.
 *
 * Only numbers and names are kept of a peer's row, so that a scrape of a reflector
 * with a thousand peers needs some hundred kilobytes for a moment.
 */
#include "config.h"

#include "agent/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/conflict.h"
#include "agent/cni.h"
#include "agent/drains.h"
#include "agent/events.h"
#include "agent/routed.h"
#include "agent/bfd.h"
#include "agent/kube/kview.h"
#include "agent/kube/services.h"
#include "lib/mem.h"

struct metrics_peer {
	uint32_t id, asn, flaps;
	char name[IPC_NAME_MAX];
	char address[IP_ADDR_STRLEN];
	uint8_t state; /* enum ipc_fsm_state */
	uint8_t drain; /* enum ipc_drain */
	uint64_t uptime_s, retries, errors;
	uint64_t msgs_in[6], msgs_out[6];
	struct ipc_peer_family fam[2];
};

struct metrics_bmp {
	char name[IPC_NAME_MAX];
	struct ipc_row_bmp row;
};

struct metrics {
	const struct agent *a;
	struct metrics_peer *peer;
	size_t npeers, cap;
	struct metrics_bmp *bmp;
	size_t nbmp;
	struct ipc_row_stats stats;
	bool have_stats;
	struct fib_stats fib;
};

/* ---- collecting ----------------------------------------------------------- */

struct metrics *
metrics_new(const struct agent *a)
{
	struct metrics *m = mem_zalloc(sizeof(*m));

	m->a = a;
	if (a->fib)
		fib_stats(a->fib, &m->fib);
	return m;
}

void
metrics_free(struct metrics *m)
{
	if (!m)
		return;
	mem_free(m->peer);
	mem_free(m->bmp);
	mem_free(m);
}

bool
metrics_has_peer(const struct metrics *m, uint32_t id)
{
	for (size_t i = 0; i < m->npeers; i++)
		if (m->peer[i].id == id)
			return true;
	return false;
}

void
metrics_add_peer(struct metrics *m, const struct agent_peer *p, const struct ipc_row_peer *r)
{
	struct metrics_peer *mp;
	struct ip_addr addr = p->addr;

	if (m->npeers == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 16;
		m->peer = mem_realloc_array(m->peer, m->cap, sizeof(*m->peer));
	}
	mp = &m->peer[m->npeers++];
	*mp = (struct metrics_peer){ .id = p->id, .state = IPC_IDLE, .drain = p->drain };
	addr.ifindex = 0;
	ip_addr_str(&addr, mp->address);
	snprintf(mp->name, sizeof(mp->name), "%s", p->conf ? p->conf->name : "?");
	mp->asn = p->conf ? p->conf->remote_as.asn : 0;
	if (!r)
		return;
	if (r->remote_asn)
		mp->asn = r->remote_asn;
	mp->state = r->state;
	mp->flaps = r->flaps;
	mp->retries = r->connect_retries;
	mp->errors = r->updates_in_withdraw_errs;
	mp->uptime_s = r->state == IPC_ESTABLISHED ? r->state_age_us / 1000000 : 0;
	memcpy(mp->msgs_in, r->msgs_in, sizeof(mp->msgs_in));
	memcpy(mp->msgs_out, r->msgs_out, sizeof(mp->msgs_out));
	memcpy(mp->fam, r->fam, sizeof(mp->fam));
}

bool
metrics_has_bmp(const struct metrics *m, const char *name)
{
	for (size_t i = 0; i < m->nbmp; i++)
		if (strcmp(m->bmp[i].name, name) == 0)
			return true;
	return false;
}

void
metrics_add_bmp(struct metrics *m, const struct conf_bmp *c, const struct ipc_row_bmp *r)
{
	struct metrics_bmp *b;

	m->bmp = mem_realloc_array(m->bmp, m->nbmp + 1, sizeof(*m->bmp)); /* there are few */
	b = &m->bmp[m->nbmp++];
	snprintf(b->name, sizeof(b->name), "%s", c->name);
	b->row = *r;
}

void
metrics_add_stats(struct metrics *m, const struct ipc_row_stats *stats)
{
	m->stats = *stats;
	m->have_stats = true;
}

/* ---- writing --------------------------------------------------------------- */

/* A label's value: backslash, quote and newline escaped, other control characters replaced. */
static void
put_label(FILE *f, const char *key, const char *value, bool first)
{
	fprintf(f, "%s%s=\"", first ? "{" : ",", key);
	for (const char *p = value; *p; p++) {
		if (*p == '\\' || *p == '"')
			fprintf(f, "\\%c", *p);
		else if (*p == '\n')
			fputs("\\n", f);
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			fputc('?', f);
		else
			fputc(*p, f);
	}
	fputc('"', f);
}

static void
put_value(FILE *f, uint64_t v)
{
	fprintf(f, " %" PRIu64 "\n", v);
}

static void
put_plain(FILE *f, const char *name, uint64_t v)
{
	fputs(name, f);
	put_value(f, v);
}

/* One sample with one label. */
static void
put_one(FILE *f, const char *name, const char *key, const char *value, uint64_t v)
{
	fputs(name, f);
	put_label(f, key, value, true);
	fputc('}', f);
	put_value(f, v);
}

static void
build_info(FILE *f, const char *name, const struct metrics *m)
{
	put_one(f, name, "version", PACKAGE_VERSION, 1);
}

static void
uptime(FILE *f, const char *name, const struct metrics *m)
{
	put_plain(f, name, mono_diff_us(agent_now(), m->a->started) / 1000000);
}

static void
peer_info(FILE *f, const char *name, const struct metrics *m)
{
	char asn[16];

	for (size_t i = 0; i < m->npeers; i++) {
		snprintf(asn, sizeof(asn), "%u", m->peer[i].asn);
		fputs(name, f);
		put_label(f, "peer", m->peer[i].name, true);
		put_label(f, "address", m->peer[i].address, false);
		put_label(f, "as", asn, false);
		fputc('}', f);
		put_value(f, 1);
	}
}

#define PEER_METRIC(func, expr)                                                                    \
	static void func(FILE *f, const char *name, const struct metrics *m)                       \
	{                                                                                          \
		for (const struct metrics_peer *p = m->peer; p < m->peer + m->npeers; p++)         \
			put_one(f, name, "peer", p->name, (expr));                                 \
	}

PEER_METRIC(peer_state, p->state + 1u)
PEER_METRIC(peer_up, p->state == IPC_ESTABLISHED)
PEER_METRIC(peer_uptime, p->uptime_s)
PEER_METRIC(peer_drain, p->drain == IPC_DRAIN_DOWN ? 2 : p->drain != IPC_DRAIN_NONE)
PEER_METRIC(peer_flaps, p->flaps)
PEER_METRIC(peer_retries, p->retries)
PEER_METRIC(peer_errors, p->errors)

static void
put_peer_family(FILE *f, const char *name, const char *peer, uint8_t af, uint64_t v)
{
	fputs(name, f);
	put_label(f, "peer", peer, true);
	put_label(f, "family", ip_af_str(af), false);
	fputc('}', f);
	put_value(f, v);
}

#define PEER_FAMILY_METRIC(func, field)                                                            \
	static void func(FILE *f, const char *name, const struct metrics *m)                       \
	{                                                                                          \
		for (const struct metrics_peer *p = m->peer; p < m->peer + m->npeers; p++)         \
			for (uint8_t af = IP4; af <= IP6; af++)                                    \
				put_peer_family(f, name, p->name, af, p->fam[af - 1].field);       \
	}

PEER_FAMILY_METRIC(routes_received, received)
PEER_FAMILY_METRIC(routes_accepted, accepted)
PEER_FAMILY_METRIC(routes_rejected, rejected)
PEER_FAMILY_METRIC(routes_stale, stale)
PEER_FAMILY_METRIC(routes_stale_left, stale_left_s)
PEER_FAMILY_METRIC(routes_best, best)
PEER_FAMILY_METRIC(routes_advertised, advertised)

static void
put_messages(FILE *f, const char *name, const struct metrics_peer *p, const char *direction,
    const uint64_t n[6])
{
	static const char *const type[6] = { NULL, "open", "update", "notification", "keepalive",
		"route_refresh" };

	for (size_t i = 1; i < 6; i++) {
		fputs(name, f);
		put_label(f, "peer", p->name, true);
		put_label(f, "direction", direction, false);
		put_label(f, "type", type[i], false);
		fputc('}', f);
		put_value(f, n[i]);
	}
}

static void
messages(FILE *f, const char *name, const struct metrics *m)
{
	for (const struct metrics_peer *p = m->peer; p < m->peer + m->npeers; p++) {
		put_messages(f, name, p, "in", p->msgs_in);
		put_messages(f, name, p, "out", p->msgs_out);
	}
}

#define BMP_METRIC(func, expr)                                                                     \
	static void func(FILE *f, const char *name, const struct metrics *m)                       \
	{                                                                                          \
		for (const struct metrics_bmp *b = m->bmp; b < m->bmp + m->nbmp; b++)              \
			put_one(f, name, "collector", b->name, (expr));                            \
	}

BMP_METRIC(bmp_up, b->row.state >= IPC_BMP_DUMPING)
BMP_METRIC(bmp_messages, b->row.messages)
BMP_METRIC(bmp_dropped, b->row.dropped)
BMP_METRIC(bmp_connects, b->row.connects)
BMP_METRIC(bmp_overflows, b->row.overflows)

/* Of what the agent knows of every session without asking. */
#define BFD_METRIC(func, expr)                                                                     \
	static void func(FILE *f, const char *name, const struct metrics *m)                       \
	{                                                                                          \
		struct bfd_view v;                                                                 \
		size_t pos = 0;                                                                    \
                                                                                                   \
		while (bfd_next(m->a->bfd, &pos, &v)) {                                            \
			const struct agent_peer *p = agent_peer_by_id(m->a, v.peer);               \
                                                                                                   \
			if (p && p->conf)                                                          \
				put_one(f, name, "peer", p->conf->name, (expr));                   \
		}                                                                                  \
	}

BFD_METRIC(bfd_up, v.known && v.state->state == IPC_BFD_UP)
BFD_METRIC(bfd_failures, v.failures)

#define RIB_METRIC(func, field)                                                                    \
	static void func(FILE *f, const char *name, const struct metrics *m)                       \
	{                                                                                          \
		for (uint8_t af = IP4; m->have_stats && af <= IP6; af++)                           \
			put_one(f, name, "family", ip_af_str(af), m->stats.field[af - 1]);         \
	}

RIB_METRIC(rib_destinations, destinations)
RIB_METRIC(rib_paths, paths)
RIB_METRIC(rib_best, best)

static void
deferring(FILE *f, const char *name, const struct metrics *m)
{
	put_plain(f, name, m->have_stats && m->stats.deferring);
}

static void
drains_total(FILE *f, const char *name, const struct metrics *m)
{
	put_plain(f, name, drains_begun(m->a->drains));
}

static void
converged(FILE *f, const char *name, const struct metrics *m)
{
	put_plain(f, name, routed_is_done(m->a->routed));
}

static void
converge_timed_out(FILE *f, const char *name, const struct metrics *m)
{
	put_plain(f, name, routed_state(m->a->routed)->timed_out);
}

static void
converge_ms(FILE *f, const char *name, const struct metrics *m)
{
	uint64_t us = converge_took_us(routed_state(m->a->routed), agent_now());

	put_plain(f, name, us / 1000);
}

/* A file that nobody wants has no metric. */
static void
cni_written(FILE *f, const char *name, const struct metrics *m)
{
	enum cni_state s = cni_view(m->a->cni).state;

	if (s != CNI_OFF)
		put_plain(f, name, s == CNI_WRITTEN);
}

/* 0: no; 1: under way; 2: drained. */
static void
node_drain(FILE *f, const char *name, const struct metrics *m)
{
	const struct drain *d = drains_find(m->a->drains, "");

	put_plain(f, name, !d ? 0 : drain_is_under_way(d) ? 1 : 2);
}

static void
put_fib_routes(FILE *f, const char *name, uint8_t af, const char *state, uint64_t v)
{
	fputs(name, f);
	put_label(f, "family", ip_af_str(af), true);
	put_label(f, "state", state, false);
	fputc('}', f);
	put_value(f, v);
}

static void
fib_routes(FILE *f, const char *name, const struct metrics *m)
{
	for (uint8_t af = IP4; af <= IP6; af++) {
		put_fib_routes(f, name, af, "wanted", m->fib.wanted[af - 1]);
		put_fib_routes(f, name, af, "installed", m->fib.installed[af - 1]);
	}
}

#define PLAIN_METRIC(func, expr)                                                                   \
	static void func(FILE *f, const char *name, const struct metrics *m)                       \
	{                                                                                          \
		put_plain(f, name, (expr));                                                        \
	}

PLAIN_METRIC(fib_refused, m->fib.refused)
PLAIN_METRIC(fib_failed, m->fib.failed)
PLAIN_METRIC(fib_foreign, m->fib.foreign)
PLAIN_METRIC(fib_held, m->fib.held)
PLAIN_METRIC(observe, agent_observes(m->a))
PLAIN_METRIC(fib_synced, m->fib.synced)
PLAIN_METRIC(fib_repairs, m->fib.repairs)
PLAIN_METRIC(fib_hold_routes, m->fib.hold_n)
PLAIN_METRIC(fib_holds, m->fib.holds)

static void
conflicts(FILE *f, const char *name, const struct metrics *m)
{
	const struct conflict *c = m->a->fib ? fib_conflict(m->a->fib) : NULL;

	for (int k = 0; c && k < CONFLICT_N; k++)
		put_one(f, name, "kind", conflict_name((enum conflict_kind)k), c->item[k].on);
}
PLAIN_METRIC(netlink_ops, m->fib.ops)
PLAIN_METRIC(netlink_errors, m->fib.op_errors)
PLAIN_METRIC(netlink_dumps, m->fib.dumps)
PLAIN_METRIC(nexthop_objects, m->fib.nh_objects)
PLAIN_METRIC(config_ok, m->a->conf && !m->a->conf_error[0])
PLAIN_METRIC(events_total, m->a->events ? events_last(m->a->events) : 0)

static void
kube_up(FILE *f, const char *name, const struct metrics *m)
{
	struct api_view v;

	if (kube_look(m->a->kube, &v))
		put_plain(f, name, v.health == API_UP);
}

static void
kube_requests(FILE *f, const char *name, const struct metrics *m)
{
	struct api_view v;
	char code[16];

	for (size_t i = 0; kube_look(m->a->kube, &v) && i < v.ncodes; i++) {
		snprintf(code, sizeof(code), "%d", v.code[i].code);
		put_one(f, name, "code", v.code[i].code ? code : "none", v.code[i].n);
	}
}

/* Watches of one resource with several queries (single Secrets) count together. */
#define KUBE_METRIC(func, expr)                                                                    \
	static uint64_t func##_of(const struct metrics *m, const char *path, size_t first)         \
	{                                                                                          \
		struct reflector_view v;                                                           \
		uint64_t sum = 0;                                                                  \
                                                                                                   \
		for (size_t pos = first; kube_next_watch(m->a->kube, &pos, &v);)                   \
			if (strcmp(v.path, path) == 0)                                             \
				sum += (expr);                                                     \
		return sum;                                                                        \
	}                                                                                          \
	static void func(FILE *f, const char *name, const struct metrics *m)                       \
	{                                                                                          \
		struct reflector_view v;                                                           \
                                                                                                   \
		for (size_t pos = 0; kube_next_watch(m->a->kube, &pos, &v);)                       \
			if (kube_is_first(m, v.path, pos - 1))                                     \
				put_one(f, name, "path", v.path, func##_of(m, v.path, pos - 1));   \
	}

static bool
kube_is_first(const struct metrics *m, const char *path, size_t at)
{
	struct reflector_view v;

	for (size_t pos = 0; kube_next_watch(m->a->kube, &pos, &v) && pos <= at;)
		if (strcmp(v.path, path) == 0)
			return false;
	return true;
}

KUBE_METRIC(kube_objects, v.objects)
KUBE_METRIC(kube_events, v.events)
KUBE_METRIC(kube_restarts, v.restarts)
KUBE_METRIC(kube_lists, v.lists)

static void
child_restarts(FILE *f, const char *name, const struct metrics *m)
{
	put_one(f, name, "child", "bgpd", m->a->bgpd_child.restarts);
}

static void
child_up(FILE *f, const char *name, const struct metrics *m)
{
	put_one(f, name, "child", "bgpd", m->a->bgpd_child.running);
}

static void
config_reloads(FILE *f, const char *name, const struct metrics *m)
{
	put_one(f, name, "result", "success", m->a->reloads - m->a->reload_failures);
	put_one(f, name, "result", "failure", m->a->reload_failures);
}

static const struct kube_services *
services_part(const struct metrics *m)
{
	return m->a->kube ? kube_part_find(m->a->kube, "services") : NULL;
}

static void
services_known(FILE *f, const char *name, const struct metrics *m)
{
	const struct kube_services *p = services_part(m);
	const struct services *s = p ? kube_services_model(p) : NULL;

	if (s)
		put_plain(f, name, services_count(s));
}

static void
service_prefixes(FILE *f, const char *name, const struct metrics *m)
{
	const struct kube_services *p = services_part(m);
	const struct services *s = p ? kube_services_model(p) : NULL;

	if (s)
		put_plain(f, name, services_announced(s));
}

/* A histogram: buckets are cumulative, bounds in seconds. */
static void
service_delay(FILE *f, const char *name, const struct metrics *m)
{
	const struct kube_services *p = services_part(m);
	const struct kube_services_delay *d = p ? kube_services_delay(p) : NULL;
	uint64_t n = 0, us;

	for (size_t i = 0; d && i < SERVICES_NBUCKETS; i++) {
		us = kube_services_bucket_us(i);
		n += d->n[i];
		fprintf(f, "%s_bucket{le=\"", name);
		if (us == UINT64_MAX)
			fputs("+Inf", f);
		else
			fprintf(f, "%g", (double)us / 1e6);
		fprintf(f, "\"} %" PRIu64 "\n", n);
	}
	if (d)
		fprintf(f, "%s_sum %.6f\n%s_count %" PRIu64 "\n", name, (double)d->sum_us / 1e6, name,
		    d->count);
}

static const struct {
	const char *name, *type, *help;
	void (*write)(FILE *f, const char *name, const struct metrics *m);
} metric_desc[] = {
	{ "weft_build_info", "gauge", "Version of weft; always 1.", build_info },
	{ "weft_observe", "gauge", "Whether nothing is announced nor changed (observe).", observe },
	{ "weft_uptime_seconds", "gauge", "Seconds since the agent started.", uptime },
	{ "weft_peer_info", "gauge", "Address and AS of a peer; always 1.", peer_info },
	{ "weft_peer_state", "gauge",
	    "Session state: 1 Idle, 2 Connect, 3 Active, 4 OpenSent, 5 OpenConfirm, 6 Established.",
	    peer_state },
	{ "weft_peer_up", "gauge", "Whether the session is Established.", peer_up },
	{ "weft_peer_uptime_seconds", "gauge", "Seconds since the session was Established.",
	    peer_uptime },
	{ "weft_peer_flaps_total", "counter", "Established sessions that ended.", peer_flaps },
	{ "weft_peer_connect_retries_total", "counter", "Attempts to connect again.",
	    peer_retries },
	{ "weft_peer_update_errors_total", "counter",
	    "UPDATE messages treated as withdraw (RFC 7606).", peer_errors },
	{ "weft_routes_received", "gauge", "Paths held from a peer.", routes_received },
	{ "weft_routes_accepted", "gauge", "Paths from a peer that import accepts.",
	    routes_accepted },
	{ "weft_routes_rejected", "gauge", "Paths from a peer that import rejects.",
	    routes_rejected },
	{ "weft_routes_stale", "gauge", "Paths kept while a peer restarts.", routes_stale },
	{ "weft_routes_stale_left_seconds", "gauge",
	    "Until a peer's stale paths go; 0 without any.", routes_stale_left },
	{ "weft_routes_best", "gauge", "Paths from a peer that are used.", routes_best },
	{ "weft_routes_advertised", "gauge", "Paths advertised to a peer.", routes_advertised },
	{ "weft_messages_total", "counter", "BGP messages.", messages },
	{ "weft_rib_destinations", "gauge", "Prefixes known.", rib_destinations },
	{ "weft_rib_paths", "gauge", "Paths known.", rib_paths },
	{ "weft_rib_best", "gauge", "Prefixes with a usable path.", rib_best },
	{ "weft_restart_deferring", "gauge",
	    "Whether route selection waits for peers after a restart.", deferring },
	{ "weft_drain", "gauge", "Whether the node is being drained (1) or drained (2).",
	    node_drain },
	{ "weft_drains_total", "counter", "Drains of the node that have begun.", drains_total },
	{ "weft_converged", "gauge", "Whether the node has its routes, or they are not waited for any "
	    "longer.", converged },
	{ "weft_converge_timed_out", "gauge", "Whether it counts as converged by a time-out only.",
	    converge_timed_out },
	{ "weft_converge_milliseconds", "gauge", "How long it has waited for its routes after its start.",
	    converge_ms },
	{ "weft_cni_written", "gauge", "Whether the CNI file is there as it should be.", cni_written },
	{ "weft_peer_drain", "gauge", "Whether a peer is being drained (1) or drained (2).",
	    peer_drain },
	{ "weft_fib_routes", "gauge", "Kernel routes.", fib_routes },
	{ "weft_fib_refused", "gauge", "Routes that admission refuses.", fib_refused },
	{ "weft_fib_failed", "gauge", "Routes that the kernel rejects.", fib_failed },
	{ "weft_fib_foreign", "gauge", "Routes left out in favour of somebody else's.",
	    fib_foreign },
	{ "weft_fib_held", "gauge", "Routes held back for now.", fib_held },
	{ "weft_fib_synced", "gauge", "Whether the kernel has what is wanted.", fib_synced },
	{ "weft_fib_repairs_total", "counter",
	    "Routes put back after somebody else changed them.", fib_repairs },
	{ "weft_fib_withdrawals_held", "gauge",
	    "Withdrawn routes that the mass-withdraw guard keeps now.", fib_hold_routes },
	{ "weft_fib_withdraw_holds_total", "counter",
	    "Times that the mass-withdraw guard began to keep routes.", fib_holds },
	{ "weft_conflict", "gauge",
	    "Whether a setting or another program works against our routes, by kind.", conflicts },
	{ "weft_netlink_operations_total", "counter", "Changes asked of the kernel.", netlink_ops },
	{ "weft_netlink_errors_total", "counter", "Changes that the kernel refused.",
	    netlink_errors },
	{ "weft_netlink_dumps_total", "counter", "Kernel tables read as a whole.", netlink_dumps },
	{ "weft_nexthop_objects", "gauge", "Nexthop objects in the kernel.", nexthop_objects },
	{ "weft_child_up", "gauge", "Whether a child process runs.", child_up },
	{ "weft_child_restarts_total", "counter", "Times a child process was started again.",
	    child_restarts },
	{ "weft_config_reloads_total", "counter", "Loads of the configuration.", config_reloads },
	{ "weft_config_last_reload_success", "gauge",
	    "Whether the last load of the configuration was good.", config_ok },
	{ "weft_bfd_up", "gauge", "Whether the BFD session with a peer is up.", bfd_up },
	{ "weft_bfd_failures_total", "counter", "Times BFD found the path to a peer dead.",
	    bfd_failures },
	{ "weft_bmp_up", "gauge", "Whether a BMP collector is connected.", bmp_up },
	{ "weft_bmp_messages_total", "counter", "Messages sent to a BMP collector.", bmp_messages },
	{ "weft_bmp_dropped_total", "counter",
	    "Messages to a BMP collector that were thrown away with its connection.", bmp_dropped },
	{ "weft_bmp_connects_total", "counter", "Connections made to a BMP collector.",
	    bmp_connects },
	{ "weft_bmp_overflows_total", "counter",
	    "Connections to a BMP collector that were given up because it read too slowly.",
	    bmp_overflows },
	{ "weft_kube_up", "gauge", "Whether the API server answers and is ready.", kube_up },
	{ "weft_kube_requests_total", "counter",
	    "Answers of the API server by their status; none: there was no answer.", kube_requests },
	{ "weft_kube_objects", "gauge", "Objects known of a watched resource.", kube_objects },
	{ "weft_kube_watch_events_total", "counter", "Events received by a watch.", kube_events },
	{ "weft_kube_watch_restarts_total", "counter", "Watches that ended.", kube_restarts },
	{ "weft_kube_lists_total", "counter", "Lists read as a whole.", kube_lists },
	{ "weft_services", "gauge", "Kubernetes Services known.", services_known },
	{ "weft_service_prefixes", "gauge", "Prefixes announced for Services.", service_prefixes },
	{ "weft_service_announce_seconds", "histogram",
	    "From a change of endpoints read until bgpd was told what to announce.", service_delay },
	{ "weft_events_total", "counter", "Events recorded.", events_total },
};

char *
metrics_text(const struct metrics *m, size_t *ret_len)
{
	char *buf = NULL;
	FILE *f = open_memstream(&buf, ret_len);

	if (!f)
		abort(); /* out of memory */
	for (size_t i = 0; i < sizeof(metric_desc) / sizeof(metric_desc[0]); i++) {
		fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", metric_desc[i].name,
		    metric_desc[i].help, metric_desc[i].name, metric_desc[i].type);
		metric_desc[i].write(f, metric_desc[i].name, m);
	}
	if (fclose(f) != 0)
		abort();
	return buf;
}
