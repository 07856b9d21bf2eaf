/*
 * Connections of bgpd's shell against a peer that reads when this test wants it to: real
 * sockets, and a speaker that is played here and never runs out of messages to say.
 */
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bgpd/bgpd.h"
#include "lib/clock.h"
#include "tests/unit/unit.h"

#define DEADLINE_MS   8000
#define CONN	      7
#define MESSAGE	      1000 /* octets of a message of the speaker's */
#define KEPT_MAX      8192 /* what a connection may keep of its output: a piece, not a buffer */
#define WANTED_AGAIN  5000
#define MANY	      (1 << 30)

static struct bgpd b;
static int ours, theirs; /* the two ends; ours is b's */

/* The speaker. */
static struct {
	size_t left;	/* octets it would still say */
	size_t said;	/* octets said, so the next one's value */
	unsigned pulls;
	bool blocked;
	unsigned times_blocked, closed;
	int err;
} sp;

/* ---- the speaker that io.c asks ------------------------------------------------------- */

size_t
speaker_conn_input(struct speaker *s, struct mono_us now, conn_id conn, const uint8_t *in, size_t len)
{
	return len;
}

void
speaker_conn_closed(struct speaker *s, struct mono_us now, conn_id conn, int err)
{
	sp.closed++;
	sp.err = err;
}

/* Whole messages, none of them begun when there are `want` octets. */
size_t
speaker_conn_output(struct speaker *s, struct mono_us now, conn_id conn, uint8_t *buf, size_t cap,
    size_t want)
{
	size_t n = 0, k;

	ck_assert_uint_ge(cap, SPEAKER_OUT_EXT);
	ck_assert_uint_gt(want, 0); /* to be asked for nothing is not to be asked */
	for (; n < want && sp.left > 0 && cap - n >= MESSAGE; n += k)
		for (k = 0; k < MESSAGE && sp.left > 0; k++, sp.left--)
			buf[n + k] = (uint8_t)(sp.said++ % 251);
	sp.pulls++;
	return n;
}

bool
speaker_conn_pending(const struct speaker *s, conn_id conn)
{
	return sp.left > 0;
}

void
speaker_conn_blocked(struct speaker *s, struct mono_us now, conn_id conn, struct mono_us since)
{
	sp.blocked = !mono_is_never(since);
	sp.times_blocked += sp.blocked;
}

uint32_t
speaker_conn_peer(const struct speaker *s, conn_id conn)
{
	return 1;
}

void
chan_send_fd(struct bgpd *bgpd, enum ipc_chan which, const struct ipc_msg *m, int fd)
{
	ck_abort_msg("nothing is lent here");
}

/* ---- the two ends ---------------------------------------------------------------------- */

static void
connect_both(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	ours = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(l, 1), 0);
	ck_assert_int_eq(getsockname(l, (struct sockaddr *)&a, &len), 0);
	ck_assert_int_eq(connect(ours, (struct sockaddr *)&a, sizeof(a)), 0);
	theirs = accept(l, NULL, NULL);
	ck_assert_int_ge(theirs, 0);
	close(l);
}

static void
setup(void)
{
	static const uint64_t key[2] = { 1, 2 };

	memset(&b, 0, sizeof(b));
	memset(&sp, 0, sizeof(sp));
	b.base = event_base_new();
	b.scratch = malloc(BGPD_SCRATCH);
	hmap_init(&b.conns, key);
	io_init(&b);
	connect_both();
	io_add(&b, CONN, ours);
}

static void
teardown(void)
{
	io_abort(&b, CONN);
	hmap_free(&b.conns);
	event_base_free(b.base);
	free(b.scratch);
	if (theirs >= 0)
		close(theirs);
}

/* One turn of bgpd's loop. */
static void
turn(void)
{
	event_base_loop(b.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	io_write(&b);
}

/* Turns, until the socket takes no more. */
static void
write_until_full(void)
{
	struct mono_us end = mono_add_ms(clock_mono(), DEADLINE_MS);

	while (!sp.blocked) {
		ck_assert(mono_before(clock_mono(), end));
		turn();
	}
	ck_assert(list_is_empty(&b.wanting));
}

/* Read what comes after the first `before` octets, each as it was said; how many. */
static size_t
read_some(size_t before)
{
	static uint8_t buf[65536];
	ssize_t n = recv(theirs, buf, sizeof(buf), MSG_DONTWAIT), k;
	bool same = true;

	if (n < 0)
		ck_assert_int_eq(errno, EAGAIN);
	for (k = 0; k < n; k++)
		same &= buf[k] == (before + (size_t)k) % 251;
	ck_assert(same);
	return n < 0 ? 0 : (size_t)n;
}

/* Read all that is in the sockets. */
static size_t
read_all(size_t before)
{
	struct mono_us end = mono_add_ms(clock_mono(), DEADLINE_MS);
	int unsent, unread;
	size_t n = 0;

	do {
		ck_assert(mono_before(clock_mono(), end));
		n += read_some(before + n);
		ck_assert_int_eq(ioctl(ours, TIOCOUTQ, &unsent), 0);
		ck_assert_int_eq(ioctl(theirs, FIONREAD, &unread), 0);
		if (unsent > 0 && unread == 0)
			poll(&(struct pollfd){ .fd = theirs, .events = POLLIN }, 1, 1);
	} while (unsent > 0 || unread > 0);
	return n;
}

/* ---- output ------------------------------------------------------------------------------ */

static const int sndbuf[] = { 0, 2048, 8000, 40000, 300000 }; /* 0: as the system makes it */

/* The speaker is asked for what the socket takes, so that next to nothing has to be kept. */
START_TEST(a_slow_reader_has_nothing_kept)
{
	size_t got = 0;

	if (sndbuf[_i] > 0)
		setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &sndbuf[_i], sizeof(int));
	sp.left = MANY;
	io_want_write(&b, CONN);
	for (unsigned round = 0; round < 20; round++) {
		write_until_full();
		got += round % 2 ? read_some(got) : read_all(got);
		if (round % 2)
			continue; /* a bit: the socket may still be full */
		ck_assert_uint_le(sp.said - got, KEPT_MAX);
		sp.blocked = false;
	}
	ck_assert_uint_gt(sp.said / sp.pulls, MESSAGE); /* nor in small pieces */
}
END_TEST

/* Only whoever has something to say is held up by a full socket, and says so. */
START_TEST(full_and_nothing_to_say)
{
	size_t got;

	sp.left = MANY;
	io_want_write(&b, CONN);
	write_until_full();
	ck_assert_uint_eq(sp.times_blocked, 1);
	sp.left = 0;
	got = read_all(0);
	while (sp.blocked)
		turn();
	got += read_all(got);
	ck_assert_uint_eq(got, sp.said);

	sp.left = WANTED_AGAIN;
	io_want_write(&b, CONN);
	turn();
	ck_assert_uint_eq(sp.left, 0);
	ck_assert_uint_eq(read_all(got), WANTED_AGAIN);
	ck_assert_uint_eq(sp.times_blocked, 1);
}
END_TEST

/*
 * A message at a time, of which the last just goes in: whoever has nothing to say now is asked
 * all the same, as what rests for a moment is not looked at again else.
 */
START_TEST(asked_even_when_full)
{
	unsigned k, pulls;

	for (k = 0; k < MANY / MESSAGE && !sp.blocked; k++) {
		pulls = sp.pulls;
		sp.left = MESSAGE;
		io_want_write(&b, CONN);
		turn();
		ck_assert(sp.blocked || sp.pulls >= pulls + 2);
	}
	ck_assert(sp.blocked);
}
END_TEST

/* Having nothing to say a full socket blocks nobody: the send hold timer (RFC 9687) rests. */
START_TEST(silence_is_not_blocked)
{
	sp.left = MANY;
	io_want_write(&b, CONN);
	write_until_full();
	read_all(0);
	sp.blocked = false;
	sp.left = 0;
	for (unsigned k = 0; k < 10; k++)
		turn();
	io_want_write(&b, CONN);
	turn();
	ck_assert(!sp.blocked);
	ck_assert(list_is_empty(&b.wanting));
}
END_TEST

/* A reader that is gone ends the connection, full or not. */
START_TEST(a_full_connection_ends)
{
	struct mono_us end = mono_add_ms(clock_mono(), DEADLINE_MS);

	sp.left = MANY;
	io_want_write(&b, CONN);
	write_until_full();
	close(theirs);
	theirs = -1;
	while (!sp.closed) {
		ck_assert(mono_before(clock_mono(), end));
		turn();
	}
	ck_assert_int_ne(sp.err, 0);
	ck_assert_uint_eq(sp.closed, 1);
	ck_assert(list_is_empty(&b.wanting));
}
END_TEST

/* What is left when the speaker closes is said to its end, then FIN. */
START_TEST(the_last_octets_are_sent)
{
	struct mono_us end = mono_add_ms(clock_mono(), DEADLINE_MS);
	size_t got = 0;

	sp.left = MANY;
	io_want_write(&b, CONN);
	write_until_full();
	sp.left = WANTED_AGAIN;
	io_close(&b, CONN);
	while (!sp.closed) {
		ck_assert(mono_before(clock_mono(), end));
		got += read_some(got);
		turn();
	}
	got += read_all(got);
	ck_assert_uint_eq(got, sp.said);
	ck_assert_uint_eq(sp.left, 0);
	ck_assert_int_eq(recv(theirs, &got, 1, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("io");
	TCase *t = unit_case(s, "output");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_slow_reader_has_nothing_kept, 0, NROWS(sndbuf));
	tcase_add_test(t, full_and_nothing_to_say);
	tcase_add_test(t, asked_even_when_full);
	tcase_add_test(t, silence_is_not_blocked);
	tcase_add_test(t, a_full_connection_ends);
	tcase_add_test(t, the_last_octets_are_sent);
	return unit_run(s);
}
