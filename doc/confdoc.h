/*
 * confdoc: what is written about the configuration, from its option table.
 */
#ifndef DOC_CONFDOC_H
#define DOC_CONFDOC_H

#include <stdio.h>

#include "lib/conf_table.h"

/* The JSON Schema (draft 7) for editors. */
void confdoc_schema(FILE *f);

/* The CustomResourceDefinition of objects of that (plural) name, YAML; false: there is none. */
bool confdoc_crd(FILE *f, const char *plural);

/* The paragraphs of weft.yaml(5), mdoc. */
void confdoc_man(FILE *f);

/* doc/configuration.md: tables. */
void confdoc_md(FILE *f);

/* Where a default comes from, as a text, or NULL: "9s", "bgp.timers.hold". Owned by the caller. */
char *confdoc_default(const struct opt *o);

/* What may stand in place of a required option: ", or `this`", "" for nothing. Owned by the caller. */
char *confdoc_instead(const struct opt *o);

/* What a change costs on reload, as a sentence, or NULL. */
const char *confdoc_effect(const struct opt *o);

/* Is the text of that option the same as that of the one it inherits from? */
bool confdoc_same_text(const struct opt *o);

#endif
