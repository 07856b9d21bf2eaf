/*
 * The decision process: which of several paths to one destination is used.
 *
 * Pure: it sees an array of candidates and orders it.  The comparisons are
 * rows of one table, applied in order to the whole set (each step keeps the
 * best and removes the rest), so the result does not depend on the order of
 * arrival, MED included.  Every path that loses is marked with the step that
 * decided against it; views run the same code on demand.
 *
 * RFC 4271 section 9.1.2.2, RFC 4456 section 9, RFC 9494 section 4.3.  Not done: preferring the
 * older path (RFC 5004), so that two nodes with the same paths decide alike.
 */
#ifndef BGPD_CORE_DECIDE_H
#define BGPD_CORE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/attrs.h"
#include "lib/ip.h"

enum decide_step {
	DECIDE_LOCAL,	   /* announced by this node */
	DECIDE_LLGR_STALE, /* not (RFC 9494 section 4.3) */
	DECIDE_WEIGHT,	   /* greatest */
	DECIDE_LOCAL_PREF, /* highest */
	DECIDE_AS_PATH,	   /* shortest */
	DECIDE_ORIGIN,	   /* lowest: IGP, EGP, incomplete */
	DECIDE_MED,	   /* lowest, among paths from one neighbouring AS */
	DECIDE_EBGP,	   /* eBGP before iBGP */
	DECIDE_IGP_METRIC, /* nearest next hop; what is left here is used side by side */
	DECIDE_ROUTER_ID,  /* lowest ORIGINATOR_ID or BGP Identifier */
	DECIDE_CLUSTER_LIST, /* shortest */
	DECIDE_PEER_ADDR,  /* lowest */
	DECIDE_PATH_ID,	   /* lowest, among paths of one peer (RFC 7911) */
	DECIDE_NSTEPS,	   /* nothing decided: the only path */
};

/* The steps from here on order paths that may be used side by side. */
#define DECIDE_FIRST_TIE DECIDE_ROUTER_ID

struct decide_cand {
	const struct attrs *attrs; /* borrowed */
	const struct ip_addr *peer_addr; /* borrowed; not looked at for local paths */
	uint32_t local_pref;	   /* effective: after import policy */
	uint32_t igp_metric;	   /* to the next hop */
	uint32_t router_id;	   /* the peer's BGP Identifier */
	bool local, ebgp;
	bool llgr_stale;	   /* least preferred: RFC 9494 section 4.3 */
	bool draining;		   /* its session is about to be closed: its weight does not count */
	uint32_t path_id;	   /* as received; 0 without add-path */
	uint32_t path;		   /* the caller's */
	const void *nh;		   /* equal for equal next hops; NULL: like no other */

	uint8_t step; /* out, enum decide_step: decided against it; for the best: for it */
	bool seen;    /* scratch */
};

#define DECIDE_USED_MAX UINT8_MAX

/*
 * Order n candidates: the best first, then those used beside it (in order of
 * preference), then the rest.  Returns how many are used, 0 for none: all that
 * are equal, as long as they have max_paths (at least 1) next hops between
 * them, since reflectors tell of one next hop again and again; with max_paths
 * 1 the best alone.  Every candidate's step is set.  No two
 * candidates may have the same peer address and path id.
 */
size_t decide_best(struct decide_cand *v, size_t n, size_t max_paths);

/*
 * Order the candidates v[k] to v[n - 1] that decide_best() left behind the k it
 * uses: those that came farther in the decision process are preferred; MED is
 * not looked at again.
 */
void decide_rest(struct decide_cand *v, size_t n, size_t k);

/* A step in words: "shorter AS_PATH", "only path", ... Static. */
const char *decide_step_text(enum decide_step step);

#endif
