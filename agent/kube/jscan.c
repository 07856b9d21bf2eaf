/*
 * Where a JSON value ends: brackets counted, strings read over.
 *
 * The value under way is collected in one buffer, which is given back when it has become large:
 * the memory of a client with many watches is that of small buffers.
 */
#include "agent/kube/jscan.h"

#include <string.h>

#include "lib/mem.h"

#define BUF_KEPT (16u << 10)

enum state {
	ST_TOP,	      /* before a value (LINES), before { (LIST) */
	ST_KEY,	      /* before a member's name, or } */
	ST_NAME,      /* in it */
	ST_COLON,     /* after it */
	ST_MEMBER,    /* before its value */
	ST_ITEM,      /* before an element, or ] */
	ST_VALUE,     /* in a value of a member or line */
	ST_ITEM_VALUE, /* in an element */
	ST_COMMA,     /* after a member */
	ST_ITEM_COMMA, /* after an element */
	ST_DONE,
	ST_BAD,
};

void
jscan_init(struct jscan *s, enum jscan_mode mode)
{
	memset(s, 0, sizeof(*s));
	s->mode = mode;
}

void
jscan_free(struct jscan *s)
{
	mem_free(s->buf);
	s->buf = NULL;
	s->len = s->cap = 0;
}

bool
jscan_is_partial(const struct jscan *s)
{
	return s->mode == JSCAN_LIST ? s->state != ST_DONE : s->state != ST_TOP;
}

static struct jscan_event
bad(struct jscan *s, const char *why)
{
	s->state = ST_BAD;
	s->why = why;
	return (struct jscan_event){ .kind = JSCAN_BAD, .why = why };
}

/* False: the value is too large. */
static bool
keep(struct jscan *s, const uint8_t *p, size_t n)
{
	size_t cap = s->cap ? s->cap : 1024;

	if (n > JSCAN_VALUE_MAX - s->len)
		return false;
	while (cap < s->len + n)
		cap *= 2;
	if (cap != s->cap) {
		s->buf = mem_realloc(s->buf, cap);
		s->cap = cap;
	}
	memcpy(s->buf + s->len, p, n);
	s->len += n;
	return true;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void
begin_value(struct jscan *s, bool item)
{
	if (s->cap > BUF_KEPT)
		jscan_free(s);
	s->len = 0;
	s->depth = 0;
	s->in_string = s->escaped = s->scalar = false;
	s->state = item ? ST_ITEM_VALUE : ST_VALUE;
}

static bool
open_bracket(struct jscan *s, bool array)
{
	uint32_t bit = 1u << (s->depth % 32);

	if (s->depth == JSCAN_DEPTH_MAX)
		return false;
	if (array)
		s->closers[s->depth / 32] |= bit;
	else
		s->closers[s->depth / 32] &= ~bit;
	s->depth++;
	return true;
}

static bool
close_bracket(struct jscan *s, bool array)
{
	s->depth--;
	return (s->closers[s->depth / 32] >> (s->depth % 32) & 1) == array;
}

/* In a string: true when this octet ends it. */
static bool
string_octet(struct jscan *s, uint8_t c)
{
	if (s->escaped)
		s->escaped = false;
	else if (c == '\\')
		s->escaped = true;
	else if (c == '"')
		s->in_string = false;
	return !s->in_string;
}

enum step { STEP_IN, STEP_LAST, STEP_BEFORE, STEP_BAD };

/* An octet outside of strings: does it belong to the value, end it, or follow it? */
static enum step
value_octet(struct jscan *s, uint8_t c)
{
	if (s->scalar && (is_space(c) || c == ',' || c == ']' || c == '}'))
		return STEP_BEFORE;
	switch (c) {
	case '"':
		s->in_string = true;
		return s->scalar ? STEP_BAD : STEP_IN;
	case '{':
	case '[':
		return !s->scalar && open_bracket(s, c == '[') ? STEP_IN : STEP_BAD;
	case '}':
	case ']':
		if (s->depth == 0 || !close_bracket(s, c == ']'))
			return STEP_BAD;
		return s->depth == 0 ? STEP_LAST : STEP_IN;
	default:
		if (s->depth == 0)
			s->scalar = true;
		return STEP_IN;
	}
}

/* Collect octets of a value; true: it is complete. */
static bool
take_value(struct jscan *s, const uint8_t **in, size_t *n)
{
	enum step st = STEP_IN;
	size_t i = 0;

	while (st == STEP_IN && i < *n) {
		uint8_t c = (*in)[i++];

		if (s->in_string)
			st = string_octet(s, c) && s->depth == 0 ? STEP_LAST : STEP_IN;
		else
			st = value_octet(s, c);
	}
	if (st == STEP_BEFORE)
		i--;
	if (st == STEP_BAD)
		bad(s, "brackets do not match, or are too deep");
	else if (!keep(s, *in, i))
		bad(s, "value too large");
	*in += i;
	*n -= i;
	return s->state != ST_BAD && st != STEP_IN;
}

static struct jscan_event
end_value(struct jscan *s)
{
	struct jscan_event e = { .kind = JSCAN_VALUE, .text = s->buf, .len = s->len };

	e.item = s->mode == JSCAN_LINES || s->state == ST_ITEM_VALUE;
	if (!e.item)
		e.key = s->key;
	s->state = s->mode == JSCAN_LINES ? ST_TOP :
	    s->state == ST_ITEM_VALUE	  ? ST_ITEM_COMMA :
					    ST_COMMA;
	return e;
}

/* A member's name; escapes stay as they are, as none that we look for has any. */
static void
name_octet(struct jscan *s, uint8_t c)
{
	if (string_octet(s, c)) {
		s->key[s->key_len] = '\0';
		s->state = ST_COLON;
	} else if (s->key_len < JSCAN_KEY_MAX - 1) {
		s->key[s->key_len++] = (char)c;
	}
}

/* Before a member, or after one. */
static bool
key_octet(struct jscan *s, uint8_t c)
{
	if (c == '}') {
		s->state = ST_DONE;
	} else if (s->state == ST_COMMA && c == ',') {
		s->state = ST_KEY;
	} else if (s->state == ST_KEY && c == '"') {
		s->in_string = true;
		s->escaped = false;
		s->key_len = 0;
		s->state = ST_NAME;
	} else {
		return false;
	}
	return true;
}

enum use { USED, BEGINS, NEVER };

/* An octet between values: is it used up, or does a value begin with it? */
static enum use
between(struct jscan *s, uint8_t c)
{
	uint8_t was = s->state;

	switch ((enum state)was) {
	case ST_TOP:
		if (s->mode == JSCAN_LINES)
			return BEGINS;
		s->state = c == '{' ? ST_KEY : was;
		break;
	case ST_KEY:
	case ST_COMMA:
		return key_octet(s, c) ? USED : NEVER;
	case ST_COLON:
		s->state = c == ':' ? ST_MEMBER : was;
		break;
	case ST_MEMBER:
		if (c != '[' || strcmp(s->key, "items") != 0)
			return BEGINS;
		s->state = ST_ITEM;
		break;
	case ST_ITEM:
		if (c != ']')
			return BEGINS;
		s->state = ST_COMMA;
		break;
	case ST_ITEM_COMMA:
		s->state = c == ',' ? ST_ITEM : c == ']' ? ST_COMMA : was;
		break;
	case ST_NAME:
	case ST_VALUE:
	case ST_ITEM_VALUE:
	case ST_DONE:
	case ST_BAD:
		break;
	}
	return s->state == was ? NEVER : USED;
}

struct jscan_event
jscan_next(struct jscan *s, const uint8_t **in, size_t *n)
{
	for (;;) {
		if (s->state == ST_BAD)
			return bad(s, s->why);
		if (s->state == ST_DONE) /* what follows is nobody's */
			return (struct jscan_event){ .kind = JSCAN_END };
		if (*n == 0)
			return (struct jscan_event){ .kind = JSCAN_MORE };
		if (s->state == ST_VALUE || s->state == ST_ITEM_VALUE) {
			if (take_value(s, in, n))
				return end_value(s);
			continue;
		}
		if (s->state == ST_NAME) {
			name_octet(s, **in);
		} else if (!is_space(**in)) {
			enum use u = between(s, **in);

			if (u == NEVER)
				return bad(s, "a list was expected, and this is none");
			if (u == BEGINS) {
				begin_value(s, s->state == ST_ITEM);
				continue;
			}
		}
		++*in;
		--*n;
	}
}
