/*
 * Ranges of addresses, both ends included; of one family.
 */
#ifndef LIB_IPRANGE_H
#define LIB_IPRANGE_H

#include <stdbool.h>

#include "lib/ip.h"

/* first is not above last; their scopes are 0. */
struct ip_range {
	struct ip_addr first, last;
};

/* Room for "ADDRESS-ADDRESS" with its NUL. */
#define IP_RANGE_STRLEN (2 * IP_ADDR_STRLEN)

/*
 * "ADDRESS/LENGTH" without host bits, "ADDRESS-ADDRESS" (blanks around the dash are fine), or one
 * address. False leaves *ret alone.
 */
bool ip_range_parse(const char *s, struct ip_range *ret);
/* As it would be written, a prefix where it is one, in buf (IP_RANGE_STRLEN octets). */
char *ip_range_str(const struct ip_range *r, char *buf);

/* All addresses of a prefix. */
struct ip_range ip_range_of(const struct ip_prefix *p);
bool ip_range_has(const struct ip_range *r, const struct ip_addr *a);
bool ip_range_overlaps(const struct ip_range *a, const struct ip_range *b);

#endif
