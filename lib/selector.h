/*
 * Label selectors: which nodes, which services.
 *
 * An expression is what Calico's users write:
 *
 *	rack == "r1" && has(rr) || !(zone in {"a", 'b'})
 *
 * with all(), has(KEY), ==, !=, in {...}, not in {...}, contains, starts with, ends with, !, &&,
 * || and parentheses. A label that is not there differs from every value: != and `not in` hold for
 * it, as in Kubernetes. Kubernetes' own label maps are turned into expressions where a
 * configuration is read (lib/conf_selector.c).
 */
#ifndef LIB_SELECTOR_H
#define LIB_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

#define SELECTOR_LEN_MAX 4096 /* octets of an expression */
#define SELECTOR_DEPTH_MAX 32 /* parentheses and ! in each other */

/* Sorted by key (strcmp()). */
struct label {
	const char *key, *value;
};
struct labels {
	const struct label *v;
	size_t n;
};

/* The value of that label, NULL: none. */
const char *labels_get(const struct labels *l, const char *key);

struct selector;

#define SELECTOR_WHY_MAX 128
/*
 * Parse an expression; the caller's to selector_free(). NULL with what was wanted in ret_why
 * (SELECTOR_WHY_MAX octets) and where in *ret_at (offset in octets); either may be NULL.
 */
struct selector *selector_parse(const char *text, char *ret_why, size_t *ret_at);
/* NULL is fine. */
void selector_free(struct selector *s);

/* NULL matches everything; l must be sorted. */
bool selector_match(const struct selector *s, const struct labels *l);

/* The same as an expression; the caller's to mem_free(). Parsing it gives an equal selector. */
char *selector_text(const struct selector *s);

#endif
