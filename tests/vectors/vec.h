/*
 * Wire vectors: what weft must do with octets a peer may send, one clause of an
 * RFC each.
 *
 * A vector is text (*.vec, see 00-words.vec for the language).  It is run over a
 * world: the core without I/O (core.c), or a running weft behind TCP (tcp.c).
 * What weft did is only ever judged by what comes out of it: the octets the peer
 * gets back, and the routes a second session, the observer, is told.
 */
#ifndef TESTS_VECTORS_VEC_H
#define TESTS_VECTORS_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/ip.h"
#include "lib/wire.h"

/* ---- vectors as text ------------------------------------------------------------ */

struct vec_step {
	char *verb, *rest; /* "send", "route", "notify", ... and its arguments */
	unsigned line;
};

struct vec {
	char *id;
	const char *file; /* of the set */
	unsigned line;
	unsigned rfc;
	char *section, *level, *text; /* "6.3", "MUST", the requirement in our words */
	char *peer;	  /* kind of peer: a name of vec_kinds[] */
	char *caps, *open; /* expressions; NULL: $caps, and an OPEN made of them */
	char *state;	  /* in which the first step finds the session */
	char *only;	  /* "core" when a socket cannot show it; else NULL */
	struct vec_step *steps;
	size_t nsteps;
};

struct vec_word { /* $name */
	char *name, *text;
};

struct vec_set {
	struct vec *v;
	size_t n;
	struct vec_word *words;
	size_t nwords;
	char **files;
	size_t nfiles;
};

/* Add a file's vectors and words; false with a complaint on stderr. */
bool vec_load(struct vec_set *set, const char *path);
/* All below $srcdir/tests/vectors. */
bool vec_load_all(struct vec_set *set);
void vec_set_free(struct vec_set *set);

/* ---- who is who ------------------------------------------------------------------- */

#define VEC_WEFT_AS 65001
#define VEC_PEER_AS 65002
#define VEC_OUTSIDE_AS 65003

/*
 * Kinds of peers as weft is configured for them; lanes of one kind differ by address only.
 * VEC_CUSTOMER and so on are what the peer is to weft (RFC 9234). VEC_MEMBER is another
 * Member-AS (RFC 5065), and VEC_OUTSIDE a peer outside, of a weft in a confederation.
 */
enum vec_kind {
	VEC_OBSERVER,
	VEC_EBGP,
	VEC_IBGP,
	VEC_ADDPATH,
	VEC_PROVIDER,
	VEC_CUSTOMER,
	VEC_PEER,
	VEC_RS,
	VEC_RS_CLIENT,
	VEC_STRICT, /* a customer that must tell its role */
	VEC_NEXTHOP6, /* IPv4 routes may have IPv6 next hops (RFC 8950) */
	VEC_MEMBER,
	VEC_OUTSIDE,
	VEC_NKINDS
};
#define VEC_CONFED_ID 65100
static inline bool
vec_is_confed(enum vec_kind kind)
{
	return kind == VEC_MEMBER || kind == VEC_OUTSIDE;
}
extern const char *const vec_kinds[VEC_NKINDS];

/* The kind of that name, VEC_NKINDS when there is none. */
enum vec_kind vec_kind_of(const char *name);
uint32_t vec_asn(enum vec_kind kind);
/* Address of the peer of that kind on that lane, and weft's: af is IP4 or IP6. */
struct ip_addr vec_peer_addr(enum vec_kind kind, unsigned lane, uint8_t af);
struct ip_addr vec_weft_addr(uint8_t af);

/* ---- expressions -------------------------------------------------------------------- */

struct vec_asm {
	const struct vec_set *set;
	enum vec_kind kind;
	unsigned lane;
	bool as4;	  /* width of AS numbers in seg() */
	const char *caps; /* what `caps` stands for */
	char err[160];	  /* what is wrong with the expression; empty: nothing */
	unsigned depth;
};

/* Append the octets of an expression to w; false with a->err. */
bool vec_octets(struct vec_asm *a, const char *expr, struct wr *w);

/* ---- what a session was told --------------------------------------------------------- */

struct vec_route {
	struct ip_prefix prefix;
	uint8_t *attrs; /* TLVs as they came, without MP_*; next hop as a TLV of type 14 */
	size_t octets;
	unsigned serial; /* of the UPDATE it came with */
};

struct vec_view {
	struct vec_route *v;
	size_t n;
	unsigned serial;
};

/* Take an UPDATE's body in. False when it is not well-formed: then weft sent rubbish. */
bool vec_view_update(struct vec_view *view, const uint8_t *body, size_t octets);
const struct vec_route *vec_view_find(const struct vec_view *view, const struct ip_prefix *p);
/* The attribute of that type, header and all; NULL: none. */
const uint8_t *vec_route_attr(const struct vec_route *r, uint8_t type, size_t *ret_octets);
void vec_view_free(struct vec_view *view);

/* ---- worlds ----------------------------------------------------------------------------- */

/* A connection of ours to weft; the world appends to in[] and sets closed. */
struct vec_conn {
	uint8_t *in;
	size_t octets, cap;
	bool closed;
	uint32_t id; /* the world's */
};

struct vec_world {
	unsigned lane;
	void *ctx;
	/* NULL when weft does not take it. */
	struct vec_conn *(*dial)(struct vec_world *w, enum vec_kind kind);
	void (*send)(struct vec_world *w, struct vec_conn *c, const uint8_t *buf, size_t n);
	/* We have nothing more to say: weft reads up to here, then closes. */
	void (*finish)(struct vec_world *w, struct vec_conn *c);
	/* Our end closes; c is freed. */
	void (*hang_up)(struct vec_world *w, struct vec_conn *c);
	/* We read nothing of this connection any more, or again. NULL: not in this world. */
	void (*deafen)(struct vec_world *w, struct vec_conn *c, bool deaf);
	/* Let something happen: returns after it did, or after at most 20 ms. */
	void (*pump)(struct vec_world *w);
	uint64_t (*now_us)(struct vec_world *w);
};

void vec_conn_append(struct vec_conn *c, const uint8_t *buf, size_t n);

/* A speaker of its own in this process, in virtual time; in a confederation or not. */
void vec_core_open(struct vec_world *w, unsigned lane, bool confed);
void vec_core_close(struct vec_world *w);
/* The weft that listens on vec_weft_addr(IP4). */
void vec_tcp_open(struct vec_world *w, unsigned lane);
void vec_tcp_close(struct vec_world *w);

/* ---- running ------------------------------------------------------------------------------ */

struct vec_observer;
/* The second session, established; NULL with a complaint in why[160]. */
struct vec_observer *vec_observer_up(struct vec_world *w, const struct vec_set *set, char *why);
void vec_observer_free(struct vec_observer *o);
/* Its session has not ended, as far as what was read so far tells. */
bool vec_observer_is_up(const struct vec_observer *o);

/* Let happen what is under way, 20 rounds without news long; false when a message of weft's is broken. */
bool vec_observer_settle(struct vec_observer *o);
/* How many routes it was told of. */
size_t vec_observer_routes(const struct vec_observer *o);

/* Append the vector's OPEN to one, everything behind it to the other; false when it cannot be written. */
bool vec_script(const struct vec_set *set, const struct vec *v, unsigned lane, struct wr *open,
    struct wr *rest);

/* Run one vector; false with why (of 1024 octets) filled. The second: as that kind of peer. */
bool vec_run(struct vec_world *w, struct vec_observer *o, const struct vec_set *set,
    const struct vec *v, char *why);
bool vec_run_as(struct vec_world *w, struct vec_observer *o, const struct vec_set *set,
    const struct vec *v, enum vec_kind kind, char *why);

#endif
