/*
 * Dumps; see nldump.h.
 *
 * Strict checking (NETLINK_GET_STRICT_CHK, set by nl.c) lets the kernel filter
 * routes by table: one request for each table that matters.  A dump that changes
 * interrupted (NLM_F_DUMP_INTR) is done again, since rows may be missing.
 */
#include "agent/nldump.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/mem.h"

#define READS_A_TURN 16
#define DUMP_OCTETS  32768 /* the kernel fills up to that much at once */
#define INTR_MAX     8	   /* then what there is must do; the monitor tells the rest */

struct nldump {
	struct nl_sock *sk;
	struct fib *fib;
	struct mono_us (*now)(void);
	bool want[KERN_NWHAT];
	bool busy, interrupted;
	enum kern_what what;
	uint32_t table[FIB_TABLES_MAX];
	size_t ntables, at;
	uint32_t seq;
	unsigned int intr;
	struct nldump_stats stats;
	struct nl_seen seen; /* scratch */
	char buf[DUMP_OCTETS] __attribute__((aligned(8)));
};

struct nldump *
nldump_new(struct nl_sock *sk, struct fib *f, struct mono_us (*now)(void))
{
	struct nldump *d = mem_zalloc(sizeof(*d));

	d->sk = sk;
	d->fib = f;
	d->now = now;
	return d;
}

void
nldump_free(struct nldump *d)
{
	mem_free(d);
}

bool
nldump_busy(const struct nldump *d)
{
	return d->busy;
}

void
nldump_stats(const struct nldump *d, struct nldump_stats *ret)
{
	*ret = d->stats;
}

void
nldump_want(struct nldump *d, enum kern_what what)
{
	d->want[what] = true;
}

static bool
is_routes(enum kern_what what)
{
	return what == KERN_ROUTES4 || what == KERN_ROUTES6;
}

static bool
request(struct nldump *d)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	struct nl_msg *m = nlmsg_alloc_size(512);
	bool ok;

	if (!m)
		return false;
	d->seq++;
	ok = nl_build_dump(m, d->what, is_routes(d->what) ? d->table[d->at] : 0, d->seq) &&
	    sendto(nl_socket_get_fd(d->sk), nlmsg_hdr(m), nlmsg_hdr(m)->nlmsg_len, 0,
		(struct sockaddr *)&to, sizeof(to)) >= 0;
	nlmsg_free(m);
	return ok;
}

static void
finish(struct nldump *d)
{
	d->busy = false;
	d->stats.dumps++;
	fib_dump_end(d->fib, d->now(), d->what);
}

static void
begin(struct nldump *d)
{
	d->busy = true;
	d->interrupted = false;
	d->at = 0;
	d->ntables = is_routes(d->what) ? fib_tables(d->fib, d->table) : 1;
	fib_dump_begin(d->fib, d->now(), d->what);
	if (!request(d)) {
		/* No memory in the kernel: what is known stays as it is. The dump is not ended. */
		d->busy = false;
		d->want[d->what] = true;
	}
}

void
nldump_start(struct nldump *d)
{
	int w;

	for (w = 0; w < KERN_NWHAT && !d->busy; w++) {
		if (!d->want[w])
			continue;
		d->want[w] = false;
		d->what = (enum kern_what)w;
		d->intr = 0;
		begin(d);
		return;
	}
}

/* One request is answered completely: on to the next table, again, or done. */
static void
request_done(struct nldump *d)
{
	if (d->interrupted && d->intr++ < INTR_MAX) {
		d->stats.retries++;
		begin(d);
		return;
	}
	if (++d->at < d->ntables && request(d))
		return;
	finish(d);
}

/* NLMSG_DONE may carry an error, too. */
static int
done_error(const struct nlmsghdr *h)
{
	int err = 0;

	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(err))
		memcpy(&err, NLMSG_DATA(h), sizeof(err));
	return err < 0 ? -err : 0;
}

static void
dump_failed(struct nldump *d, int err)
{
	if (err == EOPNOTSUPP && d->what == KERN_NEXTHOPS)
		fib_nexthop_support(d->fib, d->now(), false);
	else if (err == EINTR || err == EAGAIN || err == EBUSY)
		d->interrupted = true;
	/* ENOENT: a table without routes does not exist. */
}

/* True: that was the last message of the request. */
static bool
take(struct nldump *d, const struct nlmsghdr *h, struct mono_us t)
{
	char text[8];

	if (h->nlmsg_seq != d->seq)
		return false;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		d->interrupted = true;
	if (h->nlmsg_type == NLMSG_ERROR) {
		dump_failed(d, nl_parse_error(h, text, sizeof(text)));
		return true;
	}
	if (h->nlmsg_type == NLMSG_DONE) {
		dump_failed(d, done_error(h));
		return true;
	}
	if (nl_parse(h, &d->seen) && !d->seen.gone)
		nl_feed(d->fib, t, &d->seen, FIB_BY_DUMP);
	return false;
}

bool
nldump_read(struct nldump *d)
{
	int reads;
	bool fed = false;

	for (reads = 0; reads < READS_A_TURN && d->busy; reads++) {
		ssize_t got = recv(nl_socket_get_fd(d->sk), d->buf, sizeof(d->buf), MSG_DONTWAIT);
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)d->buf;
		int left = (int)got;
		struct mono_us t = d->now();

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		fed = true;
		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			if (take(d, h, t)) {
				request_done(d);
				break;
			}
		}
	}
	return fed;
}
