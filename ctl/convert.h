/*
 * `weft convert`: other products' resources to our configuration.
 *
 * A product is a table of kinds, a kind a table of rules: a path in its object and what becomes of
 * the value there. Whatever no rule names is reported, so nothing is lost without a word.
 */
#ifndef CTL_CONVERT_H
#define CTL_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/yamltree.h"
#include "lib/yamlcfg.h"

struct conv_note {
	char *object; /* BGPPeer/tor1 */
	char *path;   /* spec.interface; "" about the object as a whole */
	char *why;
};

struct conv {
	struct ytree *root;	/* the configuration as it grows */
	struct ytree *to;	/* what the paths of rules are relative to */
	const struct ynode *obj; /* the object that is converted */
	const char *name;	/* its metadata.name */
	char *object;		/* its kind and name, for messages */
	const char *path;	/* of the value */
	struct conv_note *lost; /* what could not be carried over */
	size_t nlost;
	struct conv_note *note; /* what means something else here */
	size_t nnotes;
	size_t nobjects;
	const struct ynode *const *all; /* all objects of the file, for references */
	size_t nall;
};

struct conv_rule {
	const char *path; /* "spec.peers[].peerASN"; "[]": every element */
	/* v is never NULL. NULL: only look into it. */
	void (*take)(struct conv *c, const struct conv_rule *r, const struct ynode *v);
	const char *arg; /* for take: mostly where it goes */
	bool into;	 /* the rules below it are asked, too */
};

struct conv_kind {
	const char *kind;
	const struct conv_rule *rule;
	size_t nrules;
	void (*begin)(struct conv *c); /* before the rules; sets c->to */
	void (*end)(struct conv *c);
	bool late; /* refers to others' results: after all that are not */
	const char *lost; /* the kind as a whole has no counterpart, and why */
};

struct conv_product {
	const char *name;
	const struct conv_kind *kind;
	size_t nkinds;
	void (*finish)(struct conv *c); /* after all objects; NULL: nothing to do */
	const char *const *groups; /* of apiVersion; NULL-terminated */
	/* About what the product does without being told; NULL-terminated. */
	const char *const *hints;
};

extern const struct conv_product conv_calico, conv_metallb, conv_cilium;

#define CONV_KIND(word, rules) \
	.kind = word, .rule = rules, .nrules = sizeof(rules) / sizeof((rules)[0])

/* The node at path ("spec.bgp.asNumber"), NULL: none. */
const struct ynode *conv_get(const struct ynode *n, const char *path);
/* The text of a scalar at path, NULL: none. */
const char *conv_str(const struct ynode *n, const char *path);
/* The object of that kind and name, NULL: not in the file. */
const struct ynode *conv_find(const struct conv *c, const char *kind, const char *name);

/* What stands at c->path is not carried over; why is copied. */
void conv_lost(struct conv *c, const char *why);
/* It is carried over, but should be looked at; why is copied. */
void conv_note(struct conv *c, const char *why);

/* Any tree as ours. */
struct ytree *conv_tree(const struct ynode *n);

/* ---- rules for what is common ---- */

/* The same value at arg. */
void conv_take(struct conv *c, const struct conv_rule *r, const struct ynode *v);
/* Nothing takes its place, arg says why. */
void conv_drop(struct conv *c, const struct conv_rule *r, const struct ynode *v);
/* Carried over elsewhere, or what weft does anyway. */
void conv_skip(struct conv *c, const struct conv_rule *r, const struct ynode *v);
/* Go's durations ("1m30s") and plain seconds to ours. */
void conv_duration(struct conv *c, const struct conv_rule *r, const struct ynode *v);
/* Names with a capital to ours without: UseNodeIP, Keep. */
void conv_decapitalise(struct conv *c, const struct conv_rule *r, const struct ynode *v);
/* A label selector, or a list of them of which one must match. */
void conv_selector(struct conv *c, const struct conv_rule *r, const struct ynode *v);
/* [{name, value}] to communities. */
void conv_communities(struct conv *c, const struct conv_rule *r, const struct ynode *v);

/* A new element of the list at path of the configuration, with that name, once it is unique. */
struct ytree *conv_element(struct conv *c, const char *path, const char *name);

#endif
