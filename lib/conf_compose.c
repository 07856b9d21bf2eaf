/*
 * The best configuration that parts give. See conf_parts.h.
 *
 * First everything as it is written. What has mistakes goes back to its last good text, as long as
 * it is what has changed; but a file that never was good is the ground for all others. When something
 * that has not changed is blamed, or that file, the changes are tried one by one upon what was good,
 * in passes, as one may need another.
 */
#include "lib/conf_parts.h"

#include <string.h>

#include "lib/conf_err.h"
#include "lib/mem.h"

/* Which text of a part is tried. */
enum use { USE_TEXT, USE_GOOD, USE_NONE };

struct compose {
	const struct conf_env *env;
	struct conf_source_part *v;
	size_t n;
	enum use *use;
	bool *refused; /* its text had mistakes of its own */
	size_t *at;    /* the part that stands at a place of the last load */
	char *warnings; /* of the last load */
};

static bool
is_changed(const struct conf_source_part *p)
{
	return !p->part.text || !p->good || p->part.len != p->good_len ||
	    memcmp(p->part.text, p->good, p->good_len) != 0;
}

/* Nothing stands in for a file that never was good. */
static bool
is_alone(const struct conf_source_part *p)
{
	return p->part.kind == CONF_PART_FILE && !p->good;
}

static enum use
fallback(const struct conf_source_part *p)
{
	return p->good ? USE_GOOD : is_alone(p) ? USE_TEXT : USE_NONE;
}

/* What is not as it was when it was good last is what this is about. */
static bool
is_pending(const struct compose *c, size_t i)
{
	return c->use[i] != (c->v[i].part.text ? USE_TEXT : USE_NONE);
}

static char *
join(char *a, char *b)
{
	char *both = mem_printf("%s%s", a ? a : "", b ? b : "");

	mem_free(a);
	mem_free(b);
	return both;
}

/* Lines about one part, or (SIZE_MAX) about all of them. */
static char *
lines(const struct conf_errs *errs, size_t part, bool warnings)
{
	char *all = mem_strdup(""), *line;

	for (size_t i = 0; i < errs->n; i++) {
		if (errs->v[i].warning != warnings || (part != SIZE_MAX && errs->v[i].part != part))
			continue;
		line = conf_err_text(errs, &errs->v[i]);
		all = join(all, mem_printf("%s\n", line));
		mem_free(line);
	}
	return all;
}

/* Put the parts as they are to be used, those that have not changed first, into v. */
static size_t
gather(struct compose *c, struct conf_part *v)
{
	size_t n = 0;

	for (int pass = 0; pass < 3; pass++) /* files, what was good, what is new */
		for (size_t i = 0; i < c->n; i++) {
			const struct conf_source_part *p = &c->v[i];
			bool file = p->part.kind == CONF_PART_FILE;
			bool old = c->use[i] == USE_GOOD || !is_changed(p);

			if (c->use[i] == USE_NONE || pass != (file ? 0 : old ? 1 : 2))
				continue;
			v[n] = p->part;
			if (c->use[i] == USE_GOOD) {
				v[n].text = p->good;
				v[n].len = p->good_len;
			}
			c->at[n++] = i;
		}
	return n;
}

static struct conf *
load(struct compose *c, struct conf_errs *errs)
{
	struct conf_part *v = mem_zalloc_array(c->n + 1, sizeof(v[0]));
	struct conf *conf = conf_load_parts(c->env, v, gather(c, v), errs);

	mem_free(v);
	mem_free(c->warnings);
	c->warnings = lines(errs, SIZE_MAX, true);
	return conf;
}

static void
blame(struct compose *c, size_t i, char *why)
{
	mem_free(c->v[i].why);
	c->v[i].why = why;
}

/* Put back what is new and wrong; false: only what was good is blamed. */
static bool
put_back_wrong(struct compose *c, const struct conf_errs *errs)
{
	bool any = false;
	size_t i;

	for (size_t k = 0; k < errs->nparts; k++) {
		i = c->at[k];
		if (errs->part[k].nerrors == 0 || c->use[i] != USE_TEXT || !is_changed(&c->v[i]) ||
		    is_alone(&c->v[i]))
			continue;
		blame(c, i, lines(errs, k, false));
		c->refused[i] = true;
		c->use[i] = fallback(&c->v[i]);
		any = true;
	}
	return any;
}

/* Leave out what was good once and is wrong now, whatever the reason; false: there is nothing. */
static bool
leave_out_wrong(struct compose *c, const struct conf_errs *errs)
{
	bool any = false;
	size_t i;

	for (size_t k = 0; k < errs->nparts; k++) {
		i = c->at[k];
		if (errs->part[k].nerrors == 0 || c->v[i].part.kind == CONF_PART_FILE)
			continue;
		blame(c, i, lines(errs, k, false));
		c->use[i] = USE_NONE;
		any = true;
	}
	return any;
}

/* Load, putting back or leaving out until it holds; NULL: nothing helps, with the reason in errs. */
static struct conf *
settle(struct compose *c, bool (*give_way)(struct compose *, const struct conf_errs *),
    struct conf_errs *errs)
{
	struct conf *conf;

	while (!(conf = load(c, errs)) && give_way(c, errs))
		;
	return conf;
}

/* Try one change upon what holds: *conf is the better one afterwards. */
static bool
try_change(struct compose *c, size_t i, struct conf **conf, struct conf_errs *errs)
{
	enum use was = c->use[i];
	struct conf *better;

	c->use[i] = c->v[i].part.text ? USE_TEXT : USE_NONE;
	better = load(c, errs);
	if (better) {
		conf_free(*conf);
		*conf = better;
		blame(c, i, NULL);
		return true;
	}
	c->use[i] = was;
	blame(c, i, lines(errs, SIZE_MAX, false));
	return false;
}

/* From what was good, change by change. */
static struct conf *
one_by_one(struct compose *c, struct conf_errs *errs)
{
	struct conf *conf;
	bool any = true;

	for (size_t i = 0; i < c->n; i++)
		if (is_changed(&c->v[i]))
			c->use[i] = fallback(&c->v[i]);
	conf = settle(c, leave_out_wrong, errs);
	while (conf && any) {
		any = false;
		for (size_t i = 0; i < c->n; i++)
			if (is_pending(c, i) && !c->refused[i] && is_changed(&c->v[i]))
				any |= try_change(c, i, &conf, errs);
	}
	return conf;
}

static void
conclude(struct compose *c, bool any)
{
	struct conf_source_part *p;

	for (size_t i = 0; i < c->n; i++) {
		p = &c->v[i];
		p->verdict = !is_pending(c, i) ? CONF_TAKEN :
		    c->use[i] == USE_GOOD    ? CONF_KEPT :
					       CONF_LEFT_OUT;
		if (!any && is_alone(p))
			p->verdict = CONF_LEFT_OUT;
		if (!p->why || p->verdict == CONF_TAKEN)
			blame(c, i, mem_strdup(""));
	}
}

struct conf *
conf_compose(const struct conf_env *env, struct conf_source_part *parts, size_t n,
    char **ret_errors, char **ret_warnings)
{
	struct compose c = { .env = env, .v = parts, .n = n };
	struct conf_errs errs = { 0 };
	struct conf *conf;

	c.use = mem_zalloc_array(n + 1, sizeof(c.use[0]));
	c.refused = mem_zalloc_array(n + 1, sizeof(c.refused[0]));
	c.at = mem_zalloc_array(n + 1, sizeof(c.at[0]));
	for (size_t i = 0; i < n; i++) {
		parts[i].why = NULL;
		c.use[i] = parts[i].part.text ? USE_TEXT : USE_NONE;
	}
	conf = settle(&c, put_back_wrong, &errs);
	if (!conf)
		conf = one_by_one(&c, &errs);
	conclude(&c, conf != NULL);
	*ret_errors = mem_strdup("");
	for (size_t i = 0; i < n; i++)
		*ret_errors = join(*ret_errors, mem_strdup(parts[i].why));
	if (!conf && !**ret_errors)
		*ret_errors = join(*ret_errors, lines(&errs, SIZE_MAX, false));
	*ret_warnings = conf ? mem_strdup(c.warnings) : mem_strdup("");
	mem_free(c.warnings);
	mem_free(c.use);
	mem_free(c.refused);
	mem_free(c.at);
	conf_errs_free(&errs);
	return conf;
}
