/*
 * Router advertisements and solicitations; see radv.h.
 *
 * Times.  While nobody is known we solicit (1 s, later 4 s) and advertise every
 * 3 to 4 s, RFC 4861's least intervals; afterwards we advertise every 7.5 to
 * 10 s, so that a router that starts anew finds us soon.  A solicitation of the
 * other side is answered with an advertisement to all after at most 0.1 s of
 * jitter.  Whatever the reason, there are 3 s between two advertisements
 * (MIN_DELAY_BETWEEN_RAS), also over the cut of a link.
 *
 * Whose lifetime?  Routers that only want to be found send lifetime 0, and their
 * intervals reach from 1 s to half an hour, so neither says when a neighbour is
 * gone.  Its session says so: while it is up the neighbour stays.  Without one,
 * another router replaces it when it was not heard for 15 s, and after 45 s (it
 * was solicited meanwhile) it is forgotten.
 */
#include "bgpd/core/radv.h"

#include <string.h>

#include "lib/mem.h"

#define BETWEEN_ADVERTS_S  3  /* RFC 4861 section 10: MIN_DELAY_BETWEEN_RAS */
#define ADVERT_FAST_S	   4  /* section 6.2.1: the least MaxRtrAdvInterval; from 3 s on */
#define ADVERT_EVERY_S	   10
#define INITIAL_ADVERTS	   3  /* MAX_INITIAL_RTR_ADVERTISEMENTS */
#define ANSWER_WITHIN_MS   100 /* at most MAX_RA_DELAY_TIME, 500 ms */
#define SOLICIT_EVERY_S	   1
#define SOLICIT_LATER_S	   4  /* RTR_SOLICITATION_INTERVAL */
#define SOLICIT_FAST	   30 /* so many at the higher rate */
#define REPLACE_AFTER_S	   15
#define FORGET_AFTER_S	   45
#define SOLICIT_BEFORE_S   20 /* before it is forgotten: is it still there? */
#define OPT_SOURCE_MAC	   1  /* Source Link-layer Address */

/* ---- packets ------------------------------------------------------------------------ */

/* Type and length in units of 8 octets; a length of 0 is refused (section 4.6). */
static bool
options_are_whole(struct rd *r, bool *ret_source_mac)
{
	*ret_source_mac = false;
	while (rd_left(r) > 0) {
		uint8_t type = rd_u8(r), units = rd_u8(r);

		if (units == 0)
			return false;
		rd_skip(r, units * 8u - 2);
		*ret_source_mac |= type == OPT_SOURCE_MAC;
	}
	return rd_done(r);
}

/* Hop limit, reachable time and the like are of no interest. */
static const char *
decode_advert(const struct radv_packet *in, struct rd *r)
{
	bool mac;

	rd_skip(r, RADV_ADVERT_OCTETS - 4);
	if (r->bad)
		return "a router advertisement that is too short";
	if (!ip_addr_is_link_local(&in->from))
		return "a router advertisement that comes from no link-local address";
	return options_are_whole(r, &mac) ? NULL : "a router advertisement with malformed options";
}

static const char *
decode_solicit(const struct radv_packet *in, struct rd *r)
{
	bool mac;

	rd_skip(r, RADV_SOLICIT_OCTETS - 4);
	if (r->bad)
		return "a router solicitation that is too short";
	if (!options_are_whole(r, &mac))
		return "a router solicitation with malformed options";
	return mac && ip_addr_is_unspec(&in->from)
	    ? "a router solicitation from nowhere with a link-layer address" : NULL;
}

const char *
radv_decode(const struct radv_packet *in, enum radv_type *ret)
{
	struct rd r = rd_init(in->p, in->octets);
	uint8_t type = rd_u8(&r), code = rd_u8(&r);

	rd_skip(&r, 2); /* the checksum */
	if (r.bad)
		return "an ICMPv6 message that is too short";
	if (in->from.af != IP6)
		return "an ICMPv6 message without an IPv6 address";
	if (in->hop_limit != RADV_HOP_LIMIT)
		return "a hop limit other than 255: it comes from beyond the link";
	if (type != RADV_SOLICIT && type != RADV_ADVERT)
		return "an ICMPv6 message of another type";
	if (code != 0)
		return "a code other than 0";
	*ret = (enum radv_type)type;
	return type == RADV_ADVERT ? decode_advert(in, &r) : decode_solicit(in, &r);
}

void
radv_encode(struct wr *w, enum radv_type type)
{
	size_t left = (type == RADV_ADVERT ? RADV_ADVERT_OCTETS : RADV_SOLICIT_OCTETS) - 1;

	/* Zeros say: code 0, no hop limit, no flags, nobody's default router, no times. */
	wr_u8(w, (uint8_t)type);
	while (left-- > 0)
		wr_u8(w, 0);
}

/* ---- links -------------------------------------------------------------------------- */

void
radv_init(struct radv *r, struct rng *rng)
{
	*r = (struct radv){ .rng = rng };
	list_init(&r->links);
}

void
radv_free(struct radv *r)
{
	struct list *n;

	while ((n = list_first(&r->links)) != NULL)
		radv_remove(container_of(n, struct radv_link, list));
}

struct radv_link *
radv_find(const struct radv *r, uint32_t ifindex)
{
	struct list *n;

	LIST_FOREACH(n, &r->links)
		if (container_of(n, struct radv_link, list)->ifindex == ifindex)
			return container_of(n, struct radv_link, list);
	return NULL;
}

static struct mono_us
later(struct mono_us a, struct mono_us b)
{
	return mono_before(a, b) ? b : a;
}

/* An advertisement at that time, or when the last one is long enough ago: section 6.2.6. */
static struct mono_us
advert_time(const struct radv_link *l, struct mono_us wanted)
{
	return l->advert_last.us ? later(wanted, mono_add_s(l->advert_last, BETWEEN_ADVERTS_S)) : wanted;
}

static void
send_soon(struct radv_link *l, struct mono_us now)
{
	l->advert_at = advert_time(l, now);
	l->solicit_at = now;
	l->adverts = l->solicits = 0;
}

static void
search(struct radv_link *l, struct mono_us now)
{
	l->neighbour = (struct ip_addr){ 0 };
	l->heard = (struct mono_us){ 0 };
	send_soon(l, now);
}

struct radv_link *
radv_add(struct radv *r, struct mono_us now, uint32_t ifindex)
{
	struct radv_link *l = radv_find(r, ifindex);

	if (l)
		return l;
	l = mem_zalloc(sizeof(*l));
	l->ifindex = ifindex;
	l->other_log = (struct log_limit){ .burst = 1, .interval_us = 60000000 };
	list_init(&l->list);
	list_push_back(&r->links, &l->list);
	search(l, now);
	return l;
}

void
radv_remove(struct radv_link *l)
{
	list_remove(&l->list);
	mem_free(l);
}

/* ---- who is there --------------------------------------------------------------------- */

static bool
is_replaceable(const struct radv_link *l, struct mono_us now)
{
	return l->neighbour.af == IP_NONE ||
	    (!l->busy && mono_reached(now, mono_add_s(l->heard, REPLACE_AFTER_S)));
}

bool
radv_accept(struct radv_link *l, struct mono_us now, const struct ip_addr *from)
{
	struct ip_addr a = *from;

	a.ifindex = l->ifindex;
	if (!ip_addr_eq(&a, &l->neighbour) && !is_replaceable(l, now))
		return false;
	l->neighbour = a;
	l->heard = now;
	l->forget_at = mono_add_s(now, FORGET_AFTER_S);
	return true;
}

static enum radv_news
heard_advert(struct radv_link *l, struct mono_us now, const struct ip_addr *from)
{
	struct ip_addr was = l->neighbour;
	uint32_t dropped = 0;

	l->heard_adverts++;
	if (radv_accept(l, now, from))
		return ip_addr_eq(&was, &l->neighbour) ? RADV_NOTHING : RADV_FOUND;
	if (!log_limit_pass(&l->other_log, now, &dropped))
		return RADV_NOTHING;
	l->other = *from;
	l->other.ifindex = l->ifindex;
	return RADV_OTHER;
}

static void
heard_solicit(struct radv *r, struct radv_link *l, struct mono_us now)
{
	struct mono_us soon = mono_add_ms(now, rng_range(r->rng, 0, ANSWER_WITHIN_MS));

	l->advert_at = mono_min(l->advert_at, advert_time(l, soon));
}

enum radv_news
radv_input(struct radv *r, struct mono_us now, const struct radv_packet *in, struct radv_link **ret)
{
	struct radv_link *l = radv_find(r, in->ifindex);
	enum radv_type type;
	const char *why;

	if (!l)
		return RADV_NOTHING;
	*ret = l;
	why = radv_decode(in, &type);
	if (why) {
		r->refused++;
		r->refused_why = why;
		return RADV_NOTHING;
	}
	if (type == RADV_ADVERT)
		return heard_advert(l, now, &in->from);
	heard_solicit(r, l, now);
	return RADV_NOTHING;
}

void
radv_busy(struct radv_link *l, struct mono_us now, bool up)
{
	l->busy = up;
	l->solicits = 0;
	l->forget_at = mono_add_s(now, FORGET_AFTER_S); /* the session was proof of it until now */
}

void
radv_cut(struct radv_link *l, struct mono_us now)
{
	l->heard = (struct mono_us){ 0 };
	l->forget_at = mono_add_s(now, FORGET_AFTER_S);
	send_soon(l, now);
}

/* ---- what to send --------------------------------------------------------------------- */

static bool
is_expiring(const struct radv_link *l)
{
	return l->neighbour.af != IP_NONE && !l->busy;
}

/* Somebody is looked for, or about to be forgotten. */
static struct mono_us
solicit_time(const struct radv_link *l)
{
	struct mono_us from = { l->forget_at.us - SOLICIT_BEFORE_S * UINT64_C(1000000) };

	if (l->neighbour.af == IP_NONE || (l->heard.us == 0 && !l->busy))
		return l->solicit_at;
	return is_expiring(l) ? later(l->solicit_at, from) : MONO_NEVER;
}

static struct mono_us
forget_time(const struct radv_link *l)
{
	return is_expiring(l) ? l->forget_at : MONO_NEVER;
}

struct mono_us
radv_deadline(const struct radv *r)
{
	struct mono_us min = MONO_NEVER;
	struct list *n;

	LIST_FOREACH(n, &r->links) {
		const struct radv_link *l = container_of(n, struct radv_link, list);

		min = mono_min(min, mono_min(l->advert_at, mono_min(solicit_time(l), forget_time(l))));
	}
	return min;
}

static void
advert_sent(struct radv *r, struct radv_link *l, struct mono_us now)
{
	bool fast = l->adverts + 1 < INITIAL_ADVERTS || l->neighbour.af == IP_NONE;
	uint64_t s = fast ? ADVERT_FAST_S : ADVERT_EVERY_S;

	l->advert_last = now;
	if (l->adverts < UINT8_MAX)
		l->adverts++;
	l->advert_at = mono_add_us(now, rng_jitter_us(r->rng, s * 1000000, 75, 100));
}

static void
solicit_sent(struct radv *r, struct radv_link *l, struct mono_us now)
{
	uint64_t s = l->solicits < SOLICIT_FAST ? SOLICIT_EVERY_S : SOLICIT_LATER_S;

	if (l->solicits < UINT8_MAX)
		l->solicits++;
	l->solicit_at = mono_add_us(now, rng_jitter_us(r->rng, s * 1000000, 100, 125));
}

static bool
link_next(struct radv *r, struct radv_link *l, struct mono_us now, enum radv_type *ret)
{
	if (mono_reached(now, solicit_time(l))) {
		*ret = RADV_SOLICIT;
		solicit_sent(r, l, now);
		return true;
	}
	if (mono_reached(now, l->advert_at)) {
		*ret = RADV_ADVERT;
		advert_sent(r, l, now);
		return true;
	}
	return false;
}

struct radv_link *
radv_expire(struct radv *r, struct mono_us now)
{
	struct list *n;

	LIST_FOREACH(n, &r->links) {
		struct radv_link *l = container_of(n, struct radv_link, list);

		if (!mono_reached(now, forget_time(l)))
			continue;
		search(l, now);
		return l;
	}
	return NULL;
}

bool
radv_next(struct radv *r, struct mono_us now, uint32_t *ret_ifindex, enum radv_type *ret_type)
{
	struct list *n;

	LIST_FOREACH(n, &r->links) {
		struct radv_link *l = container_of(n, struct radv_link, list);

		*ret_ifindex = l->ifindex;
		if (link_next(r, l, now, ret_type))
			return true;
	}
	return false;
}
