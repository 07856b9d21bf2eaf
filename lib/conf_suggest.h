/*
 * "Did you mean": the nearest of some words to what somebody typed.
 */
#ifndef LIB_CONF_SUGGEST_H
#define LIB_CONF_SUGGEST_H

struct conf_suggest {
	const char *word; /* what was typed; borrowed */
	const char *best; /* nearest candidate so far; borrowed */
	unsigned dist;
};

/* Start with nothing offered. */
struct conf_suggest conf_suggest_for(const char *word);

/* Offer a candidate, which must stay valid. */
void conf_suggest_offer(struct conf_suggest *s, const char *candidate);

/* The nearest candidate if it is near enough to be meant, else NULL. */
const char *conf_suggest_best(const struct conf_suggest *s);

/*
 * Edits between two words: a letter more, less or other, or two neighbours swapped,
 * count one each; upper and lower case are the same. Words beyond 64 octets are
 * infinitely far.
 */
unsigned conf_edit_distance(const char *a, const char *b);

#endif
