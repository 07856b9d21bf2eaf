/*
 * `weft convert PRODUCT FILE`: the driver and the rules that products share.
 *
 * The file holds one or many objects as kubectl prints them: documents behind "---",
 * and lists. The configuration goes to the output with what could not be carried over
 * as comments before it, so nobody keeps the one without the other.
 */
#include "ctl/convert.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "lib/conf.h"
#include "lib/conf_err.h"
#include "lib/conf_path.h"
#include "lib/mem.h"

#define DOCUMENTS_MAX 10000
#define NO_COUNTERPART "weft has nothing in its place"

/* ---- looking into objects ---------------------------------------------------------------- */

const struct ynode *
conv_get(const struct ynode *n, const char *path)
{
	while (n && *path) {
		size_t len = strcspn(path, "."), i;

		if (n->kind != YNODE_MAP)
			return NULL;
		for (i = 0; i < n->n; i++)
			if (strlen(n->pair[i].key) == len && memcmp(n->pair[i].key, path, len) == 0)
				break;
		n = i < n->n ? n->pair[i].val : NULL;
		path += len + (path[len] == '.');
	}
	return n;
}

const char *
conv_str(const struct ynode *n, const char *path)
{
	n = conv_get(n, path);
	return n && n->kind == YNODE_SCALAR && !ynode_is_null(n) ? n->text : NULL;
}

const struct ynode *
conv_find(const struct conv *c, const char *kind, const char *name)
{
	for (size_t i = 0; i < c->nall; i++) {
		const char *k = conv_str(c->all[i], "kind");
		const char *n = conv_str(c->all[i], "metadata.name");

		if (k && n && strcmp(k, kind) == 0 && strcmp(n, name) == 0)
			return c->all[i];
	}
	return NULL;
}

/* ---- the report --------------------------------------------------------------------------- */

static void
add_note(struct conv *c, struct conv_note **list, size_t *n, const char *why)
{
	const char *path = c->path ? c->path : "";

	for (size_t i = 0; i < *n; i++) /* said before, of another element of the same list */
		if (strcmp((*list)[i].object, c->object) == 0 && strcmp((*list)[i].path, path) == 0 &&
		    strcmp((*list)[i].why, why) == 0)
			return;
	*list = mem_realloc_array(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = (struct conv_note){ .object = mem_strdup(c->object),
		.path = mem_strdup(path),
		.why = mem_strdup(why) };
}

void
conv_lost(struct conv *c, const char *why)
{
	add_note(c, &c->lost, &c->nlost, why);
}

void
conv_note(struct conv *c, const char *why)
{
	add_note(c, &c->note, &c->nnotes, why);
}

static void
free_notes(struct conv_note *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		mem_free(v[i].object);
		mem_free(v[i].path);
		mem_free(v[i].why);
	}
	mem_free(v);
}

/* ---- common rules -------------------------------------------------------------------------- */

struct ytree *
conv_tree(const struct ynode *n)
{
	struct ytree *t;

	if (n->kind == YNODE_SCALAR)
		return ytree_scalar(n->text, !n->plain);
	t = ytree_new();
	t->kind = n->kind == YNODE_SEQ ? YTREE_LIST : YTREE_MAP;
	for (size_t i = 0; i < n->n; i++)
		if (n->kind == YNODE_SEQ)
			ytree_put(t, NULL, conv_tree(n->item[i]));
		else
			ytree_put(t, n->pair[i].key, conv_tree(n->pair[i].val));
	return t;
}

static void
set_tree(struct conv *c, const char *path, struct ytree *t)
{
	ytree_set_tree(c->to, path, t);
	ytree_free(t);
}

void
conv_take(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	set_tree(c, r->arg, conv_tree(v));
}

void
conv_drop(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	conv_lost(c, r->arg);
}

void
conv_skip(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
}

/* "1m30s", "1.5s", "90" to milliseconds. */
static bool
go_duration(const char *s, uint64_t *ret_ms)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = { { "ms", 1 }, { "us", 0.001 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 } };
	double sum = 0, v;
	char *end;
	size_t u;

	while (*s) {
		if (!strchr("0123456789.", *s))
			return false;
		v = strtod(s, &end);
		if (end == s || v < 0 || v > 1e9)
			return false;
		for (u = 0; *end && u < 5; u++)
			if (strncmp(end, units[u].name, strlen(units[u].name)) == 0)
				break;
		if (u == 5)
			return false;
		sum += v * (*end ? units[u].ms : 1000);
		s = *end ? end + strlen(units[u].name) : end;
	}
	*ret_ms = (uint64_t)(sum + 0.5);
	return true;
}

void
conv_duration(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	char text[32];
	uint64_t ms;

	if (v->kind != YNODE_SCALAR || !v->len || !go_duration(v->text, &ms)) {
		conv_lost(c, "it is not a duration");
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64 "%s", ms % 1000 ? ms : ms / 1000, ms % 1000 ? "ms" : "s");
	ytree_set(c->to, r->arg, text);
}

void
conv_decapitalise(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	char *text;

	if (v->kind != YNODE_SCALAR)
		return;
	text = mem_strdup(v->text);
	if (*text >= 'A' && *text <= 'Z')
		*text = (char)(*text - 'A' + 'a');
	ytree_set(c->to, r->arg, text);
	mem_free(text);
}

/* ---- selectors ---- */

/* text, and more to it. */
static void
append(char **text, const char *more)
{
	char *both = mem_printf("%s%s", *text, more);

	mem_free(*text);
	*text = both;
}

static void
and_term(char **text, char *term)
{
	if (**text)
		append(text, " && ");
	append(text, term);
	mem_free(term);
}

/* {"a", "b"} */
static char *
value_set(const struct ynode *values)
{
	char *s = mem_strdup("{"), *one;

	for (size_t i = 0; values && values->kind == YNODE_SEQ && i < values->n; i++) {
		one = mem_printf("%s\"%s\"", i ? ", " : "", values->item[i]->text ? values->item[i]->text : "");
		append(&s, one);
		mem_free(one);
	}
	append(&s, "}");
	return s;
}

static char *
requirement(const struct ynode *e)
{
	const char *key = conv_str(e, "key"), *op = conv_str(e, "operator");
	char *set, *s = NULL;

	if (!key || !op)
		return NULL;
	if (strcmp(op, "Exists") == 0)
		return mem_printf("has(%s)", key);
	if (strcmp(op, "DoesNotExist") == 0)
		return mem_printf("!has(%s)", key);
	set = value_set(conv_get(e, "values"));
	if (strcmp(op, "In") == 0)
		s = mem_printf("%s in %s", key, set);
	else if (strcmp(op, "NotIn") == 0)
		s = mem_printf("%s not in %s", key, set);
	mem_free(set);
	return s;
}

/* A label selector as an expression, the caller's; "" selects everything, NULL: not understood. */
static char *
expression(const struct ynode *sel)
{
	const struct ynode *m = conv_get(sel, "matchLabels"), *e = conv_get(sel, "matchExpressions");
	char *text = mem_strdup(""), *term;

	for (size_t i = 0; m && m->kind == YNODE_MAP && i < m->n; i++)
		and_term(&text,
		    mem_printf("%s == \"%s\"", m->pair[i].key,
			m->pair[i].val->text ? m->pair[i].val->text : ""));
	for (size_t i = 0; e && e->kind == YNODE_SEQ && i < e->n; i++) {
		term = requirement(e->item[i]);
		if (!term) {
			mem_free(text);
			return NULL;
		}
		and_term(&text, term);
	}
	return text;
}

/* One of them must match. */
static char *
any_expression(const struct ynode *list)
{
	char *text = mem_strdup(""), *one, *both;

	for (size_t i = 0; i < list->n; i++) {
		one = expression(list->item[i]);
		if (!one || !*one) { /* not understood, or one that selects everything */
			mem_free(text);
			return one;
		}
		both = list->n == 1 ? mem_strdup(one)
				    : mem_printf("%s%s(%s)", text, *text ? " || " : "", one);
		mem_free(one);
		mem_free(text);
		text = both;
	}
	return text;
}

void
conv_selector(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	char *text = v->kind == YNODE_SEQ ? any_expression(v) : expression(v);

	if (!text)
		conv_lost(c, "the selector is not understood");
	else if (*text)
		ytree_put(ytree_map(c->to, ""), r->arg, ytree_scalar(text, true));
	mem_free(text);
}

/* ---- names ---- */

static bool
is_taken(const struct ytree *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct ytree *n = ytree_get(list->item[i].val, "name");

		if (n && n->text && strcmp(n->text, name) == 0)
			return true;
	}
	return false;
}

struct ytree *
conv_element(struct conv *c, const char *path, const char *name)
{
	struct ytree *list = ytree_list(c->root, path), *t;
	char *unique = mem_strdup(name);

	for (unsigned i = 2; is_taken(list, unique); i++) {
		mem_free(unique);
		unique = mem_printf("%s-%u", name, i);
	}
	t = ytree_add_map(list);
	ytree_put(t, "name", ytree_scalar(unique, true));
	mem_free(unique);
	return t;
}

void
conv_communities(struct conv *c, const struct conv_rule *r, const struct ynode *v)
{
	for (size_t i = 0; v->kind == YNODE_SEQ && i < v->n; i++) {
		const char *name = conv_str(v->item[i], "name"), *value = conv_str(v->item[i], "value");
		struct ytree *t;

		if (!name || !value)
			continue;
		t = conv_element(c, "communities", name);
		ytree_put(t, "value", ytree_scalar(value, true));
	}
}

/* ---- one object ------------------------------------------------------------------------------ */

static const struct conv_rule *
rule_at(const struct conv_kind *k, const char *path)
{
	for (size_t i = 0; i < k->nrules; i++)
		if (strcmp(k->rule[i].path, path) == 0)
			return &k->rule[i];
	return NULL;
}

/* Is there a rule for something in it? */
static bool
rules_below(const struct conv_kind *k, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < k->nrules; i++)
		if (strncmp(k->rule[i].path, path, len) == 0 &&
		    (k->rule[i].path[len] == '.' || k->rule[i].path[len] == '['))
			return true;
	return false;
}

static void walk(struct conv *c, const struct conv_kind *k, const char *path, const struct ynode *v);

static void
walk_into(struct conv *c, const struct conv_kind *k, const char *path, const struct ynode *v)
{
	char *below;

	for (size_t i = 0; v->kind != YNODE_SCALAR && i < v->n; i++) {
		below = v->kind == YNODE_SEQ ? mem_printf("%s[]", path)
					     : mem_printf("%s.%s", path, v->pair[i].key);
		walk(c, k, below, v->kind == YNODE_SEQ ? v->item[i] : v->pair[i].val);
		mem_free(below);
	}
}

static void
walk(struct conv *c, const struct conv_kind *k, const char *path, const struct ynode *v)
{
	const struct conv_rule *r = rule_at(k, path);

	if (v->kind == YNODE_SCALAR && ynode_is_null(v))
		return;
	c->path = path;
	if (r && r->take)
		r->take(c, r, v);
	else if (!r && !rules_below(k, path))
		conv_lost(c, NO_COUNTERPART);
	if (r ? r->into : rules_below(k, path))
		walk_into(c, k, path, v);
	c->path = path;
}

static const struct conv_kind *
kind_of(const struct conv_product *p, const struct ynode *obj)
{
	const char *kind = conv_str(obj, "kind");

	for (size_t i = 0; kind && i < p->nkinds; i++)
		if (strcmp(p->kind[i].kind, kind) == 0)
			return &p->kind[i];
	return NULL;
}

static bool
is_of(const struct conv_product *p, const struct ynode *obj)
{
	const char *v = conv_str(obj, "apiVersion");

	for (size_t i = 0; v && p->groups[i]; i++) {
		size_t n = strlen(p->groups[i]);

		if (strncmp(v, p->groups[i], n) == 0 && (v[n] == '/' || v[n] == '\0'))
			return true;
	}
	return false;
}

static void
begin_object(struct conv *c, const struct ynode *obj)
{
	const char *kind = conv_str(obj, "kind"), *name = conv_str(obj, "metadata.name");

	mem_free(c->object);
	c->obj = obj;
	c->name = name ? name : "unnamed";
	c->object = mem_printf("%s/%s", kind ? kind : "object", c->name);
	c->path = "";
	c->to = c->root;
}

static void
convert_object(struct conv *c, const struct conv_kind *k)
{
	const struct ynode *spec = conv_get(c->obj, "spec");

	if (k->lost) {
		conv_lost(c, k->lost);
		return;
	}
	if (k->begin)
		k->begin(c);
	if (spec)
		walk(c, k, "spec", spec);
	c->path = "";
	if (k->end)
		k->end(c);
}

static void
convert_all(struct conv *c, const struct conv_product *p)
{
	for (int late = 0; late < 2; late++)
		for (size_t i = 0; i < c->nall; i++) {
			const struct conv_kind *k = kind_of(p, c->all[i]);

			begin_object(c, c->all[i]);
			if (!late && !is_of(p, c->all[i])) {
				conv_lost(c, "it is no object of this product");
			} else if (!late && !k) {
				conv_lost(c, "weft has nothing to do with this kind");
			} else if (k && is_of(p, c->all[i]) && k->late == late) {
				c->nobjects++;
				convert_object(c, k);
			}
		}
}

/* ---- the file ----------------------------------------------------------------------------------- */

struct objects {
	struct ydoc **doc;
	size_t ndocs;
	const struct ynode **v;
	size_t n;
};

static void
add_objects(struct objects *o, const struct ynode *n)
{
	const struct ynode *items = conv_get(n, "items");

	if (items && items->kind == YNODE_SEQ) {
		for (size_t i = 0; i < items->n; i++)
			if (items->item[i]->kind == YNODE_MAP)
				add_objects(o, items->item[i]);
		return;
	}
	o->v = mem_realloc_array(o->v, o->n + 1, sizeof(*o->v));
	o->v[o->n++] = n;
}

/* Where the document that begins at p ends: at a line "---", or at the end. */
static const char *
document_end(const char *p, const char *end)
{
	while (p < end) {
		if (end - p >= 3 && memcmp(p, "---", 3) == 0 &&
		    (end - p == 3 || strchr(" \t\r\n", p[3])))
			return p;
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : end;
	}
	return end;
}

/* Nothing but comments and blanks. */
static bool
is_blank(const char *p, const char *end)
{
	while (p < end) {
		p += strspn(p, " \t\r\n");
		if (p < end && *p != '#')
			return false;
		p = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		if (!p)
			return true;
	}
	return true;
}

/* Read one document; lines are counted from the file's first, as blank lines stand in for the rest. */
static bool
add_document(struct objects *o, const char *p, const char *end, size_t line, struct conf_errs *errs)
{
	size_t len = (size_t)(end - p);
	char *text = mem_alloc(line + len + 1);
	struct ydoc *d;

	memset(text, '\n', line);
	memcpy(text + line, p, len);
	text[line + len] = '\0';
	d = ydoc_parse(text, line + len, errs);
	mem_free(text);
	if (!d || errs->nerrors || d->root->kind != YNODE_MAP) {
		ydoc_free(d);
		return false;
	}
	o->doc = mem_realloc_array(o->doc, o->ndocs + 1, sizeof(*o->doc));
	o->doc[o->ndocs++] = d;
	add_objects(o, d->root);
	return true;
}

static bool
read_objects(struct objects *o, const char *text, size_t len, struct conf_errs *errs)
{
	const char *p = text, *all = text + len, *end;
	size_t line = 0;

	while (p < all && o->ndocs < DOCUMENTS_MAX) {
		if (document_end(p, all) == p)
			p += 3; /* what may stand behind it in the line is of the document */
		end = document_end(p, all);
		if (!is_blank(p, end) && !add_document(o, p, end, line, errs))
			return false;
		for (; p < end; p++)
			line += *p == '\n';
	}
	return true;
}

static void
free_objects(struct objects *o)
{
	for (size_t i = 0; i < o->ndocs; i++)
		ydoc_free(o->doc[i]);
	mem_free(o->doc);
	mem_free(o->v);
}

/* ---- output --------------------------------------------------------------------------------------- */

static void
print_notes(FILE *f, const char *head, const struct conv_note *v, size_t n)
{
	if (n)
		fprintf(f, "#\n# %s\n", head);
	for (size_t i = 0; i < n; i++)
		print_clean(f, "#   %s%s%s: %s\n", v[i].object, *v[i].path ? " " : "", v[i].path, v[i].why);
}

/* What weft itself says about the result, as comments. */
static void
print_check(FILE *f, const char *text)
{
	struct conf_env env = { .hostname = "node" };
	struct conf_errs errs;
	struct conf *conf;

	conf_errs_init(&errs);
	conf = conf_load(&env, "converted", text, strlen(text), &errs);
	if (errs.nerrors)
		fputs("#\n# To be completed by hand before weft takes it (weft check FILE says the same):\n", f);
	for (size_t i = 0; i < errs.n; i++) {
		char *line;

		if (errs.v[i].warning)
			continue;
		errs.v[i].line = errs.v[i].col = 0; /* comments stand before it */
		line = conf_err_text(&errs, &errs.v[i]);
		print_clean(f, "#   %s\n", line);
		mem_free(line);
	}
	conf_free(conf);
	conf_errs_free(&errs);
}

static void
print_yaml(struct ctl *ctl, const struct conv *c, const struct conv_product *p, const char *name)
{
	char *text = ytree_text(c->root);

	print_clean(ctl->out, "# Converted from %s (%s): %zu object%s.\n", name, p->name, c->nobjects,
	    c->nobjects == 1 ? "" : "s");
	print_notes(ctl->out, "Not carried over:", c->lost, c->nlost);
	print_notes(ctl->out, "Carried over, but look at it:", c->note, c->nnotes);
	if (p->hints[0])
		fprintf(ctl->out, "#\n# What %s does without being told, and weft does otherwise:\n", p->name);
	for (size_t i = 0; p->hints[i]; i++)
		fprintf(ctl->out, "#   %s\n", p->hints[i]);
	print_check(ctl->out, text);
	fputs(text, ctl->out);
	mem_free(text);
}

static void
json_notes(struct out *o, const char *key, const struct conv_note *v, size_t n)
{
	out_open_array(o, key);
	for (size_t i = 0; i < n; i++) {
		out_open(o, NULL);
		out_str(o, "object", v[i].object);
		out_str(o, "path", v[i].path);
		out_str(o, "why", v[i].why);
		out_close(o);
	}
	out_close(o);
}

static void
print_json(struct ctl *ctl, const struct conv *c)
{
	char *text = ytree_text(c->root);
	struct out o;

	out_init(&o, true);
	out_open(&o, NULL);
	out_open(&o, "convert");
	out_u64(&o, "objects", c->nobjects);
	json_notes(&o, "lost", c->lost, c->nlost);
	json_notes(&o, "notes", c->note, c->nnotes);
	out_str(&o, "yaml", text);
	out_close(&o);
	out_close(&o);
	fprintf(ctl->out, "%s\n", out_text(&o));
	out_free(&o);
	mem_free(text);
}

/* ---- the command ------------------------------------------------------------------------------------ */

static const struct conv_product *
product_of(const char *name)
{
	static const struct conv_product *const products[] = { &conv_calico, &conv_metallb, &conv_cilium };

	for (size_t i = 0; i < 3; i++)
		if (strcmp(products[i]->name, name) == 0)
			return products[i];
	return NULL;
}

/* Nothing that could be read: say where and why. */
static int
refuse(struct ctl *ctl, const char *name, struct conf_errs *errs)
{
	char *text, *why;

	if (!errs->nerrors) {
		why = mem_printf("%s: want Kubernetes objects, as `kubectl get -o yaml` prints them", name);
	} else {
		mem_free(errs->file);
		errs->file = mem_strdup(name);
		text = conf_err_text(errs, &errs->v[0]);
		why = mem_strdup(text);
		mem_free(text);
	}
	render_error(ctl, CTL_USAGE, why);
	mem_free(why);
	return CTL_USAGE;
}

static int
convert(struct ctl *ctl, const struct conv_product *p, const char *name, const struct objects *o)
{
	struct conv c = { .root = ytree_new(), .all = o->v, .nall = o->n };

	convert_all(&c, p);
	if (c.nobjects && p->finish)
		p->finish(&c);
	if (ctl->format == CTL_JSON)
		print_json(ctl, &c);
	else
		print_yaml(ctl, &c, p, name);
	if (ctl->err && ctl->format != CTL_JSON)
		fprintf(ctl->err, "%zu object%s converted, %zu thing%s not carried over\n", c.nobjects,
		    c.nobjects == 1 ? "" : "s", c.nlost, c.nlost == 1 ? "" : "s");
	free_notes(c.lost, c.nlost);
	free_notes(c.note, c.nnotes);
	ytree_free(c.root);
	mem_free(c.object);
	return c.nobjects ? CTL_OK : CTL_USAGE;
}

int
cmd_convert(struct ctl *ctl)
{
	const struct conv_product *p = product_of(ctl->arg[0]);
	const char *name = ctl->arg[1];
	struct objects o = { 0 };
	struct conf_errs errs;
	char *text, *why;
	size_t len;
	int rc;

	if (!p) {
		why = mem_printf("convert: want calico, metallb or cilium, got \"%s\"", ctl->arg[0]);
		rc = render_error(ctl, CTL_USAGE, why);
		mem_free(why);
		return rc;
	}
	text = ctl_read_file(name, &len);
	if (!text) {
		why = mem_printf("%s: %s", name, strerror(errno));
		rc = render_error(ctl, CTL_USAGE, why);
		mem_free(why);
		return rc;
	}
	conf_errs_init(&errs);
	if (!read_objects(&o, text, len, &errs) || !o.n)
		rc = refuse(ctl, name, &errs);
	else
		rc = convert(ctl, p, name, &o);
	free_objects(&o);
	conf_errs_free(&errs);
	mem_free(text);
	return rc;
}
