/*
 * The path of an option in the file, as it grows and shrinks on a walk:
 * peers[2].timers.hold. Longer paths than there is room for are cut.
 */
#ifndef LIB_CONF_PATH_H
#define LIB_CONF_PATH_H

#include <stddef.h>

struct conf_path {
	char buf[256];
	size_t len;
};

/* Append a key (".hold", or "bgp" when first) or an index ("[2]"); returns the length before. */
size_t conf_path_key(struct conf_path *p, const char *key);
size_t conf_path_index(struct conf_path *p, size_t i);

/* Back to an earlier length. */
void conf_path_cut(struct conf_path *p, size_t len);

#endif
