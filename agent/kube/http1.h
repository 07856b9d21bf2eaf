/*
 * The client's side of HTTP/1.1 (RFC 9112): octets in, events out.
 *
 * Pure: no I/O, no allocation. A body is handed on as it arrives, half a chunk too: a chunk is
 * never collected. Everything a server may make long is bounded: a header line is kept as far as
 * its room goes, the whole head has a limit, and so has the trailer.
 */
#ifndef AGENT_KUBE_HTTP1_H
#define AGENT_KUBE_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP1_LINE_MAX 1024	  /* octets that are kept of a line; more are read over */
#define HTTP1_HEAD_MAX (64 << 10) /* octets of a head, and of a trailer */

enum http1_kind {
	HTTP1_MORE, /* the input is used up */
	HTTP1_HEAD, /* status and fields are known */
	HTTP1_BODY, /* p and n: octets of the body, borrowed from the input */
	HTTP1_END,  /* the answer is complete */
	HTTP1_BAD,  /* not HTTP, or too much of it; why says so; sticky */
};

struct http1_event {
	enum http1_kind kind;
	const uint8_t *p;
	size_t n;
	const char *why; /* static */
};

struct http1 {
	/* Valid from HTTP1_HEAD on. */
	int status;
	bool keep_alive;      /* the connection may be used again, after HTTP1_END */
	bool json;	      /* Content-Type is application/json, or none was given */
	bool retry_after;     /* the field is there */
	uint32_t retry_after_s; /* of a date, or of nonsense, HTTP1_RETRY_DATE_S */

	/* private */
	uint8_t state;
	bool chunked, has_length, minor0;
	uint64_t left;
	uint32_t head_octets;
	size_t line_len;
	char line[HTTP1_LINE_MAX];
	const char *why;
};

#define HTTP1_RETRY_DATE_S 10

/* Ready for the answer to one request. */
void http1_init(struct http1 *h);

/* The next event in the octets at *in, *n of them; both move past what was used. */
struct http1_event http1_next(struct http1 *h, const uint8_t **in, size_t *n);

/* The connection was ended cleanly: does that end the answer (RFC 9112 section 6.3)? */
bool http1_end_of_input(struct http1 *h);

#endif
