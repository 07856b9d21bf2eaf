/*
 * The pool of attribute sets, and what can be asked of one; see attrs.h.
 *
 * Interning fills a scratch object that belongs to the pool, hashes everything
 * from `flags` to its end, and copies it only when no equal one lives.  All
 * octets of that range are written, so a plain compare decides equality.
 *
 * What a set's AS_PATH says about the route (length, first and last AS) is
 * worked out here once, not at every decision.
 */
#include "bgpd/core/attrs.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/core/bgp.h"
#include "lib/list.h"
#include "lib/mem.h"

struct attrs_pool {
	struct hmap map;
	size_t octets;
	struct attrs *scratch; /* under construction */
	size_t scratch_octets;
};

#define KEY_OFF	  offsetof(struct attrs, flags)
#define FIXED_END offsetof(struct attrs, data)
#define LL_OCTETS 16

static const struct attrs *
attrs_of(const struct hmap_node *n)
{
	return (const struct attrs *)(const void *)((const char *)n - offsetof(struct attrs, node));
}

/* Where in a set's data the parts begin. */
static size_t
parts_off(const struct attrs *a)
{
	return ip_af_octets(a->nh_af) + (a->flags & ATTRS_RARE ? sizeof(struct attrs_rare) : 0) +
	    (a->flags & ATTRS_NH_LL ? LL_OCTETS : 0);
}

static size_t
attrs_octets(const struct attrs *a)
{
	size_t n = FIXED_END + parts_off(a);

	for (unsigned i = 0; i < ATTRS_NPARTS; i++)
		n += a->part_octets[i];
	return n;
}

struct attrs_pool *
attrs_pool_new(const uint64_t seed[2])
{
	struct attrs_pool *pool = mem_zalloc(sizeof(*pool));

	hmap_init(&pool->map, seed);
	return pool;
}

void
attrs_pool_free(struct attrs_pool *pool)
{
	assert(pool->map.n == 0);
	hmap_free(&pool->map);
	mem_free(pool->scratch);
	mem_free(pool);
}

size_t
attrs_pool_live(const struct attrs_pool *pool)
{
	return pool->map.n;
}

size_t
attrs_pool_octets(const struct attrs_pool *pool)
{
	return pool->octets;
}

/* ---- interning --------------------------------------------------------------- */

static struct attrs *
scratch_get(struct attrs_pool *pool, const struct attrs_build *b)
{
	size_t want = FIXED_END + sizeof(b->next_hop.b) + sizeof(struct attrs_rare) + LL_OCTETS;

	for (unsigned i = 0; i < ATTRS_NPARTS; i++)
		want += b->part[i].octets;
	if (want < sizeof(struct attrs))
		want = sizeof(struct attrs);
	if (want > pool->scratch_octets) {
		pool->scratch = mem_realloc(pool->scratch, want);
		pool->scratch_octets = want;
	}
	memset(pool->scratch, 0, FIXED_END);
	return pool->scratch;
}

/* Communities that are asked for once per prefix and peer, in the order of well_known's bits. */
static const uint32_t well_known[] = { COMM_GRACEFUL_SHUTDOWN, COMM_BLACKHOLE, COMM_NO_EXPORT,
	COMM_NO_ADVERTISE, COMM_NO_EXPORT_SUBCONFED, COMM_NO_PEER, COMM_LLGR_STALE, COMM_NO_LLGR };

#define NWELL_KNOWN (sizeof(well_known) / sizeof(well_known[0]))

/* A community's bit; 0: not one of these. */
static uint8_t
well_known_bit(uint32_t community)
{
	size_t k;

	if (community >> 16 != 0xffff)
		return 0;
	for (k = 0; k < NWELL_KNOWN; k++)
		if (well_known[k] == community)
			return (uint8_t)(1u << k);
	return 0;
}

static void
communities_measure(struct attrs *a, const struct attrs_view *communities)
{
	struct rd r = rd_init(communities->p, communities->octets);

	while (rd_left(&r) > 0)
		a->well_known |= well_known_bit(rd_u32(&r));
}

/* AS_PATH's length for the decision process and its ends. RFC 4271 section 9.1.2.2 a), RFC 5065. */
static void
path_measure(struct attrs *a, const struct attrs_view *path)
{
	struct rd r = rd_init(path->p, path->octets);
	uint32_t hops = 0;
	bool leading = true;

	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), n = rd_u8(&r);

		if (type == SEG_SET || type == SEG_SEQUENCE)
			hops += type == SEG_SET ? 1 : n;
		a->origin_asn = 0;
		for (unsigned i = 0; i < n && !r.bad; i++) {
			uint32_t asn = rd_u32(&r);

			if (type != SEG_SEQUENCE)
				continue;
			if (leading && i == 0)
				a->first_asn = asn;
			a->origin_asn = asn;
		}
		if (type == SEG_SET || type == SEG_SEQUENCE)
			leading = false;
	}
	a->as_path_hops = hops > UINT16_MAX ? UINT16_MAX : (uint16_t)hops;
}

static struct attrs_rare
rare_of(const struct attrs_build *b)
{
	bool aggregated = b->flags & ATTRS_AGGREGATOR;
	uint32_t scope = ip_addr_is_link_local(&b->next_hop) ? b->next_hop.ifindex : 0;

	return (struct attrs_rare){
		.nh_ifindex = b->flags & ATTRS_NH_LL ? b->next_hop_ll.ifindex : scope,
		.aggregator_asn = aggregated ? b->aggregator_asn : 0,
		.aggregator_id = aggregated ? b->aggregator_id : 0,
		.otc = b->flags & ATTRS_OTC ? b->otc : 0,
	};
}

static bool
is_any(const struct attrs_rare *r)
{
	return r->nh_ifindex | r->aggregator_asn | r->aggregator_id | r->otc;
}

static void
fixed_fill(struct attrs *a, const struct attrs_build *b, bool rare)
{
	a->flags = (uint16_t)((b->flags & ~(ATTRS_ALONE | ATTRS_RARE)) | (rare ? ATTRS_RARE : 0));
	a->weight = b->weight;
	a->marks = b->marks;
	a->origin = b->origin;
	a->med = b->flags & ATTRS_MED ? b->med : 0;
	a->local_pref = b->flags & ATTRS_LOCAL_PREF ? b->local_pref : 0;
	a->originator_id = b->flags & ATTRS_ORIGINATOR ? b->originator_id : 0;
	a->nh_af = b->next_hop.af;
}

static uint8_t *
put(uint8_t *p, const void *src, size_t octets)
{
	if (octets > 0)
		memcpy(p, src, octets);
	return p + octets;
}

static void
data_fill(struct attrs *a, const struct attrs_build *b, const struct attrs_rare *rare)
{
	uint8_t *p = put(a->data, b->next_hop.b, ip_af_octets(a->nh_af));

	if (a->flags & ATTRS_RARE)
		p = put(p, rare, sizeof(*rare));
	if (a->flags & ATTRS_NH_LL)
		p = put(p, b->next_hop_ll.b, LL_OCTETS);
	for (unsigned i = 0; i < ATTRS_NPARTS; i++) {
		a->part_octets[i] = b->part[i].octets;
		p = put(p, b->part[i].p, b->part[i].octets);
	}
}

static struct attrs *
scratch_fill(struct attrs_pool *pool, const struct attrs_build *b)
{
	struct attrs *a = scratch_get(pool, b);
	struct attrs_rare rare = rare_of(b);

	fixed_fill(a, b, is_any(&rare));
	data_fill(a, b, &rare);
	path_measure(a, &b->part[ATTRS_AS_PATH]);
	communities_measure(a, &b->part[ATTRS_COMMUNITIES]);
	a->refs = 1;
	return a;
}

/* A copy of what scratch_fill() made. */
static struct attrs *
scratch_copy(struct attrs_pool *pool, const struct attrs *a, size_t octets)
{
	pool->octets += octets;
	return mem_dup(a, octets < sizeof(*a) ? sizeof(*a) : octets);
}

const struct attrs *
attrs_make(struct attrs_pool *pool, const struct attrs_build *b)
{
	struct attrs *a = scratch_fill(pool, b);

	a->flags |= ATTRS_ALONE;
	return scratch_copy(pool, a, attrs_octets(a));
}

struct attrs_sought
attrs_seek(struct attrs_pool *pool, const struct attrs_build *b)
{
	struct attrs_sought s = { .a = scratch_fill(pool, b) };

	s.octets = attrs_octets(s.a);
	s.hash = hmap_hash(&pool->map, (const uint8_t *)s.a + KEY_OFF, s.octets - KEY_OFF);
	hmap_fetch(&pool->map, s.hash);
	return s;
}

void
attrs_approach(const struct attrs_pool *pool, const struct attrs_sought *s)
{
	hmap_fetch_first(&pool->map, s->hash);
}

const struct attrs *
attrs_settle(struct attrs_pool *pool, const struct attrs_sought *s)
{
	struct hmap_node *n;
	struct attrs *a;

	for (n = hmap_first_with(&pool->map, s->hash); n; n = hmap_next_with(n)) {
		const struct attrs *old = attrs_of(n);

		if (attrs_octets(old) == s->octets &&
		    memcmp((const uint8_t *)old + KEY_OFF, (const uint8_t *)s->a + KEY_OFF,
			s->octets - KEY_OFF) == 0)
			return attrs_ref(old);
	}
	a = scratch_copy(pool, s->a, s->octets);
	hmap_insert(&pool->map, &a->node, s->hash);
	return a;
}

const struct attrs *
attrs_intern(struct attrs_pool *pool, const struct attrs_build *b)
{
	struct attrs_sought s = attrs_seek(pool, b);

	return attrs_settle(pool, &s);
}

const struct attrs *
attrs_ref(const struct attrs *a)
{
	if (a)
		((struct attrs *)a)->refs++;
	return a;
}

void
attrs_unref(struct attrs_pool *pool, const struct attrs *a)
{
	struct attrs *w = (struct attrs *)a;

	if (!w)
		return;
	assert(w->refs > 0);
	if (--w->refs > 0)
		return;
	if (!(w->flags & ATTRS_ALONE))
		hmap_remove(&pool->map, &w->node);
	pool->octets -= attrs_octets(w);
	mem_free(w);
}

/* ---- looking at a set --------------------------------------------------------- */

struct attrs_rare
attrs_rare(const struct attrs *a)
{
	struct attrs_rare rare = { 0 };

	if (a->flags & ATTRS_RARE) /* it stands anywhere */
		memcpy(&rare, a->data + ip_af_octets(a->nh_af), sizeof(rare));
	return rare;
}

struct attrs_view
attrs_part(const struct attrs *a, enum attrs_part part)
{
	const uint8_t *p = a->data + parts_off(a);

	for (unsigned i = 0; i < part; i++)
		p += a->part_octets[i];
	return (struct attrs_view){ .p = p, .octets = a->part_octets[part] };
}

struct ip_addr
attrs_next_hop(const struct attrs *a)
{
	struct ip_addr nh = { .af = a->nh_af };

	if (a->nh_af == IP4) /* sizes that the compiler knows */
		memcpy(nh.b, a->data, 4);
	else if (a->nh_af == IP6)
		memcpy(nh.b, a->data, 16);
	if ((a->flags & ATTRS_RARE) && ip_addr_is_link_local(&nh))
		nh.ifindex = attrs_rare(a).nh_ifindex;
	return nh;
}

struct ip_addr
attrs_next_hop_ll(const struct attrs *a)
{
	struct ip_addr ll = { 0 };

	if (!(a->flags & ATTRS_NH_LL))
		return ll;
	ll.af = IP6;
	ll.ifindex = attrs_rare(a).nh_ifindex;
	memcpy(ll.b, a->data + parts_off(a) - LL_OCTETS, LL_OCTETS);
	return ll;
}

void
attrs_to_build(const struct attrs *a, struct attrs_build *ret)
{
	*ret = (struct attrs_build){
		.flags = a->flags & (uint16_t)~(ATTRS_ALONE | ATTRS_RARE),
		.weight = a->weight,
		.marks = a->marks,
		.origin = a->origin,
		.med = a->med,
		.local_pref = a->local_pref,
		.aggregator_asn = attrs_rare(a).aggregator_asn,
		.aggregator_id = attrs_rare(a).aggregator_id,
		.originator_id = a->originator_id,
		.otc = attrs_rare(a).otc,
		.next_hop = attrs_next_hop(a),
		.next_hop_ll = attrs_next_hop_ll(a),
	};
	for (unsigned i = 0; i < ATTRS_NPARTS; i++)
		ret->part[i] = attrs_part(a, (enum attrs_part)i);
}

static struct rd
part_rd(const struct attrs *a, enum attrs_part part)
{
	struct attrs_view v = attrs_part(a, part);

	return rd_init(v.p, v.octets);
}

struct as_path_iter
as_path_iter(const struct attrs *a)
{
	return (struct as_path_iter){ .r = part_rd(a, ATTRS_AS_PATH) };
}

bool
as_path_next(struct as_path_iter *it, uint32_t *ret_asn, uint8_t *ret_seg)
{
	while (it->left == 0) {
		if (rd_left(&it->r) == 0)
			return false;
		it->seg = rd_u8(&it->r);
		it->left = rd_u8(&it->r);
	}
	it->left--;
	*ret_asn = rd_u32(&it->r);
	if (ret_seg)
		*ret_seg = it->seg;
	return !it->r.bad;
}

unsigned
attrs_count_asn(const struct attrs *a, uint32_t asn)
{
	struct as_path_iter it = as_path_iter(a);
	unsigned n = 0;
	uint32_t found;

	while (as_path_next(&it, &found, NULL))
		n += found == asn;
	return n;
}

bool
attrs_has_asn(const struct attrs *a, uint32_t asn)
{
	return attrs_count_asn(a, asn) > 0;
}

static bool
part_has_u32(const struct attrs *a, enum attrs_part part, uint32_t v)
{
	struct rd r = part_rd(a, part);

	while (rd_left(&r) > 0)
		if (rd_u32(&r) == v)
			return true;
	return false;
}

bool
attrs_has_community(const struct attrs *a, uint32_t community)
{
	uint8_t bit = well_known_bit(community);

	return bit ? a->well_known & bit : part_has_u32(a, ATTRS_COMMUNITIES, community);
}

bool
attrs_has_cluster(const struct attrs *a, uint32_t cluster_id)
{
	return part_has_u32(a, ATTRS_CLUSTER_LIST, cluster_id);
}

/* ---- changing a build ------------------------------------------------------------ */

#define SEG_MAX 255

/* One segment's header and asn n times. */
static void
sequence_put(struct wr *w, uint8_t seg, uint8_t count, unsigned n, uint32_t asn)
{
	wr_u8(w, seg);
	wr_u8(w, count);
	while (n-- > 0)
		wr_u32(w, asn);
}

static bool
part_replace(struct attrs_build *b, enum attrs_part part, const struct wr *w)
{
	if (w->full || wr_len(w) > UINT16_MAX)
		return false;
	b->part[part] = (struct attrs_view){ .p = w->base, .octets = (uint16_t)wr_len(w) };
	return true;
}

static bool
prepend(struct attrs_build *b, uint8_t seg, uint32_t asn, unsigned n, uint8_t *scratch, size_t cap)
{
	struct rd r = rd_init(b->part[ATTRS_AS_PATH].p, b->part[ATTRS_AS_PATH].octets), head = r;
	struct wr w = wr_init(scratch, cap);
	unsigned old = 0, join;

	if (rd_u8(&head) == seg)
		old = rd_u8(&head);
	join = old == 0 ? 0 : n < SEG_MAX - old ? n : SEG_MAX - old;
	for (unsigned left = n - join; left > 0 && !w.full;) {
		unsigned now = left < SEG_MAX ? left : SEG_MAX;

		sequence_put(&w, seg, (uint8_t)now, now, asn);
		left -= now;
	}
	if (join > 0) {
		sequence_put(&w, seg, (uint8_t)(old + join), join, asn);
		r = head;
	}
	wr_bytes(&w, r.p, rd_left(&r));
	return part_replace(b, ATTRS_AS_PATH, &w);
}

bool
attrs_prepend(struct attrs_build *b, uint32_t asn, unsigned n, uint8_t *scratch, size_t cap)
{
	return prepend(b, SEG_SEQUENCE, asn, n, scratch, cap);
}

bool
attrs_prepend_confed(struct attrs_build *b, uint32_t asn, uint8_t *scratch, size_t cap)
{
	return prepend(b, SEG_CONFED_SEQUENCE, asn, 1, scratch, cap);
}

bool
attrs_prepend_cluster(struct attrs_build *b, uint32_t cluster_id, uint8_t *scratch, size_t cap)
{
	struct wr w = wr_init(scratch, cap);

	wr_u32(&w, cluster_id);
	wr_bytes(&w, b->part[ATTRS_CLUSTER_LIST].p, b->part[ATTRS_CLUSTER_LIST].octets);
	return part_replace(b, ATTRS_CLUSTER_LIST, &w);
}

bool
attrs_add_community(struct attrs_build *b, uint32_t community, uint8_t *scratch, size_t cap)
{
	struct wr w = wr_init(scratch, cap);

	wr_bytes(&w, b->part[ATTRS_COMMUNITIES].p, b->part[ATTRS_COMMUNITIES].octets);
	wr_u32(&w, community);
	return part_replace(b, ATTRS_COMMUNITIES, &w);
}

const struct attrs *
attrs_with_community(struct attrs_pool *pool, const struct attrs *a, uint32_t community)
{
	size_t cap = a->part_octets[ATTRS_COMMUNITIES] + sizeof(community);
	const struct attrs *ret;
	struct attrs_build b;
	uint8_t *scratch;

	if (attrs_has_community(a, community))
		return attrs_ref(a);
	scratch = mem_alloc(cap);
	attrs_to_build(a, &b);
	ret = attrs_add_community(&b, community, scratch, cap) ? attrs_intern(pool, &b) :
								 attrs_ref(a);
	mem_free(scratch);
	return ret;
}

/* ---- text --------------------------------------------------------------------- */

struct text {
	char *buf;
	size_t cap, len;
	bool cut;
};

static void text_put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends all of it or, once something did not fit, nothing. */
static void
text_put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->cut)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->cap - t->len) {
		t->buf[t->len] = '\0';
		t->cut = true;
		return;
	}
	t->len += (size_t)n;
}

static struct text
text_init(char *buf, size_t cap)
{
	buf[0] = '\0';
	return (struct text){ .buf = buf, .cap = cap };
}

/* The buffer; what was cut ends in "...". */
static char *
text_end(struct text *t)
{
	static const char dots[] = "...";

	if (t->cut && t->cap >= sizeof(dots)) {
		size_t at = t->len < t->cap - sizeof(dots) ? t->len : t->cap - sizeof(dots);

		memcpy(t->buf + at, dots, sizeof(dots));
	}
	return t->buf;
}

static const char *
text_sep(const struct text *t)
{
	return t->len > 0 ? " " : "";
}

char *
attrs_str_as_path(const struct attrs *a, char *buf, size_t cap)
{
	static const char *const around[][2] = {
		[SEG_SET] = { "{", "}" },
		[SEG_SEQUENCE] = { "", "" },
		[SEG_CONFED_SEQUENCE] = { "(", ")" },
		[SEG_CONFED_SET] = { "[", "]" },
	};
	struct text t = text_init(buf, cap);
	struct rd r = part_rd(a, ATTRS_AS_PATH);

	while (rd_left(&r) > 0 && !t.cut) {
		uint8_t type = rd_u8(&r), n = rd_u8(&r);
		bool known = type >= SEG_SET && type <= SEG_CONFED_SET;

		text_put(&t, "%s%s", text_sep(&t), known ? around[type][0] : "?");
		for (unsigned i = 0; i < n && !r.bad; i++)
			text_put(&t, "%s%u", i > 0 ? " " : "", rd_u32(&r));
		text_put(&t, "%s", known ? around[type][1] : "?");
	}
	return text_end(&t);
}

char *
attrs_str_communities(const struct attrs *a, char *buf, size_t cap)
{
	static const struct {
		uint32_t value;
		const char *name;
	} known[] = {
		{ COMM_GRACEFUL_SHUTDOWN, "graceful-shutdown" },
		{ COMM_BLACKHOLE, "blackhole" },
		{ COMM_LLGR_STALE, "llgr-stale" },
		{ COMM_NO_LLGR, "no-llgr" },
		{ COMM_NO_EXPORT, "no-export" },
		{ COMM_NO_ADVERTISE, "no-advertise" },
		{ COMM_NO_EXPORT_SUBCONFED, "no-export-subconfed" },
		{ COMM_NO_PEER, "no-peer" },
	};
	struct text t = text_init(buf, cap);
	struct rd r = part_rd(a, ATTRS_COMMUNITIES);

	while (rd_left(&r) > 0) {
		uint32_t c = rd_u32(&r);
		const char *name = NULL;

		for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (known[i].value == c)
				name = known[i].name;
		if (name)
			text_put(&t, "%s%s", text_sep(&t), name);
		else
			text_put(&t, "%s%u:%u", text_sep(&t), c >> 16, c & 0xffff);
	}
	return text_end(&t);
}

char *
attrs_str_large(const struct attrs *a, char *buf, size_t cap)
{
	struct text t = text_init(buf, cap);
	struct rd r = part_rd(a, ATTRS_LARGE);

	while (rd_left(&r) > 0) {
		uint32_t v[3];

		for (unsigned i = 0; i < 3; i++)
			v[i] = rd_u32(&r);
		text_put(&t, "%s%u:%u:%u", text_sep(&t), v[0], v[1], v[2]);
	}
	return text_end(&t);
}

/* RFC 10005: AS number, and octets per second as a floating point number. */
static void
put_bandwidth(struct text *t, uint64_t v)
{
	uint32_t bits = (uint32_t)v;
	float rate;

	memcpy(&rate, &bits, sizeof(rate));
	if (rate >= 0 && rate < 1e18f)
		text_put(t, "%slb:%u:%.0f", text_sep(t), (unsigned)(v >> 32) & 0xffff,
		    (double)rate);
	else
		text_put(t, "%s0x%016llx", text_sep(t), (unsigned long long)v);
}

/*
 * Types 0x00 (2-octet AS), 0x01 (IPv4) and 0x02 (4-octet AS), route target and origin; and
 * link bandwidth.
 */
char *
attrs_str_ext(const struct attrs *a, char *buf, size_t cap)
{
	struct text t = text_init(buf, cap);
	struct rd r = part_rd(a, ATTRS_EXT);

	while (rd_left(&r) > 0) {
		uint64_t v = rd_u64(&r);
		unsigned type = (unsigned)(v >> 56) & 0xbf, sub = (unsigned)(v >> 48) & 0xff;
		const char *name = sub == 2 ? "rt" : sub == 3 ? "so" : NULL;

		if (name && type == 0)
			text_put(&t, "%s%s:%u:%u", text_sep(&t), name, (unsigned)(v >> 32) & 0xffff,
			    (unsigned)v);
		else if (name && type == 1)
			text_put(&t, "%s%s:%u.%u.%u.%u:%u", text_sep(&t), name,
			    (unsigned)(v >> 40) & 0xff, (unsigned)(v >> 32) & 0xff,
			    (unsigned)(v >> 24) & 0xff, (unsigned)(v >> 16) & 0xff,
			    (unsigned)v & 0xffff);
		else if (name && type == 2)
			text_put(&t, "%s%s:%u:%u", text_sep(&t), name, (unsigned)(v >> 16),
			    (unsigned)v & 0xffff);
		else if (sub == 4 && type == 0)
			put_bandwidth(&t, v);
		else
			text_put(&t, "%s0x%016llx", text_sep(&t), (unsigned long long)v);
	}
	return text_end(&t);
}

char *
attrs_str_cluster_list(const struct attrs *a, char *buf, size_t cap)
{
	struct text t = text_init(buf, cap);
	struct rd r = part_rd(a, ATTRS_CLUSTER_LIST);

	while (rd_left(&r) > 0) {
		uint8_t b[4];

		rd_copy(&r, b, sizeof(b));
		text_put(&t, "%s%u.%u.%u.%u", text_sep(&t), b[0], b[1], b[2], b[3]);
	}
	return text_end(&t);
}

char *
attrs_str_unknown(const struct attrs *a, char *buf, size_t cap)
{
	struct text t = text_init(buf, cap);
	struct rd r = part_rd(a, ATTRS_UNKNOWN);

	while (rd_left(&r) > 0) {
		uint8_t flags = rd_u8(&r), type = rd_u8(&r);
		size_t octets = flags & ATTR_F_EXT_LEN ? rd_u16(&r) : rd_u8(&r);

		rd_skip(&r, octets);
		text_put(&t, "%stype %u (%zu octets)", t.len > 0 ? ", " : "", type, octets);
	}
	return text_end(&t);
}
