/*
 * `weft check FILE`: what a reload would say, without an agent.
 *
 * Each finding is printed with the line it is about and a caret under the place;
 * colours only where a terminal reads.  "-" is standard input.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/mem.h"

#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define BOLD   "\033[1m"
#define PLAIN  "\033[0m"

static const char *
from_environment(void *arg, const char *name)
{
	return getenv(name);
}

/* All of f, NUL-terminated; NULL with errno. */
static char *
read_stream(FILE *f, size_t *ret_len)
{
	size_t len = 0, cap = 65536, n;
	char *text = mem_alloc(cap);
	int err;

	while ((n = fread(text + len, 1, cap - len - 1, f)) > 0) {
		len += n;
		if (len > CONF_TEXT_MAX)
			break; /* conf_load() says that it is too long */
		if (cap - len - 1 < 4096)
			text = mem_realloc(text, cap *= 2);
	}
	err = ferror(f) ? errno : 0;
	text[len] = '\0';
	*ret_len = len;
	if (!err)
		return text;
	mem_free(text);
	errno = err;
	return NULL;
}

/* The whole file, "-" for standard input; NULL with errno. */
static char *
read_file(const char *name, size_t *ret_len)
{
	char *text;
	FILE *f;
	int err;

	if (strcmp(name, "-") == 0)
		return read_stream(stdin, ret_len);
	f = fopen(name, "re");
	if (!f)
		return NULL;
	text = read_stream(f, ret_len);
	err = errno;
	fclose(f);
	errno = err;
	return text;
}

/* ---- findings as text ---------------------------------------------------------------- */

static const char *
line_at(const char *text, uint32_t line, size_t *ret_len)
{
	while (--line && text) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	*ret_len = text ? strcspn(text, "\n") : 0;
	return text;
}

/* The line and a caret below column col; tabs count as one column, as YAML has none. */
static void
print_source(struct ctl *c, const char *text, uint32_t line, uint32_t col, const char *colour)
{
	size_t len;
	const char *src = line_at(text, line, &len);
	char *copy;

	if (!src || !len || col > len + 1)
		return;
	copy = text_clean(mem_strndup(src, len));
	fprintf(c->out, "%6u | %s\n%6s | %*s%s^%s\n", line, copy, "", (int)col - 1, "", colour,
	    *colour ? PLAIN : "");
	mem_free(copy);
}

static void
print_finding(struct ctl *c, const char *text, const struct conf_errs *errs,
    const struct conf_err *e)
{
	bool tty = c->columns != 0;
	const char *colour = !tty ? "" : e->warning ? YELLOW : RED;
	char *line = conf_err_text(errs, e);

	fputs(tty ? BOLD : "", c->out);
	print_clean(c->out, "%s\n", line);
	fputs(tty ? PLAIN : "", c->out);
	if (e->line)
		print_source(c, text, e->line, e->col, colour);
	mem_free(line);
}

static void
print_ok(struct ctl *c, const char *name, const struct conf *conf, size_t nwarnings)
{
	print_clean(c->out, "%s: good: %zu peer%s, %zu advertisement%s", name, conf->peers.n,
	    conf->peers.n == 1 ? "" : "s", conf->advertisements.n,
	    conf->advertisements.n == 1 ? "" : "s");
	if (!conf->kernel.install)
		fputs(", kernel.install is false", c->out);
	else if (!conf->kernel.permit.n)
		fputs(", nothing permitted into the kernel", c->out);
	if (nwarnings)
		fprintf(c->out, "; %zu warning%s", nwarnings, nwarnings == 1 ? "" : "s");
	fputc('\n', c->out);
}

/* ---- findings as JSON ------------------------------------------------------------------ */

static void
print_json(struct ctl *c, const char *name, bool ok, const struct conf_errs *errs)
{
	struct out o;

	out_init(&o, true);
	out_open(&o, NULL);
	out_open(&o, "check");
	out_str(&o, "file", name);
	out_bool(&o, "good", ok);
	out_u64(&o, "errors", errs->nerrors);
	out_u64(&o, "warnings", errs->nwarnings);
	out_open_array(&o, "findings");
	for (size_t i = 0; i < errs->n; i++) {
		const struct conf_err *e = &errs->v[i];
		char *text = conf_err_text(errs, e);

		out_open(&o, NULL);
		out_bool(&o, "warning", e->warning);
		out_u64(&o, "line", e->line);
		out_u64(&o, "column", e->col);
		out_str(&o, "option", e->path);
		out_str(&o, "wanted", e->wanted);
		out_str(&o, "found", e->found);
		out_str(&o, "hint", e->hint);
		out_str(&o, "text", text);
		out_close(&o);
		mem_free(text);
	}
	out_close(&o);
	out_close(&o);
	out_close(&o);
	fprintf(c->out, "%s\n", out_text(&o));
	out_free(&o);
}

/* ---- the command -------------------------------------------------------------------------- */

static void
print_text(struct ctl *c, const char *name, const char *text, const struct conf *conf,
    const struct conf_errs *errs)
{
	for (size_t i = 0; i < errs->n; i++)
		print_finding(c, text, errs, &errs->v[i]);
	if (errs->nerrors + errs->nwarnings > errs->n)
		fprintf(c->out, "... and %zu more\n", errs->nerrors + errs->nwarnings - errs->n);
	if (conf)
		print_ok(c, name, conf, errs->nwarnings);
	else
		print_clean(c->out, "%s: %zu error%s\n", name, errs->nerrors,
		    errs->nerrors == 1 ? "" : "s");
}

struct conf *
check_load(struct ctl *c, const char *name)
{
	char hostname[256] = "", *text, why[512];
	struct conf_env env = { .hostname = hostname, .getenv = from_environment };
	struct conf_errs errs;
	struct conf *conf;
	size_t len;

	text = read_file(name, &len);
	if (!text) {
		snprintf(why, sizeof(why), "%s: %s", name, strerror(errno));
		render_error(c, CTL_USAGE, why);
		return NULL;
	}
	if (gethostname(hostname, sizeof(hostname) - 1) < 0)
		hostname[0] = '\0';
	conf_errs_init(&errs);
	conf = conf_load(&env, name, text, len, &errs);
	if (!conf && c->format == CTL_JSON)
		print_json(c, name, false, &errs);
	else if (!conf)
		print_text(c, name, text, NULL, &errs);
	conf_errs_free(&errs);
	mem_free(text);
	return conf;
}

int
cmd_check(struct ctl *c)
{
	const char *name = c->arg[0];
	char hostname[256] = "", *text, why[512];
	struct conf_env env = { .hostname = hostname, .getenv = from_environment };
	struct conf_errs errs;
	struct conf *conf;
	size_t len;
	int status;

	text = read_file(name, &len);
	if (!text) {
		snprintf(why, sizeof(why), "%s: %s", name, strerror(errno));
		return render_error(c, CTL_USAGE, why);
	}
	if (gethostname(hostname, sizeof(hostname) - 1) < 0)
		hostname[0] = '\0';
	conf_errs_init(&errs);
	conf = conf_load(&env, name, text, len, &errs);
	if (c->format == CTL_JSON)
		print_json(c, name, conf != NULL, &errs);
	else
		print_text(c, name, text, conf, &errs);
	status = conf ? CTL_OK : CTL_USAGE;
	conf_free(conf);
	conf_errs_free(&errs);
	mem_free(text);
	return status;
}
