/*
 * The log of an update group: encoded UPDATEs that every member has to see
 * once, and the members' cursors.
 *
 * A chunk is one UPDATE and, for each of its prefixes, the destination's id
 * and who could see what was announced before.  A cursor stands on the last
 * chunk its member has read; the oldest chunk is freed when no cursor stands
 * on it or before it.  Reading and appending never touch other members.
 *
 * Visibility (vis): who of the group sees an announcement.  A peer's index:
 * everybody but that peer, which it came from; VIS_LOCAL: everybody;
 * VIS_ONLY and up: the peers of a list (vis_sees() in group.c); VIS_NONE:
 * nobody, there is no announcement.
 */
#ifndef BGPD_CORE_OUTLOG_H
#define BGPD_CORE_OUTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/attrs.h"

#define VIS_LOCAL 0
#define VIS_ONLY  0xc000 /* the first list; peer indexes stay below */
#define VIS_GONE  0xfffe /* from a peer that is no more: everybody */
#define VIS_NONE  0xffff

struct chunk {
	struct chunk *next;
	uint64_t seq;	   /* rises by one */
	uint32_t readers;  /* cursors that stand here */
	uint16_t n;	   /* prefixes */
	uint16_t vis;	   /* of what is announced; VIS_NONE: a withdrawal */
	bool same;	   /* only who may see it has changed, not what is said */
	uint8_t nh_octets; /* 0: the next hop is the same for all members */
	uint16_t nh_off;   /* else each member's own goes here */
	uint16_t octets;   /* of msg */
	const struct attrs *attrs; /* as announced: a reference; NULL: a withdrawal */
	uint32_t *id;	   /* n destinations; the three arrays follow the struct */
	uint16_t *old;	   /* n: vis of what was announced before */
	uint8_t *msg;	   /* one whole UPDATE */
};

struct outlog {
	struct attrs_pool *pool; /* borrowed */
	struct chunk *oldest, *newest; /* never NULL: at first a chunk without octets */
	uint32_t chunks;
	size_t octets; /* of all chunks */
};

/* An empty log (pool is borrowed); and free it, cursors or not. */
void outlog_init(struct outlog *l, struct attrs_pool *pool);
void outlog_free(struct outlog *l);

/*
 * Append a copy of proto with its three arrays (proto's are borrowed); takes a
 * reference to proto->attrs.
 */
void outlog_append(struct outlog *l, const struct chunk *proto);

/* A new cursor: everything up to now counts as read. */
struct chunk *outlog_join(struct outlog *l);

/* A new cursor beside another one, with as much still to read. */
struct chunk *outlog_join_at(struct chunk *at);

/* The cursor goes away. */
void outlog_leave(struct outlog *l, struct chunk *at);

/* The chunk to read next, or NULL. */
static inline struct chunk *
outlog_next(const struct chunk *at)
{
	return at->next;
}

/* at->next was read: the cursor's new place. */
struct chunk *outlog_advance(struct outlog *l, struct chunk *at);

#endif
