/*
 * Label selectors: which nodes, which services.
 *
 * Two spellings: an expression as Calico has it (`rack == "r1" && has(rr)`, `all()`, `!`, `||`,
 * `in {"a", "b"}`, `not in`, `contains`, `starts with`, `ends with`) and Kubernetes' label map
 * (`{rack: r1}`, with matchLabels and matchExpressions, too).
 */
#ifndef LIB_SELECTOR_H
#define LIB_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

/* Sorted by key. */
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
 * Parse an expression. NULL with what was wanted and where (SELECTOR_WHY_MAX octets; *ret_at: offset
 * in octets).
 */
struct selector *selector_parse(const char *text, char *ret_why, size_t *ret_at);
void selector_free(struct selector *s);

/* NULL matches everything. */
bool selector_match(const struct selector *s, const struct labels *l);

/* The same as an expression; the caller's to mem_free(). Parsing it gives an equal selector. */
char *selector_text(const struct selector *s);

#endif
