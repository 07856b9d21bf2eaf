/*
 * The typed messages between the processes: table and codecs. See ipcmsg.h.
 *
 * Each message has one function here that names its fields in order; it runs in
 * both directions (struct codec), so that encoder and decoder cannot disagree. The
 * encoding is canonical: a message that decodes gives back the same octets when it
 * is encoded. Numbers are in network order; a bool is 0 or 1; a text is two octets
 * of length and no NUL; an address is family, interface index and its octets; a
 * prefix is family, length and as many octets as that needs, masked.
 *
 * What is checked here is that a value lies within the range of its field. Whether
 * it makes sense is for the receiver to judge.
 */
#include "lib/ipcmsg.h"

#include <string.h>

#include "lib/wire.h"

/* One direction or the other: r reads into the struct, w writes from it. */
struct codec {
	struct rd *r;
	struct wr *w;
	const char *why; /* static text: the first thing that was wrong */
};

static void
fail(struct codec *c, const char *why)
{
	if (!c->why)
		c->why = why;
}

/* ---- fields ---- */

static void
x_u8(struct codec *c, uint8_t *v)
{
	if (c->r)
		*v = rd_u8(c->r);
	else
		wr_u8(c->w, *v);
}

static void
x_u16(struct codec *c, uint16_t *v)
{
	if (c->r)
		*v = rd_u16(c->r);
	else
		wr_u16(c->w, *v);
}

static void
x_u32(struct codec *c, uint32_t *v)
{
	if (c->r)
		*v = rd_u32(c->r);
	else
		wr_u32(c->w, *v);
}

static void
x_u64(struct codec *c, uint64_t *v)
{
	if (c->r)
		*v = rd_u64(c->r);
	else
		wr_u64(c->w, *v);
}

static void
x_i32(struct codec *c, int32_t *v)
{
	uint32_t u = (uint32_t)*v;

	x_u32(c, &u);
	if (c->r)
		*v = (int32_t)u;
}

static void
x_bool(struct codec *c, bool *v)
{
	uint8_t u = *v;

	x_u8(c, &u);
	if (u > 1)
		fail(c, "a flag is neither 0 nor 1");
	if (c->r)
		*v = u != 0;
}

/* A value of an enum of which max is the last. */
static void
x_enum(struct codec *c, uint8_t *v, unsigned max)
{
	x_u8(c, v);
	if (*v > max)
		fail(c, "unknown value in an enumeration");
}

/* An id that is never 0. */
static void
x_id(struct codec *c, uint32_t *v)
{
	x_u32(c, v);
	if (*v == 0)
		fail(c, "an id is 0");
}

/* A number of elements; 0 where more than max, so that no loop believes it. */
static void
x_count(struct codec *c, uint16_t *n, unsigned min, unsigned max)
{
	x_u16(c, n);
	if (*n >= min && *n <= max)
		return;
	fail(c, "number of elements out of range");
	if (c->r)
		*n = 0;
}

static void
x_text(struct codec *c, char *s, size_t cap)
{
	uint16_t len = (uint16_t)(c->r ? 0 : strnlen(s, cap));

	x_u16(c, &len);
	if (len >= cap) {
		fail(c, "a text is too long");
		return;
	}
	if (!c->r) {
		wr_bytes(c->w, s, len);
		return;
	}
	rd_copy(c->r, s, len);
	memset(s + len, 0, cap - len);
	if (strlen(s) != len)
		fail(c, "a text has a NUL inside");
}

/* len octets of an array of 16; the others are 0. */
static void
x_octets(struct codec *c, uint8_t b[16], uint8_t len)
{
	if (!c->r) {
		wr_bytes(c->w, b, len);
		return;
	}
	rd_copy(c->r, b, len);
	memset(b + len, 0, 16u - len);
}

static void
x_addr(struct codec *c, struct ip_addr *a)
{
	x_enum(c, &a->af, IP6);
	x_u32(c, &a->ifindex);
	if (a->af == IP_NONE && a->ifindex != 0)
		fail(c, "an interface without an address");
	x_octets(c, a->b, ip_af_octets(a->af));
}

/* Octets of a prefix of that length, which is within range. */
static void
x_prefix_bits(struct codec *c, struct ip_prefix *p)
{
	size_t n = ip_prefix_octets(p->len);
	const uint8_t *from;

	if (!c->r) {
		wr_bytes(c->w, p->b, n);
		return;
	}
	memset(p->b, 0, sizeof(p->b));
	from = rd_take(c->r, n);
	if (from && n > 0)
		memcpy(p->b, from, n);
}

/* A prefix, or none at all (family 0, length 0). */
static void
x_prefix_opt(struct codec *c, struct ip_prefix *p)
{
	x_enum(c, &p->af, IP6);
	x_u8(c, &p->len);
	if (p->len > ip_af_bits(p->af)) {
		fail(c, "prefix length out of range");
		return;
	}
	x_prefix_bits(c, p);
	if (p->len % 8 != 0 && (p->b[p->len / 8] & 0xffu >> p->len % 8) != 0)
		fail(c, "a prefix has bits beyond its length");
}

static void
x_prefix(struct codec *c, struct ip_prefix *p)
{
	x_prefix_opt(c, p);
	if (p->af == IP_NONE)
		fail(c, "a prefix without a family");
}

/* Elements up to n; stops at the first that is wrong. */
static bool
more(const struct codec *c, uint16_t i, uint16_t n)
{
	return i < n && !c->why && (c->r ? !c->r->bad : !c->w->full);
}

/* ---- control ---- */

static void
x_hello(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_hello *m = &msg->hello;

	x_u16(c, &m->version);
	x_bool(c, &m->restarting);
	x_u32(c, &m->adopted[0]);
	x_u32(c, &m->adopted[1]);
	x_u64(c, &m->seed);
}

static void
x_conf_begin(struct codec *c, struct ipc_msg *msg)
{
	x_u32(c, &msg->conf_begin.gen);
}

static void
x_conf_speaker(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_conf_speaker *m = &msg->conf_speaker;

	x_u32(c, &m->asn);
	x_u32(c, &m->router_id);
	x_u32(c, &m->cluster_id);
	x_u8(c, &m->multipath);
	x_bool(c, &m->weighted);
	x_bool(c, &m->transit);
	x_bool(c, &m->install);
	x_bool(c, &m->observe);
	x_bool(c, &m->gr_enabled);
	x_u16(c, &m->gr_restart_time_s);
	x_u32(c, &m->gr_deferral_ms);
	x_bool(c, &m->no_client_to_client);
	x_u32(c, &m->confed_id);
	x_count(c, &m->nmembers, 0, IPC_CONFED_MAX);
	for (uint16_t i = 0; more(c, i, m->nmembers); i++)
		x_u32(c, &m->member[i]);
	x_bool(c, &m->no_routes);
	if (m->asn == 0 || m->router_id == 0)
		fail(c, "AS number or router id is 0");
	if (m->multipath < 1 || m->multipath > 64 || m->gr_restart_time_s > 4095)
		fail(c, "a speaker setting is out of range");
}

static void
x_maxpfx(struct codec *c, struct ipc_maxpfx *m)
{
	x_u32(c, &m->limit);
	x_enum(c, &m->warn_pct, 100);
	x_enum(c, &m->action, IPC_MAXPFX_IDLE);
	x_u32(c, &m->after_s);
}

static void
x_conf_peer(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_conf_peer *m = &msg->conf_peer;

	x_id(c, &m->id);
	x_text(c, m->name, sizeof(m->name));
	x_addr(c, &m->addr);
	x_bool(c, &m->unnumbered);
	x_text(c, m->ifname, sizeof(m->ifname));
	x_enum(c, &m->asn_mode, IPC_ASN_EXTERNAL);
	x_u32(c, &m->asn);
	x_u32(c, &m->local_asn);
	x_bool(c, &m->passive);
	x_bool(c, &m->enabled);
	x_bool(c, &m->dynamic);
	x_u32(c, &m->forget_ms);
	x_u32(c, &m->transport);
	x_u32(c, &m->range);
	x_bool(c, &m->onlink);
	x_bool(c, &m->rr_client);
	x_bool(c, &m->import_all);
	x_bool(c, &m->export_all);
	x_bool(c, &m->gr_enabled);
	x_u32(c, &m->llgr_time_s[0]);
	x_u32(c, &m->llgr_time_s[1]);
	x_bool(c, &m->llgr_alone);
	x_bool(c, &m->ext_msg);
	x_enum(c, &m->ext_next_hop, IPC_OFF);
	x_addr(c, &m->next_hop[0]);
	x_addr(c, &m->next_hop[1]);
	x_enum(c, &m->families, 3);
	x_enum(c, &m->next_hop_mode, IPC_NEXTHOP_KEEP);
	x_bool(c, &m->addpath_receive);
	x_enum(c, &m->addpath_send, IPC_ADDPATH_EQUAL);
	x_u8(c, &m->addpath_max);
	x_u16(c, &m->hold_s);
	x_u16(c, &m->keepalive_s);
	x_u16(c, &m->send_hold_s);
	x_u32(c, &m->connect_retry_ms);
	x_maxpfx(c, &m->maxpfx[0]);
	x_maxpfx(c, &m->maxpfx[1]);
	x_enum(c, &m->local_as_mode, IPC_LOCAL_AS_DUAL);
	x_u8(c, &m->allow_as_in);
	x_bool(c, &m->as_override);
	x_enum(c, &m->private_as, IPC_PRIVATE_REPLACE);
	x_bool(c, &m->any_first_as);
	x_enum(c, &m->role, IPC_ROLE_PEER);
	x_bool(c, &m->strict_role);
	x_bool(c, &m->accept_blackhole);
	x_bool(c, &m->ignore_gshut);
	x_enum(c, &m->drain, IPC_DRAIN_DOWN);
	x_bool(c, &m->drain_alone);
	x_text(c, m->drain_text, sizeof(m->drain_text));
	x_count(c, &m->nfilters, 0, IPC_FILTERS_MAX);
	for (uint16_t i = 0; more(c, i, m->nfilters); i++)
		x_id(c, &m->filter[i]);
	if (m->hold_s == 1 || m->hold_s == 2)
		fail(c, "hold time is 1 or 2 s"); /* RFC 4271 section 4.2 */
	if (m->llgr_time_s[0] >> 24 || m->llgr_time_s[1] >> 24)
		fail(c, "a Long-Lived Stale Time of more than 24 bits"); /* RFC 9494 section 3.1 */
	if (m->addpath_send != IPC_ADDPATH_NONE && m->addpath_max == 0)
		fail(c, "several paths, but none at most");
}

static void
x_peer_addr(struct codec *c, struct ipc_msg *msg)
{
	x_id(c, &msg->peer_addr.peer);
	x_addr(c, &msg->peer_addr.addr);
}

static void
x_conf_others(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_conf_others *m = &msg->conf_others;

	x_count(c, &m->n, 0, IPC_GONE_MAX);
	for (uint16_t i = 0; more(c, i, m->n); i++)
		x_id(c, &m->gone[i]);
}

static void
x_peer_gone(struct codec *c, struct ipc_msg *msg)
{
	x_id(c, &msg->peer_gone.peer);
}

static void
x_peer_session(struct codec *c, struct ipc_msg *msg)
{
	x_id(c, &msg->peer_session.peer);
	x_enum(c, &msg->peer_session.session, IPC_SESSION_SYNCED);
}

static void
x_drained(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_drained *m = &msg->drained;

	x_id(c, &m->peer);
	x_enum(c, &m->drain, IPC_DRAIN_DOWN);
	x_bool(c, &m->up);
	x_bool(c, &m->announced);
}

static void
x_comms(struct codec *c, struct ipc_comms *m)
{
	static const unsigned numbers[] = { [IPC_COMM_STD] = 1, [IPC_COMM_EXT] = 2,
		[IPC_COMM_LARGE] = 3 };

	x_count(c, &m->n, 0, IPC_FILTER_VALUES_MAX);
	for (uint16_t i = 0; more(c, i, m->n); i++) {
		x_enum(c, &m->v[i].kind, IPC_COMM_LARGE);
		for (unsigned k = 0; !c->why && k < numbers[m->v[i].kind]; k++)
			x_u32(c, &m->v[i].v[k]);
	}
}

static void
x_asns(struct codec *c, struct ipc_asns *m)
{
	x_count(c, &m->n, 0, IPC_FILTER_VALUES_MAX);
	for (uint16_t i = 0; more(c, i, m->n); i++)
		x_u32(c, &m->v[i]);
}

static void
x_filter_op(struct codec *c, struct ipc_filter_op *m)
{
	x_enum(c, &m->kind, IPC_NOPS - 1);
	x_u8(c, &m->times);
	x_u32(c, &m->value);
	x_addr(c, &m->addr);
	x_comms(c, &m->comms);
}

static void
x_filter_conditions(struct codec *c, struct ipc_conf_filter *m)
{
	x_prefix_opt(c, &m->cidr);
	x_enum(c, &m->match_op, IPC_MATCH_OP_NOT_EQUAL);
	x_u8(c, &m->len_min);
	x_u8(c, &m->len_max);
	x_comms(c, &m->any);
	x_comms(c, &m->all);
	x_asns(c, &m->as_prefix);
	x_asns(c, &m->as_contains);
	x_asns(c, &m->origin_as);
	x_u16(c, &m->hops_min);
	x_u16(c, &m->hops_max);
	x_prefix_opt(c, &m->next_hop);
	x_enum(c, &m->source, IPC_SOURCE_REMOTE);
	x_enum(c, &m->peer_type, IPC_PEER_TYPE_IBGP);
	x_enum(c, &m->route_type, IPC_ROUTE_TYPE_BGP);
}

static void
x_conf_filter(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_conf_filter *m = &msg->conf_filter;

	x_id(c, &m->id);
	x_text(c, m->name, sizeof(m->name));
	x_bool(c, &m->export);
	x_enum(c, &m->af, IP6);
	x_u16(c, &m->rule);
	x_filter_conditions(c, m);
	x_enum(c, &m->action, IPC_RULE_REJECT);
	x_count(c, &m->nops, 0, IPC_FILTER_OPS_MAX);
	for (uint16_t i = 0; more(c, i, m->nops); i++)
		x_filter_op(c, &m->op[i]);
}

static void
x_prefixes(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_prefixes *m = &msg->prefixes;

	x_count(c, &m->n, 0, IPC_PREFIXES_MAX);
	for (uint16_t i = 0; more(c, i, m->n); i++)
		x_prefix(c, &m->prefix[i]);
}

static void
x_conf_applied(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_conf_applied *m = &msg->conf_applied;

	x_u32(c, &m->gen);
	x_u16(c, &m->added);
	x_u16(c, &m->removed);
	x_u16(c, &m->reset);
	x_u16(c, &m->changed);
}

static void
x_originate(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_originate *m = &msg->originate;

	x_prefix(c, &m->prefix);
	x_enum(c, &m->kind, IPC_ORIG_SERVICE);
	x_bool(c, &m->has_local_pref);
	x_bool(c, &m->has_med);
	x_u32(c, &m->local_pref);
	x_u32(c, &m->med);
	x_bool(c, &m->aggregate);
	x_count(c, &m->ncomm, 0, IPC_COMM_MAX);
	for (uint16_t i = 0; more(c, i, m->ncomm); i++)
		x_u32(c, &m->comm[i]);
	x_count(c, &m->nlarge, 0, IPC_COMM_MAX);
	for (uint16_t i = 0; more(c, i, m->nlarge); i++)
		for (unsigned part = 0; part < 3; part++)
			x_u32(c, &m->large[i][part]);
	x_count(c, &m->nonly, 0, IPC_ONLY_MAX);
	for (uint16_t i = 0; more(c, i, m->nonly); i++)
		x_id(c, &m->only[i]);
}

static void
x_originate_del(struct codec *c, struct ipc_msg *msg)
{
	x_prefix(c, &msg->prefix.prefix);
}

static void
x_nothing(struct codec *c, struct ipc_msg *msg)
{
}

static void
x_conn_req(struct codec *c, struct ipc_msg *msg)
{
	x_id(c, &msg->conn_req.peer);
	x_u32(c, &msg->conn_req.token);
}

static void
x_endpoints(struct codec *c, struct ipc_endpoints *m)
{
	x_addr(c, &m->local);
	x_addr(c, &m->remote);
	x_u16(c, &m->local_port);
	x_u16(c, &m->remote_port);
	x_u32(c, &m->ifindex);
	x_addr(c, &m->self4);
	x_addr(c, &m->self6);
	x_addr(c, &m->self6ll);
}

static void
x_conn_done(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_conn_done *m = &msg->conn_done;

	x_id(c, &m->peer);
	x_u32(c, &m->token);
	x_i32(c, &m->err);
	x_text(c, m->why, sizeof(m->why));
	x_endpoints(c, &m->ep);
}

static void
x_conn_in(struct codec *c, struct ipc_msg *msg)
{
	x_endpoints(c, &msg->conn_in.ep);
}

static void
x_conn_lend(struct codec *c, struct ipc_msg *msg)
{
	x_id(c, &msg->conn_lend.peer);
}

static void
x_peer_cmd(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_peer_cmd *m = &msg->peer_cmd;

	x_u32(c, &m->peer);
	x_enum(c, &m->cmd, IPC_CMD_BFD_DOWN);
	x_text(c, m->text, sizeof(m->text));
}

static void
x_shutdown(struct codec *c, struct ipc_msg *msg)
{
	x_enum(c, &msg->shutdown.mode, IPC_SHUT_STOP);
	x_text(c, msg->shutdown.text, sizeof(msg->shutdown.text));
}

static void
x_event(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_event *m = &msg->event;

	x_enum(c, &m->level, IPC_LVL_DEBUG);
	x_u32(c, &m->peer);
	x_text(c, m->name, sizeof(m->name));
	x_text(c, m->text, sizeof(m->text));
}

/* ---- routes ---- */

static void
x_nhset(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_nhset *m = &msg->nhset;

	x_id(c, &m->id);
	x_u32(c, &m->backup);
	x_bool(c, &m->discard);
	x_count(c, &m->n, 1, IPC_MEMBERS_MAX);
	for (uint16_t i = 0; more(c, i, m->n); i++) {
		x_addr(c, &m->member[i].addr);
		x_u8(c, &m->member[i].weight);
		if (m->member[i].addr.af == IP_NONE || m->member[i].weight == 0)
			fail(c, "a next hop without address or weight");
	}
}

static void
x_nhset_del(struct codec *c, struct ipc_msg *msg)
{
	x_id(c, &msg->nhset_del.id);
}

static void
x_route(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_route *m = &msg->route;

	x_id(c, &m->set);
	x_count(c, &m->n, 0, IPC_PREFIXES_MAX);
	for (uint16_t i = 0; more(c, i, m->n); i++)
		x_prefix(c, &m->prefix[i]);
}

static void
x_sync(struct codec *c, struct ipc_msg *msg)
{
	x_u32(c, &msg->sync.gen);
}

static void
x_nh_watch(struct codec *c, struct ipc_msg *msg)
{
	x_addr(c, &msg->nh_watch.addr);
	x_bool(c, &msg->nh_watch.on);
	if (msg->nh_watch.addr.af == IP_NONE)
		fail(c, "a next hop without address");
}

static void
x_nh_state(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_nh_state *m = &msg->nh_state;

	x_addr(c, &m->addr);
	x_bool(c, &m->resolved);
	x_bool(c, &m->onlink);
	x_u32(c, &m->metric);
	x_u32(c, &m->ifindex);
	x_u32(c, &m->gen);
	x_text(c, m->why, sizeof(m->why));
	if (m->addr.af == IP_NONE)
		fail(c, "a next hop without address");
}

static void
x_verdicts(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_verdicts *m = &msg->verdicts;

	x_count(c, &m->n, 0, IPC_VERDICTS_MAX);
	for (uint16_t i = 0; more(c, i, m->n); i++) {
		x_prefix(c, &m->v[i].prefix);
		x_enum(c, &m->v[i].state, IPC_V_HELD);
		x_u16(c, &m->v[i].code);
	}
}

/* ---- queries ---- */

static void
x_query(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_query *m = &msg->query;

	x_u32(c, &m->id);
	x_enum(c, &m->kind, IPC_Q_BMP);
	x_enum(c, &m->view, IPC_VIEW_REJECTED);
	x_enum(c, &m->match, IPC_MATCH_LONGEST);
	x_u32(c, &m->peer);
	x_enum(c, &m->af, IP6);
	x_prefix_opt(c, &m->prefix);
	x_u32(c, &m->credit);
}

static void
x_query_credit(struct codec *c, struct ipc_msg *msg)
{
	x_u32(c, &msg->query_credit.id);
	x_u32(c, &msg->query_credit.credit);
}

static void
x_peer_family(struct codec *c, struct ipc_peer_family *m)
{
	x_bool(c, &m->negotiated);
	x_bool(c, &m->eor_received);
	x_bool(c, &m->eor_sent);
	x_bool(c, &m->gr_forwarding);
	x_bool(c, &m->llgr_forwarding);
	x_u32(c, &m->llgr_offered_s);
	x_u32(c, &m->llgr_peer_s);
	x_bool(c, &m->long_lived);
	x_u32(c, &m->stale_left_s);
	x_u32(c, &m->stale_of_s);
	x_bool(c, &m->addpath_rx);
	x_bool(c, &m->addpath_tx);
	x_u32(c, &m->received);
	x_u32(c, &m->accepted);
	x_u32(c, &m->rejected);
	x_u32(c, &m->stale);
	x_u32(c, &m->best);
	x_u32(c, &m->advertised);
}

/* The negotiated half of a peer's row. */
static void
x_row_peer_session(struct codec *c, struct ipc_row_peer *m)
{
	x_u32(c, &m->remote_asn);
	x_u32(c, &m->local_asn);
	x_u32(c, &m->remote_id);
	x_bool(c, &m->internal);
	x_bool(c, &m->confed);
	x_enum(c, &m->role, IPC_ROLE_PEER);
	x_enum(c, &m->peer_role, IPC_ROLE_PEER);
	x_u64(c, &m->leaks);
	x_bool(c, &m->as4);
	x_bool(c, &m->refresh);
	x_bool(c, &m->enhanced_refresh);
	x_bool(c, &m->ext_msg);
	x_bool(c, &m->ext_next_hop);
	x_bool(c, &m->gr);
	x_bool(c, &m->gr_notification);
	x_bool(c, &m->llgr);
	x_bool(c, &m->peer_restarting);
	x_u16(c, &m->gr_peer_time_s);
	x_u32(c, &m->stale_left_s);
	x_u16(c, &m->hold_s);
	x_u16(c, &m->keepalive_s);
	x_u64(c, &m->hold_left_us);
}

static void
x_row_peer(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_row_peer *m = &msg->row_peer;

	x_u32(c, &m->query);
	x_id(c, &m->id);
	x_enum(c, &m->state, IPC_ESTABLISHED);
	x_text(c, m->reason, sizeof(m->reason));
	x_text(c, m->last_error, sizeof(m->last_error));
	x_u64(c, &m->last_error_age_us);
	x_u64(c, &m->state_age_us);
	x_row_peer_session(c, m);
	for (unsigned i = 0; i < 6; i++) {
		x_u64(c, &m->msgs_in[i]);
		x_u64(c, &m->msgs_out[i]);
	}
	x_u64(c, &m->updates_in_withdraw_errs);
	x_u32(c, &m->established_count);
	x_u32(c, &m->flaps);
	x_u64(c, &m->connect_retries);
	x_endpoints(c, &m->ep);
	x_peer_family(c, &m->fam[0]);
	x_peer_family(c, &m->fam[1]);
}

/* The texts of a path's row. */
static void
x_row_path_texts(struct codec *c, struct ipc_row_path *m)
{
	x_text(c, m->decision, sizeof(m->decision));
	x_text(c, m->rejected, sizeof(m->rejected));
	x_text(c, m->policy, sizeof(m->policy));
	x_text(c, m->nh_why, sizeof(m->nh_why));
	x_text(c, m->as_path, sizeof(m->as_path));
	x_text(c, m->communities, sizeof(m->communities));
	x_text(c, m->large_communities, sizeof(m->large_communities));
	x_text(c, m->ext_communities, sizeof(m->ext_communities));
	x_text(c, m->cluster_list, sizeof(m->cluster_list));
	x_text(c, m->unknown, sizeof(m->unknown));
}

static void
x_row_path(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_row_path *m = &msg->row_path;

	x_u32(c, &m->query);
	x_prefix(c, &m->prefix);
	x_u32(c, &m->peer);
	x_u32(c, &m->path_id);
	x_u32(c, &m->flags);
	x_u32(c, &m->remote_id);
	x_u64(c, &m->age_us);
	x_addr(c, &m->next_hop);
	x_addr(c, &m->next_hop_ll);
	x_enum(c, &m->origin, 2);
	x_bool(c, &m->has_med);
	x_bool(c, &m->has_local_pref);
	x_bool(c, &m->atomic_aggregate);
	x_u32(c, &m->med);
	x_u32(c, &m->local_pref);
	x_u32(c, &m->aggregator_asn);
	x_u32(c, &m->aggregator_id);
	x_u32(c, &m->originator_id);
	x_u32(c, &m->otc);
	x_u32(c, &m->igp_metric);
	x_u16(c, &m->weight);
	x_enum(c, &m->fib_state, IPC_V_HELD);
	x_u16(c, &m->fib_code);
	x_u32(c, &m->stale_left_s);
	x_u32(c, &m->stale_of_s);
	x_row_path_texts(c, m);
}

static void
x_row_stats(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_row_stats *m = &msg->row_stats;

	x_u32(c, &m->query);
	x_u64(c, &m->uptime_us);
	x_u32(c, &m->peers);
	x_u32(c, &m->established);
	for (unsigned i = 0; i < 2; i++) {
		x_u64(c, &m->destinations[i]);
		x_u64(c, &m->paths[i]);
		x_u64(c, &m->best[i]);
	}
	x_u64(c, &m->attr_sets);
	x_u64(c, &m->update_groups);
	x_u64(c, &m->updates_in);
	x_u64(c, &m->updates_out);
	x_u64(c, &m->msgs_in);
	x_u64(c, &m->msgs_out);
	x_u64(c, &m->decisions);
	x_u64(c, &m->fib_pending);
	x_bool(c, &m->deferring);
	x_text(c, m->deferring_for, sizeof(m->deferring_for));
}

static void
x_conf_bmp(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_conf_bmp *m = &msg->conf_bmp;

	x_id(c, &m->id);
	x_text(c, m->name, sizeof(m->name));
	x_addr(c, &m->addr);
	x_addr(c, &m->source);
	x_u16(c, &m->port);
	x_enum(c, &m->ribs, 15);
	x_u32(c, &m->stats_s);
	x_u32(c, &m->retry_ms);
	x_u32(c, &m->stall_ms);
	x_text(c, m->sys_name, sizeof(m->sys_name));
	x_text(c, m->sys_descr, sizeof(m->sys_descr));
}

static void
x_bmp_req(struct codec *c, struct ipc_msg *msg)
{
	x_id(c, &msg->bmp_req.id);
	x_u32(c, &msg->bmp_req.token);
}

static void
x_bmp_done(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_bmp_done *m = &msg->bmp_done;

	x_id(c, &m->id);
	x_u32(c, &m->token);
	x_i32(c, &m->err);
	x_text(c, m->why, sizeof(m->why));
}

static void
x_mrt_start(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_mrt_start *m = &msg->mrt_start;

	x_id(c, &m->id);
	x_enum(c, &m->kind, IPC_MRT_RECORD);
	x_u32(c, &m->peer);
}

static void
x_mrt_stop(struct codec *c, struct ipc_msg *msg)
{
	x_id(c, &msg->mrt_stop.id);
}

static void
x_mrt_done(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_mrt_done *m = &msg->mrt_done;

	x_id(c, &m->id);
	x_i32(c, &m->err);
	x_u64(c, &m->records);
	x_u64(c, &m->octets);
	x_u64(c, &m->lost);
	x_text(c, m->why, sizeof(m->why));
}

static void
x_row_bmp(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_row_bmp *m = &msg->row_bmp;

	x_u32(c, &m->query);
	x_id(c, &m->id);
	x_enum(c, &m->state, IPC_BMP_UP);
	x_u64(c, &m->state_age_us);
	x_text(c, m->reason, sizeof(m->reason));
	x_u64(c, &m->messages);
	x_u64(c, &m->octets);
	x_u64(c, &m->dropped);
	x_u64(c, &m->queued_octets);
	x_u32(c, &m->connects);
	x_u32(c, &m->overflows);
	x_u32(c, &m->peers);
}

static void
x_query_end(struct codec *c, struct ipc_msg *msg)
{
	x_u32(c, &msg->query_end.id);
	x_enum(c, &msg->query_end.status, 2);
}

/* ---- BFD ---- */

static void
x_bfd_begin(struct codec *c, struct ipc_msg *msg)
{
	x_u16(c, &msg->bfd_begin.version);
}

/* A key of key_len octets; what is behind it is 0. */
static void
x_bfd_key(struct codec *c, struct ipc_bfd_session *m)
{
	x_u8(c, &m->key_len);
	if (m->key_len > IPC_BFD_KEY_MAX) {
		fail(c, "a key is too long");
		return;
	}
	if (!c->r) {
		wr_bytes(c->w, m->key, m->key_len);
		return;
	}
	rd_copy(c->r, m->key, m->key_len);
	memset(m->key + m->key_len, 0, sizeof(m->key) - m->key_len);
}

static void
x_bfd_session(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_bfd_session *m = &msg->bfd_session;

	x_id(c, &m->id);
	x_addr(c, &m->remote);
	x_addr(c, &m->local);
	x_u32(c, &m->ifindex);
	x_bool(c, &m->multihop);
	x_id(c, &m->rx_us);
	x_id(c, &m->tx_us);
	x_u8(c, &m->detect_mult);
	x_u8(c, &m->min_ttl);
	x_bool(c, &m->passive);
	x_bool(c, &m->admin_down);
	x_enum(c, &m->auth, IPC_BFD_AUTH_METICULOUS_SHA1);
	x_u8(c, &m->key_id);
	x_bfd_key(c, m);
	if (m->remote.af == IP_NONE || m->detect_mult == 0)
		fail(c, "a BFD session without address or multiplier");
}

static void
x_bfd_del(struct codec *c, struct ipc_msg *msg)
{
	x_id(c, &msg->bfd_del.id);
	x_bool(c, &msg->bfd_del.tell);
}

static void
x_bfd_state_fields(struct codec *c, struct ipc_bfd_state_msg *m)
{
	x_id(c, &m->id);
	x_enum(c, &m->was, IPC_BFD_UP);
	x_enum(c, &m->state, IPC_BFD_UP);
	x_enum(c, &m->remote_state, IPC_BFD_UP);
	x_bool(c, &m->remote_independent);
	x_u8(c, &m->diag);
	x_u8(c, &m->remote_diag);
	x_text(c, m->diag_text, sizeof(m->diag_text));
	x_text(c, m->remote_diag_text, sizeof(m->remote_diag_text));
	x_u64(c, &m->silent_us);
	x_u32(c, &m->detect_us);
}

static void
x_bfd_state(struct codec *c, struct ipc_msg *msg)
{
	x_bfd_state_fields(c, &msg->bfd_state);
}

static void
x_bfd_query(struct codec *c, struct ipc_msg *msg)
{
	x_u32(c, &msg->bfd_query.query);
}

static void
x_row_bfd(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_row_bfd *m = &msg->row_bfd;

	x_u32(c, &m->query);
	x_bfd_state_fields(c, &m->s);
	x_u64(c, &m->state_age_us);
	x_u32(c, &m->discr);
	x_u32(c, &m->remote_discr);
	x_u32(c, &m->tx_us);
	x_u32(c, &m->remote_tx_us);
	x_u32(c, &m->remote_rx_us);
	x_u8(c, &m->remote_mult);
	x_bool(c, &m->remote_demand);
	x_bool(c, &m->polling);
	x_bool(c, &m->resumed);
	x_bool(c, &m->leaving);
	x_u64(c, &m->last_down_age_us);
	x_text(c, m->last_down, sizeof(m->last_down));
	x_u64(c, &m->rx);
	x_u64(c, &m->tx);
	x_u64(c, &m->ups);
	x_u64(c, &m->downs);
	x_text(c, m->drops, sizeof(m->drops));
}

static void
x_bfd_stats(struct codec *c, struct ipc_msg *msg)
{
	struct ipc_bfd_stats *m = &msg->bfd_stats;

	x_u32(c, &m->query);
	x_u32(c, &m->sessions);
	x_u32(c, &m->resumed);
	x_u64(c, &m->uptime_us);
	x_u64(c, &m->late_us);
	x_text(c, m->drops, sizeof(m->drops));
}

/* ---- tables ---- */

/* Octets on the wire of the parts that vary: shortest and longest. */
#define ADDR_MIN     5
#define ADDR_MAX     21
#define PREFIX_MIN   2
#define PREFIX_MAX   18
#define TEXT_MIN     2
#define TEXT_MAX(n)  (2 + (n) - 1)
#define EP_MIN	     (8 + 5 * ADDR_MIN)
#define EP_MAX	     (8 + 5 * ADDR_MAX)
#define PEER_FIXED   (2 + 71 + 2 * 10)
#define ORIG_FIXED   (2 + 18)
#define PATH_FIXED   (2 + 73)
#define ROWPEER_FIXED (2 + 9 + 16 + 51 + 96 + 24 + 2 * 48)
#define STATS_FIXED  (2 + 20 + 48 + 64 + 1)
#define PEER_TEXTS_MIN (3 * TEXT_MIN)
#define PEER_TEXTS_MAX (TEXT_MAX(IPC_NAME_MAX) + TEXT_MAX(IPC_IFNAME_MAX) + \
	TEXT_MAX(IPC_DRAIN_TEXT_MAX))
#define FILTERS_MIN  2 /* in a peer's settings */
#define FILTERS_MAX  (2 + IPC_FILTERS_MAX * 4)
#define FILTER_FIXED (2 + 8 + 3 + 5 * 2 + 4 + 3 + 3)
#define COMMS_MAX    (IPC_FILTER_VALUES_MAX * 13)
#define ASNS_MAX     (IPC_FILTER_VALUES_MAX * 4)
#define BFD_SESSION_FIXED (2 + 4 + 4 + 1 + 8 + 6 + 1)
#define BFD_STATE_FIXED (4 + 6 + 12)
#define BFDROW_FIXED (2 + 4 + BFD_STATE_FIXED + 8 + 20 + 5 + 8 + 32)

const struct ipc_desc ipc_desc[IPC_NTYPES] = {
	[IPC_HELLO] = { "hello", IPC_AGENT, true, IPC_CHAN_CONTROL, 21, 21, false },
	[IPC_CONF_BEGIN] = { "conf-begin", IPC_AGENT, false, IPC_CHAN_CONTROL, 6, 6, false },
	[IPC_CONF_SPEAKER] = { "conf-speaker", IPC_AGENT, false, IPC_CHAN_CONTROL, 34,
	    34 + IPC_CONFED_MAX * 4, false },
	[IPC_CONF_PEER] = { "conf-peer", IPC_AGENT, false, IPC_CHAN_CONTROL,
	    PEER_FIXED + FILTERS_MIN + PEER_TEXTS_MIN + 3 * ADDR_MIN,
	    PEER_FIXED + FILTERS_MAX + PEER_TEXTS_MAX + 3 * ADDR_MAX, false },
	[IPC_CONF_FILTER] = { "conf-filter", IPC_AGENT, false, IPC_CHAN_CONTROL,
	    FILTER_FIXED + TEXT_MIN + 2 * PREFIX_MIN,
	    FILTER_FIXED + TEXT_MAX(IPC_NAME_MAX) + 2 * PREFIX_MAX + 2 * COMMS_MAX + 3 * ASNS_MAX +
		IPC_FILTER_OPS_MAX * (6 + ADDR_MAX + 2 + COMMS_MAX),
	    false },
	[IPC_CONF_PERMIT] = { "conf-permit", IPC_AGENT, false, IPC_CHAN_CONTROL, 4,
	    4 + IPC_PREFIXES_MAX * PREFIX_MAX, false },
	[IPC_CONF_OTHERS] = { "conf-others", IPC_AGENT, false, IPC_CHAN_CONTROL, 4, 4 + 4 * IPC_GONE_MAX, false },
	[IPC_CONF_END] = { "conf-end", IPC_AGENT, false, IPC_CHAN_CONTROL, 6, 6, false },
	[IPC_CONF_APPLIED] = { "conf-applied", IPC_BGPD, false, IPC_CHAN_CONTROL, 14, 14, false },
	[IPC_ORIGINATE] = { "originate", IPC_AGENT, false, IPC_CHAN_CONTROL,
	    ORIG_FIXED + PREFIX_MIN,
	    ORIG_FIXED + PREFIX_MAX + IPC_COMM_MAX * (4 + 12) + IPC_ONLY_MAX * 4, false },
	[IPC_ORIGINATE_DEL] = { "originate-del", IPC_AGENT, false, IPC_CHAN_CONTROL,
	    2 + PREFIX_MIN, 2 + PREFIX_MAX, false },
	[IPC_ORIGINATE_END] = { "originate-end", IPC_AGENT, false, IPC_CHAN_CONTROL, 2, 2, false },
	[IPC_CONN_REQ] = { "conn-req", IPC_BGPD, false, IPC_CHAN_CONTROL, 10, 10, false },
	[IPC_CONN_CANCEL] = { "conn-cancel", IPC_BGPD, false, IPC_CHAN_CONTROL, 10, 10, false },
	[IPC_CONN_DONE] = { "conn-done", IPC_AGENT, false, IPC_CHAN_CONTROL, 14 + TEXT_MIN + EP_MIN,
	    14 + TEXT_MAX(IPC_TEXT_MAX) + EP_MAX, true },
	[IPC_CONN_IN] = { "conn-in", IPC_AGENT, false, IPC_CHAN_CONTROL, 2 + EP_MIN, 2 + EP_MAX,
	    true },
	[IPC_PEER_ADD] = { "peer-add", IPC_AGENT, false, IPC_CHAN_CONTROL,
	    PEER_FIXED + FILTERS_MIN + PEER_TEXTS_MIN + 3 * ADDR_MIN,
	    PEER_FIXED + FILTERS_MAX + PEER_TEXTS_MAX + 3 * ADDR_MAX, false },
	[IPC_PEER_GONE] = { "peer-gone", IPC_BGPD, false, IPC_CHAN_CONTROL, 6, 6, false },
	[IPC_CONN_LEND] = { "conn-lend", IPC_AGENT, false, IPC_CHAN_CONTROL, 6, 6, false },
	[IPC_CONN_LENT] = { "conn-lent", IPC_BGPD, false, IPC_CHAN_CONTROL, 6, 6, true },
	[IPC_PEER_CMD] = { "peer-cmd", IPC_AGENT, false, IPC_CHAN_CONTROL, 7 + TEXT_MIN,
	    7 + TEXT_MAX(IPC_TEXT_MAX), false },
	[IPC_SHUTDOWN] = { "shutdown", IPC_AGENT, false, IPC_CHAN_CONTROL, 3 + TEXT_MIN,
	    3 + TEXT_MAX(IPC_TEXT_MAX), false },
	[IPC_SHUTDOWN_DONE] = { "shutdown-done", IPC_BGPD, false, IPC_CHAN_CONTROL, 2, 2, false },
	[IPC_EVENT] = { "event", IPC_BGPD, false, IPC_CHAN_CONTROL, 7 + 2 * TEXT_MIN,
	    7 + TEXT_MAX(IPC_NAME_MAX) + TEXT_MAX(IPC_TEXT_MAX), false },
	[IPC_CONF_BMP] = { "conf-bmp", IPC_AGENT, false, IPC_CHAN_CONTROL,
	    21 + 2 * ADDR_MIN + 3 * TEXT_MIN, 21 + 2 * ADDR_MAX + 3 * TEXT_MAX(IPC_NAME_MAX), false },
	[IPC_BMP_REQ] = { "bmp-req", IPC_BGPD, false, IPC_CHAN_CONTROL, 10, 10, false },
	[IPC_BMP_DONE] = { "bmp-done", IPC_AGENT, false, IPC_CHAN_CONTROL, 14 + TEXT_MIN,
	    14 + TEXT_MAX(IPC_TEXT_MAX), true },
	[IPC_MRT_START] = { "mrt-start", IPC_AGENT, false, IPC_CHAN_CONTROL, 11, 11, true },
	[IPC_MRT_STOP] = { "mrt-stop", IPC_AGENT, false, IPC_CHAN_CONTROL, 6, 6, false },
	[IPC_MRT_DONE] = { "mrt-done", IPC_BGPD, false, IPC_CHAN_CONTROL, 34 + TEXT_MIN,
	    34 + TEXT_MAX(IPC_TEXT_MAX), false },
	[IPC_DRAINED] = { "drained", IPC_BGPD, false, IPC_CHAN_CONTROL, 9, 9, false },
	[IPC_PEER_SESSION] = { "peer-session", IPC_BGPD, false, IPC_CHAN_CONTROL, 7, 7, false },

	[IPC_NHSET] = { "nhset", IPC_BGPD, false, IPC_CHAN_ROUTES, 13 + (ADDR_MIN + 4) + 1,
	    13 + IPC_MEMBERS_MAX * (ADDR_MAX + 1), false },
	[IPC_NHSET_DEL] = { "nhset-del", IPC_BGPD, false, IPC_CHAN_ROUTES, 6, 6, false },
	[IPC_ROUTE] = { "route", IPC_BGPD, false, IPC_CHAN_ROUTES, 8,
	    8 + IPC_PREFIXES_MAX * PREFIX_MAX, false },
	[IPC_ROUTE_DEL] = { "route-del", IPC_BGPD, false, IPC_CHAN_ROUTES, 4,
	    4 + IPC_PREFIXES_MAX * PREFIX_MAX, false },
	[IPC_SYNC_BEGIN] = { "sync-begin", IPC_BGPD, false, IPC_CHAN_ROUTES, 6, 6, false },
	[IPC_SYNC_END] = { "sync-end", IPC_BGPD, false, IPC_CHAN_ROUTES, 6, 6, false },
	[IPC_NH_WATCH] = { "nh-watch", IPC_BGPD, false, IPC_CHAN_ROUTES, 3 + ADDR_MIN + 4,
	    3 + ADDR_MAX, false },
	[IPC_NH_STATE] = { "nh-state", IPC_AGENT, false, IPC_CHAN_ROUTES,
	    16 + ADDR_MIN + 4 + TEXT_MIN, 16 + ADDR_MAX + TEXT_MAX(IPC_TEXT_MAX), false },
	[IPC_VERDICT] = { "verdict", IPC_AGENT, false, IPC_CHAN_ROUTES, 4,
	    4 + IPC_VERDICTS_MAX * (PREFIX_MAX + 3), false },

	[IPC_QUERY] = { "query", IPC_AGENT, false, IPC_CHAN_QUERIES, 18 + PREFIX_MIN,
	    18 + PREFIX_MAX, false },
	[IPC_QUERY_CREDIT] = { "query-credit", IPC_AGENT, false, IPC_CHAN_QUERIES, 10, 10, false },
	[IPC_QUERY_CANCEL] = { "query-cancel", IPC_AGENT, false, IPC_CHAN_QUERIES, 10, 10, false },
	[IPC_ROW_PEER] = { "row-peer", IPC_BGPD, false, IPC_CHAN_QUERIES,
	    ROWPEER_FIXED + 2 * TEXT_MIN + EP_MIN,
	    ROWPEER_FIXED + 2 * TEXT_MAX(IPC_TEXT_MAX) + EP_MAX, false },
	[IPC_ROW_PATH] = { "row-path", IPC_BGPD, false, IPC_CHAN_QUERIES,
	    PATH_FIXED + PREFIX_MIN + 2 * ADDR_MIN + 10 * TEXT_MIN,
	    PATH_FIXED + PREFIX_MAX + 2 * ADDR_MAX + TEXT_MAX(IPC_NAME_MAX) +
		5 * TEXT_MAX(IPC_TEXT_MAX) + 4 * TEXT_MAX(IPC_PATH_TEXT_MAX),
	    false },
	[IPC_ROW_STATS] = { "row-stats", IPC_BGPD, false, IPC_CHAN_QUERIES, STATS_FIXED + TEXT_MIN,
	    STATS_FIXED + TEXT_MAX(IPC_TEXT_MAX), false },
	[IPC_QUERY_END] = { "query-end", IPC_BGPD, false, IPC_CHAN_QUERIES, 7, 7, false },
	[IPC_ROW_BMP] = { "row-bmp", IPC_BGPD, false, IPC_CHAN_QUERIES, 63 + TEXT_MIN,
	    63 + TEXT_MAX(IPC_TEXT_MAX), false },

	[IPC_BFD_BEGIN] = { "bfd-begin", IPC_AGENT, false, IPC_CHAN_BFD, 4, 4, false },
	[IPC_BFD_SESSION] = { "bfd-session", IPC_AGENT, false, IPC_CHAN_BFD,
	    BFD_SESSION_FIXED + 2 * ADDR_MIN + 4, BFD_SESSION_FIXED + 2 * ADDR_MAX + IPC_BFD_KEY_MAX,
	    false },
	[IPC_BFD_DEL] = { "bfd-del", IPC_AGENT, false, IPC_CHAN_BFD, 7, 7, false },
	[IPC_BFD_END] = { "bfd-end", IPC_AGENT, false, IPC_CHAN_BFD, 2, 2, false },
	[IPC_BFD_STATE] = { "bfd-state", IPC_BFDD, false, IPC_CHAN_BFD,
	    2 + BFD_STATE_FIXED + 2 * TEXT_MIN, 2 + BFD_STATE_FIXED + 2 * TEXT_MAX(IPC_NAME_MAX),
	    false },
	[IPC_BFD_QUERY] = { "bfd-query", IPC_AGENT, false, IPC_CHAN_BFD, 6, 6, false },
	[IPC_ROW_BFD] = { "row-bfd", IPC_BFDD, false, IPC_CHAN_BFD, BFDROW_FIXED + 4 * TEXT_MIN,
	    BFDROW_FIXED + 3 * TEXT_MAX(IPC_NAME_MAX) + TEXT_MAX(IPC_TEXT_MAX), false },
	[IPC_BFD_STATS] = { "bfd-stats", IPC_BFDD, false, IPC_CHAN_BFD, 30 + TEXT_MIN,
	    30 + TEXT_MAX(IPC_TEXT_MAX), false },
	[IPC_RA_SOCKET] = { "ra-socket", IPC_AGENT, false, IPC_CHAN_CONTROL, 2, 2, true },
	[IPC_PEER_ADDR] = { "peer-addr", IPC_BGPD, false, IPC_CHAN_CONTROL, 6 + ADDR_MIN, 6 + ADDR_MAX,
	    false },
};

/*
 * How to run over each message, and how much of its struct to clear before decoding:
 * all of it but long arrays, so that padding and unused places are zero.
 */
static const struct {
	void (*run)(struct codec *c, struct ipc_msg *msg);
	size_t clear;
} codecs[IPC_NTYPES] = {
	[IPC_HELLO] = { x_hello, sizeof(struct ipc_hello) },
	[IPC_CONF_BEGIN] = { x_conf_begin, sizeof(struct ipc_conf_begin) },
	[IPC_CONF_SPEAKER] = { x_conf_speaker, sizeof(struct ipc_conf_speaker) },
	[IPC_CONF_PEER] = { x_conf_peer, sizeof(struct ipc_conf_peer) },
	[IPC_CONF_FILTER] = { x_conf_filter, sizeof(struct ipc_conf_filter) },
	[IPC_CONF_PERMIT] = { x_prefixes, offsetof(struct ipc_prefixes, prefix) },
	[IPC_CONF_OTHERS] = { x_conf_others, sizeof(struct ipc_conf_others) },
	[IPC_CONF_END] = { x_conf_begin, sizeof(struct ipc_conf_begin) },
	[IPC_CONF_APPLIED] = { x_conf_applied, sizeof(struct ipc_conf_applied) },
	[IPC_ORIGINATE] = { x_originate, sizeof(struct ipc_originate) },
	[IPC_ORIGINATE_DEL] = { x_originate_del, sizeof(struct ipc_prefix) },
	[IPC_ORIGINATE_END] = { x_nothing, 0 },
	[IPC_CONN_REQ] = { x_conn_req, sizeof(struct ipc_conn_req) },
	[IPC_CONN_CANCEL] = { x_conn_req, sizeof(struct ipc_conn_req) },
	[IPC_CONN_DONE] = { x_conn_done, sizeof(struct ipc_conn_done) },
	[IPC_CONN_IN] = { x_conn_in, sizeof(struct ipc_conn_in) },
	[IPC_PEER_ADD] = { x_conf_peer, sizeof(struct ipc_conf_peer) },
	[IPC_PEER_GONE] = { x_peer_gone, sizeof(struct ipc_peer_gone) },
	[IPC_CONN_LEND] = { x_conn_lend, sizeof(struct ipc_conn_lend) },
	[IPC_CONN_LENT] = { x_conn_lend, sizeof(struct ipc_conn_lend) },
	[IPC_PEER_CMD] = { x_peer_cmd, sizeof(struct ipc_peer_cmd) },
	[IPC_SHUTDOWN] = { x_shutdown, sizeof(struct ipc_shutdown) },
	[IPC_SHUTDOWN_DONE] = { x_nothing, 0 },
	[IPC_EVENT] = { x_event, sizeof(struct ipc_event) },
	[IPC_CONF_BMP] = { x_conf_bmp, sizeof(struct ipc_conf_bmp) },
	[IPC_BMP_REQ] = { x_bmp_req, sizeof(struct ipc_bmp_req) },
	[IPC_BMP_DONE] = { x_bmp_done, sizeof(struct ipc_bmp_done) },
	[IPC_MRT_START] = { x_mrt_start, sizeof(struct ipc_mrt_start) },
	[IPC_MRT_STOP] = { x_mrt_stop, sizeof(struct ipc_mrt_stop) },
	[IPC_MRT_DONE] = { x_mrt_done, sizeof(struct ipc_mrt_done) },
	[IPC_DRAINED] = { x_drained, sizeof(struct ipc_drained) },
	[IPC_PEER_SESSION] = { x_peer_session, sizeof(struct ipc_peer_session) },
	[IPC_NHSET] = { x_nhset, sizeof(struct ipc_nhset) },
	[IPC_NHSET_DEL] = { x_nhset_del, sizeof(struct ipc_nhset_del) },
	[IPC_ROUTE] = { x_route, offsetof(struct ipc_route, prefix) },
	[IPC_ROUTE_DEL] = { x_prefixes, offsetof(struct ipc_prefixes, prefix) },
	[IPC_SYNC_BEGIN] = { x_sync, sizeof(struct ipc_sync) },
	[IPC_SYNC_END] = { x_sync, sizeof(struct ipc_sync) },
	[IPC_NH_WATCH] = { x_nh_watch, sizeof(struct ipc_nh_watch) },
	[IPC_NH_STATE] = { x_nh_state, sizeof(struct ipc_nh_state) },
	[IPC_VERDICT] = { x_verdicts, offsetof(struct ipc_verdicts, v) },
	[IPC_QUERY] = { x_query, sizeof(struct ipc_query) },
	[IPC_QUERY_CREDIT] = { x_query_credit, sizeof(struct ipc_query_credit) },
	[IPC_QUERY_CANCEL] = { x_query_credit, sizeof(struct ipc_query_credit) },
	[IPC_ROW_PEER] = { x_row_peer, sizeof(struct ipc_row_peer) },
	[IPC_ROW_PATH] = { x_row_path, sizeof(struct ipc_row_path) },
	[IPC_ROW_STATS] = { x_row_stats, sizeof(struct ipc_row_stats) },
	[IPC_QUERY_END] = { x_query_end, sizeof(struct ipc_query_end) },
	[IPC_ROW_BMP] = { x_row_bmp, sizeof(struct ipc_row_bmp) },
	[IPC_BFD_BEGIN] = { x_bfd_begin, sizeof(struct ipc_bfd_begin) },
	[IPC_BFD_SESSION] = { x_bfd_session, sizeof(struct ipc_bfd_session) },
	[IPC_BFD_DEL] = { x_bfd_del, sizeof(struct ipc_bfd_del) },
	[IPC_BFD_END] = { x_nothing, 0 },
	[IPC_BFD_STATE] = { x_bfd_state, sizeof(struct ipc_bfd_state_msg) },
	[IPC_BFD_QUERY] = { x_bfd_query, sizeof(struct ipc_bfd_query) },
	[IPC_ROW_BFD] = { x_row_bfd, sizeof(struct ipc_row_bfd) },
	[IPC_BFD_STATS] = { x_bfd_stats, sizeof(struct ipc_bfd_stats) },
	[IPC_RA_SOCKET] = { x_nothing, 0 },
	[IPC_PEER_ADDR] = { x_peer_addr, sizeof(struct ipc_peer_addr) },
};

/* ---- interface ---- */

static bool
is_type(unsigned type)
{
	return type < IPC_NTYPES && ipc_desc[type].name != NULL;
}

size_t
ipcmsg_encode(const struct ipc_msg *msg, uint8_t *buf, size_t cap)
{
	struct wr w = wr_init(buf, cap);
	struct codec c = { .w = &w };

	if (!is_type(msg->type))
		return 0;
	wr_u16(&w, (uint16_t)msg->type);
	codecs[msg->type].run(&c, (struct ipc_msg *)(uintptr_t)msg); /* reads only: c has no reader */
	return c.why || w.full ? 0 : wr_len(&w);
}

/* Is a message of that type and length allowed from there? NULL, or what is wrong. */
static const char *
misplaced(enum ipc_side from, enum ipc_chan chan, unsigned type, size_t len)
{
	const struct ipc_desc *d;

	if (!is_type(type))
		return "unknown message type";
	d = &ipc_desc[type];
	if (d->sender != from && !d->both)
		return "message from the wrong side";
	if (d->chan != chan)
		return "message on the wrong channel";
	if (len < d->min)
		return "message too short";
	return len > d->max ? "message too long" : NULL;
}

const char *
ipcmsg_decode(enum ipc_side from, enum ipc_chan chan, const uint8_t *buf, size_t len,
    struct ipc_msg *ret)
{
	struct rd r = rd_init(buf, len);
	struct codec c = { .r = &r };
	unsigned type = rd_u16(&r);
	const char *why = misplaced(from, chan, type, len);

	if (why)
		return why;
	ret->type = (enum ipc_type)type;
	memset((char *)ret + offsetof(struct ipc_msg, hello), 0, codecs[type].clear);
	codecs[type].run(&c, ret);
	if (r.bad)
		return "message ends inside a field";
	if (c.why)
		return c.why;
	return rd_done(&r) ? NULL : "octets left over at the end";
}

const char *
ipc_fsm_state_name(enum ipc_fsm_state s)
{
	switch (s) {
	case IPC_IDLE:
		return "Idle";
	case IPC_CONNECT:
		return "Connect";
	case IPC_ACTIVE:
		return "Active";
	case IPC_OPENSENT:
		return "OpenSent";
	case IPC_OPENCONFIRM:
		return "OpenConfirm";
	case IPC_ESTABLISHED:
		return "Established";
	}
	return "unknown";
}

const char *
ipc_role_name(enum ipc_role r)
{
	switch (r) {
	case IPC_ROLE_NONE:
		return "";
	case IPC_ROLE_PROVIDER:
		return "provider";
	case IPC_ROLE_RS:
		return "rs-server";
	case IPC_ROLE_RS_CLIENT:
		return "rs-client";
	case IPC_ROLE_CUSTOMER:
		return "customer";
	case IPC_ROLE_PEER:
		return "peer";
	}
	return "unknown";
}

const char *
ipc_verdict_name(enum ipc_verdict_state s)
{
	switch (s) {
	case IPC_V_PENDING:
		return "pending";
	case IPC_V_INSTALLED:
		return "installed";
	case IPC_V_REFUSED:
		return "refused";
	case IPC_V_FAILED:
		return "failed";
	case IPC_V_FOREIGN:
		return "foreign";
	case IPC_V_SHADOWED:
		return "shadowed";
	case IPC_V_HELD:
		return "held";
	}
	return "unknown";
}

const char *
ipc_refusal_text(enum ipc_refusal r)
{
	switch (r) {
	case IPC_REF_NONE:
		return "not refused";
	case IPC_REF_INSTALL_OFF:
		return "kernel.install is false: no routes are installed on this node";
	case IPC_REF_NO_PERMIT:
		return "kernel.permit is not set: nothing may be installed";
	case IPC_REF_NOT_PERMITTED:
		return "outside the prefixes that kernel.permit allows";
	case IPC_REF_DEFAULT:
		return "the default route is not permitted by kernel.permit";
	case IPC_REF_OWN_ADDRESS:
		return "would take over traffic to an address of this node";
	case IPC_REF_PEER_ADDRESS:
		return "would take over traffic to a BGP peer or next hop";
	case IPC_REF_PROTECTED:
		return "would take over traffic to an address under kernel.protect";
	case IPC_REF_OWN_PREFIX:
		return "this node announces that prefix, or one around it, itself";
	case IPC_REF_VIA_SELF:
		return "its next hop would be reached through this very route";
	case IPC_REF_MARTIAN:
		return "a loopback, multicast, link-local or unspecified prefix";
	case IPC_REF_LIMIT:
		return "kernel.maxRoutes is reached";
	case IPC_REF_FAMILY:
		return "the next hop's address family cannot be used for this route";
	case IPC_NREFUSALS:
		break;
	}
	return "unknown";
}

const char *
ipc_bmp_state_name(enum ipc_bmp_state s)
{
	switch (s) {
	case IPC_BMP_WAITING:
		return "waiting";
	case IPC_BMP_CONNECTING:
		return "connecting";
	case IPC_BMP_DUMPING:
		return "dumping";
	case IPC_BMP_UP:
		return "up";
	}
	return "unknown";
}

const char *
ipc_bfd_state_name(enum ipc_bfd_state s)
{
	switch (s) {
	case IPC_BFD_ADMIN_DOWN:
		return "AdminDown";
	case IPC_BFD_DOWN:
		return "Down";
	case IPC_BFD_INIT:
		return "Init";
	case IPC_BFD_UP:
		return "Up";
	}
	return "unknown";
}
