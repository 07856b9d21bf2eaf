/*
 * An HTTP/1.1 answer, all at once and in pieces: the same events, whatever the pieces are.
 */
#include <string.h>

#include "agent/kube/http1.h"
#include "tests/fuzz/fuzz.h"

struct seen {
	int status;
	bool keep_alive, json, retry_after;
	uint32_t retry_after_s;
	unsigned heads, ends;
	size_t octets;
	uint32_t hash; /* of the body */
	bool bad, whole;
	size_t used; /* octets of the input, when the answer is complete */
};

static void
see_body(struct seen *s, const struct http1_event *e, const uint8_t *in, size_t len)
{
	HOLD(s->heads == 1 && e->n > 0);
	HOLD(e->p >= in && e->p + e->n <= in + len);
	for (size_t i = 0; i < e->n; i++)
		s->hash = (s->hash ^ e->p[i]) * 16777619u;
	s->octets += e->n;
}

static void
see_head(struct seen *s, const struct http1 *h)
{
	HOLD(s->heads++ == 0);
	HOLD(h->status >= 200 && h->status <= 999);
	s->status = h->status;
	s->json = h->json;
	s->retry_after = h->retry_after;
	s->retry_after_s = h->retry_after_s;
}

/* One piece; false: no more is wanted. */
static bool
feed(struct http1 *h, struct seen *s, const uint8_t *in, size_t len)
{
	const uint8_t *p = in;
	size_t n = len;

	for (;;) {
		struct http1_event e = http1_next(h, &p, &n);

		HOLD(p + n == in + len);
		switch (e.kind) {
		case HTTP1_MORE:
			HOLD(n == 0);
			s->used += len;
			return true;
		case HTTP1_HEAD:
			see_head(s, h);
			break;
		case HTTP1_BODY:
			see_body(s, &e, in, len);
			break;
		case HTTP1_END:
			s->ends++;
			s->used += len - n;
			return false;
		case HTTP1_BAD:
			HOLD(e.why && *e.why && !h->keep_alive);
			s->bad = true;
			return false;
		}
	}
}

static void
run(struct seen *s, const uint8_t *in, size_t len, size_t piece)
{
	struct http1 h;

	memset(s, 0, sizeof(*s));
	memset(&h, 0xa5, sizeof(h));
	http1_init(&h);
	for (size_t at = 0; at < len; at += piece)
		if (!feed(&h, s, in + at, len - at < piece ? len - at : piece))
			break;
	s->keep_alive = h.keep_alive;
	s->whole = http1_end_of_input(&h);
	HOLD(!s->ends || s->whole);
	HOLD(!s->bad || !s->whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	static struct seen all, some;

	run(&all, in, len, len);
	run(&some, in, len, 1 + len % 61);
	HOLD(all.heads == some.heads && all.ends == some.ends && all.bad == some.bad);
	HOLD(all.whole == some.whole && all.octets == some.octets && all.hash == some.hash);
	HOLD(all.status == some.status && all.json == some.json && all.keep_alive == some.keep_alive);
	HOLD(all.retry_after == some.retry_after && all.retry_after_s == some.retry_after_s);
	HOLD(all.bad || all.used == some.used);
	return 0;
}
