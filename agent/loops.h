/*
 * Packets to addresses that nobody has, inside of announced aggregates of Services.
 *
 * A router sends everything inside an aggregate to the nodes that announce it. What kube-proxy
 * knows nothing of would follow the node's default route back to the router, and so on until its
 * hop limit is used up. A blackhole route, as pod CIDRs have it, cannot stop that here: the node's
 * own packets to a Service are routed before kube-proxy's rules see them, and would be refused.
 * So each aggregate has two policy routing rules, with our protocol number:
 *
 *   32700: from all to AGGREGATE iif lo lookup main protocol 212    the node's own packets
 *   32701: from all to AGGREGATE blackhole protocol 212		 what is forwarded
 *
 * What kube-proxy translates has another destination by then; what it has as a local address
 * (IPVS) was found by the rule for table local. Rules of that protocol at these two places are ours
 * alone.
 */
#ifndef AGENT_LOOPS_H
#define AGENT_LOOPS_H

#include "agent/agent.h"

#define LOOPS_MAX 128 /* aggregates; every packet passes their rules one by one */

struct loops;

/* Nothing is looked at or changed before loops_set(). Borrows a. */
struct loops *loops_new(struct agent *a);
/* The rules stay; NULL is fine. */
void loops_free(struct loops *l);

/*
 * These prefixes have rules, and no others do. What cannot be done is an event. v is copied.
 */
void loops_set(struct loops *l, const struct ip_prefix *v, size_t n);

/* Take them away until the next loops_set(). */
void loops_flush(struct loops *l);

#endif
