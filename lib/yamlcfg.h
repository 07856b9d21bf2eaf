/*
 * YAML text to a tree whose every node knows its line and column.
 *
 * Built from libyaml's events. What YAML allows beyond a configuration's needs is
 * refused with a position: tags, keys that are not plain words, more than one
 * document, a byte order mark, other encodings than UTF-8. Anchors, aliases and the
 * merge key `<<` work; an aliased node is shared, not copied, and counts with its
 * whole size against YAMLCFG_NODES_MAX each time it is used, so that walking the
 * tree is bounded however aliases are nested. Duplicate keys are errors.
 */
#ifndef LIB_YAMLCFG_H
#define LIB_YAMLCFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf.h"

#define YAMLCFG_NODES_MAX 200000
#define YAMLCFG_DEPTH_MAX 24

enum ynode_kind { YNODE_SCALAR, YNODE_SEQ, YNODE_MAP };

struct ynode_pair {
	char *key;
	uint32_t line, col; /* of the key, from 1 */
	uint32_t part;	    /* of the configuration, as told to ydoc_parse_part() */
	bool merged;	    /* came in by `<<` */
	struct ynode *val;
};

struct ynode {
	enum ynode_kind kind;
	uint32_t line, col;	 /* from 1 */
	uint32_t part;		 /* of the configuration */
	bool plain;		 /* SCALAR: not quoted */
	bool own;		 /* made for a composition, which may change it */
	bool open;		 /* still being read: an alias to it would be a loop */
	uint32_t weight;	 /* nodes in it, itself and what it shares included */
	uint32_t from, to;	 /* MAP: characters of the text before it, and before what follows */
	char *anchor;		 /* NULL: none */
	char *text;		 /* SCALAR, NUL-terminated */
	size_t len;		 /* SCALAR: octets, which may contain NUL */
	struct ynode **item;	 /* SEQ */
	struct ynode_pair *pair; /* MAP */
	size_t n;		 /* items or pairs */
	struct ynode *next;	 /* all nodes of the document, newest first */
};

struct ydoc {
	struct ynode *root;
	struct ynode *all;
};

/*
 * Read a document of len octets. What is wrong with the form goes to errs; a syntax
 * error ends the reading, duplicate keys do not. Returns the document, owned by the
 * caller, or NULL when there is none.
 */
struct ydoc *ydoc_parse(const char *text, size_t len, struct conf_errs *errs);

/* Where a text comes from that is but a part of something larger. */
struct ydoc_origin {
	uint32_t part;	    /* of the configuration, for findings */
	uint32_t line, col; /* lines above it, columns left of it */
	const char *path;   /* of what it holds, for findings; NULL: none */
};
/* The same for such a part. */
struct ydoc *ydoc_parse_part(
    const char *text, size_t len, const struct ydoc_origin *from, struct conf_errs *errs);

/* A place for one more node, whose memory goes with the document. */
struct ynode *ydoc_node_new(struct ydoc *d, enum ynode_kind kind);
void ydoc_free(struct ydoc *d);

/* Nothing was written: an empty plain scalar, ~ or null. */
bool ynode_is_null(const struct ynode *n);

#endif
