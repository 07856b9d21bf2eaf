/*
 * Saying that two values contradict each other; shared by the files that look.
 */
#ifndef LIB_CONF_CHECK_H
#define LIB_CONF_CHECK_H

#include "lib/conf_ctx.h"

/* Where a contradiction shows, and what else it depends on. */
struct conf_clash {
	const void *base;  /* struct conf, struct conf_peer, ... that holds the option */
	const char *path;  /* the option, as in the table */
	int item;	   /* element of its list, or -1 */
	const char *other; /* another option of the same base that it depends on, or NULL */
	const char *hint;  /* or NULL */
	bool warning;
};

/*
 * Note it, unless one of the options was complained about already. The sentence is
 * the rest of the arguments.
 */
void conf_clash(struct conf_ctx *ctx, const struct conf_clash *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "peers[2].name": the option as an element's, for messages; owned by the caller. */
char *conf_instance_path(const struct conf *c, const void *base, const struct opt *o, int item);

/* Is it for a cluster, as it says or by where it is, whose nodes are peers then? */
bool conf_is_clustered(const struct conf_ctx *ctx);

/*
 * Rules for peers between their options and each other: addresses, AS numbers, ranges,
 * passwords. Complaints go to ctx.
 */
void conf_check_peers(struct conf_ctx *ctx);
/* The same for advertisements; also turns their communities' names into numbers. */
void conf_check_advertisements(struct conf_ctx *ctx);
/* The same for BFD profiles and for what refers to them. */
void conf_check_bfd(struct conf_ctx *ctx);
/* The same for filters and for what refers to them. */
void conf_check_filters(struct conf_ctx *ctx);

/*
 * The value that a community's name or text stands for; ext: extended ones, too. An unknown
 * one is noted, with what may have been meant, and gives false.
 */
bool conf_resolve_community(struct conf_ctx *ctx, const struct conf_clash *at, const char *text,
    bool ext, struct conf_community_value *ret);

/* A Secret's name or a key in it, as Kubernetes takes them; it becomes part of a request. */
bool conf_is_object_name(const char *name);

/* Note that something has not that name; s: the names there are. */
void conf_clash_name(struct conf_ctx *ctx, struct conf_clash at, const char *best, const char *what,
    const char *name);

#endif
