/*
 * Receivers.
 */
#include "tests/bench/load/recv.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

void
receiver_init(struct receiver *rx, struct load *l, const struct pool *pool,
    receiver_expect *expect)
{
	memset(rx, 0, sizeof(*rx));
	rx->l = l;
	rx->pool = pool;
	rx->rules = rules_make(l->opt);
	rx->expect = expect;
	rx->cur = mem_zalloc(pool->n);
}

void
receiver_fini(struct receiver *rx)
{
	mem_free(rx->cur);
	rx->cur = NULL;
}

static void
receiver_wrong(struct receiver *rx, struct sess *s, uint32_t i, const char *why)
{
	struct ip_prefix p = pool_prefix(rx->pool, i);
	char text[IP_PREFIX_STRLEN];

	sess_fail(s, "%s: wrong %s", ip_prefix_str(&p, text), why);
}

/*
 * --expect-wrong: one bit of the first announcement's communities (the sets of all
 * scenarios have some) is turned in memory. Whoever does not notice checks nothing.
 */
static void
receiver_corrupt(struct sess *s, const struct update *u)
{
	const struct span *c = &u->attrs.v[ATTR_COMMUNITIES];

	if (!c->p)
		return;
	((uint8_t *)(uintptr_t)c->p)[c->len - 1] ^= 1;
	s->l->corrupt = false;
}

static void
receiver_move(struct receiver *rx, uint32_t i, uint8_t tag)
{
	uint8_t was = rx->cur[i];

	if (was == tag)
		return;
	rx->have += (tag != 0) - (was != 0);
	rx->cur[i] = tag;
	if (rx->moved)
		rx->moved(rx, i, was, tag);
}

static bool
own_back_ok(const struct load *l)
{
	return strcmp(l->opt->own_back, "ok") == 0;
}

/* The next prefix's number; POOL_FOREIGN for others', which fail the run unless they may come. */
static uint32_t
next_prefix(struct sess *s, const struct pool *pool, uint8_t af, struct rd *r)
{
	uint32_t i = POOL_FOREIGN;

	if (af == pool->af)
		i = pool_get(pool, r);
	else
		rd_skip(r, rd_left(r));
	if (i != POOL_FOREIGN)
		return i;
	s->l->count.others++;
	if (r->bad || strcmp(s->l->opt->others, "ok") != 0)
		sess_fail(s, r->bad ? "bad NLRI" : "a prefix that nobody announced");
	return i;
}

static bool
receiver_check(struct receiver *rx, struct sess *s, const struct update *u, uint32_t i,
    const struct expected *e)
{
	const char *why = attrs_check(u, &e->want->attrs, &e->want->next_hop, &rx->rules);
	char text[160];

	s->l->count.checks++;
	if (!why)
		return true;
	attrs_explain(text, sizeof(text), u, &e->want->attrs, why);
	receiver_wrong(rx, s, i, text);
	return false;
}

/* One prefix announced; `checked` is what u was found to carry. */
static bool
receiver_announce(struct receiver *rx, struct sess *s, const struct update *u, uint32_t i,
    struct expected *checked)
{
	struct expected e = { NULL, 0, 0 };
	const char *why = rx->expect(rx, u, i, &e);

	if (why) {
		receiver_wrong(rx, s, i, why);
		return false;
	}
	if (e.want != checked->want || e.set != checked->set) {
		if (!receiver_check(rx, s, u, i, &e))
			return false;
		*checked = e;
	}
	receiver_move(rx, i, e.tag);
	rx->announced++;
	return true;
}

static void
receiver_nlri(struct receiver *rx, struct sess *s, const struct update *u)
{
	struct rd r = rd_init(u->nlri.p, u->nlri.len);
	struct expected checked = { NULL, 0, 0 };
	uint64_t n = 0;

	while (rd_left(&r) > 0) {
		uint32_t i = next_prefix(s, rx->pool, u->nlri_af, &r);

		if (i == POOL_FOREIGN)
			continue;
		if (!receiver_announce(rx, s, u, i, &checked))
			return;
		n++;
	}
	s->l->count.prefixes += n;
}

static void
receiver_gone(struct receiver *rx, struct sess *s, const struct update *u)
{
	struct rd r = rd_init(u->gone.p, u->gone.len);

	while (rd_left(&r) > 0) {
		uint32_t i = next_prefix(s, rx->pool, u->gone_af, &r);

		if (i == POOL_FOREIGN)
			continue;
		receiver_move(rx, i, 0);
		rx->withdrawn++;
		s->l->count.withdrawn++;
	}
}

void
receiver_update(struct receiver *rx, struct sess *s, const uint8_t *body, size_t len)
{
	struct update u;
	const char *why = update_read(&u, body, len);

	if (why) {
		sess_fail(s, "UPDATE: %s", why);
		return;
	}
	if (s->l->corrupt && u.nlri.len > 0)
		receiver_corrupt(s, &u);
	receiver_gone(rx, s, &u);
	receiver_nlri(rx, s, &u);
}

void
sess_no_routes(struct sess *s, const struct pool *pool, const uint8_t *body, size_t len)
{
	struct update u;
	const char *why = update_read(&u, body, len);
	struct rd r;

	s->l->count.checks++;
	if (why) {
		sess_fail(s, "UPDATE: %s", why);
		return;
	}
	r = rd_init(u.nlri.p, u.nlri.len);
	while (rd_left(&r) > 0)
		if (next_prefix(s, pool, u.nlri_af, &r) != POOL_FOREIGN && !own_back_ok(s->l)) {
			sess_fail(s, "the sender got a prefix of its own");
			return;
		}
}
