/*
 * Reading UPDATEs and checking attribute sets.
 */
#include "tests/bench/load/update.h"

#include <stdlib.h>
#include <string.h>

#define FLAG_OPTIONAL	0x80
#define FLAG_TRANSITIVE 0x40
#define FLAG_PARTIAL	0x20
#define FLAG_LONG	0x10
#define SEQUENCE	2

/* Flags that a known attribute must carry (Partial apart), and its length; 0: any. */
static const struct {
	uint8_t known, flags, len;
} attr_rows[ATTR_MAX] = {
	[ATTR_ORIGIN] = { 1, FLAG_TRANSITIVE, 1 },
	[ATTR_AS_PATH] = { 1, FLAG_TRANSITIVE, 0 },
	[ATTR_NEXT_HOP] = { 1, FLAG_TRANSITIVE, 4 },
	[ATTR_MED] = { 1, FLAG_OPTIONAL, 4 },
	[ATTR_LOCAL_PREF] = { 1, FLAG_TRANSITIVE, 4 },
	[ATTR_ATOMIC] = { 1, FLAG_TRANSITIVE, 0 },
	[ATTR_AGGREGATOR] = { 1, FLAG_OPTIONAL | FLAG_TRANSITIVE, 8 },
	[ATTR_COMMUNITIES] = { 1, FLAG_OPTIONAL | FLAG_TRANSITIVE, 0 },
	[ATTR_ORIGINATOR] = { 1, FLAG_OPTIONAL, 4 },
	[ATTR_CLUSTER_LIST] = { 1, FLAG_OPTIONAL, 0 },
	[ATTR_MP_REACH] = { 1, FLAG_OPTIONAL, 0 },
	[ATTR_MP_UNREACH] = { 1, FLAG_OPTIONAL, 0 },
	[ATTR_EXT_COMM] = { 1, FLAG_OPTIONAL | FLAG_TRANSITIVE, 0 },
	[ATTR_LARGE_COMM] = { 1, FLAG_OPTIONAL | FLAG_TRANSITIVE, 0 },
};

/* ---- taking apart ---- */

const char *
attrs_read(struct attrs *a, struct rd r)
{
	memset(a, 0, sizeof(*a));
	while (rd_left(&r) > 0) {
		uint8_t flags = rd_u8(&r), type = rd_u8(&r);
		size_t len = flags & FLAG_LONG ? rd_u16(&r) : rd_u8(&r);
		const uint8_t *p = rd_take(&r, len);

		if (!p)
			return "attribute overruns the message";
		if (type >= ATTR_MAX || !attr_rows[type].known)
			return "an attribute that was not sent";
		if ((flags & (FLAG_OPTIONAL | FLAG_TRANSITIVE)) != attr_rows[type].flags)
			return "wrong attribute flags";
		if (attr_rows[type].len && attr_rows[type].len != len)
			return "wrong attribute length";
		if (a->v[type].p)
			return "attribute twice";
		a->v[type] = (struct span){ p, len };
	}
	return r.bad ? "attributes end too early" : NULL;
}

static uint8_t
read_family(struct rd *r)
{
	uint16_t afi = rd_u16(r);

	return rd_u8(r) == 1 && (afi == IP4 || afi == IP6) ? (uint8_t)afi : IP_NONE;
}

static struct span
rest_of(struct rd *r)
{
	size_t n = rd_left(r);

	return (struct span){ rd_take(r, n), n };
}

/* RFC 4760 section 3. */
static bool
mp_reach_read(struct update *u)
{
	struct span *s = &u->attrs.v[ATTR_MP_REACH];
	struct rd r = rd_init(s->p, s->len);

	u->nlri_af = read_family(&r);
	u->next_hop.len = rd_u8(&r);
	u->next_hop.p = rd_take(&r, u->next_hop.len);
	rd_u8(&r);
	u->nlri = rest_of(&r);
	return rd_done(&r) && u->nlri_af != IP_NONE;
}

/* RFC 4760 section 4. */
static bool
mp_unreach_read(struct update *u)
{
	struct span *s = &u->attrs.v[ATTR_MP_UNREACH];
	struct rd r = rd_init(s->p, s->len);

	u->gone_af = read_family(&r);
	u->gone = rest_of(&r);
	return rd_done(&r) && u->gone_af != IP_NONE;
}

static const char *
update_mp(struct update *u)
{
	if (u->attrs.v[ATTR_MP_REACH].p) {
		if (u->nlri.len > 0)
			return "announcements in two places";
		if (!mp_reach_read(u))
			return "bad MP_REACH_NLRI";
	}
	if (u->attrs.v[ATTR_MP_UNREACH].p) {
		if (u->gone.len > 0)
			return "withdrawals in two places";
		if (!mp_unreach_read(u))
			return "bad MP_UNREACH_NLRI";
	}
	return NULL;
}

const char *
update_read(struct update *u, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len), gone, attrs;
	const char *bad;
	size_t nattrs;

	u->next_hop = (struct span){ NULL, 0 };
	gone = rd_sub(&r, rd_u16(&r));
	attrs = rd_sub(&r, nattrs = rd_u16(&r));
	if (r.bad)
		return "lengths overrun the UPDATE";
	u->gone = rest_of(&gone);
	u->nlri = rest_of(&r);
	u->gone_af = u->nlri_af = IP4;
	bad = attrs_read(&u->attrs, attrs);
	if (bad)
		return bad;
	u->next_hop = u->attrs.v[ATTR_NEXT_HOP];
	bad = update_mp(u);
	u->bare = u->gone.len == 0 && u->nlri.len == 0;
	return bad;
}

/* ---- comparing ---- */

static bool
span_eq(const struct span *a, const struct span *b)
{
	return !a->p == !b->p && a->len == b->len && (!a->p || !memcmp(a->p, b->p, a->len));
}

static uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int
cmp_4(const void *a, const void *b)
{
	return memcmp(a, b, 4);
}

static int
cmp_8(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static int
cmp_12(const void *a, const void *b)
{
	return memcmp(a, b, 12);
}

/* Octets of the elements of size `size` in ascending order, each once; the length. */
static size_t
sorted(uint8_t *buf, const struct span *s, size_t size)
{
	size_t n = s->len / size, out = 0;

	memcpy(buf, s->p, s->len);
	qsort(buf, n, size, size == 4 ? cmp_4 : size == 8 ? cmp_8 : cmp_12);
	for (size_t i = 0; i < n; i++)
		if (out == 0 || memcmp(buf + out - size, buf + i * size, size) != 0) {
			memmove(buf + out, buf + i * size, size);
			out += size;
		}
	return out;
}

/* The same elements in any order: RFC 1997 calls it a set. */
static bool
set_eq(const struct span *a, const struct span *b, size_t size)
{
	uint8_t x[4096], y[4096];
	size_t n;

	if (span_eq(a, b))
		return true;
	if (!a->p || !b->p || a->len > sizeof(x) || b->len > sizeof(y) || a->len % size != 0)
		return false;
	n = sorted(x, a, size);
	return n == sorted(y, b, size) && memcmp(x, y, n) == 0;
}

/* got is sent with the daemon's AS in front: RFC 4271 section 5.1.2 b. */
static bool
path_prepended(const struct span *got, const struct span *sent, uint32_t as)
{
	const uint8_t *g = got->p, *s = sent->p;

	if (got->len < 6 || g[0] != SEQUENCE || get_u32(g + 2) != as)
		return false;
	if (sent->len > 0 && s[0] == SEQUENCE && s[1] < 255)
		return got->len == sent->len + 4 && g[1] == s[1] + 1 &&
		    !memcmp(g + 6, s + 2, sent->len - 2);
	return g[1] == 1 && got->len == sent->len + 6 && !memcmp(g + 6, s, sent->len);
}

static bool
path_ok(const struct update *u, const struct attrs *sent, const struct rules *r)
{
	const struct span *got = &u->attrs.v[ATTR_AS_PATH];

	if (!got->p || !sent->v[ATTR_AS_PATH].p)
		return false;
	return r->ebgp ? path_prepended(got, &sent->v[ATTR_AS_PATH], r->dut_as)
		       : span_eq(got, &sent->v[ATTR_AS_PATH]);
}

/* An IPv6 next hop may have a link-local one behind it: RFC 2545 section 3. */
static bool
next_hop_ok(const struct update *u, const struct span *sent, const struct rules *r)
{
	size_t n = ip_af_octets(u->nlri_af);
	const struct span *got = &u->next_hop;

	if (!got->p || (got->len != n && !(n == 16 && got->len == 32)))
		return false;
	if (r->next_hop_self && r->dut.af == u->nlri_af && !memcmp(got->p, r->dut.b, n))
		return true;
	return r->next_hop_keep && sent->len >= n && !memcmp(got->p, sent->p, n);
}

static bool
reflection_ok(const struct attrs *a, const struct rules *r)
{
	const struct span *o = &a->v[ATTR_ORIGINATOR], *c = &a->v[ATTR_CLUSTER_LIST];

	if (!r->reflected)
		return !o->p && !c->p;
	return o->p && get_u32(o->p) == r->originator && c->len == 4 &&
	    get_u32(c->p) == r->cluster;
}

const char *
attrs_check(const struct update *u, const struct attrs *sent, const struct span *sent_next_hop,
    const struct rules *r)
{
	const struct span *got = u->attrs.v, *want = sent->v;

	if (!span_eq(&got[ATTR_ORIGIN], &want[ATTR_ORIGIN]) || !got[ATTR_ORIGIN].p)
		return "ORIGIN";
	if (!path_ok(u, sent, r))
		return "AS_PATH";
	if (!next_hop_ok(u, sent_next_hop, r))
		return "NEXT_HOP";
	if (r->ebgp ? got[ATTR_MED].p != NULL : !span_eq(&got[ATTR_MED], &want[ATTR_MED]))
		return "MED";
	if (r->ebgp ? got[ATTR_LOCAL_PREF].p != NULL
		    : !span_eq(&got[ATTR_LOCAL_PREF], &want[ATTR_LOCAL_PREF]))
		return "LOCAL_PREF";
	if (!span_eq(&got[ATTR_ATOMIC], &want[ATTR_ATOMIC]))
		return "ATOMIC_AGGREGATE";
	if (!span_eq(&got[ATTR_AGGREGATOR], &want[ATTR_AGGREGATOR]))
		return "AGGREGATOR";
	if (!set_eq(&got[ATTR_COMMUNITIES], &want[ATTR_COMMUNITIES], 4))
		return "COMMUNITIES";
	if (!set_eq(&got[ATTR_EXT_COMM], &want[ATTR_EXT_COMM], 8))
		return "EXTENDED COMMUNITIES";
	if (!set_eq(&got[ATTR_LARGE_COMM], &want[ATTR_LARGE_COMM], 12))
		return "LARGE COMMUNITIES";
	if (!reflection_ok(&u->attrs, r))
		return "ORIGINATOR_ID or CLUSTER_LIST";
	return NULL;
}

struct rules
rules_make(const struct opts *o)
{
	struct rules r = { .ebgp = !o->ibgp, .dut_as = o->dut_as, .dut = o->dut };

	r.next_hop_self = !o->ibgp && strcmp(o->next_hop, "keep") != 0;
	r.next_hop_keep = o->ibgp || strcmp(o->next_hop, "self") != 0;
	r.reflected = o->ibgp;
	r.cluster = ip_addr_v4(&o->cluster_id);
	return r;
}
