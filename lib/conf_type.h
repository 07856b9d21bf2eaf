/*
 * The types of option values: text to value and back, and what to say when the
 * text does not fit. One value at a time; lists (OPT_F_MANY) are the caller's.
 *
 * Types of numbers, words and texts are in conf_type_plain.c, those of networks
 * (addresses, AS numbers, communities, kernel numbers) in conf_type_net.c.
 */
#ifndef LIB_CONF_TYPE_H
#define LIB_CONF_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/conf_table.h"

/* What a refused text deserves to hear; both owned by the caller, NULL: nothing special. */
struct opt_why {
	char *wanted; /* in place of opt_wanted() */
	char *hint;
};

struct opt_codec {
	size_t size; /* of one value */
	/* Text to value; *ret is all zeros before, and unspecified after false. */
	bool (*parse)(const struct opt *o, const char *text, void *ret, struct opt_why *why);
	/* Value to the text it would be read from; owned by the caller. */
	char *(*print)(const struct opt *o, const void *v);
	/* What is wanted, without the word for zero; owned by the caller. */
	char *(*wanted)(const struct opt *o);
	bool owns; /* the value is a char * to be freed */
};

/* The codec of a scalar type. */
const struct opt_codec *opt_codec(const struct opt *o);

/*
 * One text to one value of that option's type at ret (opt_codec(o)->size octets).
 * The word for zero gives all zeros. On false *why (all zeros before) may say more.
 */
bool opt_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why);

/* One value as it would be written, without quotes; owned by the caller. */
char *opt_print(const struct opt *o, const void *v);

/* "0, or 3s to 65535s", "true or false", "a list": owned by the caller. */
char *opt_wanted(const struct opt *o);

/* Is that the word for zero (off, auto, ...), which for lists means the empty one? */
bool opt_is_zero_word(const struct opt *o, const char *text);

/* Give one value's memory back. */
void opt_clear(const struct opt *o, void *v);

/* "a", "a or b", "one of a, b, c"; owned by the caller. */
char *opt_words_text(const char *const *words);

/* Digits only, at most max; false otherwise. */
bool opt_parse_number(const char *text, uint64_t max, uint64_t *ret);

/* Length of time as "9s", "500ms", "5m": the largest unit that divides it. */
char *opt_duration_text(uint64_t ms);

/* The tables of the two files that define types; [type].size is 0 for the others'. */
extern const struct opt_codec conf_types_plain[OPT_NTYPES], conf_types_net[OPT_NTYPES];

#endif
