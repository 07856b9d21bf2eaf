/*
 * The tree of prefixes by number against a sorted array: after any changes both hold the
 * same, in the same order, and find the same for every prefix, those not in it included.
 */
#include <string.h>

#include "agent/core/ptree.h"
#include "lib/mem.h"
#include "tests/prop/prop.h"

uint64_t prop_seed;

#define MANY 64
#define STEP (((1u << PTREE_NO_BITS) - 1) / (MANY - 1)) /* between numbers: the last is the greatest there may be */

struct book {
	struct ip_prefix prefix[MANY + 1]; /* by number, in steps */
	uint32_t no[MANY];		   /* those in the tree, in order */
	uint32_t n;
};

static void
prefix_of(const void *ctx, uint32_t no, struct ip_prefix *ret)
{
	*ret = ((const struct book *)ctx)->prefix[no / STEP];
}

/* Few bits vary, so that prefixes are equal, next to each other, and within each other. */
static struct ip_prefix
any_prefix(struct rng *r, uint8_t af)
{
	struct ip_prefix p = { .af = af };
	uint32_t bits = ip_af_bits(af);

	p.len = (uint8_t)(rng_below(r, 4) > 0 ? bits - rng_below(r, 5) : rng_below(r, bits + 1));
	p.b[0] = (uint8_t)(rng_below(r, 3) * 0x7f);
	p.b[bits / 16] = (uint8_t)rng_below(r, 2);
	p.b[bits / 8 - 1] = (uint8_t)rng_below(r, 8);
	ip_prefix_mask(&p);
	return p;
}

/* ---- the sorted array ---------------------------------------------------------- */

/* The place of p, or where it belongs. */
static uint32_t
place(const struct book *b, const struct ip_prefix *p)
{
	uint32_t i = 0;

	while (i < b->n && ip_prefix_cmp(&b->prefix[b->no[i]], p) < 0)
		i++;
	return i;
}

static uint32_t
book_find(const struct book *b, const struct ip_prefix *p)
{
	uint32_t i = place(b, p);

	return i < b->n && ip_prefix_eq(&b->prefix[b->no[i]], p) ? b->no[i] : 0;
}

static uint32_t
book_after(const struct book *b, const struct ip_prefix *p)
{
	uint32_t i = place(b, p);

	i += i < b->n && ip_prefix_eq(&b->prefix[b->no[i]], p);
	return i < b->n ? b->no[i] : 0;
}

static uint32_t
book_covering(const struct book *b, const struct ip_prefix *p)
{
	uint32_t best = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct ip_prefix *q = &b->prefix[b->no[i]];

		if (ip_prefix_contains(q, p) && (best == 0 || q->len > b->prefix[best].len))
			best = b->no[i];
	}
	return best;
}

static void
book_put(struct book *b, uint32_t no)
{
	uint32_t i = place(b, &b->prefix[no]);

	memmove(&b->no[i + 1], &b->no[i], (b->n - i) * sizeof b->no[0]);
	b->no[i] = no;
	b->n++;
}

static void
book_remove(struct book *b, const struct ip_prefix *p)
{
	uint32_t i = place(b, p);

	b->n--;
	memmove(&b->no[i], &b->no[i + 1], (b->n - i) * sizeof b->no[0]);
}

/* A number that is not in the tree; 0: all are. */
static uint32_t
unused(const struct book *b)
{
	bool used[MANY + 1] = { false };
	uint32_t no;

	for (uint32_t i = 0; i < b->n; i++)
		used[b->no[i]] = true;
	for (no = 1; no < MANY && used[no]; no++)
		;
	return no < MANY ? no : 0;
}

/* ---- both ------------------------------------------------------------------------ */

static void
same_for(const struct ptree *t, const struct book *b, const struct ip_prefix *p)
{
	PROP(ptree_find(t, p) == book_find(b, p) * STEP);
	PROP(ptree_after(t, p) == book_after(b, p) * STEP);
	PROP(ptree_covering(t, p) == book_covering(b, p) * STEP);
}

static void
same_order(const struct ptree *t, const struct book *b)
{
	uint32_t no = ptree_first(t);

	PROP(t->n == b->n);
	for (uint32_t i = 0; i < b->n; i++) {
		PROP(no == b->no[i] * STEP);
		no = ptree_after(t, &b->prefix[b->no[i]]);
	}
	PROP(no == 0);
}

static void
change(struct ptree *t, struct book *b, const struct ip_prefix *p)
{
	uint32_t have = book_find(b, p), no = unused(b);

	if (have != 0 && no != 0) {
		b->prefix[no] = *p;
		PROP(ptree_put(t, p, no * STEP) == have * STEP);
	}
	if (have != 0) {
		PROP(ptree_remove(t, p));
		book_remove(b, p);
	} else if (no != 0) {
		b->prefix[no] = *p;
		PROP(ptree_put(t, p, no * STEP) == 0);
		book_put(b, no);
	}
	PROP(have != 0 || no != 0 || !ptree_remove(t, p));
}

static void
as_a_sorted_array(struct rng *r)
{
	uint8_t af = rng_chance(r, 50) ? IP4 : IP6;
	struct book b = { .n = 0 };
	struct ptree t;

	ptree_init(&t, prefix_of, &b);
	for (int i = 0; i < 300; i++) {
		struct ip_prefix p = any_prefix(r, af), q = any_prefix(r, af);

		same_for(&t, &b, &p);
		change(&t, &b, &p);
		same_for(&t, &b, &p);
		same_for(&t, &b, &q);
		same_order(&t, &b);
	}
	ptree_free(&t);
}

int
main(void)
{
	prop_run("ptree", 300, as_a_sorted_array);
	return 0;
}
