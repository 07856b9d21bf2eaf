/*
 * What a peer that is not Established shows as its reason: one sentence that
 * names who found fault with what, and stays while nothing better is known.
 */
#include <errno.h>

#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

static struct rig rig;

#define shows(text)                                                                     \
	ck_assert_msg(strstr(rig_reason(&rig), text), "want \"%s\" in \"%s\"", text, \
	    rig_reason(&rig))

static void
begin(void)
{
	rig_init(&rig, 1);
	rig_start(&rig);
}

/* The peer dials in and is gone before its OPEN. */
static void
comes_and_goes(int err)
{
	conn_id c = rig_accept(&rig);

	ck_assert_uint_ne(c, 0);
	peer_conn_closed(&rig.env, rig.now, c, err);
	rig.ntodo = 0;
}

START_TEST(closed_before_open)
{
	begin();
	comes_and_goes(_i == 0 ? 0 : ECONNRESET);
	shows("before its OPEN: it may not expect one from 10.0.0.1");
	rig_free(&rig);
}
END_TEST

static void
they_say_wrong_as(void)
{
	struct msg_open o = rig_their_open();

	o.asn = o.caps.asn = 65099;
	rig_send_open(&rig, rig_accept(&rig), &o);
}

static void
we_are_told_wrong_as(void)
{
	conn_id c = rig_accept(&rig);

	rig_send_notification(&rig, c, ERR_OPEN, OPEN_BAD_PEER_AS, NULL, 0);
}

static const struct {
	void (*happens)(void);
	const char *why;
} faults[] = {
	{ they_say_wrong_as, "we expect AS 65002, its OPEN says 65099" },
	{ we_are_told_wrong_as, "it does not expect AS 65001 here" },
};

/* Routers that wait after an error close every connection meanwhile: the error is the reason. */
START_TEST(fault_outlives_closed_connections)
{
	begin();
	faults[_i].happens();
	shows(faults[_i].why);
	for (unsigned n = 0; n < 5; n++) {
		rig_pass_us(&rig, 40000000);
		rig.ntodo = 0;
		comes_and_goes(n % 2 ? ECONNRESET : 0);
		shows(faults[_i].why);
	}
	for (unsigned n = 0; n < 20; n++, rig.ntodo = 0)
		rig_pass_us(&rig, 10000000);
	comes_and_goes(0);
	shows("before its OPEN"); /* five minutes later it is no longer that error */
	rig_free(&rig);
}
END_TEST

/* A lost session is no fault: what comes after it tells more. */
START_TEST(loss_is_no_fault)
{
	begin();
	peer_conn_closed(&rig.env, rig.now, rig_establish(&rig), ECONNRESET);
	shows("connection lost: reset by the peer");
	rig_pass_us(&rig, 1000000);
	comes_and_goes(0);
	shows("before its OPEN");
	rig_free(&rig);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reasons");
	TCase *tc = unit_case(s, "down");

	tcase_add_loop_test(tc, closed_before_open, 0, 2);
	tcase_add_loop_test(tc, fault_outlives_closed_connections, 0, NROWS(faults));
	tcase_add_test(tc, loss_is_no_fault);
	return unit_run(s);
}
