/*
 * What a session was told: a reader of UPDATEs of its own, so that it does not
 * share a mistake with the product.
 */
#include <string.h>

#include "lib/mem.h"
#include "tests/vectors/vec.h"

#define MP_REACH   14
#define MP_UNREACH 15

const struct vec_route *
vec_view_find(const struct vec_view *view, const struct ip_prefix *p)
{
	for (size_t i = 0; i < view->n; i++)
		if (ip_prefix_eq(&view->v[i].prefix, p))
			return &view->v[i];
	return NULL;
}

static void
forget(struct vec_view *view, const struct ip_prefix *p)
{
	const struct vec_route *r = vec_view_find(view, p);

	if (!r)
		return;
	mem_free(r->attrs);
	view->v[r - view->v] = view->v[--view->n];
}

static void
learn(struct vec_view *view, const struct ip_prefix *p, const uint8_t *attrs, size_t octets)
{
	forget(view, p);
	view->v = mem_realloc_array(view->v, view->n + 1, sizeof(*view->v));
	view->v[view->n++] = (struct vec_route){ .prefix = *p,
		.attrs = octets ? mem_dup(attrs, octets) : NULL,
		.octets = octets,
		.serial = view->serial };
}

/* Each prefix of an NLRI field: learnt with these attributes, or forgotten (attrs NULL). */
static bool
each_prefix(struct vec_view *view, struct rd r, uint8_t af, const struct wr *attrs)
{
	while (rd_left(&r) > 0) {
		struct ip_prefix p = { .af = af, .len = rd_u8(&r) };

		if (p.len > ip_af_bits(af) || !rd_copy(&r, p.b, ip_prefix_octets(p.len)))
			return false;
		if (attrs)
			learn(view, &p, attrs->base, wr_len(attrs));
		else
			forget(view, &p);
	}
	return rd_done(&r);
}

struct mp {
	struct rd reach, unreach; /* NLRI */
	uint8_t reach_af, unreach_af;
	const uint8_t *nh;
	uint8_t nh_octets;
};

static bool
read_mp(struct mp *mp, uint8_t type, struct rd *value)
{
	uint16_t afi = rd_u16(value);

	if (rd_u8(value) != 1 || (afi != 1 && afi != 2))
		return false;
	if (type == MP_UNREACH) {
		mp->unreach_af = afi == 1 ? IP4 : IP6;
		mp->unreach = rd_sub(value, rd_left(value));
		return true;
	}
	mp->reach_af = afi == 1 ? IP4 : IP6;
	mp->nh_octets = rd_u8(value);
	mp->nh = rd_view(value, mp->nh_octets);
	rd_u8(value);
	mp->reach = rd_sub(value, rd_left(value));
	return !value->bad;
}

static bool
read_attrs(struct rd *r, struct mp *mp, struct wr *rest)
{
	while (rd_left(r) > 0) {
		const uint8_t *start = r->p;
		uint8_t flags = rd_u8(r), type = rd_u8(r);
		struct rd value = rd_sub(r, flags & 0x10 ? rd_u16(r) : rd_u8(r));

		if (r->bad)
			return false;
		if (type != MP_REACH && type != MP_UNREACH)
			wr_bytes(rest, start, (size_t)(r->p - start));
		else if (!read_mp(mp, type, &value))
			return false;
	}
	return rd_done(r);
}

bool
vec_view_update(struct vec_view *view, const uint8_t *body, size_t octets)
{
	static uint8_t plain[65536], with_nh[65536 + 64];
	struct wr rest = wr_init(plain, sizeof(plain)), mp_rest = wr_init(with_nh, sizeof(with_nh));
	struct rd r = rd_init(body, octets), gone, attrs, nlri;
	struct mp mp = { .nh = NULL };

	gone = rd_sub(&r, rd_u16(&r));
	attrs = rd_sub(&r, rd_u16(&r));
	nlri = rd_sub(&r, rd_left(&r));
	view->serial++;
	if (r.bad || !read_attrs(&attrs, &mp, &rest) || !each_prefix(view, gone, IP4, NULL) ||
	    !each_prefix(view, nlri, IP4, &rest))
		return false;
	if (mp.unreach_af && !each_prefix(view, mp.unreach, mp.unreach_af, NULL))
		return false;
	if (!mp.reach_af)
		return true;
	wr_bytes(&mp_rest, plain, wr_len(&rest));
	wr_u8(&mp_rest, 0);
	wr_u8(&mp_rest, MP_REACH);
	wr_u8(&mp_rest, mp.nh_octets);
	wr_bytes(&mp_rest, mp.nh, mp.nh_octets);
	return each_prefix(view, mp.reach, mp.reach_af, &mp_rest);
}

const uint8_t *
vec_route_attr(const struct vec_route *route, uint8_t type, size_t *ret_octets)
{
	struct rd r = rd_init(route->attrs, route->octets);

	while (rd_left(&r) > 0) {
		const uint8_t *start = r.p;
		uint8_t flags = rd_u8(&r), t = rd_u8(&r);

		rd_skip(&r, flags & 0x10 ? rd_u16(&r) : rd_u8(&r));
		*ret_octets = (size_t)(r.p - start);
		if (t == type)
			return start;
	}
	return NULL;
}

void
vec_view_free(struct vec_view *view)
{
	for (size_t i = 0; i < view->n; i++)
		mem_free(view->v[i].attrs);
	mem_free(view->v);
	*view = (struct vec_view){ 0 };
}
