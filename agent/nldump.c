/*
 * The dump socket; see nldump.h.
 *
 * The kernel makes a part of a dump when the request comes and each further part
 * while the part before is received; so a socket without a part is a dump that
 * broke off. Before every part what the monitor has is taken in: a part is then
 * never older than the changes that are already known, but for those that come
 * while it waits, and these say more than it does (fib.h).
 */
#include "agent/nldump.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/ipcmsg.h"

/* Datagrams (32 KiB each, some 250 routes) in one slice. */
#define SLICE 4
/* A table that never holds still is taken as it is after so many tries. */
#define TRIES_MAX	   8
#define RETRY_FIRST_US	   100000
#define RETRY_MAX_US	   5000000

static int
open_socket(struct nldump *d)
{
	int one = 1, err = nlsock_open(&d->sock);

	if (err == 0)
		d->strict = setsockopt(d->sock.fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one,
		    sizeof one) == 0;
	return err;
}

int
nldump_open(struct nldump *d, uint8_t *recv, const struct nldump_ops *ops, void *ctx)
{
	memset(d, 0, sizeof *d);
	d->recv = recv;
	d->ops = ops;
	d->ctx = ctx;
	return open_socket(d);
}

void
nldump_close(struct nldump *d)
{
	nlsock_close(&d->sock);
}

void
nldump_want(struct nldump *d, enum kern_what what)
{
	d->wanted[what] = true;
}

static bool
is_routes(enum kern_what what)
{
	return what == KERN_ROUTES4 || what == KERN_ROUTES6;
}

/* Start d->what from its first table. */
static void
begin(struct nldump *d)
{
	d->running = true;
	d->asked = d->interrupted = false;
	d->at = 0;
	d->ntables = 1;
	d->table[0] = 0;
	if (is_routes(d->what) && d->strict)
		d->ntables = d->ops->tables(d->ctx, d->table);
	d->dumps++;
	d->ops->begin(d->ctx, d->what);
}

static bool
begin_next(struct nldump *d)
{
	int w;

	for (w = 0; w < KERN_NWHAT; w++) {
		if (!d->wanted[w])
			continue;
		d->wanted[w] = false;
		d->what = (enum kern_what)w;
		d->tries = 0;
		begin(d);
		return true;
	}
	return false;
}

static void
end(struct nldump *d)
{
	if (d->interrupted && d->tries < TRIES_MAX) {
		d->tries++;
		d->retries++;
		begin(d);
		return;
	}
	if (d->interrupted)
		d->ops->failed(d->ctx, d->what, EINTR, "changes all the time, taken as it is");
	d->running = false;
	d->ops->end(d->ctx, d->what);
}

/* The kernel's half-made dump goes with its socket; ours starts anew later. */
static void
fail(struct nldump *d, struct mono_us now, int err, const char *text)
{
	uint64_t us = RETRY_FIRST_US << (d->tries < TRIES_MAX ? d->tries : TRIES_MAX);

	d->ops->failed(d->ctx, d->what, err, text);
	nlsock_close(&d->sock);
	d->tries++;
	d->retries++;
	d->retry_at = mono_add_us(now, us < RETRY_MAX_US ? us : RETRY_MAX_US);
}

/* True: the error only means that there is nothing of the kind. */
static bool
is_empty(const struct nldump *d, int err)
{
	if (d->what == KERN_NEXTHOPS)
		return err == EOPNOTSUPP;
	if (is_routes(d->what)) /* no such table; no IPv6 in this kernel */
		return err == ENOENT || err == EOPNOTSUPP || err == EAFNOSUPPORT;
	return false;
}

/* The kernel's last message of one request. */
static void
part_done(struct nldump *d, struct mono_us now, const struct nlmsghdr *h)
{
	char text[IPC_TEXT_MAX];
	int err = nl_parse_error(h, text, sizeof text);

	if (err != 0 && !is_empty(d, err)) {
		fail(d, now, err, text);
		return;
	}
	if (d->what == KERN_NEXTHOPS)
		d->ops->nexthops(d->ctx, err == 0);
	d->asked = false;
	if (++d->at >= d->ntables)
		end(d);
}

/* A kernel without IPv6 dumps what it has instead. */
static bool
is_asked_for(const struct nldump *d)
{
	return d->seen.what == d->what && !d->seen.gone;
}

static void
on_message(struct nldump *d, struct mono_us now, const struct nlmsghdr *h)
{
	if (h->nlmsg_seq != d->seq || !d->asked)
		return;
	d->interrupted |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
		part_done(d, now, h);
	else if (nl_parse(h, &d->seen) && is_asked_for(d))
		d->ops->object(d->ctx, &d->seen);
}

static void
ask(struct nldump *d, struct mono_us now)
{
	uint32_t buf[NL_DUMP_OCTETS / 4];
	size_t len = nl_build_dump(buf, sizeof buf, d->what, d->table[d->at], ++d->seq);
	int err = nlsock_send(&d->sock, buf, len);

	d->asked = err == 0;
	if (err < 0)
		fail(d, now, -err, "");
}

static void
read_part(struct nldump *d, struct mono_us now)
{
	ssize_t n = nlsock_recv(&d->sock, d->recv, NLSOCK_DATAGRAM);
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)d->recv;
	int left = (int)n;

	if (n <= 0) {
		fail(d, now, n < 0 ? (int)-n : EPROTO, "the dump broke off");
		return;
	}
	for (; d->sock.fd >= 0 && nlmsg_ok(h, left); h = nlmsg_next(h, &left))
		on_message(d, now, h);
}

void
nldump_step(struct nldump *d, struct mono_us now)
{
	int turn, err;

	if (mono_before(now, d->retry_at))
		return;
	d->retry_at = (struct mono_us){ 0 };
	if (d->sock.fd < 0) {
		err = open_socket(d);
		if (err < 0) {
			fail(d, now, -err, "");
			return;
		}
		begin(d);
	}
	for (turn = 0; turn < SLICE && d->sock.fd >= 0; turn++) {
		if (!d->running && !begin_next(d))
			return;
		if (!d->ops->catch_up(d->ctx))
			return;
		if (!d->asked)
			ask(d, now);
		else
			read_part(d, now);
	}
}

struct mono_us
nldump_due(const struct nldump *d)
{
	int w;

	if (d->running)
		return d->sock.fd < 0 ? d->retry_at : (struct mono_us){ 0 };
	for (w = 0; w < KERN_NWHAT; w++) {
		if (d->wanted[w])
			return (struct mono_us){ 0 };
	}
	return MONO_NEVER;
}
