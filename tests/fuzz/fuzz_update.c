/*
 * An UPDATE's body, on the kind of session that the first octet says.  What is
 * not refused can be walked and interned; a set without any fault reads the
 * same after it was written again.
 */
#include <string.h>

#include "bgpd/core/bgp.h"
#include "bgpd/core/update.h"
#include "tests/fuzz/fuzz.h"

static struct update u, v;

static uint32_t
walk(struct rd r, uint8_t af, bool addpath)
{
	struct bgp_err e = { 0 };
	struct nlri n;
	uint32_t count = 0;

	while (nlri_next(&r, af, addpath, &n, &e)) {
		HOLD(n.prefix.len <= ip_af_bits(af));
		count++;
	}
	HOLD(e.act == ACT_NONE);
	return count;
}

static void
check_verdict(const uint8_t *in, size_t len)
{
	const struct bgp_err *e = &u.err;

	HOLD((e->act == ACT_NONE) == (e->why == NULL));
	HOLD(e->act == ACT_NONE || e->code == ERR_UPDATE);
	HOLD(e->off <= len + BGP_HEADER_OCTETS);
	if (e->data && e->sub != UPD_MISSING_WELL_KNOWN)
		HOLD(e->data >= in && e->data + e->data_octets <= in + len);
	HOLD(!u.eor || e->act == ACT_NONE);
}

/* Only transitive extended communities cross the border of an AS: RFC 4360 section 6. */
static void
keep_transitive(struct attrs_build *b)
{
	static uint8_t kept[BGP_MAX_EXT_OCTETS];
	struct attrs_view *ext = &b->part[ATTRS_EXT];
	uint16_t n = 0;

	for (uint16_t i = 0; i + 8 <= ext->octets; i += 8)
		if (!(ext->p[i] & 0x40)) {
			memcpy(kept + n, ext->p + i, 8);
			n += 8;
		}
	*ext = (struct attrs_view){ .p = kept, .octets = n };
	if (n == 0)
		b->flags &= (uint16_t)~ATTRS_EXT_PARTIAL;
}

/* Written with its own attributes and one prefix, it is the same set. */
static void
check_again(const struct update_ctx *ctx, struct attrs_pool *pool, bool mp)
{
	static const struct nlri one4 = { .prefix = { .af = IP4, .len = 8, .b = { 10 } } };
	static const struct nlri one6 = { .prefix = { .af = IP6, .len = 8, .b = { 0x20 } } };
	uint8_t af = mp ? u.mp_reach_af : IP4;
	struct update_ctx out = *ctx;
	struct attrs_build b, back;
	const struct attrs *a, *again;
	struct update_nh nh;
	static uint8_t buf[BGP_MAX_EXT_OCTETS];
	struct wr w = wr_init(buf, sizeof(buf));

	if (mp && af == IP4 && u.mp_next_hop.af == IP4) /* we write such ones as NLRI only */
		return;
	update_attrs(&u, mp, &b);
	nh = (struct update_nh){ .nh = b.next_hop, .ll = b.next_hop_ll };
	if ((!ctx->ebgp || ctx->confed) && !(b.flags & ATTRS_LOCAL_PREF)) { /* we always write one */
		b.flags |= ATTRS_LOCAL_PREF;
		b.local_pref = 100;
	}
	if (ctx->ebgp && !ctx->confed)
		keep_transitive(&b);
	a = attrs_intern(pool, &b);
	out.addpath_tx = ctx->addpath_rx;
	out.max_octets = sizeof(buf);
	if (update_encode_reach(&w, &out, a, af, &nh, mp ? &one6 : &one4, 1, NULL, NULL) == 1) {
		update_decode(&out, buf + BGP_HEADER_OCTETS, wr_len(&w) - BGP_HEADER_OCTETS, &v);
		HOLD(v.err.act == ACT_NONE);
		update_attrs(&v, mp, &back);
		again = attrs_intern(pool, &back);
		/* A confederation-free path of adjacent sequences may have become one segment. */
		HOLD(again == a || !ctx->as4);
		HOLD(again->as_path_hops == a->as_path_hops);
		attrs_unref(pool, again);
	}
	attrs_unref(pool, a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	static const uint64_t seed[2] = { 1, 2 };
	struct update_ctx ctx = { .families = 3, .max_octets = BGP_MAX_OCTETS };
	struct attrs_pool *pool;
	struct attrs_build b;
	uint8_t kind;

	if (len == 0)
		return 0;
	kind = *in++;
	len--;
	if (kind & 128)
		ctx.max_octets = BGP_MAX_EXT_OCTETS;
	if (len > (size_t)ctx.max_octets - BGP_HEADER_OCTETS)
		return 0;
	ctx.ext_next_hop = kind & 64;
	ctx.as4 = kind & 1;
	ctx.ebgp = kind & 2;
	ctx.confed = kind & 32;
	ctx.addpath_rx = kind & 4 ? 3 : 0;
	if (kind & 24)
		ctx.families = (kind >> 3) & 3;
	update_decode(&ctx, in, len, &u);
	check_verdict(in, len);
	if (u.err.act == ACT_RESET)
		return 0;
	HOLD(walk(u.withdrawn, IP4, ctx.addpath_rx) == u.n_withdrawn);
	HOLD(walk(u.nlri, IP4, ctx.addpath_rx) == u.n_nlri);
	HOLD(!u.mp_reach_af || walk(u.mp_reach, u.mp_reach_af, ctx.addpath_rx) == u.n_mp_reach);
	HOLD(!u.mp_unreach_af ||
	    walk(u.mp_unreach, u.mp_unreach_af, ctx.addpath_rx) == u.n_mp_unreach);
	pool = attrs_pool_new(seed);
	update_attrs(&u, false, &b);
	attrs_unref(pool, attrs_intern(pool, &b));
	if (u.err.act == ACT_NONE && u.n_nlri > 0)
		check_again(&ctx, pool, false);
	if (u.err.act == ACT_NONE && u.n_mp_reach > 0)
		check_again(&ctx, pool, true);
	attrs_pool_free(pool);
	return 0;
}
