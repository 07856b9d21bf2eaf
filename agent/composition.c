/*
 * See composition.h.
 */
#include "agent/composition.h"

#include <string.h>

#include "lib/mem.h"

/* Nobody is told of it, as no peer is up. */
#define WAITING "bgp: {asNumber: 64512}\n"

struct piece {
	enum conf_part_kind kind;
	char *name, *element, *age;
	char *text; /* NULL: deleted */
	size_t len;
	char *good; /* NULL: never; text itself while that is good */
	size_t good_len;
	enum conf_verdict verdict;
	char *why; /* NULL: not loaded yet */
};

struct composition {
	struct piece *v; /* by kind, age, name */
	size_t n;
	bool waits;
};

struct composition *
composition_new(void)
{
	return mem_zalloc(sizeof(struct composition));
}

static void
piece_clear(struct piece *p)
{
	mem_free(p->name);
	mem_free(p->element);
	mem_free(p->age);
	if (p->good != p->text)
		mem_free(p->good);
	mem_free(p->text);
	mem_free(p->why);
}

void
composition_free(struct composition *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		piece_clear(&c->v[i]);
	mem_free(c->v);
	mem_free(c);
}

static struct piece *
find(const struct composition *c, enum conf_part_kind kind, const char *element)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].kind == kind && (!element || strcmp(c->v[i].element, element) == 0))
			return &c->v[i];
	return NULL;
}

static int
compare(const struct piece *a, const struct piece *b)
{
	int d = (int)a->kind - (int)b->kind;

	if (d == 0)
		d = strcmp(a->age, b->age);
	return d != 0 ? d : strcmp(a->element, b->element);
}

/* In its place; takes over what p points to. */
static struct piece *
insert(struct composition *c, struct piece p)
{
	size_t at = c->n;

	c->v = mem_realloc_array(c->v, c->n + 1, sizeof(c->v[0]));
	while (at > 0 && compare(&c->v[at - 1], &p) > 0)
		at--;
	memmove(&c->v[at + 1], &c->v[at], (c->n - at) * sizeof(c->v[0]));
	c->v[at] = p;
	c->n++;
	return &c->v[at];
}

static void
take_out(struct composition *c, struct piece *p)
{
	piece_clear(p);
	c->n--;
	memmove(p, p + 1, (c->n - (size_t)(p - c->v)) * sizeof(*p));
}

static void
set_text(struct piece *p, const char *text, size_t len)
{
	char *was = p->text;

	p->text = text ? mem_strndup(text, len) : NULL;
	if (was != p->good)
		mem_free(was);
	p->len = len;
}

void
composition_set_file(struct composition *c, const char *name, const char *text, size_t len)
{
	struct piece *p = find(c, CONF_PART_FILE, NULL);

	if (!p)
		p = insert(c, (struct piece){ .kind = CONF_PART_FILE, .name = mem_strdup(name),
				  .element = mem_strdup(""), .age = mem_strdup("") });
	set_text(p, text, len);
}

bool
composition_is_file(const struct composition *c, const char *text, size_t len)
{
	const struct piece *p = find(c, CONF_PART_FILE, NULL);

	return p && p->text && p->len == len && memcmp(p->text, text, len) == 0;
}

bool
composition_set(struct composition *c, enum conf_part_kind kind, const char *element,
    const char *age, const char *text)
{
	struct piece *p = find(c, kind, element), moved;

	if (p && p->text && strcmp(p->text, text) == 0 && strcmp(p->age, age) == 0)
		return false;
	if (p && strcmp(p->age, age) != 0) { /* deleted and made anew: it is the younger one now */
		moved = *p;
		*p = (struct piece){ 0 };
		take_out(c, p);
		mem_free(moved.age);
		moved.age = mem_strdup(age);
		p = insert(c, moved);
	} else if (!p) {
		p = insert(c, (struct piece){ .kind = kind,
				  .name = mem_printf("%s/%s", conf_part_object(kind), element),
				  .element = mem_strdup(element), .age = mem_strdup(age) });
	}
	set_text(p, text, strlen(text));
	return true;
}

bool
composition_remove(struct composition *c, enum conf_part_kind kind, const char *element)
{
	struct piece *p = find(c, kind, element);

	if (!p || !p->text)
		return false;
	set_text(p, NULL, 0);
	if (!p->good)
		take_out(c, p);
	return true;
}

bool
composition_sweep(struct composition *c, enum conf_part_kind kind,
    bool (*keep)(void *ctx, const char *element), void *ctx)
{
	bool any = false;

	for (size_t i = c->n; i-- > 0;)
		if (c->v[i].kind == kind && c->v[i].text && !keep(ctx, c->v[i].element))
			any |= composition_remove(c, kind, c->v[i].element);
	return any;
}

/* ---- loading ------------------------------------------------------------------- */

static struct conf_source_part *
sources(const struct composition *c)
{
	struct conf_source_part *v = mem_zalloc_array(c->n + 2, sizeof(v[0]));

	for (size_t i = 0; i < c->n; i++) {
		const struct piece *p = &c->v[i];

		v[i].part = (struct conf_part){ .kind = p->kind, .name = p->name, .element = p->element,
			.text = p->text, .len = p->len, .no_lines = p->kind != CONF_PART_FILE };
		v[i].good = p->good;
		v[i].good_len = p->good_len;
	}
	return v;
}

/* The verdicts; what is in force as it is written is good, what is deleted and not needed goes. */
static void
settle(struct composition *c, struct conf_source_part *v, bool good)
{
	for (size_t i = 0; i < c->n; i++) {
		struct piece *p = &c->v[i];

		mem_free(p->why);
		p->why = v[i].why;
		p->verdict = v[i].verdict;
		if (!good || p->verdict != CONF_TAKEN || !p->text)
			continue;
		if (p->good != p->text)
			mem_free(p->good);
		p->good = p->text;
		p->good_len = p->len;
	}
	for (size_t i = c->n; good && i-- > 0;)
		if (!c->v[i].text && c->v[i].verdict == CONF_TAKEN)
			take_out(c, &c->v[i]);
}

struct conf *
composition_load(struct composition *c, const struct conf_env *env, char **ret_errors,
    char **ret_warnings)
{
	struct conf_source_part *v = sources(c);
	struct conf *conf = conf_compose(env, v, c->n, ret_errors, ret_warnings);

	settle(c, v, conf != NULL);
	mem_free(v);
	c->waits &= conf == NULL;
	return conf;
}

struct conf *
composition_load_waiting(struct composition *c, const struct conf_env *env)
{
	struct conf_source_part *v = sources(c);
	char *errors, *warnings;
	struct conf *conf;

	v[c->n].part = (struct conf_part){ .kind = CONF_PART_FILE, .name = "waiting", .text = WAITING,
		.len = strlen(WAITING) };
	conf = conf_compose(env, v, c->n + 1, &errors, &warnings);
	for (size_t i = 0; conf && i < conf->peers.n; i++)
		conf->peers.v[i].enabled = false;
	for (size_t i = 0; i <= c->n; i++)
		mem_free(v[i].why);
	mem_free(errors);
	mem_free(warnings);
	mem_free(v);
	c->waits = conf != NULL;
	return conf;
}

bool
composition_result(const struct composition *c, enum conf_part_kind kind, const char *element,
    struct composition_result *ret)
{
	const struct piece *p = find(c, kind, element);

	if (!p || !p->why)
		return false;
	*ret = (struct composition_result){ p->verdict, p->why };
	return true;
}

const char *
composition_next_refused(
    const struct composition *c, size_t *pos, struct composition_result *ret)
{
	for (; c && *pos < c->n; (*pos)++) {
		const struct piece *p = &c->v[*pos];

		if (p->kind == CONF_PART_FILE || !p->why || p->verdict == CONF_TAKEN)
			continue;
		*ret = (struct composition_result){ p->verdict, p->why };
		(*pos)++;
		return p->name;
	}
	return NULL;
}

bool
composition_next_good(const struct composition *c, size_t *pos, struct composition_good *ret)
{
	while (*pos < c->n) {
		const struct piece *p = &c->v[(*pos)++];

		if (p->kind == CONF_PART_FILE || !p->good)
			continue;
		*ret = (struct composition_good){ p->kind, p->element, p->age, p->good };
		return true;
	}
	return false;
}

bool
composition_waits(const struct composition *c)
{
	return c && c->waits;
}
