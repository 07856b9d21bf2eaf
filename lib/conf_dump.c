/*
 * The effective configuration as YAML, by the option table: what is printed is
 * read again to the same values.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "lib/conf_ctx.h"
#include "lib/conf_type.h"
#include "lib/mem.h"
#include "lib/out.h"

struct dump {
	char *s;
	size_t len, cap;
};

static void
put(struct dump *d, const char *s)
{
	size_t n = strlen(s);

	if (d->len + n + 1 > d->cap) {
		d->cap = (d->len + n + 1) * 2;
		d->s = mem_realloc(d->s, d->cap);
	}
	memcpy(d->s + d->len, s, n + 1);
	d->len += n;
}

static void
indent(struct dump *d, unsigned depth)
{
	while (depth-- > 0)
		put(d, "  ");
}

/* May the text stand without quotes, and be read as it is? */
static bool
is_plain(const char *s)
{
	static const char *const words[] = { "null", "~", "<<", NULL };

	if (!*s || strchr("-?:,[]{}#&*!|>'\"%@` =", *s))
		return false;
	for (size_t i = 0; words[i]; i++)
		if (strcasecmp(s, words[i]) == 0)
			return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f ||
		    strchr(",[]{}#\"'\\$", *s))
			return false;
	return s[-1] != ':';
}

/* A scalar in the shortest form that reads back: plain, or in double quotes. */
static void
put_scalar(struct dump *d, const char *s)
{
	size_t cap = strlen(s) * 6 + 1;
	const char *dollar;
	char *buf;

	if (is_plain(s)) {
		put(d, s);
		return;
	}
	put(d, "\"");
	while ((dollar = strstr(s, "${"))) { /* not a variable: $${ */
		buf = mem_alloc(cap);
		out_escape(buf, cap, s, (size_t)(dollar - s), NULL);
		put(d, buf);
		put(d, "$${");
		mem_free(buf);
		s = dollar + 2;
	}
	buf = mem_alloc(cap);
	out_escape(buf, cap, s, strlen(s), NULL);
	put(d, buf);
	mem_free(buf);
	put(d, "\"");
}

static void
put_value(struct dump *d, const struct opt *o, const void *v)
{
	char *text = opt_print(o, v);

	if (o->type == OPT_FLAGS)
		put(d, text);
	else
		put_scalar(d, text);
	mem_free(text);
}

static void
put_many(struct dump *d, const struct opt *o, const struct conf_list *l)
{
	if (l->n == 0 && o->zero) {
		put(d, o->zero);
		return;
	}
	put(d, "[");
	for (size_t i = 0; i < l->n; i++) {
		put(d, i > 0 ? ", " : "");
		put_value(d, o, conf_list_at(l, opt_codec(o)->size, i));
	}
	put(d, "]");
}

/* Is there anything to say about that option? */
static bool
has_value(const struct opt *o, const void *base)
{
	if (o->flags & OPT_F_NODUMP)
		return false;
	if (o->needs && !opt_is_set(base, opt_find(o->needs)))
		return false;
	if (o->flags & OPT_F_DUMP_SET)
		return opt_is_set(base, o);
	if (o->flags & OPT_F_ONE)
		return ((const struct conf_list *)opt_cfield(o, base))->n > 0;
	if (o->type == OPT_MAP || o->type == OPT_LIST)
		return true;
	return opt_is_set(base, o) || o->dflt || o->inherit || o->zero;
}

/* Does a map have any member to print? It may although it has the flag NODUMP itself. */
static bool
has_members(const struct opt *map, const void *base)
{
	const struct opt *o = NULL;

	while ((o = opt_next_child(map, o)))
		if (o->type == OPT_MAP ? has_members(o, base) : has_value(o, base))
			return true;
	return false;
}

/* The value of an option that is no map and no list of maps. */
static void
put_scalar_option(struct dump *d, const struct opt *o, const void *base)
{
	if (o->flags & OPT_F_MANY)
		put_many(d, o, opt_cfield(o, base));
	else
		put_value(d, o, opt_cfield(o, base));
}

char *
conf_option_text(const struct opt *o, const void *base)
{
	struct dump d = { NULL, 0, 0 };

	put(&d, "");
	if (has_value(o, base))
		put_scalar_option(&d, o, base);
	return d.s;
}

static void put_members(
    struct dump *d, const struct opt *parent, const void *base, unsigned depth, bool in_item);

static void
put_named(struct dump *d, const struct opt *o, const struct conf_list *l, unsigned depth)
{
	size_t len;

	put(d, "\n");
	for (size_t i = 0; i < l->n; i++) {
		indent(d, depth + 1);
		put_scalar(d, *opt_name_of(conf_list_at(l, o->elem, i)));
		put(d, ":\n");
		len = d->len;
		put_members(d, o, conf_list_at(l, o->elem, i), depth + 2, false);
		if (d->len == len) {
			d->len--;
			put(d, " {}\n");
		}
	}
}

static void
put_list(struct dump *d, const struct opt *o, const struct conf_list *l, unsigned depth)
{
	if (l->n == 0) {
		put(d, o->flags & OPT_F_NAMED ? " {}\n" : " []\n");
		return;
	}
	if (o->flags & OPT_F_NAMED) {
		put_named(d, o, l, depth);
		return;
	}
	put(d, "\n");
	for (size_t i = 0; i < l->n; i++) {
		indent(d, depth + 1);
		put(d, "- ");
		put_members(d, o, conf_list_at(l, o->elem, i), depth + 2, true);
	}
}

static void
put_option(struct dump *d, const struct opt *o, const void *base, unsigned depth, bool first)
{
	if (!first)
		indent(d, depth);
	put(d, opt_key(o));
	put(d, ":");
	if (o->type == OPT_MAP) {
		put(d, "\n");
		put_members(d, o, base, depth + 1, false);
		return;
	}
	if (o->flags & OPT_F_ONE) {
		put(d, "\n");
		put_members(d, o, ((const struct conf_list *)opt_cfield(o, base))->v, depth + 1, false);
		return;
	}
	if (o->type == OPT_LIST) {
		put_list(d, o, opt_cfield(o, base), depth);
		return;
	}
	put(d, " ");
	put_scalar_option(d, o, base);
	put(d, "\n");
}

/* Members one per line; in_item: the first one stands behind "- ". */
static void
put_members(
    struct dump *d, const struct opt *parent, const void *base, unsigned depth, bool in_item)
{
	const struct opt *o = NULL;
	bool first = in_item;

	while ((o = opt_next_child(parent, o))) {
		if (o->type == OPT_MAP ? !has_members(o, base) : !has_value(o, base))
			continue;
		put_option(d, o, base, depth, first);
		first = false;
	}
}

char *
conf_dump(const struct conf *c)
{
	struct dump d = { NULL, 0, 0 };

	put(&d, "");
	put_members(&d, NULL, c, 0, false);
	return d.s;
}
