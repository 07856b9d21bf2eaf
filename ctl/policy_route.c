/*
 * A route given as text, for `weft policy test`.  See policy.h.
 *
 * Every word that stands before a value is a row of keys[], with the function
 * that reads the value's words; a value ends before the next such word.
 */
#include "ctl/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgpd/core/bgp.h"
#include "lib/conf_community.h"
#include "lib/conf_suggest.h"
#include "lib/conf_type.h"
#include "lib/ipcmsg.h"

#define WORDS_MAX 512

struct reader {
	const struct conf *conf;
	struct policy_route *route;
	const char *word[WORDS_MAX]; /* of the value being read */
	size_t n;
	char *why;
	size_t cap;
};

static bool __attribute__((format(printf, 2, 3)))
fail(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, r->cap, fmt, ap);
	va_end(ap);
	return false;
}

static bool
one_word(struct reader *r, const char *key, const char *wanted)
{
	return r->n == 1 || fail(r, "%s: want %s, got %zu words", key, wanted, r->n);
}

static bool
read_number(struct reader *r, const char *key, uint32_t max, uint32_t *ret)
{
	uint64_t v;

	if (!one_word(r, key, "a number"))
		return false;
	if (!opt_parse_number(r->word[0], max, &v))
		return fail(r, "%s: want a number from 0 to %u, got \"%s\"", key, max, r->word[0]);
	*ret = (uint32_t)v;
	return true;
}

static bool
read_med(struct reader *r, const char *key)
{
	r->route->attrs.flags |= ATTRS_MED;
	return read_number(r, key, UINT32_MAX, &r->route->attrs.med);
}

static bool
read_local_pref(struct reader *r, const char *key)
{
	r->route->attrs.flags |= ATTRS_LOCAL_PREF;
	return read_number(r, key, UINT32_MAX, &r->route->attrs.local_pref);
}

static bool
read_weight(struct reader *r, const char *key)
{
	uint32_t v = 0;
	bool ok = read_number(r, key, UINT16_MAX, &v);

	r->route->attrs.weight = (uint16_t)v;
	return ok;
}

static bool
read_next_hop(struct reader *r, const char *key)
{
	if (!one_word(r, key, "an address"))
		return false;
	if (!ip_addr_parse(r->word[0], &r->route->attrs.next_hop))
		return fail(r, "%s: want an address, got \"%s\"", key, r->word[0]);
	return true;
}

/* The index of the one word among words, or -1 after a complaint. */
static int
read_choice(struct reader *r, const char *key, const char *const *words)
{
	struct conf_suggest s;

	if (!one_word(r, key, "one word"))
		return -1;
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], r->word[0]) == 0)
			return i;
	s = conf_suggest_for(r->word[0]);
	for (int i = 0; words[i]; i++)
		conf_suggest_offer(&s, words[i]);
	fail(r, "%s: unknown word \"%s\"%s%s%s", key, r->word[0],
	    conf_suggest_best(&s) ? "; did you mean " : "",
	    conf_suggest_best(&s) ? conf_suggest_best(&s) : "", conf_suggest_best(&s) ? "?" : "");
	return -1;
}

static bool
read_origin(struct reader *r, const char *key)
{
	int i = read_choice(r, key, (const char *const[]){ "igp", "egp", "incomplete", NULL });

	r->route->attrs.origin = (uint8_t)i;
	return i >= 0;
}

static bool
read_type(struct reader *r, const char *key)
{
	int i = read_choice(
	    r, key, (const char *const[]){ "PodCIDR", "Interface", "Prefix", "Service", NULL });

	if (i >= 0)
		r->route->attrs.marks =
		    (uint8_t)((IPC_ROUTE_TYPE_PODCIDR + i) << ATTRS_MARK_TYPE_SHIFT);
	return i >= 0;
}

static bool
read_from(struct reader *r, const char *key)
{
	int i;

	if (r->n == 1 && strncmp(r->word[0], "peer:", 5) == 0) {
		if (!conf_peer_find(r->conf, r->word[0] + 5))
			return fail(r, "%s: no peer has the name \"%s\"", key, r->word[0] + 5);
		snprintf(r->route->from, sizeof(r->route->from), "%s", r->word[0] + 5);
		return true;
	}
	i = read_choice(r, key, (const char *const[]){ "local", "mesh", "peer", NULL });
	r->route->source = (uint8_t)(IPC_SOURCE_LOCAL + i);
	return i >= 0;
}

/* ---- AS_PATH --------------------------------------------------------------------- */

struct path {
	struct wr w;
	size_t count_at; /* of the segment being written */
	uint8_t type, count;
};

static void
path_put(struct path *p, uint8_t type, uint32_t asn)
{
	if (p->type != type || p->count == UINT8_MAX) {
		wr_u8(&p->w, type);
		p->count_at = wr_len(&p->w);
		wr_u8(&p->w, 0);
		p->type = type;
		p->count = 0;
	}
	wr_u32(&p->w, asn);
	p->w.base[p->count_at] = ++p->count;
}

/* "65001", "{65002", "65003}": *in_set goes on and off. */
static bool
path_word(struct path *p, const char *word, bool *in_set)
{
	char digits[32];
	size_t n = strlen(word);
	bool begins = *word == '{', ends = n > 0 && word[n - 1] == '}';
	uint64_t asn;

	n -= (size_t)begins + ends;
	if (n == 0 || n >= sizeof(digits) || (begins && *in_set) || (ends && !begins && !*in_set))
		return false;
	memcpy(digits, word + begins, n);
	digits[n] = '\0';
	if (!opt_parse_number(digits, UINT32_MAX, &asn))
		return false;
	if (begins)
		p->type = 0; /* a segment of its own */
	*in_set |= begins;
	path_put(p, *in_set ? SEG_SET : SEG_SEQUENCE, (uint32_t)asn);
	*in_set &= !ends;
	return true;
}

static bool
read_path(struct reader *r, const char *key)
{
	struct path p = { .w = wr_init(r->route->path, sizeof(r->route->path)) };
	bool in_set = false;

	for (size_t i = 0; i < r->n; i++)
		if (!path_word(&p, r->word[i], &in_set))
			return fail(r, "%s: want AS numbers, and sets as {1 2}, got \"%s\"", key,
			    r->word[i]);
	if (in_set)
		return fail(r, "%s: a set has no end", key);
	r->route->attrs.part[ATTRS_AS_PATH] =
	    (struct attrs_view){ r->route->path, (uint16_t)wr_len(&p.w) };
	return true;
}

/* ---- communities ------------------------------------------------------------------- */

static bool
find_community(const struct conf *c, const char *text, struct conf_community_value *ret)
{
	for (size_t i = 0; i < c->communities.n; i++)
		if (strcmp(c->communities.v[i].name, text) == 0) {
			*ret = c->communities.v[i].value;
			return true;
		}
	return conf_community_parse(text, ret) || conf_community_parse_ext(text, ret);
}

static bool
read_communities(struct reader *r, const char *key)
{
	static const enum attrs_part part[] = { ATTRS_COMMUNITIES, ATTRS_LARGE, ATTRS_EXT };
	struct conf_community_value v;
	struct wr w[3];

	for (unsigned k = 0; k < 3; k++)
		w[k] = wr_init(r->route->comm[k], sizeof(r->route->comm[k]));
	for (size_t i = 0; i < r->n; i++) {
		unsigned k;

		if (!find_community(r->conf, r->word[i], &v))
			return fail(r, "%s: \"%s\" is no community and no name of one", key,
			    r->word[i]);
		k = v.ext ? 2 : v.large ? 1 : 0;
		for (unsigned n = 0; n < (unsigned[]){ 1, 3, 2 }[k]; n++)
			wr_u32(&w[k], v.v[n]);
	}
	for (unsigned k = 0; k < 3; k++)
		r->route->attrs.part[part[k]] =
		    (struct attrs_view){ r->route->comm[k], (uint16_t)wr_len(&w[k]) };
	return true;
}

/* ---- the whole ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	bool (*read)(struct reader *r, const char *key);
} keys[] = {
	{ "as-path", read_path },
	{ "next-hop", read_next_hop },
	{ "communities", read_communities },
	{ "local-pref", read_local_pref },
	{ "med", read_med },
	{ "weight", read_weight },
	{ "origin", read_origin },
	{ "from", read_from },
	{ "type", read_type },
};
#define NKEYS (sizeof(keys) / sizeof(keys[0]))

static size_t
find_key(const char *word)
{
	size_t k;

	for (k = 0; k < NKEYS && strcmp(keys[k].name, word) != 0; k++)
		;
	return k;
}

static bool
unknown_key(struct reader *r, const char *word)
{
	struct conf_suggest s = conf_suggest_for(word);

	for (size_t k = 0; k < NKEYS; k++)
		conf_suggest_offer(&s, keys[k].name);
	if (conf_suggest_best(&s))
		return fail(r, "unknown word \"%s\"; did you mean %s?", word, conf_suggest_best(&s));
	return fail(r, "unknown word \"%s\": want as-path, next-hop, communities, local-pref, med, "
		       "weight, origin, from or type", word);
}

/* All pairs of words behind the prefix. */
static bool
read_pairs(struct reader *r, char **save)
{
	char *word = strtok_r(NULL, " \t\",", save);
	size_t k;

	while (word) {
		k = find_key(word);
		if (k == NKEYS)
			return unknown_key(r, word);
		for (r->n = 0; (word = strtok_r(NULL, " \t\",", save)) && find_key(word) == NKEYS;)
			if (r->n < WORDS_MAX)
				r->word[r->n++] = word;
		if (!keys[k].read(r, keys[k].name))
			return false;
	}
	return true;
}

bool
policy_route_parse(const struct conf *c, const char *text, struct policy_route *ret, char *why,
    size_t cap)
{
	struct reader r = { .conf = c, .route = ret, .why = why, .cap = cap };
	char copy[POLICY_TEXT_MAX], *save = NULL, *first;

	memset(ret, 0, sizeof(*ret));
	if (strlen(text) >= sizeof(copy))
		return fail(&r, "the route's text is longer than %d octets", POLICY_TEXT_MAX - 1);
	memcpy(copy, text, strlen(text) + 1);
	first = strtok_r(copy, " \t\",", &save);
	if (!first || !ip_prefix_parse(first, &ret->prefix, NULL))
		return fail(&r, "want a prefix first, such as 10.1.0.0/16, got \"%s\"",
		    first ? first : "");
	return read_pairs(&r, &save);
}
