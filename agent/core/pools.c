/*
 * Addresses of load balancers; see pools.h.
 *
 * Every Service has at most one address of each family, `got`. Users of an address stand together
 * in a hash map. Work is done when something is asked for (settle()): first what may be kept is
 * kept, in the order of precedence, then what is missing is given. A Service that got nothing waits
 * until something is released.
 */
#include "agent/core/pools.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hmap.h"
#include "lib/list.h"
#include "lib/mem.h"

struct pool {
	char *name;
	struct ip_range *ranges;
	size_t nranges;
	bool auto_assign, avoid_buggy;
	const struct selector *selector;
	char **namespaces;
	size_t nnamespaces;
	struct ip_addr hint[2]; /* nothing of it before that is free; af 0: begin at the start */
};

/* The users of one address. */
struct use {
	struct hmap_node node;
	struct ip_addr addr;
	struct svc **v;
	size_t n;
};

struct svc {
	struct hmap_node node;
	struct list dirty;   /* in pools.dirty */
	struct list todo;    /* in pools.todo */
	struct list waiting; /* in pools.waiting: it has less than it asks for */
	struct list event;   /* in pools.events */
	struct pool_service s; /* what it points to is its own */
	struct ip_addr got[2]; /* [0] IPv4, [1] IPv6; af 0: none */
	uint8_t why;	     /* enum pools_why */
	uint8_t said;	     /* why of the last event */
	struct ip_addr told[2]; /* addresses of the last event */
	bool adopted;	     /* its status was looked at */
	char text[POOLS_TEXT_MAX];
	const char *lost_to; /* reason of an event that is due beside the state's; NULL: none */
	char lost_text[POOLS_TEXT_MAX];
};

struct pools {
	struct pool *pool;
	size_t npools;
	bool reclaim, synced;
	bool all;      /* everything is to be looked at again */
	bool released; /* those that wait may try */
	struct hmap svcs, uses;
	struct list dirty, todo, waiting, events;
	char *gone; /* key of what was removed last: valid for the caller */
};

static const char *const why_words[] = {
	[POOLS_ASSIGNED] = "assigned",
	[POOLS_PENDING] = "pending",
	[POOLS_NOT_MINE] = "not-ours",
	[POOLS_NO_POOL] = "no-pool",
	[POOLS_EXHAUSTED] = "exhausted",
	[POOLS_UNKNOWN_POOL] = "unknown-pool",
	[POOLS_POOL_DENIED] = "pool-denied",
	[POOLS_TAKEN] = "taken",
	[POOLS_NOT_IN_POOL] = "not-in-pool",
	[POOLS_WRONG_FAMILY] = "wrong-family",
	[POOLS_BAD_REQUEST] = "bad-request",
	[POOLS_OUTSIDE] = "outside",
	[POOLS_HALF] = "one-family",
};

const char *
pools_why_word(enum pools_why why)
{
	return why_words[why];
}

/* ---- addresses ------------------------------------------------------------------- */

static bool
addr_next(const struct ip_addr *a, struct ip_addr *ret)
{
	unsigned i = ip_af_octets(a->af);

	*ret = *a;
	while (i-- > 0)
		if (++ret->b[i] != 0)
			return true;
	return false;
}

static bool
is_buggy(const struct pool *pl, const struct ip_addr *a)
{
	return pl->avoid_buggy && a->af == IP4 && (a->b[3] == 0 || a->b[3] == 255);
}

static bool
pool_has(const struct pool *pl, const struct ip_addr *a)
{
	for (size_t i = 0; i < pl->nranges; i++)
		if (ip_range_has(&pl->ranges[i], a))
			return !is_buggy(pl, a);
	return false;
}

static uint64_t
range_size(const struct ip_range *r)
{
	uint64_t hi = 0, lo = 0;
	unsigned octets = ip_af_octets(r->first.af), borrow = 0;

	for (unsigned i = octets; i-- > 0;) {
		unsigned d = 256u + r->last.b[i] - r->first.b[i] - borrow, at = octets - 1 - i;

		borrow = d < 256;
		if (at < 8)
			lo |= (uint64_t)(d & 255) << 8 * at;
		else
			hi |= d & 255;
	}
	return hi || lo == UINT64_MAX ? UINT64_MAX : lo + 1;
}

/* ---- users of addresses ------------------------------------------------------------- */

static struct use *
use_find(const struct pools *p, const struct ip_addr *a)
{
	uint64_t h = hmap_hash(&p->uses, a->b, sizeof a->b);

	for (struct hmap_node *n = hmap_first_with(&p->uses, h); n; n = hmap_next_with(n)) {
		struct use *u = container_of(n, struct use, node);

		if (ip_addr_eq(&u->addr, a))
			return u;
	}
	return NULL;
}

static void
use_add(struct pools *p, const struct ip_addr *a, struct svc *s)
{
	struct use *u = use_find(p, a);

	if (!u) {
		u = mem_zalloc(sizeof *u);
		u->addr = *a;
		hmap_insert(&p->uses, &u->node, hmap_hash(&p->uses, a->b, sizeof a->b));
	}
	u->v = mem_realloc_array(u->v, u->n + 1, sizeof *u->v);
	u->v[u->n++] = s;
}

static void
use_remove(struct pools *p, const struct ip_addr *a, struct svc *s)
{
	struct use *u = use_find(p, a);
	size_t i = 0;

	assert(u);
	while (u->v[i] != s)
		i++;
	u->v[i] = u->v[--u->n];
	if (u->n > 0)
		return;
	hmap_remove(&p->uses, &u->node);
	mem_free(u->v);
	mem_free(u);
}

static void
give(struct pools *p, struct svc *s, const struct ip_addr *a)
{
	s->got[a->af - 1] = *a;
	use_add(p, a, s);
}

/* Somebody has that address no longer: others may have it. */
static void
released(struct pools *p, const struct ip_addr *a)
{
	p->released = true;
	for (size_t i = 0; i < p->npools; i++) {
		struct ip_addr *hint = &p->pool[i].hint[a->af - 1];

		if (hint->af && ip_addr_cmp(a, hint) < 0)
			*hint = (struct ip_addr){ 0 };
	}
}

static void
take_back(struct pools *p, struct svc *s, unsigned f)
{
	struct ip_addr a = s->got[f];

	if (!a.af)
		return;
	use_remove(p, &a, s);
	s->got[f] = (struct ip_addr){ 0 };
	released(p, &a);
}

/* ---- who may have what ----------------------------------------------------------------- */

static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool
ports_clash(const struct pool_service *a, const struct pool_service *b)
{
	for (size_t i = 0; i < a->nports; i++)
		for (size_t k = 0; k < b->nports; k++)
			if (a->ports[i].port == b->ports[k].port &&
			    a->ports[i].protocol == b->ports[k].protocol)
				return true;
	return false;
}

/* A selector picks pods of its own namespace only. */
static bool
same_pods(const struct pool_service *a, const struct pool_service *b)
{
	size_t n = strcspn(a->key, "/");

	return strcspn(b->key, "/") == n && strncmp(a->key, b->key, n) == 0 &&
	    same_text(a->backends, b->backends);
}

/*
 * With policy Local each announces the address from where its own pods are: two of different pods
 * would take each other's packets to nodes that drop them.
 */
static bool
may_share(const struct pool_service *a, const struct pool_service *b)
{
	if (!a->sharing || !b->sharing || strcmp(a->sharing, b->sharing) != 0 || ports_clash(a, b))
		return false;
	if (!a->local && !b->local)
		return true;
	return a->local == b->local && same_pods(a, b);
}

/* Who of the users keeps s away from the address; NULL: nobody. */
static struct svc *
rival(const struct pools *p, const struct ip_addr *a, const struct svc *s)
{
	struct use *u = use_find(p, a);

	for (size_t i = 0; u && i < u->n; i++)
		if (u->v[i] != s && !may_share(&u->v[i]->s, &s->s))
			return u->v[i];
	return NULL;
}

static bool
in_namespace(const struct pool *pl, const char *key)
{
	size_t len = strcspn(key, "/");

	for (size_t i = 0; i < pl->nnamespaces; i++)
		if (strlen(pl->namespaces[i]) == len && memcmp(pl->namespaces[i], key, len) == 0)
			return true;
	return pl->nnamespaces == 0;
}

static bool
is_for(const struct pool *pl, const struct svc *s)
{
	return in_namespace(pl, s->s.key) && selector_match(pl->selector, &s->s.labels);
}

/* The pool for s that has the address; NULL: none. */
static const struct pool *
pool_of(const struct pools *p, const struct ip_addr *a, const struct svc *s)
{
	for (size_t i = 0; i < p->npools; i++)
		if (pool_has(&p->pool[i], a) && is_for(&p->pool[i], s) &&
		    (!s->s.pool || strcmp(s->s.pool, p->pool[i].name) == 0))
			return &p->pool[i];
	return NULL;
}

static bool
wants_family(const struct pool_service *s, uint8_t af)
{
	return s->policy != POOLS_SINGLE || af == s->family;
}

/* The address of that family which it asks for; NULL: any. */
static const struct ip_addr *
requested(const struct pool_service *s, uint8_t af)
{
	for (size_t i = 0; i < s->nrequested; i++)
		if (s->requested[i].af == af)
			return &s->requested[i];
	return NULL;
}

/* Does it still ask for what this address is? */
static bool
still_asks(const struct pool_service *s, const struct ip_addr *a)
{
	const struct ip_addr *r = requested(s, a->af);

	if (s->kind != POOLS_MINE || s->bad_request || !wants_family(s, a->af))
		return false;
	return r ? ip_addr_eq(r, a) : s->nrequested == 0 || s->policy != POOLS_SINGLE;
}

/* ---- saying so ------------------------------------------------------------------------- */

static void say(struct svc *s, enum pools_why why, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(struct svc *s, enum pools_why why, const char *fmt, ...)
{
	va_list ap;

	s->why = (uint8_t)why;
	va_start(ap, fmt);
	vsnprintf(s->text, sizeof s->text, fmt, ap);
	va_end(ap);
}

static bool
status_is(const struct svc *s)
{
	size_t n = 0;

	for (unsigned f = 0; f < 2; f++) {
		if (!s->got[f].af)
			continue;
		n++;
		for (size_t i = 0; i <= s->s.nstatus; i++)
			if (i == s->s.nstatus)
				return false;
			else if (ip_addr_eq(&s->s.status[i], &s->got[f]))
				break;
	}
	return n == s->s.nstatus && !(s->s.odd_status && n > 0);
}

static void
unlink_from(struct list *l)
{
	if (list_is_linked(l))
		list_remove(l);
}

/* Something in the status of one that is not ours is taken away only when it is out of our pools. */
static bool
may_clear(const struct pools *p, const struct svc *s)
{
	for (size_t i = 0; i < s->s.nstatus; i++)
		for (size_t k = 0; k < p->npools; k++)
			if (pool_has(&p->pool[k], &s->s.status[i]))
				return true;
	return false;
}

static void
note_todo(struct pools *p, struct svc *s)
{
	bool none = !s->got[0].af && !s->got[1].af;
	bool due = s->s.kind != POOLS_OTHERS && !status_is(s) && (!none || s->s.kind == POOLS_MINE || may_clear(p, s));

	unlink_from(&s->todo);
	if (due)
		list_push_back(&p->todo, &s->todo);
}

static void
note_event(struct pools *p, struct svc *s)
{
	bool same;

	if (s->said == POOLS_PENDING && s->why == POOLS_ASSIGNED && status_is(s)) {
		s->said = s->why; /* as it was before */
		memcpy(s->told, s->got, sizeof s->told);
	}
	same = s->said == s->why && ip_addr_eq(&s->told[0], &s->got[0]) &&
	    ip_addr_eq(&s->told[1], &s->got[1]);

	if ((!same || s->lost_to) && s->s.kind == POOLS_MINE && !list_is_linked(&s->event))
		list_push_back(&p->events, &s->event);
}

/* ---- keeping ----------------------------------------------------------------------------- */

static void
lose(struct pools *p, struct svc *s, const struct ip_addr *a, const struct svc *to)
{
	char buf[IP_ADDR_STRLEN];

	s->lost_to = "AddressConflict";
	snprintf(s->lost_text, sizeof s->lost_text, "address %s is in use by service %.120s and cannot be "
	    "shared with it", ip_addr_str(a, buf), to->s.key);
}

/* It asks for another pool than the one that the address is of. */
static bool
moves_away(const struct pools *p, const struct ip_addr *a, const struct svc *s)
{
	for (size_t i = 0; s->s.pool && i < p->npools; i++)
		if (pool_has(&p->pool[i], a) && strcmp(s->s.pool, p->pool[i].name) != 0)
			return true;
	return false;
}

/* Keep an address that it has, or that its status has, if it may have it. */
static bool
keep(struct pools *p, struct svc *s, const struct ip_addr *a)
{
	struct svc *r;

	if (!still_asks(&s->s, a) || (!pool_of(p, a, s) && (p->reclaim || moves_away(p, a, s))))
		return false;
	r = rival(p, a, s);
	if (r) {
		lose(p, s, a, r);
		return false;
	}
	give(p, s, a);
	return true;
}

/* What it has is put down and taken up again, as far as it may be. */
static void
hold(struct pools *p, struct svc *s)
{
	struct ip_addr had[2] = { s->got[0], s->got[1] };

	for (unsigned f = 0; f < 2; f++)
		if (had[f].af)
			use_remove(p, &had[f], s);
	for (unsigned f = 0; f < 2; f++) {
		s->got[f] = (struct ip_addr){ 0 };
		if (had[f].af && !keep(p, s, &had[f]))
			released(p, &had[f]);
	}
	for (size_t i = 0; !s->adopted && i < s->s.nstatus; i++)
		if (!s->got[s->s.status[i].af - 1].af)
			keep(p, s, &s->s.status[i]);
	s->adopted = true;
}

/* ---- giving ------------------------------------------------------------------------------- */

/* An address of the range that nobody has, from *from on. */
static bool
free_in_range(struct pools *p, const struct pool *pl, const struct ip_range *r, struct ip_addr *from)
{
	struct ip_addr a = ip_addr_cmp(from, &r->first) < 0 ? r->first : *from;

	for (bool more = true; more && ip_range_has(r, &a); more = addr_next(&a, &a))
		if (!is_buggy(pl, &a) && !use_find(p, &a)) {
			*from = a;
			return true;
		}
	return false;
}

static bool
free_in_pool(struct pools *p, struct pool *pl, uint8_t af, struct ip_addr *ret)
{
	struct ip_addr *hint = &pl->hint[af - 1];

	*ret = *hint;
	ret->af = af;
	for (size_t i = 0; i < pl->nranges; i++)
		if (pl->ranges[i].first.af == af && free_in_range(p, pl, &pl->ranges[i], ret)) {
			*hint = *ret;
			return true;
		}
	return false;
}

/* An address that those with its sharing key have already. */
static bool
shared_in_pool(const struct pools *p, const struct pool *pl, const struct svc *s, uint8_t af,
    struct ip_addr *ret)
{
	struct hmap_node *n;
	bool found = false;

	if (!s->s.sharing)
		return false;
	HMAP_FOREACH(n, &p->uses) {
		const struct use *u = container_of(n, struct use, node);

		if (u->addr.af == af && pool_has(pl, &u->addr) && !rival(p, &u->addr, s) &&
		    same_text(u->v[0]->s.sharing, s->s.sharing) &&
		    (!found || ip_addr_cmp(&u->addr, ret) < 0)) {
			*ret = u->addr;
			found = true;
		}
	}
	return found;
}

static bool
pool_gives(struct pools *p, struct pool *pl, struct svc *s, uint8_t af, struct ip_addr *ret)
{
	return shared_in_pool(p, pl, s, af, ret) || free_in_pool(p, pl, af, ret);
}

static bool
missing(const struct svc *s, uint8_t af)
{
	return wants_family(&s->s, af) && !s->got[af - 1].af;
}

/* May s have something of that pool without asking for the very address? */
static bool
gives_to(const struct pool *pl, const struct svc *s)
{
	if (!is_for(pl, s))
		return false;
	return s->s.pool ? strcmp(s->s.pool, pl->name) == 0 : pl->auto_assign;
}

/* Everything that is missing out of one pool; need both: nothing unless all of it. */
static void
give_from(struct pools *p, struct pool *pl, struct svc *s, bool need_all)
{
	struct ip_addr a[2] = { { 0 } };
	bool whole = true;

	for (uint8_t af = IP4; af <= IP6; af++)
		if (missing(s, af) && !pool_gives(p, pl, s, af, &a[af - 1])) {
			a[af - 1] = (struct ip_addr){ 0 };
			whole = false;
		}
	for (unsigned f = 0; f < 2; f++)
		if (a[f].af && (whole || !need_all))
			give(p, s, &a[f]);
}

static bool
is_complete(const struct svc *s)
{
	return !missing(s, IP4) && !missing(s, IP6);
}

/* Out of the pools in their order: first of one that has all of it, then of any. */
static void
give_any(struct pools *p, struct svc *s)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < p->npools && !is_complete(s); i++)
			if (gives_to(&p->pool[i], s))
				give_from(p, &p->pool[i], s, pass == 0);
}

/* The addresses it names; false: it has said why not. */
static bool
give_requested(struct pools *p, struct svc *s)
{
	char buf[IP_ADDR_STRLEN];

	for (size_t i = 0; i < s->s.nrequested; i++) {
		const struct ip_addr *a = &s->s.requested[i];
		struct svc *r = rival(p, a, s);

		if (ip_addr_eq(&s->got[a->af - 1], a))
			continue;
		if (!wants_family(&s->s, a->af))
			say(s, POOLS_WRONG_FAMILY, "address %s is requested, but the service has no %s",
			    ip_addr_str(a, buf), a->af == IP4 ? "IPv4" : "IPv6");
		else if (!pool_of(p, a, s))
			say(s, POOLS_NOT_IN_POOL, "address %s is requested, which no pool for this service has",
			    ip_addr_str(a, buf));
		else if (r)
			say(s, POOLS_TAKEN, "address %s is requested, but service %.120s has it",
			    ip_addr_str(a, buf), r->s.key);
		else {
			give(p, s, a);
			continue;
		}
		return false;
	}
	return true;
}

/* ---- verdicts ------------------------------------------------------------------------------- */

static const struct pool *
pool_named(const struct pools *p, const char *name)
{
	for (size_t i = 0; i < p->npools; i++)
		if (strcmp(p->pool[i].name, name) == 0)
			return &p->pool[i];
	return NULL;
}

/* Why it has less than it asks for. */
static void
explain_lack(const struct pools *p, struct svc *s)
{
	bool any = false;

	for (size_t i = 0; i < p->npools; i++)
		any |= gives_to(&p->pool[i], s);
	if (s->s.pool && !pool_named(p, s->s.pool))
		say(s, POOLS_UNKNOWN_POOL, "pool \"%.100s\" is requested: there is none of that name", s->s.pool);
	else if (s->s.pool && !any)
		say(s, POOLS_POOL_DENIED, "pool \"%.100s\" is requested, which is not for this service", s->s.pool);
	else if (!any)
		say(s, POOLS_NO_POOL, "no pool that assigns by itself is for this service");
	else
		say(s, POOLS_EXHAUSTED, "no %saddress is free in the pools for this service",
		    s->s.policy != POOLS_SINGLE ? "" : s->s.family == IP4 ? "IPv4 " : "IPv6 ");
}

static void
explain_held(const struct pools *p, struct svc *s)
{
	char buf[IP_ADDR_STRLEN];

	for (unsigned f = 0; f < 2; f++)
		if (s->got[f].af && !pool_of(p, &s->got[f], s)) {
			say(s, POOLS_OUTSIDE, "keeps %s, which is in no pool for this service any more",
			    ip_addr_str(&s->got[f], buf));
			return;
		}
	if (is_complete(s))
		say(s, POOLS_ASSIGNED, "%s", "");
	else
		say(s, POOLS_HALF, "no %s address is free in the pools for this service",
		    s->got[0].af ? "IPv6" : "IPv4");
}

/* Both or none: without the second one the first, unless it was there before, goes back. */
static void
require_both(struct pools *p, struct svc *s, const struct ip_addr had[2])
{
	bool released = p->released;

	if (s->s.policy != POOLS_REQUIRE_DUAL || is_complete(s))
		return;
	for (unsigned f = 0; f < 2; f++)
		if (!had[f].af)
			take_back(p, s, f);
	p->released = released; /* nobody could have had it meanwhile */
}

/* Give what is missing, and say what has become of it. */
static void
complete(struct pools *p, struct svc *s)
{
	struct ip_addr had[2] = { s->got[0], s->got[1] };

	unlink_from(&s->waiting);
	if (s->s.kind != POOLS_MINE) {
		say(s, POOLS_NOT_MINE, "%s", "");
	} else if (s->s.bad_request) {
		say(s, POOLS_BAD_REQUEST, "what it requests is not one address of a family, or two of both");
	} else if (give_requested(p, s)) {
		if (!is_complete(s) && (s->s.nrequested == 0 || s->s.policy != POOLS_SINGLE))
			give_any(p, s);
		require_both(p, s, had);
		for (unsigned f = 0; f < 2; f++) /* others may share it */
			p->released |= s->s.sharing && s->got[f].af && !had[f].af;
		if (s->got[0].af || s->got[1].af)
			explain_held(p, s);
		else
			explain_lack(p, s);
	}
	if (s->s.kind == POOLS_MINE && s->why != POOLS_ASSIGNED && s->why != POOLS_OUTSIDE)
		list_push_back(&p->waiting, &s->waiting);
	note_todo(p, s);
	note_event(p, s);
}

/* ---- in order ------------------------------------------------------------------------------- */

static int
svc_cmp(const void *a, const void *b)
{
	const struct svc *x = *(struct svc *const *)a, *y = *(struct svc *const *)b;

	if (x->s.created != y->s.created)
		return x->s.created < y->s.created ? -1 : 1;
	return strcmp(x->s.key, y->s.key);
}

static struct svc **
sorted(struct svc **v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof *v, svc_cmp);
	return v;
}

/* Who asks for a certain address comes before those whom any will do. */
static void
complete_all(struct pools *p, struct svc **v, size_t n)
{
	for (int any = 0; any < 2; any++)
		for (size_t i = 0; i < n; i++) {
			unlink_from(&v[i]->dirty);
			if ((v[i]->s.nrequested == 0) == any)
				complete(p, v[i]);
		}
}

/* Those that hold something already before those whose status is looked at for the first time. */
static void
settle_all(struct pools *p)
{
	struct svc **v = mem_zalloc_array(p->svcs.n + 1, sizeof *v);
	struct hmap_node *n;
	size_t k = 0;

	HMAP_FOREACH(n, &p->svcs)
		v[k++] = container_of(n, struct svc, node);
	sorted(v, k);
	for (size_t i = 0; i < p->npools; i++)
		memset(p->pool[i].hint, 0, sizeof p->pool[i].hint);
	for (size_t i = 0; i < k; i++)
		for (unsigned f = 0; f < 2; f++)
			if (v[i]->got[f].af)
				use_remove(p, &v[i]->got[f], v[i]);
	for (size_t i = 0; i < k; i++) {
		struct ip_addr had[2] = { v[i]->got[0], v[i]->got[1] };

		memset(v[i]->got, 0, sizeof v[i]->got);
		for (unsigned f = 0; f < 2; f++)
			if (had[f].af)
				keep(p, v[i], &had[f]);
	}
	for (size_t i = 0; i < k; i++)
		hold(p, v[i]);
	p->all = p->released = false;
	complete_all(p, v, k);
	mem_free(v);
}

/* Those that wait, in their order. */
static void
try_waiting(struct pools *p)
{
	struct svc **v = NULL;
	struct list *l;
	size_t n = 0;

	p->released = false;
	LIST_FOREACH(l, &p->waiting) {
		v = mem_realloc_array(v, n + 1, sizeof *v);
		v[n++] = container_of(l, struct svc, waiting);
	}
	if (v)
		sorted(v, n);
	if (v)
		complete_all(p, v, n);
	mem_free(v);
}

static void
settle(struct pools *p)
{
	struct list *l;

	if (!p->synced)
		return;
	while (!p->all && (l = list_pop_front(&p->dirty))) {
		struct svc *s = container_of(l, struct svc, dirty);

		hold(p, s);
		complete(p, s);
		p->released |= s->s.sharing != NULL; /* with its ports as they are now others may fit */
	}
	if (p->all)
		settle_all(p);
	while (p->released)
		try_waiting(p);
}

/* ---- Services ---------------------------------------------------------------------------------- */

static void
copy_labels(struct labels *to, const struct labels *from)
{
	struct label *v = from->n ? mem_zalloc_array(from->n, sizeof *v) : NULL;

	for (size_t i = 0; i < from->n; i++) {
		v[i].key = mem_strdup(from->v[i].key);
		v[i].value = mem_strdup(from->v[i].value);
	}
	to->v = v;
	to->n = from->n;
}

static void
service_free(struct pool_service *s)
{
	for (size_t i = 0; i < s->labels.n; i++) {
		mem_free((char *)s->labels.v[i].key);
		mem_free((char *)s->labels.v[i].value);
	}
	mem_free((void *)s->labels.v);
	mem_free((char *)s->key);
	mem_free((char *)s->pool);
	mem_free((char *)s->sharing);
	mem_free((char *)s->backends);
	mem_free((void *)s->ports);
}

static char *
copy_text(const char *s)
{
	return s ? mem_strdup(s) : NULL;
}

static void
service_copy(struct pool_service *to, const struct pool_service *from)
{
	*to = *from;
	to->key = mem_strdup(from->key);
	to->pool = copy_text(from->pool);
	to->sharing = copy_text(from->sharing);
	to->backends = copy_text(from->backends);
	to->ports = from->nports ? mem_dup(from->ports, from->nports * sizeof *from->ports) : NULL;
	copy_labels(&to->labels, &from->labels);
}

static struct svc *
svc_find(const struct pools *p, const char *key)
{
	uint64_t h = hmap_hash(&p->svcs, key, strlen(key));

	for (struct hmap_node *n = hmap_first_with(&p->svcs, h); n; n = hmap_next_with(n)) {
		struct svc *s = container_of(n, struct svc, node);

		if (strcmp(s->s.key, key) == 0)
			return s;
	}
	return NULL;
}

static struct svc *
svc_new(struct pools *p, const char *key)
{
	struct svc *s = mem_zalloc(sizeof *s);

	list_init(&s->dirty);
	list_init(&s->todo);
	list_init(&s->waiting);
	list_init(&s->event);
	s->why = s->said = POOLS_PENDING;
	hmap_insert(&p->svcs, &s->node, hmap_hash(&p->svcs, key, strlen(key)));
	return s;
}

static void
svc_free(struct svc *s)
{
	unlink_from(&s->dirty);
	unlink_from(&s->todo);
	unlink_from(&s->waiting);
	unlink_from(&s->event);
	service_free(&s->s);
	mem_free(s);
}

void
pools_put(struct pools *p, const struct pool_service *in)
{
	struct svc *s = svc_find(p, in->key);

	if (!s)
		s = svc_new(p, in->key);
	else
		service_free(&s->s);
	service_copy(&s->s, in);
	if (!list_is_linked(&s->dirty))
		list_push_back(&p->dirty, &s->dirty);
}

void
pools_remove(struct pools *p, const char *key)
{
	struct svc *s = svc_find(p, key);

	if (!s)
		return;
	take_back(p, s, 0);
	take_back(p, s, 1);
	hmap_remove(&p->svcs, &s->node);
	svc_free(s);
}

void
pools_synced(struct pools *p)
{
	p->synced = p->all = true;
}

/* ---- what comes out ------------------------------------------------------------------------------ */

bool
pools_next_todo(struct pools *p, struct pools_todo *ret)
{
	struct list *l;
	struct svc *s;

	settle(p);
	l = list_pop_front(&p->todo);
	if (!l)
		return false;
	s = container_of(l, struct svc, todo);
	*ret = (struct pools_todo){ .key = s->s.key };
	for (unsigned i = 0; i < 2; i++) {
		unsigned f = s->s.family == IP6 ? 1 - i : i;

		if (s->got[f].af)
			ret->addr[ret->n++] = s->got[f];
	}
	return true;
}

void
pools_again(struct pools *p, const char *key)
{
	struct svc *s = svc_find(p, key);

	if (s && !list_is_linked(&s->dirty))
		list_push_back(&p->dirty, &s->dirty);
}

static void
fill_event(struct svc *s, struct pools_event *ret)
{
	static const char *const reasons[] = {
		[POOLS_NO_POOL] = "NoAddressPool",
		[POOLS_EXHAUSTED] = "AddressPoolExhausted",
		[POOLS_UNKNOWN_POOL] = "UnknownAddressPool",
		[POOLS_POOL_DENIED] = "AddressPoolDenied",
		[POOLS_TAKEN] = "AddressConflict",
		[POOLS_NOT_IN_POOL] = "AddressNotInPool",
		[POOLS_WRONG_FAMILY] = "AddressNotInPool",
		[POOLS_BAD_REQUEST] = "AddressRequestInvalid",
		[POOLS_OUTSIDE] = "AddressOutsidePool",
		[POOLS_HALF] = "AddressPoolExhausted",
	};
	char a[IP_ADDR_STRLEN], b[IP_ADDR_STRLEN];

	ret->key = s->s.key;
	ret->warning = s->why != POOLS_ASSIGNED;
	ret->reason = ret->warning ? reasons[s->why] : "AddressAssigned";
	if (ret->warning)
		snprintf(ret->text, sizeof ret->text, "%s", s->text);
	else
		snprintf(ret->text, sizeof ret->text, "assigned %s%s%s",
		    s->got[0].af ? ip_addr_str(&s->got[0], a) : "",
		    s->got[0].af && s->got[1].af ? " and " : "",
		    s->got[1].af ? ip_addr_str(&s->got[1], b) : "");
}

/* What it lost to another one is told before what has become of it since. */
bool
pools_next_event(struct pools *p, struct pools_event *ret)
{
	struct list *l;
	struct svc *s;

	settle(p);
	l = list_pop_front(&p->events);
	if (!l)
		return false;
	s = container_of(l, struct svc, event);
	memset(ret, 0, sizeof *ret);
	if (s->lost_to) {
		ret->key = s->s.key;
		ret->warning = true;
		ret->reason = s->lost_to;
		memcpy(ret->text, s->lost_text, sizeof ret->text);
		s->lost_to = NULL;
		if (s->why != POOLS_TAKEN)
			note_event(p, s);
	} else {
		fill_event(s, ret);
	}
	if (!list_is_linked(&s->event)) {
		s->said = s->why;
		memcpy(s->told, s->got, sizeof s->told);
	}
	return true;
}

/* ---- configuration -------------------------------------------------------------------------------- */

static void
pool_free(struct pool *pl)
{
	for (size_t i = 0; i < pl->nnamespaces; i++)
		mem_free(pl->namespaces[i]);
	mem_free(pl->namespaces);
	mem_free(pl->ranges);
	mem_free(pl->name);
}

static void
forget_pools(struct pools *p)
{
	for (size_t i = 0; i < p->npools; i++)
		pool_free(&p->pool[i]);
	mem_free(p->pool);
	p->pool = NULL;
	p->npools = 0;
}

static int
range_cmp(const void *a, const void *b)
{
	return ip_addr_cmp(&((const struct ip_range *)a)->first, &((const struct ip_range *)b)->first);
}

static struct pool
pool_made(const struct pool_conf *c)
{
	struct pool pl = { .name = mem_strdup(c->name), .auto_assign = c->auto_assign,
		.avoid_buggy = c->avoid_buggy, .selector = c->selector };

	if (c->nranges) {
		pl.ranges = mem_dup(c->ranges, c->nranges * sizeof *c->ranges);
		qsort(pl.ranges, c->nranges, sizeof *pl.ranges, range_cmp);
	}
	pl.nranges = c->nranges;
	if (c->nnamespaces)
		pl.namespaces = mem_zalloc_array(c->nnamespaces, sizeof *pl.namespaces);
	for (size_t i = 0; i < c->nnamespaces; i++)
		pl.namespaces[pl.nnamespaces++] = mem_strdup(c->namespaces[i]);
	return pl;
}

void
pools_configure(struct pools *p, const struct pool_conf *v, size_t n, bool reclaim)
{
	forget_pools(p);
	p->pool = n ? mem_zalloc_array(n, sizeof *p->pool) : NULL;
	for (size_t i = 0; i < n; i++)
		p->pool[p->npools++] = pool_made(&v[i]);
	p->reclaim = reclaim;
	p->all = true;
}

struct pools *
pools_new(uint64_t seed)
{
	const uint64_t key[2] = { seed, ~seed };
	struct pools *p = mem_zalloc(sizeof *p);

	hmap_init(&p->svcs, key);
	hmap_init(&p->uses, key);
	list_init(&p->dirty);
	list_init(&p->todo);
	list_init(&p->waiting);
	list_init(&p->events);
	return p;
}

void
pools_free(struct pools *p)
{
	struct hmap_node *n, *tmp;

	if (!p)
		return;
	HMAP_FOREACH_SAFE(n, tmp, &p->svcs) {
		struct svc *s = container_of(n, struct svc, node);

		take_back(p, s, 0);
		take_back(p, s, 1);
		hmap_remove(&p->svcs, n);
		svc_free(s);
	}
	hmap_free(&p->svcs);
	hmap_free(&p->uses);
	forget_pools(p);
	mem_free(p);
}

/* ---- views ------------------------------------------------------------------------------------------ */

bool
pools_view(const struct pools *p, size_t i, struct pools_view *ret)
{
	const struct pool *pl = p->pool + i;
	struct hmap_node *n;

	if (i >= p->npools)
		return false;
	*ret = (struct pools_view){ .name = pl->name };
	for (size_t k = 0; k < pl->nranges; k++) {
		unsigned f = pl->ranges[k].first.af - 1u;
		uint64_t size = range_size(&pl->ranges[k]);

		ret->size[f] = size > UINT64_MAX - ret->size[f] ? UINT64_MAX : ret->size[f] + size;
	}
	HMAP_FOREACH(n, &p->uses) {
		const struct use *u = container_of(n, struct use, node);

		if (pool_has(pl, &u->addr))
			ret->used[u->addr.af - 1]++;
	}
	HMAP_FOREACH(n, &p->svcs) {
		const struct svc *s = container_of(n, struct svc, node);

		ret->services += (s->got[0].af && pool_has(pl, &s->got[0])) ||
		    (s->got[1].af && pool_has(pl, &s->got[1]));
		for (size_t k = 0; s->why == POOLS_TAKEN && k < s->s.nrequested; k++)
			ret->conflicts += pool_has(pl, &s->s.requested[k]) &&
			    rival(p, &s->s.requested[k], s) != NULL;
	}
	return true;
}

static void
fill_view(const struct pools *p, const struct svc *s, struct pools_service_view *ret)
{
	const struct pool *pl = NULL;

	memset(ret, 0, sizeof *ret);
	ret->key = s->s.key;
	for (unsigned f = 0; f < 2; f++)
		if (s->got[f].af) {
			ret->addr[ret->n++] = s->got[f];
			pl = pl ? pl : pool_of(p, &s->got[f], s);
		}
	ret->pool = pl ? pl->name : NULL;
	ret->why = (enum pools_why)s->why;
	memcpy(ret->text, s->text, sizeof ret->text);
}

bool
pools_service(const struct pools *p, const char *key, struct pools_service_view *ret)
{
	const struct svc *s = svc_find(p, key);

	if (s)
		fill_view(p, s, ret);
	return s != NULL;
}

bool
pools_next_waiting(const struct pools *p, size_t *pos, struct pools_service_view *ret)
{
	struct list *l;
	size_t i = 0;

	LIST_FOREACH(l, &p->waiting)
		if (i++ == *pos) {
			++*pos;
			fill_view(p, container_of(l, struct svc, waiting), ret);
			return true;
		}
	return false;
}
