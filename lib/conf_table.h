/*
 * The option table: one row per option, and everything else is derived from it.
 *
 * The parser, its error messages, the defaults, conf_dump(), conf_diff(), the JSON
 * Schema, the paragraphs of weft.yaml(5) and the generated tests all walk these
 * rows; an option exists by having a row and a member in lib/conf.h. The rows stand
 * in lib/conf_opt_*.c, one file per top-level key, in the order in which they are
 * dumped and documented; a map or list stands before its members.
 *
 * A row's path is written with "[]" for "every element": peers[].timers.hold. The
 * member it fills is at `off` in its base: the struct of the innermost list element,
 * or struct conf.
 */
#ifndef LIB_CONF_TABLE_H
#define LIB_CONF_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf.h"

enum opt_type {
	OPT_MAP,	     /* members only */
	OPT_LIST,	     /* of maps: {v, n}, elements of `elem` octets */
	OPT_BOOL,	     /* bool */
	OPT_UINT,	     /* uint32_t, min to max */
	OPT_DURATION,	     /* uint32_t in units of `scale` ms; min, max in ms */
	OPT_INTERVAL,	     /* uint32_t in ms; a number without unit is ms; min, max in ms */
	OPT_PERCENT,	     /* uint32_t */
	OPT_ENUM,	     /* an enum: the index in words */
	OPT_FLAGS,	     /* list of words -> uint32_t with bit 1 << index */
	OPT_TEXT,	     /* char *, any text of at most max octets */
	OPT_NAME,	     /* char *, at most max octets without blanks */
	OPT_BFD,	     /* char *, name of a profile, CONF_BFD_DEFAULT or CONF_BFD_OFF */
	OPT_FILE,	     /* char *, absolute path */
	OPT_ENVNAME,	     /* char *, name of an environment variable */
	OPT_IFNAME,	     /* char[CONF_IFNAME_LEN] */
	OPT_IFSTR,	     /* char *, an interface name */
	OPT_ADDR,	     /* struct ip_addr; min 4 or 6: of that family only */
	OPT_ROUTERID,	     /* struct ip_addr, IPv4 and not 0.0.0.0 */
	OPT_PREFIX,	     /* struct ip_prefix without host bits */
	OPT_ASN,	     /* uint32_t, plain or asdot (RFC 5396) */
	OPT_REMOTE_AS,	     /* struct conf_remote_as */
	OPT_PEER_ADDR,	     /* struct conf_peer_addr */
	OPT_IP_RULE,	     /* struct conf_ip_rule */
	OPT_PEER_SOURCE,     /* struct conf_source */
	OPT_KERNEL_SOURCE,   /* the same without interfaces */
	OPT_MULTIHOP,	     /* uint32_t, true is 255 */
	OPT_TABLE,	     /* uint32_t, kernel routing table */
	OPT_PROTOCOL,	     /* uint32_t, kernel route protocol */
	OPT_PROTECT,	     /* struct conf_protect_item */
	OPT_ENDPOINT,	     /* struct conf_endpoint */
	OPT_COMMUNITY,	     /* char *, a name or a value */
	OPT_COMMUNITY_ANY,   /* the same; extended values, too */
	OPT_PREFIX_OR_ADDR,  /* struct ip_prefix */
	OPT_COMMUNITY_VALUE, /* struct conf_community_value */
	OPT_RANGE,	     /* struct ip_range: a prefix, FIRST-LAST or an address */
	OPT_SELECTOR,	     /* char *, an expression (lib/selector.h); a label map may stand for it */
	OPT_NTYPES,
};

enum opt_flag {
	OPT_F_MANY = 1,	     /* list of that type: {v, n}; one scalar stands for a list of one */
	OPT_F_REQUIRED = 2,  /* must be written */
	OPT_F_NODUMP = 4,    /* its value lives on in other options */
	OPT_F_NONEMPTY = 8,  /* a list that is written has at least one element */
	OPT_F_DUMP_SET = 16, /* dumped only when written: it matters whether it was */
	OPT_F_NAMED = 32,    /* OPT_LIST: written as a mapping; its key is the char * behind the
			      * element's struct conf_set */
	OPT_F_ONE = 64,	     /* OPT_LIST: of one element at most, written as a mapping itself */
};

/* What a changed value costs on reload; order matters: the strongest counts. */
enum opt_effect { OPT_LIVE, OPT_POLICY, OPT_SESSION };

#define OPT_NINSTEAD 3

struct opt {
	const char *path;
	enum opt_type type;
	enum opt_effect effect;
	uint32_t flags;
	size_t off, elem;    /* elem: OPT_LIST only */
	uint64_t min, max;   /* numbers; durations in ms; lists, texts: most elements, octets */
	uint32_t scale;	     /* OPT_DURATION: ms per unit stored */
	const char *dflt;    /* as it would be written; NULL: none, or derived (see doc) */
	const char *inherit; /* path of the option whose value is the default */
	const char *instead[OPT_NINSTEAD]; /* OPT_F_REQUIRED: paths of options that may stand in its place */
	const char *needs;   /* path of the option without which this one means nothing */
	const char *like;    /* OPT_LIST: path of the list whose members its elements have */
	const char *scalar;  /* OPT_LIST: path of the one member that its elements must have; a plain
			      * value in place of a map is that member. OPT_MAP: the same, but that it
			      * may be left out */
	const char *zero;    /* word for 0, for none or for the empty list: off, auto */
	const char *const *words;   /* OPT_ENUM, OPT_FLAGS; NULL-terminated */
	const char *const *aliases; /* other names of the key; NULL-terminated */
	const char *since;	    /* NULL: the first version */
	const char *brief;	    /* one line without a full stop */
	const char *doc;	    /* sentences; `words` in backquotes; may be NULL */
};

#define OPT_WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Keys that a later version brings: known, refused, and not taken for a typing mistake. */
extern const char *const conf_later[];

/* The next row after o, NULL starts; NULL at the end. */
const struct opt *opt_next(const struct opt *o);

/* The row of that path, or NULL. */
const struct opt *opt_find(const char *path);

/* The next member of a map, list or (parent NULL) the whole, after o; NULL at the end. */
const struct opt *opt_next_child(const struct opt *parent, const struct opt *o);

/* The member of that name or alias; *ret_alias (may be NULL) says whether it was an alias. */
const struct opt *opt_child(const struct opt *parent, const char *key, bool *ret_alias);

/* The last part of the path: hold for peers[].timers.hold, peers for peers. */
const char *opt_key(const struct opt *o);

/* The list whose elements hold this row's member; NULL: struct conf does. */
const struct opt *opt_base(const struct opt *o);

/* Is list (NULL: struct conf) that one? */
bool opt_is_in(const struct opt *o, const struct opt *list);

/* The next row of which a member is in the elements of list (NULL: in struct conf), after o. */
const struct opt *opt_next_in(const struct opt *list, const struct opt *o);

/* The row whose members those of o are: o itself, but for lists that are like another. */
const struct opt *opt_members(const struct opt *o);

/* Must o, a member of parent, be written? */
bool opt_is_required(const struct opt *parent, const struct opt *o);

/* The place of an element's name (OPT_F_NAMED). */
char **opt_name_of(void *elem);

/* Number of the row in the table, the bit of struct conf_set. */
unsigned opt_index(const struct opt *o);

/* struct conf, struct conf_peer and so on begin with their struct conf_set. */
bool opt_is_set(const void *base, const struct opt *o);
void opt_mark_set(void *base, const struct opt *o);
void opt_mark_unset(void *base, const struct opt *o);

#endif
