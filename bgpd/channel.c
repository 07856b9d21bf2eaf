/*
 * The three channels to the agent: framing is the kernel's (SOCK_SEQPACKET),
 * meaning is lib/ipcmsg's table.
 *
 * The end of a channel, or a message that the table does not allow, ends the
 * process: its sockets close without a NOTIFICATION, and the launcher starts
 * a new one.  A message that found no room is kept, encoded, until there is.
 */
#include "bgpd/bgpd.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/ipcsock.h"
#include "lib/mem.h"

#define READ_BATCH 64 /* messages taken from one channel before the others have a turn */

struct unsent {
	struct list link;
	int fd; /* a copy of ours; -1: none */
	size_t len;
	uint8_t buf[];
};

/* ---- sending ---------------------------------------------------------------------- */

/* False when it has to wait. */
static bool
chan_try(struct chan *c, const uint8_t *buf, size_t len, int fd)
{
	int rc = ipcsock_send(c->fd, buf, len, &fd, fd >= 0);

	if (rc == -EAGAIN) {
		event_add(c->wr, NULL);
		return false;
	}
	if (rc == -EPIPE || rc == -ECONNRESET)
		bgpd_stop(c->b, 0, "the agent is gone");
	else if (rc != 0)
		bgpd_stop(c->b, 1, strerror(-rc));
	return true;
}

static void
unsent_free(struct chan *c, struct unsent *u)
{
	list_remove(&u->link);
	c->nunsent--;
	if (u->fd >= 0)
		close(u->fd);
	mem_free(u);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct chan *c = arg;
	struct list *n;

	while ((n = list_first(&c->unsent)) != NULL && !c->b->stop) {
		struct unsent *u = container_of(n, struct unsent, link);

		if (!chan_try(c, u->buf, u->len, u->fd))
			return;
		unsent_free(c, u);
	}
}

bool
chan_has_room(const struct bgpd *b, enum ipc_chan which)
{
	return list_is_empty(&b->chan[which].unsent);
}

void
chan_send(struct bgpd *b, enum ipc_chan which, const struct ipc_msg *m)
{
	chan_send_fd(b, which, m, -1);
}

void
chan_send_fd(struct bgpd *b, enum ipc_chan which, const struct ipc_msg *m, int fd)
{
	struct chan *c = &b->chan[which];
	size_t len = ipcmsg_encode(m, b->scratch, IPC_MAX_OCTETS);
	struct unsent *u;

	if (len == 0)
		abort(); /* we built it: it must fit its own table */
	if (list_is_empty(&c->unsent) && chan_try(c, b->scratch, len, fd))
		return;
	u = mem_alloc(sizeof(*u) + len);
	u->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	u->len = len;
	memcpy(u->buf, b->scratch, len);
	list_init(&u->link);
	list_push_back(&c->unsent, &u->link);
	c->nunsent++;
}

/* ---- receiving --------------------------------------------------------------------- */

static const char *
chan_take(struct chan *c, const struct ipc_msg *m, int fd)
{
	if (!c->b->sp && m->type != IPC_HELLO) {
		if (fd >= 0)
			close(fd);
		return "a message before HELLO";
	}
	switch (c->which) {
	case IPC_CHAN_CONTROL:
		return control_take(c->b, m, fd);
	case IPC_CHAN_ROUTES:
		return routes_take(c->b, m);
	case IPC_CHAN_QUERIES:
		return query_take(c->b, m);
	case IPC_NCHANS:
		break;
	}
	return "no such channel";
}

static const char *
chan_decode(struct chan *c, size_t len, int fd)
{
	struct ipc_msg *m = c->b->in;
	const char *why = ipcmsg_decode(IPC_AGENT, c->which, c->b->scratch, len, m);

	if (!why && fd >= 0 && !ipc_desc[m->type].fd)
		why = "a descriptor where none belongs";
	if (!why)
		return chan_take(c, m, fd);
	if (fd >= 0)
		close(fd);
	return why;
}

static void
on_readable(evutil_socket_t sock, short what, void *arg)
{
	struct chan *c = arg;
	struct bgpd *b = c->b;

	for (int i = 0; i < READ_BATCH && !b->stop; i++) {
		const char *why;
		size_t nfds;
		int fd = -1;
		ssize_t n = ipcsock_recv(c->fd, b->scratch, IPC_MAX_OCTETS, &fd, 1, &nfds);

		if (n == -EAGAIN)
			return;
		if (n == 0 || n == -ECONNRESET) {
			bgpd_stop(b, 0, "the agent is gone");
			return;
		}
		if (n < 0) {
			bgpd_stop(b, 1, strerror((int)-n));
			return;
		}
		why = chan_decode(c, (size_t)n, nfds > 0 ? fd : -1);
		if (why)
			bgpd_stop(b, 1, why);
	}
}

/* ---- life ---------------------------------------------------------------------------- */

int
chan_open_all(struct bgpd *b, const int fds[IPC_NCHANS])
{
	for (int i = 0; i < IPC_NCHANS; i++) {
		struct chan *c = &b->chan[i];
		int rc = ipcsock_adopt(fds[i]);

		if (rc != 0)
			return rc;
		*c = (struct chan){ .b = b, .which = (enum ipc_chan)i, .fd = fds[i] };
		list_init(&c->unsent);
		c->rd = event_new(b->base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
		c->wr = event_new(b->base, c->fd, EV_WRITE, on_writable, c);
	}
	event_add(b->chan[IPC_CHAN_CONTROL].rd, NULL);
	return 0;
}

void
chan_read_all(struct bgpd *b)
{
	for (int i = 0; i < IPC_NCHANS; i++)
		event_add(b->chan[i].rd, NULL);
}

void
chan_close_all(struct bgpd *b)
{
	for (int i = 0; i < IPC_NCHANS; i++) {
		struct chan *c = &b->chan[i];
		struct list *n;

		if (!c->b)
			continue;
		while ((n = list_first(&c->unsent)) != NULL)
			unsent_free(c, container_of(n, struct unsent, link));
		event_free(c->rd);
		event_free(c->wr);
		close(c->fd);
	}
}
