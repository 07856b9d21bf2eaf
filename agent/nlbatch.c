/*
 * Batched requests; see nlbatch.h.
 *
 * The kernel works through all messages of one sendmsg() before it returns, goes on
 * after one that fails, and queues an NLMSG_ERROR for each failure, with or without
 * NLM_F_ACK; the ACK of the last message closes the series.
 */
#include "agent/nlbatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <string.h>

#include "agent/nlmsg.h"
#include "lib/mem.h"

#define BATCH_OCTETS 65536
#define TEXT_MAX     96
/* 256 refusals with a text must fit; each takes about 1 KB there. */
#define ANSWERS_OCTETS (1 << 20)

struct answer {
	uint64_t token;
	int err;
	bool there;
	char text[TEXT_MAX];
};

struct nlbatch {
	struct nlsock sock;
	uint8_t *recv;	    /* borrowed */
	uint32_t seq;	    /* of the first message */
	size_t n, len, last;
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
	a->there = false;
	a->text[0] = '\0';
	len = nl_build_op(b->buf + b->len, sizeof(b->buf) - b->len, op, seq);
	if (len == 0) {
		len = build_noop(b->buf + b->len, seq);
		a->err = EMSGSIZE;
	}
	b->last = b->len;
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
	return i == b->n - 1;
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

size_t
nlbatch_send(struct nlbatch *b, struct fib *f, struct mono_us (*now)(void), bool *ret_lost)
{
	struct nlmsghdr *last = (struct nlmsghdr *)(void *)(b->buf + b->last);
	size_t i, errors = 0;
	struct mono_us t;
	int missing;

	*ret_lost = false;
	if (b->n == 0)
		return 0;
	last->nlmsg_flags |= NLM_F_ACK;
	missing = -nlsock_send(&b->sock, b->buf, b->len);
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
