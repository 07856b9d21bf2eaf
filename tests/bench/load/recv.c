/*
 * Receivers.
 */
#include "tests/bench/load/recv.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

void
receiver_init(struct receiver *rx, const struct load *l, const struct pool *pool,
    receiver_expect *expect)
{
	memset(rx, 0, sizeof(*rx));
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

/* One prefix announced; `checked` is the set that u was found to carry. */
static bool
receiver_announce(struct receiver *rx, struct sess *s, const struct update *u, uint32_t i,
    const struct wanted **checked)
{
	struct expected e = { NULL, 0 };
	const char *why = rx->expect(rx, u, i, &e);

	if (!why && e.want != *checked) {
		why = attrs_check(u, &e.want->attrs, &e.want->next_hop, &rx->rules);
		s->l->count.checks++;
		*checked = e.want;
	}
	if (why) {
		receiver_wrong(rx, s, i, why);
		return false;
	}
	rx->have += rx->cur[i] == 0;
	rx->cur[i] = e.tag;
	rx->announced++;
	return true;
}

static void
receiver_nlri(struct receiver *rx, struct sess *s, const struct update *u)
{
	struct rd r = rd_init(u->nlri.p, u->nlri.len);
	const struct wanted *checked = NULL;
	uint64_t n = 0;

	while (rd_left(&r) > 0) {
		uint32_t i = u->nlri_af == rx->pool->af ? pool_get(rx->pool, &r) : POOL_FOREIGN;

		if (i == POOL_FOREIGN) {
			sess_fail(s, "a prefix that nobody announced");
			return;
		}
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
		uint32_t i = u->gone_af == rx->pool->af ? pool_get(rx->pool, &r) : POOL_FOREIGN;

		if (i == POOL_FOREIGN) {
			sess_fail(s, "withdrawal of a prefix that nobody announced");
			return;
		}
		rx->have -= rx->cur[i] != 0;
		rx->cur[i] = 0;
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
