/*
 * Trees to YAML. See yamltree.h.
 */
#include "ctl/yamltree.h"

#include <string.h>

#include "lib/mem.h"
#include "lib/out.h"

struct ytree *
ytree_new(void)
{
	struct ytree *t = mem_zalloc(sizeof(*t));

	t->kind = YTREE_MAP;
	return t;
}

struct ytree *
ytree_scalar(const char *text, bool quoted)
{
	struct ytree *t = mem_zalloc(sizeof(*t));

	t->text = mem_strdup(text);
	t->quoted = quoted;
	return t;
}

void
ytree_free(struct ytree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		mem_free(t->item[i].key);
		ytree_free(t->item[i].val);
	}
	mem_free(t->item);
	mem_free(t->text);
	mem_free(t);
}

static struct ytree_item *
find(const struct ytree *t, const char *key, size_t len)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->item[i].key && strlen(t->item[i].key) == len &&
		    memcmp(t->item[i].key, key, len) == 0)
			return &t->item[i];
	return NULL;
}

struct ytree *
ytree_get(const struct ytree *map, const char *key)
{
	struct ytree_item *it = find(map, key, strlen(key));

	return it ? it->val : NULL;
}

static void
append(struct ytree *t, char *key, struct ytree *val)
{
	t->item = mem_realloc_array(t->item, t->n + 1, sizeof(*t->item));
	t->item[t->n].key = key;
	t->item[t->n++].val = val;
}

void
ytree_put(struct ytree *t, const char *key, struct ytree *val)
{
	struct ytree_item *it = key ? find(t, key, strlen(key)) : NULL;

	if (it) {
		ytree_free(it->val);
		it->val = val;
	} else {
		append(t, key ? mem_strdup(key) : NULL, val);
	}
}

/* The tree at path, made of that kind when it is not there; what is there keeps its kind. */
static struct ytree *
make(struct ytree *t, const char *path, enum ytree_kind kind)
{
	struct ytree_item *it;
	size_t len;

	while (*path) {
		len = strcspn(path, ".");
		it = find(t, path, len);
		if (!it) {
			append(t, mem_strndup(path, len), ytree_new());
			it = &t->item[t->n - 1];
			it->val->kind = path[len] ? YTREE_MAP : kind;
		}
		t = it->val;
		path += len + (path[len] == '.');
	}
	return t;
}

struct ytree *
ytree_map(struct ytree *map, const char *path)
{
	return make(map, path, YTREE_MAP);
}

struct ytree *
ytree_list(struct ytree *map, const char *path)
{
	return make(map, path, YTREE_LIST);
}

struct ytree *
ytree_add_map(struct ytree *list)
{
	struct ytree *t = ytree_new();

	ytree_put(list, NULL, t);
	return t;
}

/* The map that holds the last word of path, which *ret_key gets. */
static struct ytree *
holder(struct ytree *map, const char *path, const char **ret_key)
{
	const char *dot = strrchr(path, '.');
	char *front;

	*ret_key = dot ? dot + 1 : path;
	if (!dot)
		return map;
	front = mem_strndup(path, (size_t)(dot - path));
	map = ytree_map(map, front);
	mem_free(front);
	return map;
}

void
ytree_set(struct ytree *map, const char *path, const char *text)
{
	const char *key;
	struct ytree *in = holder(map, path, &key);

	ytree_put(in, key, ytree_scalar(text, false));
}

void
ytree_add(struct ytree *list, const char *text)
{
	ytree_put(list, NULL, ytree_scalar(text, false));
}

static struct ytree *
copy(const struct ytree *t)
{
	struct ytree *to = mem_zalloc(sizeof(*to));

	to->kind = t->kind;
	to->quoted = t->quoted;
	to->text = t->text ? mem_strdup(t->text) : NULL;
	for (size_t i = 0; i < t->n; i++)
		append(to, t->item[i].key ? mem_strdup(t->item[i].key) : NULL, copy(t->item[i].val));
	return to;
}

void
ytree_set_tree(struct ytree *map, const char *path, const struct ytree *val)
{
	const char *key;
	struct ytree *in = holder(map, path, &key);

	ytree_put(in, key, copy(val));
}

/* ---- text -------------------------------------------------------------------------------- */

struct text {
	char *buf;
	size_t len, cap;
};

static void
put(struct text *x, const char *s, size_t n)
{
	if (x->len + n + 1 > x->cap)
		x->buf = mem_realloc(x->buf, x->cap = (x->len + n + 1) * 2);
	memcpy(x->buf + x->len, s, n);
	x->len += n;
	x->buf[x->len] = '\0';
}

static void
puts_(struct text *x, const char *s)
{
	put(x, s, strlen(s));
}

static void
blanks(struct text *x, unsigned n)
{
	while (n--)
		put(x, " ", 1);
}

/* Is the text one that YAML reads as that very text, wherever it stands? */
static bool
is_plain(const char *s)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "._/-";
	size_t len = strlen(s);

	if (!len || strchr("-.", s[0]) || strspn(s, safe) == len)
		return len && !strchr("-.", s[0]);
	/* addresses have colons, never followed by a blank or the end; digits alone around them would
	 * be a number to the base of 60 (YAML 1.1) */
	return strspn(s, "abcdefABCDEF0123456789.:/") == len && strspn(s, "0123456789:") != len &&
	       s[0] != ':' && s[len - 1] != ':';
}

/* Would YAML 1.1 take the text for something else than text? */
static bool
is_word_of_yaml(const char *s)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "null",
		"y", "n", "~" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return strspn(s, "0123456789.xob_eE") == strlen(s);
}

static void
scalar(struct text *x, const struct ytree *t)
{
	size_t cap = strlen(t->text) * 6 + 1, n;
	char *buf;

	if (is_plain(t->text) && !(t->quoted && is_word_of_yaml(t->text))) {
		puts_(x, t->text);
		return;
	}
	buf = mem_alloc(cap);
	n = out_escape(buf, cap, t->text, strlen(t->text), NULL);
	put(x, "\"", 1);
	put(x, buf, n);
	put(x, "\"", 1);
	mem_free(buf);
}

static void
key_text(struct text *x, const char *key)
{
	struct ytree t = { .text = (char *)(uintptr_t)key, .quoted = true };

	scalar(x, &t);
}

static void value(struct text *x, const struct ytree *t, unsigned indent, bool in_list);

static void
members(struct text *x, const struct ytree *t, unsigned indent, bool first_here)
{
	for (size_t i = 0; i < t->n; i++) {
		if (i || !first_here)
			blanks(x, indent);
		if (t->kind == YTREE_LIST) {
			puts_(x, "- ");
		} else {
			key_text(x, t->item[i].key);
			puts_(x, ":");
		}
		value(x, t->item[i].val, indent, t->kind == YTREE_LIST);
	}
}

/* What stands behind "key:" or "- ", with its newline. */
static void
value(struct text *x, const struct ytree *t, unsigned indent, bool in_list)
{
	if (t->kind != YTREE_SCALAR && t->n) {
		if (!in_list)
			puts_(x, "\n");
		members(x, t, indent + 2, in_list);
		return;
	}
	if (!in_list)
		puts_(x, " ");
	if (t->kind == YTREE_SCALAR)
		scalar(x, t);
	else
		puts_(x, t->kind == YTREE_LIST ? "[]" : "{}");
	puts_(x, "\n");
}

char *
ytree_text(const struct ytree *t)
{
	struct text x = { 0 };

	if (!t->n)
		return mem_strdup("{}\n");
	members(&x, t, 0, false);
	return x.buf;
}
