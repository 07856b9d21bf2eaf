/*
 * Walking a path into a JSON value.
 */
#include "agent/kube/jget.h"

#include <string.h>

/* "[12]" or "['name']" at p; moves *p behind it. NULL: nothing there, or a bad path. */
static const json_t *
step_bracket(const json_t *j, const char **p)
{
	const char *s = *p + 1, *end;
	size_t i = 0;

	if (*s == '\'') {
		end = strstr(s + 1, "']");
		if (!end)
			return NULL;
		*p = end + 2;
		return json_object_getn(j, s + 1, (size_t)(end - s - 1));
	}
	for (; *s >= '0' && *s <= '9' && i < 100000; s++)
		i = i * 10 + (size_t)(*s - '0');
	if (*s != ']')
		return NULL;
	*p = s + 1;
	return json_array_get(j, i);
}

const json_t *
jget(const json_t *j, const char *path)
{
	const char *p = path;

	while (j && *p) {
		size_t n;

		if (*p == '[') {
			j = step_bracket(j, &p);
			continue;
		}
		p += *p == '.';
		n = strcspn(p, ".[");
		j = json_object_getn(j, p, n);
		p += n;
	}
	return j;
}

const char *
jget_str(const json_t *j, const char *path)
{
	return json_string_value(jget(j, path));
}

int64_t
jget_int(const json_t *j, const char *path, int64_t min, int64_t max, int64_t dflt)
{
	const json_t *v = jget(j, path);
	int64_t n = json_is_integer(v) ? json_integer_value(v) : dflt;

	return v && json_is_integer(v) && n >= min && n <= max ? n : dflt;
}

bool
jget_bool(const json_t *j, const char *path, bool dflt)
{
	const json_t *v = jget(j, path);

	return json_is_boolean(v) ? json_is_true(v) : dflt;
}

size_t
jget_len(const json_t *j, const char *path)
{
	const json_t *v = jget(j, path);

	return json_is_array(v) ? json_array_size(v) : json_object_size(v);
}
