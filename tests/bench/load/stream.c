/*
 * UPDATEs made beforehand.
 */
#include "tests/bench/load/stream.h"

#include <string.h>

#include "lib/mem.h"
#include "tests/bench/load/sess.h"

#define HEADER	   19
#define MSG_MAX	   4096
#define MSG_UPDATE 2

/* ---- attribute sets ---- */

/* The middle and the end of a path tell sets apart; none of the numbers is a reserved one. */
static void
path_ebgp(struct path *p, const struct sess *s, uint32_t k)
{
	uint32_t salt = s->l->opt->seed * 7919;

	p->nas = 4;
	p->as[0] = s->as;
	p->as[1] = 100000 + k % 97;
	p->as[2] = 200000 + (k / 97) % 5003;
	p->as[3] = 300000 + (k * 31 + salt) % 65521;
	p->has_med = k % 4 == 3;
	p->med = k % 1000;
}

static void
path_ibgp(struct path *p)
{
	p->has_local_pref = true;
	p->local_pref = 100;
}

void
path_make(struct path *p, const struct sess *s, uint32_t k)
{
	memset(p, 0, sizeof(*p));
	if (s->l->path)
		s->l->path(p, s, k);
	else if (s->l->opt->ibgp)
		path_ibgp(p);
	else
		path_ebgp(p, s, k);
	p->ncomm = 2;
	p->comm[0] = 1000u << 16 | (k & 0xffff);
	p->comm[1] = 2000u << 16 | ((k >> 16) & 0xffff);
	p->next_hop = s->self;
}

static void
put_head(struct wr *w, uint8_t flags, uint8_t type, uint8_t len)
{
	wr_u8(w, flags);
	wr_u8(w, type);
	wr_u8(w, len);
}

static void
put_u32(struct wr *w, uint8_t flags, uint8_t type, uint32_t v)
{
	put_head(w, flags, type, 4);
	wr_u32(w, v);
}

static void
put_as_path(struct wr *w, const struct path *p)
{
	put_head(w, 0x40, ATTR_AS_PATH, p->nas ? (uint8_t)(2 + 4 * p->nas) : 0);
	if (p->nas) {
		wr_u8(w, 2);
		wr_u8(w, (uint8_t)p->nas);
	}
	for (unsigned i = 0; i < p->nas; i++)
		wr_u32(w, p->as[i]);
}

void
path_put(const struct path *p, struct wr *w, bool mp)
{
	put_head(w, 0x40, ATTR_ORIGIN, 1);
	wr_u8(w, p->origin);
	put_as_path(w, p);
	if (!mp) {
		put_head(w, 0x40, ATTR_NEXT_HOP, 4);
		wr_bytes(w, p->next_hop.b, 4);
	}
	if (p->has_med)
		put_u32(w, 0x80, ATTR_MED, p->med);
	if (p->has_local_pref)
		put_u32(w, 0x40, ATTR_LOCAL_PREF, p->local_pref);
	if (p->ncomm)
		put_head(w, 0xc0, ATTR_COMMUNITIES, (uint8_t)(4 * p->ncomm));
	for (unsigned i = 0; i < p->ncomm; i++)
		wr_u32(w, p->comm[i]);
	if (p->has_reflection) {
		put_u32(w, 0x80, ATTR_ORIGINATOR, p->originator);
		put_u32(w, 0x80, ATTR_CLUSTER_LIST, p->cluster);
	}
}

void
wanted_make(struct wanted *w, const struct sess *sender, uint32_t k)
{
	struct path p;
	struct wr wr;

	if (w->sender == sender && w->k == k)
		return;
	path_make(&p, sender, k);
	wr = wr_init(w->buf, sizeof(w->buf));
	path_put(&p, &wr, true);
	attrs_read(&w->attrs, rd_init(w->buf, wr_len(&wr)));
	w->next_hop_addr = p.next_hop;
	w->next_hop = (struct span){ w->next_hop_addr.b, ip_af_octets(p.next_hop.af) };
	w->sender = sender;
	w->k = k;
}

/* ---- messages ---- */

struct wr
stream_msg_begin(struct stream *st)
{
	struct wr w;

	if (st->cap - st->len < MSG_MAX) {
		st->cap = st->cap ? st->cap * 2 : MSG_MAX;
		st->p = mem_realloc(st->p, st->cap);
	}
	w = wr_init(st->p + st->len, MSG_MAX);
	for (unsigned i = 0; i < 16; i++)
		wr_u8(&w, 255);
	wr_u16(&w, 0);
	wr_u8(&w, MSG_UPDATE);
	return w;
}

void
stream_msg_end(struct stream *st, struct wr *w)
{
	size_t n = wr_len(w);

	st->p[st->len + 16] = (uint8_t)(n >> 8);
	st->p[st->len + 17] = (uint8_t)n;
	st->len += n;
}

/* Prefixes from *i on as long as they fit; `list` NULL: the numbers themselves. */
static void
put_prefixes(struct stream *st, struct wr *w, const struct pool *pool, const uint32_t *list,
    uint32_t *i, uint32_t hi, size_t spare)
{
	while (*i < hi && wr_room(w) >= pool_nlri_len(pool) + spare) {
		pool_put(pool, w, list ? list[*i] : *i);
		++*i;
		st->prefixes++;
	}
}

static void
announce_v4(struct stream *st, struct wr *w, const struct pool *pool, const struct path *p,
    const uint32_t *list, uint32_t *i, uint32_t hi)
{
	size_t mark;

	wr_u16(w, 0);
	mark = wr_open16(w);
	path_put(p, w, false);
	wr_close16(w, mark);
	put_prefixes(st, w, pool, list, i, hi, 0);
}

/* MP_REACH_NLRI first (RFC 7606 section 5.1), and room for the other attributes behind it. */
static void
announce_v6(struct stream *st, struct wr *w, const struct pool *pool, const struct path *p,
    const uint32_t *list, uint32_t *i, uint32_t hi)
{
	size_t all, mark;

	wr_u16(w, 0);
	all = wr_open16(w);
	wr_u8(w, 0x90);
	wr_u8(w, ATTR_MP_REACH);
	mark = wr_open16(w);
	wr_u16(w, IP6);
	wr_u8(w, 1);
	wr_u8(w, 16);
	wr_bytes(w, p->next_hop.b, 16);
	wr_u8(w, 0);
	put_prefixes(st, w, pool, list, i, hi, 200);
	wr_close16(w, mark);
	path_put(p, w, true);
	wr_close16(w, all);
}

static void
withdraw_v4(struct stream *st, struct wr *w, const struct pool *pool, const uint32_t *list,
    uint32_t *i, uint32_t n)
{
	size_t mark = wr_open16(w);

	put_prefixes(st, w, pool, list, i, n, 2);
	wr_close16(w, mark);
	wr_u16(w, 0);
}

static void
withdraw_v6(struct stream *st, struct wr *w, const struct pool *pool, const uint32_t *list,
    uint32_t *i, uint32_t n)
{
	size_t all, mark;

	wr_u16(w, 0);
	all = wr_open16(w);
	wr_u8(w, 0x90);
	wr_u8(w, ATTR_MP_UNREACH);
	mark = wr_open16(w);
	wr_u16(w, IP6);
	wr_u8(w, 1);
	put_prefixes(st, w, pool, list, i, n, 0);
	wr_close16(w, mark);
	wr_close16(w, all);
}

/* As many messages as that takes; p NULL: withdrawals. */
static void
put_messages(struct stream *st, const struct pool *pool, const struct path *p,
    const uint32_t *list, uint32_t i, uint32_t hi)
{
	while (i < hi) {
		struct wr w = stream_msg_begin(st);

		if (p)
			(pool->af == IP4 ? announce_v4 : announce_v6)(st, &w, pool, p, list, &i, hi);
		else
			(pool->af == IP4 ? withdraw_v4 : withdraw_v6)(st, &w, pool, list, &i, hi);
		stream_msg_end(st, &w);
	}
}

void
stream_announce(struct stream *st, const struct pool *pool, const struct path *p, uint32_t lo,
    uint32_t hi)
{
	put_messages(st, pool, p, NULL, lo, hi);
}

void
stream_table(struct stream *st, const struct pool *pool, const struct sess *s)
{
	uint32_t per = s->l->opt->per_set;
	struct path p;

	for (uint32_t i = 0; i < pool->n; i += per) {
		path_make(&p, s, i / per);
		stream_announce(st, pool, &p, i, i + per < pool->n ? i + per : pool->n);
	}
}

void
stream_announce_list(struct stream *st, const struct pool *pool, const struct path *p,
    const uint32_t *index, uint32_t n)
{
	put_messages(st, pool, p, index, 0, n);
}

void
stream_withdraw_list(struct stream *st, const struct pool *pool, const uint32_t *index, uint32_t n)
{
	put_messages(st, pool, NULL, index, 0, n);
}

void
stream_end_of_rib(struct stream *st, uint8_t af)
{
	struct wr w = stream_msg_begin(st);

	wr_u16(&w, 0);
	wr_u16(&w, af == IP4 ? 0 : 6);
	if (af != IP4) {
		wr_u8(&w, 0x80);
		wr_u8(&w, ATTR_MP_UNREACH);
		wr_u8(&w, 3);
		wr_u16(&w, IP6);
		wr_u8(&w, 1);
	}
	stream_msg_end(st, &w);
}

void
stream_free(struct stream *st)
{
	mem_free(st->p);
	memset(st, 0, sizeof(*st));
}
