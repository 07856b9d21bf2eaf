/*
 * The inside of struct fib, shared by fib*.c and local.c only.
 *
 * An entry is one (prefix, kind): learned, own block, discard have metrics, and so
 * places in the kernel, of their own.  Entries are 24 octets (IPv6: 28 up to a /64, or 36),
 * live in chunks that never move, and are named by number; 200,000 of them take 6.4 MB
 * (7.2 MB) with the tree that finds them by their prefix.
 *
 * Flow: an intent, a changed set, a judgement or an observation calls
 * entry_eval(), which compares what is wanted with what the kernel has and, when
 * they differ, puts the entry into the work ring; fib_next_op() takes it from there.
 */
#ifndef AGENT_CORE_FIB_PRIV_H
#define AGENT_CORE_FIB_PRIV_H

#include <string.h>

#include "agent/core/admit.h"
#include "agent/core/conflict.h"
#include "agent/core/fib.h"
#include "agent/core/hops.h"
#include "agent/core/kern.h"
#include "agent/core/massguard.h"
#include "agent/core/nhobj.h"
#include "agent/core/nht.h"
#include "agent/core/ptree.h"
#include "lib/heap.h"
#include "lib/hmap.h"
#include "lib/list.h"
#include "lib/rng.h"
#include "lib/trie.h"

#define FIB_METRIC_BLOCK   (UINT32_MAX - 2)
#define FIB_METRIC_DISCARD (UINT32_MAX - 1)

#define FIB_DUMP_GAP_US	   50000	/* between two dumps */
#define FIB_BURST_US	   200000	/* `ip nexthop flush` takes objects one by one */
#define FIB_BURST_MAX	   10
#define FIB_CALM_US	   60000000	/* without loss: the count of repairs starts again */
#define FIB_AGG_US	   100000	/* events of one kind are gathered that long */
#define FIB_LIMIT_US	   1000000	/* between two looks for routes that the limit kept out */
#define FIB_AGG_LIMIT_US   5000000	/* the same, for what would go on and on */
#define FIB_EVENTS_MAX	   64
#define FIB_NEXTHOPS_MORE  1024 /* beyond those followed, as members of sets only */

enum fib_kind { FIB_LEARNED, FIB_BLOCK, FIB_DISCARD, FIB_NKINDS };

/* The fields are as wide as what fib.h allows for: numbers below 2^24, sets below 2^18. */
struct fib_entry {
	uint32_t have; /* hops number the kernel has, as far as known */
	unsigned int next : PTREE_NO_BITS; /* in the set's list; also: free list */
	unsigned int state : 3;		   /* enum fib_state */
	unsigned int kind : 2;
	unsigned int busy : 1;		   /* an operation is without an answer */
	unsigned int queued : 1;	   /* in the work ring */
	unsigned int report : 1;	   /* in the report ring */
	unsigned int prev : PTREE_NO_BITS; /* in the set's list */
	unsigned int trouble : 1;	   /* has a struct trouble */
	unsigned int adopted : 1;	   /* found in the kernel, not asked for yet */
	unsigned int wanted : 1;	   /* block, discard */
	unsigned int admitted : 1;	   /* learned: counts against the limit */
	unsigned int usable : 1;	   /* learned: may resolve next hops */
	unsigned int seen : 1;		   /* since the dump began */
	unsigned int fresh : 1;		   /* asked for since SYNC_BEGIN */
	unsigned int leaving : 1;	   /* withdrawn; remembered or held by the guard (fib_hold.c) */
	unsigned int self : PTREE_NO_BITS; /* its lowest bits are the pool */
	unsigned int len : 8;
	unsigned int set : 18;		   /* learned: index into fib.setv, 0: none */
	unsigned int code : 12;		   /* why refused (enum ipc_refusal) or failed (errno) */
	uint8_t addr[]; /* of the prefix, as many octets as its pool has */
};

/* What a pool's entries are, by the lowest bits of their numbers. */
#define FIB_POOL_V6   1u /* IPv6 */
#define FIB_POOL_LONG 2u /* longer than /64: the second half of the address is there, too */
#define FIB_POOL_BITS 2
#define FIB_NPOOLS    (1u << FIB_POOL_BITS)

struct fib_pool {
	uint8_t **chunk;
	uint32_t nchunks, cap, free;
	uint32_t octets; /* of an entry; a multiple of 4, as it is aligned to its numbers */
};
#define FIB_CHUNK_BITS 7
#define FIB_CHUNK      (1u << FIB_CHUNK_BITS)

/* Only for entries with losses or failures of late. */
struct trouble {
	struct hmap_node node; /* by entry */
	struct heap_node heap; /* when to go on; or, after a calm time, when to forget */
	uint32_t entry;
	uint32_t repairs;      /* losses in all */
	uint16_t losses, failures; /* in a row */
	uint8_t burst;	       /* losses within FIB_BURST_US of each other, by way of their objects */
	bool waiting;
	struct mono_us last_loss;
	char text[96];	       /* the kernel's words */
};

struct fib_set {
	struct hmap_node by_id;
	struct list all;
	struct list eval; /* in f->evals: its entries are to be evaluated */
	struct nhset nhs;
	uint32_t id, self;
	bool live;  /* bgpd may name it by id */
	bool group; /* has needed a group once: stays one */
	bool discard; /* its routes are blackholes */
	uint32_t obj;	  /* nexthop object, 0: none */
	uint32_t want[2]; /* hops numbers, IPv4 and IPv6 */
	uint32_t first, n; /* entries */
};

struct ring {
	uint32_t *v;
	size_t head, n, cap;
};

struct flight {
	uint8_t op;	   /* enum fib_op_kind */
	bool stray;
	uint32_t entry, nhid, hops;
	uint32_t serial, next_free;
};

/* Where our routes of one kind are; a former one after a change of configuration. */
struct place {
	uint32_t table, metric[FIB_NKINDS];
	uint8_t protocol;
};

/* A route in a former place, to be deleted. */
struct stray {
	struct list link;
	struct ip_prefix prefix;
	uint32_t table, metric, hops;
	uint8_t protocol;
};

/* Events of one kind, gathered. */
enum fib_agg {
	AGG_LOST,    /* put back at once */
	AGG_FIGHT,   /* put back with backoff */
	AGG_CHANGED,
	AGG_FOREIGN,
	AGG_FAILED,
	AGG_NEXTHOP, /* objects deleted or changed by somebody */
	AGG_DISCARD, /* a discard route is not admitted */
	AGG_LIMIT,   /* more than FIB_NEXTHOPS_MAX, FIB_ROUTES_MAX */
	AGG_N
};
struct agg {
	uint32_t n, by, most; /* most: repairs of the worst */
	int err;
	struct ip_prefix first;
	struct mono_us due;
	char text[96];
};

/* Programs that have changed something of late. */
#define FIB_PROCESSES 8
struct fib_process {
	uint32_t by;
	char name[16];
};

/* Routes of ours that somebody's win over, and where the search for them stands. */
struct fib_better {
	uint32_t n, metric;
	uint8_t protocol;
	struct ip_prefix first, after;
};

struct fib_event {
	struct list link;
	struct ipc_event e;
};

struct fib {
	struct fib_conf conf; /* its arrays are our copies */
	bool configured;
	struct place place, old[FIB_TABLES_MAX];
	size_t nold;
	struct log *log;
	struct mono_us now;

	uint64_t addr_gen; /* fib_addr_gen() */

	struct hops_pool hops;
	struct kern kern;
	struct nht nht;
	struct nhobj_table objs;
	bool no_nhobj; /* the kernel has none */

	struct ptree tree[FIB_NKINDS][2]; /* IPv4, IPv6 */
	struct fib_pool pool[FIB_NPOOLS];
	uint32_t nentries;
	uint32_t block_hops, discard_hops;

	struct hmap sets; /* live ones by id */
	struct fib_set *routed; /* the one that was named last, if it is live */
	struct list all_sets;
	struct fib_set **setv; /* by index; NULL: unused, in free_sets */
	uint32_t nsetv, nsets, nmembers; /* nsets: live or not; nmembers: of all of these */
	struct ring free_sets;

	struct trie locals, peers, protect;
	struct list evals; /* sets */
	uint32_t eval_at;  /* the entry that comes next of the set under way, 0: none */
	struct ring work, reports;
	struct list strays, former_strays; /* former_strays: of an earlier life, until SYNC_END */

	struct flight flight[FIB_WINDOW];
	uint32_t free_flight, nflight, serial;

	struct hmap troubles;
	struct heap trouble_heap, obj_heap;

	bool dump_want[KERN_NWHAT], dump_done[KERN_NWHAT], dumping[KERN_NWHAT], dump_asked[KERN_NWHAT];
	struct mono_us dump_at;
	bool link_trouble; /* since the last dump of routes: losses are not somebody's doing */
	bool ready; /* the first dump of everything has ended */
	bool stale; /* bgpd gone, or not yet at SYNC_END */
	bool flushed, flush_said;
	bool adopted_said;
	uint32_t adopted[2];
	uint32_t nhave;	    /* entries the kernel has */
	uint32_t ndiscard_refused;
	uint32_t nadmitted, nlimited;
	struct mono_us limit_at;

	struct massguard guard;
	struct ring leaving, leaving_ms; /* entries withdrawn, oldest first, and when */
	uint32_t nleaving[2];		 /* those of them that are in a set */

	struct conflict conflict;
	struct fib_process process[FIB_PROCESSES];
	unsigned int next_process;
	struct fib_better better, better_round;

	struct list nh_reports, local_reports;
	struct list lost; /* struct nh: followed, and left their link */
	struct list events;
	uint32_t nevents;
	struct agg agg[AGG_N];

	uint64_t nstate[8][2]; /* learned, by state and family */
	uint64_t nwanted[2];
	uint64_t ops, op_errors, repairs, dumps;
};

/* ---- fib_entry.c: entries, rings, troubles ---- */

/* By number, which must be valid. */
static inline struct fib_entry *
entry_at(const struct fib *f, uint32_t idx)
{
	const struct fib_pool *pool = &f->pool[idx & (FIB_NPOOLS - 1)];
	uint32_t n = idx >> FIB_POOL_BITS;

	return (struct fib_entry *)(void *)(pool->chunk[n >> FIB_CHUNK_BITS] +
	    (n & (FIB_CHUNK - 1)) * pool->octets);
}

static inline bool
entry_is6(const struct fib_entry *e)
{
	return e->self & FIB_POOL_V6;
}

/* Right to where it is wanted: to copy what was just written in pieces is slow. */
static inline void
entry_prefix_to(const struct fib_entry *e, struct ip_prefix *ret)
{
	ret->len = (uint8_t)e->len;
	if (!entry_is6(e)) {
		ret->af = IP4;
		ip_put_four(ret->b, e->addr);
		return;
	}
	ret->af = IP6;
	memcpy(ret->b, e->addr, 8);
	if (e->self & FIB_POOL_LONG)
		memcpy(ret->b + 8, e->addr + 8, 8);
	else
		memset(ret->b + 8, 0, 8);
}

static inline struct ip_prefix
entry_prefix(const struct fib_entry *e)
{
	struct ip_prefix p;

	entry_prefix_to(e, &p);
	return p;
}

/* Before the first is used, and at the end. */
void entries_init(struct fib *f);
void entries_free(struct fib *f);
/* By prefix, or NULL; by prefix, made when missing. */
struct fib_entry *entry_find(const struct fib *f, enum fib_kind kind, const struct ip_prefix *p);
struct fib_entry *entry_get(struct fib *f, enum fib_kind kind, const struct ip_prefix *p);
/*
 * One more fits, whoever brings it but our own configuration: there are fewer than
 * FIB_ROUTES_MAX. When not, the limit's event will name p.
 */
bool entry_fits(struct fib *f, const struct ip_prefix *p);
/* The longest that contains p, and the next shorter one that does; NULL: none. */
struct fib_entry *entry_covering(const struct fib *f, enum fib_kind kind,
    const struct ip_prefix *p);
struct fib_entry *entry_shorter(const struct fib *f, enum fib_kind kind, const struct ip_prefix *p);
/* In prefix order, IPv4 first: the one after *p (af 0: the first), NULL at the end. */
struct fib_entry *entry_after(const struct fib *f, enum fib_kind kind, const struct ip_prefix *p);

/* Each entry e of that kind, whose prefix is in *at; it may go, and others may come and go. */
#define FIB_FOREACH(f, kind, e, at)                                                                \
	for ((at)->af = IP_NONE;                                                                   \
	     ((e) = entry_after((f), (kind), (at))) && (*(at) = entry_prefix(e), true);)

/* Compare wanted and known; queue work; the entry may be freed. */
void entry_eval(struct fib *f, struct fib_entry *e);
/* What is wanted in the kernel, the state that follows, and why. */
uint32_t entry_want(const struct fib *f, const struct fib_entry *e, enum fib_state *ret_state,
    uint16_t *ret_code);
/* Learned: judge admission again and evaluate. */
void entry_judge(struct fib *f, struct fib_entry *e);
void entry_set_have(struct fib *f, struct fib_entry *e, uint32_t hops); /* takes the reference */
void entry_join(struct fib *f, struct fib_entry *e, struct fib_set *s); /* NULL: leave */
void entry_set_state(struct fib *f, struct fib_entry *e, enum fib_state state, uint16_t code);
void entry_report(struct fib *f, struct fib_entry *e);
/* It may go when nothing and nobody needs it. */
void entry_drop(struct fib *f, struct fib_entry *e);

static inline void
entry_gc(struct fib *f, struct fib_entry *e)
{
	bool asked = e->set != 0 || e->adopted || e->wanted;

	if (!asked && e->have == 0 && !e->busy && !e->queued && !e->report)
		entry_drop(f, e);
}

/* First in, first out; grows as needed. ring_pop(): false when empty. */
void ring_grow(struct ring *r);
void ring_emptied(struct ring *r);

static inline void
ring_push(struct ring *r, uint32_t v)
{
	if (r->n == r->cap)
		ring_grow(r);
	r->v[(r->head + r->n++) & (r->cap - 1)] = v;
}

static inline bool
ring_pop(struct ring *r, uint32_t *ret)
{
	if (r->n == 0)
		return false;
	*ret = r->v[r->head];
	r->head = (r->head + 1) & (r->cap - 1);
	if (--r->n == 0)
		ring_emptied(r);
	return true;
}

/* The i-th from the oldest, i below r->n. */
static inline uint32_t
ring_at(const struct ring *r, size_t i)
{
	return r->v[(r->head + i) & (r->cap - 1)];
}

/* What an entry in difficulties needs besides: NULL without any; made when missing; over. */
struct trouble *trouble_find(const struct fib *f, const struct fib_entry *e);
struct trouble *trouble_get(struct fib *f, struct fib_entry *e);
void trouble_free(struct fib *f, struct fib_entry *e);
/* Something else is wanted: try it without delay, unless somebody keeps deleting it. */
void trouble_new_chance(struct fib *f, struct fib_entry *e);
/* No longer wait: what stood in the way has changed. */
void trouble_end_wait(struct fib *f, struct fib_entry *e);

/* ---- fib.c, fib_op.c, fib_report.c ---- */

/* Object and contents follow the set's legs. True: its entries will be evaluated. */
bool fib_set_refresh(struct fib *f, struct fib_set *s);
void fib_set_refresh_all(struct fib *f);
/*
 * All entries of s are to be evaluated, and what failed gets a new chance: by and by, since
 * thousands of routes must not keep back the one message that moves the traffic of others.
 */
void fib_set_eval(struct fib *f, struct fib_set *s);
/* Evaluate about n of those; false: none are left. */
bool fib_eval_some(struct fib *f, unsigned int n);
void fib_set_gc(struct fib *f, struct fib_set *s);
void fib_settle(struct fib *f);
void fib_judge_covering(struct fib *f, const struct ip_prefix *p);
void fib_judge_all(struct fib *f);
/* There may be room again for routes that the limit kept out. */
void fib_judge_limited(struct fib *f);
struct admit fib_admit(const struct fib *f);
uint32_t entry_metric(const struct fib *f, const struct fib_entry *e);
void fib_gather(struct fib *f, enum fib_agg kind, const struct ip_prefix *p, uint32_t by, int err,
    const char *text);
/* Say the gathered events whose time has come. */
void fib_aggs_due(struct fib *f);
void fib_event(struct fib *f, enum ipc_level level, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void fib_want_dump(struct fib *f, enum kern_what what);

/* A route of ours in a former place, to be deleted when nothing else is left to do (found in the
 * first dump: not before SYNC_END); takes the reference to hops. */
void fib_stray_add(struct fib *f, const struct ip_prefix *p, const struct place *at,
    enum fib_kind kind, uint32_t hops);

/* ---- fib_hold.c ---- */

/* e was withdrawn and is in the guard's hands now; false: it is not one for the guard. */
bool fib_hold_takes(struct fib *f, struct fib_entry *e);
/* A route for it is there again. */
void fib_hold_returned(struct fib *f, struct fib_entry *e);
void fib_hold_configure(struct fib *f, const struct massguard_conf *c);
void fib_hold_timeout(struct fib *f);
struct mono_us fib_hold_deadline(const struct fib *f);

/* ---- fib_conflict.c ---- */

/* The name told last of that program; "" when none was. */
const char *fib_process_name(const struct fib *f, uint32_t by);
/* What there is to tell of conflicts becomes events. */
void fib_conflict_events(struct fib *f);

/* ---- fib_see.c ---- */

/* The routes that used lost nexthop objects are gone. */
void fib_objects_lost(struct fib *f, uint32_t by);
void fib_guards_fresh(struct fib *f);
/* The entry was lost, itself or (object) with its nexthop object. by: as fib_see_route(). */
void fib_entry_lost(struct fib *f, struct fib_entry *e, uint32_t by, bool object);

/* ---- local.c ---- */

/* The entry's state changed: a local route that is there, or failed, is reported. */
void local_entry_installed(struct fib *f, struct fib_entry *e);
/* Own blocks and unreachable ranges anew from the configuration. */
void local_configure(struct fib *f);
/* FIB_REP_LOCAL_READY or _LOST, once for each change; false: none. */
bool local_next_report(struct fib *f, struct fib_report *ret);
/* At the end of the fib; nothing is reported. */
void locals_free(struct fib *f);

#endif
