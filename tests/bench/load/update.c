/*
 * Reading UPDATEs and checking attribute sets.
 */
#include "tests/bench/load/update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAG_OPTIONAL	0x80
#define FLAG_TRANSITIVE 0x40
#define FLAG_PARTIAL	0x20
#define FLAG_LONG	0x10
#define SEQUENCE	2

/* Is what was received right, given what was sent? p is NULL for an attribute that is absent. */
typedef bool attr_right(const struct span *got, const struct span *sent, const struct rules *r);

static attr_right path_right, med_right, local_pref_right, aggregator_right, communities_right,
    ext_right, large_right, originator_right, cluster_right, right_elsewhere;

/* Flags it must carry (Partial apart), its length (0: any), how it is compared (NULL: the same). */
struct attr_row {
	const char *name; /* NULL: not known */
	uint8_t flags, len;
	attr_right *right;
};

#define WELL_KNOWN FLAG_TRANSITIVE
#define TRANSITIVE (FLAG_OPTIONAL | FLAG_TRANSITIVE)
#define OPTIONAL   FLAG_OPTIONAL

static const struct attr_row attr_rows[ATTR_MAX] = {
	[ATTR_ORIGIN] = { "ORIGIN", WELL_KNOWN, 1, NULL },
	[ATTR_AS_PATH] = { "AS_PATH", WELL_KNOWN, 0, path_right },
	[ATTR_NEXT_HOP] = { "NEXT_HOP", WELL_KNOWN, 4, right_elsewhere },
	[ATTR_MED] = { "MED", OPTIONAL, 4, med_right },
	[ATTR_LOCAL_PREF] = { "LOCAL_PREF", WELL_KNOWN, 4, local_pref_right },
	[ATTR_ATOMIC] = { "ATOMIC_AGGREGATE", WELL_KNOWN, 0, NULL },
	[ATTR_AGGREGATOR] = { "AGGREGATOR", TRANSITIVE, 8, aggregator_right },
	[ATTR_COMMUNITIES] = { "COMMUNITIES", TRANSITIVE, 0, communities_right },
	[ATTR_ORIGINATOR] = { "ORIGINATOR_ID", OPTIONAL, 4, originator_right },
	[ATTR_CLUSTER_LIST] = { "CLUSTER_LIST", OPTIONAL, 0, cluster_right },
	[ATTR_MP_REACH] = { "MP_REACH_NLRI", OPTIONAL, 0, right_elsewhere },
	[ATTR_MP_UNREACH] = { "MP_UNREACH_NLRI", OPTIONAL, 0, right_elsewhere },
	[ATTR_EXT_COMM] = { "EXTENDED COMMUNITIES", TRANSITIVE, 0, ext_right },
	[ATTR_LARGE_COMM] = { "LARGE COMMUNITIES", TRANSITIVE, 0, large_right },
};

/* Others must be optional transitive, and are passed on as they are: RFC 4271 section 5. */
static const struct attr_row attr_unknown = { "unknown attribute", TRANSITIVE, 0, NULL };

static const struct attr_row *
attr_row(unsigned type)
{
	return attr_rows[type].name ? &attr_rows[type] : &attr_unknown;
}

/* ---- taking apart ---- */

const char *
attrs_read(struct attrs *a, struct rd r)
{
	memset(a, 0, sizeof(*a));
	while (rd_left(&r) > 0) {
		uint8_t flags = rd_u8(&r), type = rd_u8(&r);
		size_t len = flags & FLAG_LONG ? rd_u16(&r) : rd_u8(&r);
		const uint8_t *p = rd_take(&r, len);
		const struct attr_row *row;

		if (!p)
			return "attribute overruns the message";
		if (type >= ATTR_MAX)
			return "an attribute that was not sent";
		row = attr_row(type);
		if ((flags & (FLAG_OPTIONAL | FLAG_TRANSITIVE)) != row->flags)
			return "wrong attribute flags";
		if (row->len && row->len != len)
			return "wrong attribute length";
		if (a->have & 1ull << type)
			return "attribute twice";
		a->have |= 1ull << type;
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

/* Apart from set_eq(), which would otherwise pay for so much stack each time. */
static __attribute__((noinline)) bool
set_eq_sorted(const struct span *a, const struct span *b, size_t size)
{
	uint8_t x[4096], y[4096];
	size_t n;

	if (!a->p || !b->p || a->len > sizeof(x) || b->len > sizeof(y) || a->len % size != 0)
		return false;
	n = sorted(x, a, size);
	return n == sorted(y, b, size) && memcmp(x, y, n) == 0;
}

/* The same elements in any order: RFC 1997 calls it a set. */
static bool
set_eq(const struct span *a, const struct span *b, size_t size)
{
	return span_eq(a, b) || set_eq_sorted(a, b, size);
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
path_right(const struct span *got, const struct span *sent, const struct rules *r)
{
	if (!got->p || !sent->p)
		return false;
	return r->ebgp ? path_prepended(got, sent, r->dut_as) : span_eq(got, sent);
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

/* None to another AS (RFC 4271 section 5.1.4); none is like 0 (9.1.2.2 c), and may come so. */
static bool
med_right(const struct span *got, const struct span *sent, const struct rules *r)
{
	if (r->ebgp)
		return !got->p;
	return span_eq(got, sent) || (r->med_zero && !sent->p && get_u32(got->p) == 0);
}

static bool
local_pref_right(const struct span *got, const struct span *sent, const struct rules *r)
{
	return r->ebgp ? !got->p : span_eq(got, sent);
}

/* As it is; one of AS 0 may be thrown away (RFC 7607 section 2). */
static bool
aggregator_right(const struct span *got, const struct span *sent, const struct rules *r)
{
	(void)r;
	if (!got->p && sent->p && get_u32(sent->p) == 0)
		return true;
	return span_eq(got, sent);
}

static bool
communities_right(const struct span *got, const struct span *sent, const struct rules *r)
{
	(void)r;
	return set_eq(got, sent, 4);
}

static bool
ext_right(const struct span *got, const struct span *sent, const struct rules *r)
{
	if (r->ext_any && got->p && sent->p && got->len == sent->len)
		return true;
	return set_eq(got, sent, 8);
}

static bool
large_right(const struct span *got, const struct span *sent, const struct rules *r)
{
	(void)r;
	return set_eq(got, sent, 12);
}

static bool
originator_right(const struct span *got, const struct span *sent, const struct rules *r)
{
	(void)sent;
	return r->reflected ? got->p && get_u32(got->p) == r->originator : !got->p;
}

static bool
cluster_right(const struct span *got, const struct span *sent, const struct rules *r)
{
	(void)sent;
	return r->reflected ? got->len == 4 && get_u32(got->p) == r->cluster : !got->p;
}

/* The next hop is compared apart, wherever it stands; prefixes are the receiver's. */
static bool
right_elsewhere(const struct span *got, const struct span *sent, const struct rules *r)
{
	(void)got;
	(void)sent;
	(void)r;
	return true;
}

/* Attributes that have to be looked at: those that came, that were sent, and that must come. */
static uint64_t
attrs_to_check(const struct attrs *got, const struct attrs *sent, const struct rules *r)
{
	uint64_t must = 1ull << ATTR_ORIGIN | 1ull << ATTR_AS_PATH;

	if (r->reflected)
		must |= 1ull << ATTR_ORIGINATOR | 1ull << ATTR_CLUSTER_LIST;
	return got->have | sent->have | must;
}

const char *
attrs_check(const struct update *u, const struct attrs *sent, const struct span *sent_next_hop,
    const struct rules *r)
{
	const struct attrs *got = &u->attrs;

	if (!next_hop_ok(u, sent_next_hop, r))
		return "NEXT_HOP";
	for (uint64_t left = attrs_to_check(got, sent, r); left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		const struct attr_row *row = attr_row(t);

		if (row->right ? !row->right(&got->v[t], &sent->v[t], r)
			       : !span_eq(&got->v[t], &sent->v[t]))
			return row->name;
	}
	return got->v[ATTR_ORIGIN].p ? NULL : "ORIGIN";
}

/* Octets of a value in hexadecimal, cut where buf ends; the length. */
static size_t
put_hex(char *buf, size_t len, const struct span *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->len && s->p && n + 3 < len; i++)
		n += (size_t)snprintf(buf + n, len - n, "%02x", s->p[i]);
	return n;
}

void
attrs_explain(char *buf, size_t len, const struct update *u, const struct attrs *sent,
    const char *name)
{
	size_t n = (size_t)snprintf(buf, len, "%s", name);

	for (unsigned t = 1; t < ATTR_MAX && n + 16 < len; t++)
		if (attr_row(t)->name == name && (u->attrs.v[t].p || sent->v[t].p)) {
			n += (size_t)snprintf(buf + n, len - n, ": got ");
			n += put_hex(buf + n, (len - n) / 2, &u->attrs.v[t]);
			n += (size_t)snprintf(buf + n, len - n, ", sent ");
			n += put_hex(buf + n, len - n, &sent->v[t]);
		}
}

struct rules
rules_make(const struct opts *o)
{
	struct rules r = { .ebgp = !o->ibgp, .dut_as = o->dut_as, .dut = o->dut };

	r.next_hop_self = !o->ibgp && strcmp(o->next_hop, "keep") != 0;
	r.next_hop_keep = o->ibgp || strcmp(o->next_hop, "self") != 0;
	r.ext_any = strcmp(o->ext_comm, "any") == 0;
	r.med_zero = strcmp(o->med, "zero") == 0;
	r.reflected = o->ibgp;
	r.cluster = ip_addr_v4(&o->cluster_id);
	return r;
}
