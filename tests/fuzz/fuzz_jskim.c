/*
 * A JSON text without some members is the parsed text without these members, and any other text
 * stays inside its bounds.
 */
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "agent/kube/jskim.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

static const char *const skip[] = { "metadata.managedFields", "status.conditions", "a.b", NULL };

static bool
is_skipped(const char *parent, const char *name)
{
	char both[128];

	snprintf(both, sizeof(both), "%s.%s", parent, name);
	for (const char *const *s = skip; *s; s++)
		if (strcmp(both, *s) == 0)
			return true;
	return false;
}

/* The same by the parsed value; depth: of objects. */
static void
prune(json_t *j, const char *parent, unsigned depth)
{
	const char *name;
	void *tmp;
	json_t *v;
	size_t i;

	json_array_foreach(j, i, v)
		prune(v, parent, depth);
	if (!json_is_object(j) || ++depth > JSKIM_DEPTH_MAX)
		return;
	json_object_foreach_safe(j, tmp, name, v) {
		if (is_skipped(parent, name))
			json_object_del(j, name);
		else
			prune(v, name, depth);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	char *text = mem_dup(in, len);
	json_t *want = json_loadb(text, len, JSON_DECODE_ANY, NULL), *got;
	size_t n = jskim(text, len, skip);

	HOLD(n <= len);
	got = json_loadb(text, n, JSON_DECODE_ANY, NULL);
	/* Escapes are another spelling of a name, and a text with NULs stays as it is. */
	if (want && !memchr(in, '\\', len) && !memchr(in, '\0', len)) {
		prune(want, "", 0);
		HOLD(got && json_equal(got, want));
	}
	json_decref(got);
	json_decref(want);
	mem_free(text);
	return 0;
}
