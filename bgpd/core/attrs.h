/*
 * Attribute sets: what an UPDATE says about its prefixes, decoded, immutable,
 * shared.
 *
 * `struct attrs_build` lives on somebody's stack and borrows its octets;
 * attrs_intern() turns it into the one `const struct attrs` with that content,
 * so equality is pointer equality.  The pool belongs to the speaker.  The hash
 * is seeded (SipHash): a peer cannot choose colliding sets.
 *
 * The parts of variable length are kept in wire form (network order), one
 * after the other behind the fixed fields.  AS_PATH always has 4-octet AS
 * numbers here (RFC 6793), whatever the session speaks.
 */
#ifndef BGPD_CORE_ATTRS_H
#define BGPD_CORE_ATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/hmap.h"
#include "lib/ip.h"
#include "lib/wire.h"

enum attrs_flag {
	ATTRS_MED = 1 << 0,
	ATTRS_LOCAL_PREF = 1 << 1,
	ATTRS_ATOMIC = 1 << 2,
	ATTRS_AGGREGATOR = 1 << 3,
	ATTRS_ORIGINATOR = 1 << 4,
	ATTRS_NH_LL = 1 << 5,	      /* a link-local next hop beside the global one (RFC 2545) */
	ATTRS_COMM_PARTIAL = 1 << 6,  /* Partial bit of these, as received (RFC 4271 section 5) */
	ATTRS_EXT_PARTIAL = 1 << 7,
	ATTRS_LARGE_PARTIAL = 1 << 8,
	ATTRS_AGGR_PARTIAL = 1 << 9,
	ATTRS_OTC = 1 << 10, /* Only to Customer: RFC 9234 section 5 */
	ATTRS_OTC_PARTIAL = 1 << 11,
	ATTRS_RARE = 1 << 14,  /* there is a struct attrs_rare: made by interning */
	ATTRS_ALONE = 1 << 15, /* made by attrs_make() */
};

/* What policy notes on a set; never on the wire. */
enum attrs_mark {
	ATTRS_MARK_MED = 1 << 0,      /* an export filter set MED: it goes to eBGP peers, too */
	ATTRS_MARK_NH_GIVEN = 1 << 1, /* an export filter set the next hop */
	ATTRS_MARK_NH_SELF = 1 << 2,  /* or wants it to be this node */
	ATTRS_MARK_TYPE_SHIFT = 4,    /* from here on: enum ipc_rule_route of an own prefix */
};

/* Parts of variable length, in the order they are stored. */
enum attrs_part {
	ATTRS_AS_PATH,	     /* segments with 4-octet AS numbers */
	ATTRS_COMMUNITIES,   /* 4 octets each, RFC 1997 */
	ATTRS_EXT,	     /* 8 octets each, RFC 4360 */
	ATTRS_LARGE,	     /* 12 octets each, RFC 8092 */
	ATTRS_CLUSTER_LIST,  /* 4 octets each, RFC 4456 */
	ATTRS_UNKNOWN,	     /* whole attributes with their headers, Partial bit set */
	ATTRS_NPARTS
};

struct attrs {
	struct hmap_node node; /* pool's; node.hash serves as a cheap, seeded hash */
	uint32_t refs;
	/* What is asked for at each decision comes first: it shares a line of the cache. */
	uint16_t flags;		/* enum attrs_flag */
	uint8_t origin;		/* enum bgp_origin */
	uint8_t nh_af;		/* of the next hop; 0: none */
	uint32_t med, local_pref; /* 0 without their flag */
	uint16_t weight;	/* import filters set it: greater is better */
	uint8_t marks;		/* enum attrs_mark */
	uint8_t well_known;	/* which communities are there that are asked for per prefix */
	uint32_t first_asn;	/* first of the leading AS_SEQUENCE, 0: none (empty or AS_SET) */
	uint32_t origin_asn;	/* last of the closing AS_SEQUENCE, 0: none */
	uint32_t originator_id; /* 0 without its flag */
	uint16_t as_path_hops;	/* AS_SET counts 1, confederation segments 0: RFC 4271 9.1.2.2 a) */
	uint16_t part_octets[ATTRS_NPARTS];
	/*
	 * The next hop (4 or 16 octets), with ATTRS_RARE a struct attrs_rare, with ATTRS_NH_LL
	 * the link-local next hop (16), then the parts: a table has a hundred thousand sets.
	 */
	uint8_t data[];
};

/* What few sets have. */
struct attrs_rare {
	uint32_t nh_ifindex; /* scope of a link-local next hop, else 0 */
	uint32_t aggregator_asn, aggregator_id, otc; /* 0 without their flag */
};

struct attrs_view {
	const uint8_t *p;
	uint16_t octets;
};

/* The same on the stack.  All zeros: an empty set (IGP, empty AS_PATH, no next hop). */
struct attrs_build {
	uint16_t flags, weight;
	uint8_t origin, marks;
	uint32_t med, local_pref, aggregator_asn, aggregator_id, originator_id, otc;
	struct ip_addr next_hop, next_hop_ll; /* the latter counts with ATTRS_NH_LL only */
	struct attrs_view part[ATTRS_NPARTS]; /* borrowed */
};

struct attrs_pool;

/* An empty pool; seed keys its hash. */
struct attrs_pool *attrs_pool_new(const uint64_t seed[2]);

/* Frees the pool, which must be empty: a set left over aborts (a reference was leaked). */
void attrs_pool_free(struct attrs_pool *pool);

/* Sets alive, and the octets they take. */
size_t attrs_pool_live(const struct attrs_pool *pool);
size_t attrs_pool_octets(const struct attrs_pool *pool);

/*
 * The set with b's content, with one reference more, which the caller owns.
 * Values without their flag, the scope of a next hop that is not link-local
 * and a link-local next hop without its flag do not count.  Copies what b
 * borrows.
 */
const struct attrs *attrs_intern(struct attrs_pool *pool, const struct attrs_build *b);

/* A set with its hash, while it is looked for. */
struct attrs_sought {
	struct attrs *a; /* the pool's */
	size_t octets;
	uint64_t hash;
};

/*
 * The same in steps, for who has something to do while the processor waits for memory:
 * attrs_seek(), a little later attrs_approach(), a little later attrs_settle(), which answers
 * as attrs_intern() does. The pool is not to be used for anything else in between.
 */
struct attrs_sought attrs_seek(struct attrs_pool *pool, const struct attrs_build *b);
void attrs_approach(const struct attrs_pool *pool, const struct attrs_sought *s);
const struct attrs *attrs_settle(struct attrs_pool *pool, const struct attrs_sought *s);

/*
 * The same, but a set of its own, which nobody else gets: for what is said once and compared
 * with nothing, as that costs neither hash nor look.
 */
const struct attrs *attrs_make(struct attrs_pool *pool, const struct attrs_build *b);

/* One reference more; returns a.  NULL stays NULL. */
const struct attrs *attrs_ref(const struct attrs *a);

/* One less; the last one frees the set.  NULL is fine. */
void attrs_unref(struct attrs_pool *pool, const struct attrs *a);

/* a's content as a build that borrows from a: to change and intern again. */
void attrs_to_build(const struct attrs *a, struct attrs_build *ret);

/* The type of own prefix it is of (enum ipc_rule_route); 0 for routes of peers. */
static inline uint8_t
attrs_route_type(const struct attrs *a)
{
	return (uint8_t)(a->marks >> ATTRS_MARK_TYPE_SHIFT);
}

/* What few sets have: all zeros in the others. */
struct attrs_rare attrs_rare(const struct attrs *a);

/* A part's octets; octets 0 when absent.  Borrowed from a. */
struct attrs_view attrs_part(const struct attrs *a, enum attrs_part part);

/* The next hop (af 0: none) and the link-local one beside it, scope included. */
struct ip_addr attrs_next_hop(const struct attrs *a);
struct ip_addr attrs_next_hop_ll(const struct attrs *a);

/* Is the AS number anywhere in AS_PATH (loop check, RFC 4271 section 9.1.2)?  How often? */
bool attrs_has_asn(const struct attrs *a, uint32_t asn);
unsigned attrs_count_asn(const struct attrs *a, uint32_t asn);

/* Is the number (host order) in COMMUNITIES (RFC 1997), in CLUSTER_LIST (RFC 4456 section 8)? */
bool attrs_has_community(const struct attrs *a, uint32_t community);
bool attrs_has_cluster(const struct attrs *a, uint32_t cluster_id);

/* AS numbers walked in order, every segment; false at the end. *ret_seg may be NULL. */
struct as_path_iter {
	struct rd r;
	uint8_t seg, left;
};
struct as_path_iter as_path_iter(const struct attrs *a);
bool as_path_next(struct as_path_iter *it, uint32_t *ret_asn, uint8_t *ret_seg);

/*
 * Put asn n times in front of b's AS_PATH, in scratch, to which b's part then
 * points.  A leading AS_SEQUENCE grows up to 255, then a new one begins.
 * False, and b unchanged, when cap is too small or the path would pass 65535
 * octets.  RFC 4271 section 5.1.2.
 */
bool attrs_prepend(struct attrs_build *b, uint32_t asn, unsigned n, uint8_t *scratch, size_t cap);

/* The same with an AS_CONFED_SEQUENCE: RFC 5065 section 4 (b). */
bool attrs_prepend_confed(struct attrs_build *b, uint32_t asn, uint8_t *scratch, size_t cap);

/* Append a community to b's COMMUNITIES, likewise. */
bool attrs_add_community(struct attrs_build *b, uint32_t community, uint8_t *scratch, size_t cap);

/* A new reference: a with the community; a itself where it has it, or there is no room for it. */
const struct attrs *attrs_with_community(struct attrs_pool *pool, const struct attrs *a,
    uint32_t community);

/* Put a cluster id in front of b's CLUSTER_LIST, likewise.  RFC 4456 section 8. */
bool attrs_prepend_cluster(struct attrs_build *b, uint32_t cluster_id, uint8_t *scratch,
    size_t cap);

/*
 * Text into buf of cap octets, NUL-terminated, cut (ending in "...") when it
 * does not fit; returned.  "65001 65002 {65003 65004} (65010)"; "65001:1
 * no-export"; "65001:2:3"; "rt:65001:1 0x...". "" for an empty part.
 */
char *attrs_str_as_path(const struct attrs *a, char *buf, size_t cap);
char *attrs_str_communities(const struct attrs *a, char *buf, size_t cap);
char *attrs_str_large(const struct attrs *a, char *buf, size_t cap);
char *attrs_str_ext(const struct attrs *a, char *buf, size_t cap);
char *attrs_str_cluster_list(const struct attrs *a, char *buf, size_t cap);
char *attrs_str_unknown(const struct attrs *a, char *buf, size_t cap); /* "type 99 (4 octets)" */

#endif
