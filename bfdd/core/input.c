/*
 * A packet arrives: RFC 5880 section 6.8.6, in its order.
 */
#include "bfdd/core/bfd_int.h"

#include "bfdd/core/fsm.h"
#include "bfdd/core/pkt.h"

/*
 * The session a packet is for. A known discriminator is enough, wherever the packet
 * came from: RFC 5880 section 6.3.
 */
static enum bfd_rx
find(const struct bfd_engine *e, const struct bfd_pkt *p, const struct bfd_meta *meta,
    struct session **ret)
{
	*ret = p->your_discr ? engine_by_discr(e, p->your_discr) : engine_by_meta(e, meta);
	if (p->your_discr)
		return *ret ? BFD_RX_OK : BFD_RX_NO_DISCR;
	if (p->state != BFD_DOWN && p->state != BFD_ADMIN_DOWN)
		return BFD_RX_YOUR_DISCR;
	return *ret ? BFD_RX_OK : BFD_RX_NO_SESSION;
}

/* RFC 5881 section 5; RFC 5883 section 5. */
static enum bfd_rx
check_path(const struct session *s, const struct bfd_meta *meta)
{
	if (meta->multihop != s->conf.key.multihop)
		return BFD_RX_HOPS;
	if (meta->multihop && meta->ttl < s->conf.min_ttl)
		return BFD_RX_MIN_TTL;
	return BFD_RX_OK;
}

/* The peer may have restarted with other numbers: RFC 5880 section 6.8.1, bfd.AuthSeqKnown. */
static void
forget_old_sequence(struct session *s, struct mono_us now)
{
	if (mono_diff_us(now, s->seq_at) >= 2 * session_detect_us(s))
		s->rcv_seq.known = false;
}

static enum bfd_rx
check_auth(struct bfd_engine *e, struct session *s, struct mono_us now, const struct bfd_pkt *p,
    const void *octets)
{
	enum bfd_rx rx;

	forget_old_sequence(s, now);
	rx = bfd_auth_check(&s->conf.auth, &e->ops, p, octets, &s->rcv_seq);
	if (rx == BFD_RX_OK && s->conf.auth.type != BFD_AUTH_NONE) {
		s->seq_at = now;
		s->is_dirty = true;
	}
	return rx;
}

static void
note_remote(struct session *s, const struct bfd_pkt *p)
{
	const struct bfd_remote m = {
		.discr = p->my_discr,
		.tx_us = p->tx_us,
		.rx_us = p->rx_us,
		.mult = p->mult,
		.diag = p->diag,
		.state = p->state,
		.demand = p->demand,
		.independent = p->independent,
	};
	const struct bfd_remote *was = &s->remote;

	if (m.discr != was->discr || m.tx_us != was->tx_us || m.rx_us != was->rx_us ||
	    m.mult != was->mult || m.diag != was->diag || m.state != was->state ||
	    m.demand != was->demand || m.independent != was->independent)
		s->is_dirty = true;
	s->remote = m;
}

static void
owe_final(struct bfd_engine *e, struct session *s)
{
	s->owes_final = true;
	if (!list_is_linked(&s->urgent))
		list_push_back(&e->urgent, &s->urgent);
}

/* The packet is whole, for this session and from its peer. */
static enum bfd_rx
take(struct bfd_engine *e, struct session *s, struct mono_us now, const struct bfd_pkt *p)
{
	enum bfd_state next;
	enum bfd_diag diag = s->diag;

	note_remote(s, p);
	s->is_heard = true;
	s->last_rx = now;
	session_poll_heard(s, p->final);
	if (s->state == BFD_ADMIN_DOWN) {
		session_retime(e, s, now);
		return BFD_RX_ADMIN_DOWN;
	}
	if (bfd_fsm_step(s->state, p->state, &next, &diag))
		session_change(e, s, now, next, diag);
	if (p->poll)
		owe_final(e, s);
	session_retime(e, s, now);
	return BFD_RX_OK;
}

enum bfd_rx
bfd_input(struct bfd_engine *e, struct mono_us now, const void *octets, size_t len,
    const struct bfd_meta *meta)
{
	struct session *s = NULL;
	struct bfd_pkt p;
	enum bfd_rx rx;

	rx = meta->multihop || meta->ttl == BFD_TTL ? bfd_pkt_decode(octets, len, &p) : BFD_RX_TTL;
	if (rx == BFD_RX_OK)
		rx = find(e, &p, meta, &s);
	else
		s = engine_by_meta(e, meta); /* whose counter it is */
	if (rx == BFD_RX_OK)
		rx = check_path(s, meta);
	if (rx == BFD_RX_OK)
		rx = check_auth(e, s, now, &p, octets);
	if (rx == BFD_RX_OK) {
		rx = take(e, s, now, &p);
		session_settle(e, s);
	}
	if (rx == BFD_RX_OK)
		s->n.rx++;
	else
		(s ? s->n.drops : e->stray)[rx]++;
	return rx;
}
