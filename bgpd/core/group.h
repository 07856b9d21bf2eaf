/*
 * Update groups: peers of one family that are told the same.
 *
 * A group keeps one word per destination for what it announces (Adj-RIB-Out,
 * RFC 4271 section 3.2): the source's attributes and who may see it.  Changed
 * destinations are queued, one bit each, and encoded when a member pulls: once
 * for all, into the group's log (outlog.h), from which every member copies
 * with its own next hop.
 *
 * Nobody is told its own paths: a group of one member has no words for these, until
 * another one joins.
 *
 * A member that joins, falls behind, or asks for everything again leaves the
 * log and walks: it has one bit per destination for what it was sent and one
 * for what it has to look at, and rejoins the log when nothing is left.
 * A slow member so costs two bits per destination and no queue.
 *
 * A group that sends several paths per prefix (RFC 7911) keeps its words, and
 * all else that is said of destinations here, per path: by the number of the
 * path's slot in the RIB, which is its path id on the wire as well.  Only what
 * changed is queued by destination, as its paths have to be chosen together;
 * paths that are no more are queued by themselves.  While a family has such a
 * group, slots of paths are not used again before it has forgotten them
 * (reap.h).
 *
 * While the log still begins where the group did, and says little that newer
 * chunks say again, a member that joins without a past reads it from there
 * instead of walking: of a thousand sessions that come up at once, while their
 * peers already announce, each copies what was encoded once.
 *
 * End-of-RIB (RFC 4724) follows a member's first walk.
 */
#ifndef BGPD_CORE_GROUP_H
#define BGPD_CORE_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/bitq.h"
#include "bgpd/core/outlog.h"
#include "bgpd/core/outtable.h"
#include "bgpd/core/policy.h"
#include "bgpd/core/reap.h"
#include "bgpd/core/rib.h"
#include "bgpd/core/update.h"
#include "bgpd/core/vis.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/mono.h"

struct batch;
struct rpeer;
struct speaker;

/* The log holds no more than this for its slowest member. */
#define GROUP_LOG_OCTETS (1u << 20)
#define GROUP_LOG_CHUNKS 4096

/* What a log that is read from its beginning may say beyond twice the table. */
#define GROUP_REPLAY_MORE 256

/*
 * End-of-RIB waits so long for decisions and changes to come to rest, and no longer: a
 * peer that is told late keeps dead routes alive.
 */
#define GROUP_EOR_WITHIN_US 1000000

/* Packing may wait for more input so long, and no longer. */
#define GROUP_HOLD_US 50000

/* So long after the last member came a log is kept whole for others who may come. */
#define GROUP_REPLAY_S 30

struct group {
	struct list node;
	uint8_t af;
	struct export_policy policy;
	const struct filter_chain *chain; /* of policy; a reference */
	struct update_ctx ctx; /* for encoding */
	struct out_table out;
	struct bitq dirty;	/* destinations */
	struct bitq gone;	/* with path ids: paths that are no more */
	struct mono_us dirty_since;
	bool built;	    /* every destination was looked at once */
	uint32_t build_lap;
	bool unheard;	    /* paths of its only member were left out: nobody would be told */
	bool kick;	    /* members have to be asked to write */
	bool dead;	    /* without members: only its table is left, to be given back */
	uint32_t clear_page;
	struct outlog log;
	struct chunk *replay; /* a cursor before all that was ever said; NULL: the log is not whole */
	struct mono_us joined; /* when the last member came */
	uint32_t said;	      /* ids in the log since then */
	uint32_t words;	      /* of the table, that are not 0 */
	struct list members;
	uint32_t nmembers;
	uint32_t nsynced; /* of these, members that read the log */
	uint64_t limbo_seq; /* reap.c's */
};

struct member {
	struct list node;
	struct list ask; /* in groups.asked or groups.owed, or in none */
	struct group *g;
	struct rpeer *rp;
	struct chunk *at;	/* cursor in the log; NULL: walking */
	struct bitq todo, has;	/* walking: to look at; sent and not withdrawn */
	struct update_nh self;	/* next hop of its own */
	bool eor_due;
	bool refresh_due;	 /* everything again, from the next pull on */
	bool borr_due, eorr_due; /* markers of an enhanced refresh */
	uint16_t item_octets;	 /* walking: what a destination took last; 0: not known */
};

struct groups {
	struct list all;   /* struct group */
	struct list dead;  /* without members: their tables are given back in slices */
	uint32_t n;
	uint32_t nby_path[AF_COUNT]; /* of these, with path ids */
	uint32_t members[AF_COUNT];  /* of all of them together */
	struct list asked; /* members that may have something to write, for reasons of their own */
	struct list owed;  /* members that End-of-RIB was due to when they were asked last */
	struct mono_us late_asked; /* when these were asked last because it took too long */
	struct reaper reaper;
	struct timer replays; /* ends those that nobody has joined for a while */
	struct only_set *only;
	uint16_t nonly;
	struct batch *batch; /* scratch */
	struct log_limit too_large; /* what does not fit into a message */
	size_t log_octets;   /* GROUP_LOG_OCTETS and GROUP_LOG_CHUNKS; smaller in tests */
	uint32_t log_chunks;
};

/* Does the group number what it says by path? */
static inline bool
group_by_path(const struct group *g)
{
	return g->policy.addpath != IPC_ADDPATH_NONE;
}

/* Has it anything to look at? */
static inline bool
group_is_dirty(const struct group *g)
{
	return g->dirty.count > 0 || g->gone.count > 0;
}

/* What is said of an id (a destination's, or a path's) on the wire. */
void group_nlri(const struct rib *rib, bool by_path, uint32_t id, struct nlri *ret);

/* No group yet; and free all of them with what they announce. */
void groups_init(struct speaker *sp);
void groups_free(struct speaker *sp);

/* The destination's best path, or its standing, changed. i: index of the family. */
void groups_touch(struct speaker *sp, unsigned i, uint32_t dest);
/* The best path stays, but others may have changed. */
void groups_touch_paths(struct speaker *sp, unsigned i, uint32_t dest);
/* Does a group of the family know paths by their slots? Then tell it of one that was buried. */
bool groups_know_paths(const struct speaker *sp, unsigned i);
void groups_path_gone(struct speaker *sp, unsigned i, uint32_t path);
/* Everything has to be looked at again. */
void groups_touch_all(struct speaker *sp, unsigned i);

/* Paths of that peer will look different from now on, or it is no more. */
void groups_source_changed(struct speaker *sp, uint16_t index);

/* A peer's family is up (and into its group), or down. */
void groups_join(struct rpeer *rp, struct mono_us now, unsigned i);
void groups_leave(struct rpeer *rp, unsigned i);
/* Its export settings may have changed: move it to the group it belongs to now. */
void groups_rejoin(struct rpeer *rp, struct mono_us now, unsigned i);

/*
 * Say everything again (RFC 2918 section 4); enhanced: between markers (RFC
 * 7313).  Asked for often, it is begun but once before the next pull.
 */
void groups_refresh(struct rpeer *rp, struct mono_us now, unsigned i);
/* Begin it: the member walks (pull.c asks). */
void member_refresh(struct member *m);

/*
 * Pull (pull.c): whole UPDATEs of that family into buf, none begun once there are `want`
 * octets; returns octets.
 */
size_t groups_fill(struct rpeer *rp, struct mono_us now, unsigned i, uint8_t *buf, size_t cap,
    size_t want);
bool groups_wants_fill(const struct rpeer *rp, struct mono_us now, unsigned i);

/* May changed destinations be encoded now, or is it worth while to wait for more of them? */
bool group_ready(const struct speaker *sp, const struct group *g, struct mono_us now);

/* Ask all members of all groups whether they have something to write (End-of-RIB, too). */
void groups_kick(struct speaker *sp);
/* The same, but only those that End-of-RIB is due to: there is nothing left to decide. */
void groups_decided(struct speaker *sp);
/* Ask that one, by the next groups_work(). */
void member_ask(struct speaker *sp, struct member *m);

/* The log does not tell everything from the beginning any more, or it is not worth while. */
void group_forget_replay(struct group *g);

/* Leave the log for a walk: has and todo are filled so that nothing is lost (walk.c). */
void member_detach(struct speaker *sp, struct member *m);

/* Everything that is announced has to be looked at. */
void member_walk_all(struct speaker *sp, struct member *m);

/*
 * Walk on until there are `want` octets or no room is left; at the end the member reads the
 * log again.  False when something waits for the next pull.
 */
bool member_walk(struct member *m, struct wr *w, size_t want);

/* Attributes that do not fit into a message of the group: said, but not to a flood. */
void group_too_large(struct speaker *sp, const struct group *g, const struct ip_prefix *prefix);

/* The next hop that a member is told with these (exported) attributes. */
struct update_nh member_next_hop(const struct member *m, const struct attrs *x);

/* Ask members to write where there is something; give dead things back; takes from *units. */
void groups_work(struct speaker *sp, struct mono_us now, int *units);
/* Is there work for groups_work() now? */
bool groups_busy(const struct speaker *sp, struct mono_us now);

/* What a member was (or will next be) told of a destination, or of a path; NULL: nothing. */
const struct attrs *groups_advertised(const struct rpeer *rp, unsigned i, uint32_t id,
    uint16_t *ret_vis);
/* Has the peer been sent all there is to say in that family? */
bool groups_told(const struct rpeer *rp, unsigned i);
/* Is it told about any destination? */
bool groups_announces(const struct rpeer *rp, unsigned i);
/* How many destinations, or paths, a member is told about. */
uint32_t groups_count(const struct rpeer *rp, unsigned i);

#endif
