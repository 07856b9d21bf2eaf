/*
 * natOutgoing, the thinking: which addresses are pods, and which are not "outside".
 *
 * Prefixes of any kind, overlapping and in any order, become ranges that are sorted and apart, as
 * the kernel's interval sets want them.
 */
#ifndef AGENT_CORE_NAT_H
#define AGENT_CORE_NAT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/ip.h"

/* Both ends are inside; of one family. */
struct nat_range {
	struct ip_addr first, last;
};

enum nat_set { NAT_PODS, NAT_INSIDE, NAT_NSETS };

/* What the kernel gets: [set][0] is IPv4, [set][1] IPv6. All zeros: nothing. */
struct nat_sets {
	struct nat_range *v[NAT_NSETS][2];
	size_t n[NAT_NSETS][2];
};

/* Add a prefix (family none: nothing is added) to a set, as it is. */
void nat_sets_add(struct nat_sets *s, enum nat_set set, const struct ip_prefix *p);
/* Sort and join what overlaps or touches; to be called after the last nat_sets_add(). */
void nat_sets_settle(struct nat_sets *s);
/* Same ranges; both are settled. */
bool nat_sets_eq(const struct nat_sets *a, const struct nat_sets *b);
void nat_sets_free(struct nat_sets *s);

/*
 * Would the table translate a packet of that source to that destination? For tests: the kernel's
 * rule in words.
 */
bool nat_sets_translates(
    const struct nat_sets *s, const struct ip_addr *from, const struct ip_addr *to);

/* The address after a, false: a is the last one of its family. */
bool nat_addr_next(const struct ip_addr *a, struct ip_addr *ret);

/* "10.0.0.0/8" when it is a prefix, else "10.0.0.0-10.0.0.9". */
#define NAT_RANGE_STRLEN (2 * IP_ADDR_STRLEN)
char *nat_range_str(const struct nat_range *r, char *buf);

#endif
