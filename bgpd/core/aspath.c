/*
 * AS_PATH counted and rewritten.  See aspath.h.
 *
 * A rewrite goes over the path once, number by number: change_asn() says what
 * becomes of one, 0 for "it goes".  Segments keep their borders.
 */
#include "bgpd/core/aspath.h"

#include "bgpd/core/bgp.h"

static bool
is_confed(uint8_t seg)
{
	return seg == SEG_CONFED_SEQUENCE || seg == SEG_CONFED_SET;
}

static unsigned
count(const struct attrs *a, uint32_t asn, bool confed)
{
	struct as_path_iter it = as_path_iter(a);
	unsigned n = 0;
	uint32_t found;
	uint8_t seg;

	while (as_path_next(&it, &found, &seg))
		n += found == asn && is_confed(seg) == confed;
	return n;
}

unsigned
aspath_count(const struct attrs *a, uint32_t asn)
{
	return count(a, asn, false);
}

unsigned
aspath_count_confed(const struct attrs *a, uint32_t asn)
{
	return count(a, asn, true);
}

uint32_t
aspath_first(const struct attrs *a, unsigned n)
{
	struct as_path_iter it = as_path_iter(a);
	uint32_t asn;
	uint8_t seg;

	while (as_path_next(&it, &asn, &seg) && seg == SEG_SEQUENCE)
		if (n-- == 0)
			return asn;
	return 0;
}

bool
aspath_is_private(uint32_t asn)
{
	return (asn >= 64512 && asn <= 65534) || (asn >= 4200000000u && asn <= 4294967294u);
}

/* ---- rewriting ------------------------------------------------------------------ */

struct rewrite {
	const struct aspath_edit *e;
	bool take_private; /* private numbers go, or are replaced, from here on */
};

/* No public number in the path: then IPC_PRIVATE_WHOLE applies. */
static bool
all_private(const struct attrs_view *v)
{
	struct rd r = rd_init(v->p, v->octets);

	while (rd_left(&r) > 0) {
		bool confed = is_confed(rd_u8(&r));
		uint8_t n = rd_u8(&r);

		while (n-- > 0)
			if (!aspath_is_private(rd_u32(&r)) && !confed)
				return false;
	}
	return true;
}

static bool
begins_taking(const struct aspath_edit *e, const struct attrs_view *v)
{
	switch ((enum ipc_private)e->private_as) {
	case IPC_PRIVATE_KEEP:
		break;
	case IPC_PRIVATE_WHOLE:
		return all_private(v);
	case IPC_PRIVATE_LEADING:
	case IPC_PRIVATE_ALL:
	case IPC_PRIVATE_REPLACE:
		return true;
	}
	return false;
}

/* What is written for the number; 0: nothing. */
static uint32_t
change_asn(struct rewrite *w, uint32_t asn)
{
	const struct aspath_edit *e = w->e;

	if (asn == e->peer && e->override)
		return e->own;
	if (w->take_private && aspath_is_private(asn) && asn != e->peer)
		return e->private_as == IPC_PRIVATE_REPLACE ? e->own : 0;
	if (e->private_as == IPC_PRIVATE_LEADING)
		w->take_private = false;
	return asn;
}

/* One segment of n numbers from r to w. */
static void
rewrite_segment(struct rewrite *k, uint8_t type, uint8_t n, struct rd *r, struct wr *w)
{
	size_t start = wr_len(w);
	uint8_t kept = 0;

	wr_u8(w, type);
	wr_u8(w, 0);
	while (n-- > 0) {
		uint32_t asn = rd_u32(r);

		if (!is_confed(type))
			asn = change_asn(k, asn);
		if (asn == 0)
			continue;
		wr_u32(w, asn);
		kept++;
	}
	if (w->full)
		return;
	if (kept == 0)
		wr_rewind(w, start);
	else
		w->base[start + 1] = kept;
}

bool
aspath_apply(const struct aspath_edit *e, struct attrs_build *b, uint8_t *scratch, size_t cap)
{
	struct attrs_view *v = &b->part[ATTRS_AS_PATH];
	struct rewrite k = { .e = e, .take_private = begins_taking(e, v) };
	struct rd r = rd_init(v->p, v->octets);
	struct wr w = wr_init(scratch, cap);

	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), n = rd_u8(&r);

		if (e->drop_confed && is_confed(type))
			rd_skip(&r, 4u * n);
		else
			rewrite_segment(&k, type, n, &r, &w);
	}
	if (w.full)
		return false;
	*v = (struct attrs_view){ .p = scratch, .octets = (uint16_t)wr_len(&w) };
	return true;
}
