/*
 * Communities as text. Well-known ones: IANA's registry "BGP Well-known
 * Communities"; RFC 1997, 3765, 7611, 7999, 8326, 9494.
 */
#include "lib/conf_community.h"

#include <inttypes.h>
#include <string.h>

#include "lib/conf_suggest.h"
#include "lib/conf_type.h"
#include "lib/mem.h"

static const struct {
	uint32_t v;
	const char *name;
} well_known[] = {
	{ 0xffff0000, "graceful-shutdown" },
	{ 0xffff0001, "accept-own" },
	{ 0xffff0006, "llgr-stale" },
	{ 0xffff0007, "no-llgr" },
	{ 0xffff029a, "blackhole" },
	{ 0xffffff01, "no-export" },
	{ 0xffffff02, "no-advertise" },
	{ 0xffffff03, "no-export-subconfed" },
	{ 0xffffff04, "no-peer" },
};
#define NWELL_KNOWN (sizeof(well_known) / sizeof(well_known[0]))

/* Numbers between colons, up to three, each at most max; how many, 0 when it is no such text. */
static unsigned
split_numbers(const char *text, uint64_t max, uint32_t v[3])
{
	unsigned n = 0;
	uint64_t part;
	const char *end;
	char *digits;
	bool ok;

	for (;;) {
		end = text + strcspn(text, ":");
		digits = mem_strndup(text, (size_t)(end - text));
		ok = n < 3 && opt_parse_number(digits, max, &part);
		mem_free(digits);
		if (!ok)
			return 0;
		v[n++] = (uint32_t)part;
		if (*end == '\0')
			return n;
		text = end + 1;
	}
}

bool
conf_community_parse(const char *text, struct conf_community_value *ret)
{
	uint32_t v[3];

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < NWELL_KNOWN; i++)
		if (strcmp(text, well_known[i].name) == 0) {
			ret->v[0] = well_known[i].v;
			return true;
		}
	if (split_numbers(text, UINT16_MAX, v) == 2) {
		ret->v[0] = v[0] << 16 | v[1];
		return true;
	}
	if (split_numbers(text, UINT32_MAX, v) != 3)
		return false;
	ret->large = true;
	memcpy(ret->v, v, sizeof(v));
	return true;
}

char *
conf_community_text(const struct conf_community_value *c)
{
	if (c->large)
		return mem_printf("%" PRIu32 ":%" PRIu32 ":%" PRIu32, c->v[0], c->v[1], c->v[2]);
	for (size_t i = 0; i < NWELL_KNOWN; i++)
		if (well_known[i].v == c->v[0])
			return mem_strdup(well_known[i].name);
	return mem_printf("%" PRIu32 ":%" PRIu32, c->v[0] >> 16, c->v[0] & 0xffff);
}

const char *
conf_community_near(const char *text)
{
	struct conf_suggest s = conf_suggest_for(text);

	for (size_t i = 0; i < NWELL_KNOWN; i++)
		conf_suggest_offer(&s, well_known[i].name);
	return conf_suggest_best(&s);
}

int
conf_community_cmp(const struct conf_community_value *a, const struct conf_community_value *b)
{
	if (a->large != b->large)
		return a->large ? 1 : -1;
	for (size_t i = 0; i < 3; i++)
		if (a->v[i] != b->v[i])
			return a->v[i] < b->v[i] ? -1 : 1;
	return 0;
}
