/*
 * Filters, from a seed: what is remembered is what a run gives, a chain gives
 * the same for the same rules however it was made, and nothing of a rejected or
 * undecided route is lost.
 */
#include "bgpd/core/bgp.h"
#include "bgpd/core/filter.h"
#include "tests/prop/prop.h"

#define RULES  6
#define ROUTES 200

static uint32_t
pick(struct rng *r, uint32_t n)
{
	return (uint32_t)rng_range(r, 0, n - 1);
}

/* Values are few, so that conditions hold often. */
static void
random_comms(struct rng *r, struct ipc_comms *c)
{
	uint16_t k;

	c->n = (uint16_t)pick(r, 3);
	for (k = 0; k < c->n; k++) {
		c->v[k].kind = (uint8_t)pick(r, 3);
		c->v[k].v[c->v[k].kind] = pick(r, 3);
	}
}

static void
random_conditions(struct rng *r, struct ipc_conf_filter *f)
{
	f->len_max = 128;
	f->hops_max = UINT16_MAX;
	if (pick(r, 6) == 0) {
		f->cidr = (struct ip_prefix){ IP4, (uint8_t)(8 * pick(r, 3)), { 0 } };
		f->match_op = (uint8_t)pick(r, 4);
	}
	if (pick(r, 3) == 0)
		random_comms(r, &f->any);
	if (pick(r, 6) == 0)
		random_comms(r, &f->all);
	if (pick(r, 4) == 0) {
		f->as_contains.n = 1;
		f->as_contains.v[0] = 1 + pick(r, 4);
	}
	f->hops_min = (uint16_t)pick(r, 2);
	f->source = (uint8_t)(pick(r, 3) ? 0 : pick(r, 5));
	f->peer_type = (uint8_t)(pick(r, 3) ? 0 : pick(r, 3));
}

static void
random_rule(struct rng *r, struct ipc_conf_filter *f)
{
	*f = (struct ipc_conf_filter){ .id = 1, .rule = 1, .export = true };
	random_conditions(r, f);
	f->action = (uint8_t)(pick(r, 2) ? IPC_RULE_CONTINUE : pick(r, 3));
	for (f->nops = 0; f->nops < pick(r, 3); f->nops++) {
		struct ipc_filter_op *op = &f->op[f->nops];

		op->kind = (uint8_t)pick(r, IPC_NOPS);
		op->value = 1 + pick(r, 3);
		op->times = (uint8_t)(1 + pick(r, 2));
		op->addr = pick(r, 2) ? (struct ip_addr){ .af = IP4, .b = { 1 } } :
					(struct ip_addr){ 0 };
		random_comms(r, &op->comms);
	}
}

static const struct attrs *
random_attrs(struct rng *r, struct attrs_pool *pool)
{
	uint8_t path[4 * 4 + 2], comm[8];
	struct wr wp = wr_init(path, sizeof(path)), wc = wr_init(comm, sizeof(comm));
	struct attrs_build b = { .flags = (uint16_t)(pick(r, 2) ? ATTRS_MED : 0), .med = pick(r, 3) };
	uint32_t n = pick(r, 4), k;

	if (n > 0) {
		wr_u8(&wp, SEG_SEQUENCE);
		wr_u8(&wp, (uint8_t)n);
	}
	for (k = 0; k < n; k++)
		wr_u32(&wp, 1 + pick(r, 4));
	for (k = pick(r, 3); k > 0; k--)
		wr_u32(&wc, pick(r, 3));
	b.part[ATTRS_AS_PATH] = (struct attrs_view){ path, (uint16_t)wr_len(&wp) };
	b.part[ATTRS_COMMUNITIES] = (struct attrs_view){ comm, (uint16_t)wr_len(&wc) };
	return attrs_intern(pool, &b);
}

static void
compare(struct rng *r, struct filters *fs, struct attrs_pool *pool, const struct filter_chain *c)
{
	struct ip_prefix prefix = { IP4, (uint8_t)(8 * pick(r, 4)), { 0 } };
	struct filter_route route = { .prefix = &prefix,
		.source = (uint8_t)(IPC_SOURCE_LOCAL + pick(r, 3)),
		.ebgp = pick(r, 2),
		.export = true };
	const struct attrs *a = random_attrs(r, pool);
	struct filter_result direct, again;

	filter_run(pool, c, &route, a, NULL, &direct);
	filter_run_memo(fs, pool, c, &route, a, &again);
	PROP(direct.action == again.action && direct.rule == again.rule);
	PROP(direct.attrs == again.attrs);
	PROP((direct.action == FILTER_NONE) == (direct.rule == NULL));
	attrs_unref(pool, direct.attrs);
	attrs_unref(pool, again.attrs);
	attrs_unref(pool, a);
}

static void
remembered_is_direct(struct rng *r)
{
	struct attrs_pool *pool = attrs_pool_new((uint64_t[]){ rng_u64(r), 2 });
	struct filter_db *db = filter_db_new(), *twin = filter_db_new();
	const struct filter_chain *c, *same;
	static struct ipc_conf_filter f;
	struct filters fs;
	unsigned k, n = 1 + pick(r, RULES);

	filters_init(&fs);
	for (k = 0; k < n; k++) {
		random_rule(r, &f);
		filter_db_add(db, &f);
		f.id = 7;
		filter_db_add(twin, &f);
	}
	c = filter_chain_get(&fs, db, (uint32_t[]){ 1 }, 1, true, IP4);
	same = filter_chain_get(&fs, twin, (uint32_t[]){ 7 }, 1, true, IP4);
	PROP(c && c == same);
	filter_db_free(db);
	filter_db_free(twin);
	for (k = 0; k < ROUTES; k++)
		compare(r, &fs, pool, c);
	filter_chain_put(&fs, c);
	filter_chain_put(&fs, same);
	filters_free(&fs, pool);
	PROP(attrs_pool_live(pool) == 0);
	attrs_pool_free(pool);
}

uint64_t prop_seed;

int
main(void)
{
	prop_run("remembered_is_direct", 300, remembered_is_direct);
	return EXIT_SUCCESS;
}
