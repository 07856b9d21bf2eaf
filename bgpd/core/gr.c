/*
 * Graceful restart.  See gr.h.
 */
#include "bgpd/core/gr.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/speaker_priv.h"

#define GR_CONNECT_US	(3 * 1000000ull)   /* a peer not Established by then has failed */
#define GR_TOTAL_US	(120 * 1000000ull) /* the deferral's end in any case */
#define GR_NH_WAIT_US	(5 * 1000000ull)   /* SYNC_END waits for next hops, after the deferral */
#define GR_FIB_WAIT_US	(10 * 1000000ull)  /* End-of-RIB waits for verdicts, after the deferral */

/* ---- peers that restart -------------------------------------------------------- */

uint32_t
gr_stale(const struct rpeer *rp, unsigned i)
{
	return adjin_count(rp, i) - rp->af[i].paths[rp->af[i].gen];
}

uint32_t
gr_stale_left_s(const struct rpeer *rp, struct mono_us now)
{
	if (!timer_armed(&rp->gr.timer))
		return 0;
	return (uint32_t)((mono_diff_us(rp->gr.timer.node.when, now) + 999999) / 1000000);
}

bool
gr_is_refreshing(const struct rpeer *rp, unsigned i)
{
	return timer_armed(&rp->gr.refresh[i].timer);
}

/* Stale paths of a restart. */
static uint32_t
restart_stale(const struct rpeer *rp, unsigned i)
{
	return gr_is_refreshing(rp, i) ? 0 : gr_stale(rp, i);
}

static bool
any_stale(const struct rpeer *rp)
{
	return restart_stale(rp, 0) > 0 || restart_stale(rp, 1) > 0;
}

static void
sweep_restart(struct rpeer *rp, unsigned i)
{
	if (!gr_is_refreshing(rp, i))
		adjin_sweep(rp, i);
}

static void
stale_expired(struct timer *t, struct mono_us now)
{
	struct rpeer *rp = container_of(t, struct rpeer, gr.timer);
	unsigned i;

	speaker_event(rp->sp, LOG_NOTICE, rp, "stale-expired",
	    "ipv4=%" PRIu32 " ipv6=%" PRIu32 " why=\"not announced again in time\"",
	    restart_stale(rp, 0), restart_stale(rp, 1));
	for (i = 0; i < AF_COUNT; i++)
		sweep_restart(rp, i);
}

/* ---- refreshes of peers (RFC 7313) ------------------------------------------------ */

static void
refresh_expired(struct timer *t, struct mono_us now)
{
	struct gr_refresh *r = container_of(t, struct gr_refresh, timer);

	speaker_event(r->rp->sp, LOG_WARN, r->rp, "refresh-expired",
	    "family=%s removed=%" PRIu32 " why=\"no End-of-RR came in time\"", afi_desc[r->i].name,
	    gr_stale(r->rp, r->i));
	adjin_sweep(r->rp, r->i);
}

static void
refresh_ignored(struct rpeer *rp, struct mono_us now, unsigned i, const char *why)
{
	uint32_t dropped;

	if (log_limit_pass(&rp->gr.refresh[i].lines, now, &dropped))
		speaker_event(rp->sp, LOG_WARN, rp, "refresh-ignored",
		    "family=%s why=\"%s\" suppressed=%" PRIu32, afi_desc[i].name, why, dropped);
}

/*
 * May there be one more refresh now?  Walks over all paths at once are rationed:
 * a peer causes one with every few octets.
 */
static bool
refresh_affordable(struct rpeer *rp, struct mono_us now, unsigned i)
{
	if (!adjin_mark_needs_walk(rp, i))
		return true;
	if (!log_limit_pass(&rp->gr.refresh[i].walks, now, NULL))
		return false;
	rp->sp->refresh_walks++;
	return true;
}

void
gr_refresh_begin(struct rpeer *rp, struct mono_us now, unsigned i)
{
	struct timer *t = &rp->gr.refresh[i].timer;

	if (rp->peer->neg.peer_gr && !rp->af[i].eor_received) {
		refresh_ignored(rp, now, i, "Begin-of-RR before End-of-RIB");
		return;
	}
	if (!refresh_affordable(rp, now, i)) {
		refresh_ignored(rp, now, i, "too many Begin-of-RR in a short time");
		return;
	}
	adjin_mark_stale(rp, i);
	timer_set(&rp->sp->timers, t, mono_add_s(now, GR_STALE_MAX_S));
}

void
gr_refresh_end(struct rpeer *rp, struct mono_us now, unsigned i)
{
	struct gr_refresh *r = &rp->gr.refresh[i];
	uint32_t dropped;

	if (!gr_is_refreshing(rp, i))
		return;
	timer_stop(&rp->sp->timers, &r->timer);
	if (gr_stale(rp, i) > 0 && log_limit_pass(&r->lines, now, &dropped))
		speaker_event(rp->sp, LOG_INFO, rp, "refresh-removed",
		    "family=%s removed=%" PRIu32 " why=\"not sent again between Begin-of-RR and "
		    "End-of-RR\" suppressed=%" PRIu32, afi_desc[i].name, gr_stale(rp, i), dropped);
	adjin_sweep(rp, i);
}

static void
refresh_stop(struct rpeer *rp)
{
	unsigned i;

	for (i = 0; i < AF_COUNT; i++)
		timer_stop(&rp->sp->timers, &rp->gr.refresh[i].timer);
}

/* ---- the session's ends ------------------------------------------------------------ */

void
gr_peer_init(struct rpeer *rp)
{
	uint8_t i;

	for (i = 0; i < AF_COUNT; i++)
		rp->gr.refresh[i] = (struct gr_refresh){ .timer.fire = refresh_expired,
			.rp = rp,
			.i = i,
			.walks = { .burst = 5, .interval_us = 5000000 },
			.lines = { .burst = 10, .interval_us = 10000000 } };
	rp->gr.timer.fire = stale_expired;
	rp->gr.wait_until = rp->sp->gr.deferring ? mono_add_us(rp->sp->now, GR_CONNECT_US) :
						   (struct mono_us){ 0 };
}

void
gr_peer_stop(struct rpeer *rp)
{
	timer_stop(&rp->sp->timers, &rp->gr.timer);
	refresh_stop(rp);
	rp->gr.wait_until = (struct mono_us){ 0 };
}

/* Stale paths survive only with the F bit, in a family in use: RFC 4724 section 4.2. */
static bool
keeps_stale(const struct rpeer *rp, unsigned i)
{
	const struct peer_neg *neg = &rp->peer->neg;
	uint8_t bit = AF_BIT(AF_OF(i));

	return neg->gr && (neg->families & neg->gr_families & neg->gr_forwarding & bit);
}

void
gr_up(struct rpeer *rp, struct mono_us now)
{
	struct speaker *sp = rp->sp;
	const struct peer_neg *neg = &rp->peer->neg;
	unsigned i;

	for (i = 0; i < AF_COUNT; i++)
		if (!keeps_stale(rp, i))
			adjin_sweep(rp, i);
	if (any_stale(rp))
		timer_set(&sp->timers, &rp->gr.timer, mono_add_s(now, GR_STALE_MAX_S));
	else
		timer_stop(&sp->timers, &rp->gr.timer);
	rp->gr.wait_until =
	    neg->gr && !neg->gr_restarting ? MONO_NEVER : mono_add_us(now, GR_CONNECT_US);
	gr_progress(sp, now);
	gr_check(sp, now);
}

void
gr_down(struct rpeer *rp, struct mono_us now, enum peer_down how)
{
	struct speaker *sp = rp->sp;
	unsigned i;

	refresh_stop(rp);
	for (i = 0; i < AF_COUNT; i++) {
		bool keep = how == PEER_DOWN_KEEP && rp->peer &&
		    (rp->peer->neg.gr_families & AF_BIT(AF_OF(i)));

		adjin_new_generation(rp, i, keep);
	}
	if (any_stale(rp)) {
		timer_set(&sp->timers, &rp->gr.timer, mono_add_s(now, rp->peer->neg.gr_time_s));
		speaker_event(sp, LOG_NOTICE, rp, "stale",
		    "ipv4=%" PRIu32 " ipv6=%" PRIu32 " seconds=%u", gr_stale(rp, 0),
		    gr_stale(rp, 1), rp->peer->neg.gr_time_s);
	} else {
		timer_stop(&sp->timers, &rp->gr.timer);
	}
	rp->gr.wait_until = (struct mono_us){ 0 };
	gr_check(sp, now);
}

void
gr_forget(struct rpeer *rp, struct mono_us now)
{
	unsigned i;

	if (!timer_armed(&rp->gr.timer))
		return;
	timer_stop(&rp->sp->timers, &rp->gr.timer);
	speaker_event(rp->sp, LOG_NOTICE, rp, "stale-removed",
	    "ipv4=%" PRIu32 " ipv6=%" PRIu32 " why=\"the peer was stopped here\"",
	    gr_stale(rp, 0), gr_stale(rp, 1));
	for (i = 0; i < AF_COUNT; i++)
		adjin_sweep(rp, i);
}

void
gr_end_of_rib(struct rpeer *rp, struct mono_us now, unsigned i)
{
	rp->af[i].eor_received = true;
	sweep_restart(rp, i);
	if (!any_stale(rp))
		timer_stop(&rp->sp->timers, &rp->gr.timer);
	gr_check(rp->sp, now);
}

/* ---- our own restart -------------------------------------------------------------- */

/*
 * Has forwarding of the family survived since the peer heard of it last?  Over
 * our start if routes were found in the kernel; since an earlier session, as
 * the end of a session removes no route of others (RFC 4724 section 4.2 has the
 * peer drop everything at once otherwise, RFC 8538 section 4 asks for it).
 */
static bool
has_forwarding(const struct speaker *sp, const struct peer *p, unsigned i)
{
	return p->established_count > 0 || (sp->gr.restarted && sp->gr.adopted[i] > 0);
}

void
gr_caps(const struct peer *p, struct cap_gr *ret)
{
	const struct speaker *sp = peer_speaker(p);
	unsigned i;

	*ret = (struct cap_gr){ 0 };
	if (!sp->conf.gr_enabled || !p->conf.gr_enabled)
		return;
	ret->present = true;
	ret->restarting = sp->gr.deferring;
	ret->notification = true;
	ret->time_s = sp->conf.gr_restart_time_s;
	ret->families = p->conf.families;
	for (i = 0; i < AF_COUNT; i++)
		if (has_forwarding(sp, p, i))
			ret->forwarding |= (uint8_t)(ret->families & AF_BIT(AF_OF(i)));
}

static bool
end_of_rib_received(const struct rpeer *rp)
{
	unsigned i;

	for (i = 0; i < AF_COUNT; i++)
		if (rp->af[i].active && !rp->af[i].eor_received)
			return false;
	return !mono_is_never(rp->up_since);
}

/* Does the deferral wait for that peer? */
static bool
waits_for(const struct rpeer *rp, struct mono_us now)
{
	return rp && rp->peer && rp->conf.enabled && !rp->peer->admin_down &&
	    mono_before(now, rp->gr.wait_until) && !end_of_rib_received(rp);
}

char *
gr_waiting_for(const struct speaker *sp, struct mono_us now, char *buf, size_t cap)
{
	size_t len = 0;
	uint16_t k;

	buf[0] = '\0';
	for (k = 1; k < sp->npeers; k++) {
		if (!waits_for(sp->peer[k], now) || len >= cap)
			continue;
		len += (size_t)snprintf(buf + len, cap - len, "%s%s", len ? ", " : "",
		    sp->peer[k]->conf.name);
	}
	return buf;
}

static void
end_deferral(struct speaker *sp, struct mono_us now, const char *why)
{
	char names[IPC_TEXT_MAX / 2];
	unsigned i;

	speaker_event(sp, LOG_NOTICE, NULL, "deferral-end", "ms=%" PRIu64 " why=\"%s\" without=\"%s\"",
	    mono_diff_us(now, sp->gr.began) / 1000, why,
	    gr_waiting_for(sp, now, names, sizeof(names)));
	sp->gr.deferring = false;
	sp->gr.ended = now;
	for (i = 0; i < AF_COUNT; i++)
		groups_touch_all(sp, i);
	groups_kick(sp);
	timer_set(&sp->timers, &sp->gr.timer, mono_add_us(now, GR_NH_WAIT_US));
}

/* The next time at which waiting may come to an end by itself. */
static struct mono_us
next_look(const struct speaker *sp, struct mono_us now)
{
	struct mono_us t = mono_add_us(sp->gr.began, GR_TOTAL_US);
	uint16_t k;

	t = mono_min(t, mono_add_ms(sp->gr.progress, sp->conf.gr_deferral_ms));
	for (k = 1; k < sp->npeers; k++)
		if (waits_for(sp->peer[k], now))
			t = mono_min(t, sp->peer[k]->gr.wait_until);
	return t;
}

void
gr_check(struct speaker *sp, struct mono_us now)
{
	uint16_t k;

	if (!sp->gr.deferring || mono_is_never(sp->gr.began))
		return;
	for (k = 1; k < sp->npeers && !waits_for(sp->peer[k], now); k++)
		;
	if (k == sp->npeers)
		end_deferral(sp, now, "every peer has sent End-of-RIB or failed");
	else if (mono_diff_us(now, sp->gr.began) >= GR_TOTAL_US)
		end_deferral(sp, now, "time is up");
	else if (mono_diff_us(now, sp->gr.progress) >= sp->conf.gr_deferral_ms * 1000ull)
		end_deferral(sp, now, "no progress");
	else
		timer_set(&sp->timers, &sp->gr.timer, next_look(sp, now));
}

static void
gr_fire(struct timer *t, struct mono_us now)
{
	struct gr *gr = container_of(t, struct gr, timer);
	struct speaker *sp = container_of(gr, struct speaker, gr);

	if (gr->deferring) {
		gr_check(sp, now);
		return;
	}
	groups_kick(sp); /* what waited for next hops or verdicts waits no more */
	if (mono_diff_us(now, gr->ended) < GR_FIB_WAIT_US)
		timer_set(&sp->timers, t, mono_add_us(gr->ended, GR_FIB_WAIT_US));
}

void
gr_init(struct speaker *sp, const struct ipc_hello *hello)
{
	sp->gr = (struct gr){ .restarted = hello->restarting,
		.deferring = hello->restarting,
		.adopted = { hello->adopted[0], hello->adopted[1] },
		.began = MONO_NEVER,
		.timer.fire = gr_fire };
}

void
gr_begin(struct speaker *sp, struct mono_us now)
{
	sp->gr.began = sp->gr.progress = now;
	if (sp->gr.deferring && !sp->conf.gr_enabled)
		end_deferral(sp, now, "graceful restart is off");
	gr_check(sp, now);
}

void
gr_peer_failed(struct rpeer *rp, struct mono_us now)
{
	if (!mono_is_never(rp->up_since))
		return;
	rp->gr.wait_until = (struct mono_us){ 0 };
	gr_check(rp->sp, now);
}

void
gr_peer_hung_up(struct rpeer *rp, struct mono_us now)
{
	if (mono_is_never(rp->up_since) && waits_for(rp, now))
		rp->gr.wait_until = MONO_NEVER;
}

void
gr_progress(struct speaker *sp, struct mono_us now)
{
	sp->gr.progress = now;
}

bool
gr_next_hops_known(const struct speaker *sp)
{
	return !sp->gr.restarted || sp->nht.unanswered == 0 ||
	    mono_diff_us(sp->now, sp->gr.ended) >= GR_NH_WAIT_US;
}

void
gr_synced(struct speaker *sp)
{
	groups_kick(sp);
}

bool
gr_end_of_rib_ready(const struct speaker *sp)
{
	if (!sp->originate_end || sp->gr.deferring)
		return false;
	if (!sp->gr.restarted || mono_diff_us(sp->now, sp->gr.ended) >= GR_FIB_WAIT_US)
		return true;
	return sp->fib.sync == FIB_SYNC_DONE && (!sp->conf.install || sp->fib.waiting == 0);
}
