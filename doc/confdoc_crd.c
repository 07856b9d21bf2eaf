/*
 * The option table as CustomResourceDefinitions (apiextensions.k8s.io/v1), as YAML.
 *
 * A structural schema says less than the table: each value has one type, so that `off` beside a name
 * has to be quoted, lists are lists and other names of keys are unknown. What it cannot say (one
 * value against another) `weft check` and the status of an object do.
 */
#include <stdarg.h>
#include <string.h>

#include "doc/confdoc.h"
#include "lib/conf_parts.h"
#include "lib/conf_type.h"
#include "lib/mem.h"

#define OCTET  "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
#define IP4    "(" OCTET "\\.){3}" OCTET
#define IP6    "[0-9a-fA-F:]*:[0-9a-fA-F:.]+"
#define NAME   "[^ \"'`\\\\,]+"
#define LENGTH "[0-9]+(ms|s|m|h|d)"

/* What a text of that type looks like, without ^ and $; none: any text. */
static const char *const patterns[OPT_NTYPES] = {
	[OPT_DURATION] = LENGTH,
	[OPT_INTERVAL] = LENGTH,
	[OPT_BFD] = NAME,
	[OPT_PERCENT] = "[0-9]+%",
	[OPT_NAME] = NAME,
	[OPT_ENVNAME] = "[A-Za-z_][A-Za-z0-9_]*",
	[OPT_IFNAME] = "[^ /]{1,15}",
	[OPT_IFSTR] = "[^ /]{1,15}",
	[OPT_ADDR] = IP4 "|" IP6,
	[OPT_ROUTERID] = IP4,
	[OPT_PREFIX] = IP4 "/[0-9]{1,2}|" IP6 "/[0-9]{1,3}",
	[OPT_PREFIX_OR_ADDR] = IP4 "(/[0-9]{1,2})?|" IP6 "(/[0-9]{1,3})?",
	[OPT_RANGE] = IP4 "(/[0-9]{1,2})?|" IP6 "(/[0-9]{1,3})?|" IP4 " *- *" IP4 "|" IP6 " *- *" IP6,
	[OPT_ASN] = "[0-9]+(\\.[0-9]+)?",
	[OPT_REMOTE_AS] = "internal|external|[0-9]+(\\.[0-9]+)?",
	[OPT_PEER_ADDR] = IP4 "(:[0-9]+)?|\\[?" IP6 "(%[^ \\]]+)?(\\](:[0-9]+)?)?",
	[OPT_MULTIHOP] = "true",
	[OPT_ENDPOINT] = ".+:[0-9]+",
	[OPT_COMMUNITY] = NAME,
	[OPT_COMMUNITY_ANY] = NAME,
	[OPT_COMMUNITY_VALUE] = "[0-9]+:[0-9]+(:[0-9]+)?|[a-z-]+",
};

struct column {
	const char *name, *path, *type, *brief;
};

struct crd {
	const char *kind, *plural, *short_name;
	const char *list; /* the list whose elements its spec is; NULL: the file's own keys */
	const char *name; /* pattern of metadata.name, NULL: any */
	const char *brief;
	struct column column[4];
};

static const struct crd crds[] = {
	{ "BGPConfiguration", "bgpconfigurations", "bgpconf", NULL, "^(default|node\\..+)$",
	    "What is the same on all nodes (name default), or on one node (name node. and the node's "
	    "name, whose values take the place of others).",
	    { { "AS", ".spec.bgp.asNumber", "string", "AS number" },
		{ "Hold", ".spec.bgp.timers.hold", "string", "hold time" } } },
	{ "BGPPeer", "bgppeers", "bgpp", "peers", NULL, "A BGP peer of all nodes, or of some.",
	    { { "Peer", ".spec.peerIP", "string", "address of the peer" },
		{ "AS", ".spec.asNumber", "string", "its AS number" } } },
	{ "BGPFilter", "bgpfilters", "bgpf", "filters", NULL,
	    "Rules that accept, reject and change routes; peers name them.", { { NULL } } },
	{ "BGPAdvertisement", "bgpadvertisements", "bgpadv", "advertisements", NULL,
	    "Something that nodes announce, beside what the file says.",
	    { { "Type", ".spec.type", "string", "kind of prefixes" } } },
};

struct emit {
	FILE *f;
	unsigned depth;
	bool item; /* the next line begins an element */
};

static void __attribute__((format(printf, 2, 3)))
line(struct emit *e, const char *fmt, ...)
{
	va_list ap;

	fprintf(e->f, "%*s%s", (int)(e->item ? e->depth - 1 : e->depth) * 2, "", e->item ? "- " : "");
	e->item = false;
	va_start(ap, fmt);
	vfprintf(e->f, fmt, ap);
	va_end(ap);
	fputc('\n', e->f);
}

/* A text in double quotes. */
static void
text(struct emit *e, const char *key, const char *s)
{
	char *quoted = mem_alloc(2 * strlen(s) + 1), *to = quoted;

	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			*to++ = '\\';
		*to++ = *s;
	}
	*to = '\0';
	line(e, "%s%s\"%s\"", key, *key ? ": " : "", quoted);
	mem_free(quoted);
}

static void
open_map(struct emit *e, const char *key)
{
	line(e, "%s:", key);
	e->depth++;
}

static void
close_map(struct emit *e)
{
	e->depth--;
}

/* ---- values -------------------------------------------------------------------- */

static bool
is_boolean_word(const char *w)
{
	return strcmp(w, "true") == 0 || strcmp(w, "false") == 0 || strcmp(w, "on") == 0 ||
	    strcmp(w, "off") == 0;
}

/* Words, of which some are booleans where they are not quoted. */
static void
put_words(struct emit *e, const struct opt *o)
{
	bool any = false, is_true, is_false, seen_true = false, seen_false = false;

	for (size_t i = 0; o->words[i]; i++)
		any |= is_boolean_word(o->words[i]);
	line(e, any ? "x-kubernetes-preserve-unknown-fields: true" : "type: string");
	line(e, "enum:");
	for (size_t i = 0; o->words[i]; i++) {
		const char *w = o->words[i];

		line(e, "- \"%s\"", w);
		is_true = strcmp(w, "true") == 0 || strcmp(w, "on") == 0;
		is_false = strcmp(w, "false") == 0 || strcmp(w, "off") == 0;
		if (is_true && !seen_true)
			line(e, "- true");
		if (is_false && !seen_false)
			line(e, "- false");
		seen_true |= is_true;
		seen_false |= is_false;
	}
}

static void
put_pattern(struct emit *e, const struct opt *o)
{
	const char *p = patterns[o->type], *zero = o->zero;
	char *all;

	if (!p)
		return;
	all = zero ? mem_printf("^(%s|%s)$", zero, p) : mem_printf("^(%s)$", p);
	text(e, "pattern", all);
	mem_free(all);
}

/* A number or a text. */
static void
put_int_or_string(struct emit *e, const struct opt *o, uint64_t min, uint64_t max)
{
	line(e, "x-kubernetes-int-or-string: true");
	line(e, "minimum: %llu", (unsigned long long)min);
	line(e, "maximum: %llu", (unsigned long long)max);
	if (patterns[o->type])
		put_pattern(e, o);
	else
		line(e, "pattern: \"^(%s)$\"", o->zero);
}

static void
put_number(struct emit *e, const struct opt *o)
{
	if (o->zero && strspn(o->zero, "0123456789") != strlen(o->zero)) {
		put_int_or_string(e, o, o->min, o->max);
		return;
	}
	line(e, "type: integer");
	line(e, "format: int64");
	line(e, "minimum: %llu", (unsigned long long)(o->zero ? 0 : o->min));
	line(e, "maximum: %llu", (unsigned long long)o->max);
}

/* true, or a number. */
static void
put_multihop(struct emit *e)
{
	line(e, "x-kubernetes-preserve-unknown-fields: true");
	line(e, "minimum: 1");
	line(e, "maximum: 255");
	line(e, "pattern: \"^(true|false)$\"");
	line(e, "maxItems: 0");
	line(e, "maxProperties: 0");
}

static void
put_value(struct emit *e, const struct opt *o)
{
	if (o->type == OPT_BOOL) {
		line(e, "type: boolean");
	} else if (o->words) {
		put_words(e, o);
	} else if (o->type == OPT_UINT || o->type == OPT_TABLE || o->type == OPT_PROTOCOL) {
		put_number(e, o);
	} else if (o->type == OPT_INTERVAL) {
		put_int_or_string(e, o, o->zero ? 0 : o->min, o->max);
	} else if (o->type == OPT_DURATION && (o->min == 0 || (o->zero && strcmp(o->zero, "0") == 0))) {
		put_int_or_string(e, o, 0, 0);
	} else if (o->type == OPT_ASN || o->type == OPT_REMOTE_AS) {
		put_int_or_string(e, o, 1, UINT32_MAX - 1);
	} else if (o->type == OPT_MULTIHOP) {
		put_multihop(e);
	} else if (o->type == OPT_SELECTOR) {
		line(e, "x-kubernetes-preserve-unknown-fields: true");
		line(e, "maxItems: 0");
	} else {
		line(e, "type: string");
		if (o->max > 0 && (o->type == OPT_TEXT || o->type == OPT_NAME || o->type == OPT_FILE))
			line(e, "maxLength: %llu", (unsigned long long)o->max);
		put_pattern(e, o);
	}
}

static void
put_description(struct emit *e, const struct opt *o, bool briefly)
{
	char *dflt = briefly ? NULL : confdoc_default(o);
	char *all = mem_printf("%s.%s%s%s%s%s", o->brief, o->doc && !briefly ? " " : "",
	    o->doc && !briefly ? o->doc : "", dflt ? " Default: " : "", dflt ? dflt : "",
	    dflt ? "." : "");

	text(e, "description", all);
	mem_free(dflt);
	mem_free(all);
}

/* ---- members --------------------------------------------------------------------- */

static void put_members(struct emit *e, const struct opt *parent, bool briefly);

static void
put_list(struct emit *e, const struct opt *o, bool briefly)
{
	if (o->flags & OPT_F_NAMED) {
		line(e, "type: object");
		line(e, "maxProperties: %llu", (unsigned long long)o->max);
		open_map(e, "additionalProperties");
	} else {
		line(e, "type: array");
		line(e, "maxItems: %llu", (unsigned long long)o->max);
		open_map(e, "items");
	}
	put_members(e, o, briefly || o->like);
	close_map(e);
}

static void
put_option(struct emit *e, const struct opt *o, bool briefly)
{
	open_map(e, opt_key(o));
	put_description(e, o, briefly);
	if (o->type == OPT_MAP || (o->flags & OPT_F_ONE)) {
		put_members(e, o, briefly || o->like);
	} else if (o->type == OPT_LIST) {
		put_list(e, o, briefly);
	} else if ((o->flags & OPT_F_MANY) || o->type == OPT_FLAGS) {
		line(e, "type: array");
		line(e, "maxItems: %llu", (unsigned long long)o->max);
		if (o->flags & OPT_F_NONEMPTY)
			line(e, "minItems: 1");
		open_map(e, "items");
		put_value(e, o);
		close_map(e);
	} else {
		put_value(e, o);
	}
	close_map(e);
}

/* May a member stand in an object: not a name, which is the object's, nor what is the file's. */
static bool
is_member(const struct opt *parent, const struct opt *o)
{
	static const char *const who[] = { "peers[].peerIP", "peers[].node", "peers[].nodeSelector",
		"peers[].peerSelector", "peers[].listenRange", "peers[].maxPeers", "peers[].forgetAfter",
		"peers[].interface", "peers[].asNumber", "peers[].routeReflectorClient" };

	if (!parent)
		return conf_part_keeps(o->path);
	for (size_t i = 0; (parent->flags & OPT_F_ONE) && i < sizeof(who) / sizeof(who[0]); i++)
		if (strcmp(o->path, who[i]) == 0)
			return false; /* the nodes say who the peer is */
	return strcmp(o->path, "peers[].name") != 0;
}

/* Several names for what is required: alternatives. */
static void
put_alternatives(struct emit *e, const struct opt *o)
{
	open_map(e, "anyOf");
	line(e, "- required: [%s]", opt_key(o));
	for (size_t i = 0; i < OPT_NINSTEAD && o->instead[i]; i++)
		line(e, "- required: [%s]", opt_key(opt_find(o->instead[i])));
	close_map(e);
}

/* What an element has to have; of a whole each part may have what others have not. */
static void
put_required(struct emit *e, const struct opt *parent)
{
	const struct opt *m = NULL;
	bool open = false, all_of = false;

	if (!parent || (parent->flags & OPT_F_ONE) ||
	    (parent->type != OPT_LIST && !strstr(parent->path, "[]")))
		return;
	while ((m = opt_next_child(parent, m))) {
		if (!opt_is_required(parent, m) || m->instead[0])
			continue;
		if (!open)
			line(e, "required:");
		open = true;
		line(e, "- %s", opt_key(m));
	}
	while ((m = opt_next_child(parent, m))) {
		if (!opt_is_required(parent, m) || !m->instead[0])
			continue;
		if (!all_of) {
			line(e, "allOf:");
			e->depth++;
		}
		all_of = true;
		e->item = true;
		put_alternatives(e, m);
	}
	if (all_of)
		e->depth--;
}

static void
put_members(struct emit *e, const struct opt *parent, bool briefly)
{
	const struct opt *m = NULL;

	line(e, "type: object");
	open_map(e, "properties");
	while ((m = opt_next_child(parent, m)))
		if (is_member(parent, m))
			put_option(e, m, briefly);
	close_map(e);
	put_required(e, parent);
}

/* ---- one definition ---------------------------------------------------------------- */

static void
put_status(struct emit *e)
{
	static const char *const texts[] = { "type", "reason", "message" };

	open_map(e, "status");
	line(e, "description: \"What weft says of the object; the node that said it stands in the message.\"");
	line(e, "type: object");
	open_map(e, "properties");
	line(e, "observedGeneration: {type: integer, format: int64}");
	open_map(e, "conditions");
	line(e, "type: array");
	line(e, "x-kubernetes-list-type: map");
	line(e, "x-kubernetes-list-map-keys: [type]");
	open_map(e, "items");
	line(e, "type: object");
	line(e, "required: [type, status]");
	open_map(e, "properties");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		line(e, "%s: {type: string}", texts[i]);
	line(e, "status: {type: string, enum: [\"True\", \"False\", \"Unknown\"]}");
	line(e, "observedGeneration: {type: integer, format: int64}");
	line(e, "lastTransitionTime: {type: string, format: date-time}");
	close_map(e);
	close_map(e);
	close_map(e);
	close_map(e);
	close_map(e);
}

static void
put_column(struct emit *e, const struct column *c)
{
	e->item = true;
	e->depth++;
	line(e, "name: %s", c->name);
	line(e, "type: %s", c->type);
	text(e, "description", c->brief);
	text(e, "jsonPath", c->path);
	close_map(e);
}

static void
put_columns(struct emit *e, const struct crd *c)
{
	static const struct column always[] = {
		{ "Accepted", ".status.conditions[?(@.type==\"Accepted\")].status", "string",
		    "is it in force as it is written" },
		{ "Age", ".metadata.creationTimestamp", "date", "since it was created" },
	};

	line(e, "additionalPrinterColumns:");
	for (size_t i = 0; c->column[i].name; i++)
		put_column(e, &c->column[i]);
	put_column(e, &always[0]);
	put_column(e, &always[1]);
}

static void
put_schema(struct emit *e, const struct crd *c)
{
	open_map(e, "schema");
	open_map(e, "openAPIV3Schema");
	line(e, "type: object");
	text(e, "description", c->brief);
	line(e, "required: [spec]");
	open_map(e, "properties");
	line(e, "apiVersion: {type: string}");
	line(e, "kind: {type: string}");
	open_map(e, "metadata");
	line(e, "type: object");
	open_map(e, "properties");
	open_map(e, "name");
	line(e, "type: string");
	line(e, "maxLength: %d", CONF_NAME_MAX);
	if (c->name)
		text(e, "pattern", c->name);
	close_map(e);
	close_map(e);
	close_map(e);
	open_map(e, "spec");
	put_members(e, c->list ? opt_find(c->list) : NULL, false);
	close_map(e);
	put_status(e);
	close_map(e);
	close_map(e);
	close_map(e);
}

static void
put_crd(FILE *f, const struct crd *c)
{
	struct emit e = { .f = f };

	line(&e, "# Made from the option table (doc/confdoc crd); see weft.yaml(5).");
	line(&e, "apiVersion: apiextensions.k8s.io/v1");
	line(&e, "kind: CustomResourceDefinition");
	open_map(&e, "metadata");
	line(&e, "name: %s.weft.dev", c->plural);
	close_map(&e);
	open_map(&e, "spec");
	line(&e, "group: weft.dev");
	line(&e, "scope: Cluster");
	open_map(&e, "names");
	line(&e, "kind: %s", c->kind);
	line(&e, "listKind: %sList", c->kind);
	line(&e, "plural: %s", c->plural);
	line(&e, "singular: %.*s", (int)strlen(c->plural) - 1, c->plural);
	line(&e, "shortNames: [%s]", c->short_name);
	line(&e, "categories: [weft]");
	close_map(&e);
	line(&e, "versions:");
	e.item = true;
	e.depth++;
	line(&e, "name: v1alpha1");
	line(&e, "served: true");
	line(&e, "storage: true");
	line(&e, "subresources: {status: {}}");
	put_columns(&e, c);
	put_schema(&e, c);
}

bool
confdoc_crd(FILE *f, const char *plural)
{
	for (size_t i = 0; i < sizeof(crds) / sizeof(crds[0]); i++)
		if (strcmp(crds[i].plural, plural) == 0) {
			put_crd(f, &crds[i]);
			return true;
		}
	return false;
}
