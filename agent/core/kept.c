/*
 * See kept.h. The reader is for a file that may have been anybody's: every record is read once for
 * nothing but its form before the first is told.
 */
#include "agent/core/kept.h"

#include <string.h>

#include "lib/mem.h"
#include "lib/wire.h"

#define MAGIC	    "weftkept"
#define MAGIC_LEN   8
#define HEAD_LEN    (MAGIC_LEN + 2 + 8 + 8)
#define SUM_LEN	    8
#define RECORD_HEAD 5

enum record { RECORD_NODE = 1, RECORD_OBJECT, RECORD_SERVICE };
enum node_flag { CORDONED = 1, DELETING = 2, SHUTTING_DOWN = 4 };
enum service_flag { AGGREGATE = 1, LOCAL_PREF = 2, MED = 4 };

uint64_t
kept_sum(uint64_t sum, const void *octets, size_t n)
{
	const uint8_t *p = octets;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* ---- writing ------------------------------------------------------------------ */

static void
put(struct kept_writer *w, const void *octets, size_t n)
{
	w->sum = kept_sum(w->sum, octets, n);
	w->put(w->ctx, octets, n);
}

/* A writer with room for a record of that size. */
static struct wr
record(struct kept_writer *w, enum record type, size_t size)
{
	struct wr r;

	size += RECORD_HEAD;
	if (size > w->cap) {
		mem_free(w->buf);
		w->buf = mem_alloc(w->cap = size + size / 2);
	}
	r = wr_init(w->buf, w->cap);
	wr_u8(&r, (uint8_t)type);
	wr_u32(&r, 0);
	return r;
}

static void
record_end(struct kept_writer *w, struct wr *r)
{
	size_t n = (size_t)(r->p - r->base);
	struct wr head = wr_init(w->buf + 1, 4);

	if (r->full)
		return; /* a text longer than any is let in: better without it */
	wr_u32(&head, (uint32_t)(n - RECORD_HEAD));
	put(w, w->buf, n);
}

static void
put_text(struct wr *r, const char *s)
{
	size_t n = strlen(s) + 1;

	if (n > UINT16_MAX) {
		r->full = true;
		return;
	}
	wr_u16(r, (uint16_t)n);
	wr_bytes(r, s, n);
}

static void
put_addr(struct wr *r, uint8_t af, const uint8_t *b)
{
	wr_u8(r, af);
	wr_bytes(r, b, ip_af_bits(af) / 8);
}

static void
put_prefix(struct wr *r, const struct ip_prefix *p)
{
	put_addr(r, p->af, p->b);
	wr_u8(r, p->len);
}

static size_t
labels_size(const struct labels *l)
{
	size_t size = 2;

	for (size_t i = 0; i < l->n; i++)
		size += strlen(l->v[i].key) + strlen(l->v[i].value) + 6;
	return size;
}

static void
put_labels(struct wr *r, const struct labels *l)
{
	wr_u16(r, (uint16_t)l->n);
	for (size_t i = 0; i < l->n; i++) {
		put_text(r, l->v[i].key);
		put_text(r, l->v[i].value);
	}
}

void
kept_begin(struct kept_writer *w, uint64_t key, int64_t as_of)
{
	uint8_t head[HEAD_LEN];
	struct wr r = wr_init(head, sizeof(head));

	wr_bytes(&r, MAGIC, MAGIC_LEN);
	wr_u16(&r, KEPT_VERSION);
	wr_u64(&r, key);
	wr_u64(&r, (uint64_t)as_of);
	w->sum = KEPT_SUM;
	w->buf = NULL;
	w->cap = 0;
	put(w, head, sizeof(head));
}

void
kept_put_node(struct kept_writer *w, const struct cluster_node *n)
{
	struct wr r = record(w, RECORD_NODE, strlen(n->name) + 16 + sizeof(n->addrs) + sizeof(n->cidrs) +
	    labels_size(&n->labels) + labels_size(&n->annotations) + labels_size(&n->taints));

	put_text(&r, n->name);
	wr_u8(&r, (uint8_t)((n->cordoned ? CORDONED : 0) | (n->deleting ? DELETING : 0) |
		(n->shutting_down ? SHUTTING_DOWN : 0)));
	wr_u8(&r, (uint8_t)n->naddrs);
	for (size_t i = 0; i < n->naddrs; i++)
		put_addr(&r, n->addrs[i].af, n->addrs[i].b);
	wr_u8(&r, (uint8_t)n->ncidrs);
	for (size_t i = 0; i < n->ncidrs; i++)
		put_prefix(&r, &n->cidrs[i]);
	put_labels(&r, &n->labels);
	put_labels(&r, &n->annotations);
	put_labels(&r, &n->taints);
	record_end(w, &r);
}

void
kept_put_object(struct kept_writer *w, const struct kept_object *o)
{
	size_t len = strlen(o->text) + 1;
	struct wr r = record(w, RECORD_OBJECT, len + strlen(o->element) + strlen(o->age) + 16);

	wr_u8(&r, o->kind);
	put_text(&r, o->element);
	put_text(&r, o->age);
	wr_u32(&r, (uint32_t)len);
	wr_bytes(&r, o->text, len);
	record_end(w, &r);
}

void
kept_put_service(struct kept_writer *w, const struct kept_service *s)
{
	size_t names = 0;
	struct wr r;

	for (size_t i = 0; i < s->nonly; i++)
		names += strlen(s->only[i]) + 3;
	r = record(w, RECORD_SERVICE, sizeof(*s) + names);
	put_prefix(&r, &s->prefix);
	wr_u8(&r, (uint8_t)((s->aggregate ? AGGREGATE : 0) | (s->has_local_pref ? LOCAL_PREF : 0) |
		(s->has_med ? MED : 0)));
	wr_u32(&r, s->local_pref);
	wr_u32(&r, s->med);
	wr_u16(&r, s->ncomm);
	wr_u16(&r, s->nlarge);
	wr_u16(&r, s->nonly);
	for (size_t i = 0; i < s->ncomm; i++)
		wr_u32(&r, s->comm[i]);
	for (size_t i = 0; i < 3 * (size_t)s->nlarge; i++)
		wr_u32(&r, s->large[i / 3][i % 3]);
	for (size_t i = 0; i < s->nonly; i++)
		put_text(&r, s->only[i]);
	record_end(w, &r);
}

void
kept_end(struct kept_writer *w)
{
	uint8_t octets[SUM_LEN];
	struct wr r = wr_init(octets, sizeof(octets));

	wr_u64(&r, w->sum);
	w->put(w->ctx, octets, sizeof(octets));
	mem_free(w->buf);
	w->buf = NULL;
	w->cap = 0;
}

/* ---- reading ------------------------------------------------------------------- */

struct reading {
	const struct kept_ops *ops; /* NULL: only the form counts */
	void *ctx;
};

/* In place, as it ends in NUL; "" and a bad reader when it is none. */
static const char *
get_text(struct rd *r, size_t n)
{
	const uint8_t *p = rd_view(r, n);

	if (!p || n == 0 || memchr(p, '\0', n) != p + n - 1) {
		r->bad = true;
		return "";
	}
	return (const char *)p;
}

static const char *
get_name(struct rd *r)
{
	return get_text(r, rd_u16(r));
}

/* A count that is not more than most. */
static size_t
get_count(struct rd *r, size_t n, size_t most)
{
	r->bad |= n > most;
	return r->bad ? 0 : n;
}

static void
get_addr(struct rd *r, uint8_t *ret_af, uint8_t *b)
{
	*ret_af = rd_u8(r);
	r->bad |= *ret_af != IP4 && *ret_af != IP6;
	if (!r->bad)
		rd_copy(r, b, ip_af_bits(*ret_af) / 8);
}

static struct ip_prefix
get_prefix(struct rd *r)
{
	struct ip_prefix p = { .af = IP_NONE };

	get_addr(r, &p.af, p.b);
	p.len = rd_u8(r);
	r->bad |= !r->bad && p.len > ip_af_bits(p.af);
	if (r->bad)
		return (struct ip_prefix){ .af = IP_NONE };
	ip_prefix_mask(&p);
	return p;
}

/* The list is the caller's to mem_free(). */
static struct label *
get_labels(struct rd *r, struct labels *ret)
{
	size_t n = get_count(r, rd_u16(r), CLUSTER_LABELS_MAX);
	struct label *v = mem_zalloc_array(n + 1, sizeof(*v));

	*ret = (struct labels){ .v = v };
	for (; ret->n < n && !r->bad; ret->n++) {
		v[ret->n].key = get_name(r);
		v[ret->n].value = get_name(r);
	}
	return v;
}

static void
get_lists(struct rd *r, struct cluster_node *n)
{
	n->naddrs = get_count(r, rd_u8(r), CLUSTER_ADDRS_MAX);
	for (size_t i = 0; i < n->naddrs; i++)
		get_addr(r, &n->addrs[i].af, n->addrs[i].b);
	n->ncidrs = get_count(r, rd_u8(r), CLUSTER_CIDRS_MAX);
	for (size_t i = 0; i < n->ncidrs; i++)
		n->cidrs[i] = get_prefix(r);
}

static bool
read_node(const struct reading *g, struct rd *r)
{
	struct cluster_node n = { .name = get_name(r) };
	uint8_t flags = rd_u8(r);
	struct label *labels, *notes, *taints;
	bool good;

	n.cordoned = flags & CORDONED;
	n.deleting = flags & DELETING;
	n.shutting_down = flags & SHUTTING_DOWN;
	get_lists(r, &n);
	labels = get_labels(r, &n.labels);
	notes = get_labels(r, &n.annotations);
	taints = get_labels(r, &n.taints);
	good = rd_done(r) && n.name[0];
	if (good && g->ops && g->ops->node)
		g->ops->node(g->ctx, &n);
	mem_free(labels);
	mem_free(notes);
	mem_free(taints);
	return good;
}

static bool
read_object(const struct reading *g, struct rd *r)
{
	struct kept_object o = { .kind = rd_u8(r) };

	o.element = get_name(r);
	o.age = get_name(r);
	o.text = get_text(r, rd_u32(r));
	if (!rd_done(r))
		return false;
	if (g->ops && g->ops->object)
		g->ops->object(g->ctx, &o);
	return true;
}

static bool
read_service(const struct reading *g, struct rd *r)
{
	struct kept_service s = { .prefix = get_prefix(r) };
	uint8_t flags = rd_u8(r);

	s.aggregate = flags & AGGREGATE;
	s.has_local_pref = flags & LOCAL_PREF;
	s.has_med = flags & MED;
	s.local_pref = rd_u32(r);
	s.med = rd_u32(r);
	s.ncomm = (uint16_t)get_count(r, rd_u16(r), KEPT_LIST_MAX);
	s.nlarge = (uint16_t)get_count(r, rd_u16(r), KEPT_LIST_MAX);
	s.nonly = (uint16_t)get_count(r, rd_u16(r), KEPT_LIST_MAX);
	for (size_t i = 0; i < s.ncomm; i++)
		s.comm[i] = rd_u32(r);
	for (size_t i = 0; i < 3 * (size_t)s.nlarge; i++)
		s.large[i / 3][i % 3] = rd_u32(r);
	for (size_t i = 0; i < s.nonly; i++)
		s.only[i] = get_name(r);
	if (!rd_done(r))
		return false;
	if (g->ops && g->ops->service)
		g->ops->service(g->ctx, &s);
	return true;
}

static bool
read_records(struct rd r, const struct reading *g)
{
	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r);
		struct rd one = rd_sub(&r, rd_u32(&r));
		bool good = type == RECORD_NODE	   ? read_node(g, &one) :
			    type == RECORD_OBJECT  ? read_object(g, &one) :
			    type == RECORD_SERVICE ? read_service(g, &one) :
						     false;

		if (!good)
			return false;
	}
	return !r.bad;
}

static bool
sum_is_right(const uint8_t *octets, size_t len)
{
	struct rd r = rd_init(octets + len - SUM_LEN, SUM_LEN);

	return rd_u64(&r) == kept_sum(KEPT_SUM, octets, len - SUM_LEN);
}

enum kept_verdict
kept_read(const void *octets, size_t len, uint64_t key, const struct kept_ops *ops, void *ctx,
    int64_t *ret_as_of)
{
	const struct reading form = { .ops = NULL }, tell = { ops, ctx };
	struct rd r;
	uint16_t version;
	uint64_t its_key;

	if (len < HEAD_LEN + SUM_LEN || memcmp(octets, MAGIC, MAGIC_LEN) != 0 || !sum_is_right(octets, len))
		return KEPT_BROKEN;
	r = rd_init((const uint8_t *)octets + MAGIC_LEN, len - MAGIC_LEN - SUM_LEN);
	version = rd_u16(&r);
	its_key = rd_u64(&r);
	if (version != KEPT_VERSION)
		return KEPT_VERSION_OTHER;
	if (its_key != key)
		return KEPT_FOREIGN;
	*ret_as_of = (int64_t)rd_u64(&r);
	if (!read_records(r, &form))
		return KEPT_BROKEN;
	read_records(r, &tell);
	return KEPT_GOOD;
}

const char *
kept_verdict_text(enum kept_verdict v)
{
	static const char *const texts[] = { "good", "damaged", "of another version",
		"of another cluster or node" };

	return texts[v];
}
