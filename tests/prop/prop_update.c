/*
 * UPDATEs: what we write is what we read.
 *
 * A random attribute set and random prefixes are written for a random kind of
 * session and read back; any octets at all, made by damaging such a message,
 * leave the decoder with a verdict that fits what it returns.
 */
#include <string.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/update.h"
#include "tests/prop/prop.h"

uint64_t prop_seed;

static struct attrs_pool *pool;
static struct update u, v;

struct parts {
	uint8_t path[600], comm[400], ext[64], large[96], cluster[32], unknown[64];
};

/* ---- making sets ----------------------------------------------------------------------- */

/* Adjacent AS_SEQUENCEs are one after AS4_PATH's merging, so none are made here. */
static struct attrs_view
make_path(struct rng *r, uint8_t *buf, size_t cap, bool wide)
{
	struct wr w = wr_init(buf, cap);
	uint8_t last = 0;

	for (uint64_t segs = rng_below(r, 4); segs > 0; segs--) {
		uint8_t type = last == SEG_SEQUENCE || rng_chance(r, 20) ? SEG_SET : SEG_SEQUENCE;
		uint8_t n = (uint8_t)rng_range(r, 1, rng_chance(r, 5) ? 40 : 6);

		wr_u8(&w, type);
		wr_u8(&w, n);
		last = type;
		while (n-- > 0)
			wr_u32(&w, (uint32_t)rng_range(r, 1, wide ? 4294967294u : 65535));
	}
	return (struct attrs_view){ buf, (uint16_t)wr_len(&w) };
}

static struct attrs_view
make_part(struct rng *r, uint8_t *buf, size_t step, size_t cap)
{
	size_t octets = rng_chance(r, 50) ? 0 : step * rng_range(r, 1, cap / step);

	rng_fill(r, buf, (unsigned)octets);
	return (struct attrs_view){ buf, (uint16_t)octets };
}

static struct attrs_view
make_unknown(struct rng *r, uint8_t *buf)
{
	struct wr w = wr_init(buf, 64);

	for (uint8_t type = 40; type < 44; type++) {
		uint8_t n = (uint8_t)rng_below(r, 6);

		if (rng_chance(r, 60))
			continue;
		wr_u8(&w, ATTR_F_OPTIONAL | ATTR_F_TRANSITIVE | ATTR_F_PARTIAL);
		wr_u8(&w, type);
		wr_u8(&w, n);
		while (n-- > 0)
			wr_u8(&w, (uint8_t)rng_u64(r));
	}
	return (struct attrs_view){ buf, (uint16_t)wr_len(&w) };
}

static void
make_set(struct rng *r, bool ebgp, bool wide, struct parts *p, struct attrs_build *b)
{
	*b = (struct attrs_build){ .origin = (uint8_t)rng_below(r, 3) };
	b->flags = (uint16_t)(rng_u64(r) &
	    (ATTRS_MED | ATTRS_LOCAL_PREF | ATTRS_ATOMIC | ATTRS_AGGREGATOR | ATTRS_ORIGINATOR |
		ATTRS_OTC));
	b->med = (uint32_t)rng_u64(r);
	b->local_pref = (uint32_t)rng_u64(r);
	b->aggregator_asn = (uint32_t)rng_range(r, 1, wide ? 4294967294u : 65535);
	b->aggregator_id = (uint32_t)rng_u64(r);
	b->originator_id = (uint32_t)rng_u64(r);
	b->otc = (uint32_t)rng_u64(r);
	b->part[ATTRS_AS_PATH] = make_path(r, p->path, sizeof(p->path), wide);
	b->part[ATTRS_COMMUNITIES] = make_part(r, p->comm, 4, sizeof(p->comm));
	b->part[ATTRS_EXT] = make_part(r, p->ext, 8, sizeof(p->ext));
	b->part[ATTRS_LARGE] = make_part(r, p->large, 12, sizeof(p->large));
	b->part[ATTRS_CLUSTER_LIST] = make_part(r, p->cluster, 4, sizeof(p->cluster));
	b->part[ATTRS_UNKNOWN] = make_unknown(r, p->unknown);
	/* what does not cross this kind of session */
	if (ebgp) {
		b->flags &= (uint16_t)~(ATTRS_LOCAL_PREF | ATTRS_ORIGINATOR);
		b->part[ATTRS_CLUSTER_LIST].octets = 0;
		for (size_t i = 0; i < b->part[ATTRS_EXT].octets; i += 8)
			p->ext[i] &= 0xbf; /* transitive */
	} else {
		b->flags |= ATTRS_LOCAL_PREF;
	}
}

static struct nlri
make_prefix(struct rng *r, uint8_t af, bool addpath)
{
	struct nlri n = { .prefix = { .af = af }, .path_id = addpath ? (uint32_t)rng_u64(r) : 0 };

	n.prefix.len = (uint8_t)rng_below(r, ip_af_bits(af) + 1u);
	rng_fill(r, n.prefix.b, ip_af_octets(af));
	ip_prefix_mask(&n.prefix);
	return n;
}

static struct update_ctx
make_ctx(struct rng *r)
{
	return (struct update_ctx){ .as4 = rng_chance(r, 60), .ebgp = rng_chance(r, 50),
		.families = 3, .addpath_rx = rng_chance(r, 30) ? 3 : 0, .max_octets = 4096 };
}

/* ---- there and back ----------------------------------------------------------------------- */

#define PREFIXES 300

/* Every prefix that went in comes out, in order. */
static void
same_prefixes(struct rd r, uint8_t af, bool addpath, const struct nlri *want, size_t n)
{
	struct bgp_err e = { 0 };
	struct nlri got;

	for (size_t i = 0; i < n; i++) {
		PROP(nlri_next(&r, af, addpath, &got, &e));
		PROP(ip_prefix_eq(&got.prefix, &want[i].prefix));
		PROP(got.path_id == want[i].path_id);
	}
	PROP(!nlri_next(&r, af, addpath, &got, &e));
	PROP(e.act == ACT_NONE);
}

static struct update_nh
make_nh(struct rng *r, uint8_t af)
{
	struct update_nh nh = { .nh = { .af = af } };

	rng_fill(r, nh.nh.b, ip_af_octets(af));
	nh.nh.b[0] = af == IP4 ? 10 : 0x20;
	if (af == IP6 && rng_chance(r, 40)) {
		nh.ll.af = IP6;
		nh.ll.b[0] = 0xfe;
		nh.ll.b[1] = 0x80;
		nh.ll.b[15] = 1;
	}
	return nh;
}

static void
there_and_back(struct rng *r)
{
	struct update_ctx ctx = make_ctx(r);
	uint8_t af = rng_chance(r, 50) ? IP4 : IP6, buf[4096];
	static struct nlri want[PREFIXES];
	struct parts parts;
	struct attrs_build b, back;
	struct update_nh nh = make_nh(r, af);
	struct wr w = wr_init(buf, sizeof(buf));
	const struct attrs *a, *again;
	size_t n = rng_range(r, 1, PREFIXES), fit;
	uint16_t off, octets;

	ctx.addpath_tx = ctx.addpath_rx;
	make_set(r, ctx.ebgp, rng_chance(r, 50), &parts, &b);
	b.next_hop = nh.nh;
	b.next_hop_ll = nh.ll;
	b.flags |= nh.ll.af ? ATTRS_NH_LL : 0;
	a = attrs_intern(pool, &b);
	for (size_t i = 0; i < n; i++)
		want[i] = make_prefix(r, af, ctx.addpath_tx);
	fit = update_encode_reach(&w, &ctx, a, af, &nh, want, n, &off, &octets);
	PROP(fit > 0 && fit <= n);
	PROP(wr_len(&w) <= 4096 && !w.full);
	PROP((size_t)(buf[16] << 8 | buf[17]) == wr_len(&w));
	PROP(memcmp(buf + off, nh.nh.b, ip_af_octets(af)) == 0);
	PROP(octets == update_nh_octets(&nh));

	update_decode(&ctx, buf + 19, wr_len(&w) - 19, &u);
	PROP(u.err.act == ACT_NONE);
	same_prefixes(af == IP4 ? u.nlri : u.mp_reach, af, ctx.addpath_rx, want, fit);
	update_attrs(&u, af == IP6, &back);
	again = attrs_intern(pool, &back);
	PROP(again == a);
	attrs_unref(pool, a);
	attrs_unref(pool, again);

	w = wr_init(buf, sizeof(buf));
	fit = update_encode_unreach(&w, &ctx, af, want, n);
	update_decode(&ctx, buf + 19, wr_len(&w) - 19, &u);
	PROP(fit > 0 && u.err.act == ACT_NONE && u.eor == 0);
	same_prefixes(af == IP4 ? u.withdrawn : u.mp_unreach, af, ctx.addpath_rx, want, fit);
}

/* ---- damaged messages ---------------------------------------------------------------------- */

static uint32_t
walk(struct rd r, uint8_t af, bool addpath)
{
	struct bgp_err e = { 0 };
	struct nlri n;
	uint32_t count = 0;

	while (nlri_next(&r, af, addpath, &n, &e)) {
		PROP(n.prefix.af == af && n.prefix.len <= ip_af_bits(af));
		count++;
	}
	PROP(e.act == ACT_NONE);
	return count;
}

/* Whatever is not refused can be used, and reads the same when it is written again. */
static void
verdict_fits(const struct update_ctx *ctx, const uint8_t *body, size_t octets)
{
	bool addpath = ctx->addpath_rx;
	struct attrs_build b;
	const struct attrs *a;

	update_decode(ctx, body, octets, &u);
	PROP((u.err.act == ACT_NONE) == (u.err.why == NULL));
	PROP(u.err.act == ACT_NONE || u.err.code == ERR_UPDATE);
	PROP(u.err.off <= octets + BGP_HEADER_OCTETS);
	PROP(u.err.data_octets <= octets || u.err.data == NULL);
	if (u.err.act == ACT_RESET)
		return;
	PROP(walk(u.withdrawn, IP4, addpath) == u.n_withdrawn);
	PROP(walk(u.nlri, IP4, addpath) == u.n_nlri);
	PROP(!u.mp_reach_af || walk(u.mp_reach, u.mp_reach_af, addpath) == u.n_mp_reach);
	PROP(!u.mp_unreach_af || walk(u.mp_unreach, u.mp_unreach_af, addpath) == u.n_mp_unreach);
	update_attrs(&u, false, &b);
	a = attrs_intern(pool, &b);
	if (u.err.act != ACT_WITHDRAW && u.n_nlri > 0) {
		struct update_nh nh = { .nh = b.next_hop };
		struct nlri one = { .prefix = { .af = IP4, .len = 8, .b = { 10 } } };
		uint8_t buf[8192];
		struct wr w = wr_init(buf, sizeof(buf));
		struct update_ctx out = *ctx;

		out.addpath_tx = ctx->addpath_rx;
		out.max_octets = sizeof(buf); /* widened AS numbers may need more */
		if (update_encode_reach(&w, &out, a, IP4, &nh, &one, 1, NULL, NULL) == 1) {
			update_decode(&out, buf + 19, wr_len(&w) - 19, &v);
			PROP(v.err.act == ACT_NONE);
		}
	}
	attrs_unref(pool, a);
}

static void
damaged(struct rng *r)
{
	struct update_ctx ctx = make_ctx(r);
	uint8_t af = rng_chance(r, 50) ? IP4 : IP6, buf[4096];
	struct parts parts;
	struct attrs_build b;
	struct update_nh nh = make_nh(r, af);
	struct wr w = wr_init(buf, sizeof(buf));
	struct nlri n[3];
	const struct attrs *a;
	size_t octets;

	ctx.addpath_tx = ctx.addpath_rx;
	make_set(r, ctx.ebgp, rng_chance(r, 50), &parts, &b);
	a = attrs_intern(pool, &b);
	for (int i = 0; i < 3; i++)
		n[i] = make_prefix(r, af, ctx.addpath_tx);
	PROP(update_encode_reach(&w, &ctx, a, af, &nh, n, 3, NULL, NULL) == 3);
	attrs_unref(pool, a);
	octets = wr_len(&w) - 19;
	for (uint64_t i = rng_range(r, 1, 6); i > 0; i--) {
		size_t at = rng_below(r, rng_chance(r, 50) && octets > 40 ? 40 : octets);

		buf[19 + at] = (uint8_t)(rng_chance(r, 50) ? rng_u64(r) : buf[19 + at] + 1u);
	}
	if (rng_chance(r, 30))
		octets = rng_below(r, octets + 1);
	if (rng_chance(r, 30))
		ctx.as4 = !ctx.as4;
	if (rng_chance(r, 30))
		ctx.ebgp = !ctx.ebgp;
	if (rng_chance(r, 30))
		ctx.families = (uint8_t)rng_range(r, 1, 3);
	if (rng_chance(r, 20))
		ctx.addpath_rx = 3;
	verdict_fits(&ctx, buf + 19, octets);
}

int
main(void)
{
	static const uint64_t key[2] = { 1, 2 };

	pool = attrs_pool_new(key);
	prop_run("updates there and back", 3000, there_and_back);
	prop_run("damaged updates", 100000, damaged);
	attrs_pool_free(pool);
	return 0;
}
