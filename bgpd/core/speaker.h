/*
 * The BGP speaker, sans I/O: octets, observations and a monotonic time go in;
 * octets, a next deadline and things to do come out.
 *
 * A speaker owns its peers, sessions, RIBs and attribute pool; nothing is
 * global, so thousands of speakers live in one test.  It never asks a clock,
 * opens nothing, and draws randomness only from the seed it was given.
 *
 * The shell's loop:
 *   1. feed what happened: speaker_conn_*(), speaker_nh_state(), ...
 *   2. speaker_timeout() when speaker_deadline() is reached;
 *   3. speaker_work() while it says that there is more, input first;
 *   4. take every todo, every FIB operation the channel has room for, and
 *      output for each connection whose socket has room.
 * Steps 2 to 4 never work longer than the slice they are given.
 *
 * Configuration and views use the structs of lib/ipcmsg.h.
 * RFC 4271 section 8 (FSM), 9 (UPDATE handling); design notes in
 * doc/architecture.md.
 */
#ifndef BGPD_CORE_SPEAKER_H
#define BGPD_CORE_SPEAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bgpd/core/filter.h"
#include "lib/ip.h"
#include "lib/ipcmsg.h"
#include "lib/log.h"
#include "lib/mono.h"

struct speaker;

/* A connection of a peer; ids start at 1 and are never used again soon. */
typedef uint32_t conn_id;

/*
 * A speaker without peers.  seed feeds jitter and hashes; log may be NULL and
 * is borrowed.  The hello's restarting flag and adopted counts decide the R
 * and F bits of OPENs and the selection deferral (RFC 4724 section 4.1).
 * Never fails (out of memory ends the process).
 */
struct speaker *speaker_new(struct mono_us now, const struct ipc_hello *hello, struct log *log);

struct crash_page;
/*
 * Keep there whose message is being handled (lib/crashpage.h); not owned, NULL: nowhere. What an
 * earlier bgpd left there is wiped.
 */
void speaker_set_crash_page(struct speaker *sp, struct crash_page *page);

/* Frees everything; asserts that no attribute set is left over. */
void speaker_free(struct speaker *sp);

/* The settings of the next peer after *pos (0 starts), NULL: no more. */
const struct ipc_conf_peer *speaker_next_conf(const struct speaker *sp, uint16_t *pos);

/* The filters that the next configuration's peers refer to; owned from here on. NULL: none. */
void speaker_set_filters(struct speaker *sp, struct filter_db *db);

/*
 * Take a whole configuration: peers are added, removed, reset or changed in
 * place so that it becomes true.  A peer whose session-relevant settings are
 * the same keeps its session; a change of import/export treatment, limits or
 * permitted prefixes is applied from the stored Adj-RIB-In without touching
 * the session.  Arrays are borrowed for the call.  ret counts what was done.
 */
void speaker_configure(struct speaker *sp, struct mono_us now, const struct ipc_conf_speaker *conf,
    const struct ipc_conf_peer *peers, size_t npeers, const struct ip_prefix *permit,
    size_t npermit, struct ipc_conf_applied *ret);

/*
 * Add a dynamic peer between configurations, or change it; the next whole one names it, too,
 * or it goes.  Unused for its forget_ms it is removed, and TODO_PEER_GONE says so.
 */
void speaker_peer_add(struct speaker *sp, struct mono_us now, const struct ipc_conf_peer *conf);

/* Announce an own prefix (or change its attributes); withdraw it. */
void speaker_originate(struct speaker *sp, struct mono_us now, const struct ipc_originate *o);
void speaker_unoriginate(struct speaker *sp, struct mono_us now, const struct ip_prefix *prefix);
/* All own prefixes known at start have been given: End-of-RIB may follow. */
void speaker_originate_end(struct speaker *sp, struct mono_us now);

/*
 * Connections.  An outgoing one answers a TODO_CONNECT by its token; an
 * incoming one is matched to a peer by address (and interface).
 * Return the connection's id, or 0 when it is not wanted: the shell then
 * closes the socket; *ret_why (static text) says why.
 */
conn_id speaker_conn_connected(struct speaker *sp, struct mono_us now, uint32_t peer,
    uint32_t token, const struct ipc_endpoints *ep, const char **ret_why);
conn_id speaker_conn_accepted(struct speaker *sp, struct mono_us now,
    const struct ipc_endpoints *ep, const char **ret_why);
/* The connect asked for by token failed; err is an errno, why a sentence. */
void speaker_conn_failed(struct speaker *sp, struct mono_us now, uint32_t peer, uint32_t token,
    int err, const char *why);

/*
 * Octets read from a connection.  Returns how many were consumed: fewer than
 * len only when the slice is used up or the last message is incomplete; the
 * shell keeps the rest and offers it again, with more, after speaker_work().
 * Call with len 0 when the socket was readable but nothing new fits: the
 * hold timer counts reading, not parsing.
 */
size_t speaker_conn_input(struct speaker *sp, struct mono_us now, conn_id conn, const uint8_t *in,
    size_t len);
/* The connection ended: err 0 is the peer's FIN, else an errno. */
void speaker_conn_closed(struct speaker *sp, struct mono_us now, conn_id conn, int err);

/*
 * Fill buf with what this connection should send next: protocol messages
 * first, then UPDATEs built at this moment from the newest state.  Returns
 * octets written, 0 when there is nothing to send.  cap at least
 * SPEAKER_OUT_MIN, with extended messages (RFC 8654) SPEAKER_OUT_EXT.  What was
 * returned counts as sent.
 *
 * No UPDATE is begun once there are `want` octets: what the socket takes now.
 * The last one may go beyond them, so that a small `want` holds back nothing.
 */
#define SPEAKER_OUT_MIN 4096
#define SPEAKER_OUT_EXT 65535
size_t speaker_conn_output(struct speaker *sp, struct mono_us now, conn_id conn, uint8_t *buf,
    size_t cap, size_t want);
/* Would speaker_conn_output() write anything now? */
bool speaker_conn_pending(const struct speaker *sp, conn_id conn);
/*
 * The socket took nothing since `since`: the send hold timer's view
 * (RFC 9687).  MONO_NEVER: not blocked.
 */
void speaker_conn_blocked(struct speaker *sp, struct mono_us now, conn_id conn,
    struct mono_us since);

/* Whose connection it is; IPC_PEER_NONE: nobody's any more. */
uint32_t speaker_conn_peer(const struct speaker *sp, conn_id conn);

/* Timers: the next one, and what is due. */
struct mono_us speaker_deadline(const struct speaker *sp);
void speaker_timeout(struct speaker *sp, struct mono_us now);

/*
 * Decision process, advertisement building and table walks in one slice of at
 * most about budget_us microseconds of work (counted in work units, no clock
 * is asked).  Returns true when there is more to do.
 */
bool speaker_work(struct speaker *sp, struct mono_us now, uint32_t budget_us);

/* Things for the shell to do, in order. */
enum todo_kind {
	TODO_CONNECT,  /* ask the agent to connect: peer, token */
	TODO_CANCEL,   /* that connect is no longer wanted: peer, token */
	TODO_WRITE,    /* conn has output pending: write when it has room */
	TODO_CLOSE,    /* send what output is pending (at most 1 s), then close conn */
	TODO_ABORT,    /* close conn at once without sending anything */
	TODO_EVENT,    /* log and event table: event */
	TODO_NH_WATCH, /* nh, on */
	TODO_PEER_GONE, /* a dynamic peer was forgotten: peer */
	TODO_SHUTDOWN_DONE,
	TODO_BMP_CONNECT, /* ask the agent to connect to a collector: peer (its id), token */
	TODO_FEED_WRITE,  /* feed conn has something to pull: write when it has room */
	TODO_FEED_CLOSE,  /* send what is left of feed conn (at most 1 s), then close it */
	TODO_FEED_ABORT,  /* close feed conn at once */
	TODO_MRT_DONE,	  /* mrt */
	TODO_RA_SEND,	  /* send a router advertisement (on) or solicitation: nh's interface */
	TODO_PEER_ADDR,	  /* tell the agent who was found at an unnumbered peer's interface: peer, nh */
	TODO_DRAINED,	  /* drained: all of that step of a drain is said */
	TODO_SESSION,	  /* tell the agent how far a session is: peer, session */
};
struct todo {
	enum todo_kind kind;
	uint32_t peer, token;
	conn_id conn;
	bool on;
	struct ip_addr nh;
	enum ipc_session session;
	/* Large, and set only where they belong: TODO_EVENT, TODO_MRT_DONE, TODO_DRAINED. */
	struct ipc_event event;
	struct ipc_mrt_done mrt;
	struct ipc_drained drained;
};
/* Returns false when there is nothing to do. */
bool speaker_next_todo(struct speaker *sp, struct todo *ret);

/*
 * Route intents for the agent, one at a time; the shell packs consecutive
 * ROUTEs with one set into one message.  Pending changes are kept per
 * destination: only the newest state comes out, however long nobody asks.
 * After speaker_fib_reset() (the agent's channel is new) the full state comes
 * between FIB_SYNC_BEGIN and FIB_SYNC_END; while selection is deferred after
 * a restart (RFC 4724) nothing but SYNC_BEGIN comes out.
 */
enum fib_kind { FIB_NHSET, FIB_NHSET_DEL, FIB_ROUTE, FIB_ROUTE_DEL, FIB_SYNC_BEGIN, FIB_SYNC_END };
struct fib_op {
	enum fib_kind kind;
	uint32_t set;		 /* NHSET, NHSET_DEL, ROUTE */
	struct ip_prefix prefix; /* ROUTE, ROUTE_DEL */
	const struct ipc_nhset *nhset; /* NHSET: valid until the next call */
};
bool speaker_next_fib(struct speaker *sp, struct fib_op *ret);
/* The next ones take a lost peer's next hops out of sets: traffic waits for them. */
bool speaker_fib_urgent(const struct speaker *sp);
/* The agent is a new one: it knows no set, no route, no next hop. */
void speaker_fib_reset(struct speaker *sp);

/*
 * An ICMPv6 message came in on an interface: what was said of it is in *in.  Router advertisements
 * tell where unnumbered peers are; everything else is nothing.
 */
struct radv_packet;
void speaker_ra_input(struct speaker *sp, struct mono_us now, const struct radv_packet *in);

/* What the agent observed: a next hop's reachability; what became of a route. */
void speaker_nh_state(struct speaker *sp, struct mono_us now, const struct ipc_nh_state *st);
void speaker_verdict(struct speaker *sp, struct mono_us now, const struct ipc_verdict *v);

/* An operator's command for a peer; false when there is no such peer. */
bool speaker_peer_cmd(struct speaker *sp, struct mono_us now, const struct ipc_peer_cmd *cmd);

/* Close everything; TODO_SHUTDOWN_DONE follows when nothing is left to send. */
void speaker_shutdown(struct speaker *sp, struct mono_us now, enum ipc_shutdown_mode mode,
    const char *text);

/* ---- monitoring feeds (feed.h) --------------------------------------------- */

/* Real time less monotonic time, in microseconds: for the time stamps of feeds. */
void speaker_wall(struct speaker *sp, int64_t offset_us);

/*
 * The BMP collectors that shall be served, all of them; those that stay as
 * they are keep their connection.  Borrowed for the call.
 */
void speaker_bmp_configure(struct speaker *sp, struct mono_us now, const struct ipc_conf_bmp *v,
    size_t n);
/* A TODO_BMP_CONNECT's answer: the feed's id, or 0 when it is not wanted any more. */
uint32_t speaker_bmp_connected(struct speaker *sp, struct mono_us now, uint32_t id,
    uint32_t token);
/* err is an errno, why a sentence. */
void speaker_bmp_failed(struct speaker *sp, struct mono_us now, uint32_t id, uint32_t token,
    int err, const char *why);

/*
 * Write an MRT dump, or record sessions: the feed's id, or 0 and a TODO_MRT_DONE that says
 * why not.  A TODO_MRT_DONE follows in any case, once the feed is closed.
 */
uint32_t speaker_mrt_start(struct speaker *sp, struct mono_us now, const struct ipc_mrt_start *m);
/* What was recorded up to now is written, then the feed ends; unknown ids are fine. */
void speaker_mrt_stop(struct speaker *sp, struct mono_us now, uint32_t id);

/*
 * What feed is to write next: octets, 0 when there is nothing, or nothing yet (see
 * speaker_feed_pending()).  cap at least SPEAKER_FEED_MIN.  Never more than a slice of work.
 */
#define SPEAKER_FEED_MIN 32768
size_t speaker_feed_output(struct speaker *sp, struct mono_us now, uint32_t feed, uint8_t *buf,
    size_t cap);
/* Is there something to write, or to look for? */
bool speaker_feed_pending(const struct speaker *sp, uint32_t feed);
/* Nothing will come any more: close it, and say so by speaker_feed_closed(). */
bool speaker_feed_ended(const struct speaker *sp, uint32_t feed);
/* Its descriptor takes nothing since then; MONO_NEVER: it does again. */
void speaker_feed_blocked(struct speaker *sp, struct mono_us now, uint32_t feed,
    struct mono_us since);
/* Its descriptor is gone: err is an errno, 0 for an orderly end. */
void speaker_feed_closed(struct speaker *sp, struct mono_us now, uint32_t feed, int err);

/* ---- views --------------------------------------------------------------- */

/* Cursor of a query; zero-initialised but for q. Survives changes between calls. */
struct speaker_cursor {
	struct ipc_query q;
	uint64_t pos;	 /* where the walk stands; opaque */
	uint32_t sub;	 /* path, or peer, within the destination; opaque */
	uint32_t place;	 /* path of that peer; opaque */
	bool started;
};
/* The next row that matches; false at the end. Looks at no more than max_steps entries:
 * *ret_more tells an exhausted walk (false) from a used-up slice (true). */
bool speaker_next_path(struct speaker *sp, struct mono_us now, struct speaker_cursor *c,
    uint32_t max_steps, struct ipc_row_path *ret, bool *ret_more);
bool speaker_next_peer(struct speaker *sp, struct mono_us now, struct speaker_cursor *c,
    struct ipc_row_peer *ret);
bool speaker_next_bmp(struct speaker *sp, struct mono_us now, struct speaker_cursor *c,
    struct ipc_row_bmp *ret);
void speaker_stats(const struct speaker *sp, struct mono_us now, struct ipc_row_stats *ret);

#endif
