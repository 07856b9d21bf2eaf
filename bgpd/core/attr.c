/*
 * The attribute table: decode with RFC 7606's verdicts, encode in type order.
 *
 * decode(): reads one value from a reader that covers exactly that value, and
 * reports with value_bad(); the row says which action a malformed value gets.
 * A row's octets are the only lengths allowed: the walk checks them.
 *
 * 2-octet sessions (RFC 6793): AS_PATH is widened into u->scratch, and merged
 * with AS4_PATH after the walk, because the order of attributes is free.
 *
 * Choices where the RFCs leave one are in doc/standards.md.
 */
#include "bgpd/core/attr.h"

#include <stdlib.h>
#include <string.h>

#include "bgpd/core/bgp.h"

/* One UPDATE's walk. */
struct walk {
	const struct update_ctx *ctx;
	struct update *u;
	struct attr_seen *seen;
	/* the attribute being read */
	const struct attr_desc *d;
	uint8_t type;
	const uint8_t *tlv;
	size_t tlv_octets, tlv_off;
	/* RFC 6793: kept until the walk is over */
	struct attrs_view as_path2, as4_path;
	bool as4_aggregator;
	uint32_t as4_aggregator_asn, as4_aggregator_id;
	struct wr scratch; /* unknown attributes first, then AS_PATH */
};

/* One attribute set being written. */
struct enc {
	struct wr *w;
	const struct update_ctx *ctx;
	const struct attrs *a;
	const struct ip_addr *nh4;
	bool lean; /* without what may be discarded */
	size_t *ret_nh_off;
};

enum row_flag {
	ROW_IBGP = 1 << 0,	/* from an external peer: discarded (RFC 7606 sections 7.9, 7.10) */
	ROW_FLAGS_OK = 1 << 1,	/* decoded even when its flags are wrong: it locates NLRI */
	ROW_INSIDE = 1 << 2,	/* as ROW_IBGP, but used throughout a confederation (7606 7.5, 5065 4) */
};

struct attr_desc {
	const char *name;
	uint8_t flags;		/* Optional and Transitive as they must be */
	uint8_t row;		/* enum row_flag */
	enum bgp_act act;	/* when malformed: RFC 7606 section 7 */
	uint8_t octets;		/* value's length: exactly this, or with `each` a non-zero multiple */
	bool each;
	void (*decode)(struct walk *k, struct rd *r); /* NULL: nothing to read, or not spoken */
	void (*encode)(struct enc *x);		      /* NULL: update.c's, or never sent */
};

#define OCTETS_ANY   0xff
#define LARGE_OCTETS 12
#define EXT_OCTETS   8
#define WELL_KNOWN ATTR_F_TRANSITIVE
#define OPT_TRANS  (ATTR_F_OPTIONAL | ATTR_F_TRANSITIVE)
#define OPT_LOCAL  ATTR_F_OPTIONAL

static void
value_bad(struct walk *k, enum bgp_act act, uint8_t sub, const char *why)
{
	bgp_fail_data(&k->u->err, act, ERR_UPDATE, sub, k->type, k->tlv_off, k->tlv, k->tlv_octets,
	    why);
}

/* ---- simple values --------------------------------------------------------------- */

/* RFC 4271 section 5.1.1, RFC 7606 section 7.1. */
static void
origin_decode(struct walk *k, struct rd *r)
{
	k->u->attrs.origin = rd_u8(r);
	if (k->u->attrs.origin > ORIGIN_INCOMPLETE)
		value_bad(k, k->d->act, UPD_ORIGIN, "its value is not 0, 1 or 2");
}

static void
med_decode(struct walk *k, struct rd *r)
{
	k->u->attrs.med = rd_u32(r);
	k->u->attrs.flags |= ATTRS_MED;
}

static void
local_pref_decode(struct walk *k, struct rd *r)
{
	k->u->attrs.local_pref = rd_u32(r);
	k->u->attrs.flags |= ATTRS_LOCAL_PREF;
}

static void
atomic_decode(struct walk *k, struct rd *r)
{
	k->u->attrs.flags |= ATTRS_ATOMIC;
}

static void
originator_decode(struct walk *k, struct rd *r)
{
	k->u->attrs.originator_id = rd_u32(r);
	k->u->attrs.flags |= ATTRS_ORIGINATOR;
}

/* RFC 9234 section 5. */
static void
otc_decode(struct walk *k, struct rd *r)
{
	k->u->attrs.otc = rd_u32(r);
	k->u->attrs.flags |= ATTRS_OTC;
	if (k->tlv[0] & ATTR_F_PARTIAL)
		k->u->attrs.flags |= ATTRS_OTC_PARTIAL;
}

static void
part_decode(struct walk *k, struct rd *r, enum attrs_part part)
{
	uint16_t octets = (uint16_t)rd_left(r);

	k->u->attrs.part[part] = (struct attrs_view){ .p = rd_view(r, octets), .octets = octets };
}

/* The Partial bit of an optional transitive attribute stays with it: RFC 4271 section 5. */
static void
partial_keep(struct walk *k, enum attrs_flag flag)
{
	if (k->tlv[0] & ATTR_F_PARTIAL)
		k->u->attrs.flags |= (uint16_t)flag;
}

static void
communities_decode(struct walk *k, struct rd *r)
{
	part_decode(k, r, ATTRS_COMMUNITIES);
	partial_keep(k, ATTRS_COMM_PARTIAL);
}

static void
ext_decode(struct walk *k, struct rd *r)
{
	part_decode(k, r, ATTRS_EXT);
	partial_keep(k, ATTRS_EXT_PARTIAL);
}

static void
large_decode(struct walk *k, struct rd *r)
{
	part_decode(k, r, ATTRS_LARGE);
	partial_keep(k, ATTRS_LARGE_PARTIAL);
}

static int
by_large(const void *a, const void *b)
{
	return memcmp(a, b, LARGE_OCTETS);
}

/*
 * The same value twice counts once: RFC 8092 section 3.  A list without such is left
 * in its order.  After the walk, because scratch must begin with unknown attributes.
 */
static void
large_unique(struct walk *k)
{
	struct attrs_view *v = &k->u->attrs.part[ATTRS_LARGE];
	uint8_t *sorted = wr_take(&k->scratch, v->octets);
	size_t n = v->octets / LARGE_OCTETS, kept = 1;

	if (n < 2 || !sorted)
		return;
	memcpy(sorted, v->p, v->octets);
	qsort(sorted, n, LARGE_OCTETS, by_large);
	for (size_t i = 1; i < n; i++) {
		const uint8_t *one = sorted + i * LARGE_OCTETS;

		if (by_large(one, one - LARGE_OCTETS) != 0)
			memmove(sorted + kept++ * LARGE_OCTETS, one, LARGE_OCTETS);
	}
	if (kept < n)
		*v = (struct attrs_view){ .p = sorted, .octets = (uint16_t)(kept * LARGE_OCTETS) };
}

static void
cluster_list_decode(struct walk *k, struct rd *r)
{
	part_decode(k, r, ATTRS_CLUSTER_LIST);
}

/* ---- AS_PATH ------------------------------------------------------------------------ */

/* NULL, or what is wrong with a path of 2- or 4-octet AS numbers. RFC 7606 section 7.2, RFC 7607. */
static const char *
path_check(struct rd r, unsigned asn_octets, bool confed_allowed)
{
	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), n = rd_u8(&r);
		bool confed = type == SEG_CONFED_SEQUENCE || type == SEG_CONFED_SET;

		if (r.bad)
			return "a segment header is cut off";
		if (type != SEG_SET && type != SEG_SEQUENCE && !confed)
			return "a segment type is unknown";
		if (confed && !confed_allowed) /* RFC 5065 section 5 */
			return "a confederation segment from outside the confederation";
		if (n == 0)
			return "a segment is empty";
		for (unsigned i = 0; i < n && !r.bad; i++)
			if ((asn_octets == 4 ? rd_u32(&r) : rd_u16(&r)) == 0 && !r.bad)
				return "it holds AS 0"; /* RFC 7607 section 2 */
		if (r.bad)
			return "a segment runs over its end";
	}
	return NULL;
}

/* From another Member-AS: RFC 5065 section 5. */
static const char *
confed_check(const struct update_ctx *ctx, struct rd r)
{
	if (!ctx->ebgp || !ctx->confed || rd_u8(&r) == SEG_CONFED_SEQUENCE)
		return NULL;
	return "from another member of the confederation, it does not begin with AS_CONFED_SEQUENCE";
}

static void
as_path_decode(struct walk *k, struct rd *r)
{
	const char *why = path_check(*r, k->ctx->as4 ? 4 : 2, k->ctx->confed);

	if (!why)
		why = confed_check(k->ctx, *r);
	if (why)
		value_bad(k, k->d->act, UPD_AS_PATH, why);
	else if (k->ctx->as4)
		part_decode(k, r, ATTRS_AS_PATH);
	else
		k->as_path2 = (struct attrs_view){ .octets = (uint16_t)rd_left(r), .p = r->p };
}

/*
 * Between speakers that both have 4-octet AS numbers it is to be discarded,
 * as is a malformed one: RFC 6793 sections 4.1 and 6.
 */
static void
as4_path_decode(struct walk *k, struct rd *r)
{
	const char *why = path_check(*r, 4, true);

	if (k->ctx->as4)
		why = "AS4_PATH from a speaker with 4-octet AS numbers";
	else if (rd_left(r) == 0)
		why = "it is empty";
	if (why)
		value_bad(k, k->d->act, UPD_OPTIONAL, why);
	else
		k->as4_path = (struct attrs_view){ .octets = (uint16_t)rd_left(r), .p = r->p };
}

/* Six octets, or eight between speakers with 4-octet AS numbers: RFC 7606 section 7.7. */
static void
aggregator_decode(struct walk *k, struct rd *r)
{
	uint32_t asn = k->ctx->as4 ? rd_u32(r) : rd_u16(r), id = rd_u32(r);

	if (!rd_done(r)) {
		value_bad(k, k->d->act, UPD_ATTR_LENGTH, "its length is wrong");
		return;
	}
	if (asn == 0) { /* RFC 7607 section 2 */
		value_bad(k, k->d->act, UPD_OPTIONAL, "it holds AS 0");
		return;
	}
	k->u->attrs.aggregator_asn = asn;
	k->u->attrs.aggregator_id = id;
	k->u->attrs.flags |= ATTRS_AGGREGATOR;
	partial_keep(k, ATTRS_AGGR_PARTIAL);
}

static void
as4_aggregator_decode(struct walk *k, struct rd *r)
{
	k->as4_aggregator_asn = rd_u32(r);
	k->as4_aggregator_id = rd_u32(r);
	if (k->ctx->as4)
		value_bad(k, k->d->act, UPD_OPTIONAL,
		    "AS4_AGGREGATOR from a speaker with 4-octet AS numbers");
	else if (k->as4_aggregator_asn == 0)
		value_bad(k, k->d->act, UPD_OPTIONAL, "it holds AS 0");
	else
		k->as4_aggregator = true;
}

/* Segments being written with 4-octet numbers; adjacent AS_SEQUENCEs become one. */
struct segs {
	struct wr *w;
	uint8_t type;	/* of the segment under construction, 0: none */
	uint8_t count;
	size_t count_at; /* where its count stands in w */
};

static void
segs_begin(struct segs *s, uint8_t type)
{
	if (s->type == SEG_SEQUENCE && type == SEG_SEQUENCE)
		return;
	wr_u8(s->w, type);
	s->count_at = wr_len(s->w);
	wr_u8(s->w, 0);
	s->type = type;
	s->count = 0;
}

static void
segs_add(struct segs *s, uint32_t asn)
{
	if (s->count == 255) {
		uint8_t type = s->type;

		s->type = 0;
		segs_begin(s, type);
	}
	wr_u32(s->w, asn);
	if (!s->w->full)
		s->w->base[s->count_at] = ++s->count;
}

static bool
seg_counts(uint8_t type)
{
	return type == SEG_SET || type == SEG_SEQUENCE;
}

/* Length of a checked path for the comparison of RFC 6793 section 4.2.3. */
static unsigned
path_hops(const struct attrs_view *v, unsigned asn_octets)
{
	struct rd r = rd_init(v->p, v->octets);
	unsigned hops = 0;

	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), n = rd_u8(&r);

		rd_skip(&r, (size_t)n * asn_octets);
		if (seg_counts(type))
			hops += type == SEG_SET ? 1 : n;
	}
	return hops;
}

/* The leading `hops` of a checked 2-octet path. */
static void
segs_add_path2(struct segs *s, const struct attrs_view *v, unsigned hops)
{
	struct rd r = rd_init(v->p, v->octets);

	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), n = rd_u8(&r);
		unsigned take = type == SEG_SEQUENCE && n > hops ? hops : n;

		if (seg_counts(type) && hops == 0)
			break;
		segs_begin(s, type);
		for (unsigned i = 0; i < n; i++) {
			uint16_t asn = rd_u16(&r);

			if (i < take)
				segs_add(s, asn);
		}
		if (seg_counts(type))
			hops -= type == SEG_SET ? 1 : take;
	}
}

/* A checked AS4_PATH; confederation segments are left out: RFC 6793 section 6. */
static void
segs_add_path4(struct segs *s, const struct attrs_view *v)
{
	struct rd r = rd_init(v->p, v->octets);

	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), n = rd_u8(&r);

		if (seg_counts(type))
			segs_begin(s, type);
		for (unsigned i = 0; i < n; i++) {
			uint32_t asn = rd_u32(&r);

			if (seg_counts(type))
				segs_add(s, asn);
		}
	}
}

/*
 * AS_PATH and AGGREGATOR of a 2-octet speaker with what AS4_PATH and
 * AS4_AGGREGATOR restore.  RFC 6793 section 4.2.3: an AGGREGATOR whose AS is not
 * AS_TRANS voids both, when an AS4_AGGREGATOR is there to contradict it; an
 * AS4_PATH longer than AS_PATH is ignored.
 */
static void
as4_merge(struct walk *k)
{
	struct attrs_build *b = &k->u->attrs;
	bool both = k->as4_aggregator && b->flags & ATTRS_AGGREGATOR;
	bool use_as4 = !both || b->aggregator_asn == BGP_AS_TRANS;
	size_t start = wr_len(&k->scratch), octets;
	struct segs s = { .w = &k->scratch };
	unsigned hops2 = path_hops(&k->as_path2, 2), hops4 = path_hops(&k->as4_path, 4);

	if (use_as4 && both) {
		b->aggregator_asn = k->as4_aggregator_asn;
		b->aggregator_id = k->as4_aggregator_id;
	}
	if (k->as4_path.octets > 0 && use_as4 && hops4 <= hops2) {
		segs_add_path2(&s, &k->as_path2, hops2 - hops4);
		segs_add_path4(&s, &k->as4_path);
	} else {
		segs_add_path2(&s, &k->as_path2, hops2);
	}
	octets = wr_len(&k->scratch) - start;
	if (octets > UINT16_MAX) { /* of an extended message: it could not be passed on */
		bgp_fail(&k->u->err, ACT_WITHDRAW, ERR_UPDATE, UPD_AS_PATH, ATTR_AS_PATH,
		    BGP_HEADER_OCTETS, "with 4-octet AS numbers it is too long");
		octets = 0;
	}
	b->part[ATTRS_AS_PATH] = (struct attrs_view){ .p = k->scratch.base + start,
		.octets = (uint16_t)octets };
}

/* ---- next hops and NLRI ------------------------------------------------------------- */

static bool
is_own(const struct ipc_endpoints *ep, const struct ip_addr *a)
{
	const struct ip_addr *own[] = { &ep->local, &ep->self4, &ep->self6, &ep->self6ll };

	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (own[i]->af == a->af && memcmp(own[i]->b, a->b, sizeof(a->b)) == 0)
			return true;
	return false;
}

/* NULL, or why the address cannot be a next hop: RFC 4271 sections 5.1.3 and 6.3. */
static const char *
next_hop_check(const struct update_ctx *ctx, const struct ip_addr *a)
{
	if (a->af == IP4 && a->b[0] == 0)
		return "the next hop is in 0.0.0.0/8";
	if (a->af == IP4 && a->b[0] >= 240)
		return "the next hop is in 240.0.0.0/4";
	if (ip_addr_is_unspec(a))
		return "the next hop is unspecified";
	if (ip_addr_is_loopback(a))
		return "the next hop is a loopback address";
	if (ip_addr_is_multicast(a))
		return "the next hop is a multicast address";
	if (ctx->ep && is_own(ctx->ep, a))
		return "the next hop is our own address";
	return NULL;
}

/*
 * A semantic error makes the routes unusable, not the session: RFC 4271 section
 * 6.3.  Beside MP_REACH_NLRI alone the address says nothing, and some speakers
 * send 0.0.0.0 there: RFC 4760 section 3.
 */
static void
next_hop_decode(struct walk *k, struct rd *r)
{
	uint8_t b[4] = { 0 };
	const char *why;

	rd_copy(r, b, sizeof(b));
	k->u->attrs.next_hop = ip_addr_from_bytes(IP4, b);
	why = next_hop_check(k->ctx, &k->u->attrs.next_hop);
	if (why)
		bgp_fail_data(&k->seen->next_hop, ACT_WITHDRAW, ERR_UPDATE, UPD_NEXT_HOP, k->type,
		    k->tlv_off, k->tlv, k->tlv_octets, why);
}

static struct ip_addr
next_hop6_read(struct walk *k, struct rd *r)
{
	uint8_t b[16] = { 0 };
	struct ip_addr a;

	rd_copy(r, b, sizeof(b));
	a = ip_addr_from_bytes(IP6, b);
	if (ip_addr_is_link_local(&a) && k->ctx->ep)
		a.ifindex = k->ctx->ep->ifindex;
	return a;
}

/*
 * IPv6 next hop: global, or global and link-local (RFC 2545 section 3).  A
 * link-local or unspecified address in the global one's place, as several
 * speakers send on links without global addresses, leaves the link-local alone.
 */
static void
mp_next_hop6(struct walk *k, struct rd *r)
{
	struct update *u = k->u;
	struct ip_addr second = { 0 };

	u->mp_next_hop = next_hop6_read(k, r);
	if (rd_left(r) > 0)
		second = next_hop6_read(k, r);
	if (second.af && !ip_addr_is_link_local(&second))
		second.af = 0;
	if (second.af && (ip_addr_is_unspec(&u->mp_next_hop) ||
			     ip_addr_is_link_local(&u->mp_next_hop)))
		u->mp_next_hop = second;
	else if (second.af)
		u->mp_next_hop_ll = second;
}

static bool
mp_next_hop_octets_ok(const struct update_ctx *ctx, uint8_t af, size_t octets)
{
	if (af == IP4 && octets == 4)
		return true;
	return (af == IP6 || ctx->ext_next_hop) && (octets == 16 || octets == 32);
}

/* Its length tells the family: RFC 8950 section 3. */
static void
mp_next_hop(struct walk *k, struct rd *r)
{
	uint8_t b[4] = { 0 };
	const char *why;

	if (rd_left(r) > sizeof(b)) {
		mp_next_hop6(k, r);
	} else {
		rd_copy(r, b, sizeof(b));
		k->u->mp_next_hop = ip_addr_from_bytes(IP4, b);
	}
	why = next_hop_check(k->ctx, &k->u->mp_next_hop);
	if (!why && k->u->mp_next_hop_ll.af)
		why = next_hop_check(k->ctx, &k->u->mp_next_hop_ll);
	if (why)
		value_bad(k, ACT_WITHDRAW, UPD_NEXT_HOP, why);
}

/* Count the prefixes; bad ones make the whole attribute incorrect: RFC 4760 section 7. */
static uint32_t
mp_nlri_check(struct walk *k, struct rd nlri, uint8_t af)
{
	struct bgp_err e = { 0 };
	uint32_t n = nlri_check(nlri, af, k->ctx->addpath_rx & AF_BIT(af), &e);

	if (e.act != ACT_NONE)
		value_bad(k, ACT_RESET, UPD_OPTIONAL, e.why);
	return n;
}

/* RFC 4760 section 3; what cannot be located resets: RFC 7606 sections 5.3 and 7.11. */
static void
mp_reach_decode(struct walk *k, struct rd *r)
{
	struct update *u = k->u;
	uint16_t afi = rd_u16(r);
	uint8_t af = afi_known(afi, rd_u8(r)), nh_octets = rd_u8(r);
	struct rd nh = rd_sub(r, nh_octets);

	rd_u8(r); /* reserved */
	if (r->bad) {
		value_bad(k, ACT_RESET, UPD_OPTIONAL, "it is too short for its next hop");
		return;
	}
	if (!af || !(k->ctx->families & AF_BIT(af))) {
		k->seen->reach_skipped = true;
		rd_skip(r, rd_left(r));
		return;
	}
	if (!mp_next_hop_octets_ok(k->ctx, af, nh_octets)) {
		value_bad(k, ACT_RESET, UPD_OPTIONAL, "the length of its next hop is wrong");
		return;
	}
	mp_next_hop(k, &nh);
	u->mp_reach_af = af;
	u->mp_reach = rd_sub(r, rd_left(r));
	u->n_mp_reach = mp_nlri_check(k, u->mp_reach, af);
}

/* RFC 4760 section 4. */
static void
mp_unreach_decode(struct walk *k, struct rd *r)
{
	struct update *u = k->u;
	uint16_t afi = rd_u16(r);
	uint8_t af = afi_known(afi, rd_u8(r));

	if (r->bad) {
		value_bad(k, ACT_RESET, UPD_OPTIONAL, "it is too short");
		return;
	}
	if (!af || !(k->ctx->families & AF_BIT(af))) {
		rd_skip(r, rd_left(r));
		return;
	}
	u->mp_unreach_af = af;
	u->mp_unreach = rd_sub(r, rd_left(r));
	u->n_mp_unreach = mp_nlri_check(k, u->mp_unreach, af);
}

/* ---- encoding ------------------------------------------------------------------------ */

void
attr_put_header(struct wr *w, uint8_t flags, uint8_t type, size_t octets)
{
	bool wide = octets > 255;

	wr_u8(w, (uint8_t)(flags | (wide ? ATTR_F_EXT_LEN : 0)));
	wr_u8(w, type);
	if (wide)
		wr_u16(w, (uint16_t)octets);
	else
		wr_u8(w, (uint8_t)octets);
}

static void
put_u32(struct enc *x, uint8_t flags, uint8_t type, uint32_t v)
{
	attr_put_header(x->w, flags, type, 4);
	wr_u32(x->w, v);
}

static void
put_part(struct enc *x, uint8_t flags, uint8_t type, enum attrs_part part)
{
	struct attrs_view v = attrs_part(x->a, part);

	if (v.octets == 0)
		return;
	attr_put_header(x->w, flags, type, v.octets);
	wr_bytes(x->w, v.p, v.octets);
}

static uint8_t
partial(const struct attrs *a, enum attrs_flag flag)
{
	return a->flags & flag ? OPT_TRANS | ATTR_F_PARTIAL : OPT_TRANS;
}

static void
origin_encode(struct enc *x)
{
	attr_put_header(x->w, WELL_KNOWN, ATTR_ORIGIN, 1);
	wr_u8(x->w, x->a->origin);
}

/* 2-octet form: as many segments, numbers that do not fit become AS_TRANS (RFC 6793 section 4.2.2). */
static void
as_path_encode(struct enc *x)
{
	struct attrs_view v = attrs_part(x->a, ATTRS_AS_PATH);
	struct rd r = rd_init(v.p, v.octets), sizes = r;
	size_t octets = 0;

	if (x->ctx->as4) {
		attr_put_header(x->w, WELL_KNOWN, ATTR_AS_PATH, v.octets);
		wr_bytes(x->w, v.p, v.octets);
		return;
	}
	while (rd_left(&sizes) > 0) {
		uint8_t n;

		rd_u8(&sizes); /* type */
		n = rd_u8(&sizes);
		octets += 2 + 2u * n;
		rd_skip(&sizes, 4u * n);
	}
	attr_put_header(x->w, WELL_KNOWN, ATTR_AS_PATH, octets);
	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), n = rd_u8(&r);

		wr_u8(x->w, type);
		wr_u8(x->w, n);
		while (n-- > 0) {
			uint32_t asn = rd_u32(&r);

			wr_u16(x->w, asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)asn);
		}
	}
}

static void
next_hop_encode(struct enc *x)
{
	if (!x->nh4)
		return;
	attr_put_header(x->w, WELL_KNOWN, ATTR_NEXT_HOP, 4);
	*x->ret_nh_off = wr_len(x->w);
	wr_bytes(x->w, x->nh4->b, 4);
}

static void
med_encode(struct enc *x)
{
	if (x->a->flags & ATTRS_MED)
		put_u32(x, OPT_LOCAL, ATTR_MED, x->a->med);
}

#define LOCAL_PREF_DEFAULT 100

static void
local_pref_encode(struct enc *x)
{
	if (x->ctx->as_is && !(x->a->flags & ATTRS_LOCAL_PREF))
		return;
	put_u32(x, WELL_KNOWN, ATTR_LOCAL_PREF,
	    x->a->flags & ATTRS_LOCAL_PREF ? x->a->local_pref : LOCAL_PREF_DEFAULT);
}

static void
atomic_encode(struct enc *x)
{
	if (x->a->flags & ATTRS_ATOMIC && !x->lean)
		attr_put_header(x->w, WELL_KNOWN, ATTR_ATOMIC_AGGREGATE, 0);
}

static void
aggregator_encode(struct enc *x)
{
	uint32_t asn = attrs_rare(x->a).aggregator_asn;

	if (!(x->a->flags & ATTRS_AGGREGATOR) || x->lean)
		return;
	attr_put_header(x->w, partial(x->a, ATTRS_AGGR_PARTIAL), ATTR_AGGREGATOR,
	    x->ctx->as4 ? 8 : 6);
	if (x->ctx->as4)
		wr_u32(x->w, asn);
	else
		wr_u16(x->w, asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)asn);
	wr_u32(x->w, attrs_rare(x->a).aggregator_id);
}

static void
communities_encode(struct enc *x)
{
	put_part(x, partial(x->a, ATTRS_COMM_PARTIAL), ATTR_COMMUNITIES, ATTRS_COMMUNITIES);
}

static void
originator_encode(struct enc *x)
{
	if (x->a->flags & ATTRS_ORIGINATOR)
		put_u32(x, OPT_LOCAL, ATTR_ORIGINATOR_ID, x->a->originator_id);
}

static void
cluster_list_encode(struct enc *x)
{
	put_part(x, OPT_LOCAL, ATTR_CLUSTER_LIST, ATTRS_CLUSTER_LIST);
}

#define EXT_NOT_TRANSITIVE 0x40 /* in the first octet: RFC 4360 section 2 */

/* Non-transitive ones end at the border of the AS: RFC 4360 section 6. */
static void
ext_encode(struct enc *x)
{
	struct attrs_view v = attrs_part(x->a, ATTRS_EXT);
	bool all = x->ctx->as_is || !x->ctx->ebgp || x->ctx->confed;
	size_t octets = 0;

	for (size_t i = 0; i < v.octets; i += EXT_OCTETS)
		if (all || !(v.p[i] & EXT_NOT_TRANSITIVE))
			octets += EXT_OCTETS;
	if (octets == 0)
		return;
	attr_put_header(x->w, partial(x->a, ATTRS_EXT_PARTIAL), ATTR_EXT_COMMUNITIES, octets);
	for (size_t i = 0; i < v.octets; i += EXT_OCTETS)
		if (all || !(v.p[i] & EXT_NOT_TRANSITIVE))
			wr_bytes(x->w, v.p + i, EXT_OCTETS);
}

static void
large_encode(struct enc *x)
{
	put_part(x, partial(x->a, ATTRS_LARGE_PARTIAL), ATTR_LARGE_COMMUNITIES, ATTRS_LARGE);
}

static void
otc_encode(struct enc *x)
{
	if (x->a->flags & ATTRS_OTC)
		put_u32(x, partial(x->a, ATTRS_OTC_PARTIAL), ATTR_OTC, attrs_rare(x->a).otc);
}

/* To a 2-octet speaker, when AS_PATH lost numbers; without confederation segments. */
static void
as4_path_encode(struct enc *x)
{
	struct attrs_view v = attrs_part(x->a, ATTRS_AS_PATH);
	struct rd r = rd_init(v.p, v.octets), copy = r;
	size_t octets = 0;
	bool wide = false;

	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), n = rd_u8(&r);

		for (unsigned i = 0; i < n; i++)
			wide |= rd_u32(&r) > UINT16_MAX && seg_counts(type);
		octets += seg_counts(type) ? 2 + 4u * n : 0;
	}
	if (x->ctx->as4 || !wide)
		return;
	attr_put_header(x->w, OPT_TRANS, ATTR_AS4_PATH, octets);
	while (rd_left(&copy) > 0) {
		struct rd seg = copy;
		uint8_t type = rd_u8(&copy), n = rd_u8(&copy);

		rd_skip(&copy, 4u * n);
		if (seg_counts(type))
			wr_bytes(x->w, rd_view(&seg, 2 + 4u * n), 2 + 4u * n);
	}
}

static void
as4_aggregator_encode(struct enc *x)
{
	if (x->ctx->as4 || !(x->a->flags & ATTRS_AGGREGATOR) || x->lean ||
	    attrs_rare(x->a).aggregator_asn <= UINT16_MAX)
		return;
	attr_put_header(x->w, OPT_TRANS, ATTR_AS4_AGGREGATOR, 8);
	wr_u32(x->w, attrs_rare(x->a).aggregator_asn);
	wr_u32(x->w, attrs_rare(x->a).aggregator_id);
}

/* ---- the table ------------------------------------------------------------------------ */

static const struct attr_desc attr_desc[] = {
	/* RFC 4271 section 5.1; actions: RFC 7606 sections 7.1 to 7.7 */
	[ATTR_ORIGIN] = { "ORIGIN", WELL_KNOWN, 0, ACT_WITHDRAW, 1, false, origin_decode,
	    origin_encode },
	[ATTR_AS_PATH] = { "AS_PATH", WELL_KNOWN, 0, ACT_WITHDRAW, OCTETS_ANY, false,
	    as_path_decode, as_path_encode },
	[ATTR_NEXT_HOP] = { "NEXT_HOP", WELL_KNOWN, 0, ACT_WITHDRAW, 4, false, next_hop_decode,
	    next_hop_encode },
	[ATTR_MED] = { "MULTI_EXIT_DISC", OPT_LOCAL, 0, ACT_WITHDRAW, 4, false, med_decode,
	    med_encode },
	[ATTR_LOCAL_PREF] = { "LOCAL_PREF", WELL_KNOWN, ROW_INSIDE, ACT_WITHDRAW, 4, false,
	    local_pref_decode, local_pref_encode },
	[ATTR_ATOMIC_AGGREGATE] = { "ATOMIC_AGGREGATE", WELL_KNOWN, 0, ACT_ATTR_DISCARD, 0, false,
	    atomic_decode, atomic_encode },
	[ATTR_AGGREGATOR] = { "AGGREGATOR", OPT_TRANS, 0, ACT_ATTR_DISCARD, OCTETS_ANY, false,
	    aggregator_decode, aggregator_encode },
	/* RFC 1997; RFC 7606 section 7.8 */
	[ATTR_COMMUNITIES] = { "COMMUNITIES", OPT_TRANS, 0, ACT_WITHDRAW, 4, true,
	    communities_decode, communities_encode },
	/* RFC 4456; RFC 7606 sections 7.9 and 7.10 */
	[ATTR_ORIGINATOR_ID] = { "ORIGINATOR_ID", OPT_LOCAL, ROW_IBGP, ACT_WITHDRAW, 4, false,
	    originator_decode, originator_encode },
	[ATTR_CLUSTER_LIST] = { "CLUSTER_LIST", OPT_LOCAL, ROW_IBGP, ACT_WITHDRAW, 4, true,
	    cluster_list_decode, cluster_list_encode },
	/* RFC 4760; RFC 7606 sections 7.11 and 7.12 */
	[ATTR_MP_REACH] = { "MP_REACH_NLRI", OPT_LOCAL, ROW_FLAGS_OK, ACT_RESET, OCTETS_ANY, false,
	    mp_reach_decode, NULL },
	[ATTR_MP_UNREACH] = { "MP_UNREACH_NLRI", OPT_LOCAL, ROW_FLAGS_OK, ACT_RESET, OCTETS_ANY,
	    false, mp_unreach_decode, NULL },
	/* RFC 4360; RFC 7606 section 7.14 */
	[ATTR_EXT_COMMUNITIES] = { "EXTENDED COMMUNITIES", OPT_TRANS, 0, ACT_WITHDRAW, 8, true,
	    ext_decode, ext_encode },
	/* RFC 6793 section 6 */
	[ATTR_AS4_PATH] = { "AS4_PATH", OPT_TRANS, 0, ACT_ATTR_DISCARD, OCTETS_ANY, false,
	    as4_path_decode, as4_path_encode },
	[ATTR_AS4_AGGREGATOR] = { "AS4_AGGREGATOR", OPT_TRANS, 0, ACT_ATTR_DISCARD, 8, false,
	    as4_aggregator_decode, as4_aggregator_encode },
	/* RFC 8092 section 6 */
	[ATTR_LARGE_COMMUNITIES] = { "LARGE_COMMUNITY", OPT_TRANS, 0, ACT_WITHDRAW, 12, true,
	    large_decode, large_encode },
	/* RFC 9234 section 5 */
	[ATTR_OTC] = { "OTC", OPT_TRANS, 0, ACT_WITHDRAW, 4, false, otc_decode, otc_encode },
};

#define NATTRS (sizeof(attr_desc) / sizeof(attr_desc[0]))

/* The rows that there are, in order. */
static const uint8_t known_types[] = { ATTR_ORIGIN, ATTR_AS_PATH, ATTR_NEXT_HOP, ATTR_MED,
	ATTR_LOCAL_PREF, ATTR_ATOMIC_AGGREGATE, ATTR_AGGREGATOR, ATTR_COMMUNITIES,
	ATTR_ORIGINATOR_ID, ATTR_CLUSTER_LIST, ATTR_MP_REACH, ATTR_MP_UNREACH,
	ATTR_EXT_COMMUNITIES, ATTR_AS4_PATH, ATTR_AS4_AGGREGATOR, ATTR_LARGE_COMMUNITIES,
	ATTR_OTC };

/* Not for that kind of session. */
static bool
row_is_foreign(const struct attr_desc *d, const struct update_ctx *ctx)
{
	return ctx->ebgp && (d->row & ROW_IBGP || (d->row & ROW_INSIDE && !ctx->confed));
}

static const struct attr_desc *
attr_find(uint8_t type)
{
	return type < NATTRS && attr_desc[type].name ? &attr_desc[type] : NULL;
}

const char *
attr_name(uint8_t type)
{
	const struct attr_desc *d = attr_find(type);

	return d ? d->name : "unknown";
}

/* ---- the walk -------------------------------------------------------------------------- */

/* One of the unknown attributes kept: its type; r moves past it. */
static uint8_t
unknown_next(struct rd *r)
{
	uint8_t flags = rd_u8(r), type = rd_u8(r);

	rd_skip(r, flags & ATTR_F_EXT_LEN ? rd_u16(r) : rd_u8(r));
	return type;
}

/*
 * Move the last attribute, which begins at start, to its place by type: equal
 * sets look equal.  All of a message's take a third of the scratch at most, so
 * what is free behind them holds one for a moment.
 */
static void
unknown_sort_in(struct wr *w, size_t start, uint8_t type)
{
	struct rd r = rd_init(w->base, start);
	uint8_t *last = w->p;
	size_t at = 0, octets = wr_len(w) - start;

	while (rd_left(&r) > 0 && unknown_next(&r) < type)
		at = rd_pos(&r);
	if (octets > wr_room(w))
		return;
	memcpy(last, w->base + start, octets);
	memmove(w->base + at + octets, w->base + at, start - at);
	memcpy(w->base + at, last, octets);
}

/* Kept with the Partial bit set, or dropped: RFC 4271 section 5. */
static void
unknown_keep(struct walk *k, const struct rd *value)
{
	uint8_t flags = k->tlv[0];
	size_t octets = rd_left(value), start = wr_len(&k->scratch);

	if (!(flags & ATTR_F_OPTIONAL)) {
		value_bad(k, ACT_RESET, UPD_UNKNOWN_WELL_KNOWN, "a well-known attribute we do not know");
		return;
	}
	if (!(flags & ATTR_F_TRANSITIVE))
		return;
	attr_put_header(&k->scratch, OPT_TRANS | ATTR_F_PARTIAL, k->type, octets);
	wr_bytes(&k->scratch, value->p, octets);
	unknown_sort_in(&k->scratch, start, k->type);
}

static bool
length_ok(const struct attr_desc *d, size_t octets)
{
	if (d->octets == OCTETS_ANY)
		return true;
	if (d->each)
		return octets > 0 && octets % d->octets == 0;
	return octets == d->octets;
}

/* RFC 7606 section 3 (g): all but the first are dropped, a second MP_* resets. */
static bool
is_repeat(struct walk *k)
{
	uint32_t *word = &k->seen->types[k->type / 32], bit = 1u << (k->type % 32);
	bool again = *word & bit;

	*word |= bit;
	if (again && (k->type == ATTR_MP_REACH || k->type == ATTR_MP_UNREACH))
		value_bad(k, ACT_RESET, UPD_ATTR_LIST, "it appears more than once");
	else if (again)
		value_bad(k, ACT_ATTR_DISCARD, UPD_ATTR_LIST, "it appears more than once");
	return again;
}

static void
attr_decode_one(struct walk *k, struct rd *value)
{
	const struct attr_desc *d = k->d = attr_find(k->type);

	if (is_repeat(k))
		return;
	if (!d) {
		unknown_keep(k, value);
		return;
	}
	if ((k->tlv[0] & OPT_TRANS) != d->flags) { /* RFC 7606 section 3 (c) */
		value_bad(k, ACT_WITHDRAW, UPD_ATTR_FLAGS, "its flags are wrong");
		if (!(d->row & ROW_FLAGS_OK))
			return;
	}
	if (row_is_foreign(d, k->ctx)) {
		value_bad(k, ACT_ATTR_DISCARD, UPD_UNSPECIFIC, "it came from an external peer");
		return;
	}
	if (!length_ok(d, rd_left(value))) {
		value_bad(k, d->act, UPD_ATTR_LENGTH, "its length is wrong");
		return;
	}
	d->decode(k, value);
}

/*
 * Header and value of the next attribute; false when they do not fit: RFC 7606
 * section 4.  A cut off MP_* leaves NLRI unread, so it resets: section 3 (j).
 */
static bool
attr_next(struct walk *k, struct rd *r, struct rd *ret_value)
{
	const uint8_t *start = r->p;
	size_t off = BGP_HEADER_OCTETS + rd_pos(r), left = rd_left(r);
	uint8_t flags = rd_u8(r), type = rd_u8(r);
	size_t octets = flags & ATTR_F_EXT_LEN ? rd_u16(r) : rd_u8(r);

	*ret_value = rd_sub(r, octets);
	k->type = r->bad && left < 2 ? 0 : type;
	k->tlv = start;
	k->tlv_off = off;
	k->tlv_octets = r->bad ? left : (size_t)(r->p - start);
	if (!r->bad)
		return true;
	k->seen->cut_off = true;
	value_bad(k, type == ATTR_MP_REACH || type == ATTR_MP_UNREACH ? ACT_RESET : ACT_WITHDRAW,
	    UPD_ATTR_LENGTH, "an attribute runs over the end of the path attributes");
	return false;
}

void
attr_decode(const struct update_ctx *ctx, struct rd *r, struct update *u,
    struct attr_seen *ret_seen)
{
	struct walk k = {
		.ctx = ctx,
		.u = u,
		.seen = ret_seen,
		.scratch = wr_init(u->scratch, sizeof(u->scratch)),
	};
	struct rd value;

	*ret_seen = (struct attr_seen){ 0 };
	while (rd_left(r) > 0 && attr_next(&k, r, &value))
		attr_decode_one(&k, &value);
	u->attrs.part[ATTRS_UNKNOWN] = (struct attrs_view){ .p = u->scratch,
		.octets = (uint16_t)wr_len(&k.scratch) };
	large_unique(&k);
	if (!ctx->as4)
		as4_merge(&k);
}

/* Unknown attributes with a type above lo and below hi, to keep the order of types. */
static void
unknown_encode(struct enc *x, int lo, int hi)
{
	struct attrs_view v = attrs_part(x->a, ATTRS_UNKNOWN);
	struct rd r = rd_init(v.p, v.octets);

	while (rd_left(&r) > 0) {
		const uint8_t *start = r.p;
		uint8_t type = unknown_next(&r);

		if (type > lo && type < hi)
			wr_bytes(x->w, start, (size_t)(r.p - start));
	}
}

void
attr_encode(struct wr *w, const struct update_ctx *ctx, const struct attrs *a,
    const struct ip_addr *nh4, bool lean, size_t *ret_nh_off)
{
	struct enc x = { .w = w, .ctx = ctx, .a = a, .nh4 = nh4, .lean = lean,
		.ret_nh_off = ret_nh_off };
	bool unknown = a->part_octets[ATTRS_UNKNOWN] > 0;
	int last = -1; /* type 0 can be among the unknown ones */

	for (size_t k = 0; k < sizeof(known_types); k++) {
		const struct attr_desc *d = &attr_desc[known_types[k]];

		if (unknown)
			unknown_encode(&x, last, known_types[k]);
		last = known_types[k];
		if (d->encode && (ctx->as_is || !row_is_foreign(d, ctx)))
			d->encode(&x);
	}
	if (unknown)
		unknown_encode(&x, last, 256);
}
