/*
 * The option table as JSON Schema, draft 7 (what editors with a YAML language
 * server take). It knows types, ranges, words and names; contradictions between
 * options are found by `weft check` alone.
 */
#include <string.h>

#include "doc/confdoc.h"
#include "lib/conf_type.h"
#include "lib/mem.h"
#include "lib/out.h"

/* Patterns of types that are texts; none: any text. */
static const char *const patterns[OPT_NTYPES] = {
	[OPT_DURATION] = "^[0-9]+(ms|s|m|h|d)$",
	[OPT_INTERVAL] = "^[0-9]+(ms|s|m|h|d)$",
	[OPT_BFD] = "^[^ \"'`\\\\,]+$",
	[OPT_PERCENT] = "^[0-9]+%$",
	[OPT_NAME] = "^[^ \"'`\\\\,]+$",
	[OPT_ENVNAME] = "^[A-Za-z_][A-Za-z0-9_]*$",
	[OPT_COMMUNITY_ANY] = "^[^ \"'`\\\\,]+$",
	[OPT_PREFIX] = "^([0-9a-fA-F:.]+/[0-9]+|.*\\$\\{.*)$",
	[OPT_ENDPOINT] = "^.+:[0-9]+$",
	[OPT_COMMUNITY_VALUE] = "^([0-9]+:[0-9]+(:[0-9]+)?|[a-z-]+)$",
};

static void
put_words(struct out *o, const char *const *words)
{
	out_open_array(o, "enum");
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(words[i], "true") == 0 || strcmp(words[i], "false") == 0)
			out_bool(o, NULL, words[i][0] == 't'); /* as a YAML reader sees it */
		else
			out_str(o, NULL, words[i]);
	}
	out_close(o);
}

/* {type: string, pattern: ...} */
static void
put_string(struct out *o, const char *key, const char *pattern)
{
	out_open(o, key);
	out_str(o, "type", "string");
	if (pattern)
		out_str(o, "pattern", pattern);
	out_close(o);
}

static void
put_integer(struct out *o, const char *key, uint64_t min, uint64_t max)
{
	out_open(o, key);
	out_str(o, "type", "integer");
	out_u64(o, "minimum", min);
	out_u64(o, "maximum", max);
	out_close(o);
}

static void
put_boolean(struct out *o, const char *key)
{
	out_open(o, key);
	out_str(o, "type", "boolean");
	out_close(o);
}

/* The alternatives of one value, as elements of "anyOf". */
static void
put_alternatives(struct out *o, const struct opt *opt)
{
	static const char *const off[] = { "off", "false", "no", NULL };
	const char *zero[] = { opt->zero, NULL };
	bool is_off =
	    opt->zero && (strcmp(opt->zero, "off") == 0 || strcmp(opt->zero, "false") == 0);

	if (opt->type == OPT_BOOL || opt->type == OPT_BFD || is_off) /* off is a boolean to some parsers */
		put_boolean(o, NULL);
	if (opt->zero) {
		out_open(o, NULL);
		put_words(o, is_off ? off : zero);
		out_close(o);
	}
	if (opt->type == OPT_UINT || opt->type == OPT_INTERVAL)
		put_integer(o, NULL, opt->min, opt->max);
	else if (opt->type == OPT_DURATION && (opt->min == 0 || opt->zero))
		put_integer(o, NULL, 0, 0);
	else if (opt->type == OPT_MULTIHOP)
		put_integer(o, NULL, 1, 255);
	else if (opt->type == OPT_TABLE || opt->type == OPT_ASN || opt->type == OPT_REMOTE_AS)
		put_integer(o, NULL, 1, UINT32_MAX - (opt->type != OPT_TABLE));
	else if (opt->type == OPT_PROTOCOL)
		put_integer(o, NULL, 1, 255);
	if (opt->words) {
		out_open(o, NULL);
		put_words(o, opt->words);
		out_close(o);
	}
	if (opt->type == OPT_ASN || opt->type == OPT_REMOTE_AS) { /* asdot looks like a number */
		out_open(o, NULL);
		out_str(o, "type", "number");
		out_close(o);
	}
	if (opt->type == OPT_SELECTOR) { /* a label map */
		out_open(o, NULL);
		out_str(o, "type", "object");
		out_close(o);
	}
	if (!opt->words && opt->type != OPT_UINT && opt->type != OPT_BOOL)
		put_string(o, NULL, patterns[opt->type]);
}

/* The value's schema, inside the option's object. */
static void
put_value(struct out *o, const struct opt *opt)
{
	out_open_array(o, "anyOf");
	put_alternatives(o, opt);
	if ((opt->flags & OPT_F_MANY) || opt->type == OPT_FLAGS) {
		out_open(o, NULL);
		out_str(o, "type", "array");
		out_u64(o, "maxItems", opt->max);
		if (opt->flags & OPT_F_NONEMPTY)
			out_u64(o, "minItems", 1);
		out_open(o, "items");
		out_open_array(o, "anyOf");
		put_alternatives(o, opt);
		out_close(o);
		out_close(o);
		out_close(o);
	}
	out_close(o);
}

static void
put_description(struct out *o, const struct opt *opt)
{
	char *dflt = confdoc_default(opt);

	out_fmt(o, "description", "%s.%s%s%s%s%s", opt->brief, opt->doc ? " " : "",
	    opt->doc ? opt->doc : "", dflt ? " Default: " : "", dflt ? dflt : "", dflt ? "." : "");
	mem_free(dflt);
}

static void
put_one_required(struct out *o, const char *key)
{
	out_open(o, NULL);
	out_open_array(o, "required");
	out_str(o, NULL, key);
	out_close(o);
	out_close(o);
}

/* One of the names of a required option has to be there. */
static void
put_required(struct out *o, const struct opt *opt)
{
	out_open(o, NULL);
	out_open_array(o, "anyOf");
	put_one_required(o, opt_key(opt));
	for (size_t i = 0; opt->aliases && opt->aliases[i]; i++)
		put_one_required(o, opt->aliases[i]);
	for (size_t i = 0; i < OPT_NINSTEAD && opt->instead[i]; i++)
		put_one_required(o, opt_key(opt_find(opt->instead[i])));
	out_close(o);
	out_close(o);
}

static void put_members(struct out *o, const struct opt *parent);

/* An element of a list of maps, or the plain value that stands for one. */
static void
put_element(struct out *o, const struct opt *list)
{
	if (!list->scalar) {
		put_members(o, list);
		return;
	}
	out_open_array(o, "anyOf");
	put_alternatives(o, opt_find(list->scalar));
	out_open(o, NULL);
	out_open_array(o, "allOf");
	out_open(o, NULL);
	out_fmt(o, "$ref", "#/properties/%s/items", list->like);
	out_close(o);
	put_one_required(o, opt_key(opt_find(list->scalar)));
	out_close(o);
	out_close(o);
	out_close(o);
}

static void
put_option(struct out *o, const char *key, const struct opt *opt)
{
	out_open(o, key);
	put_description(o, opt);
	if (opt->type == OPT_MAP && opt->scalar) {
		out_open_array(o, "anyOf");
		put_alternatives(o, opt_find(opt->scalar));
		out_open(o, NULL);
		put_members(o, opt);
		out_close(o);
		out_close(o);
	} else if (opt->type == OPT_MAP || (opt->flags & OPT_F_ONE)) {
		put_members(o, opt);
	} else if (opt->type == OPT_LIST && (opt->flags & OPT_F_NAMED)) {
		out_open_array(o, "type");
		out_str(o, NULL, "object");
		out_str(o, NULL, "null");
		out_close(o);
		out_u64(o, "maxProperties", opt->max);
		out_open(o, "additionalProperties");
		put_members(o, opt);
		out_close(o);
	} else if (opt->type == OPT_LIST) {
		out_open_array(o, "type");
		out_str(o, NULL, "array");
		out_str(o, NULL, "null");
		out_close(o);
		out_u64(o, "maxItems", opt->max);
		out_open(o, "items");
		put_element(o, opt);
		out_close(o);
	} else {
		put_value(o, opt);
	}
	out_close(o);
}

/* A map's members, inside the object of the map. */
static void
put_members(struct out *o, const struct opt *parent)
{
	const struct opt *m = NULL;
	bool required = false;

	out_open_array(o, "type");
	out_str(o, NULL, "object");
	out_str(o, NULL, "null");
	out_close(o);
	out_bool(o, "additionalProperties", false);
	out_open(o, "properties");
	while ((m = opt_next_child(parent, m))) {
		put_option(o, opt_key(m), m);
		for (size_t i = 0; m->aliases && m->aliases[i]; i++)
			put_option(o, m->aliases[i], m);
		required |= opt_is_required(parent, m);
	}
	out_open(o, "<<"); /* merge */
	out_close(o);
	out_close(o);
	if (!required)
		return;
	out_open_array(o, "allOf");
	while ((m = opt_next_child(parent, m)))
		if (opt_is_required(parent, m))
			put_required(o, m);
	out_close(o);
}

void
confdoc_schema(FILE *f)
{
	struct out o;

	out_init(&o, true);
	out_open(&o, NULL);
	out_str(&o, "$schema", "http://json-schema.org/draft-07/schema#");
	out_str(&o, "title", "weft.yaml");
	out_str(&o, "description", "Configuration of weft; see weft.yaml(5).");
	put_members(&o, NULL);
	out_close(&o);
	fprintf(f, "%s\n", out_text(&o));
	out_free(&o);
}
