/*
 * The turn of the loop: what arrived, then what is due.
 *
 * One timer stands at the engine's next deadline.  When it has come, the
 * sockets are read first: a packet that waits there has arrived, however late
 * this process got the processor.
 */
#include "bfdd/bfdd.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/ipcsock.h"
#include "lib/logmain.h"
#include "lib/mem.h"

#define LINGER_MS    200 /* sessions go on so long after the order to stop */
#define STOP_MS	     300 /* at most, for peers to hear of a stop */
#define READ_BATCHES 64	 /* of one socket in one turn: more than its room holds */
#define OUTPUT_MAX   256 /* packets of one turn, then input again */

/* ---- input ------------------------------------------------------------------- */

static bool
is_receiver(int which)
{
	return which >= LAUNCH_BFD_SINGLE4 && which <= LAUNCH_BFD_MULTI6;
}

/*
 * Everything that waited at the start: a session whose packet is still in the
 * socket must not be found silent. A flood ends at the limit.
 */
static void
read_socket(struct bfdd *b, enum launch_bfd_fd which)
{
	for (int i = 0; i < READ_BATCHES; i++)
		if (!sock_read(b, which))
			return;
}

static void
read_sockets(struct bfdd *b)
{
	for (int i = 0; i < LAUNCH_BFD_NFDS; i++)
		if (is_receiver(i) && b->sock[i] >= 0)
			read_socket(b, (enum launch_bfd_fd)i);
}

/* Which one is found by its descriptor. */
static void
on_packets(evutil_socket_t fd, short what, void *arg)
{
	struct bfdd *b = arg;

	for (int i = 0; i < LAUNCH_BFD_NFDS; i++)
		if (is_receiver(i) && b->sock[i] == fd)
			read_socket(b, (enum launch_bfd_fd)i);
}

static void
stop_begin(struct bfdd *b)
{
	struct mono_us now = clock_mono();

	event_del(b->launcher_ev);
	channel_detach(b, NULL);
	b->stopping = true;
	b->tell_at = mono_add_ms(now, LINGER_MS);
	b->stop_at = mono_add_ms(b->tell_at, STOP_MS);
}

/*
 * AdminDown is said when peers have heard that BGP has ended: many take it for a failure while
 * the BGP session is there.
 */
static void
stop_go_on(struct bfdd *b, struct mono_us now)
{
	if (mono_reached(now, b->tell_at)) {
		b->tell_at = MONO_NEVER;
		bfd_stop(b->engine, now);
	}
	if (bfd_is_empty(b->engine) || mono_reached(now, b->stop_at))
		b->stop = true;
}

static void
on_launcher(evutil_socket_t sock, short what, void *arg)
{
	struct bfdd *b = arg;
	struct launch_msg m;
	size_t nfds;
	int fd = -1;
	ssize_t n = ipcsock_recv(b->launcher, &m, sizeof(m), &fd, 1, &nfds);

	if (n == -EAGAIN)
		return;
	if (n == (ssize_t)sizeof(m) && m.type == LAUNCH_AGENT && nfds == 1) {
		channel_attach(b, fd);
		return;
	}
	if (nfds > 0)
		close(fd);
	if (n != (ssize_t)sizeof(m)) /* its end: the order to stop, or weftd has died */
		stop_begin(b);
}

/* ---- the turn ------------------------------------------------------------------ */

static void
turn(struct bfdd *b)
{
	struct mono_us now = clock_mono(), due = bfd_deadline(b->engine);
	struct bfd_event ev;
	struct bfd_out out;

	if (mono_reached(now, due)) {
		if (mono_diff_us(now, due) > b->late_us && due.us > b->started.us)
			b->late_us = mono_diff_us(now, due);
		read_sockets(b);
		now = clock_mono();
	}
	if (b->stopping)
		stop_go_on(b, now);
	for (int i = 0; i < OUTPUT_MAX && bfd_output(b->engine, now, &out); i++)
		sock_send(b, &out);
	while (bfd_event_next(b->engine, &ev))
		channel_event(b, &ev);
	channel_pump(b);
}

/* Wakes the loop; the turn does the rest. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
}

static void
timer_arm(struct bfdd *b)
{
	struct mono_us next = bfd_deadline(b->engine);
	struct timeval tv;
	uint64_t us;

	if (b->stopping)
		next = mono_min(next, mono_min(b->tell_at, b->stop_at));
	if (mono_is_never(next)) {
		event_del(b->timer);
		return;
	}
	us = mono_diff_us(next, clock_mono());
	tv = (struct timeval){ .tv_sec = (time_t)(us / 1000000), .tv_usec = us % 1000000 };
	event_add(b->timer, &tv);
}

static void
loop(struct bfdd *b)
{
	while (!b->stop) {
		turn(b);
		if (b->stop)
			break;
		timer_arm(b);
		if (event_base_loop(b->base, EVLOOP_ONCE) < 0) {
			log_event(LOG_ERR, "loop-failed", "why=\"the event loop failed\"");
			b->status = 1;
			b->stop = true;
		}
	}
}

/* ---- life ---------------------------------------------------------------------- */

/* Precise: otherwise its timers are late by up to a millisecond and more (timerfd_create(2)). */
static struct event_base *
base_new(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;

	if (cfg) {
		event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
		event_config_set_flag(cfg, EVENT_BASE_FLAG_IGNORE_ENV);
		event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER);
		base = event_base_new_with_config(cfg);
		event_config_free(cfg);
	}
	return base;
}

static void
listen_all(struct bfdd *b)
{
	b->launcher_ev = event_new(b->base, b->launcher, EV_READ | EV_PERSIST, on_launcher, b);
	event_add(b->launcher_ev, NULL);
	for (int i = 0; i < LAUNCH_BFD_NFDS; i++) {
		if (!is_receiver(i) || b->sock[i] < 0)
			continue;
		b->sock_ev[i] = event_new(b->base, b->sock[i], EV_READ | EV_PERSIST, on_packets, b);
		event_add(b->sock_ev[i], NULL);
	}
}

static void
bfdd_free(struct bfdd *b)
{
	channel_detach(b, NULL);
	for (int i = 0; i < LAUNCH_BFD_NFDS; i++)
		if (b->sock_ev[i])
			event_free(b->sock_ev[i]);
	if (b->launcher_ev)
		event_free(b->launcher_ev);
	if (b->timer)
		event_free(b->timer);
	if (b->base)
		event_base_free(b->base);
	bfd_engine_free(b->engine);
	sock_batch_free(b->rx);
	mem_free(b->in);
	mem_free(b->out);
	mem_free(b->buf);
}

int
bfdd_run(int launcher, const int sock[LAUNCH_BFD_NFDS], void *state, size_t used)
{
	static const struct bfd_ops ops = { .digest = digest };
	struct bfdd b = { .base = base_new(), .launcher = launcher, .agent = -1,
		.started = clock_mono() };
	uint64_t seed = b.started.us;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed ^= (uint64_t)getpid() << 32;
	memcpy(b.sock, sock, sizeof(b.sock));
	b.engine = bfd_engine_new(&ops, seed, state,
	    state ? LAUNCH_BFD_STATE_OCTETS / sizeof(struct bfd_saved) : 0);
	b.rx = sock_batch_new();
	b.in = mem_alloc(sizeof(*b.in));
	b.out = mem_alloc(sizeof(*b.out));
	b.buf = mem_alloc(IPC_MAX_OCTETS);
	b.timer = b.base ? event_new(b.base, -1, 0, on_timer, NULL) : NULL;
	if (!b.timer) {
		log_event(LOG_ERR, "start-failed", "why=\"no event loop\"");
		b.status = 1;
	} else {
		b.resumed = bfd_resume(b.engine, (used + sizeof(struct bfd_saved) - 1) / sizeof(struct bfd_saved),
		    clock_mono());
		listen_all(&b);
		loop(&b);
	}
	bfdd_free(&b);
	return b.status;
}
