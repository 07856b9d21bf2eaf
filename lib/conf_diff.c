/*
 * What changes between two configurations, option by option of the table: each
 * option's row says what a change of it costs.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/conf_ctx.h"
#include "lib/conf_filter.h"
#include "lib/mem.h"

const char *
conf_change_str(enum conf_change change)
{
	switch (change) {
	case CONF_SAME:
		return "unchanged";
	case CONF_LIVE:
		return "live";
	case CONF_POLICY:
		return "policy";
	case CONF_SESSION:
		return "session";
	case CONF_ADDED:
		return "added";
	case CONF_REMOVED:
		return "removed";
	}
	return "unknown";
}

static bool
differs(const struct opt *o, const void *was, const void *now)
{
	char *a = conf_option_text(o, was), *b = conf_option_text(o, now);
	bool ret = strcmp(a, b) != 0;

	mem_free(a);
	mem_free(b);
	return ret;
}

/* A change of one option as a change of a peer. */
static enum conf_change
cost(const struct opt *o)
{
	switch (o->effect) {
	case OPT_LIVE:
		return CONF_LIVE;
	case OPT_POLICY:
		return CONF_POLICY;
	case OPT_SESSION:
		return CONF_SESSION;
	}
	return CONF_SESSION;
}

/* The strongest change counts, the first option of that strength is the reason. */
static void
note(struct conf_peer_diff *pd, enum conf_change change, const char *why)
{
	if (change <= pd->change)
		return;
	pd->change = change;
	pd->why = why;
}

static bool
is_value(const struct opt *o)
{
	return o->type != OPT_MAP && o->type != OPT_LIST;
}

static void
diff_peer(struct conf_peer_diff *pd)
{
	const struct opt *list = opt_find("peers"), *o = NULL;

	while ((o = opt_next_in(list, o)))
		if (is_value(o) && differs(o, pd->was, pd->now))
			note(pd, cost(o), o->path);
}

/* Do two lists of rules say the same to bgpd?  Names of communities may stand for others now. */
static bool
rules_differ(const struct conf *was, const struct conf_filter *f, const struct conf *now,
    const struct conf_filter *g, enum conf_filter_list list)
{
	struct ipc_conf_filter *m = mem_zalloc_array(2, sizeof(*m));
	bool ret = f->rules[list].n != g->rules[list].n;

	for (size_t i = 0; !ret && i < f->rules[list].n; i++) {
		conf_filter_message(was, f, list, i, 1, &m[0]);
		conf_filter_message(now, g, list, i, 1, &m[1]);
		ret = memcmp(&m[0], &m[1], sizeof(m[0])) != 0;
	}
	mem_free(m);
	return ret;
}

static bool
filter_differs(const struct conf *was, const struct conf *now, const char *name)
{
	const struct conf_filter *f = conf_filter_find(was, name), *g = conf_filter_find(now, name);
	bool ret = !f || !g;

	for (unsigned l = 0; !ret && l < CONF_FILTER_NLISTS; l++)
		ret = rules_differ(was, f, now, g, (enum conf_filter_list)l);
	return ret;
}

/* Filters by the same names may say something else. */
static void
diff_filters(struct conf_peer_diff *pd, const struct conf *was, const struct conf *now)
{
	const struct conf_strs *names = &pd->now->filters;

	for (size_t i = 0; i < names->n && pd->change < CONF_POLICY; i++)
		if (filter_differs(was, now, names->v[i]))
			note(pd, CONF_POLICY, "filters");
}

/* ---- everything but the peers -------------------------------------------- */

static bool
is_under(const struct opt *o, const char *key)
{
	size_t n = strlen(key);

	return strncmp(o->path, key, n) == 0 && strchr(".[", o->path[n]);
}

/* Which part of struct conf_diff an option of struct conf belongs to. */
static bool *
part_of(struct conf_diff *d, const struct opt *o)
{
	if (is_under(o, "node"))
		return &d->node;
	if (is_under(o, "bgp"))
		return &d->bgp;
	return is_under(o, "kernel") ? &d->kernel : &d->ops;
}

/* What a changed option of struct conf means for a peer that is in both. */
static enum conf_change
cost_for_peers(const struct opt *o)
{
	if (strcmp(o->path, "kernel.permit") == 0 || is_under(o, "bgp") ||
	    strcmp(o->path, "node.ip") == 0)
		return cost(o) == CONF_LIVE ? CONF_SAME : cost(o);
	return CONF_SAME;
}

static void
diff_rest(struct conf_diff *d, const struct conf *was, const struct conf *now)
{
	const struct opt *o = NULL;

	while ((o = opt_next_in(NULL, o))) {
		if (!is_value(o) || !differs(o, was, now))
			continue;
		*part_of(d, o) = true;
		for (size_t i = 0; i < d->n; i++)
			if (d->v[i].was && d->v[i].now)
				note(&d->v[i], cost_for_peers(o), o->path);
	}
}

/* Do two lists of maps, of advertisements or communities, differ anywhere? */
static bool
lists_differ(const char *path, const struct conf *was, const struct conf *now)
{
	const struct opt *list = opt_find(path), *o = NULL;
	const struct conf_list *a = opt_cfield(list, was), *b = opt_cfield(list, now);

	if (a->n != b->n)
		return true;
	while ((o = opt_next_in(list, o))) {
		if (!is_value(o))
			continue;
		for (size_t i = 0; i < a->n; i++)
			if (differs(
				o, conf_list_at(a, list->elem, i), conf_list_at(b, list->elem, i)))
				return true;
	}
	return false;
}

/* ---- pairing peers by name ----------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct conf_peer *const *pa = a, *const *pb = b;

	return strcmp((*pa)->name, (*pb)->name);
}

static const struct conf_peer **
sorted(const struct conf *c)
{
	const struct conf_peer **v = mem_zalloc_array(c->peers.n + 1, sizeof(v[0]));

	for (size_t i = 0; i < c->peers.n; i++)
		v[i] = &c->peers.v[i];
	qsort(v, c->peers.n, sizeof(v[0]), by_name);
	return v;
}

static const struct conf_peer *
lookup(const struct conf_peer **v, size_t n, const struct conf_peer *like)
{
	const struct conf_peer **hit = bsearch(&like, v, n, sizeof(v[0]), by_name);

	return hit ? *hit : NULL;
}

static void
pair_peers(struct conf_diff *d, const struct conf *was, const struct conf *now)
{
	const struct conf_peer **old = sorted(was), **new = sorted(now);
	const struct conf_peer *p;
	struct conf_peer_diff *pd;

	for (size_t i = 0; i < now->peers.n; i++) {
		p = &now->peers.v[i];
		pd = &d->v[d->n++];
		*pd = (struct conf_peer_diff){
			.name = p->name, .was = lookup(old, was->peers.n, p), .now = p
		};
		if (!pd->was)
			pd->change = CONF_ADDED;
	}
	for (size_t i = 0; i < was->peers.n; i++) {
		p = &was->peers.v[i];
		if (lookup(new, now->peers.n, p))
			continue;
		d->v[d->n++] =
		    (struct conf_peer_diff){ .name = p->name, .was = p, .change = CONF_REMOVED };
	}
	mem_free(old);
	mem_free(new);
}

struct conf_diff *
conf_diff(const struct conf *was, const struct conf *now)
{
	struct conf_diff *d = mem_zalloc(sizeof(*d));

	d->v = mem_zalloc_array(was->peers.n + now->peers.n + 1, sizeof(d->v[0]));
	pair_peers(d, was, now);
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].was && d->v[i].now) {
			diff_peer(&d->v[i]);
			diff_filters(&d->v[i], was, now);
		}
	diff_rest(d, was, now);
	d->advertisements =
	    lists_differ("advertisements", was, now) || lists_differ("communities", was, now);
	d->bmp = lists_differ("bmp", was, now);
	return d;
}

void
conf_diff_free(struct conf_diff *d)
{
	if (!d)
		return;
	mem_free(d->v);
	mem_free(d);
}
