/*
 * Which parts of a configuration are in a file: see conf_parts.h.
 *
 * Documents begin with a line `---` (YAML 1.2 section 9.1.2: nothing else can begin with it, no
 * text in a block either), so the file is cut first and each piece is read by itself.
 */
#include <stdio.h>
#include <string.h>

#include "lib/conf_err.h"
#include "lib/conf_parts.h"
#include "lib/conf_suggest.h"
#include "lib/mem.h"
#include "lib/yamlcfg.h"

#define API_VERSION "weft.dev/v1alpha1"
#define FILE_KEY "weft.yaml" /* of a ConfigMap */

struct piece {
	const char *text;
	size_t len;
	uint32_t line; /* lines above */
};

struct reader {
	struct conf_manifest *m;
	const char *name;
	struct conf_errs *errs;
	uint32_t file; /* in errs */
	struct piece at;
};

static const struct {
	const char *kind;
	enum conf_part_kind part;
} kinds[] = {
	{ "BGPConfiguration", CONF_PART_DEFAULT },
	{ "BGPFilter", CONF_PART_FILTER },
	{ "BGPPeer", CONF_PART_PEER },
	{ "BGPAdvertisement", CONF_PART_ADVERTISEMENT },
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- pieces ------------------------------------------------------------------- */

static bool
begins_document(const char *p, size_t left)
{
	return left >= 3 && memcmp(p, "---", 3) == 0 &&
	    (left == 3 || p[3] == ' ' || p[3] == '\t' || p[3] == '\n' || p[3] == '\r');
}

static bool
is_empty(const struct piece *p)
{
	bool comment = false;

	for (size_t i = 0; i < p->len; i++) {
		if (p->text[i] == '\n')
			comment = false;
		else if (p->text[i] == '#')
			comment = true;
		else if (!comment && !strchr(" \t\r-", p->text[i]))
			return false;
	}
	return true;
}

/* The next piece of text behind *p, which it becomes; false: that was all. */
static bool
next_piece(const char *text, size_t len, struct piece *p)
{
	const char *start = p->text ? p->text + p->len : text, *end = text + len, *at = start, *nl;
	uint32_t lines = 0;

	for (const char *q = p->text; q && q < start; q++)
		p->line += *q == '\n';
	while (at < end && !(at > start && begins_document(at, (size_t)(end - at)))) {
		nl = memchr(at, '\n', (size_t)(end - at));
		at = nl ? nl + 1 : end;
		lines++;
	}
	p->text = start;
	p->len = (size_t)(at - start);
	return lines > 0;
}

/* ---- trees -------------------------------------------------------------------- */

static const struct ynode *
member(const struct ynode *n, const char *key)
{
	for (size_t i = 0; n && n->kind == YNODE_MAP && i < n->n; i++)
		if (strcmp(n->pair[i].key, key) == 0)
			return n->pair[i].val;
	return NULL;
}

/* The text of a member, NULL when there is none. */
static const char *
text_of(const struct ynode *n, const char *key)
{
	n = member(n, key);
	return n && n->kind == YNODE_SCALAR && !ynode_is_null(n) ? n->text : NULL;
}

static bool
is_object(const struct ynode *root)
{
	return text_of(root, "apiVersion") && text_of(root, "kind");
}

/* ---- parts -------------------------------------------------------------------- */

static void
complain(struct reader *r, const struct ynode *at, const char *path, const char *wanted,
    const char *found)
{
	char *quoted = found ? conf_quote(found, strlen(found)) : NULL;

	conf_errs_add(r->errs, &(struct conf_err){ .part = r->file,
				   .line = at->line,
				   .col = at->col,
				   .path = path,
				   .wanted = wanted,
				   .found = quoted });
	mem_free(quoted);
}

static char *
own(struct conf_manifest *m, char *text)
{
	m->owned = mem_realloc_array(m->owned, m->nowned + 1, sizeof(m->owned[0]));
	m->owned[m->nowned++] = text;
	return text;
}

static struct conf_part *
add_part(struct reader *r, enum conf_part_kind kind)
{
	struct conf_manifest *m = r->m;
	struct conf_part *p;

	m->part = mem_realloc_array(m->part, m->n + 1, sizeof(m->part[0]));
	p = &m->part[m->n++];
	*p = (struct conf_part){ .kind = kind,
		.name = r->name,
		.text = r->at.text,
		.len = r->at.len,
		.line = r->at.line,
		.whole = kind != CONF_PART_FILE };
	return p;
}

/* Octets before the first text of the line behind `lines` lines of the piece. */
static uint32_t
indent_at(const struct piece *p, uint32_t lines)
{
	const char *s = p->text, *end = p->text + p->len, *nl;
	uint32_t n = 0;

	for (; lines > 0 && (nl = memchr(s, '\n', (size_t)(end - s))) != NULL; lines--)
		s = nl + 1;
	while (s < end && *s == '\n') /* empty lines lead a text, too */
		s++;
	while (s + n < end && s[n] == ' ')
		n++;
	return n;
}

/* The file in a ConfigMap: written as a block of text its lines are those of the manifest. */
static void
take_config_map(struct reader *r, const struct ynode *root)
{
	const struct ynode *text = member(member(root, "data"), FILE_KEY);
	struct conf_part *p;

	if (!text || text->kind != YNODE_SCALAR)
		return;
	p = add_part(r, CONF_PART_FILE);
	p->text = own(r->m, mem_strndup(text->text, text->len));
	p->len = text->len;
	p->line = text->line;
	p->col = indent_at(&r->at, text->line - r->at.line);
	if (text->plain || memchr(text->text, '\n', text->len) == NULL) {
		p->line = text->line - 1;
		p->col = text->col - 1;
	}
}

static bool
is_config_name(const char *name)
{
	return strcmp(name, "default") == 0 || (strncmp(name, "node.", 5) == 0 && name[5] != '\0');
}

static void
take_resource(struct reader *r, const struct ynode *root, enum conf_part_kind kind)
{
	const struct ynode *meta = member(root, "metadata");
	const char *name = text_of(meta, "name");
	struct conf_part *p;

	if (!name) {
		complain(r, meta ? meta : root, "metadata.name", "a name is wanted", NULL);
		return;
	}
	if (kind == CONF_PART_DEFAULT && !is_config_name(name)) {
		complain(r, member(meta, "name"), "metadata.name",
		    "default, or node. and the name of a node", name);
		return;
	}
	if (kind == CONF_PART_DEFAULT && strcmp(name, "default") != 0)
		kind = CONF_PART_NODE;
	if (kind == CONF_PART_DEFAULT && member(member(member(root, "spec"), "bgp"), "asNumber"))
		r->m->as_number = true;
	p = add_part(r, kind);
	p->element = own(r->m, mem_strdup(name));
}

static void
take_ours(struct reader *r, const struct ynode *root, const char *kind)
{
	if (strcmp(text_of(root, "apiVersion"), API_VERSION) != 0) {
		complain(r, member(root, "apiVersion"), "apiVersion", API_VERSION,
		    text_of(root, "apiVersion"));
		return;
	}
	for (size_t i = 0; i < NKINDS; i++)
		if (strcmp(kinds[i].kind, kind) == 0) {
			take_resource(r, root, kinds[i].part);
			return;
		}
	complain(r, member(root, "kind"), "kind",
	    "BGPConfiguration, BGPPeer, BGPFilter or BGPAdvertisement", kind);
}

static void
take_object(struct reader *r, const struct ynode *root)
{
	const char *kind = text_of(root, "kind");

	if (strncmp(text_of(root, "apiVersion"), "weft.dev/", 9) == 0)
		take_ours(r, root, kind);
	else if (strcmp(kind, "ConfigMap") == 0)
		take_config_map(r, root);
}

/* ---- lists -------------------------------------------------------------------- */

/* Where in the piece n characters end that begin at octet `at`. */
static size_t
skip_chars(const struct piece *p, size_t at, uint32_t n)
{
	for (; n > 0 && at < p->len; n--)
		do
			at++;
		while (at < p->len && ((unsigned char)p->text[at] & 0xc0) == 0x80);
	return at;
}

/* Those len octets of the text as a piece in which the node has the column that it has there. */
static struct piece
cut_out(struct reader *r, const char *text, size_t len, const struct ynode *n)
{
	int indent = (int)n->col - 1;

	return (struct piece){ .text = own(r->m, mem_printf("%*s%.*s", indent, "", (int)len, text)),
		.len = (size_t)indent + len,
		.line = n->line - 1 };
}

/*
 * The objects of a `kind: List`, which is how kubectl prints several. Aliases, of which kubectl
 * knows nothing, are passed over: so each octet is copied once at most.
 */
static void
take_list(struct reader *r, const struct ynode *items)
{
	struct piece list = r->at;
	size_t from, to = 0;
	uint32_t chars = 0; /* before `to` */

	for (size_t i = 0; items && items->kind == YNODE_SEQ && i < items->n; i++) {
		const struct ynode *n = items->item[i];

		if (!is_object(n) || n->from < chars)
			continue;
		from = skip_chars(&list, to, n->from - chars);
		to = skip_chars(&list, from, n->to - n->from);
		chars = n->to;
		r->at = cut_out(r, list.text + from, to - from, n);
		take_object(r, n);
	}
	r->at = list;
}

/* ---- files -------------------------------------------------------------------- */

/* One document; false: it is no object, and nothing was said. */
static bool
take_piece(struct reader *r)
{
	struct ydoc_origin from = { .part = r->file, .line = r->at.line };
	struct conf_errs unsaid = { 0 };
	struct ydoc *d = ydoc_parse_part(r->at.text, r->at.len, &from, &unsaid);
	bool object = d && is_object(d->root);

	if (object && strcmp(text_of(d->root, "kind"), "List") == 0)
		take_list(r, member(d->root, "items"));
	else if (object)
		take_object(r, d->root);
	if (!d && r->m->objects) /* in others it is said when the part is loaded */
		ydoc_parse_part(r->at.text, r->at.len, &from, r->errs);
	ydoc_free(d);
	conf_errs_free(&unsaid);
	return object;
}

/* Files before objects, and those in the order in which they depend on each other. */
static void
sort_parts(struct conf_manifest *m)
{
	struct conf_part p;
	size_t j;

	for (size_t i = 1; i < m->n; i++) {
		p = m->part[i];
		for (j = i; j > 0 && m->part[j - 1].kind > p.kind; j--)
			m->part[j] = m->part[j - 1];
		m->part[j] = p;
	}
}

void
conf_manifest_read(
    struct conf_manifest *m, const char *name, const char *text, size_t len, struct conf_errs *errs)
{
	struct reader r = { .m = m, .name = name, .errs = errs };

	memset(m, 0, sizeof(*m));
	if (!errs->file)
		errs->file = mem_strdup(name);
	r.file = (uint32_t)errs->nparts;
	conf_errs_name_part(errs, name, false);
	while (len <= CONF_TEXT_MAX && next_piece(text, len, &r.at)) {
		if (is_empty(&r.at))
			continue;
		if (take_piece(&r))
			m->objects = true;
		else if (!m->objects)
			break;
	}
	if (!m->objects) {
		r.at = (struct piece){ .text = text, .len = len };
		add_part(&r, CONF_PART_FILE);
	}
	sort_parts(m);
}

void
conf_manifest_free(struct conf_manifest *m)
{
	for (size_t i = 0; i < m->nowned; i++)
		mem_free(m->owned[i]);
	mem_free(m->owned);
	mem_free(m->part);
	memset(m, 0, sizeof(*m));
}
