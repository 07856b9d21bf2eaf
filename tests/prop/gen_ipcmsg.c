/*
 * Valid IPC messages: see gen_ipcmsg.h. Written from the comments of lib/ipcmsg.h,
 * not from the codec, so that a field the codec forgets is found.
 */
#include "tests/prop/gen_ipcmsg.h"

#include <string.h>

/* lo, hi, or something between. */
static uint64_t
number(struct gen *g, uint64_t lo, uint64_t hi)
{
	switch (g->size) {
	case GEN_SHORTEST:
		return lo;
	case GEN_LONGEST:
		return hi;
	case GEN_RANDOM:
		break;
	}
	return rng_range(&g->rng, lo, hi);
}

static bool
flag(struct gen *g)
{
	return number(g, 0, 1) != 0;
}

static uint8_t
below8(struct gen *g, unsigned hi)
{
	return (uint8_t)number(g, 0, hi);
}

static uint16_t
any16(struct gen *g)
{
	return (uint16_t)number(g, 0, UINT16_MAX);
}

static uint32_t
any32(struct gen *g)
{
	return (uint32_t)number(g, 0, UINT32_MAX);
}

static uint32_t
id(struct gen *g)
{
	return (uint32_t)number(g, 1, UINT32_MAX);
}

static uint64_t
any64(struct gen *g)
{
	return number(g, 0, UINT64_MAX);
}

static void
text(struct gen *g, char *s, size_t cap)
{
	size_t n = number(g, 0, cap - 1);

	memset(s, 0, cap);
	for (size_t i = 0; i < n; i++)
		s[i] = (char)rng_range(&g->rng, 1, 255);
}

/*
 * Structs with padding are filled field by field, never assigned whole: the message
 * was cleared before, and nothing_is_lost() compares its octets, padding included.
 */
static void
addr(struct gen *g, bool may_be_none, struct ip_addr *ret)
{
	ret->af = (uint8_t)number(g, may_be_none ? IP_NONE : IP4, IP6);
	rng_fill(&g->rng, ret->b, ip_af_octets(ret->af));
	if (ret->af != IP_NONE)
		ret->ifindex = any32(g);
}

struct ip_addr
gen_addr(struct gen *g, bool may_be_none)
{
	struct ip_addr a = { 0 };

	addr(g, may_be_none, &a);
	return a;
}

struct ip_prefix
gen_prefix(struct gen *g)
{
	struct ip_addr a = gen_addr(g, false);

	return ip_prefix_of(&a, (uint8_t)number(g, 0, ip_af_bits(a.af)));
}

static void
endpoints(struct gen *g, struct ipc_endpoints *ret)
{
	addr(g, true, &ret->local);
	addr(g, true, &ret->remote);
	ret->local_port = any16(g);
	ret->remote_port = any16(g);
	ret->ifindex = any32(g);
	addr(g, true, &ret->self4);
	addr(g, true, &ret->self6);
	addr(g, true, &ret->self6ll);
}

static uint16_t
prefixes(struct gen *g, struct ip_prefix *ret)
{
	uint16_t n = (uint16_t)number(g, 0, IPC_PREFIXES_MAX);

	for (uint16_t i = 0; i < n; i++)
		ret[i] = gen_prefix(g);
	return n;
}

static void
conf_speaker(struct gen *g, struct ipc_conf_speaker *ret)
{
	ret->asn = id(g);
	ret->router_id = id(g);
	ret->cluster_id = any32(g);
	ret->multipath = (uint8_t)number(g, 1, 64);
	ret->weighted = flag(g);
	ret->transit = flag(g);
	ret->install = flag(g);
	ret->observe = flag(g);
	ret->gr_enabled = flag(g);
	ret->gr_restart_time_s = (uint16_t)number(g, 0, 4095);
	ret->gr_deferral_ms = any32(g);
	ret->no_client_to_client = flag(g);
	ret->confed_id = any32(g);
	ret->nmembers = (uint16_t)number(g, 0, IPC_CONFED_MAX);
	for (unsigned i = 0; i < ret->nmembers; i++)
		ret->member[i] = any32(g);
	ret->no_routes = flag(g);
}

static void
conf_peer(struct gen *g, struct ipc_conf_peer *ret)
{
	ret->id = id(g);
	text(g, ret->name, sizeof(ret->name));
	addr(g, true, &ret->addr);
	ret->unnumbered = flag(g);
	text(g, ret->ifname, sizeof(ret->ifname));
	ret->asn_mode = below8(g, IPC_ASN_EXTERNAL);
	ret->asn = any32(g);
	ret->local_asn = any32(g);
	ret->passive = flag(g);
	ret->enabled = flag(g);
	ret->dynamic = flag(g);
	ret->forget_ms = any32(g);
	ret->transport = any32(g);
	ret->range = any32(g);
	ret->onlink = flag(g);
	ret->rr_client = flag(g);
	ret->import_all = flag(g);
	ret->export_all = flag(g);
	ret->gr_enabled = flag(g);
	ret->llgr_time_s[0] = any32(g) >> 8;
	ret->llgr_time_s[1] = any32(g) >> 8;
	ret->llgr_alone = flag(g);
	ret->ext_msg = flag(g);
	ret->ext_next_hop = below8(g, IPC_OFF);
	addr(g, true, &ret->next_hop[0]);
	addr(g, true, &ret->next_hop[1]);
	ret->send_hold_s = any16(g);
	ret->families = below8(g, 3);
	ret->next_hop_mode = below8(g, IPC_NEXTHOP_KEEP);
	ret->addpath_receive = flag(g);
	ret->addpath_send = below8(g, IPC_ADDPATH_EQUAL);
	ret->addpath_max = (uint8_t)number(g, 1, UINT8_MAX);
	ret->hold_s = (uint16_t)number(g, 3, UINT16_MAX);
	ret->keepalive_s = any16(g);
	ret->connect_retry_ms = any32(g);
	for (unsigned i = 0; i < 2; i++) {
		ret->maxpfx[i].limit = any32(g);
		ret->maxpfx[i].warn_pct = below8(g, 100);
		ret->maxpfx[i].action = below8(g, IPC_MAXPFX_IDLE);
		ret->maxpfx[i].after_s = any32(g);
	}
	ret->local_as_mode = below8(g, IPC_LOCAL_AS_DUAL);
	ret->allow_as_in = below8(g, 255);
	ret->as_override = flag(g);
	ret->private_as = below8(g, IPC_PRIVATE_REPLACE);
	ret->any_first_as = flag(g);
	ret->role = below8(g, IPC_ROLE_PEER);
	ret->strict_role = flag(g);
	ret->accept_blackhole = flag(g);
	ret->ignore_gshut = flag(g);
	ret->drain = below8(g, IPC_DRAIN_DOWN);
	ret->drain_alone = flag(g);
	text(g, ret->drain_text, sizeof(ret->drain_text));
	ret->nfilters = (uint16_t)number(g, 0, IPC_FILTERS_MAX);
	for (unsigned i = 0; i < ret->nfilters; i++)
		ret->filter[i] = id(g);
}

static void
comms(struct gen *g, struct ipc_comms *ret)
{
	ret->n = (uint16_t)number(g, 0, IPC_FILTER_VALUES_MAX);
	for (unsigned i = 0; i < ret->n; i++) {
		ret->v[i].kind = below8(g, IPC_COMM_LARGE);
		for (unsigned k = 0; k < ret->v[i].kind + 1u; k++)
			ret->v[i].v[k] = any32(g);
	}
}

static void
asns(struct gen *g, struct ipc_asns *ret)
{
	ret->n = (uint16_t)number(g, 0, IPC_FILTER_VALUES_MAX);
	for (unsigned i = 0; i < ret->n; i++)
		ret->v[i] = any32(g);
}

/* A prefix, or none. */
static struct ip_prefix
prefix_or_none(struct gen *g)
{
	return flag(g) ? gen_prefix(g) : (struct ip_prefix){ 0 };
}

static void
conf_filter(struct gen *g, struct ipc_conf_filter *ret)
{
	ret->id = id(g);
	text(g, ret->name, sizeof(ret->name));
	ret->export = flag(g);
	ret->af = below8(g, IP6);
	ret->rule = any16(g);
	ret->cidr = prefix_or_none(g);
	ret->match_op = below8(g, IPC_MATCH_OP_NOT_EQUAL);
	ret->len_min = below8(g, 255);
	ret->len_max = below8(g, 255);
	comms(g, &ret->any);
	comms(g, &ret->all);
	asns(g, &ret->as_prefix);
	asns(g, &ret->as_contains);
	asns(g, &ret->origin_as);
	ret->hops_min = any16(g);
	ret->hops_max = any16(g);
	ret->next_hop = prefix_or_none(g);
	ret->source = below8(g, IPC_SOURCE_REMOTE);
	ret->peer_type = below8(g, IPC_PEER_TYPE_IBGP);
	ret->route_type = below8(g, IPC_ROUTE_TYPE_BGP);
	ret->action = below8(g, IPC_RULE_REJECT);
	ret->nops = (uint16_t)number(g, 0, IPC_FILTER_OPS_MAX);
	for (unsigned i = 0; i < ret->nops; i++) {
		ret->op[i].kind = below8(g, IPC_NOPS - 1);
		ret->op[i].times = below8(g, 255);
		ret->op[i].value = any32(g);
		addr(g, true, &ret->op[i].addr);
		comms(g, &ret->op[i].comms);
	}
}

static void
originate(struct gen *g, struct ipc_originate *ret)
{
	ret->prefix = gen_prefix(g);
	ret->kind = below8(g, IPC_ORIG_SERVICE);
	ret->has_local_pref = flag(g);
	ret->has_med = flag(g);
	ret->local_pref = any32(g);
	ret->med = any32(g);
	ret->aggregate = flag(g);
	ret->ncomm = (uint16_t)number(g, 0, IPC_COMM_MAX);
	ret->nlarge = (uint16_t)number(g, 0, IPC_COMM_MAX);
	ret->nonly = (uint16_t)number(g, 0, IPC_ONLY_MAX);
	for (unsigned i = 0; i < ret->ncomm; i++)
		ret->comm[i] = any32(g);
	for (unsigned i = 0; i < ret->nlarge; i++)
		for (unsigned part = 0; part < 3; part++)
			ret->large[i][part] = any32(g);
	for (unsigned i = 0; i < ret->nonly; i++)
		ret->only[i] = id(g);
}

static void
nhset(struct gen *g, struct ipc_nhset *ret)
{
	ret->id = id(g);
	ret->backup = any32(g);
	ret->discard = flag(g);
	ret->n = (uint16_t)number(g, 1, IPC_MEMBERS_MAX);
	for (unsigned i = 0; i < ret->n; i++) {
		addr(g, false, &ret->member[i].addr);
		ret->member[i].weight = (uint8_t)number(g, 1, 255);
	}
}

static void
nh_state(struct gen *g, struct ipc_nh_state *ret)
{
	addr(g, false, &ret->addr);
	ret->resolved = flag(g);
	ret->onlink = flag(g);
	ret->metric = any32(g);
	ret->ifindex = any32(g);
	ret->gen = any32(g);
	text(g, ret->why, sizeof(ret->why));
}

static void
verdicts(struct gen *g, struct ipc_verdicts *ret)
{
	ret->n = (uint16_t)number(g, 0, IPC_VERDICTS_MAX);
	for (unsigned i = 0; i < ret->n; i++) {
		ret->v[i].prefix = gen_prefix(g);
		ret->v[i].state = below8(g, IPC_V_HELD);
		ret->v[i].code = any16(g);
	}
}

static void
query(struct gen *g, struct ipc_query *ret)
{
	ret->id = any32(g);
	ret->kind = below8(g, IPC_Q_BMP);
	ret->view = below8(g, IPC_VIEW_REJECTED);
	ret->match = below8(g, IPC_MATCH_LONGEST);
	ret->peer = any32(g);
	ret->af = below8(g, IP6);
	ret->credit = any32(g);
	if (number(g, 0, 3) > 0)
		ret->prefix = gen_prefix(g);
}

static void
peer_family(struct gen *g, struct ipc_peer_family *ret)
{
	bool *flags[] = { &ret->negotiated, &ret->eor_received, &ret->eor_sent, &ret->gr_forwarding,
		&ret->llgr_forwarding, &ret->long_lived, &ret->addpath_rx, &ret->addpath_tx };
	uint32_t *words[] = { &ret->llgr_offered_s, &ret->llgr_peer_s, &ret->stale_left_s,
		&ret->stale_of_s, &ret->received, &ret->accepted, &ret->rejected, &ret->stale,
		&ret->best, &ret->advertised };

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		*flags[i] = flag(g);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		*words[i] = any32(g);
}

static void
row_peer(struct gen *g, struct ipc_row_peer *ret)
{
	bool *flags[] = { &ret->internal, &ret->confed, &ret->as4, &ret->refresh, &ret->enhanced_refresh,
		&ret->ext_msg, &ret->ext_next_hop, &ret->gr, &ret->gr_notification, &ret->peer_restarting };
	uint32_t *words[] = { &ret->query, &ret->remote_asn, &ret->local_asn, &ret->remote_id,
		&ret->stale_left_s, &ret->established_count, &ret->flaps };

	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		*flags[i] = flag(g);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		*words[i] = any32(g);
	ret->id = id(g);
	ret->state = below8(g, IPC_ESTABLISHED);
	text(g, ret->reason, sizeof(ret->reason));
	text(g, ret->last_error, sizeof(ret->last_error));
	ret->last_error_age_us = any64(g);
	ret->state_age_us = any64(g);
	ret->gr_peer_time_s = any16(g);
	ret->hold_s = any16(g);
	ret->keepalive_s = any16(g);
	ret->hold_left_us = any64(g);
	for (unsigned i = 0; i < 6; i++) {
		ret->msgs_in[i] = any64(g);
		ret->msgs_out[i] = any64(g);
	}
	ret->role = below8(g, IPC_ROLE_PEER);
	ret->peer_role = below8(g, IPC_ROLE_PEER);
	ret->leaks = any64(g);
	ret->updates_in_withdraw_errs = any64(g);
	ret->connect_retries = any64(g);
	endpoints(g, &ret->ep);
	for (unsigned i = 0; i < 2; i++)
		peer_family(g, &ret->fam[i]);
}

static void
row_path(struct gen *g, struct ipc_row_path *ret)
{
	uint32_t *words[] = { &ret->query, &ret->peer, &ret->path_id, &ret->flags, &ret->remote_id,
		&ret->med, &ret->local_pref, &ret->aggregator_asn, &ret->aggregator_id,
		&ret->originator_id, &ret->otc, &ret->igp_metric, &ret->stale_left_s, &ret->stale_of_s };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		*words[i] = any32(g);
	ret->prefix = gen_prefix(g);
	ret->age_us = any64(g);
	addr(g, true, &ret->next_hop);
	addr(g, true, &ret->next_hop_ll);
	ret->origin = below8(g, 2);
	ret->has_med = flag(g);
	ret->has_local_pref = flag(g);
	ret->atomic_aggregate = flag(g);
	ret->fib_state = below8(g, IPC_V_HELD);
	ret->weight = any16(g);
	ret->fib_code = any16(g);
	text(g, ret->decision, sizeof(ret->decision));
	text(g, ret->rejected, sizeof(ret->rejected));
	text(g, ret->policy, sizeof(ret->policy));
	text(g, ret->nh_why, sizeof(ret->nh_why));
	text(g, ret->as_path, sizeof(ret->as_path));
	text(g, ret->communities, sizeof(ret->communities));
	text(g, ret->large_communities, sizeof(ret->large_communities));
	text(g, ret->ext_communities, sizeof(ret->ext_communities));
	text(g, ret->cluster_list, sizeof(ret->cluster_list));
	text(g, ret->unknown, sizeof(ret->unknown));
}

static void
row_stats(struct gen *g, struct ipc_row_stats *ret)
{
	uint64_t *words[] = { &ret->uptime_us, &ret->destinations[0], &ret->destinations[1],
		&ret->paths[0], &ret->paths[1], &ret->best[0], &ret->best[1], &ret->attr_sets,
		&ret->update_groups, &ret->updates_in, &ret->updates_out, &ret->msgs_in,
		&ret->msgs_out, &ret->decisions, &ret->fib_pending };

	ret->query = any32(g);
	ret->peers = any32(g);
	ret->established = any32(g);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		*words[i] = any64(g);
	ret->deferring = flag(g);
	text(g, ret->deferring_for, sizeof(ret->deferring_for));
}

static void
conn_done(struct gen *g, struct ipc_conn_done *ret)
{
	ret->peer = id(g);
	ret->token = any32(g);
	ret->err = (int32_t)any32(g);
	text(g, ret->why, sizeof(ret->why));
	endpoints(g, &ret->ep);
}

static void
event(struct gen *g, struct ipc_event *ret)
{
	ret->level = below8(g, IPC_LVL_DEBUG);
	ret->peer = any32(g);
	text(g, ret->name, sizeof(ret->name));
	text(g, ret->text, sizeof(ret->text));
}

static void
conf_bmp(struct gen *g, struct ipc_conf_bmp *ret)
{
	ret->id = id(g);
	text(g, ret->name, sizeof(ret->name));
	addr(g, true, &ret->addr);
	addr(g, true, &ret->source);
	ret->port = any16(g);
	ret->ribs = below8(g, 15);
	ret->stats_s = any32(g);
	ret->retry_ms = any32(g);
	ret->stall_ms = any32(g);
	text(g, ret->sys_name, sizeof(ret->sys_name));
	text(g, ret->sys_descr, sizeof(ret->sys_descr));
}

static void
mrt_done(struct gen *g, struct ipc_mrt_done *ret)
{
	ret->id = id(g);
	ret->err = (int32_t)any32(g);
	ret->records = any64(g);
	ret->octets = any64(g);
	ret->lost = any64(g);
	text(g, ret->why, sizeof(ret->why));
}

/* Messages of the monitoring feeds. */
static void
gen_feed(struct gen *g, struct ipc_msg *m)
{
	switch ((int)m->type) {
	case IPC_CONF_BMP:
		conf_bmp(g, &m->conf_bmp);
		break;
	case IPC_BMP_REQ:
		m->bmp_req = (struct ipc_bmp_req){ id(g), any32(g) };
		break;
	case IPC_BMP_DONE:
		m->bmp_done.id = id(g);
		m->bmp_done.token = any32(g);
		m->bmp_done.err = (int32_t)any32(g);
		text(g, m->bmp_done.why, sizeof(m->bmp_done.why));
		break;
	case IPC_MRT_START:
		m->mrt_start.id = id(g);
		m->mrt_start.kind = below8(g, IPC_MRT_RECORD);
		m->mrt_start.peer = any32(g);
		break;
	case IPC_MRT_STOP:
		m->mrt_stop.id = id(g);
		break;
	case IPC_MRT_DONE:
		mrt_done(g, &m->mrt_done);
		break;
	}
}

static void
row_bmp(struct gen *g, struct ipc_row_bmp *ret)
{
	uint64_t *words[] = { &ret->state_age_us, &ret->messages, &ret->octets, &ret->dropped,
		&ret->queued_octets };

	ret->query = any32(g);
	ret->id = id(g);
	ret->state = below8(g, IPC_BMP_UP);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		*words[i] = any64(g);
	text(g, ret->reason, sizeof(ret->reason));
	ret->connects = any32(g);
	ret->overflows = any32(g);
	ret->peers = any32(g);
}

/* Messages of the control channel. */
static void
gen_control(struct gen *g, struct ipc_msg *m)
{
	switch ((int)m->type) {
	case IPC_HELLO:
		m->hello.version = any16(g);
		m->hello.restarting = flag(g);
		m->hello.adopted[0] = any32(g);
		m->hello.adopted[1] = any32(g);
		m->hello.seed = any64(g);
		break;
	case IPC_CONF_BEGIN:
	case IPC_CONF_END:
		m->conf_begin.gen = any32(g);
		break;
	case IPC_CONF_SPEAKER:
		conf_speaker(g, &m->conf_speaker);
		break;
	case IPC_CONF_FILTER:
		conf_filter(g, &m->conf_filter);
		break;
	case IPC_CONN_LEND:
	case IPC_CONN_LENT:
		m->conn_lend.peer = id(g);
		break;
	case IPC_DRAINED:
		m->drained.peer = id(g);
		m->drained.drain = below8(g, IPC_DRAIN_DOWN);
		m->drained.up = flag(g);
		m->drained.announced = flag(g);
		break;
	case IPC_PEER_SESSION:
		m->peer_session.peer = id(g);
		m->peer_session.session = below8(g, IPC_SESSION_SYNCED);
		break;
	case IPC_CONF_OTHERS:
		m->conf_others.n = (uint16_t)number(g, 0, IPC_GONE_MAX);
		for (uint16_t i = 0; i < m->conf_others.n; i++)
			m->conf_others.gone[i] = id(g);
		break;
	case IPC_PEER_GONE:
		m->peer_gone.peer = id(g);
		break;
	case IPC_PEER_ADDR:
		m->peer_addr.peer = id(g);
		addr(g, true, &m->peer_addr.addr);
		break;
	case IPC_PEER_ADD:
	case IPC_CONF_PEER:
		conf_peer(g, &m->conf_peer);
		break;
	case IPC_CONF_PERMIT:
		m->prefixes.n = prefixes(g, m->prefixes.prefix);
		break;
	case IPC_CONF_APPLIED:
		m->conf_applied = (struct ipc_conf_applied){ any32(g), any16(g), any16(g), any16(g),
			any16(g) };
		break;
	case IPC_ORIGINATE:
		originate(g, &m->originate);
		break;
	case IPC_ORIGINATE_DEL:
		m->prefix.prefix = gen_prefix(g);
		break;
	case IPC_CONN_REQ:
	case IPC_CONN_CANCEL:
		m->conn_req = (struct ipc_conn_req){ id(g), any32(g) };
		break;
	case IPC_CONN_DONE:
		conn_done(g, &m->conn_done);
		break;
	case IPC_CONN_IN:
		endpoints(g, &m->conn_in.ep);
		break;
	case IPC_PEER_CMD:
		m->peer_cmd.peer = any32(g);
		m->peer_cmd.cmd = below8(g, IPC_CMD_BFD_DOWN);
		text(g, m->peer_cmd.text, sizeof(m->peer_cmd.text));
		break;
	case IPC_SHUTDOWN:
		m->shutdown.mode = below8(g, IPC_SHUT_STOP);
		text(g, m->shutdown.text, sizeof(m->shutdown.text));
		break;
	case IPC_EVENT:
		event(g, &m->event);
		break;
	}
}

/* Messages of the other two. */
static void
gen_other(struct gen *g, struct ipc_msg *m)
{
	switch ((int)m->type) {
	case IPC_NHSET:
		nhset(g, &m->nhset);
		break;
	case IPC_NHSET_DEL:
		m->nhset_del.id = id(g);
		break;
	case IPC_ROUTE:
		m->route.set = id(g);
		m->route.n = prefixes(g, m->route.prefix);
		break;
	case IPC_ROUTE_DEL:
		m->prefixes.n = prefixes(g, m->prefixes.prefix);
		break;
	case IPC_SYNC_BEGIN:
	case IPC_SYNC_END:
		m->sync.gen = any32(g);
		break;
	case IPC_NH_WATCH:
		addr(g, false, &m->nh_watch.addr);
		m->nh_watch.on = flag(g);
		break;
	case IPC_NH_STATE:
		nh_state(g, &m->nh_state);
		break;
	case IPC_VERDICT:
		verdicts(g, &m->verdicts);
		break;
	case IPC_QUERY:
		query(g, &m->query);
		break;
	case IPC_QUERY_CREDIT:
	case IPC_QUERY_CANCEL:
		m->query_credit = (struct ipc_query_credit){ any32(g), any32(g) };
		break;
	case IPC_ROW_PEER:
		row_peer(g, &m->row_peer);
		break;
	case IPC_ROW_PATH:
		row_path(g, &m->row_path);
		break;
	case IPC_ROW_STATS:
		row_stats(g, &m->row_stats);
		break;
	case IPC_QUERY_END:
		m->query_end.id = any32(g);
		m->query_end.status = below8(g, 2);
		break;
	case IPC_ROW_BMP:
		row_bmp(g, &m->row_bmp);
		break;
	}
}

static void
bfd_session(struct gen *g, struct ipc_bfd_session *ret)
{
	ret->id = id(g);
	addr(g, false, &ret->remote);
	addr(g, true, &ret->local);
	ret->ifindex = any32(g);
	ret->multihop = flag(g);
	ret->rx_us = id(g);
	ret->tx_us = id(g);
	ret->detect_mult = (uint8_t)number(g, 1, 255);
	ret->min_ttl = below8(g, 255);
	ret->passive = flag(g);
	ret->admin_down = flag(g);
	ret->auth = below8(g, IPC_BFD_AUTH_METICULOUS_SHA1);
	ret->key_id = below8(g, 255);
	ret->key_len = below8(g, IPC_BFD_KEY_MAX);
	rng_fill(&g->rng, ret->key, ret->key_len);
}

static void
bfd_state(struct gen *g, struct ipc_bfd_state_msg *ret)
{
	ret->id = id(g);
	ret->was = below8(g, IPC_BFD_UP);
	ret->state = below8(g, IPC_BFD_UP);
	ret->remote_state = below8(g, IPC_BFD_UP);
	ret->remote_independent = flag(g);
	ret->diag = below8(g, 255);
	ret->remote_diag = below8(g, 255);
	text(g, ret->diag_text, sizeof(ret->diag_text));
	text(g, ret->remote_diag_text, sizeof(ret->remote_diag_text));
	ret->silent_us = any64(g);
	ret->detect_us = any32(g);
}

static void
row_bfd(struct gen *g, struct ipc_row_bfd *ret)
{
	uint64_t *words[] = { &ret->state_age_us, &ret->last_down_age_us, &ret->rx, &ret->tx, &ret->ups,
		&ret->downs };
	uint32_t *halves[] = { &ret->query, &ret->discr, &ret->remote_discr, &ret->tx_us,
		&ret->remote_tx_us, &ret->remote_rx_us };

	bfd_state(g, &ret->s);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		*words[i] = any64(g);
	for (unsigned i = 0; i < sizeof(halves) / sizeof(halves[0]); i++)
		*halves[i] = any32(g);
	ret->remote_mult = below8(g, 255);
	ret->remote_demand = flag(g);
	ret->polling = flag(g);
	ret->resumed = flag(g);
	ret->leaving = flag(g);
	text(g, ret->last_down, sizeof(ret->last_down));
	text(g, ret->drops, sizeof(ret->drops));
}

static void
bfd_stats(struct gen *g, struct ipc_bfd_stats *ret)
{
	ret->query = any32(g);
	ret->sessions = any32(g);
	ret->resumed = any32(g);
	ret->uptime_us = any64(g);
	ret->late_us = any64(g);
	text(g, ret->drops, sizeof(ret->drops));
}

/* Messages of bfdd's channel. */
static void
gen_bfd(struct gen *g, struct ipc_msg *m)
{
	switch ((int)m->type) {
	case IPC_BFD_BEGIN:
		m->bfd_begin.version = any16(g);
		break;
	case IPC_BFD_SESSION:
		bfd_session(g, &m->bfd_session);
		break;
	case IPC_BFD_DEL:
		m->bfd_del.id = id(g);
		m->bfd_del.tell = flag(g);
		break;
	case IPC_BFD_STATE:
		bfd_state(g, &m->bfd_state);
		break;
	case IPC_BFD_QUERY:
		m->bfd_query.query = any32(g);
		break;
	case IPC_ROW_BFD:
		row_bfd(g, &m->row_bfd);
		break;
	case IPC_BFD_STATS:
		bfd_stats(g, &m->bfd_stats);
		break;
	}
}

void
gen_ipcmsg(struct gen *g, enum ipc_type type, struct ipc_msg *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->type = type;
	gen_control(g, ret);
	gen_feed(g, ret);
	gen_other(g, ret);
	gen_bfd(g, ret);
}
