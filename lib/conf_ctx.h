/*
 * One loading of a configuration: what the steps (parse, fill, check) share.
 *
 * conf_parse() walks the tree by the option table and remembers where each value
 * stood; conf_fill() sets defaults and what is inherited or derived; conf_check()
 * looks for contradictions between values that are right by themselves.
 */
#ifndef LIB_CONF_CTX_H
#define LIB_CONF_CTX_H

#include "lib/conf_parts.h"
#include "lib/conf_path.h"
#include "lib/conf_table.h"
#include "lib/yamlcfg.h"

/* Where the value of an option, or a whole list element (o: the list), was written. */
struct conf_mark {
	const void *base;
	const struct opt *o;
	const struct ynode *node;
	uint32_t no; /* the order in which they were read */
	bool bad;    /* something in it was complained about */
};

struct conf_ctx {
	const struct conf_env *env;
	struct conf_errs *errs;
	struct conf *c;
	const struct ynode *root;
	const struct conf_part *parts;
	uint32_t part; /* the one that is being read */
	bool own_advertisements; /* a file has some, if only none */
	struct conf_path path;
	struct conf_mark *mark; /* sorted once all is read */
	size_t nmarks, cap;
};

/* A list of any kind, as the structs of conf.h have them. */
struct conf_list {
	void *v;
	size_t n;
};

/* The member of base that the option fills. */
static inline void *
opt_field(const struct opt *o, void *base)
{
	return (char *)base + o->off;
}

static inline const void *
opt_cfield(const struct opt *o, const void *base)
{
	return (const char *)base + o->off;
}

/* Element i of a list of elements of `size` octets. */
static inline void *
conf_list_at(const struct conf_list *l, size_t size, size_t i)
{
	return (char *)l->v + i * size;
}

/* A finding about that node at ctx->path: what was wanted; what stands there is described. hint: or NULL. */
void conf_complain(struct conf_ctx *ctx, const struct ynode *n, const char *wanted, const char *hint);

/*
 * A scalar's text with ${NAME} replaced and $${ as ${; owned by the caller. NULL after a complaint
 * about a variable.
 */
char *conf_scalar_text(struct conf_ctx *ctx, const struct ynode *n);

/* Add a finding; its path, as one of the whole, is told as its part has it. */
void conf_note(struct conf_ctx *ctx, struct conf_err e);

/* Where a peer is: `peers[2]`, with its name `peers[2] (tor0)`, or its object. Owned by the caller. */
char *conf_peer_place(const struct conf_ctx *ctx, const struct conf_peer *p, bool named);
/*
 * Elements of a list stand elsewhere from now on (both places are still there): what is known of
 * where they were written moves with them.
 */
void conf_marks_move(struct conf_ctx *ctx, const void *from, size_t octets, const void *to);
/* Give back what is in a list of peers, and the list. */
void conf_peers_clear(struct conf_peers *ps);

/* Fill ctx->c from ctx->root; findings go to ctx->errs. False: there is nothing to go on with. */
bool conf_parse(struct conf_ctx *ctx);

/* Defaults, inheritance, derived values. */
void conf_fill(struct conf_ctx *ctx);

/*
 * What of a peer follows from its AS number, unless it was given: import, export (and the number of
 * `internal`).
 */
void conf_fill_remote(const struct conf *c, struct conf_peer *p, bool import_given, bool export_given);

/* All that a peer has when nothing is written about it, but for who it is. */
void conf_fill_template(struct conf *c, struct conf_peer *p);

/* Contradictions; says nothing about options that were complained about before. */
void conf_check(struct conf_ctx *ctx);

/* After the checks: one spelling for what can be written in several. */
void conf_settle(struct conf *c);

/* Put one value from its text into the option's member of base (a list grows by it). */
bool conf_put_default(const struct opt *o, void *base, const char *text);

/*
 * Where the value of that option of base (struct conf, struct conf_peer, ...) was
 * written: item >= 0 the element of its list. Falls back on the list element it
 * belongs to, then on the file's beginning.
 */
const struct ynode *conf_where(
    const struct conf_ctx *ctx, const void *base, const struct opt *o, int item);

/*
 * The value of an option of base (no map, no list of maps) as conf_dump() prints it,
 * "" when it has none; owned by the caller.
 */
char *conf_option_text(const struct opt *o, const void *base);

/* Does the option's value stand in the file (and is not inherited)? */
bool conf_is_written(const struct conf_ctx *ctx, const void *base, const struct opt *o);

/* Was there a complaint about the option's value? */
bool conf_is_bad(const struct conf_ctx *ctx, const void *base, const struct opt *o);

#endif
