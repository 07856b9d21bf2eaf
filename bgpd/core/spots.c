/*
 * The prefixes of an UPDATE, some at a time.  See spots.h.
 */
#include "bgpd/core/spots.h"

void
spots_begin(struct spots *s, const struct rib *rib, struct rd field, bool path_ids)
{
	s->rib = rib;
	s->from = field.p;
	s->left = field;
	s->path_ids = path_ids;
	spots_next(s);
}

bool
spots_are_of(const struct spots *s, const struct rib *rib, const struct rd *field)
{
	return s->from && s->from == field->p && s->rib == rib;
}

void
spots_next(struct spots *s)
{
	struct rib_block block = { 0 };
	struct bgp_err e = { 0 };
	struct spot *v = s->v;

	for (; v < s->v + SPOTS && nlri_next(&s->left, s->rib->af, s->path_ids, &v->n, &e); v++)
		v->place = rib_seek(s->rib, &v->n.prefix, &block);
	s->n = (size_t)(v - s->v);
}

void
spots_approach(struct spots *s)
{
	size_t k;

	for (k = 0; k < s->n; k++)
		s->v[k].guess = rib_approach(s->rib, s->v[k].place);
}

void
spots_end(struct spots *s)
{
	s->from = NULL;
	s->n = 0;
}
