/*
 * Golden tests of the configuration: every tests/conf/NAME.yaml against NAME.ok,
 * which holds the findings and, where there is no error, the dump behind a line
 * "---". The samples of etc/ are loaded, too: they must be free of findings.
 * WEFT_UPDATE=1 in the environment rewrites the .ok files.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf_parts.h"
#include "lib/mem.h"
#include "tests/conf/testconf.h"

static unsigned failed, passed;

static void
verdict(const char *path, const char *wrong)
{
	if (!wrong) {
		passed++;
		return;
	}
	failed++;
	fprintf(stderr, "FAIL %s: %s\n", path, wrong);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Findings and dump of a file; *ret_wrong: what its round trip complains about, or NULL. */
static char *
actual(const char *path, char **ret_wrong)
{
	struct conf_errs errs = { 0 };
	struct conf *c;
	char *text, *findings, *dump = NULL, *out;
	size_t len;

	text = testconf_read(path, &len);
	c = conf_load(&testconf_env, base_name(path), text, len, &errs);
	findings = conf_errs_text(&errs);
	*ret_wrong = c ? testconf_round_trip(c) : NULL;
	if (c)
		dump = conf_dump(c);
	out = mem_printf("%s%s%s", findings, dump ? "---\n" : "", dump ? dump : "");
	mem_free(text);
	mem_free(findings);
	mem_free(dump);
	conf_free(c);
	conf_errs_free(&errs);
	return out;
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) == EOF || fclose(f) != 0) {
		perror(path);
		exit(99);
	}
}

static void
check_golden(const char *path)
{
	char *wrong, *out = actual(path, &wrong);
	char *ok_path = mem_printf("%.*s.ok", (int)(strlen(path) - strlen(".yaml")), path);
	char *want = NULL, *diff;
	size_t len;

	if (getenv("WEFT_UPDATE"))
		write_file(ok_path, out);
	want = testconf_read(ok_path, &len);
	verdict(path, wrong);
	diff = strcmp(out, want) == 0 ? NULL : mem_printf("want\n%sgot\n%s", want, out);
	verdict(path, diff);
	mem_free(diff);
	mem_free(want);
	mem_free(out);
	mem_free(wrong);
	mem_free(ok_path);
}

/* A sample must load without a word. */
static void
check_sample(const char *path)
{
	char *wrong, *out = actual(path, &wrong);

	verdict(path, wrong);
	verdict(path, strncmp(out, "---\n", 4) == 0 ? NULL : out);
	mem_free(out);
	mem_free(wrong);
}

/* Manifests beside a file that has what they have not must load without a mistake. */
static void
check_manifest(const char *path)
{
	struct conf_part part[16] = { { .kind = CONF_PART_FILE, .name = "file" } };
	struct conf_errs form = { 0 }, errs = { 0 };
	struct conf_manifest m;
	struct conf *c;
	char *text, *findings;
	size_t len, n = 1;

	text = testconf_read(path, &len);
	conf_manifest_read(&m, base_name(path), text, len, &form);
	part[0].text = m.n > 0 && m.part[0].kind > CONF_PART_NODE ? "bgp: {asNumber: 64512}\n" : "{}";
	part[0].len = strlen(part[0].text);
	for (size_t i = 0; i < m.n && n < 16; i++)
		part[n++] = m.part[i];
	c = conf_load_parts(&testconf_env, part, n, &errs);
	findings = conf_errs_text(&errs);
	verdict(path, m.objects && m.n > 0 && form.nerrors == 0 && c ? NULL : findings);
	mem_free(findings);
	conf_free(c);
	conf_manifest_free(&m);
	conf_errs_free(&form);
	conf_errs_free(&errs);
	mem_free(text);
}

static void
for_each(const char *dir, const char *pattern, void (*check)(const char *path))
{
	char *all = mem_printf("%s/%s", dir, pattern);
	glob_t g;

	if (glob(all, 0, NULL, &g) != 0) {
		fprintf(stderr, "FAIL nothing matches %s\n", all);
		failed++;
	} else {
		for (size_t i = 0; i < g.gl_pathc; i++)
			check(g.gl_pathv[i]);
		globfree(&g);
	}
	mem_free(all);
}

int
main(void)
{
	const char *dir = getenv("srcdir");

	dir = dir ? dir : ".";
	for_each(dir, "tests/conf/*.yaml", check_golden);
	for_each(dir, "etc/*.yaml", check_sample);
	for_each(dir, "etc/kubernetes/samples/*.yaml", check_manifest);
	printf("Checks: %u, Failures: %u, Errors: 0\n", passed + failed, failed);
	return failed > 0;
}
