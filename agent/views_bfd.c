/*
 * JSON rows of BFD sessions.
 */
#include "agent/views.h"

#include <stdio.h>
#include <string.h>

#include "agent/bfd.h"
#include "lib/conf.h"

static void
out_known(struct out *o, const char *key, bool known, uint64_t v)
{
	if (known)
		out_u64(o, key, v);
	else
		out_null(o, key);
}

static void
out_address(struct out *o, const char *key, const struct agent *a, const struct ip_addr *addr)
{
	char buf[VIEW_ADDR_STRLEN];

	out_str(o, key, addr->af ? view_addr(a, addr, buf) : NULL);
}

/* Why it is not up, in words; NULL when it is. */
static const char *
reason(const struct agent *a, const struct bfd_view *v, char *buf, size_t cap)
{
	const struct ipc_bfd_state_msg *s = v->state;

	if (v->problem[0])
		return v->problem;
	if (bfd_problem(a->bfd, buf, cap))
		return buf;
	if (!v->known)
		return "not yet handed to weft-bfdd";
	if (s->state == IPC_BFD_UP)
		return NULL;
	if (s->state == IPC_BFD_ADMIN_DOWN)
		return "taken down by command";
	if (s->silent_us == UINT64_MAX && v->row && v->row->drops[0]) {
		snprintf(buf, cap, "packets of the peer are refused: %.200s", v->row->drops);
		return buf;
	}
	if (s->silent_us == UINT64_MAX)
		return "the peer has sent no packet yet";
	if (s->remote_state == IPC_BFD_ADMIN_DOWN)
		return "the peer has taken BFD down";
	if (s->diag == 0)
		return "coming up";
	snprintf(buf, cap, "%s%s%s", s->diag_text, s->remote_diag ? ", the peer says: " : "",
	    s->remote_diag ? s->remote_diag_text : "");
	return buf;
}

/* What both ends have agreed on, and what has passed, as last asked for. */
static void
figures(struct out *o, const struct ipc_row_bfd *r)
{
	static const struct ipc_row_bfd none = { .last_down_age_us = UINT64_MAX };
	bool there = r != NULL;
	const char *p;
	size_t n;

	if (!r)
		r = &none;
	out_known(o, "transmit_us", there && r->tx_us, r->tx_us);
	out_known(o, "detection_us", there && r->s.detect_us, r->s.detect_us);
	out_known(o, "remote_transmit_us", r->remote_tx_us, r->remote_tx_us);
	out_known(o, "remote_receive_us", r->remote_mult, r->remote_rx_us);
	out_known(o, "remote_multiplier", r->remote_mult, r->remote_mult);
	out_known(o, "discriminator", r->discr, r->discr);
	out_known(o, "remote_discriminator", r->remote_discr, r->remote_discr);
	out_bool(o, "remote_demand", r->remote_demand);
	out_bool(o, "remote_independent", there && r->s.remote_independent);
	out_bool(o, "polling", r->polling);
	out_bool(o, "resumed", r->resumed);
	out_known(o, "packets_in", there, r->rx);
	out_known(o, "packets_out", there, r->tx);
	out_known(o, "last_packet_us", there && r->s.silent_us != UINT64_MAX, r->s.silent_us);
	out_known(o, "ups", there, r->ups);
	out_known(o, "downs", there, r->downs);
	out_known(o, "last_down_s", r->last_down_age_us != UINT64_MAX, r->last_down_age_us / 1000000);
	out_str(o, "last_down_diagnostic", r->last_down[0] ? r->last_down : NULL);
	out_open(o, "drops");
	for (p = r->drops; *p; p += n + (p[n] == ' ')) { /* "ttl=3 auth-digest=12" */
		char name[IPC_NAME_MAX];
		unsigned long long count;

		n = strcspn(p, " ");
		if (sscanf(p, "%63[^= ]=%llu", name, &count) == 2)
			out_u64(o, name, count);
	}
	out_close(o);
}

static void
settings(struct out *o, const struct ipc_bfd_session *c)
{
	static const char *const auth[] = {
		[IPC_BFD_AUTH_MD5] = "keyed-md5",
		[IPC_BFD_AUTH_METICULOUS_MD5] = "meticulous-md5",
		[IPC_BFD_AUTH_SHA1] = "keyed-sha1",
		[IPC_BFD_AUTH_METICULOUS_SHA1] = "meticulous-sha1",
	};

	out_known(o, "receive_interval_us", c->id, c->rx_us);
	out_known(o, "transmit_interval_us", c->id, c->tx_us);
	out_known(o, "detect_multiplier", c->id, c->detect_mult);
	out_known(o, "minimum_ttl", c->multihop, c->min_ttl);
	out_bool(o, "passive", c->passive);
	out_str(o, "authentication", c->auth <= IPC_BFD_AUTH_METICULOUS_SHA1 ? auth[c->auth] : NULL);
}

static void
state(struct out *o, const struct agent *a, const struct bfd_view *v)
{
	const struct ipc_bfd_state_msg *s = v->state;
	bool heard = v->known && s->silent_us != UINT64_MAX;

	out_str(o, "profile", v->profile);
	out_str(o, "state", ipc_bfd_state_name(v->known ? (enum ipc_bfd_state)s->state : IPC_BFD_DOWN));
	out_known(o, "since_s", v->known, v->state_age_us / 1000000);
	out_str(o, "diagnostic", v->known && s->diag ? s->diag_text : NULL);
	out_str(o, "remote_state",
	    heard ? ipc_bfd_state_name((enum ipc_bfd_state)s->remote_state) : NULL);
	out_str(o, "remote_diagnostic", heard && s->remote_diag ? s->remote_diag_text : NULL);
	out_address(o, "address", a, &v->conf->remote);
	out_address(o, "local_address", a, &v->conf->local);
	out_bool(o, "multihop", v->conf->multihop);
	out_bool(o, "address_down", v->holds_down);
}

static void
session(struct out *o, const struct agent *a, const struct bfd_view *v)
{
	char why[IPC_TEXT_MAX];

	state(o, a, v);
	out_str(o, "reason", reason(a, v, why, sizeof(why)));
	figures(o, v->row);
	settings(o, v->conf);
}

void
view_peer_bfd(struct out *o, const struct agent *a, uint32_t peer)
{
	struct bfd_view v;

	if (!bfd_of_peer(a->bfd, peer, &v)) {
		out_null(o, "bfd");
		return;
	}
	out_open(o, "bfd");
	session(o, a, &v);
	out_close(o);
}

void
view_bfd(struct out *o, const struct agent *a, const struct bfd_view *v)
{
	const struct agent_peer *p = agent_peer_by_id(a, v->peer);

	out_str(o, "peer", p && p->conf ? p->conf->name : NULL);
	session(o, a, v);
}
