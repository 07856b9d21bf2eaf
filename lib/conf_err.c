/*
 * Findings of the configuration: a bounded list, and each as a line of text.
 */
#include "lib/conf_err.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/out.h"

#define QUOTE_MAX 60

void
conf_errs_init(struct conf_errs *errs)
{
	memset(errs, 0, sizeof(*errs));
}

static void
err_clear(struct conf_err *e)
{
	mem_free((void *)e->path);
	mem_free((void *)e->wanted);
	mem_free((void *)e->found);
	mem_free((void *)e->hint);
}

void
conf_errs_free(struct conf_errs *errs)
{
	for (size_t i = 0; i < errs->n; i++)
		err_clear(&errs->v[i]);
	for (size_t i = 0; i < errs->nparts; i++)
		mem_free(errs->part[i].file);
	mem_free(errs->part);
	mem_free(errs->v);
	mem_free(errs->file);
	conf_errs_init(errs);
}

static char *
dup_or_null(const char *s)
{
	return s ? mem_strdup(s) : NULL;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
is_known(const struct conf_errs *errs, const struct conf_err *e)
{
	for (size_t i = 0; i < errs->n; i++)
		if (errs->v[i].part == e->part && errs->v[i].line == e->line &&
		    errs->v[i].col == e->col && errs->v[i].warning == e->warning && same_text(errs->v[i].wanted, e->wanted) &&
		    same_text(errs->v[i].found, e->found))
			return true;
	return false;
}

/* Room for one more: a free place, or for an error that of the last warning. */
static struct conf_err *
place_for(struct conf_errs *errs, bool warning)
{
	size_t i = errs->n;

	if (!errs->v)
		errs->v = mem_zalloc_array(CONF_ERRS_MAX, sizeof(errs->v[0]));
	if (errs->n < CONF_ERRS_MAX)
		return &errs->v[errs->n++];
	while (!warning && i-- > 0) {
		if (!errs->v[i].warning)
			continue;
		err_clear(&errs->v[i]);
		memmove(&errs->v[i], &errs->v[i + 1], (errs->n - i - 1) * sizeof(errs->v[0]));
		return &errs->v[errs->n - 1];
	}
	return NULL;
}

void
conf_errs_name_part(struct conf_errs *errs, const char *file, bool no_lines)
{
	errs->part = mem_realloc_array(errs->part, errs->nparts + 1, sizeof(errs->part[0]));
	errs->part[errs->nparts++] =
	    (struct conf_errs_part){ .file = mem_strdup(file), .no_lines = no_lines };
}

static void
count(struct conf_errs *errs, const struct conf_err *e)
{
	struct conf_errs_part *p = e->part < errs->nparts ? &errs->part[e->part] : NULL;

	errs->nwarnings += e->warning;
	errs->nerrors += !e->warning;
	if (!p)
		return;
	p->nwarnings += e->warning;
	p->nerrors += !e->warning;
}

void
conf_errs_add(struct conf_errs *errs, const struct conf_err *e)
{
	struct conf_err *to;

	if (is_known(errs, e))
		return;
	count(errs, e);
	to = place_for(errs, e->warning);
	if (!to)
		return;
	*to = *e;
	to->path = dup_or_null(e->path);
	to->wanted = dup_or_null(e->wanted);
	to->found = dup_or_null(e->found);
	to->hint = dup_or_null(e->hint);
}

static bool
comes_after(const struct conf_err *a, const struct conf_err *b)
{
	if (a->part != b->part)
		return a->part > b->part;
	return a->line != b->line ? a->line > b->line : a->col > b->col;
}

/* Insertion sort: stable, and the list is short. */
void
conf_errs_sort(struct conf_errs *errs)
{
	struct conf_err e;
	size_t j;

	for (size_t i = 1; i < errs->n; i++) {
		e = errs->v[i];
		for (j = i; j > 0 && comes_after(&errs->v[j - 1], &e); j--)
			errs->v[j] = errs->v[j - 1];
		errs->v[j] = e;
	}
}

char *
conf_err_text(const struct conf_errs *errs, const struct conf_err *e)
{
	const struct conf_errs_part *p = e->part < errs->nparts ? &errs->part[e->part] : NULL;
	const char *file = p ? p->file : errs->file;
	char where[32] = "";

	if (e->line > 0 && !(p && p->no_lines))
		snprintf(where, sizeof(where), ":%u:%u", e->line, e->col);
	return mem_printf("%s%s: %s%s%s%s%s%s%s%s%s", file ? file : "-", where,
	    e->warning ? "warning: " : "", e->path ? e->path : "", e->path ? ": " : "",
	    e->found ? "want " : "", e->wanted, e->found ? ", got " : "", e->found ? e->found : "",
	    e->hint ? "; " : "", e->hint ? e->hint : "");
}

char *
conf_errs_text(const struct conf_errs *errs)
{
	size_t all = errs->nerrors + errs->nwarnings;
	char *text = mem_strdup(""), *line, *longer;

	for (size_t i = 0; i < errs->n; i++) {
		line = conf_err_text(errs, &errs->v[i]);
		longer = mem_printf("%s%s\n", text, line);
		mem_free(line);
		mem_free(text);
		text = longer;
	}
	if (all > errs->n) {
		longer = mem_printf(
		    "%s%s: and %zu more\n", text, errs->file ? errs->file : "-", all - errs->n);
		mem_free(text);
		text = longer;
	}
	return text;
}

void
conf_errs_print(const struct conf_errs *errs, FILE *f)
{
	char *text = conf_errs_text(errs);

	fputs(text, f);
	mem_free(text);
}

char *
conf_quote(const char *text, size_t len)
{
	char buf[QUOTE_MAX + 1];
	bool cut;

	out_escape(buf, sizeof(buf), text, len, &cut);
	return mem_printf("\"%s%s\"", buf, cut ? "..." : "");
}
