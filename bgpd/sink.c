/*
 * Monitoring feeds' descriptors: sockets of BMP collectors that the agent
 * connected, pipes that a command line reads MRT records from.
 *
 * Output is pulled while the descriptor takes it; what it did not take is kept,
 * at most once the buffer's size.  What a collector sends is read and dropped,
 * to see when it ends.  A pipe says so only when it is written to.
 */
#include "bgpd/bgpd.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/mem.h"

#define CLOSE_S	     1
#define WRITE_ROUNDS 4 /* buffers written to one feed before the next one's turn */

struct sink {
	struct bgpd *b;
	struct list link, ready;
	uint32_t feed;
	int fd;
	struct event *rd, *wr; /* rd NULL: a pipe */
	uint8_t *out;	       /* what the descriptor left */
	size_t out_len, out_off;
	bool blocked;
	struct mono_us close_by; /* MONO_NEVER: not closing */
};

static struct sink *
sink_find(struct bgpd *b, uint32_t feed)
{
	struct list *n;

	LIST_FOREACH(n, &b->sinks)
		if (container_of(n, struct sink, link)->feed == feed)
			return container_of(n, struct sink, link);
	return NULL;
}

static void
sink_free(struct sink *s)
{
	s->b->unflushed -= !mono_is_never(s->close_by);
	list_remove(&s->link);
	list_remove(&s->ready);
	if (s->rd)
		event_free(s->rd);
	event_free(s->wr);
	close(s->fd);
	mem_free(s->out);
	mem_free(s);
}

/* The descriptor is of no more use: err is an errno, 0 for an orderly end. */
static void
sink_end(struct sink *s, int err)
{
	struct bgpd *b = s->b;
	uint32_t feed = s->feed;

	sink_free(s);
	speaker_feed_closed(b->sp, clock_mono(), feed, err);
}

/* ---- events ------------------------------------------------------------------------ */

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct sink *s = arg;
	ssize_t n = read(fd, s->b->scratch, BGPD_SCRATCH);

	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	sink_end(s, n < 0 ? errno : 0);
}

static void
sink_ready(struct sink *s)
{
	if (!list_is_linked(&s->ready))
		list_push_back(&s->b->sinks_ready, &s->ready);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct sink *s = arg;

	s->blocked = false;
	sink_ready(s);
}

/* ---- output -------------------------------------------------------------------------- */

static void
sink_blocked(struct sink *s)
{
	struct mono_us now = clock_mono();

	s->blocked = true;
	list_remove(&s->ready);
	event_add(s->wr, NULL);
	speaker_feed_blocked(s->b->sp, now, s->feed, now);
}

/*
 * Write what is kept. False: it takes no more, or s is gone.  A reader is told
 * to be alive when something was taken.
 */
static bool
sink_send(struct sink *s)
{
	while (s->out_off < s->out_len) {
		ssize_t n = write(s->fd, s->out + s->out_off, s->out_len - s->out_off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			sink_blocked(s);
			return false;
		}
		if (n < 0) {
			sink_end(s, errno);
			return false;
		}
		s->out_off += (size_t)n;
		speaker_feed_blocked(s->b->sp, clock_mono(), s->feed, MONO_NEVER);
	}
	mem_free(s->out);
	s->out = NULL;
	s->out_len = s->out_off = 0;
	return true;
}

/* Nothing was pulled: close it, wait for news, or come again for the rest of a walk. */
static void
sink_idle(struct sink *s)
{
	struct speaker *sp = s->b->sp;

	if (speaker_feed_ended(sp, s->feed))
		sink_end(s, 0);
	else if (!speaker_feed_pending(sp, s->feed))
		list_remove(&s->ready);
}

static void
sink_write(struct sink *s)
{
	struct bgpd *b = s->b;

	for (int i = 0; i < WRITE_ROUNDS; i++) {
		size_t n;

		if (!sink_send(s))
			return;
		n = speaker_feed_output(b->sp, clock_mono(), s->feed, b->scratch, BGPD_SCRATCH);
		if (n == 0) {
			sink_idle(s);
			return;
		}
		s->out = mem_dup(b->scratch, n);
		s->out_len = n;
	}
	sink_send(s);
}

bool
sink_pump(struct bgpd *b)
{
	struct list *n, *last = list_last(&b->sinks_ready);

	while ((n = list_first(&b->sinks_ready)) != NULL) {
		bool was_last = n == last;

		list_remove(n);
		list_push_back(&b->sinks_ready, n);
		sink_write(container_of(n, struct sink, ready));
		if (was_last)
			break;
	}
	return !list_is_empty(&b->sinks_ready);
}

void
sink_want_write(struct bgpd *b, uint32_t feed)
{
	struct sink *s = sink_find(b, feed);

	if (s && !s->blocked)
		sink_ready(s);
}

/* ---- life ------------------------------------------------------------------------------- */

void
sink_init(struct bgpd *b)
{
	list_init(&b->sinks);
	list_init(&b->sinks_ready);
}

void
sink_add(struct bgpd *b, uint32_t feed, int fd)
{
	struct sink *s = mem_zalloc(sizeof(*s));
	int flags = fcntl(fd, F_GETFL), type;
	socklen_t len = sizeof(type);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	s->b = b;
	s->feed = feed;
	s->fd = fd;
	s->close_by = MONO_NEVER;
	list_init(&s->link);
	list_init(&s->ready);
	s->wr = event_new(b->base, fd, EV_WRITE, on_writable, s);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0) {
		s->rd = event_new(b->base, fd, EV_READ | EV_PERSIST, on_readable, s);
		event_add(s->rd, NULL);
	}
	list_push_back(&b->sinks, &s->link);
	sink_ready(s);
}

void
sink_close(struct bgpd *b, uint32_t feed)
{
	struct sink *s = sink_find(b, feed);

	if (!s || !mono_is_never(s->close_by))
		return;
	s->close_by = mono_add_s(clock_mono(), CLOSE_S);
	b->unflushed++;
	if (!s->blocked)
		sink_ready(s);
}

void
sink_abort(struct bgpd *b, uint32_t feed)
{
	struct sink *s = sink_find(b, feed);

	if (s)
		sink_free(s);
}

void
sink_timeout(struct bgpd *b, struct mono_us now)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &b->sinks) {
		struct sink *s = container_of(n, struct sink, link);

		if (mono_reached(now, s->close_by))
			sink_end(s, ETIMEDOUT);
	}
}

struct mono_us
sink_deadline(const struct bgpd *b)
{
	struct mono_us min = MONO_NEVER;
	struct list *n;

	LIST_FOREACH(n, &b->sinks)
		min = mono_min(min, container_of(n, struct sink, link)->close_by);
	return min;
}

void
sink_free_all(struct bgpd *b)
{
	struct list *n;

	while ((n = list_first(&b->sinks)) != NULL)
		sink_free(container_of(n, struct sink, link));
}
