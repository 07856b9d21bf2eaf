/*
 * What bgpd is told: the whole configuration at its start and when it changes, and single peers.
 */
#include "agent/source_priv.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "agent/announce.h"
#include "agent/bgpd.h"
#include "agent/bmp.h"
#include "agent/drains.h"
#include "agent/kube/kube.h"
#include "agent/uplinks.h"
#include "lib/conf.h"
#include "lib/conf_filter.h"
#include "lib/mem.h"

#define AWAIT_NODES_S 20

static void
fill_maxpfx(struct ipc_maxpfx *to, const struct conf_max_prefixes *from)
{
	static const uint8_t action[] = {
		[CONF_MAX_RESTART] = IPC_MAXPFX_RESTART,
		[CONF_MAX_WARN] = IPC_MAXPFX_WARN,
		[CONF_MAX_DISCARD] = IPC_MAXPFX_DISCARD,
		[CONF_MAX_IDLE] = IPC_MAXPFX_IDLE,
	};

	to->limit = from->limit;
	to->warn_pct = (uint8_t)from->warn_pct;
	to->action = action[from->action];
	to->after_s = from->after_s;
}

/* Without graceful restart only last known good keeps anything. */
static void
fill_llgr(struct ipc_conf_peer *to, const struct conf_gr *gr)
{
	to->llgr_alone = gr->longlived_alone && gr->longlived_s > 0;
	if (!gr->enabled && !to->llgr_alone)
		return;
	for (uint8_t af = IP4; af <= IP6; af++)
		if (gr->longlived_families & CONF_FAMILY(af))
			to->llgr_time_s[af - 1] = gr->longlived_s;
}

void
source_fill_peer(const struct agent *a, const struct agent_peer *p, struct ipc_conf_peer *to)
{
	static const uint8_t mode[] = {
		[CONF_AS_NUMBER] = IPC_ASN_NUMBER,
		[CONF_AS_INTERNAL] = IPC_ASN_INTERNAL,
		[CONF_AS_EXTERNAL] = IPC_ASN_EXTERNAL,
	};
	static const uint8_t next_hop[] = {
		[CONF_NEXT_HOP_AUTO] = IPC_NEXTHOP_AUTO,
		[CONF_NEXT_HOP_SELF] = IPC_NEXTHOP_SELF,
		[CONF_NEXT_HOP_KEEP] = IPC_NEXTHOP_KEEP,
	};
	static const uint8_t addpath[] = {
		[CONF_ADDPATH_NONE] = IPC_ADDPATH_NONE,
		[CONF_ADDPATH_ALL] = IPC_ADDPATH_ALL,
		[CONF_ADDPATH_EQUAL] = IPC_ADDPATH_EQUAL,
	};
	static const uint8_t local_as[] = {
		[CONF_LOCAL_AS_REPLACE] = IPC_LOCAL_AS_REPLACE,
		[CONF_LOCAL_AS_NO_PREPEND] = IPC_LOCAL_AS_NO_PREPEND,
		[CONF_LOCAL_AS_PREPEND] = IPC_LOCAL_AS_PREPEND,
		[CONF_LOCAL_AS_DUAL] = IPC_LOCAL_AS_DUAL,
	};
	static const uint8_t private_as[] = {
		[CONF_PRIVATE_KEEP] = IPC_PRIVATE_KEEP,
		[CONF_PRIVATE_WHOLE] = IPC_PRIVATE_WHOLE,
		[CONF_PRIVATE_LEADING] = IPC_PRIVATE_LEADING,
		[CONF_PRIVATE_ALL] = IPC_PRIVATE_ALL,
		[CONF_PRIVATE_REPLACE] = IPC_PRIVATE_REPLACE,
	};
	static const uint8_t on_off[] = {
		[CONF_AUTO] = IPC_AUTO,
		[CONF_ON] = IPC_ON,
		[CONF_OFF] = IPC_OFF,
	};
	static const uint8_t role[] = {
		[CONF_ROLE_NONE] = IPC_ROLE_NONE,
		[CONF_ROLE_PROVIDER] = IPC_ROLE_PROVIDER,
		[CONF_ROLE_RS] = IPC_ROLE_RS,
		[CONF_ROLE_RS_CLIENT] = IPC_ROLE_RS_CLIENT,
		[CONF_ROLE_CUSTOMER] = IPC_ROLE_CUSTOMER,
		[CONF_ROLE_PEER] = IPC_ROLE_PEER,
	};
	const struct conf_peer *c = p->conf;

	memset(to, 0, sizeof *to);
	to->local_as_mode = local_as[c->local_as_mode];
	to->allow_as_in = (uint8_t)c->allow_as_in;
	to->as_override = c->as_override;
	to->private_as = private_as[c->remove_private];
	to->any_first_as = !c->enforce_first_as;
	to->role = role[c->role];
	to->strict_role = c->strict_role;
	to->accept_blackhole = c->accept_blackhole;
	to->ignore_gshut = !c->honor_graceful_shutdown;
	drains_fill(a->drains, p, to);
	to->id = p->id;
	snprintf(to->name, sizeof to->name, "%s", c->name);
	to->addr = p->addr;
	if (conf_peer_is_unnumbered(c)) {
		to->unnumbered = true;
		to->addr = (struct ip_addr){ .af = IP6, .ifindex = p->link };
		snprintf(to->ifname, sizeof to->ifname, "%s", c->ifname);
	}
	to->asn_mode = mode[c->remote_as.how];
	to->asn = c->remote_as.asn;
	to->local_asn = c->local_as;
	to->passive = c->passive;
	to->enabled = c->enabled && !p->problem[0];
	to->dynamic = p->dynamic;
	to->forget_ms = p->dynamic ? c->forget_s * 1000 : 0;
	to->range = p->range;
	to->transport = p->slot->transport;
	to->onlink = !conf_peer_is_ibgp(a->conf, c) && !conf_peer_is_confed(a->conf, c) &&
		     c->multihop_ttl == 0;
	to->rr_client = c->rr_client;
	to->import_all = c->import == CONF_IMPORT_ALL;
	to->export_all = c->export == CONF_EXPORT_ALL;
	to->gr_enabled = c->gr.enabled;
	fill_llgr(to, &c->gr);
	to->ext_msg = c->ext_msg;
	to->ext_next_hop = on_off[c->ext_next_hop];
	to->next_hop[0] = c->next_hop[0];
	to->next_hop[1] = c->next_hop[1];
	to->families = (uint8_t)c->families;
	to->next_hop_mode = next_hop[c->next_hop_mode];
	to->addpath_receive = c->addpath.receive;
	to->addpath_send = addpath[c->addpath.send];
	to->addpath_max = (uint8_t)c->addpath.max_paths;
	to->hold_s = (uint16_t)c->timers.hold_s;
	to->keepalive_s = (uint16_t)c->timers.keepalive_s;
	to->send_hold_s = (uint16_t)c->timers.send_hold_s;
	to->connect_retry_ms = c->timers.connect_retry_ms;
	fill_maxpfx(&to->maxpfx[0], &c->max[0]);
	fill_maxpfx(&to->maxpfx[1], &c->max[1]);
	for (size_t i = 0; i < c->filters.n && to->nfilters < IPC_FILTERS_MAX; i++)
		to->filter[to->nfilters++] = conf_filter_id(a->conf, c->filters.v[i]);
}

uint64_t
source_hash_peer(const struct source *s, const struct ipc_conf_peer *conf)
{
	return hmap_hash(&s->slots, conf, sizeof *conf) | 1;
}

/* ---- to bgpd --------------------------------------------------------------------- */

static void
send_speaker(struct agent *a)
{
	const struct conf_bgp *c = &a->conf->bgp;
	struct ipc_msg *m = mem_zalloc(sizeof *m);

	m->type = IPC_CONF_SPEAKER;
	m->conf_speaker = (struct ipc_conf_speaker){
		.asn = c->asn,
		.router_id = a->router_id,
		.cluster_id = c->cluster_id.af ? ip_addr_v4(&c->cluster_id) : 0,
		.multipath = (uint8_t)c->multipath,
		.weighted = c->weighted_multipath,
		.transit = c->transit,
		.install = a->conf->kernel.install,
		.no_routes = !a->conf->kernel.install,
		.observe = a->conf->observe,
		.gr_enabled = c->gr.enabled,
		.gr_restart_time_s = (uint16_t)c->gr.restart_s,
		.gr_deferral_ms = c->gr.deferral_ms,
		.no_client_to_client = !c->client_to_client,
		.confed_id = c->confed_id,
	};
	for (size_t i = 0; i < c->confed_members.n && i < IPC_CONFED_MAX; i++)
		m->conf_speaker.member[m->conf_speaker.nmembers++] = c->confed_members.v[i];
	bgpd_send(a->bgpd, m, -1);
	mem_free(m);
}

static void
send_permit(struct agent *a)
{
	const struct conf_prefixes *permit = &a->conf->kernel.permit;
	struct ipc_msg *m = mem_zalloc(sizeof *m);

	m->type = IPC_CONF_PERMIT;
	for (size_t i = 0; i < permit->n; i++) {
		m->prefixes.prefix[m->prefixes.n++] = permit->v[i];
		if (m->prefixes.n == IPC_PREFIXES_MAX || i + 1 == permit->n) {
			bgpd_send(a->bgpd, m, -1);
			m->prefixes.n = 0;
		}
	}
	mem_free(m);
}

/* Rule by rule, in the order of the file. */
static void
send_filters(struct agent *a, struct ipc_msg *m)
{
	const struct conf_filters *fs = &a->conf->filters;

	m->type = IPC_CONF_FILTER;
	for (size_t i = 0; i < fs->n; i++)
		for (unsigned l = 0; l < CONF_FILTER_NLISTS; l++)
			for (size_t k = 0; k < fs->v[i].rules[l].n; k++) {
				conf_filter_message(a->conf, &fs->v[i], (enum conf_filter_list)l, k,
				    (uint32_t)i + 1, &m->conf_filter);
				bgpd_send(a->bgpd, m, -1);
			}
}

/* The peers that bgpd does not know as they are now; they are marked as known. */
static void
send_peers(struct agent *a, struct ipc_msg *m)
{
	struct ipc_conf_peer *now = &m->conf_peer;
	uint64_t sum;

	for (size_t i = 0; i < a->npeers; i++) {
		struct peer_slot *slot = a->peers[i].slot;

		m->type = IPC_CONF_PEER;
		source_fill_peer(a, &a->peers[i], now);
		sum = source_hash_peer(a->source, now);
		if (a->source->others_known && slot->sent == sum)
			continue;
		slot->sent = sum;
		bgpd_send(a->bgpd, m, -1);
	}
}

/* Those that are peers no more; of all others bgpd keeps what it has. */
static void
send_others(struct agent *a, struct ipc_msg *m)
{
	struct source *s = a->source;
	size_t n = 0;

	m->type = IPC_CONF_OTHERS;
	m->conf_others.n = 0;
	while (s->others_known && n < s->ngone) {
		m->conf_others.gone[m->conf_others.n++] = s->gone[n++];
		if (m->conf_others.n < IPC_GONE_MAX)
			continue;
		bgpd_send(a->bgpd, m, -1);
		m->conf_others.n = 0;
	}
	if (s->others_known)
		bgpd_send(a->bgpd, m, -1);
	s->others_known = true;
	s->ngone = 0;
}

/* The whole configuration, applied by bgpd at CONF_END; of a mesh's peers what differs. */
void
source_send_conf(struct agent *a)
{
	struct ipc_msg *m = mem_zalloc(sizeof *m);

	m->type = IPC_CONF_BEGIN;
	m->conf_begin.gen = a->conf_gen;
	bgpd_send(a->bgpd, m, -1);
	send_speaker(a);
	send_peers(a, m);
	send_others(a, m);
	send_permit(a);
	send_filters(a, m);
	bmp_send_conf(a->bmp);
	m->type = IPC_CONF_END;
	m->conf_begin.gen = a->conf_gen;
	bgpd_send(a->bgpd, m, -1);
	mem_free(m);
}

/*
 * A configuration without the peers out of the cluster would end a restart's deferral, and with it
 * the routes of before: bgpd waits a while for the first list of nodes.
 */
static bool
awaits_nodes(struct agent *a)
{
	static const struct timeval patience = { AWAIT_NODES_S, 0 };

	if (a->source->await_over || !kube_awaits_nodes(a->kube))
		return false;
	if (!event_pending(a->source->await_ev, EV_TIMEOUT, NULL))
		event_add(a->source->await_ev, &patience);
	return true;
}

void
source_on_await(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;

	a->source->await_over = true;
	if (!a->source->greet_due)
		return;
	events_addf(a->events, IPC_LVL_WARN, "nodes-late",
	    "after-s=%d why=\"starting with the peers that need no cluster\"", AWAIT_NODES_S);
	source_greet(a);
	agent_kick(a);
}

void
source_greet(struct agent *a)
{
	struct source *s = a->source;

	s->greet_due = a->conf && s->resolved && awaits_nodes(a);
	if (!a->conf || !s->resolved || s->greet_due)
		return;
	s->greeted = true;
	s->others_known = false;
	uplinks_greet(a->uplinks); /* first: it is needed as soon as the peers are known */
	drains_bgpd_new(a->drains);
	source_send_conf(a);
	announce_greet(a->source->announce);
	drains_bgpd_greeted(a->drains);
}

bool
source_send_peer(struct agent *a, const struct agent_peer *p)
{
	struct ipc_msg *m;

	if (!a->source->greeted || !bgpd_attached(a->bgpd))
		return false;
	m = mem_zalloc(sizeof *m);
	m->type = IPC_PEER_ADD;
	source_fill_peer(a, p, &m->conf_peer);
	p->slot->sent = source_hash_peer(a->source, &m->conf_peer);
	bgpd_send(a->bgpd, m, -1);
	mem_free(m);
	return true;
}
