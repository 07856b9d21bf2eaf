/*
 * Edit distance (optimal string alignment) over short words; three rows of the
 * usual matrix are enough.
 */
#include "lib/conf_suggest.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define WORD_MAX 64

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned
conf_edit_distance(const char *a, const char *b)
{
	unsigned row[3][WORD_MAX + 1];
	unsigned *before = row[0], *last = row[1], *cur = row[2], *tmp;
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return UINT_MAX;
	for (size_t j = 0; j <= nb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		cur[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			cur[j] = min3(
			    last[j] + 1, cur[j - 1] + 1, last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]) && before[j - 2] + 1 < cur[j])
				cur[j] = before[j - 2] + 1;
		}
		tmp = before;
		before = last;
		last = cur;
		cur = tmp;
	}
	return last[nb];
}

struct conf_suggest
conf_suggest_for(const char *word)
{
	return (struct conf_suggest){ .word = word, .dist = UINT_MAX };
}

void
conf_suggest_offer(struct conf_suggest *s, const char *candidate)
{
	unsigned d = conf_edit_distance(s->word, candidate);

	if (d < s->dist) {
		s->dist = d;
		s->best = candidate;
	}
}

const char *
conf_suggest_best(const struct conf_suggest *s)
{
	size_t n = strlen(s->word);
	unsigned limit = n <= 2 ? 1 : n <= 5 ? 2 : 3;

	return s->best && s->dist <= limit && s->dist < n ? s->best : NULL;
}
