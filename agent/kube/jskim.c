/*
 * One pass over the text: octets move to the left by what was taken out so far. A string is a
 * member's name when a colon follows it; its parent is the name that came last one object further
 * out.
 */
#include "agent/kube/jskim.h"

#include <stdbool.h>
#include <string.h>

struct name {
	const char *p;
	size_t n;
};

struct skim {
	char *text, *r, *w, *end; /* read at r, written at w */
	const char *const *skip;
	size_t depth;
	struct name name[JSKIM_DEPTH_MAX + 1]; /* the last one in each object around */
	bool parent[JSKIM_DEPTH_MAX + 1];      /* members of that object may have to go */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Behind the string that begins at p, or the end. */
static char *
string_end(char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : p;
}

static char *
blank_end(char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/* Behind the value that begins at p: at a comma or a closing bracket, or the end. */
static char *
value_end(char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		char c = *p;

		if (c == '"') {
			p = string_end(p, end);
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			break;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		p++;
	}
	return p;
}

static bool
is_parent(const struct skim *s, const struct name *parent)
{
	for (const char *const *k = s->skip; *k; k++)
		if (strncmp(parent->p, *k, parent->n) == 0 && (*k)[parent->n] == '.')
			return true;
	return false;
}

static bool
is_skipped(const struct skim *s, const struct name *parent, const struct name *name)
{
	for (const char *const *k = s->skip; *k; k++)
		if (strncmp(parent->p, *k, parent->n) == 0 && (*k)[parent->n] == '.' &&
		    strncmp(name->p, *k + parent->n + 1, name->n) == 0 &&
		    (*k)[parent->n + 1 + name->n] == '\0')
			return true;
	return false;
}

static void
keep(struct skim *s, char *to)
{
	size_t n = (size_t)(to - s->r);

	if (s->w != s->r)
		memmove(s->w, s->r, n);
	s->w += n;
	s->r = to;
}

/* The member whose value begins at p goes, and one comma with it. */
static void
drop_member(struct skim *s, char *p)
{
	char *last = s->w;

	s->r = blank_end(value_end(p, s->end), s->end);
	if (s->r < s->end && *s->r == ',') {
		s->r++;
		return;
	}
	while (last > s->text && is_blank(last[-1]))
		last--;
	if (last > s->text && last[-1] == ',')
		s->w = last - 1;
}

static void
take_string(struct skim *s)
{
	char *after = string_end(s->r, s->end), *colon = blank_end(after, s->end);
	struct name name = { s->r + 1, (size_t)(after - s->r) - 2 };

	if (colon == s->end || *colon != ':' || s->depth == 0 || s->depth > JSKIM_DEPTH_MAX) {
		keep(s, after);
	} else if (s->parent[s->depth] && is_skipped(s, &s->name[s->depth - 1], &name)) {
		drop_member(s, blank_end(colon + 1, s->end));
	} else {
		keep(s, after);
		s->name[s->depth] = (struct name){ s->w - name.n - 1, name.n };
	}
}

static void
enter_object(struct skim *s)
{
	if (++s->depth > JSKIM_DEPTH_MAX)
		return;
	s->name[s->depth].n = 0;
	s->parent[s->depth] = s->name[s->depth - 1].n > 0 && is_parent(s, &s->name[s->depth - 1]);
}

static void
take_octet(struct skim *s)
{
	if (*s->r == '{')
		enter_object(s);
	else if (*s->r == '}' && s->depth > 0)
		s->depth--;
	keep(s, s->r + 1);
}

size_t
jskim(char *text, size_t len, const char *const *skip)
{
	struct skim s = { .text = text, .r = text, .w = text, .end = text + len, .skip = skip };

	if (memchr(text, '\0', len)) /* no JSON; and names are compared as strings */
		return len;
	while (s.r < s.end) {
		if (*s.r == '"')
			take_string(&s);
		else
			take_octet(&s);
	}
	return (size_t)(s.w - text);
}
