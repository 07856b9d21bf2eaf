/*
 * Whether this node has its routes (agent/core/converge.h), found out: sessions as bgpd tells of
 * them, own prefixes, bgpd's backlog, the kernel.
 *
 * From then on /readyz may say yes, the CNI file is written (cni.h), and the cluster is told
 * (kube/status.c).
 */
#ifndef AGENT_ROUTED_H
#define AGENT_ROUTED_H

#include "agent/agent.h"
#include "agent/core/converge.h"

struct routed;

/* Borrows a, which outlives it. NULL is fine to free. */
struct routed *routed_new(struct agent *a);
void routed_free(struct routed *r);

/* bgpd tells how far a session is; a peer is gone; bgpd has ended. */
void routed_session(struct routed *r, const struct ipc_peer_session *m);
void routed_peer_gone(struct routed *r, uint32_t peer);
void routed_bgpd_gone(struct routed *r);
/* Something else may have changed: it is looked at a little later, however often that is said. */
void routed_look(struct routed *r);

/* How far it is; has it come to an end (r may be NULL)? */
const struct converge *routed_state(const struct routed *r);
/* It has its routes, or they are not waited for any longer. */
bool routed_is_done(const struct routed *r);

/* What it waits for, or how it ended, in words; buf has cap octets. Returns buf. */
char *routed_text(const struct routed *r, char *buf, size_t cap);

#endif
