/*
 * Draining a peer.  See drain.h.
 *
 * The group's key has the step in it (group.c), so that a drained peer leaves its
 * group and walks the table in slices like every newcomer.
 */
#include "bgpd/core/drain.h"

static bool
is_told(const struct rpeer *rp)
{
	unsigned i;

	if (rp->conf.drain == IPC_DRAIN_DOWN || mono_is_never(rp->up_since))
		return true;
	for (i = 0; i < AF_COUNT; i++)
		if (!groups_told(rp, i))
			return false;
	return true;
}

static void
tell(struct rpeer *rp)
{
	struct todo t = { .kind = TODO_DRAINED,
		.drained = { .peer = rp->id,
		    .drain = rp->conf.drain,
		    .up = !mono_is_never(rp->up_since),
		    .announced = rp->drain_spoke } };

	drain_forget(rp);
	speaker_todo(rp->sp, &t);
}

void
drain_work(struct speaker *sp)
{
	uint16_t k;

	for (k = 1; sp->ndrains > 0 && k < sp->npeers; k++)
		if (sp->peer[k] && sp->peer[k]->drain_due && is_told(sp->peer[k]))
			tell(sp->peer[k]);
}

void
drain_forget(struct rpeer *rp)
{
	if (!rp->drain_due)
		return;
	rp->drain_due = false;
	rp->sp->ndrains--;
}

void
drain_prepare(struct rpeer *rp, const struct ipc_conf_peer *conf)
{
	if (conf->drain != rp->conf.drain)
		rp->drain_spoke = groups_announces(rp, 0) || groups_announces(rp, 1);
}

void
drain_apply(struct rpeer *rp, struct mono_us now, const struct ipc_conf_peer *old)
{
	uint8_t was = old ? old->drain : IPC_DRAIN_NONE, is = rp->conf.drain;

	drain_forget(rp);
	if (was == IPC_DRAIN_DOWN && is != IPC_DRAIN_DOWN)
		peer_undrain(rp->peer, now);
	if (is == IPC_DRAIN_NONE)
		return;
	if (is == IPC_DRAIN_DOWN && was != IPC_DRAIN_DOWN)
		peer_drain(rp->peer, now, rp->conf.drain_text);
	rp->drain_due = true;
	rp->sp->ndrains++;
	drain_work(rp->sp);
}
