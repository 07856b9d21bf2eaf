/*
 * Grafting: trees of objects into the tree of the file. See conf_graft.h and conf_parts.h.
 *
 * No part's own tree is changed, as aliases may share what is in it: a mapping that takes in
 * something from elsewhere is a copy, made the first time.
 */
#include "lib/conf_graft.h"

#include <stdio.h>
#include <string.h>

#include "lib/conf_err.h"
#include "lib/conf_table.h"
#include "lib/mem.h"

/* Keys of the file that an object cannot have. */
static const struct {
	const char *key, *why;
} file_only[] = {
	{ "node", "it is about one node: it stands in the file" },
	{ "uplinks", "interfaces are the node's: it stands in the file" },
	{ "ops", "it is about one node's processes: it stands in the file" },
	{ "kubernetes", "it says how the cluster is reached: it stands in the file" },
	{ "peers", "each peer is an object of its own, kind BGPPeer" },
	{ "filters", "each filter is an object of its own, kind BGPFilter" },
	{ "advertisements", "each of them is an object of its own, kind BGPAdvertisement" },
};

struct place {
	struct conf_graft *g;
	const struct conf_part *part;
	uint32_t number;
	struct conf_errs *errs;
};

const char *
conf_part_object(enum conf_part_kind kind)
{
	static const char *const names[CONF_PART_NKINDS] = {
		[CONF_PART_DEFAULT] = "BGPConfiguration",
		[CONF_PART_NODE] = "BGPConfiguration",
		[CONF_PART_FILTER] = "BGPFilter",
		[CONF_PART_PEER] = "BGPPeer",
		[CONF_PART_ADVERTISEMENT] = "BGPAdvertisement",
	};

	return names[kind];
}

bool
conf_part_keeps(const char *key)
{
	for (size_t i = 0; i < sizeof(file_only) / sizeof(file_only[0]); i++)
		if (strcmp(file_only[i].key, key) == 0)
			return false;
	return true;
}

char *
conf_graft_path(const struct conf_part *p, const char *path)
{
	size_t skip = 0;

	if (!path || p->kind == CONF_PART_FILE)
		return path ? mem_strdup(path) : NULL;
	if (strncmp(path, "spec", 4) == 0 || strncmp(path, "metadata", 8) == 0)
		return mem_strdup(path);
	if (p->kind == CONF_PART_DEFAULT || p->kind == CONF_PART_NODE)
		return mem_printf("spec.%s", path);
	if (p->kind == CONF_PART_FILTER && strncmp(path, "filters.", strlen("filters.")) == 0) {
		skip = strlen("filters.") + strlen(p->element);
		if (skip >= strlen(path))
			return mem_strdup("metadata.name");
	} else {
		skip = strcspn(path, "]");
		skip += path[skip] == ']';
	}
	if (p->kind == CONF_PART_PEER && strcmp(path + skip, ".name") == 0)
		return mem_strdup("metadata.name");
	return mem_printf("spec%s", path + skip);
}

/* ---- findings --------------------------------------------------------------- */

static void
complain(const struct place *at, const struct ynode_pair *p, const char *path, const char *what,
    const char *hint)
{
	conf_errs_add(at->errs, &(struct conf_err){ .part = at->number,
				    .line = p->line,
				    .col = p->col,
				    .path = path,
				    .wanted = what,
				    .hint = hint });
}

/* ---- trees ------------------------------------------------------------------ */

static struct ynode *
node_like(struct conf_graft *g, const struct ynode *n, enum ynode_kind kind)
{
	struct ynode *to = ydoc_node_new(g->made, kind);

	to->line = n->line;
	to->col = n->col;
	to->part = n->part;
	to->own = true;
	return to;
}

static struct ynode_pair *
map_put(struct ynode *map, const struct ynode_pair *p)
{
	struct ynode_pair *to;

	map->pair = mem_realloc_array(map->pair, map->n + 1, sizeof(map->pair[0]));
	to = &map->pair[map->n++];
	*to = *p;
	to->key = mem_strdup(p->key);
	return to;
}

static struct ynode *
map_copy(struct conf_graft *g, const struct ynode *n)
{
	struct ynode *to = node_like(g, n, YNODE_MAP);

	for (size_t i = 0; i < n->n; i++)
		map_put(to, &n->pair[i]);
	return to;
}

static void
seq_put(struct ynode *seq, struct ynode *item)
{
	if ((seq->n & (seq->n - 1)) == 0)
		seq->item = mem_realloc_array(seq->item, seq->n ? seq->n * 2 : 1, sizeof(seq->item[0]));
	seq->item[seq->n++] = item;
}

static struct ynode *
seq_copy(struct conf_graft *g, const struct ynode *n)
{
	struct ynode *to = node_like(g, n, YNODE_SEQ);

	for (size_t i = 0; i < n->n; i++)
		seq_put(to, n->item[i]);
	return to;
}

/* The mapping or list that stands there, as one that can be changed. */
static struct ynode *
own_copy(struct conf_graft *g, struct ynode_pair *p)
{
	if (!p->val->own)
		p->val = p->val->kind == YNODE_MAP ? map_copy(g, p->val) : seq_copy(g, p->val);
	return p->val;
}

/* The pair of that option, by any of its names; or, without an option, of that key. */
static struct ynode_pair *
map_find(const struct ynode *map, const struct opt *parent, const struct opt *o, const char *key)
{
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->pair[i].key, key) == 0 ||
		    (o && opt_child(parent, map->pair[i].key, NULL) == o))
			return &map->pair[i];
	return NULL;
}

/* ---- whole configurations ------------------------------------------------------ */

static void merge_map(const struct place *at, const struct opt *parent, struct ynode *to,
    const struct ynode *from, const char *path);

/* Both set it: the one for a node counts, of two others none does. */
static void
merge_twice(const struct place *at, struct ynode_pair *to, const struct ynode_pair *from,
    const char *path)
{
	char *what;

	if (at->part->kind == CONF_PART_NODE) {
		to->val = from->val;
		to->line = from->line;
		to->col = from->col;
		to->part = from->part;
		return;
	}
	what = mem_printf("%s sets it, too", at->errs->part[to->part].file);
	complain(at, from, path, what, "keep one of them");
	mem_free(what);
}

/* A list by names. */
static void
merge_named(const struct place *at, struct ynode *to, const struct ynode *from, const char *path)
{
	struct ynode_pair *twin;

	for (size_t i = 0; i < from->n; i++) {
		twin = map_find(to, NULL, NULL, from->pair[i].key);
		if (twin)
			merge_twice(at, twin, &from->pair[i], path);
		else
			map_put(to, &from->pair[i]);
	}
}

static void
merge_pair(const struct place *at, const struct opt *parent, struct ynode *to,
    const struct ynode_pair *from, const char *path)
{
	const struct opt *o = opt_child(parent, from->key, NULL);
	struct ynode_pair *p = map_find(to, parent, o, from->key);
	bool for_node = at->part->kind == CONF_PART_NODE;

	bool both, is_list = o && o->type == OPT_LIST && !for_node;

	if (!p) {
		map_put(to, from);
		return;
	}
	both = p->val->kind == from->val->kind;
	if (both && p->val->kind == YNODE_MAP && o && o->type == OPT_MAP)
		merge_map(at, o, own_copy(at->g, p), from->val, path);
	else if (both && p->val->kind == YNODE_MAP && is_list)
		merge_named(at, own_copy(at->g, p), from->val, path);
	else if (both && p->val->kind == YNODE_SEQ && is_list)
		for (size_t i = 0; i < from->val->n; i++)
			seq_put(own_copy(at->g, p), from->val->item[i]);
	else
		merge_twice(at, p, from, path);
}

static void
merge_map(const struct place *at, const struct opt *parent, struct ynode *to,
    const struct ynode *from, const char *path)
{
	char *longer;

	for (size_t i = 0; i < from->n; i++) {
		longer = mem_printf("%s%s%s", path, *path ? "." : "", from->pair[i].key);
		merge_pair(at, parent, to, &from->pair[i], longer);
		mem_free(longer);
	}
}

static void
graft_config(const struct place *at, const struct ynode *spec)
{
	struct ynode *allowed = node_like(at->g, spec, YNODE_MAP);

	for (size_t i = 0; i < spec->n; i++) {
		const struct ynode_pair *p = &spec->pair[i];
		char *path = mem_printf("spec.%s", p->key);
		size_t k = 0;

		while (k < sizeof(file_only) / sizeof(file_only[0]) &&
		    strcmp(file_only[k].key, p->key) != 0)
			k++;
		if (k < sizeof(file_only) / sizeof(file_only[0]))
			complain(at, p, path, file_only[k].why, NULL);
		else
			map_put(allowed, p);
		mem_free(path);
	}
	merge_map(at, NULL, at->g->root, allowed, "spec");
}

/* ---- elements ------------------------------------------------------------------ */

/* The value of a key of the whole, made if it is not there; NULL when it is of another kind. */
static struct ynode *
container(const struct place *at, const char *key, enum ynode_kind kind)
{
	struct ynode *root = at->g->root;
	struct ynode_pair *p = map_find(root, NULL, opt_child(NULL, key, NULL), key);
	struct ynode_pair pair = { .key = (char *)(uintptr_t)key, .line = 1, .col = 1, .part = 0 };

	if (p && p->val->kind != kind && !ynode_is_null(p->val))
		return NULL; /* which is a mistake by itself */
	if (!p || p->val->kind != kind) {
		pair.val = node_like(at->g, root, kind);
		if (!p)
			map_put(root, &pair);
		else
			p->val = pair.val;
		return pair.val;
	}
	return own_copy(at->g, p);
}

static struct ynode *
name_node(const struct place *at, const struct ynode *spec)
{
	struct ynode *n = node_like(at->g, spec, YNODE_SCALAR);

	n->text = mem_strdup(at->part->element);
	n->len = strlen(n->text);
	return n;
}

/* An element of a list, whose name, if it has one, is the object's. */
static void
graft_element(const struct place *at, const char *list, bool named, const struct ynode *spec)
{
	struct ynode *to = container(at, list, YNODE_SEQ), *elem = map_copy(at->g, spec);
	struct ynode_pair name = { .key = (char *)(uintptr_t)"name", .line = spec->line,
		.col = spec->col, .part = at->number };
	const struct ynode_pair *p = map_find(elem, NULL, NULL, "name");

	if (named && p) {
		complain(at, p, "spec.name", "the name of an object is metadata.name", "leave it out");
		return;
	}
	if (named) {
		name.val = name_node(at, spec);
		map_put(elem, &name);
	}
	if (to)
		seq_put(to, elem);
}

static void
graft_filter(const struct place *at, struct ynode *spec)
{
	struct ynode *to = container(at, "filters", YNODE_MAP);
	struct ynode_pair pair = { .key = (char *)(uintptr_t)at->part->element, .line = spec->line,
		.col = spec->col, .part = at->number, .val = spec };
	struct ynode_pair *twin = to ? map_find(to, NULL, NULL, pair.key) : NULL;
	char *what;

	if (twin) {
		what = mem_printf("%s has a filter of that name, too", at->errs->part[twin->part].file);
		complain(at, &pair, "metadata.name", what, NULL);
		mem_free(what);
	} else if (to) {
		map_put(to, &pair);
	}
}

/* ---- the whole ------------------------------------------------------------------ */

static const struct ynode nowhere = { .kind = YNODE_MAP, .line = 1, .col = 1 };

static struct ynode *
spec_of(const struct place *at, struct ydoc *d)
{
	const struct ynode_pair *p = NULL;
	struct ynode *spec = d->root;
	struct ynode_pair where;

	if (at->part->whole && spec->kind == YNODE_MAP) {
		p = map_find(spec, NULL, NULL, "spec");
		spec = p ? p->val : node_like(at->g, spec, YNODE_MAP);
	}
	if (ynode_is_null(spec))
		spec = node_like(at->g, p ? p->val : &nowhere, YNODE_MAP);
	if (spec->kind == YNODE_MAP)
		return spec;
	where = (struct ynode_pair){ .line = spec->line, .col = spec->col };
	complain(at, &where, "spec", "a mapping (key: value) is wanted", NULL);
	return NULL;
}

static void
graft_object(const struct place *at, struct ydoc *d)
{
	struct ynode *spec = spec_of(at, d);

	if (!spec)
		return;
	switch (at->part->kind) {
	case CONF_PART_FILE:
	case CONF_PART_NKINDS:
		break;
	case CONF_PART_DEFAULT:
	case CONF_PART_NODE:
		graft_config(at, spec);
		break;
	case CONF_PART_FILTER:
		graft_filter(at, spec);
		break;
	case CONF_PART_PEER:
		graft_element(at, "peers", true, spec);
		break;
	case CONF_PART_ADVERTISEMENT:
		graft_element(at, "advertisements", false, spec);
		break;
	}
}

/* The first file is what everything else is put into; a second one adds to it. */
static void
graft_file(const struct place *at, struct ydoc *d)
{
	struct conf_graft *g = at->g;

	if (d->root->kind == YNODE_MAP && map_find(d->root, NULL, NULL, "advertisements"))
		g->own_advertisements = true;
	if (!g->root && g->n == 1)
		g->root = d->root; /* as it is: nothing will be put into it */
	else if (!g->root)
		g->root = d->root->kind == YNODE_MAP ? map_copy(g, d->root) :
		    ynode_is_null(d->root) ? node_like(g, d->root, YNODE_MAP) : d->root;
	else if (g->root->kind == YNODE_MAP && d->root->kind == YNODE_MAP)
		merge_map(at, NULL, g->root, d->root, "");
}

bool
conf_graft(struct conf_graft *g, const struct conf_part *parts, size_t n, struct conf_errs *errs)
{
	bool ok = true;

	memset(g, 0, sizeof(*g));
	g->n = n;
	g->doc = mem_zalloc_array(n + 1, sizeof(g->doc[0]));
	g->made = mem_zalloc(sizeof(*g->made));
	for (size_t i = 0; i < n; i++) {
		struct place at = { g, &parts[i], (uint32_t)i, errs };
		bool bare = parts[i].kind != CONF_PART_FILE && !parts[i].whole;
		struct ydoc_origin from = { .part = (uint32_t)i, .line = parts[i].line,
			.col = parts[i].col, .path = bare ? "spec" : NULL };

		g->doc[i] = ydoc_parse_part(parts[i].text, parts[i].len, &from, errs);
		ok &= g->doc[i] != NULL;
		if (!g->doc[i])
			continue;
		if (!g->root && parts[i].kind != CONF_PART_FILE) {
			g->root = node_like(g, &nowhere, YNODE_MAP);
		}
		if (parts[i].kind == CONF_PART_FILE)
			graft_file(&at, g->doc[i]);
		else if (g->root->kind == YNODE_MAP)
			graft_object(&at, g->doc[i]);
	}
	return g->root && ok;
}

void
conf_graft_free(struct conf_graft *g)
{
	for (size_t i = 0; i < g->n; i++)
		ydoc_free(g->doc[i]);
	mem_free(g->doc);
	ydoc_free(g->made);
}
