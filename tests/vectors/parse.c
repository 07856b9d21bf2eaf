/*
 * Vectors as text: stanzas of lines "key rest", see 00-words.vec.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/vectors/vec.h"

struct parser {
	struct vec_set *set;
	const char *file;
	unsigned line;
	struct vec *v; /* the stanza being read; NULL before the first */
	bool bad;
};

static void
complain(struct parser *p, const char *what, const char *about)
{
	fprintf(stderr, "%s:%u: %s%s%s\n", p->file, p->line, what, *about ? ": " : "", about);
	p->bad = true;
}

static char *
blanks_off(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && strchr(" \t\r\n", s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* Cut the first word off s; what follows it. */
static char *
cut_word(char *s)
{
	char *rest = s + strcspn(s, " \t");

	if (*rest)
		*rest++ = '\0';
	return blanks_off(rest);
}

static void
add_word(struct parser *p, char *rest)
{
	struct vec_set *set = p->set;
	char *text = cut_word(rest);

	if (*text == '=')
		text = blanks_off(text + 1);
	if (*rest != '$')
		complain(p, "a word's name begins with $", rest);
	set->words = mem_realloc_array(set->words, set->nwords + 1, sizeof(*set->words));
	set->words[set->nwords++] = (struct vec_word){ mem_strdup(rest), mem_strdup(text) };
}

static void
add_vector(struct parser *p, char *id)
{
	struct vec_set *set = p->set;

	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->v[i].id, id) == 0)
			complain(p, "there is a vector of that name", id);
	if (!*id || strpbrk(id, " \t"))
		complain(p, "a vector has a name without blanks", id);
	set->v = mem_realloc_array(set->v, set->n + 1, sizeof(*set->v));
	p->v = &set->v[set->n++];
	*p->v = (struct vec){ .id = mem_strdup(id), .file = p->file, .line = p->line };
}

/* rfc NUMBER SECTION LEVEL TEXT */
static void
add_clause(struct parser *p, char *rest)
{
	char *section = cut_word(rest), *level = cut_word(section), *text = cut_word(level);

	if (p->v->rfc)
		complain(p, "a vector has one clause", rest);
	p->v->rfc = (unsigned)strtoul(rest, NULL, 10);
	p->v->section = mem_strdup(section);
	p->v->level = mem_strdup(level);
	p->v->text = mem_strdup(text);
	if (p->v->rfc < 1000 || !*text ||
	    (strcmp(level, "MUST") && strcmp(level, "SHOULD") && strcmp(level, "MAY") &&
		strcmp(level, "CHOICE")))
		complain(p, "want: rfc NUMBER SECTION MUST|SHOULD|MAY|CHOICE TEXT", rest);
}

static void
add_step(struct parser *p, const char *verb, const char *rest)
{
	struct vec *v = p->v;

	v->steps = mem_realloc_array(v->steps, v->nsteps + 1, sizeof(*v->steps));
	v->steps[v->nsteps++] = (struct vec_step){ mem_strdup(verb), mem_strdup(rest), p->line };
}

/* Where a setting's text goes; NULL: it is no setting. */
static char **
setting(struct vec *v, const char *key)
{
	const struct {
		const char *key;
		char **at;
	} known[] = { { "peer", &v->peer }, { "caps", &v->caps }, { "open", &v->open },
		{ "state", &v->state }, { "only", &v->only } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].key, key) == 0)
			return known[i].at;
	return NULL;
}

static bool
is_step(const char *key)
{
	static const char *const verbs[] = { "send", "notify", "closed", "up", "route", "gone",
		"told", "untold", "wait", "hangup", "offers", "ends", "deaf", "hear" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i], key) == 0)
			return true;
	return false;
}

static void
read_line(struct parser *p, char *line)
{
	char *key = blanks_off(line), *rest, **at;

	if (!*key || *key == '#')
		return;
	rest = cut_word(key);
	if (strcmp(key, "let") == 0)
		add_word(p, rest);
	else if (strcmp(key, "vector") == 0)
		add_vector(p, rest);
	else if (!p->v)
		complain(p, "outside of a vector", key);
	else if (strcmp(key, "rfc") == 0)
		add_clause(p, rest);
	else if ((at = setting(p->v, key)) && !*at)
		*at = mem_strdup(rest);
	else if (at)
		complain(p, "said twice", key);
	else if (is_step(key))
		add_step(p, key, rest);
	else
		complain(p, "neither a setting nor a step", key);
}

/* The next line, with those that continue it (a backslash at the end); NULL at the end. */
static char *
next_line(FILE *f, unsigned *line)
{
	char *all = NULL, buf[1024];
	size_t n = 0;

	while (fgets(buf, sizeof(buf), f)) {
		size_t k = strcspn(buf, "\n");
		bool more = k > 0 && buf[k - 1] == '\\';

		++*line;
		k -= more;
		all = mem_realloc(all, n + k + 2);
		memcpy(all + n, buf, k);
		n += k;
		all[n] = '\0';
		if (!more)
			return all;
		all[n++] = ' ';
		all[n] = '\0';
	}
	return all;
}

static void
check_vectors(struct parser *p, size_t from)
{
	for (size_t i = from; i < p->set->n; i++) {
		struct vec *v = &p->set->v[i];

		p->line = v->line;
		if (!v->rfc)
			complain(p, "a vector without a clause", v->id);
		if (v->nsteps == 0)
			complain(p, "a vector without steps", v->id);
		if (!v->peer)
			v->peer = mem_strdup("ebgp");
		if (vec_kind_of(v->peer) == VEC_NKINDS)
			complain(p, "no such kind of peer", v->peer);
		if (!v->state)
			v->state = mem_strdup("established");
	}
}

bool
vec_load(struct vec_set *set, const char *path)
{
	struct parser p = { .set = set };
	size_t from = set->n;
	FILE *f = fopen(path, "r");
	char *line;

	if (!f) {
		perror(path);
		return false;
	}
	set->files = mem_realloc_array(set->files, set->nfiles + 1, sizeof(*set->files));
	p.file = set->files[set->nfiles++] = mem_strdup(path);
	while ((line = next_line(f, &p.line))) {
		read_line(&p, line);
		mem_free(line);
	}
	fclose(f);
	check_vectors(&p, from);
	return !p.bad;
}

bool
vec_load_all(struct vec_set *set)
{
	const char *top = getenv("srcdir");
	char *pattern = mem_printf("%s/tests/vectors/*.vec", top ? top : ".");
	bool ok = true;
	glob_t g;

	if (glob(pattern, 0, NULL, &g) != 0) {
		fprintf(stderr, "no vectors: %s\n", pattern);
		ok = false;
	}
	for (size_t i = 0; ok && i < g.gl_pathc; i++)
		ok = vec_load(set, g.gl_pathv[i]);
	globfree(&g);
	mem_free(pattern);
	return ok;
}

static void
vec_free(struct vec *v)
{
	char *text[] = { v->id, v->section, v->level, v->text, v->peer, v->caps, v->open, v->state,
		v->only };

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		mem_free(text[i]);
	for (size_t i = 0; i < v->nsteps; i++) {
		mem_free(v->steps[i].verb);
		mem_free(v->steps[i].rest);
	}
	mem_free(v->steps);
}

void
vec_set_free(struct vec_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		vec_free(&set->v[i]);
	for (size_t i = 0; i < set->nwords; i++) {
		mem_free(set->words[i].name);
		mem_free(set->words[i].text);
	}
	for (size_t i = 0; i < set->nfiles; i++)
		mem_free(set->files[i]);
	mem_free(set->v);
	mem_free(set->words);
	mem_free(set->files);
	*set = (struct vec_set){ 0 };
}
