/*
 * The configuration file, followed: loaded again when its text has changed (ops.followConfig).
 *
 * weftd opens the file each time, by its name: a volume of Kubernetes changes by another directory
 * behind a link. A text with a mistake changes nothing, as with a reload that somebody asks for.
 */
#ifndef AGENT_FOLLOW_H
#define AGENT_FOLLOW_H

#include "agent/agent.h"

struct follow;

/* Follows nothing yet; borrows a, which outlives it. */
struct follow *follow_new(struct agent *a);
/* NULL is fine. */
void follow_free(struct follow *f);

/* A configuration was put in force: follow the file, or no longer. */
void follow_apply(struct follow *f, const struct conf *c);

#endif
