/*
 * Words and options of the command line.
 *
 * Commands may be shortened while they stay unique; `show` may stand before them,
 * and a table leads the words of other routing suites to ours.  What is not known is
 * an error with the nearest known word.
 */
#include "ctl/ctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf_suggest.h"
#include "lib/ip.h"

#define WORD_MAX 32 /* longer words are never near to one of ours */

enum ctl_exit
usage_error(struct ctl *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	render_error(c, CTL_USAGE, text);
	return CTL_USAGE;
}

/* ---- words -------------------------------------------------------------------------- */

int
args_word(const char *const *words, size_t n, const char *s)
{
	size_t len = strlen(s);
	int found = -1;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], s) == 0)
			return (int)i;
		if (len && strncmp(words[i], s, len) == 0)
			found = found == -1 ? (int)i : -2;
	}
	return found;
}

const char *
args_nearest(const char *const *words, size_t n, const char *s)
{
	struct conf_suggest sug = conf_suggest_for(s);

	for (size_t i = 0; i < n; i++)
		conf_suggest_offer(&sug, words[i]);
	return conf_suggest_best(&sug);
}

bool
args_duration(const char *s, uint64_t *ret_s)
{
	static const struct {
		char unit;
		uint64_t s;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { '\0', 1 } };
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	v = strtoull(s, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (*end != units[i].unit || (*end && end[1]))
			continue;
		if (errno || v > UINT32_MAX / units[i].s)
			return false;
		*ret_s = v * units[i].s;
		return true;
	}
	return false;
}

/* ---- options ------------------------------------------------------------------------- */

/* They set a member of struct ctl; value is NULL for those that take none. */
static bool
set_run_dir(struct ctl *c, const char *value)
{
	c->run_dir = value;
	return *value != '\0';
}

static bool
set_output(struct ctl *c, const char *value)
{
	static const char *const words[] = { [CTL_TABLE] = "table", [CTL_WIDE] = "wide",
		[CTL_JSON] = "json" };
	int i = args_word(words, 3, value);

	if (i >= 0)
		c->format = (enum ctl_format)i;
	return i >= 0;
}

static bool
set_interval(struct ctl *c, const char *value)
{
	uint64_t s;

	if (!args_duration(value, &s) || s < 1 || s > 3600)
		return false;
	c->interval_s = (unsigned)s;
	return true;
}

static bool
set_since(struct ctl *c, const char *value)
{
	uint64_t s;

	c->since = value;
	return args_duration(value, &s);
}

static bool
set_for(struct ctl *c, const char *value)
{
	return args_duration(value, &c->for_s) && c->for_s > 0;
}

static bool
set_settle(struct ctl *c, const char *value)
{
	uint64_t s;

	if (!args_duration(value, &s) || s > 600)
		return false;
	c->settle_ms = s * 1000;
	c->has_settle = true;
	return true;
}

static bool
set_wait(struct ctl *c, const char *value)
{
	c->no_wait = false;
	return true;
}

static bool
set_no_wait(struct ctl *c, const char *value)
{
	c->no_wait = true;
	return true;
}

static bool
set_peer(struct ctl *c, const char *value)
{
	c->peer = value;
	return *value && strlen(value) < 64;
}

static bool
set_reason(struct ctl *c, const char *value)
{
	c->reason = value;
	return *value && strlen(value) < 256;
}

static bool
set_v4(struct ctl *c, const char *value)
{
	c->af = c->af == IP6 ? IP_NONE : IP4;
	return true;
}

static bool
set_v6(struct ctl *c, const char *value)
{
	c->af = c->af == IP4 ? IP_NONE : IP6;
	return true;
}

static bool
set_watch(struct ctl *c, const char *value)
{
	c->watch = true;
	return true;
}

static bool
set_no_headers(struct ctl *c, const char *value)
{
	c->no_headers = true;
	return true;
}

static bool
set_help(struct ctl *c, const char *value)
{
	c->help = true;
	return true;
}

static bool
set_version(struct ctl *c, const char *value)
{
	c->version = true;
	return true;
}

static bool
set_diff(struct ctl *c, const char *value)
{
	c->diff = true;
	return true;
}

static bool
set_filter(struct ctl *c, const char *value)
{
	c->filter = value;
	return *value != '\0';
}

static bool
set_direction(struct ctl *c, const char *value)
{
	c->direction = value;
	return strcmp(value, "import") == 0 || strcmp(value, "export") == 0;
}

static bool
set_route(struct ctl *c, const char *value)
{
	c->route = value;
	return *value != '\0';
}

#define VIEW(name)                                                                                 \
	static bool set_##name(struct ctl *c, const char *value)                                   \
	{                                                                                          \
		bool first = !c->view || strcmp(c->view, #name) == 0;                              \
		c->view = #name;                                                                   \
		return first;                                                                      \
	}
VIEW(all)
VIEW(received)
VIEW(accepted)
VIEW(best)
VIEW(advertised)
VIEW(rejected)

struct option {
	const char *name;
	char letter;	  /* '\0': none */
	const char *want; /* what its value is; NULL: it takes none */
	unsigned opt;	  /* enum ctl_opt of the commands that take it; 0: all */
	bool (*set)(struct ctl *c, const char *value);
};

static const char one_view[] = "one view only";
static const struct option options[] = {
	{ "run-dir", '\0', "a directory", 0, set_run_dir },
	{ "output", 'o', "table, wide or json", 0, set_output },
	{ "no-headers", '\0', NULL, 0, set_no_headers },
	{ "help", 'h', NULL, 0, set_help },
	{ "version", 'V', NULL, 0, set_version },
	{ "watch", 'w', NULL, OPT_WATCH, set_watch },
	{ "interval", '\0', "1s to 1h", OPT_WATCH, set_interval },
	{ "ipv4", '4', NULL, OPT_FAMILY, set_v4 },
	{ "ipv6", '6', NULL, OPT_FAMILY, set_v6 },
	{ "peer", '\0', "the name of a peer", OPT_PEER, set_peer },
	{ "reason", '\0', "a text of at most 255 octets", OPT_REASON, set_reason },
	{ "since", '\0', "a time such as 30s, 10m, 2h or 1d", OPT_SINCE, set_since },
	{ "for", '\0', "a time such as 30s, 10m or 2h", OPT_FOR, set_for },
	{ "settle", '\0', "a time of at most 10m", OPT_DRAIN, set_settle },
	{ "wait", '\0', NULL, OPT_DRAIN, set_wait },
	{ "no-wait", '\0', NULL, OPT_DRAIN, set_no_wait },
	{ "diff", '\0', NULL, OPT_DIFF, set_diff },
	{ "filter", '\0', "the name of a filter", OPT_POLICY_TEST, set_filter },
	{ "direction", '\0', "import or export", OPT_POLICY_TEST, set_direction },
	{ "route", '\0', "a prefix and attributes", OPT_POLICY_TEST, set_route },
	{ "all", '\0', NULL, OPT_VIEW, set_all },
	{ "received", '\0', NULL, OPT_VIEW, set_received },
	{ "accepted", '\0', NULL, OPT_VIEW, set_accepted },
	{ "best", '\0', NULL, OPT_VIEW, set_best },
	{ "advertised", '\0', NULL, OPT_VIEW, set_advertised },
	{ "rejected", '\0', NULL, OPT_VIEW, set_rejected },
};
#define NOPTIONS (sizeof(options) / sizeof(options[0]))

/* Options given, remembered until the command is known. */
struct given {
	bool opt[NOPTIONS];
};

static int
find_long(const char *name, size_t len)
{
	char word[WORD_MAX];
	const char *words[NOPTIONS];

	if (!len || len >= sizeof(word))
		return -1;
	memcpy(word, name, len);
	word[len] = '\0';
	for (size_t i = 0; i < NOPTIONS; i++)
		words[i] = options[i].name;
	return args_word(words, NOPTIONS, word);
}

static enum ctl_exit
unknown_option(struct ctl *c, const char *arg, bool several)
{
	const char *words[NOPTIONS], *near;
	char name[WORD_MAX];

	for (size_t i = 0; i < NOPTIONS; i++)
		words[i] = options[i].name;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	near = several ? NULL : args_nearest(words, NOPTIONS, name);
	if (several)
		return usage_error(c, "option %s is short for several", arg);
	if (near)
		return usage_error(c, "unknown option %s; did you mean --%s?", arg, near);
	return usage_error(c, "unknown option %s (see: weft --help)", arg);
}

/* Set option i with its value, which may be the next argument. */
static enum ctl_exit
take_option(struct ctl *c, struct given *g, size_t i, const char *as, const char *value,
    int argc, char **argv, int *at)
{
	const struct option *o = &options[i];

	if (!o->want && value)
		return usage_error(c, "%s takes no value", as);
	if (o->want && !value) {
		if (*at + 1 >= argc)
			return usage_error(c, "%s needs a value: %s", as, o->want);
		value = argv[++*at];
	}
	g->opt[i] = true;
	if (o->set(c, value))
		return CTL_OK;
	if (!o->want)
		return usage_error(c, "%s: %s", as, one_view);
	return usage_error(c, "%s: want %s, got \"%s\"", as, o->want, value);
}

static enum ctl_exit
take_long(struct ctl *c, struct given *g, int argc, char **argv, int *at)
{
	const char *arg = argv[*at], *eq = strchr(arg, '=');
	size_t len = eq ? (size_t)(eq - arg) - 2 : strlen(arg) - 2;
	int i = find_long(arg + 2, len);

	if (i < 0)
		return unknown_option(c, arg, i == -2);
	return take_option(c, g, (size_t)i, arg, eq ? eq + 1 : NULL, argc, argv, at);
}

/* "-w4", "-o json", "-ojson". */
static enum ctl_exit
take_letters(struct ctl *c, struct given *g, int argc, char **argv, int *at)
{
	const char *p = argv[*at] + 1;
	char as[3] = "-?";
	enum ctl_exit rc;
	size_t i;

	for (; *p; p++) {
		as[1] = *p;
		for (i = 0; i < NOPTIONS && options[i].letter != *p; i++)
			;
		if (i == NOPTIONS)
			return usage_error(c, "unknown option %s (see: weft --help)", as);
		if (options[i].want)
			return take_option(c, g, i, as, p[1] ? p + 1 : NULL, argc, argv, at);
		rc = take_option(c, g, i, as, NULL, argc, argv, at);
		if (rc != CTL_OK)
			return rc;
	}
	return CTL_OK;
}

/* ---- commands -------------------------------------------------------------------------- */

/* Words of birdc, vtysh, bgpctl and gobgp, after `show` or without it; NULL ends each. */
static const struct {
	const char *words[4];
	const char *command;
} aliases[] = {
	{ { "ip", "bgp", "summary" }, "peers" },
	{ { "ip", "bgp" }, "routes" },
	{ { "ip", "route" }, "fib" },
	{ { "bgp", "summary" }, "peers" },
	{ { "bgp", "neighbors" }, "peers" },
	{ { "bgp" }, "routes" },
	{ { "protocols", "all" }, "peers" },
	{ { "protocols" }, "peers" },
	{ { "neighbors" }, "peers" },
	{ { "summary" }, "peers" },
	{ { "route", "for" }, "route" },
	{ { "rib" }, "routes" },
};

/* How many words of the alias stand at argv; 0: it is not that one. */
static size_t
alias_match(size_t i, const char *const *word, size_t n)
{
	size_t k;

	for (k = 0; k < 4 && aliases[i].words[k]; k++) {
		const char *want = aliases[i].words[k];
		size_t len = k < n ? strlen(word[k]) : 0;

		/* "neighbor" for "neighbors", "sum" for "summary": from three letters on. */
		if (!len || strncmp(want, word[k], len) != 0 || (len < 3 && want[len]))
			return 0;
	}
	return k;
}

static const struct ctl_command *
command_by_name(const char *name)
{
	for (size_t i = 0; i < ctl_ncommands; i++)
		if (strcmp(ctl_commands[i].name, name) == 0)
			return &ctl_commands[i];
	return NULL;
}

/* All commands that s is short for, into buf; their number, and the last of them. */
static size_t
command_candidates(const char *s, const struct ctl_command **ret, char *buf, size_t cap)
{
	size_t n = 0, len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ctl_ncommands; i++) {
		if (ctl_commands[i].exact || strncmp(ctl_commands[i].name, s, strlen(s)) != 0)
			continue;
		*ret = &ctl_commands[i];
		n++;
		if (len < cap)
			len += (size_t)snprintf(buf + len, cap - len, "%s%s", len ? ", " : "",
			    ctl_commands[i].name);
	}
	return n;
}

static enum ctl_exit
unknown_command(struct ctl *c, const char *s)
{
	const char *words[32], *near;
	size_t n = ctl_ncommands < 32 ? ctl_ncommands : 32;

	for (size_t i = 0; i < n; i++)
		words[i] = ctl_commands[i].name;
	near = args_nearest(words, n, s);
	/* The start of one that is not to be shortened is nearer than any other. */
	for (size_t i = 0; *s && i < n; i++)
		if (strncmp(words[i], s, strlen(s)) == 0)
			near = words[i];
	if (near)
		return usage_error(c, "unknown command \"%s\"; did you mean \"%s\"?", s, near);
	return usage_error(c, "unknown command \"%s\" (see: weft --help)", s);
}

/* Find the command at word[0..n); *ret_used words name it. */
static enum ctl_exit
find_command(struct ctl *c, const char *const *word, size_t n, size_t *ret_used)
{
	char names[128];
	size_t k, found;

	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		k = alias_match(i, word, n);
		/* One word that is an abbreviation of our own is not an alias. */
		if (!k || (k == 1 && command_candidates(word[0], &c->cmd, names, sizeof(names))))
			continue;
		c->cmd = command_by_name(aliases[i].command);
		*ret_used = k;
		return CTL_OK;
	}
	*ret_used = 1;
	c->cmd = command_by_name(word[0]);
	if (c->cmd)
		return CTL_OK;
	found = *word[0] ? command_candidates(word[0], &c->cmd, names, sizeof(names)) : 0;
	if (found == 1)
		return CTL_OK;
	c->cmd = NULL;
	if (found)
		return usage_error(c, "\"%s\" is short for several: %s", word[0], names);
	return unknown_command(c, word[0]);
}

static enum ctl_exit
check_options(struct ctl *c, const struct given *g)
{
	for (size_t i = 0; i < NOPTIONS; i++)
		if (g->opt[i] && options[i].opt && !(c->cmd->opts & options[i].opt))
			return usage_error(c, "%s takes no option --%s", c->cmd->name,
			    options[i].name);
	return CTL_OK;
}

/* Command and arguments out of the words that are no options. */
static enum ctl_exit
take_words(struct ctl *c, const char *const *word, size_t n)
{
	size_t used;
	enum ctl_exit rc;

	if (n > 1 && strncmp("show", word[0], strlen(word[0])) == 0 && strlen(word[0]) > 1) {
		word++;
		n--;
	}
	rc = find_command(c, word, n, &used);
	if (rc != CTL_OK)
		return rc;
	word += used;
	n -= used;
	if (c->help)
		return CTL_OK;
	if (n < c->cmd->min_args)
		return usage_error(c, "%s needs an argument: weft %s %s", c->cmd->name,
		    c->cmd->name, c->cmd->args);
	if (n > c->cmd->max_args)
		return usage_error(c, "%s: unexpected argument \"%s\"", c->cmd->name,
		    word[c->cmd->max_args]);
	memcpy(c->arg, word, n * sizeof(*word));
	c->nargs = n;
	return CTL_OK;
}

enum ctl_exit
args_parse(struct ctl *c, int argc, char **argv)
{
	struct given g = { 0 };
	const char *word[16];
	size_t n = 0;
	enum ctl_exit rc = CTL_OK;
	bool only_words = false;

	for (int i = 1; i < argc && rc == CTL_OK; i++) {
		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (!only_words && strncmp(argv[i], "--", 2) == 0)
			rc = take_long(c, &g, argc, argv, &i);
		else if (!only_words && argv[i][0] == '-' && argv[i][1])
			rc = take_letters(c, &g, argc, argv, &i);
		else if (n == sizeof(word) / sizeof(word[0]))
			rc = usage_error(c, "too many arguments");
		else
			word[n++] = argv[i];
	}
	if (rc != CTL_OK || (!n && (c->help || c->version)))
		return rc;
	if (!n) {
		print_help(c, c->err);
		return CTL_USAGE;
	}
	rc = take_words(c, word, n);
	return rc == CTL_OK ? check_options(c, &g) : rc;
}
