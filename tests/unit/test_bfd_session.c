/*
 * A BFD session in virtual time: states, intervals, Detection Time, Poll Sequences,
 * roles, farewells. RFC 5880 sections 6.1 to 6.8.
 */
#include "bfdd/core/fsm.h"
#include "tests/unit/bfdrig.h"
#include "tests/unit/unit.h"

static struct bfdrig rig;

static struct bfd_pkt
up_pkt(void)
{
	return bfdrig_pkt(BFD_UP, bfdrig_view(&rig).discr);
}

/* Reach a state: AdminDown by configuration, Init and Up by what the peer says. */
static void
reach(enum bfd_state state)
{
	struct bfd_conf conf = bfdrig_conf();

	conf.admin_down = state == BFD_ADMIN_DOWN;
	bfdrig_init(&rig, &conf, NULL, 0);
	if (state == BFD_UP)
		bfdrig_up(&rig);
	if (state == BFD_INIT)
		bfdrig_say(&rig, BFD_DOWN);
	bfdrig_drain(&rig);
	ck_assert_uint_eq(bfdrig_view(&rig).state, state);
}

static bool
next_event(struct bfd_event *ret)
{
	return bfd_event_next(rig.e, ret);
}

static void
forget_events(void)
{
	struct bfd_event ev;

	while (next_event(&ev))
		continue;
}

/* ---- the state machine ---- */

/* RFC 5880 section 6.8.6: what comes of a state and a received one, with the diagnostic. */
static const struct {
	enum bfd_state next;
	enum bfd_diag diag;
} transitions[BFD_NSTATES][BFD_NSTATES] = {
	[BFD_ADMIN_DOWN] = { { BFD_ADMIN_DOWN, 7 }, { BFD_ADMIN_DOWN, 7 }, { BFD_ADMIN_DOWN, 7 },
	    { BFD_ADMIN_DOWN, 7 } },
	[BFD_DOWN] = { { BFD_DOWN, 0 }, { BFD_INIT, 0 }, { BFD_UP, 0 }, { BFD_DOWN, 0 } },
	[BFD_INIT] = { { BFD_DOWN, 3 }, { BFD_INIT, 0 }, { BFD_UP, 0 }, { BFD_UP, 0 } },
	[BFD_UP] = { { BFD_DOWN, 3 }, { BFD_DOWN, 3 }, { BFD_UP, 0 }, { BFD_UP, 0 } },
};

START_TEST(every_state_and_received_state)
{
	enum bfd_state state = _i / BFD_NSTATES, received = _i % BFD_NSTATES;
	enum bfd_state next = transitions[state][received].next;
	struct bfd_event ev;
	struct bfd_view v;

	reach(state);
	forget_events();
	ck_assert_uint_eq(
	    bfdrig_say(&rig, received), state == BFD_ADMIN_DOWN ? BFD_RX_ADMIN_DOWN : BFD_RX_OK);
	v = bfdrig_view(&rig);
	ck_assert_uint_eq(v.state, next);
	ck_assert_uint_eq(v.diag, transitions[state][received].diag);
	ck_assert_uint_eq(v.remote_state, received);
	ck_assert_uint_eq(next_event(&ev), next != state);
	if (next != state) {
		ck_assert(ev.id == 1 && ev.was == state && ev.state == next && ev.diag == v.diag);
		ck_assert_uint_eq(ev.remote_state, received);
		ck_assert(ip_addr_eq(&ev.key.remote, &rig.conf.key.remote));
		ck_assert(bfdrig_output(&rig)); /* the peer is told at once */
		ck_assert(rig.sent.state == next && rig.sent.diag == v.diag);
	}
	ck_assert(!next_event(&ev));
	bfdrig_free(&rig);
}
END_TEST

/* The reason of the last failure is said until the session is Up again. */
START_TEST(diagnostic_stays_until_up)
{
	reach(BFD_UP);
	bfdrig_pass(&rig, 301 * MS);
	ck_assert_uint_eq(bfdrig_view(&rig).diag, BFD_DIAG_EXPIRED);
	bfdrig_say(&rig, BFD_DOWN);
	bfdrig_output(&rig);
	ck_assert(rig.sent.state == BFD_INIT && rig.sent.diag == BFD_DIAG_EXPIRED);
	bfdrig_say(&rig, BFD_INIT);
	bfdrig_output(&rig);
	ck_assert(rig.sent.state == BFD_UP && rig.sent.diag == BFD_DIAG_NONE);
	ck_assert_uint_eq(bfdrig_view(&rig).last_down_diag, BFD_DIAG_EXPIRED);
	ck_assert_uint_eq(bfdrig_view(&rig).n.ups, 2);
	ck_assert_uint_eq(bfdrig_view(&rig).n.downs, 1);
	bfdrig_free(&rig);
}
END_TEST

/* ---- what is sent ---- */

START_TEST(first_packet)
{
	bfdrig_init(&rig, NULL, NULL, 0);
	ck_assert(bfdrig_output(&rig));
	ck_assert(rig.sent.state == BFD_DOWN && rig.sent.diag == BFD_DIAG_NONE);
	ck_assert(!rig.sent.poll && !rig.sent.final && !rig.sent.demand && !rig.sent.multipoint);
	ck_assert(!rig.sent.has_auth && !rig.sent.independent);
	ck_assert_uint_eq(rig.sent.mult, 3);
	ck_assert_uint_eq(rig.sent.my_discr, bfdrig_view(&rig).discr);
	ck_assert_uint_ne(rig.sent.my_discr, 0);
	ck_assert_uint_eq(rig.sent.your_discr, 0);
	ck_assert_uint_eq(rig.sent.tx_us, BFD_SLOW_US);
	ck_assert_uint_eq(rig.sent.rx_us, 100 * MS);
	ck_assert_uint_eq(rig.sent.echo_us, 0);
	ck_assert_uint_eq(rig.out.len, BFD_OCTETS_MIN);
	ck_assert_uint_eq(rig.out.id, 1);
	ck_assert(ip_addr_eq(&rig.out.dst, &rig.conf.key.remote));
	ck_assert(ip_addr_eq(&rig.out.src, &rig.conf.key.local) && !rig.out.multihop);
	ck_assert(!bfdrig_output(&rig));
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.8.3: at least a second while not Up; section 6.8.7: 75 to 100 %. */
START_TEST(slow_while_not_up)
{
	unsigned n;

	bfdrig_init(&rig, NULL, NULL, 0);
	bfdrig_drain(&rig);
	n = bfdrig_pass(&rig, 100 * S);
	ck_assert(n >= 100 && n <= 133);
	bfdrig_free(&rig);
}
END_TEST

/* Gaps between packets of a session that is Up: multiplier and bounds in per cent. */
static const struct jitter_case {
	uint8_t mult;
	unsigned lo, hi;
} jitter_cases[] = { { 3, 75, 100 }, { 2, 75, 100 }, { 1, 75, 90 } };

START_TEST(jitter)
{
	const struct jitter_case *c = &jitter_cases[_i];
	struct bfd_conf conf = bfdrig_conf();
	uint64_t least = UINT64_MAX, most = 0;

	conf.detect_mult = c->mult;
	bfdrig_init(&rig, &conf, NULL, 0);
	bfdrig_up(&rig);
	for (unsigned i = 0; i < 2000; i++) {
		struct mono_us was = rig.now;
		uint64_t gap;

		bfdrig_say(&rig, BFD_UP);
		rig.now = bfd_deadline(rig.e);
		ck_assert_uint_eq(bfdrig_drain(&rig), 1);
		gap = mono_diff_us(rig.now, was);
		least = gap < least ? gap : least;
		most = gap > most ? gap : most;
	}
	ck_assert(least >= c->lo * MS && least < (c->lo + 1) * MS);
	ck_assert(most <= c->hi * MS && most > (c->hi - 1) * MS);
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.8.2: the slower of what we want and what the peer takes. */
START_TEST(interval_is_the_greater)
{
	struct bfd_pkt p;

	reach(BFD_UP);
	ck_assert_uint_eq(bfdrig_view(&rig).tx_us, 100 * MS);
	p = up_pkt();
	p.rx_us = 250 * MS;
	bfdrig_input(&rig, &p);
	ck_assert_uint_eq(bfdrig_view(&rig).tx_us, 250 * MS);
	p.rx_us = 1;
	bfdrig_input(&rig, &p);
	ck_assert_uint_eq(bfdrig_view(&rig).tx_us, 100 * MS);
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.8.3: a shorter interval counts from the last packet, not from now. */
START_TEST(shorter_interval_at_once)
{
	struct bfd_pkt p;

	reach(BFD_UP);
	p = up_pkt();
	p.rx_us = 10 * S;
	p.tx_us = 10 * S;
	bfdrig_input(&rig, &p);
	ck_assert_uint_eq(bfdrig_pass(&rig, 5 * S), 0);
	p.rx_us = 50 * MS;
	bfdrig_input(&rig, &p);
	ck_assert(bfdrig_output(&rig));
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.8.7: a peer that wants none gets none, but an answer to its Poll. */
START_TEST(no_packets_for_receive_interval_0)
{
	struct bfd_pkt p;

	reach(BFD_UP);
	p = up_pkt();
	p.rx_us = 0;
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_uint_eq(bfdrig_input(&rig, &p), BFD_RX_OK);
		ck_assert_uint_eq(bfdrig_pass(&rig, 100 * MS), 0);
	}
	ck_assert_uint_eq(bfdrig_view(&rig).tx_us, 0);
	p.poll = true;
	bfdrig_input(&rig, &p);
	ck_assert(bfdrig_output(&rig) && rig.sent.final);
	p.poll = false;
	p.rx_us = 100 * MS;
	bfdrig_input(&rig, &p);
	ck_assert(bfdrig_pass(&rig, 100 * MS) > 0);
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.6: a peer in Demand mode gets none while both are Up. */
START_TEST(peer_in_demand_mode)
{
	struct bfd_pkt p;

	reach(BFD_UP);
	p = up_pkt();
	p.demand = true;
	bfdrig_input(&rig, &p);
	ck_assert(bfdrig_view(&rig).remote_demand);
	for (unsigned i = 0; i < 20; i++) {
		bfdrig_input(&rig, &p);
		ck_assert_uint_eq(bfdrig_pass(&rig, 100 * MS), 0);
	}
	rig.conf.detect_mult = 5; /* section 6.6: other contents need a Poll Sequence */
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(bfdrig_output(&rig));
	ck_assert(rig.sent.poll && rig.sent.mult == 5);
	bfdrig_input(&rig, &p);
	ck_assert(bfdrig_pass(&rig, 100 * MS) > 0); /* repeated until it is answered */
	p.final = true;
	bfdrig_input(&rig, &p);
	ck_assert_uint_eq(bfdrig_pass(&rig, 100 * MS), 0);
	p.final = p.demand = false;
	bfdrig_input(&rig, &p);
	ck_assert(bfdrig_pass(&rig, 100 * MS) > 0);
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.1: the passive side waits for the peer, and again once it is gone. */
START_TEST(passive_role)
{
	struct bfd_conf conf = bfdrig_conf();
	struct bfd_pkt p = bfdrig_pkt(BFD_DOWN, 0);

	conf.passive = true;
	bfdrig_init(&rig, &conf, NULL, 0);
	ck_assert_uint_eq(bfdrig_pass(&rig, 10 * S), 0);
	ck_assert(mono_is_never(bfd_deadline(rig.e)));
	ck_assert_uint_eq(bfdrig_input(&rig, &p), BFD_RX_OK);
	ck_assert(bfdrig_output(&rig) && rig.sent.state == BFD_INIT);
	ck_assert_uint_eq(rig.sent.your_discr, 0x1111);
	ck_assert_uint_eq(bfdrig_pass(&rig, 10 * S), 0); /* gone after 300 ms */
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_DOWN);
	ck_assert_uint_eq(bfdrig_pass(&rig, 10 * S), 0);
	bfdrig_free(&rig);
}
END_TEST

/* ---- Detection Time ---- */

/* RFC 5880 section 6.8.4: the peer's multiplier times the greater interval. */
static const struct detect_case {
	uint8_t remote_mult;
	uint64_t remote_tx_us, rx_us, want_us;
} detect_cases[] = {
	{ 3, 100 * MS, 100 * MS, 300 * MS },
	{ 3, 50 * MS, 100 * MS, 300 * MS },
	{ 3, 200 * MS, 100 * MS, 600 * MS },
	{ 5, 100 * MS, 100 * MS, 500 * MS },
	{ 1, 100 * MS, 100 * MS, 100 * MS },
	{ 1, 0, 100 * MS, 100 * MS },
	{ 255, 4000000000, 100 * MS, 255 * 4000000000 },
};

START_TEST(detection_time)
{
	const struct detect_case *c = &detect_cases[_i];
	struct bfd_event ev;
	struct bfd_pkt p;

	reach(BFD_UP);
	forget_events();
	p = up_pkt();
	p.mult = c->remote_mult;
	p.tx_us = (uint32_t)c->remote_tx_us;
	p.rx_us = 0; /* so that nothing of ours is due meanwhile */
	bfdrig_input(&rig, &p);
	ck_assert_uint_eq(bfd_deadline(rig.e).us - rig.now.us, c->want_us);
	bfdrig_pass(&rig, c->want_us - 1);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_UP);
	bfdrig_pass(&rig, 1);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_DOWN);
	ck_assert_uint_eq(bfdrig_view(&rig).remote_discr, 0); /* section 6.8.1 */
	ck_assert(next_event(&ev));
	ck_assert(ev.was == BFD_UP && ev.state == BFD_DOWN && ev.diag == BFD_DIAG_EXPIRED);
	ck_assert_uint_eq(ev.when.us, rig.now.us);
	bfdrig_free(&rig);
}
END_TEST

START_TEST(expiry_in_init_and_down)
{
	bfdrig_init(&rig, NULL, NULL, 0);
	bfdrig_say(&rig, BFD_DOWN);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_INIT);
	bfdrig_pass(&rig, 301 * MS);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_DOWN);
	ck_assert_uint_eq(bfdrig_view(&rig).diag, BFD_DIAG_EXPIRED);
	ck_assert_uint_eq(bfdrig_view(&rig).n.downs, 0); /* it was not Up */
	bfdrig_say(&rig, BFD_ADMIN_DOWN);
	ck_assert_uint_eq(bfdrig_view(&rig).remote_discr, 0x1111);
	bfdrig_pass(&rig, 301 * MS);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_DOWN);
	ck_assert_uint_eq(bfdrig_view(&rig).remote_discr, 0);
	bfdrig_free(&rig);
}
END_TEST

/* A refused packet keeps nobody alive. */
START_TEST(refused_packets_do_not_count)
{
	struct bfd_pkt p;

	reach(BFD_UP);
	p = up_pkt();
	p.multipoint = true;
	for (unsigned i = 0; i < 4; i++) {
		bfdrig_pass(&rig, 100 * MS);
		ck_assert_uint_eq(bfdrig_input(&rig, &p), BFD_RX_MULTIPOINT);
	}
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_DOWN);
	bfdrig_free(&rig);
}
END_TEST

/* What waits in the socket while the process does not get the processor counts. */
START_TEST(late_process_reads_first)
{
	reach(BFD_UP);
	rig.now = mono_add_us(rig.now, 5 * S);
	ck_assert(mono_reached(rig.now, bfd_deadline(rig.e)));
	bfdrig_say(&rig, BFD_UP);
	bfdrig_drain(&rig);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_UP);
	bfdrig_free(&rig);
}
END_TEST

/* ---- Poll Sequences ---- */

/* RFC 5880 section 6.8.6: a Poll is answered at once, whatever else is due. */
START_TEST(poll_is_answered)
{
	struct mono_us next;
	struct bfd_pkt p;

	reach(BFD_UP);
	bfdrig_say(&rig, BFD_UP);
	next = bfd_deadline(rig.e);
	p = up_pkt();
	p.poll = true;
	bfdrig_input(&rig, &p);
	ck_assert(mono_reached(rig.now, bfd_deadline(rig.e)));
	ck_assert(bfdrig_output(&rig) && rig.sent.final && !rig.sent.poll);
	ck_assert(!bfdrig_output(&rig));
	ck_assert_uint_eq(bfd_deadline(rig.e).us, next.us); /* the periodic ones go on */
	bfdrig_free(&rig);
}
END_TEST

/* Becoming Up changes Desired Min TX from a second: P until F. */
START_TEST(poll_after_up)
{
	struct bfd_pkt p;

	bfdrig_init(&rig, NULL, NULL, 0);
	bfdrig_drain(&rig);
	bfdrig_say(&rig, BFD_DOWN);
	ck_assert(bfdrig_output(&rig) && !rig.sent.poll && rig.sent.tx_us == BFD_SLOW_US);
	bfdrig_say(&rig, BFD_INIT);
	ck_assert(bfdrig_output(&rig) && rig.sent.poll && rig.sent.tx_us == 100 * MS);
	bfdrig_say(&rig, BFD_UP);
	rig.now = bfd_deadline(rig.e);
	ck_assert(bfdrig_output(&rig) && rig.sent.poll);
	ck_assert(bfdrig_view(&rig).polling);
	p = up_pkt();
	p.final = true;
	bfdrig_input(&rig, &p);
	ck_assert(!bfdrig_view(&rig).polling);
	rig.now = bfd_deadline(rig.e);
	ck_assert(bfdrig_output(&rig) && !rig.sent.poll);
	bfdrig_free(&rig);
}
END_TEST

/* A Final answered while we poll carries no P: section 6.5 forbids both. */
START_TEST(poll_from_both_sides)
{
	struct bfd_pkt p;

	reach(BFD_UP);
	rig.conf.tx_us = 200 * MS;
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	p = up_pkt();
	p.poll = true;
	bfdrig_input(&rig, &p);
	ck_assert(bfdrig_output(&rig));
	ck_assert(rig.sent.final && !rig.sent.poll && rig.sent.tx_us == 200 * MS);
	ck_assert(bfdrig_view(&rig).polling);
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.8.3: what counts before and after the peer's Final. */
static const struct change_case {
	const char *what;
	uint64_t tx_us, rx_us;
	uint64_t tx_before, detect_before, tx_after, detect_after;
} change_cases[] = {
	{ "longer transmit interval waits", 200 * MS, 100 * MS, 100 * MS, 300 * MS, 200 * MS,
	    300 * MS },
	{ "shorter transmit interval at once", 60 * MS, 100 * MS, 100 * MS, 300 * MS, 100 * MS,
	    300 * MS }, /* the peer takes 100 ms */
	{ "shorter receive interval waits", 100 * MS, 50 * MS, 100 * MS, 300 * MS, 100 * MS,
	    150 * MS },
	{ "longer receive interval at once", 100 * MS, 300 * MS, 100 * MS, 900 * MS, 100 * MS,
	    900 * MS },
	{ "both", 200 * MS, 50 * MS, 100 * MS, 300 * MS, 200 * MS, 150 * MS },
};

START_TEST(timers_changed_while_up)
{
	const struct change_case *c = &change_cases[_i];
	struct bfd_pkt p;

	reach(BFD_UP);
	p = up_pkt();
	p.tx_us = 50 * MS;
	bfdrig_input(&rig, &p);
	forget_events();
	rig.conf.tx_us = (uint32_t)c->tx_us;
	rig.conf.rx_us = (uint32_t)c->rx_us;
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(bfdrig_output(&rig));
	ck_assert(rig.sent.poll && rig.sent.tx_us == c->tx_us && rig.sent.rx_us == c->rx_us);
	ck_assert_msg(bfdrig_view(&rig).tx_us == c->tx_before, "%s", c->what);
	ck_assert_msg(bfdrig_view(&rig).detect_us == c->detect_before, "%s", c->what);
	p.final = true;
	bfdrig_input(&rig, &p);
	ck_assert_msg(bfdrig_view(&rig).tx_us == c->tx_after, "%s", c->what);
	ck_assert_msg(bfdrig_view(&rig).detect_us == c->detect_after, "%s", c->what);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_UP);
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.8.3: one more change during a sequence needs one of its own. */
START_TEST(second_change_during_a_poll)
{
	struct bfd_pkt p;

	reach(BFD_UP);
	rig.conf.tx_us = 200 * MS;
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(bfdrig_output(&rig) && rig.sent.poll);
	rig.conf.tx_us = 300 * MS;
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(bfdrig_output(&rig) && rig.sent.poll);
	p = up_pkt();
	p.final = true;
	bfdrig_input(&rig, &p); /* which of the two does it answer? */
	ck_assert_uint_eq(bfdrig_view(&rig).tx_us, 100 * MS);
	rig.now = bfd_deadline(rig.e);
	ck_assert(bfdrig_output(&rig) && !rig.sent.poll);
	bfdrig_input(&rig, &p); /* one more answer to the first sequence */
	ck_assert_uint_eq(bfdrig_view(&rig).tx_us, 100 * MS);
	rig.conf.rx_us = 150 * MS; /* meanwhile: still one sequence for all */
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	bfdrig_say(&rig, BFD_UP);
	rig.now = bfd_deadline(rig.e);
	ck_assert(bfdrig_output(&rig) && rig.sent.poll);
	bfdrig_input(&rig, &p);
	ck_assert_uint_eq(bfdrig_view(&rig).tx_us, 300 * MS);
	bfdrig_free(&rig);
}
END_TEST

/* A peer in Demand mode sends no packet without F: the next sequence begins at once. */
START_TEST(second_change_with_demand)
{
	struct bfd_pkt p;

	reach(BFD_UP);
	p = up_pkt();
	p.demand = true;
	bfdrig_input(&rig, &p);
	for (uint32_t ms = 200; ms <= 300; ms += 100) {
		rig.conf.tx_us = ms * 1000;
		ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	}
	bfdrig_drain(&rig);
	p.final = true;
	bfdrig_input(&rig, &p);
	ck_assert(bfdrig_view(&rig).polling);
	bfdrig_input(&rig, &p);
	ck_assert(!bfdrig_view(&rig).polling);
	bfdrig_free(&rig);
}
END_TEST

/* Nothing changed: nothing is said. */
START_TEST(same_configuration_again)
{
	reach(BFD_UP);
	bfdrig_say(&rig, BFD_UP);
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(!bfdrig_output(&rig));
	ck_assert(!bfdrig_view(&rig).polling);
	bfdrig_free(&rig);
}
END_TEST

/* While nobody has been heard there is nobody to ask. */
START_TEST(no_poll_without_a_peer)
{
	bfdrig_init(&rig, NULL, NULL, 0);
	bfdrig_drain(&rig);
	rig.conf.rx_us = 300 * MS;
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(bfdrig_output(&rig) && rig.sent.rx_us == 300 * MS && !rig.sent.poll);
	ck_assert(!bfdrig_view(&rig).polling);
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.8.12: a new multiplier needs no Poll. */
START_TEST(multiplier_changed)
{
	reach(BFD_UP);
	rig.conf.detect_mult = 9;
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(bfdrig_output(&rig) && rig.sent.mult == 9 && !rig.sent.poll);
	bfdrig_free(&rig);
}
END_TEST

/* ---- administration ---- */

START_TEST(held_down_and_let_go)
{
	struct bfd_event ev;

	reach(BFD_UP);
	forget_events();
	rig.conf.admin_down = true;
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(bfdrig_output(&rig));
	ck_assert(rig.sent.state == BFD_ADMIN_DOWN && rig.sent.diag == BFD_DIAG_ADMIN_DOWN);
	ck_assert(next_event(&ev) && ev.was == BFD_UP && ev.state == BFD_ADMIN_DOWN);
	ck_assert(bfdrig_pass(&rig, 10 * S) >= 10); /* it goes on saying so */
	rig.conf.admin_down = false;
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(next_event(&ev) && ev.state == BFD_DOWN && ev.diag == BFD_DIAG_NONE);
	bfdrig_up(&rig);
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.8.16: for a Detection Time of the peer. */
START_TEST(farewell)
{
	struct bfd_event ev;
	struct bfd_view v;
	const void *cursor = NULL;

	reach(BFD_UP);
	forget_events();
	bfd_session_remove(rig.e, rig.now, 1, true);
	bfd_session_remove(rig.e, rig.now, 1, true); /* there is none any more */
	ck_assert(!bfd_view(rig.e, 1, &v));
	ck_assert(bfd_view_next(rig.e, &cursor, &v) && v.leaving);
	ck_assert(!bfd_view_next(rig.e, &cursor, &v));
	ck_assert(bfdrig_output(&rig));
	ck_assert(rig.sent.state == BFD_ADMIN_DOWN && rig.sent.diag == BFD_DIAG_ADMIN_DOWN);
	bfdrig_pass(&rig, 299 * MS);
	ck_assert(!bfd_is_empty(rig.e));
	bfdrig_pass(&rig, 1 * MS);
	ck_assert(bfd_is_empty(rig.e) && !next_event(&ev));
	ck_assert(mono_is_never(bfd_deadline(rig.e)));
	bfdrig_free(&rig);
}
END_TEST

/* RFC 5880 section 6.8.1: in whatever state, for a Detection Time after the peer's last packet. */
START_TEST(heard_is_preserved)
{
	struct bfd_pkt p;
	struct bfd_view v;
	uint64_t left_us;

	reach(BFD_UP);
	p = up_pkt();
	p.state = BFD_DOWN;
	p.tx_us = S;
	bfdrig_input(&rig, &p);
	v = bfdrig_view(&rig);
	ck_assert(v.state == BFD_DOWN && v.detect_us > 0);
	left_us = v.detect_us - 100 * MS;
	bfdrig_pass(&rig, 100 * MS);
	forget_events();
	bfd_session_remove(rig.e, rig.now, 1, true);
	ck_assert(bfdrig_output(&rig) && rig.sent.state == BFD_ADMIN_DOWN);
	bfdrig_pass(&rig, left_us - 1);
	ck_assert(!bfd_is_empty(rig.e));
	bfdrig_pass(&rig, 1);
	ck_assert(bfd_is_empty(rig.e));
	bfdrig_free(&rig);
}
END_TEST

/* One that the peer is silent about is gone at once. */
START_TEST(unheard_is_not_preserved)
{
	reach(BFD_UP);
	bfdrig_pass(&rig, 10 * S);
	ck_assert(bfdrig_view(&rig).state == BFD_DOWN);
	bfd_session_remove(rig.e, rig.now, 1, true);
	ck_assert(bfd_is_empty(rig.e));
	bfdrig_free(&rig);
}
END_TEST

START_TEST(farewell_is_short)
{
	struct bfd_pkt p;

	reach(BFD_UP);
	p = up_pkt();
	p.rx_us = 60 * S;
	bfdrig_input(&rig, &p);
	bfd_stop(rig.e, rig.now);
	bfdrig_pass(&rig, 4999 * MS);
	ck_assert(!bfd_is_empty(rig.e));
	bfdrig_pass(&rig, 1 * MS);
	ck_assert(bfd_is_empty(rig.e));
	bfdrig_free(&rig);
	reach(BFD_DOWN); /* nobody to say it to */
	bfd_stop(rig.e, rig.now);
	ck_assert(bfd_is_empty(rig.e));
	bfdrig_free(&rig);
}
END_TEST

START_TEST(removed_without_a_word)
{
	reach(BFD_UP);
	rig.now = bfd_deadline(rig.e);
	bfd_session_remove(rig.e, rig.now, 1, false);
	ck_assert(bfd_is_empty(rig.e) && !bfdrig_output(&rig));
	bfdrig_free(&rig);
}
END_TEST

/* A session that is on its way out and wanted again comes back, as a new one would. */
START_TEST(wanted_again_while_leaving)
{
	struct bfd_event ev;

	reach(BFD_UP);
	forget_events();
	bfd_session_remove(rig.e, rig.now, 1, true);
	bfdrig_drain(&rig);
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	ck_assert(!next_event(&ev));
	ck_assert(bfdrig_output(&rig) && rig.sent.state == BFD_DOWN);
	bfdrig_pass(&rig, 10 * S);
	ck_assert_uint_eq(bfd_count(rig.e), 1);
	bfdrig_up(&rig);
	bfdrig_free(&rig);
}
END_TEST

/* The agent may number its sessions anew without touching them. */
START_TEST(other_id_same_session)
{
	struct bfd_conf other = bfdrig_conf();
	struct bfd_view v;

	reach(BFD_UP);
	other.key.remote = ad("10.0.0.3");
	ck_assert(bfd_session_set(rig.e, rig.now, 2, &other));
	ck_assert(bfd_session_set(rig.e, rig.now, 2, &rig.conf)); /* takes the id over */
	ck_assert_uint_eq(bfd_count(rig.e), 1);
	ck_assert(!bfd_view(rig.e, 1, &v));
	ck_assert(bfd_view(rig.e, 2, &v) && v.state == BFD_UP);
	ck_assert(bfd_session_set(rig.e, rig.now, 2, &other)); /* an id with new addresses */
	ck_assert_uint_eq(bfd_count(rig.e), 1);
	ck_assert(bfd_view(rig.e, 2, &v) && v.state == BFD_DOWN);
	bfdrig_free(&rig);
}
END_TEST

/* A new agent names what it wants; what only the former one wanted goes. */
START_TEST(whole_configuration)
{
	struct bfd_conf other = bfdrig_conf();
	struct bfd_view v;

	reach(BFD_UP);
	other.key.remote = ad("10.0.0.3");
	ck_assert(bfd_session_set(rig.e, rig.now, 2, &other));
	bfd_sweep(rig.e, rig.now);
	ck_assert_uint_eq(bfd_count(rig.e), 2);
	bfd_mark(rig.e);
	ck_assert(bfd_session_set(rig.e, rig.now, 7, &other));
	bfd_sweep(rig.e, rig.now);
	ck_assert(bfd_view(rig.e, 7, &v) && !bfd_view(rig.e, 1, &v));
	ck_assert(bfdrig_output(&rig) && rig.sent.state == BFD_ADMIN_DOWN);
	ck_assert(bfdrig_output(&rig) && rig.sent.state == BFD_DOWN);
	bfdrig_pass(&rig, 1 * S);
	ck_assert_uint_eq(bfd_count(rig.e), 1);
	bfdrig_free(&rig);
}
END_TEST

START_TEST(path_known_to_be_dead)
{
	struct bfd_event ev;

	reach(BFD_UP);
	forget_events();
	bfd_path_down(rig.e, rig.now, 1);
	ck_assert(next_event(&ev));
	ck_assert(ev.was == BFD_UP && ev.state == BFD_DOWN && ev.diag == BFD_DIAG_PATH_DOWN);
	bfd_path_down(rig.e, rig.now, 1);
	bfd_path_down(rig.e, rig.now, 77);
	ck_assert(!next_event(&ev));
	bfdrig_free(&rig);
}
END_TEST

/* Configurations that are refused. */
static const struct invalid_case {
	const char *remote, *local;
	uint32_t ifindex, rx_us;
	uint8_t mult, key_len;
	bool multihop;
} invalid_cases[] = {
	{ NULL, "10.0.0.1", 0, 1, 3, 0, false },
	{ "0.0.0.0", "10.0.0.1", 0, 1, 3, 0, false },
	{ "224.0.0.1", "10.0.0.1", 0, 1, 3, 0, false },
	{ "fd00::2", "10.0.0.1", 0, 1, 3, 0, false },
	{ "10.0.0.2", "10.0.0.1", 7, 1, 3, 0, true },
	{ "fe80::2%7", "fe80::1%7", 0, 1, 3, 0, false },
	{ "10.0.0.2", "10.0.0.1", 0, 0, 3, 0, false },
	{ "10.0.0.2", "10.0.0.1", 0, 1, 0, 0, false },
	{ "10.0.0.2", "10.0.0.1", 0, 1, 3, 21, false },
};

START_TEST(invalid_configuration)
{
	const struct invalid_case *c = &invalid_cases[_i];
	struct bfd_conf conf = bfdrig_conf();

	conf.key = (struct bfd_key){ ad(c->remote), ad(c->local), c->ifindex, c->multihop };
	conf.rx_us = c->rx_us;
	conf.detect_mult = c->mult;
	conf.auth.type = c->key_len ? BFD_AUTH_SHA1 : BFD_AUTH_NONE;
	conf.auth.key_len = c->key_len;
	bfdrig_init_empty(&rig, NULL, NULL, 0);
	ck_assert_ptr_nonnull(bfd_conf_valid(&conf));
	ck_assert(!bfd_session_set(rig.e, rig.now, 1, &conf));
	ck_assert(bfd_is_empty(rig.e));
	bfdrig_free(&rig);
}
END_TEST

/* Many events at once are all kept, in order. */
START_TEST(events_in_order)
{
	struct bfd_event ev;

	bfdrig_init_empty(&rig, NULL, NULL, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		struct bfd_conf conf = bfdrig_conf();
		struct bfd_pkt p = bfdrig_pkt(BFD_DOWN, 0);

		conf.key.remote = ip_addr_from_v4(0x0a010000 + i);
		ck_assert(bfd_session_set(rig.e, rig.now, i, &conf));
		rig.meta.src = conf.key.remote;
		ck_assert_uint_eq(bfdrig_input(&rig, &p), BFD_RX_OK);
		if (i % 3 == 0)
			ck_assert(next_event(&ev) && ev.id == i / 3);
	}
	for (uint32_t i = 334; i < 1000; i++)
		ck_assert(next_event(&ev) && ev.id == i && ev.state == BFD_INIT);
	ck_assert(!next_event(&ev));
	bfdrig_free(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bfd_session");
	TCase *tc = unit_case(s, "states and packets");

	tcase_add_loop_test(tc, every_state_and_received_state, 0, BFD_NSTATES * BFD_NSTATES);
	tcase_add_test(tc, diagnostic_stays_until_up);
	tcase_add_test(tc, first_packet);
	tcase_add_test(tc, slow_while_not_up);
	tcase_add_loop_test(tc, jitter, 0, NROWS(jitter_cases));
	tcase_add_test(tc, interval_is_the_greater);
	tcase_add_test(tc, shorter_interval_at_once);
	tcase_add_test(tc, no_packets_for_receive_interval_0);
	tcase_add_test(tc, peer_in_demand_mode);
	tcase_add_test(tc, passive_role);
	tc = unit_case(s, "Detection Time");
	tcase_add_loop_test(tc, detection_time, 0, NROWS(detect_cases));
	tcase_add_test(tc, expiry_in_init_and_down);
	tcase_add_test(tc, refused_packets_do_not_count);
	tcase_add_test(tc, late_process_reads_first);
	tc = unit_case(s, "Poll Sequences");
	tcase_add_test(tc, poll_is_answered);
	tcase_add_test(tc, poll_after_up);
	tcase_add_test(tc, poll_from_both_sides);
	tcase_add_loop_test(tc, timers_changed_while_up, 0, NROWS(change_cases));
	tcase_add_test(tc, second_change_during_a_poll);
	tcase_add_test(tc, second_change_with_demand);
	tcase_add_test(tc, same_configuration_again);
	tcase_add_test(tc, no_poll_without_a_peer);
	tcase_add_test(tc, multiplier_changed);
	tc = unit_case(s, "administration");
	tcase_add_test(tc, held_down_and_let_go);
	tcase_add_test(tc, farewell);
	tcase_add_test(tc, heard_is_preserved);
	tcase_add_test(tc, unheard_is_not_preserved);
	tcase_add_test(tc, farewell_is_short);
	tcase_add_test(tc, removed_without_a_word);
	tcase_add_test(tc, wanted_again_while_leaving);
	tcase_add_test(tc, other_id_same_session);
	tcase_add_test(tc, whole_configuration);
	tcase_add_test(tc, path_known_to_be_dead);
	tcase_add_loop_test(tc, invalid_configuration, 0, NROWS(invalid_cases));
	tcase_add_test(tc, events_in_order);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}
