/*
 * `weft check FILE...`: what a reload would say, without an agent.
 *
 * A file is a configuration, or manifests: custom resources and ConfigMaps. Several files are one
 * configuration, as they would be in a cluster.
 * Each finding is printed with the line it is about and a caret under the place;
 * colours only where a terminal reads.  "-" is standard input.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf_err.h"
#include "lib/conf_parts.h"
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

char *
ctl_read_file(const char *name, size_t *ret_len)
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

/* ---- what is read ------------------------------------------------------------------- */

/* Nothing says what else a cluster's configuration has: what every one must have is assumed. */
#define ASSUMED "bgp: {asNumber: 64512}\n"

struct input {
	const char *name;
	char *text;
	size_t len;
	struct conf_manifest m;
};

struct inputs {
	struct input *v;
	size_t n;
	struct conf_part *part; /* of all of them, files first */
	const char **text;	/* of the file that each part is in */
	size_t nparts;
	bool objects;
	bool assumed; /* the first one, of which nothing is said */
};

static void
add_parts(struct inputs *in, const struct input *from, enum conf_part_kind kind)
{
	for (size_t i = 0; i < from->m.n; i++) {
		if (from->m.part[i].kind != kind)
			continue;
		in->part[in->nparts] = from->m.part[i];
		in->text[in->nparts++] = from->text;
	}
}

static bool
has_as_number(const struct inputs *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].m.as_number)
			return true;
	return false;
}

static bool
has_kind(const struct inputs *in, enum conf_part_kind kind)
{
	for (size_t i = 0; i < in->n; i++)
		for (size_t k = 0; k < in->v[i].m.n; k++)
			if (in->v[i].m.part[k].kind == kind)
				return true;
	return false;
}

/* All parts in the order of their kinds, behind a file if there is none. */
static void
gather_parts(struct inputs *in)
{
	struct conf_part file = { .kind = CONF_PART_FILE, .name = in->v[0].name, .text = "" };
	size_t n = 1;

	for (size_t i = 0; i < in->n; i++) {
		n += in->v[i].m.n;
		in->objects |= in->v[i].m.objects;
	}
	in->part = mem_zalloc_array(n, sizeof(in->part[0]));
	in->text = mem_zalloc_array(n, sizeof(in->text[0]));
	if (!has_kind(in, CONF_PART_FILE) && n > 1) {
		file.text = has_as_number(in) ? "{}" : ASSUMED;
		file.len = strlen(file.text);
		in->assumed = true;
		in->part[in->nparts] = file;
		in->text[in->nparts++] = in->v[0].text;
	}
	for (int kind = 0; kind < CONF_PART_NKINDS; kind++)
		for (size_t i = 0; i < in->n; i++)
			add_parts(in, &in->v[i], (enum conf_part_kind)kind);
}

static void
inputs_free(struct inputs *in)
{
	for (size_t i = 0; i < in->n; i++) {
		conf_manifest_free(&in->v[i].m);
		mem_free(in->v[i].text);
	}
	mem_free(in->v);
	mem_free(in->part);
	mem_free(in->text);
}

/* Read the files; false after a message. What holds no configuration at all goes to errs. */
static bool
inputs_read(struct ctl *c, struct inputs *in, const char *const *names, size_t n,
    struct conf_errs *errs)
{
	char why[512];

	memset(in, 0, sizeof(*in));
	in->v = mem_zalloc_array(n, sizeof(in->v[0]));
	for (; in->n < n; in->n++) {
		struct input *i = &in->v[in->n];

		i->name = names[in->n];
		i->text = ctl_read_file(i->name, &i->len);
		if (!i->text) {
			snprintf(why, sizeof(why), "%s: %s", i->name, strerror(errno));
			render_error(c, CTL_USAGE, why);
			return false;
		}
		conf_manifest_read(&i->m, i->name, i->text, i->len, errs);
	}
	gather_parts(in);
	return true;
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
print_ok(struct ctl *c, const struct inputs *in, const struct conf *conf, size_t nwarnings)
{
	const char *name = in->v[0].name;
	size_t nparts = in->nparts - in->assumed;

	if (in->objects) {
		print_clean(c->out, "%s%s: good: %zu part%s", name, in->n > 1 ? " and others" : "",
		    nparts, nparts == 1 ? "" : "s");
		if (nwarnings)
			fprintf(c->out, "; %zu warning%s", nwarnings, nwarnings == 1 ? "" : "s");
		fputc('\n', c->out);
		return;
	}
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
json_findings(struct out *o, const struct conf_errs *errs)
{
	for (size_t i = 0; i < errs->n; i++) {
		const struct conf_err *e = &errs->v[i];
		char *text = conf_err_text(errs, e);

		out_open(o, NULL);
		out_bool(o, "warning", e->warning);
		out_u64(o, "line", e->line);
		out_u64(o, "column", e->col);
		out_str(o, "option", e->path);
		out_str(o, "wanted", e->wanted);
		out_str(o, "found", e->found);
		out_str(o, "hint", e->hint);
		out_str(o, "text", text);
		out_close(o);
		mem_free(text);
	}
}

static void
print_json(struct ctl *c, const char *name, bool ok, const struct conf_errs *form,
    const struct conf_errs *errs)
{
	struct out o;

	out_init(&o, true);
	out_open(&o, NULL);
	out_open(&o, "check");
	out_str(&o, "file", name);
	out_bool(&o, "good", ok);
	out_u64(&o, "errors", form->nerrors + errs->nerrors);
	out_u64(&o, "warnings", errs->nwarnings);
	out_open_array(&o, "findings");
	json_findings(&o, form);
	json_findings(&o, errs);
	out_close(&o);
	out_close(&o);
	out_close(&o);
	fprintf(c->out, "%s\n", out_text(&o));
	out_free(&o);
}

/* ---- the command -------------------------------------------------------------------------- */

static void
print_findings(struct ctl *c, const struct inputs *in, const struct conf_errs *errs, bool parts)
{
	for (size_t i = 0; i < errs->n; i++)
		if (!(parts && in->assumed && errs->v[i].part == 0 && errs->v[i].warning))
			print_finding(c, parts ? in->text[errs->v[i].part] : in->v[errs->v[i].part].text,
			    errs, &errs->v[i]);
	if (errs->nerrors + errs->nwarnings > errs->n)
		fprintf(c->out, "... and %zu more\n", errs->nerrors + errs->nwarnings - errs->n);
}

static void
print_result(struct ctl *c, const struct inputs *in, const struct conf *conf, size_t nerrors,
    size_t nwarnings)
{
	if (nerrors == 0 && conf)
		print_ok(c, in, conf, nwarnings);
	else
		print_clean(c->out, "%s%s: %zu error%s\n", in->v[0].name, in->n > 1 ? " and others" : "",
		    nerrors, nerrors == 1 ? "" : "s");
}

/* Load what is in the files and say what is wrong; quiet: say nothing while all is well. */
static struct conf *
load(struct ctl *c, const char *const *names, size_t n, bool quiet)
{
	char hostname[256] = "";
	struct conf_env env = { .hostname = hostname, .getenv = from_environment };
	struct conf_err nothing = { .wanted = "there is nothing for weft in it" };
	struct conf_errs form = { 0 }, errs = { 0 };
	struct conf *conf = NULL;
	struct inputs in;

	if (gethostname(hostname, sizeof(hostname) - 1) < 0)
		hostname[0] = '\0';
	if (inputs_read(c, &in, names, n, &form)) {
		env.clustered = in.objects;
		if (in.nparts > 0)
			conf = conf_load_parts(&env, in.part, in.nparts, &errs);
		if (in.nparts == 0 && form.nerrors == 0)
			conf_errs_add(&form, &nothing);
		if (in.assumed)
			errs.nwarnings -= errs.part[0].nwarnings;
		if ((!conf || form.nerrors > 0 || !quiet) && c->format == CTL_JSON)
			print_json(c, names[0], conf && form.nerrors == 0, &form, &errs);
		else if (!conf || form.nerrors > 0 || !quiet) {
			print_findings(c, &in, &form, false);
			print_findings(c, &in, &errs, true);
			print_result(c, &in, conf, form.nerrors + errs.nerrors, errs.nwarnings);
		}
		if (form.nerrors > 0) {
			conf_free(conf);
			conf = NULL;
		}
	}
	inputs_free(&in);
	conf_errs_free(&form);
	conf_errs_free(&errs);
	return conf;
}

struct conf *
check_load(struct ctl *c, const char *name)
{
	return load(c, &name, 1, true);
}

int
cmd_check(struct ctl *c)
{
	struct conf *conf = load(c, c->arg, c->nargs, false);
	int status = conf ? CTL_OK : CTL_USAGE;

	conf_free(conf);
	return status;
}
