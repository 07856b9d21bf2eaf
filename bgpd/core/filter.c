/*
 * Rules, chains and running routes through them.  See filter.h.
 *
 * A rule keeps its message's octets (with the id 0): two rules are equal when
 * these are.  What a rule does is in two tables: conditions[] and edits[].
 * Every operation makes an interned set of attributes, which the next rule
 * sees.
 */
#include "bgpd/core/filter.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/core/bgp.h"
#include "lib/hmap.h"
#include "lib/mem.h"

#define DEFAULT_LOCAL_PREF 100
#define MEMO_PLACES	   1024
#define MEMO_LARGE	   16	/* of these, for attributes of more than so many octets: */
#define MEMO_LARGE_OCTETS  4096
#define MEMO_RULES	   4096 /* a longer chain that looks at prefixes is not remembered */

struct comms {
	struct ipc_comm *v;
	uint16_t n;
};

struct asns {
	uint32_t *v;
	uint16_t n;
};

struct op {
	uint8_t kind, times;
	uint32_t value;
	struct ip_addr addr;
	struct comms comms;
};

struct filter_rule {
	uint32_t refs;
	uint32_t id; /* of its filter, while it is in a db */
	char *name;  /* of the filter */
	bool export;
	uint8_t af;
	uint16_t number;
	struct ip_prefix cidr, next_hop;
	uint8_t match_op, len_min, len_max;
	uint8_t source, peer_type, route_type, action;
	uint16_t hops_min, hops_max;
	struct comms any, all;
	struct asns as_prefix, as_contains, origin_as;
	struct op *op;
	uint16_t nops;
	uint8_t *key; /* its message */
	size_t key_octets;
};

struct filter_db {
	struct filter_rule **rule;
	size_t n, cap;
};

struct filter_chain {
	struct list node;
	uint32_t refs, id;
	bool by_prefix;
	size_t n;
	struct filter_rule *rule[];
};

/* ---- rules of a configuration ------------------------------------------------ */

static struct comms
copy_comms(const struct ipc_comms *from)
{
	struct comms to = { .n = from->n };

	if (from->n > 0)
		to.v = mem_dup(from->v, from->n * sizeof(from->v[0]));
	return to;
}

static struct asns
copy_asns(const struct ipc_asns *from)
{
	struct asns to = { .n = from->n };

	if (from->n > 0)
		to.v = mem_dup(from->v, from->n * sizeof(from->v[0]));
	return to;
}

static void
copy_ops(struct filter_rule *r, const struct ipc_conf_filter *f)
{
	uint16_t k;

	r->nops = f->nops;
	r->op = mem_zalloc_array(f->nops ? f->nops : 1u, sizeof(*r->op));
	for (k = 0; k < f->nops; k++)
		r->op[k] = (struct op){ .kind = f->op[k].kind,
			.times = f->op[k].times,
			.value = f->op[k].value,
			.addr = f->op[k].addr,
			.comms = copy_comms(&f->op[k].comms) };
}

static void
keep_message(struct filter_rule *r, const struct ipc_conf_filter *f)
{
	struct ipc_msg *m = mem_zalloc(sizeof(*m));
	uint8_t *buf = mem_alloc(IPC_MAX_OCTETS);

	m->type = IPC_CONF_FILTER;
	m->conf_filter = *f;
	m->conf_filter.id = 1; /* which filter it is of does not make it another rule */
	r->key_octets = ipcmsg_encode(m, buf, IPC_MAX_OCTETS);
	assert(r->key_octets > 0);
	r->key = mem_dup(buf, r->key_octets);
	mem_free(buf);
	mem_free(m);
}

static struct filter_rule *
rule_new(const struct ipc_conf_filter *f)
{
	struct filter_rule *r = mem_alloc(sizeof(*r));

	*r = (struct filter_rule){ .refs = 1,
		.id = f->id,
		.name = mem_strdup(f->name),
		.export = f->export,
		.af = f->af,
		.number = f->rule,
		.cidr = f->cidr,
		.next_hop = f->next_hop,
		.match_op = f->match_op,
		.len_min = f->len_min,
		.len_max = f->len_max,
		.source = f->source,
		.peer_type = f->peer_type,
		.route_type = f->route_type,
		.action = f->action,
		.hops_min = f->hops_min,
		.hops_max = f->hops_max,
		.any = copy_comms(&f->any),
		.all = copy_comms(&f->all),
		.as_prefix = copy_asns(&f->as_prefix),
		.as_contains = copy_asns(&f->as_contains),
		.origin_as = copy_asns(&f->origin_as) };
	copy_ops(r, f);
	keep_message(r, f);
	return r;
}

static void
rule_put(struct filter_rule *r)
{
	uint16_t k;

	if (--r->refs > 0)
		return;
	for (k = 0; k < r->nops; k++)
		mem_free(r->op[k].comms.v);
	mem_free(r->op);
	mem_free(r->any.v);
	mem_free(r->all.v);
	mem_free(r->as_prefix.v);
	mem_free(r->as_contains.v);
	mem_free(r->origin_as.v);
	mem_free(r->name);
	mem_free(r->key);
	mem_free(r);
}

static bool
rule_same(const struct filter_rule *a, const struct filter_rule *b)
{
	return a == b ||
	    (a->key_octets == b->key_octets && memcmp(a->key, b->key, a->key_octets) == 0);
}

struct filter_db *
filter_db_new(void)
{
	return mem_zalloc(sizeof(struct filter_db));
}

void
filter_db_free(struct filter_db *db)
{
	size_t k;

	if (!db)
		return;
	for (k = 0; k < db->n; k++)
		rule_put(db->rule[k]);
	mem_free(db->rule);
	mem_free(db);
}

void
filter_db_add(struct filter_db *db, const struct ipc_conf_filter *f)
{
	if (db->n == db->cap) {
		db->cap = db->cap ? 2 * db->cap : 8;
		db->rule = mem_realloc_array(db->rule, db->cap, sizeof(*db->rule));
	}
	db->rule[db->n++] = rule_new(f);
}

/* ---- chains --------------------------------------------------------------------- */

static bool
looks_at_prefix(const struct filter_rule *r)
{
	return r->cidr.af || r->len_min > 0 || r->len_max < 128;
}

static void
chain_add(struct filter_chain *c, const struct filter_db *db, uint32_t id, bool export, uint8_t af)
{
	size_t k;

	for (k = 0; k < db->n; k++) {
		struct filter_rule *r = db->rule[k];

		if (r->id != id || r->export != export || r->af != af)
			continue;
		r->refs++;
		c->rule[c->n++] = r;
		c->by_prefix |= looks_at_prefix(r);
	}
}

static struct filter_chain *
chain_find(const struct filters *fs, const struct filter_chain *like)
{
	struct list *l;
	size_t k;

	LIST_FOREACH(l, &fs->chains) {
		struct filter_chain *c = container_of(l, struct filter_chain, node);

		for (k = 0; c->n == like->n && k < c->n && rule_same(c->rule[k], like->rule[k]); k++)
			;
		if (c->n == like->n && k == c->n)
			return c;
	}
	return NULL;
}

static void
chain_free(struct filter_chain *c)
{
	size_t k;

	for (k = 0; k < c->n; k++)
		rule_put(c->rule[k]);
	mem_free(c);
}

const struct filter_chain *
filter_chain_get(struct filters *fs, const struct filter_db *db, const uint32_t *id, size_t n,
    bool export, uint8_t af)
{
	struct filter_chain *c, *old;
	size_t k, most = db ? n * db->n : 0;

	if (most == 0)
		return NULL;
	c = mem_zalloc(sizeof(*c) + most * sizeof(struct filter_rule *));
	for (k = 0; k < n; k++) {
		chain_add(c, db, id[k], export, af);
		chain_add(c, db, id[k], export, IP_NONE);
	}
	old = chain_find(fs, c);
	if (c->n == 0 || old) {
		chain_free(c);
		return filter_chain_ref(old);
	}
	c = mem_realloc(c, sizeof(*c) + c->n * sizeof(struct filter_rule *));
	c->refs = 1;
	c->id = ++fs->next_id;
	list_push_back(&fs->chains, &c->node);
	return c;
}

const struct filter_chain *
filter_chain_ref(const struct filter_chain *c)
{
	if (c)
		((struct filter_chain *)(uintptr_t)c)->refs++;
	return c;
}

void
filter_chain_put(struct filters *fs, const struct filter_chain *c)
{
	struct filter_chain *w = (struct filter_chain *)(uintptr_t)c;

	if (!w || --w->refs > 0)
		return;
	list_remove(&w->node);
	chain_free(w);
}

uint32_t
filter_chain_id(const struct filter_chain *c)
{
	return c ? c->id : 0;
}

bool
filter_chain_by_prefix(const struct filter_chain *c)
{
	return c && c->by_prefix;
}

/* ---- conditions -------------------------------------------------------------------- */

struct subject {
	const struct filter_rule *r;
	const struct filter_route *route;
	const struct attrs *a;
};

static bool
holds_cidr(const struct subject *s)
{
	const struct ip_prefix *p = s->route->prefix, *cidr = &s->r->cidr;

	if (cidr->af == IP_NONE)
		return true;
	if (p->af != cidr->af)
		return false;
	switch ((enum ipc_match_op)s->r->match_op) {
	case IPC_MATCH_OP_IN:
		return ip_prefix_contains(cidr, p);
	case IPC_MATCH_OP_NOT_IN:
		return !ip_prefix_contains(cidr, p);
	case IPC_MATCH_OP_EQUAL:
		return ip_prefix_eq(cidr, p);
	case IPC_MATCH_OP_NOT_EQUAL:
		return !ip_prefix_eq(cidr, p);
	}
	return false;
}

static bool
holds_prefix_length(const struct subject *s)
{
	return s->route->prefix->len >= s->r->len_min && s->route->prefix->len <= s->r->len_max;
}

static const struct {
	enum attrs_part part;
	uint8_t octets;
} comm_kinds[] = {
	[IPC_COMM_STD] = { ATTRS_COMMUNITIES, 4 },
	[IPC_COMM_EXT] = { ATTRS_EXT, 8 },
	[IPC_COMM_LARGE] = { ATTRS_LARGE, 12 },
};

static void
comm_put(const struct ipc_comm *c, uint8_t buf[12])
{
	struct wr w = wr_init(buf, 12);
	unsigned k;

	for (k = 0; k < comm_kinds[c->kind].octets / 4u; k++)
		wr_u32(&w, c->v[k]);
}

static bool
view_has(struct attrs_view v, const uint8_t *value, size_t octets)
{
	size_t at;

	for (at = 0; at + octets <= v.octets; at += octets)
		if (memcmp(v.p + at, value, octets) == 0)
			return true;
	return false;
}

static unsigned
count_comms(const struct attrs *a, const struct comms *c)
{
	uint8_t value[12];
	unsigned n = 0;
	uint16_t k;

	for (k = 0; k < c->n; k++) {
		comm_put(&c->v[k], value);
		n += view_has(attrs_part(a, comm_kinds[c->v[k].kind].part), value,
		    comm_kinds[c->v[k].kind].octets);
	}
	return n;
}

static bool
holds_communities(const struct subject *s)
{
	return (s->r->any.n == 0 || count_comms(s->a, &s->r->any) > 0) &&
	    count_comms(s->a, &s->r->all) == s->r->all.n;
}

static bool
holds_as_prefix(const struct subject *s)
{
	struct as_path_iter it = as_path_iter(s->a);
	uint32_t asn;
	uint8_t seg;
	uint16_t k;

	for (k = 0; k < s->r->as_prefix.n; k++)
		if (!as_path_next(&it, &asn, &seg) || seg != SEG_SEQUENCE ||
		    asn != s->r->as_prefix.v[k])
			return false;
	return true;
}

static bool
holds_as_contains(const struct subject *s)
{
	uint16_t k;

	for (k = 0; k < s->r->as_contains.n; k++)
		if (attrs_has_asn(s->a, s->r->as_contains.v[k]))
			return true;
	return s->r->as_contains.n == 0;
}

static bool
holds_origin_as(const struct subject *s)
{
	uint16_t k;

	for (k = 0; k < s->r->origin_as.n; k++)
		if (s->a->origin_asn && s->a->origin_asn == s->r->origin_as.v[k])
			return true;
	return s->r->origin_as.n == 0;
}

static bool
holds_hops(const struct subject *s)
{
	return s->a->as_path_hops >= s->r->hops_min && s->a->as_path_hops <= s->r->hops_max;
}

static bool
holds_next_hop(const struct subject *s)
{
	struct ip_addr nh = attrs_next_hop(s->a);
	struct ip_prefix host;

	if (s->r->next_hop.af == IP_NONE)
		return true;
	if (nh.af != s->r->next_hop.af)
		return false;
	host = ip_prefix_from_addr(&nh);
	return ip_prefix_contains(&s->r->next_hop, &host);
}

static bool
holds_source(const struct subject *s)
{
	uint8_t want = s->r->source;

	return want == IPC_SOURCE_ANY || want == s->route->source ||
	    (want == IPC_SOURCE_REMOTE && s->route->source != IPC_SOURCE_LOCAL);
}

static bool
holds_peer_type(const struct subject *s)
{
	return s->r->peer_type == IPC_PEER_TYPE_ANY ||
	    (s->r->peer_type == IPC_PEER_TYPE_EBGP) == s->route->ebgp;
}

static bool
holds_route_type(const struct subject *s)
{
	uint8_t is = s->route->source == IPC_SOURCE_LOCAL ? attrs_route_type(s->a) :
							    IPC_ROUTE_TYPE_BGP;

	return s->r->route_type == IPC_ROUTE_TYPE_ANY || s->r->route_type == is;
}

static const struct {
	bool (*holds)(const struct subject *s);
	const char *name;
} conditions[] = {
	{ holds_cidr, "cidr" },
	{ holds_prefix_length, "prefixLength" },
	{ holds_source, "source" },
	{ holds_peer_type, "peerType" },
	{ holds_route_type, "routeType" },
	{ holds_next_hop, "nextHop" },
	{ holds_hops, "asPathLength" },
	{ holds_origin_as, "originAS" },
	{ holds_as_prefix, "asPathPrefix" },
	{ holds_as_contains, "asPathContains" },
	{ holds_communities, "communities" },
};

/* The first condition that does not hold, NULL: all do. */
static const char *
failing(const struct subject *s)
{
	size_t k;

	for (k = 0; k < sizeof(conditions) / sizeof(conditions[0]); k++)
		if (!conditions[k].holds(s))
			return conditions[k].name;
	return NULL;
}

/* ---- operations --------------------------------------------------------------------- */

struct edit {
	const struct op *op;
	const struct filter_route *route;
	struct attrs_build b;
	uint8_t *scratch[ATTRS_NPARTS]; /* owned */
};

static void
set_local_pref(struct edit *e)
{
	uint32_t v = e->op->value,
		 was = e->b.flags & ATTRS_LOCAL_PREF ? e->b.local_pref : DEFAULT_LOCAL_PREF;

	if (e->op->kind == IPC_OP_ADD_LOCAL_PREF)
		v = v > UINT32_MAX - was ? UINT32_MAX : was + v;
	else if (e->op->kind == IPC_OP_SUB_LOCAL_PREF)
		v = v > was ? 0 : was - v;
	e->b.flags |= ATTRS_LOCAL_PREF;
	e->b.local_pref = v;
}

static void
set_med(struct edit *e)
{
	uint32_t v = e->op->value, was = e->b.flags & ATTRS_MED ? e->b.med : 0;

	if (e->op->kind == IPC_OP_ADD_MED)
		v = v > UINT32_MAX - was ? UINT32_MAX : was + v;
	e->b.flags |= ATTRS_MED;
	e->b.med = v;
	if (e->route->export)
		e->b.marks |= ATTRS_MARK_MED;
}

static void
remove_med(struct edit *e)
{
	e->b.flags &= (uint16_t)~ATTRS_MED;
	e->b.marks &= (uint8_t)~ATTRS_MARK_MED;
}

/* Room for a part and so many octets more, which part_done() makes the part. */
static struct wr
part_begin(struct edit *e, enum attrs_part part, size_t more)
{
	size_t cap = e->b.part[part].octets + more;

	mem_free(e->scratch[part]);
	e->scratch[part] = mem_alloc(cap ? cap : 1);
	return wr_init(e->scratch[part], cap);
}

static void
part_done(struct edit *e, enum attrs_part part, const struct wr *w)
{
	if (!w->full && wr_len(w) <= UINT16_MAX)
		e->b.part[part] = (struct attrs_view){ w->base, (uint16_t)wr_len(w) };
}

static bool
names(const struct comms *c, uint8_t kind, const uint8_t *value)
{
	uint8_t buf[12];
	uint16_t k;

	for (k = 0; k < c->n; k++) {
		comm_put(&c->v[k], buf);
		if (c->v[k].kind == kind && memcmp(buf, value, comm_kinds[kind].octets) == 0)
			return true;
	}
	return false;
}

static void
add_kind(struct edit *e, uint8_t kind)
{
	enum attrs_part part = comm_kinds[kind].part;
	const uint8_t octets = comm_kinds[kind].octets;
	struct attrs_view was = e->b.part[part];
	uint8_t *old = e->scratch[part], value[12];
	struct wr w;
	uint16_t k;

	e->scratch[part] = NULL; /* was may be in it */
	w = part_begin(e, part, (size_t)octets * e->op->comms.n);
	wr_bytes(&w, was.p, was.octets);
	for (k = 0; k < e->op->comms.n; k++) {
		comm_put(&e->op->comms.v[k], value);
		if (e->op->comms.v[k].kind == kind &&
		    !view_has((struct attrs_view){ w.base, (uint16_t)wr_len(&w) }, value, octets))
			wr_bytes(&w, value, octets);
	}
	part_done(e, part, &w);
	mem_free(old);
}

static void
remove_kind(struct edit *e, uint8_t kind)
{
	enum attrs_part part = comm_kinds[kind].part;
	const uint8_t octets = comm_kinds[kind].octets;
	struct attrs_view was = e->b.part[part];
	struct wr w = part_begin(e, part, 0);
	size_t at;

	for (at = 0; at + octets <= was.octets; at += octets)
		if (!names(&e->op->comms, kind, was.p + at))
			wr_bytes(&w, was.p + at, octets);
	part_done(e, part, &w);
}

static bool
has_kind(const struct edit *e, uint8_t kind)
{
	uint16_t k;

	for (k = 0; k < e->op->comms.n; k++)
		if (e->op->comms.v[k].kind == kind)
			return true;
	return false;
}

static void
change_communities(struct edit *e)
{
	bool remove = e->op->kind == IPC_OP_REMOVE_COMMUNITIES;
	uint8_t kind;

	if (e->op->kind == IPC_OP_SET_COMMUNITIES) {
		e->b.part[ATTRS_COMMUNITIES].octets = 0;
		e->b.part[ATTRS_LARGE].octets = 0;
	}
	for (kind = IPC_COMM_STD; kind <= IPC_COMM_LARGE; kind++)
		if (has_kind(e, kind))
			(remove ? remove_kind : add_kind)(e, kind);
	if (e->b.part[ATTRS_COMMUNITIES].octets == 0)
		e->b.flags &= (uint16_t)~ATTRS_COMM_PARTIAL;
	if (e->b.part[ATTRS_LARGE].octets == 0)
		e->b.flags &= (uint16_t)~ATTRS_LARGE_PARTIAL;
	if (e->b.part[ATTRS_EXT].octets == 0)
		e->b.flags &= (uint16_t)~ATTRS_EXT_PARTIAL;
}

/* A path that would grow beyond what an attribute can hold stays as it is. */
static void
prepend(struct edit *e)
{
	size_t cap = e->b.part[ATTRS_AS_PATH].octets + 4u * e->op->times + 8;

	e->scratch[ATTRS_AS_PATH] = mem_alloc(cap);
	attrs_prepend(&e->b, e->op->value, e->op->times, e->scratch[ATTRS_AS_PATH], cap);
}

static void
set_next_hop(struct edit *e)
{
	if (e->op->addr.af == IP_NONE) {
		e->b.marks = (uint8_t)((e->b.marks & ~ATTRS_MARK_NH_GIVEN) | ATTRS_MARK_NH_SELF);
		return;
	}
	if (e->op->addr.af != e->route->prefix->af)
		return;
	e->b.next_hop = e->op->addr;
	e->b.flags &= (uint16_t)~ATTRS_NH_LL;
	if (e->route->export)
		e->b.marks = (uint8_t)((e->b.marks & ~ATTRS_MARK_NH_SELF) | ATTRS_MARK_NH_GIVEN);
}

static void
set_weight(struct edit *e)
{
	e->b.weight = e->op->value > UINT16_MAX ? UINT16_MAX : (uint16_t)e->op->value;
}

static void (*const edits[IPC_NOPS])(struct edit *e) = {
	[IPC_OP_SET_LOCAL_PREF] = set_local_pref,
	[IPC_OP_ADD_LOCAL_PREF] = set_local_pref,
	[IPC_OP_SUB_LOCAL_PREF] = set_local_pref,
	[IPC_OP_SET_MED] = set_med,
	[IPC_OP_ADD_MED] = set_med,
	[IPC_OP_REMOVE_MED] = remove_med,
	[IPC_OP_ADD_COMMUNITIES] = change_communities,
	[IPC_OP_REMOVE_COMMUNITIES] = change_communities,
	[IPC_OP_SET_COMMUNITIES] = change_communities,
	[IPC_OP_PREPEND] = prepend,
	[IPC_OP_NEXT_HOP] = set_next_hop,
	[IPC_OP_WEIGHT] = set_weight,
};

/* A new reference to what a rule's operations make of a; a's stays the caller's. */
static const struct attrs *
apply(struct attrs_pool *pool, const struct filter_rule *r, const struct filter_route *route,
    const struct attrs *a)
{
	const struct attrs *was = attrs_ref(a), *now;
	uint16_t k;
	unsigned part;

	for (k = 0; k < r->nops; k++) {
		struct edit e = { .op = &r->op[k], .route = route };

		attrs_to_build(was, &e.b);
		edits[r->op[k].kind](&e);
		now = attrs_intern(pool, &e.b);
		attrs_unref(pool, was);
		was = now;
		for (part = 0; part < ATTRS_NPARTS; part++)
			mem_free(e.scratch[part]);
	}
	return was;
}

/* ---- running ----------------------------------------------------------------------- */

enum filter_action
filter_rule_action(const struct filter_rule *r)
{
	static const enum filter_action action[] = {
		[IPC_RULE_CONTINUE] = FILTER_NONE,
		[IPC_RULE_ACCEPT] = FILTER_ACCEPT,
		[IPC_RULE_REJECT] = FILTER_REJECT,
	};

	return action[r->action];
}

void
filter_run(struct attrs_pool *pool, const struct filter_chain *c, const struct filter_route *route,
    const struct attrs *a, const struct filter_trace *trace, struct filter_result *ret)
{
	struct subject s = { .route = route };
	const struct attrs *after;
	const char *failed;
	size_t k;

	*ret = (struct filter_result){ .attrs = attrs_ref(a) };
	for (k = 0; c && k < c->n && ret->action == FILTER_NONE; k++) {
		s.r = c->rule[k];
		s.a = ret->attrs;
		failed = failing(&s);
		after = failed ? attrs_ref(s.a) : apply(pool, s.r, route, s.a);
		if (trace)
			trace->rule(trace->ctx, s.r, failed, s.a, after);
		attrs_unref(pool, ret->attrs);
		ret->attrs = after;
		if (failed)
			continue;
		ret->action = filter_rule_action(s.r);
		ret->rule = ret->action == FILTER_NONE ? NULL : s.r;
	}
}

/* ---- remembering --------------------------------------------------------------------- */

struct memo {
	const struct attrs *in; /* a reference; NULL: free */
	uint32_t chain;
	uint8_t facts;
	uint64_t prefix; /* which rules the prefix lets hold: prefix_facts() */
	struct filter_result result; /* attrs: a reference */
};

struct filter_memo {
	struct memo place[MEMO_PLACES];
};

static void
memo_drop(struct memo *m, struct attrs_pool *pool)
{
	attrs_unref(pool, m->in);
	attrs_unref(pool, m->result.attrs);
	*m = (struct memo){ 0 };
}

static bool
is_large(const struct attrs *a)
{
	size_t octets = 0;
	unsigned part;

	for (part = 0; part < ATTRS_NPARTS; part++)
		octets += a->part_octets[part];
	return octets > MEMO_LARGE_OCTETS;
}

/* The hash of the attributes is keyed already.  Large ones are not kept alive by the thousand. */
static struct memo *
memo_place(const struct filters *fs, const struct memo *key)
{
	uint64_t h = key->in->node.hash + key->chain * UINT64_C(0x9e3779b97f4a7c15) + key->facts +
	    key->prefix;

	return &fs->memo->place[(h ^ h >> 32) % (is_large(key->in) ? MEMO_LARGE : MEMO_PLACES)];
}

/*
 * All that a chain can learn of a prefix is which rules' conditions on it hold:
 * a hash of these, keyed with the attributes'.  A long AS_PATH so is looked at
 * once for all prefixes of an UPDATE, and not once for each.
 */
static uint64_t
prefix_facts(const struct filter_chain *c, const struct filter_route *route, const struct attrs *a)
{
	uint8_t bits[MEMO_RULES / 8] = { 0 };
	uint64_t key[2] = { a->node.hash, c->id };
	struct subject s = { .route = route, .a = a };
	size_t k;

	for (k = 0; k < c->n; k++) {
		s.r = c->rule[k];
		if (holds_cidr(&s) && holds_prefix_length(&s))
			bits[k / 8] |= (uint8_t)(1u << k % 8);
	}
	return siphash13(key, bits, (c->n + 7) / 8);
}

static bool
memo_is(const struct memo *m, const struct memo *key)
{
	return m->in == key->in && m->chain == key->chain && m->facts == key->facts &&
	    m->prefix == key->prefix;
}

void
filter_run_memo(struct filters *fs, struct attrs_pool *pool, const struct filter_chain *c,
    const struct filter_route *route, const struct attrs *a, struct filter_result *ret)
{
	struct memo key = { .in = a }, *m;

	if (!c || (c->by_prefix && c->n > MEMO_RULES)) {
		filter_run(pool, c, route, a, NULL, ret);
		return;
	}
	key.chain = c->id;
	key.facts = (uint8_t)(route->prefix->af << 5 | route->source << 2 | route->ebgp << 1 |
	    route->export);
	key.prefix = c->by_prefix ? prefix_facts(c, route, a) : 0;
	if (!fs->memo)
		fs->memo = mem_zalloc(sizeof(*fs->memo));
	m = memo_place(fs, &key);
	if (!memo_is(m, &key)) {
		fs->runs++;
		memo_drop(m, pool);
		*m = key;
		attrs_ref(m->in);
		filter_run(pool, c, route, a, NULL, &m->result);
	}
	*ret = m->result;
	attrs_ref(ret->attrs);
}

void
filters_init(struct filters *fs)
{
	*fs = (struct filters){ 0 };
	list_init(&fs->chains);
}

void
filters_forget(struct filters *fs, struct attrs_pool *pool)
{
	size_t k;

	if (!fs->memo)
		return;
	for (k = 0; k < MEMO_PLACES; k++)
		memo_drop(&fs->memo->place[k], pool);
	mem_free(fs->memo);
	fs->memo = NULL;
}

void
filters_free(struct filters *fs, struct attrs_pool *pool)
{
	filters_forget(fs, pool);
	assert(list_is_empty(&fs->chains));
}

/* ---- words ------------------------------------------------------------------------- */

bool
filter_rule_names_remote(const struct filter_rule *r)
{
	return r->source == IPC_SOURCE_PEER || r->source == IPC_SOURCE_REMOTE;
}

char *
filter_rule_text(const struct filter_rule *r, char *buf, size_t cap)
{
	static const char *const list[] = { "", "V4 ", "V6 " };
	const char *direction = r->af == IP_NONE ? "" : r->export ? "export" : "import";

	snprintf(buf, cap, "filter %s, %s%srule %u", r->name, direction, list[r->af], r->number);
	return buf;
}

struct explain {
	char *buf;
	size_t cap;
};

static void
explain_rule(void *ctx, const struct filter_rule *r, const char *failed,
    const struct attrs *before, const struct attrs *after)
{
	static const char *const word[] = { [FILTER_NONE] = "", [FILTER_ACCEPT] = "accepted",
		[FILTER_REJECT] = "rejected" };
	enum filter_action action = filter_rule_action(r);
	char name[2 * IPC_NAME_MAX];
	struct explain *x = ctx;
	size_t len = strlen(x->buf);

	if (failed || (before == after && action == FILTER_NONE))
		return;
	snprintf(x->buf + len, x->cap - len, "%s%s: %s%s%s", len > 0 ? "; " : "",
	    filter_rule_text(r, name, sizeof(name)), before != after ? "changed" : "",
	    before != after && action != FILTER_NONE ? " and " : "", word[action]);
}

char *
filter_explain(struct attrs_pool *pool, const struct filter_chain *c,
    const struct filter_route *route, const struct attrs *a, char *buf, size_t cap)
{
	struct explain x = { .buf = buf, .cap = cap };
	struct filter_trace trace = { .rule = explain_rule, .ctx = &x };
	struct filter_result res;

	buf[0] = '\0';
	filter_run(pool, c, route, a, &trace, &res);
	attrs_unref(pool, res.attrs);
	return buf;
}
