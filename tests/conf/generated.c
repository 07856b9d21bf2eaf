/*
 * Mistakes generated from the option table: for every option a document with one
 * mistake in it, and the position, option, wanted, found and hint that the finding
 * must have. What is right (both ends of each range, every word, every other name)
 * must be taken. Documents are the least that is otherwise right; their lines and
 * columns are counted while they are written.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf_table.h"
#include "lib/conf_type.h"
#include "lib/mem.h"
#include "tests/conf/testconf.h"

static unsigned failed, checked;

/* ---- documents ----------------------------------------------------------- */

struct doc {
	char text[4096];
	size_t len;
	uint32_t line;
	/* what to write in place of the option */
	const struct opt *target;
	const char *key; /* NULL: leave it out */
	const char *value;
	const char *key2, *value2;			   /* a second member beside it, or NULL */
	uint32_t key_line, key_col, value_line, value_col; /* of the target */
	uint32_t key2_line, key2_col;
	uint32_t map_line, map_col; /* of the map it stands in */
};

static void __attribute__((format(printf, 2, 3))) add(struct doc *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	d->len += (size_t)vsnprintf(d->text + d->len, sizeof(d->text) - d->len, fmt, ap);
	va_end(ap);
}

/* A right value for options that have to be there. */
static const char *
example(const struct opt *o)
{
	static const struct {
		const char *path, *value;
	} examples[] = {
		{ "bgp.asNumber", "64512" },
		{ "peers[].peerIP", "10.0.0.1" },
		{ "peers[].listenRange", "10.0.0.0/16" },
		{ "peers[].asNumber", "65000" },
		{ "advertisements[].type", "PodCIDR" },
		{ "tcpAOKeys[].name", "k1" },
		{ "tcpAOKeys[].sendID", "1" },
		{ "tcpAOKeys[].recvID", "2" },
		{ "tcpAOKeys[].file", "/etc/weft/k1" },
		{ "communities[].name", "c1" },
		{ "communities[].value", "64512:1" },
		{ "bmp[].address", "192.0.2.9" },
		{ "loadBalancerPools[].name", "p1" },
		{ "loadBalancerPools[].addresses", "192.0.2.0/28" },
	};

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		if (strcmp(examples[i].path, o->path) == 0)
			return examples[i].value;
	fprintf(stderr, "no example for %s\n", o->path);
	exit(99);
}

/* Is o the option or a map or list that holds it? */
static bool
holds(const struct opt *o, const struct opt *target)
{
	size_t n = strlen(o->path);

	return strncmp(o->path, target->path, n) == 0 &&
	       (target->path[n] == '\0' || strchr(".[", target->path[n]));
}

static bool
has_required(const struct opt *parent)
{
	const struct opt *o = NULL;

	while ((o = opt_next_child(parent, o)))
		if (o->flags & OPT_F_REQUIRED)
			return true;
	return false;
}

/* Start a member's line; *first: it stands behind "- ". Returns its column. */
static uint32_t
start_line(struct doc *d, unsigned depth, bool *first)
{
	if (!*first)
		add(d, "%*s", (int)depth * 2, "");
	*first = false;
	d->line++;
	return depth * 2 + 1;
}

static void
write_target(struct doc *d, unsigned depth, bool *first)
{
	if (d->key) {
		d->key_col = start_line(d, depth, first);
		d->key_line = d->value_line = d->line;
		d->value_col = d->key_col + (uint32_t)strlen(d->key) + 2;
		add(d, "%s: %s\n", d->key, d->value);
	}
	if (d->key2) {
		d->key2_col = start_line(d, depth, first);
		d->key2_line = d->line;
		add(d, "%s: %s\n", d->key2, d->value2);
	}
}

/* Is that option to be written, whether or not it is what the document is about? */
static bool
is_needed(const struct doc *d, const struct opt *o)
{
	const char *needs = d->target->needs;

	if (needs && strcmp(needs, o->path) == 0)
		return true;
	if (!(o->flags & OPT_F_REQUIRED))
		return false;
	for (size_t i = 0; i < OPT_NINSTEAD && o->instead[i]; i++)
		if (strcmp(d->target->path, o->instead[i]) == 0 ||
		    (needs && strcmp(needs, o->instead[i]) == 0))
			return false;
	return true;
}

static void
write_members(struct doc *d, const struct opt *parent, unsigned depth, bool first)
{
	uint32_t line = d->line + 1;
	const struct opt *o = NULL;

	while ((o = opt_next_child(parent, o))) {
		if (o == d->target) {
			d->map_line = line;
			d->map_col = depth * 2 + 1;
			write_target(d, depth, &first);
		} else if (o->type == OPT_MAP && (holds(o, d->target) || has_required(o))) {
			start_line(d, depth, &first);
			add(d, "%s:\n", opt_key(o));
			write_members(d, o, depth + 1, false);
		} else if (o->type == OPT_LIST && (o->flags & OPT_F_NAMED) && holds(o, d->target)) {
			start_line(d, depth, &first);
			add(d, "%s:\n", opt_key(o));
			first = false;
			start_line(d, depth + 1, &first);
			add(d, "x:\n");
			write_members(d, o, depth + 2, false);
		} else if (o->type == OPT_LIST && holds(o, d->target)) {
			start_line(d, depth, &first);
			add(d, "%s:\n%*s- ", opt_key(o), (int)depth * 2 + 2, "");
			write_members(d, o, depth + 2, true);
		} else if (is_needed(d, o)) {
			start_line(d, depth, &first);
			add(d, "%s: %s\n", opt_key(o), example(o));
		}
	}
}

static struct doc
document(const struct opt *target, const char *key, const char *value)
{
	struct doc d = { .target = target, .key = key, .value = value };

	write_members(&d, NULL, 0, false);
	return d;
}

/* ---- checks -------------------------------------------------------------- */

struct want {
	uint32_t line, col;
	char *path;			   /* owned */
	const char *wanted, *found, *hint; /* NULL: any; hint "" means none */
};

/* peers[].timers.hold as peers[0].timers.hold, filters[] as filters.x, with another last key if given. Owned by the caller.
 */
static char *
instance(const struct opt *o, const char *key)
{
	const char *p = o->path, *brackets, *dot;
	char *path = mem_strdup(""), *other;

	while ((brackets = strstr(p, "[]"))) {
		char *list = mem_strndup(o->path, (size_t)(brackets - o->path));
		const struct opt *l = opt_find(list);

		other = mem_printf("%s%.*s%s", path, (int)(brackets - p), p,
		    l && (l->flags & OPT_F_NAMED) ? ".x" : "[0]");
		mem_free(list);
		mem_free(path);
		path = other;
		p = brackets + 2;
	}
	other = mem_printf("%s%s", path, p);
	mem_free(path);
	path = other;
	if (!key)
		return path;
	dot = strrchr(path, '.');
	other = mem_printf("%.*s%s", dot ? (int)(dot - path) + 1 : 0, path, key);
	mem_free(path);
	return other;
}

static bool
same(const char *want, const char *got)
{
	if (!want)
		return true;
	return *want ? got && strcmp(want, got) == 0 : !got;
}

static bool
matches(const struct want *w, const struct conf_err *e)
{
	return !e->warning && e->line == w->line && e->col == w->col && e->path &&
	       strcmp(e->path, w->path) == 0 && same(w->wanted, e->wanted) &&
	       same(w->found, e->found) && same(w->hint, e->hint);
}

/* The line a person reads must say all of it. */
static bool
line_is_exact(const struct conf_errs *errs, const struct conf_err *e)
{
	char *got = conf_err_text(errs, e), *want;
	bool ok;

	want = mem_printf("gen.yaml:%u:%u: %s: %s%s%s%s%s%s", e->line, e->col, e->path,
	    e->found ? "want " : "", e->wanted, e->found ? ", got " : "", e->found ? e->found : "",
	    e->hint ? "; " : "", e->hint ? e->hint : "");
	ok = strcmp(got, want) == 0;
	mem_free(got);
	mem_free(want);
	return ok;
}

static void
expect(const char *kind, const struct doc *d, struct want w)
{
	struct conf_errs errs = { 0 };
	struct conf *c = conf_load(&testconf_env, "gen.yaml", d->text, d->len, &errs);
	bool ok = false;
	char *all;

	for (size_t i = 0; i < errs.n && !ok; i++)
		ok = matches(&w, &errs.v[i]) && line_is_exact(&errs, &errs.v[i]);
	checked++;
	if (!ok || c) {
		failed++;
		all = conf_errs_text(&errs);
		fprintf(stderr, "FAIL %s, %s: want gen.yaml:%u:%u: %s: want %s, got %s; %s\n%s%s\n",
		    d->target->path, kind, w.line, w.col, w.path, w.wanted ? w.wanted : "*",
		    w.found ? w.found : "*", w.hint ? w.hint : "*", all, d->text);
		mem_free(all);
	}
	conf_free(c);
	conf_errs_free(&errs);
	mem_free(w.path);
}

/* The value must be taken; contradictions with the rest of the document do not matter. */
static void
expect_taken(const char *kind, const struct doc *d)
{
	struct conf_errs errs = { 0 };
	struct conf *c = conf_load(&testconf_env, "gen.yaml", d->text, d->len, &errs);
	char *wrong = NULL;

	for (size_t i = 0; i < errs.n && !wrong; i++)
		if (!errs.v[i].warning && errs.v[i].found)
			wrong = conf_err_text(&errs, &errs.v[i]);
	if (!wrong && c)
		wrong = testconf_round_trip(c);
	checked++;
	if (wrong) {
		failed++;
		fprintf(stderr, "FAIL %s, %s: %s\n%s\n", d->target->path, kind, wrong, d->text);
	}
	mem_free(wrong);
	conf_free(c);
	conf_errs_free(&errs);
}

/* One wrong value; the wanted text is given or the type's own. */
static void
expect_value(
    const char *kind, const struct opt *o, const char *value, const char *found, const char *hint)
{
	struct doc d = document(o, opt_key(o), value);
	char *wanted = opt_wanted(o);

	expect(kind, &d,
	    (struct want){ d.value_line, d.value_col, instance(o, NULL), wanted, found, hint });
	mem_free(wanted);
}

static void
expect_bad_text(const char *kind, const struct opt *o, const char *value, const char *hint)
{
	char *found = mem_printf("\"%s\"", value);

	expect_value(kind, o, value, found, hint);
	mem_free(found);
}

static void
expect_good(const char *kind, const struct opt *o, const char *value)
{
	struct doc d = document(o, opt_key(o), value);

	expect_taken(kind, &d);
}

/* ---- mistakes ------------------------------------------------------------ */

static bool
is_password(const struct opt *o)
{
	return strcmp(o->path, "peers[].password") == 0;
}

static void
wrong_type(const struct opt *o)
{
	bool named = o->flags & (OPT_F_NAMED | OPT_F_ONE);
	bool list = (o->flags & OPT_F_MANY) || o->type == OPT_FLAGS || (o->type == OPT_LIST && !named);

	if (!list)
		expect_value("a list", o, "[x]", "a list", "");
	if (o->type == OPT_SELECTOR)
		expect_good("a label map", o, "{x: y}");
	else if (o->type != OPT_MAP && !named)
		expect_value("a mapping", o, "{x: y}", "a mapping", "");
	if (o->type == OPT_LIST || (o->type == OPT_MAP && !is_password(o) && !o->scalar))
		expect_value("a text", o, "xyzzy", "\"xyzzy\"", "");
	if (o->type != OPT_LIST && o->type != OPT_MAP)
		expect_value("nothing", o, "~", "nothing", "");
}

/* What else may stand in place of a required option. Owned by the caller. */
static char *
required_hint(const struct opt *o)
{
	char *hint = mem_strdup("it is required"), *longer;

	for (size_t i = 0; i < OPT_NINSTEAD && o->instead[i]; i++) {
		longer = mem_printf("%s, or %s", hint, opt_key(opt_find(o->instead[i])));
		mem_free(hint);
		hint = longer;
	}
	return hint;
}

static void
missing(const struct opt *o)
{
	struct doc d = document(o, NULL, NULL);
	char *wanted = opt_wanted(o), *hint = required_hint(o);

	if (o->flags & OPT_F_REQUIRED) {
		/* A map without any member begins right behind its key or dash. */
		if (strcmp(d.text + d.len - 2, "- ") == 0)
			d.map_col--;
		else if (strcmp(o->path, "bgp.asNumber") == 0)
			d.map_line = 1, d.map_col = strlen("bgp:") + 1;
		expect("missing", &d,
		    (struct want){ d.map_line, d.map_col, instance(o, NULL), wanted, "nothing",
			hint });
	}
	mem_free(hint);
	mem_free(wanted);
}

/* A word with one letter less, in the middle; a short one with one more. */
static char *
misspell(const char *word)
{
	size_t n = strlen(word), at = n / 2;

	if (n < 4)
		return mem_printf("%s%c", word, word[n - 1]);
	return mem_printf("%.*s%s", (int)at, word, word + at + 1);
}

static void
misspelt_key(const struct opt *o)
{
	char *key = misspell(opt_key(o)), *found, *hint;
	struct doc d;

	d = document(o, key, o->flags & OPT_F_REQUIRED ? example(o) : "x");
	found = mem_printf("\"%s\"", key);
	hint = mem_printf("did you mean %s?", opt_key(o));
	expect("misspelt key", &d,
	    (struct want){ d.key_line, d.key_col, instance(o, key), "a known key", found, hint });
	mem_free(found);
	mem_free(hint);
	mem_free(key);
}

static void
twice(const struct opt *o)
{
	const char *value = o->type == OPT_MAP || o->type == OPT_LIST ? "" : "~";
	struct doc d = {
		.target = o, .key = opt_key(o), .value = value, .key2 = opt_key(o), .value2 = value
	};
	char *what;

	write_members(&d, NULL, 0, false);
	what = mem_printf("the key stands here twice, first at %u:%u", d.key_line, d.key_col);
	expect("twice", &d,
	    (struct want){ d.key2_line, d.key2_col, instance(o, NULL), what, "", NULL });
	mem_free(what);
}

static void
other_names(const struct opt *o, const char *value)
{
	struct doc d;
	char *what;

	for (size_t i = 0; o->aliases && o->aliases[i]; i++) {
		d = document(o, o->aliases[i], value);
		expect_taken("other name", &d);
		d = (struct doc){ .target = o,
			.key = opt_key(o),
			.value = value,
			.key2 = o->aliases[i],
			.value2 = value };
		write_members(&d, NULL, 0, false);
		what = mem_printf("this is another name of %s, which stands here, too", opt_key(o));
		expect("both names", &d,
		    (struct want){ d.key2_line, d.key2_col, instance(o, o->aliases[i]), what, "",
			"keep one of them" });
		mem_free(what);
	}
}

static void
bad_number(const struct opt *o)
{
	char *below = mem_printf("%" PRIu64, o->min - 1),
	     *above = mem_printf("%" PRIu64, o->max + 1);
	char *min = mem_printf("%" PRIu64, o->min), *max = mem_printf("%" PRIu64, o->max);

	if (o->min > 0)
		expect_bad_text("below min", o, below, "");
	expect_bad_text("above max", o, above, "");
	expect_bad_text("negative", o, "-1", "");
	expect_bad_text("hexadecimal", o, "0x10", "");
	expect_bad_text("a word", o, "xyzzy", "");
	expect_good("min", o, min);
	expect_good("max", o, max);
	mem_free(below);
	mem_free(above);
	mem_free(min);
	mem_free(max);
}

static void
bad_duration(const struct opt *o)
{
	char *below = mem_printf("%" PRIu64 "ms", o->min - 1);
	char *above = mem_printf("%" PRIu64 "ms", o->max + o->scale);
	char *min = opt_duration_text(o->min), *max = opt_duration_text(o->max);
	uint64_t fits = (o->min + 999) / 1000 + 1;
	char *bare = mem_printf("%" PRIu64, fits);
	char *hint = mem_printf("a unit is missing: did you mean %ss?", bare);

	if (o->min > 0)
		expect_bad_text("below min", o, below, NULL);
	expect_bad_text("above max", o, above, "");
	expect_bad_text("no unit", o, bare, hint);
	expect_bad_text("wrong unit", o, "5y", "write a whole number and a unit: ms, s, m, h or d");
	if (o->scale == 1000)
		expect_bad_text("half seconds", o, "4500ms",
		    o->min <= 4500 && o->max >= 4500 ? "whole seconds only" : NULL);
	expect_good("min", o, min);
	expect_good("max", o, max);
	mem_free(below);
	mem_free(above);
	mem_free(bare);
	mem_free(hint);
	mem_free(min);
	mem_free(max);
}

static void
bad_word(const struct opt *o)
{
	char *wrong, *hint;

	for (size_t i = 0; o->words[i]; i++) {
		wrong = misspell(o->words[i]);
		hint = mem_printf("did you mean %s?", o->words[i]);
		expect_bad_text("misspelt word", o, wrong, hint);
		expect_good("word", o, o->words[i]);
		mem_free(wrong);
		mem_free(hint);
	}
	expect_bad_text("bad word", o, "xyzzyxyzzy", "");
}

static void
bad_percent(const struct opt *o)
{
	expect_bad_text("below min", o, "0%", "");
	expect_bad_text("above max", o, "101%", "");
	expect_bad_text("no %", o, "50", "did you mean 50%?");
	expect_good("min", o, "1%");
	expect_good("max", o, "100%");
}

/* One text each that the type refuses, and one that it takes. */
static const struct {
	const char *bad, *good;
	const char *hint; /* of the bad one; NULL: any */
} texts[OPT_NTYPES] = {
	[OPT_BOOL] = { "ture", "yes", "did you mean true?" },
	[OPT_NAME] = { "\"a b\"", "a-b", "" },
	[OPT_INTERVAL] = { "5", "1s", "" },
	[OPT_BFD] = { "\"a b\"", "true", "" },
	[OPT_FILE] = { "\"\"", "/etc/weft/key", "" },
	[OPT_ENVNAME] = { "A-B", "A_B", "" },
	[OPT_IFNAME] = { "abcdefghijklmnop", "eth0", "" },
	[OPT_IFSTR] = { "eth0/1", "eth0", "" },
	[OPT_ADDR] = { "10.0.0.300", "2001:db8::1", "" },
	[OPT_ROUTERID] = { "2001:db8::1", "10.0.0.1", "" },
	[OPT_PREFIX] = { "10.0.0.0/33", "10.0.0.0/8", "" },
	[OPT_ASN] = { "65535", "1.1", "this one is reserved" },
	[OPT_REMOTE_AS] = { "externl", "internal", "did you mean external?" },
	[OPT_PEER_ADDR] = { "10.0.0.1:70000", "10.0.0.1:1179", "" },
	[OPT_IP_RULE] = { "interface=", "can-reach=10.0.0.1", "" },
	[OPT_PEER_SOURCE] = { "nodeip", "eth0", "did you mean nodeIP?" },
	[OPT_KERNEL_SOURCE] = { "nodeip", "10.0.0.1", "did you mean nodeIP?" },
	[OPT_MULTIHOP] = { "256", "true", "" },
	[OPT_TABLE] = { "255", "4294967295", "255, local, is the kernel's own" },
	[OPT_PROTOCOL] = { "12", "213", "this one is BIRD's" },
	[OPT_PROTECT] = { "nodeip", "10.0.0.0/24", "did you mean nodeIP?" },
	[OPT_ENDPOINT] = { "127.0.0.1", "127.0.0.1:1", "" },
	[OPT_COMMUNITY] = { "1:2:x", "no-export", "" },
	[OPT_COMMUNITY_ANY] = { "rt:1:x", "rt:65000:1", "" },
	[OPT_PREFIX_OR_ADDR] = { "10.0.0.300", "10.0.0.1", "" },
	[OPT_RANGE] = { "10.0.0.9-10.0.0.1", "10.0.0.1-10.0.0.9", "" },
	[OPT_SELECTOR] = { "rack = r1", "all()", NULL },
	[OPT_COMMUNITY_VALUE] = { "no-exprt", "65535:65535", "did you mean no-export?" },
};

/* An address of one family only. */
static void
bad_family(const struct opt *o)
{
	bool v4 = o->min == 4;

	expect_value("other family", o, v4 ? "2001:db8::1" : "10.0.0.1",
	    v4 ? "\"2001:db8::1\"" : "\"10.0.0.1\"", "");
	expect_good("its family", o, v4 ? "10.0.0.1" : "2001:db8::1");
	if (!v4)
		expect_value("link-local", o, "fe80::1", "\"fe80::1\"",
		    "a link-local one is known on its link only");
}

static void
bad_value(const struct opt *o)
{
	char *found;

	found = texts[o->type].bad[0] == '"' ? mem_strdup(texts[o->type].bad)
					     : mem_printf("\"%s\"", texts[o->type].bad);
	expect_value("bad text", o, texts[o->type].bad, found, texts[o->type].hint);
	expect_good("good text", o, texts[o->type].good);
	other_names(o, texts[o->type].good);
	mem_free(found);
}

static void
bad_text(const struct opt *o)
{
	if (o->type == OPT_ADDR && o->min != 0)
		bad_family(o);
	else if (texts[o->type].bad)
		bad_value(o);
}

static void
mistakes(const struct opt *o)
{
	wrong_type(o);
	missing(o);
	misspelt_key(o);
	twice(o);
	bad_text(o);
	if (o->type == OPT_UINT)
		bad_number(o);
	if (o->type == OPT_DURATION)
		bad_duration(o);
	if (o->type == OPT_ENUM || o->type == OPT_FLAGS)
		bad_word(o);
	if (o->type == OPT_PERCENT)
		bad_percent(o);
	if (o->zero)
		expect_good("the word for none", o, o->zero);
	if (o->dflt && !strchr(o->dflt, ' '))
		expect_good("default", o, o->dflt);
}

/* Keys of later versions are known as such wherever they could stand. */
static void
later_key(const char *path)
{
	const char *dot = strrchr(path, '.');
	size_t n = dot ? (size_t)(dot - path) : 0;
	char *parent = mem_strndup(path, n > 2 && path[n - 1] == ']' ? n - 2 : n);
	const struct opt *at = *parent ? opt_find(parent) : NULL;
	/* Written in place of the first member that need not be there. */
	const struct opt *o = NULL;
	struct doc d;

	do
		o = opt_next_child(at, o);
	while (o->flags & OPT_F_REQUIRED);
	d = document(o, dot ? dot + 1 : path, "x");
	expect("later", &d,
	    (struct want){ d.key_line, d.key_col, instance(&(struct opt){ .path = path }, NULL),
		"this key is not in this version", "", "" });
	mem_free(parent);
}

int
main(void)
{
	const struct opt *o = NULL;

	while ((o = opt_next(o)))
		mistakes(o);
	for (size_t i = 0; conf_later[i]; i++)
		later_key(conf_later[i]);
	printf("Checks: %u, Failures: %u, Errors: 0\n", checked, failed);
	return failed > 0;
}
