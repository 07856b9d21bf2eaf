/*
 * The option table as mdoc: a subsection for each top-level key, a paragraph for
 * each option. Every sentence begins on a line of its own, as mdoc wants it.
 */
#include <ctype.h>
#include <string.h>

#include "doc/confdoc.h"
#include "lib/conf_type.h"
#include "lib/mem.h"

#define WIDTH 70

struct man {
	FILE *f;
	unsigned col;
	bool bold;
};

/* One word, wrapped; `words` in backquotes are bold. */
static void
put_word(struct man *m, const char *s, size_t n)
{
	if (m->col > 0 && m->col + n + 1 > WIDTH) {
		fputc('\n', m->f);
		m->col = 0;
	}
	if (m->col > 0) {
		fputc(' ', m->f);
		m->col++;
	}
	if (m->col == 0 && (s[0] == '.' || s[0] == '\''))
		fputs("\\&", m->f);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '`') {
			m->bold = !m->bold;
			fputs(m->bold ? "\\fB" : "\\fR", m->f);
		} else if (s[i] == '\\') {
			fputs("\\e", m->f);
		} else {
			fputc(s[i], m->f);
		}
		m->col++;
	}
}

/* A word that ends a sentence: the next one begins with a capital letter or a quoted word. */
static bool
ends_sentence(const char *word, size_t n, const char *next)
{
	return n > 1 && word[n - 1] == '.' &&
	       (isupper((unsigned char)*next) || *next == '`' || isdigit((unsigned char)*next));
}

static void
put_text(struct man *m, const char *s)
{
	size_t n;

	while (*s) {
		n = strcspn(s, " ");
		put_word(m, s, n);
		if (s[n] == '\0' || ends_sentence(s, n, s + n + 1)) {
			fputc('\n', m->f);
			m->col = 0;
		}
		s += n;
		s += strspn(s, " ");
	}
}

static void
put_sentence(struct man *m, char *text)
{
	text[0] = (char)toupper((unsigned char)text[0]);
	put_text(m, text);
	mem_free(text);
}

/* What may be written, what is the default, what else it is called. */
static void
put_facts(struct man *m, const struct opt *o)
{
	char *wanted = opt_wanted(o), *dflt = confdoc_default(o), *instead = confdoc_instead(o), *text;

	text = mem_printf("Value: %s", wanted);
	if (o->flags & OPT_F_REQUIRED) {
		put_sentence(m, mem_printf("%s; required%s.", text, instead));
	} else if (dflt) {
		put_sentence(m,
		    mem_printf("%s; default: %s`%s`.", text, o->inherit ? "that of " : "", dflt));
	} else {
		put_sentence(m, mem_printf("%s.", text));
	}
	for (size_t i = 0; o->aliases && o->aliases[i]; i++)
		put_sentence(m, mem_printf("Another name of it is `%s`.", o->aliases[i]));
	mem_free(text);
	mem_free(instead);
	mem_free(wanted);
	mem_free(dflt);
}

static void
put_option(struct man *m, const struct opt *o)
{
	fprintf(m->f, ".It Cm %s\n", o->path);
	m->col = 0;
	put_sentence(m, mem_printf("%s.", o->brief));
	if (o->type != OPT_MAP && o->type != OPT_LIST)
		put_facts(m, o);
	if (confdoc_same_text(o))
		put_sentence(m, mem_printf("See `%s`.", o->inherit));
	else if (o->doc)
		put_text(m, o->doc);
	if (confdoc_effect(o))
		put_text(m, confdoc_effect(o));
}

void
confdoc_man(FILE *f)
{
	struct man m = { .f = f };
	const struct opt *o = NULL;
	bool list = false;

	while ((o = opt_next(o))) {
		if (!strchr(o->path, '.')) {
			fprintf(f, "%s.Ss %s\n.Bl -tag -width Ds\n", list ? ".El\n" : "", o->path);
			list = true;
		}
		put_option(&m, o);
	}
	fputs(".El\n", f);
}
