/*
 * The agent's view of routing, sans I/O: what bgpd wants, what this node
 * announces itself, what the kernel has, and the operations that make the
 * kernel become what is wanted.
 *
 * In go intents (lib/ipcmsg.h), configuration, and observations of the kernel
 * (links, addresses, routes, nexthop objects, answers to operations) with a
 * monotonic time.  Out come kernel operations with a token each, verdicts for
 * bgpd, next-hop states, local prefixes that are ready to be announced,
 * requests to dump the kernel, and events.  No netlink, no clock, no global.
 *
 * One entry for each prefix: wanted set, known kernel state, state, verdict.
 * Ours in the kernel is: our protocol number and table and metric; for nexthop
 * objects our nhm_protocol and id range.  Everything else is foreign and is
 * never changed: first install is create-exclusive, replace only over a route
 * known to be ours.
 *
 * Pieces: admit.h (may this be installed), nht.h (next-hop resolution),
 * plan.h (wanted against known -> operations), local.h (own blocks), kern.h
 * (tables of links, addresses, foreign routes).
 */
#ifndef AGENT_CORE_FIB_H
#define AGENT_CORE_FIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/ipcmsg.h"
#include "lib/log.h"
#include "lib/mono.h"

struct fib;

/* ---- configuration ------------------------------------------------------- */

enum fib_nhobj_mode { FIB_NHOBJ_AUTO, FIB_NHOBJ_ON, FIB_NHOBJ_OFF };
enum fib_block { FIB_BLOCK_NONE, FIB_BLOCK_BLACKHOLE, FIB_BLOCK_UNREACHABLE };

struct fib_conf {
	bool install;
	bool observe;	   /* judge and show as ever, but no operation changes the kernel */
	uint32_t table;	   /* 254: main */
	uint8_t protocol;
	uint32_t metric;   /* of learned routes; own blocks: UINT32_MAX - 2, discard: UINT32_MAX - 1 */
	uint8_t multipath; /* legs of one route at most */
	enum fib_nhobj_mode nhobj;
	struct ip_addr source4, source6; /* prefsrc on learned routes; af 0: none */
	enum fib_block own_block;	 /* for own pod CIDRs, never for host routes */
	bool discard_permit;		 /* unreachable route for each permitted range */
	bool permit_default4, permit_default6;
	bool protect_default;	 /* refuse the default route even when permit names it */
	bool protect_node, protect_peers;
	uint32_t max_routes;	 /* 0: no limit */
	uint32_t guard_pct;	 /* mass-withdraw guard: share of the routes, 0: off */
	uint32_t guard_within_ms, guard_hold_ms;
	const struct ip_prefix *permit;	 /* borrowed for the call */
	size_t npermit;
	const struct ip_prefix *protect; /* configured addresses and prefixes */
	size_t nprotect;
	const struct ip_addr *peers;	 /* addresses of BGP peers */
	size_t npeers;
	const struct ip_addr *follow;	 /* of those on a link: fib_next_link_lost() tells */
	size_t nfollow;
};

/*
 * Nothing known and nothing wanted. seed keys the hashes; log is borrowed. The kernel's
 * routes outlive fib_free().
 */
struct fib *fib_new(struct mono_us now, uint64_t seed, struct log *log);
void fib_free(struct fib *f);
/*
 * Take a configuration; entries are judged again, the kernel follows. Must have been
 * called before the first dump, since it says which routes are ours.
 */
void fib_configure(struct fib *f, struct mono_us now, const struct fib_conf *c);

/* Where a configuration has our routes: what the next life has to know to find them. */
struct fib_place {
	uint8_t protocol;
	uint32_t table, metric; /* of learned routes */
};
/*
 * An earlier life had its routes there: adopted in the first dump, too, and replaced or removed when
 * SYNC_END has been applied.  After the first fib_configure(), before the first dump; the place in
 * force and more than two are ignored.
 */
void fib_former_place(struct fib *f, const struct fib_place *p);

/* A prefix of this node's own announcements. */
enum fib_own {
	FIB_OWN_PLAIN, /* ready at once */
	FIB_OWN_BLOCK, /* a pod CIDR: its local route is made first, nothing inside is learned */
	FIB_OWN_COVER, /* an aggregate: its local route is made first, more specifics are learned */
};

/* It is announced from now on, or is of another kind. Marked readiness comes out of
 * fib_next_report(). */
void fib_local_set(struct fib *f, struct mono_us now, const struct ip_prefix *p, enum fib_own own);
void fib_local_del(struct fib *f, struct mono_us now, const struct ip_prefix *p);

/* ---- intents of bgpd ----------------------------------------------------- */

/*
 * What bgpd can make this process remember, whatever strangers make bgpd say. Next hops
 * and routes beyond are refused, each with its answer, and bgpd itself sees to it that it
 * never needs more sets: beyond some number it makes no new ones with several members.
 * Routes of ours that the kernel has count, too; beyond that number they are left alone.
 */
#define FIB_NEXTHOPS_MAX 32768u	   /* followed */
#define FIB_SETS_MAX	 65536u	   /* that can be named */
#define FIB_MEMBERS_MAX	 1200000u  /* of all sets */
#define FIB_ROUTES_MAX	 2097152u

/* False with a static text in *ret_why: a broken intent (unknown set, ...): the channel is closed. */
bool fib_nhset(struct fib *f, struct mono_us now, const struct ipc_nhset *s, const char **ret_why);
bool fib_nhset_del(struct fib *f, struct mono_us now, uint32_t id, const char **ret_why);
bool fib_route(struct fib *f, struct mono_us now, uint32_t set, const struct ip_prefix *p,
    const char **ret_why);
/* There is a place to remember it in. When not, fib_route() is not called, and bgpd is told. */
bool fib_route_fits(struct fib *f, const struct ip_prefix *p);
void fib_route_del(struct fib *f, struct mono_us now, const struct ip_prefix *p);
void fib_sync_begin(struct fib *f, struct mono_us now);
/* Entries not named since SYNC_BEGIN (nor adopted routes wanted by anybody) go. */
void fib_sync_end(struct fib *f, struct mono_us now);
/* bgpd is gone: keep everything, marked stale, until the next SYNC_END; sets are forgotten by id. */
void fib_bgpd_gone(struct fib *f, struct mono_us now);
/*
 * BFD says that nothing gets to that address any more (down), or that it does again: a next hop
 * that is that address, and legs by it as their gateway, are unusable, "BFD says that it is
 * down". A global address counts on any interface, a link-local one on a->ifindex. The next
 * operations are the nexthop groups that shrink by it, one each (or change to their backup),
 * ahead of all others; routes follow where their set is left without a leg, or where there are
 * no nexthop objects. Remembered whether anything goes by it now or not, and undone by saying
 * down false.
 */
void fib_addr_down(struct fib *f, struct mono_us now, const struct ip_addr *a, bool down);
/* bgpd follows this next hop, or no longer. False: it is one too many, and nothing was done. */
bool fib_watch(struct fib *f, struct mono_us now, const struct ip_addr *nh, bool on);

/* ---- observations of the kernel ------------------------------------------ */

struct kern_link {
	uint32_t ifindex;
	char name[16];
	bool up, carrier; /* IFF_UP, IFF_LOWER_UP */
	bool loopback;
	uint32_t mtu;
	uint32_t carrier_downs; /* IFLA_CARRIER_DOWN_COUNT: shows a flap between two messages */
};
struct kern_addr {
	uint32_t ifindex;
	struct ip_addr addr;
	uint8_t plen;
	bool tentative; /* IPv6 DAD not finished, or failed: not usable */
	bool deprecated;
};
/* One leg of a route, or a nexthop object's content. */
struct kern_leg {
	struct ip_addr gw; /* af 0: directly on the link; may be IPv6 for an IPv4 route */
	uint32_t ifindex;
	uint8_t weight; /* 1 to 255 */
	bool onlink;
	bool dead;	/* RTNH_F_DEAD or LINKDOWN */
};
enum kern_type { KERN_UNICAST, KERN_BLACKHOLE, KERN_UNREACHABLE, KERN_PROHIBIT, KERN_LOCAL, KERN_OTHER };
struct kern_route {
	struct ip_prefix prefix;
	uint32_t table, metric;
	uint8_t protocol;
	uint8_t former; /* ours by the protocol number of an earlier life or configuration; 0: not so */
	enum kern_type type;
	uint32_t nhid; /* nexthop object, 0: none */
	struct ip_addr prefsrc;
	bool replaced; /* a notification with NLM_F_REPLACE: some route there is gone without one */
	uint16_t nlegs;
	struct kern_leg leg[IPC_MEMBERS_MAX];
};
struct kern_nexthop {
	uint32_t id;
	uint8_t protocol;
	bool blackhole;
	struct kern_leg leg; /* when ngroup is 0 */
	uint16_t ngroup;
	struct {
		uint32_t id;
		uint8_t weight;
	} group[IPC_MEMBERS_MAX];
};

enum kern_what { KERN_LINKS, KERN_ADDRS, KERN_NEXTHOPS, KERN_ROUTES4, KERN_ROUTES6, KERN_NWHAT };

/*
 * A dump of one kind starts and ends; what was not seen between is gone.
 * The shell dumps everything once at start, in the order of enum kern_what,
 * then whenever FIB_OP_DUMP asks; several kinds may be under way at once.
 * Nothing is installed before the first dump of every kind has ended.
 */
void fib_dump_begin(struct fib *f, struct mono_us now, enum kern_what what);
void fib_dump_end(struct fib *f, struct mono_us now, enum kern_what what);
/* Seen in a dump, or as a notification (gone: RTM_DEL*). */
void fib_see_link(struct fib *f, struct mono_us now, const struct kern_link *l, bool gone);
void fib_see_addr(struct fib *f, struct mono_us now, const struct kern_addr *a, bool gone);
/*
 * by: the netlink port (mostly the process id) that asked for the change; 0: the
 * kernel itself; or one of these: a row of a dump; an echo of an operation of ours,
 * whose answer has said it already.
 */
#define FIB_BY_DUMP (UINT32_MAX - 1)
#define FIB_BY_SELF UINT32_MAX
void fib_see_nexthop(struct fib *f, struct mono_us now, const struct kern_nexthop *n, bool gone,
    uint32_t by);
void fib_see_route(struct fib *f, struct mono_us now, const struct kern_route *r, bool gone,
    uint32_t by);
/*
 * The program behind a netlink port: its name when its message came, or "" when it has
 * ended. Called before what it did is told. At most the last few are known.
 */
void fib_see_process(struct fib *f, uint32_t by, const char *name);
/* The monitor has lost messages: everything is dumped again and compared. */
void fib_overflow(struct fib *f, struct mono_us now);
/* The kernel knows nexthop objects or not (assumed: it does); call before the first dump ends. */
void fib_nexthop_support(struct fib *f, struct mono_us now, bool yes);
/* The routing tables whose routes matter: main, ours, and those that ours was before. Returns n. */
#define FIB_TABLES_MAX 4
size_t fib_tables(const struct fib *f, uint32_t ret[FIB_TABLES_MAX]);

/* ---- operations ---------------------------------------------------------- */

enum fib_op_kind {
	FIB_OP_ROUTE_ADD,     /* create, exclusive */
	FIB_OP_ROUTE_REPLACE, /* over one of ours */
	FIB_OP_ROUTE_DEL,     /* protocol, table and metric given */
	FIB_OP_NH_ADD,	      /* nexthop object: create, exclusive */
	FIB_OP_NH_REPLACE,    /* one of ours */
	FIB_OP_NH_DEL,
	FIB_OP_DUMP,	      /* what: dump that kind again */
};
struct fib_kop {
	enum fib_op_kind kind;
	uint64_t token; /* for fib_result() */
	enum kern_what what;
	struct kern_route route;
	struct kern_nexthop nexthop;
};
/*
 * The next operation, in the order the kernel must see them; false: none now.
 * Call it when everything that the monitor has was said (fib_see_*()): what is
 * decided must not be older than what the kernel has told.
 * At most FIB_WINDOW operations may be without a result. A FIB_OP_DUMP has no
 * result: fib_dump_begin() and fib_dump_end() answer it.
 */
#define FIB_WINDOW 1024
bool fib_next_op(struct fib *f, struct mono_us now, struct fib_kop *ret);
/* The kernel's answer: err 0 or an errno (positive); text is its extended ACK or "". */
void fib_result(struct fib *f, struct mono_us now, uint64_t token, int err, const char *text);

/*
 * When fib_timeout() is due (MONO_NEVER: not), and its call: retries, delayed dumps and
 * gathered events.
 */
struct mono_us fib_deadline(const struct fib *f);
void fib_timeout(struct fib *f, struct mono_us now);

/* ---- reports ------------------------------------------------------------- */

enum fib_report_kind {
	FIB_REP_VERDICT,     /* for bgpd */
	FIB_REP_NH_STATE,    /* for bgpd */
	FIB_REP_LOCAL_READY, /* prefix: its local route is there: announce */
	FIB_REP_LOCAL_LOST,  /* prefix: withdraw */
	FIB_REP_EVENT,
	FIB_REP_ADOPTED,     /* first dump is complete: adopted[] counts */
	FIB_REP_FLUSHED,     /* after fib_flush(): nothing of ours is left */
	FIB_REP_LINK_LOST,   /* only by fib_next_link_lost(): nh has address and why */
};
struct fib_report {
	enum fib_report_kind kind;
	struct ipc_verdict verdict;
	struct ipc_nh_state nh;
	struct ip_prefix prefix;
	struct ipc_event event;
	uint32_t adopted[2];
};
/*
 * The next thing to tell bgpd, the announcements or the event table; false: none. Texts are
 * copies.
 */
bool fib_next_report(struct fib *f, struct fib_report *ret);

/*
 * A followed address that was on a link is there no longer: no carrier, link or own address gone,
 * its subnet's route gone; not BFD's word. False: none. Apart from the reports, since a session
 * must end whether there is room for those or not.
 */
bool fib_next_link_lost(struct fib *f, struct fib_report *ret);

/*
 * Remove everything of ours from the kernel; what is wanted stays known and is
 * held until the next fib_configure().  FIB_REP_FLUSHED follows when nothing of
 * ours is left.  Returns how many routes there were.
 */
uint64_t fib_flush(struct fib *f, struct mono_us now);

/* ---- conflicts (conflict.h) ---------------------------------------------- */

struct conflict;
struct conflict_facts;
/* What is known here; the shell adds what /proc and /etc say, and hands it to fib_look(), which is
 * true when there are events to tell. */
void fib_facts(struct fib *f, struct mono_us now, struct conflict_facts *ret);
bool fib_look(struct fib *f, struct mono_us now, const struct conflict_facts *facts);
const struct conflict *fib_conflict(const struct fib *f);

/* ---- views (for the CLI and metrics) ------------------------------------- */

enum fib_state { FIB_ST_PENDING, FIB_ST_INSTALLED, FIB_ST_REFUSED, FIB_ST_FAILED, FIB_ST_FOREIGN,
	FIB_ST_HELD, FIB_ST_STALE, FIB_ST_REMOVING };
struct fib_view {
	struct ip_prefix prefix;
	enum fib_state state;
	const char *kind;	/* "learned", "own-block", "discard", "adopted" */
	char reason[IPC_TEXT_MAX]; /* refused, failed, foreign, held: in words */
	bool in_kernel;		/* the kernel has it as last known */
	bool differs;		/* wanted is not what the kernel has: a row of `fib --diff` */
	bool wanted;		/* `want` is filled; `have` is when in_kernel */
	struct kern_route want, have;
	uint32_t set, nhid;
	uint32_t repairs;	/* times it was put back */
	struct mono_us held_until; /* withdrawn, but held by the guard until then; us 0: not */
};
/* Where a walk stands; all zeros: at the start. Entries may come and go between the rows. */
struct fib_cursor {
	struct ip_prefix after;
	uint8_t kind; /* rows of one prefix: learned, own block, discard */
};
/* Rows in prefix order; false at the end. */
bool fib_next_view(const struct fib *f, struct fib_cursor *cur, struct fib_view *ret);
/* The entry for that very prefix, or the longest that covers it. */
bool fib_view_lookup(const struct fib *f, const struct ip_prefix *p, bool longest,
    struct fib_view *ret);

struct fib_nh_view {
	struct ip_addr nh;
	bool watched, resolved, onlink;
	uint32_t metric, users; /* routes that go by it */
	char via[IPC_TEXT_MAX];	/* "dev eth0", "via 10.0.0.1 dev eth0 through 10.1.0.0/16 (proto static)" */
	char why[IPC_TEXT_MAX];	/* unresolved: in words */
};
/* Next hops in order after *after (NULL: from the start); false at the end. */
bool fib_next_nh_view(const struct fib *f, const struct ip_addr *after, struct fib_nh_view *ret);

struct fib_stats {
	uint64_t wanted[2], installed[2], refused, failed, foreign, held;
	uint64_t ops, op_errors, repairs, dumps, nh_objects;
	uint32_t hold_n, hold_of; /* held by the mass-withdraw guard, and of how many */
	struct mono_us hold_until; /* us 0: there is no hold */
	uint64_t holds;		/* that there were */
	bool synced;	/* nothing to do: wanted and known are the same */
	bool flushed;	/* nothing is installed until the next fib_configure() */
	bool stale;	/* bgpd gone or not yet at SYNC_END */
};
/* [0] is IPv4, [1] IPv6; the other figures count both families. */
void fib_stats(const struct fib *f, struct fib_stats *ret);

/* Rises with every change of a link or an address that can matter to them. */
uint64_t fib_addr_gen(const struct fib *f);
/* Link and address tables, for configuration (node.ip) and endpoints. */
const struct kern_link *fib_link(const struct fib *f, uint32_t ifindex);
const struct kern_link *fib_link_by_name(const struct fib *f, const char *name);
/* Usable addresses in a stable order; false at the end; *pos starts at 0. */
bool fib_next_addr(const struct fib *f, size_t *pos, struct kern_addr *ret);
/* The node has that address (link-local: on a->ifindex), ready for use. */
bool fib_has_addr(const struct fib *f, const struct ip_addr *a);
/* Interface on whose subnet that address lies; 0: none. */
uint32_t fib_onlink_ifindex(const struct fib *f, const struct ip_addr *a);

#endif
