/*
 * Octets of UPDATEs made before the clock runs, and the attribute sets in them.
 *
 * Attribute set k of a sender is a function of (seed, sender, k), so nothing has to
 * be kept to know what was sent: path_make() again.
 */
#ifndef LOAD_STREAM_H
#define LOAD_STREAM_H

#include "tests/bench/load/pool.h"
#include "tests/bench/load/update.h"

#define PATH_MAX_AS   12
#define PATH_MAX_COMM 4

/* What is said of a group of prefixes. */
struct path {
	uint8_t origin;
	unsigned nas, ncomm;
	uint32_t as[PATH_MAX_AS];
	uint32_t comm[PATH_MAX_COMM];
	bool has_med, has_local_pref, has_reflection;
	uint32_t med, local_pref;
	uint32_t originator, cluster; /* of a reflector */
	struct ip_addr next_hop;
};

/* Octets, growing; owned. */
struct stream {
	uint8_t *p;
	size_t len, cap;
	uint64_t prefixes; /* announced or withdrawn in it */
};

/*
 * The attribute set k of session s: an eBGP peer's path has its AS first, three more
 * that no other set has together, every fourth set a MED; an iBGP peer's path is
 * empty, with LOCAL_PREF 100. Two communities in both. l->path replaces all but those and
 * the next hop, which is the session's own address.
 */
void path_make(struct path *p, const struct sess *s, uint32_t k);

/* Its attributes in wire form; with `mp`, NEXT_HOP is left out (it stands in MP_REACH_NLRI). */
void path_put(const struct path *p, struct wr *w, bool mp);

/* Append the announcement of prefixes lo to hi - 1 with one attribute set; few messages. */
void stream_announce(struct stream *st, const struct pool *pool, const struct path *p, uint32_t lo,
    uint32_t hi);

/* Append the whole pool as the session announces it: set i / --per-set for prefix i. */
void stream_table(struct stream *st, const struct pool *pool, const struct sess *s);

/* Append the same of n prefixes by number. */
void stream_announce_list(struct stream *st, const struct pool *pool, const struct path *p,
    const uint32_t *index, uint32_t n);

/* Append their withdrawal. */
void stream_withdraw_list(struct stream *st, const struct pool *pool, const uint32_t *index,
    uint32_t n);

/* Append End-of-RIB for a family: RFC 4724 section 2. */
void stream_end_of_rib(struct stream *st, uint8_t af);

/*
 * For messages of another kind: a writer at the end of the stream, behind the header of
 * an UPDATE, with room for one message; stream_msg_end() takes it over. Not ended: nothing
 * was appended.
 */
struct wr stream_msg_begin(struct stream *st);
void stream_msg_end(struct stream *st, struct wr *w);

void stream_free(struct stream *st);

/* What set k of a sender looks like on the wire; kept so that runs of one set are made once. */
struct wanted {
	const struct sess *sender; /* NULL: empty */
	uint32_t k;
	struct attrs attrs;
	struct span next_hop;
	struct ip_addr next_hop_addr;
	uint8_t buf[256];
};

/* Make (or keep) the attributes of (sender, k). */
void wanted_make(struct wanted *w, const struct sess *sender, uint32_t k);

#endif
