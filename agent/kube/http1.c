/*
 * HTTP/1.1 answers, one state machine over lines and octets (RFC 9112).
 *
 * A line is collected up to its LF; what does not fit is read over, as no field that we look at
 * is long. Framing follows section 6.3: no body, chunked, Content-Length, up to the end of the
 * connection. Folded fields, and codings other than chunked, are refused: no API server uses them,
 * and they are how two readers come to disagree about where an answer ends.
 */
#include "agent/kube/http1.h"

#include <string.h>
#include <strings.h>

enum state { ST_STATUS, ST_FIELD, ST_LENGTH, ST_CLOSE, ST_SIZE, ST_CHUNK, ST_CHUNK_END, ST_TRAILER,
	ST_DONE, ST_BAD };

void
http1_init(struct http1 *h)
{
	memset(h, 0, offsetof(struct http1, line));
	h->state = ST_STATUS;
	h->json = true;
	h->line[0] = '\0';
	h->why = NULL;
}

static struct http1_event
bad(struct http1 *h, const char *why)
{
	h->state = ST_BAD;
	h->why = why;
	h->keep_alive = false;
	return (struct http1_event){ .kind = HTTP1_BAD, .why = why };
}

/* Move octets up to the end of a line over; true: h->line is a whole one, without its end. */
static bool
take_line(struct http1 *h, const uint8_t **in, size_t *n)
{
	const uint8_t *lf = memchr(*in, '\n', *n);
	size_t len = lf ? (size_t)(lf - *in) : *n, room = HTTP1_LINE_MAX - 1 - h->line_len;
	size_t keep = len < room ? len : room;

	memcpy(h->line + h->line_len, *in, keep);
	h->line_len += keep;
	h->head_octets += (uint32_t)(len < HTTP1_HEAD_MAX ? len + 1 : HTTP1_HEAD_MAX);
	*in += len + (lf != NULL);
	*n -= len + (lf != NULL);
	if (!lf)
		return false;
	if (h->line_len > 0 && h->line[h->line_len - 1] == '\r')
		h->line_len--;
	h->line[h->line_len] = '\0';
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" (RFC 9112 section 4). */
static bool
parse_status(struct http1 *h)
{
	const char *l = h->line;

	if (strncmp(l, "HTTP/1.", 7) != 0 || !is_digit(l[7]) || l[8] != ' ' || !is_digit(l[9]) ||
	    !is_digit(l[10]) || !is_digit(l[11]) || (l[12] != ' ' && l[12] != '\0') || l[9] == '0')
		return false;
	h->minor0 = l[7] == '0';
	h->status = (l[9] - '0') * 100 + (l[10] - '0') * 10 + (l[11] - '0');
	h->keep_alive = !h->minor0;
	return true;
}

/* Digits only, and not more than a number holds; false: something else. */
static bool
parse_number(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); s++) {
		if (v > (max - (uint64_t)(*s - '0')) / 10)
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	*ret = v;
	return *s == '\0';
}

/* Is word among the comma-separated ones of a field's value? */
static bool
has_word(const char *value, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = value; *s; s += strcspn(s, ",")) {
		s += strspn(s, ", \t");
		if (strncasecmp(s, word, n) == 0 && (!s[n] || strchr(", \t;", s[n])))
			return true;
	}
	return false;
}

static bool
field_length(struct http1 *h, const char *v)
{
	uint64_t n;

	if (!parse_number(v, UINT64_MAX / 2, &n) || (h->has_length && n != h->left))
		return false;
	h->has_length = true;
	h->left = n;
	return true;
}

static bool
field_coding(struct http1 *h, const char *v)
{
	if (strcasecmp(v, "chunked") != 0)
		return false;
	h->chunked = true;
	return true;
}

static bool
field_connection(struct http1 *h, const char *v)
{
	if (has_word(v, "close"))
		h->keep_alive = false;
	else if (has_word(v, "keep-alive"))
		h->keep_alive = true;
	return true;
}

static bool
field_type(struct http1 *h, const char *v)
{
	h->json = has_word(v, "application/json");
	return true;
}

static bool
field_retry(struct http1 *h, const char *v)
{
	uint64_t s;

	h->retry_after = true;
	h->retry_after_s = parse_number(v, UINT32_MAX, &s) ? (uint32_t)s : HTTP1_RETRY_DATE_S;
	return true;
}

static bool
field_encoding(struct http1 *h, const char *v)
{
	return strcasecmp(v, "identity") == 0; /* we asked for no other */
}

static const struct {
	const char *name;
	bool (*take)(struct http1 *h, const char *value);
} fields[] = {
	{ "content-length", field_length },
	{ "transfer-encoding", field_coding },
	{ "connection", field_connection },
	{ "content-type", field_type },
	{ "content-encoding", field_encoding },
	{ "retry-after", field_retry },
};

/* NULL, or what is wrong. */
static const char *
parse_field(struct http1 *h)
{
	char *colon = strchr(h->line, ':'), *v, *end;

	if (h->line[0] == ' ' || h->line[0] == '\t')
		return "folded header field";
	if (!colon || colon == h->line)
		return "header field without a name";
	*colon = '\0';
	v = colon + 1 + strspn(colon + 1, " \t");
	end = v + strlen(v);
	while (end > v && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcasecmp(h->line, fields[i].name) == 0)
			return fields[i].take(h, v) ? NULL : "header field with a bad value";
	return NULL;
}

/* The empty line: what follows (RFC 9112 section 6.3)? */
static struct http1_event
end_of_head(struct http1 *h)
{
	if (h->status < 200) { /* interim, another head follows */
		if (h->status == 101)
			return bad(h, "switched protocols unasked");
		h->state = ST_STATUS;
		h->chunked = h->has_length = false;
		return (struct http1_event){ .kind = HTTP1_MORE };
	}
	if (h->chunked && h->has_length)
		h->keep_alive = false; /* section 6.1: somebody on the way is confused */
	if (h->status == 204 || h->status == 304) {
		h->state = ST_LENGTH;
		h->left = 0;
	} else if (h->chunked) {
		h->state = ST_SIZE;
	} else if (h->has_length) {
		h->state = ST_LENGTH;
	} else {
		h->state = ST_CLOSE;
		h->keep_alive = false;
	}
	return (struct http1_event){ .kind = HTTP1_HEAD };
}

/* "1a2b;extension" (section 7.1). */
static bool
parse_chunk_size(struct http1 *h)
{
	const char *s = h->line;
	uint64_t v = 0;

	for (; *s && strchr("0123456789abcdefABCDEF", *s); s++) {
		if (v >> 56)
			return false;
		v = v * 16 + (uint64_t)(is_digit(*s) ? *s - '0' : (*s | 32) - 'a' + 10);
	}
	if (s == h->line || (*s && !strchr("; \t", *s)))
		return false;
	h->left = v;
	h->state = v ? ST_CHUNK : ST_TRAILER;
	return true;
}

/* A line was read in a state that consists of lines. */
static struct http1_event
take_parsed(struct http1 *h)
{
	const char *why = NULL;
	bool empty = h->line_len == 0;

	h->line_len = 0;
	switch ((enum state)h->state) {
	case ST_STATUS:
		if (!parse_status(h))
			return bad(h, "not an HTTP answer");
		h->state = ST_FIELD;
		break;
	case ST_FIELD:
		if (empty)
			return end_of_head(h);
		why = parse_field(h);
		break;
	case ST_SIZE:
		h->head_octets = 0;
		if (!parse_chunk_size(h))
			why = "bad chunk size";
		break;
	case ST_CHUNK_END:
		if (!empty)
			why = "chunk longer than it said";
		h->state = ST_SIZE;
		break;
	case ST_TRAILER:
		if (empty)
			h->state = ST_DONE;
		break;
	case ST_LENGTH:
	case ST_CLOSE:
	case ST_CHUNK:
	case ST_DONE:
	case ST_BAD:
		break;
	}
	return why ? bad(h, why) : (struct http1_event){ .kind = HTTP1_MORE };
}

static struct http1_event
take_body(struct http1 *h, const uint8_t **in, size_t *n)
{
	struct http1_event e = { .kind = HTTP1_BODY, .p = *in, .n = *n };

	if (h->state != ST_CLOSE) {
		if (e.n > h->left)
			e.n = (size_t)h->left;
		h->left -= e.n;
		if (h->left == 0 && h->state == ST_CHUNK)
			h->state = ST_CHUNK_END;
	}
	*in += e.n;
	*n -= e.n;
	return e;
}

struct http1_event
http1_next(struct http1 *h, const uint8_t **in, size_t *n)
{
	struct http1_event e;

	for (;;) {
		if (h->state == ST_BAD)
			return bad(h, h->why);
		if (h->state == ST_LENGTH && h->left == 0)
			h->state = ST_DONE;
		if (h->state == ST_DONE)
			return (struct http1_event){ .kind = HTTP1_END };
		if (*n == 0)
			return (struct http1_event){ .kind = HTTP1_MORE };
		if (h->state == ST_LENGTH || h->state == ST_CLOSE || h->state == ST_CHUNK)
			return take_body(h, in, n);
		if (!take_line(h, in, n)) {
			if (h->head_octets >= HTTP1_HEAD_MAX)
				return bad(h, "head too long");
			continue;
		}
		if (h->head_octets >= HTTP1_HEAD_MAX)
			return bad(h, "head too long");
		e = take_parsed(h);
		if (e.kind != HTTP1_MORE)
			return e;
	}
}

bool
http1_end_of_input(struct http1 *h)
{
	if (h->state == ST_CLOSE)
		h->state = ST_DONE;
	return h->state == ST_DONE;
}
