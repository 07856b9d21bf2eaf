/*
 * From the tree to struct conf, by the option table.
 *
 * Every key is looked up among the members its place may have; every value is read
 * by its option's type. Nothing stops at a mistake: it is noted, and the walk goes
 * on, so that one run shows them all. A password written in clear is never echoed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/conf_ctx.h"
#include "lib/conf_err.h"
#include "lib/conf_selector.h"
#include "lib/conf_suggest.h"
#include "lib/conf_type.h"
#include "lib/mem.h"

#define KEYS_SHOWN 60 /* columns that a list of known keys may take in a message */

static void parse_value(
    struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, void *base);

/* ---- findings ------------------------------------------------------------ */

static void
complain_at(struct conf_ctx *ctx, uint32_t line, uint32_t col, const char *wanted,
    const char *found, const char *hint)
{
	conf_note(ctx,
	    (struct conf_err){ .part = ctx->part,
		.line = line,
		.col = col,
		.path = ctx->path.len > 0 ? ctx->path.buf : NULL,
		.wanted = wanted,
		.found = found,
		.hint = hint });
}

/* What stands there, for "got ...". Owned by the caller. */
static char *
describe(const struct ynode *n)
{
	if (n->kind == YNODE_MAP)
		return mem_strdup("a mapping");
	if (n->kind == YNODE_SEQ)
		return mem_strdup("a list");
	return ynode_is_null(n) ? mem_strdup("nothing") : conf_quote(n->text, n->len);
}

void
conf_complain(struct conf_ctx *ctx, const struct ynode *n, const char *wanted, const char *hint)
{
	char *found = describe(n);

	complain_at(ctx, n->line, n->col, wanted, found, hint);
	mem_free(found);
}

/* The value of o is not what it should be; text: after ${} substitution, or NULL. */
static void
complain_value(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, const char *text,
    const struct opt_why *why)
{
	char *wanted = why && why->wanted ? mem_strdup(why->wanted) : opt_wanted(o);
	char *found = describe(n), *after, *both;

	if (text && strcmp(text, n->text) != 0) {
		after = conf_quote(text, strlen(text));
		both = mem_printf("%s, which is %s", found, after);
		mem_free(after);
		mem_free(found);
		found = both;
	}
	complain_at(ctx, n->line, n->col, wanted, found, why ? why->hint : NULL);
	mem_free(wanted);
	mem_free(found);
}

/* ---- texts --------------------------------------------------------------- */

struct text {
	char *s;
	size_t len;
};

static void
text_add(struct text *t, const char *s, size_t n)
{
	t->s = mem_realloc(t->s, t->len + n + 1);
	memcpy(t->s + t->len, s, n);
	t->len += n;
	t->s[t->len] = '\0';
}

static bool
is_env_name(const char *s, size_t n)
{
	if (n == 0 || (s[0] >= '0' && s[0] <= '9'))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strchr(
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", s[i]))
			return false;
	return true;
}

/* Append the value of the variable that "${NAME}" at p names; its end, or NULL after a complaint.
 */
static const char *
add_variable(struct conf_ctx *ctx, const struct ynode *n, const char *p, struct text *t)
{
	const char *end = strchr(p, '}'), *value = NULL;
	char *name, *hint;

	if (!end || !is_env_name(p + 2, (size_t)(end - p - 2))) {
		complain_at(ctx, n->line, n->col, "${} wants the name of an environment variable",
		    NULL, "a literal ${ is written as $${");
		return NULL;
	}
	if (ctx->parts[ctx->part].kind != CONF_PART_FILE) {
		complain_at(ctx, n->line, n->col, "environment variables are for the file alone", NULL,
		    "a literal ${ is written as $${");
		return NULL;
	}
	name = mem_strndup(p + 2, (size_t)(end - p - 2));
	if (ctx->env && ctx->env->getenv)
		value = ctx->env->getenv(ctx->env->arg, name);
	if (value) {
		text_add(t, value, strlen(value));
	} else {
		hint = mem_printf("environment variable %.80s is not set", name);
		complain_at(ctx, n->line, n->col, hint, NULL, NULL);
		mem_free(hint);
	}
	mem_free(name);
	return value ? end + 1 : NULL;
}

char *
conf_scalar_text(struct conf_ctx *ctx, const struct ynode *n)
{
	const char *p = n->text, *dollar;
	struct text t = { NULL, 0 };

	text_add(&t, "", 0);
	while (p && (dollar = strchr(p, '$'))) {
		text_add(&t, p, (size_t)(dollar - p));
		if (dollar[1] == '{') {
			p = add_variable(ctx, n, dollar, &t);
		} else if (dollar[1] == '$' && dollar[2] == '{') {
			text_add(&t, "${", 2);
			p = dollar + 3;
		} else {
			text_add(&t, "$", 1);
			p = dollar + 1;
		}
	}
	if (p) {
		text_add(&t, p, strlen(p));
		return t.s;
	}
	mem_free(t.s);
	return NULL;
}

/* One scalar, perhaps an element of a list, to one value at ret; false after a complaint. */
static bool
parse_scalar(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, void *ret, bool item)
{
	bool is_text = n->kind == YNODE_SCALAR && !ynode_is_null(n) && strlen(n->text) == n->len;
	char *text = is_text ? conf_scalar_text(ctx, n) : NULL;
	struct opt_why why = { NULL, NULL };
	bool ok = false;

	if (is_text && !text) /* a variable is not set */
		return false;
	if (text)
		ok = opt_parse(o, text, ret, &why);
	if (!ok) {
		memset(ret, 0, opt_codec(o)->size);
		if (item && !why.wanted)
			why.wanted = opt_codec(o)->wanted(o);
		complain_value(ctx, o, n, text, &why);
	}
	mem_free(text);
	mem_free(why.wanted);
	mem_free(why.hint);
	return ok;
}

/* ---- lists of scalars ---------------------------------------------------- */

static bool
too_many(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n)
{
	char *wanted, *found;

	if (o->flags & OPT_F_ONE || n->kind != (o->flags & OPT_F_NAMED ? YNODE_MAP : YNODE_SEQ))
		return false;
	if (n->n == 0 && (o->flags & OPT_F_NONEMPTY)) {
		wanted = opt_wanted(o);
		complain_at(ctx, n->line, n->col, wanted, "an empty list", NULL);
		mem_free(wanted);
		return true;
	}
	if (n->n <= o->max || o->max == 0)
		return false;
	wanted = mem_printf("at most %u elements", (unsigned)o->max);
	found = mem_printf("%zu", n->n);
	complain_at(ctx, n->line, n->col, wanted, found, NULL);
	mem_free(wanted);
	mem_free(found);
	return true;
}

static void
parse_flags(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, uint32_t *field)
{
	uint32_t bit;
	size_t mark;

	if (too_many(ctx, o, n))
		return;
	if (n->kind != YNODE_SEQ) {
		parse_scalar(ctx, o, n, field, false);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		mark = conf_path_index(&ctx->path, i);
		if (parse_scalar(ctx, o, n->item[i], &bit, true))
			*field |= bit;
		conf_path_cut(&ctx->path, mark);
	}
}

static void
parse_many(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, struct conf_list *l)
{
	size_t size = opt_codec(o)->size, mark;

	if (n->kind == YNODE_SCALAR && opt_is_zero_word(o, n->text))
		return;
	if (too_many(ctx, o, n))
		return;
	if (n->kind != YNODE_SEQ) {
		l->v = mem_zalloc(size);
		l->n = parse_scalar(ctx, o, n, l->v, false);
		return;
	}
	if (n->n == 0)
		return;
	l->v = mem_zalloc_array(n->n, size);
	for (size_t i = 0; i < n->n; i++) {
		mark = conf_path_index(&ctx->path, i);
		if (parse_scalar(ctx, o, n->item[i], conf_list_at(l, size, l->n), true))
			l->n++;
		conf_path_cut(&ctx->path, mark);
	}
}

bool
conf_put_default(const struct opt *o, void *base, const char *text)
{
	struct opt_why why = { NULL, NULL };
	void *field = opt_field(o, base);
	struct conf_list *l = field;
	bool ok;

	if (o->flags & OPT_F_MANY) {
		l->v = mem_realloc_array(l->v, l->n + 1, opt_codec(o)->size);
		field = conf_list_at(l, opt_codec(o)->size, l->n);
	}
	ok = opt_parse(o, text, field, &why);
	if (o->flags & OPT_F_MANY)
		l->n += ok;
	mem_free(why.wanted);
	mem_free(why.hint);
	return ok;
}

/* ---- marks --------------------------------------------------------------- */

static void
mark_add(struct conf_ctx *ctx, const void *base, const struct opt *o, const struct ynode *n)
{
	if (ctx->nmarks == ctx->cap) {
		ctx->cap = ctx->cap ? ctx->cap * 2 : 64;
		ctx->mark = mem_realloc_array(ctx->mark, ctx->cap, sizeof(ctx->mark[0]));
	}
	ctx->mark[ctx->nmarks] =
	    (struct conf_mark){ .base = base, .o = o, .node = n, .no = (uint32_t)ctx->nmarks };
	ctx->nmarks++;
}

/* By what they are of. */
static int
mark_cmp(const struct conf_mark *a, const void *base, const struct opt *o)
{
	if (a->base != base)
		return (uintptr_t)a->base < (uintptr_t)base ? -1 : 1;
	return a->o == o ? 0 : (uintptr_t)a->o < (uintptr_t)o ? -1 : 1;
}

static int
by_place(const void *a, const void *b)
{
	const struct conf_mark *ma = a, *mb = b;
	int d = mark_cmp(ma, mb->base, mb->o);

	return d != 0 ? d : ma->no < mb->no ? -1 : ma->no > mb->no;
}

/* They can be found from here on, and none is added: checks ask for some of each of many peers. */
static void
sort_marks(struct conf_ctx *ctx)
{
	if (ctx->nmarks > 0)
		qsort(ctx->mark, ctx->nmarks, sizeof(ctx->mark[0]), by_place);
}

void
conf_marks_move(struct conf_ctx *ctx, const void *from, size_t octets, const void *to)
{
	for (size_t k = 0; k < ctx->nmarks; k++) {
		uintptr_t at = (uintptr_t)ctx->mark[k].base - (uintptr_t)from;

		if (at < octets) /* what is before wraps around */
			ctx->mark[k].base = (const char *)to + at;
	}
	sort_marks(ctx);
}

/* The first one. */
static const struct conf_mark *
mark_find(const struct conf_ctx *ctx, const void *base, const struct opt *o)
{
	size_t from = 0, to = ctx->nmarks;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (mark_cmp(&ctx->mark[mid], base, o) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from < ctx->nmarks && mark_cmp(&ctx->mark[from], base, o) == 0 ? &ctx->mark[from] : NULL;
}

bool
conf_is_written(const struct conf_ctx *ctx, const void *base, const struct opt *o)
{
	return mark_find(ctx, base, o) != NULL;
}

bool
conf_is_bad(const struct conf_ctx *ctx, const void *base, const struct opt *o)
{
	const struct conf_mark *m = mark_find(ctx, base, o);

	return m && m->bad;
}

char *
conf_peer_place(const struct conf_ctx *ctx, const struct conf_peer *p, bool named)
{
	const struct conf_mark *m = mark_find(ctx, p, opt_find("peers"));
	const struct conf_part *part = m ? &ctx->parts[m->node->part] : NULL;

	if (part && part->kind != CONF_PART_FILE)
		return mem_strdup(part->name);
	return mem_printf("peers[%zu]%s%s%s", (size_t)(p - ctx->c->peers.v), named ? " (" : "",
	    named ? p->name : "", named ? ")" : "");
}

const struct ynode *
conf_where(const struct conf_ctx *ctx, const void *base, const struct opt *o, int item)
{
	const struct conf_mark *m = mark_find(ctx, base, o);

	if (!m && opt_base(o))
		m = mark_find(ctx, base, opt_base(o));
	else if (m && item >= 0 && m->node->kind == YNODE_SEQ && (size_t)item < m->node->n)
		return m->node->item[item];
	return m ? m->node : ctx->root;
}

/* ---- keys ---------------------------------------------------------------- */

/* The path of a key in the table's own form: peers[].bfd. Owned by the caller. */
static char *
generic_path(const struct opt *parent, const char *key)
{
	parent = opt_members(parent);
	if (!parent)
		return mem_strdup(key);
	return mem_printf("%s%s.%s", parent->path, parent->type == OPT_LIST ? "[]" : "", key);
}

static bool
is_later(const char *path)
{
	for (size_t i = 0; conf_later[i]; i++)
		if (strcmp(conf_later[i], path) == 0)
			return true;
	return false;
}

/* The members a place has, as far as they fit into a message. Owned by the caller. */
static char *
known_keys(const struct opt *parent)
{
	const struct opt *o = NULL;
	char *text = NULL, *longer;

	while ((o = opt_next_child(parent, o))) {
		longer =
		    mem_printf("%s%s%s", text ? text : "one of ", text ? ", " : "", opt_key(o));
		mem_free(text);
		text = longer;
	}
	if (text && strlen(text) <= KEYS_SHOWN)
		return text;
	mem_free(text);
	return mem_strdup("a known key");
}

/* What was meant by an unknown key: a member nearly so called, else one elsewhere. */
static char *
meant_key(const struct opt *parent, const char *key)
{
	struct conf_suggest s = conf_suggest_for(key);
	const struct opt *o = NULL, *below = NULL, *elsewhere = NULL;
	size_t n;

	parent = opt_members(parent);
	n = parent ? strlen(parent->path) : 0;
	while ((o = opt_next_child(parent, o))) {
		conf_suggest_offer(&s, opt_key(o));
		for (size_t i = 0; o->aliases && o->aliases[i]; i++)
			conf_suggest_offer(&s, o->aliases[i]);
	}
	if (conf_suggest_best(&s))
		return mem_printf("did you mean %s?", conf_suggest_best(&s));
	while ((o = opt_next(o))) {
		if (strcasecmp(opt_key(o), key) != 0)
			continue;
		if (parent && !below && strncmp(o->path, parent->path, n) == 0 &&
		    o->path[n] != '\0' && strchr(".[", o->path[n]))
			below = o;
		if (!elsewhere)
			elsewhere = o;
	}
	if (below)
		return mem_printf("did you mean %s?",
		    below->path + n + (parent->type == OPT_LIST ? strlen("[].") : 1));
	return elsewhere ? mem_printf("did you mean %s?", elsewhere->path) : NULL;
}

static void
unknown_key(struct conf_ctx *ctx, const struct opt *parent, const struct ynode_pair *p)
{
	char *path = generic_path(parent, p->key), *found, *hint, *wanted;

	if (is_later(path)) {
		complain_at(ctx, p->line, p->col, "this key is not in this version", NULL, NULL);
	} else {
		found = conf_quote(p->key, strlen(p->key));
		hint = meant_key(parent, p->key);
		wanted = hint ? mem_strdup("a known key") : known_keys(parent);
		complain_at(ctx, p->line, p->col, wanted, found, hint);
		mem_free(found);
		mem_free(hint);
		mem_free(wanted);
	}
	mem_free(path);
}

static void
other_name(struct conf_ctx *ctx, const struct opt *o, const struct ynode_pair *p)
{
	char *text = mem_printf("this is another name of %s, which stands here, too", opt_key(o));

	complain_at(ctx, p->line, p->col, text, NULL, "keep one of them");
	mem_free(text);
}

/* ---- maps and lists of maps ---------------------------------------------- */

static void
missing(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, const void *base)
{
	char *wanted, *hint, *longer;

	for (size_t i = 0; i < OPT_NINSTEAD && o->instead[i]; i++)
		if (opt_is_set(base, opt_find(o->instead[i])))
			return;
	wanted = opt_wanted(o);
	hint = mem_strdup("it is required");
	for (size_t i = 0; i < OPT_NINSTEAD && o->instead[i]; i++) {
		longer = mem_printf("%s, or %s", hint, opt_key(opt_find(o->instead[i])));
		mem_free(hint);
		hint = longer;
	}
	complain_at(ctx, n->line, n->col, wanted, "nothing", hint);
	mem_free(wanted);
	mem_free(hint);
}

/* Required members of a map that is there, and of maps in it that are not. */
static void
check_required(
    struct conf_ctx *ctx, const struct opt *parent, const struct ynode *n, const void *base)
{
	const struct opt *o = NULL;
	size_t mark;

	while ((o = opt_next_child(parent, o))) {
		if (opt_is_set(base, o))
			continue;
		mark = conf_path_key(&ctx->path, opt_key(o));
		if (opt_is_required(parent, o))
			missing(ctx, o, n, base);
		else if (o->type == OPT_MAP)
			check_required(ctx, o, n, base);
		conf_path_cut(&ctx->path, mark);
	}
}

static void
parse_pairs(struct conf_ctx *ctx, const struct opt *parent, const struct ynode *n, void *base)
{
	const struct ynode_pair *p;
	const struct opt *o;
	uint32_t part = ctx->part;
	size_t path, mark, nerrors;

	for (size_t i = 0; n->kind == YNODE_MAP && i < n->n; i++) {
		p = &n->pair[i];
		ctx->part = p->part;
		o = opt_child(parent, p->key, NULL);
		path = conf_path_key(&ctx->path, p->key);
		if (!o) {
			unknown_key(ctx, parent, p);
		} else if (opt_is_set(base, o)) {
			other_name(ctx, o, p);
		} else {
			opt_mark_set(base, o);
			nerrors = ctx->errs->nerrors;
			mark = ctx->nmarks;
			mark_add(ctx, base, o, p->val);
			parse_value(ctx, o, p->val, base);
			ctx->mark[mark].bad = ctx->errs->nerrors > nerrors;
		}
		conf_path_cut(&ctx->path, path);
	}
	ctx->part = part;
	check_required(ctx, parent, n, base);
}

/* A plain value for the one member that counts. */
static void
parse_short(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, void *elem)
{
	size_t mark = ctx->nmarks, nerrors = ctx->errs->nerrors;

	opt_mark_set(elem, o);
	mark_add(ctx, elem, o, n);
	parse_value(ctx, o, n, elem);
	ctx->mark[mark].bad = ctx->errs->nerrors > nerrors;
}

static void
parse_map(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, void *base)
{
	bool secret = strcmp(o->path, "peers[].password") == 0;

	if (n->kind == YNODE_MAP || ynode_is_null(n))
		parse_pairs(ctx, o, n, base);
	else if (o->scalar && n->kind == YNODE_SCALAR)
		parse_short(ctx, opt_find(o->scalar), n, base);
	else if (secret && n->kind == YNODE_SCALAR)
		complain_at(ctx, n->line, n->col, "{file: PATH} or {env: NAME}", "a text",
		    "passwords do not stand in the configuration");
	else
		complain_value(ctx, o, n, NULL, NULL);
}

/* One element of a list of maps. */
static void
parse_element(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, void *elem)
{
	uint32_t part = ctx->part;

	mark_add(ctx, elem, opt_members(o), n);
	ctx->part = n->part;
	if (o->scalar && n->kind == YNODE_SCALAR && !ynode_is_null(n))
		parse_short(ctx, opt_find(o->scalar), n, elem);
	else if (n->kind == YNODE_MAP || ynode_is_null(n))
		parse_pairs(ctx, o, n, elem);
	else
		complain_value(ctx, &(struct opt){ .type = OPT_MAP }, n, NULL, NULL);
	ctx->part = part;
}

/* A name is what OPT_NAME takes; false after a complaint. */
static bool
parse_element_name(struct conf_ctx *ctx, const struct ynode_pair *p, char **ret)
{
	const struct opt name = { .type = OPT_NAME, .max = CONF_NAME_MAX };
	struct opt_why why = { NULL, NULL };
	bool ok = opt_parse(&name, p->key, ret, &why);
	char *wanted, *found;

	if (!ok) {
		*ret = NULL;
		wanted = why.wanted ? mem_strdup(why.wanted) : opt_wanted(&name);
		found = conf_quote(p->key, strlen(p->key));
		complain_at(ctx, p->line, p->col, wanted, found, why.hint);
		mem_free(wanted);
		mem_free(found);
	}
	mem_free(why.wanted);
	mem_free(why.hint);
	return ok;
}

/* Elements by name. */
static void
parse_named(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, struct conf_list *l)
{
	uint32_t part = ctx->part;
	size_t mark;
	void *elem;

	if (n->kind != YNODE_MAP) {
		complain_value(ctx, o, n, NULL, NULL);
		return;
	}
	if (n->n == 0)
		return;
	l->v = mem_zalloc_array(n->n, o->elem);
	for (size_t i = 0; i < n->n; i++) {
		mark = conf_path_key(&ctx->path, n->pair[i].key);
		elem = conf_list_at(l, o->elem, l->n);
		ctx->part = n->pair[i].part;
		if (parse_element_name(ctx, &n->pair[i], opt_name_of(elem))) {
			l->n++;
			parse_element(ctx, o, n->pair[i].val, elem);
		}
		conf_path_cut(&ctx->path, mark);
	}
	ctx->part = part;
}

/* The one element. */
static void
parse_one(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, struct conf_list *l)
{
	if (n->kind != YNODE_MAP) {
		complain_value(ctx, o, n, NULL, NULL);
		return;
	}
	l->v = mem_zalloc(o->elem);
	l->n = 1;
	parse_element(ctx, o, n, l->v);
}

static void
parse_list(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, struct conf_list *l)
{
	size_t mark;

	if (ynode_is_null(n) || too_many(ctx, o, n))
		return;
	if (o->flags & OPT_F_ONE) {
		parse_one(ctx, o, n, l);
		return;
	}
	if (o->flags & OPT_F_NAMED) {
		parse_named(ctx, o, n, l);
		return;
	}
	if (n->kind != YNODE_SEQ) {
		complain_value(ctx, o, n, NULL, NULL);
		return;
	}
	if (n->n == 0)
		return;
	l->v = mem_zalloc_array(n->n, o->elem);
	l->n = n->n;
	for (size_t i = 0; i < n->n; i++) {
		mark = conf_path_index(&ctx->path, i);
		parse_element(ctx, o, n->item[i], conf_list_at(l, o->elem, i));
		conf_path_cut(&ctx->path, mark);
	}
}

static void
parse_value(struct conf_ctx *ctx, const struct opt *o, const struct ynode *n, void *base)
{
	void *field = opt_field(o, base);

	if (o->type == OPT_MAP)
		parse_map(ctx, o, n, base);
	else if (o->type == OPT_LIST)
		parse_list(ctx, o, n, field);
	else if (o->flags & OPT_F_MANY)
		parse_many(ctx, o, n, field);
	else if (o->type == OPT_FLAGS)
		parse_flags(ctx, o, n, field);
	else if (o->type == OPT_SELECTOR && n->kind == YNODE_MAP)
		conf_selector_map(ctx, n, field);
	else
		parse_scalar(ctx, o, n, field, false);
}

/* ---- uplinks --------------------------------------------------------------- */

/* Uplinks are peers like any others: from here on they stand behind them. */
static void
join_uplinks(struct conf_ctx *ctx)
{
	struct conf_peers *ps = &ctx->c->peers, *ups = &ctx->c->uplinks;
	struct conf_peer *v;

	if (ups->n == 0)
		return;
	v = mem_zalloc_array(ps->n + ups->n, sizeof(*v));
	for (size_t i = 0; i < ups->n; i++)
		ups->v[i].uplink = true;
	if (ps->n > 0)
		memcpy(v, ps->v, ps->n * sizeof(*v));
	memcpy(v + ps->n, ups->v, ups->n * sizeof(*v));
	conf_marks_move(ctx, ps->v, ps->n * sizeof(*v), v);
	conf_marks_move(ctx, ups->v, ups->n * sizeof(*v), v + ps->n);
	mem_free(ps->v);
	mem_free(ups->v);
	*ps = (struct conf_peers){ .v = v, .n = ps->n + ups->n };
	*ups = (struct conf_peers){ .v = NULL, .n = 0 };
}

bool
conf_parse(struct conf_ctx *ctx)
{
	const struct ynode *n = ctx->root;

	if (n->kind == YNODE_MAP) {
		parse_pairs(ctx, NULL, n, ctx->c);
		join_uplinks(ctx);
		sort_marks(ctx);
		return true;
	}
	if (ynode_is_null(n))
		complain_at(ctx, 1, 1, "the file is empty", NULL,
		    "a configuration needs at least bgp.asNumber");
	else
		complain_at(ctx, n->line, n->col, "a mapping (key: value)",
		    n->kind == YNODE_SEQ ? "a list" : "a text", NULL);
	return false;
}
