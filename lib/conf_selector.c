/*
 * Selectors in a configuration: an expression (lib/selector.h), or Kubernetes' label map, which
 * becomes one.
 *
 *	{rack: r1, rr: ""}	rack == "r1" && rr == ""
 *	{matchLabels: {rack: r1}, matchExpressions: [{key: rr, operator: Exists}]}
 *				rack == "r1" && has(rr)
 */
#include "lib/conf_selector.h"

#include <stdarg.h>
#include <string.h>

#include "lib/conf_err.h"
#include "lib/mem.h"
#include "lib/selector.h"

struct build {
	struct conf_ctx *ctx;
	char *text; /* so far */
	bool ok;
};

static void __attribute__((format(printf, 2, 3)))
add(struct build *b, const char *fmt, ...)
{
	va_list ap;
	char *more, *all;

	va_start(ap, fmt);
	more = mem_vprintf(fmt, ap);
	va_end(ap);
	all = mem_printf("%s%s", b->text, more);
	mem_free(b->text);
	mem_free(more);
	b->text = all;
}

static void
refuse(struct build *b, const struct ynode *n, const char *wanted, const char *hint)
{
	b->ok = false;
	conf_complain(b->ctx, n, wanted, hint);
}

static bool
is_label_key(const char *s)
{
	return s[0] != '\0' &&
	    s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-")] == '\0';
}

/* A value with its quotes; owned by the caller. NULL after a complaint. */
static char *
quoted(struct build *b, const struct ynode *n)
{
	char *text, *with;

	if (n->kind != YNODE_SCALAR) {
		refuse(b, n, "a label's value", NULL);
		return NULL;
	}
	text = ynode_is_null(n) ? mem_strdup("") : conf_scalar_text(b->ctx, n);
	if (!text) { /* a variable is not set */
		b->ok = false;
		return NULL;
	}
	if (strchr(text, '"')) {
		refuse(b, n, "a label's value without quotes", NULL);
		with = NULL;
	} else {
		with = mem_printf("\"%s\"", text);
	}
	mem_free(text);
	return with;
}

static const char *
joint(const struct build *b)
{
	return b->text[0] ? " && " : "";
}

static void
add_labels(struct build *b, const struct ynode *n)
{
	for (size_t i = 0; i < n->n; i++) {
		size_t mark = conf_path_key(&b->ctx->path, n->pair[i].key);
		char *value = quoted(b, n->pair[i].val);

		if (!is_label_key(n->pair[i].key))
			refuse(b, n->pair[i].val, "a label's key", NULL);
		else if (value)
			add(b, "%s%s == %s", joint(b), n->pair[i].key, value);
		mem_free(value);
		conf_path_cut(&b->ctx->path, mark);
	}
}

static const struct ynode *
member(const struct ynode *n, const char *key)
{
	for (size_t i = 0; n->kind == YNODE_MAP && i < n->n; i++)
		if (strcmp(n->pair[i].key, key) == 0)
			return n->pair[i].val;
	return NULL;
}

static void
add_values(struct build *b, const struct ynode *values)
{
	add(b, " {");
	for (size_t i = 0; i < values->n; i++) {
		char *value = quoted(b, values->item[i]);

		if (value)
			add(b, "%s%s", i > 0 ? ", " : "", value);
		mem_free(value);
	}
	add(b, "}");
}

/* One of matchExpressions. */
static void
add_expression(struct build *b, const struct ynode *n)
{
	static const struct {
		const char *name, *before, *after;
		bool values;
	} ops[] = {
		{ "In", "", " in", true },
		{ "NotIn", "", " not in", true },
		{ "Exists", "has(", ")", false },
		{ "DoesNotExist", "!has(", ")", false },
	};
	const struct ynode *key = member(n, "key"), *op = member(n, "operator"), *values = member(n, "values");
	bool many = values && values->kind == YNODE_SEQ && values->n > 0;

	if (!key || key->kind != YNODE_SCALAR || !is_label_key(key->text)) {
		refuse(b, key ? key : n, "{key: LABEL, operator: In, values: [...]}", NULL);
		return;
	}
	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
		if (!op || op->kind != YNODE_SCALAR || strcmp(op->text, ops[i].name) != 0)
			continue;
		add(b, "%s%s%s%s", joint(b), ops[i].before, key->text, ops[i].after);
		if (ops[i].values && many)
			add_values(b, values);
		else if (ops[i].values || many)
			refuse(b, values ? values : n,
			    ops[i].values ? "a list of values" : "no values with this operator", NULL);
		return;
	}
	refuse(b, op ? op : n, "one of In, NotIn, Exists, DoesNotExist", NULL);
}

static void
add_expressions(struct build *b, const struct ynode *n)
{
	if (n->kind != YNODE_SEQ) {
		refuse(b, n, "a list", NULL);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		size_t mark = conf_path_index(&b->ctx->path, i);

		add_expression(b, n->item[i]);
		conf_path_cut(&b->ctx->path, mark);
	}
}

/* Kubernetes' LabelSelector. */
static void
add_label_selector(struct build *b, const struct ynode *n)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct ynode_pair *p = &n->pair[i];
		size_t mark = conf_path_key(&b->ctx->path, p->key);

		if (strcmp(p->key, "matchLabels") == 0 && p->val->kind == YNODE_MAP)
			add_labels(b, p->val);
		else if (strcmp(p->key, "matchExpressions") == 0)
			add_expressions(b, p->val);
		else
			refuse(b, p->val, "matchLabels and matchExpressions only", NULL);
		conf_path_cut(&b->ctx->path, mark);
	}
}

static bool
is_structured(const struct ynode *n)
{
	const struct ynode *l = member(n, "matchLabels"), *e = member(n, "matchExpressions");

	return (l && l->kind == YNODE_MAP) || (e && e->kind != YNODE_SCALAR);
}

bool
conf_selector_map(struct conf_ctx *ctx, const struct ynode *n, char **ret)
{
	struct build b = { .ctx = ctx, .text = mem_strdup(""), .ok = true };
	char why[SELECTOR_WHY_MAX], *wanted;
	struct selector *s;

	if (is_structured(n))
		add_label_selector(&b, n);
	else
		add_labels(&b, n);
	if (b.ok && !b.text[0])
		add(&b, "all()");
	s = b.ok ? selector_parse(b.text, why, NULL) : NULL;
	if (b.ok && !s) {
		wanted = mem_printf("a selector: %s", why);
		refuse(&b, n, wanted, NULL);
		mem_free(wanted);
	}
	selector_free(s);
	if (b.ok)
		*ret = b.text;
	else
		mem_free(b.text);
	return b.ok;
}
