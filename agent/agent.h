/*
 * weft-agent: what its parts know of each other.
 *
 * One process, one libevent loop, one struct agent.  Parts:
 *   main.c     start, signals from the launcher, the order of things
 *   launcher.c requests to weftd (configuration, secrets, listeners)
 *   source*.c  configuration file, cluster -> struct conf -> bgpd and fib
 *   bgpd.c     the three channels to weft-bgpd: coalescing queues, queries
 *   bfd.c      BFD sessions of peers; bfdd.c the channel to weft-bfdd
 *   tcp.c      listeners, outgoing connects, MD5 keys, why a connect failed
 *   uplinks.c  the socket of router advertisements
 *   bmp.c      connects to BMP collectors
 *   claim.c    no other weft owns our routes
 *   places.c   where our routes are, for the next life
 *   watch.c    is bgpd alive
 *   quarantine.c peers whose messages crash bgpd
 *   mrt.c      MRT dumps and recordings under way
 *   drains.c   drains of the node and of peers; lifecycle.c has one at its stop
 *   events.c   the event table in memory, and the log line for each event
 *   routed.c   has the node got its routes?
 *   cni.c      the file by which container runtimes make pods
 *   control.c  control socket: JSON requests, streams of answers; control_*.c its commands
 *   composition.c the texts that the configuration is made of; follow.c follows the file
 *   kube/      the Kubernetes API and what follows from it
 *   http.c     /metrics, /livez, /readyz on loopback
 *   loops.c    packets to addresses inside of announced aggregates that nobody has
 *   lookout.c  settings and programs that work against our routes
 *   nat.c      the table of natOutgoing
 *   nl*.c      the kernel; agent/core/ the thinking
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/core/fib.h"
#include "lib/conf.h"
#include "lib/idmap.h"
#include "lib/ipcmsg.h"
#include "lib/log.h"
#include "lib/mono.h"

struct event_base;
struct nat;
struct nl;
struct events;
struct bgpd;
struct bfd;
struct tcp;
struct bmp;
struct mrts;
struct uplinks;
struct drains;
struct launcher;
struct source;
struct cluster;
struct composition;
struct follow;
struct control;
struct http;
struct lifecycle;
struct lookout;
struct routed;
struct cni;
struct loops;
struct claim;
struct kube;
struct fallover;
struct places;
struct quarantine;
struct watch;
struct event;
struct peer_slot;

/*
 * A peer as the agent knows it.  Ids of configured peers stay with the name for the life of the
 * agent; those of dynamic peers, which stand behind them, are used again.
 */
struct agent_peer {
	uint32_t id;
	bool dynamic;
	uint32_t range;		 /* dynamic: id of its range; announcements may name it by that */
	struct peer_slot *slot;	 /* source.c's */
	const struct conf_peer *conf;
	struct ip_addr addr;	 /* resolved, with ifindex; unnumbered: who was found, af 0: nobody */
	uint32_t link;		 /* unnumbered: index of its interface, 0: not there */
	char problem[IPC_TEXT_MAX]; /* why it cannot be started (missing password file, ...), or "" */
	uint8_t drain;		 /* enum ipc_drain: what it was asked for last (drains.c) */
};

/* What the launcher told about bgpd or bfdd. */
struct agent_child {
	bool running;
	uint64_t heard; /* messages from it, of all that there were */
	bool hung;   /* killed because it answered nothing for too long */
	bool silent; /* it runs and has not answered a question in time; until its next message */
	int32_t pid;
	uint32_t restarts;
	int32_t last_status; /* as from waitpid(), -1: never ended */
	struct mono_us since;
};

struct agent {
	struct event_base *base;
	struct mono_us started;
	char hostname[IPC_NAME_MAX];
	char config_name[256]; /* as given to weftd, for messages */

	struct composition *composition; /* the texts of the configuration */
	struct follow *follow;
	struct cluster *cluster;   /* the nodes of Kubernetes (agent/kube/nodes.c's); NULL: not known */
	struct conf *conf;	   /* in force; NULL until the first good one */
	uint32_t conf_gen;
	struct mono_us conf_loaded;
	uint32_t reloads, reload_failures;
	char conf_error[1024];	   /* last load that failed, "" when the last one was good */

	/* identity as resolved */
	struct ip_addr node4, node6; /* af 0: none */
	uint32_t router_id;

	struct agent_peer *peers;
	size_t npeers;
	struct idmap peer_places; /* in peers, by id */

	struct fib *fib;
	struct nl *nl;
	struct nat *nat;
	struct events *events;
	struct bgpd *bgpd;
	struct agent_child bgpd_child;
	struct bfd *bfd;
	struct agent_child bfdd_child;
	struct tcp *tcp;
	struct bmp *bmp;
	struct mrts *mrts;
	struct uplinks *uplinks;
	struct drains *drains;
	struct launcher *launcher;
	struct source *source;
	struct control *control;
	struct http *http;

	struct claim *claim;
	struct places *places;
	struct kube *kube;
	struct quarantine *quarantine;
	struct watch *watch;
	struct fallover *fallover;
	struct lifecycle *lifecycle;
	struct lookout *lookout;
	struct routed *routed;
	struct cni *cni;
	struct loops *loops;
	struct event *pump_ev;
	struct event *gone_ev;	       /* bgpd has closed its channels: has it ended, too? */
	int32_t gone_pid;	       /* which one */
	struct log_limit bgpd_events; /* what bgpd may put into the event table and the log */
	char http_where[80]; /* where http serves, "" when it does not */

	bool always_observe; /* whatever the configuration says */
	bool kernel_seen; /* the first dump is complete */
	bool ready_told;
	bool stopping;
	int exit_status;
	struct mono_us restart_prepared_until; /* us 0: not prepared */
};

/* The whole life of the process, observing whatever the configuration says or not; returns its exit status. */
int agent_run(const char *config_name, bool observe);
/* Is anything to be written (kernel, files, cluster, announcements), or only looked at? */
static inline bool
agent_observes(const struct agent *a)
{
	return a->conf && a->conf->observe;
}
/* The fib was given something: see to its operations and reports in this turn of the loop. */
void agent_kick(struct agent *a);
/* Serve metrics where the configuration in force says. */
void agent_serve_http(struct agent *a);

/* CLOCK_MONOTONIC. */
struct mono_us agent_now(void);

/* NULL when there is none by that name, address or id. */
const struct agent_peer *agent_peer_by_id(const struct agent *a, uint32_t id);
const struct agent_peer *agent_peer_by_name(const struct agent *a, const char *name_or_addr);

/* ---- questions to bgpd (bgpd.c) ------------------------------------------ */

struct query_ops {
	/* One row (ROW_PEER, ROW_PATH, ROW_STATS); msg is valid during the call only. */
	void (*row)(void *ctx, const struct ipc_msg *msg);
	/* No more rows; lost: bgpd ended or is not running. Called exactly once, unless cancelled. */
	void (*end)(void *ctx, uint8_t status, bool lost);
};
/*
 * Ask bgpd; q->id is filled in.  At most q->credit rows come before
 * agent_query_more().  end() is never called from within agent_query().
 * Returns the query's id.
 */
uint32_t agent_query(struct agent *a, const struct ipc_query *q, const struct query_ops *ops,
    void *ctx);
void agent_query_more(struct agent *a, uint32_t id, uint32_t credit);
void agent_query_cancel(struct agent *a, uint32_t id);

/* ---- commands (used by the control socket) ------------------------------- */

/* Load the configuration file again.  done is called once, with NULL or the errors as text
 * (lines "file:line:col: ..."), then the warnings; summary says what changed. */
void agent_reload(struct agent *a,
    void (*done)(void *ctx, const char *errors, const char *warnings, const char *summary),
    void *ctx);
/* The next SIGTERM within 60 s keeps everything (RFC 4724 restart). */
void agent_prepare_restart(struct agent *a);
/* Remove everything of ours from the kernel; done when it is gone.  bgpd's routes stay wanted but
 * are held until the next reload or restart. */
void agent_flush(struct agent *a, void (*done)(void *ctx, uint64_t removed), void *ctx);
/* An operator's command; false: no such peer or bgpd is not running. */
bool agent_peer_cmd(struct agent *a, const struct ipc_peer_cmd *cmd);
/* Let a quarantined peer come again, after a command to reset it or to bring it up; false: it is
 * not quarantined, or that is another command. */
bool agent_peer_release(struct agent *a, const struct ipc_peer_cmd *cmd);

/* ---- events (events.c) --------------------------------------------------- */

struct event_row {
	uint64_t seq;	   /* from 1, no gaps but at the ring's start */
	int64_t wall_us;   /* CLOCK_REALTIME */
	struct mono_us at;
	uint8_t level;	   /* enum ipc_level */
	uint32_t peer;
	char peer_name[IPC_NAME_MAX]; /* as it was then; "" when it is not about one peer */
	char who[16];	   /* "agent", "bgpd", "launcher" */
	char name[IPC_NAME_MAX];
	char text[IPC_TEXT_MAX];
};
/* capacity rows are kept (compactly); every event is also logged. */
struct events *events_new(size_t capacity);
void events_free(struct events *ev);
void events_add(struct events *ev, const char *who, const struct ipc_event *e, const char *peer_name);
/* printf form for the agent's own events. */
void events_addf(struct events *ev, enum ipc_level level, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Row with the smallest seq greater than after; false: none. */
bool events_next(const struct events *ev, uint64_t after, struct event_row *ret);
/* Wakes followers (`weft events -w`); one callback, set by control.c. */
void events_set_notify(struct events *ev, void (*fn)(void *ctx), void *ctx);

/* ---- control and http (control.c, http.c) -------------------------------- */

/* Listens on "control.sock" in the working directory (the run directory): 0660, group weft. */
struct control *control_new(struct agent *a, int *ret_err);
void control_free(struct control *c);
/* addr "127.0.0.1:9179" or "" for none.  Called again after a reload. */
struct http *http_new(struct agent *a, const char *addr, int *ret_err);
void http_free(struct http *h);

#endif
