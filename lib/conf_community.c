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

/* The two octets of type and the administrator's and the assigned number, RFC 4360, 5668. */
static bool
ext_fields(unsigned sub, const char *text, struct conf_community_value *ret)
{
	const char *colon = strrchr(text, ':');
	struct ip_addr a;
	uint64_t admin, n;
	char *left;
	bool ok;

	if (!colon)
		return false;
	left = mem_strndup(text, (size_t)(colon - text));
	if (ip_addr_parse(left, &a) && a.af == IP4) {
		ok = opt_parse_number(colon + 1, UINT16_MAX, &n);
		admin = ip_addr_v4(&a);
		ret->v[0] = 0x01000000u | sub << 16 | (uint32_t)admin >> 16;
		ret->v[1] = (uint32_t)admin << 16 | (uint32_t)n;
	} else {
		ok = opt_parse_number(left, UINT32_MAX, &admin) &&
		     opt_parse_number(
			 colon + 1, admin > UINT16_MAX ? UINT16_MAX : UINT32_MAX, &n);
		if (ok && admin > UINT16_MAX) {
			ret->v[0] = 0x02000000u | sub << 16 | (uint32_t)admin >> 16;
			ret->v[1] = (uint32_t)admin << 16 | (uint32_t)n;
		} else if (ok) {
			ret->v[0] = sub << 16 | (uint32_t)admin;
			ret->v[1] = (uint32_t)n;
		}
	}
	mem_free(left);
	return ok;
}

/* AA:NN, the AS number and octets per second, RFC 10005; not transitive. */
static bool
ext_bandwidth(const char *text, struct conf_community_value *ret)
{
	const char *colon = strchr(text, ':');
	uint64_t admin, n;
	char *left;
	float rate;
	bool ok;

	if (!colon)
		return false;
	left = mem_strndup(text, (size_t)(colon - text));
	ok = opt_parse_number(left, UINT16_MAX, &admin) &&
	     opt_parse_number(colon + 1, UINT64_C(1000000000000000000), &n);
	mem_free(left);
	if (!ok)
		return false;
	rate = (float)n;
	ret->v[0] = 0x40040000u | (uint32_t)admin;
	memcpy(&ret->v[1], &rate, sizeof(rate));
	return true;
}

static bool
ext_hex(const char *digits, struct conf_community_value *ret)
{
	uint64_t v = 0;

	if (strlen(digits) != 16 || strspn(digits, "0123456789abcdefABCDEF") != 16)
		return false;
	for (; *digits; digits++)
		v = v << 4 | (uint64_t)(*digits <= '9' ? *digits - '0' : (*digits | 32) - 'a' + 10);
	ret->v[0] = (uint32_t)(v >> 32);
	ret->v[1] = (uint32_t)v;
	return true;
}

bool
conf_community_parse_ext(const char *text, struct conf_community_value *ret)
{
	*ret = (struct conf_community_value){ .ext = true };
	if (strncmp(text, "rt:", 3) == 0)
		return ext_fields(2, text + 3, ret);
	if (strncmp(text, "so:", 3) == 0)
		return ext_fields(3, text + 3, ret);
	if (strncmp(text, "lb:", 3) == 0)
		return ext_bandwidth(text + 3, ret);
	return strncmp(text, "0x", 2) == 0 && ext_hex(text + 2, ret);
}

bool
conf_community_find(const struct conf *c, const char *text, struct conf_community_value *ret)
{
	for (size_t i = 0; i < c->communities.n; i++)
		if (c->communities.v[i].name && strcmp(c->communities.v[i].name, text) == 0) {
			*ret = c->communities.v[i].value;
			return true;
		}
	return conf_community_parse(text, ret);
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
	if (a->ext != b->ext)
		return a->ext ? 1 : -1;
	if (a->large != b->large)
		return a->large ? 1 : -1;
	for (size_t i = 0; i < 3; i++)
		if (a->v[i] != b->v[i])
			return a->v[i] < b->v[i] ? -1 : 1;
	return 0;
}
