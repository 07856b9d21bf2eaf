/*
 * libyaml's events to a tree with positions. See yamlcfg.h for what is allowed.
 *
 * The text is checked as a whole first (size, encoding, control characters), so
 * that libyaml's reader has nothing left to complain about. Composing recurses at
 * most YAMLCFG_DEPTH_MAX deep. Whatever ends the reading is reported once, where it
 * is found; every function below then returns NULL or false without a word.
 */
#include "lib/yamlcfg.h"

#include <string.h>
#include <yaml.h>

#include "lib/conf_err.h"
#include "lib/conf_path.h"
#include "lib/mem.h"
#include "lib/out.h"

#define ANCHORS_MAX 256
#define KEYS_MAX    500 /* of one mapping; no option has so many members */

struct compose {
	yaml_parser_t parser;
	const char *text;
	size_t len;
	struct conf_errs *errs;
	struct ydoc_origin from;
	struct ydoc *doc;
	struct conf_path path;
	struct ynode *anchor[ANCHORS_MAX];
	size_t nanchors;
	unsigned depth;
};

static struct ynode *compose_node(struct compose *c, const yaml_event_t *ev);

static void
complain(struct compose *c, uint32_t line, uint32_t col, const char *what, const char *hint)
{
	conf_errs_add(c->errs, &(struct conf_err){ .part = c->from.part,
				   .line = line,
				   .col = col,
				   .path = c->path.len > 0 ? c->path.buf : NULL,
				   .wanted = what,
				   .hint = hint });
}

/* The same for a line and column of the text, not of what it is a part of. */
static void
complain_text(struct compose *c, uint32_t line, uint32_t col, const char *what, const char *hint)
{
	complain(c, line ? line + c->from.line : 0, col ? col + c->from.col : 0, what, hint);
}

static void
complain_ev(struct compose *c, const yaml_event_t *ev, const char *what, const char *hint)
{
	complain_text(
	    c, (uint32_t)ev->start_mark.line + 1, (uint32_t)ev->start_mark.column + 1, what, hint);
}

/* ---- the text as a whole ------------------------------------------------- */

/* False at the first octet that has no business in a configuration. */
static bool
check_octets(struct compose *c)
{
	uint32_t line = 1, col = 1;
	char what[64];
	size_t n;

	for (size_t i = 0; i < c->len; i += n, col++) {
		n = utf8_len(c->text + i, c->len - i);
		if (n == 0) {
			snprintf(what, sizeof(what), "octet 0x%02x is not UTF-8",
			    (unsigned char)c->text[i]);
			complain_text(c, line, col, what, "save the file as UTF-8");
			return false;
		}
		if (c->text[i] == '\n') {
			line++;
			col = 0;
		} else if (((unsigned char)c->text[i] < 0x20 && !strchr("\t\r", c->text[i])) ||
			   c->text[i] == '\0' || c->text[i] == 0x7f) {
			snprintf(what, sizeof(what), "control character 0x%02x",
			    (unsigned char)c->text[i]);
			complain_text(c, line, col, what, NULL);
			return false;
		}
	}
	return true;
}

static bool
check_text(struct compose *c)
{
	static const char *const boms[] = { "\xef\xbb\xbf", "\xff\xfe", "\xfe\xff" };

	if (c->len > CONF_TEXT_MAX) {
		complain(c, 0, 0, "the file is larger than 4 MiB", NULL);
		return false;
	}
	for (size_t i = 0; i < sizeof(boms) / sizeof(boms[0]); i++) {
		if (c->len < strlen(boms[i]) || memcmp(c->text, boms[i], strlen(boms[i])) != 0)
			continue;
		complain_text(c, 1, 1, "the file begins with a byte order mark",
		    "save it as UTF-8 without one");
		return false;
	}
	return check_octets(c);
}

/* ---- syntax errors ------------------------------------------------------- */

/* Where line (from 0) begins. */
static const char *
line_start(const struct compose *c, size_t line)
{
	const char *p = c->text, *end = c->text + c->len, *nl;

	while (line-- > 0 && (nl = memchr(p, '\n', (size_t)(end - p))))
		p = nl + 1;
	return p;
}

/* Column (from 1) of a tab in the indentation of that line (from 0), or 0. */
static uint32_t
tab_column(const struct compose *c, size_t line)
{
	const char *p = line_start(c, line), *end = c->text + c->len;
	uint32_t col = 1;

	while (p < end && *p == ' ') {
		p++;
		col++;
	}
	return p < end && *p == '\t' ? col : 0;
}

static const char *
syntax_hint(const char *problem)
{
	static const struct {
		const char *problem, *hint;
	} hints[] = {
		{ "mapping values are not allowed in this context",
		    "a text with \": \" in it needs quotes; or the indentation is off" },
		{ "did not find expected key", "the indentation does not fit the lines above" },
		{ "did not find expected '-' indicator",
		    "the indentation does not fit the list above" },
		{ "could not find expected ':'", "a key without its colon?" },
		{ "found character that cannot start any token",
		    "a text that begins with this character needs quotes" },
		{ "found unexpected end of stream", "a quote that is never closed?" },
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strcmp(hints[i].problem, problem) == 0)
			return hints[i].hint;
	return NULL;
}

static void
syntax_error(struct compose *c)
{
	const yaml_parser_t *p = &c->parser;
	uint32_t line = (uint32_t)p->problem_mark.line + 1;
	uint32_t tab = tab_column(c, p->problem_mark.line);
	char what[256];

	c->path.len = 0;
	if (tab > 0) {
		complain_text(c, line, tab, "a tab in the indentation", "indent with spaces");
		return;
	}
	snprintf(what, sizeof(what), "not valid YAML: %s", p->problem ? p->problem : "unreadable");
	complain_text(c, line, (uint32_t)p->problem_mark.column + 1, what,
	    p->problem ? syntax_hint(p->problem) : NULL);
}

static bool
next_event(struct compose *c, yaml_event_t *ret)
{
	if (yaml_parser_parse(&c->parser, ret))
		return true;
	syntax_error(c);
	return false;
}

/* ---- nodes --------------------------------------------------------------- */

struct ynode *
ydoc_node_new(struct ydoc *d, enum ynode_kind kind)
{
	struct ynode *n = mem_zalloc(sizeof(*n));

	n->kind = kind;
	n->weight = 1;
	n->next = d->all;
	d->all = n;
	return n;
}

static struct ynode *
node_new(struct compose *c, enum ynode_kind kind, const yaml_event_t *ev)
{
	struct ynode *n = ydoc_node_new(c->doc, kind);

	n->line = (uint32_t)ev->start_mark.line + 1 + c->from.line;
	n->col = (uint32_t)ev->start_mark.column + 1 + c->from.col;
	n->part = c->from.part;
	return n;
}

/* Count what a container got; false when the document has become too large. */
static bool
add_weight(struct compose *c, struct ynode *to, const struct ynode *child)
{
	to->weight += child->weight;
	if (to->weight <= YAMLCFG_NODES_MAX)
		return true;
	complain(c, child->line, child->col, "too large: more than 200000 values with all aliases",
	    NULL);
	return false;
}

static bool
take_anchor(struct compose *c, struct ynode *n, const yaml_char_t *name, const yaml_event_t *ev)
{
	if (!name)
		return true;
	if (c->nanchors == ANCHORS_MAX) {
		complain_ev(c, ev, "too many anchors (more than 256)", NULL);
		return false;
	}
	n->anchor = mem_strdup((const char *)name);
	c->anchor[c->nanchors++] = n;
	return true;
}

static bool
refuse_tag(struct compose *c, const yaml_char_t *tag, const yaml_event_t *ev)
{
	if (!tag)
		return true;
	complain_ev(c, ev, "a YAML tag (!) is not wanted here", "leave it out");
	return false;
}

static struct ynode *
compose_alias(struct compose *c, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	char what[128];

	for (size_t i = c->nanchors; i-- > 0;) {
		if (strcmp(c->anchor[i]->anchor, name) != 0)
			continue;
		if (!c->anchor[i]->open)
			return c->anchor[i];
		complain_ev(c, ev, "an alias inside the value it stands for", NULL);
		return NULL;
	}
	snprintf(what, sizeof(what), "alias *%.60s without its anchor before it", name);
	complain_ev(c, ev, what, NULL);
	return NULL;
}

static struct ynode *
compose_scalar(struct compose *c, const yaml_event_t *ev)
{
	struct ynode *n;

	if (!refuse_tag(c, ev->data.scalar.tag, ev))
		return NULL;
	n = node_new(c, YNODE_SCALAR, ev);
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->len = ev->data.scalar.length;
	n->text = mem_strndup((const char *)ev->data.scalar.value, n->len);
	return take_anchor(c, n, ev->data.scalar.anchor, ev) ? n : NULL;
}

static struct ynode *
compose_seq(struct compose *c, const yaml_event_t *ev)
{
	struct ynode *n, *item = NULL;
	yaml_event_t e;
	size_t mark;
	bool end;

	if (!refuse_tag(c, ev->data.sequence_start.tag, ev))
		return NULL;
	n = node_new(c, YNODE_SEQ, ev);
	if (!take_anchor(c, n, ev->data.sequence_start.anchor, ev))
		return NULL;
	n->open = true;
	for (;;) {
		if (!next_event(c, &e))
			return NULL;
		end = e.type == YAML_SEQUENCE_END_EVENT;
		mark = conf_path_index(&c->path, n->n);
		if (!end)
			item = compose_node(c, &e);
		conf_path_cut(&c->path, mark);
		yaml_event_delete(&e);
		if (end)
			break;
		if (!item || !add_weight(c, n, item))
			return NULL;
		if ((n->n & (n->n - 1)) == 0)
			n->item =
			    mem_realloc_array(n->item, n->n ? n->n * 2 : 1, sizeof(n->item[0]));
		n->item[n->n++] = item;
	}
	n->open = false;
	return n;
}

/* ---- mappings ------------------------------------------------------------ */

static struct ynode_pair *
pair_find(const struct ynode *map, const char *key)
{
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->pair[i].key, key) == 0)
			return &map->pair[i];
	return NULL;
}

static struct ynode_pair *
pair_add(struct ynode *map, char *key, uint32_t line, uint32_t col)
{
	struct ynode_pair *p;

	if ((map->n & (map->n - 1)) == 0)
		map->pair =
		    mem_realloc_array(map->pair, map->n ? map->n * 2 : 1, sizeof(map->pair[0]));
	p = &map->pair[map->n++];
	*p = (struct ynode_pair){ .key = key, .line = line, .col = col };
	return p;
}

/* Put into map what it lacks of one mapping that `<<` names. */
static bool
merge_one(struct compose *c, struct ynode *map, const struct ynode *from)
{
	struct ynode_pair *p;

	if (from->kind != YNODE_MAP) {
		complain(c, from->line, from->col, "<< wants a mapping or a list of mappings",
		    "write <<: *anchor");
		return true;
	}
	for (size_t i = 0; i < from->n; i++) {
		if (pair_find(map, from->pair[i].key) || map->n == KEYS_MAX)
			continue;
		p = pair_add(
		    map, mem_strdup(from->pair[i].key), from->pair[i].line, from->pair[i].col);
		p->merged = true;
		p->part = from->part;
		p->val = from->pair[i].val;
		if (!add_weight(c, map, p->val))
			return false;
	}
	return true;
}

static bool
merge(struct compose *c, struct ynode *map, const struct ynode *from)
{
	if (from->kind != YNODE_SEQ)
		return merge_one(c, map, from);
	for (size_t i = 0; i < from->n; i++)
		if (!merge_one(c, map, from->item[i]))
			return false;
	return true;
}

/* A key's text, owned by the caller, or NULL. */
static char *
take_key(struct compose *c, const yaml_event_t *ev)
{
	if (ev->type != YAML_SCALAR_EVENT || ev->data.scalar.tag || ev->data.scalar.anchor) {
		complain_ev(c, ev, "want a plain word as key", NULL);
		return NULL;
	}
	return mem_strndup((const char *)ev->data.scalar.value, ev->data.scalar.length);
}

/* Read the value of a key into map or *merge_from; false ends the reading. */
static bool
take_pair(struct compose *c, struct ynode *map, char *key, const yaml_event_t *kev,
    struct ynode **merge_from)
{
	bool is_merge = strcmp(key, "<<") == 0 && kev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	uint32_t line = (uint32_t)kev->start_mark.line + 1 + c->from.line;
	uint32_t col = (uint32_t)kev->start_mark.column + 1 + c->from.col;
	const struct ynode_pair *twin = is_merge ? NULL : pair_find(map, key);
	size_t mark = conf_path_key(&c->path, key);
	struct ynode *val = NULL;
	struct ynode_pair *p;
	yaml_event_t ev;
	char what[96];

	if (twin || (is_merge && *merge_from)) {
		snprintf(what, sizeof(what), "the key stands here twice, first at %u:%u",
		    twin ? twin->line : (*merge_from)->line, twin ? twin->col : (*merge_from)->col);
		complain(c, line, col, what, NULL);
	}
	if (map->n == KEYS_MAX)
		complain(c, line, col, "too many keys in one mapping", NULL);
	else if (next_event(c, &ev)) {
		val = compose_node(c, &ev);
		yaml_event_delete(&ev);
	}
	conf_path_cut(&c->path, mark);
	if (!val || !add_weight(c, map, val) || twin || is_merge) {
		if (val && is_merge && !*merge_from)
			*merge_from = val;
		mem_free(key);
		return val && map->weight <= YAMLCFG_NODES_MAX;
	}
	p = pair_add(map, key, line, col);
	p->val = val;
	p->part = c->from.part;
	return true;
}

static struct ynode *
compose_map(struct compose *c, const yaml_event_t *ev)
{
	struct ynode *n, *merge_from = NULL;
	yaml_event_t e;
	bool ok = true;
	char *key;

	if (!refuse_tag(c, ev->data.mapping_start.tag, ev))
		return NULL;
	n = node_new(c, YNODE_MAP, ev);
	if (!take_anchor(c, n, ev->data.mapping_start.anchor, ev))
		return NULL;
	n->open = true;
	n->from = (uint32_t)ev->start_mark.index;
	while (ok) {
		if (!next_event(c, &e))
			return NULL;
		if (e.type == YAML_MAPPING_END_EVENT) {
			n->to = (uint32_t)e.end_mark.index;
			yaml_event_delete(&e);
			break;
		}
		key = take_key(c, &e);
		ok = key && take_pair(c, n, key, &e, &merge_from);
		yaml_event_delete(&e);
	}
	n->open = false;
	return ok && (!merge_from || merge(c, n, merge_from)) ? n : NULL;
}

static struct ynode *
compose_node(struct compose *c, const yaml_event_t *ev)
{
	struct ynode *n = NULL;

	if (c->depth >= YAMLCFG_DEPTH_MAX) {
		complain_ev(c, ev, "nested too deeply", NULL);
		return NULL;
	}
	c->depth++;
	if (ev->type == YAML_SCALAR_EVENT)
		n = compose_scalar(c, ev);
	else if (ev->type == YAML_SEQUENCE_START_EVENT)
		n = compose_seq(c, ev);
	else if (ev->type == YAML_MAPPING_START_EVENT)
		n = compose_map(c, ev);
	else if (ev->type == YAML_ALIAS_EVENT)
		n = compose_alias(c, ev);
	c->depth--;
	return n;
}

/* ---- the document -------------------------------------------------------- */

/* Skip to the event of that type, at most `skip` others before it; false: it is not there. */
static bool
expect(struct compose *c, yaml_event_type_t type, yaml_event_t *ret)
{
	for (;;) {
		if (!next_event(c, ret))
			return false;
		if (ret->type == type)
			return true;
		if (ret->type == YAML_STREAM_END_EVENT) {
			yaml_event_delete(ret);
			complain_text(c, 1, 1, "the file is empty",
			    "a configuration needs at least bgp.asNumber");
			return false;
		}
		yaml_event_delete(ret);
	}
}

static bool
compose_document(struct compose *c)
{
	yaml_event_t ev;

	if (!expect(c, YAML_DOCUMENT_START_EVENT, &ev))
		return false;
	yaml_event_delete(&ev);
	if (!next_event(c, &ev))
		return false;
	c->doc->root = compose_node(c, &ev);
	yaml_event_delete(&ev);
	if (!c->doc->root || !next_event(c, &ev)) /* the document's end */
		return false;
	yaml_event_delete(&ev);
	if (!next_event(c, &ev))
		return false;
	if (ev.type == YAML_DOCUMENT_START_EVENT)
		complain_ev(
		    c, &ev, "a second document begins here", "a configuration is one document");
	yaml_event_delete(&ev);
	return true;
}

struct ydoc *
ydoc_parse(const char *text, size_t len, struct conf_errs *errs)
{
	return ydoc_parse_part(text, len, &(struct ydoc_origin){ 0 }, errs);
}

struct ydoc *
ydoc_parse_part(
    const char *text, size_t len, const struct ydoc_origin *from, struct conf_errs *errs)
{
	struct compose c = { .text = text, .len = len, .errs = errs, .from = *from };
	bool ok;

	if (from->path)
		conf_path_key(&c.path, from->path);
	if (!check_text(&c))
		return NULL;
	c.doc = mem_zalloc(sizeof(*c.doc));
	if (!yaml_parser_initialize(&c.parser))
		abort();
	yaml_parser_set_encoding(&c.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&c.parser, (const unsigned char *)text, len);
	ok = compose_document(&c);
	yaml_parser_delete(&c.parser);
	if (ok)
		return c.doc;
	ydoc_free(c.doc);
	return NULL;
}

static void
node_free(struct ynode *n)
{
	for (size_t i = 0; n->kind == YNODE_MAP && i < n->n; i++)
		mem_free(n->pair[i].key);
	mem_free(n->pair);
	mem_free(n->item);
	mem_free(n->anchor);
	mem_free(n->text);
	mem_free(n);
}

void
ydoc_free(struct ydoc *d)
{
	struct ynode *n;

	if (!d)
		return;
	while ((n = d->all)) {
		d->all = n->next;
		node_free(n);
	}
	mem_free(d);
}

bool
ynode_is_null(const struct ynode *n)
{
	return n->kind == YNODE_SCALAR && n->plain &&
	       (n->len == 0 || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}
