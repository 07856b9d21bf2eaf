/*
 * confdoc schema|man|md [FILE], confdoc crd PLURAL: write documentation made from the option table.
 *
 * With FILE, which must exist, only what stands between its lines "BEGIN options"
 * and "END options" is replaced, and the whole is written to standard output; a
 * test compares that with FILE, so that no option is without its paragraph.
 */
#include "doc/confdoc.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

char *
confdoc_default(const struct opt *o)
{
	char *text, *blank;

	if (o->inherit)
		return mem_strdup(o->inherit);
	if (!o->dflt && !o->zero)
		return NULL;
	if (!o->dflt || !strchr(o->dflt, ' '))
		return mem_strdup(o->dflt ? o->dflt : o->zero);
	text = mem_printf("[%s]", o->dflt);
	while ((blank = strchr(text, ' ')))
		*blank = ',';
	return text;
}

char *
confdoc_instead(const struct opt *o)
{
	char *text = mem_strdup(""), *longer;

	for (size_t i = 0; i < OPT_NINSTEAD && o->instead[i]; i++) {
		longer = mem_printf("%s, or `%s`", text, opt_key(opt_find(o->instead[i])));
		mem_free(text);
		text = longer;
	}
	return text;
}

const char *
confdoc_effect(const struct opt *o)
{
	switch (o->effect) {
	case OPT_LIVE:
	case OPT_POLICY:
		return NULL;
	case OPT_SESSION:
		return strncmp(o->path, "peers[]", 7) == 0 ? "A change resets the session."
							   : "A change resets sessions.";
	}
	return NULL;
}

bool
confdoc_same_text(const struct opt *o)
{
	const struct opt *from = o->inherit ? opt_find(o->inherit) : NULL;

	return from && o->doc && from->doc && strcmp(o->doc, from->doc) == 0;
}

/* Copy FILE's lines up to and with the one that contains `until` (NULL: all); false: not found. */
static bool
copy_lines(FILE *from, FILE *to, const char *until)
{
	char line[1024];

	while (fgets(line, sizeof(line), from)) {
		if (to)
			fputs(line, to);
		if (until && strstr(line, until))
			return true;
	}
	return !until;
}

/* Skip to the line that contains `until` and copy that one. */
static bool
skip_lines(FILE *from, FILE *to, const char *until)
{
	char line[1024];

	while (fgets(line, sizeof(line), from))
		if (strstr(line, until)) {
			fputs(line, to);
			return true;
		}
	return false;
}

static int
replace_in(const char *path, void (*write)(FILE *f))
{
	FILE *f = fopen(path, "r");
	bool ok;

	if (!f) {
		perror(path);
		return EXIT_FAILURE;
	}
	ok = copy_lines(f, stdout, "BEGIN options");
	if (ok)
		write(stdout);
	ok = ok && skip_lines(f, stdout, "END options") && copy_lines(f, stdout, NULL);
	fclose(f);
	if (!ok)
		fprintf(
		    stderr, "%s: want lines with \"BEGIN options\" and \"END options\"\n", path);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*write)(FILE *f);
	} kinds[] = {
		{ "schema", confdoc_schema },
		{ "man", confdoc_man },
		{ "md", confdoc_md },
	};

	for (size_t i = 0; argc >= 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		if (argc > 2)
			return replace_in(argv[2], kinds[i].write);
		kinds[i].write(stdout);
		return EXIT_SUCCESS;
	}
	if (argc == 3 && strcmp(argv[1], "crd") == 0 && confdoc_crd(stdout, argv[2]))
		return EXIT_SUCCESS;
	fprintf(stderr, "usage: confdoc schema|man|md [FILE]\n       confdoc crd PLURAL\n");
	return EXIT_FAILURE;
}
