/*
 * Batched requests; see nlbatch.h.
 *
 * The kernel works through all messages of one sendmsg() before it returns, goes on
 * after one that fails, and queues an NLMSG_ERROR for each failure, with or without
 * NLM_F_ACK; the ACK of the last message closes the series.
 *
 * New IPv4 routes that follow each other go in an order of their own. The kernel's tree
 * grows by doubling a node when it is half full, and neighbours that come one by one fill
 * a new one each time: those of a batch take two thirds of the nodes when they come far
 * apart, and a tenth of all time less.
 */
#include "agent/nlbatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/uio.h>

#include "agent/nlmsg.h"
#include "lib/mem.h"

#define BATCH_OCTETS 65536
#define TEXT_MAX     96
/* 256 refusals with a text must fit; each takes about 1 KB there. */
#define ANSWERS_OCTETS (1 << 20)

struct answer {
	uint64_t token;
	int err;
	uint32_t at; /* of the message, in octets */
	bool there;
	bool any_order; /* among its neighbours of that kind */
	char text[TEXT_MAX];
};

struct nlbatch {
	struct nlsock sock;
	uint8_t *recv;	    /* borrowed */
	uint32_t seq;	    /* of the first message */
	size_t n, len, last; /* last: index of the one that goes last */
	struct answer op[NLBATCH_OPS];
	char buf[BATCH_OCTETS] __attribute__((aligned(8)));
};

struct nlbatch *
nlbatch_new(uint8_t *recv)
{
	struct nlbatch *b = mem_zalloc(sizeof(*b));
	int rc = nlsock_open(&b->sock);

	b->recv = recv;
	b->seq = 1;
	if (rc < 0) {
		nlbatch_free(b);
		errno = -rc;
		return NULL;
	}
	nlsock_set_rcvbuf(&b->sock, ANSWERS_OCTETS);
	return b;
}

void
nlbatch_free(struct nlbatch *b)
{
	if (!b)
		return;
	nlsock_close(&b->sock);
	mem_free(b);
}

uint32_t
nlbatch_port(const struct nlbatch *b)
{
	return b->sock.port;
}

size_t
nlbatch_count(const struct nlbatch *b)
{
	return b->n;
}

/* Keep the place of what cannot be built with a message that does nothing. */
static size_t
build_noop(void *buf, uint32_t seq)
{
	struct nlmsghdr *h = buf;

	*h = (struct nlmsghdr){ .nlmsg_len = NLMSG_HDRLEN,
		.nlmsg_type = NLMSG_NOOP,
		.nlmsg_flags = NLM_F_REQUEST,
		.nlmsg_seq = seq };
	return NLMSG_HDRLEN;
}

static bool
any_order(const struct fib_kop *op)
{
	return op->kind == FIB_OP_ROUTE_ADD && op->route.prefix.af == IP4;
}

bool
nlbatch_add(struct nlbatch *b, const struct fib_kop *op)
{
	struct answer *a = &b->op[b->n];
	uint32_t seq = b->seq + (uint32_t)b->n;
	size_t len;

	if (b->n == NLBATCH_OPS || b->len + NL_OP_OCTETS > sizeof(b->buf))
		return false;
	a->token = op->token;
	a->err = 0;
	a->at = (uint32_t)b->len;
	a->there = false;
	a->any_order = any_order(op);
	a->text[0] = '\0';
	len = nl_build_op(b->buf + b->len, sizeof(b->buf) - b->len, op, seq);
	if (len == 0) {
		len = build_noop(b->buf + b->len, seq);
		a->err = EMSGSIZE;
	}
	b->len += len;
	b->n++;
	return true;
}

/* One answer of the kernel. True: it closes the series. */
static bool
take_answer(struct nlbatch *b, const struct nlmsghdr *h)
{
	uint32_t i = h->nlmsg_seq - b->seq;
	char text[TEXT_MAX];
	int err;

	if (h->nlmsg_type != NLMSG_ERROR || i >= b->n)
		return false; /* to an earlier batch, or nothing of ours */
	err = nl_parse_error(h, text, sizeof(text));
	b->op[i].there = true;
	if (err != 0) {
		b->op[i].err = err;
		memcpy(b->op[i].text, text, sizeof(text));
	}
	return i == b->last;
}

/* Read until the series is closed; false: answers are missing, or may be. */
static bool
read_answers(struct nlbatch *b)
{
	bool whole = true, closed = false;
	unsigned int reads;

	for (reads = 0; !closed && reads < 4 * NLBATCH_OPS; reads++) {
		ssize_t got = nlsock_recv(&b->sock, b->recv, NLSOCK_DATAGRAM);
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)b->recv;
		int left = (int)got;

		if (got == 0)
			return false;
		whole &= got > 0;
		for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			closed |= take_answer(b, h);
	}
	return whole && closed;
}

static struct iovec
message(struct nlbatch *b, size_t i)
{
	size_t end = i + 1 < b->n ? b->op[i + 1].at : b->len;

	return (struct iovec){ b->buf + b->op[i].at, end - b->op[i].at };
}

static uint32_t
mirror(uint32_t x, unsigned int bits)
{
	uint32_t r = 0;

	for (; bits > 0; bits--, x >>= 1)
		r = r << 1 | (x & 1);
	return r;
}

/* Those from first to end, each where the bits of its number say when they are mirrored. */
static struct iovec *
spread(struct nlbatch *b, size_t first, size_t end, struct iovec *ret)
{
	unsigned int bits = 0;
	uint32_t x, r;

	while (first + ((size_t)1 << bits) < end)
		bits++;
	for (x = 0; x < (uint32_t)1 << bits; x++) {
		r = mirror(x, bits);
		if (first + r >= end)
			continue;
		b->last = first + r;
		*ret++ = message(b, b->last);
	}
	return ret;
}

/* 0 or -errno. */
static int
send_all(struct nlbatch *b)
{
	struct iovec v[NLBATCH_OPS], *p = v;
	struct nlmsghdr *last;
	size_t i, end;

	for (i = 0; i < b->n; i = end) {
		for (end = i + 1; end < b->n && b->op[i].any_order && b->op[end].any_order; end++)
			continue;
		p = spread(b, i, end, p);
	}
	last = (struct nlmsghdr *)(void *)(b->buf + b->op[b->last].at);
	last->nlmsg_flags |= NLM_F_ACK;
	return nlsock_sendv(&b->sock, v, (size_t)(p - v));
}

size_t
nlbatch_send(struct nlbatch *b, struct fib *f, struct mono_us (*now)(void), bool *ret_lost)
{
	size_t i, errors = 0;
	struct mono_us t;
	int missing;

	*ret_lost = false;
	if (b->n == 0)
		return 0;
	missing = -send_all(b);
	if (missing == 0 && !read_answers(b)) {
		missing = EAGAIN;
		*ret_lost = true;
	}
	t = now();
	for (i = 0; i < b->n; i++) {
		struct answer *a = &b->op[i];

		if (missing != 0 && !a->there && a->err == 0)
			a->err = missing;
		errors += a->err != 0;
		fib_result(f, t, a->token, a->err, a->text[0] ? a->text : a->err ? strerror(a->err) : "");
	}
	b->seq += (uint32_t)b->n;
	b->n = b->len = 0;
	return errors;
}
