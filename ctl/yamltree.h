/*
 * A small tree that becomes YAML text: maps, lists and scalars in the order in which they came.
 */
#ifndef CTL_YAMLTREE_H
#define CTL_YAMLTREE_H

#include <stdbool.h>
#include <stddef.h>

enum ytree_kind { YTREE_SCALAR, YTREE_LIST, YTREE_MAP };

struct ytree {
	enum ytree_kind kind;
	char *text; /* SCALAR */
	bool quoted; /* SCALAR: text even if it looks like a number or a word of YAML */
	struct ytree_item {
		char *key; /* NULL in a list */
		struct ytree *val;
	} *item;
	size_t n;
};

/* An empty map, the caller's; ytree_free() frees a whole tree (NULL is fine). */
struct ytree *ytree_new(void);
void ytree_free(struct ytree *t);

/* The member of that key, NULL: none. */
struct ytree *ytree_get(const struct ytree *map, const char *key);

/* The map at path ("bgp.timers"), made when it is not there; "" is map itself. */
struct ytree *ytree_map(struct ytree *map, const char *path);

/* The list at path, made likewise. */
struct ytree *ytree_list(struct ytree *map, const char *path);

/* A new map at the end of the list. */
struct ytree *ytree_add_map(struct ytree *list);

/* A scalar at path, in place of what was there; or at the end of a list. */
void ytree_set(struct ytree *map, const char *path, const char *text);
void ytree_add(struct ytree *list, const char *text);

/* A copy of val at path, in place of what was there. */
void ytree_set_tree(struct ytree *map, const char *path, const struct ytree *val);

/* A scalar, the caller's. */
struct ytree *ytree_scalar(const char *text, bool quoted);
/* Hand val over to a map or (key NULL) a list. */
void ytree_put(struct ytree *t, const char *key, struct ytree *val);

/* The text of a map, the caller's to mem_free(); "{}\n" when it is empty. */
char *ytree_text(const struct ytree *t);

#endif
