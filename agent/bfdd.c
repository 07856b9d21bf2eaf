/*
 * The channel to weft-bfdd.  It speaks with strangers, so what it says is
 * bounded by the message table; what it means is for agent/bfd.c.
 */
#include "agent/bfdd.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "lib/ipcsock.h"
#include "lib/list.h"
#include "lib/mem.h"

#define READ_BATCH  64
#define OCTETS_MAX  4096 /* longer than every message of this channel */

struct waiting {
	struct list link;
	size_t len;
	uint8_t buf[];
};

struct bfdd {
	struct event_base *base;
	const struct bfdd_ops *ops;
	void *ctx;
	int fd; /* -1: not attached */
	struct event *rd, *wr;
	struct list waiting;
	struct ipc_msg *in;
	uint8_t buf[OCTETS_MAX];
};

static void
waiting_free(struct waiting *w)
{
	list_remove(&w->link);
	explicit_bzero(w->buf, w->len); /* a key may be in it */
	mem_free(w);
}

void
bfdd_detach(struct bfdd *d)
{
	struct list *n;

	if (d->fd < 0)
		return;
	event_free(d->rd);
	event_free(d->wr);
	close(d->fd);
	d->fd = -1;
	while ((n = list_first(&d->waiting)) != NULL)
		waiting_free(container_of(n, struct waiting, link));
}

/* ---- sending ---------------------------------------------------------------- */

/* A channel that broke is left to its read event. */
static void
flush(struct bfdd *d)
{
	struct list *n;

	while ((n = list_first(&d->waiting)) != NULL) {
		struct waiting *w = container_of(n, struct waiting, link);
		int r = ipcsock_send(d->fd, w->buf, w->len, NULL, 0);

		if (r == -EAGAIN) {
			event_add(d->wr, NULL);
			return;
		}
		if (r < 0) {
			event_active(d->rd, EV_READ, 0);
			return;
		}
		waiting_free(w);
	}
}

void
bfdd_send(struct bfdd *d, const struct ipc_msg *m)
{
	size_t len = d->fd >= 0 ? ipcmsg_encode(m, d->buf, sizeof d->buf) : 0;
	struct waiting *w;

	if (len == 0)
		return;
	w = mem_alloc(sizeof *w + len);
	w->len = len;
	memcpy(w->buf, d->buf, len);
	explicit_bzero(d->buf, len);
	list_init(&w->link);
	list_push_back(&d->waiting, &w->link);
	flush(d);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	flush(arg);
}

/* ---- receiving --------------------------------------------------------------- */

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct bfdd *d = arg;

	for (int i = 0; i < READ_BATCH && d->fd >= 0; i++) {
		size_t nfds;
		ssize_t n = ipcsock_recv(d->fd, d->buf, sizeof d->buf, NULL, 0, &nfds);
		const char *why = NULL;
		bool violation = n == -EMSGSIZE;

		if (n == -EAGAIN)
			return;
		if (n <= 0)
			why = n == 0 || n == -ECONNRESET ? "bfdd has ended" : strerror((int)-n);
		else
			violation = (why = ipcmsg_decode(IPC_BFDD, IPC_CHAN_BFD, d->buf, (size_t)n,
					 d->in)) != NULL;
		if (why) {
			bfdd_detach(d);
			d->ops->lost(d->ctx, why, violation);
			return;
		}
		d->ops->message(d->ctx, d->in);
	}
}

/* ---- life --------------------------------------------------------------------- */

int
bfdd_attach(struct bfdd *d, int fd)
{
	int r = ipcsock_adopt(fd);

	bfdd_detach(d);
	if (r < 0) {
		close(fd);
		return r;
	}
	d->fd = fd;
	d->rd = event_new(d->base, fd, EV_READ | EV_PERSIST, on_readable, d);
	d->wr = event_new(d->base, fd, EV_WRITE, on_writable, d);
	/* Before everything else that waits: it says that a path is dead. */
	event_priority_set(d->rd, 0);
	event_add(d->rd, NULL);
	return 0;
}

bool
bfdd_attached(const struct bfdd *d)
{
	return d->fd >= 0;
}

struct bfdd *
bfdd_new(struct event_base *base, const struct bfdd_ops *ops, void *ctx)
{
	struct bfdd *d = mem_zalloc(sizeof *d);

	d->base = base;
	d->ops = ops;
	d->ctx = ctx;
	d->fd = -1;
	d->in = mem_zalloc(sizeof *d->in);
	list_init(&d->waiting);
	return d;
}

void
bfdd_free(struct bfdd *d)
{
	if (!d)
		return;
	bfdd_detach(d);
	mem_free(d->in);
	mem_free(d);
}
