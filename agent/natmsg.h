/*
 * Messages to nf_tables: built into one buffer, which is one transaction.
 *
 * The table is `inet weft`: four interval sets (pods4, pods6, inside4, inside6) and the chain `out`
 * (type nat, postrouting) with a rule for each family: from @pods and not to @inside is masqueraded
 * and counted. Its comment says whose it is. No socket here.
 */
#ifndef AGENT_NATMSG_H
#define AGENT_NATMSG_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/core/nat.h"

#define NAT_TABLE "weft"

/* A growing run of messages; all zeros is an empty one. */
struct natmsg {
	uint8_t *buf; /* aligned as the heap does */
	size_t len, cap;
	size_t last; /* where the last message begins */
	uint32_t seq; /* of the next message */
};

/* Give the memory back; m is an empty run afterwards. */
void natmsg_free(struct natmsg *m);
/* Forget the messages; the sequence goes on. */
void natmsg_reset(struct natmsg *m);

/* The whole table, in the place of what was there by that name; ACK on the last message. */
void natmsg_replace(struct natmsg *m, const struct nat_sets *s);
/* Other elements for a table that is as natmsg_replace() makes it. */
void natmsg_refill(struct natmsg *m, const struct nat_sets *s);
/* The table is removed. */
void natmsg_remove(struct natmsg *m);

/* What a look at the table asks for, in this order. */
enum nat_look { NAT_LOOK_GEN, NAT_LOOK_TABLE, NAT_LOOK_CHAIN, NAT_LOOK_RULES, NAT_LOOK_SET,
	NAT_LOOK_ELEMENTS };
/* One request; which: of NAT_LOOK_SET and NAT_LOOK_ELEMENTS, 0 to 3. */
void natmsg_look(struct natmsg *m, enum nat_look look, unsigned which);
#define NAT_NSETS_ALL 4

/* What the kernel answers to one. */
struct nat_seen {
	bool ours;	  /* TABLE: the comment is ours */
	uint32_t gen;	  /* GEN */
	uint64_t flows;	  /* RULES: packets counted, which are first packets of flows */
	uint64_t octets;  /* RULES: of those */
	uint8_t af;	  /* RULES: of the rule, 0: not one of ours */
	uint64_t sum;	  /* of all that must not change */
};
/* False: h is no answer to such a request (ACKs and errors are not). key: two words for the sum. */
bool natmsg_parse(const struct nlmsghdr *h, const uint64_t key[2], struct nat_seen *ret);

#endif
