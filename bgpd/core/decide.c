/*
 * The decision process as a table.  See decide.h.
 *
 * decide_rules[] holds one comparison per step.  sieve() applies one to all
 * candidates still alive, which are those in front; past the last step that makes a difference in
 * forwarding (IGP metric) the survivors are equals, and the remaining rows
 * only order them.
 */
#include "bgpd/core/decide.h"

#include <stdlib.h>

#define ALIVE DECIDE_NSTEPS

/* Below 0: a is preferred; 0: no difference. */
static int
prefer_low(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
cmp_local(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(!a->local, !b->local);
}

static uint16_t
weight(const struct decide_cand *c)
{
	return c->draining ? 0 : c->attrs->weight;
}

static int
cmp_llgr_stale(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(a->llgr_stale, b->llgr_stale);
}

static int
cmp_weight(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(weight(b), weight(a));
}

static int
cmp_local_pref(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(b->local_pref, a->local_pref);
}

static int
cmp_as_path(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(a->attrs->as_path_hops, b->attrs->as_path_hops);
}

static int
cmp_origin(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(a->attrs->origin, b->attrs->origin);
}

/* A missing MED counts as 0, the lowest: RFC 4271 section 9.1.2.2 c). */
static int
cmp_med(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(a->attrs->med, b->attrs->med);
}

static int
cmp_ebgp(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(!a->ebgp, !b->ebgp);
}

static int
cmp_igp_metric(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(a->igp_metric, b->igp_metric);
}

/* RFC 4456 section 9: a reflected path counts with its ORIGINATOR_ID. */
static uint32_t
effective_id(const struct decide_cand *c)
{
	return c->attrs->flags & ATTRS_ORIGINATOR ? c->attrs->originator_id : c->router_id;
}

static int
cmp_router_id(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(effective_id(a), effective_id(b));
}

static int
cmp_cluster_list(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(a->attrs->part_octets[ATTRS_CLUSTER_LIST],
	    b->attrs->part_octets[ATTRS_CLUSTER_LIST]);
}

static int
cmp_peer_addr(const struct decide_cand *a, const struct decide_cand *b)
{
	return a->local || b->local ? 0 : ip_addr_cmp(a->peer_addr, b->peer_addr);
}

/* Two addresses that are equal are one peer's; two local paths do not occur. */
static int
cmp_path_id(const struct decide_cand *a, const struct decide_cand *b)
{
	return prefer_low(a->path_id, b->path_id);
}

static const struct decide_rule {
	int (*cmp)(const struct decide_cand *a, const struct decide_cand *b);
	bool per_as; /* compare only paths from one neighbouring AS */
	const char *text;
} decide_rules[DECIDE_NSTEPS] = {
	[DECIDE_LOCAL] = { cmp_local, false, "announced by this node" },
	[DECIDE_LLGR_STALE] = { cmp_llgr_stale, false, "not long-lived stale" },
	[DECIDE_WEIGHT] = { cmp_weight, false, "greater weight" },
	[DECIDE_LOCAL_PREF] = { cmp_local_pref, false, "higher LOCAL_PREF" },
	[DECIDE_AS_PATH] = { cmp_as_path, false, "shorter AS_PATH" },
	[DECIDE_ORIGIN] = { cmp_origin, false, "lower ORIGIN" },
	[DECIDE_MED] = { cmp_med, true, "lower MED from the same AS" },
	[DECIDE_EBGP] = { cmp_ebgp, false, "eBGP before iBGP" },
	[DECIDE_IGP_METRIC] = { cmp_igp_metric, false, "nearer next hop" },
	[DECIDE_ROUTER_ID] = { cmp_router_id, false, "lower router id" },
	[DECIDE_CLUSTER_LIST] = { cmp_cluster_list, false, "shorter CLUSTER_LIST" },
	[DECIDE_PEER_ADDR] = { cmp_peer_addr, false, "lower peer address" },
	[DECIDE_PATH_ID] = { cmp_path_id, false, "lower path id" },
};

/* May step compare the two?  MED: only with the same neighbouring AS. */
static bool
comparable(const struct decide_rule *r, const struct decide_cand *a, const struct decide_cand *b)
{
	return !r->per_as || a->attrs->first_asn == b->attrs->first_asn;
}

/* Among those alive and comparable with v[first], which follow it: keep the best, mark the rest. */
static void
sieve_from(struct decide_cand *v, size_t n, size_t first, enum decide_step step)
{
	const struct decide_rule *r = &decide_rules[step];
	const struct decide_cand *best = &v[first];
	size_t i;

	for (i = first + 1; i < n && comparable(r, &v[first], &v[i]); i++)
		if (v[i].step == ALIVE && r->cmp(&v[i], best) < 0)
			best = &v[i];
	for (i = first; i < n && comparable(r, &v[first], &v[i]); i++) {
		if (v[i].step != ALIVE)
			continue;
		v[i].seen = true;
		if (r->cmp(best, &v[i]) < 0)
			v[i].step = step;
	}
}

/* Is the step the same for all? */
static bool
all_same(const struct decide_cand *v, size_t n, enum decide_step step)
{
	size_t i;

	for (i = 1; i < n; i++)
		if (decide_rules[step].cmp(&v[0], &v[i]) != 0)
			return false;
	return true;
}

static int
by_first_asn(const void *a, const void *b)
{
	const struct decide_cand *x = a, *y = b;

	return prefer_low(x->attrs->first_asn, y->attrs->first_asn);
}

static void
swap_cand(struct decide_cand *a, struct decide_cand *b)
{
	struct decide_cand t = *a;

	*a = *b;
	*b = t;
}

/* Move those alive to the front; returns how many. */
static size_t
gather_alive(struct decide_cand *v, size_t n)
{
	size_t i, alive = 0;

	for (i = 0; i < n; i++) {
		if (v[i].step != ALIVE)
			continue;
		if (i != alive)
			swap_cand(&v[alive], &v[i]);
		alive++;
	}
	return alive;
}

/*
 * Apply a step to n that are alive; how many are left, in front.  A step per neighbouring AS
 * has those of one AS together, or it would take the square of n.
 */
static size_t
sieve(struct decide_cand *v, size_t n, enum decide_step step)
{
	size_t i;

	if (all_same(v, n, step))
		return n;
	if (decide_rules[step].per_as)
		qsort(v, n, sizeof(*v), by_first_asn);
	for (i = 0; i < n; i++)
		v[i].seen = false;
	for (i = 0; i < n; i++)
		if (v[i].step == ALIVE && !v[i].seen)
			sieve_from(v, n, i, step);
	return gather_alive(v, n);
}

/* The first step from `step` on that prefers a to b or b to a; *ret_cmp says which. */
static enum decide_step
first_difference(const struct decide_cand *a, const struct decide_cand *b, enum decide_step step,
    int *ret_cmp)
{
	*ret_cmp = 0;
	while (step < DECIDE_NSTEPS) {
		*ret_cmp = decide_rules[step].cmp(a, b);
		if (*ret_cmp != 0)
			break;
		step++;
	}
	return step;
}

/* Bring the best of the equals v[i] to v[n - 1] to v[i]. */
static void
select_next(struct decide_cand *v, size_t n, size_t i)
{
	size_t j, best = i;
	int cmp;

	for (j = i + 1; j < n; j++) {
		first_difference(&v[j], &v[best], DECIDE_FIRST_TIE, &cmp);
		if (cmp < 0)
			best = j;
	}
	swap_cand(&v[i], &v[best]);
}

/* Has one of v[0] to v[i - 1] the next hop of v[i]? */
static bool
same_next_hop(const struct decide_cand *v, size_t i)
{
	size_t k;

	for (k = 0; k < i && v[i].nh; k++)
		if (v[k].nh == v[i].nh)
			return true;
	return false;
}

/* Bring the best of n equals to the front, in order, as many as are used; returns how many. */
static size_t
select_used(struct decide_cand *v, size_t n, size_t max_paths)
{
	size_t i, hops = 0;

	for (i = 0; i < n && i < DECIDE_USED_MAX; i++) {
		select_next(v, n, i);
		if (i > 0 && (max_paths <= 1 || (!same_next_hop(v, i) && hops == max_paths)))
			break;
		hops += !same_next_hop(v, i);
	}
	return i;
}

size_t
decide_best(struct decide_cand *v, size_t n, size_t max_paths)
{
	enum decide_step step;
	size_t i, equals = n, used;
	int cmp;

	if (n == 0)
		return 0;
	for (i = 0; i < n; i++)
		v[i].step = ALIVE;
	if (n == 1)
		return 1;
	for (step = 0; step < DECIDE_FIRST_TIE && equals > 1; step++)
		equals = sieve(v, equals, step);
	used = select_used(v, equals, max_paths);
	for (i = 1; i < equals; i++)
		v[i].step = (uint8_t)first_difference(&v[0], &v[i], DECIDE_FIRST_TIE, &cmp);
	v[0].step = v[1].step;
	for (i = 2; i < n; i++)
		if (v[i].step > v[0].step)
			v[0].step = v[i].step;
	return used;
}

/* Below 0: a is preferred to b, of two that were not used. */
static int
cmp_left(const void *x, const void *y)
{
	const struct decide_cand *a = x, *b = y;
	int cmp = prefer_low(b->step, a->step), step;

	for (step = 0; step < DECIDE_NSTEPS && cmp == 0; step++)
		if (!decide_rules[step].per_as)
			cmp = decide_rules[step].cmp(a, b);
	return cmp;
}

void
decide_rest(struct decide_cand *v, size_t n, size_t k)
{
	if (k < n)
		qsort(v + k, n - k, sizeof(*v), cmp_left);
}

const char *
decide_step_text(enum decide_step step)
{
	return step < DECIDE_NSTEPS ? decide_rules[step].text : "only path";
}
