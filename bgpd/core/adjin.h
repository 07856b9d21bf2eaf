/*
 * Adj-RIB-In: what peers say, and the import policy.
 *
 * Nothing received is forgotten: rejected paths are kept with their reason (RFC 4271
 * section 3.2), and count against the prefix limit.  Every change queues its
 * destination for a decision; nothing is decided here.  Jobs that touch all
 * paths of a peer (its session ended, policy changed, a next hop moved) are
 * one walk over the paths, in slices.
 */
#ifndef BGPD_CORE_ADJIN_H
#define BGPD_CORE_ADJIN_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/rib.h"
#include "bgpd/core/update.h"
#include "lib/mono.h"

struct rpeer;
struct speaker;

/* Paths that one peer may have to one destination with add-path (RFC 7911). */
#define ADJIN_PATHS_MAX 255

/* Apply an UPDATE (peer_ops.update): withdrawals, announcements, End-of-RIB. */
void adjin_update(struct rpeer *rp, struct mono_us now, const struct update *u);

/*
 * An UPDATE is going to be decoded, and has this field of IPv4 NLRI (peer_ops.ahead): what its
 * prefixes need of memory is asked for. Nothing of it is believed.
 */
void adjin_ahead(struct rpeer *rp, const struct rd *nlri);

/* Announce, or withdraw, an own prefix: a path of the node itself. */
void adjin_local(struct speaker *sp, struct mono_us now, const struct ip_prefix *prefix,
    const struct attrs *attrs);
void adjin_local_del(struct speaker *sp, const struct ip_prefix *prefix);

/* Does the path count, or does it only wait to be swept? */
bool adjin_live(const struct speaker *sp, unsigned i, const struct path *p);

/* Is it left over from an earlier session (RFC 4724)? */
bool adjin_stale(const struct speaker *sp, unsigned i, const struct path *p);

/* The next hop that counts for a path. */
struct ip_addr adjin_next_hop(const struct path *p);
/* What is known of it; NULL: nobody uses it. */
struct nh *adjin_nh(const struct speaker *sp, const struct path *p);

/* From now on paths are of another generation; keep_old: the last one's stay, stale. */
void adjin_new_generation(struct rpeer *rp, unsigned i, bool keep_old);

/*
 * Every path that counts becomes stale until it is announced again, or
 * adjin_sweep(); may be repeated before that.
 */
void adjin_mark_stale(struct rpeer *rp, unsigned i);

/*
 * Every stale path of the family is least preferred from now on, and carries
 * LLGR_STALE; those with NO_LLGR go (RFC 9494 section 4.2).
 */
void adjin_mark_long_lived(struct rpeer *rp, unsigned i);

/* Would that take a walk over all paths at once, as generations are used up? */
bool adjin_mark_needs_walk(const struct rpeer *rp, unsigned i);

/* Only paths of the newest generation stay. */
void adjin_sweep(struct rpeer *rp, unsigned i);

/* Paths of that peer and family that count; of these, rejected ones. */
uint32_t adjin_count(const struct rpeer *rp, unsigned i);
uint32_t adjin_rejected(const struct rpeer *rp, unsigned i);

/* The peer's prefix limit was changed: it may be passed already. */
void adjin_limit_changed(struct rpeer *rp, struct mono_us now, unsigned i);

/* Look at every path of the family again (sweep, import policy, next hops). */
void adjin_walk_request(struct speaker *sp, unsigned i);
/* Part of the walk; takes from *units. */
void adjin_walk(struct speaker *sp, unsigned i, int *units);
bool adjin_walking(const struct speaker *sp);

#endif
