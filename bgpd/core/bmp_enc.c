/*
 * BMP messages as octets; see bmp_enc.h.
 */
#include "bgpd/core/bmp_enc.h"

#include <string.h>

#include "bgpd/core/bgp.h"

#define BMP_VERSION 3
#define TABLE_NAME_MAX 255 /* RFC 9069 section 5.2.1 */

/* Information TLVs: RFC 7854 sections 4.4 and 4.5, RFC 9069 section 5.2.1. */
enum { TLV_SYS_DESCR = 1, TLV_SYS_NAME = 2, TLV_TERM_STRING = 0, TLV_TERM_REASON = 1, TLV_TABLE = 3 };

size_t
bmp_open(struct wr *w, enum bmp_type type)
{
	size_t mark = wr_len(w);

	wr_u8(w, BMP_VERSION);
	wr_u32(w, 0);
	wr_u8(w, (uint8_t)type);
	return mark;
}

void
bmp_close(struct wr *w, size_t mark)
{
	struct wr length;

	if (w->full)
		return;
	length = wr_init(w->base + mark + 1, 4);
	wr_u32(&length, (uint32_t)(wr_len(w) - mark));
}

/* 16 octets, IPv4 in the last four. */
static void
put_addr(struct wr *w, const struct ip_addr *a)
{
	size_t octets = ip_af_octets(a->af);

	wr_zero(w, 16 - octets);
	wr_bytes(w, a->b, octets);
}

void
bmp_put_peer(struct wr *w, const struct bmp_peer *p)
{
	wr_u8(w, p->type);
	wr_u8(w, (uint8_t)(p->flags | (p->addr.af == IP6 ? BMP_F_IPV6 : 0)));
	wr_zero(w, 8); /* no distinguisher: there is one routing instance */
	put_addr(w, &p->addr);
	wr_u32(w, p->asn);
	wr_u32(w, p->id);
	wr_u32(w, (uint32_t)(p->wall_us / 1000000));
	wr_u32(w, (uint32_t)(p->wall_us % 1000000));
}

static void
put_text(struct wr *w, uint16_t type, const char *text, size_t max)
{
	size_t octets = strnlen(text, max);

	wr_u16(w, type);
	wr_u16(w, (uint16_t)octets);
	wr_bytes(w, text, octets);
}

void
bmp_encode_initiation(struct wr *w, const char *sys_descr, const char *sys_name)
{
	size_t mark = bmp_open(w, BMP_INITIATION);

	put_text(w, TLV_SYS_DESCR, sys_descr, UINT16_MAX);
	put_text(w, TLV_SYS_NAME, sys_name, UINT16_MAX);
	bmp_close(w, mark);
}

void
bmp_encode_termination(struct wr *w, enum bmp_term reason, const char *text)
{
	size_t mark = bmp_open(w, BMP_TERMINATION);

	wr_u16(w, TLV_TERM_REASON);
	wr_u16(w, 2);
	wr_u16(w, (uint16_t)reason);
	if (text && *text)
		put_text(w, TLV_TERM_STRING, text, UINT16_MAX);
	bmp_close(w, mark);
}

void
bmp_encode_peer_up(struct wr *w, const struct bmp_peer *p, const struct ip_addr *local,
    uint16_t local_port, uint16_t remote_port, struct bmp_open_msg sent,
    struct bmp_open_msg received, const char *table)
{
	size_t mark = bmp_open(w, BMP_PEER_UP);

	bmp_put_peer(w, p);
	put_addr(w, local);
	wr_u16(w, local_port);
	wr_u16(w, remote_port);
	wr_bytes(w, sent.p, sent.octets);
	wr_bytes(w, received.p, received.octets);
	if (table)
		put_text(w, TLV_TABLE, table, TABLE_NAME_MAX);
	bmp_close(w, mark);
}

void
bmp_encode_peer_down(struct wr *w, const struct bmp_peer *p, enum bmp_down reason,
    const void *data, size_t octets)
{
	size_t mark = bmp_open(w, BMP_PEER_DOWN);

	bmp_put_peer(w, p);
	wr_u8(w, (uint8_t)reason);
	wr_bytes(w, data, octets);
	bmp_close(w, mark);
}

void
bmp_encode_loc_rib_down(struct wr *w, const struct bmp_peer *p, const char *table)
{
	size_t mark = bmp_open(w, BMP_PEER_DOWN);

	bmp_put_peer(w, p);
	wr_u8(w, BMP_DOWN_LOC_RIB);
	put_text(w, TLV_TABLE, table, TABLE_NAME_MAX);
	bmp_close(w, mark);
}

/* Which statistics are gauges of 64 bits, and which of these are told per family. */
static bool
is_gauge(uint8_t stat)
{
	return stat >= BMP_STAT_ADJ_IN && stat <= BMP_STAT_LOC_RIB_AF;
}

static bool
is_of_family(uint8_t stat)
{
	return stat == BMP_STAT_ADJ_IN_AF || stat == BMP_STAT_LOC_RIB_AF;
}

static void
put_stat(struct wr *w, const struct bmp_stat_value *v)
{
	size_t mark;

	wr_u16(w, v->stat);
	mark = wr_open16(w);
	if (is_of_family(v->stat)) {
		wr_u16(w, v->af);
		wr_u8(w, BGP_SAFI_UNICAST);
	}
	if (is_gauge(v->stat))
		wr_u64(w, v->value);
	else
		wr_u32(w, (uint32_t)v->value);
	wr_close16(w, mark);
}

void
bmp_encode_stats(struct wr *w, const struct bmp_peer *p, const struct bmp_stat_value *v, size_t n)
{
	size_t mark = bmp_open(w, BMP_STATS);

	bmp_put_peer(w, p);
	wr_u32(w, (uint32_t)n);
	for (size_t k = 0; k < n; k++)
		put_stat(w, &v[k]);
	bmp_close(w, mark);
}

void
bmp_encode_route(struct wr *w, const struct bmp_peer *p, const void *update, size_t octets)
{
	size_t mark = bmp_open(w, BMP_ROUTE);

	bmp_put_peer(w, p);
	wr_bytes(w, update, octets);
	bmp_close(w, mark);
}
