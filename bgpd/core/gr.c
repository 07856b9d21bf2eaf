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
#define GR_JOINED_MAX	4 /* sessions in a row whose paths stay together, with path ids */
#define GR_FIB_WAIT_US	(10 * 1000000ull)  /* End-of-RIB waits for verdicts, after the deferral */

/* ---- peers that restart -------------------------------------------------------- */

uint32_t
gr_stale(const struct rpeer *rp, unsigned i)
{
	return adjin_count(rp, i) - rp->af[i].paths[rp->af[i].gen];
}

bool
gr_long_lived(const struct rpeer *rp, unsigned i, uint32_t *ret_s)
{
	const struct gr_family *f = &rp->gr.fam[i];

	if (ret_s)
		*ret_s = f->phase == GR_LONG_LIVED ? f->long_s : 0;
	return f->phase == GR_LONG_LIVED;
}

static bool
is_up(const struct rpeer *rp)
{
	return !mono_is_never(rp->up_since);
}

uint32_t
gr_stale_left_s(const struct rpeer *rp, struct mono_us now, unsigned i)
{
	const struct gr_family *f = &rp->gr.fam[i];
	uint32_t left_s;

	if (!timer_armed(&f->timer))
		return 0;
	left_s = (uint32_t)((mono_diff_us(f->timer.node.when, now) + 999999) / 1000000);
	return f->phase == GR_RESTART && !is_up(rp) ? left_s + f->long_s : left_s;
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

static void
sweep_restart(struct rpeer *rp, unsigned i)
{
	if (!gr_is_refreshing(rp, i))
		adjin_sweep(rp, i);
}

/* Is last known good what the operator wants of that peer? */
static bool
is_alone(const struct rpeer *rp, unsigned i)
{
	return rp->conf.llgr_alone && rp->conf.llgr_time_s[i] > 0;
}

/*
 * Has the Long-Lived Stale Time ended, and no End-of-RIB come?  RFC 9494 section
 * 4.2: a new session does not stop it.  Last known good waits on.
 */
static bool
is_over(const struct gr_family *f, struct mono_us now)
{
	return f->phase == GR_LONG_LIVED && !is_alone(f->rp, f->i) && mono_reached(now, f->long_end);
}

/* The family's stale paths go, if there are any. */
static void
become_fresh(struct gr_family *f)
{
	timer_stop(&f->rp->sp->timers, &f->timer);
	f->phase = GR_FRESH;
	f->joined = 0;
}

/* The restart took too long, or was not to take any time: RFC 9494 section 4.2. */
static void
become_long_lived(struct gr_family *f, struct mono_us now)
{
	struct rpeer *rp = f->rp;

	f->phase = GR_LONG_LIVED;
	f->long_end = mono_add_s(now, f->long_s);
	timer_set(&rp->sp->timers, &f->timer, f->long_end);
	adjin_mark_long_lived(rp, f->i);
	speaker_event(rp->sp, LOG_NOTICE, rp, "long-lived-stale",
	    "family=%s paths=%" PRIu32 " seconds=%" PRIu32
	    " why=\"its restart time is over: kept as a last resort\"",
	    afi_desc[f->i].name, restart_stale(rp, f->i), f->long_s);
}

static void
stale_expired(struct timer *t, struct mono_us now)
{
	struct gr_family *f = container_of(t, struct gr_family, timer);
	struct rpeer *rp = f->rp;

	if (f->phase == GR_RESTART && f->long_s > 0 && !is_up(rp)) {
		become_long_lived(f, now);
		return;
	}
	speaker_event(rp->sp, LOG_NOTICE, rp, "stale-expired",
	    "family=%s paths=%" PRIu32 " why=\"not announced again in time\"",
	    afi_desc[f->i].name, restart_stale(rp, f->i));
	if (!is_up(rp) || !is_over(f, now))
		become_fresh(f); /* else its phase says so to the end of the session */
	sweep_restart(rp, f->i);
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
	struct gr_refresh *r = &rp->gr.refresh[i];
	struct mono_us end = mono_add_s(now, GR_STALE_MAX_S);

	if ((rp->peer->neg.peer_gr || gr_long_lived(rp, i, NULL)) && !rp->af[i].eor_received) {
		refresh_ignored(rp, now, i, "Begin-of-RR before End-of-RIB");
		return;
	}
	if (!refresh_affordable(rp, now, i)) {
		refresh_ignored(rp, now, i, "too many Begin-of-RR in a short time");
		return;
	}
	if (!gr_is_refreshing(rp, i))
		r->since = now;
	adjin_mark_stale(rp, i);
	timer_set(&rp->sp->timers, &r->timer,
	    mono_min(end, mono_add_s(r->since, GR_REFRESHES * GR_STALE_MAX_S)));
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
	for (i = 0; i < AF_COUNT; i++)
		rp->gr.fam[i] = (struct gr_family){ .timer.fire = stale_expired, .rp = rp, .i = i };
	rp->gr.wait_until = rp->sp->gr.deferring ? mono_add_us(rp->sp->now, GR_CONNECT_US) :
						   (struct mono_us){ 0 };
}

void
gr_peer_stop(struct rpeer *rp)
{
	unsigned i;

	for (i = 0; i < AF_COUNT; i++)
		become_fresh(&rp->gr.fam[i]);
	refresh_stop(rp);
	rp->gr.wait_until = (struct mono_us){ 0 };
}

/* By the address alone: a peer has one interface. */
static bool
is_same_neighbour(const struct rpeer *rp)
{
	struct ip_addr now = rp->peer->ep.remote;

	now.ifindex = rp->gr.of.ifindex;
	return ip_addr_eq(&now, &rp->gr.of);
}

/*
 * Stale paths survive only with the F bit, in a family in use: RFC 4724 section
 * 4.2, RFC 9494 section 4.2.  Another router that was found on the link says
 * nothing about paths over the former one.  Last known good waits for what comes
 * in their place: a reflector that has come back forwards nothing itself.
 */
static bool
keeps_stale(const struct rpeer *rp, unsigned i)
{
	const struct peer_neg *neg = &rp->peer->neg;
	uint8_t bit = AF_BIT(AF_OF(i)) & neg->families;

	if (!is_same_neighbour(rp))
		return false;
	if (is_alone(rp, i))
		return bit;
	if (gr_long_lived(rp, i, NULL))
		return neg->llgr && (neg->llgr_forwarding & bit);
	return neg->gr && (neg->gr_families & neg->gr_forwarding & bit);
}

/* The Long-Lived Stale Time that counts when the session ends so: ours bounds the peer's. */
static uint32_t
long_lived_s(const struct rpeer *rp, unsigned i, enum peer_down how)
{
	const struct peer_neg *neg = &rp->peer->neg;
	uint32_t ours_s = rp->conf.llgr_time_s[i];

	if (is_alone(rp, i))
		return ours_s;
	if (how != PEER_DOWN_KEEP || !(neg->llgr_families & AF_BIT(AF_OF(i))))
		return 0;
	return neg->llgr_time_s[i] < ours_s ? neg->llgr_time_s[i] : ours_s;
}

static void
family_up(struct gr_family *f, struct mono_us now)
{
	struct rpeer *rp = f->rp;
	struct mono_us end = mono_add_s(now, GR_STALE_MAX_S);

	if (!keeps_stale(rp, f->i))
		adjin_sweep(rp, f->i);
	if (f->phase == GR_LONG_LIVED && !is_alone(rp, f->i))
		end = mono_min(end, f->long_end);
	if (restart_stale(rp, f->i) > 0)
		timer_set(&rp->sp->timers, &f->timer, end);
	else
		become_fresh(f);
}

/* The first peer is up after all: the deferral begins anew, for the others as well. */
static void
end_alone(struct speaker *sp, struct mono_us now)
{
	uint16_t k;

	if (!sp->gr.alone)
		return;
	sp->gr.alone = false;
	sp->gr.began = now;
	for (k = 1; k < sp->npeers; k++)
		if (sp->peer[k])
			sp->peer[k]->gr.wait_until = mono_add_us(now, GR_CONNECT_US);
}

void
gr_up(struct rpeer *rp, struct mono_us now)
{
	struct speaker *sp = rp->sp;
	const struct peer_neg *neg = &rp->peer->neg;
	unsigned i;

	for (i = 0; i < AF_COUNT; i++)
		family_up(&rp->gr.fam[i], now);
	end_alone(sp, now);
	rp->gr.wait_until =
	    neg->gr && !neg->gr_restarting ? MONO_NEVER : mono_add_us(now, GR_CONNECT_US);
	gr_progress(sp, now);
	gr_check(sp, now);
}

/*
 * A session ends before it has told everything: do the paths of the one before
 * stay as well?  Not with RFC 4724 alone (section 4.2), but with the N bit (RFC
 * 8538 section 4.1) and as long as a Long-Lived Stale Time runs (RFC 9494
 * section 4.2).  Path ids need not survive (RFC 7911 section 5), so that paths
 * of many sessions would add up beside every limit: a few times only.
 */
static bool
keeps_older(const struct gr_family *f, struct mono_us now)
{
	if (f->joined >= GR_JOINED_MAX)
		return false;
	if (f->phase == GR_LONG_LIVED)
		return mono_before(now, f->long_end);
	return f->phase == GR_RESTART && f->rp->peer->neg.gr_notification;
}

/* What is stale from now on, and until when.  time_s: the restart's. */
static void
begin_stale(struct gr_family *f, struct mono_us now, uint32_t time_s)
{
	struct rpeer *rp = f->rp;
	struct mono_us end = mono_add_s(now, time_s);

	if (f->phase == GR_LONG_LIVED) { /* its time goes on, for what came meanwhile as well */
		timer_set(&rp->sp->timers, &f->timer, f->long_end);
		adjin_mark_long_lived(rp, f->i);
		return;
	}
	if (f->phase == GR_FRESH)
		f->since = now;
	f->phase = GR_RESTART;
	if (time_s == 0 && f->long_s > 0)
		become_long_lived(f, now);
	else
		timer_set(&rp->sp->timers, &f->timer,
		    mono_min(end, mono_add_s(f->since, time_s + (uint32_t)GR_STALE_MAX_S)));
}

static void
family_down(struct gr_family *f, struct mono_us now, enum peer_down how)
{
	struct rpeer *rp = f->rp;
	const struct peer_neg *neg = &rp->peer->neg;
	bool restart = how == PEER_DOWN_KEEP && neg->gr_families & AF_BIT(AF_OF(f->i));
	uint32_t long_s = how == PEER_DOWN_FLUSH ? 0 : long_lived_s(rp, f->i, how);
	bool keep = (restart || long_s > 0) && !is_over(f, now), older = keep && keeps_older(f, now);

	if (older && rp->af[f->i].paths[rp->af[f->i].gen] > 0)
		f->joined += (neg->addpath_rx & AF_BIT(AF_OF(f->i))) != 0;
	if (older)
		adjin_mark_stale(rp, f->i);
	else
		adjin_new_generation(rp, f->i, keep);
	if (!older)
		become_fresh(f);
	if (f->phase != GR_LONG_LIVED)
		f->long_s = long_s;
	if (gr_stale(rp, f->i) > 0)
		begin_stale(f, now, restart ? neg->gr_time_s : 0);
	else
		become_fresh(f);
}

void
gr_down(struct rpeer *rp, struct mono_us now, enum peer_down how)
{
	struct speaker *sp = rp->sp;
	unsigned i;

	refresh_stop(rp);
	rp->gr.of = rp->peer->ep.remote;
	for (i = 0; i < AF_COUNT; i++)
		family_down(&rp->gr.fam[i], now, how);
	if (gr_stale(rp, 0) + gr_stale(rp, 1) > 0)
		speaker_event(sp, LOG_NOTICE, rp, "stale",
		    "ipv4=%" PRIu32 " ipv6=%" PRIu32 " seconds=%" PRIu32 " long_lived_s=%" PRIu32,
		    gr_stale(rp, 0), gr_stale(rp, 1),
		    how == PEER_DOWN_KEEP ? (uint32_t)rp->peer->neg.gr_time_s : 0,
		    rp->gr.fam[gr_stale(rp, 0) == 0].long_s);
	rp->gr.wait_until = (struct mono_us){ 0 };
	gr_check(sp, now);
}

void
gr_forget(struct rpeer *rp, struct mono_us now)
{
	unsigned i;

	if (rp->gr.fam[0].phase == GR_FRESH && rp->gr.fam[1].phase == GR_FRESH)
		return;
	speaker_event(rp->sp, LOG_NOTICE, rp, "stale-removed",
	    "ipv4=%" PRIu32 " ipv6=%" PRIu32 " why=\"the peer was stopped here\"",
	    gr_stale(rp, 0), gr_stale(rp, 1));
	for (i = 0; i < AF_COUNT; i++) {
		become_fresh(&rp->gr.fam[i]);
		adjin_sweep(rp, i);
	}
}

void
gr_changed(struct rpeer *rp, struct mono_us now)
{
	unsigned i;

	for (i = 0; i < AF_COUNT; i++) {
		struct gr_family *f = &rp->gr.fam[i];

		if (f->phase == GR_FRESH || is_up(rp) ||
		    long_lived_s(rp, i, PEER_DOWN_KEEP) > 0)
			continue;
		f->long_s = 0;
		if (f->phase != GR_LONG_LIVED)
			continue;
		become_fresh(f);
		adjin_sweep(rp, i);
	}
}

void
gr_end_of_rib(struct rpeer *rp, struct mono_us now, unsigned i)
{
	rp->af[i].eor_received = true;
	become_fresh(&rp->gr.fam[i]);
	sweep_restart(rp, i);
	gr_tell_session(rp);
	gr_check(rp->sp, now);
}

/* ---- our own restart -------------------------------------------------------------- */

/*
 * Has forwarding of the family survived since the peer heard of it last?  Over
 * our start if routes were found in the kernel; since an earlier session, as
 * the end of a session removes no route of others (RFC 4724 section 4.2 has the
 * peer drop everything at once otherwise, RFC 8538 section 4 asks for it).
 * One that only observes forwards nothing by what the peer said, and says so.
 */
static bool
has_forwarding(const struct speaker *sp, const struct peer *p, unsigned i)
{
	return !sp->conf.observe && (p->established_count > 0 || (sp->gr.restarted && sp->gr.adopted[i] > 0));
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

static enum ipc_session
session_of(const struct rpeer *rp)
{
	if (mono_is_never(rp->up_since))
		return IPC_SESSION_DOWN;
	if (end_of_rib_received(rp))
		return IPC_SESSION_SYNCED;
	return rp->peer && rp->peer->neg.peer_gr ? IPC_SESSION_UP : IPC_SESSION_PLAIN;
}

void
gr_tell_session(struct rpeer *rp)
{
	struct todo t = { .kind = TODO_SESSION, .peer = rp->id, .session = session_of(rp) };

	if (t.session == rp->gr.told)
		return;
	rp->gr.told = t.session;
	speaker_todo(rp->sp, &t);
}

/* Does the deferral wait for that peer? */
static bool
waits_for(const struct rpeer *rp, struct mono_us now)
{
	return rp && rp->peer && rp->conf.enabled && !rp->peer->admin_down && !rp->peer->drained &&
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

/*
 * Until when the deferral goes on because no peer has been up since the start
 * and last known good is asked for; 0: it does not.
 */
static struct mono_us
alone_until(const struct speaker *sp)
{
	struct mono_us until = { 0 };
	uint32_t longest_s = 0;
	uint16_t k;
	unsigned i;

	for (k = 1; k < sp->npeers; k++) {
		const struct rpeer *rp = sp->peer[k];

		if (!rp || !rp->peer || !rp->conf.enabled)
			continue;
		if (rp->peer->established_count > 0)
			return until;
		for (i = 0; i < AF_COUNT; i++)
			if (is_alone(rp, i) && rp->conf.llgr_time_s[i] > longest_s)
				longest_s = rp->conf.llgr_time_s[i];
	}
	return longest_s ? mono_add_s(sp->gr.began, longest_s) : until;
}

/* Wait on, as that is all there is; false: not. */
static bool
stay_alone(struct speaker *sp, struct mono_us now)
{
	struct mono_us until = alone_until(sp);

	if (!mono_before(now, until))
		return false;
	if (!sp->gr.alone)
		speaker_event(sp, LOG_WARN, NULL, "last-known-good",
		    "seconds=%" PRIu64 " why=\"no peer is up: the routes found in the kernel stay\"",
		    mono_diff_us(until, now) / 1000000);
	sp->gr.alone = true;
	timer_set(&sp->timers, &sp->gr.timer, until);
	return true;
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
	if (k == sp->npeers && stay_alone(sp, now))
		return;
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
