/*
 * Addresses of load balancers, from a seed: whatever Services and configurations come and go,
 *   no two Services have one address unless they may share it,
 *   what a Service has is what it asks for, and nothing else stands in its status afterwards,
 *   nobody goes without while something for him is free,
 *   another allocator that finds the statuses of this one decides the same, and writes nothing.
 */
#include <string.h>

#include "agent/core/pools.h"
#include "tests/prop/prop.h"

#define SERVICES 24
#define STEPS	 300

struct world {
	struct rng *r;
	struct pools *p;
	struct pool_service s[SERVICES];
	bool there[SERVICES];
	char key[SERVICES][16];
	struct pool_port port[SERVICES][2];
	struct pool_conf conf[3];
	struct ip_range range[3][2];
	size_t nconf;
};

static const char *const sharing[] = { NULL, NULL, NULL, "a", "b" };
static const char *const pool_names[] = { "one", "two", "three" };

static struct ip_addr
v4(unsigned third, unsigned last)
{
	return ip_addr_from_v4(0x0a000000u | third << 8 | last);
}

static struct ip_addr
v6(unsigned pool, unsigned last)
{
	uint8_t b[16] = { 0xfd, 0, 0, (uint8_t)pool, [15] = (uint8_t)last };

	return ip_addr_from_bytes(IP6, b);
}

/* A few addresses of each family: they run out soon. */
static void
random_conf(struct world *w)
{
	w->nconf = (size_t)rng_range(w->r, 1, 3);
	for (unsigned i = 0; i < w->nconf; i++) {
		unsigned first = (unsigned)rng_range(w->r, 0, 3), n = (unsigned)rng_range(w->r, 0, 5);

		w->range[i][0] = (struct ip_range){ v4(i, first), v4(i, first + n) };
		w->range[i][1] = (struct ip_range){ v6(i, first), v6(i, first + n / 2) };
		w->conf[i] = (struct pool_conf){ .name = pool_names[i], .ranges = w->range[i],
			.nranges = (size_t)rng_range(w->r, 1, 2), .auto_assign = rng_chance(w->r, 80),
			.avoid_buggy = rng_chance(w->r, 20) };
	}
	pools_configure(w->p, w->conf, w->nconf, true);
}

static void
random_service(struct world *w, unsigned i)
{
	struct pool_service *s = &w->s[i], was = *s;

	memset(s, 0, sizeof *s);
	s->key = w->key[i];
	s->created = i / 4;
	s->kind = rng_chance(w->r, 85) ? POOLS_MINE : POOLS_NONE;
	s->family = rng_chance(w->r, 70) ? IP4 : IP6;
	s->policy = (uint8_t)rng_range(w->r, 0, 2);
	s->sharing = sharing[rng_below(w->r, 5)];
	s->local = rng_chance(w->r, 30);
	s->backends = rng_chance(w->r, 50) ? "app=x" : "app=y";
	s->ports = w->port[i];
	s->nports = (size_t)rng_range(w->r, 1, 2);
	for (size_t k = 0; k < s->nports; k++)
		w->port[i][k] = (struct pool_port){ (uint16_t)rng_range(w->r, 1, 6), 6 };
	if (rng_chance(w->r, 15))
		s->requested[s->nrequested++] = v4((unsigned)rng_below(w->r, 3), (unsigned)rng_below(w->r, 8));
	if (rng_chance(w->r, 15))
		s->pool = pool_names[rng_below(w->r, 3)];
	if (w->there[i]) { /* it is a change: its status is what it was */
		memcpy(s->status, was.status, sizeof s->status);
		s->nstatus = was.nstatus;
	}
	w->there[i] = true;
	pools_put(w->p, s);
}

static unsigned
index_of(const struct world *w, const char *key)
{
	unsigned i = 0;

	while (strcmp(w->key[i], key) != 0)
		i++;
	return i;
}

/* The shell's part: write what has to be written, and hear of it by the watch. */
static unsigned
write_all(struct world *w, struct pools *p)
{
	struct pools_todo t;
	struct pools_event e;
	unsigned n = 0;

	while (pools_next_todo(p, &t)) {
		struct pool_service *s = &w->s[index_of(w, t.key)];

		PROP(t.n <= 2 && ++n < 500);
		memcpy(s->status, t.addr, sizeof s->status);
		s->nstatus = t.n;
		pools_put(p, s);
	}
	while (pools_next_event(p, &e))
		PROP(e.reason && e.text[0]);
	return n;
}

static bool
naive_share(const struct pool_service *a, const struct pool_service *b)
{
	if (!a->sharing || !b->sharing || strcmp(a->sharing, b->sharing) != 0)
		return false;
	for (size_t i = 0; i < a->nports; i++)
		for (size_t k = 0; k < b->nports; k++)
			if (a->ports[i].port == b->ports[k].port)
				return false;
	if (a->local || b->local)
		return a->local && b->local && strcmp(a->backends, b->backends) == 0;
	return true;
}

static bool
in_pool(const struct world *w, size_t c, const struct ip_addr *a)
{
	for (size_t i = 0; i < w->conf[c].nranges; i++)
		if (w->range[c][i].first.af == a->af && ip_addr_cmp(a, &w->range[c][i].first) >= 0 &&
		    ip_addr_cmp(a, &w->range[c][i].last) <= 0)
			return !(w->conf[c].avoid_buggy && a->af == IP4 && a->b[3] == 0);
	return false;
}

static void
check_service(const struct world *w, unsigned i, const struct pools_service_view *v)
{
	const struct pool_service *s = &w->s[i];
	unsigned families = 0;

	PROP(s->kind == POOLS_MINE ? v->n == s->nstatus : v->n == 0);
	for (size_t c = 0; s->kind == POOLS_NONE && c < w->nconf; c++) /* what was ours is taken away */
		for (size_t k = 0; k < s->nstatus; k++)
			PROP(!in_pool(w, c, &s->status[k]));
	for (size_t k = 0; k < v->n; k++) {
		bool found = false;

		PROP(ip_addr_eq(&v->addr[k], &s->status[0]) || ip_addr_eq(&v->addr[k], &s->status[1]));
		PROP(!(families & 1u << v->addr[k].af));
		families |= 1u << v->addr[k].af;
		for (size_t c = 0; c < w->nconf; c++)
			found |= in_pool(w, c, &v->addr[k]) && (!s->pool || strcmp(s->pool, pool_names[c]) == 0);
		PROP(found);
		if (s->nrequested && s->requested[0].af == v->addr[k].af)
			PROP(ip_addr_eq(&s->requested[0], &v->addr[k]));
	}
	if (s->policy == POOLS_SINGLE)
		PROP(!(families & ~(1u << s->family)));
	if (v->why == POOLS_ASSIGNED)
		PROP(v->n == (s->policy == POOLS_SINGLE ? 1 : 2));
}

/* One that wants any address of one family: there must be none that is free. */
static void
check_without(const struct world *w, unsigned i)
{
	const struct pool_service *s = &w->s[i];

	for (size_t c = 0; c < w->nconf; c++) {
		if (!(s->pool ? strcmp(s->pool, pool_names[c]) == 0 : w->conf[c].auto_assign))
			continue;
		for (unsigned last = 0; last < 16; last++) {
			struct ip_addr a = s->family == IP4 ? v4((unsigned)c, last) : v6((unsigned)c, last);
			bool used = false;

			for (unsigned k = 0; k < SERVICES; k++)
				for (size_t m = 0; w->there[k] && w->s[i].kind == POOLS_MINE &&
			     w->s[k].kind == POOLS_MINE && m < w->s[k].nstatus; m++)
					used |= ip_addr_eq(&w->s[k].status[m], &a);
			PROP(!in_pool(w, c, &a) || used);
		}
	}
}

static void
check(struct world *w)
{
	struct pools_service_view v;

	PROP(write_all(w, w->p) == 0);
	for (unsigned i = 0; i < SERVICES; i++) {
		if (!w->there[i])
			continue;
		PROP(pools_service(w->p, w->key[i], &v));
		check_service(w, i, &v);
		if (v.why == POOLS_EXHAUSTED && w->s[i].policy == POOLS_SINGLE)
			check_without(w, i);
		for (unsigned k = 0; k < i; k++)
			for (size_t m = 0; w->there[k] && m < w->s[i].nstatus * w->s[k].nstatus; m++)
				PROP(!ip_addr_eq(&w->s[i].status[m % w->s[i].nstatus],
					 &w->s[k].status[m / w->s[i].nstatus]) ||
				    naive_share(&w->s[i], &w->s[k]));
	}
}

/* Somebody else leads from now on. */
static void
succeed(struct world *w)
{
	struct pools *next = pools_new(rng_u64(w->r));
	struct pools_service_view a, b;

	pools_configure(next, w->conf, w->nconf, true);
	for (unsigned i = SERVICES; i-- > 0;)
		if (w->there[i])
			pools_put(next, &w->s[i]);
	PROP(!pools_next_todo(next, &(struct pools_todo){ 0 }));
	pools_synced(next);
	PROP(write_all(w, next) == 0);
	for (unsigned i = 0; i < SERVICES; i++) {
		if (!w->there[i])
			continue;
		PROP(pools_service(w->p, w->key[i], &a) && pools_service(next, w->key[i], &b));
		PROP(a.n == b.n && (a.n == 0 || a.why == b.why)); /* reasons may be of earlier days */
	}
	pools_free(w->p);
	w->p = next;
}

static void
any_life(struct rng *r)
{
	struct world w = { .r = r };

	for (unsigned i = 0; i < SERVICES; i++)
		snprintf(w.key[i], sizeof w.key[i], "ns%u/svc%u", i % 3, i);
	w.p = pools_new(rng_u64(r));
	random_conf(&w);
	pools_synced(w.p);
	for (int step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)rng_below(r, SERVICES);

		if (rng_chance(r, 3)) {
			random_conf(&w);
		} else if (rng_chance(r, 70)) {
			random_service(&w, i);
		} else if (w.there[i]) {
			pools_remove(w.p, w.key[i]);
			w.there[i] = false;
			w.s[i] = (struct pool_service){ 0 };
		}
		if (rng_chance(r, 60))
			write_all(&w, w.p);
		if (rng_chance(r, 20)) {
			write_all(&w, w.p);
			check(&w);
			if (rng_chance(r, 30))
				succeed(&w);
		}
	}
	pools_free(w.p);
}

uint64_t prop_seed;

int
main(void)
{
	prop_run("any_life", 60, any_life);
	return EXIT_SUCCESS;
}
