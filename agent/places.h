/*
 * Where our routes are (protocol number, table, metric), kept in a file of the
 * run directory: a build or configuration that puts them elsewhere finds those
 * that its predecessor left, and they forward until they are relearned.
 */
#ifndef AGENT_PLACES_H
#define AGENT_PLACES_H

#include "agent/agent.h"

struct places;

/* Borrows a, which outlives it; places_free(NULL) is fine. */
struct places *places_new(struct agent *a);
void places_free(struct places *p);

/* That is the place in force; the first call also tells the fib of those in the file. */
void places_use(struct places *p, const struct fib_place *now);

/* Nothing is in a former place any more? Then it is forgotten: others may use it. */
void places_tidy(struct places *p);

#endif
