/*
 * Draining a peer: the step that the agent asks for (conf.drain) is carried out,
 * and the agent hears when all of it is said.
 *
 *   IPC_DRAIN_SIGNAL    everything is announced again with GRACEFUL_SHUTDOWN, inside
 *                       with LOCAL_PREF 0; of a peer that is drained alone the paths
 *                       count with LOCAL_PREF 0, too, so that our own packets go elsewhere
 *   IPC_DRAIN_WITHDRAW  everything is withdrawn; the session stays up
 *   IPC_DRAIN_DOWN      Cease, Administrative Shutdown with the reason; no session since
 *
 * How long each step lasts is the agent's matter.  A session that comes up in
 * between begins with the step that it finds.  RFC 8326 section 4.2, RFC 9003.
 */
#ifndef BGPD_CORE_DRAIN_H
#define BGPD_CORE_DRAIN_H

#include <stdbool.h>

#include "bgpd/core/speaker_priv.h"

/* Is it drained while others stay?  Then its paths are to be left as well. */
static inline bool
drain_is_alone(const struct rpeer *rp)
{
	return rp->conf.drain != IPC_DRAIN_NONE && rp->conf.drain_alone;
}

/* Its configuration is about to become conf. */
void drain_prepare(struct rpeer *rp, const struct ipc_conf_peer *conf);

/*
 * Its configuration is a new one; old: the one before, NULL: none.  What is announced
 * has been asked for again already.
 */
void drain_apply(struct rpeer *rp, struct mono_us now, const struct ipc_conf_peer *old);

/* It is removed: nothing is told of it any more. */
void drain_forget(struct rpeer *rp);

/* Tell of those that have been said everything: TODO_DRAINED. */
void drain_work(struct speaker *sp);

#endif
