/*
 * What the routing half of the speaker shares: the speaker itself and its
 * state of each peer.
 *
 * The life of a route: adjin.c takes it from an UPDATE and applies the import
 * policy; loc.c decides; fibout.c offers the result to the agent; group.c
 * announces it (adjout.c encodes, outlog.c keeps what members still have to
 * read); gr.c keeps it over restarts; query.c shows it.  Each has its own
 * header; only the data they share stands here.
 */
#ifndef BGPD_CORE_SPEAKER_PRIV_H
#define BGPD_CORE_SPEAKER_PRIV_H

#include <stdarg.h>

#include "bgpd/core/adjout.h"
#include "bgpd/core/attrs.h"
#include "bgpd/core/bitq.h"
#include "bgpd/core/decide.h"
#include "bgpd/core/feed.h"
#include "bgpd/core/fibout.h"
#include "bgpd/core/gr.h"
#include "bgpd/core/group.h"
#include "bgpd/core/nht.h"
#include "bgpd/core/peer.h"
#include "bgpd/core/policy.h"
#include "bgpd/core/radv.h"
#include "bgpd/core/rib.h"
#include "bgpd/core/speaker.h"
#include "bgpd/core/spots.h"

#define PEERS_MAX 0x8000 /* indexes; must stay below VIS_ONLY */

/* One family of a peer. */
struct rpeer_af {
	uint8_t gen;  /* generation of paths learned from now on */
	uint8_t keep; /* bit per generation: its paths count (others wait to be swept) */
	uint32_t paths[GR_GENS], rejected[GR_GENS]; /* by generation */
	uint32_t best;
	struct bitq may_have; /* destinations (adjin.c) that it may have a path to */
	bool active;	    /* Established, and the family is in use */
	bool eor_received, eor_sent; /* on this session */
	bool warned, full;  /* prefix limit: said so */
	bool crowded;	    /* too many paths of one prefix: said so */
	struct member *member; /* of an update group; NULL unless active */
	const struct filter_chain *chain[2]; /* import and export; references, NULL: no rules */
};

/* What was received and came to nothing, since the peer is known: RFC 7854 section 4.8. */
struct rpeer_counts {
	uint32_t rejected, as_loop, originator, cluster_loop; /* the first includes the others */
	uint32_t dup_prefix, dup_withdraw;
};

/*
 * The RIB's state of a peer.  It outlives struct peer until the last of its
 * paths was swept.  Index 0 is the node itself.
 */
struct rpeer {
	struct speaker *sp;
	struct peer *peer; /* NULL: removed, or the node itself */
	uint16_t index;
	uint32_t id;	   /* of the configuration */
	struct ipc_conf_peer conf; /* set by rpeer_set_conf() */
	struct hmap_node by_addr;  /* while there is a peer */

	/* Of the newest session; kept afterwards for the paths that stay. */
	struct export_source src;
	struct import_policy imp;
	struct ip_addr addr;
	uint32_t remote_id;
	struct mono_us up_since; /* MONO_NEVER: not Established */
	uint64_t leaks;		 /* announcements rejected as route leaks (RFC 9234) */

	struct rpeer_af af[AF_COUNT];
	struct gr_peer gr;
	struct timer forget; /* a dynamic peer that nobody uses */
	bool reimport; /* the walk has to ask the import policy again */
	uint8_t fill_first; /* the family whose turn to write is next */
	bool drain_spoke; /* it was told of prefixes when that step began */
	bool drain_due; /* the step of its drain (conf.drain) is not said yet: drain.c */

	struct rpeer_counts counts;
	struct {
		uint8_t *p; /* NULL: none */
		uint16_t octets;
		bool sent;
	} notification; /* of the session that ends; kept only while there are collectors */
};

/* A walk over all paths of a family, by id; goes on until one full round after the last request. */
struct path_walk {
	uint32_t pos, stop;
	bool running, wrapped;
};

struct speaker {
	struct log *log;
	struct ipc_conf_speaker conf;
	bool configured, originate_end, shutting_down, shutdown_said;
	struct mono_us start, now; /* now: the time last heard of */
	struct attrs_pool *pool;
	struct heap timers;
	struct rng rng;
	struct peer_env env;

	struct rpeer **peer; /* by index; NULL: free */
	uint16_t npeers;     /* indexes in use or free, [0] included */
	struct rpeer *local; /* peer[0] */
	struct hmap by_addr; /* struct rpeer, by octets of the address that its configuration has */
	uint32_t ndrains;    /* peers with drain_due */

	struct rib rib[AF_COUNT];
	struct nht nht;
	struct filters filters;
	struct filter_db *filter_db; /* of the configuration; NULL: none */
	struct trie permit; /* prefixes that import accepts */
	struct trie_node *permit_nodes;
	struct hmap origs;

	struct spots spots; /* of the UPDATE at hand */
	struct path_walk walk[AF_COUNT];
	struct bitq decide[AF_COUNT]; /* destinations to be decided */
	struct loc_scratch *loc;
	struct fib fib;
	struct groups groups;
	struct gr gr;

	struct feeds feeds;

	struct radv radv; /* at interfaces of unnumbered peers */
	struct timer radv_timer;

	struct list todos; /* struct todo_node */
	uint64_t decisions, updates_in;
	uint64_t refresh_walks; /* over all paths at once, for the sake of a refresh */
};

/* Log it and queue it for the agent; peer NULL: not about one. */
void speaker_event(struct speaker *sp, enum log_level level, const struct rpeer *rp,
    const char *name, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same by id and name of the peer (name NULL: not about one), for peer.c's events. */
void speaker_vevent(struct speaker *sp, enum log_level level, uint32_t peer, const char *peer_name,
    const char *name, const char *fmt, va_list ap) __attribute__((format(printf, 6, 0)));

/* We made this prefix out of longer ones: RFC 4271 sections 5.1.6 and 5.1.7. */
void speaker_aggregator(const struct speaker *sp, struct attrs_build *b);

/* Queue something for the shell; take the next one. */
bool speaker_pop_todo(struct speaker *sp, struct todo *ret);
void speaker_todo(struct speaker *sp, const struct todo *t);

/* The peer of a configuration id; NULL when there is none (0 is nobody's). */
struct rpeer *speaker_peer(const struct speaker *sp, uint32_t id);

/* Callbacks for peer.c (peering.c). */
extern const struct peer_ops speaker_peer_ops;

/* A peer's RIB state: made with its peer, and freed when its last path was swept. */
struct rpeer *rpeer_new(struct speaker *sp, struct mono_us now, const struct ipc_conf_peer *conf);
void rpeer_remove(struct rpeer *rp, struct mono_us now);
/* Free those whose paths are all gone; call when no walk is under way. */
void rpeers_reap(struct speaker *sp);
void rpeers_free(struct speaker *sp);

/* Its configuration, under whose address it is found from now on. */
void rpeer_set_conf(struct rpeer *rp, const struct ipc_conf_peer *conf);
/* The peer that a connection from there belongs to; NULL: none, or an unnumbered one. */
struct rpeer *rpeer_from(const struct speaker *sp, const struct ipc_endpoints *ep);

/* Start the time after which an unused dynamic peer is forgotten again; nothing for others. */
void rpeer_forget_later(struct rpeer *rp, struct mono_us now);

/* The chains of a peer's filters as the configuration has them now; true: import's is another. */
bool rpeer_filters(struct rpeer *rp);

/* The import policy of a peer, after its session came up or a configuration. */
void rpeer_import_policy(struct rpeer *rp);

/* ---- unnumbered.c ---- */

/* Of the speaker's start and end: no link is listened on. */
void unnumbered_init(struct speaker *sp);
void unnumbered_free(struct speaker *sp);
/* After a configuration: look for neighbours where it wants them, and nowhere else. */
void unnumbered_configure(struct speaker *sp, struct mono_us now);
/* The session of a peer came up or ended; nothing for peers with an address. */
void unnumbered_session(struct rpeer *rp, struct mono_us now, bool up);
/* Its link was cut. */
void unnumbered_cut(struct rpeer *rp, struct mono_us now);
/* The unnumbered peer that a connection from there belongs to, or NULL with the reason. */
struct rpeer *unnumbered_accept(struct speaker *sp, struct mono_us now, const struct ip_addr *from,
    const char **ret_why);

static inline struct speaker *
peer_speaker(const struct peer *p)
{
	return p->env->ctx;
}

/* Seconds of the speaker's time, for ages. */
static inline uint32_t
speaker_seconds(const struct speaker *sp, struct mono_us now)
{
	return (uint32_t)(mono_diff_us(now, sp->start) / 1000000);
}

#endif
