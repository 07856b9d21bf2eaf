/*
 * The turn: what the sockets brought, timers, work, then output.
 *
 * Input goes before output, and a turn takes a few milliseconds: decision and
 * walks in the speaker's slices, rows and intents by count.  Output waits
 * while input is backed up, but no longer than 50 ms.
 *
 * Before a timer acts, everything readable is read once more: a process that
 * was busy or suspended must not take a peer's waiting KEEPALIVE for silence
 * (RFC 4271 section 8.1.3, HoldTimer).
 */
#include "bgpd/bgpd.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "lib/crashpage.h"
#include "lib/logmain.h"
#include "lib/mem.h"

#define WORK_US		 2000
#define OUTPUT_WITHIN_MS 50
#define COARSE_US	 4000 /* libevent reads a coarse clock, and would wake us so much too early */

void
bgpd_stop(struct bgpd *b, int status, const char *why)
{
	if (b->stop)
		return;
	b->stop = true;
	b->status = status;
	if (status != 0)
		log_event(LOG_ERR, "channel-broken", "why=\"%s\"", why);
	event_base_loopbreak(b->base);
}

/* ---- one turn ------------------------------------------------------------------------ */

static void
turn_timers(struct bgpd *b)
{
	if (mono_reached(clock_mono(), speaker_deadline(b->sp))) {
		event_base_loop(b->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
		io_note_paused(b);
		if (!b->stop)
			speaker_timeout(b->sp, clock_mono());
	}
	io_timeout(b, clock_mono());
	sink_timeout(b, clock_mono());
}

/* Pull output unless input is backed up; true when there is more to write now. */
static bool
turn_output(struct bgpd *b, bool backlog)
{
	struct mono_us now = clock_mono();

	if (list_is_empty(&b->wanting)) {
		b->wanting_since = MONO_NEVER;
		return false;
	}
	if (mono_is_never(b->wanting_since))
		b->wanting_since = now;
	if (backlog && mono_before(now, mono_add_ms(b->wanting_since, OUTPUT_WITHIN_MS)))
		return true;
	b->wanting_since = MONO_NEVER;
	return io_write(b);
}

/* True when there is more to do before anything new happens. */
static bool
turn(struct bgpd *b)
{
	bool work, backlog, more;

	largemem_watch(&b->mem);
	speaker_wall(b->sp, clock_wall_offset());
	turn_timers(b);
	if (b->stop)
		return false;
	if (speaker_fib_urgent(b->sp)) /* the work that the same event brought comes after it */
		routes_pump(b);
	work = speaker_work(b->sp, clock_mono(), WORK_US);
	io_offer_held(b);
	control_todos(b);
	more = routes_pump(b);
	more |= query_pump(b);
	more |= sink_pump(b);
	backlog = work || b->input_full || !list_is_empty(&b->held);
	b->input_full = false;
	more |= turn_output(b, backlog);
	control_todos(b);
	return more || work || !list_is_empty(&b->held) || !list_is_empty(&b->wanting);
}

/* ---- the loop --------------------------------------------------------------------------- */

/* Wakes the loop; the turn does the rest. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
}

static void
timer_arm(struct bgpd *b)
{
	struct mono_us next = mono_min(mono_min(speaker_deadline(b->sp), io_deadline(b)), sink_deadline(b));
	uint64_t left = mono_diff_us(next, clock_mono());
	uint64_t us = left + (left > 10 * COARSE_US ? COARSE_US : 0);
	struct timeval tv = { .tv_sec = (time_t)(us / 1000000), .tv_usec = us % 1000000 };

	if (mono_is_never(next))
		event_del(b->timer);
	else
		event_add(b->timer, &tv);
}

static void
loop(struct bgpd *b)
{
	while (!b->stop) {
		bool busy = b->sp && turn(b);

		crash_page_turn(b->crash);
		if (b->stop)
			break;
		if (b->sp && !busy)
			timer_arm(b);
		if (event_base_loop(b->base, EVLOOP_ONCE | (busy ? EVLOOP_NONBLOCK : 0)) < 0)
			bgpd_stop(b, 1, "the event loop failed");
	}
}

static struct event_base *
base_new(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;

	if (cfg) {
		event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
		event_config_set_flag(cfg, EVENT_BASE_FLAG_IGNORE_ENV);
		base = event_base_new_with_config(cfg);
		event_config_free(cfg);
	}
	return base;
}

static void
bgpd_free(struct bgpd *b)
{
	query_free_all(b);
	ra_free(b);
	sink_free_all(b);
	io_free_all(b); /* peers see the end before the tables are taken down */
	chan_close_all(b);
	control_free(b);
	if (b->sp)
		speaker_free(b->sp);
	if (b->timer)
		event_free(b->timer);
	if (b->base)
		event_base_free(b->base);
	mem_free(b->in);
	mem_free(b->out);
	mem_free(b->scratch);
}

int
bgpd_run(const int fds[IPC_NCHANS], int in_fds_max, struct crash_page *crash)
{
	struct bgpd b = { .base = base_new(),
		.in_fds_max = in_fds_max,
		.crash = crash,
		.full = { .burst = 5, .interval_us = 10000000 } };
	struct ipc_msg hello = { .type = IPC_HELLO, .hello = { .version = IPC_VERSION } };
	int rc;

	largemem_init(&b.mem);
	list_init(&b.queries);
	io_init(&b);
	ra_init(&b);
	sink_init(&b);
	b.in = mem_alloc(sizeof(*b.in));
	b.out = mem_alloc(sizeof(*b.out));
	b.scratch = mem_alloc(BGPD_SCRATCH);
	b.timer = b.base ? event_new(b.base, -1, 0, on_timer, NULL) : NULL;
	rc = b.timer ? chan_open_all(&b, fds) : -ENOMEM;
	if (rc != 0) {
		log_event(LOG_ERR, "start-failed", "why=\"%s\"", strerror(-rc));
		b.status = 1;
	} else {
		chan_send(&b, IPC_CHAN_CONTROL, &hello);
		loop(&b);
	}
	bgpd_free(&b);
	return b.status;
}
