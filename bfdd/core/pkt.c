/*
 * The BFD Control packet on the wire, and the rules that it must keep by itself.
 *
 * RFC 5880 section 4.1 (format), section 6.5 (P and F) and section 6.8.6, whose order
 * the table of rules follows.
 */
#include "bfdd/core/pkt.h"

#define BIT_POLL	0x20
#define BIT_FINAL	0x10
#define BIT_INDEPENDENT 0x08
#define BIT_AUTH	0x04
#define BIT_DEMAND	0x02
#define BIT_MULTIPOINT	0x01

/* Type and length of an authentication section: RFC 5880 section 4.1. */
#define AUTH_OCTETS_MIN 2

static bool
is_wrong_version(const struct bfd_pkt *p, size_t len)
{
	return p->version != BFD_VERSION;
}

static bool
is_length_low(const struct bfd_pkt *p, size_t len)
{
	return p->length < BFD_OCTETS_MIN + (p->has_auth ? AUTH_OCTETS_MIN : 0);
}

static bool
is_length_beyond(const struct bfd_pkt *p, size_t len)
{
	return p->length > len;
}

static bool
has_no_mult(const struct bfd_pkt *p, size_t len)
{
	return p->mult == 0;
}

static bool
is_multipoint(const struct bfd_pkt *p, size_t len)
{
	return p->multipoint;
}

static bool
is_poll_and_final(const struct bfd_pkt *p, size_t len)
{
	return p->poll && p->final;
}

static bool
has_no_discr(const struct bfd_pkt *p, size_t len)
{
	return p->my_discr == 0;
}

static const struct {
	bool (*is_broken)(const struct bfd_pkt *p, size_t len);
	enum bfd_rx rx;
} rules[] = {
	{ is_wrong_version, BFD_RX_VERSION },
	{ is_length_low, BFD_RX_LENGTH },
	{ is_length_beyond, BFD_RX_OVERRUN },
	{ has_no_mult, BFD_RX_MULTIPLIER },
	{ is_multipoint, BFD_RX_MULTIPOINT },
	{ is_poll_and_final, BFD_RX_POLL_FINAL },
	{ has_no_discr, BFD_RX_MY_DISCR },
};

static void
read_mandatory(struct rd *r, struct bfd_pkt *p)
{
	uint8_t vers_diag = rd_u8(r), flags = rd_u8(r);

	p->version = vers_diag >> 5;
	p->diag = vers_diag & 0x1f;
	p->state = flags >> 6;
	p->poll = flags & BIT_POLL;
	p->final = flags & BIT_FINAL;
	p->independent = flags & BIT_INDEPENDENT;
	p->has_auth = flags & BIT_AUTH;
	p->demand = flags & BIT_DEMAND;
	p->multipoint = flags & BIT_MULTIPOINT;
	p->mult = rd_u8(r);
	p->length = rd_u8(r);
	p->my_discr = rd_u32(r);
	p->your_discr = rd_u32(r);
	p->tx_us = rd_u32(r);
	p->rx_us = rd_u32(r);
	p->echo_us = rd_u32(r);
}

enum bfd_rx
bfd_pkt_decode(const void *buf, size_t len, struct bfd_pkt *ret)
{
	struct rd r = rd_init(buf, len);

	*ret = (struct bfd_pkt){ 0 };
	read_mandatory(&r, ret);
	if (r.bad)
		return BFD_RX_SHORT;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].is_broken(ret, len))
			return rules[i].rx;
	ret->auth = rd_sub(&r, ret->length - BFD_OCTETS_MIN);
	return BFD_RX_OK;
}

void
bfd_pkt_encode(const struct bfd_pkt *p, struct wr *w)
{
	wr_u8(w, (uint8_t)(p->version << 5 | (p->diag & 0x1f)));
	wr_u8(w, (uint8_t)(p->state << 6 | (p->poll ? BIT_POLL : 0) | (p->final ? BIT_FINAL : 0) |
			   (p->independent ? BIT_INDEPENDENT : 0) | (p->has_auth ? BIT_AUTH : 0) |
			   (p->demand ? BIT_DEMAND : 0) | (p->multipoint ? BIT_MULTIPOINT : 0)));
	wr_u8(w, p->mult);
	wr_u8(w, p->length);
	wr_u32(w, p->my_discr);
	wr_u32(w, p->your_discr);
	wr_u32(w, p->tx_us);
	wr_u32(w, p->rx_us);
	wr_u32(w, p->echo_us);
}
