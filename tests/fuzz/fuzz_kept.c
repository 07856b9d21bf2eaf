/*
 * Octets as the records of a kept cluster, with the head and sum that let them in: what is told can be
 * put into a model and written again, and then reads the same.
 */
#include <string.h>

#include "agent/core/kept.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

#define KEY 1

struct octets {
	uint8_t *v;
	size_t n;
};

struct copy {
	struct cluster *nodes;
	struct kept_writer w;
	struct octets to;
};

static void
add(void *ctx, const void *octets, size_t n)
{
	struct octets *o = ctx;

	o->v = mem_realloc(o->v, o->n + n);
	memcpy(o->v + o->n, octets, n);
	o->n += n;
}

static void
on_node(void *ctx, const struct cluster_node *n)
{
	struct copy *c = ctx;

	HOLD(n->naddrs <= CLUSTER_ADDRS_MAX && n->ncidrs <= CLUSTER_CIDRS_MAX && n->name[0]);
	cluster_put(c->nodes, n);
	kept_put_node(&c->w, n);
}

static void
on_object(void *ctx, const struct kept_object *o)
{
	struct copy *c = ctx;

	HOLD(o->element && o->age && o->text);
	kept_put_object(&c->w, o);
}

static void
on_service(void *ctx, const struct kept_service *s)
{
	struct copy *c = ctx;

	HOLD(s->prefix.len <= ip_af_bits(s->prefix.af) && s->nonly <= KEPT_LIST_MAX);
	kept_put_service(&c->w, s);
}

static const struct kept_ops ops = { on_node, on_object, on_service };

/* Reads that and writes it into *ret, the caller's. */
static bool
read_again(const struct octets *from, struct octets *ret)
{
	struct copy c = { .nodes = cluster_new("n"), .w = { .put = add } };
	int64_t as_of;
	bool good;

	c.w.ctx = &c.to;
	kept_begin(&c.w, KEY, 0);
	good = kept_read(from->v, from->n, KEY, &ops, &c, &as_of) == KEPT_GOOD;
	kept_end(&c.w);
	cluster_free(c.nodes);
	*ret = c.to;
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct octets file = { .v = NULL }, once, twice;
	struct kept_writer w = { .put = add, .ctx = &file };
	int64_t as_of;

	kept_read(in, len, KEY, &(struct kept_ops){ .node = NULL }, NULL, &as_of);
	kept_begin(&w, KEY, 0);
	w.sum = kept_sum(w.sum, in, len);
	add(&file, in, len);
	kept_end(&w);
	if (read_again(&file, &once)) {
		HOLD(read_again(&once, &twice));
		HOLD(once.n == twice.n && memcmp(once.v, twice.v, once.n) == 0);
		mem_free(twice.v);
	}
	mem_free(once.v);
	mem_free(file.v);
	return 0;
}
