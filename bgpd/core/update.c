/*
 * UPDATE messages; see update.h.
 *
 * Decoding: the three length-delimited fields are carved first, then the
 * attributes are walked (attr.c), then the rules that need the whole message
 * are applied: mandatory attributes (RFC 7606 section 3 (d)) and "no reachable
 * prefix, so the error cannot be contained" (section 5.2).
 *
 * Encoding: attributes are written where they stand without MP_REACH, which
 * takes what they leave; it is then put in front of them (RFC 7606 section 5.1).
 */
#include "bgpd/core/update.h"

#include <string.h>

#include "bgpd/core/attr.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/msg.h"

/* ---- in ------------------------------------------------------------------------- */

static void
missing(struct update *u, uint8_t type)
{
	static const uint8_t types[] = { [ATTR_ORIGIN] = ATTR_ORIGIN, [ATTR_AS_PATH] = ATTR_AS_PATH,
		[ATTR_NEXT_HOP] = ATTR_NEXT_HOP };

	bgp_fail_data(&u->err, ACT_WITHDRAW, ERR_UPDATE, UPD_MISSING_WELL_KNOWN, type,
	    BGP_HEADER_OCTETS, &types[type], 1, "a mandatory attribute is missing");
}

/* The path attributes are MP_UNREACH_NLRI alone, or none. */
static bool
only_mp_unreach(const struct attr_seen *seen)
{
	for (unsigned i = 0; i < sizeof(seen->types) / sizeof(seen->types[0]); i++) {
		uint32_t allowed = i == ATTR_MP_UNREACH / 32 ? 1u << ATTR_MP_UNREACH % 32 : 0;

		if (seen->types[i] & ~allowed)
			return false;
	}
	return true;
}

/* Rules over the whole message: RFC 7606 sections 3 (d) and 5.2. */
static void
check_whole(struct update *u, const struct attr_seen *seen)
{
	bool reach = u->n_nlri > 0 || u->n_mp_reach > 0 || seen->reach_skipped;

	if (reach && !attr_was_seen(seen, ATTR_ORIGIN))
		missing(u, ATTR_ORIGIN);
	if (reach && !attr_was_seen(seen, ATTR_AS_PATH))
		missing(u, ATTR_AS_PATH);
	if (u->n_nlri > 0 && !attr_was_seen(seen, ATTR_NEXT_HOP))
		missing(u, ATTR_NEXT_HOP);
	if (u->n_nlri > 0 && seen->next_hop.act > u->err.act)
		u->err = seen->next_hop;
	if (!reach && u->err.act == ACT_WITHDRAW && (seen->cut_off || !only_mp_unreach(seen)))
		u->err.act = ACT_RESET;
}

/* RFC 4724 section 2: an empty UPDATE, or one with an empty MP_UNREACH_NLRI alone. */
static uint8_t
eor_family(const struct update *u, const struct attr_seen *seen, size_t attr_octets)
{
	if (u->err.act != ACT_NONE || rd_left(&u->withdrawn) > 0 || rd_left(&u->nlri) > 0)
		return 0;
	if (attr_octets == 0)
		return AF_BIT(IP4);
	if (only_mp_unreach(seen) && u->mp_unreach_af && u->n_mp_unreach == 0)
		return (uint8_t)AF_BIT(u->mp_unreach_af);
	return 0;
}

void
update_decode(const struct update_ctx *ctx, const uint8_t *body, size_t octets, struct update *u)
{
	bool ip4 = ctx->families & AF_BIT(IP4), addpath = ctx->addpath_rx & AF_BIT(IP4);
	struct rd r = rd_init(body, octets), attrs;
	struct attr_seen seen;
	size_t attr_octets;

	memset(u, 0, offsetof(struct update, scratch));
	u->withdrawn = rd_sub(&r, rd_u16(&r));
	attrs = rd_sub(&r, rd_u16(&r));
	attr_octets = rd_left(&attrs);
	u->nlri = rd_sub(&r, rd_left(&r));
	if (r.bad) { /* RFC 4271 section 6.3 */
		bgp_fail(&u->err, ACT_RESET, ERR_UPDATE, UPD_ATTR_LIST, 0, BGP_HEADER_OCTETS,
		    "the lengths of withdrawn routes and path attributes exceed the message");
		return;
	}
	attr_decode(ctx, &attrs, u, &seen);
	u->n_withdrawn = nlri_check(u->withdrawn, IP4, addpath, &u->err);
	u->n_nlri = nlri_check(u->nlri, IP4, addpath, &u->err);
	check_whole(u, &seen);
	u->eor = eor_family(u, &seen, attr_octets) & ctx->families;
	if (!ip4) { /* not negotiated: looked at, not used */
		u->n_withdrawn = u->n_nlri = 0;
		u->withdrawn = u->nlri = rd_init(NULL, 0);
	}
}

struct rd
update_nlri(const uint8_t *body, size_t octets)
{
	struct rd r = rd_init(body, octets);

	rd_skip(&r, rd_u16(&r));
	rd_skip(&r, rd_u16(&r));
	return r;
}

void
update_attrs(const struct update *u, bool mp, struct attrs_build *ret)
{
	*ret = u->attrs;
	if (!mp)
		return;
	ret->next_hop = u->mp_next_hop;
	ret->next_hop_ll = u->mp_next_hop_ll;
	if (u->mp_next_hop_ll.af)
		ret->flags |= ATTRS_NH_LL;
}

/* ---- out ------------------------------------------------------------------------ */

size_t
update_nh_octets(const struct update_nh *nh)
{
	return ip_af_octets(nh->nh.af) + (nh->ll.af ? 16u : 0u);
}

void
update_nh_put(uint8_t *dst, const struct update_nh *nh)
{
	size_t octets = ip_af_octets(nh->nh.af);

	memcpy(dst, nh->nh.b, octets);
	if (nh->ll.af)
		memcpy(dst + octets, nh->ll.b, 16);
}

/* How many of the prefixes fit into room octets, and the octets they take. */
static size_t
nlri_fit(bool addpath, const struct nlri *v, size_t n, size_t room, size_t *ret_octets)
{
	size_t fit = 0, octets = 0, one;

	while (fit < n && octets + (one = nlri_octets(addpath, &v[fit])) <= room) {
		octets += one;
		fit++;
	}
	*ret_octets = octets;
	return fit;
}

static void
nlri_put_all(struct wr *w, bool addpath, const struct nlri *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		nlri_put(w, addpath, &v[i]);
}

/* Octets for a message that may begin at w now. */
static size_t
message_room(const struct wr *w, const struct update_ctx *ctx)
{
	return wr_room(w) < ctx->max_octets ? wr_room(w) : ctx->max_octets;
}

#define MP_HEADER_OCTETS  4 /* flags, type, length of two octets */
#define MP_REACH_OCTETS	  5 /* AFI, SAFI, next hop length, reserved */
#define MP_UNREACH_OCTETS 3 /* AFI, SAFI */

/* MP attributes always take the long length: their size is known only when they are full. */
static void
mp_open(struct wr *w, uint8_t type, size_t octets, uint8_t af)
{
	wr_u8(w, ATTR_F_OPTIONAL | ATTR_F_EXT_LEN);
	wr_u8(w, type);
	wr_u16(w, (uint16_t)octets);
	wr_u16(w, af);
	wr_u8(w, BGP_SAFI_UNICAST);
}

static void
mp_reach_put(struct wr *w, uint8_t af, const struct update_nh *nh, size_t nlri_total,
    size_t *ret_nh_off)
{
	size_t nh_octets = update_nh_octets(nh);
	uint8_t *dst;

	mp_open(w, ATTR_MP_REACH, MP_REACH_OCTETS + nh_octets + nlri_total, af);
	wr_u8(w, (uint8_t)nh_octets);
	*ret_nh_off = wr_len(w);
	dst = wr_take(w, nh_octets);
	if (dst)
		update_nh_put(dst, nh);
	wr_u8(w, 0);
}

/*
 * The attributes; without those that may go when no prefix of nlri_min octets fits beside
 * them in any other way (RFC 8654 section 4). room: octets for the message, of which
 * fixed are for what is neither attributes nor prefixes. Returns the octets left for
 * prefixes, 0: none fits.
 */
static size_t
attrs_put(struct wr *w, const struct update_ctx *ctx, const struct attrs *a,
    const struct ip_addr *nh4, size_t fixed, size_t nlri_min, size_t room, size_t *ret_nh_off)
{
	size_t start = wr_len(w), taken;

	attr_encode(w, ctx, a, nh4, false, ret_nh_off);
	taken = fixed + wr_len(w) - start;
	if (!ctx->as_is && room == ctx->max_octets && (w->full || taken + nlri_min > room)) {
		wr_rewind(w, start);
		attr_encode(w, ctx, a, nh4, true, ret_nh_off);
		taken = fixed + wr_len(w) - start;
	}
	return w->full || taken > room ? 0 : room - taken;
}

/* MP_REACH_NLRI in front of the attributes that begin at `at`. There is room for it. */
static void
mp_reach_insert(struct wr *w, size_t at, uint8_t af, bool addpath, const struct update_nh *nh,
    const struct nlri *prefixes, size_t n, size_t octets, size_t *ret_nh_off)
{
	size_t mp = MP_HEADER_OCTETS + MP_REACH_OCTETS + update_nh_octets(nh) + octets;
	size_t attrs = wr_len(w) - at;
	struct wr in;

	wr_take(w, mp);
	memmove(w->base + at + mp, w->base + at, attrs);
	in = wr_init(w->base + at, mp);
	mp_reach_put(&in, af, nh, octets, ret_nh_off);
	nlri_put_all(&in, addpath, prefixes, n);
	*ret_nh_off += at;
}

size_t
update_encode_reach(struct wr *w, const struct update_ctx *ctx, const struct attrs *a, uint8_t af,
    const struct update_nh *nh, const struct nlri *prefixes, size_t n, uint16_t *ret_nh_off,
    uint16_t *ret_nh_octets)
{
	bool mp = af != IP4 || nh->nh.af != IP4, addpath = ctx->addpath_tx & AF_BIT(af);
	size_t start = wr_len(w), nh_off = 0, octets = 0, fit = 0, left, mark;
	size_t fixed = BGP_UPDATE_MIN_OCTETS +
	    (mp ? MP_HEADER_OCTETS + MP_REACH_OCTETS + update_nh_octets(nh) : 0);
	size_t room = message_room(w, ctx);

	if (n == 0 || room < fixed)
		return 0;
	msg_open(w, BGP_UPDATE);
	wr_u16(w, 0); /* no withdrawn routes */
	mark = wr_open16(w);
	left = attrs_put(w, ctx, a, mp ? NULL : &nh->nh, fixed, nlri_octets(addpath, prefixes), room,
	    &nh_off);
	if (left > 0)
		fit = nlri_fit(addpath, prefixes, n, left, &octets);
	if (fit == 0) {
		wr_rewind(w, start);
		return 0;
	}
	if (mp)
		mp_reach_insert(w, start + BGP_UPDATE_MIN_OCTETS, af, addpath, nh, prefixes, fit,
		    octets, &nh_off);
	wr_close16(w, mark);
	if (!mp)
		nlri_put_all(w, addpath, prefixes, fit);
	msg_close(w, start);
	if (ret_nh_off)
		*ret_nh_off = (uint16_t)(nh_off - start);
	if (ret_nh_octets)
		*ret_nh_octets = (uint16_t)update_nh_octets(nh);
	return fit;
}

size_t
update_encode_unreach(struct wr *w, const struct update_ctx *ctx, uint8_t af,
    const struct nlri *prefixes, size_t n)
{
	bool mp = af != IP4, addpath = ctx->addpath_tx & AF_BIT(af);
	size_t start = wr_len(w), room = message_room(w, ctx), octets, fit;
	size_t taken = BGP_UPDATE_MIN_OCTETS + (mp ? MP_HEADER_OCTETS + MP_UNREACH_OCTETS : 0);

	if (taken > room)
		return 0;
	fit = nlri_fit(addpath, prefixes, n, room - taken, &octets);
	if (fit == 0)
		return 0;
	msg_open(w, BGP_UPDATE);
	wr_u16(w, mp ? 0 : (uint16_t)octets);
	if (mp) {
		wr_u16(w, (uint16_t)(MP_HEADER_OCTETS + MP_UNREACH_OCTETS + octets));
		mp_open(w, ATTR_MP_UNREACH, MP_UNREACH_OCTETS + octets, af);
	}
	nlri_put_all(w, addpath, prefixes, fit);
	if (!mp)
		wr_u16(w, 0);
	msg_close(w, start);
	return fit;
}

void
update_encode_eor(struct wr *w, uint8_t af)
{
	size_t mark = msg_open(w, BGP_UPDATE);

	wr_u16(w, 0);
	if (af == IP4) {
		wr_u16(w, 0);
	} else {
		wr_u16(w, MP_HEADER_OCTETS + MP_UNREACH_OCTETS);
		mp_open(w, ATTR_MP_UNREACH, MP_UNREACH_OCTETS, af);
	}
	msg_close(w, mark);
}
