/*
 * Expressions to octets: every length is computed, unless one is given to be wrong.
 *
 *	expr    = item { item }
 *	item    = $word | name [ ":" arg { ":" arg } ] [ "(" expr ")" ]
 *
 * 00-words.vec lists the names.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tests/vectors/vec.h"

#define ARGS_MAX  3
#define DEPTH_MAX 12

struct item {
	char name[64];
	const char *arg[ARGS_MAX]; /* behind colons, within text[] */
	unsigned nargs;
	char text[96];
	const char *body; /* between the parentheses; NULL: none */
	size_t body_octets;
};

static bool
fail(struct vec_asm *a, const char *what, const char *about)
{
	if (!a->err[0])
		snprintf(a->err, sizeof(a->err), "%s: %.60s", what, about);
	return false;
}

/* ---- reading items ------------------------------------------------------------------ */

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* The parenthesis that closes the one at s; NULL: none. */
static const char *
closing(const char *s)
{
	int depth = 0;

	for (; *s; s++) {
		depth += (*s == '(') - (*s == ')');
		if (depth == 0)
			return s;
	}
	return NULL;
}

static void
split_args(struct item *it)
{
	char *at = it->text;

	it->nargs = 0;
	/* An IPv6 address is one name: two colons in a row, or a hexadecimal group in front. */
	snprintf(it->name, sizeof(it->name), "%.63s", it->text);
	if (strstr(it->text, "::"))
		return;
	it->name[strcspn(it->name, ":")] = '\0';
	while ((at = strchr(at, ':')) && it->nargs < ARGS_MAX) {
		*at++ = '\0';
		it->arg[it->nargs++] = at;
	}
}

/* The item at *s, which moves past it. */
static bool
next_item(struct vec_asm *a, const char **s, struct item *it)
{
	size_t n = strcspn(*s, " \t(");
	const char *end;

	*it = (struct item){ .body = NULL };
	if (n == 0 || n >= sizeof(it->text))
		return fail(a, "no item", *s);
	memcpy(it->text, *s, n);
	it->text[n] = '\0';
	split_args(it);
	*s += n;
	if (**s != '(')
		return true;
	end = closing(*s);
	if (!end)
		return fail(a, "a parenthesis is not closed", *s);
	it->body = *s + 1;
	it->body_octets = (size_t)(end - it->body);
	*s = end + 1;
	return true;
}

/* ---- numbers and addresses ------------------------------------------------------------- */

static uint32_t
number(struct vec_asm *a, const char *s)
{
	char *end;
	unsigned long v;

	if (strcmp(s, "peeras") == 0)
		return vec_asn(a->kind);
	if (strcmp(s, "weftas") == 0)
		return a->kind == VEC_OUTSIDE ? VEC_CONFED_ID : VEC_WEFT_AS;
	v = strtoul(s, &end, 0);
	if (*end || !*s || v > UINT32_MAX)
		fail(a, "not a number", s);
	return (uint32_t)v;
}

static uint8_t
hex_byte(struct vec_asm *a, const char *s)
{
	char *end;
	unsigned long v = strtoul(s, &end, 16);

	if (*end || !*s || v > 255)
		fail(a, "not an octet", s);
	return (uint8_t)v;
}

static uint16_t
arg16(struct vec_asm *a, const struct item *it, unsigned i)
{
	if (i >= it->nargs) {
		fail(a, "an argument is missing", it->name);
		return 0;
	}
	return (uint16_t)number(a, it->arg[i]);
}

static bool
body(struct vec_asm *a, const struct item *it, struct wr *w)
{
	char text[4096];

	if (!it->body)
		return fail(a, "want ( ) behind", it->name);
	if (it->body_octets >= sizeof(text))
		return fail(a, "too long", it->name);
	memcpy(text, it->body, it->body_octets);
	text[it->body_octets] = '\0';
	return vec_octets(a, text, w);
}

/* ---- what names mean ---------------------------------------------------------------------- */

/* Octets with a length of `octets` in front: their own, or the one given as argument i. */
static bool
counted(struct vec_asm *a, const struct item *it, struct wr *w, unsigned octets, unsigned i)
{
	uint8_t buf[8192];
	struct wr in = wr_init(buf, sizeof(buf));
	size_t n;

	if (!body(a, it, &in))
		return false;
	n = i < it->nargs ? arg16(a, it, i) : wr_len(&in);
	if (octets == 2)
		wr_u16(w, (uint16_t)n);
	else if (n <= 255)
		wr_u8(w, (uint8_t)n);
	else
		return fail(a, "longer than its length can say", it->text);
	wr_bytes(w, buf, wr_len(&in));
	return true;
}

static bool
put_l8(struct vec_asm *a, const struct item *it, struct wr *w)
{
	return counted(a, it, w, 1, 0);
}

static bool
put_l16(struct vec_asm *a, const struct item *it, struct wr *w)
{
	return counted(a, it, w, 2, 0);
}

/* attr:FLAGS:TYPE[:LENGTH](value) */
static bool
put_attr(struct vec_asm *a, const struct item *it, struct wr *w)
{
	uint8_t flags;

	if (it->nargs < 2)
		return fail(a, "want attr:FLAGS:TYPE", it->text);
	flags = hex_byte(a, it->arg[0]);
	wr_u8(w, flags);
	wr_u8(w, (uint8_t)arg16(a, it, 1));
	return counted(a, it, w, flags & 0x10 ? 2 : 1, 2);
}

/* cap:CODE[:LENGTH](value), param:TYPE[:LENGTH](value) */
static bool
put_tlv8(struct vec_asm *a, const struct item *it, struct wr *w)
{
	wr_u8(w, (uint8_t)arg16(a, it, 0));
	return counted(a, it, w, 1, 1);
}

/* xparam:TYPE[:LENGTH](value): RFC 9072's form */
static bool
put_tlv16(struct vec_asm *a, const struct item *it, struct wr *w)
{
	wr_u8(w, (uint8_t)arg16(a, it, 0));
	return counted(a, it, w, 2, 1);
}

/* msg:TYPE[:LENGTH](body) */
static bool
put_msg(struct vec_asm *a, const struct item *it, struct wr *w)
{
	size_t at = wr_len(w), n;

	for (unsigned i = 0; i < 16; i++)
		wr_u8(w, 0xff);
	wr_u16(w, 0);
	wr_u8(w, (uint8_t)arg16(a, it, 0));
	if (!body(a, it, w))
		return false;
	n = it->nargs > 1 ? arg16(a, it, 1) : wr_len(w) - at;
	if (n > UINT16_MAX || w->full)
		return fail(a, "a message too long", it->text);
	w->base[at + 16] = (uint8_t)(n >> 8);
	w->base[at + 17] = (uint8_t)n;
	return true;
}

/* seg:TYPE[:COUNT](as ...), seg2, seg4: width by the session, 2, 4 */
static bool
put_seg(struct vec_asm *a, const struct item *it, struct wr *w)
{
	unsigned width = it->name[3] ? (unsigned)(it->name[3] - '0') : a->as4 ? 4 : 2, n = 0;
	const char *s = it->body ? skip_blanks(it->body) : NULL;
	size_t at;

	if (!s)
		return fail(a, "want ( ) behind", it->name);
	wr_u8(w, (uint8_t)arg16(a, it, 0));
	at = wr_len(w);
	wr_u8(w, 0);
	while (s < it->body + it->body_octets) {
		char word[16];
		size_t k = strcspn(s, " \t)");
		uint32_t asn;

		snprintf(word, sizeof(word), "%.*s", (int)k, s);
		asn = number(a, word);
		if (width == 2)
			wr_u16(w, (uint16_t)asn);
		else
			wr_u32(w, asn);
		n++;
		s = skip_blanks(s + k);
	}
	if (!w->full)
		w->base[at] = (uint8_t)(it->nargs > 1 ? arg16(a, it, 1) : n);
	return true;
}

/* rep:COUNT(expr) */
static bool
put_rep(struct vec_asm *a, const struct item *it, struct wr *w)
{
	for (unsigned n = arg16(a, it, 0); n > 0 && !a->err[0]; n--)
		body(a, it, w);
	return !a->err[0];
}

/* nh(address): what stands for a next hop in `route ... with` */
static bool
put_nh(struct vec_asm *a, const struct item *it, struct wr *w)
{
	wr_u8(w, 0);
	wr_u8(w, 14);
	return counted(a, it, w, 1, 0);
}

static bool
put_u8(struct vec_asm *a, const struct item *it, struct wr *w)
{
	wr_u8(w, (uint8_t)arg16(a, it, 0));
	return true;
}

static bool
put_u16(struct vec_asm *a, const struct item *it, struct wr *w)
{
	wr_u16(w, arg16(a, it, 0));
	return true;
}

static bool
put_u32(struct vec_asm *a, const struct item *it, struct wr *w)
{
	wr_u32(w, it->nargs ? number(a, it->arg[0]) : 0);
	return true;
}

/* An AS number as wide as the session has them. */
static bool
put_as(struct vec_asm *a, const struct item *it, struct wr *w)
{
	return a->as4 ? put_u32(a, it, w) : put_u16(a, it, w);
}

static void
put_addr(struct wr *w, struct ip_addr addr)
{
	wr_bytes(w, addr.b, ip_af_octets(addr.af));
}

/* peer4, peer6, weft4, weft6 */
static bool
put_who(struct vec_asm *a, const struct item *it, struct wr *w)
{
	uint8_t af = it->name[4] == '4' ? IP4 : IP6;

	put_addr(w, it->name[0] == 'p' ? vec_peer_addr(a->kind, a->lane, af) : vec_weft_addr(af));
	return true;
}

static bool
put_caps(struct vec_asm *a, const struct item *it, struct wr *w)
{
	return vec_octets(a, a->caps, w);
}

static bool
put_nothing(struct vec_asm *a, const struct item *it, struct wr *w)
{
	return true;
}

static const struct {
	const char *name;
	bool (*put)(struct vec_asm *a, const struct item *it, struct wr *w);
} names[] = {
	{ "msg", put_msg },
	{ "l8", put_l8 },
	{ "l16", put_l16 },
	{ "attr", put_attr },
	{ "cap", put_tlv8 },
	{ "param", put_tlv8 },
	{ "xparam", put_tlv16 },
	{ "seg", put_seg },
	{ "seg2", put_seg },
	{ "seg4", put_seg },
	{ "rep", put_rep },
	{ "nh", put_nh },
	{ "u8", put_u8 },
	{ "u16", put_u16 },
	{ "u32", put_u32 },
	{ "as", put_as },
	{ "peer4", put_who },
	{ "peer6", put_who },
	{ "weft4", put_who },
	{ "weft6", put_who },
	{ "caps", put_caps },
	{ "none", put_nothing },
};

/* p4.N[/LENGTH], p6.N[/LENGTH]: prefixes of this lane alone */
static bool
lane_prefix(struct vec_asm *a, const char *s, struct ip_prefix *ret)
{
	bool v4 = s[1] == '4';
	unsigned n, len;
	int got = sscanf(s + 3, "%u/%u", &n, &len);

	if (strncmp(s, "p4.", 3) != 0 && strncmp(s, "p6.", 3) != 0)
		return false;
	if (got < 1 || n > 255)
		return fail(a, "not a prefix", s);
	*ret = v4 ? (struct ip_prefix){ .af = IP4, .len = 24, .b = { 20, (uint8_t)a->lane, (uint8_t)n } }
		  : (struct ip_prefix){ .af = IP6, .len = 64,
			    .b = { 0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)a->lane, 0, (uint8_t)n } };
	if (got == 2)
		ret->len = (uint8_t)len;
	ip_prefix_mask(ret);
	return true;
}

/* A prefix as NLRI, or a bare address. */
static bool
put_ip(struct vec_asm *a, const struct item *it, struct wr *w)
{
	struct ip_prefix p;
	struct ip_addr addr;

	if (lane_prefix(a, it->name, &p) || (strchr(it->name, '/') && ip_prefix_parse(it->name, &p, NULL))) {
		wr_u8(w, p.len);
		wr_bytes(w, p.b, ip_prefix_octets(p.len));
		return true;
	}
	if (a->err[0] || !ip_addr_parse(it->name, &addr))
		return false;
	put_addr(w, addr);
	return true;
}

static bool
put_hex(const struct item *it, struct wr *w)
{
	size_t n = strlen(it->name);

	if (n % 2 || n == 0 || strspn(it->name, "0123456789abcdefABCDEF") != n)
		return false;
	for (size_t i = 0; i < n; i += 2) {
		char two[3] = { it->name[i], it->name[i + 1], '\0' };

		wr_u8(w, (uint8_t)strtoul(two, NULL, 16));
	}
	return true;
}

static bool
put_word(struct vec_asm *a, const struct item *it, struct wr *w)
{
	for (size_t i = 0; i < a->set->nwords; i++)
		if (strcmp(a->set->words[i].name, it->name) == 0)
			return vec_octets(a, a->set->words[i].text, w);
	return fail(a, "no such word", it->name);
}

static bool
put_item(struct vec_asm *a, const struct item *it, struct wr *w)
{
	if (it->name[0] == '$')
		return put_word(a, it, w);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, it->name) == 0)
			return names[i].put(a, it, w);
	return put_hex(it, w) || put_ip(a, it, w) || fail(a, "not understood", it->text);
}

bool
vec_octets(struct vec_asm *a, const char *expr, struct wr *w)
{
	const char *s = skip_blanks(expr);
	struct item it;

	if (++a->depth > DEPTH_MAX)
		return fail(a, "too deep", expr);
	while (*s && !a->err[0]) {
		if (!next_item(a, &s, &it) || !put_item(a, &it, w) || w->full)
			fail(a, "too long", it.name);
		s = skip_blanks(s);
	}
	a->depth--;
	return !a->err[0];
}

/* ---- who is who ----------------------------------------------------------------------------- */

const char *const vec_kinds[VEC_NKINDS] = { "observer", "ebgp", "ibgp", "addpath",
	"provider", "customer", "peer", "rs-server", "rs-client", "strict", "nexthop6",
	"member", "outside" };

enum vec_kind
vec_kind_of(const char *name)
{
	unsigned i;

	for (i = 0; i < VEC_NKINDS; i++)
		if (strcmp(vec_kinds[i], name) == 0)
			break;
	return (enum vec_kind)i;
}

uint32_t
vec_asn(enum vec_kind kind)
{
	if (kind == VEC_OUTSIDE)
		return VEC_OUTSIDE_AS;
	return kind == VEC_OBSERVER || kind == VEC_IBGP ? VEC_WEFT_AS : VEC_PEER_AS;
}

static struct ip_addr
addr_of(uint8_t af, uint8_t hi, uint8_t lo)
{
	if (af == IP4)
		return (struct ip_addr){ .af = IP4, .b = { 10, 9, hi, lo } };
	return (struct ip_addr){ .af = IP6, .b = { 0xfd, 0x09, [13] = hi, [15] = lo } };
}

struct ip_addr
vec_peer_addr(enum vec_kind kind, unsigned lane, uint8_t af)
{
	return addr_of(af, (uint8_t)(kind + 1), (uint8_t)(lane + 1));
}

struct ip_addr
vec_weft_addr(uint8_t af)
{
	return addr_of(af, 0, 1);
}
