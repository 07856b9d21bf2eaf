/*
 * BFD sessions that outlive the process: what a new engine makes of the slots of an old one.
 */
#include "bfdd/core/saved.h"
#include "tests/unit/bfdrig.h"
#include "tests/unit/unit.h"

#define NSLOTS 4

static struct bfdrig rig;
static struct bfd_saved slots[NSLOTS];

static void
begin(const struct bfd_conf *conf)
{
	memset(slots, 0, sizeof(slots));
	bfdrig_init(&rig, conf, slots, NSLOTS);
}

/* The process dies, and a new one takes over `us` later; how many sessions are Up. */
static size_t
restart(uint64_t us)
{
	bfd_engine_free(rig.e); /* without a word */
	rig.e = bfd_engine_new(&bfdrig_ops, 4711, slots, NSLOTS);
	rig.now = mono_add_us(rig.now, us);
	return bfd_resume(rig.e, SIZE_MAX, rig.now);
}

/* Every packet that comes out for a while says Up; the session stays up. */
static void
stays_up(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		ck_assert_uint_eq(bfdrig_say(&rig, BFD_UP), BFD_RX_OK);
		while (bfdrig_output(&rig))
			ck_assert_uint_eq(rig.sent.state, BFD_UP);
		rig.now = mono_add_us(rig.now, 50 * MS);
	}
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_UP);
}

START_TEST(session_goes_on)
{
	struct bfd_view was, is;
	struct bfd_event ev;

	begin(NULL);
	bfdrig_up(&rig);
	bfdrig_pass(&rig, 50 * MS);
	was = bfdrig_view(&rig);
	ck_assert_uint_eq(restart(100 * MS), 1);
	is = bfdrig_view(&rig);
	ck_assert_uint_eq(is.state, BFD_UP);
	ck_assert(is.resumed && !is.leaving);
	ck_assert_uint_eq(is.discr, was.discr);
	ck_assert_uint_eq(is.remote_discr, was.remote_discr);
	ck_assert_uint_eq(is.tx_us, was.tx_us);
	ck_assert_uint_eq(is.detect_us, was.detect_us);
	ck_assert_uint_eq(is.since.us, was.since.us);
	ck_assert_uint_eq(is.n.ups, 1);
	ck_assert_uint_eq(is.remote_mult, 3);
	ck_assert(!bfd_event_next(rig.e, &ev));
	ck_assert(bfdrig_output(&rig)); /* at once */
	ck_assert(rig.sent.state == BFD_UP && !rig.sent.poll);
	ck_assert_uint_eq(rig.sent.my_discr, was.discr);
	ck_assert_uint_eq(rig.sent.your_discr, was.remote_discr);
	ck_assert_uint_eq(rig.sent.tx_us, 100 * MS);
	stays_up(20);
	bfdrig_free(&rig);
}
END_TEST

/* However long it took: a whole Detection Time from now on, and only then Down. */
START_TEST(fresh_detection_time)
{
	begin(NULL);
	bfdrig_up(&rig);
	ck_assert_uint_eq(restart(10 * S), 1);
	bfdrig_pass(&rig, 299 * MS);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_UP);
	bfdrig_pass(&rig, 1 * MS);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_DOWN);
	ck_assert(!bfdrig_view(&rig).resumed);
	ck_assert_uint_eq(restart(0), 0);
	ck_assert_uint_eq(bfdrig_view(&rig).state, BFD_DOWN);
	ck_assert_uint_eq(bfdrig_view(&rig).last_down_diag, BFD_DIAG_EXPIRED);
	ck_assert_uint_eq(bfdrig_view(&rig).n.downs, 1);
	bfdrig_up(&rig);
	bfdrig_free(&rig);
}
END_TEST

/* What the agent then configures is the session that is there; what it does not goes. */
START_TEST(configuration_after_resuming)
{
	struct bfd_conf other = bfdrig_conf();
	struct bfd_view v;

	begin(NULL);
	bfdrig_up(&rig);
	other.key.remote = ad("10.0.0.3");
	ck_assert(bfd_session_set(rig.e, rig.now, 2, &other));
	ck_assert_uint_eq(restart(50 * MS), 1);
	ck_assert_uint_eq(bfd_count(rig.e), 2);
	ck_assert(bfd_session_set(rig.e, rig.now, 8, &rig.conf));
	bfd_sweep(rig.e, rig.now);
	ck_assert(bfd_view(rig.e, 8, &v));
	ck_assert(v.state == BFD_UP && v.resumed);
	ck_assert_uint_eq(bfd_count(rig.e), 1);
	ck_assert_uint_eq(restart(50 * MS), 1); /* under the new id */
	ck_assert(bfd_view(rig.e, 8, &v) && v.state == BFD_UP);
	bfd_sweep(rig.e, rig.now);
	ck_assert(bfd_view_next(rig.e, (const void *[]){ NULL }, &v) && v.leaving);
	ck_assert_uint_eq(restart(0), 0);
	ck_assert(bfd_is_empty(rig.e));
	bfdrig_free(&rig);
}
END_TEST

/* Intervals in the middle of being changed: the change goes on. */
START_TEST(poll_goes_on)
{
	struct bfd_pkt p;

	begin(NULL);
	bfdrig_up(&rig);
	rig.conf.tx_us = 500 * MS;
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	bfdrig_drain(&rig);
	ck_assert_uint_eq(restart(50 * MS), 1);
	ck_assert_uint_eq(bfdrig_view(&rig).tx_us, 100 * MS);
	ck_assert(bfdrig_output(&rig));
	ck_assert(rig.sent.poll && rig.sent.tx_us == 500 * MS);
	p = bfdrig_pkt(BFD_UP, bfdrig_view(&rig).discr);
	p.final = true;
	bfdrig_input(&rig, &p);
	ck_assert_uint_eq(bfdrig_view(&rig).tx_us, 500 * MS);
	ck_assert_uint_eq(restart(50 * MS), 1);
	ck_assert(!bfdrig_view(&rig).polling);
	ck_assert_uint_eq(bfdrig_view(&rig).tx_us, 500 * MS);
	bfdrig_free(&rig);
}
END_TEST

/*
 * A peer that checks numbers takes the packets of the new process; those of the peer are
 * taken, too, though some were missed, and none twice.
 */
START_TEST(numbers_go_on)
{
	struct bfd_conf conf = bfdrig_conf();
	struct bfd_auth_rx peer = { 0 };

	conf.auth = bfdrig_auth(_i ? BFD_AUTH_METICULOUS_SHA1 : BFD_AUTH_SHA1, 1, "key");
	begin(&conf);
	bfdrig_up(&rig);
	for (unsigned i = 0; i < 20; i++) {
		stays_up(3);
		rig.now = bfd_deadline(rig.e);
		ck_assert(bfdrig_output(&rig));
		ck_assert_uint_eq(
		    bfd_auth_check(&conf.auth, &bfdrig_ops, &rig.sent, rig.out.octets, &peer),
		    BFD_RX_OK);
		ck_assert_uint_eq(restart(100 * MS), 1);
		ck_assert(bfdrig_output(&rig));
		ck_assert_uint_eq(
		    bfd_auth_check(&conf.auth, &bfdrig_ops, &rig.sent, rig.out.octets, &peer),
		    BFD_RX_OK);
		rig.peer_seq--;
		ck_assert_uint_eq(bfdrig_say(&rig, BFD_UP), _i ? BFD_RX_AUTH_SEQUENCE : BFD_RX_OK);
		rig.peer_seq += 3;
	}
	bfdrig_free(&rig);
}
END_TEST

/* Whatever octet the write of a packet's number got to: the next number is a new one. */
START_TEST(killed_while_writing)
{
	struct bfd_conf conf = bfdrig_conf();
	struct bfd_saved before, after;
	struct bfd_auth_rx peer = { 0 };

	conf.auth = bfdrig_auth(BFD_AUTH_METICULOUS_SHA1, 1, "key");
	begin(&conf);
	bfdrig_up(&rig);
	bfdrig_say(&rig, BFD_UP);
	rig.now = bfd_deadline(rig.e);
	before = slots[0];
	ck_assert(bfdrig_output(&rig));
	after = slots[0];
	ck_assert_uint_eq(
	    bfd_auth_check(&conf.auth, &bfdrig_ops, &rig.sent, rig.out.octets, &peer), BFD_RX_OK);
	for (size_t cut = 0; cut <= sizeof(after); cut++) {
		struct bfd_auth_rx rx = peer;

		memcpy(slots[0].octets, after.octets, cut);
		memcpy(slots[0].octets + cut, before.octets + cut, sizeof(after) - cut);
		ck_assert_uint_eq(restart(0), 1);
		ck_assert(bfdrig_output(&rig));
		ck_assert_uint_eq(rig.sent.state, BFD_UP);
		ck_assert_uint_eq(
		    bfd_auth_check(&conf.auth, &bfdrig_ops, &rig.sent, rig.out.octets, &rx),
		    BFD_RX_OK);
	}
	bfdrig_free(&rig);
}
END_TEST

/* One copy damaged: the other one serves. Both: an empty slot. */
START_TEST(damaged_copies)
{
	struct bfd_record r;
	struct bfd_saved good;
	uint64_t generation;

	begin(NULL);
	bfdrig_up(&rig);
	good = slots[0];
	for (size_t at = 0; at < BFD_SAVED_OCTETS / 2; at++) {
		slots[0] = good;
		slots[0].octets[at] ^= 0x10;
		ck_assert(bfd_saved_read(&slots[0], &r, &generation));
		slots[0].octets[at + BFD_SAVED_OCTETS / 2] ^= 0x10;
		ck_assert(!bfd_saved_read(&slots[0], &r, &generation));
	}
	ck_assert_uint_eq(restart(0), 0);
	ck_assert(bfd_is_empty(rig.e));
	bfdrig_free(&rig);
}
END_TEST

/* Whole copies, but with values that no session has; what is changed in a good record. */
static void
no_peer(struct bfd_record *r)
{
	r->remote.mult = 0;
}

static void
no_remote_discr(struct bfd_record *r)
{
	r->remote.discr = 0;
}

static void
no_discr(struct bfd_record *r)
{
	r->discr = 0;
}

static void
no_interval(struct bfd_record *r)
{
	r->used.rx_us = 0;
}

static void
no_transmit_interval(struct bfd_record *r)
{
	r->used.tx_us = 0;
}

static void
no_address(struct bfd_record *r)
{
	r->conf.key.remote.af = IP_NONE;
}

static void
no_family(struct bfd_record *r)
{
	r->conf.key.remote.af = 3;
}

static void
no_state(struct bfd_record *r)
{
	r->state = 4;
}

static void
no_poll(struct bfd_record *r)
{
	r->poll = 77;
}

static void
no_auth(struct bfd_record *r)
{
	r->conf.auth.type = 9;
}

static void
long_key(struct bfd_record *r)
{
	r->conf.auth = (struct bfd_auth){ .type = BFD_AUTH_SHA1, .key_len = 21 };
}

static void (*const impossible[])(struct bfd_record *) = { no_peer, no_remote_discr, no_discr,
	no_interval, no_transmit_interval, no_address, no_family, no_state, no_poll, no_auth,
	long_key };

START_TEST(impossible_values)
{
	struct bfd_place place = { .slot = &slots[1] };
	struct bfd_record r, back;
	uint64_t generation;

	begin(NULL);
	bfdrig_up(&rig);
	ck_assert(bfd_saved_read(&slots[0], &r, &generation));
	impossible[_i](&r);
	bfd_saved_write(&place, &r);
	ck_assert(!bfd_saved_read(&slots[1], &back, &generation));
	ck_assert_uint_eq(restart(0), 1);
	for (size_t i = 0; i < sizeof(slots[1].octets); i++)
		ck_assert_uint_eq(slots[1].octets[i], 0);
	bfdrig_free(&rig);
}
END_TEST

/* Two slots cannot be one session: the same id, discriminator or addresses. */
START_TEST(copied_slot)
{
	struct bfd_place place = { .slot = &slots[2] };
	struct bfd_record r;
	uint64_t generation;

	begin(NULL);
	bfdrig_up(&rig);
	ck_assert(bfd_saved_read(&slots[0], &r, &generation));
	r.id += _i != 0;
	r.discr += _i != 1;
	if (_i != 2)
		r.conf.key.remote = ad("10.0.0.3");
	bfd_saved_write(&place, &r);
	ck_assert_uint_eq(restart(0), 1);
	ck_assert_uint_eq(bfd_count(rig.e), 1);
	bfdrig_free(&rig);
}
END_TEST

/* Whatever a packet says anew is saved with it. */
START_TEST(each_thing_the_peer_says)
{
	struct bfd_pkt p;
	struct bfd_view v;

	begin(NULL);
	bfdrig_up(&rig);
	p = bfdrig_pkt(BFD_UP, bfdrig_view(&rig).discr);
	p.mult += _i == 0;
	p.tx_us += _i == 1;
	p.rx_us += _i == 2;
	p.diag = _i == 3 ? 6 : 0;
	p.demand = _i == 4;
	p.independent = _i == 5;
	p.my_discr += _i == 6;
	if (_i == 7)
		p.state = BFD_INIT;
	ck_assert_uint_eq(bfdrig_input(&rig, &p), BFD_RX_OK);
	ck_assert_uint_eq(restart(0), 1);
	v = bfdrig_view(&rig);
	ck_assert_uint_eq(v.remote_mult, p.mult);
	ck_assert_uint_eq(v.remote_tx_us, p.tx_us);
	ck_assert_uint_eq(v.remote_rx_us, p.rx_us);
	ck_assert_uint_eq(v.remote_diag, p.diag);
	ck_assert_uint_eq(v.remote_discr, p.my_discr);
	ck_assert_uint_eq(v.remote_state, p.state);
	ck_assert(v.remote_demand == p.demand && v.remote_independent == p.independent);
	bfdrig_free(&rig);
}
END_TEST

/* More sessions than slots: the last ones are not saved; a slot that is given back is used. */
START_TEST(slots_run_out)
{
	begin(NULL);
	for (uint32_t i = 2; i <= NSLOTS + 2; i++) {
		struct bfd_conf conf = bfdrig_conf();

		conf.key.remote = ip_addr_from_v4(0x0a010000 + i);
		ck_assert(bfd_session_set(rig.e, rig.now, i, &conf));
	}
	bfd_session_remove(rig.e, rig.now, 3, false);
	rig.conf.key.remote = ad("10.9.9.9");
	ck_assert(bfd_session_set(rig.e, rig.now, 99, &rig.conf));
	restart(0);
	ck_assert_uint_eq(bfd_count(rig.e), NSLOTS);
	ck_assert(bfd_view(rig.e, 99, &(struct bfd_view){ 0 }));
	bfdrig_free(&rig);
}
END_TEST

/* A key does not stay behind in the memory. */
/* What was never written is not even read: the session there is not seen. */
START_TEST(slots_beyond_the_used_ones)
{
	begin(NULL);
	bfdrig_up(&rig);
	slots[1] = slots[0];
	memset(&slots[0], 0, sizeof(slots[0]));
	bfd_engine_free(rig.e);
	rig.e = bfd_engine_new(&bfdrig_ops, 4711, slots, NSLOTS);
	ck_assert_uint_eq(bfd_resume(rig.e, 1, rig.now), 0);
	bfd_engine_free(rig.e);
	rig.e = bfd_engine_new(&bfdrig_ops, 4711, slots, NSLOTS);
	ck_assert_uint_eq(bfd_resume(rig.e, 2, rig.now), 1);
}
END_TEST

START_TEST(removed_sessions_leave_nothing)
{
	static const struct bfd_saved empty;
	struct bfd_conf conf = bfdrig_conf();

	conf.auth = bfdrig_auth(BFD_AUTH_SHA1, 1, "key");
	begin(&conf);
	bfdrig_up(&rig);
	bfd_session_remove(rig.e, rig.now, 1, _i);
	ck_assert_mem_eq(&slots[0], &empty, sizeof(empty));
	bfdrig_pass(&rig, 10 * S);
	ck_assert_mem_eq(&slots[0], &empty, sizeof(empty));
	bfdrig_free(&rig);
}
END_TEST

/* A session wanted again while it leaves is saved again. */
START_TEST(saved_again)
{
	begin(NULL);
	bfdrig_up(&rig);
	bfd_session_remove(rig.e, rig.now, 1, true);
	ck_assert(bfd_session_set(rig.e, rig.now, 1, &rig.conf));
	bfdrig_up(&rig);
	ck_assert_uint_eq(restart(0), 1);
	bfdrig_free(&rig);
}
END_TEST

/* Held in AdminDown before and after. */
START_TEST(admin_down_stays)
{
	struct bfd_conf conf = bfdrig_conf();

	conf.admin_down = true;
	begin(&conf);
	bfdrig_drain(&rig);
	ck_assert_uint_eq(restart(0), 0);
	ck_assert(bfdrig_output(&rig) && rig.sent.state == BFD_ADMIN_DOWN);
	bfdrig_free(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bfd_saved");
	TCase *tc = unit_case(s, "all");

	tcase_add_test(tc, session_goes_on);
	tcase_add_test(tc, fresh_detection_time);
	tcase_add_test(tc, configuration_after_resuming);
	tcase_add_test(tc, poll_goes_on);
	tcase_add_loop_test(tc, numbers_go_on, 0, 2);
	tcase_add_test(tc, killed_while_writing);
	tcase_add_test(tc, damaged_copies);
	tcase_add_loop_test(tc, impossible_values, 0, NROWS(impossible));
	tcase_add_loop_test(tc, copied_slot, 0, 3);
	tcase_add_loop_test(tc, each_thing_the_peer_says, 0, 8);
	tcase_add_test(tc, slots_run_out);
	tcase_add_test(tc, slots_beyond_the_used_ones);
	tcase_add_loop_test(tc, removed_sessions_leave_nothing, 0, 2);
	tcase_add_test(tc, saved_again);
	tcase_add_test(tc, admin_down_stays);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}
