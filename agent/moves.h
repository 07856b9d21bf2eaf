/*
 * Make before break, while a cluster moves from a mesh to route reflectors, back, or to others.
 *
 * Sessions with nodes that are peers no more, but are still there, stay until every pod range that is
 * known over them is known over others, too, or for 30 s; a node that reflected goes on for 30 s, so
 * that its clients can find others. Nodes that are deleted are not waited for.
 */
#ifndef AGENT_MOVES_H
#define AGENT_MOVES_H

#include "agent/agent.h"
#include "lib/conf_expand.h"

struct moves;

/* Borrows a, which outlives it. NULL is fine to free. */
struct moves *moves_new(struct agent *a);
void moves_free(struct moves *m);

/* What c, about to be expanded on that cluster, is to keep of the configuration in force; then, once
 * it was expanded, moves_settle(). Borrowed until then. */
const struct conf_keep *moves_keep(
    struct moves *m, const struct conf *c, const struct conf_cluster_view *view);
void moves_settle(struct moves *m);

/* Is the session with that node only kept until routes have moved? */
bool moves_is_leaving(const struct moves *m, const char *node);

#endif
