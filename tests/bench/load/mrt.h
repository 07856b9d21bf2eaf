/*
 * A table out of an MRT file of BGP4MP messages (RFC 6396, RFC 8050): what one peer was
 * told, made ready to be sent by an eBGP peer of ours.
 *
 * Per prefix only its last announcement counts, so each is sent once, together with the
 * others of the same UPDATE. What belongs to the session it was recorded on is replaced:
 * the sender's AS is put in front of AS_PATH, the next hop is its address, LOCAL_PREF,
 * ORIGINATOR_ID and CLUSTER_LIST are left out. AS numbers of the daemon and of our own
 * peers in a path would look like loops: they become MRT_OTHER_AS. An UPDATE with AS 0 in
 * its path is left out: whether it is refused (RFC 7607) differs from daemon to daemon.
 */
#ifndef LOAD_MRT_H
#define LOAD_MRT_H

#include "tests/bench/load/stream.h"

#define MRT_OTHER_AS 64496 /* for documentation, RFC 5398 */

struct mrt {
	struct pool pool;     /* its prefixes, numbered; reads and prints them */
	struct stream stream; /* one UPDATE for each set */
	uint32_t nsets;
	uint32_t *set_at; /* where set k's UPDATE begins in the stream */
	uint32_t *set_of; /* of each prefix */
	struct mrt_prefixes *prefixes;
};

/*
 * Read a file (of gzip's, too) and make the table for a sender; false with the reason
 * told by load_fail(). Only IPv4 with 4-octet AS numbers is taken. End it with mrt_free().
 */
bool mrt_load(struct mrt *m, const struct sess *sender, const char *file);
void mrt_free(struct mrt *m);

/* The attributes of set k as they are sent. */
void mrt_wanted(const struct mrt *m, struct wanted *w, uint32_t k);

#endif
