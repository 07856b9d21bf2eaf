/*
 * Unnumbered peers: who is at the other end of a link that has no addresses.
 *
 * Owns what goes between router advertisements (radv.h) and peers: an interface
 * with an unnumbered peer is listened on, the neighbour found there becomes the
 * peer's address, and the agent is told before it is asked to connect.  A router
 * that connects before it was heard is taken by the same rule.
 */
#include <string.h>

#include "bgpd/core/peer_int.h"
#include "bgpd/core/speaker_priv.h"

static struct rpeer *
peer_at(const struct speaker *sp, uint32_t ifindex)
{
	uint16_t k;

	for (k = 1; k < sp->npeers; k++) {
		struct rpeer *rp = sp->peer[k];

		if (rp && rp->peer && rp->conf.unnumbered && rp->conf.addr.ifindex == ifindex)
			return rp;
	}
	return NULL;
}

static void
rearm(struct speaker *sp)
{
	timer_set(&sp->timers, &sp->radv_timer, radv_deadline(&sp->radv));
}

/* The peer's neighbour is that one now; af IP_NONE: nobody. */
static void
tell_found(struct rpeer *rp, struct mono_us now, const struct ip_addr *addr)
{
	struct todo t = { .kind = TODO_PEER_ADDR, .peer = rp->id, .nh = *addr };
	char text[IP_ADDR_STRLEN];

	if (ip_addr_eq(&rp->peer->addr, addr))
		return;
	if (addr->af == IP_NONE)
		speaker_event(rp->sp, LOG_NOTICE, rp, "neighbour-lost",
		    "interface=%s address=%s why=\"not heard any more\"", rp->conf.ifname,
		    ip_addr_bare_str(&rp->peer->addr, text));
	else
		speaker_event(rp->sp, LOG_NOTICE, rp, "neighbour-found", "interface=%s address=%s",
		    rp->conf.ifname, ip_addr_bare_str(addr, text));
	speaker_todo(rp->sp, &t);
	peer_found(rp->peer, now, addr);
}

/* ---- links ------------------------------------------------------------------------ */

static bool
is_wanted(const struct rpeer *rp)
{
	return rp->peer && rp->conf.unnumbered && rp->conf.enabled && rp->conf.addr.ifindex != 0;
}

static void
sweep(struct radv *r)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &r->links) {
		struct radv_link *l = container_of(n, struct radv_link, list);

		if (!l->wanted)
			radv_remove(l);
		else
			l->wanted = false;
	}
}

void
unnumbered_configure(struct speaker *sp, struct mono_us now)
{
	uint16_t k;

	for (k = 1; k < sp->npeers; k++) {
		struct rpeer *rp = sp->peer[k];
		struct radv_link *l;

		if (!rp || !is_wanted(rp))
			continue;
		l = radv_add(&sp->radv, now, rp->conf.addr.ifindex);
		l->wanted = true;
		if (l->neighbour.af != IP_NONE)
			tell_found(rp, now, &l->neighbour); /* another peer had been there */
	}
	sweep(&sp->radv);
	rearm(sp);
}

void
unnumbered_session(struct rpeer *rp, struct mono_us now, bool up)
{
	struct radv_link *l = radv_find(&rp->sp->radv, rp->conf.addr.ifindex);

	if (!rp->conf.unnumbered || !l)
		return;
	radv_busy(l, now, up);
	rearm(rp->sp);
}

void
unnumbered_cut(struct rpeer *rp, struct mono_us now)
{
	struct radv_link *l = radv_find(&rp->sp->radv, rp->conf.addr.ifindex);

	if (!rp->conf.unnumbered || !l)
		return;
	radv_cut(l, now);
	rearm(rp->sp);
}

/* ---- in and out -------------------------------------------------------------------- */

static void
tell_other(struct rpeer *rp, const struct radv_link *l)
{
	char stays[IP_ADDR_STRLEN], other[IP_ADDR_STRLEN];

	speaker_event(rp->sp, LOG_WARN, rp, "second-router",
	    "interface=%s address=%s why=\"another router speaks on this link; %s stays the peer\"",
	    rp->conf.ifname, ip_addr_bare_str(&l->other, other), ip_addr_bare_str(&l->neighbour, stays));
}

void
speaker_ra_input(struct speaker *sp, struct mono_us now, const struct radv_packet *in)
{
	struct radv_link *l = NULL;
	enum radv_news news;
	struct rpeer *rp;

	sp->now = now;
	news = radv_input(&sp->radv, now, in, &l);
	rp = l ? peer_at(sp, l->ifindex) : NULL;
	if (rp && news == RADV_FOUND)
		tell_found(rp, now, &l->neighbour);
	else if (rp && news == RADV_OTHER)
		tell_other(rp, l);
	if (l)
		rearm(sp);
}

struct rpeer *
unnumbered_accept(struct speaker *sp, struct mono_us now, const struct ip_addr *from,
    const char **ret_why)
{
	struct radv_link *l = ip_addr_is_link_local(from) ? radv_find(&sp->radv, from->ifindex) : NULL;
	struct rpeer *rp = l ? peer_at(sp, l->ifindex) : NULL;

	if (!rp) {
		*ret_why = "no peer is configured with that address";
		return NULL;
	}
	*ret_why = peer_stopped_why(rp->peer);
	if (*ret_why)
		return NULL;
	if (!radv_accept(l, now, from)) {
		*ret_why = "another router on that link is the peer";
		return NULL;
	}
	tell_found(rp, now, &l->neighbour);
	rearm(sp);
	return rp;
}

static void
send_due(struct timer *t, struct mono_us now)
{
	struct speaker *sp = container_of(t, struct speaker, radv_timer);
	struct todo send = { .kind = TODO_RA_SEND, .nh = { .af = IP6 } };
	struct ip_addr nobody = { 0 };
	enum radv_type type;
	struct radv_link *l;

	while ((l = radv_expire(&sp->radv, now)) != NULL) {
		struct rpeer *rp = peer_at(sp, l->ifindex);

		if (rp)
			tell_found(rp, now, &nobody);
	}
	while (radv_next(&sp->radv, now, &send.nh.ifindex, &type)) {
		send.on = type == RADV_ADVERT;
		speaker_todo(sp, &send);
	}
	rearm(sp);
}

void
unnumbered_init(struct speaker *sp)
{
	radv_init(&sp->radv, &sp->rng);
	sp->radv_timer.fire = send_due;
}

void
unnumbered_free(struct speaker *sp)
{
	timer_stop(&sp->timers, &sp->radv_timer);
	radv_free(&sp->radv);
}
