/*
 * Label maps of a configuration as selector expressions.
 */
#ifndef LIB_CONF_SELECTOR_H
#define LIB_CONF_SELECTOR_H

#include "lib/conf_ctx.h"

/*
 * The expression (lib/selector.h) that a mapping stands for; *ret is the caller's to mem_free().
 * False after a complaint.
 */
bool conf_selector_map(struct conf_ctx *ctx, const struct ynode *n, char **ret);

#endif
