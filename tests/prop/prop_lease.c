/*
 * Leases, from a seed: whatever becomes of requests and answers, there are never two who lead, and
 * when the server answers again somebody leads soon.
 */
#include <string.h>

#include "agent/core/lease.h"
#include "tests/prop/prop.h"

#define NODES	 4
#define SECOND	 UINT64_C(1000000)
#define DURATION 15000

struct server {
	bool there;
	struct lease_seen rec;
	unsigned version;
	uint64_t down_until;
};

/* One contender; its request reaches the server at `at`, its answer comes back at `back`. */
struct node {
	struct lease l;
	bool alive;
	enum lease_do what;
	bool reached, busy;
	uint64_t at, back;
	struct lease_seen base; /* what it writes over */
	bool takes_over;
	int status;
	struct lease_seen answer;
};

static void
serve(struct server *s, struct node *n, uint64_t now)
{
	n->reached = true;
	n->status = 200;
	if (now < s->down_until) {
		n->status = 0;
		return;
	}
	if (n->what == LEASE_GET) {
		n->status = s->there ? 200 : 404;
	} else if (n->what == LEASE_CREATE ? s->there : !s->there || strcmp(n->base.version, s->rec.version)) {
		n->status = 409;
	} else {
		s->there = true;
		s->rec.transitions += n->what == LEASE_RENEW && n->takes_over;
		memcpy(s->rec.holder, n->l.conf.identity, sizeof s->rec.holder);
		snprintf(s->rec.renewed, sizeof s->rec.renewed, "%llu", (unsigned long long)now);
		snprintf(s->rec.version, sizeof s->rec.version, "%u", ++s->version);
		s->rec.duration_s = DURATION / 1000;
	}
	n->answer = s->rec;
}

static void
begin(struct rng *r, struct node *n, uint64_t now)
{
	n->what = lease_next(&n->l, (struct mono_us){ now });
	PROP(mono_before((struct mono_us){ now }, lease_deadline(&n->l)));
	if (n->what == LEASE_WAIT)
		return;
	n->busy = true;
	n->reached = false;
	n->base = n->l.seen;
	n->takes_over = lease_takes_over(&n->l);
	n->at = now + rng_range(r, 0, rng_chance(r, 10) ? 12 * SECOND : SECOND / 5);
	n->back = n->at + rng_range(r, 0, rng_chance(r, 10) ? 12 * SECOND : SECOND / 5);
}

static void
step(struct rng *r, struct server *s, struct node *n, uint64_t now)
{
	if (!n->alive)
		return;
	if (!n->busy) {
		begin(r, n, now);
	} else { /* it looks at the time meanwhile */
		PROP(lease_next(&n->l, (struct mono_us){ now }) == LEASE_WAIT);
		PROP(mono_before((struct mono_us){ now }, lease_deadline(&n->l)));
	}
	if (n->busy && !n->reached && now >= n->at)
		serve(s, n, now);
	if (n->busy && n->reached && now >= n->back) {
		n->busy = false;
		if (rng_chance(r, 5)) /* it is lost on the way back */
			n->status = 0;
		lease_answer(&n->l, (struct mono_us){ now }, n->status,
		    n->status / 100 == 2 ? &n->answer : NULL);
	}
}

static void
born(struct rng *r, struct node *n, unsigned id, uint64_t now)
{
	struct lease_conf c = { .duration_ms = DURATION };

	snprintf(c.identity, sizeof c.identity, "node-%u", id);
	memset(n, 0, sizeof *n);
	lease_init(&n->l, &c, rng_u64(r), (struct mono_us){ now });
	n->alive = true;
}

static void
never_two(struct rng *r)
{
	struct server s = { 0 };
	struct node n[NODES];
	unsigned id = 0, leads;
	uint64_t led = 0, quiet = 0;

	for (unsigned i = 0; i < NODES; i++)
		born(r, &n[i], id++, 0);
	for (uint64_t now = 0; now < 600 * SECOND; now += SECOND / 20) {
		leads = 0;
		if (rng_below(r, 800) == 0)
			s.down_until = now + rng_range(r, 0, 30 * SECOND);
		for (unsigned i = 0; i < NODES; i++) {
			if (rng_below(r, 2000) == 0)
				n[i].alive = false;
			else if (!n[i].alive && rng_below(r, 200) == 0)
				born(r, &n[i], id++, now);
			step(r, &s, &n[i], now);
			leads += n[i].alive && lease_is_held(&n[i].l, (struct mono_us){ now });
		}
		PROP(leads <= 1);
		led += leads;
		quiet = leads ? 0 : quiet + 1;
		PROP(quiet < 20 * 240); /* everybody slow, the server down in between, and one who died */
	}
	PROP(led > 20 * 200);
}

uint64_t prop_seed;

int
main(void)
{
	prop_run("never_two", 100, never_two);
	return EXIT_SUCCESS;
}
