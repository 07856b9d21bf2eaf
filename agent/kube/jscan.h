/*
 * Whole JSON values (RFC 8259) in a stream, one at a time.
 *
 * Pure. Two kinds of stream: the lines of a watch, each an object; and one object, a list, whose
 * array "items" is given element by element and whose other members are given whole. So neither a
 * watch nor a page is ever held as a whole, and memory is bounded by one value. Only brackets and
 * quotes are looked at: whether a value is JSON inside is its parser's to say.
 */
#ifndef AGENT_KUBE_JSCAN_H
#define AGENT_KUBE_JSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSCAN_VALUE_MAX (4u << 20) /* octets of a value */
#define JSCAN_DEPTH_MAX 100	   /* brackets within brackets */
#define JSCAN_KEY_MAX	32	   /* of a member; a longer name is cut */

enum jscan_mode { JSCAN_LINES, JSCAN_LIST };

enum jscan_kind {
	JSCAN_MORE,  /* the input is used up */
	JSCAN_VALUE, /* text and len: a value, valid until the next call */
	JSCAN_END,   /* the list is complete */
	JSCAN_BAD,   /* why says so; sticky */
};

struct jscan_event {
	enum jscan_kind kind;
	bool item;	  /* of "items", or a line */
	const char *key;  /* the member, when it is not an item */
	char *text;	  /* not NUL-terminated; the caller may change it in place */
	size_t len;
	const char *why; /* static */
};

struct jscan {
	enum jscan_mode mode;
	uint8_t state;
	bool in_string, escaped, scalar;
	uint32_t depth;
	uint32_t closers[(JSCAN_DEPTH_MAX + 31) / 32]; /* bit d: the bracket at depth d is [ */
	char key[JSCAN_KEY_MAX];
	size_t key_len;
	char *buf; /* the value under way */
	size_t len, cap;
	const char *why;
};

/* Ready for the first octet. */
void jscan_init(struct jscan *s, enum jscan_mode mode);
/* Gives the buffer back. */
void jscan_free(struct jscan *s);

/* The next value in the octets at *in, *n of them; both move past what was used. */
struct jscan_event jscan_next(struct jscan *s, const uint8_t **in, size_t *n);

/* Is a value under way, or the list not complete: was the stream cut? */
bool jscan_is_partial(const struct jscan *s);

#endif
