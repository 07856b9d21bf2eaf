/*
 * Who this node is: node addresses, router id, and the source address of a
 * connection, found on the machine as the configuration says.
 */
#ifndef AGENT_IDENTITY_H
#define AGENT_IDENTITY_H

#include <stdbool.h>

#include "agent/agent.h"

/*
 * Fill a->node4, a->node6 and a->router_id.  An address found by `auto` stays
 * as long as it is on the node, and so does the router id: sessions do not
 * depend on which interface came up first.  What changed is an event.
 */
void identity_resolve(struct agent *a);

/* Address to bind to towards a peer (af 0: the kernel chooses). False: not there, with the
 * problem (IPC_TEXT_MAX octets) in words. */
bool identity_source(const struct agent *a, const struct conf_peer *c, const struct ip_addr *peer,
    struct ip_addr *ret, char *problem);

#endif
