/*
 * One session: its timers, its Poll Sequences, its changes of state.
 *
 * RFC 5880 sections 6.5 (Poll Sequence), 6.8.1 (variables), 6.8.2 to 6.8.4 (timers and
 * Detection Time). Only this file writes a session's state.
 */
#include "bfdd/core/bfd_int.h"

static uint32_t
max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* ---- Detection Time ---- */

uint64_t
session_detect_us(const struct session *s)
{
	return (uint64_t)s->remote.mult * max_u32(s->used.rx_us, s->remote.tx_us);
}

struct mono_us
session_expires_at(const struct session *s)
{
	return s->is_heard ? mono_add_us(s->last_rx, session_detect_us(s)) : MONO_NEVER;
}

void
session_expire(struct bfd_engine *e, struct session *s, struct mono_us now)
{
	s->is_heard = false;
	s->remote.discr = 0;
	s->is_dirty = true;
	if (s->state == BFD_INIT || s->state == BFD_UP)
		session_change(e, s, now, BFD_DOWN, BFD_DIAG_EXPIRED);
	s->poll = POLL_NONE; /* nobody is there to answer */
	s->used = s->said;
	session_retime(e, s, now);
}

/* ---- transmission ---- */

/* RFC 5880 section 6.8.7: three reasons not to send periodic packets. */
static bool
is_silent(const struct session *s)
{
	if (s->conf.passive && s->remote.discr == 0)
		return true;
	if (s->remote.rx_us == 0)
		return true;
	return s->remote.demand && s->state == BFD_UP && s->remote.state == BFD_UP &&
	       s->poll != POLL_ACTIVE && s->poll != POLL_AGAIN;
}

/* RFC 5880 section 6.8.7: shorter by up to 25 %, and by at least 10 % when one lost packet counts.
 */
uint64_t
session_jitter_us(struct bfd_engine *e, const struct session *s)
{
	unsigned most = s->conf.detect_mult == 1 ? 90 : 100;

	return rng_jitter_us(&e->rng, s->interval_us, 75, most);
}

void
session_retime(struct bfd_engine *e, struct session *s, struct mono_us now)
{
	uint64_t interval_us = is_silent(s) ? 0 : max_u32(s->used.tx_us, s->remote.rx_us);

	if (interval_us == s->interval_us)
		return;
	s->interval_us = interval_us;
	if (interval_us == 0)
		s->tx_at = MONO_NEVER;
	else if (mono_is_never(s->last_tx))
		s->tx_at = now;
	else
		s->tx_at = mono_add_us(s->last_tx, session_jitter_us(e, s));
}

void
session_hurry(struct bfd_engine *e, struct session *s)
{
	s->differs = true;
	if (!list_is_linked(&s->urgent))
		list_push_back(&e->urgent, &s->urgent);
}

/* ---- Poll Sequence ---- */

void
session_poll_start(struct session *s)
{
	if (s->poll == POLL_NONE)
		s->poll = POLL_ACTIVE;
	else if (s->poll == POLL_ACTIVE)
		s->poll = POLL_AGAIN;
	s->is_dirty = true;
}

/*
 * A Final may answer a Poll from before the last change. Then one more sequence is
 * needed, which begins when a packet without F has been seen (section 6.8.3); a
 * peer in Demand mode sends none, and the round trip that just ended must do.
 */
void
session_poll_heard(struct session *s, bool final)
{
	static const enum bfd_poll after[][2] = {
		[POLL_NONE] = { POLL_NONE, POLL_NONE },
		[POLL_ACTIVE] = { POLL_ACTIVE, POLL_NONE },
		[POLL_AGAIN] = { POLL_AGAIN, POLL_WAIT },
		[POLL_WAIT] = { POLL_ACTIVE, POLL_WAIT },
	};
	enum bfd_poll was = s->poll;

	s->poll = after[was][final];
	if (s->poll == POLL_WAIT && s->remote.demand)
		s->poll = POLL_ACTIVE;
	if (s->poll == POLL_NONE)
		s->used = s->said;
	if (s->poll != was)
		s->is_dirty = true;
}

/*
 * What may not count yet: a longer transmit interval before the peer's Detection Time
 * is longer, a shorter receive interval before the peer sends as often.
 */
static void
use_what_may_be_used(struct session *s)
{
	bool up = s->state == BFD_UP;

	if (!up || s->said.tx_us < s->used.tx_us)
		s->used.tx_us = s->said.tx_us;
	if (!up || s->said.rx_us > s->used.rx_us)
		s->used.rx_us = s->said.rx_us;
}

void
session_negotiate(struct bfd_engine *e, struct session *s, struct mono_us now)
{
	struct bfd_timing t = { .tx_us = s->conf.tx_us, .rx_us = s->conf.rx_us };

	if (s->state != BFD_UP)
		t.tx_us = max_u32(t.tx_us, BFD_SLOW_US);
	if (t.tx_us != s->said.tx_us || t.rx_us != s->said.rx_us) {
		s->said = t;
		if (s->remote.discr != 0)
			session_poll_start(s);
		session_hurry(e, s);
	}
	use_what_may_be_used(s);
	session_retime(e, s, now);
}

/* ---- state ---- */

void
session_change(struct bfd_engine *e, struct session *s, struct mono_us now, enum bfd_state state,
    enum bfd_diag diag)
{
	enum bfd_state was = s->state;

	s->state = state;
	s->diag = diag;
	s->since = now;
	s->is_resumed = false;
	s->is_dirty = true;
	s->n.ups += state == BFD_UP;
	if (was == BFD_UP) {
		s->n.downs++;
		s->last_down = now;
		s->last_down_diag = diag;
		s->last_down_remote_diag = s->remote.diag;
	}
	if (!session_is_leaving(s))
		engine_event(e, s, was, now);
	session_negotiate(e, s, now);
	session_hurry(e, s);
}

/* ---- afterwards ---- */

static void
save(struct session *s)
{
	struct bfd_record r = {
		.id = s->id,
		.conf = s->conf,
		.discr = s->discr,
		.state = s->state,
		.diag = s->diag,
		.remote = s->remote,
		.used = s->used,
		.poll = s->poll,
		.xmit_seq = s->xmit_seq,
		.rcv_seq = s->rcv_seq,
		.seq_at = s->seq_at,
		.since = s->since,
		.last_down = s->last_down,
		.last_down_diag = s->last_down_diag,
		.last_down_remote_diag = s->last_down_remote_diag,
		.ups = s->n.ups,
		.downs = s->n.downs,
	};

	bfd_saved_write(&s->place, &r);
	s->is_dirty = false;
}

void
session_settle(struct bfd_engine *e, struct session *s)
{
	struct mono_us at = mono_min(s->tx_at, mono_min(session_expires_at(s), s->leave_at));

	if (!heap_is_queued(&s->timer) || s->timer.when.us != at.us)
		heap_set(&e->timers, &s->timer, at);
	if (s->is_dirty)
		save(s);
}
