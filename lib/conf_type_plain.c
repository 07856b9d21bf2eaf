/*
 * Types of option values that have nothing to do with networks: switches, numbers,
 * durations, words, texts.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "lib/conf_suggest.h"
#include "lib/conf_type.h"
#include "lib/mem.h"
#include "lib/selector.h"

/* ---- shared -------------------------------------------------------------- */

bool
opt_parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned digit;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		digit = (unsigned)(*text - '0');
		if (v > (max - digit) / 10 || digit > max)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return true;
}

char *
opt_words_text(const char *const *words)
{
	size_t n = 0;
	char *text, *longer;

	while (words[n])
		n++;
	if (n <= 2)
		return mem_printf("%s%s%s", words[0], n == 2 ? " or " : "", n == 2 ? words[1] : "");
	text = mem_printf("one of %s", words[0]);
	for (size_t i = 1; i < n; i++) {
		longer = mem_printf("%s, %s", text, words[i]);
		mem_free(text);
		text = longer;
	}
	return text;
}

static void
did_you_mean(struct opt_why *why, const char *meant)
{
	if (!why->hint && meant)
		why->hint = mem_printf("did you mean %s?", meant);
}

static void
suggest_words(struct opt_why *why, const char *text, const char *const *words, const char *zero)
{
	struct conf_suggest s = conf_suggest_for(text);

	for (size_t i = 0; words[i]; i++)
		conf_suggest_offer(&s, words[i]);
	if (zero)
		conf_suggest_offer(&s, zero);
	did_you_mean(why, conf_suggest_best(&s));
}

/* ---- bool ---------------------------------------------------------------- */

static bool
bool_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", NULL };

	for (size_t i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0) {
			*(bool *)ret = i % 2 == 1;
			return true;
		}
	suggest_words(why, text, words, NULL);
	return false;
}

static char *
bool_print(const struct opt *o, const void *v)
{
	return mem_strdup(*(const bool *)v ? "true" : "false");
}

static char *
bool_wanted(const struct opt *o)
{
	return mem_strdup("true or false");
}

/* ---- numbers ------------------------------------------------------------- */

static bool
uint_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	uint64_t v;

	if (!opt_parse_number(text, o->max, &v) || v < o->min)
		return false;
	*(uint32_t *)ret = (uint32_t)v;
	return true;
}

static char *
uint_print(const struct opt *o, const void *v)
{
	return mem_printf("%" PRIu32, *(const uint32_t *)v);
}

static char *
uint_wanted(const struct opt *o)
{
	return mem_printf("a number from %" PRIu64 " to %" PRIu64, o->min, o->max);
}

static bool
percent_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	size_t n = strlen(text);
	char *digits;
	bool ok;

	if (n == 0 || text[n - 1] != '%') {
		if (uint_parse(o, text, ret, why))
			why->hint = mem_printf("did you mean %s%%?", text);
		return false;
	}
	digits = mem_strndup(text, n - 1);
	ok = uint_parse(o, digits, ret, why);
	mem_free(digits);
	return ok;
}

static char *
percent_print(const struct opt *o, const void *v)
{
	return mem_printf("%" PRIu32 "%%", *(const uint32_t *)v);
}

static char *
percent_wanted(const struct opt *o)
{
	return mem_printf("%" PRIu64 "%% to %" PRIu64 "%%", o->min, o->max);
}

/* ---- durations ----------------------------------------------------------- */

/* Smallest last: printing tries them in this order. */
static const struct unit {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};
#define NUNITS		(sizeof(units) / sizeof(units[0]))
#define DURATION_MAX_MS (UINT64_C(366) * 86400000)

char *
opt_duration_text(uint64_t ms)
{
	size_t i = 0;

	if (ms == 0)
		return mem_strdup("0s");
	while (ms % units[i].ms != 0)
		i++;
	return mem_printf("%" PRIu64 "%s", ms / units[i].ms, units[i].name);
}

/* "9s" to milliseconds; "0" needs no unit. */
static bool
duration_ms(const char *text, uint64_t *ret)
{
	size_t n = strspn(text, "0123456789");
	uint64_t v;
	char *digits;
	bool ok;

	digits = mem_strndup(text, n);
	ok = opt_parse_number(digits, DURATION_MAX_MS, &v);
	mem_free(digits);
	if (!ok)
		return false;
	*ret = 0;
	if (v == 0 && text[n] == '\0')
		return true;
	for (size_t i = 0; i < NUNITS; i++) {
		if (strcmp(text + n, units[i].name) != 0 || v > DURATION_MAX_MS / units[i].ms)
			continue;
		*ret = v * units[i].ms;
		return true;
	}
	return false;
}

static bool
duration_fits(const struct opt *o, uint64_t ms)
{
	return (ms == 0 && o->zero && strcmp(o->zero, "0") == 0) || (ms >= o->min && ms <= o->max);
}

/* Why a text is no duration for this option. */
static void
duration_hint(const struct opt *o, const char *text, struct opt_why *why)
{
	uint64_t v;

	if (opt_parse_number(text, DURATION_MAX_MS / 1000, &v)) {
		if (duration_fits(o, v * 1000))
			why->hint = mem_printf("a unit is missing: did you mean %ss?", text);
		else
			why->hint = mem_strdup("a unit is missing: ms, s, m, h or d");
	} else if (text[0] >= '0' && text[0] <= '9' && !duration_ms(text, &v)) {
		why->hint = mem_strdup("write a whole number and a unit: ms, s, m, h or d");
	}
}

static bool
duration_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	uint64_t ms;

	if (!duration_ms(text, &ms) || !duration_fits(o, ms)) {
		duration_hint(o, text, why);
		return false;
	}
	if (ms % o->scale != 0) {
		why->hint = mem_strdup("whole seconds only");
		return false;
	}
	*(uint32_t *)ret = (uint32_t)(ms / o->scale);
	return true;
}

static char *
duration_print(const struct opt *o, const void *v)
{
	return opt_duration_text((uint64_t) * (const uint32_t *)v * o->scale);
}

/* As others write it: milliseconds when there is no unit. */
static bool
interval_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	uint64_t ms;

	if ((!opt_parse_number(text, DURATION_MAX_MS, &ms) && !duration_ms(text, &ms)) || ms < o->min ||
	    ms > o->max)
		return false;
	*(uint32_t *)ret = (uint32_t)ms;
	return true;
}

static char *
interval_print(const struct opt *o, const void *v)
{
	return opt_duration_text(*(const uint32_t *)v);
}

static char *
interval_wanted(const struct opt *o)
{
	return mem_printf("%" PRIu64 " to %" PRIu64 " (milliseconds), or a time as 50ms", o->min, o->max);
}

static char *
duration_wanted(const struct opt *o)
{
	char *min = opt_duration_text(o->min), *max = opt_duration_text(o->max);
	char *text = mem_printf("%s to %s", min, max);

	mem_free(min);
	mem_free(max);
	return text;
}

/* ---- words --------------------------------------------------------------- */

static bool
word_index(const struct opt *o, const char *text, unsigned *ret, struct opt_why *why)
{
	for (unsigned i = 0; o->words[i]; i++)
		if (strcmp(o->words[i], text) == 0) {
			*ret = i;
			return true;
		}
	suggest_words(why, text, o->words, o->zero);
	return false;
}

static bool
enum_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	return word_index(o, text, ret, why);
}

static char *
enum_print(const struct opt *o, const void *v)
{
	return mem_strdup(o->words[*(const unsigned *)v]);
}

static char *
words_wanted(const struct opt *o)
{
	return opt_words_text(o->words);
}

/* One word of a set. */
static bool
flags_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	unsigned i;

	if (!word_index(o, text, &i, why))
		return false;
	*(uint32_t *)ret = 1u << i;
	return true;
}

/* The whole set, as a list in brackets. */
static char *
flags_print(const struct opt *o, const void *v)
{
	char *text = mem_strdup("["), *longer;

	for (unsigned i = 0; o->words[i]; i++) {
		if (!(*(const uint32_t *)v & 1u << i))
			continue;
		longer = mem_printf("%s%s%s", text, text[1] ? ", " : "", o->words[i]);
		mem_free(text);
		text = longer;
	}
	longer = mem_printf("%s]", text);
	mem_free(text);
	return longer;
}

/* ---- texts --------------------------------------------------------------- */

static bool
text_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	if (strlen(text) > o->max)
		return false;
	for (const char *p = text; *p; p++)
		if (iscntrl((unsigned char)*p))
			return false;
	*(char **)ret = mem_strdup(text);
	return true;
}

static char *
text_print(const struct opt *o, const void *v)
{
	return mem_strdup(*(char *const *)v);
}

static char *
text_wanted(const struct opt *o)
{
	return mem_printf("one line of at most %" PRIu64 " octets", o->max);
}

/* Names end up in tables and on command lines: printable ASCII without blanks and quotes. */
static bool
name_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	size_t n = strlen(text);

	if (n == 0 || n > o->max)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\"'`\\,", text[i]))
			return false;
	*(char **)ret = mem_strdup(text);
	return true;
}

static char *
name_wanted(const struct opt *o)
{
	return mem_printf(
	    "a name of at most %" PRIu64 " letters without blanks, quotes and commas", o->max);
}

/* true is a profile, too: the one called default, or the settings that it has by default. */
static bool
bfd_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	static const char *const on[] = { "true", "yes", "on", NULL }, *const off[] = { "false", "no", NULL };

	for (size_t i = 0; on[i]; i++)
		if (strcmp(text, on[i]) == 0)
			return name_parse(o, CONF_BFD_DEFAULT, ret, why);
	for (size_t i = 0; off[i]; i++)
		if (strcmp(text, off[i]) == 0)
			return name_parse(o, CONF_BFD_OFF, ret, why);
	return name_parse(o, text, ret, why);
}

static char *
bfd_wanted(const struct opt *o)
{
	return mem_strdup("true, false or the name of a profile of bfdProfiles");
}

static bool
file_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	return text[0] != '\0' && text_parse(o, text, ret, why);
}

static char *
file_wanted(const struct opt *o)
{
	return mem_strdup("the path of a file");
}

static bool
envname_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	size_t n = strlen(text);

	if (n == 0 || n > o->max || (text[0] >= '0' && text[0] <= '9'))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	*(char **)ret = mem_strdup(text);
	return true;
}

static char *
envname_wanted(const struct opt *o)
{
	return mem_strdup("the name of an environment variable");
}

static bool
selector_opt_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	char wanted[SELECTOR_WHY_MAX];
	size_t at;
	struct selector *s = selector_parse(text, wanted, &at);

	if (!s) {
		why->hint = mem_printf("want %s at octet %zu", wanted, at + 1);
		return false;
	}
	selector_free(s);
	*(char **)ret = mem_strdup(text);
	return true;
}

static char *
selector_wanted(const struct opt *o)
{
	return mem_strdup("a selector such as rack == \"r1\" && has(rr), or a mapping of labels");
}

const struct opt_codec conf_types_plain[OPT_NTYPES] = {
	[OPT_BOOL] = { sizeof(bool), bool_parse, bool_print, bool_wanted, false },
	[OPT_UINT] = { sizeof(uint32_t), uint_parse, uint_print, uint_wanted, false },
	[OPT_PERCENT] = { sizeof(uint32_t), percent_parse, percent_print, percent_wanted, false },
	[OPT_DURATION] = { sizeof(uint32_t), duration_parse, duration_print, duration_wanted,
	    false },
	[OPT_INTERVAL] = { sizeof(uint32_t), interval_parse, interval_print, interval_wanted,
	    false },
	[OPT_ENUM] = { sizeof(unsigned), enum_parse, enum_print, words_wanted, false },
	[OPT_FLAGS] = { sizeof(uint32_t), flags_parse, flags_print, words_wanted, false },
	[OPT_TEXT] = { sizeof(char *), text_parse, text_print, text_wanted, true },
	[OPT_NAME] = { sizeof(char *), name_parse, text_print, name_wanted, true },
	[OPT_BFD] = { sizeof(char *), bfd_parse, text_print, bfd_wanted, true },
	[OPT_SELECTOR] = { sizeof(char *), selector_opt_parse, text_print, selector_wanted, true },
	[OPT_FILE] = { sizeof(char *), file_parse, text_print, file_wanted, true },
	[OPT_ENVNAME] = { sizeof(char *), envname_parse, text_print, envname_wanted, true },
};
