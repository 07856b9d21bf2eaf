/*
 * The agent's channel to the launcher.
 *
 * Owns the descriptor, its event and the notices that arrived while a request
 * waited.  See lib/launchmsg.h for the messages.
 */
#include "agent/launcher.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "lib/ipcsock.h"
#include "lib/list.h"
#include "lib/mem.h"

struct notice {
	struct list link;
	struct launch_msg msg;
	int fds[IPCSOCK_FDS_MAX];
	size_t nfds;
};

struct launcher {
	int fd;
	uint32_t next_id;
	struct event *ev;	/* readable */
	struct event *deferred; /* notices kept back by a request */
	struct list notices;
	const struct launcher_ops *ops;
	void *ctx;
};

/* One message of the right size, or -EAGAIN, -EPIPE (gone), -EPROTO (nonsense). */
static int
receive(struct launcher *l, struct launch_msg *m, int *fds, size_t *nfds)
{
	ssize_t n = ipcsock_recv(l->fd, m, sizeof *m, fds, IPCSOCK_FDS_MAX, nfds);

	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return (int)n;
	if ((size_t)n != sizeof *m) {
		ipcsock_close_all(fds, *nfds);
		return -EPROTO;
	}
	m->path[sizeof m->path - 1] = '\0';
	m->text[sizeof m->text - 1] = '\0';
	return 0;
}

static void
deliver_kept(evutil_socket_t fd, short what, void *arg)
{
	struct launcher *l = arg;
	struct list *n;

	while ((n = list_pop_front(&l->notices)) != NULL) {
		struct notice *k = container_of(n, struct notice, link);

		l->ops->notice(l->ctx, &k->msg, k->fds, k->nfds);
		mem_free(k);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct launcher *l = arg;
	struct launch_msg m;
	int fds[IPCSOCK_FDS_MAX];
	size_t nfds;
	int r;

	deliver_kept(fd, what, arg);
	r = receive(l, &m, fds, &nfds);
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		event_del(l->ev);
		l->ops->lost(l->ctx, r == -EPIPE ? "weftd has ended" : strerror(-r));
		return;
	}
	if (m.type == LAUNCH_ANSWER) { /* came after its request gave up */
		ipcsock_close_all(fds, nfds);
		return;
	}
	l->ops->notice(l->ctx, &m, fds, nfds);
}

struct launcher *
launcher_new(struct event_base *base, int fd, const struct launcher_ops *ops, void *ctx,
    int *ret_err)
{
	struct launcher *l;

	*ret_err = ipcsock_adopt(fd);
	if (*ret_err < 0)
		return NULL;
	l = mem_zalloc(sizeof *l);
	l->fd = fd;
	l->ops = ops;
	l->ctx = ctx;
	list_init(&l->notices);
	l->ev = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, l);
	l->deferred = event_new(base, -1, 0, deliver_kept, l);
	event_add(l->ev, NULL);
	return l;
}

void
launcher_free(struct launcher *l)
{
	struct list *n;

	if (!l)
		return;
	while ((n = list_pop_front(&l->notices)) != NULL) {
		struct notice *k = container_of(n, struct notice, link);

		ipcsock_close_all(k->fds, k->nfds);
		mem_free(k);
	}
	event_free(l->ev);
	event_free(l->deferred);
	close(l->fd);
	mem_free(l);
}

static void
keep(struct launcher *l, const struct launch_msg *m, const int *fds, size_t nfds)
{
	struct notice *k = mem_zalloc(sizeof *k);

	k->msg = *m;
	memcpy(k->fds, fds, nfds * sizeof fds[0]);
	k->nfds = nfds;
	list_push_back(&l->notices, &k->link);
	event_active(l->deferred, EV_TIMEOUT, 0);
}

/* The answer to request id: a descriptor, or -errno. */
static int
answer(const struct launch_msg *m, const int *fds, size_t nfds, char *ret_text)
{
	if (m->err != 0) {
		ipcsock_close_all(fds, nfds);
		if (ret_text)
			snprintf(ret_text, LAUNCH_TEXT_MAX, "%s", m->text);
		return m->err > 0 ? -m->err : m->err;
	}
	if (nfds != 1) {
		ipcsock_close_all(fds, nfds);
		return -EPROTO;
	}
	return fds[0];
}

/* Send a request and wait for its answer. */
static int
request(struct launcher *l, struct launch_msg *req, char *ret_text)
{
	uint64_t deadline = agent_now().us + LAUNCHER_WAIT_MS * 1000ULL;
	struct launch_msg m;
	int fds[IPCSOCK_FDS_MAX], r;
	size_t nfds;

	if (ret_text)
		ret_text[0] = '\0';
	req->id = ++l->next_id;
	r = ipcsock_send(l->fd, req, sizeof *req, NULL, 0);
	if (r < 0)
		return r;
	for (;;) {
		uint64_t now = agent_now().us;
		struct pollfd p = { .fd = l->fd, .events = POLLIN };

		r = receive(l, &m, fds, &nfds);
		if (r == 0 && m.type == LAUNCH_ANSWER && m.id == req->id)
			return answer(&m, fds, nfds, ret_text);
		if (r == 0 && m.type == LAUNCH_ANSWER)
			ipcsock_close_all(fds, nfds); /* of a request that gave up */
		else if (r == 0)
			keep(l, &m, fds, nfds);
		else if (r != -EAGAIN)
			return r;
		else if (now >= deadline)
			return -ETIMEDOUT;
		else
			poll(&p, 1, (int)((deadline - now) / 1000) + 1);
	}
}

int
launcher_open_config(struct launcher *l, char *ret_text)
{
	struct launch_msg m = { .type = LAUNCH_OPEN_CONFIG };

	return request(l, &m, ret_text);
}

int
launcher_open_secret(struct launcher *l, const char *path, char *ret_text)
{
	struct launch_msg m = { .type = LAUNCH_OPEN_SECRET };

	if (strlen(path) >= sizeof m.path)
		return -ENAMETOOLONG;
	memcpy(m.path, path, strlen(path) + 1);
	return request(l, &m, ret_text);
}

int
launcher_open_listener(struct launcher *l, const struct ip_addr *addr, uint16_t port,
    const char *ifname, char *ret_text)
{
	struct launch_msg m = { .type = LAUNCH_OPEN_LISTENER, .addr = *addr, .port = port };

	snprintf(m.ifname, sizeof m.ifname, "%s", ifname ? ifname : "");
	return request(l, &m, ret_text);
}

int
launcher_open_claim(struct launcher *l, uint8_t protocol, char *ret_text)
{
	struct launch_msg m = { .type = LAUNCH_OPEN_CLAIM, .port = protocol };

	return request(l, &m, ret_text);
}

int
launcher_cni(struct launcher *l, enum launch_type what, const char *name, char *ret_text)
{
	struct launch_msg m = { .type = what };

	snprintf(m.path, sizeof m.path, "%s", name);
	return request(l, &m, ret_text);
}

int
launcher_open_ra(struct launcher *l, char *ret_text)
{
	struct launch_msg m = { .type = LAUNCH_OPEN_RA };

	return request(l, &m, ret_text);
}

static void
tell(struct launcher *l, enum launch_type type, const char *text)
{
	struct launch_msg m = { .type = type };

	snprintf(m.text, sizeof m.text, "%s", text);
	(void)ipcsock_send(l->fd, &m, sizeof m, NULL, 0); /* gone: on_readable() will say so */
}

void
launcher_ready(struct launcher *l, const char *status)
{
	tell(l, LAUNCH_READY, status);
}

void
launcher_status(struct launcher *l, const char *status)
{
	tell(l, LAUNCH_STATUS, status);
}

void
launcher_pong(struct launcher *l)
{
	tell(l, LAUNCH_PONG, "");
}

void
launcher_restart_bgpd(struct launcher *l, const char *why)
{
	tell(l, LAUNCH_RESTART_BGPD, why);
}

void
launcher_want_bfdd(struct launcher *l, bool want)
{
	tell(l, want ? LAUNCH_START_BFDD : LAUNCH_STOP_BFDD, "");
}

void
launcher_restart_bfdd(struct launcher *l, const char *why)
{
	tell(l, LAUNCH_RESTART_BFDD, why);
}
