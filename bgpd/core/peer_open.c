/*
 * OPENs: the one we send, the judgement of theirs, and which connection wins
 * when there are two.
 *
 * Collisions (RFC 4271 section 6.8, RFC 6286 section 2.3): the connection that
 * the speaker with the higher identifier (equal: the larger AS) dialled is
 * kept.  We know the peer's identifier as soon as its first OPEN is there, so
 * connections in OpenSent are examined, too.  Two cases cannot be decided at
 * once without risking that each side closes a different one:
 *
 *  - the OPEN came on the connection that ought to lose, and the other one has
 *    not shown its OPEN yet: it may never do so;
 *  - the other one ought to lose, but is Established, or will be at the peer
 *    when our KEEPALIVE arrives: the peer may have decided either way.
 *
 * The session then stays in OpenSent, its OPEN noted ("parked"), until the
 * other connection ends, shows its OPEN, or TIMER_COLLISION fires.
 *
 * A connection that is younger than the Established session by more than a
 * second is no collision of two start-ups: the peer has lost the old one.
 * With graceful restart the old one ends as if TCP had failed (RFC 4724
 * section 5); without, a KEEPALIVE is sent on it, which a peer that lost it
 * answers with a reset, and the new one gets a second.
 */
#include <stdio.h>
#include <string.h>

#include "bgpd/core/peer_int.h"

#define PARK_UNSEEN_US	    300000 /* the other OPEN may be under way */
#define PARK_CONFIRM_US	    100000 /* the peer's KEEPALIVE may be under way */
#define PARK_ESTABLISHED_US 1000000 /* the peer's NOTIFICATION may be under way */
#define STARTUP_S	    1

/* ---- ours --------------------------------------------------------------------------- */

static bool
is_member(const struct ipc_conf_speaker *conf, uint32_t asn)
{
	for (uint16_t i = 0; i < conf->nmembers; i++)
		if (conf->member[i] == asn)
			return conf->confed_id != 0;
	return conf->confed_id != 0 && asn == conf->asn;
}

/* Is the peer configured as one inside our confederation, in our Member-AS or in another? */
static bool
expects_member(const struct peer *p)
{
	const struct ipc_conf_speaker *conf = p->env->conf;

	switch ((enum ipc_asn_mode)p->conf.asn_mode) {
	case IPC_ASN_NUMBER:
		return is_member(conf, p->conf.asn);
	case IPC_ASN_INTERNAL:
		return conf->confed_id != 0;
	case IPC_ASN_EXTERNAL:
		break;
	}
	return false;
}

uint32_t
peer_local_asn(const struct peer *p)
{
	if (p->conf.local_asn && !p->show_own_asn)
		return p->conf.local_asn;
	if (p->env->conf->confed_id && !expects_member(p))
		return p->env->conf->confed_id;
	return p->env->conf->asn;
}

/* As on the wire: RFC 9234 section 4.1. */
static uint8_t
role_value(enum ipc_role role)
{
	return (uint8_t)(role - IPC_ROLE_PROVIDER);
}

/* RFC 8950 section 4; by itself only where the IPv6 next hop is the session's own business. */
static bool
offers_ext_next_hop(const struct session *s)
{
	const struct ipc_conf_peer *conf = &s->peer->conf;

	if (!(conf->families & AF_BIT(IP4)))
		return false;
	return conf->ext_next_hop == IPC_ON ||
	    (conf->ext_next_hop == IPC_AUTO && s->conn && s->conn->ep.remote.af == IP6);
}

/* Only in families for which it is configured: RFC 9494 section 5. */
static void
offer_llgr(const struct peer *p, struct caps *caps)
{
	for (unsigned i = 0; i < AF_COUNT; i++) {
		if (p->conf.llgr_time_s[i] == 0 || !(caps->gr.families & AF_BIT(AF_OF(i))))
			continue;
		caps->llgr.present = true;
		caps->llgr.families |= AF_BIT(AF_OF(i));
		caps->llgr.time_s[i] = p->conf.llgr_time_s[i];
	}
	caps->llgr.forwarding = caps->gr.forwarding & caps->llgr.families;
}

void
peer_make_open(struct session *s, struct msg_open *ret, bool *ret_params)
{
	const struct peer *p = s->peer;

	*ret = (struct msg_open){
		.version = BGP_VERSION,
		.asn = peer_local_asn(p),
		.hold_s = p->conf.hold_s,
		.id = p->env->conf->router_id,
	};
	*ret_params = !p->no_params;
	if (p->no_params)
		return;
	ret->caps = (struct caps){
		.ext_next_hop = offers_ext_next_hop(s),
		.mp = true,
		.families = p->conf.families,
		.refresh = true,
		.enhanced_refresh = true,
		.ext_msg = p->conf.ext_msg,
		.as4 = true,
		.asn = peer_local_asn(p),
	};
	if (p->conf.addpath_receive)
		ret->caps.addpath_rx = p->conf.families;
	if (p->conf.addpath_send != IPC_ADDPATH_NONE)
		ret->caps.addpath_tx = p->conf.families;
	if (p->conf.role != IPC_ROLE_NONE) {
		ret->caps.role = true;
		ret->caps.role_value = role_value((enum ipc_role)p->conf.role);
	}
	if (p->conf.gr_enabled)
		p->env->ops->gr_caps(p, &ret->caps.gr);
	ret->caps.gr.families &= p->conf.families;
	ret->caps.gr.forwarding &= ret->caps.gr.families;
	if (ret->caps.gr.present)
		offer_llgr(p, &ret->caps);
}

/* ---- theirs -------------------------------------------------------------------------- */

struct verdict {
	uint8_t sub; /* OPEN Message Error, RFC 4271 section 6.2 */
	uint8_t data[6 * AF_COUNT];
	uint8_t data_octets;
	char why[WHY_MAX];
};

static bool
asn_acceptable(const struct peer *p, uint32_t asn, struct verdict *v)
{
	uint32_t local = peer_local_asn(p);

	v->sub = OPEN_BAD_PEER_AS;
	switch ((enum ipc_asn_mode)p->conf.asn_mode) {
	case IPC_ASN_NUMBER:
		snprintf(v->why, sizeof(v->why), "we expect AS %u, its OPEN says %u", p->conf.asn,
		    asn);
		return asn == p->conf.asn;
	case IPC_ASN_INTERNAL:
		snprintf(v->why, sizeof(v->why),
		    "we expect an internal peer (AS %u), its OPEN says AS %u", local, asn);
		return asn == local;
	case IPC_ASN_EXTERNAL:
		snprintf(v->why, sizeof(v->why), "we expect an external peer, its OPEN says %s AS %u",
		    asn == local ? "our own" : "our confederation's member", asn);
		return asn != local && !is_member(p->env->conf, asn);
	}
	return false;
}

/* The pairs that fit: RFC 9234 section 4.2. */
static enum ipc_role
counterpart(enum ipc_role role)
{
	switch (role) {
	case IPC_ROLE_PROVIDER:
		return IPC_ROLE_CUSTOMER;
	case IPC_ROLE_RS:
		return IPC_ROLE_RS_CLIENT;
	case IPC_ROLE_RS_CLIENT:
		return IPC_ROLE_RS;
	case IPC_ROLE_CUSTOMER:
		return IPC_ROLE_PROVIDER;
	case IPC_ROLE_PEER:
		return IPC_ROLE_PEER;
	case IPC_ROLE_NONE:
		break;
	}
	return IPC_ROLE_NONE;
}

/* What the OPEN says; NONE: nothing, or a value that nobody knows. */
static enum ipc_role
role_of(const struct caps *c)
{
	if (!c->role || c->role_value > role_value(IPC_ROLE_PEER))
		return IPC_ROLE_NONE;
	return (enum ipc_role)(c->role_value + IPC_ROLE_PROVIDER);
}

/* RFC 9234 section 4.2.  Several that differ are refused whatever we are; inside they say nothing. */
static bool
role_acceptable(const struct session *s, const struct caps *c, struct verdict *v)
{
	const struct peer *p = s->peer;
	enum ipc_role mine = (enum ipc_role)p->conf.role, want = counterpart(mine), is = role_of(c);

	v->sub = OPEN_ROLE_MISMATCH;
	if (mine == IPC_ROLE_NONE && !(c->roles_differ && s->neg.ebgp && !s->neg.confed))
		return true;
	if (c->roles_differ)
		snprintf(v->why, sizeof(v->why), "its OPEN tells several roles that differ");
	else if (!c->role)
		snprintf(v->why, sizeof(v->why),
		    "we are %s to it and want to be told its role (strictRole), its OPEN tells none",
		    ipc_role_name(mine));
	else
		snprintf(v->why, sizeof(v->why),
		    "we are %s to it, so it has to be %s, its OPEN says %s (%u)",
		    ipc_role_name(mine), ipc_role_name(want), is ? ipc_role_name(is) : "unknown",
		    c->role_value);
	return c->role ? is == want && !c->roles_differ : !p->conf.strict_role;
}

/* RFC 6286 section 2.2: within an AS identifiers are unique. */
static bool
id_acceptable(const struct peer *p, const struct msg_open *o, struct verdict *v)
{
	struct ip_addr id = ip_addr_from_v4(o->id);
	char text[IP_ADDR_STRLEN];

	v->sub = OPEN_BAD_ID;
	snprintf(v->why, sizeof(v->why), "its BGP identifier %s is our own", ip_addr_str(&id, text));
	return o->asn != peer_local_asn(p) || o->id != p->env->conf->router_id;
}

/* "ipv4-unicast or ipv6-unicast", "neither" */
static char *
families_text(uint8_t families, char *buf, size_t cap)
{
	bool both = families == (AF_BIT(IP4) | AF_BIT(IP6));

	if (families == 0)
		snprintf(buf, cap, "neither");
	else
		snprintf(buf, cap, "%s%s%s", families & AF_BIT(IP4) ? afi_desc[0].name : "",
		    both ? " or " : "", families & AF_BIT(IP6) ? afi_desc[1].name : "");
	return buf;
}

/* The data of Unsupported Capability lists the capabilities we miss: RFC 5492 section 5. */
static bool
families_acceptable(const struct peer *p, const struct msg_open *o, uint8_t common, struct verdict *v)
{
	char ours[64], theirs[64];
	struct wr w = wr_init(v->data, sizeof(v->data));
	struct caps want = { .families = p->conf.families };

	if (common)
		return true;
	v->sub = OPEN_BAD_CAPABILITY;
	caps_encode(&w, &want);
	v->data_octets = (uint8_t)wr_len(&w);
	snprintf(v->why, sizeof(v->why), "no address family in common: we want %s, it offers %s",
	    families_text(p->conf.families, ours, sizeof(ours)),
	    families_text(o->caps.mp ? o->caps.families : AF_BIT(IP4), theirs, sizeof(theirs)));
	return false;
}

/* The smaller hold time, and a third of it unless a shorter keepalive is configured. */
static void
negotiate_timers(const struct peer *p, const struct msg_open *o, struct peer_neg *n)
{
	n->hold_s = o->hold_s < p->conf.hold_s ? o->hold_s : p->conf.hold_s;
	n->keepalive_s = n->hold_s / 3;
	if (p->conf.keepalive_s && p->conf.keepalive_s < n->keepalive_s)
		n->keepalive_s = p->conf.keepalive_s;
}

static void
negotiate_llgr(const struct caps *theirs, struct peer_neg *n)
{
	n->llgr = true;
	n->llgr_forwarding = theirs->llgr.forwarding & theirs->llgr.families & n->families;
	for (unsigned i = 0; i < AF_COUNT; i++) {
		n->llgr_time_s[i] = theirs->llgr.time_s[i];
		if (n->llgr_time_s[i] > 0)
			n->llgr_families |= (uint8_t)(n->families & AF_BIT(AF_OF(i)));
	}
}

static void
negotiate(const struct peer *p, const struct caps *mine, const struct msg_open *o,
    struct peer_neg *n)
{
	const struct caps *theirs = &o->caps;

	*n = (struct peer_neg){
		.local_asn = peer_local_asn(p),
		.remote_asn = o->asn,
		.remote_id = o->id,
		.ebgp = o->asn != peer_local_asn(p),
		.confed = expects_member(p),
		.role = p->conf.role,
		.peer_role = (uint8_t)role_of(theirs),
		.caps = theirs->any,
		.families = caps_common_families(mine, theirs) & p->conf.families,
		.as4 = mine->as4 && theirs->as4,
		.refresh = mine->refresh && theirs->refresh,
		.enhanced_refresh = mine->enhanced_refresh && theirs->enhanced_refresh,
		.ext_msg = mine->ext_msg && theirs->ext_msg,
		.ext_next_hop = mine->ext_next_hop && theirs->ext_next_hop,
		.gr = mine->gr.present && theirs->gr.present,
		.peer_gr = theirs->gr.present,
		.peer_llgr = theirs->gr.present && theirs->llgr.present,
	};
	n->addpath_rx = caps_addpath(theirs, mine) & n->families;
	n->addpath_tx = caps_addpath(mine, theirs) & n->families;
	if (n->gr) {
		n->gr_restarting = theirs->gr.restarting;
		n->gr_notification = mine->gr.notification && theirs->gr.notification;
		n->gr_families = theirs->gr.families & n->families;
		n->gr_forwarding = theirs->gr.forwarding & n->gr_families;
		n->gr_time_s = theirs->gr.time_s;
	}
	if (n->gr && mine->llgr.present && theirs->llgr.present)
		negotiate_llgr(theirs, n);
	negotiate_timers(p, o, n);
}

/* ---- collisions ------------------------------------------------------------------------ */

/* Would s be kept against o by the identifiers?  Of two that one side dialled: the newer. */
static bool
wins(const struct session *s, const struct session *o)
{
	uint32_t mine = s->peer->env->conf->router_id, theirs = s->neg.remote_id;
	bool we_dominate =
	    mine > theirs || (mine == theirs && s->neg.local_asn > s->neg.remote_asn);

	if (s->conn->incoming == o->conn->incoming)
		return !mono_before(s->conn->since, o->conn->since);
	return s->conn->incoming != we_dominate;
}

static void
dump(struct session *s, struct mono_us now)
{
	struct session_cause cause = { .code = ERR_CEASE, .sub = CEASE_COLLISION,
		.why = "connection collision: another connection of this peer was kept" };

	session_event(s, now, EV_COLLISION_DUMP, &cause);
}

bool
session_is_parked(const struct session *s)
{
	return !mono_is_never(s->deadline[TIMER_COLLISION]);
}

static void
park(struct session *s, struct mono_us now, uint64_t us)
{
	session_arm(s, TIMER_COLLISION, mono_add_us(now, us));
}

void
session_proceed(struct session *s, struct mono_us now)
{
	session_arm(s, TIMER_COLLISION, MONO_NEVER);
	session_event(s, now, EV_BGP_OPEN, NULL);
	if (s->state == FSM_OPENCONFIRM && s->early_keepalive)
		session_event(s, now, EV_KEEPALIVE_MSG, NULL);
}

static void
settle_established(struct session *s, struct session *o, struct mono_us now)
{
	struct session_cause lost = { .silent = true,
		.why = "the peer opened a new connection: it has lost the old one" };
	struct mono_us startup_end = mono_add_s(s->peer->up_since, STARTUP_S);

	if (mono_before(s->conn->since, startup_end)) {
		if (wins(s, o))
			park(s, now, PARK_ESTABLISHED_US);
		else
			dump(s, now);
	} else if (s->conn->incoming && o->neg.gr) {
		session_event(o, now, EV_TCP_FAILS, &lost);
		session_proceed(s, now);
	} else {
		session_event(o, now, EV_KEEPALIVE_TIMER, NULL); /* is anybody there? */
		park(s, now, PARK_ESTABLISHED_US);
	}
}

/* s has its OPEN; decide between it and the other connection. */
static void
settle(struct session *s, struct mono_us now)
{
	struct session *o = session_other(s);

	if (!o->conn) {
		session_proceed(s, now);
	} else if (o->state == FSM_ESTABLISHED) {
		settle_established(s, o, now);
	} else if (wins(s, o) && o->state == FSM_OPENCONFIRM) {
		park(s, now, PARK_CONFIRM_US);
	} else if (wins(s, o)) {
		dump(o, now);
		session_proceed(s, now);
	} else if (o->have_open) {
		dump(s, now); /* o goes on by itself, also when it was parked */
	} else {
		park(s, now, PARK_UNSEEN_US);
	}
}

void
peer_collision_timeout(struct session *s, struct mono_us now)
{
	struct session *o = session_other(s);

	if (o->state == FSM_ESTABLISHED) {
		dump(s, now);
		return;
	}
	if (o->conn && o->have_open)
		dump(o, now);
	if (s->state == FSM_OPENSENT) /* else the end of o has let it go on already */
		session_proceed(s, now);
}

/* s has become Established while the other one waits: now the peer decides. */
void
peer_collision_up(struct session *s, struct mono_us now)
{
	struct session *o = session_other(s);

	if (session_is_parked(o))
		park(o, now, PARK_ESTABLISHED_US);
}

void
peer_got_open(struct session *s, struct mono_us now, const struct msg_open *o)
{
	struct peer *p = s->peer;
	struct verdict v = { 0 };
	struct session_cause refusal = { .code = ERR_OPEN, .why = v.why };
	struct msg_open mine;
	bool params;

	peer_make_open(s, &mine, &params);
	negotiate(p, &mine.caps, o, &s->neg);
	if (!asn_acceptable(p, o->asn, &v) || !id_acceptable(p, o, &v) ||
	    !role_acceptable(s, &o->caps, &v) ||
	    !families_acceptable(p, o, s->neg.families, &v)) {
		refusal.sub = v.sub;
		refusal.data = v.data;
		refusal.data_octets = v.data_octets;
		session_event(s, now, EV_OPEN_MSG_ERR, &refusal);
		return;
	}
	s->have_open = true;
	settle(s, now);
}
