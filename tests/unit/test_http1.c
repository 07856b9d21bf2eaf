/*
 * HTTP/1.1 answers (RFC 9112): each case whole, octet by octet and cut in two everywhere must give
 * the same body and the same end.
 */
#include <stdio.h>

#include "agent/kube/http1.h"
#include "tests/unit/unit.h"

struct got {
	int status;
	char body[512];
	size_t len;
	enum http1_kind end; /* END, BAD, or MORE */
	bool keep_alive, json, retry_after;
	uint32_t retry_after_s;
};

static void
feed(struct http1 *h, struct got *g, const char *p, size_t n)
{
	const uint8_t *in = (const uint8_t *)p;

	while (g->end == HTTP1_MORE) {
		struct http1_event e = http1_next(h, &in, &n);

		if (e.kind == HTTP1_HEAD)
			g->status = h->status;
		if (e.kind == HTTP1_BODY) {
			memcpy(g->body + g->len, e.p, e.n);
			g->len += e.n;
		}
		if (e.kind == HTTP1_END || e.kind == HTTP1_BAD)
			g->end = e.kind;
		if (e.kind == HTTP1_MORE && n == 0)
			break;
	}
	g->keep_alive = h->keep_alive;
	g->json = h->json;
	g->retry_after = h->retry_after;
	g->retry_after_s = h->retry_after_s;
	g->body[g->len] = '\0';
}

static struct got
whole(const char *text)
{
	struct got g = { .end = HTTP1_MORE };
	struct http1 h;

	http1_init(&h);
	feed(&h, &g, text, strlen(text));
	return g;
}

static const struct {
	const char *name, *in, *body;
	int status;
	enum http1_kind end;
	bool keep_alive;
} answers[] = {
	{ "6.3 length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, HTTP1_END, true },
	{ "6.3 length not reached", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "hello", 200,
	    HTTP1_MORE, true },
	{ "6.3 length 0", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", "", 201, HTTP1_END, true },
	{ "6.3 no body", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, HTTP1_END, true },
	{ "6.3 up to the end", "HTTP/1.1 200 OK\r\n\r\nabc", "abc", 200, HTTP1_MORE, false },
	{ "7.1 chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n"
			 "0123456789\r\n0\r\n\r\n", "abc0123456789", 200, HTTP1_END, true },
	{ "7.1.2 trailer", "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n"
			   "Expires: never\r\n\r\n", "a", 200, HTTP1_END, true },
	{ "7.1 half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhal", "hal", 200,
	    HTTP1_MORE, true },
	{ "6.1 both", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
		      "0\r\n\r\n", "a", 200, HTTP1_END, false },
	{ "2.2 bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok", 200, HTTP1_END, true },
	{ "9.3 close", "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 0\r\n\r\n", "", 200,
	    HTTP1_END, false },
	{ "9.3 version 1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, HTTP1_END, false },
	{ "4 no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "", 200, HTTP1_END, true },
	{ "interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 1\r\n\r\nx", "x",
	    403, HTTP1_END, true },
	{ "101 unasked", "HTTP/1.1 101 Switching\r\n\r\n", "", 0, HTTP1_BAD, false },
	{ "not HTTP", "\x15\x03\x03\x01\x02\r\n", "", 0, HTTP1_BAD, false },
	{ "h2", "PRI * HTTP/2.0\r\n", "", 0, HTTP1_BAD, false },
	{ "status of four digits", "HTTP/1.1 2000 OK\r\n", "", 0, HTTP1_BAD, false },
	{ "status below 100", "HTTP/1.1 099 OK\r\n", "", 0, HTTP1_BAD, false },
	{ "5.2 folded", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "", 0, HTTP1_BAD, false },
	{ "no colon", "HTTP/1.1 200 OK\r\nhello\r\n\r\n", "", 0, HTTP1_BAD, false },
	{ "6.3 two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "", 0,
	    HTTP1_BAD, false },
	{ "6.3 the same twice", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "x", 200,
	    HTTP1_END, true },
	{ "length below 0", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "", 0, HTTP1_BAD, false },
	{ "length too large", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "", 0,
	    HTTP1_BAD, false },
	{ "6.1 gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "", 0, HTTP1_BAD, false },
	{ "content coding", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", "", 0, HTTP1_BAD, false },
	{ "chunk without size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "", 200, HTTP1_BAD,
	    false },
	{ "chunk size overflows", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
	    "", 200, HTTP1_BAD, false },
	{ "chunk longer than said", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "a", 200,
	    HTTP1_BAD, false },
	{ "chunk size below 0", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "", 200, HTTP1_BAD,
	    false },
};

static void
check(int i, const struct got *g, size_t cut)
{
	ck_assert_msg(g->end == answers[i].end, "%s, cut at %zu: ended as %d", answers[i].name, cut, g->end);
	ck_assert_msg(g->status == answers[i].status, "%s, cut at %zu: status %d", answers[i].name, cut,
	    g->status);
	ck_assert_msg(strcmp(g->body, answers[i].body) == 0, "%s, cut at %zu: \"%s\"", answers[i].name, cut,
	    g->body);
	ck_assert_msg(g->keep_alive == answers[i].keep_alive, "%s, cut at %zu", answers[i].name, cut);
}

START_TEST(answer)
{
	const char *in = answers[_i].in;
	size_t n = strlen(in);

	for (size_t cut = 0; cut <= n; cut++) {
		struct got g = { .end = HTTP1_MORE };
		struct http1 h;

		http1_init(&h);
		feed(&h, &g, in, cut);
		feed(&h, &g, in + cut, n - cut);
		check(_i, &g, cut);
	}
}
END_TEST

START_TEST(octet_by_octet)
{
	struct got g = { .end = HTTP1_MORE };
	struct http1 h;

	http1_init(&h);
	for (const char *p = answers[_i].in; *p; p++)
		feed(&h, &g, p, 1);
	check(_i, &g, 1);
}
END_TEST

/* Half of a chunk is told at once: an event must not wait for the rest of another. */
START_TEST(half_chunk_at_once)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n";
	struct got g = { .end = HTTP1_MORE };
	struct http1 h;

	http1_init(&h);
	feed(&h, &g, head, strlen(head));
	feed(&h, &g, "abc", 3);
	ck_assert_str_eq(g.body, "abc");
}
END_TEST

START_TEST(end_of_input)
{
	static const char open[] = "HTTP/1.1 200 OK\r\n\r\nabc", cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"
		"\r\nabc";
	struct got g = { .end = HTTP1_MORE };
	struct http1 h;

	http1_init(&h);
	feed(&h, &g, open, strlen(open));
	ck_assert(http1_end_of_input(&h)); /* RFC 9112 section 6.3, case 8 */
	g = (struct got){ .end = HTTP1_MORE };
	http1_init(&h);
	feed(&h, &g, cut, strlen(cut));
	ck_assert(!http1_end_of_input(&h));
}
END_TEST

START_TEST(retry_after)
{
	struct got g = whole("HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nRetry-After: 7\r\n"
			     "Content-Length: 0\r\n\r\n");

	ck_assert(g.retry_after && !g.json);
	ck_assert_uint_eq(g.retry_after_s, 7);
	g = whole("HTTP/1.1 503 x\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n");
	ck_assert(g.retry_after && g.json);
	ck_assert_uint_eq(g.retry_after_s, HTTP1_RETRY_DATE_S);
	ck_assert(!whole("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").retry_after);
}
END_TEST

/* Endless heads and trailers end; a long field that nobody looks at does not. */
START_TEST(bounds)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nX: ", chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
		"chunked\r\n\r\n0\r\nX: ";
	static char much[HTTP1_HEAD_MAX];
	struct got g = { .end = HTTP1_MORE };
	struct http1 h;

	memset(much, 'x', sizeof much);
	http1_init(&h);
	feed(&h, &g, ok, strlen(ok));
	feed(&h, &g, much, 40000);
	feed(&h, &g, "\r\nContent-Length: 2\r\n\r\nok", 25);
	ck_assert_int_eq(g.end, HTTP1_END);
	ck_assert_str_eq(g.body, "ok");
	for (int i = 0; i < 2; i++) {
		g = (struct got){ .end = HTTP1_MORE };
		http1_init(&h);
		feed(&h, &g, i ? chunked : ok, strlen(i ? chunked : ok));
		feed(&h, &g, much, sizeof much);
		ck_assert_int_eq(g.end, HTTP1_BAD);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http1");
	TCase *tc = unit_case(s, "http1");

	tcase_add_loop_test(tc, answer, 0, NROWS(answers));
	tcase_add_loop_test(tc, octet_by_octet, 0, NROWS(answers));
	tcase_add_test(tc, half_chunk_at_once);
	tcase_add_test(tc, end_of_input);
	tcase_add_test(tc, retry_after);
	tcase_add_test(tc, bounds);
	return unit_run(s);
}
