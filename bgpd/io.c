/*
 * Connections to peers: descriptors the agent connected or accepted.
 *
 * Reading goes into the one scratch buffer; a connection keeps only what the
 * speaker left.  What it left is either an incomplete message, and reading
 * goes on, or whole messages for which its slice was used up: then the
 * connection is held, reading pauses (TCP pushes back), and the rest is
 * offered again after the next piece of work.
 *
 * Output is pulled when the socket has room, and no more than it has: into the
 * same buffer, and what the socket did not take after all is kept.  A thousand
 * peers that read slowly so cost the memory of their sockets and none of ours.
 *
 * A connection that closes sends its last octets for at most a second, then
 * says so (FIN) and reads until the peer has done the same: closing with
 * unread octets would reset the connection, and the peer would never read the
 * NOTIFICATION.
 */
#include "bgpd/bgpd.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/mem.h"

#define CLOSE_S	     1
#define WRITE_ROUNDS 4 /* buffers written to one connection before the next one's turn */
#define WRITE_CONNS  64 /* connections served in one turn of the loop */
#define WANT_MIN     4096 /* asked for when there is any room: of less nothing is gained */
#define HEADER_OCTETS 19 /* RFC 4271 section 4.1: marker (16), length (2), type (1) */

struct conn {
	struct bgpd *b;
	struct hmap_node node;
	struct list wanting, held, closing;
	conn_id id;
	int fd;
	struct event *rd, *wr; /* wr: NULL before the socket was full for the first time */
	uint8_t *in; /* what the speaker left */
	size_t in_len;
	uint8_t *out; /* what the socket left */
	size_t out_len, out_off;
	int write_err;		/* the socket takes no more; the reading side says when it ends */
	bool flushed;		/* closing: everything is sent */
	struct mono_us blocked; /* since when the socket takes nothing; MONO_NEVER: it does */
	struct mono_us close_by;
};

static struct conn *
conn_find(struct bgpd *b, conn_id id)
{
	uint64_t hash = hmap_hash(&b->conns, &id, sizeof(id));
	struct hmap_node *n;

	for (n = hmap_first_with(&b->conns, hash); n; n = hmap_next_with(n))
		if (container_of(n, struct conn, node)->id == id)
			return container_of(n, struct conn, node);
	return NULL;
}

static bool
conn_is_closing(const struct conn *c)
{
	return list_is_linked(&c->closing);
}

static void
conn_free(struct conn *c)
{
	c->b->unflushed -= conn_is_closing(c) && !c->flushed;
	list_remove(&c->wanting);
	list_remove(&c->held);
	list_remove(&c->closing);
	hmap_remove(&c->b->conns, &c->node);
	event_free(c->rd);
	if (c->wr)
		event_free(c->wr);
	close(c->fd);
	mem_free(c->in);
	mem_free(c->out);
	mem_free(c);
}

/* ---- input ------------------------------------------------------------------------- */

/* Is there a whole message in what the speaker left? Then it had no time for it. */
static bool
holds_message(const uint8_t *p, size_t len)
{
	return len >= HEADER_OCTETS && (size_t)(p[16] << 8 | p[17]) <= len;
}

/* Keep the rest of buf, which may be c->in itself. */
static void
conn_keep_input(struct conn *c, const uint8_t *rest, size_t len)
{
	if (len == 0) {
		mem_free(c->in);
		c->in = NULL;
	} else if (rest >= c->in && c->in && rest < c->in + c->in_len) {
		memmove(c->in, rest, len);
	} else {
		c->in = mem_realloc(c->in, len);
		memcpy(c->in, rest, len);
	}
	c->in_len = len;
}

/* Offer octets to the speaker; hold or go on reading, as it took them. */
static void
conn_offer(struct conn *c, const uint8_t *buf, size_t len)
{
	size_t used = speaker_conn_input(c->b->sp, clock_mono(), c->id, buf, len);
	bool hold;

	conn_keep_input(c, buf + used, len - used);
	hold = holds_message(c->in, c->in_len);
	if (hold && !list_is_linked(&c->held)) {
		list_push_back(&c->b->held, &c->held);
		event_del(c->rd);
	} else if (!hold && list_is_linked(&c->held)) {
		list_remove(&c->held);
		event_add(c->rd, NULL);
	}
}

static void
conn_ended(struct conn *c, int err)
{
	if (!conn_is_closing(c) || !c->flushed)
		speaker_conn_closed(c->b->sp, clock_mono(), c->id, c->write_err ? c->write_err : err);
	conn_free(c);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	uint8_t *buf = c->b->scratch;
	size_t have = conn_is_closing(c) ? 0 : c->in_len;
	ssize_t n;

	if (have > 0)
		memcpy(buf, c->in, have);
	n = read(c->fd, buf + have, BGPD_SCRATCH - have);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_ended(c, n < 0 ? errno : 0);
		return;
	}
	if (conn_is_closing(c))
		return; /* nobody wants to know any more */
	c->b->input_full |= have + (size_t)n == BGPD_SCRATCH;
	conn_offer(c, buf, have + (size_t)n);
}

void
io_offer_held(struct bgpd *b)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &b->held) {
		struct conn *c = container_of(n, struct conn, held);

		conn_offer(c, c->in, c->in_len);
	}
}

/* A peer that we keep waiting is not silent: RFC 4271's HoldTimer must not take it for dead. */
void
io_note_paused(struct bgpd *b)
{
	struct list *n;
	uint8_t octet;

	LIST_FOREACH(n, &b->held) {
		struct conn *c = container_of(n, struct conn, held);

		if (recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
			speaker_conn_input(b->sp, clock_mono(), c->id, NULL, 0);
	}
}

/* ---- output ------------------------------------------------------------------------- */

/* The send hold timer's view (RFC 9687): since when the socket took nothing. */
static void
conn_blocked(struct conn *c, struct mono_us since)
{
	if (c->blocked.us == since.us || (!mono_is_never(c->blocked) && !mono_is_never(since)))
		return;
	c->blocked = since;
	speaker_conn_blocked(c->b->sp, clock_mono(), c->id, since);
}

/* Write what the socket takes of buf: octets taken, 0 when it is full or broken. */
static size_t
conn_send(struct conn *c, const uint8_t *buf, size_t len)
{
	ssize_t n = write(c->fd, buf, len);

	if (n > 0) {
		conn_blocked(c, MONO_NEVER);
		return (size_t)n;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		c->write_err = errno;
	return 0;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	if (!list_is_linked(&c->wanting))
		list_push_back(&c->b->wanting, &c->wanting);
}

static void
conn_wait_writable(struct conn *c)
{
	list_remove(&c->wanting);
	if (c->write_err)
		return;
	conn_blocked(c, clock_mono());
	if (!c->wr)
		c->wr = event_new(c->b->base, c->fd, EV_WRITE, on_writable, c);
	event_add(c->wr, NULL);
}

/* Send what was kept; false when some of it still is. */
static bool
conn_send_kept(struct conn *c)
{
	while (c->out_off < c->out_len) {
		size_t n = conn_send(c, c->out + c->out_off, c->out_len - c->out_off);

		if (n == 0)
			return false;
		c->out_off += n;
	}
	mem_free(c->out);
	c->out = NULL;
	c->out_len = c->out_off = 0;
	return true;
}

/* Everything is sent: a closing connection says so, and the peer's FIN ends it. */
static void
conn_drained(struct conn *c)
{
	list_remove(&c->wanting);
	if (!conn_is_closing(c) || c->flushed)
		return;
	c->flushed = true;
	c->b->unflushed--;
	speaker_conn_closed(c->b->sp, clock_mono(), c->id, 0);
	shutdown(c->fd, SHUT_WR);
}

/*
 * Octets that are worth being made for the socket now; 0: it is full.  Linux counts a
 * little more than the octets, and lets the last piece go beyond the limit.
 */
static size_t
conn_room(const struct conn *c)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(mem);
	uint32_t room;

	if (c->write_err || getsockopt(c->fd, SOL_SOCKET, SO_MEMINFO, mem, &len) != 0)
		return BGPD_SCRATCH;
	if (mem[SK_MEMINFO_WMEM_QUEUED] >= mem[SK_MEMINFO_SNDBUF])
		return 0;
	room = mem[SK_MEMINFO_SNDBUF] - mem[SK_MEMINFO_WMEM_QUEUED];
	if (room > BGPD_SCRATCH)
		return BGPD_SCRATCH;
	return room < WANT_MIN ? WANT_MIN : room;
}

/*
 * Octets to ask the speaker for; 0: it has some, and the socket is full.  Where it says that it
 * has none it is asked all the same, as changes that rest for a moment are kicked by that.
 */
static size_t
conn_want(const struct conn *c, bool wrote)
{
	bool pending = speaker_conn_pending(c->b->sp, c->id);
	size_t room;

	if (wrote && !pending) /* that was all, it seems: no need to look at the socket */
		return WANT_MIN;
	room = conn_room(c);
	return room > 0 || pending ? room : WANT_MIN;
}

static void
conn_write(struct conn *c)
{
	uint8_t *buf = c->b->scratch;

	for (int i = 0; i < WRITE_ROUNDS; i++) {
		size_t len, n, want;

		if (!c->write_err && !conn_send_kept(c)) {
			conn_wait_writable(c);
			return;
		}
		want = conn_want(c, i > 0);
		if (want == 0) {
			conn_wait_writable(c);
			return;
		}
		len = speaker_conn_output(c->b->sp, clock_mono(), c->id, buf, BGPD_SCRATCH, want);
		if (len == 0) {
			conn_blocked(c, MONO_NEVER); /* there may be room by now, and nobody else asks */
			conn_drained(c);
			return;
		}
		n = c->write_err ? len : conn_send(c, buf, len); /* broken: it goes nowhere */
		if (n < len && !c->write_err) {
			c->out_len = len - n;
			c->out_off = 0;
			c->out = mem_dup(buf + n, len - n);
		}
	}
}

bool
io_write(struct bgpd *b)
{
	struct list *n, *last = list_last(&b->wanting);

	for (int i = 0; i < WRITE_CONNS && (n = list_first(&b->wanting)) != NULL; i++) {
		struct conn *c = container_of(n, struct conn, wanting);
		bool was_last = n == last;

		list_remove(n);
		list_push_back(&b->wanting, n);
		conn_write(c);
		if (was_last)
			break;
	}
	return !list_is_empty(&b->wanting);
}

void
io_want_write(struct bgpd *b, conn_id id)
{
	struct conn *c = conn_find(b, id);

	/* Not while the socket is full: its event comes. */
	if (c && !list_is_linked(&c->wanting) && mono_is_never(c->blocked))
		list_push_back(&b->wanting, &c->wanting);
}

/* ---- life ----------------------------------------------------------------------------- */

void
io_init(struct bgpd *b)
{
	list_init(&b->wanting);
	list_init(&b->held);
	list_init(&b->closing);
	b->wanting_since = MONO_NEVER;
}

void
io_add(struct bgpd *b, conn_id id, int fd)
{
	struct conn *c = mem_zalloc(sizeof(*c));
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	c->b = b;
	c->id = id;
	c->fd = fd;
	c->blocked = c->close_by = MONO_NEVER;
	list_init(&c->wanting);
	list_init(&c->held);
	list_init(&c->closing);
	c->rd = event_new(b->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	hmap_insert(&b->conns, &c->node, hmap_hash(&b->conns, &id, sizeof(id)));
	event_add(c->rd, NULL);
}

void
io_close(struct bgpd *b, conn_id id)
{
	struct conn *c = conn_find(b, id);

	if (!c || conn_is_closing(c))
		return;
	conn_keep_input(c, NULL, 0);
	if (list_is_linked(&c->held)) {
		list_remove(&c->held);
		event_add(c->rd, NULL);
	}
	c->close_by = mono_add_s(clock_mono(), CLOSE_S);
	list_push_back(&b->closing, &c->closing);
	b->unflushed++;
	io_want_write(b, id);
}

void
io_abort(struct bgpd *b, conn_id id)
{
	struct conn *c = conn_find(b, id);

	if (c)
		conn_free(c);
}

void
io_lend(struct bgpd *b, uint32_t peer)
{
	struct hmap_node *n, *tmp;

	HMAP_FOREACH_SAFE(n, tmp, &b->conns) {
		const struct conn *c = container_of(n, struct conn, node);

		if (speaker_conn_peer(b->sp, c->id) != peer)
			continue;
		b->out->type = IPC_CONN_LENT;
		b->out->conn_lend.peer = peer;
		chan_send_fd(b, IPC_CHAN_CONTROL, b->out, c->fd);
	}
}

void
io_timeout(struct bgpd *b, struct mono_us now)
{
	struct list *n;

	while ((n = list_first(&b->closing)) != NULL) {
		struct conn *c = container_of(n, struct conn, closing);

		if (!mono_reached(now, c->close_by))
			return;
		conn_ended(c, ETIMEDOUT);
	}
}

struct mono_us
io_deadline(const struct bgpd *b)
{
	const struct list *n = list_first(&b->closing);

	return n ? container_of((struct list *)n, struct conn, closing)->close_by : MONO_NEVER;
}

void
io_free_all(struct bgpd *b)
{
	struct hmap_node *n, *tmp;

	if (!b->sp)
		return;
	HMAP_FOREACH_SAFE(n, tmp, &b->conns)
		conn_free(container_of(n, struct conn, node));
	hmap_free(&b->conns);
}
