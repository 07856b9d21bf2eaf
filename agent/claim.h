/*
 * Two wefts with the same route protocol number in one network namespace would
 * adopt and remove each other's routes: the second one does not start.
 *
 * Who wants two of them gives each a kernel.protocol of its own.
 */
#ifndef AGENT_CLAIM_H
#define AGENT_CLAIM_H

#include <stdbool.h>

#include "agent/agent.h"

struct claim;

/* Borrows a, which outlives it; claim_free(NULL) is fine, and gives up what is claimed. */
struct claim *claim_new(struct agent *a);
void claim_free(struct claim *cl);

/*
 * Claim the protocol number of a configuration that is about to come in force.  False: another weft
 * has it; *errors (the caller's to mem_free()) is replaced by lines that say so.
 */
bool claim_try(struct claim *cl, const struct conf *c, char **errors);

/* The same at start, with patience for a weft that is just ending (weftd's kill -9 leaves an agent
 * for a moment); it blocks. */
bool claim_wait(struct claim *cl, const struct conf *c, char **errors);

#endif
