/*
 * Types of option values about networks: addresses and prefixes, AS numbers,
 * communities, and the kernel's numbers.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "lib/conf_community.h"
#include "lib/conf_suggest.h"
#include "lib/conf_type.h"
#include "lib/mem.h"

/* ---- interfaces ---------------------------------------------------------- */

/* What the kernel takes as a name (dev_valid_name): no blank, no '/', no ':', not . or .. */
static bool
ifname_ok(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n >= CONF_IFNAME_LEN || strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == '/' || s[i] == ':' || s[i] == '%')
			return false;
	return true;
}

static bool
ifname_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	if (!ifname_ok(text))
		return false;
	memcpy(ret, text, strlen(text) + 1);
	return true;
}

static char *
ifname_print(const struct opt *o, const void *v)
{
	return mem_strdup(v);
}

static bool
ifstr_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	if (!ifname_ok(text))
		return false;
	*(char **)ret = mem_strdup(text);
	return true;
}

static char *
str_print(const struct opt *o, const void *v)
{
	return mem_strdup(*(char *const *)v);
}

static char *
ifname_wanted(const struct opt *o)
{
	return mem_strdup("an interface name of at most 15 letters");
}

/* ---- addresses and prefixes ---------------------------------------------- */

/* An address that a host can have; no scope. */
static bool
host_addr(const char *text, struct ip_addr *ret, struct opt_why *why)
{
	struct ip_addr a, plain;
	char buf[IP_ADDR_STRLEN];

	if (!ip_addr_parse(text, &a) || a.ifindex != 0)
		return false;
	if (ip_addr_is_v4mapped(&a)) {
		plain = ip_addr_unmap(&a);
		why->hint = mem_printf("did you mean %s?", ip_addr_str(&plain, buf));
		return false;
	}
	if (ip_addr_is_unspec(&a) || ip_addr_is_multicast(&a) ||
	    (a.af == IP4 && ip_addr_v4(&a) == UINT32_MAX)) {
		why->hint = mem_strdup("no host can have this address");
		return false;
	}
	*ret = a;
	return true;
}

/* Of an option for one family: its min is 4 or 6. */
static uint8_t
family_of(const struct opt *o)
{
	return o->min == 4 ? IP4 : IP6;
}

static bool
addr_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct ip_addr a;

	if (!host_addr(text, &a, why) || (o->min != 0 && a.af != family_of(o)))
		return false;
	if (o->min != 0 && ip_addr_is_link_local(&a)) {
		why->hint = mem_strdup("a link-local one is known on its link only");
		return false;
	}
	*(struct ip_addr *)ret = a;
	return true;
}

static char *
addr_print(const struct opt *o, const void *v)
{
	char buf[IP_ADDR_STRLEN];

	return mem_strdup(ip_addr_str(v, buf));
}

static char *
addr_wanted(const struct opt *o)
{
	return mem_strdup(o->min == 0 ? "an IPv4 or IPv6 address"
			  : family_of(o) == IP4 ? "an IPv4 address" : "an IPv6 address");
}

static bool
routerid_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a) || a.af != IP4 || ip_addr_is_unspec(&a))
		return false;
	*(struct ip_addr *)ret = a;
	return true;
}

static char *
routerid_wanted(const struct opt *o)
{
	return mem_strdup("an IPv4 address");
}

static bool
prefix_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	char buf[IP_PREFIX_STRLEN];
	struct ip_prefix p;
	struct ip_addr a;
	bool host_bits;

	if (ip_addr_parse(text, &a) && a.ifindex == 0) {
		p = ip_prefix_from_addr(&a);
		why->hint = mem_printf("did you mean %s?", ip_prefix_str(&p, buf));
		return false;
	}
	if (!ip_prefix_parse(text, &p, &host_bits))
		return false;
	if (host_bits) {
		why->wanted = mem_strdup("a prefix without bits beyond its length");
		why->hint = mem_printf("did you mean %s?", ip_prefix_str(&p, buf));
		return false;
	}
	*(struct ip_prefix *)ret = p;
	return true;
}

static char *
prefix_print(const struct opt *o, const void *v)
{
	char buf[IP_PREFIX_STRLEN];

	return mem_strdup(ip_prefix_str(v, buf));
}

static char *
prefix_wanted(const struct opt *o)
{
	return mem_strdup("a prefix (address/length)");
}

/* ---- address and port ---------------------------------------------------- */

/*
 * Split "a:port", "[v6]:port", "[v6]" or a bare address into *ret_host (owned by the
 * caller) and *ret_port, 0 when there is none. False when it has no such form.
 */
static bool
split_port(const char *text, char **ret_host, uint32_t *ret_port)
{
	const char *colon = strrchr(text, ':'), *end;
	uint64_t port = 0;

	if (text[0] == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] != '\0' && end[1] != ':'))
			return false;
		colon = end[1] ? end + 1 : NULL;
	} else {
		end = colon ? colon : text + strlen(text);
		if (colon && strchr(text, ':') != colon) {
			colon = NULL; /* several colons: IPv6 without a port */
			end = text + strlen(text);
		}
	}
	if (colon && (!opt_parse_number(colon + 1, 65535, &port) || port == 0))
		return false;
	text += text[0] == '[';
	*ret_host = mem_strndup(text, (size_t)(end - text));
	*ret_port = (uint32_t)port;
	return true;
}

static bool
peer_addr_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct conf_peer_addr *pa = ret;
	char *host, *scope;
	bool ok;

	if (!split_port(text, &host, &pa->port))
		return false;
	scope = strchr(host, '%');
	ok = !scope || ifname_ok(scope + 1);
	if (scope && ok) {
		memcpy(pa->ifname, scope + 1, strlen(scope + 1) + 1);
		*scope = '\0';
	}
	ok = ok && host_addr(host, &pa->addr, why) && (!scope || pa->addr.af == IP6);
	mem_free(host);
	return ok;
}

static char *
peer_addr_print(const struct opt *o, const void *v)
{
	const struct conf_peer_addr *pa = v;
	char buf[IP_ADDR_STRLEN];
	bool scope = pa->ifname[0] != '\0';

	ip_addr_str(&pa->addr, buf);
	if (pa->port == 0)
		return mem_printf("%s%s%s", buf, scope ? "%" : "", pa->ifname);
	return mem_printf(pa->addr.af == IP6 ? "[%s%s%s]:%u" : "%s%s%s:%u", buf, scope ? "%" : "",
	    pa->ifname, pa->port);
}

static char *
peer_addr_wanted(const struct opt *o)
{
	return mem_strdup("an IPv4 or IPv6 address");
}

static bool
endpoint_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct conf_endpoint *ep = ret;
	char *host;
	bool ok;

	if (!split_port(text, &host, &ep->port))
		return false;
	ok = ip_addr_parse(host, &ep->addr) && ep->addr.ifindex == 0 && ep->port != 0 &&
	     !ip_addr_is_multicast(&ep->addr);
	mem_free(host);
	return ok;
}

static char *
endpoint_print(const struct opt *o, const void *v)
{
	const struct conf_endpoint *ep = v;
	char buf[IP_ADDR_STRLEN];

	return mem_printf(
	    ep->addr.af == IP6 ? "[%s]:%u" : "%s:%u", ip_addr_str(&ep->addr, buf), ep->port);
}

static char *
endpoint_wanted(const struct opt *o)
{
	return mem_strdup("ADDRESS:PORT");
}

/* ---- rules of one or more words ------------------------------------------ */

/* The part of text behind "key=", or NULL. */
static const char *
after_key(const char *text, const char *key)
{
	size_t n = strlen(key);

	return strncmp(text, key, n) == 0 && text[n] == '=' ? text + n + 1 : NULL;
}

static bool
ip_rule_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct conf_ip_rule *r = ret;
	const char *arg;

	if (strcmp(text, "auto") == 0) {
		r->how = CONF_IP_AUTO;
		return true;
	}
	if ((arg = after_key(text, "interface"))) {
		r->how = CONF_IP_INTERFACE;
		return ifname_parse(o, arg, r->ifname, why);
	}
	if ((arg = after_key(text, "cidr"))) {
		r->how = CONF_IP_CIDR;
		return prefix_parse(o, arg, &r->cidr, why);
	}
	arg = after_key(text, "can-reach");
	r->how = arg ? CONF_IP_CAN_REACH : CONF_IP_ADDR;
	return host_addr(arg ? arg : text, &r->addr, why);
}

static char *
ip_rule_print(const struct opt *o, const void *v)
{
	const struct conf_ip_rule *r = v;
	char buf[IP_ADDR_STRLEN], pbuf[IP_PREFIX_STRLEN];

	switch (r->how) {
	case CONF_IP_AUTO:
		return mem_strdup("auto");
	case CONF_IP_ADDR:
		return mem_strdup(ip_addr_str(&r->addr, buf));
	case CONF_IP_INTERFACE:
		return mem_printf("interface=%s", r->ifname);
	case CONF_IP_CIDR:
		return mem_printf("cidr=%s", ip_prefix_str(&r->cidr, pbuf));
	case CONF_IP_CAN_REACH:
		return mem_printf("can-reach=%s", ip_addr_str(&r->addr, buf));
	}
	return mem_strdup("auto");
}

static char *
ip_rule_wanted(const struct opt *o)
{
	return mem_strdup("auto, an address, interface=NAME, cidr=PREFIX, can-reach=ADDRESS");
}

static bool
source_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct conf_source *s = ret;
	struct conf_suggest meant = conf_suggest_for(text);

	conf_suggest_offer(&meant, "nodeIP");
	conf_suggest_offer(&meant, "none");
	if (strcmp(text, "nodeIP") == 0)
		return true;
	s->how = CONF_SOURCE_NONE;
	if (strcmp(text, "none") == 0)
		return true;
	s->how = CONF_SOURCE_ADDR;
	if (host_addr(text, &s->addr, why))
		return true;
	/* An interface, unless it is a known word in other letters or looks like an address. */
	if (o->type == OPT_PEER_SOURCE && !why->hint && !(meant.best && meant.dist == 0) &&
	    ifname_ok(text) && text[strspn(text, "0123456789.")] != '\0') {
		s->how = CONF_SOURCE_INTERFACE;
		return ifname_parse(o, text, s->ifname, why);
	}
	if (!why->hint && conf_suggest_best(&meant))
		why->hint = mem_printf("did you mean %s?", meant.best);
	return false;
}

static char *
source_print(const struct opt *o, const void *v)
{
	const struct conf_source *s = v;
	char buf[IP_ADDR_STRLEN];

	switch (s->how) {
	case CONF_SOURCE_NODE_IP:
		return mem_strdup("nodeIP");
	case CONF_SOURCE_NONE:
		return mem_strdup("none");
	case CONF_SOURCE_ADDR:
		return mem_strdup(ip_addr_str(&s->addr, buf));
	case CONF_SOURCE_INTERFACE:
		return mem_strdup(s->ifname);
	}
	return mem_strdup("nodeIP");
}

static char *
source_wanted(const struct opt *o)
{
	return mem_strdup(o->type == OPT_PEER_SOURCE ? "nodeIP, none, an address or an interface"
						     : "nodeIP, none, an address");
}

static const char *const protect_words[] = { "default", "nodeIP", "apiServer", "bgpNextHops",
	NULL };

static bool
prefix_or_addr_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a) || a.ifindex != 0)
		return prefix_parse(o, text, ret, why);
	*(struct ip_prefix *)ret = ip_prefix_from_addr(&a);
	return true;
}

static char *
prefix_or_addr_wanted(const struct opt *o)
{
	return mem_strdup("an IP address or a prefix");
}

static bool
range_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct ip_prefix p;
	bool host_bits = false;

	if (ip_range_parse(text, ret))
		return true;
	if (ip_prefix_parse(text, &p, &host_bits) && host_bits)
		return prefix_parse(o, text, &p, why); /* says so */
	return false;
}

static char *
range_print(const struct opt *o, const void *v)
{
	char buf[IP_RANGE_STRLEN];

	return mem_strdup(ip_range_str(v, buf));
}

static char *
range_wanted(const struct opt *o)
{
	return mem_strdup("a prefix, FIRST-LAST or an IP address");
}

static bool
protect_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct conf_protect_item *it = ret;
	struct conf_suggest s = conf_suggest_for(text);
	struct ip_addr a;

	for (unsigned i = 0; protect_words[i]; i++) {
		it->what = (enum conf_protect_what)i;
		if (strcmp(protect_words[i], text) == 0)
			return true;
		conf_suggest_offer(&s, protect_words[i]);
	}
	it->what = CONF_PROTECT_PREFIX;
	if (ip_addr_parse(text, &a) && a.ifindex == 0) {
		it->prefix = ip_prefix_from_addr(&a);
		return true;
	}
	if (prefix_parse(o, text, &it->prefix, why))
		return true;
	if (!why->hint && conf_suggest_best(&s))
		why->hint = mem_printf("did you mean %s?", conf_suggest_best(&s));
	return false;
}

static char *
protect_print(const struct opt *o, const void *v)
{
	const struct conf_protect_item *it = v;

	return it->what == CONF_PROTECT_PREFIX ? prefix_print(o, &it->prefix)
					       : mem_strdup(protect_words[it->what]);
}

static char *
protect_wanted(const struct opt *o)
{
	return mem_strdup("default, nodeIP, apiServer, bgpNextHops, an address or a prefix");
}

/* ---- BGP numbers --------------------------------------------------------- */

/* Plain or asdot (RFC 5396); 0 (RFC 7607), AS_TRANS (6793) and the last ones (7300) are reserved.
 */
static bool
asn_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	const char *dot = strchr(text, '.');
	uint64_t hi = 0, v;
	char *head;
	bool ok;

	head = mem_strndup(text, dot ? (size_t)(dot - text) : 0);
	ok = (!dot || opt_parse_number(head, 65535, &hi)) &&
	     opt_parse_number(dot ? dot + 1 : text, dot ? 65535 : UINT32_MAX, &v);
	mem_free(head);
	if (!ok)
		return false;
	v += hi << 16;
	if (v == 0 || v == 65535 || v == UINT32_MAX || v == 23456) {
		why->hint = mem_strdup("this one is reserved");
		return false;
	}
	*(uint32_t *)ret = (uint32_t)v;
	return true;
}

static char *
u32_print(const struct opt *o, const void *v)
{
	return mem_printf("%" PRIu32, *(const uint32_t *)v);
}

static char *
asn_wanted(const struct opt *o)
{
	return mem_strdup("an AS number, 1 to 4294967294");
}

static bool
remote_as_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct conf_remote_as *as = ret;
	struct conf_suggest s = conf_suggest_for(text);

	as->how = CONF_AS_INTERNAL;
	if (strcmp(text, "internal") == 0)
		return true;
	as->how = CONF_AS_EXTERNAL;
	if (strcmp(text, "external") == 0)
		return true;
	as->how = CONF_AS_NUMBER;
	if (asn_parse(o, text, &as->asn, why))
		return true;
	conf_suggest_offer(&s, "internal");
	conf_suggest_offer(&s, "external");
	if (!why->hint && conf_suggest_best(&s))
		why->hint = mem_printf("did you mean %s?", s.best);
	return false;
}

static char *
remote_as_print(const struct opt *o, const void *v)
{
	const struct conf_remote_as *as = v;

	if (as->how == CONF_AS_NUMBER)
		return u32_print(o, &as->asn);
	return mem_strdup(as->how == CONF_AS_INTERNAL ? "internal" : "external");
}

static char *
remote_as_wanted(const struct opt *o)
{
	return mem_strdup("an AS number (1 to 4294967294), internal or external");
}

static bool
multihop_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	uint64_t v = 255;

	if (strcmp(text, "true") != 0 && strcmp(text, "yes") != 0 && strcmp(text, "on") != 0 &&
	    (!opt_parse_number(text, 255, &v) || v == 0))
		return false;
	*(uint32_t *)ret = (uint32_t)v;
	return true;
}

static char *
multihop_wanted(const struct opt *o)
{
	return mem_strdup("true, or a TTL from 1 to 255");
}

static bool
community_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct conf_community_value v;
	struct opt name = { .max = 63, .type = OPT_NAME };

	if (strchr(text, ':') && !conf_community_parse(text, &v))
		return false;
	return conf_types_plain[OPT_NAME].parse(&name, text, ret, why);
}

static char *
community_wanted(const struct opt *o)
{
	return mem_strdup("a name, AA:NN, AA:NN:MM");
}

static bool
community_value_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	const char *near;

	if (conf_community_parse(text, ret))
		return true;
	near = conf_community_near(text);
	if (near)
		why->hint = mem_printf("did you mean %s?", near);
	return false;
}

static char *
community_value_print(const struct opt *o, const void *v)
{
	return conf_community_text(v);
}

static char *
community_value_wanted(const struct opt *o)
{
	return mem_strdup("AA:NN, AA:NN:MM or a well-known name");
}

static bool
community_any_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	struct opt name = { .max = 63, .type = OPT_NAME };
	struct conf_community_value v;

	if (conf_community_parse_ext(text, &v))
		return conf_types_plain[OPT_NAME].parse(&name, text, ret, why);
	return community_parse(o, text, ret, why);
}

static char *
community_any_wanted(const struct opt *o)
{
	return mem_strdup("a name, AA:NN, AA:NN:MM, rt:AA:NN, so:AA:NN, lb:AA:NN or 0x and 16 digits");
}

/* ---- the kernel's numbers ------------------------------------------------ */

#define TABLE_LOCAL   255
#define TABLE_DEFAULT 253

static bool
table_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	uint64_t v = CONF_TABLE_MAIN;

	if (strcmp(text, "default") == 0)
		v = TABLE_DEFAULT;
	else if (strcmp(text, "local") == 0)
		v = TABLE_LOCAL;
	else if (strcmp(text, "main") != 0 && (!opt_parse_number(text, UINT32_MAX, &v) || v == 0))
		return false;
	if (v == TABLE_LOCAL) {
		why->hint = mem_strdup("255, local, is the kernel's own");
		return false;
	}
	*(uint32_t *)ret = (uint32_t)v;
	return true;
}

static char *
table_print(const struct opt *o, const void *v)
{
	return *(const uint32_t *)v == CONF_TABLE_MAIN ? mem_strdup("main") : u32_print(o, v);
}

static char *
table_wanted(const struct opt *o)
{
	return mem_strdup("main, or a number from 1 to 4294967295");
}

/* Whose route protocol numbers these are: linux/rtnetlink.h, and what programs were seen to use. */
static const struct {
	uint8_t first, last;
	const char *name; /* of the first, as iproute2 calls it */
	const char *whose;
} taken[] = {
	{ 1, 1, "redirect", "the kernel's (redirects)" },
	{ 2, 2, "kernel", "the kernel's" },
	{ 3, 3, "boot", "what iproute2 uses when none is given" },
	{ 4, 4, "static", "the administrator's and systemd-networkd's" },
	{ 5, 8, "gated", "reserved" },
	{ 9, 9, "ra", "the kernel's and systemd-networkd's (router advertisements)" },
	{ 10, 10, "mrt", "reserved" },
	{ 11, 11, "zebra", "FRR's zebra's" },
	{ 12, 12, "bird", "BIRD's" },
	{ 13, 15, "dnrouted", "reserved" },
	{ 16, 16, "dhcp", "systemd-networkd's and NetworkManager's (DHCP)" },
	{ 17, 17, "mrouted", "kube-router's" },
	{ 18, 18, "keepalived", "keepalived's" },
	{ 42, 42, "babel", "babeld's" },
	{ 80, 80, "calico", "Calico's Felix's" },
	{ 84, 84, "ovn", "OVN's" },
	{ 99, 99, "openr", "Open/R's" },
	{ 186, 186, "bgp", "FRR's, whose zebra deletes every such route that it did not make" },
	{ 187, 192, "isis", "FRR's" },
	{ 193, 198, "ldp", "FRR's" },
};

static bool
protocol_parse(const struct opt *o, const char *text, void *ret, struct opt_why *why)
{
	uint64_t v = 0;

	if (strcmp(text, "weft") == 0)
		v = CONF_PROTOCOL;
	else if (!opt_parse_number(text, 255, &v))
		v = 0;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if ((v < taken[i].first || v > taken[i].last) && strcmp(text, taken[i].name) != 0)
			continue;
		why->hint = mem_printf("this one is %s", taken[i].whose);
		return false;
	}
	*(uint32_t *)ret = (uint32_t)v;
	return v != 0;
}

static char *
protocol_wanted(const struct opt *o)
{
	return mem_strdup("a number from 1 to 255 that nobody else uses, such as 212");
}

const struct opt_codec conf_types_net[OPT_NTYPES] = {
	[OPT_IFNAME] = { CONF_IFNAME_LEN, ifname_parse, ifname_print, ifname_wanted, false },
	[OPT_IFSTR] = { sizeof(char *), ifstr_parse, str_print, ifname_wanted, true },
	[OPT_ADDR] = { sizeof(struct ip_addr), addr_parse, addr_print, addr_wanted, false },
	[OPT_ROUTERID] = { sizeof(struct ip_addr), routerid_parse, addr_print, routerid_wanted,
	    false },
	[OPT_PREFIX] = { sizeof(struct ip_prefix), prefix_parse, prefix_print, prefix_wanted,
	    false },
	[OPT_ASN] = { sizeof(uint32_t), asn_parse, u32_print, asn_wanted, false },
	[OPT_REMOTE_AS] = { sizeof(struct conf_remote_as), remote_as_parse, remote_as_print,
	    remote_as_wanted, false },
	[OPT_PEER_ADDR] = { sizeof(struct conf_peer_addr), peer_addr_parse, peer_addr_print,
	    peer_addr_wanted, false },
	[OPT_IP_RULE] = { sizeof(struct conf_ip_rule), ip_rule_parse, ip_rule_print, ip_rule_wanted,
	    false },
	[OPT_PEER_SOURCE] = { sizeof(struct conf_source), source_parse, source_print, source_wanted,
	    false },
	[OPT_KERNEL_SOURCE] = { sizeof(struct conf_source), source_parse, source_print,
	    source_wanted, false },
	[OPT_MULTIHOP] = { sizeof(uint32_t), multihop_parse, u32_print, multihop_wanted, false },
	[OPT_TABLE] = { sizeof(uint32_t), table_parse, table_print, table_wanted, false },
	[OPT_PROTOCOL] = { sizeof(uint32_t), protocol_parse, u32_print, protocol_wanted, false },
	[OPT_PROTECT] = { sizeof(struct conf_protect_item), protect_parse, protect_print,
	    protect_wanted, false },
	[OPT_ENDPOINT] = { sizeof(struct conf_endpoint), endpoint_parse, endpoint_print,
	    endpoint_wanted, false },
	[OPT_COMMUNITY] = { sizeof(char *), community_parse, str_print, community_wanted, true },
	[OPT_COMMUNITY_ANY] = { sizeof(char *), community_any_parse, str_print,
	    community_any_wanted, true },
	[OPT_PREFIX_OR_ADDR] = { sizeof(struct ip_prefix), prefix_or_addr_parse, prefix_print,
	    prefix_or_addr_wanted, false },
	[OPT_RANGE] = { sizeof(struct ip_range), range_parse, range_print, range_wanted, false },
	[OPT_COMMUNITY_VALUE] = { sizeof(struct conf_community_value), community_value_parse,
	    community_value_print, community_value_wanted, false },
};
