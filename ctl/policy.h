/*
 * `weft policy test`: a route given as text, for the rules of bgpd's core.
 */
#ifndef CTL_POLICY_H
#define CTL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "bgpd/core/attrs.h"
#include "lib/conf.h"
#include "lib/ip.h"

#define POLICY_TEXT_MAX 2048 /* octets of the text of a route */

struct policy_route {
	struct ip_prefix prefix;
	struct attrs_build attrs; /* borrows from the buffers below */
	uint8_t source;	 /* enum ipc_rule_source; ANY: not said */
	char from[CONF_NAME_MAX + 1]; /* name of the peer it comes from; "": not said */
	uint8_t path[POLICY_TEXT_MAX * 3], comm[3][POLICY_TEXT_MAX * 3];
};

/*
 * Read a route: a prefix, then pairs of a word and its value,
 *
 *	as-path 65001 65002 {65003 65004}	next-hop 10.0.0.1	med 5
 *	communities 65001:1 pods 1:2:3 rt:1:2	local-pref 100		weight 1
 *	origin igp|egp|incomplete
 *	from local|mesh|peer|peer:NAME		type PodCIDR|Interface|Prefix
 *
 * Quotes and commas count as blanks.  c gives names to communities.  False with
 * the problem in why (cap octets).
 */
bool policy_route_parse(const struct conf *c, const char *text, struct policy_route *ret, char *why,
    size_t cap);

#endif
