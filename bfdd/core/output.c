/*
 * What is due: packets, the end of a Detection Time, the end of a farewell.
 *
 * RFC 5880 section 6.8.7 says when a packet may and must be sent, and what is in it.
 */
#include "bfdd/core/bfd_int.h"

#include <string.h>

#include "bfdd/core/pkt.h"

/* ---- a packet ---- */

static void
describe(const struct session *s, bool final, struct bfd_pkt *ret)
{
	*ret = (struct bfd_pkt){
		.version = BFD_VERSION,
		.diag = s->diag,
		.state = s->state,
		.poll = !final && (s->poll == POLL_ACTIVE || s->poll == POLL_AGAIN),
		.final = final,
		.independent = false, /* who kills all of weft kills this, too, and the kernel forwards on */
		.has_auth = s->conf.auth.type != BFD_AUTH_NONE,
		.mult = s->conf.detect_mult,
		.length = BFD_OCTETS_MIN + bfd_auth_octets(s->conf.auth.type),
		.my_discr = s->discr,
		.your_discr = s->remote.discr,
		.tx_us = s->said.tx_us,
		.rx_us = s->said.rx_us,
	};
}

/* Keyed authentication needs a new number when the contents are new: sections 6.7.3, 6.7.4. */
static void
number(struct session *s, const uint8_t *mandatory)
{
	if (bfd_auth_is_meticulous(s->conf.auth.type) ||
	    memcmp(mandatory, s->last_sent, BFD_OCTETS_MIN) != 0)
		s->xmit_seq++;
	s->is_dirty = true; /* before it is sent, or a new process would send it again */
}

static void
write_packet(struct bfd_engine *e, struct session *s, bool final, struct bfd_out *ret)
{
	struct wr w = wr_init(ret->octets, sizeof(ret->octets));
	struct bfd_pkt p;

	describe(s, final, &p);
	bfd_pkt_encode(&p, &w);
	if (p.has_auth) {
		number(s, ret->octets);
		bfd_auth_append(&s->conf.auth, &e->ops, s->xmit_seq, &w);
	}
	memcpy(s->last_sent, ret->octets, BFD_OCTETS_MIN);
	ret->len = wr_len(&w);
}

static void
send_packet(
    struct bfd_engine *e, struct session *s, struct mono_us now, bool final, struct bfd_out *ret)
{
	ret->id = s->id;
	ret->src = s->conf.key.local;
	ret->dst = s->conf.key.remote;
	ret->ifindex = s->conf.key.ifindex;
	ret->multihop = s->conf.key.multihop;
	write_packet(e, s, final, ret);
	s->last_tx = now;
	s->differs = false;
	s->n.tx++;
}

/* When the next periodic packet is due, after one now. */
static void
plan_next(struct bfd_engine *e, struct session *s, struct mono_us now)
{
	s->tx_at = s->interval_us ? mono_add_us(now, session_jitter_us(e, s)) : MONO_NEVER;
}

/* ---- what is due ---- */

/* A Final, which leaves the periodic packets alone, or new contents, which replace the next. */
static bool
send_urgent(struct bfd_engine *e, struct session *s, struct mono_us now, struct bfd_out *ret)
{
	bool final = s->owes_final, differs = s->differs;

	list_remove(&s->urgent);
	s->owes_final = false;
	if (!final && s->conf.passive && s->remote.discr == 0)
		return false;
	send_packet(e, s, now, final, ret);
	if (differs)
		plan_next(e, s, now);
	session_settle(e, s);
	return true;
}

static bool
run_timer(struct bfd_engine *e, struct session *s, struct mono_us now, struct bfd_out *ret)
{
	bool sent = false;

	if (mono_reached(now, s->leave_at)) {
		engine_drop(e, s);
		return false;
	}
	if (mono_reached(now, session_expires_at(s)))
		session_expire(e, s, now);
	if (mono_reached(now, s->tx_at)) {
		send_packet(e, s, now, false, ret);
		plan_next(e, s, now);
		sent = true;
	}
	session_settle(e, s);
	return sent;
}

bool
bfd_output(struct bfd_engine *e, struct mono_us now, struct bfd_out *ret)
{
	struct list *u;
	struct heap_node *n;

	for (;;) {
		if ((u = list_first(&e->urgent))) {
			if (send_urgent(e, container_of(u, struct session, urgent), now, ret))
				return true;
		} else if ((n = heap_pop_due(&e->timers, now))) {
			if (run_timer(e, container_of(n, struct session, timer), now, ret))
				return true;
		} else {
			return false;
		}
	}
}

struct mono_us
bfd_deadline(const struct bfd_engine *e)
{
	return list_is_empty(&e->urgent) ? heap_deadline(&e->timers) : (struct mono_us){ 0 };
}
