/*
 * Helpers of the configuration's tests. See testconf.h.
 */
#include "tests/conf/testconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static const char *
fixed_getenv(void *arg, const char *name)
{
	if (strcmp(name, "NODE_NAME") == 0)
		return "node-a";
	return strcmp(name, "NODE_IP") == 0 ? "10.0.0.5" : NULL;
}

const struct conf_env testconf_env = { .hostname = "host1", .getenv = fixed_getenv };

char *
testconf_read(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "r");
	size_t n = 0, cap = 4096, got;
	char *buf = mem_alloc(cap);

	if (!f) {
		perror(path);
		exit(99);
	}
	while ((got = fread(buf + n, 1, cap - n - 1, f)) > 0) {
		n += got;
		if (cap - n < 2)
			buf = mem_realloc(buf, cap *= 2);
	}
	fclose(f);
	buf[n] = '\0';
	*ret_len = n;
	return buf;
}

static char *
check_diff(const struct conf *a, const struct conf *b)
{
	struct conf_diff *d = conf_diff(a, b);
	char *wrong = NULL;

	if (d->node || d->bgp || d->advertisements || d->kernel || d->ops)
		wrong = mem_strdup("conf_diff() finds a difference outside the peers");
	for (size_t i = 0; i < d->n && !wrong; i++)
		if (d->v[i].change != CONF_SAME)
			wrong = mem_printf("conf_diff() says peer %s: %s by %s", d->v[i].name,
			    conf_change_str(d->v[i].change), d->v[i].why);
	conf_diff_free(d);
	return wrong;
}

char *
testconf_round_trip(const struct conf *c)
{
	char *text = conf_dump(c), *again = NULL, *wrong = NULL, *findings;
	struct conf_errs errs = { 0 };
	struct conf *c2 = conf_load(&testconf_env, "dump", text, strlen(text), &errs);

	if (!c2) {
		findings = conf_errs_text(&errs);
		wrong = mem_printf("the dump does not load:\n%s%s", findings, text);
		mem_free(findings);
	} else {
		again = conf_dump(c2);
		if (strcmp(text, again) != 0)
			wrong = mem_printf("dumps differ:\n%s---\n%s", text, again);
		else
			wrong = check_diff(c, c2);
	}
	conf_free(c2);
	conf_errs_free(&errs);
	mem_free(text);
	mem_free(again);
	return wrong;
}
