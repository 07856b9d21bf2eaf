/*
 * Any octets as a configuration: there is a configuration exactly when there is no
 * error; every finding points into the text and can be printed; what loads dumps to
 * text that loads to the same.
 */
#include <string.h>

#include "lib/mem.h"
#include "tests/conf/testconf.h"
#include "tests/fuzz/fuzz.h"

/* Lines of a text; an unfinished one counts, and so does the one behind the last newline. */
static uint32_t
count_lines(const uint8_t *in, size_t len)
{
	uint32_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += in[i] == '\n' || in[i] == '\r' || in[i] == 0x85 || in[i] == 0xa8 || in[i] == 0xa9;
	return n;
}

static void
check_findings(const struct conf_errs *errs, uint32_t lines)
{
	char *line, *all;

	HOLD(errs->n <= CONF_ERRS_MAX && errs->n <= errs->nerrors + errs->nwarnings);
	for (size_t i = 0; i < errs->n; i++) {
		HOLD(errs->v[i].line <= lines + 1);
		HOLD(errs->v[i].wanted && *errs->v[i].wanted);
		HOLD((errs->v[i].line == 0) == (errs->v[i].col == 0));
		line = conf_err_text(errs, &errs->v[i]);
		HOLD(!strchr(line, '\n') && !strchr(line, '\033'));
		mem_free(line);
	}
	all = conf_errs_text(errs);
	HOLD(all);
	mem_free(all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct conf_errs errs = { 0 };
	struct conf *c = conf_load(&testconf_env, "fuzz", (const char *)in, len, &errs);
	char *wrong;

	HOLD((c == NULL) == (errs.nerrors > 0));
	check_findings(&errs, count_lines(in, len));
	if (c) {
		wrong = testconf_round_trip(c);
		if (wrong)
			fprintf(stderr, "%s\n", wrong);
		HOLD(!wrong);
	}
	conf_free(c);
	conf_errs_free(&errs);
	return 0;
}
