/*
 * Neighbour discovery on links without addresses: router advertisements and
 * solicitations (RFC 4861 sections 4.1, 4.2 and 6), sans I/O.
 *
 * All that is taken from an advertisement is who sent it: the router at the
 * other end of the link is the peer.  Ours say that we are a router and nobody's
 * default router (lifetime 0).  A link has one neighbour: the first that is
 * heard stays as long as it is heard or its session is up, so that whoever else
 * speaks on the link, and however much, costs a comparison and no memory.
 */
#ifndef BGPD_CORE_RADV_H
#define BGPD_CORE_RADV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/mono.h"
#include "lib/rng.h"
#include "lib/wire.h"

#define RADV_HOP_LIMIT	   255
#define RADV_ADVERT_OCTETS 16 /* as we send it: no options */
#define RADV_SOLICIT_OCTETS 8

/* ---- packets ------------------------------------------------------------------- */

/* ICMPv6 types. */
enum radv_type { RADV_SOLICIT = 133, RADV_ADVERT = 134 };

/* As it came: the ICMPv6 message, whose checksum the kernel has seen, and what stood around it. */
struct radv_packet {
	const uint8_t *p;
	size_t octets;
	struct ip_addr from; /* a link-local one need not have its ifindex */
	uint32_t ifindex;    /* where it came in */
	int hop_limit;	     /* -1: not known */
};

/*
 * What must be true before a packet is looked at: RFC 4861 sections 6.1.1 and 6.1.2. Fills *ret
 * (RADV_SOLICIT or RADV_ADVERT) and returns NULL, or says what is wrong (static text).
 */
const char *radv_decode(const struct radv_packet *in, enum radv_type *ret);

/* Our own; the kernel fills in the checksum. */
void radv_encode(struct wr *w, enum radv_type type);

/* ---- links ---------------------------------------------------------------------- */

/* What a packet was good for. */
enum radv_news {
	RADV_NOTHING,
	RADV_FOUND, /* the link has another neighbour now: link->neighbour */
	RADV_OTHER, /* another router speaks there, and the first one stays: link->other; told seldom */
};

struct radv_link {
	struct list list;
	uint32_t ifindex;
	struct ip_addr neighbour; /* with ifindex; af IP_NONE: not heard yet */
	struct mono_us heard;	  /* from it, or accepted from it, last; us 0: not since the link was cut */
	struct mono_us forget_at; /* unless it is heard, or its session is up */
	bool busy;		  /* its session is up */
	bool wanted;		  /* mark and sweep of the caller */
	struct ip_addr other;
	struct log_limit other_log;
	struct mono_us advert_at, solicit_at; /* to be sent next */
	struct mono_us advert_last; /* 0: none was sent */
	uint8_t adverts, solicits; /* sent since the start of this search */
	uint64_t heard_adverts;
};

struct radv {
	struct list links;
	struct rng *rng;     /* borrowed */
	uint64_t refused;    /* packets that were no proper ones */
	const char *refused_why; /* of the last one */
};

/* Without links; rng is borrowed for r's life. */
void radv_init(struct radv *r, struct rng *rng);
/* Every link goes. */
void radv_free(struct radv *r);

/* The link of an interface, or NULL. */
struct radv_link *radv_find(const struct radv *r, uint32_t ifindex);

/* Look for a neighbour there; a link that is known already stays as it is. */
struct radv_link *radv_add(struct radv *r, struct mono_us now, uint32_t ifindex);
/* Look no longer; frees it. */
void radv_remove(struct radv_link *l);

/*
 * A packet came.  *ret is its link where the result is not RADV_NOTHING.  Links that were not
 * added, and packets that are not proper, are nothing.
 */
enum radv_news radv_input(struct radv *r, struct mono_us now, const struct radv_packet *in,
    struct radv_link **ret);

/*
 * Somebody has opened a TCP connection from a link-local address of that link: may it be the
 * neighbour?  When it may it is from then on.
 */
bool radv_accept(struct radv_link *l, struct mono_us now, const struct ip_addr *from);

/* The session with the neighbour is up, or no longer. */
void radv_busy(struct radv_link *l, struct mono_us now, bool up);

/* The link was cut: the neighbour is still the first guess, and whoever is heard next replaces it. */
void radv_cut(struct radv_link *l, struct mono_us now);

/* When radv_next() or radv_expire() has something to do; MONO_NEVER without links. */
struct mono_us radv_deadline(const struct radv *r);

/*
 * The next packet that is due, on that interface; false when there is none for now.  What cannot
 * be sent counts as sent.
 */
bool radv_next(struct radv *r, struct mono_us now, uint32_t *ret_ifindex, enum radv_type *ret_type);

/*
 * A link whose neighbour was just forgotten, because it is not heard any more and has no session;
 * NULL: none is left.
 */
struct radv_link *radv_expire(struct radv *r, struct mono_us now);

#endif
