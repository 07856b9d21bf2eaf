/*
 * The fake agent: tables for bgpd's rows and the fib's views.
 */
#include "tests/unit/fake_agent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent/bfd.h"
#include "agent/bgpd.h"
#include "agent/bmp.h"
#include "agent/cni.h"
#include "agent/control.h"
#include "agent/core/conflict.h"
#include "agent/drains.h"
#include "agent/events.h"
#include "agent/kube/kview.h"
#include "agent/kube/pools.h"
#include "agent/kube/services.h"
#include "agent/kube/leave.h"
#include "agent/kube/status.h"
#include "agent/mrt.h"
#include "agent/nat.h"
#include "agent/routed.h"
#include "agent/source.h"
#include "agent/tcp.h"
#include "lib/mem.h"

#define S(n) ((uint64_t)(n) * 1000000)

/* ---- time --------------------------------------------------------------------------- */

struct mono_us
agent_now(void)
{
	return (struct mono_us){ S(FAKE_NOW_S) };
}

/* ---- queries --------------------------------------------------------------------------- */

struct fake_query {
	struct fake *f;
	struct ipc_query q;
	const struct query_ops *ops;
	void *ctx;
	struct event *ev;
	size_t at;
	uint8_t longest;
	struct fake_query *next;
};
static struct fake_query *queries;

static struct fake_query **
query_slot(uint32_t id)
{
	struct fake_query **p = &queries;

	while (*p && (*p)->q.id != id)
		p = &(*p)->next;
	return p;
}

static void
query_free(struct fake_query *fq)
{
	*query_slot(fq->q.id) = fq->next;
	event_free(fq->ev);
	mem_free(fq);
}

static bool
path_matches(struct fake_query *fq, const struct ipc_row_path *r)
{
	const struct ipc_query *q = &fq->q;

	if ((q->af && r->prefix.af != q->af) || (q->peer && r->peer != q->peer))
		return false;
	switch ((enum ipc_match)q->match) {
	case IPC_MATCH_ANY:
		break;
	case IPC_MATCH_EXACT:
		if (!ip_prefix_eq(&q->prefix, &r->prefix))
			return false;
		break;
	case IPC_MATCH_WITHIN:
		if (!ip_prefix_contains(&q->prefix, &r->prefix))
			return false;
		break;
	case IPC_MATCH_LONGEST:
		if (!ip_prefix_contains(&r->prefix, &q->prefix) || r->prefix.len != fq->longest)
			return false;
		break;
	}
	switch ((enum ipc_view)q->view) {
	case IPC_VIEW_ALL:
	case IPC_VIEW_ADVERTISED:
		return true;
	case IPC_VIEW_RECEIVED:
		return !(r->flags & IPC_PATH_LOCAL);
	case IPC_VIEW_ACCEPTED:
		return !(r->flags & (IPC_PATH_LOCAL | IPC_PATH_REJECTED));
	case IPC_VIEW_BEST:
		return r->flags & (IPC_PATH_BEST | IPC_PATH_MULTIPATH);
	case IPC_VIEW_REJECTED:
		return r->flags & IPC_PATH_REJECTED;
	}
	return false;
}

/* The next row; false at the end. */
static bool
query_next(struct fake_query *fq, struct ipc_msg *m)
{
	struct fake *f = fq->f;
	bool adv = fq->q.view == IPC_VIEW_ADVERTISED;
	const struct ipc_row_path *rows = adv ? f->adv : f->path;
	size_t n = adv ? f->nadv : f->npaths;

	switch ((enum ipc_query_kind)fq->q.kind) {
	case IPC_Q_PEERS:
		while (fq->at < f->npeers) {
			m->type = IPC_ROW_PEER;
			m->row_peer = f->peer[fq->at++];
			if (!fq->q.peer || fq->q.peer == m->row_peer.id)
				return true;
		}
		return false;
	case IPC_Q_STATS:
		m->type = IPC_ROW_STATS;
		m->row_stats = f->stats;
		return fq->at++ == 0;
	case IPC_Q_BMP:
		m->type = IPC_ROW_BMP;
		if (fq->at >= f->nbmp)
			return false;
		m->row_bmp = f->bmp[fq->at++];
		return true;
	case IPC_Q_PATHS:
		break;
	}
	m->type = IPC_ROW_PATH;
	if (f->repeat) {
		m->row_path = f->path[0];
		return fq->at++ < f->repeat;
	}
	while (fq->at < n) {
		m->row_path = rows[fq->at++];
		if (path_matches(fq, &m->row_path))
			return true;
	}
	return false;
}

static void
on_query(evutil_socket_t fd, short what, void *ctx)
{
	struct fake_query *fq = ctx;
	struct fake *f = fq->f;
	uint32_t id = fq->q.id;
	struct ipc_msg m;
	bool more = true, lost = f->lost;

	if (f->silent)
		return;
	while (!lost && fq->q.credit) {
		more = query_next(fq, &m);
		if (!more)
			break;
		fq->q.credit--;
		f->rows_out++;
		fq->ops->row(fq->ctx, &m);
		if (*query_slot(id) != fq)
			return; /* cancelled in its own row */
	}
	f->credit_left = fq->q.credit;
	if (more && !lost)
		return; /* out of credit */
	const struct query_ops *ops = fq->ops;
	void *octx = fq->ctx;

	query_free(fq);
	ops->end(octx, 0, lost);
}

uint32_t
agent_query(struct agent *a, const struct ipc_query *q, const struct query_ops *ops, void *ctx)
{
	static const struct timeval now = { 0 };
	struct fake *f = (struct fake *)a;
	struct fake_query *fq = mem_zalloc(sizeof(*fq));
	static uint32_t ids;

	fq->f = f;
	fq->q = *q;
	fq->q.id = ++ids;
	fq->ops = ops;
	fq->ctx = ctx;
	for (size_t i = 0; q->match == IPC_MATCH_LONGEST && i < f->npaths; i++)
		if (ip_prefix_contains(&f->path[i].prefix, &q->prefix) &&
		    f->path[i].prefix.len > fq->longest)
			fq->longest = f->path[i].prefix.len;
	fq->ev = event_new(a->base, -1, 0, on_query, fq);
	fq->next = queries;
	queries = fq;
	event_add(fq->ev, &now);
	f->queries++;
	return fq->q.id;
}

void
agent_query_more(struct agent *a, uint32_t id, uint32_t credit)
{
	static const struct timeval now = { 0 };
	struct fake_query *fq = *query_slot(id);

	if (!fq)
		return;
	fq->q.credit += credit;
	event_add(fq->ev, &now);
}

void
agent_query_cancel(struct agent *a, uint32_t id)
{
	struct fake_query *fq = *query_slot(id);

	((struct fake *)a)->cancels++;
	if (fq)
		query_free(fq);
}

/* ---- monitoring feeds ------------------------------------------------------------------- */

/* Its agent is the struct fake around them; there is one at a time. */
static struct fake *the_fake;

uint32_t
bmp_id(struct bmp *b, size_t place)
{
	return (uint32_t)place + 1;
}

/* ---- readiness for pods ------------------------------------------------------------ */

const struct converge *
routed_state(const struct routed *r)
{
	return &the_fake->converge;
}

bool
routed_is_done(const struct routed *r)
{
	return the_fake->converge.done;
}

char *
routed_text(const struct routed *r, char *buf, size_t cap)
{
	snprintf(buf, cap, "%s", the_fake->converge.done ? "all routes are there" :
	    "own prefixes are not announced yet");
	return buf;
}

struct cni_view
cni_view(const struct cni *c)
{
	return the_fake->cni;
}

bool
leave_is_due(const struct agent *a, char *ret_why)
{
	snprintf(ret_why, LEAVE_WHY_MAX, "%s", the_fake->leaving ? the_fake->leaving : "");
	return the_fake->leaving;
}

const char *
status_problem(const struct agent *a)
{
	return "";
}

bool
kube_is_on(const struct kube *k)
{
	return false;
}

const char *
cni_state_name(enum cni_state s)
{
	return s == CNI_OFF ? "off" : s == CNI_WRITTEN ? "written" : s == CNI_FAILED ? "failed" : "waiting";
}

const struct conf_bmp *
bmp_by_id(const struct bmp *b, uint32_t id)
{
	const struct conf *c = the_fake->a.conf;

	return c && id > 0 && id <= c->bmp.n ? &c->bmp.v[id - 1] : NULL;
}

bool
bfd_of_peer(const struct bfd *b, uint32_t peer, struct bfd_view *ret)
{
	for (size_t i = 0; i < the_fake->nbfd; i++)
		if (the_fake->bfd[i].peer == peer) {
			*ret = the_fake->bfd[i];
			return true;
		}
	return false;
}

bool
bfd_next(const struct bfd *b, size_t *pos, struct bfd_view *ret)
{
	if (*pos >= the_fake->nbfd)
		return false;
	*ret = the_fake->bfd[(*pos)++];
	return true;
}

/* ---- load balancers ------------------------------------------------------------------ */

/* Two pools, one of them with everything used, and somebody who wants what is taken. */
static const struct pools *
some_pools(const struct conf *c)
{
	static struct pools *p;
	struct pool_conf v[2];
	struct pool_service s = { .family = IP4, .kind = POOLS_MINE, .key = "default/web" };

	if (p)
		return p;
	p = pools_new(1);
	for (size_t i = 0; i < 2; i++)
		v[i] = (struct pool_conf){ .name = c->pools.v[i].name, .ranges = c->pools.v[i].addresses.v,
			.nranges = c->pools.v[i].addresses.n, .auto_assign = c->pools.v[i].auto_assign };
	pools_configure(p, v, 2, false);
	pools_put(p, &s);
	s.key = "shop/front";
	pools_put(p, &s);
	s.key = "shop/thief";
	ip_addr_parse("203.0.113.10", &s.requested[0]);
	s.nrequested = 1;
	pools_put(p, &s);
	pools_synced(p);
	pools_next_todo(p, &(struct pools_todo){ 0 });
	return p;
}

void
kube_pools_look(const struct kube_pools *part, struct kube_pools_view *ret)
{
	const struct conf *c = the_fake->a.conf;

	*ret = (struct kube_pools_view){ .configured = c && c->pools.n > 1, .holder = "", .problem = "" };
	if (!ret->configured)
		return;
	ret->leads = ret->synced = true;
	ret->holder = "node-a_0badcafe";
	ret->model = some_pools(c);
}

/* ---- Services ----------------------------------------------------------------------- */

void *
kube_part_find(struct kube *k, const char *name)
{
	return strcmp(name, "services") == 0 && the_fake->services ? the_fake : NULL;
}

const struct services *
kube_services_model(const struct kube_services *p)
{
	return the_fake->services;
}

void
kube_services_status(const struct kube_services *p, struct kube_services_status *ret)
{
	const char *problem = the_fake->services_problem;

	*ret = (struct kube_services_status){ .watching = true, .synced = true, .slices = "v1",
		.problem = problem ? problem : "" };
}

size_t
kube_services_adv(const struct kube_services *p, size_t rule)
{
	return rule < 2 ? rule + 1 : SIZE_MAX;
}

bool
kube_services_note(const struct kube_services *p, const struct service_view *v, size_t rule, char *why)
{
	snprintf(why, IPC_TEXT_MAX, "weft.dev/local-pref: want 0 to 4294967295, got \"%s\"",
	    v->local_pref ? v->local_pref : "");
	return v->local_pref;
}

uint64_t
kube_services_bucket_us(size_t i)
{
	static const uint64_t us[SERVICES_NBUCKETS] = { 250, 500, 1000, 2000, 5000, 10000, 20000, 50000,
		250000, UINT64_MAX };

	return us[i];
}

const struct kube_services_delay *
kube_services_delay(const struct kube_services *p)
{
	static const struct kube_services_delay d = { { 1, 0, 0, 0, 2, 0, 0, 1 }, 104200, 4 };

	return &d;
}

static struct service_addr
service_addr(const char *text, enum service_kind kind)
{
	struct service_addr a = { .kind = (uint8_t)kind };

	ip_addr_parse(text, &a.addr);
	return a;
}

static void
add_service(struct services *s, struct service v, const char *a, const char *b, struct service_count c)
{
	struct service_addr list[] = { service_addr(a, SERVICE_LB_IP),
		service_addr(b, SERVICE_CLUSTER_IP) };
	char slice[64];

	snprintf(slice, sizeof(slice), "%s-x", v.key);
	v.addrs = list;
	v.naddrs = 2;
	services_put(s, &v);
	services_put_slice(s,
	    &(struct service_slice){ .key = slice, .service = v.key, .af = list[0].addr.af, .count = c });
}

/* Load balancers without aggregate, cluster addresses with one; policies, reasons, a mistake. */
static void
fill_services(struct fake *f)
{
	static const struct service_rule rules[] = { { .kinds = 1u << SERVICE_LB_IP },
		{ .kinds = 1u << SERVICE_CLUSTER_IP, .aggregate = { 16, 112 } } };
	struct services *s = f->services = services_new();
	struct service_change c;

	services_set_rules(s, rules, 2);
	add_service(s, (struct service){ .key = "shop/cart", .external_local = true }, "192.0.2.10",
	    "10.96.0.10", (struct service_count){ { 3, 1 }, { 0, 0 } });
	add_service(s, (struct service){ .key = "shop/search", .external_local = true }, "192.0.2.11",
	    "10.96.0.11", (struct service_count){ { 2, 0 }, { 1, 1 } });
	add_service(s, (struct service){ .key = "web/front", .local_pref = "high" }, "2001:db8::12",
	    "fd00:96::12", (struct service_count){ { 0, 0 }, { 0, 0 } });
	add_service(s, (struct service){ .key = "web/old", .foreign_class = true }, "192.0.2.13",
	    "10.97.0.13", (struct service_count){ { 1, 1 }, { 0, 0 } });
	while (services_next_change(s, &c))
		;
}

/* ---- natOutgoing -------------------------------------------------------------------- */

/* As the agent's own, but for the kernel: on when the configuration says so. */
void
nat_view(struct nat *n, bool counters, struct nat_view *ret)
{
	static struct nat_range v[3];
	static struct nat_sets sets;

	memset(ret, 0, sizeof(*ret));
	ret->state_name = "off";
	if (!the_fake->nat)
		return;
	ip_addr_parse("10.244.1.0", &v[0].first);
	ip_addr_parse("10.244.1.255", &v[0].last);
	ip_addr_parse("10.244.0.0", &v[1].first);
	ip_addr_parse("10.244.255.255", &v[1].last);
	ip_addr_parse("192.0.2.1", &v[2].first);
	ip_addr_parse("192.0.2.4", &v[2].last);
	sets.v[NAT_PODS][0] = &v[0];
	sets.n[NAT_PODS][0] = 1;
	sets.v[NAT_INSIDE][0] = &v[1];
	sets.n[NAT_INSIDE][0] = 2;
	ret->state = the_fake->nat;
	ret->state_name = the_fake->nat == NAT_INSTALLED ? "installed" : "foreign";
	if (the_fake->nat == NAT_FOREIGN)
		snprintf(ret->why, sizeof(ret->why), "a table of that name is there that weft did not make");
	ret->repairs = 2;
	ret->flows[0] = counters ? 4711 : 0;
	ret->octets[0] = counters ? 395724 : 0;
	ret->sets = &sets;
}

/* What `weft kube` shows: two watches, one of which cannot be read. */
bool
kube_look(const struct kube *k, struct api_view *ret)
{
	if (!the_fake->kube)
		return false;
	*ret = (struct api_view){
		.health = the_fake->kube == 1 ? API_UP : API_DOWN,
		.since = { agent_now().us - 3600000000ull },
		.server = "https://10.96.0.1:443",
		.credentials = "service-account",
		.namespace = "kube-system",
		.why = the_fake->kube == 1 ? "" : "Connection refused",
		.connections = 3,
		.connects = 7,
		.losses = 1,
		.ncodes = 3,
		.code = { { 200, 42 }, { 404, 3 }, { 0, 2 } },
	};
	return true;
}

/* Lost, it is as the agent knew it before it started again. */
bool
kube_look_kept(const struct kube *k, struct kube_kept *ret)
{
	*ret = (struct kube_kept){ .age_s = 300, .nodes = 1000, .objects = 3, .services = 12 };
	return the_fake->kube > 1;
}

bool
kube_next_watch(const struct kube *k, size_t *pos, struct reflector_view *ret)
{
	static const struct reflector_view watches[] = {
		{ "/api/v1/nodes", "", "watching", "", true, 1000, { 1 }, 4711, 2, 1, 2, false },
		{ "/api/v1/secrets", "fieldSelector=metadata.name%3Dtor1", "waiting",
		    "the server answered 403: secrets is forbidden", false, 0, { 0 }, 0, 0, 0, 0, false },
	};

	if (!the_fake->kube || *pos == sizeof(watches) / sizeof(watches[0]))
		return false;
	*ret = watches[(*pos)++];
	if (ret->heard.us)
		ret->heard.us = agent_now().us - 7000000;
	return true;
}

const char *
api_health_str(enum api_health h)
{
	static const char *const words[] = { "connecting", "connected", "not ready", "lost" };

	return words[h];
}

const char *
bfd_problem(const struct bfd *b, char *buf, size_t cap)
{
	if (!the_fake->no_bfdd)
		return NULL;
	snprintf(buf, cap, "weft-bfdd is not running");
	return buf;
}

void
bfd_ask(struct bfd *b, void (*done)(void *ctx, bool late), void *ctx)
{
	done(ctx, false);
}

static void
on_mrt_written(evutil_socket_t fd, short what, void *ctx)
{
	static const struct ipc_mrt_done written = { .id = 1, .records = 3, .octets = 15 };
	struct fake *f = ctx;

	if (f->mrt_fd >= 0)
		fake_mrt_done(f, &written);
}

uint32_t
mrt_start(struct mrts *m, enum ipc_mrt_kind kind, uint32_t peer, int fd, mrt_done_fn *done,
    void *ctx, const char **ret_why)
{
	static const struct timeval now = { 0 };
	struct fake *f = the_fake;

	f->mrt_kind = kind;
	f->mrt_peer = peer;
	f->mrt_done = done;
	f->mrt_ctx = ctx;
	f->mrt_fd = fd;
	if (kind == IPC_MRT_RECORD)
		return 1;
	(void)!write(fd, "3 whole records", 15);
	event_base_once(f->a.base, -1, EV_TIMEOUT, on_mrt_written, f, &now);
	return 1;
}

void
mrt_stop(struct mrts *m, uint32_t id)
{
	the_fake->mrt_stops++;
}

void
mrt_drop(struct mrts *m, uint32_t id)
{
	struct fake *f = the_fake;

	f->mrt_drops++;
	close(f->mrt_fd);
	f->mrt_fd = -1;
}

void
fake_mrt_done(struct fake *f, const struct ipc_mrt_done *done)
{
	close(f->mrt_fd);
	f->mrt_fd = -1;
	f->mrt_done(f->mrt_ctx, done);
}

/* ---- commands ----------------------------------------------------------------------------- */

void
agent_reload(struct agent *a,
    void (*done)(void *ctx, const char *errors, const char *warnings, const char *summary),
    void *ctx)
{
	struct fake *f = (struct fake *)a;

	if (++f->reloads == 1)
		done(ctx, NULL, "weft.yaml:2:1: warning: a warning\n", "1 peer changed, 2 unchanged");
	else
		done(ctx, "weft.yaml:3:16: peers[0].timers.hold: want 0, or 3s to 65535s, got \"2\"",
		    "", NULL);
}

void
agent_prepare_restart(struct agent *a)
{
	((struct fake *)a)->prepares++;
}

void
agent_flush(struct agent *a, void (*done)(void *ctx, uint64_t removed), void *ctx)
{
	struct fake *f = (struct fake *)a;

	f->flushes++;
	f->flush_done = done;
	f->flush_ctx = ctx;
	if (!f->hold_flush)
		fake_flushed(f);
}

void
fake_flushed(struct fake *f)
{
	f->flush_done(f->flush_ctx, 412);
}

bool
agent_peer_cmd(struct agent *a, const struct ipc_peer_cmd *cmd)
{
	struct fake *f = (struct fake *)a;

	f->last_cmd = *cmd;
	return !f->lost;
}

bool
agent_peer_release(struct agent *a, const struct ipc_peer_cmd *cmd)
{
	struct fake *f = (struct fake *)a;
	struct agent_peer *p = &a->peers[0];

	if (!f->quarantined || p->id != cmd->peer ||
	    (cmd->cmd != IPC_CMD_UP && cmd->cmd != IPC_CMD_RESET))
		return false;
	p->problem[0] = '\0';
	return true;
}

/* It runs, and nobody has to be told of a drain: its steps follow at once. */
bool
bgpd_attached(const struct bgpd *b)
{
	return true;
}

bool
source_send_peer(struct agent *a, const struct agent_peer *p)
{
	return false;
}

uint32_t
source_range_id(const struct agent *a, const char *name)
{
	return IPC_PEER_NONE;
}

size_t
source_range_peers(const struct agent *a, const char *name)
{
	return 0;
}

/* ---- the fib's views ------------------------------------------------------------------------ */

struct fib {
	struct fib_view *view;
	size_t nviews;
	struct fib_nh_view *nh;
	size_t nnhs;
	struct fib_stats stats;
	struct conflict conflict;
};

static const struct kern_link links[] = {
	{ .ifindex = 1, .name = "lo", .up = true, .loopback = true },
	{ .ifindex = 2, .name = "eth0", .up = true, .carrier = true },
	{ .ifindex = 3, .name = "eth1", .up = true, .carrier = true },
};

const struct kern_link *
fib_link(const struct fib *f, uint32_t ifindex)
{
	return ifindex >= 1 && ifindex <= 3 ? &links[ifindex - 1] : NULL;
}

uint32_t
fib_onlink_ifindex(const struct fib *f, const struct ip_addr *a)
{
	static const uint8_t net0[] = { 10, 0, 1 }, net1[] = { 10, 0, 2 };

	if (a->af != IP4)
		return 0;
	return memcmp(a->b, net0, 3) == 0 ? 2 : memcmp(a->b, net1, 3) == 0 ? 3 : 0;
}

void
tcp_problem(const struct tcp *t, char *buf, size_t cap)
{
	*buf = '\0';
}

void
tcp_hint(struct tcp *t, uint32_t peer, enum ipc_fsm_state state, bool was_up, char *buf,
    size_t cap)
{
	*buf = '\0';
}

const struct conflict *
fib_conflict(const struct fib *f)
{
	return &f->conflict;
}

void
fib_stats(const struct fib *f, struct fib_stats *ret)
{
	*ret = f->stats;
}

bool
fib_next_view(const struct fib *f, struct fib_cursor *cur, struct fib_view *ret)
{
	size_t at = cur->kind; /* enough for a test: a table of less than 256 rows */

	if (at >= f->nviews)
		return false;
	*ret = f->view[at];
	cur->kind = (uint8_t)(at + 1);
	return true;
}

bool
fib_view_lookup(const struct fib *f, const struct ip_prefix *p, bool longest, struct fib_view *ret)
{
	const struct fib_view *best = NULL;

	for (size_t i = 0; i < f->nviews; i++) {
		const struct fib_view *v = &f->view[i];

		if (longest ? !ip_prefix_contains(&v->prefix, p) : !ip_prefix_eq(&v->prefix, p))
			continue;
		if (!best || v->prefix.len > best->prefix.len)
			best = v;
	}
	if (best)
		*ret = *best;
	return best != NULL;
}

bool
fib_next_nh_view(const struct fib *f, const struct ip_addr *after, struct fib_nh_view *ret)
{
	for (size_t i = 0; i < f->nnhs; i++)
		if (!after || ip_addr_cmp(&f->nh[i].nh, after) > 0) {
			*ret = f->nh[i];
			return true;
		}
	return false;
}

/* ---- the node that is shown ------------------------------------------------------------------- */

static const char node_yaml[] = "node: {name: node-a, ip: 10.0.1.11, podCIDRs: [10.244.1.0/24]}\n"
				"bgp: {asNumber: 64512, routerID: 10.0.1.11}\n"
				"loadBalancerPools:\n"
				"  - {name: public, addresses: [203.0.113.10/32]}\n"
				"  - {name: spare, addresses: [198.51.100.0-198.51.100.9, '2001:db8::/64'],"
				" autoAssign: false}\n"
				"peers:\n"
				"  - {name: tor1, peerIP: 10.0.0.1, asNumber: 65000, description: rack one}\n"
				"  - {name: node-b, peerIP: 10.0.1.12, asNumber: 64512}\n"
				"  - {name: node-c, peerIP: 10.0.1.13, asNumber: 64513}\n"
				"  - {name: node-d, peerIP: 'fe80::2%eth1', asNumber: external,\n"
				"     password: {file: /etc/weft/md5}}\n"
				"  - {name: node-e, peerIP: 10.0.1.15, asNumber: 64515, enabled: false}\n"
				"kernel: {permit: [10.244.0.0/16, 'fd00:10:244::/56']}\n"
				"bmp:\n"
				"  - {name: noc, address: 192.0.2.10}\n"
				"  - {name: lab, address: '2001:db8::10', port: 1790,\n"
				"     monitor: [adj-rib-out-post]}\n"
				"  - {name: new, address: 192.0.2.12}\n";

static struct ip_addr
addr(const char *s)
{
	struct ip_addr a = { 0 };

	if (*s && !ip_addr_parse(s, &a))
		abort();
	return a;
}

static struct ip_prefix
prefix(const char *s)
{
	struct ip_prefix p;

	if (!ip_prefix_parse(s, &p, NULL))
		abort();
	return p;
}

/* A further element of an array, and a pointer to it that holds until the next one. */
#define GROW(arr, n) ((arr) = mem_realloc_array(arr, ++(n), sizeof(*(arr))), &(arr)[(n)-1])

static struct ipc_row_path *
add_path(struct fake *f, const char *p, uint32_t peer, const char *nh, uint32_t flags,
    const char *as_path, uint64_t age_s)
{
	struct ipc_row_path *r = GROW(f->path, f->npaths);

	*r = (struct ipc_row_path){ .prefix = prefix(p), .peer = peer, .next_hop = addr(nh),
		.flags = flags, .age_us = S(age_s), .fib_state = IPC_V_INSTALLED };
	snprintf(r->as_path, sizeof(r->as_path), "%s", as_path);
	return r;
}

static struct fib_view *
add_view(struct fake *f, const char *p, const char *kind, enum fib_state state, const char *reason)
{
	struct fib *fib = f->a.fib;
	struct fib_view *v = GROW(fib->view, fib->nviews);

	*v = (struct fib_view){ .prefix = prefix(p), .state = state, .kind = kind };
	v->want = v->have = (struct kern_route){ .prefix = v->prefix, .table = 254, .metric = 20,
		.protocol = 212, .type = KERN_UNICAST };
	v->wanted = true;
	v->in_kernel = state == FIB_ST_INSTALLED || state == FIB_ST_STALE;
	snprintf(v->reason, sizeof(v->reason), "%s", reason);
	return v;
}

static void
add_leg(struct kern_route *r, const char *gw, uint32_t ifindex)
{
	r->leg[r->nlegs++] = (struct kern_leg){ .gw = addr(gw), .ifindex = ifindex, .weight = 1 };
}

/* A family in use that has sent its End-of-RIB. */
#define FAMILY(got_eor, forwarding, n_received, n_accepted, n_rejected, n_stale, n_best, n_sent)     \
	{                                                                                          \
		.negotiated = true, .eor_received = got_eor, .eor_sent = true,                     \
		.gr_forwarding = forwarding, .received = n_received, .accepted = n_accepted,       \
		.rejected = n_rejected, .stale = n_stale, .best = n_best, .advertised = n_sent     \
	}

static void
fill_peers(struct fake *f)
{
	struct ipc_row_peer *r;

	r = GROW(f->peer, f->npeers);
	*r = (struct ipc_row_peer){ .id = 1, .state = IPC_ESTABLISHED, .last_error_age_us = UINT64_MAX,
		.state_age_us = S(2 * 86400 + 3 * 3600 + 59), .remote_asn = 65000,
		.local_asn = 64512, .remote_id = 0x0a000001, .as4 = true, .refresh = true,
		.gr = true, .gr_peer_time_s = 120, .hold_s = 9, .keepalive_s = 3,
		.hold_left_us = S(7), .msgs_in = { 61, 1, 12, 0, 47, 1 },
		.msgs_out = { 52, 1, 3, 0, 48, 0 }, .established_count = 1,
		.ep = { .local = addr("10.0.0.11"), .remote = addr("10.0.0.1"), .local_port = 41234,
		    .remote_port = 179 },
		.llgr = true,
		.fam = { FAMILY(true, true, 412, 412, 0, 0, 410, 3),
		    FAMILY(true, false, 40, 38, 2, 0, 38, 3) } };
	r->fam[0].llgr_offered_s = r->fam[0].llgr_peer_s = 86400;
	r->fam[0].llgr_forwarding = true;
	r->fam[1].llgr_offered_s = 86400;
	r = GROW(f->peer, f->npeers);
	*r = (struct ipc_row_peer){ .id = 2, .state = IPC_ESTABLISHED, .state_age_us = S(849),
		.remote_asn = 64512, .local_asn = 64512, .remote_id = 0x0a00010c, .internal = true,
		.last_error_age_us = S(860), .as4 = true, .gr = true, .gr_peer_time_s = 120,
		.peer_restarting = true, .stale_left_s = 89, .hold_s = 9, .keepalive_s = 3,
		.hold_left_us = S(8), .msgs_in = { 300, 1, 5, 0, 294, 0 },
		.msgs_out = { 301, 1, 6, 0, 294, 0 }, .established_count = 2, .flaps = 1,
		.ep = { .local = addr("10.0.1.11"), .remote = addr("10.0.1.12"), .local_port = 179,
		    .remote_port = 50000 },
		.fam = { FAMILY(false, true, 2, 2, 0, 1, 2, 1) } };
	r->fam[0].stale_left_s = 89;
	snprintf(r->last_error, sizeof(r->last_error), "connection closed by the peer");
	r = GROW(f->peer, f->npeers);
	*r = (struct ipc_row_peer){ .id = 3, .state = IPC_ACTIVE, .state_age_us = S(12),
		.local_asn = 64512, .last_error_age_us = S(41), .connect_retries = 14, .flaps = 2,
		.established_count = 2,
		.fam = { [1] = { .received = 3, .accepted = 3, .stale = 3, .best = 2,
		    .long_lived = true, .stale_left_s = 85647, .stale_of_s = 86400 } } };
	/* What a peer writes must not reach the terminal as it is. */
	snprintf(r->reason, sizeof(r->reason), "no answer to SYN for 12s");
	snprintf(r->last_error, sizeof(r->last_error), "hold timer expired \033[31m\x07");
	f->stats = (struct ipc_row_stats){ .uptime_us = S(190000), .peers = 3, .established = 2,
		.destinations = { 413, 40 }, .paths = { 415, 40 }, .best = { 413, 38 } };
}

static void
fill_paths(struct fake *f)
{
	const uint32_t v = IPC_PATH_VALID, b = IPC_PATH_VALID | IPC_PATH_BEST;
	const uint32_t m = IPC_PATH_VALID | IPC_PATH_MULTIPATH;
	struct ipc_row_path *r;

	r = add_path(f, "10.244.1.0/24", IPC_PEER_NONE, "", b | IPC_PATH_LOCAL, "", 183659);
	snprintf(r->decision, sizeof(r->decision), "only path");
	r = add_path(f, "10.244.3.0/24", 2, "10.0.1.12", b | IPC_PATH_INTERNAL, "", 849);
	snprintf(r->communities, sizeof(r->communities), "64512:100 no-export");
	snprintf(r->decision, sizeof(r->decision), "lower router id");
	r->has_local_pref = true;
	r->local_pref = 100;
	r = add_path(f, "10.244.3.0/24", 2, "10.0.2.12", m | IPC_PATH_INTERNAL, "", 849);
	snprintf(r->decision, sizeof(r->decision), "equal: used beside the best");
	r = add_path(f, "10.244.3.0/24", 1, "10.0.0.1", v, "65000 65001", 183659);
	snprintf(r->decision, sizeof(r->decision), "longer AS_PATH");
	r->has_med = true;
	r->med = 50;
	r = add_path(f, "10.244.9.0/24", 2, "10.0.1.19", b | IPC_PATH_INTERNAL | IPC_PATH_STALE, "",
	    31);
	r->stale_left_s = 89;
	r = add_path(f, "10.244.10.0/24", 3, "10.0.1.20", b | IPC_PATH_INTERNAL | IPC_PATH_STALE |
	    IPC_PATH_LLGR, "", 4000);
	r->stale_left_s = 85647;
	r->stale_of_s = 86400;
	snprintf(r->communities, sizeof(r->communities), "llgr-stale");
	r = add_path(f, "0.0.0.0/0", 1, "10.0.0.1", b, "65000", 600);
	r = add_path(f, "192.0.2.0/24", 1, "10.0.0.1", IPC_PATH_REJECTED, "65000", 600);
	snprintf(r->rejected, sizeof(r->rejected), "outside kernel.permit (RFC 8212)");
	r = add_path(f, "fd00:10:244:3::/64", 1, "fe80::1", b, "65000", 600);
	r->next_hop.ifindex = 2;
	r = add_path(f, "10.244.77.0/24", 1, "10.9.9.9", 0, "65000 65077", 5);
	snprintf(r->nh_why, sizeof(r->nh_why), "no route to 10.9.9.9");

	r = GROW(f->adv, f->nadv);
	*r = f->path[0];
	r->peer = 1;
	r->flags = IPC_PATH_ADVERTISED;
	r->next_hop = addr("10.0.0.11");
	snprintf(r->as_path, sizeof(r->as_path), "64512");
	snprintf(r->communities, sizeof(r->communities), "64512:100");
	r = GROW(f->adv, f->nadv);
	*r = f->adv[0];
	r->peer = 2;
	r->flags |= IPC_PATH_INTERNAL;
	r->next_hop = addr("10.0.1.11");
	r->as_path[0] = '\0';
}

static void
fill_fib(struct fake *f)
{
	struct fib *fib = f->a.fib;
	struct fib_view *v;
	struct fib_nh_view *n;

	v = add_view(f, "0.0.0.0/0", "learned", FIB_ST_REFUSED,
	    "the default route is not permitted (kernel.protect)");
	add_leg(&v->want, "10.0.0.1", 2);
	v = add_view(f, "10.244.0.0/16", "discard", FIB_ST_INSTALLED, "");
	v->want.type = v->have.type = KERN_UNREACHABLE;
	v->want.metric = v->have.metric = UINT32_MAX - 1;
	v = add_view(f, "10.244.1.0/24", "own-block", FIB_ST_INSTALLED, "");
	v->want.type = v->have.type = KERN_BLACKHOLE;
	v->want.metric = v->have.metric = UINT32_MAX - 2;
	v = add_view(f, "10.244.3.0/24", "learned", FIB_ST_INSTALLED, "");
	add_leg(&v->want, "10.0.1.12", 2);
	add_leg(&v->want, "10.0.2.12", 3);
	v->want.prefsrc = addr("10.0.1.11");
	v->have = v->want;
	v->nhid = 2120001;
	v->set = 7;
	v->repairs = 3;
	v = add_view(f, "10.244.9.0/24", "learned", FIB_ST_STALE, "");
	add_leg(&v->want, "10.0.1.19", 2);
	add_leg(&v->have, "10.0.1.18", 2);
	v->differs = true;
	v = add_view(f, "10.244.66.0/24", "learned", FIB_ST_FOREIGN,
	    "somebody else's route is there: proto static metric 20");
	add_leg(&v->want, "10.0.1.12", 2);
	v->differs = true;
	v = add_view(f, "fd00:10:244:3::/64", "learned", FIB_ST_INSTALLED, "");
	add_leg(&v->want, "fe80::1", 2);
	v->have = v->want;

	n = GROW(fib->nh, fib->nnhs);
	*n = (struct fib_nh_view){ .nh = addr("10.0.0.1"), .watched = true, .resolved = true,
		.users = 411, .metric = 100 };
	snprintf(n->via, sizeof(n->via), "via 10.0.1.1 dev eth0 through 10.0.0.0/16 (proto static)");
	n = GROW(fib->nh, fib->nnhs);
	*n = (struct fib_nh_view){ .nh = addr("10.0.1.12"), .watched = true, .resolved = true,
		.onlink = true, .users = 1 };
	snprintf(n->via, sizeof(n->via), "dev eth0");
	n = GROW(fib->nh, fib->nnhs);
	*n = (struct fib_nh_view){ .nh = addr("10.9.9.9"), .watched = true };
	snprintf(n->why, sizeof(n->why), "no route to 10.9.9.9");

	conflict_look(&fib->conflict, agent_now(), &(struct conflict_facts){
	    .carries = { true, true }, .forward = { 1, 0 }, .hash = { -1, -1 } });
	fib->stats = (struct fib_stats){ .wanted = { 415, 39 }, .installed = { 412, 39 },
		.refused = 1, .foreign = 1, .ops = 460, .op_errors = 2, .repairs = 3, .dumps = 5,
		.nh_objects = 4 };
}

static void
fill_events(struct fake *f)
{
	static const struct {
		uint64_t ago_s;
		uint8_t level;
		const char *who, *peer, *name, *text;
	} rows[] = {
		{ 183659, IPC_LVL_NOTICE, "agent", "", "config-loaded", "generation=1" },
		{ 183658, IPC_LVL_INFO, "bgpd", "tor1", "peer-up", "as=65000 hold=9" },
		{ 183000, IPC_LVL_INFO, "agent", "rack2/10.0.2.107", "peer-forgotten", "" },
		{ 860, IPC_LVL_WARN, "bgpd", "node-b", "peer-down",
		    "why=\"connection closed by the peer\" routes=kept" },
		{ 849, IPC_LVL_INFO, "bgpd", "node-b", "peer-up", "as=64512 hold=9" },
		{ 41, IPC_LVL_WARN, "bgpd", "node-c", "peer-down",
		    "why=\"hold timer expired\033[31m\"" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct event_row row = { .level = rows[i].level,
			.at = { S(FAKE_NOW_S) - S(rows[i].ago_s) },
			.wall_us = 1763881200123456 - (int64_t)S(rows[i].ago_s) };

		snprintf(row.who, sizeof(row.who), "%s", rows[i].who);
		snprintf(row.peer_name, sizeof(row.peer_name), "%s", rows[i].peer);
		snprintf(row.name, sizeof(row.name), "%s", rows[i].name);
		snprintf(row.text, sizeof(row.text), "%s", rows[i].text);
		events_add_row(f->a.events, &row);
	}
}

struct fake *
fake_new_empty(const char *yaml)
{
	struct fake *f = mem_zalloc(sizeof(*f));
	struct agent *a = &f->a;
	struct conf_errs errs;

	conf_errs_init(&errs);
	a->conf = conf_load(NULL, "weft.yaml", yaml, strlen(yaml), &errs);
	if (!a->conf) {
		conf_errs_print(&errs, stderr);
		abort();
	}
	conf_errs_free(&errs);
	the_fake = f;
	f->mrt_fd = -1;
	a->base = event_base_new();
	a->started = (struct mono_us){ S(FAKE_NOW_S - 190000) };
	snprintf(a->hostname, sizeof(a->hostname), "host");
	snprintf(a->config_name, sizeof(a->config_name), "/etc/weft/weft.yaml");
	a->conf_gen = 1;
	a->conf_loaded = a->started;
	a->bgpd_child = (struct agent_child){ .running = true, .pid = 4711, .last_status = -1 };
	a->events = events_new(100);
	a->fib = mem_zalloc(sizeof(*a->fib));
	a->fib->stats.synced = true;
	a->npeers = a->conf->peers.n;
	a->peers = mem_zalloc_array(a->npeers + 1, sizeof(*a->peers));
	for (size_t i = 0; i < a->npeers; i++) {
		a->peers[i].id = (uint32_t)i + 1;
		a->peers[i].conf = &a->conf->peers.v[i];
		a->peers[i].addr = a->conf->peers.v[i].addr;
		idmap_set(&a->peer_places, a->peers[i].id, i);
	}
	a->drains = drains_new(a);
	f->converge = (struct converge){ .begun = true, .done = true, .began = a->started,
		.at = mono_add_ms(a->started, 1234), .wait = CONVERGE_NOTHING };
	f->cni = (struct cni_view){ .file = "10-weft.conflist", .foreign = "" };
	return f;
}

static void
fill_bmp(struct fake *f)
{
	*GROW(f->bmp, f->nbmp) = (struct ipc_row_bmp){ .id = 1, .state = IPC_BMP_UP,
		.state_age_us = S(3600), .messages = 1234, .octets = 98765, .connects = 2,
		.dropped = 17, .overflows = 1, .peers = 2 };
	*GROW(f->bmp, f->nbmp) = (struct ipc_row_bmp){ .id = 2, .state = IPC_BMP_WAITING,
		.state_age_us = S(4),
		.reason = "nothing listens on 2001:db8::10 port 1790" };
}

static const struct ipc_bfd_session bfd_conf[] = {
	{ .id = 1, .remote = { .af = IP4, .b = { 10, 0, 0, 1 } },
	    .local = { .af = IP4, .b = { 10, 0, 0, 2 } }, .rx_us = 50000, .tx_us = 50000,
	    .detect_mult = 3 },
	{ .id = 2, .remote = { .af = IP4, .b = { 10, 0, 1, 12 } },
	    .local = { .af = IP4, .b = { 10, 0, 1, 11 } }, .rx_us = 300000, .tx_us = 300000,
	    .detect_mult = 3, .min_ttl = 254, .multihop = true,
	    .auth = IPC_BFD_AUTH_METICULOUS_SHA1 },
	{ .id = 0 },
};
static const struct ipc_bfd_state_msg bfd_state[] = {
	{ .id = 1, .state = IPC_BFD_UP, .remote_state = IPC_BFD_UP, .silent_us = 21500,
	    .detect_us = 150000 },
	{ .id = 2, .state = IPC_BFD_DOWN, .remote_state = IPC_BFD_DOWN, .diag = 1, .remote_diag = 3,
	    .diag_text = "Control Detection Time Expired",
	    .remote_diag_text = "Neighbor Signaled Session Down", .silent_us = S(12) },
	{ .id = 0 },
};
static const struct ipc_row_bfd bfd_row[] = {
	{ .s = { .id = 1, .silent_us = 21500, .detect_us = 150000 }, .discr = 0x1234,
	    .remote_discr = 7, .tx_us = 50000, .remote_tx_us = 50000, .remote_rx_us = 33333,
	    .remote_mult = 3, .last_down_age_us = S(90000), .rx = 1234567, .tx = 1234599, .ups = 2,
	    .downs = 1, .last_down = "Control Detection Time Expired", .resumed = true },
	{ .s = { .id = 2, .silent_us = S(12) }, .discr = 0x1235, .tx_us = 1000000,
	    .remote_mult = 3, .remote_rx_us = 300000, .last_down_age_us = S(12), .rx = 99, .tx = 120,
	    .ups = 1, .downs = 1, .last_down = "Control Detection Time Expired",
	    .drops = "ttl=3 auth-digest=12" },
};

void
fake_add_bfd(struct fake *f)
{
	f->nat = NAT_FOREIGN;
	f->kube = 2;
	*GROW(f->bfd, f->nbfd) = (struct bfd_view){ .peer = 1, .conf = &bfd_conf[0], .profile = "fast",
		.known = true, .state = &bfd_state[0], .state_age_us = S(90000), .row = &bfd_row[0],
		.failures = 1, .problem = "" };
	*GROW(f->bfd, f->nbfd) = (struct bfd_view){ .peer = 2, .conf = &bfd_conf[1],
		.profile = "signed", .known = true, .state = &bfd_state[1], .state_age_us = S(12),
		.row = &bfd_row[1], .holds_down = true, .failures = 2, .problem = "" };
	*GROW(f->bfd, f->nbfd) = (struct bfd_view){ .peer = 3, .conf = &bfd_conf[2],
		.profile = "default", .state = &bfd_state[2],
		.problem = "own address towards the peer is not known before a BGP connection was made" };
	f->converge.done = false;
	f->cni = (struct cni_view){ .state = CNI_WAITING, .file = "10-weft.conflist",
		.why = "own prefixes are not announced yet", .foreign = "" };
}

struct fake *
fake_new(void)
{
	struct fake *f = fake_new_empty(node_yaml);
	struct agent *a = &f->a;

	a->kube = (struct kube *)(void *)f;
	a->node4 = addr("10.0.1.11");
	a->router_id = 0x0a00010b;
	a->reloads = 3;
	a->reload_failures = 1;
	snprintf(a->conf_error, sizeof(a->conf_error),
	    "weft.yaml:3:16: bgp.timers.hold: want 0, or 3s to 65535s, got \"2\"");
	a->bgpd_child.restarts = 1;
	a->bgpd_child.last_status = 9;
	a->peers[3].addr.ifindex = 3;
	snprintf(a->peers[3].problem, sizeof(a->peers[3].problem),
	    "password file /etc/weft/md5: No such file or directory");
	fill_peers(f);
	fill_paths(f);
	fill_fib(f);
	fill_events(f);
	fill_bmp(f);
	fill_services(f);
	f->nat = NAT_INSTALLED;
	f->cni = (struct cni_view){ .state = CNI_WRITTEN, .file = "10-weft.conflist",
		.foreign = "05-other.conflist", .writes = 1, .at = a->started,
		.text = "{\n  \"cniVersion\": \"1.0.0\",\n  \"name\": \"weft\",\n  \"plugins\": []\n}\n" };
	f->kube = 1;
	return f;
}

void
fake_free(struct fake *f)
{
	struct agent *a = &f->a;

	while (queries)
		query_free(queries);
	drains_free(a->drains);
	events_free(a->events);
	mem_free(a->fib->view);
	mem_free(a->fib->nh);
	mem_free(a->fib);
	mem_free(a->peers);
	idmap_free(&a->peer_places);
	conf_free(a->conf);
	event_base_free(a->base);
	mem_free(f->peer);
	mem_free(f->bmp);
	mem_free(f->bfd);
	services_free(f->services);
	mem_free(f->path);
	mem_free(f->adv);
	mem_free(f);
}

static void
on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	*(bool *)ctx = true;
}

bool
fake_run(struct fake *f, const bool *done, unsigned ms)
{
	bool late = false;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (int)(ms % 1000) * 1000 };
	struct event *ev = event_new(f->a.base, -1, 0, on_deadline, &late);

	event_add(ev, &tv);
	while (!late && !*done)
		event_base_loop(f->a.base, EVLOOP_ONCE);
	event_free(ev);
	return *done;
}

void
fake_serve(struct fake *f)
{
	int err;
	struct control *c = control_new(&f->a, &err);

	if (!c)
		_exit(1);
	signal(SIGPIPE, SIG_IGN); /* as agent/main.c does */
	event_base_dispatch(f->a.base);
	_exit(0);
}

bool
source_is_leaving(const struct agent *a, const char *node)
{
	return false;
}

bool
kube_awaits_nodes(const struct kube *k)
{
	return false;
}
