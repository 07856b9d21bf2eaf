/*
 * Walking the option table. The rows are in lib/conf_opt_*.c; a row knows its
 * parent by its path alone, so nothing has to be kept in step by hand. The table
 * is small: linear walks are fine.
 */
#include "lib/conf_table.h"

#include <assert.h>
#include <string.h>

#include "lib/conf_opts.h"

/* In the order of the documentation. */
static const struct opt_section *const sections[] = {
	&conf_opts_node,
	&conf_opts_kube,
	&conf_opts_bgp,
	&conf_opts_uplinks,
	&conf_opts_peers,
	&conf_opts_bfd,
	&conf_opts_ao_keys,
	&conf_opts_advertisements,
	&conf_opts_communities,
	&conf_opts_filters,
	&conf_opts_kernel,
	&conf_opts_bmp,
	&conf_opts_cni,
	&conf_opts_drain,
	&conf_opts_pools,
	&conf_opts_nat,
	&conf_opts_observe,
	&conf_opts_ops,
};
#define NSECTIONS (sizeof(sections) / sizeof(sections[0]))

const char *const conf_later[] = {
	"bgp.listen.bindMode",
	"ops.control",
	"ops.recorder",
	NULL,
};

const struct opt *
opt_next(const struct opt *o)
{
	if (!o)
		return &sections[0]->row[0];
	for (size_t i = 0; i < NSECTIONS; i++) {
		if (o < sections[i]->row || o >= sections[i]->row + sections[i]->n)
			continue;
		if (o + 1 < sections[i]->row + sections[i]->n)
			return o + 1;
		return i + 1 < NSECTIONS ? &sections[i + 1]->row[0] : NULL;
	}
	return NULL;
}

unsigned
opt_index(const struct opt *o)
{
	unsigned base = 0;

	for (size_t i = 0; i < NSECTIONS; i++) {
		if (o >= sections[i]->row && o < sections[i]->row + sections[i]->n)
			return base + (unsigned)(o - sections[i]->row);
		base += (unsigned)sections[i]->n;
	}
	assert(!"a row of the table");
	return 0;
}

/* Is the path below the top-level key of the section's first row? Few sections have others. */
static bool
is_section_of(const struct opt_section *s, const char *path)
{
	size_t n = strlen(s->row[0].path);

	return strncmp(path, s->row[0].path, n) == 0 &&
	       (path[n] == '\0' || path[n] == '.' || path[n] == '[');
}

/* The section that holds the row. */
static const struct opt_section *
section_of(const struct opt *o)
{
	for (size_t i = 0; i < NSECTIONS; i++)
		if (o >= sections[i]->row && o < sections[i]->row + sections[i]->n)
			return sections[i];
	assert(!"a row of the table");
	return NULL;
}

const struct opt *
opt_find(const char *path)
{
	for (int likely = 1; likely >= 0; likely--)
		for (size_t i = 0; i < NSECTIONS; i++) {
			if (is_section_of(sections[i], path) != likely)
				continue;
			for (size_t k = 0; k < sections[i]->n; k++)
				if (strcmp(sections[i]->row[k].path, path) == 0)
					return &sections[i]->row[k];
		}
	return NULL;
}

/* The key of path below parent, or NULL when it is no direct member. */
static const char *
child_key(const struct opt *parent, const char *path)
{
	size_t n = parent ? strlen(parent->path) : 0;

	if (parent) {
		if (strncmp(path, parent->path, n) != 0)
			return NULL;
		path += n;
		if (parent->type == OPT_LIST) {
			if (strncmp(path, "[]", 2) != 0)
				return NULL;
			path += 2;
		}
		if (*path++ != '.')
			return NULL;
	}
	return path[strcspn(path, ".[")] == '\0' ? path : NULL;
}

const struct opt *
opt_next_child(const struct opt *parent, const struct opt *o)
{
	const struct opt_section *in;

	parent = opt_members(parent);
	if (!parent) {
		while ((o = opt_next(o)))
			if (child_key(NULL, o->path))
				return o;
		return NULL;
	}
	in = section_of(parent);
	for (o = o ? o + 1 : parent + 1; o < in->row + in->n; o++)
		if (child_key(parent, o->path))
			return o;
	return NULL;
}

const struct opt *
opt_next_in(const struct opt *list, const struct opt *o)
{
	const struct opt_section *in;

	if (!list) {
		while ((o = opt_next(o)))
			if (opt_is_in(o, NULL))
				return o;
		return NULL;
	}
	in = section_of(list);
	for (o = o ? o + 1 : list + 1; o < in->row + in->n; o++)
		if (opt_is_in(o, list))
			return o;
	return NULL;
}

const struct opt *
opt_child(const struct opt *parent, const char *key, bool *ret_alias)
{
	const struct opt *o = NULL;

	while ((o = opt_next_child(parent, o))) {
		if (ret_alias)
			*ret_alias = false;
		if (strcmp(opt_key(o), key) == 0)
			return o;
		if (ret_alias)
			*ret_alias = true;
		for (size_t i = 0; o->aliases && o->aliases[i]; i++)
			if (strcmp(o->aliases[i], key) == 0)
				return o;
	}
	return NULL;
}

const char *
opt_key(const struct opt *o)
{
	const char *dot = strrchr(o->path, '.');

	return dot ? dot + 1 : o->path;
}

const struct opt *
opt_base(const struct opt *o)
{
	const struct opt *l, *base = NULL;
	size_t n;

	if (!strstr(o->path, "[]"))
		return NULL;
	for (l = section_of(o)->row; l < o; l++) {
		n = strlen(l->path);
		if (l->type == OPT_LIST && strncmp(o->path, l->path, n) == 0 &&
		    strncmp(o->path + n, "[]", 2) == 0)
			base = l;
	}
	return base;
}

bool
opt_is_in(const struct opt *o, const struct opt *list)
{
	size_t n;

	if (!list)
		return !strstr(o->path, "[]");
	n = strlen(list->path);
	return strncmp(o->path, list->path, n) == 0 && strncmp(o->path + n, "[].", 3) == 0 &&
	       !strstr(o->path + n + 3, "[]");
}

const struct opt *
opt_members(const struct opt *o)
{
	return o && o->like ? opt_find(o->like) : o;
}

bool
opt_is_required(const struct opt *parent, const struct opt *o)
{
	if (parent && (parent->flags & OPT_F_ONE))
		return false;
	if (parent && parent->type == OPT_LIST && parent->scalar)
		return strcmp(o->path, parent->scalar) == 0;
	return o->flags & OPT_F_REQUIRED;
}

char **
opt_name_of(void *elem)
{
	return (char **)(void *)((char *)elem + sizeof(struct conf_set));
}

bool
opt_is_set(const void *base, const struct opt *o)
{
	const struct conf_set *set = base;
	unsigned i = opt_index(o);

	return set->bits[i / 64] >> (i % 64) & 1;
}

void
opt_mark_set(void *base, const struct opt *o)
{
	struct conf_set *set = base;
	unsigned i = opt_index(o);

	set->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

void
opt_mark_unset(void *base, const struct opt *o)
{
	struct conf_set *set = base;
	unsigned i = opt_index(o);

	set->bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}
