/*
 * natOutgoing: pods reach the outside with the node's address.
 *
 * One nftables table of our own, `inet weft`. While the option is off there is none and nothing is
 * ever translated. The table stays over restarts of the agent, is replaced in one transaction, and
 * is put back when somebody changes it; connections go on in any case, as the kernel translates
 * them by what it decided at their first packet.
 */
#ifndef AGENT_NAT_H
#define AGENT_NAT_H

#include "agent/agent.h"
#include "agent/core/nat.h"

struct nat;

/* Borrows a, which outlives it. Nothing is looked at before the first nat_apply(). */
struct nat *nat_new(struct agent *a);
/* The table stays; NULL is fine. */
void nat_free(struct nat *n);

/* The configuration, peers or addresses of nodes may be others: make the table as it has to be. */
void nat_apply(struct nat *n);
/* Take the table away until the next change of the configuration. */
void nat_flush(struct nat *n);
/* A configuration was put in force: nat_flush() is over. */
void nat_resume(struct nat *n);

enum nat_state { NAT_OFF, NAT_INSTALLED, NAT_FAILED, NAT_FOREIGN, NAT_FLUSHED, NAT_WAITING,
	NAT_OBSERVED };
struct nat_view {
	enum nat_state state;
	const char *state_name;
	char why[IPC_TEXT_MAX]; /* FAILED, FOREIGN, ...: in words; else "" */
	uint32_t repairs;	/* times that it was put back */
	uint64_t flows[2], octets[2]; /* translated, as the table counts: connections and the
				       * octets of their first packets */
	const struct nat_sets *sets;  /* valid until the next change */
};
/* counters: ask the kernel for them, too. */
void nat_view(struct nat *n, bool counters, struct nat_view *ret);

#endif
