/*
 * The ICMPv6 socket of router advertisements, on the agent's side.
 *
 * weftd opens it, once and only when there is a peer without an address; here
 * groups are joined on it; bgpd has a copy and is the only one that reads it.
 */
#ifndef AGENT_UPLINKS_H
#define AGENT_UPLINKS_H

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct uplinks;

/* Opens nothing yet. */
struct uplinks *uplinks_new(struct agent *a);
/* NULL is fine. */
void uplinks_free(struct uplinks *u);

/*
 * Routers of that interface shall be heard. False, with the reason in problem (IPC_TEXT_MAX), when
 * there is no socket, or the interface has no IPv6. Call it again whenever the interface changes.
 */
bool uplinks_join(struct uplinks *u, uint32_t ifindex, const char *ifname, char *problem);

/* A new bgpd has said HELLO: give it the socket, now or as soon as there is one. */
void uplinks_greet(struct uplinks *u);

#endif
