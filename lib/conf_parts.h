/*
 * A configuration of several parts: the file, and the custom resources of a cluster.
 *
 * All of them are one tree for the option table: the same keys, the same code, the same
 * checks. What may stand in which kind of part, and which of two counts:
 *
 *	FILE		everything
 *	DEFAULT		BGPConfiguration `default`: what is the same on all nodes, no peers, filters,
 *			advertisements (they have kinds of their own), nothing of the node alone
 *	NODE		BGPConfiguration `node.NAME`: the same keys for one node; a value or a list in
 *			it takes the place of the one elsewhere
 *	FILTER		BGPFilter: one entry of `filters`
 *	PEER		BGPPeer: one element of `peers`
 *	ADVERTISEMENT	BGPAdvertisement: one element of `advertisements`
 *
 * Objects have their name from metadata. Values of the environment (${NAME}) are the file's alone:
 * who may write an object of the cluster need not see them. A value that two parts set (but for
 * NODE), or two peers of one name or address, are mistakes of the part that came later.
 */
#ifndef LIB_CONF_PARTS_H
#define LIB_CONF_PARTS_H

#include "lib/conf.h"

enum conf_part_kind {
	CONF_PART_FILE,
	CONF_PART_DEFAULT,
	CONF_PART_NODE,
	CONF_PART_FILTER,
	CONF_PART_PEER,
	CONF_PART_ADVERTISEMENT,
	CONF_PART_NKINDS,
};

struct conf_part {
	enum conf_part_kind kind;
	const char *name;    /* for messages: "weft.yaml", "BGPPeer/tor1" */
	const char *element; /* objects: metadata.name */
	const char *text;    /* the file, or an object's spec (JSON is YAML, too) */
	size_t len;
	bool whole;	    /* text is the whole object, its spec stands under that key */
	bool no_lines;	    /* messages name no positions: nobody has seen this text */
	uint32_t line, col; /* lines above the text and columns left of it in its file */
};

/* "BGPPeer" and so on; NULL for files. BGPConfiguration for two of them. */
const char *conf_part_object(enum conf_part_kind kind);

/* May that key of the file stand in a BGPConfiguration? */
bool conf_part_keeps(const char *key);

/*
 * conf_load() of several parts, files first. Findings have the number of their part, and say
 * `BGPPeer/tor1: spec.peerIP: want ...`. With n == 0 there is no configuration.
 */
struct conf *conf_load_parts(const struct conf_env *env, const struct conf_part *parts, size_t n,
    struct conf_errs *errs);

/* ---- keeping what was good --------------------------------------------------- */

enum conf_verdict {
	CONF_TAKEN,   /* in force as it is written */
	CONF_KEPT,    /* its last good text is in force */
	CONF_LEFT_OUT, /* nothing of it is */
};

/* A part with its history; text NULL: it was deleted. */
struct conf_source_part {
	struct conf_part part;
	const char *good; /* its text when it was taken last, NULL: never; same kind, name, whole */
	size_t good_len;
	enum conf_verdict verdict; /* out */
	char *why; /* out: lines of findings, "" for none; the caller's to mem_free() */
};

/*
 * The best configuration that parts give: those with mistakes count with their last good text, or
 * not at all, and the others stay. What was good before is never broken by what is new: when a
 * change of one part makes another one wrong (a filter is deleted that a peer names), the change is
 * what is not taken. NULL when nothing gives a configuration. *ret_errors and *ret_warnings are
 * lines of text, the caller's to mem_free(), "" when there are none.
 */
struct conf *conf_compose(const struct conf_env *env, struct conf_source_part *parts, size_t n,
    char **ret_errors, char **ret_warnings);

/* ---- files that hold objects --------------------------------------------------- */

/*
 * The parts in a file of manifests: documents with apiVersion and kind, custom resources of
 * weft.dev and ConfigMaps with a weft.yaml, by themselves or in a `kind: List`. Any other text is one FILE. Texts are borrowed from
 * `text` or owned by the result; mistakes in what holds the parts go to errs, in which the file
 * becomes one more part.
 */
struct conf_manifest {
	struct conf_part *part;
	size_t n;
	char **owned;
	size_t nowned;
	bool objects; /* it is such a file */
	bool as_number; /* a BGPConfiguration in it says bgp.asNumber */
};
void conf_manifest_read(
    struct conf_manifest *m, const char *name, const char *text, size_t len, struct conf_errs *errs);
void conf_manifest_free(struct conf_manifest *m);

#endif
