/*
 * Drains under way and in force: of the node, and of single peers.
 *
 * agent/core/drain.h has the steps; here they are carried to bgpd, kept in the
 * run directory, and told to those who watch.  A drain belongs to a name, so that
 * it outlasts reloads; the node's is the one with the name "".
 *
 * Kept: until undrained, until weftd is stopped without a prepared restart, or
 * until the run directory goes (a reboot).  A restart of bgpd, of the agent, or of
 * everything after `weft prepare-restart` changes nothing; a drain that was under
 * way begins again then, as sessions have to come up before peers can be told.
 */
#ifndef AGENT_DRAINS_H
#define AGENT_DRAINS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"
#include "agent/core/drain.h"

struct drains;
struct drains_watch;

/* What is in the run directory (the working directory) is in force again. */
struct drains *drains_new(struct agent *a);
void drains_free(struct drains *ds); /* NULL is fine */

/* The drain of that name, "": the node's; NULL: none. */
const struct drain *drains_find(const struct drains *ds, const char *name);
/* Does another one count for the peer, the node's before its own?  NULL: none; *ret_node may be NULL. */
const struct drain *drains_of_peer(const struct drains *ds, const struct agent_peer *p,
    bool *ret_node);

/* Begin; false: it is drained, or being drained, already. */
bool drains_start(struct drains *ds, const char *name, uint64_t settle_us, const char *reason);
/*
 * The cluster asks for it: the node's, which ends when the cluster has changed its mind, unless an
 * operator has ended it or asked for it as well. False: there was one, or there is none of its.
 */
bool drains_by_cluster(struct drains *ds, uint64_t settle_us, const char *reason);
bool drains_undo_by_cluster(struct drains *ds);
/* How many of the node have begun, in this life, but for stops. */
uint64_t drains_begun(const struct drains *ds);
/* End it; false: there is none. */
bool drains_undo(struct drains *ds, const char *name);

/*
 * The agent is to stop: the node is drained (faster than it is already, maybe), but for
 * the sessions' end, which is done's.  Called again it hurries.
 */
void drains_stop(struct drains *ds, bool gshut, uint64_t settle_us, const char *reason,
    void (*done)(struct agent *a));
/* Forget all of it, the next start is an ordinary one. */
void drains_discard(struct drains *ds);

/* What a peer is to be told: into its configuration. */
void drains_fill(const struct drains *ds, const struct agent_peer *p, struct ipc_conf_peer *to);

/* bgpd tells; bgpd is a new one, before and after it is given the configuration. */
void drains_told(struct drains *ds, const struct ipc_drained *m);
void drains_bgpd_new(struct drains *ds);
void drains_bgpd_greeted(struct drains *ds);
/* The agent's list of peers is a new one, or one of them is gone. */
void drains_peers_changed(struct drains *ds);

/* ---- watching ------------------------------------------------------------- */

struct drains_report {
	enum drain_step step; /* that has begun */
	uint64_t elapsed_us;  /* since the drain began */
	const char *text;     /* a sentence without full stop */
};
/*
 * Follow the drain of that name: step is called for each step from now on; DONE and
 * OFF (somebody undrained it) are the last, and the watch is gone after them.
 */
struct drains_watch *drains_watch(struct drains *ds, const char *name,
    void (*step)(void *ctx, const struct drains_report *r), void *ctx);
void drains_unwatch(struct drains_watch *w);

/* The step it is in, in words; buf has cap octets. */
const char *drains_text(const struct drain *d, char *buf, size_t cap);

#endif
