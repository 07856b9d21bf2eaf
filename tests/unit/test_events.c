/*
 * The event table: order, bounds, what followers see, and the log line of each event.
 */
#include <stdio.h>

#include "agent/events.h"
#include "lib/logmain.h"
#include "tests/unit/fake_agent.h"
#include "tests/unit/unit.h"

static char logged[LOG_LINE_MAX + 1];

static void
catch_line(void *ctx, enum log_level level, const char *line, size_t len)
{
	memcpy(logged, line, len + 1);
}

static void
setup(void)
{
	log_main.sink = catch_line;
	log_main.stamp = NULL;
	log_main.proc = NULL;
	log_main.level = LOG_DEBUG;
	log_main.json = false;
	logged[0] = '\0';
}

static void
add(struct events *ev, const char *name, const char *peer, const char *text)
{
	struct ipc_event e = { .level = IPC_LVL_INFO, .peer = *peer ? 7 : 0 };

	snprintf(e.name, sizeof(e.name), "%s", name);
	snprintf(e.text, sizeof(e.text), "%s", text);
	events_add(ev, "bgpd", &e, peer);
}

START_TEST(rows_come_back)
{
	struct events *ev = events_new(10);
	struct event_row row;

	ck_assert(!events_next(ev, 0, &row));
	ck_assert_uint_eq(events_last(ev), 0);
	add(ev, "peer-up", "tor1", "as=65000");
	events_addf(ev, IPC_LVL_WARN, "metrics-down", "address=%s why=\"%s\"", "127.0.0.1:1", "x y");
	ck_assert(events_next(ev, 0, &row));
	ck_assert_uint_eq(row.seq, 1);
	ck_assert_str_eq(row.who, "bgpd");
	ck_assert_str_eq(row.name, "peer-up");
	ck_assert_str_eq(row.peer_name, "tor1");
	ck_assert_str_eq(row.text, "as=65000");
	ck_assert_uint_eq(row.peer, 7);
	ck_assert_uint_eq(row.level, IPC_LVL_INFO);
	ck_assert_uint_eq(row.at.us, agent_now().us);
	ck_assert_int_gt(row.wall_us, 1600000000000000);
	ck_assert(events_next(ev, 1, &row));
	ck_assert_str_eq(row.who, "agent");
	ck_assert_str_eq(row.text, "address=127.0.0.1:1 why=\"x y\"");
	ck_assert_str_eq(row.peer_name, "");
	ck_assert(!events_next(ev, 2, &row));
	ck_assert(!events_next(ev, UINT64_MAX, &row));
	events_free(ev);
}
END_TEST

START_TEST(oldest_make_room)
{
	struct events *ev = events_new(4);
	struct event_row row;
	char text[16];
	uint64_t at = 0;

	for (int i = 1; i <= 11; i++) {
		snprintf(text, sizeof(text), "n=%d", i);
		add(ev, "e", "", text);
	}
	for (uint64_t want = 8; want <= 11; want++, at = row.seq) {
		ck_assert(events_next(ev, at, &row));
		ck_assert_uint_eq(row.seq, want);
		snprintf(text, sizeof(text), "n=%d", (int)want);
		ck_assert_str_eq(row.text, text);
	}
	ck_assert(!events_next(ev, at, &row));
	ck_assert_uint_eq(events_last(ev), 11);
	events_free(ev);
}
END_TEST

/* However large the capacity: octets are bounded, and the newest rows are there. */
START_TEST(octets_are_bounded)
{
	struct events *ev = events_new(1000000);
	struct event_row row = { .name = "long" };
	uint64_t n = 0, at = 0;

	memset(row.text, 'x', sizeof(row.text) - 1);
	for (int i = 0; i < 5000; i++)
		events_add_row(ev, &row);
	for (; events_next(ev, at, &row); at = row.seq)
		n++;
	ck_assert_uint_eq(at, 5000);
	ck_assert_uint_gt(n, EVENTS_OCTETS_MAX / 400);
	ck_assert_uint_lt(n, EVENTS_OCTETS_MAX / sizeof(row.text));
	events_free(ev);
}
END_TEST

static unsigned woken;

static void
wake(void *ctx)
{
	woken += *(unsigned *)ctx;
}

START_TEST(followers_wake)
{
	struct events *ev = events_new(4);
	unsigned step = 2;

	add(ev, "e", "", "");
	events_set_notify(ev, wake, &step);
	add(ev, "e", "", "");
	add(ev, "e", "", "");
	events_set_notify(ev, NULL, NULL);
	add(ev, "e", "", "");
	ck_assert_uint_eq(woken, 4);
	events_free(ev);
}
END_TEST

/* Texts of key=value words become fields; everything else is one; nothing escapes from its value. */
static const struct {
	const char *peer, *text, *line;
} logs[] = {
	{ "tor1", "as=65000 hold=9", "info ev peer=tor1 as=65000 hold=9" },
	{ "", "why=\"a b\" n=1", "info ev why=\"a b\" n=1" },
	{ "", "peer=x a=b", "info ev peer=x a=b" },
	{ "tor1", "", "info ev peer=tor1" },
	{ "", "", "info ev" },
	{ "tor1", "just prose, 100% of it", "info ev peer=tor1 why=\"just prose, 100% of it\"" },
	{ "", "why=\"he said \\\"hi\\\"\"", "info ev why=\"he said \\\"hi\\\"\"" },
	{ "", "a=1 %s=%n", "info ev why=\"a=1 %s=%n\"" },
	{ "", "a=%s%n b=\"%d\"", "info ev a=%s%n b=%d" },
	{ "", "a=\"open b=1", "info ev why=\"a=\\\"open b=1\"" },
	{ "", "a=x\ny=1", "info ev a=\"x\\ny=1\"" },
	{ "", "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12",
	    "info ev a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12" },
	{ "", "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12 m=13",
	    "info ev why=\"a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 l=12 m=13\"" },
	{ "evil peer=x", "a=1", "info ev peer=\"evil peer=x\" a=1" },
};

START_TEST(each_is_logged)
{
	struct events *ev = events_new(4);

	add(ev, "ev", logs[_i].peer, logs[_i].text);
	ck_assert_str_eq(logged, logs[_i].line);
	events_free(ev);
}
END_TEST

/* Events of bgpd are of any length and level: nothing is read beyond the arrays. */
START_TEST(full_texts_fit)
{
	struct events *ev = events_new(4);
	struct ipc_event e = { .level = 200 };
	struct event_row row;

	memset(e.name, 'n', sizeof(e.name) - 1);
	memset(e.text, '=', sizeof(e.text) - 1);
	events_add(ev, "a-very-long-speaker-name", &e, NULL);
	ck_assert(events_next(ev, 0, &row));
	ck_assert_uint_eq(row.level, IPC_LVL_DEBUG);
	ck_assert_uint_eq(strlen(row.name), sizeof(e.name) - 1);
	ck_assert_uint_eq(strlen(row.text), sizeof(e.text) - 1);
	ck_assert_str_eq(row.who, "a-very-long-spe");
	events_free(ev);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("events");
	TCase *t = unit_case(s, "table");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, rows_come_back);
	tcase_add_test(t, oldest_make_room);
	tcase_add_test(t, octets_are_bounded);
	tcase_add_test(t, followers_wake);
	tcase_add_loop_test(t, each_is_logged, 0, NROWS(logs));
	tcase_add_test(t, full_texts_fit);
	return unit_run(s);
}
