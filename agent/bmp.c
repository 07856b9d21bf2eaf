/*
 * Connections to BMP collectors.  See bmp.h.
 *
 * Ids stay with names as long as the agent lives.  A connect has CONNECT_S to
 * stand; what failed is told to bgpd as a sentence.
 */
#include "config.h"

#include "agent/bmp.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/bgpd.h"
#include "agent/tcp_sock.h"
#include "lib/list.h"
#include "lib/mem.h"

#define CONNECT_S 10

struct dial {
	struct list link;
	struct bmp *b;
	uint32_t id, token;
	int fd, err;
	struct event *ev;
};

struct bmp {
	struct agent *a;
	char (*name)[IPC_NAME_MAX]; /* name[i] has id i + 1; never shrinks */
	size_t nnames;
	struct list dials;
};

/* ---- ids ------------------------------------------------------------------------ */

static uint32_t
id_of_name(struct bmp *b, const char *name)
{
	for (size_t i = 0; i < b->nnames; i++)
		if (strcmp(b->name[i], name) == 0)
			return (uint32_t)i + 1;
	b->name = mem_realloc_array(b->name, b->nnames + 1, sizeof(*b->name));
	snprintf(b->name[b->nnames], sizeof(b->name[0]), "%s", name);
	return (uint32_t)++b->nnames;
}

uint32_t
bmp_id(struct bmp *b, size_t place)
{
	return id_of_name(b, b->a->conf->bmp.v[place].name);
}

const struct conf_bmp *
bmp_by_id(const struct bmp *b, uint32_t id)
{
	const struct conf *c = b->a->conf;

	for (size_t i = 0; c && id > 0 && id <= b->nnames && i < c->bmp.n; i++)
		if (strcmp(c->bmp.v[i].name, b->name[id - 1]) == 0)
			return &c->bmp.v[i];
	return NULL;
}

/* ---- to bgpd ---------------------------------------------------------------------- */

static struct ip_addr
source_of(const struct agent *a, const struct conf_bmp *c)
{
	switch (c->source.how) {
	case CONF_SOURCE_ADDR:
		return c->source.addr;
	case CONF_SOURCE_NODE_IP:
		return c->addr.af == IP4 ? a->node4 : a->node6;
	case CONF_SOURCE_NONE:
	case CONF_SOURCE_INTERFACE:
		break;
	}
	return (struct ip_addr){ 0 };
}

void
bmp_send_conf(struct bmp *b)
{
	const struct conf_bmps *cs = &b->a->conf->bmp;

	for (size_t i = 0; i < cs->n; i++) {
		const struct conf_bmp *c = &cs->v[i];
		struct ipc_msg m = { .type = IPC_CONF_BMP };
		struct ipc_conf_bmp *to = &m.conf_bmp;

		to->id = bmp_id(b, i);
		snprintf(to->name, sizeof(to->name), "%s", c->name);
		to->addr = c->addr;
		to->source = source_of(b->a, c);
		to->port = (uint16_t)c->port;
		to->ribs = (uint8_t)c->monitor; /* the words stand in the order of the bits */
		to->stats_s = c->stats_s;
		to->retry_ms = c->retry_ms;
		to->stall_ms = c->stall_ms;
		snprintf(to->sys_name, sizeof(to->sys_name), "%s", b->a->conf->node.name);
		snprintf(to->sys_descr, sizeof(to->sys_descr), "weft %s", PACKAGE_VERSION);
		bgpd_send(b->a->bgpd, &m, -1);
	}
}

/* ---- connecting ---------------------------------------------------------------------- */

static void
dial_free(struct dial *d)
{
	list_remove(&d->link);
	event_free(d->ev);
	if (d->fd >= 0)
		close(d->fd);
	mem_free(d);
}

static void
explain(int err, const struct conf_bmp *c, char *buf, size_t cap)
{
	char addr[IP_ADDR_STRLEN];

	if (!c)
		snprintf(buf, cap, "it is no longer configured");
	else if (err == ECONNREFUSED)
		snprintf(buf, cap, "nothing listens on %s port %u", ip_addr_str(&c->addr, addr),
		    c->port);
	else if (err == ETIMEDOUT)
		snprintf(buf, cap, "no answer from %s port %u", ip_addr_str(&c->addr, addr), c->port);
	else
		snprintf(buf, cap, "cannot connect to %s port %u: %s", ip_addr_str(&c->addr, addr),
		    c->port, strerror(err));
}

static void
dial_finish(struct dial *d)
{
	struct agent *a = d->b->a;
	struct ipc_msg m = { .type = IPC_BMP_DONE };
	int fd = -1;

	m.bmp_done = (struct ipc_bmp_done){ .id = d->id, .token = d->token, .err = d->err };
	if (d->err == 0) {
		fd = d->fd;
		d->fd = -1;
	} else {
		explain(d->err, bmp_by_id(d->b, d->id), m.bmp_done.why, sizeof(m.bmp_done.why));
	}
	dial_free(d);
	bgpd_send(a->bgpd, &m, fd);
}

static void
on_dial(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	socklen_t len = sizeof(d->err);

	if (d->err == 0 && (what & EV_TIMEOUT))
		d->err = ETIMEDOUT;
	else if (d->err == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &d->err, &len) < 0)
		d->err = errno;
	dial_finish(d);
}

/* A socket that connects, or -errno. */
static int
dial_start(const struct agent *a, const struct conf_bmp *c)
{
	struct ip_addr source = source_of(a, c);
	struct sockaddr_storage ss;
	int fd = socket(c->addr.af == IP4 ? AF_INET : AF_INET6,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (source.af == c->addr.af) {
		len = tcp_sockaddr(&source, 0, &ss);
		if (bind(fd, (struct sockaddr *)&ss, len) < 0)
			err = errno;
	}
	len = tcp_sockaddr(&c->addr, (uint16_t)c->port, &ss);
	if (err == 0 && connect(fd, (struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS)
		err = errno;
	if (err == 0)
		return fd;
	close(fd);
	return -err;
}

/* One at a time for each collector. */
static void
dial_drop(struct bmp *b, uint32_t id)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &b->dials) {
		struct dial *d = container_of(n, struct dial, link);

		if (d->id == id)
			dial_free(d);
	}
}

void
bmp_connect(struct bmp *b, uint32_t id, uint32_t token)
{
	static const struct timeval limit = { CONNECT_S, 0 };
	const struct conf_bmp *c = bmp_by_id(b, id);
	struct dial *d = mem_zalloc(sizeof(*d));

	dial_drop(b, id);
	d->b = b;
	d->id = id;
	d->token = token;
	d->fd = c ? dial_start(b->a, c) : -ENOENT;
	if (d->fd < 0) {
		d->err = -d->fd;
		d->fd = -1;
	}
	list_init(&d->link);
	list_push_back(&b->dials, &d->link);
	d->ev = event_new(b->a->base, d->fd, d->fd >= 0 ? EV_WRITE : 0, on_dial, d);
	if (d->err)
		event_active(d->ev, EV_WRITE, 0); /* never answer from within the call */
	else
		event_add(d->ev, &limit);
}

void
bmp_cancel_all(struct bmp *b)
{
	struct list *n, *tmp;

	LIST_FOREACH_SAFE(n, tmp, &b->dials)
		dial_free(container_of(n, struct dial, link));
}

/* ---- life ------------------------------------------------------------------------------ */

struct bmp *
bmp_new(struct agent *a)
{
	struct bmp *b = mem_zalloc(sizeof(*b));

	b->a = a;
	list_init(&b->dials);
	return b;
}

void
bmp_free(struct bmp *b)
{
	if (!b)
		return;
	bmp_cancel_all(b);
	mem_free(b->name);
	mem_free(b);
}
