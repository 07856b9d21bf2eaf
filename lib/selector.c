/*
 * Label selectors: parser, evaluation, text.
 *
 * An expression is a tree of nodes in one array. && and || have as many operands as are written
 * in a row, so that only parentheses and ! nest: recursion is bounded by SELECTOR_DEPTH_MAX,
 * memory by SELECTOR_LEN_MAX. Keys and values are copied into one block beside it.
 */
#include "lib/selector.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

enum sel_op {
	SEL_ALL,
	SEL_OR,
	SEL_AND,
	SEL_NOT,
	SEL_HAS,
	SEL_EQ,
	SEL_NE,
	SEL_IN,
	SEL_NOT_IN,
	SEL_CONTAINS,
	SEL_STARTS,
	SEL_ENDS,
	SEL_VALUE, /* of the six above */
};

struct sel_node {
	uint8_t op;
	uint16_t child, next; /* operands or values; 0: none */
	const char *text;     /* a key or a value */
};

struct selector {
	struct sel_node *node; /* [0] is nobody */
	size_t n, room;
	uint16_t root;
	char *strings;
	size_t used;
};

const char *
labels_get(const struct labels *l, const char *key)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = strcmp(l->v[mid].key, key);

		if (d == 0)
			return l->v[mid].value;
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* ---- parsing --------------------------------------------------------------- */

struct sel_parse {
	const char *p;
	struct selector *s;
	unsigned depth;
	const char *why; /* NULL: no error; it is at p */
};

static uint16_t parse_or(struct sel_parse *q);

static uint16_t
fail(struct sel_parse *q, const char *why)
{
	if (!q->why)
		q->why = why;
	return 0;
}

static uint16_t
add_node(struct sel_parse *q, enum sel_op op, const char *text)
{
	struct selector *s = q->s;

	if (s->n == s->room) {
		s->room = s->room ? s->room * 2 : 8;
		s->node = mem_realloc_array(s->node, s->room, sizeof *s->node);
	}
	s->node[s->n] = (struct sel_node){ .op = (uint8_t)op, .text = text };
	return (uint16_t)s->n++;
}

static const char *
keep(struct sel_parse *q, const char *from, size_t len)
{
	char *to = q->s->strings + q->s->used;

	memcpy(to, from, len);
	to[len] = '\0';
	q->s->used += len + 1;
	return to;
}

static void
blanks(struct sel_parse *q)
{
	q->p += strspn(q->p, " \t\r\n");
}

static size_t
word_len(const char *p)
{
	return strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-");
}

/* A mark of operator: taken if it is next. */
static bool
take(struct sel_parse *q, const char *mark)
{
	size_t n = strlen(mark);

	blanks(q);
	if (strncmp(q->p, mark, n) != 0)
		return false;
	q->p += n;
	return true;
}

/* A whole word: taken if it is next. */
static bool
take_word(struct sel_parse *q, const char *word)
{
	size_t n = strlen(word);

	blanks(q);
	if (word_len(q->p) != n || strncmp(q->p, word, n) != 0)
		return false;
	q->p += n;
	return true;
}

/* Two words, or none. */
static bool
take_words(struct sel_parse *q, const char *first, const char *second)
{
	const char *before = q->p;

	if (take_word(q, first) && take_word(q, second))
		return true;
	q->p = before;
	return false;
}

/* A quoted text as a node. */
static uint16_t
parse_value(struct sel_parse *q)
{
	const char *end;
	size_t n;

	blanks(q);
	if (*q->p != '"' && *q->p != '\'')
		return fail(q, "a value in quotes");
	end = strchr(q->p + 1, *q->p);
	if (!end)
		return fail(q, "a value that ends in the quote it begins with");
	n = (size_t)(end - q->p - 1);
	for (size_t i = 1; i <= n; i++)
		if ((unsigned char)q->p[i] < ' ' || q->p[i] == 0x7f)
			return fail(q, "a value without control characters");
	q->p = end + 1;
	return add_node(q, SEL_VALUE, keep(q, end - n, n));
}

/* { value, value }: the first of them. */
static uint16_t
parse_set(struct sel_parse *q)
{
	uint16_t first, last, v;

	if (!take(q, "{"))
		return fail(q, "a set: {\"value\", \"value\"}");
	first = last = parse_value(q);
	while (last && take(q, ",")) {
		v = parse_value(q);
		q->s->node[last].next = v;
		last = v;
	}
	if (last && !take(q, "}"))
		return fail(q, "\",\" or \"}\"");
	return last ? first : 0;
}

static enum sel_op
parse_operator(struct sel_parse *q)
{
	if (take(q, "=="))
		return SEL_EQ;
	if (take(q, "!="))
		return SEL_NE;
	if (take_word(q, "in"))
		return SEL_IN;
	if (take_words(q, "not", "in"))
		return SEL_NOT_IN;
	if (take_word(q, "contains"))
		return SEL_CONTAINS;
	if (take_words(q, "starts", "with"))
		return SEL_STARTS;
	if (take_words(q, "ends", "with"))
		return SEL_ENDS;
	return SEL_ALL;
}

/* KEY operator value. */
static uint16_t
parse_comparison(struct sel_parse *q, const char *key)
{
	enum sel_op op = parse_operator(q);
	uint16_t node, value;

	if (op == SEL_ALL)
		return fail(q, "==, !=, in, not in, contains, starts with or ends with");
	node = add_node(q, op, key);
	value = op == SEL_IN || op == SEL_NOT_IN ? parse_set(q) : parse_value(q);
	q->s->node[node].child = value;
	return value ? node : 0;
}

/* all(), has(KEY) or a comparison. */
static uint16_t
parse_term(struct sel_parse *q)
{
	size_t n = word_len(q->p);
	bool has = n == 3 && strncmp(q->p, "has(", 4) == 0;
	const char *key;

	if (n == 3 && strncmp(q->p, "all(", 4) == 0) {
		q->p += 4;
		return take(q, ")") ? add_node(q, SEL_ALL, NULL) : fail(q, "\")\"");
	}
	if (has) {
		q->p += 4;
		blanks(q);
		n = word_len(q->p);
	}
	if (n == 0)
		return fail(q, has ? "a label's key" : "a label's key, has(), all(), \"!\" or \"(\"");
	key = keep(q, q->p, n);
	q->p += n;
	if (!has)
		return parse_comparison(q, key);
	return take(q, ")") ? add_node(q, SEL_HAS, key) : fail(q, "\")\"");
}

static uint16_t
parse_not(struct sel_parse *q)
{
	uint16_t inner, node = 0;

	blanks(q);
	if (*q->p != '!' && *q->p != '(')
		return parse_term(q);
	if (q->depth == SELECTOR_DEPTH_MAX)
		return fail(q, "fewer parentheses in each other");
	q->depth++;
	if (take(q, "(")) {
		node = parse_or(q);
		if (node && !take(q, ")"))
			node = fail(q, "\"&&\", \"||\" or \")\"");
	} else {
		q->p++;
		inner = parse_not(q);
		if (inner) {
			node = add_node(q, SEL_NOT, NULL);
			q->s->node[node].child = inner;
		}
	}
	q->depth--;
	return node;
}

/* Operands with a mark between them; one alone is itself. */
static uint16_t
parse_row(struct sel_parse *q, enum sel_op op, const char *mark, uint16_t (*operand)(struct sel_parse *))
{
	uint16_t first = operand(q), last = first, node = 0, next;

	while (last && take(q, mark)) {
		next = operand(q);
		if (!node && next)
			node = add_node(q, op, NULL);
		/* One that is a row itself keeps its place: only parse_or() gives those, by (). */
		q->s->node[last].next = next;
		last = next;
	}
	if (!last || !node)
		return last ? first : 0;
	q->s->node[node].child = first;
	return node;
}

static uint16_t
parse_and(struct sel_parse *q)
{
	return parse_row(q, SEL_AND, "&&", parse_not);
}

static uint16_t
parse_or(struct sel_parse *q)
{
	return parse_row(q, SEL_OR, "||", parse_and);
}

/* Every string is behind a mark or an operator, so that NULs find room in as much again. */
static void
parse_all(struct sel_parse *q, const char *text, size_t len)
{
	q->s->strings = mem_alloc(2 * len + 2);
	add_node(q, SEL_ALL, NULL); /* nobody */
	q->s->root = parse_or(q);
	blanks(q);
	if (!q->why && *q->p)
		fail(q, "\"&&\", \"||\" or the end");
}

struct selector *
selector_parse(const char *text, char *ret_why, size_t *ret_at)
{
	struct selector *s = mem_zalloc(sizeof *s);
	struct sel_parse q = { .p = text, .s = s };
	size_t len = strnlen(text, SELECTOR_LEN_MAX + 1);

	if (len > SELECTOR_LEN_MAX)
		fail(&q, "a shorter expression");
	else
		parse_all(&q, text, len);
	if (!q.why)
		return s;
	if (ret_why)
		snprintf(ret_why, SELECTOR_WHY_MAX, "%s", q.why);
	if (ret_at)
		*ret_at = (size_t)(q.p - text);
	selector_free(s);
	return NULL;
}

void
selector_free(struct selector *s)
{
	if (!s)
		return;
	mem_free(s->node);
	mem_free(s->strings);
	mem_free(s);
}

/* ---- evaluation ------------------------------------------------------------ */

static bool
is_one_of(const struct selector *s, uint16_t value, const char *v)
{
	for (; v && value; value = s->node[value].next)
		if (strcmp(s->node[value].text, v) == 0)
			return true;
	return false;
}

static bool
ends_with(const char *v, const char *end)
{
	size_t n = strlen(v), m = strlen(end);

	return n >= m && strcmp(v + n - m, end) == 0;
}

static bool
match_label(const struct selector *s, const struct sel_node *n, const char *v)
{
	const char *want = n->child ? s->node[n->child].text : NULL;

	switch ((enum sel_op)n->op) {
	case SEL_HAS:
		return v != NULL;
	case SEL_EQ:
	case SEL_IN:
		return is_one_of(s, n->child, v);
	case SEL_NE:
	case SEL_NOT_IN:
		return !is_one_of(s, n->child, v);
	case SEL_CONTAINS:
		return v && strstr(v, want);
	case SEL_STARTS:
		return v && strncmp(v, want, strlen(want)) == 0;
	case SEL_ENDS:
		return v && ends_with(v, want);
	case SEL_ALL:
	case SEL_OR:
	case SEL_AND:
	case SEL_NOT:
	case SEL_VALUE:
		break;
	}
	return false;
}

static bool
match_node(const struct selector *s, uint16_t at, const struct labels *l)
{
	const struct sel_node *n = &s->node[at];
	bool is_or = n->op == SEL_OR;

	if (n->op == SEL_ALL)
		return true;
	if (n->op == SEL_NOT)
		return !match_node(s, n->child, l);
	if (n->op != SEL_AND && !is_or)
		return match_label(s, n, labels_get(l, n->text));
	for (uint16_t c = n->child; c; c = s->node[c].next)
		if (match_node(s, c, l) == is_or)
			return is_or;
	return !is_or;
}

bool
selector_match(const struct selector *s, const struct labels *l)
{
	return !s || match_node(s, s->root, l);
}

/* ---- text ------------------------------------------------------------------ */

static char *
append(char *text, const char *a, const char *b)
{
	char *more = mem_printf("%s%s%s", text, a, b);

	mem_free(text);
	return more;
}

/* Values of an expression have one kind of quotes in them at most. */
static char *
append_value(char *text, const char *v)
{
	const char *quote = strchr(v, '"') ? "'" : "\"";

	text = append(text, quote, v);
	return append(text, quote, "");
}

static char *
append_set(const struct selector *s, char *text, uint16_t value)
{
	const char *before = "{";

	for (; value; value = s->node[value].next, before = ", ")
		text = append_value(append(text, before, ""), s->node[value].text);
	return append(text, "}", "");
}

static char *
append_label(const struct selector *s, char *text, const struct sel_node *n)
{
	static const char *const mark[] = {
		[SEL_EQ] = " == ",
		[SEL_NE] = " != ",
		[SEL_IN] = " in ",
		[SEL_NOT_IN] = " not in ",
		[SEL_CONTAINS] = " contains ",
		[SEL_STARTS] = " starts with ",
		[SEL_ENDS] = " ends with ",
	};

	if (n->op == SEL_HAS)
		return append(append(text, "has(", n->text), ")", "");
	text = append(text, n->text, mark[n->op]);
	if (n->op == SEL_IN || n->op == SEL_NOT_IN)
		return append_set(s, text, n->child);
	return append_value(text, s->node[n->child].text);
}

/* Those that bind less than where they stand need parentheses. */
static char *
append_node(const struct selector *s, char *text, uint16_t at, enum sel_op within)
{
	const struct sel_node *n = &s->node[at];
	enum sel_op op = (enum sel_op)n->op;
	bool row = op == SEL_AND || op == SEL_OR;
	bool paren = row ? within >= SEL_AND || within == op : within == SEL_NOT && op >= SEL_EQ;

	if (paren)
		text = append(text, "(", "");
	if (op == SEL_ALL)
		text = append(text, "all()", "");
	else if (op == SEL_NOT)
		text = append_node(s, append(text, "!", ""), n->child, SEL_NOT);
	else if (!row)
		text = append_label(s, text, n);
	for (uint16_t c = row ? n->child : 0; c; c = s->node[c].next) {
		text = append_node(s, text, c, op);
		if (s->node[c].next)
			text = append(text, op == SEL_AND ? " && " : " || ", "");
	}
	return paren ? append(text, ")", "") : text;
}

char *
selector_text(const struct selector *s)
{
	return s ? append_node(s, mem_strdup(""), s->root, SEL_ALL) : mem_strdup("all()");
}
