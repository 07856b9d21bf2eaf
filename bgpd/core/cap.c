/*
 * Capabilities: one row each, RFC 5492.
 *
 * A row knows the lengths its RFC allows, so decoders read without asking.
 * Every encode function writes all instances of its capability, or none when
 * it is not offered.  Codes without a row are skipped (RFC 5492 section 3).
 */
#include "bgpd/core/cap.h"

#include "bgpd/core/bgp.h"

struct cap_desc {
	uint8_t code;
	uint8_t min_octets, step_octets; /* length: min + n * step; step 0: exactly min */
	const char *name;
	void (*decode)(struct rd *r, struct caps *c);
	void (*encode)(struct wr *w, const struct caps *c);
};

#define GR_R	      0x8000
#define GR_N	      0x4000
#define GR_TIME_MASK  0x0fff
#define GR_FORWARDING 0x80

/* Send/Receive of ADD-PATH, RFC 7911 section 4. */
#define ADDPATH_RECEIVE 1
#define ADDPATH_SEND	2

static void
mp_decode(struct rd *r, struct caps *c)
{
	uint16_t afi = rd_u16(r);
	uint8_t af;

	rd_u8(r); /* reserved */
	af = afi_known(afi, rd_u8(r));
	c->mp = true;
	if (af)
		c->families |= AF_BIT(af);
}

static void
mp_encode(struct wr *w, const struct caps *c)
{
	for (unsigned i = 0; i < AF_COUNT; i++) {
		if (!(c->families & AF_BIT(afi_desc[i].af)))
			continue;
		wr_u8(w, CAP_MP);
		wr_u8(w, 4);
		wr_u16(w, afi_desc[i].af);
		wr_u8(w, 0);
		wr_u8(w, afi_desc[i].safi);
	}
}

static void
refresh_decode(struct rd *r, struct caps *c)
{
	c->refresh = true;
}

static void
refresh_encode(struct wr *w, const struct caps *c)
{
	if (!c->refresh)
		return;
	wr_u8(w, CAP_REFRESH);
	wr_u8(w, 0);
}

static void
ext_next_hop_decode(struct rd *r, struct caps *c)
{
	while (rd_left(r) > 0) {
		uint16_t afi = rd_u16(r), safi = rd_u16(r), nh_afi = rd_u16(r);

		if (afi == IP4 && safi == BGP_SAFI_UNICAST && nh_afi == IP6)
			c->ext_next_hop = true;
	}
}

static void
ext_next_hop_encode(struct wr *w, const struct caps *c)
{
	if (!c->ext_next_hop)
		return;
	wr_u8(w, CAP_EXT_NEXT_HOP);
	wr_u8(w, 6);
	wr_u16(w, IP4);
	wr_u16(w, BGP_SAFI_UNICAST);
	wr_u16(w, IP6);
}

static void
ext_msg_decode(struct rd *r, struct caps *c)
{
	c->ext_msg = true;
}

static void
ext_msg_encode(struct wr *w, const struct caps *c)
{
	if (!c->ext_msg)
		return;
	wr_u8(w, CAP_EXT_MESSAGE);
	wr_u8(w, 0);
}

/* Of several instances the last one counts: RFC 4724 section 3. */
static void
gr_decode(struct rd *r, struct caps *c)
{
	uint16_t head = rd_u16(r);

	c->gr = (struct cap_gr){
		.present = true,
		.restarting = head & GR_R,
		.notification = head & GR_N,
		.time_s = head & GR_TIME_MASK,
	};
	while (rd_left(r) > 0) {
		uint16_t afi = rd_u16(r);
		uint8_t af = afi_known(afi, rd_u8(r));
		uint8_t flags = rd_u8(r);

		if (!af)
			continue;
		c->gr.families |= AF_BIT(af);
		if (flags & GR_FORWARDING)
			c->gr.forwarding |= AF_BIT(af);
	}
}

static void
gr_encode(struct wr *w, const struct caps *c)
{
	size_t mark;

	if (!c->gr.present)
		return;
	wr_u8(w, CAP_GR);
	mark = wr_open8(w);
	wr_u16(w, (uint16_t)((c->gr.restarting ? GR_R : 0) | (c->gr.notification ? GR_N : 0) |
	    (c->gr.time_s & GR_TIME_MASK)));
	for (unsigned i = 0; i < AF_COUNT; i++) {
		if (!(c->gr.families & AF_BIT(afi_desc[i].af)))
			continue;
		wr_u16(w, afi_desc[i].af);
		wr_u8(w, afi_desc[i].safi);
		wr_u8(w, c->gr.forwarding & AF_BIT(afi_desc[i].af) ? GR_FORWARDING : 0);
	}
	wr_close8(w, mark);
}

/* Of several instances the last one counts, as for graceful restart. */
static void
llgr_decode(struct rd *r, struct caps *c)
{
	c->llgr = (struct cap_llgr){ .present = true };
	while (rd_left(r) > 0) {
		uint16_t afi = rd_u16(r);
		uint8_t af = afi_known(afi, rd_u8(r)), flags = rd_u8(r);
		uint32_t time_s = (uint32_t)rd_u8(r) << 16;

		time_s |= rd_u16(r);
		if (!af)
			continue;
		c->llgr.families |= AF_BIT(af);
		if (flags & GR_FORWARDING)
			c->llgr.forwarding |= AF_BIT(af);
		c->llgr.time_s[AF_IDX(af)] = time_s;
	}
}

static void
llgr_encode(struct wr *w, const struct caps *c)
{
	size_t mark;

	if (!c->llgr.present || !c->gr.present)
		return;
	wr_u8(w, CAP_LLGR);
	mark = wr_open8(w);
	for (unsigned i = 0; i < AF_COUNT; i++) {
		uint8_t bit = AF_BIT(afi_desc[i].af);

		if (!(c->llgr.families & bit))
			continue;
		wr_u16(w, afi_desc[i].af);
		wr_u8(w, afi_desc[i].safi);
		wr_u8(w, c->llgr.forwarding & bit ? GR_FORWARDING : 0);
		wr_u8(w, (uint8_t)(c->llgr.time_s[i] >> 16));
		wr_u16(w, (uint16_t)c->llgr.time_s[i]);
	}
	wr_close8(w, mark);
}

static void
as4_decode(struct rd *r, struct caps *c)
{
	c->as4 = true;
	c->asn = rd_u32(r);
}

static void
as4_encode(struct wr *w, const struct caps *c)
{
	if (!c->as4)
		return;
	wr_u8(w, CAP_AS4);
	wr_u8(w, 4);
	wr_u32(w, c->asn);
}

/*
 * RFC 7911 section 4: one instance lists all families; with any value of
 * Send/Receive but 1 to 3 it counts as not understood, all of it.  Of several
 * instances the last one that is understood counts.
 */
static void
addpath_decode(struct rd *r, struct caps *c)
{
	uint8_t rx = 0, tx = 0;

	while (rd_left(r) > 0) {
		uint16_t afi = rd_u16(r);
		uint8_t af = afi_known(afi, rd_u8(r)), how = rd_u8(r);

		if (how < ADDPATH_RECEIVE || how > (ADDPATH_RECEIVE | ADDPATH_SEND))
			return;
		if (af && (how & ADDPATH_RECEIVE))
			rx |= (uint8_t)AF_BIT(af);
		if (af && (how & ADDPATH_SEND))
			tx |= (uint8_t)AF_BIT(af);
	}
	c->addpath_rx = rx;
	c->addpath_tx = tx;
}

static void
addpath_encode(struct wr *w, const struct caps *c)
{
	size_t mark;

	if (!(c->addpath_rx | c->addpath_tx))
		return;
	wr_u8(w, CAP_ADD_PATH);
	mark = wr_open8(w);
	for (unsigned i = 0; i < AF_COUNT; i++) {
		uint8_t bit = AF_BIT(afi_desc[i].af);

		if (!((c->addpath_rx | c->addpath_tx) & bit))
			continue;
		wr_u16(w, afi_desc[i].af);
		wr_u8(w, afi_desc[i].safi);
		wr_u8(w, (uint8_t)((c->addpath_rx & bit ? ADDPATH_RECEIVE : 0) |
		    (c->addpath_tx & bit ? ADDPATH_SEND : 0)));
	}
	wr_close8(w, mark);
}

/* RFC 9234 section 4.2: several are fine while they agree. */
static void
role_decode(struct rd *r, struct caps *c)
{
	uint8_t value = rd_u8(r);

	c->roles_differ |= c->role && value != c->role_value;
	c->role = true;
	c->role_value = value;
}

static void
role_encode(struct wr *w, const struct caps *c)
{
	if (!c->role)
		return;
	wr_u8(w, CAP_ROLE);
	wr_u8(w, 1);
	wr_u8(w, c->role_value);
}

static void
enhanced_refresh_decode(struct rd *r, struct caps *c)
{
	c->enhanced_refresh = true;
}

static void
enhanced_refresh_encode(struct wr *w, const struct caps *c)
{
	if (!c->enhanced_refresh)
		return;
	wr_u8(w, CAP_ENHANCED_REFRESH);
	wr_u8(w, 0);
}

static const struct cap_desc cap_desc[] = {
	{ CAP_MP, 4, 0, "multiprotocol", mp_decode, mp_encode },	   /* RFC 4760 section 8 */
	{ CAP_REFRESH, 0, 0, "route-refresh", refresh_decode, refresh_encode }, /* RFC 2918 */
	{ CAP_EXT_NEXT_HOP, 0, 6, "extended-next-hop", ext_next_hop_decode,
	    ext_next_hop_encode },					   /* RFC 8950 section 4 */
	{ CAP_EXT_MESSAGE, 0, 0, "extended-message", ext_msg_decode, ext_msg_encode }, /* RFC 8654 */
	{ CAP_ROLE, 1, 0, "role", role_decode, role_encode },		   /* RFC 9234 section 4.1 */
	{ CAP_GR, 2, 4, "graceful-restart", gr_decode, gr_encode },	   /* RFC 4724 section 3 */
	{ CAP_AS4, 4, 0, "4-octet-as", as4_decode, as4_encode },	   /* RFC 6793 section 3 */
	{ CAP_ADD_PATH, 0, 4, "add-path", addpath_decode, addpath_encode }, /* RFC 7911 section 4 */
	{ CAP_ENHANCED_REFRESH, 0, 0, "enhanced-route-refresh", enhanced_refresh_decode,
	    enhanced_refresh_encode },					   /* RFC 7313 section 3.1 */
	{ CAP_LLGR, 0, 7, "long-lived-graceful-restart", llgr_decode,
	    llgr_encode },						   /* RFC 9494 section 3.1 */
	{ CAP_REFRESH_CISCO, 0, 0, "route-refresh-cisco", refresh_decode, NULL },
};

#define NCAPS (sizeof(cap_desc) / sizeof(cap_desc[0]))

static const struct cap_desc *
cap_find(uint8_t code)
{
	for (unsigned i = 0; i < NCAPS; i++)
		if (cap_desc[i].code == code)
			return &cap_desc[i];
	return NULL;
}

static bool
cap_length_ok(const struct cap_desc *d, uint8_t octets)
{
	if (d->step_octets == 0)
		return octets == d->min_octets;
	return octets >= d->min_octets && (octets - d->min_octets) % d->step_octets == 0;
}

void
caps_decode(struct rd *r, struct caps *ret, struct bgp_err *e)
{
	while (rd_left(r) > 0) {
		size_t off = BGP_HEADER_OCTETS + rd_pos(r);
		uint8_t code = rd_u8(r), octets = rd_u8(r);
		struct rd value = rd_sub(r, octets);
		const struct cap_desc *d = cap_find(code);

		if (r->bad) {
			bgp_fail(e, ACT_RESET, ERR_OPEN, OPEN_UNSPECIFIC, 0, off,
			    "a capability runs over the end of its parameter");
			return;
		}
		ret->any = true;
		ret->codes[code / 32] |= 1u << (code % 32);
		if (!d || !d->decode)
			continue;
		if (!cap_length_ok(d, octets)) {
			bgp_fail(e, ACT_RESET, ERR_OPEN, OPEN_UNSPECIFIC, 0, off,
			    "a capability has a length that its RFC does not allow");
			return;
		}
		d->decode(&value, ret);
	}
}

void
caps_encode(struct wr *w, const struct caps *c)
{
	for (unsigned i = 0; i < NCAPS; i++)
		if (cap_desc[i].encode)
			cap_desc[i].encode(w, c);
}

static uint8_t
caps_families(const struct caps *c)
{
	return c->mp ? c->families : AF_BIT(IP4);
}

uint8_t
caps_common_families(const struct caps *mine, const struct caps *theirs)
{
	return caps_families(mine) & caps_families(theirs);
}

uint8_t
caps_addpath(const struct caps *sender, const struct caps *receiver)
{
	return sender->addpath_tx & receiver->addpath_rx;
}

const char *
cap_name(uint8_t code)
{
	const struct cap_desc *d = cap_find(code);

	return d ? d->name : "unknown";
}
