/*
 * The option table as Markdown: one table for each top-level key.
 */
#include <ctype.h>
#include <string.h>

#include "doc/confdoc.h"
#include "lib/conf_type.h"
#include "lib/mem.h"

/* Text of a cell: no bar may end it. */
static void
put_cell(FILE *f, const char *s)
{
	for (; *s; s++)
		fprintf(f, *s == '|' ? "\\|" : "%c", *s);
}

static void
put_option(FILE *f, const struct opt *o)
{
	char *wanted = opt_wanted(o), *dflt = confdoc_default(o), *instead = confdoc_instead(o);

	fprintf(f, "| `%s` | ", o->path);
	put_cell(f, wanted);
	if (o->flags & OPT_F_REQUIRED)
		fprintf(f, " | *required*%s | ", instead);
	else if (dflt)
		fprintf(f, " | %s`%s` | ", o->inherit ? "as " : "", dflt);
	else
		fputs(" | | ", f);
	fputc(toupper((unsigned char)o->brief[0]), f);
	put_cell(f, o->brief + 1);
	fputc('.', f);
	if (o->doc && !confdoc_same_text(o)) {
		fputc(' ', f);
		put_cell(f, o->doc);
	}
	if (confdoc_effect(o))
		fprintf(f, " *%s*", confdoc_effect(o));
	fputs(" |\n", f);
	mem_free(wanted);
	mem_free(dflt);
	mem_free(instead);
}

void
confdoc_md(FILE *f)
{
	const struct opt *o = NULL;

	while ((o = opt_next(o))) {
		if (!strchr(o->path, '.')) {
			fprintf(f, "\n### %s\n\n%c%s.%s%s\n\n", o->path,
			    toupper((unsigned char)o->brief[0]), o->brief + 1, o->doc ? " " : "",
			    o->doc ? o->doc : "");
			fputs("| option | value | default | meaning |\n|---|---|---|---|\n", f);
		}
		if (o->type != OPT_MAP && (strchr(o->path, '.') || o->type != OPT_LIST)) {
			put_option(f, o);
		}
	}
	fputc('\n', f);
}
