/*
 * MRT records as octets; see mrt_enc.h.
 */
#include "bgpd/core/mrt_enc.h"

#include <string.h>

#include "bgpd/core/attr.h"
#include "bgpd/core/bgp.h"

enum { MRT_TABLE_DUMP_V2 = 13, MRT_BGP4MP_ET = 17 };

/* Subtypes of TABLE_DUMP_V2: RFC 6396 section 4.3, RFC 8050 section 4. */
enum { DUMP_PEERS = 1, DUMP_IPV4 = 2, DUMP_IPV6 = 4, DUMP_IPV4_ADDPATH = 8, DUMP_IPV6_ADDPATH = 10 };

/* Subtypes of BGP4MP_ET: RFC 6396 section 4.4, RFC 8050 section 3. */
enum { MP_STATE_AS4 = 5 };
static const uint8_t mp_message[2][2][2] = { /* [as4][sent][addpath] */
	{ { 1, 8 }, { 6, 10 } },
	{ { 4, 9 }, { 7, 11 } },
};

static size_t
record_open(struct wr *w, uint64_t wall_us, uint16_t type, uint16_t subtype)
{
	size_t start = wr_len(w);

	wr_u32(w, (uint32_t)(wall_us / 1000000));
	wr_u16(w, type);
	wr_u16(w, subtype);
	wr_u32(w, 0);
	if (type == MRT_BGP4MP_ET)
		wr_u32(w, (uint32_t)(wall_us % 1000000));
	return start;
}

static void
record_close(struct wr *w, size_t start)
{
	struct wr length;

	if (w->full)
		return;
	length = wr_init(w->base + start + 8, 4);
	wr_u32(&length, (uint32_t)(wr_len(w) - start - MRT_HEADER_OCTETS));
}

/* ---- sessions ------------------------------------------------------------------- */

static void
put_asn(struct wr *w, uint32_t asn, bool as4)
{
	if (as4)
		wr_u32(w, asn);
	else
		wr_u16(w, asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)asn);
}

static void
put_session(struct wr *w, const struct mrt_session *s, bool as4)
{
	size_t octets = ip_af_octets(s->peer.af);

	put_asn(w, s->peer_asn, as4);
	put_asn(w, s->local_asn, as4);
	wr_u16(w, s->ifindex);
	wr_u16(w, s->peer.af);
	wr_bytes(w, s->peer.b, octets);
	if (s->local.af == s->peer.af)
		wr_bytes(w, s->local.b, octets);
	else
		wr_zero(w, octets);
}

void
mrt_encode_message(struct wr *w, uint64_t wall_us, const struct mrt_session *s, bool sent,
    const void *msg, size_t octets)
{
	size_t start =
	    record_open(w, wall_us, MRT_BGP4MP_ET, mp_message[s->as4][sent][s->addpath]);

	put_session(w, s, s->as4);
	wr_bytes(w, msg, octets);
	record_close(w, start);
}

void
mrt_encode_state(struct wr *w, uint64_t wall_us, const struct mrt_session *s, uint16_t was,
    uint16_t now)
{
	size_t start = record_open(w, wall_us, MRT_BGP4MP_ET, MP_STATE_AS4);

	put_session(w, s, true);
	wr_u16(w, was);
	wr_u16(w, now);
	record_close(w, start);
}

/* ---- tables ----------------------------------------------------------------------- */

static void
count_put(struct wr *w, const struct mrt_mark *m)
{
	struct wr count;

	if (w->full)
		return;
	count = wr_init(w->base + m->count, 2);
	wr_u16(&count, m->n);
}

static struct mrt_mark
mark_here(struct wr *w, size_t start)
{
	struct mrt_mark m = { .start = start, .count = wr_len(w) };

	wr_u16(w, 0);
	return m;
}

static void
mark_close(struct wr *w, const struct mrt_mark *m)
{
	count_put(w, m);
	record_close(w, m->start);
}

struct mrt_mark
mrt_peers_open(struct wr *w, uint64_t wall_us, uint32_t collector_id, const char *view)
{
	size_t start = record_open(w, wall_us, MRT_TABLE_DUMP_V2, DUMP_PEERS);
	size_t octets = strlen(view);

	wr_u32(w, collector_id);
	wr_u16(w, (uint16_t)octets);
	wr_bytes(w, view, octets);
	return mark_here(w, start);
}

void
mrt_peers_add(struct wr *w, struct mrt_mark *m, const struct mrt_peer *p)
{
	enum { PEER_IPV6 = 1, PEER_AS4 = 2 };

	wr_u8(w, PEER_AS4 | (p->addr.af == IP6 ? PEER_IPV6 : 0));
	wr_u32(w, p->id);
	if (p->addr.af)
		wr_bytes(w, p->addr.b, ip_af_octets(p->addr.af));
	else
		wr_zero(w, 4);
	wr_u32(w, p->asn);
	m->n++;
}

void
mrt_peers_close(struct wr *w, const struct mrt_mark *m)
{
	mark_close(w, m);
}

struct mrt_mark
mrt_rib_open(struct wr *w, uint64_t wall_us, uint32_t seq, const struct ip_prefix *prefix,
    bool addpath)
{
	uint16_t plain = prefix->af == IP4 ? DUMP_IPV4 : DUMP_IPV6;
	uint16_t with_ids = prefix->af == IP4 ? DUMP_IPV4_ADDPATH : DUMP_IPV6_ADDPATH;
	size_t start =
	    record_open(w, wall_us, MRT_TABLE_DUMP_V2, addpath ? with_ids : plain);

	wr_u32(w, seq);
	wr_u8(w, prefix->len);
	wr_bytes(w, prefix->b, ip_prefix_octets(prefix->len));
	return mark_here(w, start);
}

/* MP_REACH_NLRI is cut to the next hop: RFC 6396 section 4.3.4. */
static void
put_mp_next_hop(struct wr *w, const struct ip_addr *nh, const struct ip_addr *ll)
{
	size_t octets = 16 + (ll->af ? 16u : 0u);

	wr_u8(w, ATTR_F_OPTIONAL);
	wr_u8(w, ATTR_MP_REACH);
	wr_u8(w, (uint8_t)(1 + octets));
	wr_u8(w, (uint8_t)octets);
	wr_bytes(w, nh->b, 16);
	if (ll->af)
		wr_bytes(w, ll->b, 16);
}

/* Own routes have no next hop: zeros. */
static void
put_attrs(struct wr *w, uint8_t af, const struct attrs *a)
{
	const struct update_ctx ctx = { .as4 = true, .as_is = true };
	struct ip_addr nh = attrs_next_hop(a), ll = attrs_next_hop_ll(a);
	bool mp = af == IP6 || nh.af == IP6;
	struct ip_addr nh4 = { .af = IP4 };
	size_t off;

	if (nh.af == IP4)
		nh4 = nh;
	attr_encode(w, &ctx, a, mp ? NULL : &nh4, false, &off);
	if (mp)
		put_mp_next_hop(w, &nh, &ll);
}

bool
mrt_rib_add(struct wr *w, struct mrt_mark *m, uint8_t af, bool addpath, const struct mrt_path *p)
{
	size_t was = wr_len(w), mark;

	wr_u16(w, p->peer);
	wr_u32(w, p->since_s);
	if (addpath)
		wr_u32(w, p->path_id);
	mark = wr_open16(w);
	put_attrs(w, af, p->attrs);
	wr_close16(w, mark);
	if (w->full || m->n == UINT16_MAX) {
		wr_rewind(w, was);
		return false;
	}
	m->n++;
	return true;
}

void
mrt_rib_close(struct wr *w, const struct mrt_mark *m)
{
	mark_close(w, m);
}
