/*
 * Several parts of a configuration as one tree; for lib/conf*.c.
 */
#ifndef LIB_CONF_GRAFT_H
#define LIB_CONF_GRAFT_H

#include "lib/conf_parts.h"
#include "lib/yamlcfg.h"

struct conf_graft {
	struct ydoc **doc; /* of each part; NULL: unreadable */
	size_t n;
	struct ydoc *made; /* nodes that belong to no part alone */
	struct ynode *root;
	bool own_advertisements; /* `advertisements` stands in a file */
};

/* False: there is nothing to go on with. Mistakes go to errs. conf_graft_free() in any case. */
bool conf_graft(struct conf_graft *g, const struct conf_part *parts, size_t n, struct conf_errs *errs);
void conf_graft_free(struct conf_graft *g);

/* A path of the whole as it stands in that part: "peers[7].timers" is "spec.timers". Owned by the
 * caller; NULL stays NULL. */
char *conf_graft_path(const struct conf_part *p, const char *path);

#endif
