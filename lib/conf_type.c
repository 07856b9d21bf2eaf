/*
 * What all types of option values share: the word for zero, and dispatch.
 */
#include "lib/conf_type.h"

#include <assert.h>
#include <string.h>

#include "lib/mem.h"

const struct opt_codec *
opt_codec(const struct opt *o)
{
	if (conf_types_plain[o->type].size > 0)
		return &conf_types_plain[o->type];
	assert(conf_types_net[o->type].size > 0);
	return &conf_types_net[o->type];
}

/* off, false and no are one word; so are on, true and yes. */
static const char *
same_word(const char *text)
{
	static const char *const off[] = { "off", "false", "no", NULL };

	for (size_t i = 0; off[i]; i++)
		if (strcmp(text, off[i]) == 0)
			return off[0];
	return text;
}

bool
opt_is_zero_word(const struct opt *o, const char *text)
{
	return o->zero && strcmp(same_word(o->zero), same_word(text)) == 0;
}

bool
opt_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	const struct opt_codec *c = opt_codec(o);

	memset(ret, 0, c->size);
	if (!(o->flags & OPT_F_MANY) && opt_is_zero_word(o, text))
		return true;
	return c->parse(o, text, ret, why);
}

static bool
is_all_zeros(const void *v, size_t n)
{
	const unsigned char *p = v;

	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

char *
opt_print(const struct opt *o, const void *v)
{
	const struct opt_codec *c = opt_codec(o);

	if (o->zero && !(o->flags & OPT_F_MANY) && is_all_zeros(v, c->size))
		return mem_strdup(o->zero);
	return c->print(o, v);
}

char *
opt_wanted(const struct opt *o)
{
	char *one, *all;

	if (o->type == OPT_MAP || (o->flags & OPT_F_ONE))
		return mem_strdup("a mapping (key: value)");
	if (o->type == OPT_LIST && (o->flags & OPT_F_NAMED))
		return mem_strdup("a mapping of names to mappings (name: {key: value})");
	if (o->type == OPT_LIST)
		return mem_strdup("a list of mappings (- key: value)");
	one = opt_codec(o)->wanted(o);
	if (o->flags & OPT_F_MANY || o->type == OPT_FLAGS)
		all = mem_printf(
		    "%s%s%s or a list", o->zero ? o->zero : "", o->zero ? ", " : "", one);
	else if (o->zero)
		all = mem_printf("%s, or %s", o->zero, one);
	else
		return one;
	mem_free(one);
	return all;
}

void
opt_clear(const struct opt *o, void *v)
{
	if (!opt_codec(o)->owns)
		return;
	mem_free(*(char **)v);
	*(char **)v = NULL;
}
